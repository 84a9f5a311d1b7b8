//! The text of a CSV cell and the value that it means, both ways.
//!
//! Quoting is the reader's and the writer's: here a cell is what stands between the quotes.

use std::borrow::Cow;
use std::fmt::Write as _;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, ToPrimitive};
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};

use super::{DataType, Field, Value};
use crate::{Error, ErrorKind, Result};

/// The most digits before and after the point of a number. Salesforce has at most 18; a formula's `E`
/// notation reaches 308. More than this is not a number but a way to use up memory.
const MAX_DIGITS: i64 = 400;

/// How a null is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullCell {
    /// As an empty cell. Query results have it so. In a load, an empty cell leaves the field as it is.
    Empty,
    /// As `#N/A`. In a load, it clears the field.
    NotApplicable,
}

impl NullCell {
    fn text(self) -> &'static str {
        match self {
            Self::Empty => "",
            Self::NotApplicable => "#N/A",
        }
    }
}

/// What a cell of a query result means for a field of this type.
///
/// An empty cell is [`Value::Null`], of text as well: an org stores no empty texts, and Bulk queries write
/// null as an empty cell.
///
/// # Errors
///
/// [`ErrorKind::Protocol`] where the cell is nothing that the type can hold; it names field, type and cell.
pub fn decode<'a>(field: &Field, cell: &'a str) -> Result<Value<'a>> {
    if cell.is_empty() {
        return Ok(Value::Null);
    }
    let decoded = match field.data_type() {
        DataType::Text => Some(Value::Text(Cow::Borrowed(cell))),
        DataType::Boolean => boolean(cell).map(Value::Boolean),
        DataType::Integer => integer(cell).map(Value::Integer),
        DataType::Decimal => decimal(cell).map(Value::Decimal),
        DataType::Date => date(cell).map(Value::Date),
        DataType::DateTime => date_time(cell).map(Value::DateTime),
        DataType::Time => time(cell).map(Value::Time),
    };
    decoded.ok_or_else(|| refusal(field, cell))
}

fn refusal(field: &Field, cell: &str) -> Error {
    let expected = match field.data_type() {
        DataType::Text => "text",
        DataType::Boolean => "true or false",
        DataType::Integer => "a whole number of 64 bits",
        DataType::Decimal => "a number of at most 400 digits on either side of the point",
        DataType::Date => "a day as 2024-12-24",
        DataType::DateTime => "an instant as 2024-12-24T18:18:29.000Z",
        DataType::Time => "a time of day as 18:18:29.000Z",
    };
    let mut shown: String = cell.chars().take(40).collect();
    if shown.len() < cell.len() {
        shown.push('…');
    }
    let message =
        format!("field {} ({}) holds {shown:?}, which is not {expected}", field.name(), field.field_type());
    Error::new(ErrorKind::Protocol, message)
}

fn boolean(cell: &str) -> Option<bool> {
    match cell {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Formulas and roll-ups of whole numbers may come as `3.0`, which is 3 all the same.
fn integer(cell: &str) -> Option<i64> {
    cell.parse().ok().or_else(|| {
        let value = decimal(cell)?;
        if value.is_integer() { value.to_i64() } else { None }
    })
}

fn decimal(cell: &str) -> Option<BigDecimal> {
    let (mantissa, exponent) = match cell.find(['e', 'E']) {
        Some(at) => (&cell[..at], exponent(&cell[at + 1..])?),
        None => (cell, 0),
    };
    let unsigned = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if unsigned.is_empty() || unsigned == "." || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let scale = i64::try_from(fraction.len()).ok()? - exponent;
    let significant = whole.trim_start_matches('0').len();
    let before_point = i64::try_from(significant).ok()? + exponent;
    if !(-MAX_DIGITS..=MAX_DIGITS).contains(&scale) || before_point > MAX_DIGITS {
        return None;
    }
    // Whole numbers of up to 18 digits need no big arithmetic, and those are what fields hold.
    let digits = if whole.len() + fraction.len() <= 18 {
        let value =
            whole.bytes().chain(fraction.bytes()).fold(0_i64, |value, b| value * 10 + i64::from(b - b'0'));
        BigInt::from(value)
    } else {
        BigInt::parse_bytes(format!("{whole}{fraction}").as_bytes(), 10)?
    };
    Some(BigDecimal::new(if mantissa.starts_with('-') { -digits } else { digits }, scale))
}

/// An exponent of at most four digits; all beyond them would be refused in any case.
fn exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn date(cell: &str) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *cell.as_bytes() else { return None };
    let year = number(&[y1, y2, y3, y4])?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(&[m1, m2])?, number(&[d1, d2])?)
}

fn date_time(cell: &str) -> Option<DateTime<Utc>> {
    let (day, rest) = cell.split_once('T')?;
    let (clock, offset) = match rest.find(['Z', '+', '-']) {
        Some(at) => (&rest[..at], offset(&rest[at..])?),
        None => return None,
    };
    let local = date(day)?.and_time(clock_time(clock)?);
    Some(local.checked_sub_signed(offset)?.and_utc())
}

/// `Z`, `+0000`, `+00:00`: JSON, CSV and SOQL each have their own.
fn offset(text: &str) -> Option<TimeDelta> {
    let (sign, h1, h2, m1, m2) = match *text.as_bytes() {
        [b'Z'] => return Some(TimeDelta::zero()),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (sign, h1, h2, m1, m2),
        _ => return None,
    };
    let (hours, minutes) = (number(&[h1, h2])?, number(&[m1, m2])?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let minutes = i64::from(hours * 60 + minutes);
    match sign {
        b'+' => Some(TimeDelta::minutes(minutes)),
        b'-' => Some(TimeDelta::minutes(-minutes)),
        _ => None,
    }
}

fn time(cell: &str) -> Option<NaiveTime> {
    clock_time(cell.strip_suffix('Z').unwrap_or(cell))
}

/// `HH:mm:ss`, with or without a fraction of up to nine digits.
fn clock_time(text: &str) -> Option<NaiveTime> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    let [h1, h2, b':', m1, m2, b':', s1, s2] = *whole.as_bytes() else { return None };
    let nanos = match fraction.map(str::as_bytes) {
        None => 0,
        Some(digits) if (1..=9).contains(&digits.len()) => {
            let places = u32::try_from(9 - digits.len()).ok()?;
            number(digits)? * 10_u32.pow(places)
        }
        Some(_) => return None,
    };
    NaiveTime::from_hms_nano_opt(number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?, nanos)
}

/// At most nine ASCII digits, no sign.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, b| b.is_ascii_digit().then(|| value * 10 + u32::from(b - b'0')))
}

/// Appends the cell that means this value. Numbers are exact and without exponent, instants are in UTC as
/// `2024-12-24T18:18:29.000Z`; what is finer than a millisecond is cut off, since no org keeps it.
///
/// [`Value::Absent`] is an empty cell: another row has a value in this column. An empty text is a null, as it
/// is in an org.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`], and nothing is appended: a number of more than 400 digits on one side of the
/// point, a year that has not four digits, and, where null is `#N/A`, that text itself, which an org would
/// take for a null.
pub fn encode(value: &Value<'_>, null: NullCell, out: &mut String) -> Result<()> {
    // Writing into a `String` cannot fail, so the results of `write!` carry nothing.
    match value {
        Value::Absent => {}
        Value::Null => out.push_str(null.text()),
        Value::Text(text) if text.is_empty() => out.push_str(null.text()),
        Value::Text(text) if null == NullCell::NotApplicable && text == null.text() => {
            let message =
                "the text #N/A cannot be sent in a load where #N/A means null: the org would clear the field";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        Value::Text(text) => out.push_str(text),
        Value::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Integer(value) => {
            let _ = write!(out, "{value}");
        }
        Value::Decimal(value) => encode_decimal(value, out)?,
        Value::Date(day) => encode_date(*day, out)?,
        Value::DateTime(instant) => {
            encode_date(instant.date_naive(), out)?;
            out.push('T');
            encode_time(instant.time(), out);
        }
        Value::Time(time) => encode_time(*time, out),
    }
    Ok(())
}

fn encode_decimal(value: &BigDecimal, out: &mut String) -> Result<()> {
    let scale = value.fractional_digit_count();
    let in_range = (-MAX_DIGITS..=MAX_DIGITS).contains(&scale)
        && i64::try_from(value.digits()).is_ok_and(|digits| digits - scale <= MAX_DIGITS);
    if !in_range {
        let message =
            "a number has more than 400 digits before or after the point, more than any field holds";
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let _ = value.write_plain_string(out);
    Ok(())
}

fn encode_date(day: NaiveDate, out: &mut String) -> Result<()> {
    let year = day.year();
    if !(0..=9999).contains(&year) {
        let message = format!("the year {year} cannot be written as a date: it needs four digits");
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    digits(year.unsigned_abs(), 1000, out);
    out.push('-');
    digits(day.month(), 10, out);
    out.push('-');
    digits(day.day(), 10, out);
    Ok(())
}

fn encode_time(time: NaiveTime, out: &mut String) {
    // A leap second counts on beyond 999 ms in chrono; an org has none.
    let millis = (time.nanosecond() / 1_000_000).min(999);
    digits(time.hour(), 10, out);
    out.push(':');
    digits(time.minute(), 10, out);
    out.push(':');
    digits(time.second(), 10, out);
    out.push('.');
    digits(millis, 100, out);
    out.push('Z');
}

/// Appends a number with zeros before it, down from this place: a load has millions of instants, and a formatter takes
/// several times as long.
fn digits(number: u32, mut place: u32, out: &mut String) {
    while place > 0 {
        out.push(char::from_digit(number / place % 10, 10).unwrap_or('0'));
        place /= 10;
    }
}

#[cfg(test)]
mod tests;
