//! What can go wrong while rows are on their way, by what is to be done about it.

use std::error::Error as StdError;
use std::fmt;

/// A result of this crate's running parts.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is to be done about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outlook {
    /// Trying again from the last stored offset can help, however often.
    Passing,
    /// A daily allowance of the org is used up: wait until there is some left.
    DailyLimit,
    /// The org refused something. Trying again helps if the org changed since it was described.
    Refused,
    /// A person has to change something.
    Final,
}

/// An error of a running connector: one line, what to do about it, and its cause.
#[derive(Debug)]
pub struct Error {
    outlook: Outlook,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with this outlook.
    pub fn new(outlook: Outlook, message: impl Into<String>) -> Self {
        Self { outlook, message: message.into(), hint: None, source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// What a person can do about it, where we know.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What is to be done about it.
    pub fn outlook(&self) -> Outlook {
        self.outlook
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|s| s as &(dyn StdError + 'static))
    }
}

/// The outlook of a failed call.
fn of_call(error: &sf_core::Error) -> Outlook {
    use sf_core::ErrorKind as K;
    match error.kind() {
        K::DailyLimit => Outlook::DailyLimit,
        K::Auth | K::InvalidInput => Outlook::Final,
        K::NotFound | K::Refused => Outlook::Refused,
        _ => Outlook::Passing,
    }
}

impl From<sf_core::Error> for Error {
    fn from(error: sf_core::Error) -> Self {
        Self::new(of_call(&error), "a call to the org failed").with_source(error)
    }
}

impl From<sf_soql::Error> for Error {
    fn from(error: sf_soql::Error) -> Self {
        let outlook = error.org().map_or(Outlook::Final, of_call);
        Self::new(outlook, "the object cannot be read as configured").with_source(error)
    }
}

impl From<sf_bulk2::Error> for Error {
    fn from(error: sf_bulk2::Error) -> Self {
        use sf_bulk2::ErrorKind as K;
        let outlook = match error.kind() {
            K::Api => error.api_error().map_or(Outlook::Passing, of_call),
            K::JobFailed | K::Csv => Outlook::Refused,
            _ => Outlook::Passing,
        };
        Self::new(outlook, "the query job failed").with_source(error)
    }
}

impl From<crate::kafka::Error> for Error {
    fn from(error: crate::kafka::Error) -> Self {
        let outlook = if error.is_retriable() { Outlook::Passing } else { Outlook::Final };
        let hint = error.hint().map(str::to_owned);
        Self::new(outlook, "the records could not be delivered").with_source(error).with_hint(hint)
    }
}

impl From<crate::offset::Error> for Error {
    fn from(error: crate::offset::Error) -> Self {
        let outlook = if error.is_retriable() { Outlook::Passing } else { Outlook::Final };
        let hint = error.hint().map(str::to_owned);
        Self::new(outlook, "the offset could not be kept").with_source(error).with_hint(hint)
    }
}

/// An error with all its causes in one line, for logs.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}
