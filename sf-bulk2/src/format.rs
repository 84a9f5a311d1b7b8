//! The settings of a job's CSV.

use serde::{Deserialize, Serialize};

/// What stands between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ColumnDelimiter {
    /// A backquote.
    Backquote,
    /// `^`
    Caret,
    /// `,`, which is what the org takes unless it is told otherwise.
    #[default]
    Comma,
    /// `|`
    Pipe,
    /// `;`
    Semicolon,
    /// A tabulator.
    Tab,
}

impl ColumnDelimiter {
    /// The character.
    pub fn byte(self) -> u8 {
        match self {
            Self::Backquote => b'`',
            Self::Caret => b'^',
            Self::Comma => b',',
            Self::Pipe => b'|',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LineEnding {
    /// A line feed, which is what the org takes unless it is told otherwise.
    #[default]
    Lf,
    /// A carriage return and a line feed.
    Crlf,
}

impl LineEnding {
    /// The characters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::Crlf => "\r\n",
        }
    }
}

/// What a value that is null means to the org. There is no default, because both are what somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// The field stays as it is: the cell is empty.
    Ignore,
    /// The field is cleared: the cell is `#N/A`.
    SetNull,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_api() {
        // Bulk API 2.0 guide, "Create a Job": BACKQUOTE, CARET, COMMA, PIPE, SEMICOLON, TAB; LF, CRLF.
        let words = serde_json::to_string(&[
            ColumnDelimiter::Backquote,
            ColumnDelimiter::Caret,
            ColumnDelimiter::Comma,
            ColumnDelimiter::Pipe,
            ColumnDelimiter::Semicolon,
            ColumnDelimiter::Tab,
        ]);
        assert_eq!(words.unwrap(), r#"["BACKQUOTE","CARET","COMMA","PIPE","SEMICOLON","TAB"]"#);
        assert_eq!(serde_json::to_string(&[LineEnding::Lf, LineEnding::Crlf]).unwrap(), r#"["LF","CRLF"]"#);
    }
}
