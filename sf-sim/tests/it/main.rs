//! The org as a client meets it: over sockets and in this process.

mod binary;
mod bulk;
mod control;
mod faults;
mod in_process;
mod limits;
mod login;
mod recorded;
mod rest;
mod support;
