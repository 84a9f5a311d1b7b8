//! Every answer that an org gives to an event, and none.

use std::time::Duration;

use serde_json::{Value, json};
use sf_events::{ErrorKind, Event};
use wiremock::ResponseTemplate;

use crate::support::{Org, event, on};

/// Platform Events guide, "Publish Event Messages with Salesforce APIs": a success with an error in it.
fn enqueued() -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_json(json!({
        "id": "e01xx0000000001AAA",
        "success": true,
        "errors": [{
            "statusCode": "OPERATION_ENQUEUED",
            "message": "ce3b1a62-3d0f-4ba7-a9e8-e0ce9b8a7c44",
            "fields": []
        }]
    }))
}

fn refusal(status: u16, code: &str, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .set_body_json(json!([{"message": message, "errorCode": code, "fields": ["City__c"]}]))
}

#[tokio::test]
async fn an_event_is_published_and_its_definition_read_once() {
    let org = Org::with_describe().await;
    org.answers(enqueued()).await;
    for _ in 0..3 {
        let published = org.publisher.clone().publish(&event()).await.unwrap();
        assert_eq!(published.id, "e01xx0000000001AAA");
        assert_eq!(published.event_uuid.as_deref(), Some("ce3b1a62-3d0f-4ba7-a9e8-e0ce9b8a7c44"));
    }
    assert_eq!(org.asked("GET", "/describe").await, 1);
    let requests = org.server.received_requests().await.unwrap();
    let sent = requests.iter().find(|r| r.url.path().ends_with("/sobjects/Order__e")).unwrap();
    assert_eq!(String::from_utf8_lossy(&sent.body), r#"{"City__c":"Berlin","Amount__c":19.90}"#);
    assert_eq!(sent.headers["content-type"], "application/json");
}

#[tokio::test]
async fn an_answer_without_uuid_is_a_success_all_the_same() {
    let org = Org::with_describe().await;
    org.answers(
        ResponseTemplate::new(201).set_body_json(json!({"id": "e00", "success": true, "errors": []})),
    )
    .await;
    assert_eq!(org.publisher.publish(&event()).await.unwrap().event_uuid, None);
}

#[tokio::test]
async fn callers_who_meet_at_a_new_event_read_its_definition_once() {
    let org = Org::with_describe().await;
    org.answers(enqueued()).await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let publisher = org.publisher.clone();
            tokio::spawn(async move { publisher.publish(&event()).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(org.asked("GET", "/describe").await, 1);
    assert_eq!(org.asked("POST", "/sobjects/Order__e").await, 20);
}

#[tokio::test]
async fn an_event_that_does_not_fit_is_not_sent() {
    let org = Org::with_describe().await;
    let error = org.publisher.publish(&event().field("Citty__c", "x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidEvent);
    assert!(error.to_string().contains("did you mean City__c?"), "{error}");
    assert_eq!(org.asked("POST", "/sobjects/Order__e").await, 0);
    let error = org.publisher.publish(&Event::new("Account").field("Name", "x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAnEvent);
}

#[tokio::test]
async fn an_event_that_the_org_does_not_know_is_told_with_names_like_it() {
    let org = Org::start().await;
    on(&org.server, "GET", "/describe$", refusal(404, "NOT_FOUND", "The requested resource does not exist"))
        .await;
    let global = json!({"sobjects": [{"name": "Account"}, {"name": "Orders__e"}, {"name": "Zzz__e"}]});
    on(&org.server, "GET", "/sobjects$", ResponseTemplate::new(200).set_body_json(global)).await;
    let error = org.publisher.publish(&event()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownEvent);
    assert!(error.hint().unwrap().starts_with("Nearest to it in this org: Orders__e, Zzz__e."), "{error}");
}

#[tokio::test]
async fn each_refusal_keeps_the_orgs_code_and_says_that_nothing_was_published() {
    for (answer, kind, code) in [
        (refusal(400, "INVALID_FIELD", "No such column"), ErrorKind::Refused, "INVALID_FIELD"),
        (refusal(400, "LIMIT_EXCEEDED", "hourly"), ErrorKind::Limit, "LIMIT_EXCEEDED"),
        (
            refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
            ErrorKind::Limit,
            "REQUEST_LIMIT_EXCEEDED",
        ),
        (
            refusal(503, "PLATFORM_EVENT_PUBLISHING_UNAVAILABLE", "later"),
            ErrorKind::Unavailable,
            "PLATFORM_EVENT_PUBLISHING_UNAVAILABLE",
        ),
        (
            refusal(400, "PLATFORM_EVENT_ENCRYPTION_ERROR", "key"),
            ErrorKind::Refused,
            "PLATFORM_EVENT_ENCRYPTION_ERROR",
        ),
        (
            ResponseTemplate::new(201).set_body_json(json!({
                "id": null, "success": false,
                "errors": [{"statusCode": "LIMIT_EXCEEDED", "message": "hourly", "fields": []}]
            })),
            ErrorKind::Limit,
            "LIMIT_EXCEEDED",
        ),
    ] {
        let org = Org::with_describe().await;
        org.answers(answer).await;
        let error = org.publisher.publish(&event()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.api_errors()[0].error_code, code);
        assert!(error.to_string().starts_with("Order__e was not published: "), "{error}");
        assert_eq!(org.asked("POST", "/sobjects/Order__e").await, 1, "{code} was sent again");
    }
}

#[tokio::test]
async fn an_event_whose_answer_was_lost_is_in_doubt_and_never_sent_again() {
    let half: Value = json!("half an answer");
    for answer in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(503).set_body_raw("<html>maintenance</html>", "text/html"),
        ResponseTemplate::new(504),
        ResponseTemplate::new(201),
        ResponseTemplate::new(201).set_body_json(half),
        ResponseTemplate::new(201).insert_header("content-encoding", "gzip").set_body_bytes("not gzip"),
    ] {
        let org = Org::with_describe().await;
        org.answers(answer).await;
        let error = org.publisher.publish(&event()).await.unwrap_err();
        assert!(error.is_in_doubt(), "{error}");
        assert!(
            error.hint().unwrap().contains("Publish it again only if a second copy does no harm"),
            "{error}"
        );
        assert_eq!(org.asked("POST", "/sobjects/Order__e").await, 1);
    }
}

#[tokio::test]
async fn what_the_org_refused_for_the_moment_is_sent_again() {
    let org = Org::with_describe().await;
    let slow = ResponseTemplate::new(429).insert_header("retry-after", "0");
    wiremock::Mock::given(wiremock::matchers::method("POST"))
        .and(wiremock::matchers::path_regex("/sobjects/Order__e$"))
        .respond_with(slow)
        .up_to_n_times(1)
        .with_priority(1)
        .mount(&org.server)
        .await;
    org.answers(enqueued()).await;
    org.publisher.publish(&event()).await.unwrap();
    assert_eq!(org.asked("POST", "/sobjects/Order__e").await, 2);
}

#[tokio::test]
async fn an_org_that_cannot_be_asked_for_the_definition_was_sent_nothing() {
    let org = Org::start().await;
    on(&org.server, "GET", "/describe$", ResponseTemplate::new(500).set_delay(Duration::ZERO)).await;
    let error = org.publisher.publish(&event()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSent);
    assert_eq!(error.cause().unwrap().kind(), sf_core::ErrorKind::Server);
    assert_eq!(org.asked("GET", "/describe").await, 3);
    assert_eq!(org.asked("POST", "/sobjects/Order__e").await, 0);
}
