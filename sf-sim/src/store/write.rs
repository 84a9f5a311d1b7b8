//! Insert and update.

use std::sync::Arc;

use chrono::{DateTime, Datelike};

use super::check::checked;
use super::convert::from_json;
use super::error::RowError;
use super::row::Row;
use super::{Store, Table};
use crate::id::RecordId;
use crate::schema::{FieldDef, ObjectDef, Summary, Type};
use crate::value::{Cell, Value};

type Json = serde_json::Map<String, serde_json::Value>;

/// When a row was last named, and last looked at. It has not changed by that.
pub(crate) const LOOKED_AT: [&str; 2] = ["LastReferencedDate", "LastViewedDate"];

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
        number(def, values, table, created_ms);
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
        number(def, &mut values, table, stamp);
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
        let mut values = old.values(&def);
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

    /// Notes that rows were looked at, or named, just now; nobody counts as having changed them. It is not taken back with
    /// changes around it: they were looked at all the same.
    pub(crate) fn mark(&mut self, def: &ObjectDef, rows: &[Arc<Row>], viewed: bool) {
        let stamp = self.clock.stamp_ms();
        let fields = LOOKED_AT.iter().take(if viewed { 2 } else { 1 });
        let places: Vec<usize> = fields.filter_map(|name| def.field(name).map(|(at, _)| at)).collect();
        let Some(table) = self.table_mut(&def.name).filter(|_| !places.is_empty()) else { return };
        for row in rows {
            // Only the newest version is seen by all, and only that can be marked without showing it early.
            let Some(latest) = table.latest(row.id()).filter(|latest| Arc::ptr_eq(latest, row)) else {
                continue;
            };
            let mut values = latest.values(def);
            for at in &places {
                values[*at] = Value::DateTime(stamp);
            }
            if let Ok(marked) = Row::pack(row.id(), row.is_deleted(), &cells(&values)) {
                table.put(Arc::new(marked));
            }
        }
    }

    /// What a new record of an object would hold, checked but not stored: what a platform event's publication needs.
    /// One value a field of the object, in its order.
    ///
    /// # Errors
    /// As [`Store::insert_json`].
    pub fn check_new(&self, object: &str, body: &Json, user: RecordId) -> Result<Vec<Value>, RowError> {
        let values = self.json_values(object, body)?;
        self.check_new_values(object, values, user)
    }

    /// As [`Store::check_new`], of values by the names of their fields.
    pub(crate) fn check_new_values(
        &self,
        object: &str,
        values: Vec<(String, Value)>,
        user: RecordId,
    ) -> Result<Vec<Value>, RowError> {
        let def = self.catalog.get(object).cloned().ok_or_else(no_resource)?;
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
                let Some((_, field)) = def.field(name) else {
                    let parent = self.nested_parent(def, name, json);
                    return parent.unwrap_or_else(|| Err(no_such_column(name, def)));
                };
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

    pub(super) fn existing(&self, def: &ObjectDef, id: RecordId) -> Result<Arc<Row>, RowError> {
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
        self.note(&def.name, row.id());
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
                Some(row) if !row.is_deleted() => {
                    let types = &def.record_types;
                    if field.name == "RecordTypeId" && !types.iter().any(|kind| kind.id == *id && kind.active)
                    {
                        let message =
                            format!("{}: this ID value isn't valid for the user: {id}", field.label);
                        return Err(RowError::new("INVALID_CROSS_REFERENCE_KEY", message).on(&field.name));
                    }
                }
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
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Insert,
    Update,
    /// By the org itself.
    Place,
}

pub(super) struct Stamp {
    pub(super) id: RecordId,
    pub(super) at: i64,
    pub(super) by: RecordId,
    pub(super) created: bool,
}

pub(super) fn cells(values: &[Value]) -> Vec<Cell<'_>> {
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

pub(super) fn set_system(def: &ObjectDef, values: &mut [Value], stamp: &Stamp) {
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
fn number(def: &ObjectDef, values: &mut [Value], table: &mut Table, created_ms: i64) {
    for (at, field) in def.fields().iter().enumerate().filter(|(_, f)| f.auto_number) {
        let format = field.auto_number_format.as_deref().unwrap_or("{0}");
        values[at] = Value::text(numbered(format, table.take_number(at), created_ms));
    }
}

/// `OI-{YYYY}-{000000}` with year and number in [Salesforce Help, "Custom Field Types", "Auto Number"].
fn numbered(format: &str, n: u64, created_ms: i64) -> String {
    let created = DateTime::from_timestamp_millis(created_ms).unwrap_or_default();
    let mut out = String::new();
    let mut rest = format;
    let mut has_number = false;
    while let Some((before, (word, after))) =
        rest.split_once('{').and_then(|(before, from)| Some((before, from.split_once('}')?)))
    {
        out.push_str(before);
        match word {
            "YYYY" => out.push_str(&format!("{:04}", created.year())),
            "YY" => out.push_str(&format!("{:02}", created.year().rem_euclid(100))),
            "MM" => out.push_str(&format!("{:02}", created.month())),
            "DD" => out.push_str(&format!("{:02}", created.day())),
            // The number has at most ten digits.
            zeros if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => {
                has_number = true;
                let width = zeros.len().min(10);
                out.push_str(&format!("{n:0width$}"));
            }
            word => out.push_str(&format!("{{{word}}}")),
        }
        rest = after;
    }
    out.push_str(rest);
    if !has_number {
        out.push_str(&n.to_string());
    }
    out
}

pub(super) fn no_resource() -> RowError {
    RowError::new("NOT_FOUND", "The requested resource does not exist")
}

pub(super) fn no_such_column(name: &str, def: &ObjectDef) -> RowError {
    RowError::new("INVALID_FIELD", format!("No such column '{name}' on sobject of type {}", def.name))
}
