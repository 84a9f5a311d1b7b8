use jsonwebtoken::{DecodingKey, Validation};
use serde::Deserialize;

use super::*;
use crate::Grant as _;
use crate::keystore::pem::tests::rsa_key;

#[derive(Deserialize)]
struct Read {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
}

fn grant(login_url: &str) -> JwtBearer {
    JwtBearer::new(login_url, "3MVG9 ", " ann@acme.example", rsa_key().serialize_pem())
}

/// Verifies the signature as an org would, with the public half of the key.
fn read(grant: &JwtBearer) -> Read {
    let login = grant.checked().unwrap();
    let form = grant.form(&login).unwrap();
    let [("grant_type", kind), ("assertion", jwt)] = &form[..] else { panic!("{form:?}") };
    assert_eq!(kind.expose(), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_aud = false;
    let key = DecodingKey::from_rsa_pem(rsa_key().public_key_pem().as_bytes()).unwrap();
    jsonwebtoken::decode::<Read>(jwt.expose().as_bytes(), &key, &validation).unwrap().claims
}

#[test]
fn the_assertion_names_app_user_and_audience_and_lives_three_minutes() {
    let before = time::now().timestamp();
    let claims = read(&grant("https://test.salesforce.com/"));
    let after = time::now().timestamp();
    assert_eq!(claims.iss, "3MVG9");
    assert_eq!(claims.sub, "ann@acme.example");
    assert_eq!(claims.aud, "https://test.salesforce.com");
    assert!((before + 180..=after + 180).contains(&claims.exp), "{}", claims.exp - before);
}

#[test]
fn the_audience_and_the_life_can_be_chosen() {
    let login = "https://acme.my.salesforce.com";
    assert_eq!(read(&grant(login)).aud, login);
    let before = time::now().timestamp();
    let chosen = grant(login).audience("https://login.salesforce.com").lifetime(Duration::from_secs(300));
    let claims = read(&chosen);
    assert_eq!(claims.aud, "https://login.salesforce.com");
    assert!(claims.exp >= before + 300);
}

#[test]
fn a_life_that_orgs_refuse_is_refused_here() {
    for seconds in [0, 301] {
        let error = grant(LoginUrl::PRODUCTION).lifetime(Duration::from_secs(seconds)).check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("1 to 300 seconds"), "{error}");
    }
}

#[test]
fn a_wrong_key_is_found_before_anything_is_sent() {
    let error =
        JwtBearer::new(LoginUrl::PRODUCTION, "key", "ann@acme.example", "server.key").check().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
}

#[test]
fn neither_the_key_nor_the_assertion_shows() {
    let grant = grant(LoginUrl::PRODUCTION);
    let login = LoginUrl::PRODUCTION.parse().unwrap();
    let shown = format!("{grant:?} {:?}", grant.form(&login).unwrap());
    assert!(!shown.contains("PRIVATE KEY") && !shown.contains("eyJ"), "{shown}");
}
