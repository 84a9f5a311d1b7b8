//! Faults that only a whole process meets: its configuration, its disk, its offsets topic.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use sf_kafka::kafka::{Page, Record};
use sf_kafka::offset::FileStore;
use sf_sim::Sim;
use sf_sim::fault::Route;
use tokio::process::Command;

use super::support::{Bench, TOPIC, leads, says};
use crate::kafka_support::{mock, over, read};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sf-kafka");

/// What the program prints to standard error.
fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn written(directory: &Path, json: &str) -> std::path::PathBuf {
    let path = directory.join("connector.json");
    std::fs::write(&path, json).unwrap();
    path
}

/// Both `check` and `run` refuse this setting before they talk to anyone.
async fn refused(settings: &[(&str, &str)], texts: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::on_a_port(Sim::builder().build().unwrap()).await;
    let config = written(directory.path(), &bench.json(settings));
    for arguments in [vec!["check"], vec!["run", "--bootstrap-servers", "127.0.0.1:1"]] {
        let output = Command::new(PROGRAM).args(&arguments).arg(&config).output().await.unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        says(&said(&output), texts);
    }
    assert!(bench.sim.journal().requests().is_empty(), "the org was asked something");
}

#[tokio::test]
async fn a_malformed_since_is_refused_with_how_to_write_it() {
    for value in ["01/04/2024", "2024-02-30", "yesterday"] {
        let settings = [("salesforce.object1.since", value)];
        let texts = ["salesforce.object1.since", value, "must be a day in UTC as yyyy-MM-dd", "2024-04-01"];
        refused(&settings, &texts).await;
    }
}

#[tokio::test]
async fn a_poll_interval_out_of_range_is_refused_with_the_range() {
    for value in ["8699", "10800001", "-1", "30s"] {
        let texts = ["poll.interval.ms", value, "must be 8700 to 10800000 (milliseconds"];
        refused(&[("poll.interval.ms", value)], &texts).await;
    }
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_configuration_is_told_at_once_and_no_password_shows() {
    let settings = [
        ("salesforce.object1.since", "soon"),
        ("poll.interval.ms", "5"),
        ("salesforce.consumer.secret", "${file:/secrets:hush-hush}"),
        ("salesforce.consumer.key", ""),
    ];
    let texts = ["4 problems", "salesforce.object1.since", "poll.interval.ms", "salesforce.consumer.key"];
    refused(&settings, &texts).await;
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::in_process(Sim::builder().build().unwrap());
    let config = written(directory.path(), &bench.json(&settings));
    let output = Command::new(PROGRAM).arg("check").arg(config).output().await.unwrap();
    assert!(!said(&output).contains("hush-hush"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_the_process_with_the_file_and_what_to_do_and_a_later_start_delivers_all() {
    let mock = mock(&[(TOPIC, 3)]);
    let cluster = over(&mock, &[]).await;
    let bench = Bench::on_a_port(leads()).await;
    let directory = tempfile::tempdir().unwrap();
    let offsets = directory.path().join("offsets.json");
    let config = written(directory.path(), &bench.json(&[]));
    // No disk can be filled here; a limit on the size of files fails the same call in the same place.
    let output = Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"", PROGRAM, "run"])
        .arg(&config)
        .args(["--bootstrap-servers", &mock.bootstrap_servers(), "--listen", "127.0.0.1:0"])
        .arg("--offset-storage-file")
        .arg(&offsets)
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    says(&said(&output), &["offsets.json cannot be written", "make room and start again"]);
    assert_eq!(read(&cluster, TOPIC).await, [], "rows were delivered without an offset to go on from");

    let store = FileStore::open(&offsets).await.unwrap();
    let bench = bench.keeping_offsets_in(Arc::new(store));
    bench.deliver().await;
    bench.assert_exact("after a full disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offsets_topic_that_holds_something_else_is_refused_before_the_org_is_asked() {
    let mock = mock(&[(TOPIC, 3), ("not-offsets", 1)]);
    let cluster = over(&mock, &[]).await;
    let page = Page::new();
    for id in ["001A", "001B"] {
        let record = Record::to("not-offsets").key(id.as_bytes()).value(&b"Id,Name"[..]);
        cluster.producer().send(record, &page).await.unwrap();
    }
    page.acknowledged().await.unwrap();
    let bench = Bench::on_a_port(leads()).await;
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(PROGRAM)
        .arg("run")
        .arg(written(directory.path(), &bench.json(&[])))
        .args(["--bootstrap-servers", &mock.bootstrap_servers(), "--listen", "127.0.0.1:0"])
        .args(["--offset-storage-topic", "not-offsets"])
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    says(
        &said(&output),
        &["topic not-offsets holds something else", "none of its 2 records", "name another topic"],
    );
    assert_eq!(read(&cluster, "not-offsets").await.len(), 2);
    assert_eq!(bench.calls(Route::Token), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offsets_file_that_holds_something_else_is_refused_and_left_as_it_is() {
    let mock = mock(&[(TOPIC, 3)]);
    let bench = Bench::on_a_port(leads()).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("leads.csv");
    std::fs::write(&file, "Id,Name\n").unwrap();
    let output = Command::new(PROGRAM)
        .arg("run")
        .arg(written(directory.path(), &bench.json(&[])))
        .args(["--bootstrap-servers", &mock.bootstrap_servers(), "--listen", "127.0.0.1:0"])
        .arg("--offset-storage-file")
        .arg(&file)
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    says(&said(&output), &["leads.csv is damaged or holds something else", "start from salesforce.since"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "Id,Name\n");
}
