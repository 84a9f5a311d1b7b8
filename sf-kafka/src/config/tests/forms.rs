//! The two forms, files, overrides, and what a report looks like.

use std::time::Duration;

use super::*;

#[test]
fn a_wrong_configuration_is_told_all_at_once_in_aligned_columns() {
    let text = r#"{
        "name": "leads",
        "connector.class": "SalesforceBulkApiV2Source",
        "kafka.auth.mode": "KAFKA_API_KEY",
        "poll.interval.ms": "500",
        "salesforce.since": "01/04/2024",
        "salesforce.objct": "Lead",
        "kafka.topic": "leads",
        "salesforce.username": "ada@example.com",
        "salesforce.password": "p",
        "salesforce.consumer.key": "k",
        "salesforce.consumer.secret": "s"
    }"#;
    let report = Config::from_json("lead-source.json", text).unwrap().check().report;
    let expected = "\
lead-source.json: 3 problems, 1 note
  poll.interval.ms = \"500\"            must be 8700 to 10800000 (milliseconds between two polls of an object)
  salesforce.since = \"01/04/2024\"     must be a day in UTC as yyyy-MM-dd, for example 2024-04-01
  salesforce.objct                    unknown; did you mean salesforce.object? salesforce.object itself is missing
  kafka.auth.mode                     note: accepted for compatibility, has no effect here; use producer.override.* or --bootstrap-servers";
    assert_eq!(report.to_string(), expected);
}

#[test]
fn the_single_object_form_is_understood_with_its_defaults() {
    let text = r#"{
        "connector.class": "SalesforceBulkApiV2Source",
        "name": "SalesforceBulkApiV2Source_0",
        "kafka.auth.mode": "KAFKA_API_KEY",
        "kafka.api.key": "ABCDEFGHIJ",
        "kafka.api.secret": "abc/def",
        "kafka.topic": "TestBulkAPI",
        "salesforce.grant.type": "PASSWORD",
        "salesforce.instance": "http://127.0.0.1:41873",
        "salesforce.username": "ada@example.com",
        "salesforce.password": "pässwörd",
        "salesforce.password.token": "token",
        "salesforce.consumer.key": "consumer",
        "salesforce.consumer.secret": "secret",
        "salesforce.object": "Account",
        "output.data.format": "JSON",
        "tasks.max": "1"
    }"#;
    let config = Config::from_json("source.json", text).unwrap();
    let source = source(&config);
    assert_eq!(source.name, "SalesforceBulkApiV2Source_0");
    assert_eq!(source.instance.as_str(), "http://127.0.0.1:41873/");
    assert_eq!(source.api_version, None);
    let [table] = &source.tables[..] else { panic!("{:?}", source.tables) };
    assert_eq!((table.object.as_str(), table.topic.as_str()), ("Account", "TestBulkAPI"));
    assert_eq!((table.since, table.offset_field.as_deref(), table.include_deleted), (None, None, false));
    assert!(table.keep_iso.is_empty() && table.custom.is_none());
    assert_eq!(source.poll_interval, Duration::from_secs(30));
    assert_eq!((source.result_max_rows, source.page_rows()), (1000, 1000));
    assert_eq!((source.lag, source.overlap), (Duration::from_secs(30), Duration::ZERO));
    assert_eq!(source.retry_budget, Duration::from_secs(30));
    let alone = JsonConverter { schemas_enable: false, decimals_are_numbers: false };
    assert_eq!(source.value_converter, alone);
    assert_eq!(source.key_converter, KeyConverter::Json(alone));
    assert_eq!(source.exactly_once, ExactlyOnce::Off);
    let Auth::Password { username, password, security_token, consumer_key, consumer_secret } = &source.auth
    else {
        panic!("{:?}", source.auth)
    };
    assert_eq!(username, "ada@example.com");
    assert_eq!(password.expose(), "pässwörd");
    assert_eq!(security_token.as_ref().map(|token| token.expose()), Some("token"));
    assert_eq!((consumer_key.expose(), consumer_secret.expose()), ("consumer", "secret"));
    let listed: Vec<String> = config.check().report.notes().map(|note| note.key().to_owned()).collect();
    assert_eq!(listed, ["kafka.auth.mode", "kafka.api.key", "kafka.api.secret"]);
}

#[test]
fn the_numbered_form_is_understood_and_divides_the_rows() {
    let config = numbered_with(&[
        ("salesforce.object.num", "3"),
        ("salesforce.object1", "Account"),
        ("salesforce.object1.topic", "accounts"),
        ("salesforce.object1.since", "2024-02-29"),
        ("salesforce.object2", "Lead"),
        ("salesforce.object2.topic", "leads"),
        ("salesforce.object2.offset.field.name", "LastModifiedDate"),
        ("salesforce.object2.include.deleted.records", "TRUE"),
        ("salesforce.object2.skip.epoch.conversion.fields", " CreatedDate , Birthday__c,"),
        ("salesforce.object2.enable.custom.query", "false"),
        ("salesforce.object3", "Product__c"),
        ("salesforce.object3.topic", "leads"),
        ("result.max.rows", "2999"),
    ]);
    assert_eq!(notes(&config), Vec::<String>::new());
    let source = source(&config);
    let named: Vec<_> =
        source.tables.iter().map(|table| (table.object.as_str(), table.topic.as_str())).collect();
    assert_eq!(named, [("Account", "accounts"), ("Lead", "leads"), ("Product__c", "leads")]);
    assert_eq!(source.tables[0].since, chrono::NaiveDate::from_ymd_opt(2024, 2, 29));
    assert_eq!(source.tables[1].offset_field.as_deref(), Some("LastModifiedDate"));
    assert!(source.tables[1].include_deleted && !source.tables[0].include_deleted);
    assert_eq!(source.tables[1].keep_iso, ["CreatedDate", "Birthday__c"]);
    assert_eq!(source.page_rows(), 999);
}

#[test]
fn a_page_has_at_least_one_row_however_many_objects_there_are() {
    let config = numbered_with(&[
        ("salesforce.object.num", "2"),
        ("salesforce.object1", "Account"),
        ("salesforce.object1.topic", "a"),
        ("salesforce.object2", "Lead"),
        ("salesforce.object2.topic", "b"),
        ("result.max.rows", "1"),
    ]);
    assert_eq!(source(&config).page_rows(), 1);
}

#[test]
fn the_two_forms_cannot_be_mixed() {
    let config = least_with(&[("salesforce.object1", "Account"), ("salesforce.object1.topic", "accounts")]);
    assert_eq!(
        problems(&config),
        ["salesforce.object: cannot stand beside salesforce.objectN; use salesforce.object1 for it"]
    );
    let config = numbered_with(&[
        ("salesforce.object1", "Account"),
        ("salesforce.object1.topic", "accounts"),
        ("kafka.topic", "x"),
        ("salesforce.since", "2024-01-01"),
    ]);
    assert_eq!(
        notes(&config),
        [
            "kafka.topic: not used beside salesforce.objectN; did you mean salesforce.object1.topic?",
            "salesforce.since: not used beside salesforce.objectN; did you mean salesforce.object1.since?",
        ]
    );
}

#[test]
fn objects_beyond_the_number_are_told_and_missing_ones_are_problems() {
    let objects = [
        ("salesforce.object1", "Account"),
        ("salesforce.object1.topic", "accounts"),
        ("salesforce.object2", "Lead"),
        ("salesforce.object2.topic", "leads"),
    ];
    assert_eq!(
        notes(&numbered_with(&objects)),
        [
            "salesforce.object2: not used: salesforce.object.num is 1",
            "salesforce.object2.topic: not used: salesforce.object.num is 1",
        ]
    );
    let mut three = objects.to_vec();
    three.push(("salesforce.object.num", "3"));
    assert_eq!(
        problems(&numbered_with(&three)),
        [
            "salesforce.object3: missing; the object to read, for example Account",
            "salesforce.object3.topic: missing; the topic of salesforce.object3",
        ]
    );
}

#[test]
fn an_object_stands_once_whatever_its_case() {
    let config = numbered_with(&[
        ("salesforce.object.num", "2"),
        ("salesforce.object1", "Account"),
        ("salesforce.object1.topic", "a"),
        ("salesforce.object2", "ACCOUNT"),
        ("salesforce.object2.topic", "b"),
    ]);
    assert_eq!(
        problems(&config),
        ["salesforce.object2: is salesforce.object1 already; an object can be read once a connector"]
    );
}

#[test]
fn everything_that_is_missing_is_named() {
    let config = Config::from_json("empty.json", "{}").unwrap();
    let missing: Vec<String> = config.check().report.problems().map(|x| x.key().to_owned()).collect();
    assert_eq!(
        missing,
        [
            "name",
            "connector.class",
            "salesforce.object",
            "kafka.topic",
            "salesforce.consumer.key",
            "salesforce.username",
            "salesforce.password",
            "salesforce.consumer.secret",
        ]
    );
    // An empty value is none.
    assert_eq!(
        problems(&least_with(&[("kafka.topic", "  ")])),
        ["kafka.topic: missing; the topic to write to"]
    );
}

#[test]
fn unknown_keys_name_the_nearest_known_one_and_never_their_value() {
    let config = least_with(&[
        ("salesforce.pasword", "SENTINEL"),
        ("poll.intervall.ms", "SENTINEL"),
        ("my.own.key", "SENTINEL"),
        ("salesforce.object7.topics", "x"),
    ]);
    let said = config.check().report.to_string();
    assert!(!said.contains("SENTINEL"));
    let lines: Vec<String> =
        said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "test.json: ok, 4 warnings",
            "salesforce.pasword warning: unknown and not used; did you mean salesforce.password?",
            "poll.intervall.ms warning: unknown and not used; did you mean poll.interval.ms?",
            "my.own.key warning: unknown and not used",
            "salesforce.object7.topics warning: unknown and not used; did you mean salesforce.object7.topic?",
        ]
    );
}

#[test]
fn a_class_that_is_not_there_names_the_nearest() {
    let report = least_with(&[("connector.class", "SalesforceBulkApiV2Sourc")]).check().report;
    assert_eq!(
        report.to_string(),
        "test.json: 1 problem\n  connector.class = \"SalesforceBulkApiV2Sourc\"    \
         is no connector of sf-kafka; did you mean SalesforceBulkApiV2Source?"
    );
}

#[test]
fn the_name_outside_of_config_counts_and_must_not_differ_from_the_one_inside() {
    let body = r#""connector.class":"SalesforceBulkApiV2Source","salesforce.username":"a","salesforce.password":"p",
        "salesforce.consumer.key":"k","salesforce.consumer.secret":"s","salesforce.object":"Lead","kafka.topic":"t""#;
    let outside = Config::from_json("a", &format!(r#"{{"name":"out","config":{{{body}}}}}"#)).unwrap();
    assert_eq!(source(&outside).name, "out");
    let both =
        Config::from_json("a", &format!(r#"{{"name":"out","config":{{"name":"in",{body}}}}}"#)).unwrap();
    assert_eq!(problems(&both), ["name: is not the name outside of \"config\", \"out\"; keep one of them"]);
    let mut over = both.clone();
    over.apply_override("name=over").unwrap();
    assert_eq!(source(&over).name, "over");
}

#[test]
fn a_properties_file_says_the_same_as_json() {
    let lines: Vec<String> = LEAST.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    let config = Config::from_properties("a.properties", &lines.join("\n")).unwrap();
    assert_eq!(format!("{:?}", source(&config)), format!("{:?}", source(&least_with(&[]))));
}

#[test]
fn an_override_replaces_what_the_file_said_and_mends_it() {
    let text = r#"{"poll.interval.ms":null,"kafka.topic":"a","kafka.topic":"b"}"#;
    let mut config = Config::from_json("a", text).unwrap();
    for (key, value) in LEAST {
        if key != "kafka.topic" {
            config.set(key, value);
        }
    }
    assert_eq!(problems(&config).len(), 2);
    config.apply_override("poll.interval.ms=60000").unwrap();
    config.apply_override(" kafka.topic = c=d").unwrap();
    assert_eq!(config.get("kafka.topic"), Some("c=d"));
    config.apply_override("kafka.topic=c").unwrap();
    let source = source(&config);
    assert_eq!((source.poll_interval, source.tables[0].topic.as_str()), (Duration::from_secs(60), "c"));
    for bad in ["SECRET", "=SECRET", " =SECRET", ""] {
        let error = config.apply_override(bad).unwrap_err().to_string();
        assert!(error.contains("key=value") && !error.contains("SECRET"), "{error}");
    }
}
