//! What a query can reach from an object: parents and children whose fields the user may see.

use std::time::Duration;

use serde_json::{Value, json};
use sf_soql::{DescribeCache, ErrorKind};

use crate::support::Shelf;

fn reference(name: &str, relationship: &str, to: &[&str]) -> Value {
    json!({ "name": name, "type": "reference", "relationshipName": relationship, "referenceTo": to })
}

fn plain(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| json!({ "name": name, "type": "string" })).collect()
}

fn describes() -> DescribeCache {
    let mut case = plain(&["Id", "Subject"]);
    case.extend([
        json!({ "name": "Gone", "type": "string", "deprecatedAndHidden": true }),
        reference("CreatedById", "CreatedBy", &["User"]),
        reference("OwnerId", "Owner", &["Group", "User"]),
        reference("SecretId", "Secret", &["Hidden__c"]),
    ]);
    let mut user = plain(&["Id", "Name", "Email", "City"]);
    user.push(json!({ "name": "Address", "type": "address" }));
    let children = json!([
        { "childSObject": "ContentDocumentLink", "field": "LinkedEntityId", "relationshipName": "ContentDocumentLinks" },
        { "childSObject": "Hidden__c", "field": "Case__c", "relationshipName": "Secrets__r" },
        { "childSObject": "Vote", "field": "ParentId", "relationshipName": "Votes" }]);
    let shelf = Shelf::new([
        (
            "Case",
            json!({ "name": "Case", "queryable": true, "fields": case, "childRelationships": children }),
        ),
        ("User", json!({ "name": "User", "queryable": true, "fields": user })),
        (
            "Group",
            json!({ "name": "Group", "queryable": true, "fields": plain(&["Id", "name", "Email", "DeveloperName"]) }),
        ),
        (
            "ContentDocumentLink",
            json!({ "name": "ContentDocumentLink", "queryable": true,
            "fields": plain(&["Id", "ContentDocumentId"]) }),
        ),
        ("Vote", json!({ "name": "Vote", "queryable": false, "fields": plain(&["Id"]) })),
    ]);
    DescribeCache::new(shelf.client(), Duration::from_secs(60))
}

#[tokio::test]
async fn parents_add_the_fields_that_the_user_may_see_of_them() {
    let own = ["Id", "Subject", "CreatedById", "OwnerId", "SecretId"];
    let of = async |parents: &[&str]| {
        let mut names = describes().fields_with_parents("Case", parents).await.unwrap();
        let added = names.split_off(own.len());
        assert_eq!(names, own);
        added
    };
    assert_eq!(of(&[]).await, Vec::<String>::new());
    assert_eq!(
        of(&["createdby"]).await,
        ["CreatedBy.Id", "CreatedBy.Name", "CreatedBy.Email", "CreatedBy.City"]
    );
    // A group or a user: what both have, and such a parent shows.
    assert_eq!(of(&["Owner"]).await, ["Owner.Id", "Owner.name", "Owner.Email"]);
    assert_eq!(of(&["Secret", "Nothing"]).await, Vec::<String>::new());
    let unknown = describes().fields_with_parents("Zzz", ["Owner"]).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::UnknownObject);
}

#[tokio::test]
async fn children_are_read_where_the_object_has_them_and_the_user_may_see_them() {
    let links = describes().children("Case", "contentdocumentlinks").await.unwrap().unwrap();
    assert_eq!(links.to_string(), "SELECT Id, ContentDocumentId FROM ContentDocumentLinks");
    for missing in ["Secrets__r", "Votes", "Nothing"] {
        assert_eq!(describes().children("Case", missing).await.unwrap(), None, "{missing}");
    }
}

#[tokio::test]
async fn the_objects_that_can_be_queried_are_listed() {
    let mut queryable = describes().queryable().await.unwrap();
    queryable.sort();
    assert_eq!(queryable, ["Case", "ContentDocumentLink", "Group", "User"]);
}
