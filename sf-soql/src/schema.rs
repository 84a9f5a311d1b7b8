//! From a describe to the schema of the rows of a query.

use std::collections::HashSet;

use sf_core::record::{Field, FieldType, Schema};

use crate::describe::{Describe, FieldDescribe};
use crate::error::{Error, ErrorKind, Result, did_you_mean};

/// The schema of rows that hold these fields, in this order, spelled as the org spells them. A name that
/// stands twice counts once, as in [`Select::fields`](crate::Select::fields).
///
/// A dotted name such as `Owner.Name` is text ([`FieldType::Other`]): its type is the parent's to tell. It
/// has to begin with a relationship of the object.
///
/// ```
/// # let json = r#"{"name":"Account","fields":[{"name":"Id","type":"id"},
/// #   {"name":"AnnualRevenue","type":"currency","precision":18,"scale":2,"nillable":true}]}"#;
/// let account: sf_soql::Describe = serde_json::from_str(json)?;
/// let schema = sf_soql::schema_of(&account, ["Id", "annualrevenue"])?;
/// assert_eq!(schema.fields()[1].name(), "AnnualRevenue");
/// assert_eq!(schema.fields()[1].scale(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::UnknownField`], naming the fields that come near.
pub fn schema_of<N: AsRef<str>>(describe: &Describe, names: impl IntoIterator<Item = N>) -> Result<Schema> {
    let mut seen = HashSet::new();
    let mut fields = Vec::new();
    for name in names {
        let name = name.as_ref();
        if seen.insert(name.to_ascii_lowercase()) {
            fields.push(match name.split_once('.') {
                None => schema_field(find(describe, name)?),
                Some((relationship, _)) => {
                    check_relationship(describe, relationship, name)?;
                    Field::new(name, FieldType::Other)
                }
            });
        }
    }
    Schema::new(describe.name.as_str(), fields).map_err(|e| {
        Error::with_org(ErrorKind::UnknownField, format!("the fields of {} make no schema", describe.name), e)
    })
}

fn schema_field(field: &FieldDescribe) -> Field {
    Field::new(field.name.as_str(), field.field_type)
        .with_nillable(field.nillable)
        .with_length(field.length)
        .with_digits(field.digits)
        .with_precision(field.precision, field.scale)
}

/// The field of that name, or an error that names those that come near.
pub(crate) fn find<'d>(describe: &'d Describe, name: &str) -> Result<&'d FieldDescribe> {
    describe.field(name).ok_or_else(|| {
        let hint = did_you_mean(name, describe.fields.iter().map(|f| f.name.as_str()));
        Error::new(
            ErrorKind::UnknownField,
            format!("{} has no field {name}, or the user may not see it.{hint}", describe.name),
        )
    })
}

fn check_relationship(describe: &Describe, relationship: &str, name: &str) -> Result<()> {
    let names = || describe.fields.iter().filter_map(|f| f.relationship_name.as_deref());
    if names().any(|n| n.eq_ignore_ascii_case(relationship)) {
        return Ok(());
    }
    let hint = did_you_mean(relationship, names());
    let message = format!(
        "{} has no relationship {relationship} for {name}, or the user may not see it.{hint}",
        describe.name
    );
    Err(Error::new(ErrorKind::UnknownField, message))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sf_core::record::DataType;

    use super::*;

    fn contact() -> Describe {
        serde_json::from_value(json!({ "name": "Contact", "fields": [
            { "name": "Id", "type": "id", "length": 18 },
            { "name": "Email", "type": "email", "length": 80, "nillable": true },
            { "name": "Score__c", "type": "double", "precision": 18, "scale": 4 },
            { "name": "Visits__c", "type": "int", "digits": 8 },
            { "name": "AccountId", "type": "reference", "relationshipName": "Account", "nillable": true },
        ]}))
        .unwrap()
    }

    #[test]
    fn a_schema_has_the_fields_as_the_org_describes_them() {
        let schema =
            schema_of(&contact(), ["email", "ID", "Score__c", "EMAIL", "Visits__c", "account.Name"]).unwrap();
        let names: Vec<_> = schema.fields().iter().map(Field::name).collect();
        assert_eq!(names, ["Email", "Id", "Score__c", "Visits__c", "account.Name"]);
        let email = &schema.fields()[0];
        assert_eq!((email.nillable(), email.length(), email.data_type()), (true, 80, DataType::Text));
        let score = &schema.fields()[2];
        assert_eq!((score.nillable(), score.precision(), score.scale()), (false, 18, 4));
        assert_eq!(schema.fields()[3].digits(), 8);
        assert_eq!(schema.object(), "Contact");
    }

    #[test]
    fn an_unknown_field_is_refused_and_its_likeness_named() {
        let error = schema_of(&contact(), ["Emial"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownField);
        assert_eq!(
            error.to_string(),
            "Contact has no field Emial, or the user may not see it. Did you mean Email?"
        );
        let error = schema_of(&contact(), ["Acount.Name"]).unwrap_err();
        assert!(error.to_string().ends_with("Did you mean Account?"), "{error}");
        let error = schema_of(&contact(), ["Zzz__c"]).unwrap_err();
        assert!(error.to_string().ends_with("may not see it."), "{error}");
    }
}
