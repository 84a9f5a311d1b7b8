//! Files in rows: sent as a part of a multipart body, read as bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::{Answer, Call};
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

/// The members of a multipart body; none where the body is of another kind.
pub(super) fn members(call: &Call) -> Option<Result<Map<String, Value>, Answer>> {
    let content_type = call.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with("multipart/form-data") {
        return None;
    }
    let boundary = content_type.split(';').find_map(|part| part.trim().strip_prefix("boundary="));
    let read = boundary.and_then(|boundary| fields(&call.body, boundary.trim_matches('"')));
    Some(read.ok_or_else(|| {
        let message = "Multipart message is not well formed";
        Answer::data(StatusCode::BAD_REQUEST, "INVALID_MULTIPART_REQUEST", message)
    }))
}

/// The JSON part's members, and each file as the text of its field.
fn fields(body: &[u8], boundary: &str) -> Option<Map<String, Value>> {
    let mut row: Option<Map<String, Value>> = None;
    let mut files = Vec::new();
    for part in parts(body, boundary)? {
        let (head, content) = split_once(part, b"\r\n\r\n")?;
        let head = std::str::from_utf8(head).ok()?;
        let line = |name: &str| {
            head.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
            })
        };
        if line("content-type").is_some_and(|of| of.to_ascii_lowercase().starts_with("application/json")) {
            row = Some(serde_json::from_slice(content).ok()?);
        } else {
            let name = line("content-disposition")?
                .split(';')
                .find_map(|part| Some(part.trim().strip_prefix("name=")?.trim_matches('"').to_owned()))?;
            files.push((name, STANDARD.encode(content)));
        }
    }
    let mut row = row?;
    for (name, text) in files {
        row.insert(name, text.into());
    }
    Some(row)
}

/// What stands between the boundaries, up to the last one, which ends in two dashes.
fn parts<'b>(body: &'b [u8], boundary: &str) -> Option<Vec<&'b [u8]>> {
    let first = format!("--{boundary}");
    let next = format!("\r\n--{boundary}");
    let mut rest = split_once(body, first.as_bytes())?.1;
    let mut parts = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let (content, after) = split_once(part, next.as_bytes())?;
        parts.push(content);
        rest = after;
    }
    rest.starts_with(b"--").then_some(parts)
}

fn split_once<'b>(bytes: &'b [u8], by: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let at = bytes.windows(by.len()).position(|window| window == by)?;
    Some((&bytes[..at], &bytes[at + by.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_byte_by_byte_beside_the_rows_other_fields() {
        let body = b"--b1\r\nContent-Disposition: form-data; name=\"entity_document\"\r\nContent-Type: application/json\r\n\r\n\
            {\"Name\":\"x\"}\r\n--b1\r\nContent-Type: application/pdf\r\nContent-Disposition: form-data; name=\"Body\"; filename=\"x.pdf\"\r\n\r\n\
            \r\n--b\x00\xff\r\n\r\n--b1--\r\n";
        let found = fields(body, "b1").unwrap();
        assert_eq!(found["Name"], "x");
        assert_eq!(STANDARD.decode(found["Body"].as_str().unwrap()).unwrap(), b"\r\n--b\x00\xff\r\n");
    }

    #[test]
    fn a_body_without_its_end_is_none() {
        for body in
            ["", "--b1", "--b1\r\nContent-Type: application/json\r\n\r\n{}", "--b1\r\n\r\n\r\n--b1\r\n"]
        {
            assert_eq!(fields(body.as_bytes(), "b1"), None, "{body:?}");
        }
    }
}
