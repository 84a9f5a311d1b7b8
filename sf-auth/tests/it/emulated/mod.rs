//! Each grant end to end, against an emulated org.

mod consent;
mod faults;
mod keys;
mod refusals;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use rcgen::{KeyPair, PKCS_RSA_SHA256};
use sf_auth::{ClientCredentials, ErrorKind, Grant, JwtBearer, Login, Session, UsernamePassword};
use sf_core::Client;
use sf_core::http::InProcess;
use sf_sim::Sim;
use sf_sim::fault::Route;

use crate::support::{hasty, rsa_key, seen};

const URL: &str = "http://127.0.0.1:1";

fn org() -> Sim {
    Sim::builder().jwt_key(rsa_key().public_key_pem()).build().unwrap()
}

fn login(sim: &Sim) -> Login {
    Login::new().http(Arc::new(InProcess::new(sim.router()))).retry(hasty())
}

async fn connect(sim: &Sim, grant: impl Grant) -> sf_auth::Result<Client> {
    let client = login(sim).connect(seen(grant)).await;
    seen(&client);
    client
}

fn client_credentials(sim: &Sim) -> ClientCredentials {
    let known = sim.credentials();
    ClientCredentials::new(URL, &known.client_id, known.client_secret.as_str())
}

fn password(sim: &Sim) -> UsernamePassword {
    let known = sim.credentials();
    UsernamePassword::new(
        URL,
        &known.client_id,
        known.client_secret.as_str(),
        &known.username,
        known.password.as_str(),
    )
    .security_token(known.security_token.as_str())
}

fn jwt(sim: &Sim, username: &str) -> JwtBearer {
    JwtBearer::new(URL, &sim.credentials().client_id, username, rsa_key().serialize_pem())
}

async fn refusal(sim: &Sim, grant: impl Grant) -> sf_auth::Error {
    let before = sim.journal().count(&Route::Token);
    let error = seen(connect(sim, grant).await.unwrap_err());
    assert_eq!(sim.journal().count(&Route::Token), before + 1, "a refusal was asked for again: {error}");
    assert!(error.hint().is_some(), "{error}");
    error
}

/// The client works, and what the login told is true.
async fn works(sim: &Sim, grant: impl Grant) {
    let client = connect(sim, grant).await.unwrap();
    let token = client.token().await.unwrap();
    assert_eq!(token.org_id.map(|id| id.to_string()), Some(sim.org_id().to_string()));
    assert_eq!(token.user_id.map(|id| id.to_string()), Some(sim.user_id().to_string()));
    assert!(client.limits().await.unwrap().daily_api_requests().is_some());
}

#[tokio::test]
async fn client_credentials_log_in() {
    let sim = org();
    works(&sim, client_credentials(&sim)).await;
}

#[tokio::test]
async fn a_user_logs_in_by_password_and_security_token() {
    let sim = org();
    works(&sim, password(&sim)).await;
}

#[tokio::test]
async fn a_signed_jwt_logs_in_with_each_audience_that_the_org_takes() {
    let sim = org();
    let user = sim.credentials().username.clone();
    works(&sim, jwt(&sim, &user)).await;
    works(&sim, jwt(&sim, &user).audience("https://login.salesforce.com")).await;
    works(&sim, jwt(&sim, &user).lifetime(Duration::from_secs(30))).await;
}

#[tokio::test]
async fn a_ready_session_works_until_it_ends() {
    let sim = org();
    let client = connect(&sim, Session::new(URL, sim.access_token())).await.unwrap();
    client.limits().await.unwrap();
    sim.expire_sessions();
    let error = seen(client.limits().await.unwrap_err());
    assert_eq!(error.kind(), sf_core::ErrorKind::SessionExpired);
    assert!(error.hint().unwrap().contains("cannot renew itself"), "{error}");
}

#[tokio::test]
async fn a_client_over_a_grant_renews_its_token_when_the_session_ends() {
    let sim = org();
    let client = connect(&sim, client_credentials(&sim)).await.unwrap();
    sim.expire_sessions();
    client.limits().await.unwrap();
    assert_eq!(sim.journal().count(&Route::Token), 2);
}

#[tokio::test]
async fn a_wrong_secret_an_unknown_app_and_an_unknown_user_are_told_apart() {
    let sim = org();
    let known = sim.credentials().clone();
    let wrong = ClientCredentials::new(URL, &known.client_id, "wrong-S3CRET");
    assert_eq!(refusal(&sim, wrong).await.kind(), ErrorKind::InvalidClient);
    let unknown = ClientCredentials::new(URL, "unknown", known.client_secret.as_str());
    assert_eq!(refusal(&sim, unknown).await.kind(), ErrorKind::InvalidClientId);
    let user = UsernamePassword::new(
        URL,
        &known.client_id,
        known.client_secret.as_str(),
        "nobody@acme.example",
        "S3CRET",
    );
    let error = refusal(&sim, user).await;
    assert_eq!(error.kind(), ErrorKind::WrongCredentials);
    assert!(error.hint().unwrap().contains("security token"), "{error}");
    assert_eq!(refusal(&sim, jwt(&sim, "nobody@acme.example")).await.kind(), ErrorKind::NotApproved);
}

#[tokio::test]
async fn a_password_without_its_security_token_is_refused_once() {
    let sim = org();
    assert_eq!(refusal(&sim, password(&sim).security_token("")).await.kind(), ErrorKind::WrongCredentials);
}

#[tokio::test]
async fn a_key_that_is_not_the_certificates_and_a_wrong_audience_are_refused() {
    let sim = org();
    let known = sim.credentials();
    let other = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let grant = JwtBearer::new(URL, &known.client_id, &known.username, other.serialize_pem());
    let error = refusal(&sim, grant).await;
    assert_eq!(error.kind(), ErrorKind::InvalidAssertion);
    assert!(error.hint().unwrap().contains("certificate that belongs to this private key"), "{error}");
    let elsewhere = jwt(&sim, &known.username).audience("https://acme.my.salesforce.com");
    let error = refusal(&sim, elsewhere).await;
    assert_eq!(error.kind(), ErrorKind::InvalidAudience);
    assert!(error.hint().unwrap().contains("audience was https://acme.my.salesforce.com"), "{error}");
}

#[tokio::test]
async fn a_clock_that_is_off_refuses_a_jwt_and_the_hint_says_by_how_much() {
    for (offset, direction) in [(3600, "behind the org's"), (-3600, "ahead of the org's")] {
        let sim = org();
        sim.clock().set(sim.clock().now_ms() + offset * 1000);
        let error = refusal(&sim, jwt(&sim, &sim.credentials().username)).await;
        let hint = error.hint().unwrap();
        let seconds: i64 = hint.split_whitespace().find_map(|word| word.parse().ok()).unwrap();
        assert!((3590..=3610).contains(&seconds) && hint.contains(direction), "{error}");
    }
}

#[tokio::test]
async fn what_the_org_forbids_is_told_with_what_to_change() {
    let sim = org();
    let user = sim.credentials().username.clone();
    sim.set_user_approved(false);
    let error = refusal(&sim, jwt(&sim, &user)).await;
    assert_eq!(error.kind(), ErrorKind::NotApproved);
    assert!(error.hint().unwrap().starts_with("The user must approve the app once"), "{error}");
    sim.set_user_active(false);
    assert_eq!(refusal(&sim, password(&sim)).await.kind(), ErrorKind::InactiveUser);
    sim.set_my_domain(false);
    assert_eq!(refusal(&sim, client_credentials(&sim)).await.kind(), ErrorKind::HostRefused);
}

#[cfg(feature = "reqwest")]
#[tokio::test]
async fn one_line_leads_from_credentials_to_a_client() {
    let sim = org();
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let known = sim.credentials();
    let org = ClientCredentials::new(server.url(), &known.client_id, known.client_secret.as_str())
        .connect()
        .await
        .unwrap();
    assert!(org.limits().await.is_ok());
}
