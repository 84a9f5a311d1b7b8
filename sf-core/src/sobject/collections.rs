//! Up to 200 rows a call, and longer inputs in several calls, with an outcome for every row.

use std::fmt;
use std::ops::Range;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::fields::Fields;
use super::{DELETED, api_name};
use crate::client::RequestBuilder;
use crate::{ApiError, Client, Error, ErrorKind, Id, Result};

/// Rows a call of a collection takes (REST API guide, "Create Multiple Records").
const MOST: usize = 200;

/// Calls for many rows at once: 200 at most in each, longer inputs in as many calls as it takes, one after the other
/// in the order given.
///
/// ```no_run
/// # async fn example(org: sf_core::Client) -> sf_core::Result<()> {
/// use sf_core::sobject::{Collections, Fields, RowOutcome};
///
/// let rows: Vec<_> = (1..=500).map(|n| Fields::new().field("Name", format!("Account {n}"))).collect();
/// let written = Collections::new(&org).create("Account", &rows).await?;
/// for (row, outcome) in written.outcomes().iter().enumerate() {
///     if let RowOutcome::Refused(errors) = outcome {
///         println!("row {row}: {}", errors[0].message);
///     }
/// }
/// written.whole()?; // an error where a call failed, with the rows that it leaves open
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Collections<'c> {
    client: &'c Client,
    all_or_none: bool,
    batch: usize,
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowOutcome {
    /// Written.
    #[non_exhaustive]
    Done {
        /// Its id; of a platform event, an id that names no record.
        id: Option<Id>,
        /// Whether it is new; told for an upsert alone.
        created: Option<bool>,
        /// What the org said beside it: for a platform event its `EventUuid`, under `OPERATION_ENQUEUED`.
        notes: Vec<ApiError>,
    },
    /// Not written, and why.
    Refused(Vec<ApiError>),
    /// Sent, and no answer told what became of it: it may be written or not.
    Unknown,
    /// Not written: its call was refused as a whole, or never made because an earlier one failed.
    NotWritten,
}

impl RowOutcome {
    /// The row's id, where it was written.
    pub fn id(&self) -> Option<Id> {
        match self {
            Self::Done { id, .. } => *id,
            _ => None,
        }
    }

    /// Whether the row was written.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }

    /// Why the org refused the row; empty where it did not.
    pub fn errors(&self) -> &[ApiError] {
        match self {
            Self::Refused(errors) => errors,
            _ => &[],
        }
    }
}

/// The outcomes of all rows, in the order in which they were given.
#[derive(Debug)]
#[must_use = "rows may have been refused"]
pub struct Written {
    outcomes: Vec<RowOutcome>,
    error: Option<Error>,
}

impl Written {
    /// One outcome a row.
    pub fn outcomes(&self) -> &[RowOutcome] {
        &self.outcomes
    }

    /// The failure of a call, if one failed: the rows behind it are [`RowOutcome::NotWritten`], its own ones that or
    /// [`RowOutcome::Unknown`].
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// How many rows were written.
    pub fn done(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.is_done()).count()
    }

    /// The rows that were refused, by their place, and why.
    pub fn refused(&self) -> impl Iterator<Item = (usize, &[ApiError])> {
        self.outcomes.iter().enumerate().filter_map(|(at, outcome)| match outcome {
            RowOutcome::Refused(errors) => Some((at, errors.as_slice())),
            _ => None,
        })
    }

    /// The rows of which nobody knows whether they were written.
    pub fn unknown(&self) -> Range<usize> {
        let is = |outcome: &RowOutcome| *outcome == RowOutcome::Unknown;
        let start = self.outcomes.iter().position(is).unwrap_or_default();
        let end = self.outcomes.iter().rposition(is).map_or(start, |last| last + 1);
        start..end
    }

    /// The outcomes, where every row was answered, written or refused.
    ///
    /// # Errors
    /// The failure of a call.
    pub fn whole(self) -> Result<Vec<RowOutcome>> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.outcomes),
        }
    }
}

/// What a call may do after an answer was lost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    Never,
    SetsTheSame,
    Deletes,
}

impl<'c> Collections<'c> {
    /// Calls of this client: each row for itself, 200 a call.
    pub fn new(client: &'c Client) -> Self {
        Self { client, all_or_none: false, batch: MOST }
    }

    /// Whether one refused row undoes all. It holds within one call, so no more than 200 rows are taken with it.
    pub fn all_or_none(mut self, all_or_none: bool) -> Self {
        self.all_or_none = all_or_none;
        self
    }

    /// Rows a call, 1 to 200.
    pub fn batch(mut self, rows: usize) -> Self {
        self.batch = rows.clamp(1, MOST);
        self
    }

    /// Creates rows. A row may name another object in its `attributes`.
    ///
    /// A call whose answer was lost is never sent again: its rows are [`RowOutcome::Unknown`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] before anything is sent. What the org refuses or leaves open stands in
    /// [`Written`].
    pub async fn create(&self, object: &str, rows: &[impl Serialize]) -> Result<Written> {
        api_name(object, "an object")?;
        let bodies = self.bodies(rows, |mut fields| {
            if fields.take_id()?.is_some() {
                let message = "a new row cannot have an Id of its own, the org gives it one";
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
            fields.typed(object, None)
        })?;
        let requests = bodies
            .into_iter()
            .map(|body| self.client.post("composite/sobjects").body(body, "application/json"));
        Ok(self.send(requests, rows.len(), Again::Never).await)
    }

    /// Changes rows, each of which has its `Id`.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn update(&self, object: &str, rows: &[impl Serialize]) -> Result<Written> {
        api_name(object, "an object")?;
        let bodies = self.bodies(rows, |mut fields| {
            let Some(id) = fields.take_id()? else {
                let message = "a row to change has no Id";
                return Err(Error::new(ErrorKind::InvalidInput, message)
                    .with_hint("With an external id in place of an Id, use `upsert`."));
            };
            fields.typed(object, Some(id))
        })?;
        let requests = bodies
            .into_iter()
            .map(|body| self.client.patch("composite/sobjects").body(body, "application/json"));
        Ok(self.send(requests, rows.len(), Again::SetsTheSame).await)
    }

    /// Creates or changes rows of one object by an external id field, which each of them has. `Id` can be the field; by
    /// any other one, an `Id` is not sent, as rows have that were read.
    ///
    /// A call whose answer was lost is not sent again, because an external id need not be unique: see
    /// [`Client::upsert`].
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn upsert(
        &self,
        object: &str,
        external_id_field: &str,
        rows: &[impl Serialize],
    ) -> Result<Written> {
        self.upsert_with(object, external_id_field, rows, Again::Never).await
    }

    /// As [`upsert`](Self::upsert), by a field that the org keeps unique, which you vouch for: after a lost answer the
    /// call is sent again; rows that the lost one created are then told as not new.
    ///
    /// # Errors
    /// As [`create`](Self::create). [`ErrorKind::InvalidInput`] for `Id`: a row without one is a new one, of which a
    /// second would come.
    pub async fn upsert_by_unique(
        &self,
        object: &str,
        external_id_field: &str,
        rows: &[impl Serialize],
    ) -> Result<Written> {
        if external_id_field.eq_ignore_ascii_case("Id") {
            let message = "rows that may have no Id cannot be upserted by it a second time";
            return Err(Error::new(ErrorKind::InvalidInput, message).with_hint("Use `upsert` or `update`."));
        }
        self.upsert_with(object, external_id_field, rows, Again::SetsTheSame).await
    }

    async fn upsert_with(
        &self,
        object: &str,
        external_id_field: &str,
        rows: &[impl Serialize],
        again: Again,
    ) -> Result<Written> {
        let object = api_name(object, "an object")?;
        let field = api_name(external_id_field, "a field")?;
        let by_id = field.eq_ignore_ascii_case("Id");
        let bodies = self.bodies(rows, |mut fields| {
            if !by_id {
                if !fields.names().any(|name| name.eq_ignore_ascii_case(field)) {
                    return Err(Error::new(ErrorKind::InvalidInput, format!("a row has no {field}")));
                }
                // Which row it is, the external id says; an org takes no Id beside it.
                fields.take_id()?;
            }
            fields.typed(object, None)
        })?;
        let path = format!("composite/sobjects/{object}/{field}");
        let requests =
            bodies.into_iter().map(|body| self.client.patch(path.clone()).body(body, "application/json"));
        Ok(self.send(requests, rows.len(), again).await)
    }

    /// Deletes rows of any objects; they go to the recycle bin.
    ///
    /// # Errors
    /// As [`create`](Self::create). A row that was deleted by an attempt whose answer was lost is done.
    pub async fn delete(&self, ids: &[Id]) -> Result<Written> {
        self.check_size(ids.len())?;
        let requests = ids.chunks(self.batch).map(|ids| {
            self.client
                .delete("composite/sobjects")
                .query("ids", &joined(ids))
                .query("allOrNone", if self.all_or_none { "true" } else { "false" })
        });
        Ok(self.send(requests, ids.len(), Again::Deletes).await)
    }

    /// Reads the named fields of rows: one entry an id, in their order, `None` where there is no such row.
    ///
    /// # Errors
    /// As any call of the client; [`ErrorKind::InvalidInput`] without fields.
    pub async fn retrieve<T: DeserializeOwned>(
        &self,
        object: &str,
        ids: &[Id],
        fields: &[&str],
    ) -> Result<Vec<Option<T>>> {
        let path = format!("composite/sobjects/{}", api_name(object, "an object")?);
        if fields.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "name the fields to read"));
        }
        let mut all = Vec::with_capacity(ids.len());
        // Ids and fields go in the body, where they can be as many as they like.
        for ids in ids.chunks(self.batch) {
            let body = serde_json::json!({ "ids": ids, "fields": fields });
            let request = self.client.post(path.clone()).json_body(&body).repeatable(true);
            // A POST that reads leaves nothing open.
            let rows: Result<Vec<Option<T>>> = request.json().await;
            let rows = rows.map_err(|error| error.with_outcome_unknown(false))?;
            if rows.len() != ids.len() {
                return Err(miscounted(rows.len(), ids.len()));
            }
            all.extend(rows);
        }
        Ok(all)
    }

    fn check_size(&self, rows: usize) -> Result<()> {
        if self.all_or_none && rows > self.batch {
            let message = format!(
                "{rows} rows, all or none: an org can undo the rows of one call, which holds {}",
                self.batch
            );
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        Ok(())
    }

    /// The bodies of all calls; all rows are checked before any is sent.
    fn bodies(
        &self,
        rows: &[impl Serialize],
        mut prepare: impl FnMut(Fields) -> Result<Fields>,
    ) -> Result<Vec<Vec<u8>>> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body {
            all_or_none: bool,
            records: Vec<Fields>,
        }
        self.check_size(rows.len())?;
        let mut bodies = Vec::with_capacity(rows.len().div_ceil(self.batch));
        for (batch, rows) in rows.chunks(self.batch).enumerate() {
            let mut records = Vec::with_capacity(rows.len());
            for (at, row) in rows.iter().enumerate() {
                let place = batch * self.batch + at;
                records.push(
                    Fields::checked(row).and_then(&mut prepare).map_err(|error| at_row(place, &error))?,
                );
            }
            let body = Body { all_or_none: self.all_or_none, records };
            bodies.push(serde_json::to_vec(&body).map_err(|e| {
                Error::new(ErrorKind::InvalidInput, "the rows cannot be written as JSON").with_source(e)
            })?);
        }
        Ok(bodies)
    }

    async fn send<'r>(
        &self,
        requests: impl Iterator<Item = RequestBuilder<'r>> + Send,
        rows: usize,
        again: Again,
    ) -> Written {
        let mut outcomes = Vec::with_capacity(rows);
        let mut error = None;
        for request in requests {
            let sent = self.batch.min(rows - outcomes.len());
            match self.call(request.repeatable(again != Again::Never), sent, again).await {
                Ok(told) => outcomes.extend(told),
                Err(failed) => {
                    let (first, last) = (outcomes.len(), outcomes.len() + sent);
                    let open = failed.outcome_unknown();
                    let outcome = if open { RowOutcome::Unknown } else { RowOutcome::NotWritten };
                    outcomes.resize(last, outcome);
                    error = Some(failed.with_hint(what_to_do(first..last, rows, open)));
                    break;
                }
            }
        }
        outcomes.resize(rows, RowOutcome::NotWritten);
        Written { outcomes, error }
    }

    async fn call(&self, request: RequestBuilder<'_>, rows: usize, again: Again) -> Result<Vec<RowOutcome>> {
        let answer = request.response().await?;
        let told: Vec<Told> = answer
            .parse("the answer to a collection of rows")
            .map_err(|error| error.with_outcome_unknown(true))?;
        if told.len() != rows {
            return Err(miscounted(told.len(), rows).with_outcome_unknown(true));
        }
        let gone = |told: &Told| told.errors.first().is_some_and(|e| e.error_code == DELETED);
        // The lost attempt deleted them: each row for itself, or all of them and none alone.
        let ours = again == Again::Deletes
            && answer.after_unknown
            && (!self.all_or_none || told.iter().all(|told| told.success || gone(told)));
        Ok(told
            .into_iter()
            .map(|told| if ours && gone(&told) { RowOutcome::deleted() } else { told.into() })
            .collect())
    }
}

impl RowOutcome {
    fn deleted() -> Self {
        Self::Done { id: None, created: None, notes: Vec::new() }
    }
}

/// One entry of an answer.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    id: Option<Box<RawValue>>,
    success: bool,
    #[serde(default)]
    created: Option<bool>,
    #[serde(default)]
    errors: Vec<ApiError>,
}

impl From<Told> for RowOutcome {
    fn from(told: Told) -> Self {
        if !told.success {
            return Self::Refused(told.errors);
        }
        // An id that is none must not turn a row that was written into an error.
        let id = told.id.and_then(|id| serde_json::from_str(id.get()).ok());
        Self::Done { id, created: told.created, notes: told.errors }
    }
}

fn joined(ids: &[Id]) -> String {
    ids.iter().map(Id::as_str).collect::<Vec<_>>().join(",")
}

fn miscounted(told: usize, sent: usize) -> Error {
    let message = format!("the org answered with {told} outcomes for {sent} rows");
    Error::new(ErrorKind::Protocol, message)
}

fn at_row(place: usize, error: &Error) -> Error {
    let message = format!("row {} of the collection: {error}", place + 1);
    let source = std::error::Error::source(error).map(ToString::to_string);
    let placed = Error::new(error.kind(), message);
    match source {
        Some(source) => placed.with_source(source),
        None => placed,
    }
}

fn what_to_do(rows: Range<usize>, all: usize, open: bool) -> String {
    let these = Shown(&rows);
    let behind =
        if rows.end < all { format!(" {} were not sent.", Shown(&(rows.end..all))) } else { String::new() };
    if open {
        format!(
            "No answer told whether {these} of {all} were written: look for them before you send them again.{behind}"
        )
    } else {
        format!("{these} of {all} were not written.{behind}")
    }
}

/// Rows as people count them.
struct Shown<'r>(&'r Range<usize>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rows {} to {}", self.0.start + 1, self.0.end)
    }
}
