//! Outcomes joined to the rows that were sent. The org gives rows back in any order and writes numbers and
//! dates its own way, so a row is found by its key or by what it means, and never by its place.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use futures_util::Stream;
use sf_core::Id;
use sf_core::record::{Field, FieldType, Value, csv_cell};

use super::encode::Format;
use super::outcome::Line;
use super::scan::Scanner;
use super::{Echo, Failure, LoadedJob, Outcomes, Success};
use crate::spool::{Span, Spool};
use crate::{Error, ErrorKind, Result};

/// An outcome, and the row that was sent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Joined<T> {
    /// What became of it.
    pub outcome: T,
    /// The row as it was sent; `None` where it cannot be told for certain which one it was.
    pub input: Option<Input>,
}

/// A row as it was sent.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Input {
    /// Which row of the load it is, counted from zero. Of rows that are the same in every cell, it is one.
    pub row: u64,
    /// How many rows of its job are the same in every cell, itself included.
    pub copies: usize,
    /// Its cells, in the order of the columns.
    pub cells: Vec<String>,
    /// Where it stands among the rows that were kept.
    pub(super) span: Span,
}

/// Says how much there is, not what: rows are people's data and do not belong into logs.
impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("row", &self.row).field("copies", &self.copies).finish_non_exhaustive()
    }
}

/// Where the data of a job was kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) spool: Spool,
    pub(super) span: Span,
    pub(super) format: Format,
    /// The column that tells rows apart: the external id, or `Id`.
    pub(super) key: Option<String>,
}

/// The outcomes of a load's jobs, each with the row that was sent. Made by
/// [`Loaded::failures_with_input`](super::Loaded::failures_with_input) and
/// [`Loaded::successes_with_input`](super::Loaded::successes_with_input).
///
/// Memory is that of one job's data.
#[derive(Debug)]
pub struct JoinedOutcomes<T> {
    jobs: std::vec::IntoIter<LoadedJob>,
    open: Option<(Own, Outcomes<T>)>,
}

/// What can be joined.
pub trait Joinable: Line + Sized {
    #[doc(hidden)]
    fn open(job: &LoadedJob) -> impl Future<Output = Result<Outcomes<Self>>> + Send;
    #[doc(hidden)]
    fn echo(&self) -> &Echo;
}

impl Joinable for Success {
    async fn open(job: &LoadedJob) -> Result<Outcomes<Self>> {
        job.job.successes().await
    }

    fn echo(&self) -> &Echo {
        &self.row
    }
}

impl Joinable for Failure {
    async fn open(job: &LoadedJob) -> Result<Outcomes<Self>> {
        job.job.failures().await
    }

    fn echo(&self) -> &Echo {
        &self.row
    }
}

impl<T: Joinable> JoinedOutcomes<T> {
    pub(super) fn new(jobs: Vec<LoadedJob>) -> Self {
        Self { jobs: jobs.into_iter(), open: None }
    }

    /// The next outcome; `None` after the last one.
    ///
    /// # Errors
    /// As [`Outcomes::next_row`], and [`ErrorKind::InvalidInput`] where the load did not keep its rows
    /// ([`Ingest::keep_rows`](super::Ingest::keep_rows)).
    pub async fn next_row(&mut self) -> Result<Option<Joined<T>>> {
        loop {
            if let Some((own, outcomes)) = &mut self.open {
                if let Some(outcome) = outcomes.next_row().await? {
                    let input = own.take(outcome.echo());
                    return Ok(Some(Joined { outcome, input }));
                }
                self.open = None;
            }
            let Some(job) = self.jobs.next() else { return Ok(None) };
            let own = Own::read(&job).await?;
            self.open = Some((own, T::open(&job).await?));
        }
    }

    /// The outcomes as a stream.
    pub fn stream(self) -> impl Stream<Item = Result<Joined<T>>> {
        futures_util::stream::try_unfold(self, |mut rows| async move {
            Ok(rows.next_row().await?.map(|row| (row, rows)))
        })
    }
}

/// The rows of one job, by what tells them apart.
struct Own {
    data: Vec<u8>,
    span: Span,
    first_row: u64,
    delimiter: u8,
    header: Vec<String>,
    key: Option<usize>,
    /// Where each row stands in `data`.
    rows: Vec<(usize, usize)>,
    /// Rows by the hash of their key, or of all their cells: those that no outcome has taken.
    index: HashMap<u64, Vec<usize>>,
    /// For each row how many are the same.
    copies: Vec<usize>,
}

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Own").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

impl Own {
    async fn read(job: &LoadedJob) -> Result<Self> {
        let Some(kept) = &job.kept else {
            let text = "the load did not keep its rows: ask for it with `keep_rows` before it runs";
            return Err(Error::new(ErrorKind::InvalidInput, job.job.id(), text));
        };
        let data = kept.spool.read(kept.span).await.map_err(|e| {
            Error::new(ErrorKind::Io, job.job.id(), "its rows could not be read back").with_source(e)
        })?;
        Ok(Self::new(data, kept.span, kept.format, kept.key.as_deref(), job.first_row))
    }

    fn new(data: Vec<u8>, span: Span, format: Format, key: Option<&str>, first_row: u64) -> Self {
        let mut scanner = Scanner::new(format, usize::MAX);
        let mut bounds = Vec::new();
        let mut rest = &data[..];
        // It was written here, so there is nothing wrong with it.
        while let Ok(true) = scanner.next(&mut rest) {
            let end = data.len() - rest.len() - format.line_ending.as_str().len();
            bounds.push((end - scanner.record().len(), end));
        }
        let delimiter = format.delimiter.byte();
        let header = bounds.first().map_or_else(Vec::new, |&(a, b)| cells(&data[a..b], delimiter));
        let key = key.and_then(|key| header.iter().position(|name| name.eq_ignore_ascii_case(key)));
        let mut own = Self {
            rows: bounds.split_off(1.min(bounds.len())),
            data,
            span,
            first_row,
            delimiter,
            header,
            key,
            index: HashMap::new(),
            copies: Vec::new(),
        };
        let mut alike: HashMap<&[u8], usize> = HashMap::new();
        for row in 0..own.rows.len() {
            *alike.entry(own.raw(row)).or_default() += 1;
        }
        let copies = (0..own.rows.len()).map(|row| alike.get(own.raw(row)).copied().unwrap_or(1)).collect();
        drop(alike);
        own.copies = copies;
        for row in 0..own.rows.len() {
            let hash = own.hash(own.cells(row).iter().map(String::as_str));
            own.index.entry(hash).or_default().push(row);
        }
        own
    }

    fn raw(&self, row: usize) -> &[u8] {
        let (from, to) = self.rows[row];
        &self.data[from..to]
    }

    fn cells(&self, row: usize) -> Vec<String> {
        cells(self.raw(row), self.delimiter)
    }

    /// A hash of the key, or of all cells where there is none.
    fn hash<'c>(&self, cells: impl Iterator<Item = &'c str>) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (column, cell) in cells.enumerate() {
            if self.key.is_none_or(|key| key == column) {
                hasher.write(self.canonical(column, cell).as_bytes());
                hasher.write_u8(0xFF);
            }
        }
        hasher.finish()
    }

    fn canonical<'c>(&self, column: usize, cell: &'c str) -> Cow<'c, str> {
        // An id is the same record in 15 and in 18 characters.
        let id = self.key == Some(column) && self.header[column].eq_ignore_ascii_case("Id");
        match id.then(|| cell.parse::<Id>()) {
            Some(Ok(id)) => Cow::Owned(id.to_string()),
            _ => canonical(cell),
        }
    }

    /// The row that this is the echo of, where there is no doubt about it. It is taken by that.
    fn take(&mut self, echo: &Echo) -> Option<Input> {
        let names = echo.header().iter().zip(&self.header);
        if echo.header().len() != self.header.len()
            || !names.into_iter().all(|(a, b)| a.eq_ignore_ascii_case(b))
        {
            return None;
        }
        let hash = self.hash(echo.cells());
        let group = self.index.get(&hash)?;
        let same = |row: usize, column: Option<usize>| {
            let own = self.cells(row);
            own.iter().zip(echo.cells()).enumerate().all(|(i, (own, echo))| {
                column.is_some_and(|c| c != i) || self.canonical(i, own) == self.canonical(i, echo)
            })
        };
        let mut fits: Vec<usize> = group.iter().copied().filter(|row| same(*row, self.key)).collect();
        if self.key.is_some() && !self.all_alike(&fits) {
            // The key stands several times: the other cells decide.
            fits.retain(|row| same(*row, None));
        }
        let &row = fits.first()?;
        if !self.all_alike(&fits) {
            return None;
        }
        let copies = self.copies[row];
        if let Some(group) = self.index.get_mut(&hash) {
            group.retain(|r| *r != row);
        }
        let (from, to) = self.rows[row];
        let span = Span { at: self.span.at + from as u64, len: to - from };
        Some(Input { row: self.first_row + row as u64, copies, cells: self.cells(row), span })
    }

    fn all_alike(&self, rows: &[usize]) -> bool {
        rows.windows(2).all(|pair| self.raw(pair[0]) == self.raw(pair[1]))
    }
}

/// The cells of a record that is known to be well written.
fn cells(record: &[u8], delimiter: u8) -> Vec<String> {
    let mut builder = csv::ReaderBuilder::new();
    let buffer = record.len().max(16);
    let mut reader =
        builder.has_headers(false).delimiter(delimiter).buffer_capacity(buffer).from_reader(record);
    let mut row = csv::ByteRecord::new();
    match reader.read_byte_record(&mut row) {
        Ok(true) => row.iter().map(|c| String::from_utf8_lossy(c).into_owned()).collect(),
        _ => Vec::new(),
    }
}

/// What a cell means, whichever way it is written: `912260031` and `9.12260031E8` are one number.
pub(super) fn canonical(cell: &str) -> Cow<'_, str> {
    let typed = |field_type| csv_cell::decode(&Field::new("", field_type), cell).ok();
    let bytes = cell.as_bytes();
    if cell.is_empty() || cell == "#N/A" {
        return Cow::Borrowed("");
    }
    if cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("false") {
        return Cow::Owned(cell.to_ascii_lowercase());
    }
    if bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
        && let Some(Value::Decimal(number)) = typed(FieldType::Double)
    {
        return Cow::Owned(number.normalized().to_plain_string());
    }
    if bytes.get(10) == Some(&b'T')
        && let Some(Value::DateTime(instant)) = typed(FieldType::DateTime)
    {
        return Cow::Owned(instant.timestamp_millis().to_string());
    }
    if cell.contains("\r\n") { Cow::Owned(cell.replace("\r\n", "\n")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{ColumnDelimiter, LineEnding};

    const LF: Format =
        Format { delimiter: ColumnDelimiter::Comma, line_ending: LineEnding::Lf, convert: false };

    fn own(csv: &str, key: Option<&str>) -> Own {
        let span = Span { at: 100, len: csv.len() };
        Own::new(csv.as_bytes().to_vec(), span, LF, key, 7)
    }

    fn echo(header: &[&str], cells: &[&str]) -> Echo {
        let header = Arc::new(header.iter().map(|n| (*n).to_owned()).collect());
        Echo::of(header, cells)
    }

    fn row(own: &mut Own, cells: &[&str]) -> Option<(u64, usize)> {
        let header: Vec<_> = own.header.clone();
        let header: Vec<_> = header.iter().map(String::as_str).collect();
        own.take(&echo(&header, cells)).map(|i| (i.row, i.copies))
    }

    #[test]
    fn cells_are_compared_by_what_they_mean() {
        for (sent, echoed) in [
            ("912260031", "9.12260031E8"),
            ("1.50", "1.5"),
            ("+7", "7.0"),
            ("TRUE", "true"),
            ("#N/A", ""),
            ("2024-02-29T10:00:00+02:00", "2024-02-29T08:00:00.000Z"),
            ("a\r\nb", "a\nb"),
        ] {
            assert_eq!(canonical(sent), canonical(echoed), "{sent}");
        }
        for (one, other) in [("a", "A"), ("1.5", "1.51"), (" a", "a"), ("2024-02-29", "2024-03-01")] {
            assert_ne!(canonical(one), canonical(other), "{one}");
        }
    }

    #[test]
    fn a_row_is_found_by_all_its_cells_where_it_has_no_key() {
        let mut own = own("Name,N\na,1.0\nb,2\n\"c,\nd\",3\n", None);
        assert_eq!(row(&mut own, &["c,\nd", "3"]), Some((9, 1)));
        assert_eq!(row(&mut own, &["a", "1"]), Some((7, 1)));
        assert_eq!(row(&mut own, &["a", "1"]), None, "it is taken");
        assert_eq!(row(&mut own, &["b", "3"]), None, "no such row was sent");
    }

    #[test]
    fn rows_that_are_the_same_are_one_each_and_those_that_only_mean_the_same_are_not_guessed() {
        let mut same = own("Name\na\na\nb\n", None);
        assert_eq!(
            [row(&mut same, &["a"]), row(&mut same, &["a"]), row(&mut same, &["a"])],
            [Some((7, 2)), Some((8, 2)), None]
        );
        // One was sent as 1 and one as 1.0; the org says 1 for both.
        let mut alike = own("Text\n1\n1.0\n", None);
        assert_eq!(row(&mut alike, &["1"]), None);
    }

    #[test]
    fn a_row_is_found_by_its_key_whatever_became_of_its_other_cells() {
        let mut own = own("Ext__c,Name\nx1,a\nx2,b\nx2,c\n", Some("ext__C"));
        assert_eq!(row(&mut own, &["x1", "rewritten"]), Some((7, 1)));
        // The key stands twice: the other cells decide, or nobody knows.
        assert_eq!(row(&mut own, &["x2", "rewritten"]), None);
        assert_eq!(row(&mut own, &["x2", "c"]), Some((9, 1)));
    }

    #[test]
    fn an_id_is_the_same_in_both_its_lengths() {
        let mut own = own("Id,Name\n0017h00000doU3R,a\n", Some("Id"));
        let input = own.take(&echo(&["Id", "Name"], &["0017h00000doU3RAAU", "z"])).unwrap();
        assert_eq!(input.cells, ["0017h00000doU3R", "a"]);
        assert_eq!(input.span, Span { at: 108, len: 17 });
    }
}
