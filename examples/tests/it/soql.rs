//! The programs about SOQL and describes.

use std::path::Path;

use crate::{program, said};

#[test]
fn the_tour_builds_reads_and_checks() {
    let said = said(program(env!("CARGO_BIN_EXE_soql_tour")));
    for found in [
        r"WHERE Name LIKE '%O\'Hara 100\%%' AND (CreatedDate >= LAST_N_DAYS:30 OR Rating IN ('Hot', 'Warm'))",
        "WHERE Id IN (SELECT AccountId FROM Opportunity WHERE IsClosed = false)",
        "HAVING COUNT(Id) > 10 ORDER BY SUM(Amount) DESC NULLS LAST",
        "2,000 of 2,000 rows, page by page",
        "Account has no field Nmae, or the user may not see it. Did you mean Name?",
        "Account has no relationship Ownr, or the user may not see it. Did you mean Owner?",
        "OFFSET 10 passes over rows, which Bulk API 2.0 refuses",
    ] {
        assert!(said.contains(found), "{found:?} is not in\n{said}");
    }
    assert_eq!(said.lines().filter(|line| line.contains(" belongs to ")).count(), 3, "{said}");
}

#[test]
fn a_describe_is_kept_in_the_folder_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let cached = |folder: &Path| {
        let mut command = program(env!("CARGO_BIN_EXE_describe_cache"));
        command.arg("Lead").arg(folder);
        said(command)
    };
    let first = cached(folder.path());
    for found in
        ["Lead: ", "from memory after ", "from disk after ", "objects can be queried", "such as [\"", ".Id\""]
    {
        assert!(first.contains(found), "{found:?} is not in\n{first}");
    }
    let files = || folder.path().read_dir().unwrap().map(|f| f.unwrap().file_name()).collect::<Vec<_>>();
    let kept = files();
    assert_eq!(kept.len(), 1);
    assert!(first.contains(kept[0].to_str().unwrap()), "{first}");
    cached(folder.path());
    assert_eq!(files(), kept);
}

#[test]
fn a_struct_names_the_fields_and_takes_the_rows() {
    let said = said(program(env!("CARGO_BIN_EXE_fields_of_a_struct")));
    let query =
        "SELECT Id, Name, Industry, NumberOfEmployees, Owner.Name FROM Account ORDER BY Name ASC LIMIT 5";
    assert!(said.contains(query), "{said}");
    assert_eq!(
        said.lines().filter(|line| line.starts_with("001") && line.contains(" people, of ")).count(),
        5
    );
}
