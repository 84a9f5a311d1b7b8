//! A CSV file on its way into an org: by which operation, how far it is, and what became of its rows.

use std::path::Path;

use sf_bulk2::{Ingest, Loaded};
use sf_core::Client;

use crate::Result;
use crate::outcomes::OutcomeFiles;
use crate::progress::{Line, Progress};
use crate::text::{thousands, with_causes};

/// `insert`, `update`, `delete`, `hard-delete`, or `upsert:` with the external id field.
///
/// # Errors
/// What is none of them.
pub fn operation(text: &str, object: &str) -> Result<Ingest> {
    Ok(match text.split_once(':') {
        Some(("upsert", field)) if !field.is_empty() => Ingest::upsert(object, field),
        None if text == "insert" => Ingest::insert(object),
        None if text == "update" => Ingest::update(object),
        None if text == "delete" => Ingest::delete(object),
        None if text == "hard-delete" => Ingest::hard_delete(object),
        _ => {
            let said = "insert, update, delete, hard-delete, or upsert:FIELD with an external id field";
            return Err(format!("{text} is no operation; there are {said}").into());
        }
    })
}

/// Loads a file, and shows how far it is whenever a job of it has ended.
///
/// # Errors
/// What the org or the file said. Where some jobs had ended by then, what became of their rows is written beside the file.
pub async fn file(org: &Client, ingest: Ingest, object: &str, file: &Path) -> Result<Loaded> {
    let line = Line { label: object.to_owned(), total: rows_of(file), note: file.display().to_string() };
    let mut progress = Progress::new(vec![line]);
    let mut rows = 0;
    let load = ingest.csv_file(file).on_job(|job| {
        rows += job.rows;
        progress.set(0, rows);
    });
    let loaded = load.run(org).await;
    match loaded {
        Ok(loaded) => {
            progress.finish(0);
            Ok(loaded)
        }
        Err(error) => {
            progress.abandon();
            if let Some(loaded) = error.loaded().filter(|loaded| !loaded.jobs().is_empty()) {
                match OutcomeFiles::write(loaded, file).await {
                    Ok(outcomes) => println!("{outcomes}"),
                    // What stopped the load may keep these away too, and is what has to be told.
                    Err(other) => {
                        eprintln!("The outcomes so far are not all there: {}", with_causes(&*other))
                    }
                }
            }
            Err(error.into())
        }
    }
}

/// How many rows a file has; a fault in it is left to the load, which names its line.
fn rows_of(file: &Path) -> Option<u64> {
    let mut rows = csv::ReaderBuilder::new().flexible(true).from_path(file).ok()?;
    let (mut row, mut count) = (csv::ByteRecord::new(), 0);
    while rows.read_byte_record(&mut row).ok()? {
        count += 1;
    }
    Some(count)
}

/// The error that rows which were not written make of a load.
///
/// # Errors
/// Where there is one.
pub fn whole(outcomes: &OutcomeFiles) -> Result<()> {
    match outcomes.not_written() {
        0 => Ok(()),
        rows => {
            Err(format!("{} rows were not written: see failures.csv and unprocessed.csv", thousands(rows))
                .into())
        }
    }
}

/// Writes a file of rows that somebody might load: a header, and lines.
///
/// # Errors
/// Where it cannot be written.
pub fn made_up(path: &Path, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let mut file = csv::Writer::from_path(path)?;
    file.write_record(header)?;
    for row in rows {
        file.write_record(row)?;
    }
    file.flush()?;
    Ok(())
}
