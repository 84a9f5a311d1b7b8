//! Rows as the caller's own structs.

use std::fmt;

use futures_util::Stream;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sf_core::json;

use crate::error::{Error, ErrorKind, Result};

use super::page::Page;
use super::pages::Pages;

/// The rows of a query, each as a `T`. Made by [`Query::rows`](crate::Query::rows).
pub struct Rows<T> {
    pages: Pages,
    ready: Ready<T>,
    total_size: Option<u64>,
    /// Why there are no further rows, although there should be.
    failed: Option<Error>,
}

/// The rows of a page that have not been taken yet.
enum Ready<T> {
    Good(std::vec::IntoIter<T>),
    /// Of a page with a row that is no `T`.
    Mixed(std::vec::IntoIter<Result<T>>),
}

impl<T> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("pages", &self.pages).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned> Rows<T> {
    pub(super) fn new(pages: Pages) -> Self {
        Self { pages, ready: Ready::Good(Vec::new().into_iter()), total_size: None, failed: None }
    }

    /// The next row, over the borders of pages; `None` after the last one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Row`] where a row is no `T`, and the next call goes on with the next row; else as
    /// [`Pages::next_page`].
    pub async fn next_row(&mut self) -> Result<Option<T>> {
        loop {
            match &mut self.ready {
                Ready::Good(rows) => {
                    if let Some(row) = rows.next() {
                        return Ok(Some(row));
                    }
                }
                Ready::Mixed(rows) => {
                    if let Some(row) = rows.next() {
                        return row.map(Some);
                    }
                }
            }
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            let Some(page) = self.pages.next_page().await? else { return Ok(None) };
            self.total_size = Some(page.total_size());
            self.ready = match page.rows() {
                Ok(rows) => Ready::Good(rows.into_iter()),
                Err(_) => match row_by_row(&page) {
                    Ok(rows) => Ready::Mixed(rows.into_iter()),
                    Err(e) => {
                        let error = self.failed.insert(self.pages.query().unreadable(page.rows_before(), e));
                        return Err(error.clone());
                    }
                },
            };
        }
    }

    /// How many rows the whole query has; `None` before the first page.
    pub fn total_size(&self) -> Option<u64> {
        self.total_size
    }

    /// All rows that are left.
    ///
    /// # Errors
    ///
    /// As [`next_row`](Self::next_row), at the first one.
    pub async fn all(mut self) -> Result<Vec<T>> {
        let mut all = Vec::new();
        while let Some(row) = self.next_row().await? {
            all.push(row);
        }
        Ok(all)
    }

    /// The rows as a stream. After a row that is no `T` it goes on; after any other error it ends.
    pub fn stream(self) -> impl Stream<Item = Result<T>> {
        futures_util::stream::unfold(Some(self), |rows| async move {
            let mut rows = rows?;
            match rows.next_row().await {
                Ok(row) => row.map(|row| (Ok(row), Some(rows))),
                Err(error) if error.kind() == ErrorKind::Row => Some((Err(error), Some(rows))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

#[derive(Deserialize)]
struct WithId {
    #[serde(rename = "Id")]
    id: Option<String>,
}

fn row_by_row<T: DeserializeOwned>(page: &Page) -> serde_json::Result<Vec<Result<T>>> {
    let raw = page.raw_rows()?;
    let numbered = (page.rows_before() + 1..).zip(raw);
    let read = |(number, row): (u64, &serde_json::value::RawValue)| {
        serde_json::from_str(row.get()).map_err(|e| {
            let id = serde_json::from_str::<WithId>(row.get()).ok().and_then(|row| row.id);
            let id = id.map_or_else(String::new, |id| format!(" with Id {id}"));
            let message = format!("row {number}{id} is not what was asked for");
            let why = sf_core::Error::new(sf_core::ErrorKind::Protocol, json::fault(&e));
            Error::with_org(ErrorKind::Row, message, why)
        })
    };
    Ok(numbered.map(read).collect())
}
