//! Kafka brokers that are away or do not take a record, with librdkafka's embedded broker.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use serde_json::json;
use sf_kafka::kafka::Cluster;
use sf_kafka::offset::KafkaStore;
use sf_kafka::runtime::Phase;
use sf_sim::Sim;
use sf_sim::fault::Route;

use super::support::{Bench, ROWS, Running, TOPIC, leads, says};
use crate::kafka_support::{Mock, mock, over, read};

/// A connector whose rows and offsets go to an embedded broker.
struct Site {
    bench: Bench,
    mock: Mock,
    cluster: Cluster,
}

impl Site {
    async fn new(sim: Sim, producer: &[(&str, &str)]) -> Self {
        let mock = mock(&[(TOPIC, 3), ("offsets", 1)]);
        let mut settings = vec![("reconnect.backoff.max.ms", "200"), ("linger.ms", "0")];
        settings.extend(producer);
        let cluster = over(&mock, &settings).await;
        let (admin, reader) = (cluster.admin(), cluster.reader());
        let store = KafkaStore::builder("offsets").open(cluster.producer(), &*admin, &*reader).await.unwrap();
        let bench = Bench::on_a_port(sim).await.keeping_offsets_in(Arc::new(store));
        Self { bench, mock, cluster }
    }

    /// Another process, with producer settings of its own, over the same brokers and the same org.
    async fn again(&mut self, producer: &[(&str, &str)]) {
        self.cluster = over(&self.mock, producer).await;
        let (admin, reader) = (self.cluster.admin(), self.cluster.reader());
        let store =
            KafkaStore::builder("offsets").open(self.cluster.producer(), &*admin, &*reader).await.unwrap();
        let sim = self.bench.sim.clone();
        self.bench = Bench::on_a_port(sim).await.keeping_offsets_in(Arc::new(store));
    }

    async fn run(&self) -> Running {
        let (config, admin) = (self.bench.config(&[]), self.cluster.admin());
        self.bench.run_with(config, self.cluster.producer(), admin).await.unwrap()
    }

    async fn finish(&self, running: Running) {
        running.until(self.bench.offsets.windows(1)).await;
        running.stopped().await;
    }

    /// Ids of the rows in the topic, sorted.
    async fn ids(&self) -> Vec<String> {
        let records = read(&self.cluster, TOPIC).await;
        let mut ids: Vec<String> =
            records.into_iter().map(|record| String::from_utf8(record.key.unwrap()).unwrap()).collect();
        ids.sort_unstable();
        ids
    }

    /// The locator of the stored offset.
    async fn locator(&self) -> String {
        self.bench.offsets.now().await.unwrap()["locator"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_for_a_while_is_waited_for_and_nothing_is_sent_twice() {
    let site = Site::new(leads(), &[]).await;
    let second = site.bench.sim.hook(Route::Results, 2);
    let running = site.run().await;
    running.until(second.arrived()).await;
    site.mock.broker_down(1).unwrap();
    drop(second);
    let offsets = &site.bench.offsets;
    let went_on = offsets.until(|stored| stored.len() > 2);
    let outage = tokio::time::timeout(Duration::from_millis(700), went_on).await;
    assert!(outage.is_err(), "an offset was stored while no broker was there: {:?}", offsets.history());
    site.mock.broker_up(1).unwrap();
    site.finish(running).await;
    assert_eq!(site.ids().await, site.bench.in_org());
    assert_eq!(site.bench.calls(Route::Results), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_stays_away_is_said_and_the_page_is_sent_again_from_its_beginning() {
    let site = Site::new(leads(), &[("delivery.timeout.ms", "1000")]).await;
    let second = site.bench.sim.hook(Route::Results, 2);
    let running = site.run().await;
    running.until(second.arrived()).await;
    site.mock.broker_down(1).unwrap();
    let again = site.bench.sim.hook_before(Route::Results, 1);
    drop(second);
    running.until(again.arrived()).await;
    let Phase::Retrying(reason) = running.phase() else { panic!("{:?}", running.phase()) };
    says(&reason, &["the records could not be delivered", "topic leads partition", "took no records"]);
    assert_eq!(site.locator().await, "MTAw", "the page that did not arrive is still to be delivered");
    site.mock.broker_up(1).unwrap();
    drop(again);
    site.finish(running).await;
    let mut ids = site.ids().await;
    assert!(ids.len() <= ROWS + 100, "{} rows: more than one page came twice", ids.len());
    ids.dedup();
    assert_eq!(ids, site.bench.in_org());
}

/// An org with one lead more, whose description has 20,000 characters. It stands on the last page.
fn with_a_large_lead() -> (Sim, String) {
    let sim = leads();
    let lead = json!({ "LastName": "Large", "Company": "Acme", "Description": "x".repeat(20_000) });
    let id = sim.insert("Lead", &lead).unwrap();
    sim.clock().advance(Duration::from_secs(1));
    (sim, id.text18())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_larger_than_the_producer_sends_is_named_with_its_row_and_sent_once_it_may() {
    let (sim, id) = with_a_large_lead();
    let mut site = Site::new(sim, &[("max.request.size", "10000")]).await;
    let reason = site.run().await.given_up().await;
    says(&reason, &["topic leads", "max.request.size = 10,000", &id, "producer.override.max.request.size"]);
    assert_eq!(site.locator().await, "MjAw", "the page with that row is still to be delivered");

    site.again(&[]).await;
    site.finish(site.run().await).await;
    let mut ids = site.ids().await;
    ids.dedup();
    assert_eq!(ids, site.bench.in_org());
    assert_eq!(site.bench.calls(Route::CreateJob), 1, "the same job was read to its end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_larger_than_the_topic_takes_is_said_and_the_page_is_sent_once_it_does() {
    let mut site = Site::new(leads(), &[]).await;
    let second = site.bench.sim.hook(Route::Results, 2);
    let running = site.run().await;
    running.until(second.arrived()).await;
    site.mock.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]);
    drop(second);
    let reason = running.given_up().await;
    says(&reason, &["topic leads does not take records as large as", "max.message.bytes"]);
    assert_eq!(site.locator().await, "MTAw", "the page that was refused is still to be delivered");

    site.again(&[]).await;
    site.finish(site.run().await).await;
    let mut ids = site.ids().await;
    assert!(ids.len() <= ROWS + 100, "{} rows: more than one page came twice", ids.len());
    ids.dedup();
    assert_eq!(ids, site.bench.in_org());
}
