//! Query jobs: made, waited for, read, and never ended because a client lost patience.

use serde::Serialize;
use sf_core::poll::PollPolicy;
use sf_core::{ApiVersion, Client, Id};

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
        let info: JobInfo = client
            .post("jobs/query")
            .json_body(self)
            .repeatable(true)
            .json()
            .await
            .map_err(|e| Error::api(None, "the query job could not be made", e))?;
        tracing::debug!(job = %info.id, object = info.object, "query job made");
        Ok(QueryJob { client: client.clone(), id: info.id, version: info.api_version })
    }
}

/// A query job of an org.
#[derive(Debug, Clone)]
pub struct QueryJob {
    client: Client,
    id: Id,
    version: ApiVersion,
}

impl QueryJob {
    /// A job that was made earlier, perhaps by another process. Its results can be fetched only under
    /// the version that it was made with.
    #[must_use]
    pub fn attach(client: &Client, id: Id, version: ApiVersion) -> Self {
        Self { client: client.clone(), id, version }
    }

    /// The job's id.
    pub fn id(&self) -> Id {
        self.id
    }

    /// The job's API version.
    pub fn api_version(&self) -> ApiVersion {
        self.version
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Asks how the job stands.
    ///
    /// # Errors
    /// [`ErrorKind::JobGone`] where the org does not know it.
    pub async fn info(&self) -> Result<JobInfo> {
        self.client
            .get(self.path(""))
            .version(self.version)
            .json()
            .await
            .map_err(|e| self.error("its state could not be read", e))
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
                return Err(Error::new(ErrorKind::Deadline, self.id, text));
            }
        }
    }

    async fn finished(&self) -> Result<Option<JobInfo>> {
        let info = self.info().await?;
        match info.state {
            JobState::JobComplete => Ok(Some(info)),
            JobState::Failed => {
                let said = info.error_message.as_deref().unwrap_or("no reason given");
                Err(Error::new(ErrorKind::JobFailed, self.id, format!("failed in the org: {said}")))
            }
            JobState::Aborted => {
                Err(Error::new(ErrorKind::JobAborted, self.id, "aborted by somebody in the org"))
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
        #[derive(Serialize)]
        struct State {
            state: &'static str,
        }
        let state = State { state: "Aborted" };
        self.client
            .patch(self.path(""))
            .version(self.version)
            .json_body(&state)
            .response()
            .await
            .map(drop)
            .map_err(|e| self.error("it could not be aborted", e))
    }

    /// Deletes a finished job and its result.
    ///
    /// # Errors
    /// [`ErrorKind::Api`] where the org refuses.
    pub async fn delete(&self) -> Result<()> {
        let answer =
            self.client.delete(self.path("")).version(self.version).repeatable(true).response().await;
        match answer {
            // A repeated delete whose first answer was lost finds nothing left to delete.
            Err(e) if e.kind() == sf_core::ErrorKind::NotFound => Ok(()),
            other => other.map(drop).map_err(|e| self.error("it could not be deleted", e)),
        }
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("jobs/query/{}{rest}", self.id)
    }

    pub(crate) fn error(&self, what: &str, error: sf_core::Error) -> Error {
        if error.kind() == sf_core::ErrorKind::NotFound {
            let text = "the org does not know it (any more): results are kept for seven days";
            return Error::new(ErrorKind::JobGone, self.id, text).with_source(error);
        }
        Error::api(self.id, what, error)
    }
}
