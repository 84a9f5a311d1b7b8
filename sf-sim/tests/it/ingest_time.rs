//! Ingest jobs over time: chunks, locks, aborts, late files and faults.

use std::time::Duration;

use serde_json::{Value, json};
use sf_sim::JobPace;
use sf_sim::fault::{Action, Fault, Route};

use crate::support::{Org, V, told};

fn insert(object: &str) -> Value {
    json!({ "object": object, "operation": "insert" })
}

fn accounts(n: usize) -> String {
    let rows: String = (0..n).map(|n| format!("a{n}\n")).collect();
    format!("Name\n{rows}")
}

fn at(state: &str, processed: u64) -> (String, u64, u64) {
    (state.to_owned(), processed, 0)
}

async fn stored(org: &Org) -> usize {
    org.rows("SELECT Id FROM Account").await.len()
}

#[tokio::test]
async fn rows_are_committed_by_two_hundred_as_time_goes_by() {
    let org = Org::new().await;
    org.sim.set_job_pace(JobPace::After(Duration::from_secs(60)));
    let job = org.loaded(insert("Account"), &accounts(1_150)).await;
    assert_eq!((job.progress().await, stored(&org).await), (at("InProgress", 0), 0));
    org.sim.clock().advance(Duration::from_secs(30));
    // Half of six transactions, whoever asks for whatever.
    assert_eq!(stored(&org).await, 600);
    assert_eq!(job.progress().await, at("InProgress", 600));
    let info = job.info().await;
    assert_eq!(info["totalProcessingTime"], 0);
    assert!(info["apiActiveProcessingTime"].as_u64() > Some(0));
    org.sim.clock().advance(Duration::from_secs(30));
    assert_eq!(job.progress().await, at("JobComplete", 1_150));
    assert_eq!(job.info().await["totalProcessingTime"], 60_000);
    assert_eq!(job.info().await["systemModstamp"], "2023-01-26T14:51:10.000+0000");
}

#[tokio::test]
async fn a_job_takes_the_polls_that_its_pace_says() {
    let org = Org::new().await;
    org.sim.set_job_pace(JobPace::Polls(2));
    let job = org.loaded(insert("Account"), &accounts(600)).await;
    assert_eq!(job.progress().await, at("InProgress", 200));
    assert_eq!(job.progress().await, at("InProgress", 400));
    assert_eq!(job.progress().await, at("JobComplete", 600));
    let wrong = org.loaded(insert("Account"), "Nope\nx\n").await;
    assert_eq!(wrong.progress().await, at("InProgress", 0));
    assert_eq!(wrong.progress().await, at("InProgress", 0));
    assert_eq!(wrong.progress().await, at("Failed", 0));
}

#[tokio::test]
async fn an_aborted_job_keeps_what_it_committed_and_tells_the_rest() {
    let org = Org::new().await;
    org.sim.set_job_pace(JobPace::Polls(2));
    let csv = accounts(600);
    let job = org.loaded(insert("Account"), &csv).await;
    assert_eq!(job.progress().await, at("InProgress", 200));
    assert_eq!(job.set("Aborted").await.0, 200);
    for _ in 0..3 {
        assert_eq!(job.progress().await, at("Aborted", 200));
    }
    assert_eq!(stored(&org).await, 200);
    assert_eq!(job.outcome("successfulResults").await.1.len(), 200);
    let rest = csv.split_once("a200\n").unwrap().1;
    let unprocessed = org.told(&job.path("/unprocessedrecords")).await.1;
    assert_eq!(unprocessed, format!("Name\na200\n{rest}"));
}

#[tokio::test]
async fn a_transaction_can_be_committed_after_an_abort() {
    let org = Org::new().await;
    org.sim.set_job_pace(JobPace::Polls(3));
    org.sim.set_commits_after_abort(2);
    let job = org.loaded(insert("Account"), &accounts(800)).await;
    assert_eq!(job.progress().await, at("InProgress", 200));
    assert_eq!(job.set("Aborted").await.0, 200);
    assert_eq!(stored(&org).await, 200);
    let mut counts = Vec::new();
    for _ in 0..4 {
        counts.push(job.progress().await);
    }
    assert_eq!(counts, [at("Aborted", 400), at("Aborted", 600), at("Aborted", 600), at("Aborted", 600)]);
    let told = [job.outcome("successfulResults").await, job.outcome("unprocessedrecords").await];
    assert_eq!(told.map(|(_, rows)| rows.len()), [600, 200]);
}

#[tokio::test]
async fn outcome_files_can_come_late() {
    let org = Org::new().await;
    org.sim.set_late_outcomes(2);
    let job = org.loaded(insert("Account"), &accounts(300)).await;
    assert_eq!(job.progress().await, at("JobComplete", 300));
    let mut rows = Vec::new();
    for _ in 0..3 {
        rows.push(job.outcome("successfulResults").await.1.len());
    }
    assert!(rows[0] < 300 && rows[0] == rows[1], "{rows:?}");
    assert_eq!(rows[2], 300);
}

#[tokio::test]
async fn rows_of_one_parent_lock_each_other_out_while_jobs_run_at_once() {
    let org = Org::new().await;
    org.accounts(2);
    let ids: Vec<String> = org
        .rows("SELECT Id FROM Account ORDER BY Id")
        .await
        .iter()
        .map(|row| row["Id"].as_str().unwrap().to_owned())
        .collect();
    let contacts =
        |name: &str| format!("LastName,AccountId\n{name}0,{}\n{name}1,{}\n{name}2,\n", ids[0], ids[1]);
    org.sim.set_row_locks(true);
    org.sim.set_job_pace(JobPace::Polls(1));
    let first = org.loaded(insert("Contact"), &format!("LastName,AccountId\na,{}\n", ids[0])).await;
    let second = org.loaded(insert("Contact"), &contacts("b")).await;
    // The first job is polled once only: it runs on, and holds its parent.
    assert_eq!(first.progress().await, at("InProgress", 0));
    assert_eq!(second.progress().await, at("InProgress", 0));
    assert_eq!(second.progress().await, ("JobComplete".to_owned(), 3, 1));
    let locked = format!(
        "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: {}:--",
        ids[0]
    );
    assert_eq!(second.errors().await, [locked]);
    assert_eq!(first.progress().await, at("JobComplete", 1));

    // Once nobody else runs, the same row passes.
    let again = org.loaded(insert("Contact"), &format!("LastName,AccountId\nb0,{}\n", ids[0])).await;
    again.progress().await;
    assert_eq!(again.progress().await, at("JobComplete", 1));
}

#[tokio::test]
async fn a_job_fails_when_too_many_of_its_rows_are_locked() {
    let org = Org::new().await;
    org.accounts(1);
    let id = org.rows("SELECT Id FROM Account").await[0]["Id"].as_str().unwrap().to_owned();
    let contacts = |n: usize| {
        let rows: String = (0..n).map(|n| format!("c{n},{id}\n")).collect();
        format!("LastName,AccountId\n{rows}")
    };
    org.sim.set_row_locks(true);
    org.sim.set_lock_failure_limit(Some(400));
    org.sim.set_job_pace(JobPace::Polls(3));
    let first = org.loaded(insert("Contact"), &contacts(800)).await;
    let second = org.loaded(insert("Contact"), &contacts(800)).await;
    // The first job is between two transactions all the while, and holds the parent.
    assert_eq!(first.progress().await, at("InProgress", 200));
    assert_eq!(second.progress().await, ("InProgress".to_owned(), 200, 200));
    assert_eq!(second.progress().await, ("Failed".to_owned(), 400, 400));
    let message = "TooManyLockFailure : Too many lock failure (200) trying 30 times. Current total: 400";
    assert_eq!(second.info().await["errorMessage"], message);
    assert_eq!(second.outcome("unprocessedrecords").await.1.len(), 400);
    assert_eq!(second.outcome("failedResults").await.1.len(), 400);
    for _ in 0..2 {
        first.progress().await;
    }
    assert_eq!(first.progress().await, at("JobComplete", 800));
}

#[tokio::test]
async fn faults_hold_fail_and_lose_ingest_jobs() {
    let org = Org::new().await;
    let slow = org.sim.faults().add(Fault::on(Route::Close).then(Action::SlowJob { polls: None }));
    let job = org.loaded(insert("Account"), &accounts(1)).await;
    assert_eq!(job.progress().await, at("InProgress", 0));
    assert_eq!(job.progress().await, at("InProgress", 0));
    org.sim.faults().release(slow);
    assert_eq!(job.progress().await, at("JobComplete", 1));

    let message = "InternalServerError : Retried more than 20 times";
    org.sim.faults().add(Fault::on(Route::Close).then(Action::fail_job(message)));
    let job = org.loaded(insert("Account"), &accounts(2)).await;
    assert_eq!(job.failure().await, message);
    assert_eq!(job.outcome("unprocessedrecords").await.1, ["a0", "a1"]);

    let polls = org.sim.faults().add(Fault::on(Route::IngestInfo).then(Action::SlowJob { polls: Some(1) }));
    let job = org.loaded(insert("Account"), &accounts(400)).await;
    assert_eq!(job.progress().await, at("InProgress", 200));
    assert_eq!(job.progress().await, at("JobComplete", 400));
    assert!(org.sim.faults().remove(polls));

    // Failed half way: what was committed stays.
    org.sim.set_job_pace(JobPace::Polls(1));
    org.sim.faults().add(Fault::on(Route::IngestInfo).nth(2).then(Action::fail_job(message)));
    let job = org.loaded(insert("Account"), &accounts(400)).await;
    assert_eq!(job.progress().await, at("InProgress", 200));
    assert_eq!(job.progress().await, at("Failed", 200));
    assert_eq!(job.outcome("successfulResults").await.1.len(), 200);
    assert_eq!(job.outcome("unprocessedrecords").await.1.len(), 200);

    // What is over stays as it ended.
    org.sim.set_job_pace(JobPace::AtOnce);
    let job = org.loaded(insert("Account"), &accounts(2)).await;
    assert_eq!(job.progress().await, at("JobComplete", 2));
    let late = org.sim.faults().add(Fault::on(Route::IngestInfo).then(Action::fail_job(message)));
    assert_eq!(job.progress().await, at("JobComplete", 2));
    assert_eq!(job.outcome("successfulResults").await.1.len(), 2);
    org.sim.faults().remove(late);

    org.sim.faults().add(Fault::on(Route::CreateIngest).then(Action::LoseJob));
    let job = org.ingest(insert("Account")).await;
    assert_eq!(job.upload("Name\nx\n").await.status(), 404);
}

#[tokio::test]
async fn every_route_of_ingest_meets_faults_and_hooks() {
    let org = Org::new().await;
    let job = org.loaded(insert("Account"), &accounts(3)).await;
    job.progress().await;
    let file = r#"[
        {"on": "create_ingest", "then": "unavailable"},
        {"on": "list_ingest", "then": "server_error"},
        {"on": "ingest_info", "then": "concurrent_limit"},
        {"on": "upload", "then": "daily_limit"},
        {"on": "close", "containing": "Aborted", "then": "server_error"},
        {"on": "successful_results", "then": {"too_many_requests": {"retry_after": 2}}},
        {"on": "failed_results", "then": "unavailable"},
        {"on": "unprocessed_records", "then": "unavailable"},
        {"on": "delete_ingest", "then": "unavailable"}
    ]"#;
    org.sim.faults().add_json(file).unwrap();
    let path = format!("{V}/jobs/ingest");
    assert_eq!(org.post(&path, &insert("Account")).await.status(), 503);
    assert_eq!(org.get(&path).await.status(), 500);
    assert_eq!(org.get(&job.path("")).await.status(), 403);
    assert_eq!(job.upload("x").await.status(), 403);
    assert_eq!(job.set("UploadComplete").await.0, 400);
    assert_eq!(job.set("Aborted").await.0, 500);
    for (name, status) in [("successfulResults", 429), ("failedResults", 503), ("unprocessedrecords", 503)] {
        assert_eq!(org.get(&job.path(&format!("/{name}"))).await.status(), status, "{name}");
    }
    assert_eq!(job.delete().await.0, 503);

    // An upload whose answer is lost is there all the same, and not to be repeated.
    org.sim.faults().clear();
    org.sim.faults().add(Fault::on(Route::Upload).then(Action::ResetAfter));
    let job = org.ingest(insert("Account")).await;
    let call = org.call(reqwest::Method::PUT, &job.path("/batches")).header("content-type", "text/csv");
    assert!(call.body("Name\nlost\n").send().await.is_err());
    let (status, body) = told(job.upload("Name\nlost\n").await).await;
    assert!(status == 400 && body.contains("Found multiple contents"), "{body}");

    let hook = org.sim.hook(Route::Close, 1);
    let close = job.set("UploadComplete");
    let look = async {
        hook.arrived().await;
        // The work is done, the answer is held.
        let progress = job.progress().await;
        hook.release();
        progress
    };
    let (closed, progress) = tokio::join!(close, look);
    assert_eq!((closed.0, progress), (200, at("JobComplete", 1)));
}

#[tokio::test]
async fn another_process_turns_the_knobs() {
    let org = Org::new().await;
    let knobs = json!({ "job_polls": 1, "row_locks": true, "lock_failure_limit": 5, "commits_after_abort": 1, "late_outcomes": 1,
        "upload_limit": 400, "ingest_memory": 1_000, "hard_delete": false });
    let answer = org.post("/__sim/knobs", &knobs).await;
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    let job = org.ingest(insert("Account")).await;
    assert_eq!(job.upload(&accounts(200)).await.status(), 400);
    let body = json!({ "object": "Account", "operation": "hardDelete" });
    let refused = org.post(&format!("{V}/jobs/ingest"), &body).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(job.upload("Name\nx\n").await.status(), 201);
    job.set("UploadComplete").await;
    assert_eq!(job.progress().await, at("InProgress", 0));
    job.set("Aborted").await;
    assert_eq!(job.progress().await, at("Aborted", 1));
}
