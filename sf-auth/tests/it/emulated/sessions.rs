//! What becomes of a session: it ends, it is ended, the org moves; and who it stands for.

use std::sync::Arc;
use std::time::Duration;

use sf_auth::{CliOrg, ClientCredentials, ErrorKind, Grant, Login, RefreshToken, Session, revoke, userinfo};
use sf_sim::Sim;
use sf_sim::fault::{Action, Fault, Reply, Route};
use tokio::sync::Barrier;

use super::{URL, client_credentials, connect, login, org, password};
use crate::support::{hasty, http, seen};

/// A session is used, runs out a quarter of an hour after that by the org's clock, and is renewed.
async fn is_renewed(sim: &Sim, grant: impl Grant) {
    let org = connect(sim, grant).await.unwrap();
    let (tokens, calls) = (sim.journal().count(&Route::Token), sim.journal().of(&Route::Limits).len());
    for minutes in [14, 14, 15] {
        sim.clock().advance(Duration::from_secs(minutes * 60));
        assert!(org.limits().await.is_ok());
    }
    assert_eq!(sim.journal().count(&Route::Token), tokens + 1);
    let answered: Vec<_> = sim.journal().of(&Route::Limits).iter().map(|e| e.status.unwrap()).collect();
    assert_eq!(answered[calls..], [200, 200, 401, 200]);
}

#[tokio::test]
async fn a_session_that_runs_out_by_the_orgs_clock_is_renewed_and_the_call_repeated() {
    let sim = org();
    sim.set_session_life(Duration::from_secs(15 * 60));
    is_renewed(&sim, client_credentials(&sim)).await;
    is_renewed(&sim, password(&sim)).await;
}

/// No life of a token is guessed: orgs do not tell it, and their owners choose it.
#[tokio::test]
async fn a_session_that_the_org_still_takes_is_never_renewed() {
    let sim = org();
    sim.set_session_life(Duration::from_secs(24 * 3600));
    let org = connect(&sim, client_credentials(&sim)).await.unwrap();
    for _ in 0..4 {
        sim.clock().advance(Duration::from_secs(23 * 3600));
        org.limits().await.unwrap();
    }
    assert_eq!(sim.journal().count(&Route::Token), 1);
}

#[tokio::test]
async fn an_org_that_refuses_every_token_gets_one_new_one_a_call_and_no_more() {
    let sim = org();
    let org = connect(&sim, client_credentials(&sim)).await.unwrap();
    let refused = Action::error(401, "INVALID_SESSION_ID", "Session expired or invalid");
    sim.faults().add(Fault::on(Route::Limits).always().then(refused));
    for calls in 1..=3 {
        let error = seen(org.limits().await.unwrap_err());
        assert_eq!(error.kind(), sf_core::ErrorKind::SessionExpired);
        assert_eq!(
            (sim.journal().count(&Route::Limits), sim.journal().count(&Route::Token)),
            (2 * calls, 1 + calls)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_tasks_refused_at_once_make_one_exchange() {
    const TASKS: usize = 1000;
    let sim = org();
    let org = connect(&sim, client_credentials(&sim)).await.unwrap();
    for round in 1..=3 {
        sim.expire_sessions();
        let together = Arc::new(Barrier::new(TASKS));
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let (org, together) = (org.clone(), Arc::clone(&together));
                tokio::spawn(async move {
                    together.wait().await;
                    org.limits().await.map(drop)
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(sim.journal().count(&Route::Token), 1 + round);
    }
}

#[tokio::test]
async fn an_ended_session_is_renewed_before_the_org_tells_who_it_is() {
    let sim = org();
    let org = connect(&sim, client_credentials(&sim)).await.unwrap();
    sim.expire_sessions();
    let user = userinfo(&org).await.unwrap();
    assert_eq!(user.preferred_username.as_deref(), Some(sim.credentials().username.as_str()));
    assert_eq!(user.user_id.to_string(), sim.user_id().to_string());
    assert_eq!(user.organization_id.to_string(), sim.org_id().to_string());
    let answered: Vec<_> = sim.journal().of(&Route::Userinfo).iter().map(|e| e.status.unwrap()).collect();
    assert_eq!(answered, [403, 200]);

    let session = connect(&sim, Session::new(URL, sim.access_token())).await.unwrap();
    sim.expire_sessions();
    let error = seen(userinfo(&session).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::InvalidToken);
    assert!(
        error.to_string().starts_with("the org does not tell this token's user\n  The token has ended"),
        "{error}"
    );
}

#[tokio::test]
async fn a_revoked_token_is_gone_and_a_second_revocation_says_so() {
    let sim = org();
    let token = sim.access_token();
    let org = connect(&sim, Session::new(URL, token.as_str())).await.unwrap();
    revoke(URL, token.as_str(), &login(&sim)).await.unwrap();
    let error = seen(org.limits().await.unwrap_err());
    assert_eq!(error.kind(), sf_core::ErrorKind::SessionExpired);
    for gone in [token.as_str(), "never-S3CRET"] {
        let error = seen(revoke(URL, gone, &login(&sim)).await.unwrap_err());
        assert_eq!(error.kind(), ErrorKind::InvalidToken);
        assert_eq!(
            error.to_string(),
            "OAuth refused the revocation at http://127.0.0.1:1/services/oauth2/revoke: invalid_token (invalid token)\n  \
             The token has ended or was revoked before, or is another org's."
        );
    }
    assert_eq!(sim.journal().count(&Route::Revoke), 3);
    assert_eq!(sim.journal().count(&Route::Token), 0);
}

#[tokio::test]
async fn a_revocation_whose_answer_is_lost_has_worked_when_the_org_no_longer_knows_the_token() {
    let sim = org();
    let token = sim.access_token();
    sim.faults().add(Fault::on(Route::Revoke).then(Action::ResetAfter));
    revoke(URL, token.as_str(), &login(&sim)).await.unwrap();
    assert_eq!(sim.journal().count(&Route::Revoke), 2);
    // What was never sent has ended nothing.
    sim.faults().add(Fault::on(Route::Revoke).then(Action::too_many_requests(0)));
    let error = seen(revoke(URL, token.as_str(), &login(&sim)).await.unwrap_err());
    assert_eq!((error.kind(), sim.journal().count(&Route::Revoke)), (ErrorKind::InvalidToken, 4));
}

#[tokio::test]
async fn an_org_that_moves_is_followed_and_its_old_host_gets_no_token() {
    let sim = org();
    let (old, new) = (sim.serve("127.0.0.1:0").await.unwrap(), sim.serve("127.0.0.1:0").await.unwrap());
    let known = sim.credentials();
    let grant = ClientCredentials::new(old.url(), &known.client_id, known.client_secret.as_str());
    let org = Login::new().http(http()).retry(hasty()).connect(grant).await.unwrap();
    sim.move_to(&new.url(), Reply::error(401, "INVALID_SESSION_ID", "Session expired or invalid"));
    for _ in 0..3 {
        org.limits().await.unwrap();
    }
    let at = |url: &str| url::Url::parse(url).unwrap();
    assert_eq!(org.token().await.unwrap().instance_url, at(&new.url()));
    assert_eq!(sim.journal().count(&Route::Token), 2, "one login finds the new host");
    assert_eq!(sim.journal().count(&Route::Limits), 4, "one call went to the old host");
}

/// `sf org display --json`, and with `--verbose`.
#[tokio::test]
async fn an_org_of_the_salesforce_cli_works_with_its_session_and_renews_it_where_the_json_is_verbose() {
    let sim = org();
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let known = sim.credentials();
    let display = |more: &str| {
        format!(
            r#"{{"status":0,"result":{{"id":"{}","accessToken":"{}","instanceUrl":"{}","username":"{}","clientId":"PlatformCLI",
            "connectedStatus":"Connected"{more}}},"warnings":[]}}"#,
            sim.org_id(),
            sim.access_token(),
            server.url(),
            known.username
        )
    };
    let login = || Login::new().http(http()).retry(hasty());
    let org = login().connect(seen(CliOrg::from_json(&display("")).unwrap())).await.unwrap();
    assert_eq!(userinfo(&org).await.unwrap().preferred_username.as_deref(), Some(known.username.as_str()));
    sim.expire_sessions();
    assert!(seen(org.limits().await.unwrap_err()).hint().unwrap().contains("cannot renew itself"));

    // A refresh token of the CLI's app, got on the org's own page.
    let accounts = serde_json::json!({"apps": [{
        "client_id": "PlatformCLI", "callbacks": ["http://localhost:1717/OauthRedirect"], "approved_by": [known.username],
    }]});
    sim.add_accounts(&accounts.to_string()).unwrap();
    let begun = sf_auth::WebServer::new(server.url(), "PlatformCLI").begin().unwrap();
    let person = crate::support::Person {
        http: http(),
        username: known.username.clone(),
        password: known.password.clone(),
        decision: "allow",
    };
    let back = person.open(begun.url()).await.unwrap();
    let token = begun.finish(back.as_str(), &login()).await.unwrap().refresh_token().unwrap().clone();
    let verbose = format!(r#","sfdxAuthUrl":"force://PlatformCLI::{}@{}""#, token.expose(), server.url());
    let cli = seen(CliOrg::from_json(&display(&verbose)).unwrap());
    assert!(cli.renews());
    let org = login().connect(cli).await.unwrap();
    sim.expire_sessions();
    assert!(org.limits().await.is_ok());
    let url = format!("force://PlatformCLI::{}@{}", token.expose(), server.url());
    assert!(login().connect(RefreshToken::from_sfdx_auth_url(&url).unwrap()).await.is_ok());
}
