//! The org's clock: every stamp, token and job state takes its time from here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

/// A shared clock; clones show and set the same time.
///
/// ```
/// use sf_sim::clock::Clock;
/// use std::time::Duration;
///
/// let clock = Clock::fixed(1_700_000_000_000);
/// clock.advance(Duration::from_secs(5));
/// assert_eq!(clock.now_ms(), 1_700_000_005_000);
/// ```
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    runs: AtomicBool,
    /// A running clock adds this to the machine's time; a standing one shows it.
    ms: AtomicI64,
}

impl Clock {
    /// Follows the machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Inner { runs: AtomicBool::new(true), ms: AtomicI64::new(0) }))
    }

    /// Stands still at `ms` milliseconds since the epoch until set or advanced.
    #[must_use]
    pub fn fixed(ms: i64) -> Self {
        Self(Arc::new(Inner { runs: AtomicBool::new(false), ms: AtomicI64::new(ms) }))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let ms = self.0.ms.load(Ordering::SeqCst);
        if self.0.runs.load(Ordering::SeqCst) { machine_ms() + ms } else { ms }
    }

    /// Shows `ms` from now on; a running clock runs on from there.
    pub fn set(&self, ms: i64) {
        let running = self.0.runs.load(Ordering::SeqCst);
        self.0.ms.store(if running { ms - machine_ms() } else { ms }, Ordering::SeqCst);
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.ms.fetch_add(by, Ordering::SeqCst);
    }

    /// Stops a running clock where it is; a standing one stays.
    pub fn stop(&self) {
        let now = self.now_ms();
        self.0.runs.store(false, Ordering::SeqCst);
        self.0.ms.store(now, Ordering::SeqCst);
    }

    /// The time now in whole seconds, as milliseconds: what a row's stamps hold.
    #[must_use]
    pub fn stamp_ms(&self) -> i64 {
        self.now_ms().div_euclid(1000) * 1000
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

#[allow(clippy::disallowed_methods, reason = "the crate's one look at the machine's clock")]
fn machine_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let clock = Clock::fixed(1_500);
        let other = clock.clone();
        assert_eq!(other.now_ms(), 1_500);
        assert_eq!(other.stamp_ms(), 1_000);
        clock.set(10_000);
        clock.advance(Duration::from_millis(250));
        assert_eq!(other.now_ms(), 10_250);
    }

    #[test]
    fn a_running_clock_runs_on_from_what_it_was_set_to() {
        let clock = Clock::system();
        clock.set(5_000);
        let first = clock.now_ms();
        assert!((5_000..65_000).contains(&first), "{first}");
        clock.stop();
        let stopped = clock.now_ms();
        assert!(stopped >= first);
        assert_eq!(clock.now_ms(), stopped);
    }
}
