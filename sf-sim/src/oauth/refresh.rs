//! The refresh token grant.

use super::answer::new_refresh_token;
use super::{BAD_GRANT, Form, Issue, Proof, Refusal, Shape, admit, client, issue};
use crate::account::Grant;
use crate::org::Shared;
use crate::rest::{Answer, Call};

const OVER: Refusal = Refusal::grant("expired access/refresh token");

pub(super) fn grant(org: &Shared, call: &Call, form: &Form) -> Result<Answer, Refusal> {
    let registered = client(org, call, form, Proof::Policy)?;
    let app = &registered.app;
    if !app.allows(Grant::RefreshToken) {
        return Err(BAD_GRANT);
    }
    let token = form.need("refresh_token")?;
    let now = org.clock.now_ms();
    let mut state = org.state();
    let known = state.ledger.refresh(token).filter(|known| known.client_id == app.client_id);
    let known = known.cloned().ok_or(OVER)?;
    if known.spent {
        // Somebody has a copy: neither may go on.
        state.ledger.end_family(known.family);
        state.end_family_sessions(known.family);
        return Err(OVER);
    }
    let life_ms = app.refresh_life_s.map(|s| i64::try_from(s).unwrap_or(i64::MAX).saturating_mul(1000));
    if life_ms.is_some_and(|life| now.saturating_sub(known.at) >= life) {
        state.ledger.end_family(known.family);
        return Err(OVER);
    }
    admit(&mut state, &known.who, call, now)?;
    let next = app.rotate.then(|| new_refresh_token(&mut state));
    if let Some(next) = &next {
        state.ledger.rotate(token, next.clone());
    }
    drop(state);
    let granted = Issue::new(app, known.who, known.scope, Shape::Usual).of_family(known.family, next);
    Ok(issue(org, call, granted))
}
