//! What an offset of the Bulk API source says.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};
use sf_core::ApiVersion;

use super::{Error, ErrorKind, Offset, Result};

/// Which page of a job comes next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Locator {
    /// No page has been delivered: `""`.
    NotBegun,
    /// The page with this locator.
    Page(String),
    /// All pages have been delivered: `"null"`.
    Done,
}

impl Locator {
    /// As the offset has it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::NotBegun => "",
            Self::Page(locator) => locator,
            Self::Done => "null",
        }
    }
}

impl From<&str> for Locator {
    fn from(text: &str) -> Self {
        match text {
            "" => Self::NotBegun,
            "null" => Self::Done,
            locator => Self::Page(locator.to_owned()),
        }
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far the Bulk API source has come with one object.
///
/// Between windows it is what Confluent's connector writes, `{"jobId":…,"locator":"null","time":…}`, and its
/// `{"time":…}` alone is read too. Within a window it also says what the window and its job are. Keys that we do
/// not know are kept.
///
/// ```
/// use sf_kafka::offset::{Locator, SourceOffset};
///
/// let offset = serde_json::from_str(r#"{"jobId":"7505i00000Ug2TK","locator":"null","time":"2024-04-09T15:32:45Z"}"#)?;
/// let offset = SourceOffset::parse(&offset)?;
/// assert_eq!(offset.locator, Locator::Done);
/// assert!(!offset.is_in_flight());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceOffset {
    /// The job of the window in hand, or of the last one.
    pub job_id: Option<String>,
    /// Which page of it comes next.
    pub locator: Locator,
    /// Where the window in hand starts, or, when it is done, the next one.
    pub time: DateTime<Utc>,
    /// Where the window in hand ends; offsets of other connectors lack it.
    pub end: Option<DateTime<Utc>>,
    /// The version that the job was made with: its pages are asked for by no other.
    pub api_version: Option<ApiVersion>,
    /// The hash of the query, so that a changed one is noticed.
    pub query: Option<String>,
    /// How many rows of the next page have been delivered already.
    pub rows: u64,
    /// Keys that are not ours.
    pub others: Map<String, Value>,
}

impl SourceOffset {
    /// No window is in hand; the next one starts here.
    pub fn idle(time: DateTime<Utc>) -> Self {
        Self {
            job_id: None,
            locator: Locator::Done,
            time,
            end: None,
            api_version: None,
            query: None,
            rows: 0,
            others: Map::new(),
        }
    }

    /// The window from here to `end` is in hand, and none of its job's pages is delivered.
    #[must_use]
    pub fn begun(&self, job_id: &str, end: DateTime<Utc>, version: ApiVersion, query: &str) -> Self {
        Self {
            job_id: Some(job_id.to_owned()),
            locator: Locator::NotBegun,
            end: Some(end),
            api_version: Some(version),
            query: Some(query.to_owned()),
            rows: 0,
            ..self.clone()
        }
    }

    /// The page before this locator is delivered.
    #[must_use]
    pub fn at(&self, locator: Locator) -> Self {
        Self { locator, rows: 0, ..self.clone() }
    }

    /// The window is delivered to its end: nothing is left of it but its job's id.
    #[must_use]
    pub fn finished(&self) -> Self {
        Self {
            job_id: self.job_id.clone(),
            others: self.others.clone(),
            ..Self::idle(self.end.unwrap_or(self.time))
        }
    }

    /// Whether a window is in hand.
    pub fn is_in_flight(&self) -> bool {
        self.locator != Locator::Done
    }

    /// Reads an offset.
    ///
    /// # Errors
    ///
    /// `NotUnderstood` when `time` is missing or one of our keys has a value that is not of its kind.
    pub fn parse(offset: &Offset) -> Result<Self> {
        let mut rest = offset.clone();
        let time = take_time(&mut rest, "time")?.ok_or_else(|| wrong("time", "is missing"))?;
        let api_version = match take_text(&mut rest, "apiVersion")? {
            Some(text) => Some(
                text.parse()
                    .map_err(|_| wrong("apiVersion", format!("is {text:?}, which is no API version")))?,
            ),
            None => None,
        };
        Ok(Self {
            job_id: take_text(&mut rest, "jobId")?,
            locator: take_text(&mut rest, "locator")?.map_or(Locator::Done, |text| text.as_str().into()),
            time,
            end: take_time(&mut rest, "end")?,
            api_version,
            query: take_text(&mut rest, "query")?,
            rows: take_count(&mut rest, "rows")?,
            others: rest,
        })
    }

    /// The offset as a store keeps it.
    pub fn to_map(&self) -> Offset {
        let mut offset = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                offset.insert(key.to_owned(), value);
            }
        };
        put("jobId", self.job_id.as_deref().map(Value::from));
        put("locator", Some(self.locator.as_str().into()));
        put("time", Some(time_text(self.time).into()));
        put("end", self.end.map(|end| time_text(end).into()));
        put("apiVersion", self.api_version.map(|version| version.number().into()));
        put("query", self.query.as_deref().map(Value::from));
        put("rows", (self.rows > 0).then(|| self.rows.into()));
        offset.extend(self.others.clone());
        offset
    }
}

/// Whole seconds as Confluent's connector writes them; a fraction only where there is one.
fn time_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn wrong(key: &str, what: impl fmt::Display) -> Error {
    Error::new(ErrorKind::NotUnderstood, format!("the offset is not understood: {key} {what}")).with_hint(
        "an offset of the Bulk API source looks like {\"time\":\"2024-04-09T15:32:45Z\"}; without one it starts from salesforce.since",
    )
}

fn take_text(offset: &mut Offset, key: &str) -> Result<Option<String>> {
    match offset.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong(key, format!("is {other}, which is no text"))),
    }
}

fn take_time(offset: &mut Offset, key: &str) -> Result<Option<DateTime<Utc>>> {
    let Some(text) = take_text(offset, key)? else { return Ok(None) };
    // Salesforce's own spelling of the zone has no colon.
    DateTime::parse_from_rfc3339(&text)
        .or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .map(|time| Some(time.to_utc()))
        .map_err(|_| wrong(key, format!("is {text:?}, which is no time like 2024-04-09T15:32:45Z")))
}

fn take_count(offset: &mut Offset, key: &str) -> Result<u64> {
    match offset.remove(key) {
        None | Some(Value::Null) => Ok(0),
        Some(Value::Number(number)) if number.is_u64() => Ok(number.as_u64().unwrap_or_default()),
        Some(other) => Err(wrong(key, format!("is {other}, which is no count of rows"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SourceOffset> {
        SourceOffset::parse(&serde_json::from_str(text).unwrap())
    }

    fn text(offset: &SourceOffset) -> String {
        serde_json::to_string(&offset.to_map()).unwrap()
    }

    #[test]
    fn the_offset_of_confluents_connector_is_read_and_written_the_same() {
        let shape = r#"{"jobId":"7505i00000Ug2TKAAZ","locator":"null","time":"2024-04-09T15:32:45Z"}"#;
        let offset = parse(shape).unwrap();
        assert_eq!(offset.job_id.as_deref(), Some("7505i00000Ug2TKAAZ"));
        assert!(!offset.is_in_flight());
        assert_eq!(text(&offset), shape);
    }

    #[test]
    fn a_time_alone_is_an_offset() {
        for shape in [
            r#"{"time":"2024-04-09T15:32:45Z"}"#,
            r#"{"time":"2024-04-09T15:32:45.000+0000"}"#,
            r#"{"time":"2024-04-09T17:32:45+02:00","jobId":null,"locator":null}"#,
        ] {
            let offset = parse(shape).unwrap();
            assert_eq!(offset, SourceOffset::idle("2024-04-09T15:32:45Z".parse().unwrap()), "{shape}");
        }
    }

    #[test]
    fn a_window_leaves_nothing_behind_but_its_job() {
        let start = SourceOffset::idle("2024-04-09T15:00:00Z".parse().unwrap());
        let begun = start.begun("750A", "2024-04-09T16:00:00Z".parse().unwrap(), ApiVersion::DEFAULT, "abc");
        assert!(begun.is_in_flight());
        assert_eq!(
            text(&begun),
            r#"{"jobId":"750A","locator":"","time":"2024-04-09T15:00:00Z","end":"2024-04-09T16:00:00Z","apiVersion":"65.0","query":"abc"}"#
        );
        let page = SourceOffset { rows: 7, ..begun.at(Locator::Page("MTAwMA".to_owned())) };
        assert_eq!(parse(&text(&page)).unwrap(), page);
        assert_eq!(page.at(Locator::Page("MjAwMA".to_owned())).rows, 0);
        assert_eq!(
            text(&page.finished()),
            r#"{"jobId":"750A","locator":"null","time":"2024-04-09T16:00:00Z"}"#
        );
    }

    #[test]
    fn keys_that_are_not_ours_are_kept() {
        let shape = r#"{"jobId":"750A","locator":"x","time":"2024-04-09T15:00:00Z","offset.version":1,"deep":{"a":[1.50]}}"#;
        let offset = parse(shape).unwrap();
        assert_eq!(offset.end, None);
        assert_eq!(text(&offset), shape);
        assert!(text(&offset.finished()).contains(r#""deep":{"a":[1.50]}"#));
    }

    #[test]
    fn what_is_not_understood_is_an_error_that_names_the_key() {
        for (shape, key) in [
            (r"{}", "time"),
            (r#"{"jobId":"750A","locator":"null"}"#, "time"),
            (r#"{"time":"yesterday"}"#, "time"),
            (r#"{"time":1712676765000}"#, "time"),
            (r#"{"time":"2024-04-09T15:00:00Z","jobId":5}"#, "jobId"),
            (r#"{"time":"2024-04-09T15:00:00Z","locator":{}}"#, "locator"),
            (r#"{"time":"2024-04-09T15:00:00Z","end":"soon"}"#, "end"),
            (r#"{"time":"2024-04-09T15:00:00Z","apiVersion":"x"}"#, "apiVersion"),
            (r#"{"time":"2024-04-09T15:00:00Z","rows":-1}"#, "rows"),
        ] {
            let error = parse(shape).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotUnderstood);
            assert!(error.to_string().contains(&format!(": {key} ")), "{shape}: {error}");
        }
    }
}
