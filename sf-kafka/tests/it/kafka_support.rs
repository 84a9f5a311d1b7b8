//! What the tests of Kafka and of offsets share: a cluster to talk to, or a line that says there is none.

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::TryStreamExt;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use serde_json::Value;
use sf_kafka::kafka::{Client, Cluster, LogRecord, Settings};

pub(crate) type Mock = MockCluster<'static, DefaultProducerContext>;

/// An embedded broker with these topics.
pub(crate) fn mock(topics: &[(&str, i32)]) -> Mock {
    let mock = MockCluster::new(1).unwrap();
    for (topic, partitions) in topics {
        mock.create_topic(topic, *partitions, 1).unwrap();
    }
    mock
}

/// A cluster over the embedded broker, with these producer settings.
pub(crate) async fn over(mock: &Mock, producer: &[(&str, &str)]) -> Cluster {
    let mut settings = Settings::new(mock.bootstrap_servers());
    for (name, value) in producer {
        settings.set(Client::Producer, name, value);
    }
    Cluster::connect(&settings).await.unwrap()
}

pub(crate) async fn read(cluster: &Cluster, topic: &str) -> Vec<LogRecord> {
    cluster.reader().read_to_end(topic).try_collect().await.unwrap()
}

/// The variables, or none: then a line says what did not run, or the test fails where that is asked for.
pub(crate) fn variables<const N: usize>(names: [&str; N], what: &str) -> Option<[String; N]> {
    let found = names.map(|name| std::env::var(name).unwrap_or_default());
    if found.iter().all(|value| !value.is_empty()) {
        return Some(found);
    }
    skip("kafka", &format!("{} is not set: {what}", names[0]));
    None
}

/// A real cluster, if there is one.
pub(crate) fn real(what: &str) -> Option<Settings> {
    variables(["KAFKA_BOOTSTRAP_SERVERS"], what).map(|[servers]| Settings::new(servers))
}

/// Material that is not part of the repository, or none: as with [`real`].
pub(crate) fn shared(path: &str, what: &str) -> Option<std::path::PathBuf> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    skip("shared", &format!("../shared is absent: {what}"));
    None
}

pub(crate) fn skip(part: &str, line: &str) {
    let required = std::env::var("SF_TESTS_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|one| one == part),
        "{line}, and SF_TESTS_REQUIRE says that it must run"
    );
    // The test harness swallows what print macros say in a test that passes.
    std::io::stderr().write_all(format!("skipped: {line}\n").as_bytes()).unwrap();
}

/// A topic name that no other test and no other run has.
pub(crate) fn fresh(topic: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let started = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
    format!("{topic}-{}-{started}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// What Kafka Connect 4.1 wrote to its own offsets topics, oldest first.
pub(crate) fn recorded_offsets() -> Option<Vec<(String, LogRecord)>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/recorded/connect/topics.jsonl");
    let Ok(text) = std::fs::read_to_string(path) else {
        skip("shared", "../shared is absent: the offsets that Kafka Connect wrote");
        return None;
    };
    let mut records = Vec::new();
    for line in text.lines() {
        let line: HashMap<String, Value> = serde_json::from_str(line).unwrap();
        let topic = line["topic"].as_str().unwrap();
        if !topic.contains("offsets") {
            continue;
        }
        let bytes = |key: &str| line[key].as_str().map(|text| text.as_bytes().to_vec());
        let record = LogRecord {
            partition: i32::try_from(line["partition"].as_i64().unwrap()).unwrap(),
            offset: line["offset"].as_i64().unwrap(),
            timestamp: line["timestamp"].as_i64(),
            key: bytes("key"),
            value: bytes("value"),
        };
        records.push((topic.to_owned(), record));
    }
    assert!(records.len() > 10, "the recording holds {} offsets", records.len());
    Some(records)
}
