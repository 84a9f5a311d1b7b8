//! Describes kept in memory and on disk: asked for once, however many wait, and asked again politely.

mod disk;
mod reach;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sf_core::{ApiError, Client};
use tokio::time::Instant;

use crate::describe::{Describe, Global};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::name::push_object;

use disk::Disk;

/// How long an object counts as unknown, where the time to live is not shorter: it may be made any time.
const UNKNOWN_FOR: Duration = Duration::from_secs(60);
/// How many names that were asked for in vain are remembered.
const MAX_UNKNOWN: usize = 1_000;
/// The key of the list of all objects, which no object's name can be.
const GLOBAL: &str = "*";

/// The describes of one org, kept for a while. Cheap to clone; all clones share what they know.
///
/// Any number of callers that ask for the same thing at once cause one request. What is older than the time
/// to live is asked for again with `If-Modified-Since`, so an unchanged describe costs a call but no body.
/// A failure is told to all who wait and is not kept; only that an object is unknown is remembered for a minute.
///
/// With a [folder](Self::in_folder) the describes survive the process.
///
/// ```no_run
/// # async fn example(org: sf_core::Client) -> sf_soql::Result<()> {
/// use std::time::Duration;
///
/// let describes = sf_soql::DescribeCache::new(org, Duration::from_secs(600));
/// let account = describes.object("Account").await?;
/// println!("{} has {} fields", account.label, account.fields.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DescribeCache(Arc<Inner>);

struct Inner {
    client: Client,
    ttl: Duration,
    disk: Option<Arc<Disk>>,
    unknown: Mutex<HashMap<String, (Instant, Error)>>,
    objects: Mutex<HashMap<String, Arc<Slot<Describe>>>>,
    global: Arc<Slot<Global>>,
}

impl fmt::Debug for DescribeCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DescribeCache")
            .field("ttl", &self.0.ttl)
            .field("objects", &lock(&self.0.objects).len())
            .finish_non_exhaustive()
    }
}

impl DescribeCache {
    /// An empty cache over this client.
    pub fn new(client: Client, ttl: Duration) -> Self {
        Self::over(client, ttl, None)
    }

    /// An empty cache that keeps what it learns in a folder, and begins with what is there: one file an org, user
    /// and API version, replaced as a whole.
    ///
    /// Who the user is, the login tells; where it does not, the org is asked (`userinfo`), and where that does not
    /// say either, nothing is kept on disk.
    ///
    /// ```no_run
    /// # async fn example(org: sf_core::Client) -> sf_soql::Result<()> {
    /// use std::time::Duration;
    ///
    /// let day = Duration::from_secs(24 * 3600);
    /// let describes = sf_soql::DescribeCache::in_folder(org, day, "/var/cache/orders/describes");
    /// describes.object("Account").await?;
    /// describes.flush().await?;   // else it is written soon
    /// # Ok(())
    /// # }
    /// ```
    pub fn in_folder(client: Client, ttl: Duration, folder: impl Into<PathBuf>) -> Self {
        Self::over(client, ttl, Some(Arc::new(Disk::new(folder.into()))))
    }

    fn over(client: Client, ttl: Duration, disk: Option<Arc<Disk>>) -> Self {
        let global = Arc::new(Slot::default());
        let (objects, unknown) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { client, ttl, disk, unknown, objects, global }))
    }

    /// Writes to disk what has not been written yet. Without a folder there is nothing to do.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`].
    pub async fn flush(&self) -> Result<()> {
        let Some(disk) = self.0.disk.clone() else { return Ok(()) };
        let written = tokio::task::spawn_blocking(move || disk.write()).await;
        let failed =
            |why: String| Error::new(ErrorKind::Io, format!("describes cannot be written to disk: {why}"));
        match written {
            Ok(written) => written.map_err(|e| failed(e.to_string())),
            Err(e) => Err(failed(e.to_string())),
        }
    }

    /// The describe of an object, whatever the case of the name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownObject`] where the org does not have it or its user may not see it, naming objects
    /// that come near; [`ErrorKind::InvalidQuery`] where the text is no name at all; else
    /// [`ErrorKind::Org`].
    pub async fn object(&self, name: &str) -> Result<Arc<Describe>> {
        let key = name.to_ascii_lowercase();
        let known = lock(&self.0.objects).get(&key).map(Arc::clone);
        if let Some(describe) = known.as_ref().and_then(|slot| slot.fresh(self.0.ttl)) {
            return Ok(describe);
        }
        push_object(name, &mut String::new())?;
        if let Some(error) = self.known_unknown(&key) {
            return Err(error);
        }
        let slot = Arc::clone(lock(&self.0.objects).entry(key.clone()).or_default());
        let source = Source {
            cache: Arc::clone(&self.0),
            path: format!("sobjects/{name}/describe"),
            what: format!("the describe of {name}"),
            key,
        };
        let key = source.key.clone();
        match slot.get(source).await {
            Err(error) if is_not_found(&error) => {
                // What callers ask for in vain must not fill the memory.
                lock(&self.0.objects).remove(&key);
                if let Some(disk) = &self.0.disk {
                    disk.remove(&key);
                }
                let error = self.unknown_object(name, error).await;
                if error.kind() == ErrorKind::UnknownObject {
                    self.remember_unknown(key, &error);
                }
                Err(error)
            }
            other => other,
        }
    }

    fn known_unknown(&self, key: &str) -> Option<Error> {
        let unknown = lock(&self.0.unknown);
        let (asked, error) = unknown.get(key)?;
        (asked.elapsed() < UNKNOWN_FOR.min(self.0.ttl)).then(|| error.clone())
    }

    fn remember_unknown(&self, key: String, error: &Error) {
        let mut unknown = lock(&self.0.unknown);
        if unknown.len() >= MAX_UNKNOWN {
            unknown.retain(|_, (asked, _)| asked.elapsed() < UNKNOWN_FOR);
        }
        if unknown.len() < MAX_UNKNOWN {
            unknown.insert(key, (Instant::now(), error.clone()));
        }
    }

    /// The list of all objects that the user may see.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Org`].
    pub async fn global(&self) -> Result<Arc<Global>> {
        let source = Source {
            cache: Arc::clone(&self.0),
            path: "sobjects".to_owned(),
            what: "the list of objects".to_owned(),
            key: GLOBAL.to_owned(),
        };
        self.0.global.get(source).await
    }

    /// Forgets an object, so that it is asked for anew: after the org refused a field that the describe had.
    pub fn forget(&self, name: &str) {
        let key = name.to_ascii_lowercase();
        let slot = lock(&self.0.objects).remove(&key);
        slot.iter().for_each(|slot| slot.forget());
        lock(&self.0.unknown).remove(&key);
        if let Some(disk) = &self.0.disk {
            disk.remove(&key);
        }
    }

    /// Forgets an object, and the one that the org names, where the org refused a field or an object that it
    /// does not have. Any other error changes nothing, nor does the refusal of what a query does with a field.
    pub fn forget_refused(&self, object: &str, error: &sf_core::Error) {
        for entry in error.api_errors() {
            if entry.error_code == "INVALID_TYPE" || names_missing_field(entry) {
                self.forget(object);
                // "No such column 'X' on entity 'Y'." in a query, "… on sobject of type Y" in a row.
                let after = |mark: &str| entry.message.split_once(mark).map(|(_, rest)| rest);
                let named = after("on entity '").or_else(|| after("on sobject of type "));
                let name = named
                    .and_then(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next());
                name.into_iter().for_each(|name| self.forget(name));
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let slots = std::mem::take(&mut *lock(&self.0.objects));
        slots.values().for_each(|slot| slot.forget());
        lock(&self.0.unknown).clear();
        self.0.global.forget();
        if let Some(disk) = &self.0.disk {
            disk.clear();
        }
    }

    async fn unknown_object(&self, name: &str, error: Error) -> Error {
        // Names to suggest are worth a call; that the call fails must not hide what went wrong.
        let global = self.global().await;
        if global.as_ref().is_err_and(is_not_found) {
            // Not the object is missing but all of them: a retired version, say.
            return error;
        }
        let names = global.iter().flat_map(|g| &g.sobjects).map(|o| o.name.as_str());
        let hint = did_you_mean(name, names);
        let message = format!("the org has no object {name}, or its user may not see it.{hint}");
        Error::with_shared_org(ErrorKind::UnknownObject, message, &error)
    }
}

/// Whether the org says that a field or a relationship is not there. The code alone also stands for fields that
/// are there and used wrongly: not grouped by, compared with a value of another type, and so on.
pub(crate) fn names_missing_field(entry: &ApiError) -> bool {
    let missing = ["No such column", "Didn't understand relationship"];
    entry.error_code == "INVALID_FIELD" && missing.iter().any(|text| entry.message.contains(text))
}

fn is_not_found(error: &Error) -> bool {
    error.org().is_some_and(|e| e.kind() == sf_core::ErrorKind::NotFound)
}

/// Nothing that runs under these locks can panic half way, so a poisoned one still holds the truth.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Flight<T> = Shared<BoxFuture<'static, Result<Arc<T>>>>;

/// One thing that is kept, or is being asked for, or both.
struct Slot<T>(Mutex<State<T>>);

struct State<T> {
    kept: Option<Kept<T>>,
    /// Weak, so that a request ends when the last of those who wait for it is gone.
    flight: Option<WeakShared<BoxFuture<'static, Result<Arc<T>>>>>,
    /// How often it was forgotten: what was asked for before is for those who wait and not kept.
    forgotten: u64,
}

struct Kept<T> {
    value: Arc<T>,
    last_modified: Option<String>,
    asked: Instant,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Mutex::new(State { kept: None, flight: None, forgotten: 0 }))
    }
}

/// What a slot is filled from.
struct Source {
    cache: Arc<Inner>,
    path: String,
    what: String,
    /// What it is called on disk.
    key: String,
}

impl<T> Slot<T> {
    fn fresh(&self, ttl: Duration) -> Option<Arc<T>> {
        lock(&self.0).fresh(ttl)
    }

    fn forget(&self) {
        let mut state = lock(&self.0);
        state.kept = None;
        state.flight = None;
        state.forgotten += 1;
    }
}

impl<T> State<T> {
    fn fresh(&self, ttl: Duration) -> Option<Arc<T>> {
        self.kept.as_ref().filter(|kept| kept.asked.elapsed() < ttl).map(|kept| Arc::clone(&kept.value))
    }
}

impl<T: DeserializeOwned + Serialize + Send + Sync + 'static> Slot<T> {
    async fn get(self: &Arc<Self>, source: Source) -> Result<Arc<T>> {
        let flight = match self.kept_or_flight(source) {
            Ok(value) => return Ok(value),
            Err(flight) => flight,
        };
        flight.await
    }

    /// What is kept and fresh, or else the request to wait for.
    fn kept_or_flight(self: &Arc<Self>, source: Source) -> std::result::Result<Arc<T>, Flight<T>> {
        let mut state = lock(&self.0);
        if let Some(value) = state.fresh(source.cache.ttl) {
            return Ok(value);
        }
        // A flight that has landed cannot be told from one on its way, but it leaves what it brought in `kept`
        // before it lands, or an error that is not for those who come later.
        if let Some(flight) = state.flight.as_ref().and_then(WeakShared::upgrade)
            && flight.peek().is_none()
        {
            return Err(flight);
        }
        let flight = Arc::clone(self).ask(source, state.forgotten).boxed().shared();
        state.flight = flight.downgrade();
        Err(flight)
    }

    /// What was learned before, here or by another process; told apart from it is what may be used unasked.
    async fn before(&self, source: &Source, forgotten: u64) -> (Option<Arc<T>>, Option<(Arc<T>, String)>) {
        {
            let state = lock(&self.0);
            if let Some(kept) = &state.kept {
                return (None, kept.last_modified.clone().map(|date| (Arc::clone(&kept.value), date)));
            }
        }
        let cache = &source.cache;
        let Some(disk) = &cache.disk else { return (None, None) };
        let Some(found) = disk.load::<T>(&cache.client, &source.key).await else { return (None, None) };
        let value = Arc::new(found.value);
        let asked = found.age.and_then(|age| Instant::now().checked_sub(Duration::from_secs(age)));
        if let Some(asked) = asked.filter(|asked| asked.elapsed() < cache.ttl) {
            let kept = Kept { value: Arc::clone(&value), last_modified: found.last_modified, asked };
            let mut state = lock(&self.0);
            if state.forgotten == forgotten {
                state.kept = Some(kept);
            }
            return (Some(value), None);
        }
        (None, found.last_modified.map(|date| (value, date)))
    }

    /// Asks the org and keeps what it says.
    async fn ask(self: Arc<Self>, source: Source, forgotten: u64) -> Result<Arc<T>> {
        let (fresh, before) = self.before(&source, forgotten).await;
        if let Some(value) = fresh {
            return Ok(value);
        }
        let Source { cache, path, what, key } = source;
        let asked = Instant::now();
        let mut request = cache.client.get(path);
        if let Some((_, last_modified)) = &before {
            request = request.header("If-Modified-Since", last_modified);
        }
        let failed = |e| Error::with_org(ErrorKind::Org, format!("{what} could not be read"), e);
        let answer = request.json_answer().response().await.map_err(failed)?;
        let (value, last_modified) = match (answer.status, before) {
            (StatusCode::NOT_MODIFIED, Some((value, last_modified))) => (value, Some(last_modified)),
            _ => {
                let value = answer.parse(&what).map_err(failed)?;
                (Arc::new(value), answer.header("last-modified").map(str::to_owned))
            }
        };
        tracing::debug!(status = answer.status.as_u16(), %what, "described");
        let news = match &cache.disk {
            Some(disk) => disk.news(&cache.client, &*value, last_modified.clone()).await,
            None => None,
        };
        let mut state = lock(&self.0);
        if state.forgotten == forgotten {
            if let (Some(disk), Some(news)) = (&cache.disk, news) {
                disk.save(&key, news);
            }
            state.kept = Some(Kept { value: Arc::clone(&value), last_modified, asked });
        }
        drop(state);
        Ok(value)
    }
}
