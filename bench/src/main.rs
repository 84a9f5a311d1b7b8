//! sf-bulk2 beside other clients of the Bulk API 2.0, and beside what bounds them all: see RESULTS.md.
//!
//! ```text
//! cargo run --release --manifest-path bench/Cargo.toml               # everything; rewrites its part of RESULTS.md
//! cargo run --release --manifest-path bench/Cargo.toml run 1 structs # one round of what has the word in its name
//! ```
//!
//! Everybody is a process of its own, this binary with the words `one TASK WHO …`, and so is the org (`stub`).

mod clients;
mod data;
mod measure;
mod plan;
mod report;
mod stub;

use std::process::ExitCode;

use clients::{Error, Job};

/// Rows of a page, where nothing else is said: some 40 MB, of which force takes up to 100.
const PAGE_ROWS: u64 = 200_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        [] | ["run"] => run(5, ""),
        ["run", rounds] => rounds.parse().map_err(Error::from).and_then(|n| run(n, "")),
        ["run", rounds, filter] => rounds.parse().map_err(Error::from).and_then(|n| run(n, filter)),
        ["stub", ref orgs @ ..] => stub(orgs),
        ["one", task, who, url, rows, file] => one(task, who, url, rows, file),
        _ => Err("usage: bench [run [ROUNDS [FILTER]]]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", words.join(" "));
            ExitCode::FAILURE
        }
    }
}

/// Measures; writes the results down where everything was measured.
fn run(rounds: usize, filter: &str) -> Result<(), Error> {
    let measured = measure::all(rounds, filter)?;
    let text = report::markdown(&measured, rounds);
    println!("{text}");
    match filter {
        "" => report::write(&text),
        _ => Ok(()),
    }
}

fn stub(orgs: &[&str]) -> Result<(), Error> {
    let orgs = orgs.iter().map(|org| org.parse()).collect::<Result<Vec<_>, String>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(stub::serve(orgs))?)
}

/// Does one task and says how many rows there were and what it took of memory at most.
fn one(task: &str, who: &str, url: &str, rows: &str, file: &str) -> Result<(), Error> {
    let job = Job { url: url.to_owned(), rows: rows.parse()?, file: file.into() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let rows = runtime.block_on(clients::run(task, who, &job))?;
    let peak = measure::peak_of_this_process()?;
    println!("{} {peak}", rows.map_or_else(|| "-".to_owned(), |rows| rows.to_string()));
    Ok(())
}
