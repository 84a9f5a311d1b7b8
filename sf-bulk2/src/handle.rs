//! What every job has: an id, a version, a state that can be asked for and changed.

use http::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sf_core::client::{Collected, RequestBuilder};
use sf_core::{ApiVersion, Client, Id};

use crate::pages::incomplete;
use crate::{Error, ErrorKind, JobInfo, JobState, Result};

/// Where the jobs of a kind stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Query,
    Ingest,
}

impl Kind {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Query => "jobs/query",
            Self::Ingest => "jobs/ingest",
        }
    }
}

/// A job of an org.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    pub(crate) client: Client,
    pub(crate) id: Id,
    pub(crate) version: ApiVersion,
    pub(crate) kind: Kind,
}

impl Handle {
    /// Makes a job that holds nothing yet. Where the answer is lost another one is made, and the number of
    /// those that may stand in the org without anybody knowing them is returned beside it.
    pub(crate) async fn create(
        client: &Client,
        kind: Kind,
        settings: &impl Serialize,
    ) -> Result<(Self, JobInfo, u32)> {
        let mut attempts = client.retry().start();
        let mut orphans = 0;
        loop {
            let answer = client.post(kind.path()).json_body(settings).json::<JobInfo>().await;
            let error = match answer {
                Ok(info) => {
                    tracing::debug!(job = %info.id, object = info.object, orphans, "job made");
                    let handle =
                        Self { client: client.clone(), id: info.id, version: info.api_version, kind };
                    return Ok((handle, info, orphans));
                }
                Err(error) => error,
            };
            let lost = error.outcome_unknown();
            orphans += u32::from(lost);
            let refused = |e| {
                let many = match orphans {
                    0 => String::new(),
                    _ => format!(
                        "; {orphans} answers were lost: as many jobs may stand in the org that nobody uses"
                    ),
                };
                Error::api(None, &format!("the job could not be made{many}"), e).with_orphans(orphans)
            };
            // What was surely not done has been tried often enough by the client itself.
            if !lost {
                return Err(refused(error));
            }
            attempts.pause_after(error, true).await.map_err(refused)?;
        }
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("{}/{}{rest}", self.kind.path(), self.id)
    }

    pub(crate) fn request(&self, method: Method, rest: &str) -> RequestBuilder<'_> {
        self.client.request(method, self.path(rest)).version(self.version)
    }

    pub(crate) async fn info(&self) -> Result<JobInfo> {
        self.json("", "its state could not be read").await
    }

    pub(crate) async fn json<T: DeserializeOwned>(&self, rest: &str, failed: &str) -> Result<T> {
        self.request(Method::GET, rest).json().await.map_err(|e| self.error(failed, e))
    }

    /// Asks for a state. Where the answer is lost, how the job stands decides whether to ask again; where
    /// that cannot be had either, nobody knows, and that is the error.
    pub(crate) async fn set_state(&self, wanted: JobState, failed: &str) -> Result<()> {
        #[derive(Serialize)]
        struct State {
            state: JobState,
        }
        let mut attempts = self.client.retry().start();
        let mut lost = false;
        loop {
            let state = State { state: wanted };
            let error = match self.request(Method::PATCH, "").json_body(&state).response().await {
                Ok(answer) if says(&answer, wanted) => return Ok(()),
                // Something on the way may say that all is well, and the org has seen nothing.
                Ok(_) => incomplete("the answer does not say that the job has the state that was asked for")
                    .with_outcome_unknown(true),
                Err(error) => error,
            };
            lost |= error.outcome_unknown();
            // A refusal can be the echo of an earlier try that did arrive.
            if !lost {
                return Err(self.error(failed, error));
            }
            let info = self.info().await.map_err(|e| {
                let text =
                    format!("in doubt: {failed}, or it was and the answer was lost; ask for its state");
                self.fail(ErrorKind::InDoubt, text).with_source(e)
            })?;
            if reached(wanted, info.state) {
                return Ok(());
            }
            let error = error.with_outcome_unknown(true);
            attempts.pause_after(error, true).await.map_err(|e| self.error(failed, e))?;
        }
    }

    pub(crate) async fn delete(&self) -> Result<()> {
        match self.request(Method::DELETE, "").repeatable(true).response().await {
            // What is gone is deleted; and a repeated delete whose first answer was lost finds nothing left.
            Err(e) if e.kind() == sf_core::ErrorKind::NotFound => Ok(()),
            other => other.map(drop).map_err(|e| self.error("it could not be deleted", e)),
        }
    }

    pub(crate) fn fail(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(kind, self.id, message)
    }

    pub(crate) fn error(&self, what: &str, error: sf_core::Error) -> Error {
        // In the org's own words: a page says that there is no such host any more, or no such way to it.
        if error.kind() == sf_core::ErrorKind::NotFound && !error.api_errors().is_empty() {
            let text = "the org does not know it (any more): results are kept for seven days";
            return self.fail(ErrorKind::JobGone, text).with_source(error);
        }
        Error::api(self.id, what, error)
    }
}

/// Whether an answer is the job, in the state where it was wanted.
fn says(answer: &Collected, wanted: JobState) -> bool {
    #[derive(Deserialize)]
    struct Job {
        state: JobState,
    }
    serde_json::from_slice::<Job>(&answer.body).is_ok_and(|job| reached(wanted, job.state))
}

/// Whether a job that is in `state` has been where it was wanted.
fn reached(wanted: JobState, state: JobState) -> bool {
    match wanted {
        JobState::UploadComplete => !matches!(state, JobState::Open | JobState::Other),
        other => state == other,
    }
}
