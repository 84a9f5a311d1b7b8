//! Half-open windows of the cursor field: what has been read and what is next. Pure.

use chrono::{DateTime, NaiveDate, NaiveTime, SubsecRound, TimeDelta, Utc};

/// Where a window begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Nothing was read yet: all rows, or those created since a day.
    First(Option<NaiveDate>),
    /// Everything before this instant was read.
    At(DateTime<Utc>),
}

impl Start {
    /// The instant that an offset shows for this start.
    pub fn time(self) -> DateTime<Utc> {
        match self {
            Self::First(day) => day.map_or(DateTime::UNIX_EPOCH, |d| d.and_time(NaiveTime::MIN).and_utc()),
            Self::At(time) => time,
        }
    }
}

/// A window `[start, end)` of the cursor field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Where it begins.
    pub start: Start,
    /// The first instant that is not in it.
    pub end: DateTime<Utc>,
}

impl Window {
    /// The window from `start` up to the org's clock less the lag, in whole seconds. None where that is
    /// empty: the end never moves back, whatever the org's clock does.
    pub fn next(start: Start, org_time: DateTime<Utc>, lag: TimeDelta) -> Option<Self> {
        let end = org_time.checked_sub_signed(lag)?.trunc_subsecs(0);
        match start {
            Start::At(begun) if end <= begun => None,
            _ => Some(Self { start, end }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_ends_behind_the_orgs_clock_by_the_lag_in_whole_seconds() {
        let start = Start::At(at("2026-05-04T09:00:00Z"));
        let window = Window::next(start, at("2026-05-04T09:12:31.900Z"), TimeDelta::seconds(30)).unwrap();
        assert_eq!(window.end, at("2026-05-04T09:12:01Z"));
    }

    #[test]
    fn there_is_no_window_before_the_lag_has_passed_or_when_the_orgs_clock_goes_back() {
        let start = Start::At(at("2026-05-04T09:00:00Z"));
        let lag = TimeDelta::seconds(30);
        assert_eq!(Window::next(start, at("2026-05-04T09:00:30Z"), lag), None);
        assert_eq!(Window::next(start, at("2026-05-04T08:00:00Z"), lag), None);
        assert!(Window::next(start, at("2026-05-04T09:00:31Z"), lag).is_some());
    }

    #[test]
    fn an_offset_shows_the_day_since_or_the_epoch_for_the_first_window() {
        assert_eq!(Start::First(None).time(), at("1970-01-01T00:00:00Z"));
        let day = NaiveDate::from_ymd_opt(2024, 4, 1);
        assert_eq!(Start::First(day).time(), at("2024-04-01T00:00:00Z"));
    }
}
