//! Opening a page, reading its bytes, and opening it again when they break off.

use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::Fuse;
use sf_core::http::{BodyStream, Framing, Response};

use super::{At, NextPage, PageHead, Pages, incomplete};
use crate::{ErrorKind, Locator, Position, QueryJob, Result};

/// The answer that is being read.
pub(super) struct Body {
    stream: Fuse<BodyStream>,
    pub(super) framing: Framing,
    /// Rows of the page, where the org said so.
    pub(super) expected: Option<u64>,
    /// Rows read from this answer.
    pub(super) read: u64,
    /// Whether the header line is still to come.
    pub(super) header_due: bool,
    /// Whether the row buffer holds a row that was not looked at yet.
    pub(super) pending: bool,
    /// Bytes and hash, where nothing else tells a whole body from a cut one.
    seen: Option<Seen>,
}

#[derive(Clone, Default)]
struct Seen {
    bytes: u64,
    hash: DefaultHasher,
}

impl Seen {
    fn add(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.hash.write(piece);
    }
}

impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes && self.hash.finish() == other.hash.finish()
    }
}

impl Pages {
    /// Asks for a page. Its bytes are not read yet.
    pub(super) async fn open(&mut self, position: Position) -> Result<()> {
        (self.body, self.at) = (None, At::Before(position.clone()));
        let answer = loop {
            let answer = fetch(&self.job, self.max_records, &position).await?;
            if !is_web_page(&answer) {
                break answer;
            }
            self.pause(&position, incomplete("an HTML page came instead of rows")).await?;
        };
        let next = match answer.header("sforce-locator") {
            Some("null") => NextPage::End,
            Some(locator) if !locator.is_empty() => NextPage::Page(Locator::new(locator)),
            _ => NextPage::Unknown,
        };
        if let (NextPage::Page(next), Some(this)) = (&next, &position.locator)
            && next == this
        {
            let text = format!("page {next} names itself as the next page");
            return Err(self.error(ErrorKind::Headers, &text));
        }
        let expected = answer.header("sforce-numberofrecords").and_then(|n| n.trim().parse().ok());
        let unverified = expected.is_none() && answer.framing == Framing::Close;
        self.rows.reset();
        self.opened += 1;
        self.body = Some(Body {
            stream: answer.body.fuse(),
            framing: answer.framing,
            expected,
            read: 0,
            header_due: true,
            pending: false,
            seen: unverified.then(Seen::default),
        });
        tracing::trace!(job = %self.job.id(), locator = ?position.locator, rows = expected, "page opened");
        self.at = At::In { position, next };
        Ok(())
    }

    /// What the org said about the page in hand.
    pub(super) fn head(&self) -> Option<PageHead> {
        let (At::In { position, next }, Some(body)) = (&self.at, &self.body) else { return None };
        Some(PageHead { locator: position.locator.clone(), next: next.clone(), rows: body.expected })
    }

    /// The next piece of the body; `None` at its end. A body that breaks is opened again, and the pieces
    /// begin anew: `opened` tells.
    pub(crate) async fn next_piece(&mut self) -> Result<Option<Bytes>> {
        loop {
            let Some(body) = &mut self.body else { return Ok(None) };
            match body.stream.next().await {
                None => return Ok(None),
                Some(Ok(piece)) if piece.is_empty() => {}
                Some(Ok(piece)) => {
                    if let Some(seen) = &mut body.seen {
                        seen.add(&piece);
                    }
                    return Ok(Some(piece));
                }
                Some(Err(e)) => self.reopen(e.during("reading a page")).await?,
            }
        }
    }

    /// The page was not whole: notes it, waits, and opens it again. Always `false`, for `?` and return.
    pub(super) async fn broken(&mut self, what: &str) -> Result<bool> {
        self.reopen(incomplete(what))
            .await
            .map_err(|e| self.error(ErrorKind::Counts, what).with_source(e))?;
        Ok(false)
    }

    /// Fetches the page in hand again, because its body was not whole.
    pub(super) async fn reopen(&mut self, error: sf_core::Error) -> Result<()> {
        let At::In { position, .. } = &self.at else { return Ok(()) };
        let position = position.clone();
        // Whoever goes on after an error goes on here, and not with the next page.
        self.body = None;
        self.at = At::Before(position.clone());
        self.pause(&position, error).await?;
        self.open(position).await
    }

    /// Waits before a page is fetched again, as long as the retry policy allows it. Rows taken since the last failure start
    /// the policy over.
    async fn pause(&mut self, position: &Position, error: sf_core::Error) -> Result<()> {
        if self.failed_at.as_ref() != Some(position) {
            self.attempts.reset();
            self.failed_at = Some(position.clone());
        }
        self.attempts
            .pause_after(error, true)
            .await
            .map_err(|e| self.job.error("a page could not be read", e))
    }

    /// Fetches the page once more and compares length and hash: the last resort where neither the
    /// connection nor a header tells whether a body was whole.
    pub(super) async fn confirmed(&mut self) -> bool {
        let (Some(body), At::In { position, .. }) = (&self.body, &self.at) else { return true };
        let Some(first) = body.seen.clone() else { return true };
        let Ok(mut again) = fetch(&self.job, self.max_records, position).await else { return false };
        let mut second = Seen::default();
        while let Some(piece) = again.body.next().await {
            match piece {
                Ok(piece) => second.add(&piece),
                Err(_) => return false,
            }
        }
        first == second
    }
}

/// Whether an answer is a page for a browser: of a login, or of something on the way, whatever its status says.
pub(crate) fn is_web_page(answer: &Response) -> bool {
    answer.header("content-type").is_some_and(|kind| kind.contains("html"))
}

/// Asks for a page. Not a method of [`Pages`]: a body can be sent between threads, but not shared by them.
async fn fetch(job: &QueryJob, max_records: Option<u32>, position: &Position) -> Result<Response> {
    let mut request = job.client().get(job.path("/results")).version(job.api_version());
    if let Some(locator) = &position.locator {
        request = request.query("locator", locator.as_str());
    }
    if let Some(rows) = max_records {
        request = request.query("maxRecords", &rows.to_string());
    }
    request
        .header("Accept", "text/csv")
        .send()
        .await
        .map_err(|e| job.error("a page of its result could not be fetched", e))
}
