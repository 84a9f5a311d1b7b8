//! An org's rows to Kafka, against a bare producer of the very same bytes, and how much memory that takes.
//!
//! The org and the connector are processes of their own: the connector is the `sf-kafka` binary, the org is
//! this executable once more. `KAFKA_BOOTSTRAP_SERVERS` names the cluster.
//!
//! An org does not compress its pages on the machine of the connector. So the emulated one compresses each
//! page once, in a run that is not measured, and has its bytes at hand from then on.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on fails")]

use std::collections::HashMap;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt as _;
use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use serde_json::{Value, json};
use sf_kafka::kafka::{Cluster, NewTopic, Settings};
use sf_sim::Sim;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tower_service::Service as _;

/// Rows of the org, and how often each is carried over.
const SIZES: [(u64, usize); 2] = [(100_000, 5), (1_000_000, 3)];
/// Without `--bench`, as in a test of all targets, it only has to work.
const SMALL: [(u64, usize); 2] = [(500, 1), (2_000, 1)];
const PAGE_ROWS: u64 = 50_000;
const PARTITIONS: i32 = 6;
/// What the producer's queue may hold, for both; `SF_BENCH_BUFFER` sets another. A larger one is not faster
/// here, and is not full each time after 100,000 rows.
const BUFFER: u64 = 4 * 1024 * 1024;
/// No run takes as long as this.
const PATIENCE: Duration = Duration::from_secs(300);
/// Tells this executable to be the org, and of how many rows.
const ORG: &str = "SF_BENCH_ORG_ROWS";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Ok(rows) = std::env::var(ORG) {
        return runtime.block_on(be_the_org(rows.parse().unwrap()));
    }
    let Ok(servers) = std::env::var("KAFKA_BOOTSTRAP_SERVERS") else {
        return eprintln!(
            "skipped: KAFKA_BOOTSTRAP_SERVERS is not set. Start a broker with dev/kafka/kafka up, then: \
             eval \"$(dev/kafka/kafka env)\""
        );
    };
    let sizes = if std::env::args().any(|argument| argument == "--bench") { SIZES } else { SMALL };
    let buffer = std::env::var("SF_BENCH_BUFFER").map_or(BUFFER, |bytes| bytes.parse().unwrap());
    let bench = Bench { servers, buffer };
    let results: Vec<_> = sizes.map(|(rows, rounds)| runtime.block_on(bench.size(rows, rounds))).into();
    println!("\nmedians | rows | MB | ours | bare | ours ÷ bare | CPU ours | CPU bare | peak memory");
    for result in &results {
        println!("{}", result.line());
    }
    let peaks: Vec<f64> = results.iter().map(|r| median(r.ours.iter().map(|run| run.peak_mib))).collect();
    println!("peak memory {} rows ÷ {} rows: {:.3}", sizes[1].0, sizes[0].0, peaks[1] / peaks[0]);
}

/// Serves an org until the parent lets go of the pipe.
async fn be_the_org(rows: u64) {
    let sim = Sim::builder().generate("Lead", rows).seed(7).build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let login = sim.credentials();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let said = json!({"url": url, "id": login.client_id, "secret": login.client_secret});
    let kept = Kept::default();
    let org = axum::Router::new().fallback(move |request| answer(sim.router(), kept.clone(), request));
    tokio::spawn(async { axum::serve(listener, org).await.unwrap() });
    println!("{said}");
    std::io::stdout().flush().unwrap();
    tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin())).await.unwrap().unwrap();
}

/// Answers that the org gave once, to be given again.
type Kept = Arc<Mutex<HashMap<String, Response<Bytes>>>>;

/// The org's answer. That a job was made, and each page of it, is answered as it was the first time.
async fn answer(mut org: sf_sim::Router, kept: Kept, request: Request) -> Response {
    let place = format!("{} {}", request.method(), request.uri());
    let again = place.contains("/results") || place.ends_with("/jobs/query");
    let known = kept.lock().unwrap().get(&place).cloned();
    if let Some(answer) = known {
        return answer.map(Body::from);
    }
    let answer = org.call(request).await.unwrap().map(Body::new);
    if !again {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    // The server that sends it again says when.
    parts.headers.remove("date");
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let answer = Response::from_parts(parts, body);
    kept.lock().unwrap().insert(place, answer.clone());
    answer.map(Body::from)
}

struct Bench {
    servers: String,
    buffer: u64,
}

/// One size: the runs of the connector and, between them, those of the bare producer.
struct Sized {
    rows: u64,
    bytes: u64,
    ours: Vec<Run>,
    bare: Vec<Run>,
}

/// One time that all rows were carried over.
struct Run {
    /// From the first page's first row to the last offset stored; bare: from the first record to the last
    /// acknowledgement.
    took: Duration,
    cpu: Duration,
    peak_mib: f64,
}

impl Sized {
    fn line(&self) -> String {
        let megabytes = self.bytes as f64 / 1e6;
        let took = |runs: &[Run]| median(runs.iter().map(|run| run.took.as_secs_f64()));
        let cpu = |runs: &[Run]| median(runs.iter().map(|run| run.cpu.as_secs_f64()));
        let rate = |seconds: f64| {
            format!("{:.0} rows/s, {:.0} MB/s", self.rows as f64 / seconds, megabytes / seconds)
        };
        let (ours, bare) = (took(&self.ours), took(&self.bare));
        let peaks = || self.ours.iter().map(|run| run.peak_mib);
        format!(
            "{} | {megabytes:.0} | {} | {} | {:.2} | {:.2} s | {:.2} s | {:.1} MiB ({:.1} to {:.1})",
            self.rows,
            rate(ours),
            rate(bare),
            bare / ours,
            cpu(&self.ours),
            cpu(&self.bare),
            median(peaks()),
            peaks().fold(f64::MAX, f64::min),
            peaks().fold(0.0, f64::max),
        )
    }
}

impl Bench {
    async fn size(&self, rows: u64, rounds: usize) -> Sized {
        let mut sized = Sized { rows, bytes: 0, ours: Vec::new(), bare: Vec::new() };
        let org = Org::start(rows).await;
        let topic = self.topic(&format!("first-{rows}")).await;
        self.ours(&org, &topic, rows).await;
        let same = self.read_back(&topic).await;
        self.delete(&topic).await;
        assert_eq!(same.places.len() as u64, rows, "what arrived in the topic");
        for round in 0..rounds {
            let topic = self.topic(&format!("ours-{rows}-{round}")).await;
            let run = self.ours(&org, &topic, rows).await;
            self.delete(&topic).await;
            let topic = self.topic(&format!("bare-{rows}-{round}")).await;
            let bare = tokio::task::block_in_place(|| self.bare(&topic, &same));
            self.delete(&topic).await;
            println!("{rows} rows: ours {:.2?}, {:.1} MiB, bare {:.2?}", run.took, run.peak_mib, bare.took);
            sized.bytes = same.bytes.len() as u64;
            sized.ours.push(run);
            sized.bare.push(bare);
        }
        sized
    }

    async fn ours(&self, org: &Org, topic: &str, rows: u64) -> Run {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("leads.json");
        let settings = json!({
            "name": topic,
            "connector.class": "SalesforceBulkApiV2Source",
            "salesforce.grant.type": "CLIENT_CREDENTIALS",
            "salesforce.instance": org.login["url"],
            "salesforce.consumer.key": org.login["id"],
            "salesforce.consumer.secret": org.login["secret"],
            "salesforce.object": "Lead",
            "kafka.topic": topic,
            "salesforce.lag.ms": "0",
            "result.max.rows": PAGE_ROWS.to_string(),
            "producer.override.buffer.memory": self.buffer.to_string(),
        });
        std::fs::write(&config, settings.to_string()).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sf-kafka"))
            .arg("run")
            .arg(&config)
            .args(["--bootstrap-servers", &self.servers, "--listen", "127.0.0.1:0", "--log-format", "json"])
            .arg("--offset-storage-file")
            .arg(folder.path().join("offsets.json"))
            .env("RUST_LOG", "info")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let process = child.id().unwrap();
        let took = tokio::time::timeout(PATIENCE, delivered(&mut child, rows)).await.unwrap();
        let run = Run { took, cpu: cpu(process), peak_mib: peak_mib(process) };
        child.kill().await.unwrap();
        run
    }

    /// All rows through a producer that does nothing else, set up as the connector's is.
    fn bare(&self, topic: &str, rows: &Rows) -> Run {
        let producer: BaseProducer<Counter> = ClientConfig::new()
            .set("bootstrap.servers", &self.servers)
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("queue.buffering.max.kbytes", (self.buffer / 1024).to_string())
            .create_with_context(Counter::default())
            .unwrap();
        // Connected and given its producer id, as the connector's is when the first page comes.
        producer.send(BaseRecord::<[u8], [u8]>::to(topic).key(b"first")).map_err(|(error, _)| error).unwrap();
        producer.flush(PATIENCE).unwrap();
        let (begun, cpu_before) = (Instant::now(), cpu(std::process::id()));
        for (number, (key, value)) in rows.iter().enumerate() {
            if number % 1000 == 0 {
                producer.poll(Duration::ZERO);
            }
            let mut record = BaseRecord::to(topic).key(key).payload(value);
            while let Err((error, back)) = producer.send(record) {
                let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
                assert_eq!(error, full, "nothing but a full queue holds the producer up");
                producer.poll(Duration::from_millis(1));
                record = back;
            }
        }
        producer.flush(PATIENCE).unwrap();
        let took = begun.elapsed();
        assert_eq!(producer.context().0.load(Ordering::Relaxed), 1 + rows.places.len() as u64);
        Run { took, cpu: cpu(std::process::id()) - cpu_before, peak_mib: 0.0 }
    }

    /// Makes a topic of a name that no other run has.
    async fn topic(&self, what: &str) -> String {
        let topic = format!("sf-bench-{}-{what}", std::process::id());
        let cluster = Cluster::connect(&Settings::new(&self.servers)).await.unwrap();
        let new = NewTopic::new(&topic).partitions(PARTITIONS).replication_factor(1);
        cluster.admin().create_topic(&new).await.unwrap();
        topic
    }

    async fn delete(&self, topic: &str) {
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", &self.servers).create().unwrap();
        admin.delete_topics(&[topic], &AdminOptions::new()).await.unwrap();
    }

    async fn read_back(&self, topic: &str) -> Rows {
        let cluster = Cluster::connect(&Settings::new(&self.servers)).await.unwrap();
        let mut records = cluster.reader().read_to_end(topic);
        let mut rows = Rows::default();
        while let Some(record) = records.try_next().await.unwrap() {
            let from = rows.bytes.len();
            rows.bytes.extend_from_slice(&record.key.unwrap());
            let between = rows.bytes.len();
            rows.bytes.extend_from_slice(&record.value.unwrap());
            rows.places.push((record.offset, from, between, rows.bytes.len()));
        }
        // All partitions in turn, as the connector wrote them, not one after the other.
        rows.places.sort_by_key(|(offset, ..)| *offset);
        rows
    }
}

/// Keys and values, all in one buffer.
#[derive(Default)]
struct Rows {
    bytes: Vec<u8>,
    /// The offset in the partition; where the key begins, the value begins, and the value ends.
    places: Vec<(i64, usize, usize, usize)>,
}

impl Rows {
    fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.places
            .iter()
            .map(|(_, from, between, to)| (&self.bytes[*from..*between], &self.bytes[*between..*to]))
    }
}

/// Counts what the cluster acknowledged.
#[derive(Default)]
struct Counter(AtomicU64);

impl ClientContext for Counter {}

impl ProducerContext for Counter {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        assert!(result.is_ok(), "a record was not delivered");
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Org {
    login: Value,
    _process: Child,
}

impl Org {
    async fn start(rows: u64) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .env(ORG, rows.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let said = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
        Self { login: serde_json::from_str(&said.unwrap()).unwrap(), _process: process }
    }
}

/// Follows the connector's log until all rows have arrived: how long its pages took.
async fn delivered(child: &mut Child, rows: u64) -> Duration {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (mut begun, mut arrived, mut said) = (None, 0, String::new());
    while let Some(line) = lines.next_line().await.unwrap() {
        said.clone_from(&line);
        let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
        if event["message"] != "page delivered" {
            continue;
        }
        let at: DateTime<Utc> = event["timestamp"].as_str().unwrap().parse().unwrap();
        let took = TimeDelta::milliseconds(event["took_ms"].as_i64().unwrap());
        let begun = *begun.get_or_insert(at - took);
        arrived += event["rows"].as_u64().unwrap();
        if arrived >= rows {
            return (at - begun).to_std().unwrap();
        }
    }
    panic!("the connector stopped after {arrived} rows: {said}");
}

/// The most memory that a process has held so far.
fn peak_mib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap() / 1024.0
}

/// The time that a process has spent on the cores, in the kernel's ticks of 10 ms.
fn cpu(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th field behind it.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11..=12].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
