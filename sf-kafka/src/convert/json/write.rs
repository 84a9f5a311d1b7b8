//! Values as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{DecimalFormat, JsonConfig, write_integer, write_text};
use crate::convert::data::{DAY_MS, Logical, Schema, Struct, Type, Value};
use crate::convert::{Error, Result, java_float, java_text};

/// Writes a value. Errors leave half a document behind; the caller cuts it off.
pub(super) fn write_value(
    config: &JsonConfig,
    schema: Option<&Schema>,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<()> {
    if *value == Value::Null {
        return write_null(config, schema, out);
    }
    if let Some((schema, logical)) = schema.and_then(|s| Some((s, Logical::of(s)?))) {
        return write_logical(config, schema, logical, value, out);
    }
    let Some(kind) = schema.map(Schema::kind).or_else(|| value.kind()) else {
        let class = value.java_class();
        return Err(Error::data(format!("Java class {class} does not have corresponding schema type.")));
    };
    match (kind, value) {
        (Type::Boolean, Value::Boolean(v)) => out.extend_from_slice(if *v { b"true" } else { b"false" }),
        (Type::Int8, Value::Int8(v)) => write_integer((*v).into(), out),
        (Type::Int16, Value::Int16(v)) => write_integer((*v).into(), out),
        (Type::Int32, Value::Int32(v)) => write_integer((*v).into(), out),
        (Type::Int64, Value::Int64(v)) => write_integer(*v, out),
        (Type::Float32, Value::Float32(v)) => {
            quoted_unless(v.is_finite(), out, |out| java_float::write_f32(*v, out));
        }
        (Type::Float64, Value::Float64(v)) => {
            quoted_unless(v.is_finite(), out, |out| java_float::write_f64(*v, out));
        }
        (Type::String, Value::String(v)) => write_text(v, out),
        (Type::Bytes, Value::Bytes(v)) => write_base64(v, out),
        (Type::Array, Value::Array(items)) => write_array(config, schema, items, out)?,
        (Type::Map, Value::Map(entries)) => write_map(config, schema, entries, out)?,
        (Type::Struct, Value::Struct(v)) => write_struct(config, schema, v, out)?,
        (Type::Bytes, other) => {
            return Err(Error::data(format!("Invalid type for bytes type: {}", other.java_class())));
        }
        (kind, other) => {
            return Err(Error::data(format!("Invalid type for {}: {}", kind.name(), other.java_class())));
        }
    }
    Ok(())
}

fn write_null(config: &JsonConfig, schema: Option<&Schema>, out: &mut Vec<u8>) -> Result<()> {
    if let Some(schema) = schema {
        if let (Some(default), true) = (schema.default_value(), config.replace_null_with_default) {
            return write_value(config, Some(schema), default, out);
        }
        if !schema.is_optional() {
            let message = "Conversion error: null value for field that is required and has no default value";
            return Err(Error::data(message));
        }
    }
    out.extend_from_slice(b"null");
    Ok(())
}

fn write_logical(
    config: &JsonConfig,
    schema: &Schema,
    logical: Logical,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<()> {
    let wrong = |expected: &str| {
        let (word, class) = (logical.word(), value.java_class());
        Err(Error::data(format!("Invalid type for {word}, expected {expected} but was {class}")))
    };
    match (logical, value) {
        (Logical::Decimal, Value::Decimal(v)) if config.decimal_format == DecimalFormat::Numeric => {
            java_text::write_decimal(v, out);
        }
        (Logical::Decimal, Value::Decimal(v)) => {
            let (unscaled, scale) = v.as_bigint_and_scale();
            let due = schema.scale()?;
            if i64::from(due) != scale {
                return Err(Error::data(format!(
                    "Decimal value has mismatching scale for given Decimal schema. Schema has scale {due}, \
                     value has scale {scale}."
                )));
            }
            write_base64(&unscaled.to_signed_bytes_be(), out);
        }
        (Logical::Decimal, _) => return wrong("BigDecimal"),
        (Logical::Date, Value::Instant(v)) if v.rem_euclid(DAY_MS) != 0 => {
            let message = "Kafka Connect Date type should not have any time fields set to non-zero values.";
            return Err(Error::data(message));
        }
        (Logical::Date, Value::Instant(v)) => write_integer(v.div_euclid(DAY_MS), out),
        // 24 hours are let through, as Kafka Connect does.
        (Logical::Time, Value::Instant(v)) if !(0..=DAY_MS).contains(v) => {
            let message = "Kafka Connect Time type should not have any date fields set to non-zero values.";
            return Err(Error::data(message));
        }
        (Logical::Time | Logical::Timestamp, Value::Instant(v)) => write_integer(*v, out),
        _ => return wrong("Date"),
    }
    Ok(())
}

fn write_array(
    config: &JsonConfig,
    schema: Option<&Schema>,
    items: &[Value],
    out: &mut Vec<u8>,
) -> Result<()> {
    let schema = schema.and_then(Schema::value_schema).map(AsRef::as_ref);
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        comma(at, out);
        write_value(config, schema, item, out)?;
    }
    out.push(b']');
    Ok(())
}

/// An object where every key is text, else a list of pairs.
fn write_map(
    config: &JsonConfig,
    schema: Option<&Schema>,
    entries: &[(Value, Value)],
    out: &mut Vec<u8>,
) -> Result<()> {
    let keys = schema.and_then(Schema::key_schema).map(AsRef::as_ref);
    let values = schema.and_then(Schema::value_schema).map(AsRef::as_ref);
    let as_object = match keys {
        Some(keys) => keys.kind() == Type::String,
        None => entries.iter().all(|(key, _)| matches!(key, Value::String(_))),
    };
    out.push(if as_object { b'{' } else { b'[' });
    for (at, (key, value)) in entries.iter().enumerate() {
        comma(at, out);
        if as_object {
            write_name(config, keys, key, out)?;
            out.push(b':');
            write_value(config, values, value, out)?;
        } else {
            out.push(b'[');
            write_value(config, keys, key, out)?;
            out.push(b',');
            write_value(config, values, value, out)?;
            out.push(b']');
        }
    }
    out.push(if as_object { b'}' } else { b']' });
    Ok(())
}

/// The name of a member is the text of what the key would be as a value: null is "null".
fn write_name(config: &JsonConfig, schema: Option<&Schema>, key: &Value, out: &mut Vec<u8>) -> Result<()> {
    let start = out.len();
    write_value(config, schema, key, out)?;
    if out.get(start) != Some(&b'"') {
        out.insert(start, b'"');
        out.push(b'"');
    }
    Ok(())
}

fn write_struct(
    config: &JsonConfig,
    schema: Option<&Schema>,
    value: &Struct,
    out: &mut Vec<u8>,
) -> Result<()> {
    let own = value.schema().as_ref();
    if !schema.is_some_and(|schema| std::ptr::eq(schema, own) || schema == own) {
        return Err(Error::data("Mismatching schema."));
    }
    out.push(b'{');
    for (at, (field, value)) in own.fields().iter().zip(value.values()).enumerate() {
        comma(at, out);
        write_text(&field.name, out);
        out.push(b':');
        write_value(config, Some(&field.schema), value, out)?;
    }
    out.push(b'}');
    Ok(())
}

pub(super) fn comma(at: usize, out: &mut Vec<u8>) {
    if at > 0 {
        out.push(b',');
    }
}

/// NaN and the infinities are no JSON numbers.
fn quoted_unless(plain: bool, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if plain {
        write(out);
    } else {
        out.push(b'"');
        write(out);
        out.push(b'"');
    }
}

fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
}
