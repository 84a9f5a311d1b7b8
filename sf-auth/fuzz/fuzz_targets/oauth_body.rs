//! What a login host, or something in its place, answers: a token that may be used, or an error without secrets.
//!
//! The first byte of an input is the status, the second how the body comes, the rest the body.

#![no_main]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use sf_auth::{
    ClientCredentials, Device, Login, MemoryStore, RefreshToken, Session, TokenStore, revoke, userinfo,
};
use sf_core::auth::Exchange;
use sf_core::http::{Framing, HttpService, Response, TransportError, TransportErrorKind};
use sf_core::retry::RetryPolicy;
use tokio::runtime::{Builder, Runtime};

const URL: &str = "https://acme.my.salesforce.com";
/// Every secret that is sent. Seeds repeat it, as a proxy might.
const SECRET: &str = "s3cr3tM4RK";
const STATUS: [u16; 8] = [200, 400, 401, 403, 429, 500, 503, 302];
/// A body is read up to 1 MiB; more than this would follow from a length within it.
const MOST: u64 = 16 << 20;

#[derive(Debug, Clone, Default)]
struct Host {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    cut: bool,
}

impl Host {
    fn of(input: &[u8]) -> Option<Self> {
        let (&[status, how], body) = input.split_first_chunk()?;
        let mut headers = HeaderMap::new();
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        match how {
            b'h' => set(header::CONTENT_TYPE, "text/html"),
            b'z' => set(header::CONTENT_ENCODING, "gzip"),
            b'l' => set(header::LOCATION, "https://s3cr3tM4RK.example/services/oauth2/token?s3cr3tM4RK"),
            _ => set(header::CONTENT_TYPE, "application/json;charset=UTF-8"),
        };
        let status = StatusCode::from_u16(STATUS[usize::from(status % 8)]).ok()?;
        Some(Self { status, headers, body: Bytes::copy_from_slice(body), cut: how == b'c' })
    }
}

impl HttpService for Host {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        // What is not about logins is not what is looked at here: the org answers it.
        let host = if request.uri().path().starts_with("/services/oauth2/") {
            self.clone()
        } else {
            Self { body: Bytes::from_static(b"{}"), ..Self::default() }
        };
        let broken = || TransportError::new(TransportErrorKind::Broken, "the body broke off");
        let pieces = [Some(Ok(host.body)), host.cut.then(|| Err(broken()))];
        let response = Response {
            status: host.status,
            headers: host.headers,
            framing: Framing::Explicit,
            body: Box::pin(stream::iter(pieces.into_iter().flatten())),
        };
        Box::pin(async move { Ok(response) })
    }
}

thread_local! {
    /// Its clock is paused, so that no wait takes any time.
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
}

fuzz_target!(|input: &[u8]| {
    let Some(host) = Host::of(input) else { return };
    let used = allocation_counter::measure(|| RUNTIME.with(|runtime| runtime.block_on(ask(host))));
    assert!(used.bytes_max <= MOST, "{} bytes of answer took {} of memory", input.len(), used.bytes_max);
});

async fn ask(host: Host) {
    let login = Login::new().http(Arc::new(host.clone())).retry(RetryPolicy::none());

    let grant = ClientCredentials::new(URL, "key", SECRET);
    checked(grant.exchange(&host, &RetryPolicy::none()).await);

    let store = MemoryStore::new();
    let grant = RefreshToken::new(URL, "key", SECRET).client_secret(SECRET).store(store.clone());
    if grant.exchange(&host, &RetryPolicy::none()).await.is_err() {
        let kept = store.lock().await.and_then(|mut lease| lease.load());
        assert!(matches!(kept, Ok(None)), "a token of an answer that was refused is kept");
    }

    silent(revoke(URL, SECRET, &login).await.err());
    // Nothing secret is sent for a device code, so nothing that comes back is known to be one.
    if let Ok(prompt) = Device::new(URL, "key").begin(&login).await {
        assert!(matches!(prompt.verification_url().scheme(), "https" | "http"));
        let _ = prompt.timeout(Duration::from_secs(2)).wait(&login).await;
    }
    if let Ok(org) = login.connect(Session::new(URL, "00Dxx!AQ")).await {
        let _ = userinfo(&org).await;
    }
}

/// A token is one that a header can carry, for a place to which it may go.
fn checked(outcome: sf_core::Result<sf_core::auth::Token>) {
    match outcome {
        Ok(token) => {
            assert!(token.access_token.expose().bytes().all(|b| b.is_ascii_graphic()));
            let url = &token.instance_url;
            assert!(url.scheme() == "https" || sf_core::auth::may_carry_token(url), "{url}");
        }
        Err(error) => silent(Some(error.into())),
    }
}

fn silent(error: Option<sf_auth::Error>) {
    let Some(error) = error else { return };
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(SECRET), "{shown}");
}
