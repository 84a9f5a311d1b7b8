//! The Java client's setting names, and what becomes of each here.
//!
//! Only names that differ stand in the table: a name that both clients know is passed on as it is, and a name
//! that is librdkafka's alone works too.

/// What becomes of a setting of the Java client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// librdkafka calls it this.
    Named(&'static str),
    /// Java counts bytes where librdkafka counts KiB.
    Kibibytes(&'static str),
    /// Java's -1 ("the system's own") is librdkafka's 0.
    SystemBuffer(&'static str),
    /// `https` or nothing at all.
    Endpoint,
    /// Must be one of the mechanisms that are built in.
    Mechanism,
    /// A login module with its user and password.
    Jaas,
    /// A file of the type that `ssl.truststore.type` names.
    TrustStore,
    /// A file of the type that `ssl.keystore.type` names.
    KeyStore,
    /// The type of one of the two above.
    StoreType,
    /// Class names of the two assignors that both clients share.
    Assignors,
    /// Has no counterpart and changes nothing about what is delivered.
    NoEffect,
    /// Names a Java class, which cannot be loaded here.
    JavaClass,
    /// The connector owns it, for the reason given.
    Reserved(&'static str),
}

const OURS: &str = "it is decided by the connector";

/// The rule for a Java name, where it needs one. `consumer` tells apart the few that differ between clients.
pub(super) fn rule(name: &str, consumer: bool) -> Option<Rule> {
    Some(match name {
        "buffer.memory" => Rule::Kibibytes("queue.buffering.max.kbytes"),
        "max.request.size" => Rule::Named("message.max.bytes"),
        "send.buffer.bytes" => Rule::SystemBuffer("socket.send.buffer.bytes"),
        "receive.buffer.bytes" => Rule::SystemBuffer("socket.receive.buffer.bytes"),
        "compression.gzip.level" | "compression.lz4.level" | "compression.zstd.level" => {
            Rule::Named("compression.level")
        }
        "fetch.max.wait.ms" => Rule::Named("fetch.wait.max.ms"),
        "request.timeout.ms" if consumer => Rule::Named("socket.timeout.ms"),
        "ssl.truststore.location" => Rule::TrustStore,
        "ssl.keystore.location" => Rule::KeyStore,
        "ssl.truststore.type" | "ssl.keystore.type" => Rule::StoreType,
        "ssl.truststore.certificates" => Rule::Named("ssl.ca.pem"),
        "ssl.keystore.certificate.chain" => Rule::Named("ssl.certificate.pem"),
        "ssl.keystore.key" => Rule::Named("ssl.key.pem"),
        "ssl.endpoint.identification.algorithm" => Rule::Endpoint,
        "sasl.mechanism" | "sasl.mechanisms" => Rule::Mechanism,
        "sasl.jaas.config" => Rule::Jaas,
        "partition.assignment.strategy" => Rule::Assignors,
        "max.block.ms"
        | "metadata.max.idle.ms"
        | "max.poll.records"
        | "default.api.timeout.ms"
        | "exclude.internal.topics"
        | "socket.connection.setup.timeout.max.ms"
        | "partitioner.adaptive.partitioning.enable"
        | "partitioner.availability.timeout.ms"
        | "ssl.truststore.password"
        | "ssl.protocol"
        | "ssl.enabled.protocols"
        | "ssl.provider"
        | "ssl.keymanager.algorithm"
        | "ssl.trustmanager.algorithm"
        | "ssl.secure.random.implementation"
        | "metrics.num.samples"
        | "metrics.recording.level"
        | "metrics.sample.window.ms"
        | "auto.include.jmx.reporter"
        | "metric.reporters"
        | "key.serializer"
        | "value.serializer"
        | "key.deserializer"
        | "value.deserializer"
        | "transaction.two.phase.commit.enable" => Rule::NoEffect,
        "interceptor.classes"
        | "partitioner.class"
        | "security.providers"
        | "ssl.engine.factory.class"
        | "config.providers"
        | "sasl.client.callback.handler.class"
        | "sasl.login.callback.handler.class"
        | "sasl.login.class" => Rule::JavaClass,
        "partitioner.ignore.keys" => Rule::Reserved("records of one key have to stay in one partition"),
        "partitioner" => Rule::Reserved("it is murmur2, as Kafka's Java client has it"),
        "transactional.id" => Rule::Reserved(OURS),
        "enable.auto.commit"
        | "enable.auto.offset.store"
        | "enable.partition.eof"
        | "isolation.level"
        | "delivery.report.only.error"
        | "plugin.library.paths" => Rule::Reserved(OURS),
        _ => return None,
    })
}

/// Names of the Java client that are the same here, to suggest when one is mistyped. Those in [`rule`] and
/// these together are what a user of the Java client knows.
pub(super) const FAMILIAR: &[&str] = &[
    "acks",
    "allow.auto.create.topics",
    "auto.offset.reset",
    "batch.size",
    "bootstrap.servers",
    "buffer.memory",
    "check.crcs",
    "client.dns.lookup",
    "client.id",
    "client.rack",
    "compression.type",
    "connections.max.idle.ms",
    "delivery.timeout.ms",
    "enable.idempotence",
    "enable.metrics.push",
    "fetch.max.bytes",
    "fetch.max.wait.ms",
    "fetch.min.bytes",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "heartbeat.interval.ms",
    "linger.ms",
    "max.in.flight.requests.per.connection",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
    "max.request.size",
    "message.max.bytes",
    "metadata.max.age.ms",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "receive.buffer.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "retries",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "sasl.jaas.config",
    "sasl.mechanism",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "send.buffer.bytes",
    "session.timeout.ms",
    "socket.connection.setup.timeout.ms",
    "ssl.ca.location",
    "ssl.cipher.suites",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.password",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.type",
    "transaction.timeout.ms",
];

/// Whether a value must never be shown.
pub(super) fn is_secret(name: &str) -> bool {
    ["password", "secret", "jaas", "key.pem", "keystore.key", "token"].iter().any(|part| name.contains(part))
}
