//! Pages that are not what they say: of a login, too long, cut with their length made to fit, or falsely the last.

use sf_bulk2::{ErrorKind, Locator, NextPage, Position};

use crate::faults::{drain, numbers, pages, to_file};
use crate::support::{Answer, Script};

#[tokio::test(start_paused = true)]
async fn a_page_that_names_itself_as_the_next_one_ends_the_reading_before_its_rows() {
    // As where something on the way gives the same answer twice: none of its rows may come twice.
    let script = Script::new([Answer::page(0, 2, Some("Mg")), Answer::page(0, 2, Some("Mg"))]);
    let mut pages = pages(&script, Position::START);
    let mut file = Vec::new();
    let error = pages.write_to(&mut file).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Headers);
    assert_eq!(file, Answer::page(0, 2, None).body);
    assert_eq!(pages.position(), Some(Position { before: Some(2), ..Position::page(Locator::new("Mg")) }));
}

/// What a login host says to whoever has no session, with a good status.
fn login_page() -> Answer {
    let mut page = Answer::json(200, "<html>\n<head>\n<title>Login</title>\n</head>\n<p>a, b</p>\n</html>\n");
    page.headers[0].1 = "text/html; charset=UTF-8".to_owned();
    page
}

#[tokio::test(start_paused = true)]
async fn a_login_page_in_place_of_rows_is_no_row_and_the_page_is_fetched_again() {
    let answers = || {
        let page = Answer::page(0, 3, Some("Mw"));
        [
            login_page(),
            login_page(),
            page.clone().cut(40),
            login_page(),
            page,
            login_page(),
            Answer::page(3, 5, None),
        ]
    };
    let script = Script::new(answers());
    assert_eq!(drain(pages(&script, Position::START)).await.unwrap().0, numbers(0, 5));
    assert_eq!(script.left(), 0);
    let file = to_file(pages(&Script::new(answers()), Position::START)).await.unwrap();
    assert_eq!(file.into_bytes(), Answer::page(0, 5, None).body);
    // What the org says about the page is what is told of it.
    let head = pages(&Script::new(answers()), Position::START).next_page().await.unwrap().unwrap();
    assert_eq!((head.rows, head.next), (Some(3), NextPage::Page(Locator::new("Mw"))));

    let script = Script::new((0..4).map(|_| login_page()));
    let mut reader = pages(&script, Position::START);
    let error = reader.next_page().await.unwrap_err();
    assert_eq!(error.api_error().unwrap().kind(), sf_core::ErrorKind::Broken);
    assert_eq!((reader.position(), script.left()), (Some(Position::START), 0));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_says_too_early_that_it_is_the_last_is_not_the_end_for_whoever_goes_on() {
    let answers = || [Answer::page(0, 3, None), Answer::page(0, 3, Some("Mw")), Answer::page(3, 5, None)];
    let script = Script::new(answers());
    let (mut file, mut reader) = (Vec::new(), pages(&script, Position::START).expect_total(Some(5)));
    let error = reader.write_to(&mut file).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Counts);
    assert_eq!(reader.position(), Some(Position { rows: 3, ..Position::START }));
    reader.write_to(&mut file).await.unwrap();
    assert_eq!(file, Answer::page(0, 5, None).body);

    // And from what it says, by another reader.
    let script = Script::new(answers());
    let mut reader = pages(&script, Position::START).expect_total(Some(5));
    reader.write_to(&mut Vec::new()).await.unwrap_err();
    let rest = pages(&script, reader.position().unwrap()).expect_total(Some(5));
    assert_eq!(drain(rest).await.unwrap().0, numbers(3, 5));
}

#[tokio::test(start_paused = true)]
async fn what_stands_behind_the_rows_of_a_page_is_no_row_and_costs_none_of_the_next_page() {
    // The same answer a second time, head and all, as a connection that is closed at its end delivers it.
    let (first, last) = (Answer::page(0, 3, Some("Mw")), Answer::page(3, 6, None));
    let mut twice = first.clone().close_framed();
    twice.body.extend(b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\n");
    twice.body.extend(&first.body);
    for piece in [1, 11, 1000] {
        let answers = [Answer { piece, ..twice.clone() }, first.clone(), last.clone()];
        let script = Script::new(answers.clone());
        assert_eq!(drain(pages(&script, Position::START)).await.unwrap().0, numbers(0, 6));
        assert_eq!(script.left(), 0);
        let file = to_file(pages(&Script::new(answers), Position::START)).await.unwrap();
        assert_eq!(file.into_bytes(), Answer::page(0, 6, None).body, "pieces of {piece}");
    }
    let script = Script::new(std::iter::repeat_n(twice, 8));
    let mut reader = pages(&script, Position::START);
    let error = reader.write_to(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Counts);
    assert!(error.to_string().contains("more than the 3 rows that the org said"), "{error}");
    assert!(reader.position().unwrap().rows <= 3);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_left_early_and_names_none_to_follow_is_not_the_last() {
    let script = Script::new([Answer::page(0, 3, None).without("sforce-locator")]);
    let mut reader = pages(&script, Position::START).expect_total(Some(5));
    assert_eq!(reader.next_page().await.unwrap().unwrap().next, NextPage::Unknown);
    for _ in 0..2 {
        assert_eq!(reader.next_page().await.unwrap_err().kind(), ErrorKind::Headers);
        assert_eq!(reader.position(), Some(Position::START));
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_in_the_middle_without_its_line_end_was_cut_whatever_length_was_told() {
    // Something on the way has cut the page and told the length of what was left: its end is known.
    let whole = Answer::page(0, 4, None);
    let last = Answer::page(0, 3, None).body.len();
    for cut in 0..last {
        let short = Answer { body: whole.body[..cut].to_vec(), ..whole.clone() };
        let answers = [short, whole.clone()];
        let script = Script::new(answers.clone());
        let mut rows = pages(&script, Position::START).rows::<(String, String)>();
        let mut read = Vec::new();
        while let Some((id, name)) = rows.next_row().await.unwrap_or_else(|e| panic!("cut at {cut}: {e}")) {
            assert_eq!(name, format!("row \"{id}\",\n"), "cut at {cut}");
            read.push(id);
        }
        assert_eq!((read, script.left()), (numbers(0, 4), 0), "cut at {cut}");
        let file = to_file(pages(&Script::new(answers), Position::START)).await.unwrap();
        assert_eq!(file.as_bytes(), whole.body, "cut at {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_behind_the_first_that_was_cut_in_its_header_or_a_row_is_fetched_again() {
    let (first, whole) = (Answer::page(0, 2, Some("L2")), Answer::page(2, 5, None));
    let last = Answer::page(2, 4, None).body.len();
    for (cut, explicit) in (0..last).flat_map(|cut| [(cut, true), (cut, false)]) {
        let short = Answer { body: whole.body[..cut].to_vec(), ..whole.clone() };
        let short = if explicit { short } else { short.close_framed() };
        let script = Script::new([first.clone(), short, whole.clone()]);
        let mut rows = pages(&script, Position::START).rows::<(String, String)>();
        let mut read = Vec::new();
        while let Some((id, _)) = rows.next_row().await.unwrap_or_else(|e| panic!("cut at {cut}: {e}")) {
            read.push(id);
        }
        assert_eq!((read, script.left()), (numbers(0, 5), 0), "cut at {cut}, explicit: {explicit}");
    }
}
