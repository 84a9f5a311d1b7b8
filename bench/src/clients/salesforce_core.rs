//! salesforce_core 0.24: pages as bytes, and one request a call. Waiting and CSV are the user's, here the csv crate's.

use std::io::{self, Read};

use futures_util::{StreamExt, TryStreamExt};
use salesforce_core::bulkapi::query::QueryClient;
use salesforce_core::bulkapi::{
    Client, ClientBuilder, CreateIngestJobRequest, CreateQueryJobRequest, IngestOperation, JobState,
    QueryOperation,
};
use tokio::io::AsyncWriteExt;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::{Error, Job, parts, read_cells, read_structs};
use crate::data;

async fn connect(job: &Job) -> Result<Client, Error> {
    let client = salesforce_core::client::Client::builder()
        .client_id("key")
        .client_secret("secret")
        .instance_url(&job.url)
        .build()?
        .connect()
        .await?;
    Ok(ClientBuilder::new(client).build()?)
}

/// The id of a query job that is done.
async fn done(client: &QueryClient) -> Result<String, Error> {
    let request = CreateQueryJobRequest {
        operation: QueryOperation::Query,
        query: data::SOQL.to_owned(),
        content_type: None,
        column_delimiter: None,
        line_ending: None,
    };
    let id = client.create_job(&request).await?.id;
    while client.get_job(&id).await?.state != JobState::JobComplete {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    Ok(id)
}

pub(super) async fn file(job: &Job) -> Result<(), Error> {
    let (client, mut out) = (connect(job).await?.query(), job.writer().await?);
    let mut pages = client.result_pages(done(&client).await?, None);
    while let Some(page) = pages.next_page().await {
        let mut body = page?.body;
        while let Some(piece) = body.next().await {
            out.write_all(&piece?).await?;
        }
    }
    Ok(out.flush().await?)
}

/// Each page through a blocking reader, on a thread of its own, so that it is read while it comes.
async fn read(job: &Job, read: fn(Box<dyn Read + Send>) -> Result<u64, csv::Error>) -> Result<u64, Error> {
    let client = connect(job).await?.query();
    let mut pages = client.result_pages(done(&client).await?, None);
    let mut rows = 0;
    while let Some(page) = pages.next_page().await {
        let body = StreamReader::new(page?.body.into_inner().map_err(io::Error::other));
        let csv = SyncIoBridge::new(body);
        rows += tokio::task::spawn_blocking(move || read(Box::new(csv))).await??;
    }
    Ok(rows)
}

pub(super) async fn structs(job: &Job) -> Result<u64, Error> {
    read(job, read_structs).await
}

pub(super) async fn cells(job: &Job) -> Result<u64, Error> {
    read(job, read_cells).await
}

pub(super) async fn ingest(job: &Job) -> Result<u64, Error> {
    let client = connect(job).await?.ingest();
    let mut rows = 0;
    for part in parts(job.rows) {
        let request = CreateIngestJobRequest {
            object: "Lead".to_owned(),
            operation: IngestOperation::Insert,
            content_type: None,
            external_id_field_name: None,
            assignment_rule_id: None,
            column_delimiter: None,
            line_ending: None,
        };
        let id = client.create_job(&request).await?.id;
        client.upload_data(&id, &part?.1).await?;
        client.mark_upload_complete(&id).await?;
        loop {
            let info = client.get_job(&id).await?;
            if info.state == JobState::JobComplete {
                rows += u64::try_from(info.number_records_processed.unwrap_or(0))?;
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    }
    Ok(rows)
}
