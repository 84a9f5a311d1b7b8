//! Who is logged in, where, and what is left of the org's allowances.
//!
//! ```text
//! cargo run --bin whoami
//! ```
//!
//! Without set-up the org is emulated; any login by `SF_*` variables names a real one, for example:
//!
//! ```text
//! SF_LOGIN_URL=https://acme.my.salesforce.com SF_CLIENT_ID=… SF_CLIENT_SECRET=… cargo run --bin whoami
//! SF_LOGIN_URL=https://acme.my.salesforce.com SF_CLIENT_ID=… SF_TOKEN_FILE=token.json cargo run --bin whoami
//! sf org display --verbose --json --target-org acme | SF_CLI_ORG=- cargo run --bin whoami
//! ```

use std::process::ExitCode;

use sf_examples::emulated::Emulated;
use sf_examples::login::Login;
use sf_examples::whoami::Whoami;
use sf_examples::{Result, run};

fn main() -> ExitCode {
    run("warn", whoami())
}

async fn whoami() -> Result<()> {
    let (login, emulated) = match Login::from_environment()? {
        Some(login) => (login, None),
        None => {
            let org = Emulated::start().await?;
            (org.login(), Some(org))
        }
    };
    let who = Whoami::ask(&login.connect().await?).await?;
    print!("{who}\n\n{}", who.left());
    if emulated.is_some() {
        println!("\nNext: SF_LOGIN_URL=… SF_CLIENT_ID=… SF_CLIENT_SECRET=… cargo run --bin whoami");
    }
    Ok(())
}
