//! Runs everybody, round after round, and takes wall time, processor time and memory of each.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use crate::clients::Error;
use crate::plan::{self, Case, Line};
use crate::stub::Org;
use crate::{PAGE_ROWS, data};

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub wall: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// The most memory that was resident at once, in bytes.
    pub peak: u64,
}

/// The medians of each line.
#[derive(Debug)]
pub struct Measured {
    pub cases: Vec<(Case, Vec<Sample>)>,
}

impl Measured {
    pub fn of(&self, name: &str, rows: u64, title: &str) -> Option<Sample> {
        let (case, samples) =
            self.cases.iter().find(|(case, _)| case.name == name && case.org.rows == rows)?;
        let at = case.lines.iter().position(|line| line.title == title)?;
        samples.get(at).copied()
    }
}

/// The org, which ends with the pipe that it reads.
struct Stub {
    process: Child,
    urls: HashMap<Org, String>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}

fn stub(program: &Path, cases: &[Case]) -> Result<Stub, Error> {
    let mut orgs: Vec<Org> = Vec::new();
    for case in cases {
        if !orgs.contains(&case.org) {
            orgs.push(case.org);
        }
    }
    let mut process = Command::new(program)
        .arg("stub")
        .args(orgs.iter().map(Org::to_string))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let said = process.stdout.take().ok_or("the stub has no output")?;
    let mut lines = BufReader::new(said).lines();
    let mut urls = HashMap::new();
    for org in orgs {
        urls.insert(org, lines.next().ok_or("the stub ended early")??);
    }
    Ok(Stub { process, urls })
}

/// Runs what has the word in its name, so many times, the contestants in turn.
pub fn all(rounds: usize, filter: &str) -> Result<Measured, Error> {
    let program = std::env::current_exe()?;
    let mut cases = plan::cases();
    cases.retain(|case| case.name.contains(filter));
    let stub = stub(&program, &cases)?;
    let folder = std::env::temp_dir().join(format!("sf-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let page = folder.join("page.csv");
    std::fs::write(&page, data::page(PAGE_ROWS))?;

    let mut samples: Vec<Vec<Vec<Sample>>> =
        cases.iter().map(|case| vec![Vec::new(); case.lines.len()]).collect();
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for (case, samples) in cases.iter().zip(&mut samples) {
            let url = stub.urls.get(&case.org).ok_or("an org without an address")?;
            for (line, samples) in case.lines.iter().zip(samples) {
                // The limit of reading has the page in a file, all others may write one.
                let file = match (line.who, line.task) {
                    ("bare", "structs" | "cells") => page.clone(),
                    _ => folder.join("out.csv"),
                };
                samples.push(one(&program, line, case.org, url, &file)?);
                if file != page {
                    drop(std::fs::remove_file(&file));
                }
            }
        }
    }
    std::fs::remove_dir_all(&folder)?;
    let medians = samples.into_iter().map(|lines| lines.into_iter().map(median).collect::<Vec<_>>());
    Ok(Measured { cases: cases.into_iter().zip(medians).collect() })
}

/// Runs one process and looks at what it left.
fn one(program: &Path, line: &Line, org: Org, url: &str, file: &PathBuf) -> Result<Sample, Error> {
    let Line { task, who, .. } = *line;
    let before = cpu_of_children()?;
    let begun = Instant::now();
    let output = Command::new(program)
        .args(["one", task, who, url, &org.rows.to_string()])
        .arg(file)
        .stderr(Stdio::inherit())
        .output()?;
    let wall = begun.elapsed();
    let cpu = cpu_of_children()?.saturating_sub(before);
    if !output.status.success() {
        return Err(format!("{who} failed at {task} of {org}").into());
    }
    let said = String::from_utf8(output.stdout)?;
    let (rows, peak) = said.trim().split_once(' ').ok_or("a contestant said nothing")?;
    if rows != "-" && rows.parse::<u64>()? != org.rows {
        return Err(format!("{who} has {rows} rows of {task} of {org}").into());
    }
    if matches!(task, "file" | "window") {
        let (pages, header) = (org.rows / org.page_rows, data::header().len() as u64);
        let body = data::page(org.page_rows).len() as u64 - header;
        let headers = if who == "ours" { 1 } else { pages };
        let (found, expected) = (std::fs::metadata(file)?.len(), pages * body + headers * header);
        if found != expected {
            return Err(format!("the file of {who} has {found} bytes, not {expected}").into());
        }
    }
    eprintln!(
        "  {task:8} {who:16} {org}: {:.3} s, {:.3} s cpu, {} kB",
        wall.as_secs_f64(),
        cpu.as_secs_f64(),
        peak
    );
    Ok(Sample { wall, cpu, peak: peak.parse::<u64>()? * 1024 })
}

/// Of those that were waited for; the org is not one of them.
fn cpu_of_children() -> Result<Duration, Error> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let of = |time: nix::sys::time::TimeVal| -> Result<Duration, Error> {
        Ok(Duration::from_secs(u64::try_from(time.tv_sec())?)
            + Duration::from_micros(u64::try_from(time.tv_usec())?))
    };
    Ok(of(usage.user_time())? + of(usage.system_time())?)
}

/// `VmHWM` in kB. Not `ru_maxrss`, which begins with what the parent had when it forked.
pub fn peak_of_this_process() -> Result<u64, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Of each figure by itself.
fn median(samples: Vec<Sample>) -> Sample {
    fn middle<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
        let mut values: Vec<T> = values.collect();
        values.sort_unstable();
        values[values.len() / 2]
    }
    Sample {
        wall: middle(samples.iter().map(|s| s.wall)),
        cpu: middle(samples.iter().map(|s| s.cpu)),
        peak: middle(samples.iter().map(|s| s.peak)),
    }
}
