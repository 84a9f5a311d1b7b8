//! Who may log in, and through what: connected apps with their policies, and users.

mod app;
mod file;
mod user;

pub use app::{App, Grant};
pub use file::AccountsFileError;
pub(crate) use file::parse;
pub use user::User;
