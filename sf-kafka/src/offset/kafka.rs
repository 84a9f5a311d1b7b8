//! Offsets in a compacted topic, as Kafka Connect keeps them.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::Mutex;

use super::connect::{self, Key};
use super::table::{Entry, Table};
use super::{Error, ErrorKind, Offset, OffsetStore, Result, SourcePartition};
use crate::kafka::{Admin, NewTopic, Page, Producer, Reader, Record};

/// What Connect gives its offsets topic.
const PARTITIONS: i32 = 25;

/// How a [`KafkaStore`] is to be opened.
#[derive(Debug, Clone)]
#[must_use]
pub struct KafkaStoreBuilder {
    topic: String,
    partitions: i32,
    replication_factor: i32,
}

impl KafkaStoreBuilder {
    /// With how many partitions the topic is made if it is missing (25).
    pub fn partitions(mut self, partitions: i32) -> Self {
        self.partitions = partitions;
        self
    }

    /// With how many replicas the topic is made if it is missing (-1: the cluster's default).
    pub fn replication_factor(mut self, replicas: i32) -> Self {
        self.replication_factor = replicas;
        self
    }

    /// Makes the topic if it is missing, checks it and reads it to its end.
    ///
    /// # Errors
    ///
    /// `Unfit` when the topic is not compacted or holds nothing but something else; `Kafka` when the cluster could
    /// not be asked.
    pub async fn open(
        self,
        producer: Arc<dyn Producer>,
        admin: &dyn Admin,
        reader: &dyn Reader,
    ) -> Result<KafkaStore> {
        self.ready(admin).await?;
        let table = self.load(reader).await?;
        Ok(KafkaStore { topic: self.topic, producer, table: Mutex::new(table) })
    }

    async fn ready(&self, admin: &dyn Admin) -> Result<()> {
        let topic = &self.topic;
        let found = admin
            .topic(topic)
            .await
            .map_err(|error| Error::kafka(format!("offsets topic {topic}"), error))?;
        let Some(found) = found else {
            let new = NewTopic::new(topic)
                .partitions(self.partitions)
                .replication_factor(self.replication_factor)
                .config("cleanup.policy", "compact");
            tracing::info!(
                topic,
                partitions = self.partitions,
                "the offsets topic is missing and is created"
            );
            return admin
                .create_topic(&new)
                .await
                .map_err(|error| Error::kafka(format!("offsets topic {topic}"), error));
        };
        match found.cleanup_policy.as_deref() {
            Some("compact") => Ok(()),
            None => {
                tracing::warn!(topic, "the cluster does not say whether the offsets topic is compacted");
                Ok(())
            }
            Some(policy) => Err(Error::new(
                ErrorKind::Unfit,
                format!("topic {topic} cannot hold offsets: its cleanup.policy is {policy:?} and must be \"compact\", or offsets would be lost"),
            )
            .with_hint(format!(
                "name another topic (offset.storage.topic), or: kafka-configs --alter --entity-type topics --entity-name {topic} --add-config cleanup.policy=compact"
            ))),
        }
    }

    async fn load(&self, reader: &dyn Reader) -> Result<Table> {
        let topic = &self.topic;
        let mut table = Table::default();
        let (mut ours, mut foreign) = (0_u64, 0_u64);
        let mut records = reader.read_to_end(topic);
        while let Some(record) = records.next().await {
            let record = record.map_err(|error| Error::kafka(format!("offsets topic {topic}"), error))?;
            match record.key.as_deref().map_or(Key::Foreign, connect::parse_key) {
                Key::Partition(connector, partition) => {
                    ours += 1;
                    let offset = record.value.as_deref().map(connect::parse_value);
                    table.put(&connector, Entry { partition, offset, key: record.key });
                }
                Key::Nothing => ours += 1,
                Key::Foreign => foreign += 1,
            }
        }
        if foreign > 0 && ours == 0 {
            return Err(Error::new(
                ErrorKind::Unfit,
                format!("topic {topic} holds something else: none of its {foreign} records is an offset of Kafka Connect"),
            )
            .with_hint("name another topic (offset.storage.topic); it is created if it does not exist"));
        }
        if foreign > 0 {
            tracing::warn!(
                topic,
                records = foreign,
                "records in the offsets topic are no offsets and are passed over"
            );
        }
        tracing::debug!(topic, records = ours, "offsets read");
        Ok(table)
    }
}

/// Keeps offsets in a compacted topic, in Kafka Connect's own encoding: the offsets topic of a Connect cluster
/// can be taken over as it stands.
///
/// It is read once, when it is opened. Only one process may write a connector's offsets at a time.
pub struct KafkaStore {
    topic: String,
    producer: Arc<dyn Producer>,
    /// Held while a change is on its way, so that the topic and this agree on the order of changes.
    table: Mutex<Table>,
}

impl KafkaStore {
    /// A store in this topic.
    pub fn builder(topic: impl Into<String>) -> KafkaStoreBuilder {
        KafkaStoreBuilder { topic: topic.into(), partitions: PARTITIONS, replication_factor: -1 }
    }

    fn place(&self) -> String {
        format!("offsets topic {}", self.topic)
    }
}

impl OffsetStore for KafkaStore {
    fn read<'a>(
        &'a self,
        connector: &'a str,
        partition: &'a SourcePartition,
    ) -> BoxFuture<'a, Result<Option<Offset>>> {
        async move { self.table.lock().await.read(&self.place(), connector, partition) }.boxed()
    }

    fn list<'a>(&'a self, connector: &'a str) -> BoxFuture<'a, Result<Vec<(SourcePartition, Offset)>>> {
        async move { self.table.lock().await.list(&self.place(), connector) }.boxed()
    }

    fn write<'a>(
        &'a self,
        connector: &'a str,
        changes: &'a [(SourcePartition, Option<Offset>)],
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let mut table = self.table.lock().await;
            let page = Page::new();
            for (partition, offset) in changes {
                // Under another spelling of its key, compaction would keep the old offset beside the new one.
                let known = table.entry(connector, partition).and_then(|entry| entry.key.clone());
                let key = known.unwrap_or_else(|| connect::key(connector, partition));
                let value = offset.as_ref().map(connect::value);
                let record = Record::to(&self.topic).key(key.as_slice()).value(value.as_deref());
                self.producer.send(record, &page).await.map_err(|error| Error::kafka(self.place(), error))?;
            }
            page.acknowledged().await.map_err(|error| Error::kafka(self.place(), error))?;
            table.apply(connector, changes);
            Ok(())
        }
        .boxed()
    }
}

impl fmt::Debug for KafkaStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaStore").field("topic", &self.topic).finish_non_exhaustive()
    }
}
