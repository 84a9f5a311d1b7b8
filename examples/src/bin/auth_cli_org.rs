//! An org that the Salesforce CLI is logged in to.
//!
//! ```text
//! cargo run --bin auth_cli_org
//! ```
//!
//! Without set-up the org and the CLI's JSON are emulated. With your own, piped or as a file:
//!
//! ```text
//! sf org display --verbose --json --target-org acme | SF_CLI_ORG=- cargo run --bin auth_cli_org
//! sf org display --verbose --json --target-org acme >acme.json; SF_CLI_ORG=acme.json cargo run --bin auth_cli_org
//! ```

use std::process::ExitCode;

use sf_examples::login::cli_org;
use sf_examples::setup::Setup;
use sf_examples::{Result, run};

fn main() -> ExitCode {
    run("warn", log_in())
}

async fn log_in() -> Result<()> {
    let sf = Setup::of(env!("CARGO_BIN_NAME"), &["SF_CLI_ORG"], &[]).await?;

    // sf_auth::CliOrg::from_reader(stdin())?, or from_file("acme.json")?
    let cli = cli_org(sf.variables())?;
    let (name, user) = (cli.alias().unwrap_or("an org"), cli.username().unwrap_or("a user"));
    println!("The Salesforce CLI is logged in to {name} as {user}");
    if !cli.renews() {
        println!("Its session cannot be renewed: `sf org display --verbose` shows a refresh token beside it");
    }
    let org = cli.connect().await?;

    sf.show(&org).await
}
