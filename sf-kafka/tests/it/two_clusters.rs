//! A connector whose records go to another cluster than the one of the command line.

use serde_json::{Value, json};
use sf_sim::Sim;
use sf_sim::fault::Route;

use crate::faults::says;
use crate::kafka_support::{Mock, mock, over, read};
use crate::process::{Run, is_page, written};

const ROWS: u64 = 23;

/// The cluster of the command line and the other one.
struct Site {
    sim: Sim,
    url: String,
    _server: sf_sim::Server,
    here: Mock,
    there: Mock,
    folder: tempfile::TempDir,
}

impl Site {
    async fn new(here: &[(&str, i32)], there: &[(&str, i32)]) -> Self {
        let sim = Sim::builder().generate("Lead", ROWS).build().unwrap();
        let server = sim.serve("127.0.0.1:0").await.unwrap();
        let (here, there) = (mock(here), mock(there));
        Self { sim, url: server.url(), _server: server, here, there, folder: tempfile::tempdir().unwrap() }
    }

    fn run(&self, more: &Value, arguments: &[&str]) -> Run {
        let login = self.sim.credentials();
        let mut config = json!({
            "name": "leads",
            "connector.class": "SalesforceBulkApiV2Source",
            "salesforce.grant.type": "CLIENT_CREDENTIALS",
            "salesforce.instance": self.url,
            "salesforce.consumer.key": login.client_id,
            "salesforce.consumer.secret": login.client_secret,
            "salesforce.object": "Lead",
            "kafka.topic": "leads",
            "salesforce.lag.ms": "0",
            "producer.override.bootstrap.servers": self.there.bootstrap_servers(),
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let file = written(self.folder.path(), "leads.json", &config);
        let here = self.here.bootstrap_servers();
        let mut all = vec![file.as_str(), "--bootstrap-servers", &here];
        all.extend(arguments);
        Run::start(self.folder.path(), &all)
    }

    /// How many records a topic of either cluster has.
    async fn records(&self, of: &Mock, topic: &str) -> usize {
        read(&over(of, &[]).await, topic).await.len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_and_the_connectors_own_offsets_go_to_the_other_cluster_and_shared_offsets_stay() {
    let here = [("offsets", 1), ("own-offsets", 1)];
    let site = Site::new(&here, &[("leads", 2), ("own-offsets", 1)]).await;
    let shared = ["--offset-storage-topic", "offsets"];
    let mut run = site.run(&json!({}), &shared);
    run.until(|event| is_page(event, "Lead")).await;
    run.stop().await;
    assert_eq!(site.records(&site.there, "leads").await, usize::try_from(ROWS).unwrap());
    assert!(site.records(&site.here, "offsets").await > 0);

    let mut run = site.run(&json!({ "name": "again", "offsets.storage.topic": "own-offsets" }), &shared);
    run.until(|event| is_page(event, "Lead")).await;
    run.stop().await;
    assert!(site.records(&site.there, "own-offsets").await > 0);
    assert_eq!(site.records(&site.here, "own-offsets").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_only_the_first_cluster_has_is_missing_and_the_other_cluster_is_named() {
    let site = Site::new(&[("leads", 2)], &[("others", 1)]).await;
    let (status, said) = site.run(&json!({}), &["--offset-storage-file", "offsets.json"]).ended().await;
    assert_eq!(status.code(), Some(1), "{said}");
    let there = site.there.bootstrap_servers();
    let place = format!("topic leads does not exist on {there} (producer.override.bootstrap.servers)");
    says(&said, &[&place, "kafka-topics --create --topic leads"]);
    assert_eq!(site.sim.journal().count(&Route::Token), 0, "the org was asked for nothing");
}
