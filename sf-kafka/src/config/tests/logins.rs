//! The grants: what each needs, and keys from wherever they are.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";

fn without(dropped: &[&str], more: &[(&str, &str)]) -> Config {
    let mut config =
        Config::from_pairs("test.json", LEAST.into_iter().filter(|(key, _)| !dropped.contains(key)));
    for (key, value) in more {
        config.set(*key, *value);
    }
    config
}

fn jwt(more: &[(&str, &str)]) -> Config {
    let dropped = ["salesforce.password", "salesforce.password.token", "salesforce.consumer.secret"];
    let mut config = without(&dropped, &[("salesforce.grant.type", "jwt_bearer")]);
    for (key, value) in more {
        config.set(*key, *value);
    }
    config
}

fn key_of(config: &Config) -> String {
    match source(config).auth {
        Auth::JwtBearer { private_key, username, consumer_key } => {
            assert_eq!((username.as_str(), consumer_key.expose()), ("ada@example.com", "k"));
            private_key.expose().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_grant_names_what_it_lacks() {
    let dropped = [
        "salesforce.username",
        "salesforce.password",
        "salesforce.consumer.key",
        "salesforce.consumer.secret",
    ];
    for (grant, lacks) in [
        ("password", vec!["consumer.key", "username", "password", "consumer.secret"]),
        ("Jwt_Bearer", vec!["consumer.key", "username", "jwt.private.key"]),
        ("CLIENT_CREDENTIALS", vec!["consumer.key", "instance", "consumer.secret"]),
    ] {
        let found = problems(&without(&dropped, &[("salesforce.grant.type", grant)]));
        assert_eq!(found.len(), lacks.len(), "{found:?}");
        for (problem, key) in found.iter().zip(lacks) {
            assert!(problem.starts_with(&format!("salesforce.{key}: missing; ")), "{found:?}");
            assert!(problem.contains(&grant.to_uppercase()), "{problem}");
        }
    }
    let found = problems(&least_with(&[("salesforce.grant.type", "OAUTH2_AUTH_CODE_BYOA")]));
    assert_eq!(found, ["salesforce.grant.type: must be one of PASSWORD, JWT_BEARER, CLIENT_CREDENTIALS"]);
}

#[test]
fn the_security_token_may_be_left_out() {
    let config = without(&["salesforce.password.token"], &[]);
    assert!(matches!(source(&config).auth, Auth::Password { security_token: None, .. }));
}

#[test]
fn client_credentials_need_the_orgs_own_domain() {
    let dropped = ["salesforce.username", "salesforce.password", "salesforce.password.token"];
    let with = |instance: &str| {
        without(
            &dropped,
            &[("salesforce.grant.type", "client_credentials"), ("salesforce.instance", instance)],
        )
    };
    for shared in ["https://login.salesforce.com", "https://test.salesforce.com/"] {
        let found = problems(&with(shared));
        assert!(
            found.len() == 1 && found[0].starts_with("salesforce.instance: must be the org's My Domain"),
            "{found:?}"
        );
    }
    let source = source(&with("https://acme.my.salesforce.com"));
    assert!(matches!(source.auth, Auth::ClientCredentials { .. }));
    assert_eq!(source.instance.as_str(), "https://acme.my.salesforce.com/");
}

#[test]
fn keys_of_another_grant_are_told_to_be_unused() {
    let config = least_with(&[
        ("salesforce.grant.type", "CLIENT_CREDENTIALS"),
        ("salesforce.instance", "https://acme.my.salesforce.com"),
        ("salesforce.jwt.keystore.password", "SENTINEL"),
    ]);
    let checked = config.check();
    let unused: Vec<&str> = checked.report.notes().map(Finding::key).collect();
    assert_eq!(
        unused,
        [
            "salesforce.username",
            "salesforce.password",
            "salesforce.password.token",
            "salesforce.jwt.keystore.password"
        ]
    );
    assert!(!checked.report.to_string().contains("SENTINEL"));
}

#[test]
fn a_private_key_is_taken_as_text_as_a_file_or_from_the_keystores_keys() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key.pem");
    std::fs::write(&file, PEM).unwrap();
    let path = file.to_str().unwrap();
    let data = format!("data:text/plain;base64,{}", STANDARD.encode(PEM));
    for (key, value) in [
        ("salesforce.jwt.private.key", PEM),
        ("salesforce.jwt.private.key", &PEM.replace('\n', "\\n")),
        ("salesforce.jwt.private.key", path),
        ("salesforce.jwt.keystore.path", path),
        ("salesforce.jwt.keystore.file", &data),
        ("salesforce.jwt.keystore.file", &data.replace("plain;", "plain:")),
    ] {
        // A value is trimmed, as every other one.
        assert_eq!(key_of(&jwt(&[(key, value)])).trim(), PEM.trim(), "{key}");
    }
    let two = jwt(&[("salesforce.jwt.private.key", PEM), ("salesforce.jwt.keystore.path", "elsewhere.jks")]);
    assert_eq!(
        notes(&two),
        ["salesforce.jwt.keystore.path: not used: salesforce.jwt.private.key has the key"]
    );
}

#[test]
fn what_is_no_usable_private_key_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----";
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    let missing = dir.path().join("none.pem");
    for (key, value, says) in [
        (
            "salesforce.jwt.keystore.path",
            write("a.jks", b"\xfe\xed\xfe\xed\0\0\0\x02"),
            "is a Java keystore: not supported yet",
        ),
        (
            "salesforce.jwt.keystore.path",
            write("a.p12", b"\x30\x82\x09\x01"),
            "is a PKCS#12 keystore: not supported yet",
        ),
        (
            "salesforce.jwt.keystore.file",
            format!("data:text/plain;base64,{}", STANDARD.encode(b"\xfe\xed\xfe\xed\0")),
            "use salesforce.jwt.private.key",
        ),
        ("salesforce.jwt.keystore.file", "data:text/plain;base64,###".into(), "in base64"),
        ("salesforce.jwt.private.key", encrypted.into(), "is an encrypted key"),
        (
            "salesforce.jwt.private.key",
            write("cert.pem", certificate.as_bytes()),
            "the private key is needed",
        ),
        ("salesforce.jwt.private.key", write("empty.pem", b""), "is no private key in PEM"),
        (
            "salesforce.jwt.private.key",
            missing.to_str().unwrap().to_owned(),
            "nor a file that can be read: No such file",
        ),
    ] {
        let found = problems(&jwt(&[(key, &value)]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(key) && found[0].contains(says), "{found:?}");
        let shown_path = jwt(&[(key, &value)]).check().report.to_string();
        assert_eq!(shown_path.contains("(hidden)"), !key.ends_with("path"), "{shown_path}");
    }
}

#[test]
fn a_directory_for_a_key_is_an_error_and_no_panic() {
    let here = Path::new(".").to_str().unwrap();
    assert_eq!(problems(&jwt(&[("salesforce.jwt.private.key", here)])).len(), 1);
}
