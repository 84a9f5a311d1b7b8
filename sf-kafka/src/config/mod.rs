//! Configurations: from a connector's JSON or `.properties` to typed settings, with everything that is
//! wrong told at once.
//!
//! ```
//! use sf_kafka::config::{Config, ConnectorConfig};
//!
//! let text = r#"{
//!     "name": "leads",
//!     "connector.class": "SalesforceBulkApiV2Source",
//!     "salesforce.grant.type": "CLIENT_CREDENTIALS",
//!     "salesforce.instance": "https://acme.my.salesforce.com",
//!     "salesforce.consumer.key": "key",
//!     "salesforce.consumer.secret": "secret",
//!     "salesforce.object": "Lead",
//!     "kafka.topic": "leads",
//!     "poll.interval.ms": 500
//! }"#;
//! let checked = Config::from_json("lead-source.json", text)?.check();
//! assert!(checked.connector.is_none());
//! assert_eq!(
//!     checked.report.to_string(),
//!     "lead-source.json: 1 problem\n  \
//!        poll.interval.ms = \"500\"    must be 8700 to 10800000 (milliseconds between two polls of an object)"
//! );
//! # Ok::<(), sf_kafka::config::ReadError>(())
//! ```
//!
//! One table of keys a connector ([`keys`]) drives reading, checking and the reference page
//! ([`reference_markdown`]).

mod bulk_query;
mod file;
mod key;
mod login;
mod nearest;
mod parse;
mod problem;
mod properties;
mod raw;
mod reference;
mod table;
#[cfg(test)]
mod tests;

pub use bulk_query::{
    BulkQuerySource, CustomQuery, ExactlyOnce, JsonConverter, KeyConverter, Overrides, TableConfig,
};
pub use file::ReadError;
pub use key::{Group, Importance, Key, Kind};
pub use login::Auth;
pub(crate) use nearest::nearest;
pub use problem::{Finding, Report, Severity};
pub use raw::{Config, OverrideError};
pub use reference::reference_markdown;
pub use table::keys;

use crate::connector::Connector;

/// A connector's configuration, understood.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectorConfig {
    /// Reads objects with the Bulk API 2.0.
    BulkQuerySource(Box<BulkQuerySource>),
}

/// What a check came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The configuration, where the report has no problem.
    pub connector: Option<ConnectorConfig>,
    /// Problems, warnings and notes.
    pub report: Report,
}

impl Checked {
    /// The configuration together with its notes, or the report as an error.
    ///
    /// # Errors
    /// The report, where it has problems.
    pub fn into_result(self) -> Result<(ConnectorConfig, Report), Report> {
        match self.connector {
            Some(connector) => Ok((connector, self.report)),
            None => Err(self.report),
        }
    }
}

impl Config {
    /// Understands the configuration by the table of its `connector.class`.
    #[must_use]
    pub fn check(&self) -> Checked {
        let class = self.get("connector.class").unwrap_or_default();
        if class.is_empty() {
            // Without a class nearly everything can be checked all the same: there is one connector.
            let (_, report) = BulkQuerySource::parse(self);
            return Checked { connector: None, report };
        }
        match Connector::from_class(class) {
            Ok(Connector::BulkQuerySource) => {
                let (source, report) = BulkQuerySource::parse(self);
                let connector = source.map(|source| ConnectorConfig::BulkQuerySource(Box::new(source)));
                Checked { connector, report }
            }
            Err(unknown) => {
                let finding = Finding::new(Severity::Problem, "connector.class", unknown.to_string());
                let finding = finding.with_value(Some(problem::shown(class)));
                let mut findings = self.findings().to_vec();
                findings.push(finding);
                Checked { connector: None, report: Report::new(self.origin(), findings) }
            }
        }
    }
}
