//! Bulk API 2.0 query jobs.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sf_sim::JobPace;
use sf_sim::fault::Route;

use crate::support::{Org, V, header, keys, told};

const NOT_FOUND: &str = r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#;

async fn create(org: &Org, body: &Value) -> (u16, String) {
    told(org.post(&format!("{V}/jobs/query"), body).await).await
}

fn error(code: &str, message: &str) -> (u16, String) {
    (400, json!([{ "errorCode": code, "message": message }]).to_string())
}

#[tokio::test]
async fn a_job_goes_from_upload_complete_to_complete_at_its_pace() {
    let org = Org::new().await;
    org.accounts(3);
    org.sim.set_job_pace(JobPace::Polls(2));
    let id = org.job("SELECT Id FROM Account").await;
    let mut states = Vec::new();
    for _ in 0..4 {
        states.push(org.job_state(&id).await);
    }
    assert_eq!(states, ["InProgress", "InProgress", "JobComplete", "JobComplete"]);

    org.sim.set_job_pace(JobPace::After(Duration::from_secs(60)));
    let id = org.job("SELECT Id FROM Account").await;
    assert_eq!(org.job_state(&id).await, "InProgress");
    let early = org.told(&format!("{V}/jobs/query/{id}/results")).await;
    assert_eq!(early, error("INVALIDJOBSTATE", "Results are not available: the job is in state InProgress"));
    org.sim.clock().advance(Duration::from_secs(60));
    let info = org.json(&format!("{V}/jobs/query/{id}")).await;
    assert_eq!((&info["state"], &info["numberRecordsProcessed"]), (&json!("JobComplete"), &json!(3)));
    assert_eq!(info["totalProcessingTime"], 60_000);
    assert_eq!(info["systemModstamp"], "2023-01-26T14:51:10.000+0000");
}

#[tokio::test]
async fn pages_follow_their_locators_and_never_change() {
    let org = Org::new().await;
    org.accounts(25);
    let id = org.job("SELECT Id, Name FROM Account").await;
    let results = |query: &str| format!("{V}/jobs/query/{id}/results{query}");
    let whole = org.told(&results("")).await.1;
    org.sim.insert("Account", &json!({ "Name": "later" })).unwrap();
    let first = whole.lines().nth(1).unwrap()[1..19].parse().unwrap();
    org.sim.update("Account", first, &json!({ "Name": "changed" })).unwrap();

    let mut rows = vec!["\"Id\",\"Name\"".to_owned()];
    let mut locator = String::new();
    let mut counts = Vec::new();
    loop {
        let page = org.get(&results(&format!("?maxRecords=10{locator}"))).await;
        counts.push(header(&page, "sforce-numberofrecords").unwrap().to_owned());
        assert_eq!(header(&page, "content-type"), Some("text/csv"));
        let next = header(&page, "sforce-locator").unwrap().to_owned();
        let text = page.text().await.unwrap();
        assert!(text.starts_with("\"Id\",\"Name\"\n") && text.ends_with("\"\n"));
        rows.extend(text.lines().skip(1).map(str::to_owned));
        if next == "null" {
            break;
        }
        locator = format!("&locator={next}");
    }
    assert_eq!(counts, ["10", "10", "5"]);
    assert_eq!(rows.join("\n") + "\n", whole);
    assert!(whole.contains(r#","Account 0""#) && !whole.contains("changed") && !whole.contains("later"));
    for bad in ["nonsense", "MjU", "OTk5"] {
        let answer = org.told(&results(&format!("?locator={bad}"))).await;
        assert_eq!(answer, error("INVALID_QUERY_LOCATOR", "invalid query locator"), "{bad}");
    }
}

#[tokio::test]
async fn a_page_may_be_smaller_than_asked_for() {
    let org = Org::new().await;
    org.accounts(12);
    org.sim.set_page_cap(Some(5));
    let id = org.job("SELECT Id FROM Account").await;
    let page = org.get(&format!("{V}/jobs/query/{id}/results?maxRecords=10")).await;
    assert_eq!(header(&page, "sforce-numberofrecords"), Some("5"));
    let pages = org.json(&format!("{V}/jobs/query/{id}/resultPages")).await;
    let url =
        |locator: &str| json!({ "resultUrl": format!("{V}/jobs/query/{id}/results?locator={locator}") });
    let expected =
        json!({ "resultPages": [url("MA"), url("NQ"), url("MTA")], "nextRecordsUrl": null, "done": true });
    assert_eq!(pages, expected);

    org.sim.set_page_cap(Some(2));
    let pages = org.json(&format!("{V}/jobs/query/{id}/resultPages")).await;
    assert_eq!(pages["resultPages"].as_array().unwrap().len(), 5);
    assert_eq!(pages["done"], false);
    let next = org.json(pages["nextRecordsUrl"].as_str().unwrap()).await;
    assert_eq!(next["resultPages"], json!([url("MTA")]));
    assert_eq!(next["done"], true);
}

#[tokio::test]
async fn an_empty_result_is_a_header_line() {
    let org = Org::new().await;
    let id = org.job("SELECT Id FROM Account").await;
    let page = org.get(&format!("{V}/jobs/query/{id}/results")).await;
    assert_eq!(header(&page, "sforce-numberofrecords"), Some("0"));
    assert_eq!(header(&page, "sforce-locator"), Some("null"));
    assert_eq!(page.text().await.unwrap(), "\"Id\"\n");
}

#[tokio::test]
async fn cells_are_quoted_delimited_and_ended_as_the_job_says() {
    let org = Org::new().await;
    let fields = json!({ "Name": "He said \"no\"; twice", "Description": "two\nlines" });
    org.sim.insert("Account", &fields).unwrap();
    let body = json!({
        "operation": "query", "query": "SELECT Name, Description, Phone FROM Account",
        "columnDelimiter": "SEMICOLON", "lineEnding": "CRLF",
    });
    let created: Value = serde_json::from_str(&create(&org, &body).await.1).unwrap();
    assert_eq!((&created["columnDelimiter"], &created["lineEnding"]), (&json!("SEMICOLON"), &json!("CRLF")));
    let id = created["id"].as_str().unwrap();
    let text = org.told(&format!("{V}/jobs/query/{id}/results")).await.1;
    let expected =
        "\"Name\";\"Description\";\"Phone\"\r\n\"He said \"\"no\"\"; twice\";\"two\nlines\";\"\"\r\n";
    assert_eq!(text, expected);
}

#[tokio::test]
async fn parents_are_columns_with_dots() {
    let org = Org::new().await;
    let account = org.sim.insert("Account", &json!({ "Name": "Acme" })).unwrap();
    org.sim.insert("Contact", &json!({ "LastName": "Ng", "AccountId": account.to_string() })).unwrap();
    org.sim.insert("Contact", &json!({ "LastName": "Oh" })).unwrap();
    let id = org.job("SELECT LastName, account.name FROM Contact").await;
    let text = org.told(&format!("{V}/jobs/query/{id}/results")).await.1;
    assert_eq!(text, "\"LastName\",\"Account.Name\"\n\"Ng\",\"Acme\"\n\"Oh\",\"\"\n");
}

#[tokio::test]
async fn deleted_rows_come_with_query_all_only() {
    let org = Org::new().await;
    org.accounts(2);
    let id = org.sim.insert("Account", &json!({ "Name": "gone" })).unwrap();
    org.sim.delete("Account", id).unwrap();
    for (operation, rows) in [("query", 2), ("queryAll", 3)] {
        let body = json!({ "operation": operation, "query": "SELECT Id, IsDeleted FROM Account" });
        let created: Value = serde_json::from_str(&create(&org, &body).await.1).unwrap();
        assert_eq!(created["operation"], operation);
        let path = format!("{V}/jobs/query/{}/results", created["id"].as_str().unwrap());
        assert_eq!(header(&org.get(&path).await, "sforce-numberofrecords"), Some(rows.to_string().as_str()));
    }
}

#[tokio::test]
async fn a_job_that_makes_no_sense_is_refused_when_it_is_created() {
    let org = Org::new().await;
    let query = |soql: &str| json!({ "operation": "query", "query": soql });
    let compound = create(&org, &query("SELECT Id, BillingAddress FROM Account")).await;
    assert_eq!(compound, error("API_ERROR", "Selecting compound data not supported in Bulk Query"));
    let malformed = create(&org, &query("SELEKT")).await;
    assert_eq!(malformed, error("MALFORMED_QUERY", "unexpected token: SELEKT"));
    for (soql, code) in
        [("SELECT Nope FROM Account", "INVALID_FIELD"), ("SELECT Id FROM Nope", "INVALID_TYPE")]
    {
        let (status, body) = create(&org, &query(soql)).await;
        assert!(status == 400 && body.starts_with(&format!(r#"[{{"errorCode":"{code}""#)), "{body}");
    }
    for (member, value) in [("operation", "insert"), ("contentType", "JSON"), ("columnDelimiter", "DOT")] {
        let mut body = json!({ "operation": "query", "query": "SELECT Id FROM Account" });
        body[member] = value.into();
        let message = format!("Invalid value: '{value}' supplied for property: '{member}'");
        assert_eq!(create(&org, &body).await, error("API_ERROR", &message));
    }
    for body in [json!({ "operation": "query" }), json!({ "operation": "query", "query": " " })] {
        let (status, answer) = create(&org, &body).await;
        assert!(status == 400 && answer.starts_with(r#"[{"errorCode":"INVALIDJOB""#), "{body}: {answer}");
    }
    let none = org.json(&format!("{V}/jobs/query")).await;
    assert_eq!(none, json!({ "done": true, "records": [], "nextRecordsUrl": null }));
}

#[tokio::test]
async fn a_job_is_aborted_deleted_and_then_unknown() {
    let org = Org::new().await;
    org.sim.set_job_pace(JobPace::Polls(9));
    let id = org.job("SELECT Id FROM Account").await;
    let path = format!("{V}/jobs/query/{id}");
    let delete = || async { told(org.call(Method::DELETE, &path).send().await.unwrap()).await };
    let running = "Error encountered when deleting the job because the job is not terminated";
    assert_eq!(delete().await, error("API_ERROR", running));
    let abort = || org.call(Method::PATCH, &path).json(&json!({ "state": "Aborted" })).send();
    let aborted: Value = abort().await.unwrap().json().await.unwrap();
    let short = [
        "id",
        "operation",
        "object",
        "createdById",
        "createdDate",
        "systemModstamp",
        "state",
        "concurrencyMode",
        "contentType",
        "apiVersion",
    ];
    assert_eq!(keys(&aborted), short);
    assert_eq!(aborted["state"], "Aborted");
    assert_eq!(abort().await.unwrap().status(), 400);
    assert_eq!(org.told(&format!("{path}/results")).await.0, 400);
    assert_eq!(delete().await, (204, String::new()));
    assert_eq!(delete().await, (404, NOT_FOUND.to_owned()));
    assert_eq!(org.told(&path).await, (404, NOT_FOUND.to_owned()));
    assert_eq!(org.told(&format!("{V}/jobs/query//results")).await.0, 404);

    org.sim.set_job_pace(JobPace::AtOnce);
    let done = org.job("SELECT Id FROM Account").await;
    assert_eq!(org.job_state(&done).await, "JobComplete");
    let late =
        org.call(Method::PATCH, &format!("{V}/jobs/query/{done}")).json(&json!({ "state": "Aborted" }));
    let expected = error("INVALIDJOBSTATE", "Aborting already Completed Job not allowed");
    assert_eq!(told(late.send().await.unwrap()).await, expected);
}

#[tokio::test]
async fn results_are_fetched_with_the_jobs_own_version_and_kept_a_week() {
    let org = Org::new().await;
    let id = org.job("SELECT Id FROM Account").await;
    assert_eq!(org.told(&format!("/services/data/v65.0/jobs/query/{id}/results")).await.0, 409);
    let path = format!("{V}/jobs/query/{id}/results");
    assert_eq!(org.told(&path).await.0, 200);
    org.sim.clock().advance(Duration::from_secs(7 * 24 * 3_600));
    let token = org.sim.access_token();
    let late = org.without_token(Method::GET, &path).bearer_auth(token).send().await.unwrap();
    assert_eq!(late.status(), 404);
}

#[tokio::test]
async fn the_journal_tells_what_was_asked() {
    let org = Org::new().await;
    org.accounts(3);
    let id = org.job("SELECT Id FROM Account").await;
    let page = org.get(&format!("{V}/jobs/query/{id}/results?maxRecords=2&locator=MQ")).await;
    let length = page.bytes().await.unwrap().len() as u64;
    let created = org.sim.journal().of(&Route::CreateJob);
    assert_eq!(created[0].detail.as_deref(), Some("SELECT Id FROM Account"));
    assert_eq!(created[0].user.as_deref(), Some("integration@sim.example"));
    let fetched = org.sim.journal().of(&Route::Results);
    assert_eq!(
        (fetched[0].parameter("locator"), fetched[0].parameter("maxRecords")),
        (Some("MQ"), Some("2"))
    );
    assert_eq!((fetched[0].status, fetched[0].sent), (Some(200), length));
    assert!(!format!("{:?}", org.sim.journal()).contains(&org.token));
}

#[tokio::test]
async fn columns_come_as_asked_from_version_50_on_and_by_the_alphabet_before() {
    let org = Org::new().await;
    let account = org.sim.insert("Account", &json!({ "Name": "a", "Site": "s" })).unwrap();
    for (version, lines) in [
        (
            "v49.0",
            format!("\"Id\",\"Name\",\"Owner.Name\",\"Site\"\n\"{account}\",\"a\",\"Ada Emulator\",\"s\"\n"),
        ),
        (
            "v50.0",
            format!("\"Site\",\"Owner.Name\",\"Name\",\"Id\"\n\"s\",\"Ada Emulator\",\"a\",\"{account}\"\n"),
        ),
    ] {
        let jobs = format!("/services/data/{version}/jobs/query");
        let body = json!({ "operation": "query", "query": "SELECT Site, Owner.Name, Name, Id FROM Account" });
        let job: Value = org.post(&jobs, &body).await.json().await.unwrap();
        let path = format!("{jobs}/{}", job["id"].as_str().unwrap());
        assert_eq!(org.json(&path).await["state"], "JobComplete");
        assert_eq!(org.told(&format!("{path}/results")).await, (200, lines));
    }
}
