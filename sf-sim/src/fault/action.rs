//! What a fault does to a call.

use std::time::Duration;

/// What happens to a call that a fault hits.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// This answer, and the org does nothing.
    Reply(Reply),
    /// The org does its work, then this answer: the client cannot know what was done.
    ReplyAfter(Reply),
    /// The call waits before anything is done.
    Delay(Duration),
    /// The connection is reset and the org does nothing.
    ResetBefore,
    /// The org does its work, then the connection is reset without an answer.
    ResetAfter,
    /// The body ends after so many bytes, as sent on the wire.
    Cut {
        /// Bytes of the body that still arrive. At least one byte is always missing.
        after: u64,
        /// What the headers promised.
        framing: Framing,
        /// Whether the connection is reset rather than closed.
        reset: bool,
    },
    /// The body stops after so many bytes and goes on when the fault is released.
    Stall {
        /// Bytes of the body that arrive first.
        after: u64,
    },
    /// The answer lacks these headers.
    WithoutHeaders(Vec<String>),
    /// The answer claims gzip, and its compressed bytes are damaged from here on.
    BrokenGzip {
        /// Bytes of the compressed body that are still right.
        after: u64,
    },
    /// The session that the call came with is ended first; without one, all are.
    ExpireSession,
    /// The org moves to another host first: answers of the token endpoint name it from now on, and
    /// data calls to any other host get `old`.
    MoveOrg {
        /// The new instance URL.
        to: String,
        /// What the old host answers. A status of 300 to 399 without a `Location` sends the call to its path on the new host.
        old: Reply,
    },
    /// The job of the call stays `InProgress`.
    SlowJob {
        /// For so many polls after this call; none: until the fault is released.
        polls: Option<u32>,
    },
    /// The job of the call ends as `Failed`.
    FailJob {
        /// Its `errorMessage`.
        message: String,
    },
    /// Somebody else aborts the job of the call: before the org looks at the call, or right after it created the job.
    AbortJob,
    /// The org forgets the job of the call, after answering where it was just created.
    LoseJob,
}

/// How a cut body was announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// By a `Content-Length` that is never reached.
    #[default]
    Length,
    /// As chunks, the last of which never comes.
    Chunked,
    /// By nothing: the end of the connection is the end of the body, so the cut looks whole.
    Close,
}

/// An answer in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The body's type; none where there is no body.
    pub content_type: Option<String>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Reply {
    /// An answer with one error in the gateway's key order.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!([{ "errorCode": code, "message": message }]);
        Self {
            status,
            content_type: Some("application/json;charset=UTF-8".to_owned()),
            headers: Vec::new(),
            body: body.to_string(),
        }
    }

    /// An answer with an HTML page, as an edge server gives it.
    pub fn html(status: u16, title: &str) -> Self {
        Self {
            status,
            content_type: Some("text/html; charset=UTF-8".to_owned()),
            headers: Vec::new(),
            body: format!("<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"),
        }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, content_type: None, headers: Vec::new(), body: String::new() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

impl Action {
    /// This status with one Salesforce error.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::Reply(Reply::error(status, code, message))
    }

    /// `503` with an HTML page, as during maintenance.
    pub fn unavailable() -> Self {
        Self::Reply(Reply::html(503, "Down For Maintenance"))
    }

    /// `502` with an HTML page, as an edge server gives it when it cannot reach the org.
    pub fn bad_gateway() -> Self {
        Self::Reply(Reply::html(502, "Bad Gateway"))
    }

    /// `400 LIMIT_EXCEEDED` in these words: what Bulk API 2.0 answers when a day's allowance of jobs or storage is used up.
    pub fn limit_exceeded(message: &str) -> Self {
        Self::error(400, "LIMIT_EXCEEDED", message)
    }

    /// `500 UNKNOWN_EXCEPTION`.
    pub fn server_error() -> Self {
        Self::error(
            500,
            "UNKNOWN_EXCEPTION",
            "An unexpected error occurred. Please include this ErrorId if you contact support: 12345-67890 (-1234567)",
        )
    }

    /// `429` with `Retry-After` in seconds.
    pub fn too_many_requests(seconds: u32) -> Self {
        Self::Reply(Reply::html(429, "Too Many Requests").header("Retry-After", seconds.to_string()))
    }

    /// `400` with an OAuth error; [`OAUTH_ERRORS`](super::OAUTH_ERRORS) lists those that orgs have.
    pub fn oauth_error(error: &str, description: &str) -> Self {
        let body = serde_json::json!({ "error": error, "error_description": description });
        Self::Reply(Reply {
            status: 400,
            content_type: Some("application/json;charset=UTF-8".to_owned()),
            headers: Vec::new(),
            body: body.to_string(),
        })
    }

    /// `403 REQUEST_LIMIT_EXCEEDED` for the total of a day.
    pub fn daily_limit() -> Self {
        Self::error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    }

    /// `403 REQUEST_LIMIT_EXCEEDED` for calls at the same time.
    pub fn concurrent_limit() -> Self {
        Self::error(
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
        )
    }

    /// The body breaks off after so many bytes of its promised length.
    pub fn cut(after: u64) -> Self {
        Self::Cut { after, framing: Framing::Length, reset: false }
    }

    /// The body breaks off after so many bytes, framed like this.
    pub fn cut_framed(after: u64, framing: Framing) -> Self {
        Self::Cut { after, framing, reset: false }
    }

    /// The body stops after so many bytes until the fault is released.
    pub fn stall(after: u64) -> Self {
        Self::Stall { after }
    }

    /// The answer lacks these headers.
    pub fn without_headers<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::WithoutHeaders(names.into_iter().map(str::to_owned).collect())
    }

    /// The org moves; its old host answers `401 INVALID_SESSION_ID`.
    pub fn move_org(to: impl Into<String>) -> Self {
        Self::MoveOrg {
            to: to.into(),
            old: Reply::error(401, "INVALID_SESSION_ID", "Session expired or invalid"),
        }
    }

    /// The org moves; its old host sends each call to its path on the new one with this status, as 301 or 302.
    pub fn move_org_redirecting(to: impl Into<String>, status: u16) -> Self {
        Self::MoveOrg { to: to.into(), old: Reply::empty(status) }
    }

    /// The job ends as `Failed` with this message; one that is over stays as it ended.
    pub fn fail_job(message: impl Into<String>) -> Self {
        Self::FailJob { message: message.into() }
    }
}
