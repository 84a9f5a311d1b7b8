//! Where a refresh token is kept between its rotations.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sf_core::auth::Secret;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep};

use crate::{Error, ErrorKind, Result};

/// Keeps one refresh token. With rotation on, each use of a token ends it and brings the next, so all that
/// share a token must take turns: lock, read, spend, write, unlock.
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// Waits until nobody else uses the token, in this process or in another one that shares the store.
    ///
    /// # Errors
    /// [`ErrorKind::TokenStore`] where the store cannot be reached, or stays locked for long.
    fn lock(&self) -> BoxFuture<'_, Result<Box<dyn Lease>>>;
}

/// The right to use the token of a store, until it is dropped.
///
/// Reading and writing do not wait for anything but the disk. That is on purpose: between the answer of the
/// org and the stored token there is no point at which a caller that goes away could lose the token.
pub trait Lease: Send {
    /// The token as it is now, whoever stored it.
    ///
    /// # Errors
    /// [`ErrorKind::TokenStore`].
    fn load(&mut self) -> Result<Option<Secret>>;

    /// Replaces the token; once this returns it must survive the end of the process.
    ///
    /// # Errors
    /// [`ErrorKind::TokenStore`]; the token before is then still there.
    fn save(&mut self, token: &Secret) -> Result<()>;
}

/// Keeps the token in memory: for one process, which logs in anew when it starts.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    turn: Arc<tokio::sync::Mutex<()>>,
    token: Arc<Mutex<Option<Secret>>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The token as it is now.
    #[must_use]
    pub fn token(&self) -> Option<Secret> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct InMemory {
    store: MemoryStore,
    _turn: OwnedMutexGuard<()>,
}

impl TokenStore for MemoryStore {
    fn lock(&self) -> BoxFuture<'_, Result<Box<dyn Lease>>> {
        Box::pin(async {
            let turn = Arc::clone(&self.turn).lock_owned().await;
            Ok(Box::new(InMemory { store: self.clone(), _turn: turn }) as Box<dyn Lease>)
        })
    }
}

impl Lease for InMemory {
    fn load(&mut self) -> Result<Option<Secret>> {
        Ok(self.store.token())
    }

    fn save(&mut self, token: &Secret) -> Result<()> {
        *self.store.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(())
    }
}

/// Keeps the token in a file that processes of one machine can share.
///
/// The file is JSON with the mode 0600 (on Unix), replaced as a whole and flushed to the disk before the
/// token is used. Beside it stands an empty `<file>.lock`, which is locked while a token is spent; a process
/// that dies lets go of it. On file systems that do not carry locks between machines (some NFS) give each
/// machine its own token.
#[derive(Debug, Clone)]
pub struct FileStore {
    path: PathBuf,
}

/// What the file holds. Fields of later versions are kept out of it by being refused.
#[derive(Serialize, Deserialize)]
struct Content {
    refresh_token: String,
}

struct InFile {
    path: PathBuf,
    /// Open means locked.
    _lock: File,
}

/// How long to wait for another process. The default retry policy ends a login in a quarter of this; a process
/// with a much longer budget, before an org that is away, can outlast those that wait for it.
const PATIENCE: Duration = Duration::from_secs(20 * 60);
const LARGEST: u64 = 64 * 1024;

impl FileStore {
    /// A store in this file. Nothing is touched before the first use; the folder must exist.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl TokenStore for FileStore {
    fn lock(&self) -> BoxFuture<'_, Result<Box<dyn Lease>>> {
        Box::pin(async {
            let path = beside(&self.path, ".lock");
            let failed = |e: std::io::Error| failed(&path, "be locked", e);
            let lock = private(OpenOptions::new().create(true).truncate(false).write(true))
                .open(&path)
                .map_err(failed)?;
            let since = Instant::now();
            let mut pause = Duration::from_millis(5);
            loop {
                match lock.try_lock() {
                    Ok(()) => break,
                    Err(TryLockError::Error(e)) => return Err(failed(e)),
                    Err(TryLockError::WouldBlock) if since.elapsed() > PATIENCE => {
                        return Err(Error::new(
                            ErrorKind::TokenStore,
                            format!(
                                "{} has been locked by another process for {} minutes",
                                path.display(),
                                PATIENCE.as_secs() / 60
                            ),
                        )
                        .with_hint(
                            "A process that uses the token hangs, or waits for an org that is away: find it (fuser, lsof).",
                        ));
                    }
                    Err(TryLockError::WouldBlock) => sleep(pause).await,
                }
                pause = (pause * 2).min(Duration::from_millis(200));
            }
            Ok(Box::new(InFile { path: self.path.clone(), _lock: lock }) as Box<dyn Lease>)
        })
    }
}

impl Lease for InFile {
    fn load(&mut self) -> Result<Option<Secret>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(&self.path, "be read", e)),
        };
        warn_of_readers(&self.path, &file);
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes).map_err(|e| failed(&self.path, "be read", e))?;
        match serde_json::from_slice::<Content>(&bytes) {
            Ok(content) if !content.refresh_token.trim().is_empty() => {
                Ok(Some(Secret::new(content.refresh_token)))
            }
            // serde's own words could repeat what stands in the file.
            _ => {
                Err(Error::new(ErrorKind::TokenStore, format!("{} is not a token file", self.path.display()))
                    .with_hint("It holds {\"refresh_token\":\"…\"}. Remove it and log in anew."))
            }
        }
    }

    fn save(&mut self, token: &Secret) -> Result<()> {
        let next = beside(&self.path, ".new");
        write(&next, &self.path, token).map_err(|e| failed(&self.path, "be written", e))
    }
}

/// The new file is whole and on the disk before it takes the place of the old one.
fn write(next: &Path, path: &Path, token: &Secret) -> std::io::Result<()> {
    // Left over from a process that died here; its mode is unknown.
    match std::fs::remove_file(next) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = private(OpenOptions::new().create_new(true).write(true)).open(next)?;
    let content = serde_json::to_vec(&Content { refresh_token: token.expose().to_owned() })?;
    file.write_all(&content)?;
    file.sync_all()?;
    std::fs::rename(next, path)?;
    // The new name is on the disk only when its folder is.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Readable by its owner only.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn warn_of_readers(path: &Path, file: &File) {
    #[cfg(unix)]
    if let Ok(data) = file.metadata()
        && std::os::unix::fs::MetadataExt::mode(&data) & 0o077 != 0
    {
        tracing::warn!(path = %path.display(), "others can read the token file: chmod 600");
    }
    #[cfg(not(unix))]
    let _ = (path, file);
}

fn failed(path: &Path, what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::TokenStore, format!("{} cannot {what}: {error}", path.display())).with_source(error)
}
