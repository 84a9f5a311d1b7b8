//! What a client's error says, the same for all crates.

use std::error::Error;
use std::fmt::Write as _;

/// An error as a caller sees it.
#[derive(Debug, Clone)]
pub(crate) struct Failed {
    /// The kind; that of the call's own error, where the crate's kind only says that a call failed.
    pub(crate) kind: String,
    /// Whether it says that the org may have done what was asked.
    pub(crate) open: bool,
    /// The job that it names as data.
    pub(crate) job: Option<String>,
    /// How many rows were written before it, where it tells.
    pub(crate) written: Option<u64>,
    /// The line that is shown.
    pub(crate) shown: String,
    /// Everything that can be had of it: shown, debugged, and its causes.
    pub(crate) all: String,
}

impl Failed {
    fn new(kind: String, error: &dyn Error, debug: &str) -> Self {
        let mut all = format!("{error}\n{debug}");
        let mut cause = error.source();
        while let Some(error) = cause {
            // Writing to a text cannot fail.
            let _ = write!(all, "\n{error}\n{error:?}");
            cause = error.source();
        }
        Self { kind, open: false, job: None, written: None, shown: error.to_string(), all }
    }

    /// As the table writes it.
    pub(crate) fn cell(&self) -> String {
        if self.open { format!("error({}, open)", self.kind) } else { format!("error({})", self.kind) }
    }
}

impl From<sf_auth::Error> for Failed {
    fn from(error: sf_auth::Error) -> Self {
        Self::new(format!("{:?}", error.kind()), &error, &format!("{error:?}"))
    }
}

impl From<sf_core::Error> for Failed {
    fn from(error: sf_core::Error) -> Self {
        let open = error.outcome_unknown();
        Self { open, ..Self::new(format!("{:?}", error.kind()), &error, &format!("{error:?}")) }
    }
}

impl From<sf_soql::Error> for Failed {
    fn from(error: sf_soql::Error) -> Self {
        let kind = match error.org() {
            Some(call) if error.kind() == sf_soql::ErrorKind::Org => format!("{:?}", call.kind()),
            _ => format!("{:?}", error.kind()),
        };
        Self::new(kind, &error, &format!("{error:?}"))
    }
}

impl From<sf_bulk2::Error> for Failed {
    fn from(error: sf_bulk2::Error) -> Self {
        let kind = match error.api_error() {
            Some(call) if error.kind() == sf_bulk2::ErrorKind::Api => format!("{:?}", call.kind()),
            _ => format!("{:?}", error.kind()),
        };
        let job = error.job().map(|job| job.to_string());
        let written = error.loaded().map(sf_bulk2::Loaded::succeeded);
        Self { job, written, ..Self::new(kind, &error, &format!("{error:?}")) }
    }
}
