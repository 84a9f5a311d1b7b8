//! How roll-up summaries come about.

use std::cmp::Ordering;

use super::ObjectDef;
use crate::store::{Row, from_text};
use crate::value::{Cell, Value};

/// What a roll-up summary does with the values of the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Salesforce's own")]
pub enum Summary {
    Count,
    Sum,
    Min,
    Max,
}

/// How a roll-up summary comes about.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollup {
    /// The details' object.
    pub child: String,
    /// Its field that points to the master.
    pub reference: String,
    /// What is done with the values.
    pub operation: Summary,
    /// The field whose values are meant; none for a count.
    pub field: Option<String>,
    /// Which of the details count: those that meet all of these.
    pub filters: Vec<RollupFilter>,
}

/// Which details of a roll-up summary count.
#[derive(Clone, Debug, PartialEq)]
pub struct RollupFilter {
    /// The details' field.
    pub field: String,
    /// Whether the value has to be among those given, or must not be.
    pub among: bool,
    /// How else the value has to compare with the first of those given.
    pub order: Option<Ordering>,
    /// The values, as text.
    pub values: Vec<String>,
}

impl RollupFilter {
    /// Whether a detail counts.
    #[must_use]
    pub fn holds(&self, object: &ObjectDef, row: &Row) -> bool {
        let Some((at, field)) = object.field(&self.field) else { return false };
        let cell = row.get(at);
        let same = |text: &String| match from_text(field, text).unwrap_or_default() {
            Value::Text(wanted) => matches!(cell, Cell::Text(found) if wanted.eq_ignore_ascii_case(found)),
            wanted => wanted.as_cell() == cell,
        };
        let Some(order) = self.order else { return self.values.iter().any(same) == self.among };
        let wanted = self.values.first().and_then(|text| from_text(field, text).ok());
        let found = match (cell, wanted) {
            (Cell::Num(a), Some(Value::Num(b))) => a.cmp(&b),
            (Cell::Int(a), Some(Value::Int(b))) => a.cmp(&b),
            (Cell::Date(a), Some(Value::Date(b))) => a.cmp(&b),
            (Cell::DateTime(a), Some(Value::DateTime(b))) => a.cmp(&b),
            _ => return false,
        };
        found == order || self.among && found.is_eq()
    }
}
