//! A CSV file upserted by an external id, and once more what was refused because another transaction held a record.
//!
//! Jobs that run at once and write children of the same parents lock each other out (`UNABLE_TO_LOCK_ROW`). Such rows are
//! as good as the others: they are sent again after a pause, one job at a time, with the rows of one parent next to each other.
//!
//! ```text
//! cargo run --bin bulk_upsert_with_locks
//! cargo run --bin bulk_upsert_with_locks -- Contact contacts.csv Email__c AccountId
//! ```
//!
//! The arguments are the object, the file, its column with the external id, and the one with the parent. Without set-up
//! the org is emulated, as busy as it takes; `SF_LOGIN_URL`, `SF_CLIENT_ID` and `SF_CLIENT_SECRET`, or the variables of
//! any other login (see `whoami`), name a real one. Without arguments made-up bicycles are upserted, into an emulated
//! org only. The exit status is 0 where every row was written in the end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use sf_bulk2::{Ingest, RetryLocks};
use sf_core::poll::PollPolicy;
use sf_examples::load::{file, made_up};
use sf_examples::org::Org;
use sf_examples::outcomes::OutcomeFiles;
use sf_examples::text::thousands;
use sf_examples::{Result, Usage, interrupted, run};
use sf_sim::JobPace;

const USAGE: &str = "bulk_upsert_with_locks OBJECT FILE EXTERNAL_ID_FIELD PARENT_FIELD";
/// How many bicycles are made up, and how many a job gets: enough jobs to get into each other's way.
const MADE_UP: u64 = 4_000;
const PART: u64 = 500;

fn main() -> ExitCode {
    run("warn", async {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let upsert = async {
            match arguments.as_slice() {
                [] => made_up_bicycles().await,
                [object, path, key, parent] => {
                    let org = Org::connect().await?;
                    println!("{}", org.introduction(&[]));
                    let ingest = Ingest::upsert(object, key);
                    upsert(&org, object, Path::new(path), ingest, &RetryLocks::default().parent(parent)).await
                }
                _ => Err(Usage(format!("usage: {USAGE}")).into()),
            }
        };
        tokio::select! {
            done = upsert => done,
            () = interrupted() => Err("stopped; jobs that were sent go on in the org, and bulk_watch_job lists them".into()),
        }
    })
}

async fn upsert(org: &Org, object: &str, path: &Path, ingest: Ingest, again: &RetryLocks) -> Result<()> {
    // The rows are kept in a temporary file: what is sent again is what was sent, to the byte.
    let loaded = file(&org.client, ingest.keep_rows(), object, path).await?;
    let outcomes = OutcomeFiles::write(&loaded, path).await?;
    println!("At first, {outcomes}");

    let retried = loaded.retry_locked(&org.client, again).await?;
    for (round, load) in retried.rounds.iter().enumerate() {
        let [rows, written] = [load.rows(), load.succeeded()].map(thousands);
        println!("Sent again, round {}: {written} of {rows} locked rows written", round + 1);
    }
    match outcomes.not_written().saturating_sub(retried.succeeded()) {
        0 => {
            println!("Every row is written");
            Ok(())
        }
        rows => {
            let (rows, locked) = (thousands(rows), thousands(retried.locked + retried.unmatched));
            Err(format!("{rows} rows are not written, {locked} of them because of locks: see failures.csv")
                .into())
        }
    }
}

/// Bicycles of a few families, in an org whose jobs take their time and lock each other's parents.
async fn made_up_bicycles() -> Result<()> {
    let org = Org::connect().await?;
    println!("{}", org.introduction(&[]));
    let (Some(sim), Some(families)) = (org.sim(), org.known_ids("Product_Family__c")) else {
        return Err(Usage(format!("name what to upsert: {USAGE}")).into());
    };
    sim.set_job_pace(JobPace::Polls(3));
    sim.set_row_locks(true);
    let folder = tempfile::Builder::new().prefix("bulk-upsert-").tempdir()?.keep();
    let path: PathBuf = folder.join("bicycles.csv");
    let rows = (0_u64..MADE_UP).zip(families.iter().cycle()).map(|(n, family)| {
        vec![format!("NEW-{n:05}"), format!("Bicycle {n}"), "1999.90".to_owned(), family.clone()]
    });
    made_up(&path, &["Sku__c", "Name", "Price__c", "Product_Family__c"], rows)?;

    let poll = PollPolicy { initial: Duration::from_millis(20), ..PollPolicy::default() };
    let ingest = Ingest::upsert("Product__c", "Sku__c").part_rows(PART).poll(poll);
    let again = RetryLocks::default().parent("Product_Family__c").pause(Duration::from_millis(100));
    upsert(&org, "Product__c", &path, ingest, &again).await
}
