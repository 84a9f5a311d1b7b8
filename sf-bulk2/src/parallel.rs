//! Pages of a result side by side: the org names them beforehand (`resultPages`), a few are fetched at once.

mod sink;

use std::collections::VecDeque;
use std::io;

use futures_util::stream::{BoxStream, StreamExt};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sf_core::Id;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::task::JoinHandle;

use crate::{Error, ErrorKind, Locator, Pages, Position, QueryJob, Result};
use sink::{Data, Sink};

/// Reads the pages of a result with several of them on their way. Made by [`Pages::parallel`].
///
/// Each page is fetched, fetched again where it breaks off, and checked before it is given; one that is
/// larger than [`page_memory`](Self::page_memory) waits in a temporary file.
#[derive(Debug)]
pub struct ParallelPages {
    setup: Setup,
    pages: Option<Running>,
    header: Option<Vec<String>>,
    /// Rows given so far, where the rows before the first are known.
    rows: Option<u64>,
    position: Option<Position>,
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
    /// Where to go on after it; `None` after the last page.
    after: Option<Position>,
    data: Data,
}

impl Pages {
    /// Reads the pages with `window` of them on their way at once.
    ///
    /// The pages come in the order of the result. An org that does not name its pages, because the job's
    /// API version is below 58.0, is read page by page.
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
        ParallelPages { setup, pages, header: None, rows, position: from }
    }
}

impl ParallelPages {
    /// Gives pages as they come, in any order. There is no position to resume from then.
    #[must_use]
    pub fn unordered(mut self) -> Self {
        self.setup.ordered = false;
        self.position = None;
        self
    }

    /// How many bytes of a page are held in memory: 32 MiB by default. What a page has more lies in a temporary
    /// file. All pages take `window` times as much, and once more for the page in hand.
    #[must_use]
    pub fn page_memory(mut self, bytes: usize) -> Self {
        self.setup.page_memory = bytes;
        self
    }

    /// Where to go on after the pages given so far; `None` after the last one, or where they come in any order.
    pub fn position(&self) -> Option<Position> {
        self.position.clone()
    }

    /// The next page; `None` after the last one.
    ///
    /// # Errors
    /// As [`Pages::next_page`], and [`ErrorKind::Counts`] where all pages together have another number of rows
    /// than the org counts.
    pub async fn next_page(&mut self) -> Result<Option<Page>> {
        let pages = match &mut self.pages {
            Some(pages) => pages,
            None => self.pages.insert(Running(start(self.setup.clone()).await?)),
        };
        let Some(mut page) = pages.0.next().await.transpose()? else {
            return self.ended().map(|()| None);
        };
        let header = self.header.get_or_insert_with(|| page.header.clone());
        if page.header.is_empty() {
            page.header.clone_from(header);
        }
        if *header != page.header {
            let text = "two pages have different columns";
            return Err(Error::new(ErrorKind::Csv, self.setup.job.id(), text));
        }
        let passed = if page.locator == self.setup.from.locator { self.setup.from.rows } else { 0 };
        self.rows = self.rows.map(|rows| rows + page.rows + passed);
        if self.setup.ordered {
            self.position = page.after.take().map(|after| Position { before: self.rows, ..after });
        }
        Ok(Some(page))
    }

    fn ended(&self) -> Result<()> {
        if let (Some(rows), Some(expected)) = (self.rows, self.setup.expected)
            && rows != expected
        {
            let text = format!("its pages have {rows} rows, the org counted {expected}");
            return Err(Error::new(ErrorKind::Counts, self.setup.job.id(), text));
        }
        Ok(())
    }

    /// Writes all pages that are left as CSV and returns the number of rows written. The header line is
    /// written before the first row of the result, as [`Pages::write_to`] does.
    ///
    /// # Errors
    /// As [`next_page`](Self::next_page), and [`ErrorKind::Io`] of the writer.
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

/// The header line as an org writes it: all names quoted.
fn header_line(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|n| format!("\"{}\"", n.replace('"', "\"\""))).collect();
    names.join(",") + "\n"
}

impl Page {
    /// Writes the rows as the CSV that they are, without the header line.
    ///
    /// # Errors
    /// Those of the writer and of the temporary file.
    pub async fn copy_to<W: AsyncWrite + Unpin>(&self, out: &mut W) -> io::Result<()> {
        self.data.copy_to(out).await
    }

    /// The rows as structs: columns by name, an empty cell as `None`. A page in a temporary file is read
    /// into memory for it.
    ///
    /// # Errors
    /// [`ErrorKind::Row`] where one is no `T`, and [`ErrorKind::Io`] of the temporary file.
    pub async fn rows<T: DeserializeOwned>(self) -> Result<impl Iterator<Item = Result<T>>> {
        let bytes = self.data.whole().await.map_err(|e| {
            Error::new(ErrorKind::Io, self.job, "a page could not be read back").with_source(e)
        })?;
        let header: csv::StringRecord = self.header.iter().collect();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(io::Cursor::new(bytes));
        let (mut row, job) = (csv::StringRecord::new(), self.job);
        Ok(std::iter::from_fn(move || {
            let wrong = |e| Error::new(ErrorKind::Row, job, "a row is not what was asked for").with_source(e);
            match reader.read_record(&mut row) {
                Ok(false) => None,
                Ok(true) => Some(row.deserialize(Some(&header)).map_err(wrong)),
                Err(e) => Some(Err(wrong(e))),
            }
        }))
    }
}

/// A task that ends with whoever waits for it.
struct Task(JoinHandle<Result<Page>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn start(setup: Setup) -> Result<BoxStream<'static, Result<Page>>> {
    let named = names(&setup.job, setup.from.locator.as_ref(), None).await?;
    let Some(first) = named.filter(|named| !named.result_pages.is_empty()) else {
        tracing::debug!(job = %setup.job.id(), "the org does not name the pages, reading one after the other");
        return Ok(one_by_one(&setup));
    };
    let (window, ordered) = (setup.window, setup.ordered);
    let spawned = listed(setup.clone(), first).map(move |named| {
        let setup = setup.clone();
        let job = setup.job.id();
        let task = named.map(|from| Task(tokio::spawn(async move { fetch(&setup, from).await })));
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
    let memory = setup.page_memory;
    futures_util::stream::try_unfold(pages.expect_total(setup.expected), move |mut pages| async move {
        Ok(take(&mut pages, memory).await?.map(|page| (page, pages)))
    })
    .boxed()
}

async fn fetch(setup: &Setup, from: Position) -> Result<Page> {
    let mut pages = setup.job.pages(from).expect_total(setup.expected);
    match take(&mut pages, setup.page_memory).await? {
        Some(page) if page.after.as_ref().is_some_and(|after| after.rows > 0) => {
            let text = "the org cut its pages elsewhere than when the position was taken; read it one page \
                        after the other";
            Err(Error::new(ErrorKind::Counts, setup.job.id(), text))
        }
        Some(page) => Ok(page),
        None => Err(Error::new(ErrorKind::Counts, setup.job.id(), "a page that the org named is not there")),
    }
}

/// The next page of the reader, whole.
async fn take(pages: &mut Pages, memory: usize) -> Result<Option<Page>> {
    let Some(head) = pages.next_page().await? else { return Ok(None) };
    let mut sink = Sink::new(memory);
    let rows = pages.write_body_to(&mut sink).await?;
    let kept = sink.finish().await;
    let data = kept.map_err(|e| {
        pages.error(ErrorKind::Io, "a page could not be kept in a temporary file").with_source(e)
    })?;
    let header = pages.header().unwrap_or_default().to_vec();
    Ok(Some(Page {
        job: pages.job().id(),
        locator: head.locator,
        header,
        rows,
        after: pages.position(),
        data,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    result_pages: Vec<ResultUrl>,
    /// The guide names it both ways.
    #[serde(default, alias = "nextRecordUrl")]
    next_records_url: Option<String>,
    #[serde(default)]
    done: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultUrl {
    result_url: String,
}

/// Asks for the names of some pages; `None` where the org does not name pages.
async fn names(job: &QueryJob, from: Option<&Locator>, next: Option<&str>) -> Result<Option<Named>> {
    let request = match (next, from) {
        (Some(url), _) => job.client().get(url),
        (None, Some(from)) => job
            .client()
            .get(job.path("/resultPages"))
            .version(job.api_version())
            .query("locator", from.as_str()),
        (None, None) => job.client().get(job.path("/resultPages")).version(job.api_version()),
    };
    match request.json::<Named>().await {
        Ok(named) => Ok(Some(named)),
        // Before version 58.0 there is no such resource. Whether the job is gone the first page tells.
        Err(e) if next.is_none() && matches!(e.status(), Some(400 | 404 | 405)) && !e.is_daily_limit() => {
            Ok(None)
        }
        Err(e) => Err(job.error("its pages could not be listed", e)),
    }
}

/// The positions of all pages, asked for as far as they are needed.
fn listed(setup: Setup, first: Named) -> BoxStream<'static, Result<Position>> {
    let state =
        Listing { job: setup.job, begin: Some(setup.from), named: Some(first), ready: VecDeque::new() };
    futures_util::stream::try_unfold(state, |mut listing| async move {
        Ok(listing.next().await?.map(|position| (position, listing)))
    })
    .boxed()
}

struct Listing {
    job: QueryJob,
    /// Where to begin, until the first page was named.
    begin: Option<Position>,
    /// The names that came last, and whose continuation was not asked for.
    named: Option<Named>,
    ready: VecDeque<Position>,
}

impl Listing {
    async fn next(&mut self) -> Result<Option<Position>> {
        loop {
            if let Some(position) = self.ready.pop_front() {
                return Ok(Some(position));
            }
            let Some(now) = self.named.take() else { return Ok(None) };
            if !now.result_pages.is_empty() {
                for page in &now.result_pages {
                    let position = self.position(locator_of(&page.result_url))?;
                    self.ready.push_back(position);
                }
                self.named = Some(Named { result_pages: Vec::new(), ..now });
                continue;
            }
            self.named = match (now.done, now.next_records_url) {
                (true, _) => None,
                (false, Some(url)) => match names(&self.job, None, Some(&url)).await? {
                    Some(named) if named.done || !named.result_pages.is_empty() => Some(named),
                    // What names nothing and does not end would be asked for for ever.
                    _ => return Err(self.endless()),
                },
                (false, None) => return Err(self.endless()),
            };
        }
    }

    fn endless(&self) -> Error {
        let text = "the list of its pages goes on, and the org does not say where";
        Error::new(ErrorKind::Headers, self.job.id(), text)
    }

    fn position(&mut self, locator: Option<Locator>) -> Result<Position> {
        match (self.begin.take(), locator) {
            // The first page has a name too, and may be cut otherwise without it.
            (Some(begin), locator) if begin == Position::START => Ok(Position { locator, ..begin }),
            // The position may stand within its page.
            (Some(begin), _) => Ok(begin),
            (None, Some(locator)) => Ok(Position::page(locator)),
            (None, None) => {
                let text = "the org named a page without a locator";
                Err(Error::new(ErrorKind::Headers, self.job.id(), text))
            }
        }
    }
}

fn locator_of(url: &str) -> Option<Locator> {
    let (_, query) = url.split_once('?')?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix("locator="))?;
    Some(Locator::new(percent_decode_str(value).decode_utf8().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locator_is_read_from_the_url_of_its_page() {
        let url =
            "/services/data/v58.0/jobs/query/750R0000000zlh9IAA/results?maxRecords=5&locator=MDowR2F%3D";
        assert_eq!(locator_of(url), Some(Locator::new("MDowR2F=")));
        assert_eq!(locator_of("/services/data/v58.0/jobs/query/750R0000000zlh9IAA/results"), None);
    }
}
