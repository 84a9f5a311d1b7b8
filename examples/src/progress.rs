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
            Table { line, width, bar, rows: 0, begun: now, said: now }
        });
        Self { tables: tables.collect() }
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
        let seconds = self.begun.elapsed().as_secs_f64().max(0.001);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rate for people to read"
        )]
        let rate = (self.rows as f64 / seconds) as u64;
        let of = match self.line.total {
            Some(total) if total > self.rows => format!(" of {}", thousands(total)),
            _ => String::new(),
        };
        let Line { label, note, .. } = &self.line;
        // The rate of a handful of rows says nothing.
        let rate = if self.rows < 1_000 { String::new() } else { format!("{} rows/s  ", thousands(rate)) };
        let (rows, width) = (thousands(self.rows), self.width);
        format!("{label:width$}  {rows:>11}{of} rows  {rate}{note}")
    }
}

fn bar(line: &Line, width: usize) -> ProgressBar {
    let (template, bar) = match line.total {
        Some(total) => ("{label} {bar:32} {pos_human} rows  {rate}  {eta_left}{note}", ProgressBar::new(total)),
        None => ("{label} {spinner} {pos_human} rows  {rate}  {note}", ProgressBar::no_length()),
    };
    let (label, note) = (format!("{:width$}", line.label), line.note.clone());
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let style = style
        .progress_chars("█▌░")
        .with_key("label", move |_: &ProgressState, w: &mut dyn fmt::Write| put(w, &label))
        .with_key("note", move |_: &ProgressState, w: &mut dyn fmt::Write| put(w, &note))
        .with_key("pos_human", |state: &ProgressState, w: &mut dyn fmt::Write| {
            put(w, &format!("{:>11}", thousands(state.pos())));
        })
        .with_key("rate", |state: &ProgressState, w: &mut dyn fmt::Write| {
            put(w, &format!("{:>9.0} rows/s", state.per_sec()));
        })
        .with_key("eta_left", |state: &ProgressState, w: &mut dyn fmt::Write| {
            if !state.is_finished() && state.pos() > 0 {
                put(w, &format!("{} s left  ", state.eta().as_secs()));
            }
        });
    bar.with_style(style)
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
        assert!(said.starts_with("Lead       40,000 of 100,000 rows  ") && said.ends_with("topic lead"), "{said}");
        progress.set(0, 100_000);
        let said = progress.tables[0].log();
        assert!(said.starts_with("Lead      100,000 rows  "), "{said}");
    }
}
