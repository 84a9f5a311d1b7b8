//! Kafka Connect's data model: [`Schema`] and [`Value`].
//!
//! A value does not carry its schema, except a [`Struct`], which is meaningless without it. Null is a value
//! like others ([`Value::Null`]); what a schema makes of it (optional, default) is the converter's business.

mod schema;
mod value;

pub use schema::{Field, Schema, Type};
pub use value::{Struct, Value};

/// The name of the schema of a decimal: bytes, with the scale as a parameter.
pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
/// The name of the schema of a day: `int32`, days since 1970.
pub const DATE: &str = "org.apache.kafka.connect.data.Date";
/// The name of the schema of a time of day: `int32`, milliseconds since midnight.
pub const TIME: &str = "org.apache.kafka.connect.data.Time";
/// The name of the schema of an instant: `int64`, milliseconds since 1970 in UTC.
pub const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";

/// The parameter of a [`DECIMAL`] schema that holds the scale.
pub const SCALE: &str = "scale";

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// What the four names above turn a value into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logical {
    Decimal,
    Date,
    Time,
    Timestamp,
}

impl Logical {
    /// By the name alone: Kafka Connect does not look at the type below it.
    pub(crate) fn of(schema: &Schema) -> Option<Self> {
        match schema.name()? {
            DECIMAL => Some(Self::Decimal),
            DATE => Some(Self::Date),
            TIME => Some(Self::Time),
            TIMESTAMP => Some(Self::Timestamp),
            _ => None,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Decimal => "Decimal",
            Self::Date => "Date",
            Self::Time => "Time",
            Self::Timestamp => "Timestamp",
        }
    }
}
