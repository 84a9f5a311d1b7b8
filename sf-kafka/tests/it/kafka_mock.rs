//! The Kafka ports against librdkafka's embedded broker.

use std::time::Duration;

use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use sf_kafka::kafka::{Cluster, ErrorKind, NewTopic, Page, Record, Settings};

use crate::kafka_support::{mock, over, read, recorded_offsets};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_makes_the_sender_wait_and_loses_nothing() {
    let mock = mock(&[("lead", 3)]);
    let cluster = over(&mock, &[("queue.buffering.max.messages", "50"), ("linger.ms", "0")]).await;
    let producer = cluster.producer();
    let page = Page::new();
    for number in 0..5_000 {
        let text = format!("{number}");
        let record =
            Record::to("lead").key(text.as_bytes()).value(text.as_bytes()).timestamp(1_700_000_000_000);
        producer.send(record, &page).await.unwrap();
        assert!(page.outstanding() <= 50);
    }
    assert_eq!(page.acknowledged().await.unwrap(), 5_000);
    producer.flush(Duration::from_secs(5)).await.unwrap();

    let mut values: Vec<u32> = read(&cluster, "lead")
        .await
        .into_iter()
        .map(|record| {
            assert_eq!(record.key, record.value);
            assert_eq!(record.timestamp, Some(1_700_000_000_000));
            String::from_utf8(record.value.unwrap()).unwrap().parse().unwrap()
        })
        .collect();
    values.sort_unstable();
    assert!(values.into_iter().eq(0..5_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn tombstones_empty_values_and_missing_keys_stay_what_they_are() {
    let mock = mock(&[("lead", 1), ("empty", 4)]);
    let cluster = over(&mock, &[]).await;
    let page = Page::new();
    for record in [
        Record::to("lead").key(&b"a"[..]),
        Record::to("lead").key(&b""[..]).value(&b""[..]),
        Record::to("lead").value(&b"\0\xff"[..]),
    ] {
        cluster.producer().send(record, &page).await.unwrap();
    }
    page.acknowledged().await.unwrap();
    let read = read(&cluster, "lead").await;
    let seen = read.iter().map(|record| (record.key.as_deref(), record.value.as_deref()));
    let expected = [(Some(&b"a"[..]), None), (Some(b""), Some(&b""[..])), (None, Some(b"\0\xff"))];
    assert!(seen.eq(expected), "{read:?}");
    assert_eq!(crate::kafka_support::read(&cluster, "empty").await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_go_where_the_java_client_puts_them() {
    let Some(recorded) = recorded_offsets() else { return };
    let mock = mock(&[("offsets", 25)]);
    let cluster = over(&mock, &[]).await;
    let page = Page::new();
    for (_, record) in &recorded {
        cluster.producer().send(Record::to("offsets").key(record.key.as_deref()), &page).await.unwrap();
    }
    page.acknowledged().await.unwrap();
    let read = read(&cluster, "offsets").await;
    assert_eq!(read.len(), recorded.len());
    for record in read {
        let (_, java) = recorded.iter().find(|(_, java)| java.key == record.key).unwrap();
        assert_eq!(record.partition, java.partition, "{:?}", String::from_utf8_lossy(&record.key.unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_wait_while_the_broker_is_away() {
    let mock = mock(&[("lead", 1)]);
    let cluster = over(&mock, &[("reconnect.backoff.max.ms", "200")]).await;
    let page = Page::new();
    mock.broker_down(1).unwrap();
    for number in 0..100 {
        cluster
            .producer()
            .send(Record::to("lead").value(format!("{number}").as_bytes()), &page)
            .await
            .unwrap();
    }
    assert!(tokio::time::timeout(Duration::from_millis(300), page.acknowledged()).await.is_err());
    mock.broker_up(1).unwrap();
    assert_eq!(page.acknowledged().await.unwrap(), 100);
    assert_eq!(read(&cluster, "lead").await.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_stays_away_fails_the_page_for_another_try() {
    let mock = mock(&[("lead", 1)]);
    let producer = [("delivery.timeout.ms", "1000"), ("linger.ms", "0"), ("reconnect.backoff.max.ms", "200")];
    let cluster = over(&mock, &producer).await;
    let first = Page::new();
    cluster.producer().send(Record::to("lead").value(&b"1"[..]), &first).await.unwrap();
    first.acknowledged().await.unwrap();
    mock.broker_down(1).unwrap();
    let page = Page::new();
    cluster.producer().send(Record::to("lead").value(&b"2"[..]), &page).await.unwrap();
    let error = page.acknowledged().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.is_retriable());
    assert_eq!(error.topic(), Some("lead"));

    mock.broker_up(1).unwrap();
    // A try that begins while the connection is still coming back may be given up too.
    let delivered = loop {
        let again = Page::new();
        cluster.producer().send(Record::to("lead").value(&b"2"[..]), &again).await.unwrap();
        if let Ok(delivered) = again.acknowledged().await {
            break delivered;
        }
    };
    assert_eq!(delivered, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_too_large_for_the_producer_is_refused_before_it_is_sent() {
    let mock = mock(&[("lead", 1)]);
    let cluster = over(&mock, &[("max.request.size", "2000")]).await;
    let page = Page::new();
    let error =
        cluster.producer().send(Record::to("lead").value(&[b'x'; 3000][..]), &page).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(
        error.to_string(),
        "a record of 3,000 bytes for topic lead is larger than the producer may send (max.request.size = 2,000)"
    );
    assert!(error.hint().is_some_and(|hint| hint.contains("producer.override.max.request.size")));
    assert_eq!(page.acknowledged().await.unwrap(), 0, "the page does not wait for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_refuses_fails_the_page_and_names_the_topic() {
    for (answer, kind) in [
        (RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ErrorKind::TooLarge),
        (RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ErrorKind::Authorization),
        (RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_RECORD, ErrorKind::Refused),
    ] {
        let mock = mock(&[("lead", 1)]);
        let cluster = over(&mock, &[]).await;
        mock.request_errors(RDKafkaApiKey::Produce, &[answer]);
        let page = Page::new();
        cluster.producer().send(Record::to("lead").value(&[b'x'; 1234][..]), &page).await.unwrap();
        let error = page.acknowledged().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!((error.topic(), error.size()), (Some("lead"), 1234));
        assert!(!error.is_retriable());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_topic_does_not_create_it() {
    let mock = mock(&[("lead", 7)]);
    let cluster = over(&mock, &[]).await;
    let admin = cluster.admin();
    for _ in 0..2 {
        assert_eq!(admin.topic("absent").await.unwrap(), None);
    }
    let topic = admin.topic("lead").await.unwrap().unwrap();
    assert_eq!((topic.name.as_str(), topic.partitions), ("lead", 7));
    let error = admin.create_topic(&NewTopic::new("absent").partitions(1)).await.unwrap_err();
    assert!(
        error.to_string().starts_with("topic absent cannot be created: "),
        "the embedded broker cannot: {error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_missing_cannot_be_read() {
    use futures_util::StreamExt;
    let mock = mock(&[]);
    let cluster = over(&mock, &[]).await;
    let error = cluster.reader().read_to_end("absent").next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownTopic);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_cluster_tells_the_pages_that_wait() {
    let mock = mock(&[("lead", 1)]);
    let cluster = over(&mock, &[]).await;
    mock.broker_down(1).unwrap();
    let page = Page::new();
    cluster.producer().send(Record::to("lead").value(&b"1"[..]), &page).await.unwrap();
    drop(cluster);
    assert_eq!(page.acknowledged().await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_not_there_is_said_with_the_reason() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error =
        Cluster::connect_within(&Settings::new(address.as_str()), Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains(&address), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("bootstrap.servers")));
}
