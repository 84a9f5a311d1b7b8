//! The recycle bin: what went together with a deleted row, and bringing it back.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::RowError;
use super::{Row, Store};
use crate::id::RecordId;
use crate::value::Value;

/// How long deleted rows can be had back, and be queried.
pub(crate) const BIN_MS: i64 = 15 * 24 * 60 * 60 * 1_000;

/// What happened to other rows when one was deleted.
#[derive(Clone, Debug, Default)]
pub(super) struct Binned {
    /// Rows that were taken along, by object.
    with: Vec<(String, RecordId)>,
    /// References that were cleared: object, row, the place of the field, what it pointed to.
    cleared: Vec<(String, RecordId, usize, RecordId)>,
}

impl Store {
    /// Notes that a row goes because `root` does.
    pub(super) fn note_taken(&mut self, root: RecordId, object: &str, id: RecordId) {
        self.bin.entry(root).or_default().with.push((object.to_owned(), id));
    }

    /// Notes that a reference to a row is cleared because `root` is deleted.
    pub(super) fn note_cleared(
        &mut self,
        root: RecordId,
        object: &str,
        (id, at): (RecordId, usize),
        target: RecordId,
    ) {
        self.bin.entry(root).or_default().cleared.push((object.to_owned(), id, at, target));
    }

    /// Takes a row out of the recycle bin, with the rows that went there with it, all or none of them; references that
    /// its deletion cleared, and that nobody has set since, point to it again.
    ///
    /// # Errors
    /// `UNDELETE_FAILED` when it is not there (any more) or its master still is, `DUPLICATE_VALUE` when another row has a
    /// unique value of it by now.
    pub fn undelete(&mut self, object: &str, id: RecordId, user: RecordId) -> Result<(), RowError> {
        let def = self.writeable(object, |def| def.undeletable && !def.event, "undelete")?;
        let Binned { with, cleared } = self.bin.get(&id).cloned().unwrap_or_default();
        let coming: HashSet<RecordId> = with.iter().map(|(_, id)| *id).chain([id]).collect();
        self.all_or_none::<(), RowError>(|store| {
            store.restore(&def.name, id, user, &coming)?;
            // Those that went last come first: masters before their details.
            for (object, id) in with.iter().rev() {
                // Gone for good by now, or there again.
                if store.row(object, *id).is_some_and(|row| row.is_deleted()) {
                    store.restore(object, *id, user, &coming)?;
                }
            }
            for (object, row, at, target) in cleared {
                store.point_again(&object, row, at, target);
            }
            Ok(())
        })?;
        self.bin.remove(&id);
        Ok(())
    }

    /// Brings one row back; `coming` are those that come with it.
    fn restore(
        &mut self,
        object: &str,
        id: RecordId,
        user: RecordId,
        coming: &HashSet<RecordId>,
    ) -> Result<(), RowError> {
        let failed = |message: &str| RowError::new("UNDELETE_FAILED", message);
        let not_there = || failed("Entity is not in the recycle bin");
        let row = self.row(object, id).filter(|row| row.is_deleted()).ok_or_else(not_there)?.clone();
        let table = self.table(object).ok_or_else(not_there)?;
        let def = table.def().clone();
        let now = self.clock.now_ms();
        if row.deleted_before(&def, now.saturating_sub(BIN_MS)) {
            return Err(not_there());
        }
        let mut values = row.values(&def);
        for (at, field) in def.fields().iter().enumerate().filter(|(_, f)| !f.reference_to.is_empty()) {
            let Value::Id(target) = values[at] else { continue };
            let gone = !coming.contains(&target)
                && self
                    .table_of(target)
                    .is_some_and(|table| table.latest(target).is_none_or(|row| row.is_deleted()));
            if gone && field.cascade_delete {
                return Err(failed("The parent of this record is in the recycle bin: undelete it first"));
            }
            // A row does not come back pointing to what is gone.
            if gone {
                values[at] = Value::Null;
            }
        }
        let cells: Vec<_> = values.iter().map(Value::as_cell).collect();
        table.check_unique(Some(id), &cells)?;
        self.put_back(&def, id, values, user, Some(row))
    }

    fn put_back(
        &mut self,
        def: &crate::schema::ObjectDef,
        id: RecordId,
        mut values: Vec<Value>,
        user: RecordId,
        previous: Option<Arc<Row>>,
    ) -> Result<(), RowError> {
        let system = def.system();
        let stamp = Value::DateTime(self.clock.stamp_ms());
        for (at, value) in [
            (system.is_deleted, Value::Bool(false)),
            (system.modified_date, stamp.clone()),
            (system.modified_by, Value::Id(user)),
            (system.modstamp, stamp),
        ] {
            if let Some(at) = at {
                values[at] = value;
            }
        }
        let cells: Vec<_> = values.iter().map(Value::as_cell).collect();
        let row = Row::pack(id, false, &cells)?;
        self.commit(def, row, previous);
        Ok(())
    }

    fn point_again(&mut self, object: &str, id: RecordId, at: usize, target: RecordId) {
        let Some(row) =
            self.row(object, id).filter(|row| !row.is_deleted() && row.get(at).is_null()).cloned()
        else {
            return;
        };
        let Some(def) = self.table(object).map(|table| table.def().clone()) else { return };
        let mut values = row.values(&def);
        values[at] = Value::Id(target);
        if let Some(modstamp) = def.system().modstamp {
            values[modstamp] = Value::DateTime(self.clock.stamp_ms());
        }
        let cells: Vec<_> = values.iter().map(Value::as_cell).collect();
        if let Ok(packed) = Row::pack(id, false, &cells) {
            self.commit(&def, packed, Some(row));
        }
    }
}
