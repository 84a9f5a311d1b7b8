//! The token endpoint misbehaves.

use std::sync::Arc;

use sf_auth::{ClientCredentials, ErrorKind, Login};
use sf_core::http::ReqwestService;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{hasty, http, on_token, raw_answer, raw_host, seen, token_answer};

fn grant(url: &str) -> ClientCredentials {
    ClientCredentials::new(url, "key", "S3CRET")
}

async fn connect(url: &str) -> sf_auth::Result<sf_core::Client> {
    seen(Login::new().http(http()).retry(hasty()).connect(seen(grant(url))).await)
}

#[tokio::test]
async fn a_host_that_fails_for_a_while_is_asked_again() {
    for passing in [
        ResponseTemplate::new(429).insert_header("retry-after", "0"),
        ResponseTemplate::new(500),
        ResponseTemplate::new(502).set_body_raw("<html>bad gateway</html>", "text/html"),
        ResponseTemplate::new(503).set_body_raw("<html>We are down for maintenance.</html>", "text/html"),
        ResponseTemplate::new(200).set_body_raw(r#"{"access_token":"00D-S3CRET"#, "application/json"),
        ResponseTemplate::new(200).insert_header("content-encoding", "gzip").set_body_bytes("not gzip"),
    ] {
        let server = MockServer::start().await;
        on_token(&server, passing, Some(2)).await;
        let good = ResponseTemplate::new(200)
            .set_body_json(token_answer("https://acme.my.salesforce.com", "t-S3CRET"));
        on_token(&server, good, None).await;
        let org = connect(&server.uri()).await.unwrap();
        assert_eq!(org.token().await.unwrap().access_token.expose(), "t-S3CRET");
        assert_eq!(server.received_requests().await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn a_reset_connection_and_a_cut_body_are_tried_again() {
    let whole = |_| {
        let body = token_answer("https://acme.my.salesforce.com", "t-S3CRET").to_string();
        raw_answer(&format!("Content-Length: {}\r\n", body.len()), &body)
    };
    let half = r#"{"access_token":"00Dxx-S3CRET","instance_url":"https://acme"#;
    let hang_up = Vec::new();
    let cut_by_length = raw_answer("Content-Length: 400\r\n", half);
    let cut_by_close = raw_answer("", half);
    let address = raw_host(vec![hang_up, cut_by_length, cut_by_close], whole).await;
    let org = connect(&format!("http://{address}")).await.unwrap();
    assert_eq!(org.token().await.unwrap().access_token.expose(), "t-S3CRET");
}

#[tokio::test]
async fn a_host_that_is_not_there_is_named_with_what_to_check() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = seen(connect(&url).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.to_string().contains(&url), "{error}");
    assert!(error.hint().unwrap().contains("HTTPS_PROXY"), "{error}");
}

#[tokio::test]
async fn a_wrong_secret_is_sent_once_and_never_again() {
    let server = MockServer::start().await;
    let body =
        serde_json::json!({"error": "invalid_client", "error_description": "invalid client credentials"});
    on_token(&server, ResponseTemplate::new(400).set_body_json(body), None).await;
    let error = seen(connect(&server.uri()).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::InvalidClient);
    assert!(error.hint().unwrap().contains("consumer secret"), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let other = MockServer::start().await;
    let server = MockServer::start().await;
    let to = format!("{}/services/oauth2/token", other.uri());
    on_token(&server, ResponseTemplate::new(307).insert_header("location", to.as_str()), None).await;
    let error = seen(connect(&server.uri()).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("redirects the login to 127.0.0.1"), "{error}");
    assert!(other.received_requests().await.unwrap().is_empty(), "the secret went to another host");
}

#[tokio::test]
async fn a_page_of_a_proxy_is_told_from_a_login_host() {
    let server = MockServer::start().await;
    let page =
        ResponseTemplate::new(200).set_body_raw("<html>Please sign in to the Wi-Fi</html>", "text/html");
    on_token(&server, page, None).await;
    let error = seen(connect(&server.uri()).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.hint().unwrap().contains("whether a proxy is in between"), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

/// A host that is reached through a proxy: no connection to it is possible from here.
#[tokio::test]
async fn a_proxy_carries_the_login_as_well_as_the_calls() {
    let proxy = MockServer::start().await;
    let unreachable = "http://127.0.0.1:9";
    on_token(&proxy, ResponseTemplate::new(200).set_body_json(token_answer(unreachable, "t-S3CRET")), None)
        .await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_string("{}"))
        .mount(&proxy)
        .await;
    let http = ReqwestService::builder().proxy(proxy.uri()).build().unwrap();
    let org = Login::new().http(Arc::new(http)).retry(hasty()).connect(grant(unreachable)).await.unwrap();
    org.limits().await.unwrap();
    let asked = proxy.received_requests().await.unwrap();
    let asked: Vec<_> = asked.iter().map(|request| request.url.path().rsplit('/').next().unwrap()).collect();
    assert_eq!(asked, ["token", "limits"]);
}
