//! Describes on disk: one file an org, user and API version.
//!
//! The file is one line of JSON, which says where each describe stands, and then the describes. It is never changed,
//! only replaced: whoever has it open reads on in the old one, and a process that is killed leaves the old or the
//! new one. Several processes may share a folder; where two write at once, one's news is asked for again later.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sf_core::{Client, ErrorKind, time};
use tempfile::NamedTempFile;
use tokio::sync::OnceCell;

use super::lock;

/// Grows when the file or what is in it can no longer be read by older code, or the other way round.
const FORMAT: u32 = 1;
/// The most bytes of the first line: an org has some thousands of objects.
const MAX_HEAD: u64 = 16 * 1024 * 1024;
/// How long news wait for more of them: the whole file is written each time.
const GATHER: Duration = Duration::from_millis(500);
/// The most bytes of one describe.
const MAX_BODY: u64 = 256 * 1024 * 1024;

/// A describe that was kept.
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) last_modified: Option<String>,
    /// Seconds since the org was asked; `None` where this machine's clock says that it is yet to be.
    pub(super) age: Option<u64>,
}

/// What is about to be kept.
pub(super) struct News(Entry, Arc<[u8]>);

#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    /// The file of this user; `None` where the org does not tell who that is.
    file: OnceCell<Option<PathBuf>>,
    /// How often it could not be asked who the user is.
    unasked: AtomicU64,
    state: Mutex<State>,
    /// Held while a file is written.
    writing: Mutex<()>,
    /// Whether a write is about to begin that takes along all changes up to then.
    planned: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    open: Option<Open>,
    looked: bool,
    changes: HashMap<String, Change>,
    cleared: bool,
}

#[derive(Debug, Clone)]
enum Change {
    Put(Entry, Arc<[u8]>),
    Remove,
}

#[derive(Debug)]
struct Open {
    file: File,
    bodies: u64,
    entries: HashMap<String, Entry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    last_modified: Option<String>,
    /// When the org was asked, in seconds since 1970.
    asked: i64,
    at: u64,
    length: u64,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    entries: HashMap<String, Entry>,
}

impl Disk {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            file: OnceCell::new(),
            unasked: AtomicU64::new(0),
            state: Mutex::default(),
            writing: Mutex::default(),
            planned: AtomicBool::new(false),
        }
    }

    /// The file, once it is known whose it is. Where that could not be asked, it is asked next time.
    async fn file(&self, client: &Client) -> Option<&Path> {
        let unasked = self.unasked.load(Ordering::Acquire);
        let found = self.file.get_or_try_init(|| async {
            // Those who waited while another one asked in vain do not ask one after the other.
            if self.unasked.load(Ordering::Acquire) != unasked {
                return Err(());
            }
            let user = identity(client).await.map_err(|error| {
                self.unasked.fetch_add(1, Ordering::AcqRel);
                tracing::warn!(%error, "describes are not kept on disk yet: the org could not be asked who the user is");
            })?;
            if user.is_none() {
                tracing::warn!("describes are not kept on disk: the org does not tell who the user is");
            }
            Ok(user.map(|(org, user)| {
                self.folder.join(format!("{org}-{user}-{}.describes", client.api_version()))
            }))
        });
        found.await.ok()?.as_deref()
    }

    /// What is kept under this key. What cannot be read counts as not kept.
    pub(super) async fn load<T: DeserializeOwned>(&self, client: &Client, key: &str) -> Option<Found<T>> {
        let path = self.file(client).await?;
        let (entry, body) = self.read(path, key)?;
        let value = serde_json::from_slice(&body)
            .inspect_err(|error| tracing::debug!(key, %error, "a kept describe cannot be read"))
            .ok()?;
        let age = u64::try_from(time::now().timestamp() - entry.asked).ok();
        Some(Found { value, last_modified: entry.last_modified, age })
    }

    /// Reads in place: a describe is some tens of kilobytes, which is less than handing it to another thread costs.
    fn read(&self, path: &Path, key: &str) -> Option<(Entry, Arc<[u8]>)> {
        let mut state = lock(&self.state);
        match state.changes.get(key) {
            Some(Change::Put(entry, body)) => return Some((entry.clone(), Arc::clone(body))),
            Some(Change::Remove) => return None,
            None if state.cleared => return None,
            None => {}
        }
        if !std::mem::replace(&mut state.looked, true) {
            state.open = Open::at(path);
        }
        let open = state.open.as_mut()?;
        let entry = open.entries.get(key)?.clone();
        let body =
            open.body(&entry).inspect_err(|error| tracing::debug!(key, %error, "a kept describe is broken"));
        Some((entry, body.ok()?.into()))
    }

    /// What has to be [kept](Self::save) of a value that the org has just told; none where it is not known for
    /// whom.
    pub(super) async fn news<T: Serialize>(
        &self,
        client: &Client,
        value: &T,
        last_modified: Option<String>,
    ) -> Option<News> {
        self.file(client).await?;
        let body = serde_json::to_vec(value).ok()?;
        let length = body.len() as u64;
        let entry = Entry { last_modified, asked: time::now().timestamp(), at: 0, length };
        Some(News(entry, body.into()))
    }

    /// Keeps a value: soon, and by another thread.
    pub(super) fn save(self: &Arc<Self>, key: &str, News(entry, body): News) {
        lock(&self.state).changes.insert(key.to_owned(), Change::Put(entry, body));
        self.write_soon();
    }

    pub(super) fn remove(self: &Arc<Self>, key: &str) {
        lock(&self.state).changes.insert(key.to_owned(), Change::Remove);
        self.write_soon();
    }

    pub(super) fn clear(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        state.changes.clear();
        state.cleared = true;
        drop(state);
        self.write_soon();
    }

    /// Outside a runtime, or before it is known whose file it is, the next write takes it along.
    fn write_soon(self: &Arc<Self>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.planned.swap(true, Ordering::AcqRel) {
            return;
        }
        let disk = Arc::clone(self);
        runtime.spawn(async move {
            tokio::time::sleep(GATHER).await;
            disk.planned.store(false, Ordering::Release);
            let written = tokio::task::spawn_blocking(move || disk.write()).await;
            if let Ok(Err(error)) = written {
                tracing::warn!(%error, "describes cannot be kept on disk");
            }
        });
    }

    /// Writes what has changed, with all that is in the file of the moment.
    pub(super) fn write(&self) -> io::Result<()> {
        let Some(path) = self.file.get().and_then(Option::as_deref) else { return Ok(()) };
        let _one_at_a_time = lock(&self.writing);
        let (changes, cleared) = {
            let state = lock(&self.state);
            (state.changes.clone(), state.cleared)
        };
        if changes.is_empty() && !cleared {
            return Ok(());
        }
        let before = if cleared { None } else { Open::at(path) };
        let kept = |key: &String| before.as_ref().is_some_and(|open| open.entries.contains_key(key));
        // That something is gone which was not there is no news.
        if cleared || changes.iter().any(|(key, change)| matches!(change, Change::Put(..)) || kept(key)) {
            fs::create_dir_all(&self.folder)?;
            replace(path, before, &changes)?;
        }
        let open = Open::at(path);
        let mut state = lock(&self.state);
        state.open = open;
        state.looked = true;
        state.cleared &= !cleared;
        // What changed while this was written stays for the next time.
        state.changes.retain(|key, now| match (changes.get(key), now) {
            (Some(Change::Put(_, written)), Change::Put(_, body)) => !Arc::ptr_eq(written, body),
            (Some(Change::Remove), Change::Remove) => false,
            _ => true,
        });
        Ok(())
    }
}

/// Whose describes these are: what a user may see differs from user to user. `None` where the org answers and
/// does not say.
async fn identity(client: &Client) -> sf_core::Result<Option<(String, String)>> {
    #[derive(Deserialize)]
    struct Userinfo {
        user_id: sf_core::Id,
        organization_id: sf_core::Id,
    }
    let token = client.token().await?;
    if let (Some(org), Some(user)) = (token.org_id, token.user_id) {
        return Ok(Some((org.to_string(), user.to_string())));
    }
    let answer = match client.get("/services/oauth2/userinfo").response().await {
        Ok(answer) => answer,
        // Also a session that was just renewed: userinfo says so of one that may not ask it.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::SessionExpired
            ) =>
        {
            tracing::debug!(%error, "userinfo");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let info = answer.parse::<Userinfo>("userinfo");
    let info = info.inspect_err(|error| tracing::debug!(%error, "userinfo")).ok();
    Ok(info.map(|info| (info.organization_id.to_string(), info.user_id.to_string())))
}

impl Open {
    fn at(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let mut line = Vec::new();
        BufReader::new((&file).take(MAX_HEAD)).read_until(b'\n', &mut line).ok()?;
        let head: Head = serde_json::from_slice(&line).ok().filter(|head: &Head| head.format == FORMAT)?;
        Some(Self { file, bodies: line.len() as u64, entries: head.entries })
    }

    /// Whether the file is long enough for this entry: a cut one is not.
    fn holds(&self, entry: &Entry) -> bool {
        let end = self.bodies.checked_add(entry.at).and_then(|at| at.checked_add(entry.length));
        let within = |end| self.file.metadata().is_ok_and(|file| end <= file.len());
        entry.length <= MAX_BODY && end.is_some_and(within)
    }

    fn body(&mut self, entry: &Entry) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        self.file.seek(SeekFrom::Start(self.bodies.saturating_add(entry.at)))?;
        (&self.file).take(entry.length.min(MAX_BODY)).read_to_end(&mut body)?;
        if body.len() as u64 == entry.length { Ok(body) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// Puts a file with all that is kept and all that has changed in the place of the one before.
fn replace(path: &Path, mut before: Option<Open>, changes: &HashMap<String, Change>) -> io::Result<()> {
    let mut kept: Vec<(&str, &Entry, Option<&[u8]>)> = Vec::new();
    let entries = before.as_ref().map(|open| open.entries.clone()).unwrap_or_default();
    for (key, entry) in &entries {
        // What cannot be read is left out before the head is written: it must not keep all else from being kept.
        if !changes.contains_key(key) && before.as_ref().is_some_and(|open| open.holds(entry)) {
            kept.push((key, entry, None));
        }
    }
    for (key, change) in changes {
        if let Change::Put(entry, body) = change {
            kept.push((key, entry, Some(body)));
        }
    }
    let mut head = Head { format: FORMAT, entries: HashMap::new() };
    let mut at = 0_u64;
    for (key, entry, _) in &kept {
        head.entries.insert((*key).to_owned(), Entry { at, ..(*entry).clone() });
        at = at.checked_add(entry.length).ok_or(io::ErrorKind::FileTooLarge)?;
    }
    // Readable by its owner only: what an org's objects look like is nobody else's business on this machine.
    let mut out = BufWriter::new(NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?);
    serde_json::to_writer(&mut out, &head)?;
    out.write_all(b"\n")?;
    for (_, entry, body) in &kept {
        match (body, &mut before) {
            (Some(body), _) => out.write_all(body)?,
            (None, Some(open)) => out.write_all(&open.body(entry)?)?,
            (None, None) => {}
        }
    }
    let file = out.into_inner()?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
