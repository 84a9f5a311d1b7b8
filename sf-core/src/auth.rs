//! Tokens: who makes them, who keeps them, and how a refused one is replaced.
//!
//! Most grants tell no life time, so a token is renewed when it is refused, not when a clock says so.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::Instrument;
use url::{Host, Url};

use crate::http::HttpService;
use crate::retry::RetryPolicy;
use crate::{Error, ErrorKind, Id, Result};

/// A text that never shows: `Debug` prints a mark.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A URL as it may be shown: without user name and password, and without query and fragment, in which a
/// page copied from a browser carries its session. Anything may be given, a URL or not.
#[derive(Clone, Copy)]
pub struct ShownUrl<'a>(pub &'a str);

impl ShownUrl<'_> {
    /// The scheme with its `://` where there is one, and what may be shown of the rest.
    fn parts(&self) -> (&str, &str) {
        let named = |scheme: &str| scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        let start = self.0.find("://").filter(|&at| named(&self.0[..at])).map_or(0, |at| at + 3);
        let (scheme, rest) = self.0.split_at(start);
        let shown = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
        match shown.rsplit_once('@') {
            Some((_, host)) => (scheme, host),
            // A password may hold a `?` as well: what follows a colon could be one.
            None if rest.contains('@') => (scheme, shown.split(':').next().unwrap_or_default()),
            None => (scheme, shown),
        }
    }
}

impl fmt::Display for ShownUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.parts();
        write!(f, "{scheme}{rest}")
    }
}

impl fmt::Debug for ShownUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// An access token and where it is good.
#[derive(Clone)]
#[non_exhaustive]
pub struct Token {
    /// The access token or session id; opaque.
    pub access_token: Secret,
    /// The org's own base URL. It can change with a renewal.
    pub instance_url: Url,
    /// The org, where the login told.
    pub org_id: Option<Id>,
    /// The user that the token stands for, where the login told.
    pub user_id: Option<Id>,
    /// The scopes, separated by spaces, where the login told.
    pub scope: Option<String>,
}

impl Token {
    /// A token that is good at this instance.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the instance is neither https nor loopback: a token is never
    /// sent in the clear.
    pub fn new(access_token: impl Into<Secret>, instance_url: Url) -> Result<Self> {
        if !may_carry_token(&instance_url) {
            let shown = ShownUrl(instance_url.as_str());
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("{shown} is neither https nor loopback: a token is not sent there"),
            ));
        }
        Ok(Self { access_token: access_token.into(), instance_url, org_id: None, user_id: None, scope: None })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("access_token", &self.access_token)
            .field("instance_url", &ShownUrl(self.instance_url.as_str()))
            .field("org_id", &self.org_id)
            .field("user_id", &self.user_id)
            .field("scope", &self.scope)
            .finish()
    }
}

/// Whether a token may be sent to this URL: https anywhere, plain http on loopback only.
pub fn may_carry_token(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => match url.host() {
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        },
        _ => false,
    }
}

/// One login: a grant that turns credentials into a token.
pub trait Exchange: fmt::Debug + Send + Sync + 'static {
    /// Asks the org for a token.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] where the org refuses, with its code and a hint.
    fn exchange<'a>(
        &'a self,
        http: &'a dyn HttpService,
        retry: &'a RetryPolicy,
    ) -> BoxFuture<'a, Result<Token>>;
}

/// Gives the token that is good now. It is asked for each request; nobody keeps a token.
pub trait TokenProvider: fmt::Debug + Send + Sync + 'static {
    /// The current token, made if there is none.
    ///
    /// # Errors
    /// As [`Exchange::exchange`].
    fn token(&self) -> BoxFuture<'_, Result<Arc<Token>>>;

    /// Says that the org refused this token. It is dropped only if it is still the current one, so a
    /// hundred callers refused at once cause one login.
    fn invalidate(&self, stale: &Token);

    /// Waits until a login that is under way has ended, whatever its outcome. A provider whose logins end
    /// with their callers has nothing to wait for.
    fn settled(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

impl<T: TokenProvider + ?Sized> TokenProvider for Arc<T> {
    fn token(&self) -> BoxFuture<'_, Result<Arc<Token>>> {
        (**self).token()
    }

    fn invalidate(&self, stale: &Token) {
        (**self).invalidate(stale);
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        (**self).settled()
    }
}

/// How long a refused login answers for those that come after it: each try with a wrong password counts
/// towards locking the user out.
const REFUSAL: Duration = Duration::from_secs(60);

type Flight = Shared<BoxFuture<'static, Result<Arc<Token>>>>;

/// Keeps the token of one login and renews it once for all callers.
///
/// A login that has begun goes on to its end, as a task of the tokio runtime that it began on, whoever stops
/// waiting for it: where refresh tokens rotate, the org's answer is the only way to the next one. A process
/// that stops should let it end, by [`settled`](TokenProvider::settled).
pub struct TokenCache {
    shared: Arc<CacheShared>,
}

struct CacheShared {
    exchange: Box<dyn Exchange>,
    http: Arc<dyn HttpService>,
    retry: RetryPolicy,
    state: Mutex<CacheState>,
}

#[derive(Default)]
struct CacheState {
    current: Option<Arc<Token>>,
    flight: Option<Flight>,
    refused: Option<(Instant, Error)>,
}

impl CacheShared {
    fn lock(&self) -> MutexGuard<'_, CacheState> {
        // Nothing can panic while the lock is held, and a token is never half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenCache {
    /// A cache over a login. Nothing is sent before the first token is asked for.
    pub fn new(exchange: impl Exchange, http: Arc<dyn HttpService>, retry: RetryPolicy) -> Self {
        let state = Mutex::default();
        Self { shared: Arc::new(CacheShared { exchange: Box::new(exchange), http, retry, state }) }
    }

    /// What is known now, or the login to wait for.
    fn now(&self) -> Now {
        let mut state = self.shared.lock();
        if let Some(token) = &state.current {
            return Now::Known(Ok(Arc::clone(token)));
        }
        if let Some((at, error)) = &state.refused
            && at.elapsed() < REFUSAL
        {
            return Now::Known(Err(error.clone()));
        }
        let flight = state.flight.get_or_insert_with(|| fly(Arc::clone(&self.shared)).boxed().shared());
        Now::Wait(flight.clone())
    }
}

enum Now {
    Known(Result<Arc<Token>>),
    Wait(Flight),
}

/// Logs in, in a task of its own. Without a runtime there is only the caller to do it.
async fn fly(shared: Arc<CacheShared>) -> Result<Arc<Token>> {
    let login = Landing { shared, landed: false }.exchange();
    let Ok(runtime) = Handle::try_current() else {
        return login.await;
    };
    match runtime.spawn(login.in_current_span()).await {
        Ok(outcome) => outcome,
        Err(ended) => {
            let how = if ended.is_panic() { "its code panicked" } else { "its runtime was shut down" };
            let message = format!("the login ended without an outcome: {how}");
            Err(Error::new(ErrorKind::Io, message).with_source(ended))
        }
    }
}

/// A login under way. However it ends, it does not stand in the way of the next one.
struct Landing {
    shared: Arc<CacheShared>,
    landed: bool,
}

impl Landing {
    async fn exchange(mut self) -> Result<Arc<Token>> {
        let shared = Arc::clone(&self.shared);
        let outcome = shared.exchange.exchange(&*shared.http, &shared.retry).await.map(Arc::new);
        self.landed = true;
        let mut state = shared.lock();
        state.flight = None;
        state.current = outcome.as_ref().ok().cloned();
        let refusal = outcome.as_ref().err().filter(|e| e.kind() == ErrorKind::Auth);
        state.refused = refusal.map(|e| (Instant::now(), e.clone()));
        drop(state);
        outcome
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if !self.landed {
            let _flight = self.shared.lock().flight.take();
        }
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("exchange", &self.shared.exchange).finish_non_exhaustive()
    }
}

impl TokenProvider for TokenCache {
    fn token(&self) -> BoxFuture<'_, Result<Arc<Token>>> {
        // A login begins where it is waited for, so that one in the state is one under way.
        Box::pin(async {
            match self.now() {
                Now::Known(outcome) => outcome,
                Now::Wait(flight) => flight.await,
            }
        })
    }

    fn invalidate(&self, stale: &Token) {
        let mut state = self.shared.lock();
        if state.current.as_ref().is_some_and(|c| c.access_token == stale.access_token) {
            state.current = None;
        }
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        let flight = self.shared.lock().flight.clone();
        Box::pin(async {
            if let Some(flight) = flight {
                let _ = flight.await;
            }
        })
    }
}

#[cfg(test)]
mod tests;
