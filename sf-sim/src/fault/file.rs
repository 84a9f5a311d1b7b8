//! Faults as JSON: the file of `--faults` and the body of the control route.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::{Action, Fault, Framing, Reply, Route};

/// A faults file that cannot be read; it says where and why.
#[derive(Debug)]
pub struct FaultsFileError(serde_json::Error);

impl fmt::Display for FaultsFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a list of faults: {}", self.0)
    }
}

impl std::error::Error for FaultsFileError {}

/// One fault or a list of them.
pub(super) fn parse(text: &str) -> Result<Vec<Fault>, FaultsFileError> {
    // Told apart by the first character rather than by an untagged enum, whose errors say nothing.
    let parsed: Result<Vec<FaultText>, _> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text)
    } else {
        serde_json::from_str(text).map(|one| vec![one])
    };
    Ok(parsed.map_err(FaultsFileError)?.into_iter().map(Fault::from).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultText {
    on: Route,
    containing: Option<String>,
    #[serde(default = "one")]
    nth: u64,
    #[serde(default)]
    times: Times,
    then: ActionText,
}

fn one() -> u64 {
    1
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a number of calls or \"always\"")]
enum Times {
    Count(u64),
    Word(Word),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Always,
}

impl Default for Times {
    fn default() -> Self {
        Self::Count(1)
    }
}

impl From<FaultText> for Fault {
    fn from(text: FaultText) -> Self {
        let times = match text.times {
            Times::Count(times) => times,
            Times::Word(Word::Always) => u64::MAX,
        };
        Self {
            route: text.on,
            containing: text.containing,
            nth: text.nth.max(1),
            times,
            action: text.then.into(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ActionText {
    Reply(ReplyText),
    ReplyAfter(ReplyText),
    DelayMs(u64),
    ResetBefore,
    ResetAfter,
    Cut(CutText),
    Stall(AfterText),
    WithoutHeaders(Vec<String>),
    BrokenGzip(AfterText),
    ExpireSession,
    MoveOrg(MoveText),
    SlowJob(SlowText),
    FailJob(MessageText),
    AbortJob,
    LoseJob,
    Unavailable,
    BadGateway,
    LimitExceeded(MessageText),
    ServerError,
    TooManyRequests(RetryText),
    DailyLimit,
    ConcurrentLimit,
    OauthError(OauthText),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OauthText {
    error: String,
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CutText {
    after: u64,
    #[serde(default)]
    framing: FramingText,
    #[serde(default)]
    reset: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FramingText {
    #[default]
    Length,
    Chunked,
    Close,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AfterText {
    #[serde(default)]
    after: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoveText {
    to: String,
    old: Option<ReplyText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowText {
    polls: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageText {
    message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RetryText {
    retry_after: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyText {
    status: u16,
    content_type: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Text is sent as it stands, anything else as JSON.
    #[serde(default)]
    body: serde_json::Value,
}

impl From<ReplyText> for Reply {
    fn from(text: ReplyText) -> Self {
        let (body, usual) = match text.body {
            serde_json::Value::Null => (String::new(), None),
            serde_json::Value::String(body) if body.trim_start().starts_with('<') => {
                (body, Some("text/html"))
            }
            serde_json::Value::String(body) => (body, Some("text/plain")),
            json => (json.to_string(), Some("application/json;charset=UTF-8")),
        };
        Self {
            status: text.status,
            content_type: text.content_type.or_else(|| usual.map(str::to_owned)),
            headers: text.headers.into_iter().collect(),
            body,
        }
    }
}

impl From<ActionText> for Action {
    fn from(text: ActionText) -> Self {
        match text {
            ActionText::Reply(reply) => Self::Reply(reply.into()),
            ActionText::ReplyAfter(reply) => Self::ReplyAfter(reply.into()),
            ActionText::DelayMs(ms) => Self::Delay(Duration::from_millis(ms)),
            ActionText::ResetBefore => Self::ResetBefore,
            ActionText::ResetAfter => Self::ResetAfter,
            ActionText::Cut(CutText { after, framing, reset }) => {
                let framing = match framing {
                    FramingText::Length => Framing::Length,
                    FramingText::Chunked => Framing::Chunked,
                    FramingText::Close => Framing::Close,
                };
                Self::Cut { after, framing, reset }
            }
            ActionText::Stall(AfterText { after }) => Self::Stall { after },
            ActionText::WithoutHeaders(names) => Self::WithoutHeaders(names),
            ActionText::BrokenGzip(AfterText { after }) => Self::BrokenGzip { after },
            ActionText::ExpireSession => Self::ExpireSession,
            ActionText::MoveOrg(MoveText { to, old: Some(old) }) => Self::MoveOrg { to, old: old.into() },
            ActionText::MoveOrg(MoveText { to, old: None }) => Self::move_org(to),
            ActionText::SlowJob(SlowText { polls }) => Self::SlowJob { polls },
            ActionText::FailJob(MessageText { message }) => Self::FailJob { message },
            ActionText::AbortJob => Self::AbortJob,
            ActionText::LoseJob => Self::LoseJob,
            ActionText::BadGateway => Self::bad_gateway(),
            ActionText::LimitExceeded(MessageText { message }) => Self::limit_exceeded(&message),
            ActionText::Unavailable => Self::unavailable(),
            ActionText::ServerError => Self::server_error(),
            ActionText::TooManyRequests(RetryText { retry_after }) => Self::too_many_requests(retry_after),
            ActionText::DailyLimit => Self::daily_limit(),
            ActionText::ConcurrentLimit => Self::concurrent_limit(),
            ActionText::OauthError(OauthText { error, description }) => {
                let usual = super::oauth::usual(&error).unwrap_or_default();
                Self::oauth_error(&error, description.as_deref().unwrap_or(usual))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_the_api_says() {
        let text = r#"[
            {"on": "results", "nth": 2, "then": {"cut": {"after": 1000, "framing": "close"}}},
            {"on": {"path": "*/describe"}, "times": "always", "then": {"reply": {"status": 503, "body": "<h1>x</h1>", "headers": {"Retry-After": "2"}}}},
            {"on": "create_job", "containing": "FROM Lead", "then": {"slow_job": {"polls": 3}}},
            {"on": "any", "times": 4, "then": "reset_after"},
            {"on": "close", "then": "abort_job"},
            {"on": "upload", "then": "bad_gateway"},
            {"on": "create_ingest", "then": {"limit_exceeded": {"message": "no more"}}},
            {"on": "query", "then": {"move_org": {"to": "https://new.example", "old": {"status": 301}}}},
            {"on": "token", "then": {"reply": {"status": 400, "body": {"error": "invalid_grant"}}}}
        ]"#;
        let html = Reply {
            status: 503,
            content_type: Some("text/html".into()),
            headers: vec![("Retry-After".into(), "2".into())],
            body: "<h1>x</h1>".into(),
        };
        let refused = Reply {
            status: 400,
            content_type: Some("application/json;charset=UTF-8".into()),
            headers: vec![],
            body: r#"{"error":"invalid_grant"}"#.into(),
        };
        let expected = vec![
            Fault::on(Route::Results).nth(2).then(Action::cut_framed(1000, Framing::Close)),
            Fault::on(Route::path("*/describe")).always().then(Action::Reply(html)),
            Fault::on(Route::CreateJob).containing("FROM Lead").then(Action::SlowJob { polls: Some(3) }),
            Fault::on(Route::Any).times(4).then(Action::ResetAfter),
            Fault::on(Route::Close).then(Action::AbortJob),
            Fault::on(Route::Upload).then(Action::Reply(Reply::html(502, "Bad Gateway"))),
            Fault::on(Route::CreateIngest).then(Action::error(400, "LIMIT_EXCEEDED", "no more")),
            Fault::on(Route::Query).then(Action::move_org_redirecting("https://new.example", 301)),
            Fault::on(Route::Token).then(Action::Reply(refused)),
        ];
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn a_slip_in_a_file_is_named_with_its_place() {
        for (text, wanted) in [
            (r#"{"on":"results"}"#, "missing field `then`"),
            (r#"[{"on":"results","then":"explode"}]"#, "unknown variant `explode`"),
            (r#"[{"on":"results","nht":2,"then":"lose_job"}]"#, "unknown field `nht`"),
            (r#"[{"on":"results","then":{"cut":{"from":2}}}]"#, "unknown field `from`"),
            ("[\n  oops]", "line 2"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}
