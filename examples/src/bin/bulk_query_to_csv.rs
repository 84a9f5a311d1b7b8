//! An object of an org in a CSV file, by a Bulk API 2.0 query job.
//!
//! ```text
//! cargo run --bin bulk_query_to_csv -- Lead leads.csv
//! ```
//!
//! Without set-up the org is emulated; `SF_LOGIN_URL`, `SF_CLIENT_ID` and `SF_CLIENT_SECRET`, or the variables of any
//! other login (see `whoami`), name a real one. Broken off, by Ctrl-C or by a fault, the same command goes on where the
//! file ends.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use sf_examples::csv_file::download;
use sf_examples::org::Org;
use sf_examples::text::thousands;
use sf_examples::{Result, Usage, interrupted, run};

fn main() -> ExitCode {
    run("warn", async {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [object, file] = arguments.as_slice() else {
            let usage = "usage: bulk_query_to_csv OBJECT FILE, for example: bulk_query_to_csv Lead leads.csv";
            return Err(Usage(usage.into()).into());
        };
        tokio::select! {
            done = to_csv(object, Path::new(file)) => done,
            () = interrupted() => Err("stopped; the same command goes on from here".into()),
        }
    })
}

async fn to_csv(object: &str, file: &Path) -> Result<()> {
    let org = Org::connect().await?;
    println!("{}", org.introduction(&[(object, org.count(object).await)]));
    let begun = Instant::now();
    let rows = download(&org.client, object, file).await?;
    let size = match std::fs::metadata(file)?.len() {
        bytes @ ..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        bytes => format!("{} MB", bytes / 1_000_000),
    };
    let seconds = begun.elapsed().as_secs_f64();
    println!("{} rows, {size}, in {} after {seconds:.1} s", thousands(rows), file.display());
    Ok(())
}
