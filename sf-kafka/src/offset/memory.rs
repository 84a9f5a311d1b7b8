//! Offsets that end with the process.

use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::table::Table;
use super::{Offset, OffsetStore, Result, SourcePartition};

/// Keeps offsets in memory: for tests, and for a run that is to start over each time.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Table>);

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, look: impl FnOnce(&mut Table) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl OffsetStore for MemoryStore {
    fn read<'a>(
        &'a self,
        connector: &'a str,
        partition: &'a SourcePartition,
    ) -> BoxFuture<'a, Result<Option<Offset>>> {
        async move { self.with(|table| table.read("memory", connector, partition)) }.boxed()
    }

    fn list<'a>(&'a self, connector: &'a str) -> BoxFuture<'a, Result<Vec<(SourcePartition, Offset)>>> {
        async move { self.with(|table| table.list("memory", connector)) }.boxed()
    }

    fn write<'a>(
        &'a self,
        connector: &'a str,
        changes: &'a [(SourcePartition, Option<Offset>)],
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            self.with(|table| table.apply(connector, changes));
            Ok(())
        }
        .boxed()
    }
}
