//! Pages of a result against what bounds them: the csv crate over the same bytes, and a bare download.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use sf_bulk2::{Pages, Position, QueryJob};
use sf_core::Client;
use sf_core::auth::{Token, TokenProvider};
use sf_core::http::{Framing, HttpService, Response, TransportError};
use sf_core::record::{Field, FieldType, Schema};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const ROWS: usize = 200_000;
const COLUMNS: [&str; 10] = [
    "Id",
    "FirstName",
    "LastName",
    "Company",
    "Email",
    "Phone",
    "City",
    "AnnualRevenue",
    "CreatedDate",
    "Description",
];
/// What a network buffer holds.
const PIECE: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "only filled")]
struct Lead {
    id: String,
    first_name: Option<String>,
    last_name: String,
    company: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    city: Option<String>,
    annual_revenue: Option<f64>,
    created_date: String,
    description: Option<String>,
}

/// A page as an org sends it: every cell quoted, some empty, some with quotes and line ends in them.
fn page() -> Bytes {
    let mut out = String::with_capacity(ROWS * 220);
    out.push_str(&COLUMNS.map(|c| format!("\"{c}\"")).join(","));
    out.push('\n');
    for i in 0..ROWS {
        let phone = if i % 3 == 0 { String::new() } else { format!("+49 30 {i:07}") };
        let description =
            if i % 10 == 0 { "said \"\"yes\"\",\nthen called" } else { "met at the fair, wants a call" };
        out.push_str(&format!(
            "\"00Q5i{i:010}AAA\",\"Given{i}\",\"Family{i}\",\"Company number {i} & Sons\",\"someone{i}@example.com\",\"{phone}\",\"Mönchengladbach\",\"{}.50\",\"2024-12-24T18:18:29.000Z\",\"{description}\"\n",
            i * 7
        ));
    }
    Bytes::from(out)
}

#[derive(Debug, Clone)]
struct Memory(Bytes);

impl HttpService for Memory {
    fn call(&self, _: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let body = self.0.clone();
        Box::pin(async move {
            let pieces =
                (0..body.len()).step_by(PIECE).map(move |at| Ok(body.slice(at..body.len().min(at + PIECE))));
            let mut headers = http::HeaderMap::new();
            headers.insert("sforce-locator", http::HeaderValue::from_static("null"));
            headers.insert("sforce-numberofrecords", http::HeaderValue::from(ROWS));
            let body = futures_util::stream::iter(pieces).boxed();
            Ok(Response { status: http::StatusCode::OK, headers, framing: Framing::Explicit, body })
        })
    }
}

#[derive(Debug)]
struct Always(String);

impl TokenProvider for Always {
    fn token(&self) -> BoxFuture<'_, sf_core::Result<Arc<Token>>> {
        Box::pin(async { Token::new("t", self.0.parse().unwrap()).map(Arc::new) })
    }

    fn invalidate(&self, _: &Token) {}
}

fn pages(http: Arc<dyn HttpService>, at: &str) -> Pages {
    let client = Client::builder(Always(at.to_owned())).http(http).build().unwrap();
    QueryJob::attach(&client, "7507Q000009f8jvQAA".parse().unwrap(), client.api_version())
        .pages(Position::START)
}

fn records(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let body = page();
    let schema = Schema::new("Lead", COLUMNS.map(|n| Field::new(n, FieldType::String)).into()).unwrap();
    let schema = Arc::new(schema);
    let http: Arc<dyn HttpService> = Arc::new(Memory(body.clone()));
    let mut group = c.benchmark_group("page of 200,000 rows");
    group.throughput(Throughput::Bytes(body.len() as u64)).sample_size(20);
    group.bench_function("limit: csv::ByteRecord", |b| {
        b.iter(|| {
            let mut reader = csv::Reader::from_reader(&body[..]);
            let mut record = csv::ByteRecord::new();
            let mut rows = 0;
            while reader.read_byte_record(&mut record).unwrap() {
                rows += black_box(&record).len() / 10;
            }
            assert_eq!(rows, ROWS);
        });
    });
    group.bench_function("ours: Record", |b| {
        b.to_async(&runtime).iter(|| async {
            let mut pages = pages(Arc::clone(&http), "http://127.0.0.1:1");
            pages.next_page().await.unwrap();
            let mut record = pages.record(&schema).unwrap();
            let mut rows = 0;
            while pages.next_row(&mut record).await.unwrap() {
                rows += usize::from(black_box(record.cell(0)).is_some());
            }
            assert_eq!(rows, ROWS);
        });
    });
    group.bench_function("limit: csv deserialize", |b| {
        b.iter(|| {
            let mut reader = csv::Reader::from_reader(&body[..]);
            let rows = reader.deserialize::<Lead>().fold(0, |rows, row| {
                black_box(row.unwrap());
                rows + 1
            });
            assert_eq!(rows, ROWS);
        });
    });
    group.bench_function("ours: serde structs", |b| {
        b.to_async(&runtime).iter(|| async {
            let mut structs = pages(Arc::clone(&http), "http://127.0.0.1:1").rows::<Lead>();
            let mut rows = 0;
            while let Some(row) = structs.next_row().await.unwrap() {
                black_box(row);
                rows += 1;
            }
            assert_eq!(rows, ROWS);
        });
    });
    group.finish();
}

/// A server that does nothing but send the page, so that it does not share the cores for long.
async fn serve(body: Bytes) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let body = body.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                while stream.read(&mut request).await.is_ok_and(|n| n > 0) {
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nSforce-Locator: null\r\nSforce-NumberOfRecords: {ROWS}\r\nContent-Length: {}\r\n\r\n",
                        body.len()
                    );
                    stream.write_all(head.as_bytes()).await.unwrap();
                    stream.write_all(&body).await.unwrap();
                }
            });
        }
    });
    url
}

fn to_file(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let body = page();
    let folder = std::env::temp_dir();
    let url = runtime.block_on(serve(body.clone()));
    let bare = reqwest::Client::new();
    let http: Arc<dyn HttpService> = Arc::new(sf_core::http::ReqwestService::new().unwrap());
    let mut group = c.benchmark_group("page to file over loopback");
    group
        .throughput(Throughput::Bytes(body.len() as u64))
        .sample_size(20)
        .measurement_time(Duration::from_secs(10));
    // Interleaved by criterion's own iteration: both write the same bytes to the same disk.
    group.bench_function("limit: bare reqwest", |b| {
        b.to_async(&runtime).iter_custom(|times| {
            let (bare, url, path) = (bare.clone(), url.clone(), folder.join("sf-bulk2-bench-bare.csv"));
            async move {
                let begun = Instant::now();
                for _ in 0..times {
                    let mut file = tokio::io::BufWriter::new(tokio::fs::File::create(&path).await.unwrap());
                    let mut stream = bare.get(&url).send().await.unwrap().bytes_stream();
                    while let Some(piece) = stream.next().await {
                        file.write_all(&piece.unwrap()).await.unwrap();
                    }
                    file.flush().await.unwrap();
                }
                begun.elapsed()
            }
        });
    });
    group.bench_function("ours: write_to", |b| {
        b.to_async(&runtime).iter_custom(|times| {
            let (http, url, path) = (Arc::clone(&http), url.clone(), folder.join("sf-bulk2-bench-ours.csv"));
            async move {
                let begun = Instant::now();
                for _ in 0..times {
                    let mut file = tokio::io::BufWriter::new(tokio::fs::File::create(&path).await.unwrap());
                    let rows = pages(Arc::clone(&http), &url).write_to(&mut file).await.unwrap();
                    file.flush().await.unwrap();
                    assert_eq!(rows, ROWS as u64);
                }
                begun.elapsed()
            }
        });
    });
    group.finish();
}

criterion_group!(benches, records, to_file);
criterion_main!(benches);
