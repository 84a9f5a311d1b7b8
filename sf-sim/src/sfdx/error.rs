//! Why a project could not be loaded.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why a project could not be loaded: where, what, and what to do about it. The cause is part of the text.
#[derive(Debug)]
pub struct LoadError {
    path: PathBuf,
    line: Option<usize>,
    message: String,
    hint: String,
}

impl LoadError {
    pub(super) fn new(path: &Path, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { path: path.to_owned(), line: None, message, hint: String::new() }
    }

    pub(super) fn at_line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The file or folder that it is about.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The line, where it is known.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)?;
        if !self.hint.is_empty() {
            write!(f, "\n  {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadError {}
