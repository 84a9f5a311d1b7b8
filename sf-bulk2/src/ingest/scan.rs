//! The records of a CSV that somebody else wrote, checked before they are sent.

use super::encode::Format;
use crate::LineEnding;

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// What is wrong with the data, and on which line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: u64,
    pub(super) what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first character of a cell.
    Start,
    /// In a cell without quotes.
    Plain,
    /// In a quoted cell.
    Quoted,
    /// After a quote in a quoted cell: its end, or one half of a quote.
    Closing,
    /// After a carriage return that has to be a part of a line end.
    Return,
    /// The record is whole.
    Done,
}

/// Takes pieces of CSV apart into records. Cells stay as they are, only line ends become those of the job.
#[derive(Debug)]
pub(super) struct Scanner {
    format: Format,
    state: State,
    record: Vec<u8>,
    cells: usize,
    /// The line that is read, counted from one, and the one on which the record began.
    line: u64,
    began: u64,
    /// Where the quoted cell in hand was opened: line and number of the cell.
    opened: (u64, usize),
    /// How much of a byte order mark was seen, until something else was.
    bom: Option<usize>,
    /// The last empty line before the record in hand.
    blank: Option<u64>,
    /// How long a record may be. Without an end to it, a quote that is never closed would take all memory.
    max: usize,
}

impl Scanner {
    pub(super) fn new(format: Format, max: usize) -> Self {
        Self {
            format,
            state: State::Start,
            record: Vec::new(),
            cells: 0,
            line: 1,
            began: 1,
            opened: (1, 1),
            bom: Some(0),
            blank: None,
            max,
        }
    }

    /// Takes what begins as a byte order mark does for what it is: the beginning was read before.
    pub(super) fn behind_the_beginning(mut self) -> Self {
        self.bom = None;
        self
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// The record that was found, without its line end.
    pub(super) fn record(&self) -> &[u8] {
        &self.record
    }

    /// How many cells it has.
    pub(super) fn cells(&self) -> usize {
        self.cells
    }

    /// The line on which it begins.
    pub(super) fn began(&self) -> u64 {
        self.began
    }

    /// An empty line between the record before and this one.
    pub(super) fn blank(&self) -> Option<u64> {
        self.blank
    }

    fn fault(&self, what: impl Into<String>) -> Fault {
        Fault { line: self.line, what: what.into() }
    }

    /// Reads on from the input, and takes what it read away from it; `true` at the end of a record.
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Result<bool, Fault> {
        if self.state == State::Done {
            self.begin();
        }
        if self.bom.is_some() {
            // No text in UTF-8 has these bytes, and texts in UTF-16 begin with them.
            if let (Some(0), Some(0xFE | 0xFF)) = (self.bom, input.first()) {
                return Err(self.fault("it is not UTF-8 but looks like UTF-16: save it as UTF-8"));
            }
            if !self.past_bom(input) {
                return Ok(false);
            }
        }
        while let Some(&byte) = input.first() {
            if self.record.len() > self.max {
                return Err(self.too_long());
            }
            match self.state {
                State::Quoted => self.quoted(input)?,
                State::Plain if !self.is_special(byte) => self.plain(input),
                _ => {
                    *input = &input[1..];
                    if self.step(byte)? {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    fn too_long(&self) -> Fault {
        let what = match (self.state, self.opened) {
            (State::Quoted, (line, cell)) => {
                format!(
                    "the quoted cell {cell} that begins on line {line} goes on for more than {} bytes",
                    self.max
                )
            }
            _ => format!("the row is longer than the {} bytes that one job takes", self.max),
        };
        Fault { line: self.began, what }
    }

    fn begin(&mut self) {
        self.state = State::Start;
        self.record.clear();
        self.cells = 0;
        self.began = self.line;
        self.blank = None;
    }

    /// Reads past a byte order mark, as spreadsheets put one before the first name; `false` where it needs
    /// more input.
    fn past_bom(&mut self, input: &mut &[u8]) -> bool {
        while let (Some(seen), Some(&byte)) = (self.bom, input.first()) {
            if BOM.get(seen) == Some(&byte) {
                *input = &input[1..];
                self.bom = Some(seen + 1);
            } else {
                if seen < BOM.len() && seen > 0 {
                    // A letter that begins as the mark does.
                    self.record.extend_from_slice(&BOM[..seen]);
                    self.state = State::Plain;
                }
                self.bom = None;
            }
        }
        self.bom.is_none()
    }

    fn is_special(&self, byte: u8) -> bool {
        matches!(byte, b'\n' | b'\r' | b'"') || byte == self.format.delimiter.byte()
    }

    fn plain(&mut self, input: &mut &[u8]) {
        let end = input.iter().position(|b| self.is_special(*b)).unwrap_or(input.len());
        self.record.extend_from_slice(&input[..end]);
        *input = &input[end..];
    }

    fn quoted(&mut self, input: &mut &[u8]) -> Result<(), Fault> {
        let end = memchr::memchr2(b'"', b'\n', input).unwrap_or(input.len());
        self.record.extend_from_slice(&input[..end]);
        let Some(&byte) = input.get(end) else {
            *input = &[];
            return Ok(());
        };
        *input = &input[end + 1..];
        if byte == b'"' {
            self.record.push(b'"');
            self.state = State::Closing;
            return Ok(());
        }
        let found = match self.record.last() {
            Some(b'\r') => {
                self.record.pop();
                LineEnding::Crlf
            }
            _ => LineEnding::Lf,
        };
        let line = self.line;
        self.line += 1;
        self.format.newline_in_cell(found, &mut self.record).map_err(|what| Fault { line, what })
    }

    /// One byte outside quotes; `true` at the end of a record.
    fn step(&mut self, byte: u8) -> Result<bool, Fault> {
        match (self.state, byte) {
            (State::Return, b'\n') => return Ok(self.end_of_line()),
            (State::Return, _) => {
                return Err(self.fault("a carriage return ends no line: a line feed has to follow it"));
            }
            (State::Start, b'"') => {
                self.opened = (self.line, self.cells + 1);
                self.record.push(byte);
                self.state = State::Quoted;
            }
            // The other half of a quote within a quoted cell.
            (State::Closing, b'"') => {
                self.record.push(byte);
                self.state = State::Quoted;
            }
            (_, b'\n') => return Ok(self.end_of_line()),
            (_, b'\r') => self.state = State::Return,
            (_, byte) if byte == self.format.delimiter.byte() => {
                self.record.push(byte);
                self.cells += 1;
                self.state = State::Start;
            }
            (State::Closing, _) => {
                let what = format!(
                    "cell {} goes on after its closing quote; a quote inside a cell is written twice",
                    self.cells + 1
                );
                return Err(self.fault(what));
            }
            (_, b'"') => {
                let what = format!(
                    "cell {} has a quote and does not begin with one; quote the cell and write the quote twice",
                    self.cells + 1
                );
                return Err(self.fault(what));
            }
            (_, byte) => {
                self.record.push(byte);
                self.state = State::Plain;
            }
        }
        Ok(false)
    }

    /// A line end outside quotes; `false` where the line was empty.
    fn end_of_line(&mut self) -> bool {
        self.line += 1;
        if self.record.is_empty() {
            self.blank = Some(self.began);
            self.began = self.line;
            self.state = State::Start;
            return false;
        }
        self.cells += 1;
        self.state = State::Done;
        true
    }

    /// At the end of the data: `true` where a last record had no line end.
    pub(super) fn finish(&mut self) -> Result<bool, Fault> {
        match self.state {
            State::Done => {
                self.begin();
                Ok(false)
            }
            State::Quoted => {
                let (line, cell) = self.opened;
                Err(Fault { line, what: format!("the quoted cell {cell} is never closed") })
            }
            // A carriage return at the very end stands for a line end whose other half was cut off.
            _ if self.record.is_empty() => Ok(false),
            _ => Ok(self.end_of_line()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ColumnDelimiter;

    const LF: Format =
        Format { delimiter: ColumnDelimiter::Comma, line_ending: LineEnding::Lf, convert: false };

    /// Records with the number of their cells, when the data comes in pieces of this size.
    fn scan(format: Format, data: &[u8], piece: usize) -> Result<Vec<(String, usize)>, Fault> {
        let mut scanner = Scanner::new(format, 1 << 20);
        let mut out = Vec::new();
        for mut piece in data.chunks(piece) {
            while scanner.next(&mut piece)? {
                out.push((String::from_utf8(scanner.record().to_vec()).unwrap(), scanner.cells()));
            }
        }
        if scanner.finish()? {
            out.push((String::from_utf8(scanner.record().to_vec()).unwrap(), scanner.cells()));
        }
        Ok(out)
    }

    fn records(data: &str) -> Vec<(String, usize)> {
        let whole = scan(LF, data.as_bytes(), 4096).unwrap();
        for piece in 1..8 {
            assert_eq!(scan(LF, data.as_bytes(), piece).unwrap(), whole, "in pieces of {piece}");
        }
        whole
    }

    fn texts(data: &str) -> Vec<String> {
        records(data).into_iter().map(|r| r.0).collect()
    }

    fn fault(data: &str) -> (u64, String) {
        let fault = scan(LF, data.as_bytes(), 3).unwrap_err();
        (fault.line, fault.what)
    }

    #[test]
    fn cells_stay_as_they_are_written() {
        assert_eq!(
            records("Name,Note\n\"a, b\",x\ny,\"1\n\"\"2\"\"\"\n"),
            [("Name,Note".into(), 2), ("\"a, b\",x".into(), 2), ("y,\"1\n\"\"2\"\"\"".into(), 2)]
        );
        assert_eq!(records("a,,\n,\n"), [("a,,".into(), 3), (",".into(), 2)]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_name() {
        assert_eq!(texts("\u{feff}\"Id\",Name\nx,y"), ["\"Id\",Name", "x,y"]);
        assert_eq!(texts("\u{feff}Id\n"), ["Id"]);
        // A letter whose first two bytes are those of the mark.
        assert_eq!(texts("\u{fec0}Id\n"), ["\u{fec0}Id"]);
    }

    #[test]
    fn either_line_end_is_read_and_the_last_may_be_missing() {
        assert_eq!(texts("a,b\r\n1,2\r\n3,4"), ["a,b", "1,2", "3,4"]);
        assert_eq!(texts("a,b\n1,2\r\n3,4\n"), ["a,b", "1,2", "3,4"]);
        assert_eq!(texts("a,b\n1,2\r"), ["a,b", "1,2"]);
        assert_eq!(texts("a,b\n\n1,2\n\r\n\n"), ["a,b", "1,2"]);
    }

    #[test]
    fn what_is_no_csv_is_told_with_its_line() {
        assert_eq!(fault("a,b\n1,2\nx,\"y\nz\n").0, 3);
        assert_eq!(fault("a,b\n1,\"2\n\n").1, "the quoted cell 2 is never closed");
        assert_eq!(
            fault("a\n\"b\"c\n"),
            (2, "cell 1 goes on after its closing quote; a quote inside a cell is written twice".into())
        );
        assert_eq!(fault("a,b\n\"1\n2\",x\"y\n").0, 3);
        assert_eq!(fault("a,b\n1,2\rx\n").0, 2);
        assert!(fault("a,b\nx,\"1\r\n2\"\n").1.starts_with("a cell holds the line end CRLF"));
    }

    #[test]
    fn line_ends_inside_cells_are_converted_where_that_was_asked_for() {
        let convert = Format { convert: true, ..LF };
        assert_eq!(scan(convert, b"\"1\r\n2\n3\"\r\n", 2).unwrap()[0].0, "\"1\n2\n3\"");
    }

    proptest! {
        #[test]
        fn records_are_those_of_the_csv_crate_however_the_data_is_cut(
            table in proptest::collection::vec(proptest::collection::vec("[a-z\",\n é]{0,9}", 2), 1..12),
            piece in 1_usize..30,
        ) {
            let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let data = writer.into_inner().unwrap();
            let scanned = scan(LF, &data, piece).unwrap();
            let joined = scanned.iter().map(|r| r.0.clone() + "\n").collect::<String>();
            prop_assert_eq!(joined.as_bytes(), &data[..]);
            prop_assert_eq!(scanned.len(), table.len());
            prop_assert!(scanned.iter().all(|r| r.1 == 2));
        }
    }
}
