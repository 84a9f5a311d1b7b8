//! The fault table, played whole.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use sf_faults::{Table, page, play};

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_of_the_table_does_what_it_says() {
    let table = Table::checked_in().unwrap();
    let played = play(&table, "").await.unwrap();
    let list: Vec<_> = played.differences.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} differences:\n{}", list.len(), list.join("\n"));
    assert!(
        played.plays > played.cells && played.cells > 250,
        "{} cells, {} plays",
        played.cells,
        played.plays
    );
}

#[test]
fn the_page_in_docs_is_the_one_that_the_suite_prints() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/FAULTS.md");
    let there = std::fs::read_to_string(path).unwrap();
    let printed = page(&Table::checked_in().unwrap());
    assert!(there == printed, "docs/FAULTS.md is stale: cargo run -p sf-faults > docs/FAULTS.md");
}
