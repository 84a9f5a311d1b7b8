//! cirrus 0.8: one request a call, and a page whole in memory. Waiting and CSV are the user's, here the csv crate's.

use std::sync::Arc;
use std::time::Duration;

use cirrus::auth::ClientCredentialsAuth;
use cirrus::{BulkIngestSpec, BulkJobState, BulkOperation, BulkQuerySpec, Cirrus};
use tokio::io::AsyncWriteExt;

use super::{Error, Job, parts, read_structs};
use crate::data;

fn connect(job: &Job) -> Result<Cirrus, Error> {
    let auth = ClientCredentialsAuth::builder()
        .consumer_key("key")
        .consumer_secret("secret")
        .login_url(&job.url)
        .instance_url(&job.url)
        .build()?;
    Ok(Cirrus::builder().auth(Arc::new(auth)).build()?)
}

/// The id of a query job that is done.
async fn done(org: &Cirrus) -> Result<String, Error> {
    let spec = BulkQuerySpec::new(data::SOQL, BulkOperation::Query);
    let id = org.bulk().query().create(&spec).await?.id;
    while org.bulk().query().get(&id).await?.state != BulkJobState::JobComplete {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(id)
}

pub(super) async fn file(job: &Job) -> Result<(), Error> {
    let (org, mut out) = (connect(job)?, job.writer().await?);
    let id = done(&org).await?;
    let mut locator: Option<String> = None;
    loop {
        let page = org.bulk().query().results(&id, locator.as_deref(), None).await?;
        out.write_all(&page.csv).await?;
        locator = page.locator;
        if locator.is_none() {
            return Ok(out.flush().await?);
        }
    }
}

pub(super) async fn structs(job: &Job) -> Result<u64, Error> {
    let org = connect(job)?;
    let id = done(&org).await?;
    let (mut rows, mut locator) = (0, None::<String>);
    loop {
        let page = org.bulk().query().results(&id, locator.as_deref(), None).await?;
        rows += read_structs(&page.csv[..])?;
        locator = page.locator;
        if locator.is_none() {
            return Ok(rows);
        }
    }
}

pub(super) async fn ingest(job: &Job) -> Result<u64, Error> {
    let org = connect(job)?;
    let mut rows = 0;
    for part in parts(job.rows) {
        let ingest = org.bulk().ingest();
        let id = ingest.create(&BulkIngestSpec::new("Lead", BulkOperation::Insert)).await?.id;
        ingest.upload(&id, part?.1.into()).await?;
        ingest.close(&id).await?;
        loop {
            let info = ingest.get(&id).await?;
            if info.state == BulkJobState::JobComplete {
                rows += u64::try_from(info.number_records_processed.unwrap_or(0))?;
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    Ok(rows)
}
