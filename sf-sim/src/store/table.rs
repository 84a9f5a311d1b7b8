//! The rows of one object.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::error::RowError;
use super::row::Row;
use super::tally::{Shown, Tally};
use crate::id::RecordId;
use crate::schema::{FieldDef, ObjectDef, Rollup};
use crate::value::Cell;

/// The rows of one object, in the order of their ids. Deleted rows stay, marked.
#[derive(Debug)]
pub struct Table {
    def: Arc<ObjectDef>,
    rows: BTreeMap<RecordId, Arc<Row>>,
    next_id: u64,
    /// By the place of a field that the org numbers: its next number.
    next_numbers: HashMap<usize, u64>,
    /// By the place of a unique field or external id: which rows have a value.
    keys: BTreeMap<usize, HashMap<Box<str>, Rows>>,
    /// By the place of a reference that some master sums up, or that a delete has asked about: which rows point to what.
    details: BTreeMap<usize, HashMap<RecordId, BTreeSet<RecordId>>>,
    /// The places among them that some master sums up.
    summed: BTreeSet<usize>,
    tallies: Vec<Tally>,
}

/// Rows that have one value: nearly always one.
#[derive(Debug)]
enum Rows {
    One(RecordId),
    Several(BTreeSet<RecordId>),
}

impl Table {
    pub(crate) fn new(def: Arc<ObjectDef>) -> Self {
        let mut table = Self {
            def: def.clone(),
            rows: BTreeMap::new(),
            next_id: 1,
            next_numbers: HashMap::new(),
            keys: BTreeMap::new(),
            details: BTreeMap::new(),
            summed: BTreeSet::new(),
            tallies: Vec::new(),
        };
        table.set_def(def);
        table
    }

    pub(crate) fn set_def(&mut self, def: Arc<ObjectDef>) {
        let is_key = |field: &FieldDef| field.unique || field.external_id;
        let wanted: Vec<usize> =
            def.fields().iter().enumerate().filter(|(_, field)| is_key(field)).map(|(at, _)| at).collect();
        self.def = def;
        // Sums are of fields that may be others now; who wants them asks for them again.
        self.tallies.clear();
        self.keys = wanted.into_iter().map(|at| (at, HashMap::new())).collect();
        if self.keys.is_empty() {
            return;
        }
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

    /// Keeps from now on what a summary of the rows adds up to.
    pub(crate) fn sum_by(&mut self, rollup: &Rollup) {
        let Some((at, _)) = self.def.field(&rollup.reference) else { return };
        self.index_details(at);
        self.summed.insert(at);
        if self.tallies.iter().any(|tally| tally.is_of(rollup)) {
            return;
        }
        let Some(mut tally) = Tally::new(rollup, &self.def) else { return };
        self.rows.values().for_each(|row| tally.add(&self.def, row));
        self.tallies.push(tally);
    }

    /// What a summary of the rows of one master adds up to.
    pub(super) fn summary(&self, rollup: &Rollup, master: RecordId) -> Option<Shown> {
        self.tallies.iter().find(|tally| tally.is_of(rollup)).map(|tally| tally.shown(master))
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

    /// Puts a version in place and keeps what is kept of all rows.
    pub(crate) fn put(&mut self, row: Arc<Row>) {
        let old = self.rows.insert(row.id(), Arc::clone(&row));
        if let Some(old) = &old {
            self.forget(old);
        }
        self.remember(&row);
    }

    /// Removes a row and all its versions.
    pub(crate) fn remove(&mut self, id: RecordId) -> Option<Arc<Row>> {
        let row = self.rows.remove(&id)?;
        self.forget(&row);
        Some(row)
    }

    fn remember(&mut self, row: &Row) {
        if !row.is_deleted() {
            self.index(row);
        }
        for (at, known) in &mut self.details {
            if let Cell::Id(master) = row.get(*at) {
                known.entry(master).or_default().insert(row.id());
            }
        }
        self.tallies.iter_mut().for_each(|tally| tally.add(&self.def, row));
    }

    fn forget(&mut self, row: &Row) {
        for (at, known) in &mut self.keys {
            let sensitive = self.def.fields().get(*at).is_some_and(|f| f.case_sensitive);
            if let Some(key) = value_key(&row.get(*at), sensitive)
                && let Some(rows) = known.get_mut(&*key)
                && rows.remove(row.id())
            {
                known.remove(&*key);
            }
        }
        for (at, known) in &mut self.details {
            if let Cell::Id(master) = row.get(*at)
                && let Some(ids) = known.get_mut(&master)
            {
                ids.remove(&row.id());
            }
        }
        self.tallies.iter_mut().for_each(|tally| tally.take(&self.def, row));
    }

    /// `DUPLICATE_VALUE` when another row has the value of a unique field.
    pub(crate) fn check_unique(&self, id: Option<RecordId>, values: &[Cell<'_>]) -> Result<(), RowError> {
        for (at, known) in &self.keys {
            let (Some(value), Some(field)) = (values.get(*at), self.def.fields().get(*at)) else { continue };
            let Some(key) = value_key(value, field.case_sensitive).filter(|_| field.unique) else { continue };
            let other = known.get(&*key).and_then(|rows| rows.ids().find(|other| Some(*other) != id));
            if let Some(other) = other {
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

    /// The rows that have a value in a unique field or external id, by its place, in the order of their ids; no answer for
    /// another field.
    pub(crate) fn rows_with(&self, at: usize, value: &Cell<'_>) -> Option<Vec<RecordId>> {
        let known = self.keys.get(&at)?;
        let sensitive = self.def.fields().get(at).is_some_and(|field| field.case_sensitive);
        let rows = value_key(value, sensitive).and_then(|key| known.get(&*key));
        Some(rows.map(|rows| rows.ids().collect()).unwrap_or_default())
    }

    fn index(&mut self, row: &Row) {
        for (at, known) in &mut self.keys {
            let sensitive = self.def.fields().get(*at).is_some_and(|f| f.case_sensitive);
            if let Some(key) = value_key(&row.get(*at), sensitive) {
                match known.get_mut(&*key) {
                    Some(rows) => rows.insert(row.id()),
                    None => drop(known.insert(key, Rows::One(row.id()))),
                }
            }
        }
    }
}

impl Rows {
    fn ids(&self) -> impl Iterator<Item = RecordId> {
        let (one, several) = match self {
            Self::One(id) => (Some(*id), None),
            Self::Several(ids) => (None, Some(ids)),
        };
        one.into_iter().chain(several.into_iter().flatten().copied())
    }

    fn insert(&mut self, id: RecordId) {
        match self {
            Self::One(known) => *self = Self::Several(BTreeSet::from([*known, id])),
            Self::Several(ids) => drop(ids.insert(id)),
        }
    }

    /// Whether none is left.
    fn remove(&mut self, id: RecordId) -> bool {
        match self {
            Self::One(known) => *known == id,
            Self::Several(ids) => {
                ids.remove(&id);
                ids.is_empty()
            }
        }
    }
}

/// What two values have in common that count as the same: numbers that are written with more zeros or fewer, text in another
/// case where that does not matter. None for no value.
pub(crate) fn value_key(value: &Cell<'_>, case_sensitive: bool) -> Option<Box<str>> {
    Some(match value {
        Cell::Null => return None,
        Cell::Text(text) if case_sensitive => (*text).into(),
        Cell::Text(text) => text.to_lowercase().into(),
        other => {
            let mut out = Vec::new();
            other.write_csv(&mut out);
            let text = String::from_utf8_lossy(&out);
            match other {
                Cell::Num(_) if text.contains('.') => text.trim_end_matches('0').trim_end_matches('.').into(),
                _ => text.into(),
            }
        }
    })
}
