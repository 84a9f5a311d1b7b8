//! The org's allowances: the header that every answer carries, and the `limits` resource.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Client, Result};

/// The names of the allowances that have a method of their own in [`Limits`], as orgs write them.
pub mod names {
    /// API calls in 24 hours.
    pub const API_REQUESTS: &str = "DailyApiRequests";
    /// Batches of Bulk API jobs in 24 hours.
    pub const BULK_API_BATCHES: &str = "DailyBulkApiBatches";
    /// Query jobs of Bulk API 2.0 in 24 hours.
    pub const BULK_QUERY_JOBS: &str = "DailyBulkV2QueryJobs";
    /// Megabytes of results of Bulk API 2.0 query jobs in 24 hours.
    pub const BULK_QUERY_MEGABYTES: &str = "DailyBulkV2QueryFileStorageMB";
    /// High-volume platform events published in an hour.
    pub const PUBLISHED_EVENTS: &str = "HourlyPublishedPlatformEvents";
    /// Standard-volume platform events published in an hour.
    pub const PUBLISHED_STANDARD_VOLUME_EVENTS: &str = "HourlyPublishedStandardVolumePlatformEvents";
    /// Events delivered to subscribers in 24 hours.
    pub const DELIVERED_EVENTS: &str = "DailyDeliveredPlatformEvents";
    /// Megabytes for rows.
    pub const DATA_STORAGE_MEGABYTES: &str = "DataStorageMB";
    /// Megabytes for files.
    pub const FILE_STORAGE_MEGABYTES: &str = "FileStorageMB";
}

/// So many used of so many, from `Sforce-Limit-Info`.
///
/// The number is not monotonic: two answers in a row may show it falling
/// (REST API guide, "Limit Info Header"; seen in recorded traffic).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Calls counted.
    pub used: u64,
    /// Calls allowed.
    pub max: u64,
}

impl Usage {
    /// Reads `api-usage=25/15000`, alone or followed by other parts.
    pub fn parse(header: &str) -> Option<Self> {
        LimitInfo::parse(header).api
    }

    fn of(pair: &str) -> Option<Self> {
        let (used, max) = pair.split_once('/')?;
        Some(Self { used: used.trim().parse().ok()?, max: max.trim().parse().ok()? })
    }

    /// Calls left.
    pub fn left(&self) -> u64 {
        self.max.saturating_sub(self.used)
    }
}

/// What one answer's `Sforce-Limit-Info` told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitInfo {
    /// The calls of the whole org in the last 24 hours.
    pub api: Option<Usage>,
    /// The calls of this connected app, where the org gives it an allowance of its own.
    pub app: Option<AppUsage>,
    /// Calls within a short time, which some orgs tell.
    pub bursts: Option<Usage>,
}

/// What one connected app has used of its own allowance.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppUsage {
    /// The app's name in the org.
    pub app: String,
    /// Its calls.
    pub usage: Usage,
}

impl LimitInfo {
    /// Reads a header such as `api-usage=25/15000; per-app-api-usage=17/250(appName=sample-app)`. Parts that it
    /// does not know are passed over.
    ///
    /// ```
    /// use sf_core::limits::LimitInfo;
    ///
    /// let told = LimitInfo::parse("api-usage=25/15000; per-app-api-usage=17/250(appName=sample-app)");
    /// assert_eq!(told.api.map(|calls| calls.left()), Some(14_975));
    /// assert_eq!(told.app.map(|app| (app.app, app.usage.left())), Some(("sample-app".to_owned(), 233)));
    /// ```
    pub fn parse(header: &str) -> Self {
        let mut told = Self::default();
        for part in header.split(';') {
            match part.trim().split_once('=') {
                Some(("api-usage", pair)) => told.api = Usage::of(pair),
                Some(("api-bursts", pair)) => told.bursts = Usage::of(pair),
                Some(("per-app-api-usage", text)) => told.app = AppUsage::parse(text),
                _ => {}
            }
        }
        told
    }
}

impl AppUsage {
    /// `17/250(appName=sample-app)`
    fn parse(text: &str) -> Option<Self> {
        let (pair, rest) = text.split_once('(')?;
        let app = rest.strip_suffix(')')?.strip_prefix("appName=")?;
        Some(Self { app: app.to_owned(), usage: Usage::of(pair)? })
    }
}

/// One allowance of the `limits` resource.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Map<String, Value>")]
#[non_exhaustive]
pub struct Limit {
    /// The whole allowance.
    pub max: i64,
    /// What is left of it.
    pub remaining: i64,
    /// The parts of connected apps that have one, by the app's name. `PermissionSets` has `CreateCustom` here.
    pub apps: BTreeMap<String, AppLimit>,
}

/// A connected app's part of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppLimit {
    /// The whole part.
    pub max: i64,
    /// What is left of it.
    pub remaining: i64,
}

impl From<Map<String, Value>> for Limit {
    fn from(members: Map<String, Value>) -> Self {
        let number = |of: &Map<String, Value>, name: &str| of.get(name).and_then(Value::as_i64).unwrap_or(0);
        let apps = members.iter().filter_map(|(name, part)| {
            let part = part.as_object()?;
            Some((name.clone(), AppLimit { max: number(part, "Max"), remaining: number(part, "Remaining") }))
        });
        Self { max: number(&members, "Max"), remaining: number(&members, "Remaining"), apps: apps.collect() }
    }
}

/// What is known of an org's allowances: the `limits` resource as it was last read, and over it what every
/// answer since has told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits {
    info: LimitInfo,
    all: BTreeMap<String, Limit>,
}

impl Limits {
    /// An allowance by Salesforce's name, for example `DailyBulkV2QueryJobs`; some stand in [`names`]. That of
    /// `DailyApiRequests` is as fresh as the last answer.
    pub fn get(&self, name: &str) -> Option<Limit> {
        let mut limit = self.all.get(name).cloned();
        if let Some(usage) = self.info.api.filter(|_| name == names::API_REQUESTS) {
            let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            let apps = limit.map(|limit| limit.apps).unwrap_or_default();
            limit = Some(Limit { max: number(usage.max), remaining: number(usage.left()), apps });
        }
        limit
    }

    /// What the last answers told in their header.
    pub fn info(&self) -> &LimitInfo {
        &self.info
    }

    /// All allowances, by name; none where the resource was never read.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Limit)> {
        self.all.keys().filter_map(|name| Some((name.as_str(), self.get(name)?)))
    }

    /// API calls in 24 hours.
    pub fn daily_api_requests(&self) -> Option<Limit> {
        self.get(names::API_REQUESTS)
    }

    /// Batches of Bulk API jobs in 24 hours; ingest jobs of Bulk API 2.0 use one for each 10,000 rows.
    pub fn daily_bulk_api_batches(&self) -> Option<Limit> {
        self.get(names::BULK_API_BATCHES)
    }

    /// Query jobs of Bulk API 2.0 in 24 hours.
    pub fn daily_bulk_query_jobs(&self) -> Option<Limit> {
        self.get(names::BULK_QUERY_JOBS)
    }

    /// Megabytes of results of Bulk API 2.0 query jobs in 24 hours.
    pub fn daily_bulk_query_megabytes(&self) -> Option<Limit> {
        self.get(names::BULK_QUERY_MEGABYTES)
    }

    /// High-volume platform events published in an hour.
    pub fn hourly_published_events(&self) -> Option<Limit> {
        self.get(names::PUBLISHED_EVENTS)
    }

    /// Standard-volume platform events published in an hour.
    pub fn hourly_published_standard_volume_events(&self) -> Option<Limit> {
        self.get(names::PUBLISHED_STANDARD_VOLUME_EVENTS)
    }

    /// Events delivered to subscribers in 24 hours.
    pub fn daily_delivered_events(&self) -> Option<Limit> {
        self.get(names::DELIVERED_EVENTS)
    }

    /// Megabytes for rows.
    pub fn data_storage_megabytes(&self) -> Option<Limit> {
        self.get(names::DATA_STORAGE_MEGABYTES)
    }

    /// Megabytes for files.
    pub fn file_storage_megabytes(&self) -> Option<Limit> {
        self.get(names::FILE_STORAGE_MEGABYTES)
    }

    /// Takes over the resource as it was read just now.
    fn read(&mut self, all: BTreeMap<String, Limit>) {
        if let Some(calls) = all.get(names::API_REQUESTS) {
            let number = |n: i64| u64::try_from(n).unwrap_or_default();
            let (max, left) = (number(calls.max), number(calls.remaining));
            self.info.api = Some(Usage { used: max.saturating_sub(left), max });
        }
        self.all = all;
    }

    pub(crate) fn note(&mut self, told: LimitInfo) {
        // An answer that leaves a part out says nothing about it.
        self.info.api = told.api.or(self.info.api);
        self.info.bursts = told.bursts.or(self.info.bursts);
        self.info.app = told.app.or(self.info.app.take());
    }
}

impl Client {
    /// Reads the org's allowances and keeps them for [`known_limits`](Self::known_limits). Costs one API call.
    ///
    /// # Errors
    /// As any call of the client.
    pub async fn limits(&self) -> Result<Limits> {
        let all = self.get("limits").json().await?;
        Ok(self.limits_view(|limits| {
            limits.read(all);
            limits.clone()
        }))
    }

    /// What is known of the org's allowances without asking: what [`limits`](Self::limits) last read, with the
    /// API calls and this app's share as the last answer told them.
    pub fn known_limits(&self) -> Limits {
        self.limits_view(|limits| limits.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_beside_other_parts_of_the_header() {
        let usage = Usage::parse("api-usage=25/15000; per-app-api-usage=17/250(appName=sample-app)").unwrap();
        assert_eq!((usage.used, usage.max, usage.left()), (25, 15000, 14975));
        assert_eq!(Usage::parse("api-bursts=1/750"), None);
        assert_eq!(Usage::parse("per-app-api-usage=17/250(appName=a); api-usage=3/4").unwrap().left(), 1);
    }

    #[test]
    fn a_header_that_is_not_understood_is_passed_over() {
        for header in ["", "api-usage", "api-usage=x/y", "per-app-api-usage=1/2", "per-app-api-usage=1/2(app"]
        {
            assert_eq!(LimitInfo::parse(header), LimitInfo::default(), "{header}");
        }
        let bursts = LimitInfo::parse("api-bursts=1/750; api-usage=2/9").bursts.unwrap();
        assert_eq!((bursts.used, bursts.max), (1, 750));
        let app = LimitInfo::parse("per-app-api-usage=3/4(appName=My (second) app)").app.unwrap();
        assert_eq!(app.app, "My (second) app");
    }

    #[test]
    fn an_answer_that_tells_a_part_leaves_the_others_as_they_were() {
        let mut limits = Limits::default();
        limits.note(LimitInfo::parse("api-usage=1/10; per-app-api-usage=2/5(appName=a)"));
        limits.note(LimitInfo::parse("api-usage=4/10"));
        assert_eq!(limits.daily_api_requests().unwrap().remaining, 6);
        assert_eq!(limits.info().app.as_ref().unwrap().usage.left(), 3);
        assert!(limits.hourly_published_events().is_none());
    }
}
