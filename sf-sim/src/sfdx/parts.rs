//! Sorts the files of `objects` folders by object.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::LoadError;
use super::project::{Project, file_name, metadata_name};

/// The parts of one object, from all package directories.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// As the definition's file writes it, or the first folder.
    pub(super) name: String,
    pub(super) definitions: Vec<PathBuf>,
    pub(super) fields: Vec<PathBuf>,
    pub(super) record_types: Vec<PathBuf>,
}

/// Every object in these folders, by name.
pub(super) fn collect(
    project: &Project,
    folders: &[PathBuf],
    notes: &mut Vec<String>,
) -> Result<Vec<Parts>, LoadError> {
    // Names are the same in any case.
    let mut objects: BTreeMap<String, Parts> = BTreeMap::new();
    for folder in folders {
        for entry in project.entries(folder)? {
            let name = file_name(&entry);
            if entry.is_dir() {
                let parts = at(&mut objects, &name);
                read_folder(project, &entry, parts, notes)?;
            } else if let Some(name) = object_name(&entry) {
                define(project, at(&mut objects, &name), entry, notes);
            } else {
                notes.push(format!("{}: no object, passed over", project.shown(&entry)));
            }
        }
    }
    let mut objects: Vec<Parts> = objects.into_values().collect();
    objects.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(objects)
}

fn at<'a>(objects: &'a mut BTreeMap<String, Parts>, name: &str) -> &'a mut Parts {
    let parts = objects.entry(name.to_ascii_lowercase()).or_default();
    if parts.name.is_empty() {
        parts.name = name.to_owned();
    }
    parts
}

fn read_folder(
    project: &Project,
    folder: &Path,
    parts: &mut Parts,
    notes: &mut Vec<String>,
) -> Result<(), LoadError> {
    let mut unused = Vec::new();
    for entry in project.entries(folder)? {
        match (entry.is_dir(), file_name(&entry).to_ascii_lowercase().as_str()) {
            (true, "fields") => files(project, &entry, ".field-meta.xml", &mut parts.fields, notes)?,
            (true, "recordtypes") => {
                files(project, &entry, ".recordType-meta.xml", &mut parts.record_types, notes)?;
            }
            (false, _) if object_name(&entry).is_some() => define(project, parts, entry, notes),
            _ => unused.push(file_name(&entry)),
        }
    }
    if !unused.is_empty() {
        notes.push(format!("{}: not emulated: {}", parts.name, unused.join(", ")));
    }
    Ok(())
}

fn define(project: &Project, parts: &mut Parts, file: PathBuf, notes: &mut Vec<String>) {
    if let Some(name) = object_name(&file).filter(|name| name.eq_ignore_ascii_case(&parts.name)) {
        parts.name = name;
    }
    if let Some(before) = parts.definitions.last() {
        let (before, file) = (project.shown(before), project.shown(&file));
        notes.push(format!("{}: defined in {before} and again in {file}, which is used", parts.name));
    }
    parts.definitions.push(file);
}

/// The object's name where a file defines one; the Metadata API's own format has no `-meta.xml`.
fn object_name(file: &Path) -> Option<String> {
    metadata_name(file, ".object-meta.xml").or_else(|| metadata_name(file, ".object"))
}

/// The files of a folder that end so; what else is there is noted.
fn files(
    project: &Project,
    folder: &Path,
    suffix: &str,
    to: &mut Vec<PathBuf>,
    notes: &mut Vec<String>,
) -> Result<(), LoadError> {
    for file in project.entries(folder)? {
        if !file.is_dir() && file_name(&file).ends_with(suffix) {
            to.push(file);
        } else {
            notes.push(format!("{}: no file that ends in {suffix}, passed over", project.shown(&file)));
        }
    }
    Ok(())
}
