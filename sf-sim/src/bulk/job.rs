//! A query job: what it is, how it gets on, and how it tells of itself.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::format::{Delimiter, LineEnding};
use super::result::JobResult;
use crate::fault::Signals;
use crate::id::RecordId;
use crate::org::JobPace;
use crate::rest::Version;
use crate::value::Value as Stored;

/// From this version on jobs tell whether they can be cut by primary key.
const PK_CHUNKING_SINCE: Version = Version(58);

/// What a job is, from its creation on.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) id: RecordId,
    /// Rows in the recycle bin as well.
    pub(super) all: bool,
    pub(super) object: String,
    pub(super) version: Version,
    pub(super) delimiter: Delimiter,
    pub(super) line_ending: LineEnding,
    pub(super) created_by: RecordId,
    pub(super) created_ms: i64,
}

/// How a job gets on.
#[derive(Clone, Debug)]
enum Stage {
    Waiting,
    Running,
    Complete(Arc<JobResult>),
    Failed(String),
    Aborted,
}

/// How far a job's result is: none while it is being written.
pub(super) type Written = watch::Receiver<Option<Arc<JobResult>>>;

/// A query job.
#[derive(Debug)]
pub(crate) struct Job {
    pub(super) order: Order,
    stage: Stage,
    changed_ms: i64,
    /// Polls for which the job shows as running yet.
    polls: u32,
    due_ms: i64,
    held: Option<Arc<Signals>>,
    written: Written,
}

/// What a poll of a job found.
pub(super) enum Poll {
    /// Nothing to wait for.
    Told,
    /// The job is due as soon as its result is written.
    Due(Written),
}

impl Job {
    pub(super) fn new(order: Order, pace: JobPace, written: Written) -> Self {
        let (polls, delay) = match pace {
            JobPace::AtOnce => (0, Duration::ZERO),
            JobPace::Polls(polls) => (polls, Duration::ZERO),
            JobPace::After(delay) => (0, delay),
        };
        let due_ms = order.created_ms.saturating_add(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX));
        Self {
            stage: Stage::Waiting,
            changed_ms: order.created_ms,
            polls,
            due_ms,
            held: None,
            written,
            order,
        }
    }

    pub(crate) fn created_at(&self) -> i64 {
        self.order.created_ms
    }

    /// Fails a job that is not over yet; whether it was one.
    pub(crate) fn fail(&mut self, message: String, now: i64) -> bool {
        let runs = !self.is_over();
        if runs {
            self.end(Stage::Failed(message), now);
        }
        runs
    }

    /// Keeps the job running for so many more polls, or until it is let go.
    pub(crate) fn slow_down(&mut self, polls: Option<u32>, signals: Arc<Signals>) {
        match polls {
            Some(polls) => self.polls = self.polls.saturating_add(polls),
            None => self.held = Some(signals),
        }
    }

    pub(super) fn abort(&mut self, now: i64) {
        self.end(Stage::Aborted, now);
    }

    /// Aborts a job that is not over yet; whether it was one.
    pub(crate) fn end_aborted(&mut self, now: i64) -> bool {
        let runs = !self.is_over();
        if runs {
            self.abort(now);
        }
        runs
    }

    pub(super) fn complete(&mut self, result: Arc<JobResult>, now: i64) {
        if !self.is_over() {
            self.end(Stage::Complete(result), now);
        }
    }

    fn end(&mut self, stage: Stage, now: i64) {
        self.stage = stage;
        self.changed_ms = now;
    }

    pub(super) fn is_over(&self) -> bool {
        !matches!(self.stage, Stage::Waiting | Stage::Running)
    }

    /// What the job holds, once it is complete.
    pub(super) fn result(&self) -> Option<Arc<JobResult>> {
        match &self.stage {
            Stage::Complete(result) => Some(Arc::clone(result)),
            _ => None,
        }
    }

    /// Moves on as far as time and polls allow. Only asking for the state counts as a poll.
    pub(super) fn advance(&mut self, now: i64, is_poll: bool) -> Poll {
        if self.is_over() {
            return Poll::Told;
        }
        let held = self.held.as_ref().is_some_and(|signals| !signals.is_released());
        let early = held || self.polls > 0 || self.due_ms > now;
        if early {
            if is_poll {
                self.stage = Stage::Running;
                self.polls = self.polls.saturating_sub(u32::from(!held));
            }
            return Poll::Told;
        }
        Poll::Due(self.written.clone())
    }

    pub(super) fn state(&self) -> &'static str {
        match self.stage {
            Stage::Waiting => "UploadComplete",
            Stage::Running => "InProgress",
            Stage::Complete(_) => "JobComplete",
            Stage::Failed(_) => "Failed",
            Stage::Aborted => "Aborted",
        }
    }

    /// The members that every form has.
    pub(super) fn short(&self) -> Map<String, Value> {
        let order = &self.order;
        let stamp = |ms| Stored::DateTime(ms).to_json();
        let members = [
            ("id", order.id.to_string().into()),
            ("operation", if order.all { "queryAll" } else { "query" }.into()),
            ("object", order.object.as_str().into()),
            ("createdById", order.created_by.to_string().into()),
            ("createdDate", stamp(order.created_ms)),
            ("systemModstamp", stamp(self.changed_ms.div_euclid(1000) * 1000)),
            ("state", self.state().into()),
            ("concurrencyMode", "Parallel".into()),
            ("contentType", "CSV".into()),
            ("apiVersion", order.version.as_number()),
        ];
        members.map(|(name, value): (&str, Value)| (name.to_owned(), value)).into_iter().collect()
    }

    pub(super) fn format(&self, body: &mut Map<String, Value>) {
        body.insert("lineEnding".to_owned(), self.order.line_ending.as_str().into());
        body.insert("columnDelimiter".to_owned(), self.order.delimiter.as_str().into());
    }

    /// What creating a job answers.
    pub(super) fn created(&self) -> Value {
        let mut body = self.short();
        self.format(&mut body);
        Value::Object(body)
    }

    /// What asking for a job answers.
    pub(super) fn info(&self) -> Value {
        let mut body = self.short();
        body.insert("jobType".to_owned(), "V2Query".into());
        self.format(&mut body);
        let rows = self.result().map_or(0, |result| result.rows.rows());
        let took = if self.is_over() { self.changed_ms - self.order.created_ms } else { 0 };
        body.insert("numberRecordsProcessed".to_owned(), rows.into());
        body.insert("retries".to_owned(), 0.into());
        body.insert("totalProcessingTime".to_owned(), took.into());
        if self.order.version >= PK_CHUNKING_SINCE {
            body.insert("isPkChunkingSupported".to_owned(), json!(true));
        }
        if let Stage::Failed(message) = &self.stage {
            body.insert("errorMessage".to_owned(), message.as_str().into());
        }
        Value::Object(body)
    }
}
