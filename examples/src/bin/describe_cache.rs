//! What an org says about an object, asked for once and kept on disk.
//!
//! ```text
//! cargo run --bin describe_cache -- Account describes/
//! ```
//!
//! Without set-up the org is emulated; `SF_LOGIN_URL`, `SF_CLIENT_ID` and `SF_CLIENT_SECRET` name a real one. Without a
//! folder a temporary one is used, and emptied at the end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use sf_examples::org::Org;
use sf_examples::{Result, run};
use sf_soql::{BulkFields, DescribeCache};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn main() -> ExitCode {
    run("warn", async {
        let mut arguments = std::env::args().skip(1);
        let object = arguments.next().unwrap_or_else(|| "Account".to_owned());
        if let Some(folder) = arguments.next() {
            return show(&object, Path::new(&folder)).await;
        }
        let folder = temporary();
        let shown = show(&object, &folder).await;
        std::fs::remove_dir_all(&folder).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        shown
    })
}

fn temporary() -> PathBuf {
    std::env::temp_dir().join(format!("describe-cache-{}", std::process::id()))
}

async fn show(object: &str, folder: &Path) -> Result<()> {
    let org = Org::connect().await?;
    println!("{}", org.introduction(&[]));
    let cache = DescribeCache::in_folder(org.client.clone(), DAY, folder);

    let begun = Instant::now();
    let describe = cache.object(object).await?;
    println!("{}: {} fields, after {:.1?}", describe.name, describe.fields.len(), begun.elapsed());
    let begun = Instant::now();
    cache.object(object).await?;
    println!("from memory after {:.1?}", begun.elapsed());
    cache.flush().await?;

    // As a process that begins later would find it.
    let later = DescribeCache::in_folder(org.client.clone(), DAY, folder);
    let begun = Instant::now();
    later.object(object).await?;
    println!("from disk after {:.1?}", begun.elapsed());
    for file in std::fs::read_dir(folder)? {
        let file = file?;
        println!("kept in {} ({} bytes)", file.file_name().to_string_lossy(), file.metadata()?.len());
    }

    println!("{} objects can be queried", later.queryable().await?.len());
    let with_parents = later.fields_with_parents(object, ["Owner", "CreatedBy"]).await?;
    let of_parents: Vec<_> = with_parents.iter().filter(|name| name.contains('.')).take(4).collect();
    println!("{} fields with those of its owner and its maker, such as {of_parents:?}", with_parents.len());
    let children: Vec<_> =
        describe.child_relationships.iter().filter_map(|child| child.relationship_name.as_deref()).collect();
    println!("{} child relationships: {}", children.len(), children.join(", "));
    for (name, reason) in BulkFields::of(&describe).left_out {
        println!("{name}: {reason}");
    }
    Ok(())
}
