//! Which resources a version has, and the list of recent rows.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Org, V};

const NOT_FOUND: &str = r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#;

fn query(text: &str) -> String {
    format!("{V}/query?q={}", text.replace(' ', "+").replace('%', "%25"))
}

#[tokio::test]
async fn rows_seen_last_come_first_in_the_list_of_recent_ones() {
    let org = Org::new().await;
    let recent = |limit: &str| format!("{V}/recent/{limit}");
    assert_eq!(org.json(&recent("")).await, json!([]));
    let add = |object: &str, row: Value| org.sim.insert(object, &row).unwrap().to_string();
    let account = add("Account", json!({ "Name": "seen" }));
    add("Account", json!({ "Name": "never" }));
    let contact = add("Contact", json!({ "LastName": "referred to" }));
    let gone = add("Account", json!({ "Name": "seen and gone" }));
    for soql in [
        "SELECT Id FROM Account WHERE Name LIKE 'seen%' FOR VIEW",
        "SELECT Id FROM Contact FOR REFERENCE",
        "SELECT Id FROM Account WHERE Name = 'nobody' FOR VIEW",
    ] {
        org.sim.clock().advance(std::time::Duration::from_secs(60));
        org.json(&query(soql)).await;
    }
    org.call(Method::DELETE, &format!("{V}/sobjects/Account/{gone}")).send().await.unwrap();
    let item = |object: &str, id: &str, name: &str| {
        let attributes = json!({ "type": object, "url": format!("{V}/sobjects/{object}/{id}") });
        json!({ "attributes": attributes, "Id": id, "Name": name })
    };
    let [first, second] = [item("Contact", &contact, "referred to"), item("Account", &account, "seen")];
    assert_eq!(org.json(&recent("")).await, json!([first, second]));
    assert_eq!(org.json(&recent("?limit=1")).await, json!([first]));
    assert_eq!(org.get(&recent("?limit=x")).await.status(), 400);
    assert_eq!(org.json(&format!("{V}/sobjects/Account")).await["recentItems"], json!([second]));
    assert_eq!(org.call(Method::POST, &recent("")).send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn a_resource_is_there_from_its_version_on() {
    let org = Org::new().await;
    let job = org.job("SELECT Id FROM Account").await;
    for (path, since, there) in [
        ("jobs/ingest".to_owned(), 41, 200),
        ("jobs/query".to_owned(), 47, 200),
        // The job is one of another version, which is no 404.
        (format!("jobs/query/{job}/resultPages"), 58, 409),
        ("composite/batch".to_owned(), 34, 405),
        ("composite/tree/Account".to_owned(), 34, 405),
        ("composite".to_owned(), 38, 405),
        ("composite/sobjects".to_owned(), 42, 405),
        ("composite/graph".to_owned(), 50, 405),
    ] {
        let at = |version: u32| format!("/services/data/v{version}.0/{path}");
        assert_eq!(org.told(&at(since - 1)).await, (404, NOT_FOUND.to_owned()), "{path}");
        assert_eq!(org.get(&at(since)).await.status(), there, "{path}");
    }
    let part = json!({ "method": "GET", "url": "/services/data/v41.0/composite/sobjects/Account?ids=x&fields=Id", "referenceId": "a" });
    let answer = org.post(&format!("{V}/composite"), &json!({ "compositeRequest": [part] })).await;
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["compositeResponse"][0]["httpStatusCode"], 404);
}
