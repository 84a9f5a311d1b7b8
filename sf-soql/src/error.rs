//! What can go wrong between a name and a query.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::check::{Problem, ProblemKind};

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure an [`Error`] is. Nothing here is retried by this crate; the calls to the org that
/// stand behind [`ErrorKind::Org`] were, as the client's policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The query cannot be written: a name, a value or a combination that SOQL does not have.
    InvalidQuery,
    /// The org has no such object, or its user may not see it.
    UnknownObject,
    /// The object has no such field, or the user may not see it.
    UnknownField,
    /// The object or the field is there and cannot be used for this; the message says why.
    Unusable,
    /// The query makes a longer URL than orgs take.
    TooLong,
    /// The org no longer has the cursor by which the next page is asked for.
    CursorExpired,
    /// A row is not what the caller reads it as. The next row can be read all the same.
    Row,
    /// A page with all children of its rows is larger than the caller allowed.
    TooLarge,
    /// Reading or writing on this machine failed.
    Io,
    /// The call to the org failed: see [`Error::org`].
    Org,
}

/// An error of this crate. Cheap to clone, since all who wait for one describe get the same one.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    org: Option<Arc<sf_core::Error>>,
    problems: Vec<Problem>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), org: None, problems: Vec::new() }))
    }

    pub(crate) fn with_org(kind: ErrorKind, message: impl Into<String>, org: sf_core::Error) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            org: Some(Arc::new(org)),
            problems: Vec::new(),
        }))
    }

    /// An error that says more about the failure behind another one.
    pub(crate) fn with_shared_org(kind: ErrorKind, message: impl Into<String>, other: &Self) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            org: other.0.org.clone(),
            problems: Vec::new(),
        }))
    }

    /// Nothing where there is no problem, else an error of all of them, a line each.
    pub(crate) fn of_problems(object: &str, problems: Vec<Problem>) -> Result<()> {
        let Some(first) = problems.first() else { return Ok(()) };
        let kind = match first.kind {
            ProblemKind::UnknownObject => ErrorKind::UnknownObject,
            ProblemKind::UnknownField => ErrorKind::UnknownField,
            ProblemKind::WrongType => ErrorKind::InvalidQuery,
            _ => ErrorKind::Unusable,
        };
        let message = match problems.as_slice() {
            [one] => one.to_string(),
            several => {
                let lines: Vec<_> = several.iter().map(|p| format!("\n  {p}")).collect();
                format!("the query of {object} has {} problems:{}", several.len(), lines.concat())
            }
        };
        Err(Self(Arc::new(Inner { kind, message, org: None, problems })))
    }

    /// What is wrong with a query that was [checked](crate::DescribeCache::check), in the order in which it
    /// was found; empty for any other error.
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The failure of the call to the org that this came from, where it came from one.
    pub fn org(&self) -> Option<&sf_core::Error> {
        self.0.org.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("org", &self.0.org)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.org().map(|e| e as _)
    }
}

/// ` Did you mean A or B?`, from names that are near enough to the wrong one to be a slip; empty where none is.
pub(crate) fn did_you_mean<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> String {
    let wrong = wrong.to_ascii_lowercase();
    let mut near: Vec<(f64, &str)> = names
        .map(|name| (strsim::jaro_winkler(&wrong, &name.to_ascii_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= 0.85)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let names: Vec<&str> = near.into_iter().take(3).map(|(_, name)| name).collect();
    if names.is_empty() { String::new() } else { format!(" Did you mean {}?", names.join(" or ")) }
}
