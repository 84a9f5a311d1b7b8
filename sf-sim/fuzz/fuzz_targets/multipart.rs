//! Any bytes as a form, which is answered or refused; and any bytes as the file of one, which comes out as it went in.

#![no_main]

mod org;

use bytes::Bytes;
use http::Method;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

use org::{Org, with_org};

/// A form of these bytes, under a boundary of these bytes.
async fn any(org: &Org, path: &str, data: &[u8]) {
    let (boundary, body) = data.split_at(data.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let kind = [b"multipart/form-data; boundary=", boundary].concat();
    if http::HeaderValue::from_bytes(&kind).is_err() {
        return;
    }
    let body = Bytes::copy_from_slice(body.get(1..).unwrap_or_default());
    let (status, _) = org.call(Method::POST, path, &kind, body).await;
    assert!(matches!(status, 200 | 201 | 400 | 415), "{status}");
}

/// A file of these bytes in a form whose lines end like this.
async fn file(org: &Org, end: &str, data: &[u8]) {
    // A boundary that no file has, as its maker has to see to.
    let mut boundary = String::from("edge");
    while data.windows(boundary.len()).any(|window| window == boundary.as_bytes()) {
        boundary.push('x');
    }
    let mut body = format!(
        "--{boundary}{end}Content-Disposition: form-data; name=\"entity_content\"{end}Content-Type: application/json{end}{end}\
         {{\"PathOnClient\":\"a.bin\",\"Title\":\"a\"}}{end}--{boundary}{end}\
         Content-Disposition: form-data; name=\"VersionData\"; filename=\"a.bin\"{end}{end}"
    )
    .into_bytes();
    body.extend_from_slice(data);
    body.extend_from_slice(format!("{end}--{boundary}--{end}").as_bytes());
    let kind = format!("multipart/form-data; boundary=\"{boundary}\"");
    let (status, answer) =
        org.call(Method::POST, "sobjects/ContentVersion", kind.as_bytes(), body.into()).await;
    assert_eq!(status, 201, "{answer:?}");
    let answer: Value = serde_json::from_slice(&answer).expect("JSON");
    let path = format!("sobjects/ContentVersion/{}/VersionData", answer["id"].as_str().expect("an id"));
    let (status, stored) = org.call(Method::GET, &path, b"text/plain", Bytes::new()).await;
    // An empty file is none.
    assert!(status == 200 && stored == data || data.is_empty(), "{status} {stored:?}");
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = data.split_first() else { return };
    with_org(async |org| match choice % 4 {
        0 => any(org, "sobjects/ContentVersion", data).await,
        1 => any(org, "jobs/ingest", data).await,
        2 => file(org, "\r\n", data).await,
        _ => file(org, "\n", data).await,
    });
});
