//! Creates, reads, changes, upserts and deletes rows: one at a time, many in a call, and several calls in one.
//!
//! Without set-up it starts an emulated org:
//!
//! ```text
//! cargo run --bin row_crud
//! ```
//!
//! Against a real org it does the same with an Account and Contacts of its own, and deletes them in the end:
//!
//! ```text
//! SF_LOGIN_URL=https://acme.my.salesforce.com SF_CLIENT_ID=… SF_CLIENT_SECRET=… cargo run --bin row_crud
//! ```

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use sf_core::sobject::{Collections, Composite, Fields, RowOutcome, Upserted};
use sf_core::{Client, Id};
use sf_examples::Result;
use sf_examples::login::Login;
use sf_sim::Sim;

/// A row as a struct: `None` empties the field.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    name: String,
    phone: Option<String>,
    number_of_employees: Option<i64>,
}

const FIELDS: &[&str] = &["Name", "Phone", "NumberOfEmployees"];

fn main() -> ExitCode {
    sf_examples::run("warn", async {
        if let Some(login) = Login::from_environment()? {
            println!("Using the org {}", login.place());
            return tour(&login.connect().await?).await;
        }
        let sim = Sim::builder().build()?;
        let server = sim.serve("127.0.0.1:0").await?;
        println!("No SF_* variables: using an emulated org at {}", server.url());
        let app = sim.credentials();
        let login = Login::client_credentials(server.url(), &app.client_id, app.client_secret.as_str());
        tour(&login.connect().await?).await?;
        println!("\nNext: SF_LOGIN_URL=… SF_CLIENT_ID=… SF_CLIENT_SECRET=… cargo run --bin row_crud");
        server.shutdown().await;
        Ok(())
    })
}

/// Shows everything, and deletes what it made whatever came of it.
async fn tour(org: &Client) -> Result<()> {
    let mut made = Vec::new();
    let outcome = match one_row(org, &mut made).await {
        Ok(account) => many_rows(org, account, &mut made).await,
        Err(error) => Err(error),
    };
    made.reverse();
    let deleted = Collections::new(org).delete(&made).await?;
    println!("\n{} rows made, {} deleted", made.len(), deleted.done());
    if let Some(calls) = org.known_limits().daily_api_requests() {
        println!("API calls left today, as the last answer told: {} of {}", calls.remaining, calls.max);
    }
    outcome
}

async fn one_row(org: &Client, made: &mut Vec<Id>) -> Result<Id> {
    println!("\nOne row");
    let wheelworks =
        Account { name: "Wheelworks".into(), phone: Some("+49 30 1".into()), number_of_employees: Some(12) };
    let id = org.create("Account", &wheelworks).await?;
    made.push(id);
    println!("  created  {id}");
    org.update("Account", id, &Fields::new().field("NumberOfEmployees", 13).null("Phone")).await?;
    let read: Account = org.retrieve("Account", id, FIELDS).await?;
    println!("  read     {read:?}");

    // Email is no unique field: after a lost answer this is not sent again. Where the org keeps an external id of yours
    // unique, `upsert_by_unique` is.
    for title in ["Mechanic", "Head of workshop"] {
        let row = Fields::new().field("LastName", "Okafor").field("Title", title).field("AccountId", id);
        match org.upsert("Contact", "Email", "okafor@wheelworks.example", &row).await? {
            Upserted::Created(contact) => {
                made.push(contact);
                println!("  upserted {contact}: it is new");
            }
            Upserted::Updated(_) => println!("  upserted the same Email again: it was changed"),
            several => println!("  not upserted, the Email is that of {several:?}"),
        }
    }
    let refused = org.create("Contact", &Fields::new().field("FirstName", "Nameless")).await;
    if let Err(error) = refused {
        println!("  refused  {error}");
    }
    Ok(id)
}

async fn many_rows(org: &Client, account: Id, made: &mut Vec<Id>) -> Result<()> {
    println!("\nMany rows, 200 in each call");
    let mut rows: Vec<Fields> = (1..=450)
        .map(|n| Fields::new().field("LastName", format!("Rider {n}")).field("AccountId", account))
        .collect();
    rows[41] = Fields::new().field("FirstName", "Nameless");
    let written = Collections::new(org).create("Contact", &rows).await?;
    println!("  {} of {} created", written.done(), rows.len());
    for (row, errors) in written.refused() {
        println!("  row {row}: {}", errors[0].message);
    }
    made.extend(written.outcomes().iter().filter_map(RowOutcome::id));
    written.whole()?;

    println!("\nSeveral calls in one, with references");
    let mut calls = Composite::new().all_or_none(true);
    let shop = calls.create("shop", "Account", &Fields::new().field("Name", "Trailblazers"))?;
    let owner = Fields::new().field("LastName", "Ode").field("AccountId", shop.id());
    let owner = calls.create("owner", "Contact", &owner)?;
    calls.retrieve("read", "Contact", owner.id(), &["Name", "AccountId"])?;
    let answer = org.composite(&calls).await?.whole()?;
    made.extend([answer.part("shop")?.id()?, answer.part("owner")?.id()?]);
    let read: serde_json::Value = answer.part("read")?.json()?;
    println!("  {} belongs to {}", read["Name"], read["AccountId"]);
    Ok(())
}
