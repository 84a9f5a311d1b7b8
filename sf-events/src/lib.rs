#![doc = include_str!("../README.md")]

mod check;
mod error;
mod event;
mod event_type;
mod publish;

pub use error::{Error, ErrorKind, Problem, Result};
pub use event::Event;
pub use event_type::EventType;
pub use publish::{Published, Publisher};
