//! The binary, as a user starts it.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;

use crate::support::{client, shared};

fn sf_sim() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sf-sim"));
    command.kill_on_drop(true).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[tokio::test]
async fn it_serves_what_it_was_asked_for_and_stops_when_told() {
    let mut command = sf_sim();
    command.args(["serve", "--json", "--generate", "Lead=1_000", "--seed", "7", "--client-id", "mine"]);
    let sfdx = shared("orgs/ebikes");
    match &sfdx {
        Some(path) => drop(command.arg("--sfdx").arg(path)),
        None => std::io::Write::write_all(
            &mut std::io::stderr(),
            b"skipped: ../shared is absent: loading the E-Bikes project\n",
        )
        .unwrap_or_default(),
    }
    let mut child = command.spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).await.unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&told["client_id"], &told["rows"]["Lead"]), (&"mine".into(), &1_000.into()));
    if sfdx.is_some() {
        assert_eq!((&told["rows"]["Account"], &told["rows"]["Product__c"]), (&3.into(), &16.into()));
    }
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "mine"),
        ("client_secret", told["client_secret"].as_str().unwrap()),
    ];
    let url = told["url"].as_str().unwrap();
    let login = client().post(format!("{url}/services/oauth2/token")).form(&form).send().await.unwrap();
    assert_eq!(login.status(), 200);
    let id = child.id().unwrap().to_string();
    // The shell's own: a bare machine has no program of that name.
    assert!(Command::new("sh").args(["-c", "kill -TERM $0", &id]).status().await.unwrap().success());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn without_json_it_prints_what_a_person_needs() {
    let mut child = sf_sim().args(["serve", "--generate", "Lead=1234"]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut text = String::new();
    while let Some(line) = out.next_line().await.unwrap() {
        text.push_str(&line);
        text.push('\n');
        if line.contains("Ctrl-C") {
            break;
        }
    }
    for part in ["Emulated org at http://127.0.0.1:", "client id", "security token", "Lead", "1,234"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    child.kill().await.unwrap();
}

#[tokio::test]
async fn a_wrong_argument_is_named() {
    for (arguments, wanted) in [
        (&["serve", "--generate", "Lead"][..], "Lead=100000"),
        (&["serve", "--generate", "Nope=5"], "Nope"),
        (&["serve", "--sfdx", "/nonexistent/project"], "/nonexistent/project"),
        (&["serve", "--faults", "/nonexistent/faults.json"], "/nonexistent/faults.json"),
        (&["serve", "--apps", "/nonexistent/apps.json"], "/nonexistent/apps.json"),
        (&["serve", "--host", "256.0.0.1"], "256.0.0.1"),
        (&["serve", "--prot", "1"], "--port"),
    ] {
        let mut child = sf_sim().args(arguments).spawn().unwrap();
        let mut text = String::new();
        child.stderr.take().unwrap().read_to_string(&mut text).await.unwrap();
        assert!(!child.wait().await.unwrap().success(), "{arguments:?}");
        assert!(text.contains(wanted), "{arguments:?}: {text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}
