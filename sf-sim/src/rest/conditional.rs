//! Conditional requests: who has the newest version need not be sent it, and who has an old one may not write over it.

use chrono::{DateTime, NaiveDateTime, Utc};
use http::StatusCode;
use http::header::{ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED};

use super::{Answer, Call};

const DATE_FORMAT: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// Which version of something is in hand.
#[derive(Debug)]
pub(super) struct Stamped {
    changed: DateTime<Utc>,
    tag: String,
}

impl Stamped {
    /// Of what has this name and was last changed then.
    pub(super) fn of(name: &str, changed_ms: i64) -> Self {
        // FNV-1a: what is wanted is that another version has another tag, in every run the same.
        let text = format!("{name}@{changed_ms}");
        let hash = text
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let changed = DateTime::from_timestamp_millis(changed_ms).unwrap_or_default();
        Self { changed, tag: format!("{hash:08x}") }
    }

    /// The answer, with the version told.
    pub(super) fn told(&self, answer: Answer) -> Answer {
        answer
            .with(LAST_MODIFIED, self.changed.format(DATE_FORMAT).to_string())
            .with(ETAG, format!("\"{}\"", self.tag))
    }

    /// 304 where the client has this version already. A tag says more than a time: where there are both, it decides.
    pub(super) fn unchanged(&self, call: &Call) -> Option<Answer> {
        let known = match call.header(IF_NONE_MATCH.as_str()) {
            Some(tags) => self.is_among(tags),
            None => {
                since(call, IF_MODIFIED_SINCE.as_str()).is_some_and(|since| since >= self.changed.timestamp())
            }
        };
        known.then(|| self.told(Answer::empty(StatusCode::NOT_MODIFIED)))
    }

    /// 412 where the client has seen another version than this one.
    pub(super) fn outdated(&self, call: &Call) -> Option<Answer> {
        let outdated = match call.header(IF_MATCH.as_str()) {
            Some(tags) => !self.is_among(tags),
            None => since(call, IF_UNMODIFIED_SINCE.as_str())
                .is_some_and(|since| since < self.changed.timestamp()),
        };
        outdated.then(|| self.told(Answer::empty(StatusCode::PRECONDITION_FAILED)))
    }

    fn is_among(&self, tags: &str) -> bool {
        tags.split(',').any(|tag| {
            let tag = tag.trim().trim_start_matches("W/").trim_matches('"');
            // Orgs put the encoding into their tags.
            let tag = tag.strip_suffix("gzip").unwrap_or(tag).trim_end_matches('-');
            tag == "*" || tag == self.tag
        })
    }
}

/// The seconds since the epoch that a header names; one that is no date is as good as none.
fn since(call: &Call, header: &str) -> Option<i64> {
    let date = NaiveDateTime::parse_from_str(call.header(header)?, DATE_FORMAT).ok()?;
    Some(date.and_utc().timestamp())
}
