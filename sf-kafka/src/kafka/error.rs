//! What can go wrong between us and a Kafka cluster.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// A result of this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A client setting is unknown, has a wrong value or asks for what this client cannot do. Never retried.
    Setting,
    /// No broker answered in time, or the one that has to is away. librdkafka has retried it until
    /// `delivery.timeout.ms`; trying again later is right.
    Unreachable,
    /// The cluster refused the login, or TLS could not be agreed. Never retried.
    Authentication,
    /// The login may not do this. Never retried.
    Authorization,
    /// A topic or partition does not exist. Never retried.
    UnknownTopic,
    /// A record is larger than the producer or the topic takes. Never retried.
    TooLarge,
    /// The cluster refused the request or the record for another reason. Never retried.
    Refused,
    /// A newer process has taken over from this one. Never retried.
    Superseded,
    /// The client was closed while records were on their way: whether they arrived is not known.
    Closed,
    /// The client can no longer be used; a new one has to be made.
    Fatal,
}

/// An error of the Kafka side: a kind, a sentence, what it is about, and what to do.
///
/// `Display` is one line and never repeats `source()`.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    topic: Option<String>,
    size: usize,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind. The message says what was tried, on what, and what came of it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            hint: None,
            topic: None,
            size: 0,
            source: None,
        }))
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the topic that it is about.
    #[must_use]
    pub fn with_topic(mut self, topic: impl Into<String>) -> Self {
        self.0.topic = Some(topic.into());
        self
    }

    /// Adds the size in bytes (key and value) of the record that it is about.
    #[must_use]
    pub fn with_size(mut self, size: usize) -> Self {
        self.0.size = size;
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

    /// Whether the same thing may well succeed later without anyone changing anything.
    pub fn is_retriable(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Unreachable)
    }

    /// What the user can do about it, where we know.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The topic that it is about, where there is one.
    pub fn topic(&self) -> Option<&str> {
        self.0.topic.as_deref()
    }

    /// The size in bytes of the record that it is about; 0 where there is none.
    pub fn size(&self) -> usize {
        self.0.size
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, message, hint, topic, size, source } = &*self.0;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("message", message)
            .field("hint", hint)
            .field("topic", topic)
            .field("size", size)
            .field("source", source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}
