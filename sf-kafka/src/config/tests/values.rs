//! Single values: ranges, words, what is not in yet.

use super::*;
use crate::config::key::{Accepts, Standing};

#[test]
fn documented_low_ends_hold_and_numbers_outside_of_the_range_are_refused() {
    // Name, low end that Confluent documents, high end that it documents at least.
    for (name, low, documented_high) in [
        ("poll.interval.ms", 8_700, 10_800_000),
        ("result.max.rows", 1, 3_000),
        ("request.max.retries.time.ms", 1_000, 250_000),
        ("tasks.max", 1, 2_147_483_647),
        ("salesforce.lag.ms", 0, 0),
        ("salesforce.overlap.ms", 0, 0),
    ] {
        for good in [low, documented_high] {
            source(&least_with(&[(name, &good.to_string())]));
        }
        for bad in [(low - 1).to_string(), "abc".into(), "1.5".into(), "9".repeat(30), "0x10".into()] {
            let found = problems(&least_with(&[(name, &bad)]));
            assert_eq!(found.len(), 1, "{name} = {bad}: {found:?}");
            assert!(found[0].starts_with(&format!("{name}: must be {low} ")), "{found:?}");
        }
    }
}

#[test]
fn every_number_of_the_table_is_checked_at_both_ends() {
    for key in keys(Connector::BulkQuerySource) {
        let (low, high) = match &key.accepts {
            Accepts::Between(range) => (*range.start(), Some(*range.end())),
            Accepts::AtLeast(low) => (*low, None),
            _ => continue,
        };
        assert_eq!(key.check(&low.to_string()), Ok(()), "{}", key.name);
        assert!(key.check(&(low - 1).to_string()).is_err(), "{}", key.name);
        if let Some(high) = high {
            assert_eq!(key.check(&high.to_string()), Ok(()), "{}", key.name);
            assert!(key.check(&(high + 1).to_string()).is_err(), "{}", key.name);
        }
    }
}

#[test]
fn blanks_around_a_value_do_not_count() {
    let source = source(&least_with(&[("poll.interval.ms", " 60000 "), ("salesforce.object", "\tLead\n")]));
    assert_eq!((source.poll_interval.as_secs(), source.tables[0].object.as_str()), (60, "Lead"));
}

#[test]
fn what_is_not_in_yet_is_refused_with_the_way_out() {
    for (key, value, says) in [
        ("output.data.format", "AVRO", "use JSON"),
        ("output.data.format", "json_sr", "use JSON"),
        ("transforms", "route", "leave it out"),
        ("predicates", "isTombstone", "leave it out"),
        ("topic.creation.default.partitions", "3", "create them beforehand"),
        ("exactly.once.support", "required", "at-least-once"),
        ("csfle.enabled", "true", "set it to false"),
        ("value.converter", "io.confluent.connect.avro.AvroConverter", "JsonConverter"),
        ("key.converter", "org.apache.kafka.connect.converters.LongConverter", "StringConverter"),
    ] {
        let found = problems(&least_with(&[(key, value)]));
        assert_eq!(found.len(), 1, "{key}: {found:?}");
        assert!(found[0].starts_with(key) && found[0].contains(says), "{found:?}");
    }
    let config = numbered_with(&[
        ("salesforce.object1", "Lead"),
        ("salesforce.object1.topic", "leads"),
        ("salesforce.object1.enable.custom.query", "true"),
        ("salesforce.object1.custom.query.fields", "Id,SystemModstamp"),
        ("salesforce.object1.custom.query.where", "Name = 'SENTINEL'"),
    ]);
    let said = config.check().report.to_string();
    assert!(said.contains("salesforce.object1.enable.custom.query = \"true\""), "{said}");
    assert!(said.contains("custom queries are not in yet") && !said.contains("SENTINEL"), "{said}");
}

#[test]
fn a_value_that_changes_nothing_is_silent_and_one_without_effect_is_told() {
    for silent in [
        ("errors.tolerance", "NONE"),
        ("csfle.enabled", "false"),
        ("output.data.format", "json"),
        ("config.action.reload", "restart"),
        ("transforms", ""),
    ] {
        assert_eq!(notes(&least_with(&[silent])), Vec::<String>::new(), "{silent:?}");
    }
    for told in [
        ("errors.tolerance", "all"),
        ("tasks.max", "4"),
        ("exactly.once.support", "requested"),
        ("schema.context.name", "default"),
        ("value.converter.decimal.format", "NUMERIC"),
        ("auto.restart.on.user.error", "true"),
        ("value.converter.use.latest.version", "true"),
        ("confluent.license", "x"),
        ("bootstrap.servers", "localhost:9092"),
    ] {
        let found = notes(&least_with(&[told]));
        assert_eq!(found.len(), 1, "{told:?}: {found:?}");
        assert!(found[0].starts_with(told.0), "{found:?}");
    }
    assert_eq!(
        source(&least_with(&[("exactly.once.support", "REQUESTED")])).exactly_once,
        ExactlyOnce::Requested
    );
}

#[test]
fn an_ignored_key_takes_whatever_it_is_given() {
    for key in keys(Connector::BulkQuerySource).filter(|key| matches!(key.standing, Standing::Ignored(_))) {
        let name = key.name.replace('*', "anything");
        assert!(least_with(&[(&name, "<\u{0}>")]).check().report.is_ok(), "{name}");
    }
}

#[test]
fn converters_follow_the_world_that_the_configuration_comes_from() {
    const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
    let schemas = |more: &[(&str, &str)]| source(&least_with(more)).value_converter.schemas_enable;
    assert!(!schemas(&[("output.data.format", "JSON")]));
    assert!(schemas(&[("value.converter", JSON)]), "as in Kafka Connect");
    assert!(!schemas(&[("value.converter", JSON), ("value.converter.schemas.enable", "false")]));
    assert!(schemas(&[("value.converter.schemas.enable", "True")]));
    let config = least_with(&[
        ("value.converter.decimal.format", "numeric"),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
    ]);
    let source = source(&config);
    assert!(source.value_converter.decimals_are_numbers);
    assert_eq!(source.key_converter, KeyConverter::Text);
}

#[test]
fn producer_settings_pass_through_and_the_version_has_two_names() {
    let config = least_with(&[
        ("producer.override.linger.ms", "5"),
        ("producer.override.sasl.password", "SENTINEL"),
        ("salesforce.version", "v62.0"),
        ("offsets.storage.topic", "my-offsets"),
    ]);
    let source = source(&config);
    assert_eq!(source.producer.get("linger.ms"), Some("5"));
    assert_eq!(source.producer.iter().count(), 2);
    assert_eq!(source.api_version.map(|version| version.major()), Some(62));
    assert_eq!(source.offsets_topic.as_deref(), Some("my-offsets"));
    assert!(!format!("{source:?}").contains("SENTINEL"));
    let both = least_with(&[("salesforce.version", "62.0"), ("salesforce.api.version", "63.0")]);
    assert_eq!(problems(&both).len(), 1);
    assert_eq!(notes(&least_with(&[("salesforce.version", "latest")])), Vec::<String>::new());
}

#[test]
fn placeholders_and_providers_are_not_taken_for_values() {
    for value in ["<my-username>", "**************", "[hidden]", "${file:/etc/secrets:user}", "a${env:USER}b"]
    {
        let found = problems(&least_with(&[("salesforce.username", value), ("salesforce.password", value)]));
        assert_eq!(found.len(), 2, "{value}: {found:?}");
    }
    for value in ["**", "a*b", "<a", "$ecret", "${x", "p${unusual:x}"] {
        source(&least_with(&[("salesforce.password", value)]));
    }
}

#[test]
fn long_and_odd_values_are_shortened_and_escaped() {
    let report = least_with(&[("kafka.topic", &"é ".repeat(500)), ("salesforce.since", "a\u{1b}[31m\nb")])
        .check()
        .report;
    let said = report.to_string();
    assert!(said.lines().all(|line| line.chars().count() < 140), "{said}");
    assert!(said.contains(r#"salesforce.since = "a\u{1b}[31m\nb""#), "{said}");
    assert!(said.contains("…\""), "{said}");
}
