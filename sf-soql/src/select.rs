//! Queries, as values.

use std::collections::HashSet;
use std::fmt;

use crate::condition::{Condition, Order, push_name, push_object};
use crate::error::{Error, ErrorKind, Result};

/// The most characters of a query (SOQL reference, "SOQL and SOSL limits").
const MAX_QUERY: usize = 100_000;

/// A query, put together from values. Names are checked and values are quoted when it is built.
///
/// ```
/// use sf_soql::{DateLiteral, Select, field};
///
/// let soql = Select::from("Account")
///     .fields(["Id", "Name", "Owner.Name"])
///     .filter(field("Name").like("Acme%"))
///     .filter(field("CreatedDate").ge(DateLiteral::LastNDays(30)).or(field("Rating").eq("Hot")))
///     .order_by(field("Name").asc().nulls_last())
///     .limit(100)
///     .build()?;
/// assert_eq!(
///     soql,
///     "SELECT Id, Name, Owner.Name FROM Account \
///      WHERE Name LIKE 'Acme%' AND (CreatedDate >= LAST_N_DAYS:30 OR Rating = 'Hot') \
///      ORDER BY Name ASC NULLS LAST LIMIT 100"
/// );
/// # Ok::<(), sf_soql::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Select {
    object: String,
    fields: Vec<String>,
    filter: Option<Condition>,
    order: Vec<Order>,
    limit: Option<u32>,
}

impl Select {
    /// A query of this object's rows.
    pub fn from(object: impl Into<String>) -> Self {
        Self { object: object.into(), fields: Vec::new(), filter: None, order: Vec::new(), limit: None }
    }

    /// Adds a field. A field that is there already, whatever its case, is not added again.
    pub fn field(self, name: impl Into<String>) -> Self {
        self.fields([name])
    }

    /// Adds fields, in this order. A field that is there already, whatever its case, is not added again.
    pub fn fields<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.fields.extend(names.into_iter().map(Into::into));
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

    /// The query's text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidQuery`]: no fields, a name that is no name, a value that SOQL cannot write, an
    /// empty list, or more text than SOQL allows. The message says which.
    pub fn build(&self) -> Result<String> {
        let mut out = String::from("SELECT ");
        self.write_fields(&mut out)?;
        out.push_str(" FROM ");
        push_object(&self.object, &mut out)?;
        if let Some(filter) = &self.filter {
            out.push_str(" WHERE ");
            filter.write(&mut out)?;
        }
        for (i, order) in self.order.iter().enumerate() {
            out.push_str(if i == 0 { " ORDER BY " } else { ", " });
            order.write(&mut out)?;
        }
        if let Some(limit) = self.limit {
            out.push_str(&format!(" LIMIT {limit}"));
        }
        let length = out.chars().count();
        if length > MAX_QUERY {
            let message =
                format!("the query of {} has {length} characters, SOQL allows {MAX_QUERY}", self.object);
            return Err(Error::new(ErrorKind::InvalidQuery, message));
        }
        Ok(out)
    }

    fn write_fields(&self, out: &mut String) -> Result<()> {
        if self.fields.is_empty() {
            let message = format!("the query of {} selects no fields", self.object);
            return Err(Error::new(ErrorKind::InvalidQuery, message));
        }
        let mut seen = HashSet::new();
        for name in &self.fields {
            if !seen.insert(name.to_ascii_lowercase()) {
                continue;
            }
            if seen.len() > 1 {
                out.push_str(", ");
            }
            push_name(name, out)?;
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
