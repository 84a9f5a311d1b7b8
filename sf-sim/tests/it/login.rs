//! The token endpoint.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use sf_sim::Sim;

use crate::support::{NOW, Org, V, header, keys, told};

const ID: &str = "3MVG9sim.consumer.key";
const SECRET: &str = "sim-consumer-secret";
const USER: &str = "integration@sim.example";
const PASSWORD: &str = "sim-passwordsimtoken";
const JWT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn error(error: &str, description: &str) -> (u16, String) {
    (400, json!({ "error": error, "error_description": description }).to_string())
}

#[tokio::test]
async fn a_password_login_answers_as_orgs_do() {
    let org = Org::new().await;
    let form = [
        ("grant_type", "password"),
        ("client_id", ID),
        ("client_secret", SECRET),
        ("username", USER),
        ("password", PASSWORD),
    ];
    let answer = org.login(&form).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "expires"), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
    assert_eq!(header(&answer, "cache-control"), Some("no-cache, no-store"));
    assert_eq!(header(&answer, "sforce-limit-info"), None);
    let body: Value = answer.json().await.unwrap();
    let wanted = ["access_token", "instance_url", "id", "token_type", "issued_at", "signature"];
    assert_eq!(keys(&body), wanted);
    assert_eq!(body["issued_at"], NOW.to_string());
    assert_eq!(body["instance_url"], org.server.url());
    assert_eq!(body["token_type"], "Bearer");
    let (org_id, user_id) = (org.sim.org_id(), org.sim.user_id());
    assert_eq!(body["id"], format!("https://login.salesforce.com/id/{org_id}/{user_id}"));
    let token = body["access_token"].as_str().unwrap();
    assert!(token.starts_with(&format!("{}!AQ", org_id.as_str15())), "{token}");
    let used =
        org.without_token(Method::GET, &format!("{V}/limits")).bearer_auth(token).send().await.unwrap();
    assert_eq!(used.status(), 200);
}

#[tokio::test]
async fn client_credentials_come_in_the_body_or_in_a_header() {
    let org = Org::new().await;
    let body = [("grant_type", "client_credentials"), ("client_id", ID), ("client_secret", SECRET)];
    let body: Value = org.login(&body).await.json().await.unwrap();
    let wanted = ["access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at"];
    assert_eq!(keys(&body), wanted);
    assert_eq!(body["scope"], "api id web openid");
    let basic = |secret: &str| {
        let text = BASE64_STANDARD.encode(format!("{ID}:{secret}"));
        org.without_token(Method::POST, "/services/oauth2/token")
            .header("Authorization", format!("Basic {text}"))
            .form(&[("grant_type", "client_credentials")])
            .send()
    };
    assert_eq!(basic(SECRET).await.unwrap().status(), 200);
    assert_eq!(basic("wrong").await.unwrap().status(), 401);
    org.sim.set_my_domain(false);
    let form = [("grant_type", "client_credentials"), ("client_id", ID), ("client_secret", SECRET)];
    assert_eq!(
        told(org.login(&form).await).await,
        error("invalid_grant", "request not supported on this domain")
    );
}

#[tokio::test]
async fn every_slip_of_a_login_is_refused_in_its_own_words() {
    let org = Org::new().await;
    type Form<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Form<'_>, (u16, String)); 7] = [
        (&[], error("unsupported_grant_type", "grant type not supported")),
        (&[("grant_type", "saml")], error("unsupported_grant_type", "grant type not supported")),
        (
            &[("grant_type", "client_credentials"), ("client_id", "other"), ("client_secret", SECRET)],
            error("invalid_client_id", "client identifier invalid"),
        ),
        (
            &[("grant_type", "client_credentials"), ("client_id", ID), ("client_secret", "wrong")],
            error("invalid_client", "invalid client credentials"),
        ),
        (
            &[
                ("grant_type", "password"),
                ("client_id", ID),
                ("client_secret", SECRET),
                ("username", "nobody"),
                ("password", PASSWORD),
            ],
            error("invalid_grant", "authentication failure"),
        ),
        (
            &[
                ("grant_type", "password"),
                ("client_id", ID),
                ("client_secret", SECRET),
                ("username", USER),
                ("password", "sim-password"),
            ],
            error("invalid_grant", "authentication failure"),
        ),
        (&[("grant_type", JWT), ("assertion", "a.b.c")], error("invalid_grant", "invalid assertion")),
    ];
    for (form, expected) in cases {
        assert_eq!(told(org.login(form).await).await, expected, "{form:?}");
    }
    let get = org.without_token(Method::GET, "/services/oauth2/token").send().await.unwrap();
    assert_eq!(told(get).await, error("invalid_request", "must use HTTP POST"));
    org.sim.set_user_active(false);
    let form = [("grant_type", "client_credentials"), ("client_id", ID), ("client_secret", SECRET)];
    assert_eq!(told(org.login(&form).await).await, error("inactive_user", "user is inactive"));
}

/// A key for signing, and its certificate or its public key in PEM.
pub(crate) fn key_pair() -> (EncodingKey, String, String) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let certificate = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&pair).unwrap();
    let key = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).unwrap();
    (key, certificate.pem(), pair.public_key_pem())
}

fn assertion(key: &EncodingKey, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = json!({
        "iss": ID, "sub": USER, "aud": "https://login.salesforce.com", "exp": NOW / 1000 + 180,
    });
    change(&mut claims);
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, key).unwrap()
}

/// With parts that are padded, as Apache Camel sends them; what is signed is the padded text.
fn padded(key: &EncodingKey, claims: &Value) -> String {
    let [header, claims] =
        [&json!({ "alg": "RS256" }), claims].map(|part| BASE64_URL_SAFE.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), key, Algorithm::RS256).unwrap();
    format!("{signed}.{signature}==")
}

#[tokio::test]
async fn an_assertion_may_be_padded_and_is_checked_all_the_same() {
    let ((key, certificate, _), (other_key, _, _)) = (key_pair(), key_pair());
    let org = Org::of(Sim::builder().jwt_key(certificate)).await;
    let login = async |assertion: String| {
        told(org.login(&[("grant_type", JWT), ("assertion", &assertion)]).await).await
    };
    // Of three lengths in a row, two end in padding.
    for more in ["", " ", "  "] {
        let aud = "https://login.salesforce.com";
        let exp = (NOW / 1000 + 60).to_string();
        let claims = json!({ "iss": ID, "sub": USER, "aud": aud, "exp": exp, "more": more });
        let (status, body) = login(padded(&key, &claims)).await;
        assert_eq!(status, 200, "{body}");
        let wrong = error("invalid_grant", "invalid assertion");
        assert_eq!(login(padded(&other_key, &claims)).await, wrong);
        // Signed for other claims.
        let (signed, signature) =
            padded(&key, &claims).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let other = padded(&key, &json!({ "iss": ID, "sub": USER, "aud": aud, "exp": exp, "more": "else" }));
        assert!(!other.starts_with(&signed));
        assert_eq!(login(format!("{}.{signature}", other.rsplit_once('.').unwrap().0)).await, wrong);
    }
}

#[tokio::test]
async fn a_signed_assertion_logs_in_and_a_wrong_one_does_not() {
    let (key, certificate, public_key) = key_pair();
    let (other_key, _, _) = key_pair();
    for pem in [certificate, public_key] {
        let org = Org::of(Sim::builder().jwt_key(pem)).await;
        let login = async |assertion: String| {
            told(org.login(&[("grant_type", JWT), ("assertion", &assertion)]).await).await
        };
        let (status, body) = login(assertion(&key, |_| {})).await;
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let wanted = ["access_token", "scope", "instance_url", "id", "token_type", "issued_at", "signature"];
        assert_eq!(keys(&body), wanted);
        // As simple-salesforce sends it.
        let text = assertion(&key, |claims| claims["exp"] = (NOW / 1000 + 180).to_string().into());
        assert_eq!(login(text).await.0, 200);

        let own = format!("{}/services/oauth2/token", org.server.url());
        assert_eq!(login(assertion(&key, |claims| claims["aud"] = own.into())).await.0, 200);
        assert_eq!(login(assertion(&other_key, |_| {})).await, error("invalid_grant", "invalid assertion"));
        type Change = fn(&mut Value);
        let cases: [(Change, &str, &str); 7] = [
            (|claims| claims["iss"] = "other".into(), "invalid_client_id", "client identifier invalid"),
            (|claims| claims["aud"] = "https://example.com".into(), "invalid_grant", "audience is invalid"),
            (|claims| claims["exp"] = (NOW / 1000 - 60).into(), "invalid_grant", "token validity expired"),
            (|claims| claims["exp"] = (NOW / 1000 + 3_600).into(), "invalid_grant", "invalid assertion"),
            (|claims| claims["sub"] = "nobody".into(), "invalid_grant", "user hasn't approved this consumer"),
            (
                |claims| drop(claims.as_object_mut().unwrap().remove("exp")),
                "invalid_grant",
                "invalid assertion",
            ),
            (|claims| claims["exp"] = "soon".into(), "invalid_grant", "invalid assertion"),
        ];
        for (change, code, description) in cases {
            assert_eq!(login(assertion(&key, change)).await, error(code, description));
        }
        let hs256 =
            jsonwebtoken::encode(&Header::default(), &json!({ "iss": ID }), &EncodingKey::from_secret(b"x"));
        assert_eq!(login(hs256.unwrap()).await, error("invalid_grant", "invalid assertion"));
        org.sim.set_user_approved(false);
        let expected = error("invalid_grant", "user hasn't approved this consumer");
        assert_eq!(login(assertion(&key, |_| {})).await, expected);
    }
}

#[tokio::test]
async fn an_hours_logins_are_limited() {
    let org = Org::new().await;
    let form = [("grant_type", "client_credentials"), ("client_id", ID), ("client_secret", SECRET)];
    for _ in 0..3_600 {
        assert_eq!(org.login(&form).await.status(), 200);
    }
    assert_eq!(told(org.login(&form).await).await, error("invalid_grant", "login rate exceeded"));
}

#[tokio::test]
async fn a_session_ends_by_the_orgs_clock_or_when_it_is_revoked() {
    let org = Org::new().await;
    let path = format!("{V}/limits");
    assert_eq!(org.get(&path).await.status(), 200);
    org.sim.clock().advance(std::time::Duration::from_secs(2 * 3_600));
    let expired = org.get(&path).await;
    assert_eq!(header(&expired, "www-authenticate"), Some("Token"));
    assert_eq!(header(&expired, "sforce-limit-info"), None);
    let body = r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#;
    assert_eq!(told(expired).await, (401, body.to_owned()));

    let token = org.sim.access_token();
    let userinfo =
        |token: String| org.without_token(Method::GET, "/services/oauth2/userinfo").bearer_auth(token).send();
    let who: Value = userinfo(token.clone()).await.unwrap().json().await.unwrap();
    assert_eq!(
        (&who["preferred_username"], &who["user_id"]),
        (&USER.into(), &org.sim.user_id().to_string().into())
    );
    let path = format!("{V}/sobjects/User/{}?fields=Username,Name", org.sim.user_id());
    let user = org.without_token(Method::GET, &path).bearer_auth(&token).send().await.unwrap();
    let user: Value = user.json().await.unwrap();
    assert_eq!((&user["Username"], &user["Name"]), (&who["preferred_username"], &who["name"]));
    let revoke =
        || org.without_token(Method::POST, "/services/oauth2/revoke").form(&[("token", &token)]).send();
    assert_eq!(told(revoke().await.unwrap()).await, (200, String::new()));
    assert_eq!(revoke().await.unwrap().status(), 400);
    assert_eq!(told(userinfo(token.clone()).await.unwrap()).await, (403, "Bad_OAuth_Token".to_owned()));
}

#[tokio::test]
async fn nothing_that_is_shown_of_an_org_holds_a_secret() {
    let org = Org::new().await;
    let form = [("grant_type", "client_credentials"), ("client_id", ID), ("client_secret", SECRET)];
    let login: Value = org.login(&form).await.json().await.unwrap();
    let builder = Sim::builder()
        .app(sf_sim::App::new("portal").secret("app-secret").subject_token("theirs", "ada"))
        .user(sf_sim::User::new("ada", "engine").security_token("tok3n"))
        .accounts(r#"{"users": [{"username": "b", "password": "in-a-file"}]}"#);
    let shown = format!(
        "{:?} {:?} {:?} {:?} {builder:?}",
        org.sim,
        org.sim.router(),
        org.sim.credentials(),
        org.sim.journal()
    );
    let made = [SECRET, PASSWORD, "simtoken", "app-secret", "theirs", "engine", "tok3n", "in-a-file"];
    for secret in made.into_iter().chain([org.token.as_str(), login["access_token"].as_str().unwrap()]) {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
}

#[tokio::test]
async fn a_call_without_a_usable_token_is_refused() {
    let org = Org::new().await;
    let path = format!("{V}/limits");
    for value in [None, Some("Bearer"), Some("Basic abc"), Some("Bearer ")] {
        let mut call = org.without_token(Method::GET, &path);
        if let Some(value) = value {
            call = call.header("Authorization", value);
        }
        let body = r#"[{"message":"INVALID_AUTH_HEADER","errorCode":"INVALID_AUTH_HEADER"}]"#;
        assert_eq!(told(call.send().await.unwrap()).await, (401, body.to_owned()), "{value:?}");
    }
    let oauth = org.without_token(Method::GET, &path).header("Authorization", format!("OAuth {}", org.token));
    assert_eq!(oauth.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_login_may_have_its_parameters_in_the_query_string_and_the_body_wins() {
    let org = Org::new().await;
    let url = format!(
        "/services/oauth2/token?grant_type=password&client_id={ID}&client_secret={SECRET}&username={USER}&password={PASSWORD}"
    );
    let answer = org.without_token(Method::POST, &url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    let token = body["access_token"].as_str().unwrap().to_owned();
    let limits = format!("{V}/limits");
    assert_eq!(
        org.without_token(Method::GET, &limits).bearer_auth(token).send().await.unwrap().status(),
        200
    );

    let form = [("password", "wrong")];
    let refused = org.without_token(Method::POST, &url).form(&form).send().await.unwrap();
    assert_eq!(told(refused).await, error("invalid_grant", "authentication failure"));
}
