//! What the tests share: keys, hosts that misbehave, and the documents beside the repository.

mod browser;
mod shown;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rcgen::{KeyPair, PKCS_RSA_SHA256};
use sf_core::http::{HttpService, ReqwestService};
use sf_core::retry::RetryPolicy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

pub(crate) use browser::Person;
pub(crate) use shown::{MARKS, leaks, logged, output_of, seen};

/// One RSA key for the whole binary: making one takes a moment.
pub(crate) fn rsa_key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap())
}

pub(crate) fn http() -> Arc<dyn HttpService> {
    logged();
    Arc::new(ReqwestService::new().unwrap())
}

/// Several attempts, without the pauses that an org deserves.
pub(crate) fn hasty() -> RetryPolicy {
    logged();
    RetryPolicy::default()
        .with_max_attempts(4)
        .with_initial_backoff(Duration::from_millis(2))
        .with_max_backoff(Duration::from_millis(4))
}

/// A document beside the repository; `None`, with one line that says so, where it is absent.
pub(crate) fn shared(name: &str, cases: &str) -> Option<String> {
    let root: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "shared"].iter().collect();
    if !root.exists() {
        let required = std::env::var("SF_TESTS_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|r| r == "shared"),
            "../shared is absent, and SF_TESTS_REQUIRE names it"
        );
        std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("skipped: ../shared is absent: {cases}\n").as_bytes(),
        )
        .unwrap_or_default();
        return None;
    }
    Some(std::fs::read_to_string(root.join(name)).unwrap())
}

/// A token answer for an org at this URL.
pub(crate) fn token_answer(instance_url: &str, token: &str) -> serde_json::Value {
    serde_json::json!({
        "access_token": token,
        "instance_url": instance_url,
        "id": "https://login.salesforce.com/id/00D58000000arpqEAA/0051a000000UGT8AAO",
        "token_type": "Bearer",
        "issued_at": "1645223681952",
        "signature": "kvxZ=",
    })
}

pub(crate) async fn on_token(server: &MockServer, answer: ResponseTemplate, times: Option<u64>) {
    let mock = Mock::given(method("POST")).and(path("/services/oauth2/token")).respond_with(answer);
    match times {
        Some(times) => mock.up_to_n_times(times).mount(server).await,
        None => mock.mount(server).await,
    }
}

/// A host that answers its first connections with these bytes and hangs up, then with `last` for ever.
pub(crate) async fn raw_host(
    first: Vec<Vec<u8>>,
    last: impl Fn(SocketAddr) -> Vec<u8> + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut first = first.into_iter();
        while let Ok((mut socket, _)) = listener.accept().await {
            let reply = first.next().unwrap_or_else(|| last(address));
            let mut request = Vec::new();
            // The form ends with the value of its last parameter, so one read past the headers suffices.
            while !request.windows(4).any(|w| w == b"\r\n\r\n") || request.ends_with(b"\r\n\r\n") {
                if socket.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let _ = socket.write_all(&reply).await;
            let _ = socket.shutdown().await;
        }
    });
    address
}

/// An HTTP/1.1 answer that ends with its connection's end or by its length.
pub(crate) fn raw_answer(headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{headers}Content-Type: application/json\r\nConnection: close\r\n\r\n{body}")
        .into_bytes()
}
