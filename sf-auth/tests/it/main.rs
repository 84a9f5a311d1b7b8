//! Logins over real sockets: recorded answers, faults, an emulated org.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod browser;
mod emulated;
mod faults;
mod others;
mod recorded;
mod rotation;
mod secrets;
mod session;
mod support;
