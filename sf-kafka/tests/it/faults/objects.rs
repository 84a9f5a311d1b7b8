//! Objects and fields that are not there, or are not of use.

use sf_kafka::check::forecast;
use sf_sim::Sim;
use sf_sim::fault::{Action, Fault, Route};
use sf_sim::id::KeyPrefix;
use sf_sim::schema::{FieldDef, ObjectDef, Type};

use super::support::{Bench, TOPIC, leads, says};

/// The texts stand in what a connector says when it is given up, and in what `check` says; no job was made
/// and no offset stored.
async fn unusable(sim: Sim, settings: &[(&str, &str)], texts: &[&str]) {
    let bench = Bench::in_process(sim);
    says(&bench.given_up(settings).await, texts);
    assert_eq!(bench.calls(Route::CreateJob), 0);
    assert!(bench.offsets.history().is_empty());

    let error = forecast(&bench.config(settings), bench.http.clone()).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    says(&cause, texts);
}

/// An org with one more object, which has these fields beside its Id.
fn org_with(name: &str, event: bool, fields: &[(&str, Type)]) -> Sim {
    let sim = leads();
    let mut object = ObjectDef::new(name, name, name, KeyPrefix::of("a0Z"));
    (object.event, object.queryable) = (event, !event);
    object.add_field(FieldDef::new("Id", "Id", Type::Id));
    for (field, of) in fields {
        let mut field = FieldDef::new(field, field, *of);
        field.nillable = false;
        object.add_field(field);
    }
    sim.store(|store| store.define(object));
    sim
}

const STAMPS: [(&str, Type); 2] = [("CreatedDate", Type::DateTime), ("SystemModstamp", Type::DateTime)];

#[tokio::test(start_paused = true)]
async fn an_object_that_does_not_exist_is_named_with_those_that_come_near() {
    let settings = [("salesforce.object1", "Leed")];
    unusable(leads(), &settings, &["the org has no object Leed", "Did you mean Lead"]).await;
    let settings = [("salesforce.object1", "Invoice__c")];
    unusable(leads(), &settings, &["the org has no object Invoice__c, or its user may not see it"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_field_that_does_not_exist_is_named_with_those_that_come_near() {
    let settings = [("salesforce.object1.offset.field.name", "LastModifedDate")];
    unusable(leads(), &settings, &["LastModifedDate", "Lead", "Did you mean LastModifiedDate"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_field_that_can_be_empty_or_is_no_time_is_refused_with_the_reason() {
    for (field, reason) in [
        ("ConvertedDate", "a row may have no value in it"),
        ("Company", "it is of type string, not datetime or date"),
    ] {
        let settings = [("salesforce.object1.offset.field.name", field)];
        unusable(leads(), &settings, &[&format!("Lead.{field} cannot tell what changed"), reason]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_field_that_a_setting_names_and_the_object_lacks_is_told_with_the_setting() {
    let bench = Bench::in_process(leads());
    let settings = [("salesforce.object1.skip.epoch.conversion.fields", "CreatedDate,Birthday__c")];
    let reason = bench.given_up(&settings).await;
    says(&reason, &["Lead has no field Birthday__c", "skip.epoch.conversion.fields"]);
    assert_eq!(bench.calls(Route::CreateJob), 0);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_bulk_cannot_read_is_refused_with_the_reason_before_any_job() {
    let cannot = "cannot be read by Bulk API 2.0: ";
    let event = org_with("Order__e", true, &STAMPS);
    let settings = [("salesforce.object1", "Order__e")];
    unusable(event, &settings, &["Order__e ", cannot, "events are subscribed to, not queried"]).await;

    let status = org_with("TaskStatus", false, &STAMPS);
    let settings = [("salesforce.object1", "TaskStatus")];
    unusable(status, &settings, &["TaskStatus ", cannot, "Bulk API 2.0 does not support it"]).await;

    let sim = org_with("Vote__c", false, &STAMPS);
    sim.store(|store| {
        let mut vote = ObjectDef::clone(store.catalog().get("Vote__c").unwrap());
        vote.queryable = false;
        store.define(vote);
    });
    let settings = [("salesforce.object1", "Vote__c")];
    unusable(sim, &settings, &["Vote__c ", cannot, "its describe says that it cannot be queried"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_object_that_the_org_refuses_to_bulk_in_spite_of_its_describe_is_given_up_in_the_orgs_words() {
    let bench = Bench::in_process(leads());
    let said = "Entity 'Lead' is not supported by the Bulk API.";
    let refusal = Action::error(400, "INVALIDENTITY", said);
    let fault = bench.sim.faults().add(Fault::on(Route::CreateJob).always().then(refusal));
    says(&bench.given_up(&[]).await, &["the job could not be made", "INVALIDENTITY", said]);
    assert_eq!(
        bench.sim.faults().count(fault),
        3,
        "tried again, in case the org has changed, and not for ever"
    );
    assert!(bench.offsets.history().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_object_without_a_cursor_field_is_refused_and_what_it_lacks_is_named() {
    let sim = org_with("Bare__c", false, &[("Name", Type::String)]);
    let lacks =
        ["Bare__c has no field that tells what changed", "SystemModstamp, LastModifiedDate, CreatedDate"];
    unusable(sim, &[("salesforce.object1", "Bare__c")], &lacks).await;
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_deleted_while_the_connector_runs_is_left_out_from_then_on() {
    let sim = leads();
    let before = sim.read(|store| ObjectDef::clone(store.catalog().get("Lead").unwrap()));
    let mut mood = FieldDef::new("Mood__c", "Mood", Type::String);
    mood.set_length(80);
    sim.store(|store| store.add_fields("Lead", vec![mood]));
    let bench = Bench::in_process(sim);
    let job = bench.sim.hook_before(Route::CreateJob, 1);
    let running = bench.run(&[]).await;
    running.until(job.arrived()).await;
    bench.sim.store(|store| store.define(before));
    drop(job);
    running.until(bench.offsets.windows(1)).await;
    running.stopped().await;
    bench.assert_exact("a field is gone");
    let asked = bench.sim.journal().of(&Route::CreateJob);
    let with_field: Vec<bool> =
        asked.iter().map(|e| e.detail.as_ref().unwrap().contains("Mood__c")).collect();
    assert_eq!(with_field, [true, false]);
    assert_eq!((asked[0].status, asked[1].status), (Some(400), Some(200)));
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_missing_is_named_before_the_org_is_asked_anything() {
    let bench = Bench::in_process(leads());
    let config = bench.config(&[("salesforce.object1.topic", "not-there")]);
    let started = bench.run_with(config, bench.kafka.clone(), bench.kafka.clone()).await;
    let error = started.err().unwrap();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "topic not-there does not exist");
    says(error.hint().unwrap(), &["kafka-topics --create --topic not-there"]);
    assert!(bench.sim.journal().requests().is_empty());
    assert_ne!(TOPIC, "not-there");
}
