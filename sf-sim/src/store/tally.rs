//! What the details of each master add up to, kept with every write of a detail: none is looked at again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;

use super::Row;
use crate::id::RecordId;
use crate::schema::{ObjectDef, Rollup, Summary};
use crate::value::{Cell, Decimal};

/// One summary of details, for every master.
#[derive(Debug)]
pub(super) struct Tally {
    rollup: Rollup,
    /// The place of the reference to the master.
    at: usize,
    /// The place of the field whose values are meant.
    of: Option<usize>,
    masters: HashMap<RecordId, Sum>,
}

/// What the details of one master add up to.
#[derive(Debug, Default)]
struct Sum {
    rows: u64,
    /// By the digits after the point: the sum of all digits, and of how many numbers it is one.
    numbers: BTreeMap<u8, (i128, u64)>,
    ranked: BTreeMap<Rank, BTreeSet<RecordId>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Num(Decimal),
    Int(i64),
    Date(NaiveDate),
    DateTime(i64),
    /// Nothing that a least or a largest is known of.
    Other,
}

/// What a master shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Count(u64),
    Sum(Decimal),
    /// The value of a row, where there is one.
    Of(Option<(RecordId, usize)>),
}

impl Tally {
    /// None where the details lack a field that it needs.
    pub(super) fn new(rollup: &Rollup, object: &ObjectDef) -> Option<Self> {
        let (at, _) = object.field(&rollup.reference)?;
        let of = rollup.field.as_ref().and_then(|name| object.field(name)).map(|(of, _)| of);
        Some(Self { rollup: rollup.clone(), at, of, masters: HashMap::new() })
    }

    pub(super) fn is_of(&self, rollup: &Rollup) -> bool {
        self.rollup == *rollup
    }

    /// A version of a detail comes in.
    pub(super) fn add(&mut self, object: &ObjectDef, row: &Row) {
        let Some(master) = self.counts(object, row) else { return };
        let sum = self.masters.entry(master).or_default();
        sum.rows += 1;
        match self.of.map(|of| row.get(of)).filter(|cell| !cell.is_null()) {
            None => {}
            Some(cell) if self.rollup.operation == Summary::Sum => {
                if let Some(number) = number(cell) {
                    let (digits, count) = sum.numbers.entry(number.scale()).or_default();
                    *digits += i128::from(number.unscaled());
                    *count += 1;
                }
            }
            Some(cell) => {
                sum.ranked.entry(rank(cell)).or_default().insert(row.id());
            }
        }
    }

    /// A version of a detail goes that came in once.
    pub(super) fn take(&mut self, object: &ObjectDef, row: &Row) {
        let Some(master) = self.counts(object, row) else { return };
        let Some(sum) = self.masters.get_mut(&master) else { return };
        sum.rows = sum.rows.saturating_sub(1);
        match self.of.map(|of| row.get(of)).filter(|cell| !cell.is_null()) {
            None => {}
            Some(cell) if self.rollup.operation == Summary::Sum => {
                if let Some(number) = number(cell)
                    && let Some((digits, count)) = sum.numbers.get_mut(&number.scale())
                {
                    *digits -= i128::from(number.unscaled());
                    *count -= 1;
                    if *count == 0 {
                        sum.numbers.remove(&number.scale());
                    }
                }
            }
            Some(cell) => {
                let rank = rank(cell);
                if let Some(rows) = sum.ranked.get_mut(&rank) {
                    rows.remove(&row.id());
                    if rows.is_empty() {
                        sum.ranked.remove(&rank);
                    }
                }
            }
        }
        if sum.rows == 0 {
            self.masters.remove(&master);
        }
    }

    /// The master of a detail that counts.
    fn counts(&self, object: &ObjectDef, row: &Row) -> Option<RecordId> {
        let Cell::Id(master) = row.get(self.at) else { return None };
        let counts = !row.is_deleted() && self.rollup.filters.iter().all(|filter| filter.holds(object, row));
        counts.then_some(master)
    }

    pub(super) fn shown(&self, master: RecordId) -> Shown {
        let sum = self.masters.get(&master);
        let end = |ranked: Option<(&Rank, &BTreeSet<RecordId>)>| {
            // Of equal values that are written differently, the oldest detail's is shown.
            Shown::Of(ranked.and_then(|(_, rows)| rows.first().copied()).zip(self.of))
        };
        match self.rollup.operation {
            Summary::Count => Shown::Count(sum.map_or(0, |sum| sum.rows)),
            Summary::Sum if self.of.is_none() => Shown::Of(None),
            Summary::Sum => Shown::Sum(sum.map_or_else(|| 0.into(), Sum::total)),
            Summary::Min => end(sum.and_then(|sum| sum.ranked.first_key_value())),
            Summary::Max => end(sum.and_then(|sum| sum.ranked.last_key_value())),
        }
    }
}

impl Sum {
    /// With the most digits after the point that one of the numbers has.
    fn total(&self) -> Decimal {
        let scale = self.numbers.keys().next_back().copied().unwrap_or_default();
        let lifted = self.numbers.iter().map(|(own, (digits, _))| {
            let power = 10_i128.checked_pow(u32::from(scale - own)).unwrap_or(i128::MAX);
            digits.saturating_mul(power)
        });
        Decimal::fitted(lifted.fold(0, i128::saturating_add), scale)
    }
}

fn number(cell: Cell<'_>) -> Option<Decimal> {
    match cell {
        Cell::Num(n) => Some(n),
        Cell::Int(n) => Some(n.into()),
        _ => None,
    }
}

fn rank(cell: Cell<'_>) -> Rank {
    match cell {
        Cell::Num(n) => Rank::Num(n),
        Cell::Int(n) => Rank::Int(n),
        Cell::Date(date) => Rank::Date(date),
        Cell::DateTime(ms) => Rank::DateTime(ms),
        _ => Rank::Other,
    }
}
