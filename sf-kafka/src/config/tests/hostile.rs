//! Input of any shape, and secrets.

use proptest::prelude::*;

use super::*;

/// Every name of the table, with numbers in place of `N`.
fn names() -> Vec<String> {
    let fill = |name: &str| name.replace("objectN", "object1").replace('*', "anything");
    let mut names: Vec<String> = Vec::new();
    for key in keys(Connector::BulkQuerySource) {
        names.extend(key.aliases.iter().chain([&key.name]).map(|name| fill(name)));
    }
    names
}

#[test]
fn secrets_show_nowhere_neither_when_right_nor_when_wrong() {
    let secret_names: Vec<String> = keys(Connector::BulkQuerySource)
        .filter(|key| key.kind == Kind::Password)
        .map(|key| key.name.replace("objectN", "object1").replace('*', "anything"))
        .collect();
    assert!(secret_names.len() >= 12, "{secret_names:?}");
    let wrappings: [fn(&str) -> String; 4] = [
        |name| format!("SENTINEL-{name}"),
        |name| format!("<SENTINEL-{name}>"),
        |name| format!("${{file:SENTINEL-{name}}}"),
        |name| format!("data:text/plain;base64,SENTINEL-{name}"),
    ];
    for grant in ["PASSWORD", "JWT_BEARER", "CLIENT_CREDENTIALS"] {
        for wrap in wrappings {
            for (instance, base) in [
                ("https://ada:SENTINEL@acme.my.salesforce.com", least_with(&[])),
                ("ada:SENTINEL@acme.my.salesforce.com", numbered_with(&[("salesforce.object1", "Lead")])),
            ] {
                let mut config = base;
                config.set("salesforce.grant.type", grant);
                config.set("salesforce.instance", instance);
                config.set("salesforce.unknown.password", "SENTINEL");
                config.set("producer.override.sasl.jaas.config", wrap("jaas"));
                for name in &secret_names {
                    config.set(name.clone(), wrap(name));
                }
                let checked = config.check();
                let shown = format!("{config:?}{checked:?}{}", checked.report);
                assert!(!shown.contains("SENTINEL"), "{shown}");
            }
        }
    }
    // And in settings that came to be.
    let good = least_with(&[
        ("salesforce.password", "SENTINEL"),
        ("producer.override.ssl.key.password", "SENTINEL"),
    ]);
    let shown = format!("{:?}", source(&good));
    assert!(shown.contains("ssl.key.password") && !shown.contains("SENTINEL"), "{shown}");
}

#[test]
fn a_secret_that_is_no_text_is_not_shown_either() {
    for value in [r#"{"a":"SENTINEL"}"#, r#"["SENTINEL"]"#] {
        let text = format!(r#"{{"salesforce.password":{value},"salesforce.password.token":{value}}}"#);
        let config = Config::from_json("a", &text).unwrap();
        let checked = config.check();
        assert!(!format!("{config:?}{checked:?}{}", checked.report).contains("SENTINEL"));
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".*".prop_map(Into::into),
    ];
    let key = prop_oneof![
        3 => proptest::sample::select(names()),
        1 => "[a-z.0-9*N]{0,20}",
        1 => Just("config".to_owned()),
        1 => ".*",
    ];
    leaf.prop_recursive(3, 24, 8, move |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            4 => proptest::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_json_is_answered_without_a_panic(value in json()) {
        match Config::from_json("x.json", &value.to_string()) {
            Ok(config) => {
                let report = config.check().report;
                prop_assert!(report.to_string().starts_with("x.json: "));
                prop_assert!(value.is_object());
            }
            Err(error) => {
                prop_assert!(error.to_string().starts_with("x.json: line 1"));
                prop_assert!(!value.is_object());
            }
        }
    }

    #[test]
    fn any_text_for_known_keys_is_answered_without_a_panic(
        pairs in proptest::collection::vec((proptest::sample::select(names()), ".*"), 0..12),
    ) {
        let mut config = least_with(&[]);
        for (key, value) in pairs {
            config.set(key, value);
        }
        let checked = config.check();
        prop_assert_eq!(checked.connector.is_some(), checked.report.is_ok());
        prop_assert!(checked.report.to_string().lines().count() > checked.report.findings().len());
    }

    #[test]
    fn any_text_of_a_file_is_answered_without_a_panic(text in "(?s).*") {
        let _ = Config::from_json("x", &text).map(|config| config.check());
        let _ = Config::from_properties("x", &text).map(|config| config.check());
    }

    #[test]
    fn properties_that_are_written_with_escapes_are_read_back(key in "(?s).{1,12}", value in "(?s).{0,24}") {
        let escape = |text: &str| text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
        let config = Config::from_properties("x", &format!("{}={}", escape(&key), escape(&value))).unwrap();
        prop_assert_eq!(config.get(&key), Some(value.trim()));
    }
}
