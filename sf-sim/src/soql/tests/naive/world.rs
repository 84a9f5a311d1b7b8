//! Random rows of three objects, and what stands in them.

use proptest::prelude::*;

use super::super::*;
use super::calendar::{Day, LITERALS, ZONES, date, day, literal as literal_days, moment};

/// A value as the naive evaluator knows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum V {
    None,
    Text(String),
    /// Compared as it is written.
    Exact(String),
    /// A picklist's, with its place in the list.
    Listed(usize, String),
    /// In hundredths.
    Number(i64),
    Whole(i64),
    Flag(bool),
    Day(Day),
    Moment(i64),
    Row(Who),
}

/// A row: its object and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Account(usize),
    Contact(usize),
    Thing(usize),
}

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) rating: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Contact {
    pub(super) name: String,
    pub(super) account: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Thing {
    pub(super) text: Option<String>,
    pub(super) code: Option<String>,
    pub(super) number: Option<i64>,
    pub(super) count: Option<i64>,
    pub(super) flag: bool,
    pub(super) day: Option<Day>,
    pub(super) at: Option<i64>,
    pub(super) colours: Vec<&'static str>,
    pub(super) parent: Option<usize>,
    pub(super) account: Option<usize>,
    pub(super) what: Option<Who>,
}

/// Rows, the time, and the time zone of who asks.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) accounts: Vec<Account>,
    pub(super) contacts: Vec<Contact>,
    pub(super) things: Vec<Thing>,
    pub(super) now: i64,
    pub(super) zone: usize,
}

/// The picklist of `Account.Rating`, which is not in the order of its letters; the last value is not in it.
pub(super) const RATINGS: [&str; 4] = ["Hot", "Warm", "Cold", "Aglow"];
/// The fields of a thing that are shown and ordered as they are.
pub(super) const OWN: [&str; 8] =
    ["Name", "Text__c", "Code__c", "Number__c", "Count__c", "Flag__c", "Day__c", "At__c"];
pub(super) const COLOURS: [&str; 3] = ["red", "green", "blue"];

impl World {
    /// Today, where who asks is.
    pub(super) fn today(&self) -> Day {
        ZONES[self.zone].local(self.now).0
    }

    /// What a path leads to from a row.
    pub(super) fn get(&self, row: Who, path: &str) -> V {
        if let Some((first, rest)) = path.split_once('.') {
            let parent = match (row, first) {
                (Who::Thing(at), "Parent__r") => self.things[at].parent.map(Who::Thing),
                (Who::Thing(at), "Account__r") => self.things[at].account.map(Who::Account),
                (Who::Thing(at), "What") => self.things[at].what,
                (Who::Contact(at), "Account") => self.contacts[at].account.map(Who::Account),
                other => panic!("{other:?}"),
            };
            return match parent {
                Some(Who::Account(_)) if rest == "Type" => V::Text("Account".to_owned()),
                Some(Who::Contact(_)) if rest == "Type" => V::Text("Contact".to_owned()),
                Some(parent) => self.get(parent, rest),
                None => V::None,
            };
        }
        if path == "Id" {
            return V::Row(row);
        }
        match row {
            Who::Account(at) => self.account(at, path),
            Who::Contact(at) => match path {
                "Name" | "LastName" => V::Text(self.contacts[at].name.clone()),
                "AccountId" => self.contacts[at].account.map_or(V::None, |a| V::Row(Who::Account(a))),
                other => panic!("{other}"),
            },
            Who::Thing(at) => self.thing(at, path),
        }
    }

    fn account(&self, at: usize, path: &str) -> V {
        let account = &self.accounts[at];
        match path {
            "Name" => V::Text(account.name.clone()),
            "Rating" => account.rating.map_or(V::None, |at| V::Listed(at, RATINGS[at].to_owned())),
            other => panic!("{other}"),
        }
    }

    fn thing(&self, at: usize, path: &str) -> V {
        let thing = &self.things[at];
        match path {
            "Name" => V::Text(format!("t{at:02}")),
            "Text__c" => thing.text.clone().map_or(V::None, V::Text),
            "Code__c" => thing.code.clone().map_or(V::None, V::Exact),
            "Number__c" => thing.number.map_or(V::None, V::Number),
            "Count__c" => thing.count.map_or(V::None, V::Whole),
            "Flag__c" => V::Flag(thing.flag),
            "Day__c" => thing.day.map_or(V::None, V::Day),
            "At__c" => thing.at.map_or(V::None, V::Moment),
            "Colours__c" if thing.colours.is_empty() => V::None,
            "Colours__c" => V::Text(thing.colours.join(";")),
            "Parent__c" => thing.parent.map_or(V::None, |at| V::Row(Who::Thing(at))),
            "Account__c" => thing.account.map_or(V::None, |at| V::Row(Who::Account(at))),
            "WhatId" => thing.what.map_or(V::None, V::Row),
            other => panic!("{other}"),
        }
    }
}

/// Lower case, for the letters that the rows are made of.
pub(super) fn lower(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        out.push(match c {
            'A' => 'a',
            'B' => 'b',
            'Ä' => 'ä',
            'H' => 'h',
            'W' => 'w',
            'C' => 'c',
            'O' => 'o',
            'L' => 'l',
            'D' => 'd',
            other => other,
        });
    }
    out
}

/// The world's rows in an emulated org.
pub(super) struct Built {
    pub(super) org: Org,
    pub(super) accounts: Vec<RecordId>,
    pub(super) contacts: Vec<RecordId>,
    pub(super) things: Vec<RecordId>,
    pub(super) scope: Scope,
}

impl Built {
    pub(super) fn id(&self, of: Who) -> RecordId {
        match of {
            Who::Account(at) => self.accounts[at],
            Who::Contact(at) => self.contacts[at],
            Who::Thing(at) => self.things[at],
        }
    }

    pub(super) fn of(world: &World) -> Self {
        let mut org = Org::new();
        let mut account = ObjectDef::clone(org.store.catalog().get("Account").unwrap());
        account.edit_field("Rating", |f| {
            f.picklist = RATINGS[..3].iter().map(|value| crate::schema::PicklistValue::new(value)).collect();
        });
        org.store.define(account);
        let user = org.store.running_user();
        let zone = vec![("TimeZoneSidKey".to_owned(), Value::text(ZONES[world.zone].name))];
        org.store.update("User", user, zone, user).unwrap();
        let scope = Scope { now_ms: world.now, ..SCOPE() };
        let (accounts, contacts, things) = (Vec::new(), Vec::new(), Vec::new());
        let mut built = Self { org, accounts, contacts, things, scope };
        for account in &world.accounts {
            let rating = account.rating.map_or(Value::Null, |at| Value::text(RATINGS[at]));
            let values = [("Name", Value::text(account.name.as_str())), ("Rating", rating)];
            let id = built.org.add("Account", &values);
            built.accounts.push(id);
        }
        for contact in &world.contacts {
            let account = contact.account.map_or(Value::Null, |at| Value::Id(built.accounts[at]));
            let values = [("LastName", Value::text(contact.name.as_str())), ("AccountId", account)];
            let id = built.org.add("Contact", &values);
            built.contacts.push(id);
        }
        for at in 0..world.things.len() {
            built.add_thing(world, at);
        }
        built
    }

    fn add_thing(&mut self, world: &World, at: usize) {
        let parents = ["Colours__c", "Parent__c", "Account__c", "WhatId"];
        let stored = |value: V| match value {
            V::None => Value::Null,
            V::Text(text) | V::Exact(text) | V::Listed(_, text) => Value::text(text),
            V::Number(hundredths) => Value::Num(Decimal::new(hundredths, 2)),
            V::Whole(n) => Value::Int(n),
            V::Flag(flag) => Value::Bool(flag),
            V::Day(day) => {
                let (year, month, of_month) = date(day);
                let part = |n: i64| u32::try_from(n).unwrap();
                let year = i32::try_from(year).unwrap();
                Value::Date(chrono::NaiveDate::from_ymd_opt(year, part(month), part(of_month)).unwrap())
            }
            V::Moment(ms) => Value::DateTime(ms),
            V::Row(who) => Value::Id(self.id(who)),
        };
        let fields = OWN.iter().copied().chain(parents);
        let values: Vec<_> = fields.map(|field| (field, stored(world.get(Who::Thing(at), field)))).collect();
        let id = self.org.add("Thing__c", &values);
        self.things.push(id);
    }
}

pub(super) fn text() -> impl Strategy<Value = String> {
    "[abABäÄ%_'\\\\]{0,3}|[ab]"
}

fn filled() -> impl Strategy<Value = String> {
    text().prop_filter("an empty text is no value", |t| !t.is_empty())
}

/// Days from today, most of them near.
pub(super) fn days_off() -> impl Strategy<Value = i64> {
    prop_oneof![3 => -3_i64..=3, 2 => -40_i64..40, 2 => -400_i64..400, 1 => -700_i64..700]
}

/// Moments, most of them near the beginning of an hour.
pub(super) fn moment_off() -> impl Strategy<Value = i64> {
    let edge = prop::sample::select(vec![-1_i64, 0, 1, 1_799_999, 1_800_000]);
    (days_off(), -30_i64..30, edge).prop_map(|(days, hours, ms)| (days * 24 + hours) * 3_600_000 + ms)
}

fn nows() -> Vec<i64> {
    vec![
        moment(day(2024, 3, 13), 12, 0),
        // Los Angeles has put its clocks forward three days before, and is still on the day before.
        moment(day(2024, 3, 14), 2, 30),
        // The end of a quarter: in Tokyo already the next.
        moment(day(2024, 3, 31), 20, 0),
        // The hour before and the hour after the clocks are put back.
        moment(day(2024, 11, 3), 8, 59),
        moment(day(2024, 11, 3), 9, 1),
        moment(day(2024, 12, 31), 23, 59),
        moment(day(2025, 1, 1), 0, 0),
    ]
}

/// Days at which date literals begin and end, or the days before: there a wrong one shows.
fn edge(today: Day) -> impl Strategy<Value = Day> {
    let literal = (prop::sample::select(LITERALS.to_vec()), 0_i64..3);
    (literal, any::<bool>(), any::<bool>()).prop_map(move |((name, n), first, before)| {
        let (begins, after) = literal_days(name, n, today);
        (if first { begins } else { after }) - i64::from(before)
    })
}

fn thing(now: i64, zone: usize, at: usize, accounts: usize, contacts: usize) -> BoxedStrategy<Thing> {
    let zone = &ZONES[zone];
    let today = zone.local(now).0;
    let one_of = |count: usize| {
        if count == 0 { Just(None).boxed() } else { prop::option::weighted(0.7, 0..count).boxed() }
    };
    let what = prop_oneof![
        one_of(accounts).prop_map(|a| a.map(Who::Account)),
        one_of(contacts).prop_map(|c| c.map(Who::Contact)),
    ];
    let texts = (prop::option::weighted(0.8, filled()), prop::option::weighted(0.7, "[abAB]{1,2}"));
    let number = prop_oneof![-9_i64..=9, -300_i64..300, Just(99_999_999_i64)];
    let numbers =
        (prop::option::weighted(0.8, number), prop::option::weighted(0.8, -2_i64..4), any::<bool>());
    let day = prop_oneof![days_off().prop_map(move |off| today + off), edge(today)];
    let midnight = (edge(today), -1_i64..=1).prop_map(|(day, ms)| zone.midnight(day) + ms);
    let moment = prop_oneof![moment_off().prop_map(move |off| now + off), midnight];
    let times = (prop::option::weighted(0.8, day), prop::option::weighted(0.8, moment));
    let colours = prop::sample::subsequence(COLOURS.to_vec(), 0..=3).prop_shuffle();
    let parents = (one_of(at), one_of(accounts), what);
    (texts, numbers, times, colours, parents)
        .prop_map(move |((text, code), (number, count, flag), (day, at), colours, parents)| {
            let (parent, account, what) = parents;
            Thing { text, code, number, count, flag, day, at, colours, parent, account, what }
        })
        .boxed()
}

pub(super) fn world(things: std::ops::Range<usize>) -> impl Strategy<Value = World> {
    let account = (filled(), prop::option::weighted(0.8, 0..4_usize))
        .prop_map(|(name, rating)| Account { name, rating });
    let accounts = prop::collection::vec(account, 0..5);
    let sizes = (0..5_usize, things, prop::sample::select(nows()), 0..ZONES.len());
    (accounts, sizes).prop_flat_map(|(accounts, (contacts, things, now, zone))| {
        let count = accounts.len();
        let account = if count == 0 { Just(None).boxed() } else { prop::option::of(0..count).boxed() };
        let contact = (filled(), account).prop_map(|(name, account)| Contact { name, account });
        let contacts_of = prop::collection::vec(contact, contacts);
        let things: Vec<_> = (0..things).map(|at| thing(now, zone, at, count, contacts)).collect();
        (Just(accounts), contacts_of, things).prop_map(move |(accounts, contacts, things)| World {
            accounts,
            contacts,
            things,
            now,
            zone,
        })
    })
}
