//! Queries as the emulated org's own parser understands them, and describes as it gives them.

use std::sync::Arc;
use std::time::Duration;

use bigdecimal::BigDecimal;
use chrono::{DateTime, NaiveDate, NaiveTime};
use proptest::prelude::*;
use sf_core::http::InProcess;
use sf_sim::Sim;
use sf_sim::soql::ast::{self, LiteralKind};
use sf_sim::soql::parse;
use sf_soql::{
    BulkFields, Condition, DateLiteral, DescribeCache, ErrorKind, Literal, Select, field, schema_of,
};

use crate::support::client;

fn understood(condition: Condition) -> ast::Condition {
    let soql = Select::from("Lead").field("Id").filter(condition).build().unwrap();
    parse(&soql).unwrap_or_else(|e| panic!("{soql}: {e:?}")).condition.unwrap()
}

fn literal(value: impl Into<Literal>) -> LiteralKind {
    match understood(field("F").eq(value)) {
        ast::Condition::Compare(_, ast::Compare::Equal, literal) => literal.kind,
        other => panic!("{other:?}"),
    }
}

fn path(of: &ast::Expr) -> String {
    of.to_string()
}

#[test]
fn values_of_every_type_arrive_as_they_were() {
    assert_eq!(literal(Literal::NULL), LiteralKind::Null);
    assert_eq!(literal(true), LiteralKind::Boolean(true));
    assert_eq!(literal(-7), LiteralKind::Number("-7".into()));
    assert_eq!(literal("1.50".parse::<BigDecimal>().unwrap()), LiteralKind::Number("1.50".into()));
    let day = NaiveDate::from_ymd_opt(2024, 1, 31).unwrap();
    assert_eq!(literal(day), LiteralKind::Date(day));
    let time = NaiveTime::from_hms_milli_opt(13, 30, 0, 5).unwrap();
    assert_eq!(literal(time), LiteralKind::Time(48_600_005));
    for text in ["2024-01-31T10:00:00Z", "2024-01-31T10:00:00.123Z", "2024-01-31T10:00:00-08:00"] {
        let instant = DateTime::parse_from_rfc3339(text).unwrap();
        assert_eq!(literal(instant), LiteralKind::DateTime(instant.timestamp_millis()), "{text}");
    }
}

#[test]
fn every_relative_date_is_known() {
    use DateLiteral::*;
    let all = [
        Yesterday,
        Today,
        Tomorrow,
        LastWeek,
        ThisWeek,
        NextWeek,
        LastMonth,
        ThisMonth,
        NextMonth,
        Last90Days,
        Next90Days,
        LastQuarter,
        ThisQuarter,
        NextQuarter,
        LastYear,
        ThisYear,
        NextYear,
        LastFiscalQuarter,
        ThisFiscalQuarter,
        NextFiscalQuarter,
        LastFiscalYear,
        ThisFiscalYear,
        NextFiscalYear,
        LastNDays(3),
        NextNDays(3),
        NDaysAgo(3),
        LastNWeeks(3),
        NextNWeeks(3),
        NWeeksAgo(3),
        LastNMonths(3),
        NextNMonths(3),
        NMonthsAgo(3),
        LastNQuarters(3),
        NextNQuarters(3),
        NQuartersAgo(3),
        LastNYears(3),
        NextNYears(3),
        NYearsAgo(3),
        LastNFiscalQuarters(3),
        NextNFiscalQuarters(3),
        NFiscalQuartersAgo(3),
        LastNFiscalYears(3),
        NextNFiscalYears(3),
        NFiscalYearsAgo(3),
    ];
    for date in all {
        assert!(matches!(literal(date), LiteralKind::Period(_)), "{date}");
    }
}

#[test]
fn a_whole_query_arrives_as_it_was_built() {
    let soql = Select::from("Contact")
        .fields(["Id", "Account.Name"])
        .filter(field("Account.Name").is_in(["a", "b"]))
        .order_by(field("Name").desc().nulls_last())
        .order_by(field("Id"))
        .limit(7)
        .build()
        .unwrap();
    let query = parse(&soql).unwrap();
    let ast::Select::Items(items) = query.select else { panic!("no list") };
    let names: Vec<_> = items
        .iter()
        .map(|item| match item {
            ast::Item::Value(of, None) => path(of),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["Id", "Account.Name"]);
    assert_eq!((query.object.to_string(), query.limit), ("Contact".to_owned(), Some(7)));
    let order: Vec<_> = query.order.iter().map(|o| (path(&o.expr), o.descending, o.nulls)).collect();
    assert_eq!(order, [("Name".into(), true, Some(ast::Nulls::Last)), ("Id".into(), false, None)]);
    let Some(ast::Condition::In(of, values, false)) = query.condition else { panic!("no list") };
    assert_eq!((path(&of), values.len()), ("Account.Name".to_owned(), 2));
}

/// A condition without the builder: what is asked for, and by what truth of its parts it holds.
#[derive(Clone, Debug)]
enum Wanted {
    Leaf(u32),
    And(Box<Wanted>, Box<Wanted>),
    Or(Box<Wanted>, Box<Wanted>),
    Not(Box<Wanted>),
}

impl Wanted {
    fn build(&self) -> Condition {
        match self {
            Self::Leaf(n) => field(format!("F{n}")).eq(*n),
            Self::And(a, b) => a.build().and(b.build()),
            Self::Or(a, b) => a.build().or(b.build()),
            Self::Not(a) => !a.build(),
        }
    }

    fn holds(&self, truth: u32) -> bool {
        match self {
            Self::Leaf(n) => truth >> n & 1 == 1,
            Self::And(a, b) => a.holds(truth) && b.holds(truth),
            Self::Or(a, b) => a.holds(truth) || b.holds(truth),
            Self::Not(a) => !a.holds(truth),
        }
    }
}

fn parsed_holds(condition: &ast::Condition, truth: u32) -> bool {
    match condition {
        ast::Condition::Compare(of, _, _) => {
            let n: u32 = path(of)[1..].parse().unwrap();
            truth >> n & 1 == 1
        }
        ast::Condition::And(all) => all.iter().all(|c| parsed_holds(c, truth)),
        ast::Condition::Or(any) => any.iter().any(|c| parsed_holds(c, truth)),
        ast::Condition::Not(inner) => !parsed_holds(inner, truth),
        other => panic!("{other:?}"),
    }
}

fn wanted() -> impl Strategy<Value = Wanted> {
    (0_u32..5).prop_map(Wanted::Leaf).prop_recursive(5, 24, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            pair.clone().prop_map(|(a, b)| Wanted::And(a.into(), b.into())),
            pair.prop_map(|(a, b)| Wanted::Or(a.into(), b.into())),
            inner.prop_map(|a| Wanted::Not(a.into())),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_arrives_as_it_was(text in "[^\0]{0,60}|['\\\\\"%_nrtbfu0-9\u{1}-\u{1f}]{0,60}") {
        prop_assert_eq!(literal(text.as_str()), LiteralKind::Text(text));
    }

    #[test]
    fn any_entries_of_a_picklist_arrive_as_they_were(texts in proptest::collection::vec("[^\0]{0,20}", 1..4)) {
        let ast::Condition::Includes(_, values, true) = understood(field("F").excludes(texts.clone())) else {
            panic!("no list")
        };
        let values: Vec<_> = values.into_iter().map(|v| v.kind).collect();
        prop_assert_eq!(values, texts.into_iter().map(LiteralKind::Text).collect::<Vec<_>>());
    }

    #[test]
    fn a_text_in_a_pattern_stands_for_itself(text in "['\\\\%_a-c]{0,30}") {
        let ast::Condition::Like(_, like) = understood(field("F").contains(&text)) else { panic!("no pattern") };
        prop_assert_eq!(&like.text, &format!("%{text}%"));
        let special: Vec<usize> = text.char_indices().filter(|(_, c)| "%_".contains(*c)).map(|(i, _)| i + 1).collect();
        prop_assert_eq!(like.escaped, special);
    }

    #[test]
    fn any_mixture_of_and_or_and_not_means_what_was_asked(wanted in wanted()) {
        let parsed = understood(wanted.build());
        for truth in 0..32 {
            prop_assert_eq!(parsed_holds(&parsed, truth), wanted.holds(truth));
        }
    }
}

fn org() -> (Sim, sf_core::Client) {
    let sim = Sim::builder().build().unwrap();
    let http = Arc::new(InProcess::new(sim.router()));
    let client = client(http, "https://emulated.my.salesforce.com", &sim.access_token());
    (sim, client)
}

#[tokio::test]
async fn what_a_describe_says_can_be_queried_can_be_queried() {
    let (_sim, client) = org();
    let cache = DescribeCache::new(client.clone(), Duration::from_secs(60));
    for object in ["Account", "Contact", "Lead", "Case", "Opportunity", "User", "Product2"] {
        assert!(cache.global().await.unwrap().object(object).unwrap().queryable);
        let describe = cache.object(object).await.unwrap();
        let fields = BulkFields::of(&describe);
        fields.check().unwrap();
        assert_eq!(schema_of(&describe, fields.names()).unwrap().fields().len(), fields.readable.len());
        let soql = Select::from(object)
            .fields(fields.names())
            .filter(field("SystemModstamp").ge(DateTime::UNIX_EPOCH).and(field("Id").ne("0017h00000doU3R")))
            .order_by(field("Id"))
            .limit(1)
            .build()
            .unwrap();
        let answer: serde_json::Value = client.get("query").query("q", &soql).json().await.unwrap();
        assert_eq!(answer["done"], true, "{object}");
    }
}

#[tokio::test]
async fn an_unchanged_describe_is_not_sent_again() {
    let (_sim, client) = org();
    let cache = DescribeCache::new(client, Duration::ZERO);
    let first = cache.object("Account").await.unwrap();
    let second = cache.object("Account").await.unwrap();
    assert!(Arc::ptr_eq(&first, &second), "the org answered a conditional request with the whole describe");
}

#[tokio::test]
async fn a_misspelled_object_is_told_its_likeness() {
    let (_sim, client) = org();
    let error = DescribeCache::new(client, Duration::ZERO).object("Acount").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownObject);
    assert!(error.to_string().contains("Did you mean Account"), "{error}");
}
