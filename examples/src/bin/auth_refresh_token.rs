//! A login that a person made once goes on without them, with refresh tokens that rotate: the refresh token flow.
//!
//! ```text
//! cargo run --bin auth_refresh_token
//! ```
//!
//! Without set-up the org is emulated, and rotates. With your own, after `auth_web_server` or `auth_device` with the same
//! `SF_TOKEN_FILE`:
//!
//! ```text
//! SF_LOGIN_URL=https://acme.my.salesforce.com SF_CLIENT_ID=… SF_TOKEN_FILE=token.json cargo run --bin auth_refresh_token
//! ```
//!
//! `SF_REFRESH_TOKEN` is a first token for a file that is not there yet, `SF_CLIENT_SECRET` the app's secret where it asks
//! for one.

use std::process::ExitCode;

use sf_auth::{FileStore, RefreshToken, TokenStore};
use sf_examples::setup::Setup;
use sf_examples::{Result, run};

fn main() -> ExitCode {
    run("warn", log_in())
}

async fn log_in() -> Result<()> {
    let needed = &["SF_LOGIN_URL", "SF_CLIENT_ID", "SF_TOKEN_FILE"];
    let sf = Setup::of(env!("CARGO_BIN_NAME"), needed, &["SF_REFRESH_TOKEN", "SF_CLIENT_SECRET"]).await?;

    // The file wins over the token given here; any number of processes may share it.
    let store = FileStore::new(sf.get("SF_TOKEN_FILE"));
    let before = store.lock().await?.load()?;
    let org = RefreshToken::new(sf.get("SF_LOGIN_URL"), sf.get("SF_CLIENT_ID"), sf.get("SF_REFRESH_TOKEN"))
        .client_secret(sf.get("SF_CLIENT_SECRET"))
        .store(store.clone())
        .connect()
        .await?;

    let rotated = store.lock().await?.load()? != before;
    let file = store.path().display();
    if rotated {
        println!("Spent the refresh token; the next one is in {file}");
    } else {
        println!("Used the refresh token of {file}, which the org does not rotate");
    }
    sf.show(&org).await
}
