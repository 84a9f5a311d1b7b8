//! Conditions → tests over the places of fields, with every literal checked and made ready.

use std::cmp::Ordering;

use chrono::NaiveDate;

use super::ast::{Compare, Condition, Expr, Literal, LiteralKind, Query};
use super::compare::{Case, Pattern};
use super::error::{INVALID_FIELD, INVALID_QUERY_FILTER_OPERATOR, MALFORMED_QUERY, SoqlError};
use super::operand::{Operand, Target};
use super::period::Span;
use super::resolve::Resolver;
use crate::id::RecordId;
use crate::schema::Type;
use crate::value::{Cell, Decimal};

/// How many subqueries the conditions of a query may have [SOQL reference, "Semi-Joins with IN and Anti-Joins with NOT IN"].
const MAX_JOINS: usize = 2;

/// A compiled condition. It is two-valued: what is not a match is a mismatch, also where a value is missing, so that
/// `!=` and `NOT` find the rows without a value, as they do in Salesforce.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Test(Operand, Test),
}

/// What one value is held against.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    Null,
    Boolean(bool),
    Text(Order, Box<str>, Case),
    Id(Order, RecordId),
    Number(Order, Decimal),
    Date(Order, NaiveDate),
    DateTime(Order, i64),
    Time(Order, u32),
    /// A place among the view's spans.
    Period(Order, usize),
    Like(Pattern),
    /// Sorted by [`Case::order`]; the flag says whether a missing value matches as well.
    Texts(Vec<Box<str>>, Case, bool),
    /// Sorted; the flag as above.
    Ids(Vec<RecordId>, bool),
    /// Groups of which one has to be selected whole.
    Includes(Vec<Vec<Box<str>>>),
    /// A place among the view's sets.
    Set(usize),
}

/// What tests are held against that only a run knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) spans: &'a [Span],
    pub(super) sets: &'a [Vec<RecordId>],
}

impl Filter {
    /// Whether a row or a group meets the condition; `read` gives what an operand is of it.
    pub(super) fn holds<'r>(&'r self, frame: Frame<'_>, read: &impl Fn(&'r Operand) -> Cell<'r>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(frame, read)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(frame, read)),
            Self::Not(inner) => !inner.holds(frame, read),
            Self::Test(operand, test) => test.holds(read(operand), frame),
        }
    }
}

/// The comparisons that are left when `!=` has become a negation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn holds(self, found: Ordering) -> bool {
        match self {
            Self::Equal => found.is_eq(),
            Self::Less => found.is_lt(),
            Self::LessOrEqual => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterOrEqual => found.is_ge(),
        }
    }
}

impl Test {
    fn holds(&self, cell: Cell<'_>, frame: Frame<'_>) -> bool {
        let spans = frame.spans;
        match (self, cell) {
            (Self::Null, cell) => cell.is_null(),
            // A checkbox has no third state: without a row to read it from it counts as not ticked.
            (Self::Boolean(wanted), Cell::Null) => !wanted,
            (Self::Texts(_, _, null) | Self::Ids(_, null), Cell::Null) => *null,
            (Self::Boolean(wanted), Cell::Bool(found)) => *wanted == found,
            (Self::Text(Order::Equal, wanted, case), Cell::Text(found)) => case.same(found, wanted),
            (Self::Text(order, wanted, case), Cell::Text(found)) => order.holds(case.order(found, wanted)),
            (Self::Id(order, wanted), Cell::Id(found)) => order.holds(found.cmp(wanted)),
            (Self::Number(order, wanted), Cell::Num(found)) => order.holds(found.cmp(wanted)),
            (Self::Number(order, wanted), Cell::Int(found)) => order.holds(Decimal::from(found).cmp(wanted)),
            (Self::Date(order, wanted), Cell::Date(found)) => order.holds(found.cmp(wanted)),
            (Self::DateTime(order, wanted), Cell::DateTime(found)) => order.holds(found.cmp(wanted)),
            (Self::Time(order, wanted), Cell::Time(found)) => order.holds(found.cmp(wanted)),
            (Self::Period(order, at), Cell::Date(found)) => {
                spans.get(*at).is_some_and(|s| within(*order, &found, &s.start, &s.end))
            }
            (Self::Period(order, at), Cell::DateTime(found)) => {
                spans.get(*at).is_some_and(|s| within(*order, &found, &s.start_ms, &s.end_ms))
            }
            (Self::Like(pattern), Cell::Text(found)) => pattern.matches(found),
            (Self::Texts(wanted, case, _), Cell::Text(found)) => {
                wanted.binary_search_by(|w| case.order(w, found)).is_ok()
            }
            (Self::Ids(wanted, _), Cell::Id(found)) => wanted.binary_search(&found).is_ok(),
            (Self::Includes(groups), Cell::Text(found)) => groups.iter().any(|group| {
                group.iter().all(|wanted| found.split(';').any(|f| Case::Ignored.same(f, wanted)))
            }),
            (Self::Set(at), Cell::Id(found)) => {
                frame.sets.get(*at).is_some_and(|set| set.binary_search(&found).is_ok())
            }
            _ => false,
        }
    }
}

/// A period is a stretch: before it means before its start, after it after its end.
fn within<T: Ord>(order: Order, found: &T, start: &T, end: &T) -> bool {
    match order {
        Order::Equal => found >= start && found < end,
        Order::Less => found < start,
        Order::LessOrEqual => found < end,
        Order::Greater => found >= end,
        Order::GreaterOrEqual => found >= start,
    }
}

type Compiled = Result<Filter, SoqlError>;

/// Where in the condition one is: subqueries may stand only in some places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    /// Nothing stands around.
    Top,
    /// A part of an AND around which nothing stands.
    And,
    Or,
    Not,
    Nested,
}

impl Resolver<'_> {
    pub(super) fn filter(&mut self, condition: &Condition) -> Compiled {
        self.part(condition, Within::Top)
    }

    fn part(&mut self, condition: &Condition, within: Within) -> Compiled {
        let top = within == Within::Top;
        Ok(match condition {
            Condition::And(parts) => {
                Filter::All(self.parts(parts, if top { Within::And } else { Within::Nested })?)
            }
            Condition::Or(parts) => {
                Filter::Any(self.parts(parts, if top { Within::Or } else { Within::Nested })?)
            }
            Condition::Not(inner) => Filter::Not(Box::new(self.part(inner, Within::Not)?)),
            Condition::Compare(expr, compare, literal) => {
                let found = self.filterable(expr)?;
                let (order, negated) = match compare {
                    Compare::Equal => (Order::Equal, false),
                    Compare::NotEqual => (Order::Equal, true),
                    Compare::Less => (Order::Less, false),
                    Compare::LessOrEqual => (Order::LessOrEqual, false),
                    Compare::Greater => (Order::Greater, false),
                    Compare::GreaterOrEqual => (Order::GreaterOrEqual, false),
                };
                let strict = matches!(order, Order::Less | Order::Greater);
                if matches!(found.operand, Operand::Distance(_)) && !strict {
                    let message = "DISTANCE can only be compared with the operators < and >";
                    return Err(self.error(INVALID_QUERY_FILTER_OPERATOR, expr.pos(), message));
                }
                let test = self.test(&found, expr, order, literal)?;
                negate(negated, Filter::Test(found.operand, test))
            }
            Condition::Like(expr, like) => {
                let found = self.filterable(expr)?;
                if !found.field.ty.is_text() || found.field.ty == Type::MultiPicklist {
                    return Err(self.operator(&found, expr));
                }
                let case = Case::of(found.field.case_sensitive);
                let pattern = Pattern::new(&like.text, &like.escaped, case);
                Filter::Test(found.operand, Test::Like(pattern))
            }
            Condition::In(expr, literals, negated) => {
                let found = self.filterable(expr)?;
                negate(*negated, self.list(found, expr, literals)?)
            }
            Condition::InSelect(expr, query, negated) => {
                negate(*negated, self.in_select(expr, query, within)?)
            }
            Condition::Includes(expr, literals, negated) => {
                let found = self.filterable(expr)?;
                negate(*negated, self.includes(found, expr, literals)?)
            }
        })
    }

    fn parts(&mut self, parts: &[Condition], within: Within) -> Result<Vec<Filter>, SoqlError> {
        parts.iter().map(|part| self.part(part, within)).collect()
    }

    fn in_select(&mut self, expr: &Expr, query: &Query, within: Within) -> Compiled {
        let refused = |message: &str| Err(SoqlError::plain(MALFORMED_QUERY, message));
        if self.grouping.is_some() {
            return refused("Semi-joins are only supported in WHERE clauses");
        }
        match within {
            Within::Top | Within::And => {}
            Within::Or => return refused("Semi join sub-selects are not allowed with the 'OR' operator"),
            Within::Not => return refused("Semi join sub-selects are not allowed with the 'NOT' operator"),
            Within::Nested => {
                return refused(
                    "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE expressions.",
                );
            }
        }
        let found = self.filterable(expr)?;
        let semi = super::semi::semi(self, &found, query)?;
        if self.sets.len() == MAX_JOINS {
            let message = format!("Maximum {MAX_JOINS} semi join sub-selects are allowed");
            return Err(SoqlError::plain("EXCEEDED_MAX_SEMIJOIN_SUBSELECTS", message));
        }
        self.sets.push(semi);
        Ok(Filter::Test(found.operand, Test::Set(self.sets.len() - 1)))
    }

    fn filterable(&mut self, expr: &Expr) -> Result<Target, SoqlError> {
        if self.grouping.is_some() {
            return self.slot(expr, "Field must be grouped or aggregated");
        }
        let found = self.target(expr)?;
        let message = match found.field.ty {
            Type::Address => "Address fields can only be filtered using Distance expressions".to_owned(),
            _ if found.field.filterable && !found.field.is_compound() => return Ok(found),
            _ => format!("field '{}' can not be filtered in a query call", found.field.name),
        };
        Err(self.error(INVALID_FIELD, expr.pos(), &message))
    }

    fn operator(&self, found: &Target, expr: &Expr) -> SoqlError {
        let message = format!("invalid operator on {} field", found.field.ty.as_str());
        self.error(INVALID_QUERY_FILTER_OPERATOR, expr.pos(), &message)
    }

    fn criterion(&self, found: &Target, expr: &Expr) -> SoqlError {
        let ty = found.field.ty.soap_type();
        let ty = ty.split_once(':').map_or(ty, |(_, ty)| ty);
        let quotes = if matches!(ty, "string" | "ID") { "should" } else { "should not" };
        let message = format!(
            "value of filter criterion for field '{}' must be of type {ty} and {quotes} be enclosed in quotes",
            found.field.name
        );
        self.error(INVALID_FIELD, expr.pos(), &message)
    }

    /// One comparison of a field with a literal.
    fn test(
        &mut self,
        found: &Target,
        expr: &Expr,
        order: Order,
        literal: &Literal,
    ) -> Result<Test, SoqlError> {
        let ty = found.field.ty;
        let ordered = order != Order::Equal;
        if (ty == Type::Boolean || ty == Type::MultiPicklist) && ordered {
            return Err(self.operator(found, expr));
        }
        let mismatch = || self.criterion(found, expr);
        Ok(match &literal.kind {
            // Nothing is less or greater than no value.
            LiteralKind::Null if ordered => Test::Texts(Vec::new(), Case::Told, false),
            LiteralKind::Null => Test::Null,
            LiteralKind::Boolean(b) if ty == Type::Boolean => Test::Boolean(*b),
            LiteralKind::Text(text) if matches!(ty, Type::Id | Type::Reference) => {
                Test::Id(order, self.id(text, expr)?)
            }
            // An empty text is no value.
            LiteralKind::Text(text) if ty.is_text() && text.is_empty() && !ordered => Test::Null,
            LiteralKind::Text(text) if ty.is_text() => {
                Test::Text(order, text.as_str().into(), Case::of(found.field.case_sensitive))
            }
            LiteralKind::Number(number) if ty.is_decimal() || matches!(ty, Type::Int | Type::Long) => {
                Test::Number(order, number.parse().map_err(|_| mismatch())?)
            }
            LiteralKind::Currency(_, number) if ty == Type::Currency => {
                Test::Number(order, number.parse().map_err(|_| mismatch())?)
            }
            LiteralKind::Date(date) if ty == Type::Date => Test::Date(order, *date),
            LiteralKind::DateTime(ms) if ty == Type::DateTime => Test::DateTime(order, *ms),
            LiteralKind::Time(ms) if ty == Type::Time => Test::Time(order, *ms),
            LiteralKind::Period(period) if matches!(ty, Type::Date | Type::DateTime) => {
                Test::Period(order, self.period(*period))
            }
            _ => return Err(mismatch()),
        })
    }

    fn id(&self, text: &str, expr: &Expr) -> Result<RecordId, SoqlError> {
        text.parse().map_err(|_| {
            let message = format!("invalid ID field: {text}");
            self.error(INVALID_QUERY_FILTER_OPERATOR, expr.pos(), &message)
        })
    }

    /// `IN`: one search for lists of ids and texts, which may be long, else one comparison a value.
    fn list(&mut self, found: Target, expr: &Expr, literals: &[Literal]) -> Compiled {
        let mut tests = Vec::with_capacity(literals.len());
        for literal in literals {
            tests.push(self.test(&found, expr, Order::Equal, literal)?);
        }
        let null = tests.contains(&Test::Null);
        let test = match found.field.ty {
            Type::Id | Type::Reference => {
                let ids =
                    tests.into_iter().filter_map(|t| if let Test::Id(_, id) = t { Some(id) } else { None });
                let mut ids: Vec<_> = ids.collect();
                ids.sort_unstable();
                Test::Ids(ids, null)
            }
            ty if ty.is_text() => {
                let case = Case::of(found.field.case_sensitive);
                let texts = tests
                    .into_iter()
                    .filter_map(|t| if let Test::Text(_, text, _) = t { Some(text) } else { None });
                let mut texts: Vec<_> = texts.collect();
                texts.sort_unstable_by(|a, b| case.order(a, b));
                Test::Texts(texts, case, null)
            }
            _ => {
                let tests = tests.into_iter().map(|test| Filter::Test(found.operand.clone(), test));
                return Ok(Filter::Any(tests.collect()));
            }
        };
        Ok(Filter::Test(found.operand, test))
    }

    fn includes(&self, found: Target, expr: &Expr, literals: &[Literal]) -> Compiled {
        if found.field.ty != Type::MultiPicklist {
            let message = "includes or excludes operator only valid on multipicklist field";
            return Err(self.error(INVALID_QUERY_FILTER_OPERATOR, expr.pos(), message));
        }
        let group = |literal: &Literal| match &literal.kind {
            LiteralKind::Text(text) => Ok(text.split(';').map(Into::into).collect()),
            _ => Err(self.criterion(&found, expr)),
        };
        let groups = literals.iter().map(group).collect::<Result<_, _>>()?;
        Ok(Filter::Test(found.operand.clone(), Test::Includes(groups)))
    }
}

fn negate(negated: bool, filter: Filter) -> Filter {
    if negated { Filter::Not(Box::new(filter)) } else { filter }
}
