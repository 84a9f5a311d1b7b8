//! The tree that a statement is parsed to. Names stand as they were written; nothing is looked up yet.

use chrono::NaiveDate;

/// A parsed statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The statement itself, which errors quote.
    pub text: String,
    /// What is selected.
    pub select: Select,
    /// The object after `FROM`.
    pub object: Name,
    /// The object's other name in this statement.
    pub alias: Option<Name>,
    /// `WHERE`.
    pub condition: Option<Condition>,
    /// `ORDER BY`.
    pub order: Vec<Order>,
    /// `LIMIT`.
    pub limit: Option<u64>,
    /// `OFFSET`.
    pub offset: Option<Offset>,
}

/// What stands between `SELECT` and `FROM`.
#[derive(Clone, Debug, PartialEq)]
pub enum Select {
    /// `COUNT()`.
    Count,
    /// A list.
    Items(Vec<Item>),
}

/// An entry of the select list.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Item {
    /// A field, of the object or of a parent.
    Field(Path),
}

/// A word of the statement and the byte that it begins at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// As written.
    pub text: String,
    /// Its first byte in the statement.
    pub pos: usize,
}

/// Names joined by dots, as `Account.Owner.Name`; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The names, the field last.
    pub names: Vec<Name>,
}

impl Path {
    /// Where the path begins in the statement.
    #[must_use]
    pub fn pos(&self) -> usize {
        self.names.first().map_or(0, |n| n.pos)
    }
}

/// A condition of `WHERE`.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All hold; at least two.
    And(Vec<Condition>),
    /// One holds; at least two.
    Or(Vec<Condition>),
    /// Does not hold.
    Not(Box<Condition>),
    /// `field op value`.
    Compare(Path, Compare, Literal),
    /// `field LIKE pattern`.
    Like(Path, Like),
    /// `field IN (…)`, or `NOT IN` where the flag is set.
    In(Path, Vec<Literal>, bool),
    /// `field INCLUDES (…)`, or `EXCLUDES` where the flag is set.
    Includes(Path, Vec<Literal>, bool),
}

/// A comparing operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The pattern of a `LIKE`, its escapes undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Like {
    /// The pattern's text.
    pub text: String,
    /// The bytes of `text` at which `%` and `_` mean themselves.
    pub escaped: Vec<usize>,
}

/// A value of the statement and the byte that it begins at.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// What it says.
    pub kind: LiteralKind,
    /// Its first byte in the statement.
    pub pos: usize,
}

/// What a literal says.
#[derive(Clone, Debug, PartialEq)]
pub enum LiteralKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A quoted string.
    Text(String),
    /// A number as written.
    Number(String),
    /// A date.
    Date(NaiveDate),
    /// A datetime: milliseconds since the epoch.
    DateTime(i64),
    /// A time: milliseconds since midnight.
    Time(u32),
    /// `TODAY`, `LAST_N_DAYS:30` and their like.
    Period(Period),
}

/// A stretch of whole days, weeks … counted from the running one: `LAST_N_WEEKS:2` is from -2 to -1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// What is counted.
    pub unit: Unit,
    /// The first, zero being the running one.
    pub from: i64,
    /// The last, itself included.
    pub to: i64,
}

/// What a [`Period`] counts. The emulated org's fiscal year is the calendar's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Period {
    /// The literal of this name, in any case, with the number after its colon.
    #[must_use]
    pub fn named(name: &str, n: Option<i64>) -> Option<Self> {
        let name = name.to_ascii_uppercase();
        let Some(n) = n else {
            return match name.as_str() {
                "TODAY" => Some(Self { unit: Unit::Day, from: 0, to: 0 }),
                "YESTERDAY" => Some(Self { unit: Unit::Day, from: -1, to: -1 }),
                "TOMORROW" => Some(Self { unit: Unit::Day, from: 1, to: 1 }),
                "LAST_90_DAYS" => Some(Self { unit: Unit::Day, from: -90, to: 0 }),
                "NEXT_90_DAYS" => Some(Self { unit: Unit::Day, from: 1, to: 90 }),
                _ => {
                    let (which, unit) = name.split_once('_')?;
                    let at = match which {
                        "LAST" => -1,
                        "THIS" => 0,
                        "NEXT" => 1,
                        _ => return None,
                    };
                    // There is no LAST_DAY: that is YESTERDAY.
                    let unit = Unit::named(unit).filter(|u| *u != Unit::Day)?;
                    Some(Self { unit, from: at, to: at })
                }
            };
        };
        if let Some(unit) = name.strip_prefix("LAST_N_").and_then(Unit::plural) {
            // Of these only the days run up to the present; whole weeks, months … end before the running one.
            return Some(Self { unit, from: -n, to: if unit == Unit::Day { 0 } else { -1 } });
        }
        if let Some(unit) = name.strip_prefix("NEXT_N_").and_then(Unit::plural) {
            return Some(Self { unit, from: 1, to: n });
        }
        let unit = name.strip_prefix("N_")?.strip_suffix("_AGO").and_then(Unit::plural)?;
        Some(Self { unit, from: -n, to: -n })
    }
}

impl Unit {
    fn named(name: &str) -> Option<Self> {
        match name {
            "DAY" => Some(Self::Day),
            "WEEK" => Some(Self::Week),
            "MONTH" => Some(Self::Month),
            "QUARTER" | "FISCAL_QUARTER" => Some(Self::Quarter),
            "YEAR" | "FISCAL_YEAR" => Some(Self::Year),
            _ => None,
        }
    }

    fn plural(name: &str) -> Option<Self> {
        name.strip_suffix('S').and_then(Self::named)
    }
}

/// An entry of `ORDER BY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The field.
    pub path: Path,
    /// `DESC`.
    pub descending: bool,
    /// `NULLS FIRST` or `NULLS LAST`, where one is written.
    pub nulls: Option<Nulls>,
}

/// Where rows without a value go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Nulls {
    First,
    Last,
}

/// `OFFSET n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// How many rows are left out.
    pub rows: u64,
    /// Where the number stands in the statement.
    pub pos: usize,
}
