//! `sf-kafka`: Salesforce connectors for Apache Kafka in one process.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand, ValueEnum};
use sf_core::http::ReqwestService;
use sf_kafka::check::{forecast, not_asked};
use sf_kafka::config::{BulkQuerySource, Checked, Config, ConnectorConfig};
use sf_kafka::kafka::{Cluster, Settings};
use sf_kafka::offset::{FileStore, KafkaStore, OffsetStore};
use sf_kafka::runtime::{Lane, Outcome, Worker, describe_metrics};
use sf_kafka::{Error, Result, admin};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

#[derive(Parser)]
#[command(version, about = "Salesforce connectors for Apache Kafka in one process")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run connectors until stopped
    Run(Run),
    /// Say what is wrong with configurations, what they read and what that costs the org; runs nothing
    Check(Check),
}

#[derive(Args)]
struct Configs {
    /// Connectors: JSON, flat or {"name","config"}, or .properties
    #[arg(required = true, value_name = "CONFIG")]
    files: Vec<PathBuf>,
    /// A setting in place of the file's, for all connectors given
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Args)]
struct Run {
    #[command(flatten)]
    configs: Configs,
    /// Kafka's brokers as host:port, separated by commas
    #[arg(long, env = "KAFKA_BOOTSTRAP_SERVERS", value_name = "SERVERS")]
    bootstrap_servers: String,
    /// The compacted topic that keeps offsets; made if it is missing. Kafka Connect's own can be taken over
    #[arg(
        long,
        value_name = "TOPIC",
        default_value = "sf-kafka-offsets",
        conflicts_with = "offset_storage_file"
    )]
    offset_storage_topic: String,
    /// Keep offsets in this file instead
    #[arg(long, value_name = "FILE")]
    offset_storage_file: Option<PathBuf>,
    /// Serve /metrics and /health here
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8083")]
    listen: SocketAddr,
    /// How log lines look
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Args)]
struct Check {
    #[command(flatten)]
    configs: Configs,
    /// Ask no org
    #[arg(long)]
    offline: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("the runtime could not be started: {e}");
            return ExitCode::FAILURE;
        }
    };
    match cli.command {
        Command::Run(run) => {
            log_as(run.log_format);
            runtime.block_on(run_all(run))
        }
        Command::Check(check) => runtime.block_on(check_all(check)),
    }
}

fn log_as(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    match format {
        LogFormat::Text => builder.with_target(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

/// Reads and checks all files; prints what there is to say of each.
fn read(configs: &Configs) -> Option<Vec<(BulkQuerySource, Config)>> {
    let mut all = Vec::new();
    let mut good = true;
    for file in &configs.files {
        match checked(file, &configs.set) {
            Ok((Checked { connector, report, .. }, config)) => {
                if !report.findings().is_empty() {
                    eprintln!("{report}");
                }
                good &= clients_take(file, &config);
                match connector {
                    Some(ConnectorConfig::BulkQuerySource(source)) => all.push((*source, config)),
                    Some(_) | None => good = false,
                }
            }
            Err(said) => {
                eprintln!("{said}");
                good = false;
            }
        }
    }
    good.then_some(all)
}

/// Says what Kafka's clients will not take of the overrides, all at once.
fn clients_take(file: &Path, config: &Config) -> bool {
    let mut settings = Settings::new("localhost:9092");
    settings.overrides(overrides(config));
    let problems = settings.check();
    for problem in &problems {
        eprintln!("{}: {problem}", file.display());
        if let Some(hint) = problem.hint() {
            eprintln!("  {hint}");
        }
    }
    for name in settings.without_effect() {
        eprintln!("{}: note: {name} has no effect here", file.display());
    }
    problems.is_empty()
}

fn overrides(config: &Config) -> impl Iterator<Item = (&str, &str)> {
    config.keys().filter_map(|key| Some((key, config.get(key)?)))
}

fn checked(file: &Path, set: &[String]) -> Result<(Checked, Config), String> {
    let mut config = Config::read(file).map_err(|e| e.to_string())?;
    for setting in set {
        config.apply_override(setting).map_err(|e| e.to_string())?;
    }
    Ok((config.check(), config))
}

async fn check_all(check: Check) -> ExitCode {
    let Some(configs) = read(&check.configs) else { return ExitCode::FAILURE };
    let mut good = true;
    for (config, _) in configs {
        let asked = match not_asked(&config) {
            _ if check.offline => Ok(String::new()),
            Some(why) => Ok(format!("  {why}\n")),
            None => ask(&config).await,
        };
        match asked {
            Ok(text) => print!("{}: the configuration is good\n{text}", config.name),
            Err(error) => {
                println!("{} cannot run: {}", config.name, lines(&error));
                good = false;
            }
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn ask(config: &BulkQuerySource) -> Result<String> {
    let http = Arc::new(ReqwestService::new()?);
    Ok(forecast(config, http).await?.to_string())
}

async fn run_all(run: Run) -> ExitCode {
    let Some(configs) = read(&run.configs) else { return ExitCode::FAILURE };
    match work(&run, configs).await {
        Ok(Outcome::Stopped) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}", lines(&error));
            ExitCode::FAILURE
        }
    }
}

async fn work(run: &Run, configs: Vec<(BulkQuerySource, Config)>) -> Result<Outcome> {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new()
        .install_recorder()
        .map_err(|e| Error::new(sf_kafka::Outlook::Final, "metrics cannot be recorded").with_source(e))?;
    describe_metrics();
    let mut base = Settings::default();
    base.environment(std::env::vars()).common("bootstrap.servers", &run.bootstrap_servers);
    let shared = Cluster::connect(&base).await?;
    let mut stores = Stores { run, shared: &shared, open: HashMap::new() };
    let mut lanes = Vec::new();
    for (config, raw) in configs {
        let cluster = if config.producer.iter().next().is_some() {
            let mut own = base.clone();
            own.overrides(overrides(&raw));
            Cluster::connect(&own).await?
        } else {
            shared.clone()
        };
        let store = stores.of(&config, &cluster).await?;
        lanes.push(Lane { config, producer: cluster.producer(), admin: cluster.admin(), store });
    }
    let http = Arc::new(ReqwestService::new()?);
    let worker = Worker::new(lanes, http).await?;
    let stop = worker.stop();
    let listen = admin::serve(run.listen, recorder, worker.status(), stop.clone()).await.map_err(|e| {
        Error::new(sf_kafka::Outlook::Final, format!("{} cannot be listened on", run.listen)).with_source(e)
    })?;
    tracing::info!(
        metrics = format!("http://{listen}/metrics"),
        health = format!("http://{listen}/health"),
        "running"
    );
    tokio::spawn(signals(stop));
    let outcome = worker.run().await;
    tracing::info!(outcome = ?outcome, "stopped");
    Ok(outcome)
}

/// Where offsets are kept: one store a topic, however many connectors share it.
struct Stores<'r> {
    run: &'r Run,
    shared: &'r Cluster,
    /// By the brokers of another cluster, where it is on one, and the topic or file.
    open: HashMap<(Option<String>, String), Arc<dyn OffsetStore>>,
}

impl Stores<'_> {
    /// A connector's own offsets topic is on the cluster that its records go to, as Kafka Connect has it; what
    /// all connectors share is on the cluster of the command line.
    async fn of(&mut self, config: &BulkQuerySource, cluster: &Cluster) -> Result<Arc<dyn OffsetStore>> {
        let own = config.offsets_topic.as_deref();
        let elsewhere = own.and_then(|_| config.producer.get("bootstrap.servers")).map(str::to_owned);
        let place = match (own, &self.run.offset_storage_file) {
            (Some(topic), _) => topic.to_owned(),
            (None, Some(file)) => file.display().to_string(),
            (None, None) => self.run.offset_storage_topic.clone(),
        };
        let place = (elsewhere, place);
        if let Some(store) = self.open.get(&place) {
            return Ok(Arc::clone(store));
        }
        let cluster = if place.0.is_some() { cluster } else { self.shared };
        let store: Arc<dyn OffsetStore> = match (own, &self.run.offset_storage_file) {
            (None, Some(file)) => Arc::new(FileStore::open(file).await?),
            _ => {
                let (admin, reader) = (cluster.admin(), cluster.reader());
                let builder = KafkaStore::builder(&place.1);
                Arc::new(builder.open(cluster.producer(), &*admin, &*reader).await?)
            }
        };
        self.open.insert(place, Arc::clone(&store));
        Ok(store)
    }
}

/// The first signal stops cleanly, the second at once.
async fn signals(stop: CancellationToken) {
    if !next_signal().await {
        return;
    }
    tracing::info!("stopping: what is delivered is stored; once more to stop at once");
    stop.cancel();
    if next_signal().await {
        std::process::exit(130);
    }
}

async fn next_signal() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::error!("signals cannot be received: stop the process by force");
        return false;
    };
    tokio::select! {
        _ = interrupt.recv() => true,
        _ = terminate.recv() => true,
    }
}

/// An error with its causes in one line, and below it what to do, for people.
fn lines(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{}\n  {hint}", error.sentence()),
        None => error.sentence(),
    }
}
