#![doc = include_str!("../README.md")]

mod client_credentials;
mod error;
mod hint;
mod jwt_bearer;
mod keystore;
mod login;
mod login_url;
mod session;
mod token;
mod username_password;

pub use client_credentials::ClientCredentials;
pub use error::{Error, ErrorKind, OAuthError, Result};
pub use jwt_bearer::JwtBearer;
pub use login::{Grant, Login};
pub use login_url::{Host, LoginUrl};
pub use session::Session;
pub use username_password::UsernamePassword;
