//! How much memory a page takes that is read side by side with others.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use sf_bulk2::{Position, QueryJob};
use sf_core::Client;
use sf_core::http::{Framing, HttpService, Response, TransportError};

use crate::support::{Always, JOB};

const MIB: usize = 1024 * 1024;

/// An org with one page of so many rows of a kilobyte, which it does not hold.
#[derive(Debug)]
struct OnePage(usize);

impl HttpService for OnePage {
    fn call(&self, _: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let row = Bytes::from(format!("\"{}\"\n", "x".repeat(1021)));
        let header = Bytes::from_static(b"\"Name\"\n");
        let pieces = std::iter::once(header).chain(std::iter::repeat_n(row, self.0)).map(Ok);
        let mut headers = http::HeaderMap::new();
        headers.insert("content-type", "text/csv".parse().unwrap());
        headers.insert("sforce-numberofrecords", self.0.into());
        headers.insert("sforce-locator", "null".parse().unwrap());
        let body = futures_util::stream::iter(pieces).boxed();
        let answer = Response { status: http::StatusCode::OK, headers, framing: Framing::Explicit, body };
        Box::pin(async move { Ok(answer) })
    }
}

/// The most bytes that are allocated at once while a page of so many kilobytes is taken.
fn peak(kilobytes: usize, memory: usize) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::builder(Always).http(Arc::new(OnePage(kilobytes))).build().unwrap();
    let counted = allocation_counter::measure(|| {
        runtime.block_on(async {
            let job = QueryJob::attach(&client, JOB.parse().unwrap(), "65.0".parse().unwrap());
            let pages = job.pages(Position::START).max_records(1_000_000);
            let mut pages = pages.parallel(1).page_memory(memory);
            let page = pages.next_page().await.unwrap().unwrap();
            assert_eq!(page.rows, kilobytes as u64);
        });
    });
    usize::try_from(counted.bytes_max).unwrap()
}

#[test]
fn a_page_takes_the_memory_that_it_is_given_and_never_more_than_it_has_bytes() {
    let small = peak(9 * 1024, 32 * MIB);
    assert!((9 * MIB..10 * MIB).contains(&small), "{small}");
    let large = peak(40 * 1024, 8 * MIB);
    assert!((8 * MIB..9 * MIB).contains(&large), "{large}");
}
