//! `<CustomObject>`: custom objects, platform events, and fields on standard objects.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use roxmltree::Node;

use super::error::LoadError;
use super::field::{self, ValueSets};
use super::parts::{self, Parts};
use super::project::{Folders, Project, metadata_name};
use super::record_type::{self, RecordTypes};
use super::xml::{self, child, children, is_true};
use super::{Absent, Loaded, links};
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

/// [Object Reference, "Custom Metadata Type__mdt"]; nothing but a deployment writes them.
const METADATA: &str = "
Id | Custom Metadata Record ID | id |
DeveloperName | Custom Metadata Record Name | string(40) | d
MasterLabel | Label | string(40) | | name
Language | Master Language | picklist(40) | d | restricted | *en_US=English; de=German; es=Spanish; fr=French; it=Italian; ja=Japanese; pt_BR=Portuguese (Brazil); zh_CN=Chinese (Simplified)
NamespacePrefix | Namespace Prefix | string(15) | n
Label | Label | string(40) |
QualifiedApiName | Qualified API Name | string(70) | n
SystemModstamp | System Modstamp | datetime | d
";

/// Elements of an object that change nothing in what the API shows.
const SILENT: [&str; 34] = [
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
    "recordTypes",
];

/// What the loading of objects works on.
struct Work<'a> {
    project: &'a Project,
    sets: ValueSets,
    store: &'a mut Store,
    loaded: &'a mut Loaded,
    absent: &'a mut Absent,
    record_types: Vec<RecordTypes>,
}

/// Defines the project's objects and fields.
pub(super) fn load(
    project: &Project,
    folders: &Folders,
    absent: &mut Absent,
    store: &mut Store,
    loaded: &mut Loaded,
) -> Result<(), LoadError> {
    let mut sets = ValueSets::new();
    for folder in &folders.value_sets {
        read_value_sets(project, folder, &mut sets, loaded)?;
    }
    let objects = parts::collect(project, &folders.objects, &mut loaded.notes)?;
    if !folders.others.is_empty() {
        loaded.notes.push(format!("not emulated: {}", folders.others.join(", ")));
    }
    let mut work = Work { project, sets, store, loaded, absent, record_types: Vec::new() };
    for parts in &objects {
        work.load_one(parts)?;
    }
    let record_types = work.record_types;
    record_type::install(record_types, store, loaded);
    links::settle(store, loaded);
    Ok(())
}

fn read_value_sets(
    project: &Project,
    folder: &Path,
    sets: &mut ValueSets,
    loaded: &mut Loaded,
) -> Result<(), LoadError> {
    for file in project.entries(folder)? {
        let Some(name) = metadata_name(&file, ".globalValueSet-meta.xml") else {
            loaded.notes.push(format!("{}: no global value set, passed over", project.shown(&file)));
            continue;
        };
        let text = xml::read(project, &file, &mut loaded.notes)?;
        let document = xml::parse(&file, &text, "GlobalValueSet")?;
        let values = field::values(document.root_element(), "customValue");
        if sets.insert(name.to_ascii_lowercase(), values).is_some() {
            loaded
                .notes
                .push(format!("{}: a second value set of this name, which is used", project.shown(&file)));
        }
    }
    Ok(())
}

impl Work<'_> {
    fn load_one(&mut self, parts: &Parts) -> Result<(), LoadError> {
        let mut fields = Fields::default();
        let mut types = RecordTypes::new(&parts.name);
        for file in &parts.fields {
            let Some(file_name) = metadata_name(file, ".field-meta.xml") else { continue };
            let text = xml::read(self.project, file, &mut self.loaded.notes)?;
            let document = xml::parse(file, &text, "CustomField")?;
            let name = self.full_name(&file_name, document.root_element(), file);
            self.read_field(&parts.name, &name, document.root_element(), file, &mut fields);
        }
        for file in &parts.record_types {
            let Some(file_name) = metadata_name(file, ".recordType-meta.xml") else { continue };
            let text = xml::read(self.project, file, &mut self.loaded.notes)?;
            let document = xml::parse(file, &text, "RecordType")?;
            let name = self.full_name(&file_name, document.root_element(), file);
            types.read(&name, document.root_element());
        }
        // The definition that is read last counts; parts that stand in any of them do.
        let mut definition = None;
        for file in &parts.definitions {
            let text = xml::read(self.project, file, &mut self.loaded.notes)?;
            let document = xml::parse(file, &text, "CustomObject")?;
            for inline in children(document.root_element(), "fields") {
                let name = xml::text(inline, "fullName").unwrap_or_default();
                self.read_field(&parts.name, name, inline, file, &mut fields);
            }
            for inline in children(document.root_element(), "recordTypes") {
                types.read(xml::text(inline, "fullName").unwrap_or_default(), inline);
            }
            definition = Some(text);
        }
        if !fields.standard.is_empty() {
            let (object, names) = (&parts.name, fields.standard.join(", "));
            let note = format!("{object}: changes to standard fields have no effect here: {names}");
            self.loaded.notes.push(note);
        }
        let name = self.define(parts, definition.as_deref(), fields.list, !types.is_empty())?;
        if let Some(name) = name.filter(|_| !types.is_empty()) {
            types.object = name;
            self.record_types.push(types);
        }
        Ok(())
    }

    /// Puts the object into the store; gives its name, none where it is not emulated.
    fn define(
        &mut self,
        parts: &Parts,
        definition: Option<&str>,
        fields: Vec<FieldDef>,
        has_types: bool,
    ) -> Result<Option<String>, LoadError> {
        let name = parts.name.as_str();
        let file = parts.definitions.last().map_or(Path::new(""), PathBuf::as_path);
        let document = definition.map(|text| xml::parse(file, text, "CustomObject")).transpose()?;
        let node = document.as_ref().map(roxmltree::Document::root_element);
        if let Some(known) = self.store.catalog().get(name) {
            let known = known.name.clone();
            node.into_iter().for_each(|node| note_unknown(&known, node, self.loaded));
            if !fields.is_empty() {
                self.store.add_fields(&known, fields);
                self.loaded.objects.push(known.clone());
            }
            return Ok(Some(known));
        }
        let (event, metadata) = (name.ends_with("__e"), name.ends_with("__mdt"));
        let (true, Some(node)) = (name.ends_with("__c") || event || metadata, node) else {
            let count = parts.fields.len() + node.map_or(0, |node| children(node, "fields").count());
            self.loaded.notes.push(format!("{name}: {}; {count} fields are left out", why_absent(name)));
            self.absent.objects.insert(name.to_ascii_lowercase());
            return Ok(None);
        };
        note_unknown(name, node, self.loaded);
        let object = if metadata {
            metadata_type(name, node, self.store.next_metadata_prefix(), fields)
        } else if event {
            event_object(name, node, self.store.next_key_prefix(true), fields)
        } else {
            custom_object(name, node, self.store.next_key_prefix(false), fields, has_types)
        };
        self.store.define(object);
        self.loaded.objects.push(name.to_owned());
        Ok(Some(name.to_owned()))
    }

    /// The name that a part says it has, which a deployment goes by; otherwise its file's.
    fn full_name(&mut self, file_name: &str, node: Node<'_, '_>, file: &Path) -> String {
        let Some(written) = xml::text(node, "fullName") else { return file_name.to_owned() };
        let written = written.rsplit('.').next().unwrap_or(written);
        if !written.eq_ignore_ascii_case(file_name) {
            let file = self.project.shown(file);
            self.loaded.notes.push(format!("{file}: its fullName is {written}, which is used"));
        }
        written.to_owned()
    }

    fn read_field(&mut self, object: &str, name: &str, node: Node<'_, '_>, file: &Path, fields: &mut Fields) {
        if !name.ends_with("__c") {
            fields.standard.push(name.to_owned());
            return;
        }
        let read = field::read(object, name, node, &self.sets);
        self.loaded.notes.extend(read.notes);
        if read.fields.is_empty() {
            self.absent.fields.insert(format!("{object}.{name}").to_ascii_lowercase());
        }
        if let Some(before) = fields.files.insert(name.to_ascii_lowercase(), file.to_owned()) {
            let (before, file) = (self.project.shown(&before), self.project.shown(file));
            self.loaded
                .notes
                .push(format!("{object}.{name}: stands in {before} and again in {file}, which is used"));
            let is = |text: &str| text.eq_ignore_ascii_case(name);
            fields.list.retain(|f| !is(&f.name) && !f.compound.as_deref().is_some_and(is));
        }
        fields.list.extend(read.fields);
    }
}

/// The fields of one object as they are read, and the file of each.
#[derive(Default)]
struct Fields {
    list: Vec<FieldDef>,
    files: HashMap<String, PathBuf>,
    /// The names of standard fields that the project changes.
    standard: Vec<String>,
}

fn why_absent(name: &str) -> &'static str {
    match name.rsplit_once("__").map(|(_, end)| end) {
        Some("c" | "e" | "mdt") => "the project does not define this object",
        Some("x") => "external objects are not emulated",
        Some("b") => "big objects are not emulated",
        _ => "this object is not emulated",
    }
}

fn note_unknown(name: &str, definition: Node<'_, '_>, loaded: &mut Loaded) {
    for tag in xml::tags(definition).into_iter().filter(|tag| !SILENT.contains(tag)) {
        loaded.notes.push(format!("{name}: <{tag}> has no effect here"));
    }
    if child(definition, "customSettingsType").is_some() {
        loaded.notes.push(format!("{name}: custom settings are kept as plain rows"));
    }
}

fn custom_object(
    name: &str,
    node: Node<'_, '_>,
    prefix: KeyPrefix,
    fields: Vec<FieldDef>,
    has_types: bool,
) -> ObjectDef {
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
    // A detail record belongs to whom its master belongs to, a setting to whom it is set up for.
    if !object.custom_setting && !fields.iter().any(|f| f.relationship_order.is_some()) {
        object.add_field(owner());
    }
    let mut system = table::fields(SYSTEM);
    system.retain(|field| match field.name.as_str() {
        "LastActivityDate" => is_true(node, "enableActivities"),
        "LastViewedDate" | "LastReferencedDate" => !object.custom_setting,
        _ => true,
    });
    let mut system = system.into_iter();
    system.by_ref().take(1).for_each(|deleted| object.add_field(deleted));
    object.add_field(name_field(child(node, "nameField"), object.custom_setting));
    if object.custom_setting {
        object.add_field(setup_owner());
    }
    if has_types {
        object.add_field(record_type::field());
    }
    system.for_each(|field| object.add_field(field));
    fields.into_iter().for_each(|field| object.add_field(field));
    object
}

/// Whom a record of a custom setting counts for [as the reference of a packaged one lists it].
fn setup_owner() -> FieldDef {
    let mut owner = FieldDef::new("SetupOwnerId", "Location", Type::Reference);
    owner.permissionable = false;
    owner.reference_to = ["Organization", "Profile", "User"].map(str::to_owned).to_vec();
    owner.relationship_name = Some("SetupOwner".to_owned());
    owner
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

fn name_field(node: Option<Node<'_, '_>>, custom_setting: bool) -> FieldDef {
    let label = node.and_then(|n| xml::text(n, "label")).unwrap_or("Name");
    let mut name = FieldDef::new("Name", label, Type::String);
    name.set_length(if custom_setting { 38 } else { 80 });
    name.nillable = !custom_setting;
    name.name_field = true;
    name.id_lookup = true;
    name.permissionable = false;
    name.defaulted_on_create = true;
    if node.and_then(|n| xml::text(n, "type")) == Some("AutoNumber") {
        field::set_auto_number(&mut name, node);
    }
    name
}

fn metadata_type(name: &str, node: Node<'_, '_>, prefix: KeyPrefix, fields: Vec<FieldDef>) -> ObjectDef {
    let label = xml::text(node, "label").unwrap_or(name);
    let mut object = ObjectDef::new(name, label, xml::text(node, "pluralLabel").unwrap_or(label), prefix);
    object.custom = true;
    object.createable = false;
    object.updateable = false;
    object.deletable = false;
    object.undeletable = false;
    object.replicateable = false;
    object.searchable = false;
    object.triggerable = false;
    object.mru_enabled = false;
    object.search_layoutable = false;
    table::fields(METADATA).into_iter().for_each(|field| object.add_field(field));
    for mut field in fields {
        field.createable = false;
        field.updateable = false;
        object.add_field(field);
    }
    object
}

fn event_object(name: &str, node: Node<'_, '_>, prefix: KeyPrefix, fields: Vec<FieldDef>) -> ObjectDef {
    let label = xml::text(node, "label").unwrap_or(name);
    let mut object = ObjectDef::new(name, label, xml::text(node, "pluralLabel").unwrap_or(label), prefix);
    object.custom = true;
    object.event = true;
    object.standard_volume = xml::text(node, "eventType") == Some("StandardVolume");
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
