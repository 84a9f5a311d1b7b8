//! Faults as a client meets them on a socket.

use reqwest::Method;
use serde_json::{Value, json};
use sf_sim::fault::{Action, Fault, FaultId, Framing, Reply, Route};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Org, V, header, told};

fn add(org: &Org, route: Route, action: Action) -> FaultId {
    org.sim.faults().add(Fault::on(route).then(action))
}

/// What arrives of a body, and whether its end was an error.
async fn arrived(mut answer: reqwest::Response) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => out.extend_from_slice(&chunk),
            Ok(None) => return (out, false),
            Err(_) => return (out, true),
        }
    }
}

/// An org with a finished job of 5,000 rows: where its results are, and what they are.
async fn with_results() -> (Org, String, Vec<u8>) {
    let org = Org::new().await;
    org.accounts(5_000);
    let id = org.job("SELECT Id, Name FROM Account").await;
    let path = format!("{V}/jobs/query/{id}/results");
    let whole = org.get(&path).await.bytes().await.unwrap().to_vec();
    (org, path, whole)
}

#[tokio::test]
async fn any_answer_can_be_played() {
    let org = Org::new().await;
    let path = format!("{V}/limits");
    add(&org, Route::Limits, Action::unavailable());
    let answer = org.get(&path).await;
    assert_eq!(header(&answer, "content-type"), Some("text/html; charset=UTF-8"));
    let (status, body) = told(answer).await;
    assert!(status == 503 && body.starts_with("<html>"), "{body}");

    add(&org, Route::Limits, Action::too_many_requests(7));
    let answer = org.get(&path).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "retry-after")), (429, Some("7")));

    add(&org, Route::Limits, Action::daily_limit());
    let body = r#"[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]"#;
    assert_eq!(org.told(&path).await, (403, body.to_owned()));
    add(&org, Route::Limits, Action::concurrent_limit());
    assert!(org.told(&path).await.1.contains("ConcurrentRequests"));
    add(&org, Route::Limits, Action::server_error());
    assert_eq!(org.told(&path).await.0, 500);
    add(&org, Route::Limits, Action::bad_gateway());
    assert_eq!(org.told(&path).await.0, 502);
    add(&org, Route::Limits, Action::limit_exceeded("Max of something has been reached"));
    let body = r#"[{"errorCode":"LIMIT_EXCEEDED","message":"Max of something has been reached"}]"#;
    assert_eq!(org.told(&path).await, (400, body.to_owned()));
    assert_eq!(org.told(&path).await.0, 200);
}

#[tokio::test]
async fn a_body_is_cut_just_where_the_fault_says() {
    let (org, path, whole) = with_results().await;
    for framing in [Framing::Length, Framing::Chunked] {
        for after in [0, 1, 30, 100_000] {
            add(&org, Route::Results, Action::cut_framed(after, framing));
            let answer = org.get(&path).await;
            let length = header(&answer, "content-length").map(str::to_owned);
            let chunked = header(&answer, "transfer-encoding") == Some("chunked");
            assert_eq!(
                (length.is_some(), chunked),
                (framing == Framing::Length, framing == Framing::Chunked)
            );
            let (bytes, broke) = arrived(answer).await;
            let place = usize::try_from(after).unwrap();
            assert!(broke, "{framing:?} {after}");
            // The client may drop what it had buffered when the connection breaks, never invent any.
            assert!(whole[..place].starts_with(&bytes), "{framing:?} {after}: {} bytes", bytes.len());
        }
    }
    assert_eq!(arrived(org.get(&path).await).await, (whole, false));
}

#[tokio::test]
async fn a_cut_framed_by_close_looks_like_a_whole_body() {
    let (org, path, whole) = with_results().await;
    add(&org, Route::Results, Action::cut_framed(77, Framing::Close));
    let answer = org.get(&path).await;
    assert_eq!(header(&answer, "content-length"), None);
    assert_eq!(header(&answer, "transfer-encoding"), None);
    assert_eq!(arrived(answer).await, (whole[..77].to_vec(), false));
}

/// Reads the raw bytes, so that nothing between the wire and the test can hide some.
#[tokio::test]
async fn every_byte_before_a_cut_is_on_the_wire() {
    let (org, path, whole) = with_results().await;
    add(&org, Route::Results, Action::cut(100_000));
    let mut stream = tokio::net::TcpStream::connect(org.server.address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", org.token);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).await.unwrap();
    let head = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let text = String::from_utf8_lossy(&raw[..head]).into_owned();
    assert!(text.contains(&format!("Content-Length: {}\r\n", whole.len())), "{text}");
    assert_eq!(text.matches("Date: ").count(), 1);
    assert!(raw[head..] == whole[..100_000]);
}

#[tokio::test]
async fn a_body_stalls_until_it_is_released() {
    let (org, path, whole) = with_results().await;
    let fault = add(&org, Route::Results, Action::stall(1_000));
    let answer = org.get(&path).await;
    let reader = tokio::spawn(arrived(answer));
    assert!(org.sim.faults().fired(fault, 1).await);
    assert!(!reader.is_finished());
    org.sim.faults().release(fault);
    assert_eq!(reader.await.unwrap(), (whole, false));
}

#[tokio::test]
async fn a_reset_happens_before_or_after_the_work() {
    let org = Org::new().await;
    let create = || {
        let body = json!({ "operation": "query", "query": "SELECT Id FROM Account" });
        org.call(Method::POST, &format!("{V}/jobs/query")).json(&body).send()
    };
    let jobs = || async { org.json(&format!("{V}/jobs/query")).await["records"].as_array().unwrap().len() };
    add(&org, Route::CreateJob, Action::ResetBefore);
    assert!(create().await.is_err());
    assert_eq!(jobs().await, 0);
    add(&org, Route::CreateJob, Action::ResetAfter);
    assert!(create().await.is_err());
    assert_eq!(jobs().await, 1);
    add(&org, Route::CreateJob, Action::ReplyAfter(Reply::html(502, "Bad Gateway")));
    assert_eq!(create().await.unwrap().status(), 502);
    assert_eq!(jobs().await, 2);
    let unanswered: Vec<_> =
        org.sim.journal().of(&Route::CreateJob).iter().map(|entry| entry.status).collect();
    assert_eq!(unanswered, [None, None, Some(502)]);
}

#[tokio::test]
async fn a_reset_in_mid_body_is_a_reset() {
    let (org, path, _) = with_results().await;
    add(&org, Route::Results, Action::Cut { after: 50_000, framing: Framing::Length, reset: true });
    let mut stream = tokio::net::TcpStream::connect(org.server.address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", org.token);
    stream.write_all(request.as_bytes()).await.unwrap();
    let error = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn headers_go_missing() {
    let (org, path, whole) = with_results().await;
    add(&org, Route::Results, Action::without_headers(["Sforce-Locator", "Sforce-NumberOfRecords"]));
    let answer = org.get(&path).await;
    assert_eq!((header(&answer, "sforce-locator"), header(&answer, "sforce-numberofrecords")), (None, None));
    assert_eq!(arrived(answer).await, (whole, false));
    assert_eq!(header(&org.get(&path).await, "sforce-locator"), Some("null"));
}

#[tokio::test]
async fn gzip_is_damaged_at_a_place() {
    let (org, path, _) = with_results().await;
    let ask = || org.call(Method::GET, &path).header("Accept-Encoding", "gzip").send();
    let right = ask().await.unwrap().bytes().await.unwrap();
    add(&org, Route::Results, Action::BrokenGzip { after: 20 });
    let wrong = ask().await.unwrap();
    assert_eq!(header(&wrong, "content-encoding"), Some("gzip"));
    let wrong = wrong.bytes().await.unwrap();
    assert_eq!((&wrong[..20], wrong.len()), (&right[..20], right.len()));
    let mut text = Vec::new();
    assert!(
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(wrong.as_ref()), &mut text).is_err()
    );
}

#[tokio::test]
async fn a_session_expires_before_a_certain_call() {
    let org = Org::new().await;
    let path = format!("{V}/limits");
    org.sim.faults().add(Fault::on(Route::Limits).nth(2).then(Action::ExpireSession));
    assert_eq!(org.told(&path).await.0, 200);
    assert_eq!(org.told(&path).await.0, 401);
    assert_eq!(org.told(&path).await.0, 401);
    let token = org.sim.access_token();
    let again = org.without_token(Method::GET, &path).bearer_auth(token).send().await.unwrap();
    assert_eq!(again.status(), 200);
}

#[tokio::test]
async fn an_org_moves_and_new_logins_say_where_to() {
    let org = Org::new().await;
    let second = org.sim.serve("127.0.0.1:0").await.unwrap();
    let path = format!("{V}/limits");
    add(&org, Route::Limits, Action::move_org(second.url()));
    assert_eq!(org.told(&path).await.0, 401);
    assert_eq!(org.told(&path).await.0, 401);
    let credentials = org.sim.credentials();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", credentials.client_id.as_str()),
        ("client_secret", credentials.client_secret.as_str()),
    ];
    let login: Value = org.login(&form).await.json().await.unwrap();
    assert_eq!(login["instance_url"], second.url());
    let moved = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let answer = moved
        .get(format!("{}{path}", second.url()))
        .bearer_auth(login["access_token"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    second.shutdown().await;
}

#[tokio::test]
async fn a_job_is_slow_fails_or_is_lost() {
    let org = Org::new().await;
    org.accounts(2);
    add(&org, Route::CreateJob, Action::SlowJob { polls: Some(2) });
    let slow = org.job("SELECT Id FROM Account").await;
    let mut states = Vec::new();
    for _ in 0..3 {
        states.push(org.job_state(&slow).await);
    }
    assert_eq!(states, ["InProgress", "InProgress", "JobComplete"]);

    let fault = add(&org, Route::CreateJob, Action::SlowJob { polls: None });
    let held = org.job("SELECT Id FROM Account").await;
    for _ in 0..5 {
        assert_eq!(org.job_state(&held).await, "InProgress");
    }
    org.sim.faults().release(fault);
    assert_eq!(org.job_state(&held).await, "JobComplete");

    let message = "InvalidBatch : Failed to process query: INVALID_FIELD: no such thing";
    add(&org, Route::JobInfo, Action::fail_job(message));
    let failed = org.job("SELECT Id FROM Account").await;
    let info = org.json(&format!("{V}/jobs/query/{failed}")).await;
    assert_eq!((&info["state"], &info["errorMessage"]), (&json!("Failed"), &json!(message)));
    assert_eq!(org.told(&format!("{V}/jobs/query/{failed}/results")).await.0, 400);

    let lost = org.job("SELECT Id FROM Account").await;
    assert_eq!(org.job_state(&lost).await, "JobComplete");
    // What is over stays as it ended.
    let late = add(&org, Route::JobInfo, Action::fail_job(message));
    assert_eq!(org.job_state(&lost).await, "JobComplete");
    assert_eq!(org.told(&format!("{V}/jobs/query/{lost}/results")).await.0, 200);
    org.sim.faults().remove(late);
    add(&org, Route::Results, Action::LoseJob);
    assert_eq!(org.told(&format!("{V}/jobs/query/{lost}/results")).await.0, 404);
    assert_eq!(org.told(&format!("{V}/jobs/query/{lost}")).await.0, 404);
}

#[tokio::test]
async fn somebody_else_aborts_the_job_of_a_call() {
    let org = Org::new().await;
    org.accounts(2);
    let aborted = |id: String| {
        let org = &org;
        async move { org.job_state(&id).await == "Aborted" }
    };
    add(&org, Route::CreateJob, Action::AbortJob);
    assert!(aborted(org.job("SELECT Id FROM Account").await).await);
    let queried = org.job("SELECT Id FROM Account").await;
    let fault = add(&org, Route::JobInfo, Action::AbortJob);
    assert!(aborted(queried.clone()).await);
    assert_eq!(org.sim.faults().count(fault), 1);
    assert_eq!(org.told(&format!("{V}/jobs/query/{queried}/results")).await.0, 400);
    // What has ended stays as it is.
    let done = org.job("SELECT Id FROM Account").await;
    assert_eq!(org.job_state(&done).await, "JobComplete");
    let fault = add(&org, Route::Results, Action::AbortJob);
    assert_eq!(org.told(&format!("{V}/jobs/query/{done}/results")).await.0, 200);
    assert_eq!(org.sim.faults().count(fault), 0);

    // An open ingest job: before its upload, and at its close.
    let insert = json!({ "object": "Account", "operation": "insert" });
    let job = org.ingest(insert.clone()).await;
    org.sim.faults().clear();
    add(&org, Route::Upload, Action::AbortJob);
    assert_eq!(told(job.upload("Name\nx\n").await).await.0, 400);
    assert_eq!(job.progress().await, ("Aborted".to_owned(), 0, 0));
    let job = org.ingest(insert.clone()).await;
    assert_eq!(told(job.upload("Name\nx\n").await).await.0, 201);
    add(&org, Route::Close, Action::AbortJob);
    let (status, body) = job.set("UploadComplete").await;
    assert!(status == 400 && body.contains("INVALIDJOBSTATE"), "{body}");

    // A running one keeps what it has committed.
    org.sim.set_job_pace(sf_sim::JobPace::Polls(1));
    let rows: String = (0..400).map(|n| format!("row {n}\n")).collect();
    let job = org.inserted("Account", &format!("Name\n{rows}")).await;
    assert_eq!(job.progress().await, ("InProgress".to_owned(), 200, 0));
    add(&org, Route::IngestInfo, Action::AbortJob);
    assert_eq!(job.progress().await, ("Aborted".to_owned(), 200, 0));
    assert_eq!(job.outcome("unprocessedrecords").await.1.len(), 200);
}

#[tokio::test]
async fn the_old_host_of_a_moved_org_redirects_where_it_is_told_to() {
    let org = Org::new().await;
    let second = org.sim.serve("127.0.0.1:0").await.unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([])
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let query = format!("{V}/query?q=SELECT+Id+FROM+Account");
    for status in [301, 302] {
        add(&org, Route::Query, Action::move_org_redirecting(format!("{}/", second.url()), status));
        let answer = client.get(org.url(&query)).bearer_auth(&org.token).send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(header(&answer, "location"), Some(format!("{}{query}", second.url()).as_str()));
    }
    // One that is told where to sends there, and a move can be without a trace.
    let gone = Reply::html(404, "URL No Longer Exists");
    add(&org, Route::Query, Action::MoveOrg { to: second.url(), old: gone });
    let answer = client.get(org.url(&query)).bearer_auth(&org.token).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), header(&answer, "location")), (404, None));
    let login = Reply::empty(302).header("Location", "https://login.example/");
    add(&org, Route::Query, Action::MoveOrg { to: second.url(), old: login });
    let answer = client.get(org.url(&query)).bearer_auth(&org.token).send().await.unwrap();
    assert_eq!(header(&answer, "location"), Some("https://login.example/"));
    second.shutdown().await;
}

#[tokio::test]
async fn a_hook_holds_a_request_before_the_work_or_its_answer_after() {
    let org = std::sync::Arc::new(Org::new().await);
    let create =
        |org: std::sync::Arc<Org>| tokio::spawn(async move { org.job("SELECT Id FROM Account").await });
    let jobs = || async { org.json(&format!("{V}/jobs/query")).await["records"].as_array().unwrap().len() };

    let before = org.sim.hook_before(Route::CreateJob, 1);
    let task = create(org.clone());
    before.arrived().await;
    assert_eq!(jobs().await, 0);
    before.release();
    task.await.unwrap();

    let after = org.sim.hook_containing(Route::CreateJob, "FROM Account", 1);
    let task = create(org.clone());
    after.arrived().await;
    assert_eq!(jobs().await, 2);
    assert!(!task.is_finished());
    after.release();
    task.await.unwrap();
}

#[tokio::test]
async fn the_org_works_on_when_the_client_goes_away() {
    let org = Org::new().await;
    let hook = org.sim.hook_before(Route::CreateJob, 1);
    let created = org.sim.hook(Route::CreateJob, 1);
    let body = json!({ "operation": "query", "query": "SELECT Id FROM Account" });
    let call = org.call(Method::POST, &format!("{V}/jobs/query")).json(&body);
    let client = tokio::spawn(call.send());
    hook.arrived().await;
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    hook.release();
    created.arrived().await;
    assert_eq!(org.json(&format!("{V}/jobs/query")).await["records"].as_array().unwrap().len(), 1);
}
