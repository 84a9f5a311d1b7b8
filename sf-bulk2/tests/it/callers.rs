//! How callers read: in a hurry, with positions of their own, and into writers that behave in every way they may.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use sf_bulk2::{ErrorKind, Pages, Position, Query, QueryJob};
use sf_core::Client;
use sf_core::http::{HttpService, Response, TransportError};
use tokio::io::AsyncWrite;

use crate::org::{FAST, org as sim};
use crate::support::{Always, Answer, JOB, Script, schema};

type Row = BTreeMap<String, String>;

fn pages(client: &Client) -> Pages {
    QueryJob::attach(client, JOB.parse().unwrap(), "65.0".parse().unwrap()).pages(Position::START)
}

fn numbers(from: u64, to: u64) -> Vec<String> {
    (from..to).map(|i| i.to_string()).collect()
}

/// Gives no piece of a body at once.
#[derive(Debug)]
struct Slow(Script);

impl HttpService for Slow {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let answer = self.0.call(request);
        Box::pin(async move {
            let Response { status, headers, framing, body } = answer.await?;
            let body = body
                .then(|piece| async {
                    tokio::task::yield_now().await;
                    piece
                })
                .boxed();
            Ok(Response { status, headers, framing, body })
        })
    }
}

/// Pages whose answers come slowly, piece by piece.
fn slow_pages(answers: impl IntoIterator<Item = Answer>) -> Pages {
    pages(&Client::builder(Always).http(Arc::new(Slow(Script::new(answers)))).build().unwrap())
}

/// What comes of an operation that is given up, and begun again, whenever it is not ready.
macro_rules! impatiently {
    ($future:expr) => {
        loop {
            if let Some(done) = $future.now_or_never() {
                break done;
            }
        }
    };
}

#[tokio::test]
async fn whoever_gives_up_waiting_and_asks_again_gets_every_row_once() {
    let answers = || {
        let cut = Answer::page(3, 6, None).cut(40);
        [Answer::page(0, 3, Some("Mw")), cut, Answer::page(3, 6, None)]
    };
    let mut rows = slow_pages(answers()).rows::<Row>();
    let mut ids = Vec::new();
    // The pause before a page is opened again has to be waited for.
    while let Some(row) = impatiently!(rows.next_row()).unwrap() {
        ids.push(row["Id"].clone());
        if ids.len() == 4 {
            ids.extend(rows.stream().map_ok(|row| row["Id"].clone()).try_collect::<Vec<_>>().await.unwrap());
            break;
        }
    }
    assert_eq!(ids, numbers(0, 6));

    let mut pages = slow_pages([Answer::page(0, 3, Some("Mw")), Answer::page(3, 6, None)]);
    let mut ids = Vec::new();
    while let Some(head) = impatiently!(pages.next_page()).unwrap() {
        assert_eq!(head.rows, Some(3));
        let mut row = pages.record(&schema()).unwrap();
        while impatiently!(pages.next_row(&mut row)).unwrap() {
            ids.push(row.cell(0).unwrap().to_owned());
        }
    }
    assert_eq!(ids, numbers(0, 6));
}

#[tokio::test]
async fn rows_of_a_page_in_a_file_survive_that_nobody_waits_for_them() {
    let org = sim().await;
    let job = Query::new("SELECT Id, Name, Description FROM Account").create(&org.client).await.unwrap();
    job.wait(&FAST).await.unwrap();
    let mut pages = job.pages(Position::START).parallel(2).page_memory(0);
    let mut ids = BTreeSet::new();
    while let Some(page) = pages.next_page().await.unwrap() {
        let mut rows = page.rows::<Row>();
        while let Some(row) = match rows.next_row().now_or_never() {
            Some(row) => row.unwrap(),
            None => rows.next_row().await.unwrap(),
        } {
            assert!(ids.insert(row["Id"].clone()));
        }
    }
    assert_eq!(ids.len(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_behind_a_row_that_is_not_what_was_asked_for() {
    #[derive(Debug, serde::Deserialize)]
    struct Small {
        #[serde(rename = "Id")]
        id: i8,
    }
    let script = Script::new([Answer::page(126, 130, Some("Mw")), Answer::page(0, 2, None)]);
    let rows: Vec<_> = pages(&script.client()).rows::<Small>().stream().collect().await;
    let rows: Vec<_> = rows.into_iter().map(|row| row.map(|row| row.id).map_err(|e| e.kind())).collect();
    assert_eq!(rows, [Ok(126), Ok(127), Err(ErrorKind::Row), Err(ErrorKind::Row), Ok(0), Ok(1)]);

    // Any other error is the last.
    let script = Script::new([Answer::page(0, 1, Some("Mw"))]);
    let rows: Vec<_> = pages(&script.client()).rows::<Small>().stream().collect().await;
    assert_eq!((rows.len(), rows[1].as_ref().unwrap_err().kind()), (2, ErrorKind::Api));
}

/// Holds what it takes until it is flushed, one byte at a time and seldom at once, and fails then where it has to.
#[derive(Default)]
struct Lazy {
    held: Vec<u8>,
    out: Vec<u8>,
    full: bool,
    turn: bool,
}

impl Lazy {
    fn busy(&mut self, context: &mut Context<'_>) -> bool {
        context.waker().wake_by_ref();
        self.turn = !self.turn;
        self.turn
    }
}

impl AsyncWrite for Lazy {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.busy(context) {
            return Poll::Pending;
        }
        self.held.extend(bytes.first());
        Poll::Ready(Ok(bytes.len().min(1)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.busy(context) {
            return Poll::Pending;
        }
        if self.full {
            return Poll::Ready(Err(io::ErrorKind::StorageFull.into()));
        }
        let held = std::mem::take(&mut self.held);
        self.out.extend(held);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_to_be_written_has_left_the_writer() {
    // No list of pages: they are read one after the other.
    let unlisted = || Answer::json(404, r#"[{"errorCode":"NOT_FOUND","message":"x"}]"#);
    let page = || Answer::page(0, 3, None);
    let expected = String::from_utf8(page().body).unwrap();
    for full in [false, true] {
        let mut out = Lazy { full, ..Lazy::default() };
        let written = pages(&Script::new([page()]).client()).write_to(&mut out).await;
        let mut side_out = Lazy { full, ..Lazy::default() };
        let script = Script::new([unlisted(), page()]);
        let side_by_side = pages(&script.client()).parallel(2).write_to(&mut side_out).await;
        if full {
            assert_eq!(written.unwrap_err().kind(), ErrorKind::Io);
            assert_eq!(side_by_side.unwrap_err().kind(), ErrorKind::Io);
        } else {
            assert_eq!((written.unwrap(), side_by_side.unwrap()), (3, 3));
            assert_eq!(String::from_utf8(out.out).unwrap(), expected);
            assert_eq!(String::from_utf8(side_out.out).unwrap(), expected);
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_an_error_however_little_is_written() {
    let mut full = tokio::fs::File::options().write(true).open("/dev/full").await.unwrap();
    let script = Script::new([Answer::page(0, 3, None)]);
    let error = pages(&script.client()).write_to(&mut full).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
}

#[tokio::test(start_paused = true)]
async fn a_position_that_nobody_gave_is_no_reason_to_panic() {
    let far = Position { locator: None, rows: u64::MAX, before: Some(u64::MAX) };
    let job =
        |script: &Script| QueryJob::attach(&script.client(), JOB.parse().unwrap(), "65.0".parse().unwrap());
    let script = Script::new([Answer::page(0, 3, Some("Mw")), Answer::page(3, 6, None)]);
    let rows: Vec<Row> = job(&script).pages(far.clone()).rows().stream().try_collect().await.unwrap();
    assert_eq!(rows.len(), 0);
    let unlisted = Answer::json(404, r#"[{"errorCode":"NOT_FOUND","message":"x"}]"#);
    let script = Script::new([unlisted, Answer::page(0, 3, None)]);
    let mut pages = job(&script).pages(far).parallel(usize::MAX);
    while let Ok(Some(page)) = pages.next_page().await {
        assert_eq!(page.rows, 0);
    }
}
