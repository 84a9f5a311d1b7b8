//! The select list → columns, and the shape of a record that they make.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ast::{Expr, FieldGroup, Function, Item, Path, Query, TypeOf};
use super::error::{
    INVALID_FIELD, INVALID_TYPE, MALFORMED_QUERY, SoqlError, unknown_object, unknown_relationship,
};
use super::operand::{Operand, Target};
use super::plan::{Child, Column, statement, too_deep};
use super::resolve::{Hop, Resolver, queryable};
use crate::schema::FieldDef;

/// How many statements may stand in one another [SOQL reference, "Relationship Queries"].
const MAX_NESTING: usize = 5;
/// How many relationships to children a query may have, those of its subqueries included [SOQL reference,
/// "Understanding Relationship Query Limitations"].
const MAX_CHILDREN: usize = 20;

/// What the select list asks for.
#[derive(Debug, Default)]
pub(super) struct Selected {
    pub(super) columns: Vec<Column>,
    pub(super) shape: Vec<Shape>,
    pub(super) children: Vec<Child>,
    pub(super) type_of: bool,
    unnamed: usize,
    /// `FIELDS(ALL)` or `FIELDS(CUSTOM)`.
    pub(super) all_fields: bool,
}

/// What a record of the answer is made of, in the order of the select list.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// The column at this place, which is a field of the row in hand.
    Column(usize),
    /// The column at this place, made of the query's own row and shown under its header.
    Computed(usize),
    /// A parent and what is selected of it; it stands where it is first named.
    Parent(Parent),
    /// A parent of which something else is selected for each object that it may be of.
    TypeOf(Cases),
    /// The subquery at this place.
    Children(usize),
}

#[derive(Clone, Debug)]
pub(super) struct Parent {
    pub(super) name: String,
    pub(super) hop: Hop,
    pub(super) parts: Vec<Shape>,
}

#[derive(Clone, Debug)]
pub(super) struct Cases {
    pub(super) name: String,
    pub(super) hop: Hop,
    /// By the place of the object's table among the plan's joins.
    pub(super) parts: Vec<(usize, Vec<Shape>)>,
    pub(super) otherwise: Vec<Shape>,
}

pub(super) fn select(
    items: &[Item],
    resolver: &mut Resolver<'_>,
    level: usize,
) -> Result<Selected, SoqlError> {
    let mut list = Selected::default();
    for item in items {
        match item {
            Item::Value(expr, alias) => {
                let alias = alias.as_ref().map(|a| a.text.as_str());
                let column = column(expr, alias, resolver)?;
                let computed = alias.is_some() || matches!(column.operand, Operand::Distance(_));
                list.add(column, computed)?;
            }
            Item::Fields(group, _) => {
                list.all_fields |= *group != FieldGroup::Standard;
                for (at, field) in resolver.object.clone().fields().iter().enumerate() {
                    let wanted = match group {
                        FieldGroup::All => true,
                        FieldGroup::Custom => field.custom,
                        FieldGroup::Standard => !field.custom,
                    };
                    if wanted {
                        list.add(own(field, at), false)?;
                    }
                }
            }
            Item::Children(query) => list.children(query, resolver, level)?,
            Item::TypeOf(type_of) => {
                list.type_of = true;
                list.type_of(type_of, resolver)?;
            }
        }
    }
    // "typeOfField can't reference a relationship field that is also referenced in fieldList" [SOQL reference, "SOQL
    // SELECT Syntax"]; in which words it is refused is not documented.
    let relationship = |shape: &Shape| match shape {
        Shape::Parent(parent) => Some(parent.name.clone()),
        Shape::TypeOf(cases) => Some(cases.name.clone()),
        _ => None,
    };
    let mut seen = BTreeSet::new();
    match list.shape.iter().filter_map(relationship).find(|name| !seen.insert(name.clone())) {
        Some(name) => Err(SoqlError::plain(INVALID_FIELD, format!("duplicate field selected: {name}"))),
        None => Ok(list),
    }
}

/// A field of the object itself.
fn own(field: &FieldDef, at: usize) -> Column {
    let access = super::resolve::Access { hops: Vec::new(), leaf: super::resolve::Leaf::Field(at) };
    Column {
        path: vec![field.name.clone()],
        header: field.name.clone(),
        field: field.clone(),
        operand: Operand::Field(access),
        format: false,
    }
}

fn column(expr: &Expr, alias: Option<&str>, resolver: &mut Resolver<'_>) -> Result<Column, SoqlError> {
    let (inner, format) = match expr {
        Expr::Call(call) if call.function == Function::Format => (&*call.argument, true),
        other => (other, false),
    };
    let Target { operand, names, field } = resolver.target(inner)?;
    if alias.is_some() && matches!(expr, Expr::Field(_)) {
        let message = "only aggregate expressions use field aliasing";
        return Err(resolver.error(MALFORMED_QUERY, expr.pos(), message));
    }
    if let Operand::Date(..) = operand {
        let message = format!("Field must be grouped or aggregated: {}", names.join("."));
        return Err(resolver.error(MALFORMED_QUERY, expr.pos(), &message));
    }
    let header = match (alias, &operand) {
        (Some(alias), _) => alias.to_owned(),
        // Values without a name are counted when they are added.
        (None, Operand::Distance(_)) => String::new(),
        (None, _) => names.join("."),
    };
    Ok(Column { path: names, header, field, operand, format })
}

impl Selected {
    fn add(&mut self, mut column: Column, computed: bool) -> Result<(), SoqlError> {
        if column.header.is_empty() {
            column.header = format!("expr{}", self.unnamed);
            self.unnamed += 1;
        }
        if self.columns.iter().any(|c| c.header == column.header) {
            let message = format!("duplicate field selected: {}", column.header);
            return Err(SoqlError::plain(INVALID_FIELD, message));
        }
        let at = self.columns.len();
        if computed {
            self.shape.push(Shape::Computed(at));
        } else {
            place(&mut self.shape, &column.path, hops(&column), at);
        }
        self.columns.push(column);
        Ok(())
    }

    fn children(
        &mut self,
        query: &Query,
        resolver: &mut Resolver<'_>,
        level: usize,
    ) -> Result<(), SoqlError> {
        if level + 1 >= MAX_NESTING {
            return Err(too_deep(MAX_NESTING - 1));
        }
        let found = resolver.own_name(&query.object).and_then(|name| {
            let (object, field) = resolver.catalog.child(&resolver.object.name, &name.text)?;
            let (reference, _) = object.field(&field.name)?;
            Some((object.clone(), reference, field.child_relationship_name.clone()?))
        });
        let Some((object, reference, name)) = found else {
            let message = unknown_relationship(&query.object.to_string(), "FROM part of query call");
            return Err(resolver.error(INVALID_TYPE, query.object.pos(), &message));
        };
        queryable(&object)?;
        let taken = self.children.iter().any(|c| c.name == name);
        if taken {
            return Err(SoqlError::plain(INVALID_FIELD, format!("duplicate field selected: {name}")));
        }
        let plan = Arc::new(statement(query, object, resolver.catalog, level + 1)?);
        self.shape.push(Shape::Children(self.children.len()));
        self.children.push(Child { name, reference, plan });
        if self.children.iter().map(|child| 1 + child.plan.subqueries()).sum::<usize>() > MAX_CHILDREN {
            // The limit is documented, its wording is not.
            let message =
                format!("A query cannot have more than {MAX_CHILDREN} parent-to-child relationships");
            return Err(resolver.error(MALFORMED_QUERY, query.object.pos(), &message));
        }
        Ok(())
    }

    fn type_of(&mut self, type_of: &TypeOf, resolver: &mut Resolver<'_>) -> Result<(), SoqlError> {
        let (hop, name, objects) = resolver.relationship(&type_of.relationship)?;
        let mut cases = Vec::with_capacity(type_of.cases.len());
        for (object, paths) in &type_of.cases {
            let known = objects.iter().find(|o| o.name.eq_ignore_ascii_case(&object.text)).cloned();
            let Some((join, known)) = known.and_then(|o| Some((resolver.join_of(&o.name)?, o))) else {
                return Err(resolver.error(INVALID_TYPE, object.pos, &unknown_object(&object.text)));
            };
            let way = format!("{name}:{}", known.name);
            if !resolver.single {
                resolver.count_relationship(way.clone(), object.pos)?;
            }
            cases.push((join, self.branch(paths, |path| resolver.find_in(&known, path, &way))?));
        }
        let otherwise = self.branch(&type_of.otherwise, |path| match objects.as_slice() {
            [only] => resolver.find_in(only, path, &name),
            several => resolver.find_in_any(several, path),
        })?;
        self.shape.push(Shape::TypeOf(Cases { name, hop, parts: cases, otherwise }));
        Ok(())
    }

    /// The fields of one branch of a TYPEOF, which begin at the record that it leads to.
    fn branch(
        &mut self,
        paths: &[Path],
        mut find: impl FnMut(&Path) -> Result<super::resolve::Found, SoqlError>,
    ) -> Result<Vec<Shape>, SoqlError> {
        let mut parts = Vec::new();
        for path in paths {
            let found = find(path)?;
            let column = Column {
                header: found.names.join("."),
                path: found.names,
                field: found.field,
                operand: Operand::Field(found.access),
                format: false,
            };
            place(&mut parts, &column.path, hops(&column), self.columns.len());
            self.columns.push(column);
        }
        Ok(parts)
    }
}

fn hops(column: &Column) -> &[Hop] {
    match &column.operand {
        Operand::Field(access) | Operand::Label(access, _) => &access.hops,
        _ => &[],
    }
}

/// Hangs a column into the tree of parents.
fn place(shape: &mut Vec<Shape>, path: &[String], hops: &[Hop], column: usize) {
    let (Some((name, below)), Some((hop, hops))) = (path.split_first(), hops.split_first()) else {
        shape.push(Shape::Column(column));
        return;
    };
    let known = shape.iter().position(|s| matches!(s, Shape::Parent(p) if p.name == *name));
    let at = known.unwrap_or_else(|| {
        shape.push(Shape::Parent(Parent { name: name.clone(), hop: hop.clone(), parts: Vec::new() }));
        shape.len() - 1
    });
    if let Some(Shape::Parent(parent)) = shape.get_mut(at) {
        place(&mut parent.parts, below, hops, column);
    }
}
