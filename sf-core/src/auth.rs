//! Tokens: who makes them, who keeps them, and how a refused one is replaced.
//!
//! Most grants tell no life time, so a token is renewed when it is refused, not when a clock says so.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::time::Instant;
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

/// An access token and where it is good.
#[derive(Debug, Clone)]
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
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("{instance_url} is neither https nor loopback: a token is not sent there"),
            ));
        }
        Ok(Self { access_token: access_token.into(), instance_url, org_id: None, user_id: None, scope: None })
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
}

impl<T: TokenProvider + ?Sized> TokenProvider for Arc<T> {
    fn token(&self) -> BoxFuture<'_, Result<Arc<Token>>> {
        (**self).token()
    }

    fn invalidate(&self, stale: &Token) {
        (**self).invalidate(stale);
    }
}

/// How long a refused login answers for those that come after it: each try with a wrong password counts
/// towards locking the user out.
const REFUSAL: Duration = Duration::from_secs(60);

type Flight = Shared<BoxFuture<'static, Result<Arc<Token>>>>;

/// Keeps the token of one login and renews it once for all callers.
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
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("exchange", &self.shared.exchange).finish_non_exhaustive()
    }
}

impl TokenProvider for TokenCache {
    fn token(&self) -> BoxFuture<'_, Result<Arc<Token>>> {
        let mut state = self.shared.lock();
        if let Some(token) = &state.current {
            let token = Arc::clone(token);
            return Box::pin(async move { Ok(token) });
        }
        if let Some((at, error)) = &state.refused
            && at.elapsed() < REFUSAL
        {
            let error = error.clone();
            return Box::pin(async move { Err(error) });
        }
        // The flight belongs to whoever polls it: a caller that goes away leaves it to the others.
        let flight = state.flight.get_or_insert_with(|| {
            let shared = Arc::clone(&self.shared);
            async move {
                let outcome = shared.exchange.exchange(&*shared.http, &shared.retry).await.map(Arc::new);
                let mut state = shared.lock();
                state.flight = None;
                state.current = outcome.as_ref().ok().cloned();
                let refusal = outcome.as_ref().err().filter(|e| e.kind() == ErrorKind::Auth);
                state.refused = refusal.map(|e| (Instant::now(), e.clone()));
                outcome
            }
            .boxed()
            .shared()
        });
        Box::pin(flight.clone())
    }

    fn invalidate(&self, stale: &Token) {
        let mut state = self.shared.lock();
        if state.current.as_ref().is_some_and(|c| c.access_token == stale.access_token) {
            state.current = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use ::http::Request;
    use bytes::Bytes;

    use super::*;
    use crate::http::{Response, TransportError, TransportErrorKind};

    #[derive(Debug)]
    struct Nowhere;

    impl HttpService for Nowhere {
        fn call(
            &self,
            _: Request<Bytes>,
        ) -> BoxFuture<'static, std::result::Result<Response, TransportError>> {
            Box::pin(async { Err(TransportError::new(TransportErrorKind::Connect, "nowhere")) })
        }
    }

    #[derive(Debug)]
    struct Counting(Arc<AtomicUsize>, bool);

    impl Exchange for Counting {
        fn exchange<'a>(
            &'a self,
            _: &'a dyn HttpService,
            _: &'a RetryPolicy,
        ) -> BoxFuture<'a, Result<Token>> {
            Box::pin(async move {
                let made = self.0.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::task::yield_now().await;
                if self.1 {
                    return Err(Error::new(ErrorKind::Auth, "invalid_grant"));
                }
                Token::new(format!("token {made}"), Url::parse("http://127.0.0.1:1/").unwrap())
            })
        }
    }

    fn cache(fails: bool) -> (Arc<TokenCache>, Arc<AtomicUsize>) {
        let made = Arc::new(AtomicUsize::new(0));
        let exchange = Counting(Arc::clone(&made), fails);
        (Arc::new(TokenCache::new(exchange, Arc::new(Nowhere), RetryPolicy::none())), made)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_thousand_callers_refused_at_once_cause_one_login() {
        let (cache, made) = cache(false);
        let stale = cache.token().await.unwrap();
        let callers: Vec<_> = (0..1000)
            .map(|_| {
                let (cache, stale) = (Arc::clone(&cache), Arc::clone(&stale));
                tokio::spawn(async move {
                    cache.invalidate(&stale);
                    cache.token().await.unwrap().access_token.expose().to_owned()
                })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), "token 2");
        }
        assert_eq!(made.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn callers_of_a_refused_login_share_the_refusal() {
        let (cache, made) = cache(true);
        let outcomes = futures_util::future::join_all((0..50).map(|_| cache.token())).await;
        assert!(outcomes.iter().all(|o| o.as_ref().unwrap_err().kind() == ErrorKind::Auth));
        assert_eq!(made.load(Ordering::SeqCst), 1, "a wrong password tried fifty times locks the user out");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_login_is_not_tried_again_for_a_minute() {
        let (cache, made) = cache(true);
        for _ in 0..5 {
            assert!(cache.token().await.is_err());
        }
        assert_eq!(made.load(Ordering::SeqCst), 1);
        tokio::time::advance(REFUSAL).await;
        assert!(cache.token().await.is_err());
        assert_eq!(made.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_does_not_leave_the_others_waiting() {
        let (cache, _) = cache(false);
        let mut first = cache.token();
        assert!(futures_util::poll!(&mut first).is_pending());
        drop(first);
        assert_eq!(cache.token().await.unwrap().access_token.expose(), "token 1");
    }

    #[test]
    fn a_token_is_good_for_https_and_loopback_only() {
        for (url, good) in [
            ("https://acme.my.salesforce.com", true),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080", true),
            ("http://localhost", true),
            ("http://localhost.example.com", false),
            ("http://acme.my.salesforce.com", false),
            ("ftp://127.0.0.1", false),
        ] {
            assert_eq!(may_carry_token(&Url::parse(url).unwrap()), good, "{url}");
        }
    }

    #[test]
    fn a_secret_never_shows() {
        let token = Token::new("00Dxx!AQ", Url::parse("https://x.my.salesforce.com").unwrap()).unwrap();
        assert!(!format!("{token:?}").contains("00Dxx"));
    }
}
