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

use sf_auth::TokenExchange;
use sf_examples::setup::Setup;
use sf_examples::{Result, run};

fn main() -> ExitCode {
    run("warn", log_in())
}

async fn log_in() -> Result<()> {
    let needed = &["SF_LOGIN_URL", "SF_CLIENT_ID", "SF_SUBJECT_TOKEN_FILE"];
    let sf = Setup::of(env!("CARGO_BIN_NAME"), needed, &["SF_CLIENT_SECRET"]).await?;
    let set = sf.variables();
    println!("The token in {} becomes one of the org", sf.get("SF_SUBJECT_TOKEN_FILE"));

    // Read anew at each login: such tokens live for minutes.
    let file = set.file("SF_SUBJECT_TOKEN_FILE")?;
    let subject = move || std::fs::read_to_string(&file).unwrap_or_default();
    let mut grant = TokenExchange::new(sf.get("SF_LOGIN_URL"), sf.get("SF_CLIENT_ID"), subject)
        .client_secret(sf.get("SF_CLIENT_SECRET"))
        .token_type(set.optional("SF_SUBJECT_TOKEN_TYPE").unwrap_or(TokenExchange::ACCESS_TOKEN));
    if let Some(handler) = set.optional("SF_TOKEN_HANDLER") {
        grant = grant.handler(handler);
    }

    sf.show(&grant.connect().await?).await
}
