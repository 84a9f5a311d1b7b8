//! Finds the files of a project.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::LoadError;

const FILE: &str = "sfdx-project.json";

/// A project's folders.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) root: PathBuf,
    pub(super) packages: Vec<PathBuf>,
}

/// Reads `sfdx-project.json`.
pub(super) fn open(path: &Path) -> Result<Project, LoadError> {
    let root = if path.file_name().is_some_and(|name| name == FILE) {
        path.parent().unwrap_or(path).to_owned()
    } else {
        path.to_owned()
    };
    let file = root.join(FILE);
    if !file.is_file() {
        return Err(LoadError::new(&root, format!("holds no {FILE}"))
            .hint("Name the root folder of an SFDX project, the one in which `sf project` commands run."));
    }
    let json = json(&file)?;
    let packages: Vec<PathBuf> = json["packageDirectories"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|package| package["path"].as_str())
        .map(|package| root.join(package))
        .collect();
    if packages.is_empty() {
        return Err(LoadError::new(&file, "names no packageDirectories")
            .hint(r#"Add "packageDirectories": [{"path": "force-app", "default": true}]."#));
    }
    if let Some(missing) = packages.iter().find(|package| !package.is_dir()) {
        return Err(LoadError::new(&file, format!("names {}, which is no folder", missing.display()))
            .hint("Mend packageDirectories, or check the project out completely."));
    }
    Ok(Project { root, packages })
}

pub(super) fn text(path: &Path) -> Result<String, LoadError> {
    fs::read_to_string(path).map_err(|error| {
        LoadError::new(path, format!("cannot be read as text: {error}"))
            .hint("Check that it exists, may be read and is UTF-8.")
    })
}

pub(super) fn json(path: &Path) -> Result<serde_json::Value, LoadError> {
    serde_json::from_str(&text(path)?).map_err(|error| {
        LoadError::new(path, format!("is no valid JSON: {error}"))
            .at_line(error.line())
            .hint("Mend the syntax.")
    })
}

/// What a folder holds, by name.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let unreadable = |error: std::io::Error| {
        LoadError::new(folder, format!("cannot be listed: {error}")).hint("Check that it may be read.")
    };
    let entries: Result<Vec<_>, _> =
        fs::read_dir(folder).map_err(unreadable)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut entries = entries.map_err(unreadable)?;
    entries.sort();
    Ok(entries)
}

/// Every folder of this name in a tree, and the names of the metadata folders beside them.
pub(super) fn folders_named(
    root: &Path,
    name: &str,
    others: &mut Vec<String>,
) -> Result<Vec<PathBuf>, LoadError> {
    let mut found = Vec::new();
    let mut todo = vec![root.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in entries(&folder)?.into_iter().filter(|entry| entry.is_dir()) {
            if file_name(&entry) == name {
                found.push(entry);
            } else if holds_metadata(&entry)? {
                others.push(file_name(&entry));
            } else {
                todo.push(entry);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a folder's own files are metadata of some kind, or components that bring theirs along.
fn holds_metadata(folder: &Path) -> Result<bool, LoadError> {
    Ok(entries(folder)?.iter().any(|entry| file_name(entry).ends_with("-meta.xml"))
        || matches!(file_name(folder).as_str(), "lwc" | "aura" | "experiences" | "staticresources" | "bots"))
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The name before `.field-meta.xml` and the like.
pub(super) fn metadata_name(path: &Path, suffix: &str) -> Option<String> {
    file_name(path).strip_suffix(suffix).map(str::to_owned)
}
