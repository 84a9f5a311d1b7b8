//! Rows against an emulated org, which shares no code with the client.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sf_core::sobject::{Collections, Composite, Fields, Graphs, RowOutcome, Upserted};
use sf_core::{ApiVersion, ErrorKind, Id};
use sf_sim::fault::Route;

use crate::support::Org;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    name: String,
    phone: Option<String>,
    annual_revenue: Option<f64>,
}

fn account(name: &str) -> Account {
    Account { id: None, name: name.to_owned(), phone: Some("030 1".to_owned()), annual_revenue: None }
}

const FIELDS: &[&str] = &["Id", "Name", "Phone", "AnnualRevenue"];

#[tokio::test]
async fn a_row_is_created_read_changed_and_deleted() {
    let org = Org::new().await;
    let id = org.client.create("Account", &account("Wheelworks")).await.unwrap();
    let read: Account = org.client.retrieve("Account", id, FIELDS).await.unwrap();
    assert_eq!(read, Account { id: Some(id), ..account("Wheelworks") });

    // A struct that was read can be written: its own Id is no change.
    let changed = Account { name: "Wheelworks & Söhne".to_owned(), annual_revenue: Some(12.0), ..read };
    org.client.update("Account", id, &changed).await.unwrap();
    assert_eq!(org.client.retrieve::<Account>("Account", id, FIELDS).await.unwrap(), changed);

    org.client.delete_row("Account", id).await.unwrap();
    let gone = org.client.retrieve::<Value>("Account", id, &[]).await.unwrap_err();
    assert_eq!((gone.kind(), gone.error_code()), (ErrorKind::NotFound, Some("ENTITY_IS_DELETED")));
    let twice = org.client.delete_row("Account", id).await.unwrap_err();
    assert_eq!((twice.kind(), twice.outcome_unknown()), (ErrorKind::NotFound, false));
}

#[tokio::test]
async fn null_empties_a_field_and_absence_leaves_it() {
    let org = Org::new().await;
    let id = org.client.create("Account", &account("A")).await.unwrap();
    let phone =
        async || org.client.retrieve::<Value>("Account", id, &["Phone"]).await.unwrap()["Phone"].clone();
    let without = Account { phone: None, ..account("B") };
    org.client.update("Account", id, &Fields::of(&without).unwrap().without_nulls()).await.unwrap();
    assert_eq!(phone().await, "030 1");
    org.client.update("Account", id, &Fields::new().field("Name", "C")).await.unwrap();
    assert_eq!(phone().await, "030 1");
    org.client.update("Account", id, &without).await.unwrap();
    assert_eq!(phone().await, Value::Null);
}

#[tokio::test]
async fn a_row_that_cannot_work_is_refused_before_it_is_sent() {
    let org = Org::new().await;
    let id = org.client.create("Account", &account("A")).await.unwrap();
    let calls = org.sim.journal().count(&Route::Row);
    let other = Account { id: Some("0015i0000000009".parse().unwrap()), ..account("A") };
    let errors = [
        org.client.create("Account", &other).await.unwrap_err(),
        org.client.update("Account", id, &other).await.unwrap_err(),
        org.client.create("Account/describe", &account("A")).await.unwrap_err(),
        org.client.create("", &account("A")).await.unwrap_err(),
        org.client.upsert("Account", "Key__c", "", &account("A")).await.unwrap_err(),
        org.client.upsert("Account", "Key__c", "1", &json!({ "Key__c": "2" })).await.unwrap_err(),
        org.client.create("Account", &Fields::new().number("AnnualRevenue", "1,5")).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert_eq!(org.sim.journal().count(&Route::Row), calls);
}

#[tokio::test]
async fn an_org_that_refuses_a_row_says_why_in_its_own_words() {
    let org = Org::new().await;
    let error = org.client.create("Account", &json!({ "FavoritePet__c": "cat" })).await.unwrap_err();
    assert_eq!((error.kind(), error.error_code()), (ErrorKind::Refused, Some("INVALID_FIELD")));
    assert_eq!(error.api_errors()[0].message, "No such column 'FavoritePet__c' on sobject of type Account");
    let error = org.client.create("Contact", &json!({ "FirstName": "Ada" })).await.unwrap_err();
    assert_eq!(error.api_errors()[0].fields, ["LastName"]);
    assert!(!error.outcome_unknown());
}

#[tokio::test]
async fn an_upsert_creates_changes_or_tells_of_several() {
    let org = Org::new().await;
    let upsert = async |key: &str, name: &str| {
        org.client.upsert("Account", "Key__c", key, &json!({ "Name": name })).await.unwrap()
    };
    let Upserted::Created(id) = upsert("a/1 %&", "one").await else { panic!("not created") };
    assert_eq!(upsert("a/1 %&", "two").await, Upserted::Updated(Some(id)));
    let row: Value =
        org.client.retrieve_by("Account", "Key__c", "a/1 %&", &["Name", "Key__c"]).await.unwrap();
    assert_eq!((&row["Name"], &row["Key__c"]), (&json!("two"), &json!("a/1 %&")));

    let twin = org.client.create("Account", &json!({ "Name": "twin", "Key__c": "a/1 %&" })).await.unwrap();
    assert_eq!(upsert("a/1 %&", "three").await, Upserted::Several(vec![id, twin]));
    let name: Value = org.client.retrieve("Account", id, &["Name"]).await.unwrap();
    assert_eq!(name["Name"], "two", "nothing was changed");
    let several = org.client.retrieve_by::<Value>("Account", "Key__c", "a/1 %&", &["Id"]).await.unwrap_err();
    assert!(several.to_string().contains(&twin.to_string()), "{several}");

    let error = org.client.upsert("Account", "Phone", "1", &json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn a_row_that_was_read_can_be_upserted() {
    let org = Org::new().await;
    let id = org.client.create("Account", &json!({ "Name": "one", "Key__c": "k" })).await.unwrap();
    let mut row: Value = org.client.retrieve("Account", id, &["Id", "Name", "Key__c"]).await.unwrap();
    row["Name"] = json!("two");
    assert_eq!(row["Id"], json!(id));
    let upserted = org.client.upsert("Account", "Key__c", "k", &row).await.unwrap();
    assert_eq!(upserted, Upserted::Updated(Some(id)));
    let read: Value = org.client.retrieve("Account", id, &["Name"]).await.unwrap();
    assert_eq!(read["Name"], "two");
}

#[tokio::test]
async fn an_upsert_of_an_old_version_tells_a_change_without_an_id() {
    let org = Org::new().await;
    let token = org.client.token().await.unwrap();
    #[derive(Debug)]
    struct Old(std::sync::Arc<sf_core::auth::Token>);
    impl sf_core::auth::TokenProvider for Old {
        fn token(
            &self,
        ) -> futures_util::future::BoxFuture<'_, sf_core::Result<std::sync::Arc<sf_core::auth::Token>>>
        {
            Box::pin(std::future::ready(Ok(self.0.clone())))
        }
        fn invalidate(&self, _: &sf_core::auth::Token) {}
    }
    let version: ApiVersion = "45.0".parse().unwrap();
    let old = sf_core::Client::builder(Old(token)).api_version(version).build().unwrap();
    let row = json!({ "Name": "x" });
    assert!(matches!(old.upsert("Account", "Key__c", "k", &row).await.unwrap(), Upserted::Created(_)));
    assert_eq!(old.upsert("Account", "Key__c", "k", &row).await.unwrap(), Upserted::Updated(None));
}

fn names(count: usize) -> Vec<Value> {
    (0..count).map(|n| json!({ "Name": format!("Account {n}") })).collect()
}

#[tokio::test]
async fn a_long_collection_goes_in_calls_of_200_and_every_row_keeps_its_place() {
    let org = Org::new().await;
    let mut rows = names(450);
    rows[7] = json!({ "Phone": "no name" });
    rows[201] = json!({ "Name": "x".repeat(300) });
    let collections = Collections::new(&org.client);
    let outcomes = collections.create("Account", &rows).await.unwrap().whole().unwrap();
    assert_eq!(org.sim.journal().count(&Route::Collection), 3);
    assert_eq!(outcomes.len(), 450);
    let refused: Vec<_> = outcomes
        .iter()
        .enumerate()
        .filter(|(_, o)| !o.is_done())
        .map(|(at, o)| (at, &o.errors()[0]))
        .collect();
    assert_eq!(
        refused.iter().map(|(at, e)| (*at, e.error_code.as_str())).collect::<Vec<_>>(),
        [(7, "REQUIRED_FIELD_MISSING"), (201, "STRING_TOO_LONG")]
    );
    assert_eq!(org.count("Account"), 448);

    let ids: Vec<Id> = outcomes.iter().filter_map(RowOutcome::id).collect();
    let read: Vec<Option<Value>> = collections.retrieve("Account", &ids, &["Name"]).await.unwrap();
    let read: Vec<_> = read.iter().map(|row| row.as_ref().unwrap()["Name"].as_str().unwrap()).collect();
    let sent: Vec<_> = rows
        .iter()
        .enumerate()
        .filter(|(at, _)| ![7, 201].contains(at))
        .map(|(_, row)| row["Name"].as_str().unwrap())
        .collect();
    assert_eq!(read, sent);
}

#[tokio::test]
async fn a_collection_is_changed_upserted_read_and_deleted() {
    let org = Org::new().await;
    let collections = Collections::new(&org.client);
    let created = collections.create("Account", &names(3)).await.unwrap().whole().unwrap();
    let ids: Vec<Id> = created.iter().filter_map(RowOutcome::id).collect();

    let nobody: Id = "0015i00000000zz".parse().unwrap();
    let changes: Vec<_> = ids.iter().chain([&nobody]).map(|id| json!({ "Id": id, "Key__c": id })).collect();
    let changed = collections.update("Account", &changes).await.unwrap();
    assert_eq!(changed.done(), 3);
    let (at, errors) = changed.refused().next().unwrap();
    assert_eq!((at, errors[0].error_code.as_str()), (3, "INVALID_CROSS_REFERENCE_KEY"));

    let rows = vec![json!({ "Name": "new", "Key__c": "n" }), json!({ "Name": "known", "Key__c": ids[1] })];
    let upserted = collections.upsert("Account", "Key__c", &rows).await.unwrap().whole().unwrap();
    let told: Vec<_> = upserted
        .iter()
        .map(|outcome| match outcome {
            RowOutcome::Done { id, created, .. } => (*created, *id == Some(ids[1])),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [(Some(true), false), (Some(false), true)]);

    // Rows that were read can be upserted: the Id that stands in them is not sent.
    let fields = &["Id", "Name", "Key__c"];
    let read: Vec<Option<Value>> = collections.retrieve("Account", &ids[1..2], fields).await.unwrap();
    assert_eq!(read[0].as_ref().unwrap()["Id"], json!(ids[1]));
    let again = collections.upsert("Account", "Key__c", &read).await.unwrap().whole().unwrap();
    assert_eq!(again[0].id(), Some(ids[1]), "{again:?}");
    let by_id = json!({ "Id": ids[1], "Phone": "030 1" });
    assert_eq!(collections.upsert("Account", "Id", &[by_id]).await.unwrap().done(), 1);

    let deleted = collections.delete(&[ids[0], nobody, ids[2]]).await.unwrap();
    assert_eq!((deleted.done(), deleted.refused().next().unwrap().0), (2, 1));
    let read: Vec<Option<Value>> = collections.retrieve("Account", &ids, &["Name"]).await.unwrap();
    let read: Vec<_> = read.iter().map(|row| row.as_ref().map(|row| row["Name"].clone())).collect();
    assert_eq!(read, [None, Some(json!("known")), None]);
}

#[tokio::test]
async fn all_or_none_undoes_every_row_of_the_call() {
    let org = Org::new().await;
    let all = Collections::new(&org.client).all_or_none(true);
    let rows = [json!({ "Name": "good" }), json!({ "Phone": "bad" }), json!({ "Name": "good too" })];
    let outcomes = all.create("Account", &rows).await.unwrap().whole().unwrap();
    let codes: Vec<_> = outcomes.iter().map(|o| o.errors()[0].error_code.as_str()).collect();
    let undone = "ALL_OR_NONE_OPERATION_ROLLED_BACK";
    assert_eq!(codes, [undone, "REQUIRED_FIELD_MISSING", undone]);
    assert_eq!(org.count("Account"), 0);
    assert_eq!(all.create("Account", &rows[..1]).await.unwrap().done(), 1);

    // An org could not undo the first call for the sake of the second.
    let error = all.create("Account", &names(201)).await.unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains("201 rows"), "{error}");
    assert_eq!(org.count("Account"), 1);
}

#[tokio::test]
async fn a_collection_with_a_row_that_cannot_work_is_not_sent() {
    let org = Org::new().await;
    let collections = Collections::new(&org.client);
    let mut rows = names(400);
    rows[399] = json!({ "Name": "a", "name": "b" });
    let error = collections.create("Account", &rows).await.unwrap_err();
    assert!(error.to_string().contains("row 400"), "{error}");
    for error in [
        collections.update("Account", &names(1)).await.unwrap_err(),
        collections.upsert("Account", "Key__c", &names(1)).await.unwrap_err(),
        collections.create("Account", &[json!([1])]).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert_eq!(org.sim.journal().count(&Route::Collection), 0);
    assert!(collections.create("Account", &names(0)).await.unwrap().whole().unwrap().is_empty());
}

#[tokio::test]
async fn parts_of_a_composite_use_what_earlier_ones_gave() {
    let org = Org::new().await;
    let mut calls = Composite::new().all_or_none(true);
    let account = calls.create("account", "Account", &json!({ "Name": "Wheelworks" })).unwrap();
    let contact = Fields::new().field("LastName", "Okafor").field("AccountId", account.id());
    let contact = calls.create("contact", "Contact", &contact).unwrap();
    calls.retrieve("read", "Contact", contact.id(), &["Name", "AccountId"]).unwrap();
    calls.query("found", &format!("SELECT Name FROM Contact WHERE AccountId = '{}'", account.id())).unwrap();
    calls.upsert("known", "Contact", "Code__c", "c1", &json!({ "LastName": "Ode" })).unwrap();
    calls.update("named", "Account", account.id(), &json!({ "Phone": "1" })).unwrap();

    let answer = org.client.composite(&calls).await.unwrap().whole().unwrap();
    let id = answer.part("account").unwrap().id().unwrap();
    let read: Value = answer.part("read").unwrap().json().unwrap();
    assert_eq!((&read["Name"], &read["AccountId"]), (&json!("Okafor"), &json!(id)));
    let found: Value = answer.part("found").unwrap().json().unwrap();
    assert_eq!(found["records"][0]["Name"], "Okafor");
    assert_eq!(answer.part("known").unwrap().status(), 201);
    assert_eq!(answer.part("named").unwrap().status(), 204);
    let location = answer.part("account").unwrap().header("location").unwrap();
    assert!(location.ends_with(&format!("/sobjects/Account/{id}")), "{location}");
    let calls: Vec<_> = org.sim.journal().requests();
    assert_eq!(calls.len(), 1, "one API call for all of it: {calls:?}");
}

#[tokio::test]
async fn a_part_that_fails_undoes_the_others_or_only_itself() {
    let org = Org::new().await;
    for (all_or_none, left) in [(true, 0), (false, 1)] {
        let mut calls = Composite::new().all_or_none(all_or_none);
        calls.create("good", "Account", &json!({ "Name": "x" })).unwrap();
        let bad = calls.create("bad", "Account", &json!({ "Phone": "x" })).unwrap();
        calls.delete("after", "Account", bad.id()).unwrap();
        let answer = org.client.composite(&calls).await.unwrap();
        let statuses: Vec<_> = answer.parts().iter().map(|part| part.status()).collect();
        assert_eq!(statuses, [if all_or_none { 400 } else { 201 }, 400, 400]);
        let after = answer.part("after").unwrap().id().unwrap_err();
        assert_eq!(after.error_code(), Some("PROCESSING_HALTED"));
        // Of all that was refused, the cause.
        assert_eq!(answer.whole().unwrap_err().error_code(), Some("REQUIRED_FIELD_MISSING"));
        assert_eq!(org.count("Account"), left);
    }
}

#[tokio::test]
async fn limits_are_typed_and_stay_as_fresh_as_the_last_answer() {
    let org = Org::new().await;
    assert!(org.client.known_limits().daily_api_requests().is_none());
    let read = org.client.limits().await.unwrap();
    assert_eq!(read.daily_api_requests().unwrap().max, 15_000);
    assert_eq!(read.hourly_published_events().unwrap().remaining, 50_000);
    assert_eq!(read.get("PermissionSets").unwrap().apps["CreateCustom"].max, 1_000);
    let left = read.daily_api_requests().unwrap().remaining;
    for _ in 0..3 {
        org.client.create("Account", &account("A")).await.unwrap();
    }
    let known = org.client.known_limits();
    assert_eq!(known.daily_api_requests().unwrap().remaining, left - 3);
    assert_eq!(known.data_storage_megabytes(), read.data_storage_megabytes());
    assert_eq!(org.client.clone().usage().unwrap().left(), u64::try_from(left - 3).unwrap());
}

#[tokio::test]
async fn a_graph_is_done_as_a_whole_or_not_at_all() {
    let org = Org::new().await;
    let graph = |contact: Fields| {
        let mut rows = Composite::graph();
        let account = rows.create("account", "Account", &json!({ "Name": "x" })).unwrap();
        rows.create("contact", "Contact", &contact.field("AccountId", account.id())).unwrap();
        rows
    };
    let mut graphs = Graphs::new();
    graphs.add("good", graph(Fields::new().field("LastName", "Okafor"))).unwrap();
    graphs.add("bad", graph(Fields::new().field("FirstName", "Ada"))).unwrap();
    let twice = graphs.add("bad", graph(Fields::new())).unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::InvalidInput);
    let answers = org.client.graphs(&graphs).await.unwrap();
    let told: Vec<_> = answers.iter().map(|graph| (graph.name(), graph.is_done())).collect();
    assert_eq!(told, [("good", true), ("bad", false)]);
    assert_eq!((org.count("Account"), org.count("Contact")), (1, 1));
    assert!(answers[0].answer().part("contact").unwrap().id().is_ok());
    let cause = answers[1].answer().part("contact").unwrap().id().unwrap_err();
    assert_eq!(cause.error_code(), Some("REQUIRED_FIELD_MISSING"));
}

#[tokio::test]
async fn what_is_beyond_a_graphs_limits_is_refused_before_it_is_sent() {
    let org = Org::new().await;
    let of = |parts: usize| {
        let mut rows = Composite::graph();
        for n in 0..parts {
            rows.create(&format!("r{n}"), "Account", &json!({ "Name": "x" })).unwrap();
        }
        rows
    };
    let mut graphs = Graphs::new();
    graphs.add("a", of(499)).unwrap();
    for error in [graphs.add("b", of(2)).unwrap_err(), graphs.add("c", of(0)).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    let mut many = Graphs::new();
    for n in 0..75 {
        many.add(n.to_string(), of(1)).unwrap();
    }
    assert!(many.add("75", of(1)).unwrap_err().to_string().contains("75 graphs"));
    let large = org.client.composite(&of(26)).await.unwrap_err();
    assert!(large.to_string().contains("25 parts"), "{large}");
    assert_eq!(org.sim.journal().count(&Route::Composite), 0);
}
