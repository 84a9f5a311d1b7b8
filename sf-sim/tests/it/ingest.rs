//! Bulk API 2.0 ingest jobs: their life, and what is refused.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sf_sim::JobPace;
use sf_sim::fault::Route;

use crate::support::{Org, V, header, keys, told};

const NOT_FOUND: &str = r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#;

fn error(code: &str, message: &str) -> (u16, String) {
    (400, json!([{ "errorCode": code, "message": message }]).to_string())
}

fn insert() -> Value {
    json!({ "object": "Account", "operation": "insert" })
}

async fn refused(org: &Org, body: &Value) -> (u16, String) {
    told(org.post(&format!("{V}/jobs/ingest"), body).await).await
}

#[tokio::test]
async fn a_job_is_made_filled_closed_and_worked_on() {
    let org = Org::new().await;
    let job = org.ingest(insert()).await;
    let info = job.info().await;
    assert_eq!(info["state"], "Open");
    assert_eq!(info["contentUrl"], format!("services/data/v66.0/jobs/ingest/{}/batches", job.id));
    let uploaded = job.upload("Name,Phone\nAda,1\nGrace,2\n").await;
    assert_eq!(uploaded.status(), 201);
    assert_eq!((header(&uploaded, "content-type"), header(&uploaded, "content-length")), (None, Some("0")));
    let (status, closed) = job.set("UploadComplete").await;
    let closed: Value = serde_json::from_str(&closed).unwrap();
    assert_eq!((status, &closed["state"]), (200, &json!("UploadComplete")));
    assert_eq!(keys(&closed).last(), Some(&"apiVersion"));

    assert_eq!(job.progress().await, ("JobComplete".to_owned(), 2, 0));
    let info = job.info().await;
    let expected = [
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
        "jobType",
        "lineEnding",
        "columnDelimiter",
        "numberRecordsProcessed",
        "numberRecordsFailed",
        "retries",
        "totalProcessingTime",
        "apiActiveProcessingTime",
        "apexProcessingTime",
    ];
    assert_eq!(keys(&info), expected);
    assert_eq!(info["apiVersion"].to_string(), "66.0");
    let rows = org.rows("SELECT Name, Phone FROM Account ORDER BY Name").await;
    assert_eq!(rows, [json!({ "Name": "Ada", "Phone": "1" }), json!({ "Name": "Grace", "Phone": "2" })]);
}

#[tokio::test]
async fn an_upsert_tells_its_external_id_between_state_and_mode() {
    let org = Org::new().await;
    let body = json!({ "object": "account", "operation": "upsert", "externalIdFieldName": "Id",
        "columnDelimiter": "PIPE", "lineEnding": "CRLF" });
    let answer = org.post(&format!("{V}/jobs/ingest"), &body).await;
    let job: Value = answer.json().await.unwrap();
    let keys = keys(&job);
    let at = keys.iter().position(|key| *key == "externalIdFieldName").unwrap();
    assert_eq!((keys[at - 1], keys[at + 1]), ("state", "concurrencyMode"));
    assert_eq!((&job["object"], &job["externalIdFieldName"]), (&json!("Account"), &json!("Id")));
    assert_eq!((&job["columnDelimiter"], &job["lineEnding"]), (&json!("PIPE"), &json!("CRLF")));
}

#[tokio::test]
async fn data_comes_once() {
    let org = Org::new().await;
    let job = org.ingest(insert()).await;
    let call = org.call(Method::PUT, &job.path("/batches")).header("content-type", "application/json");
    assert_eq!(call.body("Name\nx").send().await.unwrap().status(), 415);
    assert_eq!(job.upload("Name\nfirst").await.status(), 201);
    let id = &job.id[..15];
    let again = format!(
        "Found multiple contents for job: <{id}>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job."
    );
    assert_eq!(told(job.upload("Name\nsecond").await).await, error("INVALIDJOB", &again));
    assert_eq!(job.set("UploadComplete").await.0, 200);
    assert_eq!(job.progress().await.0, "JobComplete");
    let late = error("INVALIDJOBSTATE", "Uploading to a Job in state JobComplete not allowed");
    assert_eq!(told(job.upload("Name\nthird").await).await, late);
    let late = error("INVALIDJOBSTATE", "Closing already Completed Job not allowed");
    assert_eq!(job.set("UploadComplete").await, late);
    assert_eq!(org.rows("SELECT Name FROM Account").await, [json!({ "Name": "first" })]);
    let empty = org.inserted("Account", "Name\n\n\n").await;
    assert_eq!(empty.progress().await, ("JobComplete".to_owned(), 0, 0));
    assert_eq!(org.told(&empty.path("/unprocessedrecords")).await, (200, "Name\n".to_owned()));
}

#[tokio::test]
async fn job_and_data_come_in_one_form() {
    let org = Org::new().await;
    let form = |csv: &str| {
        format!(
            "--B\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n{}\r\n\
             --B\r\nContent-Type: text/csv\r\nContent-Disposition: form-data; name=\"content\"; filename=\"content\"\r\n\r\n\
             {csv}\r\n--B--\r\n",
            insert()
        )
    };
    let send = |body: String| {
        let call = org.call(Method::POST, &format!("{V}/jobs/ingest"));
        call.header("content-type", "multipart/form-data; boundary=\"B\"").body(body).send()
    };
    let answer = send(form("Name\nin one go\n")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let job: Value = answer.json().await.unwrap();
    assert_eq!(job["state"], "UploadComplete");
    assert!(job.get("contentUrl").is_none());
    let info = org.json(&format!("{V}/jobs/ingest/{}", job["id"].as_str().unwrap())).await;
    assert_eq!((&info["state"], &info["numberRecordsProcessed"]), (&json!("JobComplete"), &json!(1)));
    assert_eq!(org.rows("SELECT Name FROM Account").await, [json!({ "Name": "in one go" })]);

    // Whatever is to be done with the rows.
    let key = org.sim.insert("Account", &json!({ "Name": "old" })).unwrap();
    for (settings, csv, name) in [
        (json!({ "operation": "update" }), format!("Id,Name\n{key},new\n"), Some("new")),
        (
            json!({ "operation": "upsert", "externalIdFieldName": "Id" }),
            format!("Id,Name\n{key},newer\n"),
            Some("newer"),
        ),
        (json!({ "operation": "delete" }), format!("Id\n{key}\n"), None),
    ] {
        let mut job = settings.clone();
        job["object"] = json!("Account");
        let body = form(&csv).replace(&insert().to_string(), &job.to_string());
        let answer = send(body).await.unwrap();
        assert_eq!(answer.status(), 200, "{settings}");
        let job: Value = answer.json().await.unwrap();
        assert_eq!(job["externalIdFieldName"], settings["externalIdFieldName"]);
        let info = org.json(&format!("{V}/jobs/ingest/{}", job["id"].as_str().unwrap())).await;
        assert_eq!((&info["numberRecordsProcessed"], &info["numberRecordsFailed"]), (&json!(1), &json!(0)));
        let rows = org.rows(&format!("SELECT Name FROM Account WHERE Id = '{key}'")).await;
        assert_eq!(rows, name.map(|name| json!({ "Name": name })).into_iter().collect::<Vec<_>>());
    }
    for job in org.json(&format!("{V}/jobs/ingest")).await["records"].as_array().unwrap() {
        let job = format!("{V}/jobs/ingest/{}", job["id"].as_str().unwrap());
        org.call(Method::DELETE, &job).send().await.unwrap();
    }

    // 100,000 characters are taken, one more is not.
    let csv = |characters: usize| format!("Name\n{}", "x\n".repeat((characters - 5) / 2));
    let full = csv(99_999);
    assert_eq!(send(form(&format!("{full}ü"))).await.unwrap().status(), 200);
    let (status, body) = told(send(form(&format!("{full}üü"))).await.unwrap()).await;
    assert!(status == 400 && body.contains("100000 characters"), "{body}");
    assert_eq!(send("--B\r\nnothing".to_owned()).await.unwrap().status(), 400);
    org.sim.set_ingest_memory(1_000);
    let (status, body) = told(send(form(&full)).await.unwrap()).await;
    assert!(status == 503 && body.contains("SERVER_UNAVAILABLE"), "{body}");
    assert_eq!(org.json(&format!("{V}/jobs/ingest")).await["records"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_job_that_makes_no_sense_is_refused() {
    let org = Org::new().await;
    let body = json!({ "object": "Nope", "operation": "insert" });
    assert_eq!(refused(&org, &body).await, error("INVALIDENTITY", "Unable to find object: Nope"));
    let upsert = json!({ "object": "Account", "operation": "upsert" });
    let message =
        "InvalidJob : External ID was blank for Account. An External ID must be specified for upsert.";
    assert_eq!(refused(&org, &upsert).await, error("INVALIDJOB", message));
    let upsert = json!({ "object": "Account", "operation": "upsert", "externalIdFieldName": "Phone" });
    let message = "InvalidJob : Field name provided, Phone does not match an External ID for Account";
    assert_eq!(refused(&org, &upsert).await, error("INVALIDJOB", message));
    let body = json!({ "object": "User", "operation": "delete" });
    let message = "Entity 'User' is not supported by the Bulk API.";
    assert_eq!(refused(&org, &body).await, error("INVALIDENTITY", message));
    for (member, value) in
        [("operation", "query"), ("contentType", "JSON"), ("columnDelimiter", "DOT"), ("lineEnding", "CR")]
    {
        let mut body = insert();
        body[member] = value.into();
        let message = format!("Invalid value: '{value}' supplied for property: '{member}'");
        assert_eq!(refused(&org, &body).await, error("API_ERROR", &message));
    }
    org.sim.set_hard_delete(false);
    let body = json!({ "object": "Account", "operation": "hardDelete" });
    let message = "hardDelete operation requires special user profile permission, please contact your system administrator";
    assert_eq!(refused(&org, &body).await, error("FEATURENOTENABLED", message));
    assert_eq!(org.json(&format!("{V}/jobs/ingest")).await["records"], json!([]));
}

#[tokio::test]
async fn a_job_is_aborted_deleted_and_then_unknown() {
    let org = Org::new().await;
    let running = "Error encountered when deleting the job because the job is not terminated";
    let job = org.ingest(insert()).await;
    assert_eq!(job.delete().await, error("API_ERROR", running));
    assert_eq!(job.set("Aborted").await.0, 200);
    assert_eq!(job.set("Aborted").await.0, 400);
    assert_eq!(job.set("UploadComplete").await.0, 400);
    assert_eq!(org.told(&job.path("/unprocessedrecords")).await, (200, String::new()));
    assert_eq!(job.delete().await, (204, String::new()));
    assert_eq!(job.delete().await, (404, NOT_FOUND.to_owned()));
    for rest in ["", "/failedResults", "/successfulResults", "/unprocessedrecords"] {
        assert_eq!(org.told(&job.path(rest)).await, (404, NOT_FOUND.to_owned()), "{rest}");
    }

    org.sim.set_job_pace(JobPace::Polls(5));
    let job = org.loaded(insert(), "Name\nx\n").await;
    assert_eq!(job.progress().await.0, "InProgress");
    assert_eq!(job.delete().await, error("API_ERROR", running));
    let early = error("INVALIDJOBSTATE", "Results are not available: the job is in state InProgress");
    assert_eq!(org.told(&job.path("/failedResults")).await, early);
    let waiting = org.loaded(insert(), "Name\nx\n").await;
    assert_eq!(waiting.delete().await.0, 204);

    org.sim.set_job_pace(JobPace::AtOnce);
    let early = org.loaded(insert(), "Name\nx\n").await;
    assert_eq!(early.set("Aborted").await.0, 200);
    assert_eq!(early.progress().await, ("Aborted".to_owned(), 0, 0));
    let done = org.loaded(insert(), "Name\nx\n").await;
    assert_eq!(done.progress().await.0, "JobComplete");
    let late = error("INVALIDJOBSTATE", "Aborting already Completed Job not allowed");
    assert_eq!(done.set("Aborted").await, late);
    assert_eq!(done.delete().await.0, 204);
}

#[tokio::test]
async fn wrong_methods_and_versions_are_told() {
    let org = Org::new().await;
    let job = org.loaded(insert(), "Name\nx\n").await;
    for (method, rest, allowed) in [
        (Method::PUT, "", "DELETE,GET,HEAD,PATCH"),
        (Method::POST, "/batches", "PUT"),
        (Method::DELETE, "/failedResults", "GET,HEAD"),
    ] {
        let answer = org.call(method, &job.path(rest)).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), header(&answer, "allow")), (405, Some(allowed)));
    }
    assert_eq!(org.told(&job.path("/nothing")).await.0, 404);
    let other = job.path("/failedResults").replace("v66.0", "v65.0");
    assert_eq!(org.told(&other).await.0, 409);
    // Both ways of writing it are in use.
    assert_eq!(org.told(&job.path("/unprocessedRecords")).await.0, 200);
}

#[tokio::test]
async fn lists_hold_the_jobs_of_both_kinds_and_take_filters() {
    let org = Org::new().await;
    let ingest = org.ingest(insert()).await.id;
    let query = org.job("SELECT Id FROM Account").await;
    let list = async |path: &str| {
        let list = org.json(&format!("{V}/jobs/{path}")).await;
        assert_eq!(keys(&list), ["done", "records", "nextRecordsUrl"]);
        let records = list["records"].as_array().unwrap();
        records.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for path in ["ingest", "query", "ingest?concurrencyMode=Parallel&isPkChunkingEnabled=false"] {
        assert_eq!(list(path).await, [ingest.clone(), query.clone()], "{path}");
    }
    assert_eq!(list("ingest?jobType=V2Ingest").await, [ingest]);
    assert_eq!(list("query?jobType=V2Query").await, [query]);
    for path in ["ingest?jobType=Classic", "ingest?isPkChunkingEnabled=true", "ingest?concurrencyMode=Serial"]
    {
        assert!(list(path).await.is_empty(), "{path}");
    }
    let job = org.json(&format!("{V}/jobs/ingest?jobType=V2Ingest")).await["records"][0].clone();
    let tail = ["apiVersion", "jobType", "contentUrl", "lineEnding", "columnDelimiter"];
    assert_eq!(keys(&job)[keys(&job).len() - 5..], tail);
}

#[tokio::test]
async fn a_list_of_more_than_a_thousand_jobs_goes_on() {
    let org = Org::new().await;
    for _ in 0..1_001 {
        org.ingest(insert()).await;
    }
    let first = org.json(&format!("{V}/jobs/ingest")).await;
    assert_eq!((first["records"].as_array().unwrap().len(), &first["done"]), (1_000, &json!(false)));
    let next = first["nextRecordsUrl"].as_str().unwrap();
    assert!(
        next.starts_with(&format!("{V}/jobs/ingest?queryLocator=01g")) && next.ends_with("-1000"),
        "{next}"
    );
    let rest = org.json(next).await;
    assert_eq!((&rest["done"], &rest["nextRecordsUrl"]), (&json!(true), &Value::Null));
    // A locator that tells of more jobs than there can be, before the first of them.
    let locator = format!("01g5i0000000000AAA-{}", usize::MAX);
    let page = org.json(&format!("{V}/jobs/ingest?queryLocator={locator}")).await;
    assert_eq!((page["records"].as_array().unwrap().len(), &page["done"]), (1_000, &json!(false)));
    let ids: std::collections::BTreeSet<String> = [&first, &rest]
        .iter()
        .flat_map(|page| page["records"].as_array().unwrap())
        .map(|job| job["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 1_001);
    let bad = org.told(&format!("{V}/jobs/ingest?queryLocator=nonsense")).await;
    assert_eq!(bad, error("INVALID_QUERY_LOCATOR", "invalid query locator"));
}

#[tokio::test]
async fn each_page_of_a_long_list_holds_a_thousand_jobs_of_the_kind_that_was_asked_for() {
    let org = Org::new().await;
    let mut made = [Vec::new(), Vec::new()];
    for n in 0..2_500 {
        // Four of five are of ingest: 2,000 and 500.
        if n % 5 == 0 {
            made[1].push(org.job("SELECT Id FROM Account LIMIT 1").await);
        } else {
            made[0].push(org.ingest(insert()).await.id);
        }
    }
    let pages = async |first: &str| {
        let mut path = format!("{V}/jobs/{first}");
        let (mut sizes, mut ids) = (Vec::new(), Vec::new());
        loop {
            let page = org.json(&path).await;
            let records = page["records"].as_array().unwrap();
            sizes.push(records.len());
            ids.extend(records.iter().map(|job| job["id"].as_str().unwrap().to_owned()));
            let Some(next) = page["nextRecordsUrl"].as_str() else {
                assert_eq!(page["done"], true);
                return (sizes, ids);
            };
            assert_eq!(page["done"], false);
            path = next.to_owned();
        }
    };
    let (sizes, ids) = pages("query").await;
    assert_eq!(sizes, [1_000, 1_000, 500]);
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 2_500);
    let (sizes, ids) = pages("ingest?jobType=V2Ingest&concurrencyMode=parallel").await;
    assert_eq!(sizes, [1_000, 1_000]);
    assert!(ids == made[0]);
    let (sizes, ids) = pages("query?jobType=V2Query&isPkChunkingEnabled=false").await;
    assert_eq!(sizes, [500]);
    assert!(ids == made[1]);
}

#[tokio::test]
async fn batches_are_counted_and_used_up() {
    let org = Org::new().await;
    let left = async || org.json(&format!("{V}/limits")).await["DailyBulkApiBatches"]["Remaining"].clone();
    let rows = format!("Name\n{}", "x\n".repeat(10_001));
    let job = org.inserted("Account", &rows).await;
    assert_eq!(job.progress().await, ("JobComplete".to_owned(), 10_001, 0));
    assert_eq!(left().await, 14_998);
    org.sim.set_limit_used("DailyBulkApiBatches", 14_999);
    let job = org.inserted("Account", &rows).await;
    // What there was a batch for is done, the rest is not tried, and the job has failed.
    assert_eq!(job.progress().await, ("Failed".to_owned(), 10_000, 0));
    assert_eq!(job.info().await["errorMessage"], "ExceededQuota : ApiBatchItems Limit exceeded.");
    assert_eq!(job.outcome("unprocessedrecords").await.1, ["x"]);
    assert_eq!(left().await, 0);
    org.sim.set_limit_used("DailyBulkApiBatches", 15_000);
    let refused = refused(&org, &insert()).await;
    assert_eq!(refused, error("LIMIT_EXCEEDED", "ApiBatchItems Limit exceeded."));
    org.sim.clock().advance(Duration::from_secs(24 * 3_600));
    let token = org.sim.access_token();
    let call = org.without_token(Method::POST, &format!("{V}/jobs/ingest")).bearer_auth(token);
    assert_eq!(call.json(&insert()).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn rows_of_a_day_are_counted_and_used_up() {
    let org = Org::new().await;
    // As many as there are: 150,000,000, of which an org tells nothing in its limits.
    org.sim.set_limit_used("DailyBulkV2IngestRecords", 149_999_997);
    let job = org.inserted("Account", "Name\na\nb\n").await;
    assert_eq!(job.progress().await, ("JobComplete".to_owned(), 2, 0));
    let job = org.inserted("Account", "Name\nc\nd\n").await;
    let words = "Max bulk v2 ingest records (150000000) per 24 hrs has been reached";
    assert_eq!(job.failure().await, format!("ExceededQuota : {words}"));
    assert_eq!(job.outcome("unprocessedrecords").await.1, ["c", "d"]);
    let job = org.inserted("Account", "Name\nc\n").await;
    assert_eq!(job.progress().await, ("JobComplete".to_owned(), 1, 0));
    assert_eq!(refused(&org, &insert()).await, error("LIMIT_EXCEEDED", words));
    let limits = org.json(&format!("{V}/limits")).await;
    assert_eq!(limits["DailyBulkV2IngestRecords"], Value::Null);
    org.sim.clock().advance(Duration::from_secs(24 * 3_600));
    let token = org.sim.access_token();
    let call = org.without_token(Method::POST, &format!("{V}/jobs/ingest")).bearer_auth(token);
    assert_eq!(call.json(&insert()).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn of_two_calls_that_close_a_job_one_does_and_counts() {
    let org = Org::new().await;
    let job = org.ingest(insert()).await;
    assert_eq!(told(job.upload("Name\n").await).await.0, 201);
    let (a, b) = tokio::join!(job.set("UploadComplete"), job.set("UploadComplete"));
    let mut statuses = [a.0, b.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    let limits = org.json(&format!("{V}/limits")).await;
    assert_eq!(limits["DailyBulkApiBatches"]["Remaining"], 14_999);
}

#[tokio::test]
async fn an_assignment_rule_is_taken_by_its_id_and_told() {
    let org = Org::new().await;
    let body = json!({ "object": "Lead", "operation": "insert", "assignmentRuleId": "01Q5i000000AbCd" });
    let job: Value = org.post(&format!("{V}/jobs/ingest"), &body).await.json().await.unwrap();
    assert_eq!(job["assignmentRuleId"], "01Q5i000000AbCdEAK");
    let info = org.json(&format!("{V}/jobs/ingest/{}", job["id"].as_str().unwrap())).await;
    assert_eq!(info["assignmentRuleId"], "01Q5i000000AbCdEAK");
    for wrong in [json!("0015i000000AbCd"), json!("01Q"), json!(7)] {
        let body = json!({ "object": "Lead", "operation": "insert", "assignmentRuleId": wrong });
        let (status, text) = refused(&org, &body).await;
        assert!(status == 400 && text.contains("INVALIDJOB"), "{wrong}: {text}");
    }
}

#[tokio::test]
async fn data_has_its_size_and_the_emulator_its_memory() {
    let org = Org::new().await;
    org.sim.set_upload_limit(400);
    let job = org.ingest(insert()).await;
    // 301 bytes are 404 characters of base64, 300 are 400.
    let csv = |bytes: usize| format!("Name\n{}", "x\n".repeat(bytes)).chars().take(bytes).collect::<String>();
    let (status, body) = told(job.upload(&csv(301)).await).await;
    assert!(status == 400 && body.contains("CLIENTINPUTERROR"), "{body}");
    assert_eq!(job.upload(&csv(300)).await.status(), 201);
    org.sim.set_ingest_memory(500);
    let other = org.ingest(insert()).await;
    let (status, body) = told(other.upload(&csv(201)).await).await;
    assert!(status == 503 && body.contains("SERVER_UNAVAILABLE"), "{body}");
    assert_eq!(job.set("Aborted").await.0, 200);
    assert_eq!(job.delete().await.0, 204);
    assert_eq!(other.upload(&csv(201)).await.status(), 201);
}

#[tokio::test]
async fn a_job_is_kept_a_week_after_its_end_and_open_for_a_day() {
    let org = Org::new().await;
    let done = org.inserted("Account", "Name\nx\n").await;
    assert_eq!(done.progress().await.0, "JobComplete");
    let open = org.ingest(insert()).await;
    let hours = |hours: u64| org.sim.clock().advance(Duration::from_secs(hours * 3_600));
    let told = async |path: String| {
        let token = org.sim.access_token();
        let call = org.without_token(Method::GET, &path).bearer_auth(token);
        told(call.send().await.unwrap()).await
    };
    hours(23);
    assert!(told(open.path("")).await.1.contains(r#""state":"Open""#));
    hours(1);
    assert!(told(open.path("")).await.1.contains(r#""state":"Aborted""#));
    hours(6 * 24 - 1);
    assert_eq!(told(done.path("/successfulResults")).await.0, 200);
    hours(1);
    assert_eq!(told(done.path("")).await, (404, NOT_FOUND.to_owned()));
    assert_eq!(told(open.path("")).await.0, 200);
    hours(24);
    assert_eq!(told(open.path("")).await, (404, NOT_FOUND.to_owned()));
}

#[tokio::test]
async fn a_job_that_was_open_for_a_day_is_not_closed_any_more() {
    let org = Org::new().await;
    org.sim.set_session_life(Duration::from_secs(48 * 3_600));
    let token = org.sim.access_token();
    let job = org.ingest(insert()).await;
    assert_eq!(told(job.upload("Name\nx\n").await).await.0, 201);
    org.sim.clock().advance(Duration::from_secs(24 * 3_600));
    // Nothing was asked since: closing it is the first that the org hears.
    let close = org.without_token(Method::PATCH, &job.path("")).bearer_auth(&token);
    let (status, body) = told(close.json(&json!({ "state": "UploadComplete" })).send().await.unwrap()).await;
    assert_eq!((status, body), error("INVALIDJOBSTATE", "Closing already Aborted Job not allowed"));
    let info = org.without_token(Method::GET, &job.path("")).bearer_auth(&token).send().await.unwrap();
    assert!(told(info).await.1.contains("\"systemModstamp\":\"2023-01-27T14:50:10.000+0000\""));
}

#[tokio::test]
async fn the_journal_tells_of_every_call() {
    let org = Org::new().await;
    let job = org.inserted("Account", "Name\nx\n").await;
    job.progress().await;
    for name in ["successfulResults", "failedResults", "unprocessedrecords"] {
        job.outcome(name).await;
    }
    job.delete().await;
    let journal = org.sim.journal();
    for (route, name, status) in [
        (Route::CreateIngest, "create_ingest", 200),
        (Route::Upload, "upload", 201),
        (Route::Close, "close", 200),
        (Route::IngestInfo, "ingest_info", 200),
        (Route::SuccessfulResults, "successful_results", 200),
        (Route::FailedResults, "failed_results", 200),
        (Route::UnprocessedRecords, "unprocessed_records", 200),
        (Route::DeleteIngest, "delete_ingest", 204),
    ] {
        assert_eq!(Route::named(name), Some(route.clone()));
        let entries = journal.of(&route);
        assert_eq!(entries.iter().map(|entry| entry.status).collect::<Vec<_>>(), [Some(status)], "{name}");
        assert_eq!(journal.count(&route), 1, "{name}");
    }
    assert_eq!(journal.of(&Route::CreateIngest)[0].detail.as_deref(), Some("insert Account"));
    assert_eq!(journal.of(&Route::Close)[0].detail.as_deref(), Some("UploadComplete"));
    assert_eq!(journal.of(&Route::Upload)[0].received, 7);
}
