//! Periods such as `LAST_N_DAYS:30` as days, reckoned from the time of the query.
//!
//! Days begin in the user's time zone, and weeks on Sunday, as in the locale en_US.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;

use super::ast::{Period, Unit};

/// The days from `start` to before `end`, and the same in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: NaiveDate,
    pub(super) end: NaiveDate,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
}

impl Span {
    pub(super) fn of(period: Period, now_ms: i64, zone: Tz) -> Self {
        let now = DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
        let today = now.with_timezone(&zone).date_naive();
        let running = first_day(period.unit, today);
        let start = shift(running, period.unit, period.from);
        let end = shift(running, period.unit, period.to.saturating_add(1)).max(start);
        Self { start, end, start_ms: midnight_ms(start, zone), end_ms: midnight_ms(end, zone) }
    }
}

/// When a day begins. Where clocks are put forward at midnight, that is the first moment after the gap.
fn midnight_ms(day: NaiveDate, zone: Tz) -> i64 {
    let Some(midnight) = day.and_hms_opt(0, 0, 0) else { return 0 };
    // The ends of the calendar have no room for an offset, and need none.
    if day.year().unsigned_abs() > 200_000 {
        return midnight.and_utc().timestamp_millis();
    }
    let at = |local: NaiveDateTime| zone.from_local_datetime(&local).earliest();
    let later = (0..=4).find_map(|half_hours| at(midnight + chrono::Duration::minutes(30 * half_hours)));
    later.map_or_else(|| midnight.and_utc().timestamp_millis(), |found| found.timestamp_millis())
}

/// The first day of the unit that `day` falls in.
fn first_day(unit: Unit, day: NaiveDate) -> NaiveDate {
    let first = |month| NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap_or(day);
    match unit {
        Unit::Day => day,
        Unit::Week => shift(day, Unit::Day, -i64::from(day.weekday().num_days_from_sunday())),
        Unit::Month => first(day.month()),
        Unit::Quarter => first((day.month() - 1) / 3 * 3 + 1),
        Unit::Year => first(1),
    }
}

/// `n` units later; far beyond the calendar it stays at its end, where every comparison still comes out right.
fn shift(day: NaiveDate, unit: Unit, n: i64) -> NaiveDate {
    let days = |n: i64| match (n < 0, Days::new(n.unsigned_abs())) {
        (true, days) => day.checked_sub_days(days),
        (false, days) => day.checked_add_days(days),
    };
    let months = |n: i64| {
        let count = Months::new(u32::try_from(n.unsigned_abs()).ok()?);
        if n < 0 { day.checked_sub_months(count) } else { day.checked_add_months(count) }
    };
    let shifted = match unit {
        Unit::Day => days(n),
        Unit::Week => days(n.saturating_mul(7)),
        Unit::Month => months(n),
        Unit::Quarter => months(n.saturating_mul(3)),
        Unit::Year => months(n.saturating_mul(12)),
    };
    shifted.unwrap_or(if n < 0 { NaiveDate::MIN } else { NaiveDate::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{parse_date, parse_datetime};

    /// 2024-03-13 is a Wednesday.
    fn days(name: &str, n: Option<i64>) -> (String, String) {
        let now = parse_datetime("2024-03-13T23:59:59Z").unwrap();
        let span = Span::of(Period::named(name, n).unwrap(), now, Tz::UTC);
        (span.start.to_string(), span.end.to_string())
    }

    #[test]
    fn periods_begin_and_end_where_salesforce_says() {
        let cases = [
            ("TODAY", None, "2024-03-13", "2024-03-14"),
            ("YESTERDAY", None, "2024-03-12", "2024-03-13"),
            ("TOMORROW", None, "2024-03-14", "2024-03-15"),
            ("LAST_N_DAYS", Some(3), "2024-03-10", "2024-03-14"),
            ("NEXT_N_DAYS", Some(3), "2024-03-14", "2024-03-17"),
            ("N_DAYS_AGO", Some(13), "2024-02-29", "2024-03-01"),
            ("LAST_90_DAYS", None, "2023-12-14", "2024-03-14"),
            ("NEXT_90_DAYS", None, "2024-03-14", "2024-06-12"),
            ("THIS_WEEK", None, "2024-03-10", "2024-03-17"),
            ("LAST_WEEK", None, "2024-03-03", "2024-03-10"),
            ("NEXT_WEEK", None, "2024-03-17", "2024-03-24"),
            ("LAST_N_WEEKS", Some(2), "2024-02-25", "2024-03-10"),
            ("THIS_MONTH", None, "2024-03-01", "2024-04-01"),
            ("LAST_MONTH", None, "2024-02-01", "2024-03-01"),
            ("NEXT_N_MONTHS", Some(10), "2024-04-01", "2025-02-01"),
            ("THIS_QUARTER", None, "2024-01-01", "2024-04-01"),
            ("LAST_QUARTER", None, "2023-10-01", "2024-01-01"),
            ("NEXT_FISCAL_QUARTER", None, "2024-04-01", "2024-07-01"),
            ("N_QUARTERS_AGO", Some(4), "2023-01-01", "2023-04-01"),
            ("THIS_YEAR", None, "2024-01-01", "2025-01-01"),
            ("LAST_N_FISCAL_YEARS", Some(2), "2022-01-01", "2024-01-01"),
        ];
        for (name, n, start, end) in cases {
            assert_eq!(days(name, n), (start.to_owned(), end.to_owned()), "{name} {n:?}");
        }
    }

    #[test]
    fn periods_beyond_the_calendar_stay_at_its_end() {
        for name in ["LAST_N_YEARS", "NEXT_N_YEARS", "LAST_N_DAYS", "NEXT_N_WEEKS", "N_MONTHS_AGO"] {
            let span = Span::of(Period::named(name, Some(i64::from(i32::MAX))).unwrap(), 0, Tz::UTC);
            assert!(span.start <= span.end && span.start_ms <= span.end_ms, "{name}");
        }
        let epoch = Span::of(Period::named("TODAY", None).unwrap(), 0, Tz::UTC);
        assert_eq!((epoch.start, epoch.start_ms), (parse_date("1970-01-01").unwrap(), 0));
    }

    #[test]
    fn days_begin_in_the_users_time_zone() {
        let spans = |now: &str, zone: Tz| {
            let span = Span::of(Period::named("TODAY", None).unwrap(), parse_datetime(now).unwrap(), zone);
            (span.start.to_string(), span.start_ms, span.end_ms - span.start_ms)
        };
        let at = |text: &str| parse_datetime(text).unwrap();
        let hour = 3_600_000;
        // Los Angeles puts its clocks forward on 2024-03-10 and back on 2024-11-03.
        let cases = [
            ("2024-03-13T06:59:59Z", Tz::America__Los_Angeles, "2024-03-12", "2024-03-12T07:00:00Z", 24),
            ("2024-03-10T12:00:00Z", Tz::America__Los_Angeles, "2024-03-10", "2024-03-10T08:00:00Z", 23),
            ("2024-11-03T12:00:00Z", Tz::America__Los_Angeles, "2024-11-03", "2024-11-03T07:00:00Z", 25),
            ("2024-03-13T20:00:00Z", Tz::Asia__Kolkata, "2024-03-14", "2024-03-13T18:30:00Z", 24),
            // In Beirut the day begins at one o'clock when the clocks are put forward.
            ("2022-03-27T12:00:00Z", Tz::Asia__Beirut, "2022-03-27", "2022-03-26T22:00:00Z", 23),
        ];
        for (now, zone, day, start, hours) in cases {
            assert_eq!(spans(now, zone), (day.to_owned(), at(start), hours * hour), "{now} {zone}");
        }
    }
}
