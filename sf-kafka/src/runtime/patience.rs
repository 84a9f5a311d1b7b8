//! How long to wait after a failure, between polls, and for an allowance.

use std::time::Duration;

use sf_core::Client;
use sf_core::limits::{Usage, names};

use crate::error::chain;
use crate::{Error, Outlook};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// What was refused is not asked for again at once: an edge of the org that refuses everything for a
/// while must not look like a person's mistake.
const REFUSED_PAUSES: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(12)];
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Asking for the limits costs a call of the very allowance that is used up.
const ALLOWANCE_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_ALLOWANCE_PAUSE: Duration = Duration::from_secs(900);
/// What a query job uses up.
const ALLOWANCES: [&str; 3] = [names::API_REQUESTS, names::BULK_QUERY_JOBS, names::BULK_QUERY_MEGABYTES];

/// The failures of a table since its last progress.
#[derive(Debug, Default)]
pub(super) struct Patience {
    failures: u32,
    refusals: usize,
}

impl Patience {
    /// Rows arrived.
    pub(super) fn progress(&mut self) {
        self.failures = 0;
    }

    /// A whole window was read: what was refused in it before is forgotten.
    pub(super) fn done(&mut self) {
        *self = Self::default();
    }

    /// How long to wait before the next try; `None` where it is over.
    pub(super) fn after(&mut self, error: &Error) -> Option<Duration> {
        self.failures += 1;
        let pause = match error.outlook() {
            Outlook::Final => return None,
            Outlook::Refused => {
                self.refusals += 1;
                *REFUSED_PAUSES.get(self.refusals - 1)?
            }
            Outlook::Passing | Outlook::DailyLimit => doubled(FIRST_PAUSE, self.failures - 1, LONGEST_PAUSE),
        };
        Some(pause.max(error.retry_after().unwrap_or_default()))
    }
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << times.min(20)).min(longest)
}

/// Waits until the org has something left of each allowance of the day, or does not tell: then only the work
/// itself can show how it stands, and what else is wrong. It asks first after `pause`, where that is longer than
/// usual.
pub(super) async fn allowance(client: &Client, pause: Duration) -> crate::Result<()> {
    let first = pause.max(ALLOWANCE_PAUSE);
    for asked in 0.. {
        tokio::time::sleep(doubled(first, asked, LONGEST_ALLOWANCE_PAUSE)).await;
        match client.limits().await.map_err(Error::from) {
            Ok(limits) => {
                let left = |name| limits.get(name).is_none_or(|l| l.remaining > 0);
                if ALLOWANCES.into_iter().all(left) {
                    break;
                }
            }
            Err(e) if matches!(e.outlook(), Outlook::DailyLimit | Outlook::Passing) => {
                tracing::debug!(error = chain(&e), "the org does not tell its limits for now");
            }
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// By how much to stretch the time between two polls, as little is left of what a poll uses up.
pub(super) fn stretch(allowances: impl IntoIterator<Item = Usage>) -> u32 {
    let left = allowances.into_iter().filter(|u| u.max > 0).map(|u| u.left().saturating_mul(100) / u.max);
    match left.min().unwrap_or(100) {
        0..5 => 10,
        5..10 => 4,
        10..20 => 2,
        _ => 1,
    }
}

/// The org's query jobs of the day, where it tells.
pub(super) async fn query_jobs(client: &Client) -> Option<Usage> {
    let limits = client.limits().await.ok()?;
    let limit = limits.daily_bulk_query_jobs()?;
    let (max, left) = (u64::try_from(limit.max).ok()?, u64::try_from(limit.remaining).ok()?);
    Some(Usage { used: max.saturating_sub(left), max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_come_less_often_as_the_days_calls_run_out() {
        let left = |used| stretch([Usage { used, max: 15_000 }]);
        assert_eq!([left(0), left(12_000), left(12_001), left(13_600), left(14_400)], [1, 1, 2, 4, 10]);
        assert_eq!(stretch([]), 1);
        let (calls, jobs) = (Usage { used: 1, max: 15_000 }, Usage { used: 9_700, max: 10_000 });
        assert_eq!(stretch([calls, jobs]), 10, "the smaller share counts");
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
        assert_eq!(patience.after(&refused), Some(Duration::from_secs(3)));
        assert_eq!(patience.after(&refused), Some(Duration::from_secs(12)));
        assert_eq!(patience.after(&refused), None);
        assert_eq!(Patience::default().after(&Error::new(Outlook::Final, "no")), None);
    }
}
