//! A result of several pages over a bad connection, read by one reader after the other, each of which knows no more than
//! the position that the one before has stored: every row comes once, in order.
//!
//! The bytes of an input are choices: what the rows hold, how long pages are, what goes wrong with each answer, and
//! how each reader reads.

#![no_main]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use libfuzzer_sys::fuzz_target;
use sf_bulk2::{Error, ErrorKind, Pages, Position, QueryJob};
use sf_core::Client;
use sf_core::auth::{Token, TokenProvider};
use sf_core::http::{Framing, HttpService, Response, TransportError, TransportErrorKind};
use sf_core::record::{Field, FieldType, Schema};
use sf_core::retry::RetryPolicy;
use tokio::runtime::{Builder, Runtime};

const HEADER: &[u8] = b"\"Id\",\"Text\"\n";
/// What a cell may hold, the header's own names among it.
const PARTS: [&str; 8] = ["", "\"", "\n", ",", "é", "Text", "\r\n", "\"\n\","];
/// Answers that go wrong, at most: every reader gets on in the end.
const FAULTS: usize = 24;

/// The choices of an input; zeros after its end.
#[derive(Debug, Default)]
struct Choices {
    bytes: Vec<u8>,
    at: usize,
}

impl Choices {
    fn next(&mut self) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte)
    }

    fn is_over(&self) -> bool {
        self.at >= self.bytes.len()
    }
}

#[derive(Debug)]
struct Org {
    rows: Vec<[String; 2]>,
    /// The rows at which pages begin, and the end.
    starts: Vec<usize>,
    /// Whether it names its pages.
    names: bool,
    choices: Choices,
    faults: usize,
}

impl Org {
    fn new(mut choices: Choices) -> Self {
        let names = choices.next() & 1 != 0;
        let rows = (0..choices.next() % 32).map(|n| {
            let parts = choices.next();
            let text = (0..parts % 4).map(|i| PARTS[(parts >> (i + 2)) % PARTS.len()]).collect();
            [n.to_string(), text]
        });
        let rows: Vec<_> = rows.collect();
        let mut starts = vec![0];
        let mut end = 0;
        while end < rows.len() {
            end = rows.len().min(end + 1 + choices.next() % 9);
            starts.push(end);
        }
        if rows.is_empty() {
            starts.push(0);
        }
        Self { rows, starts, names, choices, faults: 0 }
    }

    fn answer(&mut self, request: &Request<Bytes>) -> Response {
        let path = request.uri().path();
        let choice = |name: &str| -> Option<usize> {
            let pairs = request.uri().query().unwrap_or_default().split('&');
            pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?.1.parse().ok()
        };
        let from = choice("locator").unwrap_or(0);
        if path.ends_with("/resultPages") {
            return self.names(path, from);
        }
        if !path.ends_with("/results") {
            let rows = self.rows.len();
            let info = format!(
                r#"{{"id":"7507Q000009f8jvQAA","operation":"query","object":"T","state":"JobComplete","apiVersion":65.0,"numberRecordsProcessed":{rows},"createdDate":"2023-01-26T10:09:27.000+0000"}}"#
            );
            return response(200, &[], vec![info.into()], false, Framing::Explicit);
        }
        self.page(from, choice("maxRecords").unwrap_or(usize::MAX))
    }

    fn names(&mut self, path: &str, from: usize) -> Response {
        if !self.names {
            let text = r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#;
            return response(404, &[], vec![text.into()], false, Framing::Explicit);
        }
        let named: Vec<_> = self.starts.iter().filter(|at| **at >= from && **at < self.rows.len()).collect();
        let results = path.replace("resultPages", "results");
        let urls: Vec<_> =
            named.iter().take(5).map(|at| format!(r#"{{"resultUrl":"{results}?locator={at}"}}"#)).collect();
        let next = named.get(5).map_or("null".to_owned(), |at| format!(r#""{path}?locator={at}""#));
        let text = format!(
            r#"{{"resultPages":[{}],"nextRecordsUrl":{next},"done":{}}}"#,
            urls.join(","),
            named.len() <= 5
        );
        response(200, &[], vec![text.into()], false, Framing::Explicit)
    }

    fn page(&mut self, from: usize, most: usize) -> Response {
        let end = self.starts.iter().copied().find(|at| *at > from).unwrap_or(from);
        let end = end.min(from.saturating_add(most));
        let mut body = HEADER.to_vec();
        for row in &self.rows[from..end] {
            let cells = row.each_ref().map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
            body.extend_from_slice(cells.join(",").as_bytes());
            body.push(b'\n');
        }
        let next = if end < self.rows.len() { end.to_string() } else { "null".to_owned() };
        let count = (end - from).to_string();
        let mut headers = vec![("sforce-locator", next), ("sforce-numberofrecords", count)];

        let size = 1 + self.choices.next() % 64;
        let fault = if self.faults < FAULTS { self.choices.next() % 10 } else { 0 };
        self.faults += usize::from(fault > 0);
        let cut = |choices: &mut Choices| choices.next() * 4 % body.len().max(1);
        let (mut broken, mut framing) = (false, Framing::Explicit);
        match fault {
            0 => {}
            1 | 2 => {
                body.truncate(cut(&mut self.choices));
                broken = true;
            }
            // Nothing but the count shows that it was cut.
            3 => {
                body.truncate(cut(&mut self.choices));
                framing = Framing::Close;
            }
            4 => {
                body.truncate(cut(&mut self.choices));
                broken = true;
                headers.pop();
            }
            // Whole, and nothing says so: it has to come twice.
            5 => {
                framing = Framing::Close;
                headers.pop();
            }
            6 => headers.truncate(0),
            7 => drop(headers.remove(0)),
            // The last line end is missing, and the end of the body is known.
            8 => drop(body.pop()),
            _ => return response(503, &[], vec![], false, framing),
        }
        let pieces = body.chunks(size).map(Bytes::copy_from_slice).collect();
        response(200, &headers, pieces, broken, framing)
    }
}

fn response(
    status: u16,
    headers: &[(&'static str, String)],
    pieces: Vec<Bytes>,
    broken: bool,
    framing: Framing,
) -> Response {
    let lost = broken.then(|| Err(TransportError::new(TransportErrorKind::Broken, "the body broke off")));
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            (http::HeaderName::from_static(name), HeaderValue::from_str(value).expect("text"))
        })
        .collect();
    Response {
        status: StatusCode::from_u16(status).expect("a status"),
        headers,
        framing,
        body: Box::pin(stream::iter(pieces.into_iter().map(Ok).chain(lost))),
    }
}

#[derive(Debug, Clone)]
struct Http(Arc<Mutex<Org>>);

impl Http {
    fn choose(&self) -> usize {
        self.0.lock().expect("one thread").choices.next()
    }

    fn has_choices(&self) -> bool {
        !self.0.lock().expect("one thread").choices.is_over()
    }
}

impl HttpService for Http {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let answer = self.0.lock().expect("one thread").answer(&request);
        Box::pin(async move { Ok(answer) })
    }
}

#[derive(Debug)]
struct Always;

impl TokenProvider for Always {
    fn token(&self) -> BoxFuture<'_, sf_core::Result<Arc<Token>>> {
        Box::pin(async { Token::new("t", "http://127.0.0.1:9".parse().expect("a URL")).map(Arc::new) })
    }

    fn invalidate(&self, _: &Token) {}
}

thread_local! {
    /// Its clock is paused, so that no wait takes any time.
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
}

fuzz_target!(|input: &[u8]| {
    let org = Org::new(Choices { bytes: input.to_vec(), at: 0 });
    let expected = org.rows.clone();
    let http = Http(Arc::new(Mutex::new(org)));
    let read = RUNTIME.with(|runtime| runtime.block_on(read_all(&http, expected.len())));
    assert_eq!(without_header(read), expected);
});

type Rows = Vec<[String; 2]>;

/// Takes the header line of a file out, which stands before its first row and nowhere else.
fn without_header(mut rows: Rows) -> Rows {
    let written = rows.iter().position(|row| row[0] == "Id");
    if let Some(at) = written {
        assert_eq!(at, 0);
        rows.remove(0);
    }
    rows
}

async fn read_all(http: &Http, count: usize) -> Rows {
    // Few attempts, so that readers give up as well.
    let retry = RetryPolicy::default().with_max_attempts(2).with_initial_backoff(Duration::from_millis(1));
    let client = Client::builder(Always).http(Arc::new(http.clone())).retry(retry).build().expect("a client");
    let version = "65.0".parse().expect("a version");
    let job = QueryJob::attach(&client, "7507Q000009f8jvQAA".parse().expect("an id"), version);
    let mut rows = Rows::new();
    let mut position = Position::START;
    // Where the org cuts pages elsewhere than for the reader before, they cannot be read side by side.
    let mut in_turn = false;
    for reader in 0.. {
        assert!(reader < 2_000, "readers get nowhere from {position:?}");
        let (how, most) = (http.choose(), http.choose());
        let mut pages = job.pages(position.clone()).expect_total(Some(count as u64));
        if how & 8 != 0 {
            pages = pages.max_records(1 + u32::try_from(most % 5).expect("small"));
        }
        let most = if http.has_choices() { most } else { usize::MAX };
        // Some readers go on after an error themselves.
        let tries = if how & 32 != 0 { 3 } else { 1 };
        let mut ended = Ok(());
        let after = match how % 6 {
            1 => {
                let mut structs = pages.rows::<[String; 2]>();
                for _ in 0..tries {
                    ended = taken(&mut structs, most, &mut rows).await;
                    if ended.is_ok() {
                        break;
                    }
                }
                structs.pages().position()
            }
            3 if !in_turn => {
                let mut pages = pages.parallel(1 + most % 4).page_memory(most);
                for _ in 0..tries {
                    ended = side_by_side(&mut pages, most, &mut rows).await;
                    if ended.is_ok() {
                        break;
                    }
                }
                pages.position()
            }
            how => {
                for _ in 0..tries {
                    ended = match how {
                        2 => written(&mut pages, most, &mut rows).await,
                        0 => records(&mut pages, most, &mut rows).await,
                        _ => records(&mut pages, usize::MAX, &mut rows).await,
                    };
                    if ended.is_ok() {
                        break;
                    }
                }
                pages.position()
            }
        };
        in_turn = false;
        if let Err(error) = ended {
            let kind = error.kind();
            assert!(matches!(kind, ErrorKind::Api | ErrorKind::Counts | ErrorKind::Headers), "{error:?}");
            in_turn = true;
        }
        let Some(after) = after else { return rows };
        let stored = serde_json::to_string(&after).expect("a position");
        position = serde_json::from_str(&stored).expect("the position");
        if how & 16 != 0 {
            position.before = None;
        }
    }
    rows
}

async fn records(pages: &mut Pages, most: usize, rows: &mut Rows) -> Result<(), Error> {
    let fields = vec![Field::new("Id", FieldType::Id), Field::new("Text", FieldType::String)];
    let schema = Arc::new(Schema::new("T", fields).expect("a schema"));
    let mut left = most;
    while pages.next_page().await?.is_some() {
        let mut row = pages.record(&schema)?;
        loop {
            if left == 0 {
                return Ok(());
            }
            if !pages.next_row(&mut row).await? {
                break;
            }
            left -= 1;
            rows.push([0, 1].map(|column| row.cell(column).expect("a cell").to_owned()));
        }
    }
    Ok(())
}

async fn taken(structs: &mut sf_bulk2::Rows<[String; 2]>, most: usize, rows: &mut Rows) -> Result<(), Error> {
    for _ in 0..most {
        let Some(row) = structs.next_row().await? else { break };
        rows.push(row);
    }
    Ok(())
}

/// The rows of a file, its header line as one of them.
fn parse(csv: &[u8]) -> Rows {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    reader.deserialize().map(|row| row.expect("a row of two cells")).collect()
}

async fn written(pages: &mut Pages, most: usize, rows: &mut Rows) -> Result<(), Error> {
    let mut out = Vec::new();
    let mut ended = Ok(());
    for _ in 0..most {
        match pages.next_page().await {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => {
                ended = Err(error);
                break;
            }
        }
        if let Err(error) = pages.write_page_to(&mut out).await {
            ended = Err(error);
            break;
        }
    }
    rows.extend(parse(&out));
    ended
}

async fn side_by_side(
    pages: &mut sf_bulk2::ParallelPages,
    most: usize,
    rows: &mut Rows,
) -> Result<(), Error> {
    for _ in 0..most {
        let Some(page) = pages.next_page().await? else { break };
        let mut out = Vec::new();
        page.copy_to(&mut out).await.expect("memory, or a temporary file");
        rows.extend(parse(&out));
    }
    Ok(())
}
