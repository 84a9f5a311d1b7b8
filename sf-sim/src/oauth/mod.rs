//! The token endpoint and its neighbours.

mod answer;
mod client;
mod code;
mod device;
mod exchange;
mod jwt;
mod ledger;
mod page;
mod password;
mod refresh;
mod revoke;
mod userinfo;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use http::header::{CACHE_CONTROL, EXPIRES, PRAGMA};
use http::{HeaderName, Method, StatusCode};
use serde_json::json;

pub(crate) use jwt::AssertionKey;
pub(crate) use ledger::{Ledger, Login};
pub(crate) use page::escaped;
pub(crate) use userinfo::identity;

use crate::account::Grant;
use crate::org::{Shared, State, Who};
use crate::rest::{Answer, Call};
use answer::{Issue, Shape, issue};
use client::{Proof, client};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const HYBRID_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:hybrid-token-exchange";

/// An OAuth refusal: `error` and `error_description`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: Cow<'static, str>,
}

impl Refusal {
    const fn new(error: &'static str, description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: Cow::Borrowed(description) }
    }

    const fn grant(description: &'static str) -> Self {
        Self::new("invalid_grant", description)
    }

    fn missing(parameter: &str) -> Self {
        let description = Cow::Owned(format!("missing required parameter: {parameter}"));
        Self { description, ..Self::new("invalid_request", "") }
    }

    pub(crate) fn error(&self) -> &'static str {
        self.error
    }

    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    fn answer(self) -> Answer {
        let body = json!({ "error": self.error, "error_description": self.description });
        Answer::json(self.status, &body)
    }
}

const BAD_LOGIN: Refusal = Refusal::grant("authentication failure");
const BAD_SECRET: Refusal = Refusal::new("invalid_client", "invalid client credentials");
const BAD_CLIENT: Refusal = Refusal::new("invalid_client_id", "client identifier invalid");
const BAD_ASSERTION: Refusal = Refusal::grant("invalid assertion");
const BAD_GRANT: Refusal = Refusal::new("unsupported_grant_type", "grant type not supported");
const BAD_SCOPE: Refusal =
    Refusal::new("invalid_scope", "the requested scope is invalid, unknown, or malformed");
const NOT_APPROVED: Refusal = Refusal::grant("user hasn't approved this consumer");
const NOT_ADMITTED: Refusal =
    Refusal::new("invalid_app_access", "user is not admin approved to access this app");
pub(crate) const RATE_EXCEEDED: Refusal = Refusal::grant("login rate exceeded");

/// The parameters of a form or a query string, the first of each name. Empty ones count as absent.
struct Form(Vec<(String, String)>);

impl Form {
    fn of(call: &Call) -> Self {
        Self(serde_urlencoded::from_bytes(&call.body).unwrap_or_default())
    }

    /// The body's parameters, and behind them those of the query string: orgs read both.
    fn of_both(call: &Call) -> Self {
        Self(Self::of(call).0.into_iter().chain(Self::of_query(call).0).collect())
    }

    fn of_query(call: &Call) -> Self {
        Self(serde_urlencoded::from_str(call.query.as_deref().unwrap_or_default()).unwrap_or_default())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }

    fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }
}

/// Routes below `/services/oauth2/`.
pub(crate) fn route(org: &Shared, call: &Call, rest: &str) -> Answer {
    match rest {
        "token" => answer::formatted(call, token(org, call).unwrap_or_else(Refusal::answer))
            .with(EXPIRES, "Thu, 01 Jan 1970 00:00:00 GMT")
            .with(PRAGMA, "no-cache")
            .with(CACHE_CONTROL, "no-cache, no-store")
            .with(HeaderName::from_static("x-readonlymode"), "false"),
        "authorize" => code::authorize(org, call),
        "revoke" => revoke::revoke(org, call),
        "introspect" => revoke::introspect(org, call).unwrap_or_else(Refusal::answer),
        "userinfo" => userinfo::userinfo(org, call),
        _ => Answer::not_found(),
    }
}

/// The page on which a user lets a device in.
pub(crate) fn connect_page(org: &Shared, call: &Call) -> Answer {
    device::page(org, call)
}

fn token(org: &Shared, call: &Call) -> Result<Answer, Refusal> {
    if call.method != Method::POST {
        return Err(Refusal::new("invalid_request", "must use HTTP POST"));
    }
    let form = Form::of_both(call);
    if form.get("response_type") == Some("device_code") {
        return device::start(org, call, &form);
    }
    let grant = form.get("grant_type").unwrap_or_default();
    org.journal.amend(call.number, |entry| entry.detail = Some(format!("grant_type={grant}")));
    match grant {
        "password" => password::grant(org, call, &form),
        "client_credentials" => client_credentials(org, call, &form),
        "authorization_code" => code::redeem(org, call, &form),
        "refresh_token" => refresh::grant(org, call, &form),
        "device" => device::poll(org, call, &form),
        JWT_BEARER => jwt::grant(org, call, &form),
        TOKEN_EXCHANGE | HYBRID_EXCHANGE => exchange::grant(org, call, &form),
        _ => Err(BAD_GRANT),
    }
}

fn client_credentials(org: &Shared, call: &Call, form: &Form) -> Result<Answer, Refusal> {
    let registered = client(org, call, form, Proof::Secret)?;
    let app = &registered.app;
    let mut state = org.state();
    on_my_domain(&state, call)?;
    let run_as = app.run_as.as_deref().filter(|_| app.allows(Grant::ClientCredentials));
    let who = run_as.and_then(|name| state.accounts.user(name)).map(|(who, _)| who);
    let who = who.ok_or(Refusal::grant("no client credentials user enabled"))?;
    admit(&mut state, &who, call, org.clock.now_ms())?;
    drop(state);
    let scope = scopes(app, form.get("scope"))?;
    Ok(issue(org, call, Issue::new(app, who, scope, Shape::Usual)))
}

/// Some grants are to be had at the org's own host alone.
fn on_my_domain(state: &State, call: &Call) -> Result<(), Refusal> {
    let generic = ["://login.salesforce.com", "://test.salesforce.com"];
    if state.knobs.my_domain && !generic.iter().any(|host| call.base.ends_with(host)) {
        return Ok(());
    }
    Err(Refusal::grant("request not supported on this domain"))
}

/// The address that a call comes from. In this process, and behind a proxy that says nothing, that is this machine.
pub(crate) fn address(call: &Call) -> IpAddr {
    let forwarded = call.header("x-forwarded-for").and_then(|text| text.split(',').next());
    forwarded.and_then(|text| text.trim().parse().ok()).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// Whether the user may log in now, from there. Counts the login.
pub(crate) fn admit(state: &mut State, who: &Who, call: &Call, now: i64) -> Result<(), Refusal> {
    if !state.knobs.org_active {
        return Err(Refusal::new("inactive_org", "organization is inactive"));
    }
    let Some((_, user)) = state.accounts.user(&who.username) else { return Err(BAD_LOGIN) };
    if !user.active {
        return Err(Refusal::new("inactive_user", "user is inactive"));
    }
    if user.allowed_ips.as_ref().is_some_and(|allowed| !allowed.contains(&address(call))) {
        return Err(Refusal::grant("ip restricted or invalid login hours"));
    }
    if state.log_in(who.id, now) { Ok(()) } else { Err(RATE_EXCEEDED) }
}

/// The scopes that a login gets: those asked for, or all that the app has.
fn scopes(app: &crate::account::App, asked: Option<&str>) -> Result<String, Refusal> {
    let Some(asked) = asked else { return Ok(app.scopes.join(" ")) };
    let known = |scope: &str| {
        let scope = if scope == "offline_access" { "refresh_token" } else { scope };
        app.scopes.iter().any(|has| has == scope || (has == "full" && scope != "refresh_token"))
    };
    let asked: Vec<&str> = asked.split_whitespace().collect();
    if asked.iter().all(|scope| known(scope)) { Ok(asked.join(" ")) } else { Err(BAD_SCOPE) }
}

/// Whether these scopes bring a refresh token.
fn brings_refresh(scope: &str) -> bool {
    scope.split(' ').any(|scope| matches!(scope, "refresh_token" | "offline_access"))
}
