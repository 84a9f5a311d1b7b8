//! `…/composite/tree/X`: rows with their children, all or none.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Answer, DataCall, body};
use crate::id::RecordId;
use crate::org::Shared;
use crate::schema::ObjectDef;
use crate::store::{RowError, Store};

const MOST_ROWS: usize = 200;
const MOST_LEVELS: usize = 5;

/// The rows that failed, by their names.
type Failed = Vec<(String, RowError)>;

pub(super) fn create(org: &Shared, data: &DataCall<'_>, object: &str) -> Answer {
    let Some(object) = org.read(|store| store.catalog().get(object).cloned()) else {
        return Answer::not_found();
    };
    let body = match body::members(data.call) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let Some(records) = body.get("records").and_then(Value::as_array) else {
        let message = "At least 1 record is required";
        return Answer::data(StatusCode::BAD_REQUEST, "REQUIRED_FIELD_MISSING", message);
    };
    let count = records.iter().map(rows_in).sum::<usize>();
    if count > MOST_ROWS {
        let message =
            format!("record limit reached. cannot submit more than {MOST_ROWS} records into this call");
        return Answer::data(StatusCode::BAD_REQUEST, "EXCEEDED_ID_LIMIT", message);
    }
    let user = data.session.user;
    let made: Result<Vec<(String, RecordId)>, Failed> = data.write(org, |store| {
        store.all_or_none(|store| {
            let (mut made, mut failed) = (Vec::new(), Vec::new());
            for record in records {
                insert(store, &object, record, None, 1, user, (&mut made, &mut failed));
            }
            if failed.is_empty() { Ok(made) } else { Err(failed) }
        })
    });
    match made {
        Ok(made) => {
            let results: Vec<Value> = made
                .into_iter()
                .map(|(name, id)| json!({ "referenceId": name, "id": id.to_string() }))
                .collect();
            Answer::json(StatusCode::CREATED, &json!({ "hasErrors": false, "results": results }))
        }
        Err(failed) => {
            let result = |(name, error): (String, RowError)| {
                let entry =
                    json!({ "statusCode": error.code, "message": error.message, "fields": error.fields });
                json!({ "referenceId": name, "errors": [entry] })
            };
            let results: Vec<Value> = failed.into_iter().map(result).collect();
            let body = json!({ "hasErrors": true, "results": results });
            Answer::json(StatusCode::BAD_REQUEST, &body)
        }
    }
}

/// How many rows a record brings, itself included.
fn rows_in(record: &Value) -> usize {
    let members = record.as_object().into_iter().flat_map(Map::values);
    1 + members.filter_map(children).flatten().map(rows_in).sum::<usize>()
}

fn children(member: &Value) -> Option<&Vec<Value>> {
    member.get("records")?.as_array()
}

fn insert(
    store: &mut Store,
    object: &ObjectDef,
    record: &Value,
    parent: Option<(&str, RecordId)>,
    level: usize,
    user: RecordId,
    told: (&mut Vec<(String, RecordId)>, &mut Failed),
) {
    let (made, failed) = told;
    let name =
        record.pointer("/attributes/referenceId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (mut row, mut below) = (Map::new(), Vec::new());
    for (member, value) in record.as_object().into_iter().flatten() {
        match children(value) {
            Some(records) => below.push((member, records)),
            None => drop(row.insert(member.clone(), value.clone())),
        }
    }
    if let Some((field, id)) = parent {
        row.insert(field.to_owned(), id.to_string().into());
    }
    let inserted = if level > MOST_LEVELS {
        Err(RowError::new("INVALID_INPUT", format!("A tree has at most {MOST_LEVELS} levels")))
    } else if name.is_empty() {
        Err(RowError::new("INVALID_INPUT", "Include a reference ID for each record in the request"))
    } else {
        store.insert_json(&object.name, &row, user)
    };
    let id = match inserted {
        Ok(id) => id,
        Err(error) => return failed.push((name, error)),
    };
    made.push((name.clone(), id));
    for (relationship, records) in below {
        let child = store.catalog().child(&object.name, relationship);
        let Some((child, field)) = child.map(|(child, field)| (child.clone(), field.name.clone())) else {
            let message = format!("No such relationship '{relationship}' on sobject of type {}", object.name);
            failed.push((name.clone(), RowError::new("INVALID_FIELD", message)));
            continue;
        };
        for record in records {
            insert(store, &child, record, Some((&field, id)), level + 1, user, (&mut *made, &mut *failed));
        }
    }
}
