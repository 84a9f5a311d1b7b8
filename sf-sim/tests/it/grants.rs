//! Grants that go through a person, and tokens that follow from tokens.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use sf_sim::fault::{Action, Fault, OAUTH_ERRORS, Route};
use sf_sim::{App, Grant, Sim, SimBuilder, User};

use crate::support::{NOW, Org, V, header, keys, shared, told};

pub(crate) const ADA: &str = "ada@example.com";
const CALLBACK: &str = "http://localhost:1717/cb";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const AUTHORIZE: &str = "/services/oauth2/authorize";
const OVER: (&str, &str) = ("invalid_grant", "expired access/refresh token");

fn error((error, description): (&str, &str)) -> (u16, String) {
    (400, json!({ "error": error, "error_description": description }).to_string())
}

pub(crate) fn portal() -> App {
    App::new("portal").secret("s3cret").callback(CALLBACK)
}

fn with(app: App) -> SimBuilder {
    Sim::builder().app(app).user(User::new(ADA, "engine").security_token("tok").name("Ada", "Lovelace"))
}

pub(crate) async fn org(app: App) -> Org {
    Org::of(with(app)).await
}

/// The parameters of a redirect to the callback.
fn redirected(answer: &Response) -> Vec<(String, String)> {
    assert_eq!(answer.status(), 302);
    let url = reqwest::Url::parse(header(answer, "location").unwrap()).unwrap();
    assert!(url.as_str().starts_with(CALLBACK), "{url}");
    url.query_pairs().into_owned().collect()
}

fn pairs(of: &[(String, String)]) -> Vec<(&str, &str)> {
    of.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn asked<'a>() -> Vec<(&'a str, &'a str)> {
    vec![
        ("response_type", "code"),
        ("client_id", "portal"),
        ("redirect_uri", CALLBACK),
        ("state", "a b&c"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

async fn post(org: &Org, path: &str, form: &[(&str, &str)]) -> Response {
    let http =
        reqwest::Client::builder().tls_certs_only([]).no_proxy().redirect(reqwest::redirect::Policy::none());
    http.build().unwrap().post(org.url(path)).form(form).send().await.unwrap()
}

async fn begin(org: &Org, query: &[(&str, &str)]) -> Response {
    let http =
        reqwest::Client::builder().tls_certs_only([]).no_proxy().redirect(reqwest::redirect::Policy::none());
    http.build().unwrap().get(org.url(AUTHORIZE)).query(query).send().await.unwrap()
}

/// Logs Ada in on the page, and approves.
async fn code(org: &Org) -> String {
    let mut form = asked();
    form.extend([("username", ADA), ("password", "engine"), ("decision", "allow")]);
    let found = redirected(&post(org, AUTHORIZE, &form).await);
    assert_eq!(found[1], ("state".into(), "a b&c".into()));
    assert_eq!(found[0].0, "code");
    found[0].1.clone()
}

async fn redeem(org: &Org, code: &str, change: &[(&str, &str)]) -> Response {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", "portal"),
        ("client_secret", "s3cret"),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    for (key, value) in change {
        form.retain(|(known, _)| known != key);
        form.push((key, value));
    }
    org.login(&form).await
}

async fn refresh(org: &Org, token: &str) -> Response {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", "portal"),
        ("client_secret", "s3cret"),
    ];
    org.login(&form).await
}

/// Access and refresh token of a web server login.
async fn tokens(org: &Org) -> (String, String) {
    let code = code(org).await;
    let answer: Value = redeem(org, &code, &[]).await.json().await.unwrap();
    let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    (text("access_token"), text("refresh_token"))
}

pub(crate) async fn works(org: &Org, token: &str) -> bool {
    let path = format!("{V}/limits");
    org.without_token(Method::GET, &path).bearer_auth(token).send().await.unwrap().status() == 200
}

#[tokio::test]
async fn a_person_logs_in_on_the_page_approves_and_the_code_is_good_once() {
    let org = org(portal()).await;
    let page = begin(&org, &asked()).await;
    assert_eq!(
        (page.status(), header(&page, "content-type")),
        (200.try_into().unwrap(), Some("text/html; charset=UTF-8"))
    );
    let page = page.text().await.unwrap();
    assert!(page.contains("name=\"password\"") && page.contains("value=\"a b&amp;c\""), "{page}");

    let mut wrong = asked();
    wrong.extend([("username", ADA), ("password", "wrong")]);
    let again = told(post(&org, AUTHORIZE, &wrong).await).await;
    assert!(again.0 == 200 && again.1.contains("check your username and password"), "{again:?}");

    let mut right = asked();
    right.extend([("username", ADA), ("password", "engine")]);
    let (status, consent) = told(post(&org, AUTHORIZE, &right).await).await;
    assert!(status == 200 && consent.contains("Allow Access?"), "{consent}");
    let ticket = consent.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let mut denied = asked();
    denied.extend([("ticket", ticket), ("decision", "deny")]);
    let answer = post(&org, AUTHORIZE, &denied).await;
    let location = header(&answer, "location").unwrap().to_owned();
    assert_eq!(
        location,
        format!(
            "{CALLBACK}?error=access_denied&error_description=end-user+denied+authorization&state=a+b%26c"
        )
    );
    // A ticket is good once.
    assert_eq!(post(&org, AUTHORIZE, &denied).await.status(), 200);

    let code = code(&org).await;
    assert!(code.starts_with("aPrx") && code.ends_with("=="), "{code}");
    let answer: Value = redeem(&org, &code, &[]).await.json().await.unwrap();
    let wanted = [
        "access_token",
        "refresh_token",
        "signature",
        "scope",
        "instance_url",
        "id",
        "token_type",
        "issued_at",
    ];
    assert_eq!(keys(&answer), wanted);
    assert_eq!(answer["scope"], "api id web openid refresh_token");
    assert_eq!(answer["issued_at"], NOW.to_string());
    let who: Value = org
        .without_token(Method::GET, "/services/oauth2/userinfo")
        .bearer_auth(answer["access_token"].as_str().unwrap())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!((&who["preferred_username"], &who["name"]), (&ADA.into(), &"Ada Lovelace".into()));
    assert_eq!(
        told(redeem(&org, &code, &[]).await).await,
        error(("invalid_grant", "expired authorization code"))
    );
    // Approved once, a user is not asked again, unless the app wants it.
    assert_eq!(redirected(&post(&org, AUTHORIZE, &right).await)[0].0, "code");
    right.push(("prompt", "consent"));
    assert_eq!(post(&org, AUTHORIZE, &right).await.status(), 200);
}

#[tokio::test]
async fn a_code_is_bound_to_its_app_its_callback_its_verifier_and_a_quarter_of_an_hour() {
    let org = Org::of(with(portal()).app(App::new("other").secret("s3cret").callback(CALLBACK))).await;
    let code = code(&org).await;
    type Pair<'a> = (&'a str, &'a str);
    let cases: [(&[Pair<'_>], Pair<'_>); 7] = [
        (&[("code", "aPrxnone")], ("invalid_grant", "invalid authorization code")),
        (&[("client_id", "other")], ("invalid_grant", "invalid authorization code")),
        (&[("client_id", "nobody")], ("invalid_client_id", "client identifier invalid")),
        (&[("client_secret", "wrong")], ("invalid_client", "invalid client credentials")),
        (&[("client_secret", "")], ("invalid_client", "invalid client credentials")),
        (
            &[("redirect_uri", "http://localhost:1/")],
            ("redirect_uri_mismatch", "redirect_uri must match configuration"),
        ),
        (&[("code_verifier", "wrong")], ("invalid_grant", "invalid code verifier")),
    ];
    for (change, wanted) in cases {
        assert_eq!(told(redeem(&org, &code, change).await).await, error(wanted), "{change:?}");
    }
    let missing = told(redeem(&org, &code, &[("code_verifier", "")]).await).await;
    assert_eq!(missing, error(("invalid_request", "missing required parameter: code_verifier")));
    org.sim.clock().advance(Duration::from_secs(15 * 60));
    assert_eq!(
        told(redeem(&org, &code, &[]).await).await,
        error(("invalid_grant", "expired authorization code"))
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_request_goes_to_the_callback_unless_that_is_wrong_itself() {
    let org = org(portal().pkce_required(true)).await;
    let change = |key: &'static str, value: &'static str| {
        let mut query = asked();
        query.retain(|(known, _)| *known != key);
        query.push((key, value));
        query
    };
    for (query, wanted) in [
        (change("response_type", "token"), "unsupported_response_type"),
        (change("scope", "api magic"), "invalid_scope"),
        (change("code_challenge_method", "plain"), "invalid_request"),
        (change("code_challenge", ""), "invalid_request"),
        (change("immediate", "true"), "immediate_unsuccessful"),
    ] {
        let found = redirected(&begin(&org, &query).await);
        let pairs = pairs(&found);
        assert_eq!((pairs[0], pairs[2]), (("error", wanted), ("state", "a b&c")), "{query:?}");
    }
    for (query, wanted) in [
        (change("client_id", "nobody"), "invalid_client_id"),
        (change("redirect_uri", "http://evil.example/"), "redirect_uri_mismatch"),
        (change("redirect_uri", ""), "invalid_request"),
    ] {
        let answer = begin(&org, &query).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "location")), (400, None));
        assert!(answer.text().await.unwrap().contains(wanted), "{query:?}");
    }
}

#[tokio::test]
async fn an_app_without_a_secret_logs_in_by_its_verifier() {
    let org = org(App::new("portal").callback(CALLBACK)).await;
    let code = code(&org).await;
    let answer = redeem(&org, &code, &[("client_secret", "")]).await;
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    // A secret that is sent is looked at.
    let code = self::code(&org).await;
    assert_eq!(
        told(redeem(&org, &code, &[]).await).await,
        error(("invalid_client", "invalid client credentials"))
    );
}

#[tokio::test]
async fn a_refresh_token_serves_until_it_is_revoked_and_takes_its_sessions_with_it() {
    let org = org(portal()).await;
    let (access, token) = tokens(&org).await;
    let answer: Value = refresh(&org, &token).await.json().await.unwrap();
    assert!(answer.get("refresh_token").is_none(), "{answer}");
    let second = answer["access_token"].as_str().unwrap();
    assert!(works(&org, &access).await && works(&org, second).await);
    let (other, _) = tokens(&org).await;
    let revoked = org.without_token(Method::POST, "/services/oauth2/revoke").form(&[("token", &token)]);
    assert_eq!(told(revoked.send().await.unwrap()).await, (200, String::new()));
    assert!(!works(&org, &access).await && !works(&org, second).await);
    assert!(works(&org, &other).await);
    assert_eq!(told(refresh(&org, &token).await).await, error(OVER));
    assert_eq!(told(refresh(&org, "5Aep861none").await).await, error(OVER));
}

#[tokio::test]
async fn a_rotated_token_is_good_once_and_its_reuse_ends_the_family() {
    let org = org(portal().rotate(true)).await;
    let (_, first) = tokens(&org).await;
    let answer: Value = refresh(&org, &first).await.json().await.unwrap();
    let second = answer["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    let answer: Value = refresh(&org, &second).await.json().await.unwrap();
    let (access, third) =
        (answer["access_token"].as_str().unwrap(), answer["refresh_token"].as_str().unwrap());
    assert!(works(&org, access).await);
    assert_eq!(told(refresh(&org, &first).await).await, error(OVER));
    assert_eq!(told(refresh(&org, third).await).await, error(OVER));
    assert!(!works(&org, access).await);
}

#[tokio::test]
async fn a_refresh_token_ends_by_the_apps_policy_and_the_sixth_ends_the_first() {
    let org = org(portal().refresh_life_s(60)).await;
    let mut all = Vec::new();
    for _ in 0..6 {
        all.push(tokens(&org).await);
    }
    assert_eq!(told(refresh(&org, &all[0].1).await).await, error(OVER));
    assert!(!works(&org, &all[0].0).await && works(&org, &all[1].0).await);
    assert_eq!(refresh(&org, &all[1].1).await.status(), 200);
    org.sim.clock().advance(Duration::from_secs(60));
    assert_eq!(told(refresh(&org, &all[1].1).await).await, error(OVER));
}

#[tokio::test]
async fn a_device_waits_for_its_user() {
    let org = org(portal()).await;
    let start = async || -> Value {
        let answer = org.login(&[("response_type", "device_code"), ("client_id", "portal")]).await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    };
    let poll = async |started: &Value| {
        let code = started["device_code"].as_str().unwrap();
        told(org.login(&[("grant_type", "device"), ("client_id", "portal"), ("code", code)]).await).await
    };
    let named = |text: (u16, String)| -> (u16, Value) {
        (text.0, serde_json::from_str::<Value>(&text.1).unwrap()["error"].take())
    };
    let decide = async |started: &Value, decision: &str| {
        let code = started["user_code"].as_str().unwrap();
        let form = [("user_code", code), ("username", ADA), ("password", "engine"), ("decision", decision)];
        told(post(&org, "/setup/connect", &form).await).await.1
    };
    let started = start().await;
    assert_eq!(keys(&started), ["device_code", "user_code", "verification_uri", "interval"]);
    assert_eq!(started["verification_uri"], org.url("/setup/connect"));
    assert_eq!(named(poll(&started).await), (400, "authorization_pending".into()));
    assert_eq!(named(poll(&started).await), (400, "slow_down".into()));
    org.sim.clock().advance(Duration::from_secs(5));
    assert_eq!(named(poll(&started).await), (400, "slow_down".into()));
    org.sim.clock().advance(Duration::from_secs(15));
    assert_eq!(named(poll(&started).await), (400, "authorization_pending".into()));
    assert!(decide(&started, "allow").await.contains("You're Connected"));
    org.sim.clock().advance(Duration::from_secs(15));
    let answer: Value = serde_json::from_str(&poll(&started).await.1).unwrap();
    assert!(works(&org, answer["access_token"].as_str().unwrap()).await);
    assert_eq!(refresh(&org, answer["refresh_token"].as_str().unwrap()).await.status(), 200);
    assert_eq!(named(poll(&started).await), (400, "invalid_grant".into()));

    let refused = start().await;
    assert!(decide(&refused, "deny").await.contains("Access Denied"));
    assert_eq!(poll(&refused).await, error(("access_denied", "end-user denied authorization")));
    let late = start().await;
    org.sim.clock().advance(Duration::from_secs(600));
    assert_eq!(named(poll(&late).await), (400, "invalid_grant".into()));
    assert!(decide(&late, "allow").await.contains("invalid or has expired"));
}

#[tokio::test]
async fn a_subject_token_is_exchanged_where_the_handler_knows_it() {
    let org = org(portal().token_handler("Idp").subject_token("theirs", ADA)).await;
    let exchange = async |change: &[(&str, &str)]| {
        let mut form = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("client_id", "portal"),
            ("client_secret", "s3cret"),
            ("subject_token", "theirs"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ];
        for (key, value) in change {
            form.retain(|(known, _)| known != key);
            form.push((key, value));
        }
        org.login(&form).await
    };
    let answer: Value = exchange(&[("token_handler", "Idp"), ("scope", "api")]).await.json().await.unwrap();
    assert_eq!(answer["scope"], "api");
    assert!(answer.get("refresh_token").is_none() && answer.get("issued_token_type").is_none(), "{answer}");
    assert!(works(&org, answer["access_token"].as_str().unwrap()).await);
    let long = "x".repeat(10_001);
    for (change, wanted) in [
        (("subject_token", "forged"), "invalid_grant"),
        (("subject_token", long.as_str()), "invalid_request"),
        (("subject_token_type", "urn:other"), "invalid_request"),
        (("token_handler", "Other"), "invalid_request"),
        (("scope", "magic"), "invalid_scope"),
    ] {
        let answer: Value = exchange(&[change]).await.json().await.unwrap();
        assert_eq!(answer["error"], wanted, "{}", change.0);
    }
    org.sim.set_my_domain(false);
    let elsewhere = ("invalid_grant", "request not supported on this domain");
    assert_eq!(told(exchange(&[]).await).await, error(elsewhere));
}

#[tokio::test]
async fn apps_and_users_have_policies_of_their_own() {
    let app = portal().grants([Grant::Password]).admin_approved("other@example.com");
    let builder = with(app).user(User::new("other@example.com", "pw").allowed_ip([10, 0, 0, 1].into()));
    let org = Org::of(builder).await;
    let login = async |grant: &str, username: &str, password: &str, from: &str| {
        let form = [
            ("grant_type", grant),
            ("client_id", "portal"),
            ("client_secret", "s3cret"),
            ("username", username),
            ("password", password),
        ];
        let call = org.without_token(Method::POST, "/services/oauth2/token").header("X-Forwarded-For", from);
        told(call.form(&form).send().await.unwrap()).await
    };
    let not_admitted = error(("invalid_app_access", "user is not admin approved to access this app"));
    assert_eq!(login("password", ADA, "enginetok", "10.0.0.1").await, not_admitted);
    let elsewhere = error(("invalid_grant", "ip restricted or invalid login hours"));
    assert_eq!(login("password", "other@example.com", "pw", "10.0.0.2").await, elsewhere);
    assert_eq!(login("password", "other@example.com", "pw", "10.0.0.1").await.0, 200);
    let no_user = error(("invalid_grant", "no client credentials user enabled"));
    assert_eq!(login("client_credentials", "", "", "10.0.0.1").await, no_user);
    let failed = error(("invalid_grant", "authentication failure"));
    assert!(org.sim.change_user("other@example.com", |user| user.locked(true)));
    assert_eq!(login("password", "other@example.com", "pw", "10.0.0.1").await, failed);
    assert!(org.sim.change_app("portal", |app| app.grants([])).unwrap());
    assert!(org.sim.change_user("other@example.com", |user| user.locked(false)));
    assert_eq!(login("password", "other@example.com", "pw", "10.0.0.1").await, failed);
    org.sim.set_org_active(false);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "3MVG9sim.consumer.key"),
        ("client_secret", "sim-consumer-secret"),
    ];
    assert_eq!(told(org.login(&form).await).await, error(("inactive_org", "organization is inactive")));
    let twice = Sim::builder().user(User::new("a", "b")).user(User::new("A", "c")).build();
    assert!(twice.is_err());
}

#[tokio::test]
async fn an_app_asks_what_its_tokens_are() {
    let org = org(portal()).await;
    let (access, refresh) = tokens(&org).await;
    let ask = async |token: &str, secret: &str| {
        let form = [("token", token), ("client_id", "portal"), ("client_secret", secret)];
        post(&org, "/services/oauth2/introspect", &form).await
    };
    let told: Value = ask(&access, "s3cret").await.json().await.unwrap();
    let wanted = ["active", "scope", "client_id", "username", "sub", "token_type", "exp", "iat", "nbf"];
    assert_eq!(keys(&told), wanted);
    assert_eq!((&told["username"], &told["exp"]), (&ADA.into(), &(NOW / 1000 + 7_200).into()));
    let told: Value = ask(&refresh, "s3cret").await.json().await.unwrap();
    assert_eq!(told["token_type"], "refresh_token");
    // Another app's session, here one of no app, is none of its business.
    let told: Value = ask(&org.sim.access_token(), "s3cret").await.json().await.unwrap();
    assert_eq!(told, json!({ "active": false }));
    assert_eq!(ask(&access, "wrong").await.status(), 401);
}

#[tokio::test]
async fn the_identity_url_tells_who_it_is_and_of_whom() {
    let sim = with(portal()).login_url("http://login.example/");
    let org = Org::of(sim).await;
    let (access, _) = tokens(&org).await;
    let get = |path: String| org.without_token(Method::GET, &path).send();
    let info: Value =
        get(format!("/services/oauth2/userinfo?access_token={access}")).await.unwrap().json().await.unwrap();
    let id = info["sub"].as_str().unwrap();
    let path = id.strip_prefix("http://login.example").unwrap();
    let told_id: Value =
        get(format!("{path}?format=json&oauth_token={access}")).await.unwrap().json().await.unwrap();
    assert_eq!((&told_id["username"], &told_id["id"]), (&ADA.into(), &id.into()));
    assert_eq!(told(get(path.to_owned()).await.unwrap()).await, (403, "Missing_OAuth_Token".into()));
    assert_eq!(
        told(get(format!("{path}?oauth_token=x")).await.unwrap()).await,
        (403, "Bad_OAuth_Token".into())
    );
    let other = format!("/id/{}/{}?oauth_token={access}", org.sim.org_id(), org.sim.user_id());
    assert_eq!(told(get(other).await.unwrap()).await, (404, "Bad_Id".into()));
}

#[tokio::test]
async fn answers_come_in_the_format_that_is_asked_for() {
    let org = org(portal()).await;
    let form = [("grant_type", "saml"), ("format", "xml")];
    let (_, body) = told(org.login(&form).await).await;
    assert!(body.ends_with("<OAuth><error>unsupported_grant_type</error><error_description>grant type not supported</error_description></OAuth>"), "{body}");
    let form = [("grant_type", "saml"), ("format", "urlencoded")];
    let (_, body) = told(org.login(&form).await).await;
    assert_eq!(body, "error=unsupported_grant_type&error_description=grant+type+not+supported");
}

#[tokio::test]
async fn every_error_can_be_had_on_demand() {
    let org = org(portal()).await;
    for (name, description) in OAUTH_ERRORS {
        org.sim.faults().add(Fault::on(Route::Token).then(Action::oauth_error(name, description)));
        assert_eq!(told(refresh(&org, "any").await).await, error((name, description)));
        org.sim.faults().clear();
    }
}

/// The rows of the table of OAuth errors: codes, and what is quoted beside them.
fn listed(wire: &str) -> Vec<(Vec<&str>, Vec<&str>)> {
    let section = wire.split("\n### ").find(|section| section.starts_with("2.3 Errors")).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ") && !line.contains("error_description |"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let codes = cells[1].split([',', '/']).map(str::trim).filter(|code| !code.is_empty());
        (codes.collect(), cells[2].split('`').skip(1).step_by(2).collect())
    })
    .collect()
}

#[test]
fn every_error_that_orgs_are_known_to_have_can_be_had() {
    let Some(path) = shared("spec/salesforce-wire.md") else {
        let line = "skipped: ../shared is absent: the list of OAuth errors\n";
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap_or_default();
        return;
    };
    let wire = std::fs::read_to_string(path).unwrap();
    let listed = listed(&wire);
    assert!(listed.len() >= 20, "the table was not found: {listed:?}");
    for (codes, said) in &listed {
        for code in codes {
            let has = |words: &str| OAUTH_ERRORS.contains(&(code, words));
            let known = OAUTH_ERRORS.iter().any(|(known, _)| known == code);
            let quoted = said.is_empty() || said.iter().any(|words| has(words));
            assert!(known && quoted, "{code}: {said:?}");
        }
        for words in said {
            assert!(OAUTH_ERRORS.iter().any(|(_, known)| known == words), "{codes:?}: {words}");
        }
    }
}

#[tokio::test]
async fn an_app_may_show_an_assertion_in_the_place_of_its_secret() {
    let (key, certificate, _) = crate::login::key_pair();
    let org = org(App::new("portal").certificate(certificate).run_as(ADA)).await;
    let login = async |claims: Value| {
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
        let assertion = jsonwebtoken::encode(&header, &claims, &key).unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion", assertion.as_str()),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ];
        told(org.login(&form).await).await
    };
    let claims =
        |sub: &str, aud: &str| json!({ "iss": "portal", "sub": sub, "aud": aud, "exp": NOW / 1000 + 60 });
    let own = format!("{}/services/oauth2/token", org.server.url());
    assert_eq!(login(claims("portal", &own)).await.0, 200);
    let refused = error(("invalid_client", "invalid client credentials"));
    assert_eq!(login(claims("other", &own)).await, refused);
    assert_eq!(login(claims("portal", "https://example.com")).await, refused);
}
