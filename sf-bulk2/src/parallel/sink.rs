//! Where a page waits for its turn: in memory as long as it is small, then in a file.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::spool::{Span, Spool};

/// A page is held, written to a temporary file, and read back in pieces of this size. A piece never grows, so that no
/// more memory is taken than there are bytes of the page.
const PIECE: usize = 256 * 1024;

/// The rows of a page, as CSV.
pub(super) enum Data {
    Memory(Vec<Bytes>),
    File(Spool, Vec<Span>),
}

/// Says how much there is, not what: rows are people's data and do not belong into logs.
impl std::fmt::Debug for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory(pieces) => {
                write!(f, "{} bytes in memory", pieces.iter().map(Bytes::len).sum::<usize>())
            }
            Self::File(_, spans) => {
                write!(f, "{} bytes in a file", spans.iter().map(|s| s.len).sum::<usize>())
            }
        }
    }
}

impl Data {
    pub(super) async fn copy_to<W: AsyncWrite + Unpin>(&self, out: &mut W) -> io::Result<()> {
        match self {
            Self::Memory(pieces) => {
                for piece in pieces {
                    out.write_all(piece).await?;
                }
                Ok(())
            }
            Self::File(spool, spans) => {
                for span in spans {
                    out.write_all(&spool.read(*span).await?).await?;
                }
                Ok(())
            }
        }
    }

    pub(super) fn pieces(self) -> Pieces {
        match self {
            Self::Memory(pieces) => Pieces::Memory(pieces.into_iter()),
            Self::File(spool, spans) => Pieces::File(spool, spans.into_iter()),
        }
    }
}

/// The rows of a page on their way back.
pub(super) enum Pieces {
    Memory(std::vec::IntoIter<Bytes>),
    File(Spool, std::vec::IntoIter<Span>),
}

impl Pieces {
    /// The next piece; `None` after the last one.
    pub(super) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        match self {
            Self::Memory(pieces) => Ok(pieces.next()),
            Self::File(spool, spans) => {
                let Some(span) = spans.as_slice().first() else { return Ok(None) };
                let bytes = spool.read(*span).await?;
                // Only now: whoever waits may give up and ask again.
                spans.next();
                Ok(Some(bytes.into()))
            }
        }
    }
}

/// Holds a page: in memory as long as it is small, then in a file.
pub(super) struct Sink {
    memory: usize,
    /// Full pieces that are not in the file, and the one that is filled.
    pieces: Vec<Bytes>,
    piece: Vec<u8>,
    spool: Option<Spool>,
    spans: Vec<Span>,
    writing: Option<Writing>,
}

type Writing = Pin<Box<dyn Future<Output = io::Result<(Spool, Vec<Span>)>> + Send>>;

impl Sink {
    pub(super) fn new(memory: usize) -> Self {
        let (pieces, piece, spans) = (Vec::new(), Vec::new(), Vec::new());
        Self { memory, pieces, piece, spool: None, spans, writing: None }
    }

    /// Whether one more piece would be too much.
    fn is_full(&self) -> bool {
        (self.pieces.len() + 1) * PIECE > self.memory
    }

    fn end_piece(&mut self) {
        if !self.piece.is_empty() {
            self.piece.shrink_to_fit();
            self.pieces.push(std::mem::take(&mut self.piece).into());
        }
    }

    /// Moves what is in memory to the file.
    fn flush_pieces(&mut self) {
        let (pieces, spool) = (std::mem::take(&mut self.pieces), self.spool.take());
        self.writing = Some(Box::pin(async move {
            let spool = match spool {
                Some(spool) => spool,
                None => Spool::new().await?,
            };
            let mut spans = Vec::with_capacity(pieces.len());
            for piece in pieces {
                spans.push(spool.append(piece).await?);
            }
            Ok((spool, spans))
        }));
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(writing) = &mut self.writing else { return Poll::Ready(Ok(())) };
        let written = std::task::ready!(writing.as_mut().poll(cx));
        self.writing = None;
        let (spool, spans) = written?;
        self.spool = Some(spool);
        self.spans.extend(spans);
        Poll::Ready(Ok(()))
    }

    pub(super) async fn finish(mut self) -> io::Result<Data> {
        std::future::poll_fn(|cx| self.poll_written(cx)).await?;
        self.end_piece();
        if self.spool.is_some() || self.pieces.iter().map(Bytes::len).sum::<usize>() > self.memory {
            self.flush_pieces();
            std::future::poll_fn(|cx| self.poll_written(cx)).await?;
        }
        Ok(match self.spool {
            Some(spool) => Data::File(spool, self.spans),
            None => Data::Memory(self.pieces),
        })
    }
}

impl AsyncWrite for Sink {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        std::task::ready!(self.poll_written(cx))?;
        let room = PIECE - self.piece.len();
        self.piece.reserve_exact(room);
        let taken = bytes.len().min(room);
        self.piece.extend_from_slice(&bytes[..taken]);
        if self.piece.len() == PIECE {
            self.end_piece();
            if self.is_full() {
                self.flush_pieces();
            }
        }
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_written(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_page_beyond_the_memory_given_lies_in_a_file_and_is_the_same() {
        let mut sink = Sink::new(10);
        let mut expected = Vec::new();
        for i in 0..100_u8 {
            let piece = vec![i; 7 * 1024];
            sink.write_all(&piece).await.unwrap();
            expected.extend(piece);
        }
        let data = sink.finish().await.unwrap();
        assert!(matches!(data, Data::File(..)));
        let (mut copied, mut read) = (Vec::new(), Vec::new());
        data.copy_to(&mut copied).await.unwrap();
        let mut pieces = data.pieces();
        while let Some(piece) = pieces.next().await.unwrap() {
            assert!(piece.len() <= PIECE);
            read.extend(piece);
        }
        assert!(copied == expected && read == expected);
    }
}
