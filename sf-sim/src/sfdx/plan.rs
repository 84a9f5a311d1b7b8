//! Data plans: files of records that refer to each other by name.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Map, Value as Json};

use super::Loaded;
use super::error::LoadError;
use super::project::{self, Project, entries, file_name};
use crate::id::RecordId;
use crate::schema::Type;
use crate::store::Store;

/// Adds the records of every plan in the project's `data` folder.
pub(super) fn load(project: &Project, store: &mut Store, loaded: &mut Loaded) -> Result<(), LoadError> {
    let folder = project.root.join("data");
    if !folder.is_dir() {
        return Ok(());
    }
    let is_plan = |name: &str| name.to_ascii_lowercase().contains("plan") && name.ends_with(".json");
    for plan in entries(&folder)?.into_iter().filter(|entry| is_plan(&file_name(entry))) {
        load_plan(&plan, &folder, store, loaded)?;
    }
    Ok(())
}

fn load_plan(plan: &Path, folder: &Path, store: &mut Store, loaded: &mut Loaded) -> Result<(), LoadError> {
    let json = project::json(plan)?;
    let steps = json.as_array().ok_or_else(|| {
        LoadError::new(plan, "is no list of steps")
            .hint(r#"A data plan is [{"sobject": "Account", "files": ["Accounts.json"]}, …]."#)
    })?;
    let mut references = HashMap::new();
    for step in steps {
        let object = step["sobject"].as_str().unwrap_or_default();
        let files: Vec<&str> =
            step["files"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        if object.is_empty() || files.is_empty() {
            return Err(LoadError::new(plan, format!("has a step without sobject or files: {step}"))
                .hint("Give each step both."));
        }
        for file in files {
            let mut import = Import {
                file: &folder.join(file),
                text: String::new(),
                save: step["saveRefs"] != false,
                resolve: step["resolveRefs"] != false,
                store,
                references: &mut references,
                loaded,
            };
            import.run(object)?;
        }
    }
    Ok(())
}

/// One file of records on its way into the store.
struct Import<'a> {
    file: &'a Path,
    text: String,
    save: bool,
    resolve: bool,
    store: &'a mut Store,
    references: &'a mut HashMap<String, RecordId>,
    loaded: &'a mut Loaded,
}

impl Import<'_> {
    fn run(&mut self, object: &str) -> Result<(), LoadError> {
        let json = project::json(self.file)?;
        self.text = project::text(self.file)?;
        let records = records(&json).ok_or_else(|| {
            LoadError::new(self.file, "holds no list of records").hint(r#"Expected {"records": […]}."#)
        })?;
        records.iter().try_for_each(|record| self.insert(object, record, None))
    }

    /// Adds a record and then the children that stand in it.
    fn insert(
        &mut self,
        object: &str,
        record: &Json,
        parent: Option<(&str, RecordId)>,
    ) -> Result<(), LoadError> {
        let record = record
            .as_object()
            .ok_or_else(|| LoadError::new(self.file, "holds a record that is no object"))?;
        let attributes = record.get("attributes").unwrap_or(&Json::Null);
        let object = attributes["type"].as_str().unwrap_or(object);
        let reference = attributes["referenceId"].as_str().unwrap_or_default();
        let (children, fields): (Vec<_>, Vec<_>) = record
            .iter()
            .filter(|(key, _)| *key != "attributes")
            .partition(|(_, value)| records(value).is_some());
        let mut body = Map::new();
        for (key, value) in fields {
            body.insert(key.clone(), self.resolved(object, reference, key, value)?);
        }
        if let Some((field, id)) = parent {
            body.insert(field.to_owned(), id.text18().into());
        }
        let user = self.store.running_user();
        let id = self.store.insert_json(object, &body, user).map_err(|error| {
            self.error(reference, format!("the {object} record {reference} is refused: {error}"))
                .hint("Mend the record, or the metadata of its object.")
        })?;
        let name = self.store.catalog().get(object).map_or(object, |def| &def.name).to_owned();
        *self.loaded.rows.entry(name).or_default() += 1;
        if self.save && !reference.is_empty() {
            self.references.insert(reference.to_owned(), id);
        }
        for (relationship, value) in children {
            let child = self.store.catalog().child(object, relationship);
            let names = child.map(|(child, field)| (child.name.clone(), field.name.clone()));
            let (child, field) = names.ok_or_else(|| {
                self.error(reference, format!("{object} has no child relationship {relationship}"))
                    .hint("Use the relationshipName of the child's lookup, with __r for a custom one.")
            })?;
            for record in records(value).into_iter().flatten() {
                self.insert(&child, record, Some((&field, id)))?;
            }
        }
        Ok(())
    }

    /// A value with `@Name` in a reference field replaced by the id of the record of that name.
    fn resolved(&self, object: &str, record: &str, key: &str, value: &Json) -> Result<Json, LoadError> {
        let field = self.store.catalog().get(object).and_then(|def| def.field(key));
        let is_reference = field.is_some_and(|(_, f)| f.ty == Type::Reference);
        let Some(name) =
            value.as_str().and_then(|text| text.strip_prefix('@')).filter(|_| is_reference && self.resolve)
        else {
            return Ok(value.clone());
        };
        let id = self.references.get(name).ok_or_else(|| {
            self.error(
                record,
                format!(
                    "{key} of the {object} record {record} refers to @{name}, which no earlier record has"
                ),
            )
            .hint("List the file with that referenceId in an earlier step of the plan, with saveRefs true.")
        })?;
        Ok(id.text18().into())
    }

    /// An error about the record of this name, with its line.
    fn error(&self, reference: &str, message: String) -> LoadError {
        let quoted = format!("\"{reference}\"");
        let line = self.text.lines().position(|line| line.contains("referenceId") && line.contains(&quoted));
        let error = LoadError::new(self.file, message);
        match line {
            Some(line) => error.at_line(line + 1),
            None => error,
        }
    }
}

fn records(json: &Json) -> Option<&Vec<Json>> {
    json.get("records")?.as_array()
}
