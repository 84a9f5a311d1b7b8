//! Statements over a small org: what they find, what they show, how they are refused.

use serde_json::{Value as Json, json};

use super::*;
use crate::clock::Clock;
use crate::id::{KeyPrefix, RecordId};
use crate::schema::{FieldDef, ObjectDef, Type};
use crate::store::Store;
use crate::value::{Decimal, Value, parse_date, parse_datetime};

mod functions;
mod groups;
mod joins;
mod limits;
mod naive;
mod refusals;

/// A Wednesday.
const NOW: &str = "2024-03-13T12:00:00Z";

const SCOPE: fn() -> Scope =
    || Scope { include_deleted: false, now_ms: parse_datetime(NOW).unwrap(), user: None };

/// The object `Thing__c` with a field of each kind.
fn thing() -> ObjectDef {
    let mut def = ObjectDef::new("Thing__c", "Thing", "Things", KeyPrefix::of("a0T"));
    def.custom = true;
    let mut add = |name: &str, ty: Type, edit: &dyn Fn(&mut FieldDef)| {
        let mut field = FieldDef::new(name, name, ty);
        field.set_length(if ty == Type::TextArea { 32_000 } else { field.length.max(80) });
        field.precision = 18;
        field.scale = 2;
        edit(&mut field);
        def.add_field(field);
    };
    add("Id", Type::Id, &|_| {});
    add("IsDeleted", Type::Boolean, &|_| {});
    add("Name", Type::String, &|f| f.name_field = true);
    add("CreatedDate", Type::DateTime, &|_| {});
    add("SystemModstamp", Type::DateTime, &|_| {});
    add("Text__c", Type::String, &|_| {});
    add("Code__c", Type::String, &|f| f.case_sensitive = true);
    add("Number__c", Type::Double, &|_| {});
    add("Count__c", Type::Int, &|_| {});
    add("Flag__c", Type::Boolean, &|_| {});
    add("Day__c", Type::Date, &|_| {});
    add("At__c", Type::DateTime, &|_| {});
    add("Time__c", Type::Time, &|_| {});
    add("Colours__c", Type::MultiPicklist, &|_| {});
    add("Story__c", Type::TextArea, &|_| {});
    add("File__c", Type::Base64, &|_| {});
    add("Place__c", Type::Location, &|_| {});
    add("Place__Latitude__s", Type::Double, &|f| f.compound = Some("Place__c".to_owned()));
    add("Place__Longitude__s", Type::Double, &|f| f.compound = Some("Place__c".to_owned()));
    add("Parent__c", Type::Reference, &|f| {
        f.reference_to = vec!["Thing__c".to_owned()];
        f.relationship_name = Some("Parent__r".to_owned());
        f.child_relationship_name = Some("Things__r".to_owned());
    });
    add("Account__c", Type::Reference, &|f| {
        f.reference_to = vec!["Account".to_owned()];
        f.relationship_name = Some("Account__r".to_owned());
        f.child_relationship_name = Some("AccountThings__r".to_owned());
    });
    add("WhatId", Type::Reference, &|f| {
        f.reference_to = vec!["Account".to_owned(), "Contact".to_owned()];
        f.relationship_name = Some("What".to_owned());
    });
    add("GoneId", Type::Reference, &|f| {
        f.reference_to = vec!["NotInThisOrg".to_owned()];
        f.relationship_name = Some("Gone".to_owned());
    });
    def
}

struct Org {
    store: Store,
}

impl Org {
    fn new() -> Self {
        let mut store = Store::with_standard_objects(Clock::fixed(parse_datetime(NOW).unwrap()));
        store.define(thing());
        Self { store }
    }

    fn add(&mut self, object: &str, values: &[(&str, Value)]) -> RecordId {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let user = self.store.running_user();
        self.store.insert(object, values, user).unwrap()
    }

    fn plan(&self, soql: &str) -> Result<Plan, SoqlError> {
        plan(&parse(soql)?, self.store.catalog())
    }

    fn refused(&self, soql: &str) -> SoqlError {
        match self.plan(soql) {
            Ok(_) => panic!("{soql} was taken"),
            Err(error) => error,
        }
    }

    /// The names of the things that a condition finds, in the order in which they come.
    fn found(&self, rest: &str) -> String {
        self.found_in(rest, SCOPE())
    }

    fn found_in(&self, rest: &str, scope: Scope) -> String {
        let plan =
            self.plan(&format!("SELECT Name FROM Thing__c {rest}")).unwrap_or_else(|e| panic!("{rest}: {e}"));
        let view = plan.view(&self.store, scope);
        let name = |row: &std::sync::Arc<crate::store::Row>| match view.cell(row, &plan.columns()[0]) {
            crate::value::Cell::Text(name) => name.to_owned(),
            other => panic!("{other:?}"),
        };
        plan.run(&self.store, scope).map(name).collect::<Vec<_>>().join(" ")
    }

    fn records(&self, soql: &str) -> Vec<Json> {
        let plan = self.plan(soql).unwrap_or_else(|e| panic!("{soql}: {e}"));
        let view = plan.view(&self.store, SCOPE());
        let rows: Vec<_> = plan.run(&self.store, SCOPE()).cloned().collect();
        let related = view.related(&rows);
        rows.iter().map(|row| view.record(row, "/s", &related, &mut Together)).collect()
    }
}

fn decimal(text: &str) -> Value {
    Value::Num(text.parse::<Decimal>().unwrap())
}

fn at(text: &str) -> Value {
    Value::DateTime(parse_datetime(text).unwrap())
}

fn day(text: &str) -> Value {
    Value::Date(parse_date(text).unwrap())
}

/// Five things: `a` to `d` with values, `n` with none but its name.
fn things() -> Org {
    let mut org = Org::new();
    org.add(
        "Thing__c",
        &[
            ("Name", Value::text("a")),
            ("Text__c", Value::text("Acme")),
            ("Code__c", Value::text("x1")),
            ("Number__c", decimal("1.50")),
            ("Count__c", Value::Int(1)),
            ("Flag__c", Value::Bool(true)),
            ("Day__c", day("2024-03-13")),
            ("At__c", at("2024-03-13T00:00:00Z")),
            ("Time__c", Value::Time(3_600_000)),
            ("Colours__c", Value::text("red;blue")),
        ],
    );
    org.add(
        "Thing__c",
        &[
            ("Name", Value::text("b")),
            ("Text__c", Value::text("ACME Corp")),
            ("Code__c", Value::text("X1")),
            ("Number__c", decimal("-2")),
            ("Count__c", Value::Int(2)),
            ("Day__c", day("2024-03-10")),
            ("At__c", at("2024-03-12T23:59:59.999Z")),
            ("Time__c", Value::Time(7_200_000)),
            ("Colours__c", Value::text("green")),
        ],
    );
    org.add(
        "Thing__c",
        &[
            ("Name", Value::text("c")),
            ("Text__c", Value::text("bolt 50%")),
            ("Number__c", decimal("10")),
            ("Count__c", Value::Int(3)),
            ("Flag__c", Value::Bool(true)),
            ("Day__c", day("2023-12-31")),
            ("At__c", at("2024-03-14T00:00:00Z")),
            ("Colours__c", Value::text("blue")),
        ],
    );
    org.add(
        "Thing__c",
        &[("Name", Value::text("d")), ("Text__c", Value::text("Über")), ("Day__c", day("2024-02-29"))],
    );
    org.add("Thing__c", &[("Name", Value::text("n"))]);
    org
}

#[test]
fn comparisons_follow_salesforces_rules_of_null_case_and_type() {
    let org = things();
    let cases = [
        // Text: case is ignored, `!=` finds what has no value, an empty text is no value.
        ("Text__c = 'acme'", "a"),
        ("Text__c = 'ÜBER'", "d"),
        ("Text__c != 'acme'", "b c d n"),
        ("Text__c <> 'acme'", "b c d n"),
        ("Text__c = null", "n"),
        ("Text__c = ''", "n"),
        ("Text__c != null", "a b c d"),
        ("Text__c != ''", "a b c d"),
        ("Text__c > 'acme'", "b c d"),
        ("Text__c >= 'acme corp'", "b c d"),
        ("Text__c < 'B'", "a b"),
        ("Text__c < null", ""),
        // A case-sensitive field.
        ("Code__c = 'x1'", "a"),
        ("Code__c = 'X1'", "b"),
        ("Code__c LIKE 'X%'", "b"),
        ("Code__c IN ('X1', 'y')", "b"),
        // Patterns.
        ("Text__c LIKE 'acme%'", "a b"),
        ("Text__c LIKE '%CORP'", "b"),
        ("Text__c LIKE 'ac_e'", "a"),
        (r"Text__c LIKE '%\%'", "c"),
        ("Text__c LIKE '%'", "a b c d"),
        ("NOT Text__c LIKE 'acme%'", "c d n"),
        // Lists.
        ("Text__c IN ('ACME', 'über')", "a d"),
        ("Text__c IN ('ACME', null)", "a n"),
        ("Text__c NOT IN ('ACME', 'über')", "b c n"),
        ("Text__c NOT IN ('ACME', null)", "b c d"),
        ("Number__c IN (1.5, 10)", "a c"),
        ("Number__c NOT IN (1.5, 10)", "b d n"),
        ("Day__c IN (2024-03-10, TODAY)", "a b"),
        // Numbers compare by value, not by digits.
        ("Number__c = 1.5", "a"),
        ("Number__c = 1.500", "a"),
        ("Number__c < 1.5", "b"),
        ("Number__c >= -2.0", "a b c"),
        ("Number__c > 1e1", ""),
        ("Number__c >= 1e1", "c"),
        ("Number__c != 10", "a b d n"),
        ("Number__c = null", "d n"),
        ("Count__c > 1", "b c"),
        ("Count__c <= 2.0", "a b"),
        // Checkboxes are never without a value.
        ("Flag__c = true", "a c"),
        ("Flag__c = FALSE", "b d n"),
        ("Flag__c != true", "b d n"),
        ("Flag__c = null", ""),
        // Multi-select.
        ("Colours__c INCLUDES ('blue')", "a c"),
        ("Colours__c INCLUDES ('red;blue', 'GREEN')", "a b"),
        ("Colours__c EXCLUDES ('blue')", "b d n"),
        ("Colours__c = 'red;blue'", "a"),
        // Times.
        ("Time__c = 01:00:00.000Z", "a"),
        ("Time__c > 01:00:00Z", "b"),
        // Trees.
        ("Flag__c = true AND Count__c > 1", "c"),
        ("Flag__c = true OR Count__c = 2", "a b c"),
        ("Flag__c = true AND (Count__c = 1 OR Count__c = 3)", "a c"),
        ("NOT (Flag__c = true OR Count__c = 2)", "d n"),
        ("(NOT Flag__c = true) AND (NOT Count__c = 2)", "d n"),
        // Names in any case, with the object's name or its alias before them.
        ("thing__c.TEXT__C = 'acme'", "a"),
    ];
    for (condition, expected) in cases {
        assert_eq!(org.found(&format!("WHERE {condition}")), expected, "{condition}");
    }
    assert_eq!(org.found("t WHERE t.Text__c = 'acme' AND Text__c != null"), "a");
}

#[test]
fn dates_compare_with_days_moments_and_periods() {
    let org = things();
    let cases = [
        ("Day__c = 2024-03-13", "a"),
        ("Day__c > 2024-02-29", "a b"),
        ("Day__c != 2024-03-13", "b c d n"),
        ("Day__c = TODAY", "a"),
        ("Day__c < TODAY", "b c d"),
        ("Day__c >= THIS_WEEK", "a b"),
        ("Day__c = THIS_MONTH", "a b"),
        ("Day__c = LAST_MONTH", "d"),
        ("Day__c = THIS_QUARTER", "a b d"),
        ("Day__c = LAST_YEAR", "c"),
        ("Day__c = LAST_N_DAYS:3", "a b"),
        ("Day__c = LAST_N_DAYS:2", "a"),
        ("Day__c > LAST_N_MONTHS:1", "a b"),
        ("Day__c != THIS_YEAR", "c n"),
        ("At__c = 2024-03-13T00:00:00Z", "a"),
        ("At__c >= 2024-03-13T00:00:00.000Z", "a c"),
        ("At__c = 2024-03-13T02:00:00+02:00", "a"),
        ("At__c < 2024-03-13T00:00:00Z", "b"),
        ("At__c = TODAY", "a"),
        ("At__c < TODAY", "b"),
        ("At__c <= TODAY", "a b"),
        ("At__c > TODAY", "c"),
        ("At__c >= TODAY", "a c"),
        ("At__c = TOMORROW", "c"),
        ("At__c = YESTERDAY", "b"),
        ("At__c = NEXT_N_DAYS:1", "c"),
    ];
    for (condition, expected) in cases {
        assert_eq!(org.found(&format!("WHERE {condition}")), expected, "{condition}");
    }
}

#[test]
fn rows_are_ordered_limited_and_skipped() {
    let org = things();
    let cases = [
        ("", "a b c d n"),
        ("ORDER BY Text__c", "n a b c d"),
        ("ORDER BY Text__c DESC", "n d c b a"),
        ("ORDER BY Text__c NULLS LAST", "a b c d n"),
        ("ORDER BY Text__c DESC NULLS LAST", "d c b a n"),
        ("ORDER BY Number__c ASC NULLS LAST", "b a c d n"),
        ("ORDER BY Flag__c DESC, Day__c", "c a n d b"),
        ("ORDER BY Day__c DESC NULLS LAST LIMIT 2", "a b"),
        ("ORDER BY Name DESC LIMIT 2 OFFSET 1", "d c"),
        ("LIMIT 2", "a b"),
        ("LIMIT 0", ""),
        ("ORDER BY Name LIMIT 0", ""),
        ("OFFSET 4", "n"),
        ("OFFSET 9", ""),
        ("LIMIT 2 OFFSET 4", "n"),
        ("WHERE Flag__c = true ORDER BY Name DESC LIMIT 10", "c a"),
    ];
    for (rest, expected) in cases {
        assert_eq!(org.found(rest), expected, "{rest}");
    }
}

#[test]
fn ids_compare_by_their_first_15_characters() {
    let org = things();
    let plan = org.plan("SELECT Id FROM Thing__c ORDER BY Name").unwrap();
    let ids: Vec<_> = plan.run(&org.store, SCOPE()).map(|row| row.id()).collect();
    let (first, second) = (ids[0], ids[1]);
    assert_eq!(org.found(&format!("WHERE Id = '{}'", first.as_str15())), "a");
    assert_eq!(org.found(&format!("WHERE Id = '{first}'")), "a");
    assert_eq!(org.found(&format!("WHERE Id IN ('{second}', '{}')", first.as_str15())), "a b");
    assert_eq!(org.found(&format!("WHERE Id > '{second}'")), "c d n");
    assert_eq!(org.found(&format!("WHERE Id NOT IN ('{second}')")), "a c d n");
    let error = org.refused("SELECT Id FROM Thing__c WHERE Id = 'somethingwonky'");
    assert_eq!(error.code, "INVALID_QUERY_FILTER_OPERATOR");
    let expected = "\nSELECT Id FROM Thing__c WHERE Id = 'somethingwonky'\n                              ^\nERROR at Row:1:Column:31\ninvalid ID field: somethingwonky";
    assert_eq!(error.message, expected);
    assert_eq!(
        org.refused("SELECT Id FROM Thing__c WHERE Parent__c = ''").code,
        "INVALID_QUERY_FILTER_OPERATOR"
    );
}

#[test]
fn count_gives_a_number_and_no_columns() {
    let org = things();
    let plan = org.plan("SELECT COUNT() FROM Thing__c WHERE Flag__c = true").unwrap();
    assert!(plan.is_count());
    assert!(plan.columns().is_empty());
    assert_eq!(plan.count(&org.store, SCOPE()), 2);
    assert_eq!(org.plan("SELECT COUNT() FROM Thing__c LIMIT 3").unwrap().count(&org.store, SCOPE()), 3);
}

/// Parents two deep, one of them deleted, and a field that points to several objects.
fn family() -> (Org, RecordId) {
    let mut org = Org::new();
    let account = org.add("Account", &[("Name", Value::text("Wheelworks"))]);
    let contact =
        org.add("Contact", &[("LastName", Value::text("Rider")), ("AccountId", Value::Id(account))]);
    let top = org.add(
        "Thing__c",
        &[("Name", Value::text("top")), ("Account__c", Value::Id(account)), ("Flag__c", Value::Bool(true))],
    );
    let middle = org.add(
        "Thing__c",
        &[("Name", Value::text("middle")), ("Parent__c", Value::Id(top)), ("WhatId", Value::Id(contact))],
    );
    org.add(
        "Thing__c",
        &[("Name", Value::text("low")), ("Parent__c", Value::Id(middle)), ("WhatId", Value::Id(account))],
    );
    (org, account)
}

#[test]
fn parents_are_read_through_any_number_of_steps() {
    let (mut org, account) = family();
    let cases = [
        ("Parent__r.Name = 'top'", "middle"),
        ("Parent__r.Parent__r.Account__r.Name LIKE 'wheel%'", "low"),
        ("Account__r.Name = null", "middle low"),
        ("Account__r.Name != 'Wheelworks'", "middle low"),
        ("Parent__r.Flag__c = true", "middle"),
        ("Parent__r.Flag__c = false", "top low"),
        ("What.Type = 'account'", "low"),
        ("What.Name = 'Wheelworks'", "low"),
        ("What.Name LIKE '%rider'", "middle"),
        ("What.Name = null", "top"),
    ];
    for (condition, expected) in cases {
        assert_eq!(org.found(&format!("WHERE {condition}")), expected, "{condition}");
    }
    assert_eq!(org.found("ORDER BY Parent__r.Name"), "top low middle");
    let user = org.store.running_user();
    org.store.delete("Account", account, user).unwrap();
    assert_eq!(org.found("WHERE What.Type = 'account'"), "");
}

#[test]
fn records_nest_parents_in_the_order_of_the_select_list() {
    let (org, account) = family();
    let soql = "SELECT parent__r.name, id, Parent__r.Account__r.Name, What.Name, What.Type, Name, PARENT__R.Flag__c FROM thing__c WHERE Name = 'middle'";
    let plan = org.plan(soql).unwrap();
    let headers: Vec<_> = plan.columns().iter().map(Column::header).collect();
    let expected = [
        "Parent__r.Name",
        "Id",
        "Parent__r.Account__r.Name",
        "What.Name",
        "What.Type",
        "Name",
        "Parent__r.Flag__c",
    ];
    assert_eq!(headers, expected);
    assert_eq!(plan.columns()[2].path(), ["Parent__r", "Account__r", "Name"]);

    let row = plan.run(&org.store, SCOPE()).next().unwrap();
    let top = org.plan("SELECT Id FROM Thing__c WHERE Name = 'top'").unwrap();
    let top = top.run(&org.store, SCOPE()).next().unwrap().id();
    let contact = org.plan("SELECT Id FROM Contact").unwrap();
    let contact = contact.run(&org.store, SCOPE()).next().unwrap().id();
    let expected = json!({
        "attributes": {"type": "Thing__c", "url": format!("/s/Thing__c/{}", row.id())},
        "Parent__r": {
            "attributes": {"type": "Thing__c", "url": format!("/s/Thing__c/{top}")},
            "Name": "top",
            "Account__r": {"attributes": {"type": "Account", "url": format!("/s/Account/{account}")}, "Name": "Wheelworks"},
            "Flag__c": true,
        },
        "Id": row.id().to_string(),
        "What": {"attributes": {"type": "Name", "url": format!("/s/Contact/{contact}")}, "Name": "Rider", "Type": "Contact"},
        "Name": "middle",
    });
    // As text, since the order of keys counts.
    assert_eq!(
        plan.view(&org.store, SCOPE()).record(row, "/s", &[], &mut Together).to_string(),
        expected.to_string()
    );

    let low = org.records("SELECT Account__r.Name, Place__c, File__c FROM Thing__c WHERE Name = 'low'");
    assert_eq!(
        (&low[0]["Account__r"], &low[0]["Place__c"], &low[0]["File__c"]),
        (&Json::Null, &Json::Null, &Json::Null)
    );
}

#[test]
fn compound_values_are_made_of_their_parts() {
    let mut org = Org::new();
    org.add(
        "Thing__c",
        &[
            ("Name", Value::text("a")),
            ("Place__Latitude__s", decimal("1.5")),
            ("Place__Longitude__s", decimal("-2.25")),
        ],
    );
    let records = org.records("SELECT Place__c FROM Thing__c");
    assert_eq!(records[0]["Place__c"].to_string(), r#"{"latitude":1.5,"longitude":-2.25}"#);
}

#[test]
fn deleted_and_late_rows_are_seen_only_when_asked_for_and_when_due() {
    let mut org = things();
    let user = org.store.running_user();
    let plan = org.plan("SELECT Id FROM Thing__c WHERE Name = 'b'").unwrap();
    let id = plan.run(&org.store, SCOPE()).next().unwrap().id();
    org.store.delete("Thing__c", id, user).unwrap();
    assert_eq!(org.found(""), "a c d n");
    assert_eq!(org.found_in("", Scope { include_deleted: true, ..SCOPE() }), "a b c d n");
    assert_eq!(org.found_in("WHERE IsDeleted = true", Scope { include_deleted: true, ..SCOPE() }), "b");
    assert_eq!(org.found("WHERE IsDeleted = true"), "");

    org.store.set_visibility_delay_ms(5_000);
    org.add("Thing__c", &[("Name", Value::text("late"))]);
    assert_eq!(org.found("WHERE Name = 'late'"), "");
    let later = Scope { now_ms: SCOPE().now_ms + 5_000, ..SCOPE() };
    assert_eq!(org.found_in("WHERE Name = 'late'", later), "late");
}
