//! The one seam between this crate and the network.
//!
//! An [`HttpService`] performs one attempt: it never retries, never adds a token, never follows a
//! redirect and never decompresses. Retrying stands in [`crate::retry`], tokens in [`crate::client`],
//! decompression in this module, above the seam. So a recorder, a fault injector, an in-process
//! emulator and a real socket all plug in at the same place.

mod decode;
mod in_process;
#[cfg(feature = "reqwest")]
mod reqwest;

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;

use ::http::{HeaderMap, StatusCode};
#[cfg(any(test, feature = "reqwest"))]
use ::http::{Method, header};
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt};

pub use decode::decoded;
pub use in_process::InProcess;

#[cfg(feature = "reqwest")]
pub use self::reqwest::{ReqwestBuilder, ReqwestService};

/// The bytes of an answer as they arrive, undecoded below [`decoded`].
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>;

/// Whether the end of a body can be told from a broken connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A length, a final chunk, an HTTP/2 end of stream or a compressed body's trailer ends the
    /// body: a cut shows as an error.
    Explicit,
    /// The end of the connection ends the body: a cut looks like success. Whoever reads it must
    /// check it by other means.
    Close,
}

/// One answer: status and headers at once, the body as it arrives.
pub struct Response {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers; names in any case.
    pub headers: HeaderMap,
    /// How the end of the body is known.
    pub framing: Framing,
    /// The body.
    pub body: BodyStream,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("framing", &self.framing)
            .finish_non_exhaustive()
    }
}

impl Response {
    /// A header's value as text; `None` where it is absent or not visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// Reads the whole body, at most `limit` bytes.
    ///
    /// # Errors
    /// A broken body, or one that is larger than `limit`: nothing is ever cut silently.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, TransportError> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.body.next().await {
            let chunk = chunk?;
            if whole.len() + chunk.len() > limit {
                return Err(TransportError::new(
                    TransportErrorKind::TooLarge,
                    format!("the body is larger than the {limit} bytes allowed for it"),
                ));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }
}

/// One attempt of one HTTP request.
///
/// The URL is absolute. Implementations must not retry, follow redirects or decompress.
pub trait HttpService: fmt::Debug + Send + Sync + 'static {
    /// Sends the request and returns as soon as the headers of the answer are there.
    fn call(&self, request: ::http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>>;

    /// Sends a request whose body is a stream, whose length its `Content-Length` tells.
    ///
    /// An implementation that has no streams of its own leaves this as it is: the body is then read whole first.
    fn upload(
        &self,
        request: ::http::Request<BodyStream>,
    ) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let (parts, mut body) = request.into_parts();
            let mut whole = BytesMut::new();
            while let Some(piece) = body.next().await {
                whole.extend_from_slice(&piece?);
            }
            self.call(::http::Request::from_parts(parts, whole.freeze())).await
        })
    }
}

/// Why an attempt gave no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No connection: nothing was sent.
    Connect,
    /// The other side went silent.
    Timeout,
    /// The connection broke, or the body did, after something was sent.
    Broken,
    /// The request itself cannot be sent.
    Request,
    /// The body is larger than the caller allows.
    TooLarge,
}

/// A failure below HTTP: no answer, or only a part of one.
#[derive(Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl TransportError {
    /// An error of this kind.
    pub fn new(kind: TransportErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|s| s as &(dyn StdError + 'static))
    }
}

/// How the end of a body is known, from what came before it (RFC 9112, "Message Body Length").
#[cfg(any(test, feature = "reqwest"))]
pub(crate) fn framing(
    method: &Method,
    version: ::http::Version,
    status: StatusCode,
    headers: &HeaderMap,
) -> Framing {
    let bodyless = method == Method::HEAD
        || status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED;
    let explicit = bodyless
        || version >= ::http::Version::HTTP_2
        || headers.contains_key(header::CONTENT_LENGTH)
        || headers.contains_key(header::TRANSFER_ENCODING);
    if explicit { Framing::Explicit } else { Framing::Close }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_without_length_or_chunks_ends_only_with_the_connection() {
        let mut headers = HeaderMap::new();
        let ask = |h: &HeaderMap, v| framing(&Method::GET, v, StatusCode::OK, h);
        assert_eq!(ask(&headers, ::http::Version::HTTP_11), Framing::Close);
        assert_eq!(ask(&headers, ::http::Version::HTTP_2), Framing::Explicit);
        headers.insert(header::CONTENT_LENGTH, ::http::HeaderValue::from_static("3"));
        assert_eq!(ask(&headers, ::http::Version::HTTP_11), Framing::Explicit);
    }
}
