//! Why a row was refused, in Salesforce's words.

use std::fmt;

/// Why a row was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// Salesforce's `errorCode` or `statusCode`.
    pub code: &'static str,
    /// Salesforce's message.
    pub message: String,
    /// The fields that it is about.
    pub fields: Vec<String>,
}

impl RowError {
    /// An error about no field in particular.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), fields: Vec::new() }
    }

    /// The error, about this field.
    #[must_use]
    pub fn on(mut self, field: &str) -> Self {
        self.fields.push(field.to_owned());
        self
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        if !self.fields.is_empty() {
            write!(f, " [{}]", self.fields.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for RowError {}
