//! Every fault that a connector may meet: it recovers, and every row arrives once, or it says what is wrong,
//! where, and what to do, and no offset stands behind a row that was not delivered.

mod bodies;
mod brokers;
mod limits;
mod logins;
mod objects;
mod offsets;
mod outages;
mod processes;
mod support;

pub(crate) use support::says;
