//! Record ids.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use crate::{Error, ErrorKind};

const SHORT: usize = 15;
const LONG: usize = 18;
const CHECKSUM: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The id of a record, a job, an org: 15 case-sensitive characters, and the 3 that guard their case.
///
/// Both lengths are read, the checksum of the longer one is verified, and the longer one is written.
/// The same record has the same `Id`, whichever length it came in.
///
/// ```
/// use sf_core::Id;
///
/// let short: Id = "0017h00000doU3R".parse()?;
/// let long: Id = "0017h00000doU3RAAU".parse()?;
/// assert_eq!(short, long);
/// assert_eq!(short.to_string(), "0017h00000doU3RAAU");
/// assert_eq!(short.key_prefix(), "001");
/// # Ok::<(), sf_core::Error>(())
/// ```
///
/// # Errors
///
/// Parsing fails with [`ErrorKind::InvalidInput`] and says what is wrong: the length, a character, or
/// the checksum.
// The last three bytes follow from the first fifteen, so comparing all eighteen compares the fifteen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; LONG]);

impl Id {
    /// The id in its 18 characters.
    pub fn as_str(&self) -> &str {
        ascii(&self.0)
    }

    /// The 15 characters that tell records apart. Their case matters.
    pub fn as_short(&self) -> &str {
        ascii(&self.0[..SHORT])
    }

    /// The first three characters, which name the kind of record: `001` is an Account, `750` a bulk job.
    pub fn key_prefix(&self) -> &str {
        ascii(&self.0[..3])
    }
}

/// The bytes were checked to be ASCII letters and digits when the id was read.
fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// One checksum character for each five characters: bit i says that character i is upper case.
fn checksum(id: &[u8]) -> [u8; 3] {
    let mut sum = [0; 3];
    for (group, out) in id.chunks(5).zip(&mut sum) {
        let bits =
            group.iter().enumerate().fold(0, |bits, (i, c)| bits | usize::from(c.is_ascii_uppercase()) << i);
        *out = CHECKSUM[bits];
    }
    sum
}

impl FromStr for Id {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |what: String| {
            let shown: String = text.chars().take(40).collect();
            Error::new(ErrorKind::InvalidInput, format!("{shown:?} is not a Salesforce id: {what}"))
        };
        if let Some(c) = text.chars().find(|c| !c.is_ascii_alphanumeric()) {
            return Err(wrong(format!("{c:?} is neither an ASCII letter nor a digit")));
        }
        let given = text.as_bytes();
        if given.len() != SHORT && given.len() != LONG {
            return Err(wrong(format!("it has {} characters, an id has 15 or 18", given.len())));
        }
        let (id, sum) = given.split_at(SHORT);
        let expected = checksum(id);
        if !sum.is_empty() && sum != expected {
            return Err(wrong(format!(
                "its last three characters would have to be {}, so a character was mistyped or changed case",
                ascii(&expected)
            )));
        }
        let mut all = [0; LONG];
        all[..SHORT].copy_from_slice(id);
        all[SHORT..].copy_from_slice(&expected);
        Ok(Self(all))
    }
}

impl TryFrom<&str> for Id {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        text.parse()
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({})", self.as_str())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a Salesforce id of 15 or 18 characters")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str) -> String {
        let error = text.parse::<Id>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        error.to_string()
    }

    #[test]
    fn ids_that_orgs_sent_keep_their_checksum() {
        // From recorded answers and the documentation.
        for id in [
            "012000000000000AAA",
            "000000000000000AAA",
            "00D58000000arpqEAA",
            "7505i00000Ug2TKAAZ",
            "0017h00000doU3RAAU",
        ] {
            let long: Id = id.parse().unwrap();
            let short: Id = id[..15].parse().unwrap();
            assert_eq!(short.to_string(), id);
            assert_eq!(long, short);
            assert_eq!(long.as_short(), &id[..15]);
            assert_eq!(HashSet::from([long, short]).len(), 1);
        }
    }

    #[test]
    fn ids_that_differ_in_case_are_different_records() {
        let upper: Id = "0017h00000doU3R".parse().unwrap();
        let lower: Id = "0017h00000doU3r".parse().unwrap();
        assert_ne!(upper, lower);
        assert_ne!(upper.to_string()[15..], lower.to_string()[15..]);
    }

    #[test]
    fn an_id_with_a_changed_letter_is_refused_by_its_checksum() {
        assert_eq!(
            refusal("0017H00000doU3RAAU"),
            "\"0017H00000doU3RAAU\" is not a Salesforce id: its last three characters would have to be QAU, \
             so a character was mistyped or changed case"
        );
    }

    #[test]
    fn what_is_not_an_id_is_refused_with_the_reason() {
        assert!(refusal("").ends_with("it has 0 characters, an id has 15 or 18"));
        assert!(refusal("0017h00000doU3RA").ends_with("it has 16 characters, an id has 15 or 18"));
        assert!(refusal("0017h00000doU3'").contains("'\\'' is neither"));
        assert!(refusal("0017h00000doU3é").contains("'é' is neither"));
        assert!(refusal(&"x".repeat(4_000)).len() < 150);
    }

    #[test]
    fn serde_reads_both_lengths_and_writes_the_long_one() {
        let ids: Vec<Id> = serde_json::from_str(r#"["0017h00000doU3R","0017h00000doU3RAAU"]"#).unwrap();
        assert_eq!(serde_json::to_string(&ids).unwrap(), r#"["0017h00000doU3RAAU","0017h00000doU3RAAU"]"#);
        assert!(
            serde_json::from_str::<Id>("\"abc\"").unwrap_err().to_string().contains("it has 3 characters")
        );
    }

    proptest! {
        #[test]
        fn any_id_survives_its_long_form(short in "[0-9A-Za-z]{15}") {
            let id: Id = short.parse().unwrap();
            prop_assert_eq!(id.as_short(), short);
            prop_assert_eq!(id.to_string().parse::<Id>().unwrap(), id);
        }
    }
}
