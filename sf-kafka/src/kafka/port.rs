//! What the connectors ask of a Kafka cluster.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::{Page, Result};

/// A record to be sent. It borrows everything: a producer copies what it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Where it goes.
    pub topic: &'a str,
    /// Decides the partition, as Kafka's Java client does (murmur2); none spreads records at random.
    pub key: Option<&'a [u8]>,
    /// The content; none is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Milliseconds since 1970; none lets the client stamp it.
    pub timestamp: Option<i64>,
}

impl<'a> Record<'a> {
    /// A record for a topic with no key, no value and the client's own timestamp.
    pub fn to(topic: &'a str) -> Self {
        Self { topic, key: None, value: None, timestamp: None }
    }

    /// Sets the key.
    #[must_use]
    pub fn key(mut self, key: impl Into<Option<&'a [u8]>>) -> Self {
        self.key = key.into();
        self
    }

    /// Sets the value.
    #[must_use]
    pub fn value(mut self, value: impl Into<Option<&'a [u8]>>) -> Self {
        self.value = value.into();
        self
    }

    /// Sets the timestamp, in milliseconds since 1970.
    #[must_use]
    pub fn timestamp(mut self, timestamp: impl Into<Option<i64>>) -> Self {
        self.timestamp = timestamp.into();
        self
    }

    /// Bytes of key and value.
    pub fn size(&self) -> usize {
        self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len)
    }
}

/// What became of a record that was handed to a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a record that found no room has not been taken"]
pub enum Sent {
    /// It was copied into the producer's queue; its page says when it is delivered.
    Queued,
    /// The queue is full: wait for [`Producer::room`] and hand it over again.
    Full,
}

/// Sends records and reports, page by page, that the cluster has them.
///
/// Transactions will widen this port by their four calls; a page is already what one of them holds.
pub trait Producer: fmt::Debug + Send + Sync + 'static {
    /// Hands a record over without waiting. `page` is told what becomes of it.
    ///
    /// # Errors
    ///
    /// The record can never be taken as it is (too large, a topic name with a NUL), or the producer is of no
    /// more use (refused login, fatal error). The page does not count such a record.
    fn try_send(&self, record: Record<'_>, page: &Arc<Page>) -> Result<Sent>;

    /// Waits until there may be room in the queue again.
    fn room(&self) -> BoxFuture<'_, ()>;

    /// Waits until nothing is on its way any more.
    ///
    /// # Errors
    ///
    /// `Unreachable` when that took longer than the time-out.
    fn flush(&self, timeout: std::time::Duration) -> BoxFuture<'_, Result<()>>;
}

impl dyn Producer {
    /// Hands a record over, waiting while the queue is full.
    ///
    /// # Errors
    ///
    /// As [`Producer::try_send`].
    pub async fn send(&self, record: Record<'_>, page: &Arc<Page>) -> Result<()> {
        while self.try_send(record, page)? == Sent::Full {
            self.room().await;
        }
        Ok(())
    }
}

/// A topic as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    pub partitions: i32,
    /// Its `cleanup.policy`; none where the cluster would not say.
    pub cleanup_policy: Option<String>,
    /// Its `max.message.bytes`; none where the cluster would not say.
    pub max_message_bytes: Option<u64>,
}

/// A topic as it should become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; -1 is the cluster's default.
    pub partitions: i32,
    /// How many replicas; -1 is the cluster's default.
    pub replication_factor: i32,
    /// Topic settings such as `cleanup.policy`.
    pub config: Vec<(String, String)>,
}

impl NewTopic {
    /// A topic with the cluster's own default of partitions and replicas.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), partitions: -1, replication_factor: -1, config: Vec::new() }
    }

    /// Sets the number of partitions.
    #[must_use]
    pub fn partitions(mut self, partitions: i32) -> Self {
        self.partitions = partitions;
        self
    }

    /// Sets the number of replicas.
    #[must_use]
    pub fn replication_factor(mut self, replicas: i32) -> Self {
        self.replication_factor = replicas;
        self
    }

    /// Adds a topic setting.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.push((key.into(), value.into()));
        self
    }
}

/// Looks at topics and makes them.
pub trait Admin: fmt::Debug + Send + Sync + 'static {
    /// The topic, or none if it does not exist. Asking never creates it.
    ///
    /// # Errors
    ///
    /// The cluster could not be asked.
    fn topic<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Topic>>>;

    /// Creates a topic and waits until the cluster knows it. One that exists already is left as it is.
    ///
    /// # Errors
    ///
    /// The cluster could not be asked or refused.
    fn create_topic<'a>(&'a self, topic: &'a NewTopic) -> BoxFuture<'a, Result<()>>;
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// The partition it stood in.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since 1970, where it has a timestamp.
    pub timestamp: Option<i64>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; none is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// Reads whole topics, such as those that hold offsets.
pub trait Reader: fmt::Debug + Send + Sync + 'static {
    /// Everything committed that stands in a topic now, each partition in order. The stream ends when all
    /// partitions have been read to where they ended; it waits for no record to come.
    fn read_to_end(&self, topic: &str) -> BoxStream<'static, Result<LogRecord>>;
}
