//! An emulated org takes events.

use std::sync::Arc;

use serde_json::json;
use sf_core::Client;
use sf_core::http::InProcess;
use sf_core::retry::RetryPolicy;
use sf_events::{ErrorKind, Event, Publisher};
use sf_sim::Sim;
use sf_sim::fault::{Action, Fault, Route};
use sf_sim::schema::{FieldDef, ObjectDef, Type};

fn field(name: &str, ty: Type, edit: impl FnOnce(&mut FieldDef)) -> FieldDef {
    let mut field = FieldDef::new(name, name, ty);
    field.custom = true;
    edit(&mut field);
    field
}

/// An org that has one platform event.
pub(crate) fn org() -> Sim {
    let sim = Sim::builder().build().unwrap();
    sim.store(|store| {
        let mut order = ObjectDef::new("Order__e", "Order", "Orders", store.next_key_prefix(true));
        order.custom = true;
        order.event = true;
        order.queryable = false;
        order.add_field(field("Number__c", Type::String, |f| {
            f.set_length(80);
            f.nillable = false;
        }));
        order.add_field(field("City__c", Type::String, |f| f.set_length(255)));
        order.add_field(field("Amount__c", Type::Double, |f| (f.precision, f.scale) = (18, 2)));
        order.add_field(field("Express__c", Type::Boolean, |_| {}));
        order.add_field(field("At__c", Type::DateTime, |_| {}));
        store.define(order);
    });
    sim
}

pub(crate) async fn client(sim: &Sim) -> Client {
    let session = sf_auth::Session::new("http://localhost", sim.access_token());
    let http = Arc::new(InProcess::new(sim.router()));
    sf_auth::Login::new().http(http).retry(RetryPolicy::none()).connect(session).await.unwrap()
}

fn event() -> Event {
    Event::new("Order__e").field("Number__c", "A-1").number("Amount__c", "1234567890123456.78")
}

#[tokio::test]
async fn an_event_arrives_with_its_values_and_its_uuid() {
    let sim = org();
    let publisher = Publisher::new(client(&sim).await);
    let event =
        event().field("City__c", "Köln").field("Express__c", true).field("At__c", "2024-12-24T18:18:29.000Z");
    let published = publisher.publish(&event).await.unwrap();

    let kept = sim.published();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].object, "Order__e");
    assert_eq!(published.event_uuid.as_deref(), Some(kept[0].uuid.as_str()));
    assert!(published.id.starts_with("e01"), "{published:?}");
    let fields = &kept[0].fields;
    assert_eq!(fields["Number__c"], json!("A-1"));
    assert_eq!(fields["City__c"], json!("Köln"));
    assert_eq!(fields["Amount__c"].to_string(), "1234567890123456.78");
    assert_eq!(fields["Express__c"], json!(true));
    assert_eq!(fields["At__c"], json!("2024-12-24T18:18:29.000+0000"));
}

#[tokio::test]
async fn what_the_check_finds_missing_never_reaches_the_org() {
    let sim = org();
    let publisher = Publisher::new(client(&sim).await);
    assert_eq!(publisher.event_type("order__E").await.unwrap_err().kind(), ErrorKind::NotAnEvent);
    let definition = publisher.event_type("Order__e").await.unwrap();
    assert_eq!(definition.required_fields().collect::<Vec<_>>(), ["Number__c"]);
    let error = publisher.publish(&Event::new("Order__e").field("City__c", "Köln")).await.unwrap_err();
    assert_eq!(error.problems()[0].field, "Number__c");
    assert_eq!(sim.journal().count(&Route::Event), 0);
}

#[tokio::test]
async fn an_unknown_event_and_an_ordinary_object_are_told_apart() {
    let sim = org();
    let publisher = Publisher::new(client(&sim).await);
    let error = publisher.publish(&Event::new("Ordr__e")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownEvent);
    assert!(error.hint().unwrap().starts_with("Nearest to it in this org: Order__e."), "{error}");
    let error = publisher.publish(&Event::new("Account").field("Name", "Acme")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAnEvent);
}

#[tokio::test]
async fn the_orgs_allowance_of_events_is_told_as_what_it_is() {
    let sim = org();
    sim.set_limit("HourlyPublishedPlatformEvents", 1);
    let publisher = Publisher::new(client(&sim).await);
    publisher.publish(&event()).await.unwrap();
    let error = publisher.publish(&event()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert_eq!(error.api_errors()[0].error_code, "LIMIT_EXCEEDED");
    assert_eq!(sim.published().len(), 1);
}

#[tokio::test]
async fn an_event_in_doubt_may_have_been_published_and_is_not_sent_twice() {
    for (action, published) in [(Action::ResetBefore, 0), (Action::ResetAfter, 1), (Action::cut(10), 1)] {
        let sim = org();
        let server = sim.serve("127.0.0.1:0").await.unwrap();
        let org = sf_auth::Session::new(server.url(), sim.access_token()).connect().await.unwrap();
        sim.faults().add(Fault::on(Route::Event).always().then(action.clone()));
        let error = Publisher::new(org).publish(&event()).await.unwrap_err();
        assert!(error.is_in_doubt(), "{action:?}: {error}");
        assert_eq!(sim.published().len(), published, "{action:?}");
        assert_eq!(sim.journal().count(&Route::Event), 1, "{action:?}");
    }
}

#[tokio::test]
async fn a_session_that_ends_before_the_event_is_renewed_and_the_event_published_once() {
    let sim = org();
    let app = sim.credentials();
    let grant =
        sf_auth::ClientCredentials::new("http://localhost", &app.client_id, app.client_secret.as_str());
    let org = grant.connect_with(Arc::new(InProcess::new(sim.router()))).await.unwrap();
    let publisher = Publisher::new(org);
    publisher.event_type("Order__e").await.unwrap();
    sim.expire_sessions();
    publisher.publish(&event()).await.unwrap();
    assert_eq!(sim.published().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_field_that_the_org_gets_later_is_known_after_a_minute() {
    let sim = org();
    let publisher = Publisher::new(client(&sim).await);
    let newer = event().field("New__c", "x");
    assert_eq!(publisher.check(&newer).await.unwrap_err().kind(), ErrorKind::InvalidEvent);
    sim.store(|store| {
        store.add_fields("Order__e", vec![field("New__c", Type::String, |f| f.set_length(10))])
    });
    assert_eq!(publisher.check(&newer).await.unwrap_err().kind(), ErrorKind::InvalidEvent);
    assert_eq!(sim.journal().count(&Route::Describe), 1, "each wrong event would cost the org a call");
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    publisher.check(&newer).await.unwrap();
    assert_eq!(sim.journal().count(&Route::Describe), 2);
}
