//! The connectors from outside, in one binary.

mod kafka_mock;
mod kafka_real;
mod kafka_support;
mod offset_kafka;
