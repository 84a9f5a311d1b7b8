//! An emulated org, a connector that reads it, and a record of what was delivered before which offset was stored.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sf_core::http::{HttpService, InProcess, ReqwestService};
use sf_kafka::config::{BulkQuerySource, Config, ConnectorConfig};
use sf_kafka::kafka::{self, Admin, ErrorKind, NewTopic, Page, Producer, Record, Sent, Topic};
use sf_kafka::offset::{self, MemoryStore, Offset, OffsetStore, SourcePartition};
use sf_kafka::runtime::{Lane, Outcome, Phase, Status, Worker};
use sf_sim::clock::Clock;
use sf_sim::fault::Route;
use sf_sim::{Server, Sim, SimBuilder};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const TOPIC: &str = "leads";
pub(crate) const CONNECTOR: &str = "faults";
/// Rows of the org: two pages of a hundred and one of thirty-seven.
pub(crate) const ROWS: usize = 237;
/// 2026-05-04T09:00:00Z, where the org's clock stands still.
pub(crate) const NOW: i64 = 1_777_885_200_000;

/// Settings of a connector that reads an object without rows as well.
pub(crate) const TWO_TABLES: [(&str, &str); 3] =
    [("salesforce.object.num", "2"), ("salesforce.object2", "Account"), ("salesforce.object2.topic", TOPIC)];

/// Leads with awkward text, the youngest older than the org's clock by a second at least.
pub(crate) fn leads() -> Sim {
    leads_of(Sim::builder())
}

pub(crate) fn leads_of(builder: SimBuilder) -> Sim {
    let sim = builder.generate("Lead", ROWS as u64).seed(11).clock(Clock::fixed(NOW)).build().unwrap();
    sim.clock().advance(Duration::from_secs(1));
    sim
}

/// What producer and offsets saw, in one order.
#[derive(Debug, Default)]
pub(crate) struct Kafka {
    arrived: Mutex<Vec<(String, String)>>,
    /// The most bytes of a record that is taken.
    pub(crate) largest: AtomicU64,
    /// Whether every record fails, as when the brokers stay away for too long.
    pub(crate) away: AtomicBool,
}

impl Producer for Kafka {
    fn try_send(&self, record: Record<'_>, page: &Arc<Page>) -> kafka::Result<Sent> {
        let (size, largest) = (record.size(), self.largest.load(Ordering::SeqCst));
        if largest > 0 && size as u64 > largest {
            let text =
                format!("a record of {size} bytes for topic {} is larger than {largest}", record.topic);
            return Err(kafka::Error::new(ErrorKind::TooLarge, text).with_hint("raise max.request.size"));
        }
        page.begin();
        if self.away.load(Ordering::SeqCst) {
            page.settle(Err(kafka::Error::new(ErrorKind::Unreachable, "no broker took it")));
            return Ok(Sent::Queued);
        }
        let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
        self.arrived.lock().unwrap().push((text(record.key), text(record.value)));
        page.settle(Ok(()));
        Ok(Sent::Queued)
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    fn flush(&self, _: Duration) -> BoxFuture<'_, kafka::Result<()>> {
        std::future::ready(Ok(())).boxed()
    }
}

impl Admin for Kafka {
    fn topic<'a>(&'a self, name: &'a str) -> BoxFuture<'a, kafka::Result<Option<Topic>>> {
        let topic =
            Topic { name: name.to_owned(), partitions: 1, cleanup_policy: None, max_message_bytes: None };
        std::future::ready(Ok((name == TOPIC).then_some(topic))).boxed()
    }

    fn create_topic<'a>(&'a self, _: &'a NewTopic) -> BoxFuture<'a, kafka::Result<()>> {
        panic!("a connector's own topic is not made for it")
    }
}

impl Kafka {
    /// Keys and values, in the order in which they arrived.
    pub(crate) fn arrived(&self) -> Vec<(String, String)> {
        self.arrived.lock().unwrap().clone()
    }

    /// Ids of the rows that arrived, as often as they did, sorted.
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.arrived().into_iter().map(|(key, _)| key).collect();
        ids.sort_unstable();
        ids
    }

    fn distinct(&self) -> usize {
        let mut ids = self.ids();
        ids.dedup();
        ids.len()
    }
}

/// An offset that was stored, and how many different rows had arrived by then.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) offset: Value,
    pub(crate) rows: usize,
}

/// Keeps offsets in another store and remembers when each was written.
#[derive(Debug)]
pub(crate) struct Offsets {
    inner: Arc<dyn OffsetStore>,
    kafka: Arc<Kafka>,
    history: watch::Sender<Vec<Stored>>,
}

impl Offsets {
    fn over(inner: Arc<dyn OffsetStore>, kafka: &Arc<Kafka>) -> Arc<Self> {
        Arc::new(Self { inner, kafka: Arc::clone(kafka), history: watch::Sender::default() })
    }

    pub(crate) fn history(&self) -> Vec<Stored> {
        self.history.borrow().clone()
    }

    /// The offset that is stored now.
    pub(crate) async fn now(&self) -> Option<Value> {
        self.inner.read(CONNECTOR, &SourcePartition::table("Lead")).await.unwrap().map(Value::Object)
    }

    /// Stores what an earlier process left behind.
    pub(crate) async fn left_behind(&self, offset: Value) {
        let Value::Object(offset) = offset else { panic!("{offset} is no offset") };
        let change = [(SourcePartition::table("Lead"), Some(offset))];
        self.inner.write(CONNECTOR, &change).await.unwrap();
    }

    /// Waits until so many windows have been delivered to their ends.
    pub(crate) async fn windows(&self, wanted: usize) {
        self.until(|history| history.iter().filter(|s| s.offset["locator"] == "null").count() >= wanted)
            .await;
    }

    pub(crate) async fn until(&self, enough: impl Fn(&[Stored]) -> bool) {
        let mut watcher = self.history.subscribe();
        watcher.wait_for(|history| enough(history)).await.unwrap();
    }

    /// No offset of the first window stood behind a row that had not arrived. The emulated org's locators are
    /// the number of rows before the page, in base64.
    pub(crate) fn assert_none_too_far(&self) {
        for Stored { offset, rows } in self.history() {
            let before = match offset["locator"].as_str().unwrap() {
                "" => 0,
                "null" => ROWS,
                page => {
                    let number = BASE64_URL_SAFE_NO_PAD.decode(page).unwrap();
                    String::from_utf8(number).unwrap().parse().unwrap()
                }
            };
            let before = before + usize::try_from(offset["rows"].as_u64().unwrap_or(0)).unwrap();
            assert!(rows >= before, "{offset} was stored when {rows} rows had arrived");
        }
    }
}

impl OffsetStore for Offsets {
    fn read<'a>(
        &'a self,
        connector: &'a str,
        partition: &'a SourcePartition,
    ) -> BoxFuture<'a, offset::Result<Option<Offset>>> {
        self.inner.read(connector, partition)
    }

    fn list<'a>(
        &'a self,
        connector: &'a str,
    ) -> BoxFuture<'a, offset::Result<Vec<(SourcePartition, Offset)>>> {
        self.inner.list(connector)
    }

    fn write<'a>(
        &'a self,
        connector: &'a str,
        changes: &'a [(SourcePartition, Option<Offset>)],
    ) -> BoxFuture<'a, offset::Result<()>> {
        async move {
            // Counted before: what arrives while the offset is on its way had not arrived when it left.
            let rows = self.kafka.distinct();
            self.inner.write(connector, changes).await?;
            let offsets = changes.iter().filter_map(|(_, offset)| offset.clone());
            self.history.send_modify(|history| {
                history.extend(offsets.map(|offset| Stored { offset: Value::Object(offset), rows }));
            });
            Ok(())
        }
        .boxed()
    }
}

/// An org, and what a connector over it writes to.
pub(crate) struct Bench {
    pub(crate) sim: Sim,
    pub(crate) kafka: Arc<Kafka>,
    pub(crate) offsets: Arc<Offsets>,
    pub(crate) url: String,
    pub(crate) http: Arc<dyn HttpService>,
    server: Option<Server>,
    patience: Duration,
}

/// Gives the process a log that nobody reads. Without one, a test that watches its own log can miss a line: whether
/// anybody hears it is settled once for all threads, and another one may be settling it just then.
fn heard() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap());
}

impl Bench {
    /// Without sockets, for tests under paused time.
    pub(crate) fn in_process(sim: Sim) -> Self {
        let http = Arc::new(InProcess::new(sim.router()));
        // Long enough for a day's limit to be waited for in vain for weeks; paused time makes it short.
        let patience = Duration::from_secs(30 * 86_400);
        Self::new(sim, "http://localhost".to_owned(), http, None, patience)
    }

    /// On a port, where bodies and connections break as they do in the world.
    pub(crate) async fn on_a_port(sim: Sim) -> Self {
        let server = sim.serve("127.0.0.1:0").await.unwrap();
        let http = ReqwestService::builder().idle_timeout(Duration::from_millis(700)).build().unwrap();
        Self::new(sim, server.url(), Arc::new(http), Some(server), Duration::from_secs(60))
    }

    fn new(
        sim: Sim,
        url: String,
        http: Arc<dyn HttpService>,
        server: Option<Server>,
        patience: Duration,
    ) -> Self {
        heard();
        let kafka = Arc::new(Kafka::default());
        let offsets = Offsets::over(Arc::new(MemoryStore::new()), &kafka);
        Self { sim, kafka, offsets, url, http, server, patience }
    }

    /// The same org and offsets, and a Kafka to which nothing was written yet.
    pub(crate) fn afresh(&mut self) {
        self.kafka = Arc::new(Kafka::default());
        self.offsets = Offsets::over(Arc::clone(&self.offsets.inner), &self.kafka);
    }

    pub(crate) fn keeping_offsets_in(mut self, store: Arc<dyn OffsetStore>) -> Self {
        self.offsets = Offsets::over(store, &self.kafka);
        self
    }

    pub(crate) async fn close_port(&mut self) {
        self.server.take().unwrap().shutdown().await;
    }

    /// A connector's configuration as JSON: Lead to its topic, a hundred rows a page, no lag.
    pub(crate) fn json(&self, other: &[(&str, &str)]) -> String {
        let credentials = self.sim.credentials();
        let mut all = BTreeMap::from([
            ("name", CONNECTOR),
            ("connector.class", "SalesforceBulkApiV2Source"),
            ("salesforce.grant.type", "CLIENT_CREDENTIALS"),
            ("salesforce.instance", &self.url),
            ("salesforce.consumer.key", &credentials.client_id),
            ("salesforce.consumer.secret", &credentials.client_secret),
            ("salesforce.object.num", "1"),
            ("salesforce.object1", "Lead"),
            ("salesforce.object1.topic", TOPIC),
            ("output.data.format", "JSON"),
            ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
            ("salesforce.lag.ms", "0"),
            ("result.max.rows", "100"),
            ("poll.interval.ms", "8700"),
            ("request.max.retries.time.ms", "20000"),
        ]);
        all.extend(other.iter().copied());
        json!(all).to_string()
    }

    pub(crate) fn config(&self, other: &[(&str, &str)]) -> BulkQuerySource {
        let checked = Config::from_json("faults.json", &self.json(other)).unwrap().check();
        match checked.connector {
            Some(ConnectorConfig::BulkQuerySource(source)) => *source,
            _ => panic!("{}", checked.report),
        }
    }

    /// A connector at work, with these settings in place of the usual ones.
    pub(crate) async fn run(&self, other: &[(&str, &str)]) -> Running {
        let producer: Arc<dyn Producer> = Arc::clone(&self.kafka) as _;
        self.run_with(self.config(other), producer, Arc::clone(&self.kafka) as _).await.unwrap()
    }

    pub(crate) async fn run_with(
        &self,
        config: BulkQuerySource,
        producer: Arc<dyn Producer>,
        admin: Arc<dyn Admin>,
    ) -> sf_kafka::Result<Running> {
        let lane = Lane { config, producer, admin, store: Arc::clone(&self.offsets) as _ };
        let worker = Worker::new(vec![lane], Arc::clone(&self.http)).await?;
        let (status, stop) = (worker.status(), worker.stop());
        Ok(Running { status, stop, task: tokio::spawn(worker.run()), patience: self.patience })
    }

    /// Runs a connector until the first window is delivered, and stops it.
    pub(crate) async fn deliver(&self) {
        self.deliver_with(&[]).await;
    }

    pub(crate) async fn deliver_with(&self, other: &[(&str, &str)]) {
        let running = self.run(other).await;
        running.until(self.offsets.windows(1)).await;
        running.stopped().await;
    }

    /// Runs a connector that will be given up; the reason.
    pub(crate) async fn given_up(&self, other: &[(&str, &str)]) -> String {
        self.run(other).await.given_up().await
    }

    /// Ids of the rows that the org has, sorted.
    pub(crate) fn in_org(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.sim.read(|store| {
            let leads = store.table("Lead").unwrap().rows();
            leads.filter(|row| !row.is_deleted()).map(|row| row.id().text18()).collect()
        });
        ids.sort_unstable();
        ids
    }

    /// Every row of the org arrived, none twice, with its text as it is, and offsets were stored only behind
    /// rows that had arrived.
    pub(crate) fn assert_exact(&self, fault: &str) {
        assert_eq!(self.kafka.ids().len(), ROWS, "{fault}");
        assert_eq!(self.kafka.ids(), self.in_org(), "{fault}");
        self.sim.read(|store| {
            let leads = store.table("Lead").unwrap();
            for (id, value) in self.kafka.arrived() {
                let value: Value = serde_json::from_str(&value).unwrap();
                let row = leads.rows().find(|row| row.id().text18() == id).unwrap();
                for name in ["LastName", "Company", "Street", "Description"] {
                    let (at, _) = leads.def().field(name).unwrap();
                    assert_eq!(value[name], row.get(at).to_json(), "{fault}: {name} of {id}");
                }
            }
        });
        self.offsets.assert_none_too_far();
    }

    /// How often a route was called.
    pub(crate) fn calls(&self, route: Route) -> u64 {
        self.sim.journal().count(&route)
    }
}

/// A worker at work.
pub(crate) struct Running {
    pub(crate) status: Status,
    stop: CancellationToken,
    task: JoinHandle<Outcome>,
    patience: Duration,
}

impl Running {
    pub(crate) fn phase(&self) -> Phase {
        self.status.tables()[0].phase()
    }

    /// Waits for something that the worker brings about; a worker that is given up brings about nothing.
    pub(crate) async fn until<T>(&self, event: impl Future<Output = T>) -> T {
        match tokio::time::timeout(self.patience, event).await {
            Ok(seen) => seen,
            Err(_) => panic!("it did not happen; the table: {:?}", self.phase()),
        }
    }

    /// Stops the worker.
    pub(crate) async fn stopped(self) {
        self.stop.cancel();
        assert_eq!(self.task.await.unwrap(), Outcome::Stopped, "{:?}", self.status);
    }

    /// Waits until the table is given up; the reason.
    pub(crate) async fn given_up(mut self) -> String {
        let ended = tokio::time::timeout(self.patience, &mut self.task).await;
        let Ok(ended) = ended else { panic!("the table was not given up: {:?}", self.phase()) };
        assert_eq!(ended.unwrap(), Outcome::Failed);
        assert!(!self.status.is_healthy());
        match self.phase() {
            Phase::Failed(reason) => reason,
            other => panic!("{other:?}"),
        }
    }
}

/// All of these stand in a text.
#[track_caller]
pub(crate) fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}
