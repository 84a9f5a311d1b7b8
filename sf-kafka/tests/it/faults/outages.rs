//! An org that is away for a while, slow, or loses what it was given.

use std::io::Write;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusBuilder;
use sf_core::http::{HttpService, Response, TransportError};
use sf_kafka::runtime::Phase;
use sf_sim::JobPace;
use sf_sim::fault::{Action, Fault, Reply, Route};
use tokio::sync::watch;
use tokio::time::Instant;

use super::support::{Bench, ROWS, leads, says};

const STEPS: [Route; 6] =
    [Route::Token, Route::Describe, Route::Query, Route::CreateJob, Route::JobInfo, Route::Results];

#[tokio::test(start_paused = true)]
async fn an_org_that_answers_500_or_503_at_any_step_for_a_moment_is_asked_again() {
    for step in STEPS {
        for (name, answer) in [("500", Action::server_error()), ("503", Action::unavailable())] {
            let bench = Bench::in_process(leads());
            let fault = bench.sim.faults().add(Fault::on(step.clone()).times(2).then(answer));
            bench.deliver().await;
            bench.assert_exact(&format!("{name} at {step}"));
            assert_eq!(bench.sim.faults().count(fault), 2);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_longer_than_all_retries_costs_time_and_no_page_is_fetched_or_delivered_twice() {
    let bench = Bench::in_process(leads());
    let second = Fault::on(Route::Results).nth(2).times(60).then(Action::unavailable());
    let fault = bench.sim.faults().add(second);
    let running = bench.run(&[("request.max.retries.time.ms", "2000")]).await;
    let later = bench.sim.hook(Route::Results, 30);
    running.until(later.arrived()).await;
    let Phase::Retrying(reason) = running.phase() else { panic!("{:?}", running.phase()) };
    says(&reason, &["a page of its result could not be fetched", "503", "an HTML page"]);
    drop(later);
    running.until(bench.offsets.windows(1)).await;
    running.stopped().await;
    bench.assert_exact("an outage");
    assert_eq!(bench.sim.faults().count(fault), 60);
    let pages = bench.sim.journal().of(&Route::Results);
    let good: Vec<_> =
        pages.iter().filter(|p| p.status == Some(200)).map(|p| p.parameter("locator")).collect();
    assert_eq!(good, [None, Some("MTAw"), Some("MjAw")]);
    assert_eq!(bench.calls(Route::CreateJob), 1);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for_also_where_it_is_longer_than_the_retries() {
    for seconds in [7, 240] {
        for step in STEPS {
            let bench = Bench::in_process(leads());
            bench.sim.faults().add(Fault::on(step.clone()).then(Action::too_many_requests(seconds)));
            let running = bench.run(&[]).await;
            let refused = bench.sim.hook(step.clone(), 1);
            running.until(refused.arrived()).await;
            let (begun, again) = (Instant::now(), bench.sim.hook_before(step.clone(), 1));
            drop(refused);
            running.until(again.arrived()).await;
            let waited = begun.elapsed().as_secs_f64();
            assert!(waited >= f64::from(seconds), "{step} was asked again after {waited} s, not {seconds} s");
            drop(again);
            running.until(bench.offsets.windows(1)).await;
            running.stopped().await;
            bench.assert_exact(&format!("429 at {step}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_its_time_is_waited_for_and_not_made_again() {
    let bench = Bench::in_process(leads());
    bench.sim.set_job_pace(JobPace::Polls(25));
    bench.deliver().await;
    bench.assert_exact("a slow job");
    assert_eq!((bench.calls(Route::CreateJob), bench.calls(Route::JobInfo)), (1, 26));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_not_done_within_its_time_is_said_and_gone_on_with() {
    let bench = Bench::in_process(leads());
    let slow = bench.sim.faults().add(Fault::on(Route::CreateJob).then(Action::SlowJob { polls: None }));
    let running = bench.run(&[("salesforce.job.timeout.ms", "10000")]).await;
    let poll = bench.sim.hook(Route::JobInfo, 20);
    running.until(poll.arrived()).await;
    let Phase::Retrying(reason) = running.phase() else { panic!("{:?}", running.phase()) };
    says(&reason, &["not finished within the deadline", "it goes on in the org"]);
    bench.sim.faults().release(slow);
    drop(poll);
    running.until(bench.offsets.windows(1)).await;
    running.stopped().await;
    bench.assert_exact("a job that took too long");
    assert_eq!(bench.calls(Route::CreateJob), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_failed_once_is_made_again() {
    let bench = Bench::in_process(leads());
    let failure = Action::fail_job("InternalServerError : Retried more than 15 times");
    bench.sim.faults().add(Fault::on(Route::JobInfo).then(failure));
    bench.deliver().await;
    bench.assert_exact("a failed job");
    assert_eq!(bench.calls(Route::CreateJob), 2);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_always_fails_is_given_up_in_the_orgs_words_and_a_restart_makes_a_new_one() {
    let mut bench = Bench::in_process(leads());
    let said = "InvalidBatch : Failed to process query: INVALID_FIELD: No such column";
    let fault = bench.sim.faults().add(Fault::on(Route::JobInfo).always().then(Action::fail_job(said)));
    says(&bench.given_up(&[]).await, &["job 750", "failed in the org", said]);
    assert!(bench.kafka.ids().is_empty());
    bench.offsets.assert_none_too_far();

    // Whoever looked after the org has put it right. The job of the stored offset stays failed for ever.
    bench.sim.faults().remove(fault);
    bench.afresh();
    bench.deliver().await;
    bench.assert_exact("a job that had failed before the start");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_somebody_aborted_is_made_again() {
    let bench = Bench::in_process(leads());
    bench.sim.set_job_pace(JobPace::Polls(3));
    let created = bench.sim.hook(Route::CreateJob, 1);
    let running = bench.run(&[]).await;
    running.until(created.arrived()).await;
    drop(created);
    running.until(bench.offsets.until(|stored| !stored.is_empty())).await;
    let job = bench.offsets.history()[0].offset["jobId"].as_str().unwrap().to_owned();
    let abort = http::Request::patch(format!("{}/services/data/v65.0/jobs/query/{job}", bench.url))
        .header("Authorization", format!("Bearer {}", bench.sim.access_token()))
        .header("Content-Type", "application/json")
        .body(r#"{"state":"Aborted"}"#.into())
        .unwrap();
    assert_eq!(bench.http.call(abort).await.unwrap().status, 200);
    running.until(bench.offsets.windows(1)).await;
    running.stopped().await;
    bench.assert_exact("an aborted job");
    assert_eq!(bench.calls(Route::CreateJob), 2);
}

/// What was logged by this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// What this thread logged and counted while something ran.
pub(crate) async fn watched(work: impl Future<Output = ()>) -> (String, String) {
    let (log, recorder) = (Log::default(), PrometheusBuilder::new().build_recorder());
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _log = tracing::subscriber::set_default(subscriber);
    let _metrics = metrics::set_default_local_recorder(&recorder);
    work.await;
    (log.text(), recorder.handle().render())
}

const REPEATED: &str = r#"sf_kafka_source_windows_repeated_total{connector="faults",table="Lead"} 1"#;

#[tokio::test(start_paused = true)]
async fn a_job_that_is_gone_in_the_middle_is_made_again_and_log_and_metric_say_that_rows_come_twice() {
    let bench = Bench::in_process(leads());
    bench.sim.faults().add(Fault::on(Route::Results).nth(2).then(Action::LoseJob));
    let (log, metrics) = watched(bench.deliver()).await;
    let mut ids = bench.kafka.ids();
    assert_eq!(ids.len(), ROWS + 100, "the page that had been delivered, and the whole window again");
    ids.dedup();
    assert_eq!(ids, bench.in_org());
    bench.offsets.assert_none_too_far();
    says(&log, &["its window is read again", "results are kept for seven days"]);
    says(&metrics, &[REPEATED]);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_gone_before_its_first_page_is_made_again_and_no_row_comes_twice() {
    let bench = Bench::in_process(leads());
    bench.sim.faults().add(Fault::on(Route::JobInfo).then(Action::LoseJob));
    bench.deliver().await;
    bench.assert_exact("a job gone before its first page");
    assert_eq!(bench.calls(Route::CreateJob), 2);
}

/// The org's refusal of a locator that it gave itself.
fn locator_refused() -> Action {
    Action::error(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
}

#[tokio::test(start_paused = true)]
async fn a_locator_that_the_org_refuses_costs_no_row_and_no_job_and_nothing_comes_twice() {
    // The page after the first, the last page, and the last page again after it broke off.
    for (page, cut) in [("MTAw", false), ("MjAw", false), ("MjAw", true)] {
        let bench = Bench::in_process(leads());
        if cut {
            let cut = Fault::on(Route::Results).containing(page).then(Action::cut(2_000));
            bench.sim.faults().add(cut);
        }
        // Refused in the middle of a page, it is refused at the next try too.
        let times = 1 + u64::from(cut);
        let refused = Fault::on(Route::Results).containing(page).nth(times).times(times);
        let fault = bench.sim.faults().add(refused.then(locator_refused()));
        let (log, metrics) = watched(bench.deliver()).await;
        assert_eq!(bench.sim.faults().count(fault), times);
        bench.assert_exact(&format!("{page} is refused"));
        assert_eq!(bench.calls(Route::CreateJob), 1, "{page}");
        says(&log, &["the org refuses a locator of its own", "INVALID_QUERY_LOCATOR"]);
        assert!(!metrics.contains(REPEATED), "{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stored_locator_that_the_org_refuses_at_the_next_start_costs_no_row_and_no_job() {
    let mut bench = Bench::in_process(leads());
    let third = bench.sim.hook_before(Route::Results, 3);
    let running = bench.run(&[]).await;
    running.until(third.arrived()).await;
    running.stopped().await;
    drop(third);
    let before = bench.kafka.ids();
    assert_eq!((before.len(), bench.offsets.now().await.unwrap()["locator"].as_str()), (200, Some("MjAw")));

    bench.afresh();
    let refused = Fault::on(Route::Results).containing("MjAw").then(locator_refused());
    bench.sim.faults().add(refused);
    bench.deliver().await;
    let mut all = [before, bench.kafka.ids()].concat();
    all.sort_unstable();
    assert_eq!(all, bench.in_org(), "a row is missing or came twice");
    assert_eq!(bench.calls(Route::CreateJob), 1);
}

#[tokio::test(start_paused = true)]
async fn where_a_jobs_locators_stay_refused_the_job_is_replaced_and_its_window_comes_again() {
    let bench = Bench::in_process(leads());
    // The first job's second page, and once more when it is read from its beginning.
    bench.sim.faults().add(Fault::on(Route::Results).containing("MTAw").times(2).then(locator_refused()));
    let (log, metrics) = watched(bench.deliver()).await;
    let mut ids = bench.kafka.ids();
    assert_eq!(ids.len(), ROWS + 100, "the one page that had arrived came again, and no more");
    ids.dedup();
    assert_eq!(ids, bench.in_org());
    assert_eq!(bench.calls(Route::CreateJob), 2);
    bench.offsets.assert_none_too_far();
    says(&log, &["its window is read again"]);
    says(&metrics, &[REPEATED]);
}

#[tokio::test(start_paused = true)]
async fn locators_that_are_always_refused_end_the_work_in_the_orgs_words_and_no_row_is_passed_by() {
    let mut bench = Bench::in_process(leads());
    let always = Fault::on(Route::Results).containing("MTAw").always().then(locator_refused());
    let fault = bench.sim.faults().add(always);
    says(&bench.given_up(&[]).await, &["job 750", "INVALID_QUERY_LOCATOR: invalid query locator"]);
    assert_eq!(bench.calls(Route::CreateJob), 3, "twice replaced and then given up");
    bench.offsets.assert_none_too_far();
    let before = bench.kafka.ids();
    bench.sim.faults().remove(fault);
    bench.afresh();
    bench.deliver().await;
    let mut all = [before, bench.kafka.ids()].concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all, bench.in_org());
}

#[tokio::test]
async fn an_org_that_moves_to_another_host_in_the_middle_of_a_query_is_followed() {
    let old_answers = [
        ("401", Reply::error(401, "INVALID_SESSION_ID", "Session expired or invalid")),
        ("a redirect", Reply::empty(302).header("Location", "https://elsewhere.my.salesforce.com/")),
    ];
    for (name, old) in old_answers {
        for step in [Route::Query, Route::CreateJob, Route::JobInfo, Route::Results] {
            let bench = Bench::on_a_port(leads()).await;
            let elsewhere = bench.sim.serve("127.0.0.1:0").await.unwrap();
            let to = elsewhere.url();
            bench.sim.faults().add(Fault::on(step.clone()).then(Action::MoveOrg { to, old: old.clone() }));
            bench.deliver().await;
            bench.assert_exact(&format!("{name} at {step}"));
            assert_eq!(bench.calls(Route::Token), 2);
        }
    }
}

#[tokio::test]
async fn an_org_whose_old_host_is_gone_is_found_at_its_new_one_by_a_new_login() {
    let bench = Bench::on_a_port(leads()).await;
    let (old, new) =
        (bench.sim.serve("127.0.0.1:0").await.unwrap(), bench.sim.serve("127.0.0.1:0").await.unwrap());
    let refusal = Reply::error(401, "INVALID_SESSION_ID", "Session expired or invalid");
    bench.sim.move_to(&old.url(), refusal.clone());
    let page = bench.sim.hook(Route::Results, 1);
    let running = bench.run(&[]).await;
    running.until(page.arrived()).await;
    bench.sim.move_to(&new.url(), refusal);
    // The page on its way breaks off with its host.
    old.shutdown().await;
    drop(page);
    running.until(bench.offsets.windows(1)).await;
    running.stopped().await;
    bench.assert_exact("the old host is gone");
}

#[tokio::test(start_paused = true)]
async fn an_org_that_loses_every_job_is_asked_for_new_ones_more_and_more_rarely() {
    let bench = Bench::in_process(leads());
    let fault = bench.sim.faults().add(Fault::on(Route::CreateJob).always().then(Action::LoseJob));
    let begun = Instant::now();
    let eighth = bench.sim.hook(Route::CreateJob, 8);
    let running = bench.run(&[]).await;
    running.until(eighth.arrived()).await;
    assert!(begun.elapsed().as_secs() > 100, "eight of the day's jobs were used up in {:?}", begun.elapsed());
    let Phase::Retrying(reason) = running.phase() else { panic!("{:?}", running.phase()) };
    says(&reason, &["job 750", "the org does not know it"]);
    bench.sim.faults().remove(fault);
    drop(eighth);
    running.until(bench.offsets.windows(1)).await;
    running.stopped().await;
    bench.assert_exact("every job is lost");
}

/// Counts the calls that are made.
#[derive(Debug)]
struct Counted {
    inner: Arc<dyn HttpService>,
    calls: watch::Sender<u64>,
}

impl HttpService for Counted {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        self.calls.send_modify(|calls| *calls += 1);
        self.inner.call(request)
    }
}

#[tokio::test]
async fn an_org_that_cannot_be_reached_at_the_start_is_waited_for() {
    let mut bench = Bench::on_a_port(leads()).await;
    let address = bench.url.trim_start_matches("http://").to_owned();
    bench.close_port().await;
    let calls = watch::Sender::new(0);
    bench.http = Arc::new(Counted { inner: Arc::clone(&bench.http), calls: calls.clone() });
    let running = bench.run(&[("request.max.retries.time.ms", "1000")]).await;
    // Within a second there is time for three attempts: at the seventh at least one round was given up.
    running.until(async { calls.subscribe().wait_for(|made| *made >= 7).await.map(drop) }).await.unwrap();
    let Phase::Retrying(reason) = running.phase() else { panic!("{:?}", running.phase()) };
    says(&reason, &["no connection", &address]);
    let _back = bench.sim.serve(&*address).await.unwrap();
    running.until(bench.offsets.windows(1)).await;
    running.stopped().await;
    bench.assert_exact("no connection at the start");
}
