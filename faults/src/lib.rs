//! The fault suite: what goes wrong between a client and an org, at every call, against an emulated org on real sockets.
//!
//! `table.txt` says what each cell must do. [`play`] plays them all and tells what differs; [`page`] is
//! `docs/FAULTS.md`. What is true is read from the org itself, never from the client.

mod failed;
mod org;
mod play;
mod report;
mod route;
mod suite;
mod table;
mod trouble;
mod work;

pub use report::page;
pub use route::Route;
pub use suite::{Difference, Played, play, size};
pub use table::{Expected, Fault, Table};
