//! Rows to the data of ingest jobs, against what bounds it: the csv crate's writer over the same structs.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use sf_bulk2::{Ingest, Nulls};
use sf_core::Client;
use sf_core::auth::{Token, TokenProvider};
use sf_core::http::{Framing, HttpService, Response, TransportError};
use sf_core::record::{Columns, Extra, Field, FieldType, Record, Schema};
use tokio::runtime::Runtime;

const ROWS: usize = 200_000;
const PART: usize = 20_000;
const COLUMNS: [(&str, FieldType); 10] = [
    ("Ext__c", FieldType::String),
    ("FirstName", FieldType::String),
    ("LastName", FieldType::String),
    ("Company", FieldType::String),
    ("Email", FieldType::String),
    ("Phone", FieldType::String),
    ("NumberOfEmployees", FieldType::Int),
    ("AnnualRevenue", FieldType::Currency),
    ("LastSeen__c", FieldType::DateTime),
    ("Description", FieldType::String),
];

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Lead {
    #[serde(rename = "Ext__c")]
    ext: String,
    first_name: String,
    last_name: String,
    company: String,
    email: String,
    phone: Option<String>,
    number_of_employees: u32,
    annual_revenue: f64,
    #[serde(rename = "LastSeen__c", serialize_with = "sf_bulk2::cell")]
    last_seen: DateTime<Utc>,
    description: String,
}

fn leads() -> Vec<Lead> {
    let begin = DateTime::from_timestamp(1_735_000_000, 0).unwrap();
    let lead = |i: usize| Lead {
        ext: format!("E-{i:010}"),
        first_name: format!("Given{i}"),
        last_name: format!("Family{i}"),
        company: format!("Company number {i} & Sons"),
        email: format!("someone{i}@example.com"),
        phone: (!i.is_multiple_of(3)).then(|| format!("+49 30 {i:07}")),
        number_of_employees: u32::try_from(i % 5000).unwrap(),
        annual_revenue: f64::from(u32::try_from(i).unwrap()) * 7.5,
        last_seen: begin + TimeDelta::seconds(i64::try_from(i).unwrap()),
        description: match i % 10 {
            0 => "said \"yes\",\nthen called".to_owned(),
            _ => "met at the fair, wants a call".to_owned(),
        },
    };
    (0..ROWS).map(lead).collect()
}

fn records(leads: &[Lead]) -> Vec<Record> {
    let fields = COLUMNS.map(|(name, field_type)| Field::new(name, field_type));
    let schema = Arc::new(Schema::new("Lead", fields.into()).unwrap());
    let columns = Arc::new(Columns::new(&schema, COLUMNS.map(|(n, _)| n), Extra::Refuse).unwrap());
    let record = |lead: &Lead| {
        let mut row = csv::Writer::from_writer(Vec::new());
        row.serialize(lead).unwrap();
        let row = row.into_inner().unwrap();
        let mut row = csv::Reader::from_reader(&row[..]);
        let cells = row.records().next().unwrap().unwrap();
        let mut record = Record::new(Arc::clone(&columns));
        record.set_cells(cells.iter()).unwrap();
        record
    };
    leads.iter().map(record).collect()
}

/// An org that takes everything and is done at once.
#[derive(Debug)]
struct Nowhere;

impl HttpService for Nowhere {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        black_box(request.body());
        let state = if *request.method() == http::Method::POST { "Open" } else { "JobComplete" };
        let info = format!(
            r#"{{"id":"7507Q000009f8jvQAA","operation":"insert","object":"Lead","createdById":"0057Q0000037T8QQAU","createdDate":"2023-01-26T10:09:27.000+0000","systemModstamp":"2023-01-26T10:09:27.000+0000","state":"{state}","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":65.0,"numberRecordsProcessed":{PART},"numberRecordsFailed":0}}"#
        );
        let body = futures_util::stream::iter([Ok(Bytes::from(info))]).boxed();
        let status = http::StatusCode::OK;
        let headers = http::HeaderMap::new();
        Box::pin(async move { Ok(Response { status, headers, framing: Framing::Explicit, body }) })
    }
}

#[derive(Debug)]
struct Always;

impl TokenProvider for Always {
    fn token(&self) -> BoxFuture<'_, sf_core::Result<Arc<Token>>> {
        Box::pin(async { Token::new("t", "http://127.0.0.1:1".parse().unwrap()).map(Arc::new) })
    }

    fn invalidate(&self, _: &Token) {}
}

fn lead() -> Ingest {
    Ingest::insert("Lead").part_rows(PART as u64)
}

fn ingest(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let leads = leads();
    let records = records(&leads);
    let client = Client::builder(Always).http(Arc::new(Nowhere)).build().unwrap();
    let mut bytes = csv::Writer::from_writer(Vec::new());
    leads.iter().for_each(|lead| bytes.serialize(lead).unwrap());
    let bytes = bytes.into_inner().unwrap();

    let mut group = c.benchmark_group("200,000 rows to ten parts");
    group.throughput(Throughput::Bytes(bytes.len() as u64)).sample_size(20);
    group.bench_function("limit: csv::Writer", |b| {
        b.iter(|| {
            let mut writer = csv::Writer::from_writer(Vec::with_capacity(16 << 20));
            for lead in &leads {
                writer.serialize(lead).unwrap();
            }
            black_box(writer.into_inner().unwrap()).len()
        });
    });
    group.bench_function("ours: serde structs", |b| {
        b.to_async(&runtime).iter(|| async {
            let load = lead().rows(futures_util::stream::iter(&leads), Nulls::Ignore);
            assert_eq!(load.run(&client).await.unwrap().rows(), ROWS as u64);
        });
    });
    group.bench_function("ours: CSV that is there already", |b| {
        b.to_async(&runtime).iter(|| async {
            let load = lead().csv_bytes(&bytes);
            assert_eq!(load.run(&client).await.unwrap().rows(), ROWS as u64);
        });
    });
    group.bench_function("limit: csv::Writer over Records", |b| {
        b.iter(|| {
            let mut writer = csv::Writer::from_writer(Vec::with_capacity(16 << 20));
            for record in &records {
                writer.write_record((0..COLUMNS.len()).map(|i| record.cell(i).unwrap())).unwrap();
            }
            black_box(writer.into_inner().unwrap()).len()
        });
    });
    group.bench_function("ours: Records, with the copies that a stream of them takes", |b| {
        b.to_async(&runtime).iter(|| async {
            let rows = records.iter().cloned().map(Ok::<_, std::convert::Infallible>);
            let load = lead().records(futures_util::stream::iter(rows), Nulls::Ignore);
            assert_eq!(load.run(&client).await.unwrap().rows(), ROWS as u64);
        });
    });
    group.bench_function("those copies alone", |b| {
        b.iter(|| {
            records.iter().cloned().map(|record| black_box(record).schema().fields().len()).sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, ingest);
criterion_main!(benches);
