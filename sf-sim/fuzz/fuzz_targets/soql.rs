//! Any text as a statement: a tree that writes itself out to the same statement, and a plan that runs; or a refusal.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sf_sim::clock::Clock;
use sf_sim::soql::{Scope, Together, parse, plan};
use sf_sim::store::Store;
use sf_sim::value::Value;

/// 2024-03-13.
const NOW: i64 = 1_710_331_200_000;

static ORG: LazyLock<Store> = LazyLock::new(|| {
    let mut store = Store::with_standard_objects(Clock::fixed(NOW));
    let user = store.running_user();
    for n in 0..3 {
        let name = vec![("Name".to_owned(), Value::text(format!("Account {n}")))];
        let id = store.insert("Account", name, user).expect("an account");
        let contact = vec![
            ("LastName".to_owned(), Value::text("Müller")),
            ("AccountId".to_owned(), Value::Id(id)),
        ];
        store.insert("Contact", contact, user).expect("a contact");
    }
    store
});

fuzz_target!(|text: &str| {
    let Ok(query) = parse(text) else { return };
    let shown = query.to_string();
    match parse(&shown) {
        Ok(again) => assert_eq!(again.to_string(), shown),
        // A few characters more may pass the longest statement, or the longest string.
        Err(error) => assert!(error.message.contains("cannot be longer"), "{shown}: {error}"),
    }
    let Ok(plan) = plan(&query, ORG.catalog()) else { return };
    let scope = Scope { include_deleted: true, now_ms: NOW, user: None };
    let view = plan.view(&ORG, scope);
    if plan.is_grouped() {
        assert!(view.groups().len() <= 64, "{shown}");
        return;
    }
    let rows: Vec<_> = view.clone().into_rows().cloned().collect();
    let related = view.related(&rows);
    for row in &rows {
        let record = view.record(row, "/s", &related, &mut Together);
        assert!(record["attributes"]["type"].is_string());
        let mut out = Vec::new();
        plan.columns().iter().for_each(|column| view.write_csv(row, column, &mut out));
    }
    assert!(plan.limit().is_none_or(|most| rows.len() as u64 <= most), "{shown}");
});
