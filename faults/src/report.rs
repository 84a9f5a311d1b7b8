//! `docs/FAULTS.md`: the template with the table in it.

use std::collections::BTreeMap;

use crate::route::Route;
use crate::table::{Expected, Table};

const TEMPLATE: &str = include_str!("../page.md");

const READING: [Route; 7] = [
    Route::Token,
    Route::Describe,
    Route::QueryPage,
    Route::Poll,
    Route::ResultPage,
    Route::ParallelPages,
    Route::OutcomeFiles,
];
const WRITING: [Route; 7] = [
    Route::Create,
    Route::CreateWithData,
    Route::Upload,
    Route::UploadInLoad,
    Route::Close,
    Route::RowInsert,
    Route::RowUpsert,
];

/// The page, for a reader who chooses a client. `cells` and `plays` are those of the [suite](crate::size).
#[must_use]
pub fn page(table: &Table, (cells, plays): (usize, usize)) -> String {
    TEMPLATE
        .replace("{cells}", &cells.to_string())
        .replace("{plays}", &plays.to_string())
        .replace("{reading}", &grid(table, &READING))
        .replace("{writing}", &grid(table, &WRITING))
        .replace("{faults}", &faults(table))
        .replace("{reasons}", &reasons(table))
}

fn grid(table: &Table, routes: &[Route]) -> String {
    let names: Vec<_> = routes.iter().map(Route::name).collect();
    let mut lines =
        vec![format!("| | {} |", names.join(" | ")), format!("|---|{}", "---|".repeat(routes.len()))];
    for fault in &table.faults {
        let cells: Vec<_> = routes.iter().map(|route| shown(fault.cell(*route))).collect();
        lines.push(format!("| **{}** | {} |", fault.name, cells.join(" | ")));
    }
    lines.join("\n")
}

fn shown(expected: &Expected) -> String {
    match expected {
        Expected::Recover => "✓".to_owned(),
        Expected::Error { kind, open: false } => format!("`{kind}`"),
        Expected::Error { kind, open: true } => format!("`{kind}` ?"),
        Expected::NotApplicable(_) => "–".to_owned(),
    }
}

fn faults(table: &Table) -> String {
    let line = |fault: &crate::Fault| format!("- **{}**: {}", fault.name, fault.about);
    table.faults.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Why a cell is left out, each reason once.
fn reasons(table: &Table) -> String {
    let mut reasons: BTreeMap<&str, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
    for fault in &table.faults {
        for route in Route::ALL {
            let Expected::NotApplicable(reason) = fault.cell(route) else { continue };
            let (faults, routes) = reasons.entry(reason).or_default();
            if !faults.contains(&fault.name.as_str()) {
                faults.push(&fault.name);
            }
            if !routes.contains(&route.name()) {
                routes.push(route.name());
            }
        }
    }
    let line = |(reason, (faults, routes)): (&&str, &(Vec<&str>, Vec<&str>))| {
        format!("- {} at {}: {reason}", faults.join(", "), routes.join(", "))
    };
    reasons.iter().map(line).collect::<Vec<_>>().join("\n")
}
