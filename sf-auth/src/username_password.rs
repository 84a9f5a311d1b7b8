//! The username-password flow.

use sf_core::auth::Secret;

use crate::hint::Flow;
use crate::login::{form_grant, required};
use crate::login_url::GivenUrl;
use crate::token::{Form, FormGrant};
use crate::{LoginUrl, Result};

/// The username-password flow: an app logs in with a user's name and password.
///
/// ```no_run
/// # #[cfg(feature = "reqwest")]
/// # async fn example(key: &str, secret: &str, password: &str, token: &str) -> sf_auth::Result<()> {
/// let org = sf_auth::UsernamePassword::new("https://login.salesforce.com", key, secret, "ann@acme.example", password)
///     .security_token(token)
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
///
/// Orgs made since Summer '23 block it unless told otherwise, and External Client Apps do not have it:
/// prefer [`ClientCredentials`](crate::ClientCredentials) or [`JwtBearer`](crate::JwtBearer). A wrong
/// password is never tried again by itself, nor is one whose answer was lost: it would lock the user out.
/// What is tried again is a login that was never sent, and one that the org puts off (429, 503).
#[derive(Debug, Clone)]
#[must_use]
pub struct UsernamePassword {
    login_url: GivenUrl,
    key: String,
    secret: Secret,
    username: String,
    password: Secret,
    security_token: Secret,
}

impl UsernamePassword {
    /// The login URL, the app's consumer key and secret, and the user. Where the app needs no secret for
    /// this flow, the secret may be empty.
    pub fn new(
        login_url: impl Into<String>,
        key: impl Into<String>,
        secret: impl Into<Secret>,
        username: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        Self {
            login_url: GivenUrl::new(login_url),
            key: key.into(),
            secret: secret.into(),
            username: username.into(),
            password: password.into(),
            security_token: Secret::default(),
        }
    }

    /// The user's security token, which Salesforce wants behind the password unless the caller's address
    /// is one that the org trusts.
    pub fn security_token(mut self, token: impl Into<Secret>) -> Self {
        self.security_token = token.into();
        self
    }
}

form_grant!(UsernamePassword);

impl FormGrant for UsernamePassword {
    const FLOW: Flow = Flow::UsernamePassword;
    /// The org may have counted a wrong password whose refusal was lost, and a few of them lock the user out.
    const REPEATABLE: bool = false;

    fn checked(&self) -> Result<LoginUrl> {
        let login = self.login_url.parse()?;
        required("consumer key", &self.key)?;
        required("user name", &self.username)?;
        required("password", self.password.expose())?;
        Ok(login)
    }

    fn form(&self, _login: &LoginUrl) -> Result<Form> {
        let password = format!("{}{}", self.password.expose(), self.security_token.expose().trim());
        let mut form: Form = vec![("grant_type", "password".into()), ("client_id", self.key.trim().into())];
        if !self.secret.is_empty() {
            form.push(("client_secret", self.secret.expose().trim().into()));
        }
        form.push(("username", self.username.trim().into()));
        form.push(("password", password.into()));
        Ok(form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_security_token_stands_behind_the_password_and_an_empty_secret_is_left_out() {
        let login: LoginUrl = LoginUrl::PRODUCTION.parse().unwrap();
        let grant = UsernamePassword::new(LoginUrl::PRODUCTION, "key", "", "ann@acme.example", " pass word ");
        let form = grant.security_token("TOKEN\n").form(&login).unwrap();
        let shown: Vec<_> = form.iter().map(|(name, value)| (*name, value.expose())).collect();
        assert_eq!(
            shown,
            [
                ("grant_type", "password"),
                ("client_id", "key"),
                ("username", "ann@acme.example"),
                ("password", " pass word TOKEN"),
            ]
        );
    }
}
