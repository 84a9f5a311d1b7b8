//! sf-bulk2.

use std::sync::Arc;

use sf_bulk2::{Ingest, Nulls, Pages, Position, Query};
use sf_core::Client;
use sf_core::poll::PollPolicy;
use sf_core::record::{Field, FieldType, Schema};
use tokio::io::AsyncWriteExt;

use super::{Error, Job, WINDOW};
use crate::data::{self, Lead};

async fn connect(job: &Job) -> Result<Client, Error> {
    Ok(sf_auth::ClientCredentials::new(&job.url, "key", "secret").connect().await?)
}

async fn pages(job: &Job) -> Result<Pages, Error> {
    let query = Query::new(data::SOQL).create(&connect(job).await?).await?;
    let info = query.wait(&PollPolicy::default()).await?;
    Ok(query.pages(Position::START).expect_total(info.number_records_processed))
}

pub(super) async fn file(job: &Job) -> Result<u64, Error> {
    let (mut pages, mut out) = (pages(job).await?, job.writer().await?);
    let rows = pages.write_to(&mut out).await?;
    out.flush().await?;
    Ok(rows)
}

pub(super) async fn window(job: &Job) -> Result<u64, Error> {
    let (mut pages, mut out) = (pages(job).await?.parallel(WINDOW), job.writer().await?);
    let rows = pages.write_to(&mut out).await?;
    out.flush().await?;
    Ok(rows)
}

pub(super) async fn structs(job: &Job) -> Result<u64, Error> {
    let mut leads = pages(job).await?.rows::<Lead>();
    let mut rows = 0;
    while let Some(lead) = leads.next_row().await? {
        std::hint::black_box(lead);
        rows += 1;
    }
    Ok(rows)
}

pub(super) async fn records(job: &Job) -> Result<u64, Error> {
    let fields = data::COLUMNS.map(|name| {
        let kind = match name {
            "AnnualRevenue" => FieldType::Currency,
            "CreatedDate" => FieldType::DateTime,
            _ => FieldType::String,
        };
        Field::new(name, kind)
    });
    let schema = Arc::new(Schema::new("Lead", fields.into())?);
    let mut pages = pages(job).await?;
    let mut rows = 0;
    while pages.next_page().await?.is_some() {
        let mut record = pages.record(&schema)?;
        while pages.next_row(&mut record).await? {
            std::hint::black_box(&record);
            rows += 1;
        }
    }
    Ok(rows)
}

pub(super) async fn ingest(job: &Job) -> Result<u64, Error> {
    let leads = futures_util::stream::iter(data::new_leads(job.rows));
    let loaded = Ingest::insert("Lead").rows(leads, Nulls::Ignore).run(&connect(job).await?).await?;
    Ok(loaded.succeeded())
}
