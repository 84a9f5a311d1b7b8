//! A session that something else began: its token, and the instance it is for.
//!
//! ```text
//! cargo run --bin auth_session
//! ```
//!
//! Without set-up the org is emulated. With your own:
//!
//! ```text
//! SF_INSTANCE_URL=https://acme.my.salesforce.com SF_ACCESS_TOKEN=… cargo run --bin auth_session
//! ```

use std::process::ExitCode;

use sf_auth::Session;
use sf_examples::setup::Setup;
use sf_examples::{Result, run};

fn main() -> ExitCode {
    run("warn", log_in())
}

async fn log_in() -> Result<()> {
    let sf = Setup::of(env!("CARGO_BIN_NAME"), &["SF_INSTANCE_URL", "SF_ACCESS_TOKEN"], &[]).await?;
    println!("A session that something else began; when it ends, this program cannot renew it");

    let org = Session::new(sf.get("SF_INSTANCE_URL"), sf.get("SF_ACCESS_TOKEN")).connect().await?;

    sf.show(&org).await
}
