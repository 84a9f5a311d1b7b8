//! The token exchange flow: another identity provider's token becomes Salesforce's.

use std::fmt;
use std::sync::Arc;

use sf_core::auth::Secret;

use crate::hint::{self, Flow};
use crate::login::{form_grant, required};
use crate::login_url::GivenUrl;
use crate::token::{Form, FormGrant};
use crate::{Error, ErrorKind, Host, LoginUrl, Result};

/// The longest subject token that Salesforce takes.
const LONGEST: usize = 10_000;

/// The token exchange flow: a token of another identity provider is exchanged for one of the org, whose
/// token exchange handler (an Apex class) says which user it stands for.
///
/// ```no_run
/// # #[cfg(feature = "reqwest")]
/// # async fn example(consumer_key: &str) -> sf_auth::Result<()> {
/// use sf_auth::TokenExchange;
///
/// let org = TokenExchange::new("https://acme.my.salesforce.com", consumer_key, || {
///     std::fs::read_to_string("/var/run/secrets/tokens/salesforce").unwrap_or_default()
/// })
/// .token_type(TokenExchange::JWT)
/// .connect()
/// .await?;
/// # Ok(()) }
/// ```
///
/// It brings no refresh token, so the subject token is asked for anew at each login: most have a short life.
/// It exists on an org's My Domain only.
#[derive(Clone)]
#[must_use]
pub struct TokenExchange {
    login_url: GivenUrl,
    client_id: String,
    client_secret: Secret,
    subject: Arc<dyn Fn() -> Secret + Send + Sync>,
    token_type: String,
    scopes: Vec<String>,
    handler: Option<String>,
}

impl TokenExchange {
    /// The type of an access token, which is assumed where none is named.
    pub const ACCESS_TOKEN: &'static str = "urn:ietf:params:oauth:token-type:access_token";
    /// The type of a refresh token.
    pub const REFRESH_TOKEN: &'static str = "urn:ietf:params:oauth:token-type:refresh_token";
    /// The type of an OpenID Connect ID token.
    pub const ID_TOKEN: &'static str = "urn:ietf:params:oauth:token-type:id_token";
    /// The type of a JWT.
    pub const JWT: &'static str = "urn:ietf:params:oauth:token-type:jwt";
    /// The type of a SAML 2.0 assertion.
    pub const SAML2: &'static str = "urn:ietf:params:oauth:token-type:saml2";

    /// The org's My Domain, the app's consumer key, and what gives the token that is good now. It must not
    /// wait for long: a task of the runtime calls it.
    pub fn new<S: Into<Secret>>(
        login_url: impl Into<String>,
        client_id: impl Into<String>,
        subject: impl Fn() -> S + Send + Sync + 'static,
    ) -> Self {
        Self {
            login_url: GivenUrl::new(login_url),
            client_id: client_id.into(),
            client_secret: Secret::default(),
            subject: Arc::new(move || subject().into()),
            token_type: Self::ACCESS_TOKEN.into(),
            scopes: Vec::new(),
            handler: None,
        }
    }

    /// The app's consumer secret, where it requires one for this flow.
    pub fn client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secret = secret.into();
        self
    }

    /// The type of the subject token, as a URN.
    pub fn token_type(mut self, urn: impl Into<String>) -> Self {
        self.token_type = urn.into();
        self
    }

    /// What the token may do; what the app allows by default.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The API name of the token exchange handler, where it is not the app's default one.
    pub fn handler(mut self, name: impl Into<String>) -> Self {
        self.handler = Some(name.into());
        self
    }

    fn subject(&self) -> Result<Secret> {
        let subject = Secret::new((self.subject)().expose().trim());
        required("subject token", subject.expose())?;
        if subject.expose().len() > LONGEST {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "the subject token has {} characters; Salesforce takes {LONGEST}",
                    subject.expose().len()
                ),
            ));
        }
        Ok(subject)
    }
}

impl fmt::Debug for TokenExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenExchange")
            .field("login_url", &self.login_url)
            .field("client_id", &self.client_id)
            .field("token_type", &self.token_type)
            .field("scopes", &self.scopes)
            .field("handler", &self.handler)
            .finish_non_exhaustive()
    }
}

form_grant!(TokenExchange);

impl FormGrant for TokenExchange {
    const FLOW: Flow = Flow::TokenExchange;

    fn checked(&self) -> Result<LoginUrl> {
        let login: LoginUrl = self.login_url.parse()?;
        if matches!(login.host(), Host::Production | Host::Sandbox) {
            return Err(Error::new(
                ErrorKind::HostRefused,
                format!(
                    "tokens cannot be exchanged at {login}: an org's handler answers on its My Domain only"
                ),
            )
            .with_hint(hint::my_domain(&login)));
        }
        required("consumer key", &self.client_id)?;
        required("type of the subject token", &self.token_type)?;
        Ok(login)
    }

    fn form(&self, _login: &LoginUrl) -> Result<Form> {
        let mut form: Form = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange".into()),
            ("subject_token", self.subject()?),
            ("subject_token_type", self.token_type.trim().into()),
            ("client_id", self.client_id.trim().into()),
        ];
        if !self.client_secret.is_empty() {
            form.push(("client_secret", self.client_secret.expose().trim().into()));
        }
        if !self.scopes.is_empty() {
            form.push(("scope", self.scopes.join(" ").into()));
        }
        if let Some(handler) = &self.handler {
            form.push(("token_handler", handler.as_str().into()));
        }
        Ok(form)
    }
}
