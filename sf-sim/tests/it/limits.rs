//! The limits of a day, counted and enforced.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Org, V, header, told};

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[tokio::test]
async fn calls_are_counted_told_and_refused_when_they_are_used_up() {
    let org = Org::new().await;
    org.sim.set_limit("DailyApiRequests", 3);
    let path = format!("{V}/limits");
    assert_eq!(header(&org.get(&path).await, "sforce-limit-info"), Some("api-usage=1/3"));
    let limits: Value = org.json(&path).await;
    assert_eq!(limits["DailyApiRequests"], json!({ "Max": 3, "Remaining": 1 }));
    assert_eq!(org.get(&path).await.status(), 200);
    let body = r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#;
    assert_eq!(org.told(&path).await, (403, body.to_owned()));
    org.sim.clock().advance(DAY);
    let token = org.sim.access_token();
    let next_day = org.without_token(reqwest::Method::GET, &path).bearer_auth(token).send().await.unwrap();
    assert_eq!(header(&next_day, "sforce-limit-info"), Some("api-usage=1/3"));
}

#[tokio::test]
async fn refused_logins_and_tokens_cost_no_call() {
    let org = Org::new().await;
    let path = format!("{V}/limits");
    for _ in 0..3 {
        let refused =
            org.without_token(reqwest::Method::GET, &path).bearer_auth("00D!no").send().await.unwrap();
        assert_eq!(refused.status(), 401);
    }
    assert_eq!(header(&org.get(&path).await, "sforce-limit-info"), Some("api-usage=1/15000"));
}

#[tokio::test]
async fn query_jobs_are_counted_and_refused_when_they_are_used_up() {
    let org = Org::new().await;
    org.sim.set_limit("DailyBulkV2QueryJobs", 1);
    let create = || async {
        let body = json!({ "operation": "query", "query": "SELECT Id FROM Account" });
        told(org.post(&format!("{V}/jobs/query"), &body).await).await
    };
    assert_eq!(create().await.0, 200);
    let body = r#"[{"errorCode":"LIMIT_EXCEEDED","message":"Max bulk v2 query jobs (1) per 24 hrs has been reached"}]"#;
    assert_eq!(create().await, (400, body.to_owned()));
    let limits: Value = org.json(&format!("{V}/limits")).await;
    assert_eq!(limits["DailyBulkV2QueryJobs"], json!({ "Max": 1, "Remaining": 0 }));
    org.sim.set_limit("DailyBulkV2QueryJobs", 10);
    org.sim.set_limit("DailyBulkV2QueryFileStorageMB", 0);
    let body = r#"[{"errorCode":"LIMIT_EXCEEDED","message":"Max bulk v2 query result size stored (0) kb per 24 hrs has been exceeded"}]"#;
    assert_eq!(create().await, (400, body.to_owned()));
}

#[tokio::test]
async fn rows_of_objects_are_counted_without_those_in_the_bin() {
    let org = Org::new().await;
    org.accounts(4);
    let gone = org.sim.insert("Account", &json!({ "Name": "gone" })).unwrap();
    org.sim.delete("Account", gone).unwrap();
    org.sim.insert("Contact", &json!({ "LastName": "Okafor" })).unwrap();
    let two = r#"{"sObjects":[{"count":4,"name":"Account"},{"count":1,"name":"Contact"}]}"#;
    // What nothing is called is passed over; what has no rows is not told.
    let some = format!("{V}/limits/recordCount?sObjects=Contact,Nope__c,Lead,account");
    assert_eq!(org.told(&some).await, (200, two.to_owned()));
    for all in ["", "?sObjects", "?sObjects="] {
        let all = org.json(&format!("{V}/limits/recordCount{all}")).await;
        let mut names: Vec<_> =
            all["sObjects"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["Account", "Contact", "Organization", "User"]);
    }
    let (status, _) = org.told("/services/data/v39.0/limits/recordCount").await;
    assert_eq!(status, 404, "there from version 40.0 on");
}
