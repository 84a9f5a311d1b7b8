//! What became of each row, as the org echoes it.

use std::hash::{DefaultHasher, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::stream::Fuse;
use futures_util::{Stream, StreamExt};
use http::Method;
use serde::de::DeserializeOwned;
use sf_core::Id;
use sf_core::http::{BodyStream, Framing};
use sf_core::retry::Attempts;

use super::IngestJob;
use crate::csv_rows::{Cells, CsvRows, Step, Tail};
use crate::handle::Handle;
use crate::pages::{incomplete, is_web_page};
use crate::row_de::Row;
use crate::{Error, ErrorKind, JobInfo, Result};

/// A row as the org gives it back: the caller's own columns. Values may be written otherwise than they were
/// sent, and rows come in any order.
#[derive(Clone, PartialEq, Eq)]
pub struct Echo {
    job: Id,
    header: Arc<Vec<String>>,
    text: String,
    ends: Vec<usize>,
}

impl Echo {
    #[cfg(test)]
    pub(super) fn of(header: Arc<Vec<String>>, cells: &[&str]) -> Self {
        let job = "7507Q000009f52jQAA".parse().expect("an id");
        let mut this = Self { job, header, text: String::new(), ends: Vec::new() };
        for cell in cells {
            this.text.push_str(cell);
            this.ends.push(this.text.len());
        }
        this
    }

    /// The names of the columns, as they were sent.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The cells, in the order of the header.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| self.text.get(start..end).unwrap_or_default())
    }

    /// A cell by the name of its column, whatever the case.
    pub fn get(&self, column: &str) -> Option<&str> {
        let at = self.header.iter().position(|name| name.eq_ignore_ascii_case(column))?;
        self.cells().nth(at)
    }

    /// The row as a struct: columns by name, an empty cell as `None`.
    ///
    /// # Errors
    /// [`ErrorKind::Row`] where it is no `T`.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T> {
        let cells = Cells { bytes: self.text.as_bytes(), ends: &self.ends };
        let refused = |what: &str| Error::new(ErrorKind::Row, self.job, what);
        let row = Row::of(&self.header, cells).map_err(|no| no.told(refused))?;
        T::deserialize(row).map_err(|e| refused("an echoed row is not what was asked for").with_source(e))
    }
}

/// Says how much there is, not what: rows are people's data and do not belong into logs.
impl std::fmt::Debug for Echo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Echo").field("header", &self.header).finish_non_exhaustive()
    }
}

/// A row that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Success {
    /// The record's id (`sf__Id`).
    pub id: Id,
    /// Whether the record was made by this row (`sf__Created`), and not changed or deleted.
    pub created: bool,
    /// The row.
    pub row: Echo,
}

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The record's id (`sf__Id`), where the row named one that is an id.
    pub id: Option<Id>,
    /// The org's code, for example `REQUIRED_FIELD_MISSING`.
    pub code: String,
    /// The org's message.
    pub message: String,
    /// The fields that the org names.
    pub fields: Vec<String>,
    /// What the org said, whole (`sf__Error`).
    pub error: String,
    /// The row.
    pub row: Echo,
}

impl Failure {
    /// Whether the row was refused only because another transaction held a record that it needs: it may be
    /// sent again.
    pub fn is_lock(&self) -> bool {
        self.code == "UNABLE_TO_LOCK_ROW"
    }
}

/// `CODE:message:field1 field2 --`, where both message and fields may be empty and the message may hold
/// colons.
fn parse_error(error: &str) -> (String, String, Vec<String>) {
    let (code, rest) = error.split_once(':').unwrap_or((error, ""));
    let (message, fields) = match rest.strip_suffix("--").and_then(|rest| rest.rsplit_once(':')) {
        Some((message, fields)) => (message, fields.split_whitespace().map(str::to_owned).collect()),
        None => (rest, Vec::new()),
    };
    (code.to_owned(), message.to_owned(), fields)
}

/// What a line of an outcome file is read as.
pub trait Line: private::Line {}
impl Line for Success {}
impl Line for Failure {}
impl Line for Echo {}

pub(super) mod private {
    use super::Echo;

    /// From the columns of the org and the echoed row, or what is wrong with it.
    pub trait Line: Sized {
        const OWN: &'static [&'static str];
        fn read(own: [&str; 2], row: Echo) -> Result<Self, String>;
    }
}

impl private::Line for Success {
    const OWN: &'static [&'static str] = &["sf__Id", "sf__Created"];

    fn read([id, created]: [&str; 2], row: Echo) -> Result<Self, String> {
        let id = id.parse().map_err(|e: sf_core::Error| e.to_string())?;
        Ok(Self { id, created: created.eq_ignore_ascii_case("true"), row })
    }
}

impl private::Line for Failure {
    const OWN: &'static [&'static str] = &["sf__Id", "sf__Error"];

    fn read([id, error]: [&str; 2], row: Echo) -> Result<Self, String> {
        let (code, message, fields) = parse_error(error);
        Ok(Self { id: id.parse().ok(), code, message, fields, error: error.to_owned(), row })
    }
}

impl private::Line for Echo {
    const OWN: &'static [&'static str] = &[];

    fn read(_: [&str; 2], row: Echo) -> Result<Self, String> {
        Ok(row)
    }
}

/// An outcome file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum File {
    Successful,
    Failed,
    Unprocessed,
}

impl File {
    fn path(self) -> &'static str {
        match self {
            Self::Successful => "/successfulResults",
            Self::Failed => "/failedResults",
            Self::Unprocessed => "/unprocessedrecords",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Successful => "the list of its successful rows",
            Self::Failed => "the list of its failed rows",
            Self::Unprocessed => "the list of its unprocessed rows",
        }
    }
}

/// The rows of an outcome file, one at a time.
///
/// A file that breaks off or is not complete yet is fetched again, and the rows that were yielded are read
/// past. At its end the rows are counted against what the org says about the job.
pub struct Outcomes<T> {
    job: Handle,
    file: File,
    expected: Option<u64>,
    header: Option<Arc<Vec<String>>>,
    body: Option<Body>,
    rows: CsvRows,
    /// Rows yielded, and a hash over them: a file that is read again must begin with the same.
    yielded: u64,
    prefix: u64,
    attempts: Attempts,
    verified: bool,
    ended: bool,
    marker: PhantomData<fn() -> T>,
}

struct Body {
    stream: Fuse<BodyStream>,
    framing: Framing,
    header_due: bool,
    read: u64,
    hash: DefaultHasher,
    last: bool,
}

impl<T> std::fmt::Debug for Outcomes<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outcomes")
            .field("job", &self.job.id)
            .field("file", &self.file)
            .field("yielded", &self.yielded)
            .finish_non_exhaustive()
    }
}

impl<T: Line> Outcomes<T> {
    pub(super) fn new(job: &IngestJob, file: File, info: &JobInfo, expected: Option<u64>) -> Self {
        let delimiter = info.column_delimiter.unwrap_or_default().byte();
        Self {
            attempts: job.handle.client.retry().start(),
            job: job.handle.clone(),
            file,
            expected,
            header: None,
            body: None,
            rows: CsvRows::new(delimiter),
            yielded: 0,
            prefix: DefaultHasher::new().finish(),
            verified: false,
            ended: false,
            marker: PhantomData,
        }
    }

    /// How many rows there are, as far as the org's counts tell.
    pub fn expected(&self) -> Option<u64> {
        self.expected
    }

    /// The next row; `None` after the last one.
    ///
    /// # Errors
    /// [`ErrorKind::InDoubt`] where the file never has as many rows as the org counts,
    /// [`ErrorKind::Counts`] where it came in another order when it had to be fetched again,
    /// [`ErrorKind::Csv`], [`ErrorKind::JobGone`], and [`ErrorKind::Api`].
    pub async fn next_row(&mut self) -> Result<Option<T>> {
        while !self.ended {
            if self.body.is_none() {
                self.open().await?;
                continue;
            }
            if self.advance().await? {
                return self.take().map(Some);
            }
        }
        Ok(None)
    }

    /// The rows as a stream. It ends after an error.
    pub fn stream(self) -> impl Stream<Item = Result<T>> {
        futures_util::stream::try_unfold(self, |mut rows| async move {
            Ok(rows.next_row().await?.map(|row| (row, rows)))
        })
    }

    async fn open(&mut self) -> Result<()> {
        let answer = self
            .job
            .request(Method::GET, self.file.path())
            .header("Accept", "text/csv")
            .send()
            .await
            .map_err(|e| self.job.error(&format!("{} could not be fetched", self.file.name()), e))?;
        if is_web_page(&answer) {
            return self.again(incomplete("an HTML page came instead of rows")).await;
        }
        self.rows.reset();
        self.body = Some(Body {
            stream: answer.body.fuse(),
            framing: answer.framing,
            header_due: true,
            read: 0,
            hash: DefaultHasher::new(),
            last: false,
        });
        Ok(())
    }

    /// Goes to the next row that was not yielded yet; `false` where the file has to be opened again or is at
    /// its end.
    async fn advance(&mut self) -> Result<bool> {
        loop {
            let Some(body) = &mut self.body else { return Ok(false) };
            let step = if std::mem::take(&mut body.last) { Step::Row } else { self.rows.step() };
            match step {
                Step::Row if body.header_due => {
                    body.header_due = false;
                    self.at_header()?;
                }
                Step::Row => {
                    body.read += 1;
                    hash(&mut body.hash, self.rows.row());
                    if body.read > self.yielded {
                        return Ok(true);
                    }
                    if body.read == self.yielded && body.hash.finish() != self.prefix {
                        // Whoever goes on does not go on with this file, whose next row may have come before.
                        self.body = None;
                        return Err(self.fail(ErrorKind::Counts, "came with other rows when fetched again"));
                    }
                }
                Step::TooLarge => return Err(self.fail(ErrorKind::Csv, "has a row larger than any row")),
                Step::NeedInput => match body.stream.next().await {
                    Some(Ok(piece)) => self.rows.feed(piece),
                    Some(Err(e)) => {
                        self.again(e.during("reading outcomes")).await?;
                        return Ok(false);
                    }
                    None => {
                        if !self.body_ended().await? {
                            return Ok(false);
                        }
                    }
                },
            }
        }
    }

    /// At the end of a body: `true` where one more row was found in its tail.
    async fn body_ended(&mut self) -> Result<bool> {
        let tail = self.rows.tail();
        let Some(body) = &mut self.body else { return Ok(false) };
        let whole = match tail {
            Tail::None => true,
            // The list of unprocessed rows ends as the uploaded data did: without a line end, perhaps. Its last row, that is: one in
            // the middle was cut, whatever length something on the way has told of what was left.
            Tail::Unfinished
                if match self.expected.filter(|_| !body.header_due) {
                    Some(all) => all == body.read + 1,
                    None => body.framing == Framing::Explicit,
                } =>
            {
                body.last = true;
                return Ok(true);
            }
            Tail::Unfinished | Tail::OpenQuote => false,
        };
        let (read, framing, headless) = (body.read, body.framing, body.header_due);
        let counted = self.expected.is_none_or(|expected| expected == read);
        if !whole || !counted || read < self.yielded || (headless && self.expected != Some(0)) {
            let text = match self.expected {
                Some(expected) => {
                    format!("in doubt: {} has {read} rows, the org counts {expected}", self.file.name())
                }
                None => format!("in doubt: {} breaks off after {read} rows", self.file.name()),
            };
            let job = self.job.clone();
            self.again(incomplete(&text))
                .await
                .map_err(|e| job.fail(ErrorKind::InDoubt, text).with_source(e))?;
        } else if self.expected.is_none() && framing == Framing::Close && !self.verified {
            // Nothing tells whether this body is whole, so it has to come twice.
            self.verified = true;
            self.close();
        } else {
            self.ended = true;
        }
        Ok(false)
    }

    /// Lets the body go, and keeps the hash of its rows where no other body went further.
    fn close(&mut self) {
        if let Some(body) = self.body.take()
            && body.read == self.yielded
        {
            self.prefix = body.hash.finish();
        }
    }

    async fn again(&mut self, error: sf_core::Error) -> Result<()> {
        self.close();
        let failed = format!("{} could not be read", self.file.name());
        self.attempts.pause_after(error, true).await.map_err(|e| self.job.error(&failed, e))
    }

    fn at_header(&mut self) -> Result<()> {
        let names: Option<Vec<String>> =
            self.rows.row().iter().map(|c| String::from_utf8(c.to_vec()).ok()).collect();
        let Some(mut names) = names else {
            return Err(self.fail(ErrorKind::Csv, "has a header that is not UTF-8"));
        };
        let own = names.iter().zip(T::OWN).filter(|(have, own)| have.eq_ignore_ascii_case(own)).count();
        if own != T::OWN.len() {
            return Err(self.fail(ErrorKind::Csv, &format!("does not begin with {}", T::OWN.join(" and "))));
        }
        names.drain(..own);
        self.header.get_or_insert_with(|| Arc::new(names));
        Ok(())
    }

    /// The row at which the reader stands. One that cannot be read counts as well: it would be the same again.
    fn take(&mut self) -> Result<T> {
        self.yielded += 1;
        self.attempts.reset();
        let cells = self.rows.row();
        let header = self.header.clone().unwrap_or_default();
        let own = T::OWN.len();
        if cells.ends.len() != header.len() + own {
            let text =
                format!("has a row of {} cells, its header has {}", cells.ends.len(), header.len() + own);
            return Err(self.fail(ErrorKind::Csv, &text));
        }
        let Ok(text) = std::str::from_utf8(cells.bytes) else {
            return Err(self.fail(ErrorKind::Csv, "has a row that is not UTF-8"));
        };
        let cut = if own == 0 { 0 } else { cells.ends[own - 1] };
        let cell = |i: usize| -> &str {
            let start = if i == 0 { 0 } else { cells.ends[i - 1] };
            text.get(start..cells.ends[i]).unwrap_or_default()
        };
        let owned = if own == 2 { [cell(0), cell(1)] } else { [""; 2] };
        let echo = Echo {
            job: self.job.id,
            header,
            text: text.get(cut..).unwrap_or_default().to_owned(),
            ends: cells.ends[own..].iter().map(|end| end - cut).collect(),
        };
        T::read(owned, echo).map_err(|what| self.fail(ErrorKind::Csv, &format!("has a row: {what}")))
    }

    fn fail(&self, kind: ErrorKind, what: &str) -> Error {
        self.job.fail(kind, format!("{} {what}", self.file.name()))
    }
}

fn hash(hasher: &mut DefaultHasher, row: Cells<'_>) {
    hasher.write(row.bytes);
    for end in row.ends {
        hasher.write_usize(*end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_taken_apart_into_code_message_and_fields() {
        // From recorded answers of orgs.
        let missing = "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --";
        assert_eq!(
            parse_error(missing),
            (
                "REQUIRED_FIELD_MISSING".into(),
                "Required fields are missing: [Name]".into(),
                vec!["Name".to_owned()]
            )
        );
        let date = "INVALID_FIELD:Failed to deserialize field at col 3. Due to, '2003-04-987654321987654321' is not a valid value for the type xsd:date:CloseDate --";
        let (code, message, fields) = parse_error(date);
        assert_eq!((code.as_str(), fields), ("INVALID_FIELD", vec!["CloseDate".to_owned()]));
        assert!(message.ends_with("for the type xsd:date"), "{message}");
        let (code, message, fields) = parse_error("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--");
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access")
        );
        assert!(fields.is_empty());
        assert_eq!(parse_error("odd"), ("odd".into(), String::new(), vec![]));
    }
}
