//! What the org allows in a day or an hour, and how much of it is used.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

pub(crate) const API_REQUESTS: &str = "DailyApiRequests";
pub(crate) const BATCHES: &str = "DailyBulkApiBatches";
/// Rows of ingest jobs; counted like the others, and not told.
pub(crate) const INGEST_ROWS: &str = "DailyBulkV2IngestRecords";
pub(crate) const QUERY_JOBS: &str = "DailyBulkV2QueryJobs";
pub(crate) const QUERY_STORAGE_MB: &str = "DailyBulkV2QueryFileStorageMB";
pub(crate) const EVENTS_PUBLISHED: &str = "HourlyPublishedPlatformEvents";

pub(crate) const STANDARD_EVENTS_PUBLISHED: &str = "HourlyPublishedStandardVolumePlatformEvents";

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Names and allowances of a Developer Edition org, in the order in which they are told.
const ALLOWED: &[(&str, u64)] = &[
    ("ActiveScratchOrgs", 3),
    ("AnalyticsExternalDataSizeMB", 40_960),
    ("BOZosCalloutHourlyLimit", 20_000),
    ("ConcurrentAsyncGetReportInstances", 200),
    ("ConcurrentEinsteinDataInsightsStoryCreation", 5),
    ("ConcurrentEinsteinDiscoveryStoryCreation", 2),
    ("ConcurrentSyncReportRuns", 20),
    ("DailyAnalyticsDataflowJobExecutions", 60),
    ("DailyAnalyticsUploadedFilesSizeMB", 51_200),
    (API_REQUESTS, 15_000),
    ("DailyAsyncApexExecutions", 250_000),
    ("DailyAsyncApexTests", 500),
    (BATCHES, 15_000),
    (QUERY_STORAGE_MB, 976_562),
    (QUERY_JOBS, 10_000),
    ("DailyDeliveredPlatformEvents", 10_000),
    ("DailyDurableGenericStreamingApiEvents", 10_000),
    ("DailyDurableStreamingApiEvents", 10_000),
    ("DailyEinsteinDataInsightsStoryCreation", 1_000),
    ("DailyEinsteinDiscoveryPredictAPICalls", 50_000),
    ("DailyEinsteinDiscoveryPredictionsByCDC", 500_000),
    ("DailyEinsteinDiscoveryStoryCreation", 100),
    ("DailyFunctionsApiCallLimit", 50_000),
    ("DailyGenericStreamingApiEvents", 10_000),
    ("DailyScratchOrgs", 6),
    ("DailyStandardVolumePlatformEvents", 10_000),
    ("DailyStreamingApiEvents", 10_000),
    ("DailyWorkflowEmails", 195),
    ("DataStorageMB", 5),
    ("DurableStreamingApiConcurrentClients", 20),
    ("FileStorageMB", 20),
    ("HourlyAsyncReportRuns", 1_200),
    ("HourlyDashboardRefreshes", 200),
    ("HourlyDashboardResults", 5_000),
    ("HourlyDashboardStatuses", 999_999_999),
    ("HourlyLongTermIdMapping", 100_000),
    ("HourlyManagedContentPublicRequests", 50_000),
    ("HourlyODataCallout", 1_000),
    (EVENTS_PUBLISHED, 50_000),
    (STANDARD_EVENTS_PUBLISHED, 1_000),
    ("HourlyShortTermIdMapping", 100_000),
    ("HourlySyncReportRuns", 500),
    ("HourlyTimeBasedWorkflow", 50),
    ("MassEmail", 10),
    ("MonthlyEinsteinDiscoveryStoryCreation", 500),
    ("MonthlyPlatformEventsUsageEntitlement", 0),
    ("Package2VersionCreates", 6),
    ("Package2VersionCreatesWithoutValidation", 500),
    ("PermissionSets", 1_500),
    ("PrivateConnectOutboundCalloutHourlyLimitMB", 0),
    ("SingleEmail", 15),
    ("StreamingApiConcurrentClients", 20),
];

/// Allowances that orgs enforce and `…/limits` does not tell.
const UNTOLD: &[(&str, u64)] = &[(INGEST_ROWS, 150_000_000)];

#[derive(Clone, Copy, Debug)]
struct Limit {
    max: u64,
    used: u64,
    /// The day or hour that `used` belongs to.
    window: i64,
}

/// The limits of an org. Days and hours are UTC's, by the org's clock.
#[derive(Debug)]
pub(crate) struct Limits {
    all: IndexMap<String, Limit>,
}

impl Limits {
    pub(crate) fn new() -> Self {
        let all = ALLOWED
            .iter()
            .chain(UNTOLD)
            .map(|(name, max)| ((*name).to_owned(), Limit { max: *max, used: 0, window: i64::MIN }))
            .collect();
        Self { all }
    }

    pub(crate) fn set_max(&mut self, name: &str, max: u64) {
        let fresh = Limit { max, used: 0, window: i64::MIN };
        self.all.entry(name.to_owned()).and_modify(|limit| limit.max = max).or_insert(fresh);
    }

    pub(crate) fn set_used(&mut self, name: &str, used: u64, now: i64) {
        if let Some(limit) = self.limit(name, now) {
            limit.used = used;
        }
    }

    fn limit(&mut self, name: &str, now: i64) -> Option<&mut Limit> {
        let window = window(name, now);
        let limit = self.all.get_mut(name)?;
        if limit.window != window {
            limit.window = window;
            limit.used = 0;
        }
        Some(limit)
    }

    /// Uses up `n`; false, and nothing is used, when that much is not left.
    pub(crate) fn take(&mut self, name: &str, n: u64, now: i64) -> bool {
        let Some(limit) = self.limit(name, now) else { return true };
        let fits = limit.used.saturating_add(n) <= limit.max;
        if fits {
            limit.used += n;
        }
        fits
    }

    /// Uses up something of each; false, and nothing is used, when one of them has not that much left.
    pub(crate) fn take_all(&mut self, wanted: &[(&str, u64)], now: i64) -> Result<(), String> {
        for (name, n) in wanted {
            let (used, max) = self.usage(name, now);
            if self.all.contains_key(*name) && used.saturating_add(*n) > max {
                return Err((*name).to_owned());
            }
        }
        for (name, n) in wanted {
            self.spend(name, *n, now);
        }
        Ok(())
    }

    /// Uses up `n`, whether it is left or not: what is already done.
    pub(crate) fn spend(&mut self, name: &str, n: u64, now: i64) {
        if let Some(limit) = self.limit(name, now) {
            limit.used = limit.used.saturating_add(n);
        }
    }

    /// Used, and allowed.
    pub(crate) fn usage(&mut self, name: &str, now: i64) -> (u64, u64) {
        self.limit(name, now).map_or((0, 0), |limit| (limit.used, limit.max))
    }

    /// The body of `…/limits`.
    pub(crate) fn told(&mut self, now: i64) -> Value {
        let told = |name: &&String| UNTOLD.iter().all(|(untold, _)| untold != name);
        let names: Vec<String> = self.all.keys().filter(told).cloned().collect();
        let mut body = Map::new();
        for name in names {
            let (used, max) = self.usage(&name, now);
            let mut limit = json!({ "Max": max, "Remaining": max.saturating_sub(used) });
            if name == "PermissionSets" {
                // The one limit whose extra member is no application's: parsers have to step over it.
                limit["CreateCustom"] = json!({ "Max": 1_000, "Remaining": 1_000 });
            }
            body.insert(name, limit);
        }
        Value::Object(body)
    }
}

fn window(name: &str, now: i64) -> i64 {
    if name.starts_with("Hourly") {
        now.div_euclid(HOUR_MS)
    } else if name.starts_with("Daily") {
        now.div_euclid(DAY_MS)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_used_up_and_comes_back_the_next_day() {
        let mut limits = Limits::new();
        limits.set_max(QUERY_JOBS, 2);
        let noon = DAY_MS / 2;
        let taken: Vec<bool> = (0..3).map(|_| limits.take(QUERY_JOBS, 1, noon)).collect();
        assert_eq!(taken, [true, true, false]);
        assert_eq!(limits.told(noon)[QUERY_JOBS], json!({ "Max": 2, "Remaining": 0 }));
        assert!(!limits.take(QUERY_JOBS, 1, DAY_MS - 1));
        assert!(limits.take(QUERY_JOBS, 1, DAY_MS));
        assert_eq!(limits.usage(QUERY_JOBS, DAY_MS), (1, 2));
    }

    #[test]
    fn an_hourly_limit_comes_back_the_next_hour_and_a_daily_one_does_not() {
        let mut limits = Limits::new();
        limits.spend(EVENTS_PUBLISHED, 50_001, 0);
        limits.spend(API_REQUESTS, 7, 0);
        assert_eq!(limits.told(1)[EVENTS_PUBLISHED]["Remaining"], 0);
        assert!(limits.take(EVENTS_PUBLISHED, 1, HOUR_MS));
        assert_eq!(limits.usage(API_REQUESTS, HOUR_MS), (7, 15_000));
    }
}
