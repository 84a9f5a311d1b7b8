//! The device flow: a device shows a code, its user enters it on a page, the device polls.

use http::Method;
use serde_json::json;

use super::ledger::{Device, Verdict};
use super::{
    BAD_GRANT, Form, Issue, NOT_ADMITTED, Proof, Refusal, Shape, admit, client, issue, page, scopes,
};
use crate::account::Grant;
use crate::org::{Door, Shared, Standing};
use crate::rest::{Answer, Call};

/// What a device waits more after each poll that came too early.
const SLOWER_MS: i64 = 5_000;
const DENIED: Refusal = Refusal::new("access_denied", "end-user denied authorization");

pub(super) fn start(org: &Shared, call: &Call, form: &Form) -> Result<Answer, Refusal> {
    org.journal.amend(call.number, |entry| entry.detail = Some("response_type=device_code".to_owned()));
    let registered = client(org, call, form, Proof::None)?;
    let app = &registered.app;
    if !app.allows(Grant::Device) {
        return Err(BAD_GRANT);
    }
    let scope = scopes(app, form.get("scope"))?;
    let now = org.clock.now_ms();
    let mut state = org.state();
    let device_code = format!("M1V4{}==", state.random_text(80));
    let user_code = state.random_text(8).to_ascii_uppercase();
    state.ledger.drop_old(now);
    let device = Device {
        client_id: app.client_id.clone(),
        user_code: user_code.clone(),
        scope,
        at: now,
        interval_ms: i64::from(app.device_interval_s) * 1000,
        next_poll: now,
        verdict: Verdict::Waiting,
    };
    state.ledger.devices.insert(device_code.clone(), device);
    Ok(Answer::ok(&json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": format!("{}/setup/connect", call.base),
        "interval": app.device_interval_s,
    })))
}

pub(super) fn poll(org: &Shared, call: &Call, form: &Form) -> Result<Answer, Refusal> {
    let registered = client(org, call, form, Proof::None)?;
    let app = &registered.app;
    let text = form.need("code")?;
    let now = org.clock.now_ms();
    let mut state = org.state();
    let device = state.ledger.devices.get_mut(text).filter(|device| device.client_id == app.client_id);
    let device = device.ok_or(Refusal::grant("invalid device code"))?;
    if device.is_over(now) {
        return Err(Refusal::grant("expired device code"));
    }
    if device.interval_ms > 0 && now < device.next_poll {
        device.interval_ms += SLOWER_MS;
        device.next_poll = now + device.interval_ms;
        return Err(Refusal::new("slow_down", "polling too frequently"));
    }
    device.next_poll = now + device.interval_ms;
    let (verdict, scope) = (device.verdict.clone(), device.scope.clone());
    let who = match verdict {
        Verdict::Waiting => {
            return Err(Refusal::new("authorization_pending", "end-user authorization is pending"));
        }
        Verdict::Denied => return Err(DENIED),
        Verdict::Allowed(who) => who,
    };
    state.ledger.devices.remove(text);
    admit(&mut state, &who, call, now)?;
    drop(state);
    Ok(issue(org, call, Issue::new(app, who, scope, Shape::Usual).with_refresh_token()))
}

/// `/setup/connect`.
pub(super) fn page(org: &Shared, call: &Call) -> Answer {
    match call.method {
        Method::GET | Method::HEAD => connect(&call.parameter("user_code").unwrap_or_default(), ""),
        Method::POST => {
            let form = Form::of(call);
            match decide(org, call, &form) {
                Ok(title) => page::page(http::StatusCode::OK, title, "<p>You may close this page.</p>"),
                Err(note) => connect(form.get("user_code").unwrap_or_default(), &note),
            }
        }
        _ => Answer::not_allowed(&call.method, "GET,HEAD,POST"),
    }
}

fn connect(user_code: &str, note: &str) -> Answer {
    let shown = format!(
        "<label>Code <input name=\"user_code\" value=\"{}\"></label> {}{}",
        page::escaped(user_code),
        page::login_fields(""),
        page::DECISION
    );
    page::form("Connect Your Device", note, "/setup/connect", &[], &shown)
}

/// What the user decided, or what is wrong.
fn decide(org: &Shared, call: &Call, form: &Form) -> Result<&'static str, String> {
    let user_code = form.get("user_code").unwrap_or_default().trim();
    let now = org.clock.now_ms();
    let mut state = org.state();
    let waits = |device: &Device| {
        device.user_code.eq_ignore_ascii_case(user_code)
            && matches!(device.verdict, Verdict::Waiting)
            && !device.is_over(now)
    };
    let found = state.ledger.devices.iter().find(|(_, device)| waits(device));
    let (code, client_id) = found
        .map(|(code, device)| (code.clone(), device.client_id.clone()))
        .ok_or("The code is invalid or has expired.")?;
    let (username, password) = (form.get("username"), form.get("password"));
    let who = state
        .accounts
        .password(username.unwrap_or_default(), password.unwrap_or_default(), Door::Page, now)
        .map_err(|_| "Please check your username and password.")?;
    admit(&mut state, &who, call, now).map_err(|refusal| refusal.description().to_owned())?;
    let app = state.accounts.app(&client_id).ok_or("The app is gone.")?;
    if state.accounts.standing(&app.app, &who.username) == Standing::NotAdmitted {
        return Err(NOT_ADMITTED.description().to_owned());
    }
    let allowed = form.get("decision").is_none_or(|decision| decision == "allow");
    if allowed {
        state.accounts.approve(&client_id, &who.username, true);
    }
    if let Some(device) = state.ledger.devices.get_mut(&code) {
        device.verdict = if allowed { Verdict::Allowed(who) } else { Verdict::Denied };
    }
    Ok(if allowed { "You're Connected" } else { "Access Denied" })
}
