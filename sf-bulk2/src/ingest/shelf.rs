//! Where parts are put while they are cut: so that only a piece of one is in memory, where that is wished for.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::Ingest;
use super::cut::{Cut, Cutter, Part};
use super::encode::Format;
use super::replay::{Data, PIECE, Replay};
use super::reread::{Source, Stretch};
use crate::spool::{Span, Spool};
use crate::{Error, ErrorKind, Result};

/// Where parts are put while they are cut.
#[derive(Debug)]
pub(super) enum Shelf {
    Memory,
    Spool {
        /// One file for the whole load, as its rows are kept; else one for each part.
        keep: bool,
        spool: Option<Spool>,
        /// Where the part in hand begins.
        at: Option<u64>,
        buffer: Vec<u8>,
    },
    Source {
        format: Format,
        /// The file, once it is open, and the header, once that is read.
        file: Option<Arc<Source>>,
        header: Bytes,
        /// Where the rows of the part in hand stand.
        range: Range<u64>,
    },
}

impl Ingest {
    /// Where data lies: rows that are kept are in a temporary file anyway.
    pub(super) fn replay_from(&self) -> Replay {
        match self.loading.replay {
            Replay::Source if self.loading.keep_rows => Replay::Spool,
            replay => replay,
        }
    }

    pub(super) fn shelf(&self) -> Shelf {
        match self.replay_from() {
            Replay::Memory => Shelf::Memory,
            Replay::Spool => {
                Shelf::Spool { keep: self.loading.keep_rows, spool: None, at: None, buffer: Vec::new() }
            }
            Replay::Source => {
                Shelf::Source { format: self.format(), file: None, header: Bytes::new(), range: 0..0 }
            }
        }
    }
}

fn unspooled(error: io::Error) -> Error {
    Error::new(ErrorKind::Io, None, "rows could not be put into a temporary file").with_source(error)
}

impl Shelf {
    /// The file that the rows are read from, now that it is open.
    pub(super) async fn opened(&mut self, path: PathBuf, open: &tokio::fs::File) -> io::Result<()> {
        if let Self::Source { file, .. } = self {
            *file = Some(Arc::new(Source::of(path, open).await?));
        }
        Ok(())
    }

    /// A record of the file ends here; `header` where it was the first.
    pub(super) fn record_ends(&mut self, at: u64, header: Option<&[u8]>) {
        if let Self::Source { range, header: kept, .. } = self {
            range.end = at;
            if let Some(header) = header {
                range.start = at;
                *kept = Bytes::copy_from_slice(header);
            }
        }
    }

    /// Whether so much of a part has to go elsewhere before more of it is cut.
    pub(super) fn is_full(&self, cutter: &Cutter) -> bool {
        !matches!(self, Self::Memory) && cutter.waiting() >= PIECE
    }

    /// Takes what there is of the part in hand.
    pub(super) async fn spill(&mut self, cutter: &mut Cutter) -> Result<()> {
        match self {
            Self::Memory => {}
            Self::Source { .. } => drop(cutter.spill(Vec::new())),
            Self::Spool { spool, at, buffer, .. } => {
                let bytes = cutter.spill(std::mem::take(buffer));
                *buffer = append(spool, at, bytes).await?;
            }
        }
        Ok(())
    }

    /// Takes a part that was cut.
    pub(super) async fn put(&mut self, cut: Cut) -> Result<Part> {
        let Cut { csv, len, rows, first_row, buffers } = cut;
        let data = match self {
            Self::Memory => Data::Memory(csv.into()),
            Self::Spool { keep, spool, at, .. } => {
                append(spool, at, csv).await?;
                let file = if *keep { spool.clone() } else { spool.take() };
                match (file, at.take()) {
                    (Some(file), Some(at)) => Data::Spooled(file, Span { at, len }),
                    // Never: it was written a moment ago.
                    _ => return Err(unspooled(io::ErrorKind::NotFound.into())),
                }
            }
            Self::Source { format, file, header, range } => {
                let Some(file) = file.clone() else { return Err(not_a_file()) };
                let (header, format) = (header.clone(), *format);
                let stretch = Stretch { file, header, range: range.clone(), len: len as u64, format };
                range.start = range.end;
                Data::Source(Arc::new(stretch))
            }
        };
        Ok(Part { data, rows, first_row, buffers })
    }
}

/// What else than a file cannot be.
pub(super) fn not_a_file() -> Error {
    let text =
        "only a file can be read again while it is sent: load it with `csv_file`, or choose `Replay::Spool`";
    Error::new(ErrorKind::InvalidInput, None, text)
}

/// Writes behind what was written of the part before; the buffer comes back empty.
async fn append(spool: &mut Option<Spool>, at: &mut Option<u64>, bytes: Vec<u8>) -> Result<Vec<u8>> {
    let file = match spool {
        Some(file) => file,
        None => spool.insert(Spool::new().await.map_err(unspooled)?),
    };
    let (span, mut bytes) = file.append_from(bytes).await.map_err(unspooled)?;
    at.get_or_insert(span.at);
    bytes.clear();
    Ok(bytes)
}
