//! Bulk API 2.0 ingest jobs: routes, and the work behind them.

mod create;
mod header;
mod job;
mod load;
mod lookup;
mod outcome;
mod reader;
mod row;

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use serde_json::Value;

use job::Step;
pub(crate) use job::{IngestJob, IngestJobs};
use load::{Load, LockFailures, Progress};

use crate::bulk::bad;
use crate::events;
use crate::id::RecordId;
use crate::limits::{BATCHES, INGEST_ROWS};
use crate::org::{Shared, State};
use crate::rest::body::members;
use crate::rest::{Answer, DataCall};

/// How often rows that are locked are tried before they count as failed; told only.
const TRIES: u32 = 30;
/// What a job fails with, and is refused with, when a day's batches are used up.
const BATCHES_USED: &str = "ApiBatchItems Limit exceeded.";
/// The longest that a call waits for work on rows that is due; more of it goes on behind it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a test may turn about ingest jobs.
#[derive(Clone, Debug)]
pub(crate) struct IngestKnobs {
    /// Whether rows of jobs that run at the same time lock their parents.
    pub(crate) row_locks: bool,
    /// With so many locked rows in all a job fails.
    pub(crate) lock_failure_limit: Option<u64>,
    /// Transactions that are committed yet after a running job was aborted.
    pub(crate) commits_after_abort: u32,
    /// Calls of each job's outcome files that are answered without the last rows yet.
    pub(crate) late_outcomes: u32,
    /// The most bytes of an upload, counted as base64.
    pub(crate) upload_limit: u64,
    /// The most bytes of uploads and outcome files that the emulator holds.
    pub(crate) memory: u64,
    /// Whether users have the permission to delete for good.
    pub(crate) hard_delete: bool,
}

impl Default for IngestKnobs {
    fn default() -> Self {
        Self {
            row_locks: false,
            lock_failure_limit: None,
            commits_after_abort: 0,
            late_outcomes: 0,
            upload_limit: 150_000_000,
            memory: 2 << 30,
            hard_delete: true,
        }
    }
}

/// Routes below `…/jobs/ingest`.
pub(crate) async fn route(org: &Arc<Shared>, data: &DataCall<'_>, parts: &[&str]) -> Answer {
    let method = &data.call.method;
    let get = matches!(*method, Method::GET | Method::HEAD);
    let (id, rest) = match parts {
        [] if get => return super::list::list(org, data),
        [] if *method == Method::POST => {
            return create::create(org, data).await.unwrap_or_else(|refused| refused);
        }
        [] => return Answer::not_allowed(method, "GET,HEAD,POST"),
        [id, rest @ ..] => (id, rest),
    };
    org.state().drop_old_jobs(org.clock.now_ms());
    let known = id.parse::<RecordId>().ok().filter(|id| org.state().ingest.get(*id).is_some());
    let Some(id) = known else { return Answer::not_found() };
    let answered = match rest {
        [] => match *method {
            Method::PATCH => change(org, data, id).await,
            Method::DELETE => delete(org, id),
            _ if get => info(org, id).await,
            _ => return Answer::not_allowed(method, "DELETE,GET,HEAD,PATCH"),
        },
        ["batches"] if *method == Method::PUT => upload(org, data, id),
        ["batches"] => return Answer::not_allowed(method, "PUT"),
        [name] => match Outcomes::named(name) {
            Some(outcomes) if get => outcome(org, data, id, outcomes),
            Some(_) => return Answer::not_allowed(method, "GET,HEAD"),
            None => return Answer::not_found(),
        },
        _ => return Answer::not_found(),
    };
    answered.unwrap_or_else(|refused| refused)
}

/// Takes the data of an open job, once.
fn upload(org: &Shared, data: &DataCall<'_>, id: RecordId) -> Result<Answer, Answer> {
    let content_type = data.call.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with("text/csv") {
        let message =
            format!("Content-Type header specified in HTTP request is not supported: {content_type}");
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Answer::gateway(status, "UNSUPPORTED_MEDIA_TYPE", message));
    }
    let body = data.call.body.clone();
    let length = body.len() as u64;
    let mut state = org.state();
    let limit = state.knobs.ingest.upload_limit;
    let job = state.ingest.get(id).ok_or_else(Answer::not_found)?;
    if !job.is_open() {
        let message = format!("Uploading to a Job in state {} not allowed", job.state());
        return Err(bad("INVALIDJOBSTATE", message));
    }
    if job.upload.is_some() {
        let message = format!(
            "Found multiple contents for job: <{}>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job.",
            id.as_str15()
        );
        return Err(bad("INVALIDJOB", message));
    }
    if length.div_ceil(3).saturating_mul(4) > limit {
        let message =
            format!("The data has {length} bytes, which as base64 is more than the {limit} that a job takes");
        return Err(bad("CLIENTINPUTERROR", message));
    }
    check_memory(&state, length)?;
    state.ingest.get_mut(id).ok_or_else(Answer::not_found)?.upload = Some(body);
    Ok(Answer::empty(StatusCode::CREATED))
}

/// 503 where so many more bytes of data are more than the emulator holds.
fn check_memory(state: &State, length: u64) -> Result<(), Answer> {
    let held: u64 = state.ingest.iter().map(|(_, job)| job.held_bytes()).sum();
    let most = state.knobs.ingest.memory;
    if held.saturating_add(length) <= most {
        return Ok(());
    }
    let message = format!(
        "The emulated org holds {held} bytes of uploads and outcome files already, and at most {most}: delete jobs"
    );
    Err(Answer::gateway(StatusCode::SERVICE_UNAVAILABLE, "SERVER_UNAVAILABLE", message))
}

/// `UploadComplete` or `Aborted`.
async fn change(org: &Arc<Shared>, data: &DataCall<'_>, id: RecordId) -> Result<Answer, Answer> {
    let body = members(data.call)?;
    let wanted = body.get("state").and_then(Value::as_str).unwrap_or("null");
    org.journal.amend(data.call.number, |entry| entry.detail = Some(wanted.to_owned()));
    match wanted {
        "UploadComplete" => {
            let upload = {
                let state = org.state();
                let job = state.ingest.get(id).ok_or_else(Answer::not_found)?;
                still_open(job, "Closing")?;
                job.upload.clone().unwrap_or_default()
            };
            shut(org, id, upload).await?;
        }
        "Aborted" => {
            let now = org.clock.now_ms();
            let mut state = org.state();
            let late = state.knobs.ingest.commits_after_abort;
            let job = state.ingest.get_mut(id).ok_or_else(Answer::not_found)?;
            if job.is_over() {
                return Err(ended(job, "Aborting"));
            }
            job.abort(late, now);
        }
        other => return Err(bad("INVALIDJOBSTATE", format!("A job cannot be set to state {other}"))),
    }
    let body = org.state().ingest.get(id).map(IngestJob::short);
    body.map(|body| Answer::ok(&Value::Object(body))).ok_or_else(Answer::not_found)
}

fn still_open(job: &IngestJob, verb: &str) -> Result<(), Answer> {
    if job.is_open() { Ok(()) } else { Err(ended(job, verb)) }
}

fn ended(job: &IngestJob, verb: &str) -> Answer {
    let was = if job.is_complete() { "Completed" } else { job.state() };
    bad("INVALIDJOBSTATE", format!("{verb} already {was} Job not allowed"))
}

/// Closes a job with its data.
async fn shut(org: &Arc<Shared>, id: RecordId, upload: Bytes) -> Result<(), Answer> {
    let order = {
        let state = org.state();
        let job = state.ingest.get(id).ok_or_else(Answer::not_found)?;
        job.order.clone()
    };
    let object = org.read(|store| store.catalog().get(&order.object).cloned());
    let object = object.ok_or_else(Answer::not_found)?;
    let shared = Arc::clone(org);
    let looked = tokio::task::spawn_blocking(move || {
        let locks = shared.state().knobs.ingest.row_locks;
        shared.read(|store| {
            let (load, failure) = Load::open(order, object, upload, store);
            // Nobody locks rows for a job that will not be worked on.
            let first = load.progress(store, locks && failure.is_none());
            (load, failure, first)
        })
    });
    let (load, failure, first) = looked.await.map_err(|failed| {
        Answer::gateway(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN_EXCEPTION", failed.to_string())
    })?;
    let now = org.clock.now_ms();
    {
        let mut state = org.state();
        let pace = state.knobs.job_pace;
        let job = state.ingest.get_mut(id).ok_or_else(Answer::not_found)?;
        // Another call may have closed or aborted it in the meantime.
        still_open(job, "Closing")?;
        let without_rows = failure.is_some() || load.rows() == 0;
        job.close(load, failure, first, pace, now);
        if without_rows {
            // A batch it is all the same.
            state.limits.spend(BATCHES, 1, now);
        }
    }
    Ok(())
}

/// Does all work on rows that time and polls have made due, the jobs in the order in which they were closed.
pub(crate) async fn tend(org: &Arc<Shared>) {
    let now = org.clock.now_ms();
    let mut due: Vec<(i64, RecordId)> = {
        let mut state = org.state();
        state.ingest.drop_old(now);
        let jobs = state.ingest.iter().filter(|(_, job)| job.step(now) != Step::Nothing);
        jobs.map(|(id, job)| (job.closed_at(), id)).collect()
    };
    if due.is_empty() {
        return;
    }
    due.sort_unstable();
    let shared = Arc::clone(org);
    let work = tokio::task::spawn_blocking(move || due.into_iter().for_each(|(_, id)| work_on(&shared, id)));
    // A call is answered in time even where millions of rows are due.
    let _ = tokio::time::timeout(PATIENCE, work).await;
}

/// Does what is due for one job, transaction after transaction.
fn work_on(org: &Shared, id: RecordId) {
    let load = org.state().ingest.get(id).and_then(IngestJob::load);
    let Some(load) = load else { return };
    let mut load = load.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let now = org.clock.now_ms();
        let (step, locked) = {
            let mut state = org.state();
            let late = state.knobs.ingest.late_outcomes;
            let locked = locked_by_others(&state.ingest, id);
            let Some(job) = state.ingest.get_mut(id) else { return };
            let step = job.step(now);
            if step == Step::Finish {
                job.finish(late, now);
            }
            (step, locked)
        };
        if step != Step::Commit {
            return;
        }
        if let Err(message) = begin_batch(org, &load, now) {
            if let Some(job) = org.state().ingest.get_mut(id) {
                job.stop(message, now);
            }
            return;
        }
        let IngestKnobs { row_locks, lock_failure_limit, .. } = org.state().knobs.ingest;
        let progress: Progress = if load.object().event {
            publish(org, &mut load);
            org.read(|store| load.progress(store, row_locks))
        } else {
            org.write(|store| {
                load.commit(store, &locked);
                load.progress(store, row_locks)
            })
        };
        let LockFailures { last, total } = progress.lock_failures;
        if let Some(job) = org.state().ingest.get_mut(id) {
            job.committed(progress);
            if last > 0 && lock_failure_limit.is_some_and(|most| total >= most) {
                let message = format!(
                    "TooManyLockFailure : Too many lock failure ({last}) trying {TRIES} times. Current total: {total}"
                );
                job.stop(message, now);
            }
        }
    }
}

/// Publishes the events of the next transaction.
fn publish(org: &Shared, load: &mut Load) {
    let object = Arc::clone(load.object());
    let checked = org.read(|store| load.events(store));
    let publish = |values: Vec<_>| events::publish_values(org, &object, &values);
    load.published(checked.into_iter().map(|values| values.and_then(publish)));
}

/// Counts the batch that begins with the next transaction, if one does; why it may not begin, if it may not.
fn begin_batch(org: &Shared, load: &Load, now: i64) -> Result<(), String> {
    let Some(rows) = load.next_batch() else { return Ok(()) };
    let taken = org.state().limits.take_all(&[(BATCHES, 1), (INGEST_ROWS, rows)], now);
    taken.map_err(|limit| {
        let words = if limit == BATCHES { BATCHES_USED.to_owned() } else { rows_used(org, now) };
        format!("ExceededQuota : {words}")
    })
}

fn rows_used(org: &Shared, now: i64) -> String {
    let (_, most) = org.state().limits.usage(INGEST_ROWS, now);
    format!("Max bulk v2 ingest records ({most}) per 24 hrs has been reached")
}

/// Rows that other running jobs, closed before this one, hold for their next transaction.
fn locked_by_others(jobs: &IngestJobs, id: RecordId) -> HashSet<RecordId> {
    let Some(own) = jobs.get(id) else { return HashSet::new() };
    let before = |other: RecordId, job: &IngestJob| (job.closed_at(), other) < (own.closed_at(), id);
    jobs.iter()
        .filter(|(other, job)| job.is_running() && before(*other, job))
        .flat_map(|(_, job)| job.in_flight().iter().copied())
        .collect()
}

async fn info(org: &Arc<Shared>, id: RecordId) -> Result<Answer, Answer> {
    if let Some(job) = org.state().ingest.get_mut(id) {
        job.poll();
    }
    tend(org).await;
    let body = org.state().ingest.get(id).map(IngestJob::info);
    body.map(|body| Answer::ok(&body)).ok_or_else(Answer::not_found)
}

fn delete(org: &Shared, id: RecordId) -> Result<Answer, Answer> {
    let mut state = org.state();
    let job = state.ingest.get(id).ok_or_else(Answer::not_found)?;
    if !job.is_over() && job.state() != "UploadComplete" {
        let message = "Error encountered when deleting the job because the job is not terminated";
        return Err(bad("API_ERROR", message));
    }
    state.ingest.remove(id);
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcomes {
    Successful,
    Failed,
    Unprocessed,
}

impl Outcomes {
    fn named(name: &str) -> Option<Self> {
        let known = [
            ("successfulResults", Self::Successful),
            ("failedResults", Self::Failed),
            ("unprocessedrecords", Self::Unprocessed),
        ];
        known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, outcomes)| outcomes)
    }
}

fn outcome(org: &Shared, data: &DataCall<'_>, id: RecordId, which: Outcomes) -> Result<Answer, Answer> {
    let (load, late) = {
        let mut state = org.state();
        let job = state.ingest.get_mut(id).ok_or_else(Answer::not_found)?;
        if job.order.version != data.version {
            return Err(super::other_version(job.order.version, data.version));
        }
        if !job.is_over() {
            let message = format!("Results are not available: the job is in state {}", job.state());
            return Err(bad("INVALIDJOBSTATE", message));
        }
        let late = job.late_outcomes > 0 && which != Outcomes::Unprocessed;
        job.late_outcomes -= u32::from(late);
        (job.load(), late)
    };
    let mut answer = Answer::empty(StatusCode::OK).with(CONTENT_TYPE, "text/csv");
    // A job that was aborted before it was closed has no rows at all.
    let Some(load) = load else { return Ok(answer) };
    let load = load.lock().unwrap_or_else(PoisonError::into_inner);
    answer.body = match which {
        Outcomes::Successful => load.successful(late),
        Outcomes::Failed => load.failed(late),
        Outcomes::Unprocessed => load.unprocessed(),
    };
    Ok(answer)
}
