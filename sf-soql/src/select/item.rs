//! What stands between SELECT and FROM.

use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, field};
use crate::name::{push_name, push_object};

use super::{Place, Select};

/// An entry of the list of what a query selects: a field, a function with or without an alias, the rows of a
/// child relationship (a [`Select`] from it), [`TypeOf`] or [`Fields`]. A plain text stands for a field.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Item(pub(crate) Node);

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Expr(Expr, Option<String>),
    Fields(Fields),
    Child(Box<Select>),
    TypeOf(TypeOf),
}

impl Item {
    pub(crate) fn aliased(expr: Expr, alias: String) -> Self {
        Self(Node::Expr(expr, Some(alias)))
    }

    /// What makes two entries the same; child queries and choices by type never are.
    pub(super) fn key(&self) -> Result<Option<String>> {
        Ok(match &self.0 {
            Node::Expr(..) | Node::Fields(_) => {
                let mut text = String::new();
                self.write(Place::Top, &mut text)?;
                Some(text.to_ascii_lowercase())
            }
            Node::Child(_) | Node::TypeOf(_) => None,
        })
    }

    pub(super) fn write(&self, place: Place, out: &mut String) -> Result<()> {
        match &self.0 {
            Node::Expr(expr, alias) => {
                expr.write(out)?;
                if let Some(alias) = alias {
                    out.push(' ');
                    push_object(alias, out)?;
                }
                Ok(())
            }
            Node::Fields(fields) => {
                out.push_str(fields.text());
                Ok(())
            }
            Node::Child(select) => {
                out.push('(');
                select.write(place.child()?, out)?;
                out.push(')');
                Ok(())
            }
            Node::TypeOf(type_of) => type_of.write(out),
        }
    }
}

impl From<Expr> for Item {
    fn from(expr: Expr) -> Self {
        Self(Node::Expr(expr, None))
    }
}

impl From<&str> for Item {
    fn from(name: &str) -> Self {
        field(name).into()
    }
}

impl From<String> for Item {
    fn from(name: String) -> Self {
        field(name).into()
    }
}

impl From<&String> for Item {
    fn from(name: &String) -> Self {
        field(name).into()
    }
}

/// The rows of a child relationship, by its name: `Select::from("Contacts")` within a query of accounts.
impl From<Select> for Item {
    fn from(child: Select) -> Self {
        Self(Node::Child(Box::new(child)))
    }
}

impl From<TypeOf> for Item {
    fn from(type_of: TypeOf) -> Self {
        Self(Node::TypeOf(type_of))
    }
}

impl From<Fields> for Item {
    fn from(fields: Fields) -> Self {
        Self(Node::Fields(fields))
    }
}

/// `FIELDS(…)`: many fields without their names. All but the standard ones want a `LIMIT` of at most 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fields {
    /// Every field.
    All,
    /// The fields that the org or a package added.
    Custom,
    /// The fields that Salesforce made.
    Standard,
}

impl Fields {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::All => "FIELDS(ALL)",
            Self::Custom => "FIELDS(CUSTOM)",
            Self::Standard => "FIELDS(STANDARD)",
        }
    }
}

/// Begins a `TYPEOF` of a relationship that leads to several objects.
///
/// ```
/// use sf_soql::{Select, type_of};
///
/// let what = type_of("What").when("Account", ["Phone", "Name"]).otherwise(["Name"]);
/// let soql = Select::from("Event").field("Id").field(what).build()?;
/// assert_eq!(soql, "SELECT Id, TYPEOF What WHEN Account THEN Phone, Name ELSE Name END FROM Event");
/// # Ok::<(), sf_soql::Error>(())
/// ```
pub fn type_of(relationship: impl Into<String>) -> TypeOf {
    TypeOf { relationship: relationship.into(), when: Vec::new(), otherwise: Vec::new() }
}

/// Which fields are read of a parent, by the object that it is. Made by [`type_of`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct TypeOf {
    pub(crate) relationship: String,
    pub(crate) when: Vec<(String, Vec<String>)>,
    pub(crate) otherwise: Vec<String>,
}

impl TypeOf {
    /// The fields that are read where the parent is of this object.
    pub fn when<N: Into<String>>(
        mut self,
        object: impl Into<String>,
        fields: impl IntoIterator<Item = N>,
    ) -> Self {
        self.when.push((object.into(), fields.into_iter().map(Into::into).collect()));
        self
    }

    /// The fields that are read of all other parents.
    pub fn otherwise<N: Into<String>>(mut self, fields: impl IntoIterator<Item = N>) -> Self {
        self.otherwise.extend(fields.into_iter().map(Into::into));
        self
    }

    fn write(&self, out: &mut String) -> Result<()> {
        let relationship = &self.relationship;
        let refuse =
            |why: String| Err(Error::new(ErrorKind::InvalidQuery, format!("TYPEOF {relationship} {why}")));
        if self.when.is_empty() {
            return refuse("has no WHEN: name at least one object".to_owned());
        }
        out.push_str("TYPEOF ");
        push_name(relationship, out)?;
        for (object, fields) in &self.when {
            if fields.is_empty() {
                return refuse(format!("names no fields for {object}"));
            }
            out.push_str(" WHEN ");
            push_object(object, out)?;
            out.push_str(" THEN ");
            write_names(fields, out)?;
        }
        if !self.otherwise.is_empty() {
            out.push_str(" ELSE ");
            write_names(&self.otherwise, out)?;
        }
        out.push_str(" END");
        Ok(())
    }
}

fn write_names(names: &[String], out: &mut String) -> Result<()> {
    for (i, name) in names.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        push_name(name, out)?;
    }
    Ok(())
}
