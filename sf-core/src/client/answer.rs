//! From an answer that is not good, or none at all, to an [`Error`].

use std::time::Duration;

use ::http::StatusCode;
use url::Url;

use crate::http::{Response, TransportError, TransportErrorKind};
use crate::{ApiError, Error, ErrorKind, time};

/// What is read of an error body: an edge may send pages of HTML.
const ERROR_BODY: usize = 64 * 1024;

/// What userinfo and identity URLs answer, with 403, to a token that has ended, where the rest of the org has 401 and a
/// list of errors.
const BAD_TOKEN: &str = "Bad_OAuth_Token";

/// A failure below HTTP as an error of the call.
pub(crate) fn transport(what: &str, error: TransportError) -> Error {
    error.during(what)
}

impl TransportError {
    /// This failure as an error of the call that it ended: `what` names the call.
    #[must_use]
    pub fn during(self, what: &str) -> Error {
        let kind = match self.kind() {
            TransportErrorKind::Connect => ErrorKind::Connect,
            TransportErrorKind::Timeout => ErrorKind::Timeout,
            TransportErrorKind::Broken => ErrorKind::Broken,
            TransportErrorKind::Request => ErrorKind::InvalidInput,
            TransportErrorKind::TooLarge => ErrorKind::Protocol,
        };
        Error::new(kind, format!("{what}: {self}")).with_source(self)
    }
}

/// What a status other than 2xx, 300 and 304 means; or one of these where the body is a page for a browser.
pub(crate) async fn refusal(what: &str, instance: &Url, response: Response) -> Error {
    let status = response.status;
    let retry_after = response.header("retry-after").and_then(retry_after);
    let html = response.header("content-type").is_some_and(|t| t.contains("html"));
    // A body that breaks off here must not hide the status that came before it.
    let body = response.collect(ERROR_BODY).await.unwrap_or_default();
    let errors = api_errors(&body);
    let ended = status == StatusCode::FORBIDDEN && body.trim_ascii() == BAD_TOKEN.as_bytes();
    let kind = if ended { ErrorKind::SessionExpired } else { kind_of(status, &errors) };
    let said = match errors.first() {
        None if ended => BAD_TOKEN.to_owned(),
        Some(error) => error.to_string(),
        None if html => "an HTML page instead of an answer".to_owned(),
        None if body.is_empty() => "no body".to_owned(),
        None => "a body that is no error list".to_owned(),
    };
    let host = instance.host_str().unwrap_or_default();
    Error::new(kind, format!("{what} at {host}: {} ({said})", status.as_u16()))
        .with_status(status.as_u16())
        .with_api_errors(errors)
        .with_retry_after(retry_after)
}

/// What the status and body of a part of an answer mean, as they would of an answer of their own.
#[cfg(feature = "sobject")]
pub(crate) fn refused_part(what: &str, status: u16, body: &[u8]) -> Error {
    let errors = api_errors(body);
    let kind = StatusCode::from_u16(status).map_or(ErrorKind::Protocol, |status| kind_of(status, &errors));
    let said = errors.first().map_or_else(|| "a body that is no error list".to_owned(), ToString::to_string);
    Error::new(kind, format!("{what}: {status} ({said})")).with_status(status).with_api_errors(errors)
}

/// Reads the error list in all the shapes that orgs send: a list, one entry, or OAuth's pair.
fn api_errors(body: &[u8]) -> Vec<ApiError> {
    if let Ok(list) = serde_json::from_slice::<Vec<ApiError>>(body) {
        return list;
    }
    if let Ok(one) = serde_json::from_slice::<ApiError>(body) {
        return vec![one];
    }
    #[derive(serde::Deserialize)]
    struct OAuth {
        error: String,
        #[serde(default)]
        error_description: String,
    }
    serde_json::from_slice::<OAuth>(body)
        .map(|e| vec![ApiError::new(e.error, e.error_description)])
        .unwrap_or_default()
}

fn kind_of(status: StatusCode, errors: &[ApiError]) -> ErrorKind {
    let code = errors.first().map(|e| e.error_code.as_str());
    let says = |word: &str| errors.first().is_some_and(|e| e.message.contains(word));
    match (status.as_u16(), code) {
        (401, Some("INVALID_SESSION_ID") | None) => ErrorKind::SessionExpired,
        (_, Some("REQUEST_LIMIT_EXCEEDED")) if says("Concurrent") => ErrorKind::RateLimited,
        (_, Some("REQUEST_LIMIT_EXCEEDED" | "LIMIT_EXCEEDED")) => ErrorKind::DailyLimit,
        (420 | 429, _) => ErrorKind::RateLimited,
        (404, _) => ErrorKind::NotFound,
        // A good status of something before the org, which has seen nothing or done it all.
        (200..=299 | 408 | 500..=599, _) => ErrorKind::Server,
        (300..=399, _) => ErrorKind::Protocol,
        _ => ErrorKind::Refused,
    }
}

/// Seconds, or a date (RFC 9110, "Retry-After").
fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    (time::parse_http_date(value)? - time::now()).to_std().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, body: &str) -> ErrorKind {
        kind_of(StatusCode::from_u16(status).unwrap(), &api_errors(body.as_bytes()))
    }

    #[tokio::test]
    async fn a_token_that_ended_is_known_by_the_older_words_of_userinfo_as_well() {
        for (status, body, kind) in [
            (403, "Bad_OAuth_Token", ErrorKind::SessionExpired),
            (403, "Bad_OAuth_Token\n", ErrorKind::SessionExpired),
            (403, "Missing_OAuth_Token", ErrorKind::Refused),
            (404, "Bad_OAuth_Token", ErrorKind::NotFound),
        ] {
            let response = Response {
                status: StatusCode::from_u16(status).unwrap(),
                headers: ::http::HeaderMap::new(),
                framing: crate::http::Framing::Explicit,
                body: Box::pin(futures_util::stream::iter([Ok(bytes::Bytes::from(body))])),
            };
            let instance = Url::parse("https://acme.my.salesforce.com").unwrap();
            let error = refusal("GET userinfo", &instance, response).await;
            assert_eq!((error.kind(), error.status()), (kind, Some(status)), "{body}");
            assert_eq!(
                error.to_string().contains("(Bad_OAuth_Token)"),
                kind == ErrorKind::SessionExpired,
                "{error}"
            );
        }
    }

    #[test]
    fn both_key_orders_and_the_collections_spelling_are_read() {
        for body in [
            r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#,
            r#"[{"message":"The requested resource does not exist","errorCode":"NOT_FOUND","fields":[]}]"#,
            r#"{"statusCode":"NOT_FOUND","message":"The requested resource does not exist","fields":[]}"#,
        ] {
            let errors = api_errors(body.as_bytes());
            assert_eq!(errors.len(), 1, "{body}");
            assert_eq!(errors[0].error_code, "NOT_FOUND");
            assert_eq!(errors[0].message, "The requested resource does not exist");
        }
    }

    #[test]
    fn a_limit_for_the_day_and_one_for_the_moment_are_told_apart() {
        let total = r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
        let concurrent = r#"[{"message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
        let jobs = r#"[{"errorCode":"LIMIT_EXCEEDED","message":"Max bulk v2 query jobs (10000) per 24 hrs has been reached"}]"#;
        assert_eq!(kind(403, total), ErrorKind::DailyLimit);
        assert_eq!(kind(403, concurrent), ErrorKind::RateLimited);
        assert_eq!(kind(400, jobs), ErrorKind::DailyLimit);
    }

    #[test]
    fn a_refused_session_is_told_from_a_malformed_header() {
        assert_eq!(
            kind(401, r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#),
            ErrorKind::SessionExpired
        );
        assert_eq!(
            kind(401, r#"[{"message":"INVALID_AUTH_HEADER","errorCode":"INVALID_AUTH_HEADER"}]"#),
            ErrorKind::Refused
        );
        assert_eq!(kind(401, ""), ErrorKind::SessionExpired);
        assert_eq!(kind(503, "<html>maintenance</html>"), ErrorKind::Server);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        assert_eq!(retry_after("17"), Some(Duration::from_secs(17)));
        let soon = (time::now() + chrono::TimeDelta::seconds(100)).to_rfc2822().replace("+0000", "GMT");
        let wait = retry_after(&soon).unwrap();
        assert!(wait > Duration::from_secs(90) && wait <= Duration::from_secs(100), "{wait:?}");
        assert_eq!(retry_after("soon"), None);
    }
}
