//! One run of a plan: tables found, periods reckoned, rows filtered, ordered and read.

use std::cmp::Ordering;
use std::iter::{Skip, Take};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::compare::Case;
use super::filter::Filter;
use super::period::Span;
use super::plan::{Column, Plan, Scope, Shape, Sort};
use super::resolve::{Access, Hop, Leaf};
use crate::schema::{ObjectDef, Type};
use crate::store::{Row, Store, Table};
use crate::value::Cell;

/// A plan made ready for one time and one state of the store.
#[derive(Clone, Debug)]
pub struct View<'a> {
    plan: &'a Plan,
    scope: Scope,
    table: Option<&'a Table>,
    /// In the order of the plan's joins.
    joins: Vec<Option<&'a Table>>,
    spans: Vec<Span>,
}

impl<'a> View<'a> {
    pub(super) fn new(plan: &'a Plan, store: &'a Store, scope: Scope) -> Self {
        Self {
            plan,
            scope,
            table: store.table(&plan.object().name),
            joins: plan.joins.iter().map(|object| store.table(object)).collect(),
            spans: plan.periods.iter().map(|p| Span::of(*p, scope.now_ms)).collect(),
        }
    }

    /// Whether the row meets the condition.
    #[must_use]
    pub fn matches(&self, row: &Row) -> bool {
        self.plan.filter.as_ref().is_none_or(|filter| self.holds(filter, row))
    }

    /// The value of a column, of the row or of one of its parents; null when there is no such parent.
    #[must_use]
    pub fn cell<'r>(&'r self, row: &'r Row, column: &Column) -> Cell<'r> {
        self.read(row, &column.access)
    }

    /// The row as a record of the REST API. `base` is what urls of rows begin with: `/services/data/v65.0/sobjects`.
    #[must_use]
    pub fn record(&self, row: &Row, base: &str) -> Json {
        self.object(row, self.plan.object(), &self.plan.object().name, self.plan.shape(), base)
    }

    /// The rows that match; see [`Plan::run`].
    #[must_use]
    pub fn into_rows(self) -> Rows<'a> {
        let (skip, take) = (amount(self.plan.offset), self.plan.limit.map_or(usize::MAX, amount));
        let source = if self.plan.order.is_empty() {
            Source::Stored(Box::new(self.matching()))
        } else {
            let mut rows: Vec<_> = self.clone().matching().collect();
            let wanted = skip.saturating_add(take);
            // Of many rows that are sorted for the sake of a few, only the few are.
            if wanted < rows.len() && wanted > 0 {
                rows.select_nth_unstable_by(wanted - 1, |a, b| self.order(a, b));
            }
            rows.truncate(wanted);
            rows.sort_unstable_by(|a, b| self.order(a, b));
            Source::Sorted(rows.into_iter())
        };
        Rows(source.skip(skip).take(take))
    }

    fn matching(self) -> impl Iterator<Item = &'a Arc<Row>> + use<'a> {
        let rows = self.table.into_iter().flat_map(move |table| table.visible(self.scope.now_ms));
        let deleted = self.scope.include_deleted;
        rows.filter(move |row| (deleted || !row.is_deleted()) && self.matches(row))
    }

    fn holds(&self, filter: &Filter, row: &Row) -> bool {
        match filter {
            Filter::All(parts) => parts.iter().all(|part| self.holds(part, row)),
            Filter::Any(parts) => parts.iter().any(|part| self.holds(part, row)),
            Filter::Not(inner) => !self.holds(inner, row),
            Filter::Test(access, test) => test.holds(self.read(row, access), &self.spans),
        }
    }

    fn read<'r>(&'r self, row: &'r Row, access: &Access) -> Cell<'r> {
        if let ([], Leaf::Field(at)) = (access.hops.as_slice(), &access.leaf) {
            return row.get(*at);
        }
        let mut row = row;
        let mut join = None;
        for hop in &access.hops {
            let Some((parent, through)) = self.parent(row, hop) else { return Cell::Null };
            row = parent;
            join = Some(through);
        }
        match &access.leaf {
            Leaf::Field(at) => row.get(*at),
            Leaf::ByObject(places) => {
                let place = places.iter().find(|(through, _)| Some(*through) == join);
                place.map_or(Cell::Null, |(_, at)| row.get(*at))
            }
            Leaf::ObjectName => {
                let table = join.and_then(|join| *self.joins.get(join)?);
                table.map_or(Cell::Null, |table| Cell::Text(&table.def().name))
            }
        }
    }

    /// The parent that a reference points to, and the join that it was found through.
    fn parent<'r>(&'r self, row: &Row, hop: &Hop) -> Option<(&'r Row, usize)> {
        let Cell::Id(id) = row.get(hop.reference) else { return None };
        let found = hop.joins.iter().find_map(|join| {
            let table = (*self.joins.get(*join)?)?;
            // Only a reference to several objects has to look at whose id it holds.
            let mine = !hop.several || table.def().key_prefix.as_str() == id.key_prefix();
            Some((table.get(id, self.scope.now_ms).filter(|_| mine)?, *join))
        });
        found.filter(|(parent, _)| self.scope.include_deleted || !parent.is_deleted())
    }

    fn order(&self, a: &Row, b: &Row) -> Ordering {
        let mut keys = self.plan.order.iter().map(|sort| {
            let (a, b) = (self.read(a, &sort.access), self.read(b, &sort.access));
            compare(a, b, sort)
        });
        // Rows that are alike come in the order of their ids, the same in every run.
        keys.find(|key| key.is_ne()).unwrap_or_else(|| a.id().cmp(&b.id()))
    }

    fn object(&self, row: &Row, def: &ObjectDef, ty: &str, parts: &[Shape], base: &str) -> Json {
        let mut record = Map::new();
        let url = format!("{base}/{}/{}", def.name, row.id());
        let mut attributes = Map::new();
        attributes.insert("type".to_owned(), ty.into());
        attributes.insert("url".to_owned(), url.as_str().into());
        record.insert("attributes".to_owned(), attributes.into());
        for part in parts {
            let (name, value) = match part {
                Shape::Column(at) => {
                    let Some(column) = self.plan.columns().get(*at) else { continue };
                    (column.field().name.clone(), self.leaf(row, def, column, &url))
                }
                Shape::Parent(parent) => {
                    // A parent that may be of several objects is shown as Salesforce's Name object.
                    let found = self
                        .parent(row, &parent.hop)
                        .and_then(|(parent, join)| Some((parent, (*self.joins.get(join)?)?.def())));
                    let value = found.map_or(Json::Null, |(row, def)| {
                        let ty = if parent.hop.several { "Name" } else { &def.name };
                        self.object(row, def, ty, &parent.parts, base)
                    });
                    (parent.name.clone(), value)
                }
            };
            record.insert(name, value);
        }
        record.into()
    }

    /// A field of the row in hand, to which the hops of its column have led already.
    fn leaf(&self, row: &Row, def: &ObjectDef, column: &Column, url: &str) -> Json {
        let at = match &column.access.leaf {
            Leaf::Field(at) => Some(*at),
            Leaf::ByObject(_) => def.field(&column.field().name).map(|(at, _)| at),
            Leaf::ObjectName => return def.name.as_str().into(),
        };
        let Some(at) = at else { return Json::Null };
        match column.field().ty {
            Type::Address | Type::Location => row.compound_json(def, at),
            // The content of a file is fetched on its own.
            Type::Base64 if !row.get(at).is_null() => format!("{url}/{}", column.field().name).into(),
            _ => row.get(at).to_json(),
        }
    }
}

fn amount(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn compare(a: Cell<'_>, b: Cell<'_>, sort: &Sort) -> Ordering {
    let nulls = match (a.is_null(), b.is_null()) {
        (false, false) => {
            let order = compare_values(a, b, sort.case);
            return if sort.descending { order.reverse() } else { order };
        }
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    };
    if sort.nulls_last { nulls.reverse() } else { nulls }
}

fn compare_values(a: Cell<'_>, b: Cell<'_>, case: Case) -> Ordering {
    match (a, b) {
        (Cell::Text(a), Cell::Text(b)) => case.order(a, b),
        (Cell::Bool(a), Cell::Bool(b)) => a.cmp(&b),
        (Cell::Int(a), Cell::Int(b)) => a.cmp(&b),
        (Cell::Num(a), Cell::Num(b)) => a.cmp(&b),
        (Cell::Id(a), Cell::Id(b)) => a.cmp(&b),
        (Cell::Date(a), Cell::Date(b)) => a.cmp(&b),
        (Cell::DateTime(a), Cell::DateTime(b)) => a.cmp(&b),
        (Cell::Time(a), Cell::Time(b)) => a.cmp(&b),
        // Values of one field are of one type.
        _ => Ordering::Equal,
    }
}

/// Matching rows; made by [`Plan::run`].
pub struct Rows<'a>(Take<Skip<Source<'a>>>);

enum Source<'a> {
    Stored(Box<dyn Iterator<Item = &'a Arc<Row>> + 'a>),
    Sorted(std::vec::IntoIter<&'a Arc<Row>>),
}

impl<'a> Iterator for Source<'a> {
    type Item = &'a Arc<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Stored(rows) => rows.next(),
            Self::Sorted(rows) => rows.next(),
        }
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = &'a Arc<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl std::fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").finish_non_exhaustive()
    }
}
