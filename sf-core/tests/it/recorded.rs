//! What real orgs answered, read by this crate. The recordings are no part of the repository.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;
use sf_core::auth::{Token, TokenProvider};
use sf_core::limits::{Limit, Usage};
#[cfg(feature = "sobject")]
use sf_core::sobject::Upserted;
use sf_core::{ApiError, ApiVersion, Client, ErrorKind, time};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A recorded answer, or none where the recordings are absent.
fn recorded(file: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/recorded").join(file);
    match std::fs::read(&path) {
        Ok(text) => Some(serde_json::from_slice(&text).unwrap()),
        Err(_) => {
            let required = std::env::var("SF_TESTS_REQUIRE").is_ok_and(|r| r.contains("shared"));
            assert!(!required, "{file} is required and absent");
            // The test harness swallows what print macros say in a test that passes.
            let line = format!("skipped: ../shared is absent: recorded answer {file}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            None
        }
    }
}

#[test]
fn the_limits_of_an_org_are_read_with_the_parts_of_apps_beside_them() {
    let Some(case) = recorded("swiftlysalesforce/MockLimits.json") else { return };
    let body = case.pointer("/response/body").cloned().unwrap_or(case);
    let body = body.as_str().map_or(body.clone(), |text| serde_json::from_str(text).unwrap());
    let limits: std::collections::BTreeMap<String, Limit> = serde_json::from_value(body.clone()).unwrap();
    let api = &limits["DailyApiRequests"];
    assert_eq!(Some(api.max), body["DailyApiRequests"]["Max"].as_i64());
    assert_eq!(Some(api.remaining), body["DailyApiRequests"]["Remaining"].as_i64());
    assert_eq!(limits.len(), body.as_object().unwrap().len());
}

#[test]
fn the_error_of_a_deleted_row_is_read() {
    let Some(case) = recorded("restforce-db/404_delete_data_api_version_sobjects_ID__c_ID.json") else {
        return;
    };
    let body = case["response"]["body"].as_str().unwrap();
    let errors: Vec<ApiError> = serde_json::from_str(body).unwrap();
    assert_eq!(errors[0].error_code, "ENTITY_IS_DELETED");
    assert_eq!(errors[0].message, "entity is deleted");
    assert!(errors[0].fields.is_empty());
}

#[test]
fn dates_and_usage_of_recorded_headers_are_read() {
    let Some(case) = recorded("sf-fx-runtime-java/bulk-query-create.json") else { return };
    let headers = &case["response"]["headers"];
    let usage = Usage::parse(headers["Sforce-Limit-Info"].as_str().unwrap()).unwrap();
    assert_eq!((usage.used, usage.max), (39, 15_000));
    let date = time::parse_http_date(headers["Date"].as_str().unwrap()).unwrap();
    assert_eq!(date.to_rfc3339(), "2023-01-26T14:50:10+00:00");
}

#[derive(Debug)]
struct Session(Arc<Token>);

impl TokenProvider for Session {
    fn token(&self) -> BoxFuture<'_, sf_core::Result<Arc<Token>>> {
        Box::pin(std::future::ready(Ok(Arc::clone(&self.0))))
    }
    fn invalidate(&self, _: &Token) {}
}

/// The case of an answer of which only the body was recorded.
fn case_of(body: &str) -> Value {
    let response = serde_json::json!({ "status": 200, "headers": {}, "body": body });
    serde_json::json!({ "request": { "method": "GET" }, "response": response })
}

/// An org that gives the recorded answer to every call of its method, and a client of it.
async fn playing(case: &Value) -> (MockServer, Client) {
    let org = MockServer::start().await;
    let (asked, told) = (&case["request"], &case["response"]);
    let mut answer = ResponseTemplate::new(u16::try_from(told["status"].as_u64().unwrap()).unwrap());
    for (name, value) in told["headers"].as_object().unwrap() {
        let framing = ["transfer-encoding", "content-encoding", "content-length"];
        if let Some(value) = value.as_str().filter(|_| !framing.contains(&name.to_ascii_lowercase().as_str()))
        {
            answer = answer.insert_header(name.as_str(), value);
        }
    }
    let answer = answer.set_body_bytes(told["body"].as_str().unwrap_or_default());
    Mock::given(method(asked["method"].as_str().unwrap())).respond_with(answer).expect(1).mount(&org).await;
    let token = Token::new("t".to_owned(), org.uri().parse().unwrap()).unwrap();
    let version: ApiVersion = "34.0".parse().unwrap();
    let client = Client::builder(Session(Arc::new(token))).api_version(version).build().unwrap();
    (org, client)
}

#[cfg(feature = "sobject")]
#[tokio::test]
async fn a_recorded_upsert_created_a_row_or_changed_one() {
    let outcome = |file: &'static str| async move {
        let case = recorded(&format!("restforce-db/{file}.json"))?;
        let (org, client) = playing(&case).await;
        let row: Value = serde_json::from_str(case["request"]["body"].as_str().unwrap()).unwrap();
        let outcome =
            client.upsert("CustomObject__c", "SynchronizationId__c", "CustomObject::1", &row).await.unwrap();
        // What is sent is what was sent then.
        let sent = &org.received_requests().await.unwrap()[0];
        assert_eq!(sent.body_json::<Value>().unwrap(), row);
        assert!(
            sent.url.path().ends_with("/sobjects/CustomObject__c/SynchronizationId__c/CustomObject%3A%3A1"),
            "{}",
            sent.url
        );
        Some((outcome, client.usage().unwrap()))
    };
    let Some((created, usage)) =
        outcome("201_patch_data_api_version_sobjects_CustomObject__c_ID__c_CustomObject_1").await
    else {
        return;
    };
    assert_eq!(created, Upserted::Created("a001a000002zl6hAAA".parse().unwrap()));
    assert_eq!((usage.used, usage.max), (595, 15_000));
    let (changed, _) =
        outcome("204_patch_data_api_version_sobjects_CustomObject__c_ID__c_CustomObject_1").await.unwrap();
    assert_eq!(changed, Upserted::Updated(None));
}

#[cfg(feature = "sobject")]
#[tokio::test]
async fn a_recorded_delete_of_a_row_that_is_gone_is_not_found() {
    let Some(case) = recorded("restforce-db/404_delete_data_api_version_sobjects_ID__c_ID.json") else {
        return;
    };
    let (_org, client) = playing(&case).await;
    let error =
        client.delete_row("CustomObjectDetail__c", "a011a000001Gx2TAAS".parse().unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::NotFound, Some(404)));
    assert_eq!(error.error_code(), Some("ENTITY_IS_DELETED"));
}

#[tokio::test]
async fn a_recorded_query_is_read_with_its_nulls() {
    let Some(case) = recorded("restforce-db/200_get_data_api_version_query.json") else { return };
    let (_org, client) = playing(&case).await;
    let answer: Value = client.get("query").query("q", "select").json().await.unwrap();
    assert_eq!(answer["records"][0]["SynchronizationId__c"], Value::Null);
    assert_eq!(answer["records"][0]["Id"], "a001a000002zhZKAAY");
}

#[tokio::test]
async fn a_recorded_refusal_of_a_job_that_is_not_there_is_read() {
    let Some(case) = recorded("sf-fx-runtime-java/bulk-ingest-abort-nonexistent.json") else { return };
    let (_org, client) = playing(&case).await;
    let error = client.patch("jobs/ingest/x").response().await.unwrap_err();
    assert_eq!((error.kind(), error.error_code()), (ErrorKind::NotFound, Some("NOT_FOUND")));
    assert_eq!(error.api_errors()[0].message, "The requested resource does not exist");
}

#[tokio::test]
async fn each_method_of_the_limits_gives_what_was_recorded_under_its_name() {
    let Some(limits) = recorded("swiftlysalesforce/MockLimits.json") else { return };
    let (_org, client) = playing(&case_of(&limits.to_string())).await;
    let read = client.limits().await.unwrap();
    let methods = [
        ("DailyApiRequests", read.daily_api_requests()),
        ("DailyBulkApiBatches", read.daily_bulk_api_batches()),
        ("DailyBulkV2QueryJobs", read.daily_bulk_query_jobs()),
        ("DailyBulkV2QueryFileStorageMB", read.daily_bulk_query_megabytes()),
        ("HourlyPublishedPlatformEvents", read.hourly_published_events()),
        ("HourlyPublishedStandardVolumePlatformEvents", read.hourly_published_standard_volume_events()),
        ("DailyDeliveredPlatformEvents", read.daily_delivered_events()),
        ("DataStorageMB", read.data_storage_megabytes()),
        ("FileStorageMB", read.file_storage_megabytes()),
    ];
    for (name, limit) in &methods {
        let told =
            limits.get(name).map(|told| (told["Max"].as_i64().unwrap(), told["Remaining"].as_i64().unwrap()));
        assert_eq!(limit.as_ref().map(|limit| (limit.max, limit.remaining)), told, "{name}");
    }
    // An org that had no event delivered does not name them.
    let absent: Vec<_> = methods.iter().filter(|(_, limit)| limit.is_none()).map(|(name, _)| *name).collect();
    assert_eq!(absent, ["DailyDeliveredPlatformEvents"]);
    assert_eq!(read.iter().count(), limits.as_object().unwrap().len());
}

#[tokio::test]
async fn the_share_of_an_app_in_recorded_limits_is_read() {
    let Some(limits) = recorded("swiftlysalesforce/MockLimits.json") else { return };
    let (_org, client) = playing(&case_of(&limits.to_string())).await;
    let read = client.limits().await.unwrap();
    let batches = read.daily_bulk_api_batches().unwrap();
    for (name, part) in limits["DailyBulkApiBatches"].as_object().unwrap() {
        if part.is_object() {
            assert_eq!(Some(batches.apps[name].max), part["Max"].as_i64(), "{name}");
        }
    }
    assert!(batches.apps.contains_key("Dataloader Bulk"));
    assert_eq!(client.known_limits(), read);
    assert_eq!(Some(client.usage().unwrap().left()), limits["DailyApiRequests"]["Remaining"].as_u64());
}

#[cfg(feature = "sobject")]
#[tokio::test]
async fn the_recorded_organization_is_read_as_a_row() {
    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Organization {
        name: String,
        namespace_prefix: Option<String>,
        is_sandbox: bool,
        monthly_page_views_used: u32,
        address: Value,
    }
    let Some(case) = recorded("cumulusci-describes/GET_sobjects_Organization.json") else { return };
    let body = case["response"]["body"].as_str().unwrap();
    // Headers stand in lists in this one.
    let (_org, client) = playing(&case_of(body)).await;
    let id = "00D5i0000000001EAA".parse().unwrap();
    let read: Organization = client.retrieve("Organization", id, &[]).await.unwrap();
    let raw: Value = serde_json::from_str(body).unwrap();
    assert_eq!(raw["Name"], read.name);
    assert_eq!((read.namespace_prefix, read.is_sandbox, read.monthly_page_views_used), (None, true, 0));
    assert_eq!(read.address, raw["Address"]);
}

#[tokio::test]
async fn the_recorded_resources_of_a_version_are_read() {
    let Some(case) = recorded("restforce-db/200_get_data_api_version.json") else { return };
    let (_org, client) = playing(&case).await;
    let read: std::collections::BTreeMap<String, String> = client.get("").json().await.unwrap();
    let raw: Value = serde_json::from_str(case["response"]["body"].as_str().unwrap()).unwrap();
    assert_eq!(read.len(), raw.as_object().unwrap().len());
    assert_eq!(raw["identity"], read["identity"]);
    let usage = client.usage().unwrap();
    assert_eq!((usage.used, usage.max), (105, 15_000));
}
