//! Many events in one call, against an emulated org.

use serde_json::json;
use sf_events::{ErrorKind, Event};
use sf_sim::fault::{Action, Fault, Reply, Route};

use crate::emulated::{client, org};

fn event(n: usize) -> Event {
    Event::new("Order__e").field("Number__c", format!("A-{n}"))
}

#[tokio::test]
async fn a_thousand_events_take_five_calls_and_arrive_in_their_order() {
    let sim = org();
    let publisher = sf_events::Publisher::new(client(&sim).await);
    let events: Vec<Event> = (0..1_000).map(event).collect();
    let results = publisher.publish_all(&events).await;
    assert_eq!(sim.journal().count(&Route::Collection), 5);
    let told: Vec<_> = results.into_iter().map(|result| result.unwrap().event_uuid.unwrap()).collect();
    let kept = sim.published();
    assert_eq!(told, kept.iter().map(|event| event.uuid.clone()).collect::<Vec<_>>());
    assert!(kept.iter().enumerate().all(|(n, event)| event.fields["Number__c"] == format!("A-{n}")));
}

#[tokio::test]
async fn an_event_that_does_not_fit_keeps_none_of_the_others_back() {
    let sim = org();
    let publisher = sf_events::Publisher::new(client(&sim).await);
    let events =
        [event(0), Event::new("Order__e").field("City__c", "no number"), Event::new("Nope"), event(1)];
    let results = publisher.publish_all(&events).await;
    let kinds: Vec<_> =
        results.iter().map(|result| result.as_ref().err().map(|error| error.kind())).collect();
    assert_eq!(kinds, [None, Some(ErrorKind::InvalidEvent), Some(ErrorKind::NotAnEvent), None]);
    assert_eq!(sim.published().len(), 2);
    assert!(publisher.publish_all(&[]).await.is_empty());
}

#[tokio::test]
async fn a_definition_that_cannot_be_read_is_asked_for_once() {
    let sim = org();
    let publisher = sf_events::Publisher::new(client(&sim).await);
    let mut events: Vec<Event> = (0..300).map(|_| Event::new("Unknown__e")).collect();
    events.push(event(1));
    let results = publisher.publish_all(&events).await;
    let unknown = |r: &sf_events::Result<_>| r.as_ref().is_err_and(|e| e.kind() == ErrorKind::UnknownEvent);
    assert!(results[..300].iter().all(unknown));
    assert!(results[300].is_ok());
    let journal = sim.journal();
    assert_eq!((journal.count(&Route::Describe), journal.count(&Route::DescribeGlobal)), (2, 1));
    // Another call asks anew: the event may be there by then.
    publisher.publish_all(&events[..2]).await;
    assert_eq!(journal.count(&Route::Describe), 3);

    let sim = org();
    let publisher = sf_events::Publisher::new(client(&sim).await);
    sim.faults().add(Fault::on(Route::Describe).nth(1).then(Action::server_error()));
    let events: Vec<Event> = (0..3).map(event).collect();
    let results = publisher.publish_all(&events).await;
    let kinds: Vec<_> = results.iter().map(|r| r.as_ref().err().map(sf_events::Error::kind)).collect();
    assert_eq!(kinds, [Some(ErrorKind::NotSent); 3], "they share the one failure");
}

#[tokio::test]
async fn an_hour_without_allowance_is_told_for_each_event_that_it_hits() {
    let sim = org();
    sim.set_limit("HourlyPublishedPlatformEvents", 2);
    let publisher = sf_events::Publisher::new(client(&sim).await);
    let results = publisher.publish_all(&[event(0), event(1), event(2)]).await;
    assert!(results[..2].iter().all(Result::is_ok));
    let error = results[2].as_ref().unwrap_err();
    assert_eq!(
        (error.kind(), error.api_errors()[0].error_code.as_str()),
        (ErrorKind::Limit, "LIMIT_EXCEEDED")
    );
}

#[tokio::test]
async fn events_of_standard_volume_have_an_allowance_of_their_own() {
    let sim = org();
    sim.store(|store| {
        let mut old = sf_sim::schema::ObjectDef::clone(store.catalog().get("Order__e").unwrap());
        old.name = "Old__e".to_owned();
        old.key_prefix = store.next_key_prefix(true);
        old.standard_volume = true;
        store.define(old);
    });
    let publisher = sf_events::Publisher::new(client(&sim).await);
    let old = Event::new("Old__e").field("Number__c", "1");
    let results = publisher.publish_all(&[old, event(1)]).await;
    assert!(results.iter().all(Result::is_ok));
    let limits = client(&sim).await.limits().await.unwrap();
    assert_eq!(limits.hourly_published_standard_volume_events().unwrap().remaining, 999);
    assert_eq!(limits.hourly_published_events().unwrap().remaining, 49_999);
    assert_eq!(sim.published()[0].object, "Old__e");
}

#[tokio::test]
async fn an_org_that_cannot_publish_for_now_says_so_of_each_event() {
    let sim = org();
    let busy = Reply::error(503, "PLATFORM_EVENT_PUBLISHING_UNAVAILABLE", "Try again later");
    sim.faults().add(Fault::on(Route::Collection).always().then(Action::Reply(busy)));
    let publisher = sf_events::Publisher::new(client(&sim).await);
    let events: Vec<Event> = (0..300).map(event).collect();
    let results = publisher.publish_all(&events).await;
    let kinds: Vec<_> = results.iter().map(|r| r.as_ref().unwrap_err().kind()).collect();
    assert!(kinds[..200].iter().all(|kind| *kind == ErrorKind::Unavailable), "{:?}", kinds[0]);
    assert!(kinds[200..].iter().all(|kind| *kind == ErrorKind::NotSent), "{:?}", kinds[200]);
    assert_eq!(sim.published().len(), 0);
}

#[tokio::test]
async fn events_whose_answer_was_lost_are_in_doubt_and_never_sent_again() {
    for action in [Action::ResetAfter, Action::ResetBefore, Action::server_error(), Action::cut(9)] {
        let sim = org();
        sim.faults().add(Fault::on(Route::Collection).nth(2).then(action.clone()));
        let publisher = sf_events::Publisher::new(client(&sim).await);
        let events: Vec<Event> = (0..500).map(event).collect();
        let results = publisher.publish_all(&events).await;
        let kind = |n: usize| results[n].as_ref().err().map(|error| error.kind());
        assert!(results[..200].iter().all(Result::is_ok), "{action:?}");
        assert!((200..400).all(|n| kind(n) == Some(ErrorKind::InDoubt)), "{action:?} {:?}", kind(200));
        assert!((400..500).all(|n| kind(n) == Some(ErrorKind::NotSent)), "{action:?} {:?}", kind(400));
        assert_eq!(sim.journal().count(&Route::Collection), 2, "{action:?}");
        let kept = sim.published();
        assert!([200, 400].contains(&kept.len()), "{action:?} {}", kept.len());
        assert_eq!(kept[199].fields["Number__c"], json!("A-199"));
    }
}
