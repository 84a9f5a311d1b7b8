//! The JWT bearer grant: signature, audience, issuer, user and life of an assertion.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use super::{BAD_ASSERTION, BAD_CLIENT, Refusal};
use crate::org::Shared;
use crate::rest::Call;

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
    exp: Option<i64>,
}

pub(super) fn check(org: &Shared, call: &Call, assertion: &str) -> Result<(), Refusal> {
    let mut only_signature = Validation::new(Algorithm::RS256);
    only_signature.required_spec_claims.clear();
    // Time is the org's, which the library does not know.
    only_signature.validate_exp = false;
    only_signature.validate_aud = false;

    let unverified: Claims =
        jsonwebtoken::dangerous::insecure_decode(assertion).map_err(|_| BAD_ASSERTION)?.claims;
    if unverified.iss.as_deref() != Some(&org.credentials.client_id) {
        return Err(BAD_CLIENT);
    }
    let key = org.assertion_key.as_ref().ok_or(BAD_ASSERTION)?;
    let claims: Claims =
        jsonwebtoken::decode(assertion, &key.0, &only_signature).map_err(|_| BAD_ASSERTION)?.claims;

    let audience = claims.aud.as_deref().unwrap_or_default().trim_end_matches('/');
    let own_token_url = audience.strip_suffix("/services/oauth2/token").unwrap_or(audience);
    if !AUDIENCES.contains(&own_token_url) && own_token_url != call.base {
        return Err(Refusal::new("invalid_grant", "audience is invalid"));
    }
    let now = org.clock.now_ms().div_euclid(1000);
    let exp = claims.exp.ok_or(BAD_ASSERTION)?;
    if exp + LEEWAY_S <= now {
        return Err(Refusal::new("invalid_grant", "token validity expired"));
    }
    if exp > now + LIFE_S + LEEWAY_S {
        return Err(BAD_ASSERTION);
    }
    let user = claims.sub.or(claims.prn).unwrap_or_default();
    // An org does not tell users that it does not know from those that have not approved.
    let approved = org.state().knobs.user_approved;
    if !user.eq_ignore_ascii_case(&org.credentials.username) || !approved {
        return Err(Refusal::new("invalid_grant", "user hasn't approved this consumer"));
    }
    Ok(())
}
