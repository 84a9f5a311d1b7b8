//! Which files of a project are plans, and which hold records.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::super::error::LoadError;
use super::super::project::{self, Project, entries, file_name};

/// The files in the folders of data.
#[derive(Default)]
pub(super) struct Found {
    pub(super) plans: Vec<(PathBuf, Json)>,
    /// Files of records and how many each has.
    pub(super) trees: Vec<(PathBuf, usize)>,
    pub(super) notes: Vec<String>,
}

/// Looks through these folders, and through those of the project's root that are called after data.
pub(super) fn find(project: &Project, folders: &[PathBuf]) -> Result<Found, LoadError> {
    let mut all: Vec<PathBuf> = entries(&project.root)?
        .into_iter()
        .filter(|entry| entry.is_dir() && file_name(entry).to_ascii_lowercase().contains("data"))
        .filter(|entry| !project.packages.contains(entry))
        .collect();
    all.extend(
        folders
            .iter()
            .filter(|folder| !all.iter().any(|root| folder.starts_with(root)))
            .cloned()
            .collect::<Vec<_>>(),
    );
    let mut found = Found::default();
    for folder in all {
        look(project, &folder, &mut found)?;
    }
    Ok(found)
}

fn look(project: &Project, folder: &Path, found: &mut Found) -> Result<(), LoadError> {
    for entry in entries(folder)? {
        if entry.is_dir() && !entry.is_symlink() {
            look(project, &entry, found)?;
        } else if entry.extension().is_some_and(|end| end.eq_ignore_ascii_case("json")) {
            sort(project, entry, found)?;
        }
    }
    Ok(())
}

fn sort(project: &Project, file: PathBuf, found: &mut Found) -> Result<(), LoadError> {
    let called_plan = file_name(&file).to_ascii_lowercase().contains("plan");
    let json = match project::json(&file) {
        Ok(json) => json,
        Err(error) if called_plan => return Err(error),
        // A plan that names it will say what is wrong; otherwise it is none of ours.
        Err(_) => {
            found.trees.push((file, 0));
            return Ok(());
        }
    };
    let is_step = |step: &Json| step.get("sobject").is_some() && step.get("files").is_some();
    if let Some(records) = super::records(&json) {
        found.trees.push((file, records.len()));
    } else if json.as_array().is_some_and(|steps| steps.iter().any(is_step)) {
        found.plans.push((file, json));
    } else if called_plan && json.is_array() {
        return Err(LoadError::new(&file, "is no list of steps")
            .hint(r#"A data plan is [{"sobject": "Account", "files": ["Accounts.json"]}, …]."#));
    } else {
        found.notes.push(format!("{}: neither a plan nor a file of records", project.shown(&file)));
    }
    Ok(())
}
