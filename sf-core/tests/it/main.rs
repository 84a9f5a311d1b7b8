//! The client over real sockets: tokens renewed, orgs that move, answers that break.
#![cfg(feature = "reqwest")]

mod client;
mod recorded;
