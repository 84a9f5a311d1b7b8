use serde_json::json;

use super::*;

fn offset(position: u64) -> Offset {
    Offset::from_iter([("position".to_owned(), json!(position))])
}

fn lead() -> SourcePartition {
    SourcePartition::table("Lead")
}

#[tokio::test]
async fn what_was_written_is_there_when_the_file_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("offsets.json");
    let store = FileStore::open(&path).await.unwrap();
    assert_eq!(store.read("a", &lead()).await.unwrap(), None);
    let account = SourcePartition::table("Account");
    store.write("a", &[(lead(), Some(offset(1))), (account.clone(), Some(offset(2)))]).await.unwrap();
    store.write("b", &[(lead(), Some(offset(3)))]).await.unwrap();
    store.write("a", &[(account.clone(), None)]).await.unwrap();
    drop(store);

    let store = FileStore::open(&path).await.unwrap();
    assert_eq!(store.list("a").await.unwrap(), [(lead(), offset(1))]);
    assert_eq!(store.read("b", &lead()).await.unwrap(), Some(offset(3)));
    assert_eq!(store.read("a", &account).await.unwrap(), None);
    let left: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the file and its lock, no half-written one: {left:?}");
}

#[tokio::test]
async fn a_second_process_is_refused_until_the_first_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("offsets.json");
    let store = FileStore::open(&path).await.unwrap();
    let error = FileStore::open(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    assert!(error.to_string().contains("offsets.json"), "{error}");
    drop(store);
    FileStore::open(&path).await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_named_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("offsets.json");
    for content in ["", "{\"version\":1,\"offsets\":[{", "{\"version\":2,\"offsets\":[]}", "[1]", "Id,Name\n"]
    {
        fs::write(&path, content).unwrap();
        let error = FileStore::open(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unfit, "{content}");
        assert!(error.to_string().contains("offsets.json"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[tokio::test]
async fn a_missing_directory_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let error = FileStore::open(directory.path().join("absent/offsets.json")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.hint(), Some("make its directory first"));
}

#[tokio::test]
async fn a_change_that_nobody_waits_for_any_more_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("offsets.json");
    let store = FileStore::open(&path).await.unwrap();
    let changes = [(lead(), Some(offset(1)))];
    // Polled once, which starts it, and dropped.
    let _ = tokio::time::timeout(std::time::Duration::ZERO, store.write("a", &changes)).await;
    store.write("b", &[(lead(), Some(offset(2)))]).await.unwrap();
    while Arc::strong_count(&store.0) > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.read("a", &lead()).await.unwrap(), Some(offset(1)));
    drop(store);
    let store = FileStore::open(&path).await.unwrap();
    assert_eq!(store.read("a", &lead()).await.unwrap(), Some(offset(1)));
    assert_eq!(store.read("b", &lead()).await.unwrap(), Some(offset(2)));
}

/// Writes more than the file size limit that its parent has set allows.
#[tokio::test]
#[ignore = "run as a child of a_full_disk_leaves_the_old_offsets"]
async fn write_beyond_the_limit() {
    let path = std::env::var_os("SF_TEST_OFFSETS").unwrap();
    let store = FileStore::open(PathBuf::from(path)).await.unwrap();
    let large = Offset::from_iter([("text".to_owned(), json!("x".repeat(1 << 20)))]);
    let error = store.write("a", &[(lead(), Some(large))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.hint().is_some_and(|hint| hint.contains("still in the file")), "{error:?}");
    assert_eq!(store.read("a", &lead()).await.unwrap(), Some(offset(1)));
}

#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_leaves_the_old_offsets() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("offsets.json");
    let store = FileStore::open(&path).await.unwrap();
    store.write("a", &[(lead(), Some(offset(1)))]).await.unwrap();
    drop(store);
    // No disk can be filled here; a limit on the size of files fails the same call in the same place.
    let status = std::process::Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "offset::file::tests::write_beyond_the_limit"])
        .env("SF_TEST_OFFSETS", &path)
        .status()
        .unwrap();
    assert!(status.success());
    let store = FileStore::open(&path).await.unwrap();
    assert_eq!(store.list("a").await.unwrap(), [(lead(), offset(1))]);
}
