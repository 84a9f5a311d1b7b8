//! Platform events published over REST.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::limits::EVENTS_PUBLISHED;
use crate::org::{Shared, Sim};
use crate::rest::{Answer, DataCall, rows};

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
    let body = match rows::members(data.call) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let checked = org.read(|store| {
        let object = store.catalog().get(name).cloned();
        store.check_new(name, &body, data.session.user).map(|values| (object, values))
    });
    let (object, values) = match checked {
        Ok((Some(object), values)) => (object, values),
        Ok((None, _)) => return Answer::not_found(),
        Err(error) => return Answer::row_error(&error),
    };
    let now = org.clock.now_ms();
    let mut state = org.state();
    if !state.limits.take(EVENTS_PUBLISHED, 1, now) {
        let message = "The hourly limit of published platform events has been reached";
        return Answer::data(StatusCode::BAD_REQUEST, "LIMIT_EXCEEDED", message);
    }
    let uuid = state.random_uuid().to_string();
    let fields = object.fields().iter().zip(&values).filter(|(field, _)| field.custom);
    let fields = fields.map(|(field, value)| (field.name.clone(), value.to_json())).collect();
    if state.events.len() == KEPT {
        state.events.pop_front();
    }
    let event = PublishedEvent { object: object.name.clone(), uuid: uuid.clone(), at: now, fields };
    state.events.push_back(event);
    let queued = json!({ "statusCode": "OPERATION_ENQUEUED", "message": uuid, "fields": [] });
    Answer::json(StatusCode::CREATED, &json!({ "id": EVENT_ID, "success": true, "errors": [queued] }))
}
