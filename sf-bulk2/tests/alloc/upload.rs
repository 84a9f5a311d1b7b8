//! How much memory a load takes, by where its data lies.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use serde_json::json;
use sf_bulk2::{Ingest, Load, Replay};
use sf_core::Client;
use sf_core::http::{BodyStream, Framing, HttpService, Response, TransportError, TransportErrorKind};
use tokio::io::{AsyncRead, ReadBuf};

use crate::support::{Always, JOB};

const LINE: usize = 1000;
const ROWS: usize = 24_000;
const MIB: u64 = 1024 * 1024;

/// Rows that nobody holds.
struct Rows(usize);

impl AsyncRead for Rows {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let end = 5 + ROWS * LINE;
        while buf.remaining() > 0 && self.0 < end {
            let byte = match self.0 {
                at @ 0..5 => b"Name\n"[at],
                at if (at - 5) % LINE == LINE - 1 => b'\n',
                _ => b'x',
            };
            buf.put_slice(&[byte]);
            self.0 += 1;
        }
        Poll::Ready(Ok(()))
    }
}

/// An org that takes uploads, and holds nothing of them. The first breaks off.
#[derive(Debug, Default)]
struct Sink(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    uploads: usize,
    rows: usize,
    /// Of the upload before.
    last: usize,
}

fn answer(status: u16, body: String) -> Response {
    let body = futures_util::stream::iter([Ok(Bytes::from(body))]).boxed();
    let status = http::StatusCode::from_u16(status).unwrap();
    Response { status, headers: http::HeaderMap::new(), framing: Framing::Explicit, body }
}

impl HttpService for Sink {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let mut counts = self.0.lock().unwrap();
        if request.method() == http::Method::PUT {
            drop(counts);
            let whole = request.into_body();
            let taken = self.take(&whole, 0);
            return Box::pin(async move { taken.map(|()| answer(201, String::new())) });
        }
        let state = match (request.method().as_str(), request.body()) {
            ("POST", _) => "Open",
            ("PATCH", body) if memchr::memmem::find(body, b"Aborted").is_some() => {
                counts.last = 0;
                "Aborted"
            }
            (_, _) if counts.last == 0 => "Aborted",
            _ => "JobComplete",
        };
        let job =
            json!({ "id": JOB, "state": state, "apiVersion": 65.0, "numberRecordsProcessed": counts.last });
        Box::pin(async move { Ok(answer(200, job.to_string())) })
    }

    fn upload(&self, request: http::Request<BodyStream>) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let length = request.headers()["content-length"].to_str().unwrap().parse::<usize>().unwrap();
            let mut body = request.into_body();
            let mut read = 0;
            while let Some(piece) = body.next().await {
                let piece = piece?;
                self.take(&piece, read)?;
                read += piece.len();
            }
            assert_eq!(read, length);
            Ok(answer(201, String::new()))
        })
    }
}

impl Sink {
    /// Looks at each byte of an upload, of which so much came before.
    fn take(&self, piece: &[u8], before: usize) -> Result<(), TransportError> {
        let mut counts = self.0.lock().unwrap();
        if before == 0 {
            counts.uploads += 1;
            counts.last = 0;
        }
        if counts.uploads == 1 && (before + piece.len()) as u64 > 3 * MIB {
            return Err(TransportError::new(TransportErrorKind::Broken, "the connection broke"));
        }
        for (i, byte) in piece.iter().enumerate() {
            let wanted = match before + i {
                at @ 0..5 => b"Name\n"[at],
                at if (at - 5) % LINE == LINE - 1 => b'\n',
                _ => b'x',
            };
            assert_eq!(*byte, wanted, "byte {} of upload {}", before + i, counts.uploads);
        }
        let lines = memchr::memchr_iter(b'\n', piece).count() - usize::from(before == 0);
        counts.last += lines;
        counts.rows += lines;
        Ok(())
    }
}

/// The most bytes that are allocated at once while 24 MB are loaded in parts of 8 MiB, two at a time.
fn peak(load: impl FnOnce(Ingest) -> Load<'static>, replay: Replay) -> u64 {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let sink = Arc::new(Sink::default());
    let client = Client::builder(Always).http(sink.clone()).build().unwrap();
    // One at a time, as the org has one job only.
    let ingest = Ingest::insert("Account").part_bytes(8 * 1024 * 1024).jobs_in_flight(1).replay(replay);
    let counted = allocation_counter::measure(|| {
        runtime.block_on(async {
            let loaded = load(ingest).run(&client).await.unwrap();
            assert_eq!((loaded.rows(), loaded.jobs().len()), (ROWS as u64, 3));
            assert_eq!(loaded.jobs()[0].abandoned.len(), 1, "its first upload broke off");
        });
    });
    assert_eq!(sink.0.lock().unwrap().uploads, 4);
    counted.bytes_max
}

#[test]
fn a_load_from_disk_takes_a_small_constant_of_memory_whatever_its_parts() {
    let memory = peak(|ingest| ingest.csv(Rows(0)), Replay::Memory);
    assert!(memory >= 8 * MIB, "what is measured is measured: {memory}");
    let spooled = peak(|ingest| ingest.csv(Rows(0)), Replay::Spool);
    assert!(spooled < 3 * MIB / 2, "{spooled}");

    let file = tempfile::NamedTempFile::new().unwrap();
    let mut rows = vec![b'x'; 5 + ROWS * LINE];
    rows[..5].copy_from_slice(b"Name\n");
    (1..=ROWS).for_each(|row| rows[4 + row * LINE] = b'\n');
    std::fs::write(file.path(), rows).unwrap();
    let path = file.path().to_owned();
    let reread = peak(move |ingest| ingest.csv_file(path), Replay::Source);
    assert!(reread < 3 * MIB / 2, "{reread}");
}
