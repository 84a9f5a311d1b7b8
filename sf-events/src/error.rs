//! Why an event was not published, or is in doubt.

use std::error::Error as StdError;
use std::fmt;

use sf_core::ApiError;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure an [`Error`] is. Each kind says whether the event was published, and whether it
/// may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The event does not fit its definition in the org, see [`Error::problems`]. Nothing was sent.
    InvalidEvent,
    /// The object is none to which events are published. Nothing was sent.
    NotAnEvent,
    /// The org does not know the event, or does not show it to the user. Nothing was sent.
    UnknownEvent,
    /// The user may not publish the event. Nothing was sent.
    NotAllowed,
    /// The event is larger than an org takes. Nothing was sent.
    TooLarge,
    /// The org's allowance of events or of API calls is used up. Not published; wait before sending it
    /// again.
    Limit,
    /// The org refused the event, see [`Error::api_errors`]. Not published; sent again as it is, it will be
    /// refused again.
    Refused,
    /// The org cannot publish at the moment and said so. Not published; it may be sent again.
    Unavailable,
    /// The event was sent, and no answer told what became of it: it may have been published or not. Sent
    /// again, subscribers may see it twice. It is never sent again by itself.
    InDoubt,
    /// The call failed before the event was sent: login, connection, describe, see [`Error::cause`]. Not
    /// published; what may be retried has been, within the client's policy.
    NotSent,
}

/// One thing wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The field, spelled as the org spells it where the org knows it.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// An event that was not published, or whose publishing is in doubt.
///
/// `Display` shows a sentence, each problem on a line of its own, and what to do; it never repeats
/// `source()`. Values of the event's fields are not shown.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    problems: Vec<Problem>,
    hint: Option<String>,
    cause: Option<sf_core::Error>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), problems: Vec::new(), hint: None, cause: None }))
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_problems(mut self, problems: Vec<Problem>) -> Self {
        self.0.problems = problems;
        self
    }

    /// Takes over what the call said: its sentence follows ours, its hint stands where we have none.
    pub(crate) fn with_cause(mut self, cause: sf_core::Error) -> Self {
        let said = cause.to_string();
        let said =
            cause.hint().map_or(said.as_str(), |hint| said.strip_suffix(hint).unwrap_or(&said).trim_end());
        self.0.message = format!("{}: {said}", self.0.message);
        if self.0.hint.is_none() {
            self.0.hint = cause.hint().map(str::to_owned);
        }
        self.0.cause = Some(cause);
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Everything wrong with an [`InvalidEvent`](ErrorKind::InvalidEvent), in the order of the org's fields
    /// behind those that the org does not know.
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// The org's own error entries; empty where it sent none.
    pub fn api_errors(&self) -> &[ApiError] {
        self.0.cause.as_ref().map_or(&[], |cause| cause.api_errors())
    }

    /// The error of the call, where a call failed: its kind tells a login from a connection.
    pub fn cause(&self) -> Option<&sf_core::Error> {
        self.0.cause.as_ref()
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Whether the event may have reached its subscribers although this is an error.
    pub fn is_in_doubt(&self) -> bool {
        self.0.kind == ErrorKind::InDoubt
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for problem in &self.0.problems {
            write!(f, "\n  {}: {}", problem.field, problem.message)?;
        }
        match &self.0.hint {
            Some(hint) => write!(f, "\n  {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("problems", &self.0.problems)
            .field("hint", &self.0.hint)
            .field("cause", &self.0.cause)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // The sentence of the call's own error is part of ours.
        self.0.cause.as_ref().and_then(StdError::source)
    }
}
