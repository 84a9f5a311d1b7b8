//! Rows as the caller's own structs.

use std::marker::PhantomData;

use csv::{ByteRecord, StringRecord};
use futures_util::Stream;
use serde::de::DeserializeOwned;

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
        let mut bytes = std::mem::take(&mut self.row).into_byte_record();
        bytes.clear();
        for cell in self.pages.cells().iter() {
            bytes.push_field(cell);
        }
        self.row = match self.checked(bytes) {
            Ok(row) => row,
            Err(error) => {
                self.pages.give_back();
                return Err(error);
            }
        };
        self.row.deserialize(Some(&self.header)).map(Some).map_err(|e| {
            let id = self.header.iter().position(|h| h == "Id").and_then(|i| self.row.get(i));
            let text = format!("the row with Id {} is not what was asked for", id.unwrap_or("unknown"));
            self.pages.error(ErrorKind::Row, &text).with_source(e)
        })
    }

    fn checked(&self, bytes: ByteRecord) -> Result<StringRecord> {
        let (cells, columns) = (bytes.len(), self.header.len());
        if cells != columns {
            let text = format!("a row has {cells} cells, the header has {columns}");
            return Err(self.pages.error(ErrorKind::Csv, &text));
        }
        StringRecord::from_byte_record(bytes).map_err(|e| {
            self.pages.error(ErrorKind::Csv, "a row is not UTF-8").with_source(e.utf8_error().clone())
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
