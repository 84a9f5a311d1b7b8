//! Behaviour of the crate against answers made here, recorded answers, and the emulated org.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails it by panicking, as the test itself does")]

mod cache;
mod check;
mod children;
mod disk;
mod evaluated;
mod faults;
mod project;
mod query;
mod reach;
mod recorded;
mod sim;
mod support;
mod tree;
