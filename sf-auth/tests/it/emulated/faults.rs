//! The token endpoint of an org misbehaves, over a real socket.

use std::sync::Arc;
use std::time::Duration;

use sf_auth::{
    ClientCredentials, ErrorKind, FileStore, Login, RefreshToken, TokenStore, UsernamePassword, WebServer,
};
use sf_core::Client;
use sf_core::http::{HttpService, ReqwestService};
use sf_sim::Sim;
use sf_sim::fault::{Action, Fault, Framing, Reply, Route};

use super::org;
use crate::support::{Person, hasty, http, seen};

/// How long a host may be silent where that is the fault. Elsewhere a busy machine must not look like one.
const SILENCE: Duration = Duration::from_millis(600);

async fn connect(sim: &Sim, http: Arc<dyn HttpService>) -> sf_auth::Result<Client> {
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let known = sim.credentials();
    let grant = ClientCredentials::new(server.url(), &known.client_id, known.client_secret.as_str());
    seen(Login::new().http(http).retry(hasty()).connect(grant).await)
}

/// Twice the fault, then the org as it should be; and the fault for good, told by its kind, after all attempts.
async fn passes(action: Action, kind: ErrorKind) {
    let http = match action {
        Action::Delay(_) | Action::Stall { .. } => {
            Arc::new(ReqwestService::builder().idle_timeout(SILENCE).build().unwrap())
        }
        _ => http(),
    };
    let sim = org();
    sim.faults().add(Fault::on(Route::Token).times(2).then(action.clone()));
    assert!(connect(&sim, Arc::clone(&http)).await.is_ok(), "{action:?}");
    assert_eq!(sim.journal().count(&Route::Token), 3, "{action:?}");

    let sim = org();
    sim.faults().add(Fault::on(Route::Token).always().then(action.clone()));
    let error = connect(&sim, http).await.unwrap_err();
    assert_eq!((error.kind(), sim.journal().count(&Route::Token)), (kind, 4), "{action:?}: {error}");
    assert!(error.to_string().contains("/services/oauth2/token"), "{error}");
}

/// The fault is final at once.
async fn ends(action: Action, words: &str) {
    let sim = org();
    sim.faults().add(Fault::on(Route::Token).always().then(action));
    let error = connect(&sim, http()).await.unwrap_err();
    assert_eq!((error.kind(), sim.journal().count(&Route::Token)), (ErrorKind::Protocol, 1), "{error}");
    assert!(error.to_string().contains(words) && error.hint().is_some(), "{error}");
}

#[tokio::test]
async fn a_429_passes() {
    passes(Action::too_many_requests(0), ErrorKind::RateLimited).await;
}

#[tokio::test]
async fn a_500_passes() {
    passes(Action::server_error(), ErrorKind::Server).await;
}

#[tokio::test]
async fn a_502_of_a_proxy_passes() {
    passes(Action::Reply(Reply::html(502, "Bad Gateway")), ErrorKind::Server).await;
}

#[tokio::test]
async fn a_503_during_maintenance_passes() {
    passes(Action::unavailable(), ErrorKind::Server).await;
}

#[tokio::test]
async fn a_connection_that_is_reset_before_the_login_passes() {
    passes(Action::ResetBefore, ErrorKind::Broken).await;
}

#[tokio::test]
async fn a_connection_that_is_reset_after_the_login_passes() {
    passes(Action::ResetAfter, ErrorKind::Broken).await;
}

#[tokio::test]
async fn an_answer_that_is_cut_passes_however_it_is_framed() {
    for framing in [Framing::Length, Framing::Chunked, Framing::Close] {
        passes(Action::cut_framed(40, framing), ErrorKind::Broken).await;
    }
}

#[tokio::test]
async fn a_host_that_goes_silent_before_its_answer_passes() {
    passes(Action::Delay(Duration::from_secs(600)), ErrorKind::Timeout).await;
}

#[tokio::test]
async fn a_host_that_goes_silent_within_its_answer_passes() {
    passes(Action::stall(40), ErrorKind::Timeout).await;
}

#[tokio::test]
async fn a_broken_gzip_passes() {
    passes(Action::BrokenGzip { after: 10 }, ErrorKind::Broken).await;
}

#[tokio::test]
async fn a_limit_for_the_moment_passes_and_one_for_the_day_ends_the_login() {
    passes(Action::concurrent_limit(), ErrorKind::RateLimited).await;
    let sim = org();
    sim.faults().add(Fault::on(Route::Token).always().then(Action::daily_limit()));
    let error = connect(&sim, http()).await.unwrap_err();
    assert_eq!((error.kind(), sim.journal().count(&Route::Token)), (ErrorKind::DailyLimit, 1), "{error}");
    assert!(sf_core::Error::from(error).is_daily_limit());
}

#[tokio::test]
async fn a_401_that_refuses_nothing_is_asked_about_once_more_and_one_that_names_its_cause_is_not() {
    let session = Reply::error(401, "INVALID_SESSION_ID", "Session expired or invalid");
    for reply in [session, Reply::empty(401), Reply::html(401, "Unauthorized")] {
        let sim = org();
        sim.faults().add(Fault::on(Route::Token).then(Action::Reply(reply.clone())));
        assert!(connect(&sim, http()).await.is_ok(), "{reply:?}");
        let sim = org();
        sim.faults().add(Fault::on(Route::Token).always().then(Action::Reply(reply.clone())));
        let error = connect(&sim, http()).await.unwrap_err();
        assert_eq!((error.kind(), sim.journal().count(&Route::Token)), (ErrorKind::Refused, 2), "{reply:?}");
    }
    let mut named = Reply::empty(401);
    named.body = r#"{"error":"invalid_client","error_description":"invalid client credentials"}"#.to_owned();
    let sim = org();
    sim.faults().add(Fault::on(Route::Token).always().then(Action::Reply(named)));
    let error = connect(&sim, http()).await.unwrap_err();
    assert_eq!((error.kind(), sim.journal().count(&Route::Token)), (ErrorKind::InvalidClient, 1), "{error}");
}

#[tokio::test]
async fn a_page_of_a_proxy_is_no_answer() {
    ends(Action::Reply(Reply::html(200, "Sign in to the Wi-Fi")), "an HTML page of").await;
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let elsewhere = org();
    let server = elsewhere.serve("127.0.0.1:0").await.unwrap();
    for status in [301, 302, 303, 307, 308] {
        let to = Reply::empty(status).header("Location", format!("{}/services/oauth2/token", server.url()));
        ends(Action::Reply(to), "where nothing secret is sent unasked").await;
    }
    assert!(elsewhere.journal().requests().is_empty(), "something was sent to another host");
}

#[tokio::test]
async fn a_password_whose_answer_is_lost_is_not_sent_again_and_one_that_the_org_puts_off_is() {
    for (action, kind) in [
        (Action::ResetAfter, Some(ErrorKind::Broken)),
        (Action::cut(40), Some(ErrorKind::Broken)),
        (Action::server_error(), Some(ErrorKind::Server)),
        (Action::too_many_requests(0), None),
        (Action::unavailable(), None),
    ] {
        let sim = org();
        sim.faults().add(Fault::on(Route::Token).then(action.clone()));
        let server = sim.serve("127.0.0.1:0").await.unwrap();
        let known = sim.credentials();
        let (id, secret) = (known.client_id.as_str(), known.client_secret.as_str());
        let grant = UsernamePassword::new(server.url(), id, secret, &known.username, known.password.as_str())
            .security_token(known.security_token.as_str());
        let outcome = seen(Login::new().http(http()).retry(hasty()).connect(grant).await);
        assert_eq!(outcome.err().map(|e| e.kind()), kind, "{action:?}");
        assert_eq!(sim.journal().count(&Route::Token), if kind.is_some() { 1 } else { 2 }, "{action:?}");
    }
}

/// A refresh token that works once meets the two kinds of reset: before the org has seen it, and after.
#[tokio::test]
async fn a_rotated_token_survives_a_reset_before_it_is_spent_and_one_that_was_spent_unheard_is_explained() {
    let sim = org();
    let known = sim.credentials().clone();
    let callback = "http://localhost:1717/OauthRedirect";
    let app = serde_json::json!({"apps": [{
        "client_id": "portal", "callbacks": [callback], "approved_by": [known.username], "rotate": true,
    }]});
    sim.add_accounts(&app.to_string()).unwrap();
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let login = Login::new().http(http()).retry(hasty());
    let begun = WebServer::new(server.url(), "portal").begin().unwrap();
    let (username, password) = (known.username, known.password);
    let person = Person { http: http(), username, password, decision: "allow" };
    let back = person.open(begun.url()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path().join("token.json"));
    let _ = begun.finish(back.as_str(), &login).await.unwrap().keep(store.clone()).await.unwrap();
    let stored = || RefreshToken::stored(server.url(), "portal", store.clone());

    sim.faults().add(Fault::on(Route::Token).times(2).then(Action::ResetBefore));
    assert!(login.clone().connect(stored()).await.is_ok());
    sim.faults().add(Fault::on(Route::Token).then(Action::ResetAfter));
    let before = store.lock().await.unwrap().load().unwrap();
    let error = seen(login.connect(stored()).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::ExpiredToken);
    assert!(error.hint().unwrap().contains("an answer was lost on its way"), "{error}");
    assert_eq!(store.lock().await.unwrap().load().unwrap(), before);
}
