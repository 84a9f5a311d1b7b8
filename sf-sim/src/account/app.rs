//! A connected app and its policies.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// A way of logging in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Grant {
    /// Username, password and security token.
    Password,
    /// The app itself, as its run-as user.
    ClientCredentials,
    /// A signed assertion about a user.
    JwtBearer,
    /// The web server flow.
    AuthorizationCode,
    /// A refresh token.
    RefreshToken,
    /// A code that a user enters on another device.
    Device,
    /// Another identity provider's token.
    TokenExchange,
}

/// A connected app: what it may do, and for whom.
///
/// ```
/// use sf_sim::{App, Grant, Sim, User};
///
/// let sim = Sim::builder()
///     .user(User::new("ada@example.com", "engine"))
///     .app(
///         App::new("portal")
///             .secret("portal-secret")
///             .callback("http://localhost:1717/callback")
///             .grants([Grant::AuthorizationCode, Grant::RefreshToken])
///             .rotate(true)
///             .approved_by("ada@example.com"),
///     )
///     .build()?;
/// # Ok::<(), sf_sim::BuildError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct App {
    pub(crate) client_id: String,
    #[serde(default)]
    pub(crate) client_secret: String,
    /// Whether the web server, refresh and token exchange grants want the secret. Those that log in by it always do.
    #[serde(default = "yes")]
    pub(crate) secret_required: bool,
    /// None: all.
    pub(crate) grants: Option<Vec<Grant>>,
    #[serde(default)]
    pub(crate) callbacks: Vec<String>,
    #[serde(default = "usual_scopes")]
    pub(crate) scopes: Vec<String>,
    #[serde(default)]
    pub(crate) pkce_required: bool,
    /// Users that an administrator let in; without a list users approve for themselves.
    pub(crate) admin_approved: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) approved_by: Vec<String>,
    pub(crate) run_as: Option<String>,
    /// PEM.
    pub(crate) certificate: Option<String>,
    #[serde(default)]
    pub(crate) rotate: bool,
    pub(crate) refresh_life_s: Option<u64>,
    #[serde(default = "usual_interval")]
    pub(crate) device_interval_s: u32,
    pub(crate) token_handler: Option<String>,
    /// Subject tokens that the handler takes, and whose they are.
    #[serde(default)]
    pub(crate) subject_tokens: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

fn usual_interval() -> u32 {
    5
}

fn usual_scopes() -> Vec<String> {
    ["api", "id", "web", "openid", "refresh_token"].map(str::to_owned).to_vec()
}

/// Neither the secret nor what stands for a user is shown.
impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("client_id", &self.client_id)
            .field("grants", &self.grants)
            .field("scopes", &self.scopes)
            .field("rotate", &self.rotate)
            .finish_non_exhaustive()
    }
}

impl App {
    /// An app with this consumer key and no secret, open to every grant, for users that approve for themselves.
    pub fn new(client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: String::new(),
            secret_required: true,
            grants: None,
            callbacks: Vec::new(),
            scopes: usual_scopes(),
            pkce_required: false,
            admin_approved: None,
            approved_by: Vec::new(),
            run_as: None,
            certificate: None,
            rotate: false,
            refresh_life_s: None,
            device_interval_s: usual_interval(),
            token_handler: None,
            subject_tokens: BTreeMap::new(),
        }
    }

    /// Its consumer secret.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.client_secret = secret.into();
        self
    }

    /// Whether the web server, refresh and token exchange grants want the secret; they do unless told otherwise.
    /// A secret that is sent has to be right in any case.
    pub fn secret_required(mut self, required: bool) -> Self {
        self.secret_required = required;
        self
    }

    /// The only grants that it may use.
    pub fn grants(mut self, grants: impl IntoIterator<Item = Grant>) -> Self {
        self.grants = Some(grants.into_iter().collect());
        self
    }

    /// Adds a callback URL.
    pub fn callback(mut self, url: impl Into<String>) -> Self {
        self.callbacks.push(url.into());
        self
    }

    /// The scopes that it may have, in place of `api id web openid refresh_token`.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Whether the web server flow wants a code challenge.
    pub fn pkce_required(mut self, required: bool) -> Self {
        self.pkce_required = required;
        self
    }

    /// Only users that an administrator lets in may use it, and they need not approve. Adds one;
    /// an empty name adds nobody.
    pub fn admin_approved(mut self, username: impl Into<String>) -> Self {
        let users = self.admin_approved.get_or_insert_default();
        let username = username.into();
        if !username.is_empty() {
            users.push(username);
        }
        self
    }

    /// This user has approved it before.
    pub fn approved_by(mut self, username: impl Into<String>) -> Self {
        self.approved_by.push(username.into());
        self
    }

    /// The user that client credentials run as.
    pub fn run_as(mut self, username: impl Into<String>) -> Self {
        self.run_as = Some(username.into());
        self
    }

    /// The certificate or public key (RSA, PEM) that assertions are checked against.
    pub fn certificate(mut self, pem: impl Into<String>) -> Self {
        self.certificate = Some(pem.into());
        self
    }

    /// Whether a refresh token is good for one use, and the answer brings the next.
    pub fn rotate(mut self, rotate: bool) -> Self {
        self.rotate = rotate;
        self
    }

    /// How many seconds after the login a refresh token ends; it does not, unless told.
    pub fn refresh_life_s(mut self, seconds: u64) -> Self {
        self.refresh_life_s = Some(seconds);
        self
    }

    /// Seconds that a device has to wait between polls: 5 unless told otherwise.
    pub fn device_interval_s(mut self, seconds: u32) -> Self {
        self.device_interval_s = seconds;
        self
    }

    /// The name of its token exchange handler, for calls that name one.
    pub fn token_handler(mut self, name: impl Into<String>) -> Self {
        self.token_handler = Some(name.into());
        self
    }

    /// Its token exchange handler takes this token as this user's.
    pub fn subject_token(mut self, token: impl Into<String>, username: impl Into<String>) -> Self {
        self.subject_tokens.insert(token.into(), username.into());
        self
    }

    pub(crate) fn allows(&self, grant: Grant) -> bool {
        self.grants.as_ref().is_none_or(|grants| grants.contains(&grant))
    }
}
