//! `…/sobjects/Name__e/eventSchema` and `…/event/eventSchema/<id>`: what an event's payload holds, as Avro writes it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Answer, DataCall};
use crate::org::Shared;
use crate::schema::{FieldDef, ObjectDef, Type};

/// From this version on there are two formats, and the fields say what they are in Salesforce.
const FORMATS_SINCE: u32 = 43;
const NAMESPACE: &str = "com.sforce.eventbus";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    /// What a subscriber over CometD gets, times as text.
    Expanded,
    /// A record of Avro, for payloads in binary.
    Compact,
    /// The one of the first versions.
    Early,
}

impl Format {
    fn of(data: &DataCall<'_>) -> Result<Self, Answer> {
        let asked = data.call.parameter("payloadFormat");
        let known = match asked.as_deref() {
            None if data.version.0 < FORMATS_SINCE => Some(Self::Early),
            Some(_) if data.version.0 < FORMATS_SINCE => None,
            None | Some("EXPANDED") => Some(Self::Expanded),
            Some("COMPACT") => Some(Self::Compact),
            Some(_) => None,
        };
        known.ok_or_else(|| {
            let value = asked.unwrap_or_default();
            let message = format!("The value of the parameter payloadFormat is not valid: {value}");
            Answer::data(StatusCode::BAD_REQUEST, "ILLEGAL_QUERY_PARAMETER_VALUE", message)
        })
    }
}

pub(super) fn by_name(org: &Shared, data: &DataCall<'_>, name: &str) -> Answer {
    let event = |object: &&std::sync::Arc<ObjectDef>| object.event;
    match org.read(|store| store.catalog().get(name).filter(event).cloned()) {
        Some(object) => answer(org, data, &object),
        None => Answer::not_found(),
    }
}

pub(super) fn by_id(org: &Shared, data: &DataCall<'_>, id: &str) -> Answer {
    let found = org.read(|store| {
        let mut events = store.catalog().iter().filter(|object| object.event);
        events.find(|object| schema_id(object) == id).cloned()
    });
    found.map_or_else(Answer::not_found, |object| answer(org, data, &object))
}

fn answer(org: &Shared, data: &DataCall<'_>, object: &ObjectDef) -> Answer {
    if !matches!(data.call.method, Method::GET | Method::HEAD) {
        return Answer::not_allowed(&data.call.method, "GET,HEAD");
    }
    let format = match Format::of(data) {
        Ok(format) => format,
        Err(refused) => return refused,
    };
    Answer::ok(&match format {
        Format::Expanded => expanded(object),
        Format::Compact => record(object, NAMESPACE, format),
        Format::Early => {
            let namespace = format!("com.salesforce.event.org{}", org.identity().0.as_str15());
            record(object, &namespace, format)
        }
    })
}

/// A record of Avro, and its id beside it.
fn record(object: &ObjectDef, namespace: &str, format: Format) -> Value {
    json!({
        "name": object.name,
        "namespace": namespace,
        "type": "record",
        "fields": fields(object, format),
        "uuid": schema_id(object),
    })
}

fn expanded(object: &ObjectDef) -> Value {
    let payload =
        json!({ "type": "record", "name": "Payload", "doc": "", "fields": fields(object, Format::Expanded) });
    let event = json!({
        "type": "record", "name": "Event", "fields": [{ "name": "replayId", "type": "long" }],
    });
    let members = json!([
        { "name": "schema", "type": "string" },
        { "name": "payload", "type": payload },
        { "name": "event", "type": event },
    ]);
    let whole = json!({ "type": "record", "name": "Data", "namespace": "", "fields": members });
    json!({
        "name": object.name,
        "namespace": NAMESPACE,
        "type": "expanded-record",
        "fields": [{ "name": "data", "type": whole }, { "name": "channel", "type": "string" }],
    })
}

/// Who made the event and when, and its own fields. Those that the bus adds are not told.
fn fields(object: &ObjectDef, format: Format) -> Vec<Value> {
    let created = if format == Format::Compact { "long" } else { "string" };
    let mut told = vec![
        json!({ "name": "CreatedDate", "type": created, "doc": "CreatedDate:DateTime" }),
        json!({ "name": "CreatedById", "type": "string", "doc": "CreatedBy:EntityId" }),
    ];
    let own = object.fields().iter().enumerate().filter(|(_, field)| field.custom);
    told.extend(own.map(|(at, field)| {
        let (ty, kind) = typed(field, format);
        // Fields of this org have no ids; what stands here is only as long as one.
        let doc = format!("Data:{kind}:00N5i{at:010}");
        json!({ "name": field.name, "type": ["null", ty], "doc": doc, "default": null })
    }));
    if format == Format::Early {
        for field in told.iter_mut().filter_map(Value::as_object_mut) {
            field.shift_remove("doc");
        }
    }
    told
}

/// The type in Avro, and the name of the one that the field has in Salesforce.
fn typed(field: &FieldDef, format: Format) -> (&'static str, &'static str) {
    let time = if format == Format::Compact { "long" } else { "string" };
    match field.ty {
        Type::Boolean => ("boolean", "Boolean"),
        Type::Double => ("double", "Double"),
        Type::Currency => ("double", "Currency"),
        Type::Percent => ("double", "Percent"),
        Type::Date => (time, "DateOnly"),
        Type::DateTime => (time, "DateTime"),
        Type::Time => (time, "TimeOnly"),
        _ => ("string", "Text"),
    }
}

/// As long as the fingerprints that orgs make, and as they do another for other fields.
fn schema_id(object: &ObjectDef) -> String {
    let text = json!([object.name, fields(object, Format::Compact)]).to_string();
    let hash = Sha256::digest(text);
    URL_SAFE_NO_PAD.encode(hash.get(..16).unwrap_or(&hash))
}
