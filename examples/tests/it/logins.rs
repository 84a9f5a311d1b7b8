//! Every login, with no set-up and by variables, and what is said about variables that do not fit.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use rcgen::{KeyPair, PKCS_RSA_SHA256};
use sf_sim::fault::{Action, Fault, Route};
use sf_sim::{App, Server, Sim, User};

use super::{complained, program, said};

const WHOAMI: &str = env!("CARGO_BIN_EXE_whoami");
const CLIENT_CREDENTIALS: &str = env!("CARGO_BIN_EXE_auth_client_credentials");
const JWT_BEARER: &str = env!("CARGO_BIN_EXE_auth_jwt_bearer");
const WEB_SERVER: &str = env!("CARGO_BIN_EXE_auth_web_server");
const REFRESH_TOKEN: &str = env!("CARGO_BIN_EXE_auth_refresh_token");
const DEVICE: &str = env!("CARGO_BIN_EXE_auth_device");
const TOKEN_EXCHANGE: &str = env!("CARGO_BIN_EXE_auth_token_exchange");
const USERNAME_PASSWORD: &str = env!("CARGO_BIN_EXE_auth_username_password");
const SESSION: &str = env!("CARGO_BIN_EXE_auth_session");
const CLI_ORG: &str = env!("CARGO_BIN_EXE_auth_cli_org");
const ALL: [&str; 10] = [
    WHOAMI,
    CLIENT_CREDENTIALS,
    JWT_BEARER,
    WEB_SERVER,
    REFRESH_TOKEN,
    DEVICE,
    TOKEN_EXCHANGE,
    USERNAME_PASSWORD,
    SESSION,
    CLI_ORG,
];

const ADA: &str = "ada@example.com";
const CALLBACK: &str = "http://localhost:0/OauthRedirect";

#[test]
fn every_login_runs_with_no_set_up_and_shows_who_where_and_what_is_next() {
    for path in ALL {
        let said = said(program(path));
        let name = Path::new(path).file_stem().unwrap().to_str().unwrap();
        let next = format!("cargo run --bin {name}");
        for wanted in [
            "No SF_* variables: using an emulated org at http://127.0.0.1:",
            "Logged in as ",
            "  user      005",
            "  org       00D",
            "  instance  http://127.0.0.1:",
            "  API       v",
            " of 15,000 calls left today",
            "\nNext: SF_",
            &next,
        ] {
            assert!(said.contains(wanted), "{wanted:?} is not in what {name} says:\n{said}");
        }
    }
}

/// With the finest log, too.
#[test]
fn no_login_shows_a_secret() {
    for path in ALL {
        let mut command = program(path);
        let output = command.env("RUST_LOG", "trace").output().unwrap();
        let (out, log) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{path}: {out}\n{log}");
        assert!(log.contains("DEBUG") || log.contains("TRACE"), "{path} has no such log: {log}");
        for secret in [
            "example-consumer-secret",
            "analytical-engine",
            "example-security-token",
            "a-token-of-wheelworks",
            "PRIVATE KEY",
            // How access tokens, refresh tokens and codes begin, in the emulated org as in a real one.
            "000000001!",
            "5Aep861",
            "aPrx",
            "eyJ",
        ] {
            assert!(!out.contains(secret) && !log.contains(secret), "{path} shows {secret}:\n{out}\n{log}");
        }
    }
}

type Variables<'a> = &'a [(&'a str, &'a str)];

/// An org as it is elsewhere: nothing of it is in the program's own process.
struct Elsewhere {
    sim: Sim,
    server: Server,
    folder: tempfile::TempDir,
}

impl Elsewhere {
    async fn new() -> Self {
        let app = App::new("app")
            .secret("app-secret")
            .run_as(ADA)
            .approved_by(ADA)
            .rotate(true)
            .device_interval_s(1)
            .subject_token("their-token", ADA);
        let ada = User::new(ADA, "engine").security_token("tok").name("Ada", "Lovelace");
        let sim = Sim::builder().user(ada).app(app).build().unwrap();
        let server = sim.serve("127.0.0.1:0").await.unwrap();
        Self { sim, server, folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A program that is told of the app, and more.
    fn told(&self, path: &str, more: Variables<'_>) -> Command {
        let mut command = program(path);
        command.env("SF_LOGIN_URL", self.server.url()).env("SF_CLIENT_ID", "app");
        command.env("SF_CLIENT_SECRET", "app-secret").envs(more.iter().copied());
        command
    }

    /// What it says when it ends well; whoami says the same of the same login.
    async fn says(&self, path: &str, more: Variables<'_>, user: &str) -> String {
        let mut whole = String::new();
        for path in [path, WHOAMI] {
            let command = self.told(path, more);
            let said = tokio::task::spawn_blocking(move || said(command)).await.unwrap();
            assert!(said.contains(user) && !said.contains("emulated") && !said.contains("Next:"), "{said}");
            whole.push_str(&said);
        }
        whole
    }

    async fn complains(&self, path: &str, more: Variables<'_>) -> String {
        let command = self.told(path, more);
        tokio::task::spawn_blocking(move || complained(command)).await.unwrap()
    }
}

const AS_ADA: &str = "Logged in as Ada Lovelace (ada@example.com)";

#[tokio::test(flavor = "multi_thread")]
async fn logins_without_a_person_take_an_org_elsewhere_by_variables() {
    let org = Elsewhere::new().await;
    org.says(CLIENT_CREDENTIALS, &[], AS_ADA).await;
    let password = [("SF_USERNAME", ADA), ("SF_PASSWORD", "engine"), ("SF_SECURITY_TOKEN", "tok")];
    org.says(USERNAME_PASSWORD, &password, AS_ADA).await;
    let subject = org.file("subject.token", "their-token\n");
    org.says(TOKEN_EXCHANGE, &[("SF_SUBJECT_TOKEN_FILE", &subject)], AS_ADA).await;

    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    assert!(org.sim.change_app("app", |app| app.certificate(key.public_key_pem())).unwrap());
    let (pem, file) = (key.serialize_pem(), org.file("server.key", &key.serialize_pem()));
    for key in [&file, &pem, &pem.replace('\n', "\\n")] {
        org.says(JWT_BEARER, &[("SF_USERNAME", ADA), ("SF_JWT_KEY", key)], AS_ADA).await;
    }

    let (token, url) = (org.sim.access_token(), org.server.url());
    assert!(token.contains("000000001!"), "what other tests look for");
    let known = format!("({})", org.sim.credentials().username);
    org.says(SESSION, &[("SF_INSTANCE_URL", &url), ("SF_ACCESS_TOKEN", &token)], &known).await;
    let shown = format!(
        r#"{{"status": 0, "result": {{"accessToken": "{token}", "instanceUrl": "{url}", "username": "ada"}}, "warnings": []}}"#
    );
    let json = org.file("org.json", &shown);
    let said = org.says(CLI_ORG, &[("SF_CLI_ORG", &json)], &known).await;
    assert!(said.contains("logged in to an org as ada") && said.contains("cannot be renewed"), "{said}");
    org.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_be_in_a_key_store_under_an_alias() {
    let org = Elsewhere::new().await;
    let stores = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sf-auth/tests/keystores");
    let key = KeyPair::from_pem(&std::fs::read_to_string(stores.join("server.key")).unwrap()).unwrap();
    assert!(org.sim.change_app("app", |app| app.certificate(key.public_key_pem())).unwrap());
    for name in ["several.jks", "several.p12"] {
        let path = stores.join(name);
        let of = |password, alias| {
            let key = ("SF_JWT_KEY", path.to_str().unwrap());
            [("SF_USERNAME", ADA), key, ("SF_JWT_KEY_PASSWORD", password), ("SF_JWT_KEY_ALIAS", alias)]
        };
        org.says(JWT_BEARER, &of("changeit", "server"), AS_ADA).await;
        let said = org.complains(JWT_BEARER, &of("changeit", "")).await;
        assert!(said.contains("SF_JWT_KEY cannot be used") && said.contains("\"server\""), "{said}");
        let said = org.complains(WHOAMI, &of("guess", "server")).await;
        assert!(said.contains("SF_JWT_KEY cannot be used") && said.contains("password"), "{said}");
    }
    org.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_salesforce_clis_json_may_come_through_a_pipe() {
    let org = Elsewhere::new().await;
    let (token, url) = (org.sim.access_token(), org.server.url());
    let file = org
        .file("org.json", &format!(r#"{{"result": {{"accessToken": "{token}", "instanceUrl": "{url}"}}}}"#));
    let mut command = program(CLI_ORG);
    command.env("SF_CLI_ORG", "-").stdin(std::fs::File::open(file).unwrap());
    let said = tokio::task::spawn_blocking(move || said(command)).await.unwrap();
    assert!(said.contains("Logged in as "), "{said}");
    org.server.shutdown().await;
}

/// What a person's browser sends when its user presses the buttons of a page.
async fn press(mut page: url::Url, more: Variables<'_>) {
    let mut fields: Vec<_> = page.query_pairs().into_owned().collect();
    page.set_query(None);
    let by_ada = [("username", ADA), ("password", "engine"), ("decision", "allow")];
    fields.extend(by_ada.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    // Browsers know where localhost is without asking; a bare machine may not tell.
    let here = (std::net::Ipv4Addr::LOCALHOST, 0).into();
    let browser =
        reqwest::Client::builder().tls_certs_only([]).no_proxy().resolve("localhost", here).build().unwrap();
    browser.post(page).form(&fields).send().await.unwrap().error_for_status().unwrap();
}

/// Starts a program and gives what it says before it waits for a person: two lines, the second a page.
fn begun(mut command: Command) -> (String, url::Url, impl FnOnce() -> String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut line = move || out.next().map(Result::unwrap);
    let asks = line().unwrap();
    let page = line().unwrap().trim().parse().unwrap();
    let rest = move || {
        let rest: Vec<_> = std::iter::from_fn(line).collect();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{rest:?}\n{}", String::from_utf8_lossy(&output.stderr));
        rest.join("\n")
    };
    (asks, page, rest)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_once_and_the_kept_token_rotates_from_then_on() {
    let org = Elsewhere::new().await;
    let file = org.folder.path().join("token.json");
    let kept = [("SF_TOKEN_FILE", file.to_str().unwrap())];

    let web = org.told(WEB_SERVER, &[kept[0], ("SF_CALLBACK_URL", CALLBACK)]);
    let (asks, page, rest) = tokio::task::spawn_blocking(|| begun(web)).await.unwrap();
    assert_eq!(asks, "Open this page in a browser on this machine, and log in:");
    let callback = page.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
    assert!(org.sim.change_app("app", |app| app.callback(callback)).unwrap());
    press(page, &[]).await;
    let rest = tokio::task::spawn_blocking(rest).await.unwrap();
    assert!(rest.contains("Kept the refresh token in ") && rest.contains(AS_ADA), "{rest}");

    let mut tokens = vec![std::fs::read_to_string(&file).unwrap()];
    for _ in 0..2 {
        let said = org.says(REFRESH_TOKEN, &kept, AS_ADA).await;
        assert!(said.contains("the next one is in "), "{said}");
        tokens.push(std::fs::read_to_string(&file).unwrap());
    }
    assert!(tokens[0].contains("5Aep861"), "what other tests look for");
    tokens.dedup();
    assert_eq!(tokens.len(), 3, "each use brought the next");
    org.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_waits_for_the_person_who_enters_its_code() {
    let org = Elsewhere::new().await;
    let device = org.told(DEVICE, &[]);
    let (asks, page, rest) = tokio::task::spawn_blocking(|| begun(device)).await.unwrap();
    let code = asks.strip_prefix("Open this page on any device, and enter the code ").unwrap();
    press(page, &[("user_code", code.trim_end_matches(':'))]).await;
    let rest = tokio::task::spawn_blocking(rest).await.unwrap();
    assert!(rest.contains(AS_ADA), "{rest}");
    org.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoami_shows_what_is_left_of_the_orgs_allowances() {
    let org = Elsewhere::new().await;
    org.sim.set_limit("DailyApiRequests", 2_000);
    org.sim.set_limit_used("DailyBulkV2QueryJobs", 9_999);
    let command = org.told(WHOAMI, &[]);
    let said = tokio::task::spawn_blocking(move || said(command)).await.unwrap();
    let left = said.split_once("\nLeft of the org's allowances\n").unwrap().1;
    // Two calls were made by then, whichever of them the org counts.
    let calls = left.lines().find(|line| line.contains("API calls today")).unwrap();
    assert!(calls.contains("1,99") && calls.ends_with("of       2,000"), "{calls}");
    assert!(
        left.lines().any(|line| line.ends_with("1 of      10,000") && line.contains("query jobs today")),
        "{left}"
    );
    org.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoami_shows_the_rest_to_a_user_who_may_not_read_the_limits() {
    let org = Elsewhere::new().await;
    let refusal = Action::error(403, "INSUFFICIENT_ACCESS", "no access to the limits");
    org.sim.faults().add(Fault::on(Route::Limits).always().then(refusal));
    let command = org.told(WHOAMI, &[]);
    let said = tokio::task::spawn_blocking(move || said(command)).await.unwrap();
    assert!(said.contains(AS_ADA) && said.contains("allowances is not told: "), "{said}");
    assert!(said.contains("no access to the limits"), "{said}");
    org.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_shown_with_what_to_change_and_ends_the_program() {
    let org = Elsewhere::new().await;
    let said = org.complains(CLIENT_CREDENTIALS, &[("SF_CLIENT_SECRET", "anothers")]).await;
    assert!(said.contains("invalid_client") && said.contains("Copy the consumer secret"), "{said}");
    assert!(!said.contains("anothers"), "{said}");
    let said = org.complains(WHOAMI, &[("SF_USERNAME", ADA), ("SF_PASSWORD", "guess")]).await;
    assert!(said.contains("authentication failure") && !said.contains("guess"), "{said}");
    org.server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_that_do_not_fit_are_named() {
    let org = Elsewhere::new().await;
    let missing = "/nowhere/to/be/found";
    let cases: [(&str, Variables<'_>, &[&str]); 13] = [
        (CLIENT_CREDENTIALS, &[("SF_CLIENT_SECRET", "")], &["SF_CLIENT_SECRET is missing"]),
        (JWT_BEARER, &[], &["auth_jwt_bearer needs", "SF_USERNAME, SF_JWT_KEY are missing"]),
        (JWT_BEARER, &[("SF_USERNAME", ADA), ("SF_JWT_KEY", missing)], &["SF_JWT_KEY", missing]),
        (
            JWT_BEARER,
            &[("SF_USERNAME", ADA), ("SF_JWT_KEY", env!("CARGO_MANIFEST_PATH"))],
            &["SF_JWT_KEY cannot be used", "neither PKCS#12 nor JKS nor PEM"],
        ),
        (WEB_SERVER, &[("SF_CLIENT_ID", "")], &["SF_CLIENT_ID is missing"]),
        (REFRESH_TOKEN, &[], &["SF_TOKEN_FILE is missing"]),
        (TOKEN_EXCHANGE, &[("SF_SUBJECT_TOKEN_FILE", missing)], &["SF_SUBJECT_TOKEN_FILE", missing]),
        (USERNAME_PASSWORD, &[("SF_PASSWORD", "p")], &["SF_USERNAME is missing"]),
        (SESSION, &[("SF_ACCESS_TOKEN", "t")], &["SF_INSTANCE_URL is missing"]),
        (CLI_ORG, &[("SF_CLI_ORG", missing)], &["SF_CLI_ORG", missing]),
        (WHOAMI, &[("SF_USERNAME", ADA)], &["SF_USERNAME is set", "SF_JWT_KEY or SF_PASSWORD"]),
        (
            WHOAMI,
            &[("SF_PASSWORD", "p"), ("SF_CLI_ORG", "-")],
            &["SF_PASSWORD", "SF_CLI_ORG", "unset one of them"],
        ),
        (WHOAMI, &[("SF_CLIENTID", "key")], &["SF_CLIENTID", "did you mean SF_CLIENT_ID?"]),
    ];
    for (path, variables, wanted) in cases {
        let said = org.complains(path, variables).await;
        for wanted in wanted {
            assert!(said.contains(wanted), "{path} {variables:?} does not say {wanted:?}: {said}");
        }
    }
    assert_eq!(org.sim.journal().requests().len(), 0, "the org was not asked");
    org.server.shutdown().await;
}

#[test]
fn the_readme_of_the_logins_says_what_to_do_about_each_refusal() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../sf-auth/README.md")).unwrap();
    let wrong = readme.split_once("## When it goes wrong").unwrap().1;
    for (error, words) in sf_sim::fault::OAUTH_ERRORS {
        let told = wrong.contains(&format!("`{words}`")) || wrong.contains(&format!("`{error}`"));
        assert!(told, "{error}: {words}");
    }
}

#[test]
fn the_readme_and_the_changelog_have_each_program() {
    let read =
        |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let (readme, changes) = (read("../README.md"), read("../CHANGELOG.md"));
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin")).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(
            readme.contains(&name) && changes.contains(&format!("`{name}`")),
            "{name} is not in README and CHANGELOG"
        );
    }
}
