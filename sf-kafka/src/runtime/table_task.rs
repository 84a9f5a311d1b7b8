//! One object on its way from the org to its topic.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use sf_core::Client;
use sf_soql::DescribeCache;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::metrics::TableMetrics;
use super::patience::{Patience, allowance, stretch};
use super::row_writer::RowWriter;
use super::status::{Phase, TableStatus};
use crate::config::{BulkQuerySource, TableConfig};
use crate::error::chain;
use crate::kafka::{Page, Producer, Record as KafkaRecord};
use crate::offset::{OffsetStore, SourceOffset, SourcePartition};
use crate::source::bulk_query::{Pace, PageInfo, Step, TablePlan, TableSource};
use crate::{Outlook, Result};

/// A describe is asked for again after this long, and after each failure.
const DESCRIBE_TTL: Duration = Duration::from_secs(3600);
/// How long records that were handed over may take to arrive when the process is asked to stop.
const LAST_ACKNOWLEDGEMENTS: Duration = Duration::from_secs(20);
/// After so many rows a stop is noticed also while rows keep coming.
const LOOK_UP: u64 = 1024;

/// What a task works with.
pub(super) struct TableTask {
    pub(super) config: Arc<BulkQuerySource>,
    pub(super) table: TableConfig,
    pub(super) client: Client,
    pub(super) producer: Arc<dyn Producer>,
    pub(super) store: Arc<dyn OffsetStore>,
    pub(super) status: Arc<TableStatus>,
    pub(super) stop: CancellationToken,
}

/// What one table keeps between two rows.
struct Life<'t> {
    task: &'t TableTask,
    metrics: TableMetrics,
    partition: SourcePartition,
    source: TableSource,
    writer: RowWriter,
    repeated: u64,
}

/// Whether to go on.
#[derive(PartialEq, Eq)]
enum Go {
    On,
    Stop,
}

impl TableTask {
    /// Works until it is asked to stop, or until a person has to change something.
    pub(super) async fn run(self) -> Result<()> {
        let mut patience = Patience::default();
        loop {
            let error = match self.live(&mut patience).await {
                Ok(()) => {
                    self.status.set(Phase::Stopped);
                    return Ok(());
                }
                Err(error) => error,
            };
            let (connector, table) = (&self.config.name, &self.table.object);
            let said = chain(&error);
            let Some(pause) = patience.after(&error) else {
                tracing::error!(connector, table, error = said, hint = error.hint(), "table given up");
                self.status.set(Phase::Failed(said));
                return Err(error);
            };
            TableMetrics::new(connector, table).failures.increment(1);
            let wait = async {
                if error.outlook() == Outlook::DailyLimit {
                    tracing::warn!(
                        connector,
                        table,
                        error = said,
                        "the org's allowance for the day is used up, waiting for it"
                    );
                    self.status.set(Phase::WaitingForAllowance(said.clone()));
                    allowance(&self.client).await;
                    tracing::info!(connector, table, "the org has calls and jobs left again");
                } else {
                    tracing::warn!(
                        connector,
                        table,
                        error = said,
                        hint = error.hint(),
                        retry_in_s = pause.as_secs(),
                        "reading on from the last stored offset"
                    );
                    self.status.set(Phase::Retrying(said.clone()));
                    tokio::time::sleep(pause).await;
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => {
                    self.status.set(Phase::Stopped);
                    return Ok(());
                }
                () = wait => {}
            }
        }
    }

    /// From the stored offset on, until asked to stop or until something fails.
    async fn live(&self, patience: &mut Patience) -> Result<()> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Ok(()),
            life = self.begin() => life?.run(patience).await,
        }
    }

    /// Stores an offset and waits until it is kept.
    async fn keep(&self, partition: &SourcePartition, offset: &SourceOffset) -> Result<()> {
        let change = [(partition.clone(), Some(offset.to_map()))];
        Ok(self.store.write(&self.config.name, &change).await?)
    }

    async fn begin(&self) -> Result<Life<'_>> {
        let config = &self.config;
        let describes = DescribeCache::new(self.client.clone(), DESCRIBE_TTL);
        let plan = TablePlan::make(&describes, &self.table, delta(config.overlap)).await?;
        for (field, reason) in &plan.left_out {
            tracing::debug!(table = plan.object, field, reason, "field not read");
        }
        let partition = SourcePartition::table(&plan.object);
        let offset = self.store.read(&config.name, &partition).await?;
        let offset = offset.as_ref().map(SourceOffset::parse).transpose()?;
        tracing::info!(
            connector = config.name,
            table = plan.object,
            topic = self.table.topic,
            cursor = plan.cursor,
            fields = plan.schema.fields().len(),
            offset = offset.as_ref().map(|o| serde_json::Value::Object(o.to_map()).to_string()),
            "table begun"
        );
        let pace = Pace::new(delta(config.lag), config.page_rows(), config.job_timeout);
        let writer = RowWriter::new(&plan.schema, config, &self.table)?;
        let metrics = TableMetrics::new(&config.name, &plan.object);
        let source = TableSource::resume(self.client.clone(), plan, pace, offset.as_ref());
        Ok(Life { task: self, metrics, partition, source, writer, repeated: 0 })
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

impl Life<'_> {
    async fn run(mut self, patience: &mut Patience) -> Result<()> {
        loop {
            let polled = Instant::now();
            if self.poll(patience).await? == Go::Stop {
                return Ok(());
            }
            let usage = self.task.client.usage();
            if let Some(usage) = usage {
                self.metrics.api_used.set(u32::try_from(usage.used).unwrap_or(u32::MAX));
                self.metrics.api_max.set(u32::try_from(usage.max).unwrap_or(u32::MAX));
            }
            self.task.status.windows.fetch_add(1, Ordering::Relaxed);
            self.task.status.set(Phase::Idle);
            let next = polled + self.task.config.poll_interval * stretch(usage);
            tokio::select! {
                () = self.task.stop.cancelled() => return Ok(()),
                () = sleep_until(next) => {}
            }
        }
    }

    /// One window, if there is one due.
    async fn poll(&mut self, patience: &mut Patience) -> Result<Go> {
        loop {
            let step = tokio::select! {
                () = self.task.stop.cancelled() => return Ok(Go::Stop),
                step = self.source.step() => step?,
            };
            self.count_repeated();
            match step {
                Step::Idle => {
                    patience.progress();
                    return Ok(Go::On);
                }
                Step::Store(offset) => {
                    self.task.status.set(Phase::Reading);
                    self.task.keep(&self.partition, &offset).await?;
                    if !offset.is_in_flight() {
                        return Ok(Go::On);
                    }
                }
                Step::Page(page) => {
                    self.task.status.set(Phase::Reading);
                    if self.deliver(&page).await? == Go::Stop {
                        return Ok(Go::Stop);
                    }
                    patience.progress();
                    if self.source.is_between_windows() {
                        return Ok(Go::On);
                    }
                }
            }
        }
    }

    /// Delivers the page in hand and stores the offset behind it. Asked to stop, it stores how many rows of
    /// the page have arrived.
    async fn deliver(&mut self, page: &PageInfo) -> Result<Go> {
        let begun = Instant::now();
        let arrivals = Page::new();
        let (mut rows, mut bytes) = (0_u64, 0_usize);
        let mut go = Go::On;
        loop {
            let row = tokio::select! {
                biased;
                row = self.source.next_row() => row?,
                () = self.task.stop.cancelled() => { go = Go::Stop; None }
            };
            let Some(row) = row else { break };
            self.writer.write(row)?;
            let (key, value) = (self.writer.key.as_slice(), self.writer.value.as_slice());
            let record = KafkaRecord::to(&self.task.table.topic).key(key).value(value);
            // No timestamp of the row's own: a topic's retention would drop old rows as they arrive.
            tokio::select! {
                biased;
                sent = self.task.producer.send(record, &arrivals) => sent?,
                // The queue is full and the process is to stop: this row was read and not sent, so
                // nothing of the page may be stored. It is read again.
                () = self.task.stop.cancelled() => return Ok(Go::Stop),
            }
            rows += 1;
            bytes += self.writer.size();
            self.task.status.rows.fetch_add(1, Ordering::Relaxed);
            if rows.is_multiple_of(LOOK_UP) && self.task.stop.is_cancelled() {
                go = Go::Stop;
                break;
            }
        }
        if go == Go::Stop {
            if timeout(LAST_ACKNOWLEDGEMENTS, arrivals.acknowledged()).await.map_or(true, |a| a.is_err()) {
                return Ok(go);
            }
        } else {
            arrivals.acknowledged().await?;
        }
        if let Some(offset) = self.source.delivered() {
            self.task.keep(&self.partition, &offset).await?;
        }
        self.note(page, rows, bytes, begun);
        Ok(go)
    }

    fn note(&self, page: &PageInfo, rows: u64, bytes: usize, begun: Instant) {
        let lag = (sf_core::time::now() - page.end).num_seconds();
        self.metrics.rows.increment(rows);
        self.metrics.bytes.increment(bytes as u64);
        self.metrics.pages.increment(1);
        self.metrics.lag.set(i32::try_from(lag).unwrap_or(i32::MAX));
        self.task.status.pages.fetch_add(1, Ordering::Relaxed);
        tracing::info!(
            connector = self.task.config.name,
            table = self.source.plan().object,
            job = page.job,
            locator = page.locator,
            rows,
            bytes,
            took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            lag_s = lag,
            "page delivered"
        );
    }

    fn count_repeated(&mut self) {
        let repeated = self.source.windows_repeated();
        self.metrics.repeated.increment(repeated - self.repeated);
        self.repeated = repeated;
    }
}
