//! Keys of the Bulk API 2.0 source: what is read, how often, and what becomes of it.

use super::rules;
use crate::config::key::{Group, Key, Kind};

/// Confluent's connector takes five. More cost nothing here but API calls.
pub(crate) const MOST_OBJECTS: i64 = 100;

const fn object(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key::new(name, kind, Group::Objects, doc)
}

const fn reading(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key::new(name, kind, Group::Reading, doc)
}

pub(super) static KEYS: &[Key] = &[
    object(
        "salesforce.object",
        Kind::String,
        "The one object to read, by its API name. For several objects use `salesforce.object.num` and \
         `salesforce.objectN` instead.",
    )
    .rule("an object's API name", rules::object)
    .high(),
    object("kafka.topic", Kind::String, "The topic of `salesforce.object`.")
        .rule("a topic's name", rules::topic)
        .high(),
    object(
        "salesforce.since",
        Kind::String,
        "Reads records of `salesforce.object` that were created on this day (UTC) or later. Without it \
         all of them. It bounds the first read only: an older record appears when it changes.",
    )
    .rule("yyyy-MM-dd", rules::day),
    object(
        "salesforce.object.num",
        Kind::Int,
        "How many `salesforce.objectN` there are. Confluent's connector takes up to 5.",
    )
    .default("1")
    .between(1, MOST_OBJECTS, "objects of this connector")
    .high(),
    object(
        "salesforce.objectN",
        Kind::String,
        "An object to read, by its API name; N from 1 to `salesforce.object.num`.",
    )
    .rule("an object's API name", rules::object)
    .high(),
    object("salesforce.objectN.topic", Kind::String, "The topic of `salesforce.objectN`.")
        .rule("a topic's name", rules::topic)
        .high(),
    object("salesforce.objectN.since", Kind::String, "Like `salesforce.since`, for `salesforce.objectN`.")
        .rule("yyyy-MM-dd", rules::day),
    object(
        "salesforce.objectN.offset.field.name",
        Kind::String,
        "The date or datetime field by which changes are found; it must never be null. Without it the \
         first that the object has of SystemModstamp, LastModifiedDate and CreatedDate (Confluent's \
         default is LastModifiedDate, which misses changes made by the platform itself).",
    )
    .rule("a field's API name", rules::field),
    object(
        "salesforce.objectN.include.deleted.records",
        Kind::Boolean,
        "Reads deleted records too, as long as they are in the recycle bin. Records that are deleted for \
         good are never seen.",
    )
    .default("false"),
    object(
        "salesforce.objectN.skip.epoch.conversion.fields",
        Kind::List,
        "Date and datetime fields that stay text as Salesforce writes it, and do not become a number of \
         days or milliseconds.",
    )
    .rule("fields' API names, with commas", rules::fields)
    .low(),
    object(
        "salesforce.objectN.enable.custom.query",
        Kind::Boolean,
        "Reads only the fields and records that `custom.query.fields` and `custom.query.where` name.",
    )
    .default("false")
    .not_yet("custom queries are not in yet; set it to false to read all fields", &["false"]),
    object(
        "salesforce.objectN.custom.query.fields",
        Kind::List,
        "The fields of a custom query, among them Id and the field by which changes are found.",
    )
    .rule("fields' API names, with commas", rules::fields),
    object(
        "salesforce.objectN.custom.query.where",
        Kind::Password,
        "A condition of SOQL without the word WHERE. Never shown, as Confluent has it.",
    ),
    reading("poll.interval.ms", Kind::Int, "How often each object is asked for changes.")
        .default("30000")
        .between(8_700, 10_800_000, "milliseconds between two polls of an object"),
    reading(
        "result.max.rows",
        Kind::Int,
        "The most rows of one page of results, divided by the number of objects. A page costs one API \
         call, so more is cheaper; memory does not depend on it. Confluent's connector takes up to 3000, \
         its older form up to 1000.",
    )
    .default("1000")
    .between(1, 1_000_000, "rows of a page, divided by the number of objects"),
    reading(
        "salesforce.lag.ms",
        Kind::Long,
        "How far the connector stays behind the org's clock, so that a record which becomes visible only \
         some time after its stamp is not passed by. A change arrives that much later.",
    )
    .default("30000")
    .between(0, 86_400_000, "milliseconds behind the org's clock")
    .ours(),
    reading(
        "salesforce.overlap.ms",
        Kind::Long,
        "How much of the time before each read is read once more, for records that become visible later \
         still. Records in it arrive more than once.",
    )
    .default("0")
    .between(0, 86_400_000, "milliseconds that are read once more")
    .ours(),
    reading(
        "salesforce.job.timeout.ms",
        Kind::Long,
        "How long one query job may take in the org before the connector stops waiting for it and \
         reports an error. The job itself is left running.",
    )
    .default("3600000")
    .between(10_000, 604_800_000, "milliseconds that a query job may take")
    .low()
    .ours(),
    reading(
        "request.max.retries.time.ms",
        Kind::Long,
        "How long a failed request to Salesforce is tried again. Confluent Cloud takes up to 250000.",
    )
    .default("30000")
    .between(1_000, 86_400_000, "milliseconds of trying again")
    .low(),
];
