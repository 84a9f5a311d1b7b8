//! Kafka Connect's `JsonConverter`, both ways, with and without schemas.
//!
//! What it writes is meant to be the same bytes as Apache Kafka 4.1 writes, surprises included: doubles have
//! the digits of Java 17, characters beyond the basic plane are two `\u` escapes, other text is plain UTF-8,
//! NaN is a string. What it reads it reads as leniently: leading zeros, anything after the first value,
//! UTF-16 and UTF-32, a byte order mark, a number where text is due (null), text where a number is due (0).
//!
//! Where it differs: half of a surrogate pair cannot live in a Rust string and becomes U+FFFD, a schema has no
//! more than 128 levels, and messages about malformed JSON and base64 are our own (their kinds, and where they
//! stand in the chain of causes, are the same).

mod config;
mod parse;
mod read;
mod schema;
mod text;
mod text_in;
mod write;

use std::sync::Arc;

pub use config::{DecimalFormat, JsonConfig};
pub(crate) use text::{write_integer, write_text};

use super::data::{Schema, Value};
use super::{Error, ErrorKind, Result};
use parse::Node;

const NOT_AN_ENVELOPE: &str = "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields \
and may not contain additional fields. If you are trying to deserialize plain JSON data, set \
schemas.enable=false in your converter configuration.";

/// The converter.
///
/// ```
/// use sf_kafka::convert::data::Value;
/// use sf_kafka::convert::json::{JsonConfig, JsonConverter};
///
/// let plain = JsonConverter::new(JsonConfig { schemas_enable: false, ..JsonConfig::default() });
/// let (schema, value) = plain.to_connect(Some(br#"[1, 2.5]"#))?;
/// assert_eq!(value, Value::Array(vec![Value::Int64(1), Value::Float64(2.5)]));
/// assert!(schema.is_none());
/// # Ok::<(), sf_kafka::convert::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct JsonConverter {
    config: JsonConfig,
}

impl JsonConverter {
    /// A converter with these settings.
    pub fn new(config: JsonConfig) -> Self {
        Self { config }
    }

    /// The settings.
    pub fn config(&self) -> &JsonConfig {
        &self.config
    }

    /// A value as JSON; `None` is a tombstone: null without a schema has no bytes, while null under a schema
    /// is written.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Data`] where the value does not fit the schema.
    pub fn from_connect(&self, schema: Option<&Schema>, value: &Value) -> Result<Option<Vec<u8>>> {
        let mut out = Vec::new();
        Ok(self.write(schema, value, &mut out)?.then_some(out))
    }

    /// The same, appended to a buffer. `false` means that there are no bytes. After an error the buffer is as
    /// it was.
    ///
    /// # Errors
    ///
    /// As [`JsonConverter::from_connect`].
    pub fn write(&self, schema: Option<&Schema>, value: &Value, out: &mut Vec<u8>) -> Result<bool> {
        if schema.is_none() && *value == Value::Null {
            return Ok(false);
        }
        let start = out.len();
        let written = self.write_document(schema, value, out);
        if written.is_err() {
            out.truncate(start);
        }
        written.map(|()| true)
    }

    fn write_document(&self, schema: Option<&Schema>, value: &Value, out: &mut Vec<u8>) -> Result<()> {
        if !self.config.schemas_enable {
            return write::write_value(&self.config, schema, value, out);
        }
        out.extend_from_slice(b"{\"schema\":");
        self.write_schema(schema, out)?;
        out.extend_from_slice(b",\"payload\":");
        write::write_value(&self.config, schema, value, out)?;
        out.push(b'}');
        Ok(())
    }

    /// A schema as JSON, as it stands in an envelope; `null` for none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Data`] where a default cannot be written: a struct as default never can.
    pub fn write_schema(&self, schema: Option<&Schema>, out: &mut Vec<u8>) -> Result<()> {
        match schema {
            None => out.extend_from_slice(b"null"),
            Some(schema) => schema::write_schema(&self.config, schema, None, out)?,
        }
        Ok(())
    }

    /// JSON as a value, with its schema where the envelope has one. No bytes are null.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Data`] where it is no JSON, no envelope though schemas are enabled, or does not fit its
    /// schema; [`ErrorKind::Schema`] where the schema contradicts itself.
    pub fn to_connect(&self, bytes: Option<&[u8]>) -> Result<(Option<Arc<Schema>>, Value)> {
        let Some(bytes) = bytes else { return Ok((None, Value::Null)) };
        let document = parse::parse(bytes).map_err(|cause| {
            let message = format!("{}: {cause}", cause.kind().java_class());
            let middle = Error::new(ErrorKind::Serialization, message).caused_by(cause);
            Error::data("Converting byte[] to Kafka Connect data failed due to serialization error: ")
                .caused_by(middle)
        })?;
        if !self.config.schemas_enable {
            return Ok((None, read::read_value(&self.config, None, &document)?));
        }
        let envelope = match &document {
            Node::Object(members) if members.len() == 2 => members.get("schema").zip(members.get("payload")),
            _ => None,
        };
        let (schema, payload) = envelope.ok_or_else(|| Error::data(NOT_AN_ENVELOPE))?;
        let schema = schema::read_schema(&self.config, schema)?;
        let value = read::read_value(&self.config, schema.as_ref(), payload)?;
        Ok((schema, value))
    }
}

#[cfg(test)]
mod tests;
