//! An org of one file: it answers what it is told to, counts, and can be held up.

pub(crate) mod wire;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use sf_core::Client;
use sf_core::auth::{Token, TokenProvider};
use sf_core::http::{Framing, HttpService, Response, TransportError};
use sf_core::retry::RetryPolicy;
use tokio::sync::Semaphore;

/// One answer: status, `Last-Modified`, body.
#[derive(Clone)]
pub(crate) struct Answer(pub(crate) u16, pub(crate) Option<&'static str>, pub(crate) String);

impl Answer {
    pub(crate) fn object(name: &str, label: &str) -> Self {
        Self::json(&format!(
            r#"{{"name":"{name}","label":"{label}","fields":[{{"name":"Id","type":"id"}}]}}"#
        ))
    }

    pub(crate) fn json(body: &str) -> Self {
        Self(200, None, body.to_owned())
    }

    pub(crate) fn not_found() -> Self {
        let body = r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#;
        Self(404, None, body.to_owned())
    }

    pub(crate) fn modified(mut self, date: &'static str) -> Self {
        self.1 = Some(date);
        self
    }
}

/// A request as the org saw it: path, and `If-Modified-Since`.
pub(crate) type Seen = (String, Option<String>);

#[derive(Clone, Debug)]
pub(crate) struct Org(Arc<State>);

struct State {
    answers: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Seen>>,
    gate: Semaphore,
    arrived: Semaphore,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Org")
    }
}

impl Org {
    /// An org that gives these answers, one after the other.
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::with_gate(answers, Semaphore::MAX_PERMITS)
    }

    /// The same, but each answer waits for [`Org::let_one_through`].
    pub(crate) fn held_up(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::with_gate(answers, 0)
    }

    fn with_gate(answers: impl IntoIterator<Item = Answer>, permits: usize) -> Self {
        Self(Arc::new(State {
            answers: Mutex::new(answers.into_iter().collect()),
            seen: Mutex::default(),
            gate: Semaphore::new(permits),
            arrived: Semaphore::new(0),
        }))
    }

    pub(crate) fn let_one_through(&self) {
        self.0.gate.add_permits(1);
    }

    /// Waits until one more request has arrived.
    pub(crate) async fn request_arrived(&self) {
        self.0.arrived.acquire().await.unwrap().forget();
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.seen.lock().unwrap().clone()
    }

    pub(crate) fn client(&self) -> Client {
        client(Arc::new(self.clone()), "https://org.example.com", "00D!token")
    }
}

/// A client that tries once, at this instance and with this token.
pub(crate) fn client(http: Arc<dyn HttpService>, instance: &str, token: &str) -> Client {
    let token = Token::new(token, instance.parse().unwrap()).unwrap();
    Client::builder(Fixed(Arc::new(token))).http(http).retry(RetryPolicy::none()).build().unwrap()
}

/// The same, for calls of another version.
pub(crate) fn at_version(
    http: Arc<dyn HttpService>,
    instance: &str,
    token: &str,
    version: sf_core::ApiVersion,
) -> Client {
    let token = Token::new(token, instance.parse().unwrap()).unwrap();
    let builder = Client::builder(Fixed(Arc::new(token))).http(http).retry(RetryPolicy::none());
    builder.api_version(version).build().unwrap()
}

impl HttpService for Org {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let state = Arc::clone(&self.0);
        async move {
            let since = request.headers().get("if-modified-since").map(|v| v.to_str().unwrap().to_owned());
            state.seen.lock().unwrap().push((request.uri().path().to_owned(), since));
            state.arrived.add_permits(1);
            state.gate.acquire().await.unwrap().forget();
            let Answer(status, modified, body) =
                state.answers.lock().unwrap().pop_front().expect("no answer left");
            let mut headers = http::HeaderMap::new();
            if let Some(date) = modified {
                headers.insert("last-modified", date.parse().unwrap());
            }
            let body = futures_util::stream::iter([Ok(Bytes::from(body))]).boxed();
            Ok(Response { status: status.try_into().unwrap(), headers, framing: Framing::Explicit, body })
        }
        .boxed()
    }
}

/// An org that has these describes, whoever asks and how often.
#[derive(Debug)]
pub(crate) struct Shelf(std::collections::HashMap<String, String>);

impl Shelf {
    pub(crate) fn new<'n>(objects: impl IntoIterator<Item = (&'n str, serde_json::Value)>) -> Self {
        let mut names = Vec::new();
        let mut shelf = std::collections::HashMap::new();
        for (name, describe) in objects {
            names.push(serde_json::json!({ "name": name, "queryable": describe["queryable"] }));
            shelf.insert(format!("/services/data/v65.0/sobjects/{name}/describe"), describe.to_string());
        }
        let list = serde_json::json!({ "sobjects": names });
        shelf.insert("/services/data/v65.0/sobjects".to_owned(), list.to_string());
        Self(shelf)
    }

    pub(crate) fn client(self) -> Client {
        client(Arc::new(self), "https://org.example.com", "00D!token")
    }
}

impl HttpService for Shelf {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let found = self.0.get(request.uri().path()).cloned();
        let (status, body) = found.map_or_else(|| (404, Answer::not_found().2), |body| (200, body));
        let body = futures_util::stream::iter([Ok(Bytes::from(body))]).boxed();
        let status = http::StatusCode::from_u16(status).unwrap();
        std::future::ready(Ok(Response {
            status,
            headers: http::HeaderMap::new(),
            framing: Framing::Explicit,
            body,
        }))
        .boxed()
    }
}

#[derive(Debug)]
struct Fixed(Arc<Token>);

impl TokenProvider for Fixed {
    fn token(&self) -> BoxFuture<'_, sf_core::Result<Arc<Token>>> {
        std::future::ready(Ok(Arc::clone(&self.0))).boxed()
    }

    fn invalidate(&self, _stale: &Token) {}
}

/// The folder of recorded answers and documents beside the workspace; `None`, with a remark, where it is
/// absent and nothing demands it.
pub(crate) fn shared(cases: &str) -> Option<std::path::PathBuf> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var("SF_TESTS_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|r| r.trim() == "shared"),
        "../shared is absent and SF_TESTS_REQUIRE names it"
    );
    std::io::Write::write_all(
        &mut std::io::stderr(),
        format!("skipped: ../shared is absent: {cases}\n").as_bytes(),
    )
    .unwrap_or_default();
    None
}

/// The body of a recorded answer, as it came and as JSON.
pub(crate) fn recorded_body(path: &std::path::Path) -> (String, serde_json::Value) {
    let case: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let body = case["response"]["body"].as_str().unwrap().to_owned();
    let json = serde_json::from_str(&body).unwrap();
    (body, json)
}
