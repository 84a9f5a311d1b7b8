//! An org that takes ingest jobs, as the API documents them: create, upload once, close, work in chunks,
//! outcome files in another order than the rows, abort. It shares nothing with the crate under test.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sf_core::Client;
use sf_core::http::{Framing, HttpService, Response, TransportError, TransportErrorKind};
use sf_core::retry::RetryPolicy;
use tokio::time::Instant;

use super::Always;

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None: the call goes well, and a later one does not.
    Pass,
    /// The connection breaks before the org has the request.
    Before,
    /// The org acts, and its answer is lost.
    After,
    /// The org does nothing and answers with this status and an HTML page, with 404 that there is no such job.
    Status(u16),
    /// The org answers, and its body breaks off after so many bytes.
    Cut(usize),
    /// As `Cut`, and the end of the connection is the end of the body: nothing shows.
    SilentCut(usize),
}

/// What the org makes of a row: `Ok(created)` or the error.
pub(crate) type Judge = fn(&csv::StringRecord, u32) -> Result<bool, String>;

#[derive(Debug, Clone, Default)]
struct Job {
    user: &'static str,
    created: DateTime<Utc>,
    settings: Value,
    state: String,
    header: String,
    data: Vec<u8>,
    /// Ranges of `data`, one a row.
    rows: Vec<(usize, usize)>,
    done: usize,
    /// A chunk is in work although it was aborted.
    in_work: bool,
    outcomes: Vec<(usize, Result<bool, String>)>,
    error: Option<String>,
}

#[derive(Debug)]
struct State {
    jobs: Vec<Job>,
    calls: Vec<String>,
    faults: HashMap<String, Vec<Fault>>,
    chunk: usize,
    judge: Judge,
    /// A header name that the org does not know.
    unknown_field: Option<String>,
    /// The job is aborted by somebody once so many rows are done, and one chunk follows all the same.
    abort_at: Option<usize>,
    /// So many looks at an aborted job come before that chunk is committed.
    commit_lag: usize,
    /// How long an upload takes.
    upload_takes: Duration,
    /// So many looks at a job in progress find nothing done.
    idle: usize,
    /// So many reads of outcome files come before the file is complete.
    late: usize,
    tries: HashMap<String, u32>,
    started: Instant,
    /// So many lists come before the last job is in them.
    list_lag: usize,
}

/// Who makes jobs by calls.
pub(crate) const USER: &str = "0057Q0000037T8QQAU";

/// The org.
#[derive(Debug, Clone)]
pub(crate) struct IngestOrg(Arc<Mutex<State>>);

impl IngestOrg {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            jobs: Vec::new(),
            calls: Vec::new(),
            faults: HashMap::new(),
            chunk: 200,
            judge: |_, _| Ok(true),
            unknown_field: None,
            abort_at: None,
            commit_lag: 0,
            upload_takes: Duration::ZERO,
            idle: 0,
            late: 0,
            tries: HashMap::new(),
            started: Instant::now(),
            list_lag: 0,
        })))
    }

    pub(crate) fn list_lag(self, lists: usize) -> Self {
        self.0.lock().unwrap().list_lag = lists;
        self
    }

    /// A job that somebody made some time ago, with its data.
    pub(crate) fn beside(self, user: &'static str, seconds_ago: i64, object: &str, csv: &str) -> Self {
        let mut state = self.0.lock().unwrap();
        let created = state.now() - TimeDelta::seconds(seconds_ago);
        let settings = json!({
            "object": object, "operation": "insert", "contentType": "CSV", "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        });
        let mut job = Job { user, created, settings, data: csv.into(), ..Job::default() };
        job.begin(None);
        state.jobs.push(job);
        drop(state);
        self
    }

    pub(crate) fn judge(self, judge: Judge) -> Self {
        self.0.lock().unwrap().judge = judge;
        self
    }

    pub(crate) fn chunk(self, rows: usize) -> Self {
        self.0.lock().unwrap().chunk = rows;
        self
    }

    pub(crate) fn abort_at(self, rows: usize) -> Self {
        self.0.lock().unwrap().abort_at = Some(rows);
        self
    }

    pub(crate) fn commit_lag(self, looks: usize) -> Self {
        self.0.lock().unwrap().commit_lag = looks;
        self
    }

    pub(crate) fn upload_takes(self, time: Duration) -> Self {
        self.0.lock().unwrap().upload_takes = time;
        self
    }

    pub(crate) fn idle(self, looks: usize) -> Self {
        self.0.lock().unwrap().idle = looks;
        self
    }

    pub(crate) fn late(self, reads: usize) -> Self {
        self.0.lock().unwrap().late = reads;
        self
    }

    pub(crate) fn unknown_field(self, name: &str) -> Self {
        self.0.lock().unwrap().unknown_field = Some(name.to_owned());
        self
    }

    /// The next calls of a route (`create`, `upload`, `patch`, `info`, `successfulResults`, …) go wrong so.
    pub(crate) fn fault(self, route: &str, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.0.lock().unwrap().faults.entry(route.to_owned()).or_default().extend(faults);
        self
    }

    pub(crate) fn client(&self) -> Client {
        let retry = RetryPolicy::default().with_max_attempts(4);
        Client::builder(Always).http(Arc::new(self.clone())).retry(retry).build().unwrap()
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.0.lock().unwrap().calls.clone()
    }

    /// The rows that were written, over all jobs, in the order of the upload: their raw text.
    pub(crate) fn written(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        let mut all = Vec::new();
        for job in &state.jobs {
            let mut good: Vec<_> = job.outcomes.iter().filter(|o| o.1.is_ok()).map(|o| o.0).collect();
            good.sort_unstable();
            all.extend(good.iter().map(|&i| {
                let (from, to) = job.rows[i];
                String::from_utf8(job.data[from..to].to_vec()).unwrap()
            }));
        }
        all
    }

    /// What was uploaded into each job.
    pub(crate) fn uploads(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        state.jobs.iter().map(|j| String::from_utf8(j.data.clone()).unwrap()).collect()
    }

    pub(crate) fn states(&self) -> Vec<String> {
        self.0.lock().unwrap().jobs.iter().map(|j| j.state.clone()).collect()
    }
}

impl Job {
    fn delimiter(&self) -> u8 {
        match self.settings["columnDelimiter"].as_str() {
            Some("SEMICOLON") => b';',
            Some("TAB") => b'\t',
            Some("PIPE") => b'|',
            Some("CARET") => b'^',
            Some("BACKQUOTE") => b'`',
            _ => b',',
        }
    }

    fn ending(&self) -> &'static str {
        if self.settings["lineEnding"] == "CRLF" { "\r\n" } else { "\n" }
    }

    fn reader(&self) -> csv::Reader<&[u8]> {
        csv::ReaderBuilder::new().delimiter(self.delimiter()).from_reader(&self.data[..])
    }

    /// Cuts the data into rows, or says why the org gives the job up.
    fn begin(&mut self, unknown: Option<&str>) {
        let end = self.data.iter().position(|b| *b == b'\n').map_or(self.data.len(), |at| at + 1);
        let line = String::from_utf8(self.data[..end].to_vec()).unwrap();
        if line.ends_with("\r\n") != (self.ending() == "\r\n") {
            let setting = if self.ending() == "\n" { "LF" } else { "CRLF" };
            self.error = Some(format!(
                "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {setting}"
            ));
        }
        self.header = line.trim_end().to_owned();
        let mut rows = Vec::new();
        let mut reader = self.reader();
        let names = reader.headers().unwrap().clone();
        let mut row = csv::StringRecord::new();
        loop {
            let mut from = usize::try_from(reader.position().byte()).unwrap();
            if !reader.read_record(&mut row).unwrap() {
                break;
            }
            while matches!(self.data[from], b'\r' | b'\n') {
                from += 1;
            }
            let mut to = usize::try_from(reader.position().byte()).unwrap();
            while to > from && matches!(self.data[to - 1], b'\r' | b'\n') {
                to -= 1;
            }
            rows.push((from, to));
        }
        self.rows = rows;
        if let Some(unknown) = unknown.filter(|u| names.iter().any(|n| n == *u)) {
            self.error = Some(format!("InvalidBatch : Field name not found : {unknown}"));
        }
        self.state = if self.error.is_some() { "Failed" } else { "InProgress" }.to_owned();
    }

    fn chunk(&mut self, size: usize, judge: Judge, tries: &mut HashMap<String, u32>) {
        let to = (self.done + size).min(self.rows.len());
        let mut verdicts = Vec::new();
        for (i, row) in self.reader().records().enumerate().take(to).skip(self.done) {
            let row = row.unwrap();
            let raw = row.iter().collect::<Vec<_>>().join("\u{1f}");
            let before = tries.entry(raw).or_default();
            verdicts.push((i, judge(&row, *before)));
            *before += 1;
        }
        self.outcomes.extend(verdicts);
        self.done = to;
    }

    fn info(&self, id: &str) -> Value {
        let mut info = json!({
            "id": id, "operation": self.settings["operation"], "object": self.settings["object"],
            "createdById": self.user, "createdDate": self.created.format("%Y-%m-%dT%H:%M:%S%.3f%z").to_string(),
            "systemModstamp": "2023-01-26T10:09:49.000+0000", "state": self.state,
            "concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": 65.0, "jobType": "V2Ingest",
            "lineEnding": self.settings["lineEnding"], "columnDelimiter": self.settings["columnDelimiter"],
            "numberRecordsProcessed": self.done,
            "numberRecordsFailed": self.outcomes.iter().filter(|o| o.1.is_err()).count(),
            "retries": 0, "totalProcessingTime": 0, "apiActiveProcessingTime": 0, "apexProcessingTime": 0,
        });
        if let Some(error) = &self.error {
            info["errorMessage"] = json!(error);
        }
        info
    }

    fn file(&self, which: &str) -> String {
        let (comma, end) = (char::from(self.delimiter()), self.ending());
        let own = match which {
            "successfulResults" => format!("\"sf__Id\"{comma}\"sf__Created\"{comma}"),
            "failedResults" => format!("\"sf__Id\"{comma}\"sf__Error\"{comma}"),
            _ => String::new(),
        };
        let mut out = format!("{own}{}{end}", self.header);
        if which == "unprocessedrecords" {
            // Raw as it was uploaded, its missing line end too.
            let raw: Vec<&str> = self.rows[self.done..]
                .iter()
                .map(|&(a, b)| std::str::from_utf8(&self.data[a..b]).unwrap())
                .collect();
            return out + &raw.join(end);
        }
        let rows: Vec<_> = self.reader().records().map(Result::unwrap).collect();
        // Last first: the order of outcomes is nobody's promise.
        for (i, verdict) in self.outcomes.iter().rev() {
            let own = match (which, verdict) {
                ("successfulResults", Ok(created)) => [format!("{:015}", 1_000_000 + i), created.to_string()],
                ("failedResults", Err(error)) => [String::new(), error.clone()],
                _ => continue,
            };
            // Values are written anew from what was read: a large number as it comes.
            let anew = rows[*i].iter().map(|cell| match cell.parse::<f64>() {
                Ok(number) if cell.len() >= 8 => format!("{number:E}"),
                _ if cell == "#N/A" => String::new(),
                _ => cell.to_owned(),
            });
            let cells = own.into_iter().chain(anew);
            let quoted: Vec<_> = cells.map(|c| format!("\"{}\"", c.replace('"', "\"\""))).collect();
            out += &quoted.join(&comma.to_string());
            out += end;
        }
        out
    }
}

/// The two parts of a form.
fn form(body: &[u8], boundary: &str) -> (Value, Vec<u8>) {
    let text = std::str::from_utf8(body).unwrap();
    let parts: Vec<&str> = text.split(&format!("--{boundary}")).collect();
    assert_eq!((parts.len(), parts[0], parts[3]), (4, "", "--\r\n"), "two parts between three lines");
    let content = |part: &'_ str, head: &str| {
        let (own, content) = part.split_once("\r\n\r\n").unwrap();
        assert!(own.contains(head), "{own}");
        content.strip_suffix("\r\n").unwrap().to_owned()
    };
    let job = content(parts[1], "name=\"job\"");
    let data = content(parts[2], "name=\"content\"; filename=\"content\"");
    (serde_json::from_str(&job).unwrap(), data.into_bytes())
}

impl State {
    /// The time by the org's clock, which is not that of this machine.
    fn now(&self) -> DateTime<Utc> {
        let began = DateTime::from_timestamp(1_674_727_767, 0).unwrap();
        began + TimeDelta::from_std(self.started.elapsed()).unwrap()
    }

    /// Two jobs a page, behind jobs of other APIs.
    fn list(&mut self, locator: Option<usize>) -> (u16, String) {
        let visible = self.jobs.len() - usize::from(self.list_lag > 0).min(self.jobs.len());
        let from = locator.unwrap_or(0);
        if locator.is_none() {
            self.list_lag = self.list_lag.saturating_sub(1);
        }
        let mut records: Vec<Value> =
            (from..visible.min(from + 2)).map(|at| self.jobs[at].info(&job_id(at))).collect();
        if locator.is_none() {
            records.insert(0, json!({
                "id": "7507Q000009aaaaQAA", "operation": "insert", "object": "Account", "createdById": USER,
                "createdDate": "2023-01-26T10:09:27.000+0000", "state": "Closed", "concurrencyMode": "Serial",
                "contentType": "XML", "apiVersion": 36.0, "jobType": "Classic",
            }));
            records.insert(1, json!({
                "id": "7507Q000009bbbbQAA", "operation": "query", "object": "Account", "createdById": USER,
                "createdDate": "2023-01-26T10:09:27.000+0000", "state": "JobComplete", "apiVersion": 65.0,
                "concurrencyMode": "Parallel", "contentType": "CSV", "jobType": "V2Query", "lineEnding": "LF",
            }));
        }
        let done = from + 2 >= visible;
        let next = (!done).then(|| format!("/services/data/v65.0/jobs/ingest?queryLocator={}", from + 2));
        (200, json!({ "done": done, "records": records, "nextRecordsUrl": next }).to_string())
    }

    fn act(
        &mut self,
        method: &str,
        route: &str,
        id: Option<usize>,
        body: &Bytes,
        boundary: Option<&str>,
    ) -> (u16, String) {
        let refuse = |status: u16, code: &str, message: &str| {
            (status, json!([{"errorCode": code, "message": message}]).to_string())
        };
        if route == "create" {
            let mut job = Job { user: USER, created: self.now(), state: "Open".to_owned(), ..Job::default() };
            match boundary {
                Some(boundary) => {
                    (job.settings, job.data) = form(body, boundary);
                    job.begin(self.unknown_field.as_deref());
                }
                None => job.settings = serde_json::from_slice(body).unwrap(),
            }
            self.jobs.push(job);
            let at = self.jobs.len() - 1;
            return (200, self.jobs[at].info(&job_id(at)).to_string());
        }
        if route == "identity" {
            let url = format!("https://login.salesforce.com/id/00D7Q000000Abcd/{USER}");
            return (200, json!({ "identity": url, "query": "/services/data/v65.0/query" }).to_string());
        }
        let Some((at, job)) = id.and_then(|at| Some((at, self.jobs.get_mut(at)?))) else {
            return refuse(404, "NOT_FOUND", "The requested resource does not exist");
        };
        if job.state == "deleted" {
            return refuse(404, "NOT_FOUND", "The requested resource does not exist");
        }
        match (method, route) {
            ("PUT", _) if job.state != "Open" => refuse(400, "INVALIDJOBSTATE", "the job is not open"),
            ("PUT", _) if !job.data.is_empty() => refuse(400, "INVALIDJOB", "the job has its data already"),
            ("PUT", _) => {
                job.data = body.to_vec();
                (201, String::new())
            }
            ("PATCH", _) => {
                let wanted: Value = serde_json::from_slice(body).unwrap();
                let wanted = wanted["state"].as_str().unwrap().to_owned();
                match (wanted.as_str(), job.state.as_str()) {
                    ("UploadComplete", "Open") => job.begin(self.unknown_field.as_deref()),
                    ("Aborted", "Open" | "UploadComplete" | "InProgress") => job.state = wanted,
                    _ => {
                        return refuse(400, "INVALIDJOBSTATE", "Aborting already Completed Job not allowed");
                    }
                }
                (200, job.info(&job_id(at)).to_string())
            }
            ("GET", "info") => {
                if job.state == "InProgress" && self.idle > 0 {
                    self.idle -= 1;
                    return (200, job.info(&job_id(at)).to_string());
                }
                let abort = self.abort_at.is_some_and(|rows| job.done >= rows);
                if job.state == "InProgress" && abort {
                    // Somebody aborts it, and the chunk in work is committed all the same, but later.
                    (job.state, job.in_work) = ("Aborted".to_owned(), true);
                }
                if job.in_work {
                    let told = job.info(&job_id(at)).to_string();
                    job.in_work = self.commit_lag > 0;
                    self.commit_lag = self.commit_lag.saturating_sub(1);
                    if !job.in_work {
                        job.chunk(self.chunk, self.judge, &mut self.tries);
                    }
                    return (200, told);
                }
                if job.state == "InProgress" {
                    job.chunk(self.chunk, self.judge, &mut self.tries);
                    if job.done == job.rows.len() {
                        job.state = "JobComplete".to_owned();
                    }
                }
                (200, job.info(&job_id(at)).to_string())
            }
            ("GET", file) => {
                let mut text = job.file(file);
                if self.late > 0 {
                    self.late -= 1;
                    let end = job.ending();
                    let lines: Vec<_> = text.split_inclusive(end).collect();
                    text = lines[..lines.len().div_ceil(2)].concat();
                }
                (200, text)
            }
            ("DELETE", _) => {
                job.state = "deleted".to_owned();
                (204, String::new())
            }
            other => panic!("{other:?}"),
        }
    }
}

fn job_id(at: usize) -> String {
    format!("7507Q{at:010}")
}

impl HttpService for IngestOrg {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let mut state = self.0.lock().unwrap();
        let method = request.method().to_string();
        let path = request.uri().path().trim_start_matches("/services/data/v65.0").to_owned();
        let mut parts = path.trim_start_matches("/jobs/ingest").split('/').skip(1);
        // Fifteen characters, and in lists eighteen.
        let id = parts.next().map(|id| id[5..15].parse::<usize>().unwrap());
        let locator =
            request.uri().query().and_then(|q| q.strip_prefix("queryLocator=")?.parse::<usize>().ok());
        let content_type = request.headers().get("content-type").map(|kind| kind.to_str().unwrap());
        let boundary = content_type.and_then(|kind| kind.strip_prefix("multipart/form-data; boundary="));
        let route = match (method.as_str(), parts.next()) {
            ("POST", _) => "create".to_owned(),
            ("PUT", _) => "upload".to_owned(),
            ("PATCH", _) => "patch".to_owned(),
            ("DELETE", _) => "delete".to_owned(),
            (_, None) if path.is_empty() => "identity".to_owned(),
            (_, None) if id.is_none() => "list".to_owned(),
            (_, None) => "info".to_owned(),
            (_, Some(file)) => file.to_owned(),
        };
        state.calls.push(route.clone());
        let fault = state.faults.get_mut(&route).and_then(|f| (!f.is_empty()).then(|| f.remove(0)));
        let acted = match fault {
            Some(Fault::Before | Fault::Status(_)) => None,
            _ if route == "list" => Some(state.list(locator)),
            _ => Some(state.act(&method, &route, id, request.body(), boundary)),
        };
        let takes = if route == "upload" { state.upload_takes } else { Duration::ZERO };
        let date = state.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            let broken = || TransportError::new(TransportErrorKind::Broken, "the connection broke");
            let (status, mut body) = match (fault, acted) {
                (Some(Fault::Status(404)), _) => {
                    let gone =
                        r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#;
                    (404, gone.to_owned())
                }
                (Some(Fault::Status(status)), _) => (status, "<html>sorry</html>".to_owned()),
                (Some(Fault::Before | Fault::After), _) | (_, None) => return Err(broken()),
                (_, Some(answer)) => answer,
            };
            let mut framing = Framing::Explicit;
            let mut breaks = false;
            if let Some(Fault::Cut(at) | Fault::SilentCut(at)) = fault {
                body.truncate(at);
                breaks = matches!(fault, Some(Fault::Cut(_)));
                framing = if breaks { Framing::Explicit } else { Framing::Close };
            }
            let mut pieces: Vec<_> =
                body.as_bytes().chunks(13).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
            if breaks {
                pieces.push(Err(broken()));
            }
            let mut headers = http::HeaderMap::new();
            let kind = if body.starts_with('<') { "text/html" } else { "application/json;charset=UTF-8" };
            headers.insert("content-type", kind.parse().unwrap());
            headers.insert("date", date.parse().unwrap());
            let status = http::StatusCode::from_u16(status).unwrap();
            Ok(Response { status, headers, framing, body: futures_util::stream::iter(pieces).boxed() })
        })
    }
}
