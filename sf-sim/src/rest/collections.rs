//! `…/composite/sobjects`: up to 200 rows a call.

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::{self, null_is_absent};
use super::{Answer, DataCall, blob, external, rows};
use crate::events;
use crate::id::RecordId;
use crate::org::Shared;
use crate::schema::ObjectDef;
use crate::store::{RowError, Store};

/// Rows of one call.
const MOST: usize = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default, deserialize_with = "null_is_absent")]
    all_or_none: bool,
    #[serde(default, deserialize_with = "null_is_absent")]
    records: Vec<Map<String, Value>>,
}

/// What became of a row.
enum Done {
    Row(RecordId, Option<bool>),
    /// An event: checked, and published once nothing can go wrong any more.
    Event(String, Map<String, Value>),
}

pub(super) fn route(org: &Shared, data: &DataCall<'_>, parts: &[&str]) -> Answer {
    let method = &data.call.method;
    match (method.as_str(), parts) {
        ("POST", []) => written(org, data, insert),
        ("PATCH", []) => written(org, data, update),
        ("DELETE", []) => delete(org, data),
        (_, []) => Answer::not_allowed(method, "DELETE,PATCH,POST"),
        ("GET" | "HEAD" | "POST", [object]) => retrieve(org, data, object),
        (_, [_]) => Answer::not_allowed(method, "GET,HEAD,POST"),
        ("PATCH", [object, field]) => {
            let Some(def) = org.read(|store| store.catalog().get(object).cloned()) else {
                return Answer::not_found();
            };
            match external::key_field(&def, field) {
                Ok(_) => written(org, data, |store, row, user| upsert(store, &def, field, row, user)),
                Err(error) => Answer::row_error(&error),
            }
        }
        (_, [_, _]) => Answer::not_allowed(method, "PATCH"),
        _ => Answer::not_found(),
    }
}

fn written(
    org: &Shared,
    data: &DataCall<'_>,
    write: impl Fn(&mut Store, Map<String, Value>, RecordId) -> Result<Done, RowError>,
) -> Answer {
    let members = blob::members_of_many(data.call).unwrap_or_else(|| body::members(data.call));
    let body: Body = match members.and_then(body::shaped) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    if let Some(refused) = miscounted(body.records.len()) {
        return refused;
    }
    let user = data.session.user;
    let records = body.records.into_iter();
    let outcomes = all(org, data, body.all_or_none, records, |store, row| write(store, row, user));
    told(org, outcomes)
}

fn delete(org: &Shared, data: &DataCall<'_>) -> Answer {
    let ids = data.call.parameter("ids").unwrap_or_default();
    let ids: Vec<&str> = ids.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
    if let Some(refused) = miscounted(ids.len()) {
        return refused;
    }
    let all_or_none =
        data.call.parameter("allOrNone").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let user = data.session.user;
    let outcomes = all(org, data, all_or_none, ids.into_iter(), |store, text| {
        let id = parsed(text)?;
        let Some(object) = store.table_of(id).map(|table| table.def().name.clone()) else {
            return Err(RowError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"));
        };
        let known = store.row(&object, id).is_some();
        let gone = || RowError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
        known.then_some(()).ok_or_else(gone)?;
        store.delete(&object, id, user).map(|()| Done::Row(id, None))
    });
    told(org, outcomes)
}

/// Writes rows one after the other under one lock. All or none: one that fails takes all back.
fn all<R>(
    org: &Shared,
    data: &DataCall<'_>,
    all_or_none: bool,
    rows: impl Iterator<Item = R>,
    write: impl Fn(&mut Store, R) -> Result<Done, RowError>,
) -> Vec<Result<Done, RowError>> {
    let run = |store: &mut Store| -> Result<Vec<_>, Vec<_>> {
        let outcomes: Vec<_> = rows.map(|row| write(store, row)).collect();
        let failed = all_or_none && outcomes.iter().any(Result::is_err);
        if failed { Err(outcomes) } else { Ok(outcomes) }
    };
    data.write(org, |store| store.all_or_none(run)).unwrap_or_else(|outcomes| {
        let undone = || {
            let message =
                "Record rolled back because not all records were valid and the request was using AllOrNone header";
            RowError::new("ALL_OR_NONE_OPERATION_ROLLED_BACK", message)
        };
        outcomes.into_iter().map(|outcome| outcome.and_then(|_| Err(undone()))).collect()
    })
}

fn told(org: &Shared, outcomes: Vec<Result<Done, RowError>>) -> Answer {
    let entry = |outcome: Result<Done, RowError>| match outcome {
        Ok(Done::Row(id, created)) => {
            let mut entry = json!({ "id": id.to_string(), "success": true, "errors": [] });
            if let Some(created) = created {
                entry["created"] = created.into();
            }
            entry
        }
        Ok(Done::Event(object, fields)) => match events::enqueue(org, &object, fields) {
            Ok(entry) => entry,
            Err(error) => refused(&error),
        },
        Err(error) => refused(&error),
    };
    Answer::ok(&outcomes.into_iter().map(entry).collect())
}

fn refused(error: &RowError) -> Value {
    let entry = json!({ "statusCode": error.code, "message": error.message, "fields": error.fields });
    json!({ "success": false, "errors": [entry] })
}

/// The object that a row says it is of.
fn object_of(row: &Map<String, Value>) -> Result<&str, RowError> {
    row.get("attributes").and_then(|attributes| attributes.get("type")).and_then(Value::as_str).ok_or_else(
        || RowError::new("INVALID_FIELD", "sObject type must be specified in the attributes of each record"),
    )
}

fn known(store: &Store, row: &Map<String, Value>) -> Result<std::sync::Arc<ObjectDef>, RowError> {
    let name = object_of(row)?;
    store
        .catalog()
        .get(name)
        .cloned()
        .ok_or_else(|| RowError::new("INVALID_TYPE", format!("sObject type '{name}' is not supported.")))
}

fn insert(store: &mut Store, row: Map<String, Value>, user: RecordId) -> Result<Done, RowError> {
    let object = known(store, &row)?;
    if object.event {
        let fields = events::checked(store, &object, &row, user)?;
        return Ok(Done::Event(object.name.clone(), fields));
    }
    store.insert_json(&object.name, &row, user).map(|id| Done::Row(id, None))
}

fn update(store: &mut Store, mut row: Map<String, Value>, user: RecordId) -> Result<Done, RowError> {
    let object = known(store, &row)?;
    let key = row.keys().find(|name| name.eq_ignore_ascii_case("id")).cloned();
    let text = key.and_then(|key| row.shift_remove(&key));
    let Some(text) = text.as_ref().and_then(Value::as_str) else {
        return Err(RowError::new("MISSING_ARGUMENT", "Id not specified in an update call"));
    };
    let id = parsed(text)?;
    if id.key_prefix() == object.key_prefix.as_str() && store.row(&object.name, id).is_none() {
        return Err(RowError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"));
    }
    store.update_json(&object.name, id, &row, user).map(|()| Done::Row(id, None))
}

fn upsert(
    store: &mut Store,
    object: &ObjectDef,
    field: &str,
    mut row: Map<String, Value>,
    user: RecordId,
) -> Result<Done, RowError> {
    let of = object_of(&row)?;
    if !of.eq_ignore_ascii_case(&object.name) {
        let message = format!("Record type {of} does not match the type of the request, {}", object.name);
        return Err(RowError::new("INVALID_TYPE", message));
    }
    let key = row.keys().find(|name| name.eq_ignore_ascii_case(field)).cloned();
    let value = key.and_then(|key| row.shift_remove(&key)).filter(|value| !value.is_null());
    let by_id = field.eq_ignore_ascii_case("Id");
    let Some(value) = value else {
        if by_id {
            return store.insert_json(&object.name, &row, user).map(|id| Done::Row(id, Some(true)));
        }
        return Err(RowError::new("MISSING_ARGUMENT", format!("{field} not specified")));
    };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let found = external::matches(store, object, field, &text)?;
    match found.as_slice() {
        [] if by_id => Err(RowError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")),
        [] => external::write(store, object, (field, &text), None, row, user)
            .map(|id| Done::Row(id, Some(true))),
        [id] => external::write(store, object, (field, &text), Some(*id), row, user)
            .map(|id| Done::Row(id, Some(false))),
        several => {
            let ids: Vec<&str> = several.iter().map(RecordId::as_str15).collect();
            let message = format!("More than one record found for external id field: [{}]", ids.join(", "));
            Err(RowError::new("DUPLICATE_VALUE", message))
        }
    }
}

fn retrieve(org: &Shared, data: &DataCall<'_>, name: &str) -> Answer {
    #[derive(Deserialize)]
    struct Wanted {
        #[serde(default, deserialize_with = "null_is_absent")]
        ids: Vec<String>,
        #[serde(default, deserialize_with = "null_is_absent")]
        fields: Vec<String>,
    }
    let Some(object) = org.read(|store| store.catalog().get(name).cloned()) else {
        return Answer::not_found();
    };
    let wanted = if data.call.method == Method::POST {
        match body::parsed(data.call) {
            Ok(wanted) => wanted,
            Err(refused) => return refused,
        }
    } else {
        let list = |name: &str| {
            let text = data.call.parameter(name).unwrap_or_default();
            text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
        };
        Wanted { ids: list("ids"), fields: list("fields") }
    };
    if wanted.ids.is_empty() || wanted.fields.is_empty() {
        let missing = if wanted.ids.is_empty() { "ids" } else { "fields" };
        let message = format!("The {missing} parameter is required");
        return Answer::data(StatusCode::BAD_REQUEST, "MISSING_ARGUMENT", message);
    }
    let fields = wanted.fields.join(",");
    let now = org.clock.now_ms();
    let found = org.read(|store| {
        let one = |text: &String| {
            let row = text.parse().ok().and_then(|id| store.get(&object.name, id, now));
            match row.filter(|row| !row.is_deleted()) {
                Some(row) => rows::record(data, &object, row, Some(&fields)),
                None => Ok(Value::Null),
            }
        };
        wanted.ids.iter().map(one).collect::<Result<Vec<_>, _>>()
    });
    match found {
        Ok(rows) => Answer::ok(&Value::Array(rows)),
        Err(error) => Answer::row_error(&error),
    }
}

fn parsed(text: &str) -> Result<RecordId, RowError> {
    text.parse().map_err(|_| RowError::new("MALFORMED_ID", format!("malformed id {text}")))
}

fn miscounted(rows: usize) -> Option<Answer> {
    let (code, message) = match rows {
        0 => ("REQUIRED_FIELD_MISSING", "At least 1 record is required".to_owned()),
        1..=MOST => return None,
        _ => {
            let message =
                format!("record limit reached. cannot submit more than {MOST} records into this call");
            ("EXCEEDED_ID_LIMIT", message)
        }
    };
    Some(Answer::data(StatusCode::BAD_REQUEST, code, message))
}
