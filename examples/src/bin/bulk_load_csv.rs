//! A CSV file into an org, with Bulk API 2.0 ingest jobs, and a file each for the rows that were written, refused, and
//! never tried.
//!
//! ```text
//! cargo run --bin bulk_load_csv
//! cargo run --bin bulk_load_csv -- Lead leads.csv
//! cargo run --bin bulk_load_csv -- Contact contacts.csv upsert:Email__c
//! ```
//!
//! The operation is `insert` unless it is named: `update`, `delete`, `hard-delete`, or `upsert:` with an external id
//! field. The outcomes of `leads.csv` are in the folder `leads.csv.outcomes`, or, where there are some of an earlier load,
//! in `leads.csv.outcomes-2` and so on. The exit status is 0 where every row was written.
//!
//! Without set-up the org is emulated; `SF_LOGIN_URL`, `SF_CLIENT_ID` and `SF_CLIENT_SECRET`, or the variables of any
//! other login (see `whoami`), name a real one. Without arguments made-up Leads are loaded, into an emulated org only.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sf_examples::load::{file, made_up, operation, whole};
use sf_examples::org::Org;
use sf_examples::outcomes::OutcomeFiles;
use sf_examples::text::thousands;
use sf_examples::{Result, Usage, interrupted, run};

/// The org itself works in chunks of so many rows, and each counts for the day's allowance.
const CHUNK: u64 = 10_000;
/// How many Leads are made up.
const MADE_UP: u64 = 30_000;

fn main() -> ExitCode {
    run("warn", async {
        tokio::select! {
            done = load(std::env::args().skip(1).collect()) => done,
            () = interrupted() => Err("stopped; jobs that were sent go on in the org, and bulk_watch_job lists them".into()),
        }
    })
}

async fn load(arguments: Vec<String>) -> Result<()> {
    let (object, path, operation_name) = match arguments.as_slice() {
        [] => ("Lead", None, "insert"),
        [object, path] => (object.as_str(), Some(PathBuf::from(path)), "insert"),
        [object, path, operation] => (object.as_str(), Some(PathBuf::from(path)), operation.as_str()),
        _ => return Err(Usage("usage: bulk_load_csv OBJECT FILE [OPERATION]".into()).into()),
    };
    let ingest = operation(operation_name, object)?.part_rows(CHUNK);
    let org = Org::connect().await?;
    println!("{}", org.introduction(&[(object, org.count(object).await)]));
    let path = match path {
        Some(path) => path,
        None if org.sim().is_some() => leads()?,
        None => {
            let missing = "name the object and the file to load: bulk_load_csv OBJECT FILE [OPERATION]";
            return Err(Usage(missing.into()).into());
        }
    };

    let loaded = file(&org.client, ingest, object, &path).await?;
    println!("{} rows of {} in {} jobs", thousands(loaded.rows()), path.display(), loaded.jobs().len());
    let outcomes = OutcomeFiles::write(&loaded, &path).await?;
    println!("{outcomes}");
    whole(&outcomes)
}

/// A file of Leads in a folder that stays, for its outcomes to be looked at.
fn leads() -> Result<PathBuf> {
    let path = tempfile::Builder::new().prefix("bulk-load-csv-").tempdir()?.keep().join("leads.csv");
    let rows = (1..=MADE_UP).map(|n| {
        let revenue = format!("{}.50", n * 100);
        vec![
            format!("Rider {n}"),
            format!("Wheelworks \"{}\", Ltd.", n % 100),
            format!("rider{n}@example.com"),
            revenue,
        ]
    });
    made_up(Path::new(&path), &["LastName", "Company", "Email", "AnnualRevenue"], rows)?;
    Ok(path)
}
