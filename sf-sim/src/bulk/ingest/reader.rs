//! Reads the CSV of an upload, row by row.

use std::ops::Range;

use crate::bulk::format::{Delimiter, LineEnding};

/// What makes a row no row of CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// A quoted cell goes on behind its closing quote, or white space stands before an opening one.
    Quote,
    /// A quoted cell is never closed: it takes along all that follows.
    Open,
}

/// One row: its cells without quotes, and where it stands in the upload.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    text: String,
    ends: Vec<usize>,
    /// Without its line ending.
    pub(super) place: Range<usize>,
    pub(super) broken: Option<Broken>,
}

impl Record {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The content of a cell; nothing where the row has no such cell.
    pub(super) fn cell(&self, at: usize) -> &str {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(at).and_then(|end| self.text.get(start..*end)).unwrap_or_default()
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|at| self.cell(at))
    }

    /// Characters of all cells.
    pub(super) fn characters(&self) -> usize {
        self.text.chars().count()
    }

    fn begin(&mut self, at: usize) {
        self.text.clear();
        self.ends.clear();
        self.place = at..at;
        self.broken = None;
    }
}

/// Rows of an upload from a place on. Empty lines are none.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    delimiter: u8,
    ending: LineEnding,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, from: usize, delimiter: Delimiter, ending: LineEnding) -> Self {
        Self { text, at: from.min(text.len()), delimiter: delimiter.byte(), ending }
    }

    /// Where the next row begins, or an empty line before it.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// Reads one row; false at the end.
    pub(super) fn next(&mut self, record: &mut Record) -> bool {
        while let Some(length) = self.line_end(self.at) {
            self.at += length;
        }
        if self.at >= self.text.len() {
            return false;
        }
        record.begin(self.at);
        loop {
            if self.byte(self.at) == Some(b'"') {
                self.quoted(record)
            } else {
                self.bare(record)
            }
            record.ends.push(record.text.len());
            record.place.end = self.at;
            match self.line_end(self.at) {
                Some(length) => self.at += length,
                None if self.at < self.text.len() => {
                    self.at += 1;
                    continue;
                }
                None => {}
            }
            return true;
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The length of the line ending at a place, if there is one.
    fn line_end(&self, at: usize) -> Option<usize> {
        let ending = self.ending.bytes();
        self.text.as_bytes().get(at..)?.starts_with(ending).then_some(ending.len())
    }

    /// Up to the next delimiter or line end.
    fn bare(&mut self, record: &mut Record) {
        let start = self.at;
        while self.byte(self.at).is_some_and(|byte| byte != self.delimiter)
            && self.line_end(self.at).is_none()
        {
            self.at += 1;
        }
        let content = &self.text[start..self.at];
        if content.trim_start().starts_with('"') {
            record.broken.get_or_insert(Broken::Quote);
        }
        record.text.push_str(content);
    }

    /// From an opening quote up to the delimiter or line end behind the closing one.
    fn quoted(&mut self, record: &mut Record) {
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let Some(length) = rest.find('"') else {
                record.text.push_str(rest);
                record.broken = Some(Broken::Open);
                self.at = self.text.len();
                return;
            };
            record.text.push_str(&rest[..length]);
            self.at += length + 1;
            if self.byte(self.at) != Some(b'"') {
                break;
            }
            record.text.push('"');
            self.at += 1;
        }
        if self.byte(self.at).is_some_and(|byte| byte != self.delimiter) && self.line_end(self.at).is_none() {
            record.broken = Some(Broken::Quote);
            self.bare(record);
        }
    }
}

/// Whether an upload has line ends of the other kind than its job says, within quoted cells too.
pub(super) fn has_other_line_ends(text: &str, ending: LineEnding) -> bool {
    let mut before = 0;
    text.bytes().any(|byte| {
        let crlf = before == b'\r';
        before = byte;
        byte == b'\n' && crlf != (ending == LineEnding::Crlf)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, delimiter: Delimiter, ending: LineEnding) -> Vec<(Vec<String>, Option<Broken>)> {
        let mut reader = Reader::new(text, 0, delimiter, ending);
        let mut record = Record::default();
        let mut rows = Vec::new();
        while reader.next(&mut record) {
            rows.push((record.cells().map(str::to_owned).collect(), record.broken));
        }
        rows
    }

    fn plain(text: &str) -> Vec<Vec<String>> {
        read(text, Delimiter::Comma, LineEnding::Lf).into_iter().map(|(cells, _)| cells).collect()
    }

    #[test]
    fn cells_rows_and_quotes() {
        assert_eq!(plain("a,b\n1,\n"), [["a", "b"], ["1", ""]]);
        assert_eq!(plain("\n\na,b\n\n\"1,2\",\"x\ny\"\n\n"), [["a", "b"], ["1,2", "x\ny"]]);
        assert_eq!(plain("\"say \"\"no\"\"\",\"\""), [["say \"no\"", ""]]);
        assert_eq!(plain(" a ,\tb"), [[" a ", "\tb"]]);
        assert_eq!(plain("5\" pipe,x"), [["5\" pipe", "x"]]);
        assert_eq!(plain("\"\"\n"), [[""]]);
        assert_eq!(plain("ü,\u{feff}ß"), [["ü", "\u{feff}ß"]]);
        assert!(plain("").is_empty() && plain("\n\n").is_empty());
    }

    #[test]
    fn rows_end_as_the_job_says() {
        let rows = read("a|b\r\n\"1\r\n\"|2\r\n\r\n3|\r4", Delimiter::Pipe, LineEnding::Crlf);
        let cells: Vec<_> = rows.iter().map(|(cells, _)| cells.clone()).collect();
        assert_eq!(cells, [["a", "b"], ["1\r\n", "2"], ["3", "\r4"]]);
        for (text, ending, other) in [
            ("a\nb\n", LineEnding::Lf, false),
            ("a\r\nb\n", LineEnding::Lf, true),
            ("a\n\"\r\n\"\n", LineEnding::Lf, true),
            ("a\rb", LineEnding::Lf, false),
            ("a\r\nb\r\n", LineEnding::Crlf, false),
            ("a\r\n\"\n\"", LineEnding::Crlf, true),
            ("a\n", LineEnding::Crlf, true),
        ] {
            assert_eq!(has_other_line_ends(text, ending), other, "{text:?}");
        }
    }

    #[test]
    fn a_broken_row_leaves_the_next_one_whole() {
        let rows = read("a,b\n1, \"2\"\n\"1\"x,2\n3,4\n\"5,6\n7", Delimiter::Comma, LineEnding::Lf);
        let broken: Vec<_> = rows.iter().map(|(_, broken)| *broken).collect();
        assert_eq!(broken, [None, Some(Broken::Quote), Some(Broken::Quote), None, Some(Broken::Open)]);
        assert_eq!(rows[3].0, ["3", "4"]);
    }

    #[test]
    fn a_row_knows_its_place() {
        let text = "a\n\n\"b\"\r\nc";
        let mut reader = Reader::new(text, 2, Delimiter::Comma, LineEnding::Lf);
        let mut record = Record::default();
        assert!(reader.next(&mut record));
        assert_eq!(&text[record.place.clone()], "\"b\"\r");
        assert_eq!(&text[reader.place()..], "c");
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back(rows in prop::collection::vec(prop::collection::vec(any::<String>(), 1..4), 1..6)) {
            for (delimiter, ending) in [(Delimiter::Comma, LineEnding::Lf), (Delimiter::Caret, LineEnding::Crlf)] {
                let line = |row: &Vec<String>| {
                    let cells: Vec<String> = row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
                    cells.join(&char::from(delimiter.byte()).to_string())
                };
                let end = std::str::from_utf8(ending.bytes()).unwrap();
                let text: String = rows.iter().map(|row| line(row) + end).collect();
                let found: Vec<_> = read(&text, delimiter, ending).into_iter().map(|(cells, _)| cells).collect();
                prop_assert_eq!(&found, &rows);
            }
        }

        #[test]
        fn any_text_comes_to_an_end(text in "[a\",\n\r ]{0,60}") {
            let rows = read(&text, Delimiter::Comma, LineEnding::Lf);
            prop_assert!(rows.len() <= text.len());
        }
    }
}
