//! What can go wrong while rows are on their way, by what is to be done about it.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use sf_core::retry::Verdict;

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

/// A proxy wants another user or password than it was given. Stands below whatever call met it.
#[derive(Debug)]
pub(crate) struct ProxyRefused;

impl fmt::Display for ProxyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("407 Proxy Authentication Required")
    }
}

impl StdError for ProxyRefused {}

/// An error of a running connector: one line, what to do about it, and its cause.
#[derive(Debug)]
pub struct Error {
    outlook: Outlook,
    message: String,
    hint: Option<String>,
    lost_job: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with this outlook.
    pub fn new(outlook: Outlook, message: impl Into<String>) -> Self {
        Self { outlook, message: message.into(), hint: None, lost_job: None, source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error in words that say more.
    pub(crate) fn about(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Adds what a person can do about it.
    pub(crate) fn with_hint(mut self, hint: Option<String>) -> Self {
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

    /// The job that will never give its rows, where that is what the error says.
    pub(crate) fn lost_job(&self) -> Option<&str> {
        self.lost_job.as_deref()
    }

    /// The same error where its job is not lost after all.
    pub(crate) fn with_job_kept(self) -> Self {
        Self { lost_job: None, ..self }
    }

    /// Whether the org refused the login itself, or a proxy on the way to it its own.
    pub(crate) fn is_refused_login(&self) -> bool {
        let mut causes = std::iter::successors(self.source(), |cause| (*cause).source());
        let refused = |cause: &(dyn StdError + 'static)| {
            let call = cause.downcast_ref::<sf_core::Error>();
            cause.is::<ProxyRefused>() || call.is_some_and(|call| call.kind() == sf_core::ErrorKind::Auth)
        };
        causes.any(refused)
    }

    /// The least time that the org asked to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let mut next = self.source();
        while let Some(cause) = next {
            if let Some(call) = cause.downcast_ref::<sf_core::Error>() {
                return call.retry_after();
            }
            next = cause.source();
        }
        None
    }

    /// The error and its causes in one line. What to do about it is [`hint`](Self::hint).
    pub fn sentence(&self) -> String {
        chain(self)
    }

    /// The error, its causes and what to do about it, for people.
    pub(crate) fn told(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", chain(self)),
            None => chain(self),
        }
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
        // That passes within the hour. Every other refused login stays refused.
        K::Auth if is_login_rate(error) => Outlook::Passing,
        K::Auth | K::InvalidInput => Outlook::Final,
        _ if error.verdict() != Verdict::Never => Outlook::Passing,
        K::NotFound | K::Refused => Outlook::Refused,
        _ => Outlook::Passing,
    }
}

/// What whoever looks after a connector can do about a failed call, in the words of its configuration.
fn advice(error: &sf_core::Error) -> Option<String> {
    const NEXT_TOKEN: &str = "An app that rotates refresh tokens ends each with its use: get a new one by a login for \
        oauth.refresh.token, and name a file in salesforce.refresh.token.file, so that the next one outlives this process. \
        Where a file is named already, remove or replace it: what it holds wins over oauth.refresh.token.";
    let text = match error.error_code() {
        Some("API_DISABLED_FOR_ORG") => {
            "The org's edition has no API, or the user lacks the permission \"API Enabled\" (Setup > Permission Sets)."
        }
        Some("API_CURRENTLY_DISABLED") => "The org's API is switched off for now: ask its administrator.",
        Some("FUNCTIONALITY_NOT_ENABLED" | "FEATURENOTENABLED") => {
            "The org or the user lacks what is named here: ask the org's administrator."
        }
        Some(code) if code.starts_with("INSUFFICIENT_ACCESS") => {
            "Give the user read access to the object and its fields (Setup > Permission Sets)."
        }
        _ if error.kind() == sf_core::ErrorKind::Connect => {
            "Check salesforce.instance, and behind a proxy http.proxy or the variables HTTPS_PROXY and NO_PROXY."
        }
        _ => match (sf_auth::Error::from(error.clone()).kind(), error.hint()) {
            (sf_auth::ErrorKind::ReusedRefreshToken | sf_auth::ErrorKind::ExpiredToken, Some(hint)) => {
                return Some(format!("{hint} {NEXT_TOKEN}"));
            }
            (sf_auth::ErrorKind::ReusedRefreshToken, None) => NEXT_TOKEN,
            (_, hint) => hint?,
        },
    };
    Some(text.to_owned())
}

fn is_login_rate(error: &sf_core::Error) -> bool {
    sf_auth::Error::from(error.clone()).kind() == sf_auth::ErrorKind::LoginRateExceeded
}

impl From<sf_core::Error> for Error {
    fn from(error: sf_core::Error) -> Self {
        let hint = advice(&error);
        Self::new(of_call(&error), "a call to the org failed").with_source(error).with_hint(hint)
    }
}

const CONFIGURED: &str = "the object cannot be read as configured";

impl From<sf_soql::Error> for Error {
    fn from(error: sf_soql::Error) -> Self {
        let hint = error.org().and_then(advice);
        let (outlook, message) = match error.org() {
            Some(call) if error.kind() == sf_soql::ErrorKind::Org => {
                (of_call(call), "a call to the org failed")
            }
            Some(call) => (of_call(call), CONFIGURED),
            None => (Outlook::Final, CONFIGURED),
        };
        Self::new(outlook, message).with_source(error).with_hint(hint)
    }
}

impl From<sf_bulk2::Error> for Error {
    fn from(error: sf_bulk2::Error) -> Self {
        use sf_bulk2::ErrorKind as K;
        let outlook = match error.kind() {
            K::Api => error.api_error().map_or(Outlook::Passing, of_call),
            K::JobFailed | K::Csv | K::Counts => Outlook::Refused,
            _ => Outlook::Passing,
        };
        // What such a job does not give now it does not give later: its window needs another job. Rows that
        // make no sense or do not add up are for a person to look at, in that very job.
        let lost = match error.kind() {
            K::JobGone | K::JobAborted | K::JobFailed => true,
            K::Api => outlook == Outlook::Refused,
            _ => false,
        };
        let lost_job = error.job().filter(|_| lost).map(|id| id.to_string());
        let hint = error.api_error().and_then(advice);
        let built = Self::new(outlook, "the object could not be read").with_source(error);
        Self { lost_job, ..built.with_hint(hint) }
    }
}

impl From<crate::kafka::Error> for Error {
    fn from(error: crate::kafka::Error) -> Self {
        use crate::kafka::ErrorKind as K;
        // A login that was good at the start can be refused for a while: a password is being changed.
        let passing = error.is_retriable() || error.kind() == K::Authentication;
        let outlook = if passing { Outlook::Passing } else { Outlook::Final };
        let message = match error.kind() {
            K::Setting => "Kafka's client cannot be set up",
            K::UnknownTopic => "a topic is missing",
            K::TooLarge => "a record could not be delivered",
            K::Unreachable if error.topic().is_none() => "Kafka cannot be reached",
            K::Unreachable | K::Closed => "the records could not be delivered",
            _ => "Kafka cannot be used",
        };
        let hint = error.hint().map(str::to_owned);
        Self::new(outlook, message).with_source(error).with_hint(hint)
    }
}

impl From<crate::offset::Error> for Error {
    fn from(error: crate::offset::Error) -> Self {
        let outlook = if error.is_retriable() { Outlook::Passing } else { Outlook::Final };
        let hint = error.hint().map(str::to_owned);
        let message = match error.kind() {
            crate::offset::ErrorKind::NotUnderstood => "the stored offset cannot be used",
            _ => "the offset could not be kept",
        };
        Self::new(outlook, message).with_source(error).with_hint(hint)
    }
}

/// An error with all its causes in one line, for logs. A hint, which some put on a line below, is not in it.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let said = cause.to_string();
        let said = said.lines().next().unwrap_or_default();
        if !text.contains(said) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(said);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_stands_at_the_end_once_and_a_log_line_is_one_line() {
        let call = sf_core::Error::new(sf_core::ErrorKind::Auth, "OAuth refused the login")
            .with_hint("Copy the secret again.")
            .with_source("below");
        let error = Error::from(call);
        assert_eq!(chain(&error), "a call to the org failed: OAuth refused the login: below");
        assert_eq!(error.hint(), Some("Copy the secret again."));
        assert_eq!(
            error.told(),
            "a call to the org failed: OAuth refused the login: below; Copy the secret again."
        );
    }

    #[test]
    fn what_to_do_is_said_in_the_words_of_the_configuration() {
        let refused = |kind, code: &str, message: &str| {
            let said = vec![sf_core::ApiError::new(code, message)];
            Error::from(sf_core::Error::new(kind, "refused").with_api_errors(said))
        };
        use sf_core::ErrorKind as K;
        for (error, word) in [
            (refused(K::Refused, "API_DISABLED_FOR_ORG", "no"), "API Enabled"),
            (refused(K::Refused, "INSUFFICIENT_ACCESS_OR_READONLY", "no"), "read access"),
            (refused(K::Auth, "invalid_grant", "token reuse detected"), "salesforce.refresh.token.file"),
            (Error::from(sf_core::Error::new(K::Connect, "no")), "salesforce.instance"),
        ] {
            assert!(error.hint().is_some_and(|hint| hint.contains(word)), "{:?}", error.hint());
        }
    }

    #[test]
    fn a_spent_refresh_token_is_told_with_what_its_login_says_and_with_the_file_that_wins() {
        let said = vec![sf_core::ApiError::new("invalid_grant", "token reuse detected")];
        let call = sf_core::Error::new(sf_core::ErrorKind::Auth, "refused").with_api_errors(said);
        let error = Error::from(call.with_hint("The refused token is the store's."));
        let hint = error.hint().unwrap();
        assert!(hint.starts_with("The refused token is the store's. An app that rotates"), "{hint}");
        assert!(hint.contains("remove or replace it: what it holds wins over oauth.refresh.token"), "{hint}");
    }

    #[test]
    fn a_cluster_that_is_away_and_records_that_do_not_arrive_are_told_apart() {
        let away = crate::kafka::Error::new(crate::kafka::ErrorKind::Unreachable, "no answer");
        assert_eq!(Error::from(away.clone()).sentence(), "Kafka cannot be reached: no answer");
        let sent = Error::from(away.with_topic("leads"));
        assert_eq!(sent.sentence(), "the records could not be delivered: no answer");
    }

    #[test]
    fn a_proxy_that_refuses_counts_as_a_refused_login_and_a_request_that_cannot_be_sent_does_not() {
        let call = |error: sf_core::http::TransportError| Error::from(error.during("GET query"));
        let kind = sf_core::http::TransportErrorKind::Request;
        let unsendable = || sf_core::http::TransportError::new(kind, "no");
        assert!(call(unsendable().with_source(ProxyRefused)).is_refused_login());
        assert!(!call(unsendable()).is_refused_login());
        let refused = Error::from(sf_core::Error::new(sf_core::ErrorKind::Auth, "no"));
        assert!(refused.is_refused_login());
    }
}
