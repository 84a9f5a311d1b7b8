//! `…/sobjects/X/updated` and `…/deleted`: what changed in a span of time.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Answer, DataCall};
use crate::org::Shared;
use crate::value::{Cell, parse_datetime};

const DAY_MS: i64 = 86_400_000;
/// So far back an org tells of changes.
const KEPT_MS: i64 = 30 * DAY_MS;
const MINUTE_MS: i64 = 60_000;

pub(super) fn route(org: &Shared, data: &DataCall<'_>, name: &str, what: &str) -> Answer {
    let Some(object) = org.read(|store| store.catalog().get(name).cloned()) else {
        return Answer::not_found();
    };
    let now = org.clock.now_ms();
    let (start, end) = match span(data, now) {
        Ok(span) => span,
        Err(refused) => return refused,
    };
    let Some((stamp, _)) = object.field("SystemModstamp").or_else(|| object.field("CreatedDate")) else {
        let message = format!("{} is not replicable", object.name);
        return Answer::data(StatusCode::BAD_REQUEST, "OPERATION_NOT_SUPPORTED", message);
    };
    let deleted = what == "deleted";
    let changed: Vec<(Value, Value)> = org.read(|store| {
        let rows = store.table(&object.name).into_iter().flat_map(|table| table.visible(now));
        rows.filter(|row| row.is_deleted() == deleted)
            .filter_map(|row| match row.get(stamp) {
                Cell::DateTime(at) if (start..end).contains(&at) => {
                    Some((row.id().to_string().into(), Cell::DateTime(at).to_json()))
                }
                _ => None,
            })
            .collect()
    });
    let time = |ms: i64| Cell::DateTime(ms).to_json();
    // Answers speak of whole minutes.
    let covered = time(end.min(now).div_euclid(MINUTE_MS) * MINUTE_MS);
    if deleted {
        let rows: Vec<Value> =
            changed.into_iter().map(|(id, at)| json!({ "deletedDate": at, "id": id })).collect();
        return Answer::ok(&json!({
            "deletedRecords": rows,
            "earliestDateAvailable": time(now - KEPT_MS),
            "latestDateCovered": covered,
        }));
    }
    let ids: Vec<Value> = changed.into_iter().map(|(id, _)| id).collect();
    Answer::ok(&json!({ "ids": ids, "latestDateCovered": covered }))
}

fn span(data: &DataCall<'_>, now: i64) -> Result<(i64, i64), Answer> {
    let refused = |code: &str, message: String| Answer::data(StatusCode::BAD_REQUEST, code, message);
    let parameter = |name: &str| {
        let text = data.call.parameter(name);
        let text = text
            .ok_or_else(|| refused("MISSING_ARGUMENT", format!("Required parameter is missing: {name}")))?;
        // A plus sign that was not encoded arrives as a space.
        let text = text.replace(' ', "+");
        parse_datetime(&text)
            .ok_or_else(|| refused("INVALID_REPLICATION_DATE", format!("{name} is no date and time: {text}")))
    };
    let (start, end) = (parameter("start")?, parameter("end")?);
    if start >= end {
        return Err(refused("INVALID_REPLICATION_DATE", "startDate after endDate".to_owned()));
    }
    if start < now - KEPT_MS {
        let message = "startDate cannot be more than 30 days ago".to_owned();
        return Err(refused("INVALID_REPLICATION_DATE", message));
    }
    Ok((start, end))
}
