//! From librdkafka's codes to our kinds, in words that say what to do.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::kafka::{Error, ErrorKind};

/// What kind of failure a code is.
pub(super) fn kind(code: Code) -> ErrorKind {
    match code {
        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::IllegalSASLState
        | Code::SSL => ErrorKind::Authentication,
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => ErrorKind::Authorization,
        Code::UnknownTopic
        | Code::UnknownTopicOrPartition
        | Code::UnknownPartition
        | Code::UnknownTopicId => ErrorKind::UnknownTopic,
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => {
            ErrorKind::TooLarge
        }
        Code::AllBrokersDown
        | Code::BrokerTransportFailure
        | Code::Resolve
        | Code::OperationTimedOut
        | Code::TimedOutQueue
        | Code::MessageTimedOut
        | Code::RequestTimedOut
        | Code::NetworkException
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::BrokerNotAvailable
        | Code::ReplicaNotAvailable
        | Code::NotEnoughReplicas
        | Code::NotEnoughReplicasAfterAppend
        | Code::ISRInsufficient
        | Code::CoordinatorLoadInProgress
        | Code::CoordinatorNotAvailable
        | Code::NotCoordinator
        | Code::NotController
        | Code::WaitingForCoordinator
        | Code::KafkaStorageError
        | Code::ThrottlingQuotaExceeded
        | Code::FencedLeaderEpoch
        | Code::UnknownLeaderEpoch
        | Code::Retry => ErrorKind::Unreachable,
        Code::Fenced
        | Code::ProducerFenced
        | Code::InvalidProducerEpoch
        | Code::IllegalGeneration
        | Code::UnknownMemberId
        | Code::FencedInstanceId
        | Code::FencedMemberEpoch
        | Code::StaleMemberEpoch => ErrorKind::Superseded,
        Code::PurgeQueue | Code::PurgeInflight | Code::DestroyBroker => ErrorKind::Closed,
        Code::Fatal => ErrorKind::Fatal,
        _ => ErrorKind::Refused,
    }
}

/// Its code, where librdkafka gave one.
pub(super) fn code(error: &KafkaError) -> Option<Code> {
    match error {
        KafkaError::Transaction(error) => Some(error.code()),
        other => other.rdkafka_error_code(),
    }
}

/// An error of something other than a record.
pub(super) fn of(what: &str, error: KafkaError) -> Error {
    let kind = match (&error, code(&error)) {
        (KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_), _) => ErrorKind::Setting,
        (KafkaError::Canceled, _) => ErrorKind::Closed,
        (_, Some(code)) => kind(code),
        (_, None) => ErrorKind::Refused,
    };
    let why = match &error {
        KafkaError::ClientCreation(why) => why.clone(),
        _ => code(&error).map_or_else(|| error.to_string(), |code| code.to_string()),
    };
    Error::new(kind, format!("{what}: {why}"))
}

/// The error of one record: which topic, how large, and what to do about it.
pub(super) struct Refusal<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: Option<i32>,
    /// Bytes of key and value.
    pub(super) size: usize,
    /// What the topic takes, where we have asked.
    pub(super) topic_limit: Option<u64>,
    /// Whether librdkafka refused it before sending.
    pub(super) local: bool,
    /// The producer's `max.request.size`.
    pub(super) request_limit: u64,
    /// What the connection last said about itself.
    pub(super) cause: Option<String>,
}

impl Refusal<'_> {
    pub(super) fn error(self, code: Code) -> Error {
        let (topic, size) = (self.topic, grouped(self.size as u64));
        let kind = kind(code);
        let error = match kind {
            ErrorKind::TooLarge if self.local => Error::new(
                kind,
                format!(
                    "a record of {size} bytes for topic {topic} is larger than the producer may send \
                     (max.request.size = {})",
                    grouped(self.request_limit)
                ),
            )
            .with_hint(format!(
                "set producer.override.max.request.size to more than {size}, and max.message.bytes of the topic too"
            )),
            ErrorKind::TooLarge => {
                let limit = self.topic_limit.map(|limit| format!(" (max.message.bytes = {})", grouped(limit)));
                Error::new(
                    kind,
                    format!(
                        "topic {topic} does not take records as large as {size} bytes{}",
                        limit.unwrap_or_default()
                    ),
                )
                .with_hint(format!(
                    "raise it: kafka-configs --alter --entity-type topics --entity-name {topic} --add-config \
                     max.message.bytes=…; compression (producer.override.compression.type) may do as well"
                ))
            }
            ErrorKind::UnknownTopic => unknown_topic(topic),
            ErrorKind::Unreachable => {
                let partition = self.partition.map(|partition| format!(" partition {partition}")).unwrap_or_default();
                let cause = self.cause.map(|cause| format!("; last heard: {cause}")).unwrap_or_default();
                Error::new(kind, format!("topic {topic}{partition} took no records: {code}{cause}"))
                    .with_hint("the records are read from the org and sent again")
            }
            ErrorKind::Authorization => Error::new(kind, format!("this login may not write to topic {topic}"))
                .with_hint(format!("grant it the operations Write and Describe on topic {topic}")),
            ErrorKind::Closed => Error::new(kind, format!("the producer was closed with records for {topic} on their way")),
            _ => Error::new(kind, format!("topic {topic} refused a record of {size} bytes: {code}")),
        };
        error.with_topic(topic).with_size(self.size)
    }
}

/// A topic that has to be there and is not.
pub(super) fn unknown_topic(topic: &str) -> Error {
    Error::new(ErrorKind::UnknownTopic, format!("topic {topic} does not exist"))
        .with_hint(format!(
            "create it (kafka-topics --create --topic {topic}), or set topic.creation.default.partitions and \
             topic.creation.default.replication.factor and the connector creates it"
        ))
        .with_topic(topic)
}

/// A count as people read it.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1000, 1_048_588].map(grouped), ["0", "999", "1,000", "1,048,588"]);
    }

    #[test]
    fn only_a_cluster_that_is_away_is_worth_trying_again() {
        for (code, retriable) in [
            (Code::AllBrokersDown, true),
            (Code::MessageTimedOut, true),
            (Code::NotEnoughReplicas, true),
            (Code::MessageSizeTooLarge, false),
            (Code::UnknownTopicOrPartition, false),
            (Code::Authentication, false),
            (Code::ProducerFenced, false),
            (Code::PurgeQueue, false),
            (Code::InvalidRecord, false),
        ] {
            assert_eq!(Error::new(kind(code), "").is_retriable(), retriable, "{code:?}");
        }
    }
}
