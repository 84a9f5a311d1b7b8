//! The emulated org: a table of many rows, a table of few, and what becomes of their rows meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::json;
use sf_sim::id::RecordId;
use sf_sim::schema::{FieldDef, ObjectDef, Type};
use sf_sim::store::Store;
use sf_sim::value::Cell;
use sf_sim::{Server, Sim};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// The table of many rows.
pub(crate) const BUSY: &str = "Busy__c";
/// The table of few rows, which change only when a test changes them.
pub(crate) const QUIET: &str = "Quiet__c";
const QUIET_ROWS: usize = 5;
/// Generated rows have smaller numbers: each write after them has one of its own.
const FIRST_EDITION: i64 = 1_000_000;

/// One version of a row: when it was written, which write it was, and whether that deleted it.
pub(crate) type Version = (i64, i64, bool);

#[derive(Debug)]
pub(crate) struct Org {
    pub(crate) sim: Sim,
    pub(crate) server: Server,
    edition: AtomicI64,
}

impl Org {
    pub(crate) async fn new(rows: usize, seed: u64) -> Arc<Self> {
        // Requests of a whole run have to be there at its end.
        let sim = Sim::builder().seed(seed).journal_size(1_000_000).build().unwrap();
        sim.store(|store| {
            for (table, rows) in [(BUSY, rows), (QUIET, QUIET_ROWS)] {
                define(store, table);
                sf_sim::generate::generate(store, table, rows, seed).unwrap();
            }
        });
        let server = sim.serve("127.0.0.1:0").await.unwrap();
        Arc::new(Self { sim, server, edition: AtomicI64::new(FIRST_EDITION) })
    }

    pub(crate) fn ids(&self, table: &str) -> Vec<RecordId> {
        self.sim.read(|store| {
            let rows = store.table(table).unwrap().rows();
            rows.filter(|row| !row.is_deleted()).map(|row| row.id()).collect()
        })
    }

    pub(crate) fn change(&self, table: &str, id: RecordId) {
        self.sim.update(table, id, &json!({ "Edition__c": self.next_edition() })).unwrap();
    }

    fn add(&self, table: &str) -> RecordId {
        let edition = self.next_edition();
        self.sim.insert(table, &json!({ "Name": format!("row {edition}"), "Edition__c": edition })).unwrap()
    }

    fn next_edition(&self) -> i64 {
        self.edition.fetch_add(1, Ordering::Relaxed)
    }

    /// The newest version of every row, deleted or not, by Id.
    pub(crate) fn newest(&self, table: &str) -> HashMap<String, Version> {
        self.sim.read(|store| {
            let table = store.table(table).unwrap();
            let place = |name: &str| table.def().field(name).unwrap().0;
            let (modstamp, edition) = (place("SystemModstamp"), place("Edition__c"));
            let version = |row: &sf_sim::store::Row| match (row.get(modstamp), row.get(edition)) {
                (Cell::DateTime(at), Cell::Int(edition)) => (at, edition, row.is_deleted()),
                other => panic!("{other:?}"),
            };
            table.rows().map(|row| (row.id().text18(), version(row))).collect()
        })
    }

    /// Begins to change, add and delete rows of the busy table, a few every moment.
    pub(crate) fn traffic(self: &Arc<Self>, seed: u64) -> Traffic {
        let stop = CancellationToken::new();
        let task = tokio::spawn(traffic(Arc::clone(self), fastrand::Rng::with_seed(seed), stop.clone()));
        Traffic { stop, task }
    }
}

/// As few fields as a custom object can have: rows, not cells, are what counts here.
fn define(store: &mut Store, name: &str) {
    let field = |name: &str, ty| {
        let mut field = FieldDef::new(name, name, ty);
        field.nillable = false;
        field
    };
    let system = |name: &str, ty| {
        let mut field = field(name, ty);
        (field.createable, field.updateable) = (false, false);
        field
    };
    let mut called = field("Name", Type::String);
    called.set_length(80);
    called.name_field = true;
    let mut edition = field("Edition__c", Type::Int);
    edition.custom = true;
    let mut object = ObjectDef::new(name, name, name, store.next_key_prefix(false));
    object.custom = true;
    for field in [
        system("Id", Type::Id),
        system("IsDeleted", Type::Boolean),
        called,
        system("CreatedDate", Type::DateTime),
        system("SystemModstamp", Type::DateTime),
        edition,
    ] {
        object.add_field(field);
    }
    store.define(object);
}

/// Writes that go on until they are stopped.
#[derive(Debug)]
pub(crate) struct Traffic {
    stop: CancellationToken,
    task: JoinHandle<Writes>,
}

/// How many rows were written.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    pub(crate) changed: u64,
    pub(crate) added: u64,
    pub(crate) deleted: u64,
}

impl Traffic {
    pub(crate) async fn stop(self) -> Writes {
        self.stop.cancel();
        self.task.await.unwrap()
    }
}

async fn traffic(org: Arc<Org>, mut rng: fastrand::Rng, stop: CancellationToken) -> Writes {
    let mut ids = org.ids(BUSY);
    let mut writes = Writes::default();
    let mut moments = tokio::time::interval(Duration::from_millis(25));
    moments.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return writes,
            _ = moments.tick() => {}
        }
        for _ in 0..5 {
            org.change(BUSY, ids[rng.usize(..ids.len())]);
            writes.changed += 1;
        }
        for _ in 0..2 {
            ids.push(org.add(BUSY));
            writes.added += 1;
        }
        org.sim.delete(BUSY, ids.swap_remove(rng.usize(..ids.len()))).unwrap();
        writes.deleted += 1;
    }
}
