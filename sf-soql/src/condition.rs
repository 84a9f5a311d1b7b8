//! Conditions and orderings, as values.

use std::ops::Not;

use crate::error::{Error, ErrorKind, Result};
use crate::literal::Literal;

/// Names a field, dotted where it belongs to a parent: `Owner.Name`.
///
/// The name is checked when the query is built.
pub fn field(name: impl Into<String>) -> FieldRef {
    FieldRef(name.into())
}

/// A field in a condition or an ordering. See [`field`].
#[derive(Debug, Clone)]
#[must_use]
pub struct FieldRef(String);

impl FieldRef {
    fn compare(self, operator: &'static str, value: impl Into<Literal>) -> Condition {
        Condition(Node::Compare { field: self.0, operator, value: value.into() })
    }

    fn list<T: Into<Literal>>(
        self,
        operator: &'static str,
        values: impl IntoIterator<Item = T>,
    ) -> Condition {
        Condition(Node::List {
            field: self.0,
            operator,
            values: values.into_iter().map(Into::into).collect(),
        })
    }

    /// `=`. Texts are compared without regard to case, as the org does.
    pub fn eq(self, value: impl Into<Literal>) -> Condition {
        self.compare("=", value)
    }

    /// `!=`. A row without a value differs from every value.
    pub fn ne(self, value: impl Into<Literal>) -> Condition {
        self.compare("!=", value)
    }

    /// `<`.
    pub fn lt(self, value: impl Into<Literal>) -> Condition {
        self.compare("<", value)
    }

    /// `<=`.
    pub fn le(self, value: impl Into<Literal>) -> Condition {
        self.compare("<=", value)
    }

    /// `>`.
    pub fn gt(self, value: impl Into<Literal>) -> Condition {
        self.compare(">", value)
    }

    /// `>=`.
    pub fn ge(self, value: impl Into<Literal>) -> Condition {
        self.compare(">=", value)
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
        self.compare("LIKE", Literal::pattern(pattern.as_ref()))
    }

    /// Whether the field's text begins with this text.
    pub fn starts_with(self, text: impl AsRef<str>) -> Condition {
        self.compare("LIKE", Literal::pattern_around("", text.as_ref(), "%"))
    }

    /// Whether the field's text ends in this text.
    pub fn ends_with(self, text: impl AsRef<str>) -> Condition {
        self.compare("LIKE", Literal::pattern_around("%", text.as_ref(), ""))
    }

    /// Whether the field's text holds this text.
    pub fn contains(self, text: impl AsRef<str>) -> Condition {
        self.compare("LIKE", Literal::pattern_around("%", text.as_ref(), "%"))
    }

    /// `IN`. An empty list is an error when the query is built: SOQL has none.
    pub fn is_in<T: Into<Literal>>(self, values: impl IntoIterator<Item = T>) -> Condition {
        self.list("IN", values)
    }

    /// `NOT IN`. An empty list is an error when the query is built: SOQL has none.
    pub fn is_not_in<T: Into<Literal>>(self, values: impl IntoIterator<Item = T>) -> Condition {
        self.list("NOT IN", values)
    }

    /// Orders by this field, least first, rows without a value before all others.
    pub fn asc(self) -> Order {
        Order { field: self.0, descending: false, nulls: None }
    }

    /// Orders by this field, greatest first, rows without a value after all others.
    pub fn desc(self) -> Order {
        Order { field: self.0, descending: true, nulls: None }
    }
}

/// What must hold for a row. Made by [`field`] and its comparisons.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Condition(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Compare { field: String, operator: &'static str, value: Literal },
    List { field: String, operator: &'static str, values: Vec<Literal> },
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
}

impl Condition {
    /// Both must hold.
    pub fn and(self, other: Self) -> Self {
        let mut all = match self.0 {
            Node::And(all) => all,
            node => vec![Self(node)],
        };
        match other.0 {
            Node::And(more) => all.extend(more),
            node => all.push(Self(node)),
        }
        Self(Node::And(all))
    }

    /// At least one must hold.
    pub fn or(self, other: Self) -> Self {
        let mut any = match self.0 {
            Node::Or(any) => any,
            node => vec![Self(node)],
        };
        match other.0 {
            Node::Or(more) => any.extend(more),
            node => any.push(Self(node)),
        }
        Self(Node::Or(any))
    }

    pub(crate) fn write(&self, out: &mut String) -> Result<()> {
        match &self.0 {
            Node::Compare { field, operator, value } => {
                if value.is_null() && !matches!(*operator, "=" | "!=") {
                    let message = format!("{field} {operator} null: null can only be compared by = and !=");
                    return Err(Error::new(ErrorKind::InvalidQuery, message));
                }
                push_name(field, out)?;
                out.push(' ');
                out.push_str(operator);
                out.push(' ');
                value.write(out)
            }
            Node::List { field, operator, values } => {
                push_name(field, out)?;
                if values.is_empty() {
                    let message =
                        format!("{field} {operator} (): the list is empty, which SOQL does not allow");
                    return Err(Error::new(ErrorKind::InvalidQuery, message));
                }
                out.push(' ');
                out.push_str(operator);
                for (i, value) in values.iter().enumerate() {
                    out.push_str(if i == 0 { " (" } else { ", " });
                    value.write(out)?;
                }
                out.push(')');
                Ok(())
            }
            Node::And(all) => join(all, " AND ", out),
            Node::Or(any) => join(any, " OR ", out),
            // SOQL takes NOT only at the head of a condition, so it always stands in its own parentheses.
            Node::Not(inner) => {
                out.push_str("(NOT ");
                inner.write_grouped(out)?;
                out.push(')');
                Ok(())
            }
        }
    }

    /// Writes it so that it can stand beside AND, OR and NOT: SOQL refuses a mixture without parentheses.
    fn write_grouped(&self, out: &mut String) -> Result<()> {
        let several = matches!(&self.0, Node::And(_) | Node::Or(_));
        if several {
            out.push('(');
        }
        self.write(out)?;
        if several {
            out.push(')');
        }
        Ok(())
    }
}

fn join(conditions: &[Condition], with: &str, out: &mut String) -> Result<()> {
    for (i, condition) in conditions.iter().enumerate() {
        if i > 0 {
            out.push_str(with);
        }
        condition.write_grouped(out)?;
    }
    Ok(())
}

impl Not for Condition {
    type Output = Self;

    /// The condition must not hold.
    fn not(self) -> Self {
        Self(Node::Not(Box::new(self)))
    }
}

/// Where rows without a value come in an ordering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// Before all others.
    First,
    /// After all others.
    Last,
}

/// One column of an ordering. Made by [`FieldRef::asc`] and [`FieldRef::desc`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Order {
    field: String,
    descending: bool,
    nulls: Option<Nulls>,
}

impl Order {
    /// Says where rows without a value come.
    pub fn nulls(mut self, nulls: Nulls) -> Self {
        self.nulls = Some(nulls);
        self
    }

    /// Rows without a value come before all others.
    pub fn nulls_first(self) -> Self {
        self.nulls(Nulls::First)
    }

    /// Rows without a value come after all others.
    pub fn nulls_last(self) -> Self {
        self.nulls(Nulls::Last)
    }

    pub(crate) fn write(&self, out: &mut String) -> Result<()> {
        push_name(&self.field, out)?;
        out.push_str(if self.descending { " DESC" } else { " ASC" });
        match self.nulls {
            Some(Nulls::First) => out.push_str(" NULLS FIRST"),
            Some(Nulls::Last) => out.push_str(" NULLS LAST"),
            None => {}
        }
        Ok(())
    }
}

impl From<FieldRef> for Order {
    fn from(field: FieldRef) -> Self {
        field.asc()
    }
}

/// The most parents that a dotted name may pass through (SOQL reference, "Relationship query limitations").
const MAX_PARENTS: usize = 5;

/// Appends an object's name, or says why it is none.
pub(crate) fn push_object(name: &str, out: &mut String) -> Result<()> {
    if name.contains('.') {
        let shown: String = name.chars().take(60).collect();
        let message = format!("{shown:?} is not a name of an object: it has a dot");
        return Err(Error::new(ErrorKind::InvalidQuery, message));
    }
    push_name(name, out)
}

/// Appends a name, or says why it is none. Nothing else of a query comes from text of the caller.
pub(crate) fn push_name(name: &str, out: &mut String) -> Result<()> {
    let refuse = |why: &str| {
        let shown: String = name.chars().take(60).collect();
        Err(Error::new(ErrorKind::InvalidQuery, format!("{shown:?} is not a name: {why}")))
    };
    for part in name.split('.') {
        if !part.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return refuse("each part has to begin with a letter");
        }
        if let Some(c) = part.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '_') {
            return refuse(&format!("{c:?} is neither a letter, a digit nor an underscore"));
        }
    }
    if name.split('.').count() > MAX_PARENTS + 1 {
        return refuse("it passes through more than 5 parents");
    }
    out.push_str(name);
    Ok(())
}
