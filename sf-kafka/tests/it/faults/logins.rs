//! Logins that are refused, and tokens that end.

use std::sync::OnceLock;
use std::time::Duration;

use rcgen::{KeyPair, PKCS_RSA_SHA256};
use sf_kafka::check::forecast;
use sf_sim::Sim;
use sf_sim::clock::Clock;
use sf_sim::fault::{Action, Fault, Reply, Route};

use super::support::{Bench, TWO_TABLES, leads, says};

/// One RSA key for all tests: making one takes a moment.
fn key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap())
}

/// An org whose clock shows the time, as a JWT needs it, and differs by so many seconds.
fn org_off_by(seconds: i64) -> Sim {
    let clock = Clock::system();
    clock.set(clock.now_ms() + 1000 * seconds);
    Sim::builder().jwt_key(key().public_key_pem()).clock(clock).build().unwrap()
}

fn jwt<'a>(user: &'a str, key: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("salesforce.grant.type", "JWT_BEARER"),
        ("salesforce.username", user),
        ("salesforce.jwt.private.key", key),
    ]
}

fn password<'a>(user: &'a str, word: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("salesforce.grant.type", "PASSWORD"),
        ("salesforce.username", user),
        ("salesforce.password", word),
        ("salesforce.password.token", "simtoken"),
    ]
}

/// A refused login is final: one try, nothing else asked, nothing stored, and a text for people.
async fn refused(sim: Sim, settings: &[(&str, &str)], texts: &[&str]) {
    let bench = Bench::in_process(sim);
    let reason = bench.given_up(settings).await;
    says(&reason, texts);
    assert_eq!(bench.calls(Route::Token), 1, "a password tried again and again locks its user out");
    assert_eq!(bench.sim.journal().requests().len(), 1);
    assert!(bench.offsets.history().is_empty());

    let error = forecast(&bench.config(settings), bench.http.clone()).await.unwrap_err();
    says(&format!("{:?}", anyhow(&error)), &texts[..1]);
}

/// An error with its causes.
fn anyhow(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(Some(error), |e| e.source()).map(ToString::to_string).collect()
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_tried_once_and_the_way_to_the_right_one_is_told() {
    let secret = "not-the-secret-of-the-app";
    let settings = [("salesforce.consumer.secret", secret)];
    refused(leads(), &settings, &["invalid_client", "http://localhost", "Copy the consumer secret"]).await;
    let bench = Bench::in_process(leads());
    assert!(!bench.given_up(&settings).await.contains(secret), "the secret is in the text");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_consumer_key_is_told_apart_from_a_wrong_secret() {
    let settings = [("salesforce.consumer.key", "3MVG9.unknown")];
    refused(leads(), &settings, &["invalid_client_id", "Copy the consumer key"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_user_or_a_wrong_password_is_given_up_with_what_to_check() {
    for settings in
        [password("nobody@sim.example", "sim-password"), password("integration@sim.example", "wrong")]
    {
        refused(
            leads(),
            &settings,
            &["authentication failure", "Check user name, password and security token"],
        )
        .await;
    }
    let pem = key().serialize_pem();
    let unknown = jwt("nobody@sim.example", &pem);
    refused(org_off_by(0), &unknown, &["user hasn't approved this consumer", "user name is one of this org"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_named_where_a_jwt_is_refused_for_it() {
    let pem = key().serialize_pem();
    let settings = jwt("integration@sim.example", &pem);
    for (off_by, words) in [(900, "seconds behind the org's"), (-900, "seconds ahead of the org's")] {
        refused(org_off_by(off_by), &settings, &["invalid_grant", "This machine's clock is", words]).await;
    }
    let bench = Bench::in_process(org_off_by(0));
    let running = bench.run(&settings).await;
    // An org without rows: the first poll comes to its end, so the login went well.
    let polled = bench.sim.hook(Route::Query, 1);
    running.until(polled.arrived()).await;
    drop(polled);
    running.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_before_any_step_is_renewed_and_no_row_is_lost_or_repeated() {
    for (step, nth) in [
        (Route::Describe, 1),
        (Route::Query, 1),
        (Route::CreateJob, 1),
        (Route::JobInfo, 1),
        (Route::Results, 1),
        (Route::Results, 2),
        (Route::Results, 3),
    ] {
        let bench = Bench::in_process(leads());
        bench.sim.faults().add(Fault::on(step.clone()).nth(nth).then(Action::ExpireSession));
        bench.deliver().await;
        bench.assert_exact(&format!("{step} {nth}"));
        assert_eq!(bench.calls(Route::Token), 2, "{step} {nth}");
        assert_eq!(bench.calls(Route::CreateJob), if step == Route::CreateJob { 2 } else { 1 }, "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_that_end_as_they_begin_are_renewed_until_they_live_longer() {
    let bench = Bench::in_process(leads());
    bench.sim.set_session_life(Duration::ZERO);
    // A session that has ended when it begins is refused twice in a row: that is an error, and passes.
    let running = bench.run(&[]).await;
    let renewals = bench.sim.hook(Route::Token, 6);
    running.until(renewals.arrived()).await;
    assert!(matches!(running.phase(), sf_kafka::runtime::Phase::Retrying(_)), "{:?}", running.phase());
    bench.sim.set_session_life(Duration::from_secs(7200));
    drop(renewals);
    running.until(bench.offsets.windows(1)).await;
    running.stopped().await;
    bench.assert_exact("short sessions");
}

#[tokio::test(start_paused = true)]
async fn a_login_host_in_maintenance_is_waited_for_however_long() {
    let bench = Bench::in_process(leads());
    let away = bench.sim.faults().add(Fault::on(Route::Token).times(40).then(Action::unavailable()));
    bench.deliver().await;
    bench.assert_exact("503 at the login");
    assert_eq!(bench.sim.faults().count(away), 40);
}

#[tokio::test(start_paused = true)]
async fn too_many_logins_are_waited_for() {
    let bench = Bench::in_process(leads());
    let said = r#"{"error":"invalid_grant","error_description":"login rate exceeded"}"#;
    let reply = Reply { body: said.to_owned(), ..Reply::error(400, "", "") };
    bench.sim.faults().add(Fault::on(Route::Token).times(3).then(Action::Reply(reply)));
    bench.deliver().await;
    bench.assert_exact("login rate exceeded");
}

#[tokio::test(start_paused = true)]
async fn a_login_refused_in_the_middle_ends_the_work_at_what_was_delivered_and_goes_on_from_there() {
    let mut bench = Bench::in_process(leads());
    bench.sim.faults().add(Fault::on(Route::Results).nth(2).then(Action::ExpireSession));
    let said = r#"{"error":"invalid_client","error_description":"invalid client credentials"}"#;
    let reply = Reply { body: said.to_owned(), ..Reply::error(400, "", "") };
    bench.sim.faults().add(Fault::on(Route::Token).nth(2).then(Action::Reply(reply)));
    says(&bench.given_up(&[]).await, &["invalid_client", "Copy the consumer secret"]);
    assert_eq!(bench.kafka.ids().len(), 100);
    bench.offsets.assert_none_too_far();
    let first = bench.kafka.ids();

    // The secret was put right and the connector started again.
    bench.afresh();
    bench.deliver().await;
    let mut all = [first, bench.kafka.ids()].concat();
    all.sort_unstable();
    assert_eq!(all, bench.in_org());
    assert_eq!(bench.calls(Route::CreateJob), 1, "the job of the first process was read to its end");
}

/// Runs a connector into a login that is refused for its second table while the first one waits for an answer
/// for longer than a refusal is remembered.
async fn refused_elsewhere(held: Route, nth: u64) {
    let bench = Bench::in_process(leads());
    let held = bench.sim.hook_before(held, nth);
    let running = bench.run(&TWO_TABLES).await;
    running.until(held.arrived()).await;
    bench.sim.expire_sessions();
    let refusal = Action::oauth_error("invalid_grant", "authentication failure");
    bench.sim.faults().add(Fault::on(Route::Token).always().then(refusal));
    // Paused time: longer than a refusal is remembered.
    tokio::time::sleep(Duration::from_secs(180)).await;
    drop(held);
    says(&running.given_up().await, &["refused, as another of its tables says"]);
    assert_eq!(bench.calls(Route::Token), 2, "the refused login was tried again");
    bench.offsets.assert_none_too_far();
}

#[tokio::test(start_paused = true)]
async fn no_table_logs_in_again_after_the_login_of_another_was_refused_however_long_it_waited() {
    for (step, nth) in [(Route::CreateJob, 1), (Route::JobInfo, 1), (Route::Results, 1), (Route::Results, 3)]
    {
        refused_elsewhere(step, nth).await;
    }
}
