//! Plans and files of records as others write them.

use super::*;

fn object(name: &str) -> (String, &'static str) {
    (format!("app/objects/{name}/{name}.object-meta.xml"), THING)
}

fn load_with(files: &[(&str, &str)]) -> Result<(Store, Loaded), LoadError> {
    let (path, thing) = object("Thing__c");
    let parent = "<CustomField><type>Lookup</type><referenceTo>Thing__c</referenceTo><relationshipName>Parts</relationshipName></CustomField>";
    let campaign = "<CustomField><type>Lookup</type><referenceTo>Campaign</referenceTo></CustomField>";
    let mut all = vec![
        (path.as_str(), thing),
        ("app/objects/Thing__c/fields/Of__c.field-meta.xml", parent),
        ("app/objects/Thing__c/fields/Campaign__c.field-meta.xml", campaign),
        (
            "app/objects/Thing__c/fields/Code__c.field-meta.xml",
            "<CustomField><type>Text</type><length>9</length><unique>true</unique></CustomField>",
        ),
        (
            "app/objects/Thing__c/fields/Odd__c.field-meta.xml",
            "<CustomField><type>Mystery</type></CustomField>",
        ),
    ];
    all.extend(files);
    Files::new(&all).load()
}

fn names(store: &Store) -> Vec<String> {
    let def = store.catalog().get("Thing__c").unwrap();
    let text = |at: usize, row: &crate::store::Row| match row.get(at) {
        Cell::Text(text) => text.to_owned(),
        Cell::Id(id) => {
            match store.row("Thing__c", id).map(|row| row.get(def.field("Name").unwrap().0).to_value()) {
                Some(Value::Text(name)) => format!(" of {name}"),
                _ => " of nobody".to_owned(),
            }
        }
        _ => String::new(),
    };
    let (name, of) = (def.field("Name").unwrap().0, def.field("Of__c").unwrap().0);
    store.table("Thing__c").unwrap().rows().map(|row| text(name, row) + &text(of, row)).collect()
}

const PLAN: &str = r#"[{"sobject": "Thing__c", "files": ["t.json"]}]"#;

#[test]
fn a_plan_is_known_by_what_it_holds_wherever_it_lies() {
    let tree = r#"{"records": [{"attributes": {"type": "Thing__c", "referenceId": "A"}, "Name": "a"}]}"#;
    for (plan, data) in [
        ("data/sample-data.json", "data/t.json"),
        ("data/more/all.json", "data/more/t.json"),
        ("sample-data/x-plan.json", "sample-data/t.json"),
        ("app/main/data/x-plan.json", "app/main/data/t.json"),
    ] {
        let (store, loaded) = load_with(&[(plan, PLAN), (data, tree)]).unwrap();
        assert_eq!(names(&store), ["a"], "{plan}");
        assert_eq!(loaded.rows["Thing__c"], 1, "{plan}");
    }
}

#[test]
fn files_that_no_plan_names_are_told() {
    let (_, loaded) = load_with(&[
        (
            "data/Price_Plan__c.json",
            r#"{"records": [{"attributes": {"type": "Price_Plan__c", "referenceId": "P"}}]}"#,
        ),
        ("data/settings.json", r#"{"a": 1}"#),
    ])
    .unwrap();
    assert_eq!(
        loaded.notes[2..],
        [
            "data/settings.json: neither a plan nor a file of records",
            "data/Price_Plan__c.json: no plan names this file; its 1 records are left out",
        ]
    );
}

#[test]
fn references_are_resolved_whatever_the_plan_says_of_them_and_in_any_order() {
    let plan = r#"[
        {"sobject": "Thing__c", "saveRefs": false, "resolveRefs": false, "files": ["one.json", {"file": "two.json"}]}]"#;
    let record = |name: &str, of: &str| {
        format!(r#"{{"attributes": {{"type": "Thing__c", "referenceId": "{name}"}}, "Name": "{name}"{of}}}"#)
    };
    let one = format!(
        "{{\"records\": [{}, {}]}}",
        record("child", r#", "Of__c": "@later""#),
        record("mine", r#", "Of__c": "@child""#)
    );
    let two = format!("\u{feff}{{\"records\": [{}]}}", record("later", ""));
    let (store, _) =
        load_with(&[("data/plan.json", plan), ("data/one.json", &one), ("data/two.json", &two)]).unwrap();
    assert_eq!(names(&store), ["later", "child of later", "mine of child"]);

    let circle = format!(
        "{{\"records\": [{}, {}]}}",
        record("a", r#", "Of__c": "@b""#),
        record("b", r#", "Of__c": "@a""#)
    );
    let error = load_with(&[("data/plan.json", PLAN), ("data/t.json", &circle)]).unwrap_err().to_string();
    assert!(error.contains("Of__c of the Thing__c record a refers to @b, which no record has"), "{error}");
}

#[test]
fn records_of_objects_that_are_not_emulated_are_left_out_with_what_refers_to_them() {
    let plan =
        r#"[{"sobject": "Campaign", "files": ["c.json"]}, {"sobject": "Thing__c", "files": ["t.json"]}]"#;
    let campaigns = r#"{"records": [{"attributes": {"type": "Campaign", "referenceId": "C"}, "Name": "c"}]}"#;
    let things = r#"{"records": [
        {"attributes": {"type": "Thing__c", "referenceId": "A"}, "Name": "a", "Campaign__c": "@C", "Odd__c": 1}]}"#;
    let (store, loaded) =
        load_with(&[("data/plan.json", plan), ("data/c.json", campaigns), ("data/t.json", things)]).unwrap();
    assert_eq!(names(&store), ["a"]);
    assert_eq!(
        loaded.notes[2..],
        [
            "data/c.json: Campaign records are left out: Campaign is not emulated",
            "data/t.json: Thing__c records lose the Campaign__c that refers to records that are left out",
            "data/t.json: Thing__c records lose their Odd__c, which Thing__c does not have here",
        ]
    );
    let slip = things.replace("Odd__c", "Off__c");
    let error = load_with(&[("data/plan.json", plan), ("data/c.json", campaigns), ("data/t.json", &slip)]);
    assert!(error.unwrap_err().to_string().contains("Off__c"));
}

#[test]
fn what_two_plans_bring_is_there_once() {
    let thing = |name: &str, code: &str, of: &str| {
        format!(
            r#"{{"attributes": {{"type": "Thing__c", "referenceId": "{name}"}}, "Name": "{name}", "Code__c": "{code}"{of}}}"#
        )
    };
    let shared = format!("{{\"records\": [{}]}}", thing("shared", "1", ""));
    let small = format!("{{\"records\": [{}]}}", thing("first", "2", r#", "Of__c": "@shared""#));
    let large = format!(
        "{{\"records\": [{}, {}]}}",
        thing("again", "2", r#", "Of__c": "@shared""#),
        thing("last", "3", r#", "Of__c": "@again""#)
    );
    let plan = |file: &str| format!(r#"[{{"sobject": "Thing__c", "files": ["shared.json", "{file}"]}}]"#);
    let (store, loaded) = load_with(&[
        ("data/plan.json", &plan("small.json")),
        ("data/plan-large.json", &plan("large.json")),
        ("data/shared.json", &shared),
        ("data/small.json", &small),
        ("data/large.json", &large),
    ])
    .unwrap();
    // By the names of the files the large plan is the first.
    assert_eq!(names(&store), ["shared", "again of shared", "last of again"]);
    assert_eq!(
        loaded.notes[2..],
        [
            "data/shared.json: stands in a plan twice; its records are added once",
            "data/small.json: Thing__c records are left out: records of another plan have their unique values",
        ]
    );
    let twice = large.replace("\"3\"", "\"2\"");
    let error = load_with(&[
        ("data/plan.json", &plan("large.json")),
        ("data/shared.json", &shared),
        ("data/large.json", &twice),
    ]);
    assert!(error.unwrap_err().to_string().contains("DUPLICATE_VALUE"));
}

#[test]
fn a_record_type_is_found_by_its_label() {
    let kind = |name: &str, label: &str| {
        (
            format!("app/objects/Thing__c/recordTypes/{name}.recordType-meta.xml"),
            format!(
                "<RecordType><fullName>{name}</fullName><active>true</active><label>{label}</label></RecordType>"
            ),
        )
    };
    let (big, small) = (kind("Big", "Big One"), kind("Small", "Small One"));
    let record = |label: &str| {
        format!(
            r#"{{"records": [{{"attributes": {{"type": "Thing__c", "referenceId": "A"}}, "Name": "a", "RecordType": {{"Name": "{label}"}}}}]}}"#
        )
    };
    let load = |label: &str| {
        let record = record(label);
        load_with(&[
            (&big.0, &big.1),
            (&small.0, &small.1),
            ("data/plan.json", PLAN),
            ("data/t.json", &record),
        ])
    };
    let (store, _) = load("Small One").unwrap();
    let def = store.catalog().get("Thing__c").unwrap();
    let row = store.table("Thing__c").unwrap().rows().next().unwrap();
    assert_eq!(row.get(def.field("RecordTypeId").unwrap().0), Cell::Id(def.record_types[1].id));
    let error = load("Medium").unwrap_err().to_string();
    assert!(error.contains("Thing__c has no record type that is called Medium"), "{error}");
}

#[test]
fn a_plan_that_lists_only_a_part_takes_the_rest_from_the_others() {
    let part = r#"[{"sobject": "Thing__c", "files": ["child.json"]}]"#;
    let whole = r#"[{"sobject": "Thing__c", "files": ["parent.json", "child.json"]}]"#;
    let parent =
        r#"{"records": [{"attributes": {"type": "Thing__c", "referenceId": "P"}, "Name": "parent"}]}"#;
    let child = r#"{"records": [{"attributes": {"type": "Thing__c", "referenceId": "C"}, "Name": "child", "Of__c": "@P"}]}"#;
    let (store, _) = load_with(&[
        ("data/a-plan.json", part),
        ("data/b-plan.json", whole),
        ("data/parent.json", parent),
        ("data/child.json", child),
    ])
    .unwrap();
    assert_eq!(names(&store), ["parent", "child of parent"]);
}
