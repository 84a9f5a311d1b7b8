//! What a Bulk API 2.0 query can read of an object, and why not the rest.

use std::fmt;

use sf_core::record::FieldType;

use crate::describe::{Describe, FieldDescribe};
use crate::error::{Error, ErrorKind, Result};

/// Why a Bulk API 2.0 query cannot read a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldReason {
    /// An address or a location. Its parts are fields of their own and can be read.
    Compound,
    /// Bytes, such as the content of a file.
    Binary,
    /// A structure that is no text.
    Structure,
    /// The org is giving it up and no longer shows it.
    Deprecated,
}

impl fmt::Display for FieldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compound => "a compound field, which Bulk API 2.0 cannot read; its parts are read instead",
            Self::Binary => "binary data, which Bulk API 2.0 cannot read",
            Self::Structure => "a structure, which Bulk API 2.0 cannot read",
            Self::Deprecated => "deprecated and hidden in this org",
        })
    }
}

/// Why a Bulk API 2.0 query cannot read an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObjectReason {
    /// A platform event or change event: it is subscribed to, not queried.
    Event,
    /// Queries do not reach it, or not for this user.
    NotQueryable,
    /// Its describe says that it can be queried, and Bulk refuses it all the same.
    RefusedByBulk,
    /// The org is giving it up and no longer shows it.
    Deprecated,
    /// None of its fields can be read.
    NoFields,
}

impl fmt::Display for ObjectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Event => "it is an event: events are subscribed to, not queried",
            Self::NotQueryable => "its describe says that it cannot be queried",
            Self::RefusedByBulk => "Bulk API 2.0 does not support it; REST queries do",
            Self::Deprecated => "it is deprecated and hidden in this org",
            Self::NoFields => "none of its fields can be read by Bulk API 2.0",
        })
    }
}

/// Objects whose describe says `queryable` and that orgs refuse with `INVALIDENTITY … is not supported by the
/// Bulk API`. Nothing in a describe tells them apart; the list is what users of several tools ran into.
const REFUSED_BY_BULK: &[&str] = &[
    "AcceptedEventRelation",
    "AttachedContentNote",
    "CaseStatus",
    "ContractStatus",
    "DeclinedEventRelation",
    "EventWhoRelation",
    "OrderStatus",
    "PartnerRole",
    "QuoteTemplateRichTextData",
    "RecentlyViewed",
    "SolutionStatus",
    "TaskPriority",
    "TaskStatus",
    "TaskWhoRelation",
    "UndecidedEventRelation",
];

/// The fields of an object that a Bulk API 2.0 query can read, and those that it cannot with the reason.
///
/// ```
/// # let json = r#"{"name":"Account","queryable":true,"fields":[
/// #   {"name":"Id","type":"id"},{"name":"BillingAddress","type":"address"}]}"#;
/// use sf_soql::{BulkFields, Describe, FieldReason};
///
/// let account: Describe = serde_json::from_str(json)?;
/// let fields = BulkFields::of(&account);
/// fields.check()?;
/// assert_eq!(fields.names().collect::<Vec<_>>(), ["Id"]);
/// assert_eq!(fields.left_out, [("BillingAddress", FieldReason::Compound)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BulkFields<'d> {
    /// What can be read, in the describe's order.
    pub readable: Vec<&'d FieldDescribe>,
    /// What cannot, by name, and why.
    pub left_out: Vec<(&'d str, FieldReason)>,
    /// Why the object as a whole cannot be read, where it cannot.
    pub refused: Option<ObjectReason>,
    object: &'d str,
}

impl<'d> BulkFields<'d> {
    /// Sorts the fields of an object.
    pub fn of(describe: &'d Describe) -> Self {
        let mut readable = Vec::new();
        let mut left_out = Vec::new();
        for field in &describe.fields {
            match field_reason(field) {
                Some(reason) => left_out.push((field.name.as_str(), reason)),
                None => readable.push(field),
            }
        }
        let no_fields = readable.is_empty().then_some(ObjectReason::NoFields);
        let refused = object_reason(describe).or(no_fields);
        Self { readable, left_out, refused, object: &describe.name }
    }

    /// The names of the fields that can be read.
    pub fn names(&self) -> impl Iterator<Item = &'d str> + use<'d, '_> {
        self.readable.iter().map(|f| f.name.as_str())
    }

    /// Why a field is left out; `None` where it is read or the object does not have it.
    pub fn reason(&self, name: &str) -> Option<FieldReason> {
        self.left_out.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, reason)| *reason)
    }

    /// Makes sure that the object can be read at all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unusable`], naming the object and the reason.
    pub fn check(&self) -> Result<()> {
        let Some(reason) = self.refused else { return Ok(()) };
        let message = format!("{} cannot be read by Bulk API 2.0: {reason}", self.object);
        Err(Error::new(ErrorKind::Unusable, message))
    }
}

/// By type alone: `Account.Name` names itself as its compound and `Contact.Name` is named by its parts, and
/// both can be read.
pub(crate) fn field_reason(field: &FieldDescribe) -> Option<FieldReason> {
    // A type that is newer than this crate is a structure if SOAP has a structure for it.
    let structure = field.soap_type.starts_with("urn:") || field.soap_type.starts_with("mns:");
    match field.field_type {
        FieldType::Address | FieldType::Location => Some(FieldReason::Compound),
        FieldType::Base64 => Some(FieldReason::Binary),
        FieldType::ComplexValue => Some(FieldReason::Structure),
        FieldType::Other if structure => Some(FieldReason::Structure),
        _ if field.deprecated_and_hidden => Some(FieldReason::Deprecated),
        _ => None,
    }
}

pub(crate) fn object_reason(describe: &Describe) -> Option<ObjectReason> {
    let name = describe.name.as_str();
    let ends = |end: &str| name.len() > end.len() && name.to_ascii_lowercase().ends_with(end);
    if ends("__e") || ends("changeevent") {
        Some(ObjectReason::Event)
    } else if !describe.queryable {
        Some(ObjectReason::NotQueryable)
    } else if describe.deprecated_and_hidden {
        Some(ObjectReason::Deprecated)
    } else if REFUSED_BY_BULK.iter().any(|o| o.eq_ignore_ascii_case(name)) {
        Some(ObjectReason::RefusedByBulk)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, queryable: bool, fields: serde_json::Value) -> Describe {
        serde_json::from_value(json!({ "name": name, "queryable": queryable, "fields": fields })).unwrap()
    }

    fn refused(name: &str, queryable: bool) -> Option<ObjectReason> {
        BulkFields::of(&object(name, queryable, json!([{ "name": "Id", "type": "id" }]))).refused
    }

    #[test]
    fn fields_are_left_out_by_type_and_the_reason_is_kept() {
        let describe = object(
            "X__c",
            true,
            json!([
                { "name": "Id", "type": "id", "soapType": "tns:ID" },
                { "name": "Name", "type": "string", "compoundFieldName": "Name" },
                { "name": "LastName", "type": "string", "compoundFieldName": "Name" },
                { "name": "BillingAddress", "type": "address" },
                { "name": "Place__c", "type": "location" },
                { "name": "Place__Latitude__s", "type": "double", "compoundFieldName": "Place__c" },
                { "name": "Body", "type": "base64" },
                { "name": "Metadata", "type": "complexvalue" },
                { "name": "OldValue", "type": "anyType", "soapType": "xsd:anyType" },
                { "name": "Hologram", "type": "hologram", "soapType": "urn:hologram" },
                { "name": "Newer", "type": "newer", "soapType": "xsd:string" },
                { "name": "Gone", "type": "string", "deprecatedAndHidden": true },
            ]),
        );
        let fields = BulkFields::of(&describe);
        let names: Vec<_> = fields.names().collect();
        assert_eq!(names, ["Id", "Name", "LastName", "Place__Latitude__s", "OldValue", "Newer"]);
        assert_eq!(
            fields.left_out,
            [
                ("BillingAddress", FieldReason::Compound),
                ("Place__c", FieldReason::Compound),
                ("Body", FieldReason::Binary),
                ("Metadata", FieldReason::Structure),
                ("Hologram", FieldReason::Structure),
                ("Gone", FieldReason::Deprecated),
            ]
        );
        assert_eq!(fields.reason("billingaddress"), Some(FieldReason::Compound));
        assert_eq!(fields.reason("Name"), None);
        assert!(fields.check().is_ok());
    }

    #[test]
    fn objects_that_bulk_cannot_read_are_refused_with_the_reason() {
        assert_eq!(refused("Account", true), None);
        assert_eq!(refused("Order__e", false), Some(ObjectReason::Event));
        assert_eq!(refused("AccountChangeEvent", false), Some(ObjectReason::Event));
        assert_eq!(refused("Event", true), None);
        assert_eq!(refused("Vote", false), Some(ObjectReason::NotQueryable));
        assert_eq!(refused("TaskStatus", true), Some(ObjectReason::RefusedByBulk));
        let empty = object("X__c", true, json!([{ "name": "Body", "type": "base64" }]));
        assert_eq!(BulkFields::of(&empty).refused, Some(ObjectReason::NoFields));
        let error = BulkFields::of(&object("Order__e", false, json!([]))).check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unusable);
        assert_eq!(
            error.to_string(),
            "Order__e cannot be read by Bulk API 2.0: it is an event: events are subscribed to, not queried"
        );
    }
}
