//! A configuration as it was given: keys and texts, not yet understood.

use std::fmt;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::problem::{Finding, Severity};

/// A connector's configuration as text, before any of it is understood.
///
/// It comes from a file ([`Config::read`], [`Config::from_json`], [`Config::from_properties`]) or from
/// pairs, and takes single settings on top ([`Config::apply_override`]). `Debug` shows keys only.
///
/// ```
/// use sf_kafka::config::Config;
///
/// let mut config = Config::from_pairs("example", [("name", "leads"), ("kafka.topic", "leads")]);
/// config.apply_override("kafka.topic=leads-again")?;
/// assert_eq!(config.get("kafka.topic"), Some("leads-again"));
/// # Ok::<(), sf_kafka::config::OverrideError>(())
/// ```
#[derive(Clone)]
pub struct Config {
    origin: String,
    /// Where the file is that it came from, if it came from one.
    folder: Option<PathBuf>,
    values: IndexMap<String, String>,
    /// What was wrong already with the form: values that are no text, keys given twice.
    findings: Vec<Finding>,
    /// The name outside of the `config` object of Kafka Connect's own JSON form.
    outer_name: Option<String>,
}

impl Config {
    /// A configuration without keys. The origin stands before everything that is said about it.
    #[must_use]
    pub fn new(origin: impl Into<String>) -> Self {
        Self {
            origin: origin.into(),
            folder: None,
            values: IndexMap::new(),
            findings: Vec::new(),
            outer_name: None,
        }
    }

    /// A configuration of pairs; of a key given twice the last one counts.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        origin: impl Into<String>,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let mut config = Self::new(origin);
        for (key, value) in pairs {
            config.set(key, value);
        }
        config
    }

    /// Sets one key, over whatever it had.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        let key = key.into();
        self.findings.retain(|finding| finding.key() != key);
        if key == "name" {
            self.outer_name = None;
        }
        self.values.insert(key, value.into());
    }

    /// Sets one key from `key=value`, as `--set` of the command line has it.
    ///
    /// # Errors
    /// Without `=`, or with nothing before it. The text is not repeated in the error: it may be a secret.
    pub fn apply_override(&mut self, setting: &str) -> Result<(), OverrideError> {
        match setting.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                self.set(key.trim(), value);
                Ok(())
            }
            _ => Err(OverrideError(())),
        }
    }

    /// Where it came from: a file's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The text of a key, without the blanks around it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.trim())
    }

    /// All keys in the order in which they were given.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// A path beside the file, where it is relative and there is a file.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        self.folder.as_ref().map_or_else(|| PathBuf::from(path), |folder| folder.join(path))
    }

    pub(super) fn in_folder(mut self, folder: Option<&Path>) -> Self {
        self.folder = folder.map(Path::to_owned);
        self
    }

    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    pub(crate) fn outer_name(&self) -> Option<&str> {
        self.outer_name.as_deref()
    }

    pub(super) fn set_outer_name(&mut self, name: String) {
        self.outer_name = Some(name);
    }

    pub(super) fn add_finding(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Adds a key of a file; a second one with another value is a problem, with the same value a warning.
    pub(super) fn add(&mut self, key: String, value: String) {
        match self.values.get(&key) {
            Some(first) if *first == value => {
                self.add_finding(Finding::new(
                    Severity::Warning,
                    key.clone(),
                    "given twice, with the same value",
                ));
            }
            Some(_) => {
                let message = "given twice, with two values; keep one of them";
                self.add_finding(Finding::new(Severity::Problem, key.clone(), message));
            }
            None => {}
        }
        self.values.insert(key, value);
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.keys().collect();
        f.debug_struct("Config").field("origin", &self.origin).field("keys", &keys).finish_non_exhaustive()
    }
}

/// A setting that is not `key=value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverrideError(());

impl fmt::Display for OverrideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a setting must be written key=value, for example poll.interval.ms=60000")
    }
}

impl std::error::Error for OverrideError {}
