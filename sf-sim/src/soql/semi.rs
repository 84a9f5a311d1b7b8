//! Subqueries in conditions: semi-joins and anti-joins.

use std::sync::Arc;

use super::ast::{Condition, Expr, Item, Query, Select};
use super::error::{MALFORMED_QUERY, SoqlError};
use super::operand::Target;
use super::plan::{Semi, statement};
use super::resolve::{Resolver, root};
use crate::schema::Type;

/// Compiles the subquery that `left` is held against.
pub(super) fn semi(outer: &Resolver<'_>, left: &Target, query: &Query) -> Result<Semi, SoqlError> {
    let refused = |message: String| Err(SoqlError::plain(MALFORMED_QUERY, message));
    let object = root(query, outer.catalog)?;
    if query.condition.as_ref().is_some_and(has_select) {
        return refused("Nesting of semi join sub-selects is not supported".to_owned());
    }
    let cut = query.limit.is_some() || query.offset.is_some() || !query.order.is_empty();
    let items = match &query.select {
        Select::Items(items) if !cut && query.group.is_none() => items.as_slice(),
        // That they are refused is documented, in which words is not.
        _ => {
            let message = "Semi join sub-selects cannot use GROUP BY, ORDER BY, LIMIT, OFFSET or COUNT";
            return refused(message.to_owned());
        }
    };
    let one_field = || {
        SoqlError::plain(
            MALFORMED_QUERY,
            "Semi join sub-selects must have exactly one field in the select list",
        )
    };
    let [Item::Value(Expr::Field(_), None)] = items else { return Err(one_field()) };
    let is_id = |ty| matches!(ty, Type::Id | Type::Reference);
    if !is_id(left.field.ty) {
        return refused(format!(
            "The left operand field in the where expression for outer query should be an id field, cannot use: '{}'",
            left.names.join(".")
        ));
    }
    let plan = statement(query, object.clone(), outer.catalog, 1)?;
    let right = plan.columns().first().cloned().ok_or_else(one_field)?;
    if !is_id(right.field().ty) {
        return refused(format!(
            "semi join sub-selects can only query id fields, cannot use: '{}'",
            right.header()
        ));
    }
    if object.name == outer.object.name {
        return refused("The inner and outer selects should not be on the same object type".to_owned());
    }
    let owner = left.names.len() == 1;
    let points_to = |ty, own: &str, to: &[String]| {
        if ty == Type::Id { vec![own.to_owned()] } else { to.to_vec() }
    };
    let lefts =
        points_to(left.field.ty, if owner { &outer.object.name } else { "" }, &left.field.reference_to);
    let rights = points_to(
        right.field().ty,
        if right.path().len() == 1 { &object.name } else { "" },
        &right.field().reference_to,
    );
    // An id that is reached through a parent is of an object that its name does not tell.
    let known = !lefts.iter().chain(&rights).any(String::is_empty);
    if known && !lefts.iter().any(|object| rights.contains(object)) {
        return refused(format!(
            "The selected field '{}.{}' in the subquery and the left operand field in the where expression in the outer query '{}.{}' should point to the same object type",
            object.name,
            right.header(),
            outer.object.name,
            left.names.join(".")
        ));
    }
    Ok(Semi { plan: Arc::new(plan), operand: right.operand })
}

fn has_select(condition: &Condition) -> bool {
    match condition {
        Condition::And(parts) | Condition::Or(parts) => parts.iter().any(has_select),
        Condition::Not(inner) => has_select(inner),
        Condition::InSelect(..) => true,
        _ => false,
    }
}
