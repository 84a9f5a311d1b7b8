//! One part of a load on its way: into a job, and another one where an answer is lost, to the end of that job.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use sf_core::poll::PollPolicy;
use sf_core::{Client, Id};
use tokio::time::Instant;

use super::cut::Part;
use super::find::{NotFound, Search};
use super::join::Kept;
use super::load::Held;
use super::replay::Data;
use super::single::{CONTENT_TYPE, Rows};
use super::{Ingest, IngestJob, LoadedJob};
use crate::handle::Kind;
use crate::spool::Spool;
use crate::{Error, ErrorKind, JobInfo, JobState};

/// What became of a part.
pub(super) enum Sent {
    /// Its job ended, well or not.
    Ended(Box<LoadedJob>, Option<Error>),
    /// No job tells of its rows.
    Unsettled { rows: Range<u64>, in_doubt: bool, job: Option<Id>, error: Error },
    /// There was no part.
    Nothing(Error),
}

impl Sent {
    /// Why the load has to stop.
    pub(super) fn error(&self) -> Option<&Error> {
        match self {
            Self::Ended(_, error) => error.as_ref(),
            Self::Unsettled { error, .. } | Self::Nothing(error) => Some(error),
        }
    }
}

/// What all parts of a load are sent with.
pub(super) struct Sender<'l> {
    pub(super) client: &'l Client,
    pub(super) ingest: &'l Ingest,
    /// Where rows are kept that are not in a temporary file yet.
    pub(super) spool: Option<Spool>,
}

/// Why a part is in no job that ended.
struct Stopped {
    in_doubt: bool,
    job: Option<Id>,
    error: Error,
}

impl Stopped {
    fn unwritten(job: Option<Id>, error: Error) -> Self {
        Self { in_doubt: false, job, error }
    }

    fn doubtful(job: Id, error: Error) -> Self {
        Self { in_doubt: true, job: Some(job), error }
    }
}

/// A job that has its data.
struct Closed {
    job: IngestJob,
    /// Jobs before it that were given the same data and wrote nothing.
    abandoned: Vec<Id>,
    /// How it ended, where that is known already, and why it had to.
    ended: Option<(JobInfo, Option<Error>)>,
    /// Whether it was found in the org's list.
    found: bool,
}

/// An error about rows that should be kept.
pub(super) fn unkept(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, None, "its rows could not be kept in a temporary file").with_source(error)
}

impl Sender<'_> {
    /// Sends a part to the end of its job; `whole` with the job in one call.
    pub(super) async fn send(&self, held: Held, whole: bool) -> Sent {
        let part = &held.part;
        let (first_row, rows) = (part.first_row, part.rows);
        let unsettled = |stopped: Stopped| Sent::Unsettled {
            rows: first_row..first_row + rows,
            in_doubt: stopped.in_doubt,
            job: stopped.job,
            error: stopped.error,
        };
        let kept = match self.keep(part).await {
            Ok(kept) => kept,
            // Before anything of it is sent.
            Err(error) => return unsettled(Stopped::unwritten(None, error)),
        };
        let given = if whole { self.give_whole(part).await } else { self.give(part).await };
        let Closed { job, abandoned, ended, found } = match given {
            Ok(closed) => closed,
            Err(stopped) => return unsettled(stopped),
        };
        held.sent();
        let (info, error) = match ended {
            Some(ended) => ended,
            None => match job.finished(self.poll()).await {
                Ok(info) => {
                    let error = job.judge(&info).err();
                    (info, error)
                }
                Err(error) => return unsettled(Stopped::doubtful(job.id(), error)),
            },
        };
        Sent::Ended(Box::new(LoadedJob { job, info, first_row, rows, abandoned, found, kept }), error)
    }

    /// Keeps the rows of a part, where the load does that.
    async fn keep(&self, part: &Part) -> Result<Option<Kept>, Error> {
        let (spool, span) = match (&part.data, &self.spool) {
            (Data::Memory(csv), Some(spool)) => (spool, spool.append(csv.clone()).await.map_err(unkept)?),
            (Data::Spooled(spool, span), _) if self.ingest.loading.keep_rows => (spool, *span),
            _ => return Ok(None),
        };
        Ok(Some(self.ingest.kept(spool, span)))
    }

    fn poll(&self) -> &PollPolicy {
        &self.ingest.loading.poll
    }

    /// Makes a job, uploads the part and closes it: with another job where an answer to the upload is lost.
    async fn give(&self, part: &Part) -> Result<Closed, Stopped> {
        let mut orphans = 0;
        let given = self.give_until_taken(part, &mut orphans).await;
        // What was lost for a job that then took the rows is told with that job.
        given.map_err(|stopped| Stopped { error: stopped.error.with_orphans(orphans), ..stopped })
    }

    async fn give_until_taken(&self, part: &Part, orphans: &mut u32) -> Result<Closed, Stopped> {
        let mut attempts = None;
        let mut abandoned = Vec::new();
        loop {
            let job = self.ingest.create(self.client).await.map_err(|e| Stopped::unwritten(None, e))?;
            let job = job.expect_rows(Some(part.rows)).with_orphans_before(*orphans);
            *orphans = job.orphans();
            let Err(error) = job.upload_data(&part.data).await else {
                return self.close(job, abandoned).await;
            };
            // Nobody closes this job, so none of its rows can be written.
            if error.kind() != ErrorKind::UploadLost {
                if let Err(error) = job.abort().await {
                    tracing::debug!(job = %job.id(), %error, "an open job without data is left to the org");
                }
                return Err(Stopped::unwritten(Some(job.id()), error));
            }
            self.abandon(&job).await?;
            abandoned.push(job.id());
            tracing::warn!(
                job = %job.id(), rows = part.rows, "upload without an answer: aborted, sent in another job"
            );
            // From the first failure on: how long an upload was at work must not use up the time for another.
            let attempts = attempts.get_or_insert_with(|| self.client.retry().start());
            let again = match error.lost_answer() {
                Some(lost) => attempts.pause_after(lost, true).await.is_ok(),
                None => false,
            };
            if !again {
                return Err(Stopped::unwritten(Some(job.id()), error));
            }
        }
    }

    /// Makes a job together with the part.
    async fn give_whole(&self, part: &Part) -> Result<Closed, Stopped> {
        let invalid = |e| {
            let text = "the job cannot be written as JSON";
            Stopped::unwritten(None, Error::new(ErrorKind::InvalidInput, None, text).with_source(e))
        };
        let csv = part.data.bytes().await.map_err(|e| Stopped::unwritten(None, e))?;
        let Some(form) = self.ingest.form(&csv).map_err(invalid)? else {
            return self.give(part).await;
        };
        let (form, sent) = (Bytes::from(form), Arc::new(Mutex::new(Instant::now())));
        // Opened anew for each attempt, and only the last can have made the job: those before were refused.
        let last = Arc::clone(&sent);
        let open = move || {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            let (length, body) = (form.len() as u64, stream::iter([Ok(form.clone())]).boxed());
            Box::pin(std::future::ready(Ok((length, body)))) as BoxFuture<'static, _>
        };
        let request = self.client.post(Kind::Ingest.path()).streamed_body(open, CONTENT_TYPE);
        let answer = request.json::<JobInfo>().await;
        let lost = match answer {
            Ok(info) => {
                let job = IngestJob::attach(self.client, info.id, info.api_version);
                let job = job.expect_rows(Some(part.rows));
                return Ok(Closed { job, abandoned: Vec::new(), ended: None, found: false });
            }
            Err(error) if error.outcome_unknown() => error,
            Err(error) => {
                return Err(Stopped::unwritten(None, Error::api(None, "the job could not be made", error)));
            }
        };
        tracing::warn!(error = %lost, "a job was made with its data and the answer lost: looking for it");
        let delimiter = self.ingest.column_delimiter.byte();
        let sent = *sent.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match Rows::of(&csv, delimiter) {
            Ok(rows) => Search::new(self.client, self.ingest, rows, part.rows, sent).run().await,
            Err(error) => Err(NotFound { job: None, why: error.to_string() }),
        };
        match found {
            Ok((job, info)) => {
                let error = job.judge(&info).err();
                Ok(Closed { job, abandoned: Vec::new(), ended: Some((info, error)), found: true })
            }
            Err(NotFound { job, why }) => {
                let text = format!(
                    "in doubt: the answer was lost when a job was made with its data, and it was not found in the \
                     org's list ({why}); look there before you send the rows again"
                );
                let error = Error::new(ErrorKind::InDoubt, job, text).with_source(lost);
                Err(Stopped { in_doubt: true, job, error })
            }
        }
    }

    /// Aborts a job that may have got its data and was never closed, and makes sure that it wrote nothing.
    async fn abandon(&self, job: &IngestJob) -> Result<(), Stopped> {
        if let Err(error) = job.abort().await {
            // An org that refuses to abort it knows more of this job than we do.
            let refused = error.api_error().is_some_and(|e| e.kind() == sf_core::ErrorKind::Refused);
            return Err(Stopped { in_doubt: refused, job: Some(job.id()), error });
        }
        // Nothing of it was ever in work that could be committed late.
        let settled = job.finished_after(self.poll(), Duration::ZERO).await;
        let settled = settled.map_err(|e| Stopped::unwritten(Some(job.id()), e))?;
        if settled.number_records_processed.unwrap_or(0) > 0 {
            let text = "in doubt: rows of it were tried although it was never closed";
            return Err(Stopped::doubtful(job.id(), Error::new(ErrorKind::InDoubt, job.id(), text)));
        }
        Ok(())
    }

    /// Closes a job that has its data. One that cannot be closed is aborted: that tells how it stands.
    async fn close(&self, job: IngestJob, abandoned: Vec<Id>) -> Result<Closed, Stopped> {
        let Err(error) = job.close().await else {
            return Ok(Closed { job, abandoned, ended: None, found: false });
        };
        // It may be running, as it should.
        if error.kind() == ErrorKind::InDoubt {
            return Err(Stopped::doubtful(job.id(), error));
        }
        if let Err(refused) = job.abort().await {
            tracing::debug!(job = %job.id(), error = %refused, "a job that could not be closed was not aborted");
            if job.info().await.is_ok_and(|info| info.state == JobState::Open) {
                let in_doubt = error.api_error().is_none_or(sf_core::Error::outcome_unknown);
                return Err(Stopped { in_doubt, job: Some(job.id()), error });
            }
        }
        // Whoever ended it: a job that is over tells of its rows.
        match job.finished(self.poll()).await {
            Ok(info) if info.state == JobState::Aborted && info.number_records_processed == Some(0) => {
                Err(Stopped::unwritten(Some(job.id()), error))
            }
            Ok(info) => Ok(Closed { job, abandoned, ended: Some((info, Some(error))), found: false }),
            Err(unknown) => {
                tracing::debug!(job = %job.id(), error = %unknown, "how a job ended could not be had");
                Err(Stopped::doubtful(job.id(), error))
            }
        }
    }
}
