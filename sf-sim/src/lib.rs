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

mod bulk;
mod describe;
mod events;
mod limits;
mod oauth;
mod org;
mod rest;
mod server;

pub use events::PublishedEvent;
pub use org::{BuildError, Credentials, JobPace, Sim, SimBuilder};
pub use server::{Body, BodyError, Router, Server};
