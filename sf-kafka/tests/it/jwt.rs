//! The first seed's configuration with its other grant: JWT_BEARER, the key store carried in the value.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::KeyPair;
use serde_json::{Map, Value};
use sf_kafka::kafka::{Cluster, NewTopic};
use sf_sim::{App, Sim};
use tokio::process::Command;

use crate::kafka_support::{fresh, real, shared, skip};
use crate::process::{Run, is_page, written};
use crate::seed::rows;

const STORE_PASSWORD: &str = "changeit";
const KEYSTORES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sf-auth/tests/keystores/");

/// A key store as its owner has it, and what was uploaded to the app.
struct Store {
    kind: &'static str,
    bytes: Vec<u8>,
    certificate: String,
}

/// Runs a tool in a folder; false, with a line that says so, where there is none.
async fn tool(folder: &Path, name: &str, arguments: &str) -> bool {
    let ran = Command::new(name).args(arguments.split(' ')).current_dir(folder).output().await;
    let Ok(output) = ran else {
        skip(name, &format!("{name} is absent: a key store that it makes"));
        return false;
    };
    assert!(output.status.success(), "{name} {arguments}: {output:?}");
    true
}

/// A key and its certificate, made by Java's own tool.
async fn by_keytool(folder: &Path, kind: &'static str) -> Option<Store> {
    let store = format!("-keystore {kind} -storetype {kind} -storepass {STORE_PASSWORD} -alias salesforce");
    let new = format!(
        "-genkeypair {store} -keypass {STORE_PASSWORD} -keyalg RSA -keysize 2048 -validity 30 -dname CN=sf-kafka"
    );
    let made = tool(folder, "keytool", &new).await
        && tool(folder, "keytool", &format!("-exportcert -rfc {store} -file {kind}.pem")).await;
    made.then(|| read(folder, kind, &format!("{kind}.pem")))
}

/// The same as people make it from a key in PEM.
async fn by_openssl(folder: &Path) -> Option<Store> {
    let new =
        "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -days 30 -subj /CN=sf-kafka";
    let pack = format!(
        "pkcs12 -export -inkey key.pem -in certificate.pem -name salesforce -passout pass:{STORE_PASSWORD} -out openssl"
    );
    let made = tool(folder, "openssl", new).await && tool(folder, "openssl", &pack).await;
    made.then(|| read(folder, "openssl", "certificate.pem"))
}

fn read(folder: &Path, kind: &'static str, certificate: &str) -> Store {
    Store {
        kind,
        bytes: std::fs::read(folder.join(kind)).unwrap(),
        certificate: std::fs::read_to_string(folder.join(certificate)).unwrap(),
    }
}

/// One that is checked in, for machines without the tools.
fn kept(kind: &'static str) -> Store {
    let key = std::fs::read_to_string(format!("{KEYSTORES}server.key")).unwrap();
    Store {
        kind,
        bytes: std::fs::read(format!("{KEYSTORES}{kind}")).unwrap(),
        certificate: KeyPair::from_pem(&key).unwrap().public_key_pem(),
    }
}

async fn stores(folder: &Path) -> Vec<Store> {
    let mut all = vec![kept("java.jks"), kept("openssl-legacy.p12")];
    all.extend(by_keytool(folder, "JKS").await);
    all.extend(by_keytool(folder, "PKCS12").await);
    all.extend(by_openssl(folder).await);
    all
}

/// The JSON of the seed as it stands there, but for its two slips: a quotation mark that is missing and one
/// that is too many.
fn seed(text: &str) -> Map<String, Value> {
    let begin = text.find("{\n\"connector.class\"").expect("the seed has no example");
    let length = text[begin..].find("\n}").unwrap() + 2;
    let json = &text[begin..begin + length];
    let mended = json.replace("V2Source,", "V2Source\",").replace("<SObject-name>\",\"", "<SObject-name>\",");
    assert_ne!(mended, json, "the seed has no slips any more");
    serde_json::from_str(&mended).unwrap_or_else(|error| panic!("{error}: {mended}"))
}

/// The seed with its placeholders filled for JWT_BEARER, for which it names the four keys that are needed.
fn config(
    seed: &Map<String, Value>,
    sim: &Sim,
    url: &str,
    store: &Store,
    spelling: &str,
    topic: &str,
) -> Value {
    let mut config = seed.clone();
    for unused in ["salesforce.password", "salesforce.password.token", "salesforce.consumer.secret"] {
        config.remove(unused).unwrap_or_else(|| panic!("the seed has no {unused}"));
    }
    let carried = format!("{spelling}{}", BASE64_STANDARD.encode(&store.bytes));
    for (key, value) in [
        ("kafka.api.key", "my-kafka-api-key"),
        ("kafka.api.secret", "my-kafka-api-secret"),
        ("name", topic),
        ("kafka.topic", topic),
        ("salesforce.grant.type", "JWT_BEARER"),
        ("salesforce.username", &sim.credentials().username),
        ("salesforce.consumer.key", store.kind),
        ("salesforce.object", "Account"),
    ] {
        assert!(config.insert(key.to_owned(), value.into()).is_some(), "the seed has no {key}");
    }
    config.insert("salesforce.jwt.keystore.file".to_owned(), carried.into());
    config.insert("salesforce.jwt.keystore.password".to_owned(), STORE_PASSWORD.into());
    config.insert("salesforce.instance".to_owned(), url.into());
    config.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seeds_jwt_bearer_configuration_delivers_with_every_key_store_in_both_spellings() {
    let what = "the first seed's JWT_BEARER configuration against a real Kafka";
    let Some(settings) = real(what) else { return };
    let Some(project) = shared("orgs/ebikes", what) else { return };
    let Some(text) = shared("seeds/000_9b1409e6c963fca8.txt", what) else { return };
    let seed = seed(&std::fs::read_to_string(text).unwrap());
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(folder.path()).await;
    let user = sf_sim::Credentials::default().username;
    let mut builder = Sim::builder().sfdx(&project);
    for store in &stores {
        builder = builder.app(App::new(store.kind).certificate(&store.certificate).admin_approved(&user));
    }
    let sim = builder.build().unwrap();
    let server = sim.serve("127.0.0.1:0").await.unwrap();
    let cluster = Cluster::connect(&settings).await.unwrap();

    let (mut files, mut topics) = (Vec::new(), Vec::new());
    for store in &stores {
        for (way, spelling) in
            [("semicolon", "data:text/plain;base64,"), ("colon", "data:text/plain:base64,")]
        {
            let topic = fresh(&format!("jwt-{}-{way}", store.kind));
            let new = NewTopic::new(&topic).partitions(2).replication_factor(1);
            cluster.admin().create_topic(&new).await.unwrap();
            let config = config(&seed, &sim, &server.url(), store, spelling, &topic);
            files.push(written(folder.path(), &format!("{topic}.json"), &config));
            topics.push(topic);
        }
    }
    let offsets = fresh("jwt-offsets");
    let mut arguments: Vec<&str> = files.iter().map(String::as_str).collect();
    arguments.extend(["--set", "salesforce.lag.ms=0", "--bootstrap-servers", &servers]);
    arguments.extend(["--offset-storage-topic", &offsets]);
    let mut run = Run::start(folder.path(), &arguments);
    let mut missing: BTreeSet<&str> = topics.iter().map(String::as_str).collect();
    run.until(|event| {
        if is_page(event, "Account") {
            missing.remove(event["connector"].as_str().unwrap());
        }
        missing.is_empty()
    })
    .await;
    run.stop().await;

    let counted = sim.row_counts().into_iter().find(|(name, _)| name == "Account").unwrap().1;
    assert!(counted > 0);
    for topic in &topics {
        let found = rows(&cluster, topic).await;
        assert_eq!(found.len(), counted, "{topic}");
        assert!(found.values().all(|versions| versions.len() == 1), "{topic}");
    }
    let logins = sim.journal().of(&sf_sim::fault::Route::Token);
    assert_eq!(logins.len(), topics.len(), "one login a connector");
    assert!(logins.iter().all(|call| call.status == Some(200)));
}
