//! What became of the rows of a load, as CSV files.

use std::path::{Path, PathBuf};

use futures_util::{Stream, TryStreamExt};
use sf_bulk2::{Echo, Loaded};

use crate::Result;
use crate::text::thousands;

/// The outcome files of a load, and how many rows each has.
#[derive(Clone, Debug)]
pub struct OutcomeFiles {
    folder: PathBuf,
    /// Rows in `successes.csv`: each with its id, and whether it is new.
    pub successes: u64,
    /// Of those, how many are new.
    pub created: u64,
    /// Rows in `failures.csv`: each with the org's reason.
    pub failures: u64,
    /// Rows in `unprocessed.csv`: sent, and never tried.
    pub unprocessed: u64,
}

impl OutcomeFiles {
    /// A folder beside the file, which is not there yet: `contacts.csv` has its outcomes in `contacts.csv.outcomes`, and
    /// those of its next load in `contacts.csv.outcomes-2`. What was refused before may be needed still.
    async fn folder_of(file: &Path) -> Result<PathBuf> {
        let mut count = 1_u32;
        loop {
            let mut name = file.as_os_str().to_owned();
            name.push(".outcomes");
            if count > 1 {
                name.push(format!("-{count}"));
            }
            let folder = PathBuf::from(name);
            match tokio::fs::create_dir(&folder).await {
                Ok(()) => return Ok(folder),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => count += 1,
                Err(error) => return Err(format!("{} cannot be made: {error}", folder.display()).into()),
            }
        }
    }

    /// Reads the outcomes of all jobs of a load of a file and writes them, a row at a time, into a new folder beside it.
    /// Each file is counted against what the org says about its job.
    ///
    /// # Errors
    /// What the org or the files said.
    pub async fn write(loaded: &Loaded, file: &Path) -> Result<Self> {
        let folder = &Self::folder_of(file).await?;
        let mut created = 0;
        let done =
            write(folder.join("successes.csv"), loaded.successes(), &["sf__Id", "sf__Created"], |row| {
                created += u64::from(row.created);
                (vec![row.id.to_string(), row.created.to_string()], row.row)
            });
        let successes = done.await?;
        let refused =
            write(folder.join("failures.csv"), loaded.failures(), &["sf__Id", "sf__Error"], |row| {
                (vec![row.id.map(|id| id.to_string()).unwrap_or_default(), row.error], row.row)
            });
        let failures = refused.await?;
        let left = write(folder.join("unprocessed.csv"), loaded.unprocessed_rows(), &[], |row| (vec![], row));
        let unprocessed = left.await?;
        Ok(Self { folder: folder.to_owned(), successes, created, failures, unprocessed })
    }

    /// Rows that were sent and are not in the org as they were sent.
    pub fn not_written(&self) -> u64 {
        self.failures + self.unprocessed
    }
}

/// For people.
impl std::fmt::Display for OutcomeFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [successes, created, failures, unprocessed] =
            [self.successes, self.created, self.failures, self.unprocessed].map(thousands);
        let folder = self.folder.display();
        write!(
            f,
            "{successes} rows written ({created} of them new), {failures} failed, {unprocessed} unprocessed\n  \
             in {folder}: successes.csv, failures.csv, unprocessed.csv"
        )
    }
}

/// One file: the org's own columns, then those of the row.
async fn write<T>(
    path: PathBuf,
    rows: impl Stream<Item = sf_bulk2::Result<T>>,
    own: &[&str],
    mut cells: impl FnMut(T) -> (Vec<String>, Echo),
) -> Result<u64> {
    let mut file = csv::Writer::from_path(path)?;
    let (mut rows, mut count) = (std::pin::pin!(rows), 0);
    while let Some(row) = rows.try_next().await? {
        let (of_the_org, echo) = cells(row);
        if count == 0 {
            file.write_record(own.iter().copied().chain(echo.header().iter().map(String::as_str)))?;
        }
        file.write_record(of_the_org.iter().map(String::as_str).chain(echo.cells()))?;
        count += 1;
    }
    if count == 0 && !own.is_empty() {
        file.write_record(own)?;
    }
    file.flush()?;
    Ok(count)
}
