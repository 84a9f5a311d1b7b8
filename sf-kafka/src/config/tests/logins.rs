//! The grants: what each needs, and keys from wherever they are.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::config::key::{Accepts, Key};

const KEYSTORES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sf-auth/tests/keystores/");

fn keystore(name: &str) -> String {
    format!("{KEYSTORES}{name}")
}

fn data(name: &str) -> String {
    format!("data:text/plain;base64,{}", STANDARD.encode(std::fs::read(keystore(name)).unwrap()))
}

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

/// The key was read, and stays hidden.
fn has_key(config: &Config) {
    let source = source(config);
    let Auth::JwtBearer { username, consumer_key, .. } = &source.auth else { panic!("{source:?}") };
    assert_eq!((username.as_str(), consumer_key.expose()), ("ada@example.com", "k"));
    assert!(!format!("{source:?}").contains("BEGIN"));
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
        ("Password", vec!["consumer.key", "username", "password", "consumer.secret"]),
    ] {
        let found = problems(&without(&dropped, &[("salesforce.grant.type", grant)]));
        assert_eq!(found.len(), lacks.len(), "{found:?}");
        for (problem, key) in found.iter().zip(lacks) {
            assert!(problem.starts_with(&format!("salesforce.{key}: missing; ")), "{found:?}");
            assert!(problem.contains(&grant.to_uppercase()), "{problem}");
        }
    }
    let found = problems(&least_with(&[("salesforce.grant.type", "OAUTH2_AUTH_CODE_BYOA")]));
    assert!(found.len() == 1 && found[0].starts_with("oauth.refresh.token: missing; "), "{found:?}");
    let found = problems(&least_with(&[("salesforce.grant.type", "SAML")]));
    let all = "must be one of PASSWORD, JWT_BEARER, CLIENT_CREDENTIALS, OAUTH2_AUTH_CODE_BYOA";
    assert_eq!(found, [format!("salesforce.grant.type: {all}")]);
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
    let file = keystore("server.key");
    let pem = std::fs::read_to_string(&file).unwrap();
    let carried = data("server.key");
    for (key, value) in [
        ("salesforce.jwt.private.key", &pem),
        ("salesforce.jwt.private.key", &pem.replace('\n', "\\n")),
        ("salesforce.jwt.private.key", &file),
        ("salesforce.jwt.keystore.path", &file),
        ("salesforce.jwt.keystore.file", &carried),
        ("salesforce.jwt.keystore.file", &carried.replace("plain;", "plain:")),
    ] {
        has_key(&jwt(&[(key, value)]));
    }
    let two = jwt(&[("salesforce.jwt.private.key", &pem), ("salesforce.jwt.keystore.path", "elsewhere.jks")]);
    assert_eq!(
        notes(&two),
        ["salesforce.jwt.keystore.path: not used: salesforce.jwt.private.key has the key"]
    );
}

#[test]
fn key_stores_are_read_from_the_value_in_both_spellings_and_from_files() {
    let password = ("salesforce.jwt.keystore.password", "changeit");
    for name in ["java.jks", "java.p12", "openssl-legacy.p12", "aes.key"] {
        let (carried, path) = (data(name), keystore(name));
        has_key(&jwt(&[("salesforce.jwt.keystore.file", &carried), password]));
        has_key(&jwt(&[("salesforce.jwt.keystore.file", &carried.replace("plain;", "plain:")), password]));
        has_key(&jwt(&[("salesforce.jwt.keystore.path", &path), password]));
    }
    let several = keystore("several.jks");
    has_key(&jwt(&[
        ("salesforce.jwt.keystore.path", &several),
        password,
        ("salesforce.jwt.keystore.alias", "Server"),
    ]));
}

#[test]
fn a_login_by_a_refresh_token_names_app_and_token() {
    let config = without(
        &[
            "salesforce.username",
            "salesforce.password",
            "salesforce.password.token",
            "salesforce.consumer.secret",
        ],
        &[("salesforce.grant.type", "oauth2_auth_code_byoa"), ("oauth.refresh.token", "SENTINEL")],
    );
    let source = source(&config);
    let Auth::RefreshToken { refresh_token, consumer_secret: None, file: None, .. } = &source.auth else {
        panic!("{source:?}")
    };
    assert_eq!(refresh_token.expose(), "SENTINEL");
    assert!(!format!("{source:?}").contains("SENTINEL"));
}

#[test]
fn a_proxy_is_taken_with_and_without_its_user() {
    let of = |more: &[(&str, &str)]| source(&least_with(more)).proxy.map(|url| url.expose().to_owned());
    let proxy = ("http.proxy", "proxy.acme.example:3128");
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[proxy]).as_deref(), Some("http://proxy.acme.example:3128/"));
    let user = [
        proxy,
        ("http.proxy.auth.scheme", "basic"),
        ("http.proxy.user", "ada"),
        ("http.proxy.password", "p@ss"),
    ];
    assert_eq!(of(&user).as_deref(), Some("http://ada:p%40ss@proxy.acme.example:3128/"));
    for wrong in
        ["proxy", "proxy:", "proxy:0", "http://proxy:3128", "ada:p@proxy:3128", "proxy:3128/x", "proxy:99999"]
    {
        let found = problems(&least_with(&[("http.proxy", wrong)]));
        assert!(
            found.len() == 1 && found[0].starts_with("http.proxy: must be host:port"),
            "{wrong}: {found:?}"
        );
    }
    let found = problems(&least_with(&[proxy, ("http.proxy.auth.scheme", "BASIC")]));
    assert!(found.len() == 1 && found[0].starts_with("http.proxy.user: missing; "), "{found:?}");
    assert_eq!(problems(&least_with(&[proxy, ("http.proxy.auth.scheme", "NTLM")])).len(), 1);
}

#[test]
fn a_login_has_a_budget_of_its_own_where_one_is_given() {
    assert_eq!(source(&least_with(&[])).login_budget, None);
    let given = source(&least_with(&[("salesforce.auth.retries.time.ms", "5000")]));
    assert_eq!(given.login_budget.map(|x| x.as_secs()), Some(5));
}

#[test]
fn what_is_no_usable_private_key_says_what_it_is() {
    const FILE: &str = "salesforce.jwt.keystore.file";
    const PATH: &str = "salesforce.jwt.keystore.path";
    const KEY: &str = "salesforce.jwt.private.key";
    const PASSWORD: &str = "salesforce.jwt.keystore.password";
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    let missing = dir.path().join("none.pem").to_str().unwrap().to_owned();
    for (key, value, password, blamed, says) in [
        (PATH, keystore("java.jks"), "", PATH, "set salesforce.jwt.keystore.password"),
        (PATH, keystore("java.jks"), "wrong", PASSWORD, "the password does not open the JKS key store"),
        (PATH, keystore("java.p12"), "wrong", PASSWORD, "the password does not open the PKCS#12 key store"),
        (
            PATH,
            keystore("several.jks"),
            "changeit",
            PATH,
            "set salesforce.jwt.keystore.alias. Choose one by its alias",
        ),
        (PATH, keystore("curve.p12"), "changeit", PATH, "no private RSA key"),
        (PATH, write("a.jks", b"\xfe\xed\xfe\xed\0\0\0\x02"), "changeit", PATH, "ends too early"),
        (FILE, data("aes.key"), "", FILE, "set salesforce.jwt.keystore.password"),
        (FILE, "data:text/plain;base64,###".into(), "", FILE, "not base64"),
        (FILE, "data:text/plain,abc".into(), "", FILE, "no data URI in base64"),
        (KEY, write("cert.pem", certificate.as_bytes()), "", KEY, "only CERTIFICATE"),
        (KEY, write("empty.pem", b""), "", KEY, "is empty"),
        (KEY, missing, "", KEY, "cannot be read: No such file"),
    ] {
        let mut config = jwt(&[(key, &value)]);
        if !password.is_empty() {
            config.set(PASSWORD, password);
        }
        let found = problems(&config);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(&format!("{blamed}: is not usable: ")) && found[0].contains(says),
            "{found:?}"
        );
        let shown = config.check().report.to_string();
        assert_eq!(shown.contains("(hidden)"), !blamed.ends_with("path"), "{shown}");
    }
    let several = jwt(&[
        (PATH, &keystore("several.jks")),
        (PASSWORD, "changeit"),
        ("salesforce.jwt.keystore.alias", "x"),
    ]);
    assert!(problems(&several)[0].starts_with("salesforce.jwt.keystore.alias: is not usable: "));
}

/// Where our table differs from `connectors.md` §1.2, in what, and why. All else of these keys is as listed.
const DIFFERS: &[(&str, &[&str], &str)] = &[
    (
        "salesforce.auth.retries.time.ms",
        &["default", "range"],
        "without it request.max.retries.time.ms holds, whose default is the same 30000; no range is listed, ours is a day",
    ),
    ("http.proxy.auth.scheme", &["range"], "NTLM is not in"),
    (
        "connection.timeout",
        &["default", "range"],
        "of the streaming and REST connectors; the Bulk API 2.0 source has none",
    ),
    ("curl.logging", &["default"], "would print tokens; logs are set on the command line"),
    ("enable.trace.logging", &["default"], "logs are set on the command line"),
    ("request.max.retries.time.ms", &["range"], "no upper bound is listed, ours is a day"),
];

/// What a key takes: from, up to, or words.
#[derive(Debug, Default, PartialEq)]
struct Range {
    low: Option<i64>,
    high: Option<i64>,
    words: Vec<String>,
}

impl Range {
    fn listed(cells: &[&str]) -> Self {
        let number =
            |text: &str| text.trim().parse::<i64>().unwrap_or_else(|_| panic!("{text} of {cells:?}"));
        if let Some((_, range)) = cells[2].split_once('[') {
            let (low, high) = range.trim_end_matches(']').split_once("..").unwrap();
            return Self { low: Some(number(low)), high: Some(number(high)), words: Vec::new() };
        }
        if let Some((_, low)) = cells[3].split_once("(min ") {
            return Self { low: Some(number(low.trim_end_matches(')'))), ..Self::default() };
        }
        // Words are separated by `\|`, where a row was split as well.
        let last = cells[4..].join(" ");
        let Some((words, _)) = last.split_once('(').filter(|_| last.contains('\\')) else {
            return Self::default();
        };
        Self { words: words.split('\\').map(|word| word.trim().to_owned()).collect(), ..Self::default() }
    }

    fn ours(key: &Key) -> Self {
        match &key.accepts {
            Accepts::Between(range) => {
                Self { low: Some(*range.start()), high: Some(*range.end()), words: Vec::new() }
            }
            Accepts::AtLeast(low) => Self { low: Some(*low), ..Self::default() },
            // The grants have a table of their own, and the test above.
            Accepts::OneOf(words) if key.name != "salesforce.grant.type" => {
                Self { words: words.iter().map(|&word| word.to_owned()).collect(), ..Self::default() }
            }
            Accepts::OneOf(_) | Accepts::Anything | Accepts::Rule { .. } => Self::default(),
        }
    }
}

/// In what a key is not as it is listed.
fn differences(ours: &Key, cells: &[&str]) -> Vec<&'static str> {
    let mut found = Vec::new();
    let kinds = cells[2].to_lowercase();
    if !kinds.is_empty() && !kinds.contains(ours.kind.as_str()) {
        found.push("type");
    }
    let mut defaults = cells[3].split([' ', '`']).filter(|word| !word.is_empty());
    let same = match ours.default {
        Some(default) => defaults.any(|word| word == default),
        None => matches!(cells[3], "" | "–" | "null"),
    };
    if !same {
        found.push("default");
    }
    if Range::listed(cells) != Range::ours(ours) {
        found.push("range");
    }
    found
}

/// The part of `connectors.md` about logins, or none, with a line that says so.
fn listed_logins() -> Option<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/spec/connectors.md");
    let Ok(text) = std::fs::read_to_string(path) else {
        let required = std::env::var("SF_TESTS_REQUIRE").unwrap_or_default();
        assert!(!required.split(',').any(|x| x == "shared"), "../shared is absent");
        std::io::Write::write_all(
            &mut std::io::stderr(),
            b"skipped: ../shared is absent: the keys of a login\n",
        )
        .unwrap_or_default();
        return None;
    };
    text.split("\n## ").find(|s| s.starts_with("1.2 ")).map(str::to_owned)
}

#[test]
fn every_listed_grant_is_taken_in_either_case_and_asks_for_what_is_listed_beside_it() {
    let Some(section) = listed_logins() else { return };
    let rows = section.split("| grant (").nth(1).unwrap().lines().skip(2).take_while(|l| l.starts_with('|'));
    let mut seen = 0;
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let needs = cells[2].to_lowercase();
        for grant in cells[1].split('`').skip(1).step_by(2) {
            seen += 1;
            let bare = Config::from_pairs(
                "bare.json",
                [
                    ("name", "x"),
                    ("connector.class", "SalesforceBulkApiV2Source"),
                    ("salesforce.object", "Lead"),
                    ("kafka.topic", "leads"),
                    ("salesforce.grant.type", grant),
                ],
            );
            let lacks: Vec<_> = problems(&bare);
            for (word, key) in [
                ("username", "salesforce.username"),
                ("password,", "salesforce.password"),
                ("consumer.key", "salesforce.consumer.key"),
                ("consumer.secret", "salesforce.consumer.secret"),
                ("keystore", "salesforce.jwt"),
                ("my domain", "salesforce.instance"),
                ("refresh.token", "oauth.refresh.token"),
            ] {
                let asked = lacks.iter().any(|problem| match key {
                    "salesforce.password" => problem.starts_with("salesforce.password: "),
                    key => problem.starts_with(key),
                });
                // "Own connected app" is its consumer key.
                let listed =
                    needs.contains(word) || (word == "consumer.key" && needs.contains("own connected app"));
                assert_eq!(asked, listed, "{grant}: {key}: {lacks:?}");
            }
        }
    }
    assert_eq!(seen, 5, "PASSWORD in two cases and three others are listed");
}

#[test]
fn every_listed_key_of_a_login_is_here_with_its_kind_default_and_range() {
    let Some(section) = listed_logins() else { return };
    let rows =
        section.split("| property |").nth(1).unwrap().lines().skip(2).take_while(|l| l.starts_with('|'));
    let table = super::super::table::Table::new(Connector::BulkQuerySource);
    let mut seen = Vec::new();
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let mut whole = String::new();
        for name in cells[1].split('`').skip(1).step_by(2) {
            // `.path` beside `salesforce.jwt.keystore.file` stands for its sibling.
            let name = if let Some(last) = name.strip_prefix('.') {
                let stems: Vec<_> =
                    whole.match_indices('.').map(|(at, _)| format!("{}.{last}", &whole[..at])).collect();
                let known = |name: &&String| table.find(name).is_some_and(|key| !key.name.ends_with('*'));
                let stem = stems.iter().rev().find(known).unwrap_or_else(|| panic!(".{last} beside {whole}"));
                stem.clone()
            } else {
                whole = name.to_owned();
                whole.clone()
            };
            let ours = table.find(&name).unwrap_or_else(|| panic!("{name} is unknown"));
            assert!(!ours.name.ends_with('*'), "{name} is only tolerated");
            seen.push(name.clone());
            let excused = DIFFERS.iter().find(|(differs, ..)| *differs == name);
            let excused = excused.map_or(&[][..], |(_, what, _)| *what);
            assert_eq!(differences(ours, &cells), excused, "{name}: {ours:?} and not {cells:?}");
        }
    }
    for (name, ..) in DIFFERS {
        assert!(seen.iter().any(|seen| seen == name), "{name} is excused and not listed");
    }
    assert!(seen.len() >= 20, "{seen:?}");
}

#[test]
fn a_directory_for_a_key_is_an_error_and_no_panic() {
    let here = Path::new(".").to_str().unwrap();
    assert_eq!(problems(&jwt(&[("salesforce.jwt.private.key", here)])).len(), 1);
}
