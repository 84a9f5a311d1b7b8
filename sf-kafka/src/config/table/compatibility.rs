//! Keys of Confluent's platforms that mean nothing outside of them.

use crate::config::key::{Group, Key, Kind};

const KAFKA: &str =
    "accepted for compatibility, has no effect here; use producer.override.* or --bootstrap-servers";
const CLOUD: &str = "accepted for compatibility, has no effect here";
const REGISTRY: &str = "accepted for compatibility, has no effect here: JSON needs no schema registry";
const LICENCE: &str = "accepted for compatibility, has no effect here: no licence is needed";
const SWITCH: &str = "accepted for compatibility, has no effect here; logs are set on the command line";

const fn key(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key::new(name, kind, Group::Compatibility, doc).low()
}

pub(super) static KEYS: &[Key] = &[
    key("kafka.auth.mode", Kind::String, "How the connector logs in to Confluent Cloud's Kafka.")
        .ignored(KAFKA),
    key("kafka.api.key", Kind::Password, "Key for Confluent Cloud's Kafka.").ignored(KAFKA),
    key("kafka.api.secret", Kind::Password, "Secret for Confluent Cloud's Kafka.").ignored(KAFKA),
    key("kafka.service.account.id", Kind::String, "Account for Confluent Cloud's Kafka.").ignored(KAFKA),
    key("schema.context.name", Kind::String, "A context of the schema registry.").ignored(REGISTRY),
    key("sr.service.account.id", Kind::String, "Account for the schema registry.").ignored(REGISTRY),
    key("csfle.*", Kind::String, "Settings of client-side encryption.").ignored(CLOUD),
    key("datapreview.schemas.enable", Kind::Boolean, "A preview in Confluent Cloud's console.")
        .ignored(CLOUD),
    key("auto.restart.on.user.error", Kind::Boolean, "Whether Confluent Cloud restarts the connector.")
        .ignored(CLOUD),
    key("connector.egress.whitelist", Kind::String, "Hosts that Confluent Cloud lets the connector reach.")
        .ignored(CLOUD),
    key("confluent.*", Kind::Password, "Confluent's licence.").ignored(LICENCE),
    key("connection.timeout", Kind::Long, "How long a connection may take to open.").ignored(CLOUD),
    key("curl.logging", Kind::Boolean, "Logs requests with their tokens.").ignored(SWITCH),
    key("enable.trace.logging", Kind::Boolean, "Logs more.").ignored(SWITCH),
];
