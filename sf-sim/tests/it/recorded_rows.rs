//! Conformance, of what is recorded of rows, resources, and objects that the emulated org does not have.

use reqwest::Method;
use serde_json::Value;

use crate::recorded::{Case, common};
use crate::support::{Org, V, header, keys};

#[tokio::test]
async fn the_organization_is_told_as_recorded_line_by_line() {
    let Some(case) = Case::of("cumulusci-describes/GET_sobjects_Organization.json") else { return };
    let org = Org::new().await;
    let path = format!("{V}/sobjects/Organization/{}", org.sim.org_id());
    let answer = org.call(Method::GET, &path).header("X-PrettyPrint", "1").send().await.unwrap();
    assert_eq!(u64::from(answer.status().as_u16()), case.status());
    let recorded = case.0["response"]["headers"]["Content-Type"][0].as_str();
    assert_eq!(header(&answer, "content-type"), recorded);
    let text = answer.text().await.unwrap();
    let (ours, theirs): (Value, Value) = (serde_json::from_str(&text).unwrap(), case.json());
    assert_eq!(keys(&ours), keys(&theirs));
    for part in ["attributes", "Address"] {
        assert_eq!(keys(&ours[part]), keys(&theirs[part]), "{part}");
    }
    for (name, value) in theirs.as_object().unwrap() {
        let kind =
            |value: &Value| (value.is_string(), value.is_boolean(), value.is_number(), value.is_object());
        // A trial, a namespace: not every org has one.
        let none = value.is_null() || ours[name].is_null();
        assert!(none || kind(&ours[name]) == kind(value), "{name}: {} and {value}", ours[name]);
    }
    // Up to its value each line is the recorded one.
    let names = |text: &str| -> Vec<String> {
        text.lines()
            .map(|line| line.split(" : ").next().unwrap_or_default().trim_end_matches(',').to_owned())
            .collect()
    };
    assert_eq!(names(&text), names(case.body()));
}

#[tokio::test]
async fn the_resources_of_a_version_are_told_as_recorded() {
    let Some(case) = Case::of("restforce-db/200_get_data_api_version.json") else { return };
    let org = Org::new().await;
    // The recorded version was 2015's.
    let version = "v34.0";
    let answer = org.get(&format!("/services/data/{version}/")).await;
    assert_eq!(u64::from(answer.status().as_u16()), case.status());
    let recorded = case.0["response"]["headers"].as_object().unwrap();
    assert_eq!(header(&answer, "content-type"), recorded["Content-Type"].as_str());
    assert!(header(&answer, "sforce-limit-info").unwrap().starts_with("api-usage="));
    let ours: Value = answer.json().await.unwrap();
    let theirs: Value = serde_json::from_str(&case.body().replace("<api_version>", version)).unwrap();
    // Those that both have stand in the recorded order, at the recorded places.
    let both = common(&ours, &theirs);
    assert_eq!(both, ["limits", "sobjects", "query", "queryAll", "recent", "identity"]);
    let recorded: Vec<&str> = keys(&theirs).into_iter().filter(|key| ours.get(*key).is_some()).collect();
    assert_eq!(both, recorded);
    for name in &both[..5] {
        assert_eq!(ours[*name], theirs[*name]);
    }
    let identity =
        |value: &Value| value["identity"].as_str().unwrap().split('/').map(str::len).collect::<Vec<_>>();
    assert_eq!(identity(&ours), identity(&theirs));
    // What is named is there.
    for name in ["limits", "sobjects", "recent"] {
        assert_eq!(org.get(ours[name].as_str().unwrap()).await.status(), 200, "{name}");
    }
    // Jobs came later.
    assert_eq!(ours.get("jobs"), None);
    let ours = org.json("/services/data/v47.0/").await;
    assert_eq!(org.get(&format!("{}/query", ours["jobs"].as_str().unwrap())).await.status(), 200);
}

#[tokio::test]
async fn objects_of_every_kind_are_described_by_the_recorded_keys() {
    let org = Org::new().await;
    let ours = org.json(&format!("{V}/sobjects/Account/describe")).await;
    for name in ["Event", "OpportunityContactRole", "Custom__c", "Account_PersonAccount"] {
        let Some(case) = Case::of(&format!("cumulusci-describes/GET_sobjects_{name}_describe.json")) else {
            return;
        };
        let theirs = case.json();
        assert_eq!(common(&ours, &theirs), keys(&theirs), "{name}");
        for list in ["fields", "childRelationships", "recordTypeInfos", "supportedScopes"] {
            let mine = &ours[list][0];
            for theirs in theirs[list].as_array().unwrap() {
                assert_eq!(common(mine, theirs), keys(theirs), "{name}.{list}");
            }
        }
        for field in theirs["fields"].as_array().unwrap() {
            for value in field["picklistValues"].as_array().unwrap() {
                assert_eq!(keys(value), ["active", "defaultValue", "label", "validFor", "value"], "{name}");
            }
        }
    }
}
