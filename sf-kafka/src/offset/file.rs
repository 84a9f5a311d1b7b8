//! Offsets in one file.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::table::{Entry, Table};
use super::{Error, ErrorKind, Offset, OffsetStore, Result, SourcePartition};

/// Keeps offsets in one JSON file, replaced as a whole at each change: a crash or a full disk leaves the file as it
/// was. A second process that opens it is refused while the first one lives.
#[derive(Debug)]
pub struct FileStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    table: Mutex<Table>,
    /// Locked as long as it is open; the system lets go of it however the process ends.
    _lock: File,
}

/// The file's content.
#[derive(Default, Serialize, Deserialize)]
struct Content {
    version: u32,
    offsets: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    connector: String,
    partition: serde_json::Map<String, serde_json::Value>,
    offset: Offset,
}

impl FileStore {
    /// Opens the file, which need not exist yet; its directory has to.
    ///
    /// # Errors
    ///
    /// `InUse` when another process has it; `Unfit` when it holds something else or is damaged; `Io`.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        blocking(move || {
            let lock = lock(&path)?;
            let table = load(&path)?;
            Ok(Self(Arc::new(Inner { path, table: Mutex::new(table), _lock: lock })))
        })
        .await
    }

    /// Runs `look` where waiting for a disk or for another change holds nobody up.
    async fn with<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Inner, &mut Table) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.0);
        // File and table change together in here, even when whoever asked has gone.
        blocking(move || look(&inner, &mut inner.table.lock().unwrap_or_else(PoisonError::into_inner))).await
    }
}

impl OffsetStore for FileStore {
    fn read<'a>(
        &'a self,
        connector: &'a str,
        partition: &'a SourcePartition,
    ) -> BoxFuture<'a, Result<Option<Offset>>> {
        let (connector, partition) = (connector.to_owned(), partition.clone());
        self.with(move |inner, table| table.read(&inner.path.to_string_lossy(), &connector, &partition))
            .boxed()
    }

    fn list<'a>(&'a self, connector: &'a str) -> BoxFuture<'a, Result<Vec<(SourcePartition, Offset)>>> {
        let connector = connector.to_owned();
        self.with(move |inner, table| table.list(&inner.path.to_string_lossy(), &connector)).boxed()
    }

    fn write<'a>(
        &'a self,
        connector: &'a str,
        changes: &'a [(SourcePartition, Option<Offset>)],
    ) -> BoxFuture<'a, Result<()>> {
        let (connector, changes) = (connector.to_owned(), changes.to_vec());
        self.with(move |inner, table| {
            let mut next = table.clone();
            next.apply(&connector, &changes);
            save(&inner.path, &next)?;
            *table = next;
            Ok(())
        })
        .boxed()
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Error::new(ErrorKind::Io, "the offsets file was not dealt with").with_source(error)
    })?
}

fn failed(path: &Path, what: &str, error: io::Error) -> Error {
    let made = Error::new(ErrorKind::Io, format!("offsets file {} {what}: {error}", path.display()));
    let made = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            made.with_hint("the offsets as they were are still in the file; make room and start again")
        }
        io::ErrorKind::NotFound => made.with_hint("make its directory first"),
        _ => made,
    };
    made.with_source(error)
}

/// The directory a file stands in; a bare name stands in the current one.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file itself is replaced at each change, so the lock is on one beside it.
fn lock(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = File::options().create(true).truncate(false).write(true).open(&name);
    let file = file.map_err(|error| failed(path, "cannot be locked", error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::InUse,
            format!("offsets file {} is used by another process", path.display()),
        )
        .with_hint("stop that process, or give this one a file of its own")),
        Err(TryLockError::Error(error)) => Err(failed(path, "cannot be locked", error)),
    }
}

fn load(path: &Path) -> Result<Table> {
    let mut table = Table::default();
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(table),
        Err(error) => return Err(failed(path, "cannot be read", error)),
    };
    let content: Content = serde_json::from_slice(&bytes).map_err(|error| {
        Error::new(
            ErrorKind::Unfit,
            format!("offsets file {} is damaged or holds something else: {error}", path.display()),
        )
        .with_hint("put back a copy, or move it away: the sources then start from salesforce.since")
    })?;
    if content.version != 1 {
        return Err(Error::new(
            ErrorKind::Unfit,
            format!(
                "offsets file {} is of version {}, which this program does not know",
                path.display(),
                content.version
            ),
        ));
    }
    for Line { connector, partition, offset } in content.offsets {
        let partition = SourcePartition::new(partition);
        table.put(&connector, Entry { partition, offset: Some(Ok(offset)), key: None });
    }
    Ok(table)
}

fn save(path: &Path, table: &Table) -> Result<()> {
    let offsets = table.iter().map(|(connector, partition, offset)| Line {
        connector: connector.to_owned(),
        partition: partition.as_map().clone(),
        offset: offset.clone(),
    });
    let content = Content { version: 1, offsets: offsets.collect() };
    let mut bytes = serde_json::to_vec_pretty(&content)
        .map_err(|error| failed(path, "cannot be written", io::Error::other(error)))?;
    bytes.push(b'\n');
    replace(path, &bytes).map_err(|error| failed(path, "cannot be written", error))
}

/// Either the old content or the new one is there, whatever happens.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = directory(path);
    let mut file = tempfile::Builder::new().prefix(".offsets-").tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The new name has to reach the disk as well.
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests;
