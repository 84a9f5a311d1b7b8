//! Publishing: one way a file.

mod collections;
mod rest;

pub use rest::{Published, Publisher};
