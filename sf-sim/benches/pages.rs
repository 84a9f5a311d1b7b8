//! A million generated rows: how fast they are made, written as a result, and served as pages over a socket.
//!
//! The limit is measured beside it: the same bytes through a bare socket pair on the same machine.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on fails")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use sf_sim::Sim;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const ROWS: u64 = 1_000_000;
const SOQL: &str = "SELECT Id, FirstName, LastName, Company, Email, Phone, Status, AnnualRevenue, CreatedDate, SystemModstamp FROM Lead";

async fn fetch(address: std::net::SocketAddr, token: &str, path: &str) -> u64 {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get(path)
        .header("Host", "bench")
        .header("Authorization", format!("Bearer {token}"))
        .body(Empty::<Bytes>::new())
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame.unwrap().data_ref().map_or(0, Bytes::len) as u64;
    }
    drop(sender);
    connection.await.unwrap().unwrap();
    bytes
}

async fn bare(listener: &TcpListener, bytes: u64) {
    let sender = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let piece = vec![b'x'; 1 << 20];
        let mut left = usize::try_from(bytes).unwrap();
        while left > 0 {
            let n = left.min(piece.len());
            stream.write_all(&piece[..n]).await.unwrap();
            left -= n;
        }
    };
    let reader = async {
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut buffer = vec![0; 1 << 20];
        while stream.read(&mut buffer).await.unwrap() > 0 {}
    };
    tokio::join!(sender, reader);
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let begun = Instant::now();
    let sim = Sim::builder().generate("Lead", ROWS).seed(7).build().unwrap();
    println!("{ROWS} rows generated in {:.1?}", begun.elapsed());
    let server = runtime.block_on(sim.serve("127.0.0.1:0")).unwrap();
    let token = sim.access_token();

    let begun = Instant::now();
    let path = runtime.block_on(job(&sim, server.address(), &token));
    println!("result written in {:.1?}", begun.elapsed());
    let bytes = runtime.block_on(fetch(server.address(), &token, &path));
    println!("one page of {bytes} bytes");

    let mut criterion =
        Criterion::default().sample_size(10).measurement_time(Duration::from_secs(10)).configure_from_args();
    let mut group = criterion.benchmark_group("pages");
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("served", |b| {
        b.to_async(&runtime).iter(|| fetch(server.address(), &token, &path));
    });
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    group.bench_function("bare socket", |b| b.to_async(&runtime).iter(|| bare(&listener, bytes)));
    group.finish();
    criterion.final_summary();
}

/// Runs the query; the path of its whole result.
async fn job(sim: &Sim, address: std::net::SocketAddr, token: &str) -> String {
    use tower_service::Service as _;
    let body = serde_json::json!({ "operation": "query", "query": SOQL }).to_string();
    let request = |method: &str, path: &str, body: String| {
        http::Request::builder()
            .method(method)
            .uri(format!("http://{address}{path}"))
            .header("Authorization", format!("Bearer {token}"))
            .header("Content-Type", "application/json")
            .body(http_body_util::Full::new(Bytes::from(body)))
            .unwrap()
    };
    let base = "/services/data/v66.0/jobs/query";
    let created = sim.router().call(request("POST", base, body)).await.unwrap();
    let created = created.into_body().collect().await.unwrap().to_bytes();
    let created: serde_json::Value = serde_json::from_slice(&created).unwrap();
    let path = format!("{base}/{}", created["id"].as_str().unwrap());
    let info = sim.router().call(request("GET", &path, String::new())).await.unwrap();
    let info: serde_json::Value =
        serde_json::from_slice(&info.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(info["numberRecordsProcessed"], ROWS);
    format!("{path}/results?maxRecords={ROWS}")
}
