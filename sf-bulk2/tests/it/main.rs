//! Query jobs against scripted answers, recorded traffic and an emulated org.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod faults;
mod org;
mod recorded;
mod support;
