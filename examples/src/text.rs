//! How numbers, records and errors are shown.

use serde_json::Value;

/// `100000` as `100,000`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A record in one line of about `width` characters: fields without a value are left out, and what does not fit.
pub fn in_short(record: &[u8], width: usize) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(record) else {
        return String::from_utf8_lossy(record).chars().take(width).collect();
    };
    let mut out = String::from("{");
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let field = format!("{}:{value}", Value::from(name.as_str()));
        if out.chars().count() + field.chars().count() + 3 > width {
            out.push('…');
            break;
        }
        out.push_str(&field);
        out.push(',');
    }
    let out = out.trim_end_matches(',');
    format!("{out}}}")
}

/// An error and what caused it, a line each.
pub fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str("\n  ");
        text.push_str(&cause.to_string().replace('\n', "\n  "));
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_stand_between_groups_of_three_digits() {
        let shown = [0, 999, 1_000, 100_000, 1_234_567].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "100,000", "1,234,567"]);
    }

    #[test]
    fn a_record_in_short_has_its_first_values_and_no_nulls() {
        let record =
            r#"{"Id":"00Q1","Title":null,"LastName":"Okafor","Company":"A very long name of a company"}"#;
        assert_eq!(in_short(record.as_bytes(), 40), r#"{"Id":"00Q1","LastName":"Okafor",…}"#);
        assert_eq!(in_short(br#"{"Id":"00Q1"}"#, 40), r#"{"Id":"00Q1"}"#);
        assert_eq!(in_short(b"plain text", 5), "plain");
    }
}
