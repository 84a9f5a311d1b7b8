//! Kafka Connect's converters of numbers, booleans and byte arrays: the bare big-endian bytes of Kafka's own
//! serializers.

use std::sync::Arc;

use super::data::{Schema, Value};
use super::{Error, ErrorKind, Result};

/// The converters, one a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrimitiveConverter {
    /// `BooleanConverter`: one byte.
    Boolean,
    /// `ShortConverter`: two bytes.
    Short,
    /// `IntegerConverter`: four bytes.
    Integer,
    /// `LongConverter`: eight bytes.
    Long,
    /// `FloatConverter`: four bytes.
    Float,
    /// `DoubleConverter`: eight bytes.
    Double,
    /// `ByteArrayConverter`: the bytes as they are.
    ByteArray,
}

impl PrimitiveConverter {
    /// The converter that a class names, with or without its package.
    pub fn from_class(class: &str) -> Option<Self> {
        Some(match class.strip_prefix("org.apache.kafka.connect.converters.").unwrap_or(class) {
            "BooleanConverter" => Self::Boolean,
            "ShortConverter" => Self::Short,
            "IntegerConverter" => Self::Integer,
            "LongConverter" => Self::Long,
            "FloatConverter" => Self::Float,
            "DoubleConverter" => Self::Double,
            "ByteArrayConverter" => Self::ByteArray,
            _ => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Short => "short",
            Self::Integer => "integer",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::ByteArray => "byte array",
        }
    }

    fn schema(self) -> Schema {
        match self {
            Self::Boolean => Schema::boolean(),
            Self::Short => Schema::int16(),
            Self::Integer => Schema::int32(),
            Self::Long => Schema::int64(),
            Self::Float => Schema::float32(),
            Self::Double => Schema::float64(),
            Self::ByteArray => Schema::bytes(),
        }
    }

    /// A value as bytes; null has none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Data`] where the value or its schema is of another type.
    pub fn from_connect(self, schema: Option<&Schema>, value: &Value) -> Result<Option<Vec<u8>>> {
        let named = match self {
            Self::Boolean => Some("BooleanConverter"),
            Self::ByteArray => Some("ByteArrayConverter"),
            _ => None,
        };
        if let (Some(name), Some(schema)) = (named, schema)
            && schema.kind() != self.schema().kind()
        {
            let found = schema.kind().name();
            return Err(Error::data(format!("Invalid schema type for {name}: {found}")));
        }
        Ok(Some(match (self, value) {
            (_, Value::Null) => return Ok(None),
            (Self::Boolean, Value::Boolean(v)) => vec![u8::from(*v)],
            (Self::Short, Value::Int16(v)) => v.to_be_bytes().into(),
            (Self::Integer, Value::Int32(v)) => v.to_be_bytes().into(),
            (Self::Long, Value::Int64(v)) => v.to_be_bytes().into(),
            (Self::Float, Value::Float32(v)) => v.to_be_bytes().into(),
            (Self::Double, Value::Float64(v)) => v.to_be_bytes().into(),
            (Self::ByteArray, Value::Bytes(v)) => v.clone(),
            (Self::ByteArray, other) => {
                let class = other.java_class();
                return Err(Error::data(format!(
                    "ByteArrayConverter is not compatible with objects of type {class}"
                )));
            }
            (_, other) => {
                let class = other.java_class();
                let message = format!("Failed to serialize to {} (was {class}): ", self.word());
                let cause = Error::new(ErrorKind::Cast, format!("{class} is not a {}", self.word()));
                return Err(Error::data(message).caused_by(cause));
            }
        }))
    }

    /// Bytes as a value, whose schema is optional; no bytes are null.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Data`] where there are more or fewer bytes than the type has.
    pub fn to_connect(self, bytes: Option<&[u8]>) -> Result<(Arc<Schema>, Value)> {
        let schema = Arc::new(self.schema().optional());
        let Some(bytes) = bytes else { return Ok((schema, Value::Null)) };
        let value = match self {
            Self::Boolean => match bytes {
                [0] => Ok(Value::Boolean(false)),
                [1] => Ok(Value::Boolean(true)),
                [other] => Err(Error::new(
                    ErrorKind::Serialization,
                    format!("Unexpected byte received by BooleanDeserializer: {other}"),
                )),
                _ => Err(self.wrong_size()),
            },
            Self::Short => self.exactly(bytes).map(|b| Value::Int16(i16::from_be_bytes(b))),
            Self::Integer => self.exactly(bytes).map(|b| Value::Int32(i32::from_be_bytes(b))),
            Self::Long => self.exactly(bytes).map(|b| Value::Int64(i64::from_be_bytes(b))),
            Self::Float => self.exactly(bytes).map(|b| Value::Float32(f32::from_be_bytes(b))),
            Self::Double => self.exactly(bytes).map(|b| Value::Float64(f64::from_be_bytes(b))),
            Self::ByteArray => Ok(Value::Bytes(bytes.to_vec())),
        };
        let failed = |cause| Error::data(format!("Failed to deserialize {}: ", self.word())).caused_by(cause);
        Ok((schema, value.map_err(failed)?))
    }

    fn exactly<const N: usize>(self, bytes: &[u8]) -> Result<[u8; N]> {
        bytes.try_into().map_err(|_| self.wrong_size())
    }

    fn wrong_size(self) -> Error {
        let (name, size) = match self {
            Self::Boolean => ("BooleanDeserializer", 1),
            Self::Short => ("ShortDeserializer", 2),
            Self::Integer => ("IntegerDeserializer", 4),
            Self::Long => ("LongDeserializer", 8),
            // Kafka's messages name no type for these two, and 8 for both.
            _ => ("Deserializer", 8),
        };
        Error::new(ErrorKind::Serialization, format!("Size of data received by {name} is not {size}"))
    }
}
