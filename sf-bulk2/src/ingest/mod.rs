//! Ingest jobs: rows that are written to an org, and what became of each.

mod job;
mod outcome;
mod tally;

pub use job::IngestJob;
pub use outcome::{Echo, Failure, Outcomes, Success};
pub use tally::Tally;

use serde::Serialize;
use sf_core::{Client, Id};

use crate::handle::{Handle, Kind};
use crate::{ColumnDelimiter, LineEnding, Operation, Result};

/// What is to be done with rows, and how their CSV is written.
///
/// ```
/// use sf_bulk2::{ColumnDelimiter, Ingest};
///
/// let ingest = Ingest::upsert("Contact", "Email__c").column_delimiter(ColumnDelimiter::Semicolon);
/// ```
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Ingest {
    object: String,
    operation: Operation,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id_field_name: Option<String>,
    content_type: &'static str,
    column_delimiter: ColumnDelimiter,
    line_ending: LineEnding,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignment_rule_id: Option<Id>,
}

impl Ingest {
    fn new(object: impl Into<String>, operation: Operation) -> Self {
        Self {
            object: object.into(),
            operation,
            external_id_field_name: None,
            content_type: "CSV",
            column_delimiter: ColumnDelimiter::default(),
            line_ending: LineEnding::default(),
            assignment_rule_id: None,
        }
    }

    /// Makes rows of the object.
    pub fn insert(object: impl Into<String>) -> Self {
        Self::new(object, Operation::Insert)
    }

    /// Changes rows. Each needs its `Id`.
    pub fn update(object: impl Into<String>) -> Self {
        Self::new(object, Operation::Update)
    }

    /// Changes the row whose external id field has the same value, or makes it. `Id` is such a field too.
    pub fn upsert(object: impl Into<String>, external_id_field: impl Into<String>) -> Self {
        let mut this = Self::new(object, Operation::Upsert);
        this.external_id_field_name = Some(external_id_field.into());
        this
    }

    /// Moves rows to the recycle bin. Their data is one column, `Id`.
    pub fn delete(object: impl Into<String>) -> Self {
        Self::new(object, Operation::Delete)
    }

    /// Deletes rows for good, which the org allows only to users with the permission "Bulk API Hard Delete".
    /// Their data is one column, `Id`.
    pub fn hard_delete(object: impl Into<String>) -> Self {
        Self::new(object, Operation::HardDelete)
    }

    /// What stands between two cells. A comma by default.
    pub fn column_delimiter(mut self, delimiter: ColumnDelimiter) -> Self {
        self.column_delimiter = delimiter;
        self
    }

    /// What ends a line. A line feed by default. Line ends inside a cell must be of the same kind, the org
    /// refuses the job otherwise.
    pub fn line_ending(mut self, line_ending: LineEnding) -> Self {
        self.line_ending = line_ending;
        self
    }

    /// The assignment rule for Leads and Cases.
    pub fn assignment_rule(mut self, id: Id) -> Self {
        self.assignment_rule_id = Some(id);
        self
    }

    /// Makes the job, under the client's API version, and sends nothing yet.
    ///
    /// Where the answer is lost, another job is made: the lost one is empty, and the org drops it in a day.
    ///
    /// # Errors
    /// [`ErrorKind::Api`](crate::ErrorKind::Api) where the org refuses it.
    pub async fn create(&self, client: &Client) -> Result<IngestJob> {
        let (handle, _, orphans) = Handle::create(client, Kind::Ingest, self).await?;
        Ok(IngestJob::new(handle, orphans))
    }
}
