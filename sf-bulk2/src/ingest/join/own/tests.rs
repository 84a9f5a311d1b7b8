use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::{ColumnDelimiter, LineEnding};

const LF: Format = Format { delimiter: ColumnDelimiter::Comma, line_ending: LineEnding::Lf, convert: false };

fn own(csv: &str, key: Option<&str>) -> Own {
    let span = Span { at: 100, len: csv.len() };
    Own::new(csv.as_bytes().to_vec(), span, LF, key, 7).unwrap()
}

fn echo(header: &[&str], cells: &[&str]) -> Echo {
    let header = Arc::new(header.iter().map(|n| (*n).to_owned()).collect());
    Echo::of(header, cells)
}

fn row(own: &mut Own, cells: &[&str]) -> Option<(u64, usize)> {
    let header: Vec<_> = own.header.clone();
    let header: Vec<_> = header.iter().map(String::as_str).collect();
    own.take(&echo(&header, cells)).map(|i| (i.row, i.copies))
}

#[test]
fn a_row_is_found_by_all_its_cells_where_it_has_no_key() {
    let mut own = own("Name,N\na,1.0\nb,2\n\"c,\nd\",3\n", None);
    assert_eq!(row(&mut own, &["c,\nd", "3"]), Some((9, 1)));
    assert_eq!(row(&mut own, &["a", "1"]), Some((7, 1)));
    assert_eq!(row(&mut own, &["a", "1"]), None, "it is taken");
    assert_eq!(row(&mut own, &["b", "3"]), None, "no such row was sent");
}

#[test]
fn rows_that_are_the_same_are_one_each_and_those_that_only_mean_the_same_are_not_guessed() {
    let mut same = own("Name\na\na\nb\n", None);
    assert_eq!(
        [row(&mut same, &["a"]), row(&mut same, &["a"]), row(&mut same, &["a"])],
        [Some((7, 2)), Some((8, 2)), None]
    );
    // One was sent as 1 and one as 1.0; the org says 1 for both.
    let mut alike = own("Text\n1\n1.0\n", None);
    assert_eq!(row(&mut alike, &["1"]), None);
}

#[test]
fn a_row_is_found_by_its_key_whatever_became_of_its_other_cells() {
    let mut own = own("Ext__c,Name\nx1,a\nx2,b\nx2,c\n", Some("ext__C"));
    assert_eq!(row(&mut own, &["x1", "rewritten"]), Some((7, 1)));
    // The key stands twice: the other cells decide, or nobody knows.
    assert_eq!(row(&mut own, &["x2", "rewritten"]), None);
    assert_eq!(row(&mut own, &["x2", "c"]), Some((9, 1)));
}

#[test]
fn a_day_is_not_guessed_to_be_the_one_datetime_at_its_midnight() {
    // In a date field both come back as the day.
    let mut mixed = own("Day__c\n2024-02-29T10:00:00Z\n2024-02-29\n2024-03-01\n", None);
    assert_eq!(row(&mut mixed, &["2024-02-29"]), None);
    assert_eq!(row(&mut mixed, &["2024-03-01"]), Some((9, 1)));
    let mut times = own("Day__c\n2024-02-29T10:00:00Z\n2024-02-29T00:00:00Z\n", None);
    assert_eq!(row(&mut times, &["2024-02-29"]), None);
    assert_eq!(row(&mut times, &["2024-02-29T00:00:00.000Z"]), Some((8, 1)));
}

#[test]
fn an_id_is_the_same_in_both_its_lengths() {
    let mut own = own("Id,Name\n0017h00000doU3R,a\n", Some("Id"));
    let input = own.take(&echo(&["Id", "Name"], &["0017h00000doU3RAAU", "z"])).unwrap();
    assert_eq!(input.cells, ["0017h00000doU3R", "a"]);
    assert_eq!(input.span, Span { at: 108, len: 17 });
}

#[test]
fn what_an_echo_is_told_from_does_not_depend_on_what_came_before() {
    let mut own = own("Ext__c,Name\nx,a\nx,b\n", Some("Ext__c"));
    assert_eq!(row(&mut own, &["x", "a"]), Some((7, 1)));
    // Only one row is left; it is that of the echo only if the first was right, and nothing proves it.
    assert_eq!(row(&mut own, &["x", "rewritten"]), None);
    assert_eq!(row(&mut own, &["x", "b"]), Some((8, 1)));
}

#[test]
fn long_keys_of_digits_are_told_apart_and_other_long_numbers_are_not() {
    // A double cannot tell these; an external id of text can.
    let csv = "Ext__c,N\n100000000000000001,9007199254740993\n100000000000000002,9007199254740992\n";
    let mut keyed = own(csv, Some("Ext__c"));
    assert_eq!(row(&mut keyed, &["100000000000000002", "9.007199254740992E15"]), Some((8, 1)));
    assert_eq!(row(&mut keyed, &["100000000000000001", "9.007199254740992E15"]), Some((7, 1)));
    let mut all = own("Name,N\na,9007199254740993\na,9007199254740992\n", None);
    assert_eq!(row(&mut all, &["a", "9.007199254740992E15"]), None, "the org writes both so");
}

#[test]
fn a_hundred_thousand_equal_rows_are_each_found_once() {
    const ROWS: usize = 100_000;
    for key in [None, Some("Name")] {
        let mut own = own(&format!("Name,N\n{}", "a,1.50\n".repeat(ROWS)), key);
        let echo = echo(&["Name", "N"], &["a", "1.5"]);
        for n in 0..ROWS {
            let input = own.take(&echo).unwrap();
            assert_eq!((input.row, input.copies), (7 + n as u64, ROWS));
        }
        assert!(own.take(&echo).is_none());
    }
}

#[test]
fn a_hundred_thousand_rows_of_one_key_are_found_by_their_other_cells() {
    const ROWS: usize = 100_000;
    let csv = (0..ROWS).fold("Ext__c,N\n".to_owned(), |csv, n| csv + &format!(",{n}.0\n"));
    let mut own = own(&csv, Some("Ext__c"));
    for n in (0..ROWS).rev() {
        let input = own.take(&echo(&["Ext__c", "N"], &["", &n.to_string()])).unwrap();
        assert_eq!(input.row, 7 + n as u64);
    }
}

#[test]
fn a_hundred_thousand_rows_that_only_mean_the_same_are_not_guessed() {
    let csv = (0..100_000).fold("N\n".to_owned(), |csv, n| csv + "1." + &"0".repeat(n % 50) + "\n");
    let mut own = own(&csv, None);
    let echo = echo(&["N"], &["1.0"]);
    assert!((0..100_000).all(|_| own.take(&echo).is_none()));
}

#[test]
fn data_that_no_load_has_written_is_refused() {
    let span = Span { at: 0, len: 0 };
    for data in ["", "Id\n1", "Id\n\"1\n", "Id\n\n1\n"] {
        assert!(Own::new(data.into(), span, LF, None, 0).is_none(), "{data:?}");
    }
}

proptest! {
    #[test]
    fn cells_are_those_that_were_written(
        row in proptest::collection::vec("[a-z\",;\n é]{0,9}", 1..5),
        semicolon in proptest::bool::ANY,
    ) {
        let delimiter = if semicolon { ColumnDelimiter::Semicolon } else { ColumnDelimiter::Comma };
        let format = Format { delimiter, ..LF };
        let mut record = Vec::new();
        format.row(row.iter().map(String::as_str), &mut record).unwrap();
        let record = String::from_utf8(record).unwrap();
        prop_assert_eq!(cells(&record, format).collect::<Vec<_>>(), row);
    }
}
