//! The same tools over HTTP, for an org in another process.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{NOW, Org, V, header, told};

impl Org {
    async fn control(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let call = self.without_token(method, &format!("/__sim/{path}"));
        let answer = if body.is_null() { call } else { call.json(&body) }.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

#[tokio::test]
async fn faults_are_added_told_awaited_and_removed() {
    let org = Org::new().await;
    let fault = json!([{ "on": "limits", "times": "always", "then": "unavailable" }]);
    assert_eq!(org.control(Method::POST, "faults", fault).await, (200, json!({ "ids": [1] })));
    let early = org.control(Method::GET, "faults/1/fired?timeout_ms=0", Value::Null).await;
    assert_eq!(early, (408, json!({ "done": false })));
    assert_eq!(org.told(&format!("{V}/limits")).await.0, 503);
    assert_eq!(org.control(Method::GET, "faults/1/fired", Value::Null).await.0, 200);
    let list = org.control(Method::GET, "faults", Value::Null).await.1;
    assert_eq!(list, json!([{ "id": 1, "on": "limits", "fired": 1 }]));
    assert_eq!(org.control(Method::DELETE, "faults/1", Value::Null).await.0, 200);
    assert_eq!(org.told(&format!("{V}/limits")).await.0, 200);
    assert_eq!(org.control(Method::DELETE, "faults/1", Value::Null).await.0, 404);
    let (status, answer) =
        org.control(Method::POST, "faults", json!({ "on": "nope", "then": "lose_job" })).await;
    assert!(status == 400 && answer["error"].as_str().unwrap().contains("unknown route"), "{answer}");
}

#[tokio::test]
async fn a_hook_is_set_awaited_and_released() {
    let org = std::sync::Arc::new(Org::new().await);
    let (_, hook) = org.control(Method::POST, "hooks", json!({ "on": "limits", "nth": 2 })).await;
    assert_eq!(hook, json!({ "id": 1 }));
    assert_eq!(org.told(&format!("{V}/limits")).await.0, 200);
    let held = tokio::spawn({
        let org = org.clone();
        async move { org.told(&format!("{V}/limits")).await.0 }
    });
    assert_eq!(org.control(Method::GET, "hooks/1/arrived", Value::Null).await.0, 200);
    assert!(!held.is_finished());
    assert_eq!(org.control(Method::POST, "hooks/1/release", Value::Null).await.0, 200);
    assert_eq!(held.await.unwrap(), 200);
    assert_eq!(org.control(Method::GET, "hooks/1/arrived", Value::Null).await.0, 404);
}

#[tokio::test]
async fn clock_knobs_and_sessions_are_turned() {
    let org = Org::new().await;
    assert_eq!(org.control(Method::GET, "clock", Value::Null).await.1, json!({ "now": NOW }));
    let (_, clock) = org.control(Method::POST, "clock", json!({ "advance_ms": 5_000 })).await;
    assert_eq!(clock, json!({ "now": NOW + 5_000 }));
    let (_, clock) = org.control(Method::POST, "clock", json!({ "set": "2023-01-26T14:50:10Z" })).await;
    assert_eq!(clock, json!({ "now": NOW }));
    let knobs = json!({ "date_skew_ms": 1_000, "limits": { "DailyApiRequests": 77 }, "limits_used": { "DailyApiRequests": 5 } });
    assert_eq!(org.control(Method::POST, "knobs", knobs).await.0, 200);
    let answer = org.get(&format!("{V}/limits")).await;
    assert_eq!(header(&answer, "date"), Some("Thu, 26 Jan 2023 14:50:11 GMT"));
    assert_eq!(header(&answer, "sforce-limit-info"), Some("api-usage=6/77"));
    let (status, answer) = org.control(Method::POST, "knobs", json!({ "pagecap": 1 })).await;
    assert!(status == 400 && answer["error"].as_str().unwrap().contains("page_cap"), "{answer}");
    assert_eq!(org.control(Method::POST, "expire", Value::Null).await.0, 200);
    assert_eq!(org.told(&format!("{V}/limits")).await.0, 401);
}

#[tokio::test]
async fn the_journal_is_read_from_a_number_on() {
    let org = Org::new().await;
    org.told(&format!("{V}/limits")).await;
    org.told(&format!("{V}/query?q=SELECT+Id+FROM+Account")).await;
    let (_, journal) = org.control(Method::GET, "journal?since=1", Value::Null).await;
    let requests = journal["requests"].as_array().unwrap();
    assert_eq!((requests.len(), &requests[0]["number"]), (1, &json!(2)));
    assert_eq!(requests[0]["query"], "q=SELECT Id FROM Account");
    assert_eq!(journal["counts"], json!({ "limits": 1, "query": 1 }));
    let (_, about) = org.control(Method::GET, "", Value::Null).await;
    assert_eq!(about["org_id"], org.sim.org_id().to_string());
    assert_eq!(told(org.without_token(Method::GET, "/__sim/nonsense").send().await.unwrap()).await.0, 404);
}

#[tokio::test]
async fn apps_and_users_are_added_and_replaced_from_another_process() {
    let org = Org::new().await;
    let add = async |password: &str| {
        let body = json!({
            "apps": [{ "client_id": "late", "client_secret": "s" }],
            "users": [{ "username": "late@example.com", "password": password }],
        });
        org.control(Method::POST, "accounts", body).await.0
    };
    let login = async |password: &str| {
        let form = [
            ("grant_type", "password"),
            ("client_id", "late"),
            ("client_secret", "s"),
            ("username", "late@example.com"),
            ("password", password),
        ];
        org.login(&form).await.status().as_u16()
    };
    assert_eq!((add("one").await, login("one").await), (200, 200));
    assert_eq!((add("two").await, login("one").await), (200, 400));
    assert_eq!(login("two").await, 200);
    let (status, answer) = org.control(Method::POST, "accounts", json!({ "apps": [{}] })).await;
    assert!(status == 400 && answer["error"].as_str().unwrap().contains("client_id"), "{answer}");
}

#[tokio::test]
async fn cursors_end_and_rows_come_back_from_the_bin_when_told_to() {
    let org = Org::new().await;
    org.accounts(300);
    let ask = org.call(Method::GET, &format!("{V}/query?q=SELECT+Id+FROM+Account"));
    let page: Value =
        ask.header("Sforce-Query-Options", "batchSize=200").send().await.unwrap().json().await.unwrap();
    let next = page["nextRecordsUrl"].as_str().unwrap();
    assert_eq!(org.get(next).await.status(), 200);
    assert_eq!(org.post("/__sim/expire_cursors", &json!({})).await.status(), 200);
    let refused = r#"[{"message":"invalid query locator","errorCode":"INVALID_QUERY_LOCATOR"}]"#;
    assert_eq!(org.told(next).await, (400, refused.to_owned()));

    let id = page["records"][0]["Id"].as_str().unwrap();
    let path = format!("{V}/sobjects/Account/{id}");
    assert_eq!(org.call(Method::DELETE, &path).send().await.unwrap().status(), 204);
    let row = json!({ "object": "Account", "id": id });
    assert_eq!(org.post("/__sim/undelete", &row).await.status(), 200);
    assert_eq!(org.get(&path).await.status(), 200);
    let again = told(org.post("/__sim/undelete", &row).await).await;
    assert_eq!(again.0, 400);
    assert!(again.1.contains("UNDELETE_FAILED: Entity is not in the recycle bin"), "{}", again.1);
}
