//! One object on its way from the org to its topic.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use sf_core::Client;
use sf_core::limits::Usage;
use sf_soql::DescribeCache;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::metrics::TableMetrics;
use super::patience::{Patience, allowance, query_jobs, stretch};
use super::row_writer::RowWriter;
use super::status::{Phase, TableStatus};
use crate::config::{BulkQuerySource, TableConfig};
use crate::error::chain;
use crate::kafka::{self, Page, Producer, Record as KafkaRecord};
use crate::offset::{OffsetStore, SourceOffset, SourcePartition};
use crate::source::bulk_query::{Pace, PageInfo, Step, TablePlan, TableSource};
use crate::{Error, Outlook, Result};

/// The object is described again after this long, and after each failure.
const DESCRIBE_TTL: Duration = Duration::from_secs(3600);
/// How long records that were handed over may take to arrive when the process is asked to stop.
const LAST_ACKNOWLEDGEMENTS: Duration = Duration::from_secs(20);
/// After so many query jobs the org is asked how many are left.
const JOBS_BETWEEN_LOOKS: u64 = 100;
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
    /// Cancelled for all tables of a connector by the first whose login is refused: each try with a wrong
    /// password counts towards locking the user out.
    pub(super) refused: CancellationToken,
}

/// What one table keeps between two rows.
struct Life<'t> {
    task: &'t TableTask,
    metrics: TableMetrics,
    partition: SourcePartition,
    source: TableSource,
    writer: RowWriter,
    repeated: u64,
    /// Query jobs made, and what the org had of them when it was last asked.
    made: u64,
    jobs: Option<Usage>,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Go {
    On,
    /// Begin anew: nothing is in flight, and the object may have changed.
    Anew,
    Stop,
}

/// What of a page was handed to the producer.
#[derive(Default)]
struct Sent {
    rows: u64,
    bytes: usize,
}

/// Where handing over the rows of a page came to its end.
enum End {
    /// At the end of the page.
    Page,
    /// The process is to stop, or the table to end.
    Early(Go),
    /// The same, and the producer had no room for the row that was read last.
    Withheld(Go),
    /// The page broke off.
    Broken(Error),
}

impl TableTask {
    /// Works until it is asked to stop, or until a person has to change something.
    pub(super) async fn run(self) -> Result<()> {
        let mut patience = Patience::default();
        let mut lost = None;
        loop {
            let error = match self.live(&mut patience, lost.as_deref()).await {
                Ok(Go::On | Go::Anew) => continue,
                Ok(Go::Stop) => {
                    self.status.set(Phase::Stopped);
                    return Ok(());
                }
                Err(error) => error,
            };
            if let Some(job) = error.lost_job() {
                lost = Some(job.to_owned());
            }
            let Some(pause) = patience.after(&error) else { return Err(self.give_up(error)) };
            TableMetrics::new(&self.config.name, &self.table.object).failures.increment(1);
            tokio::select! {
                () = self.stop.cancelled() => {
                    self.status.set(Phase::Stopped);
                    return Ok(());
                }
                () = self.refused.cancelled() => {}
                () = self.wait_after(&error, pause) => {}
            }
        }
    }

    fn give_up(&self, error: Error) -> Error {
        let (connector, table) = (&self.config.name, &self.table.object);
        tracing::error!(connector, table, error = chain(&error), hint = error.hint(), "table given up");
        self.status.set(Phase::Failed(error.told()));
        if error.is_refused_login() {
            self.refused.cancel();
        }
        error
    }

    async fn wait_after(&self, error: &Error, pause: Duration) {
        let (connector, table, said) = (&self.config.name, &self.table.object, chain(error));
        if error.outlook() == Outlook::DailyLimit {
            tracing::warn!(
                connector,
                table,
                error = said,
                "the org's allowance for the day is used up, waiting for it"
            );
            self.status.set(Phase::WaitingForAllowance(said));
            match allowance(&self.client, pause).await {
                Ok(()) => tracing::info!(connector, table, "the org has calls and jobs left again"),
                Err(e) => {
                    tracing::info!(
                        connector,
                        table,
                        error = chain(&e),
                        "the org does not tell its limits, trying"
                    );
                }
            }
        } else {
            let (hint, retry_in_s) = (error.hint(), pause.as_secs());
            tracing::warn!(
                connector,
                table,
                error = said,
                hint,
                retry_in_s,
                "reading on from the last stored offset"
            );
            self.status.set(Phase::Retrying(error.told()));
            tokio::time::sleep(pause).await;
        }
    }

    /// From the stored offset on, until asked to stop or until something fails.
    async fn live(&self, patience: &mut Patience, lost: Option<&str>) -> Result<Go> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Ok(Go::Stop),
            () = self.refused.cancelled() => {
                Err(Error::new(Outlook::Final, "the login of this connector was refused, as another of its tables says"))
            }
            life = self.begin(lost) => life?.run(patience).await,
        }
    }

    /// Waits for what is on its way, but not long once the process is to stop.
    async fn within_stop<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let late = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LAST_ACKNOWLEDGEMENTS).await;
        };
        tokio::select! {
            done = work => Some(done),
            () = late => None,
        }
    }

    /// Stores an offset and waits until it is kept.
    async fn keep(&self, partition: &SourcePartition, offset: &SourceOffset) -> Result<Go> {
        let change = [(partition.clone(), Some(offset.to_map()))];
        match self.within_stop(self.store.write(&self.config.name, &change)).await {
            Some(kept) => kept.map(|()| Go::On).map_err(Error::from),
            None => Ok(Go::Stop),
        }
    }

    async fn begin(&self, lost: Option<&str>) -> Result<Life<'_>> {
        let config = &self.config;
        let describes = DescribeCache::new(self.client.clone(), DESCRIBE_TTL);
        let plan = TablePlan::make(&describes, &self.table, delta(config.overlap)).await?;
        for (field, reason) in &plan.left_out {
            tracing::debug!(table = plan.object, field, reason, "field not read");
        }
        let partition = SourcePartition::table(&plan.object);
        let offset = self.store.read(&config.name, &partition).await?;
        let offset = offset.as_ref().map(SourceOffset::parse).transpose().map_err(|e| {
            let place =
                format!("the offset of connector {}, partition {partition}, cannot be used", config.name);
            Error::from(e).about(place)
        })?;
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
        let source = TableSource::resume(self.client.clone(), plan, pace, offset.as_ref(), lost);
        Ok(Life { task: self, metrics, partition, source, writer, repeated: 0, made: 0, jobs: None })
    }
}

/// A record that can never be sent, with the row that it is of.
fn undelivered(error: kafka::Error, key: &[u8]) -> Error {
    let error = Error::from(error);
    let text = format!("the row with the key {} could not be delivered", String::from_utf8_lossy(key));
    error.about(text)
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

impl Life<'_> {
    async fn run(mut self, patience: &mut Patience) -> Result<Go> {
        let begun = Instant::now();
        loop {
            let polled = Instant::now();
            let go = self.poll(patience).await;
            self.show_lag();
            let go = go?;
            if go != Go::On {
                return Ok(go);
            }
            let calls = self.task.client.usage();
            if let Some(calls) = calls {
                self.metrics.api_used.set(u32::try_from(calls.used).unwrap_or(u32::MAX));
                self.metrics.api_max.set(u32::try_from(calls.max).unwrap_or(u32::MAX));
            }
            self.task.status.windows.fetch_add(1, Ordering::Relaxed);
            self.task.status.set(Phase::Idle);
            let next = polled + self.task.config.poll_interval * stretch(calls.into_iter().chain(self.jobs));
            tokio::select! {
                () = self.task.stop.cancelled() => return Ok(Go::Stop),
                () = self.task.refused.cancelled() => return Ok(Go::Anew),
                () = sleep_until(next) => {}
            }
            if begun.elapsed() >= DESCRIBE_TTL {
                return Ok(Go::Anew);
            }
        }
    }

    /// One window, if there is one due.
    async fn poll(&mut self, patience: &mut Patience) -> Result<Go> {
        loop {
            // The next step can log in: no more of them once the login was refused.
            let step = tokio::select! {
                biased;
                () = self.task.stop.cancelled() => return Ok(Go::Stop),
                () = self.task.refused.cancelled() => return Ok(Go::Anew),
                step = self.source.step() => step?,
            };
            self.count_repeated();
            match step {
                Step::Idle => {
                    patience.done();
                    return Ok(Go::On);
                }
                Step::Store(offset) => {
                    self.task.status.set(Phase::Reading);
                    self.count_job(&offset).await;
                    let kept = self.task.keep(&self.partition, &offset).await?;
                    if kept == Go::Stop || !offset.is_in_flight() {
                        return Ok(kept);
                    }
                }
                Step::Page(page) => {
                    self.task.status.set(Phase::Reading);
                    let go = self.deliver(&page).await?;
                    if go != Go::On {
                        return Ok(go);
                    }
                    patience.progress();
                    if self.source.is_between_windows() {
                        patience.done();
                        return Ok(Go::On);
                    }
                }
            }
        }
    }

    /// Delivers the page in hand and stores the offset behind it. Asked to stop or to end, or where the page
    /// breaks off for longer than it is worth waiting, it stores how many rows of the page have arrived.
    async fn deliver(&mut self, page: &PageInfo) -> Result<Go> {
        let begun = Instant::now();
        let arrivals = Page::new();
        let mut sent = Sent::default();
        let (go, broken) = match self.hand_over(&arrivals, &mut sent).await? {
            End::Page => match self.task.within_stop(arrivals.acknowledged()).await {
                Some(arrived) => {
                    arrived?;
                    (Go::On, None)
                }
                None => return Ok(Go::Stop),
            },
            End::Withheld(go) => return Ok(go),
            End::Early(go) => (go, None),
            End::Broken(error) => (Go::On, Some(error)),
        };
        let whole = go == Go::On && broken.is_none();
        let arrived = whole || {
            let wait = timeout(LAST_ACKNOWLEDGEMENTS, arrivals.acknowledged());
            sent.rows > 0 && wait.await.is_ok_and(|outcome| outcome.is_ok())
        };
        if arrived {
            if let Some(offset) = self.source.delivered()
                && self.task.keep(&self.partition, &offset).await? == Go::Stop
            {
                return Ok(Go::Stop);
            }
            self.note(page, &sent, begun);
        }
        broken.map_or(Ok(go), Err)
    }

    /// Hands the rows of the page in hand to the producer.
    ///
    /// An error means that a row was read and not handed over: nothing of the page may be stored, and it is
    /// read again.
    async fn hand_over(&mut self, arrivals: &Arc<Page>, sent: &mut Sent) -> Result<End> {
        let TableTask { stop, refused, .. } = self.task;
        loop {
            let row = tokio::select! {
                biased;
                row = self.source.next_row() => row,
                () = stop.cancelled() => return Ok(End::Early(Go::Stop)),
                // A page that breaks off is asked for again, by a login where the token has ended.
                () = refused.cancelled() => return Ok(End::Early(Go::Anew)),
            };
            let row = match row {
                Ok(Some(row)) => row,
                Ok(None) => return Ok(End::Page),
                Err(error) => return Ok(End::Broken(error)),
            };
            self.writer.write(row)?;
            let (key, value) = (self.writer.key.as_slice(), self.writer.value.as_slice());
            // No timestamp of the row's own: a topic's retention would drop old rows as they arrive.
            let record = KafkaRecord::to(&self.task.table.topic).key(key).value(value);
            tokio::select! {
                biased;
                taken = self.task.producer.send(record, arrivals) => taken.map_err(|e| undelivered(e, key))?,
                // The queue is full.
                () = stop.cancelled() => return Ok(End::Withheld(Go::Stop)),
                () = refused.cancelled() => return Ok(End::Withheld(Go::Anew)),
            }
            sent.rows += 1;
            sent.bytes += self.writer.size();
            self.task.status.rows.fetch_add(1, Ordering::Relaxed);
            if sent.rows.is_multiple_of(LOOK_UP) {
                if stop.is_cancelled() {
                    return Ok(End::Early(Go::Stop));
                }
                if refused.is_cancelled() {
                    return Ok(End::Early(Go::Anew));
                }
            }
        }
    }

    fn note(&self, page: &PageInfo, &Sent { rows, bytes }: &Sent, begun: Instant) {
        let lag = (sf_core::time::now() - page.end).num_seconds();
        self.metrics.rows.increment(rows);
        self.metrics.bytes.increment(bytes as u64);
        self.metrics.pages.increment(1);
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

    /// Asks now and then how many query jobs the day has left: unlike calls, no answer tells.
    async fn count_job(&mut self, offset: &SourceOffset) {
        if offset.is_in_flight() {
            self.made += 1;
            if self.made.is_multiple_of(JOBS_BETWEEN_LOOKS) {
                self.jobs = tokio::select! {
                    biased;
                    () = self.task.refused.cancelled() => return,
                    jobs = query_jobs(&self.task.client) => jobs,
                };
            }
        }
    }

    /// How old the newest row is that can have been read: it grows while polls fail.
    fn show_lag(&self) {
        if let Some(seen) = self.source.seen() {
            let lag = (sf_core::time::now() - seen).num_seconds();
            self.metrics.lag.set(i32::try_from(lag).unwrap_or(i32::MAX));
        }
    }

    fn count_repeated(&mut self) {
        let repeated = self.source.windows_repeated();
        self.metrics.repeated.increment(repeated - self.repeated);
        self.repeated = repeated;
    }
}
