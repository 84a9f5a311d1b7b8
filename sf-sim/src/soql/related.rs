//! Children of rows: what the subqueries of the select list find, each list as it was when the query ran.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::plan::Plan;
use super::view::View;
use crate::id::RecordId;
use crate::store::Row;
use crate::value::Cell;

/// The children that one subquery found, by parent.
#[derive(Clone, Debug, Default)]
pub struct Related {
    lists: HashMap<RecordId, Arc<Vec<Arc<Row>>>>,
    /// Their own children, one entry a subquery of the subquery.
    pub(super) nested: Arc<Vec<Related>>,
}

impl Related {
    /// The children of a row, in their order; none when there are none.
    #[must_use]
    pub fn of(&self, parent: RecordId) -> Option<&Arc<Vec<Arc<Row>>>> {
        self.lists.get(&parent)
    }

    /// How many children a row has, their own children included.
    #[must_use]
    pub fn count(&self, parent: RecordId) -> usize {
        let Some(rows) = self.of(parent) else { return 0 };
        let below = |row: &Arc<Row>| self.nested.iter().map(|nested| nested.count(row.id())).sum::<usize>();
        rows.len() + rows.iter().map(below).sum::<usize>()
    }
}

/// Decides how much of a list of children is shown with its parent.
pub trait Family {
    /// How many of these rows are shown, and where the rest can be had.
    fn page(
        &mut self,
        plan: &Arc<Plan>,
        rows: &Arc<Vec<Arc<Row>>>,
        nested: &Arc<Vec<Related>>,
    ) -> (usize, Option<String>);
}

/// All children are shown with their parents.
#[derive(Clone, Copy, Debug, Default)]
pub struct Together;

impl Family for Together {
    fn page(
        &mut self,
        _: &Arc<Plan>,
        rows: &Arc<Vec<Arc<Row>>>,
        _: &Arc<Vec<Related>>,
    ) -> (usize, Option<String>) {
        (rows.len(), None)
    }
}

impl View<'_> {
    /// The children of rows, one entry a subquery of the select list.
    #[must_use]
    pub fn related(&self, rows: &[Arc<Row>]) -> Vec<Related> {
        let parents: HashSet<RecordId> = if self.children().is_empty() {
            HashSet::new()
        } else {
            rows.iter().map(|row| row.id()).collect()
        };
        let children = self.plan().children.iter().zip(self.children());
        children.map(|(child, view)| view.children_of(&parents, child.reference)).collect()
    }

    fn children_of(&self, parents: &HashSet<RecordId>, reference: usize) -> Related {
        let mut lists: HashMap<RecordId, Vec<Arc<Row>>> = HashMap::new();
        if parents.is_empty() {
            return Related::default();
        }
        for row in self.clone().matching() {
            if let Cell::Id(parent) = row.get(reference)
                && parents.contains(&parent)
            {
                lists.entry(parent).or_default().push(row.clone());
            }
        }
        let (skip, take) = self.plan().window();
        let mut all = Vec::new();
        for rows in lists.values_mut() {
            if !self.plan().order.is_empty() {
                rows.sort_by(|a, b| self.order(a, b));
            }
            rows.drain(..skip.min(rows.len()));
            rows.truncate(take);
            if !self.children().is_empty() {
                all.extend(rows.iter().cloned());
            }
        }
        lists.retain(|_, rows| !rows.is_empty());
        Related {
            lists: lists.into_iter().map(|(parent, rows)| (parent, Arc::new(rows))).collect(),
            nested: Arc::new(self.related(&all)),
        }
    }
}
