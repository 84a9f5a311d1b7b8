//! Offsets in memory: what every store looks things up in.

use std::collections::BTreeMap;

use super::{Error, ErrorKind, Offset, Result, SourcePartition};

/// Offsets by connector and partition.
#[derive(Debug, Clone, Default)]
pub(super) struct Table(BTreeMap<(String, String), Entry>);

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) partition: SourcePartition,
    /// None when deleted.
    pub(super) offset: Option<Result<Offset, String>>,
    /// The key's bytes, where another program wrote them its own way.
    pub(super) key: Option<Vec<u8>>,
}

impl Table {
    pub(super) fn entry(&self, connector: &str, partition: &SourcePartition) -> Option<&Entry> {
        self.0.get(&(connector.to_owned(), partition.identity()))
    }

    pub(super) fn put(&mut self, connector: &str, entry: Entry) {
        self.0.insert((connector.to_owned(), entry.partition.identity()), entry);
    }

    pub(super) fn apply(&mut self, connector: &str, changes: &[(SourcePartition, Option<Offset>)]) {
        for (partition, offset) in changes {
            let key = self.entry(connector, partition).and_then(|entry| entry.key.clone());
            let offset = offset.clone().map(Ok);
            self.put(connector, Entry { partition: partition.clone(), offset, key });
        }
    }

    /// The offset of a partition. `place` names the store in the error.
    pub(super) fn read(
        &self,
        place: &str,
        connector: &str,
        partition: &SourcePartition,
    ) -> Result<Option<Offset>> {
        match self.entry(connector, partition).and_then(|entry| entry.offset.as_ref()) {
            None => Ok(None),
            Some(Ok(offset)) => Ok(Some(offset.clone())),
            Some(Err(text)) => Err(Error::new(
                ErrorKind::NotUnderstood,
                format!("{place}: the offset of connector {connector}, partition {partition}, is no JSON object: {text:?}"),
            )
            .with_hint("delete or replace that offset; without one the source starts from salesforce.since")),
        }
    }

    pub(super) fn list(&self, place: &str, connector: &str) -> Result<Vec<(SourcePartition, Offset)>> {
        let mut found = Vec::new();
        for ((owner, _), entry) in &self.0 {
            if owner == connector
                && let Some(offset) = self.read(place, connector, &entry.partition)?
            {
                found.push((entry.partition.clone(), offset));
            }
        }
        Ok(found)
    }

    /// All that is understood, by connector.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &SourcePartition, &Offset)> {
        self.0.iter().filter_map(|((connector, _), entry)| {
            let offset = entry.offset.as_ref()?.as_ref().ok()?;
            Some((connector.as_str(), &entry.partition, offset))
        })
    }
}
