//! A JWT by every kind of file that holds its owner's key.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::KeyPair;
use sf_auth::{JwtBearer, KeyStore, PrivateKey};
use sf_sim::Sim;

use super::{URL, works};

const PASSWORD: &str = "changeit";

fn path(name: &str) -> String {
    format!("{}/tests/keystores/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// An org that knows the public half of `server.key`, which lies in every one of these files.
fn org() -> Sim {
    let pem = std::fs::read_to_string(path("server.key")).unwrap();
    Sim::builder().jwt_key(KeyPair::from_pem(&pem).unwrap().public_key_pem()).build().unwrap()
}

async fn logs_in(sim: &Sim, case: &str, key: sf_auth::Result<PrivateKey>) {
    let key = key.unwrap_or_else(|e| panic!("{case}: {e}"));
    let known = sim.credentials();
    works(sim, JwtBearer::with_key(URL, &known.client_id, &known.username, key)).await;
}

#[tokio::test]
async fn a_jwt_logs_in_by_a_key_from_each_kind_of_file() {
    let sim = org();
    for file in [
        "server.key",
        "aes.key",
        "des3.key",
        "scrypt.key",
        "openssl.p12",
        "openssl-legacy.p12",
        "unnamed.p12",
        "java.p12",
        "java.jks",
    ] {
        let store = KeyStore::from_file(path(file)).unwrap().password(PASSWORD);
        logs_in(&sim, file, store.key()).await;
    }
    for file in ["several.jks", "several.p12"] {
        let store = KeyStore::from_file(path(file)).unwrap().password(PASSWORD);
        logs_in(&sim, file, store.alias("server").key()).await;
    }
}

#[tokio::test]
async fn a_jwt_logs_in_by_a_key_store_from_bytes_base64_and_both_spellings_of_the_data_uri() {
    let sim = org();
    for file in ["java.jks", "openssl.p12"] {
        let bytes = std::fs::read(path(file)).unwrap();
        let text = BASE64_STANDARD.encode(&bytes);
        for (form, store) in [
            ("bytes", Ok(KeyStore::from_bytes(bytes))),
            ("base64", KeyStore::from_base64(&text)),
            ("with a semicolon", KeyStore::from_data_uri(&format!("data:text/plain;base64,{text}"))),
            ("with a colon", KeyStore::from_data_uri(&format!("data:text/plain:base64,{text}"))),
        ] {
            let key = store.and_then(|store| store.password(PASSWORD).key());
            logs_in(&sim, &format!("{file}, {form}"), key).await;
        }
    }
}
