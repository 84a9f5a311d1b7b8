//! A service that acts as itself: the client credentials flow.
//!
//! ```text
//! cargo run --bin auth_client_credentials
//! ```
//!
//! Without set-up the org is emulated. With your own:
//!
//! ```text
//! SF_LOGIN_URL=https://acme.my.salesforce.com SF_CLIENT_ID=… SF_CLIENT_SECRET=… cargo run --bin auth_client_credentials
//! ```

use std::process::ExitCode;

use sf_auth::ClientCredentials;
use sf_examples::setup::Setup;
use sf_examples::{Result, run};

fn main() -> ExitCode {
    run("warn", log_in())
}

async fn log_in() -> Result<()> {
    let needed = &["SF_LOGIN_URL", "SF_CLIENT_ID", "SF_CLIENT_SECRET"];
    let sf = Setup::of(env!("CARGO_BIN_NAME"), needed, &[]).await?;
    println!("The app logs in as itself; in the org it stands for its \"Run As\" user");

    let org =
        ClientCredentials::new(sf.get("SF_LOGIN_URL"), sf.get("SF_CLIENT_ID"), sf.get("SF_CLIENT_SECRET"))
            .connect()
            .await?;

    sf.show(&org).await
}
