//! Retrying, written once: a policy as a value, a verdict beside each error, one loop.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{Error, ErrorKind, Result};

/// How hard to try: by attempts and by total time, whichever ends first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    max_attempts: u32,
    initial: Duration,
    max_backoff: Duration,
    budget: Duration,
}

impl Default for RetryPolicy {
    /// 10 attempts within 5 minutes, pauses from half a second to 30 s.
    fn default() -> Self {
        Self {
            max_attempts: 10,
            initial: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
            budget: Duration::from_secs(300),
        }
    }
}

impl RetryPolicy {
    /// One attempt and no more.
    pub fn none() -> Self {
        Self { max_attempts: 1, ..Self::default() }
    }

    /// At most this many attempts, the first included (at least 1).
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// The first pause; later ones double up to the longest, each between half and the whole of it.
    pub fn with_initial_backoff(mut self, pause: Duration) -> Self {
        self.initial = pause;
        self
    }

    /// The longest pause that we choose ourselves. `Retry-After` may ask for more.
    pub fn with_max_backoff(mut self, pause: Duration) -> Self {
        self.max_backoff = pause;
        self
    }

    /// No attempt begins later than this after the first.
    pub fn with_budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// Starts counting attempts and time: try, and [`pause_after`](Attempts::pause_after) each failure.
    pub fn start(&self) -> Attempts {
        Attempts { policy: *self, made: 0, started: Instant::now(), rng: fastrand::Rng::new() }
    }
}

/// Whether an error may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The org did nothing: always.
    Always,
    /// The org may have acted: only where repeating is harmless.
    IfRepeatable,
    /// Trying again gives the same answer, or harm.
    Never,
}

impl Error {
    /// Whether this error may be tried again.
    pub fn verdict(&self) -> Verdict {
        match (self.kind(), self.error_code()) {
            (_, Some("UNABLE_TO_LOCK_ROW")) => Verdict::Always,
            (_, Some("QUERY_TIMEOUT")) => Verdict::IfRepeatable,
            (ErrorKind::Connect | ErrorKind::RateLimited, _) => Verdict::Always,
            (ErrorKind::Server | ErrorKind::Timeout | ErrorKind::Broken, _) => Verdict::IfRepeatable,
            _ => Verdict::Never,
        }
    }
}

/// The attempts made so far under a policy: for loops that keep state of their own between attempts.
#[derive(Debug)]
pub struct Attempts {
    policy: RetryPolicy,
    made: u32,
    started: Instant,
    rng: fastrand::Rng,
}

impl Attempts {
    /// Notes a failed attempt and waits before the next one.
    ///
    /// # Errors
    /// The error given, where it is final or the policy is used up.
    pub async fn pause_after(&mut self, error: Error, repeatable: bool) -> Result<()> {
        self.made += 1;
        let retriable = match error.verdict() {
            Verdict::Always => true,
            Verdict::IfRepeatable => repeatable,
            Verdict::Never => false,
        };
        if !retriable || self.made >= self.policy.max_attempts {
            return Err(error);
        }
        let pause = self.backoff().max(error.retry_after().unwrap_or_default());
        let left = self.policy.budget.saturating_sub(self.started.elapsed());
        if pause > left {
            return Err(error);
        }
        tracing::warn!(
            error = error.sentence(),
            hint = error.hint(),
            attempt = self.made,
            retry_in_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            budget_left_s = left.as_secs(),
            "request failed, trying again"
        );
        sleep(pause).await;
        Ok(())
    }

    /// Starts over, because something was achieved: the next failure is a first one again.
    pub fn reset(&mut self) {
        self.made = 0;
        self.started = Instant::now();
    }

    fn backoff(&mut self) -> Duration {
        let doubled = self.policy.initial.saturating_mul(1 << (self.made - 1).min(20));
        let whole = doubled.min(self.policy.max_backoff);
        whole / 2 + (whole / 2).mul_f64(self.rng.f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Error {
        Error::new(ErrorKind::Server, "503").with_status(503)
    }

    /// How many attempts are made when each fails with this error.
    async fn attempts_made(policy: RetryPolicy, repeatable: bool, error: &Error) -> u32 {
        let mut attempts = policy.start();
        let mut made = 1;
        while attempts.pause_after(error.clone(), repeatable).await.is_ok() {
            made += 1;
        }
        made
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_error_is_tried_again_only_where_repeating_is_harmless() {
        let policy = RetryPolicy::default().with_max_attempts(4);
        assert_eq!(attempts_made(policy, true, &server()).await, 4);
        assert_eq!(attempts_made(policy, false, &server()).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_never_sent_is_always_tried_again_and_a_daily_limit_never() {
        let policy = RetryPolicy::default().with_max_attempts(3);
        for (kind, made) in [(ErrorKind::Connect, 3), (ErrorKind::RateLimited, 3), (ErrorKind::DailyLimit, 1)]
        {
            assert_eq!(attempts_made(policy, false, &Error::new(kind, "no")).await, made, "{kind:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_wins_over_a_shorter_backoff() {
        let start = Instant::now();
        let asked = server().with_retry_after(Some(Duration::from_secs(77)));
        RetryPolicy::default().start().pause_after(asked, true).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 77);
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_ends_the_attempts_however_many_are_left() {
        let start = Instant::now();
        let policy = RetryPolicy::default().with_max_attempts(1000).with_budget(Duration::from_secs(60));
        assert!(attempts_made(policy, true, &server()).await > 3);
        assert!(start.elapsed() <= Duration::from_secs(60));
        assert!(start.elapsed() >= Duration::from_secs(20), "gave up after {:?}", start.elapsed());
    }
}
