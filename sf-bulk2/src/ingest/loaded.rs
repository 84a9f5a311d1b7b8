//! What a load did: the jobs that ended, and the rows that no job tells of.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::{BoxStream, TryStreamExt};
use sf_core::Id;

use super::join::Kept;
use super::locks::Again;
use super::outcome::Line;
use super::{Echo, Failure, Ingest, IngestJob, JoinedOutcomes, Outcomes, Success, Tally};
use crate::error::chain;
use crate::{Error, ErrorKind, JobInfo, Result};

/// One job of a load that ran to its end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoadedJob {
    /// The job, which gives the outcomes of its rows.
    pub job: IngestJob,
    /// What the org said about it at the end.
    pub info: JobInfo,
    /// How many rows of the load come before its first.
    pub first_row: u64,
    /// How many rows it was sent.
    pub rows: u64,
    /// Jobs made for the same rows whose upload got no answer. They were aborted, and wrote nothing.
    pub abandoned: Vec<Id>,
    /// Whether the answer to its creation was lost and it was found in the org's list, by its user, object,
    /// operation, time and rows ([`Ingest::multipart`]).
    pub found: bool,
    /// Its data, where the load keeps its rows.
    pub(super) kept: Option<Kept>,
}

/// Rows of a load that stopped which are in none of its [`jobs`](Loaded::jobs), although rows behind them are or
/// may be written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Unsettled {
    /// Which rows of the load they are, counted from zero.
    pub rows: Range<u64>,
    /// Whether some of them may be written; `false` where certainly none is, and they may be sent again.
    pub in_doubt: bool,
    /// The job that they were given to last: where they are in doubt, it tells what became of them once it can
    /// be asked ([`IngestJob::attach`]).
    pub job: Option<Id>,
    /// What kind of error it was.
    pub kind: ErrorKind,
    /// The error, with its causes.
    pub reason: String,
    orphans: u32,
}

impl Unsettled {
    pub(super) fn new(rows: Range<u64>, in_doubt: bool, job: Option<Id>, error: &Error) -> Self {
        let (kind, reason, orphans) = (error.kind(), chain(error), error.orphans());
        Self { rows, in_doubt, job, kind, reason, orphans }
    }
}

impl fmt::Display for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rows {} to {} ", self.rows.start, self.rows.end.saturating_sub(1))?;
        f.write_str(if self.in_doubt { "are in doubt" } else { "were not written" })?;
        match self.job {
            Some(job) => write!(f, " (job {job})"),
            None => Ok(()),
        }
    }
}

/// What a load did. Each of its rows is in one of the [`jobs`](Self::jobs), in one of the ranges of
/// [`unsettled`](Self::unsettled), or comes at or after [`next_row`](Self::next_row).
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    jobs: Vec<LoadedJob>,
    unsettled: Vec<Unsettled>,
    next_row: u64,
    /// Of the parts that are in no job.
    orphans: u64,
    stopped: bool,
    pub(super) ingest: Option<Ingest>,
    /// Its rows, where they are those of another load.
    pub(super) again: Option<Arc<Again>>,
}

/// For people, and the end of an error's message.
impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (jobs, rows) = (self.jobs.len(), self.rows());
        let (written, failed, unprocessed) = (self.succeeded(), self.failed(), self.unprocessed());
        write!(
            f,
            "{rows} rows were sent in {jobs} jobs that ended: {written} written, {failed} failed, {unprocessed} \
             unprocessed"
        )?;
        for unsettled in &self.unsettled {
            write!(f, "; {unsettled}")?;
        }
        if self.stopped {
            write!(f, "; rows from {} on were not written", self.next_row)?;
        }
        Ok(())
    }
}

impl Loaded {
    pub(super) fn of(ingest: Ingest, again: Option<Arc<Again>>) -> Self {
        Self { ingest: Some(ingest), again, ..Self::default() }
    }

    pub(super) fn ended(&mut self, job: LoadedJob) {
        self.next_row = self.next_row.max(job.first_row + job.rows);
        self.jobs.push(job);
    }

    pub(super) fn unsettle(&mut self, unsettled: Unsettled) {
        self.next_row = self.next_row.max(unsettled.rows.end);
        self.orphans += u64::from(unsettled.orphans);
        self.unsettled.push(unsettled);
    }

    /// No more rows come: because the load stopped before its end, or not.
    pub(super) fn close(&mut self, stopped: bool) {
        self.stopped = stopped;
        self.jobs.sort_by_key(|job| job.first_row);
        self.unsettled.sort_by_key(|unsettled| unsettled.rows.start);
        // Where nothing behind them was written either, they are simply where to go on.
        while let Some(last) = self.unsettled.last().filter(|u| !u.in_doubt && u.rows.end == self.next_row) {
            self.next_row = last.rows.start;
            self.unsettled.pop();
        }
    }

    /// The jobs that ran to their end, in the order of their rows.
    pub fn jobs(&self) -> &[LoadedJob] {
        &self.jobs
    }

    /// Rows before [`next_row`](Self::next_row) that are in none of the jobs, in their order: refused, or in
    /// doubt. There are none where the load did not stop.
    pub fn unsettled(&self) -> &[Unsettled] {
        &self.unsettled
    }

    /// The first row from which on certainly none was written, counted from zero: where a load that stopped has
    /// to go on, once the [`unsettled`](Self::unsettled) rows before it are settled.
    pub fn next_row(&self) -> u64 {
        self.next_row
    }

    /// Rows that were sent in jobs that ran to their end.
    pub fn rows(&self) -> u64 {
        self.jobs.iter().map(|j| j.rows).sum()
    }

    /// Rows that were tried and written, as the org counts them.
    pub fn succeeded(&self) -> u64 {
        self.tried().saturating_sub(self.failed())
    }

    /// Rows that were refused, as the org counts them. [`failures`](Self::failures) has the reasons.
    pub fn failed(&self) -> u64 {
        self.jobs.iter().filter_map(|j| j.info.number_records_failed).sum()
    }

    /// Rows that were sent and never tried: of jobs that failed or were aborted half way.
    pub fn unprocessed(&self) -> u64 {
        self.rows().saturating_sub(self.tried())
    }

    fn tried(&self) -> u64 {
        self.jobs.iter().filter_map(|j| j.info.number_records_processed).sum()
    }

    /// Empty jobs that may stand in the org for a day, because answers to their creation were lost: for rows of its
    /// jobs, and for those that are in none of them.
    pub fn orphans(&self) -> u64 {
        self.orphans + self.jobs.iter().map(|j| u64::from(j.job.orphans())).sum::<u64>()
    }

    /// The rows that were refused, of all jobs.
    pub fn failures(&self) -> BoxStream<'static, Result<Failure>> {
        self.outcomes(|job| async move { job.failures().await })
    }

    /// The rows that were written, of all jobs.
    pub fn successes(&self) -> BoxStream<'static, Result<Success>> {
        self.outcomes(|job| async move { job.successes().await })
    }

    /// The rows that were never tried, of all jobs.
    pub fn unprocessed_rows(&self) -> BoxStream<'static, Result<Echo>> {
        self.outcomes(|job| async move { job.unprocessed().await })
    }

    /// The rows that were refused, each with the row as it was sent. The load must have kept its rows
    /// ([`Ingest::keep_rows`]).
    pub fn failures_with_input(&self) -> JoinedOutcomes<Failure> {
        JoinedOutcomes::new(self.jobs.clone())
    }

    /// The rows that were written, each with the row as it was sent. The load must have kept its rows
    /// ([`Ingest::keep_rows`]).
    pub fn successes_with_input(&self) -> JoinedOutcomes<Success> {
        JoinedOutcomes::new(self.jobs.clone())
    }

    fn outcomes<T, F>(&self, open: impl Fn(IngestJob) -> F + Send + 'static) -> BoxStream<'static, Result<T>>
    where
        T: Line + Send + 'static,
        F: Future<Output = Result<Outcomes<T>>> + Send + 'static,
    {
        let jobs: Vec<_> = self.jobs.iter().map(|j| j.job.clone()).collect();
        futures_util::stream::iter(jobs).then(open).map_ok(Outcomes::stream).try_flatten().boxed()
    }

    /// Reads and counts all outcomes of all jobs.
    ///
    /// # Errors
    /// As [`IngestJob::tally`].
    pub async fn tally(&self) -> Result<Tally> {
        let mut all = Tally::default();
        for job in &self.jobs {
            all += job.job.tally().await?;
        }
        Ok(all)
    }
}
