//! What real orgs answered, read by this crate. The recordings are no part of the repository.

use std::io::Write;
use std::path::Path;

use serde_json::Value;
use sf_core::limits::{Limit, Usage};
use sf_core::{ApiError, time};

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
