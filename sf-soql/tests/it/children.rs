//! Children that go on beyond their parent's page.

use serde_json::{Value as Json, json};
use sf_soql::{ErrorKind, Query};

use crate::support::wire::Wire;

const BASE: &str = "/services/data/v65.0/query";

fn query() -> Query {
    Query::new("SELECT Name, (SELECT Name FROM Contacts) FROM Account")
}

/// A page of accounts with these answers of their child queries.
fn accounts(contacts: &[Json]) -> (u16, String) {
    let rows: Vec<_> = contacts.iter().map(|contacts| json!({ "Contacts": contacts })).collect();
    (200, json!({ "totalSize": rows.len(), "done": true, "records": rows }).to_string())
}

#[tokio::test]
async fn the_children_of_all_parents_share_the_bytes_of_their_page() {
    let name = "n".repeat(3_000);
    let org = move || {
        let name = name.clone();
        Wire::new(move |path| {
            let more = |parent: &str, page: u32| format!("{BASE}/more-{parent}-{page}");
            if let Some((parent, page)) = path.split_once("more-").and_then(|(_, at)| at.split_once('-')) {
                let (page, rows) = (page.parse::<u32>().unwrap(), [json!({ "Name": name })]);
                let next = if page < 4 { json!(more(parent, page + 1)) } else { Json::Null };
                let answer =
                    json!({ "totalSize": 4, "done": page == 4, "nextRecordsUrl": next, "records": rows });
                return (200, answer.to_string());
            }
            let first =
                |n| json!({ "totalSize": 4, "done": false, "nextRecordsUrl": more(n, 1), "records": [] });
            accounts(&[first("a"), first("b"), first("c")])
        })
    };
    let all = query().max_page(40_000).rows::<Json>(&org().client()).all().await.unwrap();
    assert_eq!(all[2]["Contacts"]["records"].as_array().map(Vec::len), Some(4));
    // Each parent's alone would do; two of them do not, which is seen before they have all come.
    let org = org();
    let error = query().max_page(15_000).rows::<Json>(&org.client()).next_row().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(org.asked().len() < 1 + 2 * 4, "{:?}", org.asked());
}

#[tokio::test]
async fn a_child_query_that_says_that_there_is_more_and_not_where_is_an_error() {
    let open = json!({ "totalSize": 9, "done": false, "records": [{ "Name": "n" }] });
    let more =
        json!({ "totalSize": 9, "done": false, "nextRecordsUrl": format!("{BASE}/more"), "records": [] });
    for first in [open.clone(), more] {
        let open = open.clone();
        let org = Wire::new(move |path| {
            if path.ends_with("more") {
                (200, open.to_string())
            } else {
                accounts(&[Json::Null, first.clone()])
            }
        });
        let error = query().rows::<Json>(&org.client()).all().await.unwrap_err();
        let org = error.org().unwrap();
        assert_eq!(org.kind(), sf_core::ErrorKind::Protocol, "{error:?}");
        assert!(org.to_string().contains("more and not where"), "{org}");
    }
}
