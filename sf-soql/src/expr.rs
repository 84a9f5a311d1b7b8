//! What a query reads, compares and orders by: a field, or a function of one.

use std::fmt;

use bigdecimal::BigDecimal;

use crate::condition::{Condition, Operator};
use crate::error::Result;
use crate::function::Function;
use crate::literal::{Literal, push_decimal};
use crate::name::push_name;
use crate::order::Order;
use crate::select::{Item, Select};

/// Names a field, dotted where it belongs to a parent: `Owner.Name`.
///
/// The name is checked when the query is built.
pub fn field(name: impl Into<String>) -> Expr {
    Expr(Node::Field(name.into()))
}

/// A field, or a function of one: see [`field`] and [`crate::function`]. A plain text stands for a field.
///
/// ```
/// use sf_soql::function::{calendar_year, count, sum};
/// use sf_soql::{Select, field};
///
/// let soql = Select::from("Opportunity")
///     .fields([calendar_year("CloseDate").alias("y"), sum("Amount").into(), count("Id").into()])
///     .group_by(calendar_year("CloseDate"))
///     .having(sum("Amount").gt(1_000))
///     .order_by(sum("Amount").desc())
///     .build()?;
/// assert_eq!(
///     soql,
///     "SELECT CALENDAR_YEAR(CloseDate) y, SUM(Amount), COUNT(Id) FROM Opportunity \
///      GROUP BY CALENDAR_YEAR(CloseDate) HAVING SUM(Amount) > 1000 ORDER BY SUM(Amount) DESC"
/// );
/// # Ok::<(), sf_soql::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Expr(pub(crate) Node);

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Field(String),
    Call(Function, Option<Box<Expr>>),
    Distance { from: Box<Expr>, latitude: BigDecimal, longitude: BigDecimal, unit: DistanceUnit },
}

/// What a distance is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DistanceUnit {
    /// Miles.
    Miles,
    /// Kilometres.
    Kilometers,
}

impl fmt::Display for DistanceUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Miles => "mi",
            Self::Kilometers => "km",
        })
    }
}

impl From<&str> for Expr {
    fn from(name: &str) -> Self {
        field(name)
    }
}

impl From<String> for Expr {
    fn from(name: String) -> Self {
        field(name)
    }
}

impl From<&String> for Expr {
    fn from(name: &String) -> Self {
        field(name)
    }
}

impl Expr {
    fn compare(self, operator: Operator, value: impl Into<Literal>) -> Condition {
        Condition::compare(self, operator, value.into())
    }

    fn list<T: Into<Literal>>(self, operator: Operator, values: impl IntoIterator<Item = T>) -> Condition {
        Condition::list(self, operator, values.into_iter().map(Into::into).collect())
    }

    /// `=`. Texts are compared without regard to case, as the org does.
    pub fn eq(self, value: impl Into<Literal>) -> Condition {
        self.compare(Operator::Equal, value)
    }

    /// `!=`. A row without a value differs from every value.
    pub fn ne(self, value: impl Into<Literal>) -> Condition {
        self.compare(Operator::NotEqual, value)
    }

    /// `<`.
    pub fn lt(self, value: impl Into<Literal>) -> Condition {
        self.compare(Operator::Less, value)
    }

    /// `<=`.
    pub fn le(self, value: impl Into<Literal>) -> Condition {
        self.compare(Operator::LessOrEqual, value)
    }

    /// `>`.
    pub fn gt(self, value: impl Into<Literal>) -> Condition {
        self.compare(Operator::Greater, value)
    }

    /// `>=`.
    pub fn ge(self, value: impl Into<Literal>) -> Condition {
        self.compare(Operator::GreaterOrEqual, value)
    }

    /// Whether a row has no value.
    pub fn is_null(self) -> Condition {
        self.eq(Literal::NULL)
    }

    /// Whether a row has a value.
    pub fn is_not_null(self) -> Condition {
        self.ne(Literal::NULL)
    }

    /// `LIKE`: `%` stands for any text, `_` for one character. For a text that may hold these as
    /// themselves use [`starts_with`](Self::starts_with), [`ends_with`](Self::ends_with) or
    /// [`contains`](Self::contains).
    pub fn like(self, pattern: impl AsRef<str>) -> Condition {
        self.compare(Operator::Like, Literal::pattern(pattern.as_ref()))
    }

    /// Whether the field's text begins with this text.
    pub fn starts_with(self, text: impl AsRef<str>) -> Condition {
        self.compare(Operator::Like, Literal::pattern_around("", text.as_ref(), "%"))
    }

    /// Whether the field's text ends in this text.
    pub fn ends_with(self, text: impl AsRef<str>) -> Condition {
        self.compare(Operator::Like, Literal::pattern_around("%", text.as_ref(), ""))
    }

    /// Whether the field's text holds this text.
    pub fn contains(self, text: impl AsRef<str>) -> Condition {
        self.compare(Operator::Like, Literal::pattern_around("%", text.as_ref(), "%"))
    }

    /// `IN`. An empty list is an error when the query is built: SOQL has none.
    pub fn is_in<T: Into<Literal>>(self, values: impl IntoIterator<Item = T>) -> Condition {
        self.list(Operator::In, values)
    }

    /// `NOT IN`. An empty list is an error when the query is built: SOQL has none.
    pub fn is_not_in<T: Into<Literal>>(self, values: impl IntoIterator<Item = T>) -> Condition {
        self.list(Operator::NotIn, values)
    }

    /// `IN (SELECT …)`, a semi-join: an id or a reference that the other query selects.
    ///
    /// ```
    /// use sf_soql::{Select, field};
    ///
    /// let open = Select::from("Opportunity").field("AccountId").filter(field("IsClosed").eq(false));
    /// let soql = Select::from("Account").field("Name").filter(field("Id").is_in_select(open)).build()?;
    /// assert_eq!(
    ///     soql,
    ///     "SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Opportunity WHERE IsClosed = false)"
    /// );
    /// # Ok::<(), sf_soql::Error>(())
    /// ```
    pub fn is_in_select(self, select: Select) -> Condition {
        Condition::join(self, Operator::In, select)
    }

    /// `NOT IN (SELECT …)`, an anti-join.
    pub fn is_not_in_select(self, select: Select) -> Condition {
        Condition::join(self, Operator::NotIn, select)
    }

    /// `INCLUDES`, of a picklist of several values: a row has all values of at least one entry. An entry of
    /// several values joins them by `;`, as rows do: `["Red;Blue", "Green"]`.
    pub fn includes<T: Into<String>>(self, entries: impl IntoIterator<Item = T>) -> Condition {
        self.list(Operator::Includes, entries.into_iter().map(Into::<String>::into))
    }

    /// `EXCLUDES`, the contrary of [`includes`](Self::includes).
    pub fn excludes<T: Into<String>>(self, entries: impl IntoIterator<Item = T>) -> Condition {
        self.list(Operator::Excludes, entries.into_iter().map(Into::<String>::into))
    }

    /// Orders by this, least first, rows without a value before all others.
    pub fn asc(self) -> Order {
        Order { by: self, descending: false, nulls: None }
    }

    /// Orders by this, greatest first. Where rows without a value come is for [`Order::nulls`] to say.
    pub fn desc(self) -> Order {
        Order { by: self, descending: true, nulls: None }
    }

    /// Gives it another name in the answer.
    pub fn alias(self, name: impl Into<String>) -> Item {
        Item::aliased(self, name.into())
    }

    /// The name of the field that it is about; none for `COUNT()`.
    pub(crate) fn field_name(&self) -> Option<&str> {
        match &self.0 {
            Node::Field(name) => Some(name),
            Node::Call(_, of) => of.as_deref().and_then(Self::field_name),
            Node::Distance { from, .. } => from.field_name(),
        }
    }

    /// The function at its head; none for a plain field.
    pub(crate) fn function(&self) -> Option<Function> {
        match &self.0 {
            Node::Call(function, _) => Some(*function),
            Node::Field(_) | Node::Distance { .. } => None,
        }
    }

    /// Whether it, or what it is a function of, is an aggregate.
    pub(crate) fn is_aggregate(&self) -> bool {
        match &self.0 {
            Node::Call(function, of) => {
                function.is_aggregate() || of.as_deref().is_some_and(Self::is_aggregate)
            }
            Node::Field(_) | Node::Distance { .. } => false,
        }
    }

    pub(crate) fn write(&self, out: &mut String) -> Result<()> {
        match &self.0 {
            Node::Field(name) => push_name(name, out),
            Node::Call(function, of) => {
                out.push_str(function.name());
                out.push('(');
                if let Some(of) = of {
                    of.write(out)?;
                }
                out.push(')');
                Ok(())
            }
            Node::Distance { from, latitude, longitude, unit } => {
                out.push_str("DISTANCE(");
                from.write(out)?;
                out.push_str(", GEOLOCATION(");
                push_decimal(latitude, out)?;
                out.push_str(", ");
                push_decimal(longitude, out)?;
                out.push_str(&format!("), '{unit}')"));
                Ok(())
            }
        }
    }
}
