use std::collections::BTreeSet;

use super::*;
use crate::clock::Clock;
use crate::id::KeyPrefix;
use crate::value::Cell;

const NOW: i64 = 1_700_000_000_000;

fn store() -> Store {
    Store::with_standard_objects(Clock::fixed(NOW))
}

fn column(store: &Store, object: &str, field: &str) -> Vec<Value> {
    let table = store.table(object).unwrap();
    let (at, _) = table.def().field(field).unwrap();
    table.rows().map(|row| row.get(at).to_value()).collect()
}

/// Every value that callers may write, of every row.
fn writeable(store: &Store, object: &str) -> Vec<Vec<(String, Value)>> {
    let table = store.table(object).unwrap();
    let fields: Vec<_> = table.def().fields().iter().enumerate().filter(|(_, f)| f.createable).collect();
    let of = |row: &crate::store::Row| {
        fields.iter().map(|(at, f)| (f.name.clone(), row.get(*at).to_value())).collect()
    };
    table.rows().map(|row| of(row)).collect()
}

#[test]
fn one_seed_gives_the_same_rows_and_another_gives_others() {
    let rows = |seed| {
        let mut store = store();
        generate(&mut store, "Lead", 50, seed).unwrap();
        writeable(&store, "Lead")
    };
    assert_eq!(rows(7), rows(7));
    assert_ne!(rows(7), rows(8));
}

#[test]
fn generated_rows_are_such_as_the_org_would_take() {
    let mut store = store();
    for object in ["Account", "Contact", "Product2", "Opportunity", "Case", "Lead"] {
        generate(&mut store, object, 300, 1).unwrap();
    }
    let user = store.running_user();
    for object in ["Account", "Contact", "Product2", "Opportunity", "Case", "Lead"] {
        for values in writeable(&store, object) {
            store
                .insert(object, values.clone(), user)
                .unwrap_or_else(|error| panic!("{object}: {error}: {values:?}"));
        }
    }
}

#[test]
fn stamps_lie_within_the_year_before_now() {
    let mut store = store();
    generate(&mut store, "Lead", 500, 3).unwrap();
    let ms = |field| {
        let values = column(&store, "Lead", field).into_iter();
        values
            .map(|v| if let Value::DateTime(ms) = v { ms } else { panic!("{field} is {v:?}") })
            .collect::<Vec<_>>()
    };
    let (created, modified, modstamp) = (ms("CreatedDate"), ms("LastModifiedDate"), ms("SystemModstamp"));
    for ((created, modified), modstamp) in created.iter().zip(&modified).zip(&modstamp) {
        assert!(
            NOW - YEAR_SECONDS * 1000 <= *created
                && created <= modified
                && modified <= modstamp
                && *modstamp <= NOW
        );
        assert_eq!(modified % 1000, 0);
    }
    let half = NOW - YEAR_SECONDS * 500;
    assert!((100..400).contains(&created.iter().filter(|ms| **ms < half).count()));
}

#[test]
fn text_is_awkward_and_fields_are_empty_now_and_then() {
    let mut store = store();
    generate(&mut store, "Lead", 500, 3).unwrap();
    let all: String = ["Company", "Street", "Description", "Name"]
        .iter()
        .flat_map(|field| column(&store, "Lead", field))
        .filter_map(|v| if let Value::Text(t) = v { Some(t.to_string()) } else { None })
        .collect();
    for awkward in ["\"", ",", "\n", "\r\n", "ü", "🚀", "株", "'", "\\", ";"] {
        assert!(all.contains(awkward), "{awkward:?}");
    }
    let empty = column(&store, "Lead", "Rating").iter().filter(|v| v.is_null()).count();
    assert!((50..200).contains(&empty), "{empty}");
    assert!(column(&store, "Lead", "LastName").iter().all(|v| !v.is_null()));
}

#[test]
fn rows_of_a_custom_object_keep_to_its_fields() {
    let mut store = store();
    let mut thing = ObjectDef::new("Thing__c", "Thing", "Things", KeyPrefix::of("a00"));
    thing.custom = true;
    let mut field = |name: &str, ty, set: &dyn Fn(&mut FieldDef)| {
        let mut field = FieldDef::new(name, name, ty);
        field.custom = true;
        set(&mut field);
        thing.add_field(field);
    };
    field("Id", Type::Id, &|_| {});
    field("Code__c", Type::String, &|f| {
        f.set_length(12);
        f.unique = true;
    });
    field("Price__c", Type::Currency, &|f| (f.precision, f.scale) = (6, 2));
    field("Account__c", Type::Reference, &|f| {
        f.reference_to = vec!["Account".to_owned()];
        f.nillable = false;
    });
    store.define(thing);
    let refused = generate(&mut store, "Thing__c", 1, 1).unwrap_err();
    assert_eq!(refused.code, "REQUIRED_FIELD_MISSING");
    assert!(refused.message.contains("generate Account first"), "{refused}");

    generate(&mut store, "Account", 5, 1).unwrap();
    generate(&mut store, "Thing__c", 200, 1).unwrap();
    generate(&mut store, "Thing__c", 200, 1).unwrap();
    let codes: BTreeSet<String> =
        column(&store, "Thing__c", "Code__c").iter().map(|v| v.to_json().to_string()).collect();
    assert_eq!(codes.len(), 400);
    let limit = "10000".parse::<Decimal>().unwrap();
    for price in column(&store, "Thing__c", "Price__c") {
        assert!(
            matches!(price, Value::Null) || matches!(price, Value::Num(n) if n < limit && n.scale() == 2),
            "{price:?}"
        );
    }
    let accounts = store.table("Account").unwrap();
    for parent in column(&store, "Thing__c", "Account__c") {
        assert!(matches!(parent, Value::Id(id) if accounts.latest(id).is_some()));
    }
}

#[test]
fn what_has_no_rows_is_refused() {
    assert_eq!(generate(&mut store(), "Nothing", 1, 1).unwrap_err().code, "NOT_FOUND");
    assert_eq!(generate(&mut store(), "Organization", 1, 1).unwrap_err().code, "INVALID_TYPE_FOR_OPERATION");
    let mut store = store();
    generate(&mut store, "User", 20, 1).unwrap();
    let table = store.table("User").unwrap();
    let (profile, _) = table.def().field("ProfileId").unwrap();
    assert!(table.rows().all(|row| matches!(row.get(profile), Cell::Id(id) if id.key_prefix() == "00e")));
}
