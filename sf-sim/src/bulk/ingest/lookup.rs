//! Finding rows by an id or by the value of another field of theirs.

use std::collections::HashMap;

use super::header::{Columns, Key, Target};
use super::reader::Record;
use crate::id::RecordId;
use crate::schema::{FieldDef, Type};
use crate::store::{Store, from_text, value_key};
use crate::value::{Cell, Value};

/// The rows that the cells of one transaction name, found in one go: by object, field and value.
#[derive(Debug, Default)]
pub(super) struct Found {
    rows: HashMap<(String, usize), HashMap<String, Vec<RecordId>>>,
}

impl Found {
    /// Looks for all rows that these records name.
    pub(super) fn by(store: &Store, columns: &Columns, records: &[Record]) -> Self {
        let mut found = Self::default();
        for (column, target) in columns.targets.iter().enumerate() {
            if let Target::Parent(_, keys) = target {
                keys.iter().for_each(|key| found.look(store, key, column, records));
            }
        }
        if let Some((column, key)) = &columns.external {
            found.look(store, key, *column, records);
        }
        found
    }

    fn look(&mut self, store: &Store, key: &Key, column: usize, records: &[Record]) {
        let Some(field) = key.field() else { return };
        let wanted: HashMap<String, Value> = records
            .iter()
            .filter_map(|record| {
                let value = from_text(field, record.cell(column)).ok()?;
                Some((cell_key(field, &value.as_cell())?, value))
            })
            .collect();
        let Some(table) = store.table(&key.object.name).filter(|_| !wanted.is_empty()) else { return };
        let found = self.rows.entry(place(key)).or_default();
        if table.rows_with(key.at, &Cell::Null).is_some() {
            let rows = |value: &Value| table.rows_with(key.at, &value.as_cell()).unwrap_or_default();
            found.extend(wanted.into_iter().map(|(name, value)| (name, rows(&value))));
            return;
        }
        if field.ty == Type::Id {
            for text in wanted.into_keys() {
                let id = text.parse::<RecordId>().ok();
                let row = id.and_then(|id| table.latest(id)).filter(|row| !row.is_deleted());
                found.extend(row.map(|row| (text, vec![row.id()])));
            }
            return;
        }
        for row in table.rows().filter(|row| !row.is_deleted()) {
            if let Some(value) = cell_key(field, &row.get(key.at))
                && wanted.contains_key(&value)
            {
                let rows = found.entry(value).or_default();
                // Several columns may name rows by the same field.
                if !rows.contains(&row.id()) {
                    rows.push(row.id());
                }
            }
        }
    }

    /// The rows that a cell names by this field.
    pub(super) fn rows(&self, key: &Key, text: &str) -> &[RecordId] {
        let value = key.field().and_then(|field| text_key(field, text));
        let rows = value.and_then(|value| self.rows.get(&place(key))?.get(&value));
        rows.map(Vec::as_slice).unwrap_or_default()
    }
}

fn place(key: &Key) -> (String, usize) {
    (key.object.name.clone(), key.at)
}

/// What two values have in common that count as the same.
pub(super) fn text_key(field: &FieldDef, text: &str) -> Option<String> {
    let value = from_text(field, text).ok()?;
    cell_key(field, &value.as_cell())
}

fn cell_key(field: &FieldDef, cell: &Cell<'_>) -> Option<String> {
    value_key(cell, field.case_sensitive).map(String::from)
}
