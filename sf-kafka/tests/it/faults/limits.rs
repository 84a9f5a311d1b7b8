//! What an org allows at a time and in a day.

use std::time::Duration;

use sf_kafka::check::forecast;
use sf_kafka::runtime::Phase;
use sf_sim::fault::{Action, Fault, Route};
use tokio::time::Instant;

use super::support::{Bench, TWO_TABLES, leads, says};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test(start_paused = true)]
async fn too_many_calls_at_once_are_waited_out_at_any_step() {
    for step in [Route::Describe, Route::Query, Route::CreateJob, Route::JobInfo, Route::Results] {
        for times in [3, 40] {
            let bench = Bench::in_process(leads());
            let fault = Fault::on(step.clone()).times(times).then(Action::concurrent_limit());
            let fault = bench.sim.faults().add(fault);
            bench.deliver().await;
            bench.assert_exact(&format!("{times} times at {step}"));
            assert_eq!(bench.sim.faults().count(fault), times);
            assert_eq!(bench.calls(Route::Limits), 0, "that is no matter of the day's allowance");
        }
    }
}

/// Runs a connector into a limit of the org, lets it wait, gives the allowance back by the next day, and
/// wants every row once.
async fn used_up(bench: Bench, said: &[&str]) {
    let begun = Instant::now();
    // Held before the org answers: the limits can be refused as well, which must not end the waiting.
    let asked = bench.sim.hook_before(Route::Limits, 5);
    let running = bench.run(&[]).await;
    running.until(asked.arrived()).await;
    let Phase::WaitingForAllowance(reason) = running.phase() else { panic!("{:?}", running.phase()) };
    says(&reason, said);
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(60 + 120 + 240), "asked five times within {waited:?}");
    let journal = bench.sim.journal().requests();
    let quiet = journal.iter().rev().take_while(|call| call.is(&Route::Limits)).count();
    assert_eq!(quiet, 5, "nothing but the limits was asked for while there was nothing left");
    bench.offsets.assert_none_too_far();

    bench.sim.clock().advance(DAY);
    drop(asked);
    running.until(bench.offsets.windows(1)).await;
    running.stopped().await;
    bench.assert_exact("the limit of a day");
    bench.offsets.assert_none_too_far();
}

#[tokio::test(start_paused = true)]
async fn when_the_days_calls_are_used_up_the_connector_waits_and_loses_nothing() {
    // What is left is used up before the describe, the probe, the job, its state, or one of three pages.
    for left in 0..7 {
        let bench = Bench::in_process(leads());
        bench.sim.set_limit_used("DailyApiRequests", 15_000 - left);
        used_up(bench, &["REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_days_query_jobs_are_used_up_the_connector_waits_and_loses_nothing() {
    let bench = Bench::in_process(leads());
    bench.sim.set_limit("DailyBulkV2QueryJobs", 10);
    bench.sim.set_limit_used("DailyBulkV2QueryJobs", 10);
    used_up(bench, &["LIMIT_EXCEEDED", "Max bulk v2 query jobs (10) per 24 hrs has been reached"]).await;
}

#[tokio::test(start_paused = true)]
async fn when_the_days_result_storage_is_used_up_the_connector_waits_and_loses_nothing() {
    let bench = Bench::in_process(leads());
    bench.sim.set_limit_used("DailyBulkV2QueryFileStorageMB", 976_562);
    used_up(bench, &["LIMIT_EXCEEDED", "Max bulk v2 query result size stored"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_waits_for_its_allowance_stops_at_once_when_asked() {
    let bench = Bench::in_process(leads());
    bench.sim.set_limit_used("DailyApiRequests", 15_000 - 5);
    let asked = bench.sim.hook_before(Route::Limits, 1);
    let running = bench.run(&[]).await;
    running.until(asked.arrived()).await;
    let begun = Instant::now();
    running.stopped().await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    bench.offsets.assert_none_too_far();
}

/// An org without a query job left, and a connector that waits for the next day.
fn without_jobs() -> Bench {
    let bench = Bench::in_process(leads());
    bench.sim.set_limit("DailyBulkV2QueryJobs", 10);
    bench.sim.set_limit_used("DailyBulkV2QueryJobs", 10);
    bench
}

fn refuse_logins(bench: &Bench) {
    bench.sim.expire_sessions();
    let refused = Action::oauth_error("invalid_grant", "authentication failure");
    bench.sim.faults().add(Fault::on(Route::Token).always().then(refused));
}

#[tokio::test(start_paused = true)]
async fn a_connector_whose_user_may_not_read_the_limits_goes_on_the_next_day() {
    let bench = without_jobs();
    let refusal = Action::error(403, "INSUFFICIENT_ACCESS", "no access to the limits");
    bench.sim.faults().add(Fault::on(Route::Limits).always().then(refusal));
    let asked = bench.sim.hook(Route::Limits, 8);
    let (begun, running) = (Instant::now(), bench.run(&[]).await);
    running.until(asked.arrived()).await;
    let waited = begun.elapsed();
    assert!(
        waited >= Duration::from_secs(6 * 60 + 64 + 128),
        "the job was tried eight times within {waited:?}"
    );
    bench.sim.clock().advance(DAY);
    drop(asked);
    running.until(bench.offsets.windows(1)).await;
    running.stopped().await;
    bench.assert_exact("no access to the limits");
}

#[tokio::test(start_paused = true)]
async fn a_check_for_a_user_who_may_not_read_the_limits_says_so_and_tells_the_rest() {
    let bench = Bench::in_process(leads());
    let refusal = Action::error(403, "INSUFFICIENT_ACCESS", "no access to the limits");
    bench.sim.faults().add(Fault::on(Route::Limits).always().then(refusal));
    let told = forecast(&bench.config(&[]), bench.http.clone()).await.unwrap();
    assert_eq!((told.calls.is_none(), told.jobs.is_none(), told.tables.len()), (true, true, 1));
    says(
        &told.to_string(),
        &["the org's limits cannot be read: ", "no access to the limits", "API calls a day"],
    );
    assert_eq!(told.to_string().lines().filter(|line| line.contains("limits cannot be read")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_password_that_is_changed_while_a_connector_waits_for_its_allowance_is_tried_once() {
    let bench = without_jobs();
    let asked = bench.sim.hook_before(Route::Limits, 1);
    let running = bench.run(&[]).await;
    running.until(asked.arrived()).await;
    refuse_logins(&bench);
    drop(asked);
    says(&running.given_up().await, &["authentication failure"]);
    assert_eq!(bench.calls(Route::Token), 2);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_waits_for_its_allowance_ends_with_the_table_whose_login_was_refused() {
    let bench = without_jobs();
    // Held behind the org's answer: the next to log in is the table that has no rows and needs no job.
    let asked = bench.sim.hook(Route::Limits, 1);
    let running = bench.run(&TWO_TABLES).await;
    running.until(asked.arrived()).await;
    refuse_logins(&bench);
    drop(asked);
    says(&running.given_up().await, &["refused, as another of its tables says"]);
    assert_eq!((bench.calls(Route::Token), bench.calls(Route::Limits)), (2, 1));
}
