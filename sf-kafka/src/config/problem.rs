//! What is wrong with a configuration, all of it at once, and how that is shown.

use std::fmt;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The connector cannot run with it.
    Problem,
    /// It runs, but probably not as was meant.
    Warning,
    /// Something that the user may want to know.
    Note,
}

/// One thing found about one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    severity: Severity,
    key: String,
    value: Option<String>,
    message: String,
}

impl Finding {
    pub(crate) fn new(severity: Severity, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity, key: key.into(), value: None, message: message.into() }
    }

    pub(crate) fn with_value(self, value: Option<String>) -> Self {
        Self { value, ..self }
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The key, as it was given or as it should have been.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value as it may be shown: quoted, shortened, or `(hidden)`.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// What is wrong and what to do.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    fn left(&self) -> String {
        let key = shorten(&self.key.escape_debug().to_string(), LONGEST_KEY);
        match &self.value {
            Some(value) => format!("{key} = {value}"),
            None => key,
        }
    }
}

/// Everything found about one configuration: problems first, then warnings and notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    origin: String,
    findings: Vec<Finding>,
}

impl Report {
    pub(crate) fn new(origin: impl Into<String>, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(Finding::severity);
        Self { origin: origin.into(), findings }
    }

    /// Where the configuration came from: a file's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// All findings, problems first.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The problems alone.
    pub fn problems(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Problem)
    }

    /// The warnings and notes.
    pub fn notes(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity != Severity::Problem)
    }

    /// Whether nothing stands in the way.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.problems().next().is_none()
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

const LONGEST_KEY: usize = 100;
const LONGEST_VALUE: usize = 60;
/// A finding whose key and value are wider than this has its message on the next line, so that one
/// long value does not push all messages off the screen.
const WIDEST_LEFT: usize = 52;
const GAP: usize = 4;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<String> =
            [(Severity::Problem, "problem"), (Severity::Warning, "warning"), (Severity::Note, "note")]
                .into_iter()
                .filter_map(|(severity, word)| match self.count(severity) {
                    0 => None,
                    1 => Some(format!("1 {word}")),
                    n => Some(format!("{n} {word}s")),
                })
                .collect();
        let ok = if self.is_ok() { "ok" } else { "" };
        let between = if self.is_ok() && !counts.is_empty() { ", " } else { "" };
        write!(f, "{}: {ok}{between}{}", self.origin, counts.join(", "))?;

        let rows: Vec<(String, &Finding)> = self.findings.iter().map(|x| (x.left(), x)).collect();
        let widths = rows.iter().map(|(left, _)| left.chars().count());
        let widest = widths.filter(|width| *width <= WIDEST_LEFT).max().unwrap_or(0);
        let column = (widest + GAP).next_multiple_of(GAP);
        for (left, finding) in &rows {
            let mark = match finding.severity {
                Severity::Problem => "",
                Severity::Warning => "warning: ",
                Severity::Note => "note: ",
            };
            if left.chars().count() > WIDEST_LEFT {
                write!(f, "\n  {left}\n  {:column$}{mark}{}", "", finding.message)?;
            } else {
                write!(f, "\n  {left:column$}{mark}{}", finding.message)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Report {}

/// A value as a report shows it.
pub(crate) fn shown(value: &str) -> String {
    let quoted = format!("\"{}\"", value.escape_debug());
    if quoted.chars().count() <= LONGEST_VALUE {
        return quoted;
    }
    format!("{}\"", shorten(&quoted, LONGEST_VALUE - 1))
}

/// What stands in the place of a secret.
pub(crate) fn hidden() -> String {
    "(hidden)".to_owned()
}

fn shorten(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(longest.saturating_sub(1)).collect();
    short.push('…');
    short
}
