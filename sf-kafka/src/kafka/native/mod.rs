//! The ports over librdkafka.

mod admin;
mod classify;
mod context;
mod metadata;
mod producer;
mod reader;

use std::sync::Arc;
use std::time::Duration;

use self::admin::NativeAdmin;
use self::context::TopicLimits;
use self::producer::NativeProducer;
use self::reader::NativeReader;
use super::{Admin, Client, Producer, Reader, Result, Settings};

/// How long a cluster may be silent when we ask it something, as the Java client's `default.api.timeout.ms`.
const API_TIMEOUT: Duration = Duration::from_secs(60);

/// A Kafka cluster that answers: its three ports.
///
/// ```no_run
/// use sf_kafka::kafka::{Cluster, Page, Record, Settings};
///
/// # async fn example() -> sf_kafka::kafka::Result<()> {
/// let cluster = Cluster::connect(&Settings::new("localhost:9092")).await?;
/// let page = Page::new();
/// cluster.producer().send(Record::to("lead").value(&b"{}"[..]), &page).await?;
/// assert_eq!(page.acknowledged().await?, 1);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Cluster {
    producer: Arc<NativeProducer>,
    admin: Arc<NativeAdmin>,
    reader: Arc<NativeReader>,
}

impl Cluster {
    /// Checks the settings, then asks the cluster whether it is there and lets us in.
    ///
    /// # Errors
    ///
    /// `Setting` for a setting that cannot work; `Authentication` at once when the cluster refuses us;
    /// `Unreachable` after a minute without an answer.
    pub async fn connect(settings: &Settings) -> Result<Self> {
        Self::connect_within(settings, API_TIMEOUT).await
    }

    /// As [`connect`](Self::connect), waiting this long for the first answer.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_within(settings: &Settings, patience: Duration) -> Result<Self> {
        let consumer = settings.native(Client::Consumer)?;
        let limits = TopicLimits::default();
        let admin = NativeAdmin::new(settings.native(Client::Admin)?, limits.clone());
        let producer = NativeProducer::new(&settings.native(Client::Producer)?, limits)?;
        admin.reach(patience).await?;
        Ok(Self {
            producer: Arc::new(producer),
            admin: Arc::new(admin),
            reader: Arc::new(NativeReader::new(consumer)),
        })
    }

    /// The port that sends records. All of a cluster's clones share one client.
    pub fn producer(&self) -> Arc<dyn Producer> {
        self.producer.clone()
    }

    /// The port that looks at topics and makes them.
    pub fn admin(&self) -> Arc<dyn Admin> {
        self.admin.clone()
    }

    /// The port that reads whole topics.
    pub fn reader(&self) -> Arc<dyn Reader> {
        self.reader.clone()
    }
}
