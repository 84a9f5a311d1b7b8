//! Reading rows allocates nothing once the buffers have grown, and a load from disk little: counted by an
//! allocator, so in a binary of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

#[path = "../it/support/mod.rs"]
#[allow(dead_code, reason = "shared with the other test binary, which uses all of it")]
mod support;
mod upload;

use sf_bulk2::{Position, QueryJob};
use support::{Answer, JOB, Script, schema};

#[test]
fn rows_after_the_first_hundred_cost_no_allocation() {
    let mut page = Answer::page(0, 20_000, None);
    page.piece = 1 << 22; // one piece: only rows are looked at, not what the network allocates
    let script = Script::new([page]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let job = QueryJob::attach(&script.client(), JOB.parse().unwrap(), "65.0".parse().unwrap());
        let mut pages = job.pages(Position::START);
        pages.next_page().await.unwrap();
        let mut row = pages.record(&schema()).unwrap();
        for _ in 0..100 {
            assert!(pages.next_row(&mut row).await.unwrap());
        }
        let counted = allocation_counter::measure(|| {
            futures_util::FutureExt::now_or_never(async {
                for _ in 0..19_000 {
                    assert!(pages.next_row(&mut row).await.unwrap());
                }
            })
            .expect("everything is in memory");
        });
        assert_eq!(counted.count_total, 0);
        assert_eq!(row.cell(0), Some("19099"), "the rows were really read");
    });
}
