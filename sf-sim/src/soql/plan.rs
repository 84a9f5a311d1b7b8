//! Tree + catalog → plan: every name looked up, every literal checked. A plan can be run any number of times.

use std::sync::Arc;

use super::ast::{Item, Nulls, Period, Query, Select};
use super::compare::Case;
use super::error::{INVALID_FIELD, MALFORMED_QUERY, SoqlError};
use super::filter::Filter;
use super::resolve::{Access, Found, Hop, Resolver};
use super::view::{Rows, View};
use crate::schema::{Catalog, FieldDef, ObjectDef, Type};
use crate::store::{Row, Store};
use crate::value::Value;

/// The highest OFFSET [SOQL reference, "OFFSET"].
const MAX_OFFSET: u64 = 2_000;

/// A query that can be run.
#[derive(Clone, Debug)]
pub struct Plan {
    object: Arc<ObjectDef>,
    columns: Vec<Column>,
    shape: Vec<Shape>,
    count: bool,
    pub(super) filter: Option<Filter>,
    pub(super) order: Vec<Sort>,
    pub(super) limit: Option<u64>,
    pub(super) offset: u64,
    /// Names of the objects that hops lead to.
    pub(super) joins: Vec<String>,
    pub(super) periods: Vec<Period>,
}

/// A selected field.
#[derive(Clone, Debug)]
pub struct Column {
    path: Vec<String>,
    header: String,
    field: FieldDef,
    pub(super) access: Access,
}

impl Column {
    /// The names from the object down, in a describe's casing: `["Account", "Name"]`.
    #[must_use]
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// The path with dots: the header of a CSV column.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// The field itself, which may be one of a parent.
    #[must_use]
    pub fn field(&self) -> &FieldDef {
        &self.field
    }
}

/// What a record of the answer is made of, in the order of the select list.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// The column at this place.
    Column(usize),
    /// A parent and what is selected of it; it stands where it is first named.
    Parent(Parent),
}

#[derive(Clone, Debug)]
pub(super) struct Parent {
    pub(super) name: String,
    pub(super) hop: Hop,
    pub(super) parts: Vec<Shape>,
}

/// One key of the order.
#[derive(Clone, Debug)]
pub(super) struct Sort {
    pub(super) access: Access,
    pub(super) case: Case,
    pub(super) descending: bool,
    pub(super) nulls_last: bool,
}

/// Which rows a run sees, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Also those in the recycle bin: `queryAll`.
    pub include_deleted: bool,
    /// The time of the query, in milliseconds since the epoch: `TODAY` and its like start from it, and rows that
    /// become visible later are not seen.
    pub now_ms: i64,
}

/// Looks up every name of a query and checks every literal.
///
/// # Errors
/// `INVALID_TYPE`, `INVALID_FIELD`, `INVALID_QUERY_FILTER_OPERATOR` and others, in Salesforce's words.
pub fn plan(query: &Query, catalog: &Catalog) -> Result<Plan, SoqlError> {
    let mut resolver = Resolver::new(query, catalog)?;
    let columns = columns(&query.select, &mut resolver)?;
    let filter = query.condition.as_ref().map(|c| resolver.filter(c)).transpose()?;
    let order = query.order.iter().map(|o| sort(o, &mut resolver)).collect::<Result<_, _>>()?;
    let offset = query.offset.map_or(0, |o| o.rows);
    if let Some(given) = query.offset.filter(|o| o.rows > MAX_OFFSET) {
        let message = format!("Maximum SOQL offset allowed is {MAX_OFFSET}");
        return Err(resolver.error("NUMBER_OUTSIDE_VALID_RANGE", given.pos, &message));
    }
    let mut shape = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        place(&mut shape, &column.path, &column.access.hops, at);
    }
    Ok(Plan {
        shape,
        columns,
        count: query.select == Select::Count,
        filter,
        order,
        limit: query.limit,
        offset,
        object: resolver.object,
        joins: resolver.joins,
        periods: resolver.periods,
    })
}

fn columns(select: &Select, resolver: &mut Resolver<'_>) -> Result<Vec<Column>, SoqlError> {
    let Select::Items(items) = select else { return Ok(Vec::new()) };
    let mut columns: Vec<Column> = Vec::with_capacity(items.len());
    for Item::Field(path) in items {
        let Found { access, names, field } = resolver.find(path)?;
        let header = names.join(".");
        if columns.iter().any(|c| c.header == header) {
            return Err(SoqlError::plain(INVALID_FIELD, format!("duplicate field selected: {header}")));
        }
        columns.push(Column { path: names, header, field, access });
    }
    Ok(columns)
}

fn sort(order: &super::ast::Order, resolver: &mut Resolver<'_>) -> Result<Sort, SoqlError> {
    let found = resolver.find(&order.path)?;
    if !found.field.sortable || found.field.is_compound() {
        let message = format!("field '{}' can not be sorted in a query call", found.field.name);
        return Err(resolver.error(MALFORMED_QUERY, order.path.pos(), &message));
    }
    Ok(Sort {
        access: found.access,
        case: Case::of(found.field.case_sensitive),
        descending: order.descending,
        // "By default, null values are sorted first" [SOQL reference, "ORDER BY"], whichever the direction.
        nulls_last: order.nulls == Some(Nulls::Last),
    })
}

/// Hangs a column into the tree of parents.
fn place(shape: &mut Vec<Shape>, path: &[String], hops: &[Hop], column: usize) {
    let (Some((name, below)), Some((hop, hops))) = (path.split_first(), hops.split_first()) else {
        shape.push(Shape::Column(column));
        return;
    };
    let known = shape.iter().position(|s| matches!(s, Shape::Parent(p) if p.name == *name));
    let at = known.unwrap_or_else(|| {
        shape.push(Shape::Parent(Parent { name: name.clone(), hop: hop.clone(), parts: Vec::new() }));
        shape.len() - 1
    });
    if let Some(Shape::Parent(parent)) = shape.get_mut(at) {
        place(&mut parent.parts, below, hops, column);
    }
}

impl Plan {
    /// The object after FROM.
    #[must_use]
    pub fn object(&self) -> &Arc<ObjectDef> {
        &self.object
    }

    /// The selected fields; none for `COUNT()`.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Whether `COUNT()` is selected: the answer is the number of rows, not the rows.
    #[must_use]
    pub fn is_count(&self) -> bool {
        self.count
    }

    /// Whether the rows have an order of their own.
    #[must_use]
    pub fn has_order_by(&self) -> bool {
        !self.order.is_empty()
    }

    /// The most rows that are wanted.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    pub(super) fn shape(&self) -> &[Shape] {
        &self.shape
    }

    /// Why Bulk API 2.0 does not run this query, where it does not. That compound fields are refused so was seen of
    /// real orgs; for the others only that they are refused is documented, not in which words.
    #[must_use]
    pub fn bulk_refusal(&self) -> Option<SoqlError> {
        let selects = |wanted: fn(&FieldDef) -> bool| self.columns.iter().any(|c| wanted(&c.field));
        let message = if selects(FieldDef::is_compound) {
            "Selecting compound data not supported in Bulk Query"
        } else if selects(|f| f.ty == Type::Base64) {
            "Selecting base64 data not supported in Bulk Query"
        } else if self.count {
            "Aggregate queries not supported in Bulk Query"
        } else if self.offset > 0 {
            "OFFSET not supported in Bulk Query"
        } else {
            return None;
        };
        Some(SoqlError::plain("API_ERROR", message))
    }

    /// Readies the plan for one run over the rows of a store.
    #[must_use]
    pub fn view<'a>(&'a self, store: &'a Store, scope: Scope) -> View<'a> {
        View::new(self, store, scope)
    }

    /// The rows that match, in their order and within LIMIT and OFFSET. Without ORDER BY they come in the order of
    /// their ids and one by one, so that nothing is computed for rows that are not asked for.
    #[must_use]
    pub fn run<'a>(&'a self, store: &'a Store, scope: Scope) -> Rows<'a> {
        self.view(store, scope).into_rows()
    }

    /// How many rows [`Plan::run`] gives.
    #[must_use]
    pub fn count(&self, store: &Store, scope: Scope) -> usize {
        self.run(store, scope).count()
    }

    /// The value of one column in one row. For many cells make a [`View`] once and ask it.
    #[must_use]
    pub fn cell(&self, store: &Store, scope: Scope, row: &Row, column: &Column) -> Value {
        self.view(store, scope).cell(row, column).to_value()
    }
}
