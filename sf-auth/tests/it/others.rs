//! Token exchange, the Salesforce CLI's orgs, and what can be asked and ended afterwards.

use std::sync::atomic::{AtomicUsize, Ordering};

use sf_auth::{
    CliOrg, ErrorKind, Grant as _, JwtBearer, KeyStore, Login, Session, TokenExchange, revoke, userinfo,
};
use wiremock::matchers::{body_string, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{hasty, http, on_token, seen, shared, token_answer};

fn login() -> Login {
    Login::new().http(http()).retry(hasty())
}

async fn last_form(server: &MockServer) -> Vec<(String, String)> {
    let requests = server.received_requests().await.unwrap();
    url::form_urlencoded::parse(&requests.last().unwrap().body).into_owned().collect()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

#[tokio::test]
async fn a_subject_token_is_exchanged_and_asked_for_anew_at_each_login() {
    let server = MockServer::start().await;
    on_token(
        &server,
        ResponseTemplate::new(200).set_body_json(token_answer(&server.uri(), "t-S3CRET")),
        None,
    )
    .await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(401)).mount(&server).await;
    let made = AtomicUsize::new(0);
    let subject = move || format!("subject-S3CRET{}\n", made.fetch_add(1, Ordering::SeqCst));
    let grant = TokenExchange::new(server.uri(), "key", subject)
        .client_secret("S3CRET")
        .token_type(TokenExchange::JWT)
        .scopes(["api", "web"])
        .handler("MyHandler");
    let org = login().connect(grant).await.unwrap();
    assert!(org.limits().await.is_err());
    let expected = pairs(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", "subject-S3CRET1"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("client_id", "key"),
        ("client_secret", "S3CRET"),
        ("scope", "api web"),
        ("token_handler", "MyHandler"),
    ]);
    let posts: Vec<_> =
        server.received_requests().await.unwrap().into_iter().filter(|r| r.method == "POST").collect();
    let sent: Vec<_> = url::form_urlencoded::parse(&posts[1].body).into_owned().collect();
    assert_eq!((posts.len(), sent), (2, expected));
}

#[tokio::test]
async fn a_subject_token_that_cannot_be_exchanged_is_not_sent() {
    let shared_host =
        seen(TokenExchange::new("https://login.salesforce.com", "key", || "S3CRET").check().unwrap_err());
    assert_eq!(shared_host.kind(), ErrorKind::HostRefused);
    for (subject, words) in
        [(String::new(), "subject token is empty"), ("S3CRET".repeat(1_667), "10002 characters")]
    {
        let grant = TokenExchange::new("http://127.0.0.1:9", "key", move || subject.clone());
        let error = seen(login().connect(grant).await.unwrap_err());
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(!format!("{:?}", TokenExchange::new("http://localhost", "key", || "S3CRET")).contains("S3CRET"));
}

fn displayed(instance: &str, more: &str) -> String {
    format!(
        r#"{{"status":0,"result":{{"id":"00D58000000arpqEAA","apiVersion":"64.0","accessToken":"00D58!AQ-S3CRET","instanceUrl":"{instance}",
        "username":"ann@acme.example","clientId":"PlatformCLI","connectedStatus":"Connected","alias":"acme"{more}}},"warnings":[]}}"#
    )
}

#[tokio::test]
async fn an_org_of_the_salesforce_cli_is_used_with_its_session() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(header("authorization", "Bearer 00D58!AQ-S3CRET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(serde_json::json!({})))
        .mount(&server)
        .await;
    let text = displayed(&server.uri(), "");
    let org = CliOrg::from_json(&format!(" ›   Warning: update available to 2.1.\n{text}\nbye")).unwrap();
    assert_eq!((org.username(), org.alias(), org.renews()), (Some("ann@acme.example"), Some("acme"), false));
    assert!(org.connect_with(http()).await.is_ok());

    let jwt = "eyJ0bmsi.S3CRET-claims.S3CRET-signature";
    Mock::given(method("GET"))
        .and(header("authorization", format!("Bearer {jwt}").as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(serde_json::json!({})))
        .mount(&server)
        .await;
    let org = CliOrg::from_json(&text.replace("00D58!AQ-S3CRET", jwt)).unwrap().connect_with(http()).await;
    assert_eq!(org.unwrap().token().await.unwrap().access_token.expose(), jwt);

    let utf16: Vec<u8> = [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), utf16).unwrap();
    assert!(CliOrg::from_file(file.path()).unwrap().connect_with(http()).await.is_ok());
    assert!(CliOrg::from_reader(text.as_bytes()).unwrap().connect_with(http()).await.is_ok());
}

#[tokio::test]
async fn an_org_of_the_salesforce_cli_renews_its_token_where_the_json_is_verbose() {
    let server = MockServer::start().await;
    on_token(
        &server,
        ResponseTemplate::new(200).set_body_json(token_answer(&server.uri(), "t-S3CRET")),
        None,
    )
    .await;
    let more = format!(r#","sfdxAuthUrl":"force://PlatformCLI::5Aep861:S3CRET@{}""#, server.uri());
    let org = CliOrg::from_json(&displayed(&server.uri(), &more)).unwrap();
    assert!(org.renews());
    assert!(!format!("{org:?}").contains("5Aep"));
    org.connect_with(http()).await.unwrap();
    let expected = pairs(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", "5Aep861:S3CRET"),
        ("client_id", "PlatformCLI"),
    ]);
    assert_eq!(last_form(&server).await, expected);
}

#[test]
fn what_is_not_an_org_of_the_salesforce_cli_is_refused_with_the_command() {
    let failed = r#"{"status":1,"name":"NamedOrgNotFoundError","message":"No authorization information found for acme."}"#;
    let instead = |words| displayed("https://acme.my.salesforce.com", "").replace("00D58!AQ-S3CRET", words);
    let (hidden, marked, starred) =
        (instead("[REDACTED] use another command"), instead("[REDACTED]"), instead("*****"));
    for (text, words) in [
        ("", "not the Salesforce CLI's JSON"),
        ("[]", "not the Salesforce CLI's JSON"),
        (failed, "shows no org: No authorization information found for acme."),
        (r#"{"status":0,"result":{"username":"a"}}"#, "no access token"),
        (hidden.as_str(), "hides the access token"),
        (marked.as_str(), "hides the access token"),
        (starred.as_str(), "hides the access token"),
    ] {
        let error = seen(CliOrg::from_json(text).unwrap_err());
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(
            error.to_string().contains(words) && error.hint().unwrap().contains("sf org display"),
            "{error}"
        );
    }
    for url in ["force://", "force://a@b", "force://a:b@c", "force://::t@c", "https://x", "force://a:b:@c"] {
        let error = seen(sf_auth::RefreshToken::from_sfdx_auth_url(url).unwrap_err());
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{url}");
    }
}

#[tokio::test]
async fn a_token_is_revoked_and_an_unknown_one_is_reported() {
    let server = MockServer::start().await;
    let at = || Mock::given(method("POST")).and(path("/services/oauth2/revoke"));
    at().respond_with(ResponseTemplate::new(503)).up_to_n_times(1).mount(&server).await;
    at().and(body_string("token=00D%21AQ-S3CRET"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    for error in ["invalid_token", "unsupported_token_type"] {
        let body = serde_json::json!({"error": error, "error_description": ""});
        at().and(body_string(format!("token=gone-S3CRET-{error}")))
            .respond_with(ResponseTemplate::new(400).set_body_json(body))
            .mount(&server)
            .await;
    }
    revoke(&server.uri(), "00D!AQ-S3CRET", &login()).await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
    for token in ["gone-S3CRET-invalid_token", "gone-S3CRET-unsupported_token_type"] {
        let error = seen(revoke(&server.uri(), token, &login()).await.unwrap_err());
        assert_eq!(error.kind(), ErrorKind::InvalidToken);
        assert!(error.hint().is_some(), "{error}");
    }
    assert_eq!(
        revoke("http://acme.example", "t-S3CRET", &login()).await.unwrap_err().kind(),
        ErrorKind::InvalidLoginUrl
    );
    assert_eq!(revoke(&server.uri(), "", &login()).await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn the_org_tells_who_is_logged_in() {
    let server = MockServer::start().await;
    let body = serde_json::json!({
        "sub": "https://login.salesforce.com/id/00D58000000arpqEAA/0051a000000UGT8AAO",
        "user_id": "0051a000000UGT8AAO", "organization_id": "00D58000000arpqEAA",
        "preferred_username": "ann@acme.example", "name": "Ann", "active": true,
    });
    let at = || Mock::given(method("GET")).and(path("/services/oauth2/userinfo"));
    at().respond_with(ResponseTemplate::new(200).set_body_json(body)).up_to_n_times(1).mount(&server).await;
    at().respond_with(ResponseTemplate::new(403).set_body_string("Bad_OAuth_Token")).mount(&server).await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200)).with_priority(9).mount(&server).await;
    let org = Session::new(server.uri(), "00D!AQ-S3CRET").connect_with(http()).await.unwrap();
    let user = userinfo(&org).await.unwrap();
    assert_eq!(user.organization_id.to_string(), "00D58000000arpqEAA");
    assert_eq!((user.preferred_username.as_deref(), user.email), (Some("ann@acme.example"), None));
    let error = seen(userinfo(&org).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::InvalidToken);
    assert!(error.hint().unwrap().contains("scope"), "{error}");
}

#[tokio::test]
async fn a_key_out_of_a_key_store_signs_for_its_user() {
    let server = MockServer::start().await;
    on_token(
        &server,
        ResponseTemplate::new(200).set_body_json(token_answer(&server.uri(), "t-S3CRET")),
        None,
    )
    .await;
    let store = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keystores/java.jks");
    let key = KeyStore::from_file(store).unwrap().password("changeit").key().unwrap();
    let grant = JwtBearer::with_key(server.uri(), "key", "ann@acme.example", key);
    assert!(!format!("{grant:?}").contains("changeit"));
    login().connect(grant).await.unwrap();
    assert_eq!(last_form(&server).await[1].1.split('.').count(), 3);
}

/// Each quoted error of the seed's troubleshooting part has a hint that names what the seed says to do.
#[tokio::test]
async fn every_login_error_of_the_troubleshooting_part_has_the_way_out_that_it_names() {
    let Some(seed) = shared("seeds/004_28fda31015b0ef1d.txt", "the troubleshooting part") else { return };
    let part = seed.split("\nTroubleshooting #\n").nth(1).unwrap().split("\nNotes #\n").next().unwrap();
    let quoted: Vec<_> = part.lines().filter_map(|l| l.strip_prefix('“')?.strip_suffix("” Error:")).collect();
    assert_eq!(quoted, ["no client credentials user enabled", "invalid_client", "invalid_grant"]);
    for (error, description, words) in [
        (
            "invalid_grant",
            quoted[0],
            &["Enable the client credentials flow", "choose an active user", "API access"][..],
        ),
        (quoted[1], "", &["consumer secret", "key and secret must be of the same app"]),
        (quoted[2], "", &["\"Run As\" is active", "API access"]),
        ("invalid_scope", "", &["Selected OAuth Scopes"]),
        ("invalid_client_id", "", &["consumer key"]),
    ] {
        let server = MockServer::start().await;
        let body = serde_json::json!({"error": error, "error_description": description});
        on_token(&server, ResponseTemplate::new(400).set_body_json(body), None).await;
        let grant = sf_auth::ClientCredentials::new(server.uri(), "key", "S3CRET");
        let said = seen(login().connect(grant).await.unwrap_err());
        assert!(words.iter().all(|w| said.hint().unwrap().contains(w)), "{said}");
    }
}
