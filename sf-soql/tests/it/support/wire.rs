//! An org of one function: from what is asked to what is answered, with the time that it takes.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use sf_core::Client;
use sf_core::http::{Framing, HttpService, Response, TransportError};

use super::client;

type Answer = Box<dyn Fn(&str) -> (u16, String) + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Wire(Arc<Inner>);

struct Inner {
    answer: Answer,
    takes: Duration,
    asked: Mutex<Vec<(String, Option<String>)>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// Answers a path with its query string.
    pub(crate) fn new(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::slow(Duration::ZERO, answer)
    }

    /// The same, each answer after so long.
    pub(crate) fn slow(
        takes: Duration,
        answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner { answer: Box::new(answer), takes, asked: Mutex::default() }))
    }

    pub(crate) fn client(&self) -> Client {
        client(Arc::new(self.clone()), "https://org.example.com", "00D!token")
    }

    /// What was asked: path with query string.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.asked.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }

    /// The `Sforce-Query-Options` of each call.
    pub(crate) fn options(&self) -> Vec<Option<String>> {
        self.0.asked.lock().unwrap().iter().map(|(_, options)| options.clone()).collect()
    }
}

impl HttpService for Wire {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let inner = Arc::clone(&self.0);
        async move {
            let path = request.uri().path_and_query().unwrap().to_string();
            let options = request.headers().get("sforce-query-options");
            let options = options.map(|v| v.to_str().unwrap().to_owned());
            inner.asked.lock().unwrap().push((path.clone(), options));
            if !inner.takes.is_zero() {
                // How long this org takes, in paused time.
                tokio::time::sleep(inner.takes).await;
            }
            let (status, body) = (inner.answer)(&path);
            let body = futures_util::stream::iter([Ok(Bytes::from(body))]).boxed();
            let status = status.try_into().unwrap();
            Ok(Response { status, headers: http::HeaderMap::new(), framing: Framing::Explicit, body })
        }
        .boxed()
    }
}
