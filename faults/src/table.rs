//! What each cell must do: `table.txt`, read.

use std::collections::BTreeMap;
use std::fmt;

use crate::route::Route;

/// The checked-in expectations.
const TEXT: &str = include_str!("../table.txt");

/// What must become of a call that a fault hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The caller sees no error; nothing is lost, nothing is there twice.
    Recover,
    /// An error of this kind; nothing is there twice.
    Error {
        /// The crate's kind of error, or that of the call's own error where the crate only says that a call failed.
        kind: String,
        /// Whether the error must say that the org may have done what was asked.
        open: bool,
    },
    /// There is no such case, for this reason.
    NotApplicable(String),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recover => f.write_str("recover"),
            Self::Error { kind, open: false } => write!(f, "error({kind})"),
            Self::Error { kind, open: true } => write!(f, "error({kind}, open)"),
            Self::NotApplicable(reason) => write!(f, "n/a ({reason})"),
        }
    }
}

impl Expected {
    fn parse(text: &str) -> Result<Self, String> {
        let inner = |prefix: &str| text.strip_prefix(prefix)?.strip_suffix(')');
        if text == "recover" {
            return Ok(Self::Recover);
        }
        if let Some(reason) = inner("n/a (") {
            return Ok(Self::NotApplicable(reason.to_owned()));
        }
        let Some(error) = inner("error(") else {
            return Err(format!("{text:?} is none of recover, error(Kind), error(Kind, open), n/a (reason)"));
        };
        let (kind, open) = match error.split_once(", ") {
            Some((kind, "open")) => (kind, true),
            Some((_, other)) => return Err(format!("{other:?} beside the kind of an error; it can be open")),
            None => (error, false),
        };
        Ok(Self::Error { kind: kind.to_owned(), open })
    }
}

/// A fault and what it must come to at each call.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Its name, as `429`.
    pub name: String,
    /// What happens.
    pub about: String,
    cells: BTreeMap<Route, Expected>,
}

impl Fault {
    /// What a call of this route must do; every route has it.
    ///
    /// # Panics
    /// Never for a fault of a [`Table`]: what lacks a route is not read.
    #[must_use]
    pub fn cell(&self, route: Route) -> &Expected {
        &self.cells[&route]
    }
}

/// All faults.
#[derive(Clone, Debug)]
pub struct Table {
    /// In the order of the file.
    pub faults: Vec<Fault>,
}

impl Table {
    /// The checked-in table.
    ///
    /// # Errors
    /// A line of the file that cannot be read, a route that stands twice or is missing.
    pub fn checked_in() -> Result<Self, String> {
        Self::parse(TEXT)
    }

    /// Reads a table.
    ///
    /// # Errors
    /// As [`checked_in`](Self::checked_in).
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut faults: Vec<Fault> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let read = match line.strip_prefix('[') {
                Some(head) => begin(head).map(|fault| faults.push(fault)),
                None => faults
                    .last_mut()
                    .ok_or_else(|| "a line before the first fault".to_owned())
                    .and_then(|fault| add(fault, line)),
            };
            read.map_err(|what| format!("table.txt, line {}: {what}", number + 1))?;
        }
        for fault in &faults {
            let missing: Vec<_> =
                Route::ALL.iter().filter(|route| !fault.cells.contains_key(route)).map(Route::name).collect();
            if !missing.is_empty() {
                return Err(format!(
                    "table.txt, [{}]: nothing is said about {}",
                    fault.name,
                    missing.join(", ")
                ));
            }
        }
        Ok(Self { faults })
    }
}

fn begin(head: &str) -> Result<Fault, String> {
    let (name, about) = head.split_once(']').ok_or("a fault's name must end with ]")?;
    let about = about.trim();
    if about.is_empty() {
        return Err(format!("[{name}] does not say what happens"));
    }
    Ok(Fault { name: name.to_owned(), about: about.to_owned(), cells: BTreeMap::new() })
}

fn add(fault: &mut Fault, line: &str) -> Result<(), String> {
    let (expected, routes) = line.rsplit_once(": ").ok_or("there is no colon before the routes")?;
    let expected = Expected::parse(expected)?;
    for name in routes.split_whitespace() {
        let route = Route::named(name).ok_or_else(|| format!("there is no route {name:?}"))?;
        if fault.cells.insert(route, expected.clone()).is_some() {
            return Err(format!("{name} stands twice under [{}]", fault.name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_at_calls_that_can_be_repeated_is_got_over() {
        let table = Table::checked_in().unwrap();
        let passing = [
            "401",
            "403 concurrent",
            "429",
            "500",
            "502",
            "503",
            "reset before",
            "reset after",
            "cut body",
            "cut body by close",
            "stalled",
            "gzip broken",
        ];
        let routes = [
            Route::Token,
            Route::Describe,
            Route::QueryPage,
            Route::Create,
            Route::Poll,
            Route::ResultPage,
            Route::OutcomeFiles,
        ];
        for name in passing {
            let fault = table.faults.iter().find(|fault| fault.name == name).unwrap();
            for route in routes {
                assert_eq!(*fault.cell(route), Expected::Recover, "{name} at {}", route.name());
            }
        }
    }

    #[test]
    fn what_is_said_can_be_read_back() {
        for text in ["recover", "error(Server)", "error(Server, open)", "n/a (there is no job)"] {
            assert_eq!(Expected::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_slip_in_the_table_is_named_with_its_line() {
        for (text, wanted) in [
            ("recover: token", "line 1: a line before the first fault"),
            ("[503] A page.\nrecover: token tokken", "line 2: there is no route \"tokken\""),
            ("[503] A page.\nrecover: token token", "line 2: token stands twice"),
            ("[503] A page.\n\nmaybe: token", "line 3: \"maybe\" is none of"),
            ("[503] A page.\nrecover: token", "[503]: nothing is said about describe"),
            ("[503]", "does not say what happens"),
        ] {
            let said = Table::parse(text).unwrap_err();
            assert!(said.contains(wanted), "{text}: {said}");
        }
    }
}
