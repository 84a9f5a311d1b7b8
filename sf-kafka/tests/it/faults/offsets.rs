//! Offsets that an earlier process, another connector or nobody knows who left behind.

use serde_json::{Value, json};
use sf_kafka::runtime::Phase;
use sf_sim::fault::{Action, Fault, Route};
use sf_sim::value::parse_datetime;

use super::outages::watched;
use super::support::{Bench, leads, says};

const REPEATED: &str = "sf_kafka_source_windows_repeated_total";

/// Ids of the leads that were changed at this time or later, sorted.
fn changed_since(bench: &Bench, time: &str) -> Vec<String> {
    since(bench, "SystemModstamp", time)
}

fn since(bench: &Bench, field: &str, time: &str) -> Vec<String> {
    let since = parse_datetime(time).unwrap();
    let mut ids: Vec<String> = bench.sim.read(|store| {
        let leads = store.table("Lead").unwrap();
        let (stamp, _) = leads.def().field(field).unwrap();
        let changed = |cell: Value| parse_datetime(cell.as_str().unwrap()).unwrap() >= since;
        leads.rows().filter(|row| changed(row.get(stamp).to_json())).map(|row| row.id().text18()).collect()
    });
    ids.sort_unstable();
    ids
}

const LAST_READ: &str = "2025-12-24T18:00:00Z";

#[tokio::test(start_paused = true)]
async fn the_idle_offset_of_confluents_connector_is_gone_on_from() {
    let bench = Bench::in_process(leads());
    let left = json!({ "jobId": "7505i00000Ug2TKAAZ", "locator": "null", "time": LAST_READ });
    bench.offsets.left_behind(left).await;
    let (log, metrics) = watched(bench.deliver()).await;
    let expected = changed_since(&bench, LAST_READ);
    assert!(!expected.is_empty() && expected.len() < bench.in_org().len());
    assert_eq!(bench.kafka.ids(), expected);
    assert!(!log.contains("read again"), "{log}");
    assert!(!metrics.contains(&format!("{REPEATED}{{connector=\"faults\",table=\"Lead\"}} 1")), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn an_offset_in_flight_that_cannot_be_resumed_makes_its_window_be_read_again_and_says_so() {
    let end = "2026-05-04T09:00:00Z";
    for (left, why) in [
        // As another connector writes it: nothing tells where its window ends.
        (
            json!({ "jobId": "7505i00000Ug2TKAAZ", "locator": "MTAw", "time": LAST_READ }),
            "the offset does not say where its window ends",
        ),
        (
            json!({ "jobId": "7505i00000Ug2TKAAZ", "locator": "MTAw", "time": LAST_READ, "end": end,
                    "apiVersion": "65.0", "query": "0123456789abcdef" }),
            "the object or its configuration has changed since",
        ),
    ] {
        let bench = Bench::in_process(leads());
        bench.offsets.left_behind(left).await;
        let (log, metrics) = watched(bench.deliver()).await;
        assert_eq!(bench.kafka.ids(), changed_since(&bench, LAST_READ), "{why}");
        says(&log, &["the job of the stored offset cannot be resumed", why]);
        says(&metrics, &[&format!("{REPEATED}{{connector=\"faults\",table=\"Lead\"}} 1")]);
        assert_eq!(bench.calls(Route::JobInfo), 1, "the job of somebody else was asked for");
    }
}

#[tokio::test(start_paused = true)]
async fn an_offset_whose_job_the_org_does_not_know_makes_its_window_be_read_again() {
    let bench = Bench::in_process(leads());
    let page = bench.sim.hook(Route::Results, 2);
    let running = bench.run(&[]).await;
    running.until(page.arrived()).await;
    running.stopped().await;
    drop(page);
    let mut left = bench.offsets.now().await.unwrap();
    assert_eq!(left["locator"], "MTAw");
    left["jobId"] = "7505i00000Ug2TKAAZ".into();

    let bench = Bench::in_process(leads());
    bench.offsets.left_behind(left).await;
    let (log, _) = watched(bench.deliver()).await;
    bench.assert_exact("a job of another org");
    says(&log, &["its window is read again", "7505i00000Ug2TKAAZ"]);
}

#[tokio::test(start_paused = true)]
async fn a_first_window_that_is_read_again_is_still_bound_by_the_day_of_creation() {
    let bench = Bench::in_process(leads());
    bench.sim.faults().add(Fault::on(Route::Results).nth(2).then(Action::LoseJob));
    bench.deliver_with(&[("salesforce.object1.since", "2025-09-01")]).await;
    let mut ids = bench.kafka.ids();
    assert_eq!(bench.calls(Route::CreateJob), 2);
    ids.dedup();
    let created = since(&bench, "CreatedDate", "2025-09-01T00:00:00Z");
    assert_eq!(ids, created);
    assert!(changed_since(&bench, "2025-09-01T00:00:00Z").len() > created.len());
}

#[tokio::test(start_paused = true)]
async fn an_offset_that_is_not_understood_is_named_and_left_as_it_is() {
    for (left, what) in [
        (json!({ "position": 42 }), "time is missing"),
        (json!({ "jobId": "7505i00000Ug2TKAAZ", "locator": "null" }), "time is missing"),
        (json!({ "time": "yesterday", "locator": "null" }), "time is \"yesterday\""),
        (json!({ "time": 1_712_676_765_000_u64 }), "time is 1712676765000"),
        (json!({ "time": LAST_READ, "locator": 7 }), "locator is 7"),
        (json!({ "time": LAST_READ, "locator": "MTAw", "end": "later" }), "end is \"later\""),
    ] {
        let bench = Bench::in_process(leads());
        bench.offsets.left_behind(left.clone()).await;
        let reason = bench.given_up(&[]).await;
        says(&reason, &["the offset is not understood", what, "connector faults", r#"{"table":"Lead"}"#]);
        assert_eq!(bench.offsets.now().await, Some(left), "it was overwritten");
        assert_eq!(bench.calls(Route::CreateJob), 0);
        assert!(bench.kafka.ids().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_offset_ahead_of_the_orgs_clock_waits_until_the_org_is_there() {
    let bench = Bench::in_process(leads());
    let left = json!({ "locator": "null", "time": "2026-05-04T10:00:00Z" });
    bench.offsets.left_behind(left.clone()).await;
    let running = bench.run(&[]).await;
    let third = bench.sim.hook(Route::Query, 3);
    running.until(third.arrived()).await;
    assert_eq!(running.phase(), Phase::Idle);
    assert_eq!(bench.offsets.now().await, Some(left));
    drop(third);
    running.stopped().await;
    assert_eq!(bench.calls(Route::CreateJob), 0);
}
