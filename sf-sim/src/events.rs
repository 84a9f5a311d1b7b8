//! Platform events published over REST.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::id::RecordId;
use crate::limits::{EVENTS_PUBLISHED, STANDARD_EVENTS_PUBLISHED};
use crate::org::{Shared, Sim};
use crate::rest::{Answer, DataCall, body};
use crate::schema::ObjectDef;
use crate::store::{RowError, Store};
use crate::value::Value as Cell;

/// How many published events are kept for tests to look at.
pub(crate) const KEPT: usize = 10_000;

/// What every published event answers as its id: it names no record.
const EVENT_ID: &str = "e01xx0000000001AAA";

/// An event that was published.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PublishedEvent {
    /// The event's object, as `Order__e`.
    pub object: String,
    /// Its `EventUuid`.
    pub uuid: String,
    /// When, in milliseconds of the org's clock.
    pub at: i64,
    /// Its fields, as the REST API writes them.
    pub fields: Map<String, Value>,
}

impl Sim {
    /// The events that were published, the last 10,000 of them, oldest first.
    #[must_use]
    pub fn published(&self) -> Vec<PublishedEvent> {
        self.shared.state().events.iter().cloned().collect()
    }
}

pub(crate) fn is_event(org: &Shared, name: &str) -> bool {
    org.read(|store| store.catalog().get(name).is_some_and(|object| object.event))
}

/// `POST …/sobjects/Name__e`: success, with the event's uuid among the errors.
pub(crate) fn publish(org: &Shared, data: &DataCall<'_>, name: &str) -> Answer {
    let body = match body::members(data.call) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let fields = org.read(|store| {
        let object = store.catalog().get(name).cloned();
        object.map(|object| checked(store, &object, &body, data.session.user).map(|fields| (object, fields)))
    });
    match fields {
        Some(Ok((object, fields))) => match enqueue(org, &object.name, fields) {
            Ok(entry) => Answer::json(StatusCode::CREATED, &entry),
            Err(error) => Answer::data(StatusCode::BAD_REQUEST, error.code, error.message),
        },
        Some(Err(error)) => Answer::row_error(&error),
        None => Answer::not_found(),
    }
}

/// The fields of an event that fits its definition, as the API writes them.
pub(crate) fn checked(
    store: &Store,
    object: &ObjectDef,
    body: &Map<String, Value>,
    user: RecordId,
) -> Result<Map<String, Value>, RowError> {
    let values = store.check_new(&object.name, body, user)?;
    Ok(fields(object, &values))
}

/// The fields of an event, as the API writes them.
fn fields(object: &ObjectDef, values: &[Cell]) -> Map<String, Value> {
    let fields = object.fields().iter().zip(values).filter(|(field, _)| field.custom);
    fields.map(|(field, value)| (field.name.clone(), value.to_json())).collect()
}

/// Publishes an event that was checked; what counts as its id.
pub(crate) fn publish_values(
    org: &Shared,
    object: &ObjectDef,
    values: &[Cell],
) -> Result<RecordId, RowError> {
    enqueue(org, &object.name, fields(object, values))?;
    EVENT_ID.parse().map_err(|_| RowError::new("UNKNOWN_EXCEPTION", "an event has no id"))
}

/// Publishes an event that was checked; what the answer says of it.
pub(crate) fn enqueue(org: &Shared, object: &str, fields: Map<String, Value>) -> Result<Value, RowError> {
    let now = org.clock.now_ms();
    let standard = org.read(|store| store.catalog().get(object).is_some_and(|def| def.standard_volume));
    let mut state = org.state();
    let limit = if standard { STANDARD_EVENTS_PUBLISHED } else { EVENTS_PUBLISHED };
    if !state.limits.take(limit, 1, now) {
        let message = "The hourly limit of published platform events has been reached";
        return Err(RowError::new("LIMIT_EXCEEDED", message));
    }
    let uuid = state.random_uuid().to_string();
    if state.events.len() == KEPT {
        state.events.pop_front();
    }
    let event = PublishedEvent { object: object.to_owned(), uuid: uuid.clone(), at: now, fields };
    state.events.push_back(event);
    let queued = json!({ "statusCode": "OPERATION_ENQUEUED", "message": uuid, "fields": [] });
    Ok(json!({ "id": EVENT_ID, "success": true, "errors": [queued] }))
}
