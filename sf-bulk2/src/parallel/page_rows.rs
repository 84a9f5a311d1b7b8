//! The rows of a page that lies whole in memory or in a file.

use std::fmt;
use std::marker::PhantomData;

use futures_util::Stream;
use serde::de::DeserializeOwned;
use sf_core::Id;

use super::sink::Pieces;
use crate::csv_rows::{CsvRows, Step};
use crate::row_de::Row;
use crate::{Error, ErrorKind, Result};

/// The rows of a page, each as a `T`. Made by [`Page::rows`](super::Page::rows).
///
/// A page in a temporary file is read piece by piece.
pub struct PageRows<T> {
    job: Id,
    header: Vec<String>,
    pieces: Pieces,
    rows: CsvRows,
    marker: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for PageRows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageRows").field("job", &self.job).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned> PageRows<T> {
    pub(super) fn new(job: Id, header: &[String], pieces: Pieces) -> Self {
        Self { job, header: header.to_vec(), pieces, rows: CsvRows::default(), marker: PhantomData }
    }

    /// The next row; `None` after the last one.
    ///
    /// # Errors
    /// [`ErrorKind::Row`] where it is no `T`, [`ErrorKind::Csv`] where it is no row, and [`ErrorKind::Io`] of the
    /// temporary file. After the first two the next call goes on with the next row.
    pub async fn next_row(&mut self) -> Result<Option<T>> {
        loop {
            match self.rows.step() {
                Step::Row => break,
                Step::TooLarge => {
                    return Err(self.error(ErrorKind::Csv, "a row is larger than any row of an org"));
                }
                Step::NeedInput => match self.pieces.next().await {
                    Ok(Some(piece)) => self.rows.feed(piece),
                    Ok(None) => return Ok(None),
                    Err(e) => {
                        return Err(self
                            .error(ErrorKind::Io, "a page could not be read back")
                            .with_source(e));
                    }
                },
            }
        }
        let row = Row::of(&self.header, self.rows.row())
            .map_err(|no| no.told(|what| self.error(ErrorKind::Csv, what)))?;
        T::deserialize(row)
            .map(Some)
            .map_err(|e| self.error(ErrorKind::Row, "a row is not what was asked for").with_source(e))
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

    fn error(&self, kind: ErrorKind, what: &str) -> Error {
        Error::new(kind, self.job, what)
    }
}
