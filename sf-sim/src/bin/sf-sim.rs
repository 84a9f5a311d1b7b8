//! `sf-sim serve`: an emulated org on a port.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use sf_sim::{Credentials, JobPace, Sim};
use tracing_subscriber::EnvFilter;

type BoxError = Box<dyn std::error::Error>;

/// An emulated Salesforce org on your machine.
#[derive(Parser)]
#[command(name = "sf-sim", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs an org until it is interrupted.
    Serve(Box<Serve>),
}

#[derive(Args)]
struct Serve {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// An SFDX project: the folder with sfdx-project.json. Its objects, fields and records are loaded.
    #[arg(long, value_name = "FOLDER")]
    sfdx: Option<PathBuf>,
    /// Rows to make up, as Lead=100000. May be given several times.
    #[arg(long, value_name = "OBJECT=ROWS", value_parser = generated)]
    generate: Vec<(String, u64)>,
    /// What generated rows follow from: the same seed gives the same rows.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Faults to begin with, as JSON; sf-sim's README describes the format.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// The most rows of one page of Bulk results, whatever the client asks for.
    #[arg(long, value_name = "ROWS")]
    page_cap: Option<u64>,
    /// Polls for which a query job shows as InProgress.
    #[arg(long, value_name = "POLLS")]
    job_polls: Option<u32>,
    /// How long after their stamp rows become visible.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    visibility_delay_ms: u64,
    /// How much the Date of answers differs from the org's clock.
    #[arg(long, value_name = "MS", default_value_t = 0, allow_negative_numbers = true)]
    date_skew_ms: i64,
    /// An RSA certificate or public key in PEM: JWT logins are checked against it.
    #[arg(long, value_name = "FILE")]
    jwt_cert: Option<PathBuf>,
    /// Connected apps and users, as JSON; sf-sim's README describes the format.
    #[arg(long, value_name = "FILE")]
    apps: Option<PathBuf>,
    /// Scheme and host of the identity URLs that logins answer: https://login.salesforce.com, unless given.
    #[arg(long, value_name = "URL")]
    login_url: Option<String>,
    /// A limit of the org, as DailyBulkV2QueryJobs=10. May be given several times.
    #[arg(long, value_name = "NAME=MAX", value_parser = limit)]
    limit: Vec<(String, u64)>,
    /// The consumer key of the connected app.
    #[arg(long)]
    client_id: Option<String>,
    /// The consumer secret of the connected app.
    #[arg(long)]
    client_secret: Option<String>,
    /// The user that calls run as.
    #[arg(long)]
    username: Option<String>,
    /// The user's password.
    #[arg(long)]
    password: Option<String>,
    /// What the user appends to the password.
    #[arg(long)]
    security_token: Option<String>,
    /// Print one line of JSON instead of text.
    #[arg(long)]
    json: bool,
}

fn generated(text: &str) -> Result<(String, u64), String> {
    pair(text).ok_or_else(|| "must be an object and a number of rows, as Lead=100000".to_owned())
}

fn limit(text: &str) -> Result<(String, u64), String> {
    pair(text)
        .ok_or_else(|| "must be the name of a limit and a number, as DailyBulkV2QueryJobs=10".to_owned())
}

fn pair(text: &str) -> Option<(String, u64)> {
    let (name, number) = text.split_once('=')?;
    let name = Some(name.trim()).filter(|name| !name.is_empty())?;
    Some((name.to_owned(), number.trim().replace('_', "").parse().ok()?))
}

fn main() -> ExitCode {
    let Cli { command: Command::Serve(options) } = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(serve(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error.as_ref()),
    }
}

/// The error and what caused it, a line each.
fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("sf-sim: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}

fn read(what: &str, path: &PathBuf) -> Result<Vec<u8>, BoxError> {
    std::fs::read(path).map_err(|error| format!("{what} {} cannot be read: {error}", path.display()).into())
}

fn org(options: &Serve) -> Result<Sim, BoxError> {
    let usual = Credentials::default();
    let credentials = Credentials {
        client_id: options.client_id.clone().unwrap_or(usual.client_id),
        client_secret: options.client_secret.clone().unwrap_or(usual.client_secret),
        username: options.username.clone().unwrap_or(usual.username),
        password: options.password.clone().unwrap_or(usual.password),
        security_token: options.security_token.clone().unwrap_or(usual.security_token),
    };
    let mut builder = Sim::builder().seed(options.seed).credentials(credentials);
    if let Some(project) = &options.sfdx {
        builder = builder.sfdx(project);
    }
    for (object, rows) in &options.generate {
        builder = builder.generate(object, *rows);
    }
    if let Some(path) = &options.faults {
        builder = builder.faults(String::from_utf8(read("the faults file", path)?)?);
    }
    if let Some(path) = &options.jwt_cert {
        builder = builder.jwt_key(read("the certificate", path)?);
    }
    if let Some(path) = &options.apps {
        builder = builder.accounts(String::from_utf8(read("the file of apps and users", path)?)?);
    }
    if let Some(url) = &options.login_url {
        builder = builder.login_url(url);
    }
    let sim = builder.build()?;
    sim.set_page_cap(options.page_cap);
    sim.set_date_skew_ms(options.date_skew_ms);
    sim.set_visibility_delay(Duration::from_millis(options.visibility_delay_ms));
    if let Some(polls) = options.job_polls {
        sim.set_job_pace(JobPace::Polls(polls));
    }
    for (name, max) in &options.limit {
        sim.set_limit(name, *max);
    }
    Ok(sim)
}

async fn serve(options: &Serve) -> Result<(), BoxError> {
    let sim = org(options)?;
    let server = sim
        .serve((options.host.as_str(), options.port))
        .await
        .map_err(|error| format!("cannot listen on {}:{}: {error}", options.host, options.port))?;
    let stopped = stop()?;
    let shown = if options.json { as_json(&sim, &server.url()) } else { as_text(&sim, &server.url()) };
    let mut out = std::io::stdout();
    // Who started the org may not care to read; it serves all the same.
    let _ = writeln!(out, "{shown}").and_then(|()| out.flush());
    stopped.await;
    server.shutdown().await;
    if !options.json {
        let requests: u64 = sim.journal().counts().values().sum();
        let _ = writeln!(out, "Stopped after {requests} requests.");
    }
    Ok(())
}

/// Ends at Ctrl-C, or where a service manager says so. The signals are caught from now on.
#[cfg(unix)]
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Where Ctrl-C cannot be caught, it ends the process by itself.
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn as_json(sim: &Sim, url: &str) -> String {
    let credentials = sim.credentials();
    let rows: serde_json::Map<String, serde_json::Value> =
        sim.row_counts().into_iter().map(|(object, rows)| (object, rows.into())).collect();
    serde_json::json!({
        "url": url,
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        "username": credentials.username,
        "password": credentials.password,
        "security_token": credentials.security_token,
        "org_id": sim.org_id().to_string(),
        "user_id": sim.user_id().to_string(),
        "rows": rows,
        "notes": sim.loaded().notes,
    })
    .to_string()
}

fn as_text(sim: &Sim, url: &str) -> String {
    let credentials = sim.credentials();
    let mut lines = vec![
        format!("Emulated org at {url}"),
        format!("  client id       {}", credentials.client_id),
        format!("  client secret   {}", credentials.client_secret),
        format!("  username        {}", credentials.username),
        format!("  password        {}", credentials.password),
        format!("  security token  {}", credentials.security_token),
        "Rows".to_owned(),
    ];
    let rows = sim.row_counts();
    let width = rows.iter().map(|(object, _)| object.len()).max().unwrap_or(0);
    lines.extend(rows.iter().map(|(object, rows)| format!("  {object:width$}  {:>12}", grouped(*rows))));
    if !sim.loaded().notes.is_empty() {
        lines.push("Of the SFDX project, not emulated".to_owned());
        lines.extend(sim.loaded().notes.iter().map(|note| format!("  {note}")));
    }
    lines.push("Stop it with Ctrl-C.".to_owned());
    lines.join("\n")
}

/// 1234567 as 1,234,567.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_fit_together() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn pairs_are_read_and_slips_are_not() {
        assert_eq!(pair("Lead=100_000"), Some(("Lead".into(), 100_000)));
        for slip in ["Lead", "=5", "Lead=many", "Lead=-1", ""] {
            assert_eq!(pair(slip), None, "{slip}");
        }
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(1_000), grouped(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
