//! Every refusal that a login host is known to have, from the emulated one.

use sf_auth::{ErrorKind, Grant, JwtBearer, OAuthError, RefreshToken, TokenExchange};
use sf_sim::fault::{Action, Fault, OAUTH_ERRORS, Route};
use sf_sim::{App, Sim, User};

use super::{URL, client_credentials, connect, jwt, org, password, refusal};

/// The org's own trouble is met with so many tries.
async fn on_demand(sim: &Sim, grant: impl Grant, tries: u64, (error, description): (&str, &str)) {
    let fault =
        sim.faults().add(Fault::on(Route::Token).always().then(Action::oauth_error(error, description)));
    let before = sim.journal().count(&Route::Token);
    let refused = connect(sim, grant).await.unwrap_err();
    let asked = sim.journal().count(&Route::Token) - before;
    sim.faults().remove(fault);
    let case = format!("{error} ({description})");
    let known = OAuthError::new(error, description);
    assert_eq!((refused.kind(), refused.oauth()), (known.kind(), Some(&known)), "{case}");
    assert!(
        !matches!(known.kind(), ErrorKind::Refused | ErrorKind::InvalidGrant),
        "{case} has no kind of its own"
    );
    assert!(refused.hint().is_some_and(|hint| hint.len() > 20), "{case}: {refused}");
    assert!(refused.to_string().contains(&known.to_string()), "{case}: {refused}");
    // All else is final.
    assert_eq!(asked, if known.kind() == ErrorKind::Server { tries } else { 1 }, "{case}");
}

#[tokio::test]
async fn each_refusal_has_its_kind_and_its_hint_under_every_grant_and_is_not_asked_for_again() {
    let sim = org();
    let user = sim.credentials().username.clone();
    assert!(OAUTH_ERRORS.len() >= 30);
    for said in OAUTH_ERRORS.iter().copied() {
        on_demand(&sim, client_credentials(&sim), 4, said).await;
        // The org may have counted a wrong password and said something else.
        on_demand(&sim, password(&sim), 1, said).await;
        on_demand(&sim, jwt(&sim, &user), 4, said).await;
        on_demand(&sim, RefreshToken::new(URL, "key", "refresh-S3CRET"), 4, said).await;
        on_demand(&sim, TokenExchange::new(URL, "key", || "subject-S3CRET"), 4, said).await;
    }
}

const ADA: &str = "ada@acme.example";

fn exchange(subject: &'static str) -> TokenExchange {
    TokenExchange::new(URL, "portal", move || subject)
        .client_secret("portal-S3CRET")
        .token_type(TokenExchange::JWT)
        .handler("Idp")
}

fn portal() -> Sim {
    let app =
        App::new("portal").secret("portal-S3CRET").token_handler("Idp").subject_token("theirs-S3CRET", ADA);
    Sim::builder().app(app).user(User::new(ADA, "engine-S3CRET")).build().unwrap()
}

#[tokio::test]
async fn a_subject_token_is_exchanged_where_the_orgs_handler_knows_it() {
    let sim = portal();
    let org = connect(&sim, exchange("theirs-S3CRET").scopes(["api", "id"])).await.unwrap();
    assert_eq!(org.token().await.unwrap().scope.as_deref(), Some("api id"));
    assert_eq!(sf_auth::userinfo(&org).await.unwrap().preferred_username.as_deref(), Some(ADA));
    sim.expire_sessions();
    assert!(org.limits().await.is_ok(), "the subject token is exchanged again");
}

#[tokio::test]
async fn what_an_exchange_lacks_is_told_apart() {
    let sim = portal();
    for (grant, kind, words) in [
        (exchange("forged-S3CRET"), ErrorKind::InvalidGrant, "handler did not accept the subject token"),
        (exchange("theirs-S3CRET").handler("Other"), ErrorKind::InvalidRequest, "request itself wrong"),
        (exchange("theirs-S3CRET").scopes(["magic"]), ErrorKind::InvalidScope, "Selected OAuth Scopes"),
        (
            exchange("theirs-S3CRET").client_secret("wrong-S3CRET"),
            ErrorKind::InvalidClient,
            "consumer secret",
        ),
    ] {
        let error = refusal(&sim, grant).await;
        assert_eq!(error.kind(), kind);
        assert!(error.hint().unwrap().contains(words), "{error}");
    }
    sim.set_my_domain(false);
    assert_eq!(refusal(&sim, exchange("theirs-S3CRET")).await.kind(), ErrorKind::HostRefused);
    sim.change_app("portal", |app| app.grants([])).unwrap();
    let error = refusal(&sim, exchange("theirs-S3CRET")).await;
    assert_eq!(error.kind(), ErrorKind::UnsupportedGrant);
    assert!(error.hint().unwrap().contains("token exchange flow"), "{error}");
}

#[tokio::test]
async fn policies_of_apps_and_users_are_told_with_what_to_change() {
    let sim = org();
    let known = sim.credentials().clone();
    let user = |change: fn(User) -> User| assert!(sim.change_user(&known.username, change));

    user(|user| user.allowed_ip([10, 0, 0, 1].into()));
    let error = refusal(&sim, password(&sim)).await;
    assert_eq!(error.kind(), ErrorKind::AccessRestricted);
    assert!(error.hint().unwrap().contains("login IP ranges"), "{error}");
    user(|_| User::new("same", "other-S3CRET").locked(true));
    assert_eq!(refusal(&sim, password(&sim)).await.kind(), ErrorKind::WrongCredentials);
    user(|user| user.locked(false));

    sim.change_app(&known.client_id, |app| app.admin_approved("")).unwrap();
    let error = refusal(&sim, jwt(&sim, &known.username)).await;
    assert_eq!(error.kind(), ErrorKind::NotAdminApproved);
    assert!(error.hint().unwrap().contains("permission set"), "{error}");
    sim.change_app(&known.client_id, |app| app.run_as("nobody@acme.example")).unwrap();
    assert_eq!(refusal(&sim, client_credentials(&sim)).await.kind(), ErrorKind::NoRunAsUser);
    sim.set_org_active(false);
    sim.change_app(&known.client_id, |app| app.run_as(known.username.as_str())).unwrap();
    assert_eq!(refusal(&sim, client_credentials(&sim)).await.kind(), ErrorKind::InactiveOrg);
}

#[tokio::test]
async fn a_jwt_that_lives_too_long_is_found_before_it_is_sent() {
    let sim = org();
    let known = sim.credentials();
    let long =
        JwtBearer::new(URL, &known.client_id, &known.username, crate::support::rsa_key().serialize_pem())
            .lifetime(std::time::Duration::from_secs(600));
    let error = connect(&sim, long).await.unwrap_err();
    assert_eq!((error.kind(), sim.journal().count(&Route::Token)), (ErrorKind::InvalidInput, 0));
    assert!(error.to_string().contains("300 seconds"), "{error}");
}
