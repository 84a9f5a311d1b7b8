//! REST queries and their cursors.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Answer, DataCall, Version};
use crate::org::Shared;
use crate::soql::{self, Family, Plan, Related, Scope, SoqlError};
use crate::store::Row;

/// What `Sforce-Query-Options: batchSize` may ask for.
const BATCH: std::ops::RangeInclusive<usize> = 200..=2_000;
/// The most groups of rows that an answer holds: there are no further pages of them.
const GROUPS: usize = 2_000;

/// A query, or a list of children, that has more rows than fit into one answer.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    plan: Arc<Plan>,
    rows: Arc<Vec<Arc<Row>>>,
    related: Arc<Vec<Related>>,
    scope: Scope,
    batch: usize,
    pub(crate) expires_at: i64,
}

/// `GET …/query?q=` and, with `include_deleted`, `…/queryAll?q=`.
pub(super) fn query(org: &Shared, data: &DataCall<'_>, include_deleted: bool) -> Answer {
    let explained = data.call.parameter("explain");
    let text = explained.clone().or_else(|| data.call.parameter("q")).unwrap_or_default();
    if text.trim().is_empty() {
        let message = "SOQL statements cannot be empty or null";
        return Answer::data(StatusCode::BAD_REQUEST, "MALFORMED_QUERY", message);
    }
    org.journal.amend(data.call.number, |entry| entry.detail = Some(text.clone()));
    let refuse = |plan: Plan| match plan.refusal_by(data.version.0) {
        Some(error) => Err(error),
        None => Ok(plan),
    };
    let plan = match plan(org, &text).and_then(refuse) {
        Ok(plan) => Arc::new(plan),
        Err(error) => return Answer::soql_error(&error),
    };
    let scope = Scope { include_deleted, now_ms: org.clock.now_ms(), user: Some(data.session.user) };
    if explained.is_some() {
        return explain(org, &plan, scope);
    }
    if data.call.parameter("columns").is_some_and(|asked| asked.eq_ignore_ascii_case("true")) {
        return Answer::ok(&plan.column_metadata());
    }
    if plan.is_count() {
        let count = org.read(|store| plan.count(store, scope));
        return Answer::ok(&json!({ "totalSize": count, "done": true, "records": [] }));
    }
    if plan.is_grouped() {
        return groups(org, &plan, scope);
    }
    answer(org, data, plan, scope)
}

/// The first page of the rows of a plan.
pub(super) fn answer(org: &Shared, data: &DataCall<'_>, plan: Arc<Plan>, scope: Scope) -> Answer {
    let (rows, related) = org.read(|store| {
        let view = plan.view(store, scope);
        let rows: Vec<Arc<Row>> = view.clone().into_rows().cloned().collect();
        let related = view.related(&rows);
        (rows, related)
    });
    mark(org, &plan, &rows);
    let batch = batch(data).unwrap_or_else(|| org.state().knobs.batch_size);
    let (rows, related) = (Arc::new(rows), Arc::new(related));
    let cursor = Cursor { plan, rows, related, scope, batch, expires_at: 0 };
    let more = cursor.end(0) < cursor.rows.len();
    let name = more.then(|| org.state().keep_cursor(cursor.clone(), scope.now_ms));
    page(org, &cursor, 0, name.as_deref(), data.version)
}

fn groups(org: &Shared, plan: &Plan, scope: Scope) -> Answer {
    let groups = org.read(|store| plan.view(store, scope).groups());
    if groups.len() > GROUPS {
        let message = "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch";
        return Answer::data(StatusCode::BAD_REQUEST, "EXCEEDED_ID_LIMIT", message);
    }
    Answer::ok(&json!({ "totalSize": groups.len(), "done": true, "records": groups }))
}

/// `FOR VIEW` and `FOR REFERENCE`: the rows count as looked at from now on.
fn mark(org: &Shared, plan: &Plan, rows: &[Arc<Row>]) {
    let (viewed, referenced) = plan.marks();
    if referenced {
        org.write(|store| store.mark(plan.object(), rows, viewed));
    }
}

/// `GET …/query?explain=`: how an org would go about it. The emulated one always looks at every row.
fn explain(org: &Shared, plan: &Plan, scope: Scope) -> Answer {
    let (found, all) = org.read(|store| {
        let all = store.table(&plan.object().name).map_or(0, crate::store::Table::live);
        let found = if plan.is_grouped() { all } else { plan.count(store, scope) };
        (found, all)
    });
    let scan = json!({
        "cardinality": found,
        "fields": [],
        "leadingOperationType": "TableScan",
        "notes": [],
        "relativeCost": 1.0,
        "sobjectCardinality": all,
        "sobjectType": plan.object().name,
    });
    Answer::ok(&json!({ "plans": [scan] }))
}

/// `GET …/query/<cursor>`.
pub(super) fn more(org: &Shared, data: &DataCall<'_>, locator: &str) -> Answer {
    let now = org.clock.now_ms();
    let found = locator.rsplit_once('-').and_then(|(name, from)| {
        let cursor = org.state().cursor(name, now)?;
        let from = from.parse::<usize>().ok().filter(|from| *from < cursor.rows.len())?;
        Some((name, cursor, from))
    });
    match found {
        Some((name, cursor, from)) => page(org, &cursor, from, Some(name), data.version),
        None => Answer::data(StatusCode::BAD_REQUEST, "INVALID_QUERY_LOCATOR", "invalid query locator"),
    }
}

/// Reads a statement against the org's objects.
pub(crate) fn plan(org: &Shared, text: &str) -> Result<Plan, SoqlError> {
    let parsed = soql::parse(text)?;
    org.read(|store| soql::plan(&parsed, store.catalog()))
}

impl Cursor {
    /// Where a page that begins at `from` ends: after so many rows, or earlier where their children are many.
    fn end(&self, from: usize) -> usize {
        let most = self.rows.len().min(from.saturating_add(self.batch));
        if self.related.is_empty() {
            return most;
        }
        let mut shown = 0;
        for (at, row) in self.rows.iter().enumerate().take(most).skip(from) {
            let children = self.related.iter().map(|related| related.count(row.id()).min(self.batch));
            shown += 1 + children.sum::<usize>();
            if shown > self.batch && at > from {
                return at;
            }
        }
        most
    }
}

/// Shows as many children of a parent as a page has rows; the rest is behind a cursor of its own.
struct Cursors<'a> {
    scope: Scope,
    batch: usize,
    /// What the urls of pages begin with.
    base: &'a str,
    /// What the names of the cursors begin with.
    name: String,
    /// Kept once the rows are written: nobody waits for the org's state while reading rows.
    kept: Vec<(String, Cursor)>,
}

impl Family for Cursors<'_> {
    fn page(
        &mut self,
        plan: &Arc<Plan>,
        rows: &Arc<Vec<Arc<Row>>>,
        nested: &Arc<Vec<Related>>,
    ) -> (usize, Option<String>) {
        let (plan, rows, related) = (Arc::clone(plan), Arc::clone(rows), Arc::clone(nested));
        let cursor = Cursor { plan, rows, related, scope: self.scope, batch: self.batch, expires_at: 0 };
        let shown = cursor.end(0);
        if shown == cursor.rows.len() {
            return (shown, None);
        }
        let name = format!("{}{}", self.name, self.kept.len());
        let url = format!("{}/query/{name}-{shown}", self.base);
        self.kept.push((name, cursor));
        (shown, Some(url))
    }
}

fn page(org: &Shared, cursor: &Cursor, from: usize, name: Option<&str>, version: Version) -> Answer {
    let total = cursor.rows.len();
    let to = cursor.end(from);
    let base = format!("/services/data/{version}");
    let urls = format!("{base}/sobjects");
    let mut family = Cursors {
        scope: cursor.scope,
        batch: cursor.batch,
        base: &base,
        name: org.state().cursor_name(),
        kept: Vec::new(),
    };
    let records: Vec<Value> = org.read(|store| {
        let view = cursor.plan.view(store, cursor.scope);
        let rows = cursor.rows[from..to].iter();
        rows.map(|row| view.record(row, &urls, &cursor.related, &mut family)).collect()
    });
    if !family.kept.is_empty() {
        let now = org.clock.now_ms();
        let mut state = org.state();
        for (name, cursor) in family.kept {
            state.keep_cursor_as(name, cursor, now);
        }
    }
    let mut body = Map::new();
    body.insert("totalSize".to_owned(), total.into());
    body.insert("done".to_owned(), (to == total).into());
    if let Some(name) = name.filter(|_| to < total) {
        body.insert("nextRecordsUrl".to_owned(), format!("{base}/query/{name}-{to}").into());
    }
    body.insert("records".to_owned(), records.into());
    Answer::ok(&Value::Object(body))
}

fn batch(data: &DataCall<'_>) -> Option<usize> {
    let options = data.call.header("sforce-query-options")?;
    let value = options.split([',', ';']).find_map(|option| option.trim().strip_prefix("batchSize="))?;
    Some(value.trim().parse::<usize>().ok()?.clamp(*BATCH.start(), *BATCH.end()))
}
