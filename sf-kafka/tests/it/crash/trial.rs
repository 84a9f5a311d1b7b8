//! A connector that is started, killed and started again, and what is noted of each of its lives.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::{Value, json};
use sf_kafka::kafka::{Cluster, LogRecord, NewTopic, Settings};
use sf_sim::fault::Route;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::child::{ENTRY, HELD, Hold, Mutant, ORDERS, Orders};
use super::org::{BUSY, Org, QUIET};
use crate::kafka_support::fresh;

/// How long anything may take that is waited for. It is never waited out.
const PATIENCE: Duration = Duration::from_secs(100);
/// Between two polls of the child.
const POLL_MS: u64 = 300;
pub(crate) const BUSY_PARTITIONS: i32 = 3;

/// What is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Rows of the busy table at the beginning.
    pub(crate) rows: usize,
    /// Rows of a page of either table.
    pub(crate) page: u64,
    /// How long after its stamp a written row is seen.
    pub(crate) delay: Duration,
    /// `salesforce.lag.ms`.
    pub(crate) lag: Duration,
    pub(crate) seed: u64,
}

/// An org, a cluster, and the lives of one connector between them.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) org: Arc<Org>,
    pub(crate) scale: Scale,
    pub(crate) cluster: Cluster,
    pub(crate) topics: Topics,
    pub(crate) lives: Vec<Life>,
    settings: ClientConfig,
    servers: String,
    config: Value,
    folder: tempfile::TempDir,
}

#[derive(Debug)]
pub(crate) struct Topics {
    pub(crate) busy: String,
    pub(crate) quiet: String,
    pub(crate) offsets: String,
}

/// From a start of the connector to its end, and how far everything was by then.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) ended: String,
    pub(crate) killed: bool,
    /// How many rows of a table the next life has to deliver again, where that is known.
    pub(crate) repeats: Option<(&'static str, u64)>,
    /// The number of the last request.
    pub(crate) request: u64,
    /// Where the topics ended, partition by partition.
    pub(crate) busy: Vec<i64>,
    pub(crate) quiet: Vec<i64>,
    pub(crate) offsets: i64,
}

/// A connector at work.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    said: Option<Lines<BufReader<ChildStdout>>>,
    /// The child ends when this is closed.
    _stays: Option<ChildStdin>,
}

pub(crate) async fn within<T>(what: &str, happens: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, happens).await {
        Ok(happened) => happened,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

impl Trial {
    pub(crate) async fn new(settings: &Settings, servers: &str, scale: Scale) -> Self {
        let org = Org::new(scale.rows, scale.seed).await;
        let cluster = Cluster::connect(settings).await.unwrap();
        let topics = Topics {
            busy: fresh("crash-busy"),
            quiet: fresh("crash-quiet"),
            offsets: fresh("crash-offsets"),
        };
        let admin = cluster.admin();
        admin.create_topic(&NewTopic::new(&topics.busy).partitions(BUSY_PARTITIONS)).await.unwrap();
        admin.create_topic(&NewTopic::new(&topics.quiet).partitions(1)).await.unwrap();
        // One partition has one order of what was stored.
        let offsets = NewTopic::new(&topics.offsets).partitions(1).config("cleanup.policy", "compact");
        admin.create_topic(&offsets).await.unwrap();
        org.sim.set_visibility_delay(scale.delay);
        let login = org.sim.credentials();
        let config = json!({
            "name": fresh("crash"),
            "connector.class": "SalesforceBulkApiV2Source",
            "salesforce.grant.type": "CLIENT_CREDENTIALS",
            "salesforce.instance": org.server.url(),
            "salesforce.consumer.key": login.client_id,
            "salesforce.consumer.secret": login.client_secret,
            "salesforce.object.num": "2",
            "salesforce.object1": BUSY,
            "salesforce.object1.topic": topics.busy,
            "salesforce.object1.include.deleted.records": "true",
            "salesforce.object2": QUIET,
            "salesforce.object2.topic": topics.quiet,
            "salesforce.object2.include.deleted.records": "true",
            "salesforce.lag.ms": scale.lag.as_millis().to_string(),
            "result.max.rows": (scale.page * 2).to_string(),
            "poll.interval.ms": "8700",
            "output.data.format": "JSON",
        });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("crash.json"), config.to_string()).unwrap();
        let mut settings = ClientConfig::new();
        settings.set("bootstrap.servers", servers);
        let servers = servers.to_owned();
        Self { org, scale, cluster, topics, lives: Vec::new(), settings, servers, config, folder }
    }

    /// Starts the connector in a process of this binary, to be held there.
    pub(crate) fn start(&self, hold: impl Into<Option<Hold>>) -> Running {
        self.start_as(hold.into(), None)
    }

    pub(crate) fn start_as(&self, hold: Option<Hold>, mutant: Option<Mutant>) -> Running {
        let (config, servers, offsets) =
            (self.config.clone(), self.servers.clone(), self.topics.offsets.clone());
        let orders = Orders { config, servers, offsets, poll_ms: POLL_MS, hold, mutant };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([ENTRY, "--exact", "--nocapture", "--test-threads=1"])
            .env(ORDERS, serde_json::to_string(&orders).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { said: Some(said), _stays: child.stdin.take(), child }
    }

    /// Starts `sf-kafka run`, as users do.
    pub(crate) fn start_binary(&self) -> Running {
        let child = Command::new(env!("CARGO_BIN_EXE_sf-kafka"))
            .args(["run", "crash.json", "--listen", "127.0.0.1:0"])
            .args(["--bootstrap-servers", &self.servers, "--offset-storage-topic", &self.topics.offsets])
            .current_dir(self.folder.path())
            .env("RUST_LOG", "error")
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Running { child, said: None, _stays: None }
    }

    /// Kills the connector. `repeats` is how many rows of a table its next life has to deliver again.
    pub(crate) async fn kill(
        &mut self,
        mut running: Running,
        at: &str,
        repeats: impl Into<Option<(&'static str, u64)>>,
    ) {
        use std::os::unix::process::ExitStatusExt;
        running.child.start_kill().unwrap();
        let status = within("the end of a killed process", running.child.wait()).await.unwrap();
        assert_eq!(status.signal(), Some(9), "killed {at}, it had ended by itself: {status}");
        self.note(at, true, repeats.into());
    }

    /// Stops the connector as an operator does: nothing may be delivered again.
    pub(crate) async fn stop(&mut self, mut running: Running, at: &str, table: &'static str) {
        let pid = running.child.id().unwrap().to_string();
        // The shell's own: a bare machine has no program of that name.
        assert!(Command::new("sh").args(["-c", "kill -TERM $0", &pid]).status().await.unwrap().success());
        let status = within("the end of a stopped process", running.child.wait()).await.unwrap();
        assert!(status.success(), "stopped {at}: {status}");
        self.note(at, false, Some((table, 0)));
    }

    /// Where topics end, partition by partition.
    fn ends(&self, topic: &str, partitions: i32) -> Vec<i64> {
        let consumer: BaseConsumer = self.settings.create().unwrap();
        let end = |partition| consumer.fetch_watermarks(topic, partition, PATIENCE).unwrap().1;
        (0..partitions).map(end).collect()
    }

    /// Waits until the life that goes on has delivered more rows of the busy table than that.
    pub(crate) async fn delivers_more_than(&self, rows: u64) {
        let known: i64 = self.lives.last().map_or(0, |life| life.busy.iter().sum());
        let known = known + i64::try_from(rows).unwrap();
        let mut moments = tokio::time::interval(Duration::from_millis(20));
        while self.ends(&self.topics.busy, BUSY_PARTITIONS).iter().sum::<i64>() <= known {
            moments.tick().await;
        }
    }

    /// The offset of a table that was stored last.
    pub(crate) async fn offset(&self, table: &str) -> Value {
        let records = records(self, &self.topics.offsets).await;
        let of_table = |record: &&LogRecord| {
            let key: Value = serde_json::from_slice(record.key.as_deref().unwrap()).unwrap();
            key[1]["table"] == table
        };
        let last = records.iter().rfind(of_table).unwrap();
        serde_json::from_slice(last.value.as_deref().unwrap()).unwrap()
    }

    fn note(&mut self, ended: &str, killed: bool, repeats: Option<(&'static str, u64)>) {
        let busy = self.ends(&self.topics.busy, BUSY_PARTITIONS);
        let quiet = self.ends(&self.topics.quiet, 1);
        let offsets = self.ends(&self.topics.offsets, 1)[0];
        let request = self.requests();
        let life = Life { ended: ended.to_owned(), killed, repeats, request, busy, quiet, offsets };
        self.lives.push(life);
    }

    /// How many requests the org has had.
    pub(crate) fn requests(&self) -> u64 {
        self.org.sim.journal().counts().values().sum()
    }

    /// Lets the org's clock run ahead until every row that was written is seen and due.
    pub(crate) fn all_is_due(&self) {
        self.org.sim.clock().advance(self.scale.delay + self.scale.lag + Duration::from_secs(2));
    }

    /// Lets the connector work until both tables have been polled to their ends, then kills it. The second probe
    /// of a life comes after everything that was due before its first.
    pub(crate) async fn settle(&mut self, mutant: Option<Mutant>) {
        let second = |table: &str| self.org.sim.hook_containing(Route::Query, &format!("FROM {table}"), 2);
        let (busy, quiet) = (second(BUSY), second(QUIET));
        let running = self.start_as(None, mutant);
        within("polls of both tables", async { tokio::join!(busy.arrived(), quiet.arrived()) }).await;
        self.kill(running, "idle", (BUSY, 0)).await;
    }

    /// Removes what was written to the cluster.
    pub(crate) async fn clear(self) {
        let admin: AdminClient<DefaultClientContext> = self.settings.create().unwrap();
        let topics = [&*self.topics.busy, &*self.topics.quiet, &*self.topics.offsets];
        for outcome in admin.delete_topics(&topics, &AdminOptions::new()).await.unwrap() {
            outcome.unwrap();
        }
    }
}

/// All records of a topic, each partition in order.
pub(crate) async fn records(trial: &Trial, topic: &str) -> Vec<LogRecord> {
    trial.cluster.reader().read_to_end(topic).try_collect().await.unwrap()
}

impl Running {
    /// Waits until the child is where it was to be held, and gives the offset that it is about.
    pub(crate) async fn held(&mut self) -> Value {
        let said = self.said.as_mut().unwrap();
        let read = async {
            while let Some(line) = said.next_line().await.unwrap() {
                if let Some((_, offset)) = line.split_once(HELD) {
                    return serde_json::from_str(offset).unwrap();
                }
            }
            panic!("the child ended before it came where it was to be held");
        };
        within("the child to be where it is held", read).await
    }
}
