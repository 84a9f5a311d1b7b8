//! Any bytes as the data of an ingest job: the job ends, its counts add up with its files, and no row is in two of them.

#![no_main]

use std::cell::RefCell;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use sf_sim::Sim;
use sf_sim::clock::Clock;
use tokio::runtime::Runtime;
use tower_service::Service;

const DELIMITERS: [(&str, u8); 6] = [
    ("COMMA", b','),
    ("BACKQUOTE", b'`'),
    ("CARET", b'^'),
    ("PIPE", b'|'),
    ("SEMICOLON", b';'),
    ("TAB", b'\t'),
];
/// Jobs of one org: what they wrote must not pile up.
const JOBS: u32 = 500;

struct Org {
    sim: Sim,
    token: String,
    jobs: u32,
}

impl Org {
    fn new() -> Self {
        let sim =
            Sim::builder().clock(Clock::fixed(1_710_331_200_000)).journal_size(1).build().expect("an org");
        sim.set_limit("DailyApiRequests", u64::MAX);
        Self { token: sim.access_token(), sim, jobs: 0 }
    }

    async fn call(&self, method: Method, path: &str, kind: &str, body: Bytes) -> (u16, Bytes) {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://org.example/services/data/v66.0/jobs/ingest{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", kind)
            .body(Full::new(body))
            .expect("a request");
        let answer = self.sim.router().call(request).await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.into_body().collect().await.expect("a whole body").to_bytes())
    }

    async fn json(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let (status, answer) = self.call(method, path, "application/json", body).await;
        (status, serde_json::from_slice(&answer).unwrap_or_default())
    }

    async fn file(&self, id: &str, name: &str) -> Bytes {
        let (status, body) = self.call(Method::GET, &format!("/{id}/{name}"), "text/csv", Bytes::new()).await;
        assert_eq!(status, 200);
        body
    }
}

thread_local! {
    static ORG: RefCell<Option<(Runtime, Org)>> = const { RefCell::new(None) };
}

/// Rows behind the header of a file in which all cells of rows are quoted.
fn rows(file: &[u8], header: usize) -> u64 {
    let mut quoted = false;
    let rows = file[header..].iter().filter(|byte| {
        quoted ^= **byte == b'"';
        **byte == b'\n' && !quoted
    });
    rows.count() as u64
}

async fn load(org: &Org, choice: u8, data: &[u8]) {
    let (delimiter, _) = DELIMITERS[usize::from(choice) % 6];
    let ending = if choice & 64 == 0 { "LF" } else { "CRLF" };
    let (operation, external) = if choice & 128 == 0 { ("insert", None) } else { ("upsert", Some("Id")) };
    let body = json!({ "object": "Account", "operation": operation, "externalIdFieldName": external,
        "columnDelimiter": delimiter, "lineEnding": ending });
    let (status, job) = org.json(Method::POST, "", body).await;
    assert_eq!(status, 200);
    let id = job["id"].as_str().expect("an id");
    let path = format!("/{id}");
    let upload = Bytes::copy_from_slice(data);
    assert_eq!(org.call(Method::PUT, &format!("/{id}/batches"), "text/csv", upload).await.0, 201);
    assert_eq!(org.json(Method::PATCH, &path, json!({ "state": "UploadComplete" })).await.0, 200);

    let (_, info) = org.json(Method::GET, &path, Value::Null).await;
    let count = |name: &str| info[name].as_u64().expect("a count");
    let (processed, failures) = (count("numberRecordsProcessed"), count("numberRecordsFailed"));
    let successful = org.file(id, "successfulResults").await;
    let failed = org.file(id, "failedResults").await;
    let unprocessed = org.file(id, "unprocessedrecords").await;
    if info["state"] == "JobComplete" {
        // Both begin with the upload's own header line, behind two columns of the org's.
        let header = unprocessed.len();
        let own = |column: &str| format!("\"sf__Id\"?\"{column}\"?").len() + header;
        assert_eq!(rows(&successful, own("sf__Created")), processed - failures);
        assert_eq!(rows(&failed, own("sf__Error")), failures);
        assert!(successful.ends_with(&unprocessed[..header]) || processed > failures);
    } else {
        assert_eq!((&info["state"], processed, failures), (&json!("Failed"), 0, 0));
        assert!(info["errorMessage"].is_string());
    }
    assert_eq!(org.call(Method::DELETE, &path, "text/csv", Bytes::new()).await.0, 204);
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = data.split_first() else { return };
    ORG.with_borrow_mut(|kept| {
        let (runtime, org) = kept.get_or_insert_with(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            (runtime.expect("a runtime"), Org::new())
        });
        org.jobs += 1;
        if org.jobs > JOBS {
            *org = Org::new();
        }
        runtime.block_on(load(org, *choice, data));
    });
});
