//! What a cell means, whichever way it is written.
//!
//! An org writes the values of rows anew: numbers as doubles, instants in UTC, ids with 18 characters, booleans as
//! `true` and `false`. Two cells mean the same here where it may write both in one way. Too much that means the same
//! leaves an echo without its row; too little could give it the row of another.

use std::borrow::Cow;

use sf_core::Id;
use sf_core::record::{Field, FieldType, Value, csv_cell};

/// The meaning of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::ingest) enum Meaning<'c> {
    Null,
    /// The bits of a double, which is what numbers come back as. Booleans are among them: 1 is written for true.
    Number(u64),
    /// Milliseconds. A day is the instant at which it begins in UTC.
    Instant(i64),
    /// A time of day.
    Time(chrono::NaiveTime),
    Id(Id),
    Text(Cow<'c, str>),
}

/// What a cell means. Nothing is known about its field, so a text that looks like a number is one.
pub(in crate::ingest) fn meaning(cell: &str) -> Meaning<'_> {
    let bare = bare(cell);
    if bare.is_empty() || bare.eq_ignore_ascii_case("#N/A") {
        return Meaning::Null;
    }
    None.or_else(|| boolean(bare))
        .or_else(|| number(bare))
        .or_else(|| instant(bare))
        .or_else(|| id(bare))
        .unwrap_or_else(|| Meaning::Text(one_line_end(bare)))
}

/// Without the spaces around it.
fn bare(cell: &str) -> &str {
    cell.trim_matches(|c: char| c.is_whitespace() || c <= ' ')
}

/// Whether a cell is a day without a time.
pub(super) fn is_day(cell: &str) -> bool {
    let bare = cell.trim();
    bare.len() == 10 && matches!(instant(bare), Some(Meaning::Instant(_)))
}

impl Meaning<'_> {
    /// A date field takes a datetime for its day.
    pub(super) fn by_day(self) -> Self {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        match self {
            Self::Instant(instant) => Self::Instant(instant.div_euclid(DAY) * DAY),
            other => other,
        }
    }
}

/// What the cell of a key means. Digits that a double cannot tell apart are told apart here: rows whose keys the org
/// takes for the same are rows of one record.
pub(super) fn key_meaning(cell: &str) -> Meaning<'_> {
    let bare = bare(cell);
    if bare.len() > 15 && bare.bytes().all(|b| b.is_ascii_digit()) {
        return Meaning::Text(Cow::Borrowed(bare));
    }
    meaning(bare)
}

fn of_number(number: f64) -> Meaning<'static> {
    // Zero has two signs and one meaning.
    Meaning::Number(if number == 0.0 { 0.0_f64 } else { number }.to_bits())
}

/// The words that an org reads as a boolean.
fn boolean(bare: &str) -> Option<Meaning<'static>> {
    let is = |words: [&str; 4]| bare.len() <= 5 && words.iter().any(|word| bare.eq_ignore_ascii_case(word));
    if is(["true", "yes", "y", "on"]) {
        return Some(of_number(1.0));
    }
    is(["false", "no", "n", "off"]).then(|| of_number(0.0))
}

fn number(bare: &str) -> Option<Meaning<'static>> {
    if !bare.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    bare.parse().ok().filter(|number: &f64| number.is_finite()).map(of_number)
}

fn instant(bare: &str) -> Option<Meaning<'static>> {
    let typed = |field_type| csv_cell::decode(&Field::new("", field_type), bare).ok();
    let bytes = bare.as_bytes();
    if bytes.get(2) == Some(&b':') && bytes.get(5) == Some(&b':') {
        let Value::Time(time) = typed(FieldType::Time)? else { return None };
        return Some(Meaning::Time(time));
    }
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let instant = match typed(if bytes.len() == 10 { FieldType::Date } else { FieldType::DateTime })? {
        Value::Date(day) => day.and_time(chrono::NaiveTime::MIN).and_utc(),
        Value::DateTime(instant) => instant,
        _ => return None,
    };
    Some(Meaning::Instant(instant.timestamp_millis()))
}

fn id(bare: &str) -> Option<Meaning<'static>> {
    if !matches!(bare.len(), 15 | 18) {
        return None;
    }
    let id: Id = bare.parse().ok()?;
    // With 15 characters it may look like a number, and was taken for one above.
    Some(number(bare.get(..15)?).unwrap_or(Meaning::Id(id)))
}

fn one_line_end(bare: &str) -> Cow<'_, str> {
    if !bare.contains('\r') {
        return Cow::Borrowed(bare);
    }
    Cow::Owned(bare.replace("\r\n", "\n").replace('\r', "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_org_may_write_in_one_way_means_the_same() {
        for (sent, echoed) in [
            // From a report of a real org.
            ("912260031", "9.12260031E8"),
            ("1.50", "1.5"),
            ("+7", "7.0"),
            (" 7 ", "7.0"),
            ("-0", "0.0"),
            (".5", "0.5"),
            ("9007199254740993", "9.007199254740992E15"),
            ("TRUE", "true"),
            ("1", "true"),
            ("1.0", "true"),
            ("Yes", "true"),
            ("off", "false"),
            ("#N/A", ""),
            ("#n/a", ""),
            ("  ", ""),
            ("2024-02-29T10:00:00+02:00", "2024-02-29T08:00:00.000Z"),
            ("2024-02-29T10:00:00.000+0200", "2024-02-29T08:00:00.000Z"),
            ("2024-02-29T10:00:00.1234567Z", "2024-02-29T10:00:00.123Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000Z"),
            ("09:05:00", "09:05:00.000Z"),
            ("0017h00000doU3R", "0017h00000doU3RAAU"),
            ("001000000000001", "001000000000001AAA"),
            ("a\r\nb", "a\nb"),
            (" a ", "a"),
        ] {
            assert_eq!(meaning(sent), meaning(echoed), "{sent} and {echoed}");
        }
    }

    #[test]
    fn what_no_org_writes_in_one_way_means_something_else() {
        for (one, other) in [
            ("a", "A"),
            ("a  b", "a b"),
            ("1.5", "1.51"),
            ("1", "0"),
            ("true", "no"),
            ("1", "-1"),
            ("2024-02-29", "2024-03-01"),
            ("2024-02-29T10:00:00Z", "2024-02-29T10:00:00.001Z"),
            ("0017h00000doU3R", "0017h00000doU3r"),
            ("", "0"),
            ("", "null"),
            ("1e999", "2e999"),
            ("2024-02-30", "2024-02-31"),
        ] {
            assert_ne!(meaning(one), meaning(other), "{one} and {other}");
        }
    }

    #[test]
    fn a_datetime_in_a_date_field_is_its_day() {
        let by_day = |cell| meaning(cell).by_day();
        assert_eq!(by_day("2024-02-29T10:00:00Z"), by_day("2024-02-29"));
        assert_eq!(by_day("1969-12-31T10:00:00Z"), by_day("1969-12-31"));
        assert_ne!(by_day("2024-02-29"), by_day("2024-03-01"));
        assert_eq!(by_day("7"), meaning("7"));
        assert!(is_day("2024-02-29") && is_day(" 2024-02-29") && !is_day("2024-02-30"));
        assert!(!is_day("2024-02-29T10:00:00Z") && !is_day("2024-02-29Z"));
    }

    #[test]
    fn keys_of_many_digits_keep_all_of_them() {
        assert_eq!(meaning("100000000000000001"), meaning("100000000000000002"));
        assert_ne!(key_meaning("100000000000000001"), key_meaning("100000000000000002"));
        assert_ne!(key_meaning(" 100000000000000001"), key_meaning("1.00000000000000002E17"));
        assert_eq!(key_meaning(" 100000000000000001"), key_meaning("100000000000000001"));
        assert_eq!(key_meaning("0017h00000doU3R"), key_meaning("0017h00000doU3RAAU"));
        assert_eq!(key_meaning("7"), key_meaning("7.0"));
    }
}
