#![doc = include_str!("../README.md")]

pub mod admin;
pub mod check;
pub mod config;
pub mod connector;
pub mod convert;
pub mod kafka;
pub mod offset;
pub mod runtime;
pub mod source;

mod error;

pub use error::{Error, Outlook, Result};
