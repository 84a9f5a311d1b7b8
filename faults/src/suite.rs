//! All cells of the table.

use std::fmt;

use futures_util::StreamExt;

use crate::play::Cell;
use crate::route::Route;
use crate::table::{Expected, Table};
use crate::trouble::ways;

/// How many cells are played at once. Most of the time each waits.
const AT_ONCE: usize = 24;

/// Something that was not as the table says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Fault and call, and how it was played.
    pub cell: String,
    /// What was wrong.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cell, self.what)
    }
}

/// What came of playing the table.
#[derive(Clone, Debug)]
pub struct Played {
    /// How many cells there are that can be played.
    pub cells: usize,
    /// How many times they were played, in all ways and at all places.
    pub plays: usize,
    /// What was not as the table says; nothing, where all is well.
    pub differences: Vec<Difference>,
}

/// Plays every cell of the table whose fault's name and call's name have this text in them: all, where it is empty.
///
/// # Errors
/// A fault of the table that nothing plays, and a text that is in no name.
pub async fn play(table: &Table, only: &str) -> Result<Played, String> {
    let (cells, all) = cells(table, only)?;
    let plays = all.len();
    let played = futures_util::stream::iter(all)
        .map(|cell| async move {
            let problems = Box::pin(cell.play()).await;
            let times = cell.way.times.map_or_else(|| "each time".to_owned(), |times| format!("{times}×"));
            let (fault, route, place) = (cell.fault, cell.route.name(), cell.place.label);
            let name = format!("[{fault}] at {route} ({place}; {}, {times})", cell.way.label);
            problems.into_iter().map(move |what| Difference { cell: name.clone(), what })
        })
        .buffer_unordered(AT_ONCE)
        .map(futures_util::stream::iter)
        .flatten();
    let mut differences: Vec<_> = played.collect().await;
    differences.sort();
    differences.dedup();
    Ok(Played { cells, plays, differences })
}

/// How many cells of the table can be played, and how many times they are, in all ways and at all places.
///
/// # Errors
/// As [`play`].
pub fn size(table: &Table) -> Result<(usize, usize), String> {
    cells(table, "").map(|(cells, plays)| (cells, plays.len()))
}

fn cells<'t>(table: &'t Table, only: &str) -> Result<(usize, Vec<Cell<'t>>), String> {
    let (mut count, mut all) = (0, Vec::new());
    for fault in &table.faults {
        for route in Route::ALL {
            let expected = fault.cell(route);
            let name = format!("[{}] {}", fault.name, route.name());
            if matches!(expected, Expected::NotApplicable(_)) || !name.contains(only) {
                continue;
            }
            count += 1;
            for place in route.places() {
                let ways = ways(&fault.name, route, &place)
                    .ok_or_else(|| format!("[{}]: nothing plays a fault of this name", fault.name))?;
                // Where the first time is an error there is no second.
                let recovers = *expected == Expected::Recover;
                let ways =
                    ways.into_iter().filter(|way| recovers || way.times.is_none_or(|times| times == 1));
                all.extend(ways.map(|way| Cell {
                    fault: &fault.name,
                    route,
                    place: place.clone(),
                    way,
                    expected,
                }));
            }
        }
    }
    if all.is_empty() {
        return Err(format!("no cell has {only:?} in its name, as \"[429] poll\""));
    }
    Ok((count, all))
}
