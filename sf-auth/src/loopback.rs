//! The listener that a browser comes back to after a login.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use sf_core::auth::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::authorized::Authorized;
use crate::web_server::Authorization;
use crate::{Error, ErrorKind, Login, Result};

/// The longest request that is read; a code has some hundred characters.
const HEAD: usize = 16 * 1024;
/// Browsers open connections ahead and leave them idle.
const CONNECTIONS: usize = 32;
/// How often in a row a connection may fail to be taken (a limit on open files, say), and the pause after each.
const FAILURES: u32 = 50;
const FAILURE_PAUSE: Duration = Duration::from_millis(100);
const IDLE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// A login that waits on 127.0.0.1 for its browser.
#[derive(Debug)]
#[must_use]
pub struct Loopback {
    listener: TcpListener,
    authorization: Authorization,
    patience: Duration,
}

impl Loopback {
    pub(crate) async fn bind(redirect: &Url) -> Result<(TcpListener, u16)> {
        let wrong = |message: String| Error::new(ErrorKind::InvalidInput, message);
        if redirect.scheme() != "http" || !matches!(redirect.host_str(), Some("localhost" | "127.0.0.1")) {
            return Err(wrong("a listener needs a redirect URI on http://localhost or http://127.0.0.1".into())
                .with_hint("Behind another address use `WebServer::begin`, and `Authorization::finish` in the handler of your own server."));
        }
        let port = redirect.port_or_known_default().unwrap_or(80);
        let bound = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
            let port = listener.local_addr()?.port();
            Ok((listener, port))
        };
        bound.await.map_err(|e: std::io::Error| {
            wrong(format!("127.0.0.1:{port} cannot be listened on: {e}"))
                .with_hint("Another login may be waiting there. End it, or add a callback URL with another port to the app.")
                .with_source(e)
        })
    }

    pub(crate) fn new(listener: TcpListener, authorization: Authorization) -> Self {
        Self { listener, authorization, patience: PATIENCE }
    }

    /// How long [`wait`](Self::wait) gives the person: ten minutes by default.
    pub fn timeout(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Where to send the person's browser.
    pub fn url(&self) -> &Url {
        self.authorization.url()
    }

    /// Waits until the browser comes back, and exchanges its code.
    ///
    /// A request that does not carry this login's state, from another page or an earlier login, is answered
    /// with an error and otherwise ignored.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] where nobody comes, [`ErrorKind::Broken`] where the listener fails for good,
    /// [`ErrorKind::AccessDenied`] where the person said no, and
    /// whatever the org says to the code.
    pub async fn wait(self, login: &Login) -> Result<Authorized> {
        let authorization = Arc::new(self.authorization);
        let code = timeout(self.patience, callback(&self.listener, &authorization, FAILURE_PAUSE))
            .await
            .map_err(|_| {
            Error::new(
                ErrorKind::Timeout,
                format!("no browser came back within {} seconds", self.patience.as_secs()),
            )
            .with_hint("Open the URL and log in; the browser must run on this machine.")
        })??;
        drop(self.listener);
        let authorization = Arc::try_unwrap(authorization)
            .map_err(|_| Error::new(ErrorKind::Protocol, "two browsers came back with the same login"))?;
        authorization.redeem(code, login).await
    }
}

/// The first answer that belongs to this login. Each connection has its own task: an idle one holds nobody up.
async fn callback(
    listener: &TcpListener,
    authorization: &Arc<Authorization>,
    pause: Duration,
) -> Result<Secret> {
    let mut connections = JoinSet::new();
    let mut failures = 0;
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((socket, _)) => {
                    failures = 0;
                    let authorization = Arc::clone(authorization);
                    connections.spawn(async move { timeout(IDLE, serve(socket, &authorization)).await.ok().flatten() });
                }
                Err(_) if failures < FAILURES => {
                    failures += 1;
                    sleep(pause).await;
                }
                Err(e) => {
                    return Err(Error::new(ErrorKind::Broken, format!("the browser's connection cannot be taken: {e}"))
                        .with_hint("Too many files may be open in this process. Begin the login again.")
                        .with_source(e));
                }
            },
            Some(served) = connections.join_next() => {
                if let Ok(Some(outcome)) = served {
                    connections.shutdown().await;
                    return outcome;
                }
            }
        }
    }
}

/// Answers one request; `None` where it was none of ours.
async fn serve(mut socket: TcpStream, authorization: &Authorization) -> Option<Result<Secret>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        if head.len() > HEAD || (&mut socket).take(4096).read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let outcome = std::str::from_utf8(&head).ok().and_then(|head| asked(head, authorization));
    let (status, words) = match &outcome {
        None => ("404 Not Found", "Nothing is here."),
        Some(Ok(_)) => ("200 OK", "You are logged in. You can close this window."),
        Some(Err(e)) if e.kind() == ErrorKind::StateMismatch => {
            ("400 Bad Request", "This page belongs to another login. Use the newest one.")
        }
        Some(Err(_)) => ("200 OK", "The login was refused. The program that began it shows why."),
    };
    // Nothing of the request is repeated, so there is nothing to escape.
    let page = format!("<!doctype html><meta charset=utf-8><title>Salesforce login</title><p>{words}</p>\n");
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    let _ = socket.write_all(answer.as_bytes()).await;
    let _ = socket.shutdown().await;
    match outcome {
        Some(Err(e)) if e.kind() == ErrorKind::StateMismatch => {
            tracing::warn!("a browser came with the answer to another login");
            None
        }
        outcome => outcome,
    }
}

/// What a `GET` of the redirect URI brings.
fn asked(head: &str, authorization: &Authorization) -> Option<Result<Secret>> {
    let target = head.strip_prefix("GET ")?.split(' ').next()?;
    let redirect = authorization.redirect();
    let url =
        redirect.join(target).ok().filter(|url| target.starts_with('/') && url.path() == redirect.path())?;
    Some(authorization.code(&url))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{Shutdown, TcpStream};
    use std::os::fd::OwnedFd;

    use super::*;
    use crate::WebServer;

    #[tokio::test]
    async fn a_listener_that_fails_for_good_ends_the_login_after_some_pauses() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        // On Linux a listener that was shut down refuses each `accept`.
        TcpStream::from(OwnedFd::from(listener.try_clone().unwrap())).shutdown(Shutdown::Both).unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let begun = Arc::new(WebServer::new("https://acme.my.salesforce.com", "key").begin().unwrap());
        let (pause, since) = (Duration::from_millis(2), std::time::Instant::now());
        let error = callback(&listener, &begun, pause).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Broken, "{error}");
        assert!(error.to_string().contains("cannot be taken"), "{error}");
        assert!(since.elapsed() >= pause * FAILURES, "it did not pause: {:?}", since.elapsed());
    }
}
