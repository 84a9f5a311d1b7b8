//! Publishing: one way a file.

mod rest;

pub use rest::{Published, Publisher};
