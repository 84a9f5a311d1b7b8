#![doc = include_str!("../README.md")]

mod csv_rows;
mod error;
mod format;
mod handle;
mod ingest;
mod job;
mod list;
mod locator;
mod pages;
mod parallel;
mod query;
mod row_de;
mod rows;
mod spool;
mod to_writer;

pub use error::{Error, ErrorKind, Result};
pub use format::{ColumnDelimiter, LineEnding, Nulls};
pub use ingest::{
    Cell, Echo, Failure, Ingest, IngestJob, Input, Joined, JoinedOutcomes, Load, Loaded, LoadedJob, Outcomes,
    Replay, Retried, RetryLocks, Success, Tally, Unsettled, cell,
};
pub use job::{JobInfo, JobState, Operation};
pub use list::{JobList, JobType, Jobs};
pub use locator::{Locator, Position};
pub use pages::{NextPage, PageHead, Pages};
pub use parallel::{Page, PageRows, ParallelPages};
pub use query::{Query, QueryJob};
pub use rows::Rows;
