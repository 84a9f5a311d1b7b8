//! Queries over REST: pages, children, rows, and what is said when something is wrong.

use std::sync::Arc;
use std::time::Duration;

use bigdecimal::BigDecimal;
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sf_core::record::{Field, FieldType, Schema, Value};
use sf_soql::{Children, DescribeCache, ErrorKind, Query, Select, field, fields_of, function};
use tokio::time::Instant;

use crate::support::wire::Wire;
use crate::support::{recorded_body, shared};

const BASE: &str = "/services/data/v65.0/query";

#[derive(Deserialize, Debug, PartialEq)]
struct Row {
    #[serde(rename = "Id")]
    id: u32,
}

fn error(status: u16, code: &str, message: &str) -> (u16, String) {
    (status, json!([{ "errorCode": code, "message": message }]).to_string())
}

/// A page of rows `from..to` of so many.
fn page(from: u32, to: u32, total: u32) -> String {
    let rows: Vec<_> = (from..to).map(|i| format!(r#"{{"attributes":{{"type":"X"}},"Id":{i}}}"#)).collect();
    let head = if to < total {
        format!(r#""done":false,"nextRecordsUrl":"{BASE}/01gXX-{to}","#)
    } else {
        r#""done":true,"#.to_owned()
    };
    format!(r#"{{"totalSize":{total},{head}"records":[{}]}}"#, rows.join(","))
}

/// An org that has so many rows in pages of this many.
fn paged(takes: Duration, total: u32, size: u32) -> Wire {
    Wire::slow(takes, move |path| {
        let from = path.rsplit_once("01gXX-").map_or(0, |(_, from)| from.parse().unwrap());
        (200, page(from, total.min(from + size), total))
    })
}

fn query() -> Query {
    Query::new("SELECT Id FROM X")
}

#[tokio::test]
async fn rows_come_in_order_over_the_borders_of_pages() {
    let org = paged(Duration::ZERO, 7, 3);
    let mut rows = query().rows::<Row>(&org.client());
    assert_eq!(rows.total_size(), None);
    let mut ids = Vec::new();
    while let Some(row) = rows.next_row().await.unwrap() {
        ids.push(row.id);
        assert_eq!(rows.total_size(), Some(7));
    }
    assert_eq!(ids, [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(rows.next_row().await.unwrap(), None);
    let first = format!("{BASE}?q=SELECT%20Id%20FROM%20X");
    assert_eq!(org.asked(), [first, format!("{BASE}/01gXX-3"), format!("{BASE}/01gXX-6")]);
    let all: Vec<_> = query().rows::<Row>(&org.client()).stream().map(|row| row.unwrap().id).collect().await;
    assert_eq!(all, ids);
    assert_eq!(query().count(&org.client()).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn no_more_pages_are_fetched_ahead_than_allowed() {
    for ahead in [1, 2, 5] {
        let org = paged(Duration::ZERO, 20, 1);
        let mut pages = query().prefetch(ahead).pages(&org.client());
        for taken in 1..=3 {
            pages.next_page().await.unwrap().unwrap();
            // Paused time moves on only when nothing else can.
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(org.asked().len(), taken + ahead);
        }
    }
    let org = paged(Duration::ZERO, 20, 1);
    let pages = query().pages(&org.client());
    // As above.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(org.asked().len(), 0, "nothing is asked before somebody wants it");
    drop(pages);
}

#[tokio::test(start_paused = true)]
async fn the_work_on_a_page_does_not_add_to_the_time_of_the_next() {
    let org = paged(Duration::from_millis(200), 20, 1);
    let mut pages = query().pages(&org.client());
    let begun = Instant::now();
    let mut read = 0;
    while pages.next_page().await.unwrap().is_some() {
        // The work on a page, in paused time.
        tokio::time::sleep(Duration::from_millis(150)).await;
        read += 1;
    }
    assert_eq!(read, 20);
    let most = Duration::from_millis(200 * 20).mul_f64(1.15);
    assert!(begun.elapsed() <= most, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_asks_for_nothing_more() {
    let org = paged(Duration::from_millis(10), 1_000, 1);
    let mut pages = query().prefetch(100).pages(&org.client());
    pages.next_page().await.unwrap();
    drop(pages);
    // Paused time, in which a thousand pages would have come.
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(org.asked().len() <= 3, "{}", org.asked().len());
}

#[tokio::test]
async fn settings_reach_the_org() {
    let org = Wire::new(|path| match path.split_once('?') {
        Some((_, q)) if q.starts_with("explain=") => {
            let plan = json!({ "cardinality": 1, "fields": ["Name"], "leadingOperationType": "Index",
                "notes": [{ "description": "Not considering filter", "fields": ["IsDeleted"], "tableEnumOrId": "X" }],
                "relativeCost": 0.25, "sobjectCardinality": 9, "sobjectType": "X" });
            (200, json!({ "plans": [plan] }).to_string())
        }
        _ => (200, page(0, 1, 1)),
    });
    let client = org.client();
    let binned = Query::of(&Select::from("X").field("Id").all_rows()).unwrap().batch_size(500);
    assert_eq!(binned.soql(), "SELECT Id FROM X");
    assert_eq!(binned.rows::<Row>(&client).all().await.unwrap(), [Row { id: 0 }]);
    assert_eq!(org.asked(), ["/services/data/v65.0/queryAll?q=SELECT%20Id%20FROM%20X"]);
    assert_eq!(org.options(), [Some("batchSize=500".to_owned())]);
    let plans = query().explain(&client).await.unwrap();
    assert_eq!((plans[0].leading_operation_type.as_str(), plans[0].relative_cost), ("Index", 0.25));
    assert_eq!(plans[0].notes[0].fields, ["IsDeleted"]);
    let refused = query().batch_size(100).rows::<Row>(&client).next_row().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidQuery);
    assert_eq!(org.asked().len(), 2);
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    name: String,
    contacts: Children<Contact>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Contact {
    last_name: String,
    cases: Option<Children<Row>>,
}

/// Contacts `from..to` of 10,000, every thousandth with 3 cases of which only one comes at once.
fn contacts(from: u32, to: u32) -> String {
    let rows: Vec<_> = (from..to)
        .map(|i| {
            let cases = if i % 1_000 == 0 {
                let more = format!("{BASE}/cases-of-{i}-1");
                json!({ "totalSize": 3, "done": false, "nextRecordsUrl": more, "records": [{ "Id": 0 }] })
            } else {
                Json::Null
            };
            json!({ "LastName": format!("n\"{i}"), "Cases": cases }).to_string()
        })
        .collect();
    let next = if to < 10_000 {
        format!(r#""done":false,"nextRecordsUrl":"{BASE}/contacts-{to}""#)
    } else {
        r#""done":true"#.to_owned()
    };
    format!(r#"{{"totalSize":10000,{next},"records":[{}]}}"#, rows.join(","))
}

fn family(path: &str) -> (u16, String) {
    if path.contains("cases-of-") {
        (200, r#"{"totalSize":3,"done":true,"records":[{"Id":1},{"Id":2}]}"#.to_owned())
    } else if let Some((_, from)) = path.rsplit_once("contacts-") {
        let from = from.parse().unwrap();
        (200, contacts(from, from + 2_000))
    } else if path.ends_with("/next") {
        (200, r#"{"totalSize":3,"done":true,"records":[{"Name":"three","Contacts":null}]}"#.to_owned())
    } else {
        let one = format!(
            r#"{{"attributes":{{"type":"Account"}},"Name":"one","Weight__c":0.10,"Contacts":{}}}"#,
            contacts(0, 2_000)
        );
        let two = r#"{"Name":"say \"nextRecordsUrl\"","Contacts":null}"#;
        let next = format!("{BASE}/next");
        (200, format!(r#"{{"totalSize":3,"done":false,"nextRecordsUrl":"{next}","records":[{one},{two}]}}"#))
    }
}

#[tokio::test]
async fn ten_thousand_children_and_their_children_come_with_their_parent() {
    let org = Wire::new(family);
    let select = Select::from("Account").fields(fields_of::<Account>().unwrap());
    assert_eq!(
        select.build().unwrap(),
        "SELECT Name, (SELECT LastName, (SELECT Id FROM Cases) FROM Contacts) FROM Account"
    );
    let accounts = Query::of(&select).unwrap().rows::<Account>(&org.client()).all().await.unwrap();
    let names: Vec<_> = accounts.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["one", "say \"nextRecordsUrl\"", "three"]);
    let contacts = &accounts[0].contacts;
    assert_eq!((contacts.len(), accounts[1].contacts.len(), accounts[2].contacts.len()), (10_000, 0, 0));
    for (i, contact) in contacts.iter().enumerate() {
        assert_eq!(contact.last_name, format!("n\"{i}"));
        let cases: Vec<_> = contact.cases.iter().flatten().map(|case| case.id).collect();
        assert_eq!(cases, if i % 1_000 == 0 { vec![0, 1, 2] } else { vec![] });
    }
    // The first page of contacts came with the account: four more, ten times cases, two pages of accounts.
    assert_eq!(org.asked().len(), 4 + 10 + 2);
}

#[tokio::test]
async fn what_is_put_together_stays_as_the_org_wrote_it() {
    let org = Wire::new(family);
    let page = query().pages(&org.client()).next_page().await.unwrap().unwrap();
    let text = std::str::from_utf8(page.body()).unwrap();
    assert!(
        text.contains(r#""Name":"one","Weight__c":0.10,"Contacts":{"totalSize":10000,"done":true,"#),
        "{}",
        &text[..200]
    );
    assert!(!page.is_last());
}

#[tokio::test]
async fn children_that_are_too_many_or_cannot_be_had_are_an_error() {
    let too_large = query().max_page(100_000).rows::<Account>(&Wire::new(family).client()).next_row().await;
    let too_large = too_large.err().unwrap();
    assert_eq!(too_large.kind(), ErrorKind::TooLarge);
    assert!(too_large.to_string().contains("larger than the 100000 bytes"), "{too_large}");
    let plain = Wire::new(|_| (200, page(0, 100, 100)));
    let too_large = query().max_page(1_000).rows::<Row>(&plain.client()).next_row().await.unwrap_err();
    assert_eq!(too_large.kind(), ErrorKind::TooLarge, "a page without children counts too");
    let org = Wire::new(|path| {
        if path.contains("contacts-6000") {
            error(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        } else {
            family(path)
        }
    });
    let failed = query().rows::<Account>(&org.client()).next_row().await.err().unwrap();
    assert_eq!(failed.kind(), ErrorKind::CursorExpired);
}

#[tokio::test]
async fn a_row_that_is_not_what_was_asked_for_is_named_and_the_others_come() {
    let org = Wire::new(|_| {
        (200, r#"{"totalSize":3,"done":true,"records":[{"Id":1},{"Id":"001A","x":[]},{"Id":3}]}"#.to_owned())
    });
    let mut rows = query().rows::<Row>(&org.client());
    assert_eq!(rows.next_row().await.unwrap(), Some(Row { id: 1 }));
    let wrong = rows.next_row().await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Row);
    assert_eq!(wrong.to_string(), "row 2 with Id 001A is not what was asked for");
    let why = wrong.org().unwrap().to_string();
    assert!(why.starts_with("invalid type: string, expected u32 at line 1"), "{why}");
    assert_eq!(rows.next_row().await.unwrap(), Some(Row { id: 3 }));
    let all: Vec<_> = query().rows::<Row>(&org.client()).stream().map(|row| row.is_ok()).collect().await;
    assert_eq!(all, [true, false, true]);
}

#[tokio::test]
async fn what_stands_in_a_row_shows_in_no_debug_and_in_no_error() {
    let org = Wire::new(|_| (200, r#"{"totalSize":1,"done":true,"records":[{"Id":"secret"}]}"#.to_owned()));
    let page = query().pages(&org.client()).next_page().await.unwrap().unwrap();
    let schema = Schema::new("Account", vec![Field::new("Id", FieldType::String)]).unwrap();
    let mut records = query().records(&org.client(), &Arc::new(schema));
    let record = records.next_record().await.unwrap().unwrap();
    assert_eq!(record.cell(0), Some("secret"));
    let error = page.rows::<Row>().unwrap_err();
    for shown in [format!("{page:?}"), format!("{records:?}"), format!("{record:?}"), format!("{error:?}")] {
        assert!(!shown.contains("secret") && shown.len() > 10, "{shown}");
    }
}

#[tokio::test]
async fn refusals_have_a_kind_of_their_own_and_are_told_again() {
    let no_parent = "X.Y\n^\nERROR at Row:1:Column:8\nDidn't understand relationship 'X' in field path.";
    for (status, code, message, kind) in [
        (400, "INVALID_QUERY_LOCATOR", "no", ErrorKind::CursorExpired),
        (400, "INVALID_FIELD", "No such column 'Zzz' on entity 'X'.", ErrorKind::UnknownField),
        (400, "INVALID_FIELD", no_parent, ErrorKind::UnknownField),
        (400, "INVALID_FIELD", "Field must be grouped or aggregated: Name", ErrorKind::InvalidQuery),
        (400, "INVALID_TYPE", "no", ErrorKind::UnknownObject),
        (400, "MALFORMED_QUERY", "no", ErrorKind::InvalidQuery),
        (400, "LIMIT_EXCEEDED", "no", ErrorKind::Org),
        (414, "URI_TOO_LONG", "no", ErrorKind::TooLong),
        (431, "", "no", ErrorKind::TooLong),
        (403, "INSUFFICIENT_ACCESS", "no", ErrorKind::Org),
        (502, "", "no", ErrorKind::Org),
    ] {
        let org =
            Wire::new(
                move |path| {
                    if path.ends_with("-2") { error(status, code, message) } else { (200, page(0, 2, 4)) }
                },
            );
        let mut rows = query().rows::<Row>(&org.client());
        for _ in 0..2 {
            rows.next_row().await.unwrap();
        }
        for _ in 0..3 {
            let refused = rows.next_row().await.unwrap_err();
            assert_eq!(refused.kind(), kind, "{code}");
            assert_eq!(refused.org().unwrap().status(), Some(status));
        }
        assert_eq!(org.asked().len(), 2);
        let ended: Vec<_> = query().rows::<Row>(&org.client()).stream().collect().await;
        assert_eq!(ended.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false]);
    }
    let org = Wire::new(|path| {
        if path.ends_with("-2") { error(400, "INVALID_QUERY_LOCATOR", "x") } else { (200, page(0, 2, 4)) }
    });
    let said = query().rows::<Row>(&org.client()).all().await.unwrap_err().to_string();
    assert!(said.starts_with("the query's cursor is gone after 2 rows"), "{said}");
}

#[tokio::test]
async fn what_is_no_answer_of_a_query_is_an_error_of_the_protocol() {
    for body in [
        "<html>",
        "[]",
        "{}",
        r#"{"totalSize":1,"done":true}"#,
        r#"{"done":true,"records":[]}"#,
        r#"{"totalSize":9,"done":false,"records":[]}"#,
    ] {
        let org = Wire::new(|_| (200, body.to_owned()));
        let wrong = query().rows::<Row>(&org.client()).next_row().await.unwrap_err();
        assert_eq!(wrong.org().unwrap().kind(), sf_core::ErrorKind::Protocol, "{body}");
    }
    for broken in [r#"{"Id":1},{"Id":2},{"Id""#, r#"{"Id":1},{"Id":2},7}"#] {
        let body =
            format!(r#"{{"totalSize":9,"done":false,"nextRecordsUrl":"{BASE}/x-3","records":[{broken}"#);
        let org = Wire::new(move |_| (200, body.clone()));
        let mut rows = query().rows::<Row>(&org.client());
        for _ in 0..2 {
            let wrong = rows.next_row().await.unwrap_err();
            assert_eq!(
                (wrong.kind(), wrong.to_string().as_str()),
                (ErrorKind::Org, "the query failed after 0 rows")
            );
        }
        let schema = Arc::new(Schema::new("X", vec![Field::new("Id", FieldType::Int)]).unwrap());
        let mut records = query().records(&org.client(), &schema);
        for id in 1..=2 {
            assert_eq!(records.next_record().await.unwrap().unwrap().get("Id").unwrap(), Value::Integer(id));
        }
        for _ in 0..2 {
            let wrong = records.next_record().await.unwrap_err();
            assert_eq!(
                (wrong.kind(), wrong.to_string().as_str()),
                (ErrorKind::Row, "row 3 is not what a query answers")
            );
        }
    }
    let circle = Wire::new(|_| (200, page(0, 1, 9)));
    let wrong = query().rows::<Row>(&circle.client()).all().await.unwrap_err();
    assert!(wrong.org().unwrap().to_string().contains("names itself"), "{wrong:?}");
}

#[tokio::test]
async fn a_query_that_no_url_holds_is_refused_with_its_length_and_never_sent() {
    let org = Wire::new(|_| (200, page(0, 1, 1)));
    let ids = |n: usize| (0..n).map(|i| format!("{i:018}"));
    let select = |n| Select::from("X").field("Id").filter(field("Id").is_in(ids(n)));
    let long = Query::of(&select(1_000)).unwrap();
    let url = format!("https://org.example.com{BASE}?q={}", sf_core::client::encode_segment(long.soql()));
    for refused in [
        long.rows::<Row>(&org.client()).next_row().await.unwrap_err(),
        long.explain(&org.client()).await.unwrap_err(),
    ] {
        assert_eq!(refused.kind(), ErrorKind::TooLong);
        let about =
            if refused.to_string().contains(&url.len().to_string()) { 0 } else { "explain".len() - 1 };
        assert!(refused.to_string().contains(&format!("URL of {} bytes", url.len() + about)), "{refused}");
        assert!(refused.to_string().contains("Bulk API 2.0"), "{refused}");
    }
    assert_eq!(org.asked().len(), 0);
    Query::of(&select(500)).unwrap().rows::<Row>(&org.client()).all().await.unwrap();
    assert!(org.asked()[0].len() > 14_000, "{}", org.asked()[0].len());
}

#[tokio::test]
async fn a_refused_field_makes_the_cache_ask_anew() {
    let describe = |name: &str| json!({ "name": name, "fields": [{ "name": "Id" }] }).to_string();
    let org = Wire::new(move |path| match path {
        _ if path.ends_with("Account/describe") => (200, describe("Account")),
        _ if path.ends_with("User/describe") => (200, describe("User")),
        _ if path.ends_with("Lead/describe") => (200, describe("Lead")),
        _ => error(
            400,
            "INVALID_FIELD",
            "\nSELECT Owner.Zzz\n ^\nNo such column 'Zzz' on entity 'User'. If you are …",
        ),
    });
    let cache = DescribeCache::new(org.client(), Duration::from_secs(60));
    let ask = async || {
        for object in ["Account", "User", "Lead"] {
            cache.object(object).await.unwrap();
        }
    };
    ask().await;
    ask().await;
    assert_eq!(org.asked().len(), 3);
    let query = Query::new("SELECT Owner.Zzz FROM Account").describes(&cache, "Account");
    let refused = query.rows::<Row>(&org.client()).next_row().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::UnknownField);
    ask().await;
    let asked = org.asked();
    assert_eq!(asked.len(), 6, "{asked:?}");
    assert!(asked[4].ends_with("Account/describe") && asked[5].ends_with("User/describe"), "{asked:?}");
}

#[tokio::test]
async fn a_field_that_is_used_wrongly_is_no_reason_to_ask_anew() {
    let org = Wire::new(|path| match path {
        _ if path.ends_with("/describe") => (200, json!({ "name": "X", "fields": [] }).to_string()),
        _ => error(400, "INVALID_FIELD", "Field must be grouped or aggregated: Name"),
    });
    let cache = DescribeCache::new(org.client(), Duration::from_secs(60));
    cache.object("X").await.unwrap();
    let query = Query::new("SELECT Name, COUNT(Id) FROM X").describes(&cache, "X");
    let refused = query.rows::<Row>(&org.client()).next_row().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidQuery);
    cache.object("X").await.unwrap();
    assert_eq!(org.asked().len(), 2, "{:?}", org.asked());
}

#[tokio::test]
async fn records_keep_every_digit_and_read_through_parents() {
    let org = Wire::new(|_| {
        let rows = r#"
            {"attributes":{"type":"X","url":"/x"},"ID":"001","Owner":{"attributes":{"type":"User"},"Name":"Zoë \"Z\"","Role":{"Name":"r"}},
             "Amount":2102.00,"When":"2023-01-26T09:26:51.000+0000","Open":true,"Place":{"latitude":1.50}},
            {"attributes":{"type":"X"},"ID":"002","Owner":null,"Amount":1.42656567106328E12,"When":null,"Open":false,"Place":null}"#;
        (200, format!(r#"{{"totalSize":2,"done":true,"records":[{rows}]}}"#))
    });
    let fields = [
        ("Owner.Role.Name", FieldType::String),
        ("Id", FieldType::Id),
        ("Amount", FieldType::Currency),
        ("When", FieldType::DateTime),
        ("Open", FieldType::Boolean),
        ("owner.name", FieldType::String),
        ("Place", FieldType::Location),
        ("Unasked", FieldType::Int),
    ];
    let schema = Schema::new("X", fields.map(|(name, of)| Field::new(name, of)).into()).unwrap();
    let mut records = query().records(&org.client(), &Arc::new(schema));
    let one = records.next_record().await.unwrap().unwrap();
    assert_eq!(one.get("Id").unwrap(), Value::Text("001".into()));
    assert_eq!(one.get("Owner.Name").unwrap(), Value::Text("Zoë \"Z\"".into()));
    assert_eq!(one.get("Owner.Role.Name").unwrap(), Value::Text("r".into()));
    assert_eq!(one.cell(2), Some("2102.00"));
    assert_eq!(one.get("When").unwrap(), Value::DateTime("2023-01-26T09:26:51Z".parse().unwrap()));
    assert_eq!(one.get("Open").unwrap(), Value::Boolean(true));
    assert_eq!(one.cell(6), Some(r#"{"latitude":1.50}"#));
    assert_eq!(one.get("Unasked").unwrap(), Value::Absent);
    let two = records.next_record().await.unwrap().unwrap();
    for null in ["Owner.Name", "Owner.Role.Name", "When", "Place"] {
        assert_eq!(two.get(null).unwrap(), Value::Null, "{null}");
    }
    let large: BigDecimal = "1426565671063.28".parse().unwrap();
    assert_eq!(two.get("Amount").unwrap(), Value::Decimal(large));
    assert!(records.next_record().await.unwrap().is_none());
}

#[tokio::test]
async fn records_have_the_fields_that_each_row_chose_by_type() {
    let org = Wire::new(|_| {
        let rows = r#"{"What":{"attributes":{"type":"Account"},"Name":"a","Phone":"1"}},
            {"What":{"attributes":{"type":"Case"},"Subject":"b"}},{"What":null},
            {"What":{"attributes":{"type":"Account"},"Name":"c","Phone":null}}"#;
        (200, format!(r#"{{"totalSize":4,"done":true,"records":[{rows}]}}"#))
    });
    let names = ["What.Name", "What.Phone", "What.Subject"];
    let schema = Schema::new("Task", names.map(|name| Field::new(name, FieldType::String)).into()).unwrap();
    let mut records = query().records(&org.client(), &Arc::new(schema));
    let text = |text: &str| Value::Text(text.to_owned().into());
    for expected in [
        [text("a"), text("1"), Value::Absent],
        [Value::Absent, Value::Absent, text("b")],
        [Value::Null, Value::Null, Value::Null],
        [text("c"), Value::Null, Value::Absent],
    ] {
        let record = records.next_record().await.unwrap().unwrap();
        assert_eq!(names.map(|name| record.get(name).unwrap()), expected);
    }
    assert!(records.next_record().await.unwrap().is_none());
}

#[tokio::test]
async fn recorded_answers_are_read() {
    let Some(shared) = shared("answers of queries of real orgs") else { return };
    let file = shared.join("recorded/restforce-db/200_get_data_api_version_query.json");
    let (body, raw) = recorded_body(&file);
    let org = Wire::new(move |_| (200, body.clone()));
    let rows = query().rows::<Json>(&org.client()).all().await.unwrap();
    assert_eq!(Json::from(rows), raw["records"]);
    let fields = ["Id", "SystemModstamp", "Name"].map(|n| Field::new(n, FieldType::String));
    let schema = Arc::new(Schema::new("CustomObject__c", fields.into()).unwrap());
    let record = query().records(&org.client(), &schema).next_record().await.unwrap().unwrap();
    assert_eq!(record.cell(0), raw["records"][0]["Id"].as_str());
    assert_eq!(record.cell(1), raw["records"][0]["SystemModstamp"].as_str());

    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Group {
        status: String,
        my_count: u64,
    }
    let file = shared.join("recorded/swiftlysalesforce/MockAggregateQueryResult.json");
    let body = std::fs::read_to_string(file).unwrap();
    let raw: Json = serde_json::from_str(&body).unwrap();
    let org = Wire::new(move |_| (200, body.clone()));
    let select =
        Select::from("Task").field("Status").field(function::count("Id").alias("MyCount")).group_by("Status");
    let groups = Query::of(&select).unwrap().rows::<Group>(&org.client()).all().await.unwrap();
    assert_eq!(groups.len(), raw["records"].as_array().unwrap().len());
    assert_eq!((groups[0].status.as_str(), groups[0].my_count), ("Not Started", 10));
}
