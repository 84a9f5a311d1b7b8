//! Projects as others lay them out: folders, names, what is left out.

use super::*;

fn field(ty: &str) -> String {
    format!("<CustomField><type>{ty}</type></CustomField>")
}

fn notes(files: &[(&str, &str)]) -> Vec<String> {
    Files::new(files).load().unwrap().1.notes
}

#[test]
fn what_the_forceignore_names_is_not_there() {
    let date = field("Date");
    let files = Files::new(&[
        (
            ".forceignore",
            "# kept out\n**/objects/Old__c/**\nHidden__c.field-meta.xml\n/app/objects/Account\n",
        ),
        ("app/objects/Thing__c/Thing__c.object-meta.xml", THING),
        ("app/objects/Thing__c/fields/Hidden__c.field-meta.xml", &date),
        ("app/objects/Thing__c/fields/Shown__c.field-meta.xml", &date),
        ("app/objects/Old__c/Old__c.object-meta.xml", THING),
        ("app/objects/Account/fields/Day__c.field-meta.xml", &date),
    ]);
    let (store, loaded) = files.load().unwrap();
    assert_eq!(loaded.objects, ["Thing__c"]);
    let thing = store.catalog().get("Thing__c").unwrap();
    assert!(thing.field("Shown__c").is_some() && thing.field("Hidden__c").is_none());
    assert!(store.catalog().get("Account").unwrap().field("Day__c").is_none());
}

#[test]
fn package_directories_are_read_once_each_and_one_of_several_may_be_gone() {
    let date = field("Date");
    let packages = r#"{"namespace": "acme", "packageDirectories": [
        {"path": "app"}, {"path": "app/objects/../inner/"}, {"path": "gone"}, {"path": "more"}, {"default": true}]}"#;
    let files = Files::new(&[
        ("sfdx-project.json", &format!("\u{feff}{packages}")),
        ("app/inner/objects/Thing__c/Thing__c.object-meta.xml", THING),
        ("app/.hidden/objects/Secret__c/Secret__c.object-meta.xml", THING),
        ("app/objects/._x/nothing", ""),
        ("more/main/objects/thing__C/fields/Day__c.field-meta.xml", &date),
    ]);
    let (store, loaded) = files.load().unwrap();
    assert_eq!(loaded.objects, ["Thing__c"]);
    assert!(store.catalog().get("Thing__c").unwrap().field("Day__c").is_some());
    assert_eq!(
        loaded.notes,
        [
            "sfdx-project.json: a package directory without path is passed over: {\"default\":true}",
            "sfdx-project.json: names gone, which is no folder",
            "sfdx-project.json: the namespace acme is not emulated; names stand without acme__",
        ]
    );
}

#[test]
fn metadata_beside_the_folder_of_objects_does_not_hide_it() {
    let (store, loaded) = Files::new(&[
        ("app/main/default/Sales.app-meta.xml", "<CustomApplication/>"),
        ("app/main/default/objects/Thing__c/Thing__c.object-meta.xml", THING),
    ])
    .load()
    .unwrap();
    assert!(store.catalog().get("Thing__c").is_some());
    assert_eq!(loaded.notes, ["not emulated: default"]);
}

#[test]
fn a_project_in_the_metadata_apis_format_is_told_from_none() {
    let files = Files::new(&[("src/package.xml", "<Package/>")]);
    fs::remove_file(files.0.join("sfdx-project.json")).unwrap();
    assert!(
        files.error().starts_with(
            "ROOT: holds no sfdx-project.json but src/package.xml: it has the Metadata API's format, which is not read\n"
        ),
        "{}",
        files.error()
    );
}

#[test]
fn an_object_in_one_file_is_read_with_all_that_stands_in_it() {
    let object = THING.replace(
        "</CustomObject>",
        "<fields><fullName>Day__c</fullName><type>Date</type></fields>\
         <recordTypes><fullName>Big</fullName><active>true</active><label>Big One</label></recordTypes></CustomObject>",
    );
    let (store, loaded) = Files::new(&[("app/objects/Thing__c.object", &object)]).load().unwrap();
    assert_eq!(loaded.notes, Vec::<String>::new());
    let thing = store.catalog().get("Thing__c").unwrap();
    assert!(thing.field("Day__c").is_some());
    assert_eq!(thing.record_types[0].developer_name, "Big");
}

#[test]
fn nothing_in_a_folder_of_objects_is_dropped_without_a_word() {
    let date = field("Date");
    let named = "<CustomField><fullName>Other__c</fullName><type>Date</type></CustomField>";
    let found = notes(&[
        ("app/objects/Thing__c/Thing__c.object-meta.xml", THING),
        ("app/objects/Thing__c/fields/Day__c.field-meta.xml", &date),
        ("app/objects/Thing__c/fields/Day__c.field-meta.xml.orig", &date),
        ("app/objects/Thing__c/fields/File__c.field-meta.xml", named),
        ("app/objects/Thing__c/fields/None__c.field-meta.xml", "<CustomField/>"),
        ("app/objects/readme.txt", ""),
        ("app/globalValueSets/readme.txt", ""),
        ("app/objects/pkg__Thing__c/fields/Day__c.field-meta.xml", &date),
        ("app/objects/Far__x/Far__x.object-meta.xml", THING),
        ("app/objects/Old__b/Old__b.object-meta.xml", THING),
        ("app/objects/Account/Account.object-meta.xml", "<CustomObject><businessProcesses/></CustomObject>"),
    ]);
    assert_eq!(
        found,
        [
            "app/globalValueSets/readme.txt: no global value set, passed over",
            "app/objects/Thing__c/fields/Day__c.field-meta.xml.orig: no file that ends in .field-meta.xml, passed over",
            "app/objects/readme.txt: no object, passed over",
            "Account: <businessProcesses> has no effect here",
            "Far__x: external objects are not emulated; 0 fields are left out",
            "Old__b: big objects are not emulated; 0 fields are left out",
            "app/objects/Thing__c/fields/File__c.field-meta.xml: its fullName is Other__c, which is used",
            "Thing__c.None__c: has no <type>; the field is left out",
            "pkg__Thing__c: the project does not define this object; 1 fields are left out",
        ]
    );
}

#[test]
fn what_stands_in_a_project_twice_is_told_and_the_last_counts() {
    let second = THING.replace("Thing Name", "Second");
    let files = Files::new(&[
        ("sfdx-project.json", r#"{"packageDirectories": [{"path": "app"}, {"path": "more"}]}"#),
        ("app/objects/Thing__c/Thing__c.object-meta.xml", THING),
        ("app/objects/Thing__c/fields/F__c.field-meta.xml", &field("Location")),
        ("more/objects/Thing__c/Thing__c.object-meta.xml", &second),
        ("more/objects/Thing__c/fields/f__c.field-meta.xml", &field("Date")),
    ]);
    let (store, loaded) = files.load().unwrap();
    let thing = store.catalog().get("Thing__c").unwrap();
    assert_eq!(thing.field("Name").unwrap().1.label, "Second");
    assert_eq!(thing.field("F__c").unwrap().1.ty, Type::Date);
    assert!(thing.field("F__Latitude__s").is_none(), "the parts go with the field that is replaced");
    assert_eq!(
        loaded.notes,
        [
            "Thing__c: defined in app/objects/Thing__c/Thing__c.object-meta.xml and again in \
             more/objects/Thing__c/Thing__c.object-meta.xml, which is used",
            "Thing__c.f__c: stands in app/objects/Thing__c/fields/F__c.field-meta.xml and again in \
             more/objects/Thing__c/fields/f__c.field-meta.xml, which is used",
        ]
    );
}

#[test]
fn files_of_other_editors_are_read() {
    let label = "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<CustomField>\r\n<label>\r\n R & D &amp; more </label>\r\n\
                 <type>\r\nText\r\n</type><length> 12 </length></CustomField>\r\n";
    let (store, loaded) = Files::new(&[
        ("app/objects/Thing__c/Thing__c.object-meta.xml", THING),
        ("app/objects/Thing__c/fields/F__c.field-meta.xml", label),
    ])
    .load()
    .unwrap();
    let (_, field) = store.catalog().get("Thing__c").unwrap().field("F__c").unwrap();
    assert_eq!((field.label.as_str(), field.length), ("R & D & more", 12));
    assert_eq!(
        loaded.notes,
        ["app/objects/Thing__c/fields/F__c.field-meta.xml:4: & is no valid XML, read as &amp;"]
    );
}

#[test]
fn custom_metadata_types_are_there_with_their_records() {
    let relation = |to: &str| {
        format!(
            "<CustomField><type>MetadataRelationship</type><referenceTo>{to}</referenceTo><relationshipName>Kinds</relationshipName></CustomField>"
        )
    };
    let record = |values: &str| {
        format!(
            "<CustomMetadata xmlns=\"http://soap.sforce.com/2006/04/metadata\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
             <label>A Label</label><protected>false</protected>{values}</CustomMetadata>"
        )
    };
    let value = |name: &str, value: &str| {
        format!("<values><field>{name}</field><value xsi:type=\"xsd:string\">{value}</value></values>")
    };
    let (own, thing) = (relation("Kind__mdt"), relation("EntityDefinition"));
    let first = record(
        &(value("Of__c", "Second")
            + &value("Max__c", "2.0")
            + "<values><field>On__c</field><value xsi:nil=\"true\"/></values>"),
    );
    let second = record(&(value("On__c", "true") + &value("Gone__c", "x")));
    let circle = record(&value("Of__c", "Nowhere"));
    let (mut store, loaded) = Files::new(&[
        ("app/objects/Kind__mdt/Kind__mdt.object-meta.xml", "<CustomObject><label>Kind</label><pluralLabel>Kinds</pluralLabel></CustomObject>"),
        ("app/objects/Kind__mdt/fields/Of__c.field-meta.xml", &own),
        ("app/objects/Kind__mdt/fields/Thing__c.field-meta.xml", &thing),
        ("app/objects/Kind__mdt/fields/On__c.field-meta.xml", "<CustomField><type>Checkbox</type><fieldManageability>DeveloperControlled</fieldManageability></CustomField>"),
        ("app/objects/Kind__mdt/fields/Max__c.field-meta.xml", "<CustomField><type>Number</type><precision>3</precision><scale>1</scale></CustomField>"),
        ("app/customMetadata/Kind.First.md-meta.xml", &first),
        ("app/customMetadata/Kind.Second.md-meta.xml", &second),
        ("app/customMetadata/Kind.Third.md-meta.xml", &circle),
        ("app/customMetadata/pkg__Other.One.md-meta.xml", &circle),
        ("app/customMetadata/readme.txt", ""),
    ])
    .load()
    .unwrap();
    assert_eq!(loaded.rows["Kind__mdt"], 3);
    assert_eq!(
        loaded.notes,
        [
            "Kind__mdt.Thing__c: fields of type MetadataRelationship are not emulated; the field is left out",
            "app/customMetadata/readme.txt: no record, passed over",
            "pkg__Other__mdt: not defined here; 1 records are left out",
            "app/customMetadata/Kind.Second.md-meta.xml: Kind__mdt has no Gone__c here",
            "app/customMetadata/Kind.Third.md-meta.xml: its Of__c Nowhere is not there",
        ]
    );
    let def = store.catalog().get("Kind__mdt").unwrap().clone();
    assert_eq!(def.key_prefix.as_str(), "m00");
    assert!(def.queryable && !def.createable && def.fields().iter().all(|field| !field.createable));
    assert_eq!(def.field("Of__c").unwrap().1.reference_to, ["Kind__mdt"]);
    let shown = |name: &str| {
        let (at, _) = def.field(name).unwrap();
        store
            .table("Kind__mdt")
            .unwrap()
            .rows()
            .map(|row| row.get(at).to_json().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(shown("DeveloperName"), ["\"Second\"", "\"First\"", "\"Third\""]);
    assert_eq!(shown("MasterLabel"), ["\"A Label\""; 3]);
    assert_eq!(shown("On__c"), ["true", "false", "false"]);
    assert_eq!(shown("Max__c"), ["null", "2.0", "null"]);
    let second = store.table("Kind__mdt").unwrap().rows().next().unwrap().id();
    assert_eq!(shown("Of__c"), ["null".to_owned(), format!("\"{second}\""), "null".to_owned()]);
    let user = store.running_user();
    assert_eq!(store.insert("Kind__mdt", vec![], user).unwrap_err().code, "INVALID_TYPE_FOR_OPERATION");
}

#[test]
fn numbers_that_are_none_are_told() {
    let told = |body: &str| with_field(body).1.notes;
    assert_eq!(
        told("<type>Text</type><length>abc</length>"),
        ["Thing__c.F__c: its <length> abc is no number and has no effect"]
    );
    assert_eq!(told("<type>Text</type><length>-1</length>").len(), 1);
    assert_eq!(
        told("<type>Number</type><precision>2</precision><scale>4</scale>"),
        ["Thing__c.F__c: no org takes 4 of 2 digits behind the point"]
    );
    assert_eq!(told("<type>Number</type><precision>99</precision><scale>4</scale>").len(), 1);
}
