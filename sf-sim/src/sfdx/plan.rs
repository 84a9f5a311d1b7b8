//! Data plans: files of records that refer to each other by name, as `sf data import tree --plan` takes them.

mod find;
mod import;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::error::LoadError;
use super::project::{self, Project};
use super::{Absent, Loaded};
use crate::id::RecordId;
use crate::store::Store;
use import::Import;

/// The ids of records by the names that plans have for them.
type References = HashMap<String, RecordId>;

/// What all plans of a project share.
struct Load<'a> {
    project: &'a Project,
    store: &'a mut Store,
    loaded: &'a mut Loaded,
    absent: &'a Absent,
    /// Which plan is loaded, counted from one.
    plan: usize,
    /// By a file that is loaded: the names of its records. A file that stands in two plans is loaded once.
    files: HashMap<PathBuf, References>,
    /// The names of records that are left out.
    gone: HashSet<String>,
    /// What is noted, so that it is noted once.
    noted: HashSet<String>,
}

impl Load<'_> {
    fn note(&mut self, text: String) {
        if self.noted.insert(text.clone()) {
            self.loaded.notes.push(text);
        }
    }
}

/// A record that waits for one that comes later, with its file and its object.
type Waiting = (PathBuf, String, Json);

/// What a plan leaves until the others are loaded: records that refer to what is not its own, and its names.
type Unfinished = (Vec<Waiting>, References);

/// Adds the records of every plan in the project's folders of data.
pub(super) fn load(
    project: &Project,
    folders: &[PathBuf],
    absent: &Absent,
    store: &mut Store,
    loaded: &mut Loaded,
) -> Result<(), LoadError> {
    let found = find::find(project, folders)?;
    loaded.notes.extend(found.notes);
    let (files, gone, noted) = (HashMap::new(), HashSet::new(), HashSet::new());
    let mut load = Load { project, store, loaded, absent, plan: 0, files, gone, noted };
    let mut named = HashSet::new();
    let mut unfinished = Vec::new();
    for (plan, json) in &found.plans {
        load.plan += 1;
        unfinished.push(load_plan(plan, json, &mut load, &mut named)?);
    }
    finish(unfinished, &mut load)?;
    for (file, records) in found.trees {
        if !named.contains(&real(&file)) {
            let file = load.project.shown(&file);
            load.note(format!("{file}: no plan names this file; its {records} records are left out"));
        }
    }
    Ok(())
}

fn real(file: &Path) -> PathBuf {
    std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned())
}

fn load_plan(
    plan: &Path,
    json: &Json,
    load: &mut Load<'_>,
    named: &mut HashSet<PathBuf>,
) -> Result<Unfinished, LoadError> {
    let steps = json.as_array().map(Vec::as_slice).unwrap_or_default();
    let folder = plan.parent().unwrap_or(plan);
    let mut references = References::new();
    let mut waiting: Vec<Waiting> = Vec::new();
    for step in steps {
        let object = step["sobject"].as_str().unwrap_or_default();
        let files: Vec<&str> = step["files"].as_array().into_iter().flatten().filter_map(file_of).collect();
        if object.is_empty() || files.is_empty() {
            return Err(LoadError::new(plan, format!("has a step without sobject or files: {step}"))
                .hint("Give each step both."));
        }
        for file in files {
            let file = folder.join(file);
            let key = real(&file);
            named.insert(key.clone());
            if let Some(known) = load.files.get(&key) {
                references.extend(known.iter().map(|(name, id)| (name.clone(), *id)));
                let file = load.project.shown(&file);
                load.note(format!("{file}: stands in a plan twice; its records are added once"));
                continue;
            }
            let before = references.len();
            load_file(&file, object, load, &mut references, &mut waiting)?;
            let mine = if before == 0 { references.clone() } else { names_in(&file, &references)? };
            load.files.insert(key, mine);
        }
    }
    waiting = add_ready(waiting, load, &mut references)?;
    Ok((waiting, references))
}

/// An entry of `files`: a name, or as older plans had it an object with one.
fn file_of(entry: &Json) -> Option<&str> {
    entry.as_str().or_else(|| entry["file"].as_str())
}

/// The references of one file's own records.
fn names_in(file: &Path, references: &References) -> Result<References, LoadError> {
    let json = project::json(file)?;
    let mut names = References::new();
    let mut todo: Vec<&Json> = vec![&json];
    while let Some(json) = todo.pop() {
        match json {
            Json::Array(items) => todo.extend(items),
            Json::Object(map) => {
                let name = map.get("attributes").and_then(|a| a["referenceId"].as_str());
                if let Some((name, id)) = name.and_then(|name| references.get_key_value(name)) {
                    names.insert(name.clone(), *id);
                }
                todo.extend(map.values());
            }
            _ => {}
        }
    }
    Ok(names)
}

fn load_file(
    file: &Path,
    object: &str,
    load: &mut Load<'_>,
    references: &mut References,
    waiting: &mut Vec<Waiting>,
) -> Result<(), LoadError> {
    let json = project::json(file)?;
    let records = records(&json).ok_or_else(|| {
        LoadError::new(file, "holds no list of records").hint(r#"Expected {"records": […]}."#)
    })?;
    let mut import = Import::new(file, load, references);
    for record in records {
        if import.waits(object, record) {
            waiting.push((file.to_owned(), object.to_owned(), record.clone()));
        } else {
            import.insert(object, record)?;
        }
    }
    Ok(())
}

/// Adds the records that refer to later ones, as soon as those are there; gives those whose are not.
fn add_ready(
    mut waiting: Vec<Waiting>,
    load: &mut Load<'_>,
    references: &mut References,
) -> Result<Vec<Waiting>, LoadError> {
    loop {
        let before = waiting.len();
        let mut still = Vec::new();
        for (file, object, record) in waiting {
            let mut import = Import::new(&file, load, references);
            if import.waits(&object, &record) {
                still.push((file, object, record));
            } else {
                import.insert(&object, &record)?;
            }
        }
        if still.is_empty() || still.len() == before {
            return Ok(still);
        }
        waiting = still;
    }
}

/// Adds what refers to the records of other plans: some list only a part of what they need.
fn finish(mut plans: Vec<Unfinished>, load: &mut Load<'_>) -> Result<(), LoadError> {
    loop {
        let mut all = References::new();
        for (name, id) in plans.iter().flat_map(|(_, references)| references) {
            all.entry(name.clone()).or_insert(*id);
        }
        let before: usize = plans.iter().map(|(waiting, _)| waiting.len()).sum();
        for (waiting, references) in &mut plans {
            if waiting.is_empty() {
                continue;
            }
            for (name, id) in &all {
                references.entry(name.clone()).or_insert(*id);
            }
            *waiting = add_ready(std::mem::take(waiting), load, references)?;
        }
        let left: usize = plans.iter().map(|(waiting, _)| waiting.len()).sum();
        if left == 0 {
            return Ok(());
        }
        if left == before {
            break;
        }
    }
    // Nothing else can come: the first that is left tells which name is meant.
    let first = plans.iter_mut().find(|(waiting, _)| !waiting.is_empty());
    first.map_or(Ok(()), |(waiting, references)| {
        let (file, object, record) = &waiting[0];
        Import::new(file, load, references).insert(object, record)
    })
}

fn records(json: &Json) -> Option<&Vec<Json>> {
    json.get("records")?.as_array()
}
