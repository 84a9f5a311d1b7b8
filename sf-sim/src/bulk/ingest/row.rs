//! One row of an upload, written to the store as its job says.

use std::collections::HashSet;
use std::sync::Arc;

use super::header::{Columns, Key, Target};
use super::job::{Operation, Order};
use super::load::{LOCKED, NamedTwice, shape};
use super::lookup::{Found, text_key};
use super::outcome::Outcome;
use super::reader::Record;
use crate::id::RecordId;
use crate::schema::{FieldDef, ObjectDef};
use crate::store::{RowError, Store, TextError, from_text};
use crate::value::Value;

/// What a cell holds that empties its field.
const NULL: &str = "#N/A";

/// Writes rows of one transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'a> {
    pub(super) order: &'a Order,
    pub(super) object: &'a Arc<ObjectDef>,
    pub(super) columns: &'a Columns,
    pub(super) found: &'a Found,
}

/// Which row a record is about.
enum Which {
    New,
    Known(RecordId),
}

impl Writer<'_> {
    /// Writes one row.
    pub(super) fn write(
        self,
        store: &mut Store,
        record: &Record,
        twice: &NamedTwice,
        locked: &HashSet<RecordId>,
    ) -> Outcome {
        let which = shape(record, self.columns.targets.len()).and_then(|()| self.which(record, twice));
        let (which, id) = match which {
            Ok(Which::New) => (Which::New, None),
            Ok(Which::Known(id)) => (Which::Known(id), Some(id)),
            Err(error) => return Outcome::Failed { id: None, error },
        };
        let created = matches!(which, Which::New);
        match self.done(store, record, &which, locked) {
            Ok(id) => Outcome::Done { id, created },
            Err(error) => Outcome::Failed { id, error },
        }
    }

    fn done(
        self,
        store: &mut Store,
        record: &Record,
        which: &Which,
        locked: &HashSet<RecordId>,
    ) -> Result<RecordId, RowError> {
        let (object, user) = (self.object.name.as_str(), self.order.created_by);
        let values = self.values(record)?;
        let own = if let Which::Known(id) = which { Some(*id) } else { None };
        if let Some(held) = own.into_iter().chain(self.parents(&values)).find(|id| locked.contains(id)) {
            let message = format!("unable to obtain exclusive access to this record or 1 records: {held}");
            return Err(RowError::new(LOCKED, message));
        }
        let Which::Known(id) = *which else { return store.insert(object, named(self.object, values), user) };
        let done = match self.order.operation {
            Operation::Delete => store.delete(object, id, user),
            Operation::HardDelete => store.delete(object, id, user).map(|()| {
                store.hard_delete(object, id);
            }),
            Operation::Upsert => {
                // The row has that value already, and not every external id may be changed.
                let key = self.columns.external.as_ref().map(|(_, key)| key.at);
                let values = values.into_iter().filter(|(at, _)| Some(*at) != key).collect();
                store.update(object, id, named(self.object, values), user)
            }
            _ => store.update(object, id, named(self.object, values), user),
        };
        // The words of a resource that is not there are REST's own.
        done.map(|()| id).map_err(|error| match error.code {
            "NOT_FOUND" => RowError::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
            _ => error,
        })
    }

    /// What an event to be published holds, one value a field.
    pub(super) fn event(self, store: &Store, record: &Record) -> Result<Vec<Value>, RowError> {
        shape(record, self.columns.targets.len())?;
        self.which(record, &NamedTwice::default())?;
        let values = named(self.object, self.values(record)?);
        store.check_new_values(&self.object.name, values, self.order.created_by)
    }

    fn which(self, record: &Record, twice: &NamedTwice) -> Result<Which, RowError> {
        match self.order.operation {
            Operation::Insert => {
                if self.columns.id.is_some_and(|column| !record.cell(column).is_empty()) {
                    let message = "cannot specify Id in an insert call";
                    return Err(RowError::new("INVALID_FIELD_FOR_INSERT_UPDATE", message).on("Id"));
                }
                Ok(Which::New)
            }
            Operation::Upsert => self.which_of_upsert(record, twice),
            operation => {
                let id = self.id(record)?.ok_or_else(|| {
                    let article = if operation == Operation::Update { "an update" } else { "a delete" };
                    RowError::new("MISSING_ARGUMENT", format!("Id not specified in {article} call"))
                })?;
                self.only_once(twice, id.as_str15(), "Duplicate id specified", "Id")?;
                Ok(Which::Known(id))
            }
        }
    }

    fn which_of_upsert(self, record: &Record, twice: &NamedTwice) -> Result<Which, RowError> {
        let name = self.order.external.as_deref().unwrap_or("Id");
        if name.eq_ignore_ascii_case("Id") {
            let Some(id) = self.id(record)? else { return Ok(Which::New) };
            self.only_once(twice, id.as_str15(), "Duplicate id specified", "Id")?;
            return Ok(Which::Known(id));
        }
        let missing = || RowError::new("MISSING_ARGUMENT", format!("{name} not specified")).on(name);
        let (column, key) = self.columns.external.as_ref().ok_or_else(missing)?;
        let text = record.cell(*column);
        if text.is_empty() || text == NULL {
            return Err(missing());
        }
        if let Some(field) = key.field() {
            self.cell(*column, field, text)?;
            let shared = text_key(field, text).unwrap_or_default();
            if twice.contains(&shared) {
                let message = format!("Duplicate external id specified: {text}");
                return Err(RowError::new("DUPLICATE_VALUE", message).on(&field.name));
            }
        }
        match self.found.rows(key, text) {
            [] => Ok(Which::New),
            [id] => Ok(Which::Known(*id)),
            many => Err(several(many).on(name)),
        }
    }

    fn only_once(self, twice: &NamedTwice, id: &str, words: &str, field: &str) -> Result<(), RowError> {
        if twice.contains(id) {
            return Err(RowError::new("DUPLICATE_VALUE", format!("{words}: {id}")).on(field));
        }
        Ok(())
    }

    fn id(self, record: &Record) -> Result<Option<RecordId>, RowError> {
        let text = self.columns.id.map(|column| record.cell(column)).unwrap_or_default();
        if text.is_empty() || text == NULL {
            return Ok(None);
        }
        let malformed = |_| RowError::new("MALFORMED_ID", format!("malformed id {text}")).on("Id");
        text.trim().parse().map(Some).map_err(malformed)
    }

    /// The values that a row's cells say something about, by the place of their field.
    fn values(self, record: &Record) -> Result<Vec<(usize, Value)>, RowError> {
        let mut values = Vec::with_capacity(self.columns.targets.len());
        for (column, target) in self.columns.targets.iter().enumerate() {
            let text = record.cell(column);
            // An empty cell says nothing.
            let (Target::Field(at) | Target::Parent(at, _)) = target else { continue };
            if text.is_empty() {
                continue;
            }
            let value = match (target, self.object.fields().get(*at)) {
                _ if text == NULL => Value::Null,
                (Target::Parent(_, keys), _) => Value::Id(self.parent(keys, text)?),
                (_, Some(field)) => self.cell(column, field, text)?,
                (_, None) => continue,
            };
            values.push((*at, value));
        }
        Ok(values)
    }

    fn cell(self, column: usize, field: &FieldDef, text: &str) -> Result<Value, RowError> {
        from_text(field, text).map_err(|error| match error {
            TextError::Id => {
                let message = format!("{}: id value of incorrect type: {text}", field.label);
                RowError::new("MALFORMED_ID", message).on(&field.name)
            }
            TextError::Type => {
                let message = format!(
                    "Failed to deserialize field at col {column}. Due to, '{text}' is not a valid value for the type {}",
                    field.ty.soap_type()
                );
                RowError::new("INVALID_FIELD", message).on(&field.name)
            }
        })
    }

    fn parent(self, keys: &[Key], text: &str) -> Result<RecordId, RowError> {
        let rows: Vec<RecordId> =
            keys.iter().flat_map(|key| self.found.rows(key, text).iter().copied()).collect();
        match rows.as_slice() {
            [id] => Ok(*id),
            [] => {
                let (field, object) = keys
                    .first()
                    .map_or(("", ""), |key| (key.field().map_or("", |field| &field.name), &key.object.name));
                let message =
                    format!("Foreign key external ID: {text} not found for field {field} in entity {object}");
                Err(RowError::new("INVALID_FIELD", message))
            }
            many => Err(several(many)),
        }
    }

    /// The rows that a row hangs on: not its owner, whom thousands share.
    fn parents(self, values: &[(usize, Value)]) -> impl Iterator<Item = RecordId> {
        let owner = self.object.system().owner;
        values.iter().filter(move |(at, _)| Some(*at) != owner).filter_map(|(_, value)| match value {
            Value::Id(id) => Some(*id),
            _ => None,
        })
    }

    /// The rows that writing a record would lock: itself and its parents.
    pub(super) fn needs(self, record: &Record) -> Vec<RecordId> {
        let values = self.values(record).unwrap_or_default();
        let own = match self.which(record, &NamedTwice::default()) {
            Ok(Which::Known(id)) => Some(id),
            _ => None,
        };
        own.into_iter().chain(self.parents(&values)).collect()
    }

    /// Ids, or external ids of an upsert, that more than one record of a transaction names.
    pub(super) fn named_twice(self, records: &[Record]) -> NamedTwice {
        let (mut once, mut twice) = (HashSet::new(), NamedTwice::new());
        for record in records {
            let name = match &self.columns.external {
                Some((column, key)) => key.field().and_then(|field| text_key(field, record.cell(*column))),
                None => self.id(record).ok().flatten().map(|id| id.as_str15().to_owned()),
            };
            if let Some(name) = name.filter(|name| !once.insert(name.clone())) {
                twice.insert(name);
            }
        }
        twice
    }
}

fn named(object: &ObjectDef, values: Vec<(usize, Value)>) -> Vec<(String, Value)> {
    values
        .into_iter()
        .filter_map(|(at, value)| Some((object.fields().get(at)?.name.clone(), value)))
        .collect()
}

fn several(rows: &[RecordId]) -> RowError {
    let ids: Vec<String> = rows.iter().map(RecordId::text18).collect();
    let message = format!("More than one record found for external id field: [{}]", ids.join(", "));
    RowError::new("DUPLICATE_VALUE", message)
}
