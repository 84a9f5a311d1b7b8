//! Files in rows, streamed in and out.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sf_core::auth::{Token, TokenProvider};
use sf_core::http::{BodyStream, Framing, HttpService, Response, TransportError};
use sf_core::sobject::File;
use sf_core::{Client, ErrorKind, Id};
use sf_sim::fault::{Action, Fault, Route};

use crate::support::Org;

/// Bytes in which no part is like another, and all that could end a part of a body.
fn content(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
    bytes.extend_from_slice(b"\r\n--x--\r\n\0\xff\r\n");
    bytes
}

async fn version(org: &Org, file: &File) -> sf_core::Result<Id> {
    let row = json!({ "Title": "Manual", "PathOnClient": "manual.pdf" });
    org.client.create_with_file("ContentVersion", &row, "VersionData", file).await
}

#[tokio::test]
async fn a_file_goes_in_and_comes_out_byte_by_byte() {
    let org = Org::new().await;
    let bytes = content(3_000_000);
    let path = std::env::temp_dir().join(format!("sf-core-file-{}", std::process::id()));
    std::fs::write(&path, &bytes).unwrap();
    for file in [File::at(&path), File::of("manual \"one\".pdf", bytes.clone())] {
        let id = version(&org, &file).await.unwrap();
        let fields = &["Title", "ContentSize", "FileExtension", "VersionData"];
        let row: Value = org.client.retrieve("ContentVersion", id, fields).await.unwrap();
        assert_eq!((&row["Title"], &row["ContentSize"]), (&json!("Manual"), &json!(bytes.len())));
        assert!(row["VersionData"].as_str().unwrap().ends_with(&format!("/{id}/VersionData")));
        let mut out = Vec::new();
        let length = org.client.download("ContentVersion", id, "VersionData", &mut out).await.unwrap();
        assert!(out == bytes && length == bytes.len() as u64, "{length} of {}", bytes.len());
    }
    std::fs::remove_file(&path).unwrap();
    let missing = version(&org, &File::at(&path)).await.unwrap_err();
    assert_eq!((missing.kind(), missing.outcome_unknown()), (ErrorKind::Io, false));
    assert!(missing.to_string().contains("sf-core-file-"), "{missing}");
}

#[tokio::test]
async fn a_small_file_and_one_that_is_not_there() {
    let org = Org::new().await;
    let id = version(&org, &File::of("small", "x")).await.unwrap();
    let mut out = Vec::new();
    assert_eq!(org.client.download("ContentVersion", id, "VersionData", &mut out).await.unwrap(), 1);
    let nobody: Id = "0685i00000000zz".parse().unwrap();
    let error = org.client.download("ContentVersion", nobody, "VersionData", &mut out).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(out, b"x");
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let org = Org::new().await;
    let bytes = content(500_000);
    let id = version(&org, &File::of("f", bytes.clone())).await.unwrap();
    for action in [Action::cut(200_000), Action::stall(100_000), Action::BrokenGzip { after: 150_000 }] {
        for nth in 1..=2 {
            org.sim.faults().add(Fault::on(Route::Row).nth(nth).then(action.clone()));
        }
        let mut out = Vec::new();
        org.client.download("ContentVersion", id, "VersionData", &mut out).await.unwrap();
        assert!(out == bytes, "{action:?}: {} of {}", out.len(), bytes.len());
        org.sim.faults().clear();
    }
}

#[tokio::test]
async fn a_download_that_gets_on_may_break_off_more_often_than_the_policy_has_attempts() {
    let org = Org::new().await;
    let bytes = content(1_000_000);
    let id = version(&org, &File::of("f", bytes.clone())).await.unwrap();
    // The policy has four attempts. Every one of these nine gets further than the one before.
    for nth in 1..=9 {
        org.sim.faults().add(Fault::on(Route::Row).nth(nth).then(Action::cut(nth * 100_000)));
    }
    let mut out = Vec::new();
    org.client.download("ContentVersion", id, "VersionData", &mut out).await.unwrap();
    assert!(out == bytes, "{} of {}", out.len(), bytes.len());
    org.sim.faults().clear();

    // One that never gets further is given up.
    org.sim.faults().add(Fault::on(Route::Row).always().then(Action::cut(100_000)));
    let before = org.sim.journal().count(&Route::Row);
    let error = org.client.download("ContentVersion", id, "VersionData", &mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Broken, "{error}");
    assert!(org.sim.journal().count(&Route::Row) - before <= 5);
}

#[tokio::test]
async fn an_upload_is_repeated_only_where_the_org_did_nothing() {
    for (action, open) in [
        (Action::ExpireSession, false),
        (Action::too_many_requests(0), false),
        (Action::server_error(), true),
        (Action::ResetAfter, true),
    ] {
        let org = Org::new().await;
        org.sim.faults().add(Fault::on(Route::Row).nth(1).then(action.clone()));
        let created = version(&org, &File::of("f", content(100_000))).await;
        assert_eq!(created.as_ref().is_err_and(sf_core::Error::outcome_unknown), open, "{action:?}");
        assert_eq!(created.is_err(), open, "{action:?}");
        assert!(org.count("ContentVersion") <= 1, "{action:?}");
    }
}

/// Takes an upload piece by piece and keeps none of it.
#[derive(Debug, Default)]
struct Pieces {
    largest: AtomicUsize,
    total: AtomicUsize,
    promised: Mutex<Option<String>>,
}

#[derive(Debug)]
struct Counted(Arc<Pieces>);

impl HttpService for Counted {
    fn call(&self, _: ::http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        panic!("the body was read whole")
    }

    fn upload(
        &self,
        request: ::http::Request<BodyStream>,
    ) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let promised = request.headers()["content-length"].to_str().unwrap().to_owned();
            *self.0.promised.lock().unwrap() = Some(promised);
            let mut body = request.into_body();
            while let Some(piece) = body.next().await {
                let piece = piece?.len();
                self.0.largest.fetch_max(piece, Ordering::SeqCst);
                self.0.total.fetch_add(piece, Ordering::SeqCst);
            }
            let answer = Bytes::from_static(br#"{"id":"0685i0000000001AAA","success":true,"errors":[]}"#);
            Ok(Response {
                status: ::http::StatusCode::CREATED,
                headers: ::http::HeaderMap::new(),
                framing: Framing::Explicit,
                body: futures_util::stream::iter([Ok(answer)]).boxed(),
            })
        })
    }
}

#[derive(Debug)]
struct Ready(Arc<Token>);

impl TokenProvider for Ready {
    fn token(&self) -> BoxFuture<'_, sf_core::Result<Arc<Token>>> {
        Box::pin(std::future::ready(Ok(Arc::clone(&self.0))))
    }
    fn invalidate(&self, _: &Token) {}
}

#[tokio::test]
async fn a_large_file_is_never_in_memory_as_a_whole() {
    const LENGTH: u64 = 200 << 20;
    let path = std::env::temp_dir().join(format!("sf-core-large-{}", std::process::id()));
    // Sparse: it has a length and takes no room.
    std::fs::File::create(&path).unwrap().set_len(LENGTH).unwrap();
    let pieces = Arc::new(Pieces::default());
    let token = Token::new("t".to_owned(), "http://localhost".parse().unwrap()).unwrap();
    let client =
        Client::builder(Ready(Arc::new(token))).http(Arc::new(Counted(Arc::clone(&pieces)))).build().unwrap();
    let row = json!({ "PathOnClient": "large" });
    client.create_with_file("ContentVersion", &row, "VersionData", &File::at(&path)).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let (largest, total) = (pieces.largest.load(Ordering::SeqCst), pieces.total.load(Ordering::SeqCst));
    assert!(largest <= 64 * 1024, "{largest} bytes at once");
    assert!(total as u64 > LENGTH, "{total}");
    assert_eq!(pieces.promised.lock().unwrap().as_deref(), Some(total.to_string().as_str()));
}
