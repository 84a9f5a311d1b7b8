//! Rows of a REST query against serde_json over the same bytes; describes from memory and from disk; and how much of
//! the org's latency the pages fetched ahead leave.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up has failed")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use sf_core::auth::{Token, TokenProvider};
use sf_core::http::{Framing, HttpService, Response, TransportError};
use sf_core::record::{Field, FieldType, Schema};
use sf_core::{Client, Id};
use sf_soql::{DescribeCache, Query};
use tokio::runtime::{Builder, Runtime};

const PAGES: usize = 20;
const ROWS: usize = 2_000;
const FIELDS: [(&str, FieldType); 10] = [
    ("Id", FieldType::Id),
    ("FirstName", FieldType::String),
    ("LastName", FieldType::String),
    ("Company", FieldType::String),
    ("Email", FieldType::Email),
    ("Phone", FieldType::Phone),
    ("City", FieldType::String),
    ("AnnualRevenue", FieldType::Currency),
    ("CreatedDate", FieldType::DateTime),
    ("Description", FieldType::TextArea),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "only filled")]
struct Lead {
    id: String,
    first_name: Option<String>,
    last_name: String,
    company: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    city: Option<String>,
    annual_revenue: Option<f64>,
    created_date: String,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Answer<T> {
    records: Vec<T>,
}

/// The pages of a query, as an org sends them.
fn pages() -> Vec<Bytes> {
    let total = PAGES * ROWS;
    let page = |n: usize| {
        let to = (n + 1) * ROWS;
        let mut out = format!(r#"{{"totalSize":{total},"done":{},"#, to == total);
        if to < total {
            out.push_str(&format!(r#""nextRecordsUrl":"/services/data/v65.0/query/01gXX-{to}","#));
        }
        out.push_str(r#""records":["#);
        for i in n * ROWS..to {
            if i > n * ROWS {
                out.push(',');
            }
            let phone = if i % 3 == 0 { "null".to_owned() } else { format!("\"+49 30 {i:07}\"") };
            let description =
                if i % 10 == 0 { r#"said \"yes\",\nthen called"# } else { "met at the fair, wants a call" };
            out.push_str(&format!(
                r#"{{"attributes":{{"type":"Lead","url":"/services/data/v65.0/sobjects/Lead/00Q5i{i:010}AAA"}},"Id":"00Q5i{i:010}AAA","FirstName":"Given{i}","LastName":"Family{i}","Company":"Company number {i} & Sons","Email":"someone{i}@example.com","Phone":{phone},"City":"Mönchengladbach","AnnualRevenue":{}.50,"CreatedDate":"2024-12-24T18:18:29.000+0000","Description":"{description}"}}"#,
                i * 7
            ));
        }
        out.push_str("]}");
        Bytes::from(out)
    };
    (0..PAGES).map(page).collect()
}

/// A describe of 80 fields with picklists, as large as Account's.
fn describe() -> String {
    let field = |n: usize| {
        let values: Vec<_> = (0..if n.is_multiple_of(10) { 30 } else { 0 })
            .map(|v| serde_json::json!({ "active": true, "defaultValue": false, "label": format!("Value {v}"), "validFor": null, "value": format!("Value {v}") }))
            .collect();
        serde_json::json!({
            "aggregatable": true, "byteLength": 765, "calculated": false, "compoundFieldName": null,
            "createable": true, "custom": true, "digits": 0, "externalId": false, "filterable": true,
            "groupable": true, "label": format!("Field number {n}"), "length": 255, "name": format!("Field{n}__c"),
            "nillable": true, "picklistValues": values, "precision": 0, "referenceTo": [], "relationshipName": null,
            "scale": 0, "soapType": "xsd:string", "sortable": true, "type": "string", "unique": false, "updateable": true
        })
    };
    let fields: Vec<_> = (0..80).map(field).collect();
    serde_json::json!({ "name": "Account", "label": "Account", "queryable": true, "fields": fields })
        .to_string()
}

/// An org in memory; each answer takes so long.
#[derive(Debug)]
struct Memory {
    pages: Vec<Bytes>,
    describe: Bytes,
    takes: Duration,
}

impl HttpService for Memory {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let path = request.uri().path();
        let from = path.rsplit_once("01gXX-").map_or(0, |(_, from)| from.parse::<usize>().unwrap());
        let body =
            if path.ends_with("describe") { self.describe.clone() } else { self.pages[from / ROWS].clone() };
        let takes = self.takes;
        Box::pin(async move {
            if !takes.is_zero() {
                tokio::time::sleep(takes).await;
            }
            let body = futures_util::stream::iter([Ok(body)]).boxed();
            let headers = http::HeaderMap::new();
            Ok(Response { status: http::StatusCode::OK, headers, framing: Framing::Explicit, body })
        })
    }
}

#[derive(Debug)]
struct Always;

impl TokenProvider for Always {
    fn token(&self) -> BoxFuture<'_, sf_core::Result<Arc<Token>>> {
        Box::pin(async {
            let mut token = Token::new("t", "https://org.example.com".parse().unwrap())?;
            token.org_id = Some("00D5i000000abcdEAA".parse::<Id>().unwrap());
            token.user_id = Some("0055i000000abcdAAA".parse::<Id>().unwrap());
            Ok(Arc::new(token))
        })
    }

    fn invalidate(&self, _: &Token) {}
}

fn client(takes: Duration) -> Client {
    let memory = Memory { pages: pages(), describe: describe().into(), takes };
    Client::builder(Always).http(Arc::new(memory)).build().unwrap()
}

/// One thread, so that no second one helps.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn rows(c: &mut Criterion) {
    let (runtime, client, pages) = (runtime(), client(Duration::ZERO), pages());
    let bytes: usize = pages.iter().map(Bytes::len).sum();
    let schema = Arc::new(Schema::new("Lead", FIELDS.map(|(n, t)| Field::new(n, t)).into()).unwrap());
    let query = Query::new("SELECT Id FROM Lead");
    let mut group = c.benchmark_group(format!("{PAGES} pages of {ROWS} rows"));
    group.throughput(Throughput::Bytes(bytes as u64)).sample_size(30);
    group.bench_function("limit: serde_json to structs", |b| {
        b.iter(|| {
            for page in &pages {
                black_box(serde_json::from_slice::<Answer<Lead>>(page).unwrap().records);
            }
        });
    });
    group.bench_function("Query::rows", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let mut rows = query.rows::<Lead>(&client);
                while let Some(row) = rows.next_row().await.unwrap() {
                    black_box(row);
                }
            });
        });
    });
    group.bench_function("limit: serde_json to Value", |b| {
        b.iter(|| {
            for page in &pages {
                black_box(serde_json::from_slice::<Answer<serde_json::Value>>(page).unwrap().records);
            }
        });
    });
    group.bench_function("Query::records", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let mut records = query.records(&client, &schema);
                while let Some(record) = records.next_record().await.unwrap() {
                    black_box(record);
                }
            });
        });
    });
    group.finish();
}

fn describes(c: &mut Criterion) {
    let (runtime, client) = (runtime(), client(Duration::ZERO));
    let folder = tempfile::tempdir().unwrap();
    let day = Duration::from_secs(24 * 3600);
    let kept = DescribeCache::in_folder(client.clone(), day, folder.path());
    runtime.block_on(async {
        kept.object("Account").await.unwrap();
        kept.flush().await.unwrap();
    });
    let mut group = c.benchmark_group("a describe of 80 fields");
    group.bench_function("from memory", |b| {
        b.to_async(&runtime).iter(|| async { black_box(kept.object("Account").await.unwrap()) });
    });
    group.bench_function("from disk, in a process that has just begun", |b| {
        b.to_async(&runtime).iter(|| async {
            let cold = DescribeCache::in_folder(client.clone(), day, folder.path());
            black_box(cold.object("Account").await.unwrap())
        });
    });
    group.bench_function("limit: serde_json over the org's answer", |b| {
        let json = describe();
        b.iter(|| black_box(serde_json::from_str::<sf_soql::Describe>(&json).unwrap()));
    });
    group.finish();
}

/// Not one for many samples: it takes the seconds that it takes.
fn latency(_: &mut Criterion) {
    let takes = Duration::from_millis(200);
    let client = client(takes);
    let took = runtime().block_on(async {
        let begun = Instant::now();
        let mut pages = Query::new("SELECT Id FROM Lead").pages(&client);
        while let Some(page) = pages.next_page().await.unwrap() {
            // Work that waits for something else, such as a database.
            tokio::time::sleep(Duration::from_millis(150)).await;
            black_box(page);
        }
        begun.elapsed()
    });
    let sum = takes * u32::try_from(PAGES).unwrap();
    println!(
        "{PAGES} pages of {takes:?} with 150 ms of work on each: {took:.2?}, {:.3} of the sum of page times",
        took.as_secs_f64() / sum.as_secs_f64()
    );
}

criterion_group!(benches, rows, describes, latency);
criterion_main!(benches);
