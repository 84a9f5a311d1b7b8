use proptest::prelude::*;

use super::*;
use crate::{Literal, field};

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
