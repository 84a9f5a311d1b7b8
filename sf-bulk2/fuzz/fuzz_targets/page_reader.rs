//! Any bytes as a page: the same rows, lines and end in whatever pieces they come, and those of the csv crate.
//!
//! The first byte of an input is the delimiter, the second says how the rest is cut.

#![no_main]

/// The file itself: the reader of rows is nobody's business outside of its crate.
#[path = "../../src/csv_rows.rs"]
#[allow(dead_code, unreachable_pub, reason = "a part of another crate, of which only the reader is used")]
mod csv_rows;

use bytes::Bytes;
use csv_rows::{CsvRows, Step, Tail};
use libfuzzer_sys::fuzz_target;

const DELIMITERS: [u8; 6] = *b",;|\t^`";

#[derive(Debug, PartialEq, Eq)]
struct Read {
    /// The cells of each row, and the line that it ends on.
    rows: Vec<(Vec<Vec<u8>>, u64)>,
    tail: Tail,
}

fn take(reader: &CsvRows) -> (Vec<Vec<u8>>, u64) {
    (reader.row().iter().map(<[u8]>::to_vec).collect(), reader.line())
}

fn read<'p>(reader: &mut CsvRows, pieces: impl IntoIterator<Item = &'p [u8]>) -> Read {
    let mut rows = Vec::new();
    for piece in pieces {
        reader.feed(Bytes::copy_from_slice(piece));
        loop {
            match reader.step() {
                Step::Row => rows.push(take(reader)),
                Step::NeedInput => break,
                Step::TooLarge => panic!("an input of this size has no such row"),
            }
        }
    }
    let tail = reader.tail();
    if tail == Tail::Unfinished {
        rows.push(take(reader));
    }
    Read { rows, tail }
}

/// Pieces of lengths that follow from a seed, empty ones among them.
fn cut(mut body: &[u8], seed: u8) -> Vec<&[u8]> {
    let mut state = u32::from(seed) | 0x100;
    let mut pieces = Vec::new();
    while !body.is_empty() {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let (piece, rest) = body.split_at(body.len().min(state as usize % 9));
        pieces.push(piece);
        body = rest;
    }
    pieces
}

fuzz_target!(|input: &[u8]| {
    let Some((&[delimiter, seed], body)) = input.split_first_chunk() else { return };
    let delimiter = DELIMITERS[usize::from(delimiter) % DELIMITERS.len()];
    let whole = read(&mut CsvRows::new(delimiter), [body]);
    // One reader for several bodies, as pages have it.
    let mut reader = CsvRows::new(delimiter);
    for pieces in [cut(body, seed), body.chunks(1).collect(), vec![body]] {
        reader.reset();
        assert_eq!(read(&mut reader, pieces), whole);
    }

    let mut other = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(body)
        .into_byte_records();
    for (row, _) in &whole.rows {
        let expected = other.next().expect("a row of the csv crate too").expect("a row");
        assert!(expected.iter().eq(row.iter().map(Vec::as_slice)), "{row:?} is {expected:?}");
    }
    let more = other.count();
    assert_eq!(more, usize::from(whole.tail == Tail::OpenQuote), "rows that only the csv crate has");
});
