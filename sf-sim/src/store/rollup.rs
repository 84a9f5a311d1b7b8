//! Roll-up summaries: what a master shows of its details, kept up with every write of a detail.

use std::collections::BTreeSet;

use super::tally::Shown;
use super::{Row, Store};
use crate::id::RecordId;
use crate::schema::{FieldDef, ObjectDef, Rollup, Type};
use crate::value::{Cell, Value};

impl Store {
    /// Has the tables of details keep what each summary that there is adds up to.
    pub(super) fn link_rollups(&mut self) {
        let fields = self.catalog.iter().flat_map(|object| object.fields());
        let rollups: Vec<Rollup> = fields.filter_map(|field| field.rollup.clone()).collect();
        for rollup in rollups {
            if let Some(table) = self.table_mut(&rollup.child) {
                table.sum_by(&rollup);
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
        let mut values = row.values(&target);
        let mut changed = false;
        for (place, field) in target.fields().iter().enumerate() {
            let Some(rollup) = field.rollup.as_ref() else { continue };
            let mine = rollup.child.eq_ignore_ascii_case(&child.name)
                && child.field(&rollup.reference).is_some_and(|(reference, _)| reference == at);
            if mine {
                let value = self.summary(child, master, rollup, field);
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

    fn summary(&self, child: &ObjectDef, master: RecordId, rollup: &Rollup, field: &FieldDef) -> Value {
        let shown = self.table(&child.name).and_then(|table| Some((table, table.summary(rollup, master)?)));
        match shown {
            Some((_, Shown::Count(rows))) => Value::Num(i64::try_from(rows).unwrap_or(i64::MAX).into()),
            Some((_, Shown::Sum(sum))) => Value::Num(sum),
            Some((table, Shown::Of(Some((row, of))))) => match table.latest(row).map(|row| row.get(of)) {
                Some(Cell::Int(n)) if field.ty != Type::Int => Value::Num(n.into()),
                Some(cell) => cell.to_value(),
                None => Value::Null,
            },
            // No detail has a value: a number shows nothing then, as a date does.
            Some((_, Shown::Of(None))) | None => Value::Null,
        }
    }
}
