//! Where the rows of a load come from: all of it becomes parts.

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::{Stream, StreamExt};
use serde::Serialize;
use sf_core::record::{Columns as RecordColumns, Record};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::cut::{Cut, Cutter, Part};
use super::encode::{Format, RowText, record_cell};
use super::replay::Replay;
use super::scan::{Fault, Scanner};
use super::serialize::{Columns, write_row};
use super::shelf::{Shelf, not_a_file};
use super::{Ingest, Load};
use crate::{Error, ErrorKind, Nulls, Result};

const PIECE: usize = 64 * 1024;
/// After so many bytes of rows others have their turn, also where the next row is there at once.
const TURN: usize = 128 * 1024;

impl Ingest {
    /// Loads CSV with a header line from a reader, for example a socket or a decompressor.
    ///
    /// Cells go to the org as they are written, with the job's delimiter; nulls are what the data says, an
    /// empty cell or `#N/A`. A byte order mark, either line end and a missing last one are read; a row with
    /// another number of cells than the header, and quotes that do not fit, are errors with their line.
    pub fn csv<'a>(self, reader: impl AsyncRead + Send + 'a) -> Load<'a> {
        self.csv_of("the data".to_owned(), Origin::Open(Box::pin(reader)))
    }

    /// As [`csv`](Self::csv), from memory.
    pub fn csv_bytes<'a>(self, csv: impl AsRef<[u8]> + Send + Unpin + 'a) -> Load<'a> {
        self.csv(std::io::Cursor::new(csv))
    }

    /// As [`csv`](Self::csv), from a file.
    pub fn csv_file<'a>(self, path: impl AsRef<Path>) -> Load<'a> {
        let path = path.as_ref().to_owned();
        self.csv_of(path.display().to_string(), Origin::File(path))
    }

    fn csv_of(self, name: String, origin: Origin<'_>) -> Load<'_> {
        if matches!(origin, Origin::Open(_)) && self.replay_from() == Replay::Source {
            return self.refused();
        }
        let scanner = Scanner::new(self.format(), self.limits().bytes);
        let lines = Lines { name, scanner, cutter: None, width: 0, limits: self.limits() };
        let source = CsvSource {
            origin,
            lines,
            shelf: self.shelf(),
            piece: vec![0; PIECE],
            before: 0,
            at: 0,
            filled: 0,
            ended: false,
        };
        let parts = futures_util::stream::try_unfold(source, |mut source| async move {
            Ok(source.next_part().await?.map(|part| (part, source)))
        });
        Load::new(self, parts)
    }

    /// Loads rows that serde can write: structs or maps, whose names are the columns. The first row names
    /// them all, unless [`columns`](Self::columns) does; a column that a row leaves out is left as it is.
    ///
    /// A null (`None`) is what `nulls` says. Numbers are written exactly and without an exponent. Times and
    /// decimals of other crates are what their serde makes of them: with
    /// `#[serde(serialize_with = "sf_bulk2::cell")]` they are what an org reads.
    pub fn rows<'a, T: Serialize + Send + 'a>(
        self,
        rows: impl Stream<Item = T> + Send + 'a,
        nulls: Nulls,
    ) -> Load<'a> {
        self.try_rows(rows.map(Ok::<_, std::convert::Infallible>), nulls)
    }

    /// As [`rows`](Self::rows), from a source that can fail: the load stops there.
    pub fn try_rows<'a, T, E>(
        self,
        rows: impl Stream<Item = Result<T, E>> + Send + 'a,
        nulls: Nulls,
    ) -> Load<'a>
    where
        T: Serialize + Send + 'a,
        E: Into<Box<dyn StdError + Send + Sync>> + Send + 'a,
    {
        let mut columns = Columns::new(self.loading.columns.clone());
        let write = move |row: &T, names: &mut Option<Vec<String>>, out: &mut RowText| {
            write_row(row, nulls, &mut columns, out).map_err(|e| e.0)?;
            if names.is_none() {
                *names = Some(columns.names.clone());
            }
            Ok(())
        };
        self.written(rows, write)
    }

    /// Loads records as they come from a query, with the columns of the first one. A value that is null is
    /// what `nulls` says.
    pub fn records<'a, E>(
        self,
        records: impl Stream<Item = Result<Record, E>> + Send + 'a,
        nulls: Nulls,
    ) -> Load<'a>
    where
        E: Into<Box<dyn StdError + Send + Sync>> + Send + 'a,
    {
        let mut layout: Option<Layout> = None;
        let write = move |record: &Record, names: &mut Option<Vec<String>>, out: &mut RowText| {
            let layout = match &mut layout {
                Some(layout) if Arc::ptr_eq(&layout.columns, record.columns()) => layout,
                other => {
                    let new = Layout::of(record);
                    let fields = new.names(record);
                    if names.get_or_insert_with(|| fields.clone()) != &fields {
                        return Err("the record has other columns than the first one".to_owned());
                    }
                    other.insert(new)
                }
            };
            out.begin(layout.fields.len());
            for (column, &field) in layout.fields.iter().enumerate() {
                out.cell(column, |text| record_cell(record, field, nulls, text))?;
            }
            Ok(())
        };
        self.written(records, write)
    }

    /// A load that ends before its first row.
    fn refused<'a>(self) -> Load<'a> {
        Load::new(self, futures_util::stream::once(std::future::ready(Err(not_a_file()))))
    }

    fn written<'a, T: Send + 'a, E>(
        self,
        rows: impl Stream<Item = Result<T, E>> + Send + 'a,
        write: impl FnMut(&T, &mut Option<Vec<String>>, &mut RowText) -> Result<(), String> + Send + 'a,
    ) -> Load<'a>
    where
        E: Into<Box<dyn StdError + Send + Sync>> + Send + 'a,
    {
        if self.replay_from() == Replay::Source {
            return self.refused();
        }
        let source = RowSource {
            rows: Box::pin(rows),
            ended: false,
            write,
            format: self.format(),
            limits: self.limits(),
            shelf: self.shelf(),
            cutter: None,
            names: None,
            text: RowText::new(self.column_delimiter),
            record: Vec::new(),
            seen: 0,
        };
        let parts = futures_util::stream::try_unfold(source, |mut source| async move {
            Ok(source.next_part().await?.map(|part| (part, source)))
        });
        Load::new(self, parts)
    }
}

/// What CSV is read from.
enum Origin<'a> {
    File(PathBuf),
    Open(Pin<Box<dyn AsyncRead + Send + 'a>>),
}

impl Origin<'_> {
    async fn read(&mut self, piece: &mut [u8], shelf: &mut Shelf) -> std::io::Result<usize> {
        if let Self::File(path) = self {
            let file = tokio::fs::File::open(&path).await?;
            shelf.opened(std::mem::take(path), &file).await?;
            *self = Self::Open(Box::pin(file));
        }
        match self {
            Self::Open(reader) => {
                // Not every reader has to wait, and others want their turn.
                tokio::task::yield_now().await;
                reader.read(piece).await
            }
            Self::File(_) => Ok(0),
        }
    }
}

/// The fields that a record has columns for.
struct Layout {
    columns: Arc<RecordColumns>,
    fields: Vec<usize>,
}

impl Layout {
    fn of(record: &Record) -> Self {
        let columns = Arc::clone(record.columns());
        let count = record.schema().fields().len();
        Self { fields: (0..count).filter(|i| columns.column_of(*i).is_some()).collect(), columns }
    }

    fn names(&self, record: &Record) -> Vec<String> {
        self.fields.iter().map(|&i| record.schema().fields()[i].name().to_owned()).collect()
    }
}

/// How large a part may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) bytes: usize,
    pub(super) rows: u64,
}

fn check_header<'c>(names: impl Iterator<Item = &'c str> + Clone) -> Result<(), String> {
    if names.clone().next().is_none() {
        return Err("the row has no columns".to_owned());
    }
    for (i, name) in names.clone().enumerate() {
        if name.contains(['\n', '\r']) {
            return Err(format!("the name of column {} of the header has a line end", i + 1));
        }
        if name.trim().is_empty() {
            return Err(format!("column {} of the header has no name", i + 1));
        }
        if names.clone().take(i).any(|n| n.eq_ignore_ascii_case(name)) {
            return Err(format!("the header has the column {name} twice"));
        }
    }
    Ok(())
}

/// CSV of somebody else, line by line.
struct Lines {
    name: String,
    scanner: Scanner,
    cutter: Option<Cutter>,
    width: usize,
    limits: Limits,
}

impl Lines {
    fn fault(&self, fault: &Fault) -> Error {
        let rows = self.cutter.as_ref().map_or(0, Cutter::rows);
        let text =
            format!("line {} of {}: {} ({rows} rows came before it)", fault.line, self.name, fault.what);
        Error::new(ErrorKind::InvalidInput, None, text)
    }

    /// The record that the scanner found.
    fn record(&mut self) -> Result<Option<Cut>> {
        self.take_record().map_err(|what| self.fault(&Fault { line: self.scanner.began(), what }))
    }

    fn take_record(&mut self) -> Result<Option<Cut>, String> {
        let (record, cells) = (self.scanner.record(), self.scanner.cells());
        let Ok(text) = std::str::from_utf8(record) else {
            return Err("the line is not UTF-8".to_owned());
        };
        let format = self.scanner.format();
        let Some(cutter) = &mut self.cutter else {
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .delimiter(format.delimiter.byte())
                .from_reader(text.as_bytes());
            let mut header = csv::StringRecord::new();
            reader.read_record(&mut header).map_err(|e| e.to_string())?;
            check_header(header.iter())?;
            self.width = cells;
            self.cutter = Some(Cutter::new(record, format.line_ending, self.limits.bytes, self.limits.rows));
            return Ok(None);
        };
        if cells != self.width {
            return Err(format!("the row has {cells} cells, the header has {}", self.width));
        }
        if let (1, Some(blank)) = (self.width, self.scanner.blank()) {
            return Err(format!(
                "line {blank} before it is empty: the org would skip it; a row of one column without a value is \
                 written \"\""
            ));
        }
        cutter.push(record)
    }
}

struct CsvSource<'a> {
    origin: Origin<'a>,
    lines: Lines,
    shelf: Shelf,
    piece: Vec<u8>,
    /// How much was read before this piece.
    before: u64,
    at: usize,
    filled: usize,
    ended: bool,
}

impl CsvSource<'_> {
    async fn next_part(&mut self) -> Result<Option<Part>> {
        while !self.ended {
            while self.at < self.filled {
                let mut input = &self.piece[self.at..self.filled];
                let whole = self.lines.scanner.next(&mut input).map_err(|f| self.lines.fault(&f))?;
                self.at = self.filled - input.len();
                if whole && let Some(part) = self.record().await? {
                    return Ok(Some(part));
                }
            }
            self.before += self.filled as u64;
            self.filled = self.origin.read(&mut self.piece, &mut self.shelf).await.map_err(|e| {
                let text = format!("{} could not be read", self.lines.name);
                Error::new(ErrorKind::Io, None, text).with_source(e)
            })?;
            self.at = 0;
            if self.filled == 0 {
                self.ended = true;
                if self.lines.scanner.finish().map_err(|f| self.lines.fault(&f))?
                    && let Some(part) = self.record().await?
                {
                    return Ok(Some(part));
                }
            }
        }
        match self.lines.cutter.as_mut().map(Cutter::take) {
            Some(Some(cut)) => self.shelf.put(cut).await.map(Some),
            Some(None) => Ok(None),
            None => {
                let text = format!("{} is empty: it has no header line", self.lines.name);
                Err(Error::new(ErrorKind::InvalidInput, None, text))
            }
        }
    }

    /// Takes the record that the scanner found, and gives the part that was full before it.
    async fn record(&mut self) -> Result<Option<Part>> {
        let first = self.lines.cutter.is_none();
        let part = match self.lines.record()? {
            Some(cut) => Some(self.shelf.put(cut).await?),
            None => None,
        };
        if let Some(cutter) = &mut self.lines.cutter {
            let header = first.then(|| cutter.header());
            self.shelf.record_ends(self.before + self.at as u64, header);
            if self.shelf.is_full(cutter) {
                self.shelf.spill(cutter).await?;
            }
        }
        Ok(part)
    }
}

struct RowSource<S, W> {
    rows: Pin<Box<S>>,
    ended: bool,
    write: W,
    format: Format,
    limits: Limits,
    shelf: Shelf,
    cutter: Option<Cutter>,
    names: Option<Vec<String>>,
    text: RowText,
    record: Vec<u8>,
    seen: u64,
}

/// What became of the rows that were taken.
enum Taken {
    /// A part is whole.
    Part(Cut),
    /// So much of a part is in memory as may be.
    Piece,
    Nothing,
}

impl<T, E, S, W> RowSource<S, W>
where
    S: Stream<Item = Result<T, E>>,
    E: Into<Box<dyn StdError + Send + Sync>>,
    W: FnMut(&T, &mut Option<Vec<String>>, &mut RowText) -> Result<(), String>,
{
    async fn next_part(&mut self) -> Result<Option<Part>> {
        loop {
            match std::future::poll_fn(|context| self.poll_rows(context)).await? {
                Taken::Part(cut) => return self.shelf.put(cut).await.map(Some),
                Taken::Piece => {
                    if let Some(cutter) = &mut self.cutter {
                        self.shelf.spill(cutter).await?;
                    }
                }
                Taken::Nothing => return Ok(None),
            }
        }
    }

    /// Takes rows until there is enough of them. Each is written where it came out of the stream: to carry it over an
    /// `await` takes as long as to write it.
    fn poll_rows(&mut self, context: &mut Context<'_>) -> Poll<Result<Taken>> {
        let waiting = |cutter: &Option<Cutter>| cutter.as_ref().map_or(0, Cutter::waiting);
        let turn = waiting(&self.cutter) + TURN;
        while !self.ended {
            match ready!(self.rows.as_mut().poll_next(context)) {
                Some(Ok(row)) => {
                    self.seen += 1;
                    match self.take_row(&row) {
                        Ok(None) => {}
                        Ok(Some(cut)) => return Poll::Ready(Ok(Taken::Part(cut))),
                        Err(what) => {
                            let text = format!("row {}: {what}", self.seen);
                            return Poll::Ready(Err(Error::new(ErrorKind::InvalidInput, None, text)));
                        }
                    }
                }
                Some(Err(e)) => {
                    let text = format!("the source failed at row {}", self.seen + 1);
                    return Poll::Ready(Err(Error::new(ErrorKind::Io, None, text).with_source(e)));
                }
                None => self.ended = true,
            }
            if self.cutter.as_ref().is_some_and(|cutter| self.shelf.is_full(cutter)) {
                return Poll::Ready(Ok(Taken::Piece));
            }
            if waiting(&self.cutter) > turn {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        let rest = self.cutter.as_mut().and_then(Cutter::take);
        Poll::Ready(Ok(rest.map_or(Taken::Nothing, Taken::Part)))
    }

    fn take_row(&mut self, row: &T) -> Result<Option<Cut>, String> {
        (self.write)(row, &mut self.names, &mut self.text)?;
        let line = match self.text.line() {
            Some(line) => line,
            None => {
                self.record.clear();
                self.format.row(self.text.iter(), &mut self.record)?;
                &self.record
            }
        };
        let cutter = match &mut self.cutter {
            Some(cutter) => cutter,
            None => {
                let names = self.names.as_deref().unwrap_or_default();
                check_header(names.iter().map(String::as_str))?;
                let mut header = Vec::new();
                self.format.row(names.iter().map(String::as_str), &mut header)?;
                let Limits { bytes, rows } = self.limits;
                self.cutter.insert(Cutter::new(&header, self.format.line_ending, bytes, rows))
            }
        };
        cutter.push(line)
    }
}
