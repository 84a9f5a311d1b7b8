//! How long to wait after a failure, between polls, and for an allowance.

use std::time::Duration;

use sf_core::Client;
use sf_core::limits::Usage;

use crate::{Error, Outlook};

/// How often in a row the org may refuse something before a person has to look.
const MOST_REFUSALS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Asking for the limits costs a call of the very allowance that is used up.
const ALLOWANCE_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_ALLOWANCE_PAUSE: Duration = Duration::from_secs(900);

/// The failures of a table since its last progress.
#[derive(Debug, Default)]
pub(super) struct Patience {
    failures: u32,
    refusals: u32,
}

impl Patience {
    pub(super) fn progress(&mut self) {
        *self = Self::default();
    }

    /// How long to wait before the next try; `None` where it is over.
    pub(super) fn after(&mut self, error: &Error) -> Option<Duration> {
        self.failures += 1;
        match error.outlook() {
            Outlook::Final => return None,
            Outlook::Refused => {
                self.refusals += 1;
                if self.refusals >= MOST_REFUSALS {
                    return None;
                }
            }
            Outlook::Passing | Outlook::DailyLimit => {}
        }
        Some(doubled(FIRST_PAUSE, self.failures - 1, LONGEST_PAUSE))
    }
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << times.min(20)).min(longest)
}

/// Waits until the org has calls and query jobs left for the day.
pub(super) async fn allowance(client: &Client) {
    for asked in 0.. {
        tokio::time::sleep(doubled(ALLOWANCE_PAUSE, asked, LONGEST_ALLOWANCE_PAUSE)).await;
        match client.limits().await {
            Ok(limits) => {
                let left = |name| limits.get(name).is_none_or(|l| l.remaining > 0);
                if left("DailyApiRequests") && left("DailyBulkV2QueryJobs") {
                    return;
                }
            }
            Err(e) => tracing::debug!(error = %e, "the org does not tell its limits"),
        }
    }
}

/// By how much to stretch the time between two polls, as little is left of the org's calls.
pub(super) fn stretch(usage: Option<Usage>) -> u32 {
    let Some(usage) = usage.filter(|u| u.max > 0) else { return 1 };
    match usage.left().saturating_mul(100) / usage.max {
        0..5 => 10,
        5..10 => 4,
        10..20 => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_come_less_often_as_the_days_calls_run_out() {
        let left = |used| stretch(Some(Usage { used, max: 15_000 }));
        assert_eq!([left(0), left(12_000), left(12_001), left(13_600), left(14_400)], [1, 1, 2, 4, 10]);
        assert_eq!(stretch(None), 1);
        assert_eq!(left(20_000), 10);
    }

    #[test]
    fn pauses_double_and_progress_starts_over() {
        let passing = Error::new(Outlook::Passing, "503");
        let mut patience = Patience::default();
        let pauses: Vec<_> = (0..10).map(|_| patience.after(&passing).unwrap().as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        patience.progress();
        assert_eq!(patience.after(&passing), Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_refusal_is_tried_again_twice_and_what_is_final_never() {
        let refused = Error::new(Outlook::Refused, "INVALID_FIELD");
        let mut patience = Patience::default();
        assert!(patience.after(&refused).is_some());
        assert!(patience.after(&refused).is_some());
        assert_eq!(patience.after(&refused), None);
        assert_eq!(Patience::default().after(&Error::new(Outlook::Final, "no")), None);
    }
}
