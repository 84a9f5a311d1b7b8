//! A person logs in with a browser on this machine: the web server flow with PKCE.
//!
//! ```text
//! cargo run --bin auth_web_server
//! ```
//!
//! Without set-up the org is emulated, and so is the person. With your own:
//!
//! ```text
//! SF_LOGIN_URL=https://acme.my.salesforce.com SF_CLIENT_ID=… cargo run --bin auth_web_server
//! ```
//!
//! `SF_CALLBACK_URL` is the app's callback URL on localhost (`http://localhost:1717/OauthRedirect` without it),
//! `SF_CLIENT_SECRET` its secret where it asks for one. In `SF_TOKEN_FILE` the refresh token is kept: auth_refresh_token
//! goes on from there without the person.

use std::process::ExitCode;

use sf_auth::{FileStore, Login, WebServer};
use sf_examples::setup::Setup;
use sf_examples::{Result, run};

fn main() -> ExitCode {
    run("warn", log_in())
}

async fn log_in() -> Result<()> {
    let optional = &["SF_CLIENT_SECRET", "SF_CALLBACK_URL"];
    let sf = Setup::of(env!("CARGO_BIN_NAME"), &["SF_LOGIN_URL", "SF_CLIENT_ID"], optional).await?;

    let mut settings = WebServer::new(sf.get("SF_LOGIN_URL"), sf.get("SF_CLIENT_ID"))
        .client_secret(sf.get("SF_CLIENT_SECRET"));
    if let Some(callback) = sf.variables().optional("SF_CALLBACK_URL") {
        settings = settings.redirect_uri(callback);
    }
    let browser = settings.listen().await?;
    sf.person_opens(browser.url());
    let mut authorized = browser.wait(&Login::new()).await?;

    match sf.variables().optional("SF_TOKEN_FILE") {
        Some(file) => {
            authorized = authorized.keep(FileStore::new(file)).await?;
            println!("Kept the refresh token in {file}: auth_refresh_token goes on from there");
        }
        None => println!("With SF_TOKEN_FILE=token.json the refresh token is kept, for auth_refresh_token"),
    }
    sf.show(&authorized.connect().await?).await
}
