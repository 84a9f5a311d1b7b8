//! Describes of an SFDX project's objects: what a check says of a field's uses, the org says as well.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sf_core::http::InProcess;
use sf_sim::Sim;
use sf_soql::function::{avg, count, max, min, sum};
use sf_soql::{DescribeCache, FieldDescribe, Literal, Select, field};

use crate::support::client;

/// A project with a field of every type, in a folder that goes with it.
struct Project(PathBuf);

impl Project {
    fn new(files: &[(String, String)]) -> Self {
        let root = std::env::temp_dir().join(format!("sf-soql-project-{}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(root)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn project() -> Project {
    let picklist =
        "<valueSet><valueSetDefinition><value><fullName>a</fullName></value></valueSetDefinition></valueSet>";
    let types = [
        ("Text", "<length>20</length><externalId>true</externalId>"),
        ("TextArea", ""),
        ("LongTextArea", "<length>1000</length>"),
        ("Html", "<length>1000</length>"),
        ("Number", "<precision>9</precision><scale>2</scale>"),
        ("Currency", "<precision>9</precision><scale>2</scale>"),
        ("Percent", "<precision>9</precision><scale>2</scale>"),
        ("Checkbox", ""),
        ("Date", ""),
        ("DateTime", ""),
        ("Time", ""),
        ("Email", ""),
        ("Phone", ""),
        ("Url", ""),
        ("Picklist", picklist),
        ("MultiselectPicklist", picklist),
        ("EncryptedText", "<length>20</length>"),
        ("AutoNumber", "<displayFormat>A-{0}</displayFormat>"),
        ("Location", "<scale>5</scale>"),
        ("Lookup", "<referenceTo>Account</referenceTo><relationshipName>Things</relationshipName>"),
    ];
    let mut files =
        vec![("sfdx-project.json".to_owned(), r#"{"packageDirectories": [{"path": "app"}]}"#.to_owned())];
    let objects = [
        ("Thing__c", ""),
        ("Prefs__c", "<customSettingsType>Hierarchy</customSettingsType>"),
        ("Kind__mdt", ""),
        ("Sent__e", ""),
    ];
    for (object, more) in objects {
        files.push((
            format!("app/objects/{object}/{object}.object-meta.xml"),
            format!("<CustomObject><label>L</label>{more}</CustomObject>"),
        ));
    }
    for (ty, more) in types {
        let mut add = |object: &str, name: &str, more: &str| {
            files.push((
                format!("app/objects/{object}/fields/{name}.field-meta.xml"),
                format!("<CustomField><label>L</label><type>{ty}</type>{more}</CustomField>"),
            ));
        };
        add("Thing__c", &format!("{ty}__c"), more);
        if ["Text", "Number", "Checkbox", "Date"].contains(&ty) {
            let formula =
                format!("<formula>X</formula>{}", more.replace("<externalId>true</externalId>", ""));
            add("Thing__c", &format!("F{ty}__c"), &formula);
            add("Prefs__c", &format!("{ty}__c"), more);
            add("Kind__mdt", &format!("{ty}__c"), more);
            add("Sent__e", &format!("{ty}__c"), more);
        }
    }
    files.push((
        "app/objects/Thing__c/recordTypes/Big.recordType-meta.xml".to_owned(),
        "<RecordType><label>Big</label><active>true</active></RecordType>".to_owned(),
    ));
    Project::new(&files)
}

/// A literal that a condition on this field takes.
fn literal(field: &FieldDescribe) -> Literal {
    use chrono::{DateTime, NaiveDate, NaiveTime};
    match field.field_type.as_str() {
        "boolean" => true.into(),
        "double" | "currency" | "percent" | "int" => 1.into(),
        "date" => NaiveDate::from_ymd_opt(2024, 1, 31).unwrap().into(),
        "datetime" => DateTime::UNIX_EPOCH.into(),
        "time" => NaiveTime::from_hms_opt(1, 2, 3).unwrap().into(),
        "id" | "reference" => "0017h00000doU3R".into(),
        _ => "a".into(),
    }
}

#[tokio::test]
async fn a_check_says_of_each_field_of_a_project_what_the_org_says() {
    let project = project();
    let sim = Sim::builder().sfdx(&project.0).build().unwrap();
    let http = Arc::new(InProcess::new(sim.router()));
    let client = client(http, "https://emulated.my.salesforce.com", &sim.access_token());
    let cache = DescribeCache::new(client.clone(), Duration::from_secs(60));
    let global = cache.global().await.unwrap();
    let (mut asked, mut differ) = (0, Vec::new());
    for object in ["Thing__c", "Prefs__c", "Kind__mdt", "Sent__e", "RecordType"] {
        let describe = cache.object(object).await.unwrap();
        for each in &describe.fields {
            let name = each.name.as_str();
            let of = || Select::from(object);
            let id = || of().field("Id");
            let mut uses = vec![
                of().field(name),
                id().order_by(field(name)),
                of().field(name).group_by(field(name)),
                of().field(count(name).alias("n")),
                of().field(max(name).alias("n")),
                of().field(min(name).alias("n")),
                of().field(sum(name).alias("n")),
                of().field(avg(name).alias("n")),
            ];
            if each.field_type.as_str() == "multipicklist" {
                uses.push(id().filter(field(name).includes(["a"])));
            } else {
                uses.push(id().filter(field(name).eq(literal(each))));
            }
            // Of an object that the org does not describe a check says nothing.
            let described = each.reference_to.iter().any(|target| global.object(target).is_some());
            if let Some(relationship) = each.relationship_name.as_ref().filter(|_| described) {
                uses.push(of().field(format!("{relationship}.Id")));
            }
            for select in uses {
                let Ok(soql) = select.build() else { continue };
                let checked = cache.check(&select).await;
                let told = client.get("query").query("q", &soql).json::<serde_json::Value>().await;
                asked += 1;
                if checked.is_ok() != told.is_ok() {
                    let (checked, told) =
                        (checked.err().map(|e| e.to_string()), told.err().map(|e| e.to_string()));
                    differ.push(format!("{soql}\n  check: {checked:?}\n  org:   {told:?}"));
                }
            }
        }
    }
    assert!(asked > 500, "{asked}");
    assert!(differ.is_empty(), "{} of {asked}:\n{}", differ.len(), differ.join("\n"));
}
