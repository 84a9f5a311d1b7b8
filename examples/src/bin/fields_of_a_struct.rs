//! A query whose fields a struct names, and its rows as that struct.
//!
//! ```text
//! cargo run --bin fields_of_a_struct
//! ```
//!
//! Without set-up the org is emulated; `SF_LOGIN_URL`, `SF_CLIENT_ID` and `SF_CLIENT_SECRET` name a real one.

use std::process::ExitCode;

use serde::Deserialize;
use sf_core::Id;
use sf_examples::org::Org;
use sf_examples::{Result, run};
use sf_soql::{Query, Select, field, fields_of};

/// A field is selected because it is here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    id: Id,
    name: String,
    industry: Option<String>,
    #[serde(rename = "NumberOfEmployees")]
    employees: Option<u32>,
    owner: Owner,
}

/// A struct within is a parent: `Owner.Name`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Owner {
    name: String,
}

fn main() -> ExitCode {
    run("warn", async {
        let org = Org::connect().await?;
        println!("{}", org.introduction(&[("Account", org.count("Account").await)]));
        let select =
            Select::from("Account").fields(fields_of::<Account>()?).order_by(field("Name").asc()).limit(5);
        println!("{select}");
        show(&org, &select).await
    })
}

async fn show(org: &Org, select: &Select) -> Result<()> {
    let mut accounts = Query::of(select)?.rows::<Account>(&org.client);
    while let Some(account) = accounts.next_row().await? {
        let industry = account.industry.as_deref().unwrap_or("no industry");
        let employees = account.employees.map_or_else(|| "?".to_owned(), |n| n.to_string());
        println!(
            "{} {}: {industry}, {employees} people, of {}",
            account.id, account.name, account.owner.name
        );
    }
    Ok(())
}
