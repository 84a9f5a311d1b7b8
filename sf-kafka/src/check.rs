//! What a configuration will do to an org, before it does it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sf_core::ErrorKind;
use sf_core::http::HttpService;
use sf_core::limits::{Limit, Limits};
use sf_soql::DescribeCache;

use crate::Result;
use crate::config::{Auth, BulkQuerySource};
use crate::error::chain;
use crate::runtime::connect;
use crate::source::bulk_query::TablePlan;

const DAY: u128 = 24 * 60 * 60 * 1000;
/// Calls of one window besides its pages: the probe, the job, two questions for its state.
const CALLS_A_WINDOW: u64 = 4;

/// What a connector reads, and what that costs the org a day.
#[derive(Debug)]
#[non_exhaustive]
pub struct Forecast {
    /// How each object is read.
    pub tables: Vec<TablePlan>,
    /// API calls a day if nothing changes in the org: a probe each poll.
    pub calls_when_idle: u64,
    /// API calls a day if every poll finds rows, one page each.
    pub calls_at_most: u64,
    /// Query jobs a day if every poll finds rows.
    pub jobs_at_most: u64,
    /// The org's daily API calls.
    pub calls: Option<Limit>,
    /// The org's daily query jobs.
    pub jobs: Option<Limit>,
    /// What the org said where it does not let this user read its limits.
    pub limits_refused: Option<String>,
}

/// Why the org must not be asked before the connector runs, where that is so.
///
/// An app can rotate refresh tokens, and then a login spends the one of the configuration: without a file that
/// keeps the next one, the connector would be refused.
pub fn not_asked(config: &BulkQuerySource) -> Option<&'static str> {
    matches!(config.auth, Auth::RefreshToken { file: None, .. }).then_some(
        "the org is not asked: a login could spend oauth.refresh.token, and no salesforce.refresh.token.file \
         keeps the next one",
    )
}

/// Asks the org what a configuration will read and cost. It logs in, describes the objects and reads the
/// limits; it makes no job. Ask [`not_asked`] first.
///
/// # Errors
/// As a connector would fail: the login, an object that does not exist or that the Bulk API cannot read, a
/// cursor field that cannot be one.
pub async fn forecast(config: &BulkQuerySource, http: Arc<dyn HttpService>) -> Result<Forecast> {
    let client = connect(config, http)?;
    client.token().await?;
    let describes = DescribeCache::new(client.clone(), Duration::from_secs(60));
    let overlap = TimeDelta::from_std(config.overlap).unwrap_or(TimeDelta::MAX);
    let mut tables = Vec::new();
    for table in &config.tables {
        tables.push(TablePlan::make(&describes, table, overlap).await?);
    }
    // No connector needs them to run.
    let (limits, limits_refused) = match client.limits().await {
        Ok(limits) => (Some(limits), None),
        Err(error) if error.kind() == ErrorKind::Refused => (None, Some(chain(&error))),
        Err(error) => return Err(error.into()),
    };
    let polls = u64::try_from(DAY / config.poll_interval.as_millis().max(1)).unwrap_or(u64::MAX);
    // By a date, the last day is read again each time.
    let restless = tables.iter().filter(|t| t.cursor_is_date()).count() as u64;
    let idle = polls.saturating_mul(tables.len() as u64 + restless * CALLS_A_WINDOW);
    let polls = polls.saturating_mul(tables.len() as u64);
    Ok(Forecast {
        tables,
        calls_when_idle: idle,
        calls_at_most: polls.saturating_mul(CALLS_A_WINDOW + 1),
        jobs_at_most: polls,
        calls: limits.as_ref().and_then(Limits::daily_api_requests),
        jobs: limits.as_ref().and_then(Limits::daily_bulk_query_jobs),
        limits_refused,
    })
}

impl Forecast {
    /// What is more than half of what the org allows a day, for people.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut compare = |what: &str, cost: u64, limit: Option<&Limit>| {
            let Some(max) = limit.and_then(|l| u64::try_from(l.max).ok()).filter(|m| *m > 0) else { return };
            if cost > max / 2 {
                warnings.push(format!(
                    "up to {cost} {what} a day are more than half of the org's {max}; a longer poll.interval.ms costs less"
                ));
            }
        };
        compare("API calls", self.calls_at_most, self.calls.as_ref());
        compare("query jobs", self.jobs_at_most, self.jobs.as_ref());
        warnings
    }
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for table in &self.tables {
            writeln!(
                f,
                "  {}: {} fields, by {} ({})",
                table.object,
                table.schema.fields().len(),
                table.cursor,
                table.cursor_reason
            )?;
            for (field, reason) in &table.left_out {
                writeln!(f, "    {field} is left out: {reason}")?;
            }
        }
        let of = |limit: Option<&Limit>| match limit {
            Some(l) => format!("of {} allowed, {} left today", l.max, l.remaining),
            None => "the org does not say how many are allowed".to_owned(),
        };
        writeln!(
            f,
            "  API calls a day: {} when nothing changes, up to {} ({})",
            self.calls_when_idle,
            self.calls_at_most,
            of(self.calls.as_ref())
        )?;
        writeln!(f, "  query jobs a day: up to {} ({})", self.jobs_at_most, of(self.jobs.as_ref()))?;
        if let Some(why) = &self.limits_refused {
            writeln!(f, "  the org's limits cannot be read: {why}")?;
        }
        for warning in self.warnings() {
            writeln!(f, "  warning: {warning}")?;
        }
        Ok(())
    }
}
