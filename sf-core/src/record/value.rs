//! What a cell means.

use std::borrow::Cow;

use bigdecimal::BigDecimal;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// The value of a field in a row. Not asked for, asked for but without a value, and a value are three things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// The row says nothing about the field.
    Absent,
    /// The row has no value in the field.
    Null,
    /// Text, an id, a choice of a picklist, and everything that has no type of its own here.
    Text(Cow<'a, str>),
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A decimal number with the digits that Salesforce sent.
    Decimal(BigDecimal),
    /// A day.
    Date(NaiveDate),
    /// An instant.
    DateTime(DateTime<Utc>),
    /// A time of day.
    Time(NaiveTime),
}

impl Value<'_> {
    /// The same value on its own, not tied to the row it was read from.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Absent => Value::Absent,
            Value::Null => Value::Null,
            Value::Boolean(v) => Value::Boolean(v),
            Value::Integer(v) => Value::Integer(v),
            Value::Decimal(v) => Value::Decimal(v),
            Value::Date(v) => Value::Date(v),
            Value::DateTime(v) => Value::DateTime(v),
            Value::Time(v) => Value::Time(v),
        }
    }

    /// Whether the row was asked and has no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The text of a [`Value::Text`].
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}
