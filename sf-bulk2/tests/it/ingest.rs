//! Ingest jobs step by step, through everything that can go wrong with one.

use std::time::Duration;

use sf_bulk2::{ColumnDelimiter, ErrorKind, Ingest, IngestJob, LineEnding, Result};
use sf_core::poll::PollPolicy;
use tokio::time::Instant;

use crate::support::ingest::{Fault, IngestOrg};
use crate::support::{Answer, JOB, Script};

fn csv(rows: usize) -> String {
    (0..rows).fold("Name,Note\n".to_owned(), |csv, i| csv + &format!("row {i},\"a, \"\"{i}\"\"\nb\"\n"))
}

async fn load(org: &IngestOrg, rows: usize) -> Result<IngestJob> {
    let job = Ingest::insert("Account").create(&org.client()).await?.expect_rows(Some(rows as u64));
    job.upload(csv(rows)).await?;
    job.close().await?;
    Ok(job)
}

async fn names(job: &IngestJob) -> Result<Vec<String>> {
    let mut successes = job.successes().await?;
    let mut names = Vec::new();
    while let Some(row) = successes.next_row().await? {
        names.push(row.row.get("Name").unwrap().to_owned());
    }
    names.sort_by_key(|n| n[4..].parse::<u32>().unwrap());
    Ok(names)
}

fn expected(rows: usize) -> Vec<String> {
    (0..rows).map(|i| format!("row {i}")).collect()
}

#[tokio::test(start_paused = true)]
async fn rows_are_written_and_each_is_told_with_its_id() {
    let org = IngestOrg::new();
    let job = load(&org, 450).await.unwrap();
    let info = job.wait(&PollPolicy::default()).await.unwrap();
    assert_eq!((info.number_records_processed, info.number_records_failed), (Some(450), Some(0)));
    assert_eq!(names(&job).await.unwrap(), expected(450));
    let first = job.successes().await.unwrap().next_row().await.unwrap().unwrap();
    assert!(first.created);
    assert_eq!(first.row.get("note"), Some("a, \"449\"\nb"));
    assert_eq!(job.tally().await.unwrap().created, 450);
}

#[tokio::test(start_paused = true)]
async fn refused_rows_come_with_code_message_and_fields() {
    let org = IngestOrg::new().judge(|row, _| match row[0].ends_with('3') {
        true => Err("REQUIRED_FIELD_MISSING:Required fields are missing: [Phone]:Phone --".to_owned()),
        false => Ok(true),
    });
    let job = load(&org, 25).await.unwrap();
    job.wait(&PollPolicy::default()).await.unwrap();
    let mut failures = job.failures().await.unwrap();
    assert_eq!(failures.expected(), Some(3));
    let mut seen = Vec::new();
    while let Some(failure) = failures.next_row().await.unwrap() {
        assert_eq!(failure.code, "REQUIRED_FIELD_MISSING");
        assert_eq!(failure.message, "Required fields are missing: [Phone]");
        assert_eq!(failure.fields, ["Phone"]);
        assert!(failure.id.is_none() && !failure.is_lock());
        seen.push(failure.row.get("Name").unwrap().to_owned());
    }
    seen.sort();
    assert_eq!(seen, ["row 13", "row 23", "row 3"]);
    let tally = job.tally().await.unwrap();
    assert_eq!((tally.created, tally.failed, tally.rows()), (22, 3, 25));
}

#[tokio::test(start_paused = true)]
async fn settings_reach_the_org_in_its_own_words_and_outcomes_follow_them() {
    let delimiters = [
        (ColumnDelimiter::Backquote, "BACKQUOTE"),
        (ColumnDelimiter::Caret, "CARET"),
        (ColumnDelimiter::Comma, "COMMA"),
        (ColumnDelimiter::Pipe, "PIPE"),
        (ColumnDelimiter::Semicolon, "SEMICOLON"),
        (ColumnDelimiter::Tab, "TAB"),
    ];
    for (delimiter, word) in delimiters {
        for (ending, ending_word) in [(LineEnding::Lf, "LF"), (LineEnding::Crlf, "CRLF")] {
            let org = IngestOrg::new();
            let ingest = Ingest::insert("Account").column_delimiter(delimiter).line_ending(ending);
            let job = ingest.create(&org.client()).await.unwrap().expect_rows(Some(1));
            let info = serde_json::to_value(job.info().await.unwrap().column_delimiter).unwrap();
            assert_eq!(info, word);
            let info = serde_json::to_value(job.info().await.unwrap().line_ending).unwrap();
            assert_eq!(info, ending_word);
            let (comma, end) = (char::from(delimiter.byte()), ending.as_str());
            job.upload(format!("Name{comma}Note{end}a{comma}b{end}")).await.unwrap();
            job.close().await.unwrap();
            job.wait(&PollPolicy::default()).await.unwrap();
            let row = job.successes().await.unwrap().next_row().await.unwrap().unwrap().row;
            assert_eq!(row.cells().collect::<Vec<_>>(), ["a", "b"], "{word} {ending_word}");
        }
    }
}

#[test]
fn each_operation_is_asked_for_as_the_api_documents_it() {
    let rule = "01Q7Q000000cXyZUAU".parse().unwrap_or_else(|_| "01Q7Q000000cXyZ".parse().unwrap());
    let cases = [
        (Ingest::insert("Lead").assignment_rule(rule), "insert"),
        (Ingest::update("Lead"), "update"),
        (Ingest::upsert("Lead", "Ext__c"), "upsert"),
        (Ingest::delete("Lead"), "delete"),
        (Ingest::hard_delete("Lead"), "hardDelete"),
    ];
    for (ingest, word) in cases {
        let sent = serde_json::to_value(&ingest).unwrap();
        assert_eq!(sent["operation"], word);
        assert_eq!(sent["object"], "Lead");
        assert_eq!(sent["contentType"], "CSV");
        let external = (word == "upsert").then_some("Ext__c");
        assert_eq!(sent.get("externalIdFieldName").and_then(|v| v.as_str()), external);
        assert_eq!(sent.get("assignmentRuleId").is_some(), word == "insert");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_file_that_breaks_off_anywhere_loses_and_repeats_nothing() {
    let whole = 1_100;
    for at in (0..whole).step_by(37) {
        for fault in [Fault::Cut(at), Fault::SilentCut(at)] {
            let org = IngestOrg::new().fault("successfulResults", [fault, Fault::Status(503), Fault::Before]);
            let job = load(&org, 20).await.unwrap();
            job.wait(&PollPolicy::default()).await.unwrap();
            assert_eq!(names(&job).await.unwrap(), expected(20), "{fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_file_that_comes_late_is_waited_for_and_one_that_never_comes_is_in_doubt() {
    let org = IngestOrg::new().late(2);
    let job = load(&org, 20).await.unwrap();
    job.wait(&PollPolicy::default()).await.unwrap();
    assert_eq!(names(&job).await.unwrap(), expected(20));

    let org = IngestOrg::new().late(100);
    let job = load(&org, 20).await.unwrap();
    job.wait(&PollPolicy::default()).await.unwrap();
    let error = names(&job).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InDoubt);
    assert!(error.to_string().contains("has 10 rows, the org counts 20"), "{error}");
    assert_eq!(error.job(), Some(job.id()));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_counts_other_rows_than_were_sent_is_in_doubt() {
    let org = IngestOrg::new();
    let job = load(&org, 20).await.unwrap().expect_rows(Some(21));
    let error = job.wait(&PollPolicy::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InDoubt);
    assert!(error.to_string().contains("21 rows were sent and the org counts 20"), "{error}");

    // Two more looks, in case the count comes late, each after a pause of the caller's policy.
    let org = IngestOrg::new();
    let job = load(&org, 20).await.unwrap().expect_rows(Some(21));
    let minute = Duration::from_secs(60);
    let slow = PollPolicy { initial: minute, max: minute, deadline: None };
    let (calls, before) = (org.calls().len(), Instant::now());
    assert_eq!(job.wait(&slow).await.unwrap_err().kind(), ErrorKind::InDoubt);
    let looks = org.calls().len() - calls;
    assert!(before.elapsed() >= 2 * minute, "{:?}", before.elapsed());
    assert!((3..=4).contains(&looks), "{looks}");
}

#[tokio::test(start_paused = true)]
async fn an_upload_whose_answer_is_lost_is_never_repeated_into_the_same_job() {
    for fault in [Fault::Before, Fault::After, Fault::Status(500)] {
        let org = IngestOrg::new().fault("upload", [fault]);
        let job = Ingest::insert("Account").create(&org.client()).await.unwrap();
        let error = job.upload(csv(3)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UploadLost, "{fault:?}");
        assert_eq!(error.job(), Some(job.id()));
        assert_eq!(org.calls(), ["create", "upload"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_is_lost_makes_another_job_and_counts_the_orphan() {
    let org = IngestOrg::new().fault("create", [Fault::After, Fault::Cut(5)]);
    let job = Ingest::insert("Account").create(&org.client()).await.unwrap();
    assert_eq!(job.orphans(), 2);
    assert_eq!(org.states(), ["Open", "Open", "Open"]);

    let org = IngestOrg::new().fault("create", [vec![Fault::After; 3], vec![Fault::Status(400)]].concat());
    let error = Ingest::insert("Account").create(&org.client()).await.unwrap_err();
    assert!(error.to_string().contains("3 answers were lost: as many jobs may stand in the org"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_good_answer_that_cannot_be_read_is_a_lost_one() {
    let unread = || Answer::json(200, r#"{"job":"made"}"#);
    let error = Ingest::insert("Account").create(&Script::new([unread()]).client()).await.unwrap_err();
    assert!(error.api_error().unwrap().outcome_unknown());
    assert!(error.to_string().contains("as many jobs may stand in the org"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_upload_complete_asks_for_the_state() {
    for (fault, calls) in [
        // It arrived: asking is enough.
        (Fault::After, vec!["patch", "info"]),
        // It did not: asked, and said again.
        (Fault::Before, vec!["patch", "info", "patch"]),
        (Fault::Status(503), vec!["patch", "info", "patch"]),
    ] {
        let org = IngestOrg::new().fault("patch", [fault]);
        let job = load(&org, 5).await.unwrap();
        assert_eq!(org.calls()[2..], calls, "{fault:?}");
        job.wait(&PollPolicy::default()).await.unwrap();
        assert_eq!(org.written().len(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_is_final_only_when_the_counts_stand_still() {
    let org = IngestOrg::new().chunk(10).abort_at(20);
    let job = load(&org, 50).await.unwrap();
    let error = job.wait(&PollPolicy::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobAborted);
    // A chunk of ten was committed after the abort was told with twenty.
    assert!(error.to_string().ends_with("30 of 50 rows were tried, 30 were written and stay"), "{error}");
    let tally = job.tally().await.unwrap();
    assert_eq!((tally.created, tally.unprocessed), (30, 20));
}

#[tokio::test(start_paused = true)]
async fn counts_that_stood_still_before_an_abort_do_not_make_it_final() {
    let org = IngestOrg::new().chunk(10).idle(20).abort_at(0);
    let job = load(&org, 50).await.unwrap();
    let error = job.wait(&PollPolicy::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobAborted);
    assert!(error.to_string().ends_with("10 of 50 rows were tried, 10 were written and stay"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_is_committed_some_time_after_an_abort_is_waited_for() {
    // Five looks and a quarter of a minute after the org says that the job is aborted, early in its life.
    let org = IngestOrg::new().chunk(10).abort_at(20).commit_lag(5);
    let job = load(&org, 50).await.unwrap();
    let error = job.wait(&PollPolicy::default()).await.unwrap_err();
    assert!(error.to_string().ends_with("30 of 50 rows were tried, 30 were written and stay"), "{error}");

    // A deadline that is shorter than the wait does not hide that the job was aborted.
    let org = IngestOrg::new().chunk(10).abort_at(0);
    let job = load(&org, 50).await.unwrap();
    let policy = PollPolicy { deadline: Some(std::time::Duration::from_secs(10)), ..PollPolicy::default() };
    assert_eq!(job.wait(&policy).await.unwrap_err().kind(), ErrorKind::JobAborted);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_leaves_the_job_alone() {
    let org = IngestOrg::new().chunk(1);
    let job = load(&org, 50).await.unwrap();
    let policy = PollPolicy { deadline: Some(std::time::Duration::from_secs(3)), ..PollPolicy::default() };
    let error = job.wait(&policy).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert_eq!(org.calls().iter().filter(|c| *c == "patch" || *c == "delete").count(), 1, "only the close");
    assert_eq!(job.failures().await.unwrap_err().kind(), ErrorKind::NotFinished);
    let again = IngestJob::attach(&org.client(), error.job().unwrap(), job.api_version());
    again.wait(&PollPolicy::default()).await.unwrap();
    assert_eq!(org.written().len(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_answered_with_nothing_is_not_believed() {
    let job = |state| {
        let body = format!(
            r#"{{"id":"{JOB}","operation":"insert","object":"Account","state":"{state}","apiVersion":65.0}}"#
        );
        Answer::json(200, &body)
    };
    let nothing = || Answer::json(200, "");
    for (answers, closed) in [
        (vec![nothing(), job("Open"), job("UploadComplete")], true),
        (vec![nothing(), job("InProgress")], true),
        (vec![job("Open"), job("Open"), job("InProgress")], true),
        ((0..4).flat_map(|_| [nothing(), job("Open")]).collect(), false),
    ] {
        let script = Script::new(answers);
        let job = IngestJob::attach(&script.client(), JOB.parse().unwrap(), "65.0".parse().unwrap());
        assert_eq!(job.close().await.is_ok(), closed, "{:?}", script.asked());
        assert_eq!(script.left(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_web_page_with_a_good_status_is_no_answer_of_the_org() {
    // What an edge server or a login host says; the org has seen nothing of the call.
    let page = Fault::Status(200);
    let org = IngestOrg::new().fault("upload", [page]);
    let job = Ingest::insert("Account").create(&org.client()).await.unwrap();
    assert_eq!(job.upload(csv(5)).await.unwrap_err().kind(), ErrorKind::UploadLost);

    let org = IngestOrg::new().fault("upload", [page]).fault("patch", [Fault::Pass, page]);
    let load = Ingest::insert("Account").csv_bytes(csv(5));
    let loaded = load.run(&org.client()).await.unwrap();
    assert_eq!((loaded.rows(), loaded.unprocessed()), (5, 0));
    assert_eq!(
        (loaded.jobs()[0].abandoned.len(), org.states()),
        (1, vec!["Aborted".to_owned(), "JobComplete".to_owned()])
    );

    // Nor is one a list of rows, whose columns it does not have; that of unprocessed rows may have any.
    let org = IngestOrg::new();
    let routes = ["successfulResults", "failedResults", "unprocessedrecords"];
    let org = routes.into_iter().fold(org, |org, route| org.fault(route, [page]));
    let loaded = Ingest::insert("Account").csv_bytes(csv(5)).run(&org.client()).await.unwrap();
    assert_eq!(loaded.tally().await.unwrap().rows(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_delete_whose_answer_was_lost_is_repeated_and_finds_nothing_left() {
    let org = IngestOrg::new().fault("delete", [Fault::After]);
    let job = load(&org, 3).await.unwrap();
    job.wait(&PollPolicy::default()).await.unwrap();
    job.delete().await.unwrap();
    assert_eq!(org.calls().iter().filter(|c| *c == "delete").count(), 2);
    assert_eq!(job.info().await.unwrap_err().kind(), ErrorKind::JobGone);
}

#[tokio::test(start_paused = true)]
async fn rows_can_be_read_as_a_stream_of_structs() {
    use futures_util::TryStreamExt;
    #[derive(serde::Deserialize)]
    struct Row {
        #[serde(rename = "Name")]
        name: String,
    }
    let org = IngestOrg::new();
    let job = load(&org, 3).await.unwrap();
    job.wait(&PollPolicy::default()).await.unwrap();
    let rows: Vec<_> = job.successes().await.unwrap().stream().try_collect().await.unwrap();
    let names: Vec<_> = rows.iter().map(|s| s.row.deserialize::<Row>().unwrap().name).collect();
    assert_eq!(names, ["row 2", "row 1", "row 0"]);
    assert_eq!(rows[0].row.deserialize::<(u8, u8)>().unwrap_err().kind(), ErrorKind::Row);
}
