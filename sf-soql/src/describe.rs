//! What an org says about its objects.
//!
//! Orgs of every age and version are read: a key that is missing or null counts as its default, a key that
//! this version does not know is passed over, and so is an unknown type of field.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sf_core::record::FieldType;

/// A null where a value was expected counts as the value's default. Salesforce's own documents differ from
/// version to version in what they leave out and what they write as null.
fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A length or a number of digits. Some are given as negative or larger than any field: they say nothing.
fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = Option::<i64>::deserialize(deserializer)?.unwrap_or_default();
    Ok(u32::try_from(number).unwrap_or_default())
}

fn field_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FieldType, D::Error> {
    let word = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    Ok(FieldType::from_describe(&word))
}

fn yes() -> bool {
    true
}

fn lenient_yes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(true))
}

fn type_word<S: Serializer>(of: &FieldType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(of.as_str())
}

fn unknown_type() -> FieldType {
    FieldType::Other
}

/// The list of all objects that the user may see (`GET …/sobjects`).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Global {
    /// The objects, in the org's order.
    pub sobjects: Vec<ObjectSummary>,
}

impl Global {
    /// An object by its name, whatever the case.
    pub fn object(&self, name: &str) -> Option<&ObjectSummary> {
        self.sobjects.iter().find(|o| o.name.eq_ignore_ascii_case(name))
    }
}

/// An object in the list of all objects.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ObjectSummary {
    /// The name in the API, for example `Account` or `Order__c`.
    pub name: String,
    /// The name that users see.
    #[serde(default, deserialize_with = "lenient")]
    pub label: String,
    /// The first three characters of its records' ids; some objects have none.
    #[serde(default)]
    pub key_prefix: Option<String>,
    /// Made in this org or by a package, not by Salesforce.
    #[serde(default, deserialize_with = "lenient")]
    pub custom: bool,
    /// Whether it can be queried.
    #[serde(default, deserialize_with = "lenient")]
    pub queryable: bool,
    /// Whether rows can be made.
    #[serde(default, deserialize_with = "lenient")]
    pub createable: bool,
    /// Whether rows can be changed.
    #[serde(default, deserialize_with = "lenient")]
    pub updateable: bool,
    /// Whether rows can be deleted.
    #[serde(default, deserialize_with = "lenient")]
    pub deletable: bool,
    /// Whether it is on its way out.
    #[serde(default, deserialize_with = "lenient")]
    pub deprecated_and_hidden: bool,
}

/// What an org says about one object (`GET …/sobjects/X/describe`).
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Describe {
    /// The name in the API, for example `Account` or `Order__c`.
    pub name: String,
    /// The name that users see.
    #[serde(default, deserialize_with = "lenient")]
    pub label: String,
    /// The first three characters of its records' ids; some objects have none.
    #[serde(default)]
    pub key_prefix: Option<String>,
    /// Made in this org or by a package, not by Salesforce.
    #[serde(default, deserialize_with = "lenient")]
    pub custom: bool,
    /// A custom setting: configuration in the form of rows.
    #[serde(default, deserialize_with = "lenient")]
    pub custom_setting: bool,
    /// Whether it can be queried.
    #[serde(default, deserialize_with = "lenient")]
    pub queryable: bool,
    /// Whether rows can be made.
    #[serde(default, deserialize_with = "lenient")]
    pub createable: bool,
    /// Whether rows can be changed.
    #[serde(default, deserialize_with = "lenient")]
    pub updateable: bool,
    /// Whether rows can be deleted.
    #[serde(default, deserialize_with = "lenient")]
    pub deletable: bool,
    /// Whether the org can tell which rows changed in a span of time.
    #[serde(default, deserialize_with = "lenient")]
    pub replicateable: bool,
    /// Whether it is on its way out.
    #[serde(default, deserialize_with = "lenient")]
    pub deprecated_and_hidden: bool,
    /// The fields that the user may see, in the org's order.
    pub fields: Vec<FieldDescribe>,
    /// The objects that refer to this one, a reference each.
    #[serde(default, deserialize_with = "lenient")]
    pub child_relationships: Vec<ChildRelationship>,
}

impl Describe {
    /// A field by its name, whatever the case.
    pub fn field(&self, name: &str) -> Option<&FieldDescribe> {
        self.fields.iter().find(|f| f.name.eq_ignore_ascii_case(name))
    }

    /// The reference behind the first part of a dotted name, whatever the case: `OwnerId` of `Owner`.
    pub fn parent(&self, relationship: &str) -> Option<&FieldDescribe> {
        let is = |name: &str| name.eq_ignore_ascii_case(relationship);
        self.fields.iter().find(|f| f.relationship_name.as_deref().is_some_and(is))
    }

    /// The children that a child query reads by this name, such as `ContentDocumentLinks`, whatever the case.
    pub fn child(&self, relationship: &str) -> Option<&ChildRelationship> {
        let is = |name: &str| name.eq_ignore_ascii_case(relationship);
        self.child_relationships.iter().find(|c| c.relationship_name.as_deref().is_some_and(is))
    }

    /// The fields that a query can read: those that the user may see, less those that are on their way out.
    pub fn readable_fields(&self) -> impl Iterator<Item = &FieldDescribe> {
        self.fields.iter().filter(|f| !f.deprecated_and_hidden)
    }
}

/// A reference from another object to this one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChildRelationship {
    /// The object that refers to this one.
    #[serde(rename = "childSObject", default, deserialize_with = "lenient")]
    pub child_object: String,
    /// Its reference, for example `AccountId`.
    #[serde(default, deserialize_with = "lenient")]
    pub field: String,
    /// The name that child queries read from, for example `Contacts`. Some children have none and cannot be
    /// read so.
    #[serde(default)]
    pub relationship_name: Option<String>,
    /// Whether the children are deleted with their parent.
    #[serde(default, deserialize_with = "lenient")]
    pub cascade_delete: bool,
    /// Whether it is on its way out.
    #[serde(default, deserialize_with = "lenient")]
    pub deprecated_and_hidden: bool,
}

/// What an org says about one field.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FieldDescribe {
    /// The name in the API, for example `Name` or `Email__c`.
    pub name: String,
    /// The name that users see.
    #[serde(default, deserialize_with = "lenient")]
    pub label: String,
    /// The type.
    #[serde(
        rename = "type",
        default = "unknown_type",
        deserialize_with = "field_type",
        serialize_with = "type_word"
    )]
    pub field_type: FieldType,
    /// The type in SOAP, for example `xsd:string`; `urn:…` for a structure.
    #[serde(default, deserialize_with = "lenient")]
    pub soap_type: String,
    /// The most characters of a text.
    #[serde(default, deserialize_with = "size")]
    pub length: u32,
    /// The most digits of a whole number.
    #[serde(default, deserialize_with = "size")]
    pub digits: u32,
    /// The most digits of a decimal.
    #[serde(default, deserialize_with = "size")]
    pub precision: u32,
    /// The digits after the point of a decimal.
    #[serde(default, deserialize_with = "size")]
    pub scale: u32,
    /// Whether a row may have no value.
    #[serde(default, deserialize_with = "lenient")]
    pub nillable: bool,
    /// Whether it can stand in a condition.
    #[serde(default, deserialize_with = "lenient")]
    pub filterable: bool,
    /// Whether it can stand in an ordering.
    #[serde(default, deserialize_with = "lenient")]
    pub sortable: bool,
    /// Whether it can stand in `GROUP BY`. Describes of old versions do not say, which counts as yes.
    #[serde(default = "yes", deserialize_with = "lenient_yes")]
    pub groupable: bool,
    /// Whether `MIN` and `MAX` take it. Describes of old versions do not say, which counts as yes.
    #[serde(default = "yes", deserialize_with = "lenient_yes")]
    pub aggregatable: bool,
    /// Whether it can be set in a new row.
    #[serde(default, deserialize_with = "lenient")]
    pub createable: bool,
    /// Whether it can be changed.
    #[serde(default, deserialize_with = "lenient")]
    pub updateable: bool,
    /// Whether the org fills it in where a new row leaves it out.
    #[serde(default, deserialize_with = "lenient")]
    pub defaulted_on_create: bool,
    /// Whether it is a formula or a roll-up.
    #[serde(default, deserialize_with = "lenient")]
    pub calculated: bool,
    /// Whether the org numbers it.
    #[serde(default, deserialize_with = "lenient")]
    pub auto_number: bool,
    /// Made in this org or by a package, not by Salesforce.
    #[serde(default, deserialize_with = "lenient")]
    pub custom: bool,
    /// Whether two rows cannot have the same value.
    #[serde(default, deserialize_with = "lenient")]
    pub unique: bool,
    /// Whether the case of a unique text matters.
    #[serde(default, deserialize_with = "lenient")]
    pub case_sensitive: bool,
    /// Whether rows can be upserted by it.
    #[serde(default, deserialize_with = "lenient")]
    pub external_id: bool,
    /// Whether rows can be referred to by it.
    #[serde(default, deserialize_with = "lenient")]
    pub id_lookup: bool,
    /// Whether it is the name of its row.
    #[serde(default, deserialize_with = "lenient")]
    pub name_field: bool,
    /// Whether a picklist takes no value other than those listed.
    #[serde(default, deserialize_with = "lenient")]
    pub restricted_picklist: bool,
    /// Whether it is on its way out.
    #[serde(default, deserialize_with = "lenient")]
    pub deprecated_and_hidden: bool,
    /// The compound that it is a part of. The name of a company or a person names itself here, or is named
    /// by its parts although it can be read: that a field is a compound is told by its type alone.
    #[serde(default)]
    pub compound_field_name: Option<String>,
    /// The objects that a reference may lead to.
    #[serde(default, deserialize_with = "lenient")]
    pub reference_to: Vec<String>,
    /// The first part of dotted names through this reference, for example `Owner`.
    #[serde(default)]
    pub relationship_name: Option<String>,
    /// The values of a picklist.
    #[serde(default, deserialize_with = "lenient")]
    pub picklist_values: Vec<PicklistValue>,
}

/// One value of a picklist.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PicklistValue {
    /// The value in rows.
    #[serde(default, deserialize_with = "lenient")]
    pub value: String,
    /// The value that users see.
    #[serde(default, deserialize_with = "lenient")]
    pub label: String,
    /// Whether users can still choose it.
    #[serde(default, deserialize_with = "lenient")]
    pub active: bool,
    /// Whether a new row has it.
    #[serde(default, deserialize_with = "lenient")]
    pub default_value: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_describe_with_the_barest_keys_is_read() {
        let describe: Describe = serde_json::from_str(r#"{"name":"X__c","fields":[{"name":"Id"}]}"#).unwrap();
        assert!(!describe.queryable);
        assert_eq!(describe.field("ID").unwrap().field_type, FieldType::Other);
    }

    #[test]
    fn nulls_unknown_keys_and_unknown_types_do_no_harm() {
        let describe: Describe = serde_json::from_str(
            r#"{"name":"X__c","label":null,"queryable":null,"keyPrefix":null,"new":{"a":[1]},"fields":[
                {"name":"A","type":"hologram","length":null,"scale":-1,"precision":99999999999,"nillable":null,
                 "referenceTo":null,"picklistValues":null,"relationshipName":null,"extra":[]},
                {"name":"B","type":null},
                {"name":"C","type":"picklist","picklistValues":[{"value":"x","label":null,"validFor":"gAAA"}]}]}"#,
        )
        .unwrap();
        let types: Vec<_> = describe.fields.iter().map(|f| f.field_type).collect();
        assert_eq!(types, [FieldType::Other, FieldType::Other, FieldType::Picklist]);
        assert_eq!((describe.fields[0].scale, describe.fields[0].precision), (0, 0));
        assert_eq!(describe.fields[2].picklist_values[0].value, "x");
    }

    #[test]
    fn what_has_no_name_or_no_fields_is_not_a_describe() {
        for json in [r#"{"fields":[]}"#, r#"{"name":"X"}"#, r#"{"name":null,"fields":[]}"#, "[]"] {
            assert!(serde_json::from_str::<Describe>(json).is_err(), "{json}");
        }
    }
}
