//! The programs as a stranger runs them, with few rows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bulk;
mod logins;
mod rows;
mod soql;

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use sf_sim::Sim;
use sf_sim::fault::{Action, Fault, Route};

const QUICKSTART: &str = env!("CARGO_BIN_EXE_quickstart");
const TO_CSV: &str = env!("CARGO_BIN_EXE_bulk_query_to_csv");

/// A program that knows nothing of this machine's orgs and brokers.
fn program(path: &str) -> Command {
    let mut command = Command::new(path);
    for (name, _) in std::env::vars() {
        let proxy = name.to_ascii_uppercase().ends_with("_PROXY");
        if proxy || name.starts_with("SF_") || name.starts_with("KAFKA_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command.env("SF_QUICKSTART_LEADS", "2000");
    command
}

/// What a program that ended well said.
fn said(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert!(status.success(), "{status}\n{stdout}\n{stderr}");
    stdout
}

/// What a program that failed said about it.
fn complained(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert_eq!(status.code(), Some(1), "{}", String::from_utf8_lossy(&stdout));
    String::from_utf8(stderr).unwrap()
}

fn assert_complete(said: &str) {
    for found in [
        "quickstart-lead  2,000 records, 2,000 distinct Ids",
        "quickstart-account  12 records, 12 distinct Ids",
        "quickstart-product__c  16 records, 16 distinct Ids",
        "quickstart-product_family__c  4 records, 4 distinct Ids",
        "its new version arrived",
        r#"{"table":"Lead"} → {"jobId":"750"#,
    ] {
        assert!(said.contains(found), "{found:?} is not in\n{said}");
    }
}

#[test]
fn the_quickstart_needs_nothing_and_shows_every_row() {
    let said = said(program(QUICKSTART));
    assert!(said.contains("using an emulated org") && said.contains("using an embedded broker"), "{said}");
    assert_complete(&said);
}

#[test]
fn the_quickstart_writes_to_a_real_kafka_again_and_again() {
    let Ok(servers) = std::env::var("KAFKA_BOOTSTRAP_SERVERS") else {
        let required = std::env::var("SF_TESTS_REQUIRE").unwrap_or_default();
        let line = "skipped: KAFKA_BOOTSTRAP_SERVERS is not set: the quickstart on a real Kafka";
        assert!(!required.split(',').any(|one| one == "kafka"), "{line}");
        // The harness swallows what print macros say in a test that passes.
        std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
        return;
    };
    for _ in 0..2 {
        let mut command = program(QUICKSTART);
        command.env("KAFKA_BOOTSTRAP_SERVERS", &servers);
        let said = said(command);
        assert!(said.contains(&format!("Using Kafka at {servers}")), "{said}");
        assert_complete(&said);
    }
}

#[test]
fn an_org_that_is_named_by_halves_is_not_replaced_by_an_emulated_one() {
    let mut command = program(QUICKSTART);
    command.env("SF_LOGIN_URL", "https://acme.my.salesforce.com");
    let said = complained(command);
    assert!(said.contains("SF_CLIENT_ID, SF_CLIENT_SECRET"), "{said}");
}

#[test]
fn an_event_is_published_and_one_that_does_not_fit_is_explained() {
    let said = said(program(env!("CARGO_BIN_EXE_publish_events")));
    assert!(said.contains("published Order__e") && said.contains("did you mean City__c?"), "{said}");
    let mut command = program(env!("CARGO_BIN_EXE_publish_events"));
    command.env("SF_ACCESS_TOKEN", "token");
    let said = complained(command);
    assert!(said.contains("SF_INSTANCE_URL is missing"), "{said}");
}

#[test]
fn a_proxy_that_would_get_the_calls_to_an_emulated_org_is_named() {
    let others = [env!("CARGO_BIN_EXE_publish_events"), env!("CARGO_BIN_EXE_whoami")];
    let bulk = [bulk::TO_JSONL, bulk::LOAD, bulk::UPSERT, bulk::RESUME, bulk::WATCH];
    for path in [QUICKSTART, TO_CSV].into_iter().chain(others).chain(bulk) {
        let proxied = || {
            let mut command = program(path);
            command.args(["Lead", "unused.csv"].iter().filter(|_| path == TO_CSV));
            command.env("HTTP_PROXY", "http://127.0.0.1:1");
            command
        };
        let said = complained(proxied());
        assert!(said.contains("HTTP_PROXY is set") && said.contains("NO_PROXY=127.0.0.1"), "{said}");
        if path.contains("whoami") {
            let mut command = proxied();
            command.env("NO_PROXY", "127.0.0.1,localhost");
            assert!(self::said(command).contains("Logged in as "));
        }
    }
}

/// The Ids of a file of Leads.
fn ids(file: &Path) -> Vec<String> {
    let mut rows = csv::Reader::from_path(file).unwrap();
    let id = rows.headers().unwrap().iter().position(|name| name == "Id").unwrap();
    rows.records().map(|row| row.unwrap()[id].to_owned()).collect()
}

#[test]
fn a_csv_file_has_every_row_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.csv");
    let mut command = program(TO_CSV);
    command.arg("Lead").arg(&file);
    let said = said(command);
    assert!(said.contains("2,000 rows"), "{said}");
    let ids = ids(&file);
    assert_eq!(ids.len(), 2000);
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 2000);
    assert_eq!(folder.path().read_dir().unwrap().count(), 1, "the bookmark is gone");
}

#[test]
fn an_object_that_the_org_does_not_have_is_named_with_what_comes_near() {
    let mut command = program(TO_CSV);
    command.args(["Prodduct__c", "unused.csv"]);
    let said = complained(command);
    assert!(said.contains("Prodduct__c") && said.contains("Product__c"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_file_that_broke_off_goes_on_with_the_same_job() {
    let sim = Sim::builder().generate("Lead", 2000).seed(3).build().unwrap();
    sim.set_page_cap(Some(300));
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.csv");
    let command = |file: &Path| {
        let mut command = program(TO_CSV);
        command.env("SF_LOGIN_URL", server.url());
        command.env("SF_CLIENT_ID", &sim.credentials().client_id);
        command.env("SF_CLIENT_SECRET", &sim.credentials().client_secret);
        command.arg("Lead").arg(file);
        command
    };
    // Refused on the fourth page: that is not tried again by itself.
    sim.faults().add(Fault::on(Route::Results).nth(4).then(Action::error(400, "INVALIDJOBSTATE", "Not now")));
    let first = command(&file);
    let complaint = tokio::task::spawn_blocking(move || complained(first)).await.unwrap();
    assert!(complaint.contains("Not now"), "{complaint}");
    assert_eq!(ids(&file).len(), 900);
    // What a killed process had written beyond its bookmark.
    std::fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(b"\"half a r").unwrap();

    let second = command(&file);
    let said_then = tokio::task::spawn_blocking(move || said(second)).await.unwrap();
    assert!(said_then.contains("after 900 rows"), "{said_then}");
    let whole = folder.path().join("whole.csv");
    let third = command(&whole);
    tokio::task::spawn_blocking(move || said(third)).await.unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(&whole).unwrap());
    assert_eq!(sim.journal().count(&Route::CreateJob), 2, "one for each file");
    server.shutdown().await;
}
