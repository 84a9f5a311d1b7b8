//! What the runnable programs share: an org and a broker from the environment or of their own, progress on a
//! terminal and in a log, and a consumer that counts.

use std::io::IsTerminal;

pub mod broker;
pub mod connector;
pub mod csv_file;
pub mod emulated;
pub mod json_lines;
pub mod load;
pub mod login;
pub mod org;
pub mod outcomes;
pub mod progress;
pub mod read_back;
pub mod setup;
pub mod text;
pub mod variables;
pub mod whoami;

/// What a program fails with.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// A result of these programs.
pub type Result<T> = std::result::Result<T, Error>;

/// That a program was called otherwise than it can be, and how it can be: nothing was done.
#[derive(Clone, Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Runs a program: its logs and its error go to stderr, and the error decides the exit status: 2 for [`Usage`], else 1.
/// `RUST_LOG` says what is logged, or else `usual` does.
pub fn run<F>(usual: &str, program: F) -> std::process::ExitCode
where
    F: Future<Output = Result<()>>,
{
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(usual));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    log.with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the runtime cannot be started: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    match runtime.block_on(program) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", text::with_causes(&*error));
            match error.is::<Usage>() {
                true => std::process::ExitCode::from(2),
                false => std::process::ExitCode::FAILURE,
            }
        }
    }
}

/// Ends when Ctrl-C is pressed; pressed once more it ends the process.
pub async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        return std::future::pending().await;
    }
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}
