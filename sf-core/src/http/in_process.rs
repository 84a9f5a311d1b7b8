//! A service in this process: an emulator or a router, without a socket.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, BodyStream as Frames, Full};
use tower_service::Service;

use super::{Framing, HttpService, Response, TransportError, TransportErrorKind};

/// Calls a tower service (an `axum::Router`, say) instead of the network.
///
/// Bodies are framed by the service itself, so a cut shows as an error. With it, time can be tokio's
/// paused time, which real sockets do not go well with.
#[derive(Clone)]
pub struct InProcess<S>(S);

impl<S> InProcess<S> {
    /// Wraps a service. It is cloned for each call.
    pub fn new(service: S) -> Self {
        Self(service)
    }
}

impl<S> fmt::Debug for InProcess<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl<S, B> HttpService for InProcess<S>
where
    S: Service<::http::Request<Full<Bytes>>, Response = ::http::Response<B>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    fn call(&self, request: ::http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let mut service = self.0.clone();
        Box::pin(async move {
            std::future::poll_fn(|cx| service.poll_ready(cx)).await.unwrap_or_else(|never| match never {});
            let answer = service.call(request.map(Full::new)).await.unwrap_or_else(|never| match never {});
            let (parts, body) = answer.into_parts();
            let body = body.map_err(|e| {
                TransportError::new(TransportErrorKind::Broken, "the body broke off").with_source(e)
            });
            let body = Frames::new(body).filter_map(|frame| async move {
                match frame {
                    Ok(frame) => frame.into_data().ok().map(Ok),
                    Err(e) => Some(Err(e)),
                }
            });
            Ok(Response {
                status: parts.status,
                headers: parts.headers,
                framing: Framing::Explicit,
                body: body.boxed(),
            })
        })
    }
}
