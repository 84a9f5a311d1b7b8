//! An event as the caller describes it.

use std::fmt;

use serde_json::{Map, Value};

use crate::Problem;

/// One event to publish: the name of its definition in the org, and values for its fields.
///
/// ```
/// use sf_events::Event;
///
/// let event = Event::new("Order__e")
///     .field("City__c", "Berlin")
///     .field("Express__c", true)
///     .number("Amount__c", "19.90");
/// assert_eq!(event.object(), "Order__e");
/// ```
///
/// A field that is not named is absent; a field given as `None` or `null` is sent as null.
#[derive(Clone, PartialEq)]
#[must_use]
pub struct Event {
    object: String,
    fields: Vec<(String, Json)>,
}

/// A value as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Value(Value),
    /// A number in the digits of the caller: JSON has decimals, `f64` has not.
    Number(String),
}

impl Event {
    /// An event without fields. The name is the definition's API name, for example `Order__e`.
    pub fn new(object: impl Into<String>) -> Self {
        Self { object: object.into(), fields: Vec::new() }
    }

    /// Sets a field, named as in the org (`City__c`) in any case. A float that is not finite is a null, as JSON has no text for it.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.fields.push((name.into(), Json::Value(value.into())));
        self
    }

    /// Sets a number field from decimal text, which is sent digit by digit: `f64` would round it.
    pub fn number(mut self, name: impl Into<String>, digits: impl fmt::Display) -> Self {
        self.fields.push((name.into(), Json::Number(digits.to_string())));
        self
    }

    /// Sets all members of a JSON object as fields.
    pub fn fields(mut self, fields: Map<String, Value>) -> Self {
        self.fields.extend(fields.into_iter().map(|(name, value)| (name, Json::Value(value))));
        self
    }

    /// The API name of the event's definition.
    pub fn object(&self) -> &str {
        &self.object
    }

    pub(crate) fn values(&self) -> &[(String, Json)] {
        &self.fields
    }
}

impl fmt::Debug for Event {
    /// Names, not values: an event may carry what belongs in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.fields.iter().map(|(name, _)| name).collect();
        f.debug_struct("Event").field("object", &self.object).field("fields", &names).finish()
    }
}

impl Json {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Value(Value::Null))
    }

    /// The value as it stands in a body.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Value(value) => value.to_string(),
            Self::Number(digits) => digits.clone(),
        }
    }

    /// What kind of JSON this is, for a sentence.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Value(Value::Null) => "null",
            Self::Value(Value::Bool(_)) => "true or false",
            Self::Value(Value::Number(_)) | Self::Number(_) => "a number",
            Self::Value(Value::String(_)) => "text",
            Self::Value(Value::Array(_)) => "a list",
            Self::Value(Value::Object(_)) => "an object",
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Value(value) => value.as_str(),
            Self::Number(_) => None,
        }
    }

    /// The digits of a number as JSON writes them; a problem where the caller's digits are none.
    pub(crate) fn digits(&self, field: &str) -> Option<Result<String, Problem>> {
        match self {
            Self::Value(Value::Number(number)) => Some(Ok(number.to_string())),
            Self::Value(_) => None,
            Self::Number(digits) if is_json_number(digits) => Some(Ok(digits.clone())),
            Self::Number(_) => Some(Err(Problem::new(
                field,
                "the digits given are no number as JSON writes it, such as -19.90",
            ))),
        }
    }
}

/// RFC 8259, "Numbers".
fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_json_or_none() {
        for good in ["0", "-0", "19.90", "-12", "1e6", "1.5E-3", "123456789012345678.123456789"] {
            assert!(is_json_number(good), "{good}");
        }
        for bad in ["", "-", "01", ".5", "5.", "+1", "1,5", "NaN", "inf", "1e", "0x10", " 1", "1 "] {
            assert!(!is_json_number(bad), "{bad}");
        }
    }

    #[test]
    fn the_values_of_an_event_do_not_show() {
        let shown = format!("{:?}", Event::new("Order__e").field("Iban__c", "DE02120300000000202051"));
        assert!(shown.contains("Iban__c") && !shown.contains("DE02"), "{shown}");
    }

    #[test]
    fn none_is_a_null_and_not_an_absence() {
        let event = Event::new("Order__e").field("City__c", None::<String>);
        assert!(event.values()[0].1.is_null());
    }
}
