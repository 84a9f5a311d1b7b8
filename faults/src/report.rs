//! `docs/FAULTS.md`.

use crate::table::Table;

/// The page, for a reader who chooses a client.
#[must_use]
pub fn page(_table: &Table) -> String {
    String::new()
}
