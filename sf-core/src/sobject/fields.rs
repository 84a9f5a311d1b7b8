//! The fields of a row on their way to the org.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::finite;
use crate::record::Value;
use crate::{Error, ErrorKind, Id, Result, json};

/// Fields and values of a row, in the order in which they are sent.
///
/// Absent, null and value are three things. A field that is not named stays as it is; a field that is null loses
/// its value; in a struct, a `None` is null unless serde leaves it out (`skip_serializing_if`), or
/// [`without_nulls`](Self::without_nulls) does.
///
/// ```
/// use sf_core::sobject::Fields;
///
/// let fields = Fields::new().field("Name", "Wheelworks").number("AnnualRevenue", "1200000.50").null("Fax");
/// assert_eq!(
///     serde_json::to_string(&fields)?,
///     r#"{"Name":"Wheelworks","AnnualRevenue":1200000.50,"Fax":null}"#
/// );
///
/// #[derive(serde::Serialize)]
/// struct Account { #[serde(rename = "Name")] name: String, #[serde(rename = "Fax")] fax: Option<String> }
/// let account = Account { name: "Wheelworks".into(), fax: None };
/// let fields = Fields::of(&account)?.without_nulls();
/// assert_eq!(serde_json::to_string(&fields)?, r#"{"Name":"Wheelworks"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Numbers keep their digits: [`number`](Self::number) takes decimal text, and none goes through `f64`.
#[derive(Clone, Default)]
#[must_use]
pub struct Fields {
    members: Vec<(String, Box<RawValue>)>,
    invalid: Option<Error>,
}

impl fmt::Debug for Fields {
    /// Names, not values: a row may hold what belongs in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.members.iter().map(|(name, _)| name)).finish()
    }
}

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// The fields of a value that serde writes as a JSON object: a struct, a map, or other `Fields`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where it is no object or cannot be written, or has a number that is none: JSON
    /// would make it null, and so empty the field.
    pub fn of(row: &(impl Serialize + ?Sized)) -> Result<Self> {
        let wrong = |message: &str, e: serde_json::Error| {
            Error::new(ErrorKind::InvalidInput, message).with_source(json::fault(&e))
        };
        finite::check(row).map_err(|what| Error::new(ErrorKind::InvalidInput, what))?;
        let text = serde_json::to_vec(row).map_err(|e| wrong("the row cannot be written as JSON", e))?;
        let members: Members = serde_json::from_slice(&text).map_err(|e| {
            wrong("the row is not written as a JSON object, so its values have no field names", e)
        })?;
        Ok(Self { members: members.0, invalid: None })
    }

    /// Sets a field to anything that serde can write. `None` is null.
    pub fn field(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        let name = name.into();
        if let Err(what) = finite::check(&value) {
            self.invalid.get_or_insert(Error::new(ErrorKind::InvalidInput, format!("{name}: {what}")));
            return self;
        }
        match serde_json::value::to_raw_value(&value) {
            Ok(raw) => self.members.push((name, raw)),
            Err(e) => self.refuse(format!("the value of {name} cannot be written as JSON"), e),
        }
        self
    }

    /// Sets a number field from decimal text, which is sent digit by digit.
    pub fn number(mut self, name: impl Into<String>, digits: impl fmt::Display) -> Self {
        let (name, digits) = (name.into(), digits.to_string());
        match serde_json::from_str::<serde_json::Number>(&digits).and(RawValue::from_string(digits)) {
            Ok(raw) => self.members.push((name, raw)),
            Err(e) => self.refuse(format!("the value of {name} is no number as JSON writes it"), e),
        }
        self
    }

    /// Empties a field.
    pub fn null(self, name: impl Into<String>) -> Self {
        self.field(name, ())
    }

    /// Sets a field to a value of a row that was read; an absent one is left out.
    pub fn value(self, name: impl Into<String>, value: &Value<'_>) -> Self {
        match value {
            Value::Absent => self,
            Value::Null => self.null(name),
            Value::Text(text) => self.field(name, text),
            Value::Boolean(yes) => self.field(name, yes),
            Value::Integer(n) => self.field(name, n),
            Value::Decimal(n) => self.number(name, n.to_plain_string()),
            Value::Date(day) => self.field(name, day.format("%Y-%m-%d").to_string()),
            Value::DateTime(at) => self.field(name, at.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()),
            Value::Time(time) => self.field(name, time.format("%H:%M:%S%.3fZ").to_string()),
        }
    }

    /// Leaves out every field that is null, so that the org keeps what it has in it.
    pub fn without_nulls(mut self) -> Self {
        self.members.retain(|(_, value)| value.get() != "null");
        self
    }

    /// The names of the fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    fn refuse(&mut self, message: String, source: serde_json::Error) {
        let error = Error::new(ErrorKind::InvalidInput, message).with_source(source);
        self.invalid.get_or_insert(error);
    }

    /// The fields of a row, checked: what a builder could not say, and no field twice.
    pub(super) fn checked(row: &(impl Serialize + ?Sized)) -> Result<Self> {
        let fields = Self::of(row)?;
        let mut seen = HashSet::new();
        let twice = fields.names().find(|name| !seen.insert(name.to_ascii_lowercase())).map(str::to_owned);
        match twice {
            Some(twice) => {
                Err(Error::new(ErrorKind::InvalidInput, format!("the row has the field {twice} twice")))
            }
            None => Ok(fields),
        }
    }

    /// Takes a member out, whatever its case; the text of its JSON.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.members.iter().position(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(self.members.remove(at).1.get().to_owned())
    }

    /// Takes the row's Id out, if it has one.
    pub(super) fn take_id(&mut self) -> Result<Option<Id>> {
        let Some(text) = self.take("Id").filter(|text| text != "null") else { return Ok(None) };
        let id: Id = serde_json::from_str(&text).map_err(|e| {
            Error::new(ErrorKind::InvalidInput, "the Id of the row is no Salesforce id").with_source(e)
        })?;
        Ok(Some(id))
    }

    /// The fields of a row in a collection: what it is comes first, then which it is.
    pub(super) fn typed(mut self, object: &str, id: Option<Id>) -> Result<Self> {
        let attributes = self.take("attributes").filter(|text| text != "null");
        let of = match attributes {
            // Rows that were read say what they are, and an address that is not to be sent back.
            Some(text) => {
                #[derive(serde::Deserialize)]
                struct Attributes {
                    #[serde(rename = "type")]
                    of: String,
                }
                let attributes: Attributes = serde_json::from_str(&text).map_err(|e| {
                    Error::new(ErrorKind::InvalidInput, "the row's attributes name no type").with_source(e)
                })?;
                attributes.of
            }
            None => object.to_owned(),
        };
        let mut typed = Self::new().field("attributes", serde_json::json!({ "type": of }));
        if let Some(id) = id {
            typed = typed.field("Id", id);
        }
        typed.members.append(&mut self.members);
        Ok(typed)
    }

    /// The values as they are written.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(_, value)| value.get())
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(error) = &self.invalid {
            return Err(serde::ser::Error::custom(error));
        }
        let mut map = serializer.serialize_map(Some(self.members.len()))?;
        for (name, value) in &self.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The members of an object, in their order, each as it was written.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::with_capacity(map.size_hint().unwrap_or_default());
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(fields: &Fields) -> String {
        serde_json::to_string(fields).unwrap()
    }

    #[test]
    fn decimals_keep_their_digits_on_every_way_in() {
        let decimal: bigdecimal::BigDecimal = "12345678901234567.10".parse().unwrap();
        let fields = Fields::new().number("A", "0.10").value("B", &Value::Decimal(decimal.clone()));
        assert_eq!(text(&fields), r#"{"A":0.10,"B":12345678901234567.10}"#);
        assert_eq!(text(&Fields::of(&fields).unwrap()), text(&fields));
    }

    #[test]
    fn absent_null_and_value_are_three_things() {
        let fields =
            Fields::new().value("A", &Value::Absent).value("B", &Value::Null).field("C", None::<i32>);
        assert_eq!(text(&fields), r#"{"B":null,"C":null}"#);
        assert_eq!(text(&fields.field("D", "null").without_nulls()), r#"{"D":"null"}"#);
    }

    #[test]
    fn a_number_that_is_none_is_refused_and_not_null() {
        let row = std::collections::BTreeMap::from([("Amount__c", f64::NAN)]);
        let error = Fields::of(&row).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("Amount__c: NaN is no number of an org"), "{error}");
        let error = Fields::checked(&Fields::new().field("Amount__c", f64::INFINITY)).unwrap_err();
        let told = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
        let told: Vec<_> = told.map(ToString::to_string).collect();
        assert!(told.iter().any(|text| text.contains("Amount__c: inf is no number")), "{told:?}");
    }

    #[test]
    fn values_of_time_are_written_as_orgs_take_them() {
        let at = chrono::DateTime::from_timestamp_millis(1_674_725_211_007).unwrap();
        let fields = Fields::new()
            .value("At", &Value::DateTime(at))
            .value("On", &Value::Date(at.date_naive()))
            .value("T", &Value::Time(at.time()));
        assert_eq!(
            text(&fields),
            r#"{"At":"2023-01-26T09:26:51.007+0000","On":"2023-01-26","T":"09:26:51.007Z"}"#
        );
    }

    #[test]
    fn what_is_no_row_is_refused_with_the_reason() {
        for (fields, words) in [
            (Fields::checked(&[1]), "no field names"),
            (Fields::checked(&Fields::new().number("N", "1,5")), "cannot be written"),
            (Fields::checked(&Fields::new().field("Name", 1).field("NAME", 2)), "NAME twice"),
        ] {
            let error = fields.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn the_values_of_a_row_do_not_show() {
        let shown = format!("{:?}", Fields::new().field("Iban__c", "DE02120300000000202051"));
        assert!(shown.contains("Iban__c") && !shown.contains("DE02"), "{shown}");
    }
}
