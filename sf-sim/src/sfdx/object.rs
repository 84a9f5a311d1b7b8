//! `<CustomObject>`: custom objects, platform events, and fields on standard objects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use roxmltree::Node;

use super::Loaded;
use super::error::LoadError;
use super::field::{self, ValueSets};
use super::project::{self, Project, entries, file_name, metadata_name};
use super::xml::{self, child, children, is_true};
use crate::id::KeyPrefix;
use crate::schema::{FieldDef, ObjectDef, Type};
use crate::standard::table;
use crate::store::Store;

/// The fields that each custom object begins with; `@name` stands for its name field, `@owner` for the owner.
const SYSTEM: &str = "
IsDeleted | Deleted | boolean | d
@system
LastActivityDate | Last Activity Date | date | n
LastViewedDate | Last Viewed Date | datetime | n
LastReferencedDate | Last Referenced Date | datetime | n
";

const EVENT: &str = "
ReplayId | Replay ID | string(1000) | n | -filterable -sortable -groupable -aggregatable
CreatedDate | Created Date | datetime | | -filterable -sortable -aggregatable
CreatedById | Created By ID | reference(User) | | -filterable -sortable -groupable -aggregatable
EventUuid | Event UUID | string(36) | n | -filterable -sortable -groupable -aggregatable
";

/// Elements of an object that change nothing in what the API shows.
const SILENT: [&str; 33] = [
    "actionOverrides",
    "allowInChatterGroups",
    "compactLayoutAssignment",
    "deploymentStatus",
    "description",
    "enableActivities",
    "enableBulkApi",
    "enableFeeds",
    "enableHistory",
    "enableLicensing",
    "enableReports",
    "enableSearch",
    "enableSharing",
    "enableStreamingApi",
    "enableChangeDataCapture",
    "enableDivisions",
    "enableEnhancedLookup",
    "externalSharingModel",
    "sharingModel",
    "searchLayouts",
    "visibility",
    "label",
    "pluralLabel",
    "nameField",
    "eventType",
    "publishBehavior",
    "gender",
    "startsWith",
    "fullName",
    "fields",
    "customHelpPage",
    "customSettingsType",
    "recordTypeTrackHistory",
];

/// The parts of one object, from all package directories.
#[derive(Default)]
struct Parts {
    definition: Option<PathBuf>,
    fields: Vec<PathBuf>,
}

/// Defines the project's objects and fields.
pub(super) fn load(project: &Project, store: &mut Store, loaded: &mut Loaded) -> Result<(), LoadError> {
    let mut objects: BTreeMap<String, Parts> = BTreeMap::new();
    let mut sets = ValueSets::new();
    let mut unused = Vec::new();
    for package in &project.packages {
        let mut ignored = Vec::new();
        for folder in project::folders_named(package, "globalValueSets", &mut ignored)? {
            read_value_sets(&folder, &mut sets)?;
        }
        for folder in project::folders_named(package, "objects", &mut unused)? {
            collect(&folder, &mut objects, &mut loaded.notes)?;
        }
    }
    unused.retain(|name| name != "globalValueSets");
    unused.sort();
    unused.dedup();
    if !unused.is_empty() {
        loaded.notes.push(format!("not emulated: {}", unused.join(", ")));
    }
    for (name, parts) in &objects {
        load_one(name, parts, &sets, store, loaded)?;
    }
    set_rollup_types(store, loaded);
    note_missing_targets(store, loaded);
    Ok(())
}

fn read_value_sets(folder: &Path, sets: &mut ValueSets) -> Result<(), LoadError> {
    for file in entries(folder)? {
        let Some(name) = metadata_name(&file, ".globalValueSet-meta.xml") else { continue };
        let text = project::text(&file)?;
        let document = xml::parse(&file, &text, "GlobalValueSet")?;
        sets.insert(name, field::values(document.root_element(), "customValue"));
    }
    Ok(())
}

/// Sorts the files of an `objects` folder by object.
fn collect(
    folder: &Path,
    objects: &mut BTreeMap<String, Parts>,
    notes: &mut Vec<String>,
) -> Result<(), LoadError> {
    for object in entries(folder)?.into_iter().filter(|entry| entry.is_dir()) {
        let name = file_name(&object);
        let parts = objects.entry(name.clone()).or_default();
        let mut unused = Vec::new();
        for entry in entries(&object)? {
            if entry.is_dir() && file_name(&entry) == "fields" {
                let files = entries(&entry)?;
                parts.fields.extend(files.into_iter().filter(|f| file_name(f).ends_with(".field-meta.xml")));
            } else if file_name(&entry).ends_with(".object-meta.xml") {
                parts.definition = Some(entry);
            } else {
                unused.push(file_name(&entry));
            }
        }
        if !unused.is_empty() {
            notes.push(format!("{name}: not emulated: {}", unused.join(", ")));
        }
    }
    Ok(())
}

fn load_one(
    name: &str,
    parts: &Parts,
    sets: &ValueSets,
    store: &mut Store,
    loaded: &mut Loaded,
) -> Result<(), LoadError> {
    let mut fields = Vec::new();
    for file in &parts.fields {
        let Some(field_name) = metadata_name(file, ".field-meta.xml") else { continue };
        let text = project::text(file)?;
        let document = xml::parse(file, &text, "CustomField")?;
        read_field(name, &field_name, document.root_element(), sets, &mut fields, loaded);
    }
    let text = parts.definition.as_deref().map(project::text).transpose()?.unwrap_or_default();
    let document = match &parts.definition {
        Some(file) => Some(xml::parse(file, &text, "CustomObject")?),
        None => None,
    };
    let definition = document.as_ref().map(roxmltree::Document::root_element);
    for inline in definition.into_iter().flat_map(|d| children(d, "fields")) {
        let field_name = xml::text(inline, "fullName").unwrap_or_default();
        read_field(name, field_name, inline, sets, &mut fields, loaded);
    }
    if store.catalog().get(name).is_some() {
        if !fields.is_empty() {
            store.add_fields(name, fields);
            loaded.objects.push(name.to_owned());
        }
        return Ok(());
    }
    let (true, Some(definition)) = (name.ends_with("__c") || name.ends_with("__e"), definition) else {
        let count = parts.fields.len();
        loaded.notes.push(format!("{name}: this object is not emulated; {count} fields are left out"));
        return Ok(());
    };
    note_unknown(name, definition, loaded);
    let prefix = store.next_key_prefix(name.ends_with("__e"));
    let object = if name.ends_with("__e") {
        event(name, definition, prefix, fields)
    } else {
        custom_object(name, definition, prefix, fields)
    };
    store.define(object);
    loaded.objects.push(name.to_owned());
    Ok(())
}

fn read_field(
    object: &str,
    name: &str,
    node: Node<'_, '_>,
    sets: &ValueSets,
    fields: &mut Vec<FieldDef>,
    loaded: &mut Loaded,
) {
    if !name.ends_with("__c") {
        loaded.notes.push(format!("{object}.{name}: changes to standard fields have no effect here"));
        return;
    }
    let read = field::read(object, name, node, sets);
    loaded.notes.extend(read.notes);
    fields.extend(read.fields);
}

fn note_unknown(name: &str, definition: Node<'_, '_>, loaded: &mut Loaded) {
    let mut tags: Vec<_> =
        definition.children().filter(Node::is_element).map(|e| e.tag_name().name()).collect();
    tags.sort_unstable();
    tags.dedup();
    for tag in tags.into_iter().filter(|tag| !SILENT.contains(tag)) {
        loaded.notes.push(format!("{name}: <{tag}> has no effect here"));
    }
    if child(definition, "customSettingsType").is_some() {
        loaded.notes.push(format!("{name}: custom settings are kept as plain rows"));
    }
}

fn custom_object(name: &str, node: Node<'_, '_>, prefix: KeyPrefix, fields: Vec<FieldDef>) -> ObjectDef {
    let label = xml::text(node, "label").unwrap_or(name);
    let plural = xml::text(node, "pluralLabel").unwrap_or(label);
    let mut object = ObjectDef::new(name, label, plural, prefix);
    object.custom = true;
    object.custom_setting = child(node, "customSettingsType").is_some();
    object.feed_enabled = is_true(node, "enableFeeds");
    object.searchable = is_true(node, "enableSearch");
    object.supported_scopes = vec![
        ("everything".to_owned(), format!("All {}", plural.to_lowercase())),
        ("mine".to_owned(), format!("My {}", plural.to_lowercase())),
    ];
    object.add_field(FieldDef::new("Id", "Record ID", Type::Id));
    // A detail record belongs to whom its master belongs to.
    if !fields.iter().any(|f| f.relationship_order.is_some()) {
        object.add_field(owner());
    }
    let mut system = table::fields(SYSTEM);
    if !is_true(node, "enableActivities") {
        system.retain(|field| field.name != "LastActivityDate");
    }
    let mut system = system.into_iter();
    system.by_ref().take(1).for_each(|deleted| object.add_field(deleted));
    object.add_field(name_field(child(node, "nameField")));
    system.for_each(|field| object.add_field(field));
    fields.into_iter().for_each(|field| object.add_field(field));
    object
}

fn owner() -> FieldDef {
    let mut owner = FieldDef::new("OwnerId", "Owner ID", Type::Reference);
    owner.nillable = false;
    owner.permissionable = false;
    owner.defaulted_on_create = true;
    owner.reference_to = vec!["Group".to_owned(), "User".to_owned()];
    owner.relationship_name = Some("Owner".to_owned());
    owner
}

fn name_field(node: Option<Node<'_, '_>>) -> FieldDef {
    let label = node.and_then(|n| xml::text(n, "label")).unwrap_or("Name");
    let mut name = FieldDef::new("Name", label, Type::String);
    name.set_length(80);
    name.name_field = true;
    name.id_lookup = true;
    name.permissionable = false;
    name.defaulted_on_create = true;
    if node.and_then(|n| xml::text(n, "type")) == Some("AutoNumber") {
        field::set_auto_number(&mut name, node.and_then(|n| xml::text(n, "displayFormat")));
    }
    name
}

fn event(name: &str, node: Node<'_, '_>, prefix: KeyPrefix, fields: Vec<FieldDef>) -> ObjectDef {
    let label = xml::text(node, "label").unwrap_or(name);
    let mut object = ObjectDef::new(name, label, xml::text(node, "pluralLabel").unwrap_or(label), prefix);
    object.custom = true;
    object.event = true;
    object.compact_layoutable = false;
    object.deletable = false;
    object.layoutable = false;
    object.mru_enabled = false;
    object.queryable = false;
    object.replicateable = false;
    object.retrieveable = false;
    object.search_layoutable = false;
    object.searchable = false;
    object.undeletable = false;
    object.updateable = false;
    table::fields(EVENT).into_iter().for_each(|field| object.add_field(field));
    for mut field in fields {
        field.updateable = false;
        field.filterable = false;
        field.sortable = false;
        field.groupable = false;
        field.aggregatable = false;
        object.add_field(field);
    }
    object
}

/// A roll-up is of the type of what it sums up, which may be read after it.
fn set_rollup_types(store: &mut Store, loaded: &mut Loaded) {
    let mut changes = Vec::new();
    for object in store.catalog().iter() {
        for field in object.fields() {
            let Some(rollup) = &field.rollup else { continue };
            let child = store.catalog().get(&rollup.child);
            let reference = child.and_then(|child| child.field(&rollup.reference));
            let summed = rollup.field.as_ref().map(|name| child.and_then(|child| child.field(name)));
            let known = reference.is_some() && summed.is_none_or(|summed| summed.is_some());
            if !known {
                loaded.notes.push(format!(
                    "{}.{}: sums up {}.{}, which is not emulated; the field is always null",
                    object.name,
                    field.name,
                    rollup.child,
                    rollup.field.as_ref().unwrap_or(&rollup.reference)
                ));
            }
            changes.push((
                object.name.clone(),
                field.clone(),
                summed.flatten().map(|(_, f)| f.clone()),
                known,
            ));
        }
    }
    for (object, mut field, summed, known) in changes {
        if let Some(summed) = summed {
            (field.ty, field.precision, field.scale) = (summed.ty, summed.precision, summed.scale);
            // The sum of many is longer than one of them.
            field.precision = if field.ty.is_decimal() { 18 } else { 0 };
            (field.groupable, field.length) = (summed.groupable && !field.ty.is_decimal(), 0);
        }
        if !known {
            field.rollup = None;
        }
        store.add_fields(&object, vec![field]);
    }
}

fn note_missing_targets(store: &Store, loaded: &mut Loaded) {
    for object in store.catalog().iter().filter(|o| loaded.objects.contains(&o.name)) {
        for field in object.fields().iter().filter(|f| f.custom) {
            for target in field.reference_to.iter().filter(|t| store.catalog().get(t).is_none()) {
                loaded.notes.push(format!(
                    "{}.{}: points to {target}, which is not emulated; any id is taken",
                    object.name, field.name
                ));
            }
        }
    }
}
