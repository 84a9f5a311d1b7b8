//! The clauses of a query that are words more than values.

use crate::error::{Error, ErrorKind, Result};
use crate::name::push_object;

/// Whose rows a query looks at (`USING SCOPE`). An object has the scopes that its describe lists as
/// `supportedScopes`; orgs refuse the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryScope {
    /// All rows.
    Everything,
    /// The user's own.
    Mine,
    /// The user's own and those of the user's queues and groups; only of `ProcessInstanceWorkItem`.
    MineAndMyGroups,
    /// The user's team's.
    Team,
    /// The user's territory's, where the org has territory management.
    MyTerritory,
    /// The user's team's territory's, where the org has territory management.
    MyTeamTerritory,
    /// Delegated to another user.
    Delegated,
    /// Of the user's queues.
    QueueOwned,
    /// By the org's scoping rules, where one is active.
    ScopingRule,
}

impl QueryScope {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Mine => "mine",
            Self::MineAndMyGroups => "mine_and_my_groups",
            Self::Team => "team",
            Self::MyTerritory => "my_territory",
            Self::MyTeamTerritory => "my_team_territory",
            Self::Delegated => "delegated",
            Self::QueueOwned => "queue_owned",
            Self::ScopingRule => "scopingRule",
        }
    }
}

/// A `WITH` clause.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum With {
    /// An error where the user may not read a field. For Apex: REST refuses it.
    SecurityEnforced,
    /// With the user's own permissions, as REST runs every query. For Apex: REST refuses it.
    UserMode,
    /// With all permissions. For Apex: REST refuses it.
    SystemMode,
    /// Articles and questions of some categories, of which at most three all have to hold. Orgs refuse it on other objects.
    DataCategory {
        /// The group of categories, for example `Geography__c`.
        group: String,
        /// How the article's category and those below are related.
        selector: CategorySelector,
        /// The categories, for example `usa__c`.
        categories: Vec<String>,
    },
}

/// How a data category is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CategorySelector {
    /// The category itself.
    At,
    /// Those above it in its tree.
    Above,
    /// Those below it in its tree.
    Below,
    /// The category itself, those above and those below it.
    AboveOrBelow,
}

impl CategorySelector {
    fn word(self) -> &'static str {
        match self {
            Self::At => "AT",
            Self::Above => "ABOVE",
            Self::Below => "BELOW",
            Self::AboveOrBelow => "ABOVE_OR_BELOW",
        }
    }
}

pub(super) fn write_with(clauses: &[With], out: &mut String) -> Result<()> {
    let categories = clauses.iter().filter(|w| matches!(w, With::DataCategory { .. })).count();
    if clauses.len() > 1 && categories < clauses.len() {
        let message = "WITH takes one mode, or data categories, and not both";
        return Err(Error::new(ErrorKind::InvalidQuery, message));
    }
    for (i, with) in clauses.iter().enumerate() {
        match with {
            With::SecurityEnforced => out.push_str(" WITH SECURITY_ENFORCED"),
            With::UserMode => out.push_str(" WITH USER_MODE"),
            With::SystemMode => out.push_str(" WITH SYSTEM_MODE"),
            With::DataCategory { group, selector, categories } => {
                out.push_str(if i == 0 { " WITH DATA CATEGORY " } else { " AND " });
                push_object(group, out)?;
                out.push(' ');
                out.push_str(selector.word());
                out.push(' ');
                write_categories(group, categories, out)?;
            }
        }
    }
    Ok(())
}

fn write_categories(group: &str, categories: &[String], out: &mut String) -> Result<()> {
    match categories {
        [] => Err(Error::new(ErrorKind::InvalidQuery, format!("no category of {group} is named"))),
        [only] => push_object(only, out),
        several => {
            for (i, category) in several.iter().enumerate() {
                out.push_str(if i == 0 { "(" } else { ", " });
                push_object(category, out)?;
            }
            out.push(')');
            Ok(())
        }
    }
}

/// What a query is made for (`FOR …`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum For {
    /// The rows are shown to the user: they count as viewed.
    View,
    /// The rows are referred to: they count as referenced.
    Reference,
    /// The rows are locked, in Apex.
    Update,
}

impl For {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::View => " FOR VIEW",
            Self::Reference => " FOR REFERENCE",
            Self::Update => " FOR UPDATE",
        }
    }
}

/// What a query counts about articles (`UPDATE …`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Track {
    /// The words that were searched for.
    Tracking,
    /// How often an article was viewed.
    Viewstat,
}

impl Track {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Tracking => " UPDATE TRACKING",
            Self::Viewstat => " UPDATE VIEWSTAT",
        }
    }
}

/// How the groups of `GROUP BY` are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupKind {
    Plain,
    Rollup,
    Cube,
}
