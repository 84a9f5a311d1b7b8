//! Answers that are given in order, whatever is asked, with bodies that break where a test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

pub(crate) mod ingest;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use sf_core::Client;
use sf_core::auth::{Token, TokenProvider};
use sf_core::http::{Framing, HttpService, Response, TransportError, TransportErrorKind};
use sf_core::record::{Field, FieldType, Schema};
use sf_core::retry::RetryPolicy;

pub(crate) const JOB: &str = "7507Q000009f8jvQAA";

/// One scripted answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) broken: bool,
    pub(crate) framing: Framing,
    pub(crate) piece: usize,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &str) -> Self {
        let headers = vec![("content-type", "application/json;charset=UTF-8".to_owned())];
        Self { status, headers, body: body.into(), broken: false, framing: Framing::Explicit, piece: 11 }
    }

    /// A page of rows with ids `from..to` in the shape that an org gives it.
    pub(crate) fn page(from: u64, to: u64, next: Option<&str>) -> Self {
        let mut body = String::from("\"Id\",\"Name\"\n");
        for i in from..to {
            body.push_str(&format!("\"{i}\",\"row \"\"{i}\"\",\n\"\n"));
        }
        let headers = vec![
            ("content-type", "text/csv".to_owned()),
            ("sforce-numberofrecords", (to - from).to_string()),
            ("sforce-locator", next.unwrap_or("null").to_owned()),
        ];
        Self { status: 200, headers, body: body.into(), broken: false, framing: Framing::Explicit, piece: 11 }
    }

    /// Cut after so many bytes; whether that shows depends on the framing.
    pub(crate) fn cut(mut self, at: usize) -> Self {
        self.body.truncate(at);
        self.broken = self.framing == Framing::Explicit;
        self
    }

    pub(crate) fn close_framed(mut self) -> Self {
        self.framing = Framing::Close;
        self.broken = false;
        self
    }

    pub(crate) fn without(mut self, header: &str) -> Self {
        self.headers.retain(|(name, _)| *name != header);
        self
    }

    pub(crate) fn respond(self) -> Response {
        let mut pieces: Vec<_> =
            self.body.chunks(self.piece).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
        if self.broken {
            pieces.push(Err(TransportError::new(TransportErrorKind::Broken, "the connection broke")));
        }
        let mut headers = http::HeaderMap::new();
        for (name, value) in &self.headers {
            headers.insert(*name, value.parse().unwrap());
        }
        let status = http::StatusCode::from_u16(self.status).unwrap();
        let body = futures_util::stream::iter(pieces).boxed();
        Response { status, headers, framing: self.framing, body }
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Script(Arc<Mutex<Play>>);

#[derive(Debug, Default)]
struct Play {
    answers: VecDeque<Answer>,
    asked: Vec<String>,
    bodies: Vec<String>,
}

impl Script {
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self(Arc::new(Mutex::new(Play { answers: answers.into_iter().collect(), ..Play::default() })))
    }

    /// Paths and queries that were asked for, without what all have in common.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().asked.clone()
    }

    /// The bodies of all requests.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.0.lock().unwrap().bodies.clone()
    }

    pub(crate) fn left(&self) -> usize {
        self.0.lock().unwrap().answers.len()
    }

    pub(crate) fn client(&self) -> Client {
        let retry = RetryPolicy::default().with_max_attempts(4);
        Client::builder(Always).http(Arc::new(self.clone())).retry(retry).build().unwrap()
    }
}

impl HttpService for Script {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let mut script = self.0.lock().unwrap();
        let path = request.uri().path_and_query().unwrap().as_str();
        let short = path.trim_start_matches("/services/data/v65.0/jobs/query");
        script.asked.push(format!("{} {short}", request.method()));
        script.bodies.push(String::from_utf8(request.body().to_vec()).unwrap());
        let answer = script.answers.pop_front();
        Box::pin(async move {
            let Some(answer) = answer else {
                return Err(TransportError::new(
                    TransportErrorKind::Request,
                    "the script has no further answer",
                ));
            };
            Ok(answer.respond())
        })
    }
}

/// A token that never changes.
#[derive(Debug)]
pub(crate) struct Always;

impl TokenProvider for Always {
    fn token(&self) -> BoxFuture<'_, sf_core::Result<Arc<Token>>> {
        Box::pin(async { Token::new("t", "http://127.0.0.1:9".parse().unwrap()).map(Arc::new) })
    }

    fn invalidate(&self, _: &Token) {}
}

pub(crate) fn schema() -> Arc<Schema> {
    let fields = vec![Field::new("Id", FieldType::Id), Field::new("Name", FieldType::String)];
    Arc::new(Schema::new("Thing", fields).unwrap())
}
