//! The Kafka ports against a real Apache Kafka, where `KAFKA_BOOTSTRAP_SERVERS` names one.

use std::time::Duration;

use sf_kafka::kafka::{Client, Cluster, ErrorKind, NewTopic, Page, Record, Settings};

use crate::kafka_support::{fresh, read, real, variables};

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_created_as_asked_and_filled() {
    let Some(settings) = real("topics of a real cluster") else { return };
    let cluster = Cluster::connect(&settings).await.unwrap();
    let (admin, name) = (cluster.admin(), fresh("created"));
    assert_eq!(admin.topic(&name).await.unwrap(), None);
    let new = NewTopic::new(&name)
        .partitions(5)
        .config("cleanup.policy", "compact")
        .config("max.message.bytes", "4000");
    admin.create_topic(&new).await.unwrap();
    admin.create_topic(&new).await.unwrap();
    let topic = admin.topic(&name).await.unwrap().unwrap();
    assert_eq!(topic.partitions, 5);
    assert_eq!(topic.cleanup_policy.as_deref(), Some("compact"));
    assert_eq!(topic.max_message_bytes, Some(4000));

    let page = Page::new();
    for number in 0..1000 {
        let key = format!("{number}");
        cluster
            .producer()
            .send(Record::to(&name).key(key.as_bytes()).value(key.as_bytes()), &page)
            .await
            .unwrap();
    }
    assert_eq!(page.acknowledged().await.unwrap(), 1000);
    assert_eq!(read(&cluster, &name).await.len(), 1000);

    let page = Page::new();
    cluster.producer().send(Record::to(&name).value(&[b'x'; 9000][..]), &page).await.unwrap();
    let error = page.acknowledged().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(
        error.to_string(),
        format!("topic {name} does not take records as large as 9,000 bytes (max.message.bytes = 4,000)")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_topic_setting_is_said() {
    let Some(settings) = real("topics of a real cluster") else { return };
    let cluster = Cluster::connect(&settings).await.unwrap();
    let name = fresh("refused");
    let error = cluster
        .admin()
        .create_topic(&NewTopic::new(&name).config("cleanup.policy", "shred"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains(&name), "{error}");
    assert_eq!(cluster.admin().topic(&name).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_is_named() {
    let Some(mut settings) = real("a missing topic") else { return };
    settings.set(Client::Producer, "topic.metadata.propagation.max.ms", "1000");
    let cluster = Cluster::connect(&settings).await.unwrap();
    let name = fresh("missing");
    let page = Page::new();
    let sent = cluster.producer().send(Record::to(&name).value(&b"1"[..]), &page).await;
    let error = match sent {
        Ok(()) => page.acknowledged().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::UnknownTopic);
    assert_eq!(error.to_string(), format!("topic {name} does not exist"));
    assert!(error.hint().is_some_and(|hint| hint.contains("topic.creation.default.partitions")));
}

/// Settings by the Java client's names, as a connector's config has them.
fn scram(servers: &str, ca: &str, mechanism: &str, user: &str, password: &str) -> Settings {
    let mut settings = Settings::new(servers);
    let module = "org.apache.kafka.common.security.scram.ScramLoginModule";
    settings.common("security.protocol", "SASL_SSL").common("sasl.mechanism", mechanism).common(
        "sasl.jaas.config",
        &format!("{module} required username=\"{user}\" password=\"{password}\";"),
    );
    if !ca.is_empty() {
        settings.common("ssl.truststore.location", ca).common("ssl.truststore.type", "PEM");
    }
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn records_travel_over_tls_with_a_scram_login() {
    let names = [
        "KAFKA_SASL_SSL_BOOTSTRAP_SERVERS",
        "KAFKA_SASL_SSL_CA",
        "KAFKA_SASL_SSL_MECHANISM",
        "KAFKA_SASL_SSL_USERNAME",
        "KAFKA_SASL_SSL_PASSWORD",
    ];
    let Some([servers, ca, mechanism, user, password]) = variables(names, "SASL_SSL with SCRAM") else {
        return;
    };
    let cluster = Cluster::connect(&scram(&servers, &ca, &mechanism, &user, &password)).await.unwrap();
    let name = fresh("tls");
    cluster.admin().create_topic(&NewTopic::new(&name).partitions(2)).await.unwrap();
    let page = Page::new();
    for _ in 0..100 {
        cluster.producer().send(Record::to(&name).value(&b"row"[..]), &page).await.unwrap();
    }
    assert_eq!(page.acknowledged().await.unwrap(), 100);
    assert_eq!(read(&cluster, &name).await.len(), 100);

    let patience = Duration::from_secs(30);
    for (wrong, what) in [
        (scram(&servers, &ca, &mechanism, &user, "not-the-password"), "password"),
        (scram(&servers, "", &mechanism, &user, &password), "certificate"),
    ] {
        let error = Cluster::connect_within(&wrong, patience).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication, "{what}: {error}");
        assert!(!format!("{error:?}").contains(&password), "the password is in the error");
        assert!(error.hint().is_some());
    }
}
