//! The connector is killed, at every step of its work and at random, while rows flow into a real Kafka and change
//! in the org: every row's last version arrives, at most one page a table is repeated a kill, and no page is
//! fetched again once the offset behind it is stored. That these checks can fail is shown with connectors that
//! make mistakes.

mod child;
mod findings;
mod org;
mod trial;

use std::io::Write;
use std::time::{Duration, Instant};

use child::{At, Hold, Mark, Mutant};
use findings::{Findings, Kind};
use org::{BUSY, QUIET};
use sf_sim::JobPace;
use sf_sim::fault::{Action, Fault, Route};
use trial::{Scale, Trial, within};

use crate::kafka_support::real;

/// How often the connector is killed at random, and how often it is stopped in between.
const RANDOM_KILLS: u64 = 10;
const RANDOM_STOPS: u64 = 2;

const MANY: Scale = Scale {
    rows: 200_000,
    page: 2_000,
    delay: Duration::from_millis(1_500),
    lag: Duration::from_millis(3_000),
    seed: 0,
};

const FEW: Scale =
    Scale { rows: 6_000, page: 1_000, delay: Duration::ZERO, lag: Duration::from_secs(1), seed: 7 };

fn say(line: &str) {
    // The test harness swallows what print macros say in a test that passes.
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// `SF_TESTS_SEED`, or one that is new each time.
fn seed() -> u64 {
    match std::env::var("SF_TESTS_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => std::time::UNIX_EPOCH.elapsed().unwrap().as_secs(),
    }
}

fn hold(at: At, table: &str, nth: u64) -> Hold {
    Hold { at, table: table.to_owned(), nth }
}

async fn trial(what: &str, scale: Scale) -> Option<Trial> {
    let settings = real(what)?;
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS").unwrap();
    Some(Trial::new(&settings, &servers, scale).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_arrives_whenever_the_connector_is_killed() {
    let began = Instant::now();
    let scale = Scale { seed: seed(), ..MANY };
    let Some(mut trial) = trial("killing the connector", scale).await else { return };
    say(&format!("seed {} (SF_TESTS_SEED sets it)", scale.seed));
    let traffic = trial.org.traffic(scale.seed);

    trial.org.sim.set_job_pace(JobPace::Polls(2));
    killed_before_the_job_is_noted(&mut trial).await;
    let job = killed_when_the_job_is_noted(&mut trial).await;
    killed_while_polling(&mut trial, &job).await;
    killed_mid_page(&mut trial, &job).await;
    stopped_mid_page(&mut trial, &job).await;
    killed_around_a_commit(&mut trial).await;
    killed_at_random(&mut trial).await;
    killed_around_an_empty_job(&mut trial).await;
    killed_at_the_last_page(&mut trial).await;
    // Once more, with a window of changes instead of everything.
    trial.all_is_due();
    killed_before_the_job_is_noted(&mut trial).await;
    let job = killed_when_the_job_is_noted(&mut trial).await;
    killed_while_polling(&mut trial, &job).await;
    killed_at_the_last_page(&mut trial).await;

    let writes = traffic.stop().await;
    trial.all_is_due();
    trial.settle(None).await;
    a_restart_reads_nothing(&mut trial).await;

    let found = Findings::of(&trial).await;
    assert!(found.violations.is_empty(), "{:#?}", found.violations);
    say(&format!(
        "{} rows and {writes:?}: {} records, {} of them repeated, in {} s",
        scale.rows,
        found.records,
        found.repeated,
        began.elapsed().as_secs()
    ));
    found.ends(&trial).iter().for_each(|line| say(line));
    trial.clear().await;
}

/// Once the org has made the job and the connector does not know of it, once the connector does.
async fn killed_before_the_job_is_noted(trial: &mut Trial) {
    let made = trial.org.sim.hook_containing(Route::CreateJob, &format!("FROM {BUSY}"), 1);
    let running = trial.start(None);
    within("a job", made.arrived()).await;
    trial.kill(running, "before the answer to a new job", (BUSY, 0)).await;
    drop(made);

    let mut running = trial.start(hold(At::Storing(Mark::Begin), BUSY, 1));
    running.held().await;
    trial.kill(running, "before the job is noted", (BUSY, 0)).await;
}

/// Gives the job.
async fn killed_when_the_job_is_noted(trial: &mut Trial) -> String {
    let mut running = trial.start(hold(At::Stored(Mark::Begin), BUSY, 1));
    let offset = running.held().await;
    trial.kill(running, "when the job is noted", (BUSY, 0)).await;
    offset["jobId"].as_str().unwrap().to_owned()
}

async fn killed_while_polling(trial: &mut Trial, job: &str) {
    let made = jobs_made(trial);
    for poll in 1..=2 {
        let asked = trial.org.sim.hook_containing(Route::JobInfo, job, poll);
        let running = trial.start(None);
        within("a poll of the job that was noted", asked.arrived()).await;
        trial.kill(running, "while polling", (BUSY, 0)).await;
    }
    assert_eq!(jobs_made(trial), made, "a job was made although one was noted");
}

fn jobs_made(trial: &Trial) -> usize {
    let made = trial.org.sim.journal().of(&Route::CreateJob);
    made.iter().filter(|job| job.detail.as_ref().is_some_and(|soql| soql.contains(BUSY))).count()
}

async fn killed_mid_page(trial: &mut Trial, job: &str) {
    let page = trial.scale.page;
    // The body stops in the middle of the page, so the connector does.
    trial.org.sim.set_gzip(false);
    for nth in 1..=2 {
        let stall = Fault::on(Route::Results).containing(job).nth(nth).then(Action::stall(100_000));
        let stall = trial.org.sim.faults().add(stall);
        let running = trial.start(None);
        within("half a page", trial.org.sim.faults().fired(stall, 1)).await;
        within("a row of it", trial.delivers_more_than((nth - 1) * page)).await;
        trial.kill(running, "mid page, which stalled", None).await;
        trial.org.sim.faults().remove(stall);
    }
    trial.org.sim.set_gzip(true);
    // The rows before it have arrived, and are read again.
    for rows in [1, page - 1] {
        let mut running = trial.start(hold(At::Sending, BUSY, 2 * page + rows + 1));
        running.held().await;
        trial.kill(running, "mid page", (BUSY, rows)).await;
    }
}

/// Stopped cleanly, it notes how many rows of the page have arrived, and none of them is read again.
async fn stopped_mid_page(trial: &mut Trial, job: &str) {
    trial.org.sim.set_gzip(false);
    let stall = Fault::on(Route::Results).containing(job).nth(2).then(Action::stall(100_000));
    let stall = trial.org.sim.faults().add(stall);
    let running = trial.start_binary();
    within("half a page", trial.org.sim.faults().fired(stall, 1)).await;
    within("a row of it", trial.delivers_more_than(trial.scale.page)).await;
    trial.stop(running, "mid page", BUSY).await;
    trial.org.sim.faults().remove(stall);
    trial.org.sim.set_gzip(true);
    let offset = trial.offset(BUSY).await;
    assert!(offset["rows"].as_u64().is_some_and(|rows| rows > 0), "{offset}");
}

async fn killed_around_a_commit(trial: &mut Trial) {
    let page = trial.scale.page;
    for _ in 0..2 {
        let mut running = trial.start(hold(At::Storing(Mark::Page), BUSY, 2));
        running.held().await;
        trial.kill(running, "when a page was delivered and not committed", (BUSY, page)).await;
    }
    for _ in 0..2 {
        let mut running = trial.start(hold(At::Stored(Mark::Page), BUSY, 2));
        running.held().await;
        trial.kill(running, "when a page was committed and the next not begun", (BUSY, 0)).await;
    }
}

/// The binary itself, at any moment. It is stopped cleanly now and then: nothing is repeated after that.
async fn killed_at_random(trial: &mut Trial) {
    let mut rng = fastrand::Rng::with_seed(trial.scale.seed);
    let mut ends: Vec<bool> = (0..RANDOM_KILLS + RANDOM_STOPS).map(|n| n < RANDOM_KILLS).collect();
    rng.shuffle(&mut ends);
    for kill in ends {
        let asked = trial.org.sim.hook(Route::Any, rng.u64(1..=8));
        let running = trial.start_binary();
        within("a request", asked.arrived()).await;
        asked.release();
        // This waits for nothing: any moment is as good as another.
        tokio::time::sleep(Duration::from_millis(rng.u64(0..100))).await;
        if kill {
            trial.kill(running, "at random", None).await;
        } else {
            trial.stop(running, "at random", BUSY).await;
        }
    }
}

/// The only row that is due changes before its job runs.
async fn killed_around_an_empty_job(trial: &mut Trial) {
    // Whatever else is due of the table goes first.
    let again = trial.org.sim.hook_containing(Route::Query, &format!("FROM {QUIET}"), 2);
    let running = trial.start(None);
    within("a second poll of the quiet table", again.arrived()).await;
    trial.kill(running, "between two polls", None).await;
    drop(again);

    let row = trial.org.ids(QUIET)[0];
    trial.org.change(QUIET, row);
    trial.all_is_due();
    let found = trial.org.sim.hook_containing(Route::Query, &format!("FROM {QUIET}"), 1);
    let mut running = trial.start(hold(At::Stored(Mark::Begin), QUIET, 1));
    within("a probe that finds the row", found.arrived()).await;
    trial.org.sim.set_visibility_delay(Duration::ZERO);
    trial.org.change(QUIET, row);
    trial.org.sim.set_visibility_delay(trial.scale.delay);
    drop(found);
    let job = running.held().await["jobId"].as_str().unwrap().to_owned();
    trial.kill(running, "when an empty job was noted", (QUIET, 0)).await;

    let asked = trial.org.sim.hook_containing(Route::JobInfo, &job, 1);
    let running = trial.start(None);
    within("a poll of the empty job", asked.arrived()).await;
    trial.kill(running, "while polling an empty job", (QUIET, 0)).await;
    drop(asked);
    for at in [At::Storing(Mark::End), At::Stored(Mark::End)] {
        let mut running = trial.start(hold(at, QUIET, 1));
        let offset = running.held().await;
        assert_eq!(offset["jobId"], *job, "the job is resumed");
        trial.kill(running, "at the end of an empty job", (QUIET, 0)).await;
    }
    let pages = trial.org.sim.journal().of(&Route::Results);
    assert!(!pages.iter().any(|page| page.path.contains(&job)), "the job was not empty");
}

async fn killed_at_the_last_page(trial: &mut Trial) {
    for at in [At::Storing(Mark::End), At::Storing(Mark::End), At::Stored(Mark::End)] {
        let mut running = trial.start(hold(at, BUSY, 1));
        running.held().await;
        trial.kill(running, "at the last page", None).await;
    }
}

/// The binary is started, polls both tables, and is stopped.
async fn a_restart_reads_nothing(trial: &mut Trial) {
    let before = trial.requests();
    let probe = |table: &str| trial.org.sim.hook_containing(Route::Query, &format!("FROM {table}"), 1);
    let (busy, quiet) = (probe(BUSY), probe(QUIET));
    let running = trial.start_binary();
    within("probes of both tables", async { tokio::join!(busy.arrived(), quiet.arrived()) }).await;
    drop((busy, quiet));
    trial.stop(running, "idle", BUSY).await;
    let asked = trial.org.sim.journal().since(before);
    let jobs: Vec<_> = asked.iter().filter(|asked| asked.path.contains("/jobs/")).collect();
    assert!(jobs.is_empty(), "{jobs:?}");
}

/// A connector that reads offsets as `mutant` does is killed after three pages, and comes to its end.
async fn of_a_mutant(mutant: Option<Mutant>) -> Option<Findings> {
    let mut trial = trial("whether the checks can fail", FEW).await?;
    let mut running = trial.start(hold(At::Stored(Mark::Page), BUSY, 3));
    running.held().await;
    trial.kill(running, "after three pages", None).await;
    trial.settle(mutant).await;
    let found = Findings::of(&trial).await;
    trial.clear().await;
    Some(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_ignores_its_offsets_is_found_out() {
    let Some(found) = of_a_mutant(Some(Mutant::Ignores)).await else { return };
    assert_eq!(found.kinds(), [Kind::Repeated].into(), "{:#?}", found.violations);
    // Three pages of the one table, and all rows of the other.
    assert!(found.repeated >= 3 * FEW.page, "{}", found.repeated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_begins_its_job_anew_is_found_out() {
    let Some(found) = of_a_mutant(Some(Mutant::Rewinds)).await else { return };
    assert_eq!(found.kinds(), [Kind::Repeated, Kind::FetchedAgain].into(), "{:#?}", found.violations);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_passes_over_pages_is_found_out() {
    let Some(found) = of_a_mutant(Some(Mutant::Skips)).await else { return };
    assert_eq!(found.kinds(), [Kind::Missing].into(), "{:#?}", found.violations);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_connector_without_a_fault_is_found_faultless() {
    let Some(found) = of_a_mutant(None).await else { return };
    assert!(found.violations.is_empty(), "{:#?}", found.violations);
    assert_eq!(found.repeated, 0);
}

/// A row becomes visible some time after its stamp, and by then a younger row has been read.
async fn with_a_late_row(lag: Duration) -> Option<Findings> {
    let mut trial = trial("rows that are seen late", Scale { lag, ..FEW }).await?;
    trial.settle(None).await;
    let (late, sim) = (Duration::from_secs(5), trial.org.sim.clone());
    let rows = trial.org.ids(BUSY);
    sim.set_visibility_delay(late);
    trial.org.change(BUSY, rows[0]);
    sim.set_visibility_delay(Duration::ZERO);
    trial.org.change(BUSY, rows[1]);
    sim.clock().advance(Duration::from_secs(2));
    trial.settle(None).await;
    sim.clock().advance(late + lag);
    trial.org.change(BUSY, rows[2]);
    sim.clock().advance(lag + Duration::from_secs(2));
    trial.settle(None).await;
    let found = Findings::of(&trial).await;
    trial.clear().await;
    Some(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_seen_late_within_the_lag_arrives() {
    let Some(found) = with_a_late_row(Duration::from_secs(10)).await else { return };
    assert!(found.violations.is_empty(), "{:#?}", found.violations);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_seen_later_than_the_lag_is_found_missing() {
    let Some(found) = with_a_late_row(Duration::ZERO).await else { return };
    assert_eq!(found.kinds(), [Kind::Missing].into(), "{:#?}", found.violations);
}
