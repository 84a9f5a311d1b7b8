//! REST queries and their cursors.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Answer, DataCall, Version};
use crate::org::Shared;
use crate::soql::{self, Plan, Scope, SoqlError};
use crate::store::Row;

/// What `Sforce-Query-Options: batchSize` may ask for.
const BATCH: std::ops::RangeInclusive<usize> = 200..=2_000;

/// A query that has more rows than fit into one answer.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    plan: Arc<Plan>,
    rows: Arc<Vec<Arc<Row>>>,
    scope: Scope,
    batch: usize,
    pub(crate) expires_at: i64,
}

/// `GET …/query?q=` and, with `include_deleted`, `…/queryAll?q=`.
pub(super) fn query(org: &Shared, data: &DataCall<'_>, include_deleted: bool) -> Answer {
    let text = data.call.parameter("q").unwrap_or_default();
    if text.trim().is_empty() {
        let message = "SOQL statements cannot be empty or null";
        return Answer::data(StatusCode::BAD_REQUEST, "MALFORMED_QUERY", message);
    }
    org.journal.amend(data.call.number, |entry| entry.detail = Some(text.clone()));
    let plan = match plan(org, &text) {
        Ok(plan) => plan,
        Err(error) => return Answer::soql_error(&error),
    };
    let scope = Scope { include_deleted, now_ms: org.clock.now_ms() };
    if plan.is_count() {
        let count = org.read(|store| plan.count(store, scope));
        return Answer::ok(&json!({ "totalSize": count, "done": true, "records": [] }));
    }
    let rows: Vec<Arc<Row>> = org.read(|store| plan.run(store, scope).cloned().collect());
    let batch = batch(data).unwrap_or_else(|| org.state().knobs.batch_size);
    let cursor = Cursor { plan: Arc::new(plan), rows: Arc::new(rows), scope, batch, expires_at: 0 };
    let more = cursor.rows.len() > batch;
    let name = more.then(|| org.state().keep_cursor(cursor.clone(), scope.now_ms));
    page(org, &cursor, 0, name.as_deref(), data.version)
}

/// `GET …/query/<cursor>`.
pub(super) fn more(org: &Shared, data: &DataCall<'_>, locator: &str) -> Answer {
    let now = org.clock.now_ms();
    let found = locator.rsplit_once('-').and_then(|(name, from)| {
        let cursor = org.state().cursor(name, now).cloned()?;
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

fn page(org: &Shared, cursor: &Cursor, from: usize, name: Option<&str>, version: Version) -> Answer {
    let total = cursor.rows.len();
    let to = total.min(from.saturating_add(cursor.batch));
    let base = format!("/services/data/{version}");
    let urls = format!("{base}/sobjects");
    let records: Vec<Value> = org.read(|store| {
        let view = cursor.plan.view(store, cursor.scope);
        cursor.rows[from..to].iter().map(|row| view.record(row, &urls)).collect()
    });
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
