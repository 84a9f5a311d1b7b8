//! The tables, and their place in RESULTS.md.

use std::fmt::Write;
use std::path::Path;

use crate::clients::Error;
use crate::measure::{Measured, Sample};
use crate::plan::{LARGE, SMALL};

const BEGIN: &str = "<!-- written by bench: begin -->";
const END: &str = "<!-- written by bench: end -->";

/// Puts the text between the marks.
pub fn write(text: &str) -> Result<(), Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md");
    let old = std::fs::read_to_string(&path)?;
    let marks = old.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = marks.ok_or("RESULTS.md has no place for the results")?;
    Ok(std::fs::write(path, format!("{before}{BEGIN}\n{text}{END}{after}"))?)
}

pub fn markdown(measured: &Measured, rounds: usize) -> String {
    let mut out = format!(
        "Medians of {rounds}, contestants in turn. Wall and processor time in s, peak memory in MB.\n"
    );
    let titles =
        [("file", "Pages to a file"), ("structs", "Pages to rows"), ("ingest", "Structs to rows of the org")];
    for (name, title) in titles {
        table(&mut out, measured, name, title);
    }
    slow(&mut out, measured);
    goals(&mut out, measured);
    out
}

fn table(out: &mut String, measured: &Measured, name: &str, title: &str) {
    let Some((case, _)) = measured.cases.iter().find(|(case, _)| case.name == name) else { return };
    let _ = writeln!(
        out,
        "\n| {title} | 200,000 rows: wall | cpu | peak | 2,000,000 rows: wall | cpu | peak | ten times: wall | peak |\n\
         |---|---|---|---|---|---|---|---|---|"
    );
    for line in &case.lines {
        let of = |rows| measured.of(name, rows, line.title);
        let (Some(small), Some(large)) = (of(SMALL), of(LARGE)) else { continue };
        let _ = writeln!(
            out,
            "| {} | {} | {} | × {:.1} | × {:.2} |",
            line.title,
            cells(small),
            cells(large),
            ratio(large, small),
            large.peak as f64 / small.peak as f64,
        );
    }
}

fn cells(sample: Sample) -> String {
    let Sample { wall, cpu, peak } = sample;
    format!("{:.3} | {:.3} | {:.1}", wall.as_secs_f64(), cpu.as_secs_f64(), megabytes(peak))
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Of wall times.
fn ratio(one: Sample, other: Sample) -> f64 {
    one.wall.as_secs_f64() / other.wall.as_secs_f64()
}

fn slow(out: &mut String, measured: &Measured) {
    let of = |name| measured.cases.iter().find(|(case, _)| case.name == name);
    let (Some((case, all)), Some((_, results))) = (of("slow"), of("slow results")) else { return };
    let _ = writeln!(
        out,
        "\n| Twenty pages of an org that takes 200 ms | at every route: wall | at result pages only: wall |\n|---|---|---|"
    );
    for ((line, all), results) in case.lines.iter().zip(all).zip(results) {
        let _ = writeln!(
            out,
            "| {} | {:.2} | {:.2} |",
            line.title,
            all.wall.as_secs_f64(),
            results.wall.as_secs_f64()
        );
    }
}

/// Every ratio that was set as a goal.
fn goals(out: &mut String, measured: &Measured) {
    let large = |name, title| measured.of(name, LARGE, title);
    let mut rows = Vec::new();
    let mut at_most = |what: &str, figure: Option<f64>, goal: f64| {
        rows.extend(figure.map(|figure| (what.to_owned(), figure, "≤", goal, figure <= goal)));
    };
    let wall = |ours: Option<Sample>, theirs: Option<Sample>| Some(ratio(ours?, theirs?));
    let ours = large("file", "**sf-bulk2**");
    let core = large("file", "salesforce_core");
    let more = || Some(megabytes(ours?.peak) - megabytes(core?.peak));
    at_most("pages → file, salesforce_core's wall", wall(ours, core), 1.1);
    at_most("pages → file, bare reqwest's wall", wall(ours, large("file", "limit: bare reqwest")), 1.15);
    at_most("pages → file, MB more than salesforce_core", more(), 3.0);
    let core = large("structs", "salesforce_core + csv, structs");
    let structs = large("structs", "**sf-bulk2**, structs");
    at_most("pages → structs, salesforce_core + csv's wall", wall(structs, core), 0.8);
    let records = large("structs", "**sf-bulk2**, `Record`s");
    at_most("pages → `Record`s, salesforce_core + csv's wall for structs", wall(records, core), 0.6);
    let ingest = large("ingest", "**sf-bulk2**");
    at_most("structs → org, force's wall", wall(ingest, large("ingest", "force")), 0.5);
    for (what, name, title) in [
        ("pages → file", "file", "**sf-bulk2**"),
        ("pages → structs", "structs", "**sf-bulk2**, structs"),
        ("pages → `Record`s", "structs", "**sf-bulk2**, `Record`s"),
        ("structs → org", "ingest", "**sf-bulk2**"),
    ] {
        let (small, large) = (measured.of(name, SMALL, title), large(name, title));
        let peak = || Some(large?.peak as f64 / small?.peak as f64);
        at_most(&format!("{what}, ten times the rows: wall"), wall(large, small), 10.5);
        at_most(&format!("{what}, ten times the rows: peak"), peak(), 1.1);
    }
    for (what, name, goal) in [
        ("20 pages, 200 ms at every route: times as fast as the best other", "slow", 2.5),
        ("20 pages, 200 ms at result pages: times as fast as the best other", "slow results", 4.0),
    ] {
        let Some((_, samples)) = measured.cases.iter().find(|(case, _)| case.name == name) else { continue };
        let Some((ours, theirs)) = samples.split_first() else { continue };
        let Some(best) = theirs.iter().min_by_key(|sample| sample.wall) else { continue };
        let figure = ratio(*best, *ours);
        rows.push((what.to_owned(), figure, "≥", goal, figure >= goal));
    }
    let _ = writeln!(out, "\n| sf-bulk2 | figure | goal | met |\n|---|---|---|---|");
    for (what, figure, sign, goal, met) in rows {
        let _ =
            writeln!(out, "| {what} | {figure:.2} | {sign} {goal} | {} |", if met { "yes" } else { "no" });
    }
}
