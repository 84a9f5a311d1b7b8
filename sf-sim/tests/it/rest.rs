//! Versions, describes, queries, rows and events.

use std::io::{Read as _, Write as _};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{NOW, Org, V, header, keys, told};

const NOT_FOUND: &str = r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#;

#[tokio::test]
async fn versions_are_told_without_a_login_in_ascending_order() {
    let org = Org::new().await;
    let answer = org.without_token(Method::GET, "/services/data/").send().await.unwrap();
    let versions: Vec<Value> = answer.json().await.unwrap();
    let first = json!({ "label": "Summer '14", "url": "/services/data/v31.0", "version": "31.0" });
    let last = json!({ "label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0" });
    assert_eq!((versions.len(), &versions[0], &versions[35]), (36, &first, &last));
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_a_retired_version_is_gone() {
    let org = Org::new().await;
    for path in [
        "/",
        "/services/data/v99.0/limits",
        "/services/data/v66.0/nonsense",
        "/services/data/v66.0/sobjects/Nope",
        "/services/data/v66.0/sobjects/Nope/describe",
        "/services/data/v66.0/sobjects/Account/describe/nonsense",
    ] {
        assert_eq!(org.told(path).await, (404, NOT_FOUND.to_owned()), "{path}");
    }
    let gone = r#"[{"errorCode":"UNSUPPORTED_API_VERSION","message":"The requested API version (v30.0) is not supported."}]"#;
    assert_eq!(org.told("/services/data/v30.0/limits").await, (410, gone.to_owned()));
    let put = org.call(Method::PUT, &format!("{V}/limits")).send().await.unwrap();
    assert_eq!((put.status().as_u16(), header(&put, "allow")), (405, Some("GET,HEAD")));
}

#[tokio::test]
async fn a_describe_is_sent_again_only_when_it_changed() {
    let org = Org::new().await;
    for path in [format!("{V}/sobjects/Account/describe"), format!("{V}/sobjects/")] {
        let first = org.get(&path).await;
        let modified = header(&first, "last-modified").unwrap().to_owned();
        let body: Value = first.json().await.unwrap();
        assert!(body["fields"].is_array() || body["sobjects"].is_array());
        let ask = |since: &str| org.call(Method::GET, &path).header("If-Modified-Since", since).send();
        let same = ask(&modified).await.unwrap();
        assert_eq!((same.status().as_u16(), header(&same, "content-length")), (304, None));
        assert_eq!(same.text().await.unwrap(), "");
        assert_eq!(ask("Thu, 01 Jan 1970 00:00:00 GMT").await.unwrap().status(), 200);
        // With any zone, as the guide's own example has it.
        for (since, status) in
            [("Mon, 30 Nov 2037 08:34:54 MST", 304), ("Mon, 30 Nov 1970 08:34:54 UTC", 200)]
        {
            assert_eq!(ask(since).await.unwrap().status(), status, "{since}");
        }
        let unmodified =
            |since: &str| org.call(Method::GET, &path).header("If-Unmodified-Since", since).send();
        assert_eq!(unmodified("Mon, 30 Nov 1970 08:34:54 MST").await.unwrap().status(), 412);
        assert_eq!(unmodified(&modified).await.unwrap().status(), 200);
        assert_eq!(ask("nonsense").await.unwrap().status(), 200);

        let tag = header(&same_tag(&org, &path, None).await, "etag").unwrap().to_owned();
        for known in [
            tag.clone(),
            format!("\"other\", {tag}"),
            tag.replace("\"", "--gzip\"").replacen("--gzip", "", 1),
            "*".to_owned(),
        ] {
            let same = same_tag(&org, &path, Some(&known)).await;
            assert_eq!((same.status().as_u16(), header(&same, "etag")), (304, Some(tag.as_str())), "{known}");
        }
        assert_eq!(same_tag(&org, &path, Some("\"other\"")).await.status(), 200);
    }
    // A new object changes the list, and not its neighbours.
    let paths = [format!("{V}/sobjects/Account/describe"), format!("{V}/sobjects/")];
    let tags = [same_tag(&org, &paths[0], None).await, same_tag(&org, &paths[1], None).await];
    let tags = tags.map(|answer| header(&answer, "etag").unwrap().to_owned());
    org.sim.clock().advance(std::time::Duration::from_secs(1));
    org.sim.store(|store| {
        let prefix = store.next_key_prefix(false);
        store.define(sf_sim::schema::ObjectDef::new("New__c", "New", "News", prefix));
    });
    assert_eq!(same_tag(&org, &paths[0], Some(&tags[0])).await.status(), 304);
    assert_eq!(same_tag(&org, &paths[1], Some(&tags[1])).await.status(), 200);
}

async fn same_tag(org: &Org, path: &str, known: Option<&str>) -> reqwest::Response {
    let ask = org.call(Method::GET, path);
    let ask = match known {
        Some(tags) => ask.header("If-None-Match", tags),
        None => ask,
    };
    ask.send().await.unwrap()
}

#[tokio::test]
async fn a_row_is_read_and_written_on_condition() {
    let org = Org::new().await;
    let id = org.sim.insert("Account", &json!({ "Name": "a" })).unwrap();
    let path = format!("{V}/sobjects/Account/{id}");
    let first = org.get(&path).await;
    let tag = header(&first, "etag").unwrap().to_owned();
    let modified = header(&first, "last-modified").unwrap().to_owned();
    let status = |method: Method, name: &'static str, value: String| {
        let call = org.call(method.clone(), &path).header(name, value);
        let call = if method == Method::PATCH { call.json(&json!({ "Site": "x" })) } else { call };
        async move { call.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(status(Method::GET, "If-None-Match", tag.clone()).await, 304);
    assert_eq!(status(Method::GET, "If-Modified-Since", modified.clone()).await, 304);
    assert_eq!(status(Method::GET, "If-Match", "\"other\"".to_owned()).await, 412);
    org.sim.clock().advance(std::time::Duration::from_secs(5));
    assert_eq!(status(Method::PATCH, "If-Match", tag.clone()).await, 204);
    // It is another version now.
    assert_eq!(status(Method::PATCH, "If-Match", tag.clone()).await, 412);
    assert_eq!(status(Method::PATCH, "If-Unmodified-Since", modified.clone()).await, 412);
    assert_eq!(status(Method::GET, "If-None-Match", tag.clone()).await, 200);
    assert_eq!(status(Method::GET, "If-Modified-Since", modified.clone()).await, 200);
    // Who wants to write only over what it has not seen.
    let newest = header(&org.get(&path).await, "etag").unwrap().to_owned();
    assert_eq!(status(Method::PATCH, "If-None-Match", newest).await, 412);
    assert_eq!(status(Method::PATCH, "If-None-Match", tag).await, 204);
    // A write is refused for a header that says nothing, as documented; a read is not.
    for (name, value) in
        [("If-Match", "no tag"), ("If-None-Match", "no tag"), ("If-Unmodified-Since", "yesterday")]
    {
        assert_eq!(status(Method::PATCH, name, value.to_owned()).await, 400, "{name}");
    }
    assert_eq!(status(Method::GET, "If-Modified-Since", "yesterday".to_owned()).await, 200);
    // Deletes do not support them.
    assert_eq!(status(Method::DELETE, "If-Unmodified-Since", modified).await, 204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writes_that_meet_on_one_version_of_a_row_one_is_done() {
    // The clock stands: what changes the tag is what the row holds.
    let org = Org::new().await;
    let id = org.sim.insert("Account", &json!({ "Name": "a" })).unwrap();
    let path = format!("{V}/sobjects/Account/{id}");
    for round in 0..20 {
        let tag = header(&org.get(&path).await, "etag").unwrap().to_owned();
        let write = |n: usize| {
            let call = org.call(Method::PATCH, &path).header("If-Match", &tag);
            let call = call.json(&json!({ "Site": format!("{round}-{n}") }));
            async move { call.send().await.unwrap().status().as_u16() }
        };
        let (a, b, c, d) = tokio::join!(write(1), write(2), write(3), write(4));
        let mut statuses = [a, b, c, d];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 412, 412, 412]);
    }
}

#[tokio::test]
async fn a_row_of_an_external_id_is_read_and_written_on_condition() {
    let org = Org::new().await;
    org.sim.store(|store| {
        let mut key = sf_sim::schema::FieldDef::new("Key__c", "Key", sf_sim::schema::Type::String);
        key.external_id = true;
        key.set_length(40);
        store.add_fields("Account", vec![key])
    });
    let path = format!("{V}/sobjects/Account/Key__c/k-1");
    let write = |name: &'static str, value: String| {
        let call = org.call(Method::PATCH, &path).header(name, value).json(&json!({ "Name": "a" }));
        async move { call.send().await.unwrap().status().as_u16() }
    };
    // Nothing has no tag, so that a row which has to match is not made.
    assert_eq!(write("If-Match", "*".to_owned()).await, 412);
    assert_eq!(write("If-None-Match", "*".to_owned()).await, 201);
    assert_eq!(write("If-None-Match", "*".to_owned()).await, 412);
    let first = org.get(&path).await;
    let tag = header(&first, "etag").unwrap().to_owned();
    let modified = header(&first, "last-modified").unwrap().to_owned();
    let read = org.call(Method::GET, &path).header("If-None-Match", &tag).send().await.unwrap();
    assert_eq!(read.status(), 304);
    org.sim.clock().advance(std::time::Duration::from_secs(5));
    assert_eq!(write("If-Match", tag.clone()).await, 200);
    assert_eq!(write("If-Match", tag).await, 412);
    assert_eq!(write("If-Unmodified-Since", modified).await, 412);
    assert_eq!(write("If-Match", "no tag".to_owned()).await, 400);
    let rows: Value = org.json(&format!("{V}/query?q=SELECT+Id+FROM+Account")).await;
    assert_eq!(rows["totalSize"], 1);
}

#[tokio::test]
async fn an_org_keeps_so_many_cursors_and_the_one_longest_not_used_goes() {
    let org = Org::new().await;
    org.accounts(201);
    let path = format!("{V}/query?q=SELECT+Id+FROM+Account");
    let next = async || {
        let ask = org.call(Method::GET, &path).header("Sforce-Query-Options", "batchSize=200");
        let page: Value = ask.send().await.unwrap().json().await.unwrap();
        page["nextRecordsUrl"].as_str().unwrap().to_owned()
    };
    let (first, second) = (next().await, next().await);
    for _ in 2..500 {
        next().await;
    }
    assert_eq!(org.get(&first).await.status(), 200);
    next().await;
    assert_eq!(org.get(&first).await.status(), 200, "it was used");
    let (status, text) = org.told(&second).await;
    assert!(status == 400 && text.contains("INVALID_QUERY_LOCATOR"), "{status} {text}");
}

#[tokio::test]
async fn a_query_of_many_rows_comes_in_pages_behind_an_opaque_cursor() {
    let org = Org::new().await;
    org.accounts(450);
    let query = |text: &str| format!("{V}/query?q={}", text.replace(' ', "+"));
    let ask = org.call(Method::GET, &query("SELECT Id, Name FROM Account"));
    let first: Value =
        ask.header("Sforce-Query-Options", "batchSize=200").send().await.unwrap().json().await.unwrap();
    assert_eq!(keys(&first), ["totalSize", "done", "nextRecordsUrl", "records"]);
    assert_eq!(keys(&first["records"][0]), ["attributes", "Id", "Name"]);
    let mut names = Vec::new();
    let (mut page, mut next_urls) = (first, Vec::new());
    loop {
        assert_eq!(page["totalSize"], 450);
        names.extend(
            page["records"].as_array().unwrap().iter().map(|r| r["Name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["nextRecordsUrl"].as_str().map(str::to_owned) else { break };
        assert_eq!(page["done"], false);
        page = org.json(&next).await;
        next_urls.push(next);
    }
    assert_eq!(keys(&page), ["totalSize", "done", "records"]);
    assert_eq!((page["done"].clone(), names.len()), (true.into(), 450));
    assert!(names.iter().enumerate().all(|(at, name)| *name == format!("Account {at}")));
    let cursor = next_urls[0].strip_prefix(&format!("{V}/query/0r8")).unwrap();
    assert!(cursor.len() == 19 && cursor.ends_with("-200"), "{cursor}");
    assert!(next_urls[1].ends_with("-400"));

    let body = r#"[{"message":"invalid query locator","errorCode":"INVALID_QUERY_LOCATOR"}]"#;
    assert_eq!(org.told(&format!("{V}/query/0r8nonsense-200")).await, (400, body.to_owned()));
    org.sim.clock().advance(std::time::Duration::from_secs(3 * 24 * 3_600));
    let token = org.sim.access_token();
    let late = org.without_token(Method::GET, &next_urls[0]).bearer_auth(token).send().await.unwrap();
    assert_eq!(told(late).await, (400, body.to_owned()));

    let count = Org::new().await;
    count.accounts(3);
    let body = r#"{"totalSize":3,"done":true,"records":[]}"#;
    assert_eq!(count.told(&query("SELECT COUNT() FROM Account")).await, (200, body.to_owned()));
}

#[tokio::test]
async fn a_query_that_cannot_be_run_is_refused_in_salesforces_words() {
    let org = Org::new().await;
    let (status, body) = org.told(&format!("{V}/query?q=SELECT+Bacon__c+FROM+Account+LIMIT+2")).await;
    let expected = "\nSELECT Bacon__c FROM Account LIMIT 2\n       ^\nERROR at Row:1:Column:8\nNo such column 'Bacon__c' on entity 'Account'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.";
    let expected = json!([{ "message": expected, "errorCode": "INVALID_FIELD" }]);
    assert_eq!((status, body), (400, expected.to_string()));
    let (status, body) = org.told(&format!("{V}/query?q=SELEKT")).await;
    let expected = json!([{ "message": "unexpected token: SELEKT", "errorCode": "MALFORMED_QUERY" }]);
    assert_eq!((status, body), (400, expected.to_string()));
}

#[tokio::test]
async fn a_uri_that_is_too_long_is_refused() {
    let org = Org::new().await;
    let names = "Name,".repeat(3_300);
    let (status, body) = org.told(&format!("{V}/query?q=SELECT+{names}Id+FROM+Account")).await;
    assert!(status == 414 && body.contains("URI_TOO_LONG"), "{status} {body}");
}

#[tokio::test]
async fn a_row_lives_and_dies() {
    let org = Org::new().await;
    let created = org.post(&format!("{V}/sobjects/Account"), &json!({ "Name": "Wheelworks" })).await;
    assert_eq!(created.status(), 201);
    let location = header(&created, "location").unwrap().to_owned();
    let body = created.text().await.unwrap();
    let id = serde_json::from_str::<Value>(&body).unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(body, format!(r#"{{"id":"{id}","success":true,"errors":[]}}"#));
    assert_eq!(location, format!("{V}/sobjects/Account/{id}"));

    let read = org.json(&format!("{location}?fields=Name,Id")).await;
    let expected = format!(
        r#"{{"attributes":{{"type":"Account","url":"{location}"}},"Name":"Wheelworks","Id":"{id}"}}"#
    );
    assert_eq!(read.to_string(), expected);

    let change = org.call(Method::PATCH, &location).json(&json!({ "Name": "Wheelworks Ltd" }));
    let changed = change.send().await.unwrap();
    assert_eq!(header(&changed, "content-security-policy"), Some("upgrade-insecure-requests"));
    assert_eq!(told(changed).await, (204, String::new()));
    assert_eq!(org.json(&location).await["Name"], "Wheelworks Ltd");

    // A client whose HTTP library knows no PATCH says by a parameter what its POST stands in for.
    let instead = |method: &str| org.call(Method::POST, &format!("{location}?_HttpMethod={method}"));
    let changed = instead("PATCH").json(&json!({ "Name": "Wheelworks Inc" })).send().await.unwrap();
    assert_eq!(told(changed).await, (204, String::new()));
    assert_eq!(org.json(&location).await["Name"], "Wheelworks Inc");
    let last = org.sim.journal().requests().into_iter().rfind(|entry| entry.query.starts_with("_HttpMethod"));
    assert_eq!(last.map(|entry| entry.method).as_deref(), Some("PATCH"));
    assert_eq!(instead("POST").json(&json!({})).send().await.unwrap().status(), 405);

    let gone = r#"[{"message":"entity is deleted","errorCode":"ENTITY_IS_DELETED","fields":[]}]"#;
    let delete = || async { told(org.call(Method::DELETE, &location).send().await.unwrap()).await };
    assert_eq!(delete().await, (204, String::new()));
    assert_eq!(delete().await, (404, gone.to_owned()));
    assert_eq!(org.told(&location).await, (404, gone.to_owned()));
    let query = |verb: &str| format!("{V}/{verb}?q=SELECT+Id,IsDeleted+FROM+Account");
    assert_eq!(org.json(&query("query")).await["totalSize"], 0);
    assert_eq!(org.json(&query("queryAll")).await["records"][0]["IsDeleted"], true);
}

#[tokio::test]
async fn a_row_that_is_wrong_is_refused() {
    let org = Org::new().await;
    let path = format!("{V}/sobjects/Account");
    let refused = told(org.post(&path, &json!({ "FavoritePet__c": "cat" })).await).await;
    assert_eq!(refused.0, 400);
    assert!(refused.1.starts_with(r#"[{"message":"No such column 'FavoritePet__c' on sobject of type Account","errorCode":"INVALID_FIELD""#), "{}", refused.1);
    let missing = told(org.post(&path, &json!({})).await).await;
    let body = r#"[{"message":"Required fields are missing: [Name]","errorCode":"REQUIRED_FIELD_MISSING","fields":["Name"]}]"#;
    assert_eq!(missing, (400, body.to_owned()));
    let text =
        org.call(Method::POST, &path).header("Content-Type", "text/plain").body("{}").send().await.unwrap();
    assert_eq!(text.status(), 415);
    let broken =
        org.call(Method::POST, &path).header("Content-Type", "application/json").body("{oops").send();
    let (status, body) = told(broken.await.unwrap()).await;
    assert!(status == 400 && body.contains("JSON_PARSER_ERROR"), "{status} {body}");
}

#[tokio::test]
async fn bodies_are_compressed_both_ways_where_the_client_says_so() {
    let org = Org::new().await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(br#"{"Name":"Packed"}"#).unwrap();
    let packed = org
        .call(Method::POST, &format!("{V}/sobjects/Account"))
        .header("Content-Type", "application/json")
        .header("Content-Encoding", "gzip")
        .body(gzip.finish().unwrap());
    assert_eq!(packed.send().await.unwrap().status(), 201);

    // Documented beside gzip; `deflate` means what zlib writes (RFC 9110, 8.4.1.2).
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(br#"{"Name":"Deflated"}"#).unwrap();
    let zlib = zlib.finish().unwrap();
    for (encoding, status) in [("deflate", 201), ("gzip", 400), ("br", 400)] {
        let call = org.call(Method::POST, &format!("{V}/sobjects/Account"));
        let call = call.header("Content-Type", "application/json").header("Content-Encoding", encoding);
        assert_eq!(call.body(zlib.clone()).send().await.unwrap().status(), status, "{encoding}");
    }

    let path = format!("{V}/query?q=SELECT+Name+FROM+Account");
    let ask = org.call(Method::GET, &path).header("Accept-Encoding", "gzip").send().await.unwrap();
    assert_eq!(header(&ask, "content-encoding"), Some("gzip"));
    let bytes = ask.bytes().await.unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_ref()).read_to_string(&mut text).unwrap();
    assert!(text.contains("Packed"), "{text}");
    // As recorded, the tag of a compressed body says so; it is one of the same version.
    let describe = format!("{V}/sobjects/Account/describe");
    let plain = header(&org.get(&describe).await, "etag").unwrap().trim_matches('"').to_owned();
    let ask = || org.call(Method::GET, &describe).header("Accept-Encoding", "gzip");
    let tag = header(&ask().send().await.unwrap(), "etag").unwrap().to_owned();
    assert_eq!(tag, format!("\"{plain}--gzip\""));
    assert_eq!(ask().header("If-None-Match", tag).send().await.unwrap().status(), 304);
    assert_eq!(header(&org.get(&path).await, "content-encoding"), None);
    org.sim.set_gzip(false);
    let ask = org.call(Method::GET, &path).header("Accept-Encoding", "gzip").send().await.unwrap();
    assert_eq!(header(&ask, "content-encoding"), None);
}

#[tokio::test]
async fn the_date_is_the_orgs_and_may_differ_from_its_stamps() {
    let org = Org::new().await;
    let path = format!("{V}/limits");
    assert_eq!(header(&org.get(&path).await, "date"), Some("Thu, 26 Jan 2023 14:50:10 GMT"));
    org.sim.set_date_skew_ms(-30_000);
    assert_eq!(header(&org.get(&path).await, "date"), Some("Thu, 26 Jan 2023 14:49:40 GMT"));
    let id = org.sim.insert("Account", &json!({ "Name": "x" })).unwrap();
    let row = org.json(&format!("{V}/sobjects/Account/{id}?fields=SystemModstamp")).await;
    assert_eq!(row["SystemModstamp"], "2023-01-26T14:50:10.000+0000");
    assert_eq!(org.sim.clock().now_ms(), NOW);
}

#[tokio::test]
async fn a_row_may_become_visible_after_its_stamp() {
    let org = Org::new().await;
    org.sim.set_visibility_delay(std::time::Duration::from_secs(20));
    org.accounts(1);
    let count =
        async || org.json(&format!("{V}/query?q=SELECT+COUNT()+FROM+Account")).await["totalSize"].clone();
    org.sim.clock().advance(std::time::Duration::from_secs(19));
    assert_eq!(count().await, 0);
    org.sim.clock().advance(std::time::Duration::from_secs(1));
    assert_eq!(count().await, 1);
}

#[tokio::test]
async fn the_map_of_resources_names_them() {
    let org = Org::new().await;
    let map = org.json(V).await;
    assert_eq!(map["query"], format!("{V}/query"));
    assert_eq!(map["sobjects"], format!("{V}/sobjects"));
}

fn query(text: &str) -> String {
    format!("{V}/query?q={}", text.replace(' ', "+").replace('%', "%25"))
}

#[tokio::test]
async fn groups_come_as_aggregate_results_and_never_in_pages() {
    let org = Org::new().await;
    org.accounts(3);
    let answer = org.told(&query("SELECT Name, COUNT(Id) FROM Account GROUP BY Name LIMIT 1")).await;
    let names = org.json(&query("SELECT Name FROM Account ORDER BY Name LIMIT 1")).await;
    let name = names["records"][0]["Name"].as_str().unwrap();
    let expected = format!(
        r#"{{"totalSize":1,"done":true,"records":[{{"attributes":{{"type":"AggregateResult"}},"Name":"{name}","expr0":1}}]}}"#
    );
    assert_eq!(answer, (200, expected));
    org.accounts(2_001);
    let (status, body) = org.told(&query("SELECT Id FROM Account GROUP BY Id")).await;
    let expected = r#"[{"message":"Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch","errorCode":"EXCEEDED_ID_LIMIT"}]"#;
    assert_eq!((status, body.as_str()), (400, expected));
}

#[tokio::test]
async fn many_children_come_in_pages_of_their_own_and_make_their_parents_pages_smaller() {
    let org = Org::new().await;
    let add = |object: &str, fields: Value| org.sim.insert(object, &fields).unwrap().to_string();
    for (n, children) in [(0, 450), (1, 150), (2, 100), (3, 0)] {
        let parent = add("Account", json!({ "Name": format!("p{n}") }));
        for child in 0..children {
            add("Contact", json!({ "LastName": format!("{n}-{child:03}"), "AccountId": parent }));
        }
    }
    let soql =
        "SELECT Name, (SELECT Id, LastName FROM Contacts ORDER BY LastName) FROM Account ORDER BY Name";
    let ask = org.call(Method::GET, &query(soql)).header("Sforce-Query-Options", "batchSize=200");
    let mut page: Value = ask.send().await.unwrap().json().await.unwrap();
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        pages += 1;
        for record in page["records"].as_array().unwrap() {
            let mut list = record["Contacts"].clone();
            let total = list["totalSize"].as_u64().unwrap_or(0);
            let mut names: Vec<String> = Vec::new();
            while !list.is_null() {
                let rows = list["records"].as_array().unwrap();
                assert!(rows.len() <= 200);
                names.extend(rows.iter().map(|r| r["LastName"].as_str().unwrap().to_owned()));
                list = match list["nextRecordsUrl"].as_str() {
                    Some(next) => {
                        assert_eq!((keys(&list)[2], &list["done"]), ("nextRecordsUrl", &json!(false)));
                        org.json(next).await
                    }
                    None => Value::Null,
                };
            }
            assert_eq!(names.len() as u64, total);
            assert!(names.is_sorted());
            seen.push((record["Name"].as_str().unwrap().to_owned(), total));
        }
        let Some(next) = page["nextRecordsUrl"].as_str().map(str::to_owned) else { break };
        page = org.json(&next).await;
    }
    let expected = [("p0", 450), ("p1", 150), ("p2", 100), ("p3", 0)].map(|(n, c)| (n.to_owned(), c));
    assert_eq!((seen.as_slice(), pages), (expected.as_slice(), 3));
}

#[tokio::test]
async fn children_deleted_between_two_pages_still_come_as_they_were() {
    let org = Org::new().await;
    let parent = org.sim.insert("Account", &json!({ "Name": "p" })).unwrap();
    let mut ids = Vec::new();
    for n in 0..250 {
        let contact = json!({ "LastName": format!("c{n}"), "AccountId": parent.to_string() });
        ids.push(org.sim.insert("Contact", &contact).unwrap());
    }
    let ask = org.call(Method::GET, &query("SELECT (SELECT Id FROM Contacts) FROM Account"));
    let page: Value =
        ask.header("Sforce-Query-Options", "batchSize=200").send().await.unwrap().json().await.unwrap();
    for id in ids {
        org.sim.delete("Contact", id).unwrap();
    }
    let next = page["records"][0]["Contacts"]["nextRecordsUrl"].as_str().unwrap();
    assert_eq!(org.json(next).await["records"].as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn a_query_is_explained_without_being_run() {
    let org = Org::new().await;
    org.accounts(3);
    let path = format!("{V}/query?explain=SELECT+Id+FROM+Account+LIMIT+2");
    let plan = org.json(&path).await;
    assert_eq!(keys(&plan), ["plans"]);
    let plan = &plan["plans"][0];
    let expected = [
        "cardinality",
        "fields",
        "leadingOperationType",
        "notes",
        "relativeCost",
        "sobjectCardinality",
        "sobjectType",
    ];
    assert_eq!(keys(plan), expected);
    assert_eq!((&plan["cardinality"], &plan["sobjectCardinality"]), (&json!(2), &json!(3)));
    let (status, body) = org.told(&format!("{V}/query?explain=SELECT+Nope+FROM+Account")).await;
    assert_eq!((status, body.contains("INVALID_FIELD")), (400, true));
}

#[tokio::test]
async fn a_query_says_what_its_columns_are() {
    let org = Org::new().await;
    let columns = async |soql: &str| {
        let answer = org.call(Method::GET, &format!("{V}/query")).query(&[("q", soql), ("columns", "true")]);
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        assert_eq!(keys(&answer), ["columnMetadata", "entityName", "groupBy", "idSelected", "keyPrefix"]);
        answer
    };
    // As real orgs answer, by the tests of Salesforce's own command line.
    let column = |aggregate: bool,
                  ty: Value,
                  name: &str,
                  shown: &str,
                  key: Value,
                  write: bool,
                  joined: Value| {
        json!({
            "aggregate": aggregate, "apexType": ty, "booleanType": false, "columnName": name, "custom": false,
            "displayName": shown, "foreignKeyName": key, "insertable": write, "joinColumns": joined,
            "numberType": aggregate && joined == json!([]), "textType": ty == "String", "updatable": write,
        })
    };
    let plain =
        |ty: &str, name: &str, write| column(false, json!(ty), name, name, Value::Null, write, json!([]));
    let name = plain("String", "Name", false);

    let people = columns("SELECT Id, Name, Owner.Name FROM Contact").await;
    let owner = column(false, Value::Null, "Owner", "Owner", json!("OwnerId"), false, json!([name]));
    assert_eq!(people["columnMetadata"], json!([plain("Id", "Id", false), name, owner]));
    assert_eq!(
        (&people["entityName"], &people["idSelected"], &people["keyPrefix"], &people["groupBy"]),
        (&json!("Contact"), &json!(true), &json!("003"), &json!(false))
    );

    let children = columns("SELECT (SELECT LastName FROM Contacts) FROM Account").await;
    let joined = json!([plain("String", "LastName", true)]);
    let list = column(true, Value::Null, "Contacts", "Contacts", Value::Null, false, joined);
    assert_eq!((&children["columnMetadata"], &children["idSelected"]), (&json!([list]), &json!(false)));

    let groups = columns("SELECT OwnerId, AVG(Amount) FROM Opportunity GROUP BY OwnerId").await;
    let mean = column(true, Value::Null, "expr0", "avg(Amount)", Value::Null, false, json!([]));
    assert_eq!(groups["columnMetadata"], json!([plain("Id", "OwnerId", true), mean]));
    assert_eq!(groups["groupBy"], json!(true));

    let counted = columns("SELECT COUNT() FROM Contact").await;
    assert_eq!(counted["columnMetadata"], json!([]));
}

#[tokio::test]
async fn slashes_doubled_at_the_beginning_of_a_path_are_overlooked() {
    let org = Org::new().await;
    for path in [format!("/{V}/limits"), format!("//{V}/limits")] {
        assert_eq!(org.get(&path).await.status(), 200, "{path}");
    }
    let inside = "/services/data//v66.0/limits";
    assert_eq!(org.told(inside).await, (404, NOT_FOUND.to_owned()));
}

#[tokio::test]
async fn rows_that_are_viewed_say_when() {
    let org = Org::new().await;
    let id = org.sim.insert("Account", &json!({ "Name": "seen" })).unwrap();
    let path = format!("{V}/sobjects/Account/{id}");
    let tag = header(&org.get(&path).await, "etag").unwrap().to_owned();
    org.sim.clock().advance(std::time::Duration::from_secs(60));
    org.json(&query("SELECT Id FROM Account FOR VIEW")).await;
    // It is the version that it was: nobody has changed it.
    assert_eq!(same_tag(&org, &path, Some(&tag)).await.status(), 304);
    let row = org.json(&path).await;
    assert_eq!(row["LastViewedDate"], "2023-01-26T14:51:10.000+0000");
    assert_eq!(row["LastReferencedDate"], "2023-01-26T14:51:10.000+0000");
    assert_eq!(row["SystemModstamp"], "2023-01-26T14:50:10.000+0000");
}

#[tokio::test]
async fn children_have_children_of_their_own_from_version_58_on() {
    let org = Org::new().await;
    let path = query("SELECT Id, (SELECT Id, (SELECT Id FROM Cases) FROM Contacts) FROM Account");
    assert_eq!(org.get(&path).await.status(), 200);
    let (status, body) = org.told(&path.replace("v66.0", "v57.0")).await;
    let refused = "SOQL statements cannot query aggregate relationships more than 1 level away from the root entity object.";
    let refused = json!([{ "message": refused, "errorCode": "MALFORMED_QUERY" }]);
    assert_eq!((status, body), (400, refused.to_string()));
}
