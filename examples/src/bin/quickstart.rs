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
use sf_examples::{Result, interrupted, run};

const EMULATED: [&str; 4] = ["Lead", "Account", "Product__c", "Product_Family__c"];
const REAL: [&str; 3] = ["Account", "Contact", "Lead"];
/// How many records of a topic are shown, and how wide.
const SHOWN: usize = 2;
const WIDTH: usize = 120;

fn main() -> ExitCode {
    // The embedded broker cannot say how its topics are kept, and nobody has to be warned of that.
    let logged = if Broker::would_be_embedded() { "warn,sf_kafka::offset=error" } else { "warn" };
    run(logged, quickstart())
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
    let tour = Tour { org: &org, broker: &broker, connector: &connector, tables: &tables, started };
    let done = tokio::select! {
        done = tour.walk() => done,
        () = interrupted() => Err("stopped; what was delivered stays in its topics".into()),
    };
    let rows = connector.stop().await?;
    if done.is_err() {
        for (object, rows) in rows {
            eprintln!("{} rows of {object} were delivered", thousands(rows));
        }
    }
    done
}

/// What is shown while the connector runs.
struct Tour<'t> {
    org: &'t Org,
    broker: &'t Broker,
    connector: &'t Connector,
    tables: &'t [Table],
    /// When this run began to write, in milliseconds since 1970.
    started: i64,
}

impl Tour<'_> {
    async fn walk(&self) -> Result<()> {
        let line = |table: &Table| Line {
            label: table.object.clone(),
            total: table.rows,
            note: format!("topic {}", table.topic),
        };
        let mut progress = Progress::new(self.tables.iter().map(line).collect());
        self.connector.first_read(self.tables, self.org.sim().is_some(), &mut progress).await?;

        println!("\nRead back from Kafka:");
        for table in self.tables {
            let found = read_back(&self.broker.cluster, &table.topic, self.started, SHOWN).await?;
            show(table, &found);
            self.check(table, &found)?;
        }
        println!("\nOffsets, as Kafka Connect keeps them:");
        for (partition, offset) in self.connector.offsets().await? {
            println!("  {partition} → {offset}");
        }
        if let Some(lead) = self.tables.iter().find(|table| table.object == "Lead") {
            self.change(lead).await?;
        }
        self.next();
        Ok(())
    }

    /// Every row that was delivered must have been read back, and of an emulated org every row that it has.
    fn check(&self, table: &Table, found: &Summary) -> Result<()> {
        let Table { object, topic, .. } = table;
        let delivered = self.connector.rows(object);
        if found.records < delivered {
            let (delivered, found) = (thousands(delivered), thousands(found.records));
            let mut said =
                format!("{delivered} rows of {object} were delivered, topic {topic} has {found} of them");
            if self.broker.is_embedded() {
                said.push_str(
                    ": the embedded broker keeps 5 MiB of a partition; use a real Kafka for so much",
                );
            }
            return Err(said.into());
        }
        let known = self.org.known_ids(object).unwrap_or_default();
        let missing =
            known.iter().filter(|id| !id.parse().is_ok_and(|id: Id| found.ids.contains(&id))).count();
        if missing > 0 {
            return Err(format!(
                "{} rows of {object} have not arrived in {topic}",
                thousands(missing as u64)
            )
            .into());
        }
        Ok(())
    }

    /// Changes one Lead of an emulated org and waits for its new version. A real org is only read.
    async fn change(&self, lead: &Table) -> Result<()> {
        let Some(id) = self.org.known_ids("Lead").and_then(|ids| ids.into_iter().next()) else {
            return Ok(());
        };
        let company = format!("Renamed by quickstart {}", std::process::id());
        let (pages, begun) = (self.connector.pages("Lead"), Instant::now());
        self.org.client.update("Lead", id.parse()?, &json!({ "Company": company })).await?;
        self.connector.page_after("Lead", pages).await?;
        let took = begun.elapsed().as_secs_f64();
        let record = find(&self.broker.cluster, &lead.topic, &company).await?;
        let record =
            record.ok_or_else(|| format!("the new version of Lead {id} is not in {}", lead.topic))?;
        println!(
            "\nChanged Lead {id} in the org … its new version arrived {took:.1} s later at offset {} of partition {}",
            record.offset, record.partition
        );
        println!("  (here the lag is 0 and the org is polled five times a second; 30 s each by default)");
        Ok(())
    }

    fn next(&self) {
        let mut variables = String::new();
        if self.org.sim().is_some() {
            variables.push_str("SF_LOGIN_URL=… SF_CLIENT_ID=… SF_CLIENT_SECRET=… ");
        }
        if self.broker.is_embedded() {
            variables.push_str("KAFKA_BOOTSTRAP_SERVERS=… ");
        }
        if variables.is_empty() {
            println!("\nNext: sf-kafka run, with a connector's JSON: see README.md");
        } else {
            println!("\nNext: {variables}cargo run --bin quickstart");
        }
    }
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
    if let Some(rows) = table.rows.filter(|rows| *rows > found.records) {
        let rows = thousands(rows);
        println!(
            "    of {rows} rows: an earlier run brought the others, or they are younger than the lag of 30 s"
        );
    }
    for record in &found.first {
        println!("    {}", in_short(record, WIDTH));
    }
}
