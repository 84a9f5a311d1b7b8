//! The JWT bearer flow: an app signs for a user.

use std::time::Duration;

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, Header};
use serde::Serialize;
use sf_core::auth::Secret;
use sf_core::time;

use crate::hint::Flow;
use crate::keystore::PrivateKey;
use crate::login::{form_grant, required};
use crate::login_url::GivenUrl;
use crate::token::{Form, FormGrant};
use crate::{Error, ErrorKind, LoginUrl, Result};

/// How long a JWT lives where the caller says nothing: Salesforce's help asks for three minutes.
const LIFETIME: Duration = Duration::from_secs(180);
/// The longest life that any page of Salesforce's help grants.
const LONGEST: Duration = Duration::from_secs(300);

/// The JWT bearer flow: an app proves with a private key that it may act for a user who was approved
/// before. No secret and no password travels.
///
/// ```no_run
/// # #[cfg(feature = "reqwest")]
/// # async fn example(consumer_key: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let pem = std::fs::read_to_string("server.key")?;
/// let org = sf_auth::JwtBearer::new("https://acme.my.salesforce.com", consumer_key, "ann@acme.example", pem)
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
///
/// The key is an RSA key of at least 2048 bits as PEM, PKCS#8 (`BEGIN PRIVATE KEY`) or PKCS#1 (`BEGIN RSA
/// PRIVATE KEY`), or one out of a key store ([`with_key`](Self::with_key)); the app holds its certificate. The JWT is signed with RS256, lives three minutes, and
/// names as its audience what [`LoginUrl::audience`] says.
#[derive(Debug, Clone)]
#[must_use]
pub struct JwtBearer {
    login_url: GivenUrl,
    consumer_key: String,
    username: String,
    key: Key,
    audience: Option<String>,
    lifetime: Duration,
}

/// The key as it was given: a PEM text is read when the login is checked.
#[derive(Debug, Clone)]
enum Key {
    Pem(Secret),
    Ready(PrivateKey),
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
}

impl JwtBearer {
    /// The login URL, the app's consumer key, the user to act for, and the private key's PEM (its text,
    /// not its path; line breaks written as `\n`, as environment variables have them, are understood).
    pub fn new(
        login_url: impl Into<String>,
        consumer_key: impl Into<String>,
        username: impl Into<String>,
        pem: impl Into<Secret>,
    ) -> Self {
        Self::of(GivenUrl::new(login_url), consumer_key.into(), username.into(), Key::Pem(pem.into()))
    }

    /// The same with a key out of a [`KeyStore`](crate::KeyStore) or an encrypted PEM.
    pub fn with_key(
        login_url: impl Into<String>,
        consumer_key: impl Into<String>,
        username: impl Into<String>,
        key: PrivateKey,
    ) -> Self {
        Self::of(GivenUrl::new(login_url), consumer_key.into(), username.into(), Key::Ready(key))
    }

    fn of(login_url: GivenUrl, consumer_key: String, username: String, key: Key) -> Self {
        Self { login_url, consumer_key, username, key, audience: None, lifetime: LIFETIME }
    }

    /// The audience of the JWT, for orgs that want another one than [`LoginUrl::audience`] chooses.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// How long each JWT lives: three minutes by default, five at the most. Each attempt signs a new one.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    fn assertion(&self, login: &LoginUrl) -> Result<String> {
        let key = match &self.key {
            Key::Pem(pem) => &PrivateKey::from_pem(pem.expose())?,
            Key::Ready(key) => key,
        };
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let claims = Claims {
            iss: self.consumer_key.trim(),
            sub: self.username.trim(),
            aud: self.aud(login),
            exp: time::now().timestamp().saturating_add(lifetime),
        };
        // In a program whose other crates switch on both of jsonwebtoken's providers none is chosen by
        // itself, and signing would panic. A provider that is already there stays.
        let _ = DEFAULT_PROVIDER.install_default();
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, key.signing()).map_err(|e| {
            Error::new(ErrorKind::InvalidKey, "the private key cannot sign")
                .with_hint("It must be an undamaged RSA key of at least 2048 bits.")
                .with_source(e)
        })
    }

    fn aud<'a>(&'a self, login: &'a LoginUrl) -> &'a str {
        self.audience.as_deref().map_or(login.audience(), str::trim)
    }
}

form_grant!(JwtBearer);

impl FormGrant for JwtBearer {
    const FLOW: Flow = Flow::JwtBearer;

    fn checked(&self) -> Result<LoginUrl> {
        let login = self.login_url.parse()?;
        required("consumer key", &self.consumer_key)?;
        required("user name", &self.username)?;
        if let Some(audience) = &self.audience {
            required("audience", audience)?;
        }
        if self.lifetime < Duration::from_secs(1) || self.lifetime > LONGEST {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "a JWT that lives {:?} is refused: 1 to {} seconds",
                    self.lifetime,
                    LONGEST.as_secs()
                ),
            ));
        }
        self.assertion(&login)?;
        Ok(login)
    }

    fn form(&self, login: &LoginUrl) -> Result<Form> {
        Ok(vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".into()),
            ("assertion", self.assertion(login)?.into()),
        ])
    }

    fn audience<'a>(&'a self, login: &'a LoginUrl) -> Option<&'a str> {
        Some(self.aud(login))
    }
}

#[cfg(test)]
mod tests;
