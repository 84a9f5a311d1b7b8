//! Asking a cluster what it has. Blocking: librdkafka's call is.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::metadata::Metadata;
use rdkafka::types::RDKafkaRespErr;

use super::classify;
use super::context::Context;
use crate::kafka::{Error, ErrorKind, Result};

/// How long one question may take before the client's own reports are looked at.
const SLICE: Duration = Duration::from_secs(1);

/// How long reports are taken in. Without any time a single log line would count as the last of them.
const REPORTS: Duration = Duration::from_millis(20);

/// The cluster's answer about one topic or, without a topic, about itself. A consumer asks, since a producer's
/// question may create the topic.
pub(super) fn ask(
    client: &BaseConsumer<Context>,
    topic: Option<&str>,
    patience: Duration,
) -> Result<Metadata> {
    let deadline = Instant::now() + patience;
    loop {
        let answer = client.fetch_metadata(topic, SLICE.min(patience));
        let error = match answer {
            Ok(metadata) if !electing(&metadata) => return Ok(metadata),
            Ok(_) => KafkaError::MetadataFetch(Code::LeaderNotAvailable),
            Err(error) => error,
        };
        // The reports wait in the client's queue; polling hands them to its context.
        while client.poll(REPORTS).is_some() {}
        if let Some(refusal) = client.context().refusal() {
            return Err(refusal);
        }
        let retriable =
            classify::code(&error).is_none_or(|code| classify::kind(code) == ErrorKind::Unreachable);
        if !retriable {
            return Err(classify::of("Kafka does not say what topics it has", error));
        }
        if Instant::now() >= deadline {
            let cause = client.context().cause().unwrap_or_else(|| error.to_string());
            return Err(Error::new(
                ErrorKind::Unreachable,
                format!("Kafka did not answer within {} s: {cause}", patience.as_secs()),
            )
            .with_hint("check --bootstrap-servers (or bootstrap.servers), and security.protocol if the cluster wants TLS"));
        }
    }
}

/// How many partitions a topic has; none if it does not exist.
pub(super) fn partitions(metadata: &Metadata, topic: &str) -> Result<Option<i32>> {
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else { return Ok(None) };
    match found.error().map(Code::from) {
        None | Some(Code::LeaderNotAvailable) => Ok(i32::try_from(found.partitions().len()).ok()),
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition) => Ok(None),
        Some(code) => {
            Err(Error::new(classify::kind(code), format!("topic {topic}: {code}")).with_topic(topic))
        }
    }
}

/// A topic that was just made has no leader for a moment.
fn electing(metadata: &Metadata) -> bool {
    metadata
        .topics()
        .iter()
        .any(|topic| topic.error() == Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE))
}
