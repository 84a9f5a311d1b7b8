//! Where the data of a load's jobs lies until the org has it.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use sf_core::http::{BodyStream, TransportError, TransportErrorKind};

use super::reread::{Reader, Stretch};
use crate::spool::{Span, Spool};
use crate::{Error, ErrorKind, Result};

/// How much is written to a temporary file, or read from a file, at a time.
pub(super) const PIECE: usize = 128 * 1024;

/// Where the data of a load's jobs lies until the org has it: an upload that breaks off is sent again, from its
/// first byte, in another job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Replay {
    /// In memory: about [`part_bytes`](super::Ingest::part_bytes) for each of the
    /// [`uploads_in_flight`](super::Ingest::uploads_in_flight), and once more for the part that is cut.
    #[default]
    Memory,
    /// In a temporary file, from which it is streamed: about a megabyte of memory for each upload in flight, whatever
    /// the size of its part, and as much disk as [`Memory`](Self::Memory) takes memory.
    Spool,
    /// In the file that is loaded, which is read again for each upload: no disk, and memory as [`Spool`](Self::Spool).
    /// For [`csv_file`](super::Ingest::csv_file) only. The file must stay as it is until the load has ended: one that has
    /// another length or time of change ends the load, and nothing of the part that it is noticed in is written. A load
    /// that keeps its rows ([`keep_rows`](super::Ingest::keep_rows)) has them in a temporary file anyway: there it is
    /// as [`Spool`](Self::Spool).
    Source,
}

/// The data of a part.
#[derive(Debug, Clone)]
pub(super) enum Data {
    Memory(Bytes),
    Spooled(Spool, Span),
    Source(Arc<Stretch>),
}

impl Data {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Memory(csv) => csv.len() as u64,
            Self::Spooled(_, span) => span.len as u64,
            Self::Source(stretch) => stretch.len(),
        }
    }

    /// Its length, and its bytes as they are read.
    pub(super) async fn open(&self) -> sf_core::Result<(u64, BodyStream)> {
        let bytes = match self {
            Self::Memory(csv) => stream::iter([Ok(csv.clone())]).boxed(),
            Self::Spooled(spool, span) => spooled(spool.clone(), *span).boxed(),
            Self::Source(stretch) => {
                let reader = Reader::open(Arc::clone(stretch)).await.map_err(|e| {
                    let text = format!("{} cannot be read again", stretch.path().display());
                    sf_core::Error::new(sf_core::ErrorKind::Io, text).with_source(e)
                })?;
                let next =
                    |mut reader: Reader| async { Ok(reader.next().await?.map(|piece| (piece, reader))) };
                stream::try_unfold(reader, next).boxed()
            }
        };
        let unread = |e: io::Error| {
            let text = "what was to be sent could not be read back";
            TransportError::new(TransportErrorKind::Request, text).with_source(e)
        };
        Ok((self.len(), bytes.map_err(unread).boxed()))
    }

    /// All of it, where it is known to be small.
    pub(super) async fn bytes(&self) -> Result<Bytes> {
        if let Self::Memory(csv) = self {
            return Ok(csv.clone());
        }
        let (_, mut body) = self.open().await.map_err(|e| unreadable(None, e))?;
        let mut whole = BytesMut::new();
        while let Some(piece) = body.next().await {
            whole.extend_from_slice(&piece.map_err(|e| unreadable(None, e.during("reading rows back")))?);
        }
        Ok(whole.freeze())
    }
}

/// An error of this machine, before anything was sent.
pub(super) fn unreadable(job: Option<sf_core::Id>, error: sf_core::Error) -> Error {
    Error::new(ErrorKind::Io, job, "its rows could not be read back").with_source(error)
}

fn spooled(spool: Spool, span: Span) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((spool, span), |(spool, rest)| async move {
        if rest.len == 0 {
            return Ok(None);
        }
        let piece = Span { at: rest.at, len: rest.len.min(PIECE) };
        let rest = Span { at: rest.at + piece.len as u64, len: rest.len - piece.len };
        Ok(Some((spool.read(piece).await?.into(), (spool, rest))))
    })
}
