//! Sending rows again that were refused only because another transaction held a record.

use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;

use bytes::Bytes;
use sf_core::Client;

use super::cut::Cutter;
use super::{Failure, Ingest, JoinedOutcomes, Load, Loaded};
use crate::spool::{Span, Spool};
use crate::{Error, ErrorKind, Result};

/// How hard to try rows again that were refused for `UNABLE_TO_LOCK_ROW`.
#[derive(Debug, Clone)]
#[must_use]
pub struct RetryLocks {
    rounds: u32,
    pause: Duration,
    parent: Option<String>,
}

impl Default for RetryLocks {
    /// Three rounds, ten seconds before the first and twice as long before each further one.
    fn default() -> Self {
        Self { rounds: 3, pause: Duration::from_secs(10), parent: None }
    }
}

impl RetryLocks {
    /// At most this many rounds.
    pub fn rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds;
        self
    }

    /// The pause before the first round; it doubles.
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// The column that names the parent, for example `AccountId`. Rows of one parent are sent next to each
    /// other: the org works on neighbours one after the other, and they do not lock each other out.
    pub fn parent(mut self, column: impl Into<String>) -> Self {
        self.parent = Some(column.into());
        self
    }
}

/// What came of sending locked rows again.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Retried {
    /// One load a round. The failures of each, but for locks that a later one has sent again, are final.
    pub rounds: Vec<Loaded>,
    /// Rows that are locked still.
    pub locked: u64,
    /// Locked rows that were not sent again, because it cannot be told for certain which rows they were.
    pub unmatched: u64,
}

impl Retried {
    /// How many of the rows were written in the end.
    pub fn succeeded(&self) -> u64 {
        self.rounds.iter().map(Loaded::succeeded).sum()
    }
}

/// The rows to send again.
struct Again {
    rows: Vec<(u64, Spool, Span)>,
    header: Option<(Spool, Span)>,
    unmatched: u64,
}

impl Loaded {
    /// Sends the rows again that were refused for a lock, exactly as they were sent, one job at a time. The
    /// load must have kept them ([`Ingest::keep_rows`]).
    ///
    /// # Errors
    /// As [`Load::run`], and [`ErrorKind::InvalidInput`] where the rows were not kept.
    pub async fn retry_locked(&self, client: &Client, policy: &RetryLocks) -> Result<Retried> {
        let mut retried = Retried::default();
        let mut pause = policy.pause;
        for round in 0..=policy.rounds {
            let last = retried.rounds.last().unwrap_or(self);
            let again = last.locked(policy.parent.as_deref()).await?;
            retried.unmatched += again.unmatched;
            retried.locked = again.rows.len() as u64;
            let (Some(ingest), Some(header), true) = (&self.ingest, again.header, round < policy.rounds)
            else {
                break;
            };
            tracing::info!(rows = again.rows.len(), round, "sending locked rows again");
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
            let load = load_again(ingest.clone().jobs_in_flight(1), header, again.rows);
            retried.rounds.push(load.run(client).await?);
        }
        Ok(retried)
    }

    async fn locked(&self, parent: Option<&str>) -> Result<Again> {
        let mut again = Again { rows: Vec::new(), header: None, unmatched: 0 };
        for job in self.jobs() {
            let mut failures = JoinedOutcomes::<Failure>::new(vec![job.clone()]);
            while let Some(failed) = failures.next_row().await? {
                if !failed.outcome.is_lock() {
                    continue;
                }
                let (Some(input), Some(kept)) = (failed.input, &job.kept) else {
                    again.unmatched += 1;
                    continue;
                };
                let mut hasher = DefaultHasher::new();
                if let Some(parent) = parent {
                    let header = failed.outcome.row.header();
                    let Some(at) = header.iter().position(|name| name.eq_ignore_ascii_case(parent)) else {
                        let text = format!("the rows have no column {parent} to sort them by");
                        return Err(Error::new(ErrorKind::InvalidInput, job.job.id(), text));
                    };
                    hasher.write(input.cells[at].as_bytes());
                }
                again.header.get_or_insert_with(|| (kept.spool.clone(), kept.span));
                again.rows.push((hasher.finish(), kept.spool.clone(), input.span));
            }
        }
        // Stable: rows of one parent keep their order.
        again.rows.sort_by_key(|row| row.0);
        Ok(again)
    }
}

fn load_again(ingest: Ingest, header: (Spool, Span), rows: Vec<(u64, Spool, Span)>) -> Load<'static> {
    let (limits, ending) = (ingest.limits(), ingest.line_ending);
    let state = (None::<Cutter>, header, rows.into_iter());
    let parts = futures_util::stream::try_unfold(state, move |(mut cutter, header, mut rows)| async move {
        let io = |e| Error::new(ErrorKind::Io, None, "kept rows could not be read back").with_source(e);
        let bad = |what: String| Error::new(ErrorKind::InvalidInput, None, what);
        loop {
            let cutter_now = match &mut cutter {
                Some(cutter) => cutter,
                None => {
                    let data = header.0.read(header.1).await.map_err(io)?;
                    let line = Bytes::from(data);
                    let end = first_line(&line, ending.as_str());
                    cutter.insert(Cutter::new(&line[..end], ending, limits.bytes, limits.rows))
                }
            };
            let Some((_, spool, span)) = rows.next() else {
                return Ok(cutter_now.take().map(|part| (part, (cutter, header, rows))));
            };
            let record = spool.read(span).await.map_err(io)?;
            if let Some(part) = cutter_now.push(&record).map_err(bad)? {
                return Ok(Some((part, (cutter, header, rows))));
            }
        }
    });
    Load::new(ingest, parts)
}

/// Where the header ends. Names of columns hold no line ends.
fn first_line(data: &[u8], ending: &str) -> usize {
    data.windows(ending.len()).position(|w| w == ending.as_bytes()).unwrap_or(data.len())
}
