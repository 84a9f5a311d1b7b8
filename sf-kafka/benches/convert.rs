//! Rows to JSON: bytes of CSV cells a second on one core.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sf_core::record::{Columns, Extra, Field, FieldType, Record, Schema};
use sf_kafka::convert::record::{JsonRecord, JsonRecordConfig};

const FIELDS: [(&str, FieldType, &str); 16] = [
    ("Id", FieldType::Id, "00Q5g00000ABCDEEA4"),
    ("IsDeleted", FieldType::Boolean, "false"),
    ("LastName", FieldType::String, "Lovelace"),
    ("FirstName", FieldType::String, "Ada"),
    ("Title", FieldType::String, "Countess, \"first\" programmer"),
    ("Company", FieldType::String, "Analytical Engines of Zürich"),
    ("Street", FieldType::TextArea, "1 Market Street\nSuite 300"),
    ("City", FieldType::String, "San Francisco"),
    ("Latitude", FieldType::Double, "37.793810"),
    ("Email", FieldType::Email, "ada.lovelace@example.com"),
    (
        "Description",
        FieldType::TextArea,
        "Asked for a quotation for 40 engines, wants to see one at work before the end of the quarter.",
    ),
    ("AnnualRevenue", FieldType::Currency, "1250000.50"),
    ("NumberOfEmployees", FieldType::Int, "4200"),
    ("OwnerId", FieldType::Reference, "0055g00000ABCDEAA4"),
    ("CreatedDate", FieldType::DateTime, "2023-11-14T22:13:20.000Z"),
    ("SystemModstamp", FieldType::DateTime, "2024-02-29T12:34:56.000Z"),
];

fn rows(c: &mut Criterion) {
    let fields = FIELDS.map(|(name, kind, _)| Field::new(name, kind)).into();
    let schema = Arc::new(Schema::new("Lead", fields).expect("the names differ"));
    let columns =
        Columns::new(&schema, FIELDS.map(|f| f.0), Extra::Refuse).expect("the header is the schema's");
    let mut record = Record::new(Arc::new(columns));
    record.set_cells(FIELDS.map(|f| f.2)).expect("as many cells as columns");
    let bytes: usize = FIELDS.iter().map(|f| f.2.len()).sum();

    let mut group = c.benchmark_group("convert");
    group.throughput(Throughput::Bytes(bytes as u64));
    for (name, value_schema) in [("row to JSON", false), ("row to JSON with schema", true)] {
        let config =
            JsonRecordConfig { value_schema, key_schema: value_schema, ..JsonRecordConfig::default() };
        let writer = JsonRecord::new(&schema, &config).expect("the settings name fields of the schema");
        let mut out = Vec::new();
        group.bench_function(name, |b| {
            b.iter(|| {
                out.clear();
                writer.write_key(black_box(&record), &mut out).expect("the cells are good");
                writer.write_value(black_box(&record), &mut out).expect("the cells are good");
                black_box(out.len())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, rows);
criterion_main!(benches);
