//! What a JSON body may say, and what is said of one that is wrong.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{Org, V, told};

async fn sent(org: &Org, method: Method, path: &str, body: &'static str) -> (u16, String) {
    let call = org.call(method, &format!("{V}{path}")).header(CONTENT_TYPE, "application/json");
    told(call.body(body).send().await.unwrap()).await
}

fn wrong(message: &str) -> (u16, String) {
    (400, json!([{ "message": message, "errorCode": "JSON_PARSER_ERROR" }]).to_string())
}

#[tokio::test]
async fn an_empty_body_is_refused_in_an_orgs_words_wherever_one_is_needed() {
    let org = Org::new().await;
    let refused = wrong("The HTTP entity body is required, but this request has no entity body.");
    for (method, path) in [
        (Method::POST, "/sobjects/Account"),
        (Method::POST, "/composite"),
        (Method::POST, "/composite/graph"),
        (Method::POST, "/composite/sobjects"),
        (Method::POST, "/composite/tree/Account"),
        (Method::POST, "/jobs/query"),
        (Method::POST, "/jobs/ingest"),
    ] {
        assert_eq!(sent(&org, method, path, "").await, refused, "{path}");
    }
    let part = json!({ "method": "POST", "url": format!("{V}/sobjects/Account"), "referenceId": "a" });
    let answer = org.post(&format!("{V}/composite"), &json!({ "compositeRequest": [part] })).await;
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["compositeResponse"][0]["body"].to_string(), refused.1);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused_with_the_character_and_its_place() {
    let org = Org::new().await;
    let quote = "was expecting double-quote to start field name at";
    for (body, message) in [
        ("{name \"Name error \"}", format!("Unexpected character ('n' (code 110)): {quote} [line:1, column:3]")),
        (
            "{\n\"Name\": \"x\",\n\"Site\": \"y\",\n\"Phone\": \"1\",\n}",
            format!("Unexpected character ('}}' (code 125)): {quote} [line:5, column:2]"),
        ),
        (
            "{\"Name\":\"x\" N",
            "Unexpected character ('N' (code 78)): was expecting comma to separate OBJECT entries at [line:1, column:14]"
                .to_owned(),
        ),
    ] {
        assert_eq!(sent(&org, Method::POST, "/sobjects/Account", body).await, wrong(&message), "{body}");
    }
}

#[tokio::test]
async fn null_counts_as_absent_for_what_need_not_be_said() {
    let org = Org::new().await;
    let rows = json!({ "allOrNone": null, "records": [
        { "attributes": { "type": "Account" }, "Name": "a" }, { "attributes": { "type": "Account" } },
    ]});
    let answer: Value = org.post(&format!("{V}/composite/sobjects"), &rows).await.json().await.unwrap();
    assert_eq!((&answer[0]["success"], &answer[1]["success"]), (&json!(true), &json!(false)));

    let url = format!("{V}/limits");
    let part = json!({ "method": "GET", "url": url, "referenceId": "a", "body": null, "httpHeaders": null });
    let parts = json!({ "allOrNone": null, "collateSubrequests": null, "compositeRequest": [part] });
    let answer: Value = org.post(&format!("{V}/composite"), &parts).await.json().await.unwrap();
    assert_eq!(answer["compositeResponse"][0]["httpStatusCode"], 200);

    let batch = json!({ "haltOnError": null, "batchRequests": [{ "method": "GET", "url": "v66.0/limits", "richInput": null }] });
    let answer: Value = org.post(&format!("{V}/composite/batch"), &batch).await.json().await.unwrap();
    assert_eq!((&answer["hasErrors"], &answer["results"][0]["statusCode"]), (&json!(false), &json!(200)));
}
