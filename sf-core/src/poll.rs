//! Waiting for a job, which is not retrying: the answer is fine, it is only "not yet".

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often to ask, and for how long.
///
/// The pause starts at `initial` and grows by half each time up to `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollPolicy {
    /// The pause before the second question; the first is asked at once.
    pub initial: Duration,
    /// The longest pause.
    pub max: Duration,
    /// When to stop asking. Stopping changes nothing in the org.
    pub deadline: Option<Duration>,
}

impl Default for PollPolicy {
    /// Half a second growing to 30 s, for at most 24 hours.
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(500),
            max: Duration::from_secs(30),
            deadline: Some(Duration::from_secs(24 * 60 * 60)),
        }
    }
}

impl PollPolicy {
    /// Starts the clock. Ask, and [`pause`](Polls::pause) after each "not yet".
    pub fn start(&self) -> Polls {
        Polls { policy: *self, started: Instant::now(), next: self.initial }
    }
}

/// The questions asked so far under a policy.
///
/// ```
/// # async fn ask() -> Option<u32> { Some(7) }
/// # async fn f() -> Option<u32> {
/// let mut polls = sf_core::poll::PollPolicy::default().start();
/// loop {
///     if let Some(answer) = ask().await {
///         return Some(answer);
///     }
///     if !polls.pause().await {
///         return None; // the deadline has passed
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Polls {
    policy: PollPolicy,
    started: Instant,
    next: Duration,
}

impl Polls {
    /// Waits until it is time to ask again; `false`, at once, where that would be after the deadline.
    #[must_use]
    pub async fn pause(&mut self) -> bool {
        let then = self.started.elapsed().saturating_add(self.next);
        if self.policy.deadline.is_some_and(|deadline| then > deadline) {
            return false;
        }
        sleep(self.next).await;
        self.next = self.next.saturating_add(self.next / 2).min(self.policy.max);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_to_the_longest_and_the_deadline_ends_them() {
        let start = Instant::now();
        let policy = PollPolicy {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(2),
            deadline: Some(Duration::from_secs(7)),
        };
        let mut polls = policy.start();
        let mut at = Vec::new();
        while polls.pause().await {
            at.push(start.elapsed().as_millis());
        }
        assert_eq!(at, [1000, 2500, 4500, 6500]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_without_an_end_is_no_reason_to_panic() {
        let endless = PollPolicy { initial: Duration::MAX, max: Duration::MAX, deadline: None };
        let ended = tokio::time::timeout(Duration::from_secs(1), endless.start().pause()).await;
        assert!(ended.is_err(), "it waits");
        let policy = PollPolicy { deadline: Some(Duration::from_secs(7)), ..endless };
        assert!(!policy.start().pause().await);
    }
}
