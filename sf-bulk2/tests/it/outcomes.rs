//! Outcomes joined to the rows that were sent, and locked rows sent again.

use std::time::Duration;

use futures_util::TryStreamExt;
use sf_bulk2::{ErrorKind, Ingest, IngestJob, RetryLocks};
use tokio::time::Instant;

use crate::support::ingest::{Fault, IngestOrg};
use crate::support::{Answer, JOB, Script};

fn lock() -> String {
    "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: 0017h00000doU3R:--"
        .to_owned()
}

#[tokio::test(start_paused = true)]
async fn each_outcome_is_joined_to_the_row_that_was_sent() {
    let org = IngestOrg::new().judge(|row, _| match row[2].ends_with('5') {
        true => Err("INVALID_FIELD:no:Phone --".to_owned()),
        false => Ok(true),
    });
    // Numbers come back as 9.12260031E8, nulls as nothing, and the rows last first.
    let csv =
        (0..40).fold("Phone,Note,N\n".to_owned(), |csv, i| csv + &format!("{},#N/A,{i}\n", 912_260_031 + i));
    let load = Ingest::insert("Contact").part_rows(15).keep_rows().csv_bytes(csv);
    let loaded = load.run(&org.client()).await.unwrap();
    let mut failed = Vec::new();
    let mut failures = loaded.failures_with_input();
    while let Some(row) = failures.next_row().await.unwrap() {
        let input = row.input.unwrap();
        assert_eq!(
            input.cells,
            [(912_260_031 + input.row).to_string(), "#N/A".into(), input.row.to_string()]
        );
        assert_eq!(row.outcome.row.get("N"), Some(input.cells[2].as_str()));
        failed.push(input.row);
    }
    failed.sort_unstable();
    assert_eq!(failed, [5, 15, 25, 35]);
    let joined: Vec<_> = loaded.successes_with_input().stream().try_collect().await.unwrap();
    let mut rows: Vec<_> = joined.iter().map(|j| j.input.as_ref().unwrap().row).collect();
    rows.sort_unstable();
    assert_eq!(rows, (0..40).filter(|n| n % 10 != 5).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn copies_are_counted_and_what_cannot_be_told_apart_is_not_guessed() {
    let org = IngestOrg::new();
    // Three copies; and two rows that the org writes the same way, 91226003 and 91226003.0.
    let csv = "Name,Phone\na,1\na,1\na,1\nb,91226003\nb,91226003.0\n";
    let loaded = Ingest::insert("Contact").keep_rows().csv_bytes(csv).run(&org.client()).await.unwrap();
    let joined: Vec<_> = loaded.successes_with_input().stream().try_collect().await.unwrap();
    let mut rows: Vec<_> = joined.iter().map(|j| j.input.as_ref().map(|i| (i.row, i.copies))).collect();
    rows.sort();
    assert_eq!(rows, [None, None, Some((0, 3)), Some((1, 3)), Some((2, 3))]);
}

#[tokio::test(start_paused = true)]
async fn an_upsert_is_joined_by_its_external_id_whatever_became_of_the_rest() {
    let org = IngestOrg::new();
    let csv = "Ext__c,Amount\nx-1,12345678\nx-2,12345678.90\n";
    let loaded =
        Ingest::upsert("Contact", "Ext__c").keep_rows().csv_bytes(csv).run(&org.client()).await.unwrap();
    let joined: Vec<_> = loaded.successes_with_input().stream().try_collect().await.unwrap();
    let rows: Vec<_> = joined.iter().map(|j| j.input.as_ref().unwrap().cells[1].as_str()).collect();
    assert_eq!(rows, ["12345678.90", "12345678"]);
}

#[tokio::test(start_paused = true)]
async fn rows_that_were_not_kept_cannot_be_joined_and_that_is_said() {
    let org = IngestOrg::new();
    let loaded = Ingest::insert("Contact").csv_bytes("Name\na\n").run(&org.client()).await.unwrap();
    let error = loaded.successes_with_input().next_row().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("keep_rows"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn locked_rows_are_sent_again_as_they_were_with_parents_together_and_pauses_that_grow() {
    // Locked twice, unless it is row 3, which is refused for good.
    let org = IngestOrg::new().judge(|row, tries| match (&row[0], tries) {
        ("n3", _) => Err("REQUIRED_FIELD_MISSING:x:LastName --".to_owned()),
        (_, 0 | 1) => Err(lock()),
        _ => Ok(true),
    });
    let csv =
        (0..12).fold("Name,AccountId,Note\n".to_owned(), |csv, i| csv + &format!("n{i},acc{},#N/A\n", i % 3));
    let load = Ingest::insert("Contact").part_rows(5).keep_rows().csv_bytes(csv);
    let loaded = load.run(&org.client()).await.unwrap();
    assert_eq!((loaded.succeeded(), loaded.failed()), (0, 12));

    let before = Instant::now();
    let policy = RetryLocks::default().rounds(4).pause(Duration::from_secs(60)).parent("AccountId");
    let retried = loaded.retry_locked(&org.client(), &policy).await.unwrap();
    assert_eq!((retried.succeeded(), retried.locked, retried.unmatched), (11, 0, 0));
    assert_eq!(
        retried.rounds.iter().map(|r| (r.rows(), r.succeeded())).collect::<Vec<_>>(),
        [(11, 0), (11, 11)]
    );
    assert!(before.elapsed() >= Duration::from_secs(60 + 120));

    // Exactly as they were sent, #N/A and all, and each parent's rows next to each other.
    let uploads = org.uploads();
    let again: Vec<&str> = uploads[3..6].iter().flat_map(|u| u.lines().skip(1)).collect();
    assert_eq!(again.len(), 11);
    assert!(again.iter().all(|row| row.ends_with(",#N/A")), "{again:?}");
    let mut parents: Vec<&str> = again.iter().map(|row| row.split(',').nth(1).unwrap()).collect();
    parents.dedup();
    assert_eq!(parents.len(), 3, "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_round_that_fails_loses_nothing_and_going_on_with_it_writes_each_row_once() {
    // Every row is locked the first time, and odd ones the second time too.
    let org = IngestOrg::new().judge(|row, tries| match (row[0][1..].parse::<u32>().unwrap() % 2, tries) {
        (_, 0) | (1, 1) => Err(lock()),
        _ => Ok(true),
    });
    let csv = (0..12).fold("Name\n".to_owned(), |csv, i| csv + &format!("n{i}\n"));
    let load = Ingest::insert("Contact").part_rows(4).keep_rows().csv_bytes(csv);
    let loaded = load.run(&org.client()).await.unwrap();
    // The first round's first job runs, its second is refused.
    let org = org.fault("create", [Fault::Pass, Fault::Status(400)]);
    let policy = RetryLocks::default();
    let error = loaded.retry_locked(&org.client(), &policy).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Api);
    let retried = error.retried().unwrap();
    assert_eq!((retried.rounds.len(), retried.locked, retried.succeeded()), (1, 12, 2));
    let round = &retried.rounds[0];
    assert_eq!((round.next_row(), round.unsettled().len()), (4, 0));
    assert!(
        error
            .to_string()
            .contains("sent again in 1 rounds, and 2 written; in the last round 4 rows were sent"),
        "{error}"
    );

    let rest = round.retry_locked(&org.client(), &policy).await.unwrap();
    assert_eq!((rest.succeeded(), rest.locked), (10, 0));
    let mut written = org.written();
    written.sort_by_key(|name| name[1..].parse::<u32>().unwrap());
    assert_eq!(written, (0..12).map(|i| format!("n{i}")).collect::<Vec<_>>());
    // A row of a round is found again among those of the first load.
    let mut rounds = rest.rounds.iter().map(|round| round.successes_with_input());
    let mut joined = rounds.next().unwrap();
    let first = &rest.rounds[0];
    while let Some(row) = joined.next_row().await.unwrap() {
        let input = row.input.unwrap();
        assert_eq!(input.cells[0], format!("n{}", first.original_row(input.row).unwrap()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_round_whose_job_is_lost_tells_of_rows_in_doubt_and_does_not_send_them_again() {
    let org = IngestOrg::new().judge(|_, tries| if tries == 0 { Err(lock()) } else { Ok(true) });
    let csv = (0..6).fold("Name\n".to_owned(), |csv, i| csv + &format!("n{i}\n"));
    let load = Ingest::insert("Contact").part_rows(3).keep_rows().csv_bytes(csv);
    let loaded = load.run(&org.client()).await.unwrap();
    // Two calls come before the failures are read; the next asks for the state of the round's first job.
    let org = org
        .fault("patch", [Fault::After])
        .fault("info", [vec![Fault::Pass; 2], vec![Fault::Status(503); 4]].concat());
    let error = loaded.retry_locked(&org.client(), &RetryLocks::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InDoubt);
    let round = &error.retried().unwrap().rounds[0];
    assert_eq!(
        round.unsettled().iter().map(|u| (u.rows.clone(), u.in_doubt)).collect::<Vec<_>>(),
        [(0..3, true)]
    );
    assert_eq!(round.next_row(), 3);
    let rest = round.retry_locked(&org.client(), &RetryLocks::default()).await.unwrap();
    assert_eq!(rest.succeeded(), 3, "only those that were certainly not written");
}

#[tokio::test(start_paused = true)]
async fn rows_that_stay_locked_are_counted_when_the_rounds_are_over() {
    let org = IngestOrg::new().judge(|_, _| Err(lock()));
    let load =
        Ingest::update("Contact").keep_rows().csv_bytes("Id,Name\n0037Q000001abcd,a\n0037Q000001abce,b\n");
    let loaded = load.run(&org.client()).await.unwrap();
    let retried = loaded.retry_locked(&org.client(), &RetryLocks::default().rounds(2)).await.unwrap();
    assert_eq!((retried.rounds.len(), retried.succeeded(), retried.locked), (2, 0, 2));
    let error =
        loaded.retry_locked(&org.client(), &RetryLocks::default().parent("Acount")).await.unwrap_err();
    assert!(error.to_string().contains("no column Acount"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_row_that_cannot_be_read_is_told_once_and_the_rows_behind_it_come_once_each() {
    let info = format!(
        r#"{{"id":"{JOB}","operation":"insert","object":"Contact","createdById":"0057Q0000037T8QQAU","createdDate":"2023-01-26T10:09:27.000+0000","systemModstamp":"2023-01-26T10:09:27.000+0000","state":"JobComplete","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":65.0,"numberRecordsProcessed":4,"numberRecordsFailed":0}}"#
    );
    let file = {
        let mut body = "\"sf__Id\",\"sf__Created\",Name\n".to_owned();
        for (id, name) in
            [("0037Q000001abcd", "a"), ("no id", "b"), ("0037Q000001abcf", "c"), ("0037Q000001abcg", "d")]
        {
            body += &format!("\"{id}\",\"true\",\"{name}\"\n");
        }
        Answer { body: body.into(), ..Answer::json(200, "") }
    };
    // It breaks off within the last row.
    let cut = file.body.len() - 5;
    let script = Script::new([Answer::json(200, &info), file.clone().cut(cut), file]);
    let job = IngestJob::attach(&script.client(), JOB.parse().unwrap(), "65.0".parse().unwrap());
    let mut rows = job.successes().await.unwrap();
    let mut told = Vec::new();
    while told.len() < 9
        && let Some(row) = rows.next_row().await.transpose()
    {
        told.push(match row {
            Ok(row) => row.row.get("Name").unwrap().to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        });
    }
    assert_eq!(told, ["a", "Csv", "c", "d"]);
    assert_eq!(script.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_comes_in_another_order_is_an_error_behind_which_no_row_is_lost_or_comes_twice() {
    let info = format!(
        r#"{{"id":"{JOB}","operation":"insert","object":"Contact","createdById":"0057Q0000037T8QQAU","createdDate":"2023-01-26T10:09:27.000+0000","systemModstamp":"2023-01-26T10:09:27.000+0000","state":"JobComplete","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":65.0,"numberRecordsProcessed":2,"numberRecordsFailed":0}}"#
    );
    let file = |names: [&str; 2]| {
        let line = |name| format!("\"0037Q000001abcd\",\"true\",\"{name}\"\n");
        let body = "\"sf__Id\",\"sf__Created\",Name\n".to_owned() + &names.map(line).concat();
        Answer { body: body.into(), ..Answer::json(200, "") }
    };
    let first = file(["a", "b"]);
    let cut = first.body.len() - 5;
    let script =
        Script::new([Answer::json(200, &info), first.clone().cut(cut), file(["b", "a"]), first.clone()]);
    let job = IngestJob::attach(&script.client(), JOB.parse().unwrap(), "65.0".parse().unwrap());
    let mut rows = job.successes().await.unwrap();
    let mut told = Vec::new();
    while told.len() < 9
        && let Some(row) = rows.next_row().await.transpose()
    {
        told.push(match row {
            Ok(row) => row.row.get("Name").unwrap().to_owned(),
            Err(error) => format!("{:?}", error.kind()),
        });
    }
    assert_eq!(told, ["a", "Counts", "b"]);
    assert_eq!(script.left(), 0);
}
