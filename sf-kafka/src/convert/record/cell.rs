//! One cell as JSON. The layouts that Salesforce writes are read here, digit by digit; what is laid out
//! otherwise goes through [`csv_cell`], which knows them all.

use sf_core::record::{Field, Value, csv_cell};

use crate::convert::data::DAY_MS;
use crate::convert::json::{write_integer, write_text};

/// What a cell is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Boolean,
    Int32,
    Int64,
    Number,
    /// A decimal that stays text.
    Amount,
    Date,
    DateTime,
    Time,
}

impl Shape {
    /// Writes a cell that is not empty; `false` where it does not hold what it should, and then part of it
    /// may have been written.
    pub(super) fn write(self, field: &Field, cell: &str, out: &mut Vec<u8>) -> bool {
        let millis = match self {
            Self::Text => {
                write_text(cell, out);
                return true;
            }
            Self::Boolean => {
                let known = matches!(cell, "true" | "false");
                out.extend_from_slice(cell.as_bytes());
                return known;
            }
            Self::Number => return write_number(cell, out),
            Self::Amount => {
                let number = is_number(cell);
                write_text(cell, out);
                return number;
            }
            Self::Int32 => integer(field, cell).filter(|value| i32::try_from(*value).is_ok()),
            Self::Int64 => integer(field, cell),
            Self::Date => day(cell.as_bytes()),
            Self::DateTime => instant(cell.as_bytes()).or_else(|| slowly(field, cell)),
            Self::Time => time_of_day(cell.as_bytes()).or_else(|| slowly(field, cell)),
        };
        if let Some(value) = millis {
            write_integer(value, out);
        }
        millis.is_some()
    }

    /// What a value that its type allows may still be beyond.
    pub(super) fn range(self) -> &'static str {
        match self {
            Self::Int32 => "32 bits",
            Self::Number | Self::Amount => "400 digits",
            _ => "what can be written",
        }
    }
}

fn integer(field: &Field, cell: &str) -> Option<i64> {
    let digits = cell.strip_prefix('-').unwrap_or(cell).as_bytes();
    if matches!(digits.len(), 1..=18) && digits.iter().all(u8::is_ascii_digit) {
        let value = digits.iter().fold(0_i64, |value, b| value * 10 + i64::from(b - b'0'));
        return Some(if digits.len() < cell.len() { -value } else { value });
    }
    slowly(field, cell)
}

#[cold]
fn slowly(field: &Field, cell: &str) -> Option<i64> {
    match csv_cell::decode(field, cell).ok()? {
        Value::Integer(value) => Some(value),
        Value::DateTime(value) => Some(value.timestamp_millis()),
        Value::Time(value) => {
            let since = value.signed_duration_since(chrono::NaiveTime::MIN);
            Some(since.num_milliseconds())
        }
        _ => None,
    }
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

/// `2024-12-24` as days since 1970.
fn day(cell: &[u8]) -> Option<i64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *cell else { return None };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let (month, day) = (two(m1, m2)?, two(d1, d2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years that begin in March put the leap day last: the days before a month are then 153 in every five.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719,468 days from the first of March of the year 0 to 1970.
    Some(days + (month * 153 + 2) / 5 + day - 1 - 719_468)
}

/// `18:18:29.000` as milliseconds since midnight.
fn clock(cell: &[u8]) -> Option<i64> {
    let [h1, h2, b':', m1, m2, b':', s1, s2, b'.', f1, f2, f3] = *cell else { return None };
    let (hour, minute, second) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
    let millis = two(b'0', f1)? * 100 + two(f2, f3)?;
    (hour < 24 && minute < 60 && second < 60).then_some(((hour * 60 + minute) * 60 + second) * 1_000 + millis)
}

/// `18:18:29.000Z`
fn time_of_day(cell: &[u8]) -> Option<i64> {
    clock(cell.strip_suffix(b"Z")?)
}

/// `2024-12-24T18:18:29.000Z`, the zone also as `+0000` or `+00:00`.
fn instant(cell: &[u8]) -> Option<i64> {
    let (date, rest) = cell.split_at_checked(10)?;
    let (time, zone) = rest.strip_prefix(b"T")?.split_at_checked(12)?;
    if !matches!(zone, b"Z" | b"+0000" | b"+00:00") {
        return None;
    }
    Some(day(date)? * DAY_MS + clock(time)?)
}

/// The most characters of a number, and the largest exponent: Salesforce has 18 digits, formulas reach 1E308.
/// Readers in Java refuse a number of more than 1,000.
const MAX_NUMBER: usize = 400;

/// The parts of a decimal number: sign, digits before and behind the point, exponent.
struct Number<'c> {
    negative: bool,
    whole: &'c str,
    fraction: &'c str,
    exponent: &'c str,
}

fn number(cell: &str) -> Option<Number<'_>> {
    if cell.len() > MAX_NUMBER {
        return None;
    }
    let negative = cell.starts_with('-');
    let unsigned = cell.strip_prefix(['-', '+']).unwrap_or(cell);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], &unsigned[at + 1..]),
        None => (unsigned, ""),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    if mantissa.len() < unsigned.len() {
        let digits_of = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        let value = if digits(digits_of) { digits_of.parse::<usize>().ok()? } else { return None };
        if value > MAX_NUMBER {
            return None;
        }
    }
    Some(Number { negative, whole, fraction, exponent })
}

fn is_number(cell: &str) -> bool {
    is_plain_number(cell.as_bytes()) || number(cell).is_some()
}

/// `-12.50`: what nearly all numbers look like, and what is JSON already.
fn is_plain_number(cell: &[u8]) -> bool {
    let digits = cell.strip_prefix(b"-").unwrap_or(cell);
    let whole = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let fits = match whole {
        0 => false,
        1 => true,
        _ => digits[0] != b'0',
    };
    fits && cell.len() <= MAX_NUMBER
        && match &digits[whole..] {
            [] => true,
            [b'.', fraction @ ..] => !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit),
            _ => false,
        }
}

/// Writes a number with all its digits, laid out as JSON wants it: no plus, no leading zeros, a digit on
/// either side of the point.
fn write_number(cell: &str, out: &mut Vec<u8>) -> bool {
    if is_plain_number(cell.as_bytes()) {
        out.extend_from_slice(cell.as_bytes());
        return true;
    }
    let Some(number) = number(cell) else { return false };
    if number.negative {
        out.push(b'-');
    }
    let whole = number.whole.trim_start_matches('0');
    out.extend_from_slice(if whole.is_empty() { b"0" } else { whole.as_bytes() });
    if !number.fraction.is_empty() {
        out.push(b'.');
        out.extend_from_slice(number.fraction.as_bytes());
    }
    if !number.exponent.is_empty() {
        out.push(b'E');
        out.extend_from_slice(number.exponent.strip_prefix('+').unwrap_or(number.exponent).as_bytes());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_counts_as_chrono_counts_it() {
        let mut date = chrono::NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        while let Some(next) = date.checked_add_days(chrono::Days::new(97)) {
            let text = date.format("%Y-%m-%d").to_string();
            if text.len() > 10 || text.starts_with('+') {
                break;
            }
            let due = date.signed_duration_since(chrono::NaiveDate::default()).num_days();
            assert_eq!(day(text.as_bytes()), Some(due), "{text}");
            date = next;
        }
        for (text, due) in
            [("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("0000-01-01", -719_528)]
        {
            assert_eq!(day(text.as_bytes()), Some(due), "{text}");
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in [
            "2023-02-29",
            "1900-02-29",
            "2024-00-10",
            "2024-13-01",
            "2024-04-31",
            "2024-01-00",
            "24-01-01",
            "2024-1-1",
        ] {
            assert_eq!(day(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn instants_are_read_in_the_layouts_that_salesforce_has() {
        for text in
            ["2023-11-14T22:13:20.123Z", "2023-11-14T22:13:20.123+0000", "2023-11-14T22:13:20.123+00:00"]
        {
            assert_eq!(instant(text.as_bytes()), Some(1_700_000_000_123), "{text}");
        }
        assert_eq!(instant(b"1969-12-31T23:59:59.999Z"), Some(-1));
        for text in
            ["2023-11-14T24:00:00.000Z", "2023-11-14T22:60:00.000Z", "2023-11-14 22:13:20.123Z", "", "Z"]
        {
            assert_eq!(instant(text.as_bytes()), None, "{text}");
        }
    }

    fn written(cell: &str) -> Option<String> {
        let mut out = Vec::new();
        write_number(cell, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn numbers_keep_their_digits_and_become_json() {
        for (cell, json) in [
            ("50000.0", "50000.0"),
            ("0.10", "0.10"),
            ("-0.000000000000000001", "-0.000000000000000001"),
            ("1.42656567106328E12", "1.42656567106328E12"),
            ("1e+5", "1E5"),
            ("1.5e-7", "1.5E-7"),
            ("+5", "5"),
            ("007.50", "7.50"),
            ("-00", "-0"),
            (".5", "0.5"),
            ("5.", "5"),
            ("123456789012345678.123456789", "123456789012345678.123456789"),
        ] {
            assert_eq!(written(cell).as_deref(), Some(json), "{cell}");
            assert!(serde_json::from_str::<serde_json::Number>(json).is_ok(), "{json}");
        }
    }

    #[test]
    fn what_is_no_finite_number_is_refused() {
        let long = "1".repeat(401);
        for cell in [
            "", "-", ".", "-.", "abc", "NaN", "Infinity", "1e", "1e+", "1e1.5", "1 ", " 1", "1,5", "0x10",
            "1e401", "--1", "١", &long,
        ] {
            assert_eq!(written(cell), None, "{cell}");
        }
    }
}
