//! Cells to the CSV that a job takes.

use std::fmt::{Display, Write as _};

use sf_core::record::csv_cell::{NullCell, encode};
use sf_core::record::{DataType, Record, Value};

use crate::{ColumnDelimiter, LineEnding, Nulls};

/// How the CSV of a job is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    pub(super) delimiter: ColumnDelimiter,
    pub(super) line_ending: LineEnding,
    /// Whether line ends inside cells are made those of the job, or refused where they are others.
    pub(super) convert: bool,
}

impl Format {
    /// Appends a line end that stands inside a quoted cell; `found` is what the data has there.
    pub(super) fn newline_in_cell(self, found: LineEnding, out: &mut Vec<u8>) -> Result<(), String> {
        if found != self.line_ending && !self.convert {
            let name = |e| if e == LineEnding::Lf { "LF" } else { "CRLF" };
            let (found, job) = (name(found), name(self.line_ending));
            return Err(format!(
                "a cell holds the line end {found}, the job has {job}: the org refuses such jobs whole; set the \
                 job's line ending to it, or have those in cells converted (`convert_line_ends`)"
            ));
        }
        out.extend_from_slice(self.line_ending.as_str().as_bytes());
        Ok(())
    }

    /// Appends a cell, quoted where it has to be. `alone` is whether its row has no other cell: an empty line
    /// would be no row.
    pub(super) fn cell(self, text: &str, alone: bool, out: &mut Vec<u8>) -> Result<(), String> {
        let spaced = text.starts_with(' ') || text.ends_with(' ');
        if !(spaced || self.has_special(text) || (alone && text.is_empty())) {
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        out.push(b'"');
        let mut rest = text.as_bytes();
        while let Some(at) = memchr::memchr2(b'"', b'\n', rest) {
            let (before, from) = rest.split_at(at);
            if from[0] == b'"' {
                out.extend_from_slice(before);
                out.extend_from_slice(b"\"\"");
            } else if let Some(before) = before.strip_suffix(b"\r") {
                out.extend_from_slice(before);
                self.newline_in_cell(LineEnding::Crlf, out)?;
            } else {
                out.extend_from_slice(before);
                self.newline_in_cell(LineEnding::Lf, out)?;
            }
            rest = &from[1..];
        }
        out.extend_from_slice(rest);
        out.push(b'"');
        Ok(())
    }

    /// Whether there is a character for which a cell has to be quoted. Looks at every byte, which takes less time than
    /// to stop at the first.
    fn has_special(self, text: &str) -> bool {
        let delimiter = self.delimiter.byte();
        let special = |b: u8| (b == b'"') | (b == b'\n') | (b == b'\r') | (b == delimiter);
        text.bytes().fold(false, |found, b| found | special(b))
    }

    /// Appends a row without its line end.
    pub(super) fn row<'c>(
        self,
        cells: impl ExactSizeIterator<Item = &'c str>,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let alone = cells.len() == 1;
        for (i, cell) in cells.enumerate() {
            if i > 0 {
                out.push(self.delimiter.byte());
            }
            self.cell(cell, alone, out).map_err(|what| format!("column {}: {what}", i + 1))?;
        }
        Ok(())
    }
}

/// Appends the text of a value as an org reads it.
pub(super) fn value(value: &Value<'_>, nulls: Nulls, out: &mut String) -> Result<(), String> {
    if let Value::Text(value) = value {
        return text(value, nulls, out);
    }
    encode(value, null_cell(nulls), out).map_err(|e| e.to_string())
}

/// Appends a text.
#[inline]
pub(super) fn text(text: &str, nulls: Nulls, out: &mut String) -> Result<(), String> {
    match text {
        "" => null(nulls, out),
        // An org takes this text for a null whatever we mean by it.
        NOT_APPLICABLE => {
            return Err("the text #N/A cannot be sent: the org would clear the field".to_owned());
        }
        text => out.push_str(text),
    }
    Ok(())
}

/// Appends what stands for a null.
pub(super) fn null(nulls: Nulls, out: &mut String) {
    if nulls == Nulls::SetNull {
        out.push_str(NOT_APPLICABLE);
    }
}

pub(super) const NOT_APPLICABLE: &str = "#N/A";

fn null_cell(nulls: Nulls) -> NullCell {
    match nulls {
        Nulls::Ignore => NullCell::Empty,
        Nulls::SetNull => NullCell::NotApplicable,
    }
}

/// Appends a field of a record as an org reads it.
pub(super) fn record_cell(
    record: &Record,
    field: usize,
    nulls: Nulls,
    out: &mut String,
) -> Result<(), String> {
    let described = &record.schema().fields()[field];
    let refused = |e| format!("field {}: {e}", described.name());
    // Most cells stand there as they have to be written, and need not become values on the way.
    if let Some(cell) = record.cell(field) {
        let as_it_is = match described.data_type() {
            DataType::Text => return text(cell, nulls, out).map_err(refused),
            DataType::Boolean => matches!(cell, "true" | "false"),
            DataType::Integer => is_plain(cell) && !cell.contains('.'),
            DataType::Decimal => is_plain(cell),
            DataType::DateTime => is_instant(cell),
            DataType::Date | DataType::Time => false,
        };
        if as_it_is {
            out.push_str(cell);
            return Ok(());
        }
    }
    let cell = record.value(field).map_err(|e| e.to_string())?;
    value(&cell, nulls, out).map_err(refused)
}

/// Whether a cell is a number as it is sent: at most 18 digits with a point between them, no exponent.
fn is_plain(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.len() <= 19
        && digits.len() - usize::from(digits.contains('.')) <= 18
        && all_digits(whole)
        && all_digits(fraction)
        && (whole == "0" || !whole.starts_with('0'))
}

/// Whether a cell is an instant as it is sent, `2024-12-24T18:18:29.000Z`, on a day that every month has.
fn is_instant(cell: &str) -> bool {
    let shape = b"0000-00-00T00:00:00.000Z";
    let bytes = cell.as_bytes();
    let shaped = bytes.len() == shape.len()
        && bytes.iter().zip(shape).all(|(b, s)| if *s == b'0' { b.is_ascii_digit() } else { b == s });
    // As text these compare as the numbers do.
    shaped
        && ("01".."13").contains(&&cell[5..7])
        && ("01".."29").contains(&&cell[8..10])
        && cell[11..13] < *"24"
        && cell[14..16] < *"60"
        && cell[17..19] < *"60"
}

/// The text of the cells of one row, made to be used again. Delimiters stand between the cells, so that the row is its
/// line already where nothing has to be quoted, as in most rows.
#[derive(Debug)]
pub(super) struct RowText {
    delimiter: ColumnDelimiter,
    text: String,
    /// For each column up to the last one that was written where its cell stands in `text`.
    cells: Vec<(usize, usize)>,
    columns: usize,
    /// Whether the cells were written in the order of their columns, none left out.
    in_order: bool,
    /// Whether a cell begins or ends with a space.
    spaced: bool,
    /// The name of the field that is written, where it does not live as long as the program.
    pub(super) name: String,
}

/// Where a cell stands that was not written.
const ABSENT: (usize, usize) = (usize::MAX, 0);

impl RowText {
    pub(super) fn new(delimiter: ColumnDelimiter) -> Self {
        let (text, cells, name) = (String::new(), Vec::new(), String::new());
        Self { delimiter, text, cells, columns: 0, in_order: true, spaced: false, name }
    }

    /// Begins a row of so many columns.
    #[inline]
    pub(super) fn begin(&mut self, columns: usize) {
        self.text.clear();
        self.cells.clear();
        (self.columns, self.in_order, self.spaced) = (columns, true, false);
    }

    #[inline]
    pub(super) fn add_column(&mut self) {
        self.columns += 1;
    }

    #[inline]
    pub(super) fn has(&self, column: usize) -> bool {
        self.cells.get(column).is_some_and(|cell| *cell != ABSENT)
    }

    /// Writes the cell of a column of the row.
    #[inline]
    pub(super) fn cell<E>(
        &mut self,
        column: usize,
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.cells.is_empty() {
            self.text.push(char::from(self.delimiter.byte()));
        }
        let from = self.text.len();
        write(&mut self.text)?;
        let cell = &self.text.as_bytes()[from..];
        self.spaced |= cell.first() == Some(&b' ') || cell.last() == Some(&b' ');
        let place = (from, self.text.len());
        if column == self.cells.len() {
            self.cells.push(place);
        } else {
            self.put(column, place);
        }
        Ok(())
    }

    #[cold]
    fn put(&mut self, column: usize, place: (usize, usize)) {
        self.in_order = false;
        if column >= self.cells.len() {
            self.cells.resize(column + 1, ABSENT);
        }
        self.cells[column] = place;
    }

    /// The cells of all columns; those that were not written are empty.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.columns).map(|column| {
            let (from, to) = self.cells.get(column).copied().unwrap_or(ABSENT);
            self.text.get(from..to).unwrap_or_default()
        })
    }

    /// The row as its line, where nothing of it has to be quoted and every column has its cell.
    pub(super) fn line(&self) -> Option<&[u8]> {
        let text = self.text.as_bytes();
        let whole = self.in_order && self.cells.len() == self.columns && !self.spaced;
        let empty = self.columns < 2 && text.is_empty();
        let delimiters = || count(self.delimiter.byte(), text);
        let plain = whole
            && !empty
            && memchr::memchr3(b'"', b'\n', b'\r', text).is_none()
            && delimiters() + 1 == self.columns;
        plain.then_some(text)
    }
}

/// How often a byte stands in a row. Rows are short: to look at sixteen bytes at once takes less time than to begin with
/// more.
fn count(byte: u8, text: &[u8]) -> usize {
    let chunks = text.chunks(192);
    chunks.map(|chunk| usize::from(chunk.iter().map(|b| u8::from(*b == byte)).sum::<u8>())).sum()
}

/// Appends the shortest text that is read back as the same number, without an exponent.
#[inline]
pub(super) fn number(value: f64, out: &mut String) {
    let Some(hundredths) = hundredths(value.abs()) else {
        return shortest(value, out);
    };
    if value.is_sign_negative() {
        out.push('-');
    }
    let mut digits = itoa::Buffer::new();
    out.push_str(digits.format(hundredths / 100));
    let fraction = hundredths % 100;
    if fraction > 0 {
        out.push('.');
        // A digit before them keeps the zeros.
        let fraction = &digits.format(100 + fraction)[1..];
        out.push_str(fraction.strip_suffix('0').unwrap_or(fraction));
    }
}

/// A number with two digits behind its point, as money has, and at most thirteen before it: so few digits stand for one
/// number only, and are written in a third of the time.
#[inline]
fn hundredths(value: f64) -> Option<u64> {
    let scaled = value * 100.0;
    #[expect(clippy::cast_possible_truncation, reason = "what was cut off is seen when it is compared")]
    let whole = scaled as u64;
    let back = whole as f64;
    (scaled < 1e15 && back == scaled && back / 100.0 == value).then_some(whole)
}

/// As [`number`], for any float, and as `Display` does it. Where two such texts are equally near, as for
/// 618054753721122.25, it may be the other one.
pub(super) fn shortest(value: impl zmij::Float + Display, out: &mut String) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    if text.contains('e') {
        // Writing into a `String` cannot fail.
        let _ = write!(out, "{value}");
    } else {
        out.push_str(text.strip_suffix(".0").unwrap_or(text));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LF: Format =
        Format { delimiter: ColumnDelimiter::Comma, line_ending: LineEnding::Lf, convert: false };

    fn row(format: Format, cells: &[&str]) -> Result<String, String> {
        let mut out = Vec::new();
        format.row(cells.iter().copied(), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn cells_are_quoted_where_they_have_to_be() {
        assert_eq!(row(LF, &["a", "b;c", ""]).unwrap(), "a,b;c,");
        assert_eq!(row(LF, &["a,b", "say \"x\"", "1\n2"]).unwrap(), "\"a,b\",\"say \"\"x\"\"\",\"1\n2\"");
        assert_eq!(row(LF, &[" a", "b "]).unwrap(), "\" a\",\"b \"");
        let semicolon = Format { delimiter: ColumnDelimiter::Semicolon, ..LF };
        assert_eq!(row(semicolon, &["a,b", "b;c"]).unwrap(), "a,b;\"b;c\"");
    }

    #[test]
    fn a_lone_column_without_a_value_is_no_empty_line() {
        assert_eq!(row(LF, &[""]).unwrap(), "\"\"");
    }

    #[test]
    fn line_ends_in_cells_are_the_jobs_or_refused_or_converted() {
        let crlf = Format { line_ending: LineEnding::Crlf, ..LF };
        assert_eq!(row(crlf, &["1\r\n2"]).unwrap(), "\"1\r\n2\"");
        assert!(
            row(LF, &["x", "1\r\n2"]).unwrap_err().starts_with("column 2: a cell holds the line end CRLF")
        );
        assert!(row(crlf, &["1\n2"]).unwrap_err().contains("holds the line end LF, the job has CRLF"));
        assert_eq!(row(Format { convert: true, ..LF }, &["1\r\n2\n3"]).unwrap(), "\"1\n2\n3\"");
        assert_eq!(row(Format { convert: true, ..crlf }, &["1\r\n2\n3"]).unwrap(), "\"1\r\n2\r\n3\"");
    }

    #[test]
    fn a_text_that_an_org_takes_for_a_null_is_refused_under_either_policy() {
        for nulls in [Nulls::Ignore, Nulls::SetNull] {
            assert!(value(&Value::Text("#N/A".into()), nulls, &mut String::new()).is_err());
        }
    }

    #[test]
    fn decimals_that_are_written_as_an_org_reads_them_stay_as_they_are() {
        for plain in ["0", "-1", "12.50", "0.001", "123456789012345.678", "-123456789012345.678"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in
            ["", "-", "1.", ".5", "+1", "01", "1e5", "9.12260031E8", "1 ", "1.2.3", "12345678901234567890"]
        {
            assert!(!is_plain(other), "{other}");
        }
    }

    #[test]
    fn instants_that_are_written_as_an_org_reads_them_stay_as_they_are() {
        for same in ["2024-12-24T18:18:29.000Z", "0001-01-01T00:00:00.000Z", "9999-12-28T23:59:59.999Z"] {
            assert!(is_instant(same), "{same}");
        }
        for other in [
            "2024-13-24T18:18:29.000Z",
            "2024-00-24T18:18:29.000Z",
            "2024-12-29T18:18:29.000Z",
            "2024-12-00T18:18:29.000Z",
            "2024-12-24T24:18:29.000Z",
            "2024-12-24T18:60:29.000Z",
            "2024-12-24T18:18:60.000Z",
            "2024-12-24T18:18:29.000+0000",
            "2024-12-24T18:18:29Z",
            "2024-12-24T18:18:2\u{e9}.00Z",
            "",
        ] {
            assert!(!is_instant(other), "{other}");
        }
    }

    #[test]
    fn a_row_is_its_line_only_where_nothing_of_it_is_quoted() {
        let line = |cells: &[(usize, &str)], columns: usize| {
            let mut row = RowText::new(ColumnDelimiter::Comma);
            row.begin(columns);
            for &(column, cell) in cells {
                row.cell(column, |text| -> Result<(), String> {
                    text.push_str(cell);
                    Ok(())
                })
                .unwrap();
            }
            row.line().map(|line| String::from_utf8(line.to_vec()).unwrap())
        };
        assert_eq!(line(&[(0, "a"), (1, ""), (2, "b;c")], 3).unwrap(), "a,,b;c");
        assert_eq!(line(&[(0, "a")], 1).unwrap(), "a");
        for quoted in ["b,c", "b\"", "b\nc", "b\r", " b", "b "] {
            assert_eq!(line(&[(0, "a"), (1, quoted)], 2), None, "{quoted:?}");
        }
        assert_eq!(line(&[(0, "")], 1), None);
        assert_eq!(line(&[(1, "b"), (0, "a")], 2), None);
        assert_eq!(line(&[(0, "a")], 2), None);
        assert_eq!(line(&[(1, "b")], 2), None);
        assert_eq!(line(&[], 0), None);
    }

    #[test]
    fn numbers_are_written_as_display_writes_them() {
        let largest = 9_999_999_999_999.99;
        for value in [
            0.0,
            -0.0,
            0.1,
            0.01,
            -0.05,
            0.005,
            1.0,
            10.0,
            1.1,
            1.25,
            100.5,
            -3.5,
            1e13,
            1e15,
            largest,
            f64::MIN_POSITIVE,
        ] {
            let mut out = String::new();
            number(value, &mut out);
            assert_eq!(out, value.to_string());
        }
    }

    proptest! {
        #[test]
        fn any_number_is_the_shortest_text_that_is_read_back_as_it(
            any in any::<f64>().prop_filter("finite", |value| value.is_finite()),
            cents in -100_000_000_000_i64..100_000_000_000,
            // Sixteen digits before they end in a half of what the last of them is worth.
            eighths in 1_i64 << 50..1 << 53,
        ) {
            for value in [any, cents as f64 / 100.0, cents as f64, eighths as f64 / 8.0] {
                let mut out = String::new();
                number(value, &mut out);
                let shown = value.to_string();
                prop_assert_eq!(out.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{}", out);
                prop_assert_eq!(out.len(), shown.len(), "{} and {}", out, shown);
                prop_assert!(!out.contains('e'), "{}", out);
            }
        }

        #[test]
        fn any_number_of_cents_is_written_as_display_writes_it(cents in -100_000_000_000_000_i64..100_000_000_000_000) {
            for value in [cents as f64 / 100.0, cents as f64] {
                let mut out = String::new();
                number(value, &mut out);
                prop_assert_eq!(out, value.to_string());
            }
        }

        #[test]
        fn any_number_of_single_precision_is_the_shortest_text_that_is_read_back_as_it(
            any in any::<f32>().prop_filter("finite", |value| value.is_finite()),
        ) {
            let mut out = String::new();
            shortest(any, &mut out);
            let shown = any.to_string();
            prop_assert_eq!(out.parse::<f32>().unwrap().to_bits(), any.to_bits(), "{}", out);
            prop_assert_eq!(out.len(), shown.len(), "{} and {}", out, shown);
            prop_assert!(!out.contains('e'), "{}", out);
        }

        #[test]
        fn a_row_that_is_its_line_already_is_the_line_that_would_be_written(
            cells in proptest::collection::vec(proptest::option::weighted(0.9, "[a,;\t|^`#N/A\\.é]{0,3}[ \"\n\r]{0,1}"), 0..4),
            (which, crlf, convert, backwards) in (0_usize..6, any::<bool>(), any::<bool>(), any::<bool>()),
        ) {
            let all = [ColumnDelimiter::Backquote, ColumnDelimiter::Caret, ColumnDelimiter::Comma,
                ColumnDelimiter::Pipe, ColumnDelimiter::Semicolon, ColumnDelimiter::Tab];
            let line_ending = if crlf { LineEnding::Crlf } else { LineEnding::Lf };
            let format = Format { delimiter: all[which], line_ending, convert };
            let mut text = RowText::new(format.delimiter);
            text.begin(cells.len());
            let mut columns: Vec<_> = cells.iter().enumerate().collect();
            if backwards {
                columns.reverse();
            }
            for (column, cell) in columns {
                if let Some(cell) = cell {
                    text.cell(column, |out| -> Result<(), String> {
                        out.push_str(cell);
                        Ok(())
                    }).unwrap();
                }
            }
            let given: Vec<_> = cells.iter().map(|cell| cell.as_deref().unwrap_or_default()).collect();
            prop_assert_eq!(text.iter().collect::<Vec<_>>(), given);
            if let Some(line) = text.line() {
                let mut row = Vec::new();
                format.row(text.iter(), &mut row).unwrap();
                prop_assert_eq!(line, row);
            }
        }

        #[test]
        fn the_csv_crate_reads_back_what_was_written(
            cells in proptest::collection::vec("[a-z\",;\t|^` \n é]{0,12}", 2..5),
            which in 0_usize..6,
        ) {
            let all = [ColumnDelimiter::Backquote, ColumnDelimiter::Caret, ColumnDelimiter::Comma,
                ColumnDelimiter::Pipe, ColumnDelimiter::Semicolon, ColumnDelimiter::Tab];
            let format = Format { delimiter: all[which], ..LF };
            let mut out = Vec::new();
            format.row(cells.iter().map(String::as_str), &mut out).unwrap();
            out.push(b'\n');
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false).delimiter(all[which].byte()).from_reader(&out[..]);
            let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(read[0].iter().collect::<Vec<_>>(), cells);
        }
    }
}
