//! Who runs, and at what: each contestant at each task is a process of its own.

mod bare;
mod cirrus;
mod force;
mod ours;
mod salesforce_core;

use std::path::PathBuf;

use tokio::fs::File;
use tokio::io::BufWriter;

pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// How many pages ours fetches at once, where it fetches several.
pub const WINDOW: usize = 8;

/// Where the org is, how many rows there are, and where a file may be.
#[derive(Debug)]
pub struct Job {
    pub url: String,
    pub rows: u64,
    pub file: PathBuf,
}

impl Job {
    /// The file, with a buffer that everybody has.
    async fn writer(&self) -> std::io::Result<BufWriter<File>> {
        Ok(BufWriter::with_capacity(128 * 1024, File::create(&self.file).await?))
    }
}

/// Does a task and returns how many rows were read or written; none where the rows were not looked at.
pub async fn run(task: &str, who: &str, job: &Job) -> Result<Option<u64>, Error> {
    let rows = match (task, who) {
        ("file", "bare") => return bare::file(job).await.map(|()| None),
        ("file", "ours") => ours::file(job).await?,
        ("file", "salesforce_core") => return salesforce_core::file(job).await.map(|()| None),
        ("file", "cirrus") => return cirrus::file(job).await.map(|()| None),
        ("window", "ours") => ours::window(job).await?,
        ("structs", "bare") => bare::structs(job)?,
        ("structs", "ours") => ours::structs(job).await?,
        ("structs", "salesforce_core") => salesforce_core::structs(job).await?,
        ("structs", "force") => force::structs(job).await?,
        ("structs", "cirrus") => cirrus::structs(job).await?,
        ("cells", "bare") => bare::cells(job)?,
        ("cells", "ours") => ours::records(job).await?,
        ("cells", "salesforce_core") => salesforce_core::cells(job).await?,
        ("ingest", "bare") => bare::ingest(job).await?,
        ("ingest", "ours") => ours::ingest(job).await?,
        ("ingest", "salesforce_core") => salesforce_core::ingest(job).await?,
        ("ingest", "force") => force::ingest(job).await?,
        ("ingest", "cirrus") => cirrus::ingest(job).await?,
        _ => return Err(format!("{who} has nothing for {task}").into()),
    };
    Ok(Some(rows))
}

/// CSV to structs, by the csv crate.
fn read_structs(csv: impl std::io::Read) -> Result<u64, csv::Error> {
    let mut rows = 0;
    for row in reader(csv).deserialize::<crate::data::Lead>() {
        std::hint::black_box(row?);
        rows += 1;
    }
    Ok(rows)
}

/// CSV to cells, by the csv crate.
fn read_cells(csv: impl std::io::Read) -> Result<u64, csv::Error> {
    let (mut reader, mut record, mut rows) = (reader(csv), csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record)? {
        std::hint::black_box(&record);
        rows += 1;
    }
    Ok(rows)
}

fn reader<R: std::io::Read>(csv: R) -> csv::Reader<R> {
    csv::ReaderBuilder::new().buffer_capacity(64 * 1024).from_reader(csv)
}

/// Structs to CSV by the csv crate, for clients that take the bytes of a whole job: cut at what a job takes.
fn parts(rows: u64) -> impl Iterator<Item = Result<(u64, Vec<u8>), csv::Error>> {
    const PART: usize = 100_000_000;
    let mut leads = crate::data::new_leads(rows).peekable();
    std::iter::from_fn(move || {
        leads.peek()?;
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut written = 0;
        while let Some(lead) = leads.peek() {
            if let Err(e) = writer.serialize(lead) {
                return Some(Err(e));
            }
            leads.next();
            written += 1;
            // The writer keeps some bytes back, and a row of these has some two hundred.
            if writer.get_ref().len() > PART - 64 * 1024 {
                break;
            }
        }
        Some(writer.into_inner().map(|csv| (written, csv)).map_err(|e| e.into_error().into()))
    })
}
