//! The token endpoint and its neighbours.

mod jwt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use http::header::{AUTHORIZATION, CACHE_CONTROL, EXPIRES, PRAGMA};
use http::{HeaderName, Method, StatusCode};
use serde_json::{Map, Value, json};
use sha2::Sha256;

pub(crate) use jwt::AssertionKey;

use crate::org::Shared;
use crate::rest::{Answer, Call, JSON};

const SCOPE: &str = "api id";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An OAuth refusal: `error` and `error_description`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

impl Refusal {
    const fn new(error: &'static str, description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description }
    }

    fn answer(self) -> Answer {
        let body = json!({ "error": self.error, "error_description": self.description });
        Answer::json(self.status, &body)
    }
}

const BAD_LOGIN: Refusal = Refusal::new("invalid_grant", "authentication failure");
const BAD_SECRET: Refusal = Refusal::new("invalid_client", "invalid client credentials");
const BAD_CLIENT: Refusal = Refusal::new("invalid_client_id", "client identifier invalid");
const BAD_ASSERTION: Refusal = Refusal::new("invalid_grant", "invalid assertion");

/// The parameters of a form, the first of each name.
struct Form(Vec<(String, String)>);

impl Form {
    fn of(call: &Call) -> Self {
        Self(serde_urlencoded::from_bytes(&call.body).unwrap_or_default())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Routes below `/services/oauth2/`.
pub(crate) fn route(org: &Shared, call: &Call, rest: &str) -> Answer {
    match rest {
        "token" => token(org, call)
            .unwrap_or_else(Refusal::answer)
            .with(EXPIRES, "Thu, 01 Jan 1970 00:00:00 GMT")
            .with(PRAGMA, "no-cache")
            .with(CACHE_CONTROL, "no-cache, no-store")
            .with(HeaderName::from_static("x-readonlymode"), "false"),
        "revoke" => revoke(org, call),
        "userinfo" => userinfo(org, call),
        _ => Answer::not_found(),
    }
}

fn token(org: &Shared, call: &Call) -> Result<Answer, Refusal> {
    if call.method != Method::POST {
        return Err(Refusal::new("invalid_request", "must use HTTP POST"));
    }
    let form = Form::of(call);
    let grant = form.get("grant_type").unwrap_or_default();
    org.journal.amend(call.number, |entry| entry.detail = Some(format!("grant_type={grant}")));
    match grant {
        "password" => {
            client(org, call, &form)?;
            password(org, &form)?;
            issue(org, call, Shape::Password)
        }
        "client_credentials" => {
            client(org, call, &form)?;
            if !org.state().knobs.my_domain {
                return Err(Refusal::new("invalid_grant", "request not supported on this domain"));
            }
            issue(org, call, Shape::ClientCredentials)
        }
        JWT_BEARER => {
            jwt::check(org, call, form.get("assertion").unwrap_or_default())?;
            issue(org, call, Shape::Jwt)
        }
        _ => Err(Refusal::new("unsupported_grant_type", "grant type not supported")),
    }
}

/// Checks the client's id and secret: of the form, or of Basic authentication.
fn client(org: &Shared, call: &Call, form: &Form) -> Result<(), Refusal> {
    let basic = call.headers.get(AUTHORIZATION).and_then(|value| basic(value.to_str().ok()?));
    let in_header = form.get("client_id").is_none() && basic.is_some();
    let (id, secret) = match (form.get("client_id"), &basic) {
        (Some(id), _) => (id, form.get("client_secret").unwrap_or_default()),
        (None, Some((id, secret))) => (id.as_str(), secret.as_str()),
        (None, None) => return Err(Refusal::new("invalid_request", "missing required parameter: client_id")),
    };
    if id != org.credentials.client_id {
        return Err(BAD_CLIENT);
    }
    if secret != org.credentials.client_secret {
        // Where the credentials came in a header, RFC 6749 wants the status that goes with it.
        let status = if in_header { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        return Err(Refusal { status, ..BAD_SECRET });
    }
    Ok(())
}

fn basic(header: &str) -> Option<(String, String)> {
    let encoded = header.strip_prefix("Basic ")?;
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

fn password(org: &Shared, form: &Form) -> Result<(), Refusal> {
    let credentials = &org.credentials;
    let username = form.get("username").unwrap_or_default();
    let wanted = format!("{}{}", credentials.password, credentials.security_token);
    if !username.eq_ignore_ascii_case(&credentials.username) || form.get("password") != Some(&wanted) {
        return Err(BAD_LOGIN);
    }
    Ok(())
}

/// Which members the answer to a grant has, and in which order.
#[derive(Clone, Copy)]
enum Shape {
    Password,
    ClientCredentials,
    Jwt,
}

impl Shape {
    fn members(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["access_token", "instance_url", "id", "token_type", "issued_at", "signature"],
            Self::ClientCredentials => {
                &["access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at"]
            }
            Self::Jwt => &["access_token", "scope", "instance_url", "id", "token_type"],
        }
    }
}

fn issue(org: &Shared, call: &Call, shape: Shape) -> Result<Answer, Refusal> {
    let now = org.clock.now_ms();
    let (org_id, user) = org.identity();
    let mut state = org.state();
    if !state.knobs.user_active {
        return Err(Refusal::new("inactive_user", "user is inactive"));
    }
    if !state.log_in(now) {
        return Err(Refusal::new("invalid_grant", "login rate exceeded"));
    }
    let access_token = state.open_session(org_id, user, &org.username, now);
    let instance_url = state.moved.as_ref().map_or(&call.base, |moved| &moved.to).clone();
    drop(state);
    org.journal.amend(call.number, |entry| entry.user = Some(org.username.to_string()));

    let id = format!("https://login.salesforce.com/id/{org_id}/{user}");
    let issued_at = now.to_string();
    let signature = signature(&org.credentials.client_secret, &format!("{id}{issued_at}"));
    let mut body = Map::new();
    for member in shape.members() {
        let value = match *member {
            "access_token" => &access_token,
            "instance_url" => &instance_url,
            "id" => &id,
            "issued_at" => &issued_at,
            "signature" => &signature,
            "scope" => SCOPE,
            _ => "Bearer",
        };
        body.insert((*member).to_owned(), value.into());
    }
    Ok(Answer::ok(&Value::Object(body)))
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

fn revoke(org: &Shared, call: &Call) -> Answer {
    let form = Form::of(call);
    let query = call.parameter("token");
    let token = form.get("token").or(query.as_deref()).unwrap_or_default();
    if !token.is_empty() && org.state().end_session(Some(token)) {
        return Answer::empty(StatusCode::OK);
    }
    Refusal::new("invalid_token", "invalid token").answer()
}

fn userinfo(org: &Shared, call: &Call) -> Answer {
    let forbidden = |text: &'static str| Answer::new(StatusCode::FORBIDDEN, "text/html; charset=UTF-8", text);
    let Some(token) = call.token() else { return forbidden("Missing_OAuth_Token") };
    let Some(session) = org.state().session(token, org.clock.now_ms()) else {
        return forbidden("Bad_OAuth_Token");
    };
    let (org_id, user) = (org.identity().0, session.user);
    let base = &call.base;
    let field = |name: &str| {
        let value = org.read(|store| {
            let (at, _) = store.table("User")?.def().field(name)?;
            Some(store.row("User", user)?.get(at).to_json())
        });
        value.unwrap_or_default()
    };
    let username = session.username.as_ref();
    let body = json!({
        "sub": format!("https://login.salesforce.com/id/{org_id}/{user}"),
        "user_id": user.to_string(),
        "organization_id": org_id.to_string(),
        "preferred_username": username,
        "nickname": field("Alias"),
        "name": field("Name"),
        "email": field("Email"),
        "email_verified": true,
        "given_name": field("FirstName"),
        "family_name": field("LastName"),
        "zoneinfo": "GMT",
        "is_salesforce_integration_user": false,
        "urls": {
            "rest": format!("{base}/services/data/v{{version}}/"),
            "sobjects": format!("{base}/services/data/v{{version}}/sobjects/"),
            "query": format!("{base}/services/data/v{{version}}/query/"),
        },
        "active": true,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": 0,
    });
    Answer::new(StatusCode::OK, JSON, body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_hmac_sha256_of_id_and_time() {
        // Computed with `printf 'https://x/id/1' | openssl dgst -sha256 -hmac secret -binary | base64`.
        assert_eq!(signature("secret", "https://x/id/1"), SIGNED);
    }

    const SIGNED: &str = "u5D/vYeJhprjtJXznSMQpDDTtVnaP4Ezh/5j9uJQqCs=";

    #[test]
    fn basic_credentials_are_read_and_anything_else_is_not() {
        assert_eq!(basic("Basic aWQ6czpjcmV0"), Some(("id".into(), "s:cret".into())));
        assert_eq!(basic("Bearer aWQ6c2VjcmV0"), None);
        assert_eq!(basic("Basic ???"), None);
    }
}
