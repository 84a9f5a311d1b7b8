//! The token exchange grant. The app's handler is a table of subject tokens and the users that they stand for.

use super::{
    BAD_GRANT, Form, Issue, NOT_ADMITTED, Proof, Refusal, Shape, admit, client, issue, on_my_domain,
};
use crate::account::Grant;
use crate::org::{Shared, Standing};
use crate::rest::{Answer, Call};

/// The longest subject token that an org takes.
const TOKEN_CHARS: usize = 10_000;
const TYPES: [&str; 6] = ["access_token", "refresh_token", "id_token", "jwt", "saml1", "saml2"];

pub(super) fn grant(org: &Shared, call: &Call, form: &Form) -> Result<Answer, Refusal> {
    let registered = client(org, call, form, Proof::Policy)?;
    let app = &registered.app;
    if !app.allows(Grant::TokenExchange) {
        return Err(BAD_GRANT);
    }
    on_my_domain(&org.state(), call)?;
    let (token, kind) = (form.need("subject_token")?, form.need("subject_token_type")?);
    let kind = kind.strip_prefix("urn:ietf:params:oauth:token-type:").unwrap_or_default();
    if !TYPES.contains(&kind) {
        return Err(Refusal::new("invalid_request", "subject token type not supported"));
    }
    if token.chars().count() > TOKEN_CHARS {
        return Err(Refusal::new("invalid_request", "subject token is too long"));
    }
    let asked = form.get("token_handler");
    if asked.is_some() && asked != app.token_handler.as_deref() {
        return Err(Refusal::new("invalid_request", "token handler not found"));
    }
    let now = org.clock.now_ms();
    let mut state = org.state();
    let username = app.subject_tokens.get(token);
    let who = username.and_then(|name| state.accounts.user(name)).map(|(who, _)| who);
    let who = who.ok_or(Refusal::grant("invalid subject token"))?;
    if state.accounts.standing(app, &who.username) == Standing::NotAdmitted {
        return Err(NOT_ADMITTED);
    }
    admit(&mut state, &who, call, now)?;
    drop(state);
    let scope = super::scopes(app, form.get("scope"))?;
    Ok(issue(org, call, Issue::new(app, who, scope, Shape::Usual)))
}
