//! Refresh tokens that work once, shared by tasks, processes and those that are killed.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use sf_auth::{ErrorKind, FileStore, Lease, Login, MemoryStore, RefreshToken, TokenStore};
use sf_core::auth::{Exchange, Secret, TokenCache, TokenProvider};
use sf_core::http::{HttpService, Response, TransportError};
use sf_core::retry::RetryPolicy;
use tokio::sync::Notify;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::support::{hasty, http, seen, token_answer};

/// An org that ends a refresh token with its use, and everything with its second use.
#[derive(Clone)]
struct Rotating {
    url: String,
    spent: Arc<Mutex<Vec<String>>>,
    reused: Arc<Mutex<Vec<String>>>,
}

impl Rotating {
    async fn start() -> (MockServer, Self) {
        let server = MockServer::start().await;
        let org = Self { url: server.uri(), spent: Arc::default(), reused: Arc::default() };
        Mock::given(method("POST"))
            .and(path("/services/oauth2/token"))
            .respond_with(org.clone())
            .mount(&server)
            .await;
        (server, org)
    }

    fn spent(&self) -> Vec<String> {
        self.spent.lock().unwrap().clone()
    }

    fn reused(&self) -> Vec<String> {
        self.reused.lock().unwrap().clone()
    }
}

impl Respond for Rotating {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let value = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap();
        assert_eq!((value("grant_type").as_str(), value("client_id").as_str()), ("refresh_token", "key"));
        let token = value("refresh_token");
        let mut spent = self.spent.lock().unwrap();
        if token != format!("refresh-S3CRET {}", spent.len()) {
            self.reused.lock().unwrap().push(token);
            let body =
                serde_json::json!({"error": "invalid_grant", "error_description": "token reuse detected"});
            return ResponseTemplate::new(400).set_body_json(body);
        }
        spent.push(token);
        let mut body = token_answer(&self.url, &format!("access-S3CRET {}", spent.len()).replace(' ', ""));
        body["refresh_token"] = format!("refresh-S3CRET {}", spent.len()).into();
        ResponseTemplate::new(200).set_body_json(body)
    }
}

fn grant(url: &str, store: impl TokenStore) -> RefreshToken {
    RefreshToken::new(url, "key", "refresh-S3CRET 0").store(store)
}

async fn refresh(grant: &RefreshToken) -> sf_auth::Result<String> {
    let token = grant.exchange(&*http(), &RetryPolicy::none()).await?;
    Ok(token.access_token.expose().to_owned())
}

async fn stored(path: &Path) -> Option<String> {
    let mut lease = FileStore::new(path).lock().await.unwrap();
    lease.load().unwrap().map(|token| token.expose().to_owned())
}

#[tokio::test]
async fn each_refresh_spends_the_token_of_the_one_before() {
    let (_server, org) = Rotating::start().await;
    let store = MemoryStore::new();
    let grant = grant(&org.url, store.clone());
    for access in ["access-S3CRET1", "access-S3CRET2", "access-S3CRET3"] {
        assert_eq!(refresh(&grant).await.unwrap(), access);
    }
    assert_eq!(org.spent(), ["refresh-S3CRET 0", "refresh-S3CRET 1", "refresh-S3CRET 2"]);
    assert_eq!(store.token().unwrap().expose(), "refresh-S3CRET 3");
}

/// Holds an answer on its way until it is let go.
#[derive(Debug)]
struct Held {
    http: Arc<dyn HttpService>,
    answered: Arc<Notify>,
    go: Arc<Notify>,
}

impl HttpService for Held {
    fn call(
        &self,
        request: ::http::Request<bytes::Bytes>,
    ) -> BoxFuture<'static, Result<Response, TransportError>> {
        let answer = self.http.call(request);
        let (answered, go) = (Arc::clone(&self.answered), Arc::clone(&self.go));
        Box::pin(async move {
            let answer = answer.await;
            answered.notify_one();
            go.notified().await;
            answer
        })
    }
}

#[tokio::test]
async fn a_refresh_whose_caller_goes_away_stores_the_next_token_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.json");
    let (_server, org) = Rotating::start().await;
    let (answered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let held = Held { http: http(), answered: Arc::clone(&answered), go: Arc::clone(&go) };
    let grant = grant(&org.url, FileStore::new(&file));
    let tokens = TokenCache::new(grant, Arc::new(held), RetryPolicy::none());
    tokio::select! {
        _ = tokens.token() => panic!("the answer was not held"),
        () = answered.notified() => {}
    }
    go.notify_one();
    tokens.settled().await;
    assert_eq!(stored(&file).await.as_deref(), Some("refresh-S3CRET 1"));
    assert_eq!(tokens.token().await.unwrap().access_token.expose(), "access-S3CRET1");
    assert_eq!(org.spent(), ["refresh-S3CRET 0"]);
}

#[tokio::test]
async fn an_org_without_rotation_keeps_its_token() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(token_answer(&server.uri(), "t-S3CRET"));
    crate::support::on_token(&server, answer, None).await;
    let store = MemoryStore::new();
    let grant = grant(&server.uri(), store.clone()).client_secret("S3CRET");
    refresh(&grant).await.unwrap();
    refresh(&grant).await.unwrap();
    let sent = server.received_requests().await.unwrap();
    let body = "grant_type=refresh_token&refresh_token=refresh-S3CRET+0&client_id=key&client_secret=S3CRET";
    assert!(sent.iter().all(|r| r.body == body.as_bytes()), "{sent:?}");
    assert_eq!(store.token(), None);
}

#[tokio::test]
async fn a_file_is_private_whole_and_wins_over_the_given_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.json");
    let (_server, org) = Rotating::start().await;
    refresh(&grant(&org.url, FileStore::new(&file))).await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), r#"{"refresh_token":"refresh-S3CRET 1"}"#);
    #[cfg(unix)]
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let mode = std::os::unix::fs::MetadataExt::mode(&file.as_ref().unwrap().metadata().unwrap());
        assert_eq!(mode & 0o777, 0o600, "{file:?}");
    }
    refresh(&grant(&org.url, FileStore::new(&file))).await.unwrap();
    refresh(&RefreshToken::stored(&org.url, "key", FileStore::new(&file))).await.unwrap();
    assert_eq!(org.spent(), ["refresh-S3CRET 0", "refresh-S3CRET 1", "refresh-S3CRET 2"]);
}

#[tokio::test]
async fn no_token_at_all_is_said_before_anything_is_sent() {
    let (server, org) = Rotating::start().await;
    let error = seen(refresh(&RefreshToken::stored(&org.url, "key", MemoryStore::new())).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.hint().unwrap().contains("Log in once"), "{error}");
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_reuse_that_the_org_detects_is_reported_as_such_and_not_tried_again() {
    let (server, org) = Rotating::start().await;
    refresh(&grant(&org.url, MemoryStore::new())).await.unwrap();
    let copy = grant(&org.url, MemoryStore::new());
    let error = seen(Login::new().http(http()).retry(hasty()).connect(copy).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::ReusedRefreshToken);
    assert!(error.hint().unwrap().contains("keep the token in one `TokenStore`"), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

/// A store whose disk is full for a while.
#[derive(Debug, Clone)]
struct Full(MemoryStore, Arc<Mutex<u32>>);

struct FullLease(Box<dyn Lease>, Arc<Mutex<u32>>);

impl TokenStore for Full {
    fn lock(&self) -> futures_util::future::BoxFuture<'_, sf_auth::Result<Box<dyn Lease>>> {
        Box::pin(async {
            Ok(Box::new(FullLease(self.0.lock().await?, Arc::clone(&self.1))) as Box<dyn Lease>)
        })
    }
}

impl Lease for FullLease {
    fn load(&mut self) -> sf_auth::Result<Option<Secret>> {
        self.0.load()
    }

    fn save(&mut self, token: &Secret) -> sf_auth::Result<()> {
        let mut left = self.1.lock().unwrap();
        if *left > 0 {
            *left -= 1;
            let error = sf_core::Error::new(sf_core::ErrorKind::Io, "no space left on device");
            return Err(error.into());
        }
        self.0.save(token)
    }
}

#[tokio::test]
async fn a_token_that_could_not_be_stored_is_not_used_and_not_lost() {
    let (_server, org) = Rotating::start().await;
    let store = MemoryStore::new();
    let grant = grant(&org.url, Full(store.clone(), Arc::new(Mutex::new(2))));
    for _ in 0..2 {
        assert_eq!(refresh(&grant).await.unwrap_err().kind(), ErrorKind::TokenStore);
        assert_eq!(org.spent(), ["refresh-S3CRET 0"], "spent before it was stored");
    }
    refresh(&grant).await.unwrap();
    assert_eq!(org.spent(), ["refresh-S3CRET 0", "refresh-S3CRET 1"]);
    assert_eq!(store.token().unwrap().expose(), "refresh-S3CRET 2");
}

#[tokio::test]
async fn a_file_that_holds_something_else_is_refused_without_showing_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.json");
    std::fs::write(&file, "5Aep861-S3CRET").unwrap();
    let error = seen(refresh(&grant("http://127.0.0.1:9", FileStore::new(&file))).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::TokenStore);
    assert!(error.to_string().contains("token.json is not a token file"), "{error}");
    assert!(!format!("{error:?}").contains("S3CRET"));
    let absent = folder.path().join("absent").join("token.json");
    let error = seen(refresh(&grant("http://127.0.0.1:9", FileStore::new(absent))).await.unwrap_err());
    assert!(error.to_string().contains("cannot be locked: No such file"), "{error}");
}

const URL: &str = "SF_AUTH_TEST_ROTATION_URL";
const FILE: &str = "SF_AUTH_TEST_ROTATION_FILE";
const TIMES: u32 = 12;

/// Another process: this test binary, running one of the two tests below.
fn other_process(test: &str, url: &str, file: &Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env(URL, url).env(FILE, file);
    command.stdout(Stdio::null()).kill_on_drop(true);
    command
}

fn from_environment() -> Option<RefreshToken> {
    let (url, file) = (std::env::var(URL).ok()?, std::env::var(FILE).ok()?);
    Some(grant(&url, FileStore::new(file)))
}

#[tokio::test]
#[ignore = "the other process of the test below"]
async fn refreshes_again_and_again() {
    let Some(grant) = from_environment() else { return };
    for _ in 0..TIMES {
        refresh(&grant).await.unwrap();
    }
}

#[tokio::test]
async fn processes_that_share_a_file_never_spend_a_token_twice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.json");
    let (_server, org) = Rotating::start().await;
    let run = || other_process("rotation::refreshes_again_and_again", &org.url, &file).status();
    let (one, two, three) = tokio::join!(run(), run(), run());
    assert!([one, two, three].iter().all(|status| status.as_ref().unwrap().success()));
    assert_eq!(org.reused(), Vec::<String>::new());
    let times = usize::try_from(3 * TIMES).unwrap();
    assert_eq!(org.spent(), (0..times).map(|n| format!("refresh-S3CRET {n}")).collect::<Vec<_>>());
    assert_eq!(stored(&file).await, Some(format!("refresh-S3CRET {times}")));
}

#[tokio::test]
#[ignore = "the other process of the test below"]
async fn logs_in_and_makes_a_call() {
    let Some(grant) = from_environment() else { return };
    let org = Login::new().http(http()).connect(grant).await.unwrap();
    let _ = org.limits().await;
}

#[tokio::test]
async fn a_rotated_token_survives_a_kill_between_its_answer_and_its_use() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.json");
    let (server, org) = Rotating::start().await;
    let (seen, mut first_use) = tokio::sync::mpsc::unbounded_channel();
    Mock::given(method("GET"))
        .respond_with(move |_: &Request| {
            seen.send(()).unwrap();
            ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(600))
        })
        .mount(&server)
        .await;
    let mut process = other_process("rotation::logs_in_and_makes_a_call", &org.url, &file).spawn().unwrap();
    tokio::select! {
        used = first_use.recv() => assert_eq!(used, Some(())),
        ended = process.wait() => panic!("the process ended by itself: {ended:?}"),
    }
    process.kill().await.unwrap();
    assert_eq!(stored(&file).await.as_deref(), Some("refresh-S3CRET 1"));
    refresh(&grant(&org.url, FileStore::new(&file))).await.unwrap();
    assert_eq!((org.spent().len(), org.reused().len()), (2, 0));
}
