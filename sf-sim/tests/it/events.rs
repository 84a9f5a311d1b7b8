//! Platform events over REST.

use reqwest::Method;
use serde_json::{Value, json};
use sf_sim::id::KeyPrefix;
use sf_sim::schema::{FieldDef, ObjectDef, Type};

use crate::support::{Org, V, told};

/// An org with an event of one required and one optional field.
async fn with_event() -> Org {
    let org = Org::new().await;
    let mut event = ObjectDef::new("Order__e", "Order", "Orders", KeyPrefix::of("e00"));
    event.event = true;
    event.queryable = false;
    for (name, required) in [("Number__c", true), ("Note__c", false)] {
        let mut field = FieldDef::new(name, name, Type::String);
        field.set_length(80);
        field.custom = true;
        field.nillable = !required;
        event.add_field(field);
    }
    org.sim.store(|store| store.define(event));
    org
}

#[tokio::test]
async fn a_published_event_is_queued_with_its_uuid_among_the_errors() {
    let org = with_event().await;
    let answer = org.post(&format!("{V}/sobjects/Order__e"), &json!({ "Number__c": "7" })).await;
    let (status, text) = told(answer).await;
    assert_eq!(status, 201, "{text}");
    let body: Value = serde_json::from_str(&text).unwrap();
    let uuid = body["errors"][0]["message"].as_str().unwrap();
    assert_eq!(uuid.len(), 36);
    let expected = format!(
        r#"{{"id":"e01xx0000000001AAA","success":true,"errors":[{{"statusCode":"OPERATION_ENQUEUED","message":"{uuid}","fields":[]}}]}}"#
    );
    assert_eq!(text, expected);
    let published = org.sim.published();
    assert_eq!((published.len(), published[0].uuid.as_str()), (1, uuid));
    assert_eq!(Value::Object(published[0].fields.clone()), json!({ "Number__c": "7", "Note__c": null }));
    let limits = org.json(&format!("{V}/limits")).await;
    assert_eq!(limits["HourlyPublishedPlatformEvents"]["Remaining"], 49_999);
}

#[tokio::test]
async fn an_ingest_job_publishes_events_and_does_nothing_else_with_them() {
    let org = with_event().await;
    org.sim.set_limit("HourlyPublishedPlatformEvents", 3);
    let csv = "Number__c,Note__c\n1,a\n2,\n,b\n4,c\n5,d\n";
    let job = org.inserted("Order__e", csv).await;
    assert_eq!(job.progress().await, ("JobComplete".to_owned(), 5, 2));
    let (header, rows) = job.outcome("successfulResults").await;
    assert_eq!(header, "\"sf__Id\",\"sf__Created\",Number__c,Note__c");
    // The id names no record, and is the same for all.
    let row = |number: &str, note: &str| format!("\"e01xx0000000001AAA\",\"true\",\"{number}\",\"{note}\"");
    assert_eq!(rows, [row("1", "a"), row("2", ""), row("4", "c")]);
    assert_eq!(
        job.errors().await,
        [
            "LIMIT_EXCEEDED:The hourly limit of published platform events has been reached:--",
            "REQUIRED_FIELD_MISSING:Required fields are missing: [Number__c]:Number__c --",
        ]
    );
    let published: Vec<Value> = org.sim.published().into_iter().map(|event| event.fields.into()).collect();
    assert_eq!(
        published,
        [("1", json!("a")), ("2", json!(null)), ("4", json!("c"))]
            .map(|(number, note)| json!({ "Number__c": number, "Note__c": note }))
    );
    for operation in ["update", "upsert", "delete", "hardDelete"] {
        let body = json!({ "object": "Order__e", "operation": operation, "externalIdFieldName": "Id" });
        let (status, text) = told(org.post(&format!("{V}/jobs/ingest"), &body).await).await;
        assert!(status == 400 && text.contains("Entity 'Order__e' is not supported"), "{operation}: {text}");
    }
}

#[tokio::test]
async fn an_event_that_is_wrong_is_refused_and_not_published() {
    let org = with_event().await;
    let path = format!("{V}/sobjects/Order__e");
    let publish = async |body: Value| told(org.post(&path, &body).await).await;
    for (body, code) in [
        (json!({}), "REQUIRED_FIELD_MISSING"),
        (json!({ "Number__c": "7", "Nope__c": 1 }), "INVALID_FIELD"),
        (json!({ "Number__c": "x".repeat(81) }), "STRING_TOO_LONG"),
    ] {
        let (status, text) = publish(body).await;
        assert!(status == 400 && text.contains(code), "{code}: {status} {text}");
    }
    org.sim.set_limit("HourlyPublishedPlatformEvents", 0);
    let (status, text) = publish(json!({ "Number__c": "7" })).await;
    assert!(status == 400 && text.contains("LIMIT_EXCEEDED"), "{status} {text}");
    assert_eq!(org.sim.published(), []);
}

#[tokio::test]
async fn an_event_is_described_and_neither_read_nor_queried() {
    let org = with_event().await;
    let described = org.json(&format!("{V}/sobjects/Order__e/describe")).await;
    assert_eq!((&described["name"], &described["queryable"]), (&json!("Order__e"), &json!(false)));
    let row =
        org.call(Method::GET, &format!("{V}/sobjects/Order__e/e01xx0000000001AAA")).send().await.unwrap();
    assert_eq!(row.status(), 405);
    let body = json!({ "operation": "query", "query": "SELECT ReplayId FROM Order__e" });
    let (status, text) = told(org.post(&format!("{V}/jobs/query"), &body).await).await;
    assert!(status == 400 && text.contains("INVALIDENTITY"), "{status} {text}");
}

/// With the ids of fields, which are the org's own, taken out.
fn without_ids(mut text: String) -> String {
    while let Some(at) = text.find(":00N") {
        text.replace_range(at..at + 16, "");
    }
    text
}

#[tokio::test]
async fn an_events_schema_is_told_in_the_formats_of_its_version() {
    let org = with_event().await;
    let at = |version: u32, query: &str| {
        format!("/services/data/v{version}.0/sobjects/Order__e/eventSchema{query}")
    };
    // The form of an answer that was published of an org, with other names.
    let fields = |created: &str| {
        let own = ["Number__c", "Note__c"].map(|name| {
            format!(r#",{{"name":"{name}","type":["null","string"],"doc":"Data:Text","default":null}}"#)
        });
        format!(
            r#"[{{"name":"CreatedDate","type":"{created}","doc":"CreatedDate:DateTime"}},{{"name":"CreatedById","type":"string","doc":"CreatedBy:EntityId"}}{}]"#,
            own.concat()
        )
    };
    let expanded = format!(
        r#"{{"name":"Order__e","namespace":"com.sforce.eventbus","type":"expanded-record","fields":[{{"name":"data","type":{{"type":"record","name":"Data","namespace":"","fields":[{{"name":"schema","type":"string"}},{{"name":"payload","type":{{"type":"record","name":"Payload","doc":"","fields":{}}}}},{{"name":"event","type":{{"type":"record","name":"Event","fields":[{{"name":"replayId","type":"long"}}]}}}}]}}}},{{"name":"channel","type":"string"}}]}}"#,
        fields("string")
    );
    for query in ["", "?payloadFormat=EXPANDED"] {
        let (status, text) = org.told(&at(66, query)).await;
        assert_eq!((status, without_ids(text)), (200, expanded.clone()), "{query}");
    }
    let compact: Value = org.json(&at(66, "?payloadFormat=COMPACT")).await;
    let id = compact["uuid"].as_str().unwrap();
    assert_eq!(id.len(), 22);
    let record = format!(
        r#"{{"name":"Order__e","namespace":"com.sforce.eventbus","type":"record","fields":{},"uuid":"{id}"}}"#,
        fields("long")
    );
    assert_eq!(without_ids(compact.to_string()), record);
    let by_id = format!("{V}/event/eventSchema/{id}?payloadFormat=COMPACT");
    assert_eq!(org.json(&by_id).await, compact);

    let early = org.json(&at(42, "")).await;
    let namespace = format!("com.salesforce.event.org{}", org.sim.org_id().as_str15());
    assert_eq!((&early["namespace"], &early["uuid"]), (&namespace.into(), &id.into()));
    assert_eq!(early["fields"][0], json!({ "name": "CreatedDate", "type": "string" }));
    assert_eq!(
        early["fields"][2],
        json!({ "name": "Number__c", "type": ["null", "string"], "default": null })
    );

    for (path, status) in [
        (at(66, "?payloadFormat=AVRO"), 400),
        // The formats came with version 43, the resource with 40.
        (at(42, "?payloadFormat=COMPACT"), 400),
        (at(39, ""), 404),
        (format!("{V}/sobjects/Account/eventSchema"), 404),
        (format!("{V}/event/eventSchema/AAAAAAAAAAAAAAAAAAAAAA"), 404),
    ] {
        assert_eq!(org.get(&path).await.status(), status, "{path}");
    }
    // Another field makes another schema.
    org.sim.store(|store| store.add_fields("Order__e", vec![custom("Count__c", Type::Double)]));
    let now = org.json(&at(66, "?payloadFormat=COMPACT")).await;
    assert_ne!(now["uuid"], compact["uuid"]);
    assert_eq!(now["fields"][4]["type"], json!(["null", "double"]));
}

fn custom(name: &str, ty: Type) -> FieldDef {
    let mut field = FieldDef::new(name, name, ty);
    field.custom = true;
    field
}
