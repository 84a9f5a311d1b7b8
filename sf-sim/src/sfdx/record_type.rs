//! `<RecordType>`: the record types of an object, in its describe and as rows of `RecordType`.

use roxmltree::Node;

use super::Loaded;
use super::xml::{child, text};
use crate::schema::{FieldDef, ObjectDef, PicklistValue, RecordType, Type};
use crate::store::Store;
use crate::value::Value;

/// The record types of one object.
pub(super) struct RecordTypes {
    pub(super) object: String,
    list: Vec<Read>,
}

struct Read {
    developer_name: String,
    label: String,
    description: Option<String>,
    active: bool,
    narrows: bool,
}

impl RecordTypes {
    pub(super) fn new(object: &str) -> Self {
        Self { object: object.to_owned(), list: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Reads one; a second of the same name takes the place of the first.
    pub(super) fn read(&mut self, name: &str, node: Node<'_, '_>) {
        let read = Read {
            developer_name: name.to_owned(),
            label: text(node, "label").unwrap_or(name).to_owned(),
            description: text(node, "description").map(str::to_owned),
            active: text(node, "active") != Some("false"),
            narrows: child(node, "picklistValues").is_some(),
        };
        match self.list.iter_mut().find(|known| known.developer_name.eq_ignore_ascii_case(name)) {
            Some(known) => *known = read,
            None => self.list.push(read),
        }
    }
}

/// The field that tells a record's type.
pub(super) fn field() -> FieldDef {
    let mut field = FieldDef::new("RecordTypeId", "Record Type ID", Type::Reference);
    field.reference_to = vec!["RecordType".to_owned()];
    field.relationship_name = Some("RecordType".to_owned());
    field.permissionable = false;
    field
}

/// Adds the rows of `RecordType`, and tells the objects of them.
pub(super) fn install(all: Vec<RecordTypes>, store: &mut Store, loaded: &mut Loaded) {
    let Some(def) = store.catalog().get("RecordType").filter(|_| !all.is_empty()) else { return };
    let mut def = ObjectDef::clone(def);
    def.edit_field("SobjectType", |field| {
        for types in &all {
            if !field.picklist.iter().any(|value| *value.value == *types.object) {
                field.picklist.push(PicklistValue::new(&types.object));
            }
        }
    });
    store.define(def);
    let user = store.running_user();
    for types in all {
        let Some(object) = store.catalog().get(&types.object) else { continue };
        let mut object = ObjectDef::clone(object);
        if object.field("RecordTypeId").is_none() {
            object.add_field(field());
        }
        if types.list.iter().any(|read| read.narrows) {
            loaded.notes.push(format!("{}: picklists take all values in each record type", object.name));
        }
        for read in types.list {
            let text = |name: &str, value: &str| (name.to_owned(), Value::text(value));
            let mut values = vec![
                text("Name", &read.label),
                text("DeveloperName", &read.developer_name),
                text("SobjectType", &object.name),
                ("IsActive".to_owned(), Value::Bool(read.active)),
            ];
            values.extend(read.description.as_deref().map(|description| text("Description", description)));
            match store.place("RecordType", values, user) {
                Ok(id) => object.record_types.push(RecordType {
                    id,
                    name: read.label,
                    developer_name: read.developer_name,
                    active: read.active,
                }),
                Err(error) => loaded.notes.push(format!(
                    "{}: the record type {} is left out: {error}",
                    object.name, read.developer_name
                )),
            }
        }
        store.define(object);
    }
}
