//! Bodies that break, headers that are gone, counts that do not add up: no row lost, none twice.

use std::error::Error as _;

use sf_bulk2::{ErrorKind, Locator, Pages, Position, QueryJob, Result};

use crate::support::{Answer, JOB, Script, schema};

pub(crate) fn pages(script: &Script, from: Position) -> Pages {
    QueryJob::attach(&script.client(), JOB.parse().unwrap(), "65.0".parse().unwrap()).pages(from)
}

/// The Id column of everything that is left, and the position after each page.
pub(crate) async fn drain(mut pages: Pages) -> Result<(Vec<String>, Vec<Option<Position>>)> {
    let (mut ids, mut positions) = (Vec::new(), Vec::new());
    let schema = schema();
    while pages.next_page().await?.is_some() {
        let mut row = pages.record(&schema)?;
        while pages.next_row(&mut row).await? {
            ids.push(row.cell(0).unwrap().to_owned());
        }
        positions.push(pages.position());
    }
    Ok((ids, positions))
}

pub(crate) fn numbers(from: u64, to: u64) -> Vec<String> {
    (from..to).map(|i| i.to_string()).collect()
}

/// What a caller may do with a result, and what is in it: (header, rows) of the CSV that was written.
pub(crate) async fn to_file(mut pages: Pages) -> Result<String> {
    let mut out = Vec::new();
    pages.write_to(&mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

#[tokio::test(start_paused = true)]
async fn pages_follow_each_other_by_locator_and_null_is_the_end() {
    let script = Script::new([Answer::page(0, 3, Some("Mw")), Answer::page(3, 5, None)]);
    let (ids, positions) = drain(pages(&script, Position::START).max_records(3)).await.unwrap();
    assert_eq!(ids, numbers(0, 5));
    assert_eq!(positions, [Some(Position { before: Some(3), ..Position::page(Locator::new("Mw")) }), None]);
    let results = format!("GET /{JOB}/results");
    assert_eq!(
        script.asked(),
        [format!("{results}?maxRecords=3"), format!("{results}?locator=Mw&maxRecords=3")]
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_cut_at_any_byte_is_read_on_without_loss_or_repetition() {
    let length = Answer::page(0, 4, None).body.len();
    let whole = String::from_utf8(Answer::page(0, 4, None).body).unwrap();
    for close in [false, true] {
        for cut in 0..length {
            let broken = Answer::page(0, 4, None);
            let broken = if close { broken.close_framed() } else { broken };
            let answers = [broken.cut(cut), Answer::page(0, 4, None)];
            let script = Script::new(answers.clone());
            let (ids, _) = drain(pages(&script, Position::START)).await.unwrap();
            assert_eq!(ids, numbers(0, 4), "cut at {cut}, close framed: {close}");
            assert_eq!(script.left(), 0);
            let file = to_file(pages(&Script::new(answers), Position::START)).await.unwrap();
            assert_eq!(file, whole, "cut at {cut}, close framed: {close}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_cut_each_time_a_little_later_comes_to_its_end() {
    let cuts = (2..20).map(|i| Answer::page(0, 100, None).cut(i * 60));
    let script = Script::new(cuts.chain([Answer::page(0, 100, None)]));
    let (ids, _) = drain(pages(&script, Position::START)).await.unwrap();
    assert_eq!(ids, numbers(0, 100));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_gave_up_goes_on_where_it_stood_and_not_with_the_next_page() {
    // As many cuts as the client tries, at the header and within a row, and then a good day.
    for cut in [5, 40] {
        let cuts = (0..4).map(|_| Answer::page(0, 4, Some("NA")).cut(cut));
        let answers = || cuts.clone().chain([Answer::page(0, 4, Some("NA")), Answer::page(4, 6, None)]);
        let script = Script::new(answers());
        let mut read = Vec::new();
        let mut pages = pages(&script, Position::START);
        let mut errors = 0;
        loop {
            match pages.next_page().await {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => {
                    errors += 1;
                    continue;
                }
            }
            let mut row = pages.record(&schema()).unwrap();
            loop {
                match pages.next_row(&mut row).await {
                    Ok(true) => read.push(row.cell(0).unwrap().to_owned()),
                    Ok(false) => break,
                    Err(_) => errors += 1,
                }
            }
        }
        assert_eq!((read, errors), (numbers(0, 6), 1), "cut at {cut}");

        // The same into one file, whose header comes with the first row.
        let script = Script::new(answers());
        let mut file = Vec::new();
        let mut pages = QueryJob::attach(&script.client(), JOB.parse().unwrap(), "65.0".parse().unwrap())
            .pages(Position::START);
        pages.write_to(&mut file).await.unwrap_err();
        pages.write_to(&mut file).await.unwrap();
        let calm = [Answer::page(0, 6, None).body].concat();
        assert_eq!(String::from_utf8(file).unwrap(), String::from_utf8(calm).unwrap(), "cut at {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_always_cut_at_the_same_place_is_an_error_with_the_job() {
    let script = Script::new((0..10).map(|_| Answer::page(0, 4, None).cut(40)));
    let error = drain(pages(&script, Position::START)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Api);
    assert_eq!(error.job().unwrap().to_string(), JOB);
    assert_eq!(script.asked().len(), 4, "the retry policy allows four");
}

#[tokio::test(start_paused = true)]
async fn rows_to_read_past_carry_over_when_the_org_cuts_the_page_elsewhere() {
    // Rows 0 to 6 were taken of a page of 9; fetched again it has only 4, and the next one the rest.
    let seven = Answer::page(0, 7, None).body.len();
    let script = Script::new([
        Answer::page(0, 9, Some("OQ")).cut(seven),
        Answer::page(0, 4, Some("NA")),
        Answer::page(4, 9, Some("OQ")),
        Answer::page(9, 12, None),
    ]);
    let (ids, positions) = drain(pages(&script, Position::START)).await.unwrap();
    assert_eq!(ids, numbers(0, 12));
    assert_eq!(positions[0], Some(Position { locator: Some(Locator::new("NA")), rows: 3, before: Some(4) }));
}

#[tokio::test(start_paused = true)]
async fn reading_goes_on_from_a_stored_position_inside_a_page() {
    let script = Script::new([Answer::page(10, 20, Some("MjA")), Answer::page(20, 22, None)]);
    let from = Position { rows: 4, ..Position::page(Locator::new("MTA")) };
    let (ids, _) = drain(pages(&script, from)).await.unwrap();
    assert_eq!(ids, numbers(14, 22));
}

#[tokio::test(start_paused = true)]
async fn fewer_rows_than_the_org_said_are_never_a_whole_page() {
    let mut short = Answer::page(0, 3, None);
    short.headers[1].1 = "4".into();
    let script = Script::new([short.clone(), Answer::page(0, 4, None)]);
    assert_eq!(drain(pages(&script, Position::START)).await.unwrap().0, numbers(0, 4));

    let script = Script::new((0..4).map(|_| short.clone()));
    let error = drain(pages(&script, Position::START)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Counts);
    assert!(error.to_string().contains("3 rows, the org said 4"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn without_a_count_and_without_a_length_a_page_is_fetched_twice_and_compared() {
    let bare = || Answer::page(0, 4, None).without("sforce-numberofrecords").close_framed();
    let script = Script::new([bare(), bare()]);
    assert_eq!(drain(pages(&script, Position::START)).await.unwrap().0, numbers(0, 4));
    assert_eq!(script.left(), 0);

    // Cut at the end of a row, which looks whole. The second answer is longer, so the first was cut.
    let two = Answer::page(0, 2, None).body.len();
    let script = Script::new([bare().cut(two), bare(), bare(), bare()]);
    assert_eq!(drain(pages(&script, Position::START)).await.unwrap().0, numbers(0, 4));
}

#[tokio::test(start_paused = true)]
async fn a_missing_locator_is_not_the_end_unless_the_rows_add_up() {
    let stripped = || Answer::page(0, 4, None).without("sforce-locator").without("sforce-numberofrecords");
    let script = Script::new([stripped()]);
    let all = pages(&script, Position::START).expect_total(Some(4));
    assert_eq!(drain(all).await.unwrap().0, numbers(0, 4));

    let script = Script::new((0..4).map(|_| stripped()));
    let error = drain(pages(&script, Position::START).expect_total(Some(9))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Headers);

    // A proxy that strips them once, not always.
    let script = Script::new([stripped(), Answer::page(0, 4, Some("NA")), Answer::page(4, 5, None)]);
    assert_eq!(drain(pages(&script, Position::START)).await.unwrap().0, numbers(0, 5));
}

#[tokio::test(start_paused = true)]
async fn pages_that_do_not_add_up_to_the_jobs_total_are_an_error() {
    let script = Script::new([Answer::page(0, 3, Some("Mw")), Answer::page(3, 5, None)]);
    let error = drain(pages(&script, Position::START).expect_total(Some(6))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Counts);
    assert!(error.to_string().contains("5 rows, the org counted 6"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_total_is_checked_also_by_a_reader_that_begins_in_the_middle() {
    let from = Position { before: Some(10), ..Position::page(Locator::new("MTA")) };
    let script = Script::new([Answer::page(10, 20, None)]);
    let error = drain(pages(&script, from.clone()).expect_total(Some(25))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Counts);
    let script = Script::new([Answer::page(10, 20, None)]);
    assert_eq!(drain(pages(&script, from).expect_total(Some(20))).await.unwrap().0, numbers(10, 20));
}

#[tokio::test(start_paused = true)]
async fn a_row_that_is_none_is_not_counted_as_taken() {
    let mut ragged = Answer::page(0, 3, None);
    ragged.body = b"\"Id\",\"Name\"\n\"0\",\"a\"\n\"1\"\n\"2\",\"c\"\n".to_vec();
    let script = Script::new([ragged, Answer::page(0, 3, None)]);
    let mut pages = pages(&script, Position::START);
    let schema = schema();
    pages.next_page().await.unwrap();
    let mut row = pages.record(&schema).unwrap();
    assert!(pages.next_row(&mut row).await.unwrap());
    assert_eq!(pages.next_row(&mut row).await.unwrap_err().kind(), ErrorKind::Csv);
    assert_eq!(pages.position(), Some(Position { rows: 1, ..Position::START }));
    // Opened again, it goes on with that very row.
    pages.next_page().await.unwrap();
    assert!(pages.next_row(&mut row).await.unwrap());
    assert_eq!(row.cell(0), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn a_last_row_without_a_line_end_is_a_row_where_the_end_is_known() {
    let mut page = Answer::page(0, 2, None);
    page.body.pop();
    let (ids, _) = drain(pages(&Script::new([page.clone()]), Position::START)).await.unwrap();
    assert_eq!(ids, numbers(0, 2));
    let file = to_file(pages(&Script::new([page]), Position::START)).await.unwrap();
    assert_eq!(file, String::from_utf8(Answer::page(0, 2, None).body).unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_page_without_a_header_line_that_breaks_off_is_written_once() {
    let headless = |answer: Answer| {
        let mut answer = answer;
        answer.body.drain(.."\"Id\",\"Name\"\n".len());
        answer
    };
    let second = || headless(Answer::page(3, 9, None));
    for cut in 0..second().body.len() {
        let script = Script::new([Answer::page(0, 3, Some("Mw")), second().cut(cut), second()]);
        let file = to_file(pages(&script, Position::START)).await.unwrap();
        assert_eq!(file, String::from_utf8(Answer::page(0, 9, None).body).unwrap(), "cut at {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
    let mut page = Answer::page(0, 2, None);
    page.body.extend_from_slice(b"\"");
    page.body.resize(40 << 20, b'x');
    page.piece = 1 << 20;
    let error = to_file(pages(&Script::new([page]), Position::START)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Csv);
}

#[tokio::test(start_paused = true)]
async fn a_page_without_a_header_line_loses_no_row() {
    let mut second = Answer::page(3, 5, None);
    second.body.drain(.."\"Id\",\"Name\"\n".len());
    let answers = [Answer::page(0, 3, Some("Mw")), second];
    let (ids, _) = drain(pages(&Script::new(answers.clone()), Position::START)).await.unwrap();
    assert_eq!(ids, numbers(0, 5));
    let file = to_file(pages(&Script::new(answers), Position::START)).await.unwrap();
    assert_eq!(file, String::from_utf8(Answer::page(0, 5, None).body).unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_empty_result_is_a_header_and_nothing_else() {
    let empty = Answer::page(0, 0, None);
    let (ids, positions) = drain(pages(&Script::new([empty.clone()]), Position::START)).await.unwrap();
    assert_eq!((ids.len(), positions), (0, vec![None]));
    assert_eq!(to_file(pages(&Script::new([empty]), Position::START)).await.unwrap(), "\"Id\",\"Name\"\n");
}

#[tokio::test(start_paused = true)]
async fn an_empty_body_is_not_an_empty_result() {
    let nothing = Answer::page(0, 0, None).without("sforce-numberofrecords").cut(0);
    let nothing = Answer { broken: false, ..nothing };
    let script = Script::new([nothing, Answer::page(0, 2, None)]);
    assert_eq!(drain(pages(&script, Position::START)).await.unwrap().0, numbers(0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_ragged_row_and_a_wrong_header_are_errors_that_say_where() {
    let mut ragged = Answer::page(0, 2, None);
    ragged.body = b"\"Id\",\"Name\"\n\"1\",\"a\"\n\"2\"\n".to_vec();
    let error = drain(pages(&Script::new([ragged]), Position::START)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Csv);
    assert!(error.to_string().contains("line 3 of the first page"), "{error}");

    let mut other = Answer::page(0, 0, None);
    other.body = b"\"Id\",\"Emial\"\n".to_vec();
    let error = drain(pages(&Script::new([other]), Position::START)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Csv);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_gone_says_so() {
    let gone = r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#;
    let error = drain(pages(&Script::new([Answer::json(404, gone)]), Position::START)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobGone);
    // A page says nothing of the job: the org has left this host, or something on the way does not know it.
    let mut page = Answer::json(404, "<html>URL No Longer Exists</html>");
    page.headers[0].1 = "text/html".to_owned();
    let error = drain(pages(&Script::new([page]), Position::START)).await.unwrap_err();
    assert_eq!((error.kind(), error.api_error().unwrap().status()), (ErrorKind::Api, Some(404)));
}

#[tokio::test(start_paused = true)]
async fn structs_are_read_over_the_borders_of_pages() {
    #[derive(serde::Deserialize, PartialEq, Debug)]
    struct Thing {
        #[serde(rename = "Id")]
        id: u64,
        #[serde(rename = "Name")]
        name: Option<String>,
    }
    let mut last = Answer::page(3, 4, None);
    last.body = b"\"Id\",\"Name\"\n\"3\",\"\"\n".to_vec();
    let script = Script::new([Answer::page(0, 3, Some("Mw")), last]);
    let mut rows = pages(&script, Position::START).rows::<Thing>();
    let mut all = Vec::new();
    while let Some(row) = rows.next_row().await.unwrap() {
        all.push(row);
    }
    assert_eq!(all.iter().map(|t| t.id).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(all[1].name.as_deref(), Some("row \"1\",\n"));
    assert_eq!(all[3].name, None);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_is_no_such_struct_names_its_id_and_the_next_one_follows() {
    #[derive(serde::Deserialize, Debug)]
    struct Numbered {
        #[serde(rename = "Name")]
        name: u64,
    }
    let mut page = Answer::page(0, 2, None);
    page.body = b"\"Id\",\"Name\"\n\"0017Q00000BFw5kQAD\",\"secret\"\n\"a2\",\"7\"\n".to_vec();
    let mut rows = pages(&Script::new([page]), Position::START).rows::<Numbered>();
    let error = rows.next_row().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Row);
    assert!(
        error.to_string().contains("line 2 of the first page, with Id 0017Q00000BFw5kQAD, is not"),
        "{error}"
    );
    let why = error.source().unwrap().to_string();
    assert_eq!(why, "column Name: the cell is no u64: invalid digit found in string");
    assert_eq!(rows.next_row().await.unwrap().unwrap().name, 7);
    assert!(rows.next_row().await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_character_that_is_cut_in_two_by_the_border_of_cells_is_no_text() {
    // The two halves of an ö, each in a cell of its own: together they would be text.
    let mut page = Answer::page(0, 1, None);
    page.body = b"\"Id\",\"Name\"\n\"1\xC3\",\"\xB6\"\n".to_vec();
    let mut rows = pages(&Script::new([page.clone()]), Position::START).rows::<(String, String)>();
    let error = rows.next_row().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Csv);
    assert!(error.to_string().contains("a row is not UTF-8"), "{error}");
    let error = drain(pages(&Script::new([page]), Position::START)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Csv);
}
