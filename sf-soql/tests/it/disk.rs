//! The cache of describes on disk: what a process finds that another one left.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sf_core::http::InProcess;
use sf_core::{ApiVersion, Client};
use sf_sim::Sim;
use sf_sim::fault::{Action, Fault, Route};
use sf_soql::{Describe, DescribeCache, ErrorKind, Query};
use tempfile::tempdir;

use crate::support::{Shelf, at_version, client, recorded_body, shared};

const HOUR: Duration = Duration::from_secs(3600);

fn sim() -> (Sim, Client) {
    let sim = Sim::builder().build().unwrap();
    let client = of(&sim);
    (sim, client)
}

fn of(sim: &Sim) -> Client {
    client(Arc::new(InProcess::new(sim.router())), "https://emulated.my.salesforce.com", &sim.access_token())
}

fn asked(sim: &Sim) -> u64 {
    sim.journal().count(&Route::Describe)
}

fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_one_process_learned_the_next_one_knows() {
    let folder = tempdir().unwrap();
    let (sim, client) = sim();
    let first = DescribeCache::in_folder(client.clone(), HOUR, folder.path().join("a/b"));
    let learned = first.object("Account").await.unwrap();
    let list = first.global().await.unwrap();
    first.flush().await.unwrap();

    let second = DescribeCache::in_folder(client, HOUR, folder.path().join("a/b"));
    assert_eq!(*second.object("ACCOUNT").await.unwrap(), *learned);
    assert_eq!(*second.global().await.unwrap(), *list);
    assert_eq!(asked(&sim), 1);
    assert_eq!(sim.journal().count(&Route::DescribeGlobal), 1);
    let name = format!("{}-{}-v65.0.describes", sim.org_id().text18(), sim.user_id().text18());
    assert_eq!(files(&folder.path().join("a/b")), [name]);
}

#[tokio::test(start_paused = true)]
async fn it_is_written_without_being_told_to() {
    let folder = tempdir().unwrap();
    let (_sim, client) = sim();
    let cache = DescribeCache::in_folder(client, HOUR, folder.path());
    cache.object("Account").await.unwrap();
    // The clock of the test runs ahead of a disk that is busy.
    let begun = std::time::Instant::now();
    while files(folder.path()).iter().all(|name| !name.ends_with(".describes")) {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing was written");
        tokio::time::advance(Duration::from_millis(100)).await;
        tokio::task::spawn_blocking(std::thread::yield_now).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_too_old_is_asked_for_by_its_date() {
    let folder = tempdir().unwrap();
    let (sim, client) = sim();
    let first = DescribeCache::in_folder(client.clone(), HOUR, folder.path());
    let learned = first.object("Account").await.unwrap();
    first.flush().await.unwrap();
    let second = DescribeCache::in_folder(client, Duration::ZERO, folder.path());
    assert_eq!(*second.object("Account").await.unwrap(), *learned);
    let requests = sim.journal().requests();
    let statuses: Vec<_> =
        requests.iter().filter(|r| r.path.ends_with("/describe")).map(|r| r.status).collect();
    assert_eq!(statuses, [Some(200), Some(304)]);
}

#[tokio::test]
async fn what_the_org_refused_is_gone_from_the_disk_too() {
    let folder = tempdir().unwrap();
    let (sim, client) = sim();
    let first = DescribeCache::in_folder(client.clone(), HOUR, folder.path());
    for object in ["Account", "Contact"] {
        first.object(object).await.unwrap();
    }
    first.flush().await.unwrap();
    let query = Query::new("SELECT Zzz FROM Account").describes(&first, "Account");
    let refused = query.rows::<serde_json::Value>(&client).next_row().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::UnknownField);
    first.flush().await.unwrap();

    let second = DescribeCache::in_folder(client, HOUR, folder.path());
    second.object("Contact").await.unwrap();
    assert_eq!(asked(&sim), 2);
    second.object("Account").await.unwrap();
    assert_eq!(asked(&sim), 3);
    second.clear();
    second.flush().await.unwrap();
    second.object("Contact").await.unwrap();
    assert_eq!(asked(&sim), 4);
}

#[tokio::test]
async fn orgs_users_and_versions_have_files_of_their_own() {
    let folder = tempdir().unwrap();
    let (one, two) = (Sim::builder().seed(1).build().unwrap(), Sim::builder().seed(2).build().unwrap());
    let newer = at_version(
        Arc::new(InProcess::new(one.router())),
        "https://emulated.my.salesforce.com",
        &one.access_token(),
        "66.0".parse::<ApiVersion>().unwrap(),
    );
    for client in [of(&one), newer, of(&two)] {
        let cache = DescribeCache::in_folder(client, HOUR, folder.path());
        cache.object("Account").await.unwrap();
        cache.flush().await.unwrap();
    }
    let same_org = one.org_id() == two.org_id() && one.user_id() == two.user_id();
    assert_eq!(files(folder.path()).len(), if same_org { 2 } else { 3 });
    assert_eq!(asked(&one), 2);
}

#[tokio::test]
async fn processes_that_share_a_folder_keep_what_the_others_learned() {
    let folder = tempdir().unwrap();
    let (sim, client) = sim();
    let caches = ["Account", "Contact", "Lead"]
        .map(|object| (object, DescribeCache::in_folder(client.clone(), HOUR, folder.path())));
    for (object, cache) in &caches {
        cache.object(object).await.unwrap();
    }
    for (_, cache) in &caches {
        cache.flush().await.unwrap();
    }
    let last = DescribeCache::in_folder(client, HOUR, folder.path());
    for (object, _) in &caches {
        last.object(object).await.unwrap();
    }
    assert_eq!(asked(&sim), 3);
}

#[tokio::test]
async fn a_file_that_is_broken_is_as_good_as_none_and_is_replaced() {
    let folder = tempdir().unwrap();
    let (sim, client) = sim();
    let first = DescribeCache::in_folder(client.clone(), HOUR, folder.path());
    first.object("Account").await.unwrap();
    first.flush().await.unwrap();
    let file = folder.path().join(&files(folder.path())[0]);
    let good = fs::read(&file).unwrap();
    let newer = String::from_utf8(good.clone()).unwrap().replacen("\"format\":1", "\"format\":2", 1);
    let line = good.iter().position(|b| *b == b'\n').unwrap() + 1;
    let garbled: Vec<u8> = good.iter().enumerate().map(|(i, b)| if i > line { b'x' } else { *b }).collect();
    let broken = [
        Vec::new(),
        b"no\n".to_vec(),
        good[..good.len() / 2].to_vec(),
        good[..line].to_vec(),
        garbled,
        newer.into_bytes(),
    ];
    for (n, bytes) in (1..).zip(broken) {
        fs::write(&file, bytes).unwrap();
        let cache = DescribeCache::in_folder(client.clone(), HOUR, folder.path());
        cache.object("Account").await.unwrap();
        assert_eq!(asked(&sim), 1 + n);
        cache.flush().await.unwrap();
        let next = DescribeCache::in_folder(client.clone(), HOUR, folder.path());
        next.object("Account").await.unwrap();
        assert_eq!(asked(&sim), 1 + n);
    }
    assert_eq!(files(folder.path()).len(), 1, "no temporary file is left");
}

#[tokio::test]
async fn a_describe_that_is_cut_off_does_not_keep_the_others_from_the_disk() {
    let (sim, client) = sim();
    let before = tempdir().unwrap();
    let first = DescribeCache::in_folder(client.clone(), HOUR, before.path());
    first.object("Account").await.unwrap();
    first.object("Contact").await.unwrap();
    first.flush().await.unwrap();
    let name = &files(before.path())[0];
    let good = fs::read(before.path().join(name)).unwrap();
    let line = good.iter().position(|b| *b == b'\n').unwrap() + 1;
    let head: serde_json::Value = serde_json::from_slice(&good[..line]).unwrap();
    let (mut far, mut long) = (head.clone(), head);
    far["entries"]["account"]["at"] = u64::MAX.into();
    long["entries"]["account"]["length"] = u64::MAX.into();
    let with = |head: serde_json::Value| [head.to_string().as_bytes(), b"\n", &good[line..]].concat();
    for broken in [good[..good.len() - 10].to_vec(), with(far), with(long)] {
        let folder = tempdir().unwrap();
        fs::write(folder.path().join(name), broken).unwrap();
        let second = DescribeCache::in_folder(client.clone(), HOUR, folder.path());
        second.object("Lead").await.unwrap();
        second.flush().await.unwrap();
        let asked_before = asked(&sim);
        let third = DescribeCache::in_folder(client.clone(), HOUR, folder.path());
        for object in ["Account", "Contact", "Lead"] {
            third.object(object).await.unwrap();
        }
        assert_eq!(asked(&sim), asked_before + 1, "only the broken one is asked for again");
    }
}

#[tokio::test]
async fn who_the_user_is_is_asked_again_after_a_failure_and_not_after_a_refusal() {
    for (fault, files_then, asked_then) in [
        (Fault::on(Route::Userinfo).nth(1).then(Action::unavailable()), 1, 2),
        (Fault::on(Route::Userinfo).always().then(Action::error(403, "FORBIDDEN", "no")), 0, 1),
    ] {
        let folder = tempdir().unwrap();
        let (sim, client) = sim();
        sim.faults().add(fault);
        let cache = DescribeCache::in_folder(client, HOUR, folder.path());
        for object in ["Account", "Contact"] {
            cache.object(object).await.unwrap();
        }
        cache.flush().await.unwrap();
        assert_eq!(files(folder.path()).len(), files_then);
        assert_eq!(sim.journal().count(&Route::Userinfo), asked_then);
    }
}

#[tokio::test]
async fn without_a_user_or_a_folder_that_can_be_written_the_memory_serves() {
    let folder = tempdir().unwrap();
    let object = json!({ "name": "Account", "queryable": true, "fields": [{ "name": "Id", "type": "id" }] });
    let cache = DescribeCache::in_folder(Shelf::new([("Account", object)]).client(), HOUR, folder.path());
    for _ in 0..2 {
        cache.object("Account").await.unwrap();
    }
    cache.flush().await.unwrap();
    assert!(files(folder.path()).is_empty());

    let (sim, client) = sim();
    let in_the_way = folder.path().join("file");
    fs::write(&in_the_way, "x").unwrap();
    let cache = DescribeCache::in_folder(client, HOUR, &in_the_way);
    for _ in 0..2 {
        cache.object("Account").await.unwrap();
    }
    assert_eq!(asked(&sim), 1);
    let error = cache.flush().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
}

#[test]
fn a_recorded_describe_is_kept_as_it_was_read() {
    let Some(shared) = shared("describes of real orgs") else { return };
    let folder = shared.join("recorded/cumulusci-describes");
    let mut kept = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with("_describe.json") && !name.contains("_Global_") {
            let read: Describe = serde_json::from_str(&recorded_body(&path).0).unwrap();
            let written = serde_json::to_vec(&read).unwrap();
            assert_eq!(serde_json::from_slice::<Describe>(&written).unwrap(), read, "{name}");
            kept += 1;
        }
    }
    assert!(kept >= 9, "{kept}");
}
