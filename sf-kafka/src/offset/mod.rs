//! How far each source has come, and where that is kept.
//!
//! [`OffsetStore`] is the port. [`KafkaStore`] keeps offsets as Kafka Connect does, so that the offsets topic of an
//! existing Connect cluster can be taken over; [`FileStore`] keeps them in one file, [`MemoryStore`] nowhere.
//! What an offset of the Bulk API source says is a [`SourceOffset`].

mod connect;
mod error;
mod file;
mod kafka;
mod memory;
mod partition;
mod source;
mod table;

use std::fmt;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

pub use error::{Error, ErrorKind, Result};
pub use file::FileStore;
pub use kafka::{KafkaStore, KafkaStoreBuilder};
pub use memory::MemoryStore;
pub use partition::SourcePartition;
pub use source::{Locator, SourceOffset};

/// An offset as a store keeps it: a JSON object whose keys are the source's own affair.
pub type Offset = Map<String, Value>;

/// Keeps, for each connector and source partition, how far it has come.
pub trait OffsetStore: fmt::Debug + Send + Sync + 'static {
    /// The offset of one partition; none if it never had one or it was deleted.
    ///
    /// # Errors
    ///
    /// `NotUnderstood` when something is there that is no offset: to start over silently would be to read the
    /// whole org again.
    fn read<'a>(
        &'a self,
        connector: &'a str,
        partition: &'a SourcePartition,
    ) -> BoxFuture<'a, Result<Option<Offset>>>;

    /// Every partition of a connector that has an offset.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    fn list<'a>(&'a self, connector: &'a str) -> BoxFuture<'a, Result<Vec<(SourcePartition, Offset)>>>;

    /// Changes offsets, or with none deletes them. When this returns `Ok` they are kept: acknowledged by the
    /// cluster, or on the disk.
    ///
    /// # Errors
    ///
    /// What stood there before still stands, or part of the changes do: write again, or start from what
    /// [`read`](Self::read) says after a restart.
    fn write<'a>(
        &'a self,
        connector: &'a str,
        changes: &'a [(SourcePartition, Option<Offset>)],
    ) -> BoxFuture<'a, Result<()>>;
}
