//! Why a login failed: a kind to act on, a sentence to read, what the org said as data, and a hint.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sf_core::ApiError;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What an org answers when it refuses a login: the two parts of an OAuth error body, unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OAuthError {
    /// OAuth's code, for example `invalid_grant`.
    pub error: String,
    /// Salesforce's sentence, for example `user hasn't approved this consumer`; empty where it sent none.
    pub error_description: String,
}

impl OAuthError {
    /// An OAuth error from its parts.
    pub fn new(error: impl Into<String>, error_description: impl Into<String>) -> Self {
        Self { error: error.into(), error_description: error_description.into() }
    }

    /// What the error means for the caller. Salesforce says most of it in the description alone.
    pub fn kind(&self) -> ErrorKind {
        match self.error.to_ascii_lowercase().as_str() {
            "invalid_grant" => self.invalid_grant(),
            "invalid_client_id" => ErrorKind::InvalidClientId,
            "invalid_client" => ErrorKind::InvalidClient,
            "invalid_app_access" => ErrorKind::NotAdminApproved,
            "app_not_found" => ErrorKind::AppNotFound,
            "invalid_request" => ErrorKind::InvalidRequest,
            "unsupported_grant_type" | "unauthorized_client" => ErrorKind::UnsupportedGrant,
            "unsupported_response_type" => ErrorKind::UnsupportedResponseType,
            "invalid_scope" => ErrorKind::InvalidScope,
            "inactive_user" => ErrorKind::InactiveUser,
            "inactive_org" => ErrorKind::InactiveOrg,
            "rate_limit_exceeded" => ErrorKind::LoginRateExceeded,
            "redirect_uri_mismatch" => ErrorKind::RedirectMismatch,
            "authorization_pending" => ErrorKind::AuthorizationPending,
            "slow_down" => ErrorKind::SlowDown,
            "access_denied" => ErrorKind::AccessDenied,
            "expired_token" => ErrorKind::InvalidCode,
            "invalid_token" | "unsupported_token_type" => ErrorKind::InvalidToken,
            "server_error" | "temporarily_unavailable" => ErrorKind::Server,
            // The words of the org's gateway, which counts logins among its calls.
            "request_limit_exceeded" if self.error_description.contains("Concurrent") => {
                ErrorKind::RateLimited
            }
            "request_limit_exceeded" | "limit_exceeded" => ErrorKind::DailyLimit,
            _ => ErrorKind::Refused,
        }
    }

    fn invalid_grant(&self) -> ErrorKind {
        const CAUSES: &[(&str, ErrorKind)] = &[
            ("authentication failure", ErrorKind::WrongCredentials),
            ("approved this consumer", ErrorKind::NotApproved),
            ("invalid assertion", ErrorKind::InvalidAssertion),
            ("audience", ErrorKind::InvalidAudience),
            ("authorization code", ErrorKind::InvalidCode),
            ("redirect_uri", ErrorKind::RedirectMismatch),
            ("reuse", ErrorKind::ReusedRefreshToken),
            ("expired access/refresh token", ErrorKind::ExpiredToken),
            ("expired device code", ErrorKind::InvalidCode),
            ("inactive user", ErrorKind::InactiveUser),
            ("user is inactive", ErrorKind::InactiveUser),
            ("inactive org", ErrorKind::InactiveOrg),
            ("validity expired", ErrorKind::AssertionExpired),
            ("no client credentials user", ErrorKind::NoRunAsUser),
            ("ip restricted", ErrorKind::AccessRestricted),
            ("login hours", ErrorKind::AccessRestricted),
            ("login rate exceeded", ErrorKind::LoginRateExceeded),
            ("not supported on this domain", ErrorKind::HostRefused),
        ];
        let said = self.error_description.to_ascii_lowercase();
        CAUSES
            .iter()
            .find(|(words, _)| said.contains(words))
            .map_or(ErrorKind::InvalidGrant, |(_, kind)| *kind)
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)?;
        if self.error_description.is_empty() { Ok(()) } else { write!(f, " ({})", self.error_description) }
    }
}

/// What kind of failure an [`Error`] is. Each kind says whether this crate has already retried it.
///
/// A refusal by the org is never retried by itself: a wrong password sent again and again locks a user out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The login URL is none, or one to which nothing secret may be sent. Found before any call.
    InvalidLoginUrl,
    /// The grant does not exist on this host: client credentials need the org's My Domain.
    /// Found before any call where the host shows it. Never retried.
    HostRefused,
    /// The private key cannot be used. Found before any call.
    InvalidKey,
    /// The password does not open the key store or the key, or is missing. Found before any call.
    WrongKeyPassword,
    /// The key store holds no private RSA key. Found before any call.
    NoRsaKey,
    /// The key store holds several keys, and none was chosen. Found before any call.
    SeveralKeys,
    /// The key store has no key of the alias. Found before any call.
    UnknownAlias,
    /// The key store is damaged, or none. Found before any call.
    DamagedKeyStore,
    /// Something else that the caller gave cannot work. Found before any call.
    InvalidInput,
    /// `invalid_grant`, "authentication failure": user name, password or security token. Never retried.
    WrongCredentials,
    /// `invalid_grant`, "user hasn't approved this consumer". Never retried.
    NotApproved,
    /// `invalid_grant`, "invalid assertion": the org does not accept the JWT's signature. Never retried.
    InvalidAssertion,
    /// `invalid_grant` about the JWT's `aud`. Never retried.
    InvalidAudience,
    /// `invalid_grant`, "token validity expired": the JWT was too old when it arrived. Never retried.
    AssertionExpired,
    /// `invalid_grant`, "expired access/refresh token". Never retried.
    ExpiredToken,
    /// A refresh token was spent a second time, as far as the org tells. Never retried.
    ReusedRefreshToken,
    /// The token given to be revoked, or asked about, is none that the org knows. Never retried.
    InvalidToken,
    /// The answer of the browser does not belong to this login. Never retried.
    StateMismatch,
    /// The [`TokenStore`](crate::TokenStore) could not be read, written or locked. Never retried.
    TokenStore,
    /// `invalid_grant` about an authorization code or a device code. Never retried.
    InvalidCode,
    /// The redirect URI is not one of the app's. Never retried.
    RedirectMismatch,
    /// The user is not active. Never retried.
    InactiveUser,
    /// The org is not active. Never retried.
    InactiveOrg,
    /// `invalid_grant`, "no client credentials user enabled". Never retried.
    NoRunAsUser,
    /// `invalid_grant`, "ip restricted or invalid login hours". Never retried.
    AccessRestricted,
    /// Too many logins of this user or app. Never retried by itself: wait first.
    LoginRateExceeded,
    /// A daily allowance of the org is used up. Never retried.
    DailyLimit,
    /// `invalid_grant` for a reason that we do not know. Never retried.
    InvalidGrant,
    /// `invalid_client_id`: the org does not know the consumer key. Never retried.
    InvalidClientId,
    /// `invalid_client`: the consumer secret is wrong. Never retried.
    InvalidClient,
    /// `invalid_app_access`: the user is not admin approved for the app. Never retried.
    NotAdminApproved,
    /// `app_not_found`: no such app where the JWT's `aud` points. Never retried.
    AppNotFound,
    /// `invalid_request`. Never retried.
    InvalidRequest,
    /// `unsupported_grant_type`: the org or the app does not allow this grant. Never retried.
    UnsupportedGrant,
    /// `unsupported_response_type`. Never retried.
    UnsupportedResponseType,
    /// `invalid_scope`. Never retried.
    InvalidScope,
    /// `authorization_pending`: the user has not answered yet. Asking again is the caller's to do.
    AuthorizationPending,
    /// `slow_down`: asked too often. Asking again is the caller's to do.
    SlowDown,
    /// `access_denied`: the user said no. Never retried.
    AccessDenied,
    /// Any other OAuth error, or a refusal without one. Never retried.
    Refused,
    /// A ready session has ended, and a session cannot renew itself.
    SessionExpired,
    /// The login host failed (5xx) or is in maintenance. Retried within the policy.
    Server,
    /// The login host asked to slow down (429), or too many calls run at once. Retried within the policy.
    RateLimited,
    /// No connection could be made. Retried within the policy.
    Connect,
    /// The login host went silent. Retried within the policy.
    Timeout,
    /// The answer broke off or could not be decompressed. Retried within the policy.
    Broken,
    /// The answer is none of a login host: an HTML page, a redirect, a body without a token. Never retried.
    Protocol,
}

impl ErrorKind {
    fn core(self) -> sf_core::ErrorKind {
        match self {
            Self::InvalidLoginUrl
            | Self::InvalidKey
            | Self::WrongKeyPassword
            | Self::NoRsaKey
            | Self::SeveralKeys
            | Self::UnknownAlias
            | Self::DamagedKeyStore
            | Self::InvalidInput => sf_core::ErrorKind::InvalidInput,
            Self::SessionExpired => sf_core::ErrorKind::SessionExpired,
            Self::Server => sf_core::ErrorKind::Server,
            Self::RateLimited => sf_core::ErrorKind::RateLimited,
            Self::DailyLimit => sf_core::ErrorKind::DailyLimit,
            Self::Connect => sf_core::ErrorKind::Connect,
            Self::Timeout => sf_core::ErrorKind::Timeout,
            Self::Broken => sf_core::ErrorKind::Broken,
            Self::Protocol => sf_core::ErrorKind::Protocol,
            Self::TokenStore => sf_core::ErrorKind::Io,
            _ => sf_core::ErrorKind::Auth,
        }
    }

    fn of_core(error: &sf_core::Error) -> Self {
        match error.kind() {
            sf_core::ErrorKind::InvalidInput => Self::InvalidInput,
            sf_core::ErrorKind::SessionExpired => Self::SessionExpired,
            sf_core::ErrorKind::Server => Self::Server,
            sf_core::ErrorKind::RateLimited => Self::RateLimited,
            sf_core::ErrorKind::DailyLimit => Self::DailyLimit,
            sf_core::ErrorKind::Connect => Self::Connect,
            sf_core::ErrorKind::Timeout => Self::Timeout,
            sf_core::ErrorKind::Broken => Self::Broken,
            sf_core::ErrorKind::Protocol => Self::Protocol,
            sf_core::ErrorKind::Io => Self::TokenStore,
            _ => Self::Refused,
        }
    }
}

/// A login that failed: a kind, a sentence, what the org said as data, and what to change.
///
/// `Display` shows the sentence and, on a second line, the hint; it never repeats `source()`. Passwords,
/// secrets, keys and tokens never appear in it.
///
/// Behind a [`Client`](sf_core::Client) a failed renewal is an [`sf_core::Error`] with the same sentence
/// and hint; `sf_auth::Error::from(error)` gives the kind back.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    oauth: Option<OAuthError>,
    status: Option<u16>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            hint: None,
            oauth: None,
            status: None,
            retry_after: None,
            source: None,
        }))
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_oauth(mut self, oauth: OAuthError) -> Self {
        self.0.oauth = Some(oauth);
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What the org said, where it refused the login in OAuth's words.
    pub fn oauth(&self) -> Option<&OAuthError> {
        self.0.oauth.as_ref()
    }

    /// What the user can change, in the org or here.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The HTTP status of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }
}

impl From<Error> for sf_core::Error {
    fn from(error: Error) -> Self {
        let Inner { kind, message, hint, oauth, status, retry_after, source } = *error.0;
        let mut core = Self::new(kind.core(), message).with_retry_after(retry_after);
        if let Some(hint) = hint {
            core = core.with_hint(hint);
        }
        if let Some(status) = status {
            core = core.with_status(status);
        }
        if let Some(oauth) = oauth {
            core = core.with_api_errors(vec![ApiError::new(oauth.error, oauth.error_description)]);
        }
        match source {
            Some(source) => core.with_source(source),
            None => core,
        }
    }
}

impl From<sf_core::Error> for Error {
    /// Reads the kind back from what the org said.
    fn from(error: sf_core::Error) -> Self {
        let said = error.api_errors().first().map(|said| OAuthError::new(&said.error_code, &said.message));
        let refused = error.kind() == sf_core::ErrorKind::Auth;
        // A login host's own trouble has another kind, and OAuth's words all the same.
        let oauth = said.filter(|said| refused || said.kind() != ErrorKind::Refused);
        let kind = match &oauth {
            Some(said) if refused => said.kind(),
            _ => ErrorKind::of_core(&error),
        };
        let shown = error.to_string();
        let message = match error.hint() {
            Some(hint) => shown.strip_suffix(hint).unwrap_or(&shown).trim_end(),
            None => &shown,
        };
        let mut converted = Self::new(kind, message).with_retry_after(error.retry_after());
        converted.0.hint = error.hint().map(str::to_owned);
        converted.0.oauth = oauth;
        converted.0.status = error.status();
        if error.source().is_some() {
            converted.0.source = Some(Arc::new(Cause(error)));
        }
        converted
    }
}

/// Shows only what lies below the converted error, whose own sentence has been taken over.
struct Cause(sf_core::Error);

impl Cause {
    fn below(&self) -> &(dyn StdError + 'static) {
        self.0.source().unwrap_or(&self.0)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.below(), f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.below(), f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.below().source()
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
            .field("oauth", &self.0.oauth)
            .field("status", &self.0.status)
            .field("hint", &self.0.hint)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|s| s as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_survives_the_way_through_a_client_and_back() {
        let said = OAuthError::new("invalid_grant", "no client credentials user enabled");
        let error =
            Error::new(said.kind(), "OAuth refused the login").with_hint("choose a user").with_oauth(said);
        let shown = error.to_string();
        let core = sf_core::Error::from(error);
        assert_eq!(core.kind(), sf_core::ErrorKind::Auth);
        assert_eq!(core.error_code(), Some("invalid_grant"));
        assert_eq!(core.to_string(), shown);

        let back = Error::from(core);
        assert_eq!(back.kind(), ErrorKind::NoRunAsUser);
        assert_eq!(back.hint(), Some("choose a user"));
        assert_eq!(back.to_string(), shown);
    }

    #[test]
    fn a_failure_of_the_network_keeps_its_kind_and_its_cause_on_the_way() {
        let error = Error::new(ErrorKind::Connect, "no connection").with_source("refused by 127.0.0.1");
        let back = Error::from(sf_core::Error::from(error));
        assert_eq!(back.kind(), ErrorKind::Connect);
        assert_eq!(back.to_string(), "no connection");
        assert_eq!(back.source().map(ToString::to_string).as_deref(), Some("refused by 127.0.0.1"));
    }

    #[test]
    fn codes_are_told_apart_whatever_their_case_and_unknown_ones_are_refusals() {
        assert_eq!(
            OAuthError::new("INVALID_GRANT", "Audience validation failed").kind(),
            ErrorKind::InvalidAudience
        );
        assert_eq!(
            OAuthError::new("invalid_grant", "IP restricted or invalid login hours").kind(),
            ErrorKind::AccessRestricted
        );
        assert_eq!(OAuthError::new("invalid_grant", "something new").kind(), ErrorKind::InvalidGrant);
        assert_eq!(OAuthError::new("something_new", "").kind(), ErrorKind::Refused);
        for (said, kind) in [
            ("ConcurrentRequests (Concurrent API Requests) Limit exceeded.", ErrorKind::RateLimited),
            ("TotalRequests Limit exceeded.", ErrorKind::DailyLimit),
        ] {
            assert_eq!(OAuthError::new("REQUEST_LIMIT_EXCEEDED", said).kind(), kind);
        }
    }
}
