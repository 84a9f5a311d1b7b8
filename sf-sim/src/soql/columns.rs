//! What the columns of a query's answer are: `columns=true`, by which command lines lay out their tables.
//!
//! Names and shape are those that the tests of Salesforce's own command line keep of a real org's answers.

use serde_json::{Value as Json, json};

use super::plan::{Column, Plan};
use super::select::Shape;
use crate::schema::{FieldDef, Type};

impl Plan {
    /// The answer to a query with `columns=true`. Nothing is run.
    #[must_use]
    pub fn column_metadata(&self) -> Json {
        let (columns, id) = match &self.grouping {
            Some(grouping) => (grouping.columns().map(grouped).collect(), false),
            None => {
                let id = self.columns().iter().any(|c| matches!(c.path(), [name] if name == "Id"));
                (self.joined(&self.shape), id)
            }
        };
        json!({
            "columnMetadata": columns,
            "entityName": self.object().name,
            "groupBy": self.grouping.as_ref().is_some_and(super::group::Grouping::has_keys),
            "idSelected": id,
            "keyPrefix": self.object().key_prefix.as_str(),
        })
    }

    fn joined(&self, shape: &[Shape]) -> Vec<Json> {
        shape.iter().map(|part| self.part(part)).collect()
    }

    fn part(&self, part: &Shape) -> Json {
        match part {
            Shape::Column(at) => self.columns().get(*at).map_or(Json::Null, field),
            Shape::Computed(at) => self.columns().get(*at).map_or(Json::Null, |column| {
                let header = column.header();
                entry(true, (header, header), Some(column.field().ty), None)
            }),
            Shape::Parent(parent) => parent_of(&parent.name, self.joined(&parent.parts)),
            Shape::TypeOf(cases) => {
                let mut all = Vec::new();
                let branches = cases.parts.iter().map(|(_, parts)| parts).chain([&cases.otherwise]);
                for column in branches.flat_map(|parts| self.joined(parts)) {
                    if !all.contains(&column) {
                        all.push(column);
                    }
                }
                parent_of(&cases.name, all)
            }
            Shape::Children(at) => self.children.get(*at).map_or(Json::Null, |child| {
                let mut list = entry(true, (&child.name, &child.name), None, None);
                list["joinColumns"] = child.plan.joined(&child.plan.shape).into();
                list
            }),
        }
    }
}

fn field(column: &Column) -> Json {
    let name = column.path().last().map_or("", String::as_str);
    entry(false, (name, name), Some(column.field().ty), Some(column.field()))
}

fn parent_of(name: &str, joined: Vec<Json>) -> Json {
    let mut parent = entry(false, (name, name), None, None);
    parent["custom"] = name.ends_with("__r").into();
    parent["foreignKeyName"] = foreign_key(name).into();
    parent["joinColumns"] = joined.into();
    parent
}

fn grouped((name, display, ty, field): (&str, String, Type, Option<&FieldDef>)) -> Json {
    entry(field.is_none(), (name, &display), Some(ty), field)
}

/// A column: its name and what people see of it, the type of its values, and the field that it shows as it is.
fn entry(aggregate: bool, (name, display): (&str, &str), ty: Option<Type>, field: Option<&FieldDef>) -> Json {
    json!({
        "aggregate": aggregate,
        "apexType": field.map(|f| apex_type(f.ty)),
        "booleanType": ty == Some(Type::Boolean),
        "columnName": name,
        "custom": field.is_some_and(|f| f.custom),
        "displayName": display,
        "foreignKeyName": null,
        "insertable": field.is_some_and(|f| f.createable),
        "joinColumns": [],
        "numberType": ty.is_some_and(|ty| ty.is_decimal() || matches!(ty, Type::Int | Type::Long)),
        "textType": ty.is_some_and(|ty| ty.is_text() && !matches!(ty, Type::Id | Type::Reference)),
        "updatable": field.is_some_and(|f| f.updateable),
    })
}

/// `Owner` → `OwnerId`, `Family__r` → `Family__c`.
fn foreign_key(relationship: &str) -> String {
    match relationship.strip_suffix("__r") {
        Some(stem) => format!("{stem}__c"),
        None => format!("{relationship}Id"),
    }
}

/// `Id` and `String` are recorded; the others are the types that Apex has for such fields.
fn apex_type(ty: Type) -> &'static str {
    match ty {
        Type::Id | Type::Reference => "Id",
        Type::Boolean => "Boolean",
        Type::Int => "Integer",
        Type::Long => "Long",
        Type::Double | Type::Currency | Type::Percent => "Decimal",
        Type::Date => "Date",
        Type::DateTime => "Datetime",
        Type::Time => "Time",
        Type::Base64 => "Blob",
        Type::Address => "Address",
        Type::Location => "Location",
        _ => "String",
    }
}
