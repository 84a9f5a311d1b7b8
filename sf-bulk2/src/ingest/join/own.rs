//! The rows of one job, found by what tells them apart.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::meaning::{Meaning, is_day, key_meaning, meaning};
use super::{Echo, Input};
use crate::ingest::encode::Format;
use crate::ingest::scan::Scanner;
use crate::spool::Span;

/// The rows of one job. Beside its data it takes 21 bytes a row.
pub(super) struct Own {
    data: Vec<u8>,
    span: Span,
    first_row: u64,
    format: Format,
    header: Vec<String>,
    key: Option<usize>,
    /// For each column whether a day stands in it: its field may be one of days, which makes days of datetimes.
    days: Vec<bool>,
    /// Where each row begins in `data`, and where one after the last would.
    starts: Vec<u32>,
    /// All rows, those that mean the same next to each other.
    index: Vec<Entry>,
    /// For each entry whether an outcome has it.
    taken: Vec<bool>,
}

/// A row, by its hashes: that of its key, and that of all its cells, which is the key where it has no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    key: u64,
    all: u32,
    row: u32,
}

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Own").field("rows", &self.index.len()).finish_non_exhaustive()
    }
}

impl Own {
    /// `None` where the data is not what a load writes.
    pub(super) fn new(
        data: Vec<u8>,
        span: Span,
        format: Format,
        key: Option<&str>,
        first_row: u64,
    ) -> Option<Self> {
        let (header, starts) = rows_of(&data, format)?;
        let header: Vec<_> = cells(&header, format).map(Cow::into_owned).collect();
        let key = key.and_then(|key| header.iter().position(|name| name.eq_ignore_ascii_case(key)));
        let mut own = Self {
            data,
            span,
            first_row,
            format,
            header,
            key,
            days: Vec::new(),
            starts,
            index: Vec::new(),
            taken: Vec::new(),
        };
        own.days = own.columns_of_days();
        own.index = own.indexed()?;
        own.taken = vec![false; own.index.len()];
        Some(own)
    }

    fn columns_of_days(&self) -> Vec<bool> {
        let mut days = vec![false; self.header.len()];
        for row in (0_u32..).take(self.starts.len() - 1) {
            let text = String::from_utf8_lossy(self.raw(row));
            for (day, cell) in days.iter_mut().zip(cells(&text, self.format)) {
                *day = *day || is_day(&cell);
            }
        }
        days
    }

    fn meaning<'c>(&self, column: usize, cell: &'c str) -> Meaning<'c> {
        let meaning = meaning(cell);
        if self.days.get(column) == Some(&true) { meaning.by_day() } else { meaning }
    }

    fn indexed(&self) -> Option<Vec<Entry>> {
        let rows = u32::try_from(self.starts.len()).ok()?.saturating_sub(1);
        let mut index = Vec::with_capacity(rows as usize);
        for row in 0..rows {
            let text = String::from_utf8_lossy(self.raw(row));
            let (key, all) = self.hashes(cells(&text, self.format));
            index.push(Entry { key, all, row });
        }
        // Of rows that mean the same, those that are the same are neighbours, in the order in which they were sent.
        index.sort_unstable_by(|a, b| {
            (a.key, a.all)
                .cmp(&(b.key, b.all))
                .then_with(|| self.raw(a.row).cmp(self.raw(b.row)))
                .then(a.row.cmp(&b.row))
        });
        Some(index)
    }

    fn place(&self, row: u32) -> (usize, usize) {
        let row = row as usize;
        (self.starts[row] as usize, self.starts[row + 1] as usize - self.format.line_ending.as_str().len())
    }

    fn raw(&self, row: u32) -> &[u8] {
        let (from, to) = self.place(row);
        &self.data[from..to]
    }

    fn hashes<'c>(&self, cells: impl Iterator<Item = Cow<'c, str>>) -> (u64, u32) {
        let (mut key, mut all) = (DefaultHasher::new(), DefaultHasher::new());
        for (column, cell) in cells.enumerate() {
            self.meaning(column, &cell).hash(&mut all);
            if self.key == Some(column) {
                key_meaning(&cell).hash(&mut key);
            }
        }
        let all = all.finish();
        (if self.key.is_some() { key.finish() } else { all }, (all >> 32) as u32)
    }

    /// The row that this is the echo of, where there is no doubt about it. It is taken by that.
    ///
    /// Rows that were taken before count as well: whether an echo can be told from others must not depend on the
    /// order in which outcomes come.
    pub(super) fn take(&mut self, echo: &Echo) -> Option<Input> {
        let names = echo.header().iter().zip(&self.header);
        if echo.header().len() != self.header.len()
            || !names.into_iter().all(|(a, b)| a.eq_ignore_ascii_case(b))
        {
            return None;
        }
        let (key, all) = self.hashes(echo.cells().map(Cow::Borrowed));
        let mut from = self.index.partition_point(|e| e.key < key);
        let mut to = from + self.index[from..].partition_point(|e| e.key == key);
        let by_key = self.key.filter(|_| self.are_alike(from, to));
        if by_key.is_none() {
            // The key stands several times, or there is none: all cells decide.
            to = from + self.index[from..to].partition_point(|e| e.all <= all);
            from += self.index[from..to].partition_point(|e| e.all < all);
        }
        if !self.are_alike(from, to) || !self.means(self.index[from].row, echo, by_key) {
            return None;
        }
        let at = from + self.taken[from..to].partition_point(|taken| *taken);
        if at == to {
            return None;
        }
        self.taken[at] = true;
        let row = self.index[at].row;
        let (start, end) = self.place(row);
        let text = String::from_utf8_lossy(self.raw(row));
        Some(Input {
            row: self.first_row + u64::from(row),
            copies: to - from,
            cells: cells(&text, self.format).map(Cow::into_owned).collect(),
            span: Span { at: self.span.at + start as u64, len: end - start },
        })
    }

    /// Whether there are rows between these places, and all are the same: they are sorted, so the first and the last
    /// tell.
    fn are_alike(&self, from: usize, to: usize) -> bool {
        from < to && self.raw(self.index[from].row) == self.raw(self.index[to - 1].row)
    }

    /// Whether a row means what an echo means, in one column or in all: hashes alone are no proof.
    fn means(&self, row: u32, echo: &Echo, column: Option<usize>) -> bool {
        let text = String::from_utf8_lossy(self.raw(row));
        let mut pairs = cells(&text, self.format).zip(echo.cells()).enumerate();
        pairs.all(|(at, (own, echo))| match column {
            Some(column) => column != at || key_meaning(&own) == key_meaning(echo),
            // A day where only datetimes were sent could be any of that day.
            None if is_day(echo) && !self.days[at] => false,
            None => self.meaning(at, &own) == self.meaning(at, echo),
        })
    }
}

/// The header, where each row after it begins, and where the data ends.
fn rows_of(data: &[u8], format: Format) -> Option<(String, Vec<u32>)> {
    let mut scanner = Scanner::new(format, usize::MAX);
    let mut starts = Vec::with_capacity(memchr::memchr_iter(b'\n', data).count());
    let mut header = None;
    let mut rest = data;
    let mut end = 0;
    while scanner.next(&mut rest).ok()? {
        match &header {
            None => header = Some(String::from_utf8_lossy(scanner.record()).into_owned()),
            Some(_) => starts.push(u32::try_from(end).ok()?),
        }
        end += scanner.record().len() + format.line_ending.as_str().len();
        if end != data.len() - rest.len() {
            return None;
        }
    }
    starts.push(u32::try_from(end).ok()?);
    (end == data.len()).then_some((header?, starts))
}

/// The cells of a record that is known to be well written.
fn cells(record: &str, format: Format) -> impl Iterator<Item = Cow<'_, str>> {
    let delimiter = format.delimiter.byte();
    let mut rest = Some(record);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(quoted) = text.strip_prefix('"') else {
            let end = memchr::memchr(delimiter, text.as_bytes());
            rest = end.and_then(|end| text.get(end + 1..));
            return Some(Cow::Borrowed(&text[..end.unwrap_or(text.len())]));
        };
        let mut end = 0;
        let mut doubled = false;
        while let Some(quote) = memchr::memchr(b'"', &quoted.as_bytes()[end..]) {
            end += quote;
            if quoted.as_bytes().get(end + 1) != Some(&b'"') {
                break;
            }
            doubled = true;
            end += 2;
        }
        let cell = quoted.get(..end).unwrap_or(quoted);
        rest = quoted.get(end + 2..);
        Some(if doubled { Cow::Owned(cell.replace("\"\"", "\"")) } else { Cow::Borrowed(cell) })
    })
}

#[cfg(test)]
mod tests;
