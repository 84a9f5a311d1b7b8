//! Publishes platform events, one or many in a call.
//!
//! Without set-up it starts an emulated org with an event of its own:
//!
//! ```text
//! cargo run --bin publish_events
//! ```
//!
//! Against a real org, with the event's name and fields (values as JSON, anything else as text):
//!
//! ```text
//! SF_LOGIN_URL=https://acme.my.salesforce.com SF_CLIENT_ID=… SF_CLIENT_SECRET=… \
//!     cargo run --bin publish_events -- Order__e City__c=Berlin Amount__c=19.90
//! ```

use std::process::ExitCode;

use serde_json::Value;
use sf_events::{Event, Publisher};
use sf_examples::login::Login;
use sf_examples::org::reachable;
use sf_examples::{Result, Usage, run};
use sf_sim::schema::{FieldDef, ObjectDef, Type};
use sf_sim::{Server, Sim};

fn main() -> ExitCode {
    run("warn", async {
        let event = event(std::env::args().skip(1))?;
        let Some(login) = Login::from_environment()? else { return emulated(event).await };
        let event = event.ok_or_else(|| {
            Usage("which event? for example: publish_events Order__e City__c=Berlin".into())
        })?;
        publish(&Publisher::new(login.connect().await?), &event).await
    })
}

async fn emulated(event: Option<Event>) -> Result<()> {
    let (sim, server) = start().await?;
    println!("No SF_* variables: using an emulated org with the event Order__e at {}", server.url());
    let app = sim.credentials();
    let login = Login::client_credentials(server.url(), &app.client_id, app.client_secret.as_str());
    let publisher = Publisher::new(login.connect().await?);

    let example = Event::new("Order__e")
        .field("City__c", "Berlin")
        .field("Express__c", true)
        .number("Amount__c", "19.90");
    publish(&publisher, &event.unwrap_or(example)).await?;
    for kept in sim.published() {
        println!("the org holds {} {} {}", kept.object, kept.uuid, Value::Object(kept.fields));
    }

    println!("\n250 more, 200 in each call, and two mistakes in one of them:");
    let mut events: Vec<_> = (1..=250).map(|n| Event::new("Order__e").number("Amount__c", n)).collect();
    events[6] = Event::new("Order__e").field("Citty__c", "Berlin").field("Amount__c", "a lot");
    let results = publisher.publish_all(&events).await;
    println!("{} published", results.iter().filter(|result| result.is_ok()).count());
    for (event, error) in
        results.iter().enumerate().filter_map(|(at, result)| Some((at, result.as_ref().err()?)))
    {
        println!("event {event}: {error}");
    }
    println!(
        "\nNext: SF_LOGIN_URL=… SF_CLIENT_ID=… SF_CLIENT_SECRET=… cargo run --bin publish_events -- Name__e Field__c=value"
    );
    server.shutdown().await;
    Ok(())
}

async fn publish(publisher: &Publisher, event: &Event) -> Result<()> {
    let definition = publisher.event_type(event.object()).await?;
    println!("{} has the fields {}", definition.name(), definition.fields().collect::<Vec<_>>().join(", "));
    let published = publisher.publish(event).await?;
    let uuid = published.event_uuid.unwrap_or_else(|| "which the org did not tell".to_owned());
    println!("published {}; subscribers see it under the EventUuid {uuid}", event.object());
    Ok(())
}

/// `Order__e City__c=Berlin Amount__c=19.90`
fn event(mut arguments: impl Iterator<Item = String>) -> Result<Option<Event>> {
    let Some(object) = arguments.next() else { return Ok(None) };
    let mut event = Event::new(object);
    for argument in arguments {
        let (name, text) =
            argument.split_once('=').ok_or_else(|| Usage(format!("{argument:?} is not Field__c=value")))?;
        event = match serde_json::from_str(text) {
            // As written: a decimal must not go through a float.
            Ok(Value::Number(_)) => event.number(name, text.trim()),
            Ok(value) => event.field(name, value),
            Err(_) => event.field(name, text),
        };
    }
    Ok(Some(event))
}

/// An org with one platform event, on a port of this machine.
async fn start() -> Result<(Sim, Server)> {
    reachable()?;
    let sim = Sim::builder().build()?;
    sim.store(|store| {
        let mut order = ObjectDef::new("Order__e", "Order", "Orders", store.next_key_prefix(true));
        (order.custom, order.event, order.queryable) = (true, true, false);
        order.add_field(field("City__c", Type::String, |f| f.set_length(255)));
        order.add_field(field("Amount__c", Type::Currency, |f| (f.precision, f.scale) = (18, 2)));
        order.add_field(field("Express__c", Type::Boolean, |_| {}));
        store.define(order);
    });
    let server = sim.serve("127.0.0.1:0").await?;
    Ok((sim, server))
}

fn field(name: &str, ty: Type, edit: impl FnOnce(&mut FieldDef)) -> FieldDef {
    let mut field = FieldDef::new(name, name, ty);
    field.custom = true;
    edit(&mut field);
    field
}
