use std::sync::atomic::{AtomicUsize, Ordering};

use ::http::Request;
use bytes::Bytes;

use super::*;
use crate::http::{Response, TransportError, TransportErrorKind};

#[derive(Debug)]
struct Nowhere;

impl HttpService for Nowhere {
    fn call(&self, _: Request<Bytes>) -> BoxFuture<'static, std::result::Result<Response, TransportError>> {
        Box::pin(async { Err(TransportError::new(TransportErrorKind::Connect, "nowhere")) })
    }
}

#[derive(Debug)]
struct Counting(Arc<AtomicUsize>, bool);

impl Exchange for Counting {
    fn exchange<'a>(&'a self, _: &'a dyn HttpService, _: &'a RetryPolicy) -> BoxFuture<'a, Result<Token>> {
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

/// Begins, and answers when it is told to.
#[derive(Debug, Default)]
struct Slow {
    begun: AtomicUsize,
    answer: tokio::sync::Notify,
}

impl Exchange for Arc<Slow> {
    fn exchange<'a>(&'a self, _: &'a dyn HttpService, _: &'a RetryPolicy) -> BoxFuture<'a, Result<Token>> {
        Box::pin(async move {
            let made = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
            self.answer.notified().await;
            Token::new(format!("token {made}"), Url::parse("http://127.0.0.1:1/").unwrap())
        })
    }
}

fn slow() -> (TokenCache, Arc<Slow>) {
    let login = Arc::new(Slow::default());
    (TokenCache::new(Arc::clone(&login), Arc::new(Nowhere), RetryPolicy::none()), login)
}

/// Waits for the login to begin, and stops waiting for its outcome.
async fn begin_and_leave(cache: &TokenCache, login: &Slow) {
    let mut caller = cache.token();
    while login.begun.load(Ordering::SeqCst) == 0 {
        assert!(futures_util::poll!(&mut caller).is_pending());
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_login_goes_on_to_its_end_when_nobody_waits_for_it() {
    let (cache, login) = slow();
    begin_and_leave(&cache, &login).await;
    login.answer.notify_one();
    // What the org granted is kept without anybody asking for it.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(cache.shared.lock().current.is_some(), "the login went away with its caller");
    assert_eq!(cache.token().await.unwrap().access_token.expose(), "token 1");
    assert_eq!(login.begun.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn who_stops_can_wait_for_the_login_under_way() {
    let (cache, login) = slow();
    cache.settled().await;
    assert_eq!(login.begun.load(Ordering::SeqCst), 0, "waiting for a login began one");
    begin_and_leave(&cache, &login).await;
    let mut settled = cache.settled();
    assert!(futures_util::poll!(&mut settled).is_pending());
    login.answer.notify_one();
    settled.await;
    assert!(cache.shared.lock().current.is_some());
}

#[test]
fn a_login_that_ended_with_its_runtime_does_not_stand_in_the_way_of_the_next() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (cache, login) = slow();
    runtime().block_on(begin_and_leave(&cache, &login));
    login.answer.notify_one();
    assert_eq!(runtime().block_on(cache.token()).unwrap().access_token.expose(), "token 2");
}

#[derive(Debug)]
struct Panicking;

impl Exchange for Panicking {
    fn exchange<'a>(&'a self, _: &'a dyn HttpService, _: &'a RetryPolicy) -> BoxFuture<'a, Result<Token>> {
        Box::pin(async { panic!("a login of one's own") })
    }
}

#[tokio::test]
async fn a_login_that_panics_is_an_error_of_all_that_wait_for_it() {
    let cache = TokenCache::new(Panicking, Arc::new(Nowhere), RetryPolicy::none());
    let (one, other) = tokio::join!(cache.token(), cache.token());
    for error in [one.unwrap_err(), other.unwrap_err(), cache.token().await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("its code panicked"), "{error}");
    }
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

#[test]
fn a_url_shows_without_its_user_its_password_and_its_query() {
    for (url, shown) in [
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com:8443/x", "https://acme.my.salesforce.com:8443/x"),
        ("https://ann:hunter2@acme.my.salesforce.com/x", "https://acme.my.salesforce.com/x"),
        ("https://acme.example/secur?sid=00D!AQ", "https://acme.example/secur"),
        ("https://acme.example:port?sid=00D!AQ", "https://acme.example:port"),
        ("https://acme.example#access_token=00D!AQ", "https://acme.example"),
        ("https://acme.example/?to=ann@acme.example&sid=00D!AQ", "https://acme.example/"),
        ("https://ann:hun?ter2@acme.example", "https://ann"),
        ("https://ann:hun/ter2@acme.example", "https://acme.example"),
        ("https://ann:hun@ter2@acme.example", "https://acme.example"),
        ("ann:hunter2@acme .com", "acme .com"),
        ("ann:hunter2@x://acme.example", "x://acme.example"),
        ("?sid=00D!AQ://acme.example", ""),
        ("", ""),
    ] {
        assert_eq!(ShownUrl(url).to_string(), shown, "{url}");
        assert_eq!(format!("{:?}", ShownUrl(url)), format!("{shown:?}"), "{url}");
    }
}

#[test]
fn a_token_shows_its_instance_without_what_may_be_secret_in_it() {
    let instance = "https://ann:hunter2@acme.my.salesforce.com/?sid=00D!AQ";
    let token = Token::new("t", Url::parse(instance).unwrap()).unwrap();
    let refused = Token::new("t", Url::parse(&instance.replace("https", "http")).unwrap()).unwrap_err();
    for shown in [format!("{token:?}"), format!("{refused} {refused:?}")] {
        assert!(shown.contains("acme.my.salesforce.com/"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("!AQ"), "{shown}");
    }
}
