//! Rows written out once and served in any pages: pieces of a few hundred kilobytes and the place of every row.

use bytes::Bytes;

/// Pieces stay near this size: large enough to send fast, small enough that a page shares most of them whole.
const PIECE: usize = 256 * 1024;

/// Rows as bytes. A page shares the memory of the whole.
#[derive(Debug, Default)]
pub(crate) struct RowSet {
    pieces: Vec<Piece>,
    rows: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Piece {
    bytes: Bytes,
    first: u64,
    /// Where each row of the piece ends.
    ends: Vec<u32>,
}

impl RowSet {
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The bytes of rows `from..to`.
    pub(crate) fn slice(&self, from: u64, to: u64) -> Vec<Bytes> {
        let to = to.min(self.rows);
        let mut out = Vec::new();
        if from >= to {
            return out;
        }
        let start = self.pieces.partition_point(|piece| piece.first <= from).saturating_sub(1);
        for piece in &self.pieces[start..] {
            if piece.first >= to {
                break;
            }
            out.push(piece.bytes.slice(piece.end_before(from)..piece.end_before(to)));
        }
        out
    }
}

impl Piece {
    /// Where the rows before row `row` of the whole set end in this piece.
    fn end_before(&self, row: u64) -> usize {
        let rows = usize::try_from(row.saturating_sub(self.first)).unwrap_or(usize::MAX).min(self.ends.len());
        rows.checked_sub(1).map_or(0, |last| self.ends[last] as usize)
    }
}

/// Writes a [`RowSet`].
#[derive(Debug, Default)]
pub(crate) struct RowSetWriter {
    done: RowSet,
    buffer: Vec<u8>,
    ends: Vec<u32>,
}

impl RowSetWriter {
    /// Appends one row, which `write` adds to the buffer that it is given.
    pub(crate) fn row(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.buffer);
        // A piece is cut as soon as it is full, and no row is as long as four gigabytes.
        self.ends.push(u32::try_from(self.buffer.len()).unwrap_or(u32::MAX));
        if self.buffer.len() >= PIECE {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let rows = self.ends.len() as u64;
        let bytes = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE + PIECE / 8));
        self.done.bytes += bytes.len() as u64;
        let ends = std::mem::take(&mut self.ends);
        self.done.pieces.push(Piece { bytes: bytes.into(), first: self.done.rows, ends });
        self.done.rows += rows;
    }

    pub(crate) fn finish(mut self) -> RowSet {
        if !self.ends.is_empty() {
            self.buffer.shrink_to_fit();
            self.cut();
        }
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_page_holds_just_its_rows() {
        let mut writer = RowSetWriter::default();
        let line = |n: u64| format!("row {n} {}\n", "x".repeat(usize::try_from(n % 50).unwrap() * 100));
        for n in 0..500 {
            writer.row(|out| out.extend_from_slice(line(n).as_bytes()));
        }
        let set = writer.finish();
        assert!(set.pieces.len() > 2, "{} pieces", set.pieces.len());
        assert_eq!(set.rows(), 500);
        for (from, to) in
            [(0, 500), (0, 0), (0, 1), (499, 500), (499, 900), (500, 501), (17, 350), (104, 106)]
        {
            let expected: String = (from..to.min(500)).map(line).collect();
            assert_eq!(set.slice(from, to).concat(), expected.as_bytes(), "{from}..{to}");
        }
        let whole: String = (0..500).map(line).collect();
        assert_eq!(set.bytes(), whole.len() as u64);
    }

    #[test]
    fn no_rows_are_no_bytes() {
        let set = RowSetWriter::default().finish();
        assert_eq!((set.rows(), set.slice(0, 9).len()), (0, 0));
    }
}
