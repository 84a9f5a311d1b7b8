//! Nothing secret shows: not in logs at the finest level, not in `Debug`, not in errors, and not in what any other test
//! makes happen.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use sf_auth::{
    CliOrg, ClientCredentials, Device, Grant, JwtBearer, KeyStore, Login, RefreshToken, Session,
    TokenExchange, UsernamePassword, WebServer,
};
use tracing_subscriber::fmt::MakeWriter;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{MARKS, hasty, http, leaks, on_token, output_of, rsa_key, seen, token_answer};

const SECRETS: &[&str] = &[
    "s3cretOfTheApp",
    "hunter2",
    "S3curityT0ken",
    "00Dxx!AQT0ken",
    "PRIVATE KEY",
    "eyJ",
    "5AepR3fresh",
    "subj3ct",
    "changeit",
];

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Logs in, uses the client once, and returns everything that it shows.
async fn shown(grant: impl Grant) -> String {
    let mut shown = format!("{grant:?}\n");
    match Login::new().http(http()).retry(hasty()).connect(grant).await {
        Ok(org) => {
            shown += &format!("{org:?} {:?}\n", org.token().await);
            shown += &format!("{:?}\n", org.get("sobjects").response().await.map(|a| a.status));
        }
        Err(error) => shown += &format!("{error} {error:?}\n"),
    }
    shown
}

/// Refuses, and repeats all that it was sent.
fn repeating(request: &Request) -> ResponseTemplate {
    let form = String::from_utf8_lossy(&request.body);
    let body = serde_json::json!({"error": "invalid_grant", "error_description": format!("not with {form}")});
    ResponseTemplate::new(400).set_body_json(body)
}

async fn every_grant(url: &str) -> String {
    let pem = rsa_key().serialize_pem();
    let store = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keystores/java.jks");
    let store = KeyStore::from_file(store).unwrap().password("changeit");
    let cli = format!(r#"{{"result":{{"sfdxAuthUrl":"force://key:s3cretOfTheApp:5AepR3fresh@{url}"}}}}"#);
    let password = UsernamePassword::new(url, "key", "s3cretOfTheApp", "ann@acme.example", "hunter2");
    [
        shown(ClientCredentials::new(url, "key", "s3cretOfTheApp")).await,
        shown(JwtBearer::new(url, "key", "ann@acme.example", pem)).await,
        shown(password.security_token("S3curityT0ken")).await,
        shown(Session::new(url, "00Dxx!AQT0ken")).await,
        shown(RefreshToken::new(url, "key", "5AepR3fresh").client_secret("s3cretOfTheApp")).await,
        shown(TokenExchange::new(url, "key", || "subj3ct").client_secret("s3cretOfTheApp")).await,
        shown(CliOrg::from_json(&cli).unwrap()).await,
        shown(JwtBearer::with_key(url, "key", "ann@acme.example", store.key().unwrap())).await,
        format!("{store:?} {:?}\n", store.clone().password("hunter2").key()),
        format!(
            "{:?}\n",
            sf_auth::revoke(url, "00Dxx!AQT0ken", &Login::new().http(http()).retry(hasty())).await
        ),
    ]
    .concat()
}

#[test]
fn no_secret_shows_in_logs_debug_or_errors_whatever_the_outcome() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(captured.clone())
        .with_ansi(false)
        .finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let shown = tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let mut shown = String::new();
            let good = MockServer::start().await;
            let token = token_answer(&good.uri(), "00Dxx!AQT0ken");
            on_token(&good, ResponseTemplate::new(200).set_body_json(token), None).await;
            Mock::given(method("GET")).respond_with(ResponseTemplate::new(200)).mount(&good).await;
            shown += &every_grant(&good.uri()).await;

            let refusing = MockServer::start().await;
            Mock::given(method("POST")).respond_with(repeating).mount(&refusing).await;
            shown += &every_grant(&refusing.uri()).await;

            let broken = MockServer::start().await;
            let body = r#"{"access_token":"00Dxx!AQT0ken","instance_url":"http://acme.example"#;
            on_token(&broken, ResponseTemplate::new(200).set_body_string(body), None).await;
            shown += &every_grant(&broken.uri()).await;
            shown
        })
    });
    let logged = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("logged in"), "the logs were not captured");
    assert!(shown.contains("client_secret=***"), "{shown}");
    for secret in SECRETS {
        for (place, text) in [("Debug and errors", &shown), ("the logs", &logged)] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret:?} shows in {place}");
        }
    }
}

#[tokio::test]
async fn no_grant_shows_what_else_is_in_its_url() {
    for (url, without) in [
        ("https://ann:hunter2@127.0.0.1:9", "https://127.0.0.1:9"),
        ("https://127.0.0.1:port?sid=00Dxx!AQT0ken", "https://127.0.0.1:port"),
    ] {
        let people = format!("{:?}\n{:?}\n", WebServer::new(url, "key"), Device::new(url, "key"));
        let shown = every_grant(url).await + &people;
        for secret in SECRETS {
            assert_eq!(shown.lines().find(|line| line.contains(secret)), None, "{secret:?} shows");
        }
        // Seven grants besides the CLI's, and the two above.
        assert!(shown.matches(&format!("_url: {without:?}")).count() >= 9, "{shown}");
    }
}

#[test]
fn no_secret_shows_in_anything_that_the_other_tests_write_at_the_finest_level() {
    let (passed, output) = output_of(&["--skip", "secrets::"]);
    assert!(
        passed,
        "the other tests fail when their logs are on: run them with RUST_LOG=trace -- --nocapture"
    );
    let (logged, seen) = (output.matches("logged in").count(), output.matches("seen: ").count());
    assert!(logged >= 30 && seen >= 50, "{logged} logins were logged and {seen} values written");
    assert_eq!(leaks(&output), Vec::<&str>::new());
}

/// The search above finds what it looks for, in logs and in what tests write.
#[test]
fn a_secret_that_shows_is_found() {
    let (passed, output) = output_of(&["--exact", "secrets::shows_secrets", "--ignored"]);
    assert!(passed, "{output}");
    assert_eq!(leaks(&output).len(), 1 + MARKS.len(), "{output}");
}

#[test]
#[ignore = "the other process of the test above"]
fn shows_secrets() {
    let _ = http();
    tracing::trace!(token = "token-S3CRET", "as it must never be");
    for mark in MARKS {
        seen(format!("{mark}…"));
    }
}
