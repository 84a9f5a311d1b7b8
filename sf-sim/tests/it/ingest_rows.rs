//! What ingest jobs make of rows: values, columns, errors, and the files that tell of them.

use serde_json::{Value, json};
use sf_sim::schema::{FieldDef, Type};

use crate::support::Org;

/// An org whose Accounts and Contacts have external ids, and whose Accounts a number and a checkbox besides.
async fn org() -> Org {
    let org = Org::new().await;
    let external = |name: &str| {
        let mut field = FieldDef::new(name, "External", Type::String);
        field.set_length(40);
        field.external_id = true;
        field.unique = true;
        field.id_lookup = true;
        field.custom = true;
        field
    };
    let mut share = FieldDef::new("Share__c", "Share", Type::Double);
    (share.precision, share.scale, share.custom) = (18, 2, true);
    let mut loose = external("Loose__c");
    loose.unique = false;
    let fields = vec![
        external("External__c"),
        loose,
        share,
        FieldDef::new("Active__c", "Active", Type::Boolean),
        FieldDef::new("Since__c", "Since", Type::Date),
        FieldDef::new("At__c", "At", Type::DateTime),
    ];
    org.sim.store(|store| {
        assert!(store.add_fields("Account", fields));
        assert!(store.add_fields("Contact", vec![external("External__c")]));
    });
    org
}

fn update() -> Value {
    json!({ "object": "Account", "operation": "update" })
}

fn upsert() -> Value {
    json!({ "object": "Account", "operation": "upsert", "externalIdFieldName": "External__c" })
}

#[tokio::test]
async fn outcome_files_are_written_as_recorded() {
    // Header and rows as a real org's, recorded with v53: unquoted upload, quoted answer.
    let org = Org::new().await;
    let csv = "Name,Description,NumberOfEmployees\n\
               TestAccount1,Description of TestAccount1,30\n,Description of TestAccount1,30\n";
    let job = org.inserted("Account", csv).await;
    assert_eq!(job.progress().await, ("JobComplete".to_owned(), 2, 1));
    let id = &org.rows("SELECT Id FROM Account").await[0]["Id"];
    let (header, rows) = job.outcome("successfulResults").await;
    assert_eq!(header, r#""sf__Id","sf__Created",Name,Description,NumberOfEmployees"#);
    let row = format!(r#"{id},"true","TestAccount1","Description of TestAccount1","30""#);
    assert_eq!(rows, [row]);
    let (header, rows) = job.outcome("failedResults").await;
    assert_eq!(header, r#""sf__Id","sf__Error",Name,Description,NumberOfEmployees"#);
    let row = r#""","REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --","","Description of TestAccount1","30""#;
    assert_eq!(rows, [row]);
    let (header, rows) = job.outcome("unprocessedrecords").await;
    assert_eq!((header.as_str(), rows.len()), ("Name,Description,NumberOfEmployees", 0));
}

#[tokio::test]
async fn values_are_read_and_written_again_as_the_org_does() {
    let org = org().await;
    let csv = "Name,Share__c,Active__c,Since__c,At__c\n\
               plain,912260031,YES,2024-01-31,2024-01-31T10:00:00+02:00\n\
               small,1.5,0,2024-02-29,2024-01-31\n\
               \"a \"\"b\"\", c\nd\",1e3,,,2024-01-31T10:00:00.250Z\n";
    let job = org.inserted("Account", csv).await;
    assert_eq!(job.progress().await, ("JobComplete".to_owned(), 3, 0));
    let rows =
        org.rows("SELECT Name, Share__c, Active__c, Since__c, At__c FROM Account ORDER BY Share__c").await;
    let told: Vec<String> = rows.iter().map(Value::to_string).collect();
    assert_eq!(
        told,
        [
            r#"{"Name":"small","Share__c":1.5,"Active__c":false,"Since__c":"2024-02-29","At__c":"2024-01-31T00:00:00.000+0000"}"#,
            r#"{"Name":"a \"b\", c\nd","Share__c":1000.0,"Active__c":false,"Since__c":null,"At__c":"2024-01-31T10:00:00.250+0000"}"#,
            r#"{"Name":"plain","Share__c":912260031.0,"Active__c":true,"Since__c":"2024-01-31","At__c":"2024-01-31T08:00:00.000+0000"}"#,
        ]
    );
    let text = org.told(&job.path("/successfulResults")).await.1;
    for cells in [
        r#","true","plain","9.12260031E8","true","2024-01-31","2024-01-31T08:00:00.000Z""#,
        r#","true","small","1.5","false","2024-02-29","2024-01-31T00:00:00.000Z""#,
        ",\"true\",\"a \"\"b\"\", c\nd\",\"1000.0\",\"\",\"\",\"2024-01-31T10:00:00.250Z\"",
    ] {
        assert!(text.contains(&format!("{cells}\n")), "{cells}: {text}");
    }
}

#[tokio::test]
async fn cells_that_their_field_cannot_take_fail_their_row_alone() {
    let org = org().await;
    let long = "x".repeat(41);
    let csv = format!(
        "Name,Since__c,ParentId,Share__c,Active__c,External__c\n\
         a,2003-04-987654321987654321,,,,\n\
         b,,nonsense,,,\n\
         c,,,\"1,000.5\",,\n\
         d,,,,maybe,\n\
         e,,,,,{long}\n\
         f,,0015i00000000zzAAA,,,\n\
         good,,,,,\n"
    );
    let job = org.inserted("Account", &csv).await;
    assert_eq!(job.progress().await, ("JobComplete".to_owned(), 7, 6));
    let mut errors = job.errors().await;
    errors.sort();
    let expected = [
        "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:ParentId --".to_owned(),
        "INVALID_FIELD:Failed to deserialize field at col 1. Due to, '2003-04-987654321987654321' is not a valid value for the type xsd:date:Since__c --".to_owned(),
        "INVALID_FIELD:Failed to deserialize field at col 3. Due to, '1,000.5' is not a valid value for the type xsd:double:Share__c --".to_owned(),
        "INVALID_FIELD:Failed to deserialize field at col 4. Due to, 'maybe' is not a valid value for the type xsd:boolean:Active__c --".to_owned(),
        "MALFORMED_ID:Parent Account ID: id value of incorrect type: nonsense:ParentId --".to_owned(),
        format!("STRING_TOO_LONG:External: data value too large: {long} (max length=40):External__c --"),
    ];
    assert_eq!(errors, expected);
    assert_eq!(org.rows("SELECT Name FROM Account").await, [json!({ "Name": "good" })]);
}

#[tokio::test]
async fn an_update_leaves_what_is_empty_and_empties_what_is_not_available() {
    let org = org().await;
    let fields = json!({ "Name": "before", "Phone": "1", "Fax": "2", "External__c": "e" });
    let id = org.sim.insert("Account", &fields).unwrap().to_string();
    let gone = org.sim.insert("Account", &json!({ "Name": "gone" })).unwrap();
    org.sim.delete("Account", gone).unwrap();
    let csv = format!(
        "Id,Name,Phone,Fax\n{},after,,#N/A\n{gone},x,,\n,x,,\nbad,x,,\n0015i00000zzzzz,x,,\n",
        &id[..15]
    );
    let job = org.loaded(update(), &csv).await;
    assert_eq!(job.progress().await, ("JobComplete".to_owned(), 5, 4));
    let rows = org.rows("SELECT Name, Phone, Fax, External__c FROM Account").await;
    assert_eq!(rows, [json!({ "Name": "after", "Phone": "1", "Fax": null, "External__c": "e" })]);
    let (_, rows) = job.outcome("successfulResults").await;
    assert_eq!(rows, [format!(r##""{id}","false","{}","after","","#N/A""##, &id[..15])]);
    let (_, rows) = job.outcome("failedResults").await;
    let unknown = "0015i00000zzzzz".parse::<sf_sim::id::RecordId>().unwrap();
    let mut expected = [
        format!(r#""{gone}","ENTITY_IS_DELETED:entity is deleted:--","{gone}","x","","""#),
        r#""","MISSING_ARGUMENT:Id not specified in an update call:--","","x","","""#.to_owned(),
        r#""","MALFORMED_ID:malformed id bad:Id --","bad","x","","""#.to_owned(),
        format!(
            r#""{unknown}","INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--","0015i00000zzzzz","x","","""#
        ),
    ];
    expected.sort();
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn failed_rows_of_updates_tell_their_ids_from_version_53_on() {
    let org = org().await;
    for (version, tells) in [("v52.0", false), ("v53.0", true)] {
        let id = org.sim.insert("Account", &json!({ "Name": "x" })).unwrap();
        let base = format!("/services/data/{version}/jobs/ingest");
        let job: Value = org.post(&base, &update()).await.json().await.unwrap();
        let path = format!("{base}/{}", job["id"].as_str().unwrap());
        let put =
            org.call(reqwest::Method::PUT, &format!("{path}/batches")).header("content-type", "text/csv");
        put.body(format!("Id,NumberOfEmployees\n{id},many\n")).send().await.unwrap();
        let state = json!({ "state": "UploadComplete" });
        org.call(reqwest::Method::PATCH, &path).json(&state).send().await.unwrap();
        assert_eq!(org.json(&path).await["numberRecordsFailed"], 1);
        let text = org.told(&format!("{path}/failedResults")).await.1;
        let told = if tells { id.to_string() } else { String::new() };
        assert!(text.lines().nth(1).unwrap().starts_with(&format!("\"{told}\",\"INVALID_FIELD:")), "{text}");
    }
}

#[tokio::test]
async fn an_upsert_finds_rows_by_their_external_id() {
    let org = org().await;
    let known = org.sim.insert("Account", &json!({ "Name": "old", "External__c": "A-1" })).unwrap();
    let csv = "external__C,Name\na-1,changed\nB-2,new\n,nobody\nC-3,\nD-4,once\nd-4,twice\n";
    let job = org.loaded(upsert(), csv).await;
    assert_eq!(job.progress().await, ("JobComplete".to_owned(), 6, 4));
    let rows = org.rows("SELECT Name, External__c FROM Account ORDER BY Name").await;
    let row = |name: &str, external: &str| json!({ "Name": name, "External__c": external });
    assert_eq!(rows, [row("changed", "A-1"), row("new", "B-2")]);
    let (_, rows) = job.outcome("successfulResults").await;
    assert!(rows.contains(&format!(r#""{known}","false","a-1","changed""#)), "{rows:?}");
    assert!(rows.iter().any(|row| row.ends_with(r#"","true","B-2","new""#)), "{rows:?}");
    let mut errors = job.errors().await;
    errors.sort();
    let expected = [
        "DUPLICATE_VALUE:Duplicate external id specified: D-4:External__c --",
        "DUPLICATE_VALUE:Duplicate external id specified: d-4:External__c --",
        "MISSING_ARGUMENT:External__c not specified:External__c --",
        "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
    ];
    assert_eq!(errors, expected);
}

#[tokio::test]
async fn an_upsert_that_finds_several_rows_changes_none() {
    let org = org().await;
    let row = json!({ "Name": "x", "Loose__c": "same" });
    let ids = [org.sim.insert("Account", &row).unwrap(), org.sim.insert("Account", &row).unwrap()];
    let body = json!({ "object": "Account", "operation": "upsert", "externalIdFieldName": "Loose__c" });
    let job = org.loaded(body, "Loose__c,Name\nsame,y\n").await;
    assert_eq!(job.progress().await.2, 1);
    let expected = format!(
        "DUPLICATE_VALUE:More than one record found for external id field: [{}, {}]:Loose__c --",
        ids[0], ids[1]
    );
    assert_eq!(job.errors().await, [expected]);
}

#[tokio::test]
async fn an_upsert_by_id_changes_what_has_one_and_inserts_the_rest() {
    let org = org().await;
    let id = org.sim.insert("Account", &json!({ "Name": "old" })).unwrap();
    let body = json!({ "object": "Account", "operation": "upsert", "externalIdFieldName": "Id" });
    let job = org.loaded(body, &format!("Id,Name\n{id},changed\n,new\n")).await;
    assert_eq!(job.progress().await, ("JobComplete".to_owned(), 2, 0));
    let rows = org.rows("SELECT Name FROM Account ORDER BY Name").await;
    assert_eq!(rows, [json!({ "Name": "changed" }), json!({ "Name": "new" })]);
}

#[tokio::test]
async fn deleted_rows_go_to_the_bin_and_hard_deleted_ones_nowhere() {
    for (operation, in_bin) in [("delete", true), ("hardDelete", false)] {
        let org = org().await;
        let id = org.sim.insert("Account", &json!({ "Name": "x" })).unwrap();
        let held = org.sim.insert("Account", &json!({ "Name": "held" })).unwrap();
        let case = json!({ "AccountId": held.to_string() });
        org.sim.insert("Case", &case).unwrap();
        let body = json!({ "object": "Account", "operation": operation });
        let job = org.loaded(body.clone(), &format!("id\n{id}\n{id}x\n")).await;
        assert_eq!(job.progress().await, ("JobComplete".to_owned(), 2, 1));
        let (_, rows) = job.outcome("successfulResults").await;
        assert_eq!(rows, [format!(r#""{id}","false","{id}""#)]);
        let bin = org.sim.read(|store| store.row("Account", id).map(|row| row.is_deleted()));
        assert_eq!(bin, in_bin.then_some(true), "{operation}");

        let twice = org.loaded(body.clone(), &format!("Id\n{held}\n{held}\n")).await;
        let error = format!("DUPLICATE_VALUE:Duplicate id specified: {}:Id --", &held.to_string()[..15]);
        assert_eq!(twice.progress().await.2, 2);
        assert_eq!(twice.errors().await, [error.clone(), error]);
        let more = org.loaded(body, &format!("Id,Name\n{held},x\n")).await;
        let message = format!("InvalidBatch : The '{operation}' batch must contain only ids");
        assert_eq!(more.failure().await, message);
    }
}

#[tokio::test]
async fn parents_are_named_by_their_external_ids() {
    let org = org().await;
    let parent = org.sim.insert("Account", &json!({ "Name": "p", "External__c": "P" })).unwrap();
    let other = org.sim.insert("Account", &json!({ "Name": "o" })).unwrap();
    for _ in 0..2 {
        org.sim.insert("Account", &json!({ "Name": "l", "Loose__c": "L" })).unwrap();
    }
    let csv = "LastName,Account.External__c\na,p\nb,\nc,Q\nd,#N/A\n";
    let job = org.inserted("Contact", csv).await;
    assert_eq!(job.progress().await, ("JobComplete".to_owned(), 4, 1));
    let rows = org.rows("SELECT LastName, AccountId FROM Contact ORDER BY LastName").await;
    let row = |name: &str, account: Value| json!({ "LastName": name, "AccountId": account });
    let named = json!(parent.to_string());
    assert_eq!(rows, [row("a", named), row("b", Value::Null), row("d", Value::Null)]);
    let missing =
        "INVALID_FIELD:Foreign key external ID: Q not found for field External__c in entity Account:--";
    assert_eq!(job.errors().await, [missing]);

    let several = org.inserted("Contact", "LastName,account.loose__c\na,L\n").await;
    assert_eq!(several.progress().await.2, 1);
    assert!(several.errors().await[0].starts_with("DUPLICATE_VALUE:More than one record found"), "several");
    // Ids are external ids too.
    let by_id = org.inserted("Contact", &format!("LastName,Account.Id\nz,{other}\n")).await;
    assert_eq!(by_id.progress().await.2, 0);
    // A reference to one of several objects names which.
    org.sim.store(|store| {
        let mut name = store.catalog().get("User").unwrap().field("Username").unwrap().1.clone();
        name.id_lookup = true;
        assert!(store.add_fields("User", vec![name]));
    });
    let user = org.sim.user_id().to_string();
    let typed = org.inserted("Case", "Subject,User:Owner.Username\nx,integration@sim.example\n").await;
    assert_eq!(typed.progress().await, ("JobComplete".to_owned(), 1, 0));
    assert_eq!(org.rows("SELECT OwnerId FROM Case").await, [json!({ "OwnerId": user })]);
}

#[tokio::test]
async fn a_header_that_the_object_does_not_have_fails_the_job() {
    let org = org().await;
    for (object, header, why) in [
        ("Account", "Name,Employees", "Field name not found : Employees"),
        ("Account", "Name,CreatedDate", "Field name not found : CreatedDate"),
        ("Account", "\u{feff}Name", "Field name not found : \u{feff}Name"),
        ("Account", "Name, Phone", "Field name not found :  Phone"),
        ("Contact", "LastName,Nope.Name", "Unable to find relationship: Nope"),
        ("Contact", "LastName,Account.Phone", "Field name not found : Account.Phone"),
        ("Contact", "LastName,A:B:C", "Field name not found : A:B:C"),
        (
            "Contact",
            "LastName,Account:Account.External__c",
            "type is not needed for non polymorphic foreign key references: Account",
        ),
        ("Account", "Name,name", "Duplicate field name found : name"),
    ] {
        let job = org.inserted(object, &format!("{header}\na,b\n")).await;
        assert_eq!(job.failure().await, format!("InvalidBatch : {why}"));
        assert_eq!(org.told(&job.path("/unprocessedrecords")).await.1, format!("{header}\na,b\n"));
        assert_eq!(job.outcome("successfulResults").await.1.len(), 0);
    }
    assert!(org.rows("SELECT Id FROM Contact").await.is_empty());
}

#[tokio::test]
async fn data_that_is_no_csv_of_the_job_fails_it() {
    let org = org().await;
    let wrong = |setting: &str| {
        format!(
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {setting}"
        )
    };
    for (csv, why) in [
        ("Name\r\nx\r\n", wrong("LF")),
        ("Name,Description\nx,\"two\r\nlines\"\n", wrong("LF")),
        ("", "ClientInputError : The data is empty".to_owned()),
        ("Name\n\"x\n", "ClientInputError : A quoted value is never closed".to_owned()),
    ] {
        assert_eq!(org.inserted("Account", csv).await.failure().await, why);
    }
    let crlf = json!({ "object": "Account", "operation": "insert", "lineEnding": "CRLF" });
    for csv in ["Name\nx\n", "Name,Description\r\nx,\"two\nlines\"\r\n"] {
        assert_eq!(org.loaded(crlf.clone(), csv).await.failure().await, wrong("CRLF"));
    }
    let never = org.ingest(json!({ "object": "Account", "operation": "insert" })).await;
    assert_eq!(never.set("UploadComplete").await.0, 200);
    assert_eq!(never.failure().await, "ClientInputError : The data is empty");
}

#[tokio::test]
async fn ragged_and_broken_rows_fail_alone_and_empty_lines_are_none() {
    let org = org().await;
    let csv = "\nName,Phone\n\nshort\nlong,1,2\nspace, \"1\"\n\"tail\"x,1\n\nfine,1\n\n";
    let job = org.inserted("Account", csv).await;
    assert_eq!(job.progress().await, ("JobComplete".to_owned(), 5, 4));
    let (_, rows) = job.outcome("failedResults").await;
    assert_eq!(
        rows,
        [
            r#""","INVALID_FIELD:The quotes of a value in the row are not valid CSV:--","space"," ""1""""#,
            r#""","INVALID_FIELD:The quotes of a value in the row are not valid CSV:--","tailx","1""#,
            r#""","INVALID_FIELD:The row has 1 values and the header has 2:--","short","""#,
            r#""","INVALID_FIELD:The row has 3 values and the header has 2:--","long","1","2""#,
        ]
    );
    let one_column = org.inserted("Account", "Name\n\na\n\n").await;
    assert_eq!(one_column.progress().await, ("JobComplete".to_owned(), 1, 0));
}

#[tokio::test]
async fn delimiters_and_line_endings_hold_both_ways() {
    let org = org().await;
    let delimiters = [
        ("BACKQUOTE", '`'),
        ("CARET", '^'),
        ("COMMA", ','),
        ("PIPE", '|'),
        ("SEMICOLON", ';'),
        ("TAB", '\t'),
    ];
    for (name, delimiter) in delimiters {
        for (ending, end) in [("LF", "\n"), ("CRLF", "\r\n")] {
            let body = json!({ "object": "Account", "operation": "insert",
                "columnDelimiter": name, "lineEnding": ending });
            let d = delimiter;
            let value = format!("{name} {ending}");
            let csv = format!("Name{d}Phone{d}\"Fax\"{end}\"{value}{d}\"{d}1{d}2{end}x{d}{d}{end}");
            let job = org.loaded(body, &csv).await;
            assert_eq!(job.progress().await, ("JobComplete".to_owned(), 2, 0));
            let text = org.told(&job.path("/successfulResults")).await.1;
            let header = format!("\"sf__Id\"{d}\"sf__Created\"{d}Name{d}Phone{d}\"Fax\"{end}");
            assert!(text.starts_with(&header), "{text}");
            let row = format!("{d}\"true\"{d}\"{value}{d}\"{d}\"1\"{d}\"2\"{end}");
            assert!(text.contains(&row) && text.ends_with(end), "{text}");
            let stored = format!("{value}{d}");
            let found = org.sim.read(|store| {
                let table = store.table("Account").unwrap();
                let (at, _) = table.def().field("Name").unwrap();
                table.rows().any(|row| row.get(at) == sf_sim::value::Cell::Text(stored.trim()))
            });
            assert!(found, "{stored:?}");
        }
    }
}

#[tokio::test]
async fn outcomes_come_in_an_order_of_their_own() {
    let org = org().await;
    let names: Vec<String> = (0..1_000).map(|n| format!("n{n:04}")).collect();
    let job = org.inserted("Account", &format!("Name\n{}\n", names.join("\n"))).await;
    assert_eq!(job.progress().await, ("JobComplete".to_owned(), 1_000, 0));
    let text = org.told(&job.path("/successfulResults")).await.1;
    assert_eq!(text, org.told(&job.path("/successfulResults")).await.1);
    let mut told: Vec<&str> =
        text.lines().skip(1).map(|line| &line[line.len() - 6..line.len() - 1]).collect();
    assert_ne!(told, names);
    told.sort_unstable();
    assert_eq!(told, names);
    let stored = org.rows("SELECT Name FROM Account ORDER BY Id LIMIT 3").await;
    assert_eq!(stored, ["n0000", "n0001", "n0002"].map(|name| json!({ "Name": name })));
}
