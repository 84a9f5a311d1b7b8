//! Ingest jobs: rows that are written to an org, and what became of each.

mod cell;
mod cut;
mod encode;
mod find;
mod job;
mod join;
mod load;
mod loaded;
mod locks;
mod outcome;
mod replay;
mod reread;
mod scan;
mod send;
mod serialize;
mod shelf;
mod single;
mod source;
mod tally;

pub use cell::{Cell, cell};
pub use job::IngestJob;
pub use join::{Input, Joined, JoinedOutcomes};
pub use load::Load;
pub use loaded::{Loaded, LoadedJob, Unsettled};
pub use locks::{Retried, RetryLocks};
pub use outcome::{Echo, Failure, Outcomes, Success};
pub use replay::Replay;
pub use tally::Tally;

use serde::Serialize;
use sf_core::{Client, Id};

use crate::handle::{Handle, Kind};
use crate::spool::{Span, Spool};
use crate::{ColumnDelimiter, Error, ErrorKind, LineEnding, Operation, Result};
use encode::Format;
use join::Kept;
use sf_core::poll::PollPolicy;
use source::Limits;

/// What the org takes for one job at most: 150 MB once it is base64, so 112 MB; its guide advises 100 MB
/// (Bulk API 2.0 guide, "Upload Job Data").
const MAX_PART: usize = 100_000_000;

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
    #[serde(skip)]
    loading: Loading,
}

/// How a load is spread over jobs.
#[derive(Debug, Clone)]
struct Loading {
    part_bytes: usize,
    part_rows: u64,
    uploads_in_flight: usize,
    jobs_in_flight: usize,
    poll: PollPolicy,
    convert_line_ends: bool,
    columns: Vec<String>,
    keep_rows: bool,
    multipart: bool,
    replay: Replay,
}

impl Default for Loading {
    fn default() -> Self {
        Self {
            part_bytes: 8 * 1024 * 1024,
            part_rows: u64::MAX,
            uploads_in_flight: 3,
            jobs_in_flight: 8,
            poll: PollPolicy::default(),
            convert_line_ends: false,
            columns: Vec::new(),
            keep_rows: false,
            multipart: false,
            replay: Replay::Memory,
        }
    }
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
            loading: Loading::default(),
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

    /// Makes line ends inside cells those of the job. Without it a cell with another line end is an error
    /// before it is sent, because the org gives up the whole job for it.
    pub fn convert_line_ends(mut self) -> Self {
        self.loading.convert_line_ends = true;
        self
    }

    /// The columns of rows that are written by serde, where the first row may not have all of them.
    pub fn columns<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.loading.columns = names.into_iter().map(Into::into).collect();
        self
    }

    /// How many bytes one job of a load gets at most, header included: 8 MiB by default, 100 MB at most.
    /// A load needs about this much memory for each upload in flight, and once more for the part that is written,
    /// unless its parts lie elsewhere ([`replay`](Self::replay)). Each job takes some ten calls of the day's allowance.
    pub fn part_bytes(mut self, bytes: usize) -> Self {
        self.loading.part_bytes = bytes;
        self
    }

    /// How many rows one job of a load gets at most. No limit by default; the org itself works in chunks of
    /// 10,000, and each of them counts for the day's allowance.
    pub fn part_rows(mut self, rows: u64) -> Self {
        self.loading.part_rows = rows;
        self
    }

    /// How many jobs of a load are given their data at once: three by default. They count as
    /// [`jobs_in_flight`](Self::jobs_in_flight) too, of which there are more, as those that the org works on take no memory
    /// here.
    pub fn uploads_in_flight(mut self, uploads: usize) -> Self {
        self.loading.uploads_in_flight = uploads;
        self
    }

    /// How many jobs of a load run at once: eight by default. Jobs in flight at once end in any order; where
    /// rows of the same record stand in several parts, or parents are locked by several, one at a time keeps
    /// order and peace.
    pub fn jobs_in_flight(mut self, jobs: usize) -> Self {
        self.loading.jobs_in_flight = jobs;
        self
    }

    /// Where the data of a load's jobs lies until the org has it. In memory by default.
    pub fn replay(mut self, replay: Replay) -> Self {
        self.loading.replay = replay;
        self
    }

    /// How often, and how long, a load asks for its jobs.
    pub fn poll(mut self, policy: PollPolicy) -> Self {
        self.loading.poll = policy;
        self
    }

    /// Keeps the rows of a load in a temporary file until its [`Loaded`] is dropped: to join outcomes to
    /// them ([`Loaded::failures_with_input`]) and to send locked ones again ([`Loaded::retry_locked`]).
    pub fn keep_rows(mut self) -> Self {
        self.loading.keep_rows = true;
        self
    }

    /// Makes the job of a small load together with its data, in one call in place of three (`multipart/form-data`).
    /// Small is a load of one part, of at most 100,000 bytes; others are sent as ever.
    ///
    /// It is worth its while where loads are many and calls are counted. The price is what happens when the answer
    /// is lost: a job that is made empty can simply be made again, and this one cannot. The org's list of jobs is
    /// searched for one that this user made since then for the same object and operation, and whose outcomes are of
    /// just the rows that were sent: then it is that ([`LoadedJob::found`]). Else, after a minute, the load ends
    /// [`ErrorKind::InDoubt`]. Nothing is sent again. Where others load the very same rows at the same time under
    /// the same user, their job cannot be told from this one.
    pub fn multipart(mut self) -> Self {
        self.loading.multipart = true;
        self
    }

    /// The data of a job that is kept.
    fn kept(&self, spool: &Spool, span: Span) -> Kept {
        let key = match self.operation {
            Operation::Insert => None,
            Operation::Upsert => self.external_id_field_name.clone(),
            _ => Some("Id".to_owned()),
        };
        Kept { spool: spool.clone(), span, format: self.format(), key }
    }

    fn format(&self) -> Format {
        Format {
            delimiter: self.column_delimiter,
            line_ending: self.line_ending,
            convert: self.loading.convert_line_ends,
        }
    }

    fn limits(&self) -> Limits {
        Limits { bytes: self.loading.part_bytes, rows: self.loading.part_rows.max(1) }
    }

    fn check(&self) -> Result<()> {
        let bytes = self.loading.part_bytes;
        if bytes > MAX_PART {
            let text = format!("a part of {bytes} bytes is more than the {MAX_PART} that one job takes");
            return Err(Error::new(ErrorKind::InvalidInput, None, text));
        }
        Ok(())
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
