//! Logins by a person: browser, device; and what they lead to.

use std::collections::HashMap;
use std::time::Duration;

use sf_auth::{Authorized, Device, ErrorKind, Login, Loopback, MemoryStore, RefreshToken, WebServer};
use sf_core::auth::Exchange as _;
use sf_core::retry::RetryPolicy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{hasty, http, on_token, seen, token_answer};

fn login() -> Login {
    Login::new().http(http()).retry(hasty())
}

fn app(url: &str) -> WebServer {
    WebServer::new(url, "key").redirect_uri("http://localhost:0/callback")
}

fn query(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// Where the browser comes back to, as the authorization URL tells the org.
fn back(url: &Url, more: &[(&str, &str)]) -> Url {
    let query = query(url);
    let mut back = Url::parse(&query["redirect_uri"]).unwrap();
    back.query_pairs_mut().extend_pairs(more).append_pair("state", &query["state"]);
    back
}

/// A browser's request over a plain socket; the answer's first line and the rest.
pub(crate) async fn visit(url: &Url) -> String {
    let target = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    raw(url, format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await
}

async fn raw(url: &Url, request: &[u8]) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", url.port().unwrap())).await.unwrap();
    socket.write_all(request).await.unwrap();
    let mut answer = String::new();
    let _ = socket.read_to_string(&mut answer).await;
    answer
}

fn granted(server: &MockServer, access: &str, refresh: Option<&str>) -> ResponseTemplate {
    let mut body = token_answer(&server.uri(), access);
    body["scope"] = "api refresh_token".into();
    if let Some(refresh) = refresh {
        body["refresh_token"] = refresh.into();
    }
    ResponseTemplate::new(200).set_body_json(body)
}

async fn forms(server: &MockServer) -> Vec<HashMap<String, String>> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|r| url::form_urlencoded::parse(&r.body).into_owned().collect()).collect()
}

async fn finish(browser: Loopback, url: Url) -> (sf_auth::Result<Authorized>, String) {
    let login = login();
    let (authorized, page) = tokio::join!(browser.wait(&login), visit(&url));
    (seen(authorized), page)
}

#[tokio::test]
async fn a_browser_leads_to_a_client_and_the_challenge_fits_the_verifier() {
    let server = MockServer::start().await;
    on_token(&server, granted(&server, "first-S3CRET", Some("refresh1-S3CRET")), Some(1)).await;
    let browser = app(&server.uri()).client_secret("S3CRET").prompt("login").login_hint("ann@acme.example");
    let browser = browser.listen().await.unwrap();
    let url = browser.url().clone();
    assert!(
        url.as_str().starts_with(&format!("{}/services/oauth2/authorize?response_type=code&", server.uri()))
    );
    let asked = query(&url);
    assert_eq!((asked["scope"].as_str(), asked["prompt"].as_str()), ("api refresh_token", "login"));
    assert_eq!(
        (asked["code_challenge_method"].as_str(), asked["login_hint"].as_str()),
        ("S256", "ann@acme.example")
    );

    let (authorized, page) = finish(browser, back(&url, &[("code", "aPrx-S3CRET/+==")])).await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("You can close this window"), "{page}");
    let authorized = authorized.unwrap();
    assert_eq!(authorized.token().access_token.expose(), "first-S3CRET");
    assert_eq!(authorized.refresh_token().unwrap().expose(), "refresh1-S3CRET");

    let sent = &forms(&server).await[0];
    assert_eq!(sent["grant_type"], "authorization_code");
    assert_eq!((sent["code"].as_str(), sent["client_secret"].as_str()), ("aPrx-S3CRET/+==", "S3CRET"));
    assert_eq!(sent["redirect_uri"], asked["redirect_uri"]);
    let verifier = &sent["code_verifier"];
    assert!((43..=128).contains(&verifier.len()));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    let challenge = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, digest);
    assert_eq!(asked["code_challenge"], challenge);

    let store = MemoryStore::new();
    let authorized = authorized.keep(store.clone()).await.unwrap();
    assert_eq!(store.token().unwrap().expose(), "refresh1-S3CRET");
    on_token(&server, granted(&server, "second-S3CRET", Some("refresh2-S3CRET")), None).await;
    let first = authorized.exchange(&*http(), &RetryPolicy::none()).await.unwrap();
    let second = authorized.exchange(&*http(), &RetryPolicy::none()).await.unwrap();
    assert_eq!(
        (first.access_token.expose(), second.access_token.expose()),
        ("first-S3CRET", "second-S3CRET")
    );
    assert_eq!(forms(&server).await[1]["refresh_token"], "refresh1-S3CRET");
    assert_eq!(store.token().unwrap().expose(), "refresh2-S3CRET");
    assert!(RefreshToken::stored(server.uri(), "key", store).connect_with(http()).await.is_ok());
}

#[tokio::test]
async fn every_login_has_its_own_state_and_challenge() {
    let url = "https://acme.my.salesforce.com";
    let (one, two) =
        (WebServer::new(url, "key").begin().unwrap(), WebServer::new(url, "key").begin().unwrap());
    let (one, two) = (query(one.url()), query(two.url()));
    assert!(one["state"] != two["state"] && one["code_challenge"] != two["code_challenge"]);
    assert_eq!(one["redirect_uri"], "http://localhost:1717/OauthRedirect");
}

#[tokio::test]
async fn an_answer_with_another_state_is_ignored_by_the_listener() {
    let server = MockServer::start().await;
    on_token(&server, granted(&server, "t-S3CRET", None), None).await;
    let browser = app(&server.uri()).listen().await.unwrap();
    let good = back(browser.url(), &[("code", "good-S3CRET")]);
    let mut forged = good.clone();
    forged.set_query(Some("code=forged-S3CRET&state=AAAA"));
    let login = login();
    let visits = async {
        let answer = visit(&forged).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        let mut without = good.clone();
        without.set_query(Some("code=forged-S3CRET"));
        assert!(visit(&without).await.starts_with("HTTP/1.1 400 "));
        assert!(visit(&good.join("/favicon.ico").unwrap()).await.starts_with("HTTP/1.1 404 "));
        assert!(raw(&good, b"POST /callback HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 404 "));
        assert_eq!(raw(&good, &[b'x'; 64 * 1024]).await, "", "an endless request was read");
        visit(&good).await
    };
    let (authorized, _) = tokio::join!(browser.wait(&login), visits);
    assert!(authorized.unwrap().refresh_token().is_none());
    let sent = forms(&server).await;
    assert_eq!((sent.len(), sent[0]["code"].as_str()), (1, "good-S3CRET"));
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_the_browser_up() {
    let server = MockServer::start().await;
    on_token(&server, granted(&server, "t-S3CRET", None), None).await;
    let browser = app(&server.uri()).listen().await.unwrap();
    let url = back(browser.url(), &[("code", "good-S3CRET")]);
    let _idle = TcpStream::connect(("127.0.0.1", url.port().unwrap())).await.unwrap();
    assert!(finish(browser, url).await.0.is_ok());
}

#[tokio::test]
async fn a_person_who_says_no_ends_the_login_with_the_reason() {
    let browser = app("http://127.0.0.1:9").listen().await.unwrap();
    let denied = [("error", "access_denied"), ("error_description", "end-user denied authorization")];
    let url = back(browser.url(), &denied);
    let (outcome, page) = finish(browser, url).await;
    let error = seen(outcome.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(error.to_string().contains("end-user denied authorization") && error.hint().is_some(), "{error}");
    assert!(page.contains("was refused") && !page.contains("denied authorization"), "{page}");
}

#[tokio::test]
async fn a_browser_that_never_comes_is_not_waited_for_for_ever() {
    let browser = app("http://127.0.0.1:9").listen().await.unwrap();
    let error = seen(browser.timeout(Duration::from_millis(20)).wait(&login()).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_listener_needs_a_loopback_address_and_a_free_port() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    for (uri, words) in [
        ("https://localhost:1/x", "needs a redirect URI on http://localhost"),
        ("http://acme.example/x", "needs a redirect URI"),
        ("callback", "is no URL"),
        (format!("http://localhost:{port}/x").as_str(), "cannot be listened on"),
    ] {
        let error = seen(
            WebServer::new("https://acme.my.salesforce.com", "key")
                .redirect_uri(uri)
                .listen()
                .await
                .unwrap_err(),
        );
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_web_application_hands_in_the_url_that_came() {
    let server = MockServer::start().await;
    on_token(&server, granted(&server, "t-S3CRET", None), None).await;
    let app = || WebServer::new(server.uri(), "key").redirect_uri("https://app.example/sf/callback");
    let begun = app().begin().unwrap();
    let url = back(begun.url(), &[("code", "c0de-S3CRET")]);
    let authorized =
        begun.finish(&format!("{}?{}", url.path(), url.query().unwrap()), &login()).await.unwrap();
    let org = authorized.connect_with(http()).await.unwrap();
    assert_eq!(org.token().await.unwrap().access_token.expose(), "t-S3CRET");

    let other = app().begin().unwrap();
    let error = seen(other.finish(url.as_str(), &login()).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::StateMismatch);
    assert!(error.hint().unwrap().contains("Begin again"), "{error}");
    let begun = app().begin().unwrap();
    let url = back(begun.url(), &[]);
    assert_eq!(begun.finish(url.as_str(), &login()).await.unwrap_err().kind(), ErrorKind::Protocol);
    assert_eq!(forms(&server).await.len(), 1, "a code was sent that did not belong to its login");
}

#[tokio::test]
async fn a_spent_code_is_refused_with_what_to_do() {
    let server = MockServer::start().await;
    let body =
        serde_json::json!({"error": "invalid_grant", "error_description": "expired authorization code"});
    on_token(&server, ResponseTemplate::new(400).set_body_json(body), None).await;
    let browser = app(&server.uri()).listen().await.unwrap();
    let url = back(browser.url(), &[("code", "spent-S3CRET")]);
    let error = seen(finish(browser, url).await.0.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::InvalidCode);
    assert!(error.hint().unwrap().contains("Start the login again"), "{error}");
}

#[tokio::test]
async fn a_session_without_a_refresh_token_ends_with_the_scope_to_ask_for() {
    let server = MockServer::start().await;
    on_token(&server, granted(&server, "t-S3CRET", None), None).await;
    let browser = app(&server.uri()).scopes(["api"]).listen().await.unwrap();
    assert_eq!(query(browser.url())["scope"], "api");
    let url = back(browser.url(), &[("code", "c-S3CRET")]);
    let authorized = finish(browser, url).await.0.unwrap();
    assert_eq!(
        authorized.clone().keep(MemoryStore::new()).await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    authorized.exchange(&*http(), &RetryPolicy::none()).await.unwrap();
    let error = seen(authorized.exchange(&*http(), &RetryPolicy::none()).await.unwrap_err());
    assert_eq!(error.kind(), sf_core::ErrorKind::SessionExpired);
    assert!(error.hint().unwrap().contains("scope refresh_token"), "{error}");
}

async fn device_codes(server: &MockServer, interval: u64) {
    let body = serde_json::json!({
        "device_code": "dev1ce-S3CRET", "user_code": "P6K5WC", "verification_uri": format!("{}/setup/connect", server.uri()),
        "interval": interval,
    });
    Mock::given(method("POST"))
        .and(path("/services/oauth2/token"))
        .and(body_string_contains("response_type=device_code"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .with_priority(1)
        .mount(server)
        .await;
}

fn oauth(error: &str) -> ResponseTemplate {
    ResponseTemplate::new(400).set_body_json(serde_json::json!({"error": error, "error_description": ""}))
}

#[tokio::test]
async fn a_device_asks_until_the_person_has_answered() {
    let server = MockServer::start().await;
    device_codes(&server, 1).await;
    on_token(&server, oauth("authorization_pending"), Some(1)).await;
    on_token(&server, granted(&server, "t-S3CRET", Some("r-S3CRET")), None).await;
    let prompt = Device::new(server.uri(), "key").begin(&login()).await.unwrap();
    assert_eq!(prompt.user_code(), "P6K5WC");
    assert!(prompt.verification_url().as_str().ends_with("/setup/connect"));
    assert!(!format!("{prompt:?}").contains("S3CRET"));
    let authorized = prompt.wait(&login()).await.unwrap();
    assert_eq!(authorized.refresh_token().unwrap().expose(), "r-S3CRET");
    let sent = forms(&server).await;
    assert_eq!(sent[0]["scope"], "api refresh_token");
    assert_eq!((sent[1]["grant_type"].as_str(), sent[1]["code"].as_str()), ("device", "dev1ce-S3CRET"));
    assert_eq!(sent.len(), 3);
}

#[tokio::test]
async fn a_device_stops_when_the_person_says_no_or_nobody_comes() {
    for (answer, kind) in [
        ("access_denied", ErrorKind::AccessDenied),
        ("expired_token", ErrorKind::InvalidCode),
        ("authorization_pending", ErrorKind::Timeout),
        ("slow_down", ErrorKind::Timeout),
    ] {
        let server = MockServer::start().await;
        device_codes(&server, 1).await;
        on_token(&server, oauth(answer), None).await;
        let prompt = Device::new(server.uri(), "key").begin(&login()).await.unwrap();
        let error = seen(prompt.timeout(Duration::from_secs(1)).wait(&login()).await.unwrap_err());
        assert_eq!(error.kind(), kind);
        assert!(error.hint().is_some(), "{error}");
        assert_eq!(server.received_requests().await.unwrap().len(), 2, "{answer}");
    }
}

#[tokio::test]
async fn a_host_without_the_device_flow_is_told_from_one_that_answers_nonsense() {
    let server = MockServer::start().await;
    on_token(&server, oauth("unsupported_response_type"), Some(1)).await;
    let error = seen(Device::new(server.uri(), "key").begin(&login()).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::UnsupportedResponseType);
    let body =
        serde_json::json!({"device_code": "d", "user_code": "u", "verification_uri": "javascript:alert(1)"});
    on_token(&server, ResponseTemplate::new(200).set_body_json(body), None).await;
    let error = seen(Device::new(server.uri(), "key").begin(&login()).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Protocol);
}
