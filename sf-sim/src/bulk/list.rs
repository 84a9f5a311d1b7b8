//! `GET …/jobs/ingest` and `…/jobs/query`: both list the jobs of both kinds.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Job, bad};
use crate::id::RecordId;
use crate::org::Shared;
use crate::rest::{Answer, DataCall};

/// Jobs of one page.
const PAGE: usize = 1_000;

/// Jobs in the order of their creation, a page at a time.
pub(super) fn list(org: &Shared, data: &DataCall<'_>) -> Answer {
    let filter = |name: &str| data.call.parameter(name).filter(|value| !value.is_empty());
    let after = match filter("queryLocator").map(|locator| place(&locator)) {
        Some(None) => return bad("INVALID_QUERY_LOCATOR", "invalid query locator"),
        Some(Some((id, seen))) => Some((id, seen)),
        None => None,
    };
    let seen = after.map_or(0, |(_, seen)| seen);
    let kind = filter("jobType");
    let wanted = |job: &str| kind.as_ref().is_none_or(|kind| kind == job);
    // All jobs run in parallel, and PK chunking is a setting of jobs of the older API.
    let none = filter("isPkChunkingEnabled").is_some_and(|on| on.eq_ignore_ascii_case("true"))
        || filter("concurrencyMode").is_some_and(|mode| !mode.eq_ignore_ascii_case("Parallel"));

    let now = org.clock.now_ms();
    let mut state = org.state();
    state.drop_old_jobs(now);
    let queries = state.jobs.iter().filter(|_| wanted("V2Query")).map(|(id, job)| (*id, listed(job)));
    let ingests = state.ingest.iter().filter(|_| wanted("V2Ingest")).map(|(id, job)| (id, job.listed()));
    let mut jobs: Vec<(RecordId, Value)> =
        queries.chain(ingests).filter(|(id, _)| !none && after.is_none_or(|(last, _)| *id > last)).collect();
    drop(state);
    jobs.sort_by_key(|(id, _)| *id);
    let done = jobs.len() <= PAGE;
    jobs.truncate(PAGE);
    let next = jobs.last().filter(|_| !done).map(|(last, _)| {
        // Both lists are gone on with in the same place, as documented.
        format!("/services/data/{}/jobs/ingest?queryLocator={}", data.version, locator(*last, seen + PAGE))
    });
    let records: Vec<Value> = jobs.into_iter().map(|(_, job)| job).collect();
    Answer::json(StatusCode::OK, &json!({ "done": done, "records": records, "nextRecordsUrl": next }))
}

fn listed(job: &Job) -> Value {
    let mut body = job.short();
    body.insert("jobType".to_owned(), "V2Query".into());
    job.format(&mut body);
    Value::Object(body)
}

/// `01gR0000000opRTIAY-2000`: opaque to clients; here the last job told, under the prefix of a locator, and how many were.
fn locator(last: RecordId, seen: usize) -> String {
    format!("01g{}-{seen}", last.as_str15().get(3..).unwrap_or_default())
}

fn place(locator: &str) -> Option<(RecordId, usize)> {
    let (id, seen) = locator.strip_prefix("01g")?.split_once('-')?;
    Some((format!("750{id}").parse().ok()?, seen.parse().ok()?))
}
