//! What SOQL does not take together: found here, since orgs name it late and in riddles
//! (SOQL reference, "SOQL and SOSL limits", "Semi-joins and anti-joins", "FIELDS()").

use crate::condition::{self, Condition};
use crate::error::{Error, ErrorKind, Result};
use crate::expr;

use super::clause::GroupKind;
use super::item::{self, Fields};
use super::{Place, Select};

/// The most rows that OFFSET may pass over.
const MAX_OFFSET: u32 = 2_000;
/// The most rows of `FIELDS(ALL)` and `FIELDS(CUSTOM)`.
const MAX_UNBOUNDED: u32 = 200;
/// The most semi-joins and anti-joins of a query.
const MAX_JOINS: usize = 2;
/// The most child relationships of a query.
const MAX_CHILDREN: usize = 20;
/// The most fields of a ROLLUP or CUBE.
const MAX_SUBTOTALS: usize = 3;

pub(super) fn check(select: &Select, place: Place) -> Result<()> {
    let object = &select.object;
    let refuse = |why: &str| Err(Error::new(ErrorKind::InvalidQuery, format!("the query of {object} {why}")));
    if select.items.is_empty() {
        return refuse("selects no fields");
    }
    let counts_rows =
        |i: &item::Item| matches!(&i.0, item::Node::Expr(expr::Expr(expr::Node::Call(_, None)), _));
    if select.items.iter().any(counts_rows) && select.items.len() > 1 {
        return refuse("selects more than COUNT(), which stands alone: use COUNT(Id) beside other fields");
    }
    let unbounded = |i: &item::Item| matches!(i.0, item::Node::Fields(Fields::All | Fields::Custom));
    if select.items.iter().any(unbounded) && select.limit.is_none_or(|limit| limit > MAX_UNBOUNDED) {
        return refuse("selects FIELDS(ALL) or FIELDS(CUSTOM), which need a LIMIT of at most 200");
    }
    let children = select.items.iter().filter(|i| matches!(i.0, item::Node::Child(_))).count();
    if children > MAX_CHILDREN {
        return refuse("reads more than 20 child relationships");
    }
    if select.offset.is_some_and(|rows| rows > MAX_OFFSET) {
        return refuse("has an OFFSET above 2000: order by the Id and go on after the last one instead");
    }
    check_group(select)?;
    if place != Place::Top && (select.all_rows || !select.with.is_empty() || select.scope.is_some()) {
        return refuse("is a part of another, where ALL ROWS, WITH and USING SCOPE cannot stand");
    }
    if place == Place::Join {
        check_join(select)?;
    }
    check_joins(select)
}

fn check_group(select: &Select) -> Result<()> {
    let object = &select.object;
    let refuse = |why: &str| Err(Error::new(ErrorKind::InvalidQuery, format!("the query of {object} {why}")));
    let kind = select.group.first().map(|(kind, _)| *kind);
    if select.group.iter().any(|(k, _)| Some(*k) != kind) {
        return refuse("groups in more than one way: SOQL takes fields, one ROLLUP or one CUBE");
    }
    let subtotals = matches!(kind, Some(GroupKind::Rollup | GroupKind::Cube));
    if subtotals && select.group.len() > MAX_SUBTOTALS {
        return refuse("makes subtotals over more than 3 fields");
    }
    if select.having.is_some() && kind.is_none() {
        return refuse("has HAVING without GROUP BY");
    }
    Ok(())
}

/// What a query may not have that stands after IN.
fn check_join(select: &Select) -> Result<()> {
    let object = &select.object;
    let refuse = |why: &str| {
        Err(Error::new(ErrorKind::InvalidQuery, format!("the query of {object} stands after IN and {why}")))
    };
    let one_field = match select.items.as_slice() {
        [one] => matches!(&one.0, item::Node::Expr(expr::Expr(expr::Node::Field(_)), None)),
        _ => false,
    };
    if !one_field {
        return refuse("has to select one field, an id or a reference");
    }
    if !select.order.is_empty() || select.limit.is_some() || select.offset.is_some() {
        return refuse("cannot have ORDER BY, LIMIT or OFFSET");
    }
    if joins(select.filter.as_ref()) > 0 {
        return refuse("cannot have an IN (SELECT …) of its own");
    }
    Ok(())
}

fn joins(condition: Option<&Condition>) -> usize {
    let mut found = 0;
    if let Some(condition) = condition {
        condition.comparisons(&mut |leaf| found += usize::from(matches!(leaf, condition::Node::Join { .. })));
    }
    found
}

fn check_joins(select: &Select) -> Result<()> {
    let object = &select.object;
    let refuse = |why: &str| Err(Error::new(ErrorKind::InvalidQuery, format!("the query of {object} {why}")));
    if joins(select.filter.as_ref()) > MAX_JOINS {
        return refuse("has more than two IN (SELECT …)");
    }
    if select.filter.as_ref().is_some_and(join_is_below_or_and_not) {
        return refuse(
            "has IN (SELECT …) below OR or NOT, where SOQL does not take it: NOT IN has a form of its own",
        );
    }
    if joins(select.having.as_ref()) > 0 {
        return refuse("has IN (SELECT …) in HAVING");
    }
    Ok(())
}

fn join_is_below_or_and_not(condition: &Condition) -> bool {
    match &condition.0 {
        condition::Node::And(parts) => parts.iter().any(join_is_below_or_and_not),
        condition::Node::Or(_) | condition::Node::Not(_) => joins(Some(condition)) > 0,
        _ => false,
    }
}
