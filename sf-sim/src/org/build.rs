//! What an org begins with.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use super::state::{Knobs, State};
use super::{Credentials, Shared, Sim};
use crate::clock::Clock;
use crate::fault::{Faults, FaultsFileError, Hooks};
use crate::journal::{self, Journal};
use crate::oauth::AssertionKey;
use crate::sfdx::Loaded;
use crate::store::{RowError, Store};
use crate::value::Value;

/// What an org begins with; made by [`Sim::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct SimBuilder {
    sfdx: Option<PathBuf>,
    generate: Vec<(String, u64)>,
    seed: u64,
    clock: Clock,
    credentials: Credentials,
    jwt_pem: Option<Vec<u8>>,
    faults: Option<String>,
    journal: usize,
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
    /// The org does not take the user's name.
    Username(RowError),
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
            Self::JwtKey(_) => None,
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

    /// What clients log in with.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// The certificate or public key (RSA, PEM) that JWT assertions are checked against.
    pub fn jwt_key(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.jwt_pem = Some(pem.into());
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
    /// When project, faults or key cannot be read, or rows cannot be generated.
    pub fn build(self) -> Result<Sim, BuildError> {
        let assertion_key = self.jwt_pem.as_deref().map(AssertionKey::from_pem).transpose();
        let assertion_key = assertion_key.map_err(|error| BuildError::JwtKey(error.to_string()))?;
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
            state: Mutex::new(State::new(Knobs::default(), self.seed)),
            faults,
            hooks: Arc::new(Hooks::default()),
            journal: Journal::new(self.journal),
            username: self.credentials.username.as_str().into(),
            credentials: self.credentials,
            assertion_key,
            loaded,
        };
        Ok(Sim { shared: Arc::new(shared) })
    }
}
