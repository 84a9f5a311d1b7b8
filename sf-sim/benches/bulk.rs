//! A million generated rows: how fast they are made, written as a result, and served as pages over a socket.
//!
//! The limit is measured in turn with it: a server that does nothing but send the same bytes, in as many
//! answers, to the same reader.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on fails")]

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sf_sim::Sim;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const SOQL: &str = "SELECT Id, FirstName, LastName, Company, Email, Phone, Status, AnnualRevenue, CreatedDate, SystemModstamp FROM Lead";
const JOBS: &str = "/services/data/v66.0/jobs/query";
/// What is asked for, in bytes a second.
const GOAL: f64 = 200e6;

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    // Without `--bench`, as in a test of all targets, it only has to work.
    let (rows, page, rounds) = if full { (1_000_000, 50_000, 11) } else { (1_000, 300, 1) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(rows, page, rounds));
}

async fn run(rows: u64, page: u64, rounds: usize) {
    let before = resident_mb();
    let begun = Instant::now();
    let sim = Sim::builder().generate("Lead", rows).seed(7).build().unwrap();
    let loaded = resident_mb();
    println!("{rows} rows generated in {:.1?}, {:.0} MB of memory", begun.elapsed(), loaded - before);
    let server = sim.serve("127.0.0.1:0").await.unwrap();

    let mut org = Reader::connect(server.address(), &sim.access_token()).await;
    let begun = Instant::now();
    let job = org.job(rows).await;
    println!("result written in {:.1?}, {:.0} MB of memory", begun.elapsed(), resident_mb() - loaded);
    let pages = org.pages(&job, page).await;
    let bytes: u64 = pages.iter().sum();
    println!("{} pages, {:.1} MB", pages.len(), bytes as f64 / 1e6);

    let mut trivial = Reader::connect(serve(pages.clone()).await, "").await;
    let (mut ours, mut limit) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let begun = Instant::now();
        assert_eq!(org.pages(&job, page).await, pages);
        ours.push(bytes as f64 / begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        for page in &pages {
            assert_eq!(trivial.get("/").await.1, *page);
        }
        limit.push(bytes as f64 / begun.elapsed().as_secs_f64());
    }
    let (ours, limit) = (median(&mut ours), median(&mut limit));
    println!("served {:.0} MB/s (goal {:.0})", ours / 1e6, GOAL / 1e6);
    println!("a server that does nothing else {:.0} MB/s, ours ÷ that {:.2}", limit / 1e6, ours / limit);
}

/// One connection that reads bodies and throws them away.
struct Reader {
    sender: SendRequest<Full<Bytes>>,
    token: String,
}

impl Reader {
    async fn connect(address: SocketAddr, token: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, token: token.to_owned() }
    }

    async fn send(&mut self, method: &str, path: &str, body: String) -> (HeaderMap, hyper::body::Incoming) {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("Host", "bench")
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Content-Type", "application/json")
            .body(Full::from(body))
            .unwrap();
        self.sender.ready().await.unwrap();
        let (head, body) = self.sender.send_request(request).await.unwrap().into_parts();
        assert!(head.status.is_success(), "{}", head.status);
        (head.headers, body)
    }

    /// Reads an answer to its end: its headers, and how many bytes it had.
    async fn get(&mut self, path: &str) -> (HeaderMap, u64) {
        let (headers, mut body) = self.send("GET", path, String::new()).await;
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            bytes += frame.unwrap().data_ref().map_or(0, Bytes::len) as u64;
        }
        (headers, bytes)
    }

    async fn json(&mut self, method: &str, path: &str, body: String) -> Value {
        let (_, body) = self.send(method, path, body).await;
        serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap()
    }

    /// Runs the query to its end: the path of the job.
    async fn job(&mut self, rows: u64) -> String {
        let order = json!({ "operation": "query", "query": SOQL }).to_string();
        let created = self.json("POST", JOBS, order).await;
        let path = format!("{JOBS}/{}", created["id"].as_str().unwrap());
        let info = self.json("GET", &path, String::new()).await;
        assert_eq!(info["numberRecordsProcessed"], rows);
        path
    }

    /// Reads all pages of a job: how many bytes each had.
    async fn pages(&mut self, job: &str, rows: u64) -> Vec<u64> {
        let mut pages = Vec::new();
        let mut path = format!("{job}/results?maxRecords={rows}");
        loop {
            let (headers, bytes) = self.get(&path).await;
            pages.push(bytes);
            match headers["sforce-locator"].to_str().unwrap() {
                "null" => return pages,
                locator => path = format!("{job}/results?maxRecords={rows}&locator={locator}"),
            }
        }
    }
}

/// Answers each request with so many bytes, one size after the other.
async fn serve(sizes: Vec<u64>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut request, piece) = ([0; 4096], vec![b'x'; 1 << 20]);
        for size in sizes.iter().cycle() {
            if stream.read(&mut request).await.unwrap() == 0 {
                return;
            }
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut left = usize::try_from(*size).unwrap();
            while left > 0 {
                let now = left.min(piece.len());
                stream.write_all(&piece[..now]).await.unwrap();
                left -= now;
            }
        }
    });
    address
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The memory that this process holds; 0 where the system does not tell.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(0.0) * 1024.0 / 1e6
}
