//! An org that answers at once: pages are rendered beforehand, uploads are counted and forgotten.
//!
//! It is a process of its own with one thread, and as little HTTP as the clients need, so that it takes from them as
//! little of the machine as can be.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::data;

/// The query job, the same for everybody.
const QUERY_JOB: &str = "7507Q000009f8jvQAA";
/// How many pages an org names in one answer.
const NAMED_AT_ONCE: u64 = 5;

/// What the org of one address is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Org {
    pub rows: u64,
    pub page_rows: u64,
    pub latency: Latency,
}

/// How long an answer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Latency {
    None,
    OfResults(u64),
    OfAll(u64),
}

impl fmt::Display for Org {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (routes, ms) = match self.latency {
            Latency::None => ("none", 0),
            Latency::OfResults(ms) => ("results", ms),
            Latency::OfAll(ms) => ("all", ms),
        };
        write!(f, "{}:{}:{routes}:{ms}", self.rows, self.page_rows)
    }
}

impl FromStr for Org {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split(':').collect();
        let number = |text: &str| text.parse::<u64>().map_err(|e| format!("{text}: {e}"));
        let [rows, page_rows, routes, ms] = parts[..] else {
            return Err(format!("{text} is not ROWS:PAGE_ROWS:ROUTES:MS"));
        };
        let latency = match routes {
            "none" => Latency::None,
            "results" => Latency::OfResults(number(ms)?),
            "all" => Latency::OfAll(number(ms)?),
            other => return Err(format!("{other} is not none, results or all")),
        };
        Ok(Self { rows: number(rows)?, page_rows: number(page_rows)?, latency })
    }
}

/// An org at work.
struct Site {
    org: Org,
    url: String,
    /// A page, the same for every locator.
    page: Bytes,
    /// Rows of the uploads, by job.
    loads: Mutex<HashMap<String, u64>>,
}

/// Serves each org at an address of its own, which is printed, a line each, until the standard input is closed.
pub async fn serve(orgs: Vec<Org>) -> io::Result<()> {
    let mut pages = HashMap::new();
    for org in orgs {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let page = pages.entry(org.page_rows).or_insert_with(|| data::page(org.page_rows)).clone();
        println!("{url}");
        let site = Arc::new(Site { org, url, page, loads: Mutex::default() });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, Arc::clone(&site)));
            }
        });
    }
    io::stdout().flush()?;
    tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await.map(drop)
}

/// What of a request matters.
struct Request {
    method: String,
    path: String,
    query: String,
    length: usize,
}

impl Request {
    fn parse(head: &[u8]) -> Option<Self> {
        let head = std::str::from_utf8(head).ok()?;
        let mut lines = head.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut length = 0;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
            if name.eq_ignore_ascii_case("transfer-encoding") {
                return None;
            }
        }
        Some(Self { method, path: path.to_owned(), query: query.to_owned(), length })
    }

    fn locator(&self) -> u64 {
        let of = |pair: &str| pair.strip_prefix("locator=").and_then(|n| n.parse().ok());
        self.query.split('&').find_map(of).unwrap_or(0)
    }
}

struct Answer {
    status: &'static str,
    headers: String,
    body: Bytes,
}

impl Answer {
    fn json(status: &'static str, json: String) -> Self {
        Self { status, headers: "Content-Type: application/json\r\n".to_owned(), body: json.into() }
    }
}

async fn connection(mut stream: TcpStream, site: Arc<Site>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 256 * 1024];
    let mut filled = 0;
    loop {
        let end = loop {
            if let Some(at) = memchr::memmem::find(&buffer[..filled], b"\r\n\r\n") {
                break at;
            }
            match stream.read(&mut buffer[filled..]).await? {
                0 => return Ok(()),
                read => filled += read,
            }
        };
        let Some(request) = Request::parse(&buffer[..end]) else {
            return stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        };
        // The body: counted, never kept.
        let (mut left, mut lines) = (request.length, 0);
        let mut from = end + 4;
        loop {
            let body = &buffer[from..filled];
            let body = &body[..body.len().min(left)];
            lines += memchr::memchr_iter(b'\n', body).count() as u64;
            left -= body.len();
            from += body.len();
            if left == 0 {
                break;
            }
            (from, filled) = (0, stream.read(&mut buffer).await?);
            if filled == 0 {
                return Ok(());
            }
        }
        buffer.copy_within(from..filled, 0);
        filled -= from;

        site.pause(&request).await;
        let Answer { status, headers, body } = site.answer(&request, lines);
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
    }
}

impl Site {
    async fn pause(&self, request: &Request) {
        let ms = match self.org.latency {
            Latency::OfAll(ms) => ms,
            Latency::OfResults(ms) if request.path.ends_with("/results") => ms,
            Latency::None | Latency::OfResults(_) => return,
        };
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    fn answer(&self, request: &Request, lines: u64) -> Answer {
        let path: Vec<_> = request.path.trim_matches('/').split('/').collect();
        let (method, path) = (request.method.as_str(), path.as_slice());
        match (method, path) {
            ("POST", ["services", "oauth2", "token"]) => self.token(),
            ("POST", ["services", "data", version, "jobs", "query"]) => {
                Answer::json("200 OK", self.query_job(version, "UploadComplete"))
            }
            ("GET", ["services", "data", version, "jobs", "query", QUERY_JOB]) => {
                Answer::json("200 OK", self.query_job(version, "JobComplete"))
            }
            ("GET", ["services", "data", version, "jobs", "query", QUERY_JOB, "resultPages"]) => {
                Answer::json("200 OK", self.names(version, request.locator()))
            }
            ("GET", ["services", "data", _, "jobs", "query", QUERY_JOB, "results"]) => {
                self.results(request.locator())
            }
            ("POST", ["services", "data", version, "jobs", "ingest"]) => {
                let mut loads = self.loads();
                // The last three characters of an id with no capital letter in the others.
                let id = format!("7505i{:010}AAA", loads.len());
                loads.insert(id.clone(), 0);
                Answer::json("200 OK", load_job(version, &id, "Open", 0))
            }
            ("PUT", ["services", "data", _, "jobs", "ingest", id, "batches"]) => {
                self.loads().insert((*id).to_owned(), lines.saturating_sub(1));
                Answer { status: "201 Created", headers: String::new(), body: Bytes::new() }
            }
            ("PATCH", ["services", "data", version, "jobs", "ingest", id]) => {
                Answer::json("200 OK", load_job(version, id, "UploadComplete", 0))
            }
            ("GET", ["services", "data", version, "jobs", "ingest", id]) => {
                let rows = self.loads().get(*id).copied().unwrap_or(0);
                Answer::json("200 OK", load_job(version, id, "JobComplete", rows))
            }
            _ => {
                let text = format!("{method} {} is nothing that this org answers", request.path);
                let json = serde_json::json!([{ "errorCode": "NOT_FOUND", "message": text }]);
                Answer::json("404 Not Found", json.to_string())
            }
        }
    }

    fn loads(&self) -> std::sync::MutexGuard<'_, HashMap<String, u64>> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn token(&self) -> Answer {
        let json = serde_json::json!({
            "access_token": "00D5i0000000001!bench", "instance_url": self.url, "token_type": "Bearer",
            "id": format!("{}/id/00D5i0000000001AAA/0055i0000000001AAA", self.url),
            "issued_at": "1763740800000", "signature": "none", "scope": "api",
        });
        Answer::json("200 OK", json.to_string())
    }

    fn query_job(&self, version: &str, state: &str) -> String {
        let counts = match state {
            "JobComplete" => format!(r#","jobType":"V2Query","numberRecordsProcessed":{}"#, self.org.rows),
            _ => String::new(),
        };
        job(version, QUERY_JOB, "query", state, &counts)
    }

    fn pages(&self) -> u64 {
        self.org.rows.div_ceil(self.org.page_rows)
    }

    fn names(&self, version: &str, from: u64) -> String {
        let path = format!("/services/data/{version}/jobs/query/{QUERY_JOB}");
        let to = (from + NAMED_AT_ONCE).min(self.pages());
        let named: Vec<_> = (from..to)
            .map(|page| serde_json::json!({ "resultUrl": format!("{path}/results?locator={page}") }))
            .collect();
        let mut answer = serde_json::json!({ "resultPages": named, "done": to == self.pages() });
        if to < self.pages() {
            answer["nextRecordsUrl"] = format!("{path}/resultPages?locator={to}").into();
        }
        answer.to_string()
    }

    fn results(&self, page: u64) -> Answer {
        let next = match page + 1 < self.pages() {
            true => (page + 1).to_string(),
            false => "null".to_owned(),
        };
        let rows = self.org.page_rows;
        let headers = format!(
            "Content-Type: text/csv; charset=UTF-8\r\nSforce-Locator: {next}\r\nSforce-NumberOfRecords: {rows}\r\n"
        );
        Answer { status: "200 OK", headers, body: self.page.clone() }
    }
}

fn load_job(version: &str, id: &str, state: &str, rows: u64) -> String {
    let counts = match state {
        "JobComplete" => {
            format!(r#","jobType":"V2Ingest","numberRecordsProcessed":{rows},"numberRecordsFailed":0"#)
        }
        _ => String::new(),
    };
    job(version, id, "insert", state, &counts)
}

fn job(version: &str, id: &str, operation: &str, state: &str, counts: &str) -> String {
    let number = version.trim_start_matches('v');
    format!(
        r#"{{"id":"{id}","operation":"{operation}","object":"Lead","createdById":"0055i0000000001AAA","createdDate":"2026-11-21T12:00:00.000+0000","systemModstamp":"2026-11-21T12:00:00.000+0000","state":"{state}","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":{number},"lineEnding":"LF","columnDelimiter":"COMMA"{counts}}}"#
    )
}
