//! Kafka Connect's encoding of offsets: key `["connector",{partition}]`, value a JSON object, both without schema
//! and without white space; null deletes.

use serde_json::Value;

use super::{Offset, SourcePartition};

/// The key of a connector's partition.
pub(super) fn key(connector: &str, partition: &SourcePartition) -> Vec<u8> {
    format!("[{},{partition}]", Value::from(connector)).into_bytes()
}

/// The bytes of an offset.
pub(super) fn value(offset: &Offset) -> Vec<u8> {
    serde_json::to_vec(offset).unwrap_or_else(|_| unreachable!("a map with text keys is always JSON"))
}

/// What a key is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A connector's partition.
    Partition(String, SourcePartition),
    /// A connector's null partition, which Connect's REST interface lets through. Nobody reads it.
    Nothing,
    /// Not of this encoding.
    Foreign,
}

pub(super) fn parse_key(bytes: &[u8]) -> Key {
    let Ok(Value::Array(parts)) = serde_json::from_slice(bytes) else { return Key::Foreign };
    match <[Value; 2]>::try_from(parts) {
        Ok([Value::String(connector), Value::Object(keys)]) => {
            Key::Partition(connector, SourcePartition::new(keys))
        }
        Ok([Value::String(_), Value::Null]) => Key::Nothing,
        _ => Key::Foreign,
    }
}

/// The offset in a value; the error is the text that is none, cut to a readable length.
pub(super) fn parse_value(bytes: &[u8]) -> Result<Offset, String> {
    serde_json::from_slice(bytes).map_err(|_| String::from_utf8_lossy(bytes).chars().take(120).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_other_shapes_are_foreign() {
        for key in [
            "",
            "null",
            "42",
            "\"a\"",
            "[]",
            "[\"a\"]",
            "[1,{}]",
            "[\"a\",{},{}]",
            "[\"a\",[]]",
            "{\"a\":{}}",
            "connector-a",
        ] {
            assert_eq!(parse_key(key.as_bytes()), Key::Foreign, "{key}");
        }
        assert_eq!(parse_key(br#"["lead-source",null]"#), Key::Nothing);
    }

    #[test]
    fn a_connector_name_is_quoted() {
        let key = key("a \"b\" \\ ü", &SourcePartition::table("Lead"));
        assert_eq!(String::from_utf8_lossy(&key), r#"["a \"b\" \\ ü",{"table":"Lead"}]"#);
        assert_eq!(
            parse_key(&key),
            Key::Partition("a \"b\" \\ ü".to_owned(), SourcePartition::table("Lead"))
        );
    }
}
