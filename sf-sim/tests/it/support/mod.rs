//! An org with a little data, a client for it, and what tests ask of answers.

mod ingest;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sf_sim::clock::Clock;
use sf_sim::{Server, Sim, SimBuilder};

pub(crate) const V: &str = "/services/data/v66.0";
/// 2023-01-26T14:50:10Z.
pub(crate) const NOW: i64 = 1_674_744_610_000;

/// An org on a port, and a session.
pub(crate) struct Org {
    pub(crate) sim: Sim,
    pub(crate) server: Server,
    pub(crate) token: String,
    http: reqwest::Client,
}

impl Org {
    pub(crate) async fn new() -> Self {
        Self::of(Sim::builder()).await
    }

    /// With a standing clock.
    pub(crate) async fn of(builder: SimBuilder) -> Self {
        let sim = builder.clock(Clock::fixed(NOW)).build().unwrap();
        let server = sim.serve("127.0.0.1:0").await.unwrap();
        let token = sim.access_token();
        Self { sim, server, token, http: client() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).bearer_auth(&self.token)
    }

    pub(crate) fn without_token(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.call(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// Status and body of a GET.
    pub(crate) async fn told(&self, path: &str) -> (u16, String) {
        told(self.get(path).await).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.call(Method::POST, path).json(body).send().await.unwrap()
    }

    /// Logs in with a form.
    pub(crate) async fn login(&self, form: &[(&str, &str)]) -> Response {
        self.http.post(self.url("/services/oauth2/token")).form(form).send().await.unwrap()
    }

    /// Creates a query job; its id.
    pub(crate) async fn job(&self, soql: &str) -> String {
        let body = json!({ "operation": "query", "query": soql });
        let answer = self.post(&format!("{V}/jobs/query"), &body).await;
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        let job: Value = answer.json().await.unwrap();
        job["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn job_state(&self, id: &str) -> String {
        let job = self.json(&format!("{V}/jobs/query/{id}")).await;
        job["state"].as_str().unwrap().to_owned()
    }

    /// Accounts named `Account 0` … in the order of their ids.
    pub(crate) fn accounts(&self, n: usize) {
        for at in 0..n {
            self.sim.insert("Account", &json!({ "Name": format!("Account {at}") })).unwrap();
        }
    }
}

/// Never through a proxy of the machine, and bodies as they come.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap()
}

pub(crate) async fn told(answer: Response) -> (u16, String) {
    (answer.status().as_u16(), answer.text().await.unwrap())
}

pub(crate) fn header<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

/// The keys of an object, in their order.
pub(crate) fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A recorded case, or none where the shared folder is not there, which is a failure where it must be.
pub(crate) fn shared(path: &str) -> Option<std::path::PathBuf> {
    let path = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")).join(path);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var("SF_TESTS_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|part| part.trim() == "shared"), "{} is missing", path.display());
    None
}
