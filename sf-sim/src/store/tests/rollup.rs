//! Roll-up summaries: what is kept with each write is what a look at all details would find.

use super::*;
use crate::id::KeyPrefix;
use crate::schema::{Rollup, RollupFilter, Summary};

const OPERATIONS: [Summary; 4] = [Summary::Count, Summary::Sum, Summary::Min, Summary::Max];

/// Masters that sum their details up in every way, of all and of those that are counted only.
fn with_summaries() -> Store {
    let mut store = store();
    let mut master = ObjectDef::new("Master__c", "Master", "Masters", KeyPrefix::of("a00"));
    let mut detail = ObjectDef::new("Detail__c", "Detail", "Details", KeyPrefix::of("a01"));
    for object in [&mut master, &mut detail] {
        object.add_field(FieldDef::new("Id", "Id", Type::Id));
        object.add_field(FieldDef::new("IsDeleted", "Deleted", Type::Boolean));
        object.undeletable = true;
    }
    let mut reference = FieldDef::new("Master__c", "Master", Type::Reference);
    reference.reference_to = vec!["Master__c".to_owned()];
    detail.add_field(reference);
    let mut number = FieldDef::new("Number__c", "Number", Type::Double);
    (number.precision, number.scale) = (18, 4);
    detail.add_field(number);
    detail.add_field(FieldDef::new("Day__c", "Day", Type::Date));
    detail.add_field(FieldDef::new("Counts__c", "Counts", Type::Boolean));
    for (operation, of) in
        OPERATIONS.map(|operation| (operation, "Number__c")).into_iter().chain([(Summary::Max, "Day__c")])
    {
        for only_counted in [false, true] {
            let filter = RollupFilter {
                field: "Counts__c".to_owned(),
                among: true,
                order: None,
                values: vec!["true".to_owned()],
            };
            let ty = if of == "Day__c" { Type::Date } else { Type::Double };
            let mut field = FieldDef::new(&format!("{operation:?}{of}{only_counted}"), "Sum", ty);
            field.rollup = Some(Rollup {
                child: "Detail__c".to_owned(),
                reference: "Master__c".to_owned(),
                operation,
                field: (operation != Summary::Count).then(|| of.to_owned()),
                filters: if only_counted { vec![filter] } else { Vec::new() },
            });
            master.add_field(field);
        }
    }
    store.define(detail);
    store.define(master);
    store
}

/// What a summary shows of these details, in the order of their ids, by looking at each of them.
fn looked_at(operation: Summary, details: &[&Arc<Row>], of: usize) -> Value {
    let values = details.iter().map(|row| row.get(of).to_value()).filter(|value| !value.is_null());
    let order = |a: &Value, b: &Value| match (a, b) {
        (Value::Num(a), Value::Num(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        other => panic!("{other:?}"),
    };
    match operation {
        Summary::Count => Value::Num(i64::try_from(details.len()).unwrap().into()),
        Summary::Sum => {
            let numbers = values.map(|value| if let Value::Num(n) = value { n } else { panic!("{value:?}") });
            Value::Num(crate::value::Decimal::sum(numbers))
        }
        // Of equal ones the first: min_by takes the first, max_by the last.
        Summary::Min => values.min_by(order).unwrap_or_default(),
        Summary::Max => values.rev_all().max_by(order).unwrap_or_default(),
    }
}

trait RevAll: Iterator + Sized {
    fn rev_all(self) -> std::iter::Rev<std::vec::IntoIter<Self::Item>> {
        self.collect::<Vec<_>>().into_iter().rev()
    }
}

impl<I: Iterator> RevAll for I {}

fn assert_all_right(store: &Store) {
    let (masters, details) = (store.table("Master__c").unwrap(), store.table("Detail__c").unwrap());
    let place = |name: &str| details.def().field(name).unwrap().0;
    for master in masters.rows().filter(|row| !row.is_deleted()) {
        for (at, field) in masters.def().fields().iter().enumerate() {
            let Some(rollup) = &field.rollup else { continue };
            let counted = |row: &&Arc<Row>| {
                !row.is_deleted()
                    && row.get(place("Master__c")) == Cell::Id(master.id())
                    && (rollup.filters.is_empty() || row.get(place("Counts__c")) == Cell::Bool(true))
            };
            let details: Vec<&Arc<Row>> = details.rows().filter(counted).collect();
            let of = rollup.field.as_deref().map_or(0, place);
            let expected = looked_at(rollup.operation, &details, of);
            let shown = master.get(at).to_value();
            assert_eq!(shown, expected, "{} of {}", field.name, master.id());
            // With the same digits, too.
            assert_eq!(shown.to_json(), expected.to_json(), "{}", field.name);
        }
    }
}

#[test]
fn summaries_are_those_of_the_details_whatever_is_written() {
    let mut store = with_summaries();
    let user = store.running_user();
    let mut random = fastrand::Rng::with_seed(11);
    let masters: Vec<RecordId> = (0..3).map(|_| store.insert("Master__c", vec![], user).unwrap()).collect();
    let mut details = Vec::new();
    assert_all_right(&store);
    for step in 0..1_500 {
        let some = |random: &mut fastrand::Rng| {
            let mut values = vec![("Counts__c".to_owned(), Value::Bool(random.bool()))];
            let number = ["", "0", "1.5", "1.50", "-3", "2.25", "12345678901234.1"][random.usize(..7)];
            values.push(("Number__c".to_owned(), Value::text(number)));
            let day = ["", "2024-01-31", "2023-12-01"][random.usize(..3)];
            values.push(("Day__c".to_owned(), Value::text(day)));
            if random.u8(..4) > 0 {
                values.push(("Master__c".to_owned(), Value::Id(masters[random.usize(..3)])));
            }
            values
        };
        let values = some(&mut random);
        let known = (!details.is_empty()).then(|| details[random.usize(..details.len())]);
        // What is refused (a row that is deleted, say) changes nothing.
        match (random.u8(..10), known) {
            (0..=3, _) | (_, None) => details.push(store.insert("Detail__c", values, user).unwrap()),
            (4 | 5, Some(id)) => drop(store.update("Detail__c", id, values, user)),
            (6, Some(id)) => drop(store.delete("Detail__c", id, user)),
            (7, Some(id)) => drop(store.undelete("Detail__c", id, user)),
            (8, Some(id)) => drop(store.hard_delete("Detail__c", id)),
            (_, Some(id)) => {
                let undone: Result<(), ()> = store.all_or_none(|store| {
                    drop(store.update("Detail__c", id, values, user));
                    drop(store.delete("Detail__c", id, user));
                    drop(store.insert("Detail__c", vec![], user));
                    Err(())
                });
                assert!(undone.is_err());
            }
        }
        if step % 10 == 0 {
            assert_all_right(&store);
        }
    }
    assert!(details.len() > 400);
    assert_all_right(&store);
    // An object that is defined anew sums up what is there.
    let detail = ObjectDef::clone(store.catalog().get("Detail__c").unwrap());
    store.define(detail);
    store.insert("Detail__c", vec![("Master__c".to_owned(), Value::Id(masters[0]))], user).unwrap();
    assert_all_right(&store);
}

#[test]
fn a_master_that_goes_with_its_details_comes_back_with_its_sums() {
    let mut store = with_summaries();
    let user = store.running_user();
    let mut detail = ObjectDef::clone(store.catalog().get("Detail__c").unwrap());
    let mut reference = detail.field("Master__c").unwrap().1.clone();
    reference.cascade_delete = true;
    detail.add_field(reference);
    store.define(detail);
    let [one, other] = [(); 2].map(|()| store.insert("Master__c", vec![], user).unwrap());
    let mut add = |master: RecordId, number: &str| {
        let mut values = values(&[("Number__c", number), ("Day__c", "2024-01-31")]);
        values.push(("Master__c".to_owned(), Value::Id(master)));
        store.insert("Detail__c", values, user).unwrap()
    };
    let details = [add(one, "1.5"), add(one, "2"), add(other, "4")];
    let counts = |store: &Store| {
        assert_all_right(store);
        [one, other]
            .map(|master| get(store, "Master__c", master, "CountNumber__cfalse").to_json().to_string())
    };
    assert_eq!(counts(&store), ["2.0", "1.0"]);
    let kept: Result<(), ()> = store.all_or_none(|store| {
        store.delete("Master__c", one, user).unwrap();
        Err(())
    });
    assert!(kept.is_err());
    assert_eq!(counts(&store), ["2.0", "1.0"]);
    // One that was deleted before its master stays where it is.
    store.delete("Detail__c", details[0], user).unwrap();
    store.delete("Master__c", one, user).unwrap();
    assert!(store.row("Detail__c", details[1]).unwrap().is_deleted());
    store.undelete("Master__c", one, user).unwrap();
    assert_eq!(counts(&store), ["1.0", "1.0"]);
    let moved = vec![("Master__c".to_owned(), Value::Id(other))];
    store.update("Detail__c", details[1], moved, user).unwrap();
    assert_eq!(counts(&store), ["0.0", "2.0"]);
}

#[test]
fn of_several_unique_fields_the_first_is_named() {
    let mut store = store();
    let user = store.running_user();
    let names: Vec<String> = (0..8).map(|n| format!("U{n}__c")).collect();
    let unique = names.iter().map(|name| {
        let mut field = FieldDef::new(name, name, Type::Double);
        (field.precision, field.scale, field.unique) = (18, 0, true);
        field
    });
    store.add_fields("Account", unique.collect());
    let all = || {
        let numbers = names.iter().map(|name| (name.clone(), Value::text("1")));
        numbers.chain(values(&[("Name", "a")])).collect::<Vec<_>>()
    };
    store.insert("Account", all(), user).unwrap();
    let refused = store.insert("Account", all(), user).unwrap_err();
    assert!(refused.message.starts_with("duplicate value found: U0__c"), "{}", refused.message);
}

#[test]
fn numbers_that_are_written_differently_are_one_value_of_a_unique_field_and_of_an_external_id() {
    let mut store = store();
    let user = store.running_user();
    let field = |name: &str, unique: bool| {
        let mut field = FieldDef::new(name, name, Type::Double);
        (field.precision, field.scale) = (18, 3);
        field.external_id = true;
        field.unique = unique;
        field
    };
    store.add_fields("Account", vec![field("Unique__c", true), field("Key__c", false)]);
    let mut add = |unique: &str, key: &str| {
        store.insert("Account", values(&[("Name", "a"), ("Unique__c", unique), ("Key__c", key)]), user)
    };
    let first = add("1.5", "7.10").unwrap();
    assert_eq!(add("1.500", "7.1").unwrap_err().code, "DUPLICATE_VALUE");
    let second = add("15", "7.1").unwrap();
    let third = add("150", "7").unwrap();
    let found = |store: &Store, name: &str, number: &str| {
        let table = store.table("Account").unwrap();
        let (at, _) = table.def().field(name).unwrap();
        table.rows_with(at, &Cell::Num(number.parse().unwrap())).unwrap()
    };
    assert_eq!(found(&store, "Unique__c", "1.50"), [first]);
    assert_eq!(found(&store, "Key__c", "7.100"), [first, second]);
    assert_eq!(found(&store, "Key__c", "7.0"), [third]);
    store.delete("Account", first, user).unwrap();
    assert_eq!(found(&store, "Key__c", "7.1"), [second]);
    assert!(found(&store, "Unique__c", "1.5").is_empty());
    store.undelete("Account", first, user).unwrap();
    assert_eq!(found(&store, "Key__c", "7.1"), [first, second]);
    store.update("Account", second, values(&[("Key__c", "8")]), user).unwrap();
    assert_eq!(found(&store, "Key__c", "7.1"), [first]);
    assert_eq!(found(&store, "Key__c", "8"), [second]);
}
