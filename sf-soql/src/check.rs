//! A query held against the describes of what it reads.

mod fits;
mod resolve;
mod uses;

use std::fmt;
use std::sync::Arc;

use sf_core::record::FieldType;

use crate::bulk_fields::{field_reason, object_reason};
use crate::cache::DescribeCache;
use crate::condition::Operator;
use crate::describe::Describe;
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::function::Function;
use crate::select::{Fields, ItemNode, Select};

use fits::{fits, is_number, is_reference};
use resolve::{Found, resolve};
use uses::{Role, Use, uses};

/// What is wrong with a query, one of perhaps many things.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// What kind of thing.
    pub kind: ProblemKind,
    /// The name that it is about, as the query has it.
    pub name: String,
    message: String,
}

/// What kind of thing is wrong with a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// There is no such object or child relationship, or the user may not see it.
    UnknownObject,
    /// There is no such field or parent, or the user may not see it.
    UnknownField,
    /// The object cannot be queried.
    NotQueryable,
    /// The field cannot stand in a condition.
    NotFilterable,
    /// The field cannot stand in an ordering.
    NotSortable,
    /// The field cannot stand in `GROUP BY`.
    NotGroupable,
    /// The function does not take the field.
    NotAggregatable,
    /// The value, or the operator, does not go with the field's type.
    WrongType,
    /// Bulk API 2.0 does not read this.
    RefusedByBulk,
}

impl Problem {
    fn new(kind: ProblemKind, name: &str, message: String) -> Self {
        Self { kind, name: name.to_owned(), message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What a Bulk API 2.0 job of a query will take, and its owner may not have expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BulkWarning {
    /// `ORDER BY` keeps the org from splitting the job by ids: a large object may run into its time limit.
    OrderBy,
    /// `LIMIT` keeps the org from splitting the job by ids: a large object may run into its time limit.
    Limit,
}

impl fmt::Display for BulkWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OrderBy => {
                "ORDER BY switches chunking by ids off: the job of a large object may run into its time limit"
            }
            Self::Limit => {
                "LIMIT switches chunking by ids off: the job of a large object may run into its time limit"
            }
        })
    }
}

impl DescribeCache {
    /// Holds a query against the describes of all that it reads: its object, parents, children and joins.
    ///
    /// Fields of a parent that may be of several objects are not checked: no describe has them all.
    ///
    /// ```no_run
    /// # async fn example(describes: sf_soql::DescribeCache) -> sf_soql::Result<()> {
    /// use sf_soql::{Select, field};
    ///
    /// let select = Select::from("Account").fields(["Id", "Nam"]).filter(field("Description").eq(5));
    /// if let Err(error) = describes.check(&select).await {
    ///     // SELECT Nam: Account has no field Nam, or the user may not see it. Did you mean Name?
    ///     // WHERE Description: Account.Description is of type textarea and cannot stand in a condition
    ///     error.problems().iter().for_each(|problem| eprintln!("{problem}"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// All problems at once, as [`Error::problems`]; the error's kind is that of the first.
    /// [`ErrorKind::Org`] where a describe cannot be had.
    pub async fn check(&self, select: &Select) -> Result<()> {
        select.build()?;
        let mut problems = Vec::new();
        self.walk(select, &mut problems, &mut |_, _, _| ()).await?;
        Error::of_problems(select.object(), problems)
    }

    /// What Bulk API 2.0 would refuse in a query, before a job is made for it; and what it will take with a
    /// consequence. Finds what [`check`](Self::check) finds, too.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check), with [`ProblemKind::RefusedByBulk`] among the problems.
    pub async fn bulk_check(&self, select: &Select) -> Result<Vec<BulkWarning>> {
        select.build()?;
        let mut problems = shape(select);
        let mut bulk = Vec::new();
        self.walk(select, &mut problems, &mut |used, describe, field| {
            let reason = describe.fields.get(field).and_then(field_reason);
            if let (Role::Select, Some(reason)) = (&used.role, reason) {
                bulk.push(refused(used.path, format!("SELECT {}: {reason}", used.path)));
            }
        })
        .await?;
        if let Ok(describe) = self.object(select.object()).await {
            let reason = object_reason(&describe);
            problems.extend(
                reason.map(|reason| refused(select.object(), format!("{}: {reason}", select.object()))),
            );
            if select.items.iter().any(|item| matches!(item.0, ItemNode::Fields(Fields::Standard))) {
                problems.extend(standard(&describe));
            }
        }
        problems.extend(bulk);
        Error::of_problems(select.object(), problems)?;
        let warnings =
            [(!select.order.is_empty(), BulkWarning::OrderBy), (select.limit.is_some(), BulkWarning::Limit)];
        Ok(warnings.into_iter().filter_map(|(is, warning)| is.then_some(warning)).collect())
    }

    /// Goes through a query and all queries within, noting problems and showing every field that is found.
    async fn walk<'s>(
        &self,
        select: &'s Select,
        problems: &mut Vec<Problem>,
        each: &mut (dyn FnMut(&Use<'s>, &Describe, usize) + Send),
    ) -> Result<()> {
        let mut work = vec![(select, select.object().to_owned())];
        while let Some((select, object)) = work.pop() {
            let Some(describe) = self.known("FROM", &object, problems).await? else { continue };
            if !describe.queryable {
                let message = format!("FROM {object}: its describe says that it cannot be queried");
                problems.push(Problem::new(ProblemKind::NotQueryable, &object, message));
            }
            for used in uses(select) {
                match resolve(self, &describe, select.alias.as_deref(), &used).await? {
                    Found::Field(on, field) => {
                        problems.extend(objection(&used, &on, field));
                        each(&used, &on, field);
                    }
                    Found::Unknowable => {}
                    Found::Nothing(problem) => problems.push(problem),
                }
            }
            for (object, fields) in uses::cases(select) {
                let Some(describe) = self.known("WHEN", object, problems).await? else { continue };
                for used in fields {
                    if let Found::Nothing(problem) = resolve(self, &describe, None, &used).await? {
                        problems.push(problem);
                    }
                }
            }
            for child in uses::children(select) {
                match child_object(&describe, child.object()) {
                    Ok(object) => work.push((child, object)),
                    Err(problem) => problems.push(problem),
                }
            }
            work.extend(uses::joined(select).map(|joined| (joined, joined.object().to_owned())));
        }
        Ok(())
    }

    /// The describe of an object that a clause names; none where there is no such object, which is noted.
    async fn known(
        &self,
        clause: &str,
        object: &str,
        problems: &mut Vec<Problem>,
    ) -> Result<Option<Arc<Describe>>> {
        match self.object(object).await {
            Ok(describe) => Ok(Some(describe)),
            Err(error) if error.kind() == ErrorKind::UnknownObject => {
                let message = format!("{clause} {object}: {error}");
                problems.push(Problem::new(ProblemKind::UnknownObject, object, message));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn child_object(describe: &Describe, relationship: &str) -> std::result::Result<String, Problem> {
    if let Some(child) = describe.child(relationship) {
        return Ok(child.child_object.clone());
    }
    let names = describe.child_relationships.iter().filter_map(|c| c.relationship_name.as_deref());
    let hint = did_you_mean(relationship, names);
    let message = format!("FROM {relationship}: {} has no such children.{hint}", describe.name);
    Err(Problem::new(ProblemKind::UnknownObject, relationship, message))
}

/// What the field does not allow of what the query does with it.
fn objection(used: &Use<'_>, on: &Arc<Describe>, field: usize) -> Option<Problem> {
    let field = on.fields.get(field)?;
    let of_type = field.field_type;
    let refuse = |kind, clause: &str, why: String| {
        let message = format!("{clause} {}: {}.{} {why}", used.path, on.name, field.name);
        Some(Problem::new(kind, used.path, message))
    };
    let typed = |why: &str| format!("is of type {of_type} and {why}");
    match &used.role {
        Role::Select | Role::Parent | Role::Case => None,
        Role::Function(function) => {
            let takes = match function {
                Function::Sum | Function::Avg => is_number(of_type),
                Function::Min | Function::Max | Function::Count | Function::CountDistinct => {
                    field.aggregatable
                }
                _ => true,
            };
            let why = typed(&format!("{} does not take that", function.name()));
            if takes { None } else { refuse(ProblemKind::NotAggregatable, function.name(), why) }
        }
        Role::Group if !field.groupable => {
            refuse(ProblemKind::NotGroupable, "GROUP BY", typed("cannot stand in GROUP BY"))
        }
        Role::Order if !field.sortable => {
            refuse(ProblemKind::NotSortable, "ORDER BY", typed("cannot stand in an ordering"))
        }
        Role::Group | Role::Order => None,
        Role::Join => {
            let why = typed("IN (SELECT …) takes ids and references only");
            if is_reference(of_type) { None } else { refuse(ProblemKind::WrongType, "IN", why) }
        }
        Role::Filter { clause, operator, .. } if *clause == "WHERE" && !field.filterable => {
            let why = typed(&format!("cannot stand in a condition ({operator})"));
            refuse(ProblemKind::NotFilterable, clause, why)
        }
        // What is made of parts is compared by its distance only.
        Role::Filter { clause, operator, function: None, .. }
            if matches!(of_type, FieldType::Address | FieldType::Location) =>
        {
            let why = typed(&format!("cannot stand in a condition ({operator}) but by its distance"));
            refuse(ProblemKind::NotFilterable, clause, why)
        }
        Role::Filter { clause, operator, values, function } => {
            let of_multipicklist = matches!(operator, Operator::Includes | Operator::Excludes);
            if of_multipicklist && of_type != FieldType::MultiPicklist {
                let why = typed(&format!("{operator} takes picklists of several values only"));
                return refuse(ProblemKind::WrongType, clause, why);
            }
            let wrong = values.iter().find_map(|value| fits(of_type, *function, *operator, value))?;
            refuse(ProblemKind::WrongType, clause, typed(&wrong))
        }
    }
}

fn refused(name: &str, message: String) -> Problem {
    Problem::new(ProblemKind::RefusedByBulk, name, message)
}

/// What Bulk API 2.0 cannot read of the fields that `FIELDS(STANDARD)` stands for.
fn standard(describe: &Describe) -> impl Iterator<Item = Problem> {
    describe.readable_fields().filter(|field| !field.custom).filter_map(|field| {
        let reason = field_reason(field)?;
        Some(refused(&field.name, format!("FIELDS(STANDARD) selects {}: {reason}", field.name)))
    })
}

/// What of the shape of a query Bulk API 2.0 refuses (Bulk API 2.0 guide, "SOQL considerations").
fn shape(select: &Select) -> Vec<Problem> {
    let refuse = |name: &str, what: String| {
        refused(name, format!("{what}, which Bulk API 2.0 refuses; REST queries take it"))
    };
    let mut problems = Vec::new();
    for item in &select.items {
        match &item.0 {
            ItemNode::Child(child) => {
                problems.push(refuse(
                    child.object(),
                    format!("(SELECT … FROM {}) reads children", child.object()),
                ));
            }
            ItemNode::TypeOf(type_of) => {
                let name = &type_of.relationship;
                problems.push(refuse(name, format!("TYPEOF {name} chooses fields by type")));
            }
            ItemNode::Expr(expr, _) if expr.is_aggregate() => {
                let name = expr.function().map_or("", Function::name);
                let of = expr.field_name().unwrap_or_default();
                problems.push(refuse(name, format!("{name}({of}) is an aggregate")));
            }
            ItemNode::Fields(fields @ (Fields::All | Fields::Custom)) => {
                let name = fields.text();
                problems.push(refuse(name, format!("{name} selects any number of fields")));
            }
            ItemNode::Expr(..) | ItemNode::Fields(Fields::Standard) => {}
        }
    }
    if !select.group.is_empty() {
        problems.push(refuse("GROUP BY", "GROUP BY makes groups".to_owned()));
    }
    if let Some(rows) = select.offset {
        problems.push(refuse("OFFSET", format!("OFFSET {rows} passes over rows")));
    }
    if select.all_rows {
        let message = "ALL ROWS is not for the text of a job: its operation is queryAll".to_owned();
        problems.push(refused("ALL ROWS", message));
    }
    problems
}
