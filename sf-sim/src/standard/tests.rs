use super::*;
use crate::clock::Clock;
use crate::schema::Type;
use crate::value::Cell;

#[test]
fn the_organization_and_its_user_are_there_from_the_start() {
    let store = Store::with_standard_objects(Clock::fixed(1_700_000_000_123));
    let org = store.row("Organization", store.org_id()).unwrap();
    let user = store.row("User", store.running_user()).unwrap();
    let get = |object: &str, field: &str| {
        let def = store.catalog().get(object).unwrap();
        let row = if object == "User" { user } else { org };
        row.get(def.field(field).unwrap().0).to_value()
    };
    assert_eq!(get("Organization", "OrganizationType"), Value::text("Developer Edition"));
    assert_eq!(get("User", "Name"), Value::text("Ada Emulator"));
    assert_eq!(get("User", "CreatedById"), Value::Id(store.running_user()));
    assert_eq!(get("User", "LanguageLocaleKey"), Value::text("en_US"));
    assert_eq!(store.org_id().key_prefix(), "00D");
    assert_eq!(store.running_user().key_prefix(), "005");
}

#[test]
fn every_standard_object_names_its_records_and_stamps_them() {
    for object in objects() {
        assert_eq!(object.fields()[0].name, "Id", "{}", object.name);
        assert_eq!(object.fields().iter().filter(|f| f.name_field).count(), 1, "{}", object.name);
        for stamp in ["CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"]
        {
            let (_, field) = object.field(stamp).unwrap();
            assert!(!field.createable && !field.updateable && !field.nillable, "{}.{stamp}", object.name);
        }
    }
}

#[test]
fn parts_of_a_compound_field_name_a_field_that_exists() {
    for object in objects() {
        for field in object.fields() {
            if let Some(whole) = &field.compound {
                assert!(object.field(whole).is_some(), "{}.{} is part of {whole}", object.name, field.name);
            }
            assert_eq!(field.ty == Type::Reference, !field.reference_to.is_empty(), "{}", field.name);
            assert_eq!(field.ty == Type::Picklist, !field.picklist.is_empty(), "{}", field.name);
        }
    }
}

#[test]
fn an_opportunity_takes_probability_revenue_and_fiscal_period_from_stage_amount_and_date() {
    let mut store = Store::with_standard_objects(Clock::fixed(0));
    let user = store.running_user();
    let text = |name: &str, value: &str| (name.to_owned(), Value::text(value));
    let values = vec![
        text("Name", "Fleet"),
        text("StageName", "Negotiation/Review"),
        text("CloseDate", "2024-08-31"),
        text("Amount", "1000.55"),
    ];
    let id = store.insert("Opportunity", values, user).unwrap();
    let def = store.catalog().get("Opportunity").unwrap().clone();
    let row = store.row("Opportunity", id).unwrap();
    let get = |name: &str| row.get(def.field(name).unwrap().0);
    assert_eq!(get("Probability"), Cell::Num(90.into()));
    assert_eq!(get("ExpectedRevenue"), Cell::Num("900.50".parse().unwrap()));
    assert_eq!(get("Fiscal"), Cell::Text("2024 3"));
    assert_eq!(get("IsClosed"), Cell::Bool(false));
    assert_eq!(get("ForecastCategoryName"), Cell::Text("Pipeline"));
}

#[test]
fn a_case_is_numbered_and_closed_by_its_status() {
    let clock = Clock::fixed(1_700_000_000_000);
    let mut store = Store::with_standard_objects(clock.clone());
    let user = store.running_user();
    let id = store.insert("Case", vec![("Subject".to_owned(), Value::text("Flat tyre"))], user).unwrap();
    let def = store.catalog().get("Case").unwrap().clone();
    let get =
        |store: &Store, name: &str| store.row("Case", id).unwrap().get(def.field(name).unwrap().0).to_value();
    assert_eq!(get(&store, "CaseNumber"), Value::text("00000001"));
    assert_eq!(get(&store, "Priority"), Value::text("Medium"));
    assert_eq!(get(&store, "ClosedDate"), Value::Null);
    store.update("Case", id, vec![("Status".to_owned(), Value::text("Closed"))], user).unwrap();
    assert_eq!(get(&store, "IsClosed"), Value::Bool(true));
    assert_eq!(get(&store, "ClosedDate"), Value::DateTime(1_700_000_000_000));
}
