//! The org that a fault is played on: what is in it, how it is reached, and what it says of itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use sf_auth::{ClientCredentials, Login};
use sf_core::Client;
use sf_core::http::ReqwestService;
use sf_core::poll::PollPolicy;
use sf_core::retry::RetryPolicy;
use sf_sim::schema::{FieldDef, Type};
use sf_sim::value::Cell;
use sf_sim::{JobPace, Server, Sim};
use tower_service::Service;

use crate::route::Work;

/// How often jobs are asked: fast, and not for ever.
pub(crate) const POLL: PollPolicy = PollPolicy {
    initial: Duration::from_millis(2),
    max: Duration::from_millis(20),
    deadline: Some(Duration::from_secs(20)),
};
/// How long the org may be silent where that is the fault. Elsewhere a busy machine must not look like one.
const SILENCE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(30);
/// Rows of a page of a job's result; the result has several.
pub(crate) const PAGE: u32 = 20;
const IN_JOB: u32 = 50;
/// More than two pages of a REST query, whose pages have 200 rows at least.
const IN_QUERY: u32 = 450;
/// Rows that are loaded, beside [`REFUSED`] ones.
pub(crate) const LOADED: u32 = 10;
/// Rows of a load without the name that they need.
pub(crate) const REFUSED: u32 = 2;
/// Rows of a job that ends half way: four transactions.
pub(crate) const LONG: u32 = 700;

/// An emulated org on two sockets, and what stands in it.
pub(crate) struct Org {
    pub(crate) sim: Sim,
    at: Server,
    /// Where it may move to.
    elsewhere: Server,
    silent: bool,
}

impl Org {
    /// An org with what the work needs. `silent`: its client does not wait long for an answer.
    pub(crate) async fn new(work: Work, silent: bool) -> Result<Self, String> {
        let sim = Sim::builder().seed(11).build().map_err(|e| e.to_string())?;
        let rows = match work {
            Work::JobToRows | Work::JobToFile | Work::JobInParallel => IN_JOB,
            Work::Query => IN_QUERY,
            _ => 0,
        };
        for row in 0..rows {
            sim.insert("Account", &json!({ "Name": name(row) })).map_err(|e| e.to_string())?;
        }
        if work == Work::Upsert {
            let mut key = FieldDef::new("Code__c", "Code", Type::String);
            key.set_length(40);
            (key.custom, key.external_id, key.id_lookup, key.unique) = (true, true, true, true);
            sim.store(|store| store.add_fields("Account", vec![key]));
        }
        sim.set_page_cap(Some(u64::from(PAGE)));
        let serve = |what| move |e: std::io::Error| format!("{what}: {e}");
        let at = sim.serve("127.0.0.1:0").await.map_err(serve("the org's host"))?;
        let elsewhere = sim.serve("127.0.0.1:0").await.map_err(serve("the org's second host"))?;
        Ok(Self { sim, at, elsewhere, silent })
    }

    /// The host that the org may move to.
    pub(crate) fn elsewhere(&self) -> String {
        self.elsewhere.url()
    }

    /// Jobs take a few polls instead of being complete at the first.
    pub(crate) fn slow_jobs(&self) {
        self.sim.set_job_pace(JobPace::Polls(3));
    }

    /// Logs in, with pauses that a test has time for.
    pub(crate) async fn login(&self) -> sf_auth::Result<Client> {
        let silence = if self.silent { SILENCE } else { PATIENCE };
        let http = ReqwestService::builder().idle_timeout(silence).build()?;
        let retry = RetryPolicy::default()
            .with_max_attempts(6)
            .with_initial_backoff(Duration::from_millis(2))
            .with_max_backoff(Duration::from_millis(20));
        let known = self.sim.credentials();
        let grant = ClientCredentials::new(self.at.url(), &known.client_id, known.client_secret.as_str());
        Login::new().http(Arc::new(http)).retry(retry).connect(grant).await
    }

    /// How often each name stands among the org's accounts: what is there, whatever a client says.
    pub(crate) fn names(&self) -> BTreeMap<String, u32> {
        let mut names = BTreeMap::new();
        self.rows(|_, name| *names.entry(name.to_owned()).or_default() += 1);
        names
    }

    /// Id and name of every account.
    pub(crate) fn accounts(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        self.rows(|id, name| all.push((id, name.to_owned())));
        all.sort();
        all
    }

    fn rows(&self, mut see: impl FnMut(String, &str)) {
        self.sim.read(|store| {
            let Some(table) = store.table("Account") else { return };
            let Some((at, _)) = table.def().field("Name") else { return };
            for row in table.rows().filter(|row| !row.is_deleted()) {
                if let Cell::Text(name) = row.get(at) {
                    see(row.id().to_string(), name);
                }
            }
        });
    }

    /// Asks the org as somebody else would, without any of the clients.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Value) -> Result<Value, String> {
        let token = self.sim.access_token();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request::builder()
            .method(method)
            // The one host that is good before a move and after.
            .uri(format!("{}/services/data/v66.0/{path}", self.elsewhere()))
            .header("Authorization", format!("Bearer {token}"))
            .header("Content-Type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|e| e.to_string())?;
        let Ok(response) = self.sim.router().call(request).await;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
        if !status.is_success() {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&body)));
        }
        serde_json::from_slice(&body).map_err(|e| format!("{path}: {e}"))
    }

    /// The jobs of a kind (`query`, `ingest`) that the org has: id and state.
    pub(crate) async fn jobs(&self, kind: &str) -> Result<Vec<(String, String)>, String> {
        let list = self.ask(Method::GET, &format!("jobs/{kind}"), Value::Null).await?;
        let text =
            |job: &Value, name: &str| job.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let of_kind =
            |job: &Value| text(job, "jobType") == if kind == "query" { "V2Query" } else { "V2Ingest" };
        let records = list.get("records").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(records
            .iter()
            .filter(|job| of_kind(job))
            .map(|job| (text(job, "id"), text(job, "state")))
            .collect())
    }
}

/// The name of a row; all are of the same length.
pub(crate) fn name(row: u32) -> String {
    format!("row {row:04}")
}

/// Rows to load as CSV, and behind them those that lack a name.
pub(crate) fn csv(rows: u32) -> String {
    let lines = (0..rows).map(|row| format!("{},555{row:04}\n", name(row)));
    let refused = (0..REFUSED).map(|row| format!(",555{row:04}\n"));
    std::iter::once("Name,Phone\n".to_owned()).chain(lines).chain(refused).collect()
}
