//! Which part of a source an offset is for.

use std::fmt;

use serde_json::{Map, Value};

/// A source partition in Kafka Connect's sense: `{"table":"Account"}`.
///
/// Two are equal when they hold the same keys and values in whatever order: Java writes a hash map in an order
/// of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct SourcePartition(Map<String, Value>);

impl SourcePartition {
    /// The partition of one object, as the Bulk API 2.0 connector writes it.
    ///
    /// ```
    /// assert_eq!(sf_kafka::offset::SourcePartition::table("Account").to_string(), r#"{"table":"Account"}"#);
    /// ```
    pub fn table(object: impl Into<String>) -> Self {
        Self(Map::from_iter([("table".to_owned(), Value::String(object.into()))]))
    }

    /// A partition with these keys.
    pub fn new(keys: Map<String, Value>) -> Self {
        Self(keys)
    }

    /// What one of its keys says.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Its keys as JSON.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The same text for the same partition, whatever the order of its keys.
    pub(super) fn identity(&self) -> String {
        let mut keys: Vec<_> = self.0.iter().collect();
        keys.sort_unstable_by_key(|(key, _)| *key);
        keys.iter().map(|(key, value)| format!("{key:?}:{value}")).collect::<Vec<_>>().join(",")
    }
}

impl fmt::Display for SourcePartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for SourcePartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_keys_makes_no_difference() {
        let parse = |text: &str| SourcePartition::new(serde_json::from_str(text).unwrap());
        let (one, other) = (parse(r#"{"a":1,"b":"x"}"#), parse(r#"{"b":"x","a":1}"#));
        assert_eq!(one, other);
        assert_eq!(one.identity(), other.identity());
        assert_ne!(one.identity(), parse(r#"{"a":"1","b":"x"}"#).identity());
    }
}
