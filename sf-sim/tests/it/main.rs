//! The org as a client meets it: over sockets and in this process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod binary;
mod bodies;
mod bulk;
mod collections;
mod control;
mod events;
mod faults;
mod grants;
mod in_process;
mod ingest;
mod ingest_rows;
mod ingest_time;
mod limits;
mod login;
mod nested;
mod recorded;
mod recorded_rows;
mod related;
mod resources;
mod rest;
mod soap;
mod spaced;
mod support;
