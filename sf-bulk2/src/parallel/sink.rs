//! Where a page waits for its turn: in memory as long as it is small, then in a file.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::spool::{Span, Spool};

/// What is read of a page that lies in a temporary file at once.
const PIECE: usize = 256 * 1024;

/// The rows of a page, as CSV.
pub(super) enum Data {
    Memory(Vec<u8>),
    File(Spool, Vec<Span>),
}

/// Says how much there is, not what: rows are people's data and do not belong into logs.
impl std::fmt::Debug for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory(bytes) => write!(f, "{} bytes in memory", bytes.len()),
            Self::File(_, spans) => {
                write!(f, "{} bytes in a file", spans.iter().map(|s| s.len).sum::<usize>())
            }
        }
    }
}

impl Data {
    pub(super) async fn copy_to<W: AsyncWrite + Unpin>(&self, out: &mut W) -> io::Result<()> {
        match self {
            Self::Memory(bytes) => out.write_all(bytes).await,
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
            Self::Memory(bytes) => Pieces::Memory(bytes.into()),
            Self::File(spool, spans) => Pieces::File(spool, spans.into_iter()),
        }
    }
}

/// The rows of a page on their way back.
pub(super) enum Pieces {
    Memory(Bytes),
    File(Spool, std::vec::IntoIter<Span>),
}

impl Pieces {
    /// The next piece; `None` after the last one.
    pub(super) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        match self {
            Self::Memory(bytes) => Ok(Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty())),
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
    bytes: Vec<u8>,
    filed: Option<(Spool, Vec<Span>)>,
    writing: Option<Writing>,
}

type Writing = Pin<Box<dyn Future<Output = io::Result<(Spool, Span)>> + Send>>;

impl Sink {
    pub(super) fn new(memory: usize) -> Self {
        Self { memory, bytes: Vec::new(), filed: None, writing: None }
    }

    /// Moves what is in memory to the file, by pieces.
    fn flush_bytes(&mut self) {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let spool = self.filed.as_ref().map(|f| f.0.clone());
        self.writing = Some(Box::pin(async move {
            let spool = match spool {
                Some(spool) => spool,
                None => Spool::new().await?,
            };
            let span = spool.append(bytes).await?;
            Ok((spool, span))
        }));
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(writing) = &mut self.writing else { return Poll::Ready(Ok(())) };
        let (spool, span) = std::task::ready!(writing.as_mut().poll(cx))?;
        self.writing = None;
        let (_, spans) = self.filed.get_or_insert((spool, Vec::new()));
        // In pieces, so that reading them back takes little.
        let mut at = 0;
        while at < span.len {
            let len = PIECE.min(span.len - at);
            spans.push(Span { at: span.at + at as u64, len });
            at += len;
        }
        Poll::Ready(Ok(()))
    }

    pub(super) async fn finish(mut self) -> io::Result<Data> {
        if self.filed.is_none() && self.writing.is_none() {
            return Ok(Data::Memory(self.bytes));
        }
        std::future::poll_fn(|cx| self.poll_written(cx)).await?;
        self.flush_bytes();
        std::future::poll_fn(|cx| self.poll_written(cx)).await?;
        match self.filed {
            Some((spool, spans)) => Ok(Data::File(spool, spans)),
            None => Ok(Data::Memory(self.bytes)),
        }
    }
}

impl AsyncWrite for Sink {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, piece: &[u8]) -> Poll<io::Result<usize>> {
        std::task::ready!(self.poll_written(cx))?;
        self.bytes.extend_from_slice(piece);
        if self.bytes.len() > self.memory {
            self.flush_bytes();
        }
        Poll::Ready(Ok(piece.len()))
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
