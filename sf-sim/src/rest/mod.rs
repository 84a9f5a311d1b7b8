//! The REST API: who calls, what for, and which room answers.

mod answer;
mod blob;
pub(crate) mod body;
mod changes;
mod collections;
mod composite;
mod conditional;
mod event_schema;
mod external;
pub(crate) mod multipart;
mod pretty;
pub(crate) mod query;
mod recent;
mod related;
pub(crate) mod rows;
mod rowset;
mod tree;
mod versions;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

pub(crate) use answer::Answer;
pub(crate) use pretty::spaced;
pub(crate) use query::Cursor;
pub(crate) use rowset::{RowSet, RowSetWriter};
pub(crate) use versions::Version;

use crate::limits::API_REQUESTS;
use crate::org::{Session, Shared};
use crate::store::{Store, Undone};
use crate::{bulk, events, oauth, soap};

/// The longest path and query string that an org takes, in bytes.
const URI: usize = 16_384;

/// One request, read whole.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// As it was sent.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    /// Decompressed.
    pub(crate) body: Bytes,
    /// Scheme and host that the client used.
    pub(crate) base: String,
    /// Its number in the journal.
    pub(crate) number: u64,
}

impl Call {
    /// The value of a parameter of the query string, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(self.query.as_deref()?).ok()?;
        pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The method that a POST stands in for: `?_HttpMethod=PATCH`, documented for clients whose HTTP library knows no PATCH.
    pub(crate) fn method_meant(&self) -> Option<Method> {
        if self.method != Method::POST || !self.path.starts_with("/services/data/") {
            return None;
        }
        let name = self.parameter("_HttpMethod")?;
        let all = [Method::GET, Method::HEAD, Method::PATCH, Method::PUT, Method::DELETE];
        all.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(&name))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The access token, if the request carries one in a way that the org understands.
    pub(crate) fn token(&self) -> Option<&str> {
        let value = self.headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        let known = scheme.eq_ignore_ascii_case("Bearer") || scheme.eq_ignore_ascii_case("OAuth");
        Some(token.trim()).filter(|token| known && !token.is_empty())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A call below `/services/data/vXX.X/` of a user that is logged in.
#[derive(Debug)]
pub(crate) struct DataCall<'a> {
    pub(crate) call: &'a Call,
    pub(crate) version: Version,
    pub(crate) session: Session,
    /// What to take back should another part of the same call fail.
    pub(crate) undo: Option<&'a Mutex<Vec<Undone>>>,
}

impl DataCall<'_> {
    /// Changes rows, so that they can be taken back where the call may need to.
    pub(crate) fn write<T>(&self, org: &Shared, change: impl FnOnce(&mut Store) -> T) -> T {
        let Some(log) = self.undo else { return org.write(change) };
        let (out, done) = org.write(|store| store.noting(change));
        log.lock().unwrap_or_else(PoisonError::into_inner).extend(done);
        out
    }
}

/// Answers a request. Waits only where a job's result is still being written.
pub(crate) async fn respond(org: &Arc<Shared>, call: &Call) -> Answer {
    if call.path.len() + call.query.as_ref().map_or(0, String::len) > URI {
        let status = StatusCode::URI_TOO_LONG;
        return Answer::gateway(status, "URI_TOO_LONG", "The URI of the request is too long");
    }
    let path = call.path.trim_end_matches('/');
    if let Some(rest) = path.strip_prefix("/services/oauth2/") {
        return oauth::route(org, call, rest);
    }
    if let Some(rest) = path.strip_prefix("/services/Soap/") {
        return soap::route(org, call, rest);
    }
    if path == "/setup/connect" {
        return oauth::connect_page(org, call);
    }
    if let Some((org_id, user)) = path.strip_prefix("/id/").and_then(|rest| rest.split_once('/')) {
        return oauth::identity(org, call, org_id, user);
    }
    if path == "/services/data" {
        return match call.method {
            Method::GET | Method::HEAD => versions::list(),
            _ => Answer::not_allowed(&call.method, "GET,HEAD"),
        };
    }
    let Some(rest) = path.strip_prefix("/services/data/") else { return Answer::not_found() };
    let session = match authenticate(org, call) {
        Ok(session) => session,
        Err(refused) => return refused,
    };
    let (version, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let version = match Version::parse(version) {
        Ok(version) => version,
        Err(refused) => return refused,
    };
    let data = DataCall { call, version, session, undo: None };
    let parts = segments(rest);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    if version < versions::since(&parts) {
        return Answer::not_found();
    }
    // A job can be aborted before anybody has asked how far it is.
    let aborts = call.method == Method::PATCH && matches!(parts.as_slice(), ["jobs", "ingest", _]);
    if !aborts {
        bulk::tend(org).await;
    }
    match parts.as_slice() {
        ["jobs", "ingest", rest @ ..] => bulk::ingest_route(org, &data, rest).await,
        ["jobs", "query", rest @ ..] => bulk::route(org, &data, rest).await,
        ["composite", rest @ ..] => composite::route(org, &data, rest),
        parts => resource(org, &data, parts),
    }
}

fn segments(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|_| !path.is_empty());
    parts.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
}

fn resource(org: &Shared, data: &DataCall<'_>, parts: &[&str]) -> Answer {
    let method = &data.call.method;
    match parts {
        ["sobjects", name] if *method == Method::POST && events::is_event(org, name) => {
            events::publish(org, data, name)
        }
        ["sobjects", rest @ ..] => rows::route(org, data, rest),
        ["event", "eventSchema", id] => event_schema::by_id(org, data, id),
        []
        | ["limits" | "recent"]
        | ["limits", "recordCount"]
        | ["query" | "queryAll"]
        | ["query" | "queryAll", _]
            if !matches!(*method, Method::GET | Method::HEAD) =>
        {
            Answer::not_allowed(method, "GET,HEAD")
        }
        [] => versions::resources(org, data),
        ["limits"] => {
            let now = org.clock.now_ms();
            let body = org.state().limits.told(now);
            Answer::ok(&body)
        }
        ["recent"] => recent::recent(org, data),
        ["limits", "recordCount"] if data.version.0 >= 40 => record_counts(org, data),
        ["query"] => query::query(org, data, false),
        ["queryAll"] => query::query(org, data, true),
        ["query" | "queryAll", cursor] => query::more(org, data, cursor),
        _ => Answer::not_found(),
    }
}

/// How many rows the objects have, those in the recycle bin apart. An object without any is left out, as is a name that nothing has.
fn record_counts(org: &Shared, data: &DataCall<'_>) -> Answer {
    let asked = data.call.parameter("sObjects").unwrap_or_default();
    let asked: Vec<&str> = asked.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let counts: Vec<Value> = org.read(|store| {
        let objects = store.catalog().iter();
        objects
            .filter(|object| {
                asked.is_empty() || asked.iter().any(|name| name.eq_ignore_ascii_case(&object.name))
            })
            .filter_map(|object| Some((store.table(&object.name)?.live(), &object.name)))
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| json!({ "count": count, "name": name }))
            .collect()
    });
    Answer::ok(&json!({ "sObjects": counts }))
}

/// Finds the session of the call, counts the call, and refuses it where the day's calls are used up.
fn authenticate(org: &Shared, call: &Call) -> Result<Session, Answer> {
    let Some(token) = call.token() else {
        let code = "INVALID_AUTH_HEADER";
        return Err(Answer::data(StatusCode::UNAUTHORIZED, code, code).with(WWW_AUTHENTICATE, "Token"));
    };
    let now = org.clock.now_ms();
    let mut state = org.state();
    let Some(session) = state.session(token, now) else {
        let refused =
            Answer::data(StatusCode::UNAUTHORIZED, "INVALID_SESSION_ID", "Session expired or invalid");
        return Err(refused.with(WWW_AUTHENTICATE, "Token"));
    };
    let within = state.limits.take(API_REQUESTS, 1, now);
    drop(state);
    org.journal.amend(call.number, |entry| entry.user = Some(session.username.to_string()));
    if !within {
        let message = "TotalRequests Limit exceeded.";
        return Err(Answer::data(StatusCode::FORBIDDEN, "REQUEST_LIMIT_EXCEEDED", message));
    }
    Ok(session)
}
