//! Keys that belong to every source connector: Kafka Connect's own, converters and the producer.

use super::rules;
use crate::config::key::{Group, Key, Kind};

const NO_CONTEXT: &str = "only for Avro, JSON Schema and Protobuf, which are not in yet";

const fn connector(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key::new(name, kind, Group::Connector, doc)
}

const fn output(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key::new(name, kind, Group::Output, doc)
}

const fn kafka(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key::new(name, kind, Group::Kafka, doc)
}

const fn framework(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key::new(name, kind, Group::Framework, doc)
}

pub(super) static KEYS: &[Key] = &[
    connector(
        "name",
        Kind::String,
        "The connector's name. Offsets are kept under it: another name reads everything again. Confluent \
         Cloud takes at most 64 characters.",
    )
    .rule("at most 255 characters", rules::connector_name)
    .required()
    .high(),
    connector(
        "connector.class",
        Kind::String,
        "Which connector this is. A package before it and `Connector` behind it do not matter.",
    )
    .required()
    .high(),
    connector("tasks.max", Kind::Int, "How many tasks there may be. This connector has one.")
        .default("1")
        .between(1, 2_147_483_647, "tasks")
        .high(),
    connector("tasks.max.enforce", Kind::Boolean, "Deprecated in Kafka Connect.")
        .default("true")
        .no_effect_yet("this connector has one task in any case")
        .low(),
    output("output.data.format", Kind::String, "How values are written.")
        .default("JSON")
        .one_of(&["JSON", "AVRO", "JSON_SR", "PROTOBUF"])
        .not_yet("AVRO, JSON_SR and PROTOBUF are not in yet; use JSON", &["JSON"])
        .high(),
    output(
        "value.converter",
        Kind::Class,
        "The converter of values. Only needed by configurations that come from a self-managed Kafka \
         Connect; where it is given, `value.converter.schemas.enable` is true unless said otherwise, as \
         there.",
    )
    .default("org.apache.kafka.connect.json.JsonConverter")
    .rule("JsonConverter", rules::json_converter)
    .low(),
    output(
        "value.converter.schemas.enable",
        Kind::Boolean,
        "Writes each value as `{\"schema\": …, \"payload\": …}` rather than alone.",
    )
    .default("false"),
    output(
        "value.converter.decimal.format",
        Kind::String,
        "How decimal numbers are written: as a number, or as base64 of their bytes.",
    )
    .default("BASE64")
    .one_of(&["BASE64", "NUMERIC"])
    .no_effect_yet("no field becomes a decimal: amounts of money are text, other numbers doubles")
    .low(),
    output(
        "value.converter.replace.null.with.default",
        Kind::Boolean,
        "Writes a field's default where it is null. Fields of an org have no default, so nothing changes.",
    )
    .default("true")
    .low(),
    output("value.converter.schemas.cache.size", Kind::Int, "Kafka Connect's cache of schemas.")
        .default("1000")
        .at_least(0, "schemas")
        .no_effect_yet("schemas are kept per object")
        .low(),
    output("key.converter", Kind::Class, "The converter of keys.")
        .default("org.apache.kafka.connect.json.JsonConverter")
        .rule("JsonConverter, StringConverter", rules::key_converter)
        .low(),
    output("key.converter.schemas.enable", Kind::Boolean, "Like `value.converter.schemas.enable`, for keys.")
        .default("false")
        .low(),
    output("header.converter", Kind::Class, "The converter of headers.")
        .ignored("records have no headers")
        .low(),
    output("header.converter.*", Kind::String, "Settings of the converter of headers.")
        .ignored("records have no headers")
        .low(),
    output("value.converter.*", Kind::String, "Settings of converters for other formats.")
        .ignored(NO_CONTEXT)
        .low(),
    output("key.converter.*", Kind::String, "Settings of converters for other formats.")
        .ignored(NO_CONTEXT)
        .low(),
    output("csfle.enabled", Kind::Boolean, "Encrypts fields before they leave the connector.")
        .default("false")
        .not_yet(
            "client-side encryption is not in yet, and without it fields would be written in the clear; set \
         it to false",
            &["false"],
        )
        .low(),
    output("value.subject.name.strategy", Kind::String, "Where values' schemas are registered.")
        .ignored(NO_CONTEXT)
        .low(),
    kafka(
        "producer.override.*",
        Kind::String,
        "Any setting of the producer, for example `producer.override.linger.ms`. With \
         `producer.override.bootstrap.servers` records go to another cluster: topics are looked for there.",
    )
    .low(),
    kafka(
        "exactly.once.support",
        Kind::String,
        "Whether records and offsets are written in one transaction: where that can be had, or not at all.",
    )
    .one_of(&["requested", "required"])
    .not_yet(
        "transactions are not in yet: leave it out, or set it to requested to run at-least-once",
        &["requested"],
    ),
    kafka("transaction.boundary", Kind::String, "When a transaction ends.")
        .default("poll")
        .one_of(&["poll", "interval", "connector"])
        .no_effect_yet("transactions are not in yet")
        .low(),
    kafka("transaction.boundary.interval.ms", Kind::Long, "How long a transaction lasts.")
        .at_least(0, "milliseconds")
        .no_effect_yet("transactions are not in yet")
        .low(),
    kafka(
        "offsets.storage.topic",
        Kind::String,
        "A topic of this connector's own for its offsets, on the cluster that its records go to.",
    )
    .rule("a topic's name", rules::topic)
    .low(),
    kafka("topic.creation.*", Kind::String, "How topics that are missing are created.")
        .not_yet("topics are not created by the connector yet; create them beforehand and leave it out", &[])
        .low(),
    kafka("bootstrap.servers", Kind::String, "Kafka's brokers.")
        .ignored("a connector does not name its brokers; use --bootstrap-servers")
        .low(),
    framework("transforms", Kind::List, "Single message transforms.")
        .not_yet("transforms are not in yet; leave it out", &[])
        .low(),
    framework("transforms.*", Kind::String, "Settings of transforms.")
        .ignored("transforms are not in yet")
        .low(),
    framework("predicates", Kind::List, "Conditions of transforms.")
        .not_yet("predicates are not in yet; leave it out", &[])
        .low(),
    framework("predicates.*", Kind::String, "Settings of predicates.")
        .ignored("predicates are not in yet")
        .low(),
    framework("errors.tolerance", Kind::String, "What happens to a record that cannot be converted.")
        .default("none")
        .one_of(&["none", "all"])
        .no_effect_yet("not in yet: the connector stops at a record that it cannot deliver"),
    framework("errors.retry.timeout", Kind::Long, "How long a failed record is tried again; -1 is for ever.")
        .default("0")
        .at_least(-1, "milliseconds")
        .no_effect_yet(
            "not in yet: request.max.retries.time.ms bounds requests to Salesforce, \
         producer.override.delivery.timeout.ms deliveries",
        ),
    framework("errors.retry.delay.max.ms", Kind::Long, "The longest pause between two tries.")
        .default("60000")
        .at_least(0, "milliseconds")
        .no_effect_yet("not in yet"),
    framework("errors.log.enable", Kind::Boolean, "Logs each error.")
        .default("false")
        .no_effect_yet("errors are logged in any case"),
    framework("errors.log.include.messages", Kind::Boolean, "Logs the record beside its error.")
        .default("false")
        .no_effect_yet("not in yet: records are never logged"),
    framework("config.action.reload", Kind::String, "What happens when a secret from elsewhere changes.")
        .default("restart")
        .one_of(&["none", "restart"])
        .no_effect_yet("values from elsewhere are not in yet")
        .low(),
    framework("connector.plugin.version", Kind::String, "Which version of a plugin to load.")
        .ignored("there is one version: this program's")
        .low(),
];
