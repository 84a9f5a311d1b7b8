//! Random conditions: as SOQL, and as whether a row meets them.

use proptest::prelude::*;

use super::calendar::{LITERALS, ZONES, literal, moment_text, part, text as day_text};
use super::world::{Built, COLOURS, V, Who, World, days_off, lower, moment_off, text};

/// What a day or a moment is held against.
#[derive(Clone, Debug)]
pub(super) enum When {
    Never,
    /// Days from today, or milliseconds from now; and the offset that a moment is written with.
    Fixed(i64, i64),
    Literal(&'static str, i64),
}

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Run,
    One,
    Letter(char),
}

type Op = &'static str;
type Path = &'static str;

#[derive(Clone, Debug)]
pub(super) enum Cond {
    And(Vec<Cond>),
    Or(Vec<Cond>),
    Not(Box<Cond>),
    Text(Path, Op, Option<String>),
    TextIn(Path, bool, Vec<Option<String>>),
    Like(Path, Vec<Piece>),
    /// In hundredths.
    Number(Path, Op, Option<i64>),
    NumberIn(Path, bool, Vec<Option<i64>>),
    Flag(Path, Op, bool),
    /// A date, or what `DAY_ONLY` makes of a moment; in the time zone of who asks where the flag is set.
    Day(&'static str, Op, When),
    DayIn(&'static str, bool, Vec<When>),
    Moment(Path, Op, When),
    /// What the function gives for a thing, more or less one.
    Part(&'static str, &'static str, Op, (usize, i64)),
    Colours(bool, Vec<Vec<&'static str>>),
    /// The place of a row of the path's object, where there is one.
    Reference(Path, bool, Vec<Option<usize>>, bool),
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn number(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", hundredths.abs() / 100, hundredths.abs() % 100)
}

fn or_null<T>(value: Option<&T>, write: impl Fn(&T) -> String) -> String {
    value.map_or_else(|| "null".to_owned(), write)
}

fn list(values: impl Iterator<Item = String>) -> String {
    format!("({})", values.collect::<Vec<_>>().join(", "))
}

fn is_in(not: bool) -> &'static str {
    if not { "NOT IN" } else { "IN" }
}

impl When {
    fn soql(&self, world: &World, is_day: bool) -> String {
        match self {
            Self::Never => "null".to_owned(),
            Self::Fixed(off, _) if is_day => day_text(world.today() + off),
            Self::Fixed(off, minutes) => moment_text(world.now + off, *minutes),
            Self::Literal(name, n) if name.contains("N_") && !name.contains("90") => format!("{name}:{n}"),
            Self::Literal(name, _) => (*name).to_owned(),
        }
    }

    /// The first day, and the first that no longer belongs to it.
    fn days(&self, world: &World) -> Option<(i64, i64)> {
        match self {
            Self::Never => None,
            Self::Fixed(off, _) => Some((world.today() + off, world.today() + off + 1)),
            Self::Literal(name, n) => Some(literal(name, *n, world.today())),
        }
    }
}

fn within(op: &str, day: Option<i64>, days: Option<(i64, i64)>) -> bool {
    let (Some(day), Some((first, after))) = (day, days) else {
        return match op {
            "=" => day.is_none() && days.is_none(),
            "!=" => !(day.is_none() && days.is_none()),
            _ => false,
        };
    };
    match op {
        "=" => first <= day && day < after,
        "!=" => day < first || day >= after,
        "<" => day < first,
        "<=" => day < after,
        ">" => day >= after,
        ">=" => day >= first,
        other => panic!("{other}"),
    }
}

pub(super) fn compare<T: PartialOrd>(op: &str, found: Option<T>, wanted: Option<T>) -> bool {
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

/// Whether letters match a pattern: every way of taking a run is tried.
fn like(pattern: &[Piece], letters: &[char], is: &impl Fn(char, char) -> bool) -> bool {
    let Some((first, pattern)) = pattern.split_first() else { return letters.is_empty() };
    match first {
        Piece::Run => (0..=letters.len()).any(|taken| like(pattern, &letters[taken..], is)),
        Piece::One => !letters.is_empty() && like(pattern, &letters[1..], is),
        Piece::Letter(wanted) => {
            !letters.is_empty() && is(letters[0], *wanted) && like(pattern, &letters[1..], is)
        }
    }
}

/// What a date expression gives: the day, and the hour of a moment.
pub(super) fn day_of(world: &World, row: Who, of: &str) -> Option<(i64, i64)> {
    let bare =
        of.trim_start_matches("DAY_ONLY(").trim_start_matches("convertTimezone(").trim_end_matches(')');
    let zone = if of.contains("convertTimezone") { &ZONES[world.zone] } else { &ZONES[0] };
    match world.get(row, bare) {
        V::Day(day) => Some((day, 0)),
        V::Moment(ms) => Some(zone.local(ms)),
        _ => None,
    }
}

/// The object whose ids a reference holds: the third of three can hold two.
fn target(path: &str, at: usize, contact: bool) -> Who {
    match path {
        "Parent__c" | "Id" => Who::Thing(at),
        "WhatId" if contact => Who::Contact(at),
        _ => Who::Account(at),
    }
}

impl Cond {
    pub(super) fn soql(&self, world: &World, built: &Built) -> String {
        let joined = |parts: &[Self], word: &str| {
            let parts: Vec<_> = parts.iter().map(|p| format!("({})", p.soql(world, built))).collect();
            parts.join(word)
        };
        match self {
            Self::And(parts) => joined(parts, " AND "),
            Self::Or(parts) => joined(parts, " or "),
            Self::Not(inner) => format!("NOT ({})", inner.soql(world, built)),
            Self::Text(path, op, text) => format!("{path} {op} {}", or_null(text.as_ref(), |t| quoted(t))),
            Self::TextIn(path, not, texts) => {
                let texts = texts.iter().map(|text| or_null(text.as_ref(), |t| quoted(t)));
                format!("{path} {} {}", is_in(*not), list(texts))
            }
            Self::Like(path, pieces) => {
                let mut pattern = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Run => pattern.push('%'),
                        Piece::One => pattern.push('_'),
                        Piece::Letter(c) => {
                            if matches!(c, '%' | '_' | '\\' | '\'') {
                                pattern.push('\\');
                            }
                            pattern.push(*c);
                        }
                    }
                }
                format!("{path} LIKE '{pattern}'")
            }
            Self::Number(path, op, n) => format!("{path} {op} {}", or_null(n.as_ref(), |n| number(*n))),
            Self::NumberIn(path, not, numbers) => {
                let numbers = numbers.iter().map(|n| or_null(n.as_ref(), |n| number(*n)));
                format!("{path} {} {}", is_in(*not), list(numbers))
            }
            Self::Flag(path, op, flag) => format!("{path} {op} {flag}"),
            Self::Day(of, op, when) => format!("{of} {op} {}", when.soql(world, true)),
            Self::DayIn(of, not, days) => {
                format!("{of} {} {}", is_in(*not), list(days.iter().map(|when| when.soql(world, true))))
            }
            Self::Moment(path, op, when) => format!("{path} {op} {}", when.soql(world, false)),
            Self::Part(function, of, op, near) => {
                format!("{function}({of}) {op} {}", part_near(world, function, of, *near))
            }
            Self::Colours(not, groups) => {
                let word = if *not { "EXCLUDES" } else { "INCLUDES" };
                format!("Colours__c {word} {}", list(groups.iter().map(|group| quoted(&group.join(";")))))
            }
            Self::Reference(path, not, rows, contact) => {
                let ids: Vec<_> = rows
                    .iter()
                    .map(|at| id(world, built, target(path, at.unwrap_or(99), *contact)))
                    .collect();
                let nulls = rows.iter().any(Option::is_none) && *path != "Id";
                let ids = ids.into_iter().flatten().map(|id| format!("'{id}'"));
                let null = nulls.then(|| "null".to_owned());
                let values: Vec<_> = ids.chain(null).collect();
                // An id that is nobody's, where none is left.
                let values = if values.is_empty() { vec!["'001000000000000'".to_owned()] } else { values };
                format!("{path} {} ({})", is_in(*not), values.join(", "))
            }
        }
    }

    pub(super) fn holds(&self, world: &World, row: Who) -> bool {
        let get = |path: &str| world.get(row, path);
        let same =
            |found: &V, wanted: &Option<String>| match (found, wanted.as_ref().filter(|t| !t.is_empty())) {
                (V::None, None) => true,
                (V::Text(found) | V::Listed(_, found), Some(wanted)) => lower(found) == lower(wanted),
                (V::Exact(found), Some(wanted)) => found == wanted,
                _ => false,
            };
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds(world, row)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(world, row)),
            Self::Not(inner) => !inner.holds(world, row),
            Self::Text(path, "=", wanted) => same(&get(path), wanted),
            Self::Text(path, "!=", wanted) => !same(&get(path), wanted),
            Self::Text(path, op, wanted) => match get(path) {
                V::Exact(found) => compare(op, Some(found), wanted.clone()),
                V::Text(found) | V::Listed(_, found) => {
                    compare(op, Some(lower(&found)), wanted.as_ref().map(|text| lower(text)))
                }
                _ => false,
            },
            Self::TextIn(path, not, texts) => texts.iter().any(|wanted| same(&get(path), wanted)) != *not,
            Self::Like(path, pieces) => match get(path) {
                V::Exact(found) => like(pieces, &found.chars().collect::<Vec<_>>(), &|a, b| a == b),
                V::Text(found) | V::Listed(_, found) => {
                    let same = |a: char, b: char| lower(&a.to_string()) == lower(&b.to_string());
                    like(pieces, &found.chars().collect::<Vec<_>>(), &same)
                }
                _ => false,
            },
            Self::Number(path, op, wanted) => compare(op, hundredths(&get(path)), *wanted),
            Self::NumberIn(path, not, wanted) => wanted.contains(&hundredths(&get(path))) != *not,
            // A checkbox of a row that is not there counts as not ticked.
            Self::Flag(path, op, wanted) => (get(path) == V::Flag(true)) == (*wanted == (*op == "=")),
            Self::Day(of, op, when) => {
                within(op, day_of(world, row, of).map(|(day, _)| day), when.days(world))
            }
            Self::DayIn(of, not, days) => {
                let day = day_of(world, row, of).map(|(day, _)| day);
                days.iter().any(|when| within("=", day, when.days(world))) != *not
            }
            Self::Moment(path, op, when) => {
                let found = if let V::Moment(ms) = get(path) { Some(ms) } else { None };
                match when {
                    When::Fixed(off, _) => compare(op, found, Some(world.now + off)),
                    other => within(op, found.map(|ms| ZONES[world.zone].local(ms).0), other.days(world)),
                }
            }
            Self::Part(function, of, op, near) => {
                let found = day_of(world, row, of).map(|(day, hour)| part(function, day, hour));
                compare(op, found, Some(part_near(world, function, of, *near)))
            }
            Self::Colours(not, groups) => {
                let found = match get("Colours__c") {
                    V::Text(text) => text.split(';').map(str::to_owned).collect(),
                    _ => Vec::new(),
                };
                let whole = |group: &Vec<&str>| group.iter().all(|colour| found.iter().any(|f| f == colour));
                groups.iter().any(whole) != *not
            }
            Self::Reference(path, not, rows, contact) => {
                let found = get(path);
                let one = |at: &Option<usize>| match at {
                    Some(at) => found == V::Row(target(path, *at, *contact)),
                    None => found == V::None,
                };
                rows.iter().any(one) != *not
            }
        }
    }
}

/// A number that is worth comparing with.
fn part_near(world: &World, function: &str, of: &str, (row, by): (usize, i64)) -> i64 {
    let there = row < world.things.len();
    let day = there.then(|| day_of(world, Who::Thing(row), of)).flatten();
    day.map_or(1, |(day, hour)| part(function, day, hour)) + by
}

/// The id of a row, where the world has it.
fn id(world: &World, built: &Built, of: Who) -> Option<String> {
    let there = match of {
        Who::Account(at) => at < world.accounts.len(),
        Who::Contact(at) => at < world.contacts.len(),
        Who::Thing(at) => at < world.things.len(),
    };
    there.then(|| built.id(of).text18())
}

fn hundredths(value: &V) -> Option<i64> {
    match value {
        V::Number(n) => Some(*n),
        V::Whole(n) => Some(n * 100),
        _ => None,
    }
}

pub(super) const TEXTS: [&str; 6] = [
    "Text__c",
    "Code__c",
    "Parent__r.Text__c",
    "Account__r.Name",
    "What.Name",
    "Parent__r.Parent__r.Code__c",
];
pub(super) const NUMBERS: [&str; 3] = ["Number__c", "Count__c", "Parent__r.Number__c"];
const FUNCTIONS: [&str; 12] = [
    "CALENDAR_MONTH",
    "CALENDAR_QUARTER",
    "CALENDAR_YEAR",
    "DAY_IN_MONTH",
    "DAY_IN_WEEK",
    "DAY_IN_YEAR",
    "FISCAL_MONTH",
    "FISCAL_QUARTER",
    "FISCAL_YEAR",
    "HOUR_IN_DAY",
    "WEEK_IN_MONTH",
    "WEEK_IN_YEAR",
];

fn op() -> impl Strategy<Value = Op> {
    prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="])
}

fn when(days: bool) -> BoxedStrategy<When> {
    let off = if days { days_off().boxed() } else { moment_off().boxed() };
    let zone = prop::sample::select(vec![0_i64, 120, -480, 345]);
    let literal = (prop::sample::select(LITERALS.to_vec()), 0_i64..14);
    prop_oneof![
        1 => Just(When::Never),
        4 => (off, zone).prop_map(|(off, zone)| When::Fixed(off, zone)),
        6 => literal.prop_map(|(name, n)| When::Literal(name, n)),
    ]
    .boxed()
}

fn texts() -> BoxedStrategy<Cond> {
    let path = || prop::sample::select(TEXTS.to_vec());
    let piece = prop_oneof![
        2 => Just(Piece::Run),
        2 => Just(Piece::One),
        4 => prop::sample::select("abABäÄ%_'\\".chars().collect::<Vec<_>>()).prop_map(Piece::Letter),
    ];
    let rating = prop::sample::select(vec![Some("hot"), Some("Warm"), Some("COLD"), Some("aglow"), None]);
    let type_name = prop::sample::select(vec![Some("account"), Some("Contact"), None]);
    let equal = || prop::sample::select(vec!["=", "!="]);
    let owned = |text: Option<&str>| text.map(str::to_owned);
    prop_oneof![
        3 => (path(), op(), prop::option::weighted(0.9, text())).prop_map(|(p, op, t)| Cond::Text(p, op, t)),
        2 => (path(), any::<bool>(), prop::collection::vec(prop::option::weighted(0.9, text()), 1..4))
            .prop_map(|(p, not, texts)| Cond::TextIn(p, not, texts)),
        3 => (path(), prop::collection::vec(piece, 0..5)).prop_map(|(p, pieces)| Cond::Like(p, pieces)),
        1 => (equal(), rating).prop_map(move |(op, r)| Cond::Text("Account__r.Rating", op, owned(r))),
        1 => (equal(), type_name).prop_map(move |(op, t)| Cond::Text("What.Type", op, owned(t))),
    ]
    .boxed()
}

fn times() -> BoxedStrategy<Cond> {
    let day = || {
        prop::sample::select(vec![
            "Day__c",
            "Parent__r.Day__c",
            "DAY_ONLY(At__c)",
            "DAY_ONLY(convertTimezone(At__c))",
        ])
    };
    let of = |function: &'static str| {
        let moments = ["At__c", "convertTimezone(At__c)", "Parent__r.At__c", "Day__c"];
        prop::sample::select(moments[..if function == "HOUR_IN_DAY" { 3 } else { 4 }].to_vec())
    };
    let near = (0..14_usize, -1_i64..=1);
    let parts = prop::sample::select(FUNCTIONS.to_vec())
        .prop_flat_map(move |function| (Just(function), of(function)));
    prop_oneof![
        3 => (day(), op(), when(true)).prop_map(|(of, op, when)| Cond::Day(of, op, when)),
        1 => (day(), any::<bool>(), prop::collection::vec(when(true), 1..4))
            .prop_map(|(of, not, days)| Cond::DayIn(of, not, days)),
        4 => (prop::sample::select(vec!["At__c", "Parent__r.At__c"]), op(), when(false))
            .prop_map(|(path, op, when)| Cond::Moment(path, op, when)),
        3 => (parts, op(), near).prop_map(|((function, of), op, near)| Cond::Part(function, of, op, near)),
    ]
    .boxed()
}

/// Conditions on things, however deep.
pub(super) fn condition() -> impl Strategy<Value = Cond> {
    let numbers = || prop::sample::select(NUMBERS.to_vec());
    let value = || {
        prop::option::weighted(0.9, prop_oneof![-9_i64..=9, -300_i64..300, (-3_i64..4).prop_map(|n| n * 100)])
    };
    let group = prop::sample::subsequence(COLOURS.to_vec(), 1..=3);
    let flags = prop::sample::select(vec!["Flag__c", "Parent__r.Flag__c"]);
    let references = prop::sample::select(vec!["Id", "Parent__c", "Account__c", "WhatId"]);
    let leaf = prop_oneof![
        4 => texts(),
        4 => times(),
        2 => (numbers(), op(), value()).prop_map(|(p, op, n)| Cond::Number(p, op, n)),
        1 => (numbers(), any::<bool>(), prop::collection::vec(value(), 1..4))
            .prop_map(|(p, not, numbers)| Cond::NumberIn(p, not, numbers)),
        1 => (flags, prop::sample::select(vec!["=", "!="]), any::<bool>())
            .prop_map(|(p, op, flag)| Cond::Flag(p, op, flag)),
        2 => (any::<bool>(), prop::collection::vec(group, 1..3)).prop_map(|(not, groups)| Cond::Colours(not, groups)),
        1 => (references, any::<bool>(), prop::collection::vec(prop::option::of(0..6_usize), 1..4), any::<bool>())
            .prop_map(|(p, not, rows, contact)| Cond::Reference(p, not, rows, contact)),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Cond::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Cond::Or),
            inner.prop_map(|c| Cond::Not(Box::new(c))),
        ]
    })
}
