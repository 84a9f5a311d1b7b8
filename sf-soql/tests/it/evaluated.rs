//! What the builder writes, run by the emulated org, and read by the client.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use sf_core::Client;
use sf_core::http::InProcess;
use sf_core::record::{Field, FieldType, Schema, Value};
use sf_sim::Sim;
use sf_sim::fault::{Action, Fault, Route};
use sf_soql::function::{count, count_rows, max, sum};
use sf_soql::{Children, DateLiteral, ErrorKind, Fields, Query, Select, field, fields_of, type_of};

use crate::support::client;

const CONTACTS: usize = 450;

/// An account with many contacts, one with none, and three deals.
fn org() -> (Sim, Client) {
    let sim = Sim::builder().build().unwrap();
    let insert = |object: &str, row: Json| sim.insert(object, &row).unwrap().text18();
    let large = insert("Account", json!({ "Name": "Large", "AnnualRevenue": 10.5 }));
    insert("Account", json!({ "Name": "Lonely" }));
    for n in 0..CONTACTS {
        insert("Contact", json!({ "LastName": format!("n{n:03}"), "AccountId": large }));
    }
    for (stage, amount) in [("Prospecting", 10), ("Prospecting", 20), ("Qualification", 5)] {
        insert(
            "Opportunity",
            json!({ "Name": "d", "StageName": stage, "Amount": amount, "CloseDate": "2024-01-31", "AccountId": large }),
        );
    }
    let http = Arc::new(InProcess::new(sim.router()));
    let client = client(http, "https://emulated.my.salesforce.com", &sim.access_token());
    (sim, client)
}

async fn rows(client: &Client, select: &Select) -> Vec<Json> {
    Query::of(select).unwrap().rows(client).all().await.unwrap_or_else(|e| panic!("{select}: {e:?}"))
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase")]
struct Account {
    name: String,
    contacts: Children<Contact>,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "PascalCase")]
struct Contact {
    last_name: String,
}

fn accounts() -> Select {
    Select::from("Account").fields(fields_of::<Account>().unwrap()).order_by("Name")
}

#[tokio::test]
async fn children_on_many_pages_of_the_org_come_whole() {
    let (sim, client) = org();
    for size in [200, 2_000] {
        let query = Query::of(&accounts()).unwrap().batch_size(size);
        let all = query.rows::<Account>(&client).all().await.unwrap();
        let names: Vec<_> = all.iter().map(|a| (a.name.as_str(), a.contacts.len())).collect();
        assert_eq!(names, [("Large", CONTACTS), ("Lonely", 0)]);
        let mut contacts: Vec<_> = all[0].contacts.iter().map(|c| c.last_name.clone()).collect();
        contacts.sort();
        contacts.dedup();
        assert_eq!(contacts.len(), CONTACTS);
    }
    assert!(sim.journal().count(&Route::QueryPage) >= 2, "the children came on pages of their own");
}

#[tokio::test]
async fn a_page_of_children_that_is_refused_is_an_error_and_no_shorter_list() {
    let (sim, client) = org();
    sim.faults().add(Fault::on(Route::QueryPage).nth(2).then(Action::error(
        400,
        "INVALID_QUERY_LOCATOR",
        "invalid query locator",
    )));
    let query = Query::of(&accounts()).unwrap().batch_size(200);
    let error = query.rows::<Account>(&client).all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CursorExpired);
}

#[tokio::test]
async fn every_kind_of_statement_is_evaluated() {
    let (_sim, client) = org();
    let by_stage = Select::from("Opportunity")
        .field("StageName")
        .fields([sum("Amount").alias("total"), count("Id").alias("deals")])
        .group_by("StageName")
        .having(count("Id").gt(1));
    let groups = rows(&client, &by_stage).await;
    assert_eq!(groups.len(), 1);
    assert_eq!((&groups[0]["StageName"], &groups[0]["deals"]), (&json!("Prospecting"), &json!(2)));
    assert_eq!(groups[0]["total"].as_f64(), Some(30.0));

    let with_deals = Select::from("Opportunity").field("AccountId").filter(field("Amount").gt(15));
    let named = |condition| Select::from("Account").field("Name").filter(condition).order_by("Name");
    let large = rows(&client, &named(field("Id").is_in_select(with_deals.clone()))).await;
    assert_eq!(large.iter().map(|a| &a["Name"]).collect::<Vec<_>>(), ["Large"]);
    let lonely = rows(&client, &named(field("Id").is_not_in_select(with_deals))).await;
    assert_eq!(lonely.iter().map(|a| &a["Name"]).collect::<Vec<_>>(), ["Lonely"]);

    let most = rows(&client, &Select::from("Opportunity").field(max("Amount").alias("most"))).await;
    assert_eq!(most[0]["most"].as_f64(), Some(20.0));
    let contacts = Query::of(&Select::from("Contact").field(count_rows())).unwrap();
    assert_eq!(contacts.count(&client).await.unwrap(), CONTACTS as u64);

    let everything = Select::from("Account").field(Fields::All).order_by("Name").limit(1);
    assert_eq!(rows(&client, &everything).await[0]["Name"], "Large");
    let today = named(field("CreatedDate").eq(DateLiteral::Today));
    assert_eq!(rows(&client, &today).await.len(), 2);
    let plans = Query::of(&accounts()).unwrap().explain(&client).await.unwrap();
    assert_eq!(plans[0].sobject_type, "Account");
}

#[tokio::test]
async fn fields_chosen_by_type_are_those_of_each_row() {
    let (sim, client) = org();
    let insert = |object: &str, row: Json| sim.insert(object, &row).unwrap().text18();
    let account = insert("Account", json!({ "Name": "By type", "Phone": "1" }));
    let contact = insert("Contact", json!({ "LastName": "Ann" }));
    let lead = insert("Lead", json!({ "LastName": "Ada", "Company": "c" }));
    for (title, at) in [("a", &account), ("b", &contact), ("c", &lead)] {
        let file = json!({ "Title": title, "PathOnClient": "x.txt", "VersionData": "eA==", "FirstPublishLocationId": at });
        insert("ContentVersion", file);
    }
    let at = type_of("FirstPublishLocation").when("Account", ["Phone"]).when("Contact", ["LastName"]);
    let select = Select::from("ContentVersion").field("Title").field(at.otherwise(["Id"])).order_by("Title");
    let found: Vec<Json> = rows(&client, &select).await;
    let place = |n: usize, name: &str| found[n]["FirstPublishLocation"][name].clone();
    assert_eq!(
        [place(0, "Phone"), place(0, "LastName"), place(1, "LastName"), place(1, "Phone"), place(2, "Id")],
        [json!("1"), Json::Null, json!("Ann"), Json::Null, json!(lead)]
    );

    let names = ["Title", "Phone", "LastName", "Id"];
    let names = names.map(|n| if n == "Title" { n.to_owned() } else { format!("FirstPublishLocation.{n}") });
    let fields = names.iter().map(|name| Field::new(name.as_str(), FieldType::String)).collect();
    let schema = Arc::new(Schema::new("ContentVersion", fields).unwrap());
    let mut records = Query::of(&select).unwrap().records(&client, &schema);
    for (title, name, value) in [("a", 1, "1"), ("b", 2, "Ann"), ("c", 3, lead.as_str())] {
        let record = records.next_record().await.unwrap().unwrap();
        assert_eq!(record.get("Title").unwrap(), Value::Text(title.to_owned().into()));
        for (other, asked) in names.iter().enumerate().skip(1) {
            let expected = if other == name { Value::Text(value.to_owned().into()) } else { Value::Absent };
            assert_eq!(record.get(asked).unwrap(), expected, "{title} {asked}");
        }
    }
    assert!(records.next_record().await.unwrap().is_none());
}

/// What an org does with a query: how many rows it gives, or the code of its refusal.
async fn outcome(client: &Client, select: &Select) -> Result<usize, String> {
    let rows = Query::of(select).unwrap().rows::<Json>(client).all().await;
    rows.map(|rows| rows.len())
        .map_err(|e| e.org().and_then(|e| e.error_code()).unwrap_or_default().to_owned())
}

#[tokio::test]
async fn every_scope_and_with_clause_is_evaluated_or_refused_as_documented() {
    use sf_soql::{CategorySelector, QueryScope, With};
    let (sim, client) = org();
    sim.insert("Case", &json!({ "Subject": "mine" })).unwrap();
    let refused = || Err("INVALID_QUERY_SCOPE".to_owned());
    for (scope, accounts, cases) in [
        (QueryScope::Everything, Ok(2), Ok(1)),
        (QueryScope::Mine, Ok(2), Ok(1)),
        (QueryScope::Team, Ok(0), refused()),
        (QueryScope::QueueOwned, refused(), Ok(0)),
        (QueryScope::ScopingRule, refused(), refused()),
        (QueryScope::Delegated, refused(), refused()),
        (QueryScope::MineAndMyGroups, refused(), refused()),
        (QueryScope::MyTerritory, refused(), refused()),
        (QueryScope::MyTeamTerritory, refused(), refused()),
    ] {
        let of = |object: &str| Select::from(object).field("Id").using_scope(scope);
        let found = (outcome(&client, &of("Account")).await, outcome(&client, &of("Case")).await);
        assert_eq!(found, (accounts, cases), "{scope:?}");
    }
    let category = |group: &str| With::DataCategory {
        group: group.to_owned(),
        selector: CategorySelector::At,
        categories: vec!["usa__c".to_owned()],
    };
    let malformed = Err("MALFORMED_QUERY".to_owned());
    for with in [With::SecurityEnforced, With::UserMode, With::SystemMode, category("Geography__c")] {
        let select = Select::from("Account").field("Id").with(with);
        assert_eq!(outcome(&client, &select).await, malformed, "{select}");
    }
    let articles = Select::from("KnowledgeArticleVersion").field("Id").with(category("Geography__c"));
    assert_eq!(outcome(&client, &articles).await, Err("INVALID_TYPE".to_owned()));
}
