//! Queries held against describes.

use std::time::Duration;

use serde_json::{Value, json};
use sf_soql::function::{avg, calendar_year, count, count_rows, max, sum};
use sf_soql::{
    BulkWarning, DateLiteral, DescribeCache, Error, ErrorKind, Fields, Literal, ProblemKind, Select, field,
    type_of,
};

use crate::support::Shelf;

fn of(name: &str, of_type: &str) -> Value {
    json!({
        "name": name, "type": of_type, "filterable": true, "sortable": true, "groupable": true,
        "aggregatable": true,
    })
}

fn reference(name: &str, relationship: &str, to: &[&str]) -> Value {
    let mut field = of(name, "reference");
    field["relationshipName"] = relationship.into();
    field["referenceTo"] = json!(to);
    field
}

fn long_text(name: &str) -> Value {
    json!({ "name": name, "type": "textarea", "filterable": false, "sortable": false, "groupable": false,
            "aggregatable": false })
}

/// An org of four objects.
fn describes() -> DescribeCache {
    let shelf = Shelf::new([
        (
            "Account",
            json!({ "name": "Account", "queryable": true,
            "fields": [of("Id", "id"), of("Name", "string"), long_text("Description"), of("IsOpen__c", "boolean"),
                of("AnnualRevenue", "currency"), of("Visits__c", "int"), of("Since__c", "date"),
                of("CreatedDate", "datetime"), of("Opens__c", "time"), of("Colours__c", "multipicklist"),
                { "name": "BillingAddress", "type": "address" }, reference("OwnerId", "Owner", &["User"]),
                reference("ParentId", "Parent", &["Account"]), reference("WhatId", "What", &["Case", "Lead"])],
            "childRelationships": [
                { "childSObject": "Contact", "field": "AccountId", "relationshipName": "Contacts" },
                { "childSObject": "Vote", "field": "ParentId", "relationshipName": null }] }),
        ),
        (
            "Contact",
            json!({ "name": "Contact", "queryable": true, "fields": [of("Id", "id"), of("Email", "email"),
            of("LastName", "string"), reference("AccountId", "Account", &["Account"]),
            { "name": "Photo", "type": "base64" }] }),
        ),
        (
            "User",
            json!({ "name": "User", "queryable": true, "fields": [of("Id", "id"), of("Name", "string"),
                { "name": "Home__c", "type": "location", "custom": true }] }),
        ),
        (
            "Case",
            json!({ "name": "Case", "queryable": true, "fields": [of("Id", "id"), of("Subject", "string")] }),
        ),
        ("TaskStatus", json!({ "name": "TaskStatus", "queryable": true, "fields": [of("Id", "id")] })),
        ("Order__e", json!({ "name": "Order__e", "queryable": false, "fields": [of("ReplayId", "string")] })),
    ]);
    DescribeCache::new(shelf.client(), Duration::from_secs(60))
}

fn account() -> Select {
    Select::from("Account").field("Id")
}

fn said(error: &Error) -> Vec<(ProblemKind, String)> {
    error.problems().iter().map(|p| (p.kind, p.to_string())).collect()
}

async fn only(select: Select) -> (ProblemKind, String) {
    let error = describes().check(&select).await.expect_err(&select.to_string());
    let mut said = said(&error);
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(error.to_string(), said[0].1);
    said.remove(0)
}

#[tokio::test]
async fn a_query_of_what_is_there_passes() {
    let contacts =
        Select::from("Contacts").fields(["LastName", "Account.Name"]).filter(field("Email").ne("x"));
    let select = Select::from("Account")
        .alias("a")
        .fields(["Id", "owner.NAME", "Parent.Parent.Owner.Name", "a.Name", "Account.Name", "What.Title"])
        .field(contacts)
        .field(type_of("What").when("Case", ["Subject"]))
        .filter(field("Name").like("A%").and(field("AnnualRevenue").gt(Literal::currency("EUR", 5.into()))))
        .filter(field("CreatedDate").eq(DateLiteral::Today).and(field("IsOpen__c").eq(true)))
        .filter(field("Colours__c").includes(["Red;Blue"]).and(field("OwnerId").eq("0057Q000001abcd")))
        .filter(calendar_year("CreatedDate").eq(2024).and(field("Visits__c").is_null()))
        .filter(field("Id").is_in_select(Select::from("Contact").field("AccountId")))
        .order_by(field("Name").asc());
    describes().check(&select).await.unwrap();
    let grouped = Select::from("Account")
        .field("Name")
        .field(sum("AnnualRevenue").alias("total"))
        .group_by("Name")
        .having(count("Id").gt(1).and(max("CreatedDate").lt(DateLiteral::ThisYear)))
        .order_by(field("TOTAL").desc());
    describes().check(&grouped).await.unwrap();
    describes().check(&Select::from("Account").field(count_rows())).await.unwrap();
}

#[tokio::test]
async fn unknown_names_are_told_with_those_that_come_near() {
    use ProblemKind::{UnknownField, UnknownObject};
    for (select, kind, message) in [
        (
            account().field("Nmae"),
            UnknownField,
            "SELECT Nmae: Account has no field Nmae, or the user may not see it. Did you mean Name?",
        ),
        (
            account().field("Ownr.Name"),
            UnknownField,
            "SELECT Ownr.Name: Account has no relationship Ownr, or the user may not see it. Did you mean Owner?",
        ),
        (
            account().field("Owner.Naem"),
            UnknownField,
            "SELECT Owner.Naem: User has no field Naem, or the user may not see it. Did you mean Name?",
        ),
        (
            account().filter(field("Zzz").eq(1)),
            UnknownField,
            "WHERE Zzz: Account has no field Zzz, or the user may not see it.",
        ),
        (
            account().order_by("Zzz"),
            UnknownField,
            "ORDER BY Zzz: Account has no field Zzz, or the user may not see it.",
        ),
        (
            account().group_by("Zzz"),
            UnknownField,
            "GROUP BY Zzz: Account has no field Zzz, or the user may not see it.",
        ),
        (
            account().field(sum("Zzz")),
            UnknownField,
            "SUM Zzz: Account has no field Zzz, or the user may not see it.",
        ),
        (
            account().field(type_of("Whta").when("Case", ["Id"])),
            UnknownField,
            "TYPEOF Whta: Account has no relationship Whta, or the user may not see it. Did you mean What?",
        ),
        (
            account().field(type_of("What").when("Case", ["Subjct"])),
            UnknownField,
            "THEN Subjct: Case has no field Subjct, or the user may not see it. Did you mean Subject?",
        ),
        (
            account().field(type_of("What").when("Cases", ["Id"])),
            UnknownObject,
            "WHEN Cases: the org has no object Cases, or its user may not see it. Did you mean Case?",
        ),
        (
            account().field(Select::from("Contcts").field("Id")),
            UnknownObject,
            "FROM Contcts: Account has no such children. Did you mean Contacts?",
        ),
        (
            account().field(Select::from("Contacts").field("Emial")),
            UnknownField,
            "SELECT Emial: Contact has no field Emial, or the user may not see it. Did you mean Email?",
        ),
        (
            Select::from("Acount").field("Id"),
            UnknownObject,
            "FROM Acount: the org has no object Acount, or its user may not see it. Did you mean Account?",
        ),
        (
            account().filter(field("Id").is_in_select(Select::from("Contact").field("AcountId"))),
            UnknownField,
            "SELECT AcountId: Contact has no field AcountId, or the user may not see it. Did you mean AccountId?",
        ),
    ] {
        assert_eq!(only(select).await, (kind, message.to_owned()));
    }
}

#[tokio::test]
async fn what_a_field_cannot_do_is_told() {
    use ProblemKind::{NotAggregatable, NotFilterable, NotGroupable, NotSortable, WrongType};
    for (select, kind, part) in [
        (
            account().filter(field("Description").like("x")),
            NotFilterable,
            "Account.Description is of type textarea and cannot stand in a condition",
        ),
        (account().order_by("Description"), NotSortable, "cannot stand in an ordering"),
        (account().group_by("Description"), NotGroupable, "cannot stand in GROUP BY"),
        (account().field(avg("Name")), NotAggregatable, "AVG does not take that"),
        (account().field(max("Description")), NotAggregatable, "MAX does not take that"),
        (
            account().filter(field("Name").eq(5)),
            WrongType,
            "is of type string and is compared with a number, not with a text",
        ),
        (account().filter(field("IsOpen__c").eq("true")), WrongType, "with a text, not with true or false"),
        (account().filter(field("Visits__c").is_in(["5"])), WrongType, "with a text, not with a number"),
        (
            account().filter(field("Visits__c").eq(Literal::currency("EUR", 5.into()))),
            WrongType,
            "an amount of money",
        ),
        (
            account().filter(field("Since__c").eq(chrono::DateTime::UNIX_EPOCH)),
            WrongType,
            "with an instant, not with a day",
        ),
        (
            account().filter(field("CreatedDate").ge("2024-01-01")),
            WrongType,
            "with a text, not with an instant",
        ),
        (
            account().filter(field("Opens__c").ge(DateLiteral::Today)),
            WrongType,
            "with a relative day, not with a time of day",
        ),
        (account().filter(field("OwnerId").eq("somethingwonky")), WrongType, "no id of 15 or 18 characters"),
        (account().filter(field("Visits__c").like("5%")), WrongType, "LIKE takes texts only"),
        (account().filter(field("Id").like("001%")), WrongType, "LIKE takes texts only"),
        (account().filter(field("OwnerId").like("005%")), WrongType, "LIKE takes texts only"),
        (account().filter(field("Colours__c").like("Red%")), WrongType, "LIKE takes texts only"),
        (account().filter(field("Colours__c").gt("Red")), WrongType, "has no order that > could go by"),
        (account().filter(field("IsOpen__c").le(true)), WrongType, "has no order that <= could go by"),
        (
            account().filter(field("Name").includes(["a"])),
            WrongType,
            "INCLUDES takes picklists of several values only",
        ),
        (
            account().filter(field("Name").is_in_select(Select::from("Contact").field("AccountId"))),
            WrongType,
            "ids and references only",
        ),
        (account().group_by("Name").having(count("Id").gt("x")), WrongType, "with a text, not with a number"),
    ] {
        let (found, message) = only(select).await;
        assert_eq!(found, kind, "{message}");
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn all_problems_come_at_once() {
    let select = account().field("Nmae").order_by("Description").filter(field("Name").eq(1));
    let error = describes().check(&select).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownField);
    let kinds: Vec<_> = error.problems().iter().map(|p| (p.kind, p.name.as_str())).collect();
    assert_eq!(
        kinds,
        [
            (ProblemKind::UnknownField, "Nmae"),
            (ProblemKind::WrongType, "Name"),
            (ProblemKind::NotSortable, "Description")
        ]
    );
    assert!(
        error.to_string().starts_with("the query of Account has 3 problems:\n  SELECT Nmae: "),
        "{error}"
    );
    let error = describes().check(&Select::from("Order__e").field("ReplayId")).await.unwrap_err();
    assert_eq!((error.kind(), error.problems()[0].kind), (ErrorKind::Unusable, ProblemKind::NotQueryable));
}

#[tokio::test]
async fn what_bulk_refuses_is_found_before_there_is_a_job() {
    let refused = [
        (account().field(Select::from("Contacts").field("Id")), "(SELECT … FROM Contacts) reads children"),
        (Select::from("Account").field(count_rows()), "COUNT() is an aggregate"),
        (account().field(max("CreatedDate")), "MAX(CreatedDate) is an aggregate"),
        (account().group_by("Id"), "GROUP BY makes groups"),
        (account().offset(10), "OFFSET 10 passes over rows"),
        (account().field(type_of("What").when("Case", ["Id"])), "TYPEOF What chooses fields by type"),
        (account().all_rows(), "its operation is queryAll"),
        (account().field("BillingAddress"), "SELECT BillingAddress: a compound field"),
        (account().field("Parent.BillingAddress"), "SELECT Parent.BillingAddress: a compound field"),
        (Select::from("Contact").field("Photo"), "SELECT Photo: binary data"),
        (Select::from("Account").field(Fields::All).limit(200), "FIELDS(ALL) selects any number of fields"),
        (
            Select::from("Account").field(Fields::Custom).limit(200),
            "FIELDS(CUSTOM) selects any number of fields",
        ),
        (
            Select::from("Account").field(Fields::Standard),
            "FIELDS(STANDARD) selects BillingAddress: a compound field",
        ),
        (Select::from("Contact").field(Fields::Standard), "FIELDS(STANDARD) selects Photo: binary data"),
        (Select::from("TaskStatus").field("Id"), "TaskStatus: Bulk API 2.0 does not support it"),
    ];
    for (select, part) in refused {
        let error = describes().bulk_check(&select).await.expect_err(part);
        assert_eq!(error.kind(), ErrorKind::Unusable, "{error}");
        let found = said(&error);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, ProblemKind::RefusedByBulk);
        assert!(found[0].1.contains(part), "{}", found[0].1);
    }
    let error = describes().bulk_check(&account().field("Zzz").offset(1)).await.unwrap_err();
    assert_eq!(error.problems().len(), 2, "{error}");
}

#[tokio::test]
async fn bulk_warns_about_what_switches_chunking_off() {
    let ok = account().fields(["Name", "Owner.Name"]).filter(field("Name").ne("x"));
    let describes = describes();
    assert_eq!(describes.bulk_check(&ok).await.unwrap(), []);
    // The one compound that a user has is no standard field.
    let users = Select::from("User").field(Fields::Standard);
    assert_eq!(describes.bulk_check(&users).await.unwrap(), []);
    let slow = ok.clone().order_by("Name").limit(5);
    let warnings = describes.bulk_check(&slow).await.unwrap();
    assert_eq!(warnings, [BulkWarning::OrderBy, BulkWarning::Limit]);
    assert!(warnings[0].to_string().contains("chunking"), "{}", warnings[0]);
}
