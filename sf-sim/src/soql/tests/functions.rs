//! Functions, scopes and time zones.

use super::*;

#[test]
fn parts_of_dates_are_taken_in_utc_or_in_the_users_time_zone() {
    let mut org = Org::new();
    let user = org.store.running_user();
    org.add(
        "Thing__c",
        &[("Name", Value::text("a")), ("At__c", at("2024-03-01T07:30:00Z")), ("Day__c", day("2024-12-31"))],
    );
    let holds = |org: &Org, condition: &str| org.found(&format!("WHERE {condition}")) == "a";
    for condition in [
        "CALENDAR_MONTH(At__c) = 3",
        "CALENDAR_QUARTER(Day__c) = 4",
        "CALENDAR_YEAR(Day__c) = 2024",
        "DAY_IN_MONTH(Day__c) = 31",
        // A Tuesday: the third day of a week that begins on Sunday.
        "DAY_IN_WEEK(Day__c) = 3",
        "DAY_IN_YEAR(Day__c) = 366",
        "DAY_ONLY(At__c) = 2024-03-01",
        "FISCAL_MONTH(At__c) = 3",
        "FISCAL_QUARTER(At__c) = 1",
        "FISCAL_YEAR(At__c) = 2024",
        "HOUR_IN_DAY(At__c) = 7",
        "WEEK_IN_MONTH(Day__c) = 5",
        "WEEK_IN_YEAR(Day__c) = 53",
        "CALENDAR_YEAR(Day__c) IN (1999, 2024)",
        "DAY_ONLY(At__c) < TODAY",
        "HOUR_IN_DAY(convertTimezone(At__c)) = 7",
    ] {
        assert!(holds(&org, condition), "{condition}");
    }
    let zone = vec![("TimeZoneSidKey".to_owned(), Value::text("America/Los_Angeles"))];
    org.store.update("User", user, zone, user).unwrap();
    for condition in [
        "HOUR_IN_DAY(convertTimezone(At__c)) = 23",
        "DAY_ONLY(convertTimezone(At__c)) = 2024-02-29",
        "CALENDAR_MONTH(convertTimezone(At__c)) = 2",
        "CALENDAR_MONTH(At__c) = 3",
        // The month before this one ends where the user's does.
        "At__c = LAST_MONTH",
    ] {
        assert!(holds(&org, condition), "{condition}");
    }
}

#[test]
fn days_begin_at_midnight_of_whoever_asks() {
    let mut org = Org::new();
    let user = org.store.running_user();
    let other = org.store.place(
        "User",
        vec![
            ("Username".to_owned(), Value::text("tokyo@example.com")),
            ("LastName".to_owned(), Value::text("Tokyo")),
            ("Email".to_owned(), Value::text("tokyo@example.com")),
            ("Alias".to_owned(), Value::text("tokyo")),
            ("ProfileId".to_owned(), Value::text("00e5i0000000001")),
            ("TimeZoneSidKey".to_owned(), Value::text("Asia/Tokyo")),
        ],
        user,
    );
    let other = other.unwrap();
    // It is noon in London and nine in the evening in Tokyo.
    org.add("Thing__c", &[("Name", Value::text("late")), ("At__c", at("2024-03-13T16:00:00Z"))]);
    assert_eq!(org.found("WHERE At__c = TODAY"), "late");
    let there = Scope { user: Some(other), ..SCOPE() };
    assert_eq!(org.found_in("WHERE At__c = TODAY", there), "");
    assert_eq!(org.found_in("WHERE At__c = TOMORROW", there), "late");
}

#[test]
fn scopes_show_the_users_own_rows_or_what_else_they_mean() {
    let mut org = Org::new();
    org.add("Account", &[("Name", Value::text("mine"))]);
    org.add("Case", &[("Subject", Value::text("mine"))]);
    org.add("Contact", &[("LastName", Value::text("mine"))]);
    org.add("Product2", &[("Name", Value::text("nobody's"))]);
    let somebody = Scope { user: Some("0055i00000000zz".parse().unwrap()), ..SCOPE() };
    // Rows for whoever owns them, and for anybody else.
    let cases = [
        ("Account USING SCOPE mine", 1, 0),
        ("Account a USING SCOPE MINE WHERE a.Name = 'mine'", 1, 0),
        ("Account USING SCOPE everything", 1, 1),
        ("Account USING SCOPE team", 0, 0),
        ("Case USING SCOPE user_owned", 1, 1),
        ("Case USING SCOPE queue_owned", 0, 0),
        ("Case USING SCOPE genericteam", 0, 0),
        ("Case USING SCOPE team_by_role", 0, 0),
        // No rule is active, so that none leaves anything out.
        ("Contact USING SCOPE scopingRule", 1, 1),
        // Every object has all its rows, whether its describe names that scope or not.
        ("Product2 USING SCOPE everything", 1, 1),
    ];
    for (from, own, others) in cases {
        let plan = org.plan(&format!("SELECT Id FROM {from}")).unwrap_or_else(|e| panic!("{from}: {e}"));
        let counts = (plan.count(&org.store, SCOPE()), plan.count(&org.store, somebody));
        assert_eq!(counts, (own, others), "{from}");
    }
}

#[test]
fn a_scope_that_an_object_does_not_have_is_refused() {
    let org = Org::new();
    for (object, scope) in [
        ("Account", "my_territory"),
        ("Account", "my_team_territory"),
        ("Account", "delegated"),
        ("Account", "mine_and_my_groups"),
        ("Account", "queue_owned"),
        ("Thing__c", "team"),
        // Users belong to nobody.
        ("User", "mine"),
    ] {
        let soql = format!("SELECT Id FROM {object} USING SCOPE {scope}");
        let error = org.refused(&soql);
        assert_eq!(error.code, "INVALID_QUERY_SCOPE", "{soql}");
        let message = format!("The requested scope '{scope}' is not supported for {object}");
        assert_eq!(error.message.rsplit('\n').next(), Some(message.as_str()));
    }
    // What is no scope at all is a mistake of grammar.
    let error = org.refused("SELECT Id FROM Account USING SCOPE queue");
    assert_eq!(error.code, "MALFORMED_QUERY");
    assert!(error.message.ends_with("unexpected token: 'queue'"), "{}", error.message);
}

#[test]
fn labels_formats_and_currencies_are_shown() {
    let mut org = Org::new();
    let industry = |f: &mut FieldDef| {
        f.picklist[0].label = "Label".into();
        f.picklist[0].value.to_string()
    };
    let mut account = ObjectDef::clone(org.store.catalog().get("Account").unwrap());
    let mut value = String::new();
    account.edit_field("Industry", |f| value = industry(f));
    org.store.define(account);
    org.add(
        "Account",
        &[
            ("Name", Value::text("x")),
            ("Industry", Value::text(value.as_str())),
            ("AnnualRevenue", decimal("1234567")),
        ],
    );
    org.add(
        "Thing__c",
        &[
            ("Name", Value::text("t")),
            ("At__c", at("2024-03-01T17:05:00Z")),
            ("Day__c", day("2024-03-01")),
            ("Number__c", decimal("-1234.5")),
        ],
    );
    let records = org.records(
        "SELECT toLabel(Industry), AnnualRevenue, FORMAT(AnnualRevenue) shown, convertCurrency(AnnualRevenue) converted, FORMAT(convertCurrency(AnnualRevenue)) both FROM Account WHERE toLabel(Industry) = 'label'",
    );
    let mut record = records[0].as_object().unwrap().clone();
    record.shift_remove("attributes");
    let expected = r#"{"Industry":"Label","AnnualRevenue":1234567.0,"shown":"$1,234,567.00","converted":1234567.0,"both":"$1,234,567.00"}"#;
    assert_eq!(Json::Object(record).to_string(), expected);
    let records = org.records(
        "SELECT FORMAT(At__c), FORMAT(Day__c) d, FORMAT(Number__c) n, FORMAT(Count__c) c FROM Thing__c",
    );
    assert_eq!(
        (&records[0]["At__c"], &records[0]["d"], &records[0]["n"], &records[0]["c"]),
        (&json!("3/1/2024, 5:05 PM"), &json!("3/1/2024"), &json!("-1,234.5"), &Json::Null)
    );
}

#[test]
fn distances_are_filtered_ordered_and_shown() {
    let mut org = Org::new();
    // Berlin, Paris, and nowhere.
    for (name, place) in
        [("berlin", Some(("52.5200", "13.4050"))), ("paris", Some(("48.8566", "2.3522"))), ("none", None)]
    {
        let mut values = vec![("Name", Value::text(name))];
        if let Some((latitude, longitude)) = place {
            values.push(("Place__Latitude__s", decimal(latitude)));
            values.push(("Place__Longitude__s", decimal(longitude)));
        }
        org.add("Thing__c", &values);
    }
    let from_london = |unit: &str| format!("DISTANCE(Place__c, GEOLOCATION(51.5074, -0.1278), '{unit}')");
    assert_eq!(org.found(&format!("WHERE {} < 400", from_london("km"))), "paris");
    assert_eq!(org.found(&format!("WHERE {} > 400", from_london("km"))), "berlin");
    assert_eq!(org.found(&format!("WHERE {} < 400", from_london("mi"))), "paris");
    assert_eq!(org.found(&format!("ORDER BY {} NULLS LAST", from_london("km"))), "paris berlin none");
    let soql = format!(
        "SELECT {}, {} miles FROM Thing__c WHERE Name = 'paris'",
        from_london("km"),
        from_london("mi")
    );
    let records = org.records(&soql);
    // Some 344 km, as any atlas has it.
    let km = records[0]["expr0"].as_f64().unwrap();
    let miles = records[0]["miles"].as_f64().unwrap();
    assert!((342.0..346.0).contains(&km) && (km / miles - 1.609_344).abs() < 1e-3, "{km} {miles}");
}

#[test]
fn amounts_can_carry_a_currency() {
    let mut org = Org::new();
    org.add("Account", &[("Name", Value::text("x")), ("AnnualRevenue", decimal("5000"))]);
    let count = |condition: &str| {
        let plan = org.plan(&format!("SELECT Id FROM Account WHERE {condition}"));
        plan.map(|plan| plan.count(&org.store, SCOPE()))
    };
    assert_eq!(count("AnnualRevenue = USD5000.00"), Ok(1));
    assert_eq!(count("AnnualRevenue > USD5001"), Ok(0));
    assert!(count("NumberOfEmployees > USD5001").is_err());
}
