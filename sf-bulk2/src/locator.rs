//! Where in a result one is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The org's name for a page of a result: opaque, and good as long as the result is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Locator(String);

impl Locator {
    /// A locator as the org gave it, for example `MTAwMDA`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The locator as the org gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in the result of a job: a page, and how many of its rows have been taken already.
///
/// It can be stored and resumed from by any process for as long as the org keeps the result.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The page; `None` is the first one, which has no locator.
    pub locator: Option<Locator>,
    /// Rows of the page that have been taken.
    pub rows: u64,
    /// Rows of all pages before it, where that is known: then the end of the result is checked against
    /// the job's total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
}

impl Position {
    /// The first row of the result.
    pub const START: Self = Self { locator: None, rows: 0, before: Some(0) };

    /// The first row of a page, of which it is not known how many rows come before it.
    pub fn page(locator: Locator) -> Self {
        Self { locator: Some(locator), rows: 0, before: None }
    }
}
