use serde_json::json;

use super::*;
use crate::event_type::Describe;

/// A describe of an event with a field of every kind, cut down to the keys that are read.
fn order() -> EventType {
    definition(json!({
        "name": "Order__e", "createable": true, "queryable": false, "fields": [
            {"name": "ReplayId", "type": "string", "createable": false, "nillable": true},
            {"name": "CreatedDate", "type": "datetime", "createable": false, "nillable": false},
            {"name": "City__c", "type": "string", "createable": true, "nillable": true, "length": 5},
            {"name": "Number__c", "type": "string", "createable": true, "nillable": false, "length": 80},
            {"name": "Amount__c", "type": "currency", "createable": true, "nillable": true},
            {"name": "Pieces__c", "type": "int", "createable": true, "nillable": true},
            {"name": "Express__c", "type": "boolean", "createable": true, "nillable": false},
            {"name": "Status__c", "type": "string", "createable": true, "nillable": false, "defaultedOnCreate": true},
            {"name": "Day__c", "type": "date", "createable": true, "nillable": true},
            {"name": "At__c", "type": "datetime", "createable": true, "nillable": true},
            {"name": "Hour__c", "type": "time", "createable": true, "nillable": true},
            {"name": "New__c", "type": "typeOfTomorrow", "createable": true, "nillable": true},
        ]
    }))
}

fn definition(describe: serde_json::Value) -> EventType {
    serde_json::from_value::<Describe>(describe).unwrap().into()
}

fn event() -> Event {
    Event::new("Order__e").field("Number__c", "A-1")
}

fn problems(event: &Event) -> Vec<String> {
    let error = body(event, &order()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidEvent);
    error.problems().iter().map(|p| format!("{}: {}", p.field, p.message)).collect()
}

#[test]
fn a_fitting_event_is_written_with_the_orgs_spelling_and_the_callers_digits() {
    let event = event()
        .field("CITY__C", "K\"ln")
        .number("amount__c", "123456789012345678.10")
        .field("Pieces__c", 3)
        .field("Express__c", true)
        .field("Day__c", "2024-02-29")
        .field("At__c", "2024-12-24T18:18:29.000+0100")
        .field("Hour__c", "18:18:29.000Z")
        .field("New__c", json!({"any": [1]}));
    assert_eq!(
        body(&event, &order()).unwrap(),
        r#"{"City__c":"K\"ln","Number__c":"A-1","Amount__c":123456789012345678.10,"Pieces__c":3,"Express__c":true,"Day__c":"2024-02-29","At__c":"2024-12-24T18:18:29.000+0100","Hour__c":"18:18:29.000Z","New__c":{"any":[1]}}"#
    );
}

#[test]
fn null_is_sent_where_the_field_takes_it_and_what_is_absent_is_not() {
    let event = event().field("City__c", None::<&str>).field("Status__c", None::<&str>);
    assert_eq!(body(&event, &order()).unwrap(), r#"{"City__c":null,"Number__c":"A-1","Status__c":null}"#);
}

#[test]
fn everything_wrong_is_told_at_once() {
    let event =
        Event::new("Order__e").field("Citty__c", "x").field("Pieces__c", "three").field("ReplayId", "1");
    assert_eq!(
        problems(&event),
        [
            "Citty__c: Order__e has no such field; did you mean City__c?",
            "ReplayId: is set by the org, leave it out",
            "Number__c: is required and missing",
            "Pieces__c: is text (int), must be a whole number",
        ]
    );
    let shown = body(&event, &order()).unwrap_err().to_string();
    assert!(shown.starts_with("the event does not fit Order__e in the org\n  Citty__c: "), "{shown}");
}

#[test]
fn a_value_of_the_wrong_kind_is_told_with_the_right_one() {
    for (name, value, words) in [
        ("City__c", json!(5), "is a number (string), must be text"),
        ("City__c", json!("Berlin"), "has 6 characters, the field holds 5"),
        ("Express__c", json!("true"), "is text (boolean), must be true or false"),
        ("Express__c", json!(null), "is required and given as null"),
        ("Amount__c", json!("19.90"), "is text (currency), must be a number"),
        ("Amount__c", json!([1]), "is a list (currency), must be a number"),
        ("Pieces__c", json!(1.5), "must be a whole number of 64 bits (int)"),
        ("Day__c", json!("2024-02-30"), "must be a day as \"2024-12-24\" (date)"),
        ("Day__c", json!(""), "must be a day"),
        ("At__c", json!("2024-12-24"), "must be an instant"),
        ("At__c", json!(1_700_000_000), "must be an instant"),
        ("Hour__c", json!("25:00:00"), "must be a time of day"),
    ] {
        let found = problems(&event().field(name, value.clone()));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(name) && found[0].contains(words), "{value}: {found:?}");
    }
    assert!(problems(&event().number("Amount__c", "19,90"))[0].contains("no number as JSON writes it"));
    assert!(problems(&event().number("New__c", "x"))[0].contains("no number as JSON writes it"));
    assert_eq!(problems(&event().field("number__C", "A-2")), ["Number__c: is given more than once"]);
}

#[test]
fn a_field_like_none_gets_no_guess() {
    assert_eq!(problems(&event().field("Zzz__c", 1)), ["Zzz__c: Order__e has no such field"]);
    assert_eq!(
        problems(&event().field("city", 1)),
        ["city: Order__e has no such field; did you mean City__c?"]
    );
}

#[test]
fn an_event_larger_than_an_org_takes_is_refused() {
    let definition = definition(json!({"name": "Big__e", "createable": true, "fields": [
        {"name": "Text__c", "type": "textarea", "length": 0}
    ]}));
    let of = |bytes: usize| body(&Event::new("Big__e").field("Text__c", "x".repeat(bytes)), &definition);
    let frame = r#"{"Text__c":""}"#.len();
    assert!(of(MAX_BYTES - frame).is_ok());
    let error = of(MAX_BYTES - frame + 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("1048577 bytes"), "{error}");
}

#[test]
fn a_user_who_may_not_publish_is_told_which_permission_is_missing() {
    let definition = definition(json!({"name": "Order__e", "createable": false, "fields": []}));
    let error = body(&Event::new("Order__e"), &definition).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAllowed);
    assert!(error.hint().unwrap().contains("\"Create\""));
}

#[test]
fn what_is_no_event_is_told_from_its_name() {
    for (name, words) in [
        ("Account", "is not a platform event"),
        ("Order__c", "ends in __e"),
        ("__e", "is not a platform event"),
        ("Order__e/../Account__e", "is not a platform event"),
        ("/event/Order__e", "Publish to Order__e."),
        ("Orders__chn", "is a channel"),
        ("AccountChangeEvent", "is a change event"),
    ] {
        let error = object(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotAnEvent);
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(object("acme__Order__e").is_ok());
}

#[test]
fn what_a_definition_asks_for_can_be_read() {
    let order = order();
    assert_eq!(order.required_fields().collect::<Vec<_>>(), ["Number__c"]);
    assert_eq!(order.fields().count(), 10);
}
