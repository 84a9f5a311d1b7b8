//! Related rows by friendly URLs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Org, V, keys, told};

const NOT_FOUND: &str = r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#;

/// An account with a parent, and three contacts of it, of which the last was deleted.
struct Family {
    org: Org,
    parent: String,
    account: String,
    contacts: Vec<String>,
}

async fn family() -> Family {
    let org = Org::new().await;
    let add = |object: &str, row: Value| org.sim.insert(object, &row).unwrap().to_string();
    let parent = add("Account", json!({ "Name": "Above" }));
    let account = add("Account", json!({ "Name": "Wheelworks", "ParentId": parent }));
    let contact = |n: u32| add("Contact", json!({ "LastName": format!("No {n}"), "AccountId": account }));
    let contacts: Vec<String> = (0..3).map(contact).collect();
    let gone =
        org.call(Method::DELETE, &format!("{V}/sobjects/Contact/{}", contacts[2])).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    Family { org, parent, account, contacts }
}

#[tokio::test]
async fn a_parent_is_read_changed_and_deleted_by_the_way_to_it() {
    let Family { org, parent, account, contacts } = family().await;
    let contact = format!("{V}/sobjects/Contact/{}", contacts[0]);
    let through = org.json(&format!("{contact}/Account")).await;
    assert_eq!(through, org.json(&format!("{V}/sobjects/Account/{account}")).await);
    let two = org.json(&format!("{contact}/account/parent?fields=Name")).await;
    assert_eq!((keys(&two), &two["Name"]), (vec!["attributes", "Name"], &"Above".into()));
    assert_eq!(two["attributes"]["url"], format!("{V}/sobjects/Account/{parent}"));
    // A reference to users or queues leads to what it points to.
    let owner = org.json(&format!("{contact}/Owner")).await;
    assert_eq!(owner["attributes"]["type"], "User");

    let change = org.call(Method::PATCH, &format!("{contact}/Account/Parent")).json(&json!({ "Site": "x" }));
    assert_eq!(told(change.send().await.unwrap()).await, (204, String::new()));
    assert_eq!(org.json(&format!("{V}/sobjects/Account/{parent}")).await["Site"], "x");
    let delete = org.call(Method::DELETE, &format!("{contact}/Account/Parent")).send().await.unwrap();
    assert_eq!(told(delete).await, (204, String::new()));
    let row = org.json(&format!("{V}/sobjects/Account/{account}")).await;
    assert_eq!((&row["Name"], &row["ParentId"]), (&"Wheelworks".into(), &Value::Null));

    // A reference that points to nothing, a name that is none, a field, and a way on behind children.
    for way in ["Account/Parent", "ReportsTo", "Account/Nope", "Account/Name", "Account/Contacts/Account"] {
        assert_eq!(org.told(&format!("{contact}/{way}")).await, (404, NOT_FOUND.to_owned()), "{way}");
    }
    let (status, body) = org.told(&format!("{contact}/Account?fields=Nope")).await;
    assert_eq!((status, body.contains("INVALID_FIELD")), (400, true), "{body}");
    let post = org.call(Method::POST, &format!("{contact}/Account")).send().await.unwrap();
    assert_eq!(post.status(), 405);
    // The resource came with version 36.
    let early = format!("/services/data/v35.0/sobjects/Contact/{}/Account", contacts[0]);
    assert_eq!(org.get(&early).await.status(), 404);
}

#[tokio::test]
async fn a_parent_is_as_far_as_five_relationships_away() {
    let org = Org::new().await;
    let mut id = org.sim.insert("Account", &json!({ "Name": "0" })).unwrap();
    for n in 1..7 {
        id =
            org.sim.insert("Account", &json!({ "Name": n.to_string(), "ParentId": id.to_string() })).unwrap();
    }
    let way = |steps: usize| format!("{V}/sobjects/Account/{id}{}", "/Parent".repeat(steps));
    assert_eq!(org.json(&way(5)).await["Name"], "1");
    assert_eq!(org.get(&way(6)).await.status(), 404);
}

#[tokio::test]
async fn children_come_as_the_rows_of_a_query_do() {
    let Family { org, parent, account, contacts } = family().await;
    let path = format!("{V}/sobjects/Account/{account}/Contacts");
    let all = org.json(&path).await;
    assert_eq!((keys(&all), &all["totalSize"]), (vec!["totalSize", "done", "records"], &2.into()));
    assert_eq!(all["records"][0], org.json(&format!("{V}/sobjects/Contact/{}", contacts[0])).await);
    let some = org.json(&format!("{path}?fields=LastName,Id")).await;
    assert_eq!(keys(&some["records"][1]), ["attributes", "LastName", "Id"]);
    assert_eq!(some["records"][1]["LastName"], "No 1");
    let none = json!({ "totalSize": 0, "done": true, "records": [] });
    assert_eq!(org.json(&format!("{V}/sobjects/Account/{parent}/Contacts")).await, none);
    let up = org.json(&format!("{V}/sobjects/Contact/{}/Account/Contacts?fields=Id", contacts[1])).await;
    assert_eq!(up["totalSize"], 2);
    for (method, status) in [(Method::PATCH, 405), (Method::DELETE, 405)] {
        assert_eq!(org.call(method, &path).send().await.unwrap().status(), status);
    }
    for n in 0..250 {
        let row = json!({ "LastName": n.to_string(), "AccountId": account });
        org.sim.insert("Contact", &row).unwrap();
    }
    let pages = org.call(Method::GET, &path).header("Sforce-Query-Options", "batchSize=200").send().await;
    let first: Value = pages.unwrap().json().await.unwrap();
    assert_eq!((&first["totalSize"], &first["done"]), (&252.into(), &false.into()));
    let last = org.json(first["nextRecordsUrl"].as_str().unwrap()).await;
    assert_eq!((last["records"].as_array().unwrap().len(), &last["done"]), (52, &true.into()));
}

#[tokio::test]
async fn a_composite_goes_by_relationships_too() {
    let Family { org, contacts, .. } = family().await;
    let url = format!("{V}/sobjects/Contact/{}/Account?fields=Name", contacts[0]);
    let body = json!({ "compositeRequest": [{ "method": "GET", "url": url, "referenceId": "a" }] });
    let answer: Value = org.post(&format!("{V}/composite"), &body).await.json().await.unwrap();
    assert_eq!(answer["compositeResponse"][0]["body"]["Name"], "Wheelworks");
}
