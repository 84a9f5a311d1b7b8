//! Outcomes joined to the rows that were sent. The org gives rows back in any order and writes numbers and
//! dates its own way, so a row is found by its key or by what it means, and never by its place.

mod meaning;
mod own;

use futures_util::Stream;

use super::encode::Format;
use super::outcome::Line;
use super::{Echo, Failure, LoadedJob, Outcomes, Success};
use crate::spool::{Span, Spool};
use crate::{Error, ErrorKind, Result};
use own::Own;

/// An outcome, and the row that was sent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Joined<T> {
    /// What became of it.
    pub outcome: T,
    /// The row as it was sent; `None` where it cannot be told for certain which one it was.
    pub input: Option<Input>,
}

/// A row as it was sent.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Input {
    /// Which row of the load it is, counted from zero. Of rows that are the same in every cell, it is one.
    pub row: u64,
    /// How many rows of its job are the same in every cell, itself included.
    pub copies: usize,
    /// Its cells, in the order of the columns.
    pub cells: Vec<String>,
    /// Where it stands among the rows that were kept.
    pub(super) span: Span,
}

/// Says how much there is, not what: rows are people's data and do not belong into logs.
impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("row", &self.row).field("copies", &self.copies).finish_non_exhaustive()
    }
}

/// Where the data of a job was kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) spool: Spool,
    pub(super) span: Span,
    pub(super) format: Format,
    /// The column that tells rows apart: the external id, or `Id`.
    pub(super) key: Option<String>,
}

/// The outcomes of a load's jobs, each with the row that was sent. Made by
/// [`Loaded::failures_with_input`](super::Loaded::failures_with_input) and
/// [`Loaded::successes_with_input`](super::Loaded::successes_with_input).
///
/// Memory is that of one job's data, at most [`part_bytes`](super::Ingest::part_bytes), and 21 bytes for each of its
/// rows.
#[derive(Debug)]
pub struct JoinedOutcomes<T> {
    jobs: std::vec::IntoIter<LoadedJob>,
    open: Option<(Own, Outcomes<T>)>,
}

/// What can be joined.
pub trait Joinable: Line + Sized {
    #[doc(hidden)]
    fn open(job: &LoadedJob) -> impl Future<Output = Result<Outcomes<Self>>> + Send;
    #[doc(hidden)]
    fn echo(&self) -> &Echo;
}

impl Joinable for Success {
    async fn open(job: &LoadedJob) -> Result<Outcomes<Self>> {
        job.job.successes().await
    }

    fn echo(&self) -> &Echo {
        &self.row
    }
}

impl Joinable for Failure {
    async fn open(job: &LoadedJob) -> Result<Outcomes<Self>> {
        job.job.failures().await
    }

    fn echo(&self) -> &Echo {
        &self.row
    }
}

impl<T: Joinable> JoinedOutcomes<T> {
    pub(super) fn new(jobs: Vec<LoadedJob>) -> Self {
        Self { jobs: jobs.into_iter(), open: None }
    }

    /// The next outcome; `None` after the last one.
    ///
    /// # Errors
    /// As [`Outcomes::next_row`], and [`ErrorKind::InvalidInput`] where the load did not keep its rows
    /// ([`Ingest::keep_rows`](super::Ingest::keep_rows)).
    pub async fn next_row(&mut self) -> Result<Option<Joined<T>>> {
        loop {
            if let Some((own, outcomes)) = &mut self.open {
                if let Some(outcome) = outcomes.next_row().await? {
                    let input = own.take(outcome.echo());
                    return Ok(Some(Joined { outcome, input }));
                }
                self.open = None;
            }
            let Some(job) = self.jobs.next() else { return Ok(None) };
            let own = read(&job).await?;
            self.open = Some((own, T::open(&job).await?));
        }
    }

    /// The outcomes as a stream.
    pub fn stream(self) -> impl Stream<Item = Result<Joined<T>>> {
        futures_util::stream::try_unfold(self, |mut rows| async move {
            Ok(rows.next_row().await?.map(|row| (row, rows)))
        })
    }
}

/// The rows that a job was sent.
async fn read(job: &LoadedJob) -> Result<Own> {
    let Some(kept) = &job.kept else {
        let text = "the load did not keep its rows: ask for it with `keep_rows` before it runs";
        return Err(Error::new(ErrorKind::InvalidInput, job.job.id(), text));
    };
    let unreadable =
        |e| Error::new(ErrorKind::Io, job.job.id(), "its rows could not be read back").with_source(e);
    let data = kept.spool.read(kept.span).await.map_err(unreadable)?;
    Own::new(data, kept.span, kept.format, kept.key.as_deref(), job.first_row)
        .ok_or_else(|| unreadable(std::io::ErrorKind::InvalidData.into()))
}
