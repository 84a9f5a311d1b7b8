//! An object of an org as JSON lines, one object a row, typed by the object's describe: a Bulk API 2.0 query job.
//!
//! ```text
//! cargo run --bin bulk_query_to_jsonl
//! cargo run --bin bulk_query_to_jsonl -- Lead leads.jsonl
//! cargo run --bin bulk_query_to_jsonl -- Lead - | head
//! ```
//!
//! Without set-up the org is emulated; `SF_LOGIN_URL`, `SF_CLIENT_ID` and `SF_CLIENT_SECRET`, or the variables of any
//! other login (see `whoami`), name a real one. Without arguments it writes all Accounts to stdout. A file is there once
//! it is whole: until then its rows are in `leads.jsonl.part`.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use sf_bulk2::{Position, Query};
use sf_core::poll::PollPolicy;
use sf_examples::org::Org;
use sf_examples::progress::{Line, Progress};
use sf_examples::text::thousands;
use sf_examples::{Result, Usage, interrupted, json_lines, run};
use sf_soql::{BulkFields, DescribeCache, Select, schema_of};
use tokio::fs::File;
use tokio::io::{AsyncWrite, AsyncWriteExt, stdout};

const ONCE: Duration = Duration::from_secs(3600);
/// Rows are written when so many bytes of them have come together.
const PIECE: usize = 64 * 1024;

fn main() -> ExitCode {
    run("warn", async {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let (object, file) = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => ("Account", None),
            [object] | [object, "-"] if !object.starts_with('-') => (*object, None),
            [object, file] if !object.starts_with('-') => (*object, Some(PathBuf::from(file))),
            _ => return Err(Usage("usage: bulk_query_to_jsonl [OBJECT [FILE]]".into()).into()),
        };
        tokio::select! {
            done = to_json_lines(object, file) => done,
            () = interrupted() => Err("stopped: what is there is not all".into()),
        }
    })
}

async fn to_json_lines(object: &str, file: Option<PathBuf>) -> Result<()> {
    let org = Org::connect().await?;
    // Stdout may be for the rows.
    eprintln!("{}", org.introduction(&[]));
    let Some(file) = file else {
        match rows(&org, object, "stdout", &mut stdout()).await {
            Ok(rows) => eprintln!("{} rows", thousands(rows)),
            // Whoever reads them has seen enough.
            Err(error) if is_closed(&*error) => {}
            Err(error) => return Err(error),
        }
        return Ok(());
    };
    let mut part = file.clone().into_os_string();
    part.push(".part");
    let unwritable = |error: std::io::Error| format!("{} cannot be written: {error}", file.display());
    let mut out = File::create(&part).await.map_err(unwritable)?;
    let rows = rows(&org, object, &file.display().to_string(), &mut out).await?;
    out.sync_all().await?;
    tokio::fs::rename(&part, &file).await?;
    println!("{} rows in {}", thousands(rows), file.display());
    Ok(())
}

fn is_closed(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

async fn rows(org: &Org, object: &str, to: &str, out: &mut (impl AsyncWrite + Unpin)) -> Result<u64> {
    let describe = DescribeCache::new(org.client.clone(), ONCE).object(object).await?;
    let fields = BulkFields::of(&describe);
    fields.check()?;
    for (field, reason) in &fields.left_out {
        eprintln!("{field} is left out: {reason}");
    }
    // What a cell means is what the describe says of its field.
    let schema = Arc::new(schema_of(&describe, fields.names())?);
    let soql = Select::from(&describe.name).fields(fields.names()).build()?;

    let job = Query::new(soql).create(&org.client).await?;
    let poll = PollPolicy { initial: Duration::from_millis(300), ..PollPolicy::default() };
    let total = job.wait(&poll).await?.number_records_processed;
    let line = Line { label: describe.name.clone(), total, note: to.to_owned() };
    let mut progress = Progress::new(vec![line]);

    let mut pages = job.pages(Position::START).expect_total(total);
    let (mut rows, mut text) = (0, Vec::with_capacity(PIECE));
    while pages.next_page().await?.is_some() {
        let mut row = pages.record(&schema)?;
        while pages.next_row(&mut row).await? {
            json_lines::push(&row, &mut text)?;
            rows += 1;
            if text.len() >= PIECE {
                out.write_all(&text).await?;
                text.clear();
                progress.set(0, rows);
            }
        }
    }
    out.write_all(&text).await?;
    out.flush().await?;
    progress.set(0, rows);
    progress.finish(0);
    Ok(rows)
}
