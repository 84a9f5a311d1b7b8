//! Rows to parts, each the data of one job: whole records, below exact limits of bytes and rows.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

use crate::LineEnding;

/// The data of one job.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) csv: Bytes,
    pub(super) rows: u64,
    /// How many rows of the whole load come before it.
    pub(super) first_row: u64,
    buffers: Buffers,
}

/// The memory of parts that were sent, for those to come: to ask the system for it each time is a tenth of the work of
/// a load.
#[derive(Debug, Clone, Default)]
struct Buffers(Arc<Mutex<Vec<BytesMut>>>);

impl Buffers {
    fn take(&self) -> BytesMut {
        let buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        buffer
            .map(|mut buffer| {
                buffer.clear();
                buffer
            })
            .unwrap_or_default()
    }
}

impl Part {
    /// Nobody needs the data any more.
    pub(super) fn sent(self) {
        if let Ok(buffer) = self.csv.try_into_mut() {
            self.buffers.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
        }
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part")
            .field("first_row", &self.first_row)
            .field("rows", &self.rows)
            .field("bytes", &self.csv.len())
            .finish()
    }
}

/// Gathers records until a part is full.
#[derive(Debug)]
pub(super) struct Cutter {
    header: Vec<u8>,
    ending: &'static str,
    max_bytes: usize,
    max_rows: u64,
    part: BytesMut,
    buffers: Buffers,
    rows: u64,
    first_row: u64,
}

impl Cutter {
    /// A cutter of parts that begin with this header, which has no line end.
    pub(super) fn new(header: &[u8], ending: LineEnding, max_bytes: usize, max_rows: u64) -> Self {
        let mut header = header.to_vec();
        header.extend_from_slice(ending.as_str().as_bytes());
        Self {
            part: BytesMut::from(&header[..]),
            buffers: Buffers::default(),
            header,
            ending: ending.as_str(),
            max_bytes,
            max_rows,
            rows: 0,
            first_row: 0,
        }
    }

    /// How many rows were put in.
    pub(super) fn rows(&self) -> u64 {
        self.first_row + self.rows
    }

    /// Puts a record in and returns the part before it where that is full.
    ///
    /// # Errors
    /// What is wrong with a record that fits into no part.
    pub(super) fn push(&mut self, record: &[u8]) -> Result<Option<Part>, String> {
        let line = record.len() + self.ending.len();
        if self.header.len() + line > self.max_bytes {
            return Err(format!(
                "the row has {line} bytes, and a job with its header takes {}",
                self.max_bytes
            ));
        }
        let full = self.rows == self.max_rows || self.part.len() + line > self.max_bytes;
        let part = if full { self.take() } else { None };
        self.part.extend_from_slice(record);
        self.part.extend_from_slice(self.ending.as_bytes());
        self.rows += 1;
        Ok(part)
    }

    /// What is left, or what is there so far.
    pub(super) fn take(&mut self) -> Option<Part> {
        if self.rows == 0 {
            return None;
        }
        let mut next = self.buffers.take();
        // The next part will be as large: one allocation in place of many, and no copies.
        next.reserve(self.part.len().min(self.max_bytes));
        next.extend_from_slice(&self.header);
        let csv = std::mem::replace(&mut self.part, next).freeze();
        let buffers = self.buffers.clone();
        let part = Part { csv, rows: self.rows, first_row: self.first_row, buffers };
        self.first_row += self.rows;
        self.rows = 0;
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(records: &[&str], max_bytes: usize, max_rows: u64) -> Vec<(String, u64, u64)> {
        let mut cutter = Cutter::new(b"Id", LineEnding::Lf, max_bytes, max_rows);
        let mut parts = Vec::new();
        for record in records {
            parts.extend(cutter.push(record.as_bytes()).unwrap());
        }
        parts.extend(cutter.take());
        parts.into_iter().map(|p| (String::from_utf8(p.csv.to_vec()).unwrap(), p.first_row, p.rows)).collect()
    }

    #[test]
    fn a_part_is_cut_before_the_record_that_would_not_fit_to_the_byte() {
        // "Id\n" has 3 bytes, "abcd\n" 5: thirteen take two records, twelve only one.
        let two = cut(&["abcd", "efgh", "ijkl"], 13, 99);
        assert_eq!(two, [("Id\nabcd\nefgh\n".into(), 0, 2), ("Id\nijkl\n".into(), 2, 1)]);
        assert_eq!(cut(&["abcd", "efgh"], 12, 99).len(), 2);
    }

    #[test]
    fn a_part_has_no_more_rows_than_allowed() {
        let parts = cut(&["a", "b", "c", "d", "e"], 1000, 2);
        assert_eq!(parts.iter().map(|p| (p.1, p.2)).collect::<Vec<_>>(), [(0, 2), (2, 2), (4, 1)]);
    }

    #[test]
    fn a_record_that_fits_into_no_part_is_refused() {
        let mut cutter = Cutter::new(b"Id", LineEnding::Crlf, 10, 99);
        assert!(cutter.push(b"abcd").unwrap().is_none());
        assert_eq!(
            cutter.push(b"abcde").unwrap_err(),
            "the row has 7 bytes, and a job with its header takes 10"
        );
    }

    #[test]
    fn nothing_in_gives_no_part() {
        assert!(cut(&[], 10, 10).is_empty());
    }
}
