use proptest::prelude::*;

use super::*;
use crate::function::{
    avg, calendar_month, convert_currency, convert_timezone, count, count_distinct, count_rows, day_only,
    distance, format, grouping, hour_in_day, max, min, sum, to_label,
};
use crate::{DateLiteral, DistanceUnit, Literal, field};

fn query() -> Select {
    Select::from("Lead").field("Id")
}

fn clause(select: Select) -> String {
    select.build().unwrap().strip_prefix("SELECT Id FROM Lead ").unwrap().to_owned()
}

fn condition(condition: Condition) -> String {
    clause(query().filter(condition)).strip_prefix("WHERE ").unwrap().to_owned()
}

fn refusal(select: Select) -> String {
    let error = select.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    error.to_string()
}

fn a() -> Condition {
    field("A").eq(1)
}

fn b() -> Condition {
    field("B").eq(2)
}

fn c() -> Condition {
    field("C").eq(3)
}

#[test]
fn each_comparison_has_its_text() {
    for (built, expected) in [
        (field("F").eq("x"), "F = 'x'"),
        (field("F").ne("x"), "F != 'x'"),
        (field("F").lt(1), "F < 1"),
        (field("F").le(1), "F <= 1"),
        (field("F").gt(1), "F > 1"),
        (field("F").ge(1), "F >= 1"),
        (field("F").is_null(), "F = null"),
        (field("F").is_not_null(), "F != null"),
        (field("F").like("a%"), "F LIKE 'a%'"),
        (field("F").starts_with("a%"), r"F LIKE 'a\%%'"),
        (field("F").ends_with("a_"), r"F LIKE '%a\_'"),
        (field("F").contains("a"), "F LIKE '%a%'"),
        (field("F").is_in(["a", "b'"]), r"F IN ('a', 'b\'')"),
        (field("F").is_not_in([1]), "F NOT IN (1)"),
        (field("Owner.Profile.Name").eq(true), "Owner.Profile.Name = true"),
    ] {
        assert_eq!(condition(built), expected);
    }
}

#[test]
fn lists_of_values_and_other_queries_have_their_text() {
    let contacts = || Select::from("Contact").field("AccountId").filter(field("Email").is_not_null());
    for (built, expected) in [
        (field("F__c").includes(["A;B", "C'"]), r"F__c INCLUDES ('A;B', 'C\'')"),
        (field("F__c").excludes(["A"]), "F__c EXCLUDES ('A')"),
        (field("Id").is_in_select(contacts()), "Id IN (SELECT AccountId FROM Contact WHERE Email != null)"),
        (
            field("Id").is_not_in_select(contacts()).and(a()),
            "Id NOT IN (SELECT AccountId FROM Contact WHERE Email != null) AND A = 1",
        ),
        (calendar_month("CreatedDate").eq(12), "CALENDAR_MONTH(CreatedDate) = 12"),
        (
            distance("Place__c", "1.5".parse().unwrap(), (-2).into(), DistanceUnit::Miles).lt(20),
            "DISTANCE(Place__c, GEOLOCATION(1.5, -2), 'mi') < 20",
        ),
        (field("D").eq(DateLiteral::NextNFiscalQuarters(2)), "D = NEXT_N_FISCAL_QUARTERS:2"),
    ] {
        assert_eq!(condition(built), expected);
    }
}

#[test]
fn each_entry_of_the_list_has_its_text() {
    let item = |item: Item| {
        let built = Select::from("X").field(item).limit(200).build().unwrap();
        built.strip_prefix("SELECT ").unwrap().strip_suffix(" FROM X LIMIT 200").unwrap().to_owned()
    };
    for (built, expected) in [
        (field("Owner.Name").into(), "Owner.Name"),
        (count_rows().into(), "COUNT()"),
        (count("Id").into(), "COUNT(Id)"),
        (count_distinct("Name").alias("names"), "COUNT_DISTINCT(Name) names"),
        (sum("Amount").alias("total"), "SUM(Amount) total"),
        (avg("Amount").into(), "AVG(Amount)"),
        (format(min("CloseDate")).into(), "FORMAT(MIN(CloseDate))"),
        (max("Account.AnnualRevenue").into(), "MAX(Account.AnnualRevenue)"),
        (to_label("Status").into(), "toLabel(Status)"),
        (convert_currency("Amount").into(), "convertCurrency(Amount)"),
        (hour_in_day(convert_timezone("CreatedDate")).into(), "HOUR_IN_DAY(convertTimezone(CreatedDate))"),
        (grouping("Status").alias("g"), "GROUPING(Status) g"),
        (Fields::All.into(), "FIELDS(ALL)"),
        (Fields::Custom.into(), "FIELDS(CUSTOM)"),
        (Fields::Standard.into(), "FIELDS(STANDARD)"),
        (
            type_of("What").when("Account", ["Phone"]).when("Case", ["Subject", "Owner.Name"]).into(),
            "TYPEOF What WHEN Account THEN Phone WHEN Case THEN Subject, Owner.Name END",
        ),
        (
            Select::from("Contacts").field("Id").filter(a()).order_by("Name").limit(3).into(),
            "(SELECT Id FROM Contacts WHERE A = 1 ORDER BY Name ASC LIMIT 3)",
        ),
    ] {
        assert_eq!(item(built), expected);
    }
}

#[test]
fn every_clause_has_its_text_and_its_place() {
    let categories = |group: &str, selector, names: &[&str]| With::DataCategory {
        group: group.to_owned(),
        selector,
        categories: names.iter().map(|n| (*n).to_owned()).collect(),
    };
    let grouped = || Select::from("Lead").field("Id").group_by("Status");
    for (built, expected) in
        [
            (query().using_scope(QueryScope::MineAndMyGroups), "USING SCOPE mine_and_my_groups"),
            (query().using_scope(QueryScope::ScopingRule), "USING SCOPE scopingRule"),
            (query().with(With::SecurityEnforced), "WITH SECURITY_ENFORCED"),
            (query().with(With::UserMode), "WITH USER_MODE"),
            (query().with(With::SystemMode), "WITH SYSTEM_MODE"),
            (
                query()
                    .with(categories("Geo__c", CategorySelector::At, &["usa__c", "uk__c"]))
                    .with(categories("Product__c", CategorySelector::AboveOrBelow, &["phone__c"])),
                "WITH DATA CATEGORY Geo__c AT (usa__c, uk__c) AND Product__c ABOVE_OR_BELOW phone__c",
            ),
            (grouped().group_by(day_only("CreatedDate")), "GROUP BY Status, DAY_ONLY(CreatedDate)"),
            (query().group_by_rollup(["Status", "Rating"]), "GROUP BY ROLLUP(Status, Rating)"),
            (query().group_by_cube(["Status"]), "GROUP BY CUBE(Status)"),
            (
                grouped().having(count("Id").gt(1)).having(field("Status").like("O%")),
                "GROUP BY Status HAVING COUNT(Id) > 1 AND Status LIKE 'O%'",
            ),
            (query().offset(2_000).limit(1), "LIMIT 1 OFFSET 2000"),
            (query().purpose(For::View), "FOR VIEW"),
            (query().purpose(For::Reference).track(Track::Viewstat), "FOR REFERENCE UPDATE VIEWSTAT"),
            (query().purpose(For::Update).track(Track::Tracking), "FOR UPDATE UPDATE TRACKING"),
            (query().all_rows().limit(5), "LIMIT 5 ALL ROWS"),
            (
                query()
                    .all_rows()
                    .offset(4)
                    .limit(3)
                    .order_by(count("Id").desc())
                    .having(a())
                    .group_by("Status")
                    .with(With::UserMode)
                    .filter(b())
                    .using_scope(QueryScope::Mine),
                "USING SCOPE mine WHERE B = 2 WITH USER_MODE GROUP BY Status HAVING A = 1 \
             ORDER BY COUNT(Id) DESC LIMIT 3 OFFSET 4 ALL ROWS",
            ),
        ]
    {
        assert_eq!(clause(built), expected);
    }
    let aliased = Select::from("Account").alias("a").field("a.Name").build().unwrap();
    assert_eq!(aliased, "SELECT a.Name FROM Account a");
}

#[test]
fn clauses_that_soql_does_not_take_together_are_refused() {
    let ids = || Select::from("Contact").field("AccountId");
    let joined = |select: Select| query().filter(field("Id").is_in_select(select));
    let deep = (0..4).fold(ids(), |inner, _| Select::from("Xs").field(inner));
    assert!(deep.build().is_ok());
    for (built, why) in [
        (query().field(count_rows()), "COUNT(), which stands alone"),
        (Select::from("Lead").field(Fields::All), "a LIMIT of at most 200"),
        (Select::from("Lead").field(Fields::Custom).limit(201), "a LIMIT of at most 200"),
        (query().offset(2_001), "OFFSET above 2000"),
        (query().having(a()), "HAVING without GROUP BY"),
        (query().group_by("A").group_by_cube(["B"]), "groups in more than one way"),
        (query().group_by_rollup(["A", "B", "C", "D"]), "more than 3 fields"),
        (query().with(With::UserMode).with(With::SystemMode), "takes one mode"),
        (query().field(ids().all_rows()), "ALL ROWS, WITH and USING SCOPE cannot stand"),
        (joined(ids().field("Id")), "has to select one field"),
        (joined(Select::from("Contact").field(count("Id"))), "has to select one field"),
        (joined(ids().limit(1)), "cannot have ORDER BY, LIMIT or OFFSET"),
        (joined(ids().filter(field("Id").is_in_select(ids()))), "IN (SELECT …) of its own"),
        (
            joined(ids()).filter(field("A").is_in_select(ids())).filter(field("B").is_in_select(ids())),
            "more than two",
        ),
        (query().filter(field("Id").is_in_select(ids()).or(a())), "below OR or NOT"),
        (query().filter(!field("Id").is_in_select(ids())), "below OR or NOT"),
        (query().field(type_of("What")), "has no WHEN"),
        (query().field(type_of("What").when("Account", Vec::<String>::new())), "names no fields for Account"),
        (Select::from("Xs").field(deep), "nest more than five levels"),
        (query().alias("a b"), "is not a name"),
        (query().field(sum("Amount").alias("x, y")), "is not a name"),
        (query().field(sum("Amount) FROM")), "is not a name"),
    ] {
        let said = refusal(built);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn and_and_or_never_stand_side_by_side_without_parentheses() {
    for (built, expected) in [
        (a().and(b()).and(c()), "A = 1 AND B = 2 AND C = 3"),
        (a().and(b().and(c())), "A = 1 AND B = 2 AND C = 3"),
        (a().or(b()).or(c()), "A = 1 OR B = 2 OR C = 3"),
        (a().and(b()).or(c()), "(A = 1 AND B = 2) OR C = 3"),
        (a().and(b().or(c())), "A = 1 AND (B = 2 OR C = 3)"),
        (a().or(b()).and(c()), "(A = 1 OR B = 2) AND C = 3"),
        (!a(), "(NOT A = 1)"),
        (a().and(!b()), "A = 1 AND (NOT B = 2)"),
        (!a().or(b()), "(NOT (A = 1 OR B = 2))"),
        (!!a(), "(NOT (NOT A = 1))"),
    ] {
        assert_eq!(condition(built), expected);
    }
}

#[test]
fn conditions_that_are_added_all_have_to_hold() {
    assert_eq!(clause(query().filter(a().or(b())).filter(c())), "WHERE (A = 1 OR B = 2) AND C = 3");
}

#[test]
fn orderings_and_limit_follow_the_conditions() {
    let select = query()
        .limit(5)
        .order_by(field("A").desc().nulls_last())
        .order_by(field("B").asc().nulls_first())
        .order_by(field("C"))
        .filter(a());
    assert_eq!(clause(select), "WHERE A = 1 ORDER BY A DESC NULLS LAST, B ASC NULLS FIRST, C ASC LIMIT 5");
}

#[test]
fn a_field_twice_is_selected_once_where_it_stood_first() {
    let select = Select::from("Lead").fields(["Name", "Id", "NAME"]).field("id").field("Owner.Name");
    assert_eq!(select.build().unwrap(), "SELECT Name, Id, Owner.Name FROM Lead");
    let select = Select::from("Lead").field(sum("A")).field(sum("a")).field(sum("A").alias("b"));
    assert_eq!(select.build().unwrap(), "SELECT SUM(A), SUM(A) b FROM Lead");
}

#[test]
fn what_is_not_a_name_is_refused_wherever_it_stands() {
    for name in [
        "",
        "Id,Name",
        "Id FROM User--",
        "(SELECT Id FROM Contacts)",
        "1st",
        "_a",
        "a.",
        ".a",
        "a..b",
        "é",
        "a\n",
        "A.1",
    ] {
        assert!(refusal(Select::from("Lead").field(name)).contains("is not a name"), "{name:?}");
        assert!(refusal(Select::from(name).field("Id")).contains("is not a name"), "{name:?}");
        assert!(refusal(query().filter(field(name).eq(1))).contains("is not a name"), "{name:?}");
        assert!(refusal(query().filter(field(name).is_in([1]))).contains("is not a name"), "{name:?}");
        assert!(refusal(query().order_by(field(name))).contains("is not a name"), "{name:?}");
    }
    assert!(refusal(Select::from("Account.Contact").field("Id")).contains("it has a dot"));
    assert_eq!(
        refusal(query().field("Na-me")),
        "\"Na-me\" is not a name: '-' is neither a letter, a digit nor an underscore"
    );
}

#[test]
fn a_name_through_more_than_five_parents_is_refused() {
    assert!(query().field("A.B.C.D.E.Name").build().is_ok());
    assert!(refusal(query().field("A.B.C.D.E.F.Name")).contains("more than 5 parents"));
}

#[test]
fn what_soql_does_not_have_is_refused() {
    assert_eq!(refusal(Select::from("Lead")), "the query of Lead selects no fields");
    assert!(refusal(query().filter(field("A").is_in(Vec::<i32>::new()))).contains("the list is empty"));
    assert!(
        refusal(query().filter(field("A").gt(Literal::NULL)))
            .contains("null can only be compared by = and !=")
    );
    assert!(refusal(query().filter(field("A").eq("\0"))).contains("NUL"));
    let ids = (0..20_000).map(|i| format!("{i:05}"));
    assert!(refusal(query().filter(field("A").is_in(ids))).contains("SOQL allows 100000"));
}

#[test]
fn display_shows_the_query_or_says_that_there_is_none() {
    assert_eq!(query().to_string(), "SELECT Id FROM Lead");
    assert_eq!(Select::from("Lead").to_string(), "<no query: the query of Lead selects no fields>");
}

proptest! {
    #[test]
    fn no_text_gets_out_of_its_quotes(text in "[^\0]{0,40}|['\\\\ORandSELCT=() ]{0,40}") {
        let built = condition(field("Name").eq(text.as_str()).and(a()));
        let middle = built.strip_prefix("Name = '").unwrap().strip_suffix("' AND A = 1").unwrap();
        let mut rest = middle.chars();
        while let Some(c) = rest.next() {
            prop_assert!(c != '\'');
            if c == '\\' {
                prop_assert!(rest.next().is_some());
            }
        }
    }

    #[test]
    fn any_text_is_a_name_or_is_refused(name in "\\PC{0,20}") {
        let valid = name.split('.').all(|part| {
            let mut bytes = part.bytes();
            bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
                && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        }) && name.matches('.').count() <= 5;
        prop_assert_eq!(Select::from("Lead").field(name.as_str()).build().is_ok(), valid);
    }
}
