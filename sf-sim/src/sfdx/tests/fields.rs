//! Fields and objects as a describe has to show them.

use super::*;
use crate::schema::FieldDef;

fn project(files: &[(&str, &str)]) -> (Store, Loaded) {
    Files::new(files).load().unwrap()
}

fn the_field(body: &str) -> (FieldDef, Vec<String>) {
    let (store, loaded) = with_field(body);
    (store.catalog().get("Thing__c").unwrap().field("F__c").unwrap().1.clone(), loaded.notes)
}

#[test]
fn record_types_are_described_and_stand_in_their_object() {
    let kind = |active: bool, more: &str| {
        format!(
            "<RecordType><active>{active}</active><label>Kind</label><description>d</description>{more}</RecordType>"
        )
    };
    let (plain, narrow) = (kind(true, ""), kind(false, "<picklistValues/>"));
    let (store, loaded) = project(&[
        ("app/objects/Thing__c/Thing__c.object-meta.xml", THING),
        ("app/objects/Thing__c/recordTypes/Big.recordType-meta.xml", &plain),
        ("app/objects/Contact/recordTypes/Friend.recordType-meta.xml", &narrow),
    ]);
    assert_eq!(loaded.notes, ["Contact: picklists take all values in each record type"]);
    let table = store.table("RecordType").unwrap();
    let shown = |name: &str| {
        let (at, _) = table.def().field(name).unwrap();
        table.rows().map(|row| row.get(at).to_json().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(shown("SobjectType"), ["\"Contact\"", "\"Thing__c\""]);
    assert_eq!(shown("DeveloperName"), ["\"Friend\"", "\"Big\""]);
    assert_eq!(shown("IsActive"), ["false", "true"]);
    for object in ["Contact", "Thing__c"] {
        let def = store.catalog().get(object).unwrap();
        let (_, field) = def.field("RecordTypeId").unwrap();
        assert_eq!(field.reference_to, ["RecordType"]);
        assert!(field.nillable && field.createable && !field.custom);
        assert_eq!(def.record_types.len(), 1);
        assert_eq!(table.latest(def.record_types[0].id).unwrap().id(), def.record_types[0].id);
    }
    assert!(store.catalog().get("Lead").unwrap().record_types.is_empty());
}

#[test]
fn a_record_has_one_of_its_objects_own_record_types() {
    let kind =
        |active: bool| format!("<RecordType><active>{active}</active><label>Kind</label></RecordType>");
    let (on, off) = (kind(true), kind(false));
    let (mut store, _) = project(&[
        ("app/objects/Thing__c/Thing__c.object-meta.xml", THING),
        ("app/objects/Thing__c/recordTypes/Big.recordType-meta.xml", &on),
        ("app/objects/Thing__c/recordTypes/Old.recordType-meta.xml", &off),
        ("app/objects/Account/recordTypes/Firm.recordType-meta.xml", &on),
    ]);
    let types = |store: &Store, object: &str| store.catalog().get(object).unwrap().record_types.clone();
    let (things, accounts) = (types(&store, "Thing__c"), types(&store, "Account"));
    let user = store.running_user();
    let mut insert = |id| store.insert("Thing__c", vec![("RecordTypeId".to_owned(), Value::Id(id))], user);
    insert(things[0].id).unwrap();
    for id in [things[1].id, accounts[0].id] {
        let error = insert(id).unwrap_err();
        assert_eq!(error.code, "INVALID_CROSS_REFERENCE_KEY");
        assert_eq!(error.message, format!("Record Type ID: this ID value isn't valid for the user: {id}"));
    }
}

#[test]
fn dependent_values_tell_which_controlling_values_they_go_with() {
    let values = |names: &[&str]| {
        let one = |name: &&str| format!("<value><fullName>{name}</fullName><default>false</default></value>");
        format!("<valueSetDefinition>{}</valueSetDefinition>", names.iter().map(one).collect::<String>())
    };
    let setting = |name: &str, controlling: &[&str]| {
        let one = |name: &&str| format!("<controllingFieldValue>{name}</controllingFieldValue>");
        let controlling = controlling.iter().map(one).collect::<String>();
        format!("<valueSettings>{controlling}<valueName>{name}</valueName></valueSettings>")
    };
    let picklist =
        |set: String| format!("<CustomField><type>Picklist</type><valueSet>{set}</valueSet></CustomField>");
    let many: Vec<String> = (0..25).map(|n| format!("c{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let dependent = |controller: &str, settings: String| {
        picklist(format!(
            "<controllingField>{controller}</controllingField>{}{settings}",
            values(&["x", "y", "z"])
        ))
    };
    let (store, loaded) = project(&[
        ("app/objects/Thing__c/Thing__c.object-meta.xml", THING),
        ("app/objects/Thing__c/fields/Few__c.field-meta.xml", &picklist(values(&["a", "b", "c"]))),
        ("app/objects/Thing__c/fields/Many__c.field-meta.xml", &picklist(values(&many))),
        (
            "app/objects/Thing__c/fields/Box__c.field-meta.xml",
            "<CustomField><type>Checkbox</type></CustomField>",
        ),
        (
            "app/objects/Thing__c/fields/OfFew__c.field-meta.xml",
            &dependent("Few__c", setting("x", &["a", "c"]) + &setting("y", &["b"])),
        ),
        (
            "app/objects/Thing__c/fields/OfMany__c.field-meta.xml",
            &dependent("Many__c", setting("x", &["c24"])),
        ),
        (
            "app/objects/Thing__c/fields/OfBox__c.field-meta.xml",
            &dependent("Box__c", setting("x", &["checked"]) + &setting("y", &["unchecked", "checked"])),
        ),
        ("app/objects/Thing__c/fields/OfNone__c.field-meta.xml", &dependent("None__c", String::new())),
    ]);
    assert_eq!(loaded.notes.len(), 5, "{:?}", loaded.notes);
    assert_eq!(loaded.notes[4], "Thing__c.OfNone__c: depends on None__c, which is not there");
    let place = crate::describe::Place { version: "66.0", instance_url: "" };
    let describe =
        crate::describe::describe(store.catalog().get("Thing__c").unwrap(), store.catalog(), &place);
    let shown = |name: &str| {
        let field =
            describe["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).unwrap();
        let values = field["picklistValues"].as_array().unwrap().iter();
        values.map(|value| value["validFor"].as_str().unwrap_or("null").to_owned()).collect::<Vec<_>>()
    };
    // The first value of the controlling field is the highest bit: 1010… is oAAA.
    assert_eq!(shown("OfFew__c"), ["oAAA", "QAAA", "AAAA"]);
    assert_eq!(shown("OfMany__c"), ["AAAAgAAA", "AAAAAAAA", "AAAAAAAA"]);
    assert_eq!(shown("OfBox__c"), ["QAAA", "wAAA", "AAAA"]);
    assert_eq!(shown("OfNone__c"), ["null", "null", "null"]);
    assert_eq!(shown("Few__c"), ["null", "null", "null"]);
}

#[test]
fn formulas_that_write_links_say_that_they_are_html() {
    let formula = |text: &str| the_field(&format!("<type>Text</type><formula>{text}</formula>")).0;
    assert!(formula("hyperlink('/' &amp; Id, Name)").html_formatted);
    assert!(formula("IF(IsOpen__c, IMAGE('/a.png', 'a'), '')").html_formatted);
    assert!(!formula("Name").html_formatted);
}

#[test]
fn a_custom_setting_belongs_to_a_setup_owner_and_to_nobody_else() {
    let setting =
        "<CustomObject><label>Prefs</label><customSettingsType>Hierarchy</customSettingsType></CustomObject>";
    let (store, loaded) = project(&[("app/objects/Prefs__c/Prefs__c.object-meta.xml", setting)]);
    assert_eq!(loaded.notes, ["Prefs__c: custom settings are kept as plain rows"]);
    let def = store.catalog().get("Prefs__c").unwrap();
    let names: Vec<_> = def.fields().iter().map(|field| field.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Id",
            "IsDeleted",
            "Name",
            "SetupOwnerId",
            "CreatedDate",
            "CreatedById",
            "LastModifiedDate",
            "LastModifiedById",
            "SystemModstamp"
        ]
    );
    let (_, owner) = def.field("SetupOwnerId").unwrap();
    assert_eq!(owner.reference_to, ["Organization", "Profile", "User"]);
    assert!(owner.nillable && owner.createable && owner.updateable);
    assert!(!def.field("Name").unwrap().1.nillable);
}

#[test]
fn defaults_are_described_as_written_and_taken_where_they_are_literals() {
    let text = |default: &str| {
        the_field(&format!("<type>Text</type><length>20</length><defaultValue>{default}</defaultValue>"))
    };
    for (written, value) in [
        (r#""plain""#, Some("plain")),
        ("'single'", Some("single")),
        (r#""a \"b\" \\""#, Some(r#"a "b" \"#)),
        (r#""a" &amp; "b""#, None),
        (r#"'a' + "b""#, None),
        (r#""""#, None),
    ] {
        let (field, notes) = text(written);
        assert_eq!(field.default, value.map(Value::text), "{written}");
        assert_eq!(field.default_formula, Some(written.replace("&amp;", "&")), "{written}");
        assert!(field.defaulted_on_create);
        assert_eq!(notes.is_empty(), value.is_some() || written == r#""""#, "{written}: {notes:?}");
    }
    let (today, notes) =
        the_field("<type>Date</type><required>true</required><defaultValue>TODAY()</defaultValue>");
    assert_eq!((today.default, today.default_formula.as_deref()), (None, Some("TODAY()")));
    assert_eq!(notes, ["Thing__c.F__c: the default TODAY() is not evaluated"]);
}

#[test]
fn formulas_say_how_they_take_blanks_and_what_they_always_are() {
    let formula = |ty: &str, blanks: &str| {
        the_field(&format!(
            "<type>{ty}</type><formula>1</formula><formulaTreatBlanksAs>{blanks}</formulaTreatBlanksAs>"
        ))
    };
    assert!(formula("Number", "BlankAsZero").0.blank_as_zero);
    assert!(!formula("Number", "BlankAsBlank").0.blank_as_zero);
    let (field, notes) = formula("Checkbox", "BlankAsZero");
    assert_eq!(field.default_value(), Some(Value::Bool(false)));
    assert_eq!(notes, ["Thing__c.F__c: formulas are not evaluated; the field is always false"]);
}

#[test]
fn targets_and_value_sets_are_found_in_any_case() {
    let (store, loaded) = project(&[
        ("app/objects/Thing__c/Thing__c.object-meta.xml", THING),
        (
            "app/objects/Thing__c/fields/Of__c.field-meta.xml",
            "<CustomField><type>Lookup</type><referenceTo>aCCount</referenceTo><relationshipName>Things</relationshipName></CustomField>",
        ),
        (
            "app/objects/thing__c/fields/Size__c.field-meta.xml",
            "<CustomField><type>Picklist</type><valueSet><valueSetName>SIZES</valueSetName></valueSet></CustomField>",
        ),
        (
            "app/globalValueSets/Sizes.globalValueSet-meta.xml",
            "<GlobalValueSet><customValue><fullName>S</fullName></customValue></GlobalValueSet>",
        ),
    ]);
    assert_eq!(loaded.notes, Vec::<String>::new());
    let thing = store.catalog().get("Thing__c").unwrap();
    assert_eq!(thing.field("Of__c").unwrap().1.reference_to, ["Account"]);
    assert_eq!(thing.field("Size__c").unwrap().1.picklist.len(), 1);
    assert_eq!(store.catalog().child("Account", "Things__r").unwrap().0.name, "Thing__c");
}

#[test]
fn a_number_shows_the_day_of_its_record() {
    let number = |format: &str| {
        let (mut store, _) =
            with_field(&format!("<type>AutoNumber</type><displayFormat>{format}</displayFormat>"));
        let user = store.running_user();
        let id = store.insert("Thing__c", vec![], user).unwrap();
        let (at, _) = store.catalog().get("Thing__c").unwrap().field("F__c").unwrap();
        store.row("Thing__c", id).unwrap().get(at).to_json()
    };
    // The clock stands at 2023-11-14.
    assert_eq!(number("{YYYY}/{MM}/{DD}-{000}"), "2023/11/14-001");
    assert_eq!(number("{YY}{MM} {0} {x}"), "2311 1 {x}");
    assert_eq!(number(&format!("A{{{}}}", "0".repeat(70_000))), "A0000000001");
}

#[test]
fn a_name_is_numbered_from_its_start() {
    let thing = THING.replace(
        "<type>Text</type>",
        "<type>AutoNumber</type><displayFormat>T-{00}</displayFormat><startingNumber>7</startingNumber>",
    );
    let (mut store, _) = project(&[("app/objects/Thing__c/Thing__c.object-meta.xml", &thing)]);
    let user = store.running_user();
    let id = store.insert("Thing__c", vec![], user).unwrap();
    let (at, _) = store.catalog().get("Thing__c").unwrap().field("Name").unwrap();
    assert_eq!(store.row("Thing__c", id).unwrap().get(at), Cell::Text("T-07"));
}

/// `Top__c` over `Middle__c` over `Low__c`; fields as `(object, name, body)`.
fn three_levels(fields: &[(&str, &str, &str)]) -> (Store, Loaded) {
    let master = |to: &str| {
        format!(
            "<type>MasterDetail</type><referenceTo>{to}</referenceTo><relationshipName>Details</relationshipName>"
        )
    };
    let (top, middle) = (master("Top__c"), master("Middle__c"));
    let mut all = vec![("Middle__c", "Top__c", top.as_str()), ("Low__c", "Middle__c", middle.as_str())];
    all.extend(fields);
    let mut files: Vec<_> = all
        .iter()
        .map(|(object, name, body)| {
            (
                format!("app/objects/{object}/fields/{name}.field-meta.xml"),
                format!("<CustomField>{body}</CustomField>"),
            )
        })
        .collect();
    for object in ["Top__c", "Middle__c", "Low__c"] {
        files.push((format!("app/objects/{object}/{object}.object-meta.xml"), THING.to_owned()));
    }
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    project(&files)
}

#[test]
fn a_roll_up_of_roll_ups_is_of_the_type_at_their_end() {
    let sum = |of: &str, key: &str| {
        format!(
            "<type>Summary</type><summaryOperation>sum</summaryOperation><summarizedField>{of}</summarizedField><summaryForeignKey>{key}</summaryForeignKey>"
        )
    };
    let (middle, top) =
        (sum("Low__c.Price__c", "Low__c.Middle__c"), sum("Middle__c.Total__c", "Middle__c.Top__c"));
    let (mut store, loaded) = three_levels(&[
        ("Low__c", "Price__c", "<type>Currency</type><precision>10</precision><scale>2</scale>"),
        ("Middle__c", "Total__c", &middle),
        ("Top__c", "All__c", &top),
    ]);
    assert_eq!(loaded.notes, Vec::<String>::new());
    let (at, all) =
        store.catalog().get("Top__c").unwrap().field("All__c").map(|(at, f)| (at, f.clone())).unwrap();
    assert_eq!((all.ty, all.precision, all.scale), (Type::Currency, 18, 2));

    let user = store.running_user();
    let id = |name: &str, id| (name.to_owned(), Value::Id(id));
    let top = store.insert("Top__c", vec![], user).unwrap();
    let middle = store.insert("Middle__c", vec![id("Top__c", top)], user).unwrap();
    let price = ("Price__c".to_owned(), Value::text("2.25"));
    store.insert("Low__c", vec![id("Middle__c", middle), price], user).unwrap();
    assert_eq!(store.row("Top__c", top).unwrap().get(at).to_json().to_string(), "2.25");
}

#[test]
fn roll_ups_and_masters_in_a_circle_end_nothing() {
    let (mut store, _) = three_levels(&[
        ("Top__c", "Low__c", "<type>MasterDetail</type><referenceTo>Low__c</referenceTo>"),
        (
            "Top__c",
            "A__c",
            "<type>Summary</type><summaryOperation>max</summaryOperation><summarizedField>Middle__c.A__c</summarizedField><summaryForeignKey>Middle__c.Top__c</summaryForeignKey>",
        ),
        (
            "Middle__c",
            "A__c",
            "<type>Summary</type><summaryOperation>max</summaryOperation><summarizedField>Low__c.A__c</summarizedField><summaryForeignKey>Low__c.Middle__c</summaryForeignKey>",
        ),
        (
            "Low__c",
            "A__c",
            "<type>Summary</type><summaryOperation>max</summaryOperation><summarizedField>Top__c.A__c</summarizedField><summaryForeignKey>Top__c.Low__c</summaryForeignKey>",
        ),
    ]);
    let user = store.running_user();
    let error = store.insert("Top__c", vec![], user).unwrap_err();
    assert_eq!(error.code, "REQUIRED_FIELD_MISSING");
}

#[test]
fn a_lookup_without_target_and_a_relationship_of_two_fields_are_told() {
    let lookup = "<CustomField><type>Lookup</type><referenceTo>Account</referenceTo><relationshipName>Things</relationshipName></CustomField>";
    let (_, loaded) = project(&[
        ("app/objects/Thing__c/Thing__c.object-meta.xml", THING),
        ("app/objects/Thing__c/fields/A__c.field-meta.xml", lookup),
        ("app/objects/Thing__c/fields/B__c.field-meta.xml", lookup),
        ("app/objects/Thing__c/fields/C__c.field-meta.xml", "<CustomField><type>Lookup</type></CustomField>"),
    ]);
    assert_eq!(
        loaded.notes,
        [
            "Thing__c.C__c: names no referenceTo; any id is taken",
            "Thing__c.B__c: Account has another relationship Things__r, which queries go by",
        ]
    );
}
