//! Pages, fetched ahead of whoever reads them.

use bytes::Bytes;
use memchr::memmem;
use sf_core::{Client, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::{Error, ErrorKind, Result};

use super::Query;
use super::complete::{MARK, OPEN, check_size, completed};
use super::page::{Head, Page};

/// The answer of a query, page by page. Made by [`Query::pages`].
///
/// A task of its own fetches ahead; it ends when this is dropped.
#[derive(Debug)]
pub struct Pages {
    query: Query,
    client: Client,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle,
    Running(mpsc::Receiver<Result<Page>>, Task),
    Done,
    Failed(Error),
}

#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Pages {
    pub(super) fn new(query: Query, client: Client) -> Self {
        Self { query, client, state: State::Idle }
    }

    /// The query.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The next page; `None` after the last one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CursorExpired`] where the org has given the cursor up, [`ErrorKind::TooLong`] where no URL holds
    /// the query, [`ErrorKind::InvalidQuery`], [`ErrorKind::UnknownField`] and [`ErrorKind::UnknownObject`] where the
    /// org refuses it, [`ErrorKind::TooLarge`] where a page with its children is larger than
    /// [`Query::max_page`]; else [`ErrorKind::Org`]. The client has tried again within its policy before; what
    /// is told here is told again by every further call.
    pub async fn next_page(&mut self) -> Result<Option<Page>> {
        if matches!(self.state, State::Idle) {
            let (send, receive) = mpsc::channel(self.query.prefetch);
            let fetch = fetch_all(self.query.clone(), self.client.clone(), send);
            self.state = State::Running(receive, Task(tokio::spawn(fetch)));
        }
        let (pages, task) = match &mut self.state {
            State::Running(pages, task) => (pages, task),
            State::Failed(error) => return Err(error.clone()),
            State::Idle | State::Done => return Ok(None),
        };
        match pages.recv().await {
            Some(Ok(page)) => {
                if page.is_last() {
                    self.state = State::Done;
                }
                Ok(Some(page))
            }
            Some(Err(error)) => {
                self.state = State::Failed(error.clone());
                Err(error)
            }
            // The task ends after the last page or an error, unless it panicked or its runtime shuts down.
            None => {
                let why = match (&mut task.0).await {
                    Ok(()) => "the task that fetches pages ended too early".to_owned(),
                    Err(e) => format!("the task that fetches pages ended too early: {e}"),
                };
                let error = Error::with_org(
                    ErrorKind::Org,
                    "the query failed",
                    sf_core::Error::new(sf_core::ErrorKind::Io, why),
                );
                self.state = State::Failed(error.clone());
                Err(error)
            }
        }
    }
}

async fn fetch_all(query: Query, client: Client, pages: mpsc::Sender<Result<Page>>) {
    let (mut next, mut rows) = (None::<String>, 0);
    loop {
        // Room first, then the page: no more are kept than the caller allowed.
        let Ok(room) = pages.reserve().await else { return };
        match fetch(&query, &client, next.take(), rows).await {
            Ok(page) => {
                rows += page.rows;
                next.clone_from(&page.next);
                room.send(Ok(page));
            }
            Err(error) => {
                room.send(Err(error));
                return;
            }
        }
        if next.is_none() {
            return;
        }
    }
}

async fn fetch(query: &Query, client: &Client, at: Option<String>, before: u64) -> Result<Page> {
    let failed = |e| query.failed(before, e);
    let request = match &at {
        Some(url) => client.get(url.as_str()),
        None => {
            query.check(client, query.call(), "q").await?;
            client.get(query.call()).query("q", &query.soql)
        }
    };
    let request = match query.batch_size {
        Some(rows) if at.is_none() => request.header("Sforce-Query-Options", &format!("batchSize={rows}")),
        _ => request,
    };
    let body = request.json_answer().response().await.map_err(failed)?.body;
    check_size(query, body.len())?;
    let protocol = |why: &str| failed(sf_core::Error::new(sf_core::ErrorKind::Protocol, why));
    let head = Head::of(&body).map_err(|e| {
        let error = sf_core::Error::new(sf_core::ErrorKind::Protocol, "the answer is not that of a query");
        failed(error.with_source(json::fault(&e)))
    })?;
    let (Some(total_size), Some(done), true) = (head.total_size, head.done, head.records) else {
        return Err(protocol("the answer lacks totalSize, done or records"));
    };
    let next = if done { None } else { head.next };
    if !done && next.is_none() {
        return Err(protocol("the answer says that there is more and not where"));
    }
    if next.is_some() && next == at {
        return Err(protocol("the answer names itself as the next page"));
    }
    let body = with_children(query, client, body, before, next.is_some()).await?;
    let rows = rows_of(next.as_deref(), total_size, before);
    tracing::debug!(rows_before = before, total_size, last = next.is_none(), "query page fetched");
    Ok(Page { body, total_size, next, before, rows })
}

/// The page with all children of its rows. Where every child query was answered whole, it is left as it is.
async fn with_children(
    query: &Query,
    client: &Client,
    body: Bytes,
    before: u64,
    more: bool,
) -> Result<Bytes> {
    // The page's own mark is one; each child query that goes on has one more.
    let own = usize::from(more);
    let further = |mark: &[u8]| memmem::find_iter(&body, mark).nth(own).is_some();
    if !further(MARK) && !further(OPEN) {
        return Ok(body);
    }
    completed(query, client, &body, before).await
}

/// How many rows a page has, from the locators, which end in the offset that they stand for. It is for messages
/// and needs no look at the rows; where a locator has no such end, nothing is counted.
fn rows_of(next: Option<&str>, total: u64, before: u64) -> u64 {
    let end = match next {
        Some(url) => url.rsplit_once('-').and_then(|(_, offset)| offset.parse().ok()),
        None => Some(total),
    };
    end.unwrap_or(before).saturating_sub(before)
}
