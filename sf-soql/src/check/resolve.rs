//! From a dotted name to the field that it means.

use std::sync::Arc;

use crate::cache::DescribeCache;
use crate::describe::Describe;
use crate::error::{ErrorKind, Result, did_you_mean};

use super::uses::{Role, Use};
use super::{Problem, ProblemKind};

pub(super) enum Found {
    /// The object, and the field's place in its describe.
    Field(Arc<Describe>, usize),
    /// The parent may be of several objects, or the user may not see its describe.
    Unknowable,
    Nothing(Problem),
}

pub(super) async fn resolve(
    cache: &DescribeCache,
    describe: &Arc<Describe>,
    alias: Option<&str>,
    used: &Use<'_>,
) -> Result<Found> {
    let mut at = Arc::clone(describe);
    let mut parts: Vec<&str> = used.path.split('.').collect();
    let is_object = |part: &str| {
        part.eq_ignore_ascii_case(&describe.name) || alias.is_some_and(|a| a.eq_ignore_ascii_case(part))
    };
    // The object's own name, or its alias, may stand first: `Account.Name` of accounts.
    if parts.len() > 1 && is_object(parts[0]) && describe.parent(parts[0]).is_none() {
        parts.remove(0);
    }
    let Some((name, parents)) = parts.split_last() else { return Ok(Found::Unknowable) };
    for parent in parents {
        let Some(reference) = at.parent(parent) else {
            let names = at.fields.iter().filter_map(|f| f.relationship_name.as_deref());
            let hint = did_you_mean(parent, names);
            return Ok(nothing(used, &format!("{} has no relationship {parent}", at.name), &hint));
        };
        let [target] = reference.reference_to.as_slice() else { return Ok(Found::Unknowable) };
        at = match cache.object(target).await {
            Ok(describe) => describe,
            Err(error) if error.kind() == ErrorKind::UnknownObject => return Ok(Found::Unknowable),
            Err(error) => return Err(error),
        };
    }
    if matches!(used.role, Role::Parent) {
        let field = at.fields.iter().position(|f| same(f.relationship_name.as_deref(), name));
        return Ok(match field {
            Some(field) => Found::Field(at, field),
            None => {
                let names = at.fields.iter().filter_map(|f| f.relationship_name.as_deref());
                let hint = did_you_mean(name, names);
                nothing(used, &format!("{} has no relationship {name}", at.name), &hint)
            }
        });
    }
    Ok(match at.fields.iter().position(|f| f.name.eq_ignore_ascii_case(name)) {
        Some(field) => Found::Field(at, field),
        None => {
            let hint = did_you_mean(name, at.fields.iter().map(|f| f.name.as_str()));
            nothing(used, &format!("{} has no field {name}", at.name), &hint)
        }
    })
}

fn same(relationship: Option<&str>, name: &str) -> bool {
    relationship.is_some_and(|r| r.eq_ignore_ascii_case(name))
}

fn nothing(used: &Use<'_>, what: &str, hint: &str) -> Found {
    let message = format!("{} {}: {what}, or the user may not see it.{hint}", used.role.clause(), used.path);
    Found::Nothing(Problem::new(ProblemKind::UnknownField, used.path, message))
}
