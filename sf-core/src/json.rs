//! JSON that is not what was expected.

/// What is wrong with JSON, and where in it, without what stands there: that is somebody's data, and errors are logged.
/// The names of members and the words of the caller's own types are told.
pub fn fault(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // serde quotes what it found before it says what it expected.
    let cut = ["invalid type: ", "invalid value: ", "unknown variant "].into_iter().find_map(|begin| {
        let found = text.strip_prefix(begin)?;
        let (kind, _) = found.split_once(['"', '`'])?;
        let (_, expected) = found.rsplit_once(", expected ")?;
        let what = format!("{begin}{kind}");
        Some(format!("{}, expected {expected}", what.trim_end()))
    });
    cut.unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde::de::DeserializeOwned;

    use super::*;

    #[derive(Debug, Deserialize)]
    enum Rating {
        Hot,
        Cold,
    }

    #[derive(Debug, Deserialize)]
    struct Row {
        #[serde(rename = "Count")]
        _count: u8,
    }

    fn said<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
        fault(&serde_json::from_str::<T>(json).unwrap_err())
    }

    #[test]
    fn it_says_place_and_type_and_not_the_value() {
        let json = r#"{"Count":"the `secret\", expected one"}"#;
        let place = format!("at line 1 column {}", json.len() - 1);
        assert_eq!(said::<Row>(json), format!("invalid type: string, expected u8 {place}"));
        assert_eq!(
            said::<Row>(r#"{"Count":4711}"#),
            "invalid value: integer, expected u8 at line 1 column 13"
        );
        assert_eq!(
            said::<Row>(r#"{"Count":0.25}"#),
            "invalid type: floating point, expected u8 at line 1 column 13"
        );
        assert_eq!(
            said::<Rating>(r#""secret""#),
            "unknown variant, expected `Hot` or `Cold` at line 1 column 8"
        );
        assert!(matches!(serde_json::from_str(r#""Hot""#), Ok(Rating::Hot)));
        assert!(matches!(serde_json::from_str(r#""Cold""#), Ok(Rating::Cold)));
    }

    #[test]
    fn what_holds_no_value_stays_as_serde_says_it() {
        assert_eq!(said::<Row>("{}"), "missing field `Count` at line 1 column 2");
        assert_eq!(said::<Row>(r#"{"Count":null}"#), "invalid type: null, expected u8 at line 1 column 13");
        assert_eq!(said::<Row>("{"), "EOF while parsing an object at line 1 column 1");
    }
}
