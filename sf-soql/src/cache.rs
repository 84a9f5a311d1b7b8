//! Describes kept in memory: asked for once, however many wait, and asked again politely.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use http::StatusCode;
use serde::de::DeserializeOwned;
use sf_core::Client;
use tokio::time::Instant;

use crate::describe::{Describe, Global};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::name::push_object;

/// The describes of one org, kept for a while. Cheap to clone; all clones share what they know.
///
/// Any number of callers that ask for the same thing at once cause one request. What is older than the time
/// to live is asked for again with `If-Modified-Since`, so an unchanged describe costs a call but no body.
/// A failure is told to all who wait and is not kept.
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
        Self(Arc::new(Inner { client, ttl, objects: Mutex::default(), global: Arc::new(Slot::default()) }))
    }

    /// The describe of an object, whatever the case of the name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownObject`] where the org does not have it or its user may not see it, naming objects
    /// that come near; [`ErrorKind::InvalidQuery`] where the text is no name at all; else
    /// [`ErrorKind::Org`].
    pub async fn object(&self, name: &str) -> Result<Arc<Describe>> {
        let mut checked = String::new();
        push_object(name, &mut checked)?;
        let key = name.to_ascii_lowercase();
        let slot = Arc::clone(lock(&self.0.objects).entry(key.clone()).or_default());
        let path = format!("sobjects/{name}/describe");
        match slot.get(&self.0.client, self.0.ttl, path, &format!("the describe of {name}")).await {
            Err(error) if is_not_found(&error) => {
                // What callers ask for in vain must not fill the memory.
                lock(&self.0.objects).remove(&key);
                Err(self.unknown_object(name, error).await)
            }
            other => other,
        }
    }

    /// The list of all objects that the user may see.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Org`].
    pub async fn global(&self) -> Result<Arc<Global>> {
        self.0.global.get(&self.0.client, self.0.ttl, "sobjects".to_owned(), "the list of objects").await
    }

    /// Forgets an object, so that it is asked for anew: after the org refused a field that the describe had.
    pub fn forget(&self, name: &str) {
        lock(&self.0.objects).remove(&name.to_ascii_lowercase());
    }

    /// Forgets an object, and the one that the org names, where the org refused a field or an object that it
    /// does not have. Any other error changes nothing.
    pub fn forget_refused(&self, object: &str, error: &sf_core::Error) {
        for entry in error.api_errors() {
            if matches!(entry.error_code.as_str(), "INVALID_FIELD" | "INVALID_TYPE") {
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
        lock(&self.0.objects).clear();
        self.0.global.forget();
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
}

struct Kept<T> {
    value: Arc<T>,
    last_modified: Option<String>,
    asked: Instant,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Mutex::new(State { kept: None, flight: None }))
    }
}

impl<T: DeserializeOwned + Send + Sync + 'static> Slot<T> {
    async fn get(
        self: &Arc<Self>,
        client: &Client,
        ttl: Duration,
        path: String,
        what: &str,
    ) -> Result<Arc<T>> {
        let flight = match self.kept_or_flight(client, ttl, path, what) {
            Ok(value) => return Ok(value),
            Err(flight) => flight,
        };
        flight.await
    }

    /// What is kept and fresh, or else the request to wait for.
    fn kept_or_flight(
        self: &Arc<Self>,
        client: &Client,
        ttl: Duration,
        path: String,
        what: &str,
    ) -> std::result::Result<Arc<T>, Flight<T>> {
        let mut state = lock(&self.0);
        if let Some(kept) = &state.kept
            && kept.asked.elapsed() < ttl
        {
            return Ok(Arc::clone(&kept.value));
        }
        // A flight that has landed cannot be told from one on its way, but it leaves what it brought in `kept`
        // before it lands, or an error that is not for those who come later.
        if let Some(flight) = state.flight.as_ref().and_then(WeakShared::upgrade)
            && flight.peek().is_none()
        {
            return Err(flight);
        }
        let flight = Arc::clone(self).ask(client.clone(), path, what.to_owned()).boxed().shared();
        state.flight = flight.downgrade();
        Err(flight)
    }

    fn forget(&self) {
        let mut state = lock(&self.0);
        state.kept = None;
        state.flight = None;
    }

    /// Asks the org and keeps what it says.
    async fn ask(self: Arc<Self>, client: Client, path: String, what: String) -> Result<Arc<T>> {
        let asked = Instant::now();
        let before = {
            let state = lock(&self.0);
            state.kept.as_ref().and_then(|k| Some((Arc::clone(&k.value), k.last_modified.clone()?)))
        };
        let mut request = client.get(path);
        if let Some((_, last_modified)) = &before {
            request = request.header("If-Modified-Since", last_modified);
        }
        let failed = |e| Error::with_org(ErrorKind::Org, format!("{what} could not be read"), e);
        let answer = request.response().await.map_err(failed)?;
        let (value, last_modified) = match (answer.status, before) {
            (StatusCode::NOT_MODIFIED, Some((value, last_modified))) => (value, Some(last_modified)),
            _ => {
                let value = serde_json::from_slice(&answer.body).map_err(|e| {
                    let protocol = sf_core::ErrorKind::Protocol;
                    failed(
                        sf_core::Error::new(protocol, "the answer is not the JSON that the API documents")
                            .with_source(e),
                    )
                })?;
                (Arc::new(value), answer.header("last-modified").map(str::to_owned))
            }
        };
        tracing::debug!(status = answer.status.as_u16(), %what, "described");
        lock(&self.0).kept = Some(Kept { value: Arc::clone(&value), last_modified, asked });
        Ok(value)
    }
}
