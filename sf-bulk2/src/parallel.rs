//! Pages of a result side by side: the org names them beforehand (`resultPages`), a few are fetched at once.

mod listing;
mod page_rows;
mod sink;

use std::collections::{HashMap, HashSet};
use std::io;

use futures_util::stream::{BoxStream, StreamExt};
use serde::de::DeserializeOwned;
use sf_core::Id;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::task::JoinHandle;

use crate::to_writer::header_line;
use crate::{Error, ErrorKind, Locator, Pages, Position, QueryJob, Result};
pub use page_rows::PageRows;

use listing::{Start, listed, names};
use sink::{Data, Sink};

const LOOSE: &str = "the pages that the org named do not follow from each other: rows are missing or came twice; \
                     read them in order";
const ELSEWHERE: &str =
    "the org cut its pages elsewhere than when the position was taken; read them in order";

/// Reads the pages of a result with several of them on their way. Made by [`Pages::parallel`].
///
/// Each page is fetched, fetched again where it breaks off, and checked before it is given; one that is
/// larger than [`page_memory`](Self::page_memory) waits in a temporary file. Each page also tells which one
/// follows it: where that is not the one that the org has named, the pages are read one after the other from there.
#[derive(Debug)]
pub struct ParallelPages {
    setup: Setup,
    pages: Option<Running>,
    header: Option<Vec<String>>,
    /// Rows given so far, where the rows before the first are known.
    rows: Option<u64>,
    /// Where to go on, whether or not the caller may know.
    next: Option<Position>,
    links: Links,
}

#[derive(Debug, Clone)]
struct Setup {
    job: QueryJob,
    from: Position,
    window: usize,
    ordered: bool,
    page_memory: usize,
    max_records: Option<u32>,
    expected: Option<u64>,
}

struct Running(BoxStream<'static, Result<Page>>);

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Running")
    }
}

/// A whole page, checked.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page {
    /// The page; `None` is the first one.
    pub locator: Option<Locator>,
    /// The names of the columns.
    pub header: Vec<String>,
    /// How many rows it has, without those that the position passed by.
    pub rows: u64,
    job: Id,
    /// Whether it is the one that was begun with.
    first: bool,
    /// Rows of it that the position passed by, and those before the place where the next page goes on.
    passed: u64,
    all: u64,
    /// Where to go on after it; `None` after the last page.
    after: Option<Position>,
    data: Data,
}

/// Pages that were given, in any order: each but the first should be the one that another names as its next. Where the
/// list has names of its own for them, that none came twice and the total have to tell.
#[derive(Debug, Default)]
struct Links {
    /// How much more often a page was given than named by another, where that is not the same.
    loose: HashMap<Locator, i64>,
    ends: u64,
    given: HashSet<Locator>,
    /// Whether two pages name the same one as their next.
    twice: bool,
}

impl Links {
    fn add(&mut self, page: &Page) {
        if let Some(locator) = &page.locator {
            self.given.insert(locator.clone());
            if !page.first {
                self.count(locator, 1);
            }
        }
        match page.after.as_ref().and_then(|after| after.locator.as_ref()) {
            Some(next) => self.count(next, -1),
            None => self.ends += 1,
        }
    }

    fn count(&mut self, locator: &Locator, change: i64) {
        let count = self.loose.remove(locator).unwrap_or(0) + change;
        self.twice |= count < -1;
        if count != 0 {
            self.loose.insert(locator.clone(), count);
        }
    }

    fn are_a_chain(&self) -> bool {
        self.loose.is_empty() && self.ends <= 1
    }
}

impl Pages {
    /// Reads the pages with `window` of them on their way at once.
    ///
    /// The pages come in the order of the result. An org that does not name its pages, because the job's
    /// API version is below 58.0, is read page by page; so is every org where
    /// [`max_records`](Pages::max_records) is set, because the pages that it names are as large as it likes.
    #[must_use]
    pub fn parallel(self, window: usize) -> ParallelPages {
        let (job, from, max_records, expected) = self.into_parts();
        let rows = from.as_ref().and_then(|from| from.before);
        let setup = Setup {
            job,
            from: from.clone().unwrap_or(Position::START),
            window: window.max(1),
            ordered: true,
            page_memory: 32 * 1024 * 1024,
            max_records,
            expected,
        };
        let pages = from.is_none().then(|| Running(futures_util::stream::empty().boxed()));
        ParallelPages { setup, pages, header: None, rows, next: from, links: Links::default() }
    }
}

impl ParallelPages {
    /// Gives pages as they come, in any order. There is no position to resume from then.
    #[must_use]
    pub fn unordered(mut self) -> Self {
        self.setup.ordered = false;
        self
    }

    /// How many bytes of a page are held in memory: 32 MiB by default, and never less than a piece of 256 KiB while it
    /// comes in. A page that has more lies in a temporary file. All pages take `window` times as much, and once more for
    /// the page in hand.
    #[must_use]
    pub fn page_memory(mut self, bytes: usize) -> Self {
        self.setup.page_memory = bytes;
        self
    }

    /// Where to go on after the pages given so far; `None` after the last one, or where they come in any order.
    pub fn position(&self) -> Option<Position> {
        self.next.clone().filter(|_| self.setup.ordered)
    }

    /// The next page; `None` after the last one.
    ///
    /// # Errors
    /// As [`Pages::next_page`], and [`ErrorKind::Counts`] where all pages together have another number of rows
    /// than the org counts, or where a page came twice in any order, or they do not follow
    /// from each other and no total is known.
    pub async fn next_page(&mut self) -> Result<Option<Page>> {
        let mut page = loop {
            let page = self.running().await?.0.next().await.transpose()?;
            if !self.setup.ordered {
                break page;
            }
            match (&page, &self.next) {
                (None, None) => break None,
                (Some(page), None) if page.rows > 0 => return Err(self.beyond_the_end(page)),
                (Some(_), None) => {}
                (Some(given), Some(next)) if given.follows(next) => break page,
                // The list has a hole, or another order: each page knows better which one follows it.
                (_, Some(next)) => {
                    tracing::warn!(job = %self.setup.job.id(), locator = ?next.locator, "not the page that the org has named: reading one after the other");
                    let setup = Setup { from: next.clone(), ..self.setup.clone() };
                    self.pages = Some(Running(one_by_one(&setup)));
                }
            }
        };
        match &mut page {
            Some(page) => self.note(page)?,
            None => self.ended()?,
        }
        Ok(page)
    }

    async fn running(&mut self) -> Result<&mut Running> {
        if self.pages.is_none() {
            self.pages = Some(Running(start(&mut self.setup).await?));
        }
        Ok(self.pages.get_or_insert_with(|| Running(futures_util::stream::empty().boxed())))
    }

    fn note(&mut self, page: &mut Page) -> Result<()> {
        if page.header.is_empty() {
            page.header = self.header.clone().unwrap_or_default();
        }
        if *self.header.get_or_insert_with(|| page.header.clone()) != page.header {
            return Err(self.error(ErrorKind::Csv, "two pages have different columns"));
        }
        let rows = self.rows.map(|rows| rows.saturating_add(page.all));
        if self.setup.ordered {
            // Before it is given: whoever goes on after the error gets it then, and what follows it.
            if page.after.is_none() {
                self.complete(rows)?;
            }
            self.rows = rows;
            self.next = page.after.take().map(|after| Position { before: rows, ..after });
            return Ok(());
        }
        if page.locator.as_ref().is_some_and(|locator| self.links.given.contains(locator)) {
            return Err(self.error(ErrorKind::Counts, LOOSE));
        }
        if page.after.as_ref().is_some_and(|after| after.rows > 0) {
            return Err(self.error(ErrorKind::Counts, ELSEWHERE));
        }
        // What is not given does not count.
        self.links.add(page);
        self.rows = rows;
        Ok(())
    }

    fn ended(&self) -> Result<()> {
        let known = self.rows.is_some() && self.setup.expected.is_some();
        // An org may name a page otherwise than the page before it does: then different pages whose rows add up are all.
        if !self.links.are_a_chain() && (!known || self.links.twice || self.links.ends > 1) {
            return Err(self.error(ErrorKind::Counts, LOOSE));
        }
        self.complete(self.rows)
    }

    /// Whether so many rows are all of the result, as far as that is known.
    fn complete(&self, rows: Option<u64>) -> Result<()> {
        match rows.zip(self.setup.expected) {
            Some((rows, expected)) if rows != expected => {
                let text = format!("its pages have {rows} rows, the org counted {expected}");
                Err(self.error(ErrorKind::Counts, &text))
            }
            _ => Ok(()),
        }
    }

    fn beyond_the_end(&self, page: &Page) -> Error {
        let named = page.locator.as_ref().map_or("", Locator::as_str);
        let text = format!("the org names page {named} after one that says that it is the last");
        self.error(ErrorKind::Counts, &text)
    }

    fn error(&self, kind: ErrorKind, text: &str) -> Error {
        Error::new(kind, self.setup.job.id(), text)
    }

    /// Writes all pages that are left as CSV and returns the number of rows written. The header line is
    /// written before the first row of the result, and the writer flushed after each page, as [`Pages::write_to`] does.
    ///
    /// # Errors
    /// As [`next_page`](Self::next_page), and [`ErrorKind::Io`] of the writer: what it has written of the last page is
    /// not known then, and [`position`](Self::position) has passed it. Go on from an earlier one, and likewise where the
    /// future was dropped before its end.
    pub async fn write_to<W: AsyncWrite + Unpin>(&mut self, out: &mut W) -> Result<u64> {
        let from_start = self.setup.from.locator.is_none() && self.setup.from.rows == 0;
        let mut header_due = from_start && self.header.is_none();
        let mut rows = 0;
        while let Some(page) = self.next_page().await? {
            let job = self.setup.job.id();
            let io = |e| Error::new(ErrorKind::Io, job, "its rows could not be written").with_source(e);
            if std::mem::take(&mut header_due) && !page.header.is_empty() {
                out.write_all(header_line(&page.header).as_bytes()).await.map_err(io)?;
            }
            rows += page.rows;
            page.copy_to(out).await.map_err(io)?;
        }
        Ok(rows)
    }
}

impl Page {
    /// Whether it is the page at a position, read from there on.
    fn follows(&self, next: &Position) -> bool {
        let named = next.locator == self.locator || (self.first && next.locator.is_none());
        named && next.rows == self.passed
    }

    /// Writes the rows as the CSV that they are, without the header line, and flushes the writer.
    ///
    /// # Errors
    /// Those of the writer and of the temporary file.
    pub async fn copy_to<W: AsyncWrite + Unpin>(&self, out: &mut W) -> io::Result<()> {
        self.data.copy_to(out).await?;
        out.flush().await
    }

    /// The rows as structs: columns by name, an empty cell as `None`.
    #[must_use]
    pub fn rows<T: DeserializeOwned>(self) -> PageRows<T> {
        PageRows::new(self.job, &self.header, self.data.pieces())
    }
}

/// A task that ends with whoever waits for it.
struct Task(JoinHandle<Result<Page>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn start(setup: &mut Setup) -> Result<BoxStream<'static, Result<Page>>> {
    if setup.max_records.is_some() {
        return Ok(one_by_one(setup));
    }
    let named = names(&setup.job, setup.from.locator.as_ref(), None).await?;
    let Some(first) = named.filter(|named| !named.result_pages.is_empty()) else {
        tracing::debug!(job = %setup.job.id(), "the org does not name the pages, reading one after the other");
        return Ok(one_by_one(setup));
    };
    if setup.expected.is_none() && setup.from.before.is_some() {
        // A list that begins too late shows in nothing but the total.
        setup.expected = setup.job.info().await?.number_records_processed;
    }
    let (setup, window, ordered) = (setup.clone(), setup.window, setup.ordered);
    let spawned = listed(setup.job.clone(), setup.from.clone(), first).map(move |named| {
        let setup = setup.clone();
        let job = setup.job.id();
        let task = named.map(|named| Task(tokio::spawn(async move { fetch(&setup, named).await })));
        async move {
            let mut task = task?;
            let joined = (&mut task.0).await;
            joined.map_err(|e| Error::new(ErrorKind::Io, job, "a page's task ended").with_source(e))?
        }
    });
    Ok(match ordered {
        true => spawned.buffered(window).boxed(),
        false => spawned.buffer_unordered(window).boxed(),
    })
}

/// One page after the other, each by the locator that the one before gave.
fn one_by_one(setup: &Setup) -> BoxStream<'static, Result<Page>> {
    let mut pages = setup.job.pages(setup.from.clone());
    if let Some(rows) = setup.max_records {
        pages = pages.max_records(rows);
    }
    let (memory, state) = (setup.page_memory, (pages.expect_total(setup.expected), true));
    futures_util::stream::try_unfold(state, move |(mut pages, first)| async move {
        Ok(take(&mut pages, first, memory).await?.map(|page| (page, (pages, false))))
    })
    .boxed()
}

async fn fetch(setup: &Setup, Start { at, first }: Start) -> Result<Page> {
    let mut pages = setup.job.pages(at).expect_total(setup.expected);
    let page = take(&mut pages, first, setup.page_memory).await?;
    page.ok_or_else(|| {
        Error::new(ErrorKind::Counts, setup.job.id(), "a page that the org named is not there")
    })
}

/// The next page of the reader, whole.
async fn take(pages: &mut Pages, first: bool, memory: usize) -> Result<Option<Page>> {
    let Some(head) = pages.next_page().await? else { return Ok(None) };
    let passed = pages.position().map_or(0, |at| at.rows);
    let mut sink = Sink::new(memory);
    let rows = pages.write_body_to(&mut sink).await?;
    let kept = sink.finish().await;
    let data = kept.map_err(|e| {
        pages.error(ErrorKind::Io, "a page could not be kept in a temporary file").with_source(e)
    })?;
    let after = pages.position();
    Ok(Some(Page {
        job: pages.job().id(),
        locator: head.locator,
        header: pages.header().unwrap_or_default().to_vec(),
        rows,
        first,
        passed,
        all: (passed + rows).saturating_sub(after.as_ref().map_or(0, |after| after.rows)),
        after,
        data,
    }))
}
