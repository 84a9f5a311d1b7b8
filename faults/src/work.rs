//! What clients do, from begin to end, and whether what they show is what the org has.

use futures_util::TryStreamExt;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use sf_bulk2::{Ingest, IngestJob, Loaded, Position, Query, QueryJob, Tally};
use sf_core::Client;
use sf_core::poll::PollPolicy;
use sf_soql::DescribeCache;
use std::time::Duration;

use crate::failed::Failed;
use crate::org::{LOADED, LONG, Org, PAGE, POLL, REFUSED, csv, name};
use crate::route::Work;

type Done = Result<(), Failed>;

/// What is wrong although no error was shown.
pub(crate) type Problems = Vec<String>;

/// The row that is written alone, and the value of its external id.
pub(crate) const ALONE: &str = "row alone";
const KEY: &str = "k 1";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    id: String,
    name: String,
}

/// Does the work. `half_way`: the job ends before all rows were tried, and its outcomes are what is looked at.
pub(crate) async fn carry_out(
    work: Work,
    org: &Org,
    client: &Client,
    half_way: bool,
    problems: &mut Problems,
) -> Done {
    match work {
        Work::Login | Work::Renewal => {
            client.get("limits").response().await.map_err(login_or_call)?;
            Ok(())
        }
        Work::Describe => describe(org, client, problems).await,
        Work::Query => query(org, client, problems).await,
        Work::JobToRows | Work::JobToFile | Work::JobInParallel => job(work, org, client, problems).await,
        Work::Ingest if half_way => ended_half_way(org, client, problems).await,
        Work::Ingest => ingest(org, client, problems).await,
        Work::Load | Work::Multipart => load(work, org, client, problems).await,
        Work::Insert => {
            let _ = client.create("Account", &json!({ "Name": ALONE })).await?;
            Ok(())
        }
        Work::Upsert => {
            let row = json!({ "Name": ALONE });
            let _ = client.upsert_by_unique("Account", "Code__c", KEY, &row).await?;
            Ok(())
        }
    }
}

/// A failed renewal shows behind the call that needed it; it has a kind of its own.
fn login_or_call(error: sf_core::Error) -> Failed {
    sf_auth::Error::from(error).into()
}

fn compare<T: PartialEq>(problems: &mut Problems, what: &str, shown: &[T], there: &[T]) {
    if shown != there {
        problems.push(format!("{what}: {} shown, {} there, and not the same", shown.len(), there.len()));
    }
}

async fn describe(org: &Org, client: &Client, problems: &mut Problems) -> Done {
    let described = DescribeCache::new(client.clone(), Duration::from_secs(60)).object("Account").await?;
    let shown: Vec<_> = described.fields.iter().map(|field| field.name.clone()).collect();
    match org.ask(Method::GET, "sobjects/Account/describe", Value::Null).await {
        Ok(answer) => {
            let fields = answer.get("fields").and_then(Value::as_array).cloned().unwrap_or_default();
            let there: Vec<_> =
                fields.iter().filter_map(|field| field.get("name")?.as_str().map(str::to_owned)).collect();
            compare(problems, "fields of the describe", &shown, &there);
        }
        Err(error) => problems.push(error),
    }
    Ok(())
}

async fn query(org: &Org, client: &Client, problems: &mut Problems) -> Done {
    let query = sf_soql::Query::new("SELECT Id, Name FROM Account").batch_size(200);
    let rows: Vec<Account> = query.rows(client).all().await?;
    whole(org, problems, rows.into_iter().map(|row| (row.id, row.name)).collect());
    Ok(())
}

/// All rows of the org, each once.
fn whole(org: &Org, problems: &mut Problems, mut shown: Vec<(String, String)>) {
    shown.sort();
    compare(problems, "rows of the result", &shown, &org.accounts());
}

async fn job(work: Work, org: &Org, client: &Client, problems: &mut Problems) -> Done {
    let job = Query::new("SELECT Id, Name FROM Account").create(client).await?;
    let orphans = job.orphans();
    let rows = read(work, &job).await?;
    whole(org, problems, rows);
    orphans_are_counted(org, "query", orphans.into(), 1, problems).await;
    Ok(())
}

async fn read(work: Work, job: &QueryJob) -> Result<Vec<(String, String)>, Failed> {
    let info = job.wait(&POLL).await?;
    let mut pages = job.pages(Position::START).expect_total(info.number_records_processed);
    // The pages that an org names beforehand are as large as it likes.
    if work != Work::JobInParallel {
        pages = pages.max_records(PAGE);
    }
    let mut file = Vec::new();
    match work {
        Work::JobToRows => {
            let rows: Vec<Account> = pages.rows().stream().try_collect().await?;
            return Ok(rows.into_iter().map(|row| (row.id, row.name)).collect());
        }
        Work::JobInParallel => drop(pages.parallel(2).write_to(&mut file).await?),
        _ => drop(pages.write_to(&mut file).await?),
    }
    // The org's own CSV: one header, all cells quoted, and none of these has a comma or a quote in it.
    let file = String::from_utf8_lossy(&file);
    let cells = |line: &str| {
        let (id, name) = line.split_once(',').unwrap_or((line, ""));
        (id.trim_matches('"').to_owned(), name.trim_matches('"').to_owned())
    };
    Ok(file.lines().skip(1).map(cells).collect())
}

/// Jobs that nobody reads must be told: no more of them stand in the org than the client knows of.
async fn orphans_are_counted(org: &Org, kind: &str, orphans: u64, used: u64, problems: &mut Problems) {
    match org.jobs(kind).await {
        Ok(jobs) if jobs.len() as u64 > used + orphans => {
            problems
                .push(format!("{} jobs stand in the org; {used} used, {orphans} orphans told", jobs.len()));
        }
        Ok(_) => {}
        Err(error) => problems.push(error),
    }
}

async fn begun(client: &Client, rows: u32) -> Result<IngestJob, Failed> {
    let sent = u64::from(rows + REFUSED);
    let job = Ingest::insert("Account").create(client).await?.expect_rows(Some(sent));
    job.upload(csv(rows)).await?;
    job.close().await?;
    Ok(job)
}

async fn ingest(org: &Org, client: &Client, problems: &mut Problems) -> Done {
    let job = begun(client, LOADED).await?;
    job.wait(&POLL).await?;
    let written = names_of(&job).await?;
    all_written(org, problems, written);
    tally(problems, job.tally().await?, u64::from(LOADED), 0);
    orphans_are_counted(org, "ingest", job.orphans().into(), 1, problems).await;
    Ok(())
}

/// The rows of the list of successful ones.
async fn names_of(job: &IngestJob) -> Result<Vec<String>, Failed> {
    let mut written = Vec::new();
    let mut successes = job.successes().await?;
    while let Some(success) = successes.next_row().await? {
        written.push(success.row.get("Name").unwrap_or_default().to_owned());
    }
    written.sort();
    Ok(written)
}

fn all_written(org: &Org, problems: &mut Problems, mut told: Vec<String>) {
    told.sort();
    let there: Vec<_> = org.accounts().into_iter().map(|(_, name)| name).collect();
    let mut sorted = there.clone();
    sorted.sort();
    let sent: Vec<_> = (0..LOADED).map(name).collect();
    compare(problems, "rows told as written", &told, &sorted);
    compare(problems, "rows that were sent", &sent, &sorted);
}

fn tally(problems: &mut Problems, tally: Tally, created: u64, unprocessed: u64) {
    let expected = (created, u64::from(REFUSED), unprocessed);
    let told = (tally.created, tally.failed, tally.unprocessed);
    if told != expected || tally.updated != 0 {
        problems.push(format!("created, failed, unprocessed are {expected:?}, and told as {told:?}"));
    }
}

/// A job that the org or somebody else ends between two transactions: its files tell of every row.
async fn ended_half_way(org: &Org, client: &Client, problems: &mut Problems) -> Done {
    let job = begun(client, LONG).await?;
    if job.wait(&POLL).await.is_ok() {
        problems.push("the job came to its end".to_owned());
    }
    let written = names_of(&job).await?;
    let mut there: Vec<_> = org.accounts().into_iter().map(|(_, name)| name).collect();
    there.sort();
    compare(problems, "rows told as written", &written, &there);
    let all = job.tally().await?;
    let sent = u64::from(LONG + REFUSED);
    if all.created == 0 || all.unprocessed == 0 || all.rows() != sent {
        problems.push(format!("{sent} rows were sent, the job ended half way, and its outcomes are {all:?}"));
    }
    Ok(())
}

async fn load(work: Work, org: &Org, client: &Client, problems: &mut Problems) -> Done {
    let ingest = match work {
        // A job whose creation got no answer is looked for as long as jobs are asked.
        Work::Multipart => {
            let soon = PollPolicy { deadline: Some(Duration::from_secs(2)), ..POLL };
            Ingest::insert("Account").multipart().poll(soon)
        }
        _ => Ingest::insert("Account").part_rows(4).jobs_in_flight(2).poll(POLL),
    };
    let loaded: Loaded = ingest.csv_bytes(csv(LOADED)).run(client).await?;
    let successes: Vec<_> = loaded.successes().try_collect().await?;
    let told = successes.iter().map(|s| s.row.get("Name").unwrap_or_default().to_owned()).collect();
    all_written(org, problems, told);
    tally(problems, loaded.tally().await?, u64::from(LOADED), 0);
    // Jobs that were given up are ended, and told.
    let told = loaded.jobs().iter().flat_map(|job| &job.abandoned).count();
    match org.jobs("ingest").await {
        Ok(jobs) => {
            let complete = jobs.iter().filter(|(_, state)| state == "JobComplete").count();
            let aborted = jobs.iter().filter(|(_, state)| state == "Aborted").count();
            let all = (complete, aborted, jobs.len());
            if all != (loaded.jobs().len(), told, loaded.jobs().len() + told) {
                problems.push(format!(
                    "jobs complete, aborted, all are {all:?}; told are {} complete and {told} given up",
                    loaded.jobs().len()
                ));
            }
        }
        Err(error) => problems.push(error),
    }
    Ok(())
}
