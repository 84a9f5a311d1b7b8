//! Any bytes as the data of an ingest job: the job ends, its counts add up with its files, and no row is in two of them.

#![no_main]

mod org;

use bytes::Bytes;
use http::Method;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

use org::{Org, with_org};

const DELIMITERS: [(&str, u8); 6] = [
    ("COMMA", b','),
    ("BACKQUOTE", b'`'),
    ("CARET", b'^'),
    ("PIPE", b'|'),
    ("SEMICOLON", b';'),
    ("TAB", b'\t'),
];

async fn call(org: &Org, method: Method, path: &str, kind: &str, body: Bytes) -> (u16, Bytes) {
    org.call(method, &format!("jobs/ingest{path}"), kind.as_bytes(), body).await
}

async fn json(org: &Org, method: Method, path: &str, body: Value) -> (u16, Value) {
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    let (status, answer) = call(org, method, path, "application/json", body).await;
    (status, serde_json::from_slice(&answer).unwrap_or_default())
}

async fn file(org: &Org, id: &str, name: &str) -> Bytes {
    let (status, body) = call(org, Method::GET, &format!("/{id}/{name}"), "text/csv", Bytes::new()).await;
    assert_eq!(status, 200);
    body
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
    let (status, job) = json(org, Method::POST, "", body).await;
    assert_eq!(status, 200);
    let id = job["id"].as_str().expect("an id");
    let path = format!("/{id}");
    let upload = Bytes::copy_from_slice(data);
    assert_eq!(call(org, Method::PUT, &format!("/{id}/batches"), "text/csv", upload).await.0, 201);
    assert_eq!(json(org, Method::PATCH, &path, json!({ "state": "UploadComplete" })).await.0, 200);

    let (_, info) = json(org, Method::GET, &path, Value::Null).await;
    let count = |name: &str| info[name].as_u64().expect("a count");
    let (processed, failures) = (count("numberRecordsProcessed"), count("numberRecordsFailed"));
    let successful = file(org, id, "successfulResults").await;
    let failed = file(org, id, "failedResults").await;
    let unprocessed = file(org, id, "unprocessedrecords").await;
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
    assert_eq!(call(org, Method::DELETE, &path, "text/csv", Bytes::new()).await.0, 204);
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = data.split_first() else { return };
    with_org(async |org| load(org, *choice, data).await);
});
