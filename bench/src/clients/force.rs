//! force 0.5: structs in, structs out. It has no bytes of pages, and no way to ask for smaller ones; a page above
//! 100 MiB is an error.

use force::api::bulk::JobOperation;
use force::auth::ClientCredentials;
use force::client::{ForceClient, ForceClientBuilder};

use super::{Error, Job};
use crate::data::{self, Lead};

async fn connect(job: &Job) -> Result<ForceClient<ClientCredentials>, Error> {
    let login = ClientCredentials::new_my_domain("key", "secret", &job.url);
    Ok(ForceClientBuilder::new().authenticate(login).build().await?)
}

pub(super) async fn structs(job: &Job) -> Result<u64, Error> {
    let mut leads = connect(job).await?.bulk().query::<Lead>(data::SOQL).await?;
    let mut rows = 0;
    while let Some(lead) = leads.next().await? {
        std::hint::black_box(lead);
        rows += 1;
    }
    Ok(rows)
}

pub(super) async fn ingest(job: &Job) -> Result<u64, Error> {
    let client = connect(job).await?;
    let leads = futures_util::stream::iter(data::new_leads(job.rows));
    let done = client.bulk().smart_ingest("Lead", JobOperation::Insert).execute_stream(leads).await?;
    Ok(u64::try_from(done.total_records_processed())?)
}
