//! What can go wrong with a job, always with the job's id.

use std::error::Error as StdError;
use std::fmt;

use sf_core::Id;

use crate::{Loaded, Retried};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A call failed; [`Error::api_error`] says how and whether it was retried.
    Api,
    /// The caller gave something that cannot work, for example data that is no CSV; the text names the line.
    /// Nothing was sent of what it is about.
    InvalidInput,
    /// The org gave the job up (`Failed`); its message is in the text. The job cannot be resumed. Rows that
    /// it had written stay written: its outcomes tell which.
    JobFailed,
    /// Somebody aborted the job. It cannot be resumed.
    JobAborted,
    /// The org does not know the job, or no longer: results are kept for seven days.
    JobGone,
    /// What was asked for is there only once the job is finished.
    NotFinished,
    /// Whether the data arrived is not known. It must not be sent into the same job again: abort this job,
    /// and send the data into another. A load does so by itself.
    UploadLost,
    /// What became of some rows is not known: the counts of the job and its outcome files do not add up, or
    /// a job that may exist could not be found. Nothing is sent again; a person has to look.
    InDoubt,
    /// The caller's deadline passed. The job goes on in the org and can be resumed by its id.
    Deadline,
    /// A page is not the CSV that the API documents. Fetching it again would give the same.
    Csv,
    /// A row does not fit the caller's type.
    Row,
    /// The rows do not add up to what the org said, also after fetching again.
    Counts,
    /// The answer lacks a header without which nothing can be said about the pages that follow.
    Headers,
    /// Reading or writing on this machine failed: the caller's source or writer, a temporary file, or a file that was
    /// changed while it was loaded.
    Io,
}

/// An error of a job.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    job: Option<Id>,
    source: Option<Source>,
    loaded: Option<Loaded>,
    retried: Option<Retried>,
    orphans: u32,
}

enum Source {
    Api(sf_core::Error),
    Other(Box<dyn StdError + Send + Sync>),
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, job: impl Into<Option<Id>>, message: impl Into<String>) -> Self {
        let (message, job) = (message.into(), job.into());
        Self(Box::new(Inner { kind, message, job, source: None, loaded: None, retried: None, orphans: 0 }))
    }

    pub(crate) fn api(job: impl Into<Option<Id>>, what: &str, error: sf_core::Error) -> Self {
        let mut this = Self::new(ErrorKind::Api, job, what);
        this.0.source = Some(Source::Api(error));
        this
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Source::Other(source.into()));
        self
    }

    /// The call whose answer was lost.
    pub(crate) fn lost_answer(&self) -> Option<sf_core::Error> {
        let source = self.source().and_then(|e| e.downcast_ref::<sf_core::Error>());
        source.cloned()
    }

    /// Adds empty jobs that nobody knows.
    pub(crate) fn with_orphans(mut self, orphans: u32) -> Self {
        self.0.orphans += orphans;
        self
    }

    pub(crate) fn with_loaded(mut self, loaded: Loaded) -> Self {
        self.0.loaded = Some(loaded);
        self
    }

    pub(crate) fn take_loaded(&mut self) -> Option<Loaded> {
        self.0.loaded.take()
    }

    pub(crate) fn with_retried(mut self, retried: Retried) -> Self {
        self.0.retried = Some(retried);
        self
    }

    /// What [`Loaded::retry_locked`] had done when it failed: all its rounds, the one that failed included.
    pub fn retried(&self) -> Option<&Retried> {
        self.0.retried.as_ref()
    }

    /// What a load had done when it stopped: its jobs, and how many of its rows it had got to.
    pub fn loaded(&self) -> Option<&Loaded> {
        self.0.loaded.as_ref()
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The job, where there is one already.
    pub fn job(&self) -> Option<Id> {
        self.0.job
    }

    /// The failed call, for [`ErrorKind::Api`]: its kind, status and the org's own codes.
    pub fn api_error(&self) -> Option<&sf_core::Error> {
        match &self.0.source {
            Some(Source::Api(error)) => Some(error),
            _ => None,
        }
    }

    /// How many answers to the creation of a job were lost before this error: as many empty jobs may stand in the org for
    /// a day.
    pub fn orphans(&self) -> u32 {
        self.0.orphans
    }

    /// Whether a daily allowance of the org is used up: waiting helps, repeating at once does not.
    pub fn is_daily_limit(&self) -> bool {
        self.api_error().is_some_and(sf_core::Error::is_daily_limit)
    }
}

/// An error with all its causes, where nobody can ask for them later.
pub(crate) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.job {
            Some(job) => write!(f, "job {job}: {}", self.0.message)?,
            None => f.write_str(&self.0.message)?,
        }
        match (&self.0.loaded, &self.0.retried) {
            (Some(loaded), _) => write!(f, "\n  {loaded}"),
            (None, Some(retried)) => write!(f, "\n  {retried}"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("job", &self.0.job)
            .field("source", &self.source())
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.source {
            Some(Source::Api(error)) => Some(error),
            Some(Source::Other(error)) => Some(&**error),
            None => None,
        }
    }
}
