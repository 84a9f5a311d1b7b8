//! What a JSON body says, and what an org says of one that is wrong.

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{Answer, Call};

/// The members of a JSON body.
pub(crate) fn members(call: &Call) -> Result<Map<String, Value>, Answer> {
    let content_type = call.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with("application/json") {
        let message =
            format!("Content-Type header specified in HTTP request is not supported: {content_type}");
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Answer::gateway(status, "UNSUPPORTED_MEDIA_TYPE", message));
    }
    members_of(&call.body)
}

/// The members of an object as text.
pub(crate) fn members_of(text: &[u8]) -> Result<Map<String, Value>, Answer> {
    serde_json::from_slice(text).map_err(|error| refused(words(text, &error)))
}

/// A body of a known shape.
pub(super) fn parsed<T: DeserializeOwned>(call: &Call) -> Result<T, Answer> {
    shaped(members(call)?)
}

/// The same of members that were read.
pub(super) fn shaped<T: DeserializeOwned>(members: Map<String, Value>) -> Result<T, Answer> {
    serde_json::from_value(Value::Object(members)).map_err(|error| refused(error.to_string()))
}

/// For members that need not be there: orgs take `null` for absent, and clients send it.
pub(super) fn null_is_absent<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn refused(message: String) -> Answer {
    Answer::data(StatusCode::BAD_REQUEST, "JSON_PARSER_ERROR", message)
}

/// An org's JSON parser counts columns from one and has read past the character that it complains of.
fn words(text: &[u8], error: &serde_json::Error) -> String {
    if text.trim_ascii().is_empty() {
        return "The HTTP entity body is required, but this request has no entity body.".to_owned();
    }
    let said = error.to_string();
    let at = |expected: &str| {
        let line =
            String::from_utf8_lossy(text.split(|byte| *byte == b'\n').nth(error.line() - 1)?).into_owned();
        let c = line.get(error.column().checked_sub(1)?..)?.chars().next()?;
        let (line, column) = (error.line(), error.column() + 1);
        let code = u32::from(c);
        Some((
            c,
            format!(
                "Unexpected character ('{c}' (code {code})): {expected} at [line:{line}, column:{column}]"
            ),
        ))
    };
    let known = [
        ("key must be a string", "was expecting double-quote to start field name"),
        ("trailing comma", "was expecting double-quote to start field name"),
        ("expected `,` or `}`", "was expecting comma to separate OBJECT entries"),
        ("expected `,` or `]`", "was expecting comma to separate ARRAY entries"),
        ("expected `:`", "was expecting a colon to separate field name and value"),
    ];
    known
        .into_iter()
        .filter(|(ours, _)| said.starts_with(ours))
        .find_map(|(ours, theirs)| at(theirs).filter(|(c, _)| ours != "trailing comma" || *c == '}'))
        .map_or(said.clone(), |(_, message)| message)
}
