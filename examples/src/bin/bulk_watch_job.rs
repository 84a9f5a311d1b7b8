//! A job of the Bulk API 2.0, query or load, watched until it is final; or aborted. Without a job: those that there are.
//!
//! ```text
//! cargo run --bin bulk_watch_job -- 7505i0000000001AAA
//! cargo run --bin bulk_watch_job -- 7505i0000000001AAA --abort
//! ```
//!
//! Ctrl-C ends the watching and leaves the job alone. The exit status is 0 where the job is complete, or was aborted by
//! this program.
//!
//! Without set-up the org is emulated and the job is a load that takes a moment; `SF_LOGIN_URL`, `SF_CLIENT_ID` and
//! `SF_CLIENT_SECRET`, or the variables of any other login (see `whoami`), name a real one.

use std::process::ExitCode;
use std::time::Duration;

use sf_bulk2::{ErrorKind, Ingest, IngestJob, JobInfo, JobType, Jobs, QueryJob};
use sf_core::poll::PollPolicy;
use sf_core::{Client, Id};
use sf_examples::org::Org;
use sf_examples::text::thousands;
use sf_examples::{Result, Usage, interrupted, run};
use sf_sim::JobPace;

/// How many jobs are listed.
const LISTED: usize = 20;

fn main() -> ExitCode {
    run("warn", async {
        tokio::select! {
            done = watch(std::env::args().skip(1).collect()) => done,
            () = interrupted() => Err("no longer watched; the job goes on in the org".into()),
        }
    })
}

async fn watch(arguments: Vec<String>) -> Result<()> {
    let abort = arguments.iter().any(|argument| argument == "--abort");
    let id = match arguments.iter().filter(|argument| *argument != "--abort").collect::<Vec<_>>().as_slice() {
        [] => None,
        [id] if !id.starts_with('-') => Some(id.parse::<Id>()?),
        _ => return Err(Usage("usage: bulk_watch_job [JOB] [--abort]".into()).into()),
    };
    let org = Org::connect().await?;
    println!("{}", org.introduction(&[]));
    let (id, initial) = match id {
        Some(id) => (id, Duration::from_secs(1)),
        None if org.sim().is_some() => (slow_job(&org).await?, Duration::from_millis(20)),
        None if abort => {
            let missing =
                "name the job to abort: bulk_watch_job JOB --abort; without arguments the jobs are listed";
            return Err(Usage(missing.into()).into());
        }
        None => return list(&org.client).await,
    };
    let (job, info) = Job::find(&org.client, id).await?;
    println!("Job {id}: {}", about(&info));
    let poll = PollPolicy { initial, max: initial * 10, deadline: None };
    job.until_final(&poll, abort).await
}

/// A job of either kind.
enum Job {
    Query(QueryJob),
    Ingest(IngestJob),
}

impl Job {
    /// An id does not tell its kind, and a job of one kind may not be found among the other.
    async fn find(org: &Client, id: Id) -> Result<(Self, JobInfo)> {
        match QueryJob::attach(org, id, org.api_version()).info().await {
            Ok(info) if info.job_type != Some(JobType::V2Ingest) => {
                return Ok((Self::Query(QueryJob::attach(org, id, info.api_version)), info));
            }
            Err(error) if error.kind() != ErrorKind::JobGone => return Err(error.into()),
            _ => {}
        }
        let info = IngestJob::attach(org, id, org.api_version()).info().await?;
        Ok((Self::Ingest(IngestJob::attach(org, id, info.api_version)), info))
    }

    async fn info(&self) -> sf_bulk2::Result<JobInfo> {
        match self {
            Self::Query(job) => job.info().await,
            Self::Ingest(job) => job.info().await,
        }
    }

    async fn abort(&self) -> sf_bulk2::Result<()> {
        match self {
            Self::Query(job) => job.abort().await,
            Self::Ingest(job) => job.abort().await,
        }
    }

    /// What the job came to. Rows of an aborted load may be written for a moment still: this waits until none are.
    async fn end(&self, poll: &PollPolicy) -> sf_bulk2::Result<JobInfo> {
        match self {
            Self::Query(job) => job.wait(poll).await,
            Self::Ingest(job) => job.wait(poll).await,
        }
    }

    async fn until_final(&self, poll: &PollPolicy, abort: bool) -> Result<()> {
        let (mut polls, mut last) = (poll.start(), String::new());
        let mut to_abort = abort;
        loop {
            let info = self.info().await?;
            let now = progress(&info);
            if now != last {
                println!("  {now}");
                last = now;
            }
            if info.state.is_final() {
                break;
            }
            if std::mem::take(&mut to_abort) {
                self.abort().await?;
                println!("  aborted");
            } else if !polls.pause().await {
                break;
            }
        }
        match self.end(poll).await {
            Ok(info) => println!("Complete: {}", counts(&info)),
            Err(error) if abort && error.kind() == ErrorKind::JobAborted => println!("Final: {error}"),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

fn about(info: &JobInfo) -> String {
    let operation = info.operation.map(|operation| format!("{operation:?} ")).unwrap_or_default();
    let made = info.created_date.map(|at| format!(", made {}", at.format("%Y-%m-%d %H:%M:%S UTC")));
    format!("{operation}{}{}", info.object, made.unwrap_or_default())
}

fn progress(info: &JobInfo) -> String {
    format!("{:15} {}", format!("{:?}", info.state), counts(info))
}

fn counts(info: &JobInfo) -> String {
    let processed = thousands(info.number_records_processed.unwrap_or_default());
    match info.number_records_failed {
        Some(failed) => format!("{processed} rows processed, {} failed", thousands(failed)),
        None => format!("{processed} rows processed"),
    }
}

async fn list(org: &Client) -> Result<()> {
    println!("Jobs of the last seven days:");
    let kinds = [Jobs::query().job_type(JobType::V2Query), Jobs::ingest().job_type(JobType::V2Ingest)];
    for kind in kinds {
        let mut jobs = kind.list(org);
        let mut listed = 0;
        while let Some(info) = jobs.next_job().await? {
            println!("  {}  {:15} {}", info.id, format!("{:?}", info.state), about(&info));
            listed += 1;
            if listed == LISTED {
                println!("  …");
                break;
            }
        }
    }
    Ok(())
}

/// A load of the emulated org that is there to be watched.
async fn slow_job(org: &Org) -> Result<Id> {
    if let Some(sim) = org.sim() {
        sim.set_job_pace(JobPace::Polls(10));
        // Of a job that is aborted, what is in work may be written yet.
        sim.set_commits_after_abort(2);
    }
    let job = Ingest::insert("Lead").create(&org.client).await?;
    let mut csv = "LastName,Company\n".to_owned();
    for n in 1..=4_000 {
        // Every thousandth is refused.
        let company = if n % 1_000 == 0 { "" } else { "Wheelworks" };
        csv.push_str(&format!("Rider {n},{company}\n"));
    }
    job.upload(csv).await?;
    job.close().await?;
    Ok(job.id())
}
