//! The rows of the org. Knows fields and their rules, stamps and versions; knows no HTTP.

mod bin;
mod check;
mod convert;
mod delete;
mod error;
mod nested;
mod rollup;
mod row;
mod table;
mod tally;
mod undo;
mod write;

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

pub(crate) use bin::BIN_MS;
pub use convert::{TextError, from_json, from_text};
pub use error::RowError;
pub use row::Row;
pub use table::Table;
pub(crate) use table::value_key;
pub(crate) use undo::Undone;
pub(crate) use write::LOOKED_AT;

use crate::clock::Clock;
use crate::id::{KeyPrefix, RecordId};
use crate::schema::{Catalog, FieldDef, ObjectDef};

/// Objects and their rows. One writer at a time; put it behind a lock to share it.
///
/// ```
/// use sf_sim::clock::Clock;
/// use sf_sim::store::Store;
/// use sf_sim::value::{Cell, Value};
///
/// let mut store = Store::with_standard_objects(Clock::fixed(1_700_000_000_000));
/// let user = store.running_user();
/// let id = store.insert("Account", vec![("Name".into(), Value::text("Wheelworks"))], user)?;
///
/// let account = store.catalog().get("account").cloned().ok_or("no Account")?;
/// let (name, _) = account.field("NAME").ok_or("no Name")?;
/// let row = store.row("Account", id).ok_or("no row")?;
/// assert_eq!(row.get(name), Cell::Text("Wheelworks"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Store {
    catalog: Catalog,
    /// In the catalog's order.
    tables: IndexMap<String, Table>,
    clock: Clock,
    visibility_delay_ms: i64,
    org: RecordId,
    user: RecordId,
    custom_objects: u64,
    custom_events: u64,
    metadata_types: u64,
    /// What changes replaced, while somebody keeps note of it.
    undo: Option<Vec<Undone>>,
    /// By a deleted row: what went with it.
    bin: HashMap<RecordId, bin::Binned>,
}

impl Store {
    /// A store without objects.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            catalog: Catalog::new(),
            tables: IndexMap::new(),
            clock,
            visibility_delay_ms: 0,
            org: RecordId::new(KeyPrefix::of("00D"), 1),
            user: RecordId::new(KeyPrefix::of("005"), 1),
            custom_objects: 0,
            custom_events: 0,
            metadata_types: 0,
            undo: None,
            bin: HashMap::new(),
        }
    }

    /// A store with the standard objects, the organization's own row and its user.
    #[must_use]
    pub fn with_standard_objects(clock: Clock) -> Self {
        let mut store = Self::new(clock);
        crate::standard::install(&mut store);
        store
    }

    /// The objects.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The clock that stamps come from.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The id of the organization.
    #[must_use]
    pub fn org_id(&self) -> RecordId {
        self.org
    }

    /// The id of the user that calls run as.
    #[must_use]
    pub fn running_user(&self) -> RecordId {
        self.user
    }

    /// From now on a written version of a row is seen by readers only so long after its stamp.
    /// Zero, the default, shows it at once.
    pub fn set_visibility_delay_ms(&mut self, delay: i64) {
        self.visibility_delay_ms = delay.max(0);
    }

    /// Adds an object, or puts it in the place of the one of the same name, whose rows stay.
    pub fn define(&mut self, mut object: ObjectDef) {
        object.last_modified_ms = self.clock.stamp_ms();
        let key = object.name.to_ascii_lowercase();
        self.catalog.put(object);
        if let Some(def) = self.catalog.get(&key) {
            let def = def.clone();
            self.tables.entry(key).and_modify(|t| t.set_def(def.clone())).or_insert_with(|| Table::new(def));
        }
        self.link_rollups();
    }

    /// Adds fields to an object, or puts them in the place of those of the same names.
    /// False when there is no such object.
    pub fn add_fields(&mut self, object: &str, fields: Vec<FieldDef>) -> bool {
        let Some(def) = self.catalog.get(object) else { return false };
        let mut def = ObjectDef::clone(def);
        for field in fields {
            def.add_field(field);
        }
        self.define(def);
        true
    }

    /// The next free key prefix of a custom object, `a00` onwards, or of a platform event, `e00` onwards.
    pub fn next_key_prefix(&mut self, event: bool) -> KeyPrefix {
        let (family, n) =
            if event { ('e', &mut self.custom_events) } else { ('a', &mut self.custom_objects) };
        let prefix = KeyPrefix::numbered(family, *n);
        *n += 1;
        prefix
    }

    /// The next free key prefix of a custom metadata type, `m00` onwards.
    pub(crate) fn next_metadata_prefix(&mut self) -> KeyPrefix {
        let prefix = KeyPrefix::numbered('m', self.metadata_types);
        self.metadata_types += 1;
        prefix
    }

    /// The rows of an object, by its name in any case.
    #[must_use]
    pub fn table(&self, object: &str) -> Option<&Table> {
        match self.tables.get(object) {
            Some(table) => Some(table),
            None => self.tables.get(&object.to_ascii_lowercase()),
        }
    }

    /// The table that an id belongs to, by its key prefix.
    #[must_use]
    pub fn table_of(&self, id: RecordId) -> Option<&Table> {
        self.tables.values().find(|t| t.def().key_prefix.as_str() == id.key_prefix())
    }

    pub(crate) fn table_mut(&mut self, object: &str) -> Option<&mut Table> {
        self.tables.get_mut(&object.to_ascii_lowercase())
    }

    /// The newest version of a row, deleted or not, whether readers see it yet or not.
    #[must_use]
    pub fn row(&self, object: &str, id: RecordId) -> Option<&Arc<Row>> {
        self.table(object)?.latest(id)
    }

    /// The version of a row that readers see at `now_ms`; it may be a deleted one.
    #[must_use]
    pub fn get(&self, object: &str, id: RecordId, now_ms: i64) -> Option<&Row> {
        self.table(object)?.get(id, now_ms)
    }
}

#[cfg(test)]
mod tests;
