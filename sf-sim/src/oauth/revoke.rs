//! Ending tokens, and telling what they are.

use http::StatusCode;
use serde_json::json;

use super::{Form, Proof, Refusal, client};
use crate::org::Shared;
use crate::rest::{Answer, Call};

/// `/services/oauth2/revoke`. A refresh token takes the access tokens with it that hang on it.
pub(super) fn revoke(org: &Shared, call: &Call) -> Answer {
    let form = Form::of(call);
    let query = call.parameter("token");
    let token = form.get("token").or(query.as_deref()).unwrap_or_default();
    let callback = call.parameter("callback");
    let mut state = org.state();
    let now = org.clock.now_ms();
    let known = if let Some(family) = state.ledger.refresh(token).map(|known| known.family) {
        state.ledger.end_family(family);
        state.end_family_sessions(family);
        true
    } else {
        // A session that ran out is as unknown as one that never was.
        state.peek_session(token, now).is_some() && state.end_session(Some(token))
    };
    drop(state);
    match (known, callback) {
        (true, None) => Answer::empty(StatusCode::OK),
        (true, Some(name)) => script(&name, "{}"),
        (false, None) => Refusal::new("invalid_token", "invalid token").answer(),
        (false, Some(name)) => script(&name, r#"{"error":"invalid_token"}"#),
    }
}

/// The answer to a script tag.
fn script(name: &str, argument: &str) -> Answer {
    let name: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.')).collect();
    Answer::new(StatusCode::OK, "application/javascript; charset=UTF-8", format!("{name}({argument});"))
}

/// `/services/oauth2/introspect`: an app asks about its own tokens.
pub(super) fn introspect(org: &Shared, call: &Call) -> Result<Answer, Refusal> {
    let form = Form::of(call);
    let unknown = |refusal: Refusal| Refusal {
        status: StatusCode::UNAUTHORIZED,
        ..Refusal::new(
            if refusal.error == "invalid_request" { refusal.error } else { "invalid_client" },
            "invalid client credentials",
        )
    };
    let registered = client(org, call, &form, Proof::Secret).map_err(unknown)?;
    let token = form.need("token")?;
    let client_id = &registered.app.client_id;
    let now = org.clock.now_ms();
    let state = org.state();
    let told = if let Some(known) = state.ledger.refresh(token).filter(|known| !known.spent) {
        (known.client_id == *client_id).then(|| {
            json!({
                "active": true,
                "scope": known.scope,
                "client_id": client_id,
                "username": known.who.username.as_ref(),
                "sub": org.identity_url(known.who.id),
                "token_type": "refresh_token",
                "iat": known.at.div_euclid(1000),
                "nbf": known.at.div_euclid(1000),
            })
        })
    } else {
        let session = state.peek_session(token, now);
        session.filter(|session| session.client_id.as_ref() == client_id).map(|session| {
            json!({
                "active": true,
                "scope": session.scope.as_ref(),
                "client_id": client_id,
                "username": session.username.as_ref(),
                "sub": org.identity_url(session.user),
                "token_type": "access_token",
                "exp": session.expires_at.div_euclid(1000),
                "iat": session.opened_at.div_euclid(1000),
                "nbf": session.opened_at.div_euclid(1000),
            })
        })
    };
    Ok(Answer::ok(&told.unwrap_or_else(|| json!({ "active": false }))))
}
