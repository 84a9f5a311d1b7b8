//! Which connector a class name means.
//!
//! Kafka Connect takes a class by its full name, its simple name, or its simple name without the last
//! `Connector`; so do we, whatever package stands before it.

use std::fmt;

use crate::config::nearest;

/// A connector that this program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Connector {
    /// Reads objects of an org with the Bulk API 2.0.
    BulkQuerySource,
}

/// Simple names without `Connector` of the connectors that we have.
const KNOWN: [(&str, Connector); 1] = [("SalesforceBulkApiV2Source", Connector::BulkQuerySource)];

/// Simple names of connectors of the same families that we have no counterpart for yet.
const PLANNED: [&str; 11] = [
    "SalesforcePushTopicSource",
    "SalesforceCdcSource",
    "SalesforcePlatformEventSource",
    "SalesforceBulkApiSource",
    "SalesforceSourceV2",
    "SalesforceBulkApiSink",
    "SalesforceBulkApiV2Sink",
    "SalesforceSObjectSink",
    "SalesforcePlatformEventSink",
    "SalesforceSource",
    "SalesforceSink",
];

impl Connector {
    /// All connectors.
    pub const ALL: [Self; 1] = [Self::BulkQuerySource];

    /// The connector of a `connector.class`.
    ///
    /// ```
    /// use sf_kafka::connector::Connector;
    ///
    /// for class in [
    ///     "SalesforceBulkApiV2Source",
    ///     "io.confluent.connect.salesforce.SalesforceBulkApiV2SourceConnector",
    /// ] {
    ///     assert_eq!(Connector::from_class(class), Ok(Connector::BulkQuerySource));
    /// }
    /// ```
    ///
    /// # Errors
    /// With the nearest class that there is.
    pub fn from_class(class: &str) -> Result<Self, UnknownClass> {
        let simple = class.trim().rsplit(['.', '$']).next().unwrap_or_default();
        let stem = simple.strip_suffix("Connector").unwrap_or(simple);
        if let Some((_, connector)) = KNOWN.iter().find(|(name, _)| *name == stem) {
            return Ok(*connector);
        }
        if PLANNED.contains(&stem) {
            return Err(UnknownClass { planned: true, nearest: None });
        }
        let nearest = nearest(stem, KNOWN.iter().map(|(name, _)| *name));
        Err(UnknownClass { planned: false, nearest: nearest.map(str::to_owned) })
    }

    /// The full class name that `connector.class` may have.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::BulkQuerySource => "SalesforceBulkApiV2SourceConnector",
        }
    }

    /// The short class name, as Confluent Cloud writes it.
    #[must_use]
    pub fn alias(self) -> &'static str {
        match self {
            Self::BulkQuerySource => "SalesforceBulkApiV2Source",
        }
    }

    /// What it is, for a heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::BulkQuerySource => "Salesforce Bulk API 2.0 source",
        }
    }
}

/// A class name that means no connector of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownClass {
    planned: bool,
    nearest: Option<String>,
}

impl fmt::Display for UnknownClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let have: Vec<&str> = KNOWN.iter().map(|(name, _)| *name).collect();
        let have = have.join(", ");
        match (self.planned, &self.nearest) {
            (true, _) => write!(f, "is a connector that sf-kafka does not have yet; it has {have}"),
            (false, Some(nearest)) => write!(f, "is no connector of sf-kafka; did you mean {nearest}?"),
            (false, None) => write!(f, "is no connector of sf-kafka; it has {have}"),
        }
    }
}

impl std::error::Error for UnknownClass {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_the_class_is_understood() {
        for class in [
            "SalesforceBulkApiV2Source",
            "SalesforceBulkApiV2SourceConnector",
            "io.confluent.connect.salesforce.SalesforceBulkApiV2SourceConnector",
            "io.confluent.salesforce.SalesforceBulkApiV2SourceConnector",
            " SalesforceBulkApiV2Source ",
        ] {
            assert_eq!(Connector::from_class(class), Ok(Connector::BulkQuerySource), "{class}");
        }
    }

    #[test]
    fn the_names_that_we_give_are_understood_by_ourselves() {
        for connector in Connector::ALL {
            assert_eq!(Connector::from_class(connector.class()), Ok(connector));
            assert_eq!(Connector::from_class(connector.alias()), Ok(connector));
        }
    }

    #[test]
    fn a_class_that_we_do_not_have_names_what_there_is() {
        let said = |class: &str| Connector::from_class(class).unwrap_err().to_string();
        assert_eq!(
            said("SalesforceBulkApi2Source"),
            "is no connector of sf-kafka; did you mean SalesforceBulkApiV2Source?"
        );
        assert_eq!(
            said("io.confluent.salesforce.SalesforceCdcSourceConnector"),
            "is a connector that sf-kafka does not have yet; it has SalesforceBulkApiV2Source"
        );
        assert_eq!(
            said("org.acme.JdbcSource"),
            "is no connector of sf-kafka; it has SalesforceBulkApiV2Source"
        );
        assert_eq!(said(""), "is no connector of sf-kafka; it has SalesforceBulkApiV2Source");
    }
}
