//! The recycle bin.

use super::*;

fn id(name: &str, id: RecordId) -> (String, Value) {
    (name.to_owned(), Value::Id(id))
}

/// An account, a contact that goes with it, and an account that only points to it.
fn family() -> (Store, [RecordId; 3]) {
    let mut store = store();
    let user = store.running_user();
    let parent = store.insert("Account", values(&[("Name", "Parent")]), user).unwrap();
    let mut child = values(&[("Name", "Child")]);
    child.push(id("ParentId", parent));
    let child = store.insert("Account", child, user).unwrap();
    let mut contact = values(&[("LastName", "Lee")]);
    contact.push(id("AccountId", parent));
    let contact = store.insert("Contact", contact, user).unwrap();
    (store, [parent, child, contact])
}

#[test]
fn a_row_comes_back_with_what_went_with_it_and_with_what_pointed_to_it() {
    let (mut store, [parent, child, contact]) = family();
    let user = store.running_user();
    store.delete("Account", parent, user).unwrap();
    assert_eq!(get(&store, "Account", child, "ParentId"), Value::Null);
    store.clock().advance(Duration::from_secs(7));
    store.undelete("Account", parent, user).unwrap();
    assert_eq!(get(&store, "Account", parent, "IsDeleted"), Value::Bool(false));
    assert_eq!(get(&store, "Account", parent, "SystemModstamp"), Value::DateTime(STAMP + 7_000));
    assert!(!store.row("Contact", contact).unwrap().is_deleted());
    assert_eq!(get(&store, "Contact", contact, "AccountId"), Value::Id(parent));
    assert_eq!(get(&store, "Account", child, "ParentId"), Value::Id(parent));
    assert_eq!(store.undelete("Account", parent, user).unwrap_err().code, "UNDELETE_FAILED");
}

#[test]
fn a_reference_that_was_set_anew_stays() {
    let (mut store, [parent, child, _]) = family();
    let user = store.running_user();
    let other = store.insert("Account", values(&[("Name", "Other")]), user).unwrap();
    store.delete("Account", parent, user).unwrap();
    store.update("Account", child, vec![id("ParentId", other)], user).unwrap();
    store.undelete("Account", parent, user).unwrap();
    assert_eq!(get(&store, "Account", child, "ParentId"), Value::Id(other));
}

#[test]
fn a_row_that_was_deleted_before_its_parent_stays_deleted() {
    let (mut store, [parent, _, contact]) = family();
    let user = store.running_user();
    store.delete("Contact", contact, user).unwrap();
    store.delete("Account", parent, user).unwrap();
    assert_eq!(store.undelete("Contact", contact, user).unwrap_err().code, "UNDELETE_FAILED");
    store.undelete("Account", parent, user).unwrap();
    assert!(store.row("Contact", contact).unwrap().is_deleted());
    store.undelete("Contact", contact, user).unwrap();
    assert_eq!(get(&store, "Contact", contact, "AccountId"), Value::Id(parent));
}

#[test]
fn the_bin_is_emptied_after_fifteen_days() {
    let (mut store, [parent, ..]) = family();
    let user = store.running_user();
    store.delete("Account", parent, user).unwrap();
    let day = Duration::from_secs(24 * 60 * 60);
    let deleted = |store: &Store| {
        let query = crate::soql::parse("SELECT Id FROM Account WHERE IsDeleted = true").unwrap();
        let plan = crate::soql::plan(&query, store.catalog()).unwrap();
        let now_ms = store.clock().now_ms();
        plan.count(store, crate::soql::Scope { include_deleted: true, now_ms, user: None })
    };
    store.clock().advance(day * 15 - Duration::from_secs(1));
    assert_eq!(deleted(&store), 1);
    store.clock().advance(Duration::from_secs(2));
    assert_eq!(deleted(&store), 0);
    assert_eq!(store.undelete("Account", parent, user).unwrap_err().code, "UNDELETE_FAILED");
}

#[test]
fn a_delete_that_is_refused_further_down_leaves_no_trace() {
    let (mut store, [parent, child, contact]) = family();
    let user = store.running_user();
    // A case holds the contact that would go with the account.
    let mut def = ObjectDef::clone(store.catalog().get("Case").unwrap());
    def.edit_field("ContactId", |field| field.restricted_delete = true);
    store.define(def);
    let case = store.insert("Case", vec![id("ContactId", contact)], user).unwrap();
    assert_eq!(store.delete("Account", parent, user).unwrap_err().code, "DELETE_FAILED");
    assert!(!store.row("Contact", contact).unwrap().is_deleted());
    assert_eq!(get(&store, "Account", child, "ParentId"), Value::Id(parent));
    store.delete("Case", case, user).unwrap();
    store.delete("Account", parent, user).unwrap();
}

/// An object whose rows have a unique code and go with the row that `Master__c` points to, of `master`.
fn detail(store: &mut Store, name: &str, prefix: &'static str, master: &str) {
    let mut def = ObjectDef::new(name, name, name, KeyPrefix::of(prefix));
    def.add_field(FieldDef::new("Id", "Id", Type::Id));
    def.add_field(FieldDef::new("IsDeleted", "Deleted", Type::Boolean));
    let mut code = FieldDef::new("Code__c", "Code", Type::String);
    code.set_length(40);
    code.unique = true;
    def.add_field(code);
    let mut reference = FieldDef::new("Master__c", "Master", Type::Reference);
    reference.reference_to = vec![master.to_owned()];
    reference.cascade_delete = true;
    def.add_field(reference);
    store.define(def);
}

#[test]
fn an_undelete_brings_all_levels_back_or_none() {
    let mut store = store();
    let user = store.running_user();
    detail(&mut store, "Item__c", "a9I", "Account");
    detail(&mut store, "Part__c", "a9P", "Item__c");
    let account = store.insert("Account", values(&[("Name", "A")]), user).unwrap();
    let row = |code: &str, master| vec![("Code__c".to_owned(), Value::text(code)), id("Master__c", master)];
    let item = store.insert("Item__c", row("i", account), user).unwrap();
    let part = store.insert("Part__c", row("p", item), user).unwrap();
    let lost = store.insert("Part__c", row("q", item), user).unwrap();
    store.delete("Account", account, user).unwrap();
    store.hard_delete("Part__c", lost);
    let deleted = |store: &Store| {
        let rows = [("Account", account), ("Item__c", item), ("Part__c", part)];
        rows.map(|(object, id)| store.row(object, id).unwrap().is_deleted())
    };
    assert_eq!(deleted(&store), [true; 3]);

    // Somebody has the part's code by now.
    let other = store.insert("Part__c", vec![("Code__c".to_owned(), Value::text("p"))], user).unwrap();
    assert_eq!(store.undelete("Account", account, user).unwrap_err().code, "DUPLICATE_VALUE");
    assert_eq!(deleted(&store), [true; 3], "nothing came back alone");
    store.delete("Part__c", other, user).unwrap();
    store.undelete("Account", account, user).unwrap();
    assert_eq!(deleted(&store), [false; 3]);
    assert!(store.row("Part__c", lost).is_none());
}

#[test]
fn later_deletes_know_which_rows_came_moved_and_came_back_since_the_first() {
    let (mut store, [parent, _, moved]) = family();
    let user = store.running_user();
    let account = |store: &mut Store| store.insert("Account", values(&[("Name", "A")]), user).unwrap();
    let (first, other) = (account(&mut store), account(&mut store));
    store.delete("Account", first, user).unwrap();
    let mut contact = values(&[("LastName", "New")]);
    contact.push(id("AccountId", other));
    let new = store.insert("Contact", contact, user).unwrap();
    store.update("Contact", moved, vec![id("AccountId", other)], user).unwrap();
    let gone = |store: &Store| [new, moved].map(|id| store.row("Contact", id).unwrap().is_deleted());
    store.delete("Account", parent, user).unwrap();
    assert_eq!(gone(&store), [false; 2]);
    for _ in 0..2 {
        store.delete("Account", other, user).unwrap();
        assert_eq!(gone(&store), [true; 2]);
        store.undelete("Account", other, user).unwrap();
        assert_eq!(gone(&store), [false; 2]);
    }
}

#[test]
fn rows_that_hold_each_other_in_a_circle_go_together() {
    let mut store = store();
    let user = store.running_user();
    let mut def = ObjectDef::new("Ring__c", "Ring", "Rings", KeyPrefix::of("a9R"));
    def.add_field(FieldDef::new("Id", "Id", Type::Id));
    def.add_field(FieldDef::new("IsDeleted", "Deleted", Type::Boolean));
    let mut next = FieldDef::new("Next__c", "Next", Type::Reference);
    next.reference_to = vec!["Ring__c".to_owned()];
    next.cascade_delete = true;
    def.add_field(next);
    store.define(def);
    let a = store.insert("Ring__c", vec![], user).unwrap();
    let b = store.insert("Ring__c", vec![id("Next__c", a)], user).unwrap();
    store.update("Ring__c", a, vec![id("Next__c", b)], user).unwrap();
    store.delete("Ring__c", a, user).unwrap();
    assert_eq!(store.table("Ring__c").unwrap().live(), 0);
    store.undelete("Ring__c", a, user).unwrap();
    assert_eq!(store.table("Ring__c").unwrap().live(), 2);
}
