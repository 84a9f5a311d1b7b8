//! The names of all metrics, once.

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};

const ROWS: &str = "sf_kafka_source_rows_total";
const BYTES: &str = "sf_kafka_source_bytes_total";
const PAGES: &str = "sf_kafka_source_pages_total";
const FAILURES: &str = "sf_kafka_source_failures_total";
const REPEATED: &str = "sf_kafka_source_windows_repeated_total";
const LAG: &str = "sf_kafka_source_lag_seconds";
const API_USED: &str = "sf_kafka_org_api_calls_used";
const API_MAX: &str = "sf_kafka_org_api_calls_max";

/// Tells the recorder what the metrics mean.
pub fn describe() {
    describe_counter!(ROWS, Unit::Count, "Rows delivered to Kafka");
    describe_counter!(BYTES, Unit::Bytes, "Bytes of keys and values delivered to Kafka");
    describe_counter!(PAGES, Unit::Count, "Result pages delivered to Kafka");
    describe_counter!(
        FAILURES,
        Unit::Count,
        "Failures after which a table was read on from its stored offset"
    );
    describe_counter!(REPEATED, Unit::Count, "Windows read again whose rows may have been delivered twice");
    describe_gauge!(LAG, Unit::Seconds, "Age of the newest row that can have been delivered");
    describe_gauge!(API_USED, Unit::Count, "API calls of the last 24 hours that the org counted");
    describe_gauge!(API_MAX, Unit::Count, "API calls that the org allows in 24 hours");
}

/// The metrics of one table.
pub(super) struct TableMetrics {
    pub(super) rows: Counter,
    pub(super) bytes: Counter,
    pub(super) pages: Counter,
    pub(super) failures: Counter,
    pub(super) repeated: Counter,
    pub(super) lag: Gauge,
    pub(super) api_used: Gauge,
    pub(super) api_max: Gauge,
}

impl TableMetrics {
    pub(super) fn new(connector: &str, table: &str) -> Self {
        let labels = [("connector", connector.to_owned()), ("table", table.to_owned())];
        let org = [("connector", connector.to_owned())];
        Self {
            rows: counter!(ROWS, &labels),
            bytes: counter!(BYTES, &labels),
            pages: counter!(PAGES, &labels),
            failures: counter!(FAILURES, &labels),
            repeated: counter!(REPEATED, &labels),
            lag: gauge!(LAG, &labels),
            api_used: gauge!(API_USED, &org),
            api_max: gauge!(API_MAX, &org),
        }
    }
}
