//! The Bulk API 2.0 source: one object, window by window, job by job, page by page.
//!
//! [`TableSource`] is a state machine that is driven from outside. Whoever drives it delivers the rows of a
//! page, and stores the offsets that it is given, in the order that it is given them; then a crash at any
//! point repeats at most one page and loses nothing:
//!
//! 1. [`Step::Store`]: a job was made. Its offset is stored before its first page is read.
//! 2. [`Step::Page`]: a page is open. Its rows are read with [`TableSource::next_row`] and delivered; when all
//!    have arrived, [`TableSource::delivered`] gives the offset to store.
//! 3. [`Step::Idle`]: nothing to do before the next poll.

mod plan;
mod window;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sf_bulk2::{Pages, Position, Query, QueryJob};
use sf_core::poll::PollPolicy;
use sf_core::record::{FieldType, Record, csv_cell};
use sf_core::{ApiVersion, Client};

use crate::error::chain;
use crate::offset::{Locator, SourceOffset};
use crate::{Error, Outlook, Result};
pub use plan::TablePlan;
pub use window::{Start, Window};

/// The key by which an offset in flight says that it belongs to the first window of all.
const FIRST: &str = "first";
/// The key for the rows of the pages before the one that an offset names: so the last page can be checked
/// against the job's total, whichever process reads it.
const BEFORE: &str = "before";
/// The code with which an org refuses a locator.
const REFUSED_LOCATOR: &str = "INVALID_QUERY_LOCATOR";

/// How an object is read, beyond what its plan says.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Pace {
    /// How far windows stay behind the org's clock.
    pub lag: TimeDelta,
    /// The most rows of a page.
    pub page_rows: u32,
    /// How to wait for a job.
    pub poll: PollPolicy,
}

impl Pace {
    /// The given lag and page size, asking for a job at most `deadline` long.
    pub fn new(lag: TimeDelta, page_rows: u32, deadline: Duration) -> Self {
        // A job of a small window is done in about a second: asking early costs little and saves lag.
        let poll = PollPolicy {
            initial: Duration::from_millis(300),
            max: Duration::from_secs(15),
            deadline: Some(deadline),
        };
        Self { lag, page_rows, poll }
    }
}

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    /// Nothing before the next poll.
    Idle,
    /// Store this offset, then go on.
    Store(SourceOffset),
    /// Deliver the rows of the page in hand, then ask for the offset.
    Page(PageInfo),
}

/// The page in hand, for logs.
#[derive(Debug, Clone)]
pub struct PageInfo {
    /// Its job.
    pub job: String,
    /// Its locator; empty for the first page.
    pub locator: String,
    /// The end of its window.
    pub end: DateTime<Utc>,
}

/// Reads one object. See the module's description.
#[derive(Debug)]
pub struct TableSource {
    object: Object,
    state: State,
    seen: Option<DateTime<Utc>>,
    repeated: u64,
}

/// What does not change while rows are read.
#[derive(Debug)]
struct Object {
    client: Client,
    plan: TablePlan,
    pace: Pace,
}

#[derive(Debug)]
enum State {
    /// Between two windows.
    Idle(Start),
    /// A job that was made and noted, here or by a process before this one.
    Noted(Flight, Position),
    /// Its pages are being read.
    Reading(Flight, Box<Reading>),
}

#[derive(Debug, Clone)]
struct Flight {
    job: QueryJob,
    window: Window,
}

#[derive(Debug)]
struct Reading {
    pages: Pages,
    row: Option<Record>,
    total: Option<u64>,
    /// Whether the result is read from its first page because the org refused a locator of its own.
    rewound: bool,
}

impl Reading {
    fn new(flight: &Flight, from: Position, page_rows: u32, total: Option<u64>) -> Self {
        let pages = flight.job.pages(from).max_records(page_rows).expect_total(total);
        Self { pages, row: None, total, rewound: false }
    }

    /// From where to read the same result without the locator that the org refused: from its first page,
    /// past the rows that were taken. Once, and only where it is known how many they are.
    fn rewind(pages: &Pages, rewound: bool, error: &sf_bulk2::Error) -> Option<Position> {
        let refused = error.api_error().and_then(sf_core::Error::error_code) == Some(REFUSED_LOCATOR);
        let Position { locator: Some(_), rows, before: Some(before) } = pages.position()? else {
            return None;
        };
        (refused && !rewound).then_some(Position { rows: before + rows, ..Position::START })
    }
}

impl TableSource {
    /// Goes on where a stored offset stands, or begins anew without one.
    ///
    /// A job in flight is resumed at its page. An offset without `end`, as another system writes it, or one
    /// of another query cannot be, nor can the job that was found `lost`: the window is read again from its
    /// `time`, and a warning says so.
    pub fn resume(
        client: Client,
        plan: TablePlan,
        pace: Pace,
        offset: Option<&SourceOffset>,
        lost: Option<&str>,
    ) -> Self {
        let (state, repeated) = match offset {
            None => (State::Idle(plan.first()), false),
            Some(offset) => state_of(&client, &plan, offset, lost),
        };
        Self { object: Object { client, plan, pace }, state, seen: None, repeated: u64::from(repeated) }
    }

    /// How the object is read.
    pub fn plan(&self) -> &TablePlan {
        &self.object.plan
    }

    /// How many windows had to be read again although a part of them may have been delivered.
    pub fn windows_repeated(&self) -> u64 {
        self.repeated
    }

    /// Up to when the org has been looked at: everything before it has been read, or is being read.
    pub fn seen(&self) -> Option<DateTime<Utc>> {
        self.seen
    }

    /// The next thing to do.
    ///
    /// # Errors
    /// See [`Outlook`]. After an error the source is made anew from the last stored offset.
    pub async fn step(&mut self) -> Result<Step> {
        loop {
            match &mut self.state {
                State::Idle(start) => {
                    let start = *start;
                    let (window, due) = self.object.due(start).await?;
                    self.seen = window.map(|w| w.end).or(self.seen);
                    let Some(window) = window.filter(|_| due) else { return Ok(Step::Idle) };
                    let flight = self.object.create(window).await?;
                    let offset = self.object.offset(&flight, &Position::START);
                    self.state = State::Noted(flight, Position::START);
                    return Ok(Step::Store(offset));
                }
                State::Noted(flight, position) => {
                    let (flight, position) = (flight.clone(), position.clone());
                    if let Some(offset) = self.wait(flight, position).await? {
                        return Ok(Step::Store(offset));
                    }
                }
                State::Reading(flight, reading) => match reading.pages.next_page().await {
                    Err(error) => {
                        let position = Reading::rewind(&reading.pages, reading.rewound, &error);
                        let Some(position) = position else { return Err(error.into()) };
                        tracing::warn!(
                            table = self.object.plan.object,
                            job = %flight.job.id(),
                            rows = position.rows,
                            error = chain(&error),
                            "the org refuses a locator of its own: the result is read again from its first page, past the rows that have been delivered"
                        );
                        let anew = Reading::new(flight, position, self.object.pace.page_rows, reading.total);
                        **reading = Reading { rewound: true, ..anew };
                    }
                    Ok(Some(head)) => {
                        if reading.row.is_none() {
                            reading.row = Some(reading.pages.record(&self.object.plan.schema)?);
                        }
                        return Ok(Step::Page(PageInfo {
                            job: flight.job.id().to_string(),
                            locator: head.locator.map(|l| l.to_string()).unwrap_or_default(),
                            end: flight.window.end,
                        }));
                    }
                    // The offset that ends a window goes with its last page, so this is never reached
                    // with anything undelivered.
                    Ok(None) => self.state = State::Idle(Start::At(flight.window.end)),
                },
            }
        }
    }

    /// The next row of the page in hand; `None` at its end. The row is good until the next call.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub async fn next_row(&mut self) -> Result<Option<&Record>> {
        let State::Reading(_, reading) = &mut self.state else { return Ok(None) };
        let Reading { pages, row: Some(row), rewound, .. } = &mut **reading else { return Ok(None) };
        match pages.next_row(row).await {
            Ok(true) => Ok(Some(row)),
            Ok(false) => Ok(None),
            // The job still has its rows: whoever comes back reads it from its beginning.
            Err(error) if Reading::rewind(pages, *rewound, &error).is_some() => {
                Err(Error::from(error).with_job_kept())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The offset that says: every row that [`next_row`](Self::next_row) gave has been delivered. At a page's
    /// end it names the next page, or that the window is done; inside a page it counts rows.
    pub fn delivered(&self) -> Option<SourceOffset> {
        let State::Reading(flight, reading) = &self.state else { return None };
        Some(match reading.pages.position() {
            Some(position) => self.object.offset(flight, &position),
            None => done(flight),
        })
    }

    /// Whether a window is done and the next one not begun: time to wait for the next poll.
    pub fn is_between_windows(&self) -> bool {
        match &self.state {
            State::Idle(_) => true,
            State::Noted(..) => false,
            State::Reading(_, reading) => reading.pages.position().is_none(),
        }
    }

    /// Waits for the job; gives the offset to store where there is nothing to read.
    async fn wait(&mut self, flight: Flight, position: Position) -> Result<Option<SourceOffset>> {
        match flight.job.wait(&self.object.pace.poll).await {
            Ok(info) if info.number_records_processed == Some(0) => {
                self.state = State::Idle(Start::At(flight.window.end));
                Ok(Some(done(&flight)))
            }
            Ok(info) => {
                let total = info.number_records_processed;
                let reading = Reading::new(&flight, position, self.object.pace.page_rows, total);
                self.state = State::Reading(flight, Box::new(reading));
                Ok(None)
            }
            Err(e) => Err(e.into()),
        }
    }
}

impl Object {
    /// The window from `start` on, and whether there is any row in it.
    async fn due(&self, start: Start) -> Result<(Option<Window>, bool)> {
        let (earliest, org_time) = self.probe(start).await?;
        let Some(window) = Window::next(start, org_time, self.pace.lag) else { return Ok((None, false)) };
        // Rows younger than the window's end wait for a later window: no job for them now.
        let due = match earliest {
            Earliest::None => false,
            Earliest::At(time) => time < window.end || self.plan.cursor_is_date(),
            Earliest::Some => true,
        };
        Ok((Some(window), due))
    }

    /// Asks for the earliest row from `start` on, and reads the org's clock off the same answer: a clock
    /// that was read earlier could have been changed since.
    async fn probe(&self, start: Start) -> Result<(Earliest, DateTime<Utc>)> {
        let ordered = matches!(start, Start::At(_));
        let mut answer = self.ask(&self.plan.probe(start, ordered)?).await;
        if ordered && answer.as_ref().is_err_and(|e| e.error_code() == Some("QUERY_TIMEOUT")) {
            answer = self.ask(&self.plan.probe(start, false)?).await;
        }
        let answer = answer?;
        let org_time = answer.date().ok_or_else(|| {
            Error::new(
                Outlook::Passing,
                "the org's answer has no Date, by which windows are cut (a proxy may strip it)",
            )
        })?;
        let body: Value = serde_json::from_slice(&answer.body).map_err(|e| {
            Error::new(Outlook::Passing, "the org's answer to a query is no JSON").with_source(e)
        })?;
        let Some(row) = body["records"].get(0) else { return Ok((Earliest::None, org_time)) };
        let field =
            self.plan.schema.position(&self.plan.cursor).and_then(|i| self.plan.schema.fields().get(i));
        let earliest = match (field, row[self.plan.cursor.as_str()].as_str()) {
            (Some(field), Some(text)) if ordered && field.field_type() == FieldType::DateTime => {
                match csv_cell::decode(field, text) {
                    Ok(sf_core::record::Value::DateTime(time)) => Earliest::At(time),
                    _ => Earliest::Some,
                }
            }
            _ => Earliest::Some,
        };
        Ok((earliest, org_time))
    }

    async fn ask(&self, soql: &str) -> Result<sf_core::client::Collected, sf_core::Error> {
        let resource = if self.plan.include_deleted { "queryAll" } else { "query" };
        self.client.get(resource).query("q", soql).response().await
    }

    async fn create(&self, window: Window) -> Result<Flight> {
        let mut query = Query::new(self.plan.query(&window)?);
        if self.plan.include_deleted {
            query = query.all();
        }
        let job = query.create(&self.client).await?;
        Ok(Flight { job, window })
    }

    fn offset(&self, flight: &Flight, position: &Position) -> SourceOffset {
        let version = flight.job.api_version();
        let mut begun = SourceOffset::idle(flight.window.start.time());
        if matches!(flight.window.start, Start::First(_)) {
            begun.others.insert(FIRST.to_owned(), Value::Bool(true));
        }
        if let (Some(_), Some(before)) = (&position.locator, position.before) {
            begun.others.insert(BEFORE.to_owned(), before.into());
        }
        let begun = begun.begun(flight.job.id().as_ref(), flight.window.end, version, &self.plan.hash);
        let locator = position.locator.as_ref().map_or(Locator::NotBegun, |l| Locator::Page(l.to_string()));
        SourceOffset { rows: position.rows, ..begun.at(locator) }
    }
}

/// What a probe found.
enum Earliest {
    None,
    At(DateTime<Utc>),
    /// Some row; when is not known.
    Some,
}

/// The offset of a window that is done, in the shape that other systems show when idle.
fn done(flight: &Flight) -> SourceOffset {
    let mut offset = SourceOffset::idle(flight.window.end);
    offset.job_id = Some(flight.job.id().to_string());
    offset
}

/// The state for which an offset stands, and whether a window is read again because it cannot be resumed.
fn state_of(client: &Client, plan: &TablePlan, offset: &SourceOffset, lost: Option<&str>) -> (State, bool) {
    if !offset.is_in_flight() {
        return (State::Idle(Start::At(offset.time)), false);
    }
    let start = match offset.others.get(FIRST) {
        Some(Value::Bool(true)) => plan.first(),
        _ => Start::At(offset.time),
    };
    match flight_of(client, plan, offset, start, lost) {
        Ok((flight, position)) => (State::Noted(flight, position), false),
        Err(why) => {
            tracing::warn!(
                table = plan.object,
                job = offset.job_id,
                reason = why,
                "the job of the stored offset cannot be resumed: its window is read again, and rows of it may be delivered twice"
            );
            (State::Idle(start), true)
        }
    }
}

fn flight_of(
    client: &Client,
    plan: &TablePlan,
    offset: &SourceOffset,
    start: Start,
    lost: Option<&str>,
) -> Result<(Flight, Position), &'static str> {
    if offset.job_id.is_some() && offset.job_id.as_deref() == lost {
        return Err("the org does not give its rows");
    }
    let end = offset.end.ok_or("the offset does not say where its window ends")?;
    if offset.query.as_deref() != Some(plan.hash.as_str()) {
        return Err("the object or its configuration has changed since");
    }
    let id = offset.job_id.as_deref().and_then(|id| id.parse().ok()).ok_or("the offset names no job")?;
    let version: ApiVersion = offset.api_version.ok_or("the offset does not say the job's API version")?;
    let locator = match &offset.locator {
        Locator::Page(text) => Some(sf_bulk2::Locator::new(text)),
        Locator::NotBegun | Locator::Done => None,
    };
    let flight = Flight { job: QueryJob::attach(client, id, version), window: Window { start, end } };
    let before = match (&locator, offset.others.get(BEFORE)) {
        (None, _) => Some(0),
        (Some(_), known) => known.and_then(Value::as_u64),
    };
    Ok((flight, Position { locator, rows: offset.rows, before }))
}
