//! Looking for a job that may have been made with its data, because the answer to that was lost.
//!
//! What is found is only read: it may be somebody else's.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sf_core::poll::PollPolicy;
use sf_core::{Client, Id};
use tokio::time::Instant;

use super::single::{Rows, user};
use super::{Ingest, IngestJob};
use crate::error::chain;
use crate::{Error, ErrorKind, JobInfo, JobType, Jobs, Result};

/// How long a job that was made may take to be in the org's list.
const PATIENCE: Duration = Duration::from_secs(60);

/// An org may round the second in which a job was made down, and its `Date` as well.
const ROUNDING: TimeDelta = TimeDelta::seconds(2);

/// Why the job was not found, and which one could not be asked.
pub(super) struct NotFound {
    pub(super) job: Option<Id>,
    pub(super) why: String,
}

/// What is known of the job.
pub(super) struct Search<'s> {
    client: &'s Client,
    ingest: &'s Ingest,
    rows: Rows,
    count: u64,
    sent: Instant,
    user: Option<Id>,
    /// When it was sent, by the org's clock.
    since: Option<DateTime<Utc>>,
    /// The jobs that were looked into, and how those ended that have the same rows.
    judged: HashMap<Id, Option<JobInfo>>,
}

impl<'s> Search<'s> {
    pub(super) fn new(client: &'s Client, ingest: &'s Ingest, rows: Rows, count: u64, sent: Instant) -> Self {
        Self { client, ingest, rows, count, sent, user: None, since: None, judged: HashMap::new() }
    }

    /// The one job of the org's list that was made by this user for this object and operation, not before it
    /// was sent, and whose outcomes are of just these rows.
    pub(super) async fn run(mut self) -> Result<(IngestJob, JobInfo), NotFound> {
        let poll = self.ingest.loading.poll;
        let deadline = poll.deadline.map_or(PATIENCE, |deadline| deadline.min(PATIENCE));
        let mut polls = PollPolicy { deadline: Some(deadline), ..poll }.start();
        loop {
            let failed = self.look().await.err();
            let mut found: Vec<JobInfo> = self.judged.values().flatten().cloned().collect();
            if found.len() > 1 {
                let ids: Vec<_> = found.iter().map(|info| info.id.to_string()).collect();
                return Err(NotFound {
                    job: None,
                    why: format!("the jobs {} all have its rows", ids.join(", ")),
                });
            }
            if let Some(error) = &failed {
                tracing::debug!(%error, "looking for a job whose creation got no answer");
            } else if let Some(info) = found.pop() {
                let job = IngestJob::attach(self.client, info.id, info.api_version);
                return Ok((job.expect_rows(Some(self.count)), info));
            }
            let tired = failed.as_ref().is_some_and(|error| error.kind() == ErrorKind::Deadline);
            if tired || !polls.pause().await {
                return Err(match failed {
                    Some(error) => NotFound { job: error.job(), why: chain(&error) },
                    None => NotFound {
                        job: None,
                        why: "no job that this user made since has its rows, and one may be on its way yet"
                            .to_owned(),
                    },
                });
            }
        }
    }

    /// Looks into all jobs of the list that it may be.
    async fn look(&mut self) -> Result<()> {
        let user = match self.user {
            Some(user) => user,
            None => {
                let who = user(self.client).await;
                let who = who.map_err(|e| Error::api(None, "the org does not say who the user is", e))?;
                let unsaid = || Error::new(ErrorKind::Headers, None, "the org does not say who the user is");
                *self.user.insert(who.ok_or_else(unsaid)?)
            }
        };
        let mut list = Jobs::ingest().job_type(JobType::V2Ingest).list(self.client);
        let mut candidates = Vec::new();
        while let Some(info) = list.next_job().await? {
            let since = match self.since {
                Some(since) => since,
                None => *self.since.insert(self.sent_at(list.date())?),
            };
            if self.ingest.may_be(&info, user, since, self.client) && !self.judged.contains_key(&info.id) {
                candidates.push(info);
            }
        }
        for info in candidates {
            let verdict = self.judge(&info).await?;
            self.judged.insert(info.id, verdict);
        }
        Ok(())
    }

    /// When it was sent by the org's clock, from what that says now.
    fn sent_at(&self, now: Option<DateTime<Utc>>) -> Result<DateTime<Utc>> {
        let undated = || Error::new(ErrorKind::Headers, None, "the org's list of jobs came without a date");
        let ago = TimeDelta::from_std(self.sent.elapsed()).unwrap_or(TimeDelta::MAX);
        now.and_then(|now| now.checked_sub_signed(ago)?.checked_sub_signed(ROUNDING)).ok_or_else(undated)
    }

    /// Whether a job has tried more rows than were sent: then it is another, and may run for hours yet.
    async fn has_more(&self, job: &IngestJob) -> Result<bool> {
        let mut polls = self.ingest.loading.poll.start();
        loop {
            let info = job.info().await?;
            let more = info.number_records_processed.is_some_and(|tried| tried > self.count);
            if more || info.state.is_final() {
                return Ok(more);
            }
            if !polls.pause().await {
                return Err(job.unfinished());
            }
        }
    }

    /// Waits for the end of a job and compares its rows: how it ended, if they are the same.
    async fn judge(&self, listed: &JobInfo) -> Result<Option<JobInfo>> {
        let job = IngestJob::attach(self.client, listed.id, listed.api_version);
        let another = |error: &Error| {
            let kinds = [ErrorKind::InDoubt, ErrorKind::Counts, ErrorKind::Csv, ErrorKind::JobGone];
            kinds.contains(&error.kind())
        };
        let ended = match self.has_more(&job).await {
            Ok(true) => return Ok(None),
            Ok(false) => job.clone().expect_rows(Some(self.count)).finished(&self.ingest.loading.poll).await,
            Err(error) => Err(error),
        };
        let info = match ended {
            Ok(info) => info,
            Err(error) if another(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        match self.rows.clone().are_of(&job).await {
            Ok(same) => Ok(same.then_some(info)),
            Err(error) if another(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
