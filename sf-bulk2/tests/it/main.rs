//! Query jobs against scripted answers, recorded traffic and an emulated org.

mod faults;
mod org;
mod recorded;
mod support;
