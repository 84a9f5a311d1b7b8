//! The pages of a result, row by row, through broken bodies and stripped headers.

mod body;

use std::sync::Arc;

use sf_core::http::Framing;
use sf_core::record::{Columns, Extra, Record, Schema};
use sf_core::retry::Attempts;

use crate::csv_rows::{Cells, CsvRows, Step, Tail};
use crate::{Error, ErrorKind, Locator, Position, QueryJob, Result};
use body::Body;
pub(crate) use body::is_web_page;

/// What the org said about a page before its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageHead {
    /// The page; `None` is the first one.
    pub locator: Option<Locator>,
    /// The page after it.
    pub next: NextPage,
    /// How many rows it has, where the org said so.
    pub rows: Option<u64>,
}

/// What follows a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextPage {
    /// Another page.
    Page(Locator),
    /// Nothing: this is the last page.
    End,
    /// The org did not say. Missing is not "nothing": the rows read so far decide.
    Unknown,
}

/// Reads the pages of a result one after the other.
///
/// A page whose body breaks off is fetched again from its locator, and the rows that were taken already
/// are read past. Memory is one network buffer and one row.
///
/// ```no_run
/// # async fn f(job: sf_bulk2::QueryJob, schema: std::sync::Arc<sf_core::record::Schema>) -> sf_bulk2::Result<()> {
/// use sf_bulk2::Position;
///
/// let mut pages = job.pages(Position::START);
/// while pages.next_page().await?.is_some() {
///     let mut row = pages.record(&schema)?;
///     while pages.next_row(&mut row).await? {
///         println!("{:?}", row.get("Name"));
///     }
///     // Everything up to here can be resumed from:
///     let _position = pages.position();
/// }
/// # Ok(())
/// # }
/// ```
pub struct Pages {
    job: QueryJob,
    max_records: Option<u32>,
    at: At,
    /// Whether the caller does not know yet of the page that was opened: whoever waits for it may give up and ask again.
    untold: bool,
    header: Option<Header>,
    body: Option<Body>,
    pub(crate) rows: CsvRows,
    /// The failures since the last progress, and where the last one was.
    attempts: Attempts,
    failed_at: Option<Position>,
    /// Counts the answers opened so far: whoever keeps a part of a body sees when it is void.
    pub(crate) opened: u64,
    expected_total: Option<u64>,
}

/// Where the reader is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    /// Before a page, with rows of it to read past.
    Before(Position),
    /// In a page.
    In { position: Position, next: NextPage },
    /// After the last page.
    End,
}

/// The header line that every page of a job begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) names: Vec<String>,
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").field("job", &self.job.id()).field("at", &self.at).finish_non_exhaustive()
    }
}

impl Pages {
    pub(crate) fn new(job: QueryJob, from: Position) -> Self {
        let attempts = job.client().retry().start();
        Self {
            job,
            max_records: None,
            at: At::Before(from),
            untold: false,
            header: None,
            body: None,
            rows: CsvRows::default(),
            attempts,
            failed_at: None,
            opened: 0,
            expected_total: None,
        }
    }

    /// At most this many rows a page. The org may send fewer. Pages of a size of one's own are read one after the
    /// other, [`parallel`](Self::parallel) too.
    #[must_use]
    pub fn max_records(mut self, rows: u32) -> Self {
        self.max_records = Some(rows);
        self
    }

    /// How many rows the whole result has, from
    /// [`JobInfo::number_records_processed`](crate::JobInfo::number_records_processed). The end of the
    /// result is checked against it, where the position that was begun from knows the rows before it.
    #[must_use]
    pub fn expect_total(mut self, rows: Option<u64>) -> Self {
        self.expected_total = rows;
        self
    }

    /// The job.
    pub fn job(&self) -> &QueryJob {
        &self.job
    }

    /// What the reader was given: job, position, rows a page, total.
    pub(crate) fn into_parts(self) -> (QueryJob, Option<Position>, Option<u32>, Option<u64>) {
        let position = self.position();
        (self.job, position, self.max_records, self.expected_total)
    }

    /// Where to go on after the rows taken so far; `None` after the last one.
    pub fn position(&self) -> Option<Position> {
        match &self.at {
            At::Before(position) | At::In { position, .. } => Some(position.clone()),
            At::End => None,
        }
    }

    /// Fetches the next page and returns what the org said about it; `None` after the last one. Rows
    /// of the page before that were not read are left out.
    ///
    /// # Errors
    /// [`ErrorKind::JobGone`], [`ErrorKind::Headers`], [`ErrorKind::Csv`], or [`ErrorKind::Api`] when
    /// the client's retry policy is used up.
    pub async fn next_page(&mut self) -> Result<Option<PageHead>> {
        if !self.untold && matches!(self.at, At::In { .. }) {
            self.leave_page(false)?;
        }
        if let At::Before(position) = self.at.clone() {
            self.open(position).await?;
            self.untold = true;
        }
        if !self.untold {
            return Ok(None);
        }
        let learned = self.learn_header().await;
        self.untold = false;
        learned.map(|()| self.head())
    }

    /// A row buffer for [`next_row`](Self::next_row), with the columns of the page in hand laid out as
    /// the schema says.
    ///
    /// # Errors
    /// [`ErrorKind::Csv`] where a column is not in the schema or stands twice.
    pub fn record(&self, schema: &Arc<Schema>) -> Result<Record> {
        let names = self.header.as_ref().map(|h| h.names.as_slice()).unwrap_or_default();
        let columns = Columns::new(schema, names.iter().map(String::as_str), Extra::Refuse)
            .map_err(|e| self.error(ErrorKind::Csv, "its header does not fit the schema").with_source(e))?;
        Ok(Record::new(Arc::new(columns)))
    }

    /// The names of the columns, from the first page on.
    pub fn header(&self) -> Option<&[String]> {
        self.header.as_ref().map(|h| h.names.as_slice())
    }

    /// Reads the next row of the page in hand; `false` at the page's end.
    ///
    /// # Errors
    /// As [`next_page`](Self::next_page), and [`ErrorKind::Counts`] where rows are missing.
    pub async fn next_row(&mut self, record: &mut Record) -> Result<bool> {
        if !self.advance().await? {
            return Ok(false);
        }
        let cells = self.rows.row();
        let (bytes, ends) = record.buffers_mut();
        bytes.clear();
        bytes.extend_from_slice(cells.bytes);
        ends.clear();
        ends.extend_from_slice(cells.ends);
        match record.check() {
            Ok(()) => Ok(true),
            Err(e) => {
                let error = self.csv_error("is not a row of this result").with_source(e);
                self.give_back();
                Err(error)
            }
        }
    }

    /// The row just taken is none: the position goes back before it, so that nobody who stores it passes the
    /// row by. The page has to be opened again to read on.
    pub(crate) fn give_back(&mut self) {
        if let At::In { position, .. } = &self.at {
            let before = Position { rows: position.rows.saturating_sub(1), ..position.clone() };
            self.body = None;
            self.at = At::Before(before);
        }
    }

    /// Goes to the next row of the page that was not taken yet and takes it.
    pub(crate) async fn advance(&mut self) -> Result<bool> {
        if self.untold {
            // The page is not begun yet.
            return Ok(false);
        }
        loop {
            let Some(body) = &mut self.body else { return Ok(false) };
            let step = if std::mem::take(&mut body.pending) { Step::Row } else { self.rows.step() };
            match step {
                Step::Row if self.header_due() && self.at_header() => {}
                Step::Row => {
                    if self.too_many(1) {
                        self.overlong().await?;
                    } else if self.take_rows(1) == 1 {
                        return Ok(true);
                    }
                }
                Step::TooLarge => return Err(self.csv_error("is larger than any row of an org")),
                Step::NeedInput => match self.next_piece().await? {
                    Some(piece) => self.rows.feed(piece),
                    None => {
                        let tail = self.rows.tail();
                        if tail == Tail::Unfinished && self.may_be_whole() {
                            // Its end is known, so this row is whole; only its line end is missing.
                            if let Some(body) = &mut self.body {
                                body.pending = true;
                            }
                        } else if self.body_ended(tail).await? {
                            return Ok(false);
                        }
                    }
                },
            }
        }
    }

    /// Whether a row without a line end may be the last one of the body in hand: its end is known, and the row is not one of
    /// those in the middle, as it is where something on the way has cut the page and told the length of what was left.
    pub(crate) fn may_end_here(&self) -> bool {
        self.body.as_ref().is_some_and(|b| {
            b.framing == Framing::Explicit && b.expected.is_none_or(|expected| expected == b.read + 1)
        })
    }

    /// Whether the line in hand may be whole although it has no line end: as the header of a page without rows, or the row
    /// that the page ends with. One with too few cells is cut.
    fn may_be_whole(&self) -> bool {
        let cells = self.rows.row().ends.len();
        let as_wide = self.header.as_ref().is_none_or(|header| header.names.len() == cells);
        let explicit = self.body.as_ref().is_some_and(|b| b.framing == Framing::Explicit);
        (explicit && self.header_due() && self.is_header()) || (as_wide && self.may_end_here())
    }

    /// Whether the header line of the page in hand is still to come.
    pub(crate) fn header_due(&self) -> bool {
        self.body.as_ref().is_some_and(|b| b.header_due)
    }

    /// Whether the first row of a page, just read, is the header line. Pages are said to begin with it
    /// each, and some are said not to: a first row that is not the header is a row.
    pub(crate) fn at_header(&mut self) -> bool {
        if let Some(body) = &mut self.body {
            body.header_due = false;
        }
        self.is_header()
    }

    /// Whether the row just read is the header line.
    fn is_header(&self) -> bool {
        let cells = self.rows.row();
        self.header.as_ref().is_none_or(|h| {
            h.names.len() == cells.ends.len()
                && h.names.iter().zip(cells.iter()).all(|(n, c)| n.as_bytes() == c)
        })
    }

    /// Whether so many rows more are more than the org said that the page has. Then something else stands behind it, or in it.
    pub(crate) fn too_many(&self, rows: u64) -> bool {
        self.body.as_ref().is_some_and(|b| b.expected.is_some_and(|expected| b.read + rows > expected))
    }

    /// The page is longer than it should be: it is opened again before anything of that is taken.
    pub(crate) async fn overlong(&mut self) -> Result<()> {
        let said = self.body.as_ref().and_then(|b| b.expected).unwrap_or_default();
        self.broken(&format!("the page has more than the {said} rows that the org said")).await.map(drop)
    }

    /// Notes rows read from the body and returns how many of them, the last ones, were not taken before.
    pub(crate) fn take_rows(&mut self, rows: u64) -> u64 {
        let (Some(body), At::In { position, .. }) = (&mut self.body, &mut self.at) else { return 0 };
        body.read += rows;
        let fresh = body.read.saturating_sub(position.rows).min(rows);
        position.rows += fresh;
        fresh
    }

    /// The cells of the row that [`advance`](Self::advance) took.
    pub(crate) fn cells(&self) -> Cells<'_> {
        self.rows.row()
    }

    /// Reads the header line of a job whose header is not known yet.
    async fn learn_header(&mut self) -> Result<()> {
        while self.header.is_none() {
            match self.rows.step() {
                Step::Row => {
                    let names = self.rows.row().iter().map(|c| String::from_utf8(c.to_vec()));
                    let names: Result<Vec<_>, _> = names.collect();
                    let names = names.map_err(|e| self.csv_error("is no header").with_source(e))?;
                    self.header = Some(Header { names });
                    if let Some(body) = &mut self.body {
                        body.header_due = false;
                    }
                }
                Step::TooLarge => return Err(self.csv_error("is larger than any header")),
                Step::NeedInput => match self.next_piece().await? {
                    Some(piece) => self.rows.feed(piece),
                    // Without a header there are no rows either; whether that is right is checked at
                    // the page's end.
                    None if self.body.as_ref().is_some_and(|b| b.expected == Some(0)) => return Ok(()),
                    None => drop(self.broken("the page ends before its header").await?),
                },
            }
        }
        Ok(())
    }

    /// Checks the body that came to its end. `false` where it was not whole: it was opened again.
    pub(crate) async fn body_ended(&mut self, tail: Tail) -> Result<bool> {
        let Some(body) = &mut self.body else { return Ok(true) };
        match tail {
            Tail::None => {}
            Tail::Unfinished => return self.broken("the page ends without a line end").await,
            Tail::OpenQuote => return self.broken("the page ends inside a quoted cell").await,
        }
        if body.header_due && body.expected != Some(0) {
            return self.broken("the page ends before its header line").await;
        }
        let (read, expected, framing) = (body.read, body.expected, body.framing);
        if let Some(expected) = expected
            && expected != read
        {
            return self.broken(&format!("the page has {read} rows, the org said {expected}")).await;
        }
        if expected.is_none() && framing == Framing::Close && !self.confirmed().await {
            return self
                .broken("the page came with different lengths, and nothing says which is whole")
                .await;
        }
        self.end_page(read).await
    }

    async fn end_page(&mut self, read: u64) -> Result<bool> {
        let At::In { next, position } = &self.at else { return Ok(true) };
        let all = position.before.map(|before| before.saturating_add(read));
        let complete = all.is_some() && self.expected_total == all;
        match next {
            NextPage::Unknown if !complete => {
                let text = "a page has no Sforce-Locator header (a proxy may strip it), so it is not known whether more pages follow";
                self.reopen(incomplete(text))
                    .await
                    .map_err(|e| self.error(ErrorKind::Headers, text).with_source(e))?;
                return Ok(false);
            }
            NextPage::End if !complete => {
                if let (Some(all), Some(total)) = (all, self.expected_total) {
                    let text = format!("its pages have {all} rows, the org counted {total}");
                    // Whoever goes on after the error asks for this page again, and does not take it for the last.
                    (self.at, self.body) = (At::Before(position.clone()), None);
                    return Err(self.error(ErrorKind::Counts, &text));
                }
            }
            _ => {}
        }
        self.attempts.reset();
        self.leave_page(true)?;
        Ok(true)
    }

    /// Goes from the end of a page to before the next one. Rows still to be read past, because the org
    /// cut the page elsewhere this time, carry over.
    fn leave_page(&mut self, ended: bool) -> Result<()> {
        let At::In { position, next } = &self.at else { return Ok(()) };
        if *next == NextPage::Unknown && !ended {
            let text = "a page has no Sforce-Locator header (a proxy may strip it), and without its rows it is not \
                        known whether more pages follow";
            return Err(self.error(ErrorKind::Headers, text));
        }
        let read = self.body.take().map_or(0, |b| b.read);
        self.at = match next {
            NextPage::Page(next) => {
                // A page that the caller left early is left for good: nothing of it carries over, and
                // how many rows it had is not known.
                let (rows, before) = match ended {
                    true => {
                        let before = position.before.map(|before| before.saturating_add(read));
                        (position.rows.saturating_sub(read), before)
                    }
                    false => (0, None),
                };
                At::Before(Position { locator: Some(next.clone()), rows, before })
            }
            NextPage::End | NextPage::Unknown => At::End,
        };
        Ok(())
    }

    pub(crate) fn error(&self, kind: ErrorKind, message: &str) -> Error {
        Error::new(kind, self.job.id(), message)
    }

    fn csv_error(&self, what: &str) -> Error {
        self.at_row(ErrorKind::Csv, &format!(" {what}"))
    }

    /// An error about the row in hand, which says where it stands.
    pub(crate) fn at_row(&self, kind: ErrorKind, what: &str) -> Error {
        let page = match self.position().and_then(|p| p.locator) {
            Some(locator) => format!("page {locator}"),
            None => "the first page".to_owned(),
        };
        self.error(kind, &format!("the row that ends on line {} of {page}{what}", self.rows.line()))
    }
}

/// A body that is not whole, as the retry policy sees it.
pub(crate) fn incomplete(what: &str) -> sf_core::Error {
    sf_core::Error::new(sf_core::ErrorKind::Broken, what)
}
