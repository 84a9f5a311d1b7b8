//! A connection that knows when everything handed to it has left, and can be reset.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What a request's handler may know of its connection, and do to it.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    /// How often everything buffered above the socket had been written to it.
    flushes: AtomicU64,
    waker: AtomicWaker,
    reset: AtomicBool,
}

impl Wire {
    /// The connection will end with a reset rather than a close.
    pub(crate) fn reset_on_close(&self) {
        self.reset.store(true, Ordering::SeqCst);
    }

    /// Waits until everything handed to the HTTP layer so far has been written to the socket.
    pub(crate) async fn drained(&self) {
        let mark = self.flushes.load(Ordering::SeqCst);
        std::future::poll_fn(|cx| {
            self.waker.register(cx.waker());
            if self.flushes.load(Ordering::SeqCst) > mark { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// A TCP stream with its [`Wire`].
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    wire: Arc<Wire>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Answers are written whole; waiting to fill a packet only delays them. Failing costs speed alone.
        let _ = stream.set_nodelay(true);
        Self { stream, wire: Arc::default() }
    }

    pub(crate) fn wire(&self) -> Arc<Wire> {
        Arc::clone(&self.wire)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.wire.reset.load(Ordering::SeqCst) {
            // Where the system refuses, the connection is closed instead, which is a fault as well.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes the transport only once its own buffers are empty, which is the moment to report.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if flushed.is_ready() {
            self.wire.flushes.fetch_add(1, Ordering::SeqCst);
            self.wire.waker.wake();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
