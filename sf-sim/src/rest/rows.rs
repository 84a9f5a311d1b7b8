//! `…/sobjects`: describes and single rows.

use http::header::LOCATION;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::conditional::{Stamped, WriteConditions};
use super::{Answer, Call, DataCall, blob, body, changes, event_schema, external, recent, related};
use crate::describe::{self, Place};
use crate::id::RecordId;
use crate::org::Shared;
use crate::schema::{ObjectDef, Type};
use crate::store::{Row, RowError, Store};
use crate::value::Cell;

/// The rows seen last that an object's basic information tells.
const RECENT: usize = 5;

/// Routes below `…/sobjects/`.
pub(super) fn route(org: &Shared, data: &DataCall<'_>, parts: &[&str]) -> Answer {
    let method = &data.call.method;
    let get = matches!(*method, Method::GET | Method::HEAD);
    match parts {
        [] if get => describe_global(org, data),
        [] => Answer::not_allowed(method, "GET,HEAD"),
        [name] => match *method {
            Method::POST => create(org, data, name),
            _ if get => basic(org, data, name),
            _ => Answer::not_allowed(method, "GET,HEAD,POST"),
        },
        [name, "describe"] if get => describe(org, data, name),
        [_, "describe"] => Answer::not_allowed(method, "GET,HEAD"),
        [name, what @ ("updated" | "deleted")] if get => changes::route(org, data, name, what),
        [_, "updated" | "deleted"] => Answer::not_allowed(method, "GET,HEAD"),
        [name, "eventSchema"] => event_schema::by_name(org, data, name),
        // Documented for clients that upsert by external ids of all kinds: a row that has no id yet.
        [name, "Id"] if *method == Method::POST && data.version.0 >= 37 => create(org, data, name),
        [name, id] => row(org, data, name, id),
        // Layouts, compact layouts and the like are not emulated; they are no external ids either.
        [_, "describe", _] => Answer::not_found(),
        [name, id, field] if get && blob::is_blob(org, name, field) => blob::read(org, name, id, field),
        [name, id, relationship, ..] if related::leads(org, data, name, id, relationship) => {
            related::route(org, data, name, id, parts.get(2..).unwrap_or_default())
        }
        [name, field, value] => external::route(org, data, name, field, value),
        _ => Answer::not_found(),
    }
}

fn describe_global(org: &Shared, data: &DataCall<'_>) -> Answer {
    let changed = org.read(|store| store.catalog().last_modified_ms());
    let stamped = Stamped::of("sobjects", changed);
    stamped.settles_describe(data.call).unwrap_or_else(|| {
        let render = |place: &Place<'_>| org.read(|store| describe::describe_global(store.catalog(), place));
        stamped.told(Answer::ok(&placed(org, data, render)))
    })
}

fn describe(org: &Shared, data: &DataCall<'_>, name: &str) -> Answer {
    let Some(object) = org.read(|store| store.catalog().get(name).cloned()) else {
        return Answer::not_found();
    };
    let stamped = Stamped::of(&object.name, object.last_modified_ms);
    stamped.settles_describe(data.call).unwrap_or_else(|| {
        let render =
            |place: &Place<'_>| org.read(|store| describe::describe(&object, store.catalog(), place));
        stamped.told(Answer::ok(&placed(org, data, render)))
    })
}

fn basic(org: &Shared, data: &DataCall<'_>, name: &str) -> Answer {
    let Some(object) = org.read(|store| store.catalog().get(name).cloned()) else {
        return Answer::not_found();
    };
    let now = org.clock.now_ms();
    let seen = org.read(|store| recent::items(store, std::iter::once(&*object), data, now, RECENT));
    Answer::ok(&placed(org, data, |place| describe::sobject_basic(&object, place, &seen)))
}

fn placed(org: &Shared, data: &DataCall<'_>, render: impl FnOnce(&Place<'_>) -> Value) -> Value {
    let version = format!("{}.0", data.version.0);
    let instance_url = org.state().moved.as_ref().map_or(&data.call.base, |moved| &moved.to).clone();
    render(&Place { version: &version, instance_url: &instance_url })
}

fn create(org: &Shared, data: &DataCall<'_>, name: &str) -> Answer {
    let Some(object) = org.read(|store| store.catalog().get(name).cloned()) else {
        return Answer::not_found();
    };
    let body = match row_members(data.call) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    match data.write(org, |store| store.insert_json(&object.name, &body, data.session.user)) {
        Ok(id) => {
            let body = json!({ "id": id.to_string(), "success": true, "errors": [] });
            Answer::json(StatusCode::CREATED, &body).with(LOCATION, row_url(data, &object, id))
        }
        Err(error) => Answer::row_error(&error),
    }
}

pub(super) fn row_url(data: &DataCall<'_>, object: &ObjectDef, id: RecordId) -> String {
    format!("/services/data/{}/sobjects/{}/{id}", data.version, object.name)
}

fn row(org: &Shared, data: &DataCall<'_>, name: &str, id: &str) -> Answer {
    let Some(object) = org.read(|store| store.catalog().get(name).cloned()) else {
        return Answer::not_found();
    };
    let method = &data.call.method;
    if object.event {
        return Answer::not_allowed(method, "HEAD");
    }
    let Ok(id) = id.parse::<RecordId>() else { return Answer::not_found() };
    match *method {
        Method::GET | Method::HEAD => read(org, data, &object, id),
        Method::PATCH | Method::DELETE => change(org, data, &object, id),
        _ => Answer::not_allowed(method, "DELETE,GET,HEAD,PATCH"),
    }
}

/// PATCH and DELETE of a row.
pub(super) fn change(org: &Shared, data: &DataCall<'_>, object: &ObjectDef, id: RecordId) -> Answer {
    let done = if data.call.method == Method::DELETE {
        let deleted = data.write(org, |store| store.delete(&object.name, id, data.session.user));
        deleted.map_err(|error| Answer::row_error(&error))
    } else {
        update(org, data, object, id)
    };
    done.map_or_else(|refused| refused, |()| Answer::empty(StatusCode::NO_CONTENT))
}

fn update(org: &Shared, data: &DataCall<'_>, object: &ObjectDef, id: RecordId) -> Result<(), Answer> {
    let body = row_members(data.call)?;
    let conditions = WriteConditions::of(data.call)?;
    data.write(org, |store| {
        conditions.met_by(store, object, id)?;
        let updated = store.update_json(&object.name, id, &body, data.session.user);
        updated.map_err(|error| Answer::row_error(&error))
    })
}

pub(super) fn read(org: &Shared, data: &DataCall<'_>, object: &ObjectDef, id: RecordId) -> Answer {
    let now = org.clock.now_ms();
    org.read(|store| {
        let row = match readable(store, object, id, now) {
            Ok(row) => row,
            Err(refused) => return refused,
        };
        let stamped = Stamped::of_row(object, row);
        if let Some(settled) = stamped.as_ref().and_then(|stamped| stamped.settles(data.call)) {
            return settled;
        }
        let wanted = data.call.parameter("fields");
        match record(data, object, row, wanted.as_deref()) {
            Ok(body) => {
                let answer = Answer::ok(&body);
                match stamped {
                    Some(stamped) => stamped.told(answer),
                    None => answer,
                }
            }
            Err(error) => Answer::row_error(&error),
        }
    })
}

fn readable<'a>(store: &'a Store, object: &ObjectDef, id: RecordId, now: i64) -> Result<&'a Row, Answer> {
    let row = store.get(&object.name, id, now).ok_or_else(Answer::not_found)?;
    if row.is_deleted() {
        return Err(Answer::row_error(&RowError::new("ENTITY_IS_DELETED", "entity is deleted")));
    }
    Ok(row)
}

/// The places of the fields that `?fields=` names; without it, of all.
pub(super) fn columns(object: &ObjectDef, wanted: Option<&str>) -> Result<Vec<usize>, RowError> {
    let Some(names) = wanted else { return Ok((0..object.fields().len()).collect()) };
    let place = |name: &str| {
        object.field(name.trim()).map(|(at, _)| at).ok_or_else(|| {
            let message = format!("No such column '{name}' on sobject of type {}", object.name);
            RowError::new("INVALID_FIELD", message)
        })
    };
    names.split(',').map(place).collect()
}

pub(super) fn record(
    data: &DataCall<'_>,
    object: &ObjectDef,
    row: &Row,
    wanted: Option<&str>,
) -> Result<Value, RowError> {
    let places = columns(object, wanted)?;
    let url = format!("/services/data/{}/sobjects/{}/{}", data.version, object.name, row.id());
    let mut body = Map::new();
    body.insert("attributes".to_owned(), json!({ "type": object.name, "url": url }));
    for at in places {
        let Some(field) = object.fields().get(at) else { continue };
        let value = match field.ty {
            Type::Address | Type::Location => row.compound_json(object, at),
            Type::Base64 if !row.get(at).is_null() => format!("{url}/{}", field.name).into(),
            Type::EncryptedString => match row.get(at) {
                Cell::Text(text) => field.masked(text).into(),
                cell => cell.to_json(),
            },
            _ => row.get(at).to_json(),
        };
        body.insert(field.name.clone(), value);
    }
    Ok(Value::Object(body))
}

/// The members of a body that is JSON, or a form of JSON and files.
fn row_members(call: &Call) -> Result<Map<String, Value>, Answer> {
    blob::members(call).unwrap_or_else(|| body::members(call))
}
