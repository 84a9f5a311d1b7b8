//! The names of pages, as the org gives them beforehand.

use std::collections::VecDeque;

use futures_util::stream::{BoxStream, StreamExt};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::{Error, ErrorKind, Locator, Position, QueryJob, Result};

/// A page to be fetched.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) at: Position,
    /// Whether it is the one to begin with.
    pub(super) first: bool,
}

/// Where all pages begin, asked for as far as they are needed.
pub(super) fn listed(job: QueryJob, from: Position, first: Named) -> BoxStream<'static, Result<Start>> {
    let state = Listing { job, begin: Some(from), named: Some(first), ready: VecDeque::new() };
    futures_util::stream::try_unfold(state, |mut listing| async move {
        Ok(listing.next().await?.map(|start| (start, listing)))
    })
    .boxed()
}

struct Listing {
    job: QueryJob,
    /// Where to begin, until the first page was named.
    begin: Option<Position>,
    /// The names that came last, and whose continuation was not asked for.
    named: Option<Named>,
    ready: VecDeque<Start>,
}

impl Listing {
    async fn next(&mut self) -> Result<Option<Start>> {
        loop {
            if let Some(start) = self.ready.pop_front() {
                return Ok(Some(start));
            }
            let Some(now) = self.named.take() else { return Ok(None) };
            if !now.result_pages.is_empty() {
                for page in &now.result_pages {
                    self.name(locator_of(&page.result_url))?;
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

    fn name(&mut self, locator: Option<Locator>) -> Result<()> {
        let (at, first) = match (self.begin.take(), locator) {
            // The first page has a name too, and may be cut otherwise without it.
            (Some(begin), locator) if begin == Position::START => (Position { locator, ..begin }, true),
            // The position may stand within its page.
            (Some(begin), locator) => {
                let listed = locator.filter(|l| begin.locator.as_ref().is_some_and(|begin| begin != l));
                self.ready.push_back(Start { at: begin, first: true });
                let Some(locator) = listed else { return Ok(()) };
                (Position::page(locator), false)
            }
            (None, Some(locator)) => (Position::page(locator), false),
            (None, None) => {
                let text = "the org named a page without a locator";
                return Err(Error::new(ErrorKind::Headers, self.job.id(), text));
            }
        };
        self.ready.push_back(Start { at, first });
        Ok(())
    }
}

fn locator_of(url: &str) -> Option<Locator> {
    let (_, query) = url.split_once('?')?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix("locator="))?;
    Some(Locator::new(percent_decode_str(value).decode_utf8().ok()?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Named {
    pub(super) result_pages: Vec<ResultUrl>,
    /// The guide names it both ways.
    #[serde(default, alias = "nextRecordUrl")]
    next_records_url: Option<String>,
    #[serde(default)]
    done: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResultUrl {
    result_url: String,
}

/// Asks for the names of some pages; `None` where the org does not name pages.
pub(super) async fn names(
    job: &QueryJob,
    from: Option<&Locator>,
    next: Option<&str>,
) -> Result<Option<Named>> {
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
        Err(e) if next.is_none() && matches!(e.status(), Some(400 | 404 | 405)) => Ok(None),
        Err(e) => Err(job.error("its pages could not be listed", e)),
    }
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
