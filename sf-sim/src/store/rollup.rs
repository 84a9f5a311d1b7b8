//! Roll-up summaries: what a master shows of its details, kept up with every write of a detail.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Row, Store};
use crate::id::RecordId;
use crate::schema::{FieldDef, ObjectDef, Rollup, Summary, Type};
use crate::value::{Cell, Decimal, Value};

impl Store {
    /// Keeps, in the tables of details, which rows belong to which master, for every summary that there is.
    pub(super) fn link_rollups(&mut self) {
        let mut links = Vec::new();
        for object in self.catalog.iter() {
            for rollup in object.fields().iter().filter_map(|f| f.rollup.as_ref()) {
                let place = self.catalog.get(&rollup.child).and_then(|child| child.field(&rollup.reference));
                links.extend(place.map(|(at, _)| (rollup.child.clone(), at)));
            }
        }
        for (child, at) in links {
            if let Some(table) = self.table_mut(&child) {
                table.sum_by(at);
            }
        }
    }

    /// Brings the masters up to date that a detail belonged to before a write, or belongs to after it.
    pub(super) fn roll_up(&mut self, def: &ObjectDef, versions: [Option<&Row>; 2]) {
        let places = self.table(&def.name).map(|table| table.summed_places()).unwrap_or_default();
        for at in places {
            let masters: BTreeSet<RecordId> = versions
                .iter()
                .flatten()
                .filter_map(|row| if let Cell::Id(id) = row.get(at) { Some(id) } else { None })
                .collect();
            for master in masters {
                self.sum_up(def, at, master);
            }
        }
    }

    fn sum_up(&mut self, child: &ObjectDef, at: usize, master: RecordId) {
        let Some(target) = self.table_of(master).map(|table| table.def().clone()) else { return };
        let Some(row) = self.row(&target.name, master).cloned() else { return };
        let mut values: Vec<Value> = (0..target.fields().len()).map(|at| row.get(at).to_value()).collect();
        let mut changed = false;
        for (place, field) in target.fields().iter().enumerate() {
            let Some(rollup) = field.rollup.as_ref() else { continue };
            let mine = rollup.child.eq_ignore_ascii_case(&child.name)
                && child.field(&rollup.reference).is_some_and(|(reference, _)| reference == at);
            if mine {
                let value = self.summary(child, at, master, rollup, field);
                changed |= value != values[place];
                values[place] = value;
            }
        }
        if !changed {
            return;
        }
        let stamp = Value::DateTime(self.clock.stamp_ms());
        let system = target.system();
        for at in [system.modified_date, system.modstamp].into_iter().flatten() {
            values[at] = stamp.clone();
        }
        let cells: Vec<_> = values.iter().map(Value::as_cell).collect();
        if let Ok(packed) = Row::pack(master, row.is_deleted(), &cells) {
            self.commit(&target, packed, Some(row));
        }
    }

    fn summary(
        &self,
        child: &ObjectDef,
        at: usize,
        master: RecordId,
        rollup: &Rollup,
        field: &FieldDef,
    ) -> Value {
        let Some(table) = self.table(&child.name) else { return Value::Null };
        let details: Vec<&Arc<Row>> = table
            .details(at, master)
            .filter(|row| !row.is_deleted() && rollup.filters.iter().all(|f| f.holds(child, row)))
            .collect();
        if rollup.operation == Summary::Count {
            return Value::Num(i64::try_from(details.len()).unwrap_or(i64::MAX).into());
        }
        let Some((of, _)) = rollup.field.as_ref().and_then(|name| child.field(name)) else {
            return Value::Null;
        };
        let cells = details.iter().map(|row| row.get(of)).filter(|cell| !cell.is_null());
        match rollup.operation {
            Summary::Sum => {
                let numbers = cells.filter_map(|cell| match cell {
                    Cell::Num(n) => Some(n),
                    Cell::Int(n) => Some(n.into()),
                    _ => None,
                });
                Value::Num(Decimal::sum(numbers))
            }
            // No detail has a value: a number shows nothing then, as a date does.
            operation => {
                let best = cells.reduce(|a, b| {
                    let b_wins = (order(a, b) == std::cmp::Ordering::Greater) == (operation == Summary::Min);
                    if order(a, b).is_ne() && b_wins { b } else { a }
                });
                match best {
                    Some(Cell::Int(n)) if field.ty != Type::Int => Value::Num(n.into()),
                    Some(cell) => cell.to_value(),
                    None => Value::Null,
                }
            }
        }
    }
}

fn order(a: Cell<'_>, b: Cell<'_>) -> std::cmp::Ordering {
    match (a, b) {
        (Cell::Num(a), Cell::Num(b)) => a.cmp(&b),
        (Cell::Int(a), Cell::Int(b)) => a.cmp(&b),
        (Cell::Date(a), Cell::Date(b)) => a.cmp(&b),
        (Cell::DateTime(a), Cell::DateTime(b)) => a.cmp(&b),
        _ => std::cmp::Ordering::Equal,
    }
}
