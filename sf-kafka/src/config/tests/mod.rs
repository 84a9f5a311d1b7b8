//! Whole configurations, from text to settings or to the report that a user reads.

mod forms;
mod hostile;
mod logins;
mod page;
mod values;

use super::*;

/// The least that a source needs; each test adds or replaces what it is about.
const LEAST: [(&str, &str); 9] = [
    ("name", "leads"),
    ("connector.class", "SalesforceBulkApiV2Source"),
    ("salesforce.username", "ada@example.com"),
    ("salesforce.password", "p"),
    ("salesforce.password.token", "t"),
    ("salesforce.consumer.key", "k"),
    ("salesforce.consumer.secret", "s"),
    ("salesforce.object", "Lead"),
    ("kafka.topic", "leads"),
];

fn least_with(more: &[(&str, &str)]) -> Config {
    let mut config = Config::from_pairs("test.json", LEAST);
    for (key, value) in more {
        config.set(*key, *value);
    }
    config
}

/// The least, but with numbered objects.
fn numbered_with(more: &[(&str, &str)]) -> Config {
    let least = LEAST.into_iter().filter(|(key, _)| !matches!(*key, "salesforce.object" | "kafka.topic"));
    let mut config = Config::from_pairs("test.json", least);
    for (key, value) in more {
        config.set(*key, *value);
    }
    config
}

fn source(config: &Config) -> BulkQuerySource {
    let checked = config.check();
    let Some(ConnectorConfig::BulkQuerySource(source)) = checked.connector else {
        panic!("{}", checked.report);
    };
    assert!(checked.report.is_ok());
    *source
}

/// Problems as `key: message`; there must be no settings then.
fn problems(config: &Config) -> Vec<String> {
    let checked = config.check();
    assert_eq!(checked.connector.is_none(), !checked.report.is_ok());
    checked.report.problems().map(|x| format!("{}: {}", x.key(), x.message())).collect()
}

/// Warnings and notes of a configuration that is good.
fn notes(config: &Config) -> Vec<String> {
    let checked = config.check();
    assert!(checked.report.is_ok(), "{}", checked.report);
    checked.report.notes().map(|x| format!("{}: {}", x.key(), x.message())).collect()
}
