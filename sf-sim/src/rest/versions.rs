//! API versions and the map of resources.

use std::fmt;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Answer, DataCall};
use crate::org::Shared;

/// The versions that answer; those from 21 to 30 are retired.
const FIRST: u32 = 31;
const LAST: u32 = 66;
const FIRST_EVER: u32 = 20;

/// A version of the API, as `66` of `v66.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.0", self.0)
    }
}

impl Version {
    pub(crate) fn parse(text: &str) -> Result<Self, Answer> {
        let number = text.strip_prefix('v').and_then(|text| text.strip_suffix(".0"));
        let number = number.filter(|n| n.bytes().all(|b| b.is_ascii_digit())).and_then(|n| n.parse().ok());
        match number {
            Some(n @ FIRST..=LAST) => Ok(Self(n)),
            Some(FIRST_EVER..FIRST) => {
                let message = format!("The requested API version ({text}) is not supported.");
                Err(Answer::gateway(StatusCode::GONE, "UNSUPPORTED_API_VERSION", message))
            }
            _ => Err(Answer::not_found()),
        }
    }

    /// As a job tells it: a number with a fraction.
    pub(crate) fn as_number(self) -> Value {
        json!(f64::from(self.0))
    }
}

/// From which version on a resource is there ["Available since release" in the guides].
pub(super) fn since(parts: &[&str]) -> Version {
    Version(match parts {
        ["jobs", "query", _, pages] if pages.eq_ignore_ascii_case("resultPages") => 58,
        ["jobs", "query", ..] => 47,
        ["jobs", "ingest", ..] => 41,
        ["sobjects", _, "eventSchema"] | ["event", ..] => 40,
        ["composite", "graph", ..] => 50,
        ["composite", "sobjects", ..] => 42,
        ["composite", "batch" | "tree", ..] => 34,
        ["composite", ..] => 38,
        _ => FIRST,
    })
}

/// `GET /services/data`.
pub(super) fn list() -> Answer {
    let versions: Vec<Value> = (FIRST..=LAST)
        .map(|n| {
            let version = Version(n);
            json!({ "label": label(n), "url": format!("/services/data/{version}"), "version": format!("{n}.0") })
        })
        .collect();
    Answer::ok(&Value::Array(versions))
}

/// Three releases a year; version 31 was Summer '14. One label is written with another apostrophe, as seen in orgs.
fn label(version: u32) -> String {
    let since = version - FIRST;
    let (season, year) = match since % 3 {
        0 => ("Summer", 14 + since / 3),
        1 => ("Winter", 15 + since / 3),
        _ => ("Spring", 15 + since / 3),
    };
    let apostrophe = if (season, year) == ("Spring", 18) { '\u{2019}' } else { '\'' };
    format!("{season} {apostrophe}{year}")
}

/// `GET /services/data/vXX.X`.
pub(super) fn resources(org: &Shared, data: &DataCall<'_>) -> Answer {
    let base = format!("/services/data/{}", data.version);
    let mut map = Map::new();
    let composite = since(&["composite", "batch"]);
    let jobs = since(&["jobs", "ingest"]);
    let oldest = Version(FIRST);
    for (name, first) in [
        ("limits", oldest),
        ("sobjects", oldest),
        ("query", oldest),
        ("queryAll", oldest),
        ("recent", oldest),
        ("composite", composite),
        ("jobs", jobs),
    ] {
        if data.version >= first {
            map.insert(name.to_owned(), format!("{base}/{name}").into());
        }
    }
    map.insert("identity".to_owned(), org.identity_url(data.session.user).into());
    Answer::ok(&Value::Object(map))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_follow_the_releases() {
        for (version, expected) in [
            (31, "Summer '14"),
            (32, "Winter '15"),
            (33, "Spring '15"),
            (42, "Spring \u{2019}18"),
            (65, "Winter '26"),
            (66, "Spring '26"),
        ] {
            assert_eq!(label(version), expected);
        }
    }

    #[test]
    fn a_version_answers_is_retired_or_was_never_there() {
        assert_eq!(Version::parse("v66.0").unwrap(), Version(66));
        assert_eq!(Version(53).as_number().to_string(), "53.0");
        for (text, status) in
            [("v30.0", 410), ("v67.0", 404), ("66.0", 404), ("v66.1", 404), ("v+6.0", 404), ("v1.0", 404)]
        {
            assert_eq!(Version::parse(text).unwrap_err().status, status, "{text}");
        }
    }
}
