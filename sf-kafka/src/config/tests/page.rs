//! The table beside its page, and beside what Kafka Connect itself has.

use std::path::Path;

use super::*;

/// Writes the page anew where `SF_BLESS` is set: `SF_BLESS=1 cargo test -p sf-kafka the_page`.
#[test]
fn the_page_of_every_key_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/bulk-query-source.md");
    let page = reference_markdown(Connector::BulkQuerySource);
    if std::env::var_os("SF_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == page, "docs/bulk-query-source.md is out of date: run this test with SF_BLESS=1");
}

#[test]
fn kafka_connects_own_keys_are_known_with_their_kinds_and_defaults() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/recorded/connect/configdefs.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        let required = std::env::var("SF_TESTS_REQUIRE").unwrap_or_default();
        assert!(!required.split(',').any(|x| x == "shared"), "../shared is absent");
        std::io::Write::write_all(
            &mut std::io::stderr(),
            b"skipped: ../shared is absent: Kafka Connect's own keys\n",
        )
        .unwrap_or_default();
        return;
    };
    let classes: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let table = super::super::table::Table::new(Connector::BulkQuerySource);
    let mut compared = 0;
    for (class, prefix) in [
        ("org.apache.kafka.connect.runtime.SourceConnectorConfig", ""),
        ("org.apache.kafka.connect.json.JsonConverter", "value.converter."),
        ("org.apache.kafka.connect.json.JsonConverter", "key.converter."),
    ] {
        let class = classes.iter().find(|x| x["class"] == class).unwrap();
        for theirs in class["keys"].as_array().unwrap() {
            let name = format!("{prefix}{}", theirs["name"].as_str().unwrap());
            let ours = table.find(&name).unwrap_or_else(|| panic!("{name} is unknown"));
            if ours.name.ends_with('*') || ours.name.ends_with("plugin.version") {
                continue;
            }
            assert_eq!(ours.kind.as_str(), theirs["type"].as_str().unwrap().to_lowercase(), "{name}");
            // Ours differ where the documentation says why.
            let on_purpose =
                ["value.converter.schemas.enable", "key.converter.schemas.enable", "exactly.once.support"];
            let default = &theirs["default"];
            if !on_purpose.contains(&name.as_str()) && !default.is_null() && !default.is_array() {
                let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
                assert_eq!(ours.default, Some(default.as_str()), "{name}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 12, "{compared}");
}
