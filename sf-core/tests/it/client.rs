//! One odd answer each.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sf_core::auth::{Exchange, Token, TokenCache, TokenProvider};
use sf_core::http::{BodyStream, HttpService, ReqwestService};
use sf_core::retry::RetryPolicy;
use sf_core::{Client, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use url::Url;
use wiremock::matchers::{body_string, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Gives `token 1`, `token 2` … each for the instance that is set at that time.
#[derive(Debug, Clone)]
struct Logins(Arc<Vec<String>>, Arc<AtomicUsize>);

impl Exchange for Logins {
    fn exchange<'a>(
        &'a self,
        _: &'a dyn HttpService,
        _: &'a RetryPolicy,
    ) -> BoxFuture<'a, sf_core::Result<Token>> {
        Box::pin(async {
            let made = self.1.fetch_add(1, Ordering::SeqCst);
            let instance = self.0.get(made).or(self.0.last()).unwrap();
            Token::new(format!("token-{}", made + 1), instance.parse().unwrap())
        })
    }
}

fn client(instances: &[&str]) -> (Client, Arc<AtomicUsize>) {
    let http: Arc<dyn HttpService> =
        Arc::new(ReqwestService::builder().idle_timeout(Duration::from_millis(400)).build().unwrap());
    let logins = Arc::new(AtomicUsize::new(0));
    let exchange = Logins(Arc::new(instances.iter().map(|i| (*i).to_owned()).collect()), Arc::clone(&logins));
    let retry = RetryPolicy::default().with_initial_backoff(Duration::from_millis(1)).with_max_attempts(3);
    let tokens = TokenCache::new(exchange, Arc::clone(&http), retry);
    (Client::builder(tokens).http(http).retry(retry).build().unwrap(), logins)
}

const EXPIRED: &str = r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;

#[tokio::test]
async fn a_streamed_body_is_opened_anew_for_each_attempt_with_its_exact_length() {
    let org = MockServer::start().await;
    let sent = |token: &str| {
        Mock::given(header("authorization", format!("Bearer {token}").as_str()))
            .and(method("PUT"))
            .and(header("content-type", "text/csv"))
            .and(header("content-length", "10"))
            .and(body_string("Name\nabcd\n"))
    };
    let expired = ResponseTemplate::new(401).set_body_raw(EXPIRED, "application/json");
    sent("token-1").respond_with(expired).expect(1).mount(&org).await;
    sent("token-2").respond_with(ResponseTemplate::new(201)).expect(1).mount(&org).await;
    let (client, _) = client(&[&org.uri()]);
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let open = move || -> BoxFuture<'static, sf_core::Result<(u64, BodyStream)>> {
        count.fetch_add(1, Ordering::SeqCst);
        let pieces = ["Name\n", "abcd\n"].map(|piece| Ok(bytes::Bytes::from(piece)));
        Box::pin(async move { Ok((10, futures_util::stream::iter(pieces).boxed())) })
    };
    let request =
        client.request(http::Method::PUT, "jobs/ingest/750/batches").streamed_body(open, "text/csv");
    assert_eq!(request.response().await.unwrap().status, 201);
    assert_eq!(opened.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_request_replayed() {
    let org = MockServer::start().await;
    let expired = ResponseTemplate::new(401).set_body_raw(EXPIRED, "application/json");
    Mock::given(header("authorization", "Bearer token-1")).respond_with(expired).mount(&org).await;
    let good = ResponseTemplate::new(200).set_body_json(json!({"ok": 1}));
    Mock::given(header("authorization", "Bearer token-2"))
        .and(path("/services/data/v65.0/limits"))
        .respond_with(good.insert_header("Sforce-Limit-Info", "api-usage=18/5000"))
        .mount(&org)
        .await;
    let (client, logins) = client(&[&org.uri()]);
    let answer: Value = client.get("limits").json().await.unwrap();
    assert_eq!(answer["ok"], 1);
    assert_eq!(logins.load(Ordering::SeqCst), 2);
    assert_eq!(client.usage().unwrap().left(), 4982);
}

#[tokio::test]
async fn a_token_that_is_refused_again_is_an_error_and_not_a_loop() {
    let org = MockServer::start().await;
    let expired = ResponseTemplate::new(401).set_body_raw(EXPIRED, "application/json");
    Mock::given(method("GET")).respond_with(expired).expect(2).mount(&org).await;
    let (client, logins) = client(&[&org.uri()]);
    let error = client.get("limits").response().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SessionExpired);
    assert_eq!(error.error_code(), Some("INVALID_SESSION_ID"));
    assert_eq!(logins.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_org_that_moved_is_found_by_the_next_login() {
    let (old, new) = (MockServer::start().await, MockServer::start().await);
    let moved = ResponseTemplate::new(302).insert_header("Location", new.uri() + "/elsewhere");
    Mock::given(method("GET")).respond_with(moved).expect(1).mount(&old).await;
    let good = ResponseTemplate::new(200).set_body_json(json!([]));
    Mock::given(header("authorization", "Bearer token-2"))
        .and(path("/services/data/v65.0/sobjects"))
        .respond_with(good)
        .expect(1)
        .mount(&new)
        .await;
    let (client, _) = client(&[&old.uri(), &new.uri()]);
    client.get("sobjects").response().await.unwrap();
}

/// Two hosts of an org. The first renewal is held until the test lets it go on.
#[derive(Debug)]
struct Moving {
    hosts: [Url; 2],
    moved: AtomicBool,
    begun: Arc<Notify>,
    held: Mutex<Option<Receiver<()>>>,
}

impl TokenProvider for Moving {
    fn token(&self) -> BoxFuture<'_, sf_core::Result<Arc<Token>>> {
        let at = usize::from(self.moved.load(Ordering::SeqCst));
        let token = Token::new(format!("token-{at}"), self.hosts[at].clone()).map(Arc::new);
        Box::pin(std::future::ready(token))
    }

    fn invalidate(&self, _: &Token) {
        let held = self.held.lock().unwrap().take();
        if let Some(held) = held {
            self.begun.notify_one();
            // An error as well lets it go on: then the test has failed.
            let _ = tokio::task::block_in_place(|| held.recv());
        }
        self.moved.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_not_lost_because_another_one_is_just_asking_where_the_org_is() {
    let (old, new) = (MockServer::start().await, MockServer::start().await);
    let page = ResponseTemplate::new(404).set_body_raw("<h1>URL No Longer Exists</h1>", "text/html");
    Mock::given(method("GET")).respond_with(page).mount(&old).await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200)).mount(&new).await;
    let (begun, (go_on, held)) = (Arc::new(Notify::new()), std::sync::mpsc::channel());
    let tokens = Moving {
        hosts: [&old, &new].map(|host| host.uri().parse().unwrap()),
        moved: AtomicBool::new(false),
        begun: Arc::clone(&begun),
        held: Mutex::new(Some(held)),
    };
    let http = Arc::new(ReqwestService::builder().build().unwrap());
    let client = Client::builder(tokens).http(http).build().unwrap();
    let first = client.clone();
    let first = tokio::spawn(async move { first.get("sobjects").response().await });
    begun.notified().await;
    let second = client.get("sobjects").response().await;
    go_on.send(()).unwrap();
    assert_eq!(second.unwrap().status, 200);
    assert_eq!(first.await.unwrap().unwrap().status, 200);
}

#[tokio::test]
async fn an_address_that_is_wrong_for_good_costs_one_login_more_and_no_login_a_call() {
    let org = MockServer::start().await;
    let page = ResponseTemplate::new(404).set_body_raw("<h1>URL No Longer Exists</h1>", "text/html");
    Mock::given(method("GET")).respond_with(page).expect(5).mount(&org).await;
    let (client, logins) = client(&[&org.uri()]);
    for _ in 0..5 {
        let error = client.get("/services/apexrest/nothing").response().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert_eq!(logins.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_resource_that_the_org_does_not_know_is_no_move() {
    let org = MockServer::start().await;
    let unknown = r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#;
    let unknown = ResponseTemplate::new(404).set_body_raw(unknown, "application/json;charset=UTF-8");
    Mock::given(method("GET")).respond_with(unknown).expect(1).mount(&org).await;
    let (client, logins) = client(&[&org.uri()]);
    assert_eq!(client.get("sobjects/Zzz").response().await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(logins.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_org_whose_old_host_is_gone_is_found_by_the_next_login() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let new = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200)).expect(1).mount(&new).await;
    let (client, logins) = client(&[&nowhere, &new.uri()]);
    client.get("sobjects").response().await.unwrap();
    assert_eq!(logins.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_redirect_is_never_followed_with_the_token() {
    let (org, thief) = (MockServer::start().await, MockServer::start().await);
    let away = ResponseTemplate::new(307).insert_header("Location", thief.uri() + "/take");
    Mock::given(method("GET")).respond_with(away).mount(&org).await;
    let (client, _) = client(&[&org.uri()]);
    assert_eq!(client.get("sobjects").response().await.unwrap_err().kind(), ErrorKind::Protocol);
    assert!(thief.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_path_that_leads_to_another_host_is_not_sent() {
    let (org, thief) = (MockServer::start().await, MockServer::start().await);
    let (client, _) = client(&[&org.uri()]);
    for path in [format!("/{}", thief.uri().trim_start_matches("http:")), "//169.254.1.1/x".to_owned()] {
        let error = client.get(path.clone()).response().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{path}");
    }
    assert!(thief.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_post_is_sent_once_unless_it_may_be_repeated() {
    for (repeatable, sent) in [(false, 1), (true, 3)] {
        let org = MockServer::start().await;
        let broken = ResponseTemplate::new(503).set_body_raw("<html>maintenance</html>", "text/html");
        Mock::given(method("POST")).respond_with(broken).expect(sent).mount(&org).await;
        let (client, _) = client(&[&org.uri()]);
        let request = client.post("jobs/query").json_body(&json!({})).repeatable(repeatable);
        let error = request.response().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::Server, Some(503)));
        assert!(error.to_string().contains("an HTML page"), "{error}");
    }
}

/// Answers every connection with these bytes and closes it; the last answer stays.
async fn raw(answers: Vec<Vec<u8>>, hang: bool) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let call = counted.fetch_add(1, Ordering::SeqCst);
            let answer = answers.get(call).or(answers.last()).unwrap().clone();
            let last = call + 1 >= answers.len();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                stream.write_all(&answer).await.unwrap();
                if hang && !last {
                    let _ = stream.read(&mut request).await; // until the client goes
                }
            });
        }
    });
    (url, calls)
}

fn whole(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[tokio::test]
async fn a_body_that_is_cut_is_fetched_again() {
    let body = r#"{"sobjects":[1,2,3]}"#;
    let mut cut = whole(body);
    cut.truncate(cut.len() - 5);
    let (url, calls) = raw(vec![cut, whole(body)], false).await;
    let (client, _) = client(&[&url]);
    let answer: Value = client.get("sobjects").json().await.unwrap();
    assert_eq!(answer["sobjects"], json!([1, 2, 3]));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up_after_the_idle_time_and_fetched_again() {
    let body = r#"{"sobjects":[]}"#;
    let mut stalled = whole(body);
    stalled.truncate(stalled.len() - 5);
    let (url, calls) = raw(vec![stalled, whole(body)], true).await;
    let (client, _) = client(&[&url]);
    client.get("sobjects").json::<Value>().await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_answer_larger_than_allowed_is_an_error_and_never_a_part() {
    let org = MockServer::start().await;
    let large = ResponseTemplate::new(200).set_body_bytes(vec![b' '; 2000]);
    Mock::given(method("GET")).respond_with(large).mount(&org).await;
    let http: Arc<dyn HttpService> = Arc::new(ReqwestService::new().unwrap());
    let logins = Logins(Arc::new(vec![org.uri()]), Arc::default());
    let tokens = TokenCache::new(logins, Arc::clone(&http), RetryPolicy::none());
    let client = Client::builder(tokens).http(http).max_body(1000).build().unwrap();
    let error = client.get("sobjects").response().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("larger than the 1000 bytes"), "{error}");
}

#[tokio::test]
async fn the_token_shows_in_no_error() {
    let org = MockServer::start().await;
    let refused = ResponseTemplate::new(400).set_body_json(json!([{"errorCode":"X","message":"no"}]));
    Mock::given(method("GET")).respond_with(refused).mount(&org).await;
    let (client, _) = client(&[&org.uri()]);
    let error = client.get("sobjects").response().await.unwrap_err();
    assert!(!format!("{error} {error:?} {client:?}").contains("token-1"));
}

#[tokio::test]
async fn what_stands_in_an_answer_shows_in_no_debug_and_in_no_error() {
    let org = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(json!({ "Name": "secret" }));
    Mock::given(method("GET")).respond_with(answer).mount(&org).await;
    let (client, _) = client(&[&org.uri()]);
    let whole = client.get("sobjects/Account/1").response().await.unwrap();
    assert_eq!(whole.parse::<Value>("reading it").unwrap()["Name"], "secret");
    let error = whole.parse::<std::collections::BTreeMap<String, u8>>("reading it").unwrap_err();
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(why, "invalid type: string, expected u8 at line 1 column 16");
    for shown in [format!("{whole:?}"), format!("{error:?}")] {
        assert!(!shown.contains("secret") && shown.contains("200"), "{shown}");
    }
}

#[tokio::test]
async fn a_write_that_was_refused_for_a_lock_is_known_not_to_be_done_whatever_its_status() {
    for (status, code, unknown) in [(500, "UNABLE_TO_LOCK_ROW", false), (500, "UNKNOWN_EXCEPTION", true)] {
        let org = MockServer::start().await;
        let refusal = json!([{ "errorCode": code, "message": "x" }]);
        let answer = ResponseTemplate::new(status).set_body_json(refusal);
        Mock::given(method("POST")).respond_with(answer).mount(&org).await;
        let (client, _) = client(&[&org.uri()]);
        let error = client.post("sobjects/Account").json_body(&json!({})).response().await.unwrap_err();
        assert_eq!(error.outcome_unknown(), unknown, "{error}");
        // What is known not to be done is sent again; what may be is not.
        assert_eq!(org.received_requests().await.unwrap().len(), if unknown { 1 } else { 3 }, "{error}");
    }
}
