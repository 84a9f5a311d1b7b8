//! Conditional requests: who has the newest version need not be sent it, and who has an old one may not write over it.

use chrono::{DateTime, NaiveDateTime, Utc};
use http::StatusCode;
use http::header::{ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED};

use super::{Answer, Call};
use crate::id::RecordId;
use crate::schema::ObjectDef;
use crate::store::{LOOKED_AT, Row, Store};
use crate::value::Cell;

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
        Self::tagged(format!("{name}@{changed_ms}").as_bytes(), changed_ms)
    }

    /// Of a row; none where its object keeps no stamp of change. The tag is one of all that the row holds: stamps are whole
    /// seconds, in which a row can change more than once. That somebody looked at it is no change.
    pub(super) fn of_row(object: &ObjectDef, row: &Row) -> Option<Self> {
        let Cell::DateTime(changed_ms) = row.get(object.system().modstamp?) else { return None };
        let mut text = row.id().as_str15().as_bytes().to_vec();
        for (at, field) in object.fields().iter().enumerate() {
            if LOOKED_AT.contains(&field.name.as_str()) {
                continue;
            }
            text.push(b',');
            row.get(at).write_csv(&mut text);
        }
        Some(Self::tagged(&text, changed_ms))
    }

    fn tagged(content: &[u8], changed_ms: i64) -> Self {
        // FNV-1a: what is wanted is that another version has another tag, in every run the same.
        let hash = content
            .iter()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
        let changed = DateTime::from_timestamp_millis(changed_ms).unwrap_or_default();
        Self { changed, tag: format!("{hash:08x}") }
    }

    /// The answer, with the version told.
    pub(super) fn told(&self, answer: Answer) -> Answer {
        answer
            .with(LAST_MODIFIED, self.changed.format(DATE_FORMAT).to_string())
            .with(ETAG, format!("\"{}\"", self.tag))
    }

    /// The answer to a read that needs no body, or gets none.
    pub(super) fn settles(&self, call: &Call) -> Option<Answer> {
        self.outdated(call).or_else(|| self.unchanged(call))
    }

    /// The same for describes, which do not know `If-Match`.
    pub(super) fn settles_describe(&self, call: &Call) -> Option<Answer> {
        let refused = self.changed_since(call).then(|| self.refused());
        refused.or_else(|| self.unchanged(call))
    }

    /// 304 where the client has this version already. A tag says more than a time: where there are both, it decides.
    fn unchanged(&self, call: &Call) -> Option<Answer> {
        let known = match call.header(IF_NONE_MATCH.as_str()) {
            Some(tags) => self.is_among(tags),
            None => {
                since(call, IF_MODIFIED_SINCE.as_str()).is_some_and(|since| since >= self.changed.timestamp())
            }
        };
        known.then(|| self.told(Answer::empty(StatusCode::NOT_MODIFIED)))
    }

    /// 412 where the client has seen another version than this one.
    fn outdated(&self, call: &Call) -> Option<Answer> {
        let outdated = match call.header(IF_MATCH.as_str()) {
            Some(tags) => !self.is_among(tags),
            None => self.changed_since(call),
        };
        outdated.then(|| self.refused())
    }

    fn changed_since(&self, call: &Call) -> bool {
        since(call, IF_UNMODIFIED_SINCE.as_str()).is_some_and(|since| since < self.changed.timestamp())
    }

    fn refused(&self) -> Answer {
        self.told(Answer::empty(StatusCode::PRECONDITION_FAILED))
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

/// On what a write hangs. Asked under the lock that the write takes, so that nobody writes between the question and the write.
/// Only PATCH asks: DELETE does not support these headers, and `If-Modified-Since` is about reading.
#[derive(Debug)]
pub(super) struct WriteConditions<'a> {
    call: &'a Call,
}

impl<'a> WriteConditions<'a> {
    /// What a call asks for; 400 where a header is no tag or no date, as documented for writes.
    pub(super) fn of(call: &'a Call) -> Result<Self, Answer> {
        let is_tag = |text: &str| text.trim() == "*" || text.contains('"');
        for (name, is_right) in [
            (IF_MATCH, &is_tag as &dyn Fn(&str) -> bool),
            (IF_NONE_MATCH, &is_tag),
            (IF_UNMODIFIED_SINCE, &|text: &str| date(text).is_some()),
        ] {
            if let Some(value) = call.header(name.as_str()).filter(|value| !is_right(value)) {
                let message = format!("The value of the header {name} is not valid: {value}");
                return Err(Answer::data(StatusCode::BAD_REQUEST, "INVALID_HEADER", message));
            }
        }
        Ok(Self { call })
    }

    /// Of a row that is there; one that is not, or not any more, is refused for that by the write itself.
    pub(super) fn met_by(&self, store: &Store, object: &ObjectDef, id: RecordId) -> Result<(), Answer> {
        let row = store.row(&object.name, id).filter(|row| !row.is_deleted());
        let Some(stamped) = row.and_then(|row| Stamped::of_row(object, row)) else { return Ok(()) };
        if let Some(refused) = stamped.outdated(self.call) {
            return Err(refused);
        }
        let known = self.call.header(IF_NONE_MATCH.as_str()).is_some_and(|tags| stamped.is_among(tags));
        if known { Err(stamped.refused()) } else { Ok(()) }
    }

    /// Of a row that is yet to be made: nothing has any tag.
    pub(super) fn met_by_none(&self) -> Result<(), Answer> {
        match self.call.header(IF_MATCH.as_str()) {
            Some(_) => Err(Answer::empty(StatusCode::PRECONDITION_FAILED)),
            None => Ok(()),
        }
    }
}

/// The seconds since the epoch that a header names; one that is no date is as good as none.
fn since(call: &Call, header: &str) -> Option<i64> {
    date(call.header(header)?)
}

/// The date of a header, in one of the three forms that HTTP/1.1 has; the first of them in any time zone, as orgs take it
/// (`Mon, 30 Nov 2020 08:34:54 MST`, [REST API guide, "sObject Describe"]). A wrong day of the week is overlooked: the rest says
/// which day is meant.
fn date(text: &str) -> Option<i64> {
    let (_, text) = text.trim().split_once([',', ' '])?;
    let text = text.trim();
    let zoned = text.strip_suffix("UTC").map_or_else(|| text.to_owned(), |rest| format!("{rest}GMT"));
    if let Ok(date) = DateTime::parse_from_rfc2822(&zoned) {
        return Some(date.timestamp());
    }
    let formats = ["%d-%b-%y %H:%M:%S GMT", "%b %e %H:%M:%S %Y"];
    let read = |format: &&str| NaiveDateTime::parse_from_str(text, format).ok();
    Some(formats.iter().find_map(read)?.and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_one_of_three_forms_a_zone_and_a_day_of_the_week_that_says_nothing() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 01:49:37 MST",
            "Sun, 06 Nov 1994 09:49:37 +0100",
        ] {
            assert_eq!(date(text), Some(784_111_777), "{text}");
        }
        for text in
            ["", "yesterday", "Sun, 06 Nov 1994", "1994-11-06T08:49:37Z", "Sun, 31 Feb 1994 08:49:37 GMT"]
        {
            assert_eq!(date(text), None, "{text}");
        }
    }
}
