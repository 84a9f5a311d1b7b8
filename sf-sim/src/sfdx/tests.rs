mod fields;
mod plans;
mod projects;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::clock::Clock;
use crate::schema::Type;
use crate::value::{Cell, Value};

fn store() -> Store {
    Store::with_standard_objects(Clock::fixed(1_700_000_000_000))
}

/// A project in a folder of its own, removed at the end.
struct Files(PathBuf);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("sf-sim-sfdx-{}-{n}", std::process::id()));
        let project = ("sfdx-project.json", r#"{"packageDirectories": [{"path": "app"}]}"#);
        for (path, text) in std::iter::once(&project).chain(files) {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::create_dir_all(root.join("app")).unwrap();
        Self(root)
    }

    fn load(&self) -> Result<(Store, Loaded), LoadError> {
        let mut store = store();
        let loaded = load(&self.0, &mut store)?;
        Ok((store, loaded))
    }

    fn error(&self) -> String {
        let text = self.load().map(|_| ()).unwrap_err().to_string();
        text.replace(self.0.to_str().unwrap(), "ROOT")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

const THING: &str = "<CustomObject><label>Thing</label><pluralLabel>Things</pluralLabel>\
    <nameField><label>Thing Name</label><type>Text</type></nameField></CustomObject>";

fn with_field(body: &str) -> (Store, Loaded) {
    let files = Files::new(&[
        ("app/main/default/objects/Thing__c/Thing__c.object-meta.xml", THING),
        (
            "app/main/default/objects/Thing__c/fields/F__c.field-meta.xml",
            &format!("<CustomField><fullName>F__c</fullName><label>F</label>{body}</CustomField>"),
        ),
    ]);
    files.load().unwrap()
}

fn ebikes() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/orgs/ebikes"));
    if path.is_dir() {
        return Some(path);
    }
    let required = std::env::var("SF_TESTS_REQUIRE").unwrap_or_default();
    assert!(!required.contains("shared"), "SF_TESTS_REQUIRE asks for ../shared, which is absent");
    std::io::Write::write_all(&mut std::io::stderr(), b"skipped: ../shared is absent: the E-Bikes project\n")
        .unwrap_or_default();
    None
}

#[test]
fn e_bikes_loads_with_all_records_and_each_reference_resolved() {
    let Some(path) = ebikes() else { return };
    let mut store = store();
    let loaded = load(&path, &mut store).unwrap();
    assert_eq!(
        loaded.objects,
        ["Case", "Manufacturing_Event__e", "Order_Item__c", "Order__c", "Product_Family__c", "Product__c"]
    );
    // The counts are those of the files themselves.
    let in_file = |file: &str| {
        let json: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(path.join("data").join(file)).unwrap()).unwrap();
        json["records"].as_array().unwrap().clone()
    };
    let products = in_file("Product__cs.json");
    assert_eq!(loaded.rows["Account"], in_file("Accounts.json").len());
    assert_eq!(loaded.rows["Product_Family__c"], in_file("Product_Family__cs.json").len());
    assert_eq!(loaded.rows["Product__c"], products.len());

    let product = store.catalog().get("Product__c").unwrap().clone();
    let family = store.catalog().get("Product_Family__c").unwrap().clone();
    let (lookup, _) = product.field("Product_Family__c").unwrap();
    let (name, _) = family.field("Name").unwrap();
    for (row, record) in store.table("Product__c").unwrap().rows().zip(&products) {
        let Cell::Id(id) = row.get(lookup) else { panic!("{:?} has no family", row.id()) };
        let Cell::Text(family) = store.row("Product_Family__c", id).unwrap().get(name) else {
            panic!("no name")
        };
        let reference = record["Product_Family__c"].as_str().unwrap();
        assert_eq!(format!("@{}Ref", family), reference);
        let (msrp, _) = product.field("MSRP__c").unwrap();
        assert_eq!(row.get(msrp), Cell::Num(record["MSRP__c"].as_i64().unwrap().into()));
    }
}

#[test]
fn e_bikes_objects_are_described_as_their_metadata_says() {
    let Some(path) = ebikes() else { return };
    let mut store = store();
    load(&path, &mut store).unwrap();
    let object = |name: &str| store.catalog().get(name).unwrap().clone();
    let product = object("Product__c");
    assert_eq!((product.label.as_str(), product.label_plural.as_str()), ("Product", "Products"));
    assert_eq!(product.key_prefix.as_str().chars().next(), Some('a'));
    let (_, description) = product.field("Description__c").unwrap();
    assert_eq!((description.ty, description.length, description.filterable), (Type::TextArea, 1000, false));
    let (_, msrp) = product.field("MSRP__c").unwrap();
    assert_eq!((msrp.ty, msrp.precision, msrp.scale), (Type::Currency, 6, 0));
    let (_, family) = product.field("Product_Family__c").unwrap();
    assert_eq!(family.reference_to, ["Product_Family__c"]);
    assert_eq!(family.relationship_name.as_deref(), Some("Product_Family__r"));
    assert_eq!(family.child_relationship_name.as_deref(), Some("Products__r"));
    let (_, category) = product.field("Category__c").unwrap();
    assert!(category.restricted_picklist);
    assert_eq!(category.picklist.len(), 2);

    let item = object("Order_Item__c");
    let (_, name) = item.field("Name").unwrap();
    assert_eq!((name.auto_number, name.auto_number_format.as_deref()), (true, Some("OI-{000000}")));
    assert!(item.field("OwnerId").is_none(), "a detail record has no owner of its own");
    let (_, order) = item.field("Order__c").unwrap();
    assert!(order.cascade_delete && !order.nillable && !order.updateable);
    let (_, quantity) = item.field("Qty_S__c").unwrap();
    assert_eq!(quantity.default_formula.as_deref(), Some("1"));

    let event = object("Manufacturing_Event__e");
    assert!(
        event.event && event.createable && !event.queryable && event.key_prefix.as_str().starts_with('e')
    );
    let (_, order) = event.field("Order_Id__c").unwrap();
    assert!(!order.nillable);
    let (_, on_case) = store.catalog().get("Case").unwrap().field("Case_Category__c").unwrap();
    assert!(on_case.custom);
}

#[test]
fn an_order_item_is_numbered_takes_its_defaults_and_goes_with_its_order() {
    let Some(path) = ebikes() else { return };
    let mut store = store();
    load(&path, &mut store).unwrap();
    let user = store.running_user();
    let account = store.table("Account").unwrap().rows().next().unwrap().id();
    let id = |name: &str, id| (name.to_owned(), Value::Id(id));
    let order = store.insert("Order__c", vec![id("Account__c", account)], user).unwrap();
    let item = store.insert("Order_Item__c", vec![id("Order__c", order)], user).unwrap();
    let def = store.catalog().get("Order_Item__c").unwrap().clone();
    let row = store.row("Order_Item__c", item).unwrap();
    assert_eq!(row.get(def.field("Name").unwrap().0), Cell::Text("OI-000001"));
    assert_eq!(row.get(def.field("Qty_M__c").unwrap().0), Cell::Num(1.into()));
    let orders = store.catalog().get("Order__c").unwrap();
    let row = store.row("Order__c", order).unwrap();
    assert_eq!(row.get(orders.field("Status__c").unwrap().0), Cell::Text("Draft"));
    assert_eq!(row.get(orders.field("Name").unwrap().0), Cell::Text("O-00001"));

    let held = store.delete("Account", account, user).unwrap_err();
    assert_eq!(held.code, "DELETE_FAILED");
    store.delete("Order__c", order, user).unwrap();
    assert!(store.row("Order_Item__c", item).unwrap().is_deleted());
    store.delete("Account", account, user).unwrap();
}

#[test]
fn each_type_of_field_becomes_what_a_describe_calls_it() {
    let cases = [
        ("<type>Text</type><length>40</length><externalId>true</externalId>", Type::String, 40),
        ("<type>TextArea</type>", Type::TextArea, 255),
        ("<type>LongTextArea</type><length>5000</length>", Type::TextArea, 5000),
        ("<type>Html</type><length>32768</length>", Type::TextArea, 32768),
        ("<type>Number</type><precision>10</precision><scale>3</scale>", Type::Double, 0),
        ("<type>Percent</type><precision>5</precision><scale>2</scale>", Type::Percent, 0),
        ("<type>Checkbox</type><defaultValue>true</defaultValue>", Type::Boolean, 0),
        ("<type>Date</type>", Type::Date, 0),
        ("<type>DateTime</type>", Type::DateTime, 0),
        ("<type>Time</type>", Type::Time, 0),
        ("<type>Email</type>", Type::Email, 80),
        ("<type>Phone</type>", Type::Phone, 40),
        ("<type>Url</type>", Type::Url, 255),
        ("<type>MultiselectPicklist</type><visibleLines>3</visibleLines>", Type::MultiPicklist, 4099),
        ("<type>EncryptedText</type><length>20</length><maskType>all</maskType>", Type::EncryptedString, 20),
        ("<type>AutoNumber</type><displayFormat>A-{0000}</displayFormat>", Type::String, 30),
        ("<type>Lookup</type><referenceTo>Account</referenceTo>", Type::Reference, 18),
    ];
    for (xml, ty, length) in cases {
        let (store, loaded) = with_field(xml);
        let thing = store.catalog().get("Thing__c").unwrap();
        let (_, field) = thing.field("F__c").unwrap();
        assert_eq!((field.ty, field.length, field.custom), (ty, length, true), "{xml}");
        assert_eq!(loaded.notes, Vec::<String>::new(), "{xml}");
    }
}

#[test]
fn a_location_brings_its_parts() {
    let (store, _) = with_field("<type>Location</type><scale>5</scale>");
    let thing = store.catalog().get("Thing__c").unwrap();
    let (_, latitude) = thing.field("F__Latitude__s").unwrap();
    assert_eq!(latitude.compound.as_deref(), Some("F__c"));
    let (_, whole) = thing.field("F__c").unwrap();
    assert!(whole.is_compound() && !whole.createable);
}

#[test]
fn what_is_not_emulated_is_noted() {
    let cases = [
        ("<type>Text</type><length>9</length><formula>Name</formula>", "formulas are not evaluated"),
        (
            "<type>Summary</type><summaryOperation>count</summaryOperation>",
            "the roll-up names no summaryForeignKey; the field is always null",
        ),
        ("<type>Date</type><defaultValue>TODAY()</defaultValue>", "the default TODAY() is not evaluated"),
        ("<type>MetadataRelationship</type>", "the field is left out"),
        ("<type>Lookup</type><referenceTo>Asset</referenceTo>", "points to Asset, which is not emulated"),
        ("<type>Date</type><mystery/>", "<mystery> has no effect here"),
        (
            "<type>Picklist</type><valueSet><valueSetName>Gone</valueSetName></valueSet>",
            "global value set Gone",
        ),
    ];
    for (xml, expected) in cases {
        let (_, loaded) = with_field(xml);
        assert_eq!(loaded.notes.len(), 1, "{:?}", loaded.notes);
        assert!(
            loaded.notes[0].starts_with("Thing__c.F__c: ") && loaded.notes[0].contains(expected),
            "{:?}",
            loaded.notes
        );
    }
    let files = Files::new(&[
        ("app/objects/Thing__c/Thing__c.object-meta.xml", THING),
        ("app/objects/Thing__c/validationRules/R.validationRule-meta.xml", "<ValidationRule/>"),
        ("app/classes/A.cls-meta.xml", "<ApexClass/>"),
        ("app/objects/Asset/fields/X__c.field-meta.xml", "<CustomField><type>Date</type></CustomField>"),
        (
            "app/objects/Account/fields/Type.field-meta.xml",
            "<CustomField><type>Picklist</type></CustomField>",
        ),
        ("app/objects/Account/fields/Rating.field-meta.xml", "<CustomField/>"),
    ]);
    let (_, loaded) = files.load().unwrap();
    assert_eq!(
        loaded.notes,
        [
            "Thing__c: not emulated: validationRules",
            "not emulated: classes",
            "Account: changes to standard fields have no effect here: Rating, Type",
            "Asset: this object is not emulated; 1 fields are left out",
        ]
    );
}

/// A master with a roll-up of each kind, and its details.
fn rolled_up() -> (Store, Loaded) {
    let summary = |name: &str, operation: &str, of: &str, filter: &str| {
        let of = if of.is_empty() {
            String::new()
        } else {
            format!("<summarizedField>Item__c.{of}</summarizedField>")
        };
        (
            format!("app/objects/Thing__c/fields/{name}.field-meta.xml"),
            format!(
                "<CustomField><fullName>{name}</fullName><label>L</label><type>Summary</type>{of}{filter}\
                 <summaryForeignKey>Item__c.Thing__c</summaryForeignKey><summaryOperation>{operation}</summaryOperation></CustomField>"
            ),
        )
    };
    let big = "<summaryFilterItems><field>Item__c.Price__c</field><operation>greaterOrEqual</operation><value>10</value></summaryFilterItems>";
    let kind = "<summaryFilterItems><field>Item__c.Kind__c</field><operation>notEqual</operation><value>A, B</value></summaryFilterItems>";
    let mut files = vec![
        summary("Items__c", "count", "", ""),
        summary("Big__c", "count", "", big),
        summary("Other__c", "count", "", kind),
        summary("Total__c", "sum", "Price__c", ""),
        summary("First__c", "min", "Day__c", ""),
        summary("Most__c", "max", "Price__c", ""),
        summary("Gone__c", "sum", "Nothing__c", ""),
    ];
    let field = |name: &str, xml: &str| {
        (
            format!("app/objects/Item__c/fields/{name}.field-meta.xml"),
            format!("<CustomField><fullName>{name}</fullName><label>L</label>{xml}</CustomField>"),
        )
    };
    files.push(field("Thing__c", "<type>MasterDetail</type><referenceTo>Thing__c</referenceTo><relationshipName>Items</relationshipName><reparentableMasterDetail>true</reparentableMasterDetail>"));
    files.push(field("Price__c", "<type>Currency</type><precision>10</precision><scale>2</scale>"));
    files.push(field("Day__c", "<type>Date</type>"));
    files.push(field("Kind__c", "<type>Text</type><length>5</length>"));
    for object in ["Thing__c", "Item__c"] {
        files.push((format!("app/objects/{object}/{object}.object-meta.xml"), THING.to_owned()));
    }
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Files::new(&files).load().unwrap()
}

#[test]
fn roll_up_summaries_keep_up_with_their_details() {
    let (mut store, loaded) = rolled_up();
    assert_eq!(
        loaded.notes,
        ["Thing__c.Gone__c: sums up Item__c.Nothing__c, which is not emulated; the field is always null"]
    );
    let def = store.catalog().get("Thing__c").unwrap().clone();
    let kind = |name: &str| {
        let (_, field) = def.field(name).unwrap();
        (field.ty, field.scale, field.calculated, field.createable)
    };
    assert_eq!(kind("Items__c"), (Type::Double, 0, true, false));
    assert_eq!(kind("Total__c"), (Type::Currency, 2, true, false));
    assert_eq!(kind("First__c"), (Type::Date, 0, true, false));

    let user = store.running_user();
    let named = |name: &str| vec![("Name".to_owned(), Value::text(name))];
    let thing = store.insert("Thing__c", named("one"), user).unwrap();
    let other = store.insert("Thing__c", named("two"), user).unwrap();
    let item = |store: &mut Store, price: &str, day: &str, kind: &str| {
        let values = [("Price__c", price), ("Day__c", day), ("Kind__c", kind)];
        let mut values: Vec<_> = values.iter().map(|(n, v)| ((*n).to_owned(), Value::text(*v))).collect();
        values.push(("Thing__c".to_owned(), Value::Id(thing)));
        store.insert("Item__c", values, user).unwrap()
    };
    let shown = |store: &Store, id| {
        let row = store.row("Thing__c", id).unwrap();
        let names = ["Items__c", "Big__c", "Other__c", "Total__c", "First__c", "Most__c", "Gone__c"];
        let text = |name: &&str| row.get(def.field(name).unwrap().0).to_json().to_string();
        names.iter().map(text).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(&store, thing), "0.0 0.0 0.0 0.0 null null null");
    let first = item(&mut store, "9.99", "2024-02-01", "a");
    let second = item(&mut store, "10", "2024-01-01", "c");
    item(&mut store, "", "", "");
    assert_eq!(shown(&store, thing), r#"3.0 1.0 2.0 19.99 "2024-01-01" 10.0 null"#);
    store.update("Item__c", second, vec![("Thing__c".to_owned(), Value::Id(other))], user).unwrap();
    assert_eq!(shown(&store, thing), r#"2.0 0.0 1.0 9.99 "2024-02-01" 9.99 null"#);
    assert_eq!(shown(&store, other), r#"1.0 1.0 1.0 10.0 "2024-01-01" 10.0 null"#);
    store.delete("Item__c", first, user).unwrap();
    assert_eq!(shown(&store, thing), "1.0 0.0 1.0 0.0 null null null");
    store.undelete("Item__c", first, user).unwrap();
    assert_eq!(shown(&store, thing), r#"2.0 0.0 1.0 9.99 "2024-02-01" 9.99 null"#);
    assert!(store.hard_delete("Item__c", first));
    assert_eq!(shown(&store, thing), "1.0 0.0 1.0 0.0 null null null");
    let written = store.update("Thing__c", thing, vec![("Total__c".to_owned(), Value::Int(1))], user);
    assert_eq!(written.unwrap_err().code, "INVALID_FIELD_FOR_INSERT_UPDATE");
}

#[test]
fn roll_ups_that_are_not_emulated_are_null_and_noted() {
    let cases = [
        ("<summaryOperation>median</summaryOperation>", "operation median is not known"),
        ("<summaryOperation>sum</summaryOperation>", "names no summarizedField"),
        (
            "<summaryOperation>count</summaryOperation><summaryFilterItems><field>X__c.N__c</field><operation>contains</operation><value>x</value></summaryFilterItems>",
            "filter contains on X__c.N__c is not emulated",
        ),
        (
            "<summaryOperation>count</summaryOperation><summaryFilterItems><field>X__c.N__c</field><operation>equals</operation><valueField>X__c.M__c</valueField></summaryFilterItems>",
            "compares two fields",
        ),
    ];
    for (xml, expected) in cases {
        let key = "<summaryForeignKey>X__c.Thing__c</summaryForeignKey>";
        let (_, loaded) = with_field(&format!("<type>Summary</type>{key}{xml}"));
        assert!(loaded.notes[0].contains(expected), "{:?}", loaded.notes);
        assert!(loaded.notes[0].ends_with("; the field is always null"), "{:?}", loaded.notes);
    }
}

#[test]
fn each_numbered_field_counts_for_itself_from_its_own_start() {
    let auto = |name: &str, start: &str| {
        (
            format!("app/objects/Thing__c/fields/{name}.field-meta.xml"),
            format!(
                "<CustomField><fullName>{name}</fullName><type>AutoNumber</type><displayFormat>{name}-{{000}}</displayFormat>{start}</CustomField>"
            ),
        )
    };
    let fields = [auto("A__c", "<startingNumber>41</startingNumber>"), auto("B__c", "")];
    let mut files = vec![("app/objects/Thing__c/Thing__c.object-meta.xml", THING)];
    files.extend(fields.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let (mut store, loaded) = Files::new(&files).load().unwrap();
    assert!(loaded.notes.is_empty(), "{:?}", loaded.notes);
    let user = store.running_user();
    let mut shown = Vec::new();
    for _ in 0..2 {
        let id = store.insert("Thing__c", vec![], user).unwrap();
        let def = store.catalog().get("Thing__c").unwrap();
        let row = store.row("Thing__c", id).unwrap();
        shown.push(["A__c", "B__c"].map(|name| row.get(def.field(name).unwrap().0).to_value()));
    }
    let expected = [["A__c-041", "B__c-001"], ["A__c-042", "B__c-002"]];
    assert_eq!(shown, expected.map(|pair| pair.map(Value::text)));
}

#[test]
fn encrypted_values_are_shown_behind_their_mask() {
    let cases = [
        ("<maskChar>asterisk</maskChar><maskType>all</maskType>", "secret", "******"),
        ("<maskChar>X</maskChar><maskType>lastFour</maskType>", "secret", "XXcret"),
        ("<maskChar>X</maskChar><maskType>creditCard</maskType>", "1234567812345678", "XXXX-XXXX-XXXX-5678"),
        ("<maskChar>X</maskChar><maskType>ssn</maskType>", "123456789", "XXX-XX-6789"),
        ("<maskChar>asterisk</maskChar><maskType>sin</maskType>", "123456789", "***-**6-789"),
    ];
    for (xml, text, shown) in cases {
        let (store, loaded) = with_field(&format!("<type>EncryptedText</type><length>20</length>{xml}"));
        assert!(loaded.notes.is_empty(), "{:?}", loaded.notes);
        let (_, field) = store.catalog().get("Thing__c").unwrap().field("F__c").unwrap();
        assert_eq!(field.masked(text), shown, "{xml}");
    }
}

#[test]
fn global_value_sets_give_their_values() {
    let files = Files::new(&[
        ("app/objects/Thing__c/Thing__c.object-meta.xml", THING),
        (
            "app/objects/Thing__c/fields/F__c.field-meta.xml",
            "<CustomField><type>Picklist</type><valueSet><valueSetName>Sizes</valueSetName></valueSet></CustomField>",
        ),
        (
            "app/globalValueSets/Sizes.globalValueSet-meta.xml",
            "<GlobalValueSet><customValue><fullName>S</fullName><default>false</default></customValue>\
             <customValue><fullName>M</fullName><default>true</default><label>Medium</label></customValue></GlobalValueSet>",
        ),
    ]);
    let (store, loaded) = files.load().unwrap();
    assert!(loaded.notes.is_empty(), "{:?}", loaded.notes);
    let (_, field) = store.catalog().get("Thing__c").unwrap().field("F__c").unwrap();
    let values: Vec<_> = field.picklist.iter().map(|p| (&*p.value, &*p.label, p.default)).collect();
    assert_eq!(values, [("S", "S", false), ("M", "Medium", true)]);
    assert!(field.restricted_picklist);
}

#[test]
fn records_bring_their_children_along() {
    let files = Files::new(&[
        ("data/plan.json", r#"[{"sobject": "Account", "files": ["a.json"]}]"#),
        (
            "data/a.json",
            r#"{"records": [{"attributes": {"type": "Account", "referenceId": "A"}, "Name": "Acme",
                "Contacts": {"records": [{"attributes": {"type": "Contact", "referenceId": "C"}, "LastName": "Lee"}]}}]}"#,
        ),
    ]);
    let (store, loaded) = files.load().unwrap();
    assert_eq!(loaded.rows["Contact"], 1);
    let account = store.table("Account").unwrap().rows().next().unwrap().id();
    let contact = store.table("Contact").unwrap().rows().next().unwrap();
    let def = store.catalog().get("Contact").unwrap();
    assert_eq!(contact.get(def.field("AccountId").unwrap().0), Cell::Id(account));
}

#[test]
fn what_is_wrong_is_said_with_its_file_and_line_and_the_way_out() {
    assert_eq!(
        load("no-such-folder".as_ref(), &mut store()).unwrap_err().to_string(),
        "no-such-folder: holds no sfdx-project.json\n  Name the root folder of an SFDX project, the one in which `sf project` commands run."
    );
    let plan = |json: &str| {
        let plan = r#"[{"sobject": "Contact", "files": ["c.json"]}]"#;
        Files::new(&[("data/x-plan.json", plan), ("data/c.json", json)]).error()
    };
    let unknown = plan(
        "{\"records\": [\n{\"attributes\": {\"type\": \"Contact\",\n \"referenceId\": \"C1\"}, \"LastName\": \"Lee\", \"AccountId\": \"@A9\"}]}",
    );
    assert!(
        unknown.starts_with(
            "ROOT/data/c.json:3: AccountId of the Contact record C1 refers to @A9, which no record has\n"
        ),
        "{unknown}"
    );
    let refused = plan(r#"{"records": [{"attributes": {"referenceId": "C1"}, "FirstName": "Kim"}]}"#);
    assert!(
        refused.starts_with("ROOT/data/c.json:1: the Contact record C1 is refused: REQUIRED_FIELD_MISSING: Required fields are missing: [LastName]"),
        "{refused}"
    );
    let syntax = plan("{\"records\": [\n}");
    assert!(syntax.starts_with("ROOT/data/c.json:2: is no valid JSON: "), "{syntax}");
    let xml = Files::new(&[(
        "app/objects/T__c/fields/F__c.field-meta.xml",
        "<CustomField>\n<type>Text</CustomField>",
    )]);
    assert!(
        xml.error().starts_with("ROOT/app/objects/T__c/fields/F__c.field-meta.xml:2: is no valid XML: "),
        "{}",
        xml.error()
    );
    let folder = Files::new(&[("sfdx-project.json", r#"{"packageDirectories": [{"path": "gone"}]}"#)]);
    assert!(folder.error().contains("names ROOT/gone, which is no folder"), "{}", folder.error());
}
