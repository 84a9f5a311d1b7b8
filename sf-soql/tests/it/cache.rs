//! The cache of describes: how often it asks, and what it does with the answer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sf_soql::{DescribeCache, ErrorKind};
use wiremock::matchers::{headers, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Answer, Org, client};

const HOUR: Duration = Duration::from_secs(3600);
const WEDNESDAY: &str = "Wed, 24 Jun 2015 02:10:31 GMT";
const THURSDAY: &str = "Thu, 25 Jun 2015 21:54:38 GMT";
const DESCRIBE: &str = "/services/data/v65.0/sobjects/Account/describe";
const GLOBAL: &str = "/services/data/v65.0/sobjects";

fn asked(path: &str, since: Option<&str>) -> (String, Option<String>) {
    (path.to_owned(), since.map(str::to_owned))
}

#[tokio::test]
async fn a_hundred_callers_at_once_cause_one_request() {
    let org = Org::held_up([Answer::object("Account", "Account")]);
    let cache = DescribeCache::new(org.client(), HOUR);
    let names = ["Account", "account", "ACCOUNT"];
    let callers: Vec<_> = (0..100)
        .map(|i| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.object(names[i % 3]).await.unwrap() })
        })
        .collect();
    org.request_arrived().await;
    org.let_one_through();
    let describes: Vec<_> = join_all(callers).await.into_iter().map(Result::unwrap).collect();
    assert!(describes.iter().all(|d| Arc::ptr_eq(d, &describes[0])));
    assert_eq!(org.seen(), [asked(DESCRIBE, None)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_younger_than_its_time_to_live_is_not_asked_for_again() {
    let org = Org::new([Answer::object("Account", "old"), Answer::object("Account", "new")]);
    let cache = DescribeCache::new(org.client(), HOUR);
    assert_eq!(cache.object("Account").await.unwrap().label, "old");
    tokio::time::advance(HOUR - Duration::from_secs(1)).await;
    assert_eq!(cache.object("Account").await.unwrap().label, "old");
    assert_eq!(org.seen().len(), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(cache.object("Account").await.unwrap().label, "new");
    assert_eq!(org.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_old_describe_is_asked_for_by_its_date_and_kept_where_it_did_not_change() {
    let org = Org::new([
        Answer::object("Account", "one").modified(WEDNESDAY),
        Answer(304, None, String::new()),
        Answer(304, None, String::new()),
        Answer::object("Account", "two").modified(THURSDAY),
        Answer(304, None, String::new()),
    ]);
    let cache = DescribeCache::new(org.client(), HOUR);
    let first = cache.object("Account").await.unwrap();
    for _ in 0..2 {
        tokio::time::advance(HOUR).await;
        assert!(Arc::ptr_eq(&cache.object("Account").await.unwrap(), &first));
        // The 304 counts as fresh: nothing is asked now.
        assert!(Arc::ptr_eq(&cache.object("Account").await.unwrap(), &first));
    }
    for _ in 0..2 {
        tokio::time::advance(HOUR).await;
        assert_eq!(cache.object("Account").await.unwrap().label, "two");
    }
    let since: Vec<_> = org.seen().into_iter().map(|(_, since)| since).collect();
    let (wednesday, thursday) = (Some(WEDNESDAY.to_owned()), Some(THURSDAY.to_owned()));
    assert_eq!(since, [None, wednesday.clone(), wednesday.clone(), wednesday, thursday]);
}

#[tokio::test]
async fn the_list_of_objects_is_kept_as_well() {
    let list = Answer::json(
        r#"{"encoding":"UTF-8","maxBatchSize":200,"sobjects":[{"name":"Account","queryable":true}]}"#,
    );
    let org = Org::new([list.modified(WEDNESDAY), Answer(304, None, String::new())]);
    let cache = DescribeCache::new(org.client(), Duration::ZERO);
    for _ in 0..2 {
        assert!(cache.global().await.unwrap().object("account").unwrap().queryable);
    }
    assert_eq!(org.seen(), [asked(GLOBAL, None), asked(GLOBAL, Some(WEDNESDAY))]);
}

#[tokio::test]
async fn a_failure_is_told_to_all_who_wait_and_is_not_kept() {
    let org = Org::held_up([
        Answer(503, None, "<html>maintenance</html>".to_owned()),
        Answer::object("Account", "x"),
    ]);
    let cache = DescribeCache::new(org.client(), HOUR);
    let wait = || {
        tokio::spawn({
            let cache = cache.clone();
            async move { cache.object("Account").await }
        })
    };
    let callers = [wait(), wait(), wait()];
    org.request_arrived().await;
    // On this one thread the three have asked before the answer can arrive.
    tokio::task::yield_now().await;
    org.let_one_through();
    for answer in join_all(callers).await {
        let error = answer.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Org);
        assert_eq!(error.to_string(), "the describe of Account could not be read");
        assert_eq!(error.org().unwrap().kind(), sf_core::ErrorKind::Server);
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), error.org().unwrap().to_string());
    }
    assert_eq!(org.seen().len(), 1);
    org.let_one_through();
    assert_eq!(cache.object("Account").await.unwrap().label, "x");
}

#[tokio::test]
async fn a_failure_to_ask_again_leaves_what_was_known_for_the_next_conditional_request() {
    let org = Org::new([
        Answer::object("Account", "x").modified(WEDNESDAY),
        Answer(503, None, String::new()),
        Answer(304, None, String::new()),
    ]);
    let cache = DescribeCache::new(org.client(), Duration::ZERO);
    cache.object("Account").await.unwrap();
    assert_eq!(cache.object("Account").await.unwrap_err().kind(), ErrorKind::Org);
    assert_eq!(cache.object("Account").await.unwrap().label, "x");
    assert_eq!(org.seen()[2], asked(DESCRIBE, Some(WEDNESDAY)));
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_take_the_answer_from_the_others() {
    let org = Org::held_up([Answer::object("Account", "x")]);
    let cache = DescribeCache::new(org.client(), HOUR);
    let ask = || {
        tokio::spawn({
            let cache = cache.clone();
            async move { cache.object("Account").await.map(|d| d.label.clone()) }
        })
    };
    let first = ask();
    org.request_arrived().await;
    let second = ask();
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    org.let_one_through();
    assert_eq!(second.await.unwrap().unwrap(), "x");
    assert_eq!(org.seen().len(), 1);
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_any_more_ends_and_the_next_caller_asks_anew() {
    let org = Org::held_up([Answer::object("Account", "x")]);
    let cache = DescribeCache::new(org.client(), HOUR);
    let only = tokio::spawn({
        let cache = cache.clone();
        async move { cache.object("Account").await }
    });
    org.request_arrived().await;
    only.abort();
    assert!(only.await.unwrap_err().is_cancelled());
    org.let_one_through();
    assert_eq!(cache.object("Account").await.unwrap().label, "x");
    assert_eq!(org.seen().len(), 2);
}

#[tokio::test]
async fn an_object_that_is_forgotten_is_asked_for_without_a_date() {
    let org = Org::new([Answer::object("Account", "x").modified(WEDNESDAY), Answer::object("Account", "y")]);
    let cache = DescribeCache::new(org.client(), HOUR);
    cache.object("Account").await.unwrap();
    cache.forget("ACCOUNT");
    assert_eq!(cache.object("Account").await.unwrap().label, "y");
    assert_eq!(org.seen()[1], asked(DESCRIBE, None));
}

#[tokio::test]
async fn an_unknown_object_is_an_error_that_names_those_that_come_near() {
    let list =
        r#"{"sobjects":[{"name":"Account"},{"name":"AccountHistory"},{"name":"Order__c"},{"name":"Lead"}]}"#;
    let org = Org::new([Answer::not_found(), Answer::json(list), Answer::not_found()]);
    let cache = DescribeCache::new(org.client(), HOUR);
    let error = cache.object("Acount").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownObject);
    assert_eq!(
        error.to_string(),
        "the org has no object Acount, or its user may not see it. Did you mean Account?"
    );
    assert_eq!(error.org().unwrap().error_code(), Some("NOT_FOUND"));
    let error = cache.object("Zebra__c").await.unwrap_err();
    assert_eq!(error.to_string(), "the org has no object Zebra__c, or its user may not see it.");
    assert_eq!(org.seen().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_object_is_asked_for_again_after_a_minute_and_not_before() {
    let answers = || [Answer::not_found(), Answer::json(r#"{"sobjects":[]}"#), Answer::not_found()];
    let org = Org::new(answers().into_iter().chain([Answer::object("Acount", "made since")]));
    let cache = DescribeCache::new(org.client(), HOUR);
    for _ in 0..3 {
        assert_eq!(cache.object("Acount").await.unwrap_err().kind(), ErrorKind::UnknownObject);
        tokio::time::advance(Duration::from_secs(19)).await;
    }
    assert_eq!(org.seen().len(), 2);
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(cache.object("ACOUNT").await.unwrap_err().kind(), ErrorKind::UnknownObject);
    assert_eq!(org.seen().len(), 3);
    cache.forget("acount");
    assert_eq!(cache.object("Acount").await.unwrap().label, "made since");
}

#[tokio::test]
async fn the_suggestions_that_cannot_be_had_do_not_hide_the_error() {
    let org = Org::new([Answer::not_found(), Answer(503, None, String::new())]);
    let error = DescribeCache::new(org.client(), HOUR).object("Acount").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownObject);
}

#[tokio::test]
async fn a_version_that_the_org_does_not_have_is_not_blamed_on_the_object() {
    let org = Org::new([Answer::not_found(), Answer::not_found()]);
    let error = DescribeCache::new(org.client(), HOUR).object("Account").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Org);
    assert_eq!(error.org().unwrap().status(), Some(404));
}

#[tokio::test]
async fn what_was_asked_for_before_all_was_forgotten_is_not_kept() {
    let list = || Answer::json(r#"{"sobjects":[]}"#);
    let org = Org::held_up([list(), list()]);
    let cache = DescribeCache::new(org.client(), HOUR);
    let early = tokio::spawn({
        let cache = cache.clone();
        async move { cache.global().await.map(|_| ()) }
    });
    org.request_arrived().await;
    cache.clear();
    org.let_one_through();
    early.await.unwrap().unwrap();
    org.let_one_through();
    cache.global().await.unwrap();
    assert_eq!(org.seen().len(), 2);
}

#[tokio::test]
async fn what_was_asked_for_before_it_was_forgotten_does_not_come_back_from_the_disk() {
    let userinfo = || Answer::json(r#"{"user_id":"0055i0000000001","organization_id":"00D5i0000000001"}"#);
    let account = |label| Answer::object("Account", label);
    let folder = tempfile::tempdir().unwrap();
    let org = Org::held_up([userinfo(), account("old")]);
    let cache = DescribeCache::in_folder(org.client(), HOUR, folder.path());
    let early = tokio::spawn({
        let cache = cache.clone();
        async move { cache.object("Account").await.unwrap().label.clone() }
    });
    org.request_arrived().await;
    org.let_one_through();
    org.request_arrived().await;
    cache.forget("Account");
    org.let_one_through();
    assert_eq!(early.await.unwrap(), "old");
    cache.flush().await.unwrap();

    let org = Org::new([userinfo(), account("new"), userinfo()]);
    for _ in 0..2 {
        let next = DescribeCache::in_folder(org.client(), HOUR, folder.path());
        assert_eq!(next.object("Account").await.unwrap().label, "new");
        next.flush().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_no_name_never_reaches_the_org() {
    let org = Org::new([]);
    let cache = DescribeCache::new(org.client(), HOUR);
    for name in ["", "../limits", "Account/describe?x=", "Account.Name", "A b"] {
        assert_eq!(cache.object(name).await.unwrap_err().kind(), ErrorKind::InvalidQuery, "{name}");
    }
    assert_eq!(org.seen(), []);
}

#[tokio::test]
async fn an_answer_that_is_no_describe_is_an_error_of_the_protocol() {
    for answer in [Answer::json("<html>"), Answer::json("[]"), Answer(304, None, String::new())] {
        let org = Org::new([answer]);
        let error = DescribeCache::new(org.client(), HOUR).object("Account").await.unwrap_err();
        assert_eq!(error.org().unwrap().kind(), sf_core::ErrorKind::Protocol);
    }
}

#[tokio::test]
async fn the_conditional_request_works_over_a_socket() {
    let server = MockServer::start().await;
    let body = r#"{"name":"Account","label":"over the wire","fields":[]}"#;
    Mock::given(method("GET"))
        .and(path(DESCRIBE))
        .and(headers("if-modified-since", WEDNESDAY.split(", ").collect()))
        .respond_with(ResponseTemplate::new(304))
        .expect(1)
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path(DESCRIBE))
        .respond_with(
            ResponseTemplate::new(200).insert_header("Last-Modified", WEDNESDAY).set_body_string(body),
        )
        .expect(1)
        .mount(&server)
        .await;
    let http = Arc::new(sf_core::http::ReqwestService::new().unwrap());
    let cache = DescribeCache::new(client(http, &server.uri(), "00D!token"), Duration::ZERO);
    for _ in 0..2 {
        assert_eq!(cache.object("Account").await.unwrap().label, "over the wire");
    }
}
