//! Jobs against scripted answers, recorded traffic and an emulated org.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod callers;
mod faults;
mod ingest;
mod lies;
mod load;
mod multipart;
mod org;
mod org_ingest;
mod outcomes;
mod parallel;
mod recorded;
mod replay;
mod sources;
mod support;
