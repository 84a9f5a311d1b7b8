//! `http.proxy` over real sockets: a proxy that counts, with and without a password, for http and for https.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::HeaderValue;
use axum::serve::Listener;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use sf_sim::Sim;
use sf_sim::fault::{Reply, Route};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::server::TlsStream;

use crate::faults::says;
use crate::kafka_support::{Mock, mock, over, read};
use crate::process::{Run, is_page, program, written};

const ROWS: u64 = 17;
/// Nothing answers there: whoever gets through got through the proxy.
const NOWHERE: &str = "127.0.0.1:1";
const HOST: &str = "acme.my.salesforce.com";
const USER: &str = "ada";
/// With characters that mean something in a URL.
const PASSWORD: &str = "p@ss:w/rd";

/// A proxy in front of one org, whatever host is asked for.
struct Proxy {
    address: String,
    /// The first lines of the connections.
    asked: Arc<Mutex<Vec<String>>>,
    refused: Arc<AtomicUsize>,
}

/// Where connections end up behind the proxy.
#[derive(Clone)]
enum Behind {
    /// At the org's port, as they are.
    Port(String),
    /// At an org that speaks https, which the proxy cannot look into.
    Tls(TlsAcceptor, mpsc::UnboundedSender<TlsStream<TcpStream>>),
}

impl Proxy {
    async fn start(behind: Behind, login: Option<(&str, &str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (asked, refused) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicUsize>::default());
        let wanted = login.map(|(user, password)| {
            format!("proxy-authorization: Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
        });
        let (seen, refusals) = (Arc::clone(&asked), Arc::clone(&refused));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (behind, wanted, seen) = (behind.clone(), wanted.clone(), Arc::clone(&seen));
                let refusals = Arc::clone(&refusals);
                tokio::spawn(async move { one(socket, behind, wanted, &seen, &refusals).await });
            }
        });
        Self { address, asked, refused }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }
}

/// One connection: who it is for, whether it may, and then its bytes as they are.
async fn one(
    mut socket: TcpStream,
    behind: Behind,
    wanted: Option<String>,
    seen: &Mutex<Vec<String>>,
    refusals: &AtomicUsize,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        if socket.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let first = text.lines().next()?.to_owned();
    let tunnel = first.starts_with("CONNECT ");
    seen.lock().unwrap().push(first);
    // Names of headers have no case, and a password has.
    let given = text.lines().find(|line| line.to_ascii_lowercase().starts_with("proxy-authorization:"));
    let given = given.map(|line| line.replacen("Proxy-Authorization", "proxy-authorization", 1));
    if wanted.is_some() && given != wanted {
        refusals.fetch_add(1, Ordering::SeqCst);
        let body = "<html>Proxy Authentication Required</html>";
        let refusal = format!(
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"acme\"\r\n\
             Content-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(refusal.as_bytes()).await.ok()?;
        return socket.shutdown().await.ok();
    }
    if tunnel {
        socket.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
    }
    match behind {
        Behind::Port(port) => {
            let mut org = TcpStream::connect(port).await.ok()?;
            if !tunnel {
                org.write_all(&head).await.ok()?;
            }
            copy_bidirectional(&mut socket, &mut org).await.ok().map(drop)
        }
        Behind::Tls(acceptor, org) => org.send(acceptor.accept(socket).await.ok()?).ok(),
    }
}

/// Connections that came out of tunnels.
struct Tunnels(mpsc::UnboundedReceiver<TlsStream<TcpStream>>);

impl Listener for Tunnels {
    type Io = TlsStream<TcpStream>;
    type Addr = ();

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The org under its https address; the certificate that whoever calls it has to trust.
fn https(sim: &Sim) -> (Behind, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![HOST.to_owned()]).unwrap().self_signed(&key).unwrap();
    let own = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], own.into())
        .unwrap();
    let (sender, receiver) = mpsc::unbounded_channel();
    let router = axum::Router::new().fallback_service(sim.router()).layer(axum::middleware::map_request(
        async |mut request: axum::extract::Request| {
            request.headers_mut().insert("x-forwarded-proto", HeaderValue::from_static("https"));
            request
        },
    ));
    tokio::spawn(async move { axum::serve(Tunnels(receiver), router).await });
    (Behind::Tls(TlsAcceptor::from(Arc::new(config)), sender), certificate.pem())
}

struct Site {
    sim: Sim,
    mock: Mock,
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let sim = Sim::builder().generate("Lead", ROWS).build().unwrap();
        Self { sim, mock: mock(&[("leads", 1)]), folder: tempfile::tempdir().unwrap() }
    }

    fn config(&self, instance: &str, more: &Value) -> String {
        let login = self.sim.credentials();
        let mut config = json!({
            "name": "leads",
            "connector.class": "SalesforceBulkApiV2Source",
            "salesforce.grant.type": "CLIENT_CREDENTIALS",
            "salesforce.instance": instance,
            "salesforce.consumer.key": login.client_id,
            "salesforce.consumer.secret": login.client_secret,
            "salesforce.object.num": "3",
            "salesforce.object1": "Lead",
            "salesforce.object1.topic": "leads",
            "salesforce.object2": "Account",
            "salesforce.object2.topic": "leads",
            "salesforce.object3": "Contact",
            "salesforce.object3.topic": "leads",
            "salesforce.lag.ms": "0",
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        written(self.folder.path(), "leads.json", &config)
    }

    fn run(&self, config: &str) -> Run {
        self.run_at("info", config)
    }

    fn run_at(&self, level: &str, config: &str) -> Run {
        let servers = self.mock.bootstrap_servers();
        let mut command = program(self.folder.path());
        command.arg("run").arg(config).args(["--bootstrap-servers", &servers, "--listen", "127.0.0.1:0"]);
        command.args(["--offset-storage-file", "offsets.json", "--log-format", "json"]);
        command.env("RUST_LOG", level);
        let authorities = self.folder.path().join("authorities.pem");
        if authorities.exists() {
            command.env("SSL_CERT_FILE", authorities);
        }
        Run::of(command)
    }

    async fn delivers(&self, config: &str) {
        let mut run = self.run(config);
        run.until(|event| is_page(event, "Lead")).await;
        run.stop().await;
        assert_eq!(read(&over(&self.mock, &[]).await, "leads").await.len(), usize::try_from(ROWS).unwrap());
    }
}

fn with_login(proxy: &Proxy, user: &str, password: &str) -> Value {
    json!({
        "http.proxy": proxy.address,
        "http.proxy.auth.scheme": "BASIC",
        "http.proxy.user": user,
        "http.proxy.password": password,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_goes_through_the_proxy_with_and_without_a_password() {
    for login in [None, Some((USER, PASSWORD))] {
        let site = Site::new();
        let server = site.sim.serve("127.0.0.1:0").await.unwrap();
        let port = server.url().trim_start_matches("http://").to_owned();
        let proxy = Proxy::start(Behind::Port(port), login).await;
        let keys = match login {
            None => json!({ "http.proxy": proxy.address }),
            Some((user, password)) => with_login(&proxy, user, password),
        };
        site.delivers(&site.config(&format!("http://{NOWHERE}"), &keys)).await;
        let asked = proxy.asked();
        assert!(asked[0].starts_with(&format!("POST http://{NOWHERE}/services/oauth2/token ")), "{asked:?}");
        assert_eq!(proxy.refused(), 0);
        assert_eq!(site.sim.journal().count(&Route::Results), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn https_goes_through_a_tunnel_of_the_proxy_and_the_org_sees_no_password_of_it() {
    for login in [None, Some((USER, PASSWORD))] {
        let site = Site::new();
        let (behind, authority) = https(&site.sim);
        std::fs::write(site.folder.path().join("authorities.pem"), authority).unwrap();
        site.sim.move_to(&format!("https://{HOST}"), Reply::empty(404));
        let proxy = Proxy::start(behind, login).await;
        let keys = match login {
            None => json!({ "http.proxy": proxy.address }),
            Some((user, password)) => with_login(&proxy, user, password),
        };
        site.delivers(&site.config(&format!("https://{HOST}"), &keys)).await;
        let asked = proxy.asked();
        assert!(!asked.is_empty());
        assert!(asked.iter().all(|line| *line == format!("CONNECT {HOST}:443 HTTP/1.1")), "{asked:?}");
        assert_eq!(proxy.refused(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_refuses_is_named_with_the_keys_to_set_is_asked_once_and_no_password_shows() {
    let site = Site::new();
    for instance in [format!("http://{NOWHERE}"), format!("https://{HOST}")] {
        let behind = Behind::Port(NOWHERE.to_owned());
        for (login, says_what) in [
            (None, "wants a user and a password: set http.proxy.auth.scheme = BASIC"),
            (Some("wr0ng-w0rd"), "refuses its user and password: correct http.proxy.user"),
        ] {
            let proxy = Proxy::start(behind.clone(), Some((USER, PASSWORD))).await;
            let keys = match login {
                None => json!({ "http.proxy": proxy.address }),
                Some(wrong) => with_login(&proxy, USER, wrong),
            };
            let (status, said) = site.run(&site.config(&instance, &keys)).ended().await;
            assert_eq!(status.code(), Some(1), "{said}");
            let place = format!("the proxy {}", proxy.address);
            says(&said, &[&place, says_what, "407 Proxy Authentication Required"]);
            assert!(!said.contains("wr0ng-w0rd") && !said.contains("secret"), "{said}");
            assert_eq!((proxy.refused(), proxy.asked().len()), (1, 1), "{instance}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_environment_that_refuses_is_told_by_its_variable() {
    let site = Site::new();
    let proxy = Proxy::start(Behind::Port(NOWHERE.to_owned()), Some((USER, PASSWORD))).await;
    let output = program(site.folder.path())
        .arg("check")
        .arg(site.config(&format!("https://{HOST}"), &json!({})))
        .env("HTTPS_PROXY", format!("http://{USER}:wr0ng-w0rd@{}", proxy.address))
        .output()
        .await
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    says(&said, &["the proxy of HTTPS_PROXY or HTTP_PROXY refuses", "407 Proxy Authentication Required"]);
    assert!(!said.contains("wr0ng-w0rd"), "{said}");
    assert_eq!(proxy.refused(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_away_is_waited_for() {
    let site = Site::new();
    let server = site.sim.serve("127.0.0.1:0").await.unwrap();
    let keys = json!({ "http.proxy": NOWHERE, "request.max.retries.time.ms": "1000" });
    let mut run = site.run(&site.config(&server.url(), &keys));
    let events = run.until(|e| e["message"] == "reading on from the last stored offset").await;
    says(
        events.last().unwrap()["error"].as_str().unwrap(),
        &["no connection to http://127.0.0.1", "no connection by way of the proxy 127.0.0.1:1"],
    );
    run.stop().await;
    assert!(site.sim.journal().requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn at_trace_level_no_password_and_no_token_is_logged() {
    let site = Site::new();
    let (behind, authority) = https(&site.sim);
    std::fs::write(site.folder.path().join("authorities.pem"), authority).unwrap();
    site.sim.move_to(&format!("https://{HOST}"), Reply::empty(404));
    let proxy = Proxy::start(behind, Some((USER, PASSWORD))).await;
    let login = site.sim.credentials().clone();
    let mut keys = with_login(&proxy, USER, PASSWORD);
    for (key, value) in [
        ("salesforce.grant.type", "PASSWORD"),
        ("salesforce.username", &login.username),
        ("salesforce.password", &login.password),
        ("salesforce.password.token", &login.security_token),
    ] {
        keys[key] = value.into();
    }
    let mut run = site.run_at("trace", &site.config(&format!("https://{HOST}"), &keys));
    let events = run.until(|event| is_page(event, "Lead")).await;
    run.stop().await;
    assert!(events.iter().any(|event| event["level"] == "TRACE"), "nothing was traced");
    let log = serde_json::to_string(&events).unwrap();
    let basic = BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let encoded = "p%40ss%3Aw%2Frd";
    // A session id begins with the org's, up to the exclamation mark.
    let session = format!("{}!", &site.sim.org_id().to_string()[..15]);
    let secrets =
        [&login.password, &login.security_token, &login.client_secret, PASSWORD, &basic, encoded, &session];
    for secret in secrets {
        let at = log.find(secret);
        assert_eq!(at, None, "{secret}: {:?}", at.map(|at| &log[at.saturating_sub(200)..at + 50]));
    }
    let token = site.sim.access_token();
    assert!(token.starts_with(&session), "{token}");
}
