//! Versions of the API.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};

use crate::{Error, ErrorKind};

/// A version of Salesforce's APIs, for example `v65.0`.
///
/// ```
/// use sf_core::ApiVersion;
///
/// let version: ApiVersion = "65.0".parse()?;
/// assert_eq!(version.to_string(), "v65.0");
/// assert_eq!(version.number(), "65.0");
/// assert!(version >= ApiVersion::MIN);
/// # Ok::<(), sf_core::Error>(())
/// ```
///
/// # Errors
///
/// Parsing text fails with [`ErrorKind::InvalidInput`] where the text is no version, or one older than
/// [`ApiVersion::MIN`]. A version that an org names in its answer is read whatever its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiVersion(u16);

impl ApiVersion {
    /// The version that is used where the caller names none: Winter '26.
    pub const DEFAULT: Self = Self(65);
    /// The oldest version that orgs answer (the API end-of-life policy retired 21.0 to 30.0).
    pub const MIN: Self = Self(31);

    /// The version as Salesforce's JSON and documentation write it: `65.0`.
    pub fn number(self) -> String {
        format!("{}.0", self.0)
    }

    /// The part before the point: 65.
    pub fn major(self) -> u16 {
        self.0
    }

    /// Versions have come three a year, all with `.0`.
    fn from_number(number: f64) -> Option<Self> {
        let whole = (1..1000).find(|major| f64::from(*major) == number)?;
        Some(Self(whole))
    }

    fn from_text(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let digits = digits.strip_suffix(".0").unwrap_or(digits);
        if digits.is_empty() || digits.len() > 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().filter(|major| *major > 0).map(Self)
    }
}

impl Default for ApiVersion {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl FromStr for ApiVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let shown: String = text.chars().take(40).collect();
        let Some(version) = Self::from_text(text.trim()) else {
            let message = format!(
                "{shown:?} is not an API version: write it as {} or {}",
                Self::DEFAULT,
                Self::DEFAULT.number()
            );
            return Err(Error::new(ErrorKind::InvalidInput, message));
        };
        if version < Self::MIN {
            let message = format!("API version {version} is retired: orgs answer {} and later", Self::MIN);
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        Ok(version)
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.0", self.0)
    }
}

impl Serialize for ApiVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0))
    }
}

impl<'de> Deserialize<'de> for ApiVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Through `serde_json::Value` and not `deserialize_any`: any crate of a program may switch on
        // serde_json's `arbitrary_precision`, and a visitor then no longer sees numbers as numbers.
        let value = serde_json::Value::deserialize(deserializer)?;
        let version = match &value {
            serde_json::Value::Number(number) => number.as_f64().and_then(Self::from_number),
            serde_json::Value::String(text) => Self::from_text(text),
            _ => None,
        };
        version.ok_or_else(|| de::Error::custom("an API version is written as 65.0 or \"v65.0\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_and_the_number_are_the_same_version() {
        for text in ["v65.0", "65.0", "65", "V65.0", " v65.0 "] {
            assert_eq!(text.parse::<ApiVersion>().unwrap(), ApiVersion::DEFAULT, "{text}");
        }
        for json in ["65.0", "65", "\"65.0\"", "\"v65.0\""] {
            assert_eq!(serde_json::from_str::<ApiVersion>(json).unwrap(), ApiVersion::DEFAULT, "{json}");
        }
        assert_eq!(serde_json::to_string(&ApiVersion::DEFAULT).unwrap(), "65.0");
    }

    #[test]
    fn versions_are_ordered_by_number_not_by_text() {
        let (old, new): (ApiVersion, ApiVersion) = ("99.0".parse().unwrap(), "100.0".parse().unwrap());
        assert!(old < new);
    }

    #[test]
    fn a_retired_version_is_refused_from_the_caller_and_read_from_the_org() {
        let error = "v30.0".parse::<ApiVersion>().unwrap_err();
        assert_eq!(error.to_string(), "API version v30.0 is retired: orgs answer v31.0 and later");
        assert_eq!(serde_json::from_str::<ApiVersion>("20.0").unwrap().number(), "20.0");
    }

    #[test]
    fn what_is_not_a_version_is_refused() {
        for text in ["", "v", "latest", "65.1", "65.0.0", "-65.0", "vv65.0", "0", "1000.0", "6５"] {
            assert!(text.parse::<ApiVersion>().is_err(), "{text}");
        }
        for json in ["65.5", "-1", "1e9", "null", "\"x\"", "0"] {
            assert!(serde_json::from_str::<ApiVersion>(json).is_err(), "{json}");
        }
    }
}
