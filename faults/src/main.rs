//! Plays the fault table and prints `docs/FAULTS.md`: `cargo run -p sf-faults > docs/FAULTS.md`.
//!
//! With an argument it plays only the cells with this text in their names, as in `cargo run -p sf-faults -- '[429]'`, and prints
//! no page.

use std::io::Write;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let only = std::env::args().nth(1).unwrap_or_default();
    let played = match sf_faults::Table::checked_in() {
        Ok(table) => sf_faults::play(&table, &only).await.map(|played| (table, played)),
        Err(error) => Err(error),
    };
    let (table, played) = match played {
        Ok(played) => played,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    for difference in &played.differences {
        eprintln!("{difference}");
    }
    eprintln!(
        "{} cells, played {} times: {} differences",
        played.cells,
        played.plays,
        played.differences.len()
    );
    let page =
        if only.is_empty() { sf_faults::page(&table, (played.cells, played.plays)) } else { String::new() };
    if !played.differences.is_empty() || std::io::stdout().write_all(page.as_bytes()).is_err() {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
