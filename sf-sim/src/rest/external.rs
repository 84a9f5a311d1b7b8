//! `…/sobjects/X/<field>/<value>`: a row by the value of an external id.

use http::header::LOCATION;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::conditional::WriteConditions;
use super::{Answer, DataCall, body, rows};
use crate::id::RecordId;
use crate::org::Shared;
use crate::schema::{FieldDef, ObjectDef, Type};
use crate::store::{Row, RowError, Store, from_text, value_key};

/// The version from which an upsert that changed a row answers with a body.
const TELLS_CREATED: u32 = 46;

pub(super) fn route(org: &Shared, data: &DataCall<'_>, name: &str, field: &str, value: &str) -> Answer {
    let Some(object) = org.read(|store| store.catalog().get(name).cloned()) else {
        return Answer::not_found();
    };
    let method = &data.call.method;
    if !matches!(*method, Method::GET | Method::HEAD | Method::PATCH | Method::DELETE) {
        return Answer::not_allowed(method, "DELETE,GET,HEAD,PATCH");
    }
    match *method {
        Method::PATCH => upsert(org, data, &object, (field, value)),
        Method::DELETE => {
            // Looked up and deleted under one lock: nobody changes the row between.
            let deleted = data.write(org, |store| {
                let id = one(matches(store, &object, field, value))?.ok_or(NotOne::None)?;
                store.delete(&object.name, id, data.session.user).map_err(NotOne::Refused)
            });
            match deleted {
                Ok(()) => Answer::empty(StatusCode::NO_CONTENT),
                Err(not) => not.answer(data, &object),
            }
        }
        _ => match one(org.read(|store| matches(store, &object, field, value))) {
            Ok(Some(id)) => rows::read(org, data, &object, id),
            Ok(None) => Answer::not_found(),
            Err(not) => not.answer(data, &object),
        },
    }
}

/// Why there is no one row to write.
enum NotOne {
    None,
    Several(Vec<RecordId>),
    Refused(RowError),
    /// The row is another than the caller meant.
    Unmet(Answer),
}

impl NotOne {
    fn answer(self, data: &DataCall<'_>, object: &ObjectDef) -> Answer {
        match self {
            Self::None => Answer::not_found(),
            Self::Several(ids) => {
                let urls = ids.iter().map(|id| rows::row_url(data, object, *id).into()).collect();
                Answer::json(StatusCode::MULTIPLE_CHOICES, &Value::Array(urls))
            }
            Self::Refused(error) => Answer::row_error(&error),
            Self::Unmet(refused) => refused,
        }
    }
}

fn one(found: Result<Vec<RecordId>, RowError>) -> Result<Option<RecordId>, NotOne> {
    let ids = found.map_err(NotOne::Refused)?;
    if ids.len() > 1 { Err(NotOne::Several(ids)) } else { Ok(ids.first().copied()) }
}

fn upsert(org: &Shared, data: &DataCall<'_>, object: &ObjectDef, key: (&str, &str)) -> Answer {
    let body = match body::members(data.call) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    if let Some(own) = body.keys().find(|name| name.eq_ignore_ascii_case(key.0)) {
        let message = format!("The {own} field should not be specified in the sobject data.");
        return Answer::row_error(&RowError::new("INVALID_FIELD", message));
    }
    let insert_forbidden = data.call.parameter("updateOnly").is_some_and(|value| value == "true");
    // Looked up and written under one lock: two upserts that meet make one row.
    let conditions = match WriteConditions::of(data.call) {
        Ok(conditions) => conditions,
        Err(refused) => return refused,
    };
    let written = data.write(org, |store| {
        let found = one(matches(store, object, key.0, key.1))?;
        let met = found.map_or_else(|| conditions.met_by_none(), |id| conditions.met_by(store, object, id));
        met.map_err(NotOne::Unmet)?;
        if found.is_none() && insert_forbidden {
            return Err(NotOne::None);
        }
        let id = write(store, object, key, found, body, data.session.user).map_err(NotOne::Refused)?;
        Ok((id, found.is_none()))
    });
    match written {
        Ok((id, created)) => {
            if !created && data.version.0 < TELLS_CREATED {
                return Answer::empty(StatusCode::NO_CONTENT);
            }
            let mut body = json!({ "id": id.to_string(), "success": true, "errors": [] });
            if data.version.0 >= TELLS_CREATED {
                body["created"] = created.into();
            }
            if created {
                Answer::json(StatusCode::CREATED, &body).with(LOCATION, rows::row_url(data, object, id))
            } else {
                Answer::ok(&body)
            }
        }
        Err(not) => not.answer(data, object),
    }
}

/// Changes the row that was found, or adds one with the value.
pub(super) fn write(
    store: &mut Store,
    object: &ObjectDef,
    (field, value): (&str, &str),
    found: Option<RecordId>,
    mut body: Map<String, Value>,
    user: RecordId,
) -> Result<RecordId, RowError> {
    match found {
        Some(id) => store.update_json(&object.name, id, &body, user).map(|()| id),
        None => {
            let typed = key_field(object, field)?;
            let value = from_text(typed, value).map(|value| value.to_json()).unwrap_or_else(|_| value.into());
            body.insert(typed.name.clone(), value);
            store.insert_json(&object.name, &body, user)
        }
    }
}

/// The field, where rows can be found by it.
pub(super) fn key_field<'o>(object: &'o ObjectDef, name: &str) -> Result<&'o FieldDef, RowError> {
    let field = object.field(name).map(|(_, field)| field);
    field.filter(|field| field.external_id || field.id_lookup).ok_or_else(|| {
        let message = format!("Provided external ID field does not exist or is not accessible: {name}");
        RowError::new("NOT_FOUND", message)
    })
}

/// The rows that have a value in a field, the deleted ones left out.
pub(super) fn matches(
    store: &Store,
    object: &ObjectDef,
    field: &str,
    value: &str,
) -> Result<Vec<RecordId>, RowError> {
    let key = key_field(object, field)?;
    let (Some((at, _)), Some(table)) = (object.field(&key.name), store.table(&object.name)) else {
        return Ok(Vec::new());
    };
    // A value that the field cannot have is that of no row.
    let Ok(wanted) = from_text(key, value) else { return Ok(Vec::new()) };
    if key.ty == Type::Id
        && let crate::value::Value::Id(id) = wanted
    {
        let row = table.latest(id).filter(|row| !row.is_deleted());
        return Ok(row.map(|row| row.id()).into_iter().collect());
    }
    if let Some(found) = table.rows_with(at, &wanted.as_cell()) {
        return Ok(found);
    }
    let Some(wanted) = value_key(&wanted.as_cell(), key.case_sensitive) else { return Ok(Vec::new()) };
    let same = |row: &&std::sync::Arc<Row>| {
        !row.is_deleted() && value_key(&row.get(at), key.case_sensitive).as_ref() == Some(&wanted)
    };
    Ok(table.rows().filter(same).map(|row| row.id()).collect())
}
