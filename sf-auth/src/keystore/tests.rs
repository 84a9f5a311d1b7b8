use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::shown::seen;

const PASSWORD: &str = "changeit";

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "keystores", name].iter().collect()
}

fn store(name: &str) -> KeyStore {
    KeyStore::from_file(path(name)).unwrap().password(PASSWORD)
}

fn server_key() -> EncodingKey {
    pem::rsa_private_key(&std::fs::read_to_string(path("server.key")).unwrap()).unwrap()
}

fn is_server_key(key: &PrivateKey) -> bool {
    key.0.as_bytes() == server_key().as_bytes()
}

fn refusal(store: &KeyStore, kind: ErrorKind) -> String {
    let error = seen(seen(store).key().unwrap_err());
    assert_eq!(error.kind(), kind, "{error}");
    error.to_string()
}

#[test]
fn the_same_key_comes_out_of_every_store_that_holds_it() {
    for name in ["openssl.p12", "openssl-legacy.p12", "unnamed.p12", "java.p12", "java.jks"] {
        assert!(is_server_key(&store(name).key().unwrap()), "{name}");
    }
    assert!(is_server_key(&store("server.key").key().unwrap()), "a PEM in a key store's place");
}

#[test]
fn a_key_is_chosen_by_its_alias_whatever_its_case() {
    for name in ["several.jks", "several.p12"] {
        assert!(is_server_key(&store(name).alias("SERVER").key().unwrap()), "{name}");
        assert!(!is_server_key(&store(name).alias("second").key().unwrap()), "{name}");
    }
    assert!(is_server_key(&store("unnamed.p12").alias("#1").key().unwrap()));
}

#[test]
fn several_keys_without_an_alias_are_named_and_those_that_cannot_serve_are_not() {
    for name in ["several.jks", "several.p12"] {
        let said = refusal(&store(name), ErrorKind::SeveralKeys);
        assert!(said.starts_with("the key store has 2 keys\n"), "{said}");
        assert!(
            said.contains("\"server\"") && said.contains("\"second\"") && !said.contains("curve"),
            "{said}"
        );
    }
}

#[test]
fn an_unknown_alias_is_answered_with_those_there_are() {
    let said = refusal(&store("java.jks").alias("Srever"), ErrorKind::UnknownAlias);
    assert!(said.contains("no key \"Srever\"") && said.contains("It has \"server\"."), "{said}");
    let said = refusal(&store("certificates.jks").alias("ca"), ErrorKind::UnknownAlias);
    assert!(said.contains("only certificates"), "{said}");
}

#[test]
fn a_store_without_an_rsa_key_says_so() {
    assert!(refusal(&store("certificates.jks"), ErrorKind::NoRsaKey).contains("must be RSA"));
    assert!(refusal(&store("curve.p12"), ErrorKind::NoRsaKey).contains("must be RSA"));
    for name in ["several.jks", "several.p12"] {
        assert!(
            refusal(&store(name).alias("curve"), ErrorKind::NoRsaKey).contains("under the alias \"curve\"")
        );
    }
}

#[test]
fn a_wrong_and_a_missing_password_are_told_from_a_damaged_file() {
    for name in ["openssl.p12", "openssl-legacy.p12", "java.p12", "java.jks"] {
        let said = refusal(&store(name).password("changeme"), ErrorKind::WrongKeyPassword);
        assert!(said.contains("the password does not open"), "{name}: {said}");
        let said = refusal(&store(name).password(""), ErrorKind::WrongKeyPassword);
        assert!(said.contains("no password was given"), "{name}: {said}");
        let whole = std::fs::read(path(name)).unwrap();
        for length in [4, 20, 100, whole.len() / 2, whole.len() - 1] {
            let cut = KeyStore::from_bytes(&whole[..length]).password(PASSWORD);
            refusal(&cut, ErrorKind::DamagedKeyStore);
        }
    }
    refusal(&KeyStore::from_bytes(b"").password(PASSWORD), ErrorKind::DamagedKeyStore);
    refusal(&KeyStore::from_bytes(b"\0binary").password(PASSWORD), ErrorKind::DamagedKeyStore);
    refusal(&KeyStore::from_bytes(b"some text").password(PASSWORD), ErrorKind::DamagedKeyStore);
}

#[test]
fn a_key_with_a_password_of_its_own_asks_for_it() {
    let said = refusal(&store("own-password.jks"), ErrorKind::WrongKeyPassword);
    assert!(said.contains("but not its key \"server\""), "{said}");
    assert!(is_server_key(&store("own-password.jks").key_password("another1").key().unwrap()));
}

#[test]
fn a_file_of_another_kind_is_named_with_the_way_out() {
    let jceks = KeyStore::from_bytes(b"\xCE\xCE\xCE\xCE\0\0\0\x02");
    assert!(refusal(&jceks, ErrorKind::InvalidKey).contains("keytool -importkeystore"));
    let error = KeyStore::from_file(path("absent.jks")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("absent.jks cannot be read"), "{error}");
    assert_eq!(KeyStore::from_file(path("")).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_store_is_read_from_base64_and_from_both_spellings_of_the_data_uri() {
    let base64 = BASE64.encode(std::fs::read(path("java.jks")).unwrap());
    assert!(base64.starts_with("/u3+7QAAAAIAAAA"), "not what Confluent's documentation shows: {base64}");
    let wrapped = base64
        .as_bytes()
        .chunks(76)
        .map(|l| std::str::from_utf8(l).unwrap())
        .collect::<Vec<_>>()
        .join("\r\n");
    for text in [base64.as_str(), base64.trim_end_matches('='), &wrapped] {
        assert!(is_server_key(&KeyStore::from_base64(text).unwrap().password(PASSWORD).key().unwrap()));
    }
    for start in [
        "data:text/plain;base64,",
        "data:text/plain:base64,",
        "\ndata:;base64,",
        "DATA:application/x-java-keystore;base64,",
    ] {
        let uri = format!("{start}{base64}\n");
        assert!(
            is_server_key(&KeyStore::from_data_uri(&uri).unwrap().password(PASSWORD).key().unwrap()),
            "{start}"
        );
    }
}

#[test]
fn what_is_no_base64_and_no_data_uri_is_refused_without_showing_it() {
    for (text, kind, words) in [
        ("data:text/plain,s3cret", ErrorKind::InvalidInput, "no data URI in base64"),
        ("/u3+7QAAs3cret", ErrorKind::InvalidInput, "no data URI"),
        ("data:text/plain;base64", ErrorKind::InvalidInput, "no data URI"),
        ("data:text/plain;base64,/u3+s3cr!", ErrorKind::DamagedKeyStore, "character 9 is none of it"),
        ("data:text/plain;base64,/u3+s", ErrorKind::DamagedKeyStore, "not base64"),
    ] {
        let error = KeyStore::from_data_uri(text).unwrap_err();
        assert_eq!(error.kind(), kind, "{text}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!format!("{error:?}").contains("s3cr"), "{error:?}");
    }
}

#[test]
fn an_encrypted_pem_opens_with_its_passphrase() {
    for name in ["aes.key", "des3.key", "scrypt.key"] {
        let text = std::fs::read_to_string(path(name)).unwrap();
        assert!(is_server_key(&PrivateKey::from_encrypted_pem(&text, PASSWORD).unwrap()), "{name}");
        assert!(is_server_key(&store(name).key().unwrap()), "{name}");
        refusal(&store(name).password("changeme"), ErrorKind::WrongKeyPassword);
        assert!(refusal(&store(name).password(""), ErrorKind::InvalidKey).contains("openssl pkey"));
    }
    assert!(refusal(&store("pbes1.key"), ErrorKind::InvalidKey).contains("-v2 aes-256-cbc"));
    let cut =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIFLTBXBgkqhkiG\n-----END ENCRYPTED PRIVATE KEY-----\n";
    refusal(&KeyStore::from_bytes(cut).password(PASSWORD), ErrorKind::DamagedKeyStore);
}

/// What a file may make this program do is bounded, whoever wrote it.
#[test]
fn a_key_whose_derivation_asks_for_much_memory_is_refused_before_it_is_tried() {
    let pem = std::fs::read_to_string(path("scrypt.key")).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let mut der = BASE64.decode(body).unwrap();
    // OpenSSL's own cost, N 16384 and r 8, takes 16 MiB; with r 127 it would be 254.
    let cost = der.windows(7).position(|w| w == [0x02, 0x02, 0x40, 0x00, 0x02, 0x01, 0x08]).unwrap();
    der[cost + 6] = 127;
    let asking = format!(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{}\n-----END ENCRYPTED PRIVATE KEY-----\n",
        BASE64.encode(&der)
    );
    let said = refusal(&KeyStore::from_bytes(asking).password(PASSWORD), ErrorKind::InvalidKey);
    assert!(said.contains("in an uncommon way"), "{said}");

    // PBES2 (1.2.840.113549.1.5.13) by PBKDF2 (…5.12), which becomes scrypt.
    let mut store = std::fs::read(path("openssl.p12")).unwrap();
    let kdf = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C];
    let at = store.windows(kdf.len()).position(|w| w == kdf).unwrap();
    store[at + 2..at + kdf.len()].copy_from_slice(&[0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x04, 0x0B]);
    let said = refusal(&KeyStore::from_bytes(store).password(PASSWORD), ErrorKind::InvalidKey);
    assert!(said.contains("uncommon kind") && said.contains("openssl pkcs12 -in FILE"), "{said}");
}

/// Flips, cuts and lengthens each store in many places: always an answer, never a panic or a long wait.
#[test]
fn no_damage_makes_the_reader_panic() {
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    for name in ["java.jks", "several.jks", "openssl-legacy.p12"] {
        let whole = std::fs::read(path(name)).unwrap();
        for _ in 0..400 {
            let mut bytes = whole.clone();
            for _ in 0..=next(3) {
                let at = next(bytes.len());
                bytes[at] = u8::try_from(next(256)).unwrap();
            }
            bytes.truncate(bytes.len() - next(2) * next(bytes.len()));
            let _ = KeyStore::from_bytes(bytes).password(PASSWORD).key();
        }
    }
}

/// Runs a tool; `None`, with one line that says so, where it is not installed.
fn tool(program: &str, arguments: &[&str], case: &str) -> Option<()> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
            Some(())
        }
        Err(_) => {
            let required = std::env::var("SF_TESTS_REQUIRE").unwrap_or_default();
            assert!(
                !required.split(',').any(|r| r == program),
                "{program} is absent, and SF_TESTS_REQUIRE names it"
            );
            skipped(program, case);
            None
        }
    }
}

fn skipped(absent: &str, case: &str) {
    let line = format!("skipped: {absent} is absent: {case}\n");
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap_or_default();
}

#[test]
fn stores_that_this_machines_openssl_writes_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (key, certificate, out) = (file("a.key"), file("a.crt"), file("a.p12"));
    let subject = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=a"];
    let made = [&subject[..], &["-keyout", key.as_str(), "-out", certificate.as_str()]].concat();
    let Some(()) = tool("openssl", &made, "stores made by OpenSSL") else { return };
    let expected = pem::rsa_private_key(&std::fs::read_to_string(&key).unwrap()).unwrap();
    let mut ciphers = vec![
        &[][..],
        &["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"],
        &["-nomac"],
    ];
    // RC2 is in a part of its own, which some systems leave out.
    let provider =
        Command::new("openssl").args(["list", "-providers", "-provider", "legacy"]).output().unwrap();
    if provider.status.success() {
        ciphers.push(&["-legacy"]);
    } else {
        skipped("OpenSSL's legacy provider", "a store made by OpenSSL -legacy");
    }
    for cipher in ciphers {
        let start = [
            "pkcs12",
            "-export",
            "-inkey",
            &key,
            "-in",
            &certificate,
            "-passout",
            "pass:pässword",
            "-out",
            &out,
        ];
        tool("openssl", &[&start[..], cipher].concat(), "stores made by OpenSSL").unwrap();
        let read = KeyStore::from_file(&out)
            .unwrap()
            .password("pässword")
            .key()
            .unwrap_or_else(|e| panic!("{cipher:?}: {e}"));
        assert_eq!(read.0.as_bytes(), expected.as_bytes(), "{cipher:?}");
    }
    let pass = ["-passout", "pass:pässword", "-out", &out];
    for (form, locked) in [
        (["rsa", "-in", &key, "-traditional", "-out", &out].to_vec(), false),
        ([&["pkcs8", "-topk8", "-in", &key, "-nocrypt"][..], &pass[2..]].concat(), false),
        ([&["pkcs8", "-topk8", "-in", &key][..], &pass].concat(), true),
        ([&["pkcs8", "-topk8", "-v2", "des3", "-in", &key][..], &pass].concat(), true),
        ([&["pkcs8", "-topk8", "-scrypt", "-in", &key][..], &pass].concat(), true),
    ] {
        tool("openssl", &form, "keys made by OpenSSL").unwrap();
        let text = std::fs::read_to_string(&out).unwrap();
        let read =
            PrivateKey::from_encrypted_pem(&text, "pässword").unwrap_or_else(|e| panic!("{form:?}: {e}"));
        assert_eq!(read.0.as_bytes(), expected.as_bytes(), "{form:?}");
        assert_eq!(PrivateKey::from_pem(&text).is_err(), locked, "{form:?}");
    }
}

#[test]
fn stores_that_this_machines_keytool_writes_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["JKS", "PKCS12"] {
        let file = folder.path().join(kind).to_str().unwrap().to_owned();
        let made = [
            "-genkeypair",
            "-keystore",
            &file,
            "-storetype",
            kind,
            "-storepass",
            "pass:word",
            "-keypass",
            "pass:word",
            "-alias",
            "Mine",
            "-keyalg",
            "RSA",
            "-keysize",
            "2048",
            "-dname",
            "CN=a",
        ];
        let Some(()) = tool("keytool", &made, "stores made by keytool") else { return };
        assert!(KeyStore::from_file(&file).unwrap().password("pass:word").key().is_ok(), "{kind}");
    }
}

#[test]
fn neither_key_nor_password_shows() {
    let shown = format!("{:?} {:?}", store("java.jks"), store("java.jks").key().unwrap());
    assert!(!shown.contains(PASSWORD) && !shown.contains("254,"), "{shown}");
}
