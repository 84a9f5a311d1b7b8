//! One answer of a query.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use sf_core::json;

use crate::error::{Error, ErrorKind, Result};

/// A page of a query's answer: the JSON as it came, the rows of child queries complete.
#[derive(Clone)]
pub struct Page {
    pub(super) body: Bytes,
    pub(super) total_size: u64,
    pub(super) next: Option<String>,
    /// How many rows came before it.
    pub(super) before: u64,
    pub(super) rows: u64,
}

/// Says how much there is, not what: rows are people's data and do not belong into logs.
impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("bytes", &self.body.len())
            .field("total_size", &self.total_size)
            .field("next", &self.next)
            .field("before", &self.before)
            .finish_non_exhaustive()
    }
}

impl Page {
    /// How many rows the whole query has.
    pub fn total_size(&self) -> u64 {
        self.total_size
    }

    /// How many rows came before this page.
    pub fn rows_before(&self) -> u64 {
        self.before
    }

    /// Whether there is no further page.
    pub fn is_last(&self) -> bool {
        self.next.is_none()
    }

    /// The answer's JSON: `totalSize`, `done`, perhaps `nextRecordsUrl`, and `records`.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The page's rows, each as a `T`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Row`], where a row is no `T`. [`Rows`](crate::Rows) tell which, and go on after it.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        serde_json::from_slice::<Records<T>>(&self.body).map(|answer| answer.records).map_err(|e| {
            let message = format!("a row of the page after {} rows is not what was asked for", self.before);
            let org = sf_core::Error::new(sf_core::ErrorKind::Protocol, json::fault(&e));
            Error::with_org(ErrorKind::Row, message, org)
        })
    }

    /// The page's rows, each as its JSON.
    pub(super) fn raw_rows(&self) -> serde_json::Result<Vec<&RawValue>> {
        serde_json::from_slice::<Raw<'_>>(&self.body).map(|answer| answer.records)
    }
}

#[derive(Deserialize)]
struct Records<T> {
    records: Vec<T>,
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    records: Vec<&'a RawValue>,
}

/// What stands before the rows. Reading it does not read them, where it stands before them, as orgs have it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) total_size: Option<u64>,
    pub(super) done: Option<bool>,
    pub(super) next: Option<String>,
    pub(super) records: bool,
}

impl Head {
    pub(super) fn of(body: &[u8]) -> serde_json::Result<Self> {
        let mut head = Self::default();
        let mut json = serde_json::Deserializer::from_slice(body);
        let read = json.deserialize_map(HeadVisitor(&mut head));
        if head.is_whole() { Ok(head) } else { read.map(|()| head) }
    }

    fn is_whole(&self) -> bool {
        let next = match self.done {
            Some(true) => true,
            Some(false) => self.next.is_some(),
            None => false,
        };
        self.records && self.total_size.is_some() && next
    }
}

struct HeadVisitor<'h>(&'h mut Head);

impl<'de> Visitor<'de> for HeadVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer of a query")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "totalSize" => self.0.total_size = Some(map.next_value()?),
                "done" => self.0.done = Some(map.next_value()?),
                "nextRecordsUrl" => self.0.next = map.next_value()?,
                "records" => {
                    self.0.records = true;
                    if self.0.is_whole() {
                        // The rest is for whoever wants the rows.
                        return Err(serde::de::Error::custom("enough"));
                    }
                    map.next_value::<IgnoredAny>()?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_read_without_the_rows_and_in_any_order() {
        let head = |total, done, next: Option<&str>| Head {
            total_size: Some(total),
            done: Some(done),
            next: next.map(str::to_owned),
            records: true,
        };
        let read = |json: &str| Head::of(json.as_bytes());
        // Not even the rows' syntax is looked at.
        let body = r#"{"totalSize":5,"done":false,"nextRecordsUrl":"/x-2","records":[{"#;
        assert_eq!(read(body).unwrap(), head(5, false, Some("/x-2")));
        assert_eq!(read(r#"{"totalSize":5,"done":true,"records":[}"#).unwrap(), head(5, true, None));
        let body = r#"{"records":[{"a":1}],"nextRecordsUrl":"/x-2","x":null,"done":false,"totalSize":5}"#;
        assert_eq!(read(body).unwrap(), head(5, false, Some("/x-2")));
        assert!(!read(r#"{"totalSize":5,"done":true}"#).unwrap().records);
        assert!(read("[1]").is_err());
        assert!(read(r#"{"totalSize":5,"records":[{"a""#).is_err());
    }
}
