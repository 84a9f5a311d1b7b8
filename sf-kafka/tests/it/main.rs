//! The connectors from outside, in one binary.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crash;
mod faults;
mod kafka_mock;
mod kafka_real;
mod kafka_support;
mod offset_kafka;
mod operator;
mod seed;
