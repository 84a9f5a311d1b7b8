#![doc = include_str!("../README.md")]

mod authorized;
mod cli_org;
mod client_credentials;
mod device;
mod error;
mod hint;
mod identity;
mod jwt_bearer;
mod keystore;
mod login;
mod login_url;
mod loopback;
mod refresh_token;
mod session;
mod store;
mod token;
mod token_exchange;
mod username_password;
mod web_server;

#[cfg(test)]
#[path = "../tests/it/support/shown.rs"]
mod shown;

pub use authorized::Authorized;
pub use cli_org::CliOrg;
pub use client_credentials::ClientCredentials;
pub use device::{Device, DevicePrompt};
pub use error::{Error, ErrorKind, OAuthError, Result};
pub use identity::{UserInfo, revoke, userinfo};
pub use jwt_bearer::JwtBearer;
pub use keystore::{KeyStore, PrivateKey};
pub use login::{Grant, Login};
pub use login_url::{Host, LoginUrl};
pub use loopback::Loopback;
pub use refresh_token::RefreshToken;
pub use session::Session;
pub use store::{FileStore, Lease, MemoryStore, TokenStore};
pub use token_exchange::TokenExchange;
pub use username_password::UsernamePassword;
pub use web_server::{Authorization, WebServer};
