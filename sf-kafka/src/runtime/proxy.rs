//! What a proxy's refusal means: the org was never asked, and asking again is no use.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use sf_core::http::{HttpService, Response, TransportError, TransportErrorKind};
use url::Url;

use crate::config::BulkQuerySource;
use crate::error::{ProxyRefused, chain};

/// How the HTTP client words the refusal of a tunnel; it gives no type for it.
const TUNNEL_REFUSED: &str = "proxy authorization required";

/// HTTP as it is, except that a proxy which wants another login ends the matter: its answer is not the org's,
/// and a password that is sent again and again can lock its user out there too.
#[derive(Debug)]
pub(super) struct Proxied {
    inner: Arc<dyn HttpService>,
    refusal: Arc<str>,
    /// What to say where no connection comes about, with a proxy of the connector's own.
    away: Option<Arc<str>>,
}

impl Proxied {
    pub(super) fn new(inner: Arc<dyn HttpService>, config: &BulkQuerySource) -> Self {
        let away = place(config).map(|place| format!("no connection by way of {place}").into());
        Self { inner, refusal: refusal(config).into(), away }
    }
}

fn url(config: &BulkQuerySource) -> Option<Url> {
    Url::parse(config.proxy.as_ref()?.expose()).ok()
}

/// The proxy, without user and password.
fn place(config: &BulkQuerySource) -> Option<String> {
    let url = url(config)?;
    Some(format!("the proxy {}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// What to say and what to do, without the user and the password.
fn refusal(config: &BulkQuerySource) -> String {
    let (Some(url), Some(place)) = (url(config), place(config)) else {
        return "the proxy of HTTPS_PROXY or HTTP_PROXY refuses its user and password, or wants one: correct \
                the variable, or set http.proxy, http.proxy.auth.scheme = BASIC, http.proxy.user and \
                http.proxy.password"
            .to_owned();
    };
    if url.username().is_empty() {
        format!(
            "{place} wants a user and a password: set http.proxy.auth.scheme = BASIC, http.proxy.user and \
             http.proxy.password"
        )
    } else {
        format!("{place} refuses its user and password: correct http.proxy.user and http.proxy.password")
    }
}

impl HttpService for Proxied {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let (answer, refusal, away) =
            (self.inner.call(request), Arc::clone(&self.refusal), self.away.clone());
        Box::pin(async move {
            let answer = answer.await;
            let refused = match &answer {
                Ok(answer) => answer.status == http::StatusCode::PROXY_AUTHENTICATION_REQUIRED,
                Err(error) => chain(error).contains(TUNNEL_REFUSED),
            };
            if refused {
                let error = TransportError::new(TransportErrorKind::Request, &*refusal);
                return Err(error.with_source(ProxyRefused));
            }
            answer.map_err(|error| match away {
                Some(away) if error.kind() == TransportErrorKind::Connect => {
                    TransportError::new(TransportErrorKind::Connect, &*away).with_source(error)
                }
                _ => error,
            })
        })
    }
}
