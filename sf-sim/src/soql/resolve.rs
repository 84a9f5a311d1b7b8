//! Paths → fields: names are looked up once, in the words of a describe, and refused in Salesforce's.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::ast::{Compare, Condition, Expr, Name, Path, Period, Query};
use super::error::{
    INVALID_FIELD, INVALID_TYPE, MALFORMED_QUERY, SoqlError, unknown_field, unknown_object,
    unknown_relationship,
};
use super::group::Grouping;
use super::plan::Semi;
use crate::schema::{Catalog, FieldDef, ObjectDef, Type};

/// How far up a path may go [SOQL reference, "Relationship query limitations"].
const MAX_LEVELS: usize = 5;
/// How many relationships to parents a statement may name [SOQL reference, "Understanding Relationship Query Limitations"].
const MAX_RELATIONSHIPS: usize = 55;

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
    pub(super) catalog: &'a Catalog,
    pub(super) soql: &'a str,
    alias: Option<&'a str>,
    /// Other names of parents, and the way to them.
    aliases: Vec<(&'a str, Vec<Name>)>,
    pub(super) object: Arc<ObjectDef>,
    /// Objects that parents may be of.
    pub(super) joins: Vec<String>,
    pub(super) periods: Vec<Period>,
    pub(super) sets: Vec<Semi>,
    /// The relationships to parents that are named, each by its way from the object.
    relationships: BTreeSet<String>,
    /// Whether the condition names one record: the objects of a TYPEOF then do not count.
    pub(super) single: bool,
    /// Set while `HAVING` and `ORDER BY` of a grouped query are looked up: names then mean what a group has.
    pub(super) grouping: Option<Grouping>,
}

/// Where a path has got to.
enum At {
    Object(Arc<ObjectDef>),
    /// One of several objects.
    Several(Vec<Arc<ObjectDef>>),
}

/// The object after `FROM`, which has to exist and to be queryable.
pub(super) fn root(query: &Query, catalog: &Catalog) -> Result<Arc<ObjectDef>, SoqlError> {
    let name = query.object.to_string();
    let Some(object) = catalog.get(&name) else {
        return Err(SoqlError::at(INVALID_TYPE, &query.text, query.object.pos(), &unknown_object(&name)));
    };
    queryable(object)?;
    Ok(object.clone())
}

pub(super) fn queryable(object: &ObjectDef) -> Result<(), SoqlError> {
    if object.event || !object.queryable {
        let message = format!("entity type {} does not support query", object.name);
        return Err(SoqlError::plain("INVALID_TYPE_FOR_OPERATION", message));
    }
    Ok(())
}

/// `Id = '…'`.
fn is_one_record(condition: &Condition) -> bool {
    match condition {
        Condition::Compare(Expr::Field(path), Compare::Equal, _) => {
            matches!(path.names.as_slice(), [name] if name.text.eq_ignore_ascii_case("Id"))
        }
        _ => false,
    }
}

impl<'a> Resolver<'a> {
    /// For a query on an object that exists and can be queried.
    pub(super) fn new(
        query: &'a Query,
        object: Arc<ObjectDef>,
        catalog: &'a Catalog,
    ) -> Result<Self, SoqlError> {
        let alias = query.alias.as_ref().map(|a| a.text.as_str());
        let mut resolver = Self {
            catalog,
            soql: &query.text,
            alias,
            aliases: Vec::new(),
            object,
            joins: Vec::new(),
            periods: Vec::new(),
            sets: Vec::new(),
            relationships: BTreeSet::new(),
            single: query.condition.as_ref().is_some_and(is_one_record),
            grouping: None,
        };
        for (path, alias) in &query.aliases {
            let names = resolver.own_names(path).into_owned();
            let mut at = At::Object(resolver.object.clone());
            for name in &names {
                (_, _, at) = resolver.step(&at, name, path.pos())?;
            }
            resolver.aliases.push((&alias.text, names));
        }
        Ok(resolver)
    }

    pub(super) fn error(&self, code: &'static str, pos: usize, message: &str) -> SoqlError {
        SoqlError::at(code, self.soql, pos, message)
    }

    /// Follows a path to its field.
    pub(super) fn find(&mut self, path: &Path) -> Result<Found, SoqlError> {
        let names = self.own_names(path);
        self.find_from(At::Object(self.object.clone()), &names, path.pos(), "")
    }

    /// Follows a path that begins at an object which the query has got to on another way.
    pub(super) fn find_in(
        &mut self,
        object: &Arc<ObjectDef>,
        path: &Path,
        way: &str,
    ) -> Result<Found, SoqlError> {
        self.find_from(At::Object(object.clone()), &path.names, path.pos(), way)
    }

    /// A field that all the objects have which a relationship leads to.
    pub(super) fn find_in_any(
        &mut self,
        objects: &[Arc<ObjectDef>],
        path: &Path,
    ) -> Result<Found, SoqlError> {
        self.find_from(At::Several(objects.to_vec()), &path.names, path.pos(), "")
    }

    fn find_from(&mut self, mut at: At, names: &[Name], pos: usize, way: &str) -> Result<Found, SoqlError> {
        let Some((last, parents)) = names.split_last() else {
            return Err(self.error(INVALID_FIELD, pos, "A field is required"));
        };
        if parents.len() > MAX_LEVELS {
            // The limit is documented, its wording is not.
            let message = format!("A field path cannot go through more than {MAX_LEVELS} relationships");
            return Err(self.error(MALFORMED_QUERY, pos, &message));
        }
        let mut names = Vec::with_capacity(parents.len() + 1);
        let mut hops = Vec::with_capacity(parents.len());
        let mut way = way.to_owned();
        for parent in parents {
            let (hop, name, next) = self.step(&at, parent, pos)?;
            way = format!("{way}.{name}");
            self.count_relationship(way.clone(), pos)?;
            hops.push(hop);
            names.push(name);
            at = next;
        }
        let (leaf, field) = self.leaf(&at, last, pos)?;
        names.push(field.name.clone());
        Ok(Found { access: Access { hops, leaf }, names, field })
    }

    /// A relationship of the query's object: the step to it, its name, and the objects that it may lead to.
    pub(super) fn relationship(
        &mut self,
        name: &Name,
    ) -> Result<(Hop, String, Vec<Arc<ObjectDef>>), SoqlError> {
        let pos = name.pos;
        let (hop, name, at) = self.step(&At::Object(self.object.clone()), name, pos)?;
        self.count_relationship(format!(".{name}"), pos)?;
        let objects = match at {
            At::Object(object) => vec![object],
            At::Several(objects) => objects,
        };
        Ok((hop, name, objects))
    }

    /// Notes that a relationship is named; one that is named again counts once.
    pub(super) fn count_relationship(&mut self, way: String, pos: usize) -> Result<(), SoqlError> {
        self.relationships.insert(way);
        if self.relationships.len() <= MAX_RELATIONSHIPS {
            return Ok(());
        }
        // The limit is documented, its wording is not.
        let message =
            format!("A query cannot have more than {MAX_RELATIONSHIPS} child-to-parent relationships");
        Err(self.error(MALFORMED_QUERY, pos, &message))
    }

    /// The place of a table among those that hops lead to.
    pub(super) fn join_of(&self, object: &str) -> Option<usize> {
        self.joins.iter().position(|join| join == object)
    }

    /// The path without the object's alias or own name before it, and with the alias of a parent undone.
    fn own_names<'p>(&self, path: &'p Path) -> Cow<'p, [Name]> {
        match path.names.split_first() {
            Some((first, rest)) if !rest.is_empty() => {
                let is = |name: &str| first.text.eq_ignore_ascii_case(name);
                if let Some((_, way)) = self.aliases.iter().find(|(alias, _)| is(alias)) {
                    return way.iter().chain(rest).cloned().collect();
                }
                Cow::Borrowed(if self.alias.is_some_and(is) || is(&self.object.name) {
                    rest
                } else {
                    &path.names
                })
            }
            _ => Cow::Borrowed(&path.names),
        }
    }

    /// The name of a relationship to children, without the object's alias or own name before it.
    pub(super) fn own_name<'p>(&self, path: &'p Path) -> Option<&'p Name> {
        match path.names.as_slice() {
            [only] => Some(only),
            [first, second] => {
                let is = |name: &str| first.text.eq_ignore_ascii_case(name);
                Some(second).filter(|_| self.alias.is_some_and(is) || is(&self.object.name))
            }
            _ => None,
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
            let message = unknown_relationship(&parent.text, "field path");
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
        let missing = |entity: &str| self.error(INVALID_FIELD, pos, &unknown_field(&name.text, entity));
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
