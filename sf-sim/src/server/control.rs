//! `/__sim/…`: what a test may do to an org in another process. Not journaled, no faults, no login.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fault::{FaultId, Reply, Route, When};
use crate::org::{JobPace, Shared, Sim};
use crate::rest::{Answer, Call};
use crate::value::parse_datetime;

/// The longest that a call waits for something to happen, unless it says less.
const WAIT: Duration = Duration::from_secs(600);

pub(super) async fn route(org: &Arc<Shared>, call: &Call, rest: &str) -> Answer {
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    let answered = match (call.method.as_str(), parts.as_slice()) {
        ("GET", []) => Ok(about(org)),
        ("GET", ["faults"]) => Ok(faults(org)),
        ("POST", ["faults"]) => add_faults(org, call),
        ("DELETE", ["faults"]) => {
            org.faults.clear();
            Ok(done())
        }
        (_, ["faults", id, rest @ ..]) => fault(org, call, id, rest).await,
        ("POST", ["hooks"]) => set_hook(org, call),
        ("GET", ["hooks", id, "arrived"]) => match id.parse() {
            Ok(id) => Ok(within(call, org.hooks.arrived(id)).await),
            Err(_) => Ok(missing()),
        },
        ("POST", ["hooks", id, "release"]) => Ok(found(id.parse().is_ok_and(|id| org.hooks.release(id)))),
        ("GET", ["journal"]) => {
            let since = call.parameter("since").and_then(|since| since.parse().ok()).unwrap_or(0);
            Ok(Answer::ok(&json!({ "requests": org.journal.since(since), "counts": org.journal.counts() })))
        }
        ("DELETE", ["journal"]) => {
            org.journal.clear();
            Ok(done())
        }
        ("GET", ["events"]) => Ok(Answer::ok(&json!(org.state().events))),
        ("GET", ["clock"]) => Ok(clock(org)),
        ("POST", ["clock"]) => set_clock(org, call),
        ("POST", ["knobs"]) => knobs(org, call),
        ("POST", ["expire"]) => {
            org.state().end_session(None);
            Ok(done())
        }
        ("POST", ["expire_cursors"]) => {
            org.state().drop_cursors();
            Ok(done())
        }
        ("POST", ["undelete"]) => undelete(org, call),
        ("POST", ["accounts"]) => match org.add_accounts(&call.text()) {
            Ok(()) => Ok(done()),
            Err(error) => {
                Err(std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string))
            }
        },
        ("POST", ["move"]) => relocate(org, call),
        _ => Ok(missing()),
    };
    answered.unwrap_or_else(|error| Answer::json(StatusCode::BAD_REQUEST, &json!({ "error": error })))
}

fn done() -> Answer {
    Answer::ok(&json!({ "done": true }))
}

fn missing() -> Answer {
    Answer::json(StatusCode::NOT_FOUND, &json!({ "error": "there is no such thing to control" }))
}

fn found(found: bool) -> Answer {
    if found { done() } else { missing() }
}

fn read<T: serde::de::DeserializeOwned>(call: &Call) -> Result<T, String> {
    serde_json::from_slice(&call.body).map_err(|error| error.to_string())
}

/// Waits for something, as long as `timeout_ms` says; 408 when it did not happen.
async fn within(call: &Call, happens: impl Future<Output = bool>) -> Answer {
    let asked = call.parameter("timeout_ms").and_then(|ms| ms.parse().ok()).map(Duration::from_millis);
    match tokio::time::timeout(asked.unwrap_or(WAIT).min(WAIT), happens).await {
        Ok(happened) => found(happened),
        Err(_) => Answer::json(StatusCode::REQUEST_TIMEOUT, &json!({ "done": false })),
    }
}

fn about(org: &Shared) -> Answer {
    let (org_id, user) = org.identity();
    let rows: serde_json::Map<String, Value> =
        org.row_counts().into_iter().map(|(object, rows)| (object, rows.into())).collect();
    Answer::ok(&json!({
        "org_id": org_id.to_string(),
        "user_id": user.to_string(),
        "username": org.username.as_ref(),
        "now": org.clock.now_ms(),
        "rows": rows,
    }))
}

fn faults(org: &Shared) -> Answer {
    let list: Vec<Value> = org
        .faults
        .list()
        .into_iter()
        .map(|(id, fault, fired)| json!({ "id": id.0, "on": fault.route().to_string(), "fired": fired }))
        .collect();
    Answer::ok(&Value::Array(list))
}

fn add_faults(org: &Shared, call: &Call) -> Result<Answer, String> {
    let ids = org.faults.add_json(&call.text()).map_err(|error| error.to_string())?;
    let ids: Vec<u64> = ids.into_iter().map(|id| id.0).collect();
    Ok(Answer::ok(&json!({ "ids": ids })))
}

async fn fault(org: &Shared, call: &Call, id: &str, rest: &[&str]) -> Result<Answer, String> {
    let Ok(id) = id.parse().map(FaultId) else { return Ok(missing()) };
    Ok(match (call.method.as_str(), rest) {
        ("DELETE", []) => found(org.faults.remove(id)),
        ("POST", ["release"]) => found(org.faults.release(id)),
        ("GET", ["fired"]) => {
            let times = call.parameter("times").and_then(|times| times.parse().ok()).unwrap_or(1);
            within(call, org.faults.fired(id, times)).await
        }
        _ => missing(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HookText {
    on: Route,
    containing: Option<String>,
    nth: Option<u64>,
    #[serde(default)]
    before: bool,
}

fn set_hook(org: &Shared, call: &Call) -> Result<Answer, String> {
    let HookText { on, containing, nth, before } = read(call)?;
    let when = if before { When::Before } else { When::After };
    let number = org.hooks.set(on, containing, nth.unwrap_or(1), when).detach();
    Ok(Answer::ok(&json!({ "id": number })))
}

fn clock(org: &Shared) -> Answer {
    Answer::ok(&json!({ "now": org.clock.now_ms() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockText {
    /// A datetime, as the APIs take it.
    set: Option<String>,
    advance_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deleted {
    object: String,
    id: String,
}

fn undelete(org: &Arc<Shared>, call: &Call) -> Result<Answer, String> {
    let Deleted { object, id } = read(call)?;
    let id = id.parse().map_err(|_| format!("{id} is no record id"))?;
    let sim = Sim { shared: Arc::clone(org) };
    sim.undelete(&object, id).map(|()| done()).map_err(|error| error.to_string())
}

fn set_clock(org: &Shared, call: &Call) -> Result<Answer, String> {
    let ClockText { set, advance_ms } = read(call)?;
    if let Some(text) = set {
        let ms = parse_datetime(&text).ok_or_else(|| format!("{text:?} is not a datetime"))?;
        org.clock.set(ms);
    }
    if let Some(ms) = advance_ms {
        org.clock.advance(Duration::from_millis(ms));
    }
    Ok(clock(org))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KnobsText {
    date_skew_ms: Option<i64>,
    visibility_delay_ms: Option<u64>,
    /// 0: none.
    page_cap: Option<u64>,
    job_polls: Option<u32>,
    job_ms: Option<u64>,
    row_locks: Option<bool>,
    /// 0: none.
    lock_failure_limit: Option<u64>,
    commits_after_abort: Option<u32>,
    late_outcomes: Option<u32>,
    upload_limit: Option<u64>,
    ingest_memory: Option<u64>,
    hard_delete: Option<bool>,
    session_ms: Option<u64>,
    gzip: Option<bool>,
    my_domain: Option<bool>,
    org_active: Option<bool>,
    #[serde(default)]
    limits: BTreeMap<String, u64>,
    #[serde(default)]
    limits_used: BTreeMap<String, u64>,
}

fn knobs(org: &Arc<Shared>, call: &Call) -> Result<Answer, String> {
    let knobs: KnobsText = read(call)?;
    let sim = Sim { shared: Arc::clone(org) };
    if let Some(ms) = knobs.date_skew_ms {
        sim.set_date_skew_ms(ms);
    }
    if let Some(ms) = knobs.visibility_delay_ms {
        sim.set_visibility_delay(Duration::from_millis(ms));
    }
    if let Some(rows) = knobs.page_cap {
        sim.set_page_cap((rows > 0).then_some(rows));
    }
    if let Some(polls) = knobs.job_polls {
        sim.set_job_pace(JobPace::Polls(polls));
    }
    if let Some(ms) = knobs.job_ms {
        sim.set_job_pace(JobPace::After(Duration::from_millis(ms)));
    }
    ingest_knobs(&sim, &knobs);
    if let Some(ms) = knobs.session_ms {
        sim.set_session_life(Duration::from_millis(ms));
    }
    if let Some(gzip) = knobs.gzip {
        sim.set_gzip(gzip);
    }
    if let Some(my_domain) = knobs.my_domain {
        sim.set_my_domain(my_domain);
    }
    if let Some(active) = knobs.org_active {
        sim.set_org_active(active);
    }
    for (name, max) in knobs.limits {
        sim.set_limit(&name, max);
    }
    for (name, used) in knobs.limits_used {
        sim.set_limit_used(&name, used);
    }
    Ok(done())
}

fn ingest_knobs(sim: &Sim, knobs: &KnobsText) {
    if let Some(locks) = knobs.row_locks {
        sim.set_row_locks(locks);
    }
    if let Some(rows) = knobs.lock_failure_limit {
        sim.set_lock_failure_limit((rows > 0).then_some(rows));
    }
    if let Some(transactions) = knobs.commits_after_abort {
        sim.set_commits_after_abort(transactions);
    }
    if let Some(calls) = knobs.late_outcomes {
        sim.set_late_outcomes(calls);
    }
    if let Some(bytes) = knobs.upload_limit {
        sim.set_upload_limit(bytes);
    }
    if let Some(bytes) = knobs.ingest_memory {
        sim.set_ingest_memory(bytes);
    }
    if let Some(allowed) = knobs.hard_delete {
        sim.set_hard_delete(allowed);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoveText {
    to: String,
}

fn relocate(org: &Arc<Shared>, call: &Call) -> Result<Answer, String> {
    let MoveText { to } = read(call)?;
    let sim = Sim { shared: Arc::clone(org) };
    sim.move_to(&to, Reply::error(401, "INVALID_SESSION_ID", "Session expired or invalid"));
    Ok(done())
}
