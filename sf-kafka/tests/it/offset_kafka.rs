//! Offsets in a topic, in Kafka Connect's own encoding.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use sf_kafka::kafka::{
    self, Admin, Cluster, LogRecord, NewTopic, Page, Producer, Reader, Record, Sent, Topic,
};
use sf_kafka::offset::{ErrorKind, KafkaStore, Offset, OffsetStore, SourceOffset, SourcePartition};

use crate::kafka_support::{fresh, mock, over, read, real, recorded_offsets};

fn object(value: Value) -> Offset {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

fn record(key: Option<&str>, value: Option<&str>) -> LogRecord {
    let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
    LogRecord { partition: 0, offset: 0, timestamp: None, key: bytes(key), value: bytes(value) }
}

/// One compacted topic with what it holds, and what was sent to it since.
#[derive(Debug, Default)]
struct Fake {
    holds: Vec<LogRecord>,
    policy: Option<&'static str>,
    sent: Mutex<Vec<LogRecord>>,
    fails: bool,
}

impl Producer for Fake {
    fn try_send(&self, sent: Record<'_>, page: &Arc<Page>) -> kafka::Result<Sent> {
        page.begin();
        if self.fails {
            page.settle(Err(kafka::Error::new(kafka::ErrorKind::Unreachable, "nobody is there")));
        } else {
            let bytes = |part: Option<&[u8]>| part.map(<[u8]>::to_vec);
            let copy = LogRecord { key: bytes(sent.key), value: bytes(sent.value), ..record(None, None) };
            self.sent.lock().unwrap().push(copy);
            page.settle(Ok(()));
        }
        Ok(Sent::Queued)
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    fn flush(&self, _timeout: Duration) -> BoxFuture<'_, kafka::Result<()>> {
        std::future::ready(Ok(())).boxed()
    }
}

impl Admin for Fake {
    fn topic<'a>(&'a self, name: &'a str) -> BoxFuture<'a, kafka::Result<Option<Topic>>> {
        let policy = self.policy.map(str::to_owned);
        let topic =
            Topic { name: name.to_owned(), partitions: 25, cleanup_policy: policy, max_message_bytes: None };
        std::future::ready(Ok(Some(topic))).boxed()
    }

    fn create_topic<'a>(&'a self, _topic: &'a NewTopic) -> BoxFuture<'a, kafka::Result<()>> {
        panic!("the topic is there")
    }
}

impl Reader for Fake {
    fn read_to_end(&self, _topic: &str) -> BoxStream<'static, kafka::Result<LogRecord>> {
        stream::iter(self.holds.clone().into_iter().map(Ok)).boxed()
    }
}

async fn open(fake: &Arc<Fake>) -> sf_kafka::offset::Result<KafkaStore> {
    KafkaStore::builder("connect-offsets").open(fake.clone(), &**fake, &**fake).await
}

fn holding(records: Vec<LogRecord>) -> Arc<Fake> {
    Arc::new(Fake { holds: records, policy: Some("compact"), ..Fake::default() })
}

#[tokio::test]
async fn offsets_that_kafka_connect_wrote_are_taken_over() {
    let Some(recorded) = recorded_offsets() else { return };
    let of = |topic: &str| {
        holding(recorded.iter().filter(|(at, _)| at == topic).map(|(_, record)| record.clone()).collect())
    };
    let store = open(&of("connect-offsets")).await.unwrap();
    let file = |name: &str| SourcePartition::new(object(json!({ "filename": name })));
    let position = |position: u32| Some(object(json!({ "position": position })));
    for (connector, partition, expected) in [
        ("lead-source", file("/data/leads.txt"), position(42)),
        ("lead-source", file("/data/other.txt"), None),
        ("lead-source", SourcePartition::table("Lead"), None),
        ("initially-stopped", file("/data/initially-stopped.txt"), position(4)),
        ("creator", file("/data/created.txt"), position(4)),
        ("nobody", file("/data/leads.txt"), None),
    ] {
        assert_eq!(store.read(connector, &partition).await.unwrap(), expected, "{connector} {partition}");
    }
    assert_eq!(store.list("lead-source").await.unwrap().len(), 1);
    let store = open(&of("connect-offsets-eos")).await.unwrap();
    assert_eq!(store.read("eos-source", &file("/data/eos.txt")).await.unwrap(), position(42));
}

#[tokio::test]
async fn the_same_offsets_are_written_with_the_same_bytes() {
    let Some(recorded) = recorded_offsets() else { return };
    let fake = holding(Vec::new());
    let store = open(&fake).await.unwrap();
    let mut expected = Vec::new();
    for (_, java) in &recorded {
        let key: (String, Option<Offset>) = serde_json::from_slice(java.key.as_deref().unwrap()).unwrap();
        // A null partition came through Connect's REST interface; no source has one.
        let (connector, Some(partition)) = key else { continue };
        let offset = java.value.as_deref().map(|bytes| serde_json::from_slice(bytes).unwrap());
        store.write(&connector, &[(SourcePartition::new(partition), offset)]).await.unwrap();
        expected.push((java.key.clone(), java.value.clone()));
    }
    let sent: Vec<_> =
        fake.sent.lock().unwrap().iter().map(|one| (one.key.clone(), one.value.clone())).collect();
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_key_that_java_wrote_in_its_own_order_is_overwritten_and_not_doubled() {
    let java = r#"["two",{"b":2,"a":"x"}]"#;
    let fake = holding(vec![record(Some(java), Some(r#"{"time":"2024-04-09T15:32:45Z"}"#))]);
    let store = open(&fake).await.unwrap();
    let partition = SourcePartition::new(object(json!({ "a": "x", "b": 2 })));
    assert!(store.read("two", &partition).await.unwrap().is_some());
    store.write("two", &[(partition.clone(), None)]).await.unwrap();
    store.write("two", &[(partition.clone(), Some(object(json!({}))))]).await.unwrap();
    let sent = fake.sent.lock().unwrap().clone();
    assert_eq!(sent, [record(Some(java), None), record(Some(java), Some("{}"))]);
}

#[tokio::test]
async fn a_topic_that_is_not_compacted_is_refused() {
    for policy in ["delete", "compact,delete"] {
        let fake = Arc::new(Fake { policy: Some(policy), ..Fake::default() });
        let error = open(&fake).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unfit);
        assert!(
            error.to_string().contains(policy) && error.to_string().contains("connect-offsets"),
            "{error}"
        );
        assert!(error.hint().is_some_and(|hint| hint.contains("cleanup.policy=compact")));
    }
    open(&Arc::new(Fake::default())).await.unwrap();
}

#[tokio::test]
async fn a_topic_that_holds_something_else_is_refused() {
    let fake = holding(vec![record(Some("001A"), Some("{}")), record(None, Some("Id,Name"))]);
    let error = open(&fake).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unfit);
    assert!(error.to_string().contains("none of its 2 records"), "{error}");
}

#[tokio::test]
async fn strangers_among_the_offsets_are_passed_over() {
    let fake = holding(vec![
        record(Some("connector-x"), Some("{}")),
        record(Some(r#"["a",{"table":"Lead"}]"#), Some(r#"{"time":"2024-04-09T15:32:45Z"}"#)),
        record(Some(r#"["a",null]"#), None),
    ]);
    let store = open(&fake).await.unwrap();
    assert_eq!(store.list("a").await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_offset_that_is_no_offset_is_an_error_for_its_connector_only() {
    let fake = holding(vec![
        record(Some(r#"["a",{"table":"Lead"}]"#), Some("\"yesterday\"")),
        record(Some(r#"["b",{"table":"Lead"}]"#), Some(r#"{"time":"2024-04-09T15:32:45Z"}"#)),
    ]);
    let store = open(&fake).await.unwrap();
    let lead = SourcePartition::table("Lead");
    let error = store.read("a", &lead).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotUnderstood);
    for part in ["connect-offsets", "connector a", r#"{"table":"Lead"}"#, "yesterday"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(store.list("a").await.unwrap_err().kind(), ErrorKind::NotUnderstood);
    let offset = SourceOffset::parse(&store.read("b", &lead).await.unwrap().unwrap()).unwrap();
    assert_eq!(offset.time.timestamp(), 1_712_676_765);
    store.write("a", &[(lead.clone(), None)]).await.unwrap();
    assert_eq!(store.read("a", &lead).await.unwrap(), None);
}

#[tokio::test]
async fn a_write_that_is_not_acknowledged_is_no_write() {
    let lead = SourcePartition::table("Lead");
    let fake = Arc::new(Fake { policy: Some("compact"), fails: true, ..Fake::default() });
    let store = open(&fake).await.unwrap();
    let error = store.write("a", &[(lead.clone(), Some(Offset::new()))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Kafka);
    assert!(error.is_retriable());
    assert_eq!(store.read("a", &lead).await.unwrap(), None);
}

/// Writes, opens again and reads: the same against either broker.
async fn keeps_offsets(cluster: &Cluster, topic: &str) {
    let open = async || {
        let (admin, reader) = (cluster.admin(), cluster.reader());
        KafkaStore::builder(topic).open(cluster.producer(), &*admin, &*reader).await.unwrap()
    };
    let (lead, account) = (SourcePartition::table("Lead"), SourcePartition::table("Account"));
    let at = |time: &str| SourceOffset::idle(time.parse().unwrap()).to_map();
    let store = open().await;
    store
        .write(
            "a",
            &[
                (lead.clone(), Some(at("2024-04-09T15:00:00Z"))),
                (account.clone(), Some(at("2024-04-09T15:00:00Z"))),
            ],
        )
        .await
        .unwrap();
    store.write("a", &[(lead.clone(), Some(at("2024-04-09T16:00:00Z")))]).await.unwrap();
    store.write("a", &[(account.clone(), None)]).await.unwrap();
    drop(store);
    let store = open().await;
    assert_eq!(store.list("a").await.unwrap(), [(lead, at("2024-04-09T16:00:00Z"))]);
    assert_eq!(store.read("a", &account).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_survive_in_the_embedded_broker() {
    let mock = mock(&[("offsets", 25)]);
    keeps_offsets(&over(&mock, &[]).await, "offsets").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_survive_in_a_real_cluster_in_a_topic_made_for_them() {
    let Some(settings) = real("an offsets topic in a real cluster") else { return };
    let cluster = Cluster::connect(&settings).await.unwrap();
    let topic = fresh("offsets");
    keeps_offsets(&cluster, &topic).await;
    let made = cluster.admin().topic(&topic).await.unwrap().unwrap();
    assert_eq!((made.partitions, made.cleanup_policy.as_deref()), (25, Some("compact")));
    assert_eq!(read(&cluster, &topic).await.len(), 4);

    let plain = fresh("plain");
    let (admin, reader) = (cluster.admin(), cluster.reader());
    admin.create_topic(&NewTopic::new(&plain).partitions(1)).await.unwrap();
    let error = KafkaStore::builder(&plain).open(cluster.producer(), &*admin, &*reader).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unfit);
}
