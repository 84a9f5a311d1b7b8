//! Private keys, as their owners keep them.

pub(crate) mod pem;
