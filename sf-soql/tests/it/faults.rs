//! Queries and describes of an emulated org over real sockets, with every fault on the way.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};
use sf_core::Client;
use sf_core::auth::{Token, TokenProvider};
use sf_core::http::ReqwestService;
use sf_core::retry::RetryPolicy;
use sf_sim::Sim;
use sf_sim::fault::{Action, Fault, Framing, Reply, Route};
use sf_soql::{DescribeCache, ErrorKind, Query, Result};

const ROWS: u64 = 500;

/// Logs in to wherever the org is: a token that was refused is replaced by one of the last address.
#[derive(Debug)]
struct Tokens {
    sim: Sim,
    current: Mutex<(String, String)>,
    moved_to: Mutex<Option<String>>,
}

impl TokenProvider for Tokens {
    fn token(&self) -> BoxFuture<'_, sf_core::Result<Arc<Token>>> {
        let (token, at) = self.current.lock().unwrap().clone();
        Box::pin(async move { Token::new(token, at.parse().unwrap()).map(Arc::new) })
    }

    fn invalidate(&self, _: &Token) {
        let mut current = self.current.lock().unwrap();
        current.0 = self.sim.access_token();
        if let Some(at) = self.moved_to.lock().unwrap().clone() {
            current.1 = at;
        }
    }
}

struct Org {
    sim: Sim,
    client: Client,
    tokens: Arc<Tokens>,
    _server: sf_sim::Server,
}

async fn org() -> Org {
    reached(Sim::builder().generate("Account", ROWS).seed(11).build().unwrap()).await
}

async fn reached(sim: Sim) -> Org {
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let http = ReqwestService::builder().idle_timeout(Duration::from_millis(500)).build().unwrap();
    let tokens = Arc::new(Tokens {
        sim: sim.clone(),
        current: Mutex::new((sim.access_token(), server.url())),
        moved_to: Mutex::default(),
    });
    let client = Client::builder(Arc::clone(&tokens))
        .http(Arc::new(http))
        .retry(RetryPolicy::default().with_initial_backoff(Duration::from_millis(2)))
        .build()
        .unwrap();
    Org { sim, client, tokens, _server: server }
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Account {
    id: String,
    name: String,
}

/// Three pages of rows.
fn query() -> Query {
    Query::new("SELECT Id, Name, Description FROM Account").batch_size(200)
}

async fn read(client: &Client) -> Result<Vec<Account>> {
    query().rows(client).all().await
}

/// What passes: the call is repeated, or made with another token.
fn passing() -> Vec<(&'static str, Action)> {
    vec![
        ("401", Action::ExpireSession),
        ("429", Action::too_many_requests(0)),
        ("403 for calls at once", Action::concurrent_limit()),
        ("500", Action::server_error()),
        ("502 HTML", Action::Reply(Reply::html(502, "Bad Gateway"))),
        ("503 HTML", Action::unavailable()),
        (
            "no headers",
            Action::without_headers(["Content-Type", "Date", "Last-Modified", "Sforce-Limit-Info"]),
        ),
        ("reset before", Action::ResetBefore),
        ("reset after", Action::ResetAfter),
        ("cut", Action::cut(40)),
        ("cut chunked", Action::cut_framed(40, Framing::Chunked)),
        ("cut by close", Action::cut_framed(40, Framing::Close)),
        ("stalled", Action::stall(40)),
        ("broken gzip", Action::BrokenGzip { after: 30 }),
    ]
}

#[tokio::test]
async fn every_passing_fault_at_every_page_leaves_the_rows_complete_and_single() {
    let calm = read(&org().await.client).await.unwrap();
    assert_eq!(calm.len() as u64, ROWS);
    assert_eq!(calm.iter().map(|row| &row.id).collect::<BTreeSet<_>>().len() as u64, ROWS);
    for (route, nth) in [(Route::Query, 1), (Route::QueryPage, 1), (Route::QueryPage, 2)] {
        for (name, action) in passing() {
            let org = org().await;
            let fault = org.sim.faults().add(Fault::on(route.clone()).nth(nth).then(action));
            let rows = read(&org.client).await.unwrap_or_else(|e| panic!("{name} at {route:?} {nth}: {e:?}"));
            assert!(rows == calm, "{name} at {route:?} {nth}: {} rows", rows.len());
            assert_eq!(org.sim.faults().count(fault), 1, "{name} at {route:?} {nth}");
        }
    }
}

#[tokio::test]
async fn every_passing_fault_at_a_page_of_children_leaves_them_complete_and_single() {
    for (name, action) in passing() {
        let sim = Sim::builder().build().unwrap();
        let account = sim.insert("Account", &json!({ "Name": "Large" })).unwrap().text18();
        for n in 0..450 {
            let contact = json!({ "LastName": format!("n{n:03}"), "AccountId": account });
            sim.insert("Contact", &contact).unwrap();
        }
        let org = reached(sim).await;
        let fault = org.sim.faults().add(Fault::on(Route::QueryPage).nth(1).then(action));
        let query = Query::new("SELECT (SELECT LastName FROM Contacts) FROM Account").batch_size(200);
        let all: Vec<Value> = query.rows(&org.client).all().await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let contacts = all[0]["Contacts"]["records"].as_array().unwrap();
        let names: BTreeSet<_> = contacts.iter().map(|c| c["LastName"].as_str().unwrap()).collect();
        assert_eq!((contacts.len(), names.len()), (450, 450), "{name}");
        assert_eq!(org.sim.faults().count(fault), 1, "{name}");
    }
}

#[tokio::test]
async fn every_passing_fault_at_a_describe_is_got_over() {
    for (name, action) in passing() {
        let org = org().await;
        let cache = DescribeCache::new(org.client.clone(), Duration::from_secs(60));
        let fault = org.sim.faults().add(Fault::on(Route::Describe).then(action));
        let describe = cache.object("Account").await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert!(describe.field("Name").is_some());
        assert_eq!(org.sim.faults().count(fault), 1, "{name}");
    }
}

#[tokio::test]
async fn a_used_up_day_is_told_at_once_and_not_tried_again() {
    let limit = Action::error(400, "LIMIT_EXCEEDED", "Max queries per 24 hrs has been reached");
    for (route, action) in [
        (Route::Query, Action::daily_limit()),
        (Route::QueryPage, Action::daily_limit()),
        (Route::Query, limit.clone()),
        (Route::QueryPage, limit),
    ] {
        let org = org().await;
        org.sim.faults().add(Fault::on(route.clone()).always().then(action));
        let error = read(&org.client).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Org);
        assert!(error.org().unwrap().is_daily_limit(), "{error:?}");
        assert_eq!(org.sim.journal().count(&route), 1);
    }
}

#[tokio::test]
async fn an_org_that_does_not_come_back_is_an_error_that_names_the_rows_so_far() {
    let org = org().await;
    org.sim.faults().add(Fault::on(Route::QueryPage).nth(2).always().then(Action::unavailable()));
    let mut rows = query().rows::<Account>(&org.client);
    for _ in 0..400 {
        rows.next_row().await.unwrap().unwrap();
    }
    let error = rows.next_row().await.unwrap_err();
    assert_eq!(error.to_string(), "the query failed after 400 rows");
    assert_eq!(error.org().unwrap().status(), Some(503));
}

#[tokio::test]
async fn a_cursor_that_the_org_has_given_up_is_told_as_such() {
    let org = org().await;
    let mut pages = query().prefetch(1).pages(&org.client);
    pages.next_page().await.unwrap().unwrap();
    // The second page may be on its way already; the third is not asked for before the second is taken.
    org.sim.clock().advance(Duration::from_secs(3 * 24 * 3600));
    let mut last = pages.next_page().await;
    if last.is_ok() {
        last = pages.next_page().await;
    }
    assert_eq!(last.unwrap_err().kind(), ErrorKind::CursorExpired);
}

#[tokio::test]
async fn an_org_that_moves_in_mid_query_is_followed() {
    let calm = read(&org().await.client).await.unwrap();
    let org = org().await;
    let elsewhere = org.sim.serve("127.0.0.1:0").await.unwrap();
    let mut rows = query().prefetch(1).rows::<Account>(&org.client);
    let first = rows.next_row().await.unwrap().unwrap();
    *org.tokens.moved_to.lock().unwrap() = Some(elsewhere.url());
    org.sim.move_to(&elsewhere.url(), Reply::error(401, "INVALID_SESSION_ID", "Session expired or invalid"));
    let mut all = vec![first];
    all.extend(rows.all().await.unwrap());
    assert!(all == calm);
    let token = org.tokens.current.lock().unwrap().1.clone();
    assert_eq!(token, elsewhere.url());
}

#[tokio::test]
async fn refusals_of_an_emulated_org_have_their_kinds() {
    let org = org().await;
    for (soql, kind) in [
        ("SELECT Zzz FROM Account", ErrorKind::UnknownField),
        ("SELECT Id FROM Zzz", ErrorKind::UnknownObject),
        ("SELEKT Id FROM Account", ErrorKind::InvalidQuery),
    ] {
        let error = Query::new(soql).rows::<Account>(&org.client).next_row().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
    }
    assert_eq!(Query::new("SELECT COUNT() FROM Account").count(&org.client).await.unwrap(), ROWS);
}
