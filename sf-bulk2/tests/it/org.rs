//! Against an emulated org over real sockets: every fault of the way, and the same rows at the end.

use std::collections::BTreeSet;
use std::time::Duration;

use sf_bulk2::{ErrorKind, Position, Query, Result};
use sf_core::Client;
use sf_core::auth::{Token, TokenProvider};
use sf_core::http::ReqwestService;
use sf_core::poll::PollPolicy;
use sf_core::retry::RetryPolicy;
use sf_sim::Sim;
use sf_sim::fault::{Action, Fault, Framing, Route};

const ROWS: u64 = 500;

/// Gives the org's own valid token each time it is asked.
#[derive(Debug)]
struct Tokens(Sim, String);

impl TokenProvider for Tokens {
    fn token(&self) -> futures_util::future::BoxFuture<'_, sf_core::Result<std::sync::Arc<Token>>> {
        Box::pin(async {
            Token::new(self.0.access_token(), self.1.parse().unwrap()).map(std::sync::Arc::new)
        })
    }

    fn invalidate(&self, _: &Token) {}
}

pub(crate) struct Org {
    pub(crate) sim: Sim,
    pub(crate) client: Client,
    _server: sf_sim::Server,
}

pub(crate) async fn org() -> Org {
    let sim = Sim::builder().generate("Account", ROWS).seed(11).build().unwrap();
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let http = ReqwestService::builder().idle_timeout(Duration::from_millis(500)).build().unwrap();
    let client = Client::builder(Tokens(sim.clone(), server.url().to_owned()))
        .http(std::sync::Arc::new(http))
        .retry(RetryPolicy::default().with_initial_backoff(Duration::from_millis(2)))
        .build()
        .unwrap();
    Org { sim, client, _server: server }
}

pub(crate) const FAST: PollPolicy = PollPolicy {
    initial: Duration::from_millis(2),
    max: Duration::from_millis(20),
    deadline: Some(Duration::from_secs(20)),
};

/// Ids and names of all accounts, by a job whose pages have a hundred rows each.
async fn read(client: &Client) -> Result<Vec<(String, String)>> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Account {
        id: String,
        name: String,
    }
    let job = Query::new("SELECT Id, Name, Description FROM Account").create(client).await?;
    let info = job.wait(&FAST).await?;
    let pages = job.pages(Position::START).max_records(100).expect_total(info.number_records_processed);
    let mut rows = pages.rows::<Account>();
    let mut all = Vec::new();
    while let Some(row) = rows.next_row().await? {
        all.push((row.id, row.name));
    }
    Ok(all)
}

#[tokio::test]
async fn a_whole_result_is_read_page_by_page() {
    let org = org().await;
    let rows = read(&org.client).await.unwrap();
    assert_eq!(rows.len() as u64, ROWS);
    assert_eq!(rows.iter().map(|r| &r.0).collect::<BTreeSet<_>>().len() as u64, ROWS);
}

#[tokio::test]
async fn every_passing_fault_at_every_step_leaves_the_rows_complete_and_single() {
    let calm = read(&org().await.client).await.unwrap();
    let steps = [Route::CreateJob, Route::JobInfo, Route::Results];
    let faults = [
        ("500", Action::server_error()),
        ("503 HTML", Action::unavailable()),
        ("concurrent limit", Action::concurrent_limit()),
        ("expired session", Action::ExpireSession),
        ("reset before", Action::ResetBefore),
        ("reset after", Action::ResetAfter),
        ("cut", Action::cut(40)),
        ("cut chunked", Action::cut_framed(40, Framing::Chunked)),
        ("cut by close", Action::cut_framed(40, Framing::Close)),
        ("stalled", Action::stall(40)),
        ("broken gzip", Action::BrokenGzip { after: 30 }),
    ];
    for step in steps {
        for (name, action) in &faults {
            let org = org().await;
            // A token that is refused twice in a row is an error; everything else may happen again.
            let times = if *action == Action::ExpireSession { 1 } else { 2 };
            org.sim.faults().add(Fault::on(step.clone()).times(times).then(action.clone()));
            let rows = read(&org.client).await.unwrap_or_else(|e| panic!("{name} at {step:?}: {e:?}"));
            assert!(rows == calm, "{name} at {step:?}: {} rows", rows.len());
        }
    }
}

#[tokio::test]
async fn a_late_page_cut_inside_a_quoted_cell_loses_nothing() {
    let calm = read(&org().await.client).await.unwrap();
    for framing in [Framing::Length, Framing::Chunked, Framing::Close] {
        for after in [3_001, 7_777] {
            let org = org().await;
            org.sim.faults().add(Fault::on(Route::Results).nth(3).then(Action::cut_framed(after, framing)));
            assert!(read(&org.client).await.unwrap() == calm, "cut after {after}, {framing:?}");
        }
    }
}

#[tokio::test]
async fn a_failed_job_says_why_in_the_orgs_words() {
    let org = org().await;
    let why = "InvalidBatch : Failed to process query: INVALID_FIELD: No such column";
    org.sim.faults().add(Fault::on(Route::JobInfo).then(Action::fail_job(why)));
    let error = read(&org.client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobFailed);
    assert!(error.to_string().contains(why), "{error}");
    assert!(error.job().is_some());
}

#[tokio::test]
async fn a_deadline_leaves_the_job_alone_and_it_can_be_resumed() {
    let org = org().await;
    org.sim.faults().add(Fault::on(Route::JobInfo).then(Action::SlowJob { polls: Some(50) }));
    let job = Query::new("SELECT Id FROM Account").create(&org.client).await.unwrap();
    let short = PollPolicy { deadline: Some(Duration::from_millis(10)), ..FAST };
    let error = job.wait(&short).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    let methods: BTreeSet<_> = org.sim.journal().requests().iter().map(|r| r.method.clone()).collect();
    assert!(!methods.contains("DELETE") && !methods.contains("PATCH"), "{methods:?}");

    let again = sf_bulk2::QueryJob::attach(&org.client, error.job().unwrap(), job.api_version());
    let info = again.wait(&FAST).await.unwrap();
    assert_eq!(info.number_records_processed, Some(ROWS));
}

#[tokio::test]
async fn a_daily_limit_is_told_apart_and_not_retried() {
    let org = org().await;
    org.sim.set_limit("DailyBulkV2QueryJobs", 0);
    let error = read(&org.client).await.unwrap_err();
    assert!(error.is_daily_limit(), "{error:?}");
    let created = org.sim.journal().requests().iter().filter(|r| r.method == "POST").count();
    assert_eq!(created, 1);
}

#[tokio::test]
async fn a_query_that_the_org_refuses_says_so_with_its_code() {
    let org = org().await;
    let error = Query::new("SELECT Nope FROM Account").create(&org.client).await.unwrap_err();
    assert_eq!(error.api_error().and_then(sf_core::Error::error_code), Some("INVALID_FIELD"));
}

#[tokio::test]
async fn abort_and_delete_do_what_they_say() {
    let org = org().await;
    org.sim.faults().add(Fault::on(Route::JobInfo).then(Action::SlowJob { polls: Some(50) }));
    let job = Query::new("SELECT Id FROM Account").create(&org.client).await.unwrap();
    job.info().await.unwrap();
    job.abort().await.unwrap();
    assert_eq!(job.wait(&FAST).await.unwrap_err().kind(), ErrorKind::JobAborted);
    job.delete().await.unwrap();
    assert_eq!(job.info().await.unwrap_err().kind(), ErrorKind::JobGone);
    job.delete().await.unwrap();
}
