//! One ingest job, from open to done.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Method;
use sf_core::poll::PollPolicy;
use sf_core::{ApiVersion, Client, Id};
use tokio::time::Instant;

use super::outcome::File;
use super::replay::{Data, unreadable};
use super::{Echo, Failure, Outcomes, Success};
use crate::handle::{Handle, Kind};
use crate::{Error, ErrorKind, JobInfo, JobState, Result};

/// How often a count must be the same, at least, before it is taken to stand still: that of a job that is complete can
/// come late, and a chunk that was in work when a job was aborted can be committed afterwards.
const STILL: u32 = 3;

/// An ingest job of an org.
///
/// The steps are [`upload`](Self::upload), [`close`](Self::close), [`wait`](Self::wait), and then the
/// outcomes: [`successes`](Self::successes), [`failures`](Self::failures),
/// [`unprocessed`](Self::unprocessed).
#[derive(Debug, Clone)]
pub struct IngestJob {
    pub(super) handle: Handle,
    orphans: u32,
    pub(super) sent: Option<u64>,
}

impl IngestJob {
    pub(super) fn new(handle: Handle, orphans: u32) -> Self {
        Self { handle, orphans, sent: None }
    }

    /// A job that was made earlier, perhaps by another process.
    #[must_use]
    pub fn attach(client: &Client, id: Id, version: ApiVersion) -> Self {
        Self::new(Handle { client: client.clone(), id, version, kind: Kind::Ingest }, 0)
    }

    /// How many rows the uploaded data has, its header left out. With it the outcomes are checked to name each
    /// of them; without it rows that the org never tried cannot be missed.
    #[must_use]
    pub fn expect_rows(mut self, rows: Option<u64>) -> Self {
        self.sent = rows;
        self
    }

    /// Counts what was lost for jobs before it that were to have the same rows.
    pub(super) fn with_orphans_before(mut self, orphans: u32) -> Self {
        self.orphans += orphans;
        self
    }

    /// The job's id.
    pub fn id(&self) -> Id {
        self.handle.id
    }

    /// The job's API version.
    pub fn api_version(&self) -> ApiVersion {
        self.handle.version
    }

    /// How many answers to the job's creation were lost: as many empty jobs may stand in the org for a day. In a load
    /// those to the creation of jobs count too that were [abandoned](super::LoadedJob::abandoned) for this one.
    pub fn orphans(&self) -> u32 {
        self.orphans
    }

    /// Uploads the job's data: CSV with a header line, with the job's delimiter and line ending, at most
    /// 100 MB. The bytes are sent as they are; nothing is looked at. A job takes its data once.
    ///
    /// # Errors
    /// [`ErrorKind::UploadLost`] where nobody knows whether the data arrived: [`abort`](Self::abort) this job
    /// and upload into another. [`ErrorKind::JobAborted`] where somebody ended the job before, and
    /// [`ErrorKind::Api`] where the org refuses the data for another reason.
    pub async fn upload(&self, csv: impl Into<Bytes>) -> Result<()> {
        self.upload_data(&Data::Memory(csv.into())).await
    }

    pub(super) async fn upload_data(&self, data: &Data) -> Result<()> {
        let request = self.handle.request(Method::PUT, "/batches");
        let request = match data.clone() {
            Data::Memory(csv) => request.body(csv, "text/csv"),
            data => {
                let open = move || {
                    let data = data.clone();
                    Box::pin(async move { data.open().await }) as BoxFuture<'static, _>
                };
                request.streamed_body(open, "text/csv")
            }
        };
        let Err(error) = request.response().await else { return Ok(()) };
        if error.kind() == sf_core::ErrorKind::Io {
            return Err(unreadable(Some(self.id()), error));
        }
        if error.outcome_unknown() {
            let text = "the answer to its upload was lost; abort it and send the data into another job";
            return Err(self.handle.fail(ErrorKind::UploadLost, text).with_source(error));
        }
        Err(self.refused(self.handle.error("its data could not be uploaded", error)).await)
    }

    /// Says that the data is complete: the org may begin (`UploadComplete`).
    ///
    /// Where the answer is lost, the job's state tells whether it arrived.
    ///
    /// # Errors
    /// [`ErrorKind::JobAborted`] where somebody ended the job before, [`ErrorKind::Api`] where the org refuses for
    /// another reason. [`ErrorKind::InDoubt`] where neither an answer nor the state could be had: the job may run.
    pub async fn close(&self) -> Result<()> {
        match self.handle.set_state(JobState::UploadComplete, "it could not be closed").await {
            Err(error) => Err(self.refused(error).await),
            closed => closed,
        }
    }

    /// A refusal can mean that the job came to an end meanwhile, which says more.
    async fn refused(&self, error: Error) -> Error {
        let refused = error.api_error().is_some_and(|call| call.kind() == sf_core::ErrorKind::Refused);
        let info = if refused { self.info().await.ok() } else { None };
        info.and_then(|info| self.judge(&info).err()).unwrap_or(error)
    }

    /// Ends the job. Rows that were written already stay written, and some more may follow for a moment:
    /// [`wait`](Self::wait) returns when none did for as long as the longest pause of its policy, or half the time to its
    /// deadline where that is shorter.
    ///
    /// # Errors
    /// [`ErrorKind::Api`] where the org refuses, as it does for jobs that are complete.
    pub async fn abort(&self) -> Result<()> {
        self.handle.set_state(JobState::Aborted, "it could not be aborted").await
    }

    /// Deletes a finished job with its outcomes.
    ///
    /// # Errors
    /// [`ErrorKind::Api`] where the org refuses. A job that it does not know is deleted already.
    pub async fn delete(&self) -> Result<()> {
        self.handle.delete().await
    }

    /// Asks how the job stands.
    ///
    /// # Errors
    /// [`ErrorKind::JobGone`] where the org does not know it.
    pub async fn info(&self) -> Result<JobInfo> {
        self.handle.info().await
    }

    /// Waits until the org has tried all rows. Some or all of them may have been refused all the same:
    /// [`JobInfo::number_records_failed`] and the outcomes tell.
    ///
    /// # Errors
    /// [`ErrorKind::JobFailed`] with the org's message or [`ErrorKind::JobAborted`]: rows may have been
    /// written, and the outcomes can be read. [`ErrorKind::InDoubt`] where the job is complete with another
    /// number of rows than were sent, at three looks in a row with the pauses of the policy between them, as a count can
    /// come late. [`ErrorKind::JobGone`]. [`ErrorKind::Deadline`]: the job is left
    /// alone, goes on in the org, and [`attach`](Self::attach) finds it again.
    pub async fn wait(&self, policy: &PollPolicy) -> Result<JobInfo> {
        let info = self.finished(policy).await?;
        self.judge(&info)?;
        Ok(info)
    }

    /// Whether a job that is over did what it was made for.
    pub(super) fn judge(&self, info: &JobInfo) -> Result<()> {
        let (tried, failed) =
            (info.number_records_processed.unwrap_or(0), info.number_records_failed.unwrap_or(0));
        let written = tried.saturating_sub(failed);
        let of = self.sent.map(|sent| format!(" of {sent}")).unwrap_or_default();
        let fate = match written {
            0 => format!("{tried}{of} rows were tried; nothing was written"),
            _ => format!("{tried}{of} rows were tried, {written} were written and stay"),
        };
        match info.state {
            JobState::Failed => {
                let said = info.error_message.as_deref().unwrap_or("no reason given");
                Err(self.handle.fail(ErrorKind::JobFailed, format!("failed in the org: {said}; {fate}")))
            }
            JobState::Aborted => {
                Err(self.handle.fail(ErrorKind::JobAborted, format!("aborted in the org; {fate}")))
            }
            _ => Ok(()),
        }
    }

    /// The job's state once it is final and its counts are what they will stay.
    pub(super) async fn finished(&self, policy: &PollPolicy) -> Result<JobInfo> {
        let rest = policy.deadline.map_or(policy.max, |deadline| policy.max.min(deadline / 2));
        self.finished_after(policy, rest).await
    }

    /// As [`finished`](Self::finished), where the count of an aborted job has to stand still for this long.
    pub(super) async fn finished_after(&self, policy: &PollPolicy, rest: Duration) -> Result<JobInfo> {
        let mut polls = policy.start();
        let (mut last, mut still, mut since) = (None, 0, Instant::now());
        loop {
            let info = self.info().await?;
            let count = info.number_records_processed;
            // Of one state: what stood still before the job was aborted says nothing of after.
            let seen = Some((info.state, count));
            if seen != last {
                (last, still, since) = (seen, 0, Instant::now());
            }
            still += 1;
            match info.state {
                JobState::JobComplete if self.sent.is_none_or(|sent| count == Some(sent)) => return Ok(info),
                // Data that was sent and not counted: given a little time, as counts may come late.
                JobState::JobComplete if still >= STILL => return Err(self.miscounted(count)),
                JobState::Failed => return Ok(info),
                JobState::Aborted if still >= STILL && since.elapsed() >= rest => return Ok(info),
                _ => {}
            }
            if !polls.pause().await {
                return Err(self.unfinished());
            }
        }
    }

    pub(super) fn unfinished(&self) -> Error {
        let text = "not finished within the deadline; it goes on in the org and can be found again by its id";
        self.handle.fail(ErrorKind::Deadline, text)
    }

    fn miscounted(&self, count: Option<u64>) -> crate::Error {
        let (sent, count) = (self.sent.unwrap_or(0), count.unwrap_or(0));
        let text = format!(
            "in doubt: {sent} rows were sent and the org counts {count}; its outcome files tell which it has"
        );
        self.handle.fail(ErrorKind::InDoubt, text)
    }

    /// The rows that were written, in no particular order.
    ///
    /// # Errors
    /// [`ErrorKind::NotFinished`] before the job is done, [`ErrorKind::JobGone`].
    pub async fn successes(&self) -> Result<Outcomes<Success>> {
        let info = self.done().await?;
        let rows =
            info.number_records_processed.zip(info.number_records_failed).map(|(p, f)| p.saturating_sub(f));
        Ok(Outcomes::new(self, File::Successful, &info, rows))
    }

    /// The rows that were refused, each with the reason.
    ///
    /// # Errors
    /// As [`successes`](Self::successes).
    pub async fn failures(&self) -> Result<Outcomes<Failure>> {
        let info = self.done().await?;
        Ok(Outcomes::new(self, File::Failed, &info, info.number_records_failed))
    }

    /// The rows that were never tried, because the job ended before it came to them.
    ///
    /// # Errors
    /// As [`successes`](Self::successes).
    pub async fn unprocessed(&self) -> Result<Outcomes<Echo>> {
        let info = self.done().await?;
        let rows = self.sent.zip(info.number_records_processed).map(|(s, p)| s.saturating_sub(p));
        Ok(Outcomes::new(self, File::Unprocessed, &info, rows))
    }

    pub(super) async fn done(&self) -> Result<JobInfo> {
        let info = self.info().await?;
        if !info.state.is_final() {
            let text = format!("its outcomes are there once it is finished; it is {:?}", info.state);
            return Err(self.handle.fail(ErrorKind::NotFinished, text));
        }
        Ok(info)
    }
}
