//! Parents that are named by a field of theirs, within a row.

use serde_json::{Value, json};
use sf_sim::schema::{FieldDef, Type};

use crate::support::{Org, V, told};

/// Accounts with an external id, which two of them share, and opportunities without one.
async fn org() -> (Org, String) {
    let mut key = FieldDef::new("Key__c", "Key", Type::String);
    key.set_length(20);
    key.external_id = true;
    let org = Org::new().await;
    org.sim.store(|store| {
        store.add_fields("Account", vec![key]);
    });
    let account = org.sim.insert("Account", &json!({ "Name": "a", "Key__c": "K-1" })).unwrap();
    for name in ["b", "c"] {
        org.sim.insert("Account", &json!({ "Name": name, "Key__c": "K-2" })).unwrap();
    }
    (org, account.to_string())
}

async fn account_of(org: &Org, contact: &Value) -> Value {
    let id = contact["id"].as_str().unwrap();
    org.json(&format!("{V}/sobjects/Contact/{id}?fields=AccountId")).await["AccountId"].clone()
}

#[tokio::test]
async fn a_parent_is_named_by_an_external_id_wherever_a_row_is_written() {
    let (org, account) = org().await;
    let row = json!({ "LastName": "x", "Account": { "Key__c": "k-1" } });
    let contact: Value = org.post(&format!("{V}/sobjects/Contact"), &row).await.json().await.unwrap();
    assert_eq!(account_of(&org, &contact).await, account);

    let mut row = json!({ "attributes": { "type": "Contact" }, "LastName": "y" });
    row["Account"] = json!({ "attributes": { "type": "Account" }, "Key__c": "K-1" });
    let rows = json!({ "records": [row, { "attributes": { "type": "Contact" }, "LastName": "z", "Account": { "Key__c": "no" } }] });
    let done: Value = org.post(&format!("{V}/composite/sobjects"), &rows).await.json().await.unwrap();
    assert_eq!(account_of(&org, &done[0]).await, account);
    let missing = "Foreign key external ID: no not found for field Key__c in entity Account";
    assert_eq!(
        done[1]["errors"],
        json!([{ "statusCode": "INVALID_FIELD", "message": missing, "fields": [] }])
    );

    let url = format!("{V}/sobjects/Contact");
    let part = json!({ "method": "POST", "url": url, "referenceId": "c",
        "body": { "LastName": "w", "Account": { "Key__c": "@{a.Key__c}" } } });
    let first =
        json!({ "method": "GET", "url": format!("{V}/sobjects/Account/{account}"), "referenceId": "a" });
    let parts = json!({ "compositeRequest": [first, part] });
    let done: Value = org.post(&format!("{V}/composite"), &parts).await.json().await.unwrap();
    assert_eq!(account_of(&org, &done["compositeResponse"][1]["body"]).await, account);
}

#[tokio::test]
async fn a_nested_object_that_names_no_one_row_is_refused() {
    let (org, _) = org().await;
    let contact = |account: Value| json!({ "LastName": "x", "Account": account });
    let ids = org.json(&format!("{V}/query?q=SELECT+Id+FROM+Account+WHERE+Key__c='K-2'+ORDER+BY+Id")).await;
    let two = [&ids["records"][0]["Id"], &ids["records"][1]["Id"]].map(|id| id.as_str().unwrap()).join(", ");
    for (row, code, message) in [
        (contact(json!({ "Key__c": "K-2" })), "DUPLICATE_VALUE", format!("More than one record found for external id field: [{two}]")),
        (
            contact(json!({ "Key__c": "K-1", "Name": "a" })),
            "INVALID_FIELD",
            "More than 1 field provided in an external foreign key reference in entity: Account".to_owned(),
        ),
        (
            contact(json!({ "Industry": "a" })),
            "INVALID_FIELD",
            "Field name provided, Industry does not match an External ID, Salesforce Id, or indexed field for Account".to_owned(),
        ),
        (contact(json!({ "Nope": "a" })), "INVALID_FIELD", "No such column 'Nope' on sobject of type Account".to_owned()),
        (
            json!({ "LastName": "x", "Nobody": { "Key__c": "K-1" } }),
            "INVALID_FIELD",
            "No such column 'Nobody' on sobject of type Contact".to_owned(),
        ),
    ] {
        let (status, text) = told(org.post(&format!("{V}/sobjects/Contact"), &row).await).await;
        let body = json!([{ "message": message, "errorCode": code, "fields": [] }]).to_string();
        assert_eq!((status, text), (400, body));
    }
}

#[tokio::test]
async fn a_parent_of_several_kinds_is_named_with_its_kind_before_all_else() {
    let (org, _) = org().await;
    let user = json!({ "attributes": { "type": "User" }, "Id": org.sim.user_id().to_string() });
    let row = json!({ "Subject": "s", "Owner": user });
    let made = org.post(&format!("{V}/sobjects/Case"), &row).await;
    assert_eq!(made.status(), 201, "{}", made.text().await.unwrap());
    let row = json!({ "Subject": "s", "Owner": { "Id": org.sim.user_id().to_string() } });
    let (status, text) = told(org.post(&format!("{V}/sobjects/Case"), &row).await).await;
    // As recorded.
    let message =
        "Nested object for polymorphic foreign key must have an attributes field before any other fields.";
    let body = json!([{ "message": message, "errorCode": "JSON_PARSER_ERROR", "fields": [] }]).to_string();
    assert_eq!((status, text), (400, body));
}

#[tokio::test]
async fn a_row_without_an_id_is_upserted_by_a_post_to_its_id() {
    let org = Org::new().await;
    let made = org.post(&format!("{V}/sobjects/Account/Id"), &json!({ "Name": "new" })).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    let row = org.json(&format!("{V}/sobjects/Account/{}", made["id"].as_str().unwrap())).await;
    assert_eq!(row["Name"], "new");
    let old = org.post("/services/data/v36.0/sobjects/Account/Id", &json!({ "Name": "new" })).await;
    assert_eq!(old.status(), 404, "there from version 37.0 on");
}
