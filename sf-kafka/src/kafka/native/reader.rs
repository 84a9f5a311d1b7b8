//! The reader port: a consumer that is assigned every partition, reads them to where they ended, and is gone.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::sync::mpsc;

use super::context::Context;
use super::{API_TIMEOUT, classify, metadata};
use crate::kafka::{Error, ErrorKind, LogRecord, Reader, Result};

/// Records that may wait for whoever reads the stream.
const AHEAD: usize = 1024;

pub(super) struct NativeReader {
    config: ClientConfig,
}

impl NativeReader {
    pub(super) fn new(config: ClientConfig) -> Self {
        Self { config }
    }
}

impl Reader for NativeReader {
    fn read_to_end(&self, topic: &str) -> BoxStream<'static, Result<LogRecord>> {
        let (config, topic) = (self.config.clone(), topic.to_owned());
        let (records, received) = mpsc::channel(AHEAD);
        // librdkafka's consumer waits in its own call, so it gets a thread that may.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = read(&config, &topic, &records) {
                // Nobody listens any more: nobody needs the error either.
                let _ = records.blocking_send(Err(error));
            }
        });
        stream::unfold(received, |mut received| async {
            received.recv().await.map(|record| (record, received))
        })
        .boxed()
    }
}

fn read(config: &ClientConfig, topic: &str, records: &mpsc::Sender<Result<LogRecord>>) -> Result<()> {
    let consumer: BaseConsumer<Context> = config
        .create_with_context(Context::default())
        .map_err(|error| classify::of("the Kafka consumer cannot be made", error))?;
    let failed = |error| classify::of(&format!("topic {topic} cannot be read"), error).with_topic(topic);
    let metadata = metadata::ask(&consumer, Some(topic), API_TIMEOUT)?;
    let partitions = metadata::partitions(&metadata, topic)?.ok_or_else(|| classify::unknown_topic(topic))?;

    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        assignment.add_partition_offset(topic, partition, Offset::Beginning).map_err(failed)?;
    }
    consumer.assign(&assignment).map_err(failed)?;

    let mut unfinished: BTreeSet<i32> = (0..partitions).collect();
    let mut heard = Instant::now();
    while !unfinished.is_empty() {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                heard = Instant::now();
                // A partition's first end is where it ended when it was looked at; what comes later is not ours.
                if unfinished.contains(&message.partition())
                    && records.blocking_send(Ok(copy(&message))).is_err()
                {
                    return Ok(());
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                heard = Instant::now();
                unfinished.remove(&partition);
            }
            Some(Err(error)) => {
                let passing =
                    classify::code(&error).is_none_or(|code| classify::kind(code) == ErrorKind::Unreachable);
                if !passing {
                    return Err(consumer.context().refusal().unwrap_or_else(|| failed(error)));
                }
            }
            None => {}
        }
        if records.is_closed() {
            return Ok(());
        }
        if heard.elapsed() >= API_TIMEOUT {
            let cause = consumer.context().cause().unwrap_or_else(|| "no answer".to_owned());
            return Err(Error::new(ErrorKind::Unreachable, format!("topic {topic} cannot be read: {cause}"))
                .with_topic(topic));
        }
    }
    Ok(())
}

fn copy(message: &impl Message) -> LogRecord {
    LogRecord {
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
    }
}

impl fmt::Debug for NativeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeReader").finish_non_exhaustive()
    }
}
