//! Rows to parts, each the data of one job: whole records, below exact limits of bytes and rows.

use std::sync::{Arc, Mutex, PoisonError};

use super::replay::Data;
use crate::LineEnding;

/// The data of one job.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) data: Data,
    pub(super) rows: u64,
    /// How many rows of the whole load come before it.
    pub(super) first_row: u64,
    pub(super) buffers: Buffers,
}

impl Part {
    /// Nobody needs the data any more.
    pub(super) fn sent(self) {
        match self.data {
            Data::Memory(csv) if csv.is_unique() => self.buffers.give(csv.into()),
            _ => {}
        }
    }
}

/// The memory of parts that were sent, for those to come: to ask the system for it each time is a tenth of the work of
/// a load.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    fn take(&self) -> Vec<u8> {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        buffer.clear();
        buffer
    }

    fn give(&self, buffer: Vec<u8>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

/// A part as it leaves the cutter.
#[derive(Debug)]
pub(super) struct Cut {
    /// What of it was not taken away before.
    pub(super) csv: Vec<u8>,
    /// How many bytes it has in all.
    pub(super) len: usize,
    pub(super) rows: u64,
    pub(super) first_row: u64,
    pub(super) buffers: Buffers,
}

/// Gathers records until a part is full.
#[derive(Debug)]
pub(super) struct Cutter {
    header: Vec<u8>,
    ending: &'static str,
    max_bytes: usize,
    max_rows: u64,
    /// None before it has to be there: until then its memory may be that of a part that is on its way.
    part: Option<Vec<u8>>,
    /// The first row of a part, with its end, as long as the part is not there.
    carried: Vec<u8>,
    /// How many bytes of a part were here at most: the next will have as many.
    largest: usize,
    /// How much of the part was taken away already.
    spilled: usize,
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
            header,
            part: None,
            carried: Vec::new(),
            largest: 0,
            spilled: 0,
            buffers: Buffers::default(),
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

    /// The line with which each part begins, with its end.
    pub(super) fn header(&self) -> &[u8] {
        &self.header
    }

    /// How many bytes of the part in hand are here.
    pub(super) fn waiting(&self) -> usize {
        self.part.as_ref().map_or(0, Vec::len)
    }

    /// How many bytes the part in hand has.
    fn len(&self) -> usize {
        match &self.part {
            Some(part) => self.spilled + part.len(),
            None => self.header.len() + self.carried.len(),
        }
    }

    /// Takes the bytes that are here away, and goes on with an empty buffer in their place.
    pub(super) fn spill(&mut self, buffer: Vec<u8>) -> Vec<u8> {
        self.spilled += self.waiting();
        self.part.replace(buffer).unwrap_or_default()
    }

    /// Puts a record in and returns the part before it where that is full.
    ///
    /// # Errors
    /// What is wrong with a record that fits into no part.
    pub(super) fn push(&mut self, record: &[u8]) -> Result<Option<Cut>, String> {
        let line = record.len() + self.ending.len();
        if self.header.len() + line > self.max_bytes {
            return Err(format!(
                "the row has {line} bytes, and a job with its header takes {}",
                self.max_bytes
            ));
        }
        let full = self.rows == self.max_rows || self.len() + line > self.max_bytes;
        let cut = if full { self.take() } else { None };
        let ending = self.ending;
        let part = if full { &mut self.carried } else { self.part() };
        part.extend_from_slice(record);
        part.extend_from_slice(ending.as_bytes());
        self.rows += 1;
        Ok(cut)
    }

    /// The part in hand, which begins with the header.
    fn part(&mut self) -> &mut Vec<u8> {
        self.part.get_or_insert_with(|| {
            let mut part = self.buffers.take();
            // One allocation in place of many, and no copies.
            part.reserve(self.largest);
            part.extend_from_slice(&self.header);
            part.append(&mut self.carried);
            part
        })
    }

    /// What is left, or what is there so far.
    pub(super) fn take(&mut self) -> Option<Cut> {
        if self.rows == 0 {
            return None;
        }
        let csv = std::mem::take(self.part());
        self.part = None;
        self.largest = self.largest.max(csv.len());
        let len = self.spilled + csv.len();
        let buffers = self.buffers.clone();
        let part = Cut { csv, len, rows: self.rows, first_row: self.first_row, buffers };
        self.spilled = 0;
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
        parts.into_iter().map(|p| (String::from_utf8(p.csv).unwrap(), p.first_row, p.rows)).collect()
    }

    #[test]
    fn a_part_is_cut_before_the_record_that_would_not_fit_to_the_byte() {
        // "Id\n" has 3 bytes, "abcd\n" 5: thirteen take two records, twelve only one.
        let two = cut(&["abcd", "efgh", "ijkl"], 13, 99);
        assert_eq!(two, [("Id\nabcd\nefgh\n".into(), 0, 2), ("Id\nijkl\n".into(), 2, 1)]);
        assert_eq!(cut(&["abcd", "efgh"], 12, 99).len(), 2);
    }

    #[test]
    fn what_was_taken_away_counts_for_the_part_all_the_same() {
        let mut cutter = Cutter::new(b"Id", LineEnding::Lf, 13, 99);
        assert!(cutter.push(b"abcd").unwrap().is_none());
        assert_eq!(cutter.spill(Vec::new()), b"Id\nabcd\n");
        assert!(cutter.push(b"efgh").unwrap().is_none());
        let cut = cutter.push(b"ijkl").unwrap().unwrap();
        assert_eq!((&cut.csv[..], cut.len, cut.rows), (&b"efgh\n"[..], 13, 2));
        let cut = cutter.take().unwrap();
        assert_eq!((&cut.csv[..], cut.len, cut.first_row), (&b"Id\nijkl\n"[..], 8, 2));
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
