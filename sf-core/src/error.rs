//! What can go wrong in a call to an org, and what the org said about it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One entry of the error list with which an org answers a refused request.
///
/// Both key orders that orgs use are read, and the `statusCode` spelling of collections
/// (`salesforce-wire`: REST API guide, "Status Codes and Error Responses").
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ApiError {
    /// Salesforce's code, for example `INVALID_FIELD`.
    #[serde(rename = "errorCode", alias = "statusCode")]
    pub error_code: String,
    /// Salesforce's message, unchanged.
    #[serde(default)]
    pub message: String,
    /// The fields that the error is about; empty where the org names none.
    #[serde(default)]
    pub fields: Vec<String>,
}

impl ApiError {
    /// An error entry from its parts.
    pub fn new(error_code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error_code: error_code.into(), message: message.into(), fields: Vec::new() }
    }
}

/// `CODE: message`, on one line as orgs write most of them.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error_code, self.message.trim())
    }
}

/// What kind of failure an [`Error`] is. Each kind says whether this crate has already retried it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller gave something that cannot work. Never retried.
    InvalidInput,
    /// The login was refused. Never retried.
    Auth,
    /// The org still refused the session after one renewal (401). Not retried again.
    SessionExpired,
    /// A daily allowance of the org is used up. Never retried: wait and ask `/limits`.
    DailyLimit,
    /// The org asked to slow down, or too many requests run at once. Retried within the policy.
    RateLimited,
    /// The org does not know the resource (404). Never retried.
    NotFound,
    /// The org refused the request for another reason (other 4xx). Retried only for
    /// `UNABLE_TO_LOCK_ROW` and `QUERY_TIMEOUT`.
    Refused,
    /// The org or something before it failed (5xx, 408). Retried where repeating is harmless.
    Server,
    /// No connection could be made, so nothing was sent. Retried within the policy.
    Connect,
    /// The org did not answer or went silent. Retried where repeating is harmless.
    Timeout,
    /// The answer broke off or could not be decompressed. Retried where repeating is harmless.
    Broken,
    /// The answer does not have the shape that the API documents. Never retried.
    Protocol,
    /// Reading or writing on this machine failed. Never retried.
    Io,
}

/// An error of a call to an org: a kind, a sentence, and what the org itself said as data.
///
/// `Display` is one line and never repeats `source()`. Tokens, secrets and bodies never appear in it.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    status: Option<u16>,
    api_errors: Vec<ApiError>,
    hint: Option<String>,
    retry_after: Option<Duration>,
    outcome_unknown: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind. The message says what was tried, on what, and what came of it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            status: None,
            api_errors: Vec::new(),
            hint: None,
            retry_after: None,
            outcome_unknown: false,
            source: None,
        }))
    }

    /// Adds the cause. `Display` must not repeat it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Adds the org's own error entries.
    #[must_use]
    pub fn with_api_errors(mut self, errors: Vec<ApiError>) -> Self {
        self.0.api_errors = errors;
        self
    }

    /// Adds the least time that the org asked to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    /// The sentence alone, without the hint: for logs, where an event is one line.
    pub(crate) fn sentence(&self) -> &str {
        &self.0.message
    }

    /// Notes that the org may have done what was asked although this is an error.
    #[must_use]
    pub fn with_outcome_unknown(mut self, unknown: bool) -> Self {
        self.0.outcome_unknown = unknown;
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The HTTP status of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The org's error entries, in its order; empty where it sent none.
    pub fn api_errors(&self) -> &[ApiError] {
        &self.0.api_errors
    }

    /// The first error code of the org, for example `REQUEST_LIMIT_EXCEEDED`.
    pub fn error_code(&self) -> Option<&str> {
        self.0.api_errors.first().map(|e| e.error_code.as_str())
    }

    /// What the user can do about it, where we know.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The least time that the org asked to wait (`Retry-After`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the org may have done what was asked: a call that writes was sent, this time or at an earlier
    /// attempt of the same call, and no answer told what became of it. Look before you send it again.
    pub fn outcome_unknown(&self) -> bool {
        self.0.outcome_unknown
    }

    /// Whether a daily allowance of the org is used up: waiting helps, repeating at once does not.
    pub fn is_daily_limit(&self) -> bool {
        self.0.kind == ErrorKind::DailyLimit
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(hint) = &self.0.hint {
            write!(f, "\n  {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("status", &self.0.status)
            .field("api_errors", &self.0.api_errors)
            .field("hint", &self.0.hint)
            .field("outcome_unknown", &self.0.outcome_unknown)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|s| s as &(dyn StdError + 'static))
    }
}
