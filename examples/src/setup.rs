//! What a login example works with: the org that `SF_*` variables name, or an emulated one with the same variables.

use sf_core::Client;
use url::Url;

use crate::Result;
use crate::emulated::Emulated;
use crate::variables::Variables;
use crate::whoami::Whoami;

/// The variables of one example, and the emulated org behind them where there is one.
#[derive(Debug)]
pub struct Setup {
    program: &'static str,
    needed: &'static [&'static str],
    variables: Variables,
    emulated: Option<Emulated>,
}

impl Setup {
    /// The variables of the environment. Where none of them names an org, one is emulated, and the variables are those
    /// that it would need.
    ///
    /// # Errors
    /// Variables that are missing.
    pub async fn of(
        program: &'static str,
        needed: &'static [&'static str],
        optional: &'static [&'static str],
    ) -> Result<Self> {
        let mut variables = Variables::from_environment()?;
        if variables.of_a_login().next().is_some() {
            variables.need(needed, program)?;
            return Ok(Self { program, needed, variables, emulated: None });
        }
        let org = Emulated::start().await?;
        for name in needed.iter().chain(optional) {
            if let Some(value) = org.value(name).await? {
                variables.set(name, value);
            }
        }
        Ok(Self { program, needed, variables, emulated: Some(org) })
    }

    /// The value of a variable, or an empty text.
    pub fn get(&self, name: &str) -> &str {
        self.variables.get(name)
    }

    /// All of them.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// A page that a person opens. In an emulated org it is opened by the only user that there is.
    pub fn person_opens(&self, page: &Url) {
        println!("Open this page in a browser on this machine, and log in:\n  {page}");
        if let Some(org) = &self.emulated {
            println!("  (emulated: a browser is played that logs in as Ada and allows access)");
            played(org.visit(page));
        }
    }

    /// A page on which a person enters a code.
    pub fn person_enters(&self, page: &Url, code: &str) {
        println!("Open this page on any device, and enter the code {code}:\n  {page}");
        if let Some(org) = &self.emulated {
            println!("  (emulated: a browser is played that enters it, logs in as Ada and allows access)");
            played(org.enter(page, code));
        }
    }

    /// Shows who is logged in, and how the program goes with an org of one's own.
    ///
    /// # Errors
    /// What the org said.
    pub async fn show(&self, org: &Client) -> Result<()> {
        println!("{}", Whoami::ask(org).await?);
        if self.emulated.is_some() {
            let variables: String =
                self.needed.iter().map(|name| format!("{name}={} ", sample(name))).collect();
            println!("\nNext: {variables}cargo run --bin {}", self.program);
        }
        Ok(())
    }
}

/// A value to show: a name for what is a file.
fn sample(variable: &str) -> &'static str {
    match variable {
        "SF_JWT_KEY" => "server.key",
        "SF_TOKEN_FILE" => "token.json",
        "SF_SUBJECT_TOKEN_FILE" => "subject.token",
        "SF_CLI_ORG" => "org.json",
        _ => "…",
    }
}

/// What a person does while the program waits. Without them it would wait for minutes.
fn played(part: impl Future<Output = Result<()>> + Send + 'static) {
    tokio::spawn(async {
        if let Err(error) = part.await {
            eprintln!("the played browser failed: {error}");
            std::process::exit(1);
        }
    });
}
