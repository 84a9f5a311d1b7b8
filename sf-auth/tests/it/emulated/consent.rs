//! Logins that a person lets in on the org's own pages.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Request;
use sf_auth::{
    Authorized, Device, DevicePrompt, ErrorKind, FileStore, Login, RefreshToken, TokenStore, WebServer,
    userinfo,
};
use sf_core::http::{HttpService, InProcess, Response, TransportError};
use sf_core::retry::RetryPolicy;
use sf_sim::clock::Clock;
use sf_sim::fault::Route;
use sf_sim::{App, Sim, User};
use tokio::time::Instant;
use url::Url;

use super::URL;
use crate::browser::visit;
use crate::support::{Person, hasty, http, seen};

const ADA: &str = "ada@acme.example";
const PASSWORD: &str = "engine-S3CRET";

fn portal() -> App {
    App::new("portal").secret("portal-S3CRET")
}

fn org(app: App) -> Sim {
    Sim::builder().app(app).user(User::new(ADA, PASSWORD).name("Ada", "Lovelace")).build().unwrap()
}

fn ada(http: Arc<dyn HttpService>, decision: &'static str) -> Person {
    Person { http, username: ADA.to_owned(), password: PASSWORD.to_owned(), decision }
}

fn login() -> Login {
    Login::new().http(http()).retry(hasty())
}

/// A login through the org's pages and the listener on this machine, as a person sees it.
async fn by_browser(sim: &Sim, url: &str, decision: &'static str) -> sf_auth::Result<Authorized> {
    let browser = WebServer::new(url, "portal")
        .client_secret("portal-S3CRET")
        .redirect_uri("http://localhost:0/callback")
        .listen()
        .await
        .unwrap();
    let query = |name: &str| browser.url().query_pairs().find(|(n, _)| n == name).unwrap().1.into_owned();
    let callback = query("redirect_uri");
    assert!(sim.change_app("portal", |app| app.callback(callback)).unwrap());
    let page = browser.url().clone();
    let (login, person) = (login(), ada(http(), decision));
    let (authorized, _) = tokio::join!(browser.wait(&login), async {
        let back = person.open(&page).await.expect("the org sends the browser back");
        assert!(visit(&back).await.starts_with("HTTP/1.1 200 "), "{}", back.path());
    });
    seen(authorized)
}

#[tokio::test]
async fn a_person_logs_in_on_the_orgs_page_and_the_listener_takes_the_code_by_its_verifier() {
    let sim = org(portal().pkce_required(true));
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let authorized = by_browser(&sim, &server.url(), "allow").await.unwrap();
    assert!(authorized.refresh_token().is_some());
    let org = authorized.connect_with(http()).await.unwrap();
    let user = userinfo(&org).await.unwrap();
    assert_eq!((user.preferred_username.as_deref(), user.name.as_deref()), (Some(ADA), Some("Ada Lovelace")));
    sim.expire_sessions();
    assert!(org.limits().await.is_ok(), "the refresh token goes on without the person");
    assert_eq!(sim.journal().count(&Route::Token), 2);
}

#[tokio::test]
async fn a_person_who_denies_on_the_orgs_page_ends_the_login() {
    let sim = org(portal());
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let error = by_browser(&sim, &server.url(), "deny").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(error.to_string().contains("end-user denied authorization"), "{error}");
    assert_eq!(sim.journal().count(&Route::Token), 0);
}

#[tokio::test]
async fn a_user_whom_no_administrator_let_in_is_told_so() {
    let sim = org(portal().admin_approved(""));
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let error = by_browser(&sim, &server.url(), "allow").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAdminApproved);
    assert!(error.hint().unwrap().contains("permission set"), "{error}");
}

#[tokio::test]
async fn rotated_refresh_tokens_go_on_from_process_to_process_and_a_copy_is_found_out() {
    let sim = org(portal().rotate(true));
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path().join("token.json"));
    let authorized =
        by_browser(&sim, &server.url(), "allow").await.unwrap().keep(store.clone()).await.unwrap();
    let first = authorized.refresh_token().unwrap().clone();

    let stored =
        || RefreshToken::stored(server.url(), "portal", store.clone()).client_secret("portal-S3CRET");
    for _ in 0..3 {
        let before = store.lock().await.unwrap().load().unwrap().unwrap();
        let org = login().connect(stored()).await.unwrap();
        assert!(org.limits().await.is_ok());
        assert_ne!(store.lock().await.unwrap().load().unwrap().unwrap(), before);
    }
    // Someone kept the first token. Its use ends what followed from it, as the next login here finds out.
    let copy = RefreshToken::new(server.url(), "portal", first).client_secret("portal-S3CRET");
    for grant in [copy, stored()] {
        let error = seen(login().connect(grant).await.unwrap_err());
        assert_eq!(error.kind(), ErrorKind::ExpiredToken);
        assert!(error.hint().unwrap().contains("a copy of it"), "{error}");
    }
}

#[tokio::test]
async fn a_refresh_token_without_rotation_is_good_until_its_policy_ends_it() {
    let sim = org(portal().refresh_life_s(60));
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let authorized = by_browser(&sim, &server.url(), "allow").await.unwrap();
    let token = authorized.refresh_token().unwrap().clone();
    let grant = || RefreshToken::new(server.url(), "portal", token.clone()).client_secret("portal-S3CRET");
    for _ in 0..2 {
        assert!(login().connect(grant()).await.is_ok());
    }
    sim.clock().advance(Duration::from_secs(60));
    let error = seen(login().connect(grant()).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::ExpiredToken);
    assert!(error.hint().unwrap().contains("refresh token policy"), "{error}");
}

/// The org in this process, whose clock goes with tokio's; `behind` seconds of it are lost.
#[derive(Debug, Clone)]
struct Together {
    org: Arc<dyn HttpService>,
    clock: Clock,
    began: (Instant, i64),
    behind: Arc<AtomicI64>,
}

impl Together {
    fn new(sim: &Sim) -> Arc<Self> {
        sim.clock().stop();
        Arc::new(Self {
            org: Arc::new(InProcess::new(sim.router())),
            clock: sim.clock().clone(),
            began: (Instant::now(), sim.clock().now_ms()),
            behind: Arc::default(),
        })
    }
}

impl HttpService for Together {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let passed = i64::try_from(self.began.0.elapsed().as_millis()).unwrap();
        self.clock.set(self.began.1 + passed - 1000 * self.behind.load(Ordering::SeqCst));
        self.org.call(request)
    }
}

async fn prompted(http: &Arc<Together>) -> (DevicePrompt, Login, Url) {
    let login = Login::new().http(http.clone()).retry(RetryPolicy::none());
    let device = Device::new(URL, "portal").client_secret("portal-S3CRET");
    let prompt = seen(device.begin(&login).await.unwrap());
    let mut page = prompt.verification_url().clone();
    page.query_pairs_mut().append_pair("user_code", prompt.user_code());
    (prompt, login, page)
}

#[tokio::test(start_paused = true)]
async fn a_device_waits_slows_down_when_told_and_is_let_in() {
    let sim = org(portal());
    let http = Together::new(&sim);
    let (prompt, login, page) = prompted(&http).await;
    let began = Instant::now();
    // Call 1 of the token endpoint gave the code; 2 finds nobody there; 3 comes too early by the org's clock, which has
    // lost three seconds; 4 finds nobody; before 5 the person has come.
    let (second, fifth) = (sim.hook(Route::Token, 1), sim.hook_before(Route::Token, 4));
    let (authorized, ()) = tokio::join!(prompt.wait(&login), async {
        second.arrived().await;
        http.behind.store(3, Ordering::SeqCst);
        second.release();
        fifth.arrived().await;
        assert_eq!(ada(http.clone(), "allow").open(&page).await, None);
        fifth.release();
    });
    // 5 s to each poll, and five more from the third on.
    assert_eq!(began.elapsed().as_secs(), 5 + 5 + 10 + 10);
    let polls: Vec<_> = sim.journal().of(&Route::Token).iter().map(|entry| entry.status.unwrap()).collect();
    assert_eq!(polls, [200, 400, 400, 400, 200]);
    let org = seen(authorized).unwrap().connect_with(http).await.unwrap();
    assert_eq!(userinfo(&org).await.unwrap().preferred_username.as_deref(), Some(ADA));
    sim.expire_sessions();
    assert!(org.limits().await.is_ok(), "a device renews its token by its refresh token");
}

#[tokio::test(start_paused = true)]
async fn a_device_whose_person_denies_stops() {
    let sim = org(portal());
    let http = Together::new(&sim);
    let (prompt, login, page) = prompted(&http).await;
    assert_eq!(ada(http.clone(), "deny").open(&page).await, None);
    let error = seen(prompt.wait(&login).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert_eq!(sim.journal().count(&Route::Token), 2);
}

#[tokio::test(start_paused = true)]
async fn a_device_whose_code_runs_out_is_told_to_begin_again() {
    let sim = org(portal());
    let http = Together::new(&sim);
    let (prompt, login, _) = prompted(&http).await;
    let began = Instant::now();
    let error = seen(prompt.timeout(Duration::from_secs(3600)).wait(&login).await.unwrap_err());
    assert_eq!((error.kind(), began.elapsed().as_secs()), (ErrorKind::InvalidCode, 600));
    assert!(error.hint().unwrap().contains("again"), "{error}");
}
