//! The admin port. Its clients live for one question each: topics are looked at when a connector starts.

use std::fmt;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::{KafkaResult, RDKafkaErrorCode as Code};

use super::context::{Context, TopicLimits};
use super::{API_TIMEOUT, classify, metadata};
use crate::kafka::{Admin, Error, ErrorKind, NewTopic, Result, Topic};

/// How long a topic's settings are waited for: they make an error more useful, no more.
const CONFIG_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct NativeAdmin {
    config: ClientConfig,
    limits: TopicLimits,
}

impl NativeAdmin {
    pub(super) fn new(config: ClientConfig, limits: TopicLimits) -> Self {
        Self { config, limits }
    }

    /// Asks the cluster for a sign of life.
    pub(super) async fn reach(&self, patience: Duration) -> Result<()> {
        // A name that no topic has keeps the answer small where there are many topics.
        self.look("__sf_kafka_is_there", patience).await.map(drop).or_else(|error| match error.kind() {
            ErrorKind::Authorization | ErrorKind::Refused => Ok(()),
            _ => Err(error),
        })
    }

    /// How many partitions a topic has, and a broker that answers.
    async fn look(&self, topic: &str, patience: Duration) -> Result<(Option<i32>, Option<i32>)> {
        let mut config = self.config.clone();
        config.set("allow.auto.create.topics", "false");
        let topic = topic.to_owned();
        let asked = tokio::task::spawn_blocking(move || {
            let client: BaseConsumer<Context> = config
                .create_with_context(Context::default())
                .map_err(|error| classify::of("the Kafka admin client cannot be made", error))?;
            let metadata = metadata::ask(&client, Some(&topic), patience)?;
            Ok((
                metadata::partitions(&metadata, &topic)?,
                metadata.brokers().first().map(|broker| broker.id()),
            ))
        });
        asked
            .await
            .map_err(|error| Error::new(ErrorKind::Closed, "asking Kafka was stopped").with_source(error))?
    }

    /// Asks for a topic; the code says why it was refused.
    async fn create(
        &self,
        new: &rdkafka::admin::NewTopic<'_>,
        broker: Option<i32>,
    ) -> KafkaResult<Option<Code>> {
        let options =
            AdminOptions::new().request_timeout(Some(API_TIMEOUT)).operation_timeout(Some(API_TIMEOUT));
        let client: AdminClient<Context> = self.config.create_with_context(Context::default())?;
        let answers = client.create_topics([new], &options.broker_id(broker)).await?;
        Ok(answers.into_iter().next().and_then(|answer| answer.err()).map(|(_, code)| code))
    }

    /// The topic's settings, where the cluster tells them: the login may not be allowed to see them.
    async fn settings(&self, name: &str, broker: Option<i32>) -> Option<ConfigResource> {
        let client: AdminClient<Context> = self.config.create_with_context(Context::default()).ok()?;
        // Any broker can say. Where the cluster names no controller (the embedded broker), the default waits for one.
        let options = AdminOptions::new().request_timeout(Some(CONFIG_TIMEOUT)).broker_id(broker);
        let answer = client.describe_configs(&[ResourceSpecifier::Topic(name)], &options).await;
        let resource = match answer {
            Ok(answers) => answers.into_iter().next()?,
            Err(error) => {
                tracing::debug!(topic = name, error = %error, "the topic's settings cannot be read");
                return None;
            }
        };
        resource
            .inspect_err(|error| tracing::debug!(topic = name, %error, "the topic's settings cannot be read"))
            .ok()
    }
}

impl Admin for NativeAdmin {
    fn topic<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Topic>>> {
        async move {
            let (Some(partitions), broker) = self.look(name, API_TIMEOUT).await? else { return Ok(None) };
            let settings = self.settings(name, broker).await;
            let setting = |key: &str| {
                settings.as_ref().and_then(|all| all.get(key)).and_then(|entry| entry.value.clone())
            };
            let max_message_bytes = setting("max.message.bytes").and_then(|bytes| bytes.parse().ok());
            if let Some(bytes) = max_message_bytes {
                self.limits.note(name, bytes);
            }
            Ok(Some(Topic {
                name: name.to_owned(),
                partitions,
                cleanup_policy: setting("cleanup.policy"),
                max_message_bytes,
            }))
        }
        .boxed()
    }

    fn create_topic<'a>(&'a self, topic: &'a NewTopic) -> BoxFuture<'a, Result<()>> {
        async move {
            let mut new = rdkafka::admin::NewTopic::new(
                &topic.name,
                topic.partitions,
                TopicReplication::Fixed(topic.replication_factor),
            );
            for (key, value) in &topic.config {
                new = new.set(key, value);
            }
            let failed = format!("topic {} cannot be created", topic.name);
            let (_, broker) = self.look(&topic.name, API_TIMEOUT).await?;
            // A broker hands it on to the controller; one of an old cluster says that it is not the controller.
            let answer = match self.create(&new, broker).await {
                Ok(Some(Code::NotController)) => self.create(&new, None).await,
                answer => answer,
            };
            match answer.map_err(|error| classify::of(&failed, error).with_topic(&topic.name))? {
                None | Some(Code::TopicAlreadyExists) => {}
                Some(code) => {
                    return Err(
                        Error::new(classify::kind(code), format!("{failed}: {code}")).with_topic(&topic.name)
                    );
                }
            }
            // The broker that answers next may not have heard of it yet.
            let deadline = tokio::time::Instant::now() + API_TIMEOUT;
            while self.look(&topic.name, API_TIMEOUT).await?.0.is_none() {
                if tokio::time::Instant::now() >= deadline {
                    return Err(classify::unknown_topic(&topic.name));
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        }
        .boxed()
    }
}

impl fmt::Debug for NativeAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeAdmin").finish_non_exhaustive()
    }
}
