//! What a login answers.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use http::header::ACCEPT;
use serde_json::{Map, Value};
use sha2::Sha256;

use super::{Form, Login, brings_refresh};
use crate::account::App;
use crate::org::{Shared, Who};
use crate::rest::{Answer, Call};

/// Characters of a refresh token behind its first ones.
const REFRESH_CHARS: usize = 80;

/// Which members the answer to a grant has, and in which order.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// Without the scope.
    Password,
    Usual,
    Jwt,
}

impl Shape {
    fn members(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["access_token", "instance_url", "id", "token_type", "issued_at", "signature"],
            Self::Usual => &[
                "access_token",
                "refresh_token",
                "signature",
                "scope",
                "instance_url",
                "id",
                "token_type",
                "issued_at",
            ],
            Self::Jwt => {
                &["access_token", "scope", "instance_url", "id", "token_type", "issued_at", "signature"]
            }
        }
    }
}

/// A login that is granted.
pub(super) struct Issue<'a> {
    app: &'a App,
    who: Who,
    scope: String,
    shape: Shape,
    refresh: Refresh,
}

enum Refresh {
    None,
    /// A new family begins, where the scopes say so.
    Begin,
    /// The family goes on; the next token, where the app rotates them.
    Go(u64, Option<String>),
}

impl<'a> Issue<'a> {
    pub(super) fn new(app: &'a App, who: Who, scope: String, shape: Shape) -> Self {
        Self { app, who, scope, shape, refresh: Refresh::None }
    }

    pub(super) fn with_refresh_token(mut self) -> Self {
        self.refresh = Refresh::Begin;
        self
    }

    pub(super) fn of_family(mut self, family: u64, next: Option<String>) -> Self {
        self.refresh = Refresh::Go(family, next);
        self
    }
}

pub(super) fn issue(org: &Shared, call: &Call, issue: Issue<'_>) -> Answer {
    let Issue { app, who, mut scope, shape, refresh } = issue;
    let now = org.clock.now_ms();
    let mut state = org.state();
    let (family, refresh_token) = match refresh {
        Refresh::Begin if brings_refresh(&scope) => {
            let token = new_refresh_token(&mut state);
            let (family, gone) = state.ledger.begin_family(token.clone(), &app.client_id, &who, &scope, now);
            if let Some(gone) = gone {
                state.end_family_sessions(gone);
            }
            (Some(family), Some(token))
        }
        Refresh::Go(family, next) => (Some(family), next),
        _ => {
            let kept: Vec<&str> = scope.split(' ').filter(|scope| !brings_refresh(scope)).collect();
            scope = kept.join(" ");
            (None, None)
        }
    };
    let login = Login {
        who: who.clone(),
        client_id: app.client_id.as_str().into(),
        scope: scope.as_str().into(),
        family,
    };
    let access_token = state.open_session(org.identity().0, login, now);
    let instance_url = state.moved.as_ref().map_or(&call.base, |moved| &moved.to).clone();
    drop(state);
    org.journal.amend(call.number, |entry| entry.user = Some(who.username.to_string()));

    let id = org.identity_url(who.id);
    let issued_at = now.to_string();
    let signature = signature(&app.client_secret, &format!("{id}{issued_at}"));
    let mut body = Map::new();
    for member in shape.members() {
        let value = match *member {
            "access_token" => &access_token,
            "refresh_token" => match &refresh_token {
                Some(token) => token,
                None => continue,
            },
            "instance_url" => &instance_url,
            "id" => &id,
            "issued_at" => &issued_at,
            "signature" => &signature,
            "scope" => &scope,
            _ => "Bearer",
        };
        body.insert((*member).to_owned(), value.into());
    }
    Answer::ok(&Value::Object(body))
}

pub(super) fn new_refresh_token(state: &mut crate::org::State) -> String {
    format!("5Aep861{}", state.random_text(REFRESH_CHARS))
}

/// Puts a flat JSON answer into the format that the call asks for.
pub(super) fn formatted(call: &Call, answer: Answer) -> Answer {
    let form = Form::of_both(call);
    let asked = form.get("format");
    let accepted = call.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let accepts = |name: &str| accepted.split([',', ';']).next().is_some_and(|first| first.trim() == name);
    let xml = asked == Some("xml") || (asked.is_none() && accepts("application/xml"));
    let urlencoded =
        asked == Some("urlencoded") || (asked.is_none() && accepts("application/x-www-form-urlencoded"));
    if !xml && !urlencoded {
        return answer;
    }
    let whole: Vec<u8> = answer.body.concat();
    let Ok(members) = serde_json::from_slice::<Map<String, Value>>(&whole) else { return answer };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let members: Vec<(&str, String)> =
        members.iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    if xml {
        let members: String = members
            .iter()
            .map(|(name, value)| format!("<{name}>{}</{name}>", super::page::escaped(value)))
            .collect();
        let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><OAuth>{members}</OAuth>");
        Answer::new(answer.status, "application/xml;charset=UTF-8", body)
    } else {
        let body = serde_urlencoded::to_string(members).unwrap_or_default();
        Answer::new(answer.status, "application/x-www-form-urlencoded;charset=UTF-8", body)
    }
}

fn signature(secret: &str, text: &str) -> String {
    // HMAC takes keys of any length, so this cannot fail.
    Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(text.as_bytes());
            BASE64_STANDARD.encode(mac.finalize().into_bytes())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hmac_sha256_of_id_and_time() {
        // Computed with `printf 'https://x/id/1' | openssl dgst -sha256 -hmac secret -binary | base64`.
        assert_eq!(signature("secret", "https://x/id/1"), "u5D/vYeJhprjtJXznSMQpDDTtVnaP4Ezh/5j9uJQqCs=");
    }
}
