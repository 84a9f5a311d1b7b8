//! Files in rows: sent as a part of a multipart body, read as bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::multipart::{self, Part};
use super::{Answer, Call, body};
use crate::id::RecordId;
use crate::org::Shared;
use crate::schema::Type;
use crate::store::RowError;
use crate::value::Cell;

/// As orgs spell it.
const BYTES: &str = "application/octetstream";

/// Whether an object has a field of this name that holds a file.
pub(super) fn is_blob(org: &Shared, object: &str, field: &str) -> bool {
    org.read(|store| {
        let found = store.catalog().get(object).and_then(|def| def.field(field).map(|(_, f)| f.ty));
        found == Some(Type::Base64)
    })
}

/// `GET …/sobjects/X/<id>/<field>`.
pub(super) fn read(org: &Shared, object: &str, id: &str, field: &str) -> Answer {
    let Ok(id) = id.parse::<RecordId>() else { return Answer::not_found() };
    let now = org.clock.now_ms();
    org.read(|store| {
        let Some((at, _)) = store.catalog().get(object).and_then(|def| def.field(field)) else {
            return Answer::not_found();
        };
        let Some(row) = store.get(object, id, now) else { return Answer::not_found() };
        if row.is_deleted() {
            return Answer::row_error(&RowError::new("ENTITY_IS_DELETED", "entity is deleted"));
        }
        let Cell::Text(text) = row.get(at) else { return Answer::not_found() };
        Answer::new(StatusCode::OK, BYTES, STANDARD.decode(text).unwrap_or_default())
    })
}

/// The members of a multipart body with one row; none where the body is of another kind.
pub(super) fn members(call: &Call) -> Option<Result<Map<String, Value>, Answer>> {
    parts(call).map(|parts| parts.and_then(fields))
}

/// The members of a multipart body with many rows in `records`; none where the body is of another kind.
pub(super) fn members_of_many(call: &Call) -> Option<Result<Map<String, Value>, Answer>> {
    parts(call).map(|parts| parts.and_then(fields_of_each))
}

fn parts(call: &Call) -> Option<Result<Vec<Part>, Answer>> {
    let boundary = multipart::boundary(call.header(CONTENT_TYPE.as_str()).unwrap_or_default())?;
    Some(multipart::parts(&call.body, &boundary).ok_or_else(not_well_formed))
}

fn not_well_formed() -> Answer {
    let message = "Multipart message is not well formed";
    Answer::data(StatusCode::BAD_REQUEST, "INVALID_MULTIPART_REQUEST", message)
}

/// The JSON part's members, and the other parts, which are files.
fn apart(mut parts: Vec<Part>) -> Result<(Map<String, Value>, Vec<Part>), Answer> {
    // A file may be JSON too.
    let place = parts.iter().position(|part| part.is_json() && !part.is_file).ok_or_else(not_well_formed)?;
    let json = parts.remove(place);
    Ok((body::members_of(&json.content)?, parts))
}

/// The JSON part's members, and each file as the text of its field.
fn fields(parts: Vec<Part>) -> Result<Map<String, Value>, Answer> {
    let (mut row, files) = apart(parts)?;
    for file in files {
        let name = file.name.ok_or_else(not_well_formed)?;
        row.insert(name, STANDARD.encode(&file.content).into());
    }
    Ok(row)
}

/// As [`fields`], of many rows: a row's attributes say under which name its file comes, and for which field.
fn fields_of_each(parts: Vec<Part>) -> Result<Map<String, Value>, Answer> {
    let (mut members, files) = apart(parts)?;
    let rows = members.get_mut("records").and_then(Value::as_array_mut);
    for row in rows.into_iter().flatten().filter_map(Value::as_object_mut) {
        let said = |name: &str| row.get("attributes")?.get(name)?.as_str().map(str::to_owned);
        let Some(part) = said("binaryPartName") else { continue };
        let field = said("binaryPartNameAlias").ok_or_else(not_well_formed)?;
        let file = files.iter().find(|file| file.name.as_ref() == Some(&part)).ok_or_else(not_well_formed)?;
        row.insert(field, STANDARD.encode(&file.content).into());
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8]) -> Result<Map<String, Value>, Answer> {
        fields(multipart::parts(&bytes::Bytes::copy_from_slice(body), "b1").unwrap())
    }

    #[test]
    fn a_file_is_read_byte_by_byte_beside_the_rows_other_fields() {
        let body = b"--b1\r\nContent-Disposition: form-data; name=\"entity_document\"\r\nContent-Type: application/json\r\n\r\n\
            {\"Name\":\"x\"}\r\n--b1\r\nContent-Type: application/pdf\r\nContent-Disposition: form-data; name=\"Body\"; filename=\"x.pdf\"\r\n\r\n\
            \r\n--b\x00\xff\r\n\r\n--b1--\r\n";
        let found = read(body).unwrap();
        assert_eq!(found["Name"], "x");
        assert_eq!(STANDARD.decode(found["Body"].as_str().unwrap()).unwrap(), b"\r\n--b\x00\xff\r\n");
    }

    #[test]
    fn a_file_may_be_json_itself_and_come_first() {
        let body = b"--b1\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"Body\"; filename=\"x.json\"\r\n\r\n\
            [1]\r\n--b1\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"entity\"\r\n\r\n\
            {\"Name\":\"x\"}\r\n--b1--";
        let found = read(body).unwrap();
        assert_eq!((&found["Name"], &found["Body"]), (&"x".into(), &STANDARD.encode("[1]").into()));
    }

    #[test]
    fn there_is_a_row_which_is_json_and_every_file_has_a_name() {
        let json = "Content-Type: application/json";
        for (parts, code) in [
            (vec![("Content-Type: text/plain", "x")], "INVALID_MULTIPART_REQUEST"),
            (vec![(json, "{}"), ("Content-Type: text/plain", "x")], "INVALID_MULTIPART_REQUEST"),
            (vec![(json, "{")], "JSON_PARSER_ERROR"),
        ] {
            let parts: String =
                parts.iter().map(|(head, content)| format!("--b1\r\n{head}\r\n\r\n{content}\r\n")).collect();
            let refused = read(format!("{parts}--b1--").as_bytes()).unwrap_err();
            assert!(String::from_utf8_lossy(&refused.body[0]).contains(code), "{parts}");
        }
    }
}
