//! What becomes of a row when the call goes wrong: repeated where that is safe, else an error that says what is open.

use serde_json::{Value, json};
use sf_core::sobject::{Collections, Composite, RowOutcome, Upserted};
use sf_core::{Error, ErrorKind, Id};
use sf_sim::fault::{Action, Fault, Framing, Reply, Route};

use crate::support::Org;

/// Each thing that can happen to one call: its name, the action, and whether the org may have acted.
fn lost() -> Vec<(&'static str, Action, bool)> {
    let html = Reply::html(502, "Bad Gateway");
    vec![
        ("500", Action::server_error(), true),
        ("503 as a page", Action::unavailable(), true),
        ("502 after the work was done", Action::ReplyAfter(html), true),
        ("200 with a login page", Action::Reply(Reply::html(200, "Login")), true),
        ("200 with a page after the work was done", Action::ReplyAfter(Reply::html(200, "Login")), true),
        ("reset before the work", Action::ResetBefore, true),
        ("reset after the work", Action::ResetAfter, true),
        ("cut", Action::cut(5), true),
        ("cut, framed by close", Action::cut_framed(5, Framing::Close), true),
        ("stalled", Action::stall(5), true),
        (
            "no headers",
            Action::without_headers(["Content-Type", "Date", "Location", "Sforce-Limit-Info"]),
            false,
        ),
        ("broken gzip", Action::BrokenGzip { after: 10 }, true),
        ("429", Action::too_many_requests(0), false),
        ("403, too many at once", Action::concurrent_limit(), false),
        ("401", Action::ExpireSession, false),
        (
            "400, locked",
            Action::error(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
            false,
        ),
    ]
}

fn row(name: &str) -> Value {
    json!({ "Name": name })
}

async fn one(org: &Org) -> Id {
    org.client.create("Account", &row("first")).await.unwrap()
}

fn hit(org: &Org, action: Action) {
    org.sim.faults().clear();
    org.sim.faults().add(Fault::on(Route::path("*/services/data/*")).nth(1).then(action));
}

#[tokio::test]
async fn a_create_is_repeated_only_where_the_org_did_nothing() {
    for (name, action, open) in lost() {
        let org = Org::new().await;
        // The head of the answer says that the row is there, and which it is.
        let told = matches!(action, Action::Cut { .. } | Action::Stall { .. } | Action::BrokenGzip { .. });
        hit(&org, action);
        let created = org.client.create("Account", &row("x")).await;
        assert_eq!(created.is_err(), open && !told, "{name}");
        if let Ok(id) = created {
            let read: Value = org.client.retrieve("Account", id, &["Name"]).await.unwrap();
            assert_eq!(read["Name"], "x", "{name}");
            assert_eq!(org.count("Account"), 1, "{name}");
        }
        if let Err(error) = created {
            assert!(error.outcome_unknown(), "{name}: {error}");
            assert!(error.to_string().contains("Look for it"), "{name}: {error}");
        }
        assert!(org.count("Account") <= 1, "{name}: no row is there twice");
    }
}

#[tokio::test]
async fn reads_changes_upserts_by_a_unique_id_and_deletes_are_repeated_until_they_are_answered() {
    for (name, action, _) in lost() {
        let org = Org::new().await;
        let id = one(&org).await;
        hit(&org, action.clone());
        let read: Value = org.client.retrieve("Account", id, &["Name"]).await.unwrap();
        assert_eq!(read["Name"], "first", "{name}");
        hit(&org, action.clone());
        org.client.update("Account", id, &row("second")).await.unwrap();
        hit(&org, action.clone());
        let contact = json!({ "LastName": "third" });
        let _: Upserted = org.client.upsert_by_unique("Contact", "Code__c", "k", &contact).await.unwrap();
        assert_eq!(org.count("Contact"), 1, "{name}");
        let read: Value = org.client.retrieve("Account", id, &["Name"]).await.unwrap();
        assert_eq!(read["Name"], "second", "{name}");
        hit(&org, action);
        org.client.delete_row("Account", id).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(org.count("Account"), 0, "{name}");
    }
}

#[tokio::test]
async fn an_upsert_by_an_id_that_need_not_be_unique_is_repeated_only_where_the_org_did_nothing() {
    for (name, action, open) in lost() {
        let org = Org::new().await;
        let calls = || org.sim.journal().count(&Route::Row);
        hit(&org, action.clone());
        let upserted = org.client.upsert("Account", "Key__c", "k", &row("x")).await;
        assert_eq!(upserted.is_err(), open, "{name}");
        if let Err(error) = upserted {
            assert!(error.outcome_unknown(), "{name}: {error}");
            assert!(error.to_string().contains("upsert_by_unique"), "{name}: {error}");
            assert_eq!(calls(), 1, "{name}");
        }
        hit(&org, action);
        let rows = [json!({ "Name": "y", "Key__c": "l" })];
        let written = Collections::new(&org.client).upsert("Account", "Key__c", &rows).await.unwrap();
        assert_eq!(written.unknown().len(), usize::from(open), "{name}");
    }
}

#[tokio::test]
async fn a_daily_limit_ends_a_write_at_once_and_leaves_nothing_open() {
    let other = Action::error(400, "LIMIT_EXCEEDED", "The limit of the day has been reached");
    for limit in [Action::daily_limit(), other] {
        let org = Org::new().await;
        let id = one(&org).await;
        org.sim.faults().add(Fault::on(Route::Row).always().then(limit));
        let calls = || org.sim.journal().count(&Route::Row);
        let before = calls();
        let errors: [Error; 3] = [
            org.client.create("Account", &row("x")).await.unwrap_err(),
            org.client.update("Account", id, &row("x")).await.unwrap_err(),
            org.client.delete_row("Account", id).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::DailyLimit, false), "{error}");
        }
        assert_eq!(calls(), before + 3);
    }
}

#[tokio::test]
async fn a_row_is_written_once_where_the_org_has_moved_to() {
    let mut org = Org::new().await;
    let id = one(&org).await;
    org.moves().await;
    org.client.create("Account", &row("second")).await.unwrap();
    assert_eq!(org.count("Account"), 2);
    org.moves().await;
    org.client.update("Account", id, &row("changed")).await.unwrap();
    org.moves().await;
    org.client.delete_row("Account", id).await.unwrap();
    org.moves().await;
    let rows: Vec<_> = (0..3).map(|n| row(&n.to_string())).collect();
    assert_eq!(Collections::new(&org.client).create("Account", &rows).await.unwrap().done(), 3);
    assert_eq!(org.count("Account"), 4);
}

#[tokio::test]
async fn an_error_after_a_lost_answer_says_that_the_row_may_be_changed_already() {
    let org = Org::new().await;
    let id = one(&org).await;
    org.sim.faults().add(Fault::on(Route::Row).nth(1).then(Action::ResetAfter));
    org.sim.faults().add(Fault::on(Route::Row).nth(2).then(Action::daily_limit()));
    let error = org.client.update("Account", id, &row("changed")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::DailyLimit, true));
}

#[tokio::test]
async fn a_collection_whose_answer_is_lost_names_the_rows_that_are_open() {
    for (name, action, open) in lost() {
        let org = Org::new().await;
        let rows: Vec<_> = (0..500).map(|n| row(&n.to_string())).collect();
        org.sim.faults().add(Fault::on(Route::Collection).nth(2).then(action));
        let written = Collections::new(&org.client).create("Account", &rows).await.unwrap();
        if !open {
            assert_eq!((written.done(), org.count("Account")), (500, 500), "{name}");
            continue;
        }
        assert_eq!(written.unknown(), 200..400, "{name}");
        assert!(written.outcomes()[..200].iter().all(RowOutcome::is_done), "{name}");
        assert!(written.outcomes()[400..].iter().all(|o| *o == RowOutcome::NotWritten), "{name}");
        let error = written.error().unwrap();
        assert!(error.outcome_unknown(), "{name}");
        let said = error.to_string();
        assert!(
            said.contains("rows 201 to 400 of 500") && said.contains("rows 401 to 500 were not sent"),
            "{said}"
        );
        assert!([200, 400].contains(&org.count("Account")), "{name}: {}", org.count("Account"));
        written.whole().unwrap_err();
    }
}

#[tokio::test]
async fn a_collection_that_can_be_repeated_is_whole_after_a_lost_answer() {
    for (name, action, _) in lost() {
        let org = Org::new().await;
        let collections = Collections::new(&org.client);
        let hit = |action: &Action| {
            org.sim.faults().clear();
            org.sim.faults().add(Fault::on(Route::Collection).nth(1).then(action.clone()));
        };
        let rows: Vec<_> = (0..30).map(|n| json!({ "LastName": "x", "Code__c": format!("k{n}") })).collect();
        hit(&action);
        let outcomes = collections.upsert_by_unique("Contact", "Code__c", &rows).await.unwrap();
        let ids: Vec<Id> = outcomes.whole().unwrap().iter().filter_map(RowOutcome::id).collect();
        assert_eq!((ids.len(), org.count("Contact")), (30, 30), "{name}");
        hit(&action);
        let changes: Vec<_> = ids.iter().map(|id| json!({ "Id": id, "LastName": "y" })).collect();
        assert_eq!(collections.update("Contact", &changes).await.unwrap().done(), 30, "{name}");
        hit(&action);
        let deleted = collections.clone().all_or_none(true).delete(&ids).await.unwrap();
        assert_eq!((deleted.done(), org.count("Contact")), (30, 0), "{name}");
    }
}

#[tokio::test]
async fn a_row_that_was_gone_before_is_no_success_of_a_collection_that_deletes() {
    let org = Org::new().await;
    let (gone, there) = (one(&org).await, one(&org).await);
    org.client.delete_row("Account", gone).await.unwrap();
    let deleted = Collections::new(&org.client).delete(&[gone, there]).await.unwrap();
    assert_eq!((deleted.done(), deleted.refused().next().unwrap().0), (1, 0));
}

#[tokio::test]
async fn a_composite_that_writes_is_not_repeated_and_one_that_reads_is() {
    for (name, action, open) in lost() {
        let org = Org::new().await;
        let id = one(&org).await;
        hit(&org, action.clone());
        let mut reads = Composite::new();
        reads.retrieve("a", "Account", id, &["Name"]).unwrap();
        let _ = org.client.composite(&reads).await.unwrap().whole().unwrap();
        hit(&org, action);
        let mut writes = Composite::new();
        writes.create("a", "Account", &row("x")).unwrap();
        let answer = org.client.composite(&writes).await;
        assert_eq!(answer.is_err(), open, "{name}");
        assert!(answer.err().is_none_or(|error| error.outcome_unknown()), "{name}");
        assert!(org.count("Account") <= 2, "{name}");
    }
}
