//! Authenticated calls: the token of the moment on each request, one renewal where it is refused, the
//! retry policy around both.

pub(crate) mod answer;
mod upload;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::http::{Method, Request, StatusCode, header};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use crate::auth::{Token, TokenProvider, may_carry_token};
use crate::http::{BodyStream, Framing, HttpService, Response, decoded};
use crate::limits::{LimitInfo, Limits, Usage};
use crate::retry::{Attempts, RetryPolicy, Verdict};
use crate::{ApiVersion, Error, ErrorKind, Id, Result, json, time};

use answer::{refusal, transport};
pub(crate) use upload::Upload;

/// What an answer that is read whole may hold, unless the builder says otherwise.
const DEFAULT_MAX_BODY: usize = 64 * 1024 * 1024;

/// How often the login is asked at most whether the org has moved, so that an address that is wrong for good does not use up
/// the logins that a user has in an hour.
const ASK_WHERE: Duration = Duration::from_secs(60);

/// Everything that may stand in a path segment or query value unencoded (RFC 3986, "Unreserved").
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes a text as one segment of a path, or as a query value.
pub fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// An authenticated client of one org. Cheap to clone; all clones share token, limits and connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    tokens: Arc<dyn TokenProvider>,
    http: Arc<dyn HttpService>,
    version: ApiVersion,
    retry: RetryPolicy,
    max_body: usize,
    user_agent: String,
    limits: Mutex<Limits>,
    asked_where: Mutex<Option<Instant>>,
}

/// Settings of a [`Client`].
#[must_use]
pub struct ClientBuilder {
    tokens: Arc<dyn TokenProvider>,
    http: Option<Arc<dyn HttpService>>,
    version: ApiVersion,
    retry: RetryPolicy,
    max_body: usize,
    user_agent: String,
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("version", &self.version).finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// The HTTP service. Without one, and with feature `reqwest`, a `ReqwestService`.
    pub fn http(mut self, http: Arc<dyn HttpService>) -> Self {
        self.http = Some(http);
        self
    }

    /// The API version of every call that does not name its own.
    pub fn api_version(mut self, version: ApiVersion) -> Self {
        self.version = version;
        self
    }

    /// How hard to try.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// The most bytes of an answer that is read whole (64 MiB by default). Larger is an error.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// What the org's event logs show as the client.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] without an HTTP service where the crate has none of its own.
    pub fn build(self) -> Result<Client> {
        let http = match self.http {
            Some(http) => http,
            None => default_http()?,
        };
        Ok(Client(Arc::new(Inner {
            tokens: self.tokens,
            http,
            version: self.version,
            retry: self.retry,
            max_body: self.max_body,
            user_agent: self.user_agent,
            limits: Mutex::default(),
            asked_where: Mutex::default(),
        })))
    }
}

#[cfg(feature = "reqwest")]
fn default_http() -> Result<Arc<dyn HttpService>> {
    Ok(Arc::new(crate::http::ReqwestService::new()?))
}

#[cfg(not(feature = "reqwest"))]
fn default_http() -> Result<Arc<dyn HttpService>> {
    Err(Error::new(
        ErrorKind::InvalidInput,
        "no HTTP service: give one to the builder, or use feature `reqwest`",
    ))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("version", &self.0.version)
            .field("tokens", &self.0.tokens)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Starts a client over a token provider.
    pub fn builder(tokens: impl TokenProvider) -> ClientBuilder {
        ClientBuilder {
            tokens: Arc::new(tokens),
            http: None,
            version: ApiVersion::default(),
            retry: RetryPolicy::default(),
            max_body: DEFAULT_MAX_BODY,
            user_agent: concat!("sf-core/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// The API version of calls that do not name their own.
    pub fn api_version(&self) -> ApiVersion {
        self.0.version
    }

    /// How hard this client tries.
    pub fn retry(&self) -> &RetryPolicy {
        &self.0.retry
    }

    /// The token of the moment; logs in if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`] where the org refuses the login.
    pub async fn token(&self) -> Result<Arc<Token>> {
        self.0.tokens.token().await
    }

    /// Waits until a login that is under way has ended. A login goes on when its callers are gone, and a
    /// process that ends in the middle of one may lose a refresh token that the org has just replaced: call
    /// this last.
    pub async fn settled(&self) {
        self.0.tokens.settled().await;
    }

    /// The API calls that the org counted, as the last answer told.
    pub fn usage(&self) -> Option<Usage> {
        self.limits_view(|limits| limits.info().api)
    }

    /// Looks at what is known of the org's limits, or changes it.
    pub(crate) fn limits_view<T>(&self, look: impl FnOnce(&mut Limits) -> T) -> T {
        look(&mut self.0.limits.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Starts a `GET`. See [`request`](Self::request).
    pub fn get(&self, path: impl Into<String>) -> RequestBuilder<'_> {
        self.request(Method::GET, path)
    }

    /// Starts a `POST`. See [`request`](Self::request).
    pub fn post(&self, path: impl Into<String>) -> RequestBuilder<'_> {
        self.request(Method::POST, path)
    }

    /// Starts a `PATCH`. See [`request`](Self::request).
    pub fn patch(&self, path: impl Into<String>) -> RequestBuilder<'_> {
        self.request(Method::PATCH, path)
    }

    /// Starts a `DELETE`. See [`request`](Self::request).
    pub fn delete(&self, path: impl Into<String>) -> RequestBuilder<'_> {
        self.request(Method::DELETE, path)
    }

    /// Starts a request.
    ///
    /// A path without a leading slash stands under `/services/data/vXX.X/`; one with it is taken as it
    /// is, as the org's own `nextRecordsUrl` needs. Text of one's own goes through [`encode_segment`].
    pub fn request(&self, method: Method, path: impl Into<String>) -> RequestBuilder<'_> {
        let repeatable = method == Method::GET || method == Method::HEAD;
        RequestBuilder {
            client: self,
            method,
            path: path.into(),
            query: String::new(),
            headers: Vec::new(),
            body: Bytes::new(),
            content_type: None,
            upload: None,
            version: None,
            repeatable,
            head_tells: false,
            json_answer: false,
            invalid: None,
        }
    }

    /// Drops the token of a host that the org has left, so that the login is asked where it is now; unless it was asked not long ago.
    fn ask_where(&self, token: &Token) {
        let asked = || self.0.asked_where.lock().unwrap_or_else(PoisonError::into_inner);
        if asked().is_none_or(|at| at.elapsed() >= ASK_WHERE) {
            tracing::debug!(
                host = token.instance_url.host_str(),
                "the org has left its host, asking the login where it is"
            );
            self.0.tokens.invalidate(token);
            // Last: a call that finds it asked already goes by the next token, and must not get this one again.
            *asked() = Some(Instant::now());
        }
    }

    fn note(&self, response: &Response) {
        if let Some(header) = response.header("sforce-limit-info") {
            let info = LimitInfo::parse(header);
            self.limits_view(|limits| limits.note(info));
        }
    }
}

/// A whole answer.
#[derive(Clone)]
#[non_exhaustive]
pub struct Collected {
    /// The status: 2xx, 300 or 304.
    pub status: StatusCode,
    /// The headers.
    pub headers: ::http::HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
    /// Whether an earlier attempt of this call was sent and never answered: the org may have worked twice.
    pub after_unknown: bool,
}

/// Says how much there is, not what: rows are people's data and do not belong into logs.
impl fmt::Debug for Collected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collected")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("after_unknown", &self.after_unknown)
            .finish_non_exhaustive()
    }
}

impl Collected {
    /// A header's value as text; `None` where it is absent or not visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The body as JSON, where more of the answer is needed than [`RequestBuilder::json`] gives. `what` names the
    /// call in the error.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] where the body is not what was expected.
    pub fn parse<T: DeserializeOwned>(&self, what: &str) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|e| {
            let message = format!("{what}: the answer is not the JSON that the API documents");
            let error = Error::new(ErrorKind::Protocol, message).with_status(self.status.as_u16());
            error.with_source(json::fault(&e))
        })
    }

    /// The row that was created, by the answer's head alone.
    #[cfg(feature = "sobject")]
    pub(crate) fn located(&self) -> Option<Id> {
        located(self.status, &self.headers)
    }

    /// When the org sent this, by its own clock.
    pub fn date(&self) -> Option<DateTime<Utc>> {
        self.header("date").and_then(time::parse_http_date)
    }
}

/// A request being put together.
#[derive(Debug)]
#[must_use]
pub struct RequestBuilder<'c> {
    client: &'c Client,
    method: Method,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    content_type: Option<&'static str>,
    upload: Option<Upload>,
    version: Option<ApiVersion>,
    repeatable: bool,
    head_tells: bool,
    json_answer: bool,
    invalid: Option<Error>,
}

impl RequestBuilder<'_> {
    /// Adds a query parameter, encoded here.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        let separator = if self.query.is_empty() { '?' } else { '&' };
        self.query.push(separator);
        self.query.push_str(&encode_segment(name));
        self.query.push('=');
        self.query.push_str(&encode_segment(value));
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends this value as JSON.
    pub fn json_body(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body(body, "application/json"),
            Err(e) => {
                self.invalid = Some(
                    Error::new(ErrorKind::InvalidInput, "the body cannot be written as JSON").with_source(e),
                );
                self
            }
        }
    }

    /// Sends these bytes.
    pub fn body(mut self, body: impl Into<Bytes>, content_type: &'static str) -> Self {
        self.body = body.into();
        self.content_type = Some(content_type);
        self
    }

    /// Sends a body as it is read, for what is too large for memory. `open` is called for each attempt: it gives the
    /// body's exact length and its bytes from the first on.
    pub fn streamed_body(
        mut self,
        open: impl Fn() -> BoxFuture<'static, Result<(u64, BodyStream)>> + Send + Sync + 'static,
        content_type: &'static str,
    ) -> Self {
        self.content_type = Some(content_type);
        self.upload(Upload::new(open))
    }

    /// Sends a body as it is read.
    pub(crate) fn upload(mut self, upload: Upload) -> Self {
        self.upload = Some(upload);
        self
    }

    /// Uses this API version for a path under `/services/data/`.
    pub fn version(mut self, version: ApiVersion) -> Self {
        self.version = Some(version);
        self
    }

    /// Whether the request may be sent again after an unknown outcome. `GET` may, all others may not
    /// unless this says so.
    pub fn repeatable(mut self, repeatable: bool) -> Self {
        self.repeatable = repeatable;
        self
    }

    /// A row that was created is known by the head of the answer too: its body may break.
    #[cfg(feature = "sobject")]
    pub(crate) fn head_tells(mut self) -> Self {
        self.head_tells = true;
        self
    }

    /// Says that the org answers with JSON: a page for a browser in its place, as a login host or something on the way may send
    /// it with a good status, is [`ErrorKind::Server`] and tried again like others of that kind. [`json`](Self::json) says it
    /// by itself.
    pub fn json_answer(mut self) -> Self {
        self.json_answer = true;
        self
    }

    /// Sends the request and returns when the headers of a good answer are there (2xx, 300 or 304).
    /// The body is a stream that can still break; reading it is not covered by the retry policy.
    ///
    /// # Errors
    /// What the org or the way to it said last, see [`ErrorKind`].
    pub async fn send(self) -> Result<Response> {
        let mut state = Attempt::new(self)?;
        loop {
            match state.once().await {
                Ok(response) => return Ok(response),
                Err(error) => state.pause_after(error).await?,
            }
        }
    }

    /// Sends the request and reads the whole answer, both within the retry policy.
    ///
    /// # Errors
    /// As [`send`](Self::send), and a body that breaks each time or is larger than the client allows.
    pub async fn response(self) -> Result<Collected> {
        let mut state = Attempt::new(self)?;
        loop {
            match state.whole().await {
                Ok(answer) => return Ok(answer),
                Err(error) => state.pause_after(error).await?,
            }
        }
    }

    /// As [`response`](Self::response), and reads the body as JSON.
    ///
    /// # Errors
    /// As [`response`](Self::response), and [`ErrorKind::Protocol`] where the body is not what was
    /// expected.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let (what, writes) = (self.what(), self.writes());
        let answer = self.json_answer().response().await?;
        answer.parse(&what).map_err(|e| e.with_outcome_unknown(writes))
    }

    /// Whether the call may change something in the org.
    fn writes(&self) -> bool {
        self.method != Method::GET && self.method != Method::HEAD
    }

    fn what(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The row that an answer says was created, by its head alone: `201`, and `Location`.
fn located(status: StatusCode, headers: &::http::HeaderMap) -> Option<Id> {
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    if status == StatusCode::CREATED { location.rsplit('/').next()?.parse().ok() } else { None }
}

/// Whether a host answers that the org has left: with a redirect, or with the page "URL No Longer Exists" where an org would have
/// a list of errors.
fn left_host(answer: &Response) -> bool {
    answer.status.is_redirection() || (answer.status == StatusCode::NOT_FOUND && is_web_page(answer))
}

fn is_web_page(answer: &Response) -> bool {
    answer.header("content-type").is_some_and(|kind| kind.contains("html"))
}

/// Whether a request that was sent ended without telling what the org did.
fn left_open(error: &Error) -> bool {
    match error.kind() {
        // It did tell: nothing was done, whatever the status beside it.
        _ if error.verdict() == Verdict::Always => false,
        ErrorKind::Server | ErrorKind::Timeout | ErrorKind::Broken => true,
        // A good answer whose body could not be taken.
        ErrorKind::Protocol => error.status().is_none(),
        _ => false,
    }
}

/// The state of one request over its attempts: a token is renewed once in all of them.
struct Attempt<'c> {
    request: RequestBuilder<'c>,
    what: String,
    renewed: bool,
    connect_failures: u32,
    /// A login retries by itself: what it gave up is not tried again here.
    login_failed: bool,
    /// An attempt that may have written something was sent and not answered.
    unknown: bool,
    attempts: Attempts,
}

impl<'c> Attempt<'c> {
    fn new(mut request: RequestBuilder<'c>) -> Result<Self> {
        if let Some(error) = request.invalid.take() {
            return Err(error);
        }
        let what = request.what();
        let attempts = request.client.0.retry.start();
        Ok(Self {
            request,
            what,
            renewed: false,
            connect_failures: 0,
            login_failed: false,
            unknown: false,
            attempts,
        })
    }

    async fn pause_after(&mut self, error: Error) -> Result<()> {
        if self.login_failed {
            return Err(error.with_outcome_unknown(self.unknown));
        }
        self.unknown |= self.request.writes() && left_open(&error);
        let error = error.with_outcome_unknown(self.unknown);
        self.attempts.pause_after(error, self.request.repeatable).await
    }

    /// One attempt with its whole body.
    async fn whole(&mut self) -> Result<Collected> {
        let response = self.once().await?;
        let (status, headers) = (response.status, response.headers.clone());
        let body = match self.body(response).await {
            // What the body would have told, the headers have.
            Err(_) if self.request.head_tells && located(status, &headers).is_some() => Bytes::new(),
            body => body?,
        };
        Ok(Collected { status, headers, body, after_unknown: self.unknown })
    }

    async fn body(&self, response: Response) -> Result<Bytes> {
        let (status, framing) = (response.status, response.framing);
        let limit = self.request.client.0.max_body;
        let body = response.collect(limit).await.map_err(|e| transport(&self.what, e))?;
        // Nothing tells where this body should have ended, but JSON tells whether it is whole. An upload alone is answered
        // without a body and without a status that says so.
        let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || matches!(self.request.method, Method::PUT | Method::HEAD);
        if framing == Framing::Close && !(body.is_empty() && bodiless) {
            let whole = serde_json::from_slice::<serde::de::IgnoredAny>(&body);
            if whole.is_err_and(|e| e.is_eof()) {
                return Err(Error::new(ErrorKind::Broken, format!("{}: the body broke off", self.what)));
            }
        }
        Ok(body)
    }

    /// One attempt, or two where the token was refused in between.
    async fn once(&mut self) -> Result<Response> {
        loop {
            let client = self.request.client;
            let token = client.0.tokens.token().await.inspect_err(|_| self.login_failed = true)?;
            let answer = match self.call(&token).await {
                Err(error) if error.kind() == ErrorKind::Connect => {
                    // An org that moved is no longer where the token says. One login tells.
                    self.connect_failures += 1;
                    if self.connect_failures == 2 && !self.renewed {
                        self.renewed = true;
                        client.0.tokens.invalidate(&token);
                    }
                    return Err(error);
                }
                other => other?,
            };
            client.note(&answer);
            let answer = decoded(answer).map_err(|e| transport(&self.what, e))?;
            let good = answer.status.is_success()
                || matches!(answer.status, StatusCode::MULTIPLE_CHOICES | StatusCode::NOT_MODIFIED);
            if good && !self.is_no_answer(&answer) {
                return Ok(answer);
            }
            let left = left_host(&answer);
            let error = refusal(&self.what, &token.instance_url, answer).await;
            if self.renewed || !(left || error.kind() == ErrorKind::SessionExpired) {
                return Err(error);
            }
            self.renewed = true;
            if left {
                client.ask_where(&token);
                let now = client.0.tokens.token().await.inspect_err(|_| self.login_failed = true)?;
                if now.instance_url == token.instance_url {
                    return Err(error);
                }
            } else {
                tracing::debug!(status = error.status(), "the org refused the token, renewing it once");
                client.0.tokens.invalidate(&token);
            }
        }
    }

    /// Whether a good status is not the org's: it comes with a page for a browser in place of JSON. What writes in the data API is
    /// answered with JSON or with nothing; a path of the caller's own may lead to such pages.
    fn is_no_answer(&self, answer: &Response) -> bool {
        let ours = &self.request;
        let never_a_page = ours.json_answer || (ours.writes() && !ours.path.starts_with('/'));
        never_a_page && answer.status.is_success() && is_web_page(answer)
    }

    async fn call(&self, token: &Token) -> Result<Response> {
        let request = self.build(token)?;
        let http = &self.request.client.0.http;
        if let Some(upload) = &self.request.upload {
            let (length, body) = upload.open().await?;
            let mut request = request.map(|_| body);
            request.headers_mut().insert(header::CONTENT_LENGTH, length.into());
            return http.upload(request).await.map_err(|e| transport(&self.what, e));
        }
        http.call(request).await.map_err(|e| transport(&self.what, e))
    }

    fn build(&self, token: &Token) -> Result<Request<Bytes>> {
        let ours = &self.request;
        let url = self.url(&token.instance_url)?;
        let mut bearer = ::http::HeaderValue::try_from(format!("Bearer {}", token.access_token.expose()))
            .map_err(|_| self.invalid("the access token holds characters that no header can carry"))?;
        bearer.set_sensitive(true);
        let mut builder = Request::builder()
            .method(ours.method.clone())
            .uri(url.as_str())
            .header(header::AUTHORIZATION, bearer)
            .header(header::ACCEPT_ENCODING, "gzip")
            .header(header::USER_AGENT, &ours.client.0.user_agent);
        if let Some(content_type) = ours.content_type {
            builder = builder.header(header::CONTENT_TYPE, content_type);
        }
        for (name, value) in &ours.headers {
            builder = builder.header(name, value);
        }
        builder.body(ours.body.clone()).map_err(|e| self.invalid("it cannot be sent").with_source(e))
    }

    fn url(&self, instance: &Url) -> Result<Url> {
        let ours = &self.request;
        let path = if ours.path.starts_with('/') {
            format!("{}{}", ours.path, ours.query)
        } else {
            let version = ours.version.unwrap_or(ours.client.0.version);
            format!("/services/data/{version}/{}{}", ours.path, ours.query)
        };
        let url = instance.join(&path).map_err(|e| self.invalid("its path is no URL path").with_source(e))?;
        let same_host =
            url.host() == instance.host() && url.port_or_known_default() == instance.port_or_known_default();
        if !same_host || !may_carry_token(&url) {
            return Err(self.invalid("its path leads to another host, where the token is not sent"));
        }
        Ok(url)
    }

    fn invalid(&self, why: &str) -> Error {
        Error::new(ErrorKind::InvalidInput, format!("{}: {why}", self.what))
    }
}
