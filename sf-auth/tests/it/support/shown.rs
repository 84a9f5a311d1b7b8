//! What tests write, and what must not be in it. The tests within the crate use it as well.

use std::fmt::Debug;
use std::process::Command;
use std::sync::Once;

/// What no output may hold: the mark that stands in every secret of these tests, the passwords of their key stores, and
/// how keys, tokens and codes begin, the emulated org's among them.
pub(crate) const MARKS: &[&str] = &[
    "S3CRET",
    "s3cr",
    "changeit",
    "another1",
    "MIIE",
    "/u3+7Q",
    "eyJ0eXAiOiJKV1Q",
    "!AQ",
    "!REDACTED",
    "5Aep861",
    "aPrx",
    "M1V4",
    "sim-consumer-secret",
    "sim-password",
    "simtoken",
    "<client_secret>",
    "<password>",
    "<security_token>",
];

/// With `RUST_LOG=trace`, everything that is logged from here on is written to stderr. Each test comes by here, since
/// each needs an HTTP service or a retry policy.
pub(crate) fn logged() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if std::env::var("RUST_LOG").is_ok_and(|level| level == "trace") {
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
                .with_ansi(false)
                .with_writer(std::io::stderr)
                .finish();
            // A second one in this process would be a test's own, which is as good.
            let _ = tracing::subscriber::set_global_default(subscriber);
        }
    });
}

/// Writes what a user could see of it, where `secrets` looks for what must not be there.
pub(crate) fn seen<T: Debug>(what: T) -> T {
    eprintln!("seen: {what:?}");
    what
}

/// Runs this test binary with every log line written; whether all went well, and everything that it wrote.
pub(crate) fn output_of(arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.arg("--nocapture").args(arguments).env("RUST_LOG", "trace").output().unwrap();
    let written = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&written).into_owned())
}

pub(crate) fn leaks(output: &str) -> Vec<&str> {
    output.lines().filter(|line| MARKS.iter().any(|mark| line.contains(mark))).collect()
}
