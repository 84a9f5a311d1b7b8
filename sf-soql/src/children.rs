//! The rows of a child query, within their parent's row.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

/// The name by which [`fields_of`](crate::fields_of) knows the type.
pub(crate) const CHILDREN: &str = "$sf_soql::Children";
/// The key that the rows stand under.
pub(crate) const RECORDS: &str = "records";
const FIELDS: &[&str] = &[RECORDS];

/// The rows of a child query in a row's field, such as `Contacts`. An org answers null where there are none;
/// here that is an empty list. [`Query`](crate::Query) has followed their further pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Children<T>(
    /// The rows, in the org's order.
    pub Vec<T>,
);

impl<T> Default for Children<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> std::ops::Deref for Children<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> IntoIterator for Children<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Children<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Children<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(Maybe(PhantomData))
    }
}

struct Maybe<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Maybe<T> {
    type Value = Children<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer of a child query, or null")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Children::default())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Children::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_struct(CHILDREN, FIELDS, Answer(self.0))
    }
}

struct Answer<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Answer<T> {
    type Value = Children<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer of a child query")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut rows = None;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if key == RECORDS {
                rows = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        rows.map(Children).ok_or_else(|| serde::de::Error::missing_field(RECORDS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_children_are_null_and_some_are_an_answer_of_their_own() {
        let read = |json: &str| serde_json::from_str::<Children<i32>>(json);
        assert_eq!(read("null").unwrap(), Children::default());
        assert_eq!(read(r#"{"totalSize":2,"done":true,"records":[1,2]}"#).unwrap().0, [1, 2]);
        assert!(read(r#"{"totalSize":0}"#).unwrap_err().to_string().contains("records"));
        assert!(read("[1]").is_err());
    }
}
