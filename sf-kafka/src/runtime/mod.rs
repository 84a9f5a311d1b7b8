//! Connectors at work in one process.
//!
//! A [`Worker`] runs connectors; each object of a connector is a task of its own. A task drives its
//! [source](crate::source), converts rows, hands them to Kafka, waits until a whole page has arrived and then
//! stores the offset. What fails in passing is tried again from the last stored offset.

mod login;
mod metrics;
mod patience;
mod proxy;
mod row_writer;
mod status;
mod table_task;
mod worker;

pub use login::connect;
pub use metrics::describe as describe_metrics;
pub use status::{Phase, Status, TableStatus};
pub use worker::{Lane, Outcome, Worker};
