//! Publishing over real sockets: answers as documented, faults, an emulated org.

mod emulated;
mod rest;
mod support;
