//! Rows as the caller's own structs.

use std::marker::PhantomData;

use futures_util::Stream;
use serde::de::DeserializeOwned;

use crate::row_de::Row;
use crate::{ErrorKind, Pages, Result};

/// The rows of all pages, each as a `T`. Made by [`Pages::rows`].
#[derive(Debug)]
pub struct Rows<T> {
    pages: Pages,
    marker: PhantomData<fn() -> T>,
}

impl Pages {
    /// Reads the rows as structs: columns by name, an empty cell (null) as `None`.
    ///
    /// A type that takes anything, such as `serde_json::Value`, gets `true`, `false` and what has the form in which orgs
    /// write numbers as such, and everything else as text: `01067` and `+49` stay what they are. serde asks for the fields
    /// of a struct with `#[serde(flatten)]` that way too, so a text of digits alone cannot be read into a `String` there.
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
        let row = match self.row() {
            Ok(row) => row,
            Err(error) => {
                self.pages.give_back();
                return Err(error);
            }
        };
        T::deserialize(row).map(Some).map_err(|e| {
            let what = format!("{} is not what was asked for", row.named());
            self.pages.at_row(ErrorKind::Row, &what).with_source(e)
        })
    }

    /// The row in hand, checked.
    fn row(&self) -> Result<Row<'_>> {
        Row::of(self.pages.header().unwrap_or_default(), self.pages.cells())
            .map_err(|no| no.told(|what| self.pages.at_row(ErrorKind::Csv, &format!(": {what}"))))
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

    /// The pages below, to ask for the position.
    pub fn pages(&self) -> &Pages {
        &self.pages
    }
}
