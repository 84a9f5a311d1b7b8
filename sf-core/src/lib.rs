#![doc = include_str!("../README.md")]

pub mod auth;
pub mod client;
pub mod http;
pub mod json;
pub mod limits;
pub mod poll;
pub mod record;
pub mod retry;
#[cfg(feature = "sobject")]
pub mod sobject;
pub mod time;

mod error;
mod id;
mod version;

pub use client::{Client, ClientBuilder};
pub use error::{ApiError, Error, ErrorKind, Result};
pub use id::Id;
pub use version::ApiVersion;
