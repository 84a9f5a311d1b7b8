//! An ingest job: what it is, how far it is, and how it tells of itself.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::load::{Load, Progress};
use crate::bulk::format::{Delimiter, LineEnding};
use crate::fault::Signals;
use crate::id::RecordId;
use crate::org::JobPace;
use crate::rest::Version;
use crate::value::Value as Stored;

const DAY_MS: i64 = 24 * 3_600_000;
/// How long a job and its outcome are kept once it has ended.
const KEPT_MS: i64 = 7 * DAY_MS;

/// What a job does with its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Insert,
    Update,
    Upsert,
    Delete,
    HardDelete,
}

impl Operation {
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Insert, Self::Update, Self::Upsert, Self::Delete, Self::HardDelete]
            .into_iter()
            .find(|operation| operation.as_str() == name)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
            Self::HardDelete => "hardDelete",
        }
    }

    pub(super) fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::HardDelete)
    }
}

/// What a job is, from its creation on.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) id: RecordId,
    pub(super) operation: Operation,
    pub(super) object: String,
    /// Of an upsert.
    pub(super) external: Option<String>,
    pub(super) assignment_rule: Option<RecordId>,
    pub(super) version: Version,
    pub(super) delimiter: Delimiter,
    pub(super) line_ending: LineEnding,
    pub(super) created_by: RecordId,
    pub(super) created_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    UploadComplete,
    InProgress,
    Complete,
    Failed(String),
    Aborted,
}

/// An ingest job.
#[derive(Debug)]
pub(crate) struct IngestJob {
    pub(super) order: Order,
    stage: Stage,
    changed_ms: i64,
    closed_ms: i64,
    /// As it was sent, until the job is closed.
    pub(super) upload: Option<Bytes>,
    /// The work on the rows, once the job is closed. Never locked while the org's state is.
    load: Option<Arc<Mutex<Load>>>,
    /// Why the job will fail as soon as it is worked on.
    doomed: Option<String>,
    /// Transactions in all, and committed ones.
    total: u64,
    done: u64,
    progress: Progress,
    polls_wanted: u32,
    polls_seen: u32,
    delay_ms: i64,
    held: Option<Arc<Signals>>,
    /// Transactions that are committed yet although the job was aborted: one after each further poll, and those due now.
    late_commits: u32,
    late_due: u32,
    /// Times that outcome files come without their last rows yet.
    pub(super) late_outcomes: u32,
}

/// What is to be done for a job next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Nothing,
    /// The next transaction.
    Commit,
    /// All is done.
    Finish,
}

impl IngestJob {
    pub(super) fn new(order: Order) -> Self {
        Self {
            stage: Stage::Open,
            changed_ms: order.created_ms,
            closed_ms: order.created_ms,
            upload: None,
            load: None,
            doomed: None,
            total: 0,
            done: 0,
            progress: Progress::default(),
            polls_wanted: 0,
            polls_seen: 0,
            delay_ms: 0,
            held: None,
            late_commits: 0,
            late_due: 0,
            late_outcomes: 0,
            order,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Closed, and not at its end.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.stage, Stage::UploadComplete | Stage::InProgress)
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Complete | Stage::Failed(_) | Stage::Aborted)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.stage == Stage::Complete
    }

    pub(super) fn closed_at(&self) -> i64 {
        self.closed_ms
    }

    pub(super) fn load(&self) -> Option<Arc<Mutex<Load>>> {
        self.load.clone()
    }

    /// Rows that the next transaction of a running job holds locked.
    pub(super) fn in_flight(&self) -> &HashSet<RecordId> {
        &self.progress.in_flight
    }

    /// Bytes that the org holds for the job.
    pub(super) fn held_bytes(&self) -> u64 {
        self.upload.as_ref().map_or(self.progress.held, |upload| upload.len() as u64)
    }

    /// The upload is complete; what it holds was looked through already.
    pub(super) fn close(
        &mut self,
        load: Load,
        failure: Option<String>,
        first: Progress,
        pace: JobPace,
        now: i64,
    ) {
        let (polls, delay) = match pace {
            JobPace::AtOnce => (0, Duration::ZERO),
            JobPace::Polls(polls) => (polls, Duration::ZERO),
            JobPace::After(delay) => (0, delay),
        };
        self.polls_wanted = self.polls_wanted.saturating_add(polls);
        self.delay_ms = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        self.doomed = self.doomed.take().or(failure);
        self.total = if self.doomed.is_some() { 0 } else { load.transactions() };
        self.progress = first;
        self.load = Some(Arc::new(Mutex::new(load)));
        self.upload = None;
        self.closed_ms = now;
        self.end(Stage::UploadComplete, now);
    }

    pub(super) fn abort(&mut self, late_commits: u32, now: i64) {
        self.late_commits = if self.is_running() { late_commits } else { 0 };
        self.end(Stage::Aborted, now);
    }

    /// Aborts a job that is not over yet; whether it was one.
    pub(crate) fn end_aborted(&mut self, late_commits: u32, now: i64) -> bool {
        let runs = !self.is_over();
        if runs {
            self.abort(late_commits, now);
        }
        runs
    }

    /// Fails a job that is not over yet with all rows unprocessed that are not committed yet, one that is not closed once
    /// it is; whether it was one.
    pub(crate) fn fail(&mut self, message: String, now: i64) -> bool {
        let runs = !self.is_over();
        if self.is_open() {
            self.doomed = Some(message);
        } else if runs {
            self.end(Stage::Failed(message), now);
        }
        runs
    }

    /// Keeps the job running for so many more polls, or until it is let go.
    pub(crate) fn slow_down(&mut self, polls: Option<u32>, signals: Arc<Signals>) {
        match polls {
            Some(polls) => self.polls_wanted = self.polls_wanted.saturating_add(polls),
            None => self.held = Some(signals),
        }
    }

    fn end(&mut self, stage: Stage, now: i64) {
        self.stage = stage;
        self.changed_ms = now;
    }

    fn is_held(&self) -> bool {
        self.held.as_ref().is_some_and(|signals| !signals.is_released())
    }

    /// Somebody asked for the job's state.
    pub(super) fn poll(&mut self) {
        if self.is_running() {
            self.stage = Stage::InProgress;
            self.polls_seen = self.polls_seen.saturating_add(u32::from(!self.is_held()));
        } else if self.stage == Stage::Aborted && self.late_commits > 0 {
            self.late_commits -= 1;
            self.late_due += 1;
        }
    }

    /// Transactions that may be committed by now.
    fn target(&self, now: i64) -> u64 {
        if self.is_held() {
            return self.done;
        }
        let part = |n: u64, of: u64| {
            let n = u128::from(self.total) * u128::from(n) / u128::from(of.max(1));
            u64::try_from(n).unwrap_or(u64::MAX).min(self.total)
        };
        let (seen, wanted) = (u64::from(self.polls_seen), u64::from(self.polls_wanted));
        let by_polls = if wanted == 0 { self.total } else { part(seen, wanted + 1) };
        let elapsed = u64::try_from(now - self.closed_ms).unwrap_or_default();
        let delay = u64::try_from(self.delay_ms).unwrap_or_default();
        let by_time = if delay == 0 { self.total } else { part(elapsed, delay) };
        by_polls.min(by_time)
    }

    /// Whether polls and time allow the job to end.
    fn is_due(&self, now: i64) -> bool {
        let polled = self.polls_wanted == 0 || self.polls_seen > self.polls_wanted;
        polled && !self.is_held() && now.saturating_sub(self.closed_ms) >= self.delay_ms
    }

    pub(super) fn step(&self, now: i64) -> Step {
        match self.stage {
            Stage::Aborted if self.late_due > 0 && self.done < self.total => Step::Commit,
            Stage::UploadComplete | Stage::InProgress if self.done < self.target(now) => Step::Commit,
            Stage::UploadComplete | Stage::InProgress if self.done >= self.total && self.is_due(now) => {
                Step::Finish
            }
            _ => Step::Nothing,
        }
    }

    /// A transaction was committed.
    pub(super) fn committed(&mut self, progress: Progress) {
        self.done += 1;
        self.progress = progress;
        self.late_due = self.late_due.saturating_sub(u32::from(self.stage == Stage::Aborted));
        if self.is_running() {
            self.stage = Stage::InProgress;
        }
    }

    /// The org cannot go on with the rows: the job fails, or nothing more of an aborted one is committed.
    pub(super) fn stop(&mut self, message: String, now: i64) {
        (self.late_due, self.late_commits) = (0, 0);
        if self.is_running() {
            self.end(Stage::Failed(message), now);
        }
    }

    pub(super) fn finish(&mut self, late_outcomes: u32, now: i64) {
        if self.is_running() {
            self.late_outcomes = late_outcomes;
            let stage = self.doomed.take().map_or(Stage::Complete, Stage::Failed);
            self.end(stage, now);
        }
    }

    pub(super) fn state(&self) -> &'static str {
        match self.stage {
            Stage::Open => "Open",
            Stage::UploadComplete => "UploadComplete",
            Stage::InProgress => "InProgress",
            Stage::Complete => "JobComplete",
            Stage::Failed(_) => "Failed",
            Stage::Aborted => "Aborted",
        }
    }

    /// The members that every form has.
    pub(super) fn short(&self) -> Map<String, Value> {
        let order = &self.order;
        let stamp = |ms: i64| Stored::DateTime(ms.div_euclid(1000) * 1000).to_json();
        let members = [
            ("id", Some(order.id.to_string().into())),
            ("operation", Some(order.operation.as_str().into())),
            ("object", Some(order.object.as_str().into())),
            ("createdById", Some(order.created_by.to_string().into())),
            ("createdDate", Some(stamp(order.created_ms))),
            ("systemModstamp", Some(stamp(self.changed_ms))),
            ("state", Some(self.state().into())),
            ("externalIdFieldName", order.external.as_deref().map(Value::from)),
            ("assignmentRuleId", order.assignment_rule.map(|id| id.to_string().into())),
            ("concurrencyMode", Some("Parallel".into())),
            ("contentType", Some("CSV".into())),
            ("apiVersion", Some(order.version.as_number())),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    fn format(&self, body: &mut Map<String, Value>) {
        if self.is_open() {
            let url = format!("services/data/{}/jobs/ingest/{}/batches", self.order.version, self.order.id);
            body.insert("contentUrl".to_owned(), url.into());
        }
        body.insert("lineEnding".to_owned(), self.order.line_ending.as_str().into());
        body.insert("columnDelimiter".to_owned(), self.order.delimiter.as_str().into());
    }

    /// What creating a job answers.
    pub(super) fn created(&self) -> Value {
        let mut body = self.short();
        self.format(&mut body);
        Value::Object(body)
    }

    /// The job in a list of jobs.
    pub(crate) fn listed(&self) -> Value {
        let mut body = self.short();
        body.insert("jobType".to_owned(), "V2Ingest".into());
        self.format(&mut body);
        Value::Object(body)
    }

    /// What asking for a job answers.
    pub(super) fn info(&self) -> Value {
        let Value::Object(mut body) = self.listed() else { return Value::Null };
        // A row is taken to need a millisecond: how long real ones need nobody can foretell.
        let active = i64::try_from(self.progress.processed).unwrap_or(i64::MAX);
        let took = self.changed_ms.saturating_sub(self.closed_ms).max(active);
        let took = if self.is_over() && self.progress.processed > 0 { took } else { 0 };
        for (name, value) in [
            ("numberRecordsProcessed", self.progress.processed.into()),
            ("numberRecordsFailed", self.progress.failed.into()),
            ("retries", 0.into()),
            ("totalProcessingTime", took.into()),
            ("apiActiveProcessingTime", active.into()),
            ("apexProcessingTime", Value::from(0)),
        ] {
            body.insert(name.to_owned(), value);
        }
        if let Stage::Failed(message) = &self.stage {
            body.insert("errorMessage".to_owned(), message.as_str().into());
        }
        Value::Object(body)
    }
}

/// The ingest jobs of an org.
#[derive(Debug, Default)]
pub(crate) struct IngestJobs {
    jobs: BTreeMap<RecordId, IngestJob>,
}

impl IngestJobs {
    pub(crate) fn get_mut(&mut self, id: RecordId) -> Option<&mut IngestJob> {
        self.jobs.get_mut(&id)
    }

    pub(crate) fn get(&self, id: RecordId) -> Option<&IngestJob> {
        self.jobs.get(&id)
    }

    pub(super) fn insert(&mut self, job: IngestJob) {
        self.jobs.insert(job.order.id, job);
    }

    /// Forgets a job; false when there is none.
    pub(crate) fn remove(&mut self, id: RecordId) -> bool {
        self.jobs.remove(&id).is_some()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = RecordId> {
        self.jobs.keys().copied()
    }

    /// All jobs, in the order of their creation.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (RecordId, &IngestJob)> {
        self.jobs.iter().map(|(id, job)| (*id, job))
    }

    /// Forgets jobs that ended a week ago, and ends those that nobody closed within a day.
    pub(crate) fn drop_old(&mut self, now: i64) {
        for job in self.jobs.values_mut().filter(|job| job.is_open()) {
            if now.saturating_sub(job.order.created_ms) >= DAY_MS {
                job.upload = None;
                job.end(Stage::Aborted, job.order.created_ms.saturating_add(DAY_MS));
            }
        }
        self.jobs.retain(|_, job| !job.is_over() || now.saturating_sub(job.changed_ms) < KEPT_MS);
    }
}
