//! `…/composite`: several calls in one; `…/composite/graph`, several composites in one; `…/composite/batch`, which knows no
//! references.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::{self, null_is_absent};
use super::versions::since;
use super::{Answer, Call, DataCall, Version, collections, resource, segments, tree};
use crate::org::Shared;
use crate::store::Undone;

const MOST_PARTS: usize = 25;
/// How many of the parts may be queries or collections.
const MOST_QUERIES: usize = 5;
const MOST_GRAPHS: usize = 75;
/// The parts of all graphs together.
const MOST_NODES: usize = 500;
const ROLLED_BACK: &str =
    "The transaction was rolled back since another operation in the same transaction failed.";

/// Routes below `…/composite`.
pub(super) fn route(org: &Shared, data: &DataCall<'_>, parts: &[&str]) -> Answer {
    let method = &data.call.method;
    match parts {
        ["sobjects", rest @ ..] => collections::route(org, data, rest),
        [] | ["batch"] | ["graph"] | ["tree", _] if *method != Method::POST => {
            Answer::not_allowed(method, "POST")
        }
        [] => composite(org, data),
        ["graph"] => graphs(org, data),
        ["batch"] => batch(org, data),
        ["tree", object] => tree::create(org, data, object),
        _ => Answer::not_found(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Composite {
    #[serde(default, deserialize_with = "null_is_absent")]
    all_or_none: bool,
    composite_request: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    method: String,
    url: String,
    reference_id: String,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default, deserialize_with = "null_is_absent")]
    http_headers: HashMap<String, String>,
}

fn composite(org: &Shared, data: &DataCall<'_>) -> Answer {
    let request: Composite = match body::parsed(data.call) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    if let Some(refused) = refused(&request) {
        return refused;
    }
    let (parts, _) = run(org, data, &request);
    Answer::ok(&json!({ "compositeResponse": parts }))
}

/// Makes the calls one after the other; what the answer says of each, and whether one failed.
fn run(org: &Shared, data: &DataCall<'_>, request: &Composite) -> (Vec<Value>, bool) {
    let log: Mutex<Vec<Undone>> = Mutex::default();
    let mut told: Vec<(String, Answer, Value)> = Vec::new();
    let mut failed = false;
    for part in &request.composite_request {
        let (answer, value) = if failed && request.all_or_none {
            halted(ROLLED_BACK)
        } else {
            one(org, data, part, &told, request.all_or_none.then_some(&log))
        };
        failed |= !answer.status.is_success();
        told.push((part.reference_id.clone(), answer, value));
    }
    if failed && request.all_or_none {
        let done = std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner));
        org.write(|store| store.take_back(done));
        for (_, answer, value) in &mut told {
            if answer.status.is_success() {
                (*answer, *value) = halted(ROLLED_BACK);
            }
        }
    }
    let parts = told.into_iter().map(|(name, answer, value)| entry(&name, &answer, value)).collect();
    (parts, failed)
}

#[derive(Deserialize)]
struct Graphs {
    graphs: Vec<Graph>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Graph {
    graph_id: String,
    composite_request: Vec<Part>,
}

/// `…/composite/graph`: each graph is done as a whole or not at all, whatever becomes of the others.
fn graphs(org: &Shared, data: &DataCall<'_>) -> Answer {
    let request: Graphs = match body::parsed(data.call) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    let bad = |message: String| Answer::data(StatusCode::BAD_REQUEST, "INVALID_INPUT", message);
    let nodes: usize = request.graphs.iter().map(|graph| graph.composite_request.len()).sum();
    if request.graphs.len() > MOST_GRAPHS || nodes > MOST_NODES {
        return bad(format!("A request has at most {MOST_GRAPHS} graphs and {MOST_NODES} nodes"));
    }
    if let Some(message) = request.graphs.iter().find_map(|graph| misnamed(&graph.composite_request)) {
        return bad(message);
    }
    let mut told = Vec::new();
    for graph in request.graphs {
        let parts = Composite { all_or_none: true, composite_request: graph.composite_request };
        let (parts, failed) = run(org, data, &parts);
        told.push(json!({
            "graphId": graph.graph_id,
            "graphResponse": { "compositeResponse": parts },
            "isSuccessful": !failed,
        }));
    }
    Answer::ok(&json!({ "graphs": told }))
}

fn entry(name: &str, answer: &Answer, body: Value) -> Value {
    let mut headers = Map::new();
    for (name, key) in [(LOCATION, "Location"), (ETAG, "ETag"), (LAST_MODIFIED, "Last-Modified")] {
        if let Some(value) = answer.headers.get(name).and_then(|value| value.to_str().ok()) {
            headers.insert(key.to_owned(), value.into());
        }
    }
    json!({
        "body": body,
        "httpHeaders": headers,
        "httpStatusCode": answer.status.as_u16(),
        "referenceId": name,
    })
}

/// What makes an org refuse the composite as a whole.
fn refused(request: &Composite) -> Option<Answer> {
    let bad = |message: String| Some(Answer::data(StatusCode::BAD_REQUEST, "INVALID_INPUT", message));
    let parts = &request.composite_request;
    if parts.is_empty() {
        return bad("At least one subrequest is required".to_owned());
    }
    if parts.len() > MOST_PARTS {
        return bad(format!("The request contains {} subrequests, the limit is {MOST_PARTS}", parts.len()));
    }
    let many = |part: &&Part| part.url.contains("/query") || part.url.contains("/composite/sobjects");
    if parts.iter().filter(many).count() > MOST_QUERIES {
        return bad(format!("At most {MOST_QUERIES} subrequests can be queries or collections"));
    }
    misnamed(parts).and_then(bad)
}

/// What is wrong with the names of parts.
fn misnamed(parts: &[Part]) -> Option<String> {
    parts.iter().enumerate().find_map(|(at, part)| {
        let name = &part.reference_id;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Some(format!(
                "Provided referenceId ('{name}') must only contain letters, digits, and underscores"
            ));
        }
        let twice = parts[..at].iter().any(|earlier| earlier.reference_id == *name);
        twice.then(|| format!("Duplicate referenceId: {name}"))
    })
}

fn one(
    org: &Shared,
    data: &DataCall<'_>,
    part: &Part,
    earlier: &[(String, Answer, Value)],
    undo: Option<&Mutex<Vec<Undone>>>,
) -> (Answer, Value) {
    let resolved = filled(&part.url, earlier)
        .and_then(|url| Ok((url, part.body.clone().map(|body| filled_in(body, earlier)).transpose()?)));
    let (url, body) = match resolved {
        Ok(resolved) => resolved,
        Err(message) => return halted(&message),
    };
    let url = if url.is_string() { url } else { url.to_string().into() };
    let text = url.as_str().unwrap_or_default();
    sent(org, data, &part.method, text, body, &part.http_headers, undo.or(data.undo))
}

/// Makes a call within another.
fn sent(
    org: &Shared,
    data: &DataCall<'_>,
    method: &str,
    url: &str,
    body: Option<Value>,
    more: &HashMap<String, String>,
    undo: Option<&Mutex<Vec<Undone>>>,
) -> (Answer, Value) {
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let path = path.trim_end_matches('/');
    let path = path.strip_prefix("/services/data/").unwrap_or(path.trim_start_matches('/'));
    let (version, rest) = path.split_once('/').unwrap_or((path, ""));
    let (Ok(method), Ok(version)) = (method.to_ascii_uppercase().parse::<Method>(), Version::parse(version))
    else {
        return shown(Answer::not_found());
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in more {
        if let (Ok(name), Ok(value)) =
            (http::HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            headers.insert(name, value);
        }
    }
    let call = Call {
        method,
        path: format!("/services/data/{version}/{rest}"),
        query: query.map(str::to_owned),
        headers,
        body: body.map(|body| Bytes::from(body.to_string())).unwrap_or_default(),
        base: data.call.base.clone(),
        number: data.call.number,
    };
    let within = DataCall { call: &call, version, session: data.session.clone(), undo };
    let parts = segments(rest);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    shown(match parts.as_slice() {
        parts if version < since(parts) => Answer::not_found(),
        ["composite", "sobjects", rest @ ..] => collections::route(org, &within, rest),
        parts => resource(org, &within, parts),
    })
}

/// The answer with its body as JSON.
fn shown(answer: Answer) -> (Answer, Value) {
    let body = answer.body.concat();
    let value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    (answer, value)
}

fn halted(message: &str) -> (Answer, Value) {
    shown(Answer::gateway(StatusCode::BAD_REQUEST, "PROCESSING_HALTED", message))
}

/// A body with values in the place of references.
fn filled_in(body: Value, earlier: &[(String, Answer, Value)]) -> Result<Value, String> {
    Ok(match body {
        Value::String(text) => filled(&text, earlier)?,
        Value::Array(list) => {
            list.into_iter().map(|one| filled_in(one, earlier)).collect::<Result<Vec<_>, _>>()?.into()
        }
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, one)| Ok((name, filled_in(one, earlier)?)));
            members.collect::<Result<Map<_, _>, String>>()?.into()
        }
        other => other,
    })
}

/// A text with values in the place of `@{name.path}`; a text that is nothing but one becomes the value itself.
fn filled(text: &str, earlier: &[(String, Answer, Value)]) -> Result<Value, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        let Some((reference, behind)) = after.split_once('}') else { break };
        let value = referred(reference, earlier)?;
        if before.is_empty() && behind.is_empty() && out.is_empty() {
            return Ok(value.clone());
        }
        out.push_str(before);
        match value {
            Value::String(value) => out.push_str(value),
            value => out.push_str(&value.to_string()),
        }
        rest = behind;
    }
    out.push_str(rest);
    Ok(out.into())
}

fn referred<'v>(reference: &str, earlier: &'v [(String, Answer, Value)]) -> Result<&'v Value, String> {
    let name = reference.split(['.', '[']).next().unwrap_or(reference);
    let missing = || format!("Invalid reference specified. No value for {reference} found in {name}");
    let (_, answer, value) = earlier.iter().find(|(known, ..)| known == name).ok_or_else(missing)?;
    if !answer.status.is_success() {
        return Err(missing());
    }
    let path = reference[name.len()..].replace(['.', '['], "/").replace(']', "");
    value.pointer(&path).filter(|value| !value.is_object() && !value.is_array()).ok_or_else(missing)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    #[serde(default, deserialize_with = "null_is_absent")]
    halt_on_error: bool,
    batch_requests: Vec<BatchPart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchPart {
    method: String,
    url: String,
    #[serde(default)]
    rich_input: Option<Value>,
}

fn batch(org: &Shared, data: &DataCall<'_>) -> Answer {
    let request: Batch = match body::parsed(data.call) {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    if request.batch_requests.len() > MOST_PARTS {
        let message = format!("Cannot have more than {MOST_PARTS} requests in a batch");
        return Answer::data(StatusCode::BAD_REQUEST, "INVALID_INPUT", message);
    }
    let mut failed = false;
    let mut results = Vec::new();
    for part in request.batch_requests {
        let (answer, value) = if failed && request.halt_on_error {
            let code = "BATCH_PROCESSING_HALTED";
            shown(Answer::gateway(
                StatusCode::PRECONDITION_FAILED,
                code,
                "Batch processing halted per request",
            ))
        } else {
            sent(org, data, &part.method, &part.url, part.rich_input, &HashMap::new(), data.undo)
        };
        failed |= !answer.status.is_success();
        results.push(json!({ "statusCode": answer.status.as_u16(), "result": value }));
    }
    Answer::ok(&json!({ "hasErrors": failed, "results": results }))
}
