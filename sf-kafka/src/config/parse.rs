//! From texts to checked values, by a connector's table. Nothing stops at the first problem.

use std::collections::HashMap;
use std::path::PathBuf;

use sf_core::auth::Secret;

use super::key::{Key, Kind, Standing};
use super::nearest::nearest;
use super::problem::{Finding, Report, Severity, hidden, shown};
use super::raw::Config;
use super::table::{Table, rules};
use crate::connector::Connector;

/// What a configuration says about one key.
enum Slot<'a> {
    Good(&'a str),
    /// Already reported.
    Bad,
}

/// Hands out checked values and gathers what is wrong.
///
/// After a bad or missing value it hands out the default or an empty one, so that the rest can be
/// checked as well; nobody sees those, as the report then has a problem.
pub(super) struct Reader<'a> {
    config: &'a Config,
    table: Table,
    /// By the name as the table has it, an `N` replaced by its number.
    slots: HashMap<String, Slot<'a>>,
    unknown: Vec<&'a str>,
    missing: Vec<(String, String)>,
    findings: Vec<Finding>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(config: &'a Config, connector: Connector) -> Self {
        let mut reader = Self {
            config,
            table: Table::new(connector),
            slots: HashMap::new(),
            unknown: Vec::new(),
            missing: Vec::new(),
            findings: config.findings().to_vec(),
        };
        reader.take_name();
        for given in config.keys() {
            reader.take(given, config.get(given).unwrap_or_default());
        }
        // Values that are no text never became pairs; that they are missing too need not be said.
        for finding in config.findings() {
            if finding.severity() == Severity::Problem {
                reader.slots.insert(finding.key().to_owned(), Slot::Bad);
            }
        }
        reader
    }

    /// The name outside of `config` is the name, unless there is another one inside.
    fn take_name(&mut self) {
        let Some(outer) = self.config.outer_name().map(str::trim) else { return };
        match self.config.get("name") {
            None => self.take("name", outer),
            Some(inner) if inner != outer => {
                let message =
                    format!("is not the name outside of \"config\", {}; keep one of them", shown(outer));
                self.findings
                    .push(Finding::new(Severity::Problem, "name", message).with_value(Some(shown(inner))));
            }
            Some(_) => {}
        }
    }

    fn take(&mut self, given: &'a str, value: &'a str) {
        let Some(key) = self.table.find(given) else {
            self.unknown.push(given);
            return;
        };
        if value.is_empty() {
            return;
        }
        let name = if key.aliases.contains(&given) { key.name } else { given };
        let slot = match self.judge(key, given, value) {
            Ok(()) => Slot::Good(value),
            Err(message) => {
                self.problem_of(key, given, value, message);
                Slot::Bad
            }
        };
        if let Some(Slot::Good(other)) = self.slots.get(name)
            && *other != value
        {
            let message = format!("{} has two names here and two values; keep one of them", key.name);
            self.findings.push(Finding::new(Severity::Problem, given, message));
        }
        self.slots.insert(name.to_owned(), slot);
    }

    fn judge(&mut self, key: &Key, given: &str, value: &str) -> Result<(), String> {
        match key.standing {
            Standing::Ignored(why) => {
                self.findings.push(Finding::new(Severity::Note, given, why));
                return Ok(());
            }
            Standing::NotYet { why, harmless: [] } => return Err(why.to_owned()),
            _ => {}
        }
        if is_placeholder(value) {
            return Err("is a placeholder; put the real value in its place".to_owned());
        }
        if names_a_provider(value) {
            return Err("comes from a config provider, which is not in yet; put the value itself".to_owned());
        }
        key.check(value)?;
        match key.standing {
            Standing::NotYet { why, harmless } if !harmless.iter().any(|x| x.eq_ignore_ascii_case(value)) => {
                Err(why.to_owned())
            }
            Standing::NoEffectYet(why) if !key.default.is_some_and(|x| x.eq_ignore_ascii_case(value)) => {
                self.findings.push(Finding::new(Severity::Note, given, why).with_value(Some(shown(value))));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether the key has a value, be it good or bad.
    pub(super) fn given(&self, name: &str) -> bool {
        self.slots.contains_key(name)
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        match self.slots.get(name) {
            Some(Slot::Good(value)) => Some(value),
            Some(Slot::Bad) => None,
            None => self.table.find(name)?.default,
        }
    }

    /// The text, or the default.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name)
    }

    /// The secret.
    pub(super) fn secret(&self, name: &str) -> Option<Secret> {
        self.value(name).map(Secret::new)
    }

    /// The text; that there is none is a problem, which tells what it should have been.
    pub(super) fn required(&mut self, name: &str, what: &str) -> &'a str {
        if !self.given(name) {
            self.missing.push((name.to_owned(), what.to_owned()));
        }
        self.value(name).unwrap_or_default()
    }

    /// The number, or the default.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.value(name).and_then(|value| value.parse().ok()).unwrap_or_default()
    }

    /// The truth, or the default.
    pub(super) fn truth(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The items of a list, or of its default.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        rules::items(self.value(name).unwrap_or_default()).map(str::to_owned).collect()
    }

    /// All keys that begin so, without the beginning.
    pub(super) fn beginning_with(&self, start: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let all =
            self.config.keys().filter_map(move |key| Some((key.strip_prefix(start)?, self.config.get(key)?)));
        all.filter(|(rest, _)| !rest.is_empty())
    }

    /// The numbers for which there is any `salesforce.objectN…`.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (u32, &'a str)> {
        let known = self.config.keys().filter(|key| self.table.find(key).is_some());
        known.filter_map(|key| Some((super::table::number_of(key)?.0, key)))
    }

    /// Adds a problem that more than one value makes.
    pub(super) fn problem(&mut self, name: &str, message: impl Into<String>) {
        let message = message.into();
        match (self.table.find(name), self.slots.get(name)) {
            (Some(key), Some(Slot::Good(value))) => {
                let value: &'a str = value;
                self.problem_of(key, name, value, message);
            }
            _ => self.findings.push(Finding::new(Severity::Problem, name, message)),
        }
    }

    /// A path of the configuration, which is relative to its file.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        self.config.beside(path)
    }

    pub(super) fn warning(&mut self, name: &str, message: impl Into<String>) {
        self.findings.push(Finding::new(Severity::Warning, name, message));
    }

    /// Adds a note, with the value where it may be shown.
    pub(super) fn note(&mut self, name: &str, message: impl Into<String>) {
        let key = self.table.find(name);
        let value = self.value(name).filter(|value| key.is_some_and(|key| !is_secret(key, value))).map(shown);
        self.findings.push(Finding::new(Severity::Note, name, message).with_value(value));
    }

    fn problem_of(&mut self, key: &Key, given: &str, value: &str, message: String) {
        let value = if is_secret(key, value) { hidden() } else { shown(value) };
        self.findings.push(Finding::new(Severity::Problem, given, message).with_value(Some(value)));
    }

    /// Joins unknown keys with missing ones, and is done.
    pub(super) fn finish(mut self) -> Report {
        for given in std::mem::take(&mut self.unknown) {
            let candidates = self.missing.iter().map(|(name, _)| name.clone());
            let candidates = candidates.chain(self.table.names(first_number(given)));
            let finding = match nearest(given, candidates) {
                Some(meant) => match self.missing.iter().position(|(name, _)| *name == meant) {
                    Some(index) => {
                        self.missing.remove(index);
                        let message = format!("unknown; did you mean {meant}? {meant} itself is missing");
                        Finding::new(Severity::Problem, given, message)
                    }
                    None => {
                        let message = format!("unknown and not used; did you mean {meant}?");
                        Finding::new(Severity::Warning, given, message)
                    }
                },
                None => Finding::new(Severity::Warning, given, "unknown and not used"),
            };
            self.findings.push(finding);
        }
        for (name, what) in self.missing {
            self.findings.push(Finding::new(Severity::Problem, name, format!("missing; {what}")));
        }
        Report::new(self.config.origin(), self.findings)
    }
}

/// A password can hide in a URL as well, and in what is passed on to the producer.
fn is_secret(key: &Key, value: &str) -> bool {
    let passed_on = key.name.ends_with('*') && key.standing == Standing::Used;
    key.kind == Kind::Password || passed_on || value.contains('@') && value.contains(':')
}

/// What documentation and masked exports write in the place of a value.
fn is_placeholder(value: &str) -> bool {
    (value.starts_with('<') && value.ends_with('>'))
        || (value.len() >= 3 && value.bytes().all(|byte| byte == b'*'))
        || value.eq_ignore_ascii_case("[hidden]")
}

/// Kafka Connect's `${provider:path:key}`, under the names that its providers usually have.
fn names_a_provider(value: &str) -> bool {
    const USUAL: [&str; 8] =
        ["env", "file", "directory", "dir", "secret", "secrets", "vault", "secretsManager"];
    let named = |rest: &str| rest.split_once(':').is_some_and(|(provider, _)| USUAL.contains(&provider));
    value.split("${").skip(1).any(|rest| rest.contains('}') && named(rest))
}

/// The number that a user wrote, so that a suggestion has it too.
fn first_number(given: &str) -> u32 {
    let from = given.find(|c: char| c.is_ascii_digit()).unwrap_or(given.len());
    let digits: String = given[from..].chars().take_while(char::is_ascii_digit).take(4).collect();
    digits.parse().ok().filter(|number| *number > 0).unwrap_or(1)
}
