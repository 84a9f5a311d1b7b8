use std::sync::Arc;

use bigdecimal::BigDecimal;

use super::{Logical, Schema, Type};
use crate::convert::{Error, ErrorKind, Result};

/// A value.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the others are what their names say")]
pub enum Value {
    Null,
    Boolean(bool),
    Int8(i8),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    Float32(f32),
    Float64(f64),
    String(String),
    Bytes(Vec<u8>),
    /// An exact decimal; its scale is part of it.
    Decimal(BigDecimal),
    /// Milliseconds since 1970: what Date, Time and Timestamp are in memory.
    Instant(i64),
    Array(Vec<Value>),
    /// The entries in their order; a key stands once.
    Map(Vec<(Value, Value)>),
    Struct(Struct),
}

impl Value {
    /// The Java class of it, as messages name it.
    pub(crate) fn java_class(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "class java.lang.Boolean",
            Self::Int8(_) => "class java.lang.Byte",
            Self::Int16(_) => "class java.lang.Short",
            Self::Int32(_) => "class java.lang.Integer",
            Self::Int64(_) => "class java.lang.Long",
            Self::Float32(_) => "class java.lang.Float",
            Self::Float64(_) => "class java.lang.Double",
            Self::String(_) => "class java.lang.String",
            Self::Bytes(_) => "class [B",
            Self::Decimal(_) => "class java.math.BigDecimal",
            Self::Instant(_) => "class java.util.Date",
            Self::Array(_) => "class java.util.ArrayList",
            Self::Map(_) => "class java.util.LinkedHashMap",
            Self::Struct(_) => "class org.apache.kafka.connect.data.Struct",
        }
    }

    /// The type that a value has without a schema. Decimals, instants and nulls have none.
    pub(crate) fn kind(&self) -> Option<Type> {
        Some(match self {
            Self::Null | Self::Decimal(_) | Self::Instant(_) => return None,
            Self::Boolean(_) => Type::Boolean,
            Self::Int8(_) => Type::Int8,
            Self::Int16(_) => Type::Int16,
            Self::Int32(_) => Type::Int32,
            Self::Int64(_) => Type::Int64,
            Self::Float32(_) => Type::Float32,
            Self::Float64(_) => Type::Float64,
            Self::String(_) => Type::String,
            Self::Bytes(_) => Type::Bytes,
            Self::Array(_) => Type::Array,
            Self::Map(_) => Type::Map,
            Self::Struct(_) => Type::Struct,
        })
    }

    /// Whether the schema allows the value. `place` says where it stands, as messages name it: `value`,
    /// `field: "Name"`.
    pub(crate) fn check(&self, schema: &Schema, place: &str) -> Result<()> {
        if *self == Self::Null {
            if schema.is_optional() {
                return Ok(());
            }
            let kind = schema.kind().name();
            let message = format!("Invalid value: null used for required {place}, schema type: {kind}");
            return Err(Error::data(message));
        }
        let fits = match (Logical::of(schema), self) {
            (Some(Logical::Decimal), value) => matches!(value, Self::Decimal(_)),
            (Some(_), value) => matches!(value, Self::Instant(_)),
            (None, value) => value.kind() == Some(schema.kind()),
        };
        if !fits {
            let (kind, class) = (schema.kind().name(), self.java_class());
            let message = format!("Invalid Java object for schema with type {kind}: {class} for {place}");
            return Err(Error::data(message));
        }
        match self {
            Self::Decimal(_) | Self::Instant(_)
                if matches!(schema.kind(), Type::Array | Type::Map | Type::Struct) =>
            {
                let (class, kind) = (self.java_class(), schema.kind().name());
                Err(Error::new(
                    ErrorKind::Cast,
                    format!("{class} is no {kind}, whatever its schema is called"),
                ))
            }
            Self::Struct(value) if *value.schema != *schema => {
                Err(Error::data("Struct schemas do not match."))
            }
            Self::Array(items) => items.iter().try_for_each(|item| {
                let schema = schema.value_schema();
                schema.map_or(Ok(()), |s| item.check(s, &format!("element of array {place}")))
            }),
            Self::Map(entries) => entries.iter().try_for_each(|(key, value)| {
                if let Some(schema) = schema.key_schema() {
                    key.check(schema, &format!("key of map {place}"))?;
                }
                let schema = schema.value_schema();
                schema.map_or(Ok(()), |s| value.check(s, &format!("value of map {place}")))
            }),
            _ => Ok(()),
        }
    }
}

/// A value of a struct schema: one value a field, in the schema's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Struct {
    schema: Arc<Schema>,
    values: Vec<Value>,
}

impl Struct {
    /// A struct whose fields are all null.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Data`] where the schema is not one of a struct.
    pub fn new(schema: impl Into<Arc<Schema>>) -> Result<Self> {
        let schema = schema.into();
        if schema.kind() != Type::Struct {
            return Err(Error::data(format!("Not a struct schema: {}", schema.kind().name())));
        }
        let values = vec![Value::Null; schema.fields().len()];
        Ok(Self { schema, values })
    }

    /// Sets a field.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Data`] where there is no such field, or its schema does
    /// not allow the value.
    pub fn put(&mut self, name: &str, value: Value) -> Result<()> {
        let Some(at) = self.schema.position(name) else {
            return Err(Error::data(format!("{name} is not a valid field name")));
        };
        value.check(&self.schema.fields()[at].schema, &format!("field: \"{name}\""))?;
        self.values[at] = value;
        Ok(())
    }

    /// Sets the field at a position; without a check, for those who made the value by the schema.
    pub(crate) fn set(&mut self, at: usize, value: Value) {
        self.values[at] = value;
    }

    /// The schema.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The values, one a field of the schema. Defaults are not filled in.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The value of a field; `None` where the schema has no such field. A null is not replaced by its default.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.schema.position(name).and_then(|at| self.values.get(at))
    }
}
