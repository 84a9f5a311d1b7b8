//! Counting all outcomes of a job, so that each row is known to be in one of them.

use super::IngestJob;
use crate::{ErrorKind, Result};

/// How many rows of a job came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tally {
    /// Rows that made a record.
    pub created: u64,
    /// Rows that changed or deleted a record.
    pub updated: u64,
    /// Rows that were refused.
    pub failed: u64,
    /// Rows that were never tried.
    pub unprocessed: u64,
}

impl Tally {
    /// All rows.
    pub fn rows(&self) -> u64 {
        self.created + self.updated + self.failed + self.unprocessed
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.failed += other.failed;
        self.unprocessed += other.unprocessed;
    }
}

impl IngestJob {
    /// Reads all three outcome files to their ends and counts them: against what the org says about the job,
    /// and against the rows that were sent where [`expect_rows`](Self::expect_rows) knows them.
    ///
    /// # Errors
    /// [`ErrorKind::InDoubt`] where they do not add up, [`ErrorKind::NotFinished`] before the job is done.
    pub async fn tally(&self) -> Result<Tally> {
        let mut tally = Tally::default();
        let mut successes = self.successes().await?;
        while let Some(row) = successes.next_row().await? {
            let count = if row.created { &mut tally.created } else { &mut tally.updated };
            *count += 1;
        }
        let mut failures = self.failures().await?;
        while failures.next_row().await?.is_some() {
            tally.failed += 1;
        }
        let mut unprocessed = self.unprocessed().await?;
        while unprocessed.next_row().await?.is_some() {
            tally.unprocessed += 1;
        }
        match self.sent {
            Some(sent) if sent != tally.rows() => {
                let text = format!(
                    "in doubt: {sent} rows were sent, its outcomes name {} ({tally:?})",
                    tally.rows()
                );
                Err(self.handle.fail(ErrorKind::InDoubt, text))
            }
            _ => Ok(tally),
        }
    }
}
