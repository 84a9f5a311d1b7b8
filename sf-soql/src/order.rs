//! Orderings, as values.

use crate::error::Result;
use crate::expr::Expr;

/// Where rows without a value come in an ordering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// Before all others.
    First,
    /// After all others.
    Last,
}

/// One column of an ordering. Made by [`Expr::asc`] and [`Expr::desc`].
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Order {
    pub(crate) by: Expr,
    pub(crate) descending: bool,
    pub(crate) nulls: Option<Nulls>,
}

impl Order {
    /// Says where rows without a value come.
    pub fn nulls(mut self, nulls: Nulls) -> Self {
        self.nulls = Some(nulls);
        self
    }

    /// Rows without a value come before all others.
    pub fn nulls_first(self) -> Self {
        self.nulls(Nulls::First)
    }

    /// Rows without a value come after all others.
    pub fn nulls_last(self) -> Self {
        self.nulls(Nulls::Last)
    }

    pub(crate) fn write(&self, out: &mut String) -> Result<()> {
        self.by.write(out)?;
        out.push_str(if self.descending { " DESC" } else { " ASC" });
        match self.nulls {
            Some(Nulls::First) => out.push_str(" NULLS FIRST"),
            Some(Nulls::Last) => out.push_str(" NULLS LAST"),
            None => {}
        }
        Ok(())
    }
}

impl From<Expr> for Order {
    fn from(by: Expr) -> Self {
        by.asc()
    }
}

impl From<&str> for Order {
    fn from(name: &str) -> Self {
        Expr::from(name).asc()
    }
}
