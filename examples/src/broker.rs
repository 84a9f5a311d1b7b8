//! The Kafka that a program writes to: the one that `KAFKA_*` variables name, or an embedded broker.

use std::fmt;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use sf_kafka::kafka::{Cluster, NewTopic, Settings};

use crate::Result;

/// What the embedded broker keeps of a partition; the oldest records go.
const KEPT_BYTES: u64 = 5 * 1024 * 1024;
/// More than a row of a usual object takes as JSON, so that a partition never fills up.
const ROW_BYTES: u64 = 4 * 1024;
/// Partitions for an object that cannot be counted.
const UNKNOWN: i32 = 128;

/// A Kafka cluster that answers.
pub struct Broker {
    /// Its ports.
    pub cluster: Cluster,
    servers: String,
    embedded: Option<MockCluster<'static, DefaultProducerContext>>,
}

impl Broker {
    /// Connects to the cluster at `KAFKA_BOOTSTRAP_SERVERS`, or starts a broker in this process.
    ///
    /// # Errors
    /// A cluster that does not answer or refuses us.
    pub async fn connect() -> Result<Self> {
        let servers = servers();
        let mut settings = Settings::default();
        let (servers, embedded) = match servers {
            Some(servers) => {
                settings.environment(std::env::vars());
                (servers, None)
            }
            None => {
                let mock = MockCluster::new(1)?;
                (mock.bootstrap_servers(), Some(mock))
            }
        };
        settings.common("bootstrap.servers", &servers);
        Ok(Self { cluster: Cluster::connect(&settings).await?, servers, embedded })
    }

    /// Whether [`connect`](Self::connect) will start the embedded broker.
    pub fn would_be_embedded() -> bool {
        servers().is_none()
    }

    /// Whether it is the embedded broker.
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Makes a topic for so many rows, if it is missing.
    ///
    /// # Errors
    /// What the cluster said.
    pub async fn topic(&self, name: &str, rows: Option<u64>) -> Result<()> {
        match &self.embedded {
            Some(mock) => mock.create_topic(name, partitions(rows), 1)?,
            None => self.cluster.admin().create_topic(&NewTopic::new(name).partitions(6)).await?,
        }
        Ok(())
    }

    /// Makes a topic for offsets, where whoever keeps them there cannot: the embedded broker is asked in
    /// another way.
    ///
    /// # Errors
    /// What the broker said.
    pub fn offsets_topic(&self, name: &str) -> Result<()> {
        if let Some(mock) = &self.embedded {
            mock.create_topic(name, 1, 1)?;
        }
        Ok(())
    }

    /// Which cluster it is, in one sentence.
    pub fn introduction(&self) -> String {
        match self.embedded {
            Some(_) => format!("No KAFKA_* variables: using an embedded broker at {}", self.servers),
            None => format!("Using Kafka at {}", self.servers),
        }
    }
}

fn servers() -> Option<String> {
    std::env::var("KAFKA_BOOTSTRAP_SERVERS").ok().filter(|servers| !servers.trim().is_empty())
}

/// Enough for every row to stay.
fn partitions(rows: Option<u64>) -> i32 {
    let Some(rows) = rows else { return UNKNOWN };
    let needed = rows.saturating_mul(ROW_BYTES).div_ceil(KEPT_BYTES);
    i32::try_from(needed).unwrap_or(i32::MAX).clamp(1, 1024)
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").field("servers", &self.servers).finish_non_exhaustive()
    }
}
