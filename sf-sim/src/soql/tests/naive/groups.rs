//! Groups, subtotals and aggregates, counted by looking at every row for every group.

use std::cmp::Ordering;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::calendar::{moment_text, part, text as day_text};
use super::condition::{Cond, compare, condition, day_of};
use super::rows::{in_order, order_of};
use super::world::{Built, V, Who, World, world};

/// What is asked for beside the keys.
const AGGREGATES: [(&str, &str); 17] = [
    ("COUNT", "Id"),
    ("COUNT", "Number__c"),
    ("COUNT", "Text__c"),
    ("COUNT_DISTINCT", "Text__c"),
    ("COUNT_DISTINCT", "Code__c"),
    ("COUNT_DISTINCT", "Day__c"),
    ("COUNT_DISTINCT", "Number__c"),
    ("SUM", "Number__c"),
    ("SUM", "Count__c"),
    ("AVG", "Number__c"),
    ("AVG", "Count__c"),
    ("AVG", "Parent__r.Number__c"),
    ("MIN", "Number__c"),
    ("MAX", "At__c"),
    ("MIN", "Day__c"),
    ("MAX", "Text__c"),
    ("MIN", "Account__r.Rating"),
];

const KEYS: [&str; 11] = [
    "Flag__c",
    "Text__c",
    "Code__c",
    "Day__c",
    "Count__c",
    "Account__r.Rating",
    "Parent__r.Flag__c",
    "CALENDAR_MONTH(At__c)",
    "DAY_IN_WEEK(Day__c)",
    "HOUR_IN_DAY(convertTimezone(At__c))",
    "DAY_ONLY(convertTimezone(At__c))",
];

#[derive(Clone, Debug)]
struct Asked {
    keys: Vec<&'static str>,
    /// Plain, `ROLLUP` or `CUBE`.
    kind: usize,
    condition: Option<Cond>,
    /// `HAVING`: an aggregate compared with hundredths, and whether NOT stands before it.
    having: Option<(usize, &'static str, i64, bool)>,
    /// Keys by their place, behind them aggregates; whether descending, and whether nulls come last.
    order: Vec<(usize, bool, Option<bool>)>,
    limit: Option<usize>,
    offset: Option<usize>,
}

const KINDS: [&str; 3] = ["", "ROLLUP", "CUBE"];

fn aggregate_text(at: usize) -> String {
    format!("{}({})", AGGREGATES[at].0, AGGREGATES[at].1)
}

impl Asked {
    fn soql(&self, world: &World, built: &Built) -> String {
        let mut items = Vec::new();
        for (at, key) in self.keys.iter().enumerate() {
            items.push(format!("{key} k{at}"));
            if self.kind > 0 {
                items.push(format!("GROUPING({key}) g{at}"));
            }
        }
        for at in 0..AGGREGATES.len() {
            items.push(format!("{} a{at}", aggregate_text(at)));
        }
        let mut soql = format!("SELECT {} FROM Thing__c", items.join(", "));
        if let Some(condition) = &self.condition {
            soql += &format!(" WHERE {}", condition.soql(world, built));
        }
        if !self.keys.is_empty() {
            let keys = self.keys.join(", ");
            let kind = KINDS[self.kind];
            soql += &if kind.is_empty() {
                format!(" GROUP BY {keys}")
            } else {
                format!(" GROUP BY {kind}({keys})")
            };
            if let Some((at, op, hundredths, not)) = self.having {
                let wanted =
                    format!("{}{}", if hundredths < 0 { "-" } else { "" }, hundredths.abs() as f64 / 100.0);
                let test = format!("{} {op} {wanted}", aggregate_text(at));
                soql += &if not { format!(" HAVING NOT ({test})") } else { format!(" HAVING {test}") };
            }
            let name = |at: usize| match self.keys.get(at) {
                Some(key) => (*key).to_owned(),
                None => aggregate_text(at - self.keys.len()),
            };
            let order: Vec<_> =
                self.order.iter().map(|(at, desc, last)| order_of(&name(*at), *desc, *last)).collect();
            if !order.is_empty() {
                soql += &format!(" ORDER BY {}", order.join(", "));
            }
            soql += &self.limit.map_or(String::new(), |n| format!(" LIMIT {n}"));
            soql += &self.offset.map_or(String::new(), |n| format!(" OFFSET {n}"));
        }
        soql
    }
}

/// A key of a row.
fn key(world: &World, row: Who, key: &str) -> V {
    let Some((function, of)) = key.split_once('(') else { return world.get(row, key) };
    match day_of(world, row, of) {
        None => V::None,
        Some((day, _)) if function == "DAY_ONLY" => V::Day(day),
        Some((day, hour)) => V::Whole(part(function, day, hour)),
    }
}

fn same(a: &V, b: &V) -> bool {
    match (a, b) {
        (V::None, V::None) => true,
        (V::None, _) | (_, V::None) => false,
        (a, b) => in_order(a, b) == Ordering::Equal,
    }
}

/// What is shown of a group.
#[derive(Clone, Debug)]
struct Group {
    /// None is a subtotal over the key.
    keys: Vec<Option<V>>,
    values: Vec<Shown>,
}

/// A value, or a mean as a sum in hundredths and a count.
#[derive(Clone, Debug)]
enum Shown {
    Plain(V),
    Mean(i64, i64),
}

fn aggregate(world: &World, members: &[Who], function: &str, path: &str) -> Shown {
    let mut there = Vec::new();
    for member in members {
        let value = world.get(*member, path);
        if value != V::None {
            there.push(value);
        }
    }
    let count = i64::try_from(there.len()).unwrap();
    let mut sum = 0;
    let mut whole = true;
    for value in &there {
        match value {
            V::Number(n) => {
                whole = false;
                sum += n;
            }
            V::Whole(n) => sum += n * 100,
            _ => {}
        }
    }
    let best = |wanted: Ordering| {
        let mut best: Option<&V> = None;
        for value in &there {
            if best.is_none_or(|best| in_order(value, best) == wanted) {
                best = Some(value);
            }
        }
        best.cloned().unwrap_or(V::None)
    };
    Shown::Plain(match function {
        "COUNT" => V::Whole(count),
        "COUNT_DISTINCT" => {
            let mut seen: Vec<&V> = Vec::new();
            for value in &there {
                if !seen.iter().any(|known| same(known, value)) {
                    seen.push(value);
                }
            }
            V::Whole(i64::try_from(seen.len()).unwrap())
        }
        "SUM" | "AVG" if count == 0 => V::None,
        "SUM" if whole => V::Whole(sum / 100),
        "SUM" => V::Number(sum),
        "AVG" => return Shown::Mean(sum, count),
        "MIN" => best(Ordering::Less),
        "MAX" => best(Ordering::Greater),
        other => panic!("{other}"),
    })
}

/// How values of groups are ordered among each other; a mean by its value.
fn shown_order(a: &Shown, b: &Shown) -> Ordering {
    match (a, b) {
        (Shown::Mean(s, n), Shown::Mean(t, m)) => (s * m).cmp(&(t * n)),
        (Shown::Plain(a), Shown::Plain(b)) => in_order(a, b),
        other => panic!("{other:?}"),
    }
}

fn expected(world: &World, asked: &Asked) -> Vec<Group> {
    let mut rows = Vec::new();
    for at in 0..world.things.len() {
        let row = Who::Thing(at);
        if asked.condition.as_ref().is_none_or(|c| c.holds(world, row)) {
            rows.push(row);
        }
    }
    let n = asked.keys.len();
    let mut kept: Vec<Vec<bool>> = vec![vec![true; n]];
    match asked.kind {
        1 => (0..n).rev().for_each(|first| kept.push((0..n).map(|at| at < first).collect())),
        2 => (1..1_u32 << n).for_each(|left| kept.push((0..n).map(|at| left & (1 << at) == 0).collect())),
        _ => {}
    }
    let mut groups: Vec<Group> = Vec::new();
    for kept in kept {
        // Every combination of keys that some row has, once.
        let mut heads: Vec<Vec<V>> = Vec::new();
        for row in &rows {
            let head: Vec<V> = asked.keys.iter().map(|k| key(world, *row, k)).collect();
            let is = |known: &Vec<V>| (0..n).all(|at| !kept[at] || same(&known[at], &head[at]));
            if !heads.iter().any(is) {
                heads.push(head);
            }
        }
        if n == 0 {
            heads = vec![Vec::new()];
        }
        for head in heads {
            let mut members = Vec::new();
            for row in &rows {
                if (0..n).all(|at| !kept[at] || same(&key(world, *row, asked.keys[at]), &head[at])) {
                    members.push(*row);
                }
            }
            let keys = (0..n).map(|at| kept[at].then(|| head[at].clone())).collect();
            let values = AGGREGATES.map(|(function, path)| aggregate(world, &members, function, path));
            groups.push(Group { keys, values: values.to_vec() });
        }
    }
    if n == 0 {
        return groups;
    }
    if let Some((at, op, wanted, not)) = asked.having {
        groups.retain(|group| {
            let holds = match &group.values[at] {
                // A mean is compared by cross-multiplying.
                Shown::Mean(sum, count) => compare(op, Some(*sum), Some(wanted * count)),
                Shown::Plain(V::Whole(n)) => compare(op, Some(n * 100), Some(wanted)),
                Shown::Plain(V::Number(n)) => compare(op, Some(*n), Some(wanted)),
                _ => compare(op, None, Some(wanted)),
            };
            holds != not
        });
    }
    // By the keys: no value first, subtotals last.
    groups.sort_by(|a, b| {
        for (a, b) in a.keys.iter().zip(&b.keys) {
            let rank = |key: &Option<V>| match key {
                Some(V::None) => 0,
                Some(_) => 1,
                None => 2,
            };
            let order = match (a, b) {
                (Some(a), Some(b)) if *a != V::None && *b != V::None => in_order(a, b),
                _ => rank(a).cmp(&rank(b)),
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    });
    groups.sort_by(|a, b| {
        for (at, descending, last) in &asked.order {
            let value = |group: &Group| match group.keys.get(*at) {
                Some(key) => Shown::Plain(key.clone().unwrap_or(V::None)),
                None => group.values[at - n].clone(),
            };
            let (a, b) = (value(a), value(b));
            let is_none = |value: &Shown| matches!(value, Shown::Plain(V::None));
            let order = match (is_none(&a), is_none(&b)) {
                (true, true) => Ordering::Equal,
                (true, false) if *last == Some(true) => Ordering::Greater,
                (true, false) => Ordering::Less,
                (false, true) if *last == Some(true) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) if *descending => shown_order(&b, &a),
                (false, false) => shown_order(&a, &b),
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    });
    let skipped = groups.into_iter().skip(asked.offset.unwrap_or(0));
    skipped.take(asked.limit.unwrap_or(usize::MAX)).collect()
}

/// Whether the org shows this value so.
fn shows(json: &Json, value: &Shown) -> bool {
    let near = |wanted: f64| {
        json.as_number().is_some_and(|n| {
            let found: f64 = n.to_string().parse().unwrap();
            (found - wanted).abs() <= wanted.abs() * 1e-13
        })
    };
    match value {
        Shown::Mean(sum, count) => near(*sum as f64 / 100.0 / *count as f64),
        Shown::Plain(V::None) => json.is_null(),
        Shown::Plain(V::Text(text) | V::Exact(text) | V::Listed(_, text)) => json == text,
        Shown::Plain(V::Number(n)) => near(*n as f64 / 100.0),
        Shown::Plain(V::Whole(n)) => json.as_i64() == Some(*n),
        Shown::Plain(V::Flag(flag)) => json == flag,
        Shown::Plain(V::Day(day)) => *json == day_text(*day),
        Shown::Plain(V::Moment(ms)) => *json == moment_text(*ms, 0).replace("+00:00", "+0000"),
        Shown::Plain(V::Row(_)) => false,
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    let keys = prop::sample::subsequence(KEYS.to_vec(), 0..=3).prop_shuffle();
    // Those that are numbers.
    let having = (
        prop::sample::select(vec![0_usize, 1, 3, 4, 7, 8, 9, 10, 11, 12]),
        prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="]),
        prop_oneof![(-3_i64..6).prop_map(|n| n * 100), -400_i64..400],
        any::<bool>(),
    );
    keys.prop_flat_map(move |keys| {
        let count = keys.len() + AGGREGATES.len();
        let order = prop::collection::vec((0..count, any::<bool>(), prop::option::of(any::<bool>())), 0..3);
        let cut = (prop::option::weighted(0.3, 0..9_usize), prop::option::weighted(0.2, 0..4_usize));
        let clauses = (prop::option::of(condition()), prop::option::of(having.clone()));
        (Just(keys), 0..3_usize, clauses, order, cut).prop_map(
            |(keys, kind, (condition, having), order, (limit, offset))| {
                let kind = if keys.is_empty() { 0 } else { kind };
                Asked { keys, kind, condition, having, order, limit, offset }
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn groups_agree_with_looking_at_every_row_for_every_group(
        world in world(0..14),
        all in prop::collection::vec(asked(), 1..5),
    ) {
        let built = Built::of(&world);
        for asked in &all {
            let soql = asked.soql(&world, &built);
            let plan = built.org.plan(&soql).unwrap_or_else(|e| panic!("{soql}: {e}"));
            let found = plan.view(&built.org.store, built.scope).groups();
            let expected = expected(&world, asked);
            prop_assert_eq!(found.len(), expected.len(), "{}\n{:#?}\n{:#?}", soql, found, expected);
            for (found, group) in found.iter().zip(&expected) {
                for (at, key) in group.keys.iter().enumerate() {
                    let shown = Shown::Plain(key.clone().unwrap_or(V::None));
                    prop_assert!(shows(&found[format!("k{at}")], &shown), "{}\n{:?}\n{}", soql, group, found);
                    if asked.kind > 0 {
                        prop_assert_eq!(found[format!("g{at}")].as_i64(), Some(i64::from(key.is_none())), "{}", soql);
                    }
                }
                for (at, value) in group.values.iter().enumerate() {
                    prop_assert!(shows(&found[format!("a{at}")], value), "{}\n{:?}\n{}", soql, group, found);
                }
            }
        }
    }
}
