//! The org without a socket.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use sf_sim::clock::Clock;
use sf_sim::fault::{Action, Fault, Framing, Route};
use sf_sim::{Body, Sim};
use tower_service::Service;

use crate::support::{NOW, Org, V};

async fn call(sim: &Sim, path: &str) -> Response<Body> {
    call_at(sim, "http://org.example", path).await
}

async fn call_at(sim: &Sim, host: &str, path: &str) -> Response<Body> {
    let request = Request::get(format!("{host}{path}"))
        .header("Authorization", format!("Bearer {}", sim.access_token()))
        .body(Full::new(Bytes::new()))
        .unwrap();
    sim.router().call(request).await.unwrap()
}

fn without_cookie(mut headers: HeaderMap) -> Vec<(String, String)> {
    headers.remove("set-cookie");
    let mut all: Vec<_> =
        headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    all.sort();
    all
}

#[tokio::test]
async fn answers_are_the_same_in_process_and_over_a_socket() {
    let sim = Sim::builder().clock(Clock::fixed(NOW)).build().unwrap();
    let org = Org::new().await;
    org.sim.insert("Account", &serde_json::json!({ "Name": "x" })).unwrap();
    sim.insert("Account", &serde_json::json!({ "Name": "x" })).unwrap();
    let id = org.job("SELECT Id, Name FROM Account").await;
    let request = Request::post(format!("http://org.example{V}/jobs/query"))
        .header("Authorization", format!("Bearer {}", sim.access_token()))
        .header("Content-Type", "application/json")
        .body(Full::new(Bytes::from(r#"{"operation":"query","query":"SELECT Id, Name FROM Account"}"#)))
        .unwrap();
    assert_eq!(sim.router().call(request).await.unwrap().status(), 200);
    for path in [
        format!("{V}/jobs/query/{id}"),
        format!("{V}/jobs/query/{id}/results"),
        format!("{V}/sobjects/Account/describe"),
        format!("{V}/nonsense"),
        format!("{V}/query?q=SELECT+Name+FROM+Account"),
    ] {
        let (here, there) = (call_at(&sim, &org.server.url(), &path).await, org.get(&path).await);
        assert_eq!(here.status(), there.status());
        assert_eq!(without_cookie(here.headers().clone()), without_cookie(there.headers().clone()), "{path}");
        let here = here.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(here, there.bytes().await.unwrap(), "{path}");
    }
}

#[tokio::test]
async fn a_broken_connection_is_a_body_that_fails() {
    let sim = Sim::builder().build().unwrap();
    for action in
        [Action::ResetBefore, Action::ResetAfter, Action::cut(3), Action::cut_framed(3, Framing::Chunked)]
    {
        sim.faults().add(Fault::on(Route::Limits).then(action.clone()));
        let answer = call(&sim, &format!("{V}/limits")).await;
        assert!(answer.into_body().collect().await.is_err(), "{action:?}");
        let answer = call(&sim, &format!("{V}/limits")).await;
        assert!(answer.into_body().collect().await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_delay_passes_in_paused_time() {
    let sim = Sim::builder().build().unwrap();
    let hour = std::time::Duration::from_secs(3_600);
    sim.faults().add(Fault::on(Route::Limits).then(Action::Delay(hour)));
    let begun = tokio::time::Instant::now();
    assert_eq!(call(&sim, &format!("{V}/limits")).await.status(), 200);
    assert_eq!(begun.elapsed().as_secs(), 3_600);
}
