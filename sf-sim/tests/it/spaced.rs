//! `X-PrettyPrint`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Org, V, header};

#[tokio::test]
async fn an_answer_is_spaced_for_who_asks_and_says_the_same() {
    let org = Org::new().await;
    org.accounts(2);
    let job = org.ingest(json!({ "object": "Account", "operation": "insert" })).await;
    let paths = ["/sobjects/Account/describe", "/query?q=SELECT+Name+FROM+Account", "/limits", "/nope"];
    for path in paths.map(|path| format!("{V}{path}")).into_iter().chain([job.path("")]) {
        let (status, plain) = org.told(&path).await;
        let answer = org.call(Method::GET, &path).header("X-PrettyPrint", "1").send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(header(&answer, "content-type"), Some("application/json;charset=UTF-8"));
        let spaced = answer.text().await.unwrap();
        assert!(spaced.starts_with("{\n  \"") || spaced.starts_with("[ {\n  \""), "{spaced}");
        let parsed: Value = serde_json::from_str(&spaced).unwrap();
        // Each call of the limits is one less.
        if !path.ends_with("/limits") {
            assert_eq!(parsed.to_string(), plain, "{path}");
        }
        let off = org.call(Method::GET, &path).header("X-PrettyPrint", "0").send().await.unwrap();
        assert!(!off.text().await.unwrap().contains('\n'));
    }
    let answer = org.call(Method::GET, &format!("{V}/query?q=SELECT+COUNT()+FROM+Contact"));
    let answer = answer.header("X-PrettyPrint", "1").send().await.unwrap().text().await.unwrap();
    assert_eq!(answer, "{\n  \"totalSize\" : 0,\n  \"done\" : true,\n  \"records\" : [ ]\n}");

    // What is no JSON stays as it is.
    let created = org.job("SELECT Name FROM Account").await;
    let results = format!("{V}/jobs/query/{created}/results");
    let spaced = org.call(Method::GET, &results).header("X-PrettyPrint", "1").send().await.unwrap();
    assert_eq!(spaced.text().await.unwrap(), org.told(&results).await.1);
}
