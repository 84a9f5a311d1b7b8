//! Logins over sockets, through the program itself: how often an org is asked, for how long, and what is kept.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use serde_json::{Value, json};
use sf_kafka::kafka::Cluster;
use sf_sim::fault::{Action, Fault, Route};
use sf_sim::{App, Server, Sim, User};

use crate::faults::says;
use crate::kafka_support::{Mock, mock, over};
use crate::process::{Run, is_page, program, written};

const OBJECTS: [&str; 4] = ["Account", "Contact", "Lead", "Opportunity"];
const ROWS: u64 = 7;

/// An org on a port, an embedded broker, and a folder for what a process keeps.
struct Site {
    sim: Sim,
    server: Server,
    mock: Mock,
    cluster: Cluster,
    folder: tempfile::TempDir,
}

impl Site {
    async fn of(builder: sf_sim::SimBuilder) -> Self {
        let builder = OBJECTS.iter().fold(builder, |builder, object| builder.generate(*object, ROWS));
        let sim = builder.build().unwrap();
        let server = sim.serve("127.0.0.1:0").await.unwrap();
        let mock = mock(&OBJECTS.map(|object| (object, 1)));
        let cluster = over(&mock, &[]).await;
        Self { sim, server, mock, cluster, folder: tempfile::tempdir().unwrap() }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A connector over the first so many objects, logging in by password; its file.
    fn config(&self, objects: usize, more: &Value) -> String {
        let login = self.sim.credentials();
        let mut config = json!({
            "name": "logins",
            "connector.class": "SalesforceBulkApiV2Source",
            "salesforce.grant.type": "PASSWORD",
            "salesforce.instance": self.server.url(),
            "salesforce.username": login.username,
            "salesforce.password": login.password,
            "salesforce.password.token": login.security_token,
            "salesforce.consumer.key": login.client_id,
            "salesforce.consumer.secret": login.client_secret,
            "salesforce.object.num": objects,
            "salesforce.lag.ms": "0",
            "poll.interval.ms": "8700",
        });
        let keys = config.as_object_mut().unwrap();
        for (number, object) in (1..=objects).zip(OBJECTS) {
            keys.insert(format!("salesforce.object{number}"), object.into());
            keys.insert(format!("salesforce.object{number}.topic"), object.into());
        }
        keys.extend(more.as_object().unwrap().clone());
        written(self.folder(), "logins.json", &config)
    }

    fn run(&self, config: &str) -> Run {
        let servers = self.mock.bootstrap_servers();
        let arguments = [config, "--bootstrap-servers", &servers, "--offset-storage-file", "offsets.json"];
        Run::start(self.folder(), &arguments)
    }

    async fn check(&self, config: &str) -> (bool, String) {
        Self::check_in(self.folder(), config).await
    }

    async fn check_in(folder: &Path, config: &str) -> (bool, String) {
        let output = program(folder).arg("check").arg(config).output().await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    fn logins(&self) -> u64 {
        self.sim.journal().count(&Route::Token)
    }

    async fn records(&self, topic: &str) -> usize {
        self.cluster.reader().read_to_end(topic).try_collect::<Vec<_>>().await.unwrap().len()
    }
}

/// Counts the objects whose first page has arrived.
fn all_delivered(objects: usize) -> impl FnMut(&Value) -> bool {
    let mut missing: Vec<&str> = OBJECTS[..objects].to_vec();
    move |event| {
        missing.retain(|object| !is_page(event, object));
        missing.is_empty()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_tried_once_for_all_objects_and_shows_nowhere() {
    let site = Site::of(Sim::builder()).await;
    let config = site.config(4, &json!({ "salesforce.password": "hush-hush" }));
    let (status, said) = site.run(&config).ended().await;
    assert_eq!(status.code(), Some(1), "{said}");
    says(&said, &["invalid_grant (authentication failure)", "Check user name, password and security token"]);
    assert_eq!((site.logins(), site.sim.journal().requests().len()), (1, 1), "{said}");
    assert!(!said.contains("hush-hush") && !said.contains("simtoken"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_changed_while_four_objects_are_read_is_tried_once_more_and_never_again() {
    let site = Site::of(Sim::builder()).await;
    let config = site.config(4, &json!({}));
    let mut run = site.run(&config);
    run.until(all_delivered(4)).await;
    assert_eq!(site.logins(), 1);
    let login = site.sim.credentials().clone();
    let changed = User::new(&login.username, "another").security_token(&login.security_token);
    assert!(site.sim.change_user(&login.username, |_| changed));
    site.sim.expire_sessions();
    // A service that fails at the same time makes tasks begin anew; none of them logs in again for that.
    let outage = Fault::on(Route::Query).times(2).then(Action::ResetBefore);
    site.sim.faults().add(outage);
    let (status, said) = run.ended().await;
    assert_eq!(status.code(), Some(1), "{said}");
    says(&said, &["authentication failure"]);
    assert_eq!(site.logins(), 2, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_host_that_is_away_within_the_budget_is_asked_again_without_a_restart() {
    let site = Site::of(Sim::builder()).await;
    let away = site.sim.faults().add(Fault::on(Route::Token).times(3).then(Action::unavailable()));
    let config = site.config(1, &json!({ "salesforce.auth.retries.time.ms": "30000" }));
    let mut run = site.run(&config);
    let events = run.until(all_delivered(1)).await;
    run.stop().await;
    assert_eq!((site.sim.faults().count(away), site.logins()), (3, 4));
    assert_eq!(site.records("Account").await, usize::try_from(ROWS).unwrap());
    let again: Vec<_> = events.iter().filter(|e| e["message"] == "request failed, trying again").collect();
    assert_eq!(again.len(), 3, "{events:?}");
    assert!(events.iter().all(|e| e["message"] != "reading on from the last stored offset"), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_budget_of_a_login_the_reason_is_said_and_a_connector_goes_on_later() {
    let site = Site::of(Sim::builder()).await;
    let away = site.sim.faults().add(Fault::on(Route::Token).always().then(Action::unavailable()));
    // Every other request may be tried for minutes: this budget is the login's own.
    let budget =
        json!({ "salesforce.auth.retries.time.ms": "1500", "request.max.retries.time.ms": "600000" });
    let config = site.config(1, &budget);
    let begun = Instant::now();
    let (good, said) = site.check(&config).await;
    assert!(!good && begun.elapsed() < Duration::from_secs(30), "{:?}: {said}", begun.elapsed());
    says(&said, &["/services/oauth2/token answered the login with 503", "https://status.salesforce.com"]);
    assert!(site.logins() >= 2, "{said}");

    let mut run = site.run(&config);
    let events = run.until(|e| e["message"] == "reading on from the last stored offset").await;
    let said = events.last().unwrap()["error"].as_str().unwrap();
    says(said, &["answered the login with 503 and an HTML page"]);
    site.sim.faults().remove(away);
    run.until(all_delivered(1)).await;
    run.stop().await;
    assert_eq!(site.records("Account").await, usize::try_from(ROWS).unwrap());
}

const CALLBACK: &str = "http://localhost:1717/callback";

/// What a person does once in a browser; the refresh token that it brings.
async fn refresh_token(site: &Site, user: &str) -> String {
    let http =
        reqwest::Client::builder().tls_certs_only([]).no_proxy().redirect(reqwest::redirect::Policy::none());
    let http = http.build().unwrap();
    let url = |end: &str| format!("{}/services/oauth2/{end}", site.server.url());
    let app = [("client_id", "portal"), ("redirect_uri", CALLBACK)];
    let mut form = app.to_vec();
    form.extend([
        ("response_type", "code"),
        ("username", user),
        ("password", "engine"),
        ("decision", "allow"),
    ]);
    let answer = http.post(url("authorize")).form(&form).send().await.unwrap();
    let location = answer.headers()["location"].to_str().unwrap();
    let location = url::Url::parse(location).unwrap();
    let code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let mut form = app.to_vec();
    form.extend([("grant_type", "authorization_code"), ("code", &code), ("client_secret", "s3cret")]);
    let answer: Value = http.post(url("token")).form(&form).send().await.unwrap().json().await.unwrap();
    answer["refresh_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// An app that rotates refresh tokens, and a connector that goes on by one.
async fn rotating(more: &Value) -> (Site, String, String) {
    let app = App::new("portal").secret("s3cret").callback(CALLBACK).rotate(true);
    let site = Site::of(Sim::builder().app(app).user(User::new("ada@example.com", "engine"))).await;
    let token = refresh_token(&site, "ada@example.com").await;
    let mut keys = json!({
        "salesforce.grant.type": "OAUTH2_AUTH_CODE_BYOA",
        "salesforce.consumer.key": "portal",
        "salesforce.consumer.secret": "s3cret",
        "oauth.refresh.token": token,
    });
    keys.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let config = site.config(1, &keys);
    (site, config, token)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_refresh_token_outlives_its_process_however_that_ends() {
    let (site, config, token) = rotating(&json!({ "salesforce.refresh.token.file": "token.json" })).await;
    let kept = || std::fs::read_to_string(site.folder().join("token.json")).unwrap();
    let mut run = site.run(&config);
    run.until(all_delivered(1)).await;
    let first = kept();
    assert!(!first.contains(&token), "the token was not rotated");
    run.stop().await;

    // The configuration still names the token that was spent.
    let mut seen = vec![first];
    for (way, name) in [("killed", "Second"), ("stopped", "Third")] {
        site.sim.insert("Account", &json!({ "Name": name })).unwrap();
        let mut run = site.run(&config);
        run.until(|event| is_page(event, "Account")).await;
        let now = kept();
        assert!(!seen.contains(&now), "{way}: a token was spent twice");
        seen.push(now);
        if way == "killed" { run.kill().await } else { run.stop().await }
    }
    assert_eq!(site.records("Account").await, usize::try_from(ROWS + 2).unwrap());
    let refused = site.sim.journal().of(&Route::Token).iter().filter(|c| c.status != Some(200)).count();
    assert_eq!(refused, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_stopped_while_it_logs_in_keeps_the_token_that_the_org_gives_it() {
    let (site, config, token) = rotating(&json!({ "salesforce.refresh.token.file": "token.json" })).await;
    // The org has rotated the token, and its answer is on its way when the signal comes.
    let given = site.sim.hook(Route::Token, 1);
    let mut run = site.run(&config);
    given.arrived().await;
    run.terminate().await;
    run.until(|event| event["message"].as_str().is_some_and(|said| said.starts_with("stopping"))).await;
    given.release();
    run.stopped().await;
    let kept = std::fs::read_to_string(site.folder().join("token.json")).unwrap();
    assert!(!kept.contains(&token), "the token that was spent is kept");
    let mut run = site.run(&config);
    run.until(all_delivered(1)).await;
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_a_restart_is_refused_once_and_the_text_names_the_way_out() {
    let (site, config, token) = rotating(&json!({})).await;
    let mut run = site.run(&config);
    run.until(all_delivered(1)).await;
    run.stop().await;
    let before = site.logins();
    let (status, said) = site.run(&config).ended().await;
    assert_eq!(status.code(), Some(1), "{said}");
    says(&said, &["invalid_grant", "salesforce.refresh.token.file"]);
    assert!(!said.contains(&token), "{said}");
    assert_eq!(site.logins() - before, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_does_not_spend_a_refresh_token_whose_successor_nobody_keeps() {
    let (site, config, token) = rotating(&json!({})).await;
    let before = site.logins();
    let (good, said) = site.check(&config).await;
    assert!(good && !said.contains(&token), "{said}");
    says(&said, &["the configuration is good\n  the org is not asked: ", "salesforce.refresh.token.file"]);
    assert_eq!(site.logins(), before, "{said}");
    let mut run = site.run(&config);
    run.until(all_delivered(1)).await;
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_leaves_the_next_refresh_token_where_run_finds_it_whatever_the_working_directory() {
    let (site, config, _) = rotating(&json!({ "salesforce.refresh.token.file": "token.json" })).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let (good, said) = Site::check_in(elsewhere.path(), &config).await;
    assert!(good, "{said}");
    says(&said, &["API calls a day"]);
    let mut run = site.run(&config);
    run.until(all_delivered(1)).await;
    run.stop().await;
    assert!(site.folder().join("token.json").exists());
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}
