//! How large a statement may be: the documented limits, each at its edge and one beyond.

use super::*;

/// `Hub__c` with 60 references to accounts, to which it is a child by 60 relationships.
fn org() -> Org {
    let mut org = Org::new();
    let mut hub = ObjectDef::new("Hub__c", "Hub", "Hubs", KeyPrefix::of("a0U"));
    hub.add_field(FieldDef::new("Id", "Id", Type::Id));
    for n in 0..60 {
        let mut field = FieldDef::new(&format!("F{n}__c"), "F", Type::Reference);
        field.reference_to = vec!["Account".to_owned()];
        field.relationship_name = Some(format!("F{n}__r"));
        field.child_relationship_name = Some(format!("Hubs{n}__r"));
        hub.add_field(field);
    }
    let mut what = FieldDef::new("WhatId", "What", Type::Reference);
    what.reference_to = vec!["Account".to_owned(), "Contact".to_owned()];
    what.relationship_name = Some("What".to_owned());
    hub.add_field(what);
    org.store.define(hub);
    org
}

fn joined(n: usize, one: impl Fn(usize) -> String, between: &str) -> String {
    (0..n).map(one).collect::<Vec<_>>().join(between)
}

/// Checks that a statement of `most` parts is planned, and that one of a part more is refused with this code and text.
fn edge(org: &Org, most: usize, soql: impl Fn(usize) -> String, code: &str, text: &str) {
    assert!(org.plan(&soql(most)).is_ok(), "{:?}", org.plan(&soql(most)).err());
    let error = org.refused(&soql(most + 1));
    assert_eq!(error.code, code, "{}", error.message);
    assert_eq!(error.message.rsplit('\n').next(), Some(text));
}

const MALFORMED: &str = "MALFORMED_QUERY";

#[test]
fn relationships_to_parents_are_limited() {
    let org = org();
    let text = "A query cannot have more than 55 child-to-parent relationships";
    let names = |n| joined(n, |n| format!("F{n}__r.Name"), ", ");
    edge(&org, 55, |n| format!("SELECT {} FROM Hub__c", names(n)), MALFORMED, text);
    // Each counts once, wherever it is named, and each step of a path.
    let twice = |n| format!("SELECT {} FROM Hub__c WHERE F0__r.Name = 'x' ORDER BY F1__r.Name", names(n));
    edge(&org, 55, twice, MALFORMED, text);
    let owners = |n| joined(n, |n| format!("F{n}__r.Owner.Name"), ", ");
    edge(&org, 27, |n| format!("SELECT {} FROM Hub__c", owners(n)), MALFORMED, text);
    // A TYPEOF counts for its relationship and for each object, unless one record is asked for.
    let type_of = |n| {
        let case = "TYPEOF What WHEN Account THEN Phone WHEN Contact THEN Email END";
        format!("SELECT {case}, {} FROM Hub__c", names(n))
    };
    edge(&org, 52, type_of, MALFORMED, text);
    let one = |n| format!("{} WHERE Id = 'a0U000000000001'", type_of(n));
    edge(&org, 54, one, MALFORMED, text);
}

#[test]
fn relationships_to_children_joins_and_keys_are_limited() {
    let org = org();
    let text = "A query cannot have more than 20 parent-to-child relationships";
    let lists = |n| joined(n, |n| format!("(SELECT Id FROM Hubs{n}__r)"), ", ");
    edge(&org, 20, |n| format!("SELECT Id, {} FROM Account", lists(n)), MALFORMED, text);
    // Those of subqueries count too: here the subquery itself, and the lists within it.
    let nested = |n| format!("SELECT Id, (SELECT Id, {} FROM ChildAccounts) FROM Account", lists(n));
    edge(&org, 19, nested, MALFORMED, text);

    let joins = |n| {
        let join = joined(n, |n| format!("Id IN (SELECT F{n}__c FROM Hub__c)"), " AND ");
        format!("SELECT Id FROM Account WHERE {join}")
    };
    let text = "Maximum 2 semi join sub-selects are allowed";
    edge(&org, 2, joins, "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS", text);
    let keys = |n| joined(n, |n| format!("F{n}__c"), ", ");
    let order = |n| format!("SELECT Id FROM Hub__c ORDER BY {}", keys(n));
    edge(&org, 32, order, MALFORMED, "ORDER BY takes at most 32 fields");
    let cube = |n| format!("SELECT COUNT(Id) FROM Hub__c GROUP BY CUBE({})", keys(n));
    edge(&org, 3, cube, MALFORMED, "GROUP BY ROLLUP and GROUP BY CUBE take at most three fields");
}

#[test]
fn statements_and_strings_have_their_lengths() {
    let org = org();
    // Characters count, not bytes.
    let string = |n| format!("SELECT Id FROM Account WHERE Name = '{}'", "ä".repeat(n));
    let text = "String literals in a WHERE clause cannot be longer than 4000 characters.";
    edge(&org, 4_000, string, MALFORMED, text);
    let pattern = |n| format!("SELECT Id FROM Account WHERE Name LIKE '{}'", "a".repeat(n));
    edge(&org, 4_000, pattern, MALFORMED, text);
    let in_list = |n| format!("SELECT Id FROM Account WHERE Name IN ('x', '{}')", "a".repeat(n));
    edge(&org, 4_000, in_list, MALFORMED, text);
    let start = "SELECT Id FROM Account WHERE Name = 'ä'";
    let padded = |n| format!("{start}{}", " ".repeat(n - start.chars().count()));
    let text = "SOQL statements cannot be longer than 100000 characters.";
    edge(&org, 100_000, padded, MALFORMED, text);
}

#[test]
fn an_offset_has_its_limit_and_its_place() {
    let org = org();
    let text = "Maximum SOQL offset allowed is 2000";
    edge(&org, 2_000, |n| format!("SELECT Id FROM Account OFFSET {n}"), "NUMBER_OUTSIDE_VALID_RANGE", text);
    let child = "SELECT Id, (SELECT Id FROM Contacts LIMIT 10 OFFSET 2) FROM Account";
    assert!(org.plan(&format!("{child} LIMIT 1")).is_ok());
    for rest in ["", " LIMIT 2"] {
        assert_eq!(org.refused(&format!("{child}{rest}")).code, MALFORMED);
    }
}
