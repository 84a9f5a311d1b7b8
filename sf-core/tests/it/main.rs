//! The client over real sockets: tokens renewed, orgs that move, answers that break.
#![cfg(feature = "reqwest")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod client;
#[cfg(feature = "sobject")]
mod files;
mod recorded;
#[cfg(feature = "sobject")]
mod rows;
#[cfg(feature = "sobject")]
mod rows_faults;
mod support;
