use super::*;

fn problems(client: Client, settings: &[(&str, &str)]) -> Vec<String> {
    let mut all = Settings::new("broker:9092");
    for (name, value) in settings {
        all.set(client, name, value);
    }
    all.check().iter().map(|problem| format!("{problem} | {}", problem.hint().unwrap_or_default())).collect()
}

fn native(client: Client, settings: &[(&str, &str)]) -> ClientConfig {
    let mut all = Settings::new("broker:9092");
    for (name, value) in settings {
        all.set(client, name, value);
    }
    all.native(client).unwrap()
}

#[test]
fn names_of_the_java_client_become_those_of_librdkafka() {
    let config = native(
        Client::Producer,
        &[
            ("buffer.memory", "67108864"),
            ("max.request.size", "2097152"),
            ("send.buffer.bytes", "-1"),
            ("compression.type", "zstd"),
            ("compression.zstd.level", "7"),
            ("max.block.ms", "60000"),
            ("queue.buffering.max.messages", "5000"),
        ],
    );
    assert_eq!(config.get("queue.buffering.max.kbytes"), Some("65536"));
    assert_eq!(config.get("message.max.bytes"), Some("2097152"));
    assert_eq!(config.get("socket.send.buffer.bytes"), Some("0"));
    assert_eq!(config.get("compression.level"), Some("7"));
    assert_eq!(config.get("queue.buffering.max.messages"), Some("5000"));
    assert_eq!(config.get("max.block.ms"), None);
    assert!(config.create_native_config().is_ok());
}

#[test]
fn every_familiar_name_is_accepted_by_some_client() {
    for name in names::FAMILIAR {
        assert!(resolve::is_known(name), "{name}");
    }
}

#[test]
fn the_producer_is_idempotent_unless_less_is_asked_for() {
    let idempotence = |settings: &[(&str, &str)]| {
        native(Client::Producer, settings).get("enable.idempotence").map(str::to_owned).unwrap()
    };
    assert_eq!(idempotence(&[]), "true");
    assert_eq!(idempotence(&[("acks", "all")]), "true");
    assert_eq!(idempotence(&[("acks", "1")]), "false");
    assert_eq!(idempotence(&[("max.in.flight.requests.per.connection", "6")]), "false");
    assert_eq!(idempotence(&[("acks", "1"), ("enable.idempotence", "true")]), "true");
}

#[test]
fn an_unknown_setting_is_named_with_the_nearest_known_one() {
    let mut settings = Settings::new("broker:9092");
    settings.overrides([("producer.override.linger.sm", "5"), ("consumer.override.quite.another", "x")]);
    let problems = settings.check();
    assert_eq!(problems[0].to_string(), "producer.override.linger.sm is not a setting of a Kafka client");
    assert_eq!(problems[0].hint(), Some("did you mean linger.ms?"));
    assert_eq!(problems[1].to_string(), "consumer.override.quite.another is not a setting of a Kafka client");
    assert_eq!(problems[1].hint(), None);
}

#[test]
fn a_wrong_value_is_named_with_its_key() {
    let said =
        problems(Client::Producer, &[("linger.ms", "soon"), ("buffer.memory", "much"), ("acks", "7000000")]);
    assert_eq!(said.len(), 3);
    for key in ["linger.ms", "buffer.memory", "acks"] {
        assert!(said.iter().any(|problem| problem.starts_with(&format!("{key}: "))), "{said:?}");
    }
}

#[test]
fn a_scram_login_becomes_user_and_password() {
    let config = native(
        Client::Consumer,
        &[
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            (
                "sasl.jaas.config",
                "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"u\" password=\"p\";",
            ),
            ("ssl.endpoint.identification.algorithm", ""),
        ],
    );
    assert_eq!(config.get("sasl.username"), Some("u"));
    assert_eq!(config.get("sasl.password"), Some("p"));
    assert_eq!(config.get("ssl.endpoint.identification.algorithm"), Some("none"));
    assert!(config.create_native_config().is_ok());
}

#[test]
fn what_cannot_be_done_says_what_to_do_instead() {
    for (settings, said) in [
        (vec![("ssl.truststore.location", "trust.jks")], "keytool -exportcert"),
        (vec![("ssl.truststore.location", "trust.p12"), ("ssl.truststore.type", "PKCS12")], "PEM"),
        (vec![("ssl.keystore.location", "keys.jks")], "PKCS12"),
        (vec![("ssl.truststore.location", "absent.pem")], "absent.pem"),
        (vec![("sasl.mechanism", "GSSAPI")], "SCRAM-SHA-512"),
        (vec![("interceptor.classes", "com.acme.Own")], "Java class"),
        (vec![("partitioner", "random")], "murmur2"),
        (vec![("transactional.id", "mine")], "decided by the connector"),
        (
            vec![
                ("sasl.mechanism", "PLAIN"),
                ("sasl.jaas.config", "x.ScramLoginModule required username=u password=hush;"),
            ],
            "set sasl.mechanism to SCRAM",
        ),
    ] {
        let problems = problems(Client::Producer, &settings);
        assert_eq!(problems.len(), 1, "{settings:?}: {problems:?}");
        assert!(problems[0].contains(said), "{settings:?}: {problems:?}");
        assert!(!problems[0].contains("hush"), "{problems:?}");
    }
}

#[test]
fn the_environment_gives_connection_and_security_only() {
    let mut settings = Settings::default();
    settings.environment(
        [
            ("KAFKA_BOOTSTRAP_SERVERS", "one:9092"),
            ("KAFKA_SASL_USERNAME", "u"),
            ("KAFKA_SASL_SSL_BOOTSTRAP_SERVERS", "other:9093"),
            ("KAFKA_HEAP_OPTS", "-Xmx1G"),
            ("KAFKA_LINGER_MS", "5"),
            ("PATH", "x"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    assert_eq!(settings.get(Client::Admin, "bootstrap.servers"), Some("one:9092"));
    assert_eq!(settings.get(Client::Consumer, "sasl.username"), Some("u"));
    assert_eq!(settings.producer.len(), 2, "{settings:?}");
    assert!(settings.check().is_empty());
}

#[test]
fn without_a_cluster_the_hint_says_how_to_name_one() {
    let problems = Settings::default().check();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].hint().is_some_and(|hint| hint.contains("--bootstrap-servers")));
}

#[test]
fn secrets_are_masked() {
    let mut settings = Settings::new("broker:9092");
    settings
        .common("sasl.password", "hush")
        .common("sasl.jaas.config", "hush")
        .common("ssl.keystore.key", "hush")
        .common("ssl.key.pem", "hush")
        .common("ssl.truststore.password", "hush");
    let shown = format!("{settings:?}");
    assert!(!shown.contains("hush"), "{shown}");
    assert!(shown.contains("broker:9092"));
}

#[test]
fn settings_without_effect_are_listed_as_written() {
    let mut settings = Settings::new("broker:9092");
    settings.overrides([("producer.override.max.block.ms", "1"), ("producer.override.acks", "all")]);
    assert_eq!(settings.without_effect(), ["producer.override.max.block.ms"]);
}

#[test]
fn a_producer_sent_to_another_cluster_takes_the_others_with_it_unless_they_were_told_otherwise() {
    let mut settings = Settings::new("here:9092");
    settings.common("sasl.username", "worker");
    settings.overrides([
        ("producer.override.bootstrap.servers", "there:9092"),
        ("producer.override.sasl.username", "writer"),
        ("producer.override.linger.ms", "20"),
        ("admin.override.sasl.username", "clerk"),
    ]);
    for client in Client::ALL {
        assert_eq!(settings.get(client, "bootstrap.servers"), Some("there:9092"), "{client:?}");
    }
    assert_eq!(settings.get(Client::Consumer, "sasl.username"), Some("writer"));
    assert_eq!(settings.get(Client::Admin, "sasl.username"), Some("clerk"));
    assert_eq!(settings.get(Client::Admin, "linger.ms"), None);

    let mut settings = Settings::new("here:9092");
    settings.overrides([("producer.override.client.id", "leads")]);
    assert_eq!(settings.get(Client::Admin, "client.id"), None, "it stays on the same cluster");
}
