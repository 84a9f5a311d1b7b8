//! A session that someone else began.

use sf_auth::{ErrorKind, Login, Session};
use wiremock::matchers::{header, method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{hasty, http, seen};

fn ended() -> ResponseTemplate {
    let body =
        serde_json::json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]);
    ResponseTemplate::new(401).set_body_json(body)
}

async fn limits(server: &MockServer, times: u64) {
    Mock::given(method("GET"))
        .and(path_regex("/limits$"))
        .and(header("authorization", "Bearer 00Dxx!AQ-S3CRET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(serde_json::json!({})))
        .up_to_n_times(times)
        .mount(server)
        .await;
}

async fn anything(server: &MockServer, answer: ResponseTemplate) {
    Mock::given(method("GET")).respond_with(answer).with_priority(9).mount(server).await;
}

#[tokio::test]
async fn a_session_that_has_ended_shows_at_once() {
    let server = MockServer::start().await;
    anything(&server, ended()).await;
    let error = seen(Session::new(server.uri(), "00Dxx!AQ-S3CRET").connect_with(http()).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::SessionExpired);
    assert!(error.hint().unwrap().contains("cannot renew itself"), "{error}");
}

#[tokio::test]
async fn a_session_that_ends_in_use_says_that_it_cannot_renew_itself() {
    let server = MockServer::start().await;
    limits(&server, 1).await;
    anything(&server, ended()).await;
    let org = Login::new()
        .http(http())
        .retry(hasty())
        .connect(Session::new(server.uri(), "00Dxx!AQ-S3CRET\n"))
        .await
        .unwrap();
    let error = seen(org.get("sobjects").response().await.unwrap_err());
    assert_eq!(error.kind(), sf_core::ErrorKind::SessionExpired);
    assert!(error.to_string().contains("cannot renew itself"), "{error}");
}

#[tokio::test]
async fn an_org_that_is_away_for_a_while_does_not_end_the_session() {
    let server = MockServer::start().await;
    let away = ResponseTemplate::new(503).set_body_raw("<html>", "text/html");
    Mock::given(method("GET")).respond_with(away).up_to_n_times(2).with_priority(1).mount(&server).await;
    limits(&server, 1).await;
    let login = Login::new().http(http()).retry(hasty());
    assert!(login.connect(Session::new(server.uri(), "00Dxx!AQ-S3CRET")).await.is_ok());
}

#[tokio::test]
async fn a_user_who_may_not_see_the_limits_has_a_session_all_the_same() {
    let server = MockServer::start().await;
    let body = serde_json::json!([{"message": "no access", "errorCode": "API_DISABLED_FOR_ORG"}]);
    anything(&server, ResponseTemplate::new(403).set_body_json(body)).await;
    assert!(Session::new(server.uri(), "00Dxx!AQ-S3CRET").connect_with(http()).await.is_ok());
}

#[tokio::test]
async fn a_token_for_a_place_in_the_clear_is_refused_before_anything_is_sent() {
    let error = seen(
        Session::new("http://acme.my.salesforce.com", "00Dxx!AQ-S3CRET")
            .connect_with(http())
            .await
            .unwrap_err(),
    );
    assert_eq!(error.kind(), ErrorKind::InvalidLoginUrl);
    let error =
        seen(Session::new("https://acme.my.salesforce.com", " ").connect_with(http()).await.unwrap_err());
    assert_eq!(error.to_string(), "the access token is empty");
}
