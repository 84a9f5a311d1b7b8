//! Typical mistakes, and what the program says to whoever made them: what was wrong, where, what to do, no secret.

use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};
use sf_sim::fault::{Action, Fault, Reply, Route};
use sf_sim::{Server, Sim};

use crate::faults::says;
use crate::kafka_support::{Mock, mock};
use crate::process::{program, written};

const SECRET: &str = "hush-hush-hush";
const KEYSTORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sf-auth/tests/keystores/java.jks");

struct Site {
    sim: Sim,
    server: Server,
    mock: Mock,
    folder: tempfile::TempDir,
}

impl Site {
    async fn new() -> Self {
        Self::of(Sim::builder()).await
    }

    async fn of(builder: sf_sim::SimBuilder) -> Self {
        let sim = builder.generate("Lead", 3).build().unwrap();
        let server = sim.serve("127.0.0.1:0").await.unwrap();
        Self { sim, server, mock: mock(&[("leads", 1)]), folder: tempfile::tempdir().unwrap() }
    }

    fn config(&self, more: &Value) -> String {
        let login = self.sim.credentials();
        let mut config = json!({
            "name": "leads",
            "connector.class": "SalesforceBulkApiV2Source",
            "salesforce.grant.type": "CLIENT_CREDENTIALS",
            "salesforce.instance": self.server.url(),
            "salesforce.consumer.key": login.client_id,
            "salesforce.consumer.secret": login.client_secret,
            "salesforce.object": "Lead",
            "kafka.topic": "leads",
            "salesforce.lag.ms": "0",
            "request.max.retries.time.ms": "1000",
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        written(self.folder.path(), "leads.json", &config)
    }

    /// The program fails, says all this, and no secret; what it said.
    async fn told(&self, arguments: &[&str], texts: &[&str]) -> String {
        let output = program(self.folder.path()).args(arguments).output().await.unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        says(&said, texts);
        assert!(!said.contains(SECRET) && !said.contains("sim-consumer-secret"), "{said}");
        said
    }

    async fn check(&self, more: &Value, texts: &[&str]) -> String {
        self.told(&["check", &self.config(more)], texts).await
    }

    async fn run(&self, more: &Value, texts: &[&str]) -> String {
        let (config, servers) = (self.config(more), self.mock.bootstrap_servers());
        let arguments = ["run", &config, "--bootstrap-servers", &servers, "--listen", "127.0.0.1:0"];
        let offsets = ["--offset-storage-file", "offsets.json", "--log-format", "json"];
        self.told(&[&arguments[..], &offsets].concat(), texts).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_names_the_host_the_refusal_and_the_place_to_mend_it_in_one_log_line() {
    let site = Site::new().await;
    let host = format!("{}/services/oauth2/token", site.server.url());
    for (more, texts) in [
        (
            json!({ "salesforce.consumer.secret": SECRET }),
            ["invalid_client (invalid client credentials)", "Copy the consumer secret from the app again"],
        ),
        (
            json!({ "salesforce.consumer.key": "3MVG9other" }),
            ["invalid_client_id (client identifier invalid)", "Copy the consumer key from the app again"],
        ),
    ] {
        let texts = [host.as_str(), texts[0], texts[1]];
        let said = site.run(&more, &texts).await;
        let given_up: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let event = given_up.iter().find(|event| event["level"] == "ERROR").unwrap();
        let (error, hint) = (event["error"].as_str().unwrap(), event["hint"].as_str().unwrap());
        says(error, &texts[..2]);
        says(hint, &texts[2..]);
        assert!(!error.contains('\n') && !error.contains(hint), "{error}");
        let said = site.check(&more, &texts).await;
        assert_eq!(said.matches(texts[2]).count(), 1, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_has_not_approved_and_a_certificate_that_has_expired_are_told_apart() {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let site = Site::of(Sim::builder().jwt_key(key.public_key_pem())).await;
    let jwt = json!({
        "salesforce.grant.type": "JWT_BEARER",
        "salesforce.username": site.sim.credentials().username,
        "salesforce.jwt.private.key": key.serialize_pem(),
    });
    site.sim.set_user_approved(false);
    let said = site.check(&jwt, &["user hasn't approved this consumer", "pre-authorized"]).await;
    assert!(!said.contains("PRIVATE KEY"), "{said}");
    site.sim.set_user_approved(true);
    let expired = Fault::on(Route::Token).then(Action::oauth_error("invalid_grant", "invalid assertion"));
    site.sim.faults().add(expired);
    site.check(&jwt, &["invalid assertion", "upload the certificate", "check that it has not expired"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_org_whose_api_is_off_says_so_with_the_permission_that_is_missing() {
    let site = Site::new().await;
    let text = "The REST API is not enabled for this Organization.";
    let off = Action::error(403, "API_DISABLED_FOR_ORG", text);
    site.sim.faults().add(Fault::on(Route::Describe).always().then(off));
    let texts = ["describe of Lead", "403 (API_DISABLED_FOR_ORG", text, "API Enabled"];
    site.check(&json!({}), &texts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_instance_is_named_with_its_key() {
    let site = Site::new().await;
    let away = json!({ "salesforce.instance": "http://127.0.0.1:1" });
    let texts = ["no connection to http://127.0.0.1:1/services/oauth2/token", "Check salesforce.instance"];
    let said = site.check(&away, &texts).await;
    says(&said, &["onnection refused"]);

    let page = Action::Reply(Reply::html(200, "Welcome"));
    site.sim.faults().add(Fault::on(Route::Token).always().then(page));
    site.check(&json!({}), &["answered the login with", "an HTML page", "check the login URL"]).await;

    let shared = json!({ "salesforce.instance": "https://login.salesforce.com" });
    site.check(&shared, &["salesforce.instance", "must be the org's My Domain URL"]).await;
    let path = json!({ "salesforce.instance": "https://acme.my.salesforce.com/home" });
    site.check(&path, &["salesforce.instance", "must end after the host"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_object_and_a_missing_topic_are_named_with_what_to_do() {
    let site = Site::new().await;
    let object = json!({ "salesforce.object": "Leed" });
    site.check(&object, &["the org has no object Leed, or its user may not see it. Did you mean Lead?"])
        .await;
    let topic = json!({ "kafka.topic": "laeds" });
    let texts = ["connector leads cannot run", "topic laeds does not exist", "--create --topic laeds"];
    site.run(&topic, &texts).await;
    assert_eq!(site.sim.journal().count(&Route::CreateJob), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_told_with_line_and_column_and_a_misspelt_key_with_the_right_one() {
    let site = Site::new().await;
    let file = site.folder.path().join("broken.json");
    std::fs::write(
        &file,
        "{\n  \"name\": \"leads\"\n  \"salesforce.consumer.secret\": \"hush-hush-hush\"\n}",
    )
    .unwrap();
    let broken = ["broken.json: line 3, column", "not valid JSON: expected `,`"];
    site.told(&["check", "broken.json"], &broken).await;
    std::fs::write(&file, "{\n  \"name\": \"leads,\n  \"kafka.topic\": \"x\"\n}").unwrap();
    site.told(&["check", "broken.json"], &["line 2", "a quotation mark is missing"]).await;
    site.told(&["check", "nowhere.json"], &["nowhere.json: cannot be read: No such file"]).await;

    let mut misspelt = json!({ "salesforce.objct": "Lead" });
    misspelt["salesforce.object"] = "".into();
    site.check(&misspelt, &["salesforce.objct", "did you mean salesforce.object?"]).await;
    let override_ = json!({ "producer.override.linger.sm": "20" });
    site.check(&override_, &["producer.override.linger.sm is not a setting", "did you mean linger.ms?"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_store_that_does_not_open_is_told_at_the_key_that_mends_it() {
    let site = Site::new().await;
    let with = |password: &str, alias: &str| {
        let mut keys = json!({
            "salesforce.grant.type": "JWT_BEARER",
            "salesforce.username": "ada@example.com",
            "salesforce.jwt.keystore.path": KEYSTORE,
            "salesforce.jwt.keystore.password": password,
        });
        if !alias.is_empty() {
            keys["salesforce.jwt.keystore.alias"] = alias.into();
        }
        keys
    };
    let password = ["salesforce.jwt.keystore.password = (hidden)", "does not open the JKS key store"];
    site.check(&with(SECRET, ""), &password).await;
    let alias = ["salesforce.jwt.keystore.alias = \"srever\"", "no key \"srever\". It has \"server\""];
    site.check(&with("changeit", "srever"), &alias).await;
    assert!(site.sim.journal().requests().is_empty());
}
