//! Publishing over real sockets: answers as documented, faults, an emulated org.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod emulated;
mod many;
mod rest;
mod support;
