//! `…/recent`: the rows that were looked at or referred to last, by `FOR VIEW` and `FOR REFERENCE`.

use std::cmp::Reverse;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Answer, DataCall, rows};
use crate::org::Shared;
use crate::schema::ObjectDef;
use crate::store::Store;
use crate::value::Cell;

/// So many are remembered [REST API guide, "Recently Viewed Items"].
const MOST: usize = 200;
const STAMPS: [&str; 2] = ["LastViewedDate", "LastReferencedDate"];

pub(super) fn recent(org: &Shared, data: &DataCall<'_>) -> Answer {
    let most = match data.call.parameter("limit").map(|limit| limit.parse::<usize>()) {
        None => MOST,
        Some(Ok(limit)) => limit.min(MOST),
        Some(Err(_)) => {
            let message = "The value of the parameter limit is not valid";
            return Answer::data(StatusCode::BAD_REQUEST, "INVALID_QUERY_VALUE", message);
        }
    };
    let now = org.clock.now_ms();
    Answer::ok(&org.read(|store| {
        let objects = store.catalog().iter().map(|object| &**object);
        items(store, objects, data, now, most)
    }))
}

/// The newest first.
pub(super) fn items<'s>(
    store: &'s Store,
    objects: impl Iterator<Item = &'s ObjectDef>,
    data: &DataCall<'_>,
    now: i64,
    most: usize,
) -> Value {
    let mut seen = Vec::new();
    for object in objects {
        let places: Vec<usize> = STAMPS.iter().filter_map(|name| Some(object.field(name)?.0)).collect();
        let Some(table) = store.table(&object.name).filter(|_| !places.is_empty()) else { continue };
        for row in table.visible(now).filter(|row| !row.is_deleted()) {
            let stamps = places.iter().filter_map(|at| match row.get(*at) {
                Cell::DateTime(at) => Some(at),
                _ => None,
            });
            if let Some(at) = stamps.max() {
                seen.push((Reverse(at), row.id().to_string(), object, row));
            }
        }
    }
    seen.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let told = seen.into_iter().take(most).map(|(_, id, object, row)| {
        let name = object.name_field().map_or(Value::Null, |(at, _)| row.get(at).to_json());
        let attributes = json!({ "type": object.name, "url": rows::row_url(data, object, row.id()) });
        json!({ "attributes": attributes, "Id": id, "Name": name })
    });
    told.collect()
}
