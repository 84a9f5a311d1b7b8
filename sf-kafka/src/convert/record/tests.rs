use std::sync::Arc;

use sf_core::record::{Columns, Extra, Field, FieldType, Record, Schema};

use super::*;
use crate::convert::data::{Struct, Value};

const TYPES: [(&str, FieldType); 12] = [
    ("Id", FieldType::Id),
    ("Name", FieldType::String),
    ("Done__c", FieldType::Boolean),
    ("Count", FieldType::Int),
    ("Big__c", FieldType::Long),
    ("Latitude", FieldType::Double),
    ("Share__c", FieldType::Percent),
    ("AnnualRevenue", FieldType::Currency),
    ("Birthday", FieldType::Date),
    ("CreatedDate", FieldType::DateTime),
    ("Opens__c", FieldType::Time),
    ("Other__c", FieldType::AnyType),
];

const CELLS: [&str; 12] = [
    "00Q5g00000ABCDEEA4",
    "Zürich \"😀\"\n",
    "true",
    "-42",
    "9223372036854775807",
    "37.790000000000000001",
    "1.42656567106328E12",
    "98765.430",
    "1907-01-01",
    "2023-11-14T22:13:20.123Z",
    "09:30:00.123Z",
    "x\\y",
];

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new("Lead", TYPES.map(|(name, kind)| Field::new(name, kind)).into()).unwrap())
}

fn row(cells: &[(&str, &str)]) -> Record {
    let columns = Columns::new(&schema(), cells.iter().map(|c| c.0), Extra::Refuse).unwrap();
    let mut record = Record::new(Arc::new(columns));
    record.set_cells(cells.iter().map(|c| c.1)).unwrap();
    record
}

fn full_row() -> Record {
    row(&std::array::from_fn::<_, 12, _>(|at| (TYPES[at].0, CELLS[at])))
}

fn writer(change: impl FnOnce(&mut JsonRecordConfig)) -> JsonRecord {
    let mut config = JsonRecordConfig::default();
    change(&mut config);
    JsonRecord::new(&schema(), &config).unwrap()
}

fn value(writer: &JsonRecord, record: &Record) -> String {
    let mut out = Vec::new();
    writer.write_value(record, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn key(writer: &JsonRecord, record: &Record) -> String {
    let mut out = Vec::new();
    writer.write_key(record, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

const PAYLOAD: &str = concat!(
    r#"{"Id":"00Q5g00000ABCDEEA4","Name":"Zürich \"\uD83D\uDE00\"\n","Done__c":true,"Count":-42,"#,
    r#""Big__c":9223372036854775807,"Latitude":37.790000000000000001,"Share__c":1.42656567106328E12,"#,
    r#""AnnualRevenue":"98765.430","Birthday":-23011,"CreatedDate":1700000000123,"Opens__c":34200123,"#,
    r#""Other__c":"x\\y"}"#
);

const SCHEMA: &str = concat!(
    r#"{"type":"struct","fields":[{"type":"string","optional":false,"field":"Id"},"#,
    r#"{"type":"string","optional":true,"field":"Name"},{"type":"boolean","optional":true,"field":"Done__c"},"#,
    r#"{"type":"int32","optional":true,"field":"Count"},{"type":"int64","optional":true,"field":"Big__c"},"#,
    r#"{"type":"double","optional":true,"field":"Latitude"},{"type":"double","optional":true,"field":"Share__c"},"#,
    r#"{"type":"string","optional":true,"field":"AnnualRevenue"},"#,
    r#"{"type":"int32","optional":true,"name":"org.apache.kafka.connect.data.Date","version":1,"field":"Birthday"},"#,
    r#"{"type":"int64","optional":true,"name":"org.apache.kafka.connect.data.Timestamp","version":1,"field":"CreatedDate"},"#,
    r#"{"type":"int32","optional":true,"name":"org.apache.kafka.connect.data.Time","version":1,"field":"Opens__c"},"#,
    r#"{"type":"string","optional":true,"field":"Other__c"}],"optional":false,"name":"io.confluent.salesforce.Lead"}"#
);

#[test]
fn each_type_is_written_as_the_connectors_have_it() {
    assert_eq!(value(&writer(|_| {}), &full_row()), PAYLOAD);
}

#[test]
fn with_schemas_key_and_value_stand_in_an_envelope() {
    let writer = writer(|c| (c.value_schema, c.key_schema) = (true, true));
    assert_eq!(value(&writer, &full_row()), format!(r#"{{"schema":{SCHEMA},"payload":{PAYLOAD}}}"#));
    assert_eq!(
        key(&writer, &full_row()),
        concat!(
            r#"{"schema":{"type":"struct","fields":[{"type":"string","optional":false,"#,
            r#""doc":"Unique identifier for the object.","field":"Id"}],"optional":false,"#,
            r#""name":"io.confluent.salesforce.LeadKey"},"payload":{"Id":"00Q5g00000ABCDEEA4"}}"#
        )
    );
}

#[test]
fn the_key_is_a_struct_of_the_id_unless_other_fields_are_named() {
    assert_eq!(key(&writer(|_| {}), &full_row()), r#"{"Id":"00Q5g00000ABCDEEA4"}"#);
    let other = writer(|c| c.key_fields = vec!["count".into(), "Id".into()]);
    assert_eq!(key(&other, &full_row()), r#"{"Count":-42,"Id":"00Q5g00000ABCDEEA4"}"#);
}

#[test]
fn an_empty_cell_is_null_and_a_missing_column_is_left_out_without_a_schema() {
    let record = row(&[("Id", "00Q"), ("Count", ""), ("Name", "")]);
    assert_eq!(value(&writer(|_| {}), &record), r#"{"Id":"00Q","Name":null,"Count":null}"#);
    let with_schema = value(&writer(|c| c.value_schema = true), &record);
    let payload = with_schema.split_once(r#","payload":"#).unwrap().1;
    assert_eq!(payload.matches("null").count(), 11, "{payload}");
    assert!(payload.starts_with(r#"{"Id":"00Q","Name":null,"Done__c":null,"#), "{payload}");
}

#[test]
fn dates_that_are_kept_as_text_stay_as_they_came_and_change_the_schema() {
    let writer = writer(|c| {
        c.text_fields = vec!["createddate".into(), "Birthday".into(), "Opens__c".into()];
        c.value_schema = true;
    });
    let written = value(&writer, &full_row());
    for part in [
        r#"{"type":"string","optional":true,"field":"CreatedDate"}"#,
        r#""Birthday":"1907-01-01","CreatedDate":"2023-11-14T22:13:20.123Z","Opens__c":"09:30:00.123Z""#,
    ] {
        assert!(written.contains(part), "{part} in {written}");
    }
}

#[test]
fn a_cell_that_is_not_what_its_type_says_is_an_error_that_says_where_and_not_what() {
    for (field, kind, cell) in [
        ("Latitude", "double", "north"),
        ("AnnualRevenue", "currency", "EUR 5"),
        ("Count", "int", "1.5"),
        ("Done__c", "boolean", "yes"),
        ("Birthday", "date", "2023-02-29"),
        ("CreatedDate", "datetime", "2023-11-14"),
        ("Opens__c", "time", "25:00:00.000Z"),
        ("Count", "int", "2147483648"),
    ] {
        let mut out = b"before".to_vec();
        let error = writer(|_| {}).write_value(&row(&[("Id", "00Q5"), (field, cell)]), &mut out).unwrap_err();
        let what =
            if cell == "2147483648" { "a value beyond 32 bits" } else { "what is no value of its type" };
        assert_eq!(error.to_string(), format!("Lead 00Q5: field {field} ({kind}) holds {what}"));
        let whole = format!("{error:?}");
        assert!(!whole.contains(cell), "{whole}");
        assert_eq!(error.kind(), ErrorKind::Data);
        assert_eq!(out, b"before", "nothing of the row is left behind");
    }
}

#[test]
fn a_row_without_an_id_is_an_error() {
    for record in [row(&[("Id", ""), ("Name", "x")]), row(&[("Name", "x")])] {
        for error in [
            writer(|_| {}).write_value(&record, &mut Vec::new()).unwrap_err(),
            writer(|_| {}).write_key(&record, &mut Vec::new()).unwrap_err(),
        ] {
            assert_eq!(error.to_string(), "a row of Lead has no Id");
        }
    }
}

#[test]
fn settings_that_name_what_is_not_there_are_refused() {
    let refused = |change: fn(&mut JsonRecordConfig)| {
        let mut config = JsonRecordConfig::default();
        change(&mut config);
        let error = JsonRecord::new(&schema(), &config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    };
    assert!(refused(|c| c.key_fields = vec!["Emial".into()]).contains("Lead has no field \"Emial\""));
    assert!(refused(|c| c.text_fields = vec!["Emial".into()]).contains("Lead has no field \"Emial\""));
    assert!(refused(|c| c.text_fields = vec!["Name".into()]).starts_with("Name of Lead is string"));
    assert!(refused(|c| c.key_fields.clear()).ends_with("has no fields"));
}

#[test]
fn a_row_of_another_schema_is_refused() {
    let other = Arc::new(Schema::new("Case", vec![Field::new("Id", FieldType::Id)]).unwrap());
    let mut record = Record::new(Arc::new(Columns::new(&other, ["Id"], Extra::Refuse).unwrap()));
    record.set_cells(["500"]).unwrap();
    assert!(writer(|_| {}).write_value(&record, &mut Vec::new()).is_err());
}

#[test]
fn numbers_of_formulas_that_come_with_a_point_are_whole_all_the_same() {
    assert_eq!(value(&writer(|_| {}), &row(&[("Id", "1"), ("Count", "3.0")])), r#"{"Id":"1","Count":3}"#);
}

/// The straight way from cells and the way through values and the converter say the same.
#[test]
fn the_converter_writes_the_same_of_the_same_row() {
    let writer = writer(|c| c.value_schema = true);
    let mut of = Struct::new(Arc::clone(writer.value_schema())).unwrap();
    let text = |at: usize| Value::String(CELLS[at].into());
    for (name, value) in [
        ("Id", text(0)),
        ("Name", text(1)),
        ("Done__c", Value::Boolean(true)),
        ("Count", Value::Int32(-42)),
        ("Big__c", Value::Int64(i64::MAX)),
        ("Share__c", Value::Float64(1.42656567106328E12)),
        ("AnnualRevenue", text(7)),
        ("Birthday", Value::Instant(-1_988_150_400_000)),
        ("CreatedDate", Value::Instant(1_700_000_000_123)),
        ("Opens__c", Value::Instant(34_200_123)),
        ("Other__c", text(11)),
    ] {
        of.put(name, value).unwrap();
    }
    let record =
        row(&std::array::from_fn::<_, 12, _>(|at| (TYPES[at].0, if at == 5 { "" } else { CELLS[at] })));
    let through = JsonConverter::default().from_connect(Some(writer.value_schema()), &Value::Struct(of));
    assert_eq!(value(&writer, &record), String::from_utf8(through.unwrap().unwrap()).unwrap());
}
