//! What librdkafka tells us on its own account: deliveries, errors, log lines.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;
use tokio::time::Instant;

use super::classify::{self, Refusal};
use crate::kafka::{Error, ErrorKind, Page};

/// How often a cluster that stays away is mentioned.
const REMIND: Duration = Duration::from_secs(30);

/// How long a refused login counts. librdkafka goes on trying at least every ten seconds and is refused anew; once
/// it is not, a password was put right in the cluster and records may flow again.
const REFUSED: Duration = Duration::from_secs(30);

/// `max.message.bytes` of the topics that were looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct TopicLimits(Arc<Mutex<HashMap<String, u64>>>);

impl TopicLimits {
    pub(super) fn note(&self, topic: &str, limit: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(topic.to_owned(), limit);
    }

    fn of(&self, topic: &str) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(topic).copied()
    }
}

/// One client's view of the cluster's health.
#[derive(Debug, Default)]
pub(super) struct Context {
    limits: TopicLimits,
    request_limit: u64,
    health: Mutex<Health>,
    /// Whether `health` holds anything worth a look, so that a delivery costs no lock.
    troubled: AtomicBool,
}

#[derive(Debug, Default)]
struct Health {
    /// Since when all brokers are away, and when that was last logged.
    away: Option<(Instant, Instant)>,
    /// What a connection last said.
    cause: Option<String>,
    /// Why this client is not served, and when that was last heard.
    refusal: Option<(Instant, Error)>,
}

const SILENT: &str = "no broker says anything: security.protocol may be another than theirs";

impl Context {
    pub(super) fn new(limits: TopicLimits, request_limit: u64) -> Self {
        Self { limits, request_limit, ..Self::default() }
    }

    /// Why this client will not be served, if it was refused.
    pub(super) fn refusal(&self) -> Option<Error> {
        if !self.troubled.load(Ordering::Relaxed) {
            return None;
        }
        let health = self.health();
        let (heard, refusal) = health.refusal.as_ref()?;
        let over = refusal.kind() == ErrorKind::Authentication && heard.elapsed() > REFUSED;
        (!over).then(|| refusal.clone())
    }

    /// What a connection last said about itself.
    pub(super) fn cause(&self) -> Option<String> {
        self.health().cause.clone()
    }

    /// The error of one record.
    pub(super) fn explain(&self, code: Code, record: (&str, Option<i32>, usize), local: bool) -> Error {
        let (topic, partition, size) = record;
        Refusal {
            topic,
            partition,
            size,
            topic_limit: self.limits.of(topic),
            local,
            request_limit: self.request_limit,
            cause: self.cause(),
        }
        .error(code)
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_away(&self) {
        let now = Instant::now();
        let mut health = self.health();
        match &mut health.away {
            None => {
                health.away = Some((now, now));
                // Brokers that speak another protocol hang up without a word.
                let cause = health.cause.clone().unwrap_or_else(|| SILENT.to_owned());
                tracing::warn!(cause, "Kafka cannot be reached; records wait");
            }
            Some((since, told)) if now.duration_since(*told) >= REMIND => {
                *told = now;
                tracing::warn!(seconds = since.elapsed().as_secs(), "Kafka still cannot be reached");
            }
            Some(_) => {}
        }
    }

    fn note_served(&self) {
        if !self.troubled.swap(false, Ordering::Relaxed) {
            return;
        }
        let mut health = self.health();
        health.cause = None;
        health.refusal = None;
        if let Some((since, _)) = health.away.take() {
            tracing::info!(seconds = since.elapsed().as_secs(), "Kafka can be reached again");
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            // Connections that break come as errors as well, where they are counted and not merely repeated.
            _ if matches!(facility, "FAIL" | "ERROR") => tracing::debug!(facility, message, "librdkafka"),
            RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::debug!(facility, message, "librdkafka")
            }
            RDKafkaLogLevel::Notice => tracing::info!(facility, message, "librdkafka"),
            _ => tracing::warn!(facility, message, "librdkafka"),
        }
    }

    fn stats_raw(&self, _statistics: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        let Some(code) = classify::code(&error) else { return };
        tracing::debug!(code = %code, reason, "librdkafka reports an error");
        self.troubled.store(true, Ordering::Relaxed);
        match (code, classify::kind(code)) {
            (Code::AllBrokersDown, _) => self.note_away(),
            (_, kind @ (ErrorKind::Authentication | ErrorKind::Fatal | ErrorKind::Superseded)) => {
                let refused = match kind {
                    ErrorKind::Authentication => Error::new(kind, format!("Kafka does not let us in: {reason}"))
                        .with_hint(
                            "check security.protocol, sasl.mechanism, user and password, and the CA (ssl.truststore.location)",
                        ),
                    _ => Error::new(kind, format!("the Kafka client gave up: {reason}")),
                };
                let told = self.refusal().is_some();
                self.health().refusal = Some((Instant::now(), refused.clone()));
                if !told {
                    tracing::error!(error = %refused, "Kafka refuses this client");
                }
            }
            _ => self.health().cause = Some(reason.to_owned()),
        }
    }
}

impl ConsumerContext for Context {}

impl ProducerContext for Context {
    type DeliveryOpaque = Arc<Page>;

    fn delivery(&self, result: &DeliveryResult<'_>, page: Arc<Page>) {
        match result {
            Ok(_) => {
                if self.troubled.load(Ordering::Relaxed) {
                    self.note_served();
                }
                page.settle(Ok(()));
            }
            Err((error, message)) => {
                let code = classify::code(error).unwrap_or(Code::Unknown);
                let size = message.key_len() + message.payload_len();
                page.settle(Err(self.explain(
                    code,
                    (message.topic(), Some(message.partition()), size),
                    false,
                )));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_refused_login_counts_until_it_is_refused_no_more() {
        let context = Context::default();
        assert!(context.refusal().is_none());
        context.error(KafkaError::Global(Code::Authentication), "wrong password");
        let refusal = context.refusal().unwrap();
        assert_eq!(refusal.kind(), ErrorKind::Authentication);
        assert!(refusal.to_string().contains("wrong password"));
        tokio::time::advance(REFUSED / 2).await;
        context.error(KafkaError::Global(Code::Authentication), "wrong password");
        tokio::time::advance(REFUSED).await;
        assert!(context.refusal().is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(context.refusal().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_was_superseded_stays_so() {
        let context = Context::default();
        context.error(KafkaError::Global(Code::Fenced), "fenced");
        tokio::time::advance(REFUSED * 10).await;
        assert_eq!(context.refusal().unwrap().kind(), ErrorKind::Superseded);
    }

    #[test]
    fn a_broken_connection_is_a_cause_and_no_refusal() {
        let context = Context::default();
        context.error(KafkaError::Global(Code::BrokerTransportFailure), "connection refused");
        context.error(KafkaError::Global(Code::AllBrokersDown), "1/1 brokers are down");
        assert!(context.refusal().is_none());
        assert_eq!(context.cause().as_deref(), Some("connection refused"));
        let error = context.explain(Code::MessageTimedOut, ("lead", Some(3), 10), false);
        assert!(error.is_retriable());
        let said = error.to_string();
        assert!(said.contains("lead partition 3") && said.contains("connection refused"), "{said}");
        context.note_served();
        assert_eq!(context.cause(), None);
    }
}
