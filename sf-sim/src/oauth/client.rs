//! Which app calls, and whether it is that app.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use http::header::AUTHORIZATION;

use super::{BAD_CLIENT, BAD_SECRET, Form, Refusal, jwt};
use crate::org::{Registered, Shared};
use crate::rest::Call;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What an app has to show beside its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The secret.
    Secret,
    /// The secret, where the app's policy wants it.
    Policy,
    /// Nothing.
    None,
}

/// Finds the app of the call by the form, by Basic authentication or by an assertion. A secret that is sent has
/// to be right, needed or not.
pub(super) fn client(
    org: &Shared,
    call: &Call,
    form: &Form,
    proof: Proof,
) -> Result<Arc<Registered>, Refusal> {
    let find = |id: &str| org.state().accounts.app(id).ok_or(BAD_CLIENT);
    if let Some(assertion) = form.get("client_assertion") {
        if form.need("client_assertion_type")? != ASSERTION_TYPE {
            return Err(Refusal::new("invalid_request", "secret type not supported"));
        }
        let registered = find(&jwt::issuer(assertion).ok_or(BAD_SECRET)?)?;
        let theirs = form.get("client_id").is_none_or(|id| id == registered.app.client_id);
        if !theirs {
            return Err(BAD_CLIENT);
        }
        jwt::check_client(org, call, &registered, assertion)?;
        return Ok(registered);
    }
    let basic = call.headers.get(AUTHORIZATION).and_then(|value| basic(value.to_str().ok()?));
    let in_header = form.get("client_id").is_none() && basic.is_some();
    let (id, secret) = match (form.get("client_id"), &basic) {
        (Some(id), _) => (id, form.get("client_secret")),
        (None, Some((id, secret))) => (id.as_str(), Some(secret.as_str()).filter(|s| !s.is_empty())),
        (None, None) => return Err(Refusal::missing("client_id")),
    };
    let registered = find(id)?;
    let app = &registered.app;
    let known = Some(app.client_secret.as_str()).filter(|secret| !secret.is_empty());
    let needed = match proof {
        Proof::Secret => true,
        Proof::Policy => app.secret_required && known.is_some(),
        Proof::None => false,
    };
    if (needed || secret.is_some()) && (secret.is_none() || secret != known) {
        // Where the credentials came in a header, RFC 6749 wants the status that goes with it.
        let status = if in_header { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        return Err(Refusal { status, ..BAD_SECRET });
    }
    Ok(registered)
}

fn basic(header: &str) -> Option<(String, String)> {
    let encoded = header.strip_prefix("Basic ")?;
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_read_and_anything_else_is_not() {
        assert_eq!(basic("Basic aWQ6czpjcmV0"), Some(("id".into(), "s:cret".into())));
        assert_eq!(basic("Bearer aWQ6c2VjcmV0"), None);
        assert_eq!(basic("Basic ???"), None);
    }
}
