//! What a real org answered, read by this crate. The recordings are no part of the repository.

use std::io::Write;
use std::path::Path;

use serde_json::Value;
use sf_bulk2::{ErrorKind, Ingest, IngestJob, JobState, Locator, Position, Query, QueryJob};
use sf_core::record::{Field, FieldType, Schema};

use crate::support::{Answer, Script};

fn recorded(file: &str) -> Option<(Answer, Value)> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/recorded/sf-fx-runtime-java").join(file);
    let Ok(text) = std::fs::read(&path) else {
        let required = std::env::var("SF_TESTS_REQUIRE").is_ok_and(|r| r.contains("shared"));
        assert!(!required, "{file} is required and absent");
        // The test harness swallows what print macros say in a test that passes.
        let line = format!("skipped: ../shared is absent: recorded answer {file}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return None;
    };
    let case: Value = serde_json::from_slice(&text).unwrap();
    let response = &case["response"];
    let mut answer = Answer::json(
        u16::try_from(response["status"].as_u64().unwrap()).unwrap(),
        response["body"].as_str().unwrap_or_default(),
    );
    answer.headers.clear();
    for name in ["Content-Type", "Sforce-Locator", "Sforce-NumberOfRecords", "Sforce-Limit-Info", "Date"] {
        if let Some(value) = response["headers"][name].as_str() {
            answer.headers.push((Box::leak(name.to_ascii_lowercase().into_boxed_str()), value.to_owned()));
        }
    }
    Some((answer, case))
}

#[tokio::test]
async fn a_recorded_job_is_made_waited_for_and_read_over_two_pages() {
    let (Some((create, _)), Some((info, info_case)), Some((first, first_case)), Some((last, last_case))) = (
        recorded("bulk-query-create.json"),
        recorded("bulk-query-get-info.json"),
        recorded("bulk-query-get-results-limited.json"),
        recorded("bulk-query-get-results-limited-next.json"),
    ) else {
        return;
    };
    let script = Script::new([create, info, first, last]);
    let job = Query::new("SELECT Name, Type, Industry FROM Account").create(&script.client()).await.unwrap();
    assert_eq!(job.api_version().number(), "53.0");
    let done = job.wait(&sf_core::poll::PollPolicy::default()).await.unwrap();
    assert_eq!(done.state, JobState::JobComplete);
    assert_eq!(done.number_records_processed, Some(13), "{info_case}");

    let names = ["Name", "Type", "Industry"].map(|n| Field::new(n, FieldType::String));
    let schema = std::sync::Arc::new(Schema::new("Account", names.into()).unwrap());
    let mut pages = job.pages(Position::START).max_records(10).expect_total(done.number_records_processed);
    let mut rows = Vec::new();
    let mut positions = Vec::new();
    while pages.next_page().await.unwrap().is_some() {
        let mut row = pages.record(&schema).unwrap();
        while pages.next_row(&mut row).await.unwrap() {
            rows.push([0, 1, 2].map(|i| row.cell(i).unwrap().to_owned()));
        }
        positions.push(pages.position());
    }
    assert_eq!(positions, [Some(Position { before: Some(10), ..Position::page(Locator::new("MTA")) }), None]);
    assert_eq!(rows.len(), 13);
    assert_eq!(rows[0], ["Beispielaccount für Ansprüche", "", ""]);
    // The same rows as the csv crate reads from the recorded bodies.
    let bodies = [first_case, last_case].map(|c| c["response"]["body"].as_str().unwrap().to_owned());
    let expected: Vec<Vec<String>> = bodies
        .iter()
        .flat_map(|b| {
            csv::Reader::from_reader(b.as_bytes()).into_records().map(Result::unwrap).collect::<Vec<_>>()
        })
        .map(|r| r.iter().map(str::to_owned).collect())
        .collect();
    assert_eq!(rows.iter().map(|r| r.to_vec()).collect::<Vec<_>>(), expected);
    let asked = script.asked();
    assert!(asked[2].ends_with("/results?maxRecords=10"), "{asked:?}");
    assert!(asked[3].ends_with("/results?locator=MTA&maxRecords=10"), "{asked:?}");
}

#[tokio::test]
async fn a_recorded_whole_result_is_written_byte_for_byte() {
    let Some((answer, case)) = recorded("bulk-query-get-results.json") else { return };
    let script = Script::new([answer]);
    let job =
        QueryJob::attach(&script.client(), "7507Q000009f8jvQAA".parse().unwrap(), "53.0".parse().unwrap());
    let mut out = Vec::new();
    job.pages(Position::START).write_to(&mut out).await.unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), case["response"]["body"].as_str().unwrap());
}

#[tokio::test]
async fn a_recorded_delete_is_understood() {
    let Some((answer, _)) = recorded("bulk-query-delete.json") else { return };
    let script = Script::new([answer]);
    let job =
        QueryJob::attach(&script.client(), "7507Q000009f8jvQAA".parse().unwrap(), "53.0".parse().unwrap());
    job.delete().await.unwrap();
    assert_eq!(script.asked(), ["DELETE /services/data/v53.0/jobs/query/7507Q000009f8jvQAA"]);
}

fn ingest_job(script: &Script) -> IngestJob {
    IngestJob::attach(&script.client(), "7507Q000009f52jQAA".parse().unwrap(), "53.0".parse().unwrap())
}

#[tokio::test]
async fn a_recorded_load_is_made_uploaded_closed_and_its_failure_told() {
    let names = ["create", "upload", "close", "get-info"];
    let mut answers = Vec::new();
    for name in names {
        let Some((answer, _)) = recorded(&format!("bulk-ingest-{name}.json")) else { return };
        answers.push(answer);
    }
    let script = Script::new(answers);
    let job = Ingest::insert("Asset").create(&script.client()).await.unwrap().expect_rows(Some(2));
    job.upload("Name,Employees\nFoo,12\nBar,1138\n").await.unwrap();
    job.close().await.unwrap();
    let error = job.wait(&sf_core::poll::PollPolicy::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobFailed);
    assert_eq!(
        error.to_string(),
        "job 7507Q000009f52jQAA: failed in the org: InvalidBatch : InvalidBatch : Field name not found : Employees; \
         0 of 2 rows were tried; nothing was written"
    );
    let base = "/services/data/v53.0/jobs/ingest/7507Q000009f52jQAA";
    assert_eq!(
        script.asked(),
        [
            "POST /services/data/v65.0/jobs/ingest".to_owned(),
            format!("PUT {base}/batches"),
            format!("PATCH {base}"),
            format!("GET {base}")
        ]
    );
    // What the recorder matched on: {"object": "Asset", "operation": "insert"}, and the CSV.
    let create: Value = serde_json::from_str(&script.bodies()[0]).unwrap();
    assert_eq!((&create["object"], &create["operation"]), (&"Asset".into(), &"insert".into()));
    assert_eq!(script.bodies()[1], "Name,Employees\nFoo,12\nBar,1138\n");
    assert_eq!(script.bodies()[2], r#"{"state":"UploadComplete"}"#);
}

#[tokio::test]
async fn the_recorded_outcome_files_are_read_row_by_row() {
    let names = [
        "get-info",
        "get-successful-results",
        "get-info",
        "get-failed-results",
        "get-info",
        "get-unprocessed-records",
    ];
    let mut answers = Vec::new();
    for name in names {
        let Some((answer, _)) = recorded(&format!("bulk-ingest-{name}.json")) else { return };
        answers.push(answer);
    }
    let script = Script::new(answers.clone());
    let job = ingest_job(&script).expect_rows(Some(2));
    assert!(job.successes().await.unwrap().next_row().await.unwrap().is_none());
    assert!(job.failures().await.unwrap().next_row().await.unwrap().is_none());
    let mut rows = job.unprocessed().await.unwrap();
    let foo = rows.next_row().await.unwrap().unwrap();
    assert_eq!(foo.header(), ["Name", "Employees"]);
    assert_eq!(foo.cells().collect::<Vec<_>>(), ["Foo", "12"]);
    // The last line has no line end, as recorded.
    let bar = rows.next_row().await.unwrap().unwrap();
    assert_eq!((bar.get("name"), bar.get("EMPLOYEES"), bar.get("Emial")), (Some("Bar"), Some("1138"), None));
    assert!(rows.next_row().await.unwrap().is_none());
    assert_eq!(bar.deserialize::<(String, u32)>().unwrap(), ("Bar".to_owned(), 1138));

    let script = Script::new(answers);
    let tally = ingest_job(&script).expect_rows(Some(2)).tally().await.unwrap();
    assert_eq!((tally.rows(), tally.unprocessed), (2, 2));
}

#[tokio::test]
async fn a_recorded_abort_delete_and_unknown_job_are_understood() {
    let (Some((abort, _)), Some((delete, _)), Some((unknown, _))) = (
        recorded("bulk-ingest-abort.json"),
        recorded("bulk-ingest-delete.json"),
        recorded("bulk-ingest-abort-nonexistent.json"),
    ) else {
        return;
    };
    let script = Script::new([abort, delete, unknown]);
    let job = ingest_job(&script);
    job.abort().await.unwrap();
    job.delete().await.unwrap();
    let error = job.abort().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobGone);
    assert_eq!(error.job(), Some(job.id()));
    assert_eq!(script.bodies(), [r#"{"state":"Aborted"}"#, "", r#"{"state":"Aborted"}"#]);
}
