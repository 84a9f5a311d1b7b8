use std::path::Path;

use super::*;
use crate::clock::Clock;
use crate::store::Store;

const PLACE: Place<'_> = Place { version: "65.0", instance_url: "https://org.my.salesforce.com" };

/// The recorded describe of an object, or none when the recordings are not there.
fn recorded(object: &str) -> Option<Json> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/recorded/cumulusci-describes");
    let path = Path::new(folder).join(format!("GET_sobjects_{object}_describe.json"));
    let Ok(text) = std::fs::read_to_string(path) else {
        let required = std::env::var("SF_TESTS_REQUIRE").unwrap_or_default();
        assert!(!required.contains("shared"), "SF_TESTS_REQUIRE asks for ../shared, which is absent");
        std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("skipped: ../shared is absent: the recorded describe of {object}\n").as_bytes(),
        )
        .unwrap_or_default();
        return None;
    };
    let case: Json = serde_json::from_str(&text).unwrap();
    match &case["response"]["body"] {
        Json::String(body) => Some(serde_json::from_str(body).unwrap()),
        body => Some(body.clone()),
    }
}

fn ours(store: &Store, object: &str) -> Json {
    describe(store.catalog().get(object).unwrap(), store.catalog(), &PLACE)
}

fn keys(json: &Json) -> Vec<&str> {
    json.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_fields_of_recorded_objects_are_described_as_recorded() {
    let store = Store::with_standard_objects(Clock::fixed(0));
    for object in ["Account", "Contact", "Lead", "Case", "Opportunity"] {
        let Some(recorded) = recorded(object) else { return };
        let ours = ours(&store, object);
        let recorded: Vec<&Json> = recorded["fields"]
            .as_array()
            .unwrap()
            .iter()
            // The recordings' author added fields of packages to the org's own answer.
            .filter(|f| !f["name"].as_str().unwrap().ends_with("__c"))
            .collect();
        let names: Vec<&str> =
            ours["fields"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
        let expected: Vec<&str> = recorded.iter().map(|f| f["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{object}");
        for (ours, recorded) in ours["fields"].as_array().unwrap().iter().zip(recorded) {
            let name = recorded["name"].as_str().unwrap();
            assert_eq!(keys(ours), keys(recorded), "{object}.{name}");
            for (key, value) in recorded.as_object().unwrap() {
                assert_eq!(&ours[key], value, "{object}.{name}.{key}");
            }
        }
    }
}

#[test]
fn the_objects_themselves_are_described_as_recorded() {
    // The recorded orgs differ among themselves here: other objects, another host, another version.
    let differs = ["fields", "childRelationships", "urls"];
    let store = Store::with_standard_objects(Clock::fixed(0));
    for object in ["Account", "Contact", "Lead", "Case", "Opportunity"] {
        let Some(recorded) = recorded(object) else { return };
        let ours = ours(&store, object);
        assert_eq!(ours.as_object().unwrap().len(), 45);
        assert!(keys(&ours).is_sorted());
        for (key, value) in recorded.as_object().unwrap() {
            if object == "Account" && key == "recordTypeInfos" {
                continue; // The recorded org has a record type of its own.
            }
            if key == "recordTypeInfos" {
                assert_eq!(keys(&ours[key][0]), keys(&value[0]), "{object}");
            } else if !differs.contains(&key.as_str()) {
                assert_eq!(&ours[key], value, "{object}.{key}");
            }
        }
        // Features of newer or older versions add some; the rest stands in the recorded order.
        let extra = ["defaultValues", "caseArticleSuggestions", "caseRowArticleSuggestions"];
        let mut recorded_urls = keys(&recorded["urls"]);
        recorded_urls.retain(|key| !extra.contains(key));
        let mut our_urls = keys(&ours["urls"]);
        if object == "Case" {
            recorded_urls.sort_unstable();
            our_urls.sort_unstable();
        }
        assert_eq!(our_urls, recorded_urls, "{object}");
    }
}

#[test]
fn child_relationships_are_those_recorded_for_the_objects_at_hand() {
    let store = Store::with_standard_objects(Clock::fixed(0));
    for object in ["Account", "Contact", "Lead", "Case", "Opportunity"] {
        let Some(recorded) = recorded(object) else { return };
        let held = |c: &&Json| store.catalog().get(c["childSObject"].as_str().unwrap()).is_some();
        let own = |c: &&Json| !c["field"].as_str().unwrap().ends_with("__c");
        let expected: Vec<_> =
            recorded["childRelationships"].as_array().unwrap().iter().filter(held).filter(own).collect();
        let ours = ours(&store, object);
        let ours: Vec<_> = ours["childRelationships"].as_array().unwrap().iter().collect();
        assert_eq!(ours, expected, "{object}");
    }
}

#[test]
fn the_global_describe_has_28_keys_an_object_as_recorded() {
    let store = Store::with_standard_objects(Clock::fixed(0));
    let ours = describe_global(store.catalog(), &PLACE);
    assert_eq!(keys(&ours), ["encoding", "maxBatchSize", "sobjects"]);
    let objects = ours["sobjects"].as_array().unwrap();
    let Some(recorded) = recorded("Global") else { return };
    for ours in objects {
        assert_eq!(ours.as_object().unwrap().len(), 28);
        let name = &ours["name"];
        let Some(recorded) = recorded["sobjects"].as_array().unwrap().iter().find(|o| o["name"] == *name)
        else {
            continue;
        };
        assert_eq!(keys(ours), keys(recorded), "{name}");
        for (key, value) in recorded.as_object().unwrap() {
            // The author of the recording took Lead's prefix out.
            let edited = name == "Lead" && key == "keyPrefix";
            if key != "urls" && !edited {
                assert_eq!(&ours[key], value, "{name}.{key}");
            }
        }
    }
}
