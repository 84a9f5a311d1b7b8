//! Insert, update and delete.

use std::collections::HashSet;
use std::sync::Arc;

use super::check::checked;
use super::convert::from_json;
use super::error::RowError;
use super::row::Row;
use super::{Store, Table};
use crate::id::RecordId;
use crate::schema::{FieldDef, ObjectDef, Summary, Type};
use crate::value::{Cell, Value};

type Json = serde_json::Map<String, serde_json::Value>;

impl Store {
    /// Adds a row. Fields by name in any case; text is taken as the field's type.
    ///
    /// # Errors
    /// [`RowError`] in Salesforce's words; nothing was written then.
    pub fn insert(
        &mut self,
        object: &str,
        values: Vec<(String, Value)>,
        user: RecordId,
    ) -> Result<RecordId, RowError> {
        let def = self.writeable(object, |def| def.createable && !def.event, "create")?;
        let values = self.new_record(&def, values, user, Operation::Insert)?;
        self.add(&def, values, user)
    }

    /// Adds a row that no caller may: fields that only the org writes are taken as well.
    pub(crate) fn place(
        &mut self,
        object: &str,
        values: Vec<(String, Value)>,
        user: RecordId,
    ) -> Result<RecordId, RowError> {
        let def = self.writeable(object, |_| true, "create")?;
        let values = self.new_record(&def, values, user, Operation::Place)?;
        self.add(&def, values, user)
    }

    /// Adds a row as it would stand there after a life of its own: created and last changed at these times, seen at once.
    /// The values are taken as they are.
    pub(crate) fn put_history(
        &mut self,
        def: &ObjectDef,
        values: &mut [Value],
        created_ms: i64,
        modified_ms: i64,
    ) -> Result<RecordId, RowError> {
        let user = self.user;
        let table = self.table_mut(&def.name).ok_or_else(no_resource)?;
        number(def, values, table);
        sum_of_none(def, values);
        crate::standard::derive(def, values, modified_ms);
        let id = table.take_id();
        set_system(def, values, &Stamp { id, at: modified_ms, by: user, created: true });
        if let Some(created) = def.system().created_date {
            values[created] = Value::DateTime(created_ms);
        }
        let row = Arc::new(Row::pack(id, false, &cells(values))?);
        table.put(row.clone());
        self.roll_up(def, [None, Some(&row)]);
        Ok(id)
    }

    fn add(&mut self, def: &ObjectDef, mut values: Vec<Value>, user: RecordId) -> Result<RecordId, RowError> {
        self.check_references(def, &values)?;
        let stamp = self.clock.stamp_ms();
        let table = self.table_mut(&def.name).ok_or_else(no_resource)?;
        table.check_unique(None, &cells(&values))?;
        number(def, &mut values, table);
        sum_of_none(def, &mut values);
        crate::standard::derive(def, &mut values, stamp);
        let id = table.take_id();
        // A custom object's record without a name is called by its id.
        if let Some((at, _)) = def.name_field()
            && def.custom
            && values[at].is_null()
        {
            values[at] = Value::text(id.as_str15());
        }
        set_system(def, &mut values, &Stamp { id, at: stamp, by: user, created: true });
        let row = Row::pack(id, false, &cells(&values))?;
        self.commit(def, row, None);
        Ok(id)
    }

    /// Adds a row from the JSON of a REST call.
    ///
    /// # Errors
    /// As [`Store::insert`], and `JSON_PARSER_ERROR` for a value that its field cannot take.
    pub fn insert_json(&mut self, object: &str, body: &Json, user: RecordId) -> Result<RecordId, RowError> {
        let values = self.json_values(object, body)?;
        self.insert(object, values, user)
    }

    /// Changes the named fields of a row.
    ///
    /// # Errors
    /// [`RowError`] in Salesforce's words; nothing was written then.
    pub fn update(
        &mut self,
        object: &str,
        id: RecordId,
        values: Vec<(String, Value)>,
        user: RecordId,
    ) -> Result<(), RowError> {
        let def = self.writeable(object, |def| def.updateable && !def.event, "update")?;
        let old = self.existing(&def, id)?;
        let changes = resolve(&def, values, Operation::Update)?;
        let mut values: Vec<Value> = (0..def.fields().len()).map(|at| old.get(at).to_value()).collect();
        for (at, value) in changes {
            values[at] = value;
        }
        check_required(&def, &values, Operation::Update)?;
        self.check_references(&def, &values)?;
        let stamp = self.clock.stamp_ms();
        if let Some(table) = self.table(&def.name) {
            table.check_unique(Some(id), &cells(&values))?;
        }
        crate::standard::derive(&def, &mut values, stamp);
        set_system(&def, &mut values, &Stamp { id, at: stamp, by: user, created: false });
        let row = Row::pack(id, false, &cells(&values))?;
        self.commit(&def, row, Some(old));
        Ok(())
    }

    /// Changes a row as the JSON of a REST call says.
    ///
    /// # Errors
    /// As [`Store::update`], and `JSON_PARSER_ERROR` for a value that its field cannot take.
    pub fn update_json(
        &mut self,
        object: &str,
        id: RecordId,
        body: &Json,
        user: RecordId,
    ) -> Result<(), RowError> {
        let values = self.json_values(object, body)?;
        self.update(object, id, values, user)
    }

    /// Moves a row to the recycle bin, with the rows that its object takes along; lookups to it are cleared.
    ///
    /// # Errors
    /// `ENTITY_IS_DELETED` when it is there already, `DELETE_FAILED` when other rows hold it.
    pub fn delete(&mut self, object: &str, id: RecordId, user: RecordId) -> Result<(), RowError> {
        let def = self.writeable(object, |def| def.deletable && !def.event, "delete")?;
        self.existing(&def, id)?;
        self.check_held(&def, id)?;
        self.bin.remove(&id);
        self.take_out(&def, id, user, id)
    }

    /// Deletes a row that may be; `root` is the row whose deletion takes it along.
    fn take_out(
        &mut self,
        def: &ObjectDef,
        id: RecordId,
        user: RecordId,
        root: RecordId,
    ) -> Result<(), RowError> {
        self.release_children(def, id, user, root)?;
        // Taking children along may have changed what the row sums up of them.
        let old = self.existing(def, id)?;
        if root != id {
            self.note_taken(root, &def.name, id);
        }
        let stamp = self.clock.stamp_ms();
        let mut values: Vec<Value> = (0..def.fields().len()).map(|at| old.get(at).to_value()).collect();
        set_system(def, &mut values, &Stamp { id, at: stamp, by: user, created: false });
        if let Some(at) = def.system().is_deleted {
            values[at] = Value::Bool(true);
        }
        let row = Row::pack(id, true, &cells(&values))?;
        self.commit(def, row, Some(old));
        Ok(())
    }

    /// Notes that rows were looked at, or named, just now; nobody counts as having changed them.
    pub(crate) fn mark(&mut self, def: &ObjectDef, rows: &[Arc<Row>], viewed: bool) {
        let stamp = self.clock.stamp_ms();
        let names = ["LastReferencedDate", "LastViewedDate"];
        let fields = names.iter().take(if viewed { 2 } else { 1 });
        let places: Vec<usize> = fields.filter_map(|name| def.field(name).map(|(at, _)| at)).collect();
        let Some(table) = self.table_mut(&def.name).filter(|_| !places.is_empty()) else { return };
        for row in rows {
            // Only the newest version is seen by all, and only that can be marked without showing it early.
            let Some(latest) = table.latest(row.id()).filter(|latest| Arc::ptr_eq(latest, row)) else {
                continue;
            };
            let mut values: Vec<Value> =
                (0..def.fields().len()).map(|at| latest.get(at).to_value()).collect();
            for at in &places {
                values[*at] = Value::DateTime(stamp);
            }
            if let Ok(marked) = Row::pack(row.id(), row.is_deleted(), &cells(&values)) {
                table.put(Arc::new(marked));
            }
        }
    }

    /// Removes a row at once and for good, as a hard delete or an emptied recycle bin does.
    /// False when there was none.
    pub fn hard_delete(&mut self, object: &str, id: RecordId) -> bool {
        let Some(table) = self.table_mut(object) else { return false };
        let def = table.def().clone();
        let Some(row) = table.remove(id) else { return false };
        self.bin.remove(&id);
        self.roll_up(&def, [Some(&row), None]);
        true
    }

    /// What a new record of an object would hold, checked but not stored: what a platform event's publication needs.
    /// One value a field of the object, in its order.
    ///
    /// # Errors
    /// As [`Store::insert_json`].
    pub fn check_new(&self, object: &str, body: &Json, user: RecordId) -> Result<Vec<Value>, RowError> {
        let def = self.catalog.get(object).cloned().ok_or_else(no_resource)?;
        let values = self.json_values(object, body)?;
        self.new_record(&def, values, user, Operation::Insert)
    }

    fn new_record(
        &self,
        def: &ObjectDef,
        values: Vec<(String, Value)>,
        user: RecordId,
        operation: Operation,
    ) -> Result<Vec<Value>, RowError> {
        let mut out = vec![Value::Null; def.fields().len()];
        let mut given = vec![false; def.fields().len()];
        for (at, value) in resolve(def, values, operation)? {
            // A null for what may not be null counts as nothing said.
            given[at] = !value.is_null() || def.fields()[at].nillable;
            out[at] = value;
        }
        for (at, field) in def.fields().iter().enumerate() {
            if !given[at] {
                out[at] = default_of(field);
            }
        }
        if let Some(owner) = def.system().owner
            && out[owner].is_null()
        {
            out[owner] = Value::Id(user);
        }
        check_required(def, &out, operation)?;
        Ok(out)
    }

    fn json_values(&self, object: &str, body: &Json) -> Result<Vec<(String, Value)>, RowError> {
        let def = self.catalog.get(object).ok_or_else(no_resource)?;
        body.iter()
            .filter(|(name, _)| *name != "attributes")
            .map(|(name, json)| {
                let (_, field) = def.field(name).ok_or_else(|| no_such_column(name, def))?;
                Ok((name.clone(), from_json(field, json)?))
            })
            .collect()
    }

    pub(super) fn writeable(
        &self,
        object: &str,
        allowed: impl Fn(&ObjectDef) -> bool,
        verb: &str,
    ) -> Result<Arc<ObjectDef>, RowError> {
        let def = self.catalog.get(object).ok_or_else(no_resource)?;
        if allowed(def) {
            return Ok(def.clone());
        }
        let message = format!("entity type {} does not support {verb}", def.name);
        Err(RowError::new("INVALID_TYPE_FOR_OPERATION", message))
    }

    fn existing(&self, def: &ObjectDef, id: RecordId) -> Result<Arc<Row>, RowError> {
        if id.key_prefix() != def.key_prefix.as_str() {
            let message = format!("Record ID: id value of incorrect type: {id}");
            return Err(RowError::new("MALFORMED_ID", message).on("Id"));
        }
        let row = self.row(&def.name, id).ok_or_else(no_resource)?;
        if row.is_deleted() {
            return Err(RowError::new("ENTITY_IS_DELETED", "entity is deleted"));
        }
        Ok(row.clone())
    }

    pub(super) fn commit(&mut self, def: &ObjectDef, row: Row, previous: Option<Arc<Row>>) {
        let now = self.clock.now_ms();
        let before = previous.clone();
        let row = match self.visibility_delay_ms {
            0 => row,
            delay => row.delayed(now + delay, previous.map(|row| row.settled(now))),
        };
        let row = Arc::new(row);
        if let Some(table) = self.table_mut(&def.name) {
            table.put(row.clone());
        }
        self.roll_up(def, [before.as_deref(), Some(&row)]);
    }

    /// Each reference names a row of an object that its field points to.
    fn check_references(&self, def: &ObjectDef, values: &[Value]) -> Result<(), RowError> {
        for (field, value) in def.fields().iter().zip(values) {
            let Value::Id(id) = value else { continue };
            let known = field.reference_to.iter().filter_map(|o| self.table(o));
            let Some(table) = known.into_iter().find(|t| t.def().key_prefix.as_str() == id.key_prefix())
            else {
                // Objects that this org does not hold (groups, record types) take any id.
                if field.reference_to.iter().any(|o| self.catalog.get(o).is_none()) || field.ty == Type::Id {
                    continue;
                }
                let message = format!("{}: id value of incorrect type: {id}", field.label);
                return Err(RowError::new("MALFORMED_ID", message).on(&field.name));
            };
            match table.latest(*id) {
                Some(row) if !row.is_deleted() => {}
                Some(_) => {
                    return Err(RowError::new("ENTITY_IS_DELETED", "entity is deleted").on(&field.name));
                }
                None => {
                    let message = "invalid cross reference id";
                    return Err(RowError::new("INVALID_CROSS_REFERENCE_KEY", message).on(&field.name));
                }
            }
        }
        Ok(())
    }

    /// The rows that point to a row: their object, the place of the reference, their ids.
    fn children(&self, def: &ObjectDef, id: RecordId) -> Vec<(Arc<ObjectDef>, usize, Vec<RecordId>)> {
        let mut children = Vec::new();
        for table in self.tables.values() {
            for (at, field) in table.def().fields().iter().enumerate() {
                if !field.reference_to.iter().any(|o| o.eq_ignore_ascii_case(&def.name)) {
                    continue;
                }
                let held = table.rows().filter(|row| !row.is_deleted() && row.get(at) == Cell::Id(id));
                let ids: Vec<_> = held.map(|row| row.id()).collect();
                if !ids.is_empty() {
                    children.push((table.def().clone(), at, ids));
                }
            }
        }
        children
    }

    /// `DELETE_FAILED` when a row that would go, or one that would be taken along, is held by another. Asked before
    /// anything is written: a refused delete leaves no trace.
    fn check_held(&self, def: &Arc<ObjectDef>, id: RecordId) -> Result<(), RowError> {
        let mut todo = vec![(def.clone(), id)];
        let mut seen = HashSet::from([id]);
        while let Some((def, id)) = todo.pop() {
            for (child, at, ids) in self.children(&def, id) {
                let Some(field) = child.fields().get(at) else { continue };
                if let Some(first) = ids.first().filter(|_| field.restricted_delete) {
                    return Err(held_by(&def, &child, *first));
                }
                if field.cascade_delete {
                    let fresh = ids.into_iter().filter(|id| seen.insert(*id));
                    todo.extend(fresh.map(|id| (child.clone(), id)));
                }
            }
        }
        Ok(())
    }

    /// What happens to the rows that point to a row being deleted: they are taken along, or their reference is cleared.
    fn release_children(
        &mut self,
        def: &ObjectDef,
        id: RecordId,
        user: RecordId,
        root: RecordId,
    ) -> Result<(), RowError> {
        for (child, at, ids) in self.children(def, id) {
            let cascade = child.fields().get(at).is_some_and(|f| f.cascade_delete);
            for row in ids {
                // A row can be reached twice: by two references, or in a circle.
                if self.row(&child.name, row).is_none_or(|row| row.is_deleted()) || row == root {
                    continue;
                }
                if cascade {
                    self.take_out(&child, row, user, root)?;
                } else {
                    self.note_cleared(root, &child.name, (row, at), id);
                    self.clear(&child, at, row)?;
                }
            }
        }
        Ok(())
    }

    /// Empties one reference: a change by the org, so that only the system's own stamp moves.
    fn clear(&mut self, def: &ObjectDef, at: usize, id: RecordId) -> Result<(), RowError> {
        let Ok(old) = self.existing(def, id) else { return Ok(()) };
        let mut values: Vec<Value> = (0..def.fields().len()).map(|at| old.get(at).to_value()).collect();
        values[at] = Value::Null;
        if let Some(modstamp) = def.system().modstamp {
            values[modstamp] = Value::DateTime(self.clock.stamp_ms());
        }
        let row = Row::pack(id, false, &cells(&values))?;
        self.commit(def, row, Some(old));
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Insert,
    Update,
    /// By the org itself.
    Place,
}

struct Stamp {
    id: RecordId,
    at: i64,
    by: RecordId,
    created: bool,
}

fn cells(values: &[Value]) -> Vec<Cell<'_>> {
    values.iter().map(Value::as_cell).collect()
}

/// Names to places, values to the fields' types: unknown names are refused first, then what cannot be written, then values.
fn resolve(
    def: &ObjectDef,
    values: Vec<(String, Value)>,
    operation: Operation,
) -> Result<Vec<(usize, Value)>, RowError> {
    let mut found = Vec::with_capacity(values.len());
    for (name, value) in values {
        let (at, field) = def.field(&name).ok_or_else(|| no_such_column(&name, def))?;
        if field.ty == Type::Id {
            return Err(match operation {
                Operation::Insert | Operation::Place => {
                    RowError::new("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call")
                        .on("Id")
                }
                Operation::Update => RowError::new(
                    "INVALID_FIELD",
                    "The Id field should not be specified in the sobject data.",
                ),
            });
        }
        found.push((at, value));
    }
    let locked: Vec<&str> = found
        .iter()
        .map(|(at, _)| &def.fields()[*at])
        .filter(|f| match operation {
            Operation::Insert => !f.createable,
            Operation::Update => !f.updateable,
            Operation::Place => false,
        })
        .map(|f| f.name.as_str())
        .collect();
    if !locked.is_empty() {
        let message = format!(
            "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
            locked.join(", ")
        );
        let error = RowError::new("INVALID_FIELD_FOR_INSERT_UPDATE", message);
        return Err(locked.into_iter().fold(error, RowError::on));
    }
    found.into_iter().map(|(at, value)| Ok((at, checked(&def.fields()[at], value)?))).collect()
}

fn default_of(field: &FieldDef) -> Value {
    let nothing = if field.ty == Type::Boolean { Value::Bool(false) } else { Value::Null };
    field.default_value().unwrap_or(nothing)
}

fn check_required(def: &ObjectDef, values: &[Value], operation: Operation) -> Result<(), RowError> {
    let missing: Vec<&str> = def
        .fields()
        .iter()
        .zip(values)
        .filter(|(field, value)| {
            // The org fills what is defaulted on create, but nobody may empty it later.
            let filled = operation != Operation::Update && field.defaulted_on_create;
            value.is_null() && !field.nillable && (field.createable || field.updateable) && !filled
        })
        .map(|(field, _)| field.name.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let error = RowError::new(
        "REQUIRED_FIELD_MISSING",
        format!("Required fields are missing: [{}]", missing.join(", ")),
    );
    Err(missing.into_iter().fold(error, RowError::on))
}

fn set_system(def: &ObjectDef, values: &mut [Value], stamp: &Stamp) {
    let system = def.system();
    let mut set = |at: Option<usize>, value: Value| {
        if let Some(at) = at {
            values[at] = value;
        }
    };
    let (at, by) = (Value::DateTime(stamp.at), Value::Id(stamp.by));
    if stamp.created {
        set(system.id, Value::Id(stamp.id));
        set(system.is_deleted, Value::Bool(false));
        set(system.created_date, at.clone());
        set(system.created_by, by.clone());
    }
    set(system.modified_date, at.clone());
    set(system.modified_by, by);
    set(system.modstamp, at);
    if let Some(name) = system.composed_name {
        let part = |field: &str| def.field(field).map(|(at, _)| values[at].clone());
        let parts = ["FirstName", "LastName"].into_iter().filter_map(part);
        let texts: Vec<_> =
            parts.filter_map(|v| if let Value::Text(t) = v { Some(t) } else { None }).collect();
        values[name] = if texts.is_empty() { Value::Null } else { Value::text(texts.join(" ")) };
    }
}

/// A master without details has a count and a sum.
fn sum_of_none(def: &ObjectDef, values: &mut [Value]) {
    for (value, field) in values.iter_mut().zip(def.fields()) {
        if let Some(Summary::Count | Summary::Sum) = field.rollup.as_ref().map(|r| r.operation) {
            *value = Value::Num(0.into());
        }
    }
}

/// Fills the auto-number fields.
fn number(def: &ObjectDef, values: &mut [Value], table: &mut Table) {
    for (at, field) in def.fields().iter().enumerate().filter(|(_, f)| f.auto_number) {
        let format = field.auto_number_format.as_deref().unwrap_or("{0}");
        values[at] = Value::text(numbered(format, table.take_number(at)));
    }
}

/// `OI-{000000}` with its number in.
fn numbered(format: &str, n: u64) -> String {
    let Some((before, rest)) = format.split_once("{0") else { return format!("{format}{n}") };
    let (zeros, after) = rest.split_once('}').unwrap_or((rest, ""));
    let width = zeros.len() + 1;
    format!("{before}{n:0width$}{after}")
}

fn no_resource() -> RowError {
    RowError::new("NOT_FOUND", "The requested resource does not exist")
}

fn no_such_column(name: &str, def: &ObjectDef) -> RowError {
    RowError::new("INVALID_FIELD", format!("No such column '{name}' on sobject of type {}", def.name))
}

fn held_by(def: &ObjectDef, child: &ObjectDef, id: RecordId) -> RowError {
    let message = format!(
        "Your attempt to delete this {} could not be completed because it is associated with the following {}: {}",
        def.label,
        child.label_plural,
        id.as_str15()
    );
    RowError::new("DELETE_FAILED", message)
}
