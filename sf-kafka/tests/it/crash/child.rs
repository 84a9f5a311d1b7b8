//! The connector as a process of its own that stops where it is told to, so that it can be killed there.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sf_core::http::ReqwestService;
use sf_kafka::config::{Config, ConnectorConfig};
use sf_kafka::kafka::{self, Cluster, Page, Producer, Record, Sent, Settings};
use sf_kafka::offset::{self, KafkaStore, Offset, OffsetStore, SourcePartition};
use sf_kafka::runtime::{Lane, Worker};

/// The variable that makes a process of this binary the child, and holds its [`Orders`].
pub(crate) const ORDERS: &str = "SF_TESTS_CRASH_CHILD";
/// What stands before a line of the child's; the test harness writes to the same stream.
pub(crate) const HELD: &str = "@held ";
/// The name of the child's entry among the tests.
pub(crate) const ENTRY: &str = "crash::child::child_process";

/// What a child is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) config: Value,
    pub(crate) servers: String,
    pub(crate) offsets: String,
    pub(crate) poll_ms: u64,
    pub(crate) hold: Option<Hold>,
    pub(crate) mutant: Option<Mutant>,
}

/// Where a child stops for ever, and says so.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hold {
    pub(crate) at: At,
    pub(crate) table: String,
    /// The how-manieth time that it comes there.
    pub(crate) nth: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum At {
    /// The offset is about to be stored; the records before it have arrived.
    Storing(Mark),
    /// The offset is kept, and nothing after it is done.
    Stored(Mark),
    /// The record is about to be sent; the ones before it have arrived.
    Sending,
}

/// What an offset says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mark {
    /// A job was made.
    Begin,
    /// A page that is not the last one has arrived.
    Page,
    /// The last page has arrived, or there was none.
    End,
}

/// A fault of the connector's own: what it does with the offset that it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mutant {
    /// It begins anew.
    Ignores,
    /// It reads the job that is named there from its first page.
    Rewinds,
    /// It takes the window for done.
    Skips,
}

/// Not a test of its own: the process that the other tests start and kill. A test binary can start no program
/// but itself, and this is the way into it; started without orders it has nothing to do.
#[test]
fn child_process() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    // The parent holds the other end and may end in any way: the child does not outlive it.
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(1);
    });
    let orders: Orders = serde_json::from_str(&orders).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(work(orders));
    panic!("the worker ended by itself: {outcome:?}");
}

async fn work(orders: Orders) -> sf_kafka::Result<sf_kafka::runtime::Outcome> {
    let config = Config::from_json("child", &orders.config.to_string()).unwrap().check();
    let (ConnectorConfig::BulkQuerySource(mut config), _) = config.into_result().unwrap() else {
        panic!("another connector");
    };
    // Shorter than a configuration may say: nothing is gained by waiting.
    config.poll_interval = Duration::from_millis(orders.poll_ms);
    let cluster = Cluster::connect(&Settings::new(&orders.servers)).await?;
    let (admin, reader) = (cluster.admin(), cluster.reader());
    let inner = KafkaStore::builder(&orders.offsets).open(cluster.producer(), &*admin, &*reader).await?;
    let stops = Arc::new(Stops { hold: orders.hold, seen: AtomicU64::new(0), full: AtomicBool::new(false) });
    let topics = config.tables.iter().map(|t| (t.topic.clone(), t.object.clone())).collect();
    let producer = HookedProducer { inner: cluster.producer(), topics, stops: Arc::clone(&stops) };
    let store = HookedStore { inner, stops, mutant: orders.mutant };
    let lane = Lane { config: *config, producer: Arc::new(producer), admin, store: Arc::new(store) };
    let worker = Worker::new(vec![lane], Arc::new(ReqwestService::new()?)).await?;
    Ok(worker.run().await)
}

/// Counts how often the child comes to the place of its [`Hold`].
#[derive(Debug)]
struct Stops {
    hold: Option<Hold>,
    seen: AtomicU64,
    full: AtomicBool,
}

impl Stops {
    /// The how-manieth time this is, where it is the place to be held at.
    fn is_here(&self, at: At, table: &str) -> bool {
        let Some(hold) = self.hold.as_ref().filter(|hold| hold.at == at && hold.table == table) else {
            return false;
        };
        self.seen.load(Ordering::SeqCst) + 1 == hold.nth
    }

    fn count(&self, at: At, table: &str) {
        if self.hold.as_ref().is_some_and(|hold| hold.at == at && hold.table == table) {
            self.seen.fetch_add(1, Ordering::SeqCst);
        }
    }

    async fn reach(&self, at: At, table: &str, offset: &Offset) {
        if self.is_here(at, table) {
            hold(&Value::Object(offset.clone())).await;
        }
        self.count(at, table);
    }
}

/// Says that the child is where it was to stop, and never goes on.
async fn hold(at: &Value) {
    std::io::stdout().write_all(format!("{HELD}{at}\n").as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
    std::future::pending().await
}

#[derive(Debug)]
struct HookedStore {
    inner: KafkaStore,
    stops: Arc<Stops>,
    mutant: Option<Mutant>,
}

fn mark(offset: &Offset) -> Mark {
    match offset["locator"].as_str() {
        Some("") => Mark::Begin,
        Some("null") => Mark::End,
        _ => Mark::Page,
    }
}

impl OffsetStore for HookedStore {
    fn read<'a>(
        &'a self,
        connector: &'a str,
        partition: &'a SourcePartition,
    ) -> BoxFuture<'a, offset::Result<Option<Offset>>> {
        async move {
            let found = self.inner.read(connector, partition).await?;
            Ok(match (self.mutant, found) {
                (Some(Mutant::Ignores), _) => None,
                (Some(Mutant::Rewinds), Some(mut offset)) => {
                    offset.insert("locator".to_owned(), "".into());
                    Some(offset)
                }
                (Some(Mutant::Skips), Some(offset)) => {
                    let time = offset.get("end").or(offset.get("time")).cloned().unwrap_or_default();
                    Some(Offset::from_iter([
                        ("time".to_owned(), time),
                        ("locator".to_owned(), "null".into()),
                    ]))
                }
                (_, found) => found,
            })
        }
        .boxed()
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
            for (partition, offset) in changes {
                let (table, offset) = (partition.get("table").unwrap(), offset.as_ref().unwrap());
                self.stops.reach(At::Storing(mark(offset)), table.as_str().unwrap(), offset).await;
            }
            self.inner.write(connector, changes).await?;
            for (partition, offset) in changes {
                let (table, offset) = (partition.get("table").unwrap(), offset.as_ref().unwrap());
                self.stops.reach(At::Stored(mark(offset)), table.as_str().unwrap(), offset).await;
            }
            Ok(())
        }
        .boxed()
    }
}

#[derive(Debug)]
struct HookedProducer {
    inner: Arc<dyn Producer>,
    topics: HashMap<String, String>,
    stops: Arc<Stops>,
}

impl Producer for HookedProducer {
    fn try_send(&self, record: Record<'_>, page: &Arc<Page>) -> kafka::Result<Sent> {
        let table = self.topics.get(record.topic).unwrap();
        if self.stops.is_here(At::Sending, table) {
            self.stops.full.store(true, Ordering::SeqCst);
            return Ok(Sent::Full);
        }
        let sent = self.inner.try_send(record, page)?;
        if sent == Sent::Queued {
            self.stops.count(At::Sending, table);
        }
        Ok(sent)
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        if !self.stops.full.load(Ordering::SeqCst) {
            return self.inner.room();
        }
        async {
            self.inner.flush(Duration::from_secs(30)).await.unwrap();
            hold(&Value::Null).await;
        }
        .boxed()
    }

    fn flush(&self, timeout: Duration) -> BoxFuture<'_, kafka::Result<()>> {
        self.inner.flush(timeout)
    }
}
