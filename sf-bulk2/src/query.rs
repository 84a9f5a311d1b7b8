//! Query jobs: made, waited for, read, and never ended because a client lost patience.

use serde::Serialize;
use sf_core::poll::PollPolicy;
use sf_core::{ApiVersion, Client, Id};

use crate::handle::{Handle, Kind};
use crate::{Error, ErrorKind, JobInfo, JobState, Operation, Pages, Position, Result};

/// A query to be run as a job. The text is any SOQL that the Bulk API takes.
#[derive(Debug, Clone, Serialize)]
#[must_use]
pub struct Query {
    operation: Operation,
    query: String,
}

impl Query {
    /// A query over the rows that are not deleted.
    pub fn new(soql: impl Into<String>) -> Self {
        Self { operation: Operation::Query, query: soql.into() }
    }

    /// Reads deleted and archived rows as well.
    pub fn all(mut self) -> Self {
        self.operation = Operation::QueryAll;
        self
    }

    /// Makes the job, under the client's API version.
    ///
    /// Where the answer is lost, another job is made: the lost one costs the org one of its daily jobs
    /// and holds nothing that could be written twice.
    ///
    /// # Errors
    /// [`ErrorKind::Api`] where the org refuses the query.
    pub async fn create(&self, client: &Client) -> Result<QueryJob> {
        let (handle, _, orphans) = Handle::create(client, Kind::Query, self).await?;
        Ok(QueryJob { handle, orphans })
    }
}

/// A query job of an org.
#[derive(Debug, Clone)]
pub struct QueryJob {
    handle: Handle,
    orphans: u32,
}

impl QueryJob {
    /// A job that was made earlier, perhaps by another process. Its results can be fetched only under
    /// the version that it was made with.
    #[must_use]
    pub fn attach(client: &Client, id: Id, version: ApiVersion) -> Self {
        Self { handle: Handle { client: client.clone(), id, version, kind: Kind::Query }, orphans: 0 }
    }

    /// The job's id.
    pub fn id(&self) -> Id {
        self.handle.id
    }

    /// The job's API version.
    pub fn api_version(&self) -> ApiVersion {
        self.handle.version
    }

    /// How many answers to the job's creation were lost: as many jobs may stand in the org that nobody
    /// reads. They count for the day's allowance and change nothing.
    pub fn orphans(&self) -> u32 {
        self.orphans
    }

    pub(crate) fn client(&self) -> &Client {
        &self.handle.client
    }

    /// Asks how the job stands.
    ///
    /// # Errors
    /// [`ErrorKind::JobGone`] where the org does not know it.
    pub async fn info(&self) -> Result<JobInfo> {
        self.handle.info().await
    }

    /// Waits until the result is complete.
    ///
    /// # Errors
    /// [`ErrorKind::JobFailed`] with the org's message, [`ErrorKind::JobAborted`],
    /// [`ErrorKind::JobGone`], or [`ErrorKind::Deadline`]: then the job goes on in the org, and
    /// [`attach`](Self::attach) finds it again.
    pub async fn wait(&self, policy: &PollPolicy) -> Result<JobInfo> {
        let mut polls = policy.start();
        loop {
            if let Some(info) = self.finished().await? {
                return Ok(info);
            }
            if !polls.pause().await {
                let text =
                    "not finished within the deadline; it goes on in the org and can be resumed by its id";
                return Err(self.handle.fail(ErrorKind::Deadline, text));
            }
        }
    }

    async fn finished(&self) -> Result<Option<JobInfo>> {
        let info = self.info().await?;
        match info.state {
            JobState::JobComplete => Ok(Some(info)),
            JobState::Failed => {
                let said = info.error_message.as_deref().unwrap_or("no reason given");
                Err(self.handle.fail(ErrorKind::JobFailed, format!("failed in the org: {said}")))
            }
            JobState::Aborted => {
                Err(self.handle.fail(ErrorKind::JobAborted, "aborted by somebody in the org"))
            }
            _ => Ok(None),
        }
    }

    /// The pages of the result from a position on. Nothing is fetched yet.
    #[must_use]
    pub fn pages(&self, from: Position) -> Pages {
        Pages::new(self.clone(), from)
    }

    /// Ends the job. Only jobs that are not finished can be ended.
    ///
    /// # Errors
    /// [`ErrorKind::Api`] where the org refuses.
    pub async fn abort(&self) -> Result<()> {
        self.handle.set_state(JobState::Aborted, "it could not be aborted").await
    }

    /// Deletes a finished job and its result.
    ///
    /// # Errors
    /// [`ErrorKind::Api`] where the org refuses. A job that it does not know is deleted already.
    pub async fn delete(&self) -> Result<()> {
        self.handle.delete().await
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        self.handle.path(rest)
    }

    pub(crate) fn error(&self, what: &str, error: sf_core::Error) -> Error {
        self.handle.error(what, error)
    }
}
