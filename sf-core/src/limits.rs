//! The org's allowances: the header that every answer carries, and the `limits` resource.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Client, Result};

/// How many API calls of the last 24 hours the org has counted, from `Sforce-Limit-Info`.
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
        let usage = header.split(';').find_map(|part| part.trim().strip_prefix("api-usage="))?;
        let (used, max) = usage.split_once('/')?;
        Some(Self { used: used.trim().parse().ok()?, max: max.trim().parse().ok()? })
    }

    /// Calls left.
    pub fn left(&self) -> u64 {
        self.max.saturating_sub(self.used)
    }
}

/// One allowance of the `limits` resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Limit {
    /// The whole allowance.
    #[serde(default)]
    pub max: i64,
    /// What is left of it.
    #[serde(default)]
    pub remaining: i64,
}

impl Client {
    /// The org's allowances by Salesforce's names, for example `DailyApiRequests`.
    ///
    /// # Errors
    /// As any call of the client.
    pub async fn limits(&self) -> Result<BTreeMap<String, Limit>> {
        self.get("limits").json().await
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
}
