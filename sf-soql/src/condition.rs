//! Conditions, as values.

use std::fmt;
use std::ops::Not;

use crate::error::{Error, ErrorKind, Result};
use crate::expr::Expr;
use crate::literal::Literal;
use crate::select::{Place, Select};

/// How a field and a value are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    In,
    NotIn,
    Includes,
    Excludes,
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Like => "LIKE",
            Self::In => "IN",
            Self::NotIn => "NOT IN",
            Self::Includes => "INCLUDES",
            Self::Excludes => "EXCLUDES",
        })
    }
}

/// What must hold for a row, or, in `HAVING`, for a group. Made by [`field`](crate::field), the
/// [functions](crate::function), and their comparisons.
///
/// ```
/// use sf_soql::{Select, field};
///
/// let warm = field("Rating").eq("Hot").or(field("Rating").eq("Warm"));
/// let soql = Select::from("Lead").field("Id").filter(warm.and(!field("City").starts_with("X"))).build()?;
/// assert_eq!(
///     soql,
///     "SELECT Id FROM Lead WHERE (Rating = 'Hot' OR Rating = 'Warm') AND (NOT City LIKE 'X%')"
/// );
/// # Ok::<(), sf_soql::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Condition(pub(crate) Node);

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Compare { of: Expr, operator: Operator, value: Literal },
    List { of: Expr, operator: Operator, values: Vec<Literal> },
    Join { of: Expr, operator: Operator, select: Box<Select> },
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
}

impl Condition {
    pub(crate) fn compare(of: Expr, operator: Operator, value: Literal) -> Self {
        Self(Node::Compare { of, operator, value })
    }

    pub(crate) fn list(of: Expr, operator: Operator, values: Vec<Literal>) -> Self {
        Self(Node::List { of, operator, values })
    }

    pub(crate) fn join(of: Expr, operator: Operator, select: Select) -> Self {
        Self(Node::Join { of, operator, select: Box::new(select) })
    }

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

    /// Every comparison within, whatever it is a part of.
    pub(crate) fn comparisons<'c>(&'c self, each: &mut dyn FnMut(&'c Node)) {
        match &self.0 {
            Node::And(parts) | Node::Or(parts) => parts.iter().for_each(|part| part.comparisons(each)),
            Node::Not(inner) => inner.comparisons(each),
            leaf => each(leaf),
        }
    }

    pub(crate) fn write(&self, out: &mut String) -> Result<()> {
        match &self.0 {
            Node::Compare { of, operator, value } => {
                let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
                if value.is_null() && !equality {
                    let name = of.field_name().unwrap_or("COUNT()");
                    return Err(invalid(format!(
                        "{name} {operator} null: null can only be compared by = and !="
                    )));
                }
                of.write(out)?;
                out.push_str(&format!(" {operator} "));
                value.write(out)
            }
            Node::List { of, operator, values } => {
                of.write(out)?;
                if values.is_empty() {
                    let name = of.field_name().unwrap_or("COUNT()");
                    return Err(invalid(format!(
                        "{name} {operator} (): the list is empty, which SOQL does not allow"
                    )));
                }
                out.push_str(&format!(" {operator} "));
                for (i, value) in values.iter().enumerate() {
                    out.push_str(if i == 0 { "(" } else { ", " });
                    value.write(out)?;
                }
                out.push(')');
                Ok(())
            }
            Node::Join { of, operator, select } => {
                of.write(out)?;
                out.push_str(&format!(" {operator} ("));
                select.write(Place::Join, out)?;
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

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
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
