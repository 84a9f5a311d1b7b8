//! A result as the CSV that it is, without looking into its cells.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::ops::Range;

use bytes::Bytes;
use memchr::memchr_iter;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::csv_rows::{MAX_ROW, Step, Tail};
use crate::{ErrorKind, Pages, Result};

/// How many bytes of whole rows are gathered before they are written.
const BATCH: usize = 128 * 1024;

/// Finds the ends of rows: a line end outside quotes, that is after an even number of quotes.
#[derive(Clone, Copy, Default)]
struct RowEnds {
    quoted: bool,
}

impl RowEnds {
    /// The positions after each line end that ends a row. To be taken to its end: a piece follows another.
    fn find<'p>(&'p mut self, piece: &'p [u8]) -> impl Iterator<Item = usize> {
        let mut line_ends = memchr_iter(b'\n', piece);
        let mut from = 0;
        std::iter::from_fn(move || {
            for at in line_ends.by_ref() {
                self.pass(&piece[from..at]);
                from = at + 1;
                if !self.quoted {
                    return Some(from);
                }
            }
            self.pass(&piece[from..]);
            from = piece.len();
            None
        })
    }

    fn pass(&mut self, part: &[u8]) {
        self.quoted ^= memchr_iter(b'"', part).count() % 2 == 1;
    }
}

/// One answer on its way into a writer.
#[derive(Default)]
struct Copy {
    ends: RowEnds,
    /// The beginning of a row whose end has not come yet.
    carry: Vec<u8>,
}

/// Whole rows on their way to the writer: one large write costs less than many small ones.
struct Batch<'w, W> {
    out: &'w mut W,
    rows: Vec<u8>,
}

impl<W: AsyncWrite + Unpin> Batch<'_, W> {
    /// Takes rows: they wait for others, or go at once with what waits, where they are many.
    async fn take(&mut self, rows: &[u8]) -> std::io::Result<()> {
        if rows.len() < BATCH {
            self.rows.extend_from_slice(rows);
            return if self.rows.len() < BATCH { Ok(()) } else { self.flush().await };
        }
        let written = self.write_both(rows).await;
        self.rows.clear();
        written
    }

    /// In one call where the writer can do that: it spares a copy of the rows.
    async fn write_both(&mut self, rows: &[u8]) -> std::io::Result<()> {
        let mut slices = [IoSlice::new(&self.rows), IoSlice::new(rows)];
        let mut left = &mut slices[..];
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match self.out.write_vectored(left).await? {
                0 => return Err(std::io::ErrorKind::WriteZero.into()),
                written => IoSlice::advance_slices(&mut left, written),
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        let written = self.out.write_all(&self.rows).await;
        self.rows.clear();
        written
    }

    /// Flushes the writer too: a file or a buffer may say only then that it could not take what it took.
    async fn finish(&mut self) -> std::io::Result<()> {
        self.flush().await?;
        self.out.flush().await
    }
}

impl Copy {
    fn tail(&self) -> Tail {
        match (self.carry.is_empty(), self.ends.quoted) {
            (true, _) => Tail::None,
            (false, false) => Tail::Unfinished,
            (false, true) => Tail::OpenQuote,
        }
    }
}

impl Pages {
    /// Writes all pages that are left, header line first, and returns the number of rows written.
    ///
    /// Only whole rows are written, each once, however often a page breaks off. The header stands before
    /// the first page of the result only, so a download that was broken off goes on at
    /// [`position`](Pages::position) in the same file. The writer is flushed after each page.
    ///
    /// # Errors
    /// As [`next_page`](Pages::next_page), and [`ErrorKind::Io`] of the writer: what it has written of the last rows is
    /// not known then, and [`position`](Pages::position) has passed them. Go on from an earlier one, and likewise where
    /// the future was dropped before its end.
    pub async fn write_to<W: AsyncWrite + Unpin>(&mut self, out: &mut W) -> Result<u64> {
        let mut rows = 0;
        while self.next_page().await?.is_some() {
            rows += self.write_page_to(out).await?;
        }
        Ok(rows)
    }

    /// Writes the page in hand and returns the number of its rows that were written. The header line is
    /// written with the first page of the result, and with no other.
    ///
    /// # Errors
    /// As [`write_to`](Self::write_to).
    pub async fn write_page_to<W: AsyncWrite + Unpin>(&mut self, out: &mut W) -> Result<u64> {
        let header = if self.at_start() { self.header().map(header_line) } else { None };
        self.write_rows_to(header, out).await
    }

    /// Writes the page in hand without the header line.
    pub(crate) async fn write_body_to<W: AsyncWrite + Unpin>(&mut self, out: &mut W) -> Result<u64> {
        self.write_rows_to(None, out).await
    }

    fn at_start(&self) -> bool {
        self.position().is_some_and(|p| p.locator.is_none() && p.rows == 0)
    }

    async fn write_rows_to<W: AsyncWrite + Unpin>(
        &mut self,
        header: Option<String>,
        out: &mut W,
    ) -> Result<u64> {
        let mut batch = Batch { out, rows: Vec::with_capacity(2 * BATCH) };
        batch.rows.extend_from_slice(header.unwrap_or_default().as_bytes());
        let copied = self.copy_page(&mut batch).await;
        // Also after an error: what was taken is written, so the file ends where `position` says. Where that is
        // the start, the header is not written either: it comes with the first row.
        if copied.is_ok() || !self.at_start() {
            batch.finish().await.map_err(|e| self.io(e))?;
        }
        copied
    }

    async fn copy_page<W: AsyncWrite + Unpin>(&mut self, batch: &mut Batch<'_, W>) -> Result<u64> {
        let mut rows = 0;
        'answer: loop {
            let mut copy = Copy::default();
            let mut backlog = self.past_header().await?;
            let opened = self.opened;
            loop {
                let piece = match backlog.pop_front() {
                    Some(piece) => piece,
                    None => match self.next_piece().await? {
                        Some(piece) if self.opened == opened => piece,
                        Some(first) => {
                            self.rows.feed(first);
                            continue 'answer;
                        }
                        None => {
                            rows += self.last_row(&mut copy, &mut batch.rows);
                            if self.body_ended(copy.tail()).await? {
                                return Ok(rows);
                            }
                            continue 'answer;
                        }
                    },
                };
                let Some((fresh, range)) = self.copy_piece(&mut copy, &piece, &mut batch.rows) else {
                    self.overlong().await?;
                    continue 'answer;
                };
                rows += fresh;
                batch.take(&piece[range]).await.map_err(|e| self.io(e))?;
                if copy.carry.len() > MAX_ROW {
                    return Err(
                        self.error(ErrorKind::Csv, "a row of a page is larger than any row of an org")
                    );
                }
            }
        }
    }

    /// The row that the body ends with, where only its line end is missing and its end is known.
    fn last_row(&mut self, copy: &mut Copy, out: &mut Vec<u8>) -> u64 {
        if copy.tail() != Tail::Unfinished || !self.may_end_here() {
            return 0;
        }
        let row = std::mem::take(&mut copy.carry);
        let fresh = self.take_rows(1);
        if fresh == 1 {
            out.extend_from_slice(&row);
            out.push(b'\n');
        }
        fresh
    }

    /// Reads to the end of the header line and returns what was read beyond it.
    async fn past_header(&mut self) -> Result<VecDeque<Bytes>> {
        if !self.header_due() {
            return Ok(VecDeque::from([self.rows.input()]));
        }
        // After a page was opened again its first piece is here already.
        let mut read = VecDeque::from([self.rows.peek()]);
        let mut opened = self.opened;
        while self.header_due() {
            match self.rows.step() {
                Step::Row if self.at_header() => return Ok(VecDeque::from([self.rows.input()])),
                Step::Row => {
                    self.rows.reset();
                    return Ok(read);
                }
                Step::TooLarge => {
                    return Err(self.error(ErrorKind::Csv, "the first row of a page is larger than any row"));
                }
                Step::NeedInput => {
                    let Some(piece) = self.next_piece().await? else { break };
                    if std::mem::replace(&mut opened, self.opened) != self.opened {
                        read.clear();
                    }
                    read.push_back(piece.clone());
                    self.rows.feed(piece);
                }
            }
        }
        Ok(VecDeque::new())
    }

    /// Where the whole rows of a piece stand that were not taken yet, and how many they are; `None` where they are more than the
    /// page has. The beginning of the first one, where it came before, is appended.
    fn copy_piece(
        &mut self,
        copy: &mut Copy,
        piece: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<(u64, Range<usize>)> {
        let mut before = copy.ends;
        let (mut rows, mut end) = (0_u64, 0);
        for at in copy.ends.find(piece) {
            rows += 1;
            end = at;
        }
        if self.too_many(rows) {
            return None;
        }
        let fresh = self.take_rows(rows);
        let taken = rows - fresh;
        if fresh > 0 && taken == 0 {
            out.extend_from_slice(&copy.carry);
        }
        let from = match (fresh, taken) {
            (0, _) => end,
            (_, 0) => 0,
            // Rows that were taken before come first.
            _ => before.find(piece).zip(1..).find(|(_, nth)| *nth == taken).map_or(end, |(at, _)| at),
        };
        if end > 0 {
            copy.carry.clear();
        }
        copy.carry.extend_from_slice(&piece[end..]);
        Some((fresh, from..end))
    }

    fn io(&self, error: std::io::Error) -> crate::Error {
        self.error(ErrorKind::Io, "its rows could not be written").with_source(error)
    }
}

/// The header line as an org writes it: all names quoted.
pub(crate) fn header_line(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|n| format!("\"{}\"", n.replace('"', "\"\""))).collect();
    names.join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use super::*;

    /// Takes a little at a time, of several slices at once where it may.
    struct Sip {
        taken: Vec<u8>,
        vectored: bool,
    }

    impl AsyncWrite for Sip {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<std::io::Result<usize>> {
            let some = bytes.len().min(1000);
            self.taken.extend_from_slice(&bytes[..some]);
            Poll::Ready(Ok(some))
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<std::io::Result<usize>> {
            let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
            let bytes = if self.vectored { &all[..] } else { first };
            self.as_mut().poll_write(cx, bytes)
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn many_rows_go_behind_those_that_wait_whole_and_once_however_little_a_writer_takes() {
        let many: Vec<u8> = (0..BATCH + 4321).map(|i| b"abcdefghijk"[i % 11]).collect();
        for vectored in [false, true] {
            let mut out = Sip { taken: Vec::new(), vectored };
            let mut batch = Batch { out: &mut out, rows: Vec::new() };
            for rows in [b"head\n".as_slice(), &many, &many, b"tail\n"] {
                batch.take(rows).await.unwrap();
            }
            batch.flush().await.unwrap();
            assert!(out.taken == [b"head\n".as_slice(), &many, &many, b"tail\n"].concat(), "{vectored}");
        }
    }

    fn ends(pieces: &[&str]) -> Vec<(usize, usize)> {
        let mut finder = RowEnds::default();
        let mut out = Vec::new();
        for (i, piece) in pieces.iter().enumerate() {
            out.extend(finder.find(piece.as_bytes()).map(|end| (i, end)));
        }
        out
    }

    #[test]
    fn a_line_end_inside_quotes_ends_no_row() {
        assert_eq!(ends(&["\"a\",\"b\nc\"\n\"d\"\"\n\"\n"]), [(0, 10), (0, 17)]);
        assert_eq!(ends(&["\"a", "\n", "b\"", "\n"]), [(3, 1)]);
        assert_eq!(ends(&["plain,cells\r\n", "x\n"]), [(0, 13), (1, 2)]);
    }
}
