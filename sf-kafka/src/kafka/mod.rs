//! Kafka, and nothing of Salesforce: what the connectors ask of a cluster (ports), and librdkafka behind it.
//!
//! [`Producer`], [`Admin`] and [`Reader`] are the ports. [`Cluster`] implements all three over one set of
//! [`Settings`], which speaks the Java client's names as well as librdkafka's.

mod error;
mod native;
mod page;
mod port;
mod settings;

pub use error::{Error, ErrorKind, Result};
pub use native::Cluster;
pub use page::Page;
pub use port::{Admin, LogRecord, NewTopic, Producer, Reader, Record, Sent, Topic};
pub use settings::{Client, Settings};
