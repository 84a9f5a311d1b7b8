//! The way of a request: journal, hooks, faults, the org's own answer, and the headers that all answers have.

use std::fmt;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use chrono::DateTime;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, HOST, HeaderName, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Limited};

use super::body::{Body, BodyFault, FaultKind};
use super::socket::Wire;
use super::{BoxError, control};
use crate::fault::{Action, Firing, Framing, Reply, Route};
use crate::id::RecordId;
use crate::limits::API_REQUESTS;
use crate::org::{Moved, Shared};
use crate::rest::{self, Answer, Call};

/// The most bytes that a request's body may have, as sent and decompressed.
const BODY: usize = 160 << 20;

/// The connection ends without an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reset;

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was reset by a fault of the emulator")
    }
}

impl std::error::Error for Reset {}

pub(super) async fn handle<B>(
    org: Arc<Shared>,
    request: Request<B>,
    wire: Option<Arc<Wire>>,
) -> Result<Response<Body>, Reset>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Err(Reset),
    };
    let Some(body) = decompressed(&parts.headers, body) else {
        let message = "The request's body is not what its Content-Encoding says";
        let refused = Answer::gateway(StatusCode::BAD_REQUEST, "UNKNOWN_EXCEPTION", message);
        return Ok(Finish::of(&org, &parts.method, &parts.headers, "").response(refused, None, None));
    };
    let mut call = Call {
        base: base(&parts.uri, &parts.headers),
        path: one_slash(parts.uri.path()).to_owned(),
        query: parts.uri.query().map(str::to_owned),
        method: parts.method,
        headers: parts.headers,
        body,
        number: 0,
    };
    if let Some(method) = call.method_meant() {
        call.method = method;
    }
    if let Some(rest) = call.path.strip_prefix("/__sim") {
        let answer = control::route(&org, &call, rest).await;
        let finish = Finish::of(&org, &call.method, &call.headers, &call.path);
        return Ok(finish.response(answer, None, None));
    }
    // Work that has begun is done to the end, as in a real org, even where the client goes away.
    match tokio::spawn(work(org, call, wire)).await {
        Ok(answer) => answer,
        Err(failed) => {
            tracing::error!(%failed, "a request could not be answered");
            Err(Reset)
        }
    }
}

/// Orgs overlook doubled slashes at the beginning of a path: command lines put its path behind an address that ends
/// with a slash.
fn one_slash(path: &str) -> &str {
    let doubled = path.bytes().take_while(|b| *b == b'/').count();
    &path[doubled.saturating_sub(1)..]
}

async fn work(org: Arc<Shared>, mut call: Call, wire: Option<Arc<Wire>>) -> Result<Response<Body>, Reset> {
    let now = org.clock.now_ms();
    let received = call.body.len() as u64;
    call.number = org.journal.begin(&call.method, &call.path, call.query.as_deref(), now, received);
    let text = || shown(&call);
    let held = org.hooks.meet(&call.method, &call.path, text);
    let firing = org.faults.strike(&call.method, &call.path, text);
    if let Some(firing) = &firing {
        org.journal.amend(call.number, |entry| entry.fault = Some(firing.id.0));
    }
    held.before().await;
    let early = match &firing {
        Some(firing) => before(&org, &call, firing).await.map_err(|reset| broken(reset, wire.as_deref()))?,
        None => None,
    };
    let answer = match early {
        Some(answer) => answer,
        None => match old_host(&org, &call) {
            Some(reply) => from_reply(&reply),
            None => rest::spaced(&call, rest::respond(&org, &call).await),
        },
    };
    let answer = match &firing {
        Some(firing) => after(&org, &call, firing, answer).map_err(|reset| broken(reset, wire.as_deref()))?,
        None => answer,
    };
    held.after().await;
    let (status, sent) = (answer.status.as_u16(), answer.len());
    org.journal.amend(call.number, |entry| {
        entry.status = Some(status);
        entry.sent = sent;
    });
    Ok(Finish::of(&org, &call.method, &call.headers, &call.path).response(answer, firing, wire))
}

/// What `containing` of faults and hooks looks at.
fn shown(call: &Call) -> String {
    let query = call.query.as_deref().unwrap_or_default();
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let query: Vec<String> = pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{}?{}\n{}", call.path, query.join("&"), call.text())
}

fn broken(reset: Reset, wire: Option<&Wire>) -> Reset {
    if let Some(wire) = wire {
        wire.reset_on_close();
    }
    reset
}

/// What a fault does before the org works; an answer, where the org is not to work at all.
async fn before(org: &Shared, call: &Call, firing: &Firing) -> Result<Option<Answer>, Reset> {
    match &firing.action {
        Action::Reply(reply) => {
            firing.signals.fire();
            return Ok(Some(from_reply(reply)));
        }
        Action::ResetBefore => {
            firing.signals.fire();
            return Err(Reset);
        }
        Action::Delay(time) => {
            firing.signals.fire();
            tokio::time::sleep(*time).await;
        }
        Action::ExpireSession => {
            firing.signals.fire();
            org.state().end_session(call.token());
        }
        Action::MoveOrg { to, old } => {
            firing.signals.fire();
            let to = to.trim_end_matches('/').to_owned();
            org.state().moved = Some(Moved { to, old: old.clone() });
        }
        Action::SlowJob { .. } | Action::FailJob { .. } | Action::AbortJob | Action::LoseJob => {
            if let Some(id) = job_in(&call.path) {
                trouble(org, id, firing);
            }
        }
        _ => {}
    }
    Ok(None)
}

/// What a fault does to the answer once the org has worked.
fn after(org: &Shared, call: &Call, firing: &Firing, mut answer: Answer) -> Result<Answer, Reset> {
    match &firing.action {
        Action::ReplyAfter(reply) => {
            firing.signals.fire();
            Ok(from_reply(reply))
        }
        Action::ResetAfter => {
            firing.signals.fire();
            Err(Reset)
        }
        Action::SlowJob { .. } | Action::FailJob { .. } | Action::AbortJob | Action::LoseJob => {
            let creates = [Route::CreateJob, Route::CreateIngest];
            let created =
                answer.job.filter(|_| creates.iter().any(|route| route.matches(&call.method, &call.path)));
            if let Some(id) = created {
                trouble(org, id, firing);
            }
            Ok(answer)
        }
        Action::BrokenGzip { after } => {
            // Without compression there is nothing to break: claim it, and send what is none.
            answer.damaged_gzip = Some(*after);
            Ok(answer)
        }
        _ => Ok(answer),
    }
}

fn trouble(org: &Shared, id: RecordId, firing: &Firing) {
    let now = org.clock.now_ms();
    let mut state = org.state();
    let found = match &firing.action {
        Action::LoseJob => state.jobs.remove(&id).is_some() || state.ingest.remove(id),
        Action::FailJob { message } => {
            let query = state.jobs.get_mut(&id).map(|job| job.fail(message.clone(), now));
            query
                .or_else(|| state.ingest.get_mut(id).map(|job| job.fail(message.clone(), now)))
                .unwrap_or_default()
        }
        Action::AbortJob => {
            let late = state.knobs.ingest.commits_after_abort;
            let query = state.jobs.get_mut(&id).map(|job| job.end_aborted(now));
            query
                .or_else(|| state.ingest.get_mut(id).map(|job| job.end_aborted(late, now)))
                .unwrap_or_default()
        }
        Action::SlowJob { polls } => {
            let signals = || Arc::clone(&firing.signals);
            let query = state.jobs.get_mut(&id).map(|job| job.slow_down(*polls, signals()));
            query.or_else(|| state.ingest.get_mut(id).map(|job| job.slow_down(*polls, signals()))).is_some()
        }
        _ => false,
    };
    if found {
        firing.signals.fire();
    }
}

/// The id of a job in a path as `…/jobs/query/<id>/results` or `…/jobs/ingest/<id>`.
fn job_in(path: &str) -> Option<RecordId> {
    let (_, rest) = path.split_once("/jobs/query/").or_else(|| path.split_once("/jobs/ingest/"))?;
    rest.split('/').next()?.parse().ok()
}

/// What a host answers that the org has moved away from. The login host stays where it is.
fn old_host(org: &Shared, call: &Call) -> Option<Reply> {
    if ["/services/oauth2/", "/services/Soap/", "/setup/", "/id/"]
        .iter()
        .any(|login| call.path.starts_with(login))
    {
        return None;
    }
    let state = org.state();
    let moved = state.moved.as_ref().filter(|moved| moved.to != call.base)?;
    let old = moved.old.clone();
    let redirects = (300..400).contains(&old.status);
    if !redirects || old.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("location")) {
        return Some(old);
    }
    let query = call.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    Some(old.header("Location", format!("{}{}{query}", moved.to, call.path)))
}

fn from_reply(reply: &Reply) -> Answer {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = Answer::empty(status);
    if let Some(content_type) = &reply.content_type {
        answer = answer.with(CONTENT_TYPE, content_type);
    }
    for (name, value) in &reply.headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            answer = answer.with(name, value);
        }
    }
    if !reply.body.is_empty() {
        answer.body.push(reply.body.clone().into());
    }
    answer.edge = true;
    answer
}

fn base(uri: &http::Uri, headers: &HeaderMap) -> String {
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
        _ => {
            let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
            // What stands before the org and ends TLS says so.
            let secure = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
            format!("{}://{host}", if secure { "https" } else { "http" })
        }
    }
}

fn decompressed(headers: &HeaderMap, body: Bytes) -> Option<Bytes> {
    let encoding = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("identity");
    match encoding.to_ascii_lowercase().as_str() {
        "identity" => Some(body),
        "gzip" => inflated(flate2::read::MultiGzDecoder::new(body.as_ref())),
        "deflate" => inflated(flate2::read::ZlibDecoder::new(body.as_ref())),
        _ => None,
    }
}

fn inflated(decoder: impl Read) -> Option<Bytes> {
    let mut out = Vec::new();
    decoder.take(BODY as u64 + 1).read_to_end(&mut out).ok()?;
    (out.len() <= BODY).then(|| out.into())
}

/// Turns an answer into a response.
struct Finish {
    date: String,
    cookie: String,
    /// `api-usage=…`, for answers that tell it.
    usage: Option<String>,
    gzip: bool,
    no_body: bool,
    /// Where the answer may be compressed, orgs say that it depends on the request, but not on PATCH.
    varies: bool,
    token_endpoint: bool,
}

impl Finish {
    fn of(org: &Shared, method: &Method, headers: &HeaderMap, path: &str) -> Self {
        let mut state = org.state();
        let now = org.clock.now_ms();
        let shown = now.saturating_add(state.knobs.date_skew_ms);
        let data = path.trim_end_matches('/').strip_prefix("/services/data/").is_some();
        let usage = data.then(|| {
            let (used, max) = state.limits.usage(API_REQUESTS, now);
            format!("api-usage={used}/{max}")
        });
        let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self {
            date: http_date(shown),
            cookie: cookie(&state.random_text(22), shown),
            usage,
            gzip: state.knobs.gzip && accepts_gzip(accepted),
            no_body: method == Method::HEAD,
            varies: method != Method::PATCH,
            token_endpoint: path.starts_with("/services/oauth2/"),
        }
    }

    fn response(self, answer: Answer, firing: Option<Firing>, wire: Option<Arc<Wire>>) -> Response<Body> {
        let Answer { status, headers, body, edge, damaged_gzip, .. } = answer;
        let has_body = !body.is_empty() && !self.no_body;
        let mut all = HeaderMap::new();
        let mut put = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                all.append(name, value);
            }
        };
        put(DATE, &self.date);
        if !edge {
            put(HeaderName::from_static("strict-transport-security"), "max-age=63072000; includeSubDomains");
            put(HeaderName::from_static("x-content-type-options"), "nosniff");
            put(HeaderName::from_static("x-xss-protection"), "1; mode=block");
            if body.is_empty() && status.is_success() {
                put(HeaderName::from_static("content-security-policy"), "upgrade-insecure-requests");
            }
            put(HeaderName::from_static("x-robots-tag"), "none");
            if !self.token_endpoint {
                let cache = "no-cache,must-revalidate,max-age=0,no-store,private";
                put(http::header::CACHE_CONTROL, cache);
            }
            put(http::header::SET_COOKIE, &self.cookie);
            if let Some(usage) = self.usage.filter(|_| status != StatusCode::UNAUTHORIZED) {
                put(HeaderName::from_static("sforce-limit-info"), &usage);
            }
        }
        for (name, value) in headers.iter() {
            all.append(name.clone(), value.clone());
        }
        if has_body && status.is_success() && self.varies && !edge {
            all.append(VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        let gzip = has_body && self.gzip && !edge;
        if gzip || damaged_gzip.is_some() {
            all.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if gzip && let Some(tag) = all.get(ETAG).and_then(encoded_tag) {
            all.insert(ETAG, tag);
        }
        let body = if has_body {
            Body::new(body, gzip || damaged_gzip.is_some())
        } else {
            Body::new(Vec::new(), false)
        };
        finish(status, all, body, firing, wire)
    }
}

/// Puts body and headers together, with what a fault of the body does to both.
fn finish(
    status: StatusCode,
    mut headers: HeaderMap,
    mut body: Body,
    firing: Option<Firing>,
    wire: Option<Arc<Wire>>,
) -> Response<Body> {
    let mut by_close = false;
    let fault = firing.and_then(|firing| {
        let (after, kind) = match &firing.action {
            Action::Cut { after, framing, reset } => {
                by_close = *framing == Framing::Close;
                (*after, FaultKind::Cut { framing: *framing, reset: *reset })
            }
            Action::Stall { after } => (*after, FaultKind::Stall),
            Action::BrokenGzip { after } => (*after, FaultKind::Corrupt),
            Action::WithoutHeaders(names) => {
                firing.signals.fire();
                for name in names {
                    headers.remove(name);
                }
                return None;
            }
            _ => return None,
        };
        Some(BodyFault { after, kind, firing, wire })
    });
    if let Some(fault) = fault {
        body = body.with_fault(fault);
    }
    let length = http_body::Body::size_hint(&body).exact();
    if let Some(length) =
        length.filter(|_| !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED))
    {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    if by_close {
        // hyper frames by the connection's end when it is told that the answer is of the older protocol.
        *response.version_mut() = Version::HTTP_10;
    }
    response
}

/// `"e8178a2d--gzip"`: orgs put the encoding into the tag of a body.
fn encoded_tag(tag: &HeaderValue) -> Option<HeaderValue> {
    let tag = tag.to_str().ok()?.strip_suffix('"')?;
    HeaderValue::from_str(&format!("{tag}--gzip\"")).ok()
}

fn http_date(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn cookie(id: &str, now: i64) -> String {
    let year = 365 * 24 * 3_600_000;
    let expires = DateTime::from_timestamp_millis(now.saturating_add(year)).unwrap_or_default();
    let expires = expires.format("%a, %d-%b-%Y %H:%M:%S GMT");
    format!("BrowserId={id}; domain=.salesforce.com; path=/; expires={expires}; Max-Age=31536000")
}

fn accepts_gzip(accept_encoding: &str) -> bool {
    accept_encoding.split(',').any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0);
        matches!(name.trim(), "gzip" | "*") && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_cookies_are_written_as_recorded() {
        let at = 1_674_744_610_000;
        assert_eq!(http_date(at), "Thu, 26 Jan 2023 14:50:10 GMT");
        assert_eq!(
            cookie("u5BpwZ2IEe2qfyulKSJb5w", at),
            "BrowserId=u5BpwZ2IEe2qfyulKSJb5w; domain=.salesforce.com; path=/; expires=Fri, 26-Jan-2024 14:50:10 GMT; Max-Age=31536000"
        );
    }

    #[test]
    fn gzip_is_used_only_where_it_is_accepted() {
        for (text, accepted) in [
            ("gzip", true),
            ("deflate, gzip;q=0.5", true),
            ("gzip;q=1.0,deflate;q=0.6,identity;q=0.3", true),
            ("*", true),
            ("gzip;q=0", false),
            ("", false),
            ("br", false),
        ] {
            assert_eq!(accepts_gzip(text), accepted, "{text}");
        }
    }

    #[test]
    fn the_host_comes_from_the_uri_or_the_header() {
        let mut headers = HeaderMap::new();
        assert_eq!(base(&"https://org.example/x".parse().unwrap(), &headers), "https://org.example");
        headers.insert(HOST, HeaderValue::from_static("127.0.0.1:80"));
        assert_eq!(base(&"/x".parse().unwrap(), &headers), "http://127.0.0.1:80");
    }
}
