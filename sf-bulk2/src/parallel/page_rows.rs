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
    /// How many rows were read.
    read: u64,
    /// Whether nothing can be read any more: the page is at its end, or cannot be read on.
    ended: bool,
    marker: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for PageRows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageRows").field("job", &self.job).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned> PageRows<T> {
    pub(super) fn new(job: Id, header: &[String], pieces: Pieces) -> Self {
        let (header, rows) = (header.to_vec(), CsvRows::default());
        Self { job, header, pieces, rows, read: 0, ended: false, marker: PhantomData }
    }

    /// The next row; `None` after the last one.
    ///
    /// # Errors
    /// [`ErrorKind::Row`] where it is no `T`, [`ErrorKind::Csv`] where it is no row, and [`ErrorKind::Io`] of the
    /// temporary file. After [`ErrorKind::Row`], and after a row with too few cells, too many, or no text in them, the
    /// next call goes on with the next row. Behind a row that is larger than any row of an org, and after
    /// [`ErrorKind::Io`], nothing can be read: that error is the last thing that comes.
    pub async fn next_row(&mut self) -> Result<Option<T>> {
        if self.ended || !self.advance().await.inspect_err(|_| self.ended = true)? {
            self.ended = true;
            return Ok(None);
        }
        self.read += 1;
        let row = Row::of(&self.header, self.rows.row()).map_err(|no| {
            no.told(|what| self.error(ErrorKind::Csv, &format!("row {} of a page: {what}", self.read)))
        })?;
        T::deserialize(row).map(Some).map_err(|e| {
            let text = format!("row {} of a page{} is not what was asked for", self.read, row.named());
            self.error(ErrorKind::Row, &text).with_source(e)
        })
    }

    /// Goes to the next row; `false` at the end.
    async fn advance(&mut self) -> Result<bool> {
        loop {
            match self.rows.step() {
                Step::Row => return Ok(true),
                Step::TooLarge => {
                    return Err(self.error(ErrorKind::Csv, "a row is larger than any row of an org"));
                }
                Step::NeedInput => match self.pieces.next().await {
                    Ok(Some(piece)) => self.rows.feed(piece),
                    Ok(None) => return Ok(false),
                    Err(e) => {
                        let error = self.error(ErrorKind::Io, "a page could not be read back");
                        return Err(error.with_source(e));
                    }
                },
            }
        }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type AnyRow = BTreeMap<String, String>;

    fn rows(body: Vec<u8>) -> PageRows<AnyRow> {
        let header = ["Id".to_owned(), "Name".to_owned()];
        let pieces = Pieces::Memory(vec![body.into()].into_iter());
        PageRows::new("7507Q000009f8jvQAA".parse().unwrap(), &header, pieces)
    }

    #[tokio::test]
    async fn behind_a_row_that_is_too_large_nothing_comes_and_behind_one_that_is_none_the_next() {
        let mut body = b"\"1\",\"a\"\n\"2\"\n\"3\",\"c\"\n".to_vec();
        body.extend_from_slice(&b"\"\",".repeat(3_000_000));
        body.extend_from_slice(b"\n\"4\",\"d\"\n");
        let mut rows = rows(body);
        assert_eq!(rows.next_row().await.unwrap().unwrap()["Id"], "1");
        let error = rows.next_row().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Csv);
        assert!(
            error.to_string().ends_with("row 2 of a page: a row has 1 cells, the header has 2"),
            "{error}"
        );
        assert_eq!(rows.next_row().await.unwrap().unwrap()["Id"], "3");
        let error = rows.next_row().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Csv);
        assert!(error.to_string().contains("larger than any row"), "{error}");
        for _ in 0..3 {
            assert_eq!(rows.next_row().await.unwrap(), None);
        }
    }
}
