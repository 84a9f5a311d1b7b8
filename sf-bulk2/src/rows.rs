//! Rows as the caller's own structs.

use std::marker::PhantomData;

use futures_util::Stream;
use serde::de::DeserializeOwned;

use crate::csv_rows::Cells;
use crate::row_de::Row;
use crate::{Error, ErrorKind, Pages, Result};

/// The rows of all pages, each as a `T`. Made by [`Pages::rows`].
#[derive(Debug)]
pub struct Rows<T> {
    pages: Pages,
    marker: PhantomData<fn() -> T>,
}

impl Pages {
    /// Reads the rows as structs: columns by name, an empty cell (null) as `None`.
    #[must_use]
    pub fn rows<T: DeserializeOwned>(self) -> Rows<T> {
        Rows { pages: self, marker: PhantomData }
    }
}

impl<T: DeserializeOwned> Rows<T> {
    /// The next row, over the borders of pages; `None` after the last one.
    ///
    /// # Errors
    /// [`ErrorKind::Row`] where a row is no `T`, and all of [`Pages::next_row`]. After
    /// [`ErrorKind::Row`] the next call goes on with the next row.
    pub async fn next_row(&mut self) -> Result<Option<T>> {
        while !self.pages.advance().await? {
            if self.pages.next_page().await?.is_none() {
                return Ok(None);
            }
        }
        let error = |what: &str| self.pages.error(ErrorKind::Csv, what);
        let row = match checked(self.pages.cells(), self.pages.header().unwrap_or_default(), error) {
            Ok(row) => row,
            Err(error) => {
                self.pages.give_back();
                return Err(error);
            }
        };
        T::deserialize(row).map(Some).map_err(|e| {
            let text =
                format!("the row with Id {} is not what was asked for", row.cell("Id").unwrap_or("unknown"));
            self.pages.error(ErrorKind::Row, &text).with_source(e)
        })
    }

    /// The rows as a stream.
    pub fn stream(self) -> impl Stream<Item = Result<T>> {
        futures_util::stream::try_unfold(self, |mut rows| async move {
            Ok(rows.next_row().await?.map(|row| (row, rows)))
        })
    }

    /// The pages below, to ask for the position.
    pub fn pages(&self) -> &Pages {
        &self.pages
    }
}

/// The cells as a row under this header.
pub(crate) fn checked<'r>(
    cells: Cells<'r>,
    header: &'r [String],
    error: impl Fn(&str) -> Error,
) -> Result<Row<'r>> {
    let (count, columns) = (cells.ends.len(), header.len());
    if count != columns {
        return Err(error(&format!("a row has {count} cells, the header has {columns}")));
    }
    // Once for the row instead of once for each of its cells, which are short.
    let text = std::str::from_utf8(cells.bytes).map_err(|e| error("a row is not UTF-8").with_source(e))?;
    // A character over the border of two cells makes text of neither.
    if !cells.ends.iter().all(|&end| text.is_char_boundary(end)) {
        return Err(error("a row is not UTF-8"));
    }
    Ok(Row { header, text, ends: cells.ends })
}
