//! The work of a job: transactions of up to 200 rows, written to the store, and what became of each row.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::header::{Columns, Target, columns};
use super::job::Order;
use super::lookup::Found;
use super::outcome::{Blocks, LineWriter, Outcome, error_text, rewritten};
use super::reader::{Broken, Reader, Record, has_other_line_ends};
use super::row::Writer;
use crate::id::RecordId;
use crate::rest::Version;
use crate::schema::ObjectDef;
use crate::store::{RowError, Store};
use crate::value::Value;

/// Rows that are written together.
const TRANSACTION: usize = 200;
/// Rows of one of the batches that a day's allowance counts.
pub(super) const BATCH: u64 = 10_000;
/// The error of a row that others hold.
pub(super) const LOCKED: &str = "UNABLE_TO_LOCK_ROW";
/// Since this version failed rows of updates tell their ids.
const FAILED_IDS_SINCE: Version = Version(53);

/// How far a job is.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub(super) processed: u64,
    /// Of those, how many failed.
    pub(super) failed: u64,
    /// Bytes of upload and outcome files.
    pub(super) held: u64,
    /// Rows that failed because others held what they need.
    pub(super) lock_failures: LockFailures,
    /// Rows that the next transaction needs for itself.
    pub(super) in_flight: HashSet<RecordId>,
}

/// How often rows of a job were locked out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LockFailures {
    /// In the last transaction.
    pub(super) last: u64,
    pub(super) total: u64,
}

/// The work of one job.
#[derive(Debug)]
pub(super) struct Load {
    order: Order,
    object: Arc<ObjectDef>,
    columns: Columns,
    upload: Bytes,
    /// The header line as it was sent.
    header: String,
    rows: u64,
    /// Where the first row stands that is not processed yet.
    at: usize,
    /// Where each transaction begins.
    starts: Vec<usize>,
    successful: Blocks,
    failed: Blocks,
    processed: u64,
    failures: u64,
    lock_failures: LockFailures,
    random: fastrand::Rng,
}

impl Load {
    /// Looks an upload through. With it comes why the job cannot be worked on at all, if it cannot.
    pub(super) fn open(
        order: Order,
        object: Arc<ObjectDef>,
        upload: Bytes,
        store: &Store,
    ) -> (Self, Option<String>) {
        let mut load =
            Self {
                random: fastrand::Rng::with_seed(
                    order.id.as_bytes().iter().fold(7, |seed, byte| {
                        u64::wrapping_add(u64::wrapping_mul(seed, 31), u64::from(*byte))
                    }),
                ),
                order,
                object,
                columns: Columns::default(),
                upload,
                header: String::new(),
                rows: 0,
                at: 0,
                starts: Vec::new(),
                successful: Blocks::default(),
                failed: Blocks::default(),
                processed: 0,
                failures: 0,
                lock_failures: LockFailures::default(),
            };
        let failure = load.look_through(store).err();
        (load, failure)
    }

    fn look_through(&mut self, store: &Store) -> Result<(), String> {
        let upload = self.upload.clone();
        let text = std::str::from_utf8(&upload)
            .map_err(|_| "ClientInputError : The data is not valid UTF-8".to_owned())?;
        let mut reader = self.reader(text, 0);
        let mut record = Record::default();
        if !reader.next(&mut record) {
            return Err("ClientInputError : The data is empty".to_owned());
        }
        self.header = text[record.place.clone()].to_owned();
        self.at = reader.place();
        if has_other_line_ends(text, self.order.line_ending) {
            let setting = self.order.line_ending.as_str();
            return Err(format!(
                "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {setting}"
            ));
        }
        self.columns = columns(
            &record,
            &self.object,
            store.catalog(),
            self.order.operation,
            self.order.external.as_deref(),
            self.order.version,
        )?;
        loop {
            let place = reader.place();
            if !reader.next(&mut record) {
                break;
            }
            if record.broken == Some(Broken::Open) {
                return Err("ClientInputError : A quoted value is never closed".to_owned());
            }
            if self.rows.is_multiple_of(TRANSACTION as u64) {
                self.starts.push(place);
            }
            self.rows += 1;
        }
        self.forget_processed();
        Ok(())
    }

    /// Gives the memory of the upload back once all of its rows are processed.
    fn forget_processed(&mut self) {
        if self.processed == self.rows {
            self.upload = Bytes::new();
            self.at = 0;
        }
    }

    fn reader<'a>(&self, text: &'a str, from: usize) -> Reader<'a> {
        Reader::new(text, from, self.order.delimiter, self.order.line_ending)
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn transactions(&self) -> u64 {
        self.rows.div_ceil(TRANSACTION as u64)
    }

    /// The rows of the batch that begins with the next transaction; none within a batch.
    pub(super) fn next_batch(&self) -> Option<u64> {
        self.processed.is_multiple_of(BATCH).then(|| BATCH.min(self.rows - self.processed))
    }

    /// What the rows are of.
    pub(super) fn object(&self) -> &Arc<ObjectDef> {
        &self.object
    }

    /// How far the job is, with the rows that the next transaction locks where `locks` matter.
    pub(super) fn progress(&self, store: &Store, locks: bool) -> Progress {
        let in_flight = if locks {
            let (records, _) = self.next_records();
            let found = Found::by(store, &self.columns, &records);
            records.iter().flat_map(|record| self.writer(&found).needs(record)).collect()
        } else {
            HashSet::new()
        };
        Progress {
            processed: self.processed,
            failed: self.failures,
            lock_failures: self.lock_failures,
            held: self.upload.len() as u64 + self.successful.bytes() + self.failed.bytes(),
            in_flight,
        }
    }

    fn writer<'a>(&'a self, found: &'a Found) -> Writer<'a> {
        Writer { order: &self.order, object: &self.object, columns: &self.columns, found }
    }

    /// The rows of the next transaction, and where those behind them begin.
    fn next_records(&self) -> (Vec<Record>, usize) {
        // No more than they: a transaction does not pay for the whole upload.
        let later = self.starts.partition_point(|start| *start <= self.at);
        let end = self.starts.get(later).copied().unwrap_or(self.upload.len());
        let part = self.upload.get(self.at..end).unwrap_or_default();
        let mut reader = self.reader(std::str::from_utf8(part).unwrap_or_default(), 0);
        let mut records = Vec::with_capacity(TRANSACTION);
        let mut record = Record::default();
        while records.len() < TRANSACTION && reader.next(&mut record) {
            records.push(std::mem::take(&mut record));
        }
        (records, self.at + reader.place())
    }

    /// Commits the next transaction. Rows that need one of `locked` for themselves fail.
    pub(super) fn commit(&mut self, store: &mut Store, locked: &HashSet<RecordId>) {
        let (records, next) = self.next_records();
        let found = Found::by(store, &self.columns, &records);
        let writer = self.writer(&found);
        let twice = writer.named_twice(&records);
        let outcomes: Vec<Outcome> =
            records.iter().map(|record| writer.write(store, record, &twice, locked)).collect();
        self.keep(&records, &outcomes);
        self.at = next;
        self.forget_processed();
    }

    /// The events of the next transaction: what each of them holds, one value a field, or why it is none.
    pub(super) fn events(&self, store: &Store) -> Vec<Result<Vec<Value>, RowError>> {
        let (records, _) = self.next_records();
        let found = Found::by(store, &self.columns, &records);
        let writer = self.writer(&found);
        records.iter().map(|record| writer.event(store, record)).collect()
    }

    /// Notes what became of the events of the next transaction: what counts as the id of each, or why it is not published.
    pub(super) fn published(&mut self, events: impl Iterator<Item = Result<RecordId, RowError>>) {
        let (records, next) = self.next_records();
        let outcomes: Vec<Outcome> = events
            .map(|event| match event {
                Ok(id) => Outcome::Done { id, created: true },
                Err(error) => Outcome::Failed { id: None, error },
            })
            .collect();
        self.keep(&records, &outcomes);
        self.at = next;
        self.forget_processed();
    }

    fn keep(&mut self, records: &[Record], outcomes: &[Outcome]) {
        let lines = self.lines();
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (record, outcome) in records.iter().zip(outcomes) {
            match outcome {
                Outcome::Done { id, created } => {
                    let own = [Cow::from(id.text18()), Cow::from(created.to_string())];
                    let cells = record.cells().zip(&self.columns.targets);
                    let cells = cells.map(|(text, target)| match target {
                        Target::Field(at) => self
                            .object
                            .fields()
                            .get(*at)
                            .map_or(Cow::from(text), |field| rewritten(field, text)),
                        _ => Cow::from(text),
                    });
                    good.push(lines.line(own.into_iter().chain(cells)));
                }
                Outcome::Failed { id, error } => {
                    let id = id.filter(|_| self.order.version >= FAILED_IDS_SINCE);
                    let own = [
                        Cow::from(id.map(|id| id.text18()).unwrap_or_default()),
                        Cow::from(error_text(error)),
                    ];
                    let cells = (0..record.len().max(self.columns.targets.len()))
                        .map(|at| Cow::from(record.cell(at)));
                    bad.push(lines.line(own.into_iter().chain(cells)));
                }
            }
        }
        let locked =
            |outcome: &&Outcome| matches!(outcome, Outcome::Failed { error, .. } if error.code == LOCKED);
        self.lock_failures.last = outcomes.iter().filter(locked).count() as u64;
        self.lock_failures.total += self.lock_failures.last;
        self.processed += records.len() as u64;
        self.failures += bad.len() as u64;
        self.successful.add(good, &mut self.random);
        self.failed.add(bad, &mut self.random);
    }

    fn lines(&self) -> LineWriter {
        LineWriter { delimiter: self.order.delimiter, ending: self.order.line_ending }
    }

    /// The file of rows that were written; without its last rows when it is `late`.
    pub(super) fn successful(&self, late: bool) -> Vec<Bytes> {
        let mut out = vec![self.lines().header(["sf__Id", "sf__Created"], &self.header)];
        out.extend(self.successful.take(late));
        out
    }

    /// The file of rows that were refused; without its last rows when it is `late`.
    pub(super) fn failed(&self, late: bool) -> Vec<Bytes> {
        let mut out = vec![self.lines().header(["sf__Id", "sf__Error"], &self.header)];
        out.extend(self.failed.take(late));
        out
    }

    /// The file of rows that were not tried: as they were sent.
    pub(super) fn unprocessed(&self) -> Vec<Bytes> {
        let mut header = self.header.clone().into_bytes();
        header.extend_from_slice(self.order.line_ending.bytes());
        let rest = self.upload.get(self.at..).map(|rest| self.upload.slice_ref(rest));
        [Bytes::from(header)].into_iter().chain(rest.filter(|rest| !rest.is_empty())).collect()
    }
}

/// The rows or external ids that are named more than once in one transaction.
pub(super) type NamedTwice = HashSet<String>;

/// A row that is no row of the file's columns.
pub(super) fn shape(record: &Record, columns: usize) -> Result<(), RowError> {
    // Documented are the limits, and that such rows fail; the words are ours.
    const MOST_CHARACTERS: usize = 400_000;
    const CELL: usize = 131_072;
    let invalid = |message: String| Err(RowError::new("INVALID_FIELD", message));
    if record.broken.is_some() {
        return invalid("The quotes of a value in the row are not valid CSV".to_owned());
    }
    if record.len() != columns {
        return invalid(format!("The row has {} values and the header has {columns}", record.len()));
    }
    if record.characters() > MOST_CHARACTERS {
        return invalid(format!("The row has more than {MOST_CHARACTERS} characters"));
    }
    if let Some(at) = record.cells().position(|cell| cell.len() > CELL && cell.chars().count() > CELL) {
        return invalid(format!("The value at col {at} has more than {CELL} characters"));
    }
    Ok(())
}
