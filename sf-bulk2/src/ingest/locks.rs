//! Sending rows again that were refused only because another transaction held a record.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use sf_core::Client;

use super::cut::{Cutter, Part};
use super::shelf::Shelf;
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
    /// One load a round. The failures of each, but for locks that a later one has sent again, are final. Where a
    /// round failed it is the last, and tells which of its rows are [`unsettled`](Loaded::unsettled).
    pub rounds: Vec<Loaded>,
    /// Rows that were locked when failures were read last: in the end, or before the round that failed.
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

/// For people, and the end of an error's message.
impl fmt::Display for Retried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rounds, written) = (self.rounds.len(), self.succeeded());
        write!(f, "locked rows were sent again in {rounds} rounds, and {written} written")?;
        match self.rounds.last() {
            Some(last) => write!(f, "; in the last round {last}"),
            None => Ok(()),
        }
    }
}

/// Rows that are sent again.
#[derive(Debug, Default)]
pub(super) struct Again {
    rows: Vec<Row>,
    /// The line that names their columns.
    header: Option<Vec<u8>>,
}

/// One of them, where it was kept.
#[derive(Debug, Clone)]
struct Row {
    /// What rows of one parent have in common.
    parent: u64,
    /// Which row of the first load it is.
    original: u64,
    spool: Spool,
    span: Span,
}

impl Loaded {
    /// Sends the rows again that were refused for a lock, exactly as they were sent, one job at a time. The
    /// load must have kept them ([`Ingest::keep_rows`]).
    ///
    /// # Errors
    /// As [`Load::run`], and [`ErrorKind::InvalidInput`] where the rows were not kept.
    /// [`Error::retried`](crate::Error::retried) has the rounds that were made: go on with `retry_locked` of the
    /// **last of them**, which sends its locked rows, and those of it that were given to no job or certainly not
    /// written ([`unsettled`](Self::unsettled), [`next_row`](Self::next_row)). That of this load would send rows again
    /// that a round has written.
    pub async fn retry_locked(&self, client: &Client, policy: &RetryLocks) -> Result<Retried> {
        let mut retried = Retried::default();
        match self.rounds(client, policy, &mut retried).await {
            Ok(()) => Ok(retried),
            Err(mut error) => {
                let failed = error.take_loaded();
                retried.rounds.extend(failed);
                Err(error.with_retried(retried))
            }
        }
    }

    async fn rounds(&self, client: &Client, policy: &RetryLocks, retried: &mut Retried) -> Result<()> {
        let mut pause = policy.pause;
        for round in 0..=policy.rounds {
            let last = retried.rounds.last().unwrap_or(self);
            let (again, unmatched) = last.locked(policy.parent.as_deref()).await?;
            retried.unmatched += unmatched;
            retried.locked = again.rows.len() as u64;
            let (Some(ingest), false, true) = (&self.ingest, again.rows.is_empty(), round < policy.rounds)
            else {
                break;
            };
            tracing::info!(rows = again.rows.len(), round, "sending locked rows again");
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
            let load = load_again(ingest.clone().jobs_in_flight(1), Arc::new(again));
            retried.rounds.push(load.run(client).await?);
        }
        Ok(())
    }

    /// Which row of the first load a row is: another one where this is a round of
    /// [`retry_locked`](Self::retry_locked). `None` where it has no such row.
    pub fn original_row(&self, row: u64) -> Option<u64> {
        match &self.again {
            Some(again) => again.rows.get(usize::try_from(row).ok()?).map(|row| row.original),
            None => Some(row),
        }
    }

    /// The rows to send again, and how many more there would be if one knew which they are.
    async fn locked(&self, parent: Option<&str>) -> Result<(Again, u64)> {
        let mut again = Again::default();
        let mut unmatched = 0;
        for job in self.jobs() {
            let mut failures = JoinedOutcomes::<Failure>::new(vec![job.clone()]);
            while let Some(failed) = failures.next_row().await? {
                if !failed.outcome.is_lock() {
                    continue;
                }
                let (Some(input), Some(kept), Some(ingest)) = (failed.input, &job.kept, &self.ingest) else {
                    unmatched += 1;
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
                if again.header.is_none() {
                    let ending = ingest.line_ending.as_str();
                    again.header = Some(first_line(&kept.spool, kept.span, ending).await.map_err(unread)?);
                }
                again.rows.push(Row {
                    parent: hasher.finish(),
                    original: self.original_row(input.row).unwrap_or(input.row),
                    spool: kept.spool.clone(),
                    span: input.span,
                });
            }
        }
        self.add_unwritten(&mut again);
        // Stable: rows of one parent keep their order.
        again.rows.sort_by_key(|row| row.parent);
        Ok((again, unmatched))
    }

    /// The rows of a round that failed which it did not write.
    fn add_unwritten(&self, again: &mut Again) {
        let Some(sent) = &self.again else { return };
        let refused = self.unsettled().iter().filter(|u| !u.in_doubt).map(|u| u.rows.clone());
        for range in refused.chain(std::iter::once(self.next_row()..u64::MAX)) {
            let skip = usize::try_from(range.start).unwrap_or(usize::MAX);
            let count = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            again.rows.extend(sent.rows.iter().skip(skip).take(count).cloned());
        }
        if again.header.is_none() {
            again.header.clone_from(&sent.header);
        }
    }
}

fn unread(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, None, "kept rows could not be read back").with_source(error)
}

/// How many rows are read back at once, and how many bytes of them.
const BATCH: (usize, usize) = (10_000, 1 << 20);

/// Rows that were kept, on their way into parts.
struct Resent {
    again: Arc<Again>,
    cutter: Cutter,
    shelf: Shelf,
    /// The first row that was not read back yet.
    next: usize,
    /// Rows that were, one behind the other, and what is left of them.
    batch: Vec<u8>,
    at: usize,
    lengths: VecDeque<usize>,
}

impl Resent {
    async fn next_part(&mut self) -> Result<Option<Part>> {
        loop {
            let Some(length) = self.lengths.pop_front() else {
                if self.read().await.map_err(unread)? {
                    continue;
                }
                return match self.cutter.take() {
                    Some(cut) => self.shelf.put(cut).await.map(Some),
                    None => Ok(None),
                };
            };
            let record = &self.batch[self.at..self.at + length];
            self.at += length;
            let cut = self.cutter.push(record);
            if let Some(cut) = cut.map_err(|what| Error::new(ErrorKind::InvalidInput, None, what))? {
                return self.shelf.put(cut).await.map(Some);
            }
            if self.shelf.is_full(&self.cutter) {
                self.shelf.spill(&mut self.cutter).await?;
            }
        }
    }

    /// Reads some more rows; `false` where there are none.
    async fn read(&mut self) -> std::io::Result<bool> {
        let rows = self.again.rows.get(self.next..).unwrap_or_default();
        let mut bytes = 0;
        let spans: Vec<_> = rows
            .iter()
            .take(BATCH.0)
            .take_while(|row| {
                let first = bytes == 0;
                bytes += row.span.len;
                first || bytes <= BATCH.1
            })
            .map(|row| (row.spool.clone(), row.span))
            .collect();
        self.next += spans.len();
        self.lengths = spans.iter().map(|(_, span)| span.len).collect();
        self.at = 0;
        self.batch = Spool::read_all(spans).await?;
        Ok(!self.lengths.is_empty())
    }
}

fn load_again(ingest: Ingest, again: Arc<Again>) -> Load<'static> {
    let (limits, ending) = (ingest.limits(), ingest.line_ending);
    let header = again.header.as_deref().unwrap_or_default();
    let cutter = Cutter::new(header, ending, limits.bytes, limits.rows);
    let resent = Resent {
        again: Arc::clone(&again),
        cutter,
        shelf: ingest.shelf(),
        next: 0,
        batch: Vec::new(),
        at: 0,
        lengths: VecDeque::new(),
    };
    let parts = futures_util::stream::try_unfold(resent, |mut resent| async move {
        Ok(resent.next_part().await?.map(|part| (part, resent)))
    });
    Load::new(ingest, parts).again(again)
}

/// The header of data that was kept, without its line end. Names of columns hold no line ends.
async fn first_line(spool: &Spool, data: Span, ending: &str) -> std::io::Result<Vec<u8>> {
    let mut len = data.len.min(64 * 1024);
    loop {
        let mut bytes = spool.read(Span { len, ..data }).await?;
        let end = bytes.windows(ending.len()).position(|w| w == ending.as_bytes());
        if let Some(end) = end.or_else(|| (len == data.len).then_some(len)) {
            bytes.truncate(end);
            return Ok(bytes);
        }
        len = data.len.min(len * 4);
    }
}
