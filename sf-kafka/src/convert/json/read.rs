//! JSON as values.

use std::sync::Arc;

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;

use super::JsonConfig;
use super::parse::Node;
use crate::convert::data::{DAY_MS, Logical, Schema, Struct, Type, Value};
use crate::convert::{Error, ErrorKind, Result};

/// Reads a value under a schema, or as what it is.
pub(super) fn read_value(config: &JsonConfig, schema: Option<&Arc<Schema>>, node: &Node) -> Result<Value> {
    let Some(schema) = schema else { return Ok(read_plain(node)) };
    if matches!(node, Node::Null | Node::Missing) {
        return match schema.default_value() {
            Some(default) if config.replace_null_with_default => Ok(default.clone()),
            _ if schema.is_optional() => Ok(Value::Null),
            _ => Err(Error::data(format!("Invalid null value for required {} field", schema.kind().name()))),
        };
    }
    if let Some(logical) = Logical::of(schema) {
        return read_logical(schema, logical, node);
    }
    #[allow(clippy::cast_possible_truncation, reason = "Kafka Connect wraps numbers that are too large")]
    Ok(match schema.kind() {
        Type::Boolean => Value::Boolean(matches!(node, Node::Bool(true))),
        Type::Int8 => Value::Int8(node.wrapped() as i8),
        Type::Int16 => Value::Int16(node.wrapped() as i16),
        Type::Int32 => Value::Int32(node.wrapped() as i32),
        Type::Int64 => Value::Int64(node.wrapped()),
        Type::Float32 => Value::Float32(node.float32()),
        Type::Float64 => Value::Float64(node.float64()),
        Type::String => match node {
            Node::Text(text) => Value::String(text.clone()),
            _ => Value::Null,
        },
        Type::Bytes => match node {
            Node::Text(text) => Value::Bytes(
                decode_base64(text).map_err(|cause| Error::data("Invalid bytes field").caused_by(cause))?,
            ),
            _ => Value::Null,
        },
        Type::Array => read_array(config, schema, node)?,
        Type::Map => read_map(config, schema, node)?,
        Type::Struct => read_struct(config, schema, node)?,
    })
}

fn read_plain(node: &Node) -> Value {
    match node {
        Node::Null | Node::Missing => Value::Null,
        Node::Bool(v) => Value::Boolean(*v),
        Node::Integer(_) | Node::Big(_) => Value::Int64(node.wrapped()),
        Node::Decimal(_) => Value::Float64(node.float64()),
        Node::Text(text) => Value::String(text.clone()),
        Node::Array(items) => Value::Array(items.iter().map(read_plain).collect()),
        Node::Object(members) => Value::Map(
            members.iter().map(|(name, value)| (Value::String(name.clone()), read_plain(value))).collect(),
        ),
    }
}

fn read_logical(schema: &Schema, logical: Logical, node: &Node) -> Result<Value> {
    let wrong = |expected: &str| {
        let (word, found) = (logical.word(), node.kind_name());
        Error::data(format!(
            "Invalid type for {word}, underlying representation should be {expected} but was {found}"
        ))
    };
    let int32 = || match node {
        Node::Integer(v) if i32::try_from(*v).is_ok() => Ok(*v),
        _ => Err(wrong("integer")),
    };
    match logical {
        Logical::Decimal => match node {
            Node::Integer(v) => Ok(Value::Decimal((*v).into())),
            Node::Big(v) => Ok(Value::Decimal(BigDecimal::from_bigint(v.clone(), 0))),
            Node::Decimal(v) => Ok(Value::Decimal(v.value.clone())),
            Node::Text(text) => read_decimal(schema, text)
                .map_err(|cause| Error::data("Invalid bytes for Decimal field").caused_by(cause)),
            _ => Err(wrong("numeric or bytes")),
        },
        Logical::Date => Ok(Value::Instant(int32()? * DAY_MS)),
        Logical::Time => {
            let millis = int32()?;
            if !(0..=DAY_MS).contains(&millis) {
                let message =
                    "Time values must use number of milliseconds greater than 0 and less than 86400000";
                return Err(Error::data(message));
            }
            Ok(Value::Instant(millis))
        }
        Logical::Timestamp => match node {
            Node::Integer(_) | Node::Big(_) => Ok(Value::Instant(node.wrapped())),
            _ => Err(wrong("integral")),
        },
    }
}

fn read_decimal(schema: &Schema, text: &str) -> Result<Value> {
    let bytes = decode_base64(text)?;
    if bytes.is_empty() {
        return Err(Error::new(ErrorKind::Number, "Zero length BigInteger"));
    }
    let scale = schema.scale()?;
    Ok(Value::Decimal(BigDecimal::from_bigint(BigInt::from_signed_bytes_be(&bytes), scale.into())))
}

/// An object stands for the list of its values, anything else but a list for no elements.
fn read_array(config: &JsonConfig, schema: &Schema, node: &Node) -> Result<Value> {
    let items = schema.value_schema();
    let read = |item| read_value(config, items, item);
    match node {
        Node::Array(found) => found.iter().map(read).collect::<Result<_>>().map(Value::Array),
        Node::Object(found) => found.values().map(read).collect::<Result<_>>().map(Value::Array),
        _ => Ok(Value::Array(Vec::new())),
    }
}

fn read_map(config: &JsonConfig, schema: &Schema, node: &Node) -> Result<Value> {
    let (keys, values) = (schema.key_schema(), schema.value_schema());
    if keys.is_some_and(|keys| keys.kind() == Type::String) {
        let Node::Object(members) = node else {
            let found = node.kind_name();
            return Err(Error::data(format!(
                "Maps with string fields should be encoded as JSON objects, but found {found}"
            )));
        };
        let entry = |(name, value): (&String, _)| {
            Ok((Value::String(name.clone()), read_value(config, values, value)?))
        };
        return members.iter().map(entry).collect::<Result<_>>().map(Value::Map);
    }
    let Node::Array(pairs) = node else {
        let found = node.kind_name();
        return Err(Error::data(format!(
            "Maps with non-string fields should be encoded as JSON array of tuples, but found {found}"
        )));
    };
    let mut entries: Vec<(Value, Value)> = Vec::with_capacity(pairs.len());
    let mut at = std::collections::HashMap::new();
    for pair in pairs {
        let Node::Array(pair) = pair else {
            let found = pair.kind_name();
            return Err(Error::data(format!("Found invalid map entry instead of array tuple: {found}")));
        };
        let [key, value] = pair.as_slice() else {
            let found = pair.len();
            return Err(Error::data(format!(
                "Found invalid map entry, expected length 2 but found :{found}"
            )));
        };
        let (key, value) = (read_value(config, keys, key)?, read_value(config, values, value)?);
        // The last of equal keys wins. Equal keys print alike, and values have no hash of their own.
        match at.entry(format!("{key:?}")) {
            std::collections::hash_map::Entry::Occupied(slot) => {
                let slot: &usize = slot.get();
                entries[*slot].1 = value;
            }
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(entries.len());
                entries.push((key, value));
            }
        }
    }
    Ok(Value::Map(entries))
}

fn read_struct(config: &JsonConfig, schema: &Arc<Schema>, node: &Node) -> Result<Value> {
    let Node::Object(members) = node else {
        let found = node.kind_name();
        return Err(Error::data(format!("Structs should be encoded as JSON objects, but found {found}")));
    };
    let mut out = Struct::new(Arc::clone(schema))?;
    for (at, field) in schema.fields().iter().enumerate() {
        let value = members.get(&field.name).unwrap_or(&Node::Null);
        let value = read_value(config, Some(&field.schema), value)?;
        value.check(&field.schema, &format!("field: \"{}\"", field.name))?;
        out.set(at, value);
    }
    Ok(Value::Struct(out))
}

/// Base64 in groups of four, each of which may be padded; white space may stand before a group only. Bits
/// that fall away are not looked at.
fn decode_base64(text: &str) -> Result<Vec<u8>> {
    let broken = |why: &str| {
        Err(Error::new(ErrorKind::Base64, format!("Cannot access contents of TextNode as binary: {why}")))
    };
    let sextet = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut rest = text.as_bytes();
    loop {
        let skip = rest.iter().position(|b| *b > b' ').unwrap_or(rest.len());
        rest = &rest[skip..];
        if rest.is_empty() {
            return Ok(out);
        }
        let Some((group, after)) = rest.split_at_checked(4) else { return broken("unexpected end") };
        rest = after;
        let padding = match group {
            [_, _, b'=', b'='] => 2,
            [_, _, b'=', _] => return broken("a character after the padding"),
            [_, _, _, b'='] => 1,
            _ => 0,
        };
        let mut bits = 0_u32;
        for byte in &group[..4 - padding] {
            let Some(value) = sextet(*byte) else { return broken("a character that is not base64") };
            bits = bits << 6 | u32::from(value);
        }
        let [_, bytes @ ..] = (bits << (6 * padding)).to_be_bytes();
        out.extend_from_slice(&bytes[..3 - padding]);
    }
}
