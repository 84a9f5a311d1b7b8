//! Up to 200 events in one call of the REST API.

use serde_json::value::RawValue;
use sf_core::sobject::{Collections, RowOutcome};

use super::rest::{Published, Publisher, Unread, failure, not_published, refused};
use crate::{Error, ErrorKind, Event, Result};

/// Events a call takes (REST API guide, "Create Multiple Records").
const MOST: usize = 200;
/// What the events of one call may have together: they wait in memory while they are sent.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The events of one call: where each stands among all, and its body.
#[derive(Default)]
struct Call {
    places: Vec<usize>,
    bodies: Vec<Box<RawValue>>,
    bytes: usize,
}

impl Publisher {
    /// Publishes many events, 200 in each API call, in their order; they may be of several definitions. The result has
    /// one entry an event, in the order given.
    ///
    /// Each is checked first; one that does not fit keeps none of the others back. The org takes each for itself. A
    /// definition that cannot be read is asked for once, and the answer holds for every event of its kind.
    ///
    /// # Errors
    /// Those of [`publish`](Self::publish), for each event. When the answer to a call is lost, its events are
    /// [`ErrorKind::InDoubt`], none of them is sent again, and those behind it are [`ErrorKind::NotSent`].
    pub async fn publish_all(&self, events: &[Event]) -> Vec<Result<Published>> {
        let mut results: Vec<Option<Result<Published>>> = Vec::new();
        results.resize_with(events.len(), || None);
        let mut call = Call::default();
        let mut failed = None;
        let mut unread = Unread::new();
        for (place, event) in events.iter().enumerate() {
            let body = match self.collected(event, &mut unread).await {
                Ok(body) => body,
                Err(error) => {
                    results[place] = Some(Err(error));
                    continue;
                }
            };
            if call.places.len() == MOST || call.bytes + body.get().len() > MOST_BYTES {
                failed = self.send(events, std::mem::take(&mut call), &mut results).await;
                if failed.is_some() {
                    break;
                }
            }
            call.bytes += body.get().len();
            call.bodies.push(body);
            call.places.push(place);
        }
        if failed.is_none() && !call.places.is_empty() {
            failed = self.send(events, call, &mut results).await;
        }
        let left = |event: &Event| {
            let error = Error::new(ErrorKind::NotSent, format!("{} was not published", event.object()));
            match failed.clone() {
                Some(cause) => error.with_cause(cause).with_hint("The call before this event's failed."),
                None => error,
            }
        };
        results
            .into_iter()
            .zip(events)
            .map(|(result, event)| result.unwrap_or_else(|| Err(left(event))))
            .collect()
    }

    /// The event as an entry of a collection.
    async fn collected(&self, event: &Event, unread: &mut Unread) -> Result<Box<RawValue>> {
        let body = self.body(event, unread).await?;
        // The name was checked to be a word, so it needs no escapes.
        let members = body.strip_prefix('{').unwrap_or(&body);
        let comma = if members == "}" { "" } else { "," };
        let text = format!(r#"{{"attributes":{{"type":"{}"}}{comma}{members}"#, event.object());
        RawValue::from_string(text).map_err(|e| {
            let cause = sf_core::Error::new(sf_core::ErrorKind::InvalidInput, "the event is not JSON");
            not_published(event.object(), ErrorKind::NotSent, cause.with_source(e))
        })
    }

    /// Sends the events of one call and notes what became of each; the failure of the call, if it failed.
    async fn send(
        &self,
        events: &[Event],
        call: Call,
        results: &mut [Option<Result<Published>>],
    ) -> Option<sf_core::Error> {
        let object = |place: usize| events[place].object();
        let first = object(call.places[0]);
        let written = match self.client.token().await {
            // A login that fails here must not look like events that were sent.
            Err(error) => Err(error),
            Ok(_) => Collections::new(&self.client).create(first, &call.bodies).await,
        };
        let written = match written {
            Ok(written) => written,
            Err(error) => {
                for place in call.places {
                    results[place] =
                        Some(Err(not_published(object(place), ErrorKind::NotSent, error.clone())));
                }
                return Some(error);
            }
        };
        let failed = written.error().cloned();
        for (place, outcome) in call.places.into_iter().zip(written.outcomes()) {
            let object = object(place);
            let unanswered = || {
                let error = sf_core::Error::new(sf_core::ErrorKind::Protocol, "no answer");
                error.with_outcome_unknown(true)
            };
            let cause = || failed.clone().unwrap_or_else(unanswered);
            results[place] = Some(match outcome {
                RowOutcome::Done { id, notes, .. } => {
                    Ok(Published::of(id.map(|id| id.to_string()), notes.clone()))
                }
                RowOutcome::Refused(errors) => Err(failure(object, refused(errors.clone()))),
                _ => Err(failure(object, cause())),
            });
        }
        failed
    }
}
