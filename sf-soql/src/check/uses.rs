//! Which names stand where in a query.

use crate::condition::{self, Condition, Operator};
use crate::expr::{self, Expr};
use crate::function::Function;
use crate::literal::Literal;
use crate::select::{ItemNode, Select};

/// A name and what the query does with it.
pub(super) struct Use<'s> {
    /// The name, dotted where it belongs to a parent.
    pub(super) path: &'s str,
    pub(super) role: Role<'s>,
}

pub(super) enum Role<'s> {
    Select,
    /// A relationship whose fields are chosen by type.
    Parent,
    /// A field that is read of a parent of one object (`TYPEOF … THEN`).
    Case,
    /// What a function of the select list takes.
    Function(Function),
    Group,
    Order,
    /// What stands on either side of `IN (SELECT …)`.
    Join,
    Filter {
        clause: &'static str,
        operator: Operator,
        values: &'s [Literal],
        function: Option<Function>,
    },
}

impl Role<'_> {
    /// The clause, as messages name it.
    pub(super) fn clause(&self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Parent => "TYPEOF",
            Self::Case => "THEN",
            Self::Function(function) => function.name(),
            Self::Group => "GROUP BY",
            Self::Order => "ORDER BY",
            Self::Join => "IN",
            Self::Filter { clause, .. } => clause,
        }
    }
}

/// Every name of the query itself; those of queries within it are theirs.
pub(super) fn uses(select: &Select) -> Vec<Use<'_>> {
    let mut found = Vec::new();
    let mut aliases = Vec::new();
    for item in &select.items {
        match &item.0 {
            ItemNode::Expr(expr, alias) => {
                aliases.extend(alias.as_deref());
                push(&mut found, expr, |expr| expr.function().map_or(Role::Select, Role::Function));
            }
            ItemNode::TypeOf(type_of) => {
                found.push(Use { path: &type_of.relationship, role: Role::Parent });
            }
            ItemNode::Fields(_) | ItemNode::Child(_) => {}
        }
    }
    filter(&mut found, "WHERE", select.filter.as_ref());
    filter(&mut found, "HAVING", select.having.as_ref());
    for (_, by) in &select.group {
        push(&mut found, by, plain(Role::Group));
    }
    for order in &select.order {
        let alias = order.by.field_name().is_some_and(|n| aliases.iter().any(|a| a.eq_ignore_ascii_case(n)));
        if !alias {
            push(&mut found, &order.by, plain(Role::Order));
        }
    }
    found
}

/// The role for a plain field; a function of a field answers for itself.
fn plain<'s>(role: Role<'s>) -> impl FnOnce(&Expr) -> Role<'s> {
    |expr| match expr.0 {
        expr::Node::Field(_) => role,
        _ => expr.function().map_or(Role::Select, Role::Function),
    }
}

fn push<'s>(found: &mut Vec<Use<'s>>, expr: &'s Expr, role: impl FnOnce(&Expr) -> Role<'s>) {
    if let Some(path) = expr.field_name() {
        found.push(Use { path, role: role(expr) });
    }
}

fn filter<'s>(found: &mut Vec<Use<'s>>, clause: &'static str, condition: Option<&'s Condition>) {
    let Some(condition) = condition else { return };
    condition.comparisons(&mut |leaf| match leaf {
        condition::Node::Compare { of, operator, value } => push(found, of, |of| Role::Filter {
            clause,
            operator: *operator,
            values: std::slice::from_ref(value),
            function: function_of(of),
        }),
        condition::Node::List { of, operator, values } => {
            push(found, of, |of| Role::Filter {
                clause,
                operator: *operator,
                values,
                function: function_of(of),
            });
        }
        condition::Node::Join { of, .. } => push(found, of, |_| Role::Join),
        condition::Node::And(_) | condition::Node::Or(_) | condition::Node::Not(_) => {}
    });
}

/// A distance is a number, as what a function of dates gives is.
fn function_of(of: &Expr) -> Option<Function> {
    match of.0 {
        expr::Node::Distance { .. } => Some(Function::Count),
        _ => of.function(),
    }
}

/// The objects of each `TYPEOF`, with the fields that are read of them.
pub(super) fn cases(select: &Select) -> impl Iterator<Item = (&str, impl Iterator<Item = Use<'_>>)> {
    let type_ofs = select.items.iter().filter_map(|item| match &item.0 {
        ItemNode::TypeOf(type_of) => Some(&type_of.when),
        _ => None,
    });
    type_ofs
        .flatten()
        .map(|(object, fields)| (object.as_str(), fields.iter().map(|path| Use { path, role: Role::Case })))
}

/// The child queries of a query.
pub(super) fn children(select: &Select) -> impl Iterator<Item = &Select> {
    select.items.iter().filter_map(|item| match &item.0 {
        ItemNode::Child(child) => Some(&**child),
        _ => None,
    })
}

/// The queries that stand after IN.
pub(super) fn joined(select: &Select) -> impl Iterator<Item = &Select> {
    let mut found = Vec::new();
    if let Some(filter) = &select.filter {
        filter.comparisons(&mut |leaf| {
            if let condition::Node::Join { select, .. } = leaf {
                found.push(&**select);
            }
        });
    }
    found.into_iter()
}
