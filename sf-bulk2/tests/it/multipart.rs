//! Small loads whose job is made with its data, and what becomes of them where that answer is lost.

use sf_bulk2::{ErrorKind, Ingest, Jobs, Loaded, Replay, Result};

use crate::support::ingest::{Fault, IngestOrg, USER};

const CSV: &str = "Name,Phone\na,912260031\nb,#N/A\nb,#N/A\n";

async fn load(org: &IngestOrg) -> Result<Loaded> {
    Ingest::insert("Account").multipart().csv_bytes(CSV).run(&org.client()).await
}

fn count(org: &IngestOrg, route: &str) -> usize {
    org.calls().iter().filter(|call| *call == route).count()
}

/// Nothing was sent again, and no job that was found was touched.
fn only_read(org: &IngestOrg) {
    let writes: Vec<_> =
        org.calls().into_iter().filter(|c| ["create", "upload", "patch", "delete"].contains(&&**c)).collect();
    assert_eq!(writes, ["create"]);
}

#[tokio::test(start_paused = true)]
async fn a_small_load_is_one_call_before_its_job_is_waited_for() {
    let org = IngestOrg::new();
    let loaded = load(&org).await.unwrap();
    assert_eq!(org.calls(), ["create", "info"]);
    assert_eq!(org.uploads(), [CSV]);
    assert_eq!((loaded.succeeded(), loaded.jobs()[0].found), (3, false));
    assert_eq!(loaded.tally().await.unwrap().created, 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_has_two_parts_or_was_not_asked_to_goes_the_ordinary_way() {
    let padded = |bytes: usize| {
        let mut csv = "Name\n".to_owned();
        while csv.len() < bytes {
            let line = 1000.min(bytes - csv.len());
            csv += &"x".repeat(line - 1);
            csv.push('\n');
        }
        csv
    };
    let ingest = || Ingest::insert("Account").multipart();
    for (ingest, csv, uploads) in [
        (ingest(), padded(100_000), 0),
        (ingest(), padded(100_001), 1),
        (ingest().part_rows(2), CSV.to_owned(), 2),
        (ingest().part_rows(3), CSV.to_owned(), 0),
        (Ingest::insert("Account"), CSV.to_owned(), 1),
        (ingest(), "Name\n".to_owned(), 0),
    ] {
        let org = IngestOrg::new();
        let rows = csv.lines().count() as u64 - 1;
        let loaded = ingest.csv_bytes(csv).run(&org.client()).await.unwrap();
        assert_eq!((count(&org, "upload"), loaded.succeeded()), (uploads, rows));
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_answer_was_lost_is_found_by_its_rows() {
    for fault in [Fault::After, Fault::Cut(5), Fault::SilentCut(5)] {
        for lag in [0, 1, 4] {
            // Copies, a number that is written anew, a null, and rows that are refused.
            let org = IngestOrg::new().chunk(2).list_lag(lag).fault("create", [fault]).judge(|row, _| {
                if &row[0] == "a" { Err("STRING_TOO_LONG:x:Name --".into()) } else { Ok(true) }
            });
            let loaded = load(&org).await.unwrap_or_else(|e| panic!("{fault:?} {lag}: {e:?}"));
            assert_eq!((loaded.rows(), loaded.succeeded(), loaded.failed()), (3, 2, 1));
            assert!(loaded.jobs()[0].found);
            assert_eq!(loaded.tally().await.unwrap().rows(), 3);
            only_read(&org);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_not_found_is_in_doubt_and_never_sent_again() {
    for fault in [Fault::Before, Fault::Status(500), Fault::Status(503)] {
        let org = IngestOrg::new().fault("create", [fault]);
        let error = load(&org).await.unwrap_err();
        assert_eq!((error.kind(), error.job()), (ErrorKind::InDoubt, None));
        assert!(error.to_string().contains("one may be on its way yet"), "{error}");
        let unsettled = error.loaded().unwrap().unsettled();
        assert_eq!((unsettled.len(), unsettled[0].rows.clone(), unsettled[0].in_doubt), (1, 0..3, true));
        assert!(count(&org, "list") > 3, "it is looked for more than once");
        only_read(&org);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_job_is_in_no_doubt() {
    let org = IngestOrg::new().fault("create", [Fault::Status(400)]);
    let error = load(&org).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Api);
    let loaded = error.loaded().unwrap();
    assert_eq!((loaded.unsettled().len(), loaded.next_row()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn jobs_of_others_of_before_and_of_other_rows_are_not_taken_for_it() {
    let others = || {
        IngestOrg::new()
            .beside("0057Q0000037T8RQAU", 0, "Account", CSV)
            .beside(USER, 3600, "Account", CSV)
            .beside(USER, 0, "Contact", CSV)
            .beside(USER, 0, "Account", "Name,Phone\na,912260031\nb,#N/A\nc,#N/A\n")
            .beside(USER, 0, "Account", "Name,Phone\na,912260031\nb,#N/A\n")
            .beside(USER, 0, "Account", "Name,Fax\na,912260031\nb,#N/A\nb,#N/A\n")
    };
    let org = others().fault("create", [Fault::Before]);
    assert_eq!(load(&org).await.unwrap_err().kind(), ErrorKind::InDoubt);
    only_read(&org);

    let org = others().fault("create", [Fault::After]);
    let loaded = load(&org).await.unwrap();
    assert_eq!(&loaded.jobs()[0].job.id().to_string()[..15], "7507Q0000000006");
    only_read(&org);
}

#[tokio::test(start_paused = true)]
async fn a_long_job_of_the_same_user_does_not_hold_the_search_up() {
    let long = (0..2000).fold("Name,Phone\n".to_owned(), |csv, i| csv + &format!("n{i},\n"));
    let org = IngestOrg::new().chunk(4).beside(USER, 0, "Account", &long).fault("create", [Fault::After]);
    let before = tokio::time::Instant::now();
    let loaded = load(&org).await.unwrap();
    assert!(loaded.jobs()[0].found);
    assert!(before.elapsed() < std::time::Duration::from_secs(60), "{:?}", before.elapsed());
    only_read(&org);
}

#[tokio::test(start_paused = true)]
async fn a_job_from_before_the_last_attempt_is_not_taken_for_it() {
    // The first three attempts are refused, over some seconds; and the same rows were loaded before them.
    let faults = [vec![Fault::Status(429); 3], vec![Fault::After]].concat();
    let org = IngestOrg::new().beside(USER, 2, "Account", CSV).fault("create", faults);
    let loaded = load(&org).await.unwrap();
    assert_eq!(&loaded.jobs()[0].job.id().to_string()[..15], "7507Q0000000001");
    assert_eq!(count(&org, "create"), 4);
}

#[tokio::test(start_paused = true)]
async fn the_rows_of_a_job_that_was_found_are_joined_as_those_of_any_other() {
    for replay in [Replay::Memory, Replay::Spool] {
        let org = IngestOrg::new().fault("create", [Fault::After]);
        let ingest = Ingest::insert("Account").multipart().keep_rows().replay(replay);
        let loaded = ingest.csv_bytes(CSV).run(&org.client()).await.unwrap();
        assert!(loaded.jobs()[0].found);
        let mut joined = loaded.successes_with_input();
        let mut rows = Vec::new();
        while let Some(row) = joined.next_row().await.unwrap() {
            rows.push(row.input.unwrap().row);
        }
        rows.sort_unstable();
        assert_eq!(rows, [0, 1, 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn two_jobs_with_the_same_rows_are_a_doubt_that_names_both() {
    let org = IngestOrg::new().beside(USER, 1, "Account", CSV).fault("create", [Fault::After]);
    let error = load(&org).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InDoubt);
    let text = error.to_string();
    assert!(text.contains("7507Q0000000000") && text.contains("7507Q0000000001"), "{text}");
    only_read(&org);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_failed_is_found_as_well_and_tells_why() {
    let org = IngestOrg::new().unknown_field("Phone").fault("create", [Fault::After]);
    let error = load(&org).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobFailed);
    let loaded = error.loaded().unwrap();
    assert_eq!((loaded.unprocessed(), loaded.jobs()[0].found, loaded.unsettled().len()), (3, true, 0));
}

#[tokio::test(start_paused = true)]
async fn the_search_gets_over_what_goes_wrong_in_it() {
    for route in ["identity", "list", "info", "successfulResults", "unprocessedrecords"] {
        for fault in [Fault::Status(503), Fault::Before, Fault::Cut(9), Fault::Status(429)] {
            let org = IngestOrg::new().fault("create", [Fault::After]).fault(route, [fault; 5]);
            let loaded = load(&org).await.unwrap_or_else(|e| panic!("{route} {fault:?}: {e:?}"));
            assert_eq!((loaded.succeeded(), loaded.jobs()[0].found), (3, true), "{route} {fault:?}");
            only_read(&org);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_list_has_jobs_of_all_apis() {
    let org = IngestOrg::new().beside(USER, 9, "Account", CSV);
    let mut list = Jobs::ingest().list(&org.client());
    let mut states = Vec::new();
    while let Some(job) = list.next_job().await.unwrap() {
        states.push(job.state);
    }
    use sf_bulk2::JobState::{InProgress, JobComplete, Other};
    assert_eq!(states, [Other, JobComplete, InProgress]);
}
