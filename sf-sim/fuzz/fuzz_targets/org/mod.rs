//! An emulated org that takes the calls of one input after the other.

use std::cell::RefCell;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use sf_sim::Sim;
use sf_sim::clock::Clock;
use tokio::runtime::Runtime;
use tower_service::Service;

/// Inputs of one org: what they wrote must not pile up.
const INPUTS: u32 = 500;

pub(crate) struct Org {
    sim: Sim,
    token: String,
    inputs: u32,
}

impl Org {
    fn new() -> Self {
        let sim =
            Sim::builder().clock(Clock::fixed(1_710_331_200_000)).journal_size(1).build().expect("an org");
        sim.set_limit("DailyApiRequests", u64::MAX);
        sim.set_limit("DailyBulkApiBatches", u64::MAX);
        Self { token: sim.access_token(), sim, inputs: 0 }
    }

    /// One call, to a path of an API version; the status and the body of its answer.
    pub(crate) async fn call(&self, method: Method, path: &str, kind: &[u8], body: Bytes) -> (u16, Bytes) {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://org.example/services/data/v66.0/{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", kind)
            .body(Full::new(body))
            .expect("a request");
        let answer = self.sim.router().call(request).await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.into_body().collect().await.expect("a whole body").to_bytes())
    }
}

thread_local! {
    static ORG: RefCell<Option<(Runtime, Org)>> = const { RefCell::new(None) };
}

/// Does with an org what an input asks for.
pub(crate) fn with_org(input: impl AsyncFnOnce(&Org)) {
    ORG.with_borrow_mut(|kept| {
        let (runtime, org) = kept.get_or_insert_with(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            (runtime.expect("a runtime"), Org::new())
        });
        org.inputs += 1;
        if org.inputs > INPUTS {
            *org = Org::new();
        }
        runtime.block_on(input(org));
    });
}
