//! What an operator sees: `check`, `/health`, `/metrics`.

use std::process::Output;
use std::sync::Arc;

use serde_json::{Value, json};
use sf_kafka::config::{BulkQuerySource, Config};
use sf_kafka::offset::MemoryStore;
use sf_kafka::runtime::{Lane, Worker};
use sf_sim::Sim;
use tokio::process::Command;

use crate::kafka_support::{mock, over};

fn config(sim: &Sim, url: &str, more: &Value) -> String {
    let login = sim.credentials();
    let mut config = json!({
        "name": "leads",
        "connector.class": "SalesforceBulkApiV2Source",
        "salesforce.grant.type": "CLIENT_CREDENTIALS",
        "salesforce.instance": url,
        "salesforce.consumer.key": login.client_id,
        "salesforce.consumer.secret": login.client_secret,
        "salesforce.object": "Lead",
        "kafka.topic": "leads",
        "salesforce.lag.ms": "0",
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config.to_string()
}

async fn check(config: &str, more: &[&str]) -> (Output, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.json");
    std::fs::write(&file, config).unwrap();
    let binary = env!("CARGO_BIN_EXE_sf-kafka");
    let output = Command::new(binary).arg("check").arg(&file).args(more).output().await.unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_the_cursor_the_fields_left_out_and_the_cost_beside_the_orgs_limits() {
    let sim = Sim::builder().build().unwrap();
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let (output, said) = check(&config(&sim, &server.url(), &json!({})), &[]).await;
    assert!(output.status.success(), "{said}");
    assert!(said.contains("by SystemModstamp"), "{said}");
    assert!(said.contains("Address is left out: a compound field"), "{said}");
    // One object each 30 s: 2,880 polls a day, a probe each, and at most a job with its calls.
    assert!(said.contains("2880 when nothing changes"), "{said}");
    assert!(said.contains("query jobs a day: up to 2880 (of 10000 allowed"), "{said}");
    assert!(
        said.contains("warning: up to 14400 API calls a day are more than half of the org's 15000"),
        "{said}"
    );

    let hourly = config(&sim, &server.url(), &json!({"poll.interval.ms": "3600000"}));
    let (output, said) = check(&hourly, &[]).await;
    assert!(output.status.success() && !said.contains("warning"), "{said}");
    let jobs = sim.journal().requests().iter().filter(|r| r.path.ends_with("jobs/query")).count();
    assert_eq!(jobs, 0, "a check makes no job");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_of_a_wrong_secret_fails_with_a_hint_and_without_the_secret() {
    let sim = Sim::builder().build().unwrap();
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let wrong = config(&sim, &server.url(), &json!({"salesforce.consumer.secret": "hush-hush"}));
    let (output, said) = check(&wrong, &[]).await;
    assert!(!output.status.success());
    assert!(said.contains("invalid_client"), "{said}");
    assert!(!said.contains("hush-hush"), "{said}");
    let (output, said) = check(&wrong, &["--offline"]).await;
    assert!(output.status.success(), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_turns_red_when_a_table_is_given_up_and_metrics_count_its_rows() {
    let sim = Sim::builder().generate("Lead", 40).build().unwrap();
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let broker = mock(&[("leads", 2), ("things", 2)]);
    let cluster = over(&broker, &[]).await;
    let text = config(
        &sim,
        &server.url(),
        &json!({"salesforce.object": null, "kafka.topic": null, "salesforce.object.num": "2",
                "salesforce.object1": "Lead", "salesforce.object1.topic": "leads",
                "salesforce.object2": "Nothing__c", "salesforce.object2.topic": "things"}),
    );
    let object: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let object: serde_json::Map<_, _> = object.into_iter().filter(|(_, v)| !v.is_null()).collect();
    let parsed = Config::from_json("two.json", &serde_json::to_string(&object).unwrap()).unwrap();
    let (source, report) = BulkQuerySource::parse(&parsed);
    let lane = Lane {
        config: source.unwrap_or_else(|| panic!("{report}")),
        producer: cluster.producer(),
        admin: cluster.admin(),
        store: Arc::new(MemoryStore::new()),
    };
    let http = Arc::new(sf_core::http::ReqwestService::new().unwrap());
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    // One recorder a process: this test is the only one here that looks at metrics.
    metrics::set_global_recorder(recorder).unwrap();
    let worker = Worker::new(vec![lane], http).await.unwrap();
    let (status, stop) = (worker.status(), worker.stop());
    let listen = sf_kafka::admin::serve("127.0.0.1:0".parse().unwrap(), handle, status.clone(), stop.clone());
    let address = listen.await.unwrap();
    let running = tokio::spawn(worker.run());
    let wait = async {
        while status.is_healthy() || status.tables()[0].polls() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), wait).await.unwrap();

    // Without TLS there is no need of certificate authorities, which a bare machine has none of.
    let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let get = |path: &str| http.get(format!("http://{address}/{path}")).send();
    let health = get("health").await.unwrap();
    assert_eq!(health.status(), 503);
    let body: Value = health.json().await.unwrap();
    assert_eq!(body["status"], "unhealthy");
    assert_eq!(body["tables"][0]["rows"], 40);
    assert_eq!(body["tables"][1]["state"]["phase"], "failed");
    assert!(body["tables"][1]["state"]["reason"].as_str().unwrap().contains("Nothing__c"), "{body}");
    let metrics = get("metrics").await.unwrap().text().await.unwrap();
    let rows = r#"sf_kafka_source_rows_total{connector="leads",table="Lead"} 40"#;
    assert!(metrics.contains(rows), "{metrics}");
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_missing_is_named_before_anything_is_asked_of_the_org() {
    let sim = Sim::builder().build().unwrap();
    let broker = mock(&[("other", 1)]);
    let cluster = over(&broker, &[]).await;
    let parsed = Config::from_json("leads.json", &config(&sim, "http://127.0.0.1:9", &json!({}))).unwrap();
    let lane = Lane {
        config: BulkQuerySource::parse(&parsed).0.unwrap(),
        producer: cluster.producer(),
        admin: cluster.admin(),
        store: Arc::new(MemoryStore::new()),
    };
    let http = Arc::new(sf_core::http::ReqwestService::new().unwrap());
    let error = Worker::new(vec![lane], http).await.unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("topic leads does not exist"));
    assert!(error.hint().unwrap().contains("--create --topic leads"), "{:?}", error.hint());
}
