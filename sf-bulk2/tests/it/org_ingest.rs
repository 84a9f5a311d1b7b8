//! Loads against an emulated org over real sockets.

use futures_util::{TryStreamExt, stream};
use serde::Serialize;
use sf_bulk2::{ColumnDelimiter, ErrorKind, Ingest, JobType, Jobs, LineEnding, Nulls, RetryLocks};
use sf_sim::fault::{Action, Fault, Framing, Route};

use crate::org::{FAST, org};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    name: Option<String>,
    number_of_employees: u32,
    description: Option<&'static str>,
}

fn accounts(count: u32) -> Vec<Account> {
    (0..count)
        .map(|i| Account {
            name: (i % 50 != 7).then(|| format!("load {i}, \"x\"")),
            number_of_employees: i,
            description: (i % 2 == 0).then_some("two\nlines"),
        })
        .collect()
}

#[tokio::test]
async fn rows_are_inserted_over_jobs_refused_ones_told_and_all_joined() {
    let org = org().await;
    let ingest = Ingest::insert("Account").part_rows(120).poll(FAST).keep_rows();
    let loaded = ingest.rows(stream::iter(accounts(450)), Nulls::SetNull).run(&org.client).await.unwrap();
    assert_eq!((loaded.jobs().len(), loaded.succeeded(), loaded.failed()), (4, 441, 9));
    let tally = loaded.tally().await.unwrap();
    assert_eq!((tally.created, tally.failed, tally.unprocessed), (441, 9, 0));
    let failures: Vec<_> = loaded.failures_with_input().stream().try_collect().await.unwrap();
    for failure in failures {
        assert_eq!(failure.outcome.code, "REQUIRED_FIELD_MISSING", "{:?}", failure.outcome);
        assert_eq!(failure.outcome.fields, ["Name"]);
        assert_eq!(failure.input.unwrap().row % 50, 7);
    }
    let joined: Vec<_> = loaded.successes_with_input().stream().try_collect().await.unwrap();
    assert!(joined.iter().all(|j| j.input.is_some()));
    let mut jobs = 0;
    let mut list = Jobs::ingest().job_type(JobType::V2Ingest).list(&org.client);
    while list.next_job().await.unwrap().is_some() {
        jobs += 1;
    }
    assert_eq!(jobs, 4);
}

#[tokio::test]
async fn what_was_inserted_is_updated_and_deleted_by_its_id() {
    let org = org().await;
    let csv = "Name;Description\r\na;\"x;\r\ny\"\r\nb;z\r\n";
    let ingest =
        Ingest::insert("Account").column_delimiter(ColumnDelimiter::Semicolon).line_ending(LineEnding::Crlf);
    let loaded = ingest.poll(FAST).csv_bytes(csv).run(&org.client).await.unwrap();
    let rows: Vec<_> = loaded.successes().try_collect().await.unwrap();
    assert_eq!(rows.len(), 2);
    let update = rows.iter().fold("Id,Name\n".to_owned(), |csv, r| csv + &format!("{},changed\n", r.id));
    let loaded = Ingest::update("Account").poll(FAST).csv_bytes(update).run(&org.client).await.unwrap();
    let tally = loaded.tally().await.unwrap();
    assert_eq!((tally.created, tally.updated), (0, 2));
    let delete = rows.iter().fold("Id\n".to_owned(), |csv, r| csv + &format!("{}\n", r.id));
    let loaded = Ingest::delete("Account").poll(FAST).csv_bytes(delete).run(&org.client).await.unwrap();
    assert_eq!(loaded.succeeded(), 2);
}

#[tokio::test]
async fn a_header_that_the_org_does_not_know_fails_the_job_and_says_so() {
    let org = org().await;
    let load = Ingest::insert("Account").poll(FAST).csv_bytes("Name,Emial\na,b\n");
    let error = load.run(&org.client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobFailed);
    assert!(error.to_string().contains("Field name not found : Emial"), "{error}");
    assert_eq!(error.loaded().unwrap().unprocessed(), 1);
    assert_eq!(error.loaded().unwrap().tally().await.unwrap().unprocessed, 1);
}

#[tokio::test]
async fn every_passing_fault_at_every_step_writes_each_row_once() {
    let steps = [
        Route::CreateIngest,
        Route::Upload,
        Route::Close,
        Route::IngestInfo,
        Route::SuccessfulResults,
        Route::FailedResults,
        Route::UnprocessedRecords,
    ];
    let faults = [
        Action::server_error(),
        Action::unavailable(),
        Action::concurrent_limit(),
        Action::ExpireSession,
        Action::ResetBefore,
        Action::ResetAfter,
        Action::cut(20),
        Action::cut_framed(20, Framing::Close),
        Action::stall(20),
    ];
    for step in steps {
        for action in &faults {
            let org = org().await;
            org.sim.faults().add(Fault::on(step.clone()).then(action.clone()));
            let load = Ingest::insert("Account")
                .part_rows(20)
                .poll(FAST)
                .csv_bytes((0..50).fold("Name\n".to_owned(), |csv, i| csv + &format!("fault {i}\n")));
            let loaded = load.run(&org.client).await.unwrap_or_else(|e| panic!("{step:?} {action:?}: {e:?}"));
            let tally = loaded.tally().await.unwrap_or_else(|e| panic!("{step:?} {action:?}: {e:?}"));
            assert_eq!(tally.created, 50, "{step:?} {action:?}");
            let names: std::collections::BTreeSet<_> = loaded
                .successes()
                .map_ok(|s| s.row.get("Name").unwrap().to_owned())
                .try_collect()
                .await
                .unwrap();
            assert_eq!(names.len(), 50);
        }
    }
}

#[tokio::test]
async fn a_small_load_is_made_with_its_job_and_found_where_the_answer_is_lost() {
    let csv = "Name,NumberOfEmployees,AnnualRevenue\nm 1,91226003,#N/A\nm 2,,1e3\nm 2,,1e3\n";
    for (action, found) in [(None, false), (Some(Action::ResetAfter), true), (Some(Action::stall(5)), true)] {
        let org = org().await;
        if let Some(action) = action {
            org.sim.faults().add(Fault::on(Route::CreateIngest).then(action));
        }
        let load = Ingest::insert("Account").multipart().poll(FAST).csv_bytes(csv);
        let loaded = load.run(&org.client).await.unwrap();
        assert_eq!((loaded.succeeded(), loaded.jobs().len(), loaded.jobs()[0].found), (3, 1, found));
        assert_eq!(loaded.tally().await.unwrap().created, 3);
        let calls = org.sim.journal();
        let of = |route: Route| calls.count(&route);
        assert_eq!((of(Route::CreateIngest), of(Route::Upload), of(Route::Close)), (1, 0, 0));
    }
}

#[tokio::test]
async fn late_outcomes_are_waited_for_and_locks_can_be_retried() {
    let org = org().await;
    org.sim.set_late_outcomes(2);
    let load = Ingest::insert("Account").poll(FAST).keep_rows().csv_bytes("Name\na\nb\n");
    let loaded = load.run(&org.client).await.unwrap();
    assert_eq!(loaded.tally().await.unwrap().created, 2);
    let retried = loaded.retry_locked(&org.client, &RetryLocks::default()).await.unwrap();
    assert_eq!((retried.rounds.len(), retried.locked), (0, 0));
}
