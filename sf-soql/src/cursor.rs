//! Which field tells what changed since the last look.

use sf_core::record::FieldType;

use crate::describe::{Describe, FieldDescribe};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::find;

/// Best first: the stamp that Salesforce itself moves too, the stamp of changes by users, the stamp of making.
const STAMPS: [&str; 3] = ["SystemModstamp", "LastModifiedDate", "CreatedDate"];

/// The fields of an object that can serve as a cursor, best first; empty where it has none.
///
/// `CreatedDate` alone shows new rows, not changed ones.
pub fn cursor_candidates(describe: &Describe) -> Vec<&FieldDescribe> {
    let stamps = STAMPS.iter().filter_map(|name| describe.field(name));
    stamps.filter(|f| f.field_type == FieldType::DateTime && obstacle(f).is_none()).collect()
}

/// The cursor field of an object: the one that is named, or else the best one.
///
/// A field of type `date` is taken where it is named: what is read by it has to read its last day again.
///
/// # Errors
///
/// [`ErrorKind::UnknownField`] where the object does not have the field that is named, and
/// [`ErrorKind::Unusable`] where it cannot be a cursor, or where none is named and the object has none.
pub fn cursor_field<'d>(describe: &'d Describe, named: Option<&str>) -> Result<&'d FieldDescribe> {
    let object = &describe.name;
    let Some(name) = named else {
        return cursor_candidates(describe).first().copied().ok_or_else(|| {
            let stamps = STAMPS.join(", ");
            let message = format!("{object} has no field that tells what changed: none of {stamps} is there and can be filtered by");
            Error::new(ErrorKind::Unusable, message)
        });
    };
    let field = find(describe, name)?;
    match obstacle(field) {
        None => Ok(field),
        Some(why) => {
            let message = format!("{object}.{} cannot tell what changed: {why}", field.name);
            Err(Error::new(ErrorKind::Unusable, message))
        }
    }
}

fn obstacle(field: &FieldDescribe) -> Option<String> {
    if !matches!(field.field_type, FieldType::DateTime | FieldType::Date) {
        Some(format!("it is of type {}, not datetime or date", field.field_type))
    } else if field.nillable {
        Some("a row may have no value in it and would never be found".to_owned())
    } else if !field.filterable {
        Some("it cannot stand in a condition".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(fields: &[(&str, &str, bool, bool)]) -> Describe {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, of, filterable, nillable)| {
                json!({ "name": name, "type": of, "filterable": filterable, "nillable": nillable })
            })
            .collect();
        serde_json::from_value(json!({ "name": "X__c", "fields": fields })).unwrap()
    }

    fn best(fields: &[(&str, &str, bool, bool)]) -> Option<String> {
        cursor_field(&object(fields), None).ok().map(|f| f.name.clone())
    }

    #[test]
    fn the_best_stamp_that_can_be_filtered_by_is_the_cursor() {
        let created = ("CreatedDate", "datetime", true, false);
        let modified = ("LastModifiedDate", "datetime", true, false);
        let stamp = ("SystemModstamp", "datetime", true, false);
        assert_eq!(best(&[created, modified, stamp]).as_deref(), Some("SystemModstamp"));
        assert_eq!(best(&[created, modified]).as_deref(), Some("LastModifiedDate"));
        assert_eq!(best(&[created]).as_deref(), Some("CreatedDate"));
        assert_eq!(
            best(&[("SystemModstamp", "datetime", false, false), created]).as_deref(),
            Some("CreatedDate")
        );
        assert_eq!(
            best(&[("SystemModstamp", "datetime", true, true), created]).as_deref(),
            Some("CreatedDate")
        );
        assert_eq!(best(&[("SystemModstamp", "date", true, false)]), None);
        assert_eq!(best(&[]), None);
    }

    #[test]
    fn a_named_cursor_is_taken_or_refused_with_the_reason() {
        let describe = object(&[
            ("Day__c", "date", true, false),
            ("Maybe__c", "datetime", true, true),
            ("Hidden__c", "datetime", false, false),
            ("Name", "string", true, false),
        ]);
        assert_eq!(cursor_field(&describe, Some("day__C")).unwrap().name, "Day__c");
        for (name, why) in [
            (
                "Maybe__c",
                "X__c.Maybe__c cannot tell what changed: a row may have no value in it and would never be found",
            ),
            ("Hidden__c", "X__c.Hidden__c cannot tell what changed: it cannot stand in a condition"),
            ("Name", "X__c.Name cannot tell what changed: it is of type string, not datetime or date"),
        ] {
            let error = cursor_field(&describe, Some(name)).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Unusable, why));
        }
        assert_eq!(cursor_field(&describe, Some("Nam")).unwrap_err().kind(), ErrorKind::UnknownField);
        assert_eq!(cursor_field(&describe, None).unwrap_err().kind(), ErrorKind::Unusable);
    }
}
