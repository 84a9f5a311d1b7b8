//! What real orgs sent, and the list of what they can send.

use std::path::{Path, PathBuf};

use sf_auth::{OAuthError, UsernamePassword};
use sf_core::auth::Exchange;
use sf_core::retry::RetryPolicy;
use wiremock::{MockServer, ResponseTemplate};

use crate::support::{http, on_token, seen, shared};

#[tokio::test]
async fn the_recorded_login_by_password_is_sent_and_read_as_recorded() {
    let case = "the recorded login by password";
    let Some(text) = shared("recorded/restforce-db/200_post_oauth2_token.json", case) else { return };
    let recorded: serde_json::Value = serde_json::from_str(&text).unwrap();
    // The host was replaced where it was recorded, by a mark that no URL can hold.
    let body = recorded["response"]["body"].as_str().unwrap().replace("<host>", "na1.salesforce.com");
    let server = MockServer::start().await;
    on_token(&server, ResponseTemplate::new(200).set_body_raw(body, "application/json;charset=UTF-8"), None)
        .await;

    let grant =
        UsernamePassword::new(server.uri(), "<client_id>", "<client_secret>", "<username>", "<password>");
    let grant = grant.security_token("<security_token>");
    let token = grant.exchange(&*http(), &RetryPolicy::none()).await.unwrap();

    assert_eq!(token.access_token.expose(), "00Dxx0000000000!REDACTED");
    assert_eq!(token.instance_url.as_str(), "https://na1.salesforce.com/");
    assert_eq!(token.org_id.unwrap().to_string(), "00D1a000000H3O9EAK");
    assert_eq!(token.user_id.unwrap().to_string(), "0051a000000UGT8AAO");
    assert_eq!(token.scope, None);

    let sent = &server.received_requests().await.unwrap()[0];
    let sent: Vec<(String, String)> = url::form_urlencoded::parse(&sent.body).into_owned().collect();
    let expected: Vec<_> = recorded["request"]["body"]
        .as_str()
        .unwrap()
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(sent, expected);
}

/// All JSON files below a folder of the documents beside the repository.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect()
}

#[tokio::test]
async fn every_recorded_token_answer_is_read() {
    if shared("recorded/INDEX.md", "recorded token answers").is_none() {
        return;
    }
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "shared", "recorded"].iter().collect();
    let mut read = 0;
    for path in files(&folder) {
        let text = std::fs::read_to_string(&path).unwrap();
        let recorded: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let body = recorded["response"]["body"].as_str().unwrap_or_default();
        if !body.contains("\"access_token\"") {
            continue;
        }
        let body = body.replace("<host>", "na1.salesforce.com");
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(200).set_body_raw(body, "application/json;charset=UTF-8");
        on_token(&server, answer, None).await;
        let grant = sf_auth::ClientCredentials::new(server.uri(), "key", "S3CRET");
        let token = grant.exchange(&*http(), &RetryPolicy::none()).await;
        let token = token.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(token.org_id.is_some() && token.user_id.is_some(), "{}", path.display());
        read += 1;
    }
    assert!(read > 0, "no token answer was found");
}

/// The rows of the error table: code and the descriptions quoted beside it.
fn listed(spec: &str) -> Vec<(String, Vec<String>)> {
    let section = spec.split("\n### ").find(|s| s.starts_with("2.3 Errors")).unwrap();
    let rows = section.lines().filter(|l| l.starts_with("| ") && !l.contains("error_description |"));
    let mut listed = Vec::new();
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let said: Vec<_> = cells[2].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        for code in cells[1].split([',', '/']).map(str::trim).filter(|c| !c.is_empty()) {
            listed.push((code.to_owned(), said.clone()));
        }
    }
    listed
}

#[tokio::test]
async fn every_error_of_the_list_has_a_kind_of_its_own_and_a_hint() {
    let Some(spec) = shared("spec/salesforce-wire.md", "the list of OAuth errors") else { return };
    let listed = listed(&spec);
    assert!(listed.len() > 25, "the table was not found: {listed:?}");
    for (code, said) in &listed {
        for description in said.iter().map(String::as_str).chain(said.is_empty().then_some("")) {
            let server = MockServer::start().await;
            let body = serde_json::json!({"error": code, "error_description": description});
            on_token(&server, ResponseTemplate::new(400).set_body_json(body), None).await;
            let grant = sf_auth::ClientCredentials::new(server.uri(), "key", "S3CRET");
            let error = seen(grant.exchange(&*http(), &RetryPolicy::none()).await.unwrap_err());
            assert!(error.hint().is_some_and(|h| h.len() > 20), "{code} ({description}): {error}");
            let known = OAuthError::new(code, description).kind();
            let fallback = matches!(known, sf_auth::ErrorKind::Refused | sf_auth::ErrorKind::InvalidGrant);
            assert!(!fallback, "{code} ({description}) is read as {known:?}");
            assert_eq!(sf_auth::Error::from(error).kind(), known);
        }
    }
}
