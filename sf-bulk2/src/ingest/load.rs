//! A load of any size, spread over jobs.

use std::fmt;
use std::sync::Arc;

use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use sf_core::Client;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::cut::Part;
use super::locks::Again;
use super::replay::Replay;
use super::send::{Sender, Sent, unkept};
use super::single::MOST;
use super::{Ingest, Loaded, LoadedJob, Unsettled};
use crate::spool::Spool;
use crate::{Error, ErrorKind, Result};

/// A load that can be run. Made by [`Ingest::csv`], [`Ingest::csv_file`], [`Ingest::csv_bytes`],
/// [`Ingest::rows`], [`Ingest::try_rows`] and [`Ingest::records`].
#[must_use = "nothing is sent before `run`"]
pub struct Load<'a> {
    ingest: Ingest,
    parts: BoxStream<'a, Result<Part>>,
    on_job: Option<OnJob<'a>>,
    again: Option<Arc<Again>>,
}

type OnJob<'a> = Box<dyn FnMut(&LoadedJob) + Send + 'a>;

impl fmt::Debug for Load<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Load").field("ingest", &self.ingest).finish_non_exhaustive()
    }
}

impl<'a> Load<'a> {
    pub(super) fn new(ingest: Ingest, parts: impl Stream<Item = Result<Part>> + Send + 'a) -> Self {
        Self { ingest, parts: parts.boxed(), on_job: None, again: None }
    }

    /// Makes it a round of rows that were sent before.
    pub(super) fn again(mut self, rows: Arc<Again>) -> Self {
        self.again = Some(rows);
        self
    }

    /// Calls this with every job that ran to its end: to show progress.
    pub fn on_job(mut self, seen: impl FnMut(&LoadedJob) + Send + 'a) -> Self {
        self.on_job = Some(Box::new(seen));
        self
    }

    /// Sends all rows and waits for their jobs.
    ///
    /// Rows that the org refuses one by one are no error: [`Loaded::failed`] counts them. An upload whose
    /// answer was lost is settled and sent in another job.
    ///
    /// A future that is dropped before its end tells nothing. Jobs that were closed go on in the org, and only they know what
    /// became of their rows; those that were not write nothing.
    ///
    /// # Errors
    /// The first error of a job or of the source. No further job is begun then, those in flight are waited for,
    /// and [`Error::loaded`](crate::Error::loaded) says what was done, which rows are in doubt, and where to go on. A
    /// job that failed or was aborted in the org is among its jobs.
    pub async fn run(self, client: &Client) -> Result<Loaded> {
        self.ingest.check()?;
        let (ingest, mut on_job) = (self.ingest, self.on_job);
        let mut loaded = Loaded::of(ingest.clone(), self.again);
        // Parts that lie in a temporary file anyway are kept where they are.
        let spool = match ingest.loading.keep_rows && ingest.replay_from() == Replay::Memory {
            true => match Spool::new().await {
                Ok(spool) => Some(spool),
                Err(error) => {
                    loaded.close(true);
                    return Err(unkept(error).with_loaded(loaded));
                }
            },
            false => None,
        };
        let sender = Sender { client, ingest: &ingest, spool };
        let (whole, parts) = match ingest.loading.multipart {
            true => single_part(self.parts).await,
            false => (false, self.parts),
        };
        let parts = held(parts, ingest.loading.uploads_in_flight);
        // Also while the source is waited for: more rows of it may be long in coming.
        let (parts, stop) = futures_util::stream::abortable(parts);
        let mut first_error = None;
        let sent = parts
            .map(|part| async {
                let sent = match part {
                    Ok(held) => sender.send(held, whole).await,
                    Err(error) => Sent::Nothing(error),
                };
                // At once: the next part may be asked for before this is looked at.
                if sent.error().is_some() {
                    stop.abort();
                }
                sent
            })
            .buffer_unordered(ingest.loading.jobs_in_flight.max(1));
        let mut sent = std::pin::pin!(sent);
        while let Some(sent) = sent.next().await {
            let error = match sent {
                Sent::Ended(job, error) => {
                    if let Some(seen) = &mut on_job {
                        seen(&job);
                    }
                    loaded.ended(*job);
                    error
                }
                Sent::Unsettled { rows, in_doubt, job, error } => {
                    loaded.unsettle(Unsettled::new(rows, in_doubt, job, &error));
                    Some(error)
                }
                Sent::Nothing(error) => Some(error),
            };
            if let Some(error) = error {
                if first_error.is_some() {
                    tracing::warn!(%error, "another part of a load that stops");
                }
                first_error.get_or_insert(error);
            }
        }
        loaded.close(first_error.is_some());
        match first_error {
            None => Ok(loaded),
            Some(error) => Err(error.with_loaded(loaded)),
        }
    }
}

/// A part, and its place among those that are uploaded.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) part: Part,
    place: OwnedSemaphorePermit,
}

impl Held {
    /// The org has the part: the place is free for another one.
    pub(super) fn sent(self) {
        self.part.sent();
        drop(self.place);
    }
}

/// Gives a part when there is a place for it. No other is cut before that: there is one more than are uploaded.
fn held(parts: BoxStream<'_, Result<Part>>, uploads: usize) -> BoxStream<'_, Result<Held>> {
    let places = Arc::new(Semaphore::new(uploads.clamp(1, Semaphore::MAX_PERMITS)));
    let held = parts.then(move |part| {
        let places = Arc::clone(&places);
        async move {
            // Never closed.
            let closed = |e| Error::new(ErrorKind::Io, None, "no part is uploaded any more").with_source(e);
            let part = part?;
            let place = places.acquire_owned().await.map_err(closed)?;
            Ok(Held { part, place })
        }
    });
    held.boxed()
}

/// Whether there is one part only, and it is small enough to be sent with its job; and the parts.
async fn single_part<'a>(parts: BoxStream<'a, Result<Part>>) -> (bool, BoxStream<'a, Result<Part>>) {
    let mut parts = parts.fuse();
    let first = parts.next().await;
    let small = matches!(&first, Some(Ok(part)) if part.data.len() <= MOST);
    // A small part is nearly always the last one: nothing is read ahead for this.
    let second = if small { parts.next().await } else { None };
    let whole = small && second.is_none();
    (whole, futures_util::stream::iter(first.into_iter().chain(second)).chain(parts).boxed())
}
