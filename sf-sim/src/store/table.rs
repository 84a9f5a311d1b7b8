//! The rows of one object.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::error::RowError;
use super::row::Row;
use crate::id::RecordId;
use crate::schema::ObjectDef;
use crate::value::Cell;

/// The rows of one object, in the order of their ids. Deleted rows stay, marked.
#[derive(Debug)]
pub struct Table {
    def: Arc<ObjectDef>,
    rows: BTreeMap<RecordId, Arc<Row>>,
    next_id: u64,
    /// By the place of a field that the org numbers: its next number.
    next_numbers: HashMap<usize, u64>,
    /// By the place of a unique field: which row has a value.
    unique: HashMap<usize, HashMap<Box<str>, RecordId>>,
    /// By the place of a reference that some master sums up, or that a delete has asked about: which rows point to what.
    details: BTreeMap<usize, HashMap<RecordId, BTreeSet<RecordId>>>,
    /// The places among them that some master sums up.
    summed: BTreeSet<usize>,
}

impl Table {
    pub(crate) fn new(def: Arc<ObjectDef>) -> Self {
        let mut table = Self {
            def: def.clone(),
            rows: BTreeMap::new(),
            next_id: 1,
            next_numbers: HashMap::new(),
            unique: HashMap::new(),
            details: BTreeMap::new(),
            summed: BTreeSet::new(),
        };
        table.set_def(def);
        table
    }

    pub(crate) fn set_def(&mut self, def: Arc<ObjectDef>) {
        let unique = def.fields().iter().enumerate().filter(|(_, f)| f.unique);
        let fresh: Vec<usize> = unique.map(|(at, _)| at).filter(|at| !self.unique.contains_key(at)).collect();
        self.def = def;
        if fresh.is_empty() {
            return;
        }
        self.unique.extend(fresh.into_iter().map(|at| (at, HashMap::new())));
        let rows: Vec<_> = self.rows.values().filter(|row| !row.is_deleted()).cloned().collect();
        for row in rows {
            self.index(&row);
        }
    }

    /// The object.
    #[must_use]
    pub fn def(&self) -> &Arc<ObjectDef> {
        &self.def
    }

    /// How many rows there are, deleted ones and late ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row, not even a deleted one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows there are now that are not deleted.
    #[must_use]
    pub fn live(&self) -> usize {
        self.rows.values().filter(|row| !row.is_deleted()).count()
    }

    /// The newest version of a row.
    #[must_use]
    pub fn latest(&self, id: RecordId) -> Option<&Arc<Row>> {
        self.rows.get(&id)
    }

    /// The version of a row that readers see at `now_ms`; it may be a deleted one.
    #[must_use]
    pub fn get(&self, id: RecordId, now_ms: i64) -> Option<&Row> {
        self.rows.get(&id)?.visible(now_ms)
    }

    /// What readers see at `now_ms`, in the order of ids, deleted rows included.
    pub fn visible(&self, now_ms: i64) -> impl Iterator<Item = &Arc<Row>> {
        self.rows.values().filter_map(move |row| row.visible_arc(now_ms))
    }

    /// The newest versions, in the order of ids, deleted rows included.
    pub fn rows(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.rows.values()
    }

    pub(crate) fn take_id(&mut self) -> RecordId {
        let id = RecordId::new(self.def.key_prefix, self.next_id);
        self.next_id += 1;
        id
    }

    /// The next number of the field at a place.
    pub(crate) fn take_number(&mut self, at: usize) -> u64 {
        let first = self.def.fields().get(at).map_or(1, |field| field.starting_number);
        let next = self.next_numbers.entry(at).or_insert(first);
        *next += 1;
        *next - 1
    }

    /// Keeps from now on which rows the reference at a place points to.
    pub(crate) fn index_details(&mut self, at: usize) {
        if self.details.contains_key(&at) {
            return;
        }
        let mut known: HashMap<RecordId, BTreeSet<RecordId>> = HashMap::new();
        for row in self.rows.values() {
            if let Cell::Id(master) = row.get(at) {
                known.entry(master).or_default().insert(row.id());
            }
        }
        self.details.insert(at, known);
    }

    /// Notes that some master sums up the rows by the reference at a place.
    pub(crate) fn sum_by(&mut self, at: usize) {
        self.index_details(at);
        self.summed.insert(at);
    }

    /// The places of references that some master sums up.
    pub(crate) fn summed_places(&self) -> Vec<usize> {
        self.summed.iter().copied().collect()
    }

    /// The newest versions of the rows whose reference at a place points to a master.
    pub(crate) fn details(&self, at: usize, master: RecordId) -> impl Iterator<Item = &Arc<Row>> {
        let ids = self.details.get(&at).and_then(|known| known.get(&master));
        ids.into_iter().flatten().filter_map(|id| self.rows.get(id))
    }

    /// Puts a version in place and keeps the unique fields' index.
    pub(crate) fn put(&mut self, row: Arc<Row>) {
        if !self.unique.is_empty() {
            if let Some(old) = self.rows.get(&row.id()).cloned() {
                self.forget(&old);
            }
            if !row.is_deleted() {
                self.index(&row);
            }
        }
        for (at, known) in &mut self.details {
            if let Some(old) = self.rows.get(&row.id())
                && let Cell::Id(master) = old.get(*at)
                && let Some(ids) = known.get_mut(&master)
            {
                ids.remove(&row.id());
            }
            if let Cell::Id(master) = row.get(*at) {
                known.entry(master).or_default().insert(row.id());
            }
        }
        self.rows.insert(row.id(), row);
    }

    /// Removes a row and all its versions.
    pub(crate) fn remove(&mut self, id: RecordId) -> Option<Arc<Row>> {
        let row = self.rows.remove(&id)?;
        self.forget(&row);
        for (at, known) in &mut self.details {
            if let Cell::Id(master) = row.get(*at)
                && let Some(ids) = known.get_mut(&master)
            {
                ids.remove(&id);
            }
        }
        Some(row)
    }

    /// `DUPLICATE_VALUE` when another row has the value of a unique field.
    pub(crate) fn check_unique(&self, id: Option<RecordId>, values: &[Cell<'_>]) -> Result<(), RowError> {
        for (at, known) in &self.unique {
            let (Some(value), Some(field)) = (values.get(*at), self.def.fields().get(*at)) else { continue };
            let Some(key) = key(value, field.case_sensitive) else { continue };
            if let Some(other) = known.get(&*key).filter(|other| Some(**other) != id) {
                let message = format!(
                    "duplicate value found: {} duplicates value on record with id: {}",
                    field.name,
                    other.as_str15()
                );
                return Err(RowError::new("DUPLICATE_VALUE", message));
            }
        }
        Ok(())
    }

    /// The row that has a value in the unique field of this place; no answer for a field that is not unique.
    pub(crate) fn unique_row(&self, at: usize, value: &Cell<'_>) -> Option<Option<RecordId>> {
        let known = self.unique.get(&at)?;
        let sensitive = self.def.fields().get(at).is_some_and(|field| field.case_sensitive);
        Some(key(value, sensitive).and_then(|key| known.get(&key).copied()))
    }

    fn index(&mut self, row: &Row) {
        for (at, known) in &mut self.unique {
            let sensitive = self.def.fields().get(*at).is_some_and(|f| f.case_sensitive);
            if let Some(key) = key(&row.get(*at), sensitive) {
                known.insert(key, row.id());
            }
        }
    }

    fn forget(&mut self, row: &Row) {
        for (at, known) in &mut self.unique {
            let sensitive = self.def.fields().get(*at).is_some_and(|f| f.case_sensitive);
            if let Some(key) = key(&row.get(*at), sensitive)
                && known.get(&key) == Some(&row.id())
            {
                known.remove(&key);
            }
        }
    }
}

fn key(value: &Cell<'_>, case_sensitive: bool) -> Option<Box<str>> {
    Some(match value {
        Cell::Null => return None,
        Cell::Text(text) if case_sensitive => (*text).into(),
        Cell::Text(text) => text.to_lowercase().into(),
        other => {
            let mut out = Vec::new();
            other.write_csv(&mut out);
            String::from_utf8_lossy(&out).into()
        }
    })
}
