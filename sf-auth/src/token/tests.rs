use std::collections::VecDeque;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use futures_util::stream;
use sf_core::http::Framing;

use super::*;
use crate::shown::{MARKS, leaks, logged, output_of, seen};

/// Every refusal that `salesforce-wire` §2.3 lists, and what it means.
pub(crate) const REFUSALS: &[(&str, &str, ErrorKind)] = &[
    ("invalid_grant", "authentication failure", ErrorKind::WrongCredentials),
    ("invalid_grant", "user hasn't approved this consumer", ErrorKind::NotApproved),
    ("invalid_grant", "invalid assertion", ErrorKind::InvalidAssertion),
    ("invalid_grant", "audience is invalid", ErrorKind::InvalidAudience),
    ("invalid_grant", "Audience validation failed", ErrorKind::InvalidAudience),
    ("invalid_grant", "expired authorization code", ErrorKind::InvalidCode),
    ("invalid_grant", "invalid authorization code", ErrorKind::InvalidCode),
    ("invalid_grant", "redirect_uri must match configuration", ErrorKind::RedirectMismatch),
    ("invalid_grant", "expired access/refresh token", ErrorKind::ExpiredToken),
    ("invalid_grant", "inactive user", ErrorKind::InactiveUser),
    ("invalid_grant", "token validity expired", ErrorKind::AssertionExpired),
    ("invalid_grant", "no client credentials user enabled", ErrorKind::NoRunAsUser),
    ("invalid_grant", "ip restricted or invalid login hours", ErrorKind::AccessRestricted),
    ("invalid_grant", "login rate exceeded", ErrorKind::LoginRateExceeded),
    ("invalid_grant", "request not supported on this domain", ErrorKind::HostRefused),
    ("invalid_client_id", "client identifier invalid", ErrorKind::InvalidClientId),
    ("invalid_client", "invalid client credentials", ErrorKind::InvalidClient),
    ("invalid_app_access", "user is not admin approved to access this app", ErrorKind::NotAdminApproved),
    ("invalid_request", "must use HTTP POST", ErrorKind::InvalidRequest),
    ("invalid_request", "secret type not supported", ErrorKind::InvalidRequest),
    ("unsupported_grant_type", "grant type not supported", ErrorKind::UnsupportedGrant),
    ("unsupported_response_type", "response type not supported", ErrorKind::UnsupportedResponseType),
    ("invalid_scope", "the requested scope is invalid, unknown, or malformed", ErrorKind::InvalidScope),
    ("inactive_user", "user is inactive", ErrorKind::InactiveUser),
    ("inactive_org", "organization is inactive", ErrorKind::InactiveOrg),
    ("rate_limit_exceeded", "", ErrorKind::LoginRateExceeded),
    ("redirect_uri_mismatch", "redirect_uri must match configuration", ErrorKind::RedirectMismatch),
    ("authorization_pending", "", ErrorKind::AuthorizationPending),
    ("slow_down", "", ErrorKind::SlowDown),
    ("access_denied", "", ErrorKind::AccessDenied),
    ("server_error", "", ErrorKind::Server),
    // Not in that table, but seen since Spring '26 (n8n pull request 29016).
    ("app_not_found", "", ErrorKind::AppNotFound),
];

/// What a scripted login host does about one request.
#[derive(Clone)]
enum Reply {
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    CutAfter(u16, &'static str),
    Fail(TransportErrorKind),
}

fn json(status: u16, body: impl Into<String>) -> Reply {
    let headers = vec![("content-type", "application/json;charset=UTF-8".to_owned())];
    Reply::Answer(status, headers, body.into().into_bytes())
}

fn html(status: u16) -> Reply {
    let headers = vec![("content-type", "text/html; charset=UTF-8".to_owned())];
    Reply::Answer(status, headers, b"<html><body>maintenance</body></html>".to_vec())
}

/// Replies in order, the last one for ever, and keeps what it was asked.
struct Host {
    replies: Mutex<VecDeque<Reply>>,
    asked: Mutex<Vec<Request<Bytes>>>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}

impl Host {
    fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        logged();
        Self { replies: Mutex::new(replies.into_iter().collect()), asked: Mutex::default() }
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl HttpService for Host {
    fn call(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'static, std::result::Result<Response, TransportError>> {
        self.asked.lock().unwrap().push(request);
        let mut replies = self.replies.lock().unwrap();
        let reply = if replies.len() > 1 { replies.pop_front().unwrap() } else { replies[0].clone() };
        let broken = || TransportError::new(TransportErrorKind::Broken, "the body broke off");
        let (status, headers, pieces) = match reply {
            Reply::Answer(status, headers, body) => (status, headers, vec![Ok(Bytes::from(body))]),
            Reply::CutAfter(status, start) => (status, vec![], vec![Ok(Bytes::from(start)), Err(broken())]),
            Reply::Fail(kind) => return Box::pin(async move { Err(TransportError::new(kind, "scripted")) }),
        };
        let mut map = http::HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value.parse().unwrap());
        }
        let response = Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: map,
            framing: Framing::Explicit,
            body: Box::pin(stream::iter(pieces)),
        };
        Box::pin(async move { Ok(response) })
    }
}

fn grant() -> crate::ClientCredentials {
    crate::ClientCredentials::new("https://acme.my.salesforce.com", "key", "s3cr&t value")
}

async fn login(host: &Host) -> Result<Token> {
    exchange(&grant(), host, &RetryPolicy::default().with_max_attempts(4)).await
}

async fn refusal(reply: Reply) -> (Error, usize) {
    let host = Host::new([reply]);
    let error = seen(login(&host).await.unwrap_err());
    (error, host.asked())
}

const GOOD: &str = r#"{"access_token":"00Dxx0000000001!AQ","instance_url":"https://acme.my.salesforce.com",
    "id":"https://login.salesforce.com/id/00D58000000arpqEAA/0051a000000UGT8AAO","token_type":"Bearer",
    "issued_at":"1645223681952","signature":"kvxZ=","scope":"api web"}"#;

#[tokio::test]
async fn the_form_is_encoded_and_asks_for_json() {
    let host = Host::new([json(200, GOOD)]);
    login(&host).await.unwrap();
    let asked = host.asked.lock().unwrap();
    assert_eq!(asked[0].uri(), "https://acme.my.salesforce.com/services/oauth2/token");
    assert_eq!(asked[0].method(), http::Method::POST);
    assert_eq!(asked[0].headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(asked[0].body(), "grant_type=client_credentials&client_id=key&client_secret=s3cr%26t+value");
}

#[tokio::test]
async fn a_token_answer_is_read_with_and_without_its_optional_parts() {
    let token = login(&Host::new([json(200, GOOD)])).await.unwrap();
    assert_eq!(token.access_token.expose(), "00Dxx0000000001!AQ");
    assert_eq!(token.instance_url.as_str(), "https://acme.my.salesforce.com/");
    assert_eq!(token.org_id.unwrap().to_string(), "00D58000000arpqEAA");
    assert_eq!(token.user_id.unwrap().to_string(), "0051a000000UGT8AAO");
    assert_eq!(token.scope.as_deref(), Some("api web"));

    let bare =
        r#"{"instance_url":"https://acme.my.salesforce.com","access_token":"t","id":"elsewhere","scope":""}"#;
    let token = login(&Host::new([json(200, bare)])).await.unwrap();
    assert_eq!((token.org_id, token.user_id, token.scope), (None, None, None));
}

#[tokio::test]
async fn an_instance_to_which_a_token_must_not_go_is_refused() {
    for (instance, word) in [
        ("http://acme.my.salesforce.com", "http://acme.my.salesforce.com"),
        ("ftp://acme.my.salesforce.com", "ftp://"),
        ("https://ann:pw@acme.my.salesforce.com", "no URL"),
        ("acme", "no URL"),
        ("", "without instance_url"),
    ] {
        let body = format!(r#"{{"access_token":"tok3n","instance_url":"{instance}"}}"#);
        let (error, asked) = refusal(json(200, body)).await;
        assert_eq!((error.kind(), asked), (ErrorKind::Protocol, 1), "{instance}");
        assert!(error.to_string().contains(word), "{error}");
        assert!(!format!("{error:?}").contains("tok3n"));
    }
    let local = r#"{"access_token":"t","instance_url":"http://127.0.0.1:41873"}"#;
    assert!(login(&Host::new([json(200, local)])).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn every_listed_refusal_has_its_kind_and_a_hint_and_is_asked_once() {
    for (error, description, kind) in REFUSALS {
        let body = format!(r#"{{"error":"{error}","error_description":"{description}"}}"#);
        let (refused, asked) = refusal(json(400, body)).await;
        assert_eq!(refused.kind(), *kind, "{error}: {description}");
        assert!(refused.hint().is_some_and(|h| h.len() > 20), "{refused}");
        assert_eq!(refused.oauth(), Some(&OAuthError::new(*error, *description)));
        assert_eq!(refused.status(), Some(400));
        if *kind != ErrorKind::Server {
            assert_eq!(asked, 1, "{error} ({description}) was tried again");
        }
    }
}

#[tokio::test]
async fn a_refusal_reads_as_one_sentence_and_a_hint() {
    let body = r#"{"error":"invalid_grant","error_description":"user hasn't approved this consumer"}"#;
    let (error, _) = refusal(json(400, body)).await;
    let shown = error.to_string();
    let (first, hint) = shown.split_once("\n  ").unwrap();
    assert_eq!(
        first,
        "OAuth refused the login at https://acme.my.salesforce.com/services/oauth2/token: invalid_grant (user hasn't \
         approved this consumer)"
    );
    assert!(hint.starts_with("The user must approve the app once, or an administrator must set"), "{hint}");
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_again() {
    for reply in [
        json(503, ""),
        html(503),
        json(500, r#"{"error":"server_error","error_description":""}"#),
        json(429, ""),
        json(420, "<"),
        json(200, r#"{"access_token":"00D"#),
        json(200, ""),
        Reply::CutAfter(200, r#"{"access_token":"00D"#),
        Reply::Fail(TransportErrorKind::Connect),
        Reply::Fail(TransportErrorKind::Timeout),
        Reply::Fail(TransportErrorKind::Broken),
        Reply::Answer(200, vec![("content-encoding", "gzip".to_owned())], b"\x1f\x8b\x08no gzip".to_vec()),
    ] {
        let host = Host::new([reply.clone(), reply, json(200, GOOD)]);
        let token = login(&host).await.unwrap();
        assert_eq!((token.access_token.expose(), host.asked()), ("00Dxx0000000001!AQ", 3));
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_is_told_by_its_kind_when_the_attempts_are_used_up() {
    for (reply, kind, words) in [
        (html(503), ErrorKind::Server, "503 and an HTML page of 37 bytes"),
        (json(500, ""), ErrorKind::Server, "500 and no body"),
        (json(429, "{}"), ErrorKind::RateLimited, "429 and 2 bytes that are not OAuth's JSON"),
        (json(200, ""), ErrorKind::Broken, "broke off"),
        (Reply::Fail(TransportErrorKind::Connect), ErrorKind::Connect, "no connection to https://acme"),
        (Reply::Fail(TransportErrorKind::Timeout), ErrorKind::Timeout, "went silent"),
    ] {
        let (error, asked) = refusal(reply).await;
        assert_eq!((error.kind(), asked), (kind, 4), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn what_no_login_host_sends_is_refused_at_once() {
    let redirect = Reply::Answer(302, vec![("location", "https://evil.example/x?y".to_owned())], Vec::new());
    for (reply, kind, words) in [
        (html(200), ErrorKind::Protocol, "an HTML page of 37 bytes, which is no token answer"),
        (html(404), ErrorKind::Refused, "404 and an HTML page"),
        (json(400, ""), ErrorKind::Refused, "400 and no body"),
        (json(407, ""), ErrorKind::Refused, "407"),
        (json(200, "{}"), ErrorKind::Protocol, "without a token"),
        (
            json(200, r#"{"access_token":"a\nb","instance_url":"https://x.example"}"#),
            ErrorKind::Protocol,
            "no header",
        ),
        (
            json(200, r#"{"access_token":"a","token_type":"mac","instance_url":"https://x.example"}"#),
            ErrorKind::Protocol,
            "\"mac\" instead of Bearer",
        ),
        (json(200, "x".repeat(BODY_LIMIT + 1)), ErrorKind::Protocol, "more than 1024 KiB"),
        (redirect, ErrorKind::Protocol, "redirects the login to evil.example (302)"),
    ] {
        let (error, asked) = refusal(reply).await;
        assert_eq!((error.kind(), asked), (kind, 1), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.hint().is_some(), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_whose_body_breaks_off_is_not_tried_again() {
    let (error, asked) = refusal(Reply::CutAfter(400, r#"{"error":"invalid_grant","error_desc"#)).await;
    assert_eq!((error.kind(), asked), (ErrorKind::Refused, 1), "{error}");
}

#[tokio::test]
async fn a_named_cause_is_final_whatever_the_status_beside_it() {
    let body = r#"{"error":"invalid_grant","error_description":"authentication failure"}"#;
    for status in [401, 403, 429, 500, 503] {
        let (error, asked) = refusal(json(status, body)).await;
        assert_eq!((error.kind(), asked), (ErrorKind::WrongCredentials, 1), "{status}");
    }
}

#[tokio::test]
async fn a_refusal_under_a_good_status_is_a_refusal() {
    let (error, asked) = refusal(json(200, r#"{"error":"invalid_client_id","error_description":""}"#)).await;
    assert_eq!((error.kind(), asked), (ErrorKind::InvalidClientId, 1));
    assert!(error.hint().is_some(), "{error}");
}

#[tokio::test]
async fn the_gateways_error_list_is_read_as_well() {
    let (error, _) =
        refusal(json(404, r#"[{"errorCode":"URL_NOT_RESET","message":"Destination URL not reset"}]"#)).await;
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(error.oauth().unwrap().error, "URL_NOT_RESET");
}

#[tokio::test]
async fn a_secret_that_the_org_repeats_does_not_show() {
    let body = r#"{"error":"invalid_request","error_description":"bad value s3cr&t value or s3cr%26t+value\r\nX-Evil: 1"}"#;
    let (error, _) = refusal(json(400, body)).await;
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("bad value *** or ***  X-Evil: 1"), "{shown}");
    assert!(!shown.contains("s3cr"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn the_least_wait_that_a_host_asks_for_is_kept() {
    let slow = Reply::Answer(429, vec![("retry-after", "77".to_owned())], Vec::new());
    let host = Host::new([slow, json(200, GOOD)]);
    let start = tokio::time::Instant::now();
    login(&host).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 77);
}

#[tokio::test]
async fn a_clock_that_is_off_is_named_when_a_jwt_is_refused() {
    let pem = crate::keystore::pem::tests::rsa_key().serialize_pem();
    let grant = crate::JwtBearer::new(LoginUrl::PRODUCTION, "key", "ann@acme.example", pem);
    let date = (time::now() + chrono::TimeDelta::hours(1)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let body = br#"{"error":"invalid_grant","error_description":"invalid assertion"}"#.to_vec();
    let host = Host::new([Reply::Answer(400, vec![("date", date)], body)]);
    let error = exchange(&grant, &host, &RetryPolicy::none()).await.unwrap_err();
    let hint = error.hint().unwrap();
    let seconds: i64 = hint.split_whitespace().find_map(|word| word.parse().ok()).unwrap();
    assert!((3595..=3601).contains(&seconds), "{hint}");
    assert!(hint.contains("seconds behind the org's"), "{hint}");
}

#[test]
fn ids_are_read_from_the_identity_url_or_left_out() {
    let (org, user) = ids("https://test.salesforce.com/id/00D58000000arpqEAA/0051a000000UGT8AAO?x=1");
    assert_eq!(org.unwrap().as_short(), "00D58000000arpq");
    assert_eq!(user.unwrap().key_prefix(), "005");
    assert_eq!(ids("https://login.salesforce.com/"), (None, None));
}

#[test]
fn no_secret_shows_in_anything_that_the_tests_of_this_crate_write_at_the_finest_level() {
    let (passed, output) = output_of(&["--skip", "no_secret_shows_in_anything"]);
    assert!(
        passed,
        "the other tests fail when their logs are on: run them with RUST_LOG=trace -- --nocapture"
    );
    let (logged, seen) = (output.matches("logged in").count(), output.matches("seen: ").count());
    assert!(logged >= 10 && seen >= 100, "{logged} logins were logged and {seen} values written");
    assert_eq!(leaks(&output), Vec::<&str>::new(), "of {MARKS:?}");
}
