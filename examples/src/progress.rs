//! How far long work is: a bar a table where a terminal looks on, else one line now and then.

use std::fmt;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::text::thousands;

/// The time between two lines of a table in a log.
const QUIET: Duration = Duration::from_secs(5);

/// What is shown of one table.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is.
    pub label: String,
    /// How many rows it will have, where that is known.
    pub total: Option<u64>,
    /// What stands behind the numbers.
    pub note: String,
}

/// Shows, on stderr, how far each table is.
#[derive(Debug)]
pub struct Progress {
    tables: Vec<Table>,
}

#[derive(Debug)]
struct Table {
    line: Line,
    width: usize,
    bar: Option<ProgressBar>,
    rows: u64,
    /// Rows that were there before the clock began.
    before: u64,
    begun: Instant,
    said: Instant,
}

impl Progress {
    /// Begins with nothing done.
    pub fn new(lines: Vec<Line>) -> Self {
        Self::showing(lines, std::io::stderr().is_terminal())
    }

    fn showing(lines: Vec<Line>, terminal: bool) -> Self {
        let width = lines.iter().map(|line| line.label.chars().count()).max().unwrap_or_default();
        let all = terminal.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)));
        let now = Instant::now();
        let tables = lines.into_iter().map(|line| {
            let bar = all.as_ref().map(|all| all.add(bar(&line, width)));
            Table { line, width, bar, rows: 0, before: 0, begun: now, said: now }
        });
        Self { tables: tables.collect() }
    }

    /// So many rows of a table were done by an earlier process: they do not count as speed.
    pub fn start_at(&mut self, at: usize, rows: u64) {
        let Some(table) = self.tables.get_mut(at) else { return };
        (table.rows, table.before) = (rows, rows);
        if let Some(bar) = &table.bar {
            bar.set_style(style(&table.line, table.width, rows));
            bar.set_position(rows);
        }
    }

    /// So many rows of a table are done.
    pub fn set(&mut self, at: usize, rows: u64) {
        let Some(table) = self.tables.get_mut(at) else { return };
        if rows == table.rows {
            return;
        }
        table.rows = rows;
        if let Some(bar) = &table.bar {
            bar.set_position(rows);
        } else if table.said.elapsed() >= QUIET {
            table.said = Instant::now();
            eprintln!("{}", table.log());
        }
    }

    /// A table is done.
    pub fn finish(&mut self, at: usize) {
        let Some(table) = self.tables.get_mut(at) else { return };
        match &table.bar {
            Some(bar) => {
                bar.set_length(table.rows);
                bar.finish();
            }
            None => eprintln!("{}", table.log()),
        }
    }

    /// Leaves the bars as they are and says nothing more.
    pub fn abandon(&self) {
        for bar in self.tables.iter().filter_map(|table| table.bar.as_ref()) {
            bar.abandon();
        }
    }
}

impl Table {
    /// One line for a log.
    fn log(&self) -> String {
        let of = match self.line.total {
            Some(total) if total > self.rows => format!(" of {}", thousands(total)),
            _ => String::new(),
        };
        let done = self.rows - self.before;
        // The rate of a handful of rows says nothing.
        let rate = match rate(done, self.begun.elapsed()) {
            Some(rate) if done >= 1_000 => format!("{} rows/s  ", thousands(rate)),
            _ => String::new(),
        };
        let (Line { label, note, .. }, rows, width) = (&self.line, thousands(self.rows), self.width);
        format!("{label:width$}  {rows:>11}{of} rows  {rate}{note}")
    }
}

/// Rows a second, once there is something to divide.
fn rate(rows: u64, time: Duration) -> Option<u64> {
    let milliseconds = u64::try_from(time.as_millis()).ok().filter(|ms| *ms > 0)?;
    Some(rows.saturating_mul(1000) / milliseconds)
}

fn bar(line: &Line, width: usize) -> ProgressBar {
    let bar = line.total.map_or_else(ProgressBar::no_length, ProgressBar::new);
    bar.with_style(style(line, width, 0))
}

fn style(line: &Line, width: usize, before: u64) -> ProgressStyle {
    let template = match line.total {
        Some(_) => "{label} {bar:32} {rows} rows  {rate}  {left}{note}",
        None => "{label} {spinner} {rows} rows  {rate}  {note}",
    };
    let (label, note) = (format!("{:width$}", line.label), line.note.clone());
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let speed = move |state: &ProgressState| rate(state.pos().saturating_sub(before), state.elapsed());
    style
        .progress_chars("█▌░")
        .with_key("label", move |_: &ProgressState, out: &mut dyn fmt::Write| put(out, &label))
        .with_key("note", move |_: &ProgressState, out: &mut dyn fmt::Write| put(out, &note))
        .with_key("rows", |state: &ProgressState, out: &mut dyn fmt::Write| {
            put(out, &format!("{:>11}", thousands(state.pos())));
        })
        .with_key("rate", move |state: &ProgressState, out: &mut dyn fmt::Write| {
            put(out, &format!("{:>9} rows/s", thousands(speed(state).unwrap_or_default())));
        })
        .with_key("left", move |state: &ProgressState, out: &mut dyn fmt::Write| {
            let todo = state.len().unwrap_or_default().saturating_sub(state.pos());
            if let Some(speed) = speed(state).filter(|speed| *speed > 0 && todo > 0) {
                put(out, &format!("{} s left  ", todo.div_ceil(speed)));
            }
        })
}

fn put(out: &mut dyn fmt::Write, text: &str) {
    // A terminal's line is made in memory: that cannot fail.
    let _ = out.write_str(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_log_names_the_total_until_it_is_reached() {
        let line = Line { label: "Lead".to_owned(), total: Some(100_000), note: "topic lead".to_owned() };
        let mut progress = Progress::showing(vec![line], false);
        progress.set(0, 40_000);
        let said = progress.tables[0].log();
        assert!(
            said.starts_with("Lead       40,000 of 100,000 rows  ") && said.ends_with("topic lead"),
            "{said}"
        );
        progress.set(0, 100_000);
        let said = progress.tables[0].log();
        assert!(said.starts_with("Lead      100,000 rows  "), "{said}");
    }
}
