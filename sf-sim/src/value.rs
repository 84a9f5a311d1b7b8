//! Values of fields: owned [`Value`], borrowed [`Cell`], exact [`Decimal`].

mod decimal;

use std::io::Write as _;
use std::sync::Arc;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, Timelike as _, Utc};

pub use decimal::Decimal;
pub(crate) use decimal::Total;

use crate::id::RecordId;

/// A value as it is written to the store.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// `boolean`.
    Bool(bool),
    /// `int` and `long`.
    Int(i64),
    /// `double`, `currency` and `percent`, with the scale that it was written with.
    Num(Decimal),
    /// Everything that is text, picklists among it.
    Text(Arc<str>),
    /// `id` and `reference`.
    Id(RecordId),
    /// `date`.
    Date(NaiveDate),
    /// `datetime`: milliseconds since the epoch.
    DateTime(i64),
    /// `time`: milliseconds since midnight.
    Time(u32),
}

impl Value {
    /// A text value.
    #[must_use]
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// The value, borrowed.
    #[must_use]
    pub fn as_cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Bool(b) => Cell::Bool(*b),
            Self::Int(i) => Cell::Int(*i),
            Self::Num(n) => Cell::Num(*n),
            Self::Text(t) => Cell::Text(t),
            Self::Id(id) => Cell::Id(*id),
            Self::Date(d) => Cell::Date(*d),
            Self::DateTime(ms) => Cell::DateTime(*ms),
            Self::Time(ms) => Cell::Time(*ms),
        }
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value as the REST API writes it.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        self.as_cell().to_json()
    }

    /// The value as the content of a quoted cell of a Bulk result; see [`Cell::write_csv`].
    pub fn write_csv(&self, out: &mut Vec<u8>) {
        self.as_cell().write_csv(out);
    }
}

/// A value as it is read from a row: borrowed, and cheap to copy.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Cell<'a> {
    /// No value.
    #[default]
    Null,
    /// `boolean`.
    Bool(bool),
    /// `int` and `long`.
    Int(i64),
    /// `double`, `currency` and `percent`.
    Num(Decimal),
    /// Everything that is text.
    Text(&'a str),
    /// `id` and `reference`.
    Id(RecordId),
    /// `date`.
    Date(NaiveDate),
    /// `datetime`: milliseconds since the epoch.
    DateTime(i64),
    /// `time`: milliseconds since midnight.
    Time(u32),
}

impl Cell<'_> {
    /// Whether there is no value.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value, owned.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match *self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(b),
            Self::Int(i) => Value::Int(i),
            Self::Num(n) => Value::Num(n),
            Self::Text(t) => Value::Text(t.into()),
            Self::Id(id) => Value::Id(id),
            Self::Date(d) => Value::Date(d),
            Self::DateTime(ms) => Value::DateTime(ms),
            Self::Time(ms) => Value::Time(ms),
        }
    }

    /// The value as the REST API writes it: `"2023-01-26T09:26:51.000+0000"`, `"2024-01-31"`, `"13:30:00.000Z"`,
    /// numbers with the scale they were stored with, ids with 18 characters.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match *self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(b) => b.into(),
            Self::Int(i) => i.into(),
            Self::Num(n) => n.to_json(),
            Self::Text(t) => t.into(),
            Self::Id(id) => id.text18().into(),
            Self::DateTime(ms) => {
                let mut out = Vec::with_capacity(28);
                write_datetime(ms, &mut out);
                out.extend_from_slice(b"+0000");
                String::from_utf8(out).unwrap_or_default().into()
            }
            Self::Date(_) | Self::Time(_) => {
                let mut out = Vec::with_capacity(16);
                self.write_csv(&mut out);
                String::from_utf8(out).unwrap_or_default().into()
            }
        }
    }

    /// Appends the value as the content of a quoted cell of a Bulk result: quotes doubled, null as nothing,
    /// datetimes as `2024-12-24T18:18:29.000Z`. The quotes around the cell are the caller's.
    pub fn write_csv(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Null => {}
            Self::Bool(b) => out.extend_from_slice(if b { b"true" } else { b"false" }),
            // Writing to a Vec cannot fail.
            Self::Int(i) => drop(write!(out, "{i}")),
            Self::Num(n) => drop(write!(out, "{n}")),
            Self::Text(t) => write_quoted(t, out),
            Self::Id(id) => out.extend_from_slice(&id.bytes18()),
            Self::Date(d) => write_date(d, out),
            Self::DateTime(ms) => {
                write_datetime(ms, out);
                out.push(b'Z');
            }
            Self::Time(ms) => {
                write_time(ms, out);
                out.push(b'Z');
            }
        }
    }
}

fn write_quoted(text: &str, out: &mut Vec<u8>) {
    // Most cells hold no quote.
    if !text.as_bytes().contains(&b'"') {
        return out.extend_from_slice(text.as_bytes());
    }
    let mut parts = text.split('"');
    out.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        out.extend_from_slice(b"\"\"");
        out.extend_from_slice(part.as_bytes());
    }
}

fn write_date(date: NaiveDate, out: &mut Vec<u8>) {
    let year = u32::try_from(date.year()).unwrap_or(0);
    digits(year, 4, out);
    out.push(b'-');
    digits(date.month(), 2, out);
    out.push(b'-');
    digits(date.day(), 2, out);
}

fn write_time(ms: u32, out: &mut Vec<u8>) {
    let s = ms / 1000;
    digits(s / 3600, 2, out);
    out.push(b':');
    digits(s / 60 % 60, 2, out);
    out.push(b':');
    digits(s % 60, 2, out);
    out.push(b'.');
    digits(ms % 1000, 3, out);
}

/// Without a zone, which JSON and CSV write differently.
fn write_datetime(ms: i64, out: &mut Vec<u8>) {
    let Some(at) = DateTime::<Utc>::from_timestamp_millis(ms) else { return };
    write_date(at.date_naive(), out);
    out.push(b'T');
    write_time(at.num_seconds_from_midnight() * 1000 + at.timestamp_subsec_millis(), out);
}

fn digits(n: u32, width: u32, out: &mut Vec<u8>) {
    for place in (0..width).rev() {
        out.push(b'0' + u8::try_from(n / 10_u32.pow(place) % 10).unwrap_or(0));
    }
}

/// Reads a datetime as the APIs take it: `2023-01-26T09:26:51.000+0000`, `…Z`, `…+02:00`, seconds' fraction optional,
/// or a bare date, which is its midnight in UTC. Gives milliseconds since the epoch.
#[must_use]
pub fn parse_datetime(text: &str) -> Option<i64> {
    if let Some(date) = parse_date(text) {
        return Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis());
    }
    let (local, zone_minutes) = match text.strip_suffix(['Z', 'z']) {
        Some(local) => (local, 0),
        None => {
            let at = text.rfind(['+', '-']).filter(|at| *at > 10)?;
            (text.get(..at)?, parse_zone(text.get(at..)?)?)
        }
    };
    let (date, time) = local.split_once('T')?;
    let ms = i64::from(parse_time_of_day(time)?) - i64::from(zone_minutes) * 60_000;
    let midnight = parse_date(date)?.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis();
    Some(midnight + ms)
}

/// Minutes east of UTC of `+0200`, `-02:00`, `+02`.
fn parse_zone(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let figures: String = text.get(1..)?.chars().filter(|c| *c != ':').collect();
    if !figures.bytes().all(|b| b.is_ascii_digit()) || !matches!(figures.len(), 2 | 4) {
        return None;
    }
    let hours: i32 = figures.get(..2)?.parse().ok()?;
    let minutes: i32 = figures.get(2..).filter(|m| !m.is_empty()).map_or(Some(0), |m| m.parse().ok())?;
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// Reads `yyyy-MM-dd`.
#[must_use]
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() });
    if !shape {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

/// Reads `HH:mm:ss.SSSZ`; fraction and `Z` optional. Gives milliseconds since midnight.
#[must_use]
pub fn parse_time(text: &str) -> Option<u32> {
    parse_time_of_day(text.strip_suffix(['Z', 'z']).unwrap_or(text))
}

fn parse_time_of_day(text: &str) -> Option<u32> {
    let time = NaiveTime::parse_from_str(text, "%H:%M:%S%.f").ok()?;
    Some(time.num_seconds_from_midnight() * 1000 + (time.nanosecond() / 1_000_000).min(999))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(value: &Value) -> String {
        let mut out = Vec::new();
        value.write_csv(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_value_takes_at_most_24_bytes() {
        assert!(size_of::<Value>() <= 24);
        assert!(size_of::<Cell<'_>>() <= 24);
    }

    #[test]
    fn each_type_has_its_form_in_json_and_in_csv() {
        let ms = parse_datetime("2024-12-24T18:18:29.000Z").unwrap();
        let id: RecordId = "0018Z00002rGc7Y".parse().unwrap();
        let cases = [
            (Value::Null, "null", ""),
            (Value::Bool(true), "true", "true"),
            (Value::Int(-42), "-42", "-42"),
            (Value::Num("2102.00".parse().unwrap()), "2102.00", "2102.00"),
            (Value::Num("50000".parse().unwrap()), "50000.0", "50000.0"),
            (Value::text("a \"b\"\n,ü"), r#""a \"b\"\n,ü""#, "a \"\"b\"\"\n,ü"),
            (Value::Id(id), r#""0018Z00002rGc7YQAS""#, "0018Z00002rGc7YQAS"),
            (Value::Date(parse_date("2024-01-31").unwrap()), r#""2024-01-31""#, "2024-01-31"),
            (Value::DateTime(ms), r#""2024-12-24T18:18:29.000+0000""#, "2024-12-24T18:18:29.000Z"),
            (Value::Time(48_600_000), r#""13:30:00.000Z""#, "13:30:00.000Z"),
        ];
        for (value, json, cell) in cases {
            assert_eq!(value.to_json().to_string(), json);
            assert_eq!(csv(&value), cell);
            assert_eq!(value.as_cell().to_value(), value);
        }
    }

    #[test]
    fn datetimes_are_read_with_any_zone_and_fraction() {
        let expected = parse_datetime("2024-12-24T18:18:29Z").unwrap();
        for text in [
            "2024-12-24T18:18:29.000+0000",
            "2024-12-24T20:18:29+02:00",
            "2024-12-24T13:18:29.000-0500",
            "2024-12-24T20:18:29+02",
        ] {
            assert_eq!(parse_datetime(text), Some(expected), "{text}");
        }
        assert_eq!(parse_datetime("1970-01-02"), Some(86_400_000));
        for text in [
            "",
            "2024-13-01",
            "2024-12-24T18:18:29",
            "2024-12-24 18:18:29Z",
            "24-12-24",
            "2024-12-24T25:00:00Z",
            "+2024-12-24",
            "2024-12-24T18:18:29+2",
        ] {
            assert_eq!(parse_datetime(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_read_with_and_without_fraction() {
        assert_eq!(parse_time("13:30:00.000Z"), Some(48_600_000));
        assert_eq!(parse_time("13:30:00"), Some(48_600_000));
        assert_eq!(parse_time("1330"), None);
    }
}
