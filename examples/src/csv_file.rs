//! All rows of an object in a CSV file, with a Bulk API 2.0 query job.
//!
//! Beside the file stands a bookmark while it is incomplete: the job, and where in its result and in the file the
//! rows end that have been written. Results are kept for seven days, so a download that broke off goes on there.

use std::io::{ErrorKind as Io, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sf_bulk2::{ErrorKind, JobInfo, Position, Query, QueryJob};
use sf_core::poll::PollPolicy;
use sf_core::{ApiVersion, Client, Id};
use sf_soql::{BulkFields, DescribeCache, Select};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use crate::Result;
use crate::progress::{Line, Progress};
use crate::text::thousands;

/// Rows of a page. Each page costs the org one call of its day, and at its end the bookmark moves.
const PAGE: u32 = 25_000;
/// Describes are asked for once.
const ONCE: Duration = Duration::from_secs(3600);

/// Where a download stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Bookmark {
    org: String,
    object: String,
    job: Id,
    api_version: ApiVersion,
    /// The first row that is not in the file.
    position: Position,
    /// How many rows are in the file.
    rows: u64,
    /// How many bytes of the file they and the header are.
    bytes: u64,
}

/// Writes all rows of an object and every field that Bulk API 2.0 can read. Memory is the same for any number of
/// rows. Returns how many the file has.
///
/// # Errors
/// What the org or the file said. Called again, it goes on where the rows in the file end.
pub async fn download(client: &Client, object: &str, path: &Path) -> Result<u64> {
    let org = client.token().await?.instance_url.to_string();
    if let Some(bookmark) = Bookmark::read(path, &org, object).await? {
        let job = QueryJob::attach(client, bookmark.job, bookmark.api_version);
        match complete(&job).await {
            Ok(info) => {
                println!("Going on with job {} after {} rows", job.id(), thousands(bookmark.rows));
                return copy(&job, &info, bookmark, path).await;
            }
            Err(error) if error.kind() == ErrorKind::JobGone => {
                println!("The org has dropped job {}: starting anew", job.id());
            }
            Err(error) => return Err(error.into()),
        }
    }
    let soql = query(client, object).await?;
    let job = Query::new(soql).create(client).await?;
    let (api_version, position) = (job.api_version(), Position::START);
    let object = object.to_owned();
    let bookmark = Bookmark { org, object, job: job.id(), api_version, position, rows: 0, bytes: 0 };
    let info = complete(&job).await?;
    copy(&job, &info, bookmark, path).await
}

async fn query(client: &Client, object: &str) -> Result<String> {
    let describe = DescribeCache::new(client.clone(), ONCE).object(object).await?;
    let fields = BulkFields::of(&describe);
    fields.check()?;
    for (field, reason) in &fields.left_out {
        println!("{field} is left out: {reason}");
    }
    Ok(Select::from(&describe.name).fields(fields.names()).build()?)
}

async fn complete(job: &QueryJob) -> sf_bulk2::Result<JobInfo> {
    job.wait(&PollPolicy { initial: Duration::from_millis(300), ..PollPolicy::default() }).await
}

async fn copy(job: &QueryJob, info: &JobInfo, mut bookmark: Bookmark, path: &Path) -> Result<u64> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path).await?;
    // What stands behind the bookmark was written by a process that could not note it any more.
    file.set_len(bookmark.bytes).await?;
    file.seek(SeekFrom::End(0)).await?;
    let total = info.number_records_processed;
    let line = Line { label: bookmark.object.clone(), total, note: path.display().to_string() };
    let mut progress = Progress::new(vec![line]);
    progress.start_at(0, bookmark.rows);
    let mut pages = job.pages(bookmark.position.clone()).max_records(PAGE).expect_total(total);
    bookmark.write(path).await?;
    loop {
        let copied = match pages.next_page().await {
            Ok(None) => break,
            Ok(Some(_)) => pages.write_page_to(&mut file).await,
            Err(error) => Err(error),
        };
        // Also after an error the file ends where the position says.
        file.flush().await?;
        let bytes = file.stream_position().await?;
        match copied {
            Ok(rows) => {
                bookmark.rows += rows;
                progress.set(0, bookmark.rows);
                let Some(position) = pages.position() else { break };
                bookmark.moved_to(position, bytes).write(path).await?;
            }
            Err(error) => {
                progress.abandon();
                if let Some(position) = pages.position() {
                    bookmark.rows += position.rows.saturating_sub(bookmark.position.rows);
                    bookmark.moved_to(position, bytes).write(path).await?;
                }
                return Err(error.into());
            }
        }
    }
    file.sync_all().await?;
    progress.finish(0);
    if total.is_some_and(|total| total != bookmark.rows) {
        let (rows, total) = (thousands(bookmark.rows), thousands(total.unwrap_or_default()));
        return Err(format!("{} has {rows} rows, the org counted {total}", path.display()).into());
    }
    fs::remove_file(Bookmark::path(path)).await?;
    Ok(bookmark.rows)
}

impl Bookmark {
    fn moved_to(&mut self, position: Position, bytes: u64) -> &Self {
        // The header is written with the first row; a file that has it alone begins anew.
        self.bytes = if position == Position::START { 0 } else { bytes };
        self.position = position;
        self
    }

    /// `leads.csv` has its bookmark in `leads.csv.bookmark`.
    fn path(file: &Path) -> PathBuf {
        let mut name = file.as_os_str().to_owned();
        name.push(".bookmark");
        name.into()
    }

    /// The bookmark of a file, if it is one of this org and object and the file has what it says.
    async fn read(file: &Path, org: &str, object: &str) -> Result<Option<Self>> {
        let path = Self::path(file);
        let text = match fs::read(&path).await {
            Ok(text) => text,
            Err(error) if error.kind() == Io::NotFound => return Ok(None),
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display()).into()),
        };
        let length = fs::metadata(file).await.map_or(0, |file| file.len());
        let fits = |bookmark: &Self| {
            bookmark.org == org && bookmark.object.eq_ignore_ascii_case(object) && length >= bookmark.bytes
        };
        Ok(serde_json::from_slice(&text).ok().filter(fits))
    }

    /// In two steps: a bookmark is there as a whole or not at all.
    async fn write(&self, file: &Path) -> Result<()> {
        let path = Self::path(file);
        let new = path.with_extension("bookmark-new");
        let mut out = File::create(&new).await?;
        out.write_all(&serde_json::to_vec(self)?).await?;
        out.sync_all().await?;
        fs::rename(new, path).await?;
        Ok(())
    }
}
