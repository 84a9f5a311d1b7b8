//! Sources: they know Salesforce, not Kafka.

pub mod bulk_query;
