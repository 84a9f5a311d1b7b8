//! What can go wrong with offsets.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::kafka;

/// A result of this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The topic or file cannot serve as a store: it is not compacted, or holds something else. Never retried.
    Unfit,
    /// An offset is there and says nothing that we understand. Never retried.
    NotUnderstood,
    /// Another process uses the store. Never retried.
    InUse,
    /// Reading or writing a file failed, a full disk for instance. What stood there still stands.
    Io,
    /// The cluster could not be asked or did not take it; [`Error::is_retriable`] says whether later may help.
    Kafka,
}

/// An error of an offset store: a kind, a sentence that names topic or file, and what to do.
///
/// `Display` is one line and never repeats `source()`.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    retriable: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), hint: None, retriable: false, source: None }))
    }

    /// A Kafka error, with what was tried before it.
    pub(super) fn kafka(what: impl fmt::Display, error: kafka::Error) -> Self {
        let mut made = Self::new(ErrorKind::Kafka, format!("{what}: {error}"));
        made.0.retriable = error.is_retriable();
        made.0.hint = error.hint().map(str::to_owned);
        made
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the cause. `Display` must not repeat it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What the user can do about it, where we know.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Whether the same thing may well succeed later without anyone changing anything.
    pub fn is_retriable(&self) -> bool {
        self.0.retriable
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}
