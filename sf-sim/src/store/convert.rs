//! What a caller sent, as a value of the field's type.

use super::error::RowError;
use crate::schema::{FieldDef, Type};
use crate::value::{Decimal, Value, parse_date, parse_datetime, parse_time};

/// A JSON value as a value of the field's type.
///
/// # Errors
/// `JSON_PARSER_ERROR` for a value that the type cannot take, `MALFORMED_ID` for text that is no id.
pub fn from_json(field: &FieldDef, json: &serde_json::Value) -> Result<Value, RowError> {
    use serde_json::Value as Json;
    match json {
        Json::Null => Ok(Value::Null),
        Json::String(text) => from_text(field, text).map_err(|error| match error {
            TextError::Id => malformed_id(field, text),
            TextError::Type => parser_error(field, "VALUE_STRING", text),
        }),
        Json::Bool(b) if field.ty == Type::Boolean => Ok(Value::Bool(*b)),
        Json::Bool(b) => {
            Err(parser_error(field, if *b { "VALUE_TRUE" } else { "VALUE_FALSE" }, &b.to_string()))
        }
        Json::Number(n) => {
            let text = n.to_string();
            let fraction = text.contains(['.', 'e', 'E']);
            let token = if fraction { "VALUE_NUMBER_FLOAT" } else { "VALUE_NUMBER_INT" };
            let numeric = field.ty.is_decimal() || matches!(field.ty, Type::Int | Type::Long);
            from_text(field, &text).ok().filter(|_| numeric).ok_or_else(|| parser_error(field, token, &text))
        }
        Json::Array(_) => Err(parser_error(field, "START_ARRAY", "[")),
        Json::Object(_) => Err(parser_error(field, "START_OBJECT", "{")),
    }
}

/// Why text is no value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextError {
    /// Neither 15 nor 18 characters of an id.
    Id,
    /// Not of the field's type.
    Type,
}

/// Text as a value of the field's type. Empty text is null; text around which there is white space loses it.
///
/// # Errors
/// [`TextError`] when the type cannot take it.
pub fn from_text(field: &FieldDef, text: &str) -> Result<Value, TextError> {
    let bare = text.trim();
    if bare.is_empty() {
        return Ok(Value::Null);
    }
    let typed = match field.ty {
        Type::Id | Type::Reference => return bare.parse().map(Value::Id).map_err(|_| TextError::Id),
        Type::Boolean => match bare.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(Value::Bool(true)),
            "false" | "0" | "no" | "off" => Some(Value::Bool(false)),
            _ => None,
        },
        Type::Int | Type::Long => bare.parse::<Decimal>().ok().and_then(|d| d.to_integer()).map(Value::Int),
        Type::Double | Type::Currency | Type::Percent => {
            let scale = u8::try_from(field.scale).unwrap_or(u8::MAX);
            bare.parse::<Decimal>().ok().map(|d| Value::Num(d.rounded(scale)))
        }
        Type::Date => parse_date(bare).or_else(|| date_of_datetime(bare)).map(Value::Date),
        Type::DateTime => parse_datetime(bare).map(Value::DateTime),
        Type::Time => parse_time(bare).map(Value::Time),
        Type::Address | Type::Location => None,
        Type::TextArea => Some(Value::text(text)),
        _ => Some(Value::text(bare)),
    };
    typed.ok_or(TextError::Type)
}

/// A date field takes a datetime's day.
fn date_of_datetime(text: &str) -> Option<chrono::NaiveDate> {
    let ms = parse_datetime(text)?;
    chrono::DateTime::from_timestamp_millis(ms).map(|at| at.date_naive())
}

fn malformed_id(field: &FieldDef, text: &str) -> RowError {
    RowError::new("MALFORMED_ID", format!("{}: id value of incorrect type: {text}", field.label))
        .on(&field.name)
}

fn parser_error(field: &FieldDef, token: &str, text: &str) -> RowError {
    let wanted = match field.ty {
        Type::Id | Type::Reference => "reference",
        ty if ty.is_text() => "string",
        ty => ty.as_str(),
    };
    RowError::new(
        "JSON_PARSER_ERROR",
        format!(
            "Cannot deserialize instance of {wanted} from {token} value {text} or request may be missing a required field at [line:1, column:2]"
        ),
    )
}
