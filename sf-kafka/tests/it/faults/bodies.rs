//! Bodies and connections that break, over real sockets.

use bytes::Bytes;
use sf_kafka::runtime::Phase;
use sf_sim::fault::{Action, Fault, Framing, Reply, Route};

use super::support::{Bench, ROWS, leads, says};

const FRAMINGS: [Framing; 3] = [Framing::Length, Framing::Chunked, Framing::Close];

/// The second page as the org sends it, uncompressed.
async fn second_page() -> Bytes {
    let bench = Bench::in_process(leads());
    bench.deliver().await;
    let page = bench.sim.journal().of(&Route::Results).remove(1);
    let request = http::Request::get(format!("{}{}?{}", bench.url, page.path, page.query))
        .header("Authorization", format!("Bearer {}", bench.sim.access_token()))
        .body(Bytes::new())
        .unwrap();
    bench.http.call(request).await.unwrap().collect(1 << 24).await.unwrap()
}

/// Places in a page: inside a quoted cell that holds a line end before and after the place, between a quote
/// and its double, at the end of a row, inside the header, before anything.
fn places(page: &[u8]) -> Vec<(&'static str, u64)> {
    let text = std::str::from_utf8(page).unwrap();
    let line_ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let in_quotes = |at: &usize| text[..*at].matches('"').count() % 2 == 1;
    let inside = *line_ends.iter().rev().find(|at| in_quotes(at)).expect("a cell of two lines");
    let row_end = *line_ends.iter().rev().skip(3).find(|at| !in_quotes(at)).unwrap();
    let doubled = text[..inside].rfind("\"\"").unwrap();
    let places = [
        ("behind a line end in a quoted cell", inside + 1),
        ("between two quotes", doubled + 1),
        ("at the end of a row", row_end + 1),
        ("in the header", 10),
        ("before the first byte", 0),
        ("at the last byte", page.len() - 1),
    ];
    places.map(|(name, at)| (name, at as u64)).to_vec()
}

#[tokio::test]
async fn a_page_that_breaks_off_anywhere_is_read_on_and_every_row_arrives_once() {
    let page = second_page().await;
    for framing in FRAMINGS {
        let runs = places(&page).into_iter().map(|(place, after)| async move {
            let bench = Bench::on_a_port(leads()).await;
            bench.sim.set_gzip(false);
            let cut = Fault::on(Route::Results).nth(2).then(Action::cut_framed(after, framing));
            let fault = bench.sim.faults().add(cut);
            bench.deliver().await;
            assert_eq!(bench.sim.faults().count(fault), 1);
            bench.assert_exact(&format!("cut {place}, {framing:?}"));
        });
        futures_util::future::join_all(runs).await;
    }
}

#[tokio::test]
async fn a_compressed_page_that_breaks_off_or_is_damaged_is_fetched_again() {
    let mut faults: Vec<Action> = FRAMINGS.map(|framing| Action::cut_framed(900, framing)).to_vec();
    faults.extend([0, 12, 900, u64::MAX].map(|after| Action::BrokenGzip { after }));
    let runs = faults.into_iter().map(|action| async move {
        let bench = Bench::on_a_port(leads()).await;
        let fault = bench.sim.faults().add(Fault::on(Route::Results).nth(2).then(action.clone()));
        bench.deliver().await;
        assert_eq!(bench.sim.faults().count(fault), 1, "{action:?}");
        bench.assert_exact(&format!("{action:?}"));
    });
    futures_util::future::join_all(runs).await;
}

#[tokio::test]
async fn whatever_breaks_at_any_step_is_asked_for_again() {
    let steps =
        [Route::Token, Route::Describe, Route::Query, Route::CreateJob, Route::JobInfo, Route::Results];
    let faults = [
        Action::ResetBefore,
        Action::ResetAfter,
        Action::Cut { after: 60, framing: Framing::Length, reset: true },
        Action::cut_framed(60, Framing::Close),
        Action::BrokenGzip { after: 20 },
        Action::stall(60),
    ];
    for step in steps {
        let runs = faults.iter().map(|action| {
            let step = step.clone();
            async move {
                let bench = Bench::on_a_port(leads()).await;
                let fault = bench.sim.faults().add(Fault::on(step.clone()).then(action.clone()));
                bench.deliver().await;
                assert_eq!(bench.sim.faults().count(fault), 1, "{action:?} at {step}");
                bench.assert_exact(&format!("{action:?} at {step}"));
            }
        });
        futures_util::future::join_all(runs).await;
    }
}

#[tokio::test]
async fn a_page_that_stops_in_the_middle_is_left_and_fetched_again() {
    let bench = Bench::on_a_port(leads()).await;
    bench.sim.set_gzip(false);
    let stall = Fault::on(Route::Results).nth(2).times(2).then(Action::stall(9_000));
    let fault = bench.sim.faults().add(stall);
    bench.deliver().await;
    assert_eq!(bench.sim.faults().count(fault), 2);
    bench.assert_exact("a stalled page");
}

const OWN_HEADERS: [&str; 2] = ["Sforce-Locator", "Sforce-NumberOfRecords"];

#[tokio::test(start_paused = true)]
async fn a_page_without_its_headers_is_asked_for_again_and_is_not_taken_for_the_last_one() {
    let bench = Bench::in_process(leads());
    bench.sim.faults().add(Fault::on(Route::Results).nth(2).then(Action::without_headers(OWN_HEADERS)));
    bench.deliver().await;
    bench.assert_exact("headers stripped once");
}

#[tokio::test(start_paused = true)]
async fn where_headers_are_always_stripped_one_page_is_checked_by_the_jobs_own_count() {
    let bench = Bench::in_process(leads());
    bench.sim.faults().add(Fault::on(Route::Results).always().then(Action::without_headers(OWN_HEADERS)));
    bench.deliver_with(&[("result.max.rows", "1000")]).await;
    bench.assert_exact("headers stripped always, one page");
    assert_eq!(bench.calls(Route::Results), 1);
}

#[tokio::test(start_paused = true)]
async fn where_headers_are_always_stripped_and_there_are_more_pages_the_reason_is_said_and_nothing_is_lost() {
    let bench = Bench::in_process(leads());
    let strip = Fault::on(Route::Results).always().then(Action::without_headers(OWN_HEADERS));
    let fault = bench.sim.faults().add(strip);
    let running = bench.run(&[("request.max.retries.time.ms", "2000")]).await;
    let later = bench.sim.hook_before(Route::Describe, 5);
    running.until(later.arrived()).await;
    let Phase::Retrying(reason) = running.phase() else { panic!("{:?}", running.phase()) };
    says(&reason, &["a page has no Sforce-Locator header", "a proxy may strip it"]);
    let offset = bench.offsets.now().await.unwrap();
    assert_eq!((&offset["locator"], &offset["rows"]), (&"".into(), &100.into()), "{offset}");

    bench.sim.faults().remove(fault);
    drop(later);
    running.until(bench.offsets.windows(1)).await;
    running.stopped().await;
    bench.assert_exact("headers stripped for a long time");
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_date_is_said_and_cuts_no_window() {
    let bench = Bench::in_process(leads());
    let strip = Fault::on(Route::Query).times(5).then(Action::without_headers(["Date"]));
    bench.sim.faults().add(strip);
    let running = bench.run(&[]).await;
    let probe = bench.sim.hook(Route::Query, 3);
    running.until(probe.arrived()).await;
    let Phase::Retrying(reason) = running.phase() else { panic!("{:?}", running.phase()) };
    says(&reason, &["the org's answer has no Date", "a proxy may strip it"]);
    drop(probe);
    running.until(bench.offsets.windows(1)).await;
    running.stopped().await;
    bench.assert_exact("no Date");
}

/// The second page with this text in place of another one, where that stands last.
async fn second_page_with(from: &str, to: &str) -> Reply {
    let mut page = String::from_utf8(second_page().await.to_vec()).unwrap();
    let at = page.rfind(from).unwrap();
    page.replace_range(at..at + from.len(), to);
    let csv = Some("text/csv".to_owned());
    Reply { status: 200, content_type: csv, headers: Vec::new(), body: page }
        .header("Sforce-Locator", "MjAw")
        .header("Sforce-NumberOfRecords", "100")
}

/// A page that makes no sense ends the work with a reason, and no row of it is passed by: once it is put
/// right, all arrive.
async fn senseless(page: Reply, texts: &[&str]) {
    let mut bench = Bench::in_process(leads());
    let always = Fault::on(Route::Results).containing("MTAw").always().then(Action::Reply(page));
    let fault = bench.sim.faults().add(always);
    says(&bench.given_up(&[]).await, texts);
    bench.offsets.assert_none_too_far();
    let before = bench.kafka.ids();
    assert!((100..ROWS).contains(&before.len()));

    bench.sim.faults().remove(fault);
    bench.afresh();
    bench.deliver().await;
    let mut all = [before, bench.kafka.ids()].concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all, bench.in_org());
}

#[tokio::test(start_paused = true)]
async fn a_row_with_a_cell_too_many_is_said_with_its_place_and_not_passed_by() {
    let page = second_page_with("\"\n\"00Q", "\",\"\"\n\"00Q").await;
    senseless(page, &["the object could not be read", "line", "of page MTAw is not a row of this result"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_cell_that_is_not_what_its_type_says_is_said_with_row_and_field_and_not_passed_by() {
    let page = second_page().await;
    let text = std::str::from_utf8(&page).unwrap();
    let end = text.rfind(".000Z\"").unwrap();
    let time = &text[end - 19..end];
    let page = second_page_with(time, "the day before").await;
    let what = "field SystemModstamp (datetime) holds what is no value of its type";
    senseless(page, &["a row cannot be converted", "Lead 00Q", what]).await;
}
