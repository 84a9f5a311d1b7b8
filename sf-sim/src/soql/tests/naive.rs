//! The evaluator against a naive one, on random rows and conditions.

use proptest::prelude::*;

use super::*;

/// A row as the naive evaluator knows it.
#[derive(Clone, Debug)]
struct Model {
    text: Option<String>,
    number: Option<i64>,
    flag: bool,
    day: Option<u32>,
    moment: Option<i64>,
}

#[derive(Clone, Debug)]
enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Text(&'static str, Option<String>),
    TextIn(bool, Vec<Option<String>>),
    /// In hundredths.
    Number(&'static str, Option<i64>),
    Flag(&'static str, bool),
    Day(&'static str, Option<u32>),
    Moment(&'static str, Option<i64>),
}

/// A day of March 2024.
fn day_text(day: u32) -> String {
    format!("2024-03-{day:02}")
}

/// Minutes from noon, written with a zone that is not UTC.
fn moment_text(minute: i64) -> String {
    format!("2024-03-13T14:{minute:02}:00.000+02:00")
}

fn moment_ms(minute: i64) -> i64 {
    parse_datetime(NOW).unwrap() + minute * 60_000
}

impl Expr {
    fn soql(&self) -> String {
        let quoted = |text: &Option<String>| text.as_ref().map_or("null".to_owned(), |t| format!("'{t}'"));
        let joined = |parts: &[Expr], word: &str| {
            let parts: Vec<_> = parts.iter().map(|p| format!("({})", p.soql())).collect();
            parts.join(word)
        };
        match self {
            Self::And(parts) => joined(parts, " AND "),
            Self::Or(parts) => joined(parts, " or "),
            Self::Not(inner) => format!("NOT ({})", inner.soql()),
            Self::Text(op, text) => format!("Text__c {op} {}", quoted(text)),
            Self::TextIn(not, list) => {
                let list: Vec<_> = list.iter().map(quoted).collect();
                format!("Text__c {} ({})", if *not { "NOT IN" } else { "IN" }, list.join(","))
            }
            Self::Number(op, n) => match n {
                None => format!("Number__c {op} null"),
                Some(n) => format!(
                    "Number__c {op} {}{}.{:02}",
                    if *n < 0 { "-" } else { "" },
                    n.abs() / 100,
                    n.abs() % 100
                ),
            },
            Self::Flag(op, flag) => format!("Flag__c {op} {flag}"),
            Self::Day(op, day) => format!("Day__c {op} {}", day.map_or("null".to_owned(), day_text)),
            Self::Moment(op, minute) => {
                format!("At__c {op} {}", minute.map_or("null".to_owned(), moment_text))
            }
        }
    }

    fn holds(&self, row: &Model) -> bool {
        let lower = |text: &String| text.to_ascii_lowercase();
        match self {
            Self::And(parts) => parts.iter().all(|p| p.holds(row)),
            Self::Or(parts) => parts.iter().any(|p| p.holds(row)),
            Self::Not(inner) => !inner.holds(row),
            // A text that is empty is none.
            Self::Text(op, text) => {
                let wanted = text.as_ref().map(lower).filter(|t| !t.is_empty() || !matches!(*op, "=" | "!="));
                compare(op, row.text.as_ref().map(lower), wanted)
            }
            Self::TextIn(not, list) => {
                let found = row.text.as_ref().map(lower);
                let is_in = list.iter().any(|t| t.as_ref().map(lower).filter(|t| !t.is_empty()) == found);
                is_in != *not
            }
            Self::Number(op, n) => compare(op, row.number, *n),
            Self::Flag(op, flag) => compare(op, Some(row.flag), Some(*flag)),
            Self::Day(op, day) => compare(op, row.day, *day),
            Self::Moment(op, minute) => compare(op, row.moment, *minute),
        }
    }
}

fn compare<T: PartialOrd>(op: &str, found: Option<T>, wanted: Option<T>) -> bool {
    match (op, found, wanted) {
        ("=", found, wanted) => found == wanted,
        ("!=", found, wanted) => found != wanted,
        (op, Some(found), Some(wanted)) => match op {
            "<" => found < wanted,
            "<=" => found <= wanted,
            ">" => found > wanted,
            ">=" => found >= wanted,
            other => panic!("{other}"),
        },
        _ => false,
    }
}

fn op() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="])
}

fn text() -> impl Strategy<Value = String> {
    "[abAB]{0,2}"
}

fn model() -> impl Strategy<Value = Model> {
    let text = prop::option::of(text().prop_filter("stored as null", |t| !t.is_empty()));
    let number = prop::option::of(-300_i64..300);
    let moment = prop::option::of(0_i64..4);
    (text, number, any::<bool>(), prop::option::of(1_u32..5), moment)
        .prop_map(|(text, number, flag, day, moment)| Model { text, number, flag, day, moment })
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        (op(), prop::option::of(text())).prop_map(|(op, t)| Expr::Text(op, t)),
        (any::<bool>(), prop::collection::vec(prop::option::of(text()), 1..4))
            .prop_map(|(n, l)| Expr::TextIn(n, l)),
        (op(), prop::option::of(-300_i64..300)).prop_map(|(op, n)| Expr::Number(op, n)),
        (prop::sample::select(vec!["=", "!="]), any::<bool>()).prop_map(|(op, b)| Expr::Flag(op, b)),
        (op(), prop::option::of(1_u32..5)).prop_map(|(op, d)| Expr::Day(op, d)),
        (op(), prop::option::of(0_i64..4)).prop_map(|(op, m)| Expr::Moment(op, m)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::Or),
            inner.prop_map(|e| Expr::Not(Box::new(e))),
        ]
    })
}

fn stored(models: &[Model]) -> (Org, Vec<RecordId>) {
    let mut org = Org::new();
    let ids = models
        .iter()
        .map(|m| {
            let or_null = |value: Option<Value>| value.unwrap_or(Value::Null);
            org.add(
                "Thing__c",
                &[
                    ("Name", Value::text("t")),
                    ("Text__c", or_null(m.text.as_deref().map(Value::text))),
                    ("Number__c", or_null(m.number.map(|n| Value::Num(Decimal::new(n, 2))))),
                    ("Flag__c", Value::Bool(m.flag)),
                    ("Day__c", or_null(m.day.map(|d| day(&day_text(d))))),
                    ("At__c", or_null(m.moment.map(|minute| Value::DateTime(moment_ms(minute))))),
                ],
            )
        })
        .collect();
    (org, ids)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_evaluator_agrees_with_a_naive_one(
        models in prop::collection::vec(model(), 1..12),
        exprs in prop::collection::vec(expr(), 1..8),
    ) {
        let (org, ids) = stored(&models);
        for expr in &exprs {
            let soql = format!("SELECT Id FROM Thing__c WHERE {}", expr.soql());
            let plan = org.plan(&soql).unwrap();
            let found: Vec<_> = plan.run(&org.store, SCOPE()).map(|row| row.id()).collect();
            let expected: Vec<_> =
                models.iter().zip(&ids).filter(|(m, _)| expr.holds(m)).map(|(_, id)| *id).collect();
            prop_assert_eq!(found, expected, "{}", soql);
        }
    }

    #[test]
    fn order_limit_and_offset_agree_with_sorting_everything(
        models in prop::collection::vec(model(), 0..20),
        descending in any::<bool>(),
        last in any::<bool>(),
        limit in 0_usize..25,
        offset in 0_usize..25,
    ) {
        let (org, ids) = stored(&models);
        let soql = format!(
            "SELECT Id FROM Thing__c ORDER BY Number__c {} NULLS {}, Id LIMIT {limit} OFFSET {offset}",
            if descending { "DESC" } else { "ASC" },
            if last { "LAST" } else { "FIRST" },
        );
        let plan = org.plan(&soql).unwrap();
        let found: Vec<_> = plan.run(&org.store, SCOPE()).map(|row| row.id()).collect();
        let mut expected: Vec<_> = models.iter().map(|m| m.number).zip(ids).collect();
        let key = |n: Option<i64>| match n {
            None => (if last { 1 } else { -1 }, 0),
            Some(n) => (0, if descending { -n } else { n }),
        };
        expected.sort_by_key(|(n, id)| (key(*n), *id));
        let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).skip(offset).take(limit).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn groups_agree_with_counting_by_hand(
        models in prop::collection::vec(model(), 0..20),
        least in 0_i64..4,
    ) {
        let (org, _) = stored(&models);
        let soql = format!(
            "SELECT Day__c d, Flag__c f, COUNT(Id) n, COUNT(Number__c) k, SUM(Number__c) s, MIN(Number__c) a, MAX(Number__c) b, COUNT_DISTINCT(Text__c) t FROM Thing__c GROUP BY Day__c, Flag__c HAVING COUNT(Id) >= {least} ORDER BY COUNT(Id) DESC, Day__c, Flag__c"
        );
        let plan = org.plan(&soql).unwrap();
        let found: Vec<_> = plan.view(&org.store, SCOPE()).groups().iter().map(|group| {
            let number = |name: &str| match &group[name] {
                Json::Null => None,
                n => Some((n.to_string().parse::<f64>().unwrap() * 100.0).round()),
            };
            let count = |name: &str| group[name].as_u64().unwrap();
            let day = group["d"].as_str().map(str::to_owned);
            (day, group["f"].as_bool().unwrap(), [count("n"), count("k"), count("t")], ["s", "a", "b"].map(number))
        }).collect();

        let mut keys: Vec<_> = models.iter().map(|m| (m.day, m.flag)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut expected = Vec::new();
        for (day, flag) in keys {
            let members: Vec<_> = models.iter().filter(|m| (m.day, m.flag) == (day, flag)).collect();
            let numbers: Vec<i64> = members.iter().filter_map(|m| m.number).collect();
            let mut texts: Vec<_> = members.iter().filter_map(|m| m.text.as_ref()).map(|t| t.to_lowercase()).collect();
            texts.sort_unstable();
            texts.dedup();
            let exact = |n: Option<i64>| n.map(|n| f64::from(i32::try_from(n).unwrap()));
            let sum = (!numbers.is_empty()).then(|| numbers.iter().sum::<i64>());
            let counts = [members.len(), numbers.len(), texts.len()].map(|n| n as u64);
            let values = [sum, numbers.iter().min().copied(), numbers.iter().max().copied()].map(exact);
            expected.push((day.map(day_text), flag, counts, values));
        }
        expected.retain(|(_, _, [n, ..], _)| *n >= least.unsigned_abs());
        expected.sort_by_key(|(day, flag, [n, ..], _)| (std::cmp::Reverse(*n), day.clone(), *flag));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn joins_and_children_agree_with_looking_at_every_pair(
        parents in prop::collection::vec(any::<bool>(), 0..6),
        children in prop::collection::vec((prop::option::of(0_usize..6), 0_u8..3), 0..12),
        wanted in 0_u8..3,
        most in 0_usize..4,
    ) {
        let mut org = Org::new();
        let ids: Vec<_> = parents.iter().map(|_| org.add("Account", &[("Name", Value::text("p"))])).collect();
        for (at, (parent, kind)) in children.iter().enumerate() {
            let parent = parent.and_then(|p| ids.get(p)).map_or(Value::Null, |id| Value::Id(*id));
            let name = format!("{at:02}");
            org.add("Thing__c", &[("Name", Value::text(name)), ("Count__c", Value::Int((*kind).into())), ("Account__c", parent)]);
        }
        let of = |parent: usize| children.iter().enumerate().filter(move |(_, (p, kind))| *p == Some(parent) && *kind == wanted);
        for not in [false, true] {
            let soql = format!(
                "SELECT Id FROM Account WHERE Id {} (SELECT Account__c FROM Thing__c WHERE Count__c = {wanted})",
                if not { "NOT IN" } else { "IN" }
            );
            let plan = org.plan(&soql).unwrap();
            let found: Vec<_> = plan.run(&org.store, SCOPE()).map(|row| row.id()).collect();
            let expected: Vec<_> = (0..ids.len()).filter(|p| (of(*p).count() > 0) != not).map(|p| ids[p]).collect();
            prop_assert_eq!(found, expected);
        }
        let soql = format!(
            "SELECT Id, (SELECT Name FROM AccountThings__r WHERE Count__c = {wanted} ORDER BY Name DESC LIMIT {most}) FROM Account"
        );
        for (at, record) in org.records(&soql).iter().enumerate() {
            let list = &record["AccountThings__r"];
            let found: Vec<_> = list["records"].as_array().into_iter().flatten().map(|r| r["Name"].as_str().unwrap().to_owned()).collect();
            let mut expected: Vec<_> = of(at).map(|(n, _)| format!("{n:02}")).collect();
            expected.reverse();
            expected.truncate(most);
            prop_assert_eq!(list.is_null(), expected.is_empty());
            prop_assert_eq!(found, expected);
        }
    }
}
