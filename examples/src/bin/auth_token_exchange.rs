//! A service whose users log in elsewhere exchanges their token for one of the org: the token exchange flow.
//!
//! ```text
//! cargo run --bin auth_token_exchange
//! ```
//!
//! Without set-up the org is emulated. With your own:
//!
//! ```text
//! SF_LOGIN_URL=https://acme.my.salesforce.com SF_CLIENT_ID=… SF_SUBJECT_TOKEN_FILE=/var/run/secrets/tokens/salesforce \
//!     SF_SUBJECT_TOKEN_TYPE=urn:ietf:params:oauth:token-type:jwt cargo run --bin auth_token_exchange
//! ```
//!
//! `SF_TOKEN_HANDLER` names the handler where it is not the app's default one, `SF_CLIENT_SECRET` the app's secret where
//! it asks for one.

use std::process::ExitCode;

use sf_examples::login::token_exchange;
use sf_examples::setup::Setup;
use sf_examples::{Result, run};

fn main() -> ExitCode {
    run("warn", log_in())
}

async fn log_in() -> Result<()> {
    let needed = &["SF_LOGIN_URL", "SF_CLIENT_ID", "SF_SUBJECT_TOKEN_FILE"];
    let sf = Setup::of(env!("CARGO_BIN_NAME"), needed, &["SF_CLIENT_SECRET"]).await?;
    println!("The token in {} becomes one of the org", sf.get("SF_SUBJECT_TOKEN_FILE"));

    // sf_auth::TokenExchange::new(url, id, || read(file)).client_secret(secret).token_type(of_the_subject): the file is
    // read anew at each login, as such tokens live for minutes.
    let grant = token_exchange(sf.variables())?;

    sf.show(&grant.connect().await?).await
}
