//! The adapter over reqwest: rustls with aws-lc-rs, proxies from the environment.

use std::time::Duration;

use ::http::Method;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt};

use super::{BodyStream, HttpService, Response, TransportError, TransportErrorKind, framing};
use crate::auth::Secret;
use crate::{Error, ErrorKind, Result};

/// HTTP over reqwest.
///
/// Time-outs bound silence, not work: a page may take an hour as long as bytes keep coming.
#[derive(Debug, Clone)]
pub struct ReqwestService {
    client: reqwest::Client,
}

/// Settings of a [`ReqwestService`].
#[derive(Debug, Clone)]
pub struct ReqwestBuilder {
    connect_timeout: Duration,
    idle_timeout: Duration,
    pool_idle_timeout: Duration,
    /// Its URL can hold a password.
    proxy: Option<Secret>,
}

impl Default for ReqwestBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(120),
            pool_idle_timeout: Duration::from_secs(50),
            proxy: None,
        }
    }
}

impl ReqwestBuilder {
    /// How long making a connection may take. 30 s by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long the org may stay silent, before its headers or between two pieces of a body.
    /// 120 s by default.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// How long an unused connection is kept. 50 s by default.
    #[must_use]
    pub fn pool_idle_timeout(mut self, timeout: Duration) -> Self {
        self.pool_idle_timeout = timeout;
        self
    }

    /// A proxy for every request, in place of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(Secret::new(url));
        self
    }

    /// Makes the service.
    ///
    /// # Errors
    /// A proxy that is not a URL, or a machine on which TLS cannot be set up.
    pub fn build(self) -> Result<ReqwestService> {
        let build = |roots: bool| -> std::result::Result<reqwest::Client, reqwest::Error> {
            let mut builder = reqwest::Client::builder()
                .connect_timeout(self.connect_timeout)
                .read_timeout(self.idle_timeout)
                .pool_idle_timeout(self.pool_idle_timeout)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .tcp_nodelay(true);
            if let Some(proxy) = &self.proxy {
                builder = builder.proxy(reqwest::Proxy::all(proxy.expose())?);
            }
            if !roots {
                builder = builder.tls_certs_only([]);
            }
            builder.build()
        };
        // A bare machine has no certificate authorities at all. It can still talk to an emulated org
        // on loopback, so that is no reason to fail before anything was asked of it.
        let client = build(true).or_else(|error| {
            let client = build(false).map_err(|_| {
                Error::new(ErrorKind::InvalidInput, "the HTTP client could not be set up").with_source(error)
            })?;
            tracing::warn!(
                "no certificate authorities on this machine: https will be refused (install ca-certificates)"
            );
            Ok::<_, Error>(client)
        })?;
        Ok(ReqwestService { client })
    }
}

impl ReqwestService {
    /// A service with the defaults of [`ReqwestBuilder`].
    ///
    /// # Errors
    /// As [`ReqwestBuilder::build`].
    pub fn new() -> Result<Self> {
        ReqwestBuilder::default().build()
    }

    /// A service with settings of one's own.
    #[must_use]
    pub fn builder() -> ReqwestBuilder {
        ReqwestBuilder::default()
    }
}

impl HttpService for ReqwestService {
    fn call(&self, request: ::http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        Box::pin(execute(self.client.clone(), request.map(reqwest::Body::from)))
    }

    fn upload(
        &self,
        request: ::http::Request<BodyStream>,
    ) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(execute(self.client.clone(), request.map(reqwest::Body::wrap_stream)))
    }
}

async fn execute(
    client: reqwest::Client,
    request: ::http::Request<reqwest::Body>,
) -> Result<Response, TransportError> {
    let method: Method = request.method().clone();
    let request = reqwest::Request::try_from(request).map_err(transport)?;
    let answer = client.execute(request).await.map_err(transport)?;
    let framing = framing(&method, answer.version(), answer.status(), answer.headers());
    Ok(Response {
        status: answer.status(),
        headers: answer.headers().clone(),
        framing,
        body: answer.bytes_stream().map_err(transport).boxed(),
    })
}

/// What reqwest says, without the URL: a query string can hold data.
fn transport(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let (kind, message) = if error.is_connect() {
        (TransportErrorKind::Connect, "no connection could be made")
    } else if error.is_timeout() {
        (TransportErrorKind::Timeout, "the other side went silent")
    } else if error.is_builder() {
        (TransportErrorKind::Request, "the request cannot be sent")
    } else if error.is_body() || error.is_decode() {
        (TransportErrorKind::Broken, "the body broke off")
    } else {
        (TransportErrorKind::Broken, "the connection broke before an answer came")
    };
    TransportError::new(kind, message).with_source(error)
}
