//! A download that is killed in the middle, and goes on where it was: nothing twice, nothing missing.
//!
//! ```text
//! cargo run --bin bulk_resume
//! ```
//!
//! Without set-up it emulates an org and plays it through: it starts itself once more to download all Leads, kills that
//! process (no signal to clean up after) while a page has arrived by half, starts another one, and counts what is in the
//! file. What is stored, and when, stands in `csv_file.rs`.
//!
//! With an org of your own it is the part that downloads, and you break it off, by Ctrl-C or worse; the same command
//! goes on:
//!
//! ```text
//! SF_LOGIN_URL=https://acme.my.salesforce.com SF_CLIENT_ID=… SF_CLIENT_SECRET=… cargo run --bin bulk_resume -- Lead leads.csv
//! ```

use std::collections::HashSet;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use sf_examples::csv_file::download;
use sf_examples::login::Login;
use sf_examples::org::reachable;
use sf_examples::text::thousands;
use sf_examples::{Result, Usage, interrupted, run};
use sf_sim::fault::{Action, Fault, Route};
use sf_sim::{Server, Sim};
use tokio::process::Command;

const LEADS: u64 = 5_000;
/// Rows of a page of the emulated org, the page that does not arrive as a whole, and the bytes that do.
const PAGE: u64 = 1_000;
const BROKEN: u64 = 3;
const HALF: u64 = 50_000;

fn main() -> ExitCode {
    run("warn", async {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        match (Login::from_environment()?, arguments.as_slice()) {
            (Some(login), [object, file]) => tokio::select! {
                done = resume(&login, object, Path::new(file)) => done,
                () = interrupted() => Err("stopped; the same command goes on from here".into()),
            },
            (None, []) => show().await,
            _ => Err(Usage("usage: bulk_resume, or with an org of your own: bulk_resume OBJECT FILE".into())
                .into()),
        }
    })
}

async fn resume(login: &Login, object: &str, file: &Path) -> Result<()> {
    let rows = download(&login.connect().await?, object, file).await?;
    println!("{} rows in {}", thousands(rows), file.display());
    Ok(())
}

async fn show() -> Result<()> {
    reachable()?;
    let sim = Sim::builder().generate("Lead", LEADS).seed(7).build()?;
    sim.set_page_cap(Some(PAGE));
    let server = sim.serve("127.0.0.1:0").await?;
    println!("No SF_* variables: using an emulated org (Lead {}) at {}", thousands(LEADS), server.url());
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("leads.csv");

    let stalled = sim.faults().add(Fault::on(Route::Results).nth(BROKEN).then(Action::stall(HALF)));
    let mut first = download_by_itself(&sim, &server, &file)?.stdout(Stdio::null()).spawn()?;
    tokio::select! {
        ended = first.wait() => return Err(format!("the download ended before it could be killed: {}", ended?).into()),
        _ = sim.faults().fired(stalled, 1) => first.kill().await?,
    }
    println!("Killed a download while its page {BROKEN} had arrived by half. It had stored:");
    println!("  {}", std::fs::read_to_string(folder.path().join("leads.csv.bookmark"))?);

    let second = download_by_itself(&sim, &server, &file)?.stdin(Stdio::null()).status().await?;
    if !second.success() {
        return Err(format!("the second download failed: {second}").into());
    }
    let (rows, distinct) = count(&file)?;
    let jobs = sim.journal().count(&Route::CreateJob);
    println!(
        "The file has {} rows, {} distinct Ids; jobs made: {jobs}",
        thousands(rows),
        thousands(distinct)
    );
    println!(
        "\nNext: SF_LOGIN_URL=… SF_CLIENT_ID=… SF_CLIENT_SECRET=… cargo run --bin bulk_resume -- Lead leads.csv"
    );
    server.shutdown().await;
    if (rows, distinct) == (LEADS, LEADS) { Ok(()) } else { Err("that is not what the org has".into()) }
}

/// This program once more, with the org in its variables.
fn download_by_itself(sim: &Sim, server: &Server, file: &Path) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("Lead").arg(file).kill_on_drop(true);
    command.env("SF_LOGIN_URL", server.url());
    command.env("SF_CLIENT_ID", &sim.credentials().client_id);
    command.env("SF_CLIENT_SECRET", sim.credentials().client_secret.as_str());
    Ok(command)
}

fn count(file: &Path) -> Result<(u64, u64)> {
    let mut rows = csv::Reader::from_path(file)?;
    let id = rows.headers()?.iter().position(|name| name == "Id").ok_or("the file has no column Id")?;
    let (mut count, mut ids) = (0, HashSet::new());
    for row in rows.records() {
        ids.insert(row?[id].to_owned());
        count += 1;
    }
    Ok((count, ids.len() as u64))
}
