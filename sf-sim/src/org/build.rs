//! What an org begins with.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use super::accounts::{Accounts, Registered};
use super::state::{Knobs, State};
use super::{Credentials, Shared, Sim};
use crate::account::{self, AccountsFileError, App, User};
use crate::clock::Clock;
use crate::fault::{Faults, FaultsFileError, Hooks};
use crate::id::RecordId;
use crate::journal::{self, Journal};
use crate::sfdx::Loaded;
use crate::store::{RowError, Store};
use crate::value::Value;

/// What an org begins with; made by [`Sim::builder`].
#[derive(Clone)]
#[must_use]
pub struct SimBuilder {
    sfdx: Option<PathBuf>,
    generate: Vec<(String, u64)>,
    seed: u64,
    clock: Clock,
    credentials: Credentials,
    jwt_pem: Option<Vec<u8>>,
    apps: Vec<App>,
    users: Vec<User>,
    accounts: Option<String>,
    login_url: String,
    faults: Option<String>,
    journal: usize,
}

/// The file of apps and users holds secrets.
impl fmt::Debug for SimBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimBuilder")
            .field("sfdx", &self.sfdx)
            .field("generate", &self.generate)
            .field("seed", &self.seed)
            .field("apps", &self.apps)
            .field("users", &self.users)
            .finish_non_exhaustive()
    }
}

impl Default for SimBuilder {
    fn default() -> Self {
        Self {
            sfdx: None,
            generate: Vec::new(),
            seed: 0,
            clock: Clock::system(),
            credentials: Credentials::default(),
            jwt_pem: None,
            apps: Vec::new(),
            users: Vec::new(),
            accounts: None,
            login_url: "https://login.salesforce.com".to_owned(),
            faults: None,
            journal: journal::DEFAULT_SIZE,
        }
    }
}

/// Why an org could not begin.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The SFDX project cannot be loaded.
    Sfdx(crate::sfdx::LoadError),
    /// Rows of such an object cannot be generated.
    Generate {
        /// The object as it was asked for.
        object: String,
        /// Why not.
        why: RowError,
    },
    /// The org does not take a user's name.
    Username(RowError),
    /// There are two users of this name.
    SameUser(String),
    /// The apps and users are not what the file's format says.
    Accounts(AccountsFileError),
    /// The faults are not a list of faults.
    Faults(FaultsFileError),
    /// The JWT key is no RSA certificate or public key in PEM.
    JwtKey(String),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sfdx(_) => f.write_str("the SFDX project cannot be loaded"),
            Self::Generate { object, .. } => write!(f, "rows of {object} cannot be generated"),
            Self::Username(_) => f.write_str("the org does not take the user's name"),
            Self::SameUser(name) => write!(f, "there are two users of the name {name}"),
            Self::Accounts(_) => f.write_str("the apps and users cannot be read"),
            Self::Faults(_) => f.write_str("the faults cannot be read"),
            Self::JwtKey(why) => {
                write!(f, "the key for JWT assertions is no RSA certificate or public key in PEM ({why})")
            }
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sfdx(error) => Some(error),
            Self::Username(error) => Some(error),
            Self::Faults(error) => Some(error),
            Self::Generate { why, .. } => Some(why),
            Self::Accounts(error) => Some(error),
            Self::JwtKey(_) | Self::SameUser(_) => None,
        }
    }
}

impl SimBuilder {
    /// Loads objects, fields and records of an SFDX project.
    pub fn sfdx(mut self, project: impl AsRef<Path>) -> Self {
        self.sfdx = Some(project.as_ref().to_owned());
        self
    }

    /// Makes up so many rows of an object. May be called for several objects.
    pub fn generate(mut self, object: impl Into<String>, rows: u64) -> Self {
        self.generate.push((object.into(), rows));
        self
    }

    /// What generated rows, tokens and cursors follow from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The org's clock: the machine's, unless told otherwise.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What clients log in with: the first app and the first user.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// The certificate or public key (RSA, PEM) that JWT assertions are checked against.
    pub fn jwt_key(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.jwt_pem = Some(pem.into());
        self
    }

    /// Adds a connected app, beside the first.
    pub fn app(mut self, app: App) -> Self {
        self.apps.push(app);
        self
    }

    /// Adds a user, beside the first.
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Adds apps and users, as JSON: `{"apps": […], "users": […]}`.
    pub fn accounts(mut self, json: impl Into<String>) -> Self {
        self.accounts = Some(json.into());
        self
    }

    /// Scheme and host of the identity URLs that logins answer: `https://login.salesforce.com`, unless told otherwise.
    pub fn login_url(mut self, url: impl Into<String>) -> Self {
        self.login_url = url.into().trim_end_matches('/').to_owned();
        self
    }

    /// Faults to begin with, as JSON.
    pub fn faults(mut self, json: impl Into<String>) -> Self {
        self.faults = Some(json.into());
        self
    }

    /// How many requests the journal keeps; 100,000 unless told otherwise.
    pub fn journal_size(mut self, entries: usize) -> Self {
        self.journal = entries;
        self
    }

    /// Begins the org.
    ///
    /// # Errors
    /// When project, faults, accounts or key cannot be read, or rows cannot be generated.
    pub fn build(self) -> Result<Sim, BuildError> {
        let faults = Faults::default();
        if let Some(json) = &self.faults {
            faults.add_json(json).map_err(BuildError::Faults)?;
        }
        let mut store = Store::with_standard_objects(self.clock.clone());
        let user = store.running_user();
        let username = Value::text(self.credentials.username.as_str());
        store
            .update("User", user, vec![("Username".to_owned(), username)], user)
            .map_err(BuildError::Username)?;
        let accounts = self.all_accounts(&mut store)?;
        let loaded = match &self.sfdx {
            Some(project) => crate::sfdx::load(project, &mut store).map_err(BuildError::Sfdx)?,
            None => Loaded::default(),
        };
        for (object, rows) in &self.generate {
            let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
            crate::generate::generate(&mut store, object, rows, self.seed)
                .map_err(|why| BuildError::Generate { object: object.clone(), why })?;
        }
        let shared = Shared {
            identity: (store.org_id(), store.running_user()),
            clock: self.clock,
            store: RwLock::new(store),
            state: Mutex::new(State::new(Knobs::default(), accounts, self.seed)),
            faults,
            hooks: Arc::new(Hooks::default()),
            journal: Journal::new(self.journal),
            username: self.credentials.username.as_str().into(),
            credentials: self.credentials,
            login_url: self.login_url,
            loaded,
        };
        Ok(Sim { shared: Arc::new(shared) })
    }

    fn all_accounts(&self, store: &mut Store) -> Result<Accounts, BuildError> {
        let known = &self.credentials;
        let mut first = App::new(&known.client_id)
            .secret(&known.client_secret)
            .callback("http://localhost:1717/OauthRedirect")
            .run_as(&known.username)
            .approved_by(&known.username);
        if let Some(pem) = &self.jwt_pem {
            first = first.certificate(String::from_utf8_lossy(pem));
        }
        let (mut apps, mut users) = match &self.accounts {
            Some(json) => account::parse(json).map_err(BuildError::Accounts)?,
            None => Default::default(),
        };
        apps.splice(0..0, std::iter::once(first).chain(self.apps.iter().cloned()));
        users.splice(0..0, self.users.iter().cloned());
        let mut accounts = Accounts::default();
        let user = User::new(&known.username, &known.password).security_token(&known.security_token);
        accounts.add_user(user, store.running_user());
        for user in users {
            if accounts.user(&user.username).is_some() {
                return Err(BuildError::SameUser(user.username));
            }
            let id = user_row(store, &user).map_err(BuildError::Username)?;
            accounts.add_user(user, id);
        }
        for app in apps {
            accounts.add_app(Registered::new(app)?);
        }
        Ok(accounts)
    }
}

impl Shared {
    /// Adds the apps and users of a file, or puts them in the place of those of the same names.
    pub(crate) fn add_accounts(&self, json: &str) -> Result<(), BuildError> {
        let (apps, users) = account::parse(json).map_err(BuildError::Accounts)?;
        let apps = apps.into_iter().map(Registered::new).collect::<Result<Vec<_>, _>>()?;
        for user in users {
            let name = user.username.clone();
            if self.state().accounts.user(&name).is_none() {
                let id = self.write(|store| user_row(store, &user)).map_err(BuildError::Username)?;
                self.state().accounts.add_user(user, id);
            } else {
                self.state().accounts.change_user(&name, |_| user);
            }
        }
        let mut state = self.state();
        apps.into_iter().for_each(|app| state.accounts.add_app(app));
        Ok(())
    }
}

/// Adds the row of a user.
fn user_row(store: &mut Store, user: &User) -> Result<RecordId, RowError> {
    let name = user.username.split('@').next().unwrap_or_default();
    let text = |field: &str, value: &str| (field.to_owned(), Value::text(value));
    let values = vec![
        text("Username", &user.username),
        text("FirstName", user.first_name.as_deref().unwrap_or("Test")),
        text("LastName", user.last_name.as_deref().unwrap_or(name)),
        text("Email", &user.username),
        text("Alias", &name.chars().take(8).collect::<String>()),
        text("CommunityNickname", &name.chars().take(40).collect::<String>()),
        text("ProfileId", "00e5i0000000001"),
        ("IsActive".to_owned(), Value::Bool(user.active)),
    ];
    let running = store.running_user();
    store.insert("User", values, running)
}
