//! The JWT bearer grant, and apps that show an assertion for themselves: signature, audience, issuer and life.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::{
    BAD_ASSERTION, BAD_CLIENT, BAD_GRANT, BAD_SECRET, Form, Issue, NOT_ADMITTED, NOT_APPROVED, Refusal,
    Shape, admit, issue,
};
use crate::account::Grant;
use crate::org::{Registered, Shared, Standing};
use crate::rest::{Answer, Call};

/// The longest that an assertion may still have to live.
const LIFE_S: i64 = 300;
/// How much later than its end an assertion may come, for clocks that differ a little.
const LEEWAY_S: i64 = 5;
const AUDIENCES: [&str; 2] = ["https://login.salesforce.com", "https://test.salesforce.com"];

/// The public key that assertions are signed for.
#[derive(Clone)]
pub(crate) struct AssertionKey(DecodingKey);

impl fmt::Debug for AssertionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AssertionKey")
    }
}

impl AssertionKey {
    /// Reads an RSA certificate or public key in PEM.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, jsonwebtoken::errors::Error> {
        DecodingKey::from_rsa_pem(pem).map(Self)
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    /// The older name of `sub`.
    prn: Option<String>,
    aud: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    exp: Option<i64>,
}

/// A number, also as text: simple-salesforce sends it so, and orgs take it.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(deserializer)?;
    let Some(value) = value else { return Ok(None) };
    let number = match &value {
        serde_json::Value::String(text) => text.parse().ok(),
        #[allow(
            clippy::cast_possible_truncation,
            reason = "some libraries send a fraction, which does not matter"
        )]
        other => other.as_i64().or_else(|| other.as_f64().map(|seconds| seconds as i64)),
    };
    number.map(Some).ok_or_else(|| serde::de::Error::custom("exp is no time"))
}

/// An assertion, taken apart. Its parts may be padded, which a JWT is not: Apache Camel sends them so, and orgs take it.
struct Parts<'a> {
    signed: &'a str,
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn of(assertion: &'a str) -> Option<Self> {
        let (signed, signature) = assertion.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let bare = |part: &'a str| part.trim_end_matches('=');
        Some(Self { signed, header: bare(header), claims: bare(claims), signature: bare(signature) })
    }

    fn is_signed_for(&self, key: &AssertionKey) -> bool {
        let alg = read::<Header>(self.header).map(|header| header.alg);
        let message = self.signed.as_bytes();
        alg.as_deref() == Some("RS256")
            && jsonwebtoken::crypto::verify(self.signature, message, &key.0, Algorithm::RS256)
                .unwrap_or(false)
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

fn read<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn unverified(assertion: &str) -> Option<Claims> {
    read(Parts::of(assertion)?.claims)
}

/// Who says so, unchecked.
pub(super) fn issuer(assertion: &str) -> Option<String> {
    unverified(assertion)?.iss
}

/// Checks all but whose the assertion is.
fn checked(org: &Shared, call: &Call, registered: &Registered, assertion: &str) -> Result<Claims, Refusal> {
    let key = registered.key.as_ref().ok_or(BAD_ASSERTION)?;
    let parts = Parts::of(assertion).filter(|parts| parts.is_signed_for(key)).ok_or(BAD_ASSERTION)?;
    let claims: Claims = read(parts.claims).ok_or(BAD_ASSERTION)?;

    let audience = claims.aud.as_deref().unwrap_or_default().trim_end_matches('/');
    let audience = audience.strip_suffix("/services/oauth2/token").unwrap_or(audience);
    if !AUDIENCES.contains(&audience) && audience != call.base && audience != org.login_url {
        return Err(Refusal::grant("audience is invalid"));
    }
    let now = org.clock.now_ms().div_euclid(1000);
    let exp = claims.exp.ok_or(BAD_ASSERTION)?;
    if exp.saturating_add(LEEWAY_S) <= now {
        return Err(Refusal::grant("token validity expired"));
    }
    if exp > now + LIFE_S + LEEWAY_S {
        return Err(BAD_ASSERTION);
    }
    Ok(claims)
}

/// Checks an assertion that an app shows in the place of its secret.
pub(super) fn check_client(
    org: &Shared,
    call: &Call,
    registered: &Registered,
    assertion: &str,
) -> Result<(), Refusal> {
    let claims = checked(org, call, registered, assertion).map_err(|_| BAD_SECRET)?;
    if claims.sub == claims.iss { Ok(()) } else { Err(BAD_SECRET) }
}

pub(super) fn grant(org: &Shared, call: &Call, form: &Form) -> Result<Answer, Refusal> {
    let assertion = form.need("assertion")?;
    let iss = unverified(assertion).ok_or(BAD_ASSERTION)?.iss.ok_or(BAD_CLIENT)?;
    let registered = org.state().accounts.app(&iss).ok_or(BAD_CLIENT)?;
    let app = &registered.app;
    if !app.allows(Grant::JwtBearer) {
        return Err(BAD_GRANT);
    }
    let claims = checked(org, call, &registered, assertion)?;
    let username = claims.sub.or(claims.prn).unwrap_or_default();
    let mut state = org.state();
    // An org does not tell users that it does not know from those that have not approved.
    let who = state.accounts.user(&username).map(|(who, _)| who).ok_or(NOT_APPROVED)?;
    match state.accounts.standing(app, &who.username) {
        Standing::Approved => {}
        Standing::NotYet => return Err(NOT_APPROVED),
        Standing::NotAdmitted => return Err(NOT_ADMITTED),
    }
    admit(&mut state, &who, call, org.clock.now_ms())?;
    drop(state);
    let scope = super::scopes(app, form.get("scope"))?;
    Ok(issue(org, call, Issue::new(app, who, scope, Shape::Jwt)))
}
