//! `<CustomMetadata>`: the records of custom metadata types.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use roxmltree::Node;

use super::Loaded;
use super::error::LoadError;
use super::project::{Project, metadata_name};
use super::xml::{self, child, children, text};
use crate::id::RecordId;
use crate::schema::Type;
use crate::store::Store;
use crate::value::Value;

/// One record as its file has it.
struct Record {
    /// The type, with its ending.
    object: String,
    name: String,
    label: String,
    file: String,
    values: Vec<(String, String)>,
}

/// Adds the records in these folders.
pub(super) fn load(
    project: &Project,
    folders: &[PathBuf],
    store: &mut Store,
    loaded: &mut Loaded,
) -> Result<(), LoadError> {
    let mut records = Vec::new();
    for folder in folders {
        for file in project.entries(folder)? {
            let name = metadata_name(&file, ".md-meta.xml").or_else(|| metadata_name(&file, ".md"));
            match name.as_deref().and_then(|name| name.split_once('.')) {
                Some((of, name)) => records.push(read(project, &file, of, name, loaded)?),
                None => loaded.notes.push(format!("{}: no record, passed over", project.shown(&file))),
            }
        }
    }
    let mut unknown: HashMap<String, usize> = HashMap::new();
    records.retain(|record| {
        let known = store.catalog().get(&record.object).is_some();
        if !known {
            *unknown.entry(record.object.clone()).or_default() += 1;
        }
        known
    });
    let mut unknown: Vec<_> = unknown.into_iter().collect();
    unknown.sort();
    for (object, count) in unknown {
        loaded.notes.push(format!("{object}: not defined here; {count} records are left out"));
    }
    insert_all(records, store, loaded);
    Ok(())
}

fn read(
    project: &Project,
    file: &Path,
    of: &str,
    name: &str,
    loaded: &mut Loaded,
) -> Result<Record, LoadError> {
    let text_of = xml::read(project, file, &mut loaded.notes)?;
    let document = xml::parse(file, &text_of, "CustomMetadata")?;
    let root = document.root_element();
    let value = |node: Node<'_, '_>| {
        // White space may be meant here.
        let value = child(node, "value")?.text()?;
        Some((text(node, "field")?.to_owned(), value.to_owned()))
    };
    Ok(Record {
        object: format!("{of}__mdt"),
        name: name.to_owned(),
        label: text(root, "label").unwrap_or(name).to_owned(),
        file: project.shown(file),
        values: children(root, "values").filter_map(value).collect(),
    })
}

/// Adds records after those that they refer to; what refers to none is noted.
fn insert_all(mut records: Vec<Record>, store: &mut Store, loaded: &mut Loaded) {
    let mut ids: HashMap<String, RecordId> = HashMap::new();
    let mut last = false;
    while !records.is_empty() {
        let before = records.len();
        let mut waiting = Vec::new();
        for record in records {
            match values(&record, store, &ids, last, loaded) {
                Some(values) => insert(&record, values, store, &mut ids, loaded),
                None => waiting.push(record),
            }
        }
        // Those that are left refer to each other or to nothing: they come without.
        last = waiting.len() == before;
        records = waiting;
    }
}

fn key(object: &str, name: &str) -> String {
    format!("{object}.{name}").to_ascii_lowercase()
}

/// The values of a record; none while it refers to one that is not there.
fn values(
    record: &Record,
    store: &Store,
    ids: &HashMap<String, RecordId>,
    last: bool,
    loaded: &mut Loaded,
) -> Option<Vec<(String, Value)>> {
    let object = store.catalog().get(&record.object)?;
    let mut out = vec![
        ("DeveloperName".to_owned(), Value::text(record.name.as_str())),
        ("MasterLabel".to_owned(), Value::text(record.label.as_str())),
        ("Label".to_owned(), Value::text(record.label.as_str())),
        ("QualifiedApiName".to_owned(), Value::text(record.name.as_str())),
        ("Language".to_owned(), Value::text("en_US")),
    ];
    let mut notes = Vec::new();
    for (name, value) in &record.values {
        let Some((_, field)) = object.field(name) else {
            notes.push(format!("{}: {} has no {name} here", record.file, object.name));
            continue;
        };
        if field.ty != Type::Reference {
            out.push((name.clone(), Value::text(value.as_str())));
            continue;
        }
        let found = field.reference_to.iter().find_map(|target| ids.get(&key(target, value.trim())));
        match found {
            Some(id) => out.push((name.clone(), Value::Id(*id))),
            None if last => notes.push(format!("{}: its {name} {value} is not there", record.file)),
            None => return None,
        }
    }
    loaded.notes.extend(notes);
    Some(out)
}

fn insert(
    record: &Record,
    values: Vec<(String, Value)>,
    store: &mut Store,
    ids: &mut HashMap<String, RecordId>,
    loaded: &mut Loaded,
) {
    let user = store.running_user();
    match store.place(&record.object, values, user) {
        Ok(id) => {
            let object = store.catalog().get(&record.object).map_or(&record.object, |def| &def.name);
            *loaded.rows.entry(object.clone()).or_default() += 1;
            ids.insert(key(&record.object, &record.name), id);
        }
        Err(error) => loaded.notes.push(format!("{}: left out: {error}", record.file)),
    }
}
