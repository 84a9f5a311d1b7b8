use std::time::Duration;

use serde_json::json;

use super::*;
use crate::schema::Type;
use crate::value::{Cell, Value};

const NOW: i64 = 1_700_000_000_750;
/// The stamp of that time: whole seconds.
const STAMP: i64 = 1_700_000_000_000;

mod bin;
mod rollup;

fn store() -> Store {
    Store::with_standard_objects(Clock::fixed(NOW))
}

fn values(pairs: &[(&str, &str)]) -> Vec<(String, Value)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::text(*value))).collect()
}

fn get(store: &Store, object: &str, id: RecordId, field: &str) -> Value {
    let def = store.catalog().get(object).unwrap();
    store.row(object, id).unwrap().get(def.field(field).unwrap().0).to_value()
}

fn lead(store: &mut Store) -> RecordId {
    let user = store.running_user();
    store.insert("Lead", values(&[("LastName", "Lee"), ("Company", "Acme")]), user).unwrap()
}

/// The error of a REST insert.
fn refused(object: &str, body: serde_json::Value) -> RowError {
    let mut store = store();
    let user = store.running_user();
    store.insert_json(object, body.as_object().unwrap(), user).unwrap_err()
}

fn error(code: &'static str, message: &str, fields: &[&str]) -> RowError {
    RowError { code, message: message.to_owned(), fields: fields.iter().map(|f| (*f).to_owned()).collect() }
}

#[test]
fn a_new_row_has_its_system_fields_defaults_and_composed_name() {
    let mut store = store();
    let user = store.running_user();
    let body = json!({"attributes": {"type": "Lead"}, "firstname": "Kim", "LASTNAME": " Lee ", "Company": "Acme", "Fax": ""});
    let id = store.insert_json("lead", body.as_object().unwrap(), user).unwrap();
    assert_eq!(id.key_prefix(), "00Q");
    let expected = [
        ("Id", Value::Id(id)),
        ("Name", Value::text("Kim Lee")),
        ("LastName", Value::text("Lee")),
        ("Fax", Value::Null),
        ("Status", Value::text("Open - Not Contacted")),
        ("OwnerId", Value::Id(user)),
        ("IsDeleted", Value::Bool(false)),
        ("IsConverted", Value::Bool(false)),
        ("CreatedDate", Value::DateTime(STAMP)),
        ("CreatedById", Value::Id(user)),
        ("LastModifiedDate", Value::DateTime(STAMP)),
        ("LastModifiedById", Value::Id(user)),
        ("SystemModstamp", Value::DateTime(STAMP)),
        ("LastViewedDate", Value::Null),
    ];
    for (field, value) in expected {
        assert_eq!(get(&store, "Lead", id, field), value, "{field}");
    }
}

#[test]
fn an_update_moves_the_stamps_of_change_and_nothing_else() {
    let mut store = store();
    let id = lead(&mut store);
    let user = store.running_user();
    let other = store
        .insert(
            "User",
            values(&[
                ("Username", "o@x.example"),
                ("LastName", "Other"),
                ("Email", "o@x.example"),
                ("Alias", "other"),
                ("ProfileId", "00e5i0000000001"),
            ]),
            user,
        )
        .unwrap();
    store.clock().advance(Duration::from_secs(10));
    store.update("Lead", id, values(&[("FirstName", "Kim"), ("AnnualRevenue", "1000.5")]), other).unwrap();
    assert_eq!(get(&store, "Lead", id, "Name"), Value::text("Kim Lee"));
    assert_eq!(get(&store, "Lead", id, "Company"), Value::text("Acme"));
    assert_eq!(get(&store, "Lead", id, "AnnualRevenue"), Value::Num("1001".parse().unwrap()));
    assert_eq!(get(&store, "Lead", id, "CreatedDate"), Value::DateTime(STAMP));
    assert_eq!(get(&store, "Lead", id, "CreatedById"), Value::Id(user));
    assert_eq!(get(&store, "Lead", id, "LastModifiedDate"), Value::DateTime(STAMP + 10_000));
    assert_eq!(get(&store, "Lead", id, "LastModifiedById"), Value::Id(other));
    assert_eq!(get(&store, "Lead", id, "SystemModstamp"), Value::DateTime(STAMP + 10_000));
    store.update_json("Lead", id, json!({"FirstName": null}).as_object().unwrap(), user).unwrap();
    assert_eq!(get(&store, "Lead", id, "Name"), Value::text("Lee"));
}

#[test]
fn a_deleted_row_stays_marked_with_new_stamps_and_takes_no_more_writes() {
    let mut store = store();
    let id = lead(&mut store);
    let user = store.running_user();
    store.clock().advance(Duration::from_secs(5));
    store.delete("Lead", id, user).unwrap();
    assert!(store.row("Lead", id).unwrap().is_deleted());
    assert_eq!(get(&store, "Lead", id, "IsDeleted"), Value::Bool(true));
    assert_eq!(get(&store, "Lead", id, "LastModifiedDate"), Value::DateTime(STAMP + 5_000));
    assert_eq!(get(&store, "Lead", id, "SystemModstamp"), Value::DateTime(STAMP + 5_000));
    let gone = error("ENTITY_IS_DELETED", "entity is deleted", &[]);
    assert_eq!(store.delete("Lead", id, user), Err(gone.clone()));
    assert_eq!(store.update("Lead", id, values(&[("Company", "B")]), user), Err(gone));
    assert_eq!(store.table("Lead").unwrap().live(), 0);
    assert!(store.hard_delete("Lead", id) && !store.hard_delete("Lead", id));
    assert!(store.row("Lead", id).is_none());
}

#[test]
fn refused_inserts_speak_salesforces_words() {
    let full = |extra: serde_json::Value| {
        let mut body = json!({"LastName": "Lee", "Company": "Acme"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        refused("Lead", body)
    };
    let long = "x".repeat(41);
    let contact: RecordId = "0035i0000000001".parse().unwrap();
    let cases = [
        (
            full(json!({"FavoritePet__c": "cat"})),
            error("INVALID_FIELD", "No such column 'FavoritePet__c' on sobject of type Lead", &[]),
        ),
        (
            refused("Lead", json!({"FirstName": "Kim"})),
            error(
                "REQUIRED_FIELD_MISSING",
                "Required fields are missing: [LastName, Company]",
                &["LastName", "Company"],
            ),
        ),
        (
            full(json!({"LastName": "  "})),
            error("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", &["LastName"]),
        ),
        (
            full(json!({"MasterRecordId": null, "Name": "x"})),
            error(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                "Unable to create/update fields: MasterRecordId, Name. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
                &["MasterRecordId", "Name"],
            ),
        ),
        (
            full(json!({"Id": "00Q5i0000000001"})),
            error("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", &["Id"]),
        ),
        (
            full(json!({"FirstName": long.clone()})),
            error(
                "STRING_TOO_LONG",
                &format!("First Name: data value too large: {long} (max length=40)"),
                &["FirstName"],
            ),
        ),
        (
            full(json!({"CleanStatus": "Amazing"})),
            error(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                "Clean Status: bad value for restricted picklist field: Amazing",
                &["CleanStatus"],
            ),
        ),
        (
            full(json!({"Email": "no-at"})),
            error("INVALID_EMAIL_ADDRESS", "Email: invalid email address: no-at", &["Email"]),
        ),
        (
            full(json!({"NumberOfEmployees": "many"})),
            error(
                "JSON_PARSER_ERROR",
                "Cannot deserialize instance of int from VALUE_STRING value many or request may be missing a required field at [line:1, column:2]",
                &[],
            ),
        ),
        (
            full(json!({"LastName": 5})),
            error(
                "JSON_PARSER_ERROR",
                "Cannot deserialize instance of string from VALUE_NUMBER_INT value 5 or request may be missing a required field at [line:1, column:2]",
                &[],
            ),
        ),
        (
            full(json!({"NumberOfEmployees": 100_000_000})),
            error(
                "NUMBER_OUTSIDE_VALID_RANGE",
                "Employees: value outside of valid range on numeric field: 100000000",
                &["NumberOfEmployees"],
            ),
        ),
        (
            full(json!({"OwnerId": "0055i00000000ZZ"})),
            error("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", &["OwnerId"]),
        ),
        (
            refused("Contact", json!({"LastName": "Lee", "AccountId": "0035i0000000001"})),
            error(
                "MALFORMED_ID",
                &format!("Account ID: id value of incorrect type: {contact}"),
                &["AccountId"],
            ),
        ),
        (
            refused("Contact", json!({"LastName": "Lee", "AccountId": "what"})),
            error("MALFORMED_ID", "Account ID: id value of incorrect type: what", &["AccountId"]),
        ),
        (refused("Nothing", json!({})), error("NOT_FOUND", "The requested resource does not exist", &[])),
        (
            refused("Organization", json!({})),
            error("INVALID_TYPE_FOR_OPERATION", "entity type Organization does not support create", &[]),
        ),
    ];
    for (got, expected) in cases {
        assert_eq!(got, expected);
    }
}

#[test]
fn a_refused_write_leaves_no_trace() {
    let mut store = store();
    let id = lead(&mut store);
    let user = store.running_user();
    let before = store.row("Lead", id).unwrap().clone();
    for bad in
        [("CleanStatus", "Amazing"), ("LastName", ""), ("Nope", "x"), ("CreatedDate", "2024-01-01T00:00:00Z")]
    {
        store.update("Lead", id, values(&[("Company", "B"), bad]), user).unwrap_err();
    }
    assert!(Arc::ptr_eq(&before, store.row("Lead", id).unwrap()));
    let wrong = store.update("Contact", id, Vec::new(), user).unwrap_err();
    assert_eq!((wrong.code, wrong.fields.as_slice()), ("MALFORMED_ID", &["Id".to_owned()][..]));
    let named = store.update("Lead", id, values(&[("Id", "00Q5i0000000001")]), user).unwrap_err();
    assert_eq!(named.message, "The Id field should not be specified in the sobject data.");
}

#[test]
fn values_are_taken_in_every_form_that_the_apis_take() {
    let mut store = store();
    let user = store.running_user();
    let body = json!({
        "Name": "Fleet", "StageName": "Prospecting", "CloseDate": "2024-02-29", "Amount": 2102.00, "IsPrivate": "true",
        "Probability": "12.6", "TotalOpportunityQuantity": 1e3,
    });
    let id = store.insert_json("Opportunity", body.as_object().unwrap(), user).unwrap();
    let shown = |field| get(&store, "Opportunity", id, field).to_json().to_string();
    assert_eq!(shown("CloseDate"), "\"2024-02-29\"");
    assert_eq!(shown("Amount"), "2102.0");
    assert_eq!(shown("Probability"), "13.0");
    assert_eq!(shown("TotalOpportunityQuantity"), "1000.0");
    assert_eq!(shown("IsPrivate"), "true");
    let exact: serde_json::Value = serde_json::from_str(r#"{"Amount": 5255.00}"#).unwrap();
    store.update_json("Opportunity", id, exact.as_object().unwrap(), user).unwrap();
    assert_eq!(get(&store, "Opportunity", id, "Amount").to_json().to_string(), "5255.00");
}

#[test]
fn an_address_is_shown_as_one_value_made_of_its_parts() {
    let mut store = store();
    let user = store.running_user();
    let parts = [
        ("Name", "A"),
        ("BillingCity", "Belmont"),
        ("BillingLatitude", "42.5"),
        ("BillingStreet", "480 Trapelo Road"),
    ];
    let id = store.insert("Account", values(&parts), user).unwrap();
    let def = store.catalog().get("Account").unwrap();
    let row = store.row("Account", id).unwrap();
    let (billing, _) = def.field("BillingAddress").unwrap();
    assert_eq!(
        row.compound_json(def, billing).to_string(),
        r#"{"city":"Belmont","country":null,"geocodeAccuracy":null,"latitude":42.5,"longitude":null,"postalCode":null,"state":null,"street":"480 Trapelo Road"}"#
    );
    let (shipping, _) = def.field("ShippingAddress").unwrap();
    assert_eq!(row.compound_json(def, shipping), serde_json::Value::Null);
}

#[test]
fn deleting_a_parent_refuses_takes_along_or_clears() {
    let mut store = store();
    let user = store.running_user();
    let id = |name: &str, id| (name.to_owned(), Value::Id(id));
    let parent = store.insert("Account", values(&[("Name", "Parent")]), user).unwrap();
    let mut child = values(&[("Name", "Child")]);
    child.push(id("ParentId", parent));
    let child = store.insert("Account", child, user).unwrap();
    let mut contact = values(&[("LastName", "Lee")]);
    contact.push(id("AccountId", parent));
    let contact = store.insert("Contact", contact, user).unwrap();
    let case = store.insert("Case", vec![id("AccountId", parent)], user).unwrap();

    let held = store.delete("Account", parent, user).unwrap_err();
    assert_eq!(held.code, "DELETE_FAILED");
    assert!(!store.row("Contact", contact).unwrap().is_deleted());
    store.delete("Case", case, user).unwrap();
    store.clock().advance(Duration::from_secs(7));
    store.delete("Account", parent, user).unwrap();
    assert!(store.row("Contact", contact).unwrap().is_deleted());
    assert_eq!(get(&store, "Account", child, "ParentId"), Value::Null);
    assert_eq!(get(&store, "Account", child, "SystemModstamp"), Value::DateTime(STAMP + 7_000));
    assert_eq!(get(&store, "Account", child, "LastModifiedDate"), Value::DateTime(STAMP));
    let dangling = store.update("Account", child, vec![id("ParentId", parent)], user).unwrap_err();
    assert_eq!(dangling.code, "ENTITY_IS_DELETED");
}

#[test]
fn a_unique_value_is_refused_until_its_row_is_gone() {
    let mut store = store();
    let user = store.running_user();
    let mut field = FieldDef::new("Ext__c", "Ext", Type::String);
    field.set_length(20);
    field.unique = true;
    assert!(store.add_fields("Account", vec![field]));
    let account = |ext| values(&[("Name", "A"), ("Ext__c", ext)]);
    let first = store.insert("Account", account("k1"), user).unwrap();
    let second = store.insert("Account", account("k2"), user).unwrap();
    let duplicate = error(
        "DUPLICATE_VALUE",
        &format!("duplicate value found: Ext__c duplicates value on record with id: {}", first.as_str15()),
        &[],
    );
    assert_eq!(store.insert("Account", account("K1"), user), Err(duplicate.clone()));
    assert_eq!(store.update("Account", second, values(&[("Ext__c", "k1")]), user), Err(duplicate));
    store.update("Account", first, values(&[("Ext__c", "k1")]), user).unwrap();
    store.update("Account", first, values(&[("Ext__c", "k3")]), user).unwrap();
    store.update("Account", second, values(&[("Ext__c", "k1")]), user).unwrap();
    store.delete("Account", second, user).unwrap();
    store.insert("Account", account("k1"), user).unwrap();
}

#[test]
fn a_late_write_is_seen_only_after_its_delay_and_its_stamp_is_older() {
    let mut store = store();
    let user = store.running_user();
    let first = lead(&mut store);
    store.set_visibility_delay_ms(4_000);
    let second = lead(&mut store);
    store.update("Lead", first, values(&[("Company", "Beta")]), user).unwrap();
    let company = |store: &Store, id, now| {
        let table = store.table("Lead").unwrap();
        let (at, _) = table.def().field("Company").unwrap();
        table.get(id, now).map(|row| row.get(at).to_value())
    };
    assert_eq!(company(&store, second, NOW + 3_999), None);
    assert_eq!(company(&store, second, NOW + 4_000), Some(Value::text("Acme")));
    assert_eq!(company(&store, first, NOW + 3_999), Some(Value::text("Acme")));
    assert_eq!(company(&store, first, NOW + 4_000), Some(Value::text("Beta")));
    assert_eq!(store.table("Lead").unwrap().visible(NOW).count(), 1);
    assert_eq!(get(&store, "Lead", second, "SystemModstamp"), Value::DateTime(STAMP));

    store.clock().advance(Duration::from_secs(3));
    store.delete("Lead", first, user).unwrap();
    let deleted = |now| store.get("Lead", first, now).map(Row::is_deleted);
    assert_eq!(
        [deleted(NOW), deleted(NOW + 4_000), deleted(NOW + 7_000)],
        [Some(false), Some(false), Some(true)]
    );
    assert_eq!(company(&store, first, NOW + 3_000), Some(Value::text("Acme")));
}

#[test]
fn a_kept_row_does_not_change_under_its_holder() {
    let mut store = store();
    let user = store.running_user();
    let id = lead(&mut store);
    let kept = store.row("Lead", id).unwrap().clone();
    store.update("Lead", id, values(&[("Company", "Beta")]), user).unwrap();
    store.hard_delete("Lead", id);
    let (at, _) = store.catalog().get("Lead").unwrap().field("Company").unwrap();
    assert_eq!(kept.get(at), Cell::Text("Acme"));
}

#[test]
fn fields_added_later_are_null_in_rows_that_were_there() {
    let mut store = store();
    let id = lead(&mut store);
    store.clock().advance(Duration::from_secs(60));
    assert!(store.add_fields("lead", vec![FieldDef::new("Score__c", "Score", Type::Int)]));
    assert!(!store.add_fields("Nothing", Vec::new()));
    assert_eq!(get(&store, "Lead", id, "score__C"), Value::Null);
    assert_eq!(store.catalog().get("Lead").unwrap().last_modified_ms, STAMP + 60_000);
    assert_eq!(store.catalog().last_modified_ms(), STAMP + 60_000);
    assert_eq!(store.table_of(id).map(|t| t.def().name.clone()).as_deref(), Some("Lead"));
}

#[test]
fn an_event_is_checked_like_a_row_but_never_stored() {
    let mut store = store();
    let user = store.running_user();
    let mut event = ObjectDef::new("Ping__e", "Ping", "Pings", KeyPrefix::of("e00"));
    event.event = true;
    let mut order = FieldDef::new("Order__c", "Order", Type::String);
    order.set_length(3);
    order.nillable = false;
    event.add_field(order);
    store.define(event);
    let check = |body: serde_json::Value| store.check_new("Ping__e", body.as_object().unwrap(), user);
    assert_eq!(check(json!({"Order__c": "A1"})), Ok(vec![Value::text("A1")]));
    assert_eq!(check(json!({})).unwrap_err().code, "REQUIRED_FIELD_MISSING");
    assert_eq!(check(json!({"Order__c": "A123"})).unwrap_err().code, "STRING_TOO_LONG");
    assert_eq!(check(json!({"X": 1})).unwrap_err().code, "INVALID_FIELD");
    let stored = store.insert("Ping__e", values(&[("Order__c", "A1")]), user).unwrap_err();
    assert_eq!(stored.code, "INVALID_TYPE_FOR_OPERATION");
}
