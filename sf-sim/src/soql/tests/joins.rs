//! Subqueries: children, semi-joins, anti-joins; TYPEOF and FIELDS().

use super::*;

/// Two accounts, three contacts of the first, a thing of each.
fn company() -> Org {
    let mut org = Org::new();
    let first = org.add("Account", &[("Name", Value::text("First")), ("Phone", Value::text("1"))]);
    let second = org.add("Account", &[("Name", Value::text("Second"))]);
    let mut contacts = Vec::new();
    for name in ["Ann", "Bob", "Cat"] {
        let values = [("LastName", Value::text(name)), ("AccountId", Value::Id(first))];
        contacts.push(org.add("Contact", &values));
    }
    org.add("Contact", &[("LastName", Value::text("Free"))]);
    org.add("Case", &[("Subject", Value::text("lost")), ("ContactId", Value::Id(contacts[1]))]);
    for (name, what) in [("a", first), ("b", contacts[0]), ("c", second)] {
        org.add("Thing__c", &[("Name", Value::text(name)), ("WhatId", Value::Id(what))]);
    }
    org.add("Thing__c", &[("Name", Value::text("n"))]);
    org
}

fn found(org: &Org, soql: &str) -> String {
    let records = org.records(soql);
    let names = records.iter().map(|r| r["Name"].as_str().unwrap_or_default().to_owned());
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn semi_and_anti_joins_find_rows_by_rows_of_other_objects() {
    let org = company();
    let cases = [
        ("SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact)", "First"),
        ("SELECT Name FROM Account WHERE Id NOT IN (SELECT AccountId FROM Contact)", "Second"),
        ("SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName = 'Free')", ""),
        (
            "SELECT Name FROM Account a WHERE a.Id IN (SELECT c.AccountId FROM Contact c) AND Name LIKE 'f%'",
            "First",
        ),
        (
            "SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact) AND Id NOT IN (SELECT WhatId FROM Thing__c)",
            "",
        ),
        (
            "SELECT Name FROM Contact WHERE AccountId IN (SELECT Id FROM Account WHERE Name = 'First')",
            "Ann Bob Cat",
        ),
        (
            "SELECT Name FROM Contact WHERE AccountId NOT IN (SELECT Id FROM Account WHERE Name = 'First')",
            "Free",
        ),
        ("SELECT Name FROM Thing__c WHERE WhatId IN (SELECT AccountId FROM Contact)", "a"),
        ("SELECT Name FROM Contact WHERE Account.OwnerId IN (SELECT Id FROM User)", "Ann Bob Cat"),
    ];
    for (soql, expected) in cases {
        assert_eq!(found(&org, soql), expected, "{soql}");
    }
}

#[test]
fn children_nest_as_results_of_their_own() {
    let org = company();
    let soql = "SELECT Name, (SELECT LastName FROM Contacts WHERE LastName != 'Ann' ORDER BY LastName DESC LIMIT 1) FROM Account ORDER BY Name";
    let records = org.records(soql);
    let first = &records[0];
    let url = first["Contacts"]["records"][0]["attributes"]["url"].as_str().unwrap();
    let expected = json!({
        "totalSize": 1,
        "done": true,
        "records": [{"attributes": {"type": "Contact", "url": url}, "LastName": "Cat"}],
    });
    assert_eq!(first["Contacts"].to_string(), expected.to_string());
    assert_eq!(records[1]["Contacts"], Json::Null);
    let keys: Vec<_> = first.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["attributes", "Name", "Contacts"]);

    let deep = org.records(
        "SELECT (SELECT Name, (SELECT Subject FROM Cases) FROM account.contacts WHERE LastName = 'Bob') FROM Account WHERE Name = 'First'",
    );
    let bob = &deep[0]["Contacts"]["records"][0];
    assert_eq!(bob["Cases"]["records"][0]["Subject"], "lost");
    let semi = org.records(
        "SELECT (SELECT LastName FROM Contacts WHERE Id IN (SELECT ContactId FROM Case)) FROM Account WHERE Name = 'First'",
    );
    assert_eq!(semi[0]["Contacts"]["totalSize"], 1);
}

#[test]
fn deleted_children_show_only_where_deleted_rows_are_wanted() {
    let mut org = company();
    let user = org.store.running_user();
    let plan = org.plan("SELECT Id FROM Contact WHERE LastName = 'Ann'").unwrap();
    let ann = plan.run(&org.store, SCOPE()).next().unwrap().id();
    org.store.delete("Contact", ann, user).unwrap();
    let plan = org.plan("SELECT (SELECT Id FROM Contacts) FROM Account WHERE Name = 'First'").unwrap();
    let count = |scope: Scope| {
        let view = plan.view(&org.store, scope);
        let rows: Vec<_> = plan.run(&org.store, scope).cloned().collect();
        let related = view.related(&rows);
        (
            view.record(&rows[0], "/s", &related, &mut Together)["Contacts"]["totalSize"].clone(),
            related[0].count(rows[0].id()),
        )
    };
    assert_eq!(count(SCOPE()), (json!(2), 2));
    assert_eq!(count(Scope { include_deleted: true, ..SCOPE() }), (json!(3), 3));
}

#[test]
fn typeof_shows_each_object_by_its_own_fields() {
    let org = company();
    let records = org.records(
        "SELECT Name, TYPEOF what WHEN account THEN Phone, Owner.Name WHEN Contact THEN LastName END FROM Thing__c ORDER BY Name",
    );
    let shown = |n: usize| {
        let mut what = records[n]["What"].clone();
        let attributes = what.as_object_mut().map(|what| what.shift_remove("attributes"));
        (attributes.flatten().map(|a| a["type"].clone()), what)
    };
    let (ty, account) = shown(0);
    assert_eq!(ty, Some(json!("Account")));
    assert_eq!(account["Phone"], "1");
    assert_eq!(account["Owner"]["Name"], "Ada Emulator");
    assert_eq!(shown(1), (Some(json!("Contact")), json!({"LastName": "Ann"})));
    assert_eq!(shown(3).1, Json::Null);

    let records = org.records(
        "SELECT TYPEOF What WHEN Contact THEN LastName ELSE Name, Id END FROM Thing__c WHERE Name = 'c'",
    );
    assert_eq!(records[0]["What"]["Name"], "Second");
    assert_eq!(records[0]["What"]["attributes"]["type"], "Account");
}

#[test]
fn fields_stands_for_the_fields_of_the_describe() {
    let org = company();
    let names = |soql: &str| {
        let plan = org.plan(soql).unwrap();
        plan.columns().iter().map(|c| c.header().to_owned()).collect::<Vec<_>>()
    };
    let all: Vec<_> = thing().fields().iter().map(|f| f.name.clone()).collect();
    assert_eq!(names("SELECT FIELDS(ALL) FROM Thing__c LIMIT 200"), all);
    assert_eq!(names("SELECT FIELDS(STANDARD) FROM Thing__c"), all);
    assert_eq!(names("SELECT Id, FIELDS(CUSTOM), What.Name FROM Thing__c LIMIT 1"), ["Id", "What.Name"]);
}

#[test]
fn parents_can_have_names_of_their_own() {
    let org = company();
    let soql = "SELECT c.Name, a.Name FROM Contact c, c.Account a, a.Owner o WHERE a.Name = 'First' AND o.LastName = 'Emulator' ORDER BY c.Name";
    let records = org.records(soql);
    assert_eq!(records.len(), 3);
    assert_eq!(records[0]["Account"]["Name"], "First");
}
