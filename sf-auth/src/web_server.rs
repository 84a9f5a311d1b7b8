//! The web server flow: a person logs in with a browser.

use std::fmt;

use aws_lc_rs::{constant_time, digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sf_core::auth::Secret;
use url::Url;

use crate::authorized::Authorized;
use crate::hint::{self, Context, Flow};
use crate::login::required;
use crate::login_url::GivenUrl;
use crate::loopback::Loopback;
use crate::token::{self, Form, FormGrant, shorten};
use crate::{Error, ErrorKind, Login, LoginUrl, OAuthError, Result};

/// The web server flow with PKCE: a person logs in with a browser, and the app gets tokens for them.
///
/// On the person's own machine, with a listener on loopback:
///
/// ```no_run
/// # #[cfg(feature = "reqwest")]
/// # async fn example(consumer_key: &str) -> sf_auth::Result<()> {
/// use sf_auth::{Login, WebServer};
///
/// let browser = WebServer::new("https://acme.my.salesforce.com", consumer_key).listen().await?;
/// println!("open {}", browser.url());
/// let org = browser.wait(&Login::new()).await?.connect().await?;
/// # Ok(()) }
/// ```
///
/// In a web application, whose own handler the browser comes back to, [`begin`](Self::begin) gives the URL,
/// and [`Authorization::finish`] takes the URL that the browser then asks for.
///
/// The redirect URI must be one of the app's callback URLs, letter by letter: the default is
/// `http://localhost:1717/OauthRedirect`, the Salesforce CLI's. Every login has its own state and code
/// verifier, made by the system's random numbers; the challenge is S256.
#[derive(Debug, Clone)]
#[must_use]
pub struct WebServer {
    login_url: GivenUrl,
    client_id: String,
    client_secret: Secret,
    redirect_uri: String,
    scopes: Vec<String>,
    prompt: Option<String>,
    login_hint: Option<String>,
}

impl WebServer {
    /// The login URL and the app's consumer key.
    pub fn new(login_url: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            login_url: GivenUrl::new(login_url),
            client_id: client_id.into(),
            client_secret: Secret::default(),
            redirect_uri: "http://localhost:1717/OauthRedirect".into(),
            scopes: vec!["api".into(), "refresh_token".into()],
            prompt: None,
            login_hint: None,
        }
    }

    /// The app's consumer secret, where it requires one for this flow. A program on people's own machines
    /// cannot keep one and needs none.
    pub fn client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secret = secret.into();
        self
    }

    /// Where the browser comes back to.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uri = uri.into();
        self
    }

    /// What the token may do; `api` and `refresh_token` by default.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// `login` asks for the password even in a browser that is logged in, `consent` for consent,
    /// `select_account` for the account.
    pub fn prompt(mut self, prompt: impl Into<String>) -> Self {
        self.prompt = Some(prompt.into());
        self
    }

    /// The user name that the login page begins with.
    pub fn login_hint(mut self, username: impl Into<String>) -> Self {
        self.login_hint = Some(username.into());
        self
    }

    /// Begins a login: the URL for the browser, and what its return is checked by.
    ///
    /// # Errors
    /// A login URL, consumer key or redirect URI that cannot work.
    pub fn begin(self) -> Result<Authorization> {
        let login: LoginUrl = self.login_url.parse()?;
        required("consumer key", &self.client_id)?;
        let redirect = self.redirect()?;
        let (state, verifier) = (random()?, random()?);
        let challenge = digest::digest(&digest::SHA256, verifier.expose().as_bytes());
        let mut url = Url::parse(&login.authorize_endpoint()).map_err(|e| {
            Error::new(ErrorKind::InvalidLoginUrl, "the login URL cannot be opened in a browser")
                .with_source(e)
        })?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client_id.trim())
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("state", state.expose())
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(challenge))
            .append_pair("code_challenge_method", "S256");
        let scope = self.scopes.join(" ");
        for (name, value) in [
            ("scope", Some(&scope).filter(|s| !s.is_empty())),
            ("prompt", self.prompt.as_ref()),
            ("login_hint", self.login_hint.as_ref()),
        ] {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        Ok(Authorization { settings: self, login, redirect, url, state, verifier })
    }

    /// Begins a login whose browser comes back to this program: listens on 127.0.0.1 at the port of the
    /// redirect URI, or at a free one where that is 0 (for servers that take any port).
    ///
    /// # Errors
    /// As [`begin`](Self::begin); [`ErrorKind::InvalidInput`] where the redirect URI is not
    /// `http://localhost` or `http://127.0.0.1`, or its port is taken.
    pub async fn listen(mut self) -> Result<Loopback> {
        let redirect = self.redirect()?;
        let (listener, port) = Loopback::bind(&redirect).await?;
        if redirect.port() == Some(0) {
            self.redirect_uri = self.redirect_uri.replacen(":0", &format!(":{port}"), 1);
        }
        Ok(Loopback::new(listener, self.begin()?))
    }

    fn redirect(&self) -> Result<Url> {
        Url::parse(&self.redirect_uri).ok().filter(Url::has_host).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "the redirect URI is no URL").with_hint(
                "It is one of the app's callback URLs, for example http://localhost:1717/OauthRedirect.",
            )
        })
    }
}

/// A login that a browser is at.
#[must_use]
pub struct Authorization {
    settings: WebServer,
    login: LoginUrl,
    redirect: Url,
    url: Url,
    state: Secret,
    verifier: Secret,
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL holds the state.
        f.debug_struct("Authorization").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Authorization {
    /// Where to send the person's browser.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The state of this login, for a web application that has to find it again when a browser comes back.
    pub fn state(&self) -> &Secret {
        &self.state
    }

    /// Finishes the login with the URL that the browser came back with (or its path and query).
    ///
    /// # Errors
    /// [`ErrorKind::StateMismatch`] for another login's answer, [`ErrorKind::AccessDenied`] where the person
    /// said no, and whatever else the org says. The code is spent by then: begin again.
    pub async fn finish(self, callback: &str, login: &Login) -> Result<Authorized> {
        let callback = self.redirect.join(callback).map_err(|_| not_a_callback())?;
        let code = self.code(&callback)?;
        self.redeem(code, login).await
    }

    /// Where the browser comes back to.
    pub(crate) fn redirect(&self) -> &Url {
        &self.redirect
    }

    /// The code of an answer that belongs to this login.
    pub(crate) fn code(&self, callback: &Url) -> Result<Secret> {
        let value = |name: &str| {
            callback
                .query_pairs()
                .find(|(n, _)| n == name)
                .map(|(_, v)| v.into_owned())
                .filter(|v| !v.is_empty())
        };
        let context = Context { flow: Flow::WebServer, login: &self.login, audience: None, date: None };
        let ours = value("state").is_some_and(|state| {
            constant_time::verify_slices_are_equal(state.as_bytes(), self.state.expose().as_bytes()).is_ok()
        });
        if !ours {
            let error = Error::new(
                ErrorKind::StateMismatch,
                "the answer of the browser does not carry this login's state",
            );
            return Err(hinted(error, ErrorKind::StateMismatch, &context));
        }
        if let Some(error) = value("error") {
            let said =
                OAuthError::new(shorten(&error), shorten(&value("error_description").unwrap_or_default()));
            let kind = said.kind();
            let refused = Error::new(
                kind,
                format!("OAuth refused the login at {}: {said}", self.login.authorize_endpoint()),
            );
            return Err(hinted(refused.with_oauth(said), kind, &context));
        }
        value("code").map(Secret::new).ok_or_else(not_a_callback)
    }

    pub(crate) async fn redeem(self, code: Secret, login: &Login) -> Result<Authorized> {
        let redeeming = Redeeming { authorization: &self, code };
        let granted = token::granted(&redeeming, &*login.service()?, login.policy()).await?;
        Ok(Authorized::new(
            granted,
            &self.settings.login_url,
            &self.settings.client_id,
            &self.settings.client_secret,
        ))
    }
}

fn hinted(error: Error, kind: ErrorKind, context: &Context<'_>) -> Error {
    match hint::of(kind, context) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

fn not_a_callback() -> Error {
    Error::new(ErrorKind::Protocol, "the browser came back with neither a code nor an error")
        .with_hint("Give the whole URL that the browser was sent to, with its query.")
}

/// 256 bits, as text that URLs and forms leave alone.
fn random() -> Result<Secret> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|e| {
        Error::new(ErrorKind::InvalidInput, "the system gives no random numbers").with_source(e)
    })?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

/// A code on its way.
#[derive(Debug)]
struct Redeeming<'a> {
    authorization: &'a Authorization,
    code: Secret,
}

impl FormGrant for Redeeming<'_> {
    const FLOW: Flow = Flow::WebServer;

    fn checked(&self) -> Result<LoginUrl> {
        Ok(self.authorization.login.clone())
    }

    fn form(&self, _login: &LoginUrl) -> Result<Form> {
        let settings = &self.authorization.settings;
        let mut form: Form = vec![
            ("grant_type", "authorization_code".into()),
            ("code", self.code.clone()),
            ("client_id", settings.client_id.trim().into()),
            ("redirect_uri", settings.redirect_uri.as_str().into()),
            ("code_verifier", self.authorization.verifier.clone()),
        ];
        if !settings.client_secret.is_empty() {
            form.push(("client_secret", settings.client_secret.expose().trim().into()));
        }
        Ok(form)
    }
}
