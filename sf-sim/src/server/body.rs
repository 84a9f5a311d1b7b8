//! The body of an answer, and what faults do to it on its way out.

use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::future::BoxFuture;
use http_body::{Frame, SizeHint};

use super::socket::Wire;
use crate::fault::{Firing, Framing};

/// The body of an answer of the emulated org. It fails where a fault breaks it off.
#[must_use]
pub struct Body {
    source: Source,
    /// Whether the length may be told before the body is read.
    tells_length: bool,
    fault: Option<BodyFault>,
    state: Progress,
}

enum Progress {
    Flowing {
        sent: u64,
    },
    /// Waiting for what has been handed over to leave, before the fault acts.
    Draining(BoxFuture<'static, ()>),
    Stalled(BoxFuture<'static, ()>),
    Done,
}

/// A fault of the body: what happens once `after` bytes have gone out.
pub(crate) struct BodyFault {
    pub(crate) after: u64,
    pub(crate) kind: FaultKind,
    pub(crate) firing: Firing,
    /// The connection, where there is one.
    pub(crate) wire: Option<Arc<Wire>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Cut { framing: Framing, reset: bool },
    Stall,
    Corrupt,
}

/// A body that a fault broke off.
#[derive(Debug)]
pub struct BodyError(());

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body was cut by a fault of the emulator")
    }
}

impl std::error::Error for BodyError {}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("left", &self.source.left()).finish_non_exhaustive()
    }
}

impl Body {
    /// A body of these pieces, compressed on the way out if `gzip`.
    pub(crate) fn new(pieces: Vec<Bytes>, gzip: bool) -> Self {
        let left = pieces.iter().map(|piece| piece.len() as u64).sum();
        let source = if gzip && left > 0 {
            Source::Gzip {
                encoder: Some(Box::new(GzEncoder::new(Vec::new(), Compression::fast()))),
                pieces: pieces.into(),
            }
        } else {
            Source::Plain { pieces: pieces.into(), left }
        };
        Self { source, tells_length: true, fault: None, state: Progress::Flowing { sent: 0 } }
    }

    /// A body that breaks before its first byte: how a reset connection shows without a socket.
    pub(crate) fn broken() -> Self {
        let mut body = Self::new(Vec::new(), false);
        body.tells_length = false;
        body.source = Source::Broken;
        body
    }

    /// The same body with a fault.
    pub(crate) fn with_fault(mut self, mut fault: BodyFault) -> Self {
        if fault.kind != FaultKind::Stall {
            self.source = self.source.measured();
            // A cut that leaves nothing out would be no cut, nor damage that spares every byte.
            let last = self.source.left().map_or(u64::MAX, |left| left.saturating_sub(1));
            fault.after = fault.after.min(last);
        }
        if matches!(fault.kind, FaultKind::Cut { framing: Framing::Chunked | Framing::Close, .. }) {
            self.tells_length = false;
        }
        self.fault = Some(fault);
        self
    }

    fn next_piece(&mut self, at_most: u64) -> Option<Bytes> {
        let mut piece = self.source.next()?;
        if (piece.len() as u64) > at_most {
            let kept = usize::try_from(at_most).unwrap_or(usize::MAX);
            let rest = piece.split_off(kept);
            self.source.put_back(rest);
        }
        Some(piece)
    }

    /// The fault's own moment: all bytes before it have left.
    fn act(&mut self) -> Option<Result<Frame<Bytes>, BodyError>> {
        let fault = self.fault.take()?;
        fault.firing.signals.fire();
        match fault.kind {
            FaultKind::Cut { framing, reset } => {
                self.state = Progress::Done;
                if reset && let Some(wire) = &fault.wire {
                    wire.reset_on_close();
                }
                // A body framed by the end of the connection just ends. In-process nothing frames it.
                let looks_whole = framing == Framing::Close && !reset;
                (!looks_whole).then_some(Err(BodyError(())))
            }
            FaultKind::Stall => {
                self.state = Progress::Stalled(Box::pin(fault.firing.signals.released()));
                None
            }
            FaultKind::Corrupt => {
                self.source.corrupt();
                self.state = Progress::Flowing { sent: 0 };
                None
            }
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let body = &mut *self;
        if matches!(body.source, Source::Broken) {
            body.source = Source::Plain { pieces: VecDeque::new(), left: 0 };
            return Poll::Ready(Some(Err(BodyError(()))));
        }
        loop {
            match &mut body.state {
                Progress::Done => return Poll::Ready(None),
                Progress::Stalled(released) => {
                    ready!(released.as_mut().poll(cx));
                    body.state = Progress::Flowing { sent: 0 };
                }
                Progress::Draining(drained) => {
                    ready!(drained.as_mut().poll(cx));
                    let answer = body.act();
                    if answer.is_some() || matches!(body.state, Progress::Done) {
                        return Poll::Ready(answer);
                    }
                }
                Progress::Flowing { sent } => {
                    let sent = *sent;
                    let left = body.fault.as_ref().map_or(u64::MAX, |fault| fault.after - sent);
                    if let Some(fault) = body.fault.as_ref().filter(|_| left == 0) {
                        let wire = fault.wire.clone();
                        body.state = Progress::Draining(Box::pin(async move {
                            if let Some(wire) = wire {
                                wire.drained().await;
                            }
                        }));
                        continue;
                    }
                    match body.next_piece(left) {
                        Some(piece) => {
                            body.state = Progress::Flowing { sent: sent + piece.len() as u64 };
                            return Poll::Ready(Some(Ok(Frame::data(piece))));
                        }
                        None if body.fault.is_some() => {
                            // The body is shorter than the fault's place: it acts at the end.
                            if let Some(fault) = &mut body.fault {
                                fault.after = sent;
                            }
                        }
                        None => body.state = Progress::Done,
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            Progress::Done => true,
            Progress::Flowing { .. } => self.fault.is_none() && self.source.left() == Some(0),
            _ => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.source.left() {
            Some(left) if self.tells_length => SizeHint::with_exact(left),
            _ => SizeHint::default(),
        }
    }
}

enum Source {
    Plain { pieces: VecDeque<Bytes>, left: u64 },
    Gzip { encoder: Option<Box<GzEncoder<Vec<u8>>>>, pieces: VecDeque<Bytes> },
    Broken,
}

impl Source {
    /// Bytes still to come, where known.
    fn left(&self) -> Option<u64> {
        match self {
            Self::Plain { left, .. } => Some(*left),
            Self::Gzip { .. } | Self::Broken => None,
        }
    }

    fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Broken => None,
            Self::Plain { pieces, left } => {
                let piece = pieces.pop_front()?;
                *left -= piece.len() as u64;
                Some(piece)
            }
            Self::Gzip { encoder, pieces } => {
                loop {
                    let mut writer = encoder.take()?;
                    // Writing to memory does not fail; should it ever, the body ends short, which clients see.
                    let Some(piece) = pieces.pop_front() else {
                        return writer.finish().ok().map(Bytes::from);
                    };
                    writer.write_all(&piece).ok()?;
                    let out = std::mem::take(writer.get_mut());
                    *encoder = Some(writer);
                    if !out.is_empty() {
                        return Some(out.into());
                    }
                }
            }
        }
    }

    fn put_back(&mut self, rest: Bytes) {
        match self {
            Self::Plain { pieces, left } => {
                *left += rest.len() as u64;
                pieces.push_front(rest);
            }
            Self::Gzip { .. } => {
                // Compressed bytes that were cut off: keep the rest of the body compressed behind them.
                let mut pieces = VecDeque::from([rest]);
                while let Some(piece) = self.next() {
                    pieces.push_back(piece);
                }
                let left = pieces.iter().map(|piece| piece.len() as u64).sum();
                *self = Self::Plain { pieces, left };
            }
            Self::Broken => {}
        }
    }

    /// Compresses all of it now, so that its length is known.
    fn measured(mut self) -> Self {
        if matches!(self, Self::Gzip { .. }) {
            self.put_back(Bytes::new());
        }
        self
    }

    fn corrupt(&mut self) {
        if let Self::Plain { pieces, .. } = self {
            for piece in pieces {
                *piece = piece.iter().map(|byte| !byte).collect::<Vec<u8>>().into();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use http_body_util::BodyExt;

    use super::*;
    use crate::fault::{Action, Fault, Faults, Route};

    fn firing() -> (Faults, Firing) {
        let faults = Faults::default();
        faults.add(Fault::on(Route::Any).then(Action::stall(0)));
        let firing = faults.strike(&http::Method::GET, "/", String::new).unwrap();
        (faults, firing)
    }

    fn pieces() -> Vec<Bytes> {
        vec![Bytes::from_static(b"hello "), Bytes::from_static(b"cruel "), Bytes::from_static(b"world")]
    }

    fn fault(after: u64, kind: FaultKind) -> (Faults, BodyFault) {
        let (faults, firing) = firing();
        (faults, BodyFault { after, kind, firing, wire: None })
    }

    async fn read(mut body: Body) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => out.extend_from_slice(&frame.into_data().unwrap()),
                Err(BodyError(())) => return (out, true),
            }
        }
        (out, false)
    }

    #[tokio::test]
    async fn a_cut_body_yields_exactly_the_bytes_before_the_cut() {
        for after in 0..17 {
            let kind = FaultKind::Cut { framing: Framing::Length, reset: false };
            let (_faults, fault) = fault(after, kind);
            let body = Body::new(pieces(), false).with_fault(fault);
            assert_eq!(http_body::Body::size_hint(&body).exact(), Some(17));
            let expected = b"hello cruel world"[..usize::try_from(after).unwrap()].to_vec();
            assert_eq!(read(body).await, (expected, true));
        }
    }

    #[tokio::test]
    async fn a_cut_behind_the_end_still_leaves_a_byte_out() {
        let (_faults, fault) = fault(99, FaultKind::Cut { framing: Framing::Length, reset: false });
        let body = Body::new(pieces(), false).with_fault(fault);
        assert_eq!(read(body).await, (b"hello cruel worl".to_vec(), true));
    }

    #[tokio::test]
    async fn a_cut_framed_by_close_looks_whole_and_tells_no_length() {
        let (_faults, fault) = fault(4, FaultKind::Cut { framing: Framing::Close, reset: false });
        let body = Body::new(pieces(), false).with_fault(fault);
        assert_eq!(http_body::Body::size_hint(&body).exact(), None);
        assert_eq!(read(body).await, (b"hell".to_vec(), false));
    }

    #[tokio::test]
    async fn a_stalled_body_goes_on_when_released() {
        let (faults, fault) = fault(7, FaultKind::Stall);
        let mut body = Body::new(pieces(), false).with_fault(fault);
        let mut out = Vec::new();
        while out.len() < 7 {
            out.extend_from_slice(&body.frame().await.unwrap().unwrap().into_data().unwrap());
        }
        let id = faults.list()[0].0;
        let rest = tokio::spawn(read(body));
        assert!(faults.fired(id, 1).await);
        assert!(!rest.is_finished());
        faults.release(id);
        out.extend_from_slice(&rest.await.unwrap().0);
        assert_eq!(out, b"hello cruel world");
    }

    #[tokio::test]
    async fn a_compressed_body_is_gzip_whole_cut_or_damaged() {
        let plain = b"hello cruel world".to_vec();
        let (gzip, broke) = read(Body::new(pieces(), true)).await;
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(gzip.as_slice()).read_to_end(&mut out).unwrap();
        assert_eq!((out, broke), (plain, false));

        let (_faults, cut) = fault(5, FaultKind::Cut { framing: Framing::Chunked, reset: false });
        let (short, broke) = read(Body::new(pieces(), true).with_fault(cut)).await;
        assert_eq!((short, broke), (gzip[..5].to_vec(), true));

        let (_faults, damage) = fault(12, FaultKind::Corrupt);
        let (bad, broke) = read(Body::new(pieces(), true).with_fault(damage)).await;
        assert_eq!((&bad[..12], bad.len(), broke), (&gzip[..12], gzip.len(), false));
        let read = flate2::read::GzDecoder::new(bad.as_slice()).read_to_end(&mut Vec::new());
        assert!(read.is_err());
    }
}
