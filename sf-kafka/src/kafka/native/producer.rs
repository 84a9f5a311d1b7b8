//! The producer port over librdkafka's own queue and threads.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rdkafka::ClientConfig;
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};
use tokio::time::{Instant, sleep};

use super::classify;
use super::context::{Context, TopicLimits};
use crate::kafka::{Error, ErrorKind, Page, Producer, Record, Result, Sent};

/// How long a full queue is left alone before it is tried again. librdkafka gives a batch's room back only after
/// the last of its delivery reports, so no report says that there is room; at this pace a queue of 32 MiB does not
/// run dry below 6 GB/s.
const PAUSE: Duration = Duration::from_millis(5);

/// A producer with its own delivery thread.
pub(super) struct NativeProducer {
    inner: ThreadedProducer<Context>,
}

impl NativeProducer {
    pub(super) fn new(config: &ClientConfig, limits: TopicLimits) -> Result<Self> {
        let request_limit =
            config.get("message.max.bytes").and_then(|bytes| bytes.parse().ok()).unwrap_or_default();
        let inner = config
            .create_with_context(Context::new(limits, request_limit))
            .map_err(|error| classify::of("the Kafka producer cannot be made", error))?;
        Ok(Self { inner })
    }

    fn context(&self) -> &Context {
        self.inner.client().context()
    }
}

impl Producer for NativeProducer {
    fn try_send(&self, record: Record<'_>, page: &Arc<Page>) -> Result<Sent> {
        if let Some(refusal) = self.context().refusal() {
            return Err(refusal);
        }
        page.begin();
        let outcome = self.inner.send(BaseRecord {
            topic: record.topic,
            partition: None,
            payload: record.value,
            key: record.key,
            timestamp: record.timestamp,
            headers: None,
            delivery_opaque: Arc::clone(page),
        });
        let Err((error, _)) = outcome else { return Ok(Sent::Queued) };
        page.retract();
        match classify::code(&error) {
            Some(Code::QueueFull) => Ok(Sent::Full),
            Some(code) => Err(self.context().explain(code, (record.topic, None, record.size()), true)),
            None => Err(classify::of(&format!("topic {}", record.topic), error)),
        }
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        sleep(PAUSE).boxed()
    }

    fn flush(&self, timeout: Duration) -> BoxFuture<'_, Result<()>> {
        async move {
            let deadline = Instant::now() + timeout;
            while self.inner.in_flight_count() > 0 {
                if Instant::now() >= deadline {
                    let waiting = self.inner.in_flight_count();
                    return Err(Error::new(
                        ErrorKind::Unreachable,
                        format!("{waiting} records are still on their way after {} s", timeout.as_secs()),
                    ));
                }
                sleep(PAUSE).await;
            }
            Ok(())
        }
        .boxed()
    }
}

impl fmt::Debug for NativeProducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeProducer")
            .field("in_flight", &self.inner.in_flight_count())
            .finish_non_exhaustive()
    }
}
