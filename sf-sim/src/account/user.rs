//! A user and what holds for its logins.

use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;

/// A user that may log in.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct User {
    pub(crate) username: String,
    pub(crate) password: String,
    #[serde(default)]
    pub(crate) security_token: String,
    #[serde(default = "yes")]
    pub(crate) active: bool,
    #[serde(default)]
    pub(crate) locked: bool,
    #[serde(default)]
    pub(crate) password_expired: bool,
    #[serde(default)]
    pub(crate) allowed_ips: Option<Vec<IpAddr>>,
    #[serde(default)]
    pub(crate) trusted_ips: Vec<IpAddr>,
    #[serde(default)]
    pub(crate) first_name: Option<String>,
    #[serde(default)]
    pub(crate) last_name: Option<String>,
}

fn yes() -> bool {
    true
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("username", &self.username)
            .field("active", &self.active)
            .field("locked", &self.locked)
            .finish_non_exhaustive()
    }
}

impl User {
    /// An active user without a security token.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
            security_token: String::new(),
            active: true,
            locked: false,
            password_expired: false,
            allowed_ips: None,
            trusted_ips: Vec::new(),
            first_name: None,
            last_name: None,
        }
    }

    /// What API logins append to the password.
    pub fn security_token(mut self, token: impl Into<String>) -> Self {
        self.security_token = token.into();
        self
    }

    /// First and last name.
    pub fn name(mut self, first: impl Into<String>, last: impl Into<String>) -> Self {
        self.first_name = Some(first.into());
        self.last_name = Some(last.into());
        self
    }

    /// Whether the user may log in at all.
    pub fn active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }

    /// Whether the user is locked out. Ten wrong passwords in a row lock a user out for 15 minutes too.
    pub fn locked(mut self, locked: bool) -> Self {
        self.locked = locked;
        self
    }

    /// Whether the password has to be changed first.
    pub fn password_expired(mut self, expired: bool) -> Self {
        self.password_expired = expired;
        self
    }

    /// The user logs in only from the addresses added so. A call's address is the first of its
    /// `X-Forwarded-For`, or `127.0.0.1`.
    pub fn allowed_ip(mut self, address: IpAddr) -> Self {
        self.allowed_ips.get_or_insert_default().push(address);
        self
    }

    /// From this address the password does without the security token.
    pub fn trusted_ip(mut self, address: IpAddr) -> Self {
        self.trusted_ips.push(address);
        self
    }

    /// Whether this is the password of an API login from this address.
    pub(crate) fn takes(&self, given: &str, from: IpAddr) -> bool {
        let whole = given.strip_suffix(self.security_token.as_str()) == Some(&self.password);
        whole || (self.trusted_ips.contains(&from) && given == self.password)
    }
}
