//! Whether an event fits its definition, before anything is sent.

use sf_core::record::{DataType, FieldType, csv_cell};

use crate::event::{Event, Json};
use crate::event_type::{EventField, EventType};
use crate::{Error, ErrorKind, Problem, Result};

/// "The maximum event message size is 1 MB" (Platform Events guide, "Platform Event Allocations").
const MAX_BYTES: usize = 1024 * 1024;
/// Types whose JSON only the org knows.
const UNTYPED: &[FieldType] =
    &[FieldType::AnyType, FieldType::Json, FieldType::ComplexValue, FieldType::Other];

/// What can be told from the name alone.
pub(crate) fn object(name: &str) -> Result<()> {
    let no = |message: String| Error::new(ErrorKind::NotAnEvent, message);
    if let Some(event) = name.strip_prefix("/event/") {
        return Err(no(format!("{name:?} is the name of a topic")).with_hint(format!("Publish to {event}.")));
    }
    let shown: String = name.chars().take(80).collect();
    if name.ends_with("__chn") {
        return Err(no(format!("{shown} is a channel, to which nothing is published"))
            .with_hint("Publish to one of the events that the channel carries."));
    }
    if name.ends_with("ChangeEvent") {
        return Err(no(format!(
            "{shown} is a change event, which the org publishes itself when rows change"
        )));
    }
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if !name.ends_with("__e") || name.len() <= 3 || !name.bytes().all(word) {
        return Err(no(format!("{shown:?} is not a platform event"))
            .with_hint("The API name of a platform event ends in __e, for example Order__e."));
    }
    Ok(())
}

/// The body to send for an event that fits its definition.
///
/// All that is wrong is told at once.
pub(crate) fn body(event: &Event, definition: &EventType) -> Result<String> {
    if !definition.createable() {
        return Err(Error::new(
            ErrorKind::NotAllowed,
            format!("{} cannot be published by this user", definition.name()),
        )
        .with_hint("Give the user the permission \"Create\" on the event (profile or permission set)."));
    }
    let mut problems = Vec::new();
    let mut given = vec![None; definition.all().len()];
    for (name, value) in event.values() {
        let position = definition.all().iter().position(|f| f.name().eq_ignore_ascii_case(name));
        match position {
            None => problems.push(unknown(name, definition)),
            Some(at) if given[at].is_some() => {
                problems.push(Problem::new(definition.all()[at].name(), "is given more than once"));
            }
            Some(at) => given[at] = Some(value),
        }
    }
    let mut body = String::from("{");
    for (field, value) in definition.all().iter().zip(&given) {
        match value {
            None if field.required() => problems.push(Problem::new(field.name(), "is required and missing")),
            None => {}
            Some(value) => match checked(field, value) {
                Ok(text) => {
                    let separator = if body.len() > 1 { "," } else { "" };
                    // Names of fields are words, so they need no escapes.
                    body += &format!("{separator}\"{}\":{text}", field.name());
                }
                Err(problem) => problems.push(problem),
            },
        }
    }
    body.push('}');
    if !problems.is_empty() {
        let message = format!("the event does not fit {} in the org", definition.name());
        return Err(Error::new(ErrorKind::InvalidEvent, message).with_problems(problems));
    }
    if body.len() > MAX_BYTES {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("the event for {} has {} bytes, an org takes 1 MB", definition.name(), body.len()),
        )
        .with_hint("Put the large part elsewhere and publish where it is."));
    }
    Ok(body)
}

fn unknown(name: &str, definition: &EventType) -> Problem {
    let shown: String = name.chars().take(80).collect();
    let given = bare(&shown);
    let far = (given.chars().count() / 3).max(1);
    let mut near: Vec<_> = definition
        .fields()
        .map(|known| (strsim::damerau_levenshtein(&bare(known), &given), known))
        .filter(|(distance, _)| *distance <= far)
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    let near: Vec<_> = near.iter().take(3).map(|(_, known)| *known).collect();
    let message = match near.as_slice() {
        [] => format!("{} has no such field", definition.name()),
        near => format!("{} has no such field; did you mean {}?", definition.name(), near.join(" or ")),
    };
    Problem::new(shown, message)
}

/// A name without the suffix that all custom fields share, which would make any two alike.
fn bare(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    lower.strip_suffix("__c").map_or_else(|| lower.clone(), str::to_owned)
}

/// The text of a value that the field can hold.
fn checked(field: &EventField, value: &Json) -> std::result::Result<String, Problem> {
    let problem = |message: String| Problem::new(field.name(), message);
    if !field.createable {
        return Err(problem("is set by the org, leave it out".into()));
    }
    if value.is_null() {
        return if field.field.nillable() || field.defaulted {
            Ok(value.text())
        } else {
            Err(problem("is required and given as null".into()))
        };
    }
    let kind = field.field.field_type();
    let mismatch = |expected: &str| problem(format!("is {} ({kind}), {expected}", value.kind()));
    let digits = value.digits(field.name()).transpose()?;
    match field.field.data_type() {
        DataType::Boolean => match value {
            Json::Value(serde_json::Value::Bool(_)) => {}
            _ => return Err(mismatch("must be true or false")),
        },
        DataType::Integer => {
            let digits = digits.ok_or_else(|| mismatch("must be a whole number"))?;
            if digits.parse::<i64>().is_err() {
                return Err(problem(format!("must be a whole number of 64 bits ({kind})")));
            }
        }
        DataType::Decimal if digits.is_none() => return Err(mismatch("must be a number")),
        DataType::Decimal => {}
        DataType::Text if UNTYPED.contains(&kind) => {}
        DataType::Text => text(field, value.as_str().ok_or_else(|| mismatch("must be text"))?)?,
        DataType::Date => point_in_time(field, value, "must be a day as \"2024-12-24\"")?,
        DataType::DateTime => {
            point_in_time(field, value, "must be an instant as \"2024-12-24T18:18:29.000Z\"")?
        }
        DataType::Time => point_in_time(field, value, "must be a time of day as \"18:18:29.000Z\"")?,
    }
    Ok(value.text())
}

fn text(field: &EventField, text: &str) -> std::result::Result<(), Problem> {
    let longest = usize::try_from(field.field.length()).unwrap_or(usize::MAX);
    let length = text.chars().count();
    // A describe gives 0 where a length means nothing.
    if longest > 0 && length > longest {
        return Err(Problem::new(
            field.name(),
            format!("has {length} characters, the field holds {longest}"),
        ));
    }
    Ok(())
}

fn point_in_time(field: &EventField, value: &Json, expected: &str) -> std::result::Result<(), Problem> {
    let good =
        value.as_str().is_some_and(|text| !text.is_empty() && csv_cell::decode(&field.field, text).is_ok());
    if good {
        Ok(())
    } else {
        Err(Problem::new(field.name(), format!("{expected} ({})", field.field.field_type())))
    }
}

#[cfg(test)]
mod tests;
