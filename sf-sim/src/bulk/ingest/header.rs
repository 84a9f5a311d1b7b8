//! The columns of an upload: what each of them is written to, or why the whole job fails.

use std::sync::Arc;

use super::job::Operation;
use super::reader::Record;
use crate::rest::Version;
use crate::schema::{Catalog, FieldDef, ObjectDef, Type};

/// Up to this version an error of a batch names its kind twice. Recorded at 53 (twice) and at 60 (once).
const KIND_TWICE_TO: Version = Version(53);
/// Characters that a header line may have.
const MOST_CHARACTERS: usize = 32_000;
/// Columns that a file may have.
const MOST_COLUMNS: usize = 5_000;

/// What the cells of a column are written to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// The row's own id.
    Id,
    /// A field, by its place.
    Field(usize),
    /// A reference, by its place, to the row that has the value in one of these fields.
    Parent(usize, Vec<Key>),
}

/// A field by whose value rows are found.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) object: Arc<ObjectDef>,
    pub(super) at: usize,
}

impl Key {
    pub(super) fn field(&self) -> Option<&FieldDef> {
        self.object.fields().get(self.at)
    }
}

/// The columns of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    pub(super) targets: Vec<Target>,
    /// The column of the row's own id.
    pub(super) id: Option<usize>,
    /// The column of an upsert's external id, and the field.
    pub(super) external: Option<(usize, Key)>,
}

/// Reads the header of an upload.
///
/// # Errors
/// The `errorMessage` with which the job fails.
pub(super) fn columns(
    header: &Record,
    object: &Arc<ObjectDef>,
    catalog: &Catalog,
    operation: Operation,
    external: Option<&str>,
    version: Version,
) -> Result<Columns, String> {
    let invalid = |why: String| {
        let kind = "InvalidBatch : ";
        let twice = if version <= KIND_TWICE_TO { kind } else { "" };
        format!("{twice}{kind}{why}")
    };
    if header.broken.is_some() {
        return Err("ClientInputError : The header line is not valid CSV".to_owned());
    }
    if header.characters() > MOST_CHARACTERS {
        return Err(format!("ClientInputError : The header line has more than {MOST_CHARACTERS} characters"));
    }
    if header.len() > MOST_COLUMNS {
        return Err(format!("ClientInputError : The file has more than {MOST_COLUMNS} columns"));
    }
    if operation.deletes() && (header.len() != 1 || !header.cell(0).eq_ignore_ascii_case("Id")) {
        let name = operation.as_str();
        return Err(invalid(format!("The '{name}' batch must contain only ids")));
    }
    let mut columns = Columns::default();
    let mut written = Vec::new();
    for (column, name) in header.cells().enumerate() {
        let target = target(name, object, catalog, operation).map_err(invalid)?;
        let place = match &target {
            Target::Id => None,
            Target::Field(at) | Target::Parent(at, _) => Some(*at),
        };
        if written.contains(&place) {
            return Err(invalid(format!("Duplicate field name found : {name}")));
        }
        written.push(place);
        match &target {
            Target::Id => columns.id = Some(column),
            Target::Field(at) if external.is_some_and(|name| same(object, *at, name)) => {
                columns.external = Some((column, Key { object: Arc::clone(object), at: *at }));
            }
            _ => {}
        }
        columns.targets.push(target);
    }
    Ok(columns)
}

fn same(object: &ObjectDef, at: usize, name: &str) -> bool {
    object.fields().get(at).is_some_and(|field| field.name.eq_ignore_ascii_case(name))
}

fn target(name: &str, object: &ObjectDef, catalog: &Catalog, operation: Operation) -> Result<Target, String> {
    if name.contains(['.', ':']) {
        return parent(name, object, catalog, operation);
    }
    match object.field(name) {
        Some((_, field)) if field.ty == Type::Id => Ok(Target::Id),
        Some((at, field)) if writeable(field, operation) => Ok(Target::Field(at)),
        _ => Err(not_found(name)),
    }
}

fn not_found(name: &str) -> String {
    format!("Field name not found : {name}")
}

fn writeable(field: &FieldDef, operation: Operation) -> bool {
    match operation {
        Operation::Insert => field.createable,
        Operation::Update => field.updateable,
        _ => field.createable || field.updateable,
    }
}

/// `Relationship.Field`, or `Type:Relationship.Field` where the reference may point to several objects.
fn parent(name: &str, object: &ObjectDef, catalog: &Catalog, operation: Operation) -> Result<Target, String> {
    let (of_type, path) = match name.split_once(':') {
        Some((of_type, path)) => (Some(of_type), path),
        None => (None, name),
    };
    let (relationship, field) = path.split_once('.').ok_or_else(|| not_found(name))?;
    if path.contains(':') || field.contains('.') {
        return Err(not_found(name));
    }
    let (at, reference) = object
        .relationship(relationship)
        .ok_or_else(|| format!("Unable to find relationship: {relationship}"))?;
    if !writeable(reference, operation) {
        return Err(not_found(name));
    }
    if of_type.is_some() && !reference.is_polymorphic() {
        let why = "type is not needed for non polymorphic foreign key references";
        return Err(format!("{why}: {relationship}"));
    }
    let wanted = |object: &&String| of_type.is_none_or(|wanted| object.eq_ignore_ascii_case(wanted));
    let key = |object: &String| {
        let object = catalog.get(object)?;
        let (at, _) = object.field(field).filter(|(_, field)| is_key(field))?;
        Some(Key { object: Arc::clone(object), at })
    };
    let keys: Vec<Key> = reference.reference_to.iter().filter(wanted).filter_map(key).collect();
    if keys.is_empty() { Err(not_found(name)) } else { Ok(Target::Parent(at, keys)) }
}

/// Whether rows can be named by a field.
pub(super) fn is_key(field: &FieldDef) -> bool {
    field.external_id || field.id_lookup || field.ty == Type::Id
}
