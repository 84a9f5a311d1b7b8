//! What bounds everybody: reqwest without a client around it, and the csv crate without a network.

use std::fs::File;

use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;

use super::{Error, Job, parts, read_cells, read_structs};

const PATH: &str = "/services/data/v67.0/jobs";

/// The pages of the job that the org is known to have, one after the other.
pub(super) async fn file(job: &Job) -> Result<(), Error> {
    let http = reqwest::Client::new();
    let mut out = job.writer().await?;
    let first = format!("{}{PATH}/query/7507Q000009f8jvQAA/results", job.url);
    let mut next = Some(first.clone());
    while let Some(url) = next {
        let answer = http.get(url).send().await?.error_for_status()?;
        let locator = answer.headers().get("sforce-locator").ok_or("no locator")?.to_str()?;
        next = (locator != "null").then(|| format!("{first}?locator={locator}"));
        let mut body = answer.bytes_stream();
        while let Some(piece) = body.next().await {
            out.write_all(&piece?).await?;
        }
    }
    Ok(out.flush().await?)
}

/// A page out of a file, as often as the result has it.
fn pages<T>(job: &Job, read: impl Fn(File) -> Result<T, csv::Error>) -> Result<Vec<T>, Error> {
    (0..job.rows / crate::PAGE_ROWS).map(|_| Ok(read(File::open(&job.file)?)?)).collect()
}

pub(super) fn structs(job: &Job) -> Result<u64, Error> {
    Ok(pages(job, read_structs)?.iter().sum())
}

pub(super) fn cells(job: &Job) -> Result<u64, Error> {
    Ok(pages(job, read_cells)?.iter().sum())
}

/// The csv crate's writer, and each part in a request of its own.
pub(super) async fn ingest(job: &Job) -> Result<u64, Error> {
    let http = reqwest::Client::new();
    let mut rows = 0;
    for (at, part) in parts(job.rows).enumerate() {
        let (written, csv) = part?;
        let url = format!("{}{PATH}/ingest/7505iBARE00000{at:04}/batches", job.url);
        http.put(url).header("Content-Type", "text/csv").body(csv).send().await?.error_for_status()?;
        rows += written;
    }
    Ok(rows)
}
