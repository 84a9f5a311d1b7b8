//! Taking changes back, where several rows are written or none.

use std::sync::Arc;

use super::{Row, Store};
use crate::id::RecordId;

/// A row as it was before a change; none where there was no such row.
#[derive(Debug)]
pub(crate) struct Undone {
    object: String,
    id: RecordId,
    before: Option<Arc<Row>>,
}

impl Store {
    /// Makes changes, and tells what they replaced.
    pub(crate) fn noting<T>(&mut self, change: impl FnOnce(&mut Self) -> T) -> (T, Vec<Undone>) {
        let outer = self.undo.replace(Vec::new());
        let out = change(self);
        (out, std::mem::replace(&mut self.undo, outer).unwrap_or_default())
    }

    /// Makes changes, all or none of them.
    pub(crate) fn all_or_none<T, E>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let (out, done) = self.noting(change);
        if out.is_err() {
            self.take_back(done);
        } else if let Some(outer) = &mut self.undo {
            outer.extend(done);
        }
        out
    }

    /// Puts rows back as they were. Numbers and ids that were given away are not given again, as in an org.
    pub(crate) fn take_back(&mut self, done: Vec<Undone>) {
        for Undone { object, id, before } in done.into_iter().rev() {
            let Some(table) = self.table_mut(&object) else { continue };
            match before {
                Some(row) => table.put(row),
                None => drop(table.remove(id)),
            }
        }
    }

    /// Notes what stands there before it is replaced.
    pub(super) fn note(&mut self, object: &str, id: RecordId) {
        if self.undo.is_none() {
            return;
        }
        let before = self.row(object, id).cloned();
        if let Some(log) = &mut self.undo {
            log.push(Undone { object: object.to_owned(), id, before });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::value::Value;

    #[test]
    fn changes_that_fail_in_the_middle_leave_nothing_behind() {
        let mut store = Store::with_standard_objects(Clock::fixed(1_700_000_000_000));
        let user = store.running_user();
        let name = |text: &str| vec![("Name".to_owned(), Value::text(text))];
        let kept = store.insert("Account", name("kept"), user).unwrap();
        let gone = store.insert("Account", name("gone"), user).unwrap();
        let result: Result<(), ()> = store.all_or_none(|store| {
            store.insert("Account", name("new"), user).unwrap();
            store.update("Account", kept, name("changed"), user).unwrap();
            store.update("Account", kept, name("changed again"), user).unwrap();
            store.delete("Account", gone, user).unwrap();
            Err(())
        });
        assert!(result.is_err());
        let table = store.table("Account").unwrap();
        let (at, _) = table.def().field("Name").unwrap();
        let names: Vec<_> = table.rows().map(|row| (row.get(at).to_value(), row.is_deleted())).collect();
        assert_eq!(names, [(Value::text("kept"), false), (Value::text("gone"), false)]);
    }

    #[test]
    fn a_row_that_was_deleted_for_good_comes_back_where_the_rest_failed() {
        let mut store = Store::with_standard_objects(Clock::fixed(1_700_000_000_000));
        let user = store.running_user();
        let id = store.insert("Account", vec![("Name".to_owned(), Value::text("x"))], user).unwrap();
        let result: Result<(), ()> = store.all_or_none(|store| {
            assert!(store.hard_delete("Account", id));
            Err(())
        });
        assert!(result.is_err());
        assert!(store.row("Account", id).is_some_and(|row| !row.is_deleted()));
    }

    #[test]
    fn what_succeeds_within_can_still_be_taken_back_by_what_is_around_it() {
        let mut store = Store::with_standard_objects(Clock::fixed(1_700_000_000_000));
        let user = store.running_user();
        let name = || vec![("Name".to_owned(), Value::text("x"))];
        let ((), done) = store.noting(|store| {
            store.all_or_none(|store| store.insert("Account", name(), user)).unwrap();
            store.insert("Account", name(), user).unwrap();
        });
        assert_eq!(store.table("Account").unwrap().len(), 2);
        store.take_back(done);
        assert_eq!(store.table("Account").unwrap().len(), 0);
    }
}
