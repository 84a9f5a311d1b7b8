//! Paths → fields: names are looked up once, in the words of a describe, and refused in Salesforce's.

use std::sync::Arc;

use super::ast::{Name, Path, Period, Query};
use super::error::{INVALID_FIELD, INVALID_TYPE, MALFORMED_QUERY, SoqlError};
use crate::schema::{Catalog, FieldDef, ObjectDef, Type};

/// How far up a path may go [SOQL reference, "Relationship query limitations"].
const MAX_LEVELS: usize = 5;

/// What is known of records that a field of several possible objects points to: Salesforce's `Name` object.
const NAME_FIELDS: [&str; 11] = [
    "Alias",
    "Email",
    "FirstName",
    "Id",
    "IsActive",
    "LastName",
    "Name",
    "Phone",
    "Title",
    "Type",
    "Username",
];

/// The way from a row to a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Access {
    /// The parents on the way, empty for a field of the row itself.
    pub(super) hops: Vec<Hop>,
    pub(super) leaf: Leaf,
}

/// A step to a parent: the field that points to it, and the objects it may be of, as places in the plan's `joins`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hop {
    pub(super) reference: usize,
    pub(super) joins: Vec<usize>,
    /// Whether the field can point to several objects; not all of them need exist in this org.
    pub(super) several: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Leaf {
    /// The field at this place.
    Field(usize),
    /// The field at the place that belongs to the join the last hop took.
    ByObject(Vec<(usize, usize)>),
    /// The name of the object that the last hop led to.
    ObjectName,
}

/// A path that was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) access: Access,
    /// The path in the casing of the describes.
    pub(super) names: Vec<String>,
    pub(super) field: FieldDef,
}

/// Looks paths up and collects what running the query needs.
#[derive(Debug)]
pub(super) struct Resolver<'a> {
    catalog: &'a Catalog,
    soql: &'a str,
    alias: Option<&'a str>,
    pub(super) object: Arc<ObjectDef>,
    /// Objects that parents may be of.
    pub(super) joins: Vec<String>,
    pub(super) periods: Vec<Period>,
}

/// Where a path has got to.
enum At {
    Object(Arc<ObjectDef>),
    /// One of several objects.
    Several(Vec<Arc<ObjectDef>>),
}

impl<'a> Resolver<'a> {
    /// For a query on an object that exists and can be queried.
    pub(super) fn new(query: &'a Query, catalog: &'a Catalog) -> Result<Self, SoqlError> {
        let soql = query.text.as_str();
        let Some(object) = catalog.get(&query.object.text) else {
            let message = format!(
                "sObject type '{}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
                query.object.text
            );
            return Err(SoqlError::at(INVALID_TYPE, soql, query.object.pos, &message));
        };
        if object.event || !object.queryable {
            let message = format!("entity type {} does not support query", object.name);
            return Err(SoqlError::plain("INVALID_TYPE_FOR_OPERATION", message));
        }
        let alias = query.alias.as_ref().map(|a| a.text.as_str());
        Ok(Self { catalog, soql, alias, object: object.clone(), joins: Vec::new(), periods: Vec::new() })
    }

    pub(super) fn error(&self, code: &'static str, pos: usize, message: &str) -> SoqlError {
        SoqlError::at(code, self.soql, pos, message)
    }

    /// Follows a path to its field.
    pub(super) fn find(&mut self, path: &Path) -> Result<Found, SoqlError> {
        let pos = path.pos();
        let Some((last, parents)) = self.own_names(path).split_last() else {
            return Err(self.error(INVALID_FIELD, pos, "A field is required"));
        };
        if parents.len() > MAX_LEVELS {
            // The limit is documented, its wording is not.
            let message = format!("A field path cannot go through more than {MAX_LEVELS} relationships");
            return Err(self.error(MALFORMED_QUERY, pos, &message));
        }
        let mut at = At::Object(self.object.clone());
        let mut names = Vec::with_capacity(parents.len() + 1);
        let mut hops = Vec::with_capacity(parents.len());
        for parent in parents {
            let (hop, name, next) = self.step(&at, parent, pos)?;
            hops.push(hop);
            names.push(name);
            at = next;
        }
        let (leaf, field) = self.leaf(&at, last, pos)?;
        names.push(field.name.clone());
        Ok(Found { access: Access { hops, leaf }, names, field })
    }

    /// The path without the object's alias or own name before it.
    fn own_names<'p>(&self, path: &'p Path) -> &'p [Name] {
        match path.names.split_first() {
            Some((first, rest)) if !rest.is_empty() => {
                let is = |name: &str| first.text.eq_ignore_ascii_case(name);
                if self.alias.is_some_and(is) || is(&self.object.name) { rest } else { &path.names }
            }
            _ => &path.names,
        }
    }

    fn step(&mut self, at: &At, parent: &Name, pos: usize) -> Result<(Hop, String, At), SoqlError> {
        let found = match at {
            At::Object(object) => object.relationship(&parent.text).map(|(place, field)| {
                let targets = field.reference_to.iter().filter_map(|t| self.catalog.get(t).cloned());
                (place, field.clone(), targets.collect::<Vec<_>>())
            }),
            At::Several(_) => None,
        };
        let Some((reference, field, targets)) = found.filter(|(_, _, targets)| !targets.is_empty()) else {
            let message = format!(
                "Didn't understand relationship '{}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.",
                parent.text
            );
            return Err(self.error(INVALID_FIELD, pos, &message));
        };
        let joins = targets.iter().map(|t| self.join(&t.name)).collect();
        let several = field.is_polymorphic();
        let next = match targets.as_slice() {
            [only] if !several => At::Object(only.clone()),
            _ => At::Several(targets),
        };
        let name = field.relationship_name.unwrap_or_else(|| parent.text.clone());
        Ok((Hop { reference, joins, several }, name, next))
    }

    fn leaf(&self, at: &At, name: &Name, pos: usize) -> Result<(Leaf, FieldDef), SoqlError> {
        let missing = |entity: &str| {
            let message = format!(
                "No such column '{}' on entity '{entity}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.",
                name.text
            );
            self.error(INVALID_FIELD, pos, &message)
        };
        match at {
            At::Object(object) => {
                let (place, field) = object.field(&name.text).ok_or_else(|| missing(&object.name))?;
                Ok((Leaf::Field(place), field.clone()))
            }
            At::Several(targets) => {
                let known = NAME_FIELDS.iter().find(|f| f.eq_ignore_ascii_case(&name.text));
                let known = known.ok_or_else(|| missing("Name"))?;
                if *known == "Type" {
                    return Ok((Leaf::ObjectName, FieldDef::new("Type", "Type", Type::Picklist)));
                }
                let of = |target: &Arc<ObjectDef>| {
                    let join = self.joins.iter().position(|j| *j == target.name)?;
                    target.field(known).map(|(place, field)| (join, place, field.clone()))
                };
                let places: Vec<_> = targets.iter().filter_map(of).collect();
                let field =
                    places.first().map(|(_, _, field)| field.clone()).ok_or_else(|| missing("Name"))?;
                Ok((Leaf::ByObject(places.iter().map(|(join, place, _)| (*join, *place)).collect()), field))
            }
        }
    }

    fn join(&mut self, object: &str) -> usize {
        if let Some(at) = self.joins.iter().position(|j| j == object) {
            return at;
        }
        self.joins.push(object.to_owned());
        self.joins.len() - 1
    }

    pub(super) fn period(&mut self, period: Period) -> usize {
        self.periods.push(period);
        self.periods.len() - 1
    }
}
