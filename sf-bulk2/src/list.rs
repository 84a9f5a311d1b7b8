//! The jobs of an org.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sf_core::{Client, Id};

use crate::handle::Kind;
use crate::{Error, ErrorKind, JobInfo, Result};

/// What kind of job one is, in the org's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum JobType {
    /// A load into a big object.
    BigObjectIngest,
    /// A job of the Bulk API before 2.0.
    Classic,
    /// A load.
    V2Ingest,
    /// A query.
    V2Query,
}

impl JobType {
    fn as_str(self) -> &'static str {
        match self {
            Self::BigObjectIngest => "BigObjectIngest",
            Self::Classic => "Classic",
            Self::V2Ingest => "V2Ingest",
            Self::V2Query => "V2Query",
        }
    }
}

/// Lists jobs of the last seven days, whoever made them.
///
/// ```no_run
/// # async fn f(org: &sf_core::Client) -> sf_bulk2::Result<()> {
/// use sf_bulk2::{JobState, JobType, Jobs};
///
/// let mut jobs = Jobs::ingest().job_type(JobType::V2Ingest).list(org);
/// while let Some(job) = jobs.next_job().await? {
///     if job.state == JobState::Failed {
///         println!("{} {}: {:?}", job.id, job.object, job.error_message);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Jobs {
    kind: Kind,
    filters: Vec<(&'static str, String)>,
}

impl Jobs {
    fn new(kind: Kind) -> Self {
        Self { kind, filters: Vec::new() }
    }

    /// The list of loads. Without a [`job_type`](Self::job_type) an org also names jobs of other kinds.
    pub fn ingest() -> Self {
        Self::new(Kind::Ingest)
    }

    /// The list of queries. Without a [`job_type`](Self::job_type) an org also names jobs of other kinds.
    pub fn query() -> Self {
        Self::new(Kind::Query)
    }

    fn filter(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.filters.retain(|(n, _)| *n != name);
        self.filters.push((name, value.into()));
        self
    }

    /// Only jobs of this kind.
    pub fn job_type(self, job_type: JobType) -> Self {
        self.filter("jobType", job_type.as_str())
    }

    /// Only jobs for which the org does, or does not, split the query by ids.
    pub fn pk_chunking(self, enabled: bool) -> Self {
        self.filter("isPkChunkingEnabled", enabled.to_string())
    }

    /// Only jobs of this mode, `Parallel` for all of the Bulk API 2.0.
    pub fn concurrency_mode(self, mode: impl Into<String>) -> Self {
        self.filter("concurrencyMode", mode)
    }

    /// Begins to list. Nothing is asked yet.
    #[must_use]
    pub fn list(self, client: &Client) -> JobList {
        JobList { client: client.clone(), next: Next::First(self), page: VecDeque::new(), date: None }
    }
}

/// Jobs as the org lists them, page by page. Made by [`Jobs::list`].
#[derive(Debug)]
pub struct JobList {
    client: Client,
    next: Next,
    page: VecDeque<Value>,
    date: Option<DateTime<Utc>>,
}

#[derive(Debug)]
enum Next {
    First(Jobs),
    Url(String),
    End,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    done: bool,
    records: VecDeque<Value>,
    #[serde(default)]
    next_records_url: Option<String>,
}

impl JobList {
    /// When the org sent the page in hand, by its own clock.
    pub(crate) fn date(&self) -> Option<DateTime<Utc>> {
        self.date
    }

    /// The next job; `None` after the last one.
    ///
    /// The lists hold jobs of other APIs too: what they have otherwise than a job of this API, or not at all, is
    /// left out. A job without an id or a version is an error, behind which the list goes on.
    ///
    /// # Errors
    /// [`ErrorKind::Api`], and [`ErrorKind::Headers`] where the org says that there are more jobs and not where.
    pub async fn next_job(&mut self) -> Result<Option<JobInfo>> {
        loop {
            if let Some(job) = self.page.pop_front() {
                return self.read(job).map(Some);
            }
            let request = match &self.next {
                Next::First(jobs) => {
                    let request = self.client.get(jobs.kind.path());
                    jobs.filters.iter().fold(request, |r, (name, value)| r.query(name, value))
                }
                Next::Url(url) => self.client.get(url.as_str()),
                Next::End => return Ok(None),
            };
            let failed = |e| Error::api(None, "the jobs could not be listed", e);
            let answer = request.json_answer().response().await.map_err(failed)?;
            let page: Page = answer.parse("the list of jobs").map_err(failed)?;
            self.date = answer.date();
            self.next = match (page.done, page.next_records_url) {
                (true, _) => Next::End,
                (false, Some(url)) if !matches!(&self.next, Next::Url(now) if *now == url) => Next::Url(url),
                _ => {
                    let text = "the list of jobs goes on, and the org does not say where";
                    return Err(Error::new(ErrorKind::Headers, None, text));
                }
            };
            self.page = page.records;
        }
    }

    fn read(&self, job: Value) -> Result<JobInfo> {
        let id = job.get("id").and_then(|id| id.as_str()?.parse::<Id>().ok());
        serde_json::from_value(job).map_err(|e| {
            let text = "the job is not the JSON that the API documents";
            let error = sf_core::Error::new(sf_core::ErrorKind::Protocol, text).with_source(e);
            Error::api(id, "the list has a job that cannot be read", error)
        })
    }

    /// The jobs as a stream. It ends after an error.
    pub fn stream(self) -> impl Stream<Item = Result<JobInfo>> {
        futures_util::stream::try_unfold(self, |mut list| async move {
            Ok(list.next_job().await?.map(|job| (job, list)))
        })
    }
}
