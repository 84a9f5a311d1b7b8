//! One event in one call of the REST API.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use sf_core::client::encode_segment;
use sf_core::{ApiError, Client};
use tokio::time::Instant;

use crate::event_type::Describe;
use crate::{Error, ErrorKind, Event, EventType, Result, check};

/// With which an org says in the list of errors that nothing was wrong.
const ENQUEUED: &str = "OPERATION_ENQUEUED";
/// An event that does not fit a definition older than this is held against a new one.
const STALE: Duration = Duration::from_secs(60);

/// What the org answered to an event that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// The id in the org's answer. It is no record's: events cannot be read back.
    pub id: String,
    /// The event's `EventUuid`, under which subscribers see it; `None` where the org told none, as of events of
    /// standard volume.
    pub event_uuid: Option<String>,
}

impl Published {
    /// What the org said of an event that it took.
    pub(super) fn of(id: Option<String>, notes: Vec<ApiError>) -> Self {
        let event_uuid = notes.into_iter().find(|e| e.error_code == ENQUEUED).map(|e| e.message);
        Self { id: id.unwrap_or_default(), event_uuid: event_uuid.filter(|uuid| !uuid.is_empty()) }
    }
}

/// Publishes platform events over the REST API, one a call or up to 200.
///
/// ```no_run
/// # async fn example(org: sf_core::Client) -> sf_events::Result<()> {
/// use sf_events::{Event, Publisher};
///
/// let publisher = Publisher::new(org);
/// let published = publisher.publish(&Event::new("Order__e").field("City__c", "Berlin")).await?;
/// println!("{:?}", published.event_uuid);
/// # Ok(()) }
/// ```
///
/// Each event is checked against its definition first, which is read once for each kind of event and kept.
/// Clones share what was read. Each publish costs the org one API call, and so do up to 200 events together.
#[derive(Clone)]
pub struct Publisher {
    pub(super) client: Client,
    types: Arc<Types>,
}

/// One place a kind of event, so that callers who meet at a new one read it once.
type Slot = Arc<tokio::sync::Mutex<Option<(Instant, Arc<EventType>)>>>;

/// Definitions that could not be read, by object and by whether a stale one was to be read again: in a call for many
/// events each is asked for once.
pub(super) type Unread = HashMap<(String, bool), Error>;

#[derive(Default)]
struct Types(Mutex<HashMap<String, Slot>>);

impl Types {
    fn slot(&self, object: &str) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(object.to_ascii_lowercase()).or_default())
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("client", &self.client).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    id: Option<String>,
    success: bool,
    #[serde(default)]
    errors: Vec<ApiError>,
}

impl Publisher {
    /// A publisher over a client. Nothing is sent.
    pub fn new(client: Client) -> Self {
        Self { client, types: Arc::default() }
    }

    /// The event's definition in the org, read once and kept.
    ///
    /// # Errors
    /// [`ErrorKind::NotAnEvent`], [`ErrorKind::UnknownEvent`], or [`ErrorKind::NotSent`] where the org
    /// could not be asked.
    pub async fn event_type(&self, object: &str) -> Result<Arc<EventType>> {
        self.definition(object, None).await.map(|(_, definition)| definition)
    }

    /// Checks an event without publishing it.
    ///
    /// # Errors
    /// As [`publish`](Self::publish) before it sends the event.
    pub async fn check(&self, event: &Event) -> Result<()> {
        self.body(event, &mut Unread::new()).await.map(drop)
    }

    /// Publishes an event. When this returns, the org has queued it; subscribers receive it soon after.
    ///
    /// # Errors
    /// Each [`ErrorKind`] says whether the event was published. [`ErrorKind::InDoubt`] alone leaves it open:
    /// an event has no key by which the org could tell a second copy, so it is never sent again by itself.
    /// What was never sent, or refused for the moment before any work, is sent again within the client's
    /// retry policy.
    pub async fn publish(&self, event: &Event) -> Result<Published> {
        let body = self.body(event, &mut Unread::new()).await?;
        // A login that fails here must not look like an event that was sent.
        self.client
            .token()
            .await
            .map_err(|error| not_published(event.object(), ErrorKind::NotSent, error))?;
        let path = format!("sobjects/{}", encode_segment(event.object()));
        let answer = self.client.post(path).body(body, "application/json").response().await;
        let answer = answer.map_err(|error| failure(event.object(), error))?;
        let answer: Answer =
            answer.parse("publishing the event").map_err(|cause| in_doubt(event.object(), cause))?;
        if !answer.success {
            return Err(failure(event.object(), refused(answer.errors)));
        }
        Ok(Published::of(answer.id, answer.errors))
    }

    /// The body of an event that fits. One that does not may be newer than the definition at hand.
    pub(super) async fn body(&self, event: &Event, unread: &mut Unread) -> Result<String> {
        let (read, definition) = self.definition_or(event.object(), None, unread).await?;
        match check::body(event, &definition) {
            Err(error)
                if matches!(error.kind(), ErrorKind::InvalidEvent | ErrorKind::NotAllowed)
                    && read.elapsed() > STALE =>
            {
                let (_, definition) = self.definition_or(event.object(), Some(read), unread).await?;
                check::body(event, &definition)
            }
            outcome => outcome,
        }
    }

    /// The definition, or why it could not be read before.
    async fn definition_or(
        &self,
        object: &str,
        stale: Option<Instant>,
        unread: &mut Unread,
    ) -> Result<(Instant, Arc<EventType>)> {
        let key = (object.to_ascii_lowercase(), stale.is_some());
        if let Some(error) = unread.get(&key) {
            return Err(error.clone());
        }
        let read = self.definition(object, stale).await;
        if let Err(error) = &read {
            unread.insert(key, error.clone());
        }
        read
    }

    /// The definition and when it was read; read again if it is no newer than `stale`.
    async fn definition(&self, object: &str, stale: Option<Instant>) -> Result<(Instant, Arc<EventType>)> {
        check::object(object)?;
        let slot = self.types.slot(object);
        let mut kept = slot.lock().await;
        if let Some((read, definition)) = &*kept
            && stale.is_none_or(|stale| *read > stale)
        {
            return Ok((*read, Arc::clone(definition)));
        }
        let path = format!("sobjects/{}/describe", encode_segment(object));
        let described = self.client.get(path).json::<Describe>().await;
        let described = match described {
            Ok(described) => described,
            Err(error) if error.kind() == sf_core::ErrorKind::NotFound => {
                return Err(self.unknown(object, error).await);
            }
            Err(error) => {
                let message = format!("{object} was not published, because its definition could not be read");
                return Err(Error::new(ErrorKind::NotSent, message).with_cause(error));
            }
        };
        let entry = (Instant::now(), Arc::new(EventType::from(described)));
        *kept = Some(entry.clone());
        Ok(entry)
    }

    /// Looks for names like it, where the org tells its objects.
    async fn unknown(&self, object: &str, error: sf_core::Error) -> Error {
        #[derive(Deserialize)]
        struct Global {
            sobjects: Vec<Name>,
        }
        #[derive(Deserialize)]
        struct Name {
            name: String,
        }
        let known =
            self.client.get("sobjects").json::<Global>().await.map(|g| g.sobjects).unwrap_or_default();
        let mut events: Vec<_> =
            known.into_iter().map(|o| o.name).filter(|name| name.ends_with("__e")).collect();
        events.sort_by(|a, b| strsim::jaro_winkler(b, object).total_cmp(&strsim::jaro_winkler(a, object)));
        events.truncate(3);
        let nearest = match events.as_slice() {
            [] => "The user sees no platform event in this org.".to_owned(),
            events => format!("Nearest to it in this org: {}.", events.join(", ")),
        };
        Error::new(ErrorKind::UnknownEvent, format!("the org knows no platform event {object}"))
            .with_cause(error)
            .with_hint(format!(
                "{nearest} A package's event has its namespace in front, and the user needs \"Read\" on it."
            ))
    }
}

/// What the org said of one event that it did not take, as the failure of a call for it alone.
pub(super) fn refused(errors: Vec<ApiError>) -> sf_core::Error {
    let said = errors.first().map_or_else(|| "no reason".to_owned(), ToString::to_string);
    sf_core::Error::new(sf_core::ErrorKind::Refused, said).with_api_errors(errors)
}

/// What the failure of the publishing call means for the event.
pub(super) fn failure(object: &str, error: sf_core::Error) -> Error {
    use sf_core::ErrorKind as Core;
    let code = error.error_code().unwrap_or_default();
    match error.kind() {
        _ if code.starts_with("PLATFORM_EVENT_PUBLISH") => {
            not_published(object, ErrorKind::Unavailable, error).with_hint("Publish it again after a while.")
        }
        _ if error.outcome_unknown() => in_doubt(object, error),
        _ if matches!(code, "LIMIT_EXCEEDED" | "REQUEST_LIMIT_EXCEEDED") => not_published(
            object,
            ErrorKind::Limit,
            error,
        )
        .with_hint(
            "The org's allowance of events an hour, or of API calls a day, is used up: see `Client::limits` \
                 (HourlyPublishedPlatformEvents, DailyApiRequests) and wait.",
        ),
        Core::Refused | Core::NotFound => not_published(object, ErrorKind::Refused, error),
        _ => not_published(object, ErrorKind::NotSent, error),
    }
}

pub(super) fn not_published(object: &str, kind: ErrorKind, error: sf_core::Error) -> Error {
    Error::new(kind, format!("{object} was not published")).with_cause(error)
}

fn in_doubt(object: &str, error: sf_core::Error) -> Error {
    Error::new(ErrorKind::InDoubt, format!("{object} was sent, but no answer told whether it was published"))
        .with_cause(error)
        .with_hint(
            "Look for it where it is subscribed to. Publish it again only if a second copy does no harm: give events \
             an id of your own in a field, by which subscribers can tell copies.",
        )
}
