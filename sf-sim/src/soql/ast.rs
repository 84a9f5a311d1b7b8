//! The tree that a statement is parsed to. Names stand as they were written; nothing is looked up yet.
//!
//! Written out again ([`Display`](std::fmt::Display)), a tree is a statement that parses to the same tree.

mod display;
mod period;

use std::sync::Arc;

use chrono::NaiveDate;

pub use period::{Period, Unit};

/// A parsed statement, or one in parentheses within another.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The whole statement, which errors quote.
    pub text: Arc<str>,
    /// What is selected.
    pub select: Select,
    /// The object after `FROM`; of a subquery in the select list the relationship, `Contacts` or `Account.Contacts`.
    pub object: Path,
    /// The object's other name in this statement.
    pub alias: Option<Name>,
    /// Other names of parents: `FROM Contact c, c.Account a`.
    pub aliases: Vec<(Path, Name)>,
    /// `USING SCOPE`.
    pub scope: Option<Name>,
    /// `WHERE`.
    pub condition: Option<Condition>,
    /// `WITH`.
    pub with: Option<With>,
    /// `GROUP BY`.
    pub group: Option<Group>,
    /// `HAVING`.
    pub having: Option<Condition>,
    /// `ORDER BY`.
    pub order: Vec<Order>,
    /// `LIMIT`.
    pub limit: Option<u64>,
    /// `OFFSET`.
    pub offset: Option<Offset>,
    /// `FOR VIEW`, `FOR REFERENCE`, `FOR UPDATE`.
    pub purposes: Vec<Purpose>,
    /// `UPDATE TRACKING`, `UPDATE VIEWSTAT`.
    pub updates: Vec<Update>,
    /// Where `ALL ROWS` stands.
    pub all_rows: Option<usize>,
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
pub enum Item {
    /// A field or a function of one, and the name it goes by in the answer.
    Value(Expr, Option<Name>),
    /// `FIELDS(…)`.
    Fields(FieldGroup, usize),
    /// A subquery on children.
    Children(Box<Query>),
    /// `TYPEOF … END`.
    TypeOf(TypeOf),
}

/// What `FIELDS()` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FieldGroup {
    All,
    Custom,
    Standard,
}

/// `TYPEOF What WHEN Account THEN Phone ELSE Name END`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeOf {
    /// The relationship.
    pub relationship: Name,
    /// An object and the fields that are shown of it.
    pub cases: Vec<(Name, Vec<Path>)>,
    /// The fields that are shown of every other object.
    pub otherwise: Vec<Path>,
}

/// A field, or what a function makes of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A field, of the object or of a parent.
    Field(Path),
    /// `function(argument)`.
    Call(Call),
    /// `DISTANCE(field, GEOLOCATION(latitude, longitude), 'mi')`.
    Distance(Distance),
}

impl Expr {
    /// Where it begins in the statement.
    #[must_use]
    pub fn pos(&self) -> usize {
        match self {
            Self::Field(path) => path.pos(),
            Self::Call(call) => call.pos,
            Self::Distance(distance) => distance.pos,
        }
    }
}

/// A function and what it is applied to.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function.
    pub function: Function,
    /// What it is applied to.
    pub argument: Box<Expr>,
    /// Its first byte in the statement.
    pub pos: usize,
}

/// A distance between a field's place and a fixed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distance {
    /// An address or geolocation.
    pub field: Path,
    /// The fixed place, as written.
    pub latitude: String,
    /// The fixed place, as written.
    pub longitude: String,
    /// In miles rather than kilometres.
    pub miles: bool,
    /// Its first byte in the statement.
    pub pos: usize,
}

/// A function of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SOQL's own")]
pub enum Function {
    Avg,
    Count,
    CountDistinct,
    Max,
    Min,
    Sum,
    Grouping,
    CalendarMonth,
    CalendarQuarter,
    CalendarYear,
    DayInMonth,
    DayInWeek,
    DayInYear,
    DayOnly,
    FiscalMonth,
    FiscalQuarter,
    FiscalYear,
    HourInDay,
    WeekInMonth,
    WeekInYear,
    ConvertCurrency,
    ConvertTimezone,
    Format,
    ToLabel,
}

impl Function {
    /// Every function and its name.
    pub const ALL: [(Self, &'static str); 24] = [
        (Self::Avg, "AVG"),
        (Self::Count, "COUNT"),
        (Self::CountDistinct, "COUNT_DISTINCT"),
        (Self::Max, "MAX"),
        (Self::Min, "MIN"),
        (Self::Sum, "SUM"),
        (Self::Grouping, "GROUPING"),
        (Self::CalendarMonth, "CALENDAR_MONTH"),
        (Self::CalendarQuarter, "CALENDAR_QUARTER"),
        (Self::CalendarYear, "CALENDAR_YEAR"),
        (Self::DayInMonth, "DAY_IN_MONTH"),
        (Self::DayInWeek, "DAY_IN_WEEK"),
        (Self::DayInYear, "DAY_IN_YEAR"),
        (Self::DayOnly, "DAY_ONLY"),
        (Self::FiscalMonth, "FISCAL_MONTH"),
        (Self::FiscalQuarter, "FISCAL_QUARTER"),
        (Self::FiscalYear, "FISCAL_YEAR"),
        (Self::HourInDay, "HOUR_IN_DAY"),
        (Self::WeekInMonth, "WEEK_IN_MONTH"),
        (Self::WeekInYear, "WEEK_IN_YEAR"),
        (Self::ConvertCurrency, "convertCurrency"),
        (Self::ConvertTimezone, "convertTimezone"),
        (Self::Format, "FORMAT"),
        (Self::ToLabel, "toLabel"),
    ];

    /// The function of this name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(function, _)| *function)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(known, _)| *known == self).map_or("", |(_, name)| name)
    }

    /// Whether it makes one value of many rows.
    #[must_use]
    pub fn is_aggregate(self) -> bool {
        matches!(
            self,
            Self::Avg
                | Self::Count
                | Self::CountDistinct
                | Self::Max
                | Self::Min
                | Self::Sum
                | Self::Grouping
        )
    }

    /// Whether it takes a part of a date.
    #[must_use]
    pub fn is_date(self) -> bool {
        !self.is_aggregate()
            && !matches!(self, Self::ConvertCurrency | Self::ConvertTimezone | Self::Format | Self::ToLabel)
    }
}

/// `WITH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum With {
    /// `SECURITY_ENFORCED`, `USER_MODE` or `SYSTEM_MODE`.
    Mode(Name),
    /// `DATA CATEGORY group AT category AND …`.
    DataCategory(Vec<DataCategory>),
}

/// One filter of `WITH DATA CATEGORY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataCategory {
    /// The category group.
    pub group: Name,
    /// `AT`, `ABOVE`, `BELOW` or `ABOVE_OR_BELOW`.
    pub selector: Name,
    /// The categories.
    pub categories: Vec<Name>,
}

/// `GROUP BY`.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Which subtotals are wanted.
    pub kind: GroupKind,
    /// Fields and date functions.
    pub by: Vec<Expr>,
}

/// Which subtotals `GROUP BY` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SOQL's own")]
pub enum GroupKind {
    Plain,
    Rollup,
    Cube,
}

/// What follows `FOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SOQL's own")]
pub enum Purpose {
    View,
    Reference,
    Update,
}

/// What follows `UPDATE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are SOQL's own")]
pub enum Update {
    Tracking,
    ViewStat,
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
    Compare(Expr, Compare, Literal),
    /// `field LIKE pattern`.
    Like(Expr, Like),
    /// `field IN (…)`, or `NOT IN` where the flag is set.
    In(Expr, Vec<Literal>, bool),
    /// `field IN (SELECT …)`, or `NOT IN` where the flag is set.
    InSelect(Expr, Box<Query>, bool),
    /// `field INCLUDES (…)`, or `EXCLUDES` where the flag is set.
    Includes(Expr, Vec<Literal>, bool),
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
    /// A currency's code and an amount, as `USD5000`.
    Currency(String, String),
    /// A date.
    Date(NaiveDate),
    /// A datetime: milliseconds since the epoch.
    DateTime(i64),
    /// A time: milliseconds since midnight.
    Time(u32),
    /// `TODAY`, `LAST_N_DAYS:30` and their like.
    Period(Period),
}

/// An entry of `ORDER BY`.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The field, or a function of one.
    pub expr: Expr,
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
