#![doc = include_str!("../README.md")]

mod csv_rows;
mod error;
mod job;
mod locator;
mod pages;
mod query;
mod rows;
mod to_writer;

pub use error::{Error, ErrorKind, Result};
pub use job::{JobInfo, JobState, Operation};
pub use locator::{Locator, Position};
pub use pages::{PageHead, Pages};
pub use query::{Query, QueryJob};
pub use rows::Rows;
