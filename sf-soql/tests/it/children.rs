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
    let name = "n".repeat(10_000);
    let org = Wire::new(move |path| {
        if path.contains("more") {
            let rows = [json!({ "Name": name })];
            return (200, json!({ "totalSize": 1, "done": true, "records": rows }).to_string());
        }
        let more = |n| json!({ "totalSize": 1, "done": false, "nextRecordsUrl": format!("{BASE}/more-{n}"), "records": [] });
        accounts(&[more(1), more(2), more(3)])
    });
    let all = query().max_page(31_000).rows::<Json>(&org.client()).all().await.unwrap();
    assert_eq!(all[2]["Contacts"]["records"][0]["Name"].as_str().map(str::len), Some(10_000));
    // Each parent's alone would do; two of them do not.
    let error = query().max_page(15_000).rows::<Json>(&org.client()).next_row().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}
