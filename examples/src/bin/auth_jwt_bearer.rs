//! A service that acts for a user and holds a key, no secret: the JWT bearer flow.
//!
//! ```text
//! cargo run --bin auth_jwt_bearer
//! ```
//!
//! Without set-up the org is emulated, and the key is made for it. With your own:
//!
//! ```text
//! SF_LOGIN_URL=https://acme.my.salesforce.com SF_CLIENT_ID=… SF_USERNAME=ann@acme.example SF_JWT_KEY=server.key \
//!     cargo run --bin auth_jwt_bearer
//! ```
//!
//! `SF_JWT_KEY` is a PEM file or a key store (PKCS#12, JKS); `SF_JWT_KEY_PASSWORD` opens it, and `SF_JWT_KEY_ALIAS`
//! chooses one of several keys. PEM text or a data URI in the variable itself does as well.

use std::process::ExitCode;

use sf_auth::JwtBearer;
use sf_examples::login::private_key;
use sf_examples::setup::Setup;
use sf_examples::{Result, run};

fn main() -> ExitCode {
    run("warn", log_in())
}

async fn log_in() -> Result<()> {
    let needed = &["SF_LOGIN_URL", "SF_CLIENT_ID", "SF_USERNAME", "SF_JWT_KEY"];
    let sf = Setup::of(env!("CARGO_BIN_NAME"), needed, &[]).await?;
    println!("The app signs for {}; no secret and no password travels", sf.get("SF_USERNAME"));

    // Of a file: sf_auth::KeyStore::from_file("server.p12")?.password("…").key()?
    let key = private_key(sf.variables())?;
    let org = JwtBearer::with_key(sf.get("SF_LOGIN_URL"), sf.get("SF_CLIENT_ID"), sf.get("SF_USERNAME"), key)
        .connect()
        .await?;

    sf.show(&org).await
}
