//! A load of any size, spread over jobs.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::{BoxStream, TryStreamExt};
use futures_util::{Stream, StreamExt};
use sf_core::{Client, Id};

use super::cut::Part;
use super::join::Kept;
use super::outcome::Line;
use super::{Echo, Failure, Ingest, IngestJob, JoinedOutcomes, Outcomes, Success, Tally};
use crate::spool::Spool;
use crate::{Error, ErrorKind, JobInfo, Result};

/// A load that can be run. Made by [`Ingest::csv`], [`Ingest::csv_file`], [`Ingest::csv_bytes`],
/// [`Ingest::rows`], [`Ingest::try_rows`] and [`Ingest::records`].
#[must_use = "nothing is sent before `run`"]
pub struct Load<'a> {
    ingest: Ingest,
    parts: BoxStream<'a, Result<Part>>,
    on_job: Option<OnJob<'a>>,
}

type OnJob<'a> = Box<dyn FnMut(&LoadedJob) + Send + 'a>;

impl fmt::Debug for Load<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Load").field("ingest", &self.ingest).finish_non_exhaustive()
    }
}

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
    /// Its data, where the load keeps its rows.
    pub(super) kept: Option<Kept>,
}

/// What a load did.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    jobs: Vec<LoadedJob>,
    next_row: u64,
    stopped: bool,
    pub(super) ingest: Option<Ingest>,
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
        if self.stopped {
            write!(f, "; rows from {} on were not sent", self.next_row)?;
        }
        Ok(())
    }
}

impl Loaded {
    /// The jobs that ran to their end, in the order of their rows.
    pub fn jobs(&self) -> &[LoadedJob] {
        &self.jobs
    }

    /// The first row that was given to no job, counted from zero: where a load that stopped has to go on.
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

    /// Empty jobs that may stand in the org for a day, because answers to their creation were lost.
    pub fn orphans(&self) -> u64 {
        self.jobs.iter().map(|j| u64::from(j.job.orphans())).sum()
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

impl<'a> Load<'a> {
    pub(super) fn new(ingest: Ingest, parts: impl Stream<Item = Result<Part>> + Send + 'a) -> Self {
        Self { ingest, parts: parts.boxed(), on_job: None }
    }

    /// Calls this with every job that ran to its end: to show progress.
    pub fn on_job(mut self, seen: impl FnMut(&LoadedJob) + Send + 'a) -> Self {
        self.on_job = Some(Box::new(seen));
        self
    }

    /// Sends all rows and waits for their jobs.
    ///
    /// Rows that the org refuses one by one are no error: [`Loaded::failed`] counts them. An upload whose
    /// answer was lost is settled and sent in another job.
    ///
    /// # Errors
    /// The first error of a job or of the source. No further job is begun then, those in flight are waited for,
    /// and [`Error::loaded`] says what was done and where to go on. A job that failed or was aborted in the org
    /// is among its jobs.
    pub async fn run(self, client: &Client) -> Result<Loaded> {
        self.ingest.check()?;
        let (ingest, mut on_job) = (self.ingest, self.on_job);
        let stopped = AtomicBool::new(false);
        let mut loaded = Loaded { ingest: Some(ingest.clone()), ..Loaded::default() };
        let spool = match ingest.loading.keep_rows {
            true => Some(Spool::new().await.map_err(|e| unkept(None, e))?),
            false => None,
        };
        let mut first_error = None;
        let sent = self
            .parts
            .take_while(|_| std::future::ready(!stopped.load(Ordering::Relaxed)))
            .map(|part| {
                let (ingest, spool) = (&ingest, spool.as_ref());
                async move {
                    match part {
                        Ok(part) => send(client, ingest, spool, part).await,
                        Err(error) => Sent { end: 0, done: None, error: Some(error) },
                    }
                }
            })
            .buffer_unordered(ingest.loading.jobs_in_flight.max(1));
        let mut sent = std::pin::pin!(sent);
        while let Some(Sent { end, done, error }) = sent.next().await {
            loaded.next_row = loaded.next_row.max(end);
            if let Some(done) = done {
                if let Some(seen) = &mut on_job {
                    seen(&done);
                }
                loaded.jobs.push(done);
            }
            if let Some(error) = error {
                stopped.store(true, Ordering::Relaxed);
                first_error.get_or_insert(error);
            }
        }
        loaded.jobs.sort_by_key(|j| j.first_row);
        match first_error {
            None => Ok(loaded),
            Some(error) => {
                loaded.stopped = true;
                Err(error.with_loaded(loaded))
            }
        }
    }
}

/// What became of a part.
struct Sent {
    /// The row after its last.
    end: u64,
    done: Option<LoadedJob>,
    error: Option<Error>,
}

fn unkept(job: Option<Id>, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, job, "its rows could not be kept in a temporary file").with_source(error)
}

async fn send(client: &Client, ingest: &Ingest, spool: Option<&Spool>, part: Part) -> Sent {
    let (first_row, rows) = (part.first_row, part.rows);
    let end = first_row + rows;
    let mut kept = None;
    if let Some(spool) = spool {
        match spool.append(part.csv.clone()).await {
            Ok(span) => kept = Some(ingest.kept(spool, span)),
            // Before anything of it is sent.
            Err(error) => return Sent { end: first_row, done: None, error: Some(unkept(None, error)) },
        }
    }
    let mut abandoned = Vec::new();
    let job = match upload(client, ingest, part, &mut abandoned).await {
        Ok(job) => job,
        Err(error) => return Sent { end, done: None, error: Some(error) },
    };
    let waited = job.wait(&ingest.loading.poll).await;
    let (info, error) = match waited {
        Ok(info) => (Some(info), None),
        Err(error) => {
            let ended = matches!(error.kind(), ErrorKind::JobFailed | ErrorKind::JobAborted);
            let info = if ended { job.info().await.ok() } else { None };
            (info, Some(error))
        }
    };
    let done = info.map(|info| LoadedJob { job, info, first_row, rows, abandoned, kept });
    Sent { end, done, error }
}

/// Makes a job, uploads the part and closes it: with another job where an answer to the upload is lost.
async fn upload(client: &Client, ingest: &Ingest, part: Part, abandoned: &mut Vec<Id>) -> Result<IngestJob> {
    let mut attempts = client.retry().start();
    loop {
        let job = ingest.create(client).await?.expect_rows(Some(part.rows));
        let Err(error) = job.upload(part.csv.clone()).await else {
            part.sent();
            job.close().await?;
            return Ok(job);
        };
        // Nobody closes this job, so none of its rows can be written; to abort it makes that certain.
        if error.kind() != ErrorKind::UploadLost {
            // The org refused the data; an open job that is left behind would be dropped in a day.
            drop(job.abort().await);
            return Err(error);
        }
        job.abort().await?;
        let settled = job.finished(&ingest.loading.poll).await?;
        if settled.number_records_processed.unwrap_or(0) > 0 {
            let text = "in doubt: rows of it were tried although it was never closed";
            return Err(Error::new(ErrorKind::InDoubt, job.id(), text).with_source(error));
        }
        abandoned.push(job.id());
        tracing::warn!(job = %job.id(), rows = part.rows, "upload without an answer: aborted, sent in another job");
        match error.lost_answer() {
            Some(lost) => attempts.pause_after(lost, true).await.map_err(|_| error)?,
            None => return Err(error),
        }
    }
}
