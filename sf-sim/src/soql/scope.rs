//! `USING SCOPE`: whose rows a query means.

use super::ast::Name;
use super::error::SoqlError;
use super::resolve::Resolver;
use crate::id::RecordId;
use crate::store::Row;
use crate::value::Cell;

/// Whose rows a scope leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Anybodys,
    /// Of whoever asks.
    Mine,
    Users,
    Queues,
    Nobodys,
}

/// The scopes of the SOQL reference ("USING SCOPE") and of recorded describes. In this org there are no teams, nobody
/// is in a queue or a territory, nothing is delegated, and no scoping rule is active.
const SCOPES: [(&str, Whose); 12] = [
    ("everything", Whose::Anybodys),
    ("scopingRule", Whose::Anybodys),
    ("mine", Whose::Mine),
    ("mine_and_my_groups", Whose::Mine),
    ("user_owned", Whose::Users),
    ("queue_owned", Whose::Queues),
    ("delegated", Whose::Nobodys),
    ("genericteam", Whose::Nobodys),
    ("my_team_territory", Whose::Nobodys),
    ("my_territory", Whose::Nobodys),
    ("team", Whose::Nobodys),
    ("team_by_role", Whose::Nobodys),
];

/// Whether there is such a scope, in whatever case it is written.
pub(super) fn is_known(name: &str) -> bool {
    SCOPES.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
}

/// Which rows are left; made for one object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owned {
    whose: Whose,
    /// The place of the owner, where the object has one.
    owner: Option<usize>,
}

impl Owned {
    pub(super) fn holds(self, row: &Row, user: RecordId) -> bool {
        let owner = match self.owner.map(|at| row.get(at)) {
            Some(Cell::Id(id)) => Some(id),
            _ => None,
        };
        let is = |prefix: &str| owner.is_some_and(|id| id.key_prefix() == prefix);
        match self.whose {
            Whose::Anybodys => true,
            Whose::Mine => owner == Some(user),
            Whose::Users => is("005"),
            Whose::Queues => is("00G"),
            Whose::Nobodys => false,
        }
    }
}

/// What a scope leaves of an object's rows. An object has the scopes that its describe tells; all of its rows can be
/// asked for of any object, and one's own of any that has an owner.
pub(super) fn scope(name: &Name, resolver: &Resolver<'_>) -> Result<Owned, SoqlError> {
    let object = &resolver.object;
    let owner = object.system().owner;
    let is = |known: &str| known.eq_ignore_ascii_case(&name.text);
    let whose = SCOPES.iter().find(|(known, _)| is(known)).map(|(_, whose)| *whose);
    let described = object.supported_scopes.iter().any(|(known, _)| is(known));
    let fits = |whose: &Whose| match whose {
        Whose::Anybodys | Whose::Nobodys => described || is("everything"),
        Whose::Mine => owner.is_some() && (described || is("mine")),
        Whose::Users | Whose::Queues => owner.is_some() && described,
    };
    let Some(whose) = whose.filter(fits) else {
        let message = format!("The requested scope '{}' is not supported for {}", name.text, object.name);
        return Err(resolver.error("INVALID_QUERY_SCOPE", name.pos, &message));
    };
    Ok(Owned { whose, owner })
}
