//! How the tasks stand, for `/health`, for progress bars and for people.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// What a task is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "phase", content = "reason")]
pub enum Phase {
    /// Asking the org what the object is.
    Starting,
    /// Waiting for the next poll.
    Idle,
    /// Waiting for a job, or reading its pages.
    Reading,
    /// Something failed; it is tried again.
    Retrying(String),
    /// A daily allowance of the org is used up.
    WaitingForAllowance(String),
    /// Given up: a person has to change something.
    Failed(String),
    /// Stopped on request.
    Stopped,
}

/// One object of a connector.
pub struct TableStatus {
    /// The connector's name.
    pub connector: String,
    /// The object.
    pub table: String,
    /// Its topic.
    pub topic: String,
    pub(super) rows: AtomicU64,
    pub(super) pages: AtomicU64,
    pub(super) windows: AtomicU64,
    phase: Mutex<Phase>,
}

impl TableStatus {
    pub(super) fn new(connector: &str, table: &str, topic: &str) -> Self {
        Self {
            connector: connector.to_owned(),
            table: table.to_owned(),
            topic: topic.to_owned(),
            rows: AtomicU64::new(0),
            pages: AtomicU64::new(0),
            windows: AtomicU64::new(0),
            phase: Mutex::new(Phase::Starting),
        }
    }

    /// Rows handed to Kafka by this process.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Pages delivered by this process.
    pub fn pages(&self) -> u64 {
        self.pages.load(Ordering::Relaxed)
    }

    /// Polls that came to their end in this process, with rows or without.
    pub fn polls(&self) -> u64 {
        self.windows.load(Ordering::Relaxed)
    }

    /// What the task is doing.
    pub fn phase(&self) -> Phase {
        self.lock().clone()
    }

    pub(super) fn set(&self, phase: Phase) {
        *self.lock() = phase;
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TableStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableStatus")
            .field("connector", &self.connector)
            .field("table", &self.table)
            .field("rows", &self.rows())
            .field("phase", &self.phase())
            .finish_non_exhaustive()
    }
}

/// How all tasks of a worker stand. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Status(Arc<[Arc<TableStatus>]>);

impl Status {
    pub(super) fn new(tables: Vec<Arc<TableStatus>>) -> Self {
        Self(tables.into())
    }

    /// The objects, in the order of the configurations.
    pub fn tables(&self) -> &[Arc<TableStatus>] {
        &self.0
    }

    /// Whether no task has failed for good.
    pub fn is_healthy(&self) -> bool {
        !self.0.iter().any(|t| matches!(t.phase(), Phase::Failed(_)))
    }
}
