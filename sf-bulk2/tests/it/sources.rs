//! What callers load from: streams and readers that behave in every way they may, limits of every size.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use sf_bulk2::{ErrorKind, Ingest, Nulls, Replay};
use sf_core::Client;
use sf_core::http::{HttpService, Response, TransportError};
use tokio::io::{AsyncRead, ReadBuf};

use crate::support::ingest::IngestOrg;
use crate::support::{Always, Answer};

/// Counts the uploads that are under way.
#[derive(Debug)]
struct Uploads {
    org: IngestOrg,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl HttpService for Uploads {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let upload = request.method() == http::Method::PUT;
        let (answer, now, most) = (self.org.call(request), Arc::clone(&self.now), Arc::clone(&self.most));
        Box::pin(async move {
            if upload {
                most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            }
            let answer = answer.await;
            if upload {
                now.fetch_sub(1, Ordering::Relaxed);
            }
            answer
        })
    }
}

fn lines(count: usize) -> String {
    (0..count).fold("Name\n".to_owned(), |csv, i| csv + &format!("n{i:04}\n"))
}

#[tokio::test(start_paused = true)]
async fn so_many_jobs_are_given_their_data_at_once_and_not_one_more() {
    for (uploads, jobs, most_at_once) in [
        (1, 8, 1),
        (3, 8, 3),
        (3, 2, 2),
        (0, 8, 1),
        (3, 0, 1),
        (usize::MAX, 8, 8),
        (usize::MAX, usize::MAX, 25),
    ] {
        for multipart in [false, true] {
            let org = IngestOrg::new().upload_takes(Duration::from_secs(5));
            let (now, most) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
            let http = Uploads { org: org.clone(), now, most: Arc::clone(&most) };
            let client = Client::builder(Always).http(Arc::new(http)).build().unwrap();
            let ingest =
                Ingest::insert("Account").part_rows(4).uploads_in_flight(uploads).jobs_in_flight(jobs);
            let ingest = if multipart { ingest.multipart() } else { ingest };
            let loaded = ingest.csv_bytes(lines(100)).run(&client).await.unwrap();
            assert_eq!((loaded.succeeded(), org.written().len()), (100, 100));
            assert_eq!(most.load(Ordering::Relaxed), most_at_once, "{uploads} of {jobs}, {multipart}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn limits_of_nothing_are_refused_or_mean_one() {
    let org = IngestOrg::new();
    for bytes in [0, 1, usize::MAX] {
        let rows = stream::iter([BTreeMap::from([("Name", "a")])]);
        let ingest = || Ingest::insert("Account").part_bytes(bytes);
        for load in [ingest().rows(rows, Nulls::Ignore), ingest().csv_bytes("Name\na\n")] {
            let error = load.run(&org.client()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(&format!("{bytes}")), "{error}");
        }
    }
    assert!(org.calls().is_empty());
    let loaded = Ingest::insert("Account").part_rows(0).csv_bytes(lines(3)).run(&org.client()).await.unwrap();
    assert_eq!((loaded.succeeded(), loaded.jobs().len()), (3, 3));
}

#[tokio::test]
async fn rows_that_are_always_there_leave_time_to_others() {
    let org = IngestOrg::new().chunk(100_000);
    let turns = Arc::new(AtomicUsize::new(0));
    let others = Arc::clone(&turns);
    let other = tokio::spawn(async move {
        loop {
            others.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    let row = |i| BTreeMap::from([("Name", i), ("Number__c", i)]);
    let (mut last, mut run, mut longest) = (0, 0, 0);
    let rows = stream::iter((0..50_000).map(row)).inspect(|_| {
        let now = turns.load(Ordering::Relaxed);
        run = if now == last { run + 1 } else { 0 };
        (last, longest) = (now, longest.max(run));
    });
    let loaded = Ingest::insert("Account").rows(rows, Nulls::Ignore).run(&org.client()).await.unwrap();
    assert_eq!((loaded.succeeded(), loaded.jobs().len()), (50_000, 1));
    assert!(longest < 20_000, "{longest} rows at a stretch");

    let before = turns.load(Ordering::Relaxed);
    let seen = Arc::new(AtomicUsize::new(0));
    let client = Client::builder(Always).http(Arc::new(First(turns, Arc::clone(&seen)))).build().unwrap();
    Ingest::insert("Account").csv_bytes(lines(300_000)).run(&client).await.unwrap_err();
    other.abort();
    assert!(seen.load(Ordering::Relaxed) >= before + 10, "1.8 MB were read in one go");
}

/// Notes at the first call how many turns there were.
#[derive(Debug)]
struct First(Arc<AtomicUsize>, Arc<AtomicUsize>);

impl HttpService for First {
    fn call(&self, _: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        self.1.store(self.0.load(Ordering::Relaxed), Ordering::Relaxed);
        Box::pin(async { Ok(Answer::json(400, "[]").respond()) })
    }
}

/// Gives one byte at a time and seldom at once; then its end, and more behind it, or an error.
struct Trickle {
    bytes: std::vec::IntoIter<u8>,
    turn: bool,
    error: Option<io::ErrorKind>,
    ended: bool,
}

impl Trickle {
    fn of(text: &str, error: Option<io::ErrorKind>) -> Self {
        Self { bytes: text.as_bytes().to_vec().into_iter(), turn: false, error, ended: false }
    }
}

impl AsyncRead for Trickle {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        context.waker().wake_by_ref();
        self.turn = !self.turn;
        if self.turn {
            return Poll::Pending;
        }
        match (self.bytes.next(), self.error.take()) {
            (Some(byte), error) => {
                buffer.put_slice(&[byte]);
                self.error = error;
            }
            (None, Some(error)) => return Poll::Ready(Err(error.into())),
            (None, None) if self.ended => buffer.put_slice(b"never\n"),
            (None, None) => self.ended = true,
        }
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_may_give_little_and_late_and_is_asked_no_more_behind_its_end() {
    for replay in [Replay::Memory, Replay::Spool] {
        let ingest = || Ingest::insert("Account").part_rows(10).replay(replay);
        let org = IngestOrg::new();
        let loaded = ingest().csv(Trickle::of(&lines(35), None)).run(&org.client()).await.unwrap();
        assert_eq!((loaded.succeeded(), org.written().len()), (35, 35));

        let org = IngestOrg::new();
        let broken = Trickle::of(&lines(35), Some(io::ErrorKind::ConnectionReset));
        let error = ingest().csv(broken).run(&org.client()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().starts_with("the data could not be read"), "{error}");
        assert_eq!((error.loaded().unwrap().next_row(), org.written().len()), (30, 30));
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_that_is_dropped_anywhere_sends_each_row_at_most_once() {
    let mut dropped = 0;
    for polls in 0.. {
        let org = IngestOrg::new().chunk(4);
        let client = org.client();
        let ingest = Ingest::insert("Account").part_rows(10).jobs_in_flight(2);
        let mut load = Box::pin(ingest.csv(Trickle::of(&lines(35), None)).run(&client));
        let mut ended = None;
        for _ in 0..polls {
            if let Poll::Ready(loaded) = futures_util::poll!(&mut load) {
                ended = Some(loaded.unwrap());
                break;
            }
            // Time passes as it does between two polls.
            tokio::time::advance(Duration::from_millis(300)).await;
        }
        drop(load);
        let sent: Vec<_> = org
            .uploads()
            .into_iter()
            .flat_map(|csv| csv.lines().skip(1).map(str::to_owned).collect::<Vec<_>>())
            .collect();
        assert_eq!(sent.iter().collect::<BTreeSet<_>>().len(), sent.len(), "after {polls} polls");
        if ended.is_some() {
            assert_eq!(sent.len(), 35);
            break;
        }
        dropped += 1;
    }
    assert!(dropped > 20, "{dropped}");
}

#[tokio::test(start_paused = true)]
async fn a_path_that_cannot_be_read_is_named() {
    let org = IngestOrg::new();
    let folder = tempfile::tempdir().unwrap();
    for replay in [Replay::Memory, Replay::Spool, Replay::Source] {
        for path in [folder.path().to_owned(), folder.path().join("none.csv")] {
            let error = Ingest::insert("Account")
                .replay(replay)
                .csv_file(&path)
                .run(&org.client())
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io);
            assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
        }
    }
    assert!(org.calls().is_empty());
}
