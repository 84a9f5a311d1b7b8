//! Names of objects and fields: all that a query takes over from a caller without quoting.

use crate::error::{Error, ErrorKind, Result};

/// The most parents that a dotted name may pass through (SOQL reference, "Relationship query limitations").
const MAX_PARENTS: usize = 5;

/// Appends a name without dots (an object, a relationship, an alias), or says why it is none.
pub(crate) fn push_object(name: &str, out: &mut String) -> Result<()> {
    if name.contains('.') {
        let shown: String = name.chars().take(60).collect();
        let message = format!("{shown:?} is not a name of an object: it has a dot");
        return Err(Error::new(ErrorKind::InvalidQuery, message));
    }
    push_name(name, out)
}

/// Appends a name, or says why it is none. Nothing else of a query comes from text of the caller.
pub(crate) fn push_name(name: &str, out: &mut String) -> Result<()> {
    let refuse = |why: &str| {
        let shown: String = name.chars().take(60).collect();
        Err(Error::new(ErrorKind::InvalidQuery, format!("{shown:?} is not a name: {why}")))
    };
    for part in name.split('.') {
        if !part.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return refuse("each part has to begin with a letter");
        }
        if let Some(c) = part.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '_') {
            return refuse(&format!("{c:?} is neither a letter, a digit nor an underscore"));
        }
    }
    if name.split('.').count() > MAX_PARENTS + 1 {
        return refuse("it passes through more than 5 parents");
    }
    out.push_str(name);
    Ok(())
}
