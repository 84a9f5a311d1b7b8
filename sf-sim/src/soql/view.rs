//! One run of a plan: tables found, periods reckoned, rows filtered, ordered and read.

use std::cmp::Ordering;
use std::iter::{Skip, Take};
use std::sync::{Arc, OnceLock};

use chrono_tz::Tz;
use serde_json::{Map, Value as Json};

use super::filter::Frame;
use super::operand::{Operand, date_part, distance, formatted, label};
use super::period::Span;
use super::plan::{Column, Plan, Scope, Sort};
use super::related::{Family, Related};
use super::resolve::{Access, Hop, Leaf};
use super::select::Shape;
use crate::id::RecordId;
use crate::schema::{ObjectDef, Type};
use crate::store::{BIN_MS, Row, Store, Table};
use crate::value::Cell;

/// A plan made ready for one time and one state of the store.
#[derive(Clone, Debug)]
pub struct View<'a> {
    plan: &'a Plan,
    store: &'a Store,
    scope: Scope,
    table: Option<&'a Table>,
    /// In the order of the plan's joins.
    joins: Vec<Option<&'a Table>>,
    spans: Vec<Span>,
    zone: Tz,
    user: RecordId,
    /// What the subqueries of the condition found, sorted; looked up when the first row is tested.
    sets: OnceLock<Vec<Vec<RecordId>>>,
    /// In the order of the plan's children.
    children: Vec<View<'a>>,
}

impl<'a> View<'a> {
    pub(super) fn new(plan: &'a Plan, store: &'a Store, scope: Scope) -> Self {
        let user = scope.user.unwrap_or_else(|| store.running_user());
        let zone = zone(store, user);
        Self {
            plan,
            store,
            scope,
            table: store.table(&plan.object().name),
            joins: plan.joins.iter().map(|object| store.table(object)).collect(),
            spans: plan.periods.iter().map(|p| Span::of(*p, scope.now_ms, zone)).collect(),
            zone,
            user,
            sets: OnceLock::new(),
            children: plan.children.iter().map(|child| Self::new(&child.plan, store, scope)).collect(),
        }
    }

    pub(super) fn plan(&self) -> &'a Plan {
        self.plan
    }

    pub(super) fn zone(&self) -> Tz {
        self.zone
    }

    pub(super) fn children(&self) -> &[Self] {
        &self.children
    }

    pub(super) fn frame(&self) -> Frame<'_> {
        let sets = self.sets.get_or_init(|| self.plan.sets.iter().map(|set| self.found(set)).collect());
        Frame { spans: &self.spans, sets }
    }

    /// The ids that a subquery of the condition selects.
    fn found(&self, set: &super::plan::Semi) -> Vec<RecordId> {
        let view = View::new(&set.plan, self.store, self.scope);
        let ids = view.clone().into_rows().filter_map(|row| match view.operand(row, &set.operand) {
            Cell::Id(id) => Some(id),
            _ => None,
        });
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Whether the row meets the condition.
    #[must_use]
    pub fn matches(&self, row: &Row) -> bool {
        let wanted = self.plan.owned.is_none_or(|owned| owned.holds(row, self.user));
        wanted
            && self
                .plan
                .filter
                .as_ref()
                .is_none_or(|filter| filter.holds(self.frame(), &|operand| self.operand(row, operand)))
    }

    /// The value of a column, of the row or of one of its parents; null when there is no such parent.
    #[must_use]
    pub fn cell<'r>(&'r self, row: &'r Row, column: &'r Column) -> Cell<'r> {
        self.operand(row, &column.operand)
    }

    /// Appends a column's value as the content of a quoted cell of a Bulk result.
    pub fn write_csv(&self, row: &Row, column: &Column, out: &mut Vec<u8>) {
        let cell = self.operand(row, &column.operand);
        match self.text_shown(cell, column) {
            Some(text) => Cell::Text(&text).write_csv(out),
            None => cell.write_csv(out),
        }
    }

    /// The row as a record of the REST API. `base` is what urls of rows begin with: `/services/data/v65.0/sobjects`.
    /// Children come from what [`View::related`] found; each list of them is shown as `family` says.
    #[must_use]
    pub fn record(&self, row: &Row, base: &str, related: &[Related], family: &mut dyn Family) -> Json {
        let mut page = Page { base, row, related, family };
        self.object(row, self.plan.object(), &self.plan.object().name, &self.plan.shape, &mut page)
    }

    /// The rows that match; see [`Plan::run`].
    #[must_use]
    pub fn into_rows(self) -> Rows<'a> {
        let (skip, take) = self.plan.window();
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

    pub(super) fn matching(self) -> impl Iterator<Item = &'a Arc<Row>> + use<'a> {
        let rows = self.table.into_iter().flat_map(move |table| table.visible(self.scope.now_ms));
        rows.filter(move |row| (!row.is_deleted() || self.in_bin(row)) && self.matches(row))
    }

    /// Whether a deleted row is wanted, and still to be had.
    fn in_bin(&self, row: &Row) -> bool {
        let emptied = self.scope.now_ms.saturating_sub(BIN_MS);
        self.scope.include_deleted && !row.deleted_before(self.plan.object(), emptied)
    }

    pub(super) fn operand<'r>(&'r self, row: &'r Row, operand: &'r Operand) -> Cell<'r> {
        match operand {
            Operand::Field(access) => self.read(row, access),
            Operand::Date(access, function, local) => {
                date_part(self.read(row, access), *function, if *local { self.zone } else { Tz::UTC })
            }
            Operand::Label(access, values) => label(self.read(row, access), values),
            Operand::Distance(place) => {
                distance(self.read(row, &place.latitude), self.read(row, &place.longitude), place)
            }
            Operand::Slot(_) => Cell::Null,
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

    pub(super) fn order(&self, a: &Row, b: &Row) -> Ordering {
        let order = by_keys(&self.plan.order, |key| self.operand(a, key), |key| self.operand(b, key));
        // Rows that are alike come in the order of their ids, the same in every run.
        order.then_with(|| a.id().cmp(&b.id()))
    }

    fn object(&self, row: &Row, def: &ObjectDef, ty: &str, parts: &[Shape], page: &mut Page<'_>) -> Json {
        let mut record = Map::new();
        let url = format!("{}/{}/{}", page.base, def.name, row.id());
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
                Shape::Computed(at) => {
                    let Some(column) = self.plan.columns().get(*at) else { continue };
                    (column.header.clone(), self.shown(self.operand(page.row, &column.operand), column))
                }
                Shape::Parent(parent) => {
                    // A parent that may be of several objects is shown as Salesforce's Name object.
                    let value = self.found_parent(row, &parent.hop).map_or(Json::Null, |(row, def, _)| {
                        let ty = if parent.hop.several { "Name" } else { &def.name };
                        self.object(row, def, ty, &parent.parts, page)
                    });
                    (parent.name.clone(), value)
                }
                Shape::TypeOf(cases) => {
                    let value = self.found_parent(row, &cases.hop).map_or(Json::Null, |(row, def, join)| {
                        let parts = cases.parts.iter().find(|(of, _)| *of == join);
                        let parts = parts.map_or(&cases.otherwise, |(_, parts)| parts);
                        self.object(row, def, &def.name, parts, page)
                    });
                    (cases.name.clone(), value)
                }
                Shape::Children(at) => {
                    let Some((name, value)) = self.child_list(*at, page) else { continue };
                    (name, value)
                }
            };
            record.insert(name, value);
        }
        record.into()
    }

    fn found_parent<'r>(&'r self, row: &Row, hop: &Hop) -> Option<(&'r Row, &'r ObjectDef, usize)> {
        let (parent, join) = self.parent(row, hop)?;
        Some((parent, (*self.joins.get(join)?)?.def(), join))
    }

    /// The children of the row that the page is about; null when there are none.
    fn child_list(&self, at: usize, page: &mut Page<'_>) -> Option<(String, Json)> {
        let (child, view) = (self.plan.children.get(at)?, self.children.get(at)?);
        let related = page.related.get(at)?;
        let Some(rows) = related.of(page.row.id()) else { return Some((child.name.clone(), Json::Null)) };
        let (shown, next) = page.family.page(&child.plan, rows, &related.nested);
        let shown = shown.min(rows.len());
        let mut list = Map::new();
        list.insert("totalSize".to_owned(), rows.len().into());
        list.insert("done".to_owned(), (shown == rows.len()).into());
        if let Some(next) = next {
            list.insert("nextRecordsUrl".to_owned(), next.into());
        }
        let records: Vec<_> = rows[..shown]
            .iter()
            .map(|row| view.record(row, page.base, &related.nested, page.family))
            .collect();
        list.insert("records".to_owned(), records.into());
        Some((child.name.clone(), list.into()))
    }

    fn shown(&self, cell: Cell<'_>, column: &Column) -> Json {
        match self.text_shown(cell, column) {
            Some(text) => text.into(),
            None => cell.to_json(),
        }
    }

    /// What is shown in the place of a value.
    fn text_shown(&self, cell: Cell<'_>, column: &Column) -> Option<String> {
        match cell {
            Cell::Text(text) if column.field.ty == Type::EncryptedString => Some(column.field.masked(text)),
            cell if column.format => formatted(cell, column.field.ty, self.zone),
            _ => None,
        }
    }

    /// A field of the row in hand, to which the hops of its column have led already.
    fn leaf(&self, row: &Row, def: &ObjectDef, column: &Column, url: &str) -> Json {
        let (Operand::Field(access) | Operand::Label(access, _)) = &column.operand else {
            return Json::Null;
        };
        let at = match &access.leaf {
            Leaf::Field(at) => Some(*at),
            Leaf::ByObject(_) => def.field(&column.field().name).map(|(at, _)| at),
            Leaf::ObjectName => return def.name.as_str().into(),
        };
        let Some(at) = at else { return Json::Null };
        match (column.field().ty, &column.operand) {
            (Type::Address | Type::Location, _) => row.compound_json(def, at),
            // The content of a file is fetched on its own.
            (Type::Base64, _) if !row.get(at).is_null() => format!("{url}/{}", column.field().name).into(),
            (_, Operand::Label(_, values)) => self.shown(label(row.get(at), values), column),
            _ => self.shown(row.get(at), column),
        }
    }
}

/// What the records of one row have in common.
struct Page<'p> {
    base: &'p str,
    /// The query's own row, whichever of its parents is in hand.
    row: &'p Row,
    related: &'p [Related],
    family: &'p mut dyn Family,
}

/// The time zone of a user.
fn zone(store: &Store, user: RecordId) -> Tz {
    let table = store.table("User");
    let name = table.and_then(|table| {
        let (at, _) = table.def().field("TimeZoneSidKey")?;
        Some(table.latest(user)?.get(at))
    });
    match name {
        Some(Cell::Text(name)) => name.parse().unwrap_or(Tz::UTC),
        _ => Tz::UTC,
    }
}

/// How two rows or groups stand to each other by the keys of an order.
pub(super) fn by_keys<'r>(
    keys: &'r [Sort],
    a: impl Fn(&'r Operand) -> Cell<'r>,
    b: impl Fn(&'r Operand) -> Cell<'r>,
) -> Ordering {
    let mut keys = keys.iter().map(|sort| compare(a(&sort.operand), b(&sort.operand), sort));
    keys.find(|key| key.is_ne()).unwrap_or(Ordering::Equal)
}

fn compare(a: Cell<'_>, b: Cell<'_>, sort: &Sort) -> Ordering {
    let nulls = match (a.is_null(), b.is_null()) {
        (false, false) => {
            let order = sort.collation.order(a, b);
            return if sort.descending { order.reverse() } else { order };
        }
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    };
    if sort.nulls_last { nulls.reverse() } else { nulls }
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
