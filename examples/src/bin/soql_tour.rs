//! SOQL from values: built, checked against describes, and read over REST.
//!
//! ```text
//! cargo run --bin soql_tour
//! ```
//!
//! Without set-up the org is emulated; `SF_LOGIN_URL`, `SF_CLIENT_ID` and `SF_CLIENT_SECRET` name a real one. Nothing is
//! changed in it.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use sf_core::Client;
use sf_examples::org::Org;
use sf_examples::text::thousands;
use sf_examples::{Result, run};
use sf_soql::function::{count, sum};
use sf_soql::{DateLiteral, DescribeCache, Query, Select, field, type_of};

fn main() -> ExitCode {
    run("warn", async {
        let org = Org::connect().await?;
        println!("{}", org.introduction(&[("Lead", org.count("Lead").await)]));
        written()?;
        read(&org.client).await?;
        streamed(&org.client).await?;
        checked(&org.client).await
    })
}

/// What the builder can say. Quoting is its business alone.
fn written() -> Result<()> {
    println!("\nBuilt from values:");
    let contacts = Select::from("Contacts").fields(["Id", "Email"]).order_by("LastName").limit(5);
    let with_open_deals = Select::from("Opportunity").field("AccountId").filter(field("IsClosed").eq(false));
    let queries = [
        Select::from("Account")
            .fields(["Id", "Name", "Owner.Name"])
            .field(contacts)
            .filter(field("Name").contains("O'Hara 100%"))
            .filter(
                field("CreatedDate")
                    .ge(DateLiteral::LastNDays(30))
                    .or(field("Rating").is_in(["Hot", "Warm"])),
            ),
        Select::from("Account").field("Name").filter(field("Id").is_in_select(with_open_deals)),
        Select::from("Opportunity")
            .field("StageName")
            .fields([count("Id").alias("deals"), sum("Amount").alias("worth")])
            .group_by("StageName")
            .having(count("Id").gt(10))
            .order_by(sum("Amount").desc().nulls_last()),
        Select::from("Event").field(type_of("What").when("Account", ["Phone"]).otherwise(["Name"])),
    ];
    for query in queries {
        println!("  {}", query.build()?);
    }
    Ok(())
}

/// A few rows, as JSON.
async fn read(org: &Client) -> Result<()> {
    let select = Select::from("Account")
        .fields(["Name", "Owner.Name"])
        .filter(field("Name").is_not_null())
        .order_by(field("Name").asc())
        .limit(3);
    println!("\n{select}");
    for account in Query::of(&select)?.rows::<Value>(org).all().await? {
        println!("  {} belongs to {}", account["Name"], account["Owner"]["Name"]);
    }
    Ok(())
}

/// Many rows: pages are fetched while others are read.
async fn streamed(org: &Client) -> Result<()> {
    let select = Select::from("Lead").fields(["Id", "LastName"]);
    let mut pages = Query::of(&select)?.batch_size(2_000).prefetch(3).pages(org);
    let (mut read, mut of) = (0, 0);
    while let Some(page) = pages.next_page().await? {
        read += page.rows::<Value>()?.len() as u64;
        of = page.total_size();
    }
    println!("\n{select}\n  {} of {} rows, page by page", thousands(read), thousands(of));
    Ok(())
}

/// What is wrong with a query, before the org is asked.
async fn checked(org: &Client) -> Result<()> {
    let describes = DescribeCache::new(org.clone(), Duration::from_secs(600));
    let wrong = Select::from("Account")
        .fields(["Id", "Nmae", "Ownr.Name"])
        .filter(field("Name").eq(5))
        .order_by("Description");
    println!("\n{wrong}");
    if let Err(error) = describes.check(&wrong).await {
        error.problems().iter().for_each(|problem| println!("  {problem}"));
    }
    let not_for_bulk = Select::from("Account").field(count("Id")).group_by("OwnerId").offset(10);
    println!("\n{not_for_bulk}");
    if let Err(error) = describes.bulk_check(&not_for_bulk).await {
        error.problems().iter().for_each(|problem| println!("  {problem}"));
    }
    Ok(())
}
