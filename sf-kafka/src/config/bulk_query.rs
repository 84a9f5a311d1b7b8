//! The configuration of the Bulk API 2.0 source, understood.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use chrono::NaiveDate;
use sf_core::ApiVersion;
use sf_core::auth::Secret;
use url::Url;

use super::login::{self, Auth};
use super::parse::Reader;
use super::problem::Report;
use super::raw::Config;
use super::table::bulk_query::MOST_OBJECTS;
use super::table::rules;
use crate::connector::Connector;

/// Everything that a Bulk API 2.0 source needs to know. `Debug` shows no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BulkQuerySource {
    /// The connector's name, under which its offsets are kept.
    pub name: String,
    /// How to log in.
    pub auth: Auth,
    /// Where to log in.
    pub instance: Url,
    /// The API version, where one is asked for.
    pub api_version: Option<ApiVersion>,
    /// The objects to read; never empty, no object twice.
    pub tables: Vec<TableConfig>,
    /// The time between two polls of an object.
    pub poll_interval: Duration,
    /// The most rows of a page, before they are divided; see [`BulkQuerySource::page_rows`].
    pub result_max_rows: u32,
    /// How far to stay behind the org's clock.
    pub lag: Duration,
    /// How much to read once more.
    pub overlap: Duration,
    /// How long to wait for one query job.
    pub job_timeout: Duration,
    /// How long to try a failed request again.
    pub retry_budget: Duration,
    /// How long to try a failed login again, where that differs.
    pub login_budget: Option<Duration>,
    /// A proxy's URL, with its user and password if it has them.
    pub proxy: Option<Secret>,
    /// How keys are written.
    pub key_converter: KeyConverter,
    /// How values are written.
    pub value_converter: JsonConverter,
    /// Settings for the producer, without `producer.override.`.
    pub producer: Overrides,
    /// A topic of the connector's own for its offsets.
    pub offsets_topic: Option<String>,
    /// Whether transactions were asked for.
    pub exactly_once: ExactlyOnce,
}

/// One object and where it goes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TableConfig {
    /// The object's API name as the user wrote it.
    pub object: String,
    /// The topic.
    pub topic: String,
    /// The first read begins with records created on this day.
    pub since: Option<NaiveDate>,
    /// The field by which changes are found, where the user names one.
    pub offset_field: Option<String>,
    /// Whether records in the recycle bin are read.
    pub include_deleted: bool,
    /// Date and datetime fields that stay text.
    pub keep_iso: Vec<String>,
    /// Fields and condition of the user's own. Refused so far, hence always `None`.
    pub custom: Option<CustomQuery>,
}

/// A user's own choice of fields and records.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CustomQuery {
    /// The fields.
    pub fields: Vec<String>,
    /// A condition in SOQL, without `WHERE`.
    pub condition: Option<Secret>,
}

/// How keys are written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyConverter {
    /// As JSON.
    Json(JsonConverter),
    /// As plain text.
    Text,
}

/// Kafka Connect's JSON converter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonConverter {
    /// Whether the schema stands beside each value.
    pub schemas_enable: bool,
    /// Whether decimals are numbers (`NUMERIC`) or base64 (`BASE64`). No field of an org becomes one so far.
    pub decimals_are_numbers: bool,
}

/// Whether transactions were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExactlyOnce {
    /// Nothing was said.
    Off,
    /// Where they can be had.
    Requested,
    /// Or not at all. Refused so far.
    Required,
}

/// Settings that go to the producer as they are. `Debug` shows names only: passwords can be among them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Overrides(BTreeMap<String, String>);

impl Overrides {
    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// One value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl fmt::Debug for Overrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl BulkQuerySource {
    /// The most rows of a page of one object: `result.max.rows` divided by the number of objects.
    #[must_use]
    pub fn page_rows(&self) -> u32 {
        let tables = u32::try_from(self.tables.len()).unwrap_or(u32::MAX).max(1);
        (self.result_max_rows / tables).max(1)
    }

    /// Understands a configuration; all that is wrong with it stands in the report.
    #[must_use]
    pub fn parse(config: &Config) -> (Option<Self>, Report) {
        let mut reader = Reader::new(config, Connector::BulkQuerySource);
        let source = build(&mut reader);
        let report = reader.finish();
        (source.filter(|_| report.is_ok()), report)
    }
}

fn build(reader: &mut Reader<'_>) -> Option<BulkQuerySource> {
    let name = reader.required("name", "the connector's name, under which its offsets are kept").to_owned();
    let class = format!("the connector's class, for example {}", Connector::BulkQuerySource.alias());
    reader.required("connector.class", &class);
    let tables = tables(reader);
    // Looked at before anything can return: every problem counts.
    let auth = login::auth(reader);
    let proxy = login::proxy(reader);
    if reader.number("tasks.max") > 1 {
        reader.note("tasks.max", "one task is run: this connector has no more");
    }
    let exactly_once = exactly_once(reader);
    let rows = u32::try_from(reader.number("result.max.rows")).unwrap_or(u32::MAX);
    let millis = |name: &str| Duration::from_millis(reader.number(name));
    Some(BulkQuerySource {
        name,
        auth: auth?,
        instance: login::instance(reader)?,
        api_version: api_version(reader),
        tables,
        poll_interval: millis("poll.interval.ms"),
        result_max_rows: rows,
        lag: millis("salesforce.lag.ms"),
        overlap: millis("salesforce.overlap.ms"),
        job_timeout: millis("salesforce.job.timeout.ms"),
        retry_budget: millis("request.max.retries.time.ms"),
        login_budget: login::budget(reader),
        proxy,
        key_converter: key_converter(reader),
        value_converter: json_converter(reader, "value.converter"),
        producer: Overrides(owned(reader.beginning_with("producer.override."))),
        offsets_topic: reader.text("offsets.storage.topic").map(str::to_owned),
        exactly_once,
    })
}

fn owned<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn api_version(reader: &Reader<'_>) -> Option<ApiVersion> {
    reader.text("salesforce.api.version")?.parse().ok()
}

fn exactly_once(reader: &mut Reader<'_>) -> ExactlyOnce {
    match reader.text("exactly.once.support") {
        None => ExactlyOnce::Off,
        Some(word) if word.eq_ignore_ascii_case("required") => ExactlyOnce::Required,
        Some(_) => {
            let message = "transactions are not in yet: records are delivered at least once";
            reader.note("exactly.once.support", message);
            ExactlyOnce::Requested
        }
    }
}

fn json_converter(reader: &Reader<'_>, prefix: &str) -> JsonConverter {
    let schemas = format!("{prefix}.schemas.enable");
    let decimals = format!("{prefix}.decimal.format");
    // Kafka Connect's own default, for configurations that name the converter as Kafka Connect wants it.
    let as_there = !reader.given(&schemas) && reader.given(prefix);
    JsonConverter {
        schemas_enable: as_there || reader.truth(&schemas),
        decimals_are_numbers: reader
            .text(&decimals)
            .is_some_and(|format| format.eq_ignore_ascii_case("NUMERIC")),
    }
}

fn key_converter(reader: &Reader<'_>) -> KeyConverter {
    let class = reader.text("key.converter").unwrap_or_default();
    match rules::simple_name(class) {
        "StringConverter" => KeyConverter::Text,
        _ => KeyConverter::Json(json_converter(reader, "key.converter")),
    }
}

/// The objects, in either of the two forms.
fn tables(reader: &mut Reader<'_>) -> Vec<TableConfig> {
    let numbered = reader.given("salesforce.object.num") || reader.numbers().next().is_some();
    if !numbered {
        return vec![single_table(reader)];
    }
    if reader.given("salesforce.object") {
        reader.problem(
            "salesforce.object",
            "cannot stand beside salesforce.objectN; use salesforce.object1 for it",
        );
    }
    for (name, instead) in
        [("kafka.topic", "salesforce.object1.topic"), ("salesforce.since", "salesforce.object1.since")]
    {
        if reader.given(name) {
            reader.warning(name, format!("not used beside salesforce.objectN; did you mean {instead}?"));
        }
    }
    // A count that is wrong has been reported; the objects that are there can still be checked.
    let given = u32::try_from(reader.number("salesforce.object.num").min(MOST_OBJECTS.unsigned_abs()));
    let count = given.unwrap_or(1).max(1);
    let beyond: Vec<&str> =
        reader.numbers().filter(|(number, _)| *number > count).map(|(_, key)| key).collect();
    for key in beyond {
        reader.warning(key, format!("not used: salesforce.object.num is {count}"));
    }
    let tables: Vec<TableConfig> = (1..=count).map(|number| numbered_table(reader, number)).collect();
    refuse_twice(reader, &tables);
    tables
}

fn single_table(reader: &mut Reader<'_>) -> TableConfig {
    TableConfig {
        object: reader.required("salesforce.object", "the object to read, for example Account").to_owned(),
        topic: reader.required("kafka.topic", "the topic to write to").to_owned(),
        since: reader.text("salesforce.since").and_then(rules::parse_day),
        offset_field: None,
        include_deleted: false,
        keep_iso: Vec::new(),
        custom: None,
    }
}

fn numbered_table(reader: &mut Reader<'_>, number: u32) -> TableConfig {
    let object = format!("salesforce.object{number}");
    let key = |rest: &str| format!("{object}.{rest}");
    let text = |reader: &Reader<'_>, rest: &str| reader.text(&key(rest)).map(str::to_owned);
    TableConfig {
        object: reader.required(&object, "the object to read, for example Account").to_owned(),
        topic: reader.required(&key("topic"), &format!("the topic of {object}")).to_owned(),
        since: reader.text(&key("since")).and_then(rules::parse_day),
        offset_field: text(reader, "offset.field.name"),
        include_deleted: reader.truth(&key("include.deleted.records")),
        keep_iso: reader.list(&key("skip.epoch.conversion.fields")),
        custom: custom_query(reader, &object),
    }
}

fn custom_query(reader: &mut Reader<'_>, object: &str) -> Option<CustomQuery> {
    let (enable, fields, condition) = (
        format!("{object}.enable.custom.query"),
        format!("{object}.custom.query.fields"),
        format!("{object}.custom.query.where"),
    );
    if reader.truth(&enable) {
        return Some(CustomQuery { fields: reader.list(&fields), condition: reader.secret(&condition) });
    }
    for name in [fields, condition] {
        if reader.given(&name) && reader.text(&enable).is_some() {
            reader.note(&name, format!("not used: {enable} is not true"));
        }
    }
    None
}

/// Offsets are kept by object, so an object can stand only once.
fn refuse_twice(reader: &mut Reader<'_>, tables: &[TableConfig]) {
    let mut first: HashMap<String, usize> = HashMap::new();
    for (number, table) in (1..).zip(tables) {
        if table.object.is_empty() {
            continue;
        }
        match first.get(&table.object.to_ascii_lowercase()) {
            Some(other) => {
                let message =
                    format!("is salesforce.object{other} already; an object can be read once a connector");
                reader.problem(&format!("salesforce.object{number}"), message);
            }
            None => {
                first.insert(table.object.to_ascii_lowercase(), number);
            }
        }
    }
}
