//! Logins over real sockets: recorded answers, faults, an emulated org.

mod emulated;
mod faults;
mod recorded;
mod secrets;
mod session;
mod support;
