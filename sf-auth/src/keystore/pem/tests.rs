use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};

use super::*;

/// One RSA key for all unit tests: making one takes a moment.
pub(crate) fn rsa_key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap())
}

fn armoured(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(|l| std::str::from_utf8(l).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// The RSAPrivateKey that a PKCS#8 key wraps: its last OCTET STRING (RFC 5208, "PrivateKeyInfo").
fn pkcs1(pkcs8: &[u8]) -> &[u8] {
    let header = pkcs8.windows(2).position(|w| w == [0x04, 0x82]).unwrap();
    &pkcs8[header + 4..]
}

fn refusal(pem: &str) -> Error {
    let error = rsa_private_key(pem).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    error
}

#[test]
fn both_forms_of_an_rsa_key_are_read_and_are_the_same_key() {
    let pkcs8 = rsa_private_key(&rsa_key().serialize_pem()).unwrap();
    let pkcs1 = rsa_private_key(&armoured("RSA PRIVATE KEY", pkcs1(rsa_key().serialized_der()))).unwrap();
    assert_eq!(pkcs8.as_bytes(), pkcs1.as_bytes());
}

#[test]
fn a_key_is_found_beside_its_certificate_and_in_a_variable_without_line_breaks() {
    let pem = rsa_key().serialize_pem();
    let expected = rsa_private_key(&pem).unwrap();
    let beside = format!("Bag Attributes\n{}{pem}", armoured("CERTIFICATE", b"certificate"));
    for text in [beside, pem.replace('\n', "\\n"), pem.replace('\n', "\r\n"), format!("\u{feff}\n{pem}")] {
        assert_eq!(rsa_private_key(&text).unwrap().as_bytes(), expected.as_bytes(), "{}", &text[..20]);
    }
}

#[test]
fn an_encrypted_key_is_refused_with_the_command_that_decrypts_it() {
    let modern = armoured("ENCRYPTED PRIVATE KEY", b"secret");
    let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----";
    for pem in [modern.as_str(), legacy] {
        let error = refusal(pem);
        assert!(error.to_string().contains("encrypted with a passphrase"), "{error}");
        assert!(error.hint().unwrap().contains("openssl pkey"), "{error}");
    }
}

#[test]
fn what_is_not_a_private_rsa_key_is_named() {
    let ec = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let whole = rsa_key().serialize_pem();
    for (pem, words, hint) in [
        (armoured("CERTIFICATE", b"x"), "only CERTIFICATE", "The certificate goes to the app"),
        (rsa_key().public_key_pem(), "only PUBLIC KEY", "here belongs the private key"),
        (ec.serialize_pem(), "not an RSA key", "must be RSA"),
        (armoured("EC PRIVATE KEY", b"x"), "another kind: EC PRIVATE KEY", "must be RSA"),
        (armoured("OPENSSH PRIVATE KEY", b"x"), "another kind", "must be RSA"),
        (armoured("PRIVATE KEY", b"x"), "damaged", "must be RSA"),
        (whole[..whole.len() / 2].to_owned(), "has no end", "-----END PRIVATE KEY-----"),
        ("/etc/keys/server.key".to_owned(), "not PEM", "not its path"),
        (String::new(), "not PEM", "-----BEGIN PRIVATE KEY-----"),
    ] {
        let error = refusal(&pem);
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{error}");
    }
}

#[test]
fn no_part_of_a_key_shows_in_an_error() {
    let damaged = rsa_key().serialize_pem().replace("MII", "AAA");
    let secret = damaged.lines().nth(3).unwrap();
    assert!(!format!("{:?}", refusal(&damaged)).contains(secret));
}
