//! The emulated org: a handle that tests, examples and the binary hold.

mod accounts;
mod build;
mod state;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

pub(crate) use accounts::{Door, NoLogin, Registered, Standing, Who};
pub use build::{BuildError, SimBuilder};
pub use state::JobPace;
pub(crate) use state::{Moved, Session, State};

use crate::account::{App, User};
use crate::clock::Clock;
use crate::fault::{Faults, Hook, Hooks, Reply, Route, When};
use crate::id::RecordId;
use crate::journal::Journal;
use crate::oauth::Login;
use crate::server::Router;
use crate::sfdx::Loaded;
use crate::store::{RowError, Store};

/// What a client needs to log in to the emulated org.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The consumer key of the connected app.
    pub client_id: String,
    /// The consumer secret of the connected app.
    pub client_secret: String,
    /// The user that every call runs as.
    pub username: String,
    /// The user's password.
    pub password: String,
    /// What the user appends to the password.
    pub security_token: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            client_id: "3MVG9sim.consumer.key".to_owned(),
            client_secret: "sim-consumer-secret".to_owned(),
            username: "integration@sim.example".to_owned(),
            password: "sim-password".to_owned(),
            security_token: "simtoken".to_owned(),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("client_id", &self.client_id)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// An emulated org. Clones are the same org.
#[derive(Clone, Debug)]
pub struct Sim {
    pub(crate) shared: Arc<Shared>,
}

/// What the handle and every request share.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    /// Readers of rows work side by side: writing the result of a large job must not stop a describe.
    store: RwLock<Store>,
    state: Mutex<State>,
    pub(crate) faults: Faults,
    pub(crate) hooks: Arc<Hooks>,
    pub(crate) journal: Journal,
    pub(crate) credentials: Credentials,
    pub(crate) username: Arc<str>,
    pub(crate) login_url: String,
    identity: (RecordId, RecordId),
    loaded: Loaded,
}

/// Access tokens are in the state: nothing of it is shown.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Org").field("id", &self.identity.0).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        look(&self.store.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        change(&mut self.store.write().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn row_counts(&self) -> Vec<(String, usize)> {
        self.read(|store| {
            let tables = store.catalog().iter().filter_map(|object| store.table(&object.name));
            tables
                .filter(|table| table.live() > 0)
                .map(|table| (table.def().name.clone(), table.live()))
                .collect()
        })
    }

    /// The identity URL of a user.
    pub(crate) fn identity_url(&self, user: RecordId) -> String {
        format!("{}/id/{}/{user}", self.login_url, self.identity.0)
    }

    /// The first user.
    pub(crate) fn first_user(&self) -> Who {
        Who { id: self.identity.1, username: Arc::clone(&self.username) }
    }

    /// The ids of the org and of its user.
    pub(crate) fn identity(&self) -> (RecordId, RecordId) {
        self.identity
    }
}

impl Sim {
    /// Begins an org.
    pub fn builder() -> SimBuilder {
        SimBuilder::default()
    }

    /// The org as a tower service, for use in this process.
    #[must_use]
    pub fn router(&self) -> Router {
        Router::new(Arc::clone(&self.shared))
    }

    /// What a client logs in with.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.shared.credentials
    }

    /// What the SFDX project brought; nothing where there was none.
    #[must_use]
    pub fn loaded(&self) -> &Loaded {
        &self.shared.loaded
    }

    /// How many rows each object has that has any, those in the recycle bin left out.
    #[must_use]
    pub fn row_counts(&self) -> Vec<(String, usize)> {
        self.shared.row_counts()
    }

    /// The clock of the org.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// The faults of the org.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// What was asked of the org.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    /// Looks at the rows, beside other readers.
    pub fn read<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        self.shared.read(look)
    }

    /// Changes rows and objects, alone.
    pub fn store<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        self.shared.write(change)
    }

    /// Adds a row, as the org's user; fields as the REST API takes them.
    ///
    /// # Errors
    /// What a REST call would be refused with.
    pub fn insert(&self, object: &str, fields: &serde_json::Value) -> Result<RecordId, RowError> {
        let user = self.shared.identity.1;
        self.store(|store| store.insert_json(object, members(fields)?, user))
    }

    /// Changes a row, as the org's user.
    ///
    /// # Errors
    /// What a REST call would be refused with.
    pub fn update(&self, object: &str, id: RecordId, fields: &serde_json::Value) -> Result<(), RowError> {
        let user = self.shared.identity.1;
        self.store(|store| store.update_json(object, id, members(fields)?, user))
    }

    /// Moves a row to the recycle bin, as the org's user.
    ///
    /// # Errors
    /// What a REST call would be refused with.
    pub fn delete(&self, object: &str, id: RecordId) -> Result<(), RowError> {
        let user = self.shared.identity.1;
        self.store(|store| store.delete(object, id, user))
    }

    /// Takes a row out of the recycle bin with all that went there with it, as the org's user.
    ///
    /// # Errors
    /// What SOAP's `undelete()` would be refused with.
    pub fn undelete(&self, object: &str, id: RecordId) -> Result<(), RowError> {
        let user = self.shared.identity.1;
        self.store(|store| store.undelete(object, id, user))
    }

    /// Opens a session without a login and returns its access token.
    #[must_use]
    pub fn access_token(&self) -> String {
        let login = Login::plain(self.shared.first_user());
        let now = self.shared.clock.now_ms();
        self.shared.state().open_session(self.shared.identity.0, login, now)
    }

    /// Ends every session: each token that was given out is refused from now on.
    pub fn expire_sessions(&self) {
        self.shared.state().end_session(None);
    }

    /// Ends the cursors of all queries, as two days would: their next pages are refused with `INVALID_QUERY_LOCATOR`.
    pub fn expire_cursors(&self) {
        self.shared.state().drop_cursors();
    }

    /// The org's id.
    #[must_use]
    pub fn org_id(&self) -> RecordId {
        self.shared.identity.0
    }

    /// The id of the user that every call runs as.
    #[must_use]
    pub fn user_id(&self) -> RecordId {
        self.shared.identity.1
    }

    /// Waits for the `nth` call of a route from now on and holds its answer: the work is done by then.
    #[must_use]
    pub fn hook(&self, route: Route, nth: u64) -> Hook {
        self.shared.hooks.set(route, None, nth, When::After)
    }

    /// Waits for the `nth` call of a route from now on and holds it before any work is done.
    #[must_use]
    pub fn hook_before(&self, route: Route, nth: u64) -> Hook {
        self.shared.hooks.set(route, None, nth, When::Before)
    }

    /// Like [`Sim::hook`], counting only calls with this text in path, decoded query string or body.
    #[must_use]
    pub fn hook_containing(&self, route: Route, text: &str, nth: u64) -> Hook {
        self.shared.hooks.set(route, Some(text.to_owned()), nth, When::After)
    }

    /// Moves the org to another host. Answers of the token endpoint name it from now on; data calls
    /// to any other host get `old`.
    pub fn move_to(&self, instance_url: &str, old: Reply) {
        let to = instance_url.trim_end_matches('/').to_owned();
        self.shared.state().moved = Some(Moved { to, old });
    }

    /// From now on the `Date` of answers differs from the org's clock by so many milliseconds.
    pub fn set_date_skew_ms(&self, skew: i64) {
        self.shared.state().knobs.date_skew_ms = skew;
    }

    /// From now on written rows are seen so long after their stamp.
    pub fn set_visibility_delay(&self, delay: Duration) {
        let ms = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        self.store(|store| store.set_visibility_delay_ms(ms));
    }

    /// From now on a page of results has at most so many rows, whatever the client asks for.
    pub fn set_page_cap(&self, rows: Option<u64>) {
        self.shared.state().knobs.page_cap = rows.map(|rows| rows.max(1));
    }

    /// How fast jobs are complete: query jobs created, and ingest jobs closed, from now on.
    pub fn set_job_pace(&self, pace: JobPace) {
        self.shared.state().knobs.job_pace = pace;
    }

    /// Whether rows of ingest jobs that run at the same time lock the rows that they hang on. A job's next transaction holds its
    /// parents; rows of jobs closed later that hang on one of them fail with `UNABLE_TO_LOCK_ROW`. Jobs run at the same time
    /// only at a pace other than [`JobPace::AtOnce`].
    pub fn set_row_locks(&self, locks: bool) {
        self.shared.state().knobs.ingest.row_locks = locks;
    }

    /// With so many rows that failed with `UNABLE_TO_LOCK_ROW` an ingest job fails as a whole (`TooManyLockFailure`); none,
    /// which is so unless told otherwise: it never does.
    pub fn set_lock_failure_limit(&self, rows: Option<u64>) {
        self.shared.state().knobs.ingest.lock_failure_limit = rows;
    }

    /// How many transactions of an ingest job are committed yet after it was aborted, one at each later look at its state.
    pub fn set_commits_after_abort(&self, transactions: u32) {
        self.shared.state().knobs.ingest.commits_after_abort = transactions;
    }

    /// How many calls of an ingest job's successful and failed results lack their last rows yet, for jobs that end from now on.
    pub fn set_late_outcomes(&self, calls: u32) {
        self.shared.state().knobs.ingest.late_outcomes = calls;
    }

    /// The most bytes of an ingest job's data, counted as base64: 150,000,000 unless told otherwise.
    pub fn set_upload_limit(&self, bytes: u64) {
        self.shared.state().knobs.ingest.upload_limit = bytes;
    }

    /// The most bytes of uploads and outcome files that the emulator holds for all jobs: 2 GiB unless told otherwise. Uploads
    /// beyond that are answered with 503.
    pub fn set_ingest_memory(&self, bytes: u64) {
        self.shared.state().knobs.ingest.memory = bytes;
    }

    /// Whether users may delete for good (`hardDelete`). They may, unless told otherwise.
    pub fn set_hard_delete(&self, allowed: bool) {
        self.shared.state().knobs.ingest.hard_delete = allowed;
    }

    /// How long a session lives after its last use, for sessions opened or used from now on.
    pub fn set_session_life(&self, life: Duration) {
        self.shared.state().knobs.session_ms = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
    }

    /// Whether answers are compressed for clients that accept it. They are, unless told otherwise.
    pub fn set_gzip(&self, gzip: bool) {
        self.shared.state().knobs.gzip = gzip;
    }

    /// Whether the org's host counts as its My Domain, where alone client credentials are taken. It does, unless told otherwise.
    pub fn set_my_domain(&self, my_domain: bool) {
        self.shared.state().knobs.my_domain = my_domain;
    }

    /// Whether the org may be logged in to at all.
    pub fn set_org_active(&self, active: bool) {
        self.shared.state().knobs.org_active = active;
    }

    /// Whether the first user may log in.
    pub fn set_user_active(&self, active: bool) {
        self.change_user(&self.shared.username, |user| user.active(active));
    }

    /// Whether the first user has approved the first app, which the JWT grant needs.
    pub fn set_user_approved(&self, approved: bool) {
        let client_id = &self.shared.credentials.client_id;
        self.shared.state().accounts.approve(client_id, &self.shared.username, approved);
    }

    /// Changes a user from now on, all but the name; a lock-out ends. False when there is no such user.
    pub fn change_user(&self, username: &str, change: impl FnOnce(User) -> User) -> bool {
        self.shared.state().accounts.change_user(username, change)
    }

    /// Adds apps and users, as [`SimBuilder::accounts`] takes them, or puts them in the place of those of the same names.
    ///
    /// # Errors
    /// When the JSON or a certificate cannot be read, or the org does not take a user's name.
    pub fn add_accounts(&self, json: &str) -> Result<(), BuildError> {
        self.shared.add_accounts(json)
    }

    /// Changes an app from now on. False when there is no such app.
    ///
    /// # Errors
    /// When its new certificate cannot be read; the app stays as it was then.
    pub fn change_app(&self, client_id: &str, change: impl FnOnce(App) -> App) -> Result<bool, BuildError> {
        let mut state = self.shared.state();
        let Some(known) = state.accounts.app(client_id) else { return Ok(false) };
        let mut app = change(known.app.clone());
        app.client_id = client_id.to_owned();
        state.accounts.add_app(Registered::new(app)?);
        Ok(true)
    }

    /// Sets what a limit of `…/limits` allows, as `DailyApiRequests`.
    pub fn set_limit(&self, name: &str, max: u64) {
        self.shared.state().limits.set_max(name, max);
    }

    /// Sets how much of a limit is used up in the running day or hour.
    pub fn set_limit_used(&self, name: &str, used: u64) {
        let now = self.shared.clock.now_ms();
        self.shared.state().limits.set_used(name, used, now);
    }
}

fn members(fields: &serde_json::Value) -> Result<&serde_json::Map<String, serde_json::Value>, RowError> {
    fields
        .as_object()
        .ok_or_else(|| RowError::new("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object"))
}
