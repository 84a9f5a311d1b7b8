//! From nothing to rows in a topic: an emulated org, an embedded broker, the Bulk API 2.0 source between them.
//!
//! ```text
//! cargo run --bin quickstart
//! ```
//!
//! Against a real org and a real Kafka, each by its own variables:
//!
//! ```text
//! SF_LOGIN_URL=https://acme.my.salesforce.com SF_CLIENT_ID=… SF_CLIENT_SECRET=… \
//!     KAFKA_BOOTSTRAP_SERVERS=localhost:9092 cargo run --bin quickstart
//! ```
//!
//! `SF_OBJECTS` names other objects than Account, Contact and Lead.

use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use sf_core::Id;
use sf_examples::broker::Broker;
use sf_examples::connector::{Connector, Table};
use sf_examples::org::Org;
use sf_examples::progress::{Line, Progress};
use sf_examples::read_back::{Summary, find, read_back};
use sf_examples::text::{in_short, thousands};
use sf_examples::{Result, run};

const EMULATED: [&str; 4] = ["Lead", "Account", "Product__c", "Product_Family__c"];
const REAL: [&str; 3] = ["Account", "Contact", "Lead"];
/// How many records of a topic are shown, and how wide.
const SHOWN: usize = 2;
const WIDTH: usize = 120;

fn main() -> ExitCode {
    // The embedded broker cannot say how its topics are kept, and nobody has to be warned of that.
    let logged = if Broker::would_be_embedded() { "warn,sf_kafka::offset=error" } else { "warn" };
    run(logged, async {
        tokio::select! {
            done = quickstart() => done,
            _ = tokio::signal::ctrl_c() => Err("stopped; what was delivered so far stays in its topics".into()),
        }
    })
}

async fn quickstart() -> Result<()> {
    let org = Org::connect().await?;
    let tables = tables(&org).await;
    let rows: Vec<_> = tables.iter().map(|table| (table.object.as_str(), table.rows)).collect();
    println!("{}", org.introduction(&rows));
    let broker = Broker::connect().await?;
    println!("{}", broker.introduction());
    for table in &tables {
        broker.topic(&table.topic, table.rows).await?;
    }

    let started = sf_core::time::now().timestamp_millis();
    // Offsets of an emulated org mean nothing to the next one.
    let name = if org.sim().is_some() { format!("quickstart-{started}") } else { "quickstart".to_owned() };
    let connector = Connector::start(name, &org, &broker, &tables).await?;
    let line = |table: &Table| Line {
        label: table.object.clone(),
        total: table.rows,
        note: format!("topic {}", table.topic),
    };
    let mut progress = Progress::new(tables.iter().map(line).collect());
    let read = connector.first_read(&tables, org.sim().is_some(), &mut progress).await;
    progress.abandon();
    read?;

    println!("\nRead back from Kafka:");
    for table in &tables {
        let found = read_back(&broker.cluster, &table.topic, started, SHOWN).await?;
        show(table, &found);
        complete(&org, &connector, &broker, table, &found)?;
    }
    println!("\nOffsets, as Kafka Connect keeps them:");
    for (partition, offset) in connector.offsets().await? {
        println!("  {partition} → {offset}");
    }
    if let Some(lead) = tables.iter().find(|table| table.object == "Lead") {
        change(&org, &connector, &broker, lead).await?;
    }
    connector.stop().await?;
    next(&org, &broker);
    Ok(())
}

async fn tables(org: &Org) -> Vec<Table> {
    let objects: Vec<String> = match (org.sim(), std::env::var("SF_OBJECTS")) {
        (Some(_), _) => EMULATED.map(str::to_owned).into(),
        (None, Ok(list)) => list.split(',').map(|object| object.trim().to_owned()).collect(),
        (None, Err(_)) => REAL.map(str::to_owned).into(),
    };
    let mut tables = Vec::new();
    for object in objects {
        let rows = org.count(&object).await;
        tables.push(Table { topic: format!("quickstart-{}", object.to_lowercase()), object, rows });
    }
    tables
}

fn show(table: &Table, found: &Summary) {
    let (records, ids) = (thousands(found.records), thousands(found.ids.len() as u64));
    println!("  {}  {records} records, {ids} distinct Ids", table.topic);
    for record in &found.first {
        println!("    {}", in_short(record, WIDTH));
    }
}

/// Every row that was delivered must have been read back, and of an emulated org every row that it has.
fn complete(org: &Org, connector: &Connector, broker: &Broker, table: &Table, found: &Summary) -> Result<()> {
    let Table { object, topic, .. } = table;
    if found.records < connector.rows(object) {
        let mut said = format!(
            "{} rows of {object} were delivered, topic {topic} has {} of them",
            thousands(connector.rows(object)),
            thousands(found.records)
        );
        if broker.is_embedded() {
            said.push_str(": the embedded broker keeps 5 MiB of a partition; use a real Kafka for so much");
        }
        return Err(said.into());
    }
    let known = org.known_ids(object).unwrap_or_default();
    let missing = known.iter().filter(|id| !id.parse().is_ok_and(|id: Id| found.ids.contains(&id))).count();
    if missing > 0 {
        return Err(format!("{} rows of {object} have not arrived in {topic}", thousands(missing as u64)).into());
    }
    Ok(())
}

/// Changes one Lead of an emulated org and waits for its new version. A real org is only read.
async fn change(org: &Org, connector: &Connector, broker: &Broker, lead: &Table) -> Result<()> {
    let Some(id) = org.known_ids("Lead").and_then(|ids| ids.into_iter().next()) else { return Ok(()) };
    let company = format!("Renamed by quickstart {}", std::process::id());
    let (pages, begun) = (connector.pages("Lead"), Instant::now());
    org.client.update("Lead", id.parse()?, &json!({ "Company": company })).await?;
    connector.page_after("Lead", pages).await?;
    let took = begun.elapsed().as_secs_f64();
    let record = find(&broker.cluster, &lead.topic, &company).await?;
    let record = record.ok_or_else(|| format!("the new version of Lead {id} is not in {}", lead.topic))?;
    println!(
        "\nChanged Lead {id} in the org … its new version arrived {took:.1} s later at offset {} of partition {}",
        record.offset, record.partition
    );
    println!("  (the lag is 0 and the org is polled five times a second here; 30 s each by default)");
    Ok(())
}

fn next(org: &Org, broker: &Broker) {
    let mut variables = String::new();
    if org.sim().is_some() {
        variables.push_str("SF_LOGIN_URL=… SF_CLIENT_ID=… SF_CLIENT_SECRET=… ");
    }
    if broker.is_embedded() {
        variables.push_str("KAFKA_BOOTSTRAP_SERVERS=… ");
    }
    if variables.is_empty() {
        println!("\nNext: sf-kafka run, with a connector's JSON: see README.md");
    } else {
        println!("\nNext: {variables}cargo run --bin quickstart");
    }
}
