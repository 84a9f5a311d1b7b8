//! What is wrong after all lives: rows missing, repeated more than allowed, pages read again.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;
use sf_kafka::kafka::LogRecord;
use sf_sim::fault::Route;

use super::org::{BUSY, QUIET, Version};
use super::trial::{Life, Trial, records};

/// What a violation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The last version of a row is not the last that was delivered of it.
    Missing,
    /// A record that is no row of the org.
    Unknown,
    /// More rows of a table delivered again after a kill than a page has, or other than the place of the kill says.
    Repeated,
    /// A page fetched again although the offset behind it was stored.
    FetchedAgain,
}

/// What the org, its journal and the topics tell about a trial.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) violations: Vec<(Kind, String)>,
    pub(crate) records: usize,
    pub(crate) repeated: u64,
    /// Rows that each life delivered again, and rows that it delivered.
    lives: Vec<(u64, u64)>,
}

/// A record's value, as far as it tells the version of a row.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    id: String,
    system_modstamp: i64,
    #[serde(rename = "Edition__c")]
    edition: i64,
    is_deleted: bool,
}

impl Findings {
    pub(crate) async fn of(trial: &Trial) -> Self {
        let mut found = Self { lives: vec![(0, 0); trial.lives.len()], ..Self::default() };
        for (table, topic) in [(BUSY, &trial.topics.busy), (QUIET, &trial.topics.quiet)] {
            found.look_at(trial, table, &records(trial, topic).await);
        }
        found.look_for_pages_fetched_again(trial, &records(trial, &trial.topics.offsets).await);
        found
    }

    /// The kinds of violations, each once.
    pub(crate) fn kinds(&self) -> BTreeSet<Kind> {
        self.violations.iter().map(|(kind, _)| *kind).collect()
    }

    /// A line for each place at which the connector ended: how often, what it had delivered by then, and what was
    /// repeated afterwards.
    pub(crate) fn ends(&self, trial: &Trial) -> Vec<String> {
        let mut ends: BTreeMap<(bool, &str), (u64, u64, u64)> = BTreeMap::new();
        for (life, ended) in trial.lives.iter().enumerate() {
            let end = ends.entry((ended.killed, &ended.ended)).or_default();
            end.0 += 1;
            end.1 += self.lives[life].1;
            end.2 += self.lives.get(life + 1).map_or(0, |next| next.0);
        }
        let lines = ends.into_iter().map(|((killed, at), (times, delivered, repeated))| {
            let how = if killed { "killed" } else { "stopped" };
            format!("  {how} {times} times {at}: {delivered} records before, {repeated} repeated after")
        });
        lines.collect()
    }

    fn report(&mut self, kind: Kind, text: String) {
        self.violations.push((kind, text));
    }

    /// Compares the records of a topic, each partition in order, with the rows of its table.
    fn look_at(&mut self, trial: &Trial, table: &'static str, records: &[LogRecord]) {
        let newest = trial.org.newest(table);
        let mut last: HashMap<String, Version> = HashMap::new();
        let mut seen: HashSet<(String, Version)> = HashSet::new();
        let mut repeated = vec![0_u64; trial.lives.len()];
        let mut unknown = 0_usize;
        for record in records {
            let row: Row = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
            let version = (row.system_modstamp, row.edition, row.is_deleted);
            unknown += usize::from(!newest.contains_key(&row.id));
            let life = life_of(&trial.lives, table, record);
            self.lives[life].1 += 1;
            if !seen.insert((row.id.clone(), version)) {
                repeated[life] += 1;
            }
            last.insert(row.id, version);
        }
        self.records += records.len();
        self.repeated += repeated.iter().sum::<u64>();

        let missing: Vec<_> = newest.iter().filter(|(id, version)| last.get(*id) != Some(version)).collect();
        if let Some((id, version)) = missing.first() {
            let text = format!(
                "{} of {} rows of {table}, such as {id}: last written {version:?}, last delivered {:?}",
                missing.len(),
                newest.len(),
                last.get(*id),
            );
            self.report(Kind::Missing, text);
        }
        if unknown > 0 {
            self.report(Kind::Unknown, format!("{unknown} records of {table} are no rows of the org"));
        }
        for (life, repeated) in repeated.into_iter().enumerate() {
            self.lives[life].0 += repeated;
            let before = life.checked_sub(1).and_then(|before| trial.lives.get(before));
            let allowed = match before.map(|life| (life.killed, life.repeats)) {
                None => 0..=0,
                Some((_, Some((of, exactly)))) if of == table => exactly..=exactly,
                Some((killed, _)) => 0..=if killed { trial.scale.page } else { 0 },
            };
            if !allowed.contains(&repeated) {
                let at = before.map_or("nothing", |life| &life.ended);
                let text = format!(
                    "life {life}, after {at}, delivered {repeated} rows of {table} again, not {allowed:?}"
                );
                self.report(Kind::Repeated, text);
            }
        }
    }

    /// Compares the offsets that were stored with the pages that were fetched afterwards.
    fn look_for_pages_fetched_again(&mut self, trial: &Trial, offsets: &[LogRecord]) {
        let committed = committed(offsets);
        let mut life = 0;
        // Of each job in a life: the pages fetched, a page asked for several times in a row once.
        let mut fetched: HashMap<String, Vec<String>> = HashMap::new();
        for request in trial.org.sim.journal().of(&Route::Results) {
            while trial.lives.get(life).is_some_and(|life| life.request < request.number) {
                life += 1;
                fetched.clear();
            }
            let (_, job) = request.path.split_once("/jobs/query/").unwrap();
            let job = job[..15].to_owned();
            let locator = request.parameter("locator").unwrap_or_default().to_owned();
            let known_at_start = life.checked_sub(1).map_or(0, |before| trial.lives[before].offsets);
            let page = (job, locator);
            if committed.get(&page).is_some_and(|at| *at < known_at_start) {
                let text = format!("life {life} fetched page {:?} of job {} again", page.1, page.0);
                self.report(Kind::FetchedAgain, text);
            }
            let (job, locator) = page;
            let pages = fetched.entry(job).or_default();
            if pages.last() != Some(&locator) {
                if pages.contains(&locator) {
                    self.report(Kind::FetchedAgain, format!("life {life} went back to page {locator:?}"));
                }
                pages.push(locator);
            }
        }
    }
}

/// In which life a record was delivered.
fn life_of(lives: &[Life], table: &str, record: &LogRecord) -> usize {
    let partition = usize::try_from(record.partition).unwrap();
    lives.partition_point(|life| {
        let ends = if table == BUSY { &life.busy } else { &life.quiet };
        ends[partition] <= record.offset
    })
}

/// The pages behind which an offset stands, and where that one is in its topic: job and locator of a page.
fn committed(offsets: &[LogRecord]) -> BTreeMap<(String, String), i64> {
    let mut committed = BTreeMap::new();
    let mut before: HashMap<String, (String, String)> = HashMap::new();
    for record in offsets {
        let key: Value = serde_json::from_slice(record.key.as_deref().unwrap()).unwrap();
        let offset: Value = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
        let text = |name: &str| offset[name].as_str().unwrap().to_owned();
        let page = (text("jobId")[..15].to_owned(), text("locator"));
        let table = key[1]["table"].as_str().unwrap().to_owned();
        if let Some(last) = before.insert(table, page.clone())
            && last.0 == page.0
            && last.1 != page.1
        {
            committed.entry(last).or_insert(record.offset);
        }
    }
    committed
}
