//! Rows and events as a stranger tries them.

use crate::{program, said};

#[test]
fn rows_are_made_read_changed_and_deleted_again() {
    let said = said(program(env!("CARGO_BIN_EXE_row_crud")));
    for found in [
        r#"Account { name: "Wheelworks", phone: None, number_of_employees: Some(13) }"#,
        "it is new",
        "upserted the same Email again: it was changed",
        "REQUIRED_FIELD_MISSING: Required fields are missing: [LastName]",
        "449 of 450 created",
        "row 41: Required fields are missing: [LastName]",
        "\"Ode\" belongs to \"001",
        "453 rows made, 453 deleted",
        "API calls left today, as the last answer told: ",
    ] {
        assert!(said.contains(found), "{found:?} is not in\n{said}");
    }
}

#[test]
fn events_are_published_one_by_one_and_many_in_a_call() {
    let said = said(program(env!("CARGO_BIN_EXE_publish_events")));
    for found in [
        r#"{"City__c":"Berlin","Amount__c":19.90,"Express__c":true}"#,
        "249 published",
        "event 6: the event does not fit Order__e in the org",
        "Citty__c: Order__e has no such field; did you mean City__c?",
    ] {
        assert!(said.contains(found), "{found:?} is not in\n{said}");
    }
}

#[test]
fn an_event_of_ones_own_is_read_from_the_arguments() {
    let mut command = program(env!("CARGO_BIN_EXE_publish_events"));
    command.args(["Order__e", "City__c=Köln", "Amount__c=0.10"]);
    let said = said(command);
    assert!(said.contains(r#"{"City__c":"Köln","Amount__c":0.10,"Express__c":false}"#), "{said}");
}
