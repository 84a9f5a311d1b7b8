//! Rows by external ids, collections, composite, batch, what changed, and files.

use reqwest::Method;
use serde_json::{Value, json};
use sf_sim::schema::{FieldDef, Type};

use crate::support::{Org, V, header, keys, told};

/// With an external id that need not be unique on Account.
async fn with_key() -> Org {
    let org = Org::new().await;
    org.sim.store(|store| {
        let mut key = FieldDef::new("Key__c", "Key", Type::String);
        key.set_length(40);
        (key.custom, key.external_id, key.id_lookup) = (true, true, true);
        store.add_fields("Account", vec![key]);
    });
    org
}

async fn send(org: &Org, method: Method, path: &str, body: &Value) -> (u16, String) {
    told(org.call(method, path).json(body).send().await.unwrap()).await
}

fn row(fields: Value) -> Value {
    let mut row = json!({ "attributes": { "type": "Account" } });
    row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    row
}

fn live(org: &Org) -> usize {
    org.sim.read(|store| store.table("Account").unwrap().live())
}

#[tokio::test]
async fn an_upsert_is_201_then_200_and_204_in_versions_before_46() {
    let org = with_key().await;
    let path = |version: &str| format!("/services/data/v{version}.0/sobjects/Account/Key__c/a%2Fb");
    let answer = org.call(Method::PATCH, &path("66")).json(&json!({ "Name": "x" })).send().await.unwrap();
    let location = header(&answer, "location").unwrap().to_owned();
    let id = location.strip_prefix(&format!("{V}/sobjects/Account/")).unwrap().to_owned();
    let body = |created: bool| format!(r#"{{"id":"{id}","success":true,"errors":[],"created":{created}}}"#);
    assert_eq!(told(answer).await, (201, body(true)));
    let change = json!({ "Name": "y" });
    assert_eq!(send(&org, Method::PATCH, &path("66"), &change).await, (200, body(false)));
    assert_eq!(send(&org, Method::PATCH, &path("46"), &change).await, (200, body(false)));
    assert_eq!(send(&org, Method::PATCH, &path("45"), &change).await, (204, String::new()));
    let read = org.json(&path("66")).await;
    assert_eq!((&read["Key__c"], &read["Name"]), (&json!("a/b"), &json!("y")));

    let first = send(&org, Method::PATCH, "/services/data/v45.0/sobjects/Account/Key__c/new", &change).await;
    assert_eq!(
        (first.0, keys(&serde_json::from_str(&first.1).unwrap())),
        (201, vec!["id", "success", "errors"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn upserts_that_meet_make_one_row() {
    let org = with_key().await;
    for n in 1..=100 {
        let calls: Vec<_> = (0..4)
            .map(|_| {
                let call = org.call(Method::PATCH, &format!("{V}/sobjects/Account/Key__c/k{n}"));
                let call = call.json(&json!({ "Name": "x" }));
                tokio::spawn(async move { call.send().await.unwrap().status().as_u16() })
            })
            .collect();
        let mut told = Vec::new();
        for call in calls {
            told.push(call.await.unwrap());
        }
        told.sort_unstable();
        assert_eq!((told, live(&org)), (vec![200, 200, 200, 201], n));
    }
}

#[tokio::test]
async fn a_row_is_found_by_a_field_that_became_unique() {
    let org = with_key().await;
    let known = org.sim.insert("Account", &json!({ "Name": "x", "Key__c": "Old" })).unwrap();
    org.sim.store(|store| {
        let mut def = sf_sim::schema::ObjectDef::clone(store.catalog().get("Account").unwrap());
        def.edit_field("Key__c", |field| field.unique = true);
        store.define(def);
    });
    let path = |value: &str| format!("{V}/sobjects/Account/Key__c/{value}");
    assert_eq!(org.json(&path("old")).await["Id"], json!(known.to_string()));
    assert_eq!(send(&org, Method::PATCH, &path("OLD"), &json!({ "Name": "y" })).await.0, 200);
    assert_eq!(send(&org, Method::PATCH, &path("new"), &json!({ "Name": "z" })).await.0, 201);
    assert_eq!(told(org.call(Method::DELETE, &path("OLD")).send().await.unwrap()).await.0, 204);
    assert_eq!((org.get(&path("old")).await.status().as_u16(), live(&org)), (404, 1));
}

#[tokio::test]
async fn an_upsert_that_cannot_be_is_refused() {
    let org = with_key().await;
    let path = format!("{V}/sobjects/Account/Key__c/k");
    let own = send(&org, Method::PATCH, &path, &json!({ "Key__c": "k" })).await;
    assert!(own.0 == 400 && own.1.contains("INVALID_FIELD"), "{own:?}");
    let unknown = send(&org, Method::PATCH, &format!("{V}/sobjects/Account/Phone/k"), &json!({})).await;
    let message = "Provided external ID field does not exist or is not accessible: Phone";
    assert!(unknown.0 == 404 && unknown.1.contains(message), "{unknown:?}");
    let only = send(&org, Method::PATCH, &format!("{path}?updateOnly=true"), &json!({ "Name": "x" })).await;
    assert_eq!((only.0, live(&org)), (404, 0));

    for name in ["one", "two"] {
        org.sim.insert("Account", &json!({ "Name": name, "Key__c": "K" })).unwrap();
    }
    let (status, text) = send(&org, Method::PATCH, &path, &json!({ "Name": "x" })).await;
    let urls: Vec<String> = serde_json::from_str(&text).unwrap();
    assert_eq!((status, urls.len()), (300, 2));
    assert!(urls.iter().all(|url| url.starts_with(&format!("{V}/sobjects/Account/001"))), "{urls:?}");
    assert_eq!(org.told(&path).await.0, 300);
    let put = org.call(Method::PUT, &path).send().await.unwrap();
    assert_eq!((put.status().as_u16(), header(&put, "allow")), (405, Some("DELETE,GET,HEAD,PATCH")));
}

#[tokio::test]
async fn each_row_of_a_collection_is_answered_in_its_place() {
    let org = with_key().await;
    let path = format!("{V}/composite/sobjects");
    let rows = [row(json!({ "Name": "a", "Key__c": "1" })), row(json!({})), json!({ "Name": "b" })];
    let (status, text) =
        send(&org, Method::POST, &path, &json!({ "allOrNone": false, "records": rows })).await;
    assert_eq!(status, 200, "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    let id = answer[0]["id"].as_str().unwrap().to_owned();
    let missing = r#"{"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"Required fields are missing: [Name]","fields":["Name"]}]}"#;
    assert!(
        text.starts_with(&format!(
            r#"[{{"id":"{id}","success":true,"errors":[]}},{missing},{{"success":false,"#
        )),
        "{text}"
    );

    let upsert = json!({ "records": [
        row(json!({ "Key__c": "1", "Name": "a2" })), row(json!({ "Key__c": "2", "Name": "c" })), row(json!({ "Name": "d" })),
    ]});
    let (_, text) = send(&org, Method::PATCH, &format!("{path}/Account/Key__c"), &upsert).await;
    assert!(
        text.starts_with(&format!(r#"[{{"id":"{id}","success":true,"errors":[],"created":false}},{{"id":"#)),
        "{text}"
    );
    let second = serde_json::from_str::<Value>(&text).unwrap()[1]["id"].as_str().unwrap().to_owned();

    let updates = json!({ "records": [
        row(json!({ "id": id, "Name": "a3" })), row(json!({ "Name": "e" })), row(json!({ "Id": "001RM0000" })),
        row(json!({ "Id": "0015i00000000zz" })),
    ]});
    let (_, text) = send(&org, Method::PATCH, &path, &updates).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    let codes: Vec<_> = answer.as_array().unwrap().iter().map(|r| &r["errors"][0]).collect();
    assert_eq!(codes[1]["message"], "Id not specified in an update call");
    assert_eq!(codes[1]["statusCode"], "MISSING_ARGUMENT");
    assert_eq!(
        (&codes[2]["statusCode"], &codes[2]["message"]),
        (&json!("MALFORMED_ID"), &json!("malformed id 001RM0000"))
    );
    assert_eq!(codes[3]["statusCode"], "INVALID_CROSS_REFERENCE_KEY");

    let read = org.json(&format!("{path}/Account?ids={id},0015i00000000zz,{second}&fields=Name")).await;
    assert_eq!((&read[0]["Name"], &read[1], &read[2]["Name"]), (&json!("a3"), &Value::Null, &json!("c")));
    let posted = json!({ "ids": [second, id], "fields": ["Id", "Name"] });
    let (_, text) = send(&org, Method::POST, &format!("{path}/Account"), &posted).await;
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(keys(&read[0]), ["attributes", "Id", "Name"]);

    let deleted =
        org.call(Method::DELETE, &format!("{path}?ids={id},{id}&allOrNone=false")).send().await.unwrap();
    let answer: Value = deleted.json().await.unwrap();
    assert_eq!(
        (&answer[0]["success"], &answer[1]["errors"][0]["statusCode"]),
        (&json!(true), &json!("ENTITY_IS_DELETED"))
    );
}

#[tokio::test]
async fn a_collection_is_undone_where_all_or_none_was_asked() {
    let org = with_key().await;
    let path = format!("{V}/composite/sobjects");
    let rows = json!({ "allOrNone": true, "records": [row(json!({ "Name": "a" })), row(json!({}))] });
    let (status, text) = send(&org, Method::POST, &path, &rows).await;
    let undone = r#"[{"success":false,"errors":[{"statusCode":"ALL_OR_NONE_OPERATION_ROLLED_BACK","message":"Record rolled back because not all records were valid and the request was using AllOrNone header","fields":[]}]},"#;
    assert!(status == 200 && text.starts_with(undone), "{text}");
    assert_eq!(live(&org), 0);
}

#[tokio::test]
async fn a_collection_of_none_or_too_many_is_refused() {
    let org = with_key().await;
    let path = format!("{V}/composite/sobjects");
    let none = r#"[{"message":"At least 1 record is required","errorCode":"REQUIRED_FIELD_MISSING"}]"#;
    assert_eq!(send(&org, Method::POST, &path, &json!({ "records": [] })).await, (400, none.to_owned()));
    let many: Vec<_> = (0..201).map(|_| row(json!({ "Name": "x" }))).collect();
    let (status, text) = send(&org, Method::POST, &path, &json!({ "records": many })).await;
    assert!(status == 400 && text.contains("EXCEEDED_ID_LIMIT"), "{text}");
    assert_eq!(live(&org), 0);
}

fn composite(all_or_none: bool, parts: Value) -> Value {
    json!({ "allOrNone": all_or_none, "compositeRequest": parts })
}

#[tokio::test]
async fn the_parts_of_a_composite_come_in_the_documented_shape() {
    let org = with_key().await;
    let parts = json!([
        { "method": "POST", "url": format!("{V}/sobjects/Account"), "referenceId": "a", "body": { "Name": "x" } },
        { "method": "GET", "url": format!("{V}/sobjects/Account/@{{a.id}}?fields=Name"), "referenceId": "b" },
        { "method": "GET", "url": format!("{V}/query?q=SELECT+Id+FROM+Account+WHERE+Name='@{{b.Name}}'"), "referenceId": "c" },
        { "method": "PATCH", "url": format!("{V}/sobjects/Account/@{{c.records[0].Id}}"), "referenceId": "d", "body": { "Key__c": "@{b.Name} of @{a.id}" } },
    ]);
    let (status, text) = send(&org, Method::POST, &format!("{V}/composite"), &composite(false, parts)).await;
    assert_eq!(status, 200, "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    let id = answer["compositeResponse"][0]["body"]["id"].as_str().unwrap().to_owned();
    let first = format!(
        r#"{{"compositeResponse":[{{"body":{{"id":"{id}","success":true,"errors":[]}},"httpHeaders":{{"Location":"{V}/sobjects/Account/{id}"}},"httpStatusCode":201,"referenceId":"a"}},"#
    );
    assert!(text.starts_with(&first), "{text}");
    let last = r#"{"body":null,"httpHeaders":{},"httpStatusCode":204,"referenceId":"d"}]}"#;
    assert!(text.ends_with(last), "{text}");
    let row = org.json(&format!("{V}/sobjects/Account/{id}?fields=Key__c")).await;
    assert_eq!(row["Key__c"], format!("x of {id}"));
}

#[tokio::test]
async fn a_composite_halts_what_hangs_on_a_failure_and_takes_back_what_must_be() {
    let org = with_key().await;
    let kept = org.sim.insert("Account", &json!({ "Name": "kept" })).unwrap();
    let parts = json!([
        { "method": "PATCH", "url": format!("{V}/sobjects/Account/{kept}"), "referenceId": "a", "body": { "Name": "changed" } },
        { "method": "POST", "url": format!("{V}/composite/sobjects"), "referenceId": "b", "body": { "records": [row(json!({ "Name": "y" }))] } },
        { "method": "POST", "url": format!("{V}/sobjects/Account"), "referenceId": "c", "body": {} },
        { "method": "DELETE", "url": format!("{V}/sobjects/Account/@{{c.id}}"), "referenceId": "d" },
    ]);
    let path = format!("{V}/composite");
    let statuses = async |all_or_none: bool| {
        let (_, text) = send(&org, Method::POST, &path, &composite(all_or_none, parts.clone())).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        let parts = answer["compositeResponse"].as_array().unwrap().clone();
        let told = |p: &Value| (p["httpStatusCode"].as_u64().unwrap(), p["body"][0]["errorCode"].clone());
        parts.iter().map(told).collect::<Vec<_>>()
    };
    let halted = (400, json!("PROCESSING_HALTED"));
    let cause = (400, json!("REQUIRED_FIELD_MISSING"));
    assert_eq!(statuses(true).await, [halted.clone(), halted.clone(), cause.clone(), halted.clone()]);
    let name = || async { org.json(&format!("{V}/sobjects/Account/{kept}")).await["Name"].clone() };
    assert_eq!((live(&org), name().await), (1, json!("kept")));
    assert_eq!(statuses(false).await, [(204, Value::Null), (200, Value::Null), cause, halted]);
    assert_eq!((live(&org), name().await), (2, json!("changed")));

    let same = json!([
        { "method": "GET", "url": format!("{V}/limits"), "referenceId": "a" },
        { "method": "GET", "url": format!("{V}/limits"), "referenceId": "a" },
    ]);
    let many: Vec<_> = (0..26)
        .map(|n| json!({ "method": "GET", "url": format!("{V}/limits"), "referenceId": format!("r{n}") }))
        .collect();
    for parts in [same, json!(many), json!([])] {
        assert_eq!(send(&org, Method::POST, &path, &composite(false, parts)).await.0, 400);
    }
}

#[tokio::test]
async fn a_batch_tells_each_result_and_whether_any_failed() {
    let org = with_key().await;
    let parts = json!({ "batchRequests": [
        { "method": "POST", "url": "v66.0/sobjects/Account", "richInput": { "Name": "x" } },
        { "method": "GET", "url": "v66.0/sobjects/Nope" },
    ]});
    let (status, text) = send(&org, Method::POST, &format!("{V}/composite/batch"), &parts).await;
    assert!(
        status == 200
            && text.starts_with(r#"{"hasErrors":true,"results":[{"statusCode":201,"result":{"id":"#),
        "{text}"
    );
    assert!(text.ends_with(r#"{"statusCode":404,"result":[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]}]}"#), "{text}");
}

#[tokio::test]
async fn what_was_changed_and_deleted_in_a_span_of_time_is_told() {
    let org = Org::new().await;
    let (kept, gone) = (
        org.sim.insert("Account", &json!({ "Name": "kept" })).unwrap(),
        org.sim.insert("Account", &json!({ "Name": "gone" })).unwrap(),
    );
    org.sim.delete("Account", gone).unwrap();
    let ask = async |what: &str, start: &str, end: &str| {
        org.told(&format!("{V}/sobjects/Account/{what}/?start={start}&end={end}")).await
    };
    let (start, end) = ("2023-01-26T14:00:00%2B00:00", "2023-01-26T15:00:00Z");
    let updated = format!(r#"{{"ids":["{kept}"],"latestDateCovered":"2023-01-26T14:50:00.000+0000"}}"#);
    assert_eq!(ask("updated", start, end).await, (200, updated));
    let deleted = format!(
        r#"{{"deletedRecords":[{{"deletedDate":"2023-01-26T14:50:10.000+0000","id":"{gone}"}}],"earliestDateAvailable":"2022-12-27T14:50:10.000+0000","latestDateCovered":"2023-01-26T14:50:00.000+0000"}}"#
    );
    assert_eq!(ask("deleted", start, end).await, (200, deleted));
    assert!(
        ask("updated", "2023-01-26T13:00:00Z", "2023-01-26T14:00:00Z").await.1.starts_with(r#"{"ids":[]"#)
    );
    for (start, end) in [(end, start), ("2022-12-01T00:00:00Z", end), ("yesterday", end)] {
        let (status, text) = ask("updated", start, end).await;
        assert!(status == 400 && text.contains("INVALID_REPLICATION_DATE"), "{text}");
    }
}

#[tokio::test]
async fn a_file_comes_in_as_base64_or_multipart_and_goes_out_as_bytes() {
    let org = Org::new().await;
    let parent = org.sim.insert("Account", &json!({ "Name": "x" })).unwrap();
    let path = format!("{V}/sobjects/Attachment");
    let row = json!({ "Name": "x.bin", "ParentId": parent.to_string(), "Body": "AP8NCg==" });
    let (status, text) = send(&org, Method::POST, &path, &row).await;
    assert_eq!(status, 201, "{text}");
    let id = serde_json::from_str::<Value>(&text).unwrap()["id"].as_str().unwrap().to_owned();
    let read = org.json(&format!("{path}/{id}")).await;
    assert_eq!((&read["Body"], &read["BodyLength"]), (&json!(format!("{path}/{id}/Body")), &json!(4)));
    let file = org.get(&format!("{path}/{id}/Body")).await;
    assert_eq!(header(&file, "content-type"), Some("application/octetstream"));
    assert_eq!(file.bytes().await.unwrap().as_ref(), b"\0\xff\r\n");

    let body = |row: Value, file: &str| {
        format!(
            "--q\r\nContent-Disposition: form-data; name=\"entity_attachment\";\r\nContent-Type: application/json\r\n\r\n{row}\r\n\
             --q\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name=\"Body\"; filename=\"y.txt\"\r\n\r\n{file}\r\n--q--"
        )
    };
    let form = |method: Method, path: &str, body: String| {
        let request = org.call(method, path).header("Content-Type", "multipart/form-data; boundary=\"q\"");
        request.body(body).send()
    };
    let row = json!({ "Name": "y.txt", "ParentId": parent.to_string() });
    let (status, text) = told(form(Method::POST, &path, body(row, "hello")).await.unwrap()).await;
    assert_eq!(status, 201, "{text}");
    let id = serde_json::from_str::<Value>(&text).unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(org.told(&format!("{path}/{id}/Body")).await, (200, "hello".to_owned()));
    let row = format!("{path}/{id}");
    let changed = form(Method::PATCH, &row, body(json!({ "Name": "z.txt" }), "good day")).await.unwrap();
    assert_eq!(told(changed).await, (204, String::new()));
    assert_eq!(org.told(&format!("{row}/Body")).await, (200, "good day".to_owned()));
    let read = org.json(&row).await;
    assert_eq!((&read["Name"], &read["BodyLength"]), (&json!("z.txt"), &json!(8)));
    for (method, path) in [(Method::POST, &path), (Method::PATCH, &row)] {
        assert_eq!(form(method, path, "--q\r\n".to_owned()).await.unwrap().status(), 400);
    }
    assert_eq!(org.told(&format!("{path}/{id}/Name")).await.0, 404);
}

#[tokio::test]
async fn files_of_many_rows_come_beside_them_each_under_the_name_that_its_row_gives() {
    let org = Org::new().await;
    let parent = org.sim.insert("Account", &json!({ "Name": "x" })).unwrap();
    let form = |rows: Value, files: &[(&str, &str)]| {
        let mut body = format!(
            "--q\r\nContent-Disposition: form-data; name=\"collection\"\r\nContent-Type: application/json\r\n\r\n{}\r\n",
            json!({ "allOrNone": true, "records": rows })
        );
        for (name, file) in files {
            body += &format!(
                "--q\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\n{file}\r\n"
            );
        }
        body + "--q--\r\n"
    };
    let send = |method: Method, body: String| {
        let call = org.call(method, &format!("{V}/composite/sobjects"));
        call.header("Content-Type", "multipart/form-data; boundary=q").body(body).send()
    };
    let row = |name: &str, part: &str| {
        let attributes =
            json!({ "type": "Attachment", "binaryPartName": part, "binaryPartNameAlias": "Body" });
        json!({ "attributes": attributes, "Name": name, "ParentId": parent.to_string() })
    };
    let rows = json!([row("a", "part1"), row("b", "part2"),
        { "attributes": { "type": "Account" }, "Name": "without a file" }]);
    let (status, text) =
        told(send(Method::POST, form(rows, &[("part2", "second"), ("part1", "first")])).await.unwrap()).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (status, &answer[0]["success"], &answer[2]["success"]),
        (200, &json!(true), &json!(true)),
        "{text}"
    );
    let id = |at: usize| answer[at]["id"].as_str().unwrap().to_owned();
    let body = |id: String| format!("{V}/sobjects/Attachment/{id}/Body");
    assert_eq!(org.told(&body(id(0))).await, (200, "first".to_owned()));
    assert_eq!(org.told(&body(id(1))).await, (200, "second".to_owned()));

    let changed = json!([{ "attributes": { "type": "Attachment", "binaryPartName": "p", "binaryPartNameAlias": "Body" }, "Id": id(1) }]);
    let (status, text) = told(send(Method::PATCH, form(changed, &[("p", "third")])).await.unwrap()).await;
    assert_eq!(status, 200, "{text}");
    assert_eq!(org.told(&body(id(1))).await, (200, "third".to_owned()));

    // A row whose file did not come.
    let (status, text) =
        told(send(Method::POST, form(json!([row("c", "part3")]), &[("part1", "x")])).await.unwrap()).await;
    assert!(status == 400 && text.contains("INVALID_MULTIPART_REQUEST"), "{text}");
}

#[tokio::test]
async fn a_graph_that_fails_leaves_the_others_as_they_are() {
    let org = with_key().await;
    let node = |name: &str, body: Value| json!({ "method": "POST", "url": format!("{V}/sobjects/Account"), "referenceId": name, "body": body });
    let child = json!({ "method": "POST", "url": format!("{V}/sobjects/Contact"), "referenceId": "c",
        "body": { "LastName": "x", "AccountId": "@{a.id}" } });
    let graphs = json!({ "graphs": [
        { "graphId": "1", "compositeRequest": [node("a", json!({ "Name": "x" })), child] },
        { "graphId": "2", "compositeRequest": [node("a", json!({ "Name": "y" })), node("b", json!({}))] },
    ]});
    let (status, text) = send(&org, Method::POST, &format!("{V}/composite/graph"), &graphs).await;
    assert_eq!(status, 200, "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(keys(&answer["graphs"][0]), ["graphId", "graphResponse", "isSuccessful"]);
    assert_eq!(
        (&answer["graphs"][0]["isSuccessful"], &answer["graphs"][1]["isSuccessful"]),
        (&json!(true), &json!(false))
    );
    let failing = &answer["graphs"][1]["graphResponse"]["compositeResponse"][1];
    assert_eq!((&failing["httpHeaders"], &failing["httpStatusCode"]), (&json!({}), &json!(400)));
    assert_eq!(live(&org), 1);
}

#[tokio::test]
async fn a_tree_brings_rows_with_their_children_or_nothing() {
    let org = with_key().await;
    let tree = |last_name: Value| {
        json!({ "records": [{
            "attributes": { "type": "Account", "referenceId": "ref1" }, "Name": "x",
            "Contacts": { "records": [
                { "attributes": { "type": "Contact", "referenceId": "ref2" }, "LastName": "a" },
                { "attributes": { "type": "Contact", "referenceId": "ref3" }, "LastName": last_name },
            ]},
        }]})
    };
    let path = format!("{V}/composite/tree/Account/");
    let (status, text) = send(&org, Method::POST, &path, &tree(Value::Null)).await;
    let refused = r#"{"hasErrors":true,"results":[{"referenceId":"ref3","errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"Required fields are missing: [LastName]","fields":["LastName"]}]}]}"#;
    assert_eq!((status, text.as_str(), live(&org)), (400, refused, 0));
    let (status, text) = send(&org, Method::POST, &path, &tree(json!("b"))).await;
    assert!(
        status == 201 && text.starts_with(r#"{"hasErrors":false,"results":[{"referenceId":"ref1","id":"001"#),
        "{text}"
    );
    let answer: Value = serde_json::from_str(&text).unwrap();
    let contact = answer["results"][2]["id"].as_str().unwrap();
    let row = org.json(&format!("{V}/sobjects/Contact/{contact}")).await;
    assert_eq!(row["AccountId"], answer["results"][0]["id"]);
}
