//! The configuration that people have, the real binary, a real Kafka, and Kafka's own consumer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use serde_json::{Value, json};
use sf_kafka::kafka::{Cluster, NewTopic};
use sf_sim::Sim;
use tokio::process::Command;

use crate::kafka_support::{real, shared};
use crate::process::{Run, is_page};

const OBJECTS: [&str; 3] = ["Account", "Product__c", "Product_Family__c"];

/// The first seed's JSON, its slips mended and its placeholders filled, `salesforce.instance` added.
fn config(sim: &Sim, url: &str, object: &str, topic: &str) -> String {
    let login = sim.credentials();
    serde_json::to_string_pretty(&json!({
        "connector.class": "SalesforceBulkApiV2Source",
        "name": format!("SalesforceBulkApiV2Source_{topic}"),
        "kafka.auth.mode": "KAFKA_API_KEY",
        "kafka.api.key": "my-kafka-api-key",
        "kafka.api.secret": "my-kafka-api-secret",
        "kafka.topic": topic,
        "salesforce.grant.type": "PASSWORD",
        "salesforce.username": login.username,
        "salesforce.password": login.password,
        "salesforce.password.token": login.security_token,
        "salesforce.consumer.key": login.client_id,
        "salesforce.consumer.secret": login.client_secret,
        "salesforce.object": object,
        "output.data.format": "JSON",
        "tasks.max": "1",
        "salesforce.instance": url,
    }))
    .unwrap()
}

/// `sf-kafka run` as a user starts it. The clocks are what they are: only lag and poll are shorter.
fn run(folder: &Path, files: &[String], servers: &str, offsets: &str) -> Run {
    let mut arguments: Vec<&str> = files.iter().map(String::as_str).collect();
    arguments.extend(["--set", "salesforce.lag.ms=1000", "--set", "poll.interval.ms=8700"]);
    arguments.extend(["--bootstrap-servers", servers, "--offset-storage-topic", offsets]);
    Run::start(folder, &arguments)
}

/// All records of a topic by the Id of their row, oldest first.
pub(crate) async fn rows(cluster: &Cluster, topic: &str) -> BTreeMap<String, Vec<Value>> {
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let records: Vec<_> = cluster.reader().read_to_end(topic).try_collect().await.unwrap();
    for record in records {
        let key: Value = serde_json::from_slice(&record.key.unwrap()).unwrap();
        let value: Value = serde_json::from_slice(&record.value.unwrap()).unwrap();
        assert_eq!(key["Id"], value["Id"]);
        all.entry(value["Id"].as_str().unwrap().to_owned()).or_default().push(value);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seeds_own_configuration_delivers_a_sample_org_and_a_restart_reads_nothing_again() {
    let what = "the first seed's configuration against a real Kafka";
    let Some(settings) = real(what) else { return };
    let Some(project) = shared("orgs/ebikes", what) else { return };
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS").unwrap();
    let sim = Sim::builder().sfdx(&project).build().unwrap();
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let cluster = Cluster::connect(&settings).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run_id = format!("{}-{}", std::process::id(), sf_core::time::now().timestamp_millis());
    let offsets = format!("seed-offsets-{run_id}");
    let topic = |object: &str| format!("seed-{object}-{run_id}");
    let mut files = Vec::new();
    for object in OBJECTS {
        cluster
            .admin()
            .create_topic(&NewTopic::new(topic(object)).partitions(3).replication_factor(1))
            .await
            .unwrap();
        let file = format!("{object}.json");
        std::fs::write(folder.path().join(&file), config(&sim, &server.url(), object, &topic(object)))
            .unwrap();
        files.push(file);
    }

    let mut first = run(folder.path(), &files, &servers, &offsets);
    let mut missing: BTreeSet<&str> = OBJECTS.into();
    first
        .until(|event| {
            missing.retain(|object| !is_page(event, object));
            missing.is_empty()
        })
        .await;
    for object in OBJECTS {
        let counted = sim.row_counts().into_iter().find(|(name, _)| name == object).unwrap().1;
        let found = rows(&cluster, &topic(object)).await;
        assert_eq!(found.len(), counted, "{object}");
        assert!(found.values().all(|versions| versions.len() == 1), "{object}");
    }
    let consumed = console_consumer(&topic("Account")).await;
    let names: BTreeSet<_> = consumed.iter().map(|row| row["Name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names.len(), sim.row_counts().iter().find(|(name, _)| name == "Account").unwrap().1);

    // A changed row and a new one come within lag, poll and job.
    let changed = rows(&cluster, &topic("Account")).await.into_keys().next().unwrap();
    let begun = Instant::now();
    sim.update("Account", changed.parse().unwrap(), &json!({"Phone": "030 1234"})).unwrap();
    let new = sim.insert("Account", &json!({"Name": "Neue Räder GmbH"})).unwrap().to_string();
    let mut delivered = 0;
    first
        .until(|event| {
            delivered += if is_page(event, "Account") { event["rows"].as_u64().unwrap() } else { 0 };
            delivered >= 2
        })
        .await;
    let took = begun.elapsed();
    let found = rows(&cluster, &topic("Account")).await;
    assert_eq!(found[&changed].last().unwrap()["Phone"], "030 1234");
    assert_eq!(found[&new][0]["Name"], "Neue Räder GmbH");
    // Lag 1 s, poll 8.7 s, one second that a stamp is rounded by, and a slow machine's work. Two polls where
    // the first fell into the lag.
    assert!(took < Duration::from_millis(2 * 8700 + 8000), "{took:?}");
    first.stop().await;

    let before = sim.journal().requests().last().unwrap().number;
    let mut again = run(folder.path(), &files, &servers, &offsets);
    let mut begun: BTreeSet<&str> = OBJECTS.into();
    again
        .until(|event| {
            begun.retain(|object| event["message"] != "table begun" || event["table"] != *object);
            begun.is_empty()
        })
        .await;
    let third = sim.insert("Account", &json!({"Name": "Third"})).unwrap().to_string();
    again.until(|event| is_page(event, "Account")).await;
    again.stop().await;
    let found = rows(&cluster, &topic("Account")).await;
    assert_eq!(found[&third].len(), 1);
    assert_eq!(found[&changed].len(), 2, "the first version and the changed one, and no more");
    assert_eq!(found.values().map(Vec::len).sum::<usize>(), 3 + 3, "{found:?}");
    let jobs = sim
        .journal()
        .since(before)
        .iter()
        .filter(|r| r.method == "POST" && r.path.ends_with("/jobs/query"))
        .count();
    assert_eq!(jobs, 1, "nothing was there to read but the third account");
}

/// What Kafka's own console consumer prints of a topic.
async fn console_consumer(topic: &str) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dev/kafka/kafka");
    let output = Command::new(script)
        .args(["console-consumer", "--topic", topic, "--from-beginning", "--timeout-ms", "5000"])
        .output()
        .await
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
