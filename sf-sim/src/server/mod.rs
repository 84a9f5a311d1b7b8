//! The org on a port, and in this process.

mod body;
mod control;
mod dispatch;
mod socket;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::task::JoinSet;

pub use body::{Body, BodyError};
use socket::Socket;

use crate::org::{Shared, Sim};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The org as a tower service: any number of requests, no socket.
///
/// Faults that break a connection show here as a body that fails before its first byte.
#[derive(Clone, Debug)]
pub struct Router {
    org: Arc<Shared>,
}

impl Router {
    pub(crate) fn new(org: Arc<Shared>) -> Self {
        Self { org }
    }
}

impl<B> tower_service::Service<Request<B>> for Router
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let org = Arc::clone(&self.org);
        Box::pin(async move {
            let answer = dispatch::handle(org, request, None).await;
            Ok(answer.unwrap_or_else(|dispatch::Reset| Response::new(Body::broken())))
        })
    }
}

/// An org that listens on a port. It stops when this value is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    accepting: tokio::task::JoinHandle<()>,
}

impl Sim {
    /// Listens on an address, as `127.0.0.1:0`. May be called several times: each address reaches the same org.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn serve(&self, address: impl ToSocketAddrs) -> io::Result<Server> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, Arc::clone(&self.shared)));
        Ok(Server { address, accepting })
    }
}

impl Server {
    /// The address, as `http://127.0.0.1:41873`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address as such.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening and ends every connection, answered or not.
    pub async fn shutdown(mut self) {
        self.accepting.abort();
        // The task was told to stop: that it did is all there is to know.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Connections live in a set within this task, so that they end with it.
async fn accept(listener: TcpListener, org: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(serve(stream, Arc::clone(&org)))),
                Err(error) => {
                    // Too many open files, say: one connection lost, the next may do.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::task::yield_now().await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, org: Arc<Shared>) {
    let socket = Socket::new(stream);
    let wire = socket.wire();
    let service = service_fn(move |request| {
        let (org, wire) = (Arc::clone(&org), Arc::clone(&wire));
        async move { dispatch::handle(org, request, Some(wire)).await }
    });
    let mut http = http1::Builder::new();
    // The org's own clock gives the date, the same here and in-process.
    http.timer(TokioTimer::new()).auto_date_header(false).title_case_headers(true);
    let served = http.serve_connection(TokioIo::new(socket), service).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}
