//! What fields say about other objects, looked at once all objects are there.

use std::collections::HashSet;

use super::Loaded;
use crate::schema::{FieldDef, Type};
use crate::store::Store;

/// Settles targets, types of summaries and controlling fields, and notes what leads nowhere.
pub(super) fn settle(store: &mut Store, loaded: &mut Loaded) {
    write_targets_as_defined(store);
    set_rollup_types(store, loaded);
    note_missing_targets(store, loaded);
    note_shared_relationships(store, loaded);
}

/// Targets by the names that their objects have: metadata may write them in another case.
fn write_targets_as_defined(store: &mut Store) {
    let mut changes = Vec::new();
    for object in store.catalog().iter() {
        for field in object.fields().iter().filter(|field| field.custom && !field.reference_to.is_empty()) {
            let known = |name: &String| store.catalog().get(name).map_or(name, |def| &def.name).clone();
            let mut targets: Vec<String> = field.reference_to.iter().map(known).collect();
            let mut seen = HashSet::new();
            targets.retain(|target| seen.insert(target.clone()));
            if targets != field.reference_to {
                changes.push((object.name.clone(), FieldDef { reference_to: targets, ..field.clone() }));
            }
        }
    }
    for (object, field) in changes {
        store.add_fields(&object, vec![field]);
    }
}

/// A roll-up is of the type of what it sums up, which may be read after it and be a roll-up itself.
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
            changes.push((object.name.clone(), field.clone(), summed_of(store, field), known));
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

/// The field at the end of roll-ups of roll-ups; none for a count.
fn summed_of(store: &Store, field: &FieldDef) -> Option<FieldDef> {
    let mut field = field.clone();
    let mut seen = HashSet::new();
    while let Some(rollup) = &field.rollup {
        let child = store.catalog().get(&rollup.child)?;
        let Some(name) = &rollup.field else { break };
        if !seen.insert(format!("{}.{name}", child.name).to_ascii_lowercase()) {
            return None;
        }
        field = child.field(name)?.1.clone();
    }
    (!seen.is_empty()).then_some(field)
}

fn note_missing_targets(store: &Store, loaded: &mut Loaded) {
    for object in store.catalog().iter().filter(|o| loaded.objects.contains(&o.name)) {
        for field in object.fields().iter().filter(|f| f.custom) {
            if field.ty == Type::Reference && field.reference_to.is_empty() {
                let note = format!("{}.{}: names no referenceTo; any id is taken", object.name, field.name);
                loaded.notes.push(note);
            }
            for target in field.reference_to.iter().filter(|t| store.catalog().get(t).is_none()) {
                loaded.notes.push(format!(
                    "{}.{}: points to {target}, which is not emulated; any id is taken",
                    object.name, field.name
                ));
            }
            if let Some(controller) =
                field.controller_name.as_ref().filter(|controller| object.field(controller).is_none())
            {
                let note =
                    format!("{}.{}: depends on {controller}, which is not there", object.name, field.name);
                loaded.notes.push(note);
            }
        }
    }
}

/// A relationship's name leads to one field: a second of the same parent cannot be reached by it.
fn note_shared_relationships(store: &Store, loaded: &mut Loaded) {
    let mut seen = HashSet::new();
    for object in store.catalog().iter().filter(|o| loaded.objects.contains(&o.name)) {
        for field in object.fields().iter().filter(|f| f.custom) {
            let Some(name) = &field.child_relationship_name else { continue };
            for target in &field.reference_to {
                if !seen.insert(format!("{target}.{name}").to_ascii_lowercase()) {
                    loaded.notes.push(format!(
                        "{}.{}: {target} has another relationship {name}, which queries go by",
                        object.name, field.name
                    ));
                }
            }
        }
    }
}
