//! Where the data of a load lies while it is sent: in memory, in a temporary file, or in the file that is loaded.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream};
use sf_bulk2::{ErrorKind, Ingest, LineEnding, Nulls, Replay, RetryLocks};
use sf_core::Client;
use sf_core::http::{BodyStream, HttpService, Response, TransportError, TransportErrorKind};
use sf_core::retry::RetryPolicy;
use sf_sim::fault::{Action, Fault as SimFault, Route};

use crate::org::{FAST, org as sim};
use crate::support::Always;
use crate::support::ingest::{Fault, IngestOrg};

const ALL: [Replay; 3] = [Replay::Memory, Replay::Spool, Replay::Source];

/// A file that goes with the test.
struct TempFile(tempfile::NamedTempFile);

impl TempFile {
    fn of(content: impl AsRef<[u8]>) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        Self(file)
    }

    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}

/// The rows of a large file, over many pieces of reading and writing.
fn large() -> String {
    (0..3000).fold("Name,Note\n".to_owned(), |mut csv, i| {
        csv += &format!("n{i},\"{}\n\"\"{}\"\"\"\n", "x".repeat(i % 700), "é,".repeat(i % 130));
        csv
    })
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_are_sent_from_wherever_they_lie() {
    let odd = "\u{feff}Name,Note\r\na,\"1\r\n2\"\r\n\r\nb,é\r\n\r\n\r\nc,\"\u{feff}\"\r\n\u{feff}d,x";
    let cases: [(&str, Ingest); 4] = [
        (odd, Ingest::insert("Account").line_ending(LineEnding::Crlf)),
        (odd, Ingest::insert("Account").convert_line_ends()),
        (&large(), Ingest::insert("Account")),
        (&large(), Ingest::insert("Account").line_ending(LineEnding::Crlf).convert_line_ends()),
    ];
    for (csv, ingest) in cases {
        let file = TempFile::of(csv);
        for (rows, bytes) in [(u64::MAX, 10_000_000), (1000, 300_000), (1, 300_000)] {
            if rows == 1 && csv.len() > 1000 {
                continue;
            }
            let mut sent = Vec::new();
            for replay in ALL {
                let org = IngestOrg::new().chunk(10_000);
                let ingest = ingest.clone().part_rows(rows).part_bytes(bytes).replay(replay);
                let loaded = ingest.csv_file(file.path()).run(&org.client()).await.unwrap();
                assert_eq!(loaded.next_row(), if csv == odd { 4 } else { 3000 });
                let mut uploads = org.uploads();
                uploads.sort();
                sent.push(uploads);
            }
            assert!(sent[0] == sent[1] && sent[0] == sent[2], "{rows} {bytes}: {:?}", &csv[..20]);
        }
    }
    // Of two byte order marks the second is a part of the first name, wherever the data lies.
    let twice = TempFile::of("\u{feff}\u{feff}Name,Note\na,1\nb,2\n");
    for replay in ALL {
        let org = IngestOrg::new();
        let load = Ingest::insert("Account").replay(replay).part_rows(1).csv_file(twice.path());
        load.run(&org.client()).await.unwrap_or_else(|e| panic!("{replay:?}: {e:?}"));
        let mut uploads = org.uploads();
        uploads.sort();
        let expected = ["\u{feff}Name,Note\na,1\n", "\u{feff}Name,Note\nb,2\n"];
        assert_eq!(uploads, expected, "{replay:?}");
    }
    let org = IngestOrg::new();
    let ingest = Ingest::insert("Account").convert_line_ends().replay(Replay::Source).part_rows(3);
    ingest.csv_file(TempFile::of(odd).path()).run(&org.client()).await.unwrap();
    assert_eq!(
        org.uploads(),
        ["Name,Note\na,\"1\n2\"\nb,é\nc,\"\u{feff}\"\n", "Name,Note\n\u{feff}d,x\n"],
        "a byte order mark is one at the very beginning only"
    );
}

/// An org to which uploads break off after so many bytes; what came is noted.
#[derive(Debug)]
struct BreakOff {
    org: IngestOrg,
    after: Mutex<Vec<usize>>,
    seen: Mutex<Vec<Vec<u8>>>,
}

impl HttpService for BreakOff {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        self.org.call(request)
    }

    fn upload(&self, request: http::Request<BodyStream>) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let (parts, mut body) = request.into_parts();
            let length: usize = parts.headers["content-length"].to_str().unwrap().parse().unwrap();
            let after = self.after.lock().unwrap().pop();
            let mut whole = Vec::new();
            while let Some(piece) = body.next().await {
                whole.extend_from_slice(&piece?);
                if after.is_some_and(|after| whole.len() > after) {
                    self.seen.lock().unwrap().push(whole);
                    return Err(TransportError::new(TransportErrorKind::Broken, "the connection broke"));
                }
            }
            assert_eq!(whole.len(), length, "the length is exact");
            self.seen.lock().unwrap().push(whole.clone());
            self.org.call(http::Request::from_parts(parts, whole.into())).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_broke_off_is_sent_again_byte_for_byte() {
    let csv = large();
    let file = TempFile::of(&csv);
    for replay in [Replay::Spool, Replay::Source] {
        let http = Arc::new(BreakOff {
            org: IngestOrg::new().chunk(10_000),
            after: Mutex::new(vec![600_000, 0, 300_000]),
            seen: Mutex::default(),
        });
        let retry = RetryPolicy::default().with_max_attempts(4);
        let client = Client::builder(Always).http(http.clone()).retry(retry).build().unwrap();
        let load = Ingest::insert("Account").replay(replay).csv_file(file.path());
        let loaded = load.run(&client).await.unwrap();
        assert_eq!((loaded.succeeded(), loaded.jobs()[0].abandoned.len()), (3000, 3));
        let seen = http.seen.lock().unwrap();
        assert_eq!(seen.len(), 4);
        assert!(seen.iter().all(|sent| csv.as_bytes().starts_with(sent)), "{replay:?}");
        assert_eq!(seen[3].len(), csv.len());
        assert_eq!(http.org.states(), ["Aborted", "Aborted", "Aborted", "JobComplete"]);
    }
}

#[tokio::test]
async fn over_sockets_each_row_is_written_once_whatever_breaks() {
    let rows = (0..60).fold("Name\n".to_owned(), |csv, i| csv + &format!("replay {i} {}\n", "x".repeat(200)));
    let file = TempFile::of(rows);
    for replay in [Replay::Spool, Replay::Source] {
        for action in [
            Action::ResetBefore,
            Action::ResetAfter,
            Action::ExpireSession,
            Action::unavailable(),
            Action::concurrent_limit(),
        ] {
            let org = sim().await;
            org.sim.faults().add(SimFault::on(Route::Upload).then(action.clone()));
            let load =
                Ingest::insert("Account").part_rows(20).poll(FAST).replay(replay).csv_file(file.path());
            let loaded =
                load.run(&org.client).await.unwrap_or_else(|e| panic!("{replay:?} {action:?}: {e:?}"));
            let mut names: Vec<String> = loaded
                .successes()
                .map_ok(|s| s.row.get("Name").unwrap().split(' ').nth(1).unwrap().to_owned())
                .try_collect()
                .await
                .unwrap();
            names.sort_by_key(|n| n.parse::<u32>().unwrap());
            assert_eq!(names, (0..60).map(|i| i.to_string()).collect::<Vec<_>>(), "{replay:?} {action:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rows_of_any_source_can_be_spooled_and_kept_where_they_lie() {
    let judge = |row: &csv::StringRecord, tries| match (row[0].ends_with('3'), tries) {
        (true, 0) => Err("UNABLE_TO_LOCK_ROW:busy:--".to_owned()),
        _ => Ok(true),
    };
    let names: Vec<_> =
        (0..25).map(|i| std::collections::BTreeMap::from([("Name", format!("n{i}"))])).collect();
    let csv = (0..25).fold("Name\n".to_owned(), |csv, i| csv + &format!("n{i}\n"));
    let file = TempFile::of(&csv);
    for (replay, of_file) in [(Replay::Spool, false), (Replay::Spool, true), (Replay::Source, true)] {
        let org = IngestOrg::new().judge(judge).fault("upload", [Fault::After]);
        let ingest = Ingest::insert("Account").part_rows(10).keep_rows().replay(replay);
        let load = match of_file {
            true => ingest.csv_file(file.path()),
            false => ingest.rows(stream::iter(names.clone()), Nulls::Ignore),
        };
        let loaded = load.run(&org.client()).await.unwrap();
        assert_eq!((loaded.succeeded(), loaded.failed()), (22, 3));
        let failures: Vec<_> = loaded.failures_with_input().stream().try_collect().await.unwrap();
        let mut rows: Vec<_> = failures.iter().map(|f| f.input.as_ref().unwrap().row).collect();
        rows.sort_unstable();
        assert_eq!(rows, [3, 13, 23]);
        let retried = loaded.retry_locked(&org.client(), &RetryLocks::default()).await.unwrap();
        assert_eq!((retried.succeeded(), retried.locked), (3, 0));
        assert_eq!(retried.rounds[0].original_row(2), Some(23));
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_again_is_refused_before_anything_is_sent() {
    let org = IngestOrg::new();
    let ingest = || Ingest::insert("Account").replay(Replay::Source);
    let error = ingest().csv_bytes("Name\na\n").run(&org.client()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().starts_with("only a file can be read again while it is sent"), "{error}");
    let rows = stream::iter(Vec::<std::collections::BTreeMap<&str, &str>>::new());
    let error = ingest().rows(rows, Nulls::Ignore).run(&org.client()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(org.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_changed_while_it_is_loaded_ends_the_load_and_nothing_more_is_written() {
    let csv = (0..30).fold("Name\n".to_owned(), |csv, i| csv + &format!("n{i:02}\n"));
    let longer = |path: &std::path::Path| std::fs::write(path, csv.clone() + "n30\n").unwrap();
    let touched = |path: &std::path::Path| {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
    };
    let gone = |path: &std::path::Path| std::fs::remove_file(path).unwrap();
    let changes: [&(dyn Fn(&std::path::Path) + Sync); 3] = [&longer, &touched, &gone];
    for change in changes {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.csv");
        std::fs::write(&path, &csv).unwrap();
        let org = IngestOrg::new();
        let ingest = Ingest::insert("Account").part_rows(10).jobs_in_flight(1).replay(Replay::Source);
        let mut first = true;
        let load = ingest.csv_file(&path).on_job(|_| {
            if std::mem::take(&mut first) {
                change(&path);
            }
        });
        let error = load.run(&org.client()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
        assert!(error.job().is_some());
        let loaded = error.loaded().unwrap();
        assert_eq!((loaded.succeeded(), loaded.next_row(), loaded.unsettled().len()), (10, 10, 0));
        assert_eq!(org.written().len(), 10);
        assert_eq!(org.states(), ["JobComplete", "Aborted"]);
    }
}
