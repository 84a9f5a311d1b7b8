//! Loads of any size: rows and CSV of all kinds, cut into jobs, through everything that can go wrong.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use sf_bulk2::{ColumnDelimiter, ErrorKind, Ingest, LineEnding, Loaded, Nulls, Replay};
use sf_core::record::{Columns, Extra, Field, FieldType, Record, Schema};

use crate::support::ingest::{Fault, IngestOrg};

#[derive(Serialize, Clone)]
#[serde(rename_all = "PascalCase")]
struct Account {
    name: String,
    active: bool,
    phone: Option<String>,
}

fn accounts(count: usize) -> Vec<Account> {
    (0..count)
        .map(|i| Account {
            name: format!("row {i}, \"x\"\ny"),
            active: i % 2 == 0,
            phone: (i % 3 > 0).then(|| i.to_string()),
        })
        .collect()
}

fn small() -> Ingest {
    Ingest::insert("Account").part_rows(10)
}

/// The first cells of what was written, sorted.
fn names(org: &IngestOrg) -> Vec<String> {
    let mut names: Vec<_> =
        org.written().iter().map(|raw| raw.split(',').next().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn numbered(count: usize) -> String {
    (0..count).fold("Name,Note\n".to_owned(), |csv, i| csv + &format!("n{i:04},x\n"))
}

fn expected(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("n{i:04}")).collect()
}

#[tokio::test(start_paused = true)]
async fn structs_are_written_over_several_jobs_and_told_row_by_row() {
    let org = IngestOrg::new();
    let loaded = small().rows(stream::iter(accounts(25)), Nulls::SetNull).run(&org.client()).await.unwrap();
    assert_eq!((loaded.rows(), loaded.succeeded(), loaded.failed(), loaded.next_row()), (25, 25, 0, 25));
    assert_eq!(
        loaded.jobs().iter().map(|j| (j.first_row, j.rows)).collect::<Vec<_>>(),
        [(0, 10), (10, 10), (20, 5)]
    );
    let uploads = org.uploads();
    assert!(
        uploads[2].starts_with(
            "Name,Active,Phone\n\"row 20, \"\"x\"\"\ny\",true,20\n\"row 21, \"\"x\"\"\ny\",false,#N/A\n"
        ),
        "{}",
        uploads[2]
    );
    assert_eq!(loaded.tally().await.unwrap().created, 25);
    let rows: Vec<_> = loaded.successes().try_collect().await.unwrap();
    assert_eq!(rows.len(), 25);
    assert_eq!(rows.iter().filter(|s| s.row.get("Phone") == Some("")).count(), 9);
}

#[tokio::test(start_paused = true)]
async fn the_null_policy_decides_what_a_missing_value_does() {
    for (nulls, cell) in [(Nulls::Ignore, "a,true,\n"), (Nulls::SetNull, "a,true,#N/A\n")] {
        let org = IngestOrg::new();
        let row = Account { name: "a".into(), active: true, phone: None };
        Ingest::update("Account").rows(stream::iter([row]), nulls).run(&org.client()).await.unwrap();
        assert_eq!(org.uploads(), ["Name,Active,Phone\n".to_owned() + cell]);
    }
}

#[tokio::test(start_paused = true)]
async fn records_of_a_query_are_written_with_their_own_columns() {
    let fields = [
        ("Id", FieldType::Id),
        ("Amount", FieldType::Currency),
        ("CloseDate", FieldType::Date),
        ("Note", FieldType::String),
    ];
    let schema = Arc::new(Schema::new("Opportunity", fields.map(|(n, t)| Field::new(n, t)).into()).unwrap());
    let columns = Arc::new(Columns::new(&schema, ["Id", "Amount", "CloseDate"], Extra::Refuse).unwrap());
    let record = |cells: [&str; 3]| {
        let mut record = Record::new(Arc::clone(&columns));
        record.set_cells(cells).unwrap();
        Ok::<_, std::io::Error>(record)
    };
    let rows = [record(["0067Q000001", "1.5E3", "2024-02-29"]), record(["0067Q000002", "0.10", ""])];
    let org = IngestOrg::new();
    let loaded = Ingest::update("Opportunity")
        .records(stream::iter(rows), Nulls::SetNull)
        .run(&org.client())
        .await
        .unwrap();
    assert_eq!(loaded.succeeded(), 2);
    assert_eq!(org.uploads(), ["Id,Amount,CloseDate\n0067Q000001,1500,2024-02-29\n0067Q000002,0.10,#N/A\n"]);
}

#[tokio::test(start_paused = true)]
async fn csv_is_cut_between_records_at_the_exact_byte_and_each_record_goes_once() {
    // A header of 10 bytes and records of 8: four records in 42 bytes, and not one more.
    for (bytes, jobs) in [(42, 25), (49, 25), (50, 20)] {
        let org = IngestOrg::new();
        let loaded = Ingest::insert("Account")
            .part_bytes(bytes)
            .csv_bytes(numbered(100))
            .run(&org.client())
            .await
            .unwrap();
        assert_eq!(loaded.jobs().len(), jobs, "{bytes}");
        assert!(org.uploads().iter().all(|u| u.len() <= bytes && u.starts_with("Name,Note\n")));
        assert_eq!(names(&org), expected(100));
    }
}

#[tokio::test(start_paused = true)]
async fn a_csv_file_of_a_spreadsheet_is_read_as_it_is() {
    let dir = std::env::temp_dir().join(format!("sf-bulk2-it-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("contacts.csv");
    // A byte order mark, CRLF, semicolons, an empty line and no line end at the end.
    std::fs::write(&path, "\u{feff}Name;Note\r\nn0000;\"a; \"\"b\"\"\"\r\n\r\nn0001;é").unwrap();
    let org = IngestOrg::new();
    let ingest = Ingest::insert("Contact").column_delimiter(ColumnDelimiter::Semicolon);
    let loaded = ingest.csv_file(&path).run(&org.client()).await.unwrap();
    assert_eq!(loaded.succeeded(), 2);
    assert_eq!(org.uploads(), ["Name;Note\nn0000;\"a; \"\"b\"\"\"\nn0001;é\n"]);

    std::fs::write(&path, "Name,Note\nn0000,x\nn0001,\"y\n").unwrap();
    let error = Ingest::insert("Contact").csv_file(&path).run(&org.client()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let text = error.to_string();
    assert!(
        text.starts_with("line 3 of ")
            && text.contains("contacts.csv: the quoted cell 2 is never closed (1 rows came before it)"),
        "{text}"
    );

    let error =
        Ingest::insert("Contact").csv_file(dir.join("none.csv")).run(&org.client()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    std::fs::remove_dir_all(dir).unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_jobs_line_ending_is_written_whatever_the_data_has() {
    let org = IngestOrg::new();
    let ingest = Ingest::insert("Account").line_ending(LineEnding::Crlf);
    ingest.csv_bytes("Name,Note\na,b\r\nc,\"d\r\ne\"\n").run(&org.client()).await.unwrap();
    assert_eq!(org.uploads(), ["Name,Note\r\na,b\r\nc,\"d\r\ne\"\r\n"]);
    let org = IngestOrg::new();
    let load = Ingest::insert("Account").convert_line_ends().csv_bytes("Name,Note\na,\"b\r\nc\"\n");
    load.run(&org.client()).await.unwrap();
    assert_eq!(org.uploads(), ["Name,Note\na,\"b\nc\"\n"]);
}

#[tokio::test(start_paused = true)]
async fn data_that_is_no_csv_is_refused_with_its_line_before_it_is_sent() {
    let cases: [(&[u8], &str); 11] = [
        (b"", "the data is empty: it has no header line"),
        (b"A,B\n1,2\n3\n", "line 3 of the data: the row has 1 cells, the header has 2"),
        (b"A,B\n1,2,3\n", "line 2 of the data: the row has 3 cells, the header has 2"),
        (b"A,a\n", "line 1 of the data: the header has the column a twice"),
        (b"A,\n", "line 1 of the data: column 2 of the header has no name"),
        (b"A,B\n1,\"x\ny\"\n\xff,2\n", "line 4 of the data: the line is not UTF-8"),
        (b"A\n1\n\n2\n", "line 4 of the data: line 3 before it is empty"),
        (b"A,B\n1,x\"y\n", "line 2 of the data: cell 2 has a quote and does not begin with one"),
        (
            b"\xff\xfe\"\0A\0\"\0\n\0",
            "line 1 of the data: it is not UTF-8 but looks like UTF-16: save it as UTF-8",
        ),
        (b"A,B\r1,2\r", "line 1 of the data: a carriage return ends no line"),
        (b"\n\r\n", "the data is empty: it has no header line"),
    ];
    for (data, text) in cases {
        let org = IngestOrg::new();
        let error = Ingest::insert("Account").csv_bytes(data).run(&org.client()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with(text), "{error}");
        assert!(org.calls().is_empty(), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_column_without_a_value_is_a_row_all_the_same() {
    let org = IngestOrg::new();
    let rows = [BTreeMap::from([("Name", Some("a"))]), BTreeMap::from([("Name", None)])];
    let loaded =
        Ingest::insert("Account").rows(stream::iter(rows), Nulls::Ignore).run(&org.client()).await.unwrap();
    assert_eq!(loaded.succeeded(), 2);
    assert_eq!(org.uploads(), ["Name\na\n\"\"\n"]);
}

#[tokio::test(start_paused = true)]
async fn no_rows_make_no_job() {
    let org = IngestOrg::new();
    let rows = stream::iter(Vec::<Account>::new());
    assert_eq!(small().rows(rows, Nulls::Ignore).run(&org.client()).await.unwrap().jobs().len(), 0);
    assert_eq!(small().csv_bytes("Name\n").run(&org.client()).await.unwrap().rows(), 0);
    assert!(org.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_has_ended_is_not_asked_again() {
    let org = IngestOrg::new();
    // Panics where it is asked for more than its end.
    let rows =
        || stream::unfold(accounts(25).into_iter(), async |mut left| left.next().map(|row| (row, left)));
    for rows in
        [small().rows(rows(), Nulls::Ignore), small().replay(Replay::Spool).rows(rows(), Nulls::Ignore)]
    {
        assert_eq!(rows.run(&org.client()).await.unwrap().succeeded(), 25);
    }
}

#[tokio::test(start_paused = true)]
async fn only_so_many_parts_are_there_at_once() {
    let org = IngestOrg::new().chunk(1);
    let pulled = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&pulled);
    let rows = stream::iter(accounts(1000)).inspect(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let mut ahead = 0;
    let mut done = 0;
    let seen = Arc::clone(&pulled);
    let load = small().jobs_in_flight(3).rows(rows, Nulls::Ignore).on_job(|job| {
        done += usize::try_from(job.rows).unwrap();
        ahead = ahead.max(seen.load(Ordering::Relaxed) - done);
    });
    load.run(&org.client()).await.unwrap();
    assert_eq!(done, 1000);
    // Three parts of ten in flight, and the one being cut with the row that did not fit.
    assert!((20..=41).contains(&ahead), "{ahead}");
}

#[tokio::test(start_paused = true)]
async fn parts_that_the_org_has_leave_their_place_to_others() {
    let org = IngestOrg::new().chunk(1);
    let (mut pulled, most_here) = (0, AtomicUsize::new(0));
    let rows = stream::iter(accounts(200)).inspect(|_| {
        pulled += 1;
        most_here.fetch_max(pulled - 10 * org.uploads().len(), Ordering::Relaxed);
    });
    let (mut done, mut most_there) = (0, 0);
    let load = small().uploads_in_flight(1).jobs_in_flight(5).rows(rows, Nulls::Ignore).on_job(|_| {
        most_there = most_there.max(org.uploads().len() - done);
        done += 1;
    });
    assert_eq!(load.run(&org.client()).await.unwrap().succeeded(), 200);
    // One that is uploaded, and the one being cut with the row that did not fit; and five that the org works on.
    assert!((11..=21).contains(&most_here.into_inner()));
    assert_eq!(most_there, 5);
}

#[tokio::test(start_paused = true)]
async fn whatever_answer_is_lost_each_row_is_written_once() {
    for route in ["create", "upload", "patch", "info"] {
        for fault in [Fault::Before, Fault::After, Fault::Status(500), Fault::Status(503), Fault::Status(429)]
        {
            let org = IngestOrg::new().chunk(4).fault(route, [fault, fault]);
            let loaded = small().jobs_in_flight(2).csv_bytes(numbered(35)).run(&org.client()).await;
            let loaded = loaded.unwrap_or_else(|e| panic!("{route} {fault:?}: {e:?}"));
            assert_eq!(names(&org), expected(35), "{route} {fault:?}");
            assert_eq!(loaded.succeeded(), 35);
            assert_eq!(loaded.tally().await.unwrap().created, 35);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_without_an_answer_is_aborted_and_sent_in_another_job() {
    let org = IngestOrg::new().fault("upload", [Fault::After, Fault::Before]);
    let loaded = Ingest::insert("Account").csv_bytes(numbered(3)).run(&org.client()).await.unwrap();
    assert_eq!(org.states(), ["Aborted", "Aborted", "JobComplete"]);
    assert_eq!(names(&org), expected(3));
    let abandoned: Vec<_> = loaded.jobs()[0].abandoned.iter().map(ToString::to_string).collect();
    assert_eq!(
        abandoned.iter().map(|id| &id[..15]).collect::<Vec<_>>(),
        ["7507Q0000000000", "7507Q0000000001"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_the_close_with_no_way_to_ask_is_in_doubt() {
    let org = IngestOrg::new().fault("patch", [Fault::After]).fault("info", [Fault::Status(503); 4]);
    let error = Ingest::insert("Account").csv_bytes(numbered(3)).run(&org.client()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InDoubt);
    assert!(error.job().is_some());
    assert_eq!(org.uploads().len(), 1, "nothing is sent again");
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_refused_after_a_lost_one_leaves_its_rows_in_doubt() {
    // The first may arrive yet, and the job can neither be closed nor aborted meanwhile.
    let faults = [Fault::Before, Fault::Status(400), Fault::Status(400)];
    let org = IngestOrg::new().fault("patch", faults);
    let error = Ingest::insert("Account").csv_bytes(numbered(3)).run(&org.client()).await.unwrap_err();
    let [unsettled] = error.loaded().unwrap().unsettled() else { panic!("{error}") };
    assert!(unsettled.in_doubt && unsettled.rows == (0..3), "{unsettled:?}");

    // Refused from the first time on, it is certain.
    let org = IngestOrg::new().fault("patch", [Fault::Status(400); 2]);
    let error = Ingest::insert("Account").csv_bytes(numbered(3)).run(&org.client()).await.unwrap_err();
    let loaded = error.loaded().unwrap();
    assert_eq!((loaded.unsettled().len(), loaded.next_row()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn orphans_of_a_job_that_had_to_be_abandoned_are_counted_too() {
    let org = IngestOrg::new().fault("create", [Fault::After]).fault("upload", [Fault::After]);
    let loaded = Ingest::insert("Account").csv_bytes(numbered(3)).run(&org.client()).await.unwrap();
    assert_eq!(org.states(), ["Open", "Aborted", "JobComplete"]);
    assert_eq!(loaded.orphans(), 1);
}

#[tokio::test(start_paused = true)]
async fn orphans_of_rows_that_came_into_no_job_are_counted_as_well() {
    // As often as a call is tried; and once, before the upload of another job is lost as often.
    let org = IngestOrg::new().fault("create", [Fault::After; 4]);
    let error = Ingest::insert("Account").csv_bytes(numbered(3)).run(&org.client()).await.unwrap_err();
    assert_eq!((org.states().len(), error.loaded().unwrap().orphans()), (4, 4));

    let org = IngestOrg::new().fault("create", [Fault::After]).fault("upload", [Fault::After; 4]);
    let error = Ingest::insert("Account").csv_bytes(numbered(3)).run(&org.client()).await.unwrap_err();
    assert_eq!(org.states(), ["Open", "Aborted", "Aborted", "Aborted", "Aborted"]);
    assert_eq!(error.loaded().unwrap().orphans(), 1);

    // The second job cannot be made: what was lost for the first and for it are told together.
    let creates = [Fault::After, Fault::Pass, Fault::After, Fault::Status(400)];
    let org = IngestOrg::new().fault("create", creates).fault("upload", [Fault::Before]);
    let error = Ingest::insert("Account").csv_bytes(numbered(3)).run(&org.client()).await.unwrap_err();
    assert_eq!(error.loaded().unwrap().orphans(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_breaks_after_long_work_is_sent_again_all_the_same() {
    // Longer than the time in which a call is tried again.
    let org = IngestOrg::new().upload_takes(Duration::from_secs(400)).fault("upload", [Fault::After]);
    let loaded = Ingest::insert("Account").csv_bytes(numbered(3)).run(&org.client()).await.unwrap();
    assert_eq!((names(&org), loaded.jobs()[0].abandoned.len()), (expected(3), 1));
}

#[tokio::test(start_paused = true)]
async fn a_load_that_has_to_stop_does_not_wait_for_more_rows() {
    let org = IngestOrg::new().unknown_field("Name");
    let rows = stream::iter(accounts(15)).chain(stream::pending());
    let client = org.client();
    let ended =
        tokio::time::timeout(Duration::from_secs(3600), small().rows(rows, Nulls::Ignore).run(&client));
    let error = ended.await.expect("no more rows come").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobFailed);
    let loaded = error.loaded().unwrap();
    assert_eq!((loaded.rows(), loaded.next_row(), org.uploads().len()), (10, 10, 1));
}

#[tokio::test(start_paused = true)]
async fn a_load_stops_at_the_first_job_that_fails_and_says_where_it_was() {
    let org = IngestOrg::new().unknown_field("Emial");
    let csv = numbered(45).replace("Note", "Emial");
    let error = small().jobs_in_flight(2).csv_bytes(csv).run(&org.client()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobFailed);
    let loaded = error.loaded().unwrap();
    assert_eq!((loaded.succeeded(), loaded.unprocessed()), (0, loaded.rows()));
    assert!(loaded.next_row() <= 30, "{loaded}");
    let text = error.to_string();
    assert!(
        text.contains(
            "InvalidBatch : Field name not found : Emial; 0 of 10 rows were tried; nothing was written"
        ),
        "{text}"
    );
    assert!(text.contains(&format!("rows from {} on were not written", loaded.next_row())), "{text}");
    // What was not tried can be had back, and sent again elsewhere.
    let rows: Vec<_> = loaded.unprocessed_rows().try_collect().await.unwrap();
    assert_eq!(rows.len() as u64, loaded.rows());
}

/// Each of `count` rows is told of once, and what is told is what the org has.
async fn accounted(org: &IngestOrg, loaded: &Loaded, count: u64, case: &str) {
    let mut ranges: Vec<_> = loaded.jobs().iter().map(|j| j.first_row..j.first_row + j.rows).collect();
    ranges.extend(loaded.unsettled().iter().map(|u| u.rows.clone()));
    ranges.push(loaded.next_row()..count);
    ranges.sort_by_key(|r| (r.start, r.end));
    assert_eq!(ranges[0].start, 0, "{case}: {loaded}");
    assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start), "{case}: {ranges:?}");

    let mut written: BTreeMap<String, usize> = BTreeMap::new();
    for name in names(org) {
        *written.entry(name).or_default() += 1;
    }
    assert!(written.values().all(|times| *times == 1), "{case}: {written:?}");
    let tried: u64 = loaded.jobs().iter().filter_map(|j| j.info.number_records_processed).sum();
    let doubted = loaded.unsettled().iter().filter(|u| u.in_doubt).map(|u| u.rows.clone());
    let doubted: Vec<u64> =
        doubted.flatten().filter(|row| written.remove(&format!("n{row:04}")).is_some()).collect();
    assert_eq!(written.len() as u64, tried, "{case}: beside {doubted:?} only rows of jobs are written");
    let unwritten = loaded.unsettled().iter().filter(|u| !u.in_doubt).flat_map(|u| u.rows.clone());
    for row in unwritten.chain(loaded.next_row()..count) {
        assert!(!written.contains_key(&format!("n{row:04}")), "{case}: row {row} was written");
    }
}

#[tokio::test(start_paused = true)]
async fn every_row_of_a_load_that_stops_is_told_of() {
    let mut stopped = 0;
    for route in ["create", "upload", "patch", "info"] {
        for fault in [Fault::Status(400), Fault::Status(503), Fault::After, Fault::Before, Fault::Cut(3)] {
            for pass in 0..4 {
                for times in [1, 40] {
                    let case = format!("{pass} calls of {route} pass, then {fault:?} {times} times");
                    let faults = [vec![Fault::Pass; pass], vec![fault; times]].concat();
                    let org = IngestOrg::new().chunk(4).fault(route, faults);
                    match small().jobs_in_flight(3).csv_bytes(numbered(55)).run(&org.client()).await {
                        Ok(loaded) => {
                            assert!(loaded.unsettled().is_empty(), "{case}");
                            accounted(&org, &loaded, 55, &case).await;
                            assert_eq!(names(&org), expected(55), "{case}");
                        }
                        Err(error) => {
                            stopped += 1;
                            accounted(&org, error.loaded().unwrap(), 55, &case).await;
                        }
                    }
                }
            }
        }
    }
    assert!(stopped > 80, "{stopped}");
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_refused_while_later_ones_are_written_is_told_with_its_reason() {
    // Each job takes some time, so that three run at once.
    let org = IngestOrg::new().chunk(4).fault("create", [Fault::Pass, Fault::Status(400)]);
    let error = small().jobs_in_flight(3).csv_bytes(numbered(45)).run(&org.client()).await.unwrap_err();
    let loaded = error.loaded().unwrap();
    assert_eq!(loaded.jobs().iter().map(|j| j.first_row).collect::<Vec<_>>(), [0, 20]);
    let [unsettled] = loaded.unsettled() else { panic!("{loaded}") };
    assert_eq!((unsettled.rows.clone(), unsettled.in_doubt, unsettled.job), (10..20, false, None));
    assert_eq!((unsettled.kind, loaded.next_row()), (ErrorKind::Api, 30));
    assert!(unsettled.reason.starts_with("the job could not be made: POST jobs/ingest"), "{unsettled:?}");
    assert!(
        error.to_string().ends_with("; rows 10 to 19 were not written; rows from 30 on were not written"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn refused_parts_behind_all_that_is_written_are_simply_where_to_go_on() {
    let org = IngestOrg::new().fault("create", [vec![Fault::Pass], vec![Fault::Status(400); 9]].concat());
    let error = small().jobs_in_flight(3).csv_bytes(numbered(45)).run(&org.client()).await.unwrap_err();
    let loaded = error.loaded().unwrap();
    assert_eq!((loaded.succeeded(), loaded.unsettled().len(), loaded.next_row()), (10, 0, 10));
}

#[tokio::test(start_paused = true)]
async fn rows_whose_job_cannot_be_asked_any_more_are_in_doubt_with_its_id() {
    let faults = [vec![Fault::Pass], vec![Fault::Status(404); 1]].concat();
    let org = IngestOrg::new().fault("info", faults);
    let error = small().jobs_in_flight(2).csv_bytes(numbered(20)).run(&org.client()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobGone);
    let loaded = error.loaded().unwrap();
    let [unsettled] = loaded.unsettled() else { panic!("{loaded}") };
    assert!(unsettled.in_doubt && unsettled.job == error.job(), "{unsettled:?}");
    assert!(error.to_string().contains(&format!("are in doubt (job {})", error.job().unwrap())), "{error}");
    assert_eq!((loaded.succeeded(), loaded.next_row(), org.uploads().len()), (10, 20, 2));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_ends_the_load_where_it_was() {
    let org = IngestOrg::new();
    let rows = accounts(25).into_iter().map(Ok).chain([Err(std::io::Error::other("the database is gone"))]);
    let error = small().try_rows(stream::iter(rows), Nulls::Ignore).run(&org.client()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let loaded = error.loaded().unwrap();
    assert_eq!((loaded.succeeded(), loaded.next_row()), (20, 20));
    assert!(error.to_string().starts_with("the source failed at row 26"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn refused_rows_are_no_error_and_come_with_their_reasons() {
    let org = IngestOrg::new().judge(|row, _| match row[0].ends_with("7") {
        true => Err("STRING_TOO_LONG:Name: data value too large: x (max length=80):Name --".into()),
        false => Ok(row[0].ends_with("1")),
    });
    let loaded = small().csv_bytes(numbered(30)).run(&org.client()).await.unwrap();
    assert_eq!((loaded.succeeded(), loaded.failed()), (27, 3));
    let mut failed: Vec<_> = loaded
        .failures()
        .map_ok(|f| (f.code, f.row.get("Name").unwrap().to_owned()))
        .try_collect()
        .await
        .unwrap();
    failed.sort();
    assert_eq!(failed, ["n0007", "n0017", "n0027"].map(|n| ("STRING_TOO_LONG".to_owned(), n.to_owned())));
    let tally = loaded.tally().await.unwrap();
    assert_eq!((tally.created, tally.updated, tally.failed, tally.unprocessed), (3, 24, 3, 0));
}

#[tokio::test]
async fn limits_that_no_job_takes_are_refused_at_once() {
    let org = IngestOrg::new();
    let error = Ingest::insert("Account")
        .part_bytes(200_000_000)
        .csv_bytes("A\n1\n")
        .run(&org.client())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let error = Ingest::insert("Account")
        .part_bytes(20)
        .csv_bytes("A\n12345678901234567890\n")
        .run(&org.client())
        .await
        .unwrap_err();
    assert!(error.to_string().starts_with("line 2 of the data: the row has 21 bytes"), "{error}");
}

#[tokio::test]
async fn a_load_can_run_as_a_task_of_its_own() {
    let org = IngestOrg::new();
    let client = org.client();
    let rows = tokio::spawn(async move {
        let loaded = small().rows(stream::iter(accounts(5)), Nulls::Ignore).run(&client).await.unwrap();
        loaded.successes().count().await
    });
    assert_eq!(rows.await.unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_quote_that_is_never_closed_does_not_take_all_memory() {
    use tokio::io::AsyncReadExt;
    let org = IngestOrg::new();
    // Data without an end: only a bound makes this test end.
    let endless = (&b"A,B\n1,2\n3,\"x\n"[..]).chain(tokio::io::repeat(b'y'));
    let error = Ingest::insert("Account").part_bytes(1000).csv(endless).run(&org.client()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let text = "line 3 of the data: the quoted cell 2 that begins on line 3 goes on for more than 1000 bytes";
    assert!(error.to_string().starts_with(text), "{error}");
    let endless = (&b"A,B\n1,"[..]).chain(tokio::io::repeat(b'y'));
    let error = Ingest::insert("Account").part_bytes(1000).csv(endless).run(&org.client()).await.unwrap_err();
    assert!(error.to_string().starts_with("line 2 of the data: the row is longer than"), "{error}");
}
