//! Schemas as JSON, both ways.

use std::sync::Arc;

use super::parse::Node;
use super::write::{comma, write_value};
use super::{JsonConfig, read, write_integer, write_text};
use crate::convert::data::{Schema, Type};
use crate::convert::{Error, ErrorKind, Result};

/// Writes a schema. `field` is the name of the field that it is the schema of.
pub(super) fn write_schema(
    config: &JsonConfig,
    schema: &Schema,
    field: Option<&str>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let member = |name: &str, out: &mut Vec<u8>| {
        out.push(b',');
        write_text(name, out);
        out.push(b':');
    };
    out.extend_from_slice(b"{\"type\":");
    write_text(schema.kind().json_name(), out);
    write_inner(config, schema, out)?;
    member("optional", out);
    out.extend_from_slice(if schema.is_optional() { b"true" } else { b"false" });
    if let Some(name) = schema.name() {
        member("name", out);
        write_text(name, out);
    }
    if let Some(version) = schema.version() {
        member("version", out);
        write_integer(version.into(), out);
    }
    if let Some(doc) = schema.doc() {
        member("doc", out);
        write_text(doc, out);
    }
    if !schema.parameters().is_empty() {
        member("parameters", out);
        out.push(b'{');
        for (at, (name, value)) in schema.parameters().iter().enumerate() {
            comma(at, out);
            write_text(name, out);
            out.push(b':');
            write_text(value, out);
        }
        out.push(b'}');
    }
    if let Some(default) = schema.default_value() {
        member("default", out);
        write_value(config, Some(schema), default, out)?;
    }
    if let Some(field) = field {
        member("field", out);
        write_text(field, out);
    }
    out.push(b'}');
    Ok(())
}

/// Writes the schemas inside: `items`, `keys` and `values`, `fields`.
fn write_inner(config: &JsonConfig, schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
    let part = |name: &str, inner: Option<&Arc<Schema>>, out: &mut Vec<u8>| match inner {
        Some(inner) => {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            write_schema(config, inner, None, out)
        }
        None => Ok(()),
    };
    match schema.kind() {
        Type::Array => part("items", schema.value_schema(), out)?,
        Type::Map => {
            part("keys", schema.key_schema(), out)?;
            part("values", schema.value_schema(), out)?;
        }
        Type::Struct => {
            out.extend_from_slice(b",\"fields\":[");
            for (at, field) in schema.fields().iter().enumerate() {
                comma(at, out);
                write_schema(config, &field.schema, Some(&field.name), out)?;
            }
            out.push(b']');
        }
        _ => {}
    }
    Ok(())
}

/// The most levels of a schema. The real converter has no such limit but its stack's; ours must not run out of
/// its own, whoever wrote the record.
const MAX_DEPTH: usize = 128;

/// Reads a schema; JSON's null is none.
pub(super) fn read_schema(config: &JsonConfig, node: &Node) -> Result<Option<Arc<Schema>>> {
    read_level(config, node, 0)
}

fn read_level(config: &JsonConfig, node: &Node, depth: usize) -> Result<Option<Arc<Schema>>> {
    if matches!(node, Node::Null) {
        return Ok(None);
    }
    if depth > MAX_DEPTH {
        return Err(Error::data(format!("Schema nesting exceeds the maximum allowed ({MAX_DEPTH})")));
    }
    let Some(Node::Text(word)) = node.member("type") else {
        return Err(Error::data("Schema must contain 'type' field"));
    };
    let Some(kind) = Type::from_json_name(word) else {
        return Err(Error::data(format!("Unknown schema type: {word}")));
    };
    let mut schema = read_inner(config, kind, node, depth + 1)?;
    if let Some(Node::Bool(true)) = node.member("optional") {
        schema = schema.optional();
    }
    if let Some(Node::Text(name)) = node.member("name") {
        schema = schema.named(name);
    }
    if let Some(version) = node.member("version").and_then(Node::integer) {
        #[allow(clippy::cast_possible_truncation, reason = "Kafka Connect wraps it")]
        let version = version as i32;
        schema = schema.with_version(version);
    }
    if let Some(Node::Text(doc)) = node.member("doc") {
        schema = schema.with_doc(doc);
    }
    if let Some(Node::Object(parameters)) = node.member("parameters") {
        for (name, value) in parameters {
            let Node::Text(value) = value else {
                return Err(Error::data("Schema parameters must have string values."));
            };
            schema = schema.with_parameter(name, value);
        }
    }
    let Some(default) = node.member("default") else { return Ok(Some(Arc::new(schema))) };
    // What reads a default may need the schema in hand, and a struct keeps it.
    let plain = Arc::new(schema);
    let default = read::read_value(config, Some(&plain), default)?;
    if matches!(default, crate::convert::data::Value::Struct(_)) {
        let cause = Error::data("Struct schemas do not match.");
        return Err(Error::new(ErrorKind::Schema, "Invalid default value").caused_by(cause));
    }
    Ok(Some(Arc::new(Arc::unwrap_or_clone(plain).with_default(default)?)))
}

fn read_inner(config: &JsonConfig, kind: Type, node: &Node, depth: usize) -> Result<Schema> {
    let missing = |message: &str| Error::data(message);
    let none = |what: &str| Error::new(ErrorKind::Schema, format!("{what} cannot be null."));
    match kind {
        Type::Array => {
            let items =
                node.member("items").map(|items| read_level(config, items, depth)).transpose()?.flatten();
            Ok(Schema::array(items.ok_or_else(|| missing("Array schema did not specify the element type"))?))
        }
        Type::Map => {
            let keys =
                node.member("keys").ok_or_else(|| missing("Map schema did not specify the key type"))?;
            let values =
                node.member("values").ok_or_else(|| missing("Map schema did not specify the value type"))?;
            let (keys, values) = (read_level(config, keys, depth)?, read_level(config, values, depth)?);
            Ok(Schema::map(
                keys.ok_or_else(|| none("keySchema"))?,
                values.ok_or_else(|| none("valueSchema"))?,
            ))
        }
        Type::Struct => {
            let Some(Node::Array(fields)) = node.member("fields") else {
                return Err(missing("Struct schema's \"fields\" argument is not an array."));
            };
            let fields = fields.iter().map(|field| {
                let Some(Node::Text(name)) = field.member("field") else {
                    return Err(missing("Struct schema's field name not specified properly"));
                };
                let schema = read_level(config, field, depth)?;
                Ok((name.clone(), schema.ok_or_else(|| none("schema"))?))
            });
            Schema::try_structure(fields)
        }
        primitive => Ok(Schema::of(primitive)),
    }
}
