//! The table of keys of each connector. Parsing, checking and the reference page all read it.

pub(crate) mod bulk_query;
mod compatibility;
mod framework;
pub(crate) mod login;
pub(crate) mod rules;

use std::collections::BTreeMap;

use super::key::Key;
use crate::connector::Connector;

/// All keys of a connector.
pub fn keys(connector: Connector) -> impl Iterator<Item = &'static Key> {
    let own = match connector {
        Connector::BulkQuerySource => bulk_query::KEYS,
    };
    [framework::KEYS, login::KEYS, own, compatibility::KEYS].into_iter().flatten()
}

/// The part of a numbered name that stands before the number.
const NUMBERED: &str = "salesforce.object";

/// Finds the row of a key as it is written in a configuration.
#[derive(Debug)]
pub(crate) struct Table {
    exact: BTreeMap<&'static str, &'static Key>,
    /// Names whose last `*` stands for any ending; without the `*`, the longest first.
    open: Vec<(&'static str, &'static Key)>,
}

impl Table {
    pub(crate) fn new(connector: Connector) -> Self {
        let mut table = Self { exact: BTreeMap::new(), open: Vec::new() };
        for key in keys(connector) {
            for name in key.aliases.iter().chain([&key.name]) {
                match name.strip_suffix('*') {
                    Some(start) => table.open.push((start, key)),
                    None => {
                        table.exact.insert(name, key);
                    }
                }
            }
        }
        table.open.sort_by_key(|(start, _)| std::cmp::Reverse(start.len()));
        table
    }

    /// The row, by its own name, an alias, its pattern with a number, or its beginning.
    pub(crate) fn find(&self, given: &str) -> Option<&'static Key> {
        // `salesforce.objectN` is the pattern, not a name.
        if !given.contains("objectN")
            && let Some(key) = self.exact.get(given)
        {
            return Some(key);
        }
        if let Some((_, rest)) = number_of(given)
            && let Some(key) = self.exact.get(format!("{NUMBERED}N{rest}").as_str())
        {
            return Some(key);
        }
        let open = self.open.iter().find(|(start, _)| given.len() > start.len() && given.starts_with(start));
        open.map(|(_, key)| *key)
    }

    /// All names that a user may have meant, with a number in place of `N`.
    pub(crate) fn names(&self, number: u32) -> impl Iterator<Item = String> {
        self.exact.keys().map(move |name| numbered(name, number))
    }
}

/// A pattern with its number.
pub(crate) fn numbered(name: &str, number: u32) -> String {
    match name.strip_prefix("salesforce.objectN") {
        Some(rest) => format!("{NUMBERED}{number}{rest}"),
        None => name.to_owned(),
    }
}

/// The number of `salesforce.object12.topic`, and what follows it.
pub(crate) fn number_of(given: &str) -> Option<(u32, &str)> {
    let rest = given.strip_prefix(NUMBERED)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = rest.split_at(digits);
    if number.starts_with('0') || !(rest.is_empty() || rest.starts_with('.')) {
        return None;
    }
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::config::key::{Kind, Standing};

    #[test]
    fn every_row_is_whole_and_agrees_with_itself() {
        for connector in Connector::ALL {
            let mut names = HashSet::new();
            for key in keys(connector) {
                for name in key.aliases.iter().chain([&key.name]) {
                    assert!(names.insert(*name), "{name} stands twice");
                    assert!(!name.trim_end_matches('*').contains('*'), "{name}: * only at the end");
                }
                assert!(key.doc.ends_with('.'), "{}: its text is no sentence", key.name);
                assert!(!key.doc.contains('|'), "{}: a | would break the page's table", key.name);
                if let Some(default) = key.default {
                    assert_eq!(key.check(default), Ok(()), "{}: its default", key.name);
                    assert_ne!(key.kind, Kind::Password, "{}: a secret with a default", key.name);
                }
                if let Standing::NotYet { harmless, .. } = key.standing {
                    assert!(harmless.iter().all(|value| key.check(value).is_ok()), "{}", key.name);
                }
            }
        }
    }

    #[test]
    fn a_key_is_found_by_name_alias_number_and_beginning() {
        let table = Table::new(Connector::BulkQuerySource);
        let name = |given: &str| table.find(given).map(|key| key.name);
        assert_eq!(name("salesforce.object"), Some("salesforce.object"));
        assert_eq!(name("salesforce.object.num"), Some("salesforce.object.num"));
        assert_eq!(name("salesforce.object12"), Some("salesforce.objectN"));
        assert_eq!(name("salesforce.object3.topic"), Some("salesforce.objectN.topic"));
        assert_eq!(name("salesforce.version"), Some("salesforce.api.version"));
        assert_eq!(name("producer.override.linger.ms"), Some("producer.override.*"));
        assert_eq!(name("value.converter.decimal.format"), Some("value.converter.decimal.format"));
        assert_eq!(name("value.converter.use.latest.version"), Some("value.converter.*"));
        for unknown in [
            "salesforce.objectN",
            "salesforce.objectN.topic",
            "salesforce.object01",
            "salesforce.object1topic",
            "salesforce.object1.nope",
            "salesforce.object99999999999",
            "producer.override.",
            "",
        ] {
            assert_eq!(name(unknown), None, "{unknown}");
        }
    }
}
