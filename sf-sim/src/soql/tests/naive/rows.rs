//! Rows: filtered, ordered, cut and shown, with what stands in their parents.

use std::cmp::Ordering;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::*;
use super::calendar::{moment_text, text as day_text};
use super::condition::{Cond, condition};
use super::world::{Built, OWN, V, Who, World, lower, world};

/// How two values of one field are ordered; both are there.
pub(super) fn in_order(a: &V, b: &V) -> Ordering {
    match (a, b) {
        (V::Text(a), V::Text(b)) => lower(a).cmp(&lower(b)),
        (V::Exact(a), V::Exact(b)) => a.cmp(b),
        (V::Listed(a, _), V::Listed(b, _)) => a.cmp(b),
        (
            V::Number(a) | V::Whole(a) | V::Day(a) | V::Moment(a),
            V::Number(b) | V::Whole(b) | V::Day(b) | V::Moment(b),
        ) => a.cmp(b),
        (V::Flag(a), V::Flag(b)) => a.cmp(b),
        (V::Row(a), V::Row(b)) => a.cmp(b),
        other => panic!("{other:?}"),
    }
}

/// `key DESC NULLS LAST`.
pub(super) fn order_of(key: &str, descending: bool, nulls_last: Option<bool>) -> String {
    let direction = if descending { " DESC" } else { "" };
    let nulls = match nulls_last {
        None => "",
        Some(true) => " NULLS LAST",
        Some(false) => " NULLS FIRST",
    };
    format!("{key}{direction}{nulls}")
}

/// A semi-join or an anti-join on things; `.1` is the object of the subquery.
#[derive(Clone, Copy, Debug)]
struct Join {
    left: &'static str,
    object: &'static str,
    right: &'static str,
    /// A name that the rows of the subquery have to reach.
    least: Option<&'static str>,
    not: bool,
}

const JOINS: [(&str, &str, &str); 5] = [
    ("Account__c", "Account", "Id"),
    ("Account__c", "Contact", "AccountId"),
    ("WhatId", "Contact", "Id"),
    ("WhatId", "Account", "Id"),
    ("Parent__r.Account__c", "Contact", "AccountId"),
];

impl Join {
    fn soql(self) -> String {
        let filter = self.least.map_or(String::new(), |least| format!(" WHERE Name >= '{least}'"));
        let word = if self.not { "NOT IN" } else { "IN" };
        format!("{} {word} (SELECT {} FROM {}{filter})", self.left, self.right, self.object)
    }

    fn holds(self, world: &World, row: Who) -> bool {
        let wanted = world.get(row, self.left);
        let others: Vec<Who> = if self.object == "Account" {
            (0..world.accounts.len()).map(Who::Account).collect()
        } else {
            (0..world.contacts.len()).map(Who::Contact).collect()
        };
        let mut found = false;
        for other in others {
            let V::Text(name) = world.get(other, "Name") else { panic!() };
            let far_enough = self.least.is_none_or(|least| lower(&name) >= lower(least));
            if far_enough && wanted != V::None && world.get(other, self.right) == wanted {
                found = true;
            }
        }
        found != self.not
    }
}

const SHOWN: [&str; 6] = [
    "Parent__c",
    "Parent__r.Text__c",
    "Parent__r.Account__r.Rating",
    "Account__r.Name",
    "Parent__r.Parent__r.Number__c",
    "Parent__r.Flag__c",
];

const ORDERS: [&str; 5] =
    ["Account__r.Rating", "Account__r.Name", "Parent__r.Number__c", "Parent__r.Flag__c", "Parent__c"];

#[derive(Clone, Debug)]
struct Asked {
    shown: Vec<&'static str>,
    type_of: bool,
    condition: Option<Cond>,
    joins: Vec<Join>,
    order: Vec<(&'static str, bool, Option<bool>)>,
    limit: Option<usize>,
    offset: Option<usize>,
}

const TYPE_OF: &str =
    "TYPEOF What WHEN Account THEN Rating, Name WHEN Contact THEN LastName, Account.Rating END";

impl Asked {
    fn soql(&self, items: &[String], from: &str, world: &World, built: &Built) -> String {
        let mut soql = format!("SELECT {} FROM {from}", items.join(", "));
        let mut parts: Vec<_> =
            self.condition.iter().map(|c| format!("({})", c.soql(world, built))).collect();
        parts.extend(self.joins.iter().map(|join| join.soql()));
        if !parts.is_empty() {
            soql += &format!(" WHERE {}", parts.join(" AND "));
        }
        let order: Vec<_> = self.order.iter().map(|(key, desc, last)| order_of(key, *desc, *last)).collect();
        if !order.is_empty() {
            soql += &format!(" ORDER BY {}", order.join(", "));
        }
        soql += &self.limit.map_or(String::new(), |n| format!(" LIMIT {n}"));
        soql += &self.offset.map_or(String::new(), |n| format!(" OFFSET {n}"));
        soql
    }

    fn items(&self) -> Vec<String> {
        let mut items = vec!["Id".to_owned()];
        items.extend(self.shown.iter().map(|path| (*path).to_owned()));
        items.extend(self.type_of.then(|| TYPE_OF.to_owned()));
        items
    }

    /// The things that are found, in their order.
    fn expected(&self, world: &World, of: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut found = Vec::new();
        for at in 0..world.things.len() {
            let row = Who::Thing(at);
            let meets = self.condition.as_ref().is_none_or(|c| c.holds(world, row));
            if of(at) && meets && self.joins.iter().all(|join| join.holds(world, row)) {
                found.push(at);
            }
        }
        // Rows that are alike stay in the order of their ids.
        found.sort_by(|a, b| {
            for (key, descending, last) in &self.order {
                let (a, b) = (world.get(Who::Thing(*a), key), world.get(Who::Thing(*b), key));
                let order = match (&a, &b) {
                    (V::None, V::None) => Ordering::Equal,
                    (V::None, _) if *last == Some(true) => Ordering::Greater,
                    (V::None, _) => Ordering::Less,
                    (_, V::None) if *last == Some(true) => Ordering::Less,
                    (_, V::None) => Ordering::Greater,
                    _ if *descending => in_order(&b, &a),
                    _ => in_order(&a, &b),
                };
                if order != Ordering::Equal {
                    return order;
                }
            }
            Ordering::Equal
        });
        found.into_iter().skip(self.offset.unwrap_or(0)).take(self.limit.unwrap_or(usize::MAX)).collect()
    }
}

/// A value as the REST API shows it; a number as a number.
fn shown(value: V, built: &Built) -> Json {
    match value {
        V::None => Json::Null,
        V::Text(text) | V::Exact(text) | V::Listed(_, text) => text.into(),
        V::Number(n) => (n as f64 / 100.0).into(),
        V::Whole(n) => n.into(),
        V::Flag(flag) => flag.into(),
        V::Day(day) => day_text(day).into(),
        V::Moment(ms) => moment_text(ms, 0).replace("+00:00", "+0000").into(),
        V::Row(who) => built.id(who).text18().into(),
    }
}

/// What stands at a path of a record; null behind a parent that is not there.
fn at_path<'j>(record: &'j Json, path: &str) -> &'j Json {
    let mut found = record;
    for name in path.split('.') {
        assert!(found.is_null() || found.get(name).is_some(), "{path} {record}");
        found = found.get(name).unwrap_or(&Json::Null);
    }
    found
}

/// A number however many digits it is written with.
fn plain(json: &Json) -> Json {
    match json {
        Json::Number(n) if n.to_string().contains('.') => n.to_string().parse::<f64>().unwrap().into(),
        other => other.clone(),
    }
}

/// What a TYPEOF shows of a thing.
fn type_of(world: &World, at: usize, built: &Built) -> Json {
    let rating = |account: Option<Who>| match account {
        Some(account) => shown(world.get(account, "Rating"), built),
        None => Json::Null,
    };
    match world.things[at].what {
        None => Json::Null,
        Some(Who::Contact(contact)) => {
            let name = world.contacts[contact].name.clone();
            let account = world.contacts[contact].account.map(Who::Account);
            let above = if account.is_some() { json!({ "Rating": rating(account) }) } else { Json::Null };
            json!({ "LastName": name, "Account": above })
        }
        Some(account) => {
            json!({ "Rating": rating(Some(account)), "Name": shown(world.get(account, "Name"), built) })
        }
    }
}

/// Without the attributes of records.
fn bare(json: &Json) -> Json {
    match json {
        Json::Object(map) => map
            .iter()
            .filter(|(key, _)| *key != "attributes")
            .map(|(key, value)| (key.clone(), bare(value)))
            .collect(),
        other => other.clone(),
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    let join = (
        prop::sample::select(JOINS.to_vec()),
        prop::option::of(prop::sample::select(vec!["a", "B", "ä"])),
        any::<bool>(),
    )
        .prop_map(|((left, object, right), least, not)| Join { left, object, right, least, not });
    let key = (
        prop::sample::select([&OWN[..], &ORDERS[..]].concat()),
        any::<bool>(),
        prop::option::of(any::<bool>()),
    );
    let lists = (
        prop::sample::subsequence([&OWN[..], &SHOWN[..]].concat(), 0..6).prop_shuffle(),
        any::<bool>(),
        prop::collection::vec(join, 0..3),
        prop::collection::vec(key, 0..4),
    );
    let cut = (prop::option::weighted(0.3, 0..9_usize), prop::option::weighted(0.3, 0..9_usize));
    (lists, prop::option::weighted(0.9, condition()), cut).prop_map(
        |((shown, type_of, mut joins, order), condition, (limit, offset))| {
            // Most statements have none, so that some rows are found.
            joins.truncate(if type_of { 2 } else { 0 });
            Asked { shown, type_of, condition, joins, order, limit, offset }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn rows_agree_with_looking_at_each(world in world(0..14), all in prop::collection::vec(asked(), 1..9)) {
        let built = Built::of(&world);
        for asked in &all {
            let soql = asked.soql(&asked.items(), "Thing__c", &world, &built);
            let plan = built.org.plan(&soql).unwrap_or_else(|e| panic!("{soql}: {e}"));
            let view = plan.view(&built.org.store, built.scope);
            let rows: Vec<_> = plan.run(&built.org.store, built.scope).cloned().collect();
            let found: Vec<_> = rows.iter().map(|row| row.id()).collect();
            let expected = asked.expected(&world, |_| true);
            let ids: Vec<_> = expected.iter().map(|at| built.things[*at]).collect();
            prop_assert_eq!(found, ids, "{}", soql);
            for (row, at) in rows.iter().zip(&expected) {
                let record = view.record(row, "/s", &[], &mut Together);
                for path in &asked.shown {
                    let wanted = shown(world.get(Who::Thing(*at), path), &built);
                    prop_assert_eq!(plain(at_path(&record, path)), wanted, "{} {}\n{}", path, soql, record);
                }
                if asked.type_of {
                    prop_assert_eq!(bare(&record["What"]), type_of(&world, *at, &built), "{}\n{}", soql, record);
                }
            }
        }
    }

    #[test]
    fn children_agree_with_looking_at_every_pair(
        world in world(0..14),
        mut inner in asked(),
        below in asked(),
    ) {
        let built = Built::of(&world);
        inner.offset = None;
        let lowest = Asked { offset: None, ..below };
        let mut items = inner.items();
        items.push(format!("({})", lowest.soql(&["Id".to_owned()], "Things__r", &world, &built)));
        let list = inner.soql(&items, "AccountThings__r", &world, &built);
        let soql = format!("SELECT Id, ({list}) FROM Account ORDER BY Id");
        let records = built.org.plan(&soql).map(|plan| {
            let view = plan.view(&built.org.store, built.scope);
            let rows: Vec<_> = plan.run(&built.org.store, built.scope).cloned().collect();
            let related = view.related(&rows);
            rows.iter().map(|row| view.record(row, "/s", &related, &mut Together)).collect::<Vec<_>>()
        });
        let records = records.unwrap_or_else(|e| panic!("{soql}: {e}"));
        prop_assert_eq!(records.len(), world.accounts.len());
        let check = |list: &Json, expected: &[usize]| {
            let ids: Vec<_> = expected.iter().map(|at| built.things[*at].text18()).collect();
            let rows = list["records"].as_array().cloned().unwrap_or_default();
            let found: Vec<_> = rows.iter().map(|r| r["Id"].as_str().unwrap().to_owned()).collect();
            prop_assert_eq!(list.is_null(), expected.is_empty(), "{}", &soql);
            prop_assert_eq!(found, ids, "{}", &soql);
            prop_assert!(list.is_null() || list["totalSize"] == rows.len() && list["done"] == true);
            Ok(rows)
        };
        for (account, record) in records.iter().enumerate() {
            let children = inner.expected(&world, |at| world.things[at].account == Some(account));
            let rows = check(&record["AccountThings__r"], &children)?;
            for (row, at) in rows.iter().zip(&children) {
                for path in &inner.shown {
                    let wanted = shown(world.get(Who::Thing(*at), path), &built);
                    prop_assert_eq!(plain(at_path(row, path)), wanted, "{} {}", path, &soql);
                }
                let below = lowest.expected(&world, |below| world.things[below].parent == Some(*at));
                check(&row["Things__r"], &below)?;
            }
        }
    }
}
