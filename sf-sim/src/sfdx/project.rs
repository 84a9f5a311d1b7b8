//! Finds the files of a project.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::LoadError;
use super::ignore::Ignore;

const FILE: &str = "sfdx-project.json";

/// Folders whose inside is no metadata of its own, whatever the names in it.
const CLOSED: [&str; 6] = ["lwc", "aura", "experiences", "staticresources", "bots", "node_modules"];

/// A project's folders.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) root: PathBuf,
    pub(super) packages: Vec<PathBuf>,
    /// What stands in `sfdx-project.json` and has no effect.
    pub(super) notes: Vec<String>,
    ignore: Ignore,
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
        return Err(no_project(&root));
    }
    let json = json(&file)?;
    let mut notes = Vec::new();
    let mut packages: Vec<PathBuf> = Vec::new();
    for entry in json["packageDirectories"].as_array().into_iter().flatten() {
        match entry["path"].as_str() {
            Some(path) if packages.contains(&root.join(path)) => {}
            Some(path) => packages.push(root.join(path)),
            None => notes.push(format!("{FILE}: a package directory without path is passed over: {entry}")),
        }
    }
    if packages.is_empty() {
        return Err(LoadError::new(&file, "names no packageDirectories")
            .hint(r#"Add "packageDirectories": [{"path": "force-app", "default": true}]."#));
    }
    // A folder that would be empty is not kept by git; a project in which nothing is there is a slip.
    let (packages, gone): (Vec<_>, Vec<_>) = packages.into_iter().partition(|package| package.is_dir());
    if let (true, Some(missing)) = (packages.is_empty(), gone.first()) {
        return Err(LoadError::new(&file, format!("names {}, which is no folder", missing.display()))
            .hint("Mend packageDirectories, or check the project out completely."));
    }
    let ignore = Ignore::read(&root)?;
    let mut project = Project { root, packages, notes, ignore };
    for missing in &gone {
        project.notes.push(format!("{FILE}: names {}, which is no folder", project.shown(missing)));
    }
    if let Some(namespace) = json["namespace"].as_str().filter(|namespace| !namespace.is_empty()) {
        project.notes.push(format!(
            "{FILE}: the namespace {namespace} is not emulated; names stand without {namespace}__"
        ));
    }
    Ok(project)
}

fn no_project(root: &Path) -> LoadError {
    let older = ["src/package.xml", "package.xml", "src/objects"];
    match older.iter().find(|path| root.join(path).exists()) {
        Some(found) => LoadError::new(
            root,
            format!("holds no {FILE} but {found}: it has the Metadata API's format, which is not read"),
        )
        .hint("Convert it by `sf project convert mdapi`, and name the root folder of the SFDX project."),
        None => LoadError::new(root, format!("holds no {FILE}"))
            .hint("Name the root folder of an SFDX project, the one in which `sf project` commands run."),
    }
}

/// The metadata folders of a project.
#[derive(Debug, Default)]
pub(super) struct Folders {
    /// Named `objects`.
    pub(super) objects: Vec<PathBuf>,
    /// Named `globalValueSets`.
    pub(super) value_sets: Vec<PathBuf>,
    /// Named `customMetadata`.
    pub(super) custom_metadata: Vec<PathBuf>,
    /// Named `data`: where sample records are kept.
    pub(super) data: Vec<PathBuf>,
    /// The names of all others.
    pub(super) others: Vec<String>,
}

impl Project {
    /// Every metadata folder, in the order of the package directories.
    pub(super) fn folders(&self) -> Result<Folders, LoadError> {
        let mut found = Folders::default();
        // A package directory may lie in another, and a link may lead back.
        let mut seen = HashSet::new();
        for package in &self.packages {
            self.walk(package, false, &mut seen, &mut found)?;
        }
        found.others.sort();
        found.others.dedup();
        Ok(found)
    }

    fn walk(
        &self,
        folder: &Path,
        named: bool,
        seen: &mut HashSet<PathBuf>,
        found: &mut Folders,
    ) -> Result<(), LoadError> {
        if !seen.insert(fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())) {
            return Ok(());
        }
        let name = file_name(folder);
        let to = match name.to_ascii_lowercase().as_str() {
            "objects" => &mut found.objects,
            "globalvaluesets" => &mut found.value_sets,
            "custommetadata" => &mut found.custom_metadata,
            closed if CLOSED.contains(&closed) => {
                found.others.push(name);
                return Ok(());
            }
            other => {
                let is_data = other == "data";
                let entries = self.entries(folder)?;
                let metadata = entries.iter().any(|entry| file_name(entry).ends_with("-meta.xml"));
                if metadata && !named {
                    found.others.push(name);
                }
                if is_data {
                    found.data.push(folder.to_owned());
                }
                for entry in entries.into_iter().filter(|entry| entry.is_dir()) {
                    self.walk(&entry, named || metadata, seen, found)?;
                }
                return Ok(());
            }
        };
        to.push(folder.to_owned());
        Ok(())
    }

    /// What a folder holds, by name, without what is hidden or stands in `.forceignore`.
    pub(super) fn entries(&self, folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
        let mut entries = entries(folder)?;
        entries.retain(|entry| {
            let below = entry.strip_prefix(&self.root).unwrap_or(entry);
            !self.ignore.takes(below, entry.is_dir())
        });
        Ok(entries)
    }

    /// A path as notes show it: from the root of the project.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

pub(super) fn text(path: &Path) -> Result<String, LoadError> {
    let text = fs::read_to_string(path).map_err(|error| {
        LoadError::new(path, format!("cannot be read as text: {error}"))
            .hint("Check that it exists, may be read and is UTF-8.")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

pub(super) fn json(path: &Path) -> Result<serde_json::Value, LoadError> {
    serde_json::from_str(&text(path)?).map_err(|error| {
        LoadError::new(path, format!("is no valid JSON: {error}"))
            .at_line(error.line())
            .hint("Mend the syntax.")
    })
}

/// What a folder holds, by name, without what is hidden.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let unreadable = |error: std::io::Error| {
        LoadError::new(folder, format!("cannot be listed: {error}")).hint("Check that it may be read.")
    };
    let entries: Result<Vec<_>, _> =
        fs::read_dir(folder).map_err(unreadable)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut entries = entries.map_err(unreadable)?;
    entries.retain(|entry| !file_name(entry).starts_with('.'));
    entries.sort();
    Ok(entries)
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The name before `.field-meta.xml` and the like.
pub(super) fn metadata_name(path: &Path, suffix: &str) -> Option<String> {
    file_name(path).strip_suffix(suffix).map(str::to_owned)
}
