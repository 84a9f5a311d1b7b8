//! A person logs in on another device, for a program without a browser: the device flow.
//!
//! ```text
//! cargo run --bin auth_device
//! ```
//!
//! Without set-up the org is emulated, and so is the person. With your own:
//!
//! ```text
//! SF_LOGIN_URL=https://acme.my.salesforce.com SF_CLIENT_ID=… cargo run --bin auth_device
//! ```
//!
//! In `SF_TOKEN_FILE` the refresh token is kept, for auth_refresh_token.

use std::process::ExitCode;

use sf_auth::{Device, FileStore, Login};
use sf_examples::setup::Setup;
use sf_examples::{Result, run};

fn main() -> ExitCode {
    run("warn", log_in())
}

async fn log_in() -> Result<()> {
    let needed = &["SF_LOGIN_URL", "SF_CLIENT_ID"];
    let sf = Setup::of(env!("CARGO_BIN_NAME"), needed, &["SF_CLIENT_SECRET"]).await?;

    let login = Login::new();
    let prompt = Device::new(sf.get("SF_LOGIN_URL"), sf.get("SF_CLIENT_ID"))
        .client_secret(sf.get("SF_CLIENT_SECRET"))
        .begin(&login)
        .await?;
    sf.person_enters(prompt.verification_url(), prompt.user_code());
    let mut authorized = prompt.wait(&login).await?;

    match sf.variables().optional("SF_TOKEN_FILE") {
        Some(file) => {
            authorized = authorized.keep(FileStore::new(file)).await?;
            println!("Kept the refresh token in {file}: auth_refresh_token goes on from there");
        }
        None => println!("With SF_TOKEN_FILE=token.json the refresh token is kept, for auth_refresh_token"),
    }
    sf.show(&authorized.connect().await?).await
}
