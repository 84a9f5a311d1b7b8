//! Values of other crates as the cells that an org reads.

use std::cell::RefCell;

use bigdecimal::BigDecimal;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use serde::{Serializer, ser};
use sf_core::record::Value;
use sf_core::record::csv_cell::{NullCell, encode};

/// What [`cell`] writes: instants, days, times of day and decimals, also where they may be missing.
pub trait Cell {
    /// The value.
    fn value(&self) -> Value<'_>;
}

impl<Tz: TimeZone> Cell for DateTime<Tz> {
    fn value(&self) -> Value<'_> {
        Value::DateTime(self.with_timezone(&Utc))
    }
}

impl Cell for NaiveDate {
    fn value(&self) -> Value<'_> {
        Value::Date(*self)
    }
}

impl Cell for NaiveTime {
    fn value(&self) -> Value<'_> {
        Value::Time(*self)
    }
}

impl Cell for BigDecimal {
    fn value(&self) -> Value<'_> {
        Value::Decimal(self.clone())
    }
}

impl<T: Cell> Cell for Option<T> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Cell::value)
    }
}

/// Writes a field as an org reads it: instants in UTC with milliseconds, decimals without an exponent.
///
/// ```
/// use chrono::{DateTime, FixedOffset};
///
/// #[derive(serde::Serialize)]
/// #[serde(rename_all = "PascalCase")]
/// struct Meeting {
///     #[serde(serialize_with = "sf_bulk2::cell")]
///     start_date_time: DateTime<FixedOffset>,
/// }
///
/// let start_date_time = "2026-05-04T09:12:31+02:00".parse()?;
/// let json = serde_json::to_string(&Meeting { start_date_time })?;
/// assert_eq!(json, r#"{"StartDateTime":"2026-05-04T07:12:31.000Z"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A year that has not four digits, and a number of more than 400 digits.
pub fn cell<T: Cell, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let value = value.value();
    if value.is_null() {
        return serializer.serialize_none();
    }
    TEXT.with_borrow_mut(|text| {
        text.clear();
        encode(&value, NullCell::Empty, text).map_err(ser::Error::custom)?;
        serializer.serialize_str(text)
    })
}

thread_local! {
    /// Rows have many such fields, and each is written at once.
    static TEXT: RefCell<String> = const { RefCell::new(String::new()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json<T: Cell>(value: T) -> String {
        let mut out = Vec::new();
        cell(&value, &mut serde_json::Serializer::new(&mut out)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_is_written_as_the_api_documents_it() {
        assert_eq!(json("1.5E+9".parse::<BigDecimal>().unwrap()), "\"1500000000\"");
        assert_eq!(json("1E-9".parse::<BigDecimal>().unwrap()), "\"0.000000001\"");
        assert_eq!(json(NaiveDate::from_ymd_opt(2024, 2, 29)), "\"2024-02-29\"");
        assert_eq!(json(NaiveTime::from_hms_opt(9, 5, 0).unwrap()), "\"09:05:00.000Z\"");
        assert_eq!(json(None::<NaiveDate>), "null");
    }
}
