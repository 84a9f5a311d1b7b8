//! Bytes to rows, one row at a time: with the csv crate's own state machine, and by a short cut where rows are as an
//! org writes them.

use bytes::{Buf, Bytes};
use csv_core::ReadRecordResult;
use memchr::memchr2;

/// What one row may hold. The org's own limit is 400,000 characters (Bulk API 2.0 guide, "Limits").
pub(crate) const MAX_ROW: usize = 16 * 1024 * 1024;
/// How many cells one row may have: the places where they end take as much memory again.
const MAX_CELLS: usize = MAX_ROW / 8;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Turns pieces of a CSV body into rows. Holds one piece and one row, whatever the body's size.
pub(crate) struct CsvRows {
    delimiter: u8,
    reader: csv_core::Reader,
    input: Bytes,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    filled: usize,
    ended: usize,
    /// Whether bytes of a row have been read that is not finished.
    inside: bool,
    start: Start,
    /// Line ends that the state machine did not see.
    lines: u64,
}

/// How far the beginning of a body was read: a byte order mark there is no part of the first cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// So many bytes of a byte order mark were seen, and nothing else.
    Mark(usize),
    /// The next byte is the first one that the state machine sees.
    First,
    Past,
}

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A row: see [`CsvRows::row`].
    Row,
    /// The piece is used up.
    NeedInput,
    /// A row is larger than any row of an org can be: the body is not what it should be.
    TooLarge,
}

/// The cells of a row, one after the other, and where each ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) ends: &'a [usize],
}

impl<'a> Cells<'a> {
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends).map(move |(start, &end)| &self.bytes[start..end])
    }
}

impl Default for CsvRows {
    fn default() -> Self {
        Self::new(b',')
    }
}

impl CsvRows {
    /// A reader of rows whose cells are divided by `delimiter`.
    pub(crate) fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            reader: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            input: Bytes::new(),
            bytes: vec![0; 1024],
            ends: vec![0; 32],
            filled: 0,
            ended: 0,
            inside: false,
            start: Start::Mark(0),
            lines: 0,
        }
    }

    /// Starts over with another body, keeping the buffers.
    pub(crate) fn reset(&mut self) {
        self.reader.reset();
        self.input = Bytes::new();
        (self.filled, self.ended, self.inside) = (0, 0, false);
        (self.start, self.lines) = (Start::Mark(0), 0);
    }

    /// Gives the next piece of the body. The one before must be used up.
    pub(crate) fn feed(&mut self, piece: Bytes) {
        debug_assert!(self.input.is_empty());
        self.input = piece;
    }

    /// What was given and not read yet; it is taken out.
    pub(crate) fn input(&mut self) -> Bytes {
        std::mem::take(&mut self.input)
    }

    /// What was given and not read yet.
    pub(crate) fn peek(&self) -> Bytes {
        self.input.clone()
    }

    /// The line of the body on which the row just read ends.
    pub(crate) fn line(&self) -> u64 {
        self.lines + self.reader.line().saturating_sub(1)
    }

    /// The row that [`Step::Row`] announced.
    pub(crate) fn row(&self) -> Cells<'_> {
        Cells { bytes: &self.bytes[..self.filled], ends: &self.ends[..self.ended] }
    }

    /// Reads past a byte order mark, which may come in several pieces; `false` where it needs the next one.
    fn past_mark(&mut self, mut seen: usize) -> bool {
        while let Some(&byte) = self.input.first() {
            if byte != BOM[seen] {
                self.start = Start::First;
                if seen > 0 {
                    self.input = [&BOM[..seen], &self.input].concat().into();
                }
                return true;
            }
            self.input.advance(1);
            seen += 1;
            if seen == BOM.len() {
                self.start = Start::First;
                return true;
            }
            self.start = Start::Mark(seen);
        }
        false
    }

    /// Reads on to the end of a row or of the piece.
    pub(crate) fn step(&mut self) -> Step {
        if !self.inside {
            if self.start == Start::Past && self.quoted_row() {
                return Step::Row;
            }
            (self.filled, self.ended) = (0, 0);
        }
        if let Start::Mark(seen) = self.start
            && !self.past_mark(seen)
        {
            return Step::NeedInput;
        }
        while !self.input.is_empty() {
            // The state machine knows byte order marks too, but only whole ones: with one byte it sees none.
            let most = if self.start == Start::First { 1 } else { self.input.len() };
            self.start = Start::Past;
            let (result, read, written, ended) = self.reader.read_record(
                &self.input[..most],
                &mut self.bytes[self.filled..],
                &mut self.ends[self.ended..],
            );
            self.filled += written;
            self.ended += ended;
            // Line ends between rows are not the beginning of a row; everything else is.
            self.inside |= self.input[..read].iter().any(|b| !matches!(b, b'\r' | b'\n'));
            self.input.advance(read);
            match result {
                ReadRecordResult::Record => {
                    self.inside = false;
                    return Step::Row;
                }
                ReadRecordResult::OutputFull if self.bytes.len() < MAX_ROW => {
                    self.bytes.resize(self.bytes.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < MAX_CELLS => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => return Step::TooLarge,
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
            }
        }
        Step::NeedInput
    }

    /// Reads a row that is whole in the piece, with every cell quoted and a line feed at its end: all rows of an org
    /// are, but those that stand in two pieces. Looking for quotes only, many bytes at once, takes a third of the
    /// time that it takes to look at each byte. `false` where it is another row: then nothing is read.
    fn quoted_row(&mut self) -> bool {
        let input = &self.input[..];
        let (mut at, mut filled, mut ended, mut lines) = (0, 0, 0, 1);
        while input.get(at) == Some(&b'"') {
            at += 1;
            loop {
                let Some(len) = memchr2(b'"', b'\n', &input[at..]) else { return false };
                // A line end is a part of the cell, and so is the first of two quotes.
                let line_end = input[at + len] == b'\n';
                let doubled = !line_end && input.get(at + len + 1) == Some(&b'"');
                let taken = len + usize::from(line_end || doubled);
                if filled + taken >= self.bytes.len() {
                    // What is too large for the state machine is too large here.
                    if filled + taken >= MAX_ROW {
                        return false;
                    }
                    self.bytes.resize((filled + taken + 1).next_power_of_two(), 0);
                }
                copy(&input[at..], &mut self.bytes[filled..], taken);
                filled += taken;
                at += len + 1 + usize::from(doubled);
                lines += u64::from(line_end);
                if !(line_end || doubled) {
                    break;
                }
            }
            if ended == self.ends.len() {
                if ended >= MAX_CELLS {
                    return false;
                }
                self.ends.resize(2 * ended, 0);
            }
            self.ends[ended] = filled;
            ended += 1;
            match input.get(at) {
                Some(b'\n') => {
                    (self.filled, self.ended) = (filled, ended);
                    self.lines += lines;
                    self.input.advance(at + 1);
                    return true;
                }
                Some(byte) if *byte == self.delimiter => at += 1,
                _ => return false,
            }
        }
        false
    }

    /// At the end of the body: whether a row was begun that no line end finished, and whether it is
    /// whole all the same ([`CsvRows::row`] holds it then).
    pub(crate) fn tail(&mut self) -> Tail {
        if let Start::Mark(seen @ 1..) = self.start {
            // The body ends within what began as a mark does.
            self.start = Start::First;
            self.feed(Bytes::from_static(&BOM[..seen]));
            self.step();
        }
        if !self.inside {
            return Tail::None;
        }
        // A line end finishes a row, unless a quoted cell is still open: then it is a part of the cell.
        self.feed(Bytes::from_static(b"\n"));
        match self.step() {
            Step::Row => Tail::Unfinished,
            Step::NeedInput | Step::TooLarge => Tail::OpenQuote,
        }
    }
}

/// Copies the first bytes. Cells are short: with room for it, a fixed number of bytes is copied, which is two
/// instructions instead of a call, and what is too much is written over by the next cell.
fn copy(from: &[u8], to: &mut [u8], len: usize) {
    const SHORT: usize = 32;
    match (from.first_chunk::<SHORT>(), to.first_chunk_mut::<SHORT>()) {
        (Some(from), Some(to)) if len <= SHORT => *to = *from,
        _ => to[..len].copy_from_slice(&from[..len]),
    }
}

/// What is left when a body ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing: the last row was finished by a line end.
    None,
    /// A row without a line end.
    Unfinished,
    /// A quoted cell that was never closed.
    OpenQuote,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> (Vec<Vec<String>>, Tail) {
        let mut rows = CsvRows::default();
        let mut out = Vec::new();
        let text = |r: &CsvRows| r.row().iter().map(|c| String::from_utf8(c.to_vec()).unwrap()).collect();
        for piece in pieces {
            rows.feed(Bytes::copy_from_slice(piece));
            while rows.step() == Step::Row {
                out.push(text(&rows));
            }
        }
        let tail = rows.tail();
        if tail == Tail::Unfinished {
            out.push(text(&rows));
        }
        (out, tail)
    }

    #[test]
    fn quotes_newlines_and_empty_cells_are_cells() {
        let (rows, tail) = read(&[b"\"Id\",\"Name\"\n\"1\",\"a \"\"b\"\"\nc\"\n\"\",\"\"\n"]);
        assert_eq!(rows, [["Id", "Name"], ["1", "a \"b\"\nc"], ["", ""]]);
        assert_eq!(tail, Tail::None);
    }

    #[test]
    fn a_single_column_that_is_null_is_a_row_too() {
        let (rows, _) = read(&[b"\"Id\"\n\"\"\n\"x\"\n"]);
        assert_eq!(rows, [["Id"], [""], ["x"]]);
    }

    #[test]
    fn a_body_that_ends_inside_a_row_is_noticed() {
        assert_eq!(read(&[b"\"a\",\"b\"\n\"c\",\"d"]).1, Tail::OpenQuote);
        assert_eq!(read(&[b"\"a\",\"b\"\n\"c\",\"d\n"]).1, Tail::OpenQuote);
        assert_eq!(read(&[b"\"a\",\"b\"\n\"c\",\"d\""]).1, Tail::Unfinished);
        assert_eq!(read(&[b"\"a\",\"b\"\n\""]).1, Tail::OpenQuote);
        assert_eq!(read(&[b"\"a\",\"b\"\n"]).1, Tail::None);
        assert_eq!(read(&[b"\"a\",\"b\"\r\n"]).1, Tail::None);
        assert_eq!(read(&[]).1, Tail::None);
    }

    #[test]
    fn lines_are_counted_whichever_way_a_row_was_read() {
        let mut rows = CsvRows::default();
        rows.feed(Bytes::from_static(b"\"a\"\n\"b\nc\"\nd\n\n\"e\"\n\"\n"));
        let mut lines = Vec::new();
        while rows.step() == Step::Row {
            lines.push(rows.line());
        }
        assert_eq!(lines, [1, 3, 4, 6]);
    }

    #[test]
    fn rows_that_are_not_all_quoted_stand_beside_those_that_are() {
        let (rows, tail) = read(&[
            b"\"a\",\"b\"\n1,\"2\"\n\"1\",2\n\"1\"x,\"2\"\n\"1\",\"2\"\r\n\"1\",\"2\"\r\"1\",\"\"\n\n\xef\xbb\xbf3,4\n\"1\",\"2",
        ]);
        let expected = [
            ["a", "b"],
            ["1", "2"],
            ["1", "2"],
            ["1x", "2"],
            ["1", "2"],
            ["1", "2"],
            ["1", ""],
            ["\u{feff}3", "4"],
        ];
        assert_eq!(rows, expected);
        assert_eq!(tail, Tail::OpenQuote);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_cell_however_it_is_cut() {
        let body = b"\xEF\xBB\xBFId\n\xEF\xBB\xBF\n";
        for piece in 1..=body.len() {
            let pieces: Vec<&[u8]> = body.chunks(piece).collect();
            assert_eq!(read(&pieces), (vec![vec!["Id".to_owned()], vec!["\u{feff}".to_owned()]], Tail::None));
        }
        // Two marks: only the first is one. A letter that begins as a mark does. A mark and nothing else.
        let twice: [&[u8]; 2] = [b"\xEF", b"\xBB\xBF\xEF\xBB\xBFId\n"];
        assert_eq!(read(&twice).0, [["\u{feff}Id"]]);
        assert_eq!(read(&[b"\xEF\xBB", b"\x80\n"]).0, [["\u{fec0}"]]);
        assert_eq!(read(&[b"\xEF\xBB\xBF"]), (vec![], Tail::None));
    }

    #[test]
    fn a_row_beyond_all_reason_is_refused_instead_of_kept() {
        let mut rows = CsvRows::default();
        rows.feed(Bytes::from_static(b"\""));
        let piece = Bytes::from(vec![b'x'; 1 << 20]);
        let refused = (0..64).any(|_| {
            let step = rows.step();
            if step == Step::NeedInput {
                rows.feed(piece.clone());
            }
            step == Step::TooLarge
        });
        assert!(refused);
        assert!(rows.bytes.len() <= MAX_ROW);
    }

    #[test]
    fn where_a_row_becomes_too_large_does_not_depend_on_its_pieces() {
        let row = |len: usize, pieces: usize| {
            let mut rows = CsvRows::default();
            rows.feed(Bytes::from_static(b"a\n"));
            assert_eq!((rows.step(), rows.step()), (Step::Row, Step::NeedInput));
            let body = Bytes::from([b"\"", &vec![b'x'; len][..], b"\"\n"].concat());
            for piece in body.chunks(body.len().div_ceil(pieces)) {
                rows.feed(body.slice_ref(piece));
                match rows.step() {
                    Step::NeedInput => {}
                    step => return (step, rows.row().bytes.len()),
                }
            }
            (Step::NeedInput, 0)
        };
        for len in [MAX_ROW - 1, MAX_ROW, MAX_ROW + 1] {
            let whole = row(len, 1);
            assert_eq!(whole.0, if len < MAX_ROW { Step::Row } else { Step::TooLarge }, "{len}");
            assert_eq!(whole, row(len, 2), "{len}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_are_the_rows_and_lines_that_the_state_machine_alone_makes_of_them(
            parts in proptest::collection::vec(
                "(\"[a,;\r\n]{0,3}(\"\"[a\n]?)?\"|[a,;\"\r\n\u{feff}])(,|;|\n|\"|\r\n)?", 0..12,
            ),
            piece in 1_usize..40,
            semicolon: bool,
        ) {
            let (body, delimiter) = (parts.concat(), if semicolon { b';' } else { b',' });
            let mut alone = CsvRows::new(delimiter);
            let mut rows = CsvRows::new(delimiter);
            let (mut expected, mut read) = (Vec::new(), Vec::new());
            let take = |r: &CsvRows| (r.row().iter().map(<[u8]>::to_vec).collect::<Vec<_>>(), r.line());
            // A byte is no whole row, so that the short cut is never taken.
            for byte in body.as_bytes().chunks(1) {
                alone.feed(Bytes::copy_from_slice(byte));
                while alone.step() == Step::Row {
                    expected.push(take(&alone));
                }
            }
            for piece in body.as_bytes().chunks(piece) {
                rows.feed(Bytes::copy_from_slice(piece));
                while rows.step() == Step::Row {
                    read.push(take(&rows));
                }
            }
            prop_assert_eq!(read, expected);
            prop_assert_eq!(rows.tail(), alone.tail());
        }

        #[test]
        fn however_the_body_is_cut_into_pieces_the_rows_are_those_of_the_csv_crate(
            table in proptest::collection::vec(proptest::collection::vec("[a-z\",\n\r é]{0,40}", 3), 1..20),
            piece in prop_oneof![1usize..40, 40usize..2000],
        ) {
            let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let body = writer.into_inner().unwrap();
            let pieces: Vec<&[u8]> = body.chunks(piece).collect();
            let (rows, tail) = read(&pieces);
            prop_assert_eq!(rows, table);
            prop_assert_eq!(tail, Tail::None);
        }
    }
}
