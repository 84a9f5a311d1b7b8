//! A user's name and password, for orgs that still have nothing else: the username-password flow.
//!
//! ```text
//! cargo run --bin auth_username_password
//! ```
//!
//! Without set-up the org is emulated. With your own:
//!
//! ```text
//! SF_LOGIN_URL=https://login.salesforce.com SF_CLIENT_ID=… SF_CLIENT_SECRET=… SF_USERNAME=ann@acme.example \
//!     SF_PASSWORD=… SF_SECURITY_TOKEN=… cargo run --bin auth_username_password
//! ```
//!
//! Without `SF_SECURITY_TOKEN` the org has to trust this machine's address.

use std::process::ExitCode;

use sf_auth::UsernamePassword;
use sf_examples::setup::Setup;
use sf_examples::{Result, run};

fn main() -> ExitCode {
    run("warn", log_in())
}

async fn log_in() -> Result<()> {
    let needed = &["SF_LOGIN_URL", "SF_CLIENT_ID", "SF_CLIENT_SECRET", "SF_USERNAME", "SF_PASSWORD"];
    let sf = Setup::of(env!("CARGO_BIN_NAME"), needed, &["SF_SECURITY_TOKEN"]).await?;
    println!("{} logs in by password; a wrong one is never tried again", sf.get("SF_USERNAME"));

    let (url, key, secret) = (sf.get("SF_LOGIN_URL"), sf.get("SF_CLIENT_ID"), sf.get("SF_CLIENT_SECRET"));
    let org = UsernamePassword::new(url, key, secret, sf.get("SF_USERNAME"), sf.get("SF_PASSWORD"))
        .security_token(sf.get("SF_SECURITY_TOKEN"))
        .connect()
        .await?;

    sf.show(&org).await
}
