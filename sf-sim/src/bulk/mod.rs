//! Bulk API 2.0: query jobs, and beside them ingest jobs and the list of both.

mod format;
mod ingest;
mod job;
mod list;
mod result;

use std::sync::Arc;

use http::{HeaderName, Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;

use format::{Delimiter, LineEnding};
pub(crate) use ingest::{IngestJob, IngestJobs, IngestKnobs, route as ingest_route, tend};
pub(crate) use job::Job;
use job::{Order, Poll, Written};
use result::JobResult;

use crate::id::RecordId;
use crate::limits::{QUERY_JOBS, QUERY_STORAGE_MB};
use crate::org::Shared;
use crate::rest::body::members;
use crate::rest::query::plan;
use crate::rest::{Answer, DataCall, Version};
use crate::soql::{Plan, Scope, SoqlError};

/// Rows of a page where the client does not say how many it wants.
const USUAL_PAGE: u64 = 250_000;
/// Pages that `resultPages` names at once.
const PAGES: u64 = 5;

/// Routes below `…/jobs/query`.
pub(crate) async fn route(org: &Arc<Shared>, data: &DataCall<'_>, parts: &[&str]) -> Answer {
    let method = &data.call.method;
    let get = matches!(*method, Method::GET | Method::HEAD);
    match parts {
        [] => match *method {
            Method::POST => create(org, data).await.unwrap_or_else(|refused| refused),
            _ if get => list::list(org, data),
            _ => Answer::not_allowed(method, "GET,HEAD,POST"),
        },
        [id, rest @ ..] => {
            let now = org.clock.now_ms();
            org.state().drop_old_jobs(now);
            let known = id.parse::<RecordId>().ok().filter(|id| org.state().jobs.contains_key(id));
            let Some(id) = known else { return Answer::not_found() };
            let answered = match rest {
                [] => match *method {
                    Method::PATCH => abort(org, data, id),
                    Method::DELETE => delete(org, id),
                    _ if get => info(org, id).await,
                    _ => return Answer::not_allowed(method, "DELETE,GET,HEAD,PATCH"),
                },
                ["results"] if get => results(org, data, id).await,
                [pages] if pages.eq_ignore_ascii_case("resultPages") && get => {
                    result_pages(org, data, id).await
                }
                [name] if name.eq_ignore_ascii_case("results") => {
                    return Answer::not_allowed(method, "GET,HEAD");
                }
                _ => return Answer::not_found(),
            };
            answered.unwrap_or_else(|refused| refused)
        }
    }
}

fn bad(code: &str, message: impl Into<String>) -> Answer {
    Answer::gateway(StatusCode::BAD_REQUEST, code, message)
}

/// That such a call is refused with 409 is documented, not in which words.
fn other_version(job: Version, request: Version) -> Answer {
    let message = format!("The API version of the job ({job}) is not that of the request ({request})");
    Answer::gateway(StatusCode::CONFLICT, "CONFLICT", message)
}

/// What a create request asks for.
struct Wanted {
    all: bool,
    soql: String,
    delimiter: Delimiter,
    line_ending: LineEnding,
}

impl Wanted {
    fn of(data: &DataCall<'_>) -> Result<Self, Answer> {
        let body = members(data.call)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let all = match text("operation") {
            Some("query") => false,
            Some("queryAll") => true,
            other => return Err(no_such_value(&other.into(), "operation")),
        };
        if let Some(other) = text("contentType").filter(|kind| *kind != "CSV") {
            return Err(no_such_value(&other.into(), "contentType"));
        }
        let soql = text("query").filter(|soql| !soql.trim().is_empty());
        let soql = soql.ok_or_else(|| bad("INVALIDJOB", "A query is required"))?.to_owned();
        Ok(Self {
            all,
            soql,
            delimiter: choice(body.get("columnDelimiter"), "columnDelimiter")?,
            line_ending: choice(body.get("lineEnding"), "lineEnding")?,
        })
    }
}

/// A member of a create request whose value is none of those that it may have.
fn no_such_value(value: &Value, name: &str) -> Answer {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    bad("API_ERROR", format!("Invalid value: '{value}' supplied for property: '{name}'"))
}

fn choice<T: Default + serde::de::DeserializeOwned>(value: Option<&Value>, name: &str) -> Result<T, Answer> {
    value.filter(|value| !value.is_null()).map_or_else(
        || Ok(T::default()),
        |value| serde_json::from_value(value.clone()).map_err(|_| no_such_value(value, name)),
    )
}

async fn create(org: &Arc<Shared>, data: &DataCall<'_>) -> Result<Answer, Answer> {
    let wanted = Wanted::of(data)?;
    org.journal.amend(data.call.number, |entry| entry.detail = Some(wanted.soql.clone()));
    let plan = plan(org, &wanted.soql).map_err(|error| refused(&error))?;
    if let Some(error) = plan.bulk_refusal() {
        return Err(refused(&error));
    }
    let now = org.clock.now_ms();
    use_up_limits(org, now)?;

    let written = watch::Sender::new(None);
    let scope = Scope { include_deleted: wanted.all, now_ms: now, user: Some(data.session.user) };
    let format = ((wanted.delimiter, wanted.line_ending), data.version);
    let (id, body) = register(org, data, &plan, &wanted, written.subscribe());
    run(Arc::clone(org), plan, scope, format, written).await;
    let mut answer = Answer::ok(&body);
    answer.job = Some(id);
    Ok(answer)
}

/// Takes a job into the org's list; its id, and what its creation answers.
fn register(
    org: &Shared,
    data: &DataCall<'_>,
    plan: &Plan,
    wanted: &Wanted,
    written: Written,
) -> (RecordId, Value) {
    let mut state = org.state();
    let order = Order {
        id: state.next_job_id(),
        all: wanted.all,
        object: plan.object().name.clone(),
        version: data.version,
        delimiter: wanted.delimiter,
        line_ending: wanted.line_ending,
        created_by: data.session.user,
        created_ms: org.clock.stamp_ms(),
    };
    let id = order.id;
    let job = Job::new(order, state.knobs.job_pace, written);
    let body = job.created();
    state.jobs.insert(id, job);
    (id, body)
}

fn refused(error: &SoqlError) -> Answer {
    let code = if error.code == "INVALID_TYPE_FOR_OPERATION" { "INVALIDENTITY" } else { error.code };
    bad(code, error.message.clone())
}

fn use_up_limits(org: &Shared, now: i64) -> Result<(), Answer> {
    let mut state = org.state();
    let (stored, most) = state.limits.usage(QUERY_STORAGE_MB, now);
    if stored >= most {
        let kilobytes = most.saturating_mul(1024);
        let message =
            format!("Max bulk v2 query result size stored ({kilobytes}) kb per 24 hrs has been exceeded");
        return Err(bad("LIMIT_EXCEEDED", message));
    }
    if !state.limits.take(QUERY_JOBS, 1, now) {
        let (_, most) = state.limits.usage(QUERY_JOBS, now);
        let message = format!("Max bulk v2 query jobs ({most}) per 24 hrs has been reached");
        return Err(bad("LIMIT_EXCEEDED", message));
    }
    Ok(())
}

/// Finds the rows of a job, which are those of this moment, and goes on writing them after it returns.
async fn run(
    org: Arc<Shared>,
    plan: Plan,
    scope: Scope,
    (format, version): ((Delimiter, LineEnding), Version),
    written: watch::Sender<Option<Arc<JobResult>>>,
) {
    let (found, rows_found) = tokio::sync::oneshot::channel();
    // Nobody waits for the task: its result arrives through `written`, whose end is noticed if it fails.
    drop(tokio::task::spawn_blocking(move || {
        let rows: Vec<_> = org.read(|store| plan.run(store, scope).cloned().collect());
        // Who created the job may be gone; it is written all the same.
        let _ = found.send(());
        let result = result::write(&org, &plan, scope, &rows, format, version);
        let megabytes = result.rows.bytes().div_ceil(1 << 20);
        let now = org.clock.now_ms();
        org.state().limits.spend(QUERY_STORAGE_MB, megabytes, now);
        written.send_replace(Some(Arc::new(result)));
    }));
    let _ = rows_found.await;
}

/// Moves a job on; waits for its result where that is all that is missing.
async fn settle(org: &Shared, id: RecordId, is_poll: bool) -> Result<(), Answer> {
    let now = org.clock.now_ms();
    let moved = org.state().jobs.get_mut(&id).map(|job| job.advance(now, is_poll));
    if let Poll::Due(mut written) = moved.ok_or_else(Answer::not_found)? {
        let result = written.wait_for(Option::is_some).await.ok().and_then(|result| result.clone());
        let now = org.clock.now_ms();
        let mut state = org.state();
        let job = state.jobs.get_mut(&id).ok_or_else(Answer::not_found)?;
        match result {
            Some(result) => job.complete(result, now),
            None => {
                job.fail("InternalServerError : Retried more than 15 times".to_owned(), now);
            }
        }
    }
    Ok(())
}

async fn info(org: &Shared, id: RecordId) -> Result<Answer, Answer> {
    settle(org, id, true).await?;
    let body = org.state().jobs.get(&id).map(Job::info);
    body.map(|body| Answer::ok(&body)).ok_or_else(Answer::not_found)
}

fn abort(org: &Shared, data: &DataCall<'_>, id: RecordId) -> Result<Answer, Answer> {
    let body = members(data.call)?;
    if body.get("state").and_then(Value::as_str) != Some("Aborted") {
        return Err(bad("INVALIDJOBSTATE", "The state of a query job can be set to Aborted only"));
    }
    let now = org.clock.now_ms();
    let mut state = org.state();
    let job = state.jobs.get_mut(&id).ok_or_else(Answer::not_found)?;
    if job.is_over() {
        let was = if job.result().is_some() { "Completed" } else { job.state() };
        return Err(bad("INVALIDJOBSTATE", format!("Aborting already {was} Job not allowed")));
    }
    job.abort(now);
    Ok(Answer::ok(&Value::Object(job.short())))
}

fn delete(org: &Shared, id: RecordId) -> Result<Answer, Answer> {
    let mut state = org.state();
    if !state.jobs.get(&id).is_some_and(Job::is_over) {
        let message = "Error encountered when deleting the job because the job is not terminated";
        return Err(bad("API_ERROR", message));
    }
    state.jobs.remove(&id);
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// The result of a job that is complete, for a call of the job's own version.
async fn finished(org: &Shared, data: &DataCall<'_>, id: RecordId) -> Result<Arc<JobResult>, Answer> {
    settle(org, id, false).await?;
    let state = org.state();
    let job = state.jobs.get(&id).ok_or_else(Answer::not_found)?;
    if job.order.version != data.version {
        return Err(other_version(job.order.version, data.version));
    }
    job.result().ok_or_else(|| {
        bad("INVALIDJOBSTATE", format!("Results are not available: the job is in state {}", job.state()))
    })
}

/// The first row that a call asks for.
fn first_row(data: &DataCall<'_>, result: &JobResult) -> Result<u64, Answer> {
    let Some(locator) = data.call.parameter("locator").filter(|locator| !locator.is_empty()) else {
        return Ok(0);
    };
    let inside = |row: &u64| *row < result.rows.rows() || *row == 0;
    let bad_locator = || bad("INVALID_QUERY_LOCATOR", "invalid query locator");
    result::place(&locator).filter(inside).ok_or_else(bad_locator)
}

async fn results(org: &Shared, data: &DataCall<'_>, id: RecordId) -> Result<Answer, Answer> {
    let result = finished(org, data, id).await?;
    let from = first_row(data, &result)?;
    let wanted = match data.call.parameter("maxRecords") {
        None => USUAL_PAGE,
        Some(text) => {
            let number = text.parse::<u64>().ok().filter(|n| *n > 0);
            number.ok_or_else(|| bad("API_ERROR", format!("Invalid value for maxRecords: {text}")))?
        }
    };
    let cap = org.state().knobs.page_cap.unwrap_or(u64::MAX);
    let to = from.saturating_add(wanted.min(cap)).min(result.rows.rows());
    let next = if to < result.rows.rows() { result::locator(to) } else { "null".to_owned() };
    let mut answer = Answer::new(StatusCode::OK, "text/csv", result.header.clone())
        .with(HeaderName::from_static("sforce-locator"), next)
        .with(HeaderName::from_static("sforce-numberofrecords"), (to - from).to_string());
    answer.body.extend(result.rows.slice(from, to));
    Ok(answer)
}

async fn result_pages(org: &Shared, data: &DataCall<'_>, id: RecordId) -> Result<Answer, Answer> {
    let result = finished(org, data, id).await?;
    let from = first_row(data, &result)?;
    let size = org.state().knobs.page_cap.unwrap_or(USUAL_PAGE).min(USUAL_PAGE);
    let base = format!("/services/data/{}/jobs/query/{id}", data.version);
    let rows = result.rows.rows();
    let starts = (0..PAGES).map(|n| from + n * size).take_while(|start| *start < rows || *start == from);
    let pages: Vec<Value> = starts
        .map(|start| json!({ "resultUrl": format!("{base}/results?locator={}", result::locator(start)) }))
        .collect();
    let next = from + PAGES * size;
    let done = next >= rows;
    let next = (!done).then(|| format!("{base}/resultPages?locator={}", result::locator(next)));
    Ok(Answer::ok(&json!({ "resultPages": pages, "nextRecordsUrl": next, "done": done })))
}
