//! The connector at work within this process, as `sf-kafka run` has it at work in its own.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use sf_core::http::ReqwestService;
use sf_kafka::config::{Config, ConnectorConfig};
use sf_kafka::offset::{KafkaStore, OffsetStore};
use sf_kafka::runtime::{Lane, Outcome, Phase, Status, Worker};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::broker::Broker;
use crate::org::Org;
use crate::progress::Progress;

/// Where offsets are kept.
const OFFSETS: &str = "quickstart-offsets";
/// How often the state of the connector is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// A connector that delivers nothing from an emulated org for so long is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// An object and the topic that it goes to.
#[derive(Clone, Debug)]
pub struct Table {
    /// The object.
    pub object: String,
    /// Its topic.
    pub topic: String,
    /// How many rows it has, where that is known.
    pub rows: Option<u64>,
}

/// A connector that runs.
#[derive(Debug)]
pub struct Connector {
    name: String,
    status: Status,
    stop: CancellationToken,
    running: JoinHandle<Outcome>,
    store: Arc<dyn OffsetStore>,
}

/// A connector's JSON, as it would stand in a file for `sf-kafka run`.
fn json(name: &str, org: &Org, tables: &[Table]) -> Result<String> {
    let mut keys = Map::new();
    let mut set = |key: &str, value: &str| drop(keys.insert(key.to_owned(), Value::from(value)));
    set("name", name);
    set("connector.class", "SalesforceBulkApiV2Source");
    for (key, value) in org.login.connector_keys()? {
        set(key, &value);
    }
    set("output.data.format", "JSON");
    set("salesforce.object.num", &tables.len().to_string());
    for (number, table) in (1..).zip(tables) {
        set(&format!("salesforce.object{number}"), &table.object);
        set(&format!("salesforce.object{number}.topic"), &table.topic);
    }
    // Divided by the objects: pages of 10,000 rows.
    set("result.max.rows", &(10_000 * tables.len()).to_string());
    if org.sim().is_some() {
        set("salesforce.lag.ms", "0");
    }
    Ok(Value::Object(keys).to_string())
}

impl Connector {
    /// Begins to read these objects. Offsets are kept under the name.
    ///
    /// # Errors
    /// What is wrong with the configuration, the topics or the login.
    pub async fn start(name: String, org: &Org, broker: &Broker, tables: &[Table]) -> Result<Self> {
        let checked = Config::from_json(&name, &json(&name, org, tables)?)?.check();
        let config = match checked.into_result() {
            Ok((ConnectorConfig::BulkQuerySource(config), _)) => *config,
            Ok(_) => return Err("the configuration is one of another connector".into()),
            Err(report) => return Err(report.to_string().into()),
        };
        let mut config = config;
        if org.sim().is_some() {
            // A real org would have to pay for it with its daily calls; the configuration has a lower bound.
            config.poll_interval = Duration::from_millis(200);
        }
        broker.offsets_topic(OFFSETS)?;
        let cluster = &broker.cluster;
        let store = KafkaStore::builder(OFFSETS)
            .open(cluster.producer(), &*cluster.admin(), &*cluster.reader())
            .await?;
        let store: Arc<dyn OffsetStore> = Arc::new(store);
        let lane =
            Lane { config, producer: cluster.producer(), admin: cluster.admin(), store: Arc::clone(&store) };
        let worker = Worker::new(vec![lane], Arc::new(ReqwestService::new()?)).await?;
        let (status, stop) = (worker.status(), worker.stop());
        Ok(Self { name, status, stop, running: tokio::spawn(worker.run()), store })
    }

    /// Waits until every object was read to its end once, showing how far each is.
    ///
    /// # Errors
    /// An object that was given up, or one of an emulated org that stands still.
    pub async fn first_read(&self, tables: &[Table], emulated: bool, progress: &mut Progress) -> Result<()> {
        let (mut seen, mut moved) = (0, tokio::time::Instant::now());
        let mut open: Vec<usize> = (0..tables.len()).collect();
        while !open.is_empty() {
            tokio::time::sleep(LOOK).await;
            for (at, status) in self.status.tables().iter().enumerate() {
                progress.set(at, status.rows());
                let done = status.polls() > 0 && status.phase() == Phase::Idle;
                // An emulated org's rows are as young as it: the first window can end before the last of them.
                let all = !emulated || tables[at].rows.is_none_or(|rows| status.rows() >= rows);
                if done && all && open.contains(&at) {
                    open.retain(|other| *other != at);
                    progress.finish(at);
                }
            }
            self.healthy()?;
            let rows = self.status.tables().iter().map(|t| t.rows()).sum::<u64>();
            if rows > seen {
                (seen, moved) = (rows, tokio::time::Instant::now());
            }
            if emulated && moved.elapsed() > PATIENCE {
                let missing: Vec<_> = open.iter().map(|at| tables[*at].object.as_str()).collect();
                return Err(format!(
                    "nothing has come for a minute, and {} is not complete",
                    missing.join(", ")
                )
                .into());
            }
        }
        Ok(())
    }

    /// Waits until more pages of an object have arrived than there were.
    ///
    /// # Errors
    /// The object was given up, or nothing came within a minute.
    pub async fn page_after(&self, object: &str, pages: u64) -> Result<()> {
        let begun = tokio::time::Instant::now();
        while self.pages(object) <= pages {
            self.healthy()?;
            if begun.elapsed() > PATIENCE {
                return Err(format!("the change of a {object} has not arrived within a minute").into());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Pages of an object that have arrived.
    pub fn pages(&self, object: &str) -> u64 {
        self.status.tables().iter().find(|t| t.table == object).map_or(0, |t| t.pages())
    }

    /// Rows of an object that this run delivered.
    pub fn rows(&self, object: &str) -> u64 {
        self.status.tables().iter().find(|t| t.table == object).map_or(0, |t| t.rows())
    }

    fn healthy(&self) -> Result<()> {
        for table in self.status.tables() {
            match table.phase() {
                Phase::Failed(reason) => return Err(format!("{} was given up: {reason}", table.table).into()),
                Phase::Stopped => return Err(format!("{} was stopped", table.table).into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// The stored offsets, as source partition and offset.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn offsets(&self) -> Result<Vec<(String, String)>> {
        let offsets = self.store.list(&self.name).await?;
        let shown = |map| Value::Object(map).to_string();
        Ok(offsets.into_iter().map(|(of, offset)| (shown(of.as_map().clone()), shown(offset))).collect())
    }

    /// Stops it cleanly: what is in flight arrives and is noted. Returns how many rows of each object were delivered.
    ///
    /// # Errors
    /// It ended by a fault of its own.
    pub async fn stop(self) -> Result<Vec<(String, u64)>> {
        self.stop.cancel();
        self.running.await?;
        Ok(self.status.tables().iter().map(|table| (table.table.clone(), table.rows())).collect())
    }
}
