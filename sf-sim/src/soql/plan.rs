//! Tree + catalog → plan: every name looked up, every literal checked. A plan can be run any number of times.

use std::sync::Arc;

use super::ast::{GroupKind, Item, Nulls, Period, Purpose, Query, Select, With};
use super::compare::Collation;
use super::error::{MALFORMED_QUERY, SoqlError};
use super::filter::Filter;
use super::group::{Grouping, grouping};
use super::operand::Operand;
use super::resolve::{Resolver, root};
use super::scope::{Owned, scope};
use super::select::{Selected, Shape};
use super::view::{Rows, View};
use crate::id::RecordId;
use crate::schema::{Catalog, FieldDef, ObjectDef, Type};
use crate::store::{Row, Store};
use crate::value::Value;

/// The highest OFFSET [SOQL reference, "OFFSET"].
const MAX_OFFSET: u64 = 2_000;
/// The most keys of an order [SOQL reference, "ORDER BY"].
const MAX_ORDER: usize = 32;
/// The most keys of a ROLLUP or CUBE [SOQL reference, "GROUP BY ROLLUP"].
const MAX_SUBTOTALS: usize = 3;
/// How many rows a query with all fields of an object may give [SOQL reference, "FIELDS()"].
const MAX_FIELDS_LIMIT: u64 = 200;

/// A query that can be run.
#[derive(Clone, Debug)]
pub struct Plan {
    object: Arc<ObjectDef>,
    columns: Vec<Column>,
    pub(super) shape: Vec<Shape>,
    count: bool,
    pub(super) filter: Option<Filter>,
    /// Whose rows are wanted, where the query says so.
    pub(super) owned: Option<Owned>,
    pub(super) order: Vec<Sort>,
    limit: Option<u64>,
    offset: u64,
    /// Names of the objects that hops lead to.
    pub(super) joins: Vec<String>,
    pub(super) periods: Vec<Period>,
    pub(super) sets: Vec<Semi>,
    pub(super) children: Vec<Child>,
    pub(super) grouping: Option<Grouping>,
    type_of: bool,
    all_fields: bool,
    purposes: Vec<Purpose>,
}

/// A subquery of a condition.
#[derive(Clone, Debug)]
pub(super) struct Semi {
    pub(super) plan: Arc<Plan>,
    /// What it selects.
    pub(super) operand: Operand,
}

/// A subquery of the select list.
#[derive(Clone, Debug)]
pub(super) struct Child {
    /// The relationship.
    pub(super) name: String,
    /// The place of the field that points to the parent.
    pub(super) reference: usize,
    pub(super) plan: Arc<Plan>,
}

/// A selected field.
#[derive(Clone, Debug)]
pub struct Column {
    pub(super) path: Vec<String>,
    pub(super) header: String,
    pub(super) field: FieldDef,
    pub(super) operand: Operand,
    /// Shown as text for people.
    pub(super) format: bool,
}

impl Column {
    /// The names from the object down, in a describe's casing: `["Account", "Name"]`.
    #[must_use]
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// The path with dots, or the name that the statement gives: the header of a CSV column.
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

/// One key of the order.
#[derive(Clone, Debug)]
pub(super) struct Sort {
    pub(super) operand: Operand,
    pub(super) collation: Collation,
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
    /// Who asks: days begin in this user's time zone, and `USING SCOPE mine` means its rows. None is the user that
    /// the org began with.
    pub user: Option<RecordId>,
}

/// Looks up every name of a query and checks every literal.
///
/// # Errors
/// `INVALID_TYPE`, `INVALID_FIELD`, `INVALID_QUERY_FILTER_OPERATOR` and others, in Salesforce's words.
pub fn plan(query: &Query, catalog: &Catalog) -> Result<Plan, SoqlError> {
    statement(query, root(query, catalog)?, catalog, 0)
}

/// Plans a statement on an object; `level` is how many statements it stands in.
pub(super) fn statement(
    query: &Query,
    object: Arc<ObjectDef>,
    catalog: &Catalog,
    level: usize,
) -> Result<Plan, SoqlError> {
    refuse_clauses(query, &object, level)?;
    let mut resolver = Resolver::new(query, object, catalog)?;
    let grouping = grouping(query, &mut resolver)?;
    if grouping.is_some() && level > 0 {
        return Err(SoqlError::plain(MALFORMED_QUERY, "only root queries support aggregate expressions"));
    }
    let selected = match &query.select {
        Select::Items(items) if grouping.is_none() => super::select::select(items, &mut resolver, level)?,
        _ => Selected::default(),
    };
    if selected.all_fields && query.limit.is_none_or(|limit| limit > MAX_FIELDS_LIMIT) {
        let message = format!("The SOQL FIELDS function must have a LIMIT of at most {MAX_FIELDS_LIMIT}");
        return Err(SoqlError::plain(MALFORMED_QUERY, message));
    }
    let filter = query.condition.as_ref().map(|c| resolver.filter(c)).transpose()?;
    let owned = query.scope.as_ref().map(|name| scope(name, &resolver)).transpose()?;
    resolver.grouping = grouping;
    let having = query.having.as_ref().map(|c| resolver.filter(c)).transpose()?;
    let order = query.order.iter().map(|o| sort(o, &mut resolver)).collect::<Result<_, _>>()?;
    if let Some(grouping) = &mut resolver.grouping {
        grouping.having = having;
    }
    let offset = query.offset.map_or(0, |o| o.rows);
    if let Some(given) = query.offset.filter(|o| o.rows > MAX_OFFSET) {
        let message = format!("Maximum SOQL offset allowed is {MAX_OFFSET}");
        return Err(resolver.error("NUMBER_OUTSIDE_VALID_RANGE", given.pos, &message));
    }
    if resolver.grouping.is_some() && query.group.is_none() {
        let clause = if query.limit.is_some() { Some("LIMIT") } else { None };
        if let Some(clause) = clause.or((!query.order.is_empty()).then_some("ORDER BY")) {
            let message =
                format!("Non-grouped query that uses overall aggregate functions cannot also use {clause}");
            return Err(SoqlError::plain(MALFORMED_QUERY, message));
        }
    }
    Ok(Plan {
        shape: selected.shape,
        columns: selected.columns,
        children: selected.children,
        type_of: selected.type_of,
        all_fields: selected.all_fields,
        count: query.select == Select::Count,
        filter,
        owned,
        order,
        limit: query.limit,
        offset,
        object: resolver.object,
        joins: resolver.joins,
        periods: resolver.periods,
        sets: resolver.sets,
        grouping: resolver.grouping,
        purposes: query.purposes.clone(),
    })
}

/// The refusal of children of children.
pub(super) fn too_deep(levels: usize) -> SoqlError {
    let plural = if levels == 1 { "level" } else { "levels" };
    let message = format!(
        "SOQL statements cannot query aggregate relationships more than {levels} {plural} away from the root entity object."
    );
    SoqlError::plain(MALFORMED_QUERY, message)
}

/// What the grammar knows and the API does not take.
fn refuse_clauses(query: &Query, object: &ObjectDef, level: usize) -> Result<(), SoqlError> {
    let refused = |message: String| Err(SoqlError::plain(MALFORMED_QUERY, message));
    match &query.with {
        // "Only available in Apex" [Apex guide, "Filter SOQL Queries Using WITH SECURITY_ENFORCED"], and the modes
        // are those of Apex's own database operations. In which words the API refuses them is not documented.
        Some(With::Mode(mode)) => {
            return refused(format!("{} not allowed in this context", mode.text.to_ascii_uppercase()));
        }
        Some(With::DataCategory(_)) => {
            return refused(format!(
                "WITH DATA CATEGORY is only allowed on articles and questions, not on {}",
                object.name
            ));
        }
        None => {}
    }
    if query.all_rows.is_some() {
        // Over the wire deleted rows are asked for with queryAll.
        return refused("ALL ROWS not allowed in this context".to_owned());
    }
    if query.select == Select::Count && query.group.is_some() {
        // That it is refused is documented, in which words is not.
        return refused("COUNT() cannot be used with GROUP BY; use COUNT(Id)".to_owned());
    }
    if query.select == Select::Count && level > 0 {
        return refused("only root queries support aggregate expressions".to_owned());
    }
    // The limits are documented, in which words they are told is not.
    if query.group.as_ref().is_some_and(|g| g.kind != GroupKind::Plain && g.by.len() > MAX_SUBTOTALS) {
        return refused("GROUP BY ROLLUP and GROUP BY CUBE take at most three fields".to_owned());
    }
    if query.order.len() > MAX_ORDER {
        return refused(format!("ORDER BY takes at most {MAX_ORDER} fields"));
    }
    let Select::Items(items) = &query.select else { return Ok(()) };
    let skips = |item: &Item| matches!(item, Item::Children(child) if child.offset.is_some());
    if query.limit != Some(1) && items.iter().any(skips) {
        return refused("OFFSET is only allowed in a subquery if the parent query has LIMIT 1".to_owned());
    }
    Ok(())
}

fn sort(order: &super::ast::Order, resolver: &mut Resolver<'_>) -> Result<Sort, SoqlError> {
    let found = if resolver.grouping.is_some() {
        resolver.slot(&order.expr, "Ordered field must be grouped or aggregated")?
    } else {
        resolver.target(&order.expr)?
    };
    let computed = matches!(found.operand, Operand::Slot(_) | Operand::Distance(_));
    if !computed && (!found.field.sortable || found.field.is_compound()) {
        let message = format!("field '{}' can not be sorted in a query call", found.field.name);
        return Err(resolver.error(MALFORMED_QUERY, order.expr.pos(), &message));
    }
    Ok(Sort {
        operand: found.operand,
        collation: Collation::of(&found.field),
        descending: order.descending,
        // "By default, null values are sorted first" [SOQL reference, "ORDER BY"], whichever the direction: for DESC
        // a guess, of which neither a document nor a recording says more.
        nulls_last: order.nulls == Some(Nulls::Last),
    })
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

    /// Whether the answer is made of groups of rows: what [`View::groups`] gives.
    #[must_use]
    pub fn is_grouped(&self) -> bool {
        self.grouping.is_some()
    }

    /// Whether children are selected as well.
    #[must_use]
    pub fn has_children(&self) -> bool {
        !self.children.is_empty()
    }

    /// How many rows are left out, and the most that follow.
    pub(super) fn window(&self) -> (usize, usize) {
        let amount = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        (amount(self.offset), self.limit.map_or(usize::MAX, amount))
    }

    /// How many subqueries are in the select list, those of subqueries included.
    pub(super) fn subqueries(&self) -> usize {
        self.children.iter().map(|child| 1 + child.plan.subqueries()).sum()
    }

    /// Why a version of the REST API does not run this query, where it does not: before version 58.0 children had no
    /// subqueries of their own.
    #[must_use]
    pub fn refusal_by(&self, version: u32) -> Option<SoqlError> {
        let deep = self.children.iter().any(|child| child.plan.has_children());
        (version < 58 && deep).then(|| too_deep(1))
    }

    /// Whether the rows count as viewed (`FOR VIEW`), and as referred to (`FOR VIEW` and `FOR REFERENCE`).
    #[must_use]
    pub fn marks(&self) -> (bool, bool) {
        let viewed = self.purposes.contains(&Purpose::View);
        (viewed, viewed || self.purposes.contains(&Purpose::Reference))
    }

    /// Why Bulk API 2.0 does not run this query, where it does not. That compound fields are refused so was seen of
    /// real orgs; for the others only that they are refused is documented, not in which words.
    #[must_use]
    pub fn bulk_refusal(&self) -> Option<SoqlError> {
        let selects = |wanted: fn(&FieldDef) -> bool| self.columns.iter().any(|c| wanted(&c.field));
        if self.all_fields {
            let message =
                "The SOQL FIELDS function is not supported with an unbounded set of fields in this API";
            return Some(SoqlError::plain(MALFORMED_QUERY, message));
        }
        let message = if !self.children.is_empty() {
            "Nested queries not supported in Bulk Query"
        } else if self.type_of {
            "TYPEOF not supported in Bulk Query"
        } else if selects(FieldDef::is_compound) {
            "Selecting compound data not supported in Bulk Query"
        } else if selects(|f| f.ty == Type::Base64) {
            "Selecting base64 data not supported in Bulk Query"
        } else if self.count || self.grouping.is_some() {
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
