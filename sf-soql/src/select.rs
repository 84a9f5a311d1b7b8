//! Queries, as values.

mod clause;
mod item;
mod rules;

use std::collections::HashSet;
use std::fmt;

use crate::condition::Condition;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::Expr;
use crate::name::push_object;
use crate::order::Order;

pub use clause::{CategorySelector, For, QueryScope, Track, With};
pub use item::{Fields, Item, TypeOf, type_of};

pub(crate) use clause::GroupKind;
pub(crate) use item::Node as ItemNode;

/// The most characters of a query (SOQL reference, "SOQL and SOSL limits").
const MAX_QUERY: usize = 100_000;
/// How deep child queries nest (same page).
pub(crate) const MAX_DEPTH: u8 = 5;

/// A query, put together from values. Names are checked and values are quoted when it is built.
///
/// ```
/// use sf_soql::{DateLiteral, Select, field};
///
/// let soql = Select::from("Account")
///     .fields(["Id", "Name", "Owner.Name"])
///     .field(Select::from("Contacts").fields(["Id", "Email"]).limit(5))
///     .filter(field("Name").like("Acme%"))
///     .filter(field("CreatedDate").ge(DateLiteral::LastNDays(30)).or(field("Rating").eq("Hot")))
///     .order_by(field("Name").asc().nulls_last())
///     .limit(100)
///     .build()?;
/// assert_eq!(
///     soql,
///     "SELECT Id, Name, Owner.Name, (SELECT Id, Email FROM Contacts LIMIT 5) FROM Account \
///      WHERE Name LIKE 'Acme%' AND (CreatedDate >= LAST_N_DAYS:30 OR Rating = 'Hot') \
///      ORDER BY Name ASC NULLS LAST LIMIT 100"
/// );
/// # Ok::<(), sf_soql::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Select {
    pub(crate) object: String,
    pub(crate) alias: Option<String>,
    pub(crate) items: Vec<Item>,
    pub(crate) scope: Option<QueryScope>,
    pub(crate) filter: Option<Condition>,
    pub(crate) with: Vec<With>,
    pub(crate) group: Vec<(GroupKind, Expr)>,
    pub(crate) having: Option<Condition>,
    pub(crate) order: Vec<Order>,
    pub(crate) limit: Option<u32>,
    pub(crate) offset: Option<u32>,
    pub(crate) purpose: Option<For>,
    pub(crate) track: Option<Track>,
    pub(crate) all_rows: bool,
}

/// Where a query stands: on its own, as the n-th child, or after IN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Top,
    Child(u8),
    Join,
}

impl Place {
    pub(crate) fn child(self) -> Result<Self> {
        let depth = match self {
            Self::Top => 1,
            Self::Child(depth) => depth + 1,
            Self::Join => MAX_DEPTH,
        };
        if depth >= MAX_DEPTH {
            let message = "child queries nest more than five levels, the outermost included";
            return Err(Error::new(ErrorKind::InvalidQuery, message));
        }
        Ok(Self::Child(depth))
    }
}

impl Select {
    /// A query of this object's rows; within another query, of the rows of this child relationship.
    pub fn from(object: impl Into<String>) -> Self {
        Self {
            object: object.into(),
            alias: None,
            items: Vec::new(),
            scope: None,
            filter: None,
            with: Vec::new(),
            group: Vec::new(),
            having: None,
            order: Vec::new(),
            limit: None,
            offset: None,
            purpose: None,
            track: None,
            all_rows: false,
        }
    }

    /// The object that it reads.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// Gives the object another name within the query: `FROM Account a`, and then `a.Name`.
    pub fn alias(mut self, name: impl Into<String>) -> Self {
        self.alias = Some(name.into());
        self
    }

    /// Adds a field or another [`Item`]. A field that is there already, whatever its case, is not added again.
    pub fn field(mut self, item: impl Into<Item>) -> Self {
        self.items.push(item.into());
        self
    }

    /// Adds fields, in this order. A field that is there already, whatever its case, is not added again.
    pub fn fields<I: Into<Item>>(mut self, items: impl IntoIterator<Item = I>) -> Self {
        self.items.extend(items.into_iter().map(Into::into));
        self
    }

    /// Looks only at the rows of this scope.
    pub fn using_scope(mut self, scope: QueryScope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Adds a condition. All conditions that are added must hold.
    pub fn filter(mut self, condition: Condition) -> Self {
        self.filter = Some(match self.filter {
            Some(before) => before.and(condition),
            None => condition,
        });
        self
    }

    /// Adds a `WITH` clause.
    pub fn with(mut self, with: With) -> Self {
        self.with.push(with);
        self
    }

    /// Groups by a field or a function of one.
    pub fn group_by(mut self, by: impl Into<Expr>) -> Self {
        self.group.push((GroupKind::Plain, by.into()));
        self
    }

    /// `GROUP BY ROLLUP(…)`: groups, and subtotals from the last field to the first.
    pub fn group_by_rollup<E: Into<Expr>>(mut self, by: impl IntoIterator<Item = E>) -> Self {
        self.group.extend(by.into_iter().map(|e| (GroupKind::Rollup, e.into())));
        self
    }

    /// `GROUP BY CUBE(…)`: groups, and subtotals over every combination.
    pub fn group_by_cube<E: Into<Expr>>(mut self, by: impl IntoIterator<Item = E>) -> Self {
        self.group.extend(by.into_iter().map(|e| (GroupKind::Cube, e.into())));
        self
    }

    /// Adds a condition on groups. All conditions that are added must hold.
    pub fn having(mut self, condition: Condition) -> Self {
        self.having = Some(match self.having {
            Some(before) => before.and(condition),
            None => condition,
        });
        self
    }

    /// Adds a column to the ordering.
    pub fn order_by(mut self, order: impl Into<Order>) -> Self {
        self.order.push(order.into());
        self
    }

    /// At most this many rows.
    pub fn limit(mut self, rows: u32) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Passes over this many rows, at most 2,000.
    pub fn offset(mut self, rows: u32) -> Self {
        self.offset = Some(rows);
        self
    }

    /// Says what the rows are read for.
    pub fn purpose(mut self, purpose: For) -> Self {
        self.purpose = Some(purpose);
        self
    }

    /// Counts views or words of articles.
    pub fn track(mut self, track: Track) -> Self {
        self.track = Some(track);
        self
    }

    /// Rows in the recycle bin and archived ones too. Over REST and Bulk that is not a word of the query but
    /// a call of its own, `queryAll`; [`Query`](crate::Query) takes it by itself.
    pub fn all_rows(mut self) -> Self {
        self.all_rows = true;
        self
    }

    /// The query's text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidQuery`]: no fields, a name that is no name, a value that SOQL cannot write, an
    /// empty list, clauses that SOQL does not take together, or more text than it allows. The message says
    /// which.
    pub fn build(&self) -> Result<String> {
        let mut out = String::new();
        self.write(Place::Top, &mut out)?;
        let length = out.chars().count();
        if length > MAX_QUERY {
            let message =
                format!("the query of {} has {length} characters, SOQL allows {MAX_QUERY}", self.object);
            return Err(Error::new(ErrorKind::InvalidQuery, message));
        }
        Ok(out)
    }

    pub(crate) fn write(&self, place: Place, out: &mut String) -> Result<()> {
        rules::check(self, place)?;
        out.push_str("SELECT ");
        self.write_items(place, out)?;
        out.push_str(" FROM ");
        push_object(&self.object, out)?;
        if let Some(alias) = &self.alias {
            out.push(' ');
            push_object(alias, out)?;
        }
        if let Some(scope) = self.scope {
            out.push_str(" USING SCOPE ");
            out.push_str(scope.word());
        }
        if let Some(filter) = &self.filter {
            out.push_str(" WHERE ");
            filter.write(out)?;
        }
        clause::write_with(&self.with, out)?;
        self.write_group(out)?;
        for (i, order) in self.order.iter().enumerate() {
            out.push_str(if i == 0 { " ORDER BY " } else { ", " });
            order.write(out)?;
        }
        if let Some(limit) = self.limit {
            out.push_str(&format!(" LIMIT {limit}"));
        }
        if let Some(offset) = self.offset {
            out.push_str(&format!(" OFFSET {offset}"));
        }
        out.push_str(self.purpose.map_or("", For::text));
        out.push_str(self.track.map_or("", Track::text));
        if self.all_rows {
            out.push_str(" ALL ROWS");
        }
        Ok(())
    }

    fn write_items(&self, place: Place, out: &mut String) -> Result<()> {
        let mut seen = HashSet::new();
        let mut first = true;
        for item in &self.items {
            if item.key()?.is_some_and(|key| !seen.insert(key)) {
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push_str(", ");
            }
            item.write(place, out)?;
        }
        Ok(())
    }

    fn write_group(&self, out: &mut String) -> Result<()> {
        let Some((kind, _)) = self.group.first() else { return Ok(()) };
        out.push_str(match kind {
            GroupKind::Plain => " GROUP BY ",
            GroupKind::Rollup => " GROUP BY ROLLUP(",
            GroupKind::Cube => " GROUP BY CUBE(",
        });
        for (i, (_, by)) in self.group.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            by.write(out)?;
        }
        if *kind != GroupKind::Plain {
            out.push(')');
        }
        if let Some(having) = &self.having {
            out.push_str(" HAVING ");
            having.write(out)?;
        }
        Ok(())
    }
}

/// The query's text, or, where it cannot be built, a remark that no org takes for a query.
impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.build() {
            Ok(text) => f.write_str(&text),
            Err(error) => write!(f, "<no query: {error}>"),
        }
    }
}

#[cfg(test)]
mod tests;
