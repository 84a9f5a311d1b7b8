//! `sf-kafka run` as a user starts it, and its log.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_sf-kafka");
const PATIENCE: Duration = Duration::from_secs(90);

/// A running process. It does not outlive its test.
pub(crate) struct Run {
    child: Child,
    log: tokio::io::Lines<BufReader<ChildStderr>>,
}

/// The program in a folder, without what this machine's variables would tell it.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).kill_on_drop(true).env("RUST_LOG", "info");
    for variable in ["KAFKA_BOOTSTRAP_SERVERS", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(variable).env_remove(variable.to_lowercase());
    }
    command
}

impl Run {
    /// `sf-kafka run` with these arguments; the log as JSON.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = program(folder);
        command.arg("run").args(arguments).args(["--listen", "127.0.0.1:0", "--log-format", "json"]);
        Self::of(command)
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, log }
    }

    /// Reads the log until a line for which `last` is true; all events up to it.
    pub(crate) async fn until(&mut self, mut last: impl FnMut(&Value) -> bool) -> Vec<Value> {
        let mut events = Vec::new();
        let read = async {
            while let Some(line) = self.log.next_line().await.unwrap() {
                let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
                let done = last(&event);
                events.push(event);
                if done {
                    return;
                }
            }
            panic!("the process ended: {events:?}");
        };
        if tokio::time::timeout(PATIENCE, read).await.is_err() {
            panic!("what was waited for never came: {events:?}");
        }
        events
    }

    /// Asks it to stop, as an operator does.
    pub(crate) async fn terminate(&self) {
        let pid = self.child.id().unwrap().to_string();
        // The shell's own: a bare machine has no program of that name.
        assert!(Command::new("sh").args(["-c", "kill -TERM $0", &pid]).status().await.unwrap().success());
    }

    /// Stops it as an operator does.
    pub(crate) async fn stop(self) {
        self.terminate().await;
        self.stopped().await;
    }

    /// Waits until it has stopped cleanly.
    pub(crate) async fn stopped(mut self) {
        let status = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Ends it at once, as a machine that fails does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits until it ends by itself: how, and all that it said from here on.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let read = async {
            let mut said = String::new();
            while let Some(line) = self.log.next_line().await.unwrap() {
                said.push_str(&line);
                said.push('\n');
            }
            (self.child.wait().await.unwrap(), said)
        };
        tokio::time::timeout(PATIENCE, read).await.expect("it never ended")
    }
}

pub(crate) fn is_page(event: &Value, table: &str) -> bool {
    event["message"] == "page delivered" && event["table"] == table
}

/// Writes a configuration; its path.
pub(crate) fn written(folder: &Path, name: &str, config: &Value) -> String {
    let path = folder.join(name);
    std::fs::write(&path, serde_json::to_string_pretty(config).unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}
