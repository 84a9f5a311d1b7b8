//! Reading rows, and writing them, allocates nothing once the buffers have grown, and a load from disk little: counted by
//! an allocator, so in a binary of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod parallel;
#[path = "../it/support/mod.rs"]
#[allow(dead_code, reason = "shared with the other test binary, which uses all of it")]
mod support;
mod upload;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::future::BoxFuture;
use serde::Serialize;
use sf_bulk2::{Ingest, Load, Nulls, Position, QueryJob};
use sf_core::Client;
use sf_core::http::{HttpService, Response, TransportError};
use sf_core::record::{Columns, Extra, Field, FieldType, Record, Schema};
use support::{Always, Answer, JOB, Script, schema};

#[test]
fn rows_after_the_first_hundred_cost_no_allocation() {
    let mut page = Answer::page(0, 20_000, None);
    page.piece = 1 << 22; // one piece: only rows are looked at, not what the network allocates
    let script = Script::new([page]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let job = QueryJob::attach(&script.client(), JOB.parse().unwrap(), "65.0".parse().unwrap());
        let mut pages = job.pages(Position::START);
        pages.next_page().await.unwrap();
        let mut row = pages.record(&schema()).unwrap();
        for _ in 0..100 {
            assert!(pages.next_row(&mut row).await.unwrap());
        }
        let counted = allocation_counter::measure(|| {
            futures_util::FutureExt::now_or_never(async {
                for _ in 0..19_000 {
                    assert!(pages.next_row(&mut row).await.unwrap());
                }
            })
            .expect("everything is in memory");
        });
        assert_eq!(counted.count_total, 0);
        assert_eq!(row.cell(0), Some("19099"), "the rows were really read");
    });
}

/// An org that takes everything and is done at once, with so many rows.
#[derive(Debug)]
struct Nowhere(usize);

impl HttpService for Nowhere {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Result<Response, TransportError>> {
        let state = if *request.method() == http::Method::POST { "Open" } else { "JobComplete" };
        let mut answer = Answer::json(
            200,
            &format!(
                r#"{{"id":"{JOB}","operation":"insert","object":"T","createdById":"0057Q0000037T8QQAU","createdDate":"2023-01-26T10:09:27.000+0000","systemModstamp":"2023-01-26T10:09:27.000+0000","state":"{state}","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":65.0,"numberRecordsProcessed":{},"numberRecordsFailed":0}}"#,
                self.0
            ),
        );
        answer.piece = 1 << 20;
        Box::pin(async move { Ok(answer.respond()) })
    }
}

/// What a load of one part allocates while it runs.
fn allocations(load: Load<'_>, rows: usize) -> u64 {
    let client = Client::builder(Always).http(Arc::new(Nowhere(rows))).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut sent = 0;
    let counted = allocation_counter::measure(|| {
        let loaded = runtime.block_on(load.run(&client)).unwrap();
        assert_eq!(loaded.jobs().len(), 1);
        sent = loaded.rows();
    });
    assert_eq!(sent, rows as u64);
    counted.count_total
}

/// A part ten times as large needs its buffer grown a few times more, and that is all.
fn assert_none_a_row(of: &str, load: impl Fn(usize) -> u64) {
    let (few, many) = (load(2_000), load(20_000));
    assert!(many < few + 10, "{of}: {few} allocations for 2,000 rows, {many} for 20,000");
}

#[derive(Serialize, Clone)]
#[serde(rename_all = "PascalCase")]
struct Row {
    name: String,
    note: Option<&'static str>,
    active: bool,
    count: u64,
    amount: f64,
    length: Shown,
    #[serde(serialize_with = "sf_bulk2::cell")]
    day: NaiveDate,
    #[serde(serialize_with = "sf_bulk2::cell")]
    seen: DateTime<Utc>,
}

/// Written by its `Display`, as times and decimals of other crates are.
#[derive(Clone)]
struct Shown(u32);

impl Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{} m", self.0))
    }
}

fn ingest() -> Ingest {
    Ingest::insert("T").part_bytes(100_000_000)
}

#[test]
fn rows_of_serde_structs_and_maps_cost_no_allocation() {
    let row = |i: usize| Row {
        name: format!("say \"{i}\", or not"),
        note: i.is_multiple_of(2).then_some("line\nline"),
        active: i.is_multiple_of(3),
        count: i as u64,
        amount: f64::from(u32::try_from(i).unwrap()) / 8.0,
        length: Shown(7),
        day: NaiveDate::from_ymd_opt(2024, 2, 29).unwrap(),
        seen: DateTime::from_timestamp(1_735_000_000, 0).unwrap(),
    };
    assert_none_a_row("structs", |rows| {
        let made: Vec<_> = (0..rows).map(row).collect();
        allocations(ingest().rows(futures_util::stream::iter(&made), Nulls::SetNull), rows)
    });
    assert_none_a_row("maps", |rows| {
        let map =
            |i: usize| BTreeMap::from([("Name".to_owned(), i.to_string()), ("Note".to_owned(), "x".into())]);
        let made: Vec<_> = (0..rows).map(map).collect();
        allocations(ingest().rows(futures_util::stream::iter(&made), Nulls::Ignore), rows)
    });
}

#[test]
fn records_and_csv_cost_no_allocation() {
    let types = [
        ("Name", FieldType::String),
        ("Amount", FieldType::Currency),
        ("Count", FieldType::Int),
        ("Active", FieldType::Boolean),
        ("Day", FieldType::Date),
        ("Seen", FieldType::DateTime),
        ("Note", FieldType::String),
    ];
    let schema = Schema::new("T", types.map(|(name, kind)| Field::new(name, kind)).into()).unwrap();
    let columns = Columns::new(&Arc::new(schema), types.map(|(name, _)| name), Extra::Refuse).unwrap();
    let columns = Arc::new(columns);
    let record = |i: usize| {
        let mut record = Record::new(Arc::clone(&columns));
        let (name, count) = (format!("row, {i}"), i.to_string());
        let cells = [&name, "-12.50", &count, "true", "2024-02-29", "2024-12-24T18:18:29.000Z", ""];
        record.set_cells(cells).unwrap();
        record
    };
    assert_none_a_row("records", |rows| {
        let made: Vec<_> = (0..rows).map(record).map(Ok::<_, std::convert::Infallible>).collect();
        allocations(ingest().records(futures_util::stream::iter(made), Nulls::SetNull), rows)
    });
    assert_none_a_row("CSV", |rows| {
        let csv = (0..rows).fold("Name,N\n".to_owned(), |csv, i| csv + &format!("\"a, \"\"{i}\"\"\",{i}\n"));
        allocations(ingest().csv_bytes(csv), rows)
    });
}
