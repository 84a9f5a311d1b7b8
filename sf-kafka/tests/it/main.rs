//! The connectors from outside, in one binary.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crash;
mod faults;
mod jwt;
mod kafka_mock;
mod kafka_real;
mod kafka_support;
mod logins;
mod mistakes;
mod offset_kafka;
mod operator;
mod process;
mod proxy;
mod seed;
mod two_clusters;
