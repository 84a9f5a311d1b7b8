//! The org that a program reads: the one that `SF_*` variables name, or an emulated one of its own.

use std::path::Path;

use serde::Deserialize;
use sf_core::Client;
use sf_sim::{Server, Sim};

use crate::Result;
use crate::login::Login;
use crate::text::thousands;

/// How many Leads an emulated org has, unless `SF_QUICKSTART_LEADS` says otherwise.
const LEADS: u64 = 100_000;
/// The same Leads at every run.
const SEED: u64 = 7;

/// An emulated org is on this machine, where a company's proxy does not find it.
///
/// # Errors
/// Which variable sends calls there, and what keeps them here.
pub fn reachable() -> Result<()> {
    let set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
    let exempt = ["NO_PROXY", "no_proxy"].iter().filter_map(|name| std::env::var(name).ok());
    if exempt.into_iter().any(|hosts| hosts.contains("127.0.0.") || hosts.contains('*')) {
        return Ok(());
    }
    match ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].into_iter().find(set) {
        Some(name) => {
            let what = format!("{name} is set, and a proxy does not find an emulated org on this machine");
            Err(format!("{what}\n  Set NO_PROXY=127.0.0.1,localhost as well.").into())
        }
        None => Ok(()),
    }
}

/// An org that was logged in to.
#[derive(Debug)]
pub struct Org {
    /// How.
    pub login: Login,
    /// A client of it.
    pub client: Client,
    emulated: Option<Emulated>,
}

#[derive(Debug)]
struct Emulated {
    sim: Sim,
    server: Server,
}

impl Org {
    /// Logs in to the org that the environment names, or starts one in this process: bicycles of a small SFDX
    /// project beside this crate's sources, and many made-up Leads.
    ///
    /// # Errors
    /// A variable that is missing, or what the org said.
    pub async fn connect() -> Result<Self> {
        if let Some(login) = Login::from_environment()? {
            return Ok(Self { client: login.connect().await?, login, emulated: None });
        }
        reachable()?;
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("org");
        let sim = Sim::builder().sfdx(project).generate("Lead", leads()?).seed(SEED).build()?;
        let server = sim.serve("127.0.0.1:0").await?;
        let app = sim.credentials();
        let login = Login::client_credentials(server.url(), &app.client_id, app.client_secret.as_str());
        Ok(Self { client: login.connect().await?, login, emulated: Some(Emulated { sim, server }) })
    }

    /// The emulated org, if it is one.
    pub fn sim(&self) -> Option<&Sim> {
        self.emulated.as_ref().map(|emulated| &emulated.sim)
    }

    /// The Ids of an object's rows, known without asking where the org is emulated.
    pub fn known_ids(&self, object: &str) -> Option<Vec<String>> {
        self.sim()?.read(|store| {
            let rows = store.table(object)?.rows().filter(|row| !row.is_deleted());
            Some(rows.map(|row| row.id().text18()).collect())
        })
    }

    /// How many rows an object has, where the org tells: it may be too many to count.
    pub async fn count(&self, object: &str) -> Option<u64> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "totalSize")]
            total_size: u64,
        }
        let soql = format!("SELECT COUNT() FROM {object}");
        let answer = self.client.get("query").query("q", &soql).json::<Answer>().await;
        answer
            .inspect_err(|error| tracing::debug!(object, %error, "rows not counted"))
            .ok()
            .map(|a| a.total_size)
    }

    /// Which org it is, in one sentence, with the rows of these objects.
    pub fn introduction(&self, rows: &[(&str, Option<u64>)]) -> String {
        let rows: Vec<_> = rows
            .iter()
            .map(|(object, rows)| match rows {
                Some(rows) => format!("{object} {}", thousands(*rows)),
                None => (*object).to_owned(),
            })
            .collect();
        let rows = if rows.is_empty() { String::new() } else { format!(" ({})", rows.join(", ")) };
        match &self.emulated {
            Some(emulated) => {
                format!("No SF_* variables: using an emulated org{rows} at {}", emulated.server.url())
            }
            None => format!("Using the org {}{rows}", self.login.place()),
        }
    }
}

fn leads() -> Result<u64> {
    match std::env::var("SF_QUICKSTART_LEADS") {
        Ok(text) => Ok(text
            .parse()
            .map_err(|_| format!("SF_QUICKSTART_LEADS = {text:?} must be a number of rows"))?),
        Err(_) => Ok(LEADS),
    }
}
