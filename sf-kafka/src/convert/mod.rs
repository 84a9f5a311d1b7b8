//! What stands between a Salesforce row and the bytes of a Kafka record.
//!
//! - [`data`]: Kafka Connect's data model, that is what its converters, transforms and offsets speak of;
//! - [`json`]: Kafka Connect's `JsonConverter`, byte for byte, both ways;
//! - [`string`] and [`primitive`]: its `StringConverter`, number, boolean and byte-array converters;
//! - [`record`]: the way of a Bulk row, straight from its cells to that JSON, for the hot path.
//!
//! ```
//! use sf_kafka::convert::data::{Schema, Value};
//! use sf_kafka::convert::json::{JsonConfig, JsonConverter};
//!
//! let converter = JsonConverter::new(JsonConfig::default());
//! let bytes = converter.from_connect(Some(&Schema::float64()), &Value::Float64(1e7))?;
//! assert_eq!(bytes.as_deref(), Some(&br#"{"schema":{"type":"double","optional":false},"payload":1.0E7}"#[..]));
//! # Ok::<(), sf_kafka::convert::Error>(())
//! ```

pub mod data;
mod error;
pub(crate) mod java_float;
pub(crate) mod java_text;
pub mod json;
pub mod primitive;
pub mod record;
pub mod string;

#[cfg(test)]
mod recorded;

pub use error::{Error, ErrorKind, Result};
