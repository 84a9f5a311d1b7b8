//! Delete: what goes with a row, what holds it, what lets go of it.

use std::collections::HashSet;
use std::sync::Arc;

use super::Store;
use super::error::RowError;
use super::row::Row;
use super::write::{Stamp, cells, set_system};
use crate::id::RecordId;
use crate::schema::ObjectDef;
use crate::value::Value;

impl Store {
    /// Moves a row to the recycle bin, with the rows that its object takes along; lookups to it are cleared.
    ///
    /// # Errors
    /// `ENTITY_IS_DELETED` when it is there already, `DELETE_FAILED` when other rows hold it.
    pub fn delete(&mut self, object: &str, id: RecordId, user: RecordId) -> Result<(), RowError> {
        let def = self.writeable(object, |def| def.deletable && !def.event, "delete")?;
        self.existing(&def, id)?;
        self.check_held(&def, id)?;
        self.bin.remove(&id);
        self.take_out(&def, id, user, id)
    }

    /// Deletes a row that may be; `root` is the row whose deletion takes it along.
    fn take_out(
        &mut self,
        def: &ObjectDef,
        id: RecordId,
        user: RecordId,
        root: RecordId,
    ) -> Result<(), RowError> {
        self.release_children(def, id, user, root)?;
        // Taking children along may have changed what the row sums up of them.
        let old = self.existing(def, id)?;
        if root != id {
            self.note_taken(root, &def.name, id);
        }
        let stamp = self.clock.stamp_ms();
        let mut values = old.values(def);
        set_system(def, &mut values, &Stamp { id, at: stamp, by: user, created: false });
        if let Some(at) = def.system().is_deleted {
            values[at] = Value::Bool(true);
        }
        let row = Row::pack(id, true, &cells(&values))?;
        self.commit(def, row, Some(old));
        Ok(())
    }

    /// Removes a row at once and for good, as a hard delete or an emptied recycle bin does.
    /// False when there was none.
    pub fn hard_delete(&mut self, object: &str, id: RecordId) -> bool {
        self.note(object, id);
        let Some(table) = self.table_mut(object) else { return false };
        let def = table.def().clone();
        let Some(row) = table.remove(id) else { return false };
        self.bin.remove(&id);
        self.roll_up(&def, [Some(&row), None]);
        true
    }

    /// The rows that point to a row: their object, the place of the reference, their ids. The first to ask has every
    /// such reference indexed, so that many deletes don't each look through all rows.
    fn children(&mut self, def: &ObjectDef, id: RecordId) -> Vec<(Arc<ObjectDef>, usize, Vec<RecordId>)> {
        let mut children = Vec::new();
        for table in self.tables.values_mut() {
            let child = table.def().clone();
            for (at, field) in child.fields().iter().enumerate() {
                if !field.reference_to.iter().any(|o| o.eq_ignore_ascii_case(&def.name)) {
                    continue;
                }
                table.index_details(at);
                let held = table.details(at, id).filter(|row| !row.is_deleted());
                let ids: Vec<_> = held.map(|row| row.id()).collect();
                if !ids.is_empty() {
                    children.push((child.clone(), at, ids));
                }
            }
        }
        children
    }

    /// `DELETE_FAILED` when a row that would go, or one that would be taken along, is held by another. Asked before
    /// anything is written: a refused delete leaves no trace.
    fn check_held(&mut self, def: &Arc<ObjectDef>, id: RecordId) -> Result<(), RowError> {
        let mut todo = vec![(def.clone(), id)];
        let mut seen = HashSet::from([id]);
        while let Some((def, id)) = todo.pop() {
            for (child, at, ids) in self.children(&def, id) {
                let Some(field) = child.fields().get(at) else { continue };
                if let Some(first) = ids.first().filter(|_| field.restricted_delete) {
                    return Err(held_by(&def, &child, *first));
                }
                if field.cascade_delete {
                    let fresh = ids.into_iter().filter(|id| seen.insert(*id));
                    todo.extend(fresh.map(|id| (child.clone(), id)));
                }
            }
        }
        Ok(())
    }

    /// What happens to the rows that point to a row being deleted: they are taken along, or their reference is cleared.
    fn release_children(
        &mut self,
        def: &ObjectDef,
        id: RecordId,
        user: RecordId,
        root: RecordId,
    ) -> Result<(), RowError> {
        for (child, at, ids) in self.children(def, id) {
            let cascade = child.fields().get(at).is_some_and(|f| f.cascade_delete);
            for row in ids {
                // A row can be reached twice: by two references, or in a circle.
                if self.row(&child.name, row).is_none_or(|row| row.is_deleted()) || row == root {
                    continue;
                }
                if cascade {
                    self.take_out(&child, row, user, root)?;
                } else {
                    self.note_cleared(root, &child.name, (row, at), id);
                    self.clear(&child, at, row)?;
                }
            }
        }
        Ok(())
    }

    /// Empties one reference: a change by the org, so that only the system's own stamp moves.
    fn clear(&mut self, def: &ObjectDef, at: usize, id: RecordId) -> Result<(), RowError> {
        let Ok(old) = self.existing(def, id) else { return Ok(()) };
        let mut values = old.values(def);
        values[at] = Value::Null;
        if let Some(modstamp) = def.system().modstamp {
            values[modstamp] = Value::DateTime(self.clock.stamp_ms());
        }
        let row = Row::pack(id, false, &cells(&values))?;
        self.commit(def, row, Some(old));
        Ok(())
    }
}

fn held_by(def: &ObjectDef, child: &ObjectDef, id: RecordId) -> RowError {
    let message = format!(
        "Your attempt to delete this {} could not be completed because it is associated with the following {}: {}",
        def.label,
        child.label_plural,
        id.as_str15()
    );
    RowError::new("DELETE_FAILED", message)
}
