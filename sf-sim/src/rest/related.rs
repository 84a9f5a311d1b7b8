//! `…/sobjects/X/<id>/<relationship>…`: related rows by friendly URLs.

use std::sync::Arc;

use http::Method;

use super::{Answer, DataCall, query, rows};
use crate::id::RecordId;
use crate::org::Shared;
use crate::schema::{Catalog, ObjectDef};
use crate::soql::Scope;
use crate::store::Store;
use crate::value::Cell;

/// The first version with this resource [REST API guide, "sObject Relationships"].
const SINCE: u32 = 36;
/// So many relationships to parents one URL may go through: as many as a path of SOQL.
const LEVELS: usize = 5;

/// Whether a path goes on behind a row's id with the name of a relationship. Ids and names of fields share no form.
pub(super) fn leads(org: &Shared, data: &DataCall<'_>, name: &str, id: &str, relationship: &str) -> bool {
    let Ok(id) = id.parse::<RecordId>() else { return false };
    data.version.0 >= SINCE
        && org.read(|store| {
            let catalog = store.catalog();
            let object = catalog.get(name).filter(|object| object.key_prefix.as_str() == id.key_prefix());
            object.is_some_and(|object| {
                object.relationship(relationship).is_some()
                    || catalog.child(&object.name, relationship).is_some()
            })
        })
}

/// What a way ends at.
enum End {
    Row(Arc<ObjectDef>, RecordId),
    /// The rows of an object whose field of this name points to the row.
    Children(Arc<ObjectDef>, String, RecordId),
}

pub(super) fn route(org: &Shared, data: &DataCall<'_>, name: &str, id: &str, way: &[&str]) -> Answer {
    let method = &data.call.method;
    let get = matches!(*method, Method::GET | Method::HEAD);
    let now = org.clock.now_ms();
    match org.read(|store| walk(store, name, id, way, now)) {
        None => Answer::not_found(),
        Some(End::Row(object, id)) => match *method {
            _ if get => rows::read(org, data, &object, id),
            Method::PATCH | Method::DELETE => rows::change(org, data, &object, id),
            _ => Answer::not_allowed(method, "DELETE,GET,HEAD,PATCH"),
        },
        Some(End::Children(object, field, id)) if get => children(org, data, &object, &field, id),
        Some(End::Children(..)) => Answer::not_allowed(method, "GET,HEAD"),
    }
}

/// Where a way from a row leads; nowhere if a row on it is gone, or points to none.
fn walk(store: &Store, name: &str, id: &str, way: &[&str], now: i64) -> Option<End> {
    let catalog: &Catalog = store.catalog();
    let mut object = Arc::clone(catalog.get(name)?);
    let mut id: RecordId = id.parse().ok()?;
    for (at, step) in way.iter().enumerate() {
        let row = store.get(&object.name, id, now).filter(|row| !row.is_deleted())?;
        let Some((place, _)) = object.relationship(step).filter(|_| at < LEVELS) else {
            // Children have no one row to go on from.
            let (child, field) = catalog.child(&object.name, step).filter(|_| at + 1 == way.len())?;
            return Some(End::Children(Arc::clone(child), field.name.clone(), id));
        };
        let Cell::Id(parent) = row.get(place) else { return None };
        object = Arc::clone(catalog.by_key_prefix(parent.key_prefix())?);
        id = parent;
    }
    Some(End::Row(object, id))
}

/// The answer is that of a query, with its pages.
fn children(org: &Shared, data: &DataCall<'_>, object: &ObjectDef, field: &str, id: RecordId) -> Answer {
    let places = match rows::columns(object, data.call.parameter("fields").as_deref()) {
        Ok(places) => places,
        Err(error) => return Answer::row_error(&error),
    };
    let names: Vec<&str> =
        places.iter().filter_map(|at| object.fields().get(*at)).map(|field| field.name.as_str()).collect();
    let text = format!("SELECT {} FROM {} WHERE {field} = '{id}'", names.join(", "), object.name);
    match query::plan(org, &text) {
        Ok(plan) => {
            let user = Some(data.session.user);
            let scope = Scope { include_deleted: false, now_ms: org.clock.now_ms(), user };
            query::answer(org, data, Arc::new(plan), scope)
        }
        Err(error) => Answer::soql_error(&error),
    }
}
