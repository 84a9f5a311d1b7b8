//! All connectors of one process.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use sf_core::Client;
use sf_core::http::HttpService;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::login::connect;
use super::status::{Phase, Status, TableStatus};
use super::table_task::TableTask;
use crate::config::BulkQuerySource;
use crate::kafka::{Admin, ErrorKind, Producer};
use crate::offset::OffsetStore;
use crate::{Error, Outlook, Result};

/// How long a login that is under way may take when the process ends.
const LAST_LOGINS: Duration = Duration::from_secs(5);

/// How a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was asked to stop.
    Stopped,
    /// Every task was given up, or at least one was when the rest stopped.
    Failed,
}

/// Runs connectors until it is asked to stop.
#[must_use]
pub struct Worker {
    tasks: Vec<TableTask>,
    clients: Vec<Client>,
    status: Status,
    stop: CancellationToken,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("status", &self.status).finish_non_exhaustive()
    }
}

/// A connector and where its records and offsets go.
#[derive(Debug)]
pub struct Lane {
    /// What to read.
    pub config: BulkQuerySource,
    /// Takes its records.
    pub producer: Arc<dyn Producer>,
    /// Looks at its topics, on the cluster that its records go to.
    pub admin: Arc<dyn Admin>,
    /// Keeps its offsets.
    pub store: Arc<dyn OffsetStore>,
}

impl Worker {
    /// Sets up connectors: checks that their topics exist and that no two have one name.
    ///
    /// # Errors
    /// A topic that does not exist, two connectors of one name, or a login that cannot work as configured.
    pub async fn new(lanes: Vec<Lane>, http: Arc<dyn HttpService>) -> Result<Self> {
        let mut names = HashSet::new();
        let stop = CancellationToken::new();
        let (mut tasks, mut clients) = (Vec::new(), Vec::new());
        for Lane { config, producer, admin, store } in lanes {
            if !names.insert(config.name.clone()) {
                let text = format!("two connectors are named {}: offsets are kept by name", config.name);
                return Err(Error::new(Outlook::Final, text));
            }
            let client = connect(&config, Arc::clone(&http))?;
            clients.push(client.clone());
            let config = Arc::new(config);
            let refused = CancellationToken::new();
            for table in &config.tables {
                topic_exists(&*admin, &config, &table.topic).await?;
                tasks.push(TableTask {
                    config: Arc::clone(&config),
                    status: Arc::new(TableStatus::new(&config.name, &table.object, &table.topic)),
                    table: table.clone(),
                    client: client.clone(),
                    producer: Arc::clone(&producer),
                    store: Arc::clone(&store),
                    stop: stop.clone(),
                    refused: refused.clone(),
                });
            }
        }
        let status = Status::new(tasks.iter().map(|t| Arc::clone(&t.status)).collect());
        Ok(Self { tasks, clients, status, stop })
    }

    /// How the tasks stand, also while they run.
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Cancel it to stop cleanly: what is delivered is stored, nothing more is begun.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Works until stopped, or until every task has been given up.
    pub async fn run(self) -> Outcome {
        let mut running = JoinSet::new();
        let mut tables = HashMap::new();
        for task in self.tasks {
            let status = Arc::clone(&task.status);
            let handle = running.spawn(task.run());
            tables.insert(handle.id(), status);
        }
        let mut outcome = Outcome::Stopped;
        while let Some(ended) = running.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(_)) => outcome = Outcome::Failed,
                Err(fault) => {
                    tracing::error!(error = %fault, "a task ended by a fault of its own");
                    if let Some(table) = tables.get(&fault.id()) {
                        table.set(Phase::Failed(format!("a fault of this program: {fault}")));
                    }
                    outcome = Outcome::Failed;
                }
            }
        }
        settled(&self.clients).await;
        outcome
    }
}

/// Lets logins come to their end: where the app rotates refresh tokens, the answer on its way is all that holds
/// the next one.
async fn settled(clients: &[Client]) {
    let all = async {
        for client in clients {
            client.settled().await;
        }
    };
    if timeout(LAST_LOGINS, all).await.is_err() {
        tracing::warn!("a login is still under way: a refresh token that it spends may be lost");
    }
}

async fn topic_exists(admin: &dyn Admin, config: &BulkQuerySource, topic: &str) -> Result<()> {
    if admin.topic(topic).await?.is_some() {
        return Ok(());
    }
    // Whoever has two clusters looks for it on the other one first.
    let elsewhere = config.producer.get("bootstrap.servers");
    let place = elsewhere
        .map(|servers| format!(" on {servers} (producer.override.bootstrap.servers)"))
        .unwrap_or_default();
    let missing =
        crate::kafka::Error::new(ErrorKind::UnknownTopic, format!("topic {topic} does not exist{place}"))
            .with_topic(topic)
            .with_hint(format!(
                "create it, for example: kafka-topics --create --topic {topic} --partitions 6"
            ));
    Err(Error::from(missing).about(format!("connector {} cannot run", config.name)))
}
