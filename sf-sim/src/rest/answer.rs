//! What the org answers: status, headers, body, and the two shapes of an error.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::id::RecordId;
use crate::soql::SoqlError;
use crate::store::RowError;

const JSON: &str = "application/json;charset=UTF-8";

/// An answer before the headers that every answer has, and before faults.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Boxed: answers travel as errors too, which ought to be small.
    pub(crate) headers: Box<HeaderMap>,
    pub(crate) body: Vec<Bytes>,
    /// The job that the call created.
    pub(crate) job: Option<RecordId>,
    /// An answer of something before the org, without the org's own headers.
    pub(crate) edge: bool,
    /// To be sent as gzip that is damaged from this byte on.
    pub(crate) damaged_gzip: Option<u64>,
}

impl Answer {
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Box::default(), body: Vec::new(), job: None, edge: false, damaged_gzip: None }
    }

    pub(crate) fn new(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut answer = Self::empty(status).with(CONTENT_TYPE, content_type);
        answer.body.push(body.into());
        answer
    }

    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, JSON, body.to_string())
    }

    pub(crate) fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// Adds a header. A value that no header can hold is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.append(name, value);
        }
        self
    }

    /// Bytes of the body.
    pub(crate) fn len(&self) -> u64 {
        self.body.iter().map(|piece| piece.len() as u64).sum()
    }

    /// The gateway's and the job resources' error: the code comes first.
    pub(crate) fn gateway(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self::json(status, &json!([{ "errorCode": code, "message": message.into() }]))
    }

    /// The data layer's error: the message comes first, fields only where it has any to name.
    pub(crate) fn data(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self::json(status, &json!([{ "message": message.into(), "errorCode": code }]))
    }

    pub(crate) fn not_found() -> Self {
        Self::gateway(StatusCode::NOT_FOUND, "NOT_FOUND", "The requested resource does not exist")
    }

    /// The resource is there, the method is not among `allowed`.
    pub(crate) fn not_allowed(method: &http::Method, allowed: &str) -> Self {
        let message = format!("HTTP Method '{method}' not allowed. Allowed are {allowed}");
        Self::gateway(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message)
            .with(http::header::ALLOW, allowed)
    }

    /// A row that the store refused.
    pub(crate) fn row_error(error: &RowError) -> Self {
        let status = match error.code {
            "ENTITY_IS_DELETED" | "NOT_FOUND" => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = json!([{ "message": error.message, "errorCode": error.code, "fields": error.fields }]);
        Self::json(status, &body)
    }

    /// A query that was refused.
    pub(crate) fn soql_error(error: &SoqlError) -> Self {
        Self::data(StatusCode::BAD_REQUEST, error.code, error.message.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_producers_order_the_keys_of_an_error_differently() {
        let text = |answer: Answer| String::from_utf8(answer.body[0].to_vec()).unwrap();
        let gateway = Answer::not_found();
        assert_eq!(gateway.status, 404);
        assert_eq!(
            text(gateway),
            r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#
        );
        let deleted = Answer::row_error(&RowError::new("ENTITY_IS_DELETED", "entity is deleted"));
        assert_eq!(deleted.status, 404);
        assert_eq!(
            text(deleted),
            r#"[{"message":"entity is deleted","errorCode":"ENTITY_IS_DELETED","fields":[]}]"#
        );
    }
}
