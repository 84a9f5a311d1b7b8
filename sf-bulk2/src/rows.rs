//! Rows as the caller's own structs.

use std::marker::PhantomData;
use std::str::Utf8Error;

use csv::StringRecord;
use futures_util::Stream;
use serde::de::DeserializeOwned;

use crate::csv_rows::Cells;
use crate::{ErrorKind, Pages, Result};

/// The rows of all pages, each as a `T`. Made by [`Pages::rows`].
#[derive(Debug)]
pub struct Rows<T> {
    pages: Pages,
    header: StringRecord,
    row: StringRecord,
    marker: PhantomData<fn() -> T>,
}

impl Pages {
    /// Reads the rows as structs: columns by name, an empty cell (null) as `None`.
    #[must_use]
    pub fn rows<T: DeserializeOwned>(self) -> Rows<T> {
        Rows { pages: self, header: StringRecord::new(), row: StringRecord::new(), marker: PhantomData }
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
            self.header = self.pages.header().unwrap_or_default().iter().collect();
        }
        if let Err(error) = self.fill_row() {
            self.pages.give_back();
            return Err(error);
        }
        self.row.deserialize(Some(&self.header)).map(Some).map_err(|e| {
            let id = self.header.iter().position(|h| h == "Id").and_then(|i| self.row.get(i));
            let text = format!("the row with Id {} is not what was asked for", id.unwrap_or("unknown"));
            self.pages.error(ErrorKind::Row, &text).with_source(e)
        })
    }

    fn fill_row(&mut self) -> Result<()> {
        fill(&mut self.row, self.pages.cells(), self.header.len()).map_err(|what| {
            let error = self.pages.error(ErrorKind::Csv, &what.text);
            match what.source {
                Some(source) => error.with_source(source),
                None => error,
            }
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

/// Why cells are no row.
pub(crate) struct NoRow {
    pub(crate) text: String,
    pub(crate) source: Option<Utf8Error>,
}

/// Puts the cells of a row of so many columns into a record.
pub(crate) fn fill(
    row: &mut StringRecord,
    cells: Cells<'_>,
    columns: usize,
) -> std::result::Result<(), NoRow> {
    let count = cells.ends.len();
    if count != columns {
        let text = format!("a row has {count} cells, the header has {columns}");
        return Err(NoRow { text, source: None });
    }
    let no_text = |source| NoRow { text: "a row is not UTF-8".to_owned(), source };
    // Once for the row instead of once for each of its cells, which are short.
    let text = std::str::from_utf8(cells.bytes).map_err(|e| no_text(Some(e)))?;
    row.clear();
    let mut start = 0;
    for &end in cells.ends {
        // A character over the border of two cells makes text of neither.
        row.push_field(text.get(start..end).ok_or_else(|| no_text(None))?);
        start = end;
    }
    Ok(())
}
