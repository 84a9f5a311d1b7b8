//! Pages side by side, against an emulated org over real sockets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use sf_bulk2::{ErrorKind, JobType, Jobs, Locator, Position, Query, QueryJob};
use sf_core::Client;
use sf_core::http::{HttpService, Response, TransportError};
use sf_sim::fault::{Action, Fault, Framing, Route};

use crate::org::{FAST, Org, org};
use crate::support::{Always, Answer, JOB, Script};

async fn job(client: &Client) -> (QueryJob, Option<u64>) {
    let job = Query::new("SELECT Id, Name, Description FROM Account").create(client).await.unwrap();
    let rows = job.wait(&FAST).await.unwrap().number_records_processed;
    (job, rows)
}

/// An org whose pages have 37 rows each: 14 of them.
async fn small_pages() -> Org {
    let org = org().await;
    org.sim.set_page_cap(Some(37));
    org
}

async fn sequential(job: &QueryJob) -> Vec<u8> {
    let mut out = Vec::new();
    job.pages(Position::START).write_to(&mut out).await.unwrap();
    out
}

#[tokio::test]
async fn pages_side_by_side_give_the_same_result_in_order() {
    let org = small_pages().await;
    let (job, rows) = job(&org.client).await;
    let calm = sequential(&job).await;
    for (window, memory) in [(1, 1 << 20), (3, 1), (8, 2_000), (50, 1 << 20)] {
        let pages = job.pages(Position::START).expect_total(rows);
        let mut pages = pages.parallel(window).page_memory(memory);
        let mut out = Vec::new();
        assert_eq!(pages.write_to(&mut out).await.unwrap(), 500);
        assert!(out == calm, "window {window}");
        assert_eq!(pages.position(), None);
    }
    let asked = org.sim.journal().requests();
    assert!(asked.iter().any(|r| r.path.contains("resultPages")));
}

#[tokio::test]
async fn in_any_order_each_row_comes_once() {
    #[derive(serde::Deserialize)]
    struct Account {
        #[serde(rename = "Id")]
        id: String,
    }
    let org = small_pages().await;
    let (job, rows) = job(&org.client).await;
    let mut pages = job.pages(Position::START).expect_total(rows).parallel(4).unordered().page_memory(100);
    let mut ids = std::collections::BTreeSet::new();
    while let Some(page) = pages.next_page().await.unwrap() {
        assert_eq!(pages.position(), None);
        let mut rows = page.rows::<Account>();
        while let Some(row) = rows.next_row().await.unwrap() {
            assert!(ids.insert(row.id));
        }
    }
    assert_eq!(ids.len(), 500);
}

#[tokio::test]
async fn what_was_read_side_by_side_is_resumed_at_its_position() {
    let org = small_pages().await;
    let (job, rows) = job(&org.client).await;
    let calm = sequential(&job).await;
    for taken in [1, 5, 13] {
        let mut out = Vec::new();
        let mut pages = job.pages(Position::START).parallel(3);
        let mut header = None;
        for _ in 0..taken {
            let page = pages.next_page().await.unwrap().unwrap();
            header.get_or_insert_with(|| page.header.clone());
            page.copy_to(&mut out).await.unwrap();
        }
        let position = pages.position().unwrap();
        assert_eq!(position.before, Some(taken * 37));
        drop(pages);
        let mut rest = job.pages(position).expect_total(rows).parallel(3);
        rest.write_to(&mut out).await.unwrap();
        let header = "\"Id\",\"Name\",\"Description\"\n".as_bytes();
        assert!([header, &out[..]].concat() == calm, "after {taken} pages");
    }
}

#[tokio::test]
async fn every_passing_fault_leaves_the_result_complete_and_in_order() {
    let faults = [
        Action::server_error(),
        Action::unavailable(),
        Action::concurrent_limit(),
        Action::ResetAfter,
        Action::cut(100),
        Action::cut_framed(100, Framing::Chunked),
        Action::cut_framed(100, Framing::Close),
    ];
    for route in [Route::ResultPages, Route::Results] {
        for action in &faults {
            let org = small_pages().await;
            let (job, rows) = job(&org.client).await;
            let calm = sequential(&job).await;
            let fault = org.sim.faults().add(Fault::on(route.clone()).nth(2).then(action.clone()));
            let mut out = Vec::new();
            let mut pages = job.pages(Position::START).expect_total(rows).parallel(4);
            pages.write_to(&mut out).await.unwrap_or_else(|e| panic!("{route:?} {action:?}: {e:?}"));
            assert!(out == calm, "{route:?} {action:?}");
            assert_eq!(org.sim.faults().count(fault), 1, "{route:?} {action:?}");
        }
    }
}

#[tokio::test]
async fn an_org_that_does_not_name_its_pages_is_read_one_after_the_other() {
    let not_found = r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#;
    let script =
        Script::new([Answer::json(404, not_found), Answer::page(0, 3, Some("Mw")), Answer::page(3, 5, None)]);
    let job = QueryJob::attach(&script.client(), JOB.parse().unwrap(), "65.0".parse().unwrap());
    let mut out = Vec::new();
    let mut pages = job.pages(Position::START).expect_total(Some(5)).parallel(4);
    assert_eq!(pages.write_to(&mut out).await.unwrap(), 5);
    assert_eq!(String::from_utf8(out).unwrap().lines().next(), Some("\"Id\",\"Name\""));
}

#[tokio::test]
async fn pages_that_do_not_add_up_to_the_total_are_an_error() {
    // As documented: two pages, and the spelling of the guide's table.
    let named = format!(
        r#"{{"resultPages":[{{"resultUrl":"/services/data/v65.0/jobs/query/{JOB}/results?locator=MA"}}],"nextRecordUrl":"/services/data/v65.0/jobs/query/{JOB}/resultPages?locator=Mw","done":false}}"#
    );
    let last = format!(
        r#"{{"resultPages":[{{"resultUrl":"/services/data/v65.0/jobs/query/{JOB}/results?locator=Mw"}}],"nextRecordsUrl":null,"done":true}}"#
    );
    let script = Script::new([
        Answer::json(200, &named),
        Answer::page(0, 3, Some("Mw")),
        Answer::json(200, &last),
        Answer::page(3, 5, None),
    ]);
    let job = QueryJob::attach(&script.client(), JOB.parse().unwrap(), "65.0".parse().unwrap());
    let error = {
        let mut pages = job.pages(Position::START).expect_total(Some(6)).parallel(1);
        pages.write_to(&mut Vec::new()).await.unwrap_err()
    };
    assert_eq!(error.kind(), ErrorKind::Counts);
    assert!(error.to_string().contains("5 rows, the org counted 6"), "{error}");
    let locator = Locator::new("Mw");
    assert!(script.asked().iter().any(|a| a.contains(&format!("results?locator={locator}"))));
}

/// An org that names its pages as it likes: eight rows in three pages, A to B to C.
#[derive(Debug, Clone)]
struct Naming {
    named: Vec<&'static str>,
    pages: HashMap<&'static str, Answer>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Naming {
    fn new(named: &[&'static str]) -> Self {
        let (a, b, c) =
            (Answer::page(0, 3, Some("B")), Answer::page(3, 5, Some("C")), Answer::page(5, 8, None));
        // The list may have names of its own for them.
        let pages = [("", &a), ("A", &a), ("B", &b), ("C", &c), ("X", &a), ("Y", &b), ("Z", &c)];
        let pages = pages.into_iter().map(|(name, page)| (name, page.clone())).collect();
        Self { named: named.to_vec(), pages, asked: Arc::default() }
    }

    fn job(&self) -> QueryJob {
        let client = Client::builder(Always).http(Arc::new(self.clone())).build().unwrap();
        QueryJob::attach(&client, JOB.parse().unwrap(), "65.0".parse().unwrap())
    }

    fn answer(&self, path: &str, query: &str) -> Answer {
        if path.ends_with("/results") {
            let locator = query.split('&').find_map(|pair| pair.strip_prefix("locator="));
            return self.pages[locator.unwrap_or_default()].clone();
        }
        if path.ends_with("/resultPages") {
            let from = query.strip_prefix("locator=").filter(|from| self.named.contains(from));
            let named = self.named.iter().skip_while(|name| from.is_some_and(|from| from != **name));
            let urls: Vec<_> =
                named.map(|name| format!(r#"{{"resultUrl":"/x/results?locator={name}"}}"#)).collect();
            return Answer::json(200, &format!(r#"{{"resultPages":[{}],"done":true}}"#, urls.join(",")));
        }
        Answer::json(
            200,
            &format!(
                r#"{{"id":"{JOB}","operation":"query","object":"T","createdById":"0057Q0000037T8QQAU","createdDate":"2023-01-26T10:09:27.000+0000","systemModstamp":"2023-01-26T10:09:27.000+0000","state":"JobComplete","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":65.0,"jobType":"V2Query","numberRecordsProcessed":8}}"#
            ),
        )
    }
}

impl HttpService for Naming {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let uri = request.uri();
        self.asked.lock().unwrap().push(uri.path_and_query().unwrap().to_string());
        let answer = self.answer(uri.path(), uri.query().unwrap_or_default());
        Box::pin(async move { Ok(answer.respond()) })
    }
}

#[tokio::test]
async fn a_list_of_pages_with_a_hole_or_another_order_loses_and_repeats_nothing() {
    let calm = sequential(&Naming::new(&[]).job()).await;
    let lists: [&[&str]; 8] = [
        &["A", "B", "C"],
        &["A", "C"],
        &["A", "C", "B"],
        &["A", "B"],
        &["A", "A", "B", "C"],
        &["A", "B", "B", "C"],
        &["A"],
        &["X", "Y", "Z"],
    ];
    for named in lists {
        for window in [1, 4] {
            let mut out = Vec::new();
            let mut pages = Naming::new(named).job().pages(Position::START).parallel(window);
            assert_eq!(pages.write_to(&mut out).await.unwrap(), 8, "{named:?}");
            assert!(out == calm, "{named:?}, window {window}");
        }
    }
}

#[tokio::test]
async fn pages_in_any_order_have_to_follow_from_each_other() {
    for (named, whole) in [
        (&["A", "B", "C"][..], true),
        (&["A", "C", "B"], true),
        (&["A", "C"], false),
        (&["A", "B"], false),
        (&["A", "B", "B", "C"], false),
        (&["A", "B", "C", "C"], false),
        (&["A", "B", "A"], false),
        (&["X", "Y", "Z"], true),
        (&["X", "Y"], false),
        (&["X", "Y", "X"], false),
    ] {
        let mut pages = Naming::new(named).job().pages(Position::START).parallel(2).unordered();
        let mut read = Ok(0);
        while let Ok(rows) = &mut read {
            match pages.next_page().await {
                Ok(Some(page)) => *rows += page.rows,
                Ok(None) => break,
                Err(error) => read = Err(error.kind()),
            }
        }
        assert_eq!(read, if whole { Ok(8) } else { Err(ErrorKind::Counts) }, "{named:?}");
    }
}

#[tokio::test]
async fn whoever_goes_on_after_an_error_is_not_told_that_all_pages_came() {
    for named in [&["X", "Y", "X"][..], &["A", "B", "A"], &["A", "A", "B"], &["X", "X", "Y", "Z"]] {
        let mut pages = Naming::new(named).job().pages(Position::START).parallel(1).unordered();
        let (mut rows, mut errors) = (0, 0);
        while errors < 3 {
            match pages.next_page().await {
                Ok(Some(page)) => rows += page.rows,
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Counts);
                    errors += 1;
                }
            }
        }
        assert!(errors > 0, "{named:?}");
        assert!(errors == 3 || rows == 8, "{named:?}: {rows} rows are said to be all");
    }
}

#[tokio::test]
async fn a_list_that_begins_too_late_shows_in_the_total_which_is_asked_for() {
    let org = Naming::new(&["B", "C"]);
    let error = org.job().pages(Position::START).parallel(2).write_to(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Counts);
    assert!(error.to_string().contains("5 rows, the org counted 8"), "{error}");
    // From a page in the middle the list has to begin with it, or it is put before.
    for named in [&["B", "C"][..], &["C"]] {
        let mut out = Vec::new();
        let from = Position::page(Locator::new("B"));
        let rows = Naming::new(named).job().pages(from).parallel(2).write_to(&mut out).await.unwrap();
        assert_eq!(rows, 5, "{named:?}");
    }
}

#[tokio::test]
async fn a_page_named_after_the_last_one_is_an_error() {
    let mut org = Naming::new(&["A", "B", "C", "D"]);
    org.pages.insert("D", Answer::page(8, 9, None));
    let job = org.job();
    let mut pages = job.pages(Position::START).parallel(2);
    let error = pages.write_to(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Counts);
    assert!(error.to_string().contains("page D after one that says that it is the last"), "{error}");
}

#[tokio::test]
async fn a_page_that_says_too_early_that_it_is_the_last_is_not_given_and_can_be_gone_on_from() {
    let calm = sequential(&Naming::new(&[]).job()).await;
    let mut org = Naming::new(&["A", "B", "C"]);
    org.pages.insert("B", Answer::page(3, 5, None));
    let mut out = Vec::new();
    let mut pages = org.job().pages(Position::START).parallel(2);
    let error = pages.write_to(&mut out).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Counts);
    assert!(error.to_string().contains("5 rows, the org counted 8"), "{error}");
    let position = pages.position().unwrap();
    assert_eq!(position, Position { before: Some(3), ..Position::page(Locator::new("B")) });
    assert_eq!(pages.write_to(&mut Vec::new()).await.unwrap_err().kind(), ErrorKind::Counts);
    // The org has come to itself.
    let rest = Naming::new(&["A", "B", "C"]).job().pages(position);
    assert_eq!(rest.parallel(2).write_to(&mut out).await.unwrap(), 5);
    assert!(out == calm);
}

#[tokio::test]
async fn in_any_order_no_page_is_given_twice_before_the_error_is_told() {
    let named: Vec<_> = ["A", "B"].into_iter().cycle().take(400).collect();
    let org = Naming::new(&named);
    let mut pages = org.job().pages(Position::START).parallel(1).unordered();
    for first in [Some("A"), Some("B")] {
        let page = pages.next_page().await.unwrap().unwrap();
        assert_eq!(page.locator.as_ref().map(Locator::as_str), first);
    }
    assert_eq!(pages.next_page().await.unwrap_err().kind(), ErrorKind::Counts);
}

#[tokio::test]
async fn pages_of_a_size_that_was_asked_for_are_read_one_after_the_other() {
    let org = Naming::new(&["A", "B", "C"]);
    let pages = org.job().pages(Position::START).max_records(3);
    assert_eq!(pages.parallel(4).write_to(&mut Vec::new()).await.unwrap(), 8);
    let asked = org.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 3);
    assert!(
        asked.iter().all(|path| path.contains("/results?") && path.contains("maxRecords=3")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn jobs_are_listed_over_pages_with_the_filters_asked_for() {
    let job = |id: &str, state: &str, kind: &str| {
        format!(
            r#"{{"id":"{id}","operation":"insert","object":"Account","createdById":"0057Q0000037T8QQAU","createdDate":"2023-01-26T10:09:27.000+0000","systemModstamp":"2023-01-26T10:09:27.000+0000","state":"{state}","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":53.0,"jobType":"{kind}"}}"#
        )
    };
    let page = |records: &str, next: &str, done: bool| {
        Answer::json(200, &format!(r#"{{"done":{done},"records":[{records}],"nextRecordsUrl":{next}}}"#))
    };
    let first = [
        job("7507Q000009f52jQAA", "JobComplete", "V2Ingest"),
        job("7507Q000009f8jvQAA", "Closed", "Classic"),
    ];
    let url = "/services/data/v65.0/jobs/ingest?queryLocator=01gR0000000opRTIAY-2000";
    let script = Script::new([
        page(&first.join(","), &format!("\"{url}\""), false),
        page(&job("7507Q000009f9tHQAQ", "Open", "V2Ingest"), "null", true),
    ]);
    let list = Jobs::query().job_type(JobType::V2Ingest).pk_chunking(false).list(&script.client());
    let jobs: Vec<_> = list.stream().try_collect().await.unwrap();
    let kinds: Vec<_> = jobs.iter().map(|j| j.job_type).collect();
    assert_eq!(kinds, [Some(JobType::V2Ingest), Some(JobType::Classic), Some(JobType::V2Ingest)]);
    assert_eq!(
        script.asked(),
        ["GET ?jobType=V2Ingest&isPkChunkingEnabled=false".to_owned(), format!("GET {url}")]
    );

    let script = Script::new([page("", "null", false)]);
    let error = Jobs::ingest().list(&script.client()).next_job().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Headers);
}
