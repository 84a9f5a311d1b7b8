//! The fault table, played whole.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use sf_faults::{Table, page, play, size};

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
    let table = Table::checked_in().unwrap();
    let printed = page(&table, size(&table).unwrap());
    assert!(there == printed, "docs/FAULTS.md is stale: cargo run -p sf-faults > docs/FAULTS.md");
}

/// The table with another expectation in one cell.
fn wrong(cell: &str, right: &str, other: &str) -> Table {
    let text = include_str!("../../table.txt");
    let at = text.find(cell).unwrap();
    Table::parse(&format!("{}{}", &text[..at], text[at..].replacen(right, other, 1))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expectation_that_is_not_met_is_a_difference_that_says_what_came_instead() {
    let too_hard = wrong("[503 each time]", "error(Server): token", "recover: token");
    let played = play(&too_hard, "[503 each time] describe").await.unwrap();
    let said: Vec<_> = played.differences.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|said| said.contains("recover expected, it is error(Server)")), "{said:?}");

    let too_soft = wrong("[503] ", "recover: token", "error(Server): token");
    let played = play(&too_soft, "[503] poll").await.unwrap();
    let said: Vec<_> = played.differences.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said.iter().all(|said| said.contains("error(Server) expected, and no error was shown")),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_fault_that_nothing_plays_is_refused() {
    let routes = "token describe query-page create upload upload-in-load close poll result-page parallel-pages \
                  outcome-files create-with-data row-insert row-upsert";
    let table = Table::parse(&format!("[rain] It rains.\nrecover: {routes}")).unwrap();
    assert!(play(&table, "").await.unwrap_err().contains("[rain]"));
}

#[tokio::test]
async fn a_text_that_selects_nothing_is_no_success() {
    let table = Table::checked_in().unwrap();
    assert!(play(&table, "[430]").await.unwrap_err().contains("no cell has \"[430]\" in its name"));
}
