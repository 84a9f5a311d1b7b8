//! The username-password grant.

use super::{BAD_LOGIN, Form, Issue, NOT_ADMITTED, Proof, Refusal, Shape, address, admit, client, issue};
use crate::account::Grant;
use crate::org::{Door, Shared, Standing};
use crate::rest::{Answer, Call};

pub(super) fn grant(org: &Shared, call: &Call, form: &Form) -> Result<Answer, Refusal> {
    let registered = client(org, call, form, Proof::Secret)?;
    let app = &registered.app;
    // Where the grant is switched off, an org answers as to a wrong password.
    if !app.allows(Grant::Password) {
        return Err(BAD_LOGIN);
    }
    let (username, password) = (form.need("username")?, form.need("password")?);
    let now = org.clock.now_ms();
    let mut state = org.state();
    let who = state.accounts.password(username, password, Door::Api(address(call)), now);
    let who = who.map_err(|_| BAD_LOGIN)?;
    if state.accounts.standing(app, &who.username) == Standing::NotAdmitted {
        return Err(NOT_ADMITTED);
    }
    admit(&mut state, &who, call, now)?;
    drop(state);
    let scope = super::scopes(app, form.get("scope"))?;
    Ok(issue(org, call, Issue::new(app, who, scope, Shape::Password)))
}
