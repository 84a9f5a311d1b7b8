//! One file of records on its way into the store.

use std::path::Path;

use serde_json::{Map, Value as Json};

use super::super::error::LoadError;
use super::super::project;
use super::{Load, References, records};
use crate::id::RecordId;
use crate::schema::{FieldDef, Type};
use crate::store::RowError;
use crate::value::Cell;

pub(super) struct Import<'a, 'b> {
    file: &'a Path,
    load: &'a mut Load<'b>,
    references: &'a mut References,
}

/// What a value comes to.
enum Resolved {
    As(Json),
    /// It refers to a record that is left out.
    Gone,
}

impl<'a, 'b> Import<'a, 'b> {
    pub(super) fn new(file: &'a Path, load: &'a mut Load<'b>, references: &'a mut References) -> Self {
        Self { file, load, references }
    }

    /// Whether a record refers to one that is not there yet.
    pub(super) fn waits(&self, object: &str, record: &Json) -> bool {
        let object = record["attributes"]["type"].as_str().unwrap_or(object);
        let unknown = |(key, value): (&String, &Json)| {
            self.name(object, key, value)
                .is_some_and(|name| !self.references.contains_key(name) && !self.load.gone.contains(name))
        };
        record.as_object().is_some_and(|record| record.iter().any(unknown))
    }

    /// Adds a record and the children that stand in it.
    pub(super) fn insert(&mut self, object: &str, record: &Json) -> Result<(), LoadError> {
        self.insert_below(object, record, None)
    }

    fn insert_below(
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
        if self.lacks(object) {
            self.leave_out(object, &Json::Object(record.clone()), &format!("{object} is not emulated"));
            return Ok(());
        }
        let (children, fields): (Vec<_>, Vec<_>) = record
            .iter()
            .filter(|(key, _)| *key != "attributes")
            .partition(|(_, value)| records(value).is_some());
        let mut body = Map::new();
        for (key, value) in fields {
            if self.is_absent(object, key) {
                self.note(&format!("{object} records lose their {key}, which {object} does not have here"));
                continue;
            }
            if key == "RecordType" && value.is_object() {
                body.insert("RecordTypeId".to_owned(), self.record_type(object, reference, value)?);
                continue;
            }
            match self.resolved(object, reference, key, value)? {
                Resolved::As(value) => drop(body.insert(key.clone(), value)),
                Resolved::Gone if self.is_required(object, key) => {
                    let why = format!("their {key} refers to records that are left out");
                    self.leave_out(object, &Json::Object(record.clone()), &why);
                    return Ok(());
                }
                Resolved::Gone => {
                    self.note(&format!(
                        "{object} records lose the {key} that refers to records that are left out"
                    ));
                }
            }
        }
        if let Some((field, id)) = parent {
            body.insert(field.to_owned(), id.text18().into());
        }
        let user = self.load.store.running_user();
        let id = match self.load.store.insert_json(object, &body, user) {
            Ok(id) => id,
            Err(error) => {
                // Plans may be for one org each: what two of them bring is kept once.
                let Some(id) = self.of_another_plan(&error) else {
                    return Err(self.refused(object, reference, &error));
                };
                self.note(&format!(
                    "{object} records are left out: records of another plan have their unique values"
                ));
                self.references.insert(reference.to_owned(), id);
                return Ok(());
            }
        };
        let name = self.load.store.catalog().get(object).map_or(object, |def| &def.name).to_owned();
        *self.load.loaded.rows.entry(name).or_default() += 1;
        if !reference.is_empty() {
            self.references.insert(reference.to_owned(), id);
        }
        children.into_iter().try_for_each(|(name, value)| self.children(object, reference, id, name, value))
    }

    fn refused(&self, object: &str, reference: &str, error: &RowError) -> LoadError {
        self.error(reference, format!("the {object} record {reference} is refused: {error}"))
            .hint("Mend the record, or the metadata of its object.")
    }

    /// The record of an earlier plan that has the unique value already.
    fn of_another_plan(&self, error: &RowError) -> Option<RecordId> {
        let id: RecordId =
            (error.code == "DUPLICATE_VALUE").then(|| error.message.rsplit(' ').next())??.parse().ok()?;
        let mine = self.references.values().any(|known| *known == id);
        (self.load.plan > 1 && !mine).then_some(id)
    }

    fn children(
        &mut self,
        object: &str,
        reference: &str,
        id: RecordId,
        relationship: &str,
        value: &Json,
    ) -> Result<(), LoadError> {
        let listed = records(value).map(Vec::as_slice).unwrap_or_default();
        let child = self.load.store.catalog().child(object, relationship);
        let names = child.map(|(child, field)| (child.name.clone(), field.name.clone()));
        if let Some((child, field)) = names {
            return listed
                .iter()
                .try_for_each(|record| self.insert_below(&child, record, Some((&field, id))));
        }
        let types: Vec<&str> =
            listed.iter().filter_map(|record| record["attributes"]["type"].as_str()).collect();
        let known = |name: &&str| self.load.store.catalog().get(name).is_some();
        if listed.is_empty() || !types.is_empty() && !types.iter().any(known) {
            for record in listed {
                let child = record["attributes"]["type"].as_str().unwrap_or(relationship);
                self.leave_out(child, record, &format!("{child} is not emulated"));
            }
            return Ok(());
        }
        Err(self
            .error(reference, format!("{object} has no child relationship {relationship}"))
            .hint("Use the relationshipName of the child's lookup, with __r for a custom one."))
    }

    /// Notes that records are left out, and keeps their names.
    fn leave_out(&mut self, object: &str, record: &Json, why: &str) {
        self.note(&format!("{object} records are left out: {why}"));
        let mut todo = vec![record];
        while let Some(record) = todo.pop() {
            if let Some(name) = record["attributes"]["referenceId"].as_str() {
                self.load.gone.insert(name.to_owned());
            }
            let lists = record.as_object().into_iter().flat_map(|record| record.values().filter_map(records));
            todo.extend(lists.flatten());
        }
    }

    fn note(&mut self, text: &str) {
        let file = self.load.project.shown(self.file);
        self.load.note(format!("{file}: {text}"));
    }

    /// Whether a real org may well have an object that this one lacks: standard, of a package, or left out.
    fn lacks(&self, object: &str) -> bool {
        let own = object.split("__").count() == 2 && object.ends_with("__c");
        self.load.store.catalog().get(object).is_none() && (!own || self.load.absent.object(object))
    }

    fn field(&self, object: &str, key: &str) -> Option<&FieldDef> {
        self.load.store.catalog().get(object)?.field(key).map(|(_, field)| field)
    }

    /// Whether a field is one that a real org has and this one lacks.
    fn is_absent(&self, object: &str, key: &str) -> bool {
        let standard = |name: &str| !name.contains("__");
        self.field(object, key).is_none()
            && (self.load.absent.field(object, key)
                || standard(object) && standard(key) && key != "RecordType")
    }

    fn is_required(&self, object: &str, key: &str) -> bool {
        self.field(object, key).is_some_and(|field| !field.nillable)
    }

    /// The id of the record type that `{"Name": …}` means.
    fn record_type(&self, object: &str, reference: &str, value: &Json) -> Result<Json, LoadError> {
        let wanted = value["Name"].as_str().unwrap_or_default();
        let table = self.load.store.table("RecordType");
        let found = table.and_then(|table| {
            let at = |name: &str| table.def().field(name).map(|(at, _)| at);
            let (name, of) = (at("Name")?, at("SobjectType")?);
            let is =
                |cell: Cell<'_>, text: &str| matches!(cell, Cell::Text(t) if t.eq_ignore_ascii_case(text));
            table.rows().find(|row| is(row.get(name), wanted) && is(row.get(of), object))
        });
        let row = found.ok_or_else(|| {
            self.error(reference, format!("{object} has no record type that is called {wanted}"))
                .hint("Use the label of one of its record types.")
        })?;
        Ok(row.id().text18().into())
    }

    /// The name that a value refers to by `@Name`: in a reference field any, elsewhere one that is known.
    fn name<'v>(&self, object: &str, key: &str, value: &'v Json) -> Option<&'v str> {
        let name = value.as_str()?.strip_prefix('@')?;
        let is_reference = self.field(object, key).is_some_and(|field| field.ty == Type::Reference);
        (is_reference || self.references.contains_key(name)).then_some(name)
    }

    /// A value with `@Name` replaced by the id of the record of that name.
    fn resolved(&self, object: &str, record: &str, key: &str, value: &Json) -> Result<Resolved, LoadError> {
        let Some(name) = self.name(object, key, value) else { return Ok(Resolved::As(value.clone())) };
        if self.load.gone.contains(name) && !self.references.contains_key(name) {
            return Ok(Resolved::Gone);
        }
        let id = self.references.get(name).ok_or_else(|| {
            self.error(
                record,
                format!("{key} of the {object} record {record} refers to @{name}, which no record has"),
            )
            .hint("List the file with that referenceId in the plan.")
        })?;
        Ok(Resolved::As(id.text18().into()))
    }

    /// An error about the record of this name, with its line.
    fn error(&self, reference: &str, message: String) -> LoadError {
        let quoted = format!("\"{reference}\"");
        let text = project::text(self.file).unwrap_or_default();
        let line = text.lines().position(|line| line.contains("referenceId") && line.contains(&quoted));
        let error = LoadError::new(self.file, message);
        match line {
            Some(line) => error.at_line(line + 1),
            None => error,
        }
    }
}
