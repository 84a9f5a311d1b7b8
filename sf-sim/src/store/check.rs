//! Rules of one field: type, length, range, picklist.

use super::convert::{TextError, from_text};
use super::error::RowError;
use crate::schema::{FieldDef, Type};
use crate::value::Value;

/// The largest text that any field takes, whatever its object says.
const MOST_CHARACTERS: usize = 131_072;

/// A value as one of the field's type, within its rules.
pub(crate) fn checked(field: &FieldDef, value: Value) -> Result<Value, RowError> {
    let value = coerced(field, value)?;
    match &value {
        Value::Text(text) => check_text(field, text)?,
        Value::Num(n) if n.integer_digits() > field.precision.saturating_sub(field.scale) => {
            return Err(out_of_range(field, &n.to_string()));
        }
        Value::Int(n)
            if field.ty == Type::Int && n.unsigned_abs() >= 10_u64.pow(field.digits.clamp(1, 18)) =>
        {
            return Err(out_of_range(field, &n.to_string()));
        }
        _ => {}
    }
    Ok(value)
}

fn coerced(field: &FieldDef, value: Value) -> Result<Value, RowError> {
    let ty = field.ty;
    match value {
        Value::Null => Ok(Value::Null),
        Value::Text(text) => from_text(field, &text).map_err(|error| match error {
            TextError::Id => {
                let message = format!("{}: id value of incorrect type: {text}", field.label);
                RowError::new("MALFORMED_ID", message).on(&field.name)
            }
            TextError::Type => wrong_type(field, &text),
        }),
        Value::Int(n) if ty.is_decimal() => Ok(Value::Num(n.into())),
        Value::Num(n) if ty.is_decimal() => {
            Ok(Value::Num(n.rounded(u8::try_from(field.scale).unwrap_or(u8::MAX))))
        }
        value => {
            let fits = match &value {
                Value::Bool(_) => ty == Type::Boolean,
                Value::Int(_) => matches!(ty, Type::Int | Type::Long),
                Value::Id(_) => matches!(ty, Type::Id | Type::Reference) || ty.is_text(),
                Value::Date(_) => ty == Type::Date,
                Value::DateTime(_) => ty == Type::DateTime,
                Value::Time(_) => ty == Type::Time,
                Value::Null | Value::Text(_) | Value::Num(_) => false,
            };
            match value {
                Value::Id(id) if fits && ty.is_text() => Ok(Value::text(id.text18())),
                value if fits => Ok(value),
                value => Err(wrong_type(field, &value.to_json().to_string())),
            }
        }
    }
}

fn wrong_type(field: &FieldDef, text: &str) -> RowError {
    let message = format!("{}: value not of required type: {text}", field.label);
    RowError::new("INVALID_TYPE_ON_FIELD_IN_RECORD", message).on(&field.name)
}

fn out_of_range(field: &FieldDef, number: &str) -> RowError {
    let message = format!("{}: value outside of valid range on numeric field: {number}", field.label);
    RowError::new("NUMBER_OUTSIDE_VALID_RANGE", message).on(&field.name)
}

fn check_text(field: &FieldDef, text: &str) -> Result<(), RowError> {
    match field.ty {
        Type::Picklist | Type::MultiPicklist if field.restricted_picklist => {
            let many = field.ty == Type::MultiPicklist;
            let unknown = text
                .split(|c| many && c == ';')
                .find(|part| !field.picklist.iter().any(|p| p.active && p.value.eq_ignore_ascii_case(part)));
            if let Some(unknown) = unknown {
                let message = format!("{}: bad value for restricted picklist field: {unknown}", field.label);
                return Err(RowError::new("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message).on(&field.name));
            }
            return Ok(());
        }
        Type::Email if !looks_like_email(text) => {
            let message = format!("{}: invalid email address: {text}", field.label);
            return Err(RowError::new("INVALID_EMAIL_ADDRESS", message).on(&field.name));
        }
        // Base64 is measured in bytes by the limits of the call, not by the field.
        Type::Base64 => return Ok(()),
        _ => {}
    }
    let most = if field.length == 0 { MOST_CHARACTERS } else { field.length as usize };
    // The byte count is never below the character count: most texts need no counting.
    if text.len() > most && text.chars().count() > most {
        let message = format!("{}: data value too large: {text} (max length={most})", field.label);
        return Err(RowError::new("STRING_TOO_LONG", message).on(&field.name));
    }
    Ok(())
}

fn looks_like_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let space = text.chars().any(char::is_whitespace);
    !local.is_empty()
        && !local.contains('@')
        && !space
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
}
