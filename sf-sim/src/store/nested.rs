//! Parents that a row of a REST call names by a field of theirs: `"Account": {"Key__c": "7"}`.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::write::{no_resource, no_such_column};
use super::{Row, RowError, Store, from_json, value_key};
use crate::id::RecordId;
use crate::schema::{FieldDef, ObjectDef, Type};
use crate::value::Value;

impl Store {
    /// The reference that a nested object stands for, and the parent that it names. `None` where it stands for none.
    pub(super) fn nested_parent(
        &self,
        def: &ObjectDef,
        name: &str,
        json: &Json,
    ) -> Option<Result<(String, Value), RowError>> {
        let (_, reference) = def.relationship(name)?;
        let nested = json.as_object()?;
        Some(self.named_parent(reference, nested).map(|id| (reference.name.clone(), Value::Id(id))))
    }

    fn named_parent(&self, reference: &FieldDef, nested: &Map<String, Json>) -> Result<RecordId, RowError> {
        let parent = self.parent_kind(reference, nested)?;
        let mut named = nested.iter().filter(|(name, _)| *name != "attributes");
        let (Some((name, json)), None) = (named.next(), named.next()) else {
            let message = format!(
                "More than 1 field provided in an external foreign key reference in entity: {}",
                parent.name
            );
            return Err(RowError::new("INVALID_FIELD", message));
        };
        let (at, key) = parent.field(name).ok_or_else(|| no_such_column(name, parent))?;
        if !(key.external_id || key.id_lookup || key.ty == Type::Id) {
            let message = format!(
                "Field name provided, {} does not match an External ID, Salesforce Id, or indexed field for {}",
                key.name, parent.name
            );
            return Err(RowError::new("INVALID_FIELD", message));
        }
        match self.rows_by(parent, at, key, &from_json(key, json)?).as_slice() {
            [id] => Ok(*id),
            [] => {
                let text = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
                let (field, object) = (&key.name, &parent.name);
                let message =
                    format!("Foreign key external ID: {text} not found for field {field} in entity {object}");
                Err(RowError::new("INVALID_FIELD", message))
            }
            many => {
                let ids: Vec<String> = many.iter().map(RecordId::text18).collect();
                let message =
                    format!("More than one record found for external id field: [{}]", ids.join(", "));
                Err(RowError::new("DUPLICATE_VALUE", message))
            }
        }
    }

    /// The object that a nested object is of: its own word counts where the reference leaves a choice.
    fn parent_kind(&self, reference: &FieldDef, nested: &Map<String, Json>) -> Result<&ObjectDef, RowError> {
        let [first, rest @ ..] = reference.reference_to.as_slice() else { return Err(no_resource()) };
        let mut kind = first.as_str();
        if !rest.is_empty() {
            let told = nested.iter().next().filter(|(name, _)| *name == "attributes");
            let told = told.and_then(|(_, attributes)| attributes.get("type")).and_then(Json::as_str);
            let told = told.ok_or_else(|| {
                let message =
                    "Nested object for polymorphic foreign key must have an attributes field before any other fields.";
                RowError::new("JSON_PARSER_ERROR", message)
            })?;
            let known = reference.reference_to.iter().find(|name| name.eq_ignore_ascii_case(told));
            kind = known.ok_or_else(|| {
                let message = format!("sObject type '{told}' is not supported.");
                RowError::new("INVALID_TYPE", message)
            })?;
        }
        self.catalog.get(kind).map(AsRef::as_ref).ok_or_else(no_resource)
    }

    fn rows_by(&self, object: &ObjectDef, at: usize, key: &FieldDef, value: &Value) -> Vec<RecordId> {
        let Some(table) = self.table(&object.name) else { return Vec::new() };
        if let (Type::Id, Value::Id(id)) = (key.ty, value) {
            return table
                .latest(*id)
                .filter(|row| !row.is_deleted())
                .map(|row| row.id())
                .into_iter()
                .collect();
        }
        if let Some(found) = table.rows_with(at, &value.as_cell()) {
            return found;
        }
        let wanted = value_key(&value.as_cell(), key.case_sensitive);
        let same = |row: &&Arc<Row>| {
            !row.is_deleted() && wanted.is_some() && value_key(&row.get(at), key.case_sensitive) == wanted
        };
        table.rows().filter(same).map(|row| row.id()).collect()
    }
}
