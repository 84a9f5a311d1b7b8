//! What is measured.

use crate::PAGE_ROWS;
use crate::stub::{Latency, Org};

/// A task at one org, and who does it.
#[derive(Debug)]
pub struct Case {
    /// For the words of the command, and for the report to find it again.
    pub name: &'static str,
    pub org: Org,
    /// The name of the line, what is done, and by whom.
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub title: &'static str,
    pub task: &'static str,
    pub who: &'static str,
}

const fn line(title: &'static str, task: &'static str, who: &'static str) -> Line {
    Line { title, task, who }
}

pub const SMALL: u64 = 200_000;
pub const LARGE: u64 = 2_000_000;

const FILE: [Line; 4] = [
    line("limit: bare reqwest", "file", "bare"),
    line("**sf-bulk2**", "file", "ours"),
    line("salesforce_core", "file", "salesforce_core"),
    line("cirrus", "file", "cirrus"),
];

const ROWS: [Line; 8] = [
    line("limit: csv from a file, structs", "structs", "bare"),
    line("limit: csv from a file, cells", "cells", "bare"),
    line("**sf-bulk2**, structs", "structs", "ours"),
    line("**sf-bulk2**, `Record`s", "cells", "ours"),
    line("salesforce_core + csv, structs", "structs", "salesforce_core"),
    line("salesforce_core + csv, cells", "cells", "salesforce_core"),
    line("force, structs", "structs", "force"),
    line("cirrus + csv, structs", "structs", "cirrus"),
];

const INGEST: [Line; 5] = [
    line("limit: csv's writer + bare reqwest", "ingest", "bare"),
    line("**sf-bulk2**", "ingest", "ours"),
    line("force", "ingest", "force"),
    line("salesforce_core + csv", "ingest", "salesforce_core"),
    line("cirrus + csv", "ingest", "cirrus"),
];

const SLOW: [Line; 4] = [
    line("**sf-bulk2**, eight pages at once", "window", "ours"),
    line("salesforce_core", "file", "salesforce_core"),
    line("cirrus", "file", "cirrus"),
    line("force, structs", "structs", "force"),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for rows in [SMALL, LARGE] {
        let org = Org { rows, page_rows: PAGE_ROWS, latency: Latency::None };
        cases.push(Case { name: "file", org, lines: FILE.to_vec() });
        cases.push(Case { name: "structs", org, lines: ROWS.to_vec() });
        cases.push(Case { name: "ingest", org, lines: INGEST.to_vec() });
    }
    // Twenty pages that are small beside the latency.
    let slow = |latency| Org { rows: 20 * 5_000, page_rows: 5_000, latency };
    cases.push(Case { name: "slow", org: slow(Latency::OfAll(200)), lines: SLOW.to_vec() });
    cases.push(Case { name: "slow results", org: slow(Latency::OfResults(200)), lines: SLOW.to_vec() });
    cases
}
