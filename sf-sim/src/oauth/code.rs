//! The web server flow: its pages, its codes, and what they are redeemed for.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, LOCATION};
use http::{Method, StatusCode};
use sha2::{Digest, Sha256};

use super::ledger::Code;
use super::{
    BAD_CLIENT, BAD_GRANT, Form, Issue, NOT_ADMITTED, Proof, Refusal, Shape, admit, client, issue, page,
    scopes,
};
use crate::account::Grant;
use crate::org::{Door, Registered, Shared, Standing, Who};
use crate::rest::{Answer, Call};

/// Characters of a code between its first ones and its last.
const CODE_CHARS: usize = 80;
const MISMATCH: Refusal = Refusal::new("redirect_uri_mismatch", "redirect_uri must match configuration");
const DENIED: Refusal = Refusal::new("access_denied", "end-user denied authorization");
/// What the pages hand on from step to step.
const HANDED_ON: [&str; 9] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "nonce",
];

/// What an app asks a user for, once it is clear where the answer goes.
struct Asked<'a> {
    form: &'a Form,
    registered: Arc<Registered>,
    redirect_uri: &'a str,
}

/// `/services/oauth2/authorize`: GET begins, POST comes from its own pages.
pub(super) fn authorize(org: &Shared, call: &Call) -> Answer {
    let form = match call.method {
        Method::GET | Method::HEAD => Form::of_query(call),
        Method::POST => Form::of_both(call),
        _ => return Answer::not_allowed(&call.method, "GET,HEAD,POST"),
    };
    // An error may go to the callback only once the callback is known to be the app's own.
    let asked = match whose(org, &form) {
        Ok(asked) => asked,
        Err(refusal) => return page::error(refusal.error, &refusal.description),
    };
    let answer = checked(&asked).and_then(|scope| {
        if call.method == Method::POST { step(org, call, &asked, &scope) } else { Ok(login_page(&asked, "")) }
    });
    answer.unwrap_or_else(|refusal| {
        redirect(&asked, &[("error", refusal.error), ("error_description", &refusal.description)])
    })
}

fn whose<'a>(org: &Shared, form: &'a Form) -> Result<Asked<'a>, Refusal> {
    let registered = org.state().accounts.app(form.need("client_id")?).ok_or(BAD_CLIENT)?;
    let redirect_uri = form.need("redirect_uri")?;
    if registered.app.callbacks.iter().any(|known| known == redirect_uri) {
        Ok(Asked { form, registered, redirect_uri })
    } else {
        Err(MISMATCH)
    }
}

/// Checks what is asked for; the scopes.
fn checked(asked: &Asked<'_>) -> Result<String, Refusal> {
    let Asked { form, registered, .. } = asked;
    let app = &registered.app;
    if form.get("response_type") != Some("code") || !app.allows(Grant::AuthorizationCode) {
        return Err(Refusal::new("unsupported_response_type", "response type not supported"));
    }
    match (form.get("code_challenge"), form.get("code_challenge_method")) {
        (None, _) if app.pkce_required => {
            return Err(Refusal::new("invalid_request", "missing required code challenge"));
        }
        (Some(_), method) if method.is_some_and(|method| method != "S256") => {
            return Err(Refusal::new("invalid_request", "code challenge method not supported"));
        }
        _ => {}
    }
    let scope = scopes(app, form.get("scope"))?;
    if form.get("immediate") == Some("true") {
        // Nobody is logged in: the pages keep no browser session.
        return Err(Refusal::new("immediate_unsuccessful", "immediate unsuccessful"));
    }
    Ok(scope)
}

fn redirect(asked: &Asked<'_>, pairs: &[(&str, &str)]) -> Answer {
    let state = asked.form.get("state").map(|state| ("state", state));
    let pairs: Vec<_> = pairs.iter().copied().chain(state).collect();
    let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
    let join = if asked.redirect_uri.contains('?') { '&' } else { '?' };
    Answer::empty(StatusCode::FOUND)
        .with(LOCATION, format!("{}{join}{query}", asked.redirect_uri))
        .with(CACHE_CONTROL, "no-cache,must-revalidate,max-age=0,no-store,private")
}

fn handed_on<'a>(asked: &Asked<'a>) -> Vec<(&'static str, &'a str)> {
    let form = asked.form;
    HANDED_ON.iter().filter_map(|name| Some((*name, form.get(name)?))).collect()
}

fn login_page(asked: &Asked<'_>, note: &str) -> Answer {
    let username = asked.form.get("username").or(asked.form.get("login_hint")).unwrap_or_default();
    let shown = format!("{}<button>Log In</button>", page::login_fields(username));
    page::form("Login", note, "/services/oauth2/authorize", &handed_on(asked), &shown)
}

/// One post of a page: a password, or a decision.
fn step(org: &Shared, call: &Call, asked: &Asked<'_>, scope: &str) -> Result<Answer, Refusal> {
    let app = &asked.registered.app;
    let now = org.clock.now_ms();
    let mut state = org.state();
    let decision = asked.form.get("decision");
    let ticket = asked.form.get("ticket");
    let who = if let Some(ticket) = ticket {
        match state.ledger.take_ticket(ticket, &app.client_id) {
            Some(who) => who,
            None => return Ok(login_page(asked, "Your login has expired. Log in again.")),
        }
    } else {
        let username = asked.form.get("username").unwrap_or_default();
        let password = asked.form.get("password").unwrap_or_default();
        match state.accounts.password(username, password, Door::Page, now) {
            Ok(who) => who,
            Err(_) => {
                drop(state);
                let note = "Please check your username and password. \
                            If you still can't log in, contact your Salesforce administrator.";
                return Ok(login_page(asked, note));
            }
        }
    };
    if ticket.is_none() {
        admit(&mut state, &who, call, now)?;
    }
    let standing = state.accounts.standing(app, &who.username);
    let ask = standing == Standing::NotYet || asked.form.get("prompt") == Some("consent");
    match decision {
        _ if standing == Standing::NotAdmitted => return Err(NOT_ADMITTED),
        None if ask => {
            let ticket = state.random_text(40);
            state.ledger.keep_ticket(ticket.clone(), &app.client_id, who);
            drop(state);
            return Ok(consent_page(asked, &ticket, scope));
        }
        None | Some("allow") => {}
        Some(_) => return Err(DENIED),
    }
    state.accounts.approve(&app.client_id, &who.username, true);
    let code = format!("aPrx{}==", state.random_text(CODE_CHARS));
    state.ledger.drop_old(now);
    state.ledger.codes.insert(code.clone(), new_code(asked, who, scope, now));
    drop(state);
    Ok(redirect(asked, &[("code", &code)]))
}

fn new_code(asked: &Asked<'_>, who: Who, scope: &str, at: i64) -> Code {
    Code {
        client_id: asked.registered.app.client_id.clone(),
        redirect_uri: asked.redirect_uri.to_owned(),
        who,
        scope: scope.to_owned(),
        challenge: asked.form.get("code_challenge").map(str::to_owned),
        at,
        used: false,
    }
}

fn consent_page(asked: &Asked<'_>, ticket: &str, scope: &str) -> Answer {
    let mut hidden = handed_on(asked);
    hidden.push(("ticket", ticket));
    let note = format!("{} asks for: {scope}", asked.registered.app.client_id);
    page::form("Allow Access?", &note, "/services/oauth2/authorize", &hidden, page::DECISION)
}

/// The authorization code grant.
pub(super) fn redeem(org: &Shared, call: &Call, form: &Form) -> Result<Answer, Refusal> {
    let registered = client(org, call, form, Proof::Policy)?;
    let app = &registered.app;
    if !app.allows(Grant::AuthorizationCode) {
        return Err(BAD_GRANT);
    }
    let text = form.need("code")?;
    let redirect_uri = form.need("redirect_uri")?;
    let now = org.clock.now_ms();
    let mut state = org.state();
    let code = state.ledger.codes.get(text).filter(|code| code.client_id == app.client_id);
    let code = code.cloned().ok_or(Refusal::grant("invalid authorization code"))?;
    if code.is_over(now) {
        return Err(Refusal::grant("expired authorization code"));
    }
    if redirect_uri != code.redirect_uri {
        return Err(MISMATCH);
    }
    if let Some(challenge) = &code.challenge {
        let verifier = form.need("code_verifier")?;
        if BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != challenge.trim_end_matches('=') {
            return Err(Refusal::grant("invalid code verifier"));
        }
    }
    if let Some(code) = state.ledger.codes.get_mut(text) {
        code.used = true;
    }
    admit(&mut state, &code.who, call, now)?;
    drop(state);
    let granted = Issue::new(app, code.who, code.scope, Shape::Usual).with_refresh_token();
    Ok(issue(org, call, granted))
}
