//! The refresh token flow.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use sf_core::auth::{Exchange, Secret, Token};
use sf_core::http::HttpService;
use sf_core::retry::RetryPolicy;

use crate::hint::Flow;
use crate::login::{connect_methods, required};
use crate::login_url::GivenUrl;
use crate::store::{Lease, MemoryStore, TokenStore};
use crate::token::{self, Form, FormGrant};
use crate::{Error, ErrorKind, Grant, LoginUrl, Result};

/// The refresh token flow: a login that a person made once goes on without them.
///
/// ```no_run
/// # #[cfg(feature = "reqwest")]
/// # async fn example(consumer_key: &str, token: &str) -> sf_auth::Result<()> {
/// use sf_auth::{FileStore, RefreshToken};
///
/// let org = RefreshToken::new("https://acme.my.salesforce.com", consumer_key, token)
///     .store(FileStore::new("salesforce-token.json"))
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
///
/// Where the app rotates refresh tokens, each use ends one and brings the next. The next is in the store
/// before the access token that came with it is used, and what is in the store wins over the token given
/// here. Whoever shares the store takes turns, so no token is spent twice.
///
/// A refresh that has begun goes on when its callers are gone. A process that stops lets it end with
/// [`Client::settled`](sf_core::Client::settled), so that the next token is stored.
///
/// An answer that is lost on its way may have ended the token all the same; the only way to find out is to
/// send it again, which is done within the retry policy. A reuse that the org reports can come from that.
#[derive(Debug, Clone)]
#[must_use]
pub struct RefreshToken {
    login_url: GivenUrl,
    client_id: String,
    client_secret: Secret,
    token: Secret,
    store: Arc<dyn TokenStore>,
    unsaved: Arc<Mutex<Option<Unsaved>>>,
}

/// A token that the org gave and the store did not take.
#[derive(Debug, Clone)]
struct Unsaved {
    spent: Secret,
    next: Secret,
}

impl RefreshToken {
    /// The login URL, the app's consumer key, and a refresh token that the app was given.
    pub fn new(login_url: impl Into<String>, client_id: impl Into<String>, token: impl Into<Secret>) -> Self {
        Self {
            login_url: GivenUrl::new(login_url),
            client_id: client_id.into(),
            client_secret: Secret::default(),
            token: token.into(),
            store: Arc::new(MemoryStore::new()),
            unsaved: Arc::default(),
        }
    }

    /// The same where the store already holds the token.
    pub fn stored(
        login_url: impl Into<String>,
        client_id: impl Into<String>,
        store: impl TokenStore,
    ) -> Self {
        Self::new(login_url, client_id, "").store(store)
    }

    /// The app's consumer secret, where it requires one for this flow.
    pub fn client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secret = secret.into();
        self
    }

    /// Where rotated tokens are kept; in memory by default.
    pub fn store(mut self, store: impl TokenStore) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// Puts the given token into the store, in the place of what is there.
    pub(crate) async fn put(&self) -> Result<()> {
        self.store.lock().await?.save(&self.token)
    }

    fn checked(&self) -> Result<LoginUrl> {
        let login = self.login_url.parse()?;
        required("consumer key", &self.client_id)?;
        Ok(login)
    }

    /// The token to spend: the store's, else the given one. A token that could not be stored is stored first.
    fn current(&self, lease: &mut dyn Lease) -> Result<Secret> {
        let given = Some(self.token.clone()).filter(|t| !t.expose().trim().is_empty());
        let Some(current) = lease.load()?.or(given) else {
            return Err(Error::new(ErrorKind::InvalidInput, "there is no refresh token: none was given, and the store is empty")
                .with_hint("Log in once with a browser (`WebServer`) or a second device (`Device`) and keep its token in the store."));
        };
        let unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match unsaved.filter(|u| u.spent == current) {
            Some(Unsaved { next, .. }) => {
                lease.save(&next)?;
                *self.unsaved.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Ok(next)
            }
            None => Ok(current),
        }
    }

    async fn refresh(&self, http: &dyn HttpService, retry: &RetryPolicy) -> Result<Token> {
        self.checked()?;
        let mut lease = self.store.lock().await?;
        let current = self.current(&mut *lease)?;
        let spending = Spending { grant: self, token: &current };
        let granted =
            token::granted(&spending, http, retry).await.map_err(|e| self.explained(e, &current))?;
        let Some(next) = granted.refresh_token.filter(|next| *next != current) else {
            return Ok(granted.token);
        };
        if let Err(error) = lease.save(&next) {
            *self.unsaved.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Unsaved { spent: current, next });
            return Err(error);
        }
        tracing::debug!("refresh token rotated");
        Ok(granted.token)
    }

    fn explained(&self, error: Error, sent: &Secret) -> Error {
        let newer = !self.token.is_empty() && self.token != *sent;
        match (error.kind(), error.hint()) {
            (
                ErrorKind::ExpiredToken | ErrorKind::InvalidGrant | ErrorKind::ReusedRefreshToken,
                Some(hint),
            ) => {
                let mut hint = hint.to_owned();
                if newer {
                    hint.push_str(" The refused token is the store's, which wins over the given one: if that is newer, remove the stored one.");
                }
                error.with_hint(hint)
            }
            _ => error,
        }
    }
}

/// One refresh token on its way.
#[derive(Debug)]
struct Spending<'a> {
    grant: &'a RefreshToken,
    token: &'a Secret,
}

impl FormGrant for Spending<'_> {
    const FLOW: Flow = Flow::RefreshToken;

    fn checked(&self) -> Result<LoginUrl> {
        self.grant.checked()
    }

    fn form(&self, _login: &LoginUrl) -> Result<Form> {
        let mut form: Form = vec![
            ("grant_type", "refresh_token".into()),
            ("refresh_token", self.token.expose().trim().into()),
            ("client_id", self.grant.client_id.trim().into()),
        ];
        if !self.grant.client_secret.is_empty() {
            form.push(("client_secret", self.grant.client_secret.expose().trim().into()));
        }
        Ok(form)
    }
}

connect_methods!(RefreshToken);

impl Grant for RefreshToken {
    fn check(&self) -> Result<()> {
        self.checked().map(drop)
    }
}

impl Exchange for RefreshToken {
    fn exchange<'a>(
        &'a self,
        http: &'a dyn HttpService,
        retry: &'a RetryPolicy,
    ) -> BoxFuture<'a, sf_core::Result<Token>> {
        Box::pin(async move { Ok(self.refresh(http, retry).await?) })
    }
}
