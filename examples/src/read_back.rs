//! A consumer that counts what stands in a topic.

use std::collections::HashSet;

use futures_util::TryStreamExt;
use serde::Deserialize;
use sf_core::Id;
use sf_kafka::kafka::{Cluster, LogRecord};

use crate::Result;

/// What a topic holds of this run.
#[derive(Debug, Default)]
pub struct Summary {
    /// Records.
    pub records: u64,
    /// The Ids of their rows.
    pub ids: HashSet<Id>,
    /// The first records that were met.
    pub first: Vec<Vec<u8>>,
}

/// The one field that every row has.
#[derive(Deserialize)]
struct Row {
    #[serde(rename = "Id")]
    id: Id,
}

/// Reads a topic to its end and keeps count of the records written since `since_ms`, so that a topic of an
/// earlier run may be used again.
///
/// # Errors
/// The topic cannot be read, or holds a record that is no row.
pub async fn read_back(cluster: &Cluster, topic: &str, since_ms: i64, samples: usize) -> Result<Summary> {
    let mut summary = Summary::default();
    let mut records = cluster.reader().read_to_end(topic);
    while let Some(record) = records.try_next().await? {
        if record.timestamp.is_some_and(|written| written < since_ms) {
            continue;
        }
        let value = record.value.unwrap_or_default();
        let row: Row = serde_json::from_slice(&value).map_err(|error| {
            format!(
                "topic {topic}, partition {}, offset {}: no row ({error})",
                record.partition, record.offset
            )
        })?;
        summary.records += 1;
        summary.ids.insert(row.id);
        if summary.first.len() < samples {
            summary.first.push(value);
        }
    }
    Ok(summary)
}

/// Finds the last record that contains a text.
///
/// # Errors
/// The topic cannot be read.
pub async fn find(cluster: &Cluster, topic: &str, text: &str) -> Result<Option<LogRecord>> {
    let mut found = None;
    let mut records = cluster.reader().read_to_end(topic);
    while let Some(record) = records.try_next().await? {
        let holds = |value: &[u8]| value.windows(text.len()).any(|part| part == text.as_bytes());
        if record.value.as_deref().is_some_and(holds) {
            found = Some(record);
        }
    }
    Ok(found)
}
