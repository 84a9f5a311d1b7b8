#![doc = include_str!("../README.md")]

pub mod clock;
pub mod fault;
pub mod generate;
pub mod id;
pub mod journal;
pub mod schema;
pub mod sfdx;
pub mod soql;
pub mod standard;
pub mod store;
pub mod value;

mod account;
mod bulk;
mod describe;
mod events;
mod limits;
mod oauth;
mod org;
mod rest;
mod server;
mod soap;

pub use account::{AccountsFileError, App, Grant, User};
pub use events::PublishedEvent;
pub use org::{BuildError, Credentials, JobPace, Sim, SimBuilder};
pub use server::{Body, BodyError, Router, Server};
