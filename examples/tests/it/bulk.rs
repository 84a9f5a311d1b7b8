//! Jobs of the Bulk API 2.0 as a stranger tries them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sf_sim::fault::{Action, Fault, Route};
use sf_sim::{Server, Sim};

use crate::{complained, program, said};

pub(crate) const TO_JSONL: &str = env!("CARGO_BIN_EXE_bulk_query_to_jsonl");
pub(crate) const LOAD: &str = env!("CARGO_BIN_EXE_bulk_load_csv");
pub(crate) const UPSERT: &str = env!("CARGO_BIN_EXE_bulk_upsert_with_locks");
pub(crate) const RESUME: &str = env!("CARGO_BIN_EXE_bulk_resume");
pub(crate) const WATCH: &str = env!("CARGO_BIN_EXE_bulk_watch_job");

/// A program that uses an org of the test.
fn at(path: &str, sim: &Sim, server: &Server, arguments: &[&str]) -> Command {
    let mut command = program(path);
    command.env("SF_LOGIN_URL", server.url());
    command.env("SF_CLIENT_ID", &sim.credentials().client_id);
    command.env("SF_CLIENT_SECRET", &sim.credentials().client_secret);
    command.args(arguments);
    command
}

/// How a program ended, and all that it said.
async fn status(mut command: Command) -> (Option<i32>, String) {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    (output.status.code(), said)
}

/// Whether it ended well, and all that it said.
async fn ended(command: Command) -> (bool, String) {
    let (status, said) = status(command).await;
    (status == Some(0), said)
}

fn rows(file: &Path) -> Vec<csv::StringRecord> {
    csv::Reader::from_path(file).unwrap().into_records().map(Result::unwrap).collect()
}

#[test]
fn accounts_are_json_lines_on_stdout_and_nothing_else_is() {
    let said = said(program(TO_JSONL));
    let rows: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 12);
    assert!(rows.iter().all(|row| row["Name"].is_string() && row["IsDeleted"] == false), "{said}");
}

#[test]
fn who_reads_json_lines_may_stop_where_they_like() {
    let mut command = program(TO_JSONL);
    let mut child = command.args(["Lead", "-"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    // More than a pipe holds is left unread.
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with(r#"{"Id":"00Q"#), "{line}");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_file_of_json_lines_is_typed_and_there_once_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bicycles.jsonl");
    let mut command = program(TO_JSONL);
    command.arg("Product__c").arg(&file);
    assert!(said(command).contains("16 rows in "));
    let text = std::fs::read_to_string(&file).unwrap();
    let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 16);
    assert!(
        rows.iter().all(|row| row["Sku__c"].is_string() && row["Discontinued__c"].is_boolean()),
        "{text}"
    );
    assert!(rows.iter().any(|row| row["Price__c"].is_number()), "{text}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nowhere").join("bicycles.jsonl");
    let mut command = program(TO_JSONL);
    command.arg("Product__c").arg(&file);
    let complaint = complained(command);
    assert!(complaint.contains(&format!("{} cannot be written: ", file.display())), "{complaint}");
}

#[test]
fn who_asks_for_help_is_told_the_arguments() {
    for path in [TO_JSONL, LOAD, UPSERT, RESUME, WATCH] {
        let mut command = program(path);
        command.arg("--help");
        let output = command.output().unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.starts_with("usage: bulk_"), "{path}: {complaint}");
        assert_eq!(output.status.code(), Some(2), "{path}");
    }
}

#[test]
fn made_up_leads_are_loaded_with_no_set_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(LOAD);
    command.env("TMPDIR", folder.path());
    let said = said(command);
    assert!(said.contains("30,000 rows written (30,000 of them new), 0 failed, 0 unprocessed"), "{said}");
    assert!(said.contains("leads.csv in 3 jobs"), "{said}");
}

#[test]
fn rows_that_are_refused_are_in_a_file_with_their_reasons_and_decide_the_exit_status() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.csv");
    std::fs::write(
        &file,
        "LastName,Company\nOkafor,\"Brightwater, \"\"Bikes\"\"\"\nNobody,\nOde,Wheelworks\n",
    )
    .unwrap();
    let mut command = program(LOAD);
    command.arg("Lead").arg(&file);
    let complaint = complained(command);
    assert!(complaint.contains("1 rows were not written"), "{complaint}");
    let outcomes = PathBuf::from(format!("{}.outcomes", file.display()));
    let written = rows(&outcomes.join("successes.csv"));
    assert_eq!(written.len(), 2);
    assert!(
        written.iter().any(|row| row[2] == *"Okafor" && row[3] == *"Brightwater, \"Bikes\""),
        "{written:?}"
    );
    assert!(written.iter().all(|row| row[0].starts_with("00Q") && row[1] == *"true"), "{written:?}");
    let refused = rows(&outcomes.join("failures.csv"));
    assert_eq!(refused.len(), 1);
    assert!(
        refused[0][1].starts_with("REQUIRED_FIELD_MISSING:") && refused[0][2] == *"Nobody",
        "{refused:?}"
    );
    assert_eq!(rows(&outcomes.join("unprocessed.csv")).len(), 0);

    // Another load of the file leaves them as they are.
    std::fs::write(&file, "LastName,Company\nOde,Wheelworks\n").unwrap();
    let mut command = program(LOAD);
    command.arg("Lead").arg(&file);
    let said = said(command);
    assert!(said.contains("leads.csv.outcomes-2: successes.csv"), "{said}");
    assert_eq!(rows(&outcomes.join("failures.csv")).len(), 1);
    let again = PathBuf::from(format!("{}.outcomes-2", file.display()));
    assert_eq!((rows(&again.join("successes.csv")).len(), rows(&again.join("failures.csv")).len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_load_that_stops_the_outcomes_so_far_are_written() {
    let sim = Sim::builder().build().unwrap();
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.csv");
    std::fs::write(&file, "LastName,Company\nOkafor,Wheelworks\nOde,Wheelworks\n").unwrap();
    sim.faults()
        .add(Fault::on(Route::Close).then(Action::fail_job("InternalServerError : Something went wrong")));
    let (well, said) = ended(at(LOAD, &sim, &server, &["Lead", file.to_str().unwrap()])).await;
    assert!(!well && said.contains("InternalServerError : Something went wrong"), "{said}");
    assert!(said.contains("0 rows written (0 of them new), 0 failed, 2 unprocessed"), "{said}");
    let unprocessed = folder.path().join("leads.csv.outcomes").join("unprocessed.csv");
    assert_eq!(std::fs::read_to_string(unprocessed).unwrap().lines().count(), 3);

    // A real org is not filled with made-up rows.
    let (well, said) = ended(at(LOAD, &sim, &server, &[])).await;
    assert!(!well && said.contains("name the object and the file to load"), "{said}");
    assert_eq!(sim.read(|store| store.table("Lead").unwrap().rows().count()), 0);
    let (well, said) = ended(at(LOAD, &sim, &server, &["Lead", "leads.csv", "merge"])).await;
    assert!(!well && said.contains("merge is no operation; there are insert, update"), "{said}");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_load_stopped_is_told_also_where_its_outcomes_cannot_be_had() {
    let sim = Sim::builder().build().unwrap();
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.csv");
    std::fs::write(&file, "LastName,Company\nOkafor,Wheelworks\n").unwrap();
    sim.faults()
        .add(Fault::on(Route::Close).then(Action::fail_job("InternalServerError : Something went wrong")));
    sim.faults().add(Fault::on(Route::UnprocessedRecords).always().then(Action::daily_limit()));
    let (well, said) = ended(at(LOAD, &sim, &server, &["Lead", file.to_str().unwrap()])).await;
    assert!(!well && said.contains("InternalServerError : Something went wrong"), "{said}");
    assert!(said.contains("The outcomes so far are not all there: job 750"), "{said}");
    server.shutdown().await;
}

#[test]
fn rows_that_were_locked_are_written_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(UPSERT);
    command.env("TMPDIR", folder.path());
    let said = said(command);
    assert!(said.contains("Sent again, round 1: ") && said.contains("Every row is written"), "{said}");
    // Some were locked out at first.
    assert!(!said.contains("(4,000 of them new), 0 failed"), "{said}");
    let outcomes =
        folder.path().read_dir().unwrap().next().unwrap().unwrap().path().join("bicycles.csv.outcomes");
    let refused = rows(&outcomes.join("failures.csv"));
    assert!(
        !refused.is_empty() && refused.iter().all(|row| row[1].starts_with("UNABLE_TO_LOCK_ROW:")),
        "{refused:?}"
    );
}

#[test]
fn a_download_that_is_killed_goes_on_without_a_row_twice_or_missing() {
    let said = said(program(RESUME));
    for found in [
        r#""position":{"locator":"#,
        r#""rows":2000,"#,
        "Going on with job 750",
        "after 2,000 rows",
        "The file has 5,000 rows, 5,000 distinct Ids; jobs made: 1",
    ] {
        assert!(said.contains(found), "{found:?} is not in\n{said}");
    }
}

#[test]
fn a_load_is_watched_until_it_is_complete() {
    let said = said(program(WATCH));
    assert!(said.contains("Insert Lead, made "), "{said}");
    let states: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    assert!(states.len() > 2 && states[0].starts_with("InProgress"), "{said}");
    assert!(said.contains("JobComplete     4,000 rows processed, 4 failed"), "{said}");
    assert!(said.contains("Complete: 4,000 rows processed, 4 failed"), "{said}");
}

#[test]
fn a_load_that_is_aborted_is_watched_until_no_more_of_it_is_written() {
    let mut command = program(WATCH);
    command.arg("--abort");
    let said = said(command);
    assert!(said.contains("  aborted\n  Aborted"), "{said}");
    assert!(
        said.contains("Final: job 750")
            && said.contains("aborted in the org; ")
            && said.contains(" were written and stay"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_watched_by_its_id_and_found_in_the_list() {
    let sim = Sim::builder().generate("Lead", 300).seed(3).build().unwrap();
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.jsonl");
    let (well, said) = ended(at(TO_JSONL, &sim, &server, &["Lead", file.to_str().unwrap()])).await;
    assert!(well, "{said}");
    let (well, listed) = ended(at(WATCH, &sim, &server, &[])).await;
    assert!(well && listed.contains("JobComplete     Query Lead, made "), "{listed}");
    let id = listed.lines().find_map(|line| line.trim().split_once("  JobComplete")).unwrap().0;
    let (well, said) = ended(at(WATCH, &sim, &server, &[id])).await;
    assert!(well && said.contains("Complete: 300 rows processed"), "{said}");
    let (well, said) = ended(at(WATCH, &sim, &server, &["7505i00000Ug2TKAAZ"])).await;
    assert!(!well && said.contains("7505i00000Ug2TKAAZ: the org does not know it"), "{said}");

    // Nothing is aborted that was not named, and nothing is listed that was not asked for.
    let (status, said) = status(at(WATCH, &sim, &server, &["--abort"])).await;
    assert!(said.contains("name the job to abort") && !said.contains("Jobs of the last"), "{said}");
    assert_eq!(status, Some(2));
    server.shutdown().await;
}
