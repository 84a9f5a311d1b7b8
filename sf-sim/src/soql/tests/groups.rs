//! Aggregates, groups and their subtotals.

use super::*;

fn groups(org: &Org, soql: &str) -> String {
    let plan = org.plan(soql).unwrap_or_else(|e| panic!("{soql}: {e}"));
    assert!(plan.is_grouped(), "{soql}");
    let rows = plan.view(&org.store, SCOPE()).groups();
    let bare = |row: &Json| {
        let mut row = row.as_object().unwrap().clone();
        let attributes = row.shift_remove("attributes").unwrap();
        assert_eq!(attributes, json!({"type": "AggregateResult"}));
        Json::Object(row).to_string()
    };
    rows.iter().map(bare).collect::<Vec<_>>().join(" ")
}

#[test]
fn aggregates_without_groups_give_one_row() {
    let org = things();
    let cases = [
        ("SELECT COUNT(Id) FROM Thing__c", r#"{"expr0":5}"#),
        ("SELECT COUNT(Text__c), COUNT_DISTINCT(Day__c) days FROM Thing__c", r#"{"expr0":4,"days":4}"#),
        ("SELECT SUM(Number__c), SUM(Count__c) FROM Thing__c", r#"{"expr0":9.50,"expr1":6}"#),
        ("SELECT AVG(Number__c), AVG(Count__c) c FROM Thing__c", r#"{"expr0":3.16666666666667,"c":2.0}"#),
        ("SELECT MIN(Number__c), MAX(Number__c) FROM Thing__c", r#"{"expr0":-2.0,"expr1":10.0}"#),
        (
            "SELECT MIN(Day__c) a, MAX(At__c) b FROM Thing__c",
            r#"{"a":"2023-12-31","b":"2024-03-14T00:00:00.000+0000"}"#,
        ),
        ("SELECT MIN(Text__c) a, MAX(Text__c) b FROM Thing__c", r#"{"a":"Acme","b":"Über"}"#),
        (
            "SELECT COUNT(Id), SUM(Number__c), MAX(Name) FROM Thing__c WHERE Name = 'z'",
            r#"{"expr0":0,"expr1":null,"expr2":null}"#,
        ),
        ("SELECT FORMAT(SUM(Number__c)) s FROM Thing__c", r#"{"s":"9.50"}"#),
    ];
    for (soql, expected) in cases {
        assert_eq!(groups(&org, soql), expected, "{soql}");
    }
}

#[test]
fn a_small_mean_has_as_many_digits_as_a_large_one() {
    let mut org = Org::new();
    for number in ["0.01", "0", "0"] {
        org.add("Thing__c", &[("Name", Value::text("t")), ("Number__c", decimal(number))]);
    }
    assert_eq!(groups(&org, "SELECT AVG(Number__c) FROM Thing__c"), r#"{"expr0":0.00333333333333333}"#);
}

#[test]
fn groups_are_made_filtered_ordered_and_cut() {
    let org = things();
    let cases = [
        (
            "SELECT Flag__c, COUNT(Id) FROM Thing__c GROUP BY Flag__c",
            r#"{"Flag__c":false,"expr0":3} {"Flag__c":true,"expr0":2}"#,
        ),
        (
            "SELECT CALENDAR_YEAR(Day__c), COUNT(Id) n FROM Thing__c GROUP BY CALENDAR_YEAR(Day__c)",
            r#"{"expr0":null,"n":1} {"expr0":2023,"n":1} {"expr0":2024,"n":3}"#,
        ),
        (
            "SELECT CALENDAR_MONTH(Day__c) m FROM Thing__c WHERE Day__c != null GROUP BY CALENDAR_MONTH(Day__c) HAVING COUNT(Id) > 1",
            r#"{"m":3}"#,
        ),
        (
            "SELECT Flag__c, MAX(Count__c) m FROM Thing__c GROUP BY Flag__c HAVING MAX(Count__c) > 2 OR Flag__c = false ORDER BY MAX(Count__c) DESC",
            r#"{"Flag__c":true,"m":3} {"Flag__c":false,"m":2}"#,
        ),
        (
            "SELECT Name FROM Thing__c GROUP BY Name ORDER BY Name DESC LIMIT 2 OFFSET 1",
            r#"{"Name":"d"} {"Name":"c"}"#,
        ),
        (
            "SELECT Name n, Text__c FROM Thing__c GROUP BY Name, Text__c HAVING Name LIKE 'a%'",
            r#"{"n":"a","Text__c":"Acme"}"#,
        ),
        ("SELECT Parent__r.Name FROM Thing__c GROUP BY Parent__r.Name", r#"{"Name":null}"#),
        (
            "SELECT HOUR_IN_DAY(At__c) h FROM Thing__c WHERE At__c != null GROUP BY HOUR_IN_DAY(At__c)",
            r#"{"h":0} {"h":23}"#,
        ),
    ];
    for (soql, expected) in cases {
        assert_eq!(groups(&org, soql), expected, "{soql}");
    }
    let empty = "SELECT Name, COUNT(Id) FROM Thing__c WHERE Name = 'z' GROUP BY Name";
    assert_eq!(groups(&org, empty), "");
}

#[test]
fn rollup_and_cube_add_subtotals_that_grouping_tells_apart() {
    let mut org = Org::new();
    for (text, flag) in [("x", true), ("x", false), ("y", true)] {
        org.add(
            "Thing__c",
            &[("Name", Value::text(text)), ("Text__c", Value::text(text)), ("Flag__c", Value::Bool(flag))],
        );
    }
    let rows = groups(
        &org,
        "SELECT Text__c t, Flag__c f, GROUPING(Text__c) gt, GROUPING(Flag__c) gf, COUNT(Id) n FROM Thing__c GROUP BY ROLLUP(Text__c, Flag__c)",
    );
    let expected = [
        r#"{"t":"x","f":false,"gt":0,"gf":0,"n":1}"#,
        r#"{"t":"x","f":true,"gt":0,"gf":0,"n":1}"#,
        r#"{"t":"x","f":null,"gt":0,"gf":1,"n":2}"#,
        r#"{"t":"y","f":true,"gt":0,"gf":0,"n":1}"#,
        r#"{"t":"y","f":null,"gt":0,"gf":1,"n":1}"#,
        r#"{"t":null,"f":null,"gt":1,"gf":1,"n":3}"#,
    ];
    assert_eq!(rows, expected.join(" "));
    let cube = "SELECT Text__c t, Flag__c f, COUNT(Id) n FROM Thing__c GROUP BY CUBE(Text__c, Flag__c) HAVING GROUPING(Text__c) = 1";
    let expected =
        [r#"{"t":null,"f":false,"n":1}"#, r#"{"t":null,"f":true,"n":2}"#, r#"{"t":null,"f":null,"n":3}"#];
    assert_eq!(groups(&org, cube), expected.join(" "));
}

/// "Picklist sorting is defined by the picklist sort determined during setup" [SOQL reference, "ORDER BY"]; MIN and MAX
/// follow it too.
#[test]
fn picklists_are_ordered_as_their_values_are_listed() {
    let mut org = Org::new();
    let mut account = ObjectDef::clone(org.store.catalog().get("Account").unwrap());
    account.edit_field("Rating", |f| {
        f.picklist = ["Hot", "Warm", "Cold"].map(crate::schema::PicklistValue::new).to_vec();
    });
    org.store.define(account);
    for rating in ["Cold", "Aglow", "Hot", "Warm"] {
        org.add("Account", &[("Name", Value::text(rating)), ("Rating", Value::text(rating))]);
    }
    let names = |soql: &str| {
        let records = org.records(soql);
        records.iter().map(|r| r["Name"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("SELECT Name FROM Account ORDER BY Rating"), "Hot Warm Cold Aglow");
    assert_eq!(names("SELECT Name FROM Account ORDER BY Rating DESC"), "Aglow Cold Warm Hot");
    assert_eq!(
        groups(&org, "SELECT MIN(Rating) a, MAX(Rating) b FROM Account WHERE Rating != 'Aglow'"),
        r#"{"a":"Hot","b":"Cold"}"#
    );
    assert_eq!(
        groups(&org, "SELECT Rating FROM Account GROUP BY Rating"),
        r#"{"Rating":"Hot"} {"Rating":"Warm"} {"Rating":"Cold"} {"Rating":"Aglow"}"#
    );
}
