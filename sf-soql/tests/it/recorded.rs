//! Describes that real orgs sent, from 2015 to 2022.

use std::path::{Path, PathBuf};

use sf_core::record::{DataType, FieldType};
use sf_soql::{
    BulkFields, Describe, FieldReason, Global, Select, cursor_candidates, cursor_field, schema_of,
};

use crate::support::{recorded_body, shared};

const CUMULUSCI: &str = "recorded/cumulusci-describes";
const RESTFORCE: &str = "recorded/restforce-db/200_get_data_api_version_sobjects_Contact_describe.json";

/// Every recorded describe of one object.
fn describe_files(shared: &Path) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(shared.join(CUMULUSCI)).unwrap().map(|e| e.unwrap().path());
    let is_describe = |p: &PathBuf| {
        let name = p.file_name().unwrap().to_string_lossy().into_owned();
        name.ends_with("_describe.json") && !name.contains("_Global_")
    };
    listed.filter(is_describe).chain([shared.join(RESTFORCE)]).collect()
}

fn describe(shared: &Path, object: &str) -> Describe {
    let file = shared.join(CUMULUSCI).join(format!("GET_sobjects_{object}_describe.json"));
    serde_json::from_str(&recorded_body(&file).0).unwrap()
}

#[test]
fn every_recorded_describe_is_read_whole() {
    let Some(shared) = shared("describes of real orgs") else { return };
    let files = describe_files(&shared);
    assert!(files.len() >= 10, "{}", files.len());
    for file in files {
        let (text, raw) = recorded_body(&file);
        let describe: Describe = serde_json::from_str(&text).unwrap();
        assert_eq!(describe.name, raw["name"]);
        assert_eq!(describe.queryable, raw["queryable"].as_bool().unwrap());
        assert_eq!(describe.key_prefix.as_deref(), raw["keyPrefix"].as_str());
        let raw_fields = raw["fields"].as_array().unwrap();
        assert_eq!(describe.fields.len(), raw_fields.len(), "{}", file.display());
        for (field, raw) in describe.fields.iter().zip(raw_fields) {
            assert_eq!(field.name, raw["name"]);
            assert_eq!(field.field_type.as_str(), raw["type"], "{}", field.name);
            assert_eq!(u64::from(field.length), raw["length"].as_u64().unwrap());
            assert_eq!(u64::from(field.scale), raw["scale"].as_u64().unwrap());
            assert_eq!(field.nillable, raw["nillable"].as_bool().unwrap());
            assert_eq!(field.reference_to.len(), raw["referenceTo"].as_array().unwrap().len());
            assert_eq!(field.picklist_values.len(), raw["picklistValues"].as_array().unwrap().len());
        }
    }
}

#[test]
fn every_field_that_is_no_address_can_be_read_by_bulk() {
    let Some(shared) = shared("describes of real orgs") else { return };
    for file in describe_files(&shared) {
        let (text, raw) = recorded_body(&file);
        let describe: Describe = serde_json::from_str(&text).unwrap();
        let names = |address: bool| -> Vec<String> {
            let fields = raw["fields"].as_array().unwrap().iter();
            let of_type = fields.filter(|f| (f["type"] == "address" || f["type"] == "location") == address);
            of_type.map(|f| f["name"].as_str().unwrap().to_owned()).collect()
        };
        let fields = BulkFields::of(&describe);
        fields.check().unwrap();
        assert_eq!(fields.names().collect::<Vec<_>>(), names(false), "{}", file.display());
        let left_out: Vec<_> = fields.left_out.iter().map(|(n, _)| (*n).to_owned()).collect();
        assert_eq!(left_out, names(true), "{}", file.display());
    }
}

#[test]
fn names_of_companies_and_people_are_read_and_their_addresses_are_not() {
    let Some(shared) = shared("describes of real orgs") else { return };
    let account = describe(&shared, "Account");
    assert_eq!(account.field("Name").unwrap().compound_field_name.as_deref(), Some("Name"));
    let fields = BulkFields::of(&account);
    assert!(fields.names().any(|n| n == "Name") && fields.names().any(|n| n == "BillingCity"));
    let compound = FieldReason::Compound;
    assert_eq!(fields.left_out, [("BillingAddress", compound), ("ShippingAddress", compound)]);
    let contact = describe(&shared, "Contact");
    assert_eq!(contact.field("LastName").unwrap().compound_field_name.as_deref(), Some("Name"));
    assert!(BulkFields::of(&contact).names().any(|n| n == "Name"));
}

#[test]
fn a_schema_and_a_query_come_from_every_recorded_describe() {
    let Some(shared) = shared("describes of real orgs") else { return };
    for file in describe_files(&shared) {
        let describe: Describe = serde_json::from_str(&recorded_body(&file).0).unwrap();
        let fields = BulkFields::of(&describe);
        let schema = schema_of(&describe, fields.names()).unwrap();
        assert_eq!(schema.fields().len(), fields.readable.len());
        assert!(schema.fields().iter().all(|f| f.field_type() != FieldType::Other));
        let soql = Select::from(&describe.name).fields(fields.names()).build().unwrap();
        assert_eq!(
            soql,
            format!("SELECT {} FROM {}", fields.names().collect::<Vec<_>>().join(", "), describe.name)
        );
    }
    let schema =
        schema_of(&describe(&shared, "Account"), ["AnnualRevenue", "BillingLatitude", "NumberOfEmployees"])
            .unwrap();
    let shape: Vec<_> =
        schema.fields().iter().map(|f| (f.data_type(), f.precision(), f.scale(), f.digits())).collect();
    assert_eq!(
        shape,
        [(DataType::Decimal, 18, 0, 0), (DataType::Decimal, 18, 15, 0), (DataType::Integer, 0, 0, 8)]
    );
}

#[test]
fn the_cursor_of_a_standard_object_is_its_system_stamp() {
    let Some(shared) = shared("describes of real orgs") else { return };
    for file in describe_files(&shared) {
        let describe: Describe = serde_json::from_str(&recorded_body(&file).0).unwrap();
        let candidates: Vec<_> = cursor_candidates(&describe).iter().map(|f| f.name.as_str()).collect();
        // The custom object was recorded without its system fields.
        let expected: &[&str] =
            if describe.custom { &[] } else { &["SystemModstamp", "LastModifiedDate", "CreatedDate"] };
        assert_eq!(candidates, expected, "{}", describe.name);
    }
    let account = describe(&shared, "Account");
    let error = cursor_field(&account, Some("LastActivityDate")).unwrap_err();
    assert!(error.to_string().contains("a row may have no value in it"), "{error}");
}

#[test]
fn the_recorded_list_of_objects_is_read() {
    let Some(shared) = shared("the list of objects of a real org") else { return };
    let (text, raw) = recorded_body(&shared.join(CUMULUSCI).join("GET_sobjects_Global_describe.json"));
    let global: Global = serde_json::from_str(&text).unwrap();
    assert_eq!(global.sobjects.len(), raw["sobjects"].as_array().unwrap().len());
    assert_eq!(global.object("account").unwrap().key_prefix.as_deref(), Some("001"));
    assert!(!global.object("UserChangeEvent").unwrap().queryable);
}
